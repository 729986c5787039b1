"""Grading: a folder of notebooks in, a table and a page for each student out.

A notebook counts for the student whose folder it lies in (``FOLDER/anna/06_three_ways.ipynb``), or whose name it has
(``FOLDER/anna.ipynb``, with the chapter noted inside). Whatever is wrong with one of them costs it a row with a
sentence; the others are graded.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any

from minixai.book import exercises, judge
from minixai.book.exercise import Exercise, Solved
from minixai.book.teaching import assignments, rubric, submission, variants
from minixai.book.teaching.page import page, table
from minixai.book.teaching.sandbox import Sandbox
from minixai.book.teaching.submission import Submission, Unreadable, Written
from minixai.book.values import say
from minixai.book.verdict import Verdict
from minixai.zoo.weights import write

COLUMNS = (
    "student", "chapter", "exercise", "kind", "passed", "rung", "misconception", "points", "of", "attempts", "flags",
    "sentence",
)  # fmt: skip
NOTEBOOKS = 20_000
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # how a spreadsheet knows a formula


@dataclass(frozen=True)
class Row:
    """What became of one exercise of one student. ``verdict`` is None where there was nothing to judge."""

    student: str
    chapter: str
    exercise: str
    kind: str
    verdict: Verdict | None
    points: Fraction
    of: int
    sentence: str
    attempts: int | None = None
    flags: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The row as the table has it."""
        rung = "unreadable" if self.verdict is None else self.verdict.rung
        found = None if self.verdict is None else self.verdict.diagnosis
        values = (
            self.student, self.chapter, self.exercise, self.kind, bool(self.verdict), rung,
            (found and found.name) or "", round(float(self.points), 2), self.of, self.attempts, "; ".join(self.flags),
            self.sentence,
        )  # fmt: skip
        return dict(zip(COLUMNS, values, strict=True))


def grade(folder: Path, secret: str = "") -> Iterator[Row]:
    """Every row, one after the other. Raises ValueError for a folder that has no notebook in it."""
    found = list(notebooks(folder))
    if not found:
        raise ValueError(f"{folder} holds no notebook; expected FOLDER/STUDENT/NN_name.ipynb, or FOLDER/STUDENT.ipynb")
    counted: dict[tuple[str, str], str] = {}
    for path, student in found:
        try:
            handed_in = submission.read(path, student)
            first = counted.setdefault((student, handed_in.chapter), path.name)
            if first != path.name:
                raise Unreadable(f"{first} was handed in for the same chapter, and that one counts.")
        except Unreadable as error:
            sentence = f"{path.name} cannot be graded: {error}"
            yield Row(student, path.stem[:60], "", "", None, Fraction(0), 0, sentence)
            continue
        yield from graded(handed_in, secret)


def notebooks(folder: Path) -> Iterator[tuple[Path, str]]:
    """The notebooks below a folder, each with its student; hidden folders, such as checkpoints, are left out."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the one that holds what was handed in")
    for n, path in enumerate(sorted(folder.rglob("*.ipynb"))):
        if n >= NOTEBOOKS:
            raise ValueError(f"{folder} holds more than {NOTEBOOKS} notebooks; grade it in parts")
        inside = path.relative_to(folder).parts
        if not any(part.startswith(".") for part in inside):
            yield path, (inside[0] if len(inside) > 1 else path.stem)


def graded(handed_in: Submission, secret: str = "") -> Iterator[Row]:
    """The rows of one notebook: every exercise of its chapter, then the questions by hand."""
    known = exercises.of(handed_in.chapter)
    for exercise in known.values():
        if exercise.kind != "predict" or exercise.id in {**handed_in.answers, **handed_in.troubles}:
            yield _row(handed_in, exercise)  # a guess that nobody made is not missing
        if secret and (asked := variants.by_hand(exercise, secret, handed_in.student, handed_in.chapter)):
            yield _row_by_hand(handed_in, asked)
    for id in sorted(set(handed_in.troubles) - set(known) - {f"{id} by hand" for id in known}):
        sentence = handed_in.troubles[id]
        yield Row(
            handed_in.student, handed_in.chapter, id[:60], "", None, Fraction(0), 0, sentence, None, handed_in.flags
        )


def _row(handed_in: Submission, exercise: Exercise) -> Row:
    id, of = exercise.id, assignments.points(exercise)
    attempts = handed_in.attempts.get(id)
    about = (handed_in.student, handed_in.chapter, id, exercise.kind)
    if id in handed_in.troubles:
        return Row(*about, None, Fraction(0), of, handed_in.troubles[id], attempts, handed_in.flags)
    written = handed_in.functions.get(id)
    verdict = verdict_on(exercise, written, handed_in.answers.get(id, ...))
    flags = (*handed_in.flags, *(written.flags if written else ()))
    return Row(*about, verdict, rubric.earned(exercise, verdict), of, verdict.sentence, attempts, flags)


def verdict_on(exercise: Exercise, written: Written | None, answer: Any = ...) -> Verdict:
    """The judge's verdict on what was handed in: on a function in its sandbox, or on an answer."""
    if not isinstance(exercise, Solved):
        return judge.not_attempted(exercise.id) if answer is ... else _judged(exercise, answer)
    if written is None:
        return judge.not_attempted(exercise.id, "There is no function of that exercise in the notebook.")
    with Sandbox(written.pieces, written.name) as theirs:
        if theirs.why:
            return Verdict(exercise.id, "interface", f"The function could not be made: {theirs.why}")
        wanted, found = exercise.arguments, tuple(theirs.arguments or ())
        if len(found) != len(wanted) or (found != wanted and set(found) == set(wanted)):
            sentence = f"Your function takes ({', '.join(found)}); expected ({', '.join(wanted)})."
            return Verdict(exercise.id, "interface", sentence)
        return _judged(exercise, theirs)


