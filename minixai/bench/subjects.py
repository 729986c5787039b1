"""What is measured: networks with random weights (time does not depend on them), pictures, and how much of it."""

from dataclasses import dataclass, replace

import numpy as np

from minixai import zoo
from minixai.network import Network, Node
from minixai.ops import Array, Conv2d, Flatten, GlobalAvgPool, Identity, Linear, MaxPool2d, ReLU
from minixai.zoo.noise import texture
from minixai.zoo.weights import he

CLASS = 0  # what is explained: some class, the same on both sides


@dataclass(frozen=True)
class Size:
    """How much is measured. ``rounds`` of short calls, ``long`` of those that take seconds; ``n`` places on a path."""

    name: str
    network: str = "vgg16"
    others: tuple[str, ...] = ("resnet34",)
    rounds: int = 9
    long: int = 5
    n: int = 20
    checked: int | None = None  # pixels along a side at which maps are compared in float64; None: as many as are timed
    sides: tuple[int, ...] = (64, 96, 128, 192, 224, 320, 448)
    batches: tuple[int, ...] = (1, 2, 4, 8, 16)
    depths: tuple[int, ...] = (4, 8, 16, 32)
    side: int = 56  # of the pictures that the networks of different depth are shown
    launches: int = 5
    pictures: int = 3


FULL = Size("full")
QUICK = Size(
    "quick", rounds=3, long=2, n=4, checked=96, sides=(64, 128, 224), batches=(1, 2, 4), depths=(4, 8, 16), launches=2,
    pictures=1,
)  # fmt: skip


def network(name: str, side: int | None = None, dtype: str = "float32") -> Network:
    """The architecture with random weights (He et al.), for pictures of another size where a side is given."""
    found = zoo.random(name, 0, dtype)
    if side is None or found.input_shape is None:
        return found
    channels = found.input_shape[0]
    return replace(found, input_shape=(channels, *(side,) * (len(found.input_shape) - 1)))


def pictures(net: Network, n: int = 1, seed: int = 0) -> Array:
    """Seeded noise over the whole range of the network's pictures, in its precision."""
    return texture(net, n, seed).astype(net.dtype)


def chain(depth: int, side: int, maps: int = 64) -> Network:
    """So many convolutions of 3x3 with their ReLUs, all of one size, and a linear layer over the mean of each map."""
    draw = he(depth)
    layers = [layer for _ in range(depth) for layer in (Conv2d(draw(maps, maps, 3, 3), padding=1), ReLU())]
    head = [GlobalAvgPool(), Flatten(), Linear(draw(10, maps))]
    made = Network.sequential([*layers, *head], name=f"chain of {depth}", input_shape=(maps, side, side))
    return made.astype("float32")


def kept_apart(net: Network) -> Network:
    """The same function with an Identity between each max-pool and what feeds it.

    Captum's DeepLift needs it: where a ReLU feeds a pool, the ReLU's hook reads a gradient from before the pool's own
    hook changed it (its issue 1104).
    """
    nodes: list[Node] = []
    for node in net.nodes:
        if isinstance(node.op, MaxPool2d):
            nodes.append(Node(f"{node.name}_apart", Identity(), node.inputs))
            node = replace(node, inputs=(nodes[-1].name,))
        nodes.append(node)
    return replace(net, nodes=tuple(nodes))


def black(net: Network, x: Array) -> Array:
    """The reference image: black, of the shape of x."""
    return np.array(np.broadcast_to(np.asarray(0 if net.black is None else net.black, x.dtype), x.shape))
