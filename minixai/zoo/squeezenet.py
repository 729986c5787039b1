"""`squeezenet`: SqueezeNet v1.0 and what it learnt from a million real photographs (ImageNet); downloaded on request.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer (2016), SqueezeNet: AlexNet-level accuracy with 50x fewer parameters.
Its weights come pruned and quantised: Han, Mao, Dally (2016), Deep compression. ICLR.
"""

from collections.abc import Mapping
from itertools import accumulate, pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from minixai.network import Network, Node
from minixai.ops import Array, Concat, Conv2d, Flatten, GlobalAvgPool, MaxPool2d, Op, ReLU
from minixai.zoo import imagenet
from minixai.zoo.card import Card
from minixai.zoo.download import content, published
from minixai.zoo.pictures import Pictures
from minixai.zoo.weights import Draw, blank, with_parameters

NAME = "squeezenet"
PICTURES = Pictures(size=227, channels="BGR", mean=(104, 117, 123), scale=1)
SHAPE = (3, 227, 227)
VALUES = 256  # a weight is stored as the number of one of so many values

Shape = tuple[int, ...]


class Fire(NamedTuple):
    """A fire module: few maps are squeezed out of many, then expanded by two kinds of convolution side by side."""

    name: str
    inputs: int
    squeeze: int
    expand: int


FIRES = (
    Fire("fire2", 96, 16, 64),
    Fire("fire3", 128, 16, 64),
    Fire("fire4", 128, 32, 128),
    Fire("fire5", 256, 32, 128),
    Fire("fire6", 256, 48, 192),
    Fire("fire7", 384, 48, 192),
    Fire("fire8", 384, 64, 256),
    Fire("fire9", 512, 64, 256),
)
POOLED = {"fire4": "pool4", "fire8": "pool8"}  # which modules a pool follows


def load() -> Network:
    """The network with its downloaded weights: x (3, 227, 227) float32 -> the scores of 1000 classes.

    Raises FileNotFoundError, saying what to type, where nothing was downloaded; ValueError where the file is wrong.
    """
    empty = network(blank)
    shapes = {node.name: node.op.weight.shape for node in empty.nodes if isinstance(node.op, Conv2d)}
    return with_parameters(empty, decode(content(NAME), shapes))


def card() -> Card:
    file = published(NAME)
    origin = f"not here: {file.command} fetches them ({file.bytes / 1e6:.1f} MB, {file.licence}); trained on ImageNet"
    return Card(NAME, "SqueezeNet v1.0 for real photographs", SHAPE, imagenet.classes(), origin, None)


def network(draw: Draw) -> Network:
    """A convolution, eight fire modules with pools in between, one convolution to the classes, and the mean of each."""
    nodes = _rectified("conv1", _conv(draw, 96, 3, 7, stride=2), "input")
    nodes.append(_pool("pool1", nodes[-1].name))
    for module in FIRES:
        nodes += _fire(module, nodes[-1].name, draw)
        if module.name in POOLED:
            nodes.append(_pool(POOLED[module.name], nodes[-1].name))
    # no padding: with the one that the published prototxt has, photographs are recognised less well
    nodes += _rectified("conv10", _conv(draw, imagenet.COUNT, 512, 1), nodes[-1].name)
    nodes += [Node("pool10", GlobalAvgPool(), ("conv10_relu",)), Node("scores", Flatten(), ("pool10",))]
    return Network(
        tuple(nodes), name=NAME, classes=imagenet.classes(), black=PICTURES.black, box=PICTURES.box,
        feature_layer="fire9_concat", input_shape=SHAPE, pictures=PICTURES,
    )  # fmt: skip


def _fire(module: Fire, before: str, draw: Draw) -> list[Node]:
    few, one, three = (f"{module.name}_{part}" for part in ("squeeze1x1", "expand1x1", "expand3x3"))
    return [
        *_rectified(few, _conv(draw, module.squeeze, module.inputs, 1), before),
        *_rectified(one, _conv(draw, module.expand, module.squeeze, 1), f"{few}_relu"),
        *_rectified(three, _conv(draw, module.expand, module.squeeze, 3, padding=1), f"{few}_relu"),
        Node(f"{module.name}_concat", Concat(), (f"{one}_relu", f"{three}_relu")),
    ]


