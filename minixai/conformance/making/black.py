"""Questions about black-box methods: windows, segments, masks and fillings are drawn, and everything is data.

Of a score the answer is a fraction. A probability, a kernel and a step of Adam are none: such an answer is the second
derivation's, to 30 digits, and the engine, in float64 and in float32, must find it.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from minixai import api
from minixai.conformance.making import precision
from minixai.conformance.making.again import Again, Unsteady, answered, fraction
from minixai.conformance.making.confirm import Question
from minixai.conformance.making.families import NOTES
from minixai.conformance.making.networks import draw_numbers
from minixai.network import Network, Tape, forward
from minixai.ops import Array, UnsupportedOp
from minixai.ops.numbers import exact
from minixai.result import Explanation

HALF, QUARTER, EIGHTH = Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)
SETTINGS: dict[str, tuple[Mapping[str, Any], ...]] = {
    "occlusion": ({"score": "logit"}, {"score": "logit"}, {"score": "probability"}),
    "lime": (
        {"score": "logit", "alpha": 1, "fill": "superpixel"},
        {"score": "logit", "alpha": QUARTER},
        {"score": "probability", "alpha": QUARTER, "sigma": QUARTER},
    ),
    "meaningful-perturbation": (
        {"l1": HALF, "l2": Fraction(1), "beta": 3, "n": 3, "rate": EIGHTH, "start": HALF},
        {"l1": EIGHTH, "l2": Fraction(2), "beta": 2, "n": 4, "rate": QUARTER, "start": Fraction(3, 4)},
        {"l1": Fraction(2), "l2": HALF, "beta": 3, "n": 4, "rate": QUARTER, "start": QUARTER},
    ),
}
WRITTEN = {
    "occlusion": ("window", "stride", "score"),
    "lime": ("alpha", "sigma", "fill", "score"),
    "meaningful-perturbation": ("l1", "l2", "beta", "perturbation", "grid", "n", "rate", "start", "jitter", "score"),
}
FLAGS = {
    "occlusion": "windows overlap, are cut off at the border, or leave pixels out: each pixel has the mean of its own",
    "lime": "masks and the colours of what is hidden are given: what each mask counts, and the fit, are left",
    "meaningful-perturbation": "a few steps of Adam from a given mask: every step must be right for the last one to be",
}
DATA = ("fill", "segments", "masks", "weights")
UNSTEADY = ("zeros", "ties", "batch")  # families whose gates and winners do not stay clear of turning for some steps
LEAST = 0.01  # of a probability, or of a mask: a case in which less happens is not worth having
CLOSE = {"float64": 1e-12, "float32": 2e-5}  # how close the engine must come to what is no fraction


def drawn(method: str, family: str, rng: np.random.Generator, x: Array, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, and what else ``explain`` is given. Raises UnsupportedOp where a method does not fit a family."""
    if method == "meaningful-perturbation" and family in UNSTEADY:
        raise UnsupportedOp("no steps down a slope here")
    space, given = x.shape[2:] or x.shape[1:], dict(settings)
    if "fill" not in given:
        given["fill"] = _fill(rng, x)
    if method == "occlusion":
        given["window"] = tuple(int(rng.integers(1 + (side > 2), side)) for side in space)
        given["stride"] = tuple(int(rng.integers(1, size + 2)) for size in given["window"])  # gaps are rare
    elif method == "lime":
        M = int(rng.integers(2, 5))
        n = M + int(rng.integers(2, 5))
        given["segments"] = _segments(rng, space, M) if len(x) == 1 else np.stack([_segments(rng, space, M) for _ in x])
        given["masks"] = np.concatenate([np.ones((1, M), int), rng.integers(0, 2, (n - 1, M))])
        if "sigma" not in given:
            given["weights"] = exact(rng.integers(1, 17, n) / 8)
    else:
        given |= {"perturbation": "constant", "jitter": 0, "score": "logit"}
        given["grid"] = tuple(int(rng.integers(1, min(side, 4))) for side in space)
    return given


def flags(method: str, family: str) -> list[str]:
    """What there is to get wrong; of the network only what matters to a method that asks for scores."""
    return [FLAGS[method], *([NOTES[family]] if family in ("batch", "volume") else [])]


def _fill(rng: np.random.Generator, x: Array) -> Array:
    """A picture of one colour, or of any."""
    shape = x.shape[1:]
    colour = (shape[0],) + (1,) * (len(shape) - 1) if len(shape) > 1 and rng.integers(2) else shape
    return np.array(np.broadcast_to(exact(draw_numbers(rng, colour, "eighths")), shape))


def _segments(rng: np.random.Generator, space: tuple[int, ...], M: int) -> Array:
    """Every pixel's superpixel; each has pixels."""
    n = int(np.prod(space))
    numbers = np.concatenate([np.arange(M), rng.integers(0, M, n - M)])
    return rng.permutation(numbers).reshape(space)


