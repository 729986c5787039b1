"""Sections 5.1 and 5.1.1: LRP and Deep Taylor as gradient x input of a network whose layers have other slopes.

Write a neuron's relevance as R_j = y_j c_j. The rule R_i = a_i sum_j w_ij R_j / d_j then says how c travels,

    c_i = sum_j w_ij (y_j / d_j) c_j,

which is the gradient of a layer with the value y_j and the slope of (y_j / d_j) sum_i a_i w_ij, the quotient held
fixed. ReLUs and max-pools need nothing: their own gradients are right, since y_j = a_i where it matters. So the walk
is autograd's, and the relevance of a layer is what it computed times what arrived. At the pixels, z^B and w^2 share by
more than x: the box's edges and ones are leaves of their own.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from minixai.pytorch.calls import LINEAR, MEANS, PICTURE, Call, per_channel
from minixai.pytorch.gradient import named
from minixai.pytorch.graph import Graph, facts_of
from minixai.pytorch.straight import carry, quotient
from minixai.pytorch.subject import Found, Subject, slopes
from minixai.result import UnsupportedOp


class Layer(NamedTuple):
    """A linear layer at work: the call (batch norm folded in), its input a, what it computed, its bias term."""

    call: Call
    a: Tensor
    y: Tensor  # with the layer's own slope
    b: Tensor


class Leaves(NamedTuple):
    """What the relevance at the picture is read off: x, and for the pixel rules the box and ones."""

    x: Tensor
    low: Tensor
    high: Tensor
    ones: Tensor


@dataclass(frozen=True)
class Rule(ABC):
    """A rule gives the tensor whose slope carries c; ``bias="ignore"`` drops the bias from every denominator."""

    bias: str = "include"

    def __post_init__(self) -> None:
        if self.bias not in ("include", "ignore"):
            raise ValueError(f"bias is {self.bias!r}; expected 'include' or 'ignore'")

    @abstractmethod
    def slope(self, layer: Layer, leaves: Leaves) -> Tensor: ...


@dataclass(frozen=True)
class Zero(Rule):
    """LRP-0, Eq. (12): d_j = y_j."""

    def slope(self, layer: Layer, leaves: Leaves) -> Tensor:
        y = layer.y.detach()
        return quotient(y, y - layer.b if self.bias == "ignore" else y) * layer.y


@dataclass(frozen=True)
class Epsilon(Rule):
    """LRP-eps, Eq. (13): d_j = y_j + eps sign(y_j), or + eps; ``relative``: eps in units of y's root mean square."""

    eps: float = 1e-6
    stabilizer: str = "signed"
    relative: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eps < 0:
            raise ValueError(f"eps is {self.eps}; expected a number of at least 0")
        if self.stabilizer not in ("signed", "literal"):
            raise ValueError(f"stabilizer is {self.stabilizer!r}; expected 'signed' or 'literal'")

    def slope(self, layer: Layer, leaves: Leaves) -> Tensor:
        y = layer.y.detach()
        z = y - layer.b if self.bias == "ignore" else y
        eps: Any = self.eps * (_rms(y) if self.relative else 1)
        return quotient(y, z + (torch.where(z < 0, -eps, eps) if self.stabilizer == "signed" else eps)) * layer.y


@dataclass(frozen=True)
class Gamma(Rule):
    """LRP-gamma, Eq. (14): products that speak for the sign of y_j count 1 + gamma times, and so does such a bias."""

    gamma: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma < 0:
            raise ValueError(f"gamma is {self.gamma}; expected a number of at least 0")

    def slope(self, layer: Layer, leaves: Leaves) -> Tensor:
        w, y, b = layer.call.weights()[0], layer.y.detach(), _kept_bias(self, layer)
        favoured, others = w + self.gamma * w.clamp(min=0), w + self.gamma * w.clamp(max=0)
        for_positive = _by_sign(layer, favoured, others)
        for_negative = _by_sign(layer, others, favoured)
        up = quotient(y.clamp(min=0), for_positive.detach() + b + self.gamma * b.clamp(min=0))
        down = quotient(y.clamp(max=0), for_negative.detach() + b + self.gamma * b.clamp(max=0))
        return up * for_positive + down * for_negative


@dataclass(frozen=True)
class AlphaBeta(Rule):
    """LRP-alpha-beta, Eq. (15): alpha shares by the positive products, -beta by the negative ones."""

    alpha: float = 2
    beta: float = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta < 0 or self.alpha != self.beta + 1:
            raise ValueError(f"alpha is {self.alpha}, beta is {self.beta}; expected alpha = beta + 1 and beta >= 0")

    def slope(self, layer: Layer, leaves: Leaves) -> Tensor:
        w, y, b = layer.call.weights()[0], layer.y.detach(), _kept_bias(self, layer)
        plus = _by_sign(layer, w.clamp(min=0), w.clamp(max=0))
        out = self.alpha * quotient(y, plus.detach() + b.clamp(min=0)) * plus
        if self.beta:
            minus = _by_sign(layer, w.clamp(max=0), w.clamp(min=0))
            out = out - self.beta * quotient(y, minus.detach() + b.clamp(max=0)) * minus
        return out


