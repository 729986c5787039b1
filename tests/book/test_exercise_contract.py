"""What every exercise promises its reader, proved for all of them."""

from fractions import Fraction as F

import numpy as np
import pytest

from minixai.book import exercises, source
from minixai.book.exercise import HOLE, Counterexample, Function, Question, Solved
from minixai.book.judge import check, check_function
from minixai.book.values import alike, as_floats, as_fractions, numeric, parts
from tests.book.by_hand import EXERCISES

EVERY = [e for number in exercises.numbers() for e in exercises.of(number).values()]
FUNCTIONS = [e for e in EVERY if isinstance(e, Function)]
COUNTEREXAMPLES = [e for e in EVERY if isinstance(e, Counterexample)]
QUESTIONS = [e for e in EVERY if isinstance(e, Question)]
WRONG = [(e, w) for e in FUNCTIONS for w in e.wrong]


def each(records):
    return pytest.mark.parametrize("e", records, ids=lambda e: e.id)


each_wrong = pytest.mark.parametrize(("e", "w"), WRONG, ids=lambda v: getattr(v, "id", None) or v.name)


def stub(*args):
    raise NotImplementedError


def arrays(e):
    """Every array in the bank of an exercise."""
    return [a for case in e.cases for a in case if isinstance(a, np.ndarray)]


def lopsided(a):
    """Whether exchanging rows and columns would show."""
    return np.ndim(a) < 2 or a.shape[0] != a.shape[1] or bool((a != a.T).any())


def exactly(e, case):
    return e.solution(*as_fractions(case))


# -- every exercise ----------------------------------------------------------------------------------------------------


def test_ids_are_unique_and_chapters_are_named_by_their_number():
    assert len({e.id for e in EVERY}) == len(EVERY) >= 18
    for number in exercises.numbers():
        assert exercises.chapter_name(number).startswith(f"{number}_")


@pytest.mark.parametrize("path", source.paths(), ids=lambda p: p.stem)
def test_a_chapter_uses_all_its_exercises(path):
    """By their ids, in the calls that declare or ask them."""
    code = "\n".join(cell.text for cell in source.read(path).cells if cell.kind == "code")
    unused = [id for id in exercises.of(path.stem) if f'("{id}"' not in code]
    assert unused == []


@each([e for e in EVERY if isinstance(e, Solved)])
def test_the_stub_is_not_attempted(e):
    verdict = check(e, stub)
    assert (verdict.rung, verdict.passed) == ("not attempted", None)


@each([e for e in EVERY if isinstance(e, Solved)])
def test_the_solution_passes(e):
    assert check(e, e.solution, graded=True).passed is True


@each([e for e in EVERY if isinstance(e, Solved)])
def test_three_hints_and_the_solution_fills_the_hole_of_the_third(e):
    first, second, third = e.hints
    assert e.body.count(e.hole) == 1 and third.count(HOLE) == 1
    assert e.hole not in first + second + third
    space = {"np": np}
    exec(third.replace(HOLE, e.hole), space)
    assert check(e, space[e.id], graded=True).passed is True


# -- functions ---------------------------------------------------------------------------------------------------------


@each(FUNCTIONS)
def test_the_reader_gets_float64_copies_never_fractions_or_integers(e):
    seen = []

    def spy(*args):
        seen.append(args)
        return e.solution(*args)

    assert check(e, spy).passed
    assert len(seen) >= len(e.cases) + 10
    for args in seen:
        # a count stays a count, and a function is what it is
        assert all(isinstance(a, str | float | int) or callable(a) or a.dtype == np.float64 for a in args)
        for a in args:
            if isinstance(a, np.ndarray):
                a[...] = 7  # what the reader does to a copy changes nothing
    assert check(e, e.solution).passed


@each(FUNCTIONS)
def test_the_solution_stays_in_exact_fractions(e):
    for case in e.cases:
        for part in parts(exactly(e, case)):
            assert all(isinstance(v, F | int) for v in np.asarray(part, object).flat)


