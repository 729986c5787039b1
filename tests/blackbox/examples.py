"""Small things to explain, whose answers can be worked out on paper."""

from fractions import Fraction

import numpy as np

import minixai as mx
from minixai.blackbox.scoring import Function, Question, model_of
from minixai.zoo.pictures import Pictures

F = Fraction


def exact_picture(seed, *shape):
    """A picture of small fractions."""
    return mx.exact(np.random.default_rng(seed).integers(-8, 9, shape) / 8)


def linear_scores(weights):
    """x -> (w_k . x) for K classes: weights (K, ...) of the shape of a picture."""
    return lambda x: x.reshape(len(x), -1) @ weights.reshape(len(weights), -1).T


def small_network(seed=0, dtype="float64", channels=2, side=6, classes=3, **facts):
    """A convolution, a ReLU, a max-pool and a linear layer, with random weights."""
    rng = np.random.default_rng(seed)
    inner = (side - 2) // 2
    layers = [
        mx.Conv2d(rng.standard_normal((4, channels, 3, 3)), rng.standard_normal(4)), mx.ReLU(), mx.MaxPool2d(2),
        mx.Flatten(), mx.Linear(rng.standard_normal((classes, 4 * inner**2)), rng.standard_normal(classes)),
    ]  # fmt: skip
    return mx.Network.sequential(layers, **facts).astype(dtype)


def pictures(seed, *shape):
    return np.random.default_rng(seed).random(shape)


def question(scorer, x, target=0):
    """What a method is asked, without the front door; x is a batch."""
    return Question(model_of(scorer), x, np.full(len(x), target))


def preprocessed():
    """A network that says how pictures become its inputs: x = (pixel / 255 - mean) / std, in three colours."""
    made_for = Pictures(size=6, mean=(0.5, 0.4, 0.3), std=(0.25, 0.5, 1.0))
    return small_network(channels=3, pictures=made_for, box=made_for.box, black=made_for.black)


class Counting:
    """A scoring function that notes how many pictures it was shown in each call."""

    def __init__(self, scores):
        self.scores, self.calls = scores, []

    def __call__(self, x):
        self.calls.append(len(x))
        return self.scores(x)


__all__ = ["Counting", "F", "Function", "exact_picture", "linear_scores", "pictures", "preprocessed", "question",
           "small_network"]  # fmt: skip
