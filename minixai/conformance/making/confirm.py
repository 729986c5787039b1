"""The second derivation: every method once more, by the witness's matrices and loops, for one picture at a time."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minixai.conformance import form
from minixai.conformance.making import witness as w
from minixai.network import Network, forward
from minixai.ops import Array, Conv2d, Conv3d, Op, Resize, Softmax

Signals = Mapping[str, Any]


class Question(NamedTuple):
    """One picture, exactly: everything that fixes the answer."""

    network: Network
    x: Array  # (C, ...)
    target: int
    params: Mapping[str, Any]
    reference: Array | None = None
    noise: Array | None = None
    layer: str | None = None


def relevance(method: str, q: Question) -> Array:
    """The relevance of a picture, in fractions, of the shape the method gives it."""
    return BY_METHOD[method](q)


def _picture(values: list, q: Question) -> Array:
    return np.array([*values, None], dtype=object)[:-1].reshape(q.x.shape)


def _slopes(gate: str, q: Question) -> Array:
    return _picture(w.slopes(q.network, w.flat(q.x), q.target, gate)["input"], q)


def _integrated(q: Question) -> Array:
    n, rule = q.params["n"], q.params["quadrature"]
    ends = [Fraction(1, 2) if i in (0, n - 1) else Fraction(1) for i in range(n)]
    weights = [end / (n - 1) for end in ends] if rule == "trapezoid" else [Fraction(1, n)] * n
    place = {"midpoint": lambda i: Fraction(2 * i + 1, 2 * n), "left": lambda i: Fraction(i, n),
             "right": lambda i: Fraction(i + 1, n), "trapezoid": lambda i: Fraction(i, n - 1)}[rule]  # fmt: skip
    total = 0 * q.x
    for i in range(n):
        total = total + weights[i] * _slopes("gradient", q._replace(x=q.reference + place(i) * (q.x - q.reference)))
    return (q.x - q.reference) * total


def _smooth(q: Question) -> Array:
    assert q.noise is not None
    level = q.params["sigma"] * (max(q.x.flat) - min(q.x.flat))
    found = [_slopes("gradient", q._replace(x=q.x + level * draw)) for draw in q.noise]
    if q.params["average"] == "maps":
        found = [abs(one).max(axis=0) if one.ndim > 1 else abs(one) for one in found]
    return sum(found[1:], found[0]) / len(found)


def _maps(q: Question) -> tuple[Array, Array]:
    """A at the feature layer, and dS_c/dA there: (K, ...) both."""
    places = w.places_of(q.network, fold=False)
    y, slopes = w.values(places, w.flat(q.x)), w.slopes(q.network, w.flat(q.x), q.target)
    shape = forward(q.network, q.x)[str(q.layer)].y.shape[1:]
    A, dA = (np.array([*s[str(q.layer)], None], dtype=object)[:-1].reshape(shape) for s in (y, slopes))
    return A, dA


def _cam(q: Question) -> Array:
    A, _ = _maps(q)
    last: Any = q.network.node(q.network.output).op
    return sum((weight * a for weight, a in zip(last.weight[q.target], A, strict=True)), 0 * A[0])


def _grad_cam(q: Question) -> Array:
    A, slopes = _maps(q)
    total = sum(s.sum() / s.size * a for s, a in zip(slopes, A, strict=True))
    return np.where(total > 0, total, 0 * total) if q.params["relu"] else total


def _guided_grad_cam(q: Question) -> Array:
    coarse = _grad_cam(q._replace(params={"relu": True}))
    return _slopes("guided-backprop", q) * _enlarged(coarse, q.x.shape[1:])


def _enlarged(a: Array, size: tuple[int, ...]) -> Array:
    """Linear interpolation between half-pixel centres, axis by axis, one number at a time."""
    for axis, n in enumerate(size):
        m, lines = a.shape[axis], []
        for i in range(n):
            at = min(max(Fraction(2 * i + 1, 2 * n) * m - Fraction(1, 2), Fraction(0)), Fraction(m - 1))
            low = int(at)
            high, part = min(low + 1, m - 1), at - low
            lines.append((1 - part) * a.take(low, axis) + part * a.take(high, axis))
        a = np.stack(lines, axis)
    return a


def _fem(q: Question) -> Array:
    A, _ = _maps(q)
    K, total = q.params["K"], 0 * A[0]
    for a in A:
        mu = a.sum() / a.size
        spread = ((a - mu) ** 2).sum() / a.size
        rare = np.array([v >= mu and (v - mu) ** 2 >= K * K * spread for v in a.flat]).reshape(a.shape)
        total = total + np.where(rare, mu, 0 * mu)
    return total


def _relevances(q: Question, rule: Callable[[list, w.Place], w.Rule]) -> Array:
    return _picture(w.relevance(q.network, w.flat(q.x), q.target, rule)[0]["input"], q)


def _everywhere(name: str, q: Question) -> Array:
    """LRP-0 and LRP-eps: one rule for all."""
    return _relevances(q, lambda places, place: partial(getattr(w, name), **q.params))


def _on_weights(name: str, q: Question) -> Array:
    """LRP-gamma and alpha-beta: averages and sums have LRP-0."""

    def rule(places: list, place: w.Place) -> w.Rule:
        if place.kind == "weighted":
            return partial(getattr(w, name), **q.params)
        return partial(w.lrp_zero, bias=q.params["bias"])

    return _relevances(q, rule)


def _at_pixels(q: Question) -> w.Rule:
    if q.params["low"] is None:
        return w.w_square
    n = q.x.size
    return lambda place, a, R: w.z_box(place, a, R, [q.params["low"]] * n, [q.params["high"]] * n)


def _deep_taylor(q: Question) -> Array:
    def rule(places: list, place: w.Place) -> w.Rule:
        if place.name in w.pixel_places(places):
            return _at_pixels(q)
        bias = q.params["bias"]
        if place.kind != "weighted":
            return partial(w.lrp_zero, bias=bias)
        return partial(w.lrp_alphabeta, alpha=w.ONE, beta=w.ZERO, bias=bias)

    return _relevances(q, rule)


def _composite(q: Question) -> Array:
    def rule(places: list, place: w.Place) -> w.Rule:
        pixels, bias = w.pixel_places(places), q.params["bias"]
        others = [p.name for p in places if isinstance(p.op, Conv2d | Conv3d) and p.name not in pixels]
        early = others[: (len(others) + 1) // 2]
        if place.name in pixels:
            return _at_pixels(q)
        if place.name in early:
            return partial(w.lrp_gamma, gamma=Fraction(1, 4), bias=bias)
        if place.name in others:
            return partial(w.lrp_epsilon, eps=Fraction(1, 4), bias=bias, relative=True)
        return partial(w.lrp_zero, bias=bias)

    return _relevances(q, rule)


def _rescale(q: Question) -> Array:
    assert q.reference is not None
    m = w.rescale(q.network, w.flat(q.x), w.flat(q.reference), q.target)["input"]
    return _picture(m, q) * (q.x - q.reference)


def _reveal(q: Question) -> Array:
    assert q.reference is not None
    return _picture(w.reveal_cancel(q.network, w.flat(q.x), w.flat(q.reference), q.target)[1], q)


BY_METHOD: dict[str, Callable[[Question], Array]] = {
    "gradient": partial(_slopes, "gradient"),
    "deconvnet": partial(_slopes, "deconvnet"),
    "guided-backprop": partial(_slopes, "guided-backprop"),
    "integrated-gradients": _integrated,
    "smoothgrad": _smooth,
    "cam": _cam,
    "grad-cam": _grad_cam,
    "guided-grad-cam": _guided_grad_cam,
    "lrp-0": partial(_everywhere, "lrp_zero"),
    "lrp-epsilon": partial(_everywhere, "lrp_epsilon"),
    "lrp-gamma": partial(_on_weights, "lrp_gamma"),
    "lrp-alphabeta": partial(_on_weights, "lrp_alphabeta"),
    "lrp-composite": _composite,
    "deep-taylor": _deep_taylor,
    "deeplift-rescale": _rescale,
    "deeplift-revealcancel": _reveal,
    "fem": _fem,
}


# -- Layers ------------------------------------------------------------------------------------------------------------


def parts(leaving: Array | tuple[Array, ...]) -> tuple[Array, ...]:
    """What leaves a layer, towards each of its inputs."""
    return leaving if isinstance(leaving, tuple) else (leaving,)


def by_torch(op: Op, xs: tuple[Array, ...], y: Array, arriving: Array, leaving: tuple[Array, ...]) -> None:
    """RuntimeError unless PyTorch, in float64, computes the same output and the same signals back."""
    import torch

    from minixai.zoo.to_torch import layer

    leaves = [torch.tensor(x.astype(float), requires_grad=True) for x in xs]
    if isinstance(op, Resize):
        out = torch.nn.functional.interpolate(leaves[0], op.size, mode="bilinear", align_corners=False)
    else:
        out = layer(op.convert(lambda a: a.astype(float))).eval()(*leaves)
    back = torch.autograd.grad(out, leaves, torch.tensor(arriving.astype(float)))
    for ours, theirs in zip((y, *leaving), (out.detach(), *back), strict=True):
        apart = np.abs(ours.astype(float) - theirs.numpy()).max(initial=0)
        if ours.shape != tuple(theirs.shape) or apart > 1e-12 * max(1.0, float(abs(ours).max())):
            raise RuntimeError(f"{op!r}: PyTorch does not agree with the engine, by {apart:.3g}")


def softmax(op: Softmax, x: Array, arriving: Array) -> dict[str, Any]:
    """Softmax and what it sends back, to 30 digits. RuntimeError unless the engine and PyTorch agree in float64."""
    from mpmath import mp, mpf

    with mp.workdps(50):
        e = np.array([mp.exp(mpf(v.numerator) / v.denominator) for v in x.flat], object).reshape(x.shape)
        R = np.array([mpf(v.numerator) / v.denominator for v in arriving.flat], object).reshape(x.shape)
        p = e / e.sum(axis=1, keepdims=True)
        back = p * (R - (p * R).sum(axis=1, keepdims=True))
        said = [form.irrational([mp.nstr(v, 30) for v in a.flat], a.shape) for a in (p, back)]
    by_torch(op, (x,), p, arriving, (back,))
    floats = x.astype(float)
    for written, ours in zip(said, (op.forward(floats), op.adjoint(R.astype(float), floats)), strict=True):
        if np.abs(ours.ravel() - written["float"]).max() > 1e-14:
            raise RuntimeError("softmax: the engine does not agree with mpmath")
    return {"output": said[0], "leaving": [said[1]]}
