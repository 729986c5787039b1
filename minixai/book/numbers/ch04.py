"""Chapter 04: paths that fork, and painting with a filter."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minixai.book.examples import POCKET_PICTURE
from minixai.book.numbers.asking import answer
from minixai.book.numbers.ways import Value
from minixai.network import Network
from minixai.ops import Array, Conv2d, Linear, ReLU, exact

PAINT_FILTER, PAINT_SIGNAL = exact([[1, 2], [3, 4]]), exact([[5, 0], [0, 6]])


FORK_X, FORK_W, FORK_B, FORK_V = exact([2, 1]), exact([[2, 1], [1, -1]]), exact([-1, 0]), exact([3, -1])


def _fork() -> dict[str, Callable[[], Value]]:
    """S = 3 relu(2 x1 + x2 - 1) - relu(x1 - x2) at (2, 1): two paths from each pixel."""
    network = Network.sequential([Linear(FORK_W, FORK_B), ReLU(), Linear(FORK_V[None])])
    return {
        "picture": lambda: FORK_X,
        "score": lambda: network(FORK_X)[0],
        "slope": lambda: answer(network, FORK_X, "gradient"),
        "first": lambda: FORK_V[0] * FORK_W[0],
        "second": lambda: FORK_V[1] * FORK_W[1],
    }


def _painted(signal: Array) -> Array:
    op = Conv2d(PAINT_FILTER[None, None])
    return op.adjoint(signal[None, None], exact(np.zeros((1, 1, 3, 3))))[0, 0]


def _along(picture: Array) -> Any:
    return (Conv2d(PAINT_FILTER[None, None]).forward(picture[None])[0, 0] * PAINT_SIGNAL).sum()


GROUPS = {
    "fork": _fork(),
    "paint": {
        "filter": lambda: PAINT_FILTER,
        "flipped": lambda: PAINT_FILTER[::-1, ::-1],
        "signal": lambda: PAINT_SIGNAL,
        "one": lambda: _painted(exact([[1, 0], [0, 0]])),
        "sum": lambda: _painted(PAINT_SIGNAL),
        "centre": lambda: _painted(PAINT_SIGNAL)[1, 1],
        "forwards": lambda: _along(POCKET_PICTURE),
        "backwards": lambda: (POCKET_PICTURE[0] * _painted(PAINT_SIGNAL)).sum(),
    },
}
