"""Section 2.1, occlusion: hide one window after another and watch the score, Fig. 1.

Contribution, in units of the score. Zeiler and Fergus (2014).
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from minixai.blackbox.scoring import Answer, Asking, Question, filling
from minixai.ops import Array
from minixai.ops.base import sizes
from minixai.ops.numbers import divide, zeros
from minixai.whitebox.case import per_picture

Region = tuple[slice, ...]  # the pixels of one window


def occlusion(
    question: Question,
    window: Any = None,
    stride: Any = None,
    fill: Any = "grey",
    score: str = "probability",
    at_once: int = 64,
    progress: bool | None = None,
) -> Answer:
    """Importance of a pixel: the mean of S_c(x) - S_c(x with a window hidden) over the windows that cover it, (H, W).

    Windows of ``window`` pixels stand at 0, ``stride``, 2 ``stride`` ... until one reaches the far border, where it is
    cut off. A pixel that none covers gets 0. ``window`` and ``stride`` are one number or one
    per axis; None takes a quarter of the picture's sides, and a quarter of the window. ``fill``: what a hidden pixel
    looks like, see :func:`minixai.blackbox.scoring.filling`. ``score``: "probability" or "logit".
    """
    asking, x, space = Asking(question, score, at_once, progress), question.x, question.space
    window = _sizes(window, "window", [-(-side // 4) for side in space])
    stride = _sizes(stride, "stride", [-(-side // 4) for side in window])
    if any(w > side for w, side in zip(window, space, strict=True)):
        raise ValueError(f"window is {window}, larger than the picture, {space}; choose a smaller one")
    hidden, said = filling(question, fill)
    places = list(windows(space, window, stride))
    total, covered = zeros((len(x), *space), asking.clean), zeros(space, asking.clean)
    variants = (occluded(x, place, hidden) for place in places)
    for place, value in zip(places, asking.values(variants, len(places), "occlusion"), strict=True):
        drop = asking.clean - value
        total[(slice(None), *place)] += per_picture(drop, total)
        covered[place] += 1
    choices = {"window": window, "stride": stride, "fill": said}
    return Answer(divide(total, covered), "none", said=choices, score=asking.clean)


def windows(space: tuple[int, ...], window: tuple[int, ...], stride: tuple[int, ...]) -> Iterator[Region]:
    """The windows, row by row, until one reaches the far border; there it is cut off."""
    starts = (range(0, side - w + s, s) for side, w, s in zip(space, window, stride, strict=True))
    for corner in product(*starts):
        yield tuple(slice(at, at + w) for at, w in zip(corner, window, strict=True))


def occluded(x: Array, place: Region, hidden: Array) -> Array:
    """The pictures with one window of each hidden."""
    changed = np.array(x)
    inside: Any = (..., *place)
    changed[inside] = hidden[inside]
    return changed


def _sizes(value: Any, what: str, otherwise: list[int]) -> tuple[int, ...]:
    return tuple(otherwise) if value is None else sizes(value, len(otherwise), what)
