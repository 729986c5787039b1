"""The two running examples, in numbers: the two-pixel network and the pocket CNN."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from minixai.book.examples import POCKET_PICTURE, TWO_PIXELS, pocket, two_pixels
from minixai.book.numbers.asking import answer
from minixai.book.numbers.ways import Value
from minixai.network import Network, forward
from minixai.ops import Array, exact

_ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "gradient": ("gradient", {}),
    "deconvnet": ("deconvnet", {}),
    "guided": ("guided-backprop", {}),
    "ig": ("integrated-gradients", {}),
    "lrp0": ("lrp-0", {}),
    "lrp_eps1": ("lrp-epsilon", {"eps": 1}),
    "gamma_quarter": ("lrp-gamma", {"gamma": Fraction(1, 4)}),
    "gamma1": ("lrp-gamma", {"gamma": 1}),
    "zplus": ("lrp-alphabeta", {"alpha": 1, "beta": 0}),
    "alpha2beta1": ("lrp-alphabeta", {"alpha": 2, "beta": 1}),
    "rescale": ("deeplift-rescale", {}),
    "revealcancel": ("deeplift-revealcancel", {}),
}


def _two_pixels(wiring: int) -> dict[str, Callable[[], Value]]:
    network = two_pixels(wiring)
    found: dict[str, Callable[[], Value]] = {
        name: partial(answer, network, TWO_PIXELS, method, **params) for name, (method, params) in _ANSWERS.items()
    }
    score = lambda x: network(x)[0]  # noqa: E731
    return found | {
        "picture": lambda: TWO_PIXELS,
        "score": lambda: score(TWO_PIXELS),
        "gradient_x_input": lambda: found["gradient"]() * TWO_PIXELS,
        "occlusion": lambda: _drops(score, TWO_PIXELS),
        "nudge": lambda: _drops(score, TWO_PIXELS, by=1),
    }


def _drops(score: Callable[[Array], Any], x: Array, by: int | None = None) -> Array:
    """How much the score falls when each pixel is set to 0, or rises when it is raised ``by`` so much."""
    changed = [np.where(np.arange(len(x)) == i, exact(0) if by is None else x + by, x) for i in range(len(x))]
    differences = [score(x) - score(exact(z)) for z in changed]
    return exact(differences if by is None else [-d for d in differences])


# -- the pocket CNN ----------------------------------------------------------------------------------------------------


def _pocket() -> dict[str, Callable[[], Value]]:
    network = pocket()
    at = lambda name: forward(network, POCKET_PICTURE)[name].y[0]  # noqa: E731
    walked = {
        f"{name}4_{letter}": partial(_four_times, network, method, target)
        for name, method in (("gradient", "gradient"), ("deconvnet", "deconvnet"), ("guided", "guided-backprop"))
        for target, letter in enumerate("ab")
    }
    return walked | {
        "picture": lambda: POCKET_PICTURE[0],
        "f1": lambda: network.node("conv1").op.arrays()["weight"][0, 0],
        "f2": lambda: network.node("conv1").op.arrays()["weight"][1, 0],
        "y1": lambda: at("conv1")[0],
        "y2": lambda: at("conv1")[1],
        "score_a": lambda: at("linear1")[0],
        "score_b": lambda: at("linear1")[1],
        "lrp0_a": lambda: answer(network, POCKET_PICTURE, "lrp-0")[0],
    }


def _four_times(network: Network, method: str, target: int) -> Array:
    return 4 * answer(network, POCKET_PICTURE, method, target)[0]


GROUPS = {"min": _two_pixels(1), "min2": _two_pixels(2), "pocket": _pocket()}
