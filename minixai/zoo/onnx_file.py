"""An ONNX file as plain records: layers with their settings, constants, shapes. It is hostile until checked."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from minixai.network import INPUT
from minixai.ops import Array, UnsupportedOp

MAX_BYTES = 1 << 30  # a larger file is not opened
MAX_NUMBERS = 1 << 28  # no layer may compute more numbers than this
OLDEST = 7  # the first edition of the operators that is read
SOFTMAX_BY_PIXEL = 13  # from this edition on, a softmax that names no axis is over the last one, not the channels
SOME = 13  # pictures in a batch, where the file leaves open how many: a number that no reshape says by chance
OPERATORS = ("", "ai.onnx")  # two names of the standard's own
# Types of numbers by their number in the standard: the field that holds them, bytes of each in raw form.
TYPES = {1: ("float_data", 4), 6: ("int32_data", 4), 7: ("int64_data", 8), 9: ("int32_data", 1), 11: ("double_data", 8)}
FLOATS = (1, 11)
SUBGRAPHS = (5, 10, 11, 12, 13, 14)  # types of settings: graphs, sparse tensors, types, alone or in lists
CONSTANTS = ("value", "value_float", "value_floats", "value_int", "value_ints")


@dataclass(frozen=True, eq=False)
class Layer:
    """One node of the file: the tensors that it reads ("" is one left out) and makes, by name, and its settings."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Model:
    """What is in a file: layers in order, and by the names of their tensors constants and shapes (with batch axis)."""

    name: str
    layers: tuple[Layer, ...]
    constants: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]  # those that are known before anything is computed
    input: str
    output: str


def read(path: str | PathLike[str]) -> Model:
    """The model in a file, for one picture or batch in and one array of scores out.

    Raises FileNotFoundError; ImportError without the onnx package; UnsupportedOp for what it holds beyond a graph of
    layers; ValueError for anything else that is wrong with it.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError("reading ONNX files needs the onnx package: pip install 'minixai[onnx]'") from error
    file, proto = Path(path), onnx.ModelProto()
    content = _content(file)
    with _readable(file):
        proto.ParseFromString(content)
        if not proto.graph.node:
            raise ValueError("it has no layers")
    _check_contents(proto)
    with _readable(file):
        onnx.checker.check_model(proto)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    picture = _picture(proto.graph, constants)
    with _readable(file):
        shapes = _shapes(onnx.shape_inference.infer_shapes(_opened(proto, picture), strict_mode=True, data_prop=True))
    layers = []
    for layer in _layers(proto, onnx.helper.get_attribute_value):
        if layer.kind == "Constant":
            constants[layer.outputs[0]] = _constant(layer, onnx.numpy_helper.to_array)
        elif layer.kind == "ConstantOfShape" and layer.outputs[0] in shapes:
            constants[layer.outputs[0]] = _filled(layer, shapes[layer.outputs[0]], onnx.numpy_helper.to_array)
        elif layer.kind == "Identity" and layer.inputs[0] in constants:  # weights that two layers share
            constants[layer.outputs[0]] = constants[layer.inputs[0]]
        else:
            layers.append(layer)
    _check_total(constants)
    return Model(file.stem, tuple(layers), constants, shapes, picture.name, proto.graph.output[0].name)


def _content(file: Path) -> bytes:
    if not file.exists():
        raise FileNotFoundError(f"there is no file {str(file)!r}; give the path of an ONNX file")
    if not file.is_file() or file.stat().st_size > MAX_BYTES:
        raise ValueError(f"{str(file)!r} is not a file of at most {MAX_BYTES >> 20} MB; give a smaller ONNX file")
    return file.read_bytes()


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Turn whatever a decoder raises over a broken file, and it may be anything, into one sentence."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{str(file)!r} is not a sound ONNX file ({reason}); export it again") from error


def _check_contents(proto: Any) -> None:
    """Only layers and numbers, all of them in the file itself."""
    graph = proto.graph
    editions = {entry.domain: entry.version for entry in proto.opset_import}
    foreign = sorted({node.domain for node in graph.node} - set(OPERATORS))
    if foreign or proto.functions or proto.training_info or graph.sparse_initializer:
        more = f"operators of {', '.join(foreign)}" if foreign else "functions, training or sparse tensors"
        raise UnsupportedOp(f"the file holds {more}; expected the standard's own operators only")
    oldest = min((editions[domain] for domain in OPERATORS if domain in editions), default=0)
    if oldest < OLDEST:
        raise UnsupportedOp(f"the file uses opset {oldest}; expected {OLDEST} or later: export it again")
    if len(graph.output) != 1:
        raise UnsupportedOp(f"the file has {len(graph.output)} outputs; expected one, the scores")
    for tensor in graph.initializer:
        _check_tensor(tensor, f"tensor {tensor.name!r}")
    for node in graph.node:
        for setting in node.attribute:
            where = f"setting {setting.name!r} of node {node.name!r}"
            if setting.type in SUBGRAPHS or setting.ref_attr_name or setting.tensors:
                raise UnsupportedOp(f"{where} is no plain value; only a fixed graph of layers can be read")
            if setting.HasField("t"):
                _check_tensor(setting.t, where)


def _check_tensor(tensor: Any, where: str) -> None:
    """Numbers of a known type, in the file itself, as many as the shape says."""
    if tensor.data_location or tensor.external_data or tensor.HasField("segment"):
        raise ValueError(f"{where} lies outside the file; save the model with its numbers in one file")
    if tensor.data_type not in TYPES:
        raise UnsupportedOp(f"{where} has numbers of type {tensor.data_type}; expected float32, float64 or integers")
    field, size = TYPES[tensor.data_type]
    held = len(tensor.raw_data) / size if tensor.HasField("raw_data") else len(getattr(tensor, field))
    shape = tuple(tensor.dims)
    if min(shape, default=0) < 0 or prod(shape) != held:
        raise ValueError(f"{where} has shape {shape} but {held:g} numbers; export the file again")


def _picture(graph: Any, constants: Mapping[str, Array]) -> Any:
    """The one input that is not a constant: floats, of a fixed size but for the batch."""
    open_ = [entry for entry in graph.input if entry.name not in constants]
    if len(open_) != 1:
        raise UnsupportedOp(f"the file has {len(open_)} inputs; expected one, the picture")
    type_ = open_[0].type.tensor_type
    sizes = [dim.dim_value for dim in type_.shape.dim]
    if type_.elem_type not in FLOATS or len(sizes) not in (2, 4, 5) or min(sizes[1:]) < 1:
        raise ValueError(
            f"the input {open_[0].name!r} has shape {tuple(sizes)} (0: left open); expected floats (N, C, H, W), "
            "(N, C, D, H, W) or (N, features) with only N left open: export the file for pictures of one size"
        )
    return open_[0]


def _opened(proto: Any, picture: Any) -> Any:
    """The file without what it claims about its own shapes, so that they are found out; and with a batch."""
    batch = picture.type.tensor_type.shape.dim[0]
    if batch.dim_value < 1:
        batch.dim_value = SOME
    del proto.graph.value_info[:]
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    return proto


def _shapes(proto: Any) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors for which they follow from the input's; ValueError for one that is too large."""
    graph, shapes = proto.graph, {}
    for entry in (*graph.input, *graph.value_info, *graph.output):
        dims = entry.type.tensor_type.shape.dim
        shape = tuple(dim.dim_value for dim in dims)
        if prod(shape) > MAX_NUMBERS:
            raise ValueError(f"{entry.name!r} would hold {prod(shape)} numbers; expected at most {MAX_NUMBERS}")
        if entry.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            shapes[entry.name] = shape
    return shapes


