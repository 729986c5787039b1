"""Pooling. Max-pools remember who won (the switches of Fig. 5a); averages are one small matrix per axis."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any, ClassVar

import numpy as np

from minixai.ops.backend import twin
from minixai.ops.base import Op, sizes
from minixai.ops.numbers import Array, number, zeros
from minixai.ops.windows import Pads, output_size, pad, pads, plane_numbers, windows

Sizes = tuple[int, ...]


@twin
def winners(x: Array, kernel: Sizes, stride: Sizes, margins: Pads, dilation: Sizes) -> Array:
    """The switches: for every window the number of its largest pixel, counted row by row over the whole plane.

    The first of several equal maxima wins; padding never does (-1 where a window holds nothing else).
    """
    values = windows(pad(x, margins), kernel, stride, dilation)
    numbers = windows(pad(plane_numbers(x.shape[-len(kernel) :]), margins, fill=-1), kernel, stride, dilation)
    best = zeros(values.shape[: -len(kernel)], x)
    switch = np.full(best.shape, -1)
    for tap in product(*map(range, kernel)):
        here: Any = (..., *tap)
        value, place = values[here], numbers[here]
        wins = (place >= 0) & ((switch < 0) | (value > best))
        best, switch = np.where(wins, value, best), np.where(wins, place, switch)
    return switch


@twin
def take(x: Array, switches: Array) -> Array:
    """What stands at the switches: the pooled picture."""
    planes = x.reshape(*x.shape[:2], prod(x.shape[2:]))
    rows = switches.reshape(*switches.shape[:2], prod(switches.shape[2:]))
    return np.take_along_axis(planes, rows, axis=-1).reshape(switches.shape)


@twin
def unpool(R: Array, switches: Array, size: Sizes) -> Array:
    """Each arriving number put back where the winner stood, 0 elsewhere; where windows overlap they add (4.1)."""
    lead, cells = R.shape[: -len(size)], prod(R.shape[-len(size) :])
    places = np.broadcast_to(switches, R.shape).reshape(prod(lead), cells)
    plane = zeros((prod(lead), prod(size)), R)
    np.add.at(plane, (np.arange(len(places))[:, None], places), R.reshape(places.shape))
    return plane.reshape(*lead, *size)


@dataclass(frozen=True, eq=False)
class _Windowed(Op):
    """Windows of a size (kernel), a step apart (stride; None: side by side), over the picture with its padding."""

    kernel: Any
    stride: Any = None
    padding: Any = 0
    ceil_mode: bool = field(default=False, kw_only=True)
    axes: ClassVar[int]

    def __post_init__(self) -> None:
        stride = self.kernel if self.stride is None else self.stride
        object.__setattr__(self, "kernel", sizes(self.kernel, self.axes, "kernel"))
        object.__setattr__(self, "stride", sizes(stride, self.axes, "stride"))
        object.__setattr__(self, "padding", pads(self.padding, self.axes))

    @property
    def spacing(self) -> Sizes:
        """How far apart the pixels of a window are."""
        return (1,) * self.axes

    def margins(self, x: Array) -> Pads:
        """The padding, stretched at the end for the last window of ``ceil_mode`` (or cut, where no window reaches)."""
        if x.ndim != self.axes + 2:
            raise ValueError(f"got an input of shape {x.shape}; expected (N, C" + ", size" * self.axes + ")")
        out = []
        edges = zip(x.shape[2:], self.kernel, self.stride, self.padding, self.spacing, strict=True)
        for n, k, s, (before, after), d in edges:
            count = output_size(n, k, s, before, after, d, self.ceil_mode)
            out.append((before, (count - 1) * s + d * (k - 1) + 1 - n - before))
        return tuple(out)


@dataclass(frozen=True, eq=False)
class _MaxPool(_Windowed):
    """The largest pixel of every window."""

    dilation: Any = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "dilation", sizes(self.dilation, self.axes, "dilation"))

    @property
    def spacing(self) -> Sizes:
        return self.dilation

    def choose(self, x: Array) -> Array:
        switches = winners(x, self.kernel, self.stride, self.margins(x), self.spacing)
        if (switches < 0).any():
            raise ValueError("a pooling window lies wholly in the padding; use less padding or a larger window")
        return switches

    def forward(self, x: Array, switches: Array) -> Array:
        return take(x, switches)

    def adjoint(self, R: Array, x: Array, switches: Array) -> Array:
        return unpool(R, switches, x.shape[2:])


class MaxPool2d(_MaxPool):
    """2-D max-pooling: MaxPool2d(kernel, stride=kernel, padding=0, ceil_mode=False, dilation=1), as PyTorch."""

    axes, input_axes = 2, 3


class MaxPool3d(_MaxPool):
    """3-D max-pooling, as :class:`MaxPool2d`."""

    axes, input_axes = 3, 4


def along_axes(x: Array, matrices: list[Array]) -> Array:
    """x with its last axes multiplied by one matrix each: y = A x B^T. Averages and resizing are nothing else."""
    for back, M in enumerate(reversed(matrices), start=1):
        x = np.moveaxis(np.moveaxis(x, -back, -1) @ M.T, -1, -back)
    return x


@dataclass(frozen=True, eq=False)
class PerAxis(Op, ABC):
    """A linear layer that is one matrix per axis of the picture; its adjoint is the transposed matrices."""

    @abstractmethod
    def matrices(self, x: Array) -> list[Array]: ...

    def forward(self, x: Array) -> Array:
        return along_axes(x, self.matrices(x))

    def adjoint(self, R: Array, x: Array) -> Array:
        return along_axes(R, [M.T for M in self.matrices(x)])


@dataclass(frozen=True, eq=False)
class _AvgPool(_Windowed, PerAxis):
    """The mean of every window; padding counts as zeros unless ``count_include_pad`` is False."""

    count_include_pad: bool = field(default=True, kw_only=True)

    def matrices(self, x: Array) -> list[Array]:
        geometry = zip(x.shape[2:], self.kernel, self.stride, self.padding, self.margins(x), strict=True)
        return [self._axis(x, *axis) for axis in geometry]

    def _axis(self, x: Array, n: int, k: int, s: int, padding: tuple[int, int], margin: tuple[int, int]) -> Array:
        starts = range(-margin[0], n + margin[1] - k + 1, s)
        ranges = [(max(a, 0), min(a + k, n)) for a in starts]
        counts = [min(a + k, n + padding[1]) - a for a in starts] if self.count_include_pad else None
        return averages(x, n, ranges, counts)


class AvgPool2d(_AvgPool):
    """2-D average pooling: AvgPool2d(kernel, stride=kernel, padding=0, ceil_mode, count_include_pad), as PyTorch."""

    axes, input_axes = 2, 3


class AvgPool3d(_AvgPool):
    """3-D average pooling, as :class:`AvgPool2d`."""

    axes, input_axes = 3, 4


def averages(like: Array, n: int, ranges: list[tuple[int, int]], counts: list[int] | None = None) -> Array:
    """The matrix that averages n pixels over each range [a, b): 1/(b - a) there, or 1/count where counts are given."""
    M = zeros((len(ranges), n), like)
    for i, (a, b) in enumerate(ranges):
        count = b - a if counts is None else counts[i]
        if count < 1 or b <= a:
            raise ValueError("a pooling window lies wholly in the padding; use less padding or a larger window")
        M[i, a:b] = number(1, like) / count
    return M


@dataclass(frozen=True, eq=False)
class AdaptiveAvgPool2d(PerAxis):
    """Average pooling to a fixed output size: cell i averages the pixels floor(i n/m) to ceil((i+1) n/m)."""

    output_size: Any
    input_axes = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "output_size", sizes(self.output_size, 2, "output_size"))

    def matrices(self, x: Array) -> list[Array]:
        if x.ndim != 4:
            raise ValueError(f"got an input of shape {x.shape}; expected (N, C, H, W)")
        pairs = zip(x.shape[2:], self.output_size, strict=True)
        return [averages(x, n, [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]) for n, m in pairs]


@dataclass(frozen=True, eq=False)
class GlobalAvgPool(PerAxis):
    """The mean of every map (N, C, H, W) -> (N, C, 1, 1), the squeezing that CAM (4.6) needs; in 3-D likewise."""

    def matrices(self, x: Array) -> list[Array]:
        if x.ndim < 3:
            raise ValueError(f"got an input of shape {x.shape}; expected maps, (N, C, H, W)")
        return [averages(x, n, [(0, n)]) for n in x.shape[2:]]


@dataclass(frozen=True, eq=False)
class Resize(PerAxis):
    """Bilinear (in 3-D trilinear) resizing with half-pixel centres (``align_corners=False``), to a given size."""

    size: Any

    def __post_init__(self) -> None:
        if not isinstance(self.size, list | tuple):
            raise ValueError(f"size is {self.size!r}; expected one size per axis, (H, W) or (D, H, W)")
        object.__setattr__(self, "size", sizes(self.size, len(self.size), "size"))

    def matrices(self, x: Array) -> list[Array]:
        if x.ndim < len(self.size):
            raise ValueError(f"got an input of shape {x.shape}; expected maps of {len(self.size)} axes")
        return [_interpolation(x, n, m) for n, m in zip(x.shape[-len(self.size) :], self.size, strict=True)]


def resize(x: Array, size: Sizes) -> Array:
    """The last axes of x resized to ``size``, as :class:`Resize`."""
    return Resize(tuple(size)).forward(x)


def _interpolation(like: Array, n: int, m: int) -> Array:
    """Row i says between which two of n pixels the centre of output pixel i falls, and how near to each."""
    M = zeros((m, n), like)
    for i in range(m):
        centre = max((number(i, like) + number(0.5, like)) * n / m - number(0.5, like), number(0, like))
        left = min(int(centre), n - 1)
        M[i, left] += 1 - (centre - left)
        M[i, min(left + 1, n - 1)] += centre - left
    return M
