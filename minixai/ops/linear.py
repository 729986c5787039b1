"""The other linear layers: fully connected, batch normalisation, addition, concatenation, reshaping."""

from dataclasses import dataclass

import numpy as np

from minixai.ops.backend import twin
from minixai.ops.base import Op, Weighted, over_batch, parameter, per_channel, plus
from minixai.ops.numbers import Array, number, square_root


@twin
def matrix_product(a: Array, w: Array) -> Array:
    """a w^T, of two matrices."""
    return a @ w.T


@dataclass(frozen=True, eq=False)
class Linear(Weighted):
    """A fully connected layer z = W a + b. weight (outputs, inputs), bias (outputs,) or None."""

    weight: Array
    bias: Array | None = None
    parameters = ("weight", "bias")
    input_axes = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", parameter(self.weight, 2, "weight"))
        object.__setattr__(self, "bias", None if self.bias is None else parameter(self.bias, 1, "bias"))
        if self.bias is not None and len(self.bias) != len(self.weight):
            raise ValueError(f"bias has {len(self.bias)} numbers; expected one per output, {len(self.weight)}")

    def affine(self) -> tuple[Array, Array | None]:
        return self.weight, self.bias

    def linear(self, a: Array, w: Array, b: Array | None = None) -> Array:
        if a.ndim != 2 or a.shape[1] != w.shape[1]:
            raise ValueError(f"got an input of shape {a.shape}; expected (N, {w.shape[1]}): is a Flatten missing?")
        return plus(matrix_product(a, w), b)

    def transposed(self, R: Array, w: Array, a: Array) -> Array:
        return over_batch(lambda G: matrix_product(G, w.T), R, 1)

    def parameter_gradients(self, R: Array, x: Array) -> dict[str, Array]:
        out = {"weight": R.T @ x}
        return out if self.bias is None else out | {"bias": R.sum(axis=0)}

    def __repr__(self) -> str:
        return f"Linear({self.weight.shape[1]} -> {self.weight.shape[0]})"


@dataclass(frozen=True, eq=False)
class BatchNorm2d(Weighted):
    """Batch normalisation at inference: one scale and one shift per channel.

    y = (x - running_mean) / sqrt(running_var + eps) * weight + bias. In exact arithmetic ``running_var + eps`` must be
    the square of a fraction.
    """

    running_mean: Array
    running_var: Array
    weight: Array | None = None
    bias: Array | None = None
    eps: float = 1e-5
    parameters = ("running_mean", "running_var", "weight", "bias")

    def __post_init__(self) -> None:
        for name, values in self.arrays().items():
            object.__setattr__(self, name, parameter(values, 1, name))
        if len({len(a) for a in self.arrays().values()}) > 1:
            raise ValueError(
                f"got { ({n: len(a) for n, a in self.arrays().items()}) } numbers; expected one per channel"
            )

    def affine(self) -> tuple[Array, Array]:
        spread = square_root(self.running_var + number(self.eps, self.running_var))
        scale = 1 / spread if self.weight is None else self.weight / spread
        shift = -self.running_mean * scale
        return scale, shift if self.bias is None else shift + self.bias

    def linear(self, a: Array, w: Array, b: Array | None = None) -> Array:
        if a.ndim < 2 or a.shape[1] != len(w):
            raise ValueError(f"got an input of shape {a.shape}; expected {len(w)} channels on the second axis")
        return plus(a * per_channel(w, a), b)

    def transposed(self, R: Array, w: Array, a: Array) -> Array:
        return R * per_channel(w, a)

    def parameter_gradients(self, R: Array, x: Array) -> dict[str, Array]:
        spread = square_root(self.running_var + number(self.eps, self.running_var))
        normalised = (x - per_channel(self.running_mean, x)) / per_channel(spread, x)
        axes = (0, *range(2, R.ndim))
        both = {"weight": (R * normalised).sum(axis=axes), "bias": R.sum(axis=axes)}
        return {name: g for name, g in both.items() if getattr(self, name) is not None}

    def __repr__(self) -> str:
        return f"BatchNorm2d({len(self.running_mean)})"


@dataclass(frozen=True, eq=False)
class Add(Op):
    """The sum of its inputs (a residual connection); all of one shape."""

    joins = True

    def forward(self, *xs: Array) -> Array:
        if len({x.shape for x in xs}) != 1:
            raise ValueError(f"got inputs of shapes {[x.shape for x in xs]}; expected one shape")
        return sum(xs[1:], xs[0])

    def adjoint(self, R: Array, *xs: Array) -> tuple[Array, ...]:
        return (R,) * len(xs)


@dataclass(frozen=True, eq=False)
class Concat(Op):
    """Its inputs side by side, along the channels."""

    joins = True

    def forward(self, *xs: Array) -> Array:
        if len({(len(x), *x.shape[2:]) for x in xs}) != 1:
            raise ValueError(f"got inputs of shapes {[x.shape for x in xs]}; expected equal sizes but for the channels")
        return np.concatenate(xs, axis=1)

    def adjoint(self, R: Array, *xs: Array) -> tuple[Array, ...]:
        cuts = np.cumsum([x.shape[1] for x in xs])[:-1]
        return tuple(np.split(R, cuts, axis=1 - xs[0].ndim))


@dataclass(frozen=True, eq=False)
class Flatten(Op):
    """(N, C, H, W) -> (N, C*H*W), row by row."""

    input_axes = 3

    def forward(self, x: Array) -> Array:
        return x.reshape(len(x), int(np.prod(x.shape[1:])))

    def adjoint(self, R: Array, x: Array) -> Array:
        return R.reshape(*R.shape[:-1], *x.shape[1:])


@dataclass(frozen=True, eq=False)
class Identity(Op):
    """Hands its input on: dropout at inference, or the place where a batch norm has been folded away."""

    def forward(self, x: Array) -> Array:
        return x

    def adjoint(self, R: Array, x: Array) -> Array:
        return R