def _layers(proto: Any, value_of: Any) -> list[Layer]:
    """The nodes, each with a name of its own: the file's, or that of the tensor it makes."""
    layers: list[Layer] = []
    taken = Counter([INPUT])
    edition = max(entry.version for entry in proto.opset_import if entry.domain in OPERATORS)
    usual = {kind: {"axis": 1 if edition < SOFTMAX_BY_PIXEL else -1} for kind in ("Softmax", "LogSoftmax")}
    for node in proto.graph.node:
        name = node.name or node.output[0] or node.op_type
        taken[name] += 1
        said = {setting.name: _text(value_of(setting)) for setting in node.attribute}
        settings = usual.get(node.op_type, {}) | said
        unique = name if taken[name] == 1 else f"{name}#{taken[name]}"
        layers.append(Layer(unique, node.op_type, tuple(node.input), tuple(node.output), settings))
    return layers


def _text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _constant(layer: Layer, array_of: Any) -> Array:
    (said,) = layer.settings.items()
    if said[0] not in CONSTANTS:
        raise UnsupportedOp(f"node {layer.name!r} is a constant of kind {said[0]!r}; expected numbers")
    if said[0] == "value":
        return array_of(said[1])
    return np.asarray(said[1], np.float32 if "float" in said[0] else np.int64)


def _filled(layer: Layer, shape: tuple[int, ...], array_of: Any) -> Array:
    """Constants that are all one number: it is held once, whatever the shape."""
    number = array_of(layer.settings["value"]) if "value" in layer.settings else np.zeros(1, np.float32)
    if number.size != 1:
        raise ValueError(f"node {layer.name!r} fills its shape with {number.size} numbers; expected one")
    return np.broadcast_to(number.reshape(()), shape)


def _check_total(constants: Mapping[str, Array]) -> None:
    """A few bytes can say "a billion zeros", as often as they like: what layers may make of all of them is bounded."""
    total = sum(values.size for values in constants.values())
    if total > MAX_NUMBERS:
        raise ValueError(f"the constants are {total} numbers; expected at most {MAX_NUMBERS}: give a smaller ONNX file")
