"""A chapter's source: a Python file in jupytext's percent format, and the editions that are made from it.

What the file may hold, beyond plain cells:

* a header with the chapter's metadata (title, minutes, objectives, needs, equations);
* ``{{name}}`` in markdown: a number from :mod:`minixai.book.numbers`;
* ``# --- solution``, lines, ``# --- stub``, lines, ``# --- end``: one or the other, by edition;
* ``@ch.exercise("id")`` over a stub: the solved edition puts the exercise's own solution there; likewise the answer in
  ``ch.predict("id", ..., confidence=...)``, ``ch.observe("id", ...)`` and ``ch.exercise("id").answer(...)``;
* the tags ``reveal`` (the output stays closed) and ``deeper`` (skippable);
* ``survey=["(7)"]`` beside the tags: what of the survey a cell runs (see ``survey_map``).
"""

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from minixai.book.numbers import fill
from minixai.taxonomy import closest

FOLDER = Path(__file__).resolve().parent / "src"
EDITIONS = ("student", "solved")
NAME = re.compile(r"\d\d_\w+")
FACTS = ("title", "minutes", "objectives", "needs", "equations")
SOLUTION, STUB, END = "# --- solution", "# --- stub", "# --- end"
QUESTION = re.compile(
    r'ch\.(?:predict\("(?P<predict>\w+)", \.\.\., confidence=\.\.\.|observe\("(?P<observe>\w+)", \.\.\.'
    r'|exercise\("(?P<exercise>\w+)"[^)]*\)\.answer\(\.\.\.)\)'
)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Cell:
    """One cell as its author wrote it."""

    kind: str  # "markdown" or "code"
    text: str
    tags: tuple[str, ...] = ()
    survey: tuple[str, ...] = ()  # what of the survey it runs, by the names of ``survey_map``


@dataclass(frozen=True)
class Source:
    """A chapter as its author wrote it: ``name`` is the file's, ``about`` its header."""

    name: str
    about: Mapping[str, Any]
    cells: tuple[Cell, ...]


def paths(numbers: tuple[str, ...] = ()) -> list[Path]:
    """The sources of the chapters with these numbers ("00"), or of all."""
    found = sorted(p for p in FOLDER.glob("*.py") if NAME.fullmatch(p.stem))
    known = [p.stem[:2] for p in found]
    for number in numbers:
        if number not in known:
            raise ValueError(f"there is no chapter {number!r}; expected one of {', '.join(known)}")
    return [p for p in found if not numbers or p.stem[:2] in numbers]


def read(path: Path) -> Source:
    """A chapter's source. Raises ValueError for a header that lacks a fact, or for marks that do not match."""
    import jupytext

    notebook = jupytext.read(path, fmt="py:percent")
    about = notebook.metadata.get("minixai", {})
    missing = [fact for fact in FACTS if fact not in about]
    if missing:
        raise ValueError(f"{path.name}: the header lacks minixai: {', '.join(missing)}")
    kept = [c for c in notebook.cells if c.cell_type != "raw"]  # the header's lines for other tools arrive as raw
    cells = tuple(
        Cell(c.cell_type, c.source, tuple(c.metadata.get("tags", ())), tuple(c.metadata.get("survey", ())))
        for c in kept
    )
    for cell in cells:
        blocks(cell.text)
    return Source(path.stem, {fact: about[fact] for fact in FACTS}, cells)


def notebook(source: Source, edition: str = "student", solutions: Mapping[str, str] | None = None) -> Any:
    """The chapter as a notebook that has not run yet. ``solutions``: {exercise: its body}, for the solved edition."""
    import nbformat

    if edition not in EDITIONS:
        raise ValueError(f"edition is {edition!r}; {closest(str(edition), list(EDITIONS))}")
    cells, seen = [], set[str]()
    for cell in with_title(source):
        text = written(cell, edition, solutions or {})
        metadata = _metadata(cell.tags)
        name = _cell_id(cell.kind, text, seen)
        if cell.kind == "code":
            cells.append(nbformat.v4.new_code_cell(text, id=name, metadata=metadata))
        else:
            cells.append(nbformat.v4.new_markdown_cell(text, id=name, metadata=metadata))
    about = {**source.about, "chapter": source.name, "edition": edition}
    facts = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "minixai": about}
    return nbformat.v4.new_notebook(cells=cells, metadata=facts)


def with_title(source: Source) -> tuple[Cell, ...]:
    """The cells, the first of which begins with the title, the minutes, what it needs, what one can do afterwards."""
    first, *others = source.cells if source.cells[0].kind == "markdown" else (Cell("markdown", ""), *source.cells)
    return Cell("markdown", f"{heading(source)}\n\n{first.text}".rstrip(), first.tags), *others


