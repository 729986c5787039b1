"""The numbers that the prose calls "by hand": recomputed here in exact fractions, never typed.

A chapter's text holds ``{{min.revealcancel}}``; the build puts "(3, 3)" there. ``{{name:matrix}}`` gives a LaTeX
matrix, ``{{name:decimal}}`` two decimals.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from minixai.api import explain, rules
from minixai.book.examples import POCKET_PICTURE, TWO_PIXELS, pocket, two_pixels
from minixai.network import Network, forward
from minixai.ops import Array, Conv2d, Flatten, GlobalAvgPool, Linear, ReLU, exact
from minixai.taxonomy import closest
from minixai.walk import walk
from minixai.whitebox.integrated import points

Value = Any  # a Fraction, or an array of them
PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)(?::(\w+))?\s*\}\}")


def value(name: str) -> Value:
    """The number, vector or matrix of that name, in exact fractions."""
    if name not in NUMBERS:
        raise ValueError(f"there is no number called {name!r}; {closest(name, list(NUMBERS))}")
    return NUMBERS[name]()


def fill(text: str) -> str:
    """The text with every ``{{name}}`` replaced by the number of that name."""
    return PLACEHOLDER.sub(lambda found: STYLES[_style(found[2])](value(found[1])), text)


def say(v: Value) -> str:
    """2/3, (3, 3) or [[1, 2], [3, 4]]: as one writes it in a sentence."""
    if np.ndim(v) == 0:
        return str(Fraction(v))
    inner = ", ".join(say(each) for each in v)
    return f"({inner})" if np.ndim(v) == 1 else f"[{inner}]" if np.ndim(v[0]) > 1 else f"[{_brackets(v)}]"


def _brackets(rows: Value) -> str:
    return ", ".join("[" + ", ".join(say(each) for each in row) + "]" for row in rows)


def matrix(v: Value) -> str:
    """A LaTeX matrix (a vector becomes one row)."""
    rows = np.atleast_2d(v)
    return r"\begin{pmatrix}" + r" \\ ".join(" & ".join(map(_latex, row)) for row in rows) + r"\end{pmatrix}"


def _latex(v: Fraction) -> str:
    sign = "-" if v < 0 else ""
    return str(v) if v.denominator == 1 else rf"{sign}\tfrac{{{abs(v.numerator)}}}{{{v.denominator}}}"


def decimal(v: Value) -> str:
    """Two decimals: (3.39, 2.61)."""
    return f"{float(v):.2f}" if np.ndim(v) == 0 else "(" + ", ".join(decimal(each) for each in v) + ")"


STYLES: dict[str, Callable[[Value], str]] = {"": say, "matrix": matrix, "decimal": decimal}


def _style(name: str | None) -> str:
    if (name or "") not in STYLES:
        raise ValueError(f"there is no way of writing a number called {name!r}; {closest(str(name), list(STYLES)[1:])}")
    return name or ""


# -- slope and contribution: S = 3 x1 - x2 (chapter 00) ----------------------------------------------------------------

SLOPES = exact([3, -1])


def _linear(x: tuple[int, int]) -> dict[str, Callable[[], Value]]:
    return {
        "picture": lambda: exact(x),
        "score": lambda: SLOPES @ exact(x),
        "slope": lambda: SLOPES,
        "contribution": lambda: SLOPES * exact(x),
    }


# -- the two-pixel network ---------------------------------------------------------------------------------------------

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


def answer(network: Network, x: Array, method: str, target: int = 0, **params: Any) -> Array:
    """The method's relevance, exactly."""
    return explain(network, x, method, target=target, **params).relevance


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


# -- walking backwards (chapter 04) ------------------------------------------------------------------------------------

PAINT_FILTER, PAINT_SIGNAL = exact([[1, 2], [3, 4]]), exact([[5, 0], [0, 6]])


FORK_X, FORK_W, FORK_B, FORK_V = exact([2, 1]), exact([[2, 1], [1, -1]]), exact([-1, 0]), exact([3, -1])


def _fork() -> dict[str, Callable[[], Value]]:
    """S = 3 relu(2 x1 + x2 - 1) - relu(x1 - x2) at (2, 1): two paths from each pixel."""
    network = Network.sequential([Linear(FORK_W, FORK_B), ReLU(), Linear(FORK_V[None])])
    return {
        "picture": lambda: FORK_X,
        "score": lambda: network(FORK_X)[0],
        "slope": lambda: answer(network, FORK_X, "gradient"),
        "first": lambda: FORK_V[0] * FORK_W[0],
        "second": lambda: FORK_V[1] * FORK_W[1],
    }


def _painted(signal: Array) -> Array:
    op = Conv2d(PAINT_FILTER[None, None])
    return op.adjoint(signal[None, None], exact(np.zeros((1, 1, 3, 3))))[0, 0]


def _along(picture: Array) -> Any:
    return (Conv2d(PAINT_FILTER[None, None]).forward(picture[None])[0, 0] * PAINT_SIGNAL).sum()


