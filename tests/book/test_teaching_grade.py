"""Grading what students hand in, the hostile ones included: a row with a sentence each, and the run goes on."""

import csv
import json
import os
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest

from minixai.book import exercises, source
from minixai.book.teaching import grade, handin, submission, values
from minixai.book.teaching.sandbox import Sandbox, Stopped
from minixai.book.values import say

CHAPTER = source.read(source.paths(("00",))[0])
CONTRIBUTION = exercises.of("00")["contribution"]
posix = pytest.mark.skipif(not hasattr(os, "killpg"), reason="the sandbox needs a Unix")
pytestmark = posix


def function(body, name="contribution", arguments="w, x"):
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f'@ch.exercise("{name}")\ndef {name}({arguments}):\n{lines}\n'


def hand_in(folder, *cells, student="anna", name="00_start_here"):
    target = folder / student / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["minixai"] = {"chapter": "00_start_here"}
    nbformat.write(made, target)
    return target


def row_of(folder, exercise="contribution", secret=""):
    rows = [row for row in grade.grade(folder, secret) if row.exercise == exercise]
    assert len(rows) == 1
    return rows[0]


def verdict(folder, body, *cells, exercise="contribution", **more):
    hand_in(folder, "import numpy as np\nimport minixai as mx", *cells, function(body, exercise, **more))
    return row_of(folder, exercise)


# -- what is right, what is wrong --------------------------------------------------------------------------------------


def test_a_right_function_passes_and_a_wrong_one_is_named(tmp_path):
    right = verdict(tmp_path, "return w * x")
    assert right.verdict.passed and right.points == right.of == 3 and right.flags == ()
    wrong = verdict(tmp_path, "return w").as_dict()
    assert (wrong["passed"], wrong["rung"], wrong["misconception"], wrong["points"]) == (False, "cases", "the slope", 0)


def test_what_a_function_needs_comes_with_it_and_nothing_else(tmp_path):
    """A helper, a constant, an import; but not the cell that would stop, nor the drawing."""
    cells = (
        "from functools import reduce",
        "TWO = 2\nnever = 1 / 0",
        "def twice(a):\n    return reduce(np.add, [a] * TWO)",
    )
    row = verdict(tmp_path, "return twice(w * x) / TWO", *cells, "raise SystemExit", "%matplotlib inline\n!rm -rf /")
    assert row.verdict.passed
    written = submission.read(tmp_path / "anna" / "00_start_here.ipynb", "anna").functions["contribution"]
    assert not any("1 / 0" in piece or "SystemExit" in piece for piece in written.pieces)


def test_nothing_attempted_is_no_mistake(tmp_path):
    row = verdict(tmp_path, "raise NotImplementedError")
    assert row.verdict.rung == "not attempted" and row.verdict.passed is None
    assert row_of(tmp_path, "positive_part").sentence == "There is no function of that exercise in the notebook."


def test_a_function_with_other_arguments_is_told_so(tmp_path):
    row = verdict(tmp_path, "return x", arguments="x")
    assert row.sentence == "Your function takes (x); expected (w, x)."


def test_a_convention_is_refused_and_costs_two_thirds(tmp_path):
    body = 'return np.where({"gradient": y >= 0, "deconvnet": R > 0, "guided": (y >= 0) & (R > 0)}[kind], R, 0)'
    cell = function(body, "relu_backward", "kind, y, R")
    target = hand_in(tmp_path, "import numpy as np", cell, name="06")
    made = nbformat.read(target, 4)
    made.metadata["minixai"] = {}
    nbformat.write(made, target)
    row = row_of(tmp_path, "relu_backward")
    assert row.verdict.diagnosis.label == "convention" and (row.points, row.of) == (1, 3)


def test_a_function_that_is_given_a_function_may_call_it(tmp_path):
    record = exercises.of("02")["occlusion"]
    target = hand_in(
        tmp_path, "import numpy as np", function(record.body, "occlusion", ", ".join(record.arguments)), name="02_x"
    )
    made = nbformat.read(target, 4)
    made.metadata["minixai"]["chapter"] = "02"
    nbformat.write(made, target)
    assert row_of(tmp_path, "occlusion").verdict.passed


