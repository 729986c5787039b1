"""The ladder of the checker, rung by rung, and what it says about a wrong answer."""

import re
from dataclasses import replace

import numpy as np
import pytest

from minixai.book import exercises
from minixai.book.exercise import Naming, Question
from minixai.book.judge import FRESH, SEED, check
from minixai.book.values import alike, as_floats
from minixai.book.verdict import Diagnosis, Verdict, coloured, stressed

RELU = exercises.of("06")["relu_backward"]
CONTRIBUTION = exercises.of("00")["contribution"]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda w, x: None, "returned None; is a return missing?"),
        (lambda w, x: "6, -1", "returned a str; expected numbers"),
        (lambda w, x: [w, "x"], "returned a list; expected numbers"),
        (lambda w, x: w * x * 1j, "returned a ndarray; expected numbers"),
        (lambda w, x: np.outer(w, x), "returned an array of shape (2, 2); expected an array of shape (2,)"),
        (lambda w, x: 6.0, "returned a single number; expected an array of shape (2,)"),
        (lambda w, x: (w, x), "returned 2 things; expected 1"),
        (lambda w, x: w * x / nothing, "stopped with NameError: name 'nothing' is not defined"),  # noqa: F821
        (lambda w, x: 1 / 0, "stopped with ZeroDivisionError: division by zero at the line: "),
    ],
)
def test_interface_the_form_comes_before_the_numbers(function, sentence):
    verdict = check(CONTRIBUTION, function)
    assert verdict.rung == "interface" and sentence in verdict.sentence
    assert verdict.diagnosis is not None and "not one we know" in repr(verdict)


def test_interface_an_argument_that_is_changed_in_place():
    def in_place(w, x):
        x *= w
        return x

    verdict = check(CONTRIBUTION, in_place)
    assert verdict.rung == "interface" and "changed its argument x in place; work on a copy" in verdict.sentence


def test_interface_a_kind_that_is_still_missing():
    def half(kind, y, R):
        if kind == "guided":
            raise NotImplementedError("later")
        return RELU.solution(kind, y, R)

    verdict = check(RELU, half)
    assert verdict.rung == "interface" and "stopped with NotImplementedError: later" in verdict.sentence
    assert "kind = 'guided'" in repr(verdict)


def test_interface_a_loop_without_end(monkeypatch):
    monkeypatch.setattr("minixai.book.judge.SECONDS", 0.2)

    def stuck(w, x):
        while True:
            pass

    verdict = check(CONTRIBUTION, stuck)
    assert verdict.rung == "interface" and "did not finish: it took more than" in verdict.sentence


def test_lists_and_single_precision_are_numbers_too():
    assert check(CONTRIBUTION, lambda w, x: (w * x).tolist())
    assert check(CONTRIBUTION, lambda w, x: (w * x).astype(np.float32))


def test_not_a_number_is_wrong_and_called_by_its_name():
    verdict = check(CONTRIBUTION, lambda w, x: w * x * np.nan)
    assert verdict.rung == "cases" and "yours is not a number" in repr(verdict)
    assert verdict._repr_html_()


def test_nothing_by_nothing_is_like_itself_only():
    """So a misconception that divides by zero can be named; infinity is no neighbour of anything finite."""
    nan, inf = np.nan, np.inf
    assert alike(np.array([nan, inf, 1]), np.array([nan, inf, 1]))
    for other in ([0, inf, 1], [nan, -inf, 1], [nan, 1, 1], [inf, inf, 1]):
        assert not alike(np.array(other), np.array([nan, inf, 1]))
        assert not alike(np.array([nan, inf, 1]), np.array(other))


def test_stress_is_set_and_a_product_is_not():
    assert stressed("the *shorter* step: w * w, 2*3*4 <") == "the <em>shorter</em> step: w * w, 2*3*4 &lt;"


