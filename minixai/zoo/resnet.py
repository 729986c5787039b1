"""Residual networks (He, Zhang, Ren, Sun, 2016), and `resnet34`: one of them, taught a million photographs.

The nodes are called as torchvision calls its modules, so that ``NODE.weight`` is a parameter of its published file. A
block there has one ReLU and runs it twice; here they are ``relu1`` and, after the addition, ``relu2``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minixai.network import INPUT, Network, Node
from minixai.ops import Add, BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Linear, MaxPool2d, ReLU
from minixai.zoo import imagenet
from minixai.zoo.card import Card
from minixai.zoo.photographs import FACTS, card_of, filled
from minixai.zoo.weights import Draw, blank

NAME = "resnet34"


class Stage(NamedTuple):
    """A row of residual blocks with so many maps; its first block takes steps of ``stride`` pixels."""

    maps: int
    blocks: int
    stride: int


STAGES = (Stage(64, 3, 1), Stage(128, 4, 2), Stage(256, 6, 2), Stage(512, 3, 2))


def load() -> Network:
    """The network with its published weights, fetched if need be: x (3, 224, 224) float32 -> 1000 scores.

    Raises as :func:`minixai.zoo.photographs.filled`.
    """
    return filled(network(blank))


def card() -> Card:
    return card_of(NAME, "ResNet-34 for real photographs")


def network(draw: Draw) -> Network:
    """A convolution, a pool, sixteen residual blocks in four stages, the mean of each map, and one linear layer."""
    nodes = rectified(conv(draw, 64, 3, 7, 2), "", INPUT, 1)
    nodes.append(Node("maxpool", MaxPool2d(3, 2, padding=1), ("relu1",)))
    nodes += stages(draw, 64, STAGES, "maxpool")
    nodes += head(draw, imagenet.COUNT, STAGES[-1].maps, nodes[-1].name)
    return Network(tuple(nodes), name=NAME, feature_layer="layer4.2.relu2", classes=imagenet.classes(), **FACTS)


def stages(draw: Draw, maps: int, plan: Sequence[Stage], before: str) -> list[Node]:
    """The blocks ``layer1.0``, ``layer1.1``, ..., one after the other; ``maps`` is what the first of them reads."""
    nodes: list[Node] = []
    for number, stage in enumerate(plan, start=1):
        for i in range(stage.blocks):
            nodes += block(draw, f"layer{number}.{i}.", before, maps, stage.maps, 1 if i else stage.stride)
            maps, before = stage.maps, nodes[-1].name
    return nodes


def block(draw: Draw, name: str, before: str, inputs: int, outputs: int, stride: int) -> list[Node]:
    """Two 3x3 convolutions, and what went in added to what comes out: projected where the two differ in shape."""
    nodes = rectified(conv(draw, outputs, inputs, 3, stride), name, before, 1)
    nodes += normalised(conv(draw, outputs, outputs, 3), f"{name}conv2", f"{name}bn2", f"{name}relu1")
    aside = before
    if stride != 1 or inputs != outputs:
        aside = f"{name}downsample.1"
        nodes += normalised(conv(draw, outputs, inputs, 1, stride), f"{name}downsample.0", aside, before)
    nodes.append(Node(f"{name}add", Add(), (f"{name}bn2", aside)))
    return [*nodes, Node(f"{name}relu2", ReLU(), (f"{name}add",))]


def head(draw: Draw, classes: int, maps: int, before: str) -> list[Node]:
    """The mean of each map, then one linear layer: what CAM needs."""
    last = Linear(draw(classes, maps), blank(classes))
    return [
        Node("avgpool", GlobalAvgPool(), (before,)),
        Node("flatten", Flatten(), ("avgpool",)),
        Node("fc", last, ("flatten",)),
    ]


def rectified(op: Conv2d, name: str, before: str, number: int) -> list[Node]:
    """A convolution, its batch norm and its ReLU."""
    norm = f"{name}bn{number}"
    return [*normalised(op, f"{name}conv{number}", norm, before), Node(f"{name}relu{number}", ReLU(), (norm,))]


def normalised(op: Conv2d, name: str, norm: str, before: str) -> list[Node]:
    """A convolution and its batch norm, which does nothing yet."""
    nothing, one = blank(len(op.weight)), np.ones(len(op.weight))
    fresh = BatchNorm2d(running_mean=nothing, running_var=one, weight=one, bias=nothing)
    return [Node(name, op, (before,)), Node(norm, fresh, (name,))]


def conv(draw: Draw, outputs: int, inputs: int, side: int, stride: int = 1) -> Conv2d:
    """A convolution without bias, since a batch norm follows, padded so that only the stride makes pictures smaller."""
    return Conv2d(draw(outputs, inputs, side, side), stride=stride, padding=side // 2)
