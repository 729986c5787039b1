"""How the relevance of a neuron is shared out among its inputs: the frame of every rule in Section 5.1.

Each rule is one or two quotients. A neuron j hands input i the part (a_i w_ij) / d_j of its relevance R_j, with d_j
the sum of all the numerators plus what the neuron keeps (its bias, a stabilizer):

    R_i = sum over quotients of  c * sum_j (a_i w_ij) / d_j * R_j                      (12)-(15)
    absorbed = sum over quotients of  c * sum_j kept_j / d_j * R_j

Where d_j is 0 nothing is handed on and the neuron absorbs c R_j.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minixai.network import Step
from minixai.ops import Array, UnsupportedOp, Weighted
from minixai.ops.base import per_channel
from minixai.ops.numbers import divide, negative, positive, zero, zeros

Term = tuple[tuple[Array, ...], Array | None]  # (a for each input, w): numerators a_i w_ij; w None: the layer's own


class Quotient(NamedTuple):
    """One quotient: its numerators, its denominators d_j, what of them j keeps, its coefficient, the j it is for."""

    terms: list[Term]
    d: Array
    kept: Array | int = 0
    coefficient: Any = 1
    chosen: Array | None = None


@dataclass(frozen=True)
class Shares(ABC):
    """A rule that shares relevance out; a subclass says by which quotients. ``bias="ignore"`` drops every bias."""

    bias: str = "include"

    def __post_init__(self) -> None:
        if self.bias not in ("include", "ignore"):
            raise ValueError(f"bias is {self.bias!r}; expected 'include' or 'ignore'")

    @abstractmethod
    def quotients(self, step: Step) -> Iterator[Quotient]: ...

    def __call__(self, R: Array, step: Step) -> tuple[Array, ...]:
        """R_i: the relevance that leaves towards each input."""
        handed: list[list[Array]] = [[] for _ in step.parents]
        for part in self.quotients(step):
            s = part.coefficient * divide(_chosen(R, part), part.d)  # c R_j / d_j
            for a, w in part.terms:
                for k, share in enumerate(_transposed(step, s, w)):
                    handed[k].append(a[k] * share)  # a_i sum_j w_ij s_j
        return tuple(sum(shares[1:], shares[0]) for shares in handed)

    def absorbed(self, R: Array, step: Step) -> Array:
        """What stays at this node, one number per picture (after any leading axes)."""
        axes = tuple(range(1 - step.y.ndim, 0))
        parts = []
        for part in self.quotients(step):
            R_j = part.coefficient * _chosen(R, part)
            kept = divide(part.kept * R_j, part.d)
            parts.append((kept if np.all(part.d) else np.where(part.d == 0, R_j, kept)).sum(axis=axes))
        return sum(parts[1:], parts[0])

    def z(self, step: Step) -> Array:
        """sum_i a_i w_ij + b_j, which the tape holds; without its bias where that is to be ignored."""
        if self.bias == "include" or not isinstance(step.op, Weighted):
            return step.y
        return step.op.linear(step.x, step.op.affine()[0])

    def bias_of(self, step: Step) -> Array:
        """b_j, shaped to add to z; 0 where there is none or it is to be ignored."""
        b = step.op.affine()[1] if isinstance(step.op, Weighted) and self.bias == "include" else None
        return zeros((1,) * step.y.ndim, step.y) if b is None else per_channel(b, step.y)


def weighted(step: Step) -> Weighted:
    """The layer, for a rule that needs its weights. Raises UnsupportedOp if it has none."""
    if not isinstance(step.op, Weighted):
        raise UnsupportedOp(f"node {step.name!r}, {step.op!r}, has no weights to share by; give it LRP-0 or LRP-eps")
    return step.op


def own_terms(step: Step) -> list[Term]:
    """The plain numerators a_i w_ij."""
    return [(step.xs, step.op.affine()[0] if isinstance(step.op, Weighted) else None)]


def signed_numerators(step: Step, plus: Array, minus: Array) -> tuple[list[Term], Array]:
    """Numerators a^+ w^(plus) + a^- w^(minus), and their sum: how products are picked by their sign."""
    terms: list[Term] = [((positive(step.x),), plus)]
    if (step.x < 0).any():
        terms.append(((negative(step.x),), minus))
    return terms, sum_of(step, terms)


def sum_of(step: Step, terms: list[Term]) -> Array:
    """sum_i a_i w_ij over all the terms, for every j."""
    sums = [weighted(step).linear(a[0], w) for a, w in terms if w is not None]
    return sum(sums[1:], sums[0])


def _chosen(R: Array, part: Quotient) -> Array:
    return R if part.chosen is None else np.where(part.chosen, R, zero(R))


def _transposed(step: Step, s: Array, w: Array | None) -> tuple[Array, ...]:
    if w is not None:
        return (weighted(step).transposed(s, w, step.x),)
    out = step.op.adjoint(s, *step.xs)
    return out if isinstance(out, tuple) else (out,)