@dataclass(frozen=True)
class ZBox(Rule):
    """z^B: numerators x w - low w^+ - high w^-, each with its own leaf."""

    def slope(self, layer: Layer, leaves: Leaves) -> Tensor:
        w, lin = layer.call.weights()[0], layer.call.linear
        x, low, high = (leaf.reshape(layer.a.shape) for leaf in (leaves.x, leaves.low, leaves.high))
        z = lin(x, w) - lin(low, w.clamp(min=0)) - lin(high, w.clamp(max=0))
        return quotient(layer.y.detach(), z.detach()) * z


@dataclass(frozen=True)
class WSquare(Rule):
    """w^2: every pixel counts as 1."""

    def slope(self, layer: Layer, leaves: Leaves) -> Tensor:
        z = layer.call.linear(leaves.ones.reshape(layer.a.shape), layer.call.weights()[0].square())
        return quotient(layer.y.detach(), z.detach()) * z


def lrp_0(subject: Subject, bias: str = "include") -> Found:
    """Eq. (12) everywhere."""
    return propagated(subject, {}, Zero(bias), Zero(bias))


def lrp_epsilon(subject: Subject, eps: float = 1e-6, stabilizer: str = "signed", bias: str = "include") -> Found:
    """Eq. (13) everywhere, averages and sums included."""
    return propagated(subject, {}, Epsilon(bias, eps, stabilizer), Epsilon(bias, eps, stabilizer))


def lrp_gamma(subject: Subject, gamma: float = 0.25, bias: str = "include") -> Found:
    """Eq. (14) on the layers with weights."""
    return propagated(subject, {}, Gamma(bias, gamma), Zero(bias))


def lrp_alphabeta(subject: Subject, alpha: float = 2, beta: float = 1, bias: str = "include") -> Found:
    """Eq. (15) on the layers with weights."""
    return propagated(subject, {}, AlphaBeta(bias, alpha, beta), Zero(bias))


def lrp_composite(
    subject: Subject,
    rules: Mapping[str | type[nn.Module], Rule] | None = None,
    bias: str = "include",
    low: Any = None,
    high: Any = None,
) -> Found:
    """z^B (w^2) at the pixels, gamma in the first half of the convolutions, eps in the rest, LRP-0 in linear layers."""
    if not isinstance(rules, Mapping | None):
        raise ValueError(f"rules is {rules!r}; expected {{layer name or module type: rule}}")
    graph, (pixel, box, said) = subject.graph, _pixel_rule(subject, low, high)
    others = [c.index for c in graph.calls if c.kind == "conv" and c.index not in graph.pixel_layers]
    half = (len(others) + 1) // 2
    table: dict[int, Rule] = dict.fromkeys(others[:half], Gamma(bias, 0.25))
    table |= dict.fromkeys(others[half:], Epsilon(bias, 0.25, relative=True))
    table |= dict.fromkeys(graph.pixel_layers, pixel) | _overridden(subject, rules or {})
    return propagated(subject, table, Zero(bias), Zero(bias), box, said)


def deep_taylor(subject: Subject, low: Any = None, high: Any = None, bias: str = "include") -> Found:
    """z^+ down to the pixels, z^B or w^2 there, Eqs. (16)-(18)."""
    pixel, box, said = _pixel_rule(subject, low, high)
    table = dict.fromkeys(subject.graph.pixel_layers, pixel)
    return propagated(subject, table, AlphaBeta(bias, 1, 0), Zero(bias), box, said, positive=True)


def propagated(
    subject: Subject,
    table: Mapping[int, Rule],
    weighted: Rule,
    plain: Rule,
    box: tuple[Tensor, Tensor] | None = None,
    said: Mapping[str, str] | None = None,
    positive: bool = False,
) -> Found:
    """Run with the rules' slopes, and read the relevance off the leaves: each times what arrived there.

    ``table`` {call: rule} goes before ``weighted`` (layers with weights) and ``plain`` (averages and sums).
    """
    graph = subject.graph
    _check(graph, table)
    low, high = box or (torch.zeros_like(subject.x), torch.zeros_like(subject.x))
    leaves = Leaves(*(t.clone().requires_grad_() for t in (subject.x, low, high, torch.ones_like(subject.x))))
    folded = set(graph.norms.values())
    before: dict[int, Call] = {}  # layers that wait for the batch norm they are folded with

    def answer(call: Call) -> Tensor | None:
        if call.index in folded:
            before[call.index] = call
            return call.compute().detach()
        if call.kind in LINEAR:
            rule = table.get(call.index, table.get(graph.norms.get(call.index, PICTURE), weighted))
        elif call.kind in MEANS:
            rule = table.get(call.index, plain)
        else:
            return None
        layer = _layer(call, before.get(graph.norms.get(call.index, PICTURE)))
        return carry(layer.y, rule.slope(layer, leaves))

    seen = subject.run(leaves.x, answer, subject.signalled)
    score = subject.score(seen.scores)
    if positive and (score < 0).any():
        raise ValueError(
            f"deep-taylor explains scores of at least 0 (Eq. 17), and S_c is {score.min():.4g}; "
            "choose another target, or lrp-epsilon, which takes any score"
        )
    arriving = slopes(score.sum(), [*leaves, *seen.kept.values()])
    R = sum((leaf.detach() * c for leaf, c in zip(leaves, arriving[: len(leaves)], strict=True)), torch.zeros_like(low))
    shares = zip(seen.kept.items(), arriving[len(leaves) :], strict=True)
    relevances = {i: y.detach() * c for (i, y), c in shares}
    relevances |= {above: relevances[norm] for norm, above in graph.norms.items() if norm in relevances}
    return Found(R, "sum", seen.scores.detach(), named(subject, R, relevances), score.detach(), said or {})


