"""The numbers that the prose calls "by hand": recomputed here in exact fractions, never typed.

A chapter's text holds ``{{min.revealcancel}}``; the build puts "(3, 3)" there. ``{{name:matrix}}`` gives a LaTeX
matrix, ``{{name:decimal}}`` two decimals. ``running.py`` has the two running examples, ``chNN.py`` what a chapter
adds: ``GROUPS = {"group": {"name": function without arguments}}``, said as ``{{group.name}}`` everywhere in the book.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from minixai.book.numbers.ways import STYLES, Value, matrix, say
from minixai.taxonomy import closest

__all__ = ["fill", "groups", "known", "matrix", "say", "value"]
PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)(?::(\w+))?\s*\}\}")


@cache
def groups() -> dict[str, dict[str, Callable[[], Value]]]:
    """{group: {name: what computes it}} of all chapters. Raises ValueError if two of them use one name."""
    found: dict[str, dict[str, Callable[[], Value]]] = {}
    for path in sorted([Path(__file__).parent / "running.py", *Path(__file__).parent.glob("ch[0-9][0-9].py")]):
        more = import_module(f"{__name__}.{path.stem}").GROUPS
        if found.keys() & more:
            raise ValueError(f"{path.name} has groups that another file has, too: {sorted(found.keys() & more)}")
        found |= more
    return found


def known() -> list[str]:
    """The names of all numbers."""
    return [f"{group}.{name}" for group, numbers in groups().items() for name in numbers]


def value(name: str) -> Value:
    """The number, vector or matrix of that name, in exact fractions."""
    group, _, number = name.partition(".")
    if number not in groups().get(group, {}):
        raise ValueError(f"there is no number called {name!r}; {closest(name, known())}")
    return groups()[group][number]()


def fill(text: str) -> str:
    """The text with every ``{{name}}`` replaced by the number of that name."""
    return PLACEHOLDER.sub(lambda found: STYLES[_style(found[2])](value(found[1])), text)


def _style(name: str | None) -> str:
    if (name or "") not in STYLES:
        raise ValueError(f"there is no way of writing a number called {name!r}; {closest(str(name), list(STYLES)[1:])}")
    return name or ""
