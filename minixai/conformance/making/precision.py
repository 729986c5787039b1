"""How close a program can be expected to come: exactly, to so many units in the last place, or to a share.

``exact``: every partial sum, in any order, is a multiple of a power of two and fits 24 bits, so float32 makes no error.
``ulp``: k units in the last place of the largest expected value. k is counted by doing the arithmetic with numbers that
carry a bound on their rounding error (:class:`Rounded`), four times over, because others add in another order.
``rel``: a share, where a method divides by what it has computed: how it keeps from dividing by zero costs digits.
"""

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from math import ceil, lcm, prod
from typing import Any, Self

import numpy as np

from minixai.network import Network, Tape, forward
from minixai.ops import (
    Add,
    Array,
    AvgPool2d,
    AvgPool3d,
    Concat,
    Conv2d,
    Conv3d,
    Flatten,
    GlobalAvgPool,
    Identity,
    Linear,
    MaxPool2d,
    MaxPool3d,
    Op,
    ReLU,
)
from minixai.walk import Table, walk

BITS = {"float64": 53, "float32": 24}
ORDERS = 4  # others add in another order, or multiply out what we have factored
REL = {"class": "rel", "float64": 1e-9, "float32": 1e-4}
EXACT = {"class": "exact", "float64": 1e-13, "float32": 0.0}  # float64 leaves room for convolutions that transform

# Methods that only add and multiply, once the gates and winners are fixed.
COUNTED = (
    "gradient", "deconvnet", "guided-backprop", "integrated-gradients", "smoothgrad", "cam", "grad-cam",
    "guided-grad-cam", "fem", "occlusion",
)  # fmt: skip


class Ambiguous(ValueError):
    """A decision (a gate, a winner) that hangs on a rounding error."""


def ulp(bound: Fraction) -> dict[str, Any]:
    """The tolerance class for numbers whose rounding error is at most ``bound`` units of the largest of them."""
    k = ceil(ORDERS * max(bound, Fraction(1)))
    return {"class": "ulp", "k": k, **{name: k * 2.0**-bits for name, bits in BITS.items()}}


# -- Bounds on rounding errors -----------------------------------------------------------------------------------------