@each(FUNCTIONS)
@pytest.mark.parametrize("how", ["zeros", "noise", "three times", "nearly"])
def test_zeros_noise_and_a_factor_fail(e, how):
    rng = np.random.default_rng(0)

    def answer(*args):
        right = numeric(e.solution(*args))
        noise = rng.standard_normal(right.shape)
        return {"zeros": 0 * right, "noise": noise, "three times": 3 * right, "nearly": right + 1e-6 * noise}[how]

    verdict = check(e, answer)
    assert verdict.passed is False and verdict.diagnosis is not None


@each(FUNCTIONS)
def test_handing_back_an_argument_fails_whichever(e):
    for place in range(len(e.arguments)):
        assert check(e, lambda *args, place=place: args[place]).passed is False


@each(FUNCTIONS)
def test_the_bank_learnt_by_heart_fails_on_fresh_numbers(e):
    known = [(as_floats(case), as_floats(numeric(exactly(e, case)))) for case in e.cases]

    def by_heart(*args):
        same = [r for case, r in known if all(np.array_equal(a, b) for a, b in zip(args, case, strict=True))]
        return same[0] if same else 0 * numeric(e.solution(*args))

    verdict = check(e, by_heart)
    assert verdict.rung in ("property", "oracle")
    assert "On the cases it is right, but" in repr(verdict) and "These are fresh numbers" in repr(verdict)


@each(FUNCTIONS)
def test_property_and_oracle_are_two_different_witnesses(e):
    """Each of them alone convicts some wrong answer; and both accept the solution."""
    rng = np.random.default_rng(1)
    draws = [e.draw(rng) for _ in range(20)]
    for case in draws:
        given = as_floats(case)
        assert e.property.holds(lambda *a: e.solution(*as_floats(a)), *as_floats(case))
        assert alike(e.oracle.answer(*given), exactly(e, case))
    oracle = [w for w in e.wrong if any(not alike(e.oracle.answer(*as_floats(c)), w.function(*c)) for c in draws)]
    assert len(oracle) == len(e.wrong)

    def violated(w):
        for case in draws:
            try:
                if not e.property.holds(lambda *a: numeric(w.function(*as_floats(a))), *as_floats(case)):
                    return True
            except ValueError:  # a wrong shape
                return True
        return False

    assert any(violated(w) for w in e.wrong)


@each(FUNCTIONS)
def test_at_least_three_wrong_answers_of_which_two_are_ideas(e):
    assert len(e.wrong) >= 3 and sum(w.label == "idea" for w in e.wrong) >= 2
    assert {w.label for w in e.wrong} <= {"idea", "bookkeeping", "convention"}
    assert all(len(w.sentence) > 30 and w.sentence.endswith(".") for w in e.wrong)


@each_wrong
def test_each_wrong_answer_is_refused_and_named_as_itself(e, w):
    verdict = check_function(e, w.function, graded=True)
    assert verdict.passed is False
    assert (verdict.diagnosis.name, verdict.diagnosis.label) == (w.name, w.label)
    assert w.sentence in repr(verdict)


@each_wrong
def test_a_convention_passes_with_a_note_where_nobody_is_graded(e, w):
    verdict = check_function(e, w.function)
    assert bool(verdict) is (w.label == "convention")
    assert w.sentence in repr(verdict)


@each(FUNCTIONS)
def test_no_two_wrong_answers_are_the_same_on_the_whole_bank(e):
    given = {w.name: [w.function(*as_fractions(case)) for case in e.cases] for w in e.wrong}
    for i, a in enumerate(e.wrong):
        for b in e.wrong[i + 1 :]:
            assert not all(map(alike, given[a.name], given[b.name])), f"{a.name} and {b.name}"