def _layer(call: Call, before: Call | None) -> Layer:
    """The call as a linear layer, together with the one whose batch norm it is."""
    if call.kind not in LINEAR:
        y = call.compute()
        return Layer(call, call.x, y, torch.zeros((1,) * y.ndim, dtype=y.dtype, device=y.device))
    if before is None:
        y, whole = call.compute(), call
    else:
        whole = before.folded(call)
        y = carry(call.compute(), whole.compute())
    b = whole.weights()[1]
    bias = torch.zeros(1, dtype=y.dtype, device=y.device) if b is None else b.detach()
    return Layer(whole, whole.x, y, per_channel(bias, y))


def _rms(y: Tensor) -> Tensor:
    """Root mean square over the layer, per picture."""
    return y.square().mean(dim=tuple(range(1, y.ndim)), keepdim=True).sqrt()


def _kept_bias(rule: Rule, layer: Layer) -> Tensor:
    return layer.b if rule.bias == "include" else torch.zeros_like(layer.b)


def _by_sign(layer: Layer, plus: Tensor, minus: Tensor) -> Tensor:
    """sum_i a_i^+ plus_ij + a_i^- minus_ij: products picked by their sign."""
    lin = layer.call.linear
    up = lin(layer.a.clamp(min=0), plus.detach())
    return up + lin(layer.a.clamp(max=0), minus.detach()) if (layer.a < 0).any() else up


def _pixel_rule(subject: Subject, low: Any, high: Any) -> tuple[Rule, tuple[Tensor, Tensor] | None, dict[str, str]]:
    """z^B with the box given or the module's own; w^2 where neither is known, and what to say about it."""
    if (low is None) != (high is None):
        raise ValueError(f"got low={low!r}, high={high!r}; give both, or neither")
    own = facts_of(subject.module).get("box")
    if low is None and own is None:
        return WSquare(), None, {"pixels": "w^2 (this module does not say in which box its pictures lie)"}
    said = {"pixels": "z^B in the module's box"} if low is None else {}
    lowest, highest = (_bound(subject.x, bound) for bound in ((low, high) if own is None or low is not None else own))
    if (lowest > highest).any():
        raise ValueError(f"low is {low}, high is {high}; expected bounds with low <= high")
    return ZBox(), (lowest, highest), said


def _bound(x: Tensor, bound: Any) -> Tensor:
    """A bound (a number, one per channel, or a whole picture) in the shape of x."""
    values = torch.as_tensor(bound, dtype=x.dtype, device=x.device)
    if values.ndim == 1 and x.ndim > 2 and len(values) == x.shape[1]:
        values = values.reshape(-1, *(1,) * (x.ndim - 2))
    try:
        return values.expand_as(x)
    except RuntimeError:
        raise ValueError(f"a bound has shape {tuple(values.shape)}; expected a number, or one per channel") from None


def _overridden(subject: Subject, rules: Mapping[str | type[nn.Module], Rule]) -> dict[int, Rule]:
    """{call: rule} from {name or module type: rule}; names win."""
    modules, graph = dict(subject.module.named_modules()), subject.graph
    by_type = {k: rule for k, rule in rules.items() if not isinstance(k, str)}
    found = {i: by_type[t] for i, n in enumerate(graph.names) if (t := type(modules.get(n.split("#")[0]))) in by_type}
    return found | {graph.index(k): rule for k, rule in rules.items() if isinstance(k, str)}


def _check(graph: Graph, table: Mapping[int, Rule]) -> None:
    for call in graph.calls:
        if call.kind == "softmax":
            raise UnsupportedOp(f"the softmax at {graph.names[call.index]} has no rule; only a final one is left out")
        if isinstance(table.get(call.index), ZBox | WSquare) and not _reads_pixels(graph, call):
            raise UnsupportedOp(
                f"{graph.names[call.index]} reads the picture through more than a new shape, so the pixel rule has no "
                "box there; name another rule for it in rules= of lrp-composite"
            )


def _reads_pixels(graph: Graph, call: Call) -> bool:
    index = call.parents[0]
    while index != PICTURE and graph.calls[index].kind == "wire":
        index = graph.calls[index].parents[0]
    return index == PICTURE