def test_choices_are_read_without_being_run(tmp_path):
    cells = ('ch.exercise("what_follows", kind="claim").answer("C")', 'ch.observe("class_or_not", letter)')
    hand_in(tmp_path, 'letter = "B"', *cells)
    assert row_of(tmp_path, "what_follows").points == 2
    row = row_of(tmp_path, "class_or_not")
    assert row.verdict is None and row.as_dict()["rung"] == "unreadable"
    assert row.sentence == (
        "The answer cannot be read: 'letter' is no answer that is written out. Write it out, as a letter or as numbers."
    )


def test_numbers_by_hand_are_judged_exactly(tmp_path):
    asked = {one.id: one for one in handin.questions(CHAPTER, "anna", "open sesame")}["contribution"]
    answers = [f'by_hand["contribution", {n}] = {say(case.answer)}' for n, case in enumerate(asked.cases)]
    hand_in(tmp_path, "by_hand = {}", *answers)
    assert row_of(tmp_path, "contribution by hand", "open sesame").points == 2
    assert row_of(tmp_path, "contribution by hand", "another secret").points == 0
    slopes = [f'by_hand["contribution", {n}] = {say(case.arguments[0])}' for n, case in enumerate(asked.cases)]
    hand_in(tmp_path, *slopes)
    assert row_of(tmp_path, "contribution by hand", "open sesame").as_dict()["misconception"] == "the slope"
    assert not [row for row in grade.grade(tmp_path) if row.kind == "by hand"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2/3", "2/3"), ("-0.5", "-1/2"), ("[1, -2/4]", "[1, -1/2]"), ("np.array([[1, 2]])", "[[1, 2]]"),
        ('(Fraction("1/3"), 2)', "(1/3, 2)"), ("1 + 2 * 3", "7"), ("'B'", "'B'"),
    ],
)  # fmt: skip
def test_an_answer_is_what_is_written(text, value):
    import ast

    assert say(submission.literal(ast.parse(text, mode="eval").body)) == value


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9",
        "f()",
        "open('/etc/passwd')",
        "1 / 0",
        "[[1], [2, 3]]",
        "1e999",
        'Fraction("1e99999999")',
        "{[1]: 2}",
    ],
)
def test_an_answer_that_would_have_to_be_run_costs_a_sentence(text, tmp_path):
    hand_in(tmp_path, f'by_hand["contribution", 0] = {text}')
    found = submission.read(tmp_path / "anna" / "00_start_here.ipynb", "anna")
    assert found.by_hand == {} and found.troubles["contribution by hand"].startswith("The answer cannot be read: ")


FORGER = """\
import os
for n in range(3, 20):
    try:
        os.write(n, b"[]" + bytes([10]))
    except OSError:
        pass
return w * x"""

# -- hostile functions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("while True:\n    pass", "did not finish"),
        ("while True:\n    try:\n        x = 1\n    except BaseException:\n        pass", "did not finish"),
        ("return [0] * 10**11", "MemoryError"),
        ("import sys\nsys.exit()", "SystemExit"),
        ("import os\nos._exit(0)", "ended (exit code 0)"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\nimport ctypes\nctypes.string_at(0)", "ended"),
        ("def again(): return again()\nreturn again()", "RecursionError"),
        ("return np.zeros(10**6)", "Thing"),
        ("return object()", "Thing"),
        ("return 'a' * 10**7", "too long"),
        ("w *= x\nreturn w", "changed its argument w"),
        (FORGER, "wrote into the answers"),
    ],
    ids=[
        "loop", "stubborn loop", "memory", "sys.exit", "os._exit", "crash", "recursion", "large", "object", "long",
        "in place", "forged",
    ],
)  # fmt: skip
def test_a_hostile_function_costs_a_sentence(tmp_path, body, said):
    row = verdict(tmp_path, body)
    assert row.verdict.rung == "interface" and row.points == 0
    assert said in row.sentence


