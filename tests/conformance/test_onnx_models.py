"""The classifiers bundled with the onnx package, through ``from_onnx``; the judge is the package's slow evaluator.

Their weights are stored as constants, all alike, so that every class gets the same score. Here the weights are drawn
anew: a few whole numbers per filter, small enough that no sum anywhere leaves the whole numbers that the float type
holds. Up to the last average both must then agree exactly, in whatever order they add; after it, to the rounding of
that average. Graphs with operators that the engine has no layer for are refused by name.
"""

from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
import pytest

import minixai as mx
from minixai import ops

onnx = pytest.importorskip("onnx")
from onnx import helper, numpy_helper  # noqa: E402  after the skip
from onnx.backend import test as bundle  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

LIGHT = Path(bundle.__file__).parent / "data" / "light"


def bundled(name):
    return LIGHT / f"light_{name}.onnx"


# -- As they are ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("squeezenet", {"Conv2d": 26, "ReLU": 26, "MaxPool2d": 3, "Concat": 8, "Identity": 1, "GlobalAvgPool": 1,
                        "Flatten": 1}),
        ("vgg19", {"Conv2d": 16, "ReLU": 18, "MaxPool2d": 5, "Flatten": 1, "Linear": 3, "Identity": 2}),
        ("resnet50", {"Conv2d": 53, "BatchNorm2d": 53, "ReLU": 49, "MaxPool2d": 1, "Add": 16, "AvgPool2d": 1,
                      "Flatten": 1, "Linear": 1}),
    ],
)  # fmt: skip
def test_a_bundled_classifier_loads_as_it_is(name, kinds):
    net = mx.from_onnx(bundled(name))
    found = [type(node.op).__name__ for node in net.nodes]
    assert {kind: found.count(kind) for kind in found} == kinds
    assert net.input_shape == (3, 224, 224)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bvlc_alexnet", "LRN"), ("zfnet512", "LRN"), ("inception_v1", "LRN"), ("shufflenet", "Transpose"),
        ("densenet121", "Unsqueeze"), ("inception_v2", "Unsqueeze"),
    ],
)  # fmt: skip
def test_a_bundled_graph_with_other_operators_is_refused_by_the_first_one_s_name(name, kind):
    with pytest.raises(mx.UnsupportedOp, match=f"^node '.+', {kind}, has no layer in the engine") as refused:
        mx.from_onnx(bundled(name))
    said = str(refused.value).split("'")[1]
    first = next(n for n in onnx.load(bundled(name)).graph.node if n.op_type == kind)
    assert said == (first.name or first.output[0])


def test_every_bundled_graph_is_in_one_of_the_two_lists():
    loaded, refused = (
        {case[0] for case in test.pytestmark[0].args[1]}
        for test in (
            test_a_bundled_classifier_loads_as_it_is,
            test_a_bundled_graph_with_other_operators_is_refused_by_the_first_one_s_name,
        )
    )
    assert loaded | refused == {path.stem.removeprefix("light_") for path in LIGHT.glob("*.onnx")}
    assert {how.name for how in SCORED} == loaded


def file_of(folder, *nodes, shape=(2, 3, 4, 4), opset=9, **constants):
    """A file that reads x of that shape and makes y."""
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims) for name, dims in (("x", shape), ("y", None))
    ]
    ends[1].type.tensor_type.shape.SetInParent()
    numbers = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], numbers)
    path = folder / "small.onnx"
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path.write_bytes(file.SerializeToString())
    return path


POOL = helper.make_node("GlobalAveragePool", ["x"], ["m"], "pool")


def softmax(**axis):
    return helper.make_node("Softmax", ["m"], ["y"], "softmax", **axis)


@pytest.mark.parametrize(("opset", "axis"), [(9, {}), (9, {"axis": 1}), (13, {"axis": 1}), (13, {"axis": -3})])
def test_scores_of_one_pixel_each_become_a_row(tmp_path, opset, axis):
    net = mx.from_onnx(file_of(tmp_path, POOL, softmax(**axis), opset=opset))
    x = np.arange(96.0).reshape(2, 3, 4, 4)
    assert [node.name for node in net.nodes] == ["pool", "pool_flat"]
    assert np.array_equal(net(x), x.mean(axis=(2, 3)))


