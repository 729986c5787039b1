"""Every student's own numbers: from the secret, and from nothing else; hand-outs that give nothing away."""

import ast
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from minixai.book import exercises, source
from minixai.book.exercise import Function, Wrong
from minixai.book.teaching import assignments, handin, pack, variants
from minixai.book.values import alike, say

CHAPTERS = {path.stem: source.read(path) for path in source.paths(("00", "03", "06"))}
CONTRIBUTION = exercises.of("00")["contribution"]
FUNCTIONS = [(n, e) for n in CHAPTERS for e in exercises.of(n).values() if isinstance(e, Function)]
each_function = pytest.mark.parametrize(("chapter", "e"), FUNCTIONS, ids=lambda v: getattr(v, "id", v))


def shown(one):
    return [(say(case.arguments), case.place, say(case.answer)) for case in one.cases]


def test_the_secret_gives_the_same_numbers_again_and_another_secret_others():
    def drawn(*key):
        return shown(variants.by_hand(CONTRIBUTION, *key))

    first = drawn("secret", "anna", "00")
    assert first == drawn("secret", "anna", "00")
    others = [drawn("secret!", "anna", "00"), drawn("secret", "bert", "00"), drawn("secret", "anna", "01")]
    assert first not in others and len({str(one) for one in others}) == 3


def test_names_cannot_be_shifted_into_one_another():
    assert variants.seed("s", "a", "bc") != variants.seed("s", "ab", "c")
    with pytest.raises(ValueError, match="the secret is empty"):
        variants.seed("", "anna")


@each_function
def test_no_wrong_answer_is_right_on_a_students_numbers(chapter, e):
    """For twenty students: the cases together find out every wrong answer that is no convention."""
    assert variants.why_not(e) == ""
    for student in map(str, range(20)):
        one = variants.by_hand(e, "secret", student, chapter)
        for wrong in e.wrong:
            theirs = [variants.said(wrong.function, case.arguments, case.place) for case in one.cases]
            found_out = [t is None or not alike(t, case.answer) for t, case in zip(theirs, one.cases, strict=True)]
            assert any(found_out) or wrong.label == "convention", (student, wrong.name, shown(one))
        assert one.right([case.answer for case in one.cases])


def test_an_ambiguous_draw_is_thrown_away_and_the_next_one_made():
    """A draw that gives zeros first: everything is right there, so it must not be used."""
    calls = []

    def draw(rng):
        calls.append(len(calls))
        zeros = len(calls) <= 3
        return (np.array([Fraction(0)] * 2), np.array([Fraction(1), Fraction(2)])) if zeros else CONTRIBUTION.draw(rng)

    one = variants.by_hand(replace(CONTRIBUTION, draw=draw), "secret", "anna", "00")
    assert len(calls) >= 4 and len(one.cases) == 1 and any(np.ravel(one.cases[0].answer))


def test_where_no_draw_tells_them_apart_there_is_no_question():
    twin = Wrong("a twin", "idea", lambda w, x: x * w, "The same, written differently.")
    ambiguous = replace(CONTRIBUTION, wrong=(*CONTRIBUTION.wrong, twin))
    assert variants.by_hand(ambiguous, "secret", "anna", "00") is None
    assert variants.why_not(ambiguous) == "no few cases tell the right answer from all wrong ones"


def test_a_wrong_answer_is_named_and_a_rounded_one_is_not_right():
    one = variants.by_hand(CONTRIBUTION, "secret", "anna", "00")
    slopes = [CONTRIBUTION.wrong[0].function(*case.arguments) for case in one.cases]
    assert not one.right(slopes) and one.matches(slopes).name == "the slope"
    assert not one.right([case.answer + Fraction(1, 10**6) for case in one.cases])
    assert not one.right([]) and one.matches([]) is None
    assert not one.right(["what?"] * len(one.cases))


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_hand_out_gives_nothing_away(name):
    chapter, key = CHAPTERS[name], exercises.solutions(name)
    asked = handin.questions(chapter, "anna", "secret")
    notebook = handin.notebook(chapter, "anna", asked)
    lines = {line.strip().removeprefix("return ") for cell in notebook.cells for line in cell.source.splitlines()}
    assert not lines & source.solution_lines(chapter, key)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "secret" not in text and "secret" not in str(notebook.metadata)
    assert asked
    for one in asked:
        assert f'by_hand["{one.id}", 0] = ...' in text
        for case in one.cases:
            if np.size(case.answer) > 1:
                assert say(case.answer) not in text
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_hand_in_asks_for_everything_that_is_graded(name):
    notebook = handin.notebook(CHAPTERS[name], "anna")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    missing = [id for id in assignments.graded(name) if f'("{id}"' not in code]
    assert missing == [] and "predict" not in code


@pytest.mark.parametrize("student", ["", ".hidden", "a/b", "..", "a" * 81, "a\nb"])
def test_a_student_is_the_name_of_a_folder(student):
    with pytest.raises(ValueError, match="cannot name a folder"):
        pack.check_student(student)


def test_the_list_of_students_is_read_with_care(tmp_path):
    path = tmp_path / "students.txt"
    path.write_text("# ours\nanna\n\n bert 2 \n")
    assert pack.read_students(path) == ["anna", "bert 2"]
    path.write_text("anna\nanna\n")
    with pytest.raises(ValueError, match="names anna twice"):
        pack.read_students(path)
    path.write_text("\n")
    with pytest.raises(ValueError, match="names 0 students"):
        pack.read_students(path)


def test_a_secret_is_not_short_and_may_stand_in_a_file(tmp_path):
    (tmp_path / "secret").write_text("open sesame\n")
    assert pack.read_secret(f"@{tmp_path / 'secret'}") == "open sesame"
    with pytest.raises(ValueError, match="fewer than 8"):
        pack.read_secret("short")
