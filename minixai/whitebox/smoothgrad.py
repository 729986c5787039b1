"""Section 4.5, SmoothGrad: the mean of many maps of noisy copies of the picture, Eq. (8).

Not a method of its own but something done to one. Smilkov, Thorat, Kim, Viegas, Wattenberg (2017).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minixai.ops import Array
from minixai.ops.numbers import in_arithmetic_of, number
from minixai.whitebox.case import Case, Finding, per_picture
from minixai.whitebox.maps import map_of

AVERAGES = ("maps", "signed")


def smoothgrad(
    case: Case,
    inner: Callable[[Case], Finding],
    sigma: float = 0.15,
    n: int = 50,
    average: str = "maps",
    noise: Any = None,
    seed: int = 0,
) -> Finding:
    """The mean over n noisy copies x + sigma (max x - min x) noise_i, Eq. (8); the class stays that of the clean x.

    ``inner`` is the method that is averaged. ``average="maps"`` averages the finished maps (Eq. 8; the relevance is
    (H, W)), ``"signed"`` the raw results. ``noise`` (n, C, H, W) replaces the standard normal draw of ``seed``.
    """
    if average not in AVERAGES:
        raise ValueError(f"average is {average!r}; expected one of {', '.join(AVERAGES)}")
    if sigma < 0:
        raise ValueError(f"sigma is {sigma}; expected a number of at least 0, a fraction of max(x) - min(x)")
    draws = _draws(case.x, n, noise, seed)
    level = number(sigma, case.x) * _range(case.x)
    total: list = []
    for first in range(0, len(draws), case.at_once):
        copies = np.concatenate([case.x + level * draw for draw in draws[first : first + case.at_once]])
        found = inner(case.at(copies))
        values = map_of(found, copies) if average == "maps" else found.relevance
        axes = [0, *(s.ndim - case.tape[name].y.ndim for name, s in found.signals.items())]
        for parts in zip(*map(partial(_apart, len(case.x)), [values, *found.signals.values()], axes), strict=True):
            total = _add(total, parts)
        names, reduce = list(found.signals), found.reduce
    relevance, *signals = (t / len(draws) for t in total)
    return Finding(relevance, "none" if average == "maps" else reduce, dict(zip(names, signals, strict=True)))


def _draws(x: Array, n: int, noise: Any, seed: int) -> Array:
    if noise is not None:
        draws = in_arithmetic_of(x, noise, "noise")
        if draws.ndim != x.ndim or draws.shape[1:] != x.shape[1:] or not len(draws):
            raise ValueError(f"noise has shape {draws.shape}; expected {('n', *x.shape[1:])}, one draw per noisy copy")
        return draws
    if not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n is {n!r}; expected an integer of at least 1: the number of noisy copies")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed is {seed!r}; expected an integer of at least 0")
    return in_arithmetic_of(x, np.random.default_rng(seed).standard_normal((n, *x.shape[1:])), "noise")


def _range(x: Array) -> Array:
    """max(x) - min(x) of each picture, after preprocessing."""
    pixels = tuple(range(1, x.ndim))
    return per_picture(x.max(axis=pixels) - x.min(axis=pixels), x)


def _apart(n: int, a: Array, axis: int) -> list[Array]:
    """The copies of the batch of n, which lie one after the other on this axis."""
    return np.split(a, a.shape[axis] // n, axis=axis)


def _add(total: list, parts: Sequence[Array]) -> list:
    return [t + p for t, p in zip(total, parts, strict=True)] if total else list(parts)
