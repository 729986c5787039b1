"""Chapter 11: one neuron, a = (3, 1), w = (1, -1), shared out by every rule; the point each rule compares with."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from minixai.book.numbers.ways import Value
from minixai.network import Network, forward
from minixai.ops import Array, Linear, exact
from minixai.whitebox.deep_taylor import WSquare, ZBox
from minixai.whitebox.lrp import AlphaBeta, Epsilon, Gamma, Zero
from minixai.whitebox.shares import Shares

A, W = exact([3, 1]), exact([1, -1])
EXIT_A, EXIT_W = exact([2, 1]), exact([2, -1])
RULES: Mapping[str, Shares] = {
    "alphabeta": AlphaBeta(alpha=2, beta=1),
    "lrp0": Zero(),
    "eps": Epsilon(eps=1),
    "gamma": Gamma(gamma=1),
    "zplus": AlphaBeta(alpha=1, beta=0),
    "box": ZBox(low=0, high=3),
    "wsquare": WSquare(),
}


def shares(rule: Shares, a: Array, w: Array) -> Array:
    """What the inputs a get of w . a by the engine's rule, at one neuron without bias."""
    step = forward(Network.sequential([Linear(w[None])]), a)["linear1"]
    return np.asarray(rule(step.y, step)[0][0])


def point(rule: Shares, a: Array, w: Array) -> Array:
    """The point that those shares compare with, Eq. (18) turned round: a - share / w."""
    return a - shares(rule, a, w) / w


def _neuron(a: Array, w: Array) -> dict[str, Callable[[], Value]]:
    found: dict[str, Callable[[], Value]] = {"a": lambda: a, "w": lambda: w, "z": lambda: w @ a}
    for name, rule in RULES.items():
        found[name] = partial(shares, rule, a, w)
        found[f"{name}_at"] = partial(point, rule, a, w)
    return found


def _printed() -> Array:
    """The survey's root point of LRP-eps, eps = 1: one number, the same for every input."""
    return exact([1, 1]) / (W @ A + 1)


GROUPS = {
    "root": {
        **_neuron(A, W),
        "eps_left": lambda: W @ point(RULES["eps"], A, W),
        "printed_at": _printed,
        "printed": lambda: (A - _printed()) * W,
        "zplus_silenced": lambda: np.where(W > 0, 0 * A, A),
    },
    "newroot": {
        **_neuron(EXIT_A, EXIT_W),
        "silenced": lambda: np.where(EXIT_W > 0, 0 * EXIT_A, EXIT_A),
    },
}