def heading(source: Source) -> str:
    """The head of the chapter, from its header."""
    about = source.about
    needs = ", ".join(about["needs"]) or "nothing"
    can = "\n".join(f"* {objective}" for objective in about["objectives"])
    facts = f"*{about['minutes']} minutes. Needs: {needs}. In the survey: {about['equations']}.*"
    return f"# {source.name[:2]} {about['title']}\n\n{facts}\n\nAfterwards you can\n\n{can}"


def written(cell: Cell, edition: str, solutions: Mapping[str, str]) -> str:
    """The cell's text in an edition."""
    if cell.kind == "markdown":
        return fill(cell.text)
    text = "\n".join(line for line, who in blocks(cell.text) if who in ("all", edition))
    return with_solutions(text, solutions) if edition == "solved" else text


def blocks(code: str) -> Iterator[tuple[str, str]]:
    """Every line with the edition it belongs to ("all", "solved", "student"); the marks themselves are left out."""
    after = {"all": {SOLUTION: "solved"}, "solved": {STUB: "student"}, "student": {END: "all"}}
    where = "all"
    lines = []
    for line in code.splitlines():
        mark = line.strip()
        if mark in (SOLUTION, STUB, END):
            if mark not in after[where]:
                raise ValueError(f"{mark!r} stands where {' or '.join(map(repr, after[where]))} was expected:\n{code}")
            where = after[where][mark]
        else:
            lines.append((line, where))
    if where != "all":
        raise ValueError(f"{END!r} is missing:\n{code}")
    return iter(lines)


def with_solutions(code: str, solutions: Mapping[str, str]) -> str:
    """The code with every ``@ch.exercise("id")`` function solved and every question answered."""
    return QUESTION.sub(lambda found: _answered(found, solutions), _with_bodies(code, solutions))


def _answered(found: re.Match, solutions: Mapping[str, str]) -> str:
    """``ch.predict("id", ..., confidence=...)`` and its like with the answer in place of the dots."""
    answer = solutions.get(found["predict"] or found["observe"] or found["exercise"])
    return found[0] if answer is None else found[0].replace("confidence=...", "confidence=3").replace("...", answer)


def _with_bodies(code: str, solutions: Mapping[str, str]) -> str:
    lines = code.splitlines()
    for name, function in reversed(list(exercises_in(code))):
        if name in solutions:
            first = function.body[0]
            docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = (first.end_lineno or 0) if docstring else first.lineno - 1
            lines[start : function.end_lineno] = indent(dedent(solutions[name]), " " * 4).splitlines()
    return "\n".join(lines)


def exercises_in(code: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions decorated with ``@ch.exercise("id")``, with their ids."""
    for node in ast.parse(code).body:
        for decorator in getattr(node, "decorator_list", ()):
            if isinstance(node, ast.FunctionDef) and isinstance(decorator, ast.Call):
                if isinstance(decorator.func, ast.Attribute) and decorator.func.attr == "exercise":
                    yield ast.literal_eval(decorator.args[0]), node


def solution_lines(source: Source, solutions: Mapping[str, str]) -> set[str]:
    """What must not stand in the student edition: every telling line of every solution, without its ``return``."""
    code = [cell for cell in source.cells if cell.kind == "code"]
    marked = [line for cell in code for line, who in blocks(cell.text) if who == "solved"]
    declared = [name for cell in code for name, _ in exercises_in("\n".join(line for line, _ in blocks(cell.text)))]
    bodies = [line for name in declared for line in solutions.get(name, "").splitlines()]
    return {line.strip().removeprefix("return ") for line in [*marked, *bodies] if _telling(line)}


def _telling(line: str) -> bool:
    """Whether a line gives something away: not a bracket, a bare name, a def or a comment."""
    text = line.strip().removeprefix("return ")
    return len(text) > 4 and not text.startswith(("#", "def ", "@", '"""'))


def _metadata(tags: tuple[str, ...]) -> dict[str, Any]:
    """A cell's metadata: its tags, and for ``reveal`` what keeps an output closed in JupyterLab and in the web book."""
    if "reveal" in tags:
        return {"tags": sorted({*tags, "hide-output"}), "collapsed": True, "jupyter": {"outputs_hidden": True}}
    return {"tags": sorted(tags)} if tags else {}


def _cell_id(kind: str, text: str, seen: set[str]) -> str:
    """A name that depends on what the cell says, so that it stays when other cells change."""
    digest = hashlib.sha256(f"{kind}\n{text}".encode()).hexdigest()[:8]
    count = sum(name.startswith(digest) for name in seen)
    name = f"{digest}-{count}" if count else digest
    seen.add(name)
    return name
