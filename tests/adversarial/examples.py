"""Small things to attack, whose answers can be worked out on paper."""

from fractions import Fraction

import numpy as np

import minixai as mx
from minixai.adversarial.aim import Aim

F = Fraction


def linear(weights, bias=None, dtype="exact", **facts):
    """Scores w_k . x + b_k of features x (F,)."""
    bias = np.zeros(len(weights), int) if bias is None else bias
    return mx.Network.sequential([mx.Linear(mx.exact(weights), mx.exact(bias))], **facts).astype(dtype)


def convolutional(seed=0, channels=2, side=6, classes=4, dtype="float64", **facts):
    """A convolution, a ReLU, a max-pool and a linear layer, with random weights; pixels are 0 to 1."""
    rng, inner = np.random.default_rng(seed), (side - 2) // 2
    layers = [
        mx.Conv2d(rng.standard_normal((5, channels, 3, 3)), rng.standard_normal(5)), mx.ReLU(), mx.MaxPool2d(2),
        mx.Flatten(), mx.Linear(rng.standard_normal((classes, 5 * inner**2)), rng.standard_normal(classes)),
    ]  # fmt: skip
    return mx.Network.sequential(layers, **{"box": (0.0, 1.0)} | facts).astype(dtype)


def pictures(seed, *shape, dtype="float64"):
    return np.random.default_rng(seed).random(shape).astype(dtype)


def aim(network, x, target=None, box=None):
    """What an attack is given, without the front door; x is a batch."""
    wanted = None if target is None else np.full(len(x), target)
    return Aim(network, x, np.argmax(network(x), axis=1), wanted, box)


__all__ = ["F", "aim", "convolutional", "linear", "pictures"]
