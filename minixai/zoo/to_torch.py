"""A network of the engine as a PyTorch module: the same layers, names and weights, for training or a second opinion."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minixai import ops
from minixai.network import Network
from minixai.ops import Op, UnsupportedOp

try:
    import torch
except ImportError as error:
    raise ImportError("making PyTorch modules needs PyTorch: pip install 'minixai[torch]'") from error

import torch.nn.functional as F
from torch import Tensor, nn

FACTS = ("name", "classes", "black", "box", "feature_layer", "pictures")  # what a module can say of its pictures


SMOOTH = {1: "linear", 2: "bilinear", 3: "trilinear"}  # PyTorch's names for one thing, by the axes of a map


class Add(nn.Module):
    """The sum of its inputs."""

    def forward(self, *xs: Tensor) -> Tensor:
        total = xs[0]
        for x in xs[1:]:
            total = total + x
        return total


class Concat(nn.Module):
    """Its inputs' channels, one after the other."""

    def forward(self, *xs: Tensor) -> Tensor:
        return torch.cat(xs, dim=1)


class GlobalAvgPool(nn.Module):
    """The mean of every map, (N, C, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=tuple(range(2, x.ndim)), keepdim=True)


class Identity(nn.Module):
    """Its input, as a tensor of its own: a layer that whoever listens to PyTorch's calls can hear."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


class Resize(nn.Module):
    """Its input's maps in another size, interpolated between the centres of pixels."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != len(self.size) + 2:
            raise ValueError(f"got an input of shape {tuple(x.shape)}; expected (N, C) and {len(self.size)} more axes")
        return F.interpolate(x, size=self.size, mode=SMOOTH[len(self.size)], align_corners=False)


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation of anything with channels on the second axis, as the engine has it."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"got an input of shape {tuple(input.shape)}; expected (N, channels, ...)")


class Graph(nn.Module):
    """The layers of a network, run in their order. ``minixai_facts`` holds what the network knows of its pictures."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.wiring = tuple((node.name, node.inputs) for node in network.nodes)
        self.minixai_facts = {f: getattr(network, f) for f in FACTS if getattr(network, f) is not None}
        made: dict[Op, nn.Module] = {}
        for node in network.nodes:
            own = layer(node.op)
            _tie(own, made.setdefault(node.op, own))
            _place(self, node.name, own)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        values = {"input": x}
        for name, inputs in self.wiring:
            values[name] = self.get_submodule(name)(*(values[i] for i in inputs))
        return values[self.wiring[-1][0]]


def to_torch(network: Network) -> nn.Module:
    """The network as a module in eval mode, in its own precision (fractions become float64).

    Parameters keep the nodes' names, dots nested: "layer1.0.conv1.weight". A layer that stands at two nodes stays one:
    its weights are the same under both names. Raises UnsupportedOp for a layer that PyTorch has no module for,
    ValueError for a node whose name no module can have.
    """
    return Graph(network.astype("float64") if network.dtype == object else network)


def layer(op: Op) -> nn.Module:
    """One layer as a module."""
    for kind, build in _BUILDERS.items():
        if type(op) is kind:
            return build(op)
    raise UnsupportedOp(f"{op!r} has no PyTorch module; expected one of {', '.join(k.__name__ for k in _BUILDERS)}")


def _place(owner: nn.Module, name: str, made: nn.Module) -> None:
    """Put a layer where its name says, through empty modules for the parts of the path."""
    part, dot, rest = name.partition(".")
    parts = dict(owner.named_children())
    try:
        if dot and part not in parts:
            owner.add_module(part, nn.Module())
        if dot:
            return _place(owner.get_submodule(part), rest, made)
        if part in parts:
            raise KeyError(f"{part!r} holds other layers")
        owner.add_module(part, made)
    except KeyError as error:
        raise ValueError(f"no module can be called {name!r} ({error.args[0]}); rename the node") from error


