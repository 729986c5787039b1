"""A network as blocks side by side: which layers belong together, how large their maps are, which arrows jump."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from minixai.draw.words import by
from minixai.network import INPUT, Network, Node, forward
from minixai.ops import Array, Conv2d, Conv3d, Flatten, GlobalAvgPool, Identity, Linear, Op, ReLU
from minixai.ops.numbers import zeros
from minixai.ops.pooling import AdaptiveAvgPool2d, AvgPool2d, AvgPool3d, MaxPool2d, MaxPool3d

ACROSS = 7  # at most so many blocks side by side
CONVS, POOLS = (Conv2d, Conv3d), (MaxPool2d, MaxPool3d, AvgPool2d, AvgPool3d, AdaptiveAvgPool2d, GlobalAvgPool)
KINDS: dict[str, tuple] = {"conv": CONVS, "linear": (Linear,), "relu": (ReLU,), "pool": POOLS}
HEADS = (GlobalAvgPool, AdaptiveAvgPool2d, Flatten, Identity)
Jump = tuple[str, str]  # from one layer to a later one


@dataclass(frozen=True)
class Block:
    """A column of the figure: layers that follow one another, and the size of the maps that leave it."""

    title: str
    nodes: tuple[Node, ...]
    size: tuple[int, ...] | None


def blocks_of(network: Network, sizes: Mapping[str, tuple[int, ...]]) -> list[Block]:
    """The network's layers in blocks, after one for the input; ``sizes``: {node: shape}, as of :func:`sizes_of`."""
    columns: list[list[Node]] = []
    for node in network.nodes:
        if not columns or columns[-1][-1].name not in node.inputs or _opens(node.op, columns[-1]):
            columns.append([])
        columns[-1].append(node)
    kinds = [next((kind for n in nodes if (kind := kind_of(n.op)) in ("conv", "linear")), "other") for nodes in columns]
    names = {"conv": "conv block", "linear": "fully connected", "other": "layers"}
    titles = [f"{names[kind]} {kinds[: k + 1].count(kind)}" for k, kind in enumerate(kinds)]
    made = [Block(t, tuple(nodes), sizes.get(nodes[-1].name)) for t, nodes in zip(titles, columns, strict=True)]
    return [Block("input", (), sizes.get(INPUT)), *made]


def _opens(op: Op, column: Sequence[Node]) -> bool:
    """Whether this layer starts a block: every convolution, and the head, up to and with its linear layer."""
    in_head = all(isinstance(node.op, HEADS) for node in column)
    return isinstance(op, CONVS) or (isinstance(op, (Linear, *HEADS[:3])) and not in_head)


def jumps_of(network: Network) -> list[Jump]:
    """The connections (source, target) that pass over other layers."""
    names = [INPUT, *(node.name for node in network.nodes)]
    pairs = zip(names, network.nodes, strict=False)
    return [(source, node.name) for before, node in pairs for source in node.inputs if source != before]


def lines_of(blocks: Sequence[Block], jumps: Sequence[Jump]) -> list[Sequence[Block]]:
    """Blocks side by side, at most ACROSS: lines of one length, unless that tears a jump apart that can stay whole."""
    place = {INPUT: 0} | {node.name: k for k, block in enumerate(blocks) for node in block.nodes}
    torn = {k for source, target in jumps for k in range(place[source] + 1, place[target] + 1)}
    n = len(blocks)
    even = ceil(n / ceil(n / ACROSS))
    if torn.isdisjoint(range(even, n, even)):
        return [blocks[k : k + even] for k in range(0, n, even)]
    lines, start = [], 0
    while start < n:
        furthest = min(start + ACROSS, n)
        end = next((k for k in range(furthest, start, -1) if k not in torn), furthest)
        lines.append(blocks[start:end])
        start = end
    return lines


def sizes_of(network: Network, x: Array | None) -> dict[str, tuple[int, ...]]:
    """{node: the shape of what it computes, for one picture}; empty where nobody says how large a picture is."""
    if x is None:
        if network.input_shape is None:
            return {}
        x = zeros(network.input_shape, np.empty(0, network.dtype))
    return {step.name: step.y.shape[1:] for step in forward(network, x).steps}


def kind_of(op: Op) -> str:
    """conv, linear, relu, pool or other."""
    return next((kind for kind, types in KINDS.items() if isinstance(op, types)), "other")


def layer_words(op: Op) -> str:
    """The layer in a few characters: what its box says below its name."""
    if isinstance(op, CONVS):
        stride = "" if set(op.stride) == {1} else f", stride {op.stride[0]}"
        return f"{by(op.weight.shape[2:])}, {op.weight.shape[1] * op.groups} to {len(op.weight)}{stride}"
    if isinstance(op, Linear):
        return f"{op.weight.shape[1]} to {op.weight.shape[0]}"
    if isinstance(op, MaxPool2d | MaxPool3d | AvgPool2d | AvgPool3d):
        return f"{'max' if isinstance(op, MaxPool2d | MaxPool3d) else 'mean'} of {by(op.kernel)}"
    return type(op).__name__


def network_words(network: Network, blocks: Sequence[Block]) -> str:
    """The whole chart in words."""
    parts = [f"{b.title} ({', '.join(type(n.op).__name__ for n in b.nodes)}) {by(b.size)}".strip() for b in blocks[1:]]
    return f"Network {network.name}, input {by(blocks[0].size)}: {'; '.join(parts)}."
