"""Chapter 03: the pocket CNN, run forwards."""

from collections.abc import Callable
from functools import partial

import numpy as np

from minixai.book.examples import POCKET_FILTERS, POCKET_PICTURE, pocket
from minixai.book.numbers.ways import Value
from minixai.network import forward
from minixai.ops import Array, Conv2d

PICTURE, FILTER = POCKET_PICTURE[0], POCKET_FILTERS[0, 0]
CELL = 1, 1  # the answer that says 6: the window at the bottom right


def _window() -> Array:
    (i, j), (h, w) = CELL, FILTER.shape
    return PICTURE[i : i + h, j : j + w]


def _layer(name: str, head: str) -> Array:
    return forward(pocket(head), POCKET_PICTURE)[name].y[0]


def _turned() -> Array:
    return Conv2d(FILTER[None, None, ::-1, ::-1]).forward(POCKET_PICTURE[None])[0, 0]


def _head(head: str) -> dict[str, Callable[[], Value]]:
    return {
        head: lambda: np.ravel(_layer("flatten1", head)),
        f"{head}_scores": partial(_layer, "linear1", head),
    }


GROUPS = {
    "forward": {
        "window": _window,
        "products": lambda: _window() * FILTER,
        "six": lambda: (_window() * FILTER).sum(),
        "r1": lambda: _layer("relu1", "max")[0],
        "r2": lambda: _layer("relu1", "max")[1],
        "turned": _turned,
        **_head("max"),
        **_head("mean"),
    },
}
