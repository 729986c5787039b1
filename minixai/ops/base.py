"""What a layer is: a frozen record that can run forwards, and whose adjoint carries a signal backwards."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from minixai.ops.numbers import FLOATS, Array, exact
from minixai.result import UnsupportedOp


@dataclass(frozen=True, eq=False)
class Op:
    """A layer.

    ``forward(*xs)`` is what it computes; ``adjoint(R, *xs)`` is the transposed derivative at that place: it takes a
    signal R arriving at the output to the signals leaving through the inputs. R may have any number of leading axes
    before the batch axis. A layer that decides something (a ReLU its gates, a max-pool its winners) says what with
    ``choose(x)``, and forward and adjoint take that choice as their last argument: with its choices fixed, every
    layer of a ReLU network is linear.
    """

    parameters: ClassVar[tuple[str, ...]] = ()
    joins: ClassVar[bool] = False  # whether it reads several nodes
    input_axes: ClassVar[int | None] = None  # the axes of one picture it takes; None: any, and it keeps them

    def choose(self, *xs: Array) -> Array | None:
        return None

    def forward(self, *xs: Array) -> Array:
        raise UnsupportedOp(f"{type(self).__name__} computes nothing; use one of the layers of minixai.ops")

    def adjoint(self, R: Array, *xs: Array) -> Array | tuple[Array, ...]:
        raise UnsupportedOp(f"{type(self).__name__} has no adjoint; use one of the layers of minixai.ops")

    def arrays(self) -> dict[str, Array]:
        """The layer's parameters that are present, by name."""
        return {p: getattr(self, p) for p in self.parameters if getattr(self, p) is not None}

    def convert(self, change: Callable[[Array], Array]) -> Self:
        """The same layer with every parameter passed through ``change``."""
        return replace(self, **{name: change(a) for name, a in self.arrays().items()})


class Input(Op):
    """The picture itself: the first line of every tape."""


@dataclass(frozen=True, eq=False)
class Weighted(Op, ABC):
    """A layer z_j = sum_i a_i w_ij + b_j: what the rules of Section 5 redistribute over.

    ``affine()`` gives (w, b); ``linear(a, w, b)`` is sum_i a_i w_ij + b_j with any weights of that shape, and
    ``transposed(R, w, a)`` is sum_j w_ij R_j. The rules call them with w, w^+, w^- or w^2.
    """

    @abstractmethod
    def affine(self) -> tuple[Array, Array | None]: ...

    @abstractmethod
    def linear(self, a: Array, w: Array, b: Array | None = None) -> Array: ...

    @abstractmethod
    def transposed(self, R: Array, w: Array, a: Array) -> Array: ...

    @abstractmethod
    def parameter_gradients(self, R: Array, x: Array) -> dict[str, Array]:
        """dL/d(parameter) for every parameter, from the signal R = dL/dy."""

    def forward(self, x: Array) -> Array:
        return self.linear(x, *self.affine())

    def adjoint(self, R: Array, x: Array) -> Array:
        return self.transposed(R, self.affine()[0], x)


def per_channel(b: Array, like: Array) -> Array:
    """b, one number per channel, shaped so that it adds to ``like`` of shape (N, C, ...)."""
    return b.reshape(b.shape + (1,) * (like.ndim - 2))


def plus(z: Array, b: Array | None) -> Array:
    """z with its biases; z, which nobody else holds, is where they are added, if the numbers are of one kind."""
    return z if b is None else np.add(z, per_channel(b, z), out=z if z.dtype == b.dtype else None)


def over_batch(f: Callable[[Array], Array], R: Array, rank: int) -> Array:
    """f applied to R with all leading axes merged into the batch axis; the last ``rank`` axes are left alone."""
    lead = R.shape[: R.ndim - rank]
    out = f(R.reshape((int(np.prod(lead)), *R.shape[R.ndim - rank :])))
    return out.reshape(lead + out.shape[1:])


def parameter(values: Any, rank: int | None, what: str) -> Array:
    """Weights as an array: floats and fractions as they are, integers as float64. ``rank`` axes, or refused."""
    array = np.asarray(values)
    if array.dtype == object:
        array = exact(array)
    elif array.dtype.kind in "iu":
        array = array.astype(np.float64)
    elif array.dtype not in FLOATS:
        raise ValueError(f"{what} has dtype {array.dtype}; expected float32, float64 or fractions: convert it first")
    if rank is not None and array.ndim != rank:
        raise ValueError(f"{what} has shape {array.shape}; expected {rank} axes")
    return array


def sizes(value: Any, axes: int, what: str, least: int = 1) -> tuple[int, ...]:
    """A size per axis: 3 means 3 on every axis."""
    several = isinstance(value, list | tuple)
    out = tuple(value) if several else (value,) * axes
    if len(out) != axes or not all(isinstance(v, int | np.integer) and v >= least for v in out):
        raise ValueError(f"{what} is {value!r}; expected an integer of at least {least}, or {axes} of them")
    return tuple(int(v) for v in out)
