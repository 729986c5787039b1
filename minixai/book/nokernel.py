"""Live figures that need no kernel: a script that computes in the page, so that they also live in the web book.

Each is one file in ``static/`` after the shared ``kit.js``: a pure function of the figure's ``state`` and a ``render``.
Nothing is fetched from anywhere. In a notebook that was saved without its widgets, the still picture stands in.
"""

from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book.examples import TWO_PIXELS, two_pixels
from minixai.book.numbers import GATE_R, GATE_Y, PAINT_FILTER, PAINT_SIGNAL, value
from minixai.book.verdict import coloured
from minixai.ops import Array, Conv2d, exact

STATIC = Path(__file__).resolve().parent / "static"
WALKS = ("gradient", "deconvnet", "guided-backprop")
# Chapter 17's six switches, as minixai has them by default.
SWITCHES = {
    "sign of eps": "as the number it joins",
    "bias (LRP-eps)": "kept",
    "bias (LRP-gamma)": "grows with the weights",
    "places on the path (IG)": "midpoint",
    "noise 3/20 (SmoothGrad)": "of the picture's range",
    "spread (FEM), divided by": "n",
}
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
        still = f"<figure>{self.still}<figcaption>{escape(self.words)}</figcaption></figure>"
        return {**data, "text/html": still, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"live figure {self.name}: {self.words}"


def painting(signal: Any = PAINT_SIGNAL, filter: Any = PAINT_FILTER) -> Board:
    """Chapter 04: which arriving numbers paint what, and what one pixel collects: the same sums twice."""
    G, F = _matrix("signal", signal), _matrix("filter", filter)
    at_input = Conv2d(F[None, None]).adjoint(G[None, None], np.zeros((1, 1, *(np.add(G.shape, F.shape) - 1))))[0, 0]
    words = "Every output paints the filter as it is; every pixel collects with the filter turned by 180 degrees."
    still = coloured({"signal, arriving": G, "filter": F, "filter, turned": F[::-1, ::-1], "at the input": at_input})
    state = {"G": G.tolist(), "F": F.tolist(), "mode": "paint", "pixel": [1, 1]}
    return Board("painting", state, still, words)


def wirings(x: Any = TWO_PIXELS) -> Board:
    """Chapter 06: the two pixels and the wiring of min(x1, x2); what three backward walks answer."""
    pixels = np.asarray(x, float)
    if pixels.shape != (2,):
        raise ValueError(f"x has shape {pixels.shape}; expected two pixels")
    maps = {m: explain(two_pixels(), exact(pixels), m, target=0).relevance.astype(float) for m in WALKS}
    words = "min(x1, x2), wired as relu(x1) - relu(x1 - x2): what three backward walks say about the two pixels."
    state = {"x": pixels.tolist(), "wiring": "relu(x1) - relu(x1 - x2)"}
    return Board("wirings", state, coloured({"picture": pixels, **maps}), words)


def switches() -> Board:
    """Chapter 17: six switches, five small answers, and whose library they make."""
    answers = {"LRP-eps": "layer.signed", "LRP-gamma": "neuron.gamma", "IG": "cube.midpoint"}
    answers |= {"noise": "noise.share", "FEM": "fem.n"}
    words = "Six switches as minixai has them, and five small answers that depend on them."
    still = coloured({title: np.atleast_1d(value(name)).astype(float) for title, name in answers.items()})
    return Board("switches", SWITCHES, still, words)


def _matrix(name: str, values: Any) -> Array:
    matrix = np.asarray(values, float)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"{name} has shape {matrix.shape}; expected a matrix")
    return matrix


def gates(y: Any = GATE_Y, R: Any = GATE_R) -> Board:
    """Chapter 06: change the entries of y and R, and see where and why the three gates differ."""
    Y, A = _matrix("y", y), _matrix("R", R)
    if Y.shape != A.shape:
        raise ValueError(f"y has shape {Y.shape}, R {A.shape}; expected one shape")
    masks = {"gradient": Y > 0, "DeconvNet": A > 0, "guided": (Y > 0) & (A > 0)}
    maps: dict[str, Array] = {"y": Y, "R": A, **{name: np.where(mask, A, 0) for name, mask in masks.items()}}
    words = "Three gates of a ReLU: what the gradient, DeconvNet and guided backpropagation let through of R."
    return Board("gates", {"y": Y.tolist(), "R": A.tolist()}, coloured(maps), words)
