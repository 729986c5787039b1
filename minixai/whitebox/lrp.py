"""Section 5.1, layer-wise relevance propagation: the score shared out layer by layer, Eqs. (11)-(15).

The seed is S_c itself, and what a neuron hands on plus what it keeps is what it got: sum(relevance) + sum(absorbed)
== S_c. Bach, Binder, Montavon, Klauschen, Mueller, Samek (2015); Montavon et al. (2019).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minixai.network import Step
from minixai.ops import AVERAGES, MAXIMA, WEIGHTED, WIRES, Add, Array, ReLU
from minixai.ops.numbers import is_exact, mean, negative, number, positive, sign, zero
from minixai.walk import Rule, Table, walk
from minixai.whitebox.case import Case, Finding, at_picture, signals_of
from minixai.whitebox.gradient import adjoint
from minixai.whitebox.shares import Quotient, Shares, own_terms, signed_numerators, weighted


@dataclass(frozen=True)
class Zero(Shares):
    """LRP-0, Eq. (12): shares in proportion to a_i w_ij."""

    def quotients(self, step: Step) -> Iterator[Quotient]:
        yield Quotient(own_terms(step), self.z(step), kept=self.bias_of(step))  # a_i w_ij / sum_0,q a_q w_qj  (12)


@dataclass(frozen=True)
class Epsilon(Shares):
    """LRP-eps, Eq. (13): a little in every denominator absorbs weak evidence.

    ``stabilizer="signed"`` adds eps sign(z), as every library does; ``"literal"`` adds eps, as the survey prints it,
    and blows up at z = -eps. With ``relative`` eps is in units of the root mean square of z over the node.
    """

    eps: float = 1e-6
    stabilizer: str = "signed"
    relative: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eps < 0:
            raise ValueError(f"eps is {self.eps}; expected a number of at least 0")
        if self.stabilizer not in ("signed", "literal"):
            raise ValueError(f"stabilizer is {self.stabilizer!r}; expected 'signed' or 'literal'")

    def quotients(self, step: Step) -> Iterator[Quotient]:
        z = self.z(step)
        eps = number(self.eps, z) * (_rms(step.y) if self.relative else 1)
        stabilizer = eps * sign(z) if self.stabilizer == "signed" else eps
        yield Quotient(own_terms(step), z + stabilizer, kept=self.bias_of(step) + stabilizer)  # ... + eps   (13)


@dataclass(frozen=True)
class Gamma(Shares):
    """LRP-gamma, Eq. (14): what speaks for the neuron's sign counts 1 + gamma times, bias included.

    z_j > 0: numerators a^+ (w + gamma w^+) + a^- (w + gamma w^-); z_j < 0: the other way round; z_j = 0: absorbed.
    """

    gamma: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma < 0:
            raise ValueError(f"gamma is {self.gamma}; expected a number of at least 0")

    def quotients(self, step: Step) -> Iterator[Quotient]:
        w, b, z = _weights(step), self.bias_of(step), step.y
        gamma = number(self.gamma, z)
        up, down = w + gamma * positive(w), w + gamma * negative(w)
        for mine, plus, minus, part in ((z >= 0, up, down, positive), (z < 0, down, up, negative)):
            terms, numerators = signed_numerators(step, plus, minus)
            kept = b + gamma * part(b)
            d = np.where(z == 0, zero(z), numerators + kept)
            yield Quotient(terms, d, kept, chosen=mine)  # a (w + gamma w^+) / sum a_q (w + gamma w^+)  (14)


@dataclass(frozen=True)
class AlphaBeta(Shares):
    """LRP-alpha-beta, Eq. (15): alpha times the positive products' shares minus beta times the negative products'."""

    alpha: float = 2
    beta: float = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta < 0 or self.alpha != self.beta + 1:
            raise ValueError(f"alpha is {self.alpha}, beta is {self.beta}; expected alpha = beta + 1 and beta >= 0")

    def quotients(self, step: Step) -> Iterator[Quotient]:
        w, b = _weights(step), self.bias_of(step)
        both = ((self.alpha, positive, positive(w), negative(w)), (-self.beta, negative, negative(w), positive(w)))
        for coefficient, part, plus, minus in both:
            if coefficient:
                terms, numerators = signed_numerators(step, plus, minus)
                c = number(coefficient, step.y)
                yield Quotient(terms, numerators + part(b), part(b), c)  # alpha (aw)^+/.. - beta (aw)^-/..  (15)


def relevance_table(method: str, weighted: Rule, plain: Rule) -> Table:
    """The table of a relevance method: its rule for weights, LRP-0 (or eps) for averages and sums, wires."""
    return Table(
        method,
        {
            **dict.fromkeys(WEIGHTED, weighted),
            **dict.fromkeys((*AVERAGES, Add), plain),
            **dict.fromkeys((*MAXIMA, *WIRES), adjoint),  # the winner takes all
            ReLU: pass_through,
        },
    )


def pass_through(R: Array, step: Step) -> Array:
    """A ReLU hands its relevance on unchanged."""
    return R


def propagate(case: Case, table: Table) -> Finding:
    """Walk S_c back by this table and account for it: what arrived at the picture, what stayed where."""
    hops = tuple(walk(case.tape, case.one_hot(case.score), table))
    kept = [(hop, getattr(hop.rule, "absorbed", None)) for hop in hops]  # wires keep nothing, and do not say so
    absorbed = {hop.at.name: rule(hop.arriving, hop.at) for hop, rule in kept if rule}
    return Finding(at_picture(hops, case), "sum", signals_of(hops), case.score, absorbed)


def zero_table(bias: str = "include") -> Table:
    return relevance_table("lrp-0", Zero(bias), Zero(bias))


def lrp_0(case: Case, bias: str = "include") -> Finding:
    """LRP-0 everywhere, Eq. (12). On a ReLU network it equals gradient x input, biases or not."""
    return propagate(case.folded, zero_table(bias))


def epsilon_table(eps: float = 1e-6, stabilizer: str = "signed", bias: str = "include") -> Table:
    return relevance_table("lrp-epsilon", Epsilon(bias, eps, stabilizer), Epsilon(bias, eps, stabilizer))


def lrp_epsilon(case: Case, eps: float = 1e-6, stabilizer: str = "signed", bias: str = "include") -> Finding:
    """LRP-eps everywhere, Eq. (13), averages and sums included."""
    return propagate(case.folded, epsilon_table(eps, stabilizer, bias))


def gamma_table(gamma: float = 0.25, bias: str = "include") -> Table:
    return relevance_table("lrp-gamma", Gamma(bias, gamma), Zero(bias))


def lrp_gamma(case: Case, gamma: float = 0.25, bias: str = "include") -> Finding:
    """LRP-gamma on the layers with weights, Eq. (14)."""
    return propagate(case.folded, gamma_table(gamma, bias))


def alphabeta_table(alpha: float = 2, beta: float = 1, bias: str = "include") -> Table:
    return relevance_table("lrp-alphabeta", AlphaBeta(bias, alpha, beta), Zero(bias))


def lrp_alphabeta(case: Case, alpha: float = 2, beta: float = 1, bias: str = "include") -> Finding:
    """LRP-alpha-beta on the layers with weights, Eq. (15); Fig. 9 draws alpha 1, beta 0."""
    return propagate(case.folded, alphabeta_table(alpha, beta, bias))


def _weights(step: Step) -> Array:
    return weighted(step).affine()[0]


def _rms(z: Array) -> Array:
    """Root mean square over the node, per picture (in fractions rounded to a float64, then exact again)."""
    square = mean(z * z, axis=tuple(range(1, z.ndim)), keepdims=True)
    if not is_exact(z):
        return np.sqrt(square)
    return np.vectorize(lambda v: number(float(v) ** 0.5, z), otypes=[object])(square)