def test_printing_megabytes_harms_nobody(tmp_path, capfd):
    row = verdict(tmp_path, "print('x' * 2_000_000)\nreturn w * x")
    assert row.verdict.passed and capfd.readouterr().out == ""


def test_the_judge_cannot_be_replaced_from_an_answer(tmp_path):
    body = "import minixai.book.judge as j\nj.check = j.check_function = lambda *a, **k: True\nreturn w"
    row = verdict(tmp_path, body)
    assert not row.verdict.passed and row.verdict.diagnosis.name == "the slope"
    assert row.flags == ("imports minixai.book.judge",)


def test_reading_the_solution_out_of_the_package_is_reported_not_prevented(tmp_path):
    body = "from minixai.book import exercises\nreturn exercises.of('00')['contribution'].solution(w, x)"
    row = verdict(tmp_path, body)
    assert row.verdict.passed
    assert "imports minixai.book" in row.flags and "looks at .solution" in row.flags


def test_the_sandbox_is_empty_and_knows_nothing(monkeypatch):
    monkeypatch.setenv("MINIXAI_SECRET_OF_MINE", "sesame")
    pieces = ["import os, sys", "def look(): return str((os.listdir('.'), sorted(os.environ), sys.flags.isolated))"]
    with Sandbox(pieces, "look") as theirs:
        seen = theirs()
    assert seen.startswith("([], [") and seen.endswith("1)")
    assert "SECRET" not in seen and "PATH" not in seen and "USER" not in seen


def test_where_the_system_can_the_network_is_cut_off():
    pieces = ["import socket", "def call(): socket.create_connection(('127.0.0.1', 9), 1)"]
    with Sandbox(pieces, "call") as theirs:
        with pytest.raises(Exception) as raised:
            theirs()
        assert set(theirs.held) == {"memory", "network", "processes"}
        if theirs.held["network"]:
            assert "unreachable" in str(raised.value)


