"""The chapters' exercises as nbgrader has them: ``source/NN/NN.ipynb``, with its marks on every cell.

A solution stands between nbgrader's own marks, which ``nbgrader generate_assignment`` empties; the cell after it is
locked, is worth the points, and asks the book's judge. nbgrader itself is not needed here. (There the judge runs in the
same kernel as the student's code. How far that is trusted is nbgrader's affair; ``minixai grade`` keeps them apart.)
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

from minixai.book import build as building
from minixai.book import exercises, source
from minixai.book.exercise import Exercise, Solved
from minixai.book.teaching import assignments

SCHEMA = 3  # nbgrader's version of its cell metadata
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
TEST = """\
verdict = {call}
print(verdict)
assert verdict.passed, verdict.headline"""


def export(folder: Path, numbers: tuple[str, ...] = ()) -> list[Path]:
    """The notebooks, written to ``folder/source/NN/NN.ipynb``; their paths. Other files there are left alone."""
    written = []
    for chapter in map(source.read, source.paths(numbers)):
        number = chapter.name[:2]
        target = folder / "source" / number / f"{number}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(building.text(notebook(chapter)), encoding="utf-8")
        written.append(target)
    return written


def notebook(chapter: source.Source) -> Any:
    """A chapter's exercises as an nbgrader assignment."""
    title = f"# {chapter.name[:2]} {chapter.about['title']}"
    start = assignments.START.format(chapter=chapter.name).replace(
        f'"{chapter.name}")', f'"{chapter.name}", graded=True)'
    )
    cells = [
        assignments.markdown(title, nbgrader=_marks("title", locked=True)),
        assignments.code(start, nbgrader=_marks("start", locked=True)),
    ]
    stubs, key = assignments.stubs(chapter), exercises.solutions(chapter.name)
    for id, exercise in assignments.graded(chapter.name).items():
        cells += _asked(exercise, stubs.get(id, ""), key[id])
    return assignments.new(cells, chapter=chapter.name)


def _asked(exercise: Exercise, stub: str, solution: str) -> Iterator[Any]:
    id = exercise.id
    yield assignments.markdown(assignments.statement(exercise), nbgrader=_marks(f"ask_{id}", locked=True))
    if isinstance(exercise, Solved):
        body, call = dedent(solution), f"{id}.check()"
    else:
        stub = f'def {id}():\n    """Your answer, as the question wants it."""\n    pass'
        body, call = f"return {solution}", assignments.asked(exercise).replace("...", f"{id}()")
    written = assignments.with_body(stub, f"{BEGIN}\n{body}\n{END}")
    yield assignments.code(written, nbgrader=_marks(id, solution=True))
    marks = _marks(f"test_{id}", grade=True, locked=True, points=assignments.points(exercise))
    yield assignments.code(TEST.format(call=call), nbgrader=marks)


def _marks(grade_id: str, **facts: Any) -> dict[str, Any]:
    """nbgrader's metadata of a cell: what it is, and what it is called."""
    plain = {"grade": False, "locked": False, "solution": False, "task": False}
    return {**plain, **facts, "grade_id": grade_id, "schema_version": SCHEMA}
