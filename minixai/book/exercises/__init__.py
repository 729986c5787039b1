"""The exercises, as data: one file per chapter, ``chNN.py``, with ``CHAPTER`` (its name) and ``EXERCISES``.

A solution is written as a reader would write it, and runs on float64 and on exact fractions; so do the wrong answers.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from minixai.book.exercise import Exercise, Solved
from minixai.book.numbers import say
from minixai.taxonomy import closest


def numbers() -> list[str]:
    """The chapters that have exercises: "00", "04", ..."""
    return sorted(p.stem.removeprefix("ch") for p in Path(__file__).parent.glob("ch[0-9][0-9].py"))


def chapter_name(name: str) -> str:
    """The full name for a number ("06") or a name ("06_three_ways"). Raises ValueError for any other."""
    known = {number: _module(number).CHAPTER for number in numbers()}
    if name not in {*known, *known.values()}:
        raise ValueError(f"there is no chapter {name!r} with exercises; {closest(str(name), list(known.values()))}")
    return str(known.get(name, name))


def of(chapter: str) -> dict[str, Exercise]:
    """{id: exercise} of a chapter, in the order in which they come; nothing for a chapter that has none."""
    if chapter[:2] not in numbers():
        return {}
    return {e.id: e for e in _module(chapter[:2]).EXERCISES}


def solutions(chapter: str) -> dict[str, str]:
    """{id: what the solved edition puts there}: the lines of a function, or an answer as one types it."""
    return {id: e.body if isinstance(e, Solved) else _typed(e.answer) for id, e in of(chapter).items()}


def _typed(answer: Any) -> str:
    return say(answer) if isinstance(answer, np.ndarray) else repr(answer)


def _module(number: str) -> Any:
    return import_module(f"{__name__}.ch{number}")
