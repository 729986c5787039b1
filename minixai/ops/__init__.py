"""Layers: what each computes and its adjoint, side by side, in the survey's letters."""

from minixai.ops.activation import ReLU, Softmax
from minixai.ops.backend import ENGINES, engine, twin, use
from minixai.ops.base import Input, Op, UnsupportedOp, Weighted
from minixai.ops.convolution import Conv2d, Conv3d
from minixai.ops.linear import Add, BatchNorm2d, Concat, Flatten, Identity, Linear
from minixai.ops.numbers import Array, exact, is_exact
from minixai.ops.pooling import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    MaxPool2d,
    MaxPool3d,
    Resize,
    resize,
)

WEIGHTED = (Conv2d, Conv3d, Linear, BatchNorm2d)  # layers with weights
AVERAGES = (AvgPool2d, AvgPool3d, AdaptiveAvgPool2d, GlobalAvgPool, Resize)  # linear layers without
MAXIMA = (MaxPool2d, MaxPool3d)  # layers with winners
WIRES = (Flatten, Concat, Identity)  # layers that only hand on

__all__ = [
    "AVERAGES", "ENGINES", "MAXIMA", "WEIGHTED", "WIRES", "AdaptiveAvgPool2d", "Add", "Array", "AvgPool2d",
    "AvgPool3d", "BatchNorm2d", "Concat", "Conv2d", "Conv3d", "Flatten", "GlobalAvgPool", "Identity", "Input",
    "Linear", "MaxPool2d", "MaxPool3d", "Op", "ReLU", "Resize", "Softmax", "UnsupportedOp", "Weighted", "engine",
    "exact", "is_exact", "resize", "twin", "use",
]  # fmt: skip
