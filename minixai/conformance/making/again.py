"""The second derivation of what only asks for scores: windows, masks, steps and curves by loops over single numbers.

Probabilities, roots and exponentials are mpmath's, to 50 digits; everything else stays a fraction. No array is touched
but to be handed over, and of the engine nothing is used but what the witness uses.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from minixai.conformance.making import witness as w
from minixai.conformance.making.confirm import Question
from minixai.network import Network
from minixai.ops import Array

DIGITS = 50
STEADY = Fraction(1, 1000)  # what a gate, a winner or a slope must be away from turning, on the way down a slope


class Unsteady(ValueError):
    """A gate, a winner or the direction of a step that a rounding error might turn."""


class Again(NamedTuple):
    """The relevance of one picture, and what else is known of LIME's model: fractions, or mpmath's numbers."""

    relevance: Array
    more: Mapping[str, Any] = {}


def answered(method: str, q: Question, data: Mapping[str, Array]) -> Again:
    """A black-box method's answer for one picture."""
    from mpmath import mp

    with mp.workdps(DIGITS):
        return {"occlusion": _occlusion, "lime": _lime, "meaningful-perturbation": _perturbation}[method](q, data)


def real(v: Any) -> Any:
    """A fraction as a number of mpmath."""
    from mpmath import mpf

    return mpf(v.numerator) / v.denominator if isinstance(v, Fraction | int) else v


def fraction(v: Any) -> Fraction:
    """A number of mpmath, exactly."""
    if isinstance(v, Fraction | int):
        return Fraction(v)
    sign, mantissa, exponent, _ = v._mpf_
    return (-1 if sign else 1) * Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def scores(network: Network, picture: Sequence[Fraction]) -> list[Fraction]:
    """The scores of one picture, given as its numbers one after the other."""
    places = w.places_of(network, fold=False)
    return w.values(places, list(picture))[places[-1].name]


def _value(q: Question, picture: Sequence[Fraction]) -> Any:
    from mpmath import mp

    found = scores(q.network, picture)
    if q.params["score"] == "logit":
        return found[q.target]
    powers = [mp.exp(real(s)) for s in found]
    return powers[q.target] / sum(powers)


def _space(q: Question) -> tuple[int, ...]:
    return q.x.shape[1:] or q.x.shape


def _with(q: Question, other: Sequence[Fraction], changed: Sequence[bool]) -> list[Fraction]:
    """The picture, with the pixels that are changed, in all channels, as in the other."""
    n = len(changed)
    return [o if changed[k % n] else v for k, (v, o) in enumerate(zip(w.flat(q.x), other, strict=True))]


def _array(values: Sequence[Any], shape: tuple[int, ...]) -> Array:
    return np.array([*values, None], dtype=object)[:-1].reshape(shape)


# -- Occlusion ---------------------------------------------------------------------------------------------------------


def _occlusion(q: Question, data: Mapping[str, Array]) -> Again:
    space = _space(q)
    pixels, fill = list(product(*map(range, space))), w.flat(data["fill"])
    clean, took = _value(q, w.flat(q.x)), [[] for _ in pixels]  # type: tuple[Any, list[list[Any]]]
    corners = product(*(_starts(*one) for one in zip(space, q.params["window"], q.params["stride"], strict=True)))
    for corner in corners:
        ends = [at + size for at, size in zip(corner, q.params["window"], strict=True)]
        inside = [all(a <= p < e for a, p, e in zip(corner, pixel, ends, strict=True)) for pixel in pixels]
        drop = clean - _value(q, _with(q, fill, inside))
        for k, covered in enumerate(inside):
            took[k] += [drop] if covered else []
    return Again(_array([sum(one, Fraction(0)) / len(one) if one else Fraction(0) for one in took], space))


def _starts(side: int, window: int, stride: int) -> Iterator[int]:
    at = 0
    while True:
        yield at
        if at + window >= side:
            return
        at += stride


# -- LIME --------------------------------------------------------------------------------------------------------------


