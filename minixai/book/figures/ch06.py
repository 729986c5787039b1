"""Chapter 06: two wirings of one function, and three gates; the survey's figure 5."""

from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.api import explain
from minixai.book.examples import TWO_PIXELS, two_pixels
from minixai.book.nokernel import Board, matrix_of
from minixai.book.numbers import say
from minixai.book.numbers.ch06 import GATE_R, GATE_Y
from minixai.book.verdict import coloured
from minixai.draw import panels
from minixai.draw.sheet import CLOSE, Sheet
from minixai.draw.style import QUIET, SIGNED, styled
from minixai.ops import Array, exact

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WALKS = ("gradient", "deconvnet", "guided-backprop")


def wirings(x: Any = TWO_PIXELS) -> Board:
    """The two pixels and the wiring of min(x1, x2); what three backward walks answer."""
    pixels = np.asarray(x, float)
    if pixels.shape != (2,):
        raise ValueError(f"x has shape {pixels.shape}; expected two pixels")
    maps = {m: explain(two_pixels(), exact(pixels), m, target=0).relevance.astype(float) for m in WALKS}
    words = "min(x1, x2), wired as relu(x1) - relu(x1 - x2): what three backward walks say about the two pixels."
    state = {"x": pixels.tolist(), "wiring": "relu(x1) - relu(x1 - x2)"}
    return Board("wirings", state, coloured({"picture": pixels, **maps}), words)


def gates(y: Any = GATE_Y, R: Any = GATE_R) -> Board:
    """Change the entries of y and R, and see where and why the three gates differ."""
    Y, A, masks = _masks(y, R)
    maps: dict[str, Array] = {"y": Y, "R": A, **{name: np.where(mask, A, 0) for name, mask in masks.items()}}
    words = "Three gates of a ReLU: what the gradient, DeconvNet and guided backpropagation let through of R."
    return Board("gates", {"y": Y.tolist(), "R": A.tolist()}, coloured(maps), words)


def _masks(y: Any, R: Any) -> tuple[Array, Array, dict[str, Array]]:
    """y and R as matrices of one shape, and where each gate is open."""
    Y, A = matrix_of("y", y), matrix_of("R", R)
    if Y.shape != A.shape:
        raise ValueError(f"y has shape {Y.shape}, R {A.shape}; expected one shape")
    return Y, A, {"gradient": Y > 0, "DeconvNet": A > 0, "guided": (Y > 0) & (A > 0)}


def three_ways(y: Any = GATE_Y, R: Any = GATE_R) -> "Figure":
    """Fig. 5: a ReLU forwards, what arrives on the way back, and what each of three gates lets through; in numbers.

    ``y`` and ``R`` are matrices of one shape. Raises ValueError for anything else.
    """
    Y, A, masks = _masks(y, R)
    everywhere = np.ones(Y.shape, bool)
    above = {"y goes in": (Y, everywhere), "relu(y) comes out": (Y, Y > 0), "R arrives": (A, everywhere)}
    shown = above | {name: (A, mask) for name, mask in masks.items()}
    said = [f"{name}: {say(np.where(mask, values, 0))}" for name, (values, mask) in shown.items()]
    foot = "Above: forwards, and what arrives backwards. Below: what each lets through; crossed out: stopped."
    top = max(float(abs(Y).max()), float(abs(A).max())) or 1.0
    with styled():
        sheet = Sheet(2, len(masks), title="", alt=f"A ReLU. {'; '.join(said)}.", foot=foot, cell=CLOSE)
        for name, (values, mask) in shown.items():
            axes = sheet.next(name)
            # half of the colours' depth: the numbers on them stay black
            axes.imshow(np.where(mask, values, 0), cmap=SIGNED, vmin=-2 * top, vmax=2 * top)
            panels.bare(axes)
            for (i, j), value in np.ndenumerate(np.where(mask, values, 0)):
                axes.text(j, i, f"{value:g}", ha="center", va="center", size=12, color="black" if mask[i, j] else QUIET)
                if not mask[i, j]:
                    axes.plot((j - 0.4, j + 0.4), (i + 0.4, i - 0.4), color="0.75", linewidth=0.8)
    return sheet.figure


FIGURES = (wirings, gates)