def _judged(exercise: Exercise, answer: Any) -> Verdict:
    """The judge's verdict; where an answer is so odd that the judge stops, a verdict that says so."""
    try:
        return judge.check(exercise, answer, graded=True)
    except Exception as error:  # the answer came from elsewhere; one notebook must not end the run
        what = f"{type(error).__name__}: {str(error)[:200]}"
        return Verdict(exercise.id, "interface", f"The answer is of a kind that the checker cannot judge ({what}).")


def _row_by_hand(handed_in: Submission, asked: variants.ByHand) -> Row:
    """The question by hand, with this student's own numbers; exact or nothing."""
    id, of = f"{asked.id} by hand", assignments.BY_HAND_POINTS
    about = (handed_in.student, handed_in.chapter, id, "by hand")
    if id in handed_in.troubles:
        return Row(*about, None, Fraction(0), of, handed_in.troubles[id], flags=handed_in.flags)
    given = [handed_in.by_hand.get((asked.id, n), ...) for n in range(len(asked.cases))]
    if any(each is ... for each in given):
        return Row(*about, judge.not_attempted(id), Fraction(0), of, "Not attempted yet.", flags=handed_in.flags)
    if asked.right(given):
        return Row(*about, Verdict(id, "passed", "Right."), Fraction(of), of, "Right.", flags=handed_in.flags)
    wrong = asked.matches(given)
    sentence = wrong.sentence if wrong else "Not right, and not a mistake we know."
    verdict = Verdict(id, "cases", sentence, _diagnosis(asked, given, wrong))
    return Row(*about, verdict, Fraction(0), of, sentence, flags=handed_in.flags)


def _diagnosis(asked: variants.ByHand, given: Sequence[Any], wrong: Any) -> Any:
    from minixai.book.verdict import Diagnosis, arguments

    bad = [n for n, case in enumerate(asked.cases) if not variants.same(given[n], case.answer)]
    case = asked.cases[bad[0]]
    where = f"expected {say(case.answer)}, yours is {_said(given[bad[0]])}"
    named = (wrong.name, wrong.label, wrong.sentence) if wrong else ()
    shown = arguments(asked.exercise.arguments, case.arguments)
    return Diagnosis(shown, where, None, None, len(bad), len(asked.cases), asked.exercise.property.sentence, *named)


def _said(given: Any) -> str:
    return say(given)[:200]


# -- what is written ---------------------------------------------------------------------------------------------------


def as_csv(rows: Sequence[Row]) -> str:
    """The table. What a spreadsheet would take for a formula gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _harmless(value) for name, value in row.as_dict().items()})
    return out.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(DANGEROUS) else value


def save(rows: Sequence[Row], out: Path) -> list[Path]:
    """``grades.csv``, and ``feedback/STUDENT.html`` for every student; their paths."""
    (out / "feedback").mkdir(parents=True, exist_ok=True)
    write(out / "grades.csv", as_csv(rows).encode())
    written = [out / "grades.csv"]
    for student in dict.fromkeys(row.student for row in rows):
        target = out / "feedback" / f"{student}.html"
        write(target, feedback(student, [row for row in rows if row.student == student]).encode())
        written.append(target)
    return written


def feedback(student: str, rows: Sequence[Row]) -> str:
    """A student's page: the points, then every verdict as the notebook would show it."""
    points, of = sum(row.points for row in rows), sum(row.of for row in rows)
    body = f"<h1>{escape(student)}</h1><p>{_points(Fraction(points))} of {of} points.</p>"
    for chapter in dict.fromkeys(row.chapter for row in rows):
        mine = [row for row in rows if row.chapter == chapter]
        head = ("exercise", "kind", "state", "points")
        lines = [
            (
                escape(r.exercise),
                escape(r.kind),
                escape(str(r.as_dict()["rung"])),
                f"{_points(r.points)} of {r.of}",
            )
            for r in mine
        ]
        body += f"<h2>{escape(chapter)}</h2>{table(head, lines)}"
        body += "".join(_shown(row) for row in mine)
    return page(f"Feedback for {student}", body)


def _points(points: Fraction) -> str:
    return f"{float(points):.3g}"


def _shown(row: Row) -> str:
    if row.verdict is None:
        return f"<p><strong>{escape(row.exercise)}</strong>: {escape(row.sentence)}</p>"
    return row.verdict._repr_html_()