def _lime(q: Question, data: Mapping[str, Array]) -> Again:
    from mpmath import mp

    region, masks = [int(v) for v in data["segments"].flat], [[int(v) for v in z] for z in data["masks"]]
    fill = w.flat(data["fill"]) if "fill" in data else _own_colours(q, region)
    y = [_value(q, _with(q, fill, [z[m] == 0 for m in region])) for z in masks]
    if "weights" in data:
        v = w.flat(data["weights"])
    else:
        distances = [1 - (mp.sqrt(sum(z)) / mp.sqrt(len(z))) for z in masks]
        v = [mp.exp(-(d**2) / (2 * real(q.params["sigma"]) ** 2)) for d in distances]
    if any(not isinstance(one, Fraction) for one in (*y, *v)):
        y, v = [real(one) for one in y], [real(one) for one in v]
    weights, intercept, r2 = _fitted(masks, y, v, q.params["alpha"])
    return Again(_array([weights[m] for m in region], _space(q)), {"intercept": intercept, "r2": r2})


def _own_colours(q: Question, region: list[int]) -> list[Fraction]:
    values, n = w.flat(q.x), len(region)
    out = []
    for k in range(len(values)):
        alike = [values[k - k % n + j] for j in range(n) if region[j] == region[k % n]]
        out.append(sum(alike, Fraction(0)) / len(alike))
    return out


def _fitted(masks: list[list[int]], y: list, v: list, alpha: Any) -> tuple[list, Any, Any]:
    """Weights by Cramer's rule from the weighted covariances, the intercept from the weighted means, and R^2."""
    total, M = sum(v), len(masks[0])
    at = real(Fraction(alpha)) if not isinstance(total, Fraction) else Fraction(alpha)
    middle = [sum(a * z[m] for a, z in zip(v, masks, strict=True)) / total for m in range(M)]
    level = sum(a * s for a, s in zip(v, y, strict=True)) / total
    away = [[z[m] - middle[m] for m in range(M)] for z in masks]
    A = [[sum(a * d[j] * d[m] for a, d in zip(v, away, strict=True)) + (at if j == m else 0) for m in range(M)]
         for j in range(M)]  # fmt: skip
    b = [sum(a * d[j] * (s - level) for a, d, s in zip(v, away, y, strict=True)) for j in range(M)]
    whole = _determinant(A)
    if not whole:
        raise Unsteady("the masks do not tell all superpixels apart")
    weights = [_determinant([[b[j] if k == m else A[j][k] for k in range(M)] for j in range(M)]) / whole
               for m in range(M)]  # fmt: skip
    intercept = level - sum(a * c for a, c in zip(weights, middle, strict=True))
    fits = [intercept + sum(a * c for a, c in zip(weights, z, strict=True)) for z in masks]
    missed = sum(a * (s - f) ** 2 for a, s, f in zip(v, y, fits, strict=True))
    spread = sum(a * (s - level) ** 2 for a, s in zip(v, y, strict=True))
    return weights, intercept, 1 - missed / spread if spread else 1


def _determinant(A: list[list]) -> Any:
    """By expansion along the first row."""
    if not A:
        return 1
    minors = ([row[:k] + row[k + 1 :] for row in A[1:]] for k in range(len(A)))
    return sum((-1) ** k * a * _determinant(minor) for k, (a, minor) in enumerate(zip(A[0], minors, strict=True)))


# -- Meaningful perturbation -------------------------------------------------------------------------------------------


