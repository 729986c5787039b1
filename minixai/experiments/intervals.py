"""How sure a number is: 95 % intervals over pictures, from seeded resamples."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minixai.ops import Array

RESAMPLES = 2000
TAILS = (0.025, 0.975)


class Interval(NamedTuple):
    """A number and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def mean_interval(values: Array) -> Interval:
    """The mean and its 95 % percentile bootstrap interval (seeded)."""
    low, high = np.quantile(values[_draws(len(values))].mean(axis=1), TAILS)
    return Interval(float(values.mean()), float(low), float(high))


def interval(rows: Array, statistic: Callable[[Array], float]) -> Interval:
    """A statistic of the rows, one per picture, and its 95 % percentile bootstrap interval (seeded)."""
    low, high = np.quantile([statistic(rows[some]) for some in _draws(len(rows))], TAILS)
    return Interval(float(statistic(rows)), float(low), float(high))


def _draws(n: int) -> Array:
    """(RESAMPLES, n): which rows each resample holds."""
    return np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
