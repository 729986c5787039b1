"""Captum's answers: gradients and the rectified ones, integrated gradients, Grad-CAM, DeepLIFT, LRP, occlusion, LIME.

LRP there is a rule object per module. A rule divides by what the module puts out plus STABILITY_FACTOR with its sign;
here that is eps where the method has one, and otherwise so little that only a denominator of 0 feels it. A rule with
``set_bias_to_zero`` and gamma 0 is LRP-0 or LRP-eps without biases.

LIME there is given the masks, their weights, how a mask hides, and a model to fit; it asks for the scores and hands all
to the model, as float32.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from captum import attr
from captum._utils.models.model import Model
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule, PropagationRule
from torch import Tensor, nn

from minixai.conformance.peers import asked
from minixai.conformance.peers.asked import Asked, Inexpressible
from minixai.zoo.to_torch import Add, BatchNorm, GlobalAvgPool

LITTLE = 1e-30  # next to any denominator but 0 it is nothing
Rule = Callable[[], PropagationRule]
WEIGHTED = (nn.Conv2d, nn.Conv3d, nn.Linear, BatchNorm)
AVERAGES = (nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool2d, GlobalAvgPool, Add)
QUADRATURES = {
    "left": "riemann_left", "right": "riemann_right", "midpoint": "riemann_middle", "trapezoid": "riemann_trapezoid",
}  # fmt: skip
SMOOTH = {4: "bilinear", 5: "trilinear"}  # by the axes of a batch


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Captum's answer to a question."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting (forward, )?backward hooks")
        return asked.answer(question, METHODS, "captum")


def _gradient(q: Asked) -> Tensor:
    return attr.Saliency(q.module()).attribute(q.x, q.target, abs=False)


def _deconvnet(q: Asked) -> Tensor:
    return attr.Deconvolution(q.module()).attribute(q.x, q.target)


def _guided(q: Asked) -> Tensor:
    return attr.GuidedBackprop(q.module()).attribute(q.x, q.target)


def _integrated(q: Asked) -> Tensor:
    how = {"n_steps": q.params["n"], "method": QUADRATURES[q.params["quadrature"]]}
    return attr.IntegratedGradients(q.module()).attribute(q.x, q.reference, q.target, **how)


def _grad_cam(q: Asked) -> Tensor:
    module = q.module()
    cam = attr.LayerGradCam(module, module.get_submodule(q.params["layer"]))
    return cam.attribute(q.x, q.target, relu_attributions=q.params["relu"])[:, 0]


def _guided_grad_cam(q: Asked) -> Tensor:
    module = q.module()
    cam = attr.GuidedGradCam(module, module.get_submodule(q.params["layer"]))
    return cam.attribute(q.x, q.target, interpolate_mode=SMOOTH[q.x.ndim])


def _deeplift(q: Asked) -> Tensor:
    return attr.DeepLift(q.module()).attribute(q.x, q.reference, q.target)


def _lrp_0(q: Asked) -> Tensor:
    return _lrp(q, _linear(q.params["bias"]), LITTLE)


def _lrp_epsilon(q: Asked) -> Tensor:
    if q.params["stabilizer"] == "literal":
        raise Inexpressible("captum's eps has the sign of what it is added to, always")
    return _lrp(q, _linear(q.params["bias"]), q.params["eps"])


def _lrp_gamma(q: Asked) -> Tensor:
    return _lrp(q, partial(GammaRule, q.params["gamma"], q.params["bias"] == "ignore"), LITTLE)


def _lrp_alphabeta(q: Asked) -> Tensor:
    if q.params["alpha"] != 1:
        raise Inexpressible("captum has alpha 1 and beta 0 only")
    if any(isinstance(layer, BatchNorm) for layer in q.folded().children()):
        raise Inexpressible("captum says that its alpha-beta rule does not work for batch norms")
    return _lrp(q, partial(Alpha1_Beta0_Rule, q.params["bias"] == "ignore"), LITTLE)


def _linear(bias: str) -> Rule:
    """Shares in proportion to a w: LRP-0, and LRP-eps with eps as the stability factor."""
    return EpsilonRule if bias == "include" else partial(GammaRule, 0, set_bias_to_zero=True)


def _lrp(q: Asked, weighted: Rule, eps: float) -> Tensor:
    """LRP with this rule for layers with weights and LRP-eps for averages and sums; wires and maxima hand on all."""
    module = q.folded()
    for layer in module.children():
        if isinstance(layer, WEIGHTED):
            layer.rule = weighted()
            layer.rule.STABILITY_FACTOR = eps
        elif not isinstance(layer, nn.ReLU):
            layer.rule = EpsilonRule(eps if isinstance(layer, AVERAGES) else LITTLE)
    return attr.LRP(module).attribute(q.x, q.target)


def _occlusion(q: Asked) -> Tensor:
    window, stride, channels = q.params["window"], q.params["stride"], q.x.shape[1:2] if q.x.ndim > 2 else ()
    if any(s > w for s, w in zip(stride, window, strict=True)):
        raise Inexpressible("captum wants strides that leave no pixel out")
    drop = attr.Occlusion(q.score).attribute(
        q.x.detach(), (*channels, *window), (*channels, *stride), baselines=q.data["fill"][None]
    )
    return drop[:, 0] if channels else drop


class Ridge(Model):
    """scikit-learn's ridge regression in float64: captum's own model hands over float32."""

    def __init__(self, alpha: float) -> None:
        from sklearn import linear_model

        self.fitted = linear_model.Ridge(alpha)

    def fit(self, train_data: Any, **kwargs: Any) -> dict[str, float]:
        ((masks, scores, weights),) = train_data
        self.data = [one.double().numpy() for one in (masks, scores.flatten(), weights.flatten())]
        self.fitted.fit(*self.data)
        return {}

    def representation(self) -> Tensor:
        return torch.tensor(self.fitted.coef_)

    def __call__(self, x: Any) -> Tensor:
        return torch.tensor(self.fitted.predict(x))


def _lime(q: Asked) -> asked.Surrogate:
    return asked.together([_lime_of_one(q[i]) for i in range(len(q.x))])


def _lime_of_one(q: Asked) -> asked.Surrogate:
    if "weights" not in q.data:
        raise Inexpressible("the kernel would be the adapter's, not captum's")
    masks, weights, model = q.data["masks"], iter(q.data["weights"]), Ridge(q.params["alpha"])

    def draw(*_: Any, **__: Any) -> Iterator[Tensor]:
        yield from masks[:, None]

    lime = attr.LimeBase(
        q.score, model, lambda *_, **__: next(weights), draw, True, lambda mask, *_, **__: q.masked(mask[0]), None
    )
    coefficients = lime.attribute(q.x.detach(), n_samples=len(masks))
    r2 = model.fitted.score(*model.data)
    return asked.surrogate(q, coefficients, model.fitted.intercept_, r2)


METHODS: dict[str, asked.Method] = {
    "occlusion": _occlusion,
    "lime": _lime,
    "gradient": _gradient,
    "deconvnet": _deconvnet,
    "guided-backprop": _guided,
    "integrated-gradients": _integrated,
    "grad-cam": _grad_cam,
    "guided-grad-cam": _guided_grad_cam,
    "lrp-0": _lrp_0,
    "lrp-epsilon": _lrp_epsilon,
    "lrp-gamma": _lrp_gamma,
    "lrp-alphabeta": _lrp_alphabeta,
    "deeplift-rescale": _deeplift,
}
