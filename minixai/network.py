"""A network is data: named layers in order. Its forward pass leaves a tape, on which every method walks back."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from minixai.ops import Array, BatchNorm2d, Conv2d, Conv3d, Identity, Input, Linear, Op, Softmax, exact
from minixai.ops.numbers import FLOATS, is_exact

INPUT = "input"
DTYPES = ("float32", "float64", "exact")
AXES = {1: ("F",), 3: ("C", "H", "W"), 4: ("C", "D", "H", "W")}


@dataclass(frozen=True, eq=False)
class Node:
    """One layer of a network: its name, what it computes, and the names of the nodes it reads ("input" is x)."""

    name: str
    op: Op
    inputs: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", _names(self.inputs))


@dataclass(frozen=True, eq=False)
class Step:
    """One line of the tape: a node, what it read (``parents``), what it computed (``y``), what it decided (``choice``).

    ``choice`` is the gates of a ReLU or the switches of a max-pool, None for other layers. ``ref`` is the same line
    on the tape of a reference image, where a method compares with one.
    """

    name: str
    op: Op
    parents: tuple["Step", ...]
    y: Array
    choice: Any = None
    ref: "Step | None" = None

    @property
    def xs(self) -> tuple[Array, ...]:
        """What the layer read."""
        return tuple(parent.y for parent in self.parents)

    @property
    def x(self) -> Array:
        """What a layer with one input read."""
        (x,) = self.xs
        return x

    @property
    def operands(self) -> tuple[Array, ...]:
        """The arguments of ``op.forward``: the inputs, then the choice where there is one."""
        return self.xs if self.choice is None else (*self.xs, self.choice)

    @property
    def reference(self) -> "Step":
        """``ref``, for rules that cannot do without."""
        if self.ref is None:
            raise ValueError(f"node {self.name!r} has no reference; call forward(network, x, ref=forward(network, x0))")
        return self.ref

    @property
    def dy(self) -> Array:
        """How far the output is from the reference's."""
        return self.y - self.reference.y


@dataclass(frozen=True, eq=False)
class Tape:
    """A forward pass, kept: one :class:`Step` per node, the picture first and the scores S(x) last."""

    network: "Network"
    steps: tuple[Step, ...]

    def __getitem__(self, name: str) -> Step:
        if name not in self._by_name:
            raise ValueError(f"layer {name!r} is not on the tape; expected one of {', '.join(self._by_name)}")
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    @property
    def input(self) -> Step:
        return self.steps[0]

    @property
    def output(self) -> Step:
        return self[self.network.output]


