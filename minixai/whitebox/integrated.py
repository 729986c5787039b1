"""Section 4.4, integrated gradients: the slope averaged along the straight path from a baseline, Eq. (7).

A contribution (in score), not a sensitivity. Sundararajan, Taly, Yan (2017).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minixai.network import Tape, forward
from minixai.ops import MAXIMA, Array, ReLU, Softmax, UnsupportedOp, is_exact
from minixai.ops.numbers import mean, number, zero
from minixai.ops.pooling import take
from minixai.ops.windows import pad, plane_numbers, windows
from minixai.walk import walk
from minixai.whitebox.case import Case, Finding, signals_of
from minixai.whitebox.gradient import GRADIENT

QUADRATURES = ("midpoint", "left", "right", "trapezoid", "gauss-legendre", "exact")


def integrated_gradients(
    case: Case, baseline: Any = None, n: int = 50, quadrature: str = "midpoint", max_pieces: int = 10000
) -> Finding:
    """(x - x') times the mean gradient on the path x' + alpha (x - x'), Eq. (7), with n gradient evaluations.

    ``quadrature="exact"`` walks from kink to kink instead (no n): the sum is then S_c(x) - S_c(x') up to rounding, or
    exactly in fractions. Several baselines: the mean of their maps. Raises ValueError where the path has more than
    ``max_pieces`` pieces.
    """
    if quadrature not in QUADRATURES:
        raise ValueError(f"quadrature is {quadrature!r}; expected one of {', '.join(QUADRATURES)}")
    references, said = case.reference(baseline)
    found = []
    for start in references:
        if quadrature == "exact":
            slopes = _exact_slopes(case, start, max_pieces)
        else:
            slopes = _sampled_slopes(case, start, *points(quadrature, n, case.x))
        found.append(((case.x - start) * slopes["input"], slopes, case.score - case.at(start).score))
    relevance, slopes, difference = (_mean_over(list(column)) for column in zip(*found, strict=True))
    return Finding(relevance, "sum", slopes, expected=difference, said=said)


def points(quadrature: str, n: int, like: Array) -> tuple[list, list]:
    """The alphas of Eq. (7)'s sum and their weights, which add up to 1."""
    least = 2 if quadrature == "trapezoid" else 1
    if not isinstance(n, int | np.integer) or n < least:
        raise ValueError(f"n is {n!r}; expected an integer of at least {least} for quadrature {quadrature!r}")
    if quadrature == "gauss-legendre":
        if is_exact(like):
            raise ValueError("gauss-legendre points are not rational; in fractions use 'midpoint' or 'exact'")
        nodes, weights = np.polynomial.legendre.leggauss(n)
        return list((nodes + 1) / 2), list(weights / 2)
    one = number(1, like)
    if quadrature == "trapezoid":
        inner = one / (n - 1)
        return [i * inner for i in range(n)], [inner / 2, *[inner] * (n - 2), inner / 2]
    offset = {"midpoint": one / 2, "left": 0 * one, "right": one}[quadrature]
    return [(i + offset) / n for i in range(n)], [one / n] * n


def _sampled_slopes(case: Case, start: Array, alphas: list, weights: list) -> dict[str, Array]:
    """The weighted mean of the gradient's signals over the points of the path, at every node."""
    total: dict[str, Array] = {}
    for first in range(0, len(alphas), case.at_once):
        some = slice(first, first + case.at_once)
        path = np.concatenate([start + _same(a, start) * (case.x - start) for a in alphas[some]])  # x(alpha)
        for name, signal in signals_of(case.at(path).hops(GRADIENT)).items():
            by_point = signal.reshape(-1, *case.x.shape[:1], *signal.shape[1:])
            _add_to(total, name, sum(_same(w, s) * s for w, s in zip(weights[some], by_point, strict=True)))
    return total


def _add_to(total: dict[str, Array], name: str, part: Any) -> None:
    total[name] = total[name] + part if name in total else part


def _same(value: Any, like: Array) -> Any:
    return value if is_exact(like) else like.dtype.type(value)


def _exact_slopes(case: Case, start: Array, max_pieces: int) -> dict[str, Array]:
    """As sampled, but over the pieces on which the path is linear: one gradient and one length per piece."""
    if any(isinstance(step.op, Softmax) for step in case.tape.steps):
        raise UnsupportedOp("quadrature='exact' needs a piecewise linear network, not a softmax; use 'midpoint'")
    per_image = []
    for i, c in enumerate(case.target):
        one = Case(case.tape, np.array([c]))
        total: dict[str, Array] = {}
        for length, tape in pieces(case, start[i : i + 1], case.x[i : i + 1], max_pieces):
            seed = Case(tape, one.target).one_hot(1)
            for hop in walk(tape, seed, GRADIENT):
                _add_to(total, hop.at.name, length * hop.arriving)
        per_image.append(total)
    return {name: np.concatenate([t[name] for t in per_image]) for name in per_image[0]}


def pieces(case: Case, start: Array, end: Array, max_pieces: int) -> Iterator[tuple[Any, Tape]]:
    """The pieces of the path on which no gate and no switch changes: (length, a tape from its inside).

    A tape's choices hold up to the nearest place, left and right, where a ReLU crosses zero or a pool changes its
    winner; what is left of the interval on either side is looked at again.
    """
    one = number(1, start)
    todo, count = [(0 * one, one)], 0
    while todo:
        a, b = todo.pop()
        m = (a + b) / 2
        if m in (a, b):
            continue  # no number between them: nothing is left of this interval
        tape = forward(case.network, start + _same(m, start) * (end - start))
        low, high = _room(tape, end - start)
        a_piece, b_piece = max(a, m + low), min(b, m + high)
        todo += [(p, q) for p, q in ((b_piece, b), (a, a_piece)) if q > p]
        if b_piece > a_piece:
            count += 1
            if count > max_pieces:
                raise ValueError(
                    f"the path has more than {max_pieces} linear pieces ({count} found, {len(todo)} intervals open); "
                    "raise max_pieces=, or use quadrature='midpoint'"
                )
            yield b_piece - a_piece, tape


def _room(tape: Tape, direction: Array) -> tuple[Any, Any]:
    """How far alpha may move down and up before a choice on this tape changes (at most 1)."""
    flat = forward(tape.network, 0 * direction, choices=tape)  # the constant part of the linear piece ...
    moved = forward(tape.network, direction, choices=tape)  # ... and its value in the direction of the path
    one = number(1, direction)
    low, high = -one, one
    for step, zero_step, moved_step in zip(tape.steps, flat.steps, moved.steps, strict=True):
        if step.choice is None:
            continue
        lead, slope = _lead(step, step.x), _lead(step, moved_step.x - zero_step.x)
        places = lead[slope != 0] / -slope[slope != 0]  # where the lead over the competitor is used up
        low = max([low, *(p for p in places if p <= 0)])
        high = min([high, *(p for p in places if p >= 0)])
    return low, high


def _lead(step: Any, x: Array) -> Array:
    """By how much a choice is decided: a ReLU's distance from 0, a pool winner's distance to each competitor."""
    if isinstance(step.op, ReLU):
        return x
    if not isinstance(step.op, MAXIMA):
        raise ValueError(f"quadrature='exact' knows ReLU and max-pool kinks, not those of {step.op!r}")
    op: Any = step.op
    margins = op.margins(x)
    seen = windows(pad(x, margins), op.kernel, op.stride, op.spacing)
    numbers = windows(pad(plane_numbers(x.shape[2:]), margins, fill=-1), op.kernel, op.stride, op.spacing)
    axes = (..., *(None,) * len(op.kernel))
    return np.where(numbers >= 0, take(x, step.choice)[axes] - seen, zero(x))


def _mean_over(column: list) -> Any:
    if isinstance(column[0], dict):
        return {name: _mean_over([c[name] for c in column]) for name in column[0]}
    return column[0] if len(column) == 1 else mean(np.stack(column), axis=0)
