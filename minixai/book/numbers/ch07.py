"""Chapter 07: two lamps and a sensor, S = min(x1 + x2, 1) at (2, 1)."""

from collections.abc import Callable
from functools import partial

import numpy as np

from minixai.book.numbers.asking import answer
from minixai.book.numbers.ways import Value
from minixai.network import Network
from minixai.ops import Array, Linear, ReLU, exact

LAMPS, PLACES = exact([2, 1]), (2, 3, 4, 5, 10, 50)


def lamps() -> Network:
    """S = min(x1 + x2, 1) for lights that are not negative: relu(x1 + x2) - relu(x1 + x2 - 1)."""
    layers = [Linear(exact([[1, 1], [1, 1]]), exact([0, -1])), ReLU(), Linear(exact([[1, -1]]))]
    return Network.sequential(layers, name="two lamps", classes=("light",), input_shape=(2,))


def _from(baseline: Array) -> Value:
    return answer(lamps(), LAMPS, "integrated-gradients", baseline=baseline, quadrature="exact")


def _gap(n: int) -> Value:
    """How far the sum over n midpoints, from darkness, is from the score difference."""
    return answer(lamps(), LAMPS, "integrated-gradients", n=n).sum() - lamps()(LAMPS)[0]


def _one_after_the_other(first: int) -> Value:
    """From darkness, one lamp after the other: what each adds when it is switched on."""
    on = np.where(np.arange(2) == first, LAMPS, exact(0))
    alone, both = lamps()(on)[0], lamps()(LAMPS)[0]
    return np.where(np.arange(2) == first, alone, both - alone)


def _orders() -> dict[str, Callable[[], Value]]:
    return {
        "first": partial(_one_after_the_other, 0),
        "second": partial(_one_after_the_other, 1),
        "either": lambda: (_one_after_the_other(0) + _one_after_the_other(1)) / 2,
    }


GROUPS = {
    "lamps": {
        "picture": lambda: LAMPS,
        "score": lambda: lamps()(LAMPS)[0],
        "gradient": lambda: answer(lamps(), LAMPS, "gradient"),
        "black": partial(_from, exact([0, 0])),
        "half": partial(_from, exact([0, 0.5])),
        "lit": partial(_from, exact([1, 0])),
        "four": lambda: answer(lamps(), LAMPS, "integrated-gradients", n=4),
        **{f"gap{n}": partial(_gap, n) for n in PLACES},
        **_orders(),
    }
}
