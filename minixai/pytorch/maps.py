"""Sections 4.6 and 5.3, and 3.3: what is read off the feature maps (CAM, Grad-CAM, FEM), and heat maps."""

import torch
import torch.nn.functional as F
from torch import Tensor

from minixai.pytorch.gradient import guided_backprop, named
from minixai.pytorch.listening import Pass
from minixai.pytorch.subject import Found, Subject, slopes
from minixai.result import UnsupportedOp


def cam(subject: Subject) -> Found:
    """sum_k w_k^c A^k, for a module that ends in global average pooling and one linear layer."""
    maps = subject.graph.gap_head
    if maps is None:
        raise UnsupportedOp(
            "cam needs a module that ends in global average pooling and one linear layer; use grad-cam, which fits any"
        )
    seen = _maps_at(subject, maps)
    w, b = subject.graph.calls[-1].weights()
    classes = subject.classes(seen.scores)
    A = seen.kept[maps]
    R = torch.einsum("nk,nk...->n...", w.detach()[classes], A)
    own = 0 if b is None else b.detach()[classes]
    expected = A[0, 0].numel() * (subject.score(seen.scores) - own)
    return Found(R, "none", seen.scores, expected=expected, said={"layer": subject.graph.names[maps]})


def grad_cam(subject: Subject, layer: str | None = None, relu: bool = True) -> Found:
    """ReLU(sum_k alpha_k A^k) with alpha_k the mean slope of S_c over map k, Eqs. (9), (10)."""
    index = subject.graph.feature_layer(layer)
    below = [i for i in range(index, len(subject.graph.calls))] if subject.signals else [index]
    seen = subject.run(subject.x.clone().requires_grad_(), keep=below)
    A = _checked(seen.kept[index], subject.graph.names[index])
    kept = {i: seen.kept[i] for i in below}
    arriving = dict(zip(kept, slopes(subject.score(seen.scores).sum(), list(kept.values())), strict=True))
    alpha = arriving[index].flatten(2).mean(2)
    R = torch.einsum("nk,nk...->n...", alpha, A.detach())
    signals = named(subject, A, arriving)
    signals.pop("input", None)
    said = {"layer": subject.graph.names[index]}
    return Found(R.clamp(min=0) if relu else R, "none", seen.scores.detach(), signals, said=said)


def guided_grad_cam(subject: Subject, layer: str | None = None) -> Found:
    """Guided backpropagation times the upsampled Eq. (10)."""
    coarse, fine = grad_cam(subject, layer), guided_backprop(subject)
    R = fine.relevance * upsampled(coarse.relevance, fine.relevance.shape[2:])[:, None]
    return Found(R, "max", fine.scores, fine.signals, said=coarse.said)


def fem(subject: Subject, K: float = 1, layer: str | None = None) -> Found:
    """sum_k mu_k B_k, B_k where a >= mu_k + K sigma_k, Eq. (26)."""
    if K < 0:
        raise ValueError(f"K is {K}; expected a number of at least 0: how many spreads above the mean count as rare")
    index = subject.graph.feature_layer(layer)
    seen = _maps_at(subject, index)
    A = _checked(seen.kept[index], subject.graph.names[index])
    flat = A.flatten(2)
    mu, sigma = flat.mean(2), flat.std(2, correction=0)
    constant = flat.amax(2) == flat.amin(2)
    rare = (flat >= (mu + K * sigma)[..., None]) | constant[..., None]
    R = torch.where(rare, mu[..., None], 0).sum(1).reshape(len(A), *A.shape[2:])
    return Found(R, "none", seen.scores, said={"layer": subject.graph.names[index]})


def map_of(found: Found, x: Tensor) -> Tensor:
    """The finding as unscaled maps of the size of the pictures, (N, H, W)."""
    R = found.relevance
    if found.reduce == "max":
        R = R.abs().amax(1) if R.ndim > 2 else R.abs()
    elif found.reduce == "sum" and R.ndim > 2:
        R = R.sum(1)
    size = x.shape[2:]
    return R if not size or R.shape[1:] == size else upsampled(R, size)


def upsampled(maps: Tensor, size: torch.Size) -> Tensor:
    """Linear interpolation with half-pixel centres, per axis: bilinear, trilinear."""
    mode = {2: "bilinear", 3: "trilinear"}[len(size)]
    return F.interpolate(maps[:, None], size=tuple(size), mode=mode, align_corners=False)[:, 0]


def _maps_at(subject: Subject, index: int) -> Pass:
    with torch.no_grad():
        return subject.run(subject.x, keep=(index,))


def _checked(A: Tensor, name: str) -> Tensor:
    if A.ndim < 4:
        raise UnsupportedOp(f"layer {name!r} holds {tuple(A.shape[1:])} numbers, not maps; name a convolutional layer=")
    return A
