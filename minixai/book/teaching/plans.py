"""Lesson plans: one file per chapter, ``minixai/book/plans/NN.toml``, written by hand; what it says is checked here.

* ``[[objectives]]``, one for each of the chapter's, in their order: ``says``, the ``exercises`` that practise it, and
  the ``exit`` question that asks for it: an id from the chapter's exit ticket, or one of the plan's own;
* ``[[exit]]``: the plan's own exit questions, for the worksheet: ``id``, ``ask``, ``answer``;
* ``[[slots]]``: ``title``, ``minutes``, ``bring``, ``if_short``, ``homework``, and ``[[slots.segments]]`` with
  ``from``, ``to``, ``teacher``, ``students``, and where there are any ``heading`` (of the chapter), ``exercises``,
  ``figures``, ``board``, ``expect``: pairs of an exercise and one of its wrong answers (by its name, its option, or its
  place among numbers), whose own sentence is what the teacher says;
* ``[worksheet]``: ``opening``, and ``by_hand``: tasks (``ask``, ``answer``), each with the ``lines`` of room it needs.

Texts may hold ``{{name}}``, as everywhere in the book.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minixai.book import exercises, source
from minixai.book.exercise import Adapter, Exercise, Function, Naming, Question
from minixai.book.numbers import fill
from minixai.book.teaching.page import headings
from minixai.taxonomy import closest

FOLDER = Path(__file__).resolve().parents[1] / "plans"
TEXT, TEXTS = (str,), (list,)
SHAPES: dict[str, dict[str, tuple[type, ...]]] = {  # {kind of table: {key: types}}; "?" marks what may be missing
    "plan": {"objectives": TEXTS, "exit?": TEXTS, "slots": TEXTS, "worksheet": (dict,)},
    "objective": {"says": TEXT, "exercises": TEXTS, "exit": TEXT},
    "exit": {"id": TEXT, "ask": TEXT, "answer": TEXT},
    "slot": {"title": TEXT, "minutes": (int,), "bring": TEXT, "if_short": TEXT, "homework": TEXT, "segments": TEXTS},
    "segment": {
        "from": (int,), "to": (int,), "teacher": TEXT, "students": TEXT, "heading?": TEXT, "exercises?": TEXTS,
        "figures?": TEXTS, "board?": TEXT, "expect?": TEXTS,
    },
    "worksheet": {"opening": TEXT, "by_hand": TEXTS},
    "task": {"ask": TEXT, "answer": TEXT, "lines": (int,)},
}  # fmt: skip
FIGURE = re.compile(r"book\.figures\.(\w+)\(")
ASKED = re.compile(r'ch\.(?:reveal|predict|observe|exercise)\("(\w+)"')
LONGEST = 25  # minutes of one segment; nobody listens or writes longer


@dataclass(frozen=True)
class Plan:
    """A lesson plan, as it was read."""

    number: str
    objectives: tuple[Mapping[str, Any], ...]
    exit: tuple[Mapping[str, Any], ...]
    slots: tuple[Mapping[str, Any], ...]
    worksheet: Mapping[str, Any]

    @property
    def segments(self) -> Iterator[Mapping[str, Any]]:
        for slot in self.slots:
            yield from slot["segments"]


def read(chapter: source.Source, folder: Path = FOLDER) -> Plan | None:
    """The plan of a chapter; None where there is none yet. Raises ValueError, with everything that is wrong in it."""
    path = folder / f"{chapter.name[:2]}.toml"
    if not path.exists():
        return None
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} is no TOML: {error}") from error
    problems = list(misshapen(found)) or list(mistakes(found, chapter))
    if problems:
        raise ValueError("\n".join(f"{path.name}: {problem}" for problem in problems))
    objectives, own, slots = (tuple(found.get(name, ())) for name in ("objectives", "exit", "slots"))
    return Plan(chapter.name[:2], objectives, own, slots, found["worksheet"])


# -- its form ----------------------------------------------------------------------------------------------------------


def misshapen(found: Any) -> Iterator[str]:
    """What is missing, unknown, or of another type than expected, in sentences."""
    yield from _misshapen("plan", found, "the plan")
    for kind, name in (("objective", "objectives"), ("exit", "exit"), ("slot", "slots")):
        for n, one in enumerate(_list(found, name), 1):
            yield from _misshapen(kind, one, f"{name} {n}")
    for n, slot in enumerate(_list(found, "slots"), 1):
        for k, segment in enumerate(_list(slot, "segments"), 1):
            yield from _misshapen("segment", segment, f"slot {n}, segment {k}")
    sheet = found.get("worksheet")
    if isinstance(sheet, dict):
        yield from _misshapen("worksheet", sheet, "the worksheet")
        for n, task in enumerate(_list(sheet, "by_hand"), 1):
            yield from _misshapen("task", task, f"the worksheet's task {n}")


def _list(table: Any, name: str) -> list[Any]:
    found = table.get(name, []) if isinstance(table, dict) else []
    return found if isinstance(found, list) else []


def _misshapen(kind: str, table: Any, where: str) -> Iterator[str]:
    if not isinstance(table, dict):
        yield f"{where} is {table!r}; expected a table"
        return
    shape = {name.rstrip("?"): types for name, types in SHAPES[kind].items()}
    needed = [name for name in SHAPES[kind] if not name.endswith("?")]
    yield from (f"{where} lacks {name!r}" for name in needed if name not in table)
    for name, value in table.items():
        if name not in shape:
            yield f"{where} has {name!r}; {closest(name, list(shape))}"
        elif not isinstance(value, shape[name]) or isinstance(value, bool):
            yield f"{where}: {name!r} is {value!r}; expected {' or '.join(t.__name__ for t in shape[name])}"
        elif isinstance(value, str) and not value.strip():
            yield f"{where}: {name!r} is empty"


# -- whether it fits its chapter ---------------------------------------------------------------------------------------


def mistakes(found: Mapping[str, Any], chapter: source.Source) -> Iterator[str]:
    """Where a plan of the right form does not fit its chapter: names that do not exist, minutes that do not add up."""
    known = exercises.of(chapter.name)
    yield from _objectives(found, chapter, known)
    for n, slot in enumerate(found["slots"], 1):
        yield from (f"slot {n}: {problem}" for problem in _minutes(slot))
        for segment in slot["segments"]:
            where = f"slot {n}, minute {segment['from']}"
            yield from (f"{where}: {problem}" for problem in _segment(segment, chapter, known))
    for text in texts(found):
        try:
            fill(text)
        except ValueError as error:
            yield str(error)


def _objectives(found: Mapping[str, Any], chapter: source.Source, known: Mapping[str, Exercise]) -> Iterator[str]:
    said, theirs = [o["says"] for o in found["objectives"]], list(chapter.about["objectives"])
    if said != theirs:
        differ = next(
            (pair for pair in zip(said, theirs, strict=False) if pair[0] != pair[1]), (len(said), len(theirs))
        )
        yield f"the objectives are not those of the chapter: {differ[0]!r} in the plan, {differ[1]!r} in the chapter"
    own = [one["id"] for one in found.get("exit", ())]
    asked = [*exit_ids(chapter), *own]
    yield from (f"exit question {id!r} stands twice" for id in own if asked.count(id) > 1)
    for objective in found["objectives"]:
        if not objective["exercises"]:
            yield f"no exercise practises {objective['says']!r}"
        yield from (_unknown("exercise", id, known) for id in objective["exercises"] if id not in known)
        if objective["exit"] not in asked:
            yield _unknown("exit question", objective["exit"], asked)


def _minutes(slot: Mapping[str, Any]) -> Iterator[str]:
    at = 0
    for segment in slot["segments"]:
        start, end = segment["from"], segment["to"]
        if start != at:
            yield f"minute {at} is followed by minute {start}"
        if not 0 < end - start <= LONGEST:
            yield f"the segment from {start} to {end} lasts {end - start} minutes; expected 1 to {LONGEST}"
        at = end
    if at != slot["minutes"]:
        yield f"the segments end at minute {at}; expected {slot['minutes']}"


def _segment(segment: Mapping[str, Any], chapter: source.Source, known: Mapping[str, Exercise]) -> Iterator[str]:
    heading = segment.get("heading")
    if heading is not None and heading not in headings(chapter):
        yield _unknown("heading", heading, headings(chapter))
    figures = figure_names(chapter)
    yield from (_unknown("figure", name, figures) for name in segment.get("figures", ()) if name not in figures)
    yield from (_unknown("exercise", id, known) for id in segment.get("exercises", ()) if id not in known)
    for pair in segment.get("expect", ()):
        if not (isinstance(pair, list) and len(pair) == 2):
            yield f"expect holds {pair!r}; expected an exercise and the name of a wrong answer"
        elif pair[0] not in known:
            yield _unknown("exercise", pair[0], known)
        elif pair[1] not in wrong_answers(known[pair[0]]):
            yield _unknown(f"wrong answer of {pair[0]}", str(pair[1]), wrong_answers(known[pair[0]]))


def _unknown(what: str, name: str, known: Any) -> str:
    return f"there is no {what} {name!r}; {closest(str(name), list(map(str, known)))}"


def texts(value: Any) -> Iterator[str]:
    """Every text in a plan."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from texts(each)


