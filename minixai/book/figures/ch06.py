"""Chapter 06: two wirings of one function, and three gates."""

from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book.examples import TWO_PIXELS, two_pixels
from minixai.book.nokernel import Board, matrix_of
from minixai.book.numbers.ch06 import GATE_R, GATE_Y
from minixai.book.verdict import coloured
from minixai.ops import Array, exact

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
    Y, A = matrix_of("y", y), matrix_of("R", R)
    if Y.shape != A.shape:
        raise ValueError(f"y has shape {Y.shape}, R {A.shape}; expected one shape")
    masks = {"gradient": Y > 0, "DeconvNet": A > 0, "guided": (Y > 0) & (A > 0)}
    maps: dict[str, Array] = {"y": Y, "R": A, **{name: np.where(mask, A, 0) for name, mask in masks.items()}}
    words = "Three gates of a ReLU: what the gradient, DeconvNet and guided backpropagation let through of R."
    return Board("gates", {"y": Y.tolist(), "R": A.tolist()}, coloured(maps), words)


FIGURES = (wirings, gates)