@pytest.mark.parametrize(("opset", "axis"), [(13, {}), (13, {"axis": -1}), (9, {"axis": 2})])
def test_a_softmax_over_the_pixels_is_no_softmax_of_scores(tmp_path, opset, axis):
    with pytest.raises(mx.UnsupportedOp, match=r"node 'softmax', Softmax.* of \(2, 3, 1, 1\)"):
        mx.from_onnx(file_of(tmp_path, POOL, softmax(**axis), opset=opset))


def filled(name, number=None):
    value = {} if number is None else {"value": numpy_helper.from_array(np.asarray(number, np.float32))}
    return helper.make_node("ConstantOfShape", ["size"], [name], **value)


def times(x, weight, y):
    return helper.make_node("MatMul", [x, weight], [y])


@pytest.mark.parametrize(("number", "expected"), [(None, 0), ([0.5], 3)])
def test_constants_may_be_all_one_number(tmp_path, number, expected):
    path = file_of(tmp_path, filled("w", number), times("x", "w", "y"), shape=(1, 6), size=[6, 2])
    assert mx.from_onnx(path)(np.ones((1, 6), np.float32)).tolist() == [[expected] * 2]


def test_a_small_file_that_says_too_many_numbers_is_refused(tmp_path):
    side = 1 << 14
    nodes = filled("w", [1]), filled("v", [1]), times("x", "w", "m"), times("m", "v", "y")
    path = file_of(tmp_path, *nodes, shape=(1, side), size=[side, side])
    assert path.stat().st_size < 500
    with pytest.raises(ValueError, match=r"the constants are 5368\d+ numbers; expected at most 268435456"):
        mx.from_onnx(path)


def test_a_shape_filled_with_several_numbers_is_refused(tmp_path):
    path = file_of(tmp_path, filled("w", [1, 2]), times("x", "w", "y"), shape=(1, 6), size=[6, 2])
    with pytest.raises(ValueError, match="fills its shape with 2 numbers; expected one"):
        mx.from_onnx(path)


# -- With weights of their own ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scored:
    """How a graph is drawn anew: its floats, the size of its pictures, and how many numbers a filter holds."""

    name: str
    dtype: type
    pixels: int
    taps: int
    points: int  # the same for filters of 1 x 1
    whole: str  # the last tensor of whole numbers
    scores: str
    evaluated_as: int = 9  # the edition of the operators that the evaluator takes the graph for


SCORED = (
    Scored("squeezenet", np.float64, 224, 4, 4, "r64", "r65"),
    Scored("resnet50", np.float64, 224, 3, 1, "r171", "r174", 15),
    Scored("vgg19", np.float32, 64, 2, 2, "r46", "r46"),  # its first linear layer reads what is left of the picture
)
WEIGHTS = {"Conv": "weight bias", "Gemm": "weight bias", "BatchNormalization": "scale bias mean var"}