def _rectified(name: str, op: Op, before: str) -> list[Node]:
    return [Node(name, op, (before,)), Node(f"{name}_relu", ReLU(), (name,))]


def _conv(draw: Draw, outputs: int, inputs: int, side: int, **geometry: int) -> Conv2d:
    return Conv2d(draw(outputs, inputs, side, side), blank(outputs), **geometry)


def _pool(name: str, before: str) -> Node:
    return Node(name, MaxPool2d(3, 2, ceil_mode=True), (before,))


def decode(stored: bytes, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    """The weights and biases in a file of pruned and quantised layers: {"conv1.weight": ..., "conv1.bias": ...}.

    ``shapes`` are those of the weights, in the file's order. The file says first, for every layer, how many weights
    are stored (uint32); the others are 0. Then, layer after layer: 256 values (float32), the biases (float32), for
    every stored weight the number of its value (uint8), and how many zeros precede it (4 bits, low half first).
    Raises ValueError, saying what does not fit, for a file of anything else.
    """
    counts = _counts(stored, shapes)
    sizes = [_bytes(shape, count) for shape, count in zip(shapes.values(), counts, strict=True)]
    header, promised = 4 * len(shapes), 4 * len(shapes) + sum(sizes)
    if len(stored) != promised:
        raise ValueError(f"the file has {len(stored)} bytes; expected {promised}, as its header says: fetch it again")
    pieces = [stored[a:b] for a, b in pairwise(accumulate(sizes, initial=header))]
    parameters: dict[str, Array] = {}
    for (name, shape), count, piece in zip(shapes.items(), counts, pieces, strict=True):
        parameters[f"{name}.weight"], parameters[f"{name}.bias"] = _layer(piece, name, shape, count)
    return parameters


def _counts(stored: bytes, shapes: Mapping[str, Shape]) -> list[int]:
    """How many weights of each layer are stored: at least one, and at most all."""
    if len(stored) < 4 * len(shapes):
        raise ValueError(f"the file has {len(stored)} bytes; expected {4 * len(shapes)} for its header alone")
    counts = np.frombuffer(stored, "<u4", len(shapes)).tolist()
    for (name, shape), count in zip(shapes.items(), counts, strict=True):
        if not 1 <= count <= prod(shape):
            raise ValueError(f"the file stores {count} weights of {name}; expected 1 to {prod(shape)}")
    return counts


def _bytes(shape: Shape, count: int) -> int:
    """What a layer takes in the file: values and biases, then a byte and a half for every stored weight."""
    return 4 * (VALUES + shape[0]) + count + (count + 1) // 2


def _layer(piece: bytes, name: str, shape: Shape, count: int) -> tuple[Array, Array]:
    """The weight and the bias of one layer, float32."""
    numbers = np.frombuffer(piece, "<f4", VALUES + shape[0]).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} has values or biases that are not finite; expected numbers: fetch the file again")
    codes, runs = np.split(np.frombuffer(piece, np.uint8, offset=numbers.nbytes), [count])
    zeros = np.stack([runs & 15, runs >> 4], axis=1).ravel()
    if zeros[count:].any():  # half a byte is left over where the count is odd
        raise ValueError(f"{name} has more runs of zeros than its {count} weights; expected as many: fetch it again")
    positions = np.cumsum(zeros[:count].astype(np.int64) + 1) - 1
    if positions[-1] >= prod(shape):
        raise ValueError(f"{name} has a weight at {positions[-1]}; expected positions below {prod(shape)}")
    weight = np.zeros(prod(shape), np.float32)
    weight[positions] = numbers[codes]
    return weight.reshape(shape), numbers[VALUES:]
