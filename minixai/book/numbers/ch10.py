"""Chapter 10 (with 16 and 17): the 2 of one neuron, shared out by every rule; one more neuron for the exit ticket."""

from collections.abc import Callable
from functools import partial

import numpy as np

from minixai.book.numbers.asking import shared
from minixai.book.numbers.ways import Value
from minixai.ops import exact

NEURON_A, NEURON_W, NEURON_B = exact([2, 1]), exact([1, -1]), exact([1])
EXIT_A, EXIT_W, EXIT_B, EXIT_R = exact([1, 2]), exact([3, -1]), exact([1]), exact([4])
RULES: dict[str, tuple[str, dict]] = {
    "lrp0": ("lrp-0", {}),
    "ignored": ("lrp-0", {"bias": "ignore"}),
    "eps1": ("lrp-epsilon", {"eps": 1}),
    "gamma": ("lrp-gamma", {"gamma": 1}),
    "zplus": ("lrp-alphabeta", {"alpha": 1, "beta": 0}),
    "zplus_ignored": ("lrp-alphabeta", {"alpha": 1, "beta": 0, "bias": "ignore"}),
    "alpha2beta1": ("lrp-alphabeta", {"alpha": 2, "beta": 1}),
}


def _neuron() -> dict[str, Callable[[], Value]]:
    """One neuron of two inputs and a bias; what it fires with arrives as its relevance."""
    raised = NEURON_W + np.maximum(NEURON_W, 0)  # w + gamma w^+ with gamma = 1
    score = lambda: (NEURON_W @ NEURON_A + NEURON_B)[0]  # noqa: E731
    share = partial(shared, a=NEURON_A, R=exact([2]))
    answers = {
        name: partial(share, NEURON_W[None], NEURON_B, method=method, **params)
        for name, (method, params) in RULES.items()
    }
    return {
        **answers,
        "a": lambda: NEURON_A,
        "w": lambda: NEURON_W,
        "b": lambda: NEURON_B[0],
        "score": score,
        "products": lambda: NEURON_A * NEURON_W,
        "raised": lambda: raised,
        "alone": lambda: share(raised[None], NEURON_B, method="lrp-0"),
        "dropped": lambda: share(raised[None], None, method="lrp-0"),
        "kept": lambda: score() - answers["lrp0"]().sum(),
        "kept_eps1": lambda: score() - answers["eps1"]().sum(),
        "zplus_sum": lambda: answers["zplus"]().sum(),
        "alpha2beta1_sum": lambda: answers["alpha2beta1"]().sum(),
    }


GROUPS = {
    "neuron": _neuron(),
    "exit": {
        "a": lambda: EXIT_A,
        "w": lambda: EXIT_W,
        "b": lambda: EXIT_B[0],
        "r": lambda: EXIT_R[0],
        "lrp0": lambda: shared(EXIT_W[None], EXIT_B, EXIT_A, EXIT_R, "lrp-0"),
        "ignored": lambda: shared(EXIT_W[None], None, EXIT_A, EXIT_R, "lrp-0"),
    },
}
