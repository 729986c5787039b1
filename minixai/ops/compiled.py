"""Fast twins of the definitions, for floats: tiles or patches and BLAS for convolutions, Numba for gates and pooling.

Each function has the name, the arguments and (to rounding) the result of the definition in ``convolution.py``,
``pooling.py`` ... that ``backend.twin`` swaps it in for. 2-D pools run as 3-D with a single slice, so
that each loop is written once. Large layers are shared among as many threads as BLAS has been given, and BLAS itself
keeps to one meanwhile: two pools of threads on the same cores stand in each other's way.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from minixai.ops import pooling
from minixai.ops.numbers import Array, zero
from minixai.ops.windows import Pads, output_size, pad

Sizes = tuple[int, ...]
BLOCK_BYTES = 4 << 20  # patches are made and multiplied about 4 MB at a time, so that they stay in the cache
TILE_BYTES = 3 << 19  # tiles and their products likewise, ...
LEAST_TILES = 192  # ... but so many at least, because each product reads all the filters
TILED_WORK = 1 << 25  # multiplications from which tiles pay: small networks never load their kernels
SHARED_WORK = 1 << 25  # multiplications from which starting threads pays
SHARED_SIZE = 1 << 20  # likewise, elements
SINGLE_WORK = 1 << 18  # multiplications from which BLAS uses threads
SMALL = 1 << 15  # elements up to which Numba is not worth its loading
_CORES = Lock()  # the cores are one resource: who computes on all of them does so alone

# -- Convolution by patches --------------------------------------------------------------------------------------------


def conv(Y: Array, F: Array, stride: Sizes, padding: Pads, dilation: Sizes, groups: int, b: Any = None) -> Array:
    """Twin of ``convolution.conv``: o = F X + b, with X the patches of a few rows of windows at a time; or by tiles."""
    if _tiles_pay(Y, F, stride, padding, dilation, groups):
        return _by_tiles(Y, F, padding, b)
    dtype = np.result_type(Y, F) if b is None else np.result_type(Y, F, b)
    X, W = _grouped(pad(Y, padding), groups), F.astype(dtype, copy=False).reshape(groups, len(F) // groups, -1)
    out = _positions(X.shape[3:], F.shape[2:], stride, dilation)
    O = np.empty((len(Y), groups, W.shape[1], *out), dtype)

    def multiply(item: tuple[int, int, slice], held: Array) -> None:
        n, g, rows = item
        patches = _patches(X[n, g], F.shape[2:], out, stride, dilation, rows, held)
        flat = O[n, g].reshape(W.shape[1], -1)[:, rows.start * prod(out[1:]) : rows.stop * prod(out[1:])]
        np.matmul(W[g], patches.reshape(W.shape[2], -1), out=flat)
        if b is not None:
            flat += b.reshape(groups, -1, 1)[g]

    with _cores(O.size * W.shape[2]) as threads:
        blocks = list(_blocks(out, W.shape[2] * dtype.itemsize, threads))
        largest = W.shape[2] * blocks[0].stop * prod(out[1:])
        _share(multiply, product(range(len(Y)), range(groups), blocks), threads, lambda: np.empty(largest, dtype))
    return O.reshape(len(Y), len(F), *out)


def conv_adjoint(R: Array, F: Array, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> Array:
    """Twin of ``convolution.conv_adjoint``: every output cell paints the filter, F^T R, and the paint is summed.

    Where tiles pay it is the convolution with the flipped filter, Eq. (33).
    """
    full: Pads = tuple((k - 1 - before, k - 1 - after) for k, (before, after) in zip(F.shape[2:], padding, strict=True))
    if _tiles_pay(R, F, stride, full, dilation, groups):
        return _by_tiles(R, F, full, None, turned=True)
    dtype, taps, out = np.result_type(R, F), F.shape[2:], R.shape[2:]
    G, W = _grouped(R, groups), F.astype(dtype, copy=False).reshape(groups, len(F) // groups, F.shape[1], prod(taps))
    padded = tuple(n + before + after for n, (before, after) in zip(size, padding, strict=True))
    Y = np.zeros((len(R), groups, F.shape[1], *padded), dtype)

    def brush(item: tuple[int, int, slice], held: None) -> None:
        n, g, channels = item
        w = W[g][:, channels].reshape(W.shape[1], -1)
        for rows in _blocks(out, prod(F.shape[1:]) * dtype.itemsize):
            arriving = G[n, g][:, rows]
            colours = w.T @ arriving.reshape(len(arriving), -1)
            colours = colours.reshape(-1, prod(taps), *arriving.shape[1:])
            if _in_loops(Y[n, g, channels], colours):
                _loops().paint(colours, rows.start, taps, stride, dilation, Y[n, g, channels])
                continue
            for t, place in _places(taps, out, stride, dilation, rows):
                Y[n, g, channels][(slice(None), *place)] += colours[:, t]

    with _cores(R.size * prod(F.shape[1:])) as threads:
        parts = list(_slices(F.shape[1], -(-F.shape[1] // threads)))
        _share(brush, product(range(len(R)), range(groups), parts), threads)
    return pad(Y.reshape(len(R), groups * F.shape[1], *padded), tuple((-b, -a) for b, a in padding))


def filter_gradient(
    R: Array, Y: Array, taps: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int
) -> Array:
    """Twin of ``convolution.filter_gradient``: the sum over images of R X^T."""
    dtype, out = np.result_type(R, Y), R.shape[2:]
    X, G = _grouped(pad(Y, padding), groups), _grouped(R, groups)
    total = np.zeros((groups, G.shape[2], X.shape[2] * prod(taps)), dtype)
    blocks = list(_blocks(out, total.shape[2] * dtype.itemsize))
    held = np.empty(total.shape[2] * blocks[0].stop * prod(out[1:]), dtype)
    for n, g, rows in product(range(len(R)), range(groups), blocks):
        patches = _patches(X[n, g], taps, out, stride, dilation, rows, held).reshape(total.shape[2], -1)
        total[g] += G[n, g][:, rows].reshape(G.shape[2], -1) @ patches.T
    return total.reshape(R.shape[1], X.shape[2], *taps)


def _grouped(x: Array, groups: int) -> Array:
    return x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])


def _positions(size: Sizes, taps: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    edges = zip(size, taps, stride, dilation, strict=True)
    return tuple(output_size(n, k, s, 0, 0, d) for n, k, s, d in edges)


def _slices(count: int, step: int) -> Iterator[slice]:
    step = max(1, step)
    return (slice(first, min(first + step, count)) for first in range(0, count, step))


def _blocks(out: Sizes, bytes_per_window: int, least: int = 1) -> Iterator[slice]:
    """The rows of windows, BLOCK_BYTES of patches at a time, in at least so many blocks."""
    return _slices(out[0], min(BLOCK_BYTES // max(1, bytes_per_window * prod(out[1:])), -(-out[0] // least)))


def _places(taps: Sizes, out: Sizes, stride: Sizes, dilation: Sizes, rows: slice) -> Iterator[tuple[int, tuple]]:
    """For each tap of the filter, the pixels that it meets while the windows of ``rows`` slide."""
    starts = (rows.start, *(0,) * (len(out) - 1))
    counts = (rows.stop - rows.start, *out[1:])
    for t, tap in enumerate(product(*map(range, taps))):
        edges = zip(tap, starts, counts, stride, dilation, strict=True)
        yield t, tuple(slice(i * d + a * s, i * d + (a + n - 1) * s + 1, s) for i, a, n, s, d in edges)


def _patches(x: Array, taps: Sizes, out: Sizes, stride: Sizes, dilation: Sizes, rows: slice, held: Array) -> Array:
    if prod(taps) == 1 and all(s == 1 for s in stride):
        return x[:, None, rows]  # a 1x1 filter: the picture is its own patches
    shape = (len(x), prod(taps), rows.stop - rows.start, *out[1:])
    patches = held[: prod(shape)].reshape(shape)
    if _in_loops(x, patches):
        _loops().patch(x, rows.start, taps, stride, dilation, patches)
        return patches
    for t, place in _places(taps, out, stride, dilation, rows):
        patches[:, t] = x[(slice(None), *place)]
    return patches


def _in_loops(pixels: Array, patches: Array) -> bool:
    """Whether Numba moves the pixels: large enough patches in 2-D, of one dtype, in plain layout."""
    plain = pixels.flags.c_contiguous and pixels.flags.writeable and pixels.dtype == patches.dtype
    return pixels.ndim == 3 and patches.size > SMALL and plain


# -- Convolution by tiles ----------------------------------------------------------------------------------------------
# Winograd's F(2x2, 3x3), as Lavin and Gray (2016) write it: a tile d of 4x4 pixels gives 2x2 outputs
# A^T [(G f G^T) * (B^T d B)] A, 16 products instead of 36. Summed over channels, each is a product of matrices.

G_TILE = np.array([[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]])
Tiled = tuple[Array, Array, Array]  # V, M and a few lines


def _tiles_pay(Y: Array, F: Array, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> bool:
    """3x3 filters, a pixel apart, in float32 (tiles round a little more), on a layer large enough."""
    if F.shape[2:] != (3, 3) or {*stride, *dilation, groups} != {1} or {Y.dtype, F.dtype} != {np.dtype("float32")}:
        return False
    tiles = len(Y) * prod(-(-(n + b + a - 2) // 2) for n, (b, a) in zip(Y.shape[2:], padding, strict=True))
    return min(F.shape[:2]) >= 16 and 2 * tiles >= LEAST_TILES and 4 * tiles * F.size >= TILED_WORK


def _by_tiles(Y: Array, F: Array, padding: Pads, b: Array | None, turned: bool = False) -> Array:
    """conv(Y, F) + b; ``turned``: with every filter turned by 180 degrees, its inputs and outputs swapped."""
    (top, bottom), (left, right) = padding
    G = (G_TILE[:, ::-1] if turned else G_TILE).astype(F.dtype)
    transformed = np.empty((16, *F.shape[:2]), F.dtype)
    U = transformed.swapaxes(1, 2) if turned else transformed  # (16, outputs, inputs)
    O = np.empty((len(Y), U.shape[1], Y.shape[2] + top + bottom - 2, Y.shape[3] + left + right - 2), Y.dtype)
    X, bias = np.ascontiguousarray(Y), np.zeros(U.shape[1], Y.dtype) if b is None else b.astype(Y.dtype, copy=False)
    down, across = -(-O.shape[2] // 2), -(-O.shape[3] // 2)  # tiles
    step = max(1, max(LEAST_TILES, TILE_BYTES // (16 * X.itemsize * sum(U.shape[1:]))) // across)
    step = -(-len(O) * down // max(1, round(len(O) * down / step)))  # blocks of one size

    def hold() -> Tiled:
        tiles = min(step, len(O) * down) * across
        V, M = (np.empty(16 * n * tiles, X.dtype) for n in (U.shape[2], U.shape[1]))
        return V, M, np.empty((4, 2 * across + 2), X.dtype)

    def convolve(rows: slice, held: Tiled) -> None:
        tiles, lines = (rows.stop - rows.start) * across, held[2]
        V, M = (
            a[: 16 * n * tiles].reshape(16, n, -1, across) for a, n in ((held[0], U.shape[2]), (held[1], U.shape[1]))
        )
        _loops().tile(X, rows.start, down, top, left, V, lines)
        np.matmul(U, V.reshape(16, -1, tiles), out=M.reshape(16, -1, tiles))
        _loops().untile(M, bias, rows.start, down, O, lines)

    def transform(part: slice, held: None) -> None:
        flat = transformed.reshape(16, -1)[:, part.start * F.shape[1] : part.stop * F.shape[1]]
        np.matmul(np.kron(G, G), F[part].reshape(-1, 9).T, out=flat)  # G f G^T

    with _cores(O.size * prod(F.shape[1:])) as threads:
        _share(transform, _slices(len(F), 64), threads)
        _share(convolve, _slices(len(O) * down, min(step, -(-len(O) * down // threads))), threads, hold)
    return O


# -- Products of matrices ----------------------------------------------------------------------------------------------


def matrix_product(a: Array, w: Array) -> Array:
    """Twin of ``linear.matrix_product``: large weights are read by every thread, a part each."""
    out = np.empty((len(a), len(w)), np.result_type(a, w))
    with _cores(len(a) * w.size, SHARED_SIZE) as threads:
        parts = _slices(len(w), -(-len(w) // threads))
        _share(lambda part, held: np.matmul(a, w[part].T, out=out[:, part]), parts, threads)
    return out


# -- Gates and pooling -------------------------------------------------------------------------------------------------


def relu_choose(self: Any, x: Array) -> Array:
    """Twin of ``ReLU.choose``."""
    flat, gate = np.ascontiguousarray(x).reshape(-1), np.empty(x.shape, bool)
    _over(x.size, x.size, lambda part: np.greater(flat[part], 0, out=gate.reshape(-1)[part]))
    return gate


def relu_forward(self: Any, x: Array, gate: Array) -> Array:
    """Twin of ``ReLU.forward``, without its branch that nobody can predict."""
    return _open(x, gate, False)


def relu_adjoint(self: Any, R: Array, x: Array, gate: Array) -> Array:
    """Twin of ``ReLU.adjoint``."""
    return _open(R, gate, False)


def relu_guided(R: Array, step: Any) -> Array:
    """Twin of ``guided.relu_guided``."""
    return _open(R, step.choice, True)


def relu_deconvnet(R: Array, step: Any) -> Array:
    """Twin of ``deconvnet.relu_deconvnet``."""
    return np.fmax(R, zero(R))


def _open(R: Array, gate: Array, positive: bool) -> Array:
    if R.size <= SMALL:
        return np.where(gate & (R > 0) if positive else gate, R, zero(R))
    signals, opened = np.ascontiguousarray(R).reshape(-1, gate.size), np.ascontiguousarray(gate).reshape(-1)
    out = np.empty(signals.shape, R.dtype)
    _over(gate.size, R.size, lambda part: _loops().gated(signals[:, part], opened[part], positive, out[:, part]))
    return out.reshape(R.shape)


def winners(x: Array, kernel: Sizes, stride: Sizes, margins: Pads, dilation: Sizes) -> Array:
    """Twin of ``pooling.winners``."""
    if x.size <= SMALL:
        return _definition(pooling.winners)(x, kernel, stride, margins, dilation)
    size = x.shape[-len(kernel) :]
    before = tuple(b for b, _ in margins)
    edges = zip(size, kernel, stride, margins, dilation, strict=True)
    out = tuple(output_size(n, k, s, b, a, d) for n, k, s, (b, a), d in edges)
    planes = np.ascontiguousarray(x).reshape(prod(x.shape[: -len(kernel)]), *_as_3d(size, 1))
    switches = np.empty((len(planes), *_as_3d(out, 1)), np.int64)
    windows = (_as_3d(kernel, 1), _as_3d(stride, 1), _as_3d(before, 0), _as_3d(dilation, 1))
    _over(len(planes), x.size, lambda part: _loops().winners(planes[part], *windows, switches[part]))
    return switches.reshape(*x.shape[: -len(kernel)], *out)


def take(x: Array, switches: Array) -> Array:
    """Twin of ``pooling.take``."""
    if x.size <= SMALL:
        return _definition(pooling.take)(x, switches)
    planes, pixels, cells = prod(switches.shape[:2]), prod(x.shape[2:]), prod(switches.shape[2:])
    rows = np.ascontiguousarray(x).reshape(planes, pixels)
    places = np.ascontiguousarray(switches).reshape(planes, cells)
    out = np.empty(places.shape, x.dtype)
    _over(planes, x.size, lambda part: _loops().take(rows[part], places[part], out[part]))
    return out.reshape(switches.shape)


def unpool(R: Array, switches: Array, size: Sizes) -> Array:
    """Twin of ``pooling.unpool``."""
    if R.size <= SMALL:
        return _definition(pooling.unpool)(R, switches, size)
    lead, cells = R.shape[: -len(size)], prod(R.shape[-len(size) :])
    plane = np.zeros((prod(lead), prod(size)), R.dtype)
    places = np.ascontiguousarray(np.broadcast_to(switches, R.shape)).reshape(prod(lead), cells)
    signals = np.ascontiguousarray(R).reshape(prod(lead), cells)
    _over(prod(lead), plane.size, lambda part: _loops().unpool(signals[part], places[part], plane[part]))
    return plane.reshape(*lead, *size)


def _definition(function: Any) -> Callable:
    return function.definition


def _as_3d(size: Sizes, fill: int) -> tuple[int, int, int]:
    one, two, three = (fill,) * (3 - len(size)) + tuple(size)
    return one, two, three


# -- Threads -----------------------------------------------------------------------------------------------------------


@contextmanager
def _cores(work: int, shared: int = SHARED_WORK) -> Iterator[int]:
    """How many threads to use for so many multiplications, of which BLAS makes each with one: its own would spin on.

    After a product OpenBLAS's threads wait for the next one for some 20 ms, on cores that other threads want.
    """
    blas = _blas() if work >= SINGLE_WORK else None
    if blas is None or _threads_of(blas) == 1:  # or another caller has the cores, and they are not waited for
        yield 1
        return
    with _CORES:
        threads = _threads_of(blas)
        with blas.limit(limits=1):
            yield threads if work >= shared else 1


def _threads_of(blas: Any) -> int:
    return max((library.num_threads for library in blas.lib_controllers), default=1)


def _loops() -> Any:
    return import_module("minixai.ops.loops")


@cache
def _blas() -> Any:
    """The BLAS libraries of this process; None where threadpoolctl is missing, and BLAS then keeps its own threads."""
    if find_spec("threadpoolctl") is None:
        return None
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def _share(work: Callable, items: Iterable, threads: int, hold: Callable[[], Any] = lambda: None) -> None:
    """work(item, held) for every item; each thread takes the next one, and keeps what ``hold()`` gave it: buffers."""
    waiting = deque(items)

    def run() -> None:
        held = hold()
        while waiting:
            try:
                item = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            work(item, held)

    several = min(threads, len(waiting))
    helping = [_helpers(threads - 1).submit(run) for _ in range(several - 1)]
    try:
        run()  # the caller works, too: on a busy machine it may be done before a helper has woken
    finally:
        woken = [helper for helper in helping if not helper.cancel()]
        wait(woken)
    for helper in woken:
        helper.result()


@cache
def _helpers(threads: int) -> ThreadPoolExecutor:
    """Threads that sleep until there is work; starting them for every layer would take longer than a small layer."""
    return ThreadPoolExecutor(threads, thread_name_prefix="minixai")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not follow into a fork


def _over(count: int, elements: int, work: Callable[[slice], None]) -> None:
    """work(part) for parts of range(count), shared among threads if there are many elements."""
    if elements < SHARED_SIZE:
        return work(slice(0, count))
    with _cores(SHARED_WORK) as threads:
        _share(lambda part, held: work(part), _slices(count, -(-count // threads)), threads)
