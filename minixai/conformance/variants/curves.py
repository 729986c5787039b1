"""Deletion and insertion: other orders, other portions, other areas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from minixai.conformance import form
from minixai.conformance.variants import real
from minixai.conformance.variants.base import Question
from minixai.network import forward
from minixai.ops import Array

BOTH = ("deletion", "insertion")
Ranked = Callable[[Sequence[Any]], list[int]]
Area = Callable[[Sequence[int], Sequence[Any]], Any]


@dataclass(frozen=True)
class CurveVariant:
    """As ``Variant``, of a curve: ``answer`` gives (its scores, the area under it)."""

    name: str
    metrics: tuple[str, ...]
    note: str
    answer: Callable[[Question], tuple[Array, ...]]


def _ranked(values: Sequence[Any]) -> list[int]:
    """As it should be: the largest first, of equal ones the earlier."""
    return sorted(range(len(values)), key=lambda k: (-values[k], k))


def _area(counts: Sequence[int], scores: Sequence[Any]) -> Any:
    """As it should be: the trapezoid rule over the share of changed pixels."""
    steps = zip(counts, counts[1:], scores, scores[1:], strict=False)
    return sum((Fraction(b - a, 2 * counts[-1]) * (s + t) for a, b, s, t in steps), Fraction(0))


def curve(
    question: Question,
    ranked: Ranked = _ranked,
    area: Area = _area,
    portion: Callable[[int, int, int], int] = lambda k, n, steps: k * n // steps,
    turned: bool = False,
    first: int = 0,
    softmax: bool = False,
    black: bool = False,
    channels: Callable[[int], slice] = lambda channels: slice(0, channels),
) -> tuple[Array, Array]:
    """A curve with one thing or another changed; with nothing, as it should be."""
    x, map, base = (form.array(question["inputs"][key]) for key in ("x", "map", "baseline"))
    base = 0 * base if black else base
    start, goal = (base, x) if (question["metric"] == "insertion") != turned else (x, base)
    order, n = ranked(list(map.flat)), map.size
    steps = question["params"]["steps"] or n
    counts = [portion(k, n, steps) for k in range(steps + 1)][first:]
    pictures, which = [], channels(x.shape[0] if x.ndim > 1 else 1)
    for count in counts:
        flat = start.reshape(-1, n).copy()
        flat[which, order[:count]] = goal.reshape(-1, n)[which, order[:count]]
        pictures.append(flat.reshape(x.shape))
    y = forward(form.read_network(question["network"]), np.stack(pictures)).output.y
    scores = (real.softmax(y) if softmax else y)[:, question["target"][0]]
    return scores, np.array(area(counts, list(scores)), object)


def _made(name: str, note: str, **changes: Any) -> CurveVariant:
    return CurveVariant(name, BOTH, note, partial(curve, **changes))


def _mean(counts: Sequence[int], scores: Sequence[Any]) -> Any:
    return sum(scores, Fraction(0)) / len(scores)


def _left(counts: Sequence[int], scores: Sequence[Any]) -> Any:
    pairs = zip(counts, counts[1:], scores, strict=False)
    return sum((Fraction(b - a, counts[-1]) * s for a, b, s in pairs), Fraction(0))


def _right(counts: Sequence[int], scores: Sequence[Any]) -> Any:
    pairs = zip(counts, counts[1:], scores[1:], strict=False)
    return sum((Fraction(b - a, counts[-1]) * s for a, b, s in pairs), Fraction(0))


def _equal_steps(counts: Sequence[int], scores: Sequence[Any]) -> Any:
    return _area(range(len(scores)), scores)


def _over_pixels(counts: Sequence[int], scores: Sequence[Any]) -> Any:
    return _area(counts, scores) * counts[-1]


def _from_first(counts: Sequence[int], scores: Sequence[Any]) -> Any:
    """The area over the first score, as a share of it."""
    return _area(counts, scores) / scores[0] if scores[0] else Fraction(0)


CURVES: tuple[CurveVariant, ...] = (
    _made(
        "order-turned",
        "the least relevant pixels go first; the most relevant should",
        ranked=lambda values: sorted(range(len(values)), key=lambda k: (values[k], k)),
    ),
    _made(
        "order-by-size",
        "pixels go by the size of their relevance without its sign; the largest value should go first",
        ranked=lambda values: sorted(range(len(values)), key=lambda k: (-abs(values[k]), k)),
    ),
    _made(
        "ties-from-the-end",
        "of equal pixels the last goes first; the first should",
        ranked=lambda values: sorted(range(len(values)), key=lambda k: (-values[k], -k)),
    ),
    _made("start-and-goal-exchanged", "insertion is computed for deletion, or deletion for insertion", turned=True),
    _made("curve-in-black", "pixels that are taken away become 0, whatever they should become", black=True),
    _made("first-channel-only", "a pixel goes with its first channel only; all should go",
          channels=lambda channels: slice(0, 1)),
    _made("curve-of-probability", "the curve is that of the probability; it should be the score's", softmax=True),
    _made("area-mean-of-scores", "the area is the plain mean of the scores; ends count half", area=_mean),
    _made("area-left-ends", "each portion counts by the score before it; the mean of both sides should count",
          area=_left),
    _made("area-right-ends", "each portion counts by the score after it; the mean of both sides should count",
          area=_right),
    _made("area-over-pixels", "the area is over the number of pixels; it should be over their share",
          area=_over_pixels),
    _made("area-of-first-score", "the area is a share of the first score; it should be in units of the score",
          area=_from_first),
    _made("steps-taken-as-equal", "portions count the same however many pixels they change", area=_equal_steps),
    _made("portions-rounded-up", "after the k-th portion ceil(k n / steps) pixels are changed; it should be the floor",
          portion=lambda k, n, steps: -(-k * n // steps)),
    _made("portions-without-the-rest", "a portion is floor(n / steps) pixels, so that a rest is never changed",
          portion=lambda k, n, steps: k * (n // steps)),
    _made("start-left-out", "the curve begins after the first portion; it should begin with no pixel changed", first=1),
)  # fmt: skip

CURVE_VARIANTS: dict[str, CurveVariant] = {variant.name: variant for variant in CURVES}