@each(FUNCTIONS)
def test_half_a_misconception_is_one_we_do_not_know(e):
    """Wrong like a known mistake on one case only, or like two of them on different cases: no name is given."""
    for w in e.wrong:
        wrong_at = [i for i, c in enumerate(e.cases) if not alike(w.function(*as_fractions(c)), exactly(e, c))]
        for i in wrong_at:
            case = as_floats(e.cases[i])

            def once(*args, case=case, w=w):
                here = all(np.array_equal(a, b) for a, b in zip(args, case, strict=True))
                return w.function(*args) if here else e.solution(*args)

            diagnosis = check(e, once).diagnosis
            assert diagnosis.name is None and diagnosis.wrong_on == 1
            assert "not one we know" in " ".join(diagnosis.words) and e.property.sentence in " ".join(diagnosis.words)


@each(FUNCTIONS)
def test_shapes_are_not_symmetric_and_signals_not_uniform(e):
    found = arrays(e)
    assert all(len(set(a.flat)) > 1 for a in found)
    if any(a.ndim == 2 for a in found):
        assert any(a.ndim == 2 and a.shape[0] != a.shape[1] for a in found)
    assert sum(all(map(lopsided, case)) for case in e.cases) >= 2


@each(FUNCTIONS)
def test_the_numbers_are_those_worked_out_by_hand(e):
    case = e.cases[0]
    assert alike(exactly(e, case), np.array(EXERCISES[e.id][""], object))
    wrong = {w.name: w.function for w in e.wrong}
    for name, expected in EXERCISES[e.id].items():
        if name:
            assert alike(wrong[name](*as_fractions(case)), np.array(expected, object)), name


# -- counterexamples ---------------------------------------------------------------------------------------------------


@each(COUNTEREXAMPLES)
def test_valid_ones_are_accepted(e):
    assert len(e.accepted) >= 2
    for answer in e.accepted:
        assert check(e, lambda answer=answer: answer).passed is True, answer


@each(COUNTEREXAMPLES)
def test_others_are_refused_on_their_rung_with_a_sentence_of_their_own(e):
    rungs = {rung for _, rung in e.refused}
    assert rungs == {"interface", "trivial", "property"}
    for answer, rung in e.refused:
        verdict = check(e, lambda answer=answer: answer)
        assert (verdict.rung, verdict.passed) == (rung, False), answer
        assert len(verdict.sentence) > 20


@each(COUNTEREXAMPLES)
@pytest.mark.parametrize("junk", [None, 0, "x", (), [], {}, np.zeros((2, 2)), [[1], [1, 2]], np.inf, object()])
def test_junk_is_refused_and_breaks_nothing(e, junk):
    assert check(e, lambda: junk).passed is False


def test_the_bug_is_one_of_the_named_mistakes():
    (hunt,) = (e for e in COUNTEREXAMPLES if e.kind == "bug")
    (known,) = (w for e in FUNCTIONS if e.id == "conv_backward" for w in e.wrong if w.name == "filter not flipped")
    assert hunt.bug is known.function


# -- questions ---------------------------------------------------------------------------------------------------------


@each(QUESTIONS)
def test_a_question_accepts_its_answer_and_waits_for_one(e):
    assert check(e, e.answer).passed is True
    asked = check(e, ...)
    assert asked.passed is None and e.ask.split("{{")[0] in asked.sentence
    assert dict(asked.options) == dict(e.options)
    assert all(f"{letter}: {text}" in repr(asked) for letter, text in e.options.items())


@each(QUESTIONS)
def test_every_wrong_answer_it_knows_is_refused_with_its_sentence(e):
    assert e.wrong
    for answer, why in e.wrong:
        verdict = check(e, answer)
        assert verdict.passed is False and why.split("{{")[0] in verdict.sentence
        assert "{{" not in verdict.sentence


@each([q for q in QUESTIONS if q.options])
def test_every_other_option_is_refused_and_strange_ones_are_not_options(e):
    for letter in e.options:
        assert bool(check(e, letter)) is (letter == e.answer)
    assert check(e, "Z").rung == "interface" and check(e, tuple(e.options)).passed is False