def exit_ids(chapter: source.Source) -> list[str]:
    """What the chapter asks under its heading "Exit ticket", and the guesses that it comes back to there."""
    found: list[str] = []
    for code, inside in _cells(chapter):
        if inside:
            found += ASKED.findall(code)
            found += [id for id in exercises.of(chapter.name) if f'"{id}"' in code and id not in found]
    return found


def guesses(chapter: source.Source) -> list[str]:
    """The predictions that are asked for before the exit ticket."""
    asked = "\n".join(code for code, inside in _cells(chapter) if not inside)
    known = exercises.of(chapter.name)
    return [id for id, e in known.items() if e.kind == "predict" and f'ch.predict("{id}"' in asked]


def _cells(chapter: source.Source) -> Iterator[tuple[str, bool]]:
    """The code of a chapter's cells, and whether it stands under the heading "Exit ticket"."""
    inside = False
    for cell in chapter.cells:
        if cell.kind == "markdown":
            for line in cell.text.splitlines():
                inside = line == "## Exit ticket" if line.startswith("## ") else inside
        else:
            yield cell.text, inside


def figure_names(chapter: source.Source) -> list[str]:
    """The live figures of a chapter."""
    code = [cell.text for cell in chapter.cells if cell.kind == "code"]
    return list(dict.fromkeys(name for text in code for name in FIGURE.findall(text)))


def wrong_answers(exercise: Exercise) -> dict[str, str]:
    """{name: what to say} of the wrong answers of an exercise: a function's by name, a question's by option."""
    if isinstance(exercise, Function | Adapter):
        return {wrong.name: wrong.sentence for wrong in exercise.wrong}
    if isinstance(exercise, Question):
        named = ((what if exercise.options else str(n), why) for n, (what, why) in enumerate(exercise.wrong, 1))
        return {str(what): fill(why) for what, why in named}
    if isinstance(exercise, Naming):
        return {" / ".join(sorted(pair)): why for pair, why in exercise.confusions.items()}
    return {}


def practised(plan: Plan) -> list[tuple[str, str, str]]:
    """The table of teachability: objective, exercises that practise it, exit question that asks for it."""
    return [(o["says"], ", ".join(o["exercises"]), o["exit"]) for o in plan.objectives]
