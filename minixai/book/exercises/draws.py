"""Fresh arguments for the checks that go beyond the bank: small halves, exact in floats too."""

import numpy as np

from minixai.ops import Array, exact


def halves(rng: np.random.Generator, *shape: int, low: int = -6, high: int = 7, without_zero: bool = False) -> Array:
    """An array of fractions k/2 with k from ``low`` to ``high`` - 1, without 0 if asked."""
    pool = [k for k in range(low, high) if k or not without_zero]
    return exact(rng.choice(pool, shape)) / 2


def answer_array(answer: object, shape: tuple[int, ...]) -> Array | None:
    """A reader's answer as exact fractions of this shape; None if it is something else, or not finite."""
    try:
        array = np.asarray(answer, np.float64)
    except (TypeError, ValueError):
        return None
    return exact(array) if array.shape == shape and np.isfinite(array).all() else None
