"""Fast twins of the definitions, for floats: blocked patches and BLAS for convolutions, Numba for pooling.

Each function has the name, the arguments and (to rounding) the result of the definition in ``convolution.py`` or
``pooling.py`` that ``backend.twin`` swaps it in for. 2-D runs as 3-D with a single slice, so each loop is written once.
"""

from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np
from numba import njit

from minixai.ops.numbers import Array
from minixai.ops.windows import Pads, output_size, pad

Sizes = tuple[int, ...]
BLOCK_BYTES = 4 << 20  # patches are made and multiplied about 4 MB at a time, so that they stay in the cache


def conv(Y: Array, F: Array, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> Array:
    """Twin of ``convolution.conv``: o = F X, with X the patches of a few rows of windows at a time."""
    dtype = np.result_type(Y, F)
    X, W = _grouped(pad(Y, padding), groups), F.astype(dtype, copy=False).reshape(groups, len(F) // groups, -1)
    out = _positions(X.shape[3:], F.shape[2:], stride, dilation)
    O = np.empty((len(Y), groups, W.shape[1], *out), dtype)
    for n, g in product(range(len(Y)), range(groups)):
        for rows in _blocks(out, W.shape[2] * dtype.itemsize):
            patches = _patches(X[n, g], F.shape[2:], out, stride, dilation, rows, dtype)
            O[n, g, :, rows] = (W[g] @ patches.reshape(W.shape[2], -1)).reshape(W.shape[1], *patches.shape[2:])
    return O.reshape(len(Y), len(F), *out)


def conv_adjoint(R: Array, F: Array, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> Array:
    """Twin of ``convolution.conv_adjoint``: every output cell paints the filter, F^T R, and the paint is summed."""
    dtype, taps, out = np.result_type(R, F), F.shape[2:], R.shape[2:]
    G, W = _grouped(R, groups), F.astype(dtype, copy=False).reshape(groups, len(F) // groups, -1)
    padded = tuple(n + before + after for n, (before, after) in zip(size, padding, strict=True))
    Y = np.zeros((len(R), groups, F.shape[1], *padded), dtype)
    for n, g in product(range(len(R)), range(groups)):
        for rows in _blocks(out, W.shape[2] * dtype.itemsize):
            arriving = G[n, g][:, rows]
            paint = (W[g].T @ arriving.reshape(len(arriving), -1)).reshape(F.shape[1], prod(taps), *arriving.shape[1:])
            for t, place in _places(taps, out, stride, dilation, rows):
                Y[n, g][(slice(None), *place)] += paint[:, t]
    return pad(Y.reshape(len(R), groups * F.shape[1], *padded), tuple((-b, -a) for b, a in padding))


def filter_gradient(
    R: Array, Y: Array, taps: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int
) -> Array:
    """Twin of ``convolution.filter_gradient``: the sum over images of R X^T."""
    dtype, out = np.result_type(R, Y), R.shape[2:]
    X, G = _grouped(pad(Y, padding), groups), _grouped(R, groups)
    total = np.zeros((groups, G.shape[2], X.shape[2] * prod(taps)), dtype)
    for n, g in product(range(len(R)), range(groups)):
        for rows in _blocks(out, total.shape[2] * dtype.itemsize):
            patches = _patches(X[n, g], taps, out, stride, dilation, rows, dtype).reshape(total.shape[2], -1)
            total[g] += G[n, g][:, rows].reshape(G.shape[2], -1) @ patches.T
    return total.reshape(R.shape[1], X.shape[2], *taps)


def winners(x: Array, kernel: Sizes, stride: Sizes, margins: Pads, dilation: Sizes) -> Array:
    """Twin of ``pooling.winners``."""
    size = x.shape[-len(kernel) :]
    before = tuple(b for b, _ in margins)
    edges = zip(size, kernel, stride, margins, dilation, strict=True)
    out = tuple(output_size(n, k, s, b, a, d) for n, k, s, (b, a), d in edges)
    planes = np.ascontiguousarray(x).reshape(prod(x.shape[: -len(kernel)]), *_as_3d(size, 1))
    switches = np.empty((len(planes), *_as_3d(out, 1)), np.int64)
    _winners(planes, _as_3d(kernel, 1), _as_3d(stride, 1), _as_3d(before, 0), _as_3d(dilation, 1), switches)
    return switches.reshape(*x.shape[: -len(kernel)], *out)


def unpool(R: Array, switches: Array, size: Sizes) -> Array:
    """Twin of ``pooling.unpool``."""
    lead, cells = R.shape[: -len(size)], prod(R.shape[-len(size) :])
    plane = np.zeros((prod(lead), prod(size)), R.dtype)
    places = np.ascontiguousarray(np.broadcast_to(switches, R.shape))
    _unpool(np.ascontiguousarray(R).reshape(prod(lead), cells), places.reshape(prod(lead), cells), plane)
    return plane.reshape(*lead, *size)


def _grouped(x: Array, groups: int) -> Array:
    return x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])


def _as_3d(size: Sizes, fill: int) -> tuple[int, int, int]:
    one, two, three = (fill,) * (3 - len(size)) + tuple(size)
    return one, two, three


def _positions(size: Sizes, taps: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    edges = zip(size, taps, stride, dilation, strict=True)
    return tuple(output_size(n, k, s, 0, 0, d) for n, k, s, d in edges)


def _blocks(out: Sizes, bytes_per_window: int) -> Iterator[slice]:
    step = max(1, BLOCK_BYTES // max(1, bytes_per_window * prod(out[1:])))
    return (slice(first, min(first + step, out[0])) for first in range(0, out[0], step))


def _places(taps: Sizes, out: Sizes, stride: Sizes, dilation: Sizes, rows: slice) -> Iterator[tuple[int, tuple]]:
    """For each tap of the filter, the pixels that it meets while the windows of ``rows`` slide."""
    starts = (rows.start, *(0,) * (len(out) - 1))
    counts = (rows.stop - rows.start, *out[1:])
    for t, tap in enumerate(product(*map(range, taps))):
        edges = zip(tap, starts, counts, stride, dilation, strict=True)
        yield t, tuple(slice(i * d + a * s, i * d + (a + n - 1) * s + 1, s) for i, a, n, s, d in edges)


def _patches(
    x: Array, taps: Sizes, out: Sizes, stride: Sizes, dilation: Sizes, rows: slice, dtype: np.dtype
) -> Array:
    if prod(taps) == 1 and all(s == 1 for s in stride):
        return x[:, None, rows]  # a 1x1 filter: the picture is its own patches
    patches = np.empty((len(x), prod(taps), rows.stop - rows.start, *out[1:]), dtype)
    for t, place in _places(taps, out, stride, dilation, rows):
        patches[:, t] = x[(slice(None), *place)]
    return patches


@njit(cache=True, nogil=True)
def _winners(x, kernel, stride, before, dilation, switches):
    planes, depth, height, width = x.shape
    _, D, H, W = switches.shape
    for p in range(planes):
        for d in range(D):
            for h in range(H):
                for w in range(W):
                    best, switch = x[p, 0, 0, 0], -1
                    for i in range(kernel[0]):
                        a = d * stride[0] - before[0] + i * dilation[0]
                        for j in range(kernel[1]):
                            b = h * stride[1] - before[1] + j * dilation[1]
                            for k in range(kernel[2]):
                                c = w * stride[2] - before[2] + k * dilation[2]
                                inside = 0 <= a < depth and 0 <= b < height and 0 <= c < width
                                if inside and (switch < 0 or x[p, a, b, c] > best):
                                    best, switch = x[p, a, b, c], (a * height + b) * width + c
                    switches[p, d, h, w] = switch


@njit(cache=True, nogil=True)
def _unpool(R, switches, plane):
    for p in range(R.shape[0]):
        for q in range(R.shape[1]):
            plane[p, switches[p, q]] += R[p, q]
