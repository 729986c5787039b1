"""Section 5.1.1, deep Taylor decomposition: LRP seen as a Taylor expansion at a root point per neuron, Eqs. (16)-(18).

z^+ in the hidden layers; at the pixels z^B, whose root lies in the box of possible pictures, or w^2. Montavon,
Lapuschkin, Binder, Samek, Mueller (2017).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minixai.network import Network, Step
from minixai.ops import Array, Weighted
from minixai.ops.numbers import in_arithmetic_of, negative, number, positive
from minixai.walk import Rule, Table
from minixai.whitebox.case import Case, Finding
from minixai.whitebox.lrp import AlphaBeta, Zero, propagate, relevance_table
from minixai.whitebox.shares import Quotient, Shares, Term, sum_of, weighted


@dataclass(frozen=True)
class ZBox(Shares):
    """z^B: numerators x w - low w^+ - high w^-, never a bias. ``low`` and ``high`` bound the possible pictures."""

    low: Any = 0
    high: Any = 1

    def quotients(self, step: Step) -> Iterator[Quotient]:
        w = weighted(step).affine()[0]
        low, high = (self._carried(step.parents[0], bound) for bound in (self.low, self.high))
        if (low > high).any():
            raise ValueError(f"low is {self.low}, high is {self.high}; expected bounds with low <= high")
        terms: list[Term] = [(step.xs, w), ((-low,), positive(w)), ((-high,), negative(w))]
        yield Quotient(terms, sum_of(step, terms))

    def _carried(self, step: Step, bound: Any) -> Array:
        """The bound as this node sees it, carried through whatever reshapes or pools the picture first."""
        if not step.parents:
            return bounds_like(step.y, bound)
        xs = [self._carried(parent, bound) for parent in step.parents]
        choice = step.op.choose(*xs)
        return step.op.forward(*xs) if choice is None else step.op.forward(*xs, choice)


@dataclass(frozen=True)
class WSquare(Shares):
    """w^2: numerators w_ij^2, whatever the picture holds; padding has no share, the bias none either."""

    def quotients(self, step: Step) -> Iterator[Quotient]:
        w = weighted(step).affine()[0]
        everywhere: list[Term] = [((np.full_like(step.x, number(1, step.x)),), w * w)]
        yield Quotient(everywhere, sum_of(step, everywhere))


def deep_taylor(case: Case, low: Any = None, high: Any = None, bias: str = "include") -> Finding:
    """z^+ (alpha 1, beta 0) down to the pixels, z^B there, or w^2 where no box is known.

    ``low``, ``high``: the smallest and largest possible input (a number, or one per channel); default ``network.box``.
    Raises ValueError where S_c < 0, because Eq. (17) needs a relevance that is not negative.
    """
    if (case.score < 0).any():
        raise ValueError(
            f"deep-taylor explains scores of at least 0 (Eq. 17), and S_c is {float(case.score.min()):.4g}; "
            "choose another target, or lrp-epsilon, which takes any score"
        )
    case = case.folded
    return replace(
        propagate(case, deep_taylor_table(case.network, low, high, bias)), said=pixel_rule(case.network, low, high)[1]
    )


def deep_taylor_table(network: Network, low: Any = None, high: Any = None, bias: str = "include") -> Table:
    table = relevance_table("deep-taylor", AlphaBeta(bias, 1, 0), Zero(bias))
    return table | dict.fromkeys(pixel_nodes(network), pixel_rule(network, low, high)[0])


def pixel_nodes(network: Network) -> list[str]:
    """The layers with weights that see the picture with no other such layer in between."""
    behind: set[str] = set()  # nodes with a weighted layer at or before them
    first = []
    for node in network.nodes:
        seen = any(name in behind for name in node.inputs)
        if isinstance(node.op, Weighted) and not seen:
            first.append(node.name)
        if seen or isinstance(node.op, Weighted):
            behind.add(node.name)
    return first


def pixel_rule(network: Network, low: Any, high: Any) -> tuple[Rule, dict[str, str]]:
    """z^B with the box given or the network's own; w^2 where neither is known, and what to say about it."""
    if (low is None) != (high is None):
        raise ValueError(f"got low={low!r}, high={high!r}; give both, or neither")
    if low is not None:
        return ZBox(low=low, high=high), {}
    if network.box is not None:
        return ZBox(low=network.box[0], high=network.box[1]), {"pixels": "z^B in the network's box"}
    return WSquare(), {"pixels": "w^2 (this network does not say in which box its pictures lie)"}


def bounds_like(x: Array, bound: Any) -> Array:
    """A bound (a number, one per channel, or a whole picture) as an array of the shape of x (N, C, ...)."""
    values = in_arithmetic_of(x, bound, "a bound (low, high)")
    if values.ndim == 1 and x.ndim > 2 and len(values) == x.shape[1]:
        values = values.reshape(-1, *(1,) * (x.ndim - 2))
    try:
        return np.array(np.broadcast_to(values, x.shape))
    except ValueError:
        raise ValueError(f"a bound has shape {values.shape}; expected a number, or one per channel") from None
