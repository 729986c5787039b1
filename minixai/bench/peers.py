"""The other side: what PyTorch and Captum are asked to do, set so that it is what the engine does."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minixai.bench.machine import need
from minixai.bench.subjects import CLASS, black, kept_apart
from minixai.network import Network
from minixai.ops import Array
from minixai.whitebox.features import feature_layer

EPS, LITTLE = 1e-6, 1e-30  # LRP's; next to any denominator but 0 the second is nothing
SIGMA, SEED = 0.15, 0
SETTINGS = {  # the maps of the comparison, and under which settings Captum's are the engine's
    "gradient": "Saliency(abs=False)",
    "guided-backprop": "GuidedBackprop",
    "deconvnet": "Deconvolution",
    "grad-cam": "LayerGradCam(relu_attributions=True) at the same layer",
    "guided-grad-cam": "GuidedGradCam(interpolate_mode='bilinear') at the same layer",
    "deeplift-rescale": "DeepLift, black baseline; a module between each ReLU and the max-pool that it feeds",
    "lrp-epsilon": "LRP, EpsilonRule(1e-6) on layers with weights and averages; none of its default gamma",
}
PATHS = {
    "integrated-gradients": "IntegratedGradients(method='riemann_middle'), black baseline, all points in one batch",
    "smoothgrad": "NoiseTunnel(Saliency(abs=False)), the same noise, all copies in one batch; signed average",
}
LEFT_OUT = {  # what is not compared
    "deeplift-revealcancel, deep-taylor, cam, fem": "Captum has none of them",
    "lrp-0, lrp-gamma, lrp-alphabeta, lrp-composite": "other conventions (data/deviations/captum.toml has the reasons)",
    "e.signals": "Captum does not keep what arrived at every layer, so the engine is told not to (signals=False)",
}


def torch_forward(module: Any, x: Any) -> Callable[[], Any]:
    """The scores, without a graph."""
    import torch

    def call() -> Any:
        with torch.no_grad():
            return module(x)

    return call


def torch_gradient(module: Any, x: Any) -> Callable[[], Any]:
    """dS_c/dx, the bare autograd call."""
    import torch

    def call() -> Any:
        leaf = x.clone().requires_grad_()
        return torch.autograd.grad(module(leaf)[:, CLASS].sum(), leaf)[0]

    return call


def torch_pair(net: Network, x: Array) -> tuple[Any, Any]:
    """The network as a module whose parameters are frozen, and x as a tensor."""
    import torch

    return net.to_torch().requires_grad_(False), torch.tensor(x)


class Captum:
    """Captum's explanations of one network, by the engine's names: ``captum[name]()`` is an array."""

    def __init__(self, net: Network, x: Array, n: int = 20) -> None:
        need("torch", "captum")
        self.module, self.x = torch_pair(net, x)
        self.reference = torch_pair(net, black(net, x))[1]
        self.apart = tied(kept_apart(net), self.module)
        self.layer = self.module.get_submodule(feature_layer(net))
        self.n, self.deviation = n, SIGMA * float(x.max() - x.min())
        warnings.filterwarnings("ignore", "Setting (forward, )?backward hooks")
        warnings.filterwarnings("ignore", "Input Tensor 0 did not already require gradients")

    def __getitem__(self, name: str) -> Callable[[], Array]:
        made: Mapping[str, Callable[[], Any]] = {
            "gradient": self.gradient, "guided-backprop": self.guided, "deconvnet": self.deconvnet,
            "grad-cam": self.grad_cam, "guided-grad-cam": self.guided_grad_cam, "deeplift-rescale": self.deeplift,
            "lrp-epsilon": self.lrp, "integrated-gradients": self.integrated, "smoothgrad": self.smoothgrad,
        }  # fmt: skip
        return lambda: made[name]().detach().numpy()

    def gradient(self) -> Any:
        from captum import attr

        return attr.Saliency(self.module).attribute(self.x, CLASS, abs=False)

    def guided(self) -> Any:
        from captum import attr

        return attr.GuidedBackprop(self.module).attribute(self.x, CLASS)

    def deconvnet(self) -> Any:
        from captum import attr

        return attr.Deconvolution(self.module).attribute(self.x, CLASS)

    def grad_cam(self) -> Any:
        from captum import attr

        return attr.LayerGradCam(self.module, self.layer).attribute(self.x, CLASS, relu_attributions=True)[:, 0]

    def guided_grad_cam(self) -> Any:
        from captum import attr

        return attr.GuidedGradCam(self.module, self.layer).attribute(self.x, CLASS, interpolate_mode="bilinear")

    def deeplift(self, apart: bool = True) -> Any:
        from captum import attr

        return attr.DeepLift(self.apart if apart else self.module).attribute(self.x, self.reference, CLASS)

    def lrp(self) -> Any:
        from captum import attr
        from captum.attr._utils.lrp_rules import EpsilonRule
        from torch import nn

        shares = (nn.Conv2d, nn.Linear, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
        for layer in self.module.modules():
            if not isinstance(layer, nn.ReLU) and not list(layer.children()):
                layer.rule = EpsilonRule(EPS if isinstance(layer, shares) else LITTLE)
        return attr.LRP(self.module).attribute(self.x, CLASS)

    def integrated(self) -> Any:
        from captum import attr

        return attr.IntegratedGradients(self.module).attribute(
            self.x, self.reference, CLASS, n_steps=self.n, method="riemann_middle"
        )

    def smoothgrad(self) -> Any:
        import torch
        from captum import attr

        torch.manual_seed(SEED)
        return attr.NoiseTunnel(attr.Saliency(self.module)).attribute(
            self.x, nt_type="smoothgrad", nt_samples=self.n, stdevs=self.deviation, target=CLASS, abs=False
        )

    def noise(self) -> Array:
        """The draws that ``smoothgrad`` makes, in units of its deviation: (n, C, H, W)."""
        import torch

        torch.manual_seed(SEED)
        drawn = torch.normal(0, torch.tensor(self.deviation).repeat(self.n, *self.x.shape[1:]))
        return (drawn.double() / self.deviation).numpy().astype(self.x.numpy().dtype)


def tied(net: Network, module: Any) -> Any:
    """The network as a module with another one's parameters: one copy of the weights for both."""
    made = net.to_torch().requires_grad_(False)
    for name, values in module.named_parameters():
        path, _, own = name.rpartition(".")
        setattr(made.get_submodule(path), own, values)
    return made


def ours(n: int = 20, noise: Array | None = None) -> dict[str, dict[str, Any]]:
    """The engine's parameters for the same maps."""
    paths: dict[str, dict[str, Any]] = {"integrated-gradients": {"n": n}}
    if noise is not None:
        paths["smoothgrad"] = {"noise": noise, "sigma": SIGMA, "average": "signed"}
    return {**{name: {"eps": EPS} if name == "lrp-epsilon" else {} for name in SETTINGS}, **paths}


def apart(a: Array, b: Array) -> float:
    """The largest difference, of the largest value."""
    return float(np.abs(a - b).max() / (np.abs(a).max() or 1.0))
