"""Chapter 14: how far small steps push a score; what two generators leave over; the nearest border."""

from collections.abc import Callable
from fractions import Fraction
from math import isqrt

import numpy as np

from minixai.adversarial import attack
from minixai.book.numbers.ways import Value
from minixai.network import Network
from minixai.ops import Array, Linear, exact

WEIGHTS, EPS = exact([2, -1, 1]), Fraction(1, 4)
FOUR, EIGHTH = exact([1, -2, 1, -2]), Fraction(1, 8)
HUNDRED, FIFTIETH = np.where(np.arange(100) % 3, exact(1), exact(-1)), Fraction(1, 50)
X, SIMILAR, ADVERSARIAL = exact([4, 9, 5]), exact([6, 8, 6]), exact([6, 5, 6])
SCORES, SLOPES = exact([5, 3, 2]), exact([[1, 0], [1, 1], [3, 3]])


def pushed(w: Array, eps: Fraction) -> Fraction:
    """How far the engine's FGSM moves the score w . x, from a picture far from black and white."""
    two = Network.sequential([Linear(np.stack([-w, 0 * w]), exact([abs(w).sum() * 2, 0]))])
    found = attack(two, 0 * w + Fraction(1, 2), "fgsm", eps=eps, box=(0, 1))
    return w @ found.perturbation


def root(v: Fraction) -> Fraction:
    """The square root of the square of a fraction."""
    found = Fraction(isqrt(v.numerator), isqrt(v.denominator))
    if found * found != v:
        raise ValueError(f"{v} is not the square of a fraction")
    return found


def nearest() -> Array:
    network = Network.sequential([Linear(SLOPES, SCORES)])
    return attack(network, exact([0, 0]), "deepfool", box=None, overshoot=0, steps=1).perturbation


def _share(R: Array) -> Fraction:
    return R[1] / R.sum()


def _excess(x: Array) -> Fraction:
    return x[1] - (x[0] + x[2]) / 2 - 1


Numbers = dict[str, Callable[[], Value]]
PUSH: Numbers = {
    "weights": lambda: WEIGHTS,
    "eps": lambda: EPS,
    "signs": lambda: WEIGHTS / abs(WEIGHTS),
    "three": lambda: pushed(WEIGHTS, EPS),
    "hundred": lambda: pushed(HUNDRED, FIFTIETH),
    "spread": lambda: root(FIFTIETH**2 * (HUNDRED * HUNDRED).sum()),
    "four": lambda: FOUR,
    "ticket": lambda: np.array([pushed(FOUR, EIGHTH), EIGHTH * FOUR.sum()], object),
}
PAINTED: Numbers = {
    "x": lambda: X,
    "similar": lambda: SIMILAR,
    "adversarial": lambda: ADVERSARIAL,
    "two": lambda: abs(SIMILAR - ADVERSARIAL),
    "one": lambda: abs(X - ADVERSARIAL),
    "share2": lambda: _share(abs(SIMILAR - ADVERSARIAL)),
    "share1": lambda: _share(abs(X - ADVERSARIAL)),
    "scores": lambda: np.array([_excess(p) for p in (X, SIMILAR, ADVERSARIAL)], object),
}
BORDER: Numbers = {
    "scores": lambda: SCORES,
    "slopes": lambda: SLOPES,
    "step": nearest,
    "after": lambda: SCORES + SLOPES @ nearest(),
}
GROUPS = {"push": PUSH, "painted": PAINTED, "border": BORDER}
