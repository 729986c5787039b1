"""The notebook that a student hands in: stubs, questions, and questions by hand with this student's own numbers."""

from collections.abc import Sequence
from typing import Any

from minixai.book import source
from minixai.book.exercise import Solved
from minixai.book.teaching import assignments
from minixai.book.teaching.variants import ByHand, by_hand
from minixai.book.values import say

HEAD = """\
# {number} {title}: what {student} hands in

Write the functions, answer the questions, save, hand the file in. The cells check themselves as in the chapter; what
counts is what the teacher's check says, which also refuses conventions that are not the survey's."""
PENCIL = """\
## By hand

These numbers are yours alone. Write fractions as `2/3`, an array as `[1, 2]` or `[[1, 2], [3, 4]]`, several things as
`(1, 2)`; no decimals that had to be rounded."""


def questions(chapter: source.Source, student: str, secret: str) -> list[ByHand]:
    """This student's questions by hand."""
    found = (by_hand(e, secret, student, chapter.name) for e in assignments.graded(chapter.name).values())
    return [one for one in found if one is not None]


def notebook(chapter: source.Source, student: str, asked: Sequence[ByHand] = ()) -> Any:
    """The hand-in of a chapter for one student. Nothing in it tells an answer."""
    head = HEAD.format(number=chapter.name[:2], title=chapter.about["title"], student=student)
    cells = [
        assignments.markdown(head),
        assignments.code(assignments.START.format(chapter=chapter.name)),
    ]
    stubs = assignments.stubs(chapter)
    for id, exercise in assignments.graded(chapter.name).items():
        cells.append(assignments.markdown(assignments.statement(exercise)))
        if isinstance(exercise, Solved):
            cells.append(assignments.code(f"{stubs[id]}\n\n\n{id}.check()"))
        else:
            cells.append(assignments.code(assignments.asked(exercise)))
    if asked:
        cells += [assignments.markdown(PENCIL), assignments.code("by_hand = {}")]
    for one in asked:
        cells.append(assignments.markdown("\n\n".join(written(one))))
        cells.append(assignments.code("\n".join(f'by_hand["{one.id}", {n}] = ...' for n in range(len(one.cases)))))
    return assignments.new(cells, chapter=chapter.name, student=student)


def written(one: ByHand) -> list[str]:
    """The question by hand, in Markdown: the statement, then a line for each case."""
    exercise = one.exercise
    lines = [f"**{one.id}**, by hand. {exercise.statement}"]
    for n, case in enumerate(one.cases):
        given = ", ".join(f"`{name} = {say(a)}`" for name, a in zip(exercise.arguments, case.arguments, strict=True))
        lines.append(f"{n}. {given}{which(case.place)}")
    return lines


def which(place: tuple[int, ...] | None) -> str:
    """Which number of the answer is asked for."""
    if place is None:
        return ""
    return f": only the number at `{list(place)}` of the answer, counted from 0"
