"""Explanations to draw: one of every kind, small and seeded."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

import minixai as mx

CLASSES = ("ant", "bee", "cat")


def convolutional(seed=0, channels=1):
    """8 x 8 pixels -> three classes."""
    normal = np.random.default_rng(seed).normal
    return mx.Network.sequential(
        [
            mx.Conv2d(normal(size=(4, channels, 3, 3)), normal(size=4), padding=1),
            mx.ReLU(),
            mx.MaxPool2d(2),
            mx.Flatten(),
            mx.Linear(normal(size=(3, 64)), normal(size=3)),
        ],
        classes=CLASSES,
        name="small",
        input_shape=(channels, 8, 8),
    )


def linear():
    """6 features -> three classes, in integers, so that it converts to fractions without noise."""
    integers = np.random.default_rng(1).integers
    layers = [mx.Linear(integers(-4, 5, (5, 6))), mx.ReLU(), mx.Linear(integers(-4, 5, (3, 5)))]
    return mx.Network.sequential(layers, classes=CLASSES, name="features")


def three_dimensional():
    normal = np.random.default_rng(2).normal
    layers = [
        mx.Conv3d(normal(size=(2, 1, 3, 3, 3)), normal(size=2), padding=1),
        mx.ReLU(),
        mx.GlobalAvgPool(),
        mx.Flatten(),
        mx.Linear(normal(size=(3, 2)), normal(size=3)),
    ]
    return mx.Network.sequential(layers, name="clip", input_shape=(1, 4, 6, 6))


def pixels(*shape, seed=5):
    return np.random.default_rng(seed).uniform(size=shape)


KINDS = {
    "grey": lambda: mx.explain(convolutional(), pixels(1, 8, 8), "lrp-epsilon", eps=0.25),
    "colour": lambda: mx.explain(convolutional(channels=3), pixels(3, 8, 8), "gradient"),
    "many channels": lambda: mx.explain(convolutional(channels=5), pixels(5, 8, 8), "fem"),
    "features": lambda: mx.explain(linear(), np.arange(6.0) - 2, "lrp-0"),
    "clip": lambda: mx.explain(three_dimensional(), pixels(1, 4, 6, 6), "lrp-0"),
    "two clips": lambda: mx.explain(three_dimensional(), pixels(2, 1, 4, 6, 6), "lrp-0"),
    "batch": lambda: mx.explain(convolutional(), pixels(3, 1, 8, 8), "integrated-gradients", target=[0, 1, 2]),
    "feature batch": lambda: mx.explain(linear(), pixels(2, 6), "gradient"),
    "given": lambda: mx.Explanation.from_array(np.outer([-2.0, 0, 1, 3], np.arange(9)), pixels(1, 4, 9)),
    "fractions": lambda: mx.explain(
        linear().astype("exact"), mx.exact([Fraction(i, 7) for i in range(-2, 4)]), "lrp-0"
    ),
    "large": lambda: mx.Explanation.from_array(np.random.default_rng(3).normal(size=(90, 70)), pixels(3, 90, 70)),
    "tiny numbers": lambda: mx.Explanation.from_array(1e-7 * (np.eye(8) - 0.3), pixels(1, 8, 8)),
    "nothing": lambda: mx.Explanation.from_array(np.zeros((8, 8)), pixels(1, 8, 8)),
}


ROWS = [kind for kind in KINDS if kind != "clip"]  # a clip alone is a filmstrip


@cache
def explained(kind):
    return KINDS[kind]()


@cache
def shown(kind):
    """Its figure, drawn once for all tests, which only look at it."""
    return explained(kind).show()


@pytest.fixture(params=KINDS, ids=lambda name: name.replace(" ", "-"))
def each_kind(request):
    """The test runs once for every kind of explanation."""
    return request.param


@pytest.fixture
def network():
    return convolutional()


def a_map(values, **facts):
    """Somebody's map (H, W), as an explanation."""
    values = np.asarray(values, float)
    x = np.linspace(0, 1, values.size).reshape(1, *values.shape)
    return mx.Explanation("lrp-0", values, values, x, **facts)