def _perturbation(q: Question, data: Mapping[str, Array]) -> Again:
    """The steps one by one; after each the mask is kept to 60 digits."""
    from mpmath import mp

    said, space, x, other = q.params, _space(q), w.flat(q.x), w.flat(data["fill"])
    grid, n = tuple(said["grid"]), prod(space)
    cells = list(product(*map(range, grid)))
    shares = [_shares(p, grid, space) for p in product(*map(range, space))]
    little = real(Fraction(1, 10**8))
    m = [Fraction(said["start"])] * len(cells)
    mean, square = [Fraction(0)] * len(m), [Fraction(0)] * len(m)
    for step in range(1, said["n"] + 1):
        wide = [sum((part * m[cells.index(cell)] for cell, part in share), Fraction(0)) for share in shares]
        seen = [wide[k % n] * a + (1 - wide[k % n]) * b for k, (a, b) in enumerate(zip(x, other, strict=True))]
        slope = _steady_slopes(q, seen)
        down = [-said["l1"] / len(cells) for _ in cells]
        for k, (s, a, b) in enumerate(zip(slope, x, other, strict=True)):
            for cell, part in shares[k % n]:
                down[cells.index(cell)] += part * s * (a - b)
        down = [d + said["l2"] * _pull(m, cells, grid, cell, said["beta"]) for d, cell in zip(down, cells, strict=True)]
        if min(map(abs, down)) < STEADY * max(1, *map(abs, down)):
            raise Unsteady("a step has hardly a direction")
        for k, d in enumerate(down):
            mean[k] = Fraction(9, 10) * mean[k] + Fraction(1, 10) * d
            square[k] = Fraction(999, 1000) * square[k] + Fraction(1, 1000) * d * d
            long = real(square[k] / (1 - Fraction(999, 1000) ** step))
            far = real(said["rate"] * mean[k] / (1 - Fraction(9, 10) ** step)) / (mp.sqrt(long) + little)
            m[k] = min(max(m[k] - fraction(far), Fraction(0)), Fraction(1))
    wide = [sum((part * m[cells.index(cell)] for cell, part in share), Fraction(0)) for share in shares]
    return Again(_array([1 - v for v in wide], space))


def _shares(pixel: tuple[int, ...], grid: tuple[int, ...], space: tuple[int, ...]) -> list:
    """(cell, share) of the cells between whose centres the pixel's centre lies."""
    found: list[tuple[tuple[int, ...], Fraction]] = [((), Fraction(1))]
    for p, cells, side in zip(pixel, grid, space, strict=True):
        at = min(max(Fraction(2 * p + 1, 2 * side) * cells - Fraction(1, 2), Fraction(0)), Fraction(cells - 1))
        low = int(at)
        sides = [(low, 1 - (at - low))] + ([(low + 1, at - low)] if at > low else [])
        found = [((*cell, c), share * part) for cell, share in found for c, part in sides]
    return found


def _steady_slopes(q: Question, picture: list[Fraction]) -> list[Fraction]:
    places = w.places_of(q.network, fold=False)
    y = w.values(places, picture)
    for place in places:
        a = w.reads(place, y)
        if place.kind == "relu" and min(map(abs, a)) < STEADY:
            raise Unsteady("a gate stands near 0")
        if place.kind == "max":
            for row in place.rows:
                first, *others = sorted((a[i] for i, _ in row), reverse=True)
                if others and first - others[0] < STEADY:
                    raise Unsteady("two pixels of a window are about the same")
    return w.slopes(q.network, picture, q.target)["input"]


def _pull(m: list[Fraction], cells: list, grid: tuple[int, ...], cell: tuple[int, ...], beta: int) -> Fraction:
    """The slope of the roughness in one cell: what each neighbour pulls."""
    total = Fraction(0)
    for axis, size in enumerate(grid):
        pairs = prod(grid) // size * (size - 1)
        for side in (-1, 1):
            near = (*cell[:axis], cell[axis] + side, *cell[axis + 1 :])
            if near in cells:
                d = m[cells.index(cell)] - m[cells.index(near)]
                total += beta * abs(d) ** (beta - 1) * ((d > 0) - (d < 0)) / pairs
    return total


# -- Curves ------------------------------------------------------------------------------------------------------------


def curve(
    network: Network,
    target: int,
    start: Sequence[Fraction],
    goal: Sequence[Fraction],
    map: Sequence[Fraction],
    steps: int | None,
) -> tuple[list[Fraction], Fraction]:
    """The scores while the pixels of the start become those of the goal, and the area under them."""
    n = len(map)
    left, order = set(range(n)), []
    while left:
        best = min(left, key=lambda k: (-map[k], k))
        left.remove(best)
        order.append(best)
    found, area, before = [], Fraction(0), 0
    for k in range((steps or n) + 1):
        count = (k * n - k * n % (steps or n)) // (steps or n)
        gone = set(order[:count])
        picture = [b if i % n in gone else a for i, (a, b) in enumerate(zip(start, goal, strict=True))]
        found.append(scores(network, picture)[target])
        area += Fraction(count - before, n) * (found[-1] + found[max(0, len(found) - 2)]) / 2
        before = count
    return found, area
