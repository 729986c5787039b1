"""What is asked of a student in a chapter, cell by cell: for hand-ins and for nbgrader."""

import ast
from collections.abc import Mapping
from typing import Any

from minixai.book import exercises, source
from minixai.book.exercise import Exercise, Question, Solved
from minixai.book.numbers import fill

START = """\
import numpy as np

import minixai as mx
from minixai import book

ch = book.chapter("{chapter}")"""
POINTS = {"function": 3, "counterexample": 3, "bug": 3, "adapter": 4, "maps": 2, "observe": 1, "claim": 2, "predict": 0}
BY_HAND_POINTS = 2


def graded(chapter: str) -> dict[str, Exercise]:
    """{id: exercise} of a chapter, without the predictions: a guess must stay free, so it earns nothing."""
    return {id: e for id, e in exercises.of(chapter).items() if e.kind != "predict"}


def stubs(chapter: source.Source) -> dict[str, str]:
    """{id: the function to be written, with its decorator and docstring}, as the chapter has it."""
    found = {}
    for cell in chapter.cells:
        if cell.kind == "code":
            code = source.written(cell, "student", {})
            for id, function in source.exercises_in(code):
                first = min(decorator.lineno for decorator in function.decorator_list)
                found[id] = "\n".join(code.splitlines()[first - 1 : function.end_lineno])
    return found


def statement(exercise: Exercise) -> str:
    """What an exercise asks, in Markdown."""
    if isinstance(exercise, Solved):
        return f"**{exercise.id}** *({exercise.kind})*\n\n{fill(exercise.statement)}"
    return f"**{exercise.id}** *({exercise.kind})*\n\n{fill(exercise.ask)}{_options(exercise)}"


def _options(exercise: Exercise) -> str:
    options: Mapping[str, str] = exercise.options if isinstance(exercise, Question) else {}
    lines = "\n".join(f"* {letter}: {fill(text)}" for letter, text in options.items())
    return f"\n\n{lines}" if lines else ""


def asked(exercise: Exercise) -> str:
    """The line in which a choice is made."""
    return (
        f'ch.observe("{exercise.id}", ...)'
        if exercise.kind == "observe"
        else f'ch.exercise("{exercise.id}").answer(...)'
    )


def with_body(stub: str, body: str) -> str:
    """The stub with these lines in place of what follows its docstring."""
    (function,) = ast.parse(stub).body
    assert isinstance(function, ast.FunctionDef)
    first = function.body[0]
    after = ast.get_docstring(function) is not None
    start = (first.end_lineno or 0) if after else first.lineno - 1
    return "\n".join([*stub.splitlines()[:start], *(f"    {line}".rstrip() for line in body.splitlines())])


def points(exercise: Exercise) -> int:
    return POINTS[exercise.kind]


def new(cells: list[Any], **facts: Any) -> Any:
    """A notebook of these cells, not run; ``facts`` are noted in it."""
    import nbformat

    metadata = {"kernelspec": source.KERNEL, "language_info": {"name": "python"}, "minixai": facts}
    made = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number:02}"
    return made


def markdown(text: str, **metadata: Any) -> Any:
    import nbformat

    return nbformat.v4.new_markdown_cell(text, metadata=metadata)


def code(text: str, **metadata: Any) -> Any:
    import nbformat

    return nbformat.v4.new_code_cell(text, metadata=metadata)
