"""Chapter 18: sixteen answers to one question, by the question each one answers; what a coin gets out of ten rounds."""

from collections.abc import Callable
from fractions import Fraction
from math import comb
from typing import Any

from minixai.blackbox.lime import ridge
from minixai.book.examples import TWO_PIXELS, two_pixels
from minixai.book.numbers.asking import answer
from minixai.book.numbers.ch02 import MASKS
from minixai.book.numbers.ways import Value
from minixai.network import Network
from minixai.ops import Array, Linear, ReLU, exact

MOVES, MADE, COMPARED, LIGHTS = "what moves it?", "what made it up?", "compared with what?", "what lights up?"
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {  # {row of the table: (its question, method, parameters)}
    "gradient": (MOVES, "gradient", {}),
    "gradient x picture": (MADE, "", {}),
    "LRP-0": (MADE, "lrp-0", {}),
    "LRP-eps 1": (MADE, "lrp-epsilon", {"eps": 1}),
    "LRP-gamma 1/4": (MADE, "lrp-gamma", {"gamma": Fraction(1, 4)}),
    "LRP-gamma 1": (MADE, "lrp-gamma", {"gamma": 1}),
    "LRP alpha 1, beta 0": (MADE, "lrp-alphabeta", {"alpha": 1, "beta": 0}),
    "Deep Taylor": (MADE, "deep-taylor", {}),
    "LRP alpha 2, beta 1": (MADE, "lrp-alphabeta", {"alpha": 2, "beta": 1}),
    "occlusion": (COMPARED, "", {}),
    "LIME": (COMPARED, "", {}),
    "integrated gradients": (COMPARED, "integrated-gradients", {"quadrature": "exact"}),
    "Rescale": (COMPARED, "deeplift-rescale", {}),
    "RevealCancel": (COMPARED, "deeplift-revealcancel", {}),
    "DeconvNet": (LIGHTS, "deconvnet", {}),
    "guided": (LIGHTS, "guided-backprop", {}),
}
SHARE_OUT = ("gradient x picture", "LRP-0", "integrated gradients", "Rescale")  # one formula, without biases


def sixteen(x: Array = TWO_PIXELS, wiring: int = 1) -> dict[str, Array]:
    """What sixteen methods say of min(x1, x2) at the picture x (2,), all against black: {row of the table: (2,)}."""
    network = two_pixels(wiring)
    found = {name: answer(network, x, method, **params) for name, (_, method, params) in ASKED.items() if method}
    found |= {"gradient x picture": found["gradient"] * x, **_asked_outside(network, x)}
    return {name: found[name] for name in ASKED}


def _asked_outside(network: Network, x: Array) -> dict[str, Array]:
    """What two methods say that see scores only: each pixel hidden; a line through four masks, each counting once."""
    both, first, second, _ = scores = exact([network(mask * x)[0] for mask in MASKS])
    line = ridge(MASKS, scores, exact([1] * len(MASKS)), alpha=0)
    return {"occlusion": exact([both - second, both - first]), "LIME": line.weights}


def stay(x: Array = TWO_PIXELS) -> list[str]:
    """The rows whose answer at x is the same in both wirings."""
    one, other = sixteen(x, 1), sixteen(x, 2)
    return [name for name in ASKED if (one[name] == other[name]).all()]


def a_coin_gets(right: int, rounds: int = 10) -> Fraction:
    """How often a coin guesses at least so many rounds right."""
    return Fraction(sum(comb(rounds, k) for k in range(right, rounds + 1)), 2**rounds)


def biased(b: Any) -> Network:
    """relu(x1) - relu(x1 - x2 + b): the two-pixel network with a bias in its second ReLU."""
    layers = [Linear(exact([[1, 0], [1, -1]]), exact([0, b])), ReLU(), Linear(exact([[1, -1]]))]
    return Network.sequential(layers, input_shape=(2,))


def four(x: Array, b: Any) -> dict[str, Array]:
    """The four rows of SHARE_OUT for the network with the bias b."""
    network = biased(b)
    found = {name: answer(network, x, ASKED[name][1], **ASKED[name][2]) for name in SHARE_OUT if ASKED[name][1]}
    return {"gradient x picture": answer(network, x, "gradient") * x} | found


def _numbers() -> dict[str, Callable[[], Value]]:
    return {
        "stay": lambda: Fraction(len(stay())),
        "stay_tie": lambda: Fraction(len(stay(TIE))),
        "same": lambda: Fraction(sum((v == exact([0, 6])).all() for v in sixteen().values())),
        "tie": lambda: TIE,
        "bias_product": lambda: four(TWO_PIXELS, -1)["LRP-0"],
        "bias_path": lambda: four(TWO_PIXELS, -1)["Rescale"],
    }


TIE = exact([10, 10])
GROUPS = {
    "sixteen": _numbers(),
    "coin": {"seven": lambda: a_coin_gets(7), "eight": lambda: a_coin_gets(8), "nine": lambda: a_coin_gets(9)},
}
