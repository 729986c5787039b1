"""An ONNX file as a network of the engine: its nodes, names and weights.

The operators are those of image classifiers, as PyTorch and others export them; a reader per operator says which layer
it is. A setting that its reader does not know is refused, not ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from inspect import signature
from math import prod
from os import PathLike
from typing import Any

import numpy as np

from minixai import ops
from minixai.network import INPUT, Network, Node
from minixai.ops import Array, Op, UnsupportedOp
from minixai.zoo.onnx_file import Layer, Model, read

Sizes = tuple[int, ...]
LARGEST = float(np.finfo(np.float32).max)  # what a Clip without a maximum says, at times


def from_onnx(path: str | PathLike[str]) -> Network:
    """The network in an ONNX file, up to the scores S(x): a softmax at the end is left out, maps of one pixel a row.

    Nodes keep their names in the file, weights their precision. Needs the onnx package: pip install 'minixai[onnx]'.

    Raises FileNotFoundError; UnsupportedOp naming the node that the engine has no layer for; ValueError for a file
    that is damaged, too large, keeps numbers in other files, or is for pictures of no fixed size.
    """
    model = read(path)
    scores = _scores(model)
    layers = _leading_to(scores, model)
    shape = model.shapes.get(scores, ())
    if not layers or len(shape) < 2 or set(shape[2:]) - {1}:
        raise ValueError(f"the output {scores!r} is no row of scores, (N, classes), computed from the picture")
    for layer in layers:  # before anything is read, so that a Transpose is named rather than the Reshape it needs
        if layer.kind not in _READERS:
            raise _no_layer(layer, f"expected one of {', '.join(_READERS)}")
    sketch = _Sketch(model, layers, holds={model.input: INPUT})
    for layer in layers:
        try:
            sketch.add(layer)
        except ValueError as error:
            raise _no_layer(layer, str(error)) from error
    if len(shape) > 2:
        sketch.flatten(scores)
    return Network(tuple(sketch.nodes.values()), name=model.name, input_shape=model.shapes[model.input][1:])


def _no_layer(layer: Layer, why: str) -> UnsupportedOp:
    return UnsupportedOp(f"node {layer.name!r}, {layer.kind}, has no layer in the engine: {why}")


def _scores(model: Model) -> str:
    """The tensor of the scores: the output, or what a softmax at the end reads."""
    for layer in model.layers:
        if model.output in layer.outputs and layer.kind in ("Softmax", "LogSoftmax"):
            rank = len(model.shapes.get(layer.inputs[0], ()))
            if rank > 1 and layer.settings["axis"] in (1, 1 - rank):
                return layer.inputs[0]
    return model.output


def _leading_to(scores: str, model: Model) -> list[Layer]:
    """The layers that the scores depend on, in their order."""
    wanted, layers = {scores}, []
    for layer in reversed(model.layers):
        if wanted & set(layer.outputs):
            wanted |= set(_carrying(layer)) - {""}
            layers.append(layer)
    return layers[::-1]


def _carrying(layer: Layer) -> tuple[str, ...]:
    """The tensors it reads whose numbers matter. A shape to bring others into does not: all shapes are known."""
    return layer.inputs[:1] if layer.kind == "Reshape" else layer.inputs


@dataclass(frozen=True, eq=False)
class Bias:
    """What an Add of constants is: the bias of the layer above it."""

    values: Array


@dataclass(frozen=True, eq=False)
class Place:
    """A layer where it stands in the file, as its reader asks about it. Every answer that is missing is a refusal."""

    layer: Layer
    model: Model

    @property
    def computed(self) -> list[str]:
        """The tensors it reads that are computed from the picture."""
        return [name for name in _carrying(self.layer) if name and name not in self.model.constants]

    @property
    def shape(self) -> Sizes:
        """Of what it reads first, with the batch axis."""
        return self._shape(self.layer.inputs[0])

    @property
    def result(self) -> Sizes:
        """Of what it computes."""
        return self._shape(self.layer.outputs[0])

    def constant(self, number: int) -> Array | None:
        """The constants that it reads as its input of that number, None where they are left out."""
        name = self.layer.inputs[number] if number < len(self.layer.inputs) else ""
        if name and name not in self.model.constants:
            raise ValueError(f"it computes {name!r}, which must be constant")
        return self.model.constants[name] if name else None

    def weights(self, number: int, axes: int) -> Array:
        """Constants that must be there: finite floats with so many axes."""
        values = self.constant(number)
        if values is None or values.dtype.kind != "f" or values.ndim != axes or not np.isfinite(values).all():
            raise ValueError(f"its input {number} is no constant of finite floats with {axes} axes")
        return values

    def bias(self, number: int, outputs: int) -> Array | None:
        """One constant per output, or none."""
        values = self.constant(number)
        return None if values is None else _per_output(values, outputs, axis=-1)

    def by_axes(self, flat: type[Op], deep: type[Op]) -> Callable[..., Any]:
        """The layer for maps of 2 axes, or of 3."""
        kinds = {4: flat, 5: deep}
        if len(self.shape) not in kinds:
            raise ValueError(f"it reads {self.shape}; expected (N, C, H, W) or (N, C, D, H, W)")
        return kinds[len(self.shape)]

    def only_computed(self) -> None:
        """Everything it reads must come from the picture."""
        if len(self.computed) != len(self.layer.inputs):
            raise ValueError("it reads constants; expected only what is computed from the picture")

    def _shape(self, name: str) -> Sizes:
        if name not in self.model.shapes:
            raise ValueError(f"the shape of {name!r} does not follow from the input's")
        return self.model.shapes[name]


Reader = Callable[..., Op | tuple[Op, ...] | Bias]  # (place, **settings of the node)


@dataclass(frozen=True, eq=False)
class _Sketch:
    """A network while it is drawn: its nodes so far, and which of them holds which tensor."""

    model: Model
    layers: list[Layer]
    holds: dict[str, str]
    nodes: dict[str, Node] = field(default_factory=dict)

    def add(self, layer: Layer) -> None:
        place = Place(layer, self.model)
        strangers = [name for name in place.computed if name not in self.holds]
        if strangers or not place.computed:
            raise ValueError(f"it reads {strangers or 'constants only'}; expected what layers before it compute")
        parents = tuple(self.holds[name] for name in place.computed)
        found = _read(place)
        if isinstance(found, Bias):
            self._shift(place.computed[0], found.values)
            self.holds[layer.outputs[0]] = parents[0]
            return
        first, *then = found if isinstance(found, tuple) else (found,)
        chain = [Node(layer.name, first, parents), *(Node(f"{layer.name}_flat", op, (layer.name,)) for op in then)]
        self.nodes.update({node.name: node for node in chain})
        self.holds[layer.outputs[0]] = chain[-1].name

    def flatten(self, tensor: str) -> None:
        """One more layer: scores that are maps of a single pixel each, as a row."""
        last = self.holds[tensor]
        self.nodes[f"{last}_flat"] = Node(f"{last}_flat", ops.Flatten(), (last,))

    def _shift(self, tensor: str, values: Array) -> None:
        """Give the layer that computes ``tensor`` the bias that an Add of constants is, if nobody else reads it."""
        node = self.nodes.get(self.holds.get(tensor, ""))
        readers = sum(layer.inputs.count(tensor) for layer in self.layers)
        if node is None or not isinstance(node.op, ops.Conv2d | ops.Conv3d | ops.Linear) or readers != 1:
            raise ValueError("it adds constants; expected that only right after a convolution or a linear layer")
        if node.op.bias is not None:
            raise ValueError(f"it adds constants, but {node.name!r} has a bias already")
        bias = _per_output(values, len(node.op.weight), axis=1 - len(self.model.shapes[tensor]))
        self.nodes[node.name] = replace(node, op=replace(node.op, bias=bias))


def _read(place: Place) -> Op | tuple[Op, ...] | Bias:
    """What the layer is, by the reader of its kind."""
    reader = _READERS[place.layer.kind]
    unknown = sorted(set(place.layer.settings) - set(signature(reader).parameters))
    if unknown:
        raise ValueError(f"its setting {', '.join(unknown)} is not known")
    return reader(place, **place.layer.settings)


def _per_output(values: Array, outputs: int, axis: int) -> Array:
    """Constants with one number per output along ``axis`` (counted from the end), or one for all: (outputs,)."""
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        raise ValueError("what it adds are no finite floats")
    others = [n for i, n in enumerate(values.shape) if i - values.ndim != axis]
    if values.size not in (1, outputs) or set(others) - {1}:
        raise ValueError(f"it adds constants of shape {values.shape}; expected one per output, {outputs}")
    return np.array(np.broadcast_to(values.ravel(), outputs))


# -- Readers: one per operator, or for several that are alike. Their parameters are the operators' settings. ----------


def _conv(
    at: Place, kernel_shape: Any = None, strides: Any = None, pads: Any = None, dilations: Any = None,
    auto_pad: str = "NOTSET", group: int = 1,
) -> Op:  # fmt: skip
    weight = at.weights(1, len(at.shape))
    kernel = weight.shape[2:]
    if tuple(kernel_shape or kernel) != kernel:
        raise ValueError(f"its kernel_shape is {kernel_shape}, its weights are {weight.shape}")
    stride, padding, dilation = _geometry(at, kernel, strides, pads, dilations, auto_pad)
    kind = at.by_axes(ops.Conv2d, ops.Conv3d)
    return kind(weight, at.bias(2, len(weight)), stride, padding, dilation, group)


def _max_pool(
    at: Place, kernel_shape: Any, strides: Any = None, pads: Any = None, dilations: Any = None,
    auto_pad: str = "NOTSET", ceil_mode: int = 0, storage_order: int = 0,
) -> Op:  # fmt: skip
    kernel = tuple(kernel_shape)
    stride, padding, dilation = _geometry(at, kernel, strides, pads, dilations, auto_pad)
    kind = at.by_axes(ops.MaxPool2d, ops.MaxPool3d)
    return kind(kernel, stride, padding, ceil_mode=bool(ceil_mode), dilation=dilation)


def _average_pool(
    at: Place, kernel_shape: Any, strides: Any = None, pads: Any = None, dilations: Any = None,
    auto_pad: str = "NOTSET", ceil_mode: int = 0, count_include_pad: int = 0,
) -> Op:  # fmt: skip
    kernel = tuple(kernel_shape)
    stride, padding, dilation = _geometry(at, kernel, strides, pads, dilations, auto_pad)
    if set(dilation) != {1}:
        raise ValueError(f"its dilations are {dilation}; expected an average over neighbours")
    kind = at.by_axes(ops.AvgPool2d, ops.AvgPool3d)
    return kind(kernel, stride, padding, ceil_mode=bool(ceil_mode), count_include_pad=bool(count_include_pad))


def _geometry(at: Place, kernel: Sizes, strides: Any, pads: Any, dilations: Any, auto_pad: str) -> tuple[Any, ...]:
    """(stride, padding, dilation): ones and zeros where nothing is said; padding in pairs (before, after)."""
    axes = len(kernel)
    stride, dilation = tuple(strides or (1,) * axes), tuple(dilations or (1,) * axes)
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        axis = zip(at.shape[2:], kernel, stride, dilation, strict=True)
        return stride, tuple(_same(*sizes, auto_pad) for sizes in axis), dilation
    if auto_pad not in ("NOTSET", "VALID"):
        raise ValueError(f"its auto_pad is {auto_pad!r}; expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    ends = tuple(pads or ()) if auto_pad == "NOTSET" else ()
    ends = ends or (0,) * 2 * axes
    return stride, tuple(zip(ends[:axes], ends[axes:], strict=True)), dilation


def _same(n: int, k: int, stride: int, dilation: int, auto_pad: str) -> tuple[int, int]:
    """The padding with which n pixels give ceil(n / stride); an odd pixel of it goes to the end ("UPPER") or start."""
    missing = max((-(-n // stride) - 1) * stride + dilation * (k - 1) + 1 - n, 0)
    less, more = missing // 2, missing - missing // 2
    return (less, more) if auto_pad == "SAME_UPPER" else (more, less)


def _gemm(at: Place, alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0) -> Op:
    weight = at.weights(1, 2) * np.float32(alpha)
    if transA:
        raise ValueError("it transposes what it reads")
    weight = weight if transB else weight.T
    bias = at.bias(2, len(weight))
    return ops.Linear(np.ascontiguousarray(weight), None if bias is None else bias * np.float32(beta))


def _matmul(at: Place) -> Op:
    if len(at.shape) != 2:
        raise ValueError(f"it reads {at.shape}; expected (N, features)")
    return ops.Linear(np.ascontiguousarray(at.weights(1, 2).T))


def _batch_norm(
    at: Place, epsilon: float = 1e-5, momentum: float = 0.9, training_mode: int = 0, spatial: int = 1
) -> Op:
    if training_mode or not spatial or any(at.layer.outputs[1:]):
        raise ValueError("it uses the statistics of the batch, or of every pixel; export the model in eval mode")
    weight, bias, mean, var = (at.weights(number, 1) for number in (1, 2, 3, 4))
    return ops.BatchNorm2d(mean, var, weight, bias, epsilon)


def _clip(at: Place, min: float | None = None, max: float | None = None) -> Op:
    low, high = (at.constant(i + 1) if bound is None else bound for i, bound in enumerate((min, max)))
    if low is None or np.any(low != 0) or (high is not None and np.any(np.asarray(high) < LARGEST)):
        raise ValueError(f"it clips to {low}..{high}, which is no ReLU")
    return ops.ReLU()


def _reduce_mean(at: Place, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Op | tuple[Op, ...]:
    given = at.constant(1) if axes is None else axes
    rank = len(at.shape)
    if given is None or rank < 3 or {int(axis) % rank for axis in given} != set(range(2, rank)):
        raise ValueError(f"it averages {at.shape} over axes {given}; expected all of a map's, and no others")
    return ops.GlobalAvgPool() if keepdims else (ops.GlobalAvgPool(), ops.Flatten())


def _add(at: Place) -> Op | Bias:
    """A sum of what is computed; with constants, a bias."""
    constants = [at.model.constants[name] for name in at.layer.inputs if name in at.model.constants]
    shapes = {at.model.shapes.get(name) for name in (*at.computed, at.layer.outputs[0])}
    if len(shapes) != 1 or None in shapes:
        raise ValueError(f"it adds up numbers of different or unknown shapes {shapes}")
    if len(constants) == 1 and len(at.computed) == 1:
        return Bias(constants[0])
    at.only_computed()
    return ops.Add()


def _concat(at: Place, axis: int) -> Op:
    at.only_computed()
    if axis % len(at.shape) != 1:
        raise ValueError(f"its axis is {axis}; expected 1, the channels")
    return ops.Concat()


def _wire(at: Place, axis: int = 1, axes: Any = None, allowzero: int = 0) -> Op:
    """Reshapes of all kinds, by what they come to: the same, or a row of features per picture."""
    if at.result == at.shape:
        return ops.Identity()
    if at.result != (at.shape[0], prod(at.shape[1:])):
        raise ValueError(f"it makes {at.result} of {at.shape}; expected (N, features), every picture for itself")
    return ops.Flatten()


def _dropout(at: Place, ratio: float = 0.5, seed: int = 0) -> Op:
    training = at.constant(2)
    if training is not None and training.any():
        raise ValueError("it is active; export the model in eval mode")
    return ops.Identity()


def _softmax(at: Place, axis: int) -> Op:
    if len(at.shape) != 2 or axis not in (1, -1):
        raise ValueError(f"it is over axis {axis} of {at.shape}; expected the classes of (N, classes)")
    return ops.Softmax()


_READERS: dict[str, Reader] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "Relu": lambda at: ops.ReLU(),
    "Clip": _clip,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": lambda at: ops.GlobalAvgPool(),
    "ReduceMean": _reduce_mean,
    "Add": _add,
    "Sum": _add,
    "Concat": _concat,
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze"), _wire),
    "Identity": lambda at: ops.Identity(),
    "Dropout": _dropout,
    "Softmax": _softmax,
}
