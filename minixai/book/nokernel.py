"""Live figures that need no kernel: a script that computes in the page, so that they also live in the web book.

Each is one file in ``static/`` after the shared ``kit.js``: a pure function of the figure's ``state`` and a ``render``.
Nothing is fetched from anywhere. In a notebook that was saved without its widgets, the still picture stands in.
"""

import json
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from minixai.ops import Array

STATIC = Path(__file__).resolve().parent / "static"
HELP = "figures without a kernel need anywidget: pip install 'minixai[book]'"


def script(name: str) -> str:
    """The module of a figure: the kit, then its own file."""
    return "\n".join((STATIC / file).read_text(encoding="utf-8") for file in ("kit.js", f"{name}.js"))


@cache
def widget_class(name: str, *traits: str) -> type:
    """The widget that runs ``static/NAME.js``; ``traits`` are the names of what page and kernel share."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError(HELP) from error
    style = (STATIC / "kit.css").read_text(encoding="utf-8")
    shared = {trait: traitlets.Any().tag(sync=True) for trait in traits}
    return type(name.capitalize(), (anywidget.AnyWidget,), {"_esm": script(name), "_css": style, **shared})


class Board:
    """A figure without a kernel: put it last in a cell. ``still`` is the picture where no script runs."""

    def __init__(self, name: str, state: Mapping[str, Any], still: str, words: str) -> None:
        self.name, self.still, self.words = name, still, words
        self.widget = widget_class(name, "state")(state=dict(state))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        shown = self.widget._repr_mimebundle_()
        data = shown[0] if isinstance(shown, tuple) else shown
        return {**data, "text/html": self.page(), "text/plain": repr(self)}

    def page(self) -> str:
        """The still picture as HTML, with what a page needs to bring it to life: the web book does (``site/``)."""
        state = escape(json.dumps(dict(self.widget.state)), quote=True)
        still = f"{self.still}<figcaption>{escape(self.words)}</figcaption>"
        return f'<figure class="mx-board" data-board="{self.name}" data-state="{state}">{still}</figure>'

    def __repr__(self) -> str:
        return f"live figure {self.name}: {self.words}"


def matrix_of(name: str, values: Any) -> Array:
    """The values as a matrix of float64. Raises ValueError for anything else."""
    matrix = np.asarray(values, float)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"{name} has shape {matrix.shape}; expected a matrix")
    return matrix
