"""Chapter 17: one layer, one plus; places on a path; noise; FEM. Its neuron is chapter 10's."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import numpy as np

from minixai.book.numbers.asking import answer, shared
from minixai.book.numbers.ch00 import linear
from minixai.book.numbers.ch10 import NEURON_A
from minixai.book.numbers.ways import Value
from minixai.network import Network
from minixai.ops import Flatten, GlobalAvgPool, Linear, ReLU, exact
from minixai.whitebox.integrated import points

LAYER_W, LAYER_B, LAYER_R = exact([[1, -1], [-3, 2]]), exact([1, 1]), exact([4, 4])  # a row of weights per output
SUM_X, SUM_R = exact([3, -1]), exact([4])


def _layer() -> dict[str, Callable[[], Value]]:
    share = partial(shared, LAYER_W, LAYER_B, NEURON_A, LAYER_R)
    found: dict[str, Callable[[], Value]] = {
        "signed": partial(share, "lrp-epsilon", eps=1),
        "printed": partial(share, "lrp-epsilon", eps=1, stabilizer="literal"),
        "ignored": partial(share, "lrp-epsilon", eps=1, bias="ignore"),
        "lrp0": partial(share, "lrp-0"),
    }

    def apart() -> Value:
        answers = exact([compute() for compute in found.values()])
        return abs(answers[:, None] - answers).max() / abs(answers).max()

    return found | {"apart": apart, "w": lambda: LAYER_W, "b": lambda: LAYER_B, "r": lambda: LAYER_R}


def _line() -> dict[str, Callable[[], Value]]:
    """S = 3 x1 - x2 at (2, 1), explained by slopes at four places on the way from black."""
    contribution = linear((2, 1))["contribution"]
    return {"short": lambda: contribution() * 3 / 4, "loss": lambda: contribution().sum() / 4}


def _cube() -> dict[str, Callable[[], Value]]:
    """S = x1^3 + x2 at (3, 1) from (1, 0): integrated gradients with four places on the way."""
    start, end = exact([1, 0]), exact([3, 1])

    def mean_slope(quadrature: str) -> Value:
        places, weights = points(quadrature, 4, exact([1]))
        slopes = [exact([3 * (1 + 2 * t) ** 2, 1]) for t in places]
        return sum((w * s for w, s in zip(weights, slopes, strict=True)), exact([0, 0])) * (end - start)

    found: dict[str, Callable[[], Value]] = {"start": lambda: start, "end": lambda: end}
    return found | {name: partial(mean_slope, name) for name in ("midpoint", "left", "right", "trapezoid")}


NOISE_X, NOISE = exact([-1, 0, 3]), Fraction(3, 20)
FEM_MAPS = exact([[[1, 1], [1, 1]], [[0, 0], [0, 4]], [[0, 0], [4, 4]]])


def _fem() -> Value:
    layers = [ReLU(), GlobalAvgPool(), Flatten(), Linear(exact([[1, 1, 1]]))]
    return answer(Network.sequential(layers), FEM_MAPS, "fem", layer="relu1")


GROUPS = {
    "layer": _layer(),
    "line": _line(),
    "cube": _cube(),
    "noise": {"x": lambda: NOISE_X, "given": lambda: NOISE, "share": lambda: NOISE * (NOISE_X.max() - NOISE_X.min())},
    "fem": {"n": _fem},
    "sum": {
        "x": lambda: SUM_X,
        "r": lambda: SUM_R[0],
        "split": lambda: shared(exact([[1, 1]]), None, SUM_X, SUM_R, "lrp-0"),
        "copied": lambda: np.repeat(SUM_R, 2),
    },
}