def stat_of(path):
    """State, parent and group of a process; "X" for one that ended meanwhile."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["X", "", ""]


def alive(group):
    """The processes of a group that have not ended, after a while (what has ended may wait to be collected)."""
    for _ in range(100):
        stats = [stat_of(path) for path in Path("/proc").glob("[0-9]*/stat")]
        left = [fields for fields in stats if fields[2] == str(group) and fields[0] not in "ZX"]
        if not left:
            return []
        time.sleep(0.05)
    return left


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux which processes there are")
def test_what_was_started_ends_with_it():
    pieces = ["import os, time", "def start():\n    if os.fork() == 0:\n        time.sleep(60)\n    return os.getpid()"]
    theirs = Sandbox(pieces, "start")
    theirs()
    theirs.close()
    assert alive(theirs._process.pid) == []
    with pytest.raises(Stopped, match="it was closed"):
        theirs()


def test_a_helper_that_stops_is_named(tmp_path):
    row = verdict(tmp_path, "return helper * w", "helper = 1 / 0")
    assert "NameError" in row.sentence and "helper" in row.sentence


# -- hostile notebooks -------------------------------------------------------------------------------------------------


def deep(n):
    return "[" * n + "]" * n


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no valid notebook"),
        ("{", "no valid notebook"),
        ("[]", "no valid notebook"),
        ('{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "no valid notebook"),
        (deep(100_000), "cannot be graded"),
        ("\x80abc", "no valid notebook"),
        ('{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {"minixai": {"chapter": 7}}}', "which chapter"),
    ],
    ids=["empty", "cut off", "a list", "cells", "deep", "bytes", "chapter"],
)  # fmt: skip
def test_a_broken_notebook_costs_a_row_and_the_others_are_graded(tmp_path, text, said):
    verdict(tmp_path, "return w * x")
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "mine.ipynb").write_bytes(text.encode("latin-1"))
    rows = list(grade.grade(tmp_path))
    assert [row.student for row in rows if row.verdict is None] == ["bert"]
    assert said in rows[-1].sentence
    assert any(row.student == "anna" and row.verdict for row in rows)


def test_what_is_too_large_or_elsewhere_is_not_read(tmp_path, monkeypatch):
    target = hand_in(tmp_path, "a = 1")
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "00.ipynb").symlink_to(target)
    with pytest.raises(submission.Unreadable, match="no plain file"):
        submission.read(tmp_path / "bert" / "00.ipynb", "bert")
    monkeypatch.setattr(submission, "BYTES", 10)
    with pytest.raises(submission.Unreadable, match="expected at most 0. Clear its outputs"):
        submission.read(target, "anna")


def test_a_cell_that_is_no_python_is_told_so(tmp_path):
    hand_in(tmp_path, function("return w *"), "y = " + "(" * 5000)
    row = row_of(tmp_path)
    assert row.verdict is None and row.sentence.startswith("The cell is no Python in line 3: ")


def test_somebody_elses_notebook_is_flagged(tmp_path):
    target = hand_in(tmp_path, function("return w * x"))
    made = nbformat.read(target, 4)
    made.metadata["minixai"]["student"] = "bert"
    nbformat.write(made, target)
    assert row_of(tmp_path).flags == ("the notebook was made for 'bert'",)


def test_the_second_notebook_for_a_chapter_does_not_count(tmp_path):
    hand_in(tmp_path, function("return w * x"), name="00_a")
    hand_in(tmp_path, function("return w * x"), name="00_b")
    assert row_of(tmp_path).verdict.passed
    said = [row.sentence for row in grade.grade(tmp_path) if row.exercise == ""]
    assert said == ["00_b.ipynb cannot be graded: 00_a.ipynb was handed in for the same chapter, and that one counts."]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no notebook"):
        list(grade.grade(tmp_path))
    with pytest.raises(ValueError, match="is no folder"):
        list(grade.grade(tmp_path / "nowhere"))


def test_attempts_are_read_where_the_notebook_shows_them(tmp_path):
    target = hand_in(tmp_path, function("return w * x"))
    made = nbformat.read(target, 4)
    text = (
        "Chapter 00_start_here\ncontribution  function  passed after 3 attempts\nother  function  5 different attempts"
    )
    made.cells[0].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": text}, execution_count=1)]
    nbformat.write(made, target)
    assert row_of(tmp_path).attempts == 3 and row_of(tmp_path, "positive_part").attempts is None


# -- what is written ---------------------------------------------------------------------------------------------------


def test_the_table_and_the_pages(tmp_path):
    hand_in(tmp_path / "in", function("return w"), student="=1+2")
    written = grade.save(list(grade.grade(tmp_path / "in")), tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "grades.csv").open()))
    assert tuple(rows[0]) == grade.COLUMNS and {row["student"] for row in rows} == {"'=1+2"}
    page = (tmp_path / "out" / "feedback" / "=1+2.html").read_text()
    assert written[1].name == "=1+2.html" and "These are the slopes" in page and "reference" in page


def test_a_page_runs_nothing_that_a_student_wrote(tmp_path):
    hand_in(tmp_path / "in", function("raise ValueError('<script>alert(1)</script>')"))
    grade.save(list(grade.grade(tmp_path / "in")), tmp_path / "out")
    page = (tmp_path / "out" / "feedback" / "anna.html").read_text()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page


@pytest.mark.parametrize(
    "value",
    [None, True, "text", (1.5, [2.0]), {"a": np.array([1.0, -2.0])}, np.array([[True, False]]), np.zeros((0, 2))],
    ids=repr,
)  # fmt: skip
def test_values_survive_the_way_there_and_back(value):
    sent = json.loads(json.dumps(values.encode(value, [])))
    back = values.decode(sent, lambda n: n)
    assert type(back) is type(value) and repr(back) == repr(value)


def test_the_verb_says_what_it_did(tmp_path):
    from tests.cli.test_cli import run

    hand_in(tmp_path / "in", function("return w * x"))
    said = run("grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")).stdout
    assert said.startswith("1 students, ") and "1 passed" in said and (tmp_path / "out" / "grades.csv").exists()
    rows = json.loads(run("grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--json").stdout)
    assert [row["passed"] for row in rows if row["exercise"] == "contribution"] == [True]