def drawn_anew(how):
    """The bundled graph for pictures of that size, with whole numbers of either sign in place of its constants."""
    proto, rng = onnx.load(bundled(how.name)), np.random.default_rng(0)
    graph = proto.graph
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    filled = [node for node in graph.node if node.op_type == "ConstantOfShape"]
    shapes = {name: a.shape for name, a in held.items()} | {n.output[0]: tuple(held[n.input[0]]) for n in filled}
    rows = {tuple(held[node.input[1]]) for node in graph.node if node.op_type == "Reshape"}
    features = {n: n * (how.pixels // 32) ** 2 // (224 // 32) ** 2 for _, n in rows if how.pixels != 224}
    drawn = {}
    for node in graph.node:
        if node.op_type in WEIGHTS:
            constants = zip(WEIGHTS[node.op_type].split(), node.input[1:], strict=False)
            roles = {role: (name, tuple(features.get(n, n) for n in shapes[name])) for role, name in constants}
            drawn |= draw(node, roles, how, rng)
        if node.op_type == "Reshape":
            drawn[node.input[1]] = np.array([features.get(n, n) for n in held[node.input[1]]])
    for node in filled:
        graph.node.remove(node)
    (picture,) = (entry for entry in graph.input if entry.name not in shapes)
    float_ = helper.np_dtype_to_tensor_dtype(np.dtype(how.dtype))
    graph.output[0].type.tensor_type.elem_type = float_
    proto.ir_version = 8  # from 4 on constants need not be listed among the inputs
    for field, entries in (
        (graph.input, [helper.make_tensor_value_info(picture.name, float_, (1, 3, how.pixels, how.pixels))]),
        (graph.initializer, [numpy_helper.from_array(a, name) for name, a in drawn.items()]),
    ):
        del field[:]
        field.extend(entries)
    return proto


def draw(node, roles, how, rng):
    """New constants for one node, {name: whole numbers}. A norm divides by 1/2, 1 or 2, and multiplies by as much."""
    drawn = {}
    if node.op_type == "BatchNormalization":
        _, shape = roles["scale"]
        epsilon = next(helper.get_attribute_value(a) for a in node.attribute if a.name == "epsilon")
        spread = rng.choice([0.5, 1.0, 2.0], shape)
        drawn = {"scale": spread * rng.choice([-1, 1], shape), "var": spread**2 - epsilon}
        drawn |= {role: rng.integers(-2, 3, shape) for role in ("mean", "bias")}
        assert np.array_equal(np.sqrt(drawn["var"].astype(how.dtype) + epsilon), spread)
    else:
        _, shape = roles["weight"]
        weight = np.zeros((shape[0], prod(shape[1:])), how.dtype)
        where = rng.integers(weight.shape[1], size=(len(weight), how.points if shape[2:] == (1, 1) else how.taps))
        np.put_along_axis(weight, where, rng.choice([-1, 1], where.shape), axis=1)
        drawn = {"weight": weight.reshape(shape)}
        drawn |= {"bias": rng.integers(-1, 2, len(weight))} if "bias" in roles else {}
    return {roles[role][0]: values.astype(how.dtype, copy=False) for role, values in drawn.items()}


@pytest.mark.parametrize("how", SCORED, ids=lambda how: how.name)
def test_scores_are_the_evaluator_s(how, tmp_path):
    proto = drawn_anew(how)
    path = tmp_path / "drawn.onnx"
    path.write_bytes(proto.SerializeToString())
    net = mx.from_onnx(path)
    path.unlink()
    assert net.dtype == how.dtype
    pictures = np.random.default_rng(1).integers(-3, 4, (2, 3, how.pixels, how.pixels)).astype(how.dtype)
    tape = mx.forward(net, pictures)
    vacuous = [step.name for step in tape.steps if np.ptp(step.y) == 0]
    assert not vacuous and len(np.unique(tape.output.y)) > 50
    (last,) = (node.name for node in proto.graph.node if how.whole in node.output)
    assert largest_sum(net, pictures, last) < 0.25 / np.finfo(how.dtype).eps

    # Before edition 14 a norm with one output is in test mode, by the standard; the evaluator mixes in the statistics
    # of the batch all the same. So it is given norms in the later wording, which mean the same.
    proto.opset_import[0].version = how.evaluated_as
    evaluator, picture = ReferenceEvaluator(proto), proto.graph.input[0].name
    allowed = rounding(tape, last)
    for i, x in enumerate(pictures):
        whole, scores = evaluator.run([how.whole, how.scores], {picture: x[None]})
        assert np.array_equal(tape[last].y[i : i + 1], whole)
        assert np.array_equal(whole, np.round(whole))
        assert (np.abs(tape.output.y[i] - scores.ravel()) <= allowed[i]).all()


def positive(op):
    """The layer with absolute values for its numbers; a norm adds up those of x, the mean and the bias."""
    if isinstance(op, ops.BatchNorm2d):
        return replace(op, running_mean=-abs(op.running_mean), weight=abs(op.weight), bias=abs(op.bias))
    return op.convert(abs)


def largest_sum(net, pictures, last):
    """The largest number that can stand in any sum up to the node ``last``, in whatever order it is added up."""
    nodes = tuple(replace(node, op=positive(node.op)) for node in net.nodes)
    tape = mx.forward(replace(net, nodes=nodes), abs(pictures).max(axis=0))
    names = [step.name for step in tape.steps]
    return max(step.y.max() for step in tape.steps[: names.index(last) + 1])


def rounding(tape, last):
    """How far correct results may lie apart: 2 gamma_n times the absolute values that layers after ``last`` add up."""
    names = [step.name for step in tape.steps]
    size, count = abs(tape[last].y), 0
    for step in tape.steps[names.index(last) + 1 :]:
        size = positive(step.op).forward(size)
        if isinstance(step.op, ops.GlobalAvgPool | ops.AvgPool2d):
            count += sum(n + 1 for n in step.xs[0].shape[2:])  # per axis: a quotient, a product, a sum
        if isinstance(step.op, ops.Linear):
            count += int(np.count_nonzero(step.op.weight, axis=1).max())  # by 1 or -1: sums, and the bias
    unit = count * np.finfo(tape.output.y.dtype).eps / 2
    return 2 * unit / (1 - unit) * size
