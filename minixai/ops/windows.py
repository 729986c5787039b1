"""Sliding windows: the geometry that convolution and pooling share."""

from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minixai.ops.numbers import Array, zeros

Pads = tuple[tuple[int, int], ...]


def pads(padding: Any, axes: int) -> Pads:
    """Padding as ((before, after), ...): from one number, one per axis, or one pair per axis."""
    per_axis = tuple(padding) if isinstance(padding, list | tuple) else (padding,) * axes
    pairs = tuple(tuple(p) if isinstance(p, list | tuple) else (p, p) for p in per_axis)
    whole = all(isinstance(v, int | np.integer) and v >= 0 for pair in pairs for v in pair)
    if len(pairs) != axes or not whole or any(len(pair) != 2 for pair in pairs):
        raise ValueError(
            f"padding is {padding!r}; expected a number of at least 0, {axes} of them, or {axes} pairs (before, after)"
        )
    return tuple((int(before), int(after)) for before, after in pairs)


def pad(x: Array, margins: Pads, fill: int | None = None) -> Array:
    """x with ``margins`` added around its last axes (a negative margin cuts off); filled with 0, or with ``fill``."""
    lead, size = x.shape[: -len(margins)], x.shape[-len(margins) :]
    if not any(before or after for before, after in margins):
        return x
    shape = lead + tuple(n + b + a for n, (b, a) in zip(size, margins, strict=True))
    out = zeros(shape, x) if fill is None else np.full(shape, fill, x.dtype)
    kept = [(max(b, 0), max(-b, 0), max(n + min(b, 0) + min(a, 0), 0)) for n, (b, a) in zip(size, margins, strict=True)]
    target: Any = (..., *(slice(to, to + count) for to, _, count in kept))
    source: Any = (..., *(slice(start, start + count) for _, start, count in kept))
    out[target] = x[source]
    return out


def output_size(n: int, k: int, stride: int, before: int, after: int, dilation: int, ceil_mode: bool = False) -> int:
    """How many windows fit on an axis of n pixels; ``ceil_mode`` counts one that only starts inside, too."""
    room = n + before + after - dilation * (k - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= n + before:
        count -= 1
    if count < 1:
        raise ValueError(
            f"the window covers {dilation * (k - 1) + 1} pixels, but the picture has only {n} "
            f"(with padding {n + before + after}) there; give a larger picture"
        )
    return count


def windows(x: Array, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    """Every window on the last axes of x, as a read-only view of shape (..., *positions, *taps)."""
    axes, size = len(kernel), x.shape[-len(kernel) :]
    count = tuple(output_size(n, k, s, 0, 0, d) for n, k, s, d in zip(size, kernel, stride, dilation, strict=True))
    steps = x.strides[-axes:]
    shape = x.shape[:-axes] + count + kernel
    strides = (*x.strides[:-axes], *(a * s for a, s in zip(steps, stride, strict=True)))
    strides += tuple(a * d for a, d in zip(steps, dilation, strict=True))
    return as_strided(x, shape, strides, writeable=False)


def spread(R: Array, stride: tuple[int, ...]) -> Array:
    """R with stride - 1 zeros put between neighbours: where the windows of a strided convolution started."""
    if all(s == 1 for s in stride):
        return R
    axes = len(stride)
    size = tuple(s * (n - 1) + 1 for n, s in zip(R.shape[-axes:], stride, strict=True))
    out = zeros(R.shape[:-axes] + size, R)
    starts: Any = (..., *(slice(None, None, s) for s in stride))
    out[starts] = R
    return out


def plane_numbers(size: tuple[int, ...]) -> Array:
    """The pixels of a plane numbered row by row: how a switch names the pixel that won."""
    return np.arange(prod(size)).reshape(size)
