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


def answer_neuron(neuron: object) -> tuple[Array, Array, Array] | None:
    """A reader's neuron (a, w, b), two arrays of one length and a number, as exact fractions; None if it is none."""
    if not isinstance(neuron, tuple | list) or len(neuron) != 3:
        return None
    length = np.size(neuron[0]) if isinstance(neuron[0], np.ndarray | tuple | list) else 0
    a, w, b = (answer_array(part, shape) for part, shape in zip(neuron, ((length,), (length,), ()), strict=True))
    return None if a is None or w is None or b is None or not length else (a, w, b)
