"""Networks from ONNX files: every operator that is read, names and weights as they are, and no file that is trusted.

The judge is the onnx package's own slow evaluator; where padding is lopsided or windows overhang, which it gets wrong,
PyTorch with the padding laid on by hand.
"""

import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making.networks import random_case
from minixai.zoo import onnx_file
from minixai.zoo.from_onnx import Place, _read
from minixai.zoo.onnx_file import Layer, Model

onnx = pytest.importorskip("onnx")
from onnx import helper, numpy_helper  # noqa: E402  after the skip
from onnx.reference import ReferenceEvaluator  # noqa: E402

FLOAT32 = dict(rtol=1e-4, atol=1e-5)
SHAPE = (None, 2, 4, 4)
FLOAT, FLOAT16, DOUBLE = 1, 10, 11  # types of numbers, by the standard's numbers


def draw(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def node(kind, reads, makes="y", **settings):
    return helper.make_node(kind, reads.split(), makes.split(), name=settings.pop("name", f"the_{kind}"), **settings)


def model(nodes, constants=None, shape=SHAPE, opset=21, type_=FLOAT, rank=2):
    """A file's content: x of that shape in, y out."""
    x = helper.make_tensor_value_info("x", type_, shape)
    y = helper.make_tensor_value_info("y", type_, [None] * rank)
    numbers = [numpy_helper.from_array(values, name) for name, values in (constants or {}).items()]
    graph = helper.make_graph(nodes, "graph", [x], [y], numbers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


@pytest.fixture
def save(tmp_path):
    def save(*args, **kwargs):
        made = args[0] if isinstance(args[0], onnx.ModelProto) else model(*args, **kwargs)
        path = tmp_path / "net.onnx"
        path.write_bytes(made.SerializeToString())
        return path

    return save


def flat(*nodes):
    """The nodes, the last of which makes m, and a Flatten after them."""
    return [*nodes, node("Flatten", "m")]


AXES = np.array([2, 3])
NORM = {name: np.abs(draw(2, seed=i)) + 0.5 for i, name in enumerate(("scale", "bias", "mean", "var"))}
W, ROWS = draw(3, 2, 3, 3, seed=5), draw(3, 32, seed=6)
UNDERSTOOD = {
    "conv": (flat(node("Conv", "x w b", "m", pads=[1, 1, 1, 1], strides=[2, 1])), {"w": W, "b": draw(3)}),
    "conv, dilated": (
        flat(node("Conv", "x w", "m", pads=[2, 2, 2, 2], dilations=[2, 2], kernel_shape=[3, 3])),
        {"w": W},
    ),
    "conv, groups": (flat(node("Conv", "x w", "m", group=2)), {"w": draw(4, 1, 2, 2)}),
    "gemm": ([node("Flatten", "x", "m"), node("Gemm", "m w b", transB=1)], {"w": ROWS, "b": draw(3)}),
    "gemm, other way": ([node("Flatten", "x", "m"), node("Gemm", "m w")], {"w": ROWS.T.copy()}),
    "gemm, scaled": (
        [node("Flatten", "x", "m"), node("Gemm", "m w b", transB=1, alpha=0.5, beta=2.0)],
        {"w": ROWS, "b": draw(1, 3)},
    ),
    "gemm, one bias": ([node("Flatten", "x", "m"), node("Gemm", "m w b", transB=1)], {"w": ROWS, "b": draw(1)}),
    "matmul and add": (
        [node("Flatten", "x", "m"), node("MatMul", "m w", "z"), node("Add", "b z")],
        {"w": ROWS.T.copy(), "b": draw(3)},
    ),
    "conv and add": (flat(node("Conv", "x w", "z"), node("Add", "z b", "m")), {"w": W, "b": draw(1, 3, 1, 1)}),
    "batch norm": (flat(node("BatchNormalization", "x scale bias mean var", "m", epsilon=0.01)), NORM),
    "relu": (flat(node("Relu", "x", "m")), {}),
    "clip": (flat(node("Clip", "x low", "m")), {"low": np.float32(0)}),
    "clip to the largest": (
        flat(node("Clip", "x low high", "m")),
        {"low": np.float32(0), "high": np.finfo(np.float32).max},
    ),
    "max pool": (flat(node("MaxPool", "x", "m", kernel_shape=[2, 3], pads=[1, 1, 1, 1], strides=[2, 1])), {}),
    "average pool": (flat(node("AveragePool", "x", "m", kernel_shape=[2, 3], pads=[1, 1, 1, 1])), {}),
    "average of zeros, too": (
        flat(node("AveragePool", "x", "m", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)),
        {},
    ),
    "global average": (flat(node("GlobalAveragePool", "x", "m")), {}),
    "mean, axes kept": (flat(node("ReduceMean", "x axes", "m")), {"axes": AXES}),
    "mean, axes dropped": ([node("ReduceMean", "x axes", keepdims=0)], {"axes": AXES - 4}),
    "add": (flat(node("Relu", "x", "r"), node("Add", "x r", "m")), {}),
    "sum": (flat(node("Relu", "x", "r"), node("Sum", "x r r", "m")), {}),
    "concat": (flat(node("Relu", "x", "r"), node("Concat", "x r x", "m", axis=1)), {}),
    "concat, from the end": (flat(node("Relu", "x", "r"), node("Concat", "x r", "m", axis=-3)), {}),
    "reshape": ([node("Reshape", "x shape")], {"shape": np.array([0, -1])}),
    "reshape, said": ([node("Reshape", "x shape")], {"shape": np.array([-1, 32])}),
    "reshape to the same": (flat(node("Reshape", "x shape", "m")), {"shape": np.array([0, 2, 4, -1])}),
    "squeeze": ([node("GlobalAveragePool", "x", "m"), node("Squeeze", "m axes")], {"axes": AXES}),
    "dropout": (flat(node("Dropout", "x", "m")), {}),
    "identity": (flat(node("Identity", "x", "m")), {}),
    "softmax inside": ([node("Flatten", "x", "m"), node("Softmax", "m", "p"), node("Relu", "p")], {}),
}


@pytest.mark.parametrize("case", UNDERSTOOD)
def test_every_operator_gives_the_scores_of_the_reference(save, case):
    path, x = save(*UNDERSTOOD[case]), draw(2, *SHAPE[1:], seed=9)
    (expected,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
    net = mx.from_onnx(path)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(net(x), expected, **FLOAT32)
    assert net.dtype == np.float32 or not any(n.op.arrays() for n in net.nodes)
    assert (net.name, net.input_shape) == ("net", SHAPE[1:])


def test_older_editions_say_axes_and_bounds_as_settings(save):
    nodes = [
        node("Clip", "x", "c", min=0.0),
        node("ReduceMean", "c", "m", axes=[2, 3]),
        node("Squeeze", "m", axes=[2, 3]),
    ]
    path, x = save(nodes, opset=9), draw(2, *SHAPE[1:])
    np.testing.assert_allclose(mx.from_onnx(path)(x), np.maximum(x, 0).mean(axis=(2, 3)), **FLOAT32)


def test_constants_may_be_nodes_and_float64_stays(save):
    weight = draw(3, 32, dtype=np.float64)
    nodes = [
        node("Constant", "", "w", value=numpy_helper.from_array(weight)),
        node("Constant", "", "shape", value_ints=[0, -1]),
        node("Reshape", "x shape", "m"),
        node("Gemm", "m w", transB=1),
    ]
    net = mx.from_onnx(save(nodes, type_=DOUBLE))
    assert net.dtype == np.float64
    assert np.array_equal(net.node("the_Gemm").op.weight, weight)


def test_pictures_of_three_axes_and_rows(save):
    net = mx.from_onnx(
        save(
            flat(node("Conv", "x w", "c"), node("MaxPool", "c", "m", kernel_shape=[2, 2, 2])),
            {"w": draw(1, 1, 2, 2, 2)},
            shape=(None, 1, 3, 4, 5),
        )
    )
    assert [type(n.op) for n in net.nodes] == [mx.Conv3d, mx.MaxPool3d, mx.Flatten]
    assert net(draw(2, 1, 3, 4, 5)).shape == (2, 6)
    assert mx.from_onnx(save([node("Gemm", "x w")], {"w": draw(4, 3)}, shape=(1, 4))).input_shape == (4,)


def padded(kind, x, weight, k, stride, rows, ceil, include):
    """What PyTorch computes with ``rows`` of padding (before, after) laid on by hand."""
    import torch
    import torch.nn.functional as F

    def lay(t, value=0.0):
        return F.pad(t, (0, 0, *rows), value=value)

    if kind == "Conv":
        return F.conv2d(lay(x), weight, stride=stride)
    if kind == "MaxPool":
        return F.max_pool2d(lay(x, float("-inf")), k, stride, ceil_mode=ceil)
    counted = lay(torch.ones_like(x), float(include))
    sums, counts = (F.avg_pool2d(t, k, stride, ceil_mode=ceil, divisor_override=1) for t in (lay(x), counted))
    return sums / counts


# (pixels, kernel, stride, padding, ceil); where it is True, a last window starts in the picture and reaches beyond it
LOPSIDED = [
    (4, 2, 1, (0, 1), False), (5, 3, 2, (0, 1), False), (7, 3, 3, (1, 0), False), (5, 3, 1, (2, 1), False),
    (6, 2, 2, (1, 0), True), (7, 3, 3, (0, 1), True), (7, 3, 2, (0, 1), True), (5, 3, 2, (1, 0), True),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "include"), [("Conv", 0), ("MaxPool", 0), ("AveragePool", 0), ("AveragePool", 1)])
@pytest.mark.parametrize(("n", "k", "stride", "rows", "ceil"), LOPSIDED)
def test_lopsided_padding_and_overhanging_windows(save, kind, include, n, k, stride, rows, ceil):
    torch = pytest.importorskip("torch")
    settings = {"pads": [rows[0], 0, rows[1], 0], "strides": [stride, stride]}
    if kind != "Conv":
        settings |= {"kernel_shape": [k, k], "ceil_mode": int(ceil)}
    if kind == "AveragePool":
        settings["count_include_pad"] = include
    weight, x = draw(3, 2, k, k), draw(2, 2, n, n, seed=n)
    reads, constants = ("x w", {"w": weight}) if kind == "Conv" else ("x", {})
    net = mx.from_onnx(save(flat(node(kind, reads, "m", **settings)), constants, shape=(None, 2, n, n)))
    found = padded(kind, torch.tensor(x), torch.tensor(weight), k, stride, rows, ceil, include)
    np.testing.assert_allclose(net(x), found.flatten(1).numpy(), **FLOAT32)


NAMED = [  # 5 pixels, windows of 2: (auto_pad, stride, what it pads, how many windows)
    ("SAME_UPPER", 1, (0, 1), 5), ("SAME_UPPER", 2, (0, 1), 3), ("SAME_UPPER", 3, (0, 0), 2),
    ("SAME_LOWER", 1, (1, 0), 5), ("SAME_LOWER", 2, (1, 0), 3), ("SAME_LOWER", 3, (0, 0), 2),
    ("VALID", 1, (0, 0), 4), ("VALID", 2, (0, 0), 2), ("NOTSET", 3, (0, 0), 2),
]  # fmt: skip


@pytest.mark.parametrize(("auto_pad", "stride", "pads", "windows"), NAMED)
def test_padding_by_its_names(save, auto_pad, stride, pads, windows):
    pool = node("MaxPool", "x", "m", kernel_shape=[2, 2], strides=[stride] * 2, auto_pad=auto_pad)
    net = mx.from_onnx(save(flat(pool), shape=(None, 1, 5, 5)))
    assert net.node("the_MaxPool").op.padding == (pads, pads)
    assert net(draw(1, 1, 5, 5)).shape == (1, windows**2)


def test_names_are_the_files_or_their_tensors_and_none_is_taken_twice(save):
    nodes = [
        node("Relu", "x", "a", name="input"),
        node("Relu", "a", "b", name="twice"),
        node("Relu", "b", "c", name="twice"),
        node("Flatten", "c", "y", name=""),
    ]
    assert [n.name for n in mx.from_onnx(save(nodes)).nodes] == ["input#2", "twice", "twice#2", "y"]


def test_what_the_scores_do_not_depend_on_is_not_there(save):
    aside = [node("Erf", "x", "e", name="aside"), node("MaxPool", "x", "m where", kernel_shape=[2, 2])]
    assert [n.name for n in mx.from_onnx(save(flat(*aside))).nodes] == ["the_MaxPool", "the_Flatten"]


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("axis", [{}, {"axis": 1}, {"axis": -1}])
def test_a_softmax_at_the_end_is_left_out(save, kind, axis):
    net = mx.from_onnx(save([node("Flatten", "x", "m"), node(kind, "m", **axis)]))
    assert [n.name for n in net.nodes] == ["the_Flatten"]


# -- Round trips ------------------------------------------------------------------------------------------------------


def exported(module, x, path):
    """The module in a file, by PyTorch's exporter that needs nothing else installed."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            module, (x,), str(path), dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "N"}},
            do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE,
        )  # fmt: skip
    return path


def same_weights(net, back):
    ours, theirs = ([a for n in m.nodes for _, a in sorted(n.op.arrays().items())] for m in (net, back))
    return len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))


def test_digits_there_and_back(tmp_path):
    torch = pytest.importorskip("torch")
    net, x = mx.load("digits"), draw(3, 1, 8, 8)
    back = mx.from_onnx(exported(net.to_torch(), torch.tensor(x), tmp_path / "digits.onnx"))
    assert [n.name.split("/")[1] for n in back.nodes] == [n.name for n in net.nodes]
    assert same_weights(net, back)
    assert np.array_equal(back(x), net(x))


def of_layers_that_onnx_has(net):
    return not any(isinstance(n.op, mx.AdaptiveAvgPool2d) for n in net.nodes)


@pytest.mark.parametrize("seed", [s for s in range(24) if of_layers_that_onnx_has(random_case(s, "normal")[0])])
def test_random_networks_there_and_back(tmp_path, seed):
    torch = pytest.importorskip("torch")
    net, x = random_case(seed, "normal", n=2)
    net, x = net.astype("float32"), x.astype(np.float32)
    back = mx.from_onnx(exported(net.to_torch(), torch.tensor(x), tmp_path / "random.onnx"))
    np.testing.assert_allclose(back(x), net(x), **FLOAT32)
    assert same_weights(net, back)


def test_a_reshape_may_compute_its_shape(tmp_path):
    """What x.view(x.size(0), -1) becomes: the size is read off, and put together with -1."""
    torch = pytest.importorskip("torch")

    class Viewed(torch.nn.Module):
        def forward(self, x):
            return x.relu().view(x.size(0), -1)

    x = draw(3, 2, 4, 4)
    path = exported(Viewed(), torch.tensor(x), tmp_path / "viewed.onnx")
    assert "Shape" in {n.op_type for n in onnx.load(path).graph.node}
    assert np.array_equal(mx.from_onnx(path)(x), np.maximum(x, 0).reshape(3, -1))


@pytest.mark.skipif(not find_spec("onnxscript"), reason="PyTorch's newer exporter needs onnxscript")
def test_the_newer_exporter(tmp_path):
    torch = pytest.importorskip("torch")
    net, x = mx.load("digits"), draw(1, 1, 8, 8)
    torch.onnx.export(net.to_torch(), (torch.tensor(x),), str(tmp_path / "new.onnx"), dynamo=True, external_data=False)
    np.testing.assert_allclose(mx.from_onnx(tmp_path / "new.onnx")(x), net(x), **FLOAT32)


# -- Refusals ---------------------------------------------------------------------------------------------------------

POOL = {"kernel_shape": [2, 2]}
REFUSED = {
    "an unknown operator": (flat(node("Erf", "x", "m")), {}, "expected one of Conv, Gemm"),
    "weights that are computed": (flat(node("Relu", "x", "r"), node("Conv", "x r", "m")), {}, "must be constant"),
    "weights that are no numbers": (flat(node("Conv", "x w", "m")), {"w": W * np.nan}, "finite floats"),
    "a scaled transpose": (
        [node("Flatten", "x", "m"), node("Gemm", "m w", transA=1)],
        {"w": draw(onnx_file.SOME, 3)},
        "transposes",
    ),
    "a bias for each picture": (
        [node("Flatten", "x", "m"), node("Gemm", "m w b", transB=1)],
        {"w": ROWS, "b": draw(2, 3)},
        "one per output",
    ),
    "matmul of maps": (flat(node("MatMul", "x w", "m")), {"w": draw(4, 4)}, r"\(N, features\)"),
    "a clip from above": (flat(node("Clip", "x a b", "m")), {"a": np.float32(0), "b": np.float32(6)}, "no ReLU"),
    "a clip elsewhere": (flat(node("Clip", "x a", "m")), {"a": np.float32(0.5)}, "no ReLU"),
    "a bias that is no number": (
        flat(node("Conv", "x w", "z"), node("Add", "z b", "m")),
        {"w": W, "b": draw(3, 1, 1) * np.inf},
        "no finite floats",
    ),
    "padding by another name": (flat(node("MaxPool", "x", "m", auto_pad="SAME", **POOL)), {}, "auto_pad is 'SAME'"),
    "a text": ([node("Constant", "", "t", value_string="no"), *flat(node("Relu", "x", "m"))], {}, "'value_string'"),
    "no clip at all": (flat(node("Clip", "x", "m")), {}, "no ReLU"),
    "a norm in training": (
        flat(node("BatchNormalization", "x scale bias mean var", "m a b", training_mode=1)),
        NORM,
        "eval mode",
    ),
    "an active dropout": (flat(node("Dropout", "x r t", "m")), {"r": np.float32(0.5), "t": np.bool_(True)}, "active"),
    "a dilated average": (flat(node("AveragePool", "x", "m", dilations=[2, 2], **POOL)), {}, "neighbours"),
    "a mean of channels": (flat(node("ReduceMean", "x a", "m")), {"a": np.array([1])}, "all of a map's"),
    "a mean of everything": (flat(node("ReduceMean", "x", "m")), {}, "all of a map's"),
    "a constant added": (flat(node("Add", "x b", "m")), {"b": draw(2, 1, 1)}, "right after a convolution"),
    "a constant that another layer sees around": (
        flat(node("Conv", "x w", "z"), node("Add", "z b", "s"), node("Add", "s z", "m")),
        {"w": W, "b": draw(3, 1, 1)},
        "right after a convolution",
    ),
    "two biases": (
        flat(node("Conv", "x w b", "z"), node("Add", "z c", "m")),
        {"w": W, "b": draw(3), "c": draw(3, 1, 1)},
        "has a bias already",
    ),
    "a constant for every pixel": (
        flat(node("Conv", "x w", "z"), node("Add", "z b", "m")),
        {"w": W, "b": draw(3, 2, 2)},
        "one per output",
    ),
    "a sum that stretches": (
        flat(node("GlobalAveragePool", "x", "g"), node("Add", "x g", "m")),
        {},
        "different or unknown shapes",
    ),
    "pictures on top of each other": (flat(node("Concat", "x x", "m", axis=0)), {}, "expected 1, the channels"),
    "a constant among the channels": (
        flat(node("Concat", "x c", "m", axis=1)),
        {"c": draw(onnx_file.SOME, 1, 4, 4)},
        "constants",
    ),
    "pictures mixed": ([node("Reshape", "x s")], {"s": np.array([1, -1])}, "every picture for itself"),
    "maps reshaped": (flat(node("Reshape", "x s", "m")), {"s": np.array([0, 4, 2, 4])}, "every picture for itself"),
    "a flatten of everything": ([node("Flatten", "x", axis=0)], {}, "every picture for itself"),
    "a softmax of maps": (flat(node("Softmax", "x", "m", axis=1)), {}, "expected the classes"),
    "logarithms inside": ([node("Flatten", "x", "m"), node("LogSoftmax", "m", "p"), node("Relu", "p")], {}, "one of"),
    "only constants": (flat(node("Relu", "c", "m"), node("Relu", "x", "z")), {"c": draw(2, 3)}, "constants only"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_layer_is_refused_by_name(save, case):
    nodes, constants, why = REFUSED[case]
    with pytest.raises(mx.UnsupportedOp, match=why) as refused:
        mx.from_onnx(save(nodes, constants))
    assert any(repr(n.name) in str(refused.value) for n in nodes)


def test_only_the_first_output_of_a_layer_is_known(save):
    proto = model([node("MaxPool", "x", "p where", **POOL), node("Flatten", "where")])
    proto.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    with pytest.raises(mx.UnsupportedOp, match=r"'the_Flatten'.* reads \['where'\]"):
        mx.from_onnx(save(proto))


@pytest.mark.parametrize(
    ("kind", "settings", "shape", "why"),
    [
        ("Relu", {"slope": 0.1}, (2, 3), "its setting slope is not known"),
        ("MaxPool", {"kernel_shape": [2]}, (2, 3, 4), r"it reads \(2, 3, 4\); expected \(N, C, H, W\)"),
        ("Conv", {"kernel_shape": [5, 5]}, (2, 2, 4, 4), r"its kernel_shape is \[5, 5\], its weights are"),
        ("Flatten", {}, None, "the shape of 'x' does not follow"),
    ],
)
def test_what_no_checked_file_should_hold_is_refused_as_well(kind, settings, shape, why):
    layer = Layer("a", kind, ("x", "w"), ("y",), settings)
    shapes = {} if shape is None else {"x": shape}
    with pytest.raises(ValueError, match=why):
        _read(Place(layer, Model("m", (layer,), {"w": W}, {"y": (2, 3), **shapes}, "x", "y")))


# -- Hostile files ----------------------------------------------------------------------------------------------------


def small():
    return model([node("Flatten", "x", "m"), node("Gemm", "m w", transB=1)], {"w": ROWS})


def external(proto):
    """The weights in another file, one that everybody would like to read."""
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def external_setting(proto):
    tensor = onnx.TensorProto(data_type=FLOAT, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    proto.graph.node.append(node("Constant", "", "c", value=tensor))


def too_few_numbers(proto):
    proto.graph.initializer[0].raw_data = b"\0" * 8


def shape(*dims):
    def change(proto):
        tensor = proto.graph.initializer[0]
        del tensor.dims[:]
        tensor.dims.extend(dims)

    return change


def half_precision(proto):
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(ROWS.astype(np.float16), "w"))


def a_second_input(proto):
    proto.graph.input.append(helper.make_tensor_value_info("z", FLOAT, [1, 2]))


def a_second_output(proto):
    proto.graph.output.append(helper.make_tensor_value_info("m", FLOAT, [None, 32]))


def any_size(proto):
    proto.graph.input[0].type.tensor_type.shape.dim[3].ClearField("dim_value")


def whole_numbers(proto):
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64


def maps_as_scores(proto):
    del proto.graph.node[:]
    proto.graph.node.append(node("Relu", "x"))


def foreign(proto):
    proto.graph.node[0].domain = "com.example"


def old(proto):
    proto.opset_import[0].version = 6


def no_edition(proto):
    del proto.opset_import[:]


def subgraph(proto):
    graph = helper.make_graph([node("Relu", "x", "r")], "inner", [], [])
    proto.graph.node.append(node("If", "x", "i", then_branch=graph, else_branch=graph))


def functions(proto):
    proto.functions.append(helper.make_function("com.example", "f", ["a"], ["b"], [], []))


def enormous_padding(proto):
    del proto.graph.node[:]
    pool = node("AveragePool", "x", "m", kernel_shape=[1, 1], pads=[1 << 14] * 4, count_include_pad=1)
    proto.graph.node.extend(flat(pool))


def enormous_picture(proto):
    del proto.graph.node[:]
    proto.graph.node.extend(flat(node("GlobalAveragePool", "x", "m")))
    for dim in proto.graph.input[0].type.tensor_type.shape.dim[1:]:
        dim.dim_value = 1 << 14


def upside_down(proto):
    first, second = (onnx.NodeProto.FromString(n.SerializeToString()) for n in proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([second, first])


HOSTILE = {
    external: "outside the file", external_setting: "outside the file", too_few_numbers: "but 2 numbers",
    shape(1 << 40, 1 << 22): "but 96 numbers", shape(-3, -32): "but 96 numbers", half_precision: "numbers of type 10",
    a_second_input: "2 inputs", a_second_output: "2 outputs", any_size: "pictures of one size",
    whole_numbers: "expected floats", maps_as_scores: "no row of scores", foreign: "com.example",
    old: "opset 6", no_edition: "opset 0", subgraph: "no plain value", functions: "standard's own",
    enormous_padding: "would hold", enormous_picture: "would hold", upside_down: "sorted",
}  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__qualname__.split(".")[0])
def test_a_file_that_lies_is_refused_in_one_sentence(save, change):
    proto = small()
    change(proto)
    with pytest.raises(ValueError, match=HOSTILE[change]) as refused:
        mx.from_onnx(save(proto))
    assert "\n" not in str(refused.value)


def test_no_file_no_network(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        mx.from_onnx(tmp_path / "nothing.onnx")
    with pytest.raises(ValueError, match="is not a file"):
        mx.from_onnx(tmp_path)
    path = tmp_path / "small.onnx"
    path.write_bytes(small().SerializeToString())
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="is not a file of at most"):
        mx.from_onnx(str(path))


@pytest.mark.parametrize("content", [b"", b"no protobuf at all", small().SerializeToString()[:-7]])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "damaged.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged.onnx' is not a sound ONNX file \(.+\); export it again"):
        mx.from_onnx(tmp_path / "damaged.onnx")


@pytest.mark.parametrize("seed", range(100))
def test_a_file_with_bytes_changed_is_a_network_or_a_value_error(tmp_path, seed):
    rng = np.random.default_rng(seed)
    content = bytearray(small().SerializeToString())
    for place in rng.integers(len(content), size=rng.integers(1, 4)):
        content[place] = rng.integers(256)
    (tmp_path / "changed.onnx").write_bytes(content)
    try:
        net = mx.from_onnx(tmp_path / "changed.onnx")
    except ValueError as error:
        assert str(error)
    else:
        assert net.node(net.output).op.weight.size <= ROWS.size


def test_without_the_package_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'minixai\[onnx\]'"):
        mx.from_onnx(tmp_path / "net.onnx")
