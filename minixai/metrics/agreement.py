"""How alike are two maps? Three measures of Section 7, from the prediction of visual attention (its reference 47)."""

from typing import Any

import numpy as np

from minixai.metrics.arrays import Number, checked_pair, is_constant, signed_root
from minixai.ops import Array, is_exact
from minixai.ops.numbers import mean

EPS = 2.0**-52  # 2.2e-16, what keeps KL's logarithm and quotient finite


def pcc(map: Any, other: Any) -> float:
    """Pearson's correlation coefficient: cov(a, b) / (sigma_a sigma_b), in [-1, 1]; symmetric.

    Blind to scale and offset: ``pcc(R, 2 R + 1)`` is 1. Both maps: one picture's, (H, W), (D, H, W) or (F,). Of maps
    in fractions it is the float nearest to the true value. Raises ValueError for NaN, for different shapes, and for a
    constant map, which has no spread to divide by.
    """
    return max(-1.0, min(1.0, signed_root(pcc_squared(map, other))))  # rounding may go past the end


def pcc_squared(map: Any, other: Any) -> Number:
    """r |r| of Pearson's r: rational where r is not, so a Fraction for maps in fractions; see :func:`pcc`."""
    a, b = (_varied(values, "has no spread, so no correlation") for values in _pair(map, other))
    a, b = a - mean(a), b - mean(b)
    shared = (a * b).sum()
    return shared * abs(shared) / ((a * a).sum() * (b * b).sum())


def sim(map: Any, other: Any) -> Number:
    """Similarity: both maps from 0 to 1 (min-max), then to a sum of 1; the sum of the smaller values, in [0, 1].

    1 for maps that differ in scale and offset only, 0 for maps that share no pixel above their minima; symmetric.
    Both maps as for :func:`pcc`. Maps in fractions give a Fraction. Raises ValueError for NaN, for different shapes
    and for a constant map, of which min-max leaves nothing.
    """
    a, b = (_varied(values, "of which min-max leaves nothing") for values in _pair(map, other))
    a, b = (_summed_to_one(values - values.min()) for values in (a, b))
    total = np.minimum(a, b).sum()
    return total if is_exact(a) else min(1.0, float(total))


def kl(truth: Any, map: Any) -> float:
    """Kullback-Leibler divergence KL(truth || map) = sum Q log(eps + Q / (P + eps)), in nats; eps = 2^-52.

    Q is the truth and P the map, each divided by its sum; 0 for equal ones (up to n eps for n pixels), at most 36.05
    (a truth where the map is zero). Not symmetric: the truth comes first. Of an explanation take the heat map, which
    is never negative. Raises ValueError for NaN, for different shapes, for negative values, and for a map that is zero
    everywhere; a constant one is the uniform distribution.
    """
    names = ("the truth", "the map")
    given = zip(names, checked_pair(truth, map, *names), strict=True)
    Q, P = (_summed_to_one(_density(values, what)).astype(np.float64) for what, values in given)
    return float((Q * np.log(EPS + Q / (P + EPS))).sum())


def _pair(map: Any, other: Any) -> tuple[Array, Array]:
    return checked_pair(map, other, "the map", "the other map")


def _varied(values: Array, why: str) -> Array:
    if is_constant(values):
        raise ValueError(f"one of the maps is constant, {why}; expected at least two different values in each")
    return values


def _density(values: Array, what: str) -> Array:
    if (values < 0).any():
        raise ValueError(f"{what} holds negative values, but a distribution has none; give e.heatmap, or clip them")
    if not values.any():
        raise ValueError(f"{what} is zero everywhere, so it is no distribution; expected a positive value")
    return values


def _summed_to_one(values: Array) -> Array:
    return values / values.sum()