def params_of(found: Explanation) -> dict[str, Any]:
    """What is written of the parameters: numbers and names; arrays are data."""
    said = {key: found.params[key] for key in WRITTEN[found.method]}
    if found.method == "lime" and found.params["weights"] is not None:
        del said["sigma"]  # without meaning where the weights are given
    return {key: value for key, value in said.items() if not isinstance(value, np.ndarray)}


def data_of(found: Explanation) -> dict[str, Array]:
    """What is written of the arrays."""
    return {key: found.params[key] for key in DATA if isinstance(found.params.get(key), np.ndarray)}


def explained(method: str, network: Network, x: Array, given: Mapping[str, Any]) -> tuple[Explanation, dict, bool]:
    """The answer, confirmed; what is known of LIME's models; and whether it is in fractions.

    Raises ValueError (``Ambiguous``, ``Unsteady``) where floats might decide otherwise.
    """
    rational = given["score"] == "logit" and method != "meaningful-perturbation" and "sigma" not in given
    target, params = given["target"], {key: value for key, value in given.items() if key != "target"}
    if rational:
        found = api.explain_by(_decided, network, x, method, target, params)
    else:
        found = _in_floats(method, network, x, target, params, "float64")
    again = [answered(method, q, data) for q, data in _each(found, network, x)]
    if rational:
        for i, one in enumerate(again):
            if one.relevance.shape != found.relevance[i].shape or (one.relevance != found.relevance[i]).any():
                raise RuntimeError(f"{method}: the second derivation does not agree with the engine")
    else:
        for dtype in ("float64", "float32"):
            _compared(method, _in_floats(method, network, x, target, params, dtype), again, dtype)
    more = {key: _stacked([one.more[key] for one in again]) for key in again[0].more}
    for key, name in (("intercept", "intercept"), ("r2", "R2")):
        if key in more and rational and list(np.atleast_1d(found.notes[name])) != list(more[key]):
            raise RuntimeError(f"{method}: the second derivation finds another {name}")
    if not rational:
        found = _with_digits(found, network, x, again)
    return found, more, rational


def _decided(network: Network, x: Array, ref: Tape | None = None) -> Tape:
    """The forward pass, where no gate and no winner hangs on a rounding error."""
    precision.decided(network, x)
    return forward(network, x, ref)


def _in_floats(method: str, network: Network, x: Array, target: Any, params: Mapping[str, Any], dtype: str) -> Any:
    floats = {key: value.astype(float) if _is_numbers(value) else value for key, value in params.items()}
    plain = {key: float(value) if isinstance(value, Fraction) else value for key, value in floats.items()}
    found = api.explain(network.astype(dtype), x.astype(dtype), method, target=target, **plain)
    return found if dtype == "float32" else _named(found, params)


def _named(found: Explanation, params: Mapping[str, Any]) -> Explanation:
    from dataclasses import replace

    return replace(found, params={**found.params, **params})


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object


def _each(found: Explanation, network: Network, x: Array) -> list[tuple[Question, dict[str, Array]]]:
    """Every picture's own question."""
    questions, params, data = [], params_of(found), data_of(found)
    for i, picture in enumerate(x):
        own = dict(data)
        if "segments" in own and own["segments"].ndim == x.ndim - 1 and x.ndim > 2:
            own["segments"] = own["segments"][i]
        questions.append((Question(network, picture, int(found.target[i]), params), own))
    return questions


def _compared(method: str, found: Explanation, again: list[Again], dtype: str) -> None:
    """Unsteady where there is little to find, or float32 does not come close; RuntimeError where float64 does not."""
    for i, one in enumerate(again):
        right = np.array([float(v) for v in one.relevance.flat]).reshape(one.relevance.shape)
        largest = np.abs(right).max()
        if largest < LEAST:
            raise Unsteady("what is explained hardly moves")
        apart = np.abs(found.relevance[i] - right).max() / largest
        if right.shape != found.relevance[i].shape or not apart <= CLOSE[dtype]:
            if dtype == "float32":
                raise Unsteady("float32 is too coarse for this case")
            raise RuntimeError(f"{method}: the second derivation is {apart:.1e} away from the engine")


def _with_digits(found: Explanation, network: Network, x: Array, again: list[Again]) -> Explanation:
    """The answer with the numbers of the second derivation, as fractions that are right to 50 digits."""
    from dataclasses import replace

    from minixai.conformance.variants.hiding import scored

    scores = [_score(found, network, x, i, scored) for i in range(len(x))]
    relevance = np.stack([_stacked(list(one.relevance.flat)).reshape(one.relevance.shape) for one in again])
    return replace(found, relevance=relevance, score=_stacked(scores))


def _score(found: Explanation, network: Network, x: Array, i: int, scored: Any) -> Any:
    from minixai.conformance.variants.base import Asked

    asked = Asked(found.method, network, x, tuple(map(int, found.target)), dict(found.params))
    return scored(asked, i, x[i : i + 1])[0]


def _stacked(values: list) -> Array:
    return np.array([*map(fraction, values), None], object)[:-1]
