"""Convolution forwards, backwards and towards its filter: Appendix A of the survey, in any number of dimensions.

The survey's convolution, Eq. (30), slides the filter without turning it (correlation, in signal processing). Its
gradient with respect to the picture, Eqs. (31)-(33), is again a convolution: of the arriving signal, surrounded by
zeros, with the filter flipped in every direction. ``conv_adjoint`` is that derivation as code, and the one function
that carries every method's signal backwards through a convolution.
"""

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from minixai.ops.backend import twin
from minixai.ops.base import Weighted, over_batch, parameter, plus, sizes
from minixai.ops.numbers import Array
from minixai.ops.windows import Pads, pad, pads, spread, windows

Sizes = tuple[int, ...]


@twin
def conv(Y: Array, F: Array, stride: Sizes, padding: Pads, dilation: Sizes, groups: int, b: Any = None) -> Array:
    """Eq. (30): o = sum over channels and taps of Y at the window times F, plus the bias of the filter.

    Y (N, C, H, W), F (K, C/groups, h, w), b (K,) or None -> (N, K, H', W'); one more axis each in 3-D.
    """
    X = windows(pad(Y, padding), F.shape[2:], stride, dilation)  # (N, C, positions, taps)
    out = X.shape[2 : 2 + len(stride)]
    rows = F.reshape(groups, len(F) // groups, -1)  # a row per filter
    O = _patches(X, groups, len(stride)) @ rows.swapaxes(1, 2)  # o = sum Y F                         (30)
    return plus(O.swapaxes(2, 3).reshape(len(Y), len(F), *out), b)


@twin
def conv_adjoint(R: Array, F: Array, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> Array:
    """Eqs. (32), (33): the full convolution of the arriving signal R with the filter flipped in every direction.

    R (N, K, H', W') -> (N, C, H, W), where ``size`` is (H, W).
    """
    reach = tuple(d * (k - 1) for d, k in zip(dilation, F.shape[2:], strict=True))
    G = spread(R, stride)
    before = tuple(r - p for r, (p, _) in zip(reach, padding, strict=True))
    after = tuple(n + r - b - g for n, r, b, g in zip(size, reach, before, G.shape[2:], strict=True))
    full = pad(G, tuple(zip(before, after, strict=True)))  # zeros all around: the "full" of full convolution
    ones, none = (1,) * len(size), ((0, 0),) * len(size)
    return conv(full, flip(F, groups), ones, none, dilation, groups)  # dL/dY = full(R, flipped F)     (33)


@twin
def filter_gradient(
    R: Array, Y: Array, taps: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int
) -> Array:
    """dL/dF, which Appendix A names only: the convolution of the picture Y with the signal R, summed over the batch."""
    X = windows(pad(Y, padding), taps, stride, dilation)
    X = X[(slice(None), slice(None), *(slice(n) for n in R.shape[2:]))]
    arriving = R.reshape(len(R), groups, R.shape[1] // groups, prod(R.shape[2:]))
    per_image = arriving @ _patches(X, groups, len(stride))  # (N, groups, filters, channels x taps)
    return per_image.sum(axis=0).reshape(R.shape[1], Y.shape[1] // groups, *taps)


def flip(F: Array, groups: int = 1) -> Array:
    """The filter turned by 180 degrees, with inputs and outputs swapped: what stands at a pixel and collects."""
    turned = F[(slice(None), slice(None), *(slice(None, None, -1),) * (F.ndim - 2))]
    by_group = turned.reshape(groups, len(F) // groups, *F.shape[1:])
    return by_group.swapaxes(1, 2).reshape(groups * F.shape[1], len(F) // groups, *F.shape[2:])


def _patches(X: Array, groups: int, axes: int) -> Array:
    """(N, C, positions, taps) -> (N, groups, positions, channels x taps): a row per window."""
    n, c, positions, taps = len(X), X.shape[1] // groups, prod(X.shape[2 : 2 + axes]), prod(X.shape[2 + axes :])
    rows = np.moveaxis(X.reshape(n, groups, c, positions, taps), 2, 3)
    return rows.reshape(n, groups, positions, c * taps)


@dataclass(frozen=True, eq=False)
class _Conv(Weighted):
    """A convolution layer: weight (K, C/groups, *taps), bias (K,) or None.

    Stride and dilation: a number or one per axis. Padding: a number, one per axis, or a pair (before, after) per axis.
    """

    weight: Array
    bias: Array | None = None
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1
    parameters = ("weight", "bias")
    axes: ClassVar[int]

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "weight", parameter(self.weight, self.axes + 2, "weight"))
        set_(self, "bias", None if self.bias is None else parameter(self.bias, 1, "bias"))
        set_(self, "stride", sizes(self.stride, self.axes, "stride"))
        set_(self, "padding", pads(self.padding, self.axes))
        set_(self, "dilation", sizes(self.dilation, self.axes, "dilation"))
        (groups,) = sizes(self.groups, 1, "groups")
        set_(self, "groups", groups)
        biases = len(self.weight) if self.bias is None else len(self.bias)
        if len(self.weight) % groups or biases != len(self.weight):
            raise ValueError(
                f"weight {self.weight.shape}, {biases} biases and groups {groups} do not fit together; "
                "expected one bias per output channel, and groups that divide the output channels"
            )

    def affine(self) -> tuple[Array, Array | None]:
        return self.weight, self.bias

    def linear(self, a: Array, w: Array, b: Array | None = None) -> Array:
        self._check(a)
        return conv(a, w, self.stride, self.padding, self.dilation, self.groups, b)

    def transposed(self, R: Array, w: Array, a: Array) -> Array:
        where = (a.shape[2:], self.stride, self.padding, self.dilation, self.groups)
        return over_batch(lambda G: conv_adjoint(G, w, *where), R, self.axes + 1)

    def parameter_gradients(self, R: Array, x: Array) -> dict[str, Array]:
        taps = self.weight.shape[2:]
        out = {"weight": filter_gradient(R, x, taps, self.stride, self.padding, self.dilation, self.groups)}
        return out if self.bias is None else out | {"bias": R.sum(axis=(0, *range(2, R.ndim)))}

    def _check(self, x: Array) -> None:
        channels = self.weight.shape[1] * self.groups
        if x.ndim != self.axes + 2 or x.shape[1] != channels:
            raise ValueError(f"got an input of shape {x.shape}; expected (N, {channels}" + ", size" * self.axes + ")")

    def __repr__(self) -> str:
        k, c, taps = len(self.weight), self.weight.shape[1] * self.groups, "x".join(map(str, self.weight.shape[2:]))
        extras = {"stride": (self.stride, 1), "padding": (self.padding, (0, 0)), "dilation": (self.dilation, 1)}
        said = [f"{name} {value}" for name, (value, usual) in extras.items() if any(v != usual for v in value)]
        said += [f"groups {self.groups}"] if self.groups != 1 else []
        return f"{type(self).__name__}({c} -> {k}, {', '.join([taps, *said])})"


class Conv2d(_Conv):
    """2-D convolution, Eq. (30): weight (K, C/groups, h, w), bias (K,); strides and the rest as PyTorch's."""

    axes, input_axes = 2, 3


class Conv3d(_Conv):
    """3-D convolution (space and time). weight (K, C/groups, d, h, w), bias (K,); the rest as :class:`Conv2d`."""

    axes, input_axes = 3, 4