# -- three gates (chapter 06) ------------------------------------------------------------------------------------------

GATE_Y = exact([[3, -1, 2], [0, 1, -2], [-1, 2, 4]])
GATE_R = exact([[2, 3, -1], [1, -2, 4], [-3, 0, 5]])


def _gate(method: str) -> Array:
    tape = forward(Network.sequential([ReLU()]), GATE_Y[None])
    gated = rules(method)[ReLU](GATE_R[None, None], tape["relu1"])
    return np.asarray(gated)[0, 0]


# -- one neuron, one layer, one plus (chapters 10, 16 and 17) ----------------------------------------------------------

NEURON_A, NEURON_W, NEURON_B = exact([2, 1]), exact([1, -1]), exact([1])
LAYER_W, LAYER_B, LAYER_R = exact([[1, -1], [-3, 2]]), exact([1, 1]), exact([4, 4])  # a row of weights per output
SUM_X, SUM_R = exact([3, -1]), exact([4])


def shared(W: Array, b: Array | None, a: Array, R: Array, method: str, **params: Any) -> Array:
    """R, arriving at one layer of weights W (outputs, inputs), shared out among the activations a by the method."""
    network = Network.sequential([Linear(W, b)])
    (*_, last) = walk(forward(network, a), R[None], rules(method, **params))
    return np.asarray(last.arriving)[0]


def _neuron() -> dict[str, Callable[[], Value]]:
    raised = NEURON_W + np.maximum(NEURON_W, 0)  # w + gamma w^+ with gamma = 1
    share = partial(shared, a=NEURON_A, R=exact([2]))
    return {
        "a": lambda: NEURON_A,
        "w": lambda: NEURON_W,
        "b": lambda: NEURON_B[0],
        "score": lambda: (NEURON_W @ NEURON_A + NEURON_B)[0],
        "raised": lambda: raised,
        "lrp0": lambda: share(NEURON_W[None], NEURON_B, method="lrp-0"),
        "gamma": lambda: share(NEURON_W[None], NEURON_B, method="lrp-gamma", gamma=1),
        "alone": lambda: share(raised[None], NEURON_B, method="lrp-0"),
        "dropped": lambda: share(raised[None], None, method="lrp-0"),
    }


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

    return found | {"apart": apart}


def _line() -> dict[str, Callable[[], Value]]:
    """S = 3 x1 - x2 at (2, 1), explained by slopes at four places on the way from black."""
    contribution = _linear((2, 1))["contribution"]
    return {"short": lambda: contribution() * 3 / 4, "loss": lambda: contribution().sum() / 4}


def _cube() -> dict[str, Callable[[], Value]]:
    """S = x1^3 + x2 at (3, 1) from (1, 0): integrated gradients with four places on the way."""

    def mean_slope(quadrature: str) -> Value:
        places, weights = points(quadrature, 4, exact([1]))
        slopes = [exact([3 * (1 + 2 * t) ** 2, 1]) for t in places]
        return sum((w * s for w, s in zip(weights, slopes, strict=True)), exact([0, 0])) * exact([2, 1])

    return {name: partial(mean_slope, name) for name in ("midpoint", "left", "right", "trapezoid")}


NOISE_X, NOISE = exact([-1, 0, 3]), Fraction(3, 20)
FEM_MAPS = exact([[[1, 1], [1, 1]], [[0, 0], [0, 4]], [[0, 0], [4, 4]]])


def _fem() -> Value:
    layers = [ReLU(), GlobalAvgPool(), Flatten(), Linear(exact([[1, 1, 1]]))]
    return answer(Network.sequential(layers), FEM_MAPS, "fem", layer="relu1")


_GROUPS: dict[str, dict[str, Callable[[], Value]]] = {
    "linear": _linear((2, 1)),
    "linear14": _linear((1, 4)),
    "min": _two_pixels(1),
    "min2": _two_pixels(2),
    "pocket": _pocket(),
    "fork": _fork(),
    "paint": {
        "filter": lambda: PAINT_FILTER,
        "flipped": lambda: PAINT_FILTER[::-1, ::-1],
        "signal": lambda: PAINT_SIGNAL,
        "one": lambda: _painted(exact([[1, 0], [0, 0]])),
        "sum": lambda: _painted(PAINT_SIGNAL),
        "centre": lambda: _painted(PAINT_SIGNAL)[1, 1],
        "forwards": lambda: _along(POCKET_PICTURE),
        "backwards": lambda: (POCKET_PICTURE[0] * _painted(PAINT_SIGNAL)).sum(),
    },
    "neuron": _neuron(),
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
    "gates": {
        "y": lambda: GATE_Y,
        "r": lambda: GATE_R,
        "gradient": partial(_gate, "gradient"),
        "deconvnet": partial(_gate, "deconvnet"),
        "guided": partial(_gate, "guided-backprop"),
    },
}
NUMBERS = {f"{group}.{name}": compute for group, found in _GROUPS.items() for name, compute in found.items()}
