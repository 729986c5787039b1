"""Straight-through: the value of one tensor with the slope of another. All of Sections 4 and 5 is built from it.

A method replaces the slope that autograd would use at a layer and leaves its value alone, so that one call of
``torch.autograd.grad`` on the untouched score does the whole walk.
"""

from typing import Any

import torch
from torch import Tensor


class _Carry(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, slope_of: Tensor) -> Tensor:
        return value.clone()  # the module may overwrite it

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> tuple[None, Tensor]:
        return None, arriving


class _Rectified(torch.autograd.Function):
    """A ReLU whose backward pass rectifies what arrives; with the forward gate, too, where ``gated``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gated: bool) -> Tensor:
        ctx.gated = gated
        if gated:
            ctx.save_for_backward(x > 0)
        return torch.relu(x)

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> tuple[Tensor, None]:
        R = arriving.clamp(min=0)
        return (R * ctx.saved_tensors[0] if ctx.gated else R), None


def carry(value: Tensor, slope_of: Tensor) -> Tensor:
    """``value``, bit for bit, with the gradient of ``slope_of``."""
    return _Carry.apply(value.detach(), slope_of)


def deconv_relu(x: Tensor) -> Tensor:
    """Fig. 5c: only what arrives decides."""
    return _Rectified.apply(x, False)


def guided_relu(x: Tensor) -> Tensor:
    """Fig. 5d: the neuron was on, and what arrives is positive."""
    return _Rectified.apply(x, True)


def quotient(a: Tensor, d: Tensor) -> Tensor:
    """a / d, and 0 where d is 0: a neuron without a denominator hands nothing on."""
    nothing = d == 0
    return torch.where(nothing, 0, a / torch.where(nothing, 1, d))