def test_cases_say_where_and_by_how_much_in_fractions():
    verdict = check(CONTRIBUTION, lambda w, x: w * x / 3)
    assert verdict.rung == "cases"
    assert "On w = [3, -1], x = [2, 1]: at [0] expected 6, yours is 2. Wrong in 4 of 4 cases." in repr(verdict)
    thirds = check(CONTRIBUTION, lambda w, x: np.where(x == 4, w * x, w * x / 3))
    assert "at [0] expected 6, yours is 2" in repr(thirds)
    assert "yours is -4/3" in repr(check(CONTRIBUTION, lambda w, x: np.where(x == 4, w * x / 3, w * x)))


def test_a_shape_that_a_misconception_explains_is_named():
    verdict = check(CONTRIBUTION, lambda w, x: float((w * x).sum()))
    assert verdict.rung == "interface" and verdict.diagnosis.name == "the score itself"


def test_one_case_is_not_enough_to_name_a_misconception():
    """A match counts where the known answer is wrong too: with one such case it could be a coincidence."""
    slope = CONTRIBUTION.wrong[0].function
    for count, name in ((1, None), (2, "the slope")):
        verdict = check(replace(CONTRIBUTION, cases=CONTRIBUTION.cases[:count]), slope)
        assert verdict.passed is False and verdict.diagnosis.name == name
    twice_trivial = (*CONTRIBUTION.cases[:1], (CONTRIBUTION.cases[0][0], CONTRIBUTION.cases[0][1] * 0 + 1))
    assert check(replace(CONTRIBUTION, cases=twice_trivial), slope).diagnosis.name is None


def test_a_property_that_breaks_only_on_fresh_numbers():
    def large_numbers_are_lost(x):
        return np.where((x > 0) & (x != 2.5), x, 0)

    verdict = check(exercises.of("00")["positive_part"], large_numbers_are_lost)
    assert verdict.rung == "property" and "x is its positive part minus the positive part of -x" in verdict.sentence
    assert "expected 5/2, yours is 0. These are fresh numbers; all 3 cases of the bank are right." in repr(verdict)


def test_a_property_catches_what_the_oracle_does_not_ask():
    """Right wherever the oracle looks, and nonsense elsewhere: the property also asks about the other kinds."""
    rng = np.random.default_rng(SEED)
    asked = [as_floats(case) for case in (*RELU.cases, *(RELU.draw(rng) for _ in range(FRESH)))]

    def by_heart(kind, y, R):
        known = any(kind == k and np.array_equal(y, a) and np.array_equal(R, b) for k, a, b in asked)
        return RELU.solution(kind, y, R) if known else R * 7

    verdict = check(RELU, by_heart)
    assert verdict.rung == "property" and verdict.diagnosis is None and " Try it with kind = " in verdict.sentence


def test_an_oracle_catches_what_keeps_the_property():
    """Swapped contributions still add up to the score."""

    def swapped(w, x):
        right = w * x
        return right if right.shape != (2, 3) or (w * 4 % 2).any() else right[::-1]

    verdict = check(CONTRIBUTION, swapped)
    assert verdict.rung == "oracle" and "switching the pixels off one by one disagrees" in verdict.sentence


def test_a_verdict_is_true_only_after_a_pass():
    states = {"passed": True, "not attempted": None, "noted": None, "cases": False, "trivial": False}
    for rung, passed in states.items():
        verdict = Verdict("e", rung, "so")
        assert verdict.passed is passed and bool(verdict) is (passed is True)


def test_the_page_says_the_same_in_words_and_escapes_them():
    verdict = check(RELU, RELU.wrong[0].function, graded=True)
    page = verdict._repr_html_()
    assert 'role="status"' in page and "✗ relu_backward: not yet (cases)" in page
    assert page.count("<table>") == 3 and "<caption>yours</caption>" in page and "<caption>difference</caption>" in page
    shown = re.sub(r"<[^>]*>", "", page)
    assert "R &gt; 0" in shown and "R > 0" not in shown
    hostile = Verdict("<b>", "cases", "<script>", Diagnosis("<i>", "<u>", 1, 2, 1, 1, "<s>"))
    assert not re.search(r"<(b|script|i|u|s)>", hostile._repr_html_())


