"""Layers that go wrong on the way back, or forwards: shared by the variants of methods and of layers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from minixai.conformance.variants.base import remade
from minixai.ops import MAXIMA, Array, AvgPool2d, AvgPool3d, BatchNorm2d, Conv2d, Conv3d, Op
from minixai.ops.base import over_batch
from minixai.ops.convolution import conv_adjoint
from minixai.ops.numbers import divide, number, zeros
from minixai.ops.pooling import take, unpool
from minixai.ops.windows import pad, plane_numbers, windows

Back = Callable[[Array, Any, Array, Array], Array]  # (R, a max-pool, x, its switches) -> what leaves

# -- Max-pools ---------------------------------------------------------------------------------------------------------


def taps(op: Any, x: Array) -> Iterator[tuple[Array, Array]]:
    """For every tap of the windows: the pixel it is on, counted row by row (-1: padding), and what stands there."""
    margins = op.margins(x)
    values = windows(pad(x, margins), op.kernel, op.stride, op.spacing)
    numbers = windows(pad(plane_numbers(x.shape[2:]), margins, fill=-1), op.kernel, op.stride, op.spacing)
    for tap in product(*map(range, op.kernel)):
        here: Any = (..., *tap)
        yield np.broadcast_to(numbers[here], values[here].shape), values[here]


def last_winners(op: Any, x: Array, switches: Array) -> Array:
    """The switches, with the last of several maxima for the winner."""
    y = take(x, switches)
    for place, value in taps(op, x):
        switches = np.where((place >= 0) & (value == y), place, switches)
    return switches


def _in_parts(R: Array, op: Any, x: Array, parts: list[tuple[Array, Array]]) -> Array:
    """R in proportion to the parts, tap by tap."""
    total: Any = sum(part for _, part in parts)
    shares = [unpool(R * divide(part, total), np.maximum(place, 0), x.shape[2:]) for place, part in parts]
    return sum(shares[1:], shares[0])


def _ones(chosen: Array, x: Array) -> Array:
    return np.where(chosen, number(1, x), number(0, x))


def split_ties(R: Array, op: Any, x: Array, switches: Array) -> Array:
    """Equal parts to all maxima of a window."""
    y = take(x, switches)
    return _in_parts(R, op, x, [(place, _ones((place >= 0) & (value == y), x)) for place, value in taps(op, x)])


def to_all(R: Array, op: Any, x: Array, switches: Array) -> Array:
    """Equal parts to all pixels of a window."""
    return _in_parts(R, op, x, [(place, _ones(place >= 0, x)) for place, _ in taps(op, x)])


def by_size(R: Array, op: Any, x: Array, switches: Array) -> Array:
    """To all pixels of a window in proportion to what stands there."""
    return _in_parts(R, op, x, [(place, np.where(place >= 0, value, 0 * value)) for place, value in taps(op, x)])


def overwritten(R: Array, op: Any, x: Array, switches: Array) -> Array:
    """To the winners; where windows overlap, what the last one put there."""
    lead, size = R.shape[: -len(op.kernel)], x.shape[2:]
    planes = zeros((prod(lead), prod(size)), R)
    places = np.broadcast_to(switches, R.shape).reshape(prod(lead), -1)
    for plane, where, what in zip(planes, places, R.reshape(prod(lead), -1), strict=True):
        for place, value in zip(where, what, strict=True):
            plane[place] = value
    return planes.reshape(*lead, *size)


def at_pools(back: Back) -> dict[Any, Any]:
    """The rules of max-pools that go back like this."""
    return dict.fromkeys(MAXIMA, lambda R, step: back(R, step.op, step.x, step.choice))


# -- Convolutions ------------------------------------------------------------------------------------------------------


def turned(F: Array) -> Array:
    """The filter flipped in every direction."""
    flipped: Array = F[(slice(None), slice(None), *(slice(None, None, -1),) * (F.ndim - 2))]
    return flipped


class _Unflipped2d(Conv2d):
    """Goes back by the filter as it stands."""

    def transposed(self, R: Array, w: Array, a: Array) -> Array:
        return super().transposed(R, turned(w), a)


class _Unflipped3d(Conv3d):
    """Goes back by the filter as it stands."""

    def transposed(self, R: Array, w: Array, a: Array) -> Array:
        return super().transposed(R, turned(w), a)


def unflipped(op: Op) -> Op:
    """A convolution that goes back by the filter as it stands."""
    for kind, wrong in ((Conv2d, _Unflipped2d), (Conv3d, _Unflipped3d)):
        if isinstance(op, kind):
            return remade(op, wrong)
    return op


def convolution_back(R: Array, op: Any, x: Array, **instead: Any) -> Array:
    """The signal through a convolution whose stride, padding or dilation is taken for another."""
    said = {key: instead.get(key, getattr(op, key)) for key in ("stride", "padding", "dilation")}
    where = (x.shape[2:], said["stride"], said["padding"], said["dilation"], op.groups)
    return over_batch(lambda G: conv_adjoint(G, op.weight, *where), R, op.axes + 1)


# -- Other layers ------------------------------------------------------------------------------------------------------


def counting_otherwise(op: Op) -> Op:
    """An average pool that counts padding where it should not, and the other way round."""
    if isinstance(op, AvgPool2d | AvgPool3d):
        return replace(op, count_include_pad=not op.count_include_pad)
    return op


def without_mean(op: Op) -> Op:
    """A batch norm that does not subtract its running mean."""
    return replace(op, running_mean=0 * op.running_mean) if isinstance(op, BatchNorm2d) else op


def by_variance(op: Op) -> Op:
    """A batch norm that divides by the variance, not by its root."""
    if isinstance(op, BatchNorm2d):
        variance = op.running_var + number(op.eps, op.running_var)
        return replace(op, running_var=variance * variance, eps=0)
    return op


def without_gain(op: Op) -> Op:
    """A batch norm that forgets its weight."""
    return replace(op, weight=None) if isinstance(op, BatchNorm2d) else op
