"""Sections 4.1-4.3: the gradient is autograd's own; DeconvNet and guided backpropagation change its ReLU."""

from itertools import product

import torch
from torch import Tensor

from minixai.pytorch.calls import Call
from minixai.pytorch.straight import deconv_relu, guided_relu
from minixai.pytorch.subject import Found, StandIn, Subject, native, slopes


def gradient(subject: Subject) -> Found:
    """dS_c/dx, Eq. (4)."""
    return backwards(subject, native)


def deconvnet(
    subject: Subject, layer: str | None = None, channel: int | None = None, position: tuple[int, ...] | None = None
) -> Found:
    """Fig. 5c from the score, or from one feature map (4.1)."""
    if layer is None and channel is None and position is None:
        return backwards(subject, _deconv)
    if layer is None or channel is None:
        raise ValueError(f"got layer={layer!r}, channel={channel!r}; give both: which feature map is to be projected?")
    index = subject.graph.index(layer)
    leaf = subject.x.clone().requires_grad_()
    seen = subject.run(leaf, _deconv, keep=(index,))
    A = seen.kept[index]
    (R,) = slopes(A, [leaf], _one_map(A.detach(), layer, channel, position))
    return Found(R, "max", seen.scores.detach())


def guided_backprop(subject: Subject) -> Found:
    """Fig. 5d."""
    return backwards(subject, _guided)


def backwards(subject: Subject, answer: StandIn) -> Found:
    """Seed 1 at the class, back to the pixels by the stand-ins' slopes."""
    leaf = subject.x.clone().requires_grad_()
    seen = subject.run(leaf, answer, subject.signalled, strict=answer is not native)
    R, *arriving = slopes(subject.score(seen.scores).sum(), [leaf, *seen.kept.values()])
    return Found(R, "max", seen.scores.detach(), named(subject, R, dict(zip(seen.kept, arriving, strict=True))))


def named(subject: Subject, at_picture: Tensor, arriving: dict[int, Tensor]) -> dict[str, Tensor]:
    """Signals by the names of the layers, where they were asked for."""
    if not subject.signals:
        return {}
    names = subject.graph.names
    return {"input": at_picture} | {names[i]: signal for i, signal in arriving.items() if i < len(names)}


def _deconv(call: Call) -> Tensor | None:
    return deconv_relu(call.x) if call.kind == "relu" else None


def _guided(call: Call) -> Tensor | None:
    return guided_relu(call.x) if call.kind == "relu" else None


def _one_map(A: Tensor, layer: str, channel: int, position: tuple[int, ...] | None) -> Tensor:
    """The seed of 4.1: one channel's map, at one place of it if one is named, 0 elsewhere."""
    if channel not in range(A.shape[1]):
        raise ValueError(f"channel is {channel!r}; layer {layer!r} has channels 0 to {A.shape[1] - 1}")
    size = tuple(A.shape[2:])
    if position is not None and position not in product(*map(range, size)):
        raise ValueError(f"position is {position!r}; expected a place (row, column) in layer {layer!r}'s maps, {size}")
    where = (slice(None), channel, *(position or ()))
    seed = torch.zeros_like(A)
    seed[where] = A[where]
    return seed
