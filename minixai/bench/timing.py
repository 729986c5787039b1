"""Measured times and what is made of them: ratios of two calls made in turn, so that noise hits both; a straight line.

A pause comes before every timed call. Threads of the other library, whose call has just ended, keep turning for a while
in case there is more to do; the pause lets them go to sleep (see :mod:`minixai.threads`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Any

import numpy as np

PAUSE = 0.05  # seconds


@dataclass(frozen=True)
class Ratio:
    """How many times as long as the yardstick: the median over the rounds and the middle half of them.

    ``seconds``: the yardstick's median time, ``took``: that of what is compared with it; ``target``: at most so much is
    wanted of ``ratio``.
    """

    name: str
    ratio: float
    low: float
    high: float
    seconds: float
    took: float
    target: float | None = None

    def as_text(self) -> str:
        target = "" if self.target is None else f"  (at most {self.target:.2f} wanted)"
        return f"  {self.name:22} {self.ratio:.2f} ({self.low:.2f} to {self.high:.2f}){target}"


@dataclass(frozen=True)
class Measure:
    """A number with its unit: the median of several and their middle half. ``target``: at most so much is wanted."""

    name: str
    value: float
    unit: str
    low: float
    high: float
    target: float | None = None


@dataclass(frozen=True)
class Line:
    """y = slope x + start by least squares, and the share of the variance of y that it explains."""

    slope: float
    start: float
    r2: float


def paired(
    name: str,
    yardstick: Callable[[], Any],
    call: Callable[[], Any],
    rounds: int = 9,
    target: float | None = None,
    pause: float = PAUSE,
) -> Ratio:
    """Time ``call`` and ``yardstick`` in turn, each first in every other round, after one round that is not counted."""
    mine, theirs = [], []
    for i in range(rounds + 1):
        order = (yardstick, call) if i % 2 else (call, yardstick)
        took = {f: timed(f, pause) for f in order}
        if i:
            mine.append(took[call])
            theirs.append(took[yardstick])
    return ratio_of(name, theirs, mine, target)


def ratio_of(name: str, theirs: Sequence[float], mine: Sequence[float], target: float | None = None) -> Ratio:
    """The median of the rounds' ratios mine/theirs (not the ratio of the medians), and the quartiles around it."""
    ratios = [m / t for m, t in zip(mine, theirs, strict=True)]
    return Ratio(name, *middle(ratios), median(theirs), median(mine), target)


def measure(name: str, values: Sequence[float], unit: str, target: float | None = None) -> Measure:
    """Several measurements of one thing."""
    value, low, high = middle(values)
    return Measure(name, value, unit, low, high, target)


def middle(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and the quartiles."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return median(values), low, high


def timed(call: Callable[[], Any], pause: float = PAUSE) -> float:
    """The seconds that a call takes, after a pause."""
    sleep(pause)
    start = perf_counter()
    call()
    return perf_counter() - start


def line(x: Sequence[float], y: Sequence[float]) -> Line:
    """The straight line through points (x, y). Raises ValueError for fewer than two different x."""
    if len(set(x)) < 2:
        raise ValueError(f"x is {list(x)}; expected at least two different values for a line")
    slope, start = np.polyfit(np.asarray(x, float), np.asarray(y, float), 1)
    left = np.asarray(y, float) - (slope * np.asarray(x, float) + start)
    spread = np.asarray(y, float) - np.mean(y)
    around = float(spread @ spread)
    return Line(float(slope), float(start), 1 - float(left @ left) / around if around else 1.0)
