"""Small random networks: seeded, acyclic, made of every kind of layer a method has to get right.

``random_case(seed)`` is a network and a picture in exact fractions. ``numbers`` says what they are made of: "eighths"
(multiples of 1/8), "halves" (multiples of 1/2: exact zeros, ties and cancellations are common) or "normal" (float64).
"""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

import minixai as mx

NUMBERS = ("eighths", "halves", "normal")


class Sketch:
    """A network while it is drawn: the nodes so far, and what each computes on a blank picture (for its shape)."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...], numbers: str, bias: bool) -> None:
        self.rng, self.numbers, self.bias = rng, numbers, bias
        self.nodes: list[mx.Node] = []
        self.converted: dict[mx.Op, mx.Op] = {}  # a layer used twice stays one layer
        self.blank = {"input": np.zeros((1, *shape))}

    def add(self, kind: str, op: mx.Op, *inputs: str) -> str:
        name = f"{kind}{1 + sum(node.name.rstrip('0123456789') == kind for node in self.nodes)}"
        xs = [self.blank[i] for i in inputs]
        choice = op.choose(*xs)
        self.blank[name] = op.forward(*xs) if choice is None else op.forward(*xs, choice)
        exact = self.numbers != "normal"
        final = self.converted.setdefault(op, op.convert(mx.exact) if exact else op)
        self.nodes.append(mx.Node(name, final, inputs))
        return name

    def shape(self, at: str) -> tuple[int, ...]:
        return self.blank[at].shape[1:]

    def values(self, *shape: int) -> np.ndarray:
        """Weights; normal ones are scaled so that a layer neither swells nor shrinks what it reads."""
        if self.numbers == "normal":
            return self.rng.normal(size=shape) / np.sqrt(max(1, prod(shape[1:])))
        return draw_numbers(self.rng, shape, self.numbers)

    def biases(self, n: int) -> np.ndarray | None:
        return self.values(n, 1)[:, 0] if self.bias else None

    def one_of(self, *choices: int) -> int:
        return int(self.rng.choice(choices))

    def coin(self) -> bool:
        return bool(self.rng.integers(2))


def draw_numbers(rng: np.random.Generator, shape: tuple[int, ...], numbers: str) -> np.ndarray:
    """Numbers of the kind asked for, as floats that hold them exactly."""
    if numbers not in NUMBERS:
        raise ValueError(f"numbers is {numbers!r}; expected one of {', '.join(NUMBERS)}")
    if numbers == "normal":
        return rng.normal(size=shape)
    return rng.integers(-12, 13, size=shape) / 8 if numbers == "eighths" else rng.integers(-2, 3, size=shape) / 2


# -- Blocks: each continues the sketch at a node and says where it ended -----------------------------------------------


def same_size(sketch: Sketch, at: str, channels: int) -> mx.Conv2d:
    """A convolution that keeps height and width."""
    k = sketch.one_of(1, 3)
    weight = sketch.values(channels, sketch.shape(at)[0], k, k)
    return mx.Conv2d(weight, sketch.biases(channels), padding=k // 2)


def convolve(sketch: Sketch, at: str) -> str:
    """Any convolution that fits: stride, padding, dilation, groups; usually a ReLU after it."""
    inputs, height, _ = sketch.shape(at)
    groups = 2 if inputs % 2 == 0 and sketch.coin() else 1
    k = sketch.one_of(*[k for k in (1, 2, 3) if k <= height])
    dilation = 2 if 2 * (k - 1) < height and sketch.coin() else 1
    stride = 2 if height > 3 and sketch.coin() else 1
    padding = sketch.one_of(0, 1) if k > 1 else 0
    weight = sketch.values(2, inputs // groups, k, k)
    at = sketch.add("conv", mx.Conv2d(weight, sketch.biases(2), stride, padding, dilation, groups), at)
    return sketch.add("relu", mx.ReLU(), at) if sketch.one_of(0, 1, 1) else at


def residual(sketch: Sketch, at: str) -> str:
    """Two convolutions, and the sum of what went in and what came out."""
    channels = sketch.shape(at)[0]
    inner = sketch.add("relu", mx.ReLU(), sketch.add("conv", same_size(sketch, at, channels), at))
    inner = sketch.add("conv", same_size(sketch, inner, channels), inner)
    return sketch.add("relu", mx.ReLU(), sketch.add("add", mx.Add(), at, inner))


def concatenate(sketch: Sketch, at: str) -> str:
    left = sketch.add("relu", mx.ReLU(), sketch.add("conv", same_size(sketch, at, 1), at))
    right = sketch.add("conv", same_size(sketch, at, 1), at)
    return sketch.add("concat", mx.Concat(), left, right)


def share(sketch: Sketch, at: str) -> str:
    """One and the same convolution twice, the second time after itself."""
    op = same_size(sketch, at, sketch.shape(at)[0])
    once = sketch.add("conv", op, at)
    twice = sketch.add("conv", op, sketch.add("relu", mx.ReLU(), once))
    return sketch.add("add", mx.Add(), once, twice) if sketch.coin() else twice


def max_pool(sketch: Sketch, at: str) -> str:
    """Overlapping windows, sometimes padded, sometimes one that reaches over the edge."""
    k = min(sketch.one_of(2, 2, 3), *sketch.shape(at)[1:])
    padding = sketch.one_of(0, k // 2)
    return sketch.add("maxpool", mx.MaxPool2d(k, sketch.one_of(1, 2), padding, ceil_mode=sketch.coin()), at)


def average(sketch: Sketch, at: str, which: Sequence[int] = (0, 1, 2, 2)) -> str:
    """A mean over padded windows (0), over windows (1), or to a given size (2)."""
    k = min(2, *sketch.shape(at)[1:])
    pools = [mx.AvgPool2d(k, 1, k // 2, count_include_pad=sketch.coin()), mx.AvgPool2d(k, 1), mx.AdaptiveAvgPool2d(2)]
    return sketch.add("avgpool", pools[sketch.one_of(*which)], at)


def normalised(sketch: Sketch, at: str, through: str) -> str:
    """A batch norm after ``through``, whose running_var + eps is a rational square (in float it need not be)."""
    channels = sketch.shape(through)[0]
    root = np.array([sketch.one_of(1, 2, 3) / 2 for _ in range(channels)])
    scale, shift = (sketch.values(channels, 1)[:, 0] for _ in range(2))
    op = mx.BatchNorm2d(sketch.values(channels, 1)[:, 0], root**2 - 0.125, scale + (scale == 0), shift, eps=0.125)
    return sketch.add("batchnorm", op, through)


def foldable_norm(sketch: Sketch, at: str) -> str:
    """A convolution that only its batch norm reads."""
    through = sketch.add("conv", same_size(sketch, at, 2), at)
    return sketch.add("relu", mx.ReLU(), normalised(sketch, at, through))


def standing_norm(sketch: Sketch, at: str) -> str:
    """A convolution that its batch norm and somebody else read, so that the batch norm has to stay."""
    through = sketch.add("conv", same_size(sketch, at, sketch.shape(at)[0]), at)
    both = sketch.add("add", mx.Add(), through, normalised(sketch, at, through))
    return sketch.add("relu", mx.ReLU(), both)


def rectify(sketch: Sketch, at: str) -> str:
    return sketch.add("relu", mx.ReLU(), sketch.add("identity", mx.Identity(), at))


def head(sketch: Sketch, at: str, classes: int, gap: bool) -> str:
    """Flatten and two linear layers; or global average pooling and one, as CAM needs."""
    if gap:
        at = sketch.add("gap", mx.GlobalAvgPool(), at)
    at = sketch.add("flatten", mx.Flatten(), at)
    if not gap:
        hidden = mx.Linear(sketch.values(5, *sketch.shape(at)), sketch.biases(5))
        at = sketch.add("relu", mx.ReLU(), sketch.add("linear", hidden, at))
    return sketch.add("linear", mx.Linear(sketch.values(classes, *sketch.shape(at)), sketch.biases(classes)), at)


PLAIN: tuple[Callable[[Sketch, str], str], ...] = (convolve, residual, concatenate, share, max_pool, average, rectify)
NORMS = {"any": (foldable_norm, standing_norm), "foldable": (foldable_norm,), "none": ()}


def random_network(
    seed: int,
    numbers: str = "eighths",
    bias: bool = True,
    batchnorm: str = "any",
    size: int = 3,
    blocks: int = 3,
    classes: int = 2,
    gap: bool | None = None,
) -> mx.Network:
    """A network of ``blocks`` different blocks and a head on pictures (1 or 2, size, size).

    Exact fractions, or float64 for ``numbers="normal"``. ``batchnorm`` "foldable" leaves out batch norms that must
    stay, "none" all of them (they have a shift of their own, so bias=False does without them too). ``gap`` chooses
    the head; None tosses a coin.
    """
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 3)), size, size)
    sketch = Sketch(rng, shape, numbers, bias)
    kinds = PLAIN + (NORMS[batchnorm] if bias else ())
    at = "input"
    for kind in rng.permutation(len(kinds))[:blocks]:
        at = kinds[kind](sketch, at)
    head(sketch, at, classes, sketch.coin() if gap is None else gap)
    return mx.Network(tuple(sketch.nodes), name=f"random {seed}", input_shape=shape)


def random_pictures(seed: int, network: mx.Network, numbers: str = "eighths", n: int = 1) -> np.ndarray:
    """n pictures (n, C, H, W) for the network, negative numbers among them."""
    assert network.input_shape is not None
    pictures = draw_numbers(np.random.default_rng((seed, 1)), (n, *network.input_shape), numbers)
    return pictures if numbers == "normal" else mx.exact(pictures)


def random_case(seed: int, numbers: str = "eighths", n: int = 1, **kinds) -> tuple[mx.Network, np.ndarray]:
    """A network and n pictures for it."""
    network = random_network(seed, numbers, **kinds)
    return network, random_pictures(seed, network, numbers, n)