@dataclass(frozen=True, eq=False)
class Network:
    """Named nodes in topological order; the last one is the scores S(x) (a Softmax after them is left out).

    The other fields are optional facts about the pictures it was made for: ``classes`` (names), ``black`` (a black
    picture after preprocessing), ``box`` (lowest and highest possible input), ``feature_layer`` (where CAM, Grad-CAM
    and FEM look), ``input_shape`` (C, H, W) or (C, D, H, W), ``pictures`` (how to preprocess; see
    :mod:`minixai.zoo.pictures`).
    """

    nodes: tuple[Node, ...]
    name: str = field(default="network", kw_only=True)
    classes: tuple[str, ...] | None = field(default=None, kw_only=True)
    black: Any = field(default=None, kw_only=True)
    box: tuple[Any, Any] | None = field(default=None, kw_only=True)
    feature_layer: str | None = field(default=None, kw_only=True)
    input_shape: tuple[int, ...] | None = field(default=None, kw_only=True)
    pictures: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        _check_nodes(self.nodes)
        if self.feature_layer is not None and self.feature_layer not in (n.name for n in self.nodes):
            raise ValueError(f"feature_layer is {self.feature_layer!r}; expected one of the nodes: {self._listed()}")
        dtypes = {a.dtype for n in self.nodes for a in n.op.arrays().values()}
        if len(dtypes) > 1 and np.dtype(object) in dtypes:
            raise ValueError("the network mixes fractions and floats; convert it with net.astype('exact') or 'float64'")

    @classmethod
    def sequential(cls, ops: Iterable[Op], **facts: Any) -> "Network":
        """A chain of layers, named after their kind and number: conv1, relu1, maxpool1, ..., linear1."""
        nodes: list[Node] = []
        for op in ops:
            kind = type(op).__name__.lower().removesuffix("2d").removesuffix("3d")
            number = 1 + sum(type(n.op) is type(op) for n in nodes)
            nodes.append(Node(f"{kind}{number}", op, (nodes[-1].name if nodes else INPUT,)))
        return cls(tuple(nodes), **facts)

    def __call__(self, x: Any) -> Array:
        """The scores S(x), before any final softmax: (N, K) for a batch, (K,) for one picture."""
        batch = self.batch(x)
        scores = forward(self, batch).output.y
        return scores[0] if batch.ndim > np.ndim(x) else scores

    @property
    def output(self) -> str:
        """The node that holds the scores: the last, or the one before a final Softmax."""
        last = self.nodes[-1]
        return last.inputs[0] if isinstance(last.op, Softmax) and last.inputs[0] != INPUT else last.name

    @property
    def dtype(self) -> np.dtype:
        """What the network computes in: float32, float64 or object (fractions); float64 if it has no parameters."""
        found = [a.dtype for n in self.nodes for a in n.op.arrays().values()]
        return np.result_type(*found) if found else np.dtype(np.float64)

    def astype(self, dtype: str) -> "Network":
        """The same network computing in "float32", "float64" or "exact" fractions (every float converts exactly)."""
        if dtype not in DTYPES:
            raise ValueError(f"dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
        change = exact if dtype == "exact" else lambda a: a.astype(dtype)
        converted = {op: op.convert(change) for op in {n.op for n in self.nodes}}  # one op at two nodes stays one
        return replace(self, nodes=tuple(replace(n, op=converted[n.op]) for n in self.nodes))

    def preprocess(self, picture: Any) -> Array:
        """A picture (path, PIL image or HWC uint8 array) as this network wants it: x of shape ``input_shape``."""
        return self._pictures().preprocess(picture)

    def unpreprocess(self, x: Array) -> Array:
        """x back to a picture: (H, W, 3) uint8."""
        return self._pictures().unpreprocess(x)

    def to_torch(self) -> Any:
        """The same network as a PyTorch module in eval mode, parameters named after the nodes."""
        from minixai.zoo.to_torch import to_torch

        return to_torch(self)

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read ``name``."""
        return tuple(n for n in self.nodes if name in n.inputs)

    def node(self, name: str) -> Node:
        """The node of that name; ValueError lists the names there are."""
        for n in self.nodes:
            if n.name == name:
                return n
        raise ValueError(f"layer {name!r} is not in the network; expected one of {self._listed()}")

    def batch(self, x: Any) -> Array:
        """x, checked, as a batch in the network's arithmetic; one picture gets a batch axis of 1."""
        x, shape = np.asarray(x), self.input_shape or AXES[_input_axes(self, INPUT) or 3]
        _check_numbers(self, x)
        fits = self.input_shape is None or x.shape[-len(shape) :] == tuple(shape)
        if x.ndim - len(shape) not in (0, 1) or not fits:
            wanted = ", ".join(map(str, shape))
            raise ValueError(f"x has shape {x.shape}; expected one picture ({wanted}) or a batch (N, {wanted})")
        batch = x[None] if x.ndim == len(shape) else x
        return exact(batch) if is_exact(batch) else batch

    def _pictures(self) -> Any:
        if self.pictures is None:
            raise ValueError("this network does not say how pictures become inputs; pass an array, or give pictures=")
        return self.pictures

    def _listed(self) -> str:
        return ", ".join(n.name for n in self.nodes)


def forward(network: Network, x: Any, ref: Tape | None = None, choices: Tape | None = None) -> Tape:
    """Run the network on x and keep everything: the tape.

    ``ref`` is the tape of a reference image, tied to this one line by line. ``choices`` fixes every gate and switch
    as it is on that tape, which makes the network linear: S(x) = w.x + b with w the gradient and
    b = forward(network, 0 * x, choices=tape), Eq. (3). Raises ValueError naming the node that cannot compute.
    """
    steps = {INPUT: Step(INPUT, Input(), (), network.batch(x), ref=ref.input if ref else None)}
    for node in network.nodes:
        if node.name == network.nodes[-1].name != network.output:
            break  # a final softmax: S_c is the score before it
        parents = tuple(steps[name] for name in node.inputs)
        xs = tuple(parent.y for parent in parents)
        try:
            choice = node.op.choose(*xs) if choices is None else choices[node.name].choice
            y = node.op.forward(*xs) if choice is None else node.op.forward(*xs, choice)
        except ValueError as error:
            raise type(error)(f"node {node.name!r}, {node.op!r}: {error}") from error
        steps[node.name] = Step(node.name, node.op, parents, y, choice, ref[node.name] if ref else None)
    return Tape(network, tuple(steps.values()))


def fold_batchnorm(network: Network) -> Network:
    """The same function with each batch norm folded into the convolution or linear layer that feeds only it.

    w' = scale w, b' = scale b + shift; an Identity keeps the batch norm's name. Others are left standing.
    """
    folded: dict[str, Node] = {}
    for node in network.nodes:
        into = folded.get(node.inputs[0])
        if isinstance(node.op, BatchNorm2d) and into is not None and len(network.consumers(into.name)) == 1:
            if isinstance(into.op, Conv2d | Conv3d | Linear):
                folded[into.name] = replace(into, op=_folded(into.op, *node.op.affine()))
                node = replace(node, op=Identity())
        folded[node.name] = node
    return replace(network, nodes=tuple(folded.values()))


def _folded(op: Conv2d | Conv3d | Linear, scale: Array, shift: Array) -> Op:
    weight = op.weight * scale.reshape(-1, *(1,) * (op.weight.ndim - 1))
    return replace(op, weight=weight, bias=shift if op.bias is None else op.bias * scale + shift)


def _names(inputs: str | Iterable[str]) -> tuple[str, ...]:
    return (inputs,) if isinstance(inputs, str) else tuple(inputs)


def _check_nodes(nodes: tuple[Node, ...]) -> None:
    known = {INPUT}
    if not nodes:
        raise ValueError("the network has no nodes; expected at least one")
    for node in nodes:
        if not isinstance(node.op, Op):
            raise ValueError(f"node {node.name!r} holds {node.op!r}; expected a layer, such as ReLU()")
        if node.name in known:
            raise ValueError(f"two nodes are called {node.name!r}; names must differ, and 'input' is x")
        missing = [name for name in node.inputs if name not in known]
        if missing or not node.inputs:
            raise ValueError(f"node {node.name!r} reads {node.inputs}; expected earlier nodes: {', '.join(known)}")
        if len(node.inputs) > 1 and not node.op.joins:
            raise ValueError(f"node {node.name!r}, {node.op!r}, reads {len(node.inputs)} nodes; expected one")
        known.add(node.name)


def _check_numbers(network: Network, x: Array) -> None:
    if x.dtype not in (*FLOATS, np.dtype(object)):
        raise ValueError(
            f"x has dtype {x.dtype}; expected float32, float64 or fractions: use net.preprocess(picture), or convert "
            "it with x.astype('float32')"
        )
    if is_exact(x) and not all(hasattr(v, "numerator") or hasattr(v, "free_symbols") for v in x.flat):
        raise ValueError("x has dtype object, but not only fractions in it; make one with minixai.exact(x)")
    parameters = any(n.op.arrays() for n in network.nodes)
    if parameters and is_exact(x) != (network.dtype == object):
        ours, yours = ("fractions", "floats") if network.dtype == object else ("floats", "fractions")
        raise ValueError(
            f"the network computes in {ours}, x is in {yours}; convert one: minixai.exact(x), or "
            "net.astype('exact' | 'float64' | 'float32')"
        )
    if not is_exact(x) and not np.isfinite(x).all():
        raise ValueError("x holds NaN or infinite values; expected finite numbers: clean the picture first")


def _input_axes(network: Network, name: str) -> int | None:
    """The axes of one picture, from the first layer that says; None if none behind ``name`` does."""
    said = (node.op.input_axes or _input_axes(network, node.name) for node in network.consumers(name))
    return next((axes for axes in said if axes), None)
