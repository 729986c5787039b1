"""Chapter 16: one neuron and its batch norm, folded and not; one more of each for the exit ticket."""

from collections.abc import Callable

from minixai.book.numbers.asking import shared
from minixai.book.numbers.ways import Value
from minixai.network import Network, fold_batchnorm
from minixai.ops import Array, BatchNorm2d, Linear, exact

NORM_A = exact([2, 1])


def two_layers(w: Array, b: Array, gamma: Array, beta: Array, mean: Array, spread: Array) -> Network:
    """A linear layer and its batch norm, whose ``spread`` is sqrt(var + eps)."""
    return Network.sequential([Linear(w, b), BatchNorm2d(mean, spread**2, gamma, beta, eps=0)])


def folded(network: Network) -> tuple[Array, Array]:
    """Weights and biases of the one layer that is left when its batch norm is folded into it."""
    parts = fold_batchnorm(network).nodes[0].op.arrays()
    return parts["weight"], parts["bias"]


def _folding(a: Array, *numbers: Array) -> dict[str, Callable[[], Value]]:
    w, b, gamma, beta, mean, spread = numbers
    network = two_layers(w[None], b, gamma, beta, mean, spread)
    (weights, bias), z, y = folded(network), (w @ a + b)[0], network(a)
    return {
        "a": lambda: a,
        "w": lambda: w,
        "b": lambda: b[0],
        "gamma": lambda: gamma[0],
        "beta": lambda: beta[0],
        "mean": lambda: mean[0],
        "spread": lambda: spread[0],
        "var": lambda: spread[0] ** 2,
        "scale": lambda: (gamma / spread)[0],
        "z": lambda: z,
        "y": lambda: y[0],
        "weights": lambda: weights[0],
        "bias": lambda: bias[0],
        "shares": lambda: shared(weights, bias, a, y, "lrp-0"),
        "passed": lambda: shared(w[None], b, a, y, "lrp-0"),
        "gamma_folded": lambda: shared(weights, bias, a, y, "lrp-gamma", gamma=1),
        "gamma_passed": lambda: shared(w[None], b, a, y, "lrp-gamma", gamma=1),
    }


GROUPS = {
    "norm": _folding(NORM_A, *map(exact, ([2, -1], [1], [6], [1], [3], [2]))),
    "norm2": _folding(exact([1, 1]), *map(exact, ([1, 2], [3], [4], [-1], [1], [2]))),
    "tenths": {
        "picture": lambda: exact([1, 2, 3]) / 10,
        "closed": lambda: exact([1, 1, 1]),
        "open": lambda: exact([1, 1, 1]) + 10 * exact([1, 1, -1]),
    },
    "residual": {
        "parts": lambda: exact([5, -3]),
        "r": lambda: exact([4])[0],
        "split": lambda: shared(exact([[1, 1]]), None, exact([5, -3]), exact([4]), "lrp-0"),
    },
}
