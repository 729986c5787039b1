"""The front door of the mirror: ``explain`` for any ``nn.Module``."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from inspect import signature
from math import isfinite
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from minixai.pytorch.deeplift import deeplift_rescale, deeplift_revealcancel
from minixai.pytorch.gradient import deconvnet, gradient, guided_backprop
from minixai.pytorch.graph import check, facts_of
from minixai.pytorch.lrp import deep_taylor, lrp_0, lrp_alphabeta, lrp_composite, lrp_epsilon, lrp_gamma
from minixai.pytorch.maps import cam, fem, grad_cam, guided_grad_cam, map_of
from minixai.pytorch.paths import integrated_gradients, smoothgrad
from minixai.pytorch.subject import Found, Subject, Watch
from minixai.result import Explanation

METHODS: dict[str, Callable[..., Found]] = {
    "gradient": gradient,
    "deconvnet": deconvnet,
    "guided-backprop": guided_backprop,
    "integrated-gradients": integrated_gradients,
    "smoothgrad": smoothgrad,
    "cam": cam,
    "grad-cam": grad_cam,
    "guided-grad-cam": guided_grad_cam,
    "lrp-0": lrp_0,
    "lrp-epsilon": lrp_epsilon,
    "lrp-gamma": lrp_gamma,
    "lrp-alphabeta": lrp_alphabeta,
    "lrp-composite": lrp_composite,
    "deep-taylor": deep_taylor,
    "deeplift-rescale": deeplift_rescale,
    "deeplift-revealcancel": deeplift_revealcancel,
    "fem": fem,
}
ELSEWHERE = dict.fromkeys(
    ("occlusion", "lime", "meaningful-perturbation"),
    "it only asks for scores and has no mirror: minixai.explain takes modules, too",
) | {"two-generators": "it has no mirror: minixai.explain takes torch generators, for minixai.from_torch(module, x)"}
ON_OTHER_PICTURES = ("integrated-gradients", "smoothgrad")  # the class is that of the clean picture
AUTOCAST = ("gradient", "deconvnet", "guided-backprop", "integrated-gradients", "smoothgrad", "grad-cam")
AXES = {5: 4, 4: 3, 2: 1}  # axes of the weights of the first layer: axes of one picture


def explain(
    module: nn.Module,
    x: Tensor,
    method: str | None = None,
    /,
    target: Any = None,
    *,
    signals: bool = False,
    watch: Watch | None = None,
    **params: Any,
) -> Explanation:
    """Why did this class get this score? The methods, names, parameters and conventions of ``minixai.explain``.

    module: any ``nn.Module`` in eval mode, on any device; it is left exactly as it was found. x: float32 or float64 on
    the module's device, one picture or a batch. target: class number, one for all or one per picture; None explains
    the class with the highest score. ``signals`` asks for what arrives at every layer, too (it costs memory); ``watch``
    is called with (pictures, {call: output}) after every pass. Tensors come back, on the same device.

    Raises ValueError for what cannot be read, UnsupportedOp naming the call and its place for what cannot be explained.
    """
    # SmoothGrad has a parameter called method, too: explain(module, x, "smoothgrad", method="lrp-0").
    name = params.pop("method", None) if method is None else method
    run = _prepared(name, params)
    check(module)
    batch, single = _batch(module, x)
    inner = params.get("method", "gradient") if name == "smoothgrad" else name
    if inner not in AUTOCAST and torch.is_autocast_enabled(batch.device.type):
        raise ValueError(f"{inner} divides by sums that half precision cannot carry; leave autocast for it")
    with torch.enable_grad():
        subject = Subject(module, batch, _targets(module, target, batch), signals, watch)
        if name in ON_OTHER_PICTURES:
            scores = subject.scores_at(batch)
            subject = replace(subject, target=subject.classes(scores))
            found = replace(run(subject), scores=scores)
        else:
            found = run(subject)
    e = _explanation(subject, name, params, found)
    return replace(e[0], target=int(e.target[0])) if single else e


def _explanation(subject: Subject, name: str, params: Mapping[str, Any], found: Found) -> Explanation:
    assert found.scores is not None
    classes = subject.classes(found.scores)
    names = facts_of(subject.module).get("classes")
    at_scores = found.signals.get(subject.graph.names[-1]) if found.signals else None
    return Explanation(
        method=name,
        relevance=found.relevance.detach(),
        map=map_of(found, subject.x).detach(),
        x=subject.x,
        target=classes,
        score=found.scores.gather(1, classes[:, None])[:, 0],
        params={**_defaults(name), **params},
        signals={layer: signal.detach() for layer, signal in found.signals.items()},
        expected=None if found.expected is None else found.expected.detach(),
        label=None if names is None else [names[c] for c in classes.tolist()],
        notes=found.said,
        batched=True,
        leading_axes=0 if at_scores is None else at_scores.ndim - 2,
    )


def _targets(module: nn.Module, target: Any, x: Tensor) -> Tensor | None:
    if target is None:
        return None
    if isinstance(target, str):
        names = list(facts_of(module).get("classes", ()))
        if target not in names:
            hint = _hint(target, names) if names else "this module has no class names, give a number"
            raise ValueError(f"target {target!r} is not a class; {hint}")
        target = names.index(target)
    given = target if isinstance(target, Tensor) else torch.as_tensor(target)
    if given.is_floating_point() or given.dtype == torch.bool or given.ndim > 1:
        raise ValueError(f"target is {target!r}; expected a class number, or one per picture")
    if given.ndim == 1 and len(given) != len(x):
        raise ValueError(f"got {len(given)} targets for {len(x)} pictures; expected one for all, or one each")
    return given.to(x.device, torch.long).expand(len(x))


def _prepared(name: Any, params: Mapping[str, Any]) -> Callable[[Subject], Found]:
    """The method with its parameters."""
    if name in ELSEWHERE:
        raise ValueError(f"method {name!r} is not here; {ELSEWHERE[name]}")
    if name not in METHODS:
        raise ValueError(f"method {name!r} is not known; {_hint(str(name), list(METHODS))}")
    own = {key: value for key, value in params.items() if name != "smoothgrad" or key in _defaults(name)}
    inner = own.pop("method", "gradient") if name == "smoothgrad" else None
    if inner == "smoothgrad":
        raise ValueError("smoothgrad cannot average itself; expected another method=, for example 'gradient'")
    for key, value in own.items():
        _check_parameter(name, key, value)
    if inner is None:
        return partial(METHODS[name], **own)
    rest = {key: value for key, value in params.items() if key not in _defaults(name)}
    return partial(smoothgrad, inner=_prepared(inner, rest), **own)


def _defaults(name: str) -> dict[str, Any]:
    parameters = signature(METHODS[name]).parameters.values()
    named = {p.name: p.default for p in parameters if p.name not in ("subject", "inner")}
    return {"method": "gradient", **named} if name == "smoothgrad" else named


def _check_parameter(name: str, key: str, value: Any) -> None:
    defaults = _defaults(name)
    if key not in defaults:
        hint = _hint(key, list(defaults)) if defaults else "it has none"
        raise ValueError(f"{name} has no parameter {key!r}; {hint}")
    if isinstance(defaults[key], bool):
        if not isinstance(value, bool):
            raise ValueError(f"{key} is {value!r}; expected True or False")
    elif isinstance(defaults[key], int | float) and not _is_number(value):
        raise ValueError(f"{key} is {value!r}; expected a finite number")


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)


def _hint(given: str, known: list[str]) -> str:
    close = get_close_matches(given, known)
    return f"did you mean {' or '.join(close)}?" if close else f"expected one of {', '.join(known)}"


def _batch(module: nn.Module, x: Any) -> tuple[Tensor, bool]:
    """x, checked, as a batch, and whether it was a single picture."""
    if not isinstance(x, Tensor):
        raise ValueError(f"x is a {type(x).__name__}; expected a torch tensor: torch.as_tensor(x)")
    if x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"x has dtype {x.dtype}; expected float32 or float64: x.float()")
    weights = list(module.parameters())
    for weight in weights:
        if weight.is_floating_point() and (weight.dtype, weight.device) != (x.dtype, x.device):
            raise ValueError(
                f"x is {x.dtype} on {x.device}, the module {weight.dtype} on {weight.device}; "
                "bring them together: x.to(weight.device, weight.dtype)"
            )
    if x.is_meta or not torch.isfinite(x).all():
        raise ValueError("x holds NaN, infinite or no values; expected finite numbers: clean the picture first")
    axes = AXES.get(max((w.ndim for w in weights), default=4), 3)
    axes = 3 if axes == 1 and x.ndim in (3, 4) else axes  # linear layers that read pictures, flattened
    if x.ndim - axes not in (0, 1):
        raise ValueError(f"x has shape {tuple(x.shape)}; expected one picture of {axes} axes, or a batch of them")
    batch = x[None] if x.ndim == axes else x
    if not len(batch):
        raise ValueError(f"x has shape {tuple(batch.shape)}: an empty batch; expected at least one picture")
    return batch.detach(), x.ndim == axes
