"""ReLU, Eq. (2), and softmax."""

from dataclasses import dataclass

import numpy as np

from minixai.ops.backend import twin
from minixai.ops.base import Op, UnsupportedOp
from minixai.ops.numbers import Array, is_exact, zero


@dataclass(frozen=True, eq=False)
class ReLU(Op):
    """max(0, t), Eq. (2). Its gate is open where t > 0; the derivative at exactly 0 is 0."""

    def choose(self, x: Array) -> Array:
        return x > 0

    def forward(self, x: Array, gate: Array) -> Array:
        return np.where(gate, x, zero(x))

    def adjoint(self, R: Array, x: Array, gate: Array) -> Array:
        return np.where(gate, R, zero(R))


for method in ("choose", "forward", "adjoint"):
    setattr(ReLU, method, twin(getattr(ReLU, method), f"relu_{method}"))


@dataclass(frozen=True, eq=False)
class Softmax(Op):
    """Probabilities from scores, over the second axis. Floats only: its values are not rational."""

    def forward(self, x: Array) -> Array:
        if is_exact(x):
            raise UnsupportedOp("softmax has no exact value in fractions; use floats, or explain the score before it")
        if x.ndim < 2:
            raise ValueError(f"got an input of shape {x.shape}; expected (N, classes)")
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def adjoint(self, R: Array, x: Array) -> Array:
        p, channels = self.forward(x), 1 - x.ndim
        return p * (R - (R * p).sum(axis=channels, keepdims=True))