def test_large_maps_are_drawn_small_ones_are_written():
    small, large = coloured({"a": np.eye(3)}), coloured({"a": np.eye(20) / 3})
    assert "<td" in small and "<img" not in small
    assert 'alt="a: 20 by 20 numbers from 0 to 1/3"' in large and "<td" not in large


def test_ink_stands_out_from_its_ground():
    """WCAG's contrast of at least 4.5 to 1 in every cell, from the deepest blue to the deepest red."""

    def luminance(rgb):
        c = np.array(rgb) / 255
        return np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    cells = re.findall(r"rgb\((\d+), (\d+), (\d+)\); color: (\w+)", coloured({"a": np.linspace(-1, 1, 61)}))
    assert len(cells) == 61
    for *ground, ink in cells:
        pair = sorted([luminance([int(v) for v in ground]), 0.0 if ink == "black" else 1.0])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


MAPS = Naming(
    id="who_drew_it",
    ask="Which method drew which map?",
    answer={"a": "gradient", "b": "guided-backprop", "c": "fem"},
    confusions={frozenset({"gradient", "guided-backprop"}): "Guided has no blue specks on the paper."},
)


@pytest.mark.parametrize(
    ("answer", "rung", "sentence"),
    [
        (..., "not attempted", "Which method drew which map?"),
        ({"a": "gradient", "b": "guided-backprop", "c": "fem"}, "passed", "Every map has its name."),
        (
            {"a": "guided-backprop", "b": "gradient", "c": "fem"}, "cases",
            "1 of 3 are right; look again at a, b. Guided has no blue specks on the paper.",
        ),
        ({"a": "gradient", "b": "guided-backprop", "c": "lrp-0"}, "cases", "2 of 3 are right; look again at c."),
        ({"a": 1}, "interface", "Got {'a': 1}; expected one name for each map: {'a': ..., 'b': ..., 'c': ...}."),
        ("gradient", "interface", "Got 'gradient'; expected one name for each map: {'a': ..., 'b': ..., 'c': ...}."),
    ],
)  # fmt: skip
def test_name_the_map(answer, rung, sentence):
    verdict = check(MAPS, answer)
    assert (verdict.rung, verdict.sentence) == (rung, sentence)


CLAIM = Question(
    id="what_follows", kind="claim", ask="The map lies on the animal. What follows?", answer=("A", "C"),
    options={"A": "one", "B": "two", "C": "three"}, because="So it is.", wrong=(("B", "Too much."),), look="Claims",
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "rung", "sentence"),
    [
        (None, "not attempted", "The map lies on the animal. What follows?"),
        (("C", "A"), "passed", "So it is."),
        ({"A", "C"}, "passed", "So it is."),
        ("A", "cases", "So it is. Read again: Claims."),
        (("A", "B"), "cases", "Too much. So it is. Read again: Claims."),
        ("D", "interface", "There is no option D; choose from A, B, C."),
        (3, "interface", "There is no option 3; choose from A, B, C."),
    ],
)
def test_claim_check_with_several_right_options(answer, rung, sentence):
    verdict = check(CLAIM, answer)
    assert (verdict.rung, verdict.sentence) == (rung, sentence)


def test_a_question_about_numbers_takes_numbers():
    fork = exercises.of("04")["fork"]
    assert check(fork, (5, 4)) and check(fork, [5.0, 4.0]) and check(fork, np.array([5, 4]))
    assert check(fork, {"x1": 5}).rung == "interface"
    assert not check(fork, "five and four") and not check(fork, (5, 4, 3))
    assert "overwritten, not added" in check(fork, (-1, 1)).sentence
