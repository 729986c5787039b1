"""Rules of LRP and Deep Taylor with a mistake, or by another convention."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.network import Step
from minixai.ops import Array
from minixai.ops.base import per_channel
from minixai.ops.numbers import divide, negative, number, positive, sign
from minixai.whitebox.deep_taylor import ZBox
from minixai.whitebox.lrp import Gamma, Zero
from minixai.whitebox.shares import Quotient, Shares, Term, signed_numerators, sum_of, weighted


def _weights(step: Step) -> Array:
    w: Array = weighted(step).affine()[0]
    return w


@dataclass(frozen=True)
class Both(Shares):
    """alpha times the positive shares minus beta times the negative ones, with any alpha and beta.

    ``split``: by the sign of the product, or of the weight alone. ``whole``: the bias is in both denominators as it is.
    """

    alpha: Any = 2
    beta: Any = 1
    split: bool = True
    whole: bool = False

    def quotients(self, step: Step) -> Iterator[Quotient]:
        w, b = _weights(step), self.bias_of(step)
        both = ((self.alpha, positive, positive(w), negative(w)), (-self.beta, negative, negative(w), positive(w)))
        for coefficient, part, plus, minus in both:
            if coefficient:
                terms, numerators = self._numerators(step, plus, minus)
                yield Quotient(terms, numerators + (b if self.whole else part(b)), coefficient=number(coefficient, w))

    def _numerators(self, step: Step, plus: Array, minus: Array) -> tuple[list[Term], Array]:
        if self.split:
            return signed_numerators(step, plus, minus)
        terms: list[Term] = [(step.xs, plus)]
        return terms, sum_of(step, terms)


@dataclass(frozen=True)
class GammaOtherwise(Shares):
    """Numerators a^+ (w + gamma w^+) + a^- (w + gamma down(w)), bias b + gamma up(b), whatever the neuron's sign."""

    gamma: Any = 0
    down: Callable[[Array], Array] = negative
    up: Callable[[Array], Array] = positive

    def quotients(self, step: Step) -> Iterator[Quotient]:
        w, b = _weights(step), self.bias_of(step)
        plus, minus = w + self.gamma * positive(w), w + self.gamma * self.down(w)
        terms, numerators = signed_numerators(step, plus, minus)
        yield Quotient(terms, numerators + b + self.gamma * self.up(b))


@dataclass(frozen=True)
class GammaPlainBias(Gamma):
    """LRP-gamma with the bias as it is in the denominator."""

    def quotients(self, step: Step) -> Iterator[Quotient]:
        b = self.bias_of(step)
        for quotient in super().quotients(step):
            d = quotient.d - quotient.kept + b
            yield quotient._replace(d=np.where(quotient.d == 0, quotient.d, d))


@dataclass(frozen=True)
class Spread(Shares):
    """Numerators of one number per weight, whatever the picture holds (no bias); ``fixed``: padding has its share."""

    size: Callable[[Array], Array] = abs
    fixed: bool = False

    def quotients(self, step: Step) -> Iterator[Quotient]:
        w = self.size(_weights(step))
        terms: list[Term] = [((np.full_like(step.x, number(1, step.x)),), w)]
        d = sum_of(step, terms)
        if self.fixed:
            d = np.broadcast_to(per_channel(w.reshape(len(w), -1).sum(axis=1), d), d.shape)
        yield Quotient(terms, d)


@dataclass(frozen=True)
class BoxWithBias(ZBox):
    """z^B with the bias in the denominator."""

    def quotients(self, step: Step) -> Iterator[Quotient]:
        for quotient in super().quotients(step):
            yield quotient._replace(d=quotient.d + self.bias_of(step))


@dataclass(frozen=True)
class BoxTurned(ZBox):
    """z^B with the bounds at the wrong weights: numerators x w - low w^- - high w^+."""

    def quotients(self, step: Step) -> Iterator[Quotient]:
        for quotient in super().quotients(step):
            (x, w), (low, plus), (high, minus) = quotient.terms
            terms: list[Term] = [(x, w), (low, minus), (high, plus)]
            yield Quotient(terms, sum_of(step, terms))


def bias_shared(R: Array, step: Step, bias: str, eps: Any = 0) -> Array:
    """(a_i w_ij + (b_j + eps_j) / n_j) / d_j: the neuron's n_j inputs share its bias and stabilizer equally."""
    rule = Zero(bias)
    op, z = weighted(step), rule.z(step)
    w = _weights(step)
    kept = rule.bias_of(step) + eps * sign(z)
    one, ones = np.full_like(step.x, number(1, w)), np.full_like(w, number(1, w))
    s = divide(R, z + eps * sign(z))
    return step.x * op.transposed(s, w, step.x) + op.transposed(s * kept / op.linear(one, ones), ones, step.x)


def without_weights(alpha: Any, beta: Any) -> Any:
    """alpha times the positive inputs' shares minus beta times the negative ones', where there are no weights."""

    def rule(R: Array, step: Step) -> tuple[Array, ...]:
        handed = [0 * x for x in step.xs]
        for c, part in ((alpha, positive), (-beta, negative)):
            xs = [part(x) for x in step.xs]
            out = step.op.adjoint(divide(R, step.op.forward(*xs)), *step.xs)
            for k, share in enumerate(out if isinstance(out, tuple) else (out,)):
                handed[k] = handed[k] + c * xs[k] * share
        return tuple(handed)

    return rule
