"""FEM: other tests of what is rare, and other weights."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minixai.conformance.variants.base import Asked, case_of, made, over_maps
from minixai.ops import Array
from minixai.ops.numbers import mean, number

Rare = Callable[[Array, Array, Any, Any], Array]  # (a - mu, the variance, K, places in a map) -> B


def _rare(d: Array, variance: Array, K: Any, n: int) -> Array:
    return (d >= 0) & (d * d >= K * K * variance)


def _strictly(d: Array, variance: Array, K: Any, n: int) -> Array:
    return (d >= 0) & (d * d > K * K * variance)


def _of_sample(d: Array, variance: Array, K: Any, n: int) -> Array:
    return _rare(d, variance * n / max(n - 1, 1), K, n)


def _both_sides(d: Array, variance: Array, K: Any, n: int) -> Array:
    return d * d >= K * K * variance


def _by_variance(d: Array, variance: Array, K: Any, n: int) -> Array:
    return d >= K * variance


def _above_mean(d: Array, variance: Array, K: Any, n: int) -> Array:
    return d >= 0


def _fem(rare: Rare = _rare, weigh: Callable[[Array, Array, Array], Array] | None = None, K: Any = None) -> Any:
    """R = sum_k mu_k B_k by another test, another weight (A, B, mu) -> terms, or another K."""

    def find(asked: Asked) -> Array:
        A = case_of(asked).tape[asked.params["layer"]].y
        mu = over_maps(A)
        d = A - mu
        B = rare(d, over_maps(d * d), asked.params["K"] if K is None else K, A[0, 0].size)
        one = np.where(B, number(1, A), number(0, A))
        return ((mu * one) if weigh is None else weigh(A, one, mu)).sum(axis=1)

    return find


def _all_maps_together(asked: Asked) -> Array:
    A = case_of(asked).tape[asked.params["layer"]].y
    axes = tuple(range(1, A.ndim))
    d = A - mean(A, axis=axes, keepdims=True)
    B = _rare(d, mean(d * d, axis=axes, keepdims=True), asked.params["K"], 1)
    return np.where(B, over_maps(A), number(0, A)).sum(axis=1)


RARE = (
    made(
        "sample-spread",
        ("fem",),
        "the spread is that of a sample (n - 1); it should be the population's (n)",
        _fem(_of_sample),
    ),
    made(
        "strictly-above",
        ("fem",),
        "a place counts as rare where a > mu + K sigma, so that a constant map has none; a >= mu + K sigma counts",
        _fem(_strictly),
    ),
    made(
        "both-sides",
        ("fem",),
        "places far below the mean count as rare, too; only those above should",
        _fem(_both_sides),
    ),
    made(
        "variance-for-spread",
        ("fem",),
        "the threshold is mu + K sigma^2; it should be mu + K sigma",
        _fem(_by_variance),
    ),
    made(
        "two-spreads",
        ("fem",),
        "K is 2, whatever the case asks for",
        _fem(K=2),
    ),
    made(
        "above-mean",
        ("fem",),
        "every place above the mean counts as rare, whatever K is",
        _fem(_above_mean),
    ),
    made(
        "share-times-value",
        ("fem",),
        "a map counts by the share of its places that are rare, times its values; its mean should count, where rare",
        _fem(weigh=lambda A, B, mu: over_maps(B) * A),
    ),
    made(
        "rare-values",
        ("fem",),
        "the values at the rare places are added up; each place should count the mean of its map",
        _fem(weigh=lambda A, B, mu: A * B),
    ),
    made(
        "rare-maps",
        ("fem",),
        "a place counts the maps it is rare in; each should count by its mean",
        _fem(weigh=lambda A, B, mu: B),
    ),
    made(
        "maps-together",
        ("fem",),
        "mean and spread of all maps together decide what is rare; they should be each map's own",
        _all_maps_together,
    ),
)
