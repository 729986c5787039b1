"""The kinds of networks that the vectors are made of: tiny, and each with something that is easily got wrong."""

from collections.abc import Callable
from functools import partial

import numpy as np

from minixai.conformance.making.networks import (
    Sketch,
    average,
    concatenate,
    convolve,
    foldable_norm,
    head,
    max_pool,
    random_pictures,
    rectify,
    residual,
    share,
    standing_norm,
)
from minixai.network import Network
from minixai.ops import Array, Conv2d, Conv3d, Linear, MaxPool3d, ReLU

Block = Callable[[Sketch, str], str]


def volume(sketch: Sketch, at: str) -> str:
    """A 3-D convolution, a ReLU and an overlapping 3-D pool."""
    weight = sketch.values(2, sketch.shape(at)[0], 2, 2, 2)
    at = sketch.add("conv", Conv3d(weight, sketch.biases(2), padding=1), at)
    return sketch.add("maxpool", MaxPool3d(2, 2), sketch.add("relu", ReLU(), at))


def maps(sketch: Sketch, at: str) -> str:
    """A convolution to three maps and a ReLU."""
    weight = sketch.values(3, sketch.shape(at)[0], 2, 2)
    return sketch.add("relu", ReLU(), sketch.add("conv", Conv2d(weight, sketch.biases(3), padding=1), at))


def step(sketch: Sketch, at: str) -> str:
    """A convolution by which the maps lose one pixel on each axis, and a ReLU."""
    weight = sketch.values(2, sketch.shape(at)[0], 2, 2)
    return sketch.add("relu", ReLU(), sketch.add("conv", Conv2d(weight, sketch.biases(2)), at))


# name: (blocks, shape of a picture, numbers, global average pooling before the head, pictures in the batch)
FAMILIES: dict[str, tuple[tuple[Block, ...], tuple[int, ...], str, bool, int]] = {
    "chain": ((convolve, convolve), (1, 4, 4), "eighths", False, 1),
    "deep": ((step, step, step), (1, 5, 5), "eighths", False, 1),
    "dense": ((), (6,), "eighths", False, 1),
    "zeros": ((maps, convolve, rectify), (1, 3, 3), "halves", False, 1),
    "pool": ((maps, max_pool), (1, 3, 3), "eighths", False, 1),
    "ties": ((maps, max_pool), (1, 3, 3), "halves", False, 1),
    "average": ((maps, partial(average, which=(0, 0, 1, 2))), (2, 3, 3), "eighths", False, 1),
    "residual": ((residual,), (2, 3, 3), "eighths", False, 1),
    "concat": ((concatenate, rectify), (2, 3, 3), "eighths", False, 1),
    "shared": ((share, rectify), (1, 3, 3), "eighths", False, 1),
    "norm": ((foldable_norm,), (2, 3, 3), "eighths", False, 1),
    "standing-norm": ((standing_norm,), (1, 3, 3), "eighths", False, 1),
    "gap": ((convolve, maps), (1, 4, 4), "eighths", True, 1),
    "batch": ((maps, max_pool), (2, 3, 3), "eighths", True, 2),
    "volume": ((volume,), (1, 3, 3, 3), "eighths", True, 1),
}

# what each is there to catch
NOTES = {
    "chain": "convolutions with steps, padding, gaps or groups: the way back is the transposed one, step by step",
    "deep": "three convolutions on the way: early and late ones may have rules of their own",
    "zeros": "a ReLU is given exactly 0: it is shut there, and its slope is 0",
    "dense": "every neuron has a bias: what becomes of it is a convention",
    "pool": "windows overlap: what is sent back to a pixel by several of them adds",
    "ties": "two maxima in a window: the first in row-major order wins",
    "average": "an average pool is a linear layer, and shares relevance out like one",
    "residual": "two paths meet in a sum: relevance is shared out between them, not copied",
    "concat": "branches stand side by side: each gets back its own channels",
    "shared": "one layer is used twice: who remembers one call forgets the other",
    "norm": "a batch norm that a convolution feeds alone: LRP and DeepLIFT fold it into the convolution",
    "standing-norm": "a batch norm that cannot be folded is a linear layer with a bias",
    "gap": "means of maps and one linear layer: the network of CAM",
    "batch": "two pictures, each with its class: nothing leaks from one to the other",
    "volume": "three axes instead of two",
}


def draw(family: str, seed: int) -> tuple[Network, Array]:
    """A network of the family and pictures for it, in fractions: the same for the same seed."""
    blocks, shape, numbers, gap, n = FAMILIES[family]
    sketch = Sketch(np.random.default_rng([seed, *family.encode()]), shape, numbers, bias=True)
    at = "input"
    for block in blocks:
        at = block(sketch, at)
    if family == "dense":
        _dense(sketch)
    else:
        head(sketch, at, 3, gap)
    network = Network(tuple(sketch.nodes), name=family, input_shape=shape)
    return network, random_pictures(seed, network, numbers, n)


def _dense(sketch: Sketch) -> None:
    at = "input"
    for width in (5, 4):
        at = sketch.add("linear", Linear(sketch.values(width, *sketch.shape(at)), sketch.biases(width)), at)
        at = sketch.add("relu", ReLU(), at)
    sketch.add("linear", Linear(sketch.values(3, *sketch.shape(at)), sketch.biases(3)), at)