class Rounded(Fraction):
    """A number and ``error``, a bound on how far a float may be off, in units of 2^-24 (float32) or 2^-53 (float64).

    A product or sum adds its own size, unless it fits 24 bits. Comparing two numbers that are closer than their errors
    raises :class:`Ambiguous`: floats might decide otherwise.
    """

    __slots__ = ("error",)
    error: Fraction

    def __new__(cls, value: Any, error: Fraction | None = None) -> Self:
        self = super().__new__(cls, value)
        self.error = _own(self) if error is None else error
        return self

    def __add__(self, other: Any) -> Any:
        return self._from(Fraction.__add__(self, other), self.error + _error(other))

    def __sub__(self, other: Any) -> Any:
        return self._from(Fraction.__sub__(self, other), self.error + _error(other))

    def __rsub__(self, other: Any) -> Any:
        return self._from(Fraction.__rsub__(self, other), self.error + _error(other))

    def __mul__(self, other: Any) -> Any:
        return self._from(Fraction.__mul__(self, other), _size(self) * _error(other) + _size(other) * self.error)

    def __truediv__(self, other: Any) -> Any:
        if _error(other):
            raise ValueError("dividing by what was computed has no bound here; such methods have the class rel")
        return self._from(Fraction.__truediv__(self, other), self.error / _size(other))

    def __rtruediv__(self, other: Any) -> Any:
        return Rounded(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Any:
        return Rounded(Fraction.__neg__(self), self.error)

    def __abs__(self) -> Any:
        return Rounded(Fraction.__abs__(self), self.error)

    def __eq__(self, other: object) -> bool:
        self._must_differ(other)
        return Fraction.__eq__(self, other)

    def __lt__(self, other: Any) -> bool:
        self._must_differ(other)
        return Fraction.__lt__(self, other)

    def __gt__(self, other: Any) -> bool:
        self._must_differ(other)
        return Fraction.__gt__(self, other)

    def __le__(self, other: Any) -> bool:
        self._must_differ(other)
        return Fraction.__le__(self, other)

    def __ge__(self, other: Any) -> bool:
        self._must_differ(other)
        return Fraction.__ge__(self, other)

    __hash__ = Fraction.__hash__

    def _from(self, value: Any, error: Fraction) -> Any:
        return NotImplemented if value is NotImplemented else Rounded(value, error + _own(value))

    def _must_differ(self, other: Any) -> None:
        error = ORDERS * (self.error + _error(other))
        if error and abs(Fraction(self) - Fraction(other)) * 2 ** BITS["float32"] <= error:
            raise Ambiguous(f"{Fraction(self)} against {Fraction(other)}: floats might decide otherwise")


def _own(value: Fraction) -> Fraction:
    """The error of writing a number down: none if it is a multiple of a power of two that fits 24 bits."""
    fits = abs(value.numerator) <= 2 ** BITS["float32"] and value.denominator.bit_count() == 1
    return Fraction(0) if fits else abs(Fraction(value))


def _size(value: Any) -> Fraction:
    return abs(Fraction(value))


def _error(value: Any) -> Fraction:
    return value.error if isinstance(value, Rounded) else Fraction(0)


def rounded(a: Array) -> Array:
    """An array of fractions as numbers that keep count of their errors."""
    return np.array([*map(Rounded, a.ravel()), None], dtype=object)[:-1].reshape(a.shape)


def largest_error(*results: Array) -> Fraction:
    """The largest error of several results, each in units of its own largest value."""
    return max(max(map(_error, a.flat), default=Fraction(0)) / (_largest(a) or 1) for a in results)


def decided(network: Network, x: Array) -> Tape:
    """The forward pass; raises :class:`Ambiguous` where a gate or a winner would hang on a rounding error."""
    return forward(counting(network), rounded(x))


def counting(network: Network) -> Network:
    """The network with weights that keep count of their errors."""
    converted = {op: op.convert(rounded) for op in {node.op for node in network.nodes}}
    return replace(network, nodes=tuple(replace(node, op=converted[node.op]) for node in network.nodes))


def of_layer(op: Op, xs: tuple[Array, ...], choice: Array | None, R: Array) -> dict[str, Any]:
    """The tolerance class of a layer's output and of what goes back."""
    if forward_is_exact(op, xs) and backward_is_exact(op, xs, choice, R):
        return EXACT
    counted, more = op.convert(rounded), () if choice is None else (choice,)
    reads = [rounded(x) for x in xs]
    back = counted.adjoint(rounded(R), *reads, *more)
    return ulp(largest_error(counted.forward(*reads, *more), *(back if isinstance(back, tuple) else (back,))))


# -- Proofs that there is no rounding error ----------------------------------------------------------------------------


def walk_is_exact(tape: Tape, seed: Array, table: Table) -> bool:
    """Whether float32 makes no error on the way to the scores, nor on a walk back by rules linear in the signal."""
    if not all(forward_is_exact(step.op, step.xs) for step in tape.steps if step.parents):
        return False
    meeting: dict[str, list[Array]] = defaultdict(list)
    for hop in walk(tape, seed, table):
        if hop.rule and not backward_is_exact(hop.at.op, hop.at.xs, hop.at.choice, hop.arriving):
            return False
        for parent, part in zip(hop.at.parents, hop.leaving, strict=True):
            meeting[parent.name].append(part)
    return all(_fits(np.abs(parts).sum(axis=0), _grain(*parts)) for parts in meeting.values())


def forward_is_exact(op: Op, xs: tuple[Array, ...]) -> bool:
    """Whether no sum of the layer, in whatever order, needs more than 24 bits."""
    if not _adds(op):
        return _only_moves(op)
    weights, taps = list(op.arrays().values()), _taps(op, xs)
    terms = op.convert(abs).forward(*map(abs, xs)) * taps
    return taps.bit_count() == 1 and _fits(terms, _grain(*xs) * _grain(*weights))


def backward_is_exact(op: Op, xs: tuple[Array, ...], choice: Array | None, R: Array) -> bool:
    """The same for what goes back."""
    if not (_adds(op) or _only_moves(op)):
        return False
    weights = [a for name, a in op.arrays().items() if name == "weight"]
    out = op.convert(abs).adjoint(abs(R), *xs, *(() if choice is None else (choice,)))
    parts, taps = out if isinstance(out, tuple) else (out,), _taps(op, xs)
    return taps.bit_count() == 1 and all(_fits(part, _grain(R) * _grain(*weights) * taps) for part in parts)


def _adds(op: Op) -> bool:
    """A layer of sums, each divided by the same number if by any."""
    if isinstance(op, AvgPool2d | AvgPool3d):
        return op.count_include_pad and not op.ceil_mode  # else windows at the edge divide by other counts
    return isinstance(op, Conv2d | Conv3d | Linear | Add | GlobalAvgPool)


def _only_moves(op: Op) -> bool:
    """Nothing is computed on the way to the scores; on the way back, what meets is added."""
    return isinstance(op, ReLU | MaxPool2d | MaxPool3d | Flatten | Concat | Identity)


def _taps(op: Op, xs: tuple[Array, ...]) -> int:
    """What a layer divides its sums by."""
    if isinstance(op, AvgPool2d | AvgPool3d):
        return prod(op.kernel)
    return prod(xs[0].shape[2:]) if isinstance(op, GlobalAvgPool) else 1


def _fits(terms: Array, grain: int) -> bool:
    return grain.bit_count() == 1 and _largest(terms) * grain <= 2 ** BITS["float32"]


def _grain(*arrays: Array) -> int:
    """The common denominator."""
    return lcm(*(v.denominator for a in arrays for v in map(Fraction, a.flat)))


def _largest(a: Array) -> Fraction:
    return max(map(abs, map(Fraction, a.flat)), default=Fraction(0))
