"""Chapter 08: three noisy copies by hand, and how much noise."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from minixai.book.numbers.ways import Value
from minixai.ops import Array, exact

SMOOTH_X = exact([2, 1])
NOISES = exact([[-4, -2], [0, 0], [2, -3]])


def hill(x: Array) -> Any:
    """The score S = relu(x1)^2 / 4 + |x2|."""
    return x[0] * x[0] * (x[0] > 0) / 4 + abs(x[1])


def hill_slopes(x: Array) -> Any:
    """The slopes of S = relu(x1)^2 / 4 + |x2|: relu(x1) / 2, and the sign of x2 (0 at 0)."""
    return np.stack([x[0] * (x[0] > 0) / 2, 0 * x[1] + (x[1] > 0) - (x[1] < 0)])


def _three() -> dict[str, Callable[[], Value]]:
    copies = SMOOTH_X + NOISES
    slopes = exact([hill_slopes(copy) for copy in copies])
    found: dict[str, Callable[[], Value]] = {
        "x": lambda: SMOOTH_X,
        "score": lambda: Fraction(hill(SMOOTH_X)),
        "clean": lambda: exact(hill_slopes(SMOOTH_X)),
        "maps": lambda: abs(slopes).mean(axis=0),
        "mean": lambda: slopes.mean(axis=0),
        "signed": lambda: abs(slopes.mean(axis=0)),
    }
    columns = {"noise": NOISES, "copy": copies, "slopes": slopes, "map": abs(slopes)}
    return found | {
        f"{name}_{letter}": partial(column.__getitem__, i)
        for name, column in columns.items()
        for i, letter in enumerate("abc")
    }


GROUPS = {"three": _three()}
