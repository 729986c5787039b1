"""Networks written down as PyTorch modules, in every spelling that PyTorch has for a layer."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import minixai as mx
from minixai import pytorch
from minixai.conformance.making.networks import Sketch, head
from minixai.zoo.to_torch import layer

FEW = {"integrated-gradients": {"n": 4}, "smoothgrad": {"n": 4}}  # methods that need not look at fifty pictures here
METHODS = {name: FEW.get(name, {}) for name in pytorch.METHODS}

Layer = Callable[..., Tensor]
Choose = Callable[[str, list[str]], str]  # (kind, the spellings that fit here) -> one of them


class Written(nn.Module):
    """A network as somebody might have written it: ``choose`` picks the spelling of every layer.

    Computes the network's function with the network's weights. In-place spellings are offered only where nobody else
    reads the memory. ``frugal`` lets go of every tensor once it has been read, as local variables of a module do.
    """

    def __init__(self, network: mx.Network, choose: Choose, frugal: bool = True) -> None:
        super().__init__()
        self.reused, self.reused_in_place = nn.ReLU(), nn.ReLU(inplace=True)
        self.steps: list[tuple[str, tuple[str, ...], Layer]] = []
        self.written: dict[str, str] = {}  # the last spelling of each kind
        made: dict[tuple[mx.Op, str], Layer] = {}  # a layer that is used twice stays one layer
        for node in network.nodes:
            spellings = _spellings(network, node)
            chosen = choose(type(node.op).__name__, list(spellings)) if len(spellings) > 1 else next(iter(spellings))
            self.written[type(node.op).__name__] = chosen
            key = (node.op, chosen)
            if key not in made or not node.op.arrays():
                made[key] = spellings[chosen](self, node.op)
                if isinstance(made[key], nn.Module) and made[key] not in (self.reused, self.reused_in_place):
                    self.add_module(node.name, made[key])
            self.steps.append((node.name, node.inputs, made[key]))
        self.last_read = {name: i for i, (_, inputs, _) in enumerate(self.steps) for name in inputs}
        self.frugal = frugal
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        values = {"input": x}
        for i, (name, inputs, compute) in enumerate(self.steps):
            xs = [values[n] for n in inputs]
            if self.frugal:
                for n in set(inputs):
                    if self.last_read[n] == i:
                        del values[n]
            values[name] = compute(*xs)
            del xs
        return values[self.steps[-1][0]]

    def keep(self, name: str, values: Any) -> Tensor | None:
        """A parameter of its own, for a functional layer."""
        if values is None:
            return None
        parameter = nn.Parameter(torch.tensor(np.asarray(values)))
        self.register_parameter(f"{name}{len(self._parameters)}", parameter)
        return parameter


def first(kind: str, spellings: list[str]) -> str:
    """The plainest spelling: a module for everything."""
    return spellings[0]


def spelled(**wanted: str) -> Choose:
    """One spelling for a kind of layer, where it fits; the plainest for the rest."""
    return lambda kind, fit: wanted[kind] if wanted.get(kind) in fit else fit[0]


def drawn(rng: np.random.Generator) -> Choose:
    """A spelling by lot."""
    return lambda kind, fit: fit[int(rng.integers(len(fit)))]


# -- The spellings: {how it is written: (the module it is part of, the layer) -> what computes it} ---------------------

Spelling = Callable[[Any, Any], Layer]


def _own(module: Written, op: mx.Op) -> nn.Module:
    return layer(op)


def _plain(compute: Layer) -> Spelling:
    return lambda module, op: compute


def _conv(function: Layer) -> Spelling:
    def build(module: Written, op: Any) -> Layer:
        w, b = module.keep("filter", op.weight), module.keep("shift", op.bias)
        padding = tuple(before for before, _ in op.padding)
        return lambda x: function(x, w, b, op.stride, padding, op.dilation, op.groups)

    return build


def _linear(module: Written, op: Any) -> Layer:
    w, b = module.keep("filter", op.weight), module.keep("shift", op.bias)
    return lambda x: F.linear(x, w, b)


def _norm(module: Written, op: Any) -> Layer:
    mean, var = (torch.tensor(a) for a in (op.running_mean, op.running_var))
    number = len(module._buffers)
    module.register_buffer(f"mean{number}", mean)
    module.register_buffer(f"var{number}", var)
    w, b = module.keep("scale", op.weight), module.keep("shift", op.bias)

    def compute(x: Tensor) -> Tensor:
        statistics = module.get_buffer(f"mean{number}"), module.get_buffer(f"var{number}")
        return F.batch_norm(x, *statistics, w, b, False, 0.1, op.eps)

    return compute


def _max_pool(function: Layer) -> Spelling:
    def build(module: Written, op: Any) -> Layer:
        padding = tuple(before for before, _ in op.padding)
        return lambda x: function(x, op.kernel, op.stride, padding, op.dilation, op.ceil_mode)

    return build


def _avg_pool(module: Written, op: Any) -> Layer:
    padding = tuple(before for before, _ in op.padding)
    return lambda x: F.avg_pool2d(x, op.kernel, op.stride, padding, op.ceil_mode, op.count_include_pad)


RELU: dict[str, Spelling] = {
    "nn.ReLU()": lambda module, op: nn.ReLU(),
    "one nn.ReLU": lambda module, op: module.reused,
    "F.relu(x)": _plain(lambda x: F.relu(x)),
    "torch.relu(x)": _plain(lambda x: torch.relu(x)),
    "x.relu()": _plain(lambda x: x.relu()),
    "x.clamp(min=0)": _plain(lambda x: x.clamp(min=0)),
    "torch.clamp(x, 0)": _plain(lambda x: torch.clamp(x, 0)),
    "x.clip(min=0)": _plain(lambda x: x.clip(min=0)),
    "x.clamp_min(0)": _plain(lambda x: x.clamp_min(0)),
    "F.threshold(x, 0, 0)": _plain(lambda x: F.threshold(x, 0, 0)),
}
RELU_IN_PLACE: dict[str, Spelling] = {
    "nn.ReLU(inplace=True)": lambda module, op: nn.ReLU(inplace=True),
    "one nn.ReLU(inplace=True)": lambda module, op: module.reused_in_place,
    "F.relu(x, inplace=True)": _plain(lambda x: F.relu(x, inplace=True)),
    "torch.relu_(x)": _plain(lambda x: torch.relu_(x)),
    "x.relu_()": _plain(lambda x: x.relu_()),
    "x.clamp_(min=0)": _plain(lambda x: x.clamp_(min=0)),
    "nn.Threshold(0, 0, inplace=True)": lambda module, op: nn.Threshold(0, 0, inplace=True),
}


def _iadd(a: Tensor, b: Tensor) -> Tensor:
    a += b
    return a


ADD: dict[str, Spelling] = {
    "a + b": _plain(lambda a, b: a + b),
    "torch.add(a, b)": _plain(lambda a, b: torch.add(a, b)),
    "a.add(b)": _plain(lambda a, b: a.add(b)),
}
ADD_IN_PLACE: dict[str, Spelling] = {"a += b": _plain(_iadd), "a.add_(b)": _plain(lambda a, b: a.add_(b))}

CONCAT: dict[str, Spelling] = {
    "torch.cat(xs, 1)": _plain(lambda *xs: torch.cat(xs, 1)),
    "torch.cat(xs, dim=1)": _plain(lambda *xs: torch.cat(list(xs), dim=1)),
    "torch.cat(xs, axis=1)": _plain(lambda *xs: torch.cat(xs, axis=1)),
    "torch.concat": _plain(lambda *xs: torch.concat(xs, 1)),
    "torch.cat(xs, -3)": _plain(lambda *xs: torch.cat(xs, -3)),
}
FLATTEN: dict[str, Spelling] = {
    "nn.Flatten()": lambda module, op: nn.Flatten(),
    "x.flatten(1)": _plain(lambda x: x.flatten(1)),
    "torch.flatten(x, 1)": _plain(lambda x: torch.flatten(x, start_dim=1)),
    "x.view(len(x), -1)": _plain(lambda x: x.contiguous().view(len(x), -1)),
    "x.view(x.size(0), -1)": _plain(lambda x: x.contiguous().view(x.size(0), -1)),
    "x.view(-1, n)": _plain(lambda x: x.contiguous().view(-1, prod(x.shape[1:]))),
    "x.reshape(x.shape[0], -1)": _plain(lambda x: x.reshape(x.shape[0], -1)),
    "torch.reshape(x, (n, -1))": _plain(lambda x: torch.reshape(x, (len(x), -1))),
    "x.unflatten": _plain(lambda x: x.flatten(1).unflatten(1, (1, -1)).flatten(1)),
}
GAP: dict[str, Spelling] = {
    "x.mean((2, 3), keepdim=True)": _plain(lambda x: x.mean((2, 3), keepdim=True)),
    "x.mean([2, 3])": _plain(lambda x: x.mean([2, 3])),
    "torch.mean(x, (-1, -2))": _plain(lambda x: torch.mean(x, (-1, -2))),
    "x.mean(axis=(2, 3))": _plain(lambda x: x.mean(axis=(2, 3), keepdims=True)),
    "nn.AdaptiveAvgPool2d(1)": lambda module, op: nn.AdaptiveAvgPool2d(1),
    "F.adaptive_avg_pool2d(x, (1, 1))": _plain(lambda x: F.adaptive_avg_pool2d(x, (1, 1))),
}
IDENTITY: dict[str, Spelling] = {
    "nn.Identity()": lambda module, op: nn.Identity(),
    "nn.Dropout(0.5)": lambda module, op: nn.Dropout(0.5),
    "nn.Dropout2d(0.5)": lambda module, op: nn.Dropout2d(0.5),
    "F.dropout(x, training=self.training)": lambda module, op: lambda x: F.dropout(x, 0.5, module.training),
    "x.clone()": _plain(lambda x: x.clone()),
    "x.contiguous()": _plain(lambda x: x.contiguous()),
}
SOFTMAX: dict[str, Spelling] = {
    "nn.Softmax(1)": lambda module, op: nn.Softmax(dim=1),
    "F.softmax(x, 1)": _plain(lambda x: F.softmax(x, dim=1)),
    "x.softmax(-1)": _plain(lambda x: x.softmax(-1)),
    "F.log_softmax(x, 1)": _plain(lambda x: F.log_softmax(x, dim=1)),
    "nn.LogSoftmax(1)": lambda module, op: nn.LogSoftmax(dim=1),
}
SPELLINGS: dict[str, Mapping[str, Spelling]] = {
    "ReLU": RELU,
    "Add": ADD,
    "Concat": CONCAT,
    "Flatten": FLATTEN,
    "GlobalAvgPool": GAP,
    "Identity": IDENTITY,
    "Softmax": SOFTMAX,
    "Conv2d": {"nn.Conv2d": _own, "F.conv2d": _conv(F.conv2d), "torch.conv2d": _conv(torch.conv2d)},
    "Linear": {"nn.Linear": _own, "F.linear": _linear},
    "BatchNorm2d": {"nn.BatchNorm2d": _own, "F.batch_norm": _norm},
    "MaxPool2d": {
        "nn.MaxPool2d": _own,
        "F.max_pool2d": _max_pool(F.max_pool2d),
        "torch.max_pool2d": _max_pool(torch.max_pool2d),
    },
    "AvgPool2d": {"nn.AvgPool2d": _own, "F.avg_pool2d": _avg_pool},
    "AdaptiveAvgPool2d": {
        "nn.AdaptiveAvgPool2d": _own,
        "F.adaptive_avg_pool2d": lambda module, op: lambda x: F.adaptive_avg_pool2d(x, op.output_size),
    },
}
IN_PLACE = {"ReLU": RELU_IN_PLACE, "Add": ADD_IN_PLACE}
WIRES = (mx.Flatten, mx.Identity)  # may hand out the memory that they read


def _spellings(network: mx.Network, node: mx.Node) -> Mapping[str, Spelling]:
    kind = type(node.op).__name__
    usual = SPELLINGS[kind]
    return {**usual, **IN_PLACE[kind]} if kind in IN_PLACE and _free(network, node.inputs[0]) else usual


def _free(network: mx.Network, name: str) -> bool:
    """Whether the memory of this node may be written over by the only one who reads it.

    Not what a ReLU computed: autograd needs that number again on the way back.
    """
    while len(network.consumers(name)) == 1 and name != "input":
        op = network.node(name).op
        if not isinstance(op, WIRES):
            return not isinstance(op, mx.ReLU)
        name = network.node(name).inputs[0]
    return False


# -- Networks ---------------------------------------------------------------------------------------------------------


def everything(seed: int = 0, gap: bool = True, bias: bool = True, classes: int = 3) -> mx.Network:
    """A small network with a residual sum, a concatenation, batch norms that fold and that do not, dropout, pools."""
    sketch = Sketch(np.random.default_rng(seed), (2, 6, 6), "normal", bias)

    def conv(at: str, channels: int, k: int = 3) -> str:
        weight = sketch.values(channels, sketch.shape(at)[0], k, k)
        return sketch.add("conv", mx.Conv2d(weight, sketch.biases(channels), padding=k // 2), at)

    def norm(at: str) -> str:
        n = sketch.shape(at)[0]
        mean, gain, shift = (sketch.values(n, 1)[:, 0] for _ in range(3))
        return sketch.add("batchnorm", mx.BatchNorm2d(mean, 0.5 + mean**2, 1 + gain / 4, shift), at)

    def relu(at: str) -> str:
        return sketch.add("relu", mx.ReLU(), at)

    at = relu(norm(conv("input", 4)))  # a batch norm that folds
    at = sketch.add("maxpool", mx.MaxPool2d(3, 1, 1), at)
    inner = norm(conv(relu(conv(at, 4)), 4))
    at = relu(sketch.add("add", mx.Add(), inner, at))
    at = norm(at)  # one that does not: no layer before it
    left, right = relu(conv(at, 2, 1)), conv(at, 2)
    at = relu(sketch.add("concat", mx.Concat(), left, right))
    at = sketch.add("identity", mx.Identity(), at)
    at = sketch.add("avgpool", mx.AvgPool2d(2), at)
    at = relu(conv(at, 3))
    head(sketch, at, classes, gap)
    return mx.Network(sketch.nodes, name="everything", input_shape=(2, 6, 6))


def pictures(network: mx.Network, n: int = 2, seed: int = 0, blank: bool = True) -> np.ndarray:
    """Textured pictures, with a blank corner each: exact zeros, where a gate is a matter of convention."""
    assert network.input_shape is not None
    x = np.random.default_rng((seed, 5)).normal(size=(n, *network.input_shape))
    half = x.shape[-1] // 2
    x[..., :half, :half] *= not blank
    return x
