"""Source and notebook: what is committed is what the source generates, and gives no solution away."""

import json
import re
from html import escape

import nbformat
import numpy as np
import pytest

from minixai import book, files
from minixai.book import build, source
from minixai.book.exercise import Question
from minixai.book.exercises import solutions
from minixai.book.numbers import fill

PATHS = source.paths()
NAMES = [path.stem for path in PATHS]
each_chapter = pytest.mark.parametrize("path", PATHS, ids=NAMES)

TOY = """\
# ---
# jupyter:
#   minixai:
#     title: A toy
#     minutes: 5
#     objectives:
#     - play
#     needs: ["00"]
#     equations: (1)
# ---

# %% [markdown]
# At the kink the answer is {{min.revealcancel}}.

# %% tags=["reveal"]
def half(x):
    # --- solution
    return x / 2 + 0 * x
    # --- stub
    raise NotImplementedError
    # --- end

# %%
@ch.exercise("double")
def double(x):
    \"\"\"Twice x.\"\"\"
    raise NotImplementedError
"""


def committed(path):
    return nbformat.read(files.root("chapters") / f"{path.stem}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    """Everything a reader can see as text: cells and text outputs."""
    for cell in notebook.cells:
        yield cell.source
        for output in cell.get("outputs", ()):
            yield output.get("text", "")
            yield from (str(v) for k, v in output.get("data", {}).items() if k.startswith("text/"))


def leaks(notebook, forbidden):
    lines = {line.strip().removeprefix("return ") for text in texts(notebook) for line in text.splitlines()}
    return sorted(lines & forbidden)


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "99_toy.py").write_text(TOY)
    return source.read(tmp_path / "99_toy.py")


def test_every_source_has_its_notebook_and_every_notebook_its_source():
    assert {p.stem for p in files.root("chapters").glob("*.ipynb")} == set(NAMES) != set()


@each_chapter
def test_the_notebook_is_what_the_source_generates(path):
    chapter, found = source.read(path), committed(path)
    for cell in code_cells(found):
        cell.outputs, cell.execution_count = [], None
    assert found == source.notebook(chapter, "student", solutions(chapter.name))


@each_chapter
def test_the_notebook_ran_from_top_to_bottom_without_an_error(path):
    cells = code_cells(committed(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert not [o for o in outputs if build.WIDGET in o.get("data", {})]


@each_chapter
def test_it_is_stored_as_the_build_stores_it(path):
    stored = (files.root("chapters") / f"{path.stem}.ipynb").read_text(encoding="utf-8")
    assert stored == build.text(committed(path))


@each_chapter
def test_the_student_edition_gives_no_solution_away(path):
    chapter = source.read(path)
    assert leaks(committed(path), source.solution_lines(chapter, solutions(chapter.name))) == []


@each_chapter
def test_five_cells_check_exact_numbers(path):
    marked = [cell for cell in code_cells(committed(path)) if cell.source.startswith("# NBVAL_CHECK_OUTPUT")]
    assert len(marked) >= 5
    for cell in marked:
        assert re.search(r"\d", "".join(o.get("text", "") for o in cell.outputs)), cell.source


@each_chapter
def test_pictures_carry_their_words(path):
    pages = [str(v) for cell in code_cells(committed(path)) for o in cell.outputs for v in o.get("data", {}).values()]
    images = [image for page in pages for image in re.findall(r"<img [^>]*>", page)]
    assert images and all(re.search(r'alt="[^"]{20,}"', image) for image in images)


@each_chapter
def test_a_chapter_keeps_within_its_budget(path):
    """Words, cells and lines that a reader can be asked to take in; what is tagged ``deeper`` can be skipped."""
    cells = source.with_title(source.read(path))
    core, deeper = ([c for c in cells if ("deeper" in c.tags) is skippable] for skippable in (False, True))
    words = sum(len(c.text.split()) for c in core if c.kind == "markdown")
    code = [c.text.splitlines() for c in core if c.kind == "code"]
    lines = [sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in cell) for cell in code]
    assert len(core) <= 28 and len(deeper) <= 16
    assert 900 <= words <= 1800
    assert sum(lines) <= 90 and max(lines) <= 15


@each_chapter
def test_a_chapter_asks_before_it_shows(path):
    """A prediction, an observation after the live figure, two functions, a counterexample, a reveal that is closed."""
    cells = source.read(path).cells
    code = "\n".join(c.text for c in cells if c.kind == "code")
    assert code.count("ch.predict(") >= 3 and code.count("ch.observe(") >= 1
    assert code.count("@ch.exercise(") >= 3 and "book.figures." in code
    assert code.index("ch.predict(") < code.index("ch.observe(")
    assert any("reveal" in c.tags for c in cells)


def test_the_two_editions_differ_where_they_should(toy):
    student, solved = (source.notebook(toy, edition, {"double": "return x + x"}) for edition in source.EDITIONS)
    assert student.cells[0] == solved.cells[0]
    assert student.cells[1].source == "def half(x):\n    raise NotImplementedError"
    assert solved.cells[1].source == "def half(x):\n    return x / 2 + 0 * x"
    assert student.cells[2].source.endswith('"""Twice x."""\n    raise NotImplementedError')
    assert solved.cells[2].source.endswith('"""Twice x."""\n    return x + x')


def test_the_first_cell_says_what_the_header_says_and_numbers_are_filled_in(toy):
    head = "# 99 A toy\n\n*5 minutes. Needs: 00. In the survey: (1).*\n\nAfterwards you can\n\n* play"
    assert source.notebook(toy).cells[0].source == f"{head}\n\nAt the kink the answer is (3, 3)."
    code_first = source.Source(toy.name, toy.about, toy.cells[1:])
    assert [c.source for c in source.notebook(code_first).cells[:1]] == [head]


def test_questions_are_answered_in_the_solved_edition(toy):
    asked = (
        'ch.predict("a", ..., confidence=...)\n'
        'ch.observe("b", ...)\n'
        'ch.exercise("c", kind="claim").answer(...)\n'
        'ch.predict("d", ..., confidence=...)'
    )
    chapter = source.Source(toy.name, toy.about, (toy.cells[0], source.Cell("code", asked)))
    key = {"a": "'B'", "b": "('B', 'C')", "c": "{'x': 'fem'}"}
    student, solved = (source.notebook(chapter, edition, key).cells[1].source for edition in source.EDITIONS)
    assert student == asked
    assert solved == (
        "ch.predict(\"a\", 'B', confidence=3)\n"
        "ch.observe(\"b\", ('B', 'C'))\n"
        "ch.exercise(\"c\", kind=\"claim\").answer({'x': 'fem'})\n"
        'ch.predict("d", ..., confidence=...)'
    )


@each_chapter
def test_the_solved_edition_passes_every_check(path):
    """Each cell that asks for something, run with what the solved edition puts there."""
    ch = book.chapter(path.stem, graded=True)
    key = solutions(path.stem)
    asking = re.compile(r"ch\.(predict|observe|exercise)\(")
    for cell in source.read(path).cells:
        if cell.kind != "code" or not asking.search(cell.text):
            continue
        lines = source.written(cell, "solved", key).splitlines()
        kept = [line for line in lines if not line.startswith(("display(", "draw.", "ch.yours("))]  # figures
        exec("\n".join(kept), {"np": np, "ch": ch})
    for id in key:
        record = ch._known[id]
        answered = ch._progress()["answers"].get(id) or ch._progress_of(id)["passed"]
        assert answered, f"{record.kind} {id} has no answer in the solved edition"
    assert all(answer["right"] for answer in ch._progress()["answers"].values())


@each_chapter
def test_the_student_edition_answers_no_question(path):
    seen = " ".join(texts(committed(path)))
    questions = [e for e in book.chapter(path.stem)._known.values() if isinstance(e, Question)]
    assert questions
    for question in questions:
        assert escape(fill(question.because)) not in seen and fill(question.because) not in seen


def test_a_reveal_cell_is_closed_in_the_lab_and_in_the_web_book(toy):
    metadata = source.notebook(toy).cells[1].metadata
    assert metadata == {"tags": ["hide-output", "reveal"], "collapsed": True, "jupyter": {"outputs_hidden": True}}


def test_cell_ids_survive_a_cell_that_is_put_in_front(toy):
    longer = source.Source(toy.name, toy.about, (toy.cells[0], source.Cell("code", "print(0)"), *toy.cells[1:]))
    before, after = ([cell.id for cell in source.notebook(s).cells] for s in (toy, longer))
    assert before == [after[0], *after[2:]] and len(set(after)) == len(after)


def test_equal_cells_get_different_ids(toy):
    twice = source.Source(toy.name, toy.about, (source.Cell("code", "print(0)"),) * 3)
    ids = [cell.id for cell in source.notebook(twice).cells]
    assert len(set(ids)) == 4


def test_the_scan_finds_a_solution_wherever_it_is_put(toy):
    forbidden = source.solution_lines(toy, {"double": "return x + x"})
    assert forbidden == {"x / 2 + 0 * x", "x + x"}
    assert leaks(source.notebook(toy, "student"), forbidden) == []
    assert leaks(source.notebook(toy, "solved", {"double": "return x + x"}), forbidden) == ["x + x", "x / 2 + 0 * x"]
    shown = source.notebook(toy, "student")
    shown.cells[2].outputs = [nbformat.v4.new_output("stream", text="hint:\n    return x + x\n")]
    assert leaks(shown, forbidden) == ["x + x"]


@pytest.mark.parametrize(
    "broken",
    [
        "# --- solution\nx",
        "# --- solution\nx\n# --- end",
        "# --- stub\nx\n# --- end",
        "# --- end",
        "# --- solution\n# --- solution",
    ],
)
def test_marks_that_do_not_match_are_refused(broken, tmp_path):
    (tmp_path / "99_toy.py").write_text(TOY + "\n# %%\n" + broken + "\n")
    with pytest.raises(ValueError, match="# --- "):
        source.read(tmp_path / "99_toy.py")


def test_a_header_that_lacks_a_fact_is_refused(tmp_path):
    (tmp_path / "99_toy.py").write_text(TOY.replace("#     minutes: 5\n", ""))
    with pytest.raises(ValueError, match="99_toy.py: the header lacks minixai: minutes"):
        source.read(tmp_path / "99_toy.py")


def test_an_unknown_chapter_or_edition_is_refused(toy):
    with pytest.raises(ValueError, match="no chapter '77'; expected one of 00"):
        source.paths(("77",))
    with pytest.raises(ValueError, match="edition is 'solve'; did you mean solved"):
        source.notebook(toy, "solve")


def test_an_executed_notebook_is_the_same_each_time(toy, tmp_path):
    cells = (
        toy.cells[0],
        source.Cell("code", "import os\nprint(sorted(os.listdir('.')), os.environ['OMP_NUM_THREADS'])"),
        source.Cell("code", "import ipywidgets\nipywidgets.HTML('hello')"),
        source.Cell("code", "import sys\nfor n in range(50):\n    print(n)\n    sys.stdout.flush()"),
    )
    chapter = source.Source("99_toy", toy.about, cells)
    first, second = (build.text(build.execute(source.notebook(chapter))) for _ in range(2))
    assert first == second
    (listing,), (widget,), (lines,) = (cell["outputs"] for cell in json.loads(first)["cells"][1:])
    assert lines["text"] == [f"{n}\n" for n in range(50)]
    assert listing["text"] == ["[] 1\n"] and list(widget["data"]) == ["text/plain"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; print('careful', file=sys.stderr)", "a cell writes to stderr: careful"),
        ("print(repr(object()))", "a cell shows a memory address"),
        ("object()", "a cell shows a memory address"),
        ("from PIL import Image; print(Image.new('L', (1, 1)))", "a cell shows a memory address"),
    ],
)
def test_a_cell_that_would_differ_from_run_to_run_is_refused(code, sentence, toy):
    chapter = source.Source("99_toy", toy.about, (source.Cell("code", code),))
    with pytest.raises(ValueError, match=sentence):
        build.execute(source.notebook(chapter))
