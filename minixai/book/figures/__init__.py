"""The live figures, by chapter: ``book.figures.wirings()``.

One file per chapter, ``chNN.py``, with ``FIGURES``: functions that return a ``live.Figure`` (it asks the engine) or a
``nokernel.Board`` (it computes in the page). Called without arguments each shows what its chapter shows.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from minixai.taxonomy import closest


@cache
def known() -> dict[str, Callable[..., Any]]:
    """{name: figure} of all chapters, in their order."""
    stems = sorted(p.stem for p in Path(__file__).parent.glob("ch[0-9][0-9].py"))
    return {f.__name__: f for stem in stems for f in import_module(f"{__name__}.{stem}").FIGURES}


def chapter_of(name: str) -> str:
    """The number of the chapter that a figure belongs to."""
    return known()[name].__module__[-2:]


def __getattr__(name: str) -> Callable[..., Any]:
    if name.startswith("_") or name not in known():
        raise AttributeError(f"there is no live figure {name!r}; {closest(name, list(known()))}")
    return known()[name]
