"""Zennit's answers: gradients, integrated gradients, occlusion, and LRP by composites: z^+, z^B, w^2, too.

Zennit takes the stabilizer as a function of the denominator, so that every convention about zeros can be said: here
1 / 0 is 0, as the vectors have it, and the unsigned eps is there too. An addition is a module that sums a stack, as
Zennit wants it.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from minixai.conformance.peers import asked
from minixai.conformance.peers.asked import Asked, Inexpressible
from minixai.ops import Conv2d, Conv3d
from minixai.whitebox.deep_taylor import pixel_nodes
from minixai.zoo.to_torch import Add, BatchNorm, GlobalAvgPool


@contextmanager
def _torchvision() -> Iterator[None]:
    """Two empty classes in place of torchvision, which Zennit imports to know its ResNets by, and we have none of."""
    if find_spec("torchvision"):
        yield
        return
    names = ("torchvision", "torchvision.models", "torchvision.models.resnet")
    made = {name: ModuleType(name) for name in names}
    blocks = {name: type(name, (nn.Module,), {}) for name in ("Bottleneck", "BasicBlock")}
    vars(made["torchvision.models.resnet"]).update(blocks)
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


with _torchvision():
    from zennit import attribution, composites, core, rules
    from zennit.layer import Sum

Stabilizer = Callable[[Tensor], Tensor]
Named = tuple[list[str], Any]  # names of layers, and their rule
WEIGHTED = (nn.Conv2d, nn.Conv3d, nn.Linear, BatchNorm)
AVERAGES = (nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool2d, GlobalAvgPool, Sum)


class Stacked(nn.Module):
    """The sum of its inputs, by Zennit's module for sums."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = Sum()

    def forward(self, *xs: Tensor) -> Tensor:
        return self.sum(torch.stack(xs, dim=-1))


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Zennit's answer to a question."""
    return asked.answer(question, METHODS, "zennit")


def _slopes(q: Asked, composite: core.Composite | None = None) -> Tensor:
    return attribution.Gradient(q.module(), composite)(q.x, _one_hot(q))[1]


def _deconvnet(q: Asked) -> Tensor:
    return _slopes(q, composites.LayerMapComposite([(nn.ReLU, rules.ReLUDeconvNet())]))


def _guided(q: Asked) -> Tensor:
    return _slopes(q, composites.GuidedBackprop())


def _integrated(q: Asked) -> Tensor:
    if q.params["quadrature"] != "right":
        raise Inexpressible("zennit evaluates at the right ends of the steps only")
    path = attribution.IntegratedGradients(q.module(), baseline_fn=lambda x: q.reference, n_iter=q.params["n"])
    return path(q.x, _one_hot(q))[1]


def _smoothgrad(q: Asked) -> Tensor:
    raise Inexpressible("zennit draws its noise itself, and its last draw is always 0")


def _lrp_0(q: Asked) -> Tensor:
    return _lrp(q, rules.Epsilon(kept, _without(q)), kept)


def _lrp_epsilon(q: Asked) -> Tensor:
    eps = q.params["eps"]
    stabilizer = core.Stabilizer(eps) if q.params["stabilizer"] == "signed" else lambda z: kept(z + eps)
    return _lrp(q, rules.Epsilon(stabilizer, _without(q)), stabilizer)


def _lrp_gamma(q: Asked) -> Tensor:
    return _lrp(q, rules.Gamma(q.params["gamma"], kept, _without(q)), kept)


def _lrp_alphabeta(q: Asked) -> Tensor:
    return _lrp(q, rules.AlphaBeta(q.params["alpha"], q.params["beta"], kept, _without(q)), kept)


def _deep_taylor(q: Asked) -> Tensor:
    return _lrp(q, rules.ZPlus(kept, _without(q)), kept, [(_pixels(q), _pixel_rule(q))])


def _lrp_composite(q: Asked) -> Tensor:
    """gamma for the first half of the convolutions behind the pixels, eps in units of z's r.m.s. for the others."""
    if q.params["rules"] is not None:
        raise Inexpressible("the rules of a composite are known here by their defaults only")
    pixels = _pixels(q)
    inner = [n.name for n in q.network.nodes if isinstance(n.op, Conv2d | Conv3d) and n.name not in pixels]
    half = (len(inner) + 1) // 2
    gamma = rules.Gamma(0.25, kept, _without(q))
    epsilon = rules.Epsilon(core.Stabilizer(0.25, norm_scale=True), _without(q))
    named = [(pixels, _pixel_rule(q)), (inner[:half], gamma), (inner[half:], epsilon)]
    return _lrp(q, rules.Epsilon(kept, _without(q)), kept, named)


def _pixels(q: Asked) -> list[str]:
    """The layers with weights that the picture reaches first."""
    return pixel_nodes(q.network)


def _pixel_rule(q: Asked) -> core.Hook:
    low, high = q.params["low"], q.params["high"]
    if low is None:
        return rules.WSquare(kept, zero_params="bias")
    return rules.ZBox(*(torch.full_like(q.x[:1], bound) for bound in (low, high)), stabilizer=kept)


def kept(z: Tensor) -> Tensor:
    """Denominators, infinite where z is 0: nothing is handed on there."""
    return torch.where(z == 0, torch.inf, z)


def _without(q: Asked) -> str | None:
    return "bias" if q.params["bias"] == "ignore" else None


def _one_hot(q: Asked) -> Callable[[Tensor], Tensor]:
    return lambda y: nn.functional.one_hot(q.target, y.shape[1]).to(y)


def _lrp(q: Asked, weighted: core.Hook, stabilizer: Stabilizer, named: Sequence[Named] = ()) -> Tensor:
    """LRP from the score: rules for some layers by name, one for all others with weights, one for averages and sums."""
    module = q.folded()
    for name, layer in list(module.named_children()):
        if isinstance(layer, Add):
            setattr(module, name, Stacked())
    layers = [(nn.ReLU, rules.Pass()), (WEIGHTED, weighted), (AVERAGES, rules.Norm(stabilizer))]
    composite = composites.NameLayerMapComposite(named, layers)
    seed = _one_hot(q)
    return attribution.Gradient(module, composite)(q.x, lambda y: y * seed(y))[1]


def _occlusion(q: Asked) -> Tensor:
    """As it comes: the window is kept; what hides the rest is given."""
    if q.params["score"] == "probability":
        raise Inexpressible("zennit's occlusion sums the model's outputs, which are scores here")
    fill = attribution.occlude_independent
    windows = attribution.Occlusion(
        q.module(),
        occlusion_fn=lambda x, mask: fill(x, mask, fill_fn=lambda x: q.data["fill"].expand_as(x), invert=False),
        window=tuple(q.params["window"]),
        stride=tuple(q.params["stride"]),
    )
    seed = _one_hot(q)
    found = windows(q.x.detach(), lambda y: y * seed(y))[1]
    return found[:, 0] if found.ndim > 2 else found


METHODS: dict[str, asked.Method] = {
    "occlusion": _occlusion,
    "gradient": _slopes,
    "deconvnet": _deconvnet,
    "guided-backprop": _guided,
    "integrated-gradients": _integrated,
    "smoothgrad": _smoothgrad,
    "lrp-0": _lrp_0,
    "lrp-epsilon": _lrp_epsilon,
    "lrp-gamma": _lrp_gamma,
    "lrp-alphabeta": _lrp_alphabeta,
    "lrp-composite": _lrp_composite,
    "deep-taylor": _deep_taylor,
}