def _tie(made: nn.Module, first: nn.Module) -> None:
    """The same weights and statistics for both."""
    for name, values in (*first.named_parameters(), *first.named_buffers()):
        setattr(made, name, values)


def _conv(module: type[nn.Module]) -> Callable[[Any], nn.Module]:
    def build(op: Any) -> nn.Module:
        outs, ins, *kernel = op.weight.shape
        padding = "same" if _keeps_size(op) else _padding(op)
        ways = {"stride": op.stride, "padding": padding, "dilation": op.dilation, "groups": op.groups}
        return _filled(lambda **kw: module(ins * op.groups, outs, tuple(kernel), **ways, **kw), op)

    return build


def _linear(op: Any) -> nn.Module:
    return _filled(lambda **kw: nn.Linear(op.weight.shape[1], op.weight.shape[0], **kw), op)


def _filled(build: Callable[..., nn.Module], op: Any) -> nn.Module:
    """A module with the layer's weights, made without drawing others first."""
    made = build(bias=op.bias is not None, device="meta").to_empty(device="cpu")
    for name, values in op.arrays().items():
        setattr(made, name, nn.Parameter(torch.tensor(np.asarray(values))))
    return made


def _keeps_size(op: Any) -> bool:
    """Whether the convolution pads its two sides differently in the one way that PyTorch has a name for."""
    missing = [d * (k - 1) for k, d in zip(op.weight.shape[2:], op.dilation, strict=True)]
    odd = any(n % 2 for n in missing) and set(op.stride) == {1}
    return odd and op.padding == tuple((n // 2, n - n // 2) for n in missing)


def _padding(op: Any) -> tuple[int, ...]:
    if any(before != after for before, after in op.padding):
        raise UnsupportedOp(f"{op!r} pads its two sides differently, which PyTorch's layers cannot")
    return tuple(before for before, _ in op.padding)


def _batch_norm(op: Any) -> nn.Module:
    made = BatchNorm(len(op.running_mean), eps=float(op.eps))
    made.running_mean, made.running_var = (torch.tensor(np.asarray(a)) for a in (op.running_mean, op.running_var))
    for name in ("weight", "bias"):
        values = getattr(op, name)
        setattr(made, name, None if values is None else nn.Parameter(torch.tensor(np.asarray(values))))
    return made


def _max_pool(module: type[nn.Module]) -> Callable[[Any], nn.Module]:
    return lambda op: module(op.kernel, op.stride, _padding(op), op.dilation, ceil_mode=op.ceil_mode)


def _avg_pool(module: type[nn.Module]) -> Callable[[Any], nn.Module]:
    return lambda op: module(op.kernel, op.stride, _padding(op), op.ceil_mode, op.count_include_pad)


_BUILDERS: dict[type[Op], Callable[[Any], nn.Module]] = {
    ops.Conv2d: _conv(nn.Conv2d),
    ops.Conv3d: _conv(nn.Conv3d),
    ops.Linear: _linear,
    ops.BatchNorm2d: _batch_norm,
    ops.ReLU: lambda op: nn.ReLU(),
    ops.MaxPool2d: _max_pool(nn.MaxPool2d),
    ops.MaxPool3d: _max_pool(nn.MaxPool3d),
    ops.AvgPool2d: _avg_pool(nn.AvgPool2d),
    ops.AvgPool3d: _avg_pool(nn.AvgPool3d),
    ops.AdaptiveAvgPool2d: lambda op: nn.AdaptiveAvgPool2d(op.output_size),
    ops.GlobalAvgPool: lambda op: GlobalAvgPool(),
    ops.Flatten: lambda op: nn.Flatten(),
    ops.Identity: lambda op: Identity(),
    ops.Add: lambda op: Add(),
    ops.Concat: lambda op: Concat(),
    ops.Resize: lambda op: Resize(op.size),
    ops.Softmax: lambda op: nn.Softmax(dim=1),
}
