"""The engine's layers against the test cases that the onnx package brings along: one test per case, under its name.

A case is one operator, its numbers in float32 and what must come out. Where the operator is a layer of an importable
network, the case goes through ``from_onnx``; elsewhere straight to the layer. Every case runs in float32 and float64
on both engines, and may differ by the two results' rounding alone: gamma_n sum |a_i b_i| each, n the number of rounded
operations; by nothing where only numbers are moved, or all are whole and small enough for float32.

Cases of these operators that do not run stand in NOT_RUN, with the reason; a test holds that table to the truth.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction as F
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest

import minixai as mx
from minixai import ops
from minixai.ops.convolution import conv_adjoint
from minixai.ops.pooling import unpool

onnx = pytest.importorskip("onnx")
from onnx import helper, numpy_helper  # noqa: E402  after the skip
from onnx.backend.test.case.node import collect_testcases  # noqa: E402

PRINTED = "test_averagepool_2d_ceil_last_window_starts_on_pad"  # its numbers are written with four decimals
DTYPES = (np.float32, np.float64)
WHOLE = 2**24  # up to here sums of whole numbers are exact in float32


class NotOurs(Exception):
    """Why a case has no counterpart in the engine."""


@dataclass(frozen=True, eq=False)
class Case:
    """One operator of the standard: its settings, what it reads (None where left out), and what must come out."""

    name: str
    kind: str
    settings: dict[str, Any]
    inputs: list[Any]
    outputs: list[Any]
    edition: int

    @property
    def axes(self):
        """Of the maps it reads."""
        return self.inputs[0].ndim - 2

    def setting(self, name, usual):
        return self.settings.get(name, usual)


@dataclass(frozen=True, eq=False)
class Ours:
    """A case in the engine's terms.

    ``compute(dtype)`` must give ``expected``, but for the rounding of ``count`` operations on numbers whose absolute
    values add up to ``size``, the same shape, and for ``printing``. ``count`` 0: equal.
    """

    compute: Callable[[Any], Any]
    expected: Any
    count: Any = 0
    size: Any = 0
    printing: Any = 0


def gamma(n, dtype):
    unit = float(np.finfo(dtype).eps) / 2
    return n * unit / (1 - n * unit)


# -- The cases --------------------------------------------------------------------------------------------------------


def case_of(found):
    """The case, if it is one operator and no composition of several."""
    (node,) = found.model.graph.node
    ((inputs, outputs),) = found.data_sets
    given = iter(inputs)
    return Case(
        found.name,
        node.op_type,
        {a.name: _text(helper.get_attribute_value(a)) for a in node.attribute},
        [next(given) if name else None for name in node.input],
        list(outputs),
        found.model.opset_import[0].version,
    )


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


# -- Through from_onnx ------------------------------------------------------------------------------------------------


def imported(case, folder, expected_from=lambda y: y):
    """The case as a file of one layer and a Flatten, read by ``from_onnx``: weights constant, x of a fixed size."""
    x, *others = case.inputs
    names = ["x", *(f"c{i}" if other is not None else "" for i, other in enumerate(others))]
    nodes = [
        helper.make_node(case.kind, names, ["m", *(f"more{i}" for i in range(len(case.outputs) - 1))], "layer",
                         **case.settings),
        helper.make_node("Flatten", ["m"], ["y"], "flatten"),
    ]  # fmt: skip
    picture = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)
    scores = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, None])
    constants = [numpy_helper.from_array(c, n) for c, n in zip(others, names[1:], strict=True) if n]
    graph = helper.make_graph(nodes, "graph", [picture], [scores], constants)
    path = folder / "case.onnx"
    edition = helper.make_opsetid("", case.edition)
    path.write_bytes(helper.make_model(graph, opset_imports=[edition], ir_version=10).SerializeToString())
    return mx.from_onnx(path)


def scores(net, x, expected, count=0, size=0):
    """The imported network's scores are what must come out, picture by picture."""
    return Ours(lambda dtype: _run(net, x, dtype).reshape(expected.shape), expected, count, size)


def _run(net, x, dtype):
    return net.astype(np.dtype(dtype).name)(x.astype(dtype))


def _whole(case, size):
    """Whether all of its sums are of whole numbers, and small enough that nothing is rounded."""
    return all((a == np.round(a)).all() for a in case.inputs) and size.max() < WHOLE


def magnitude(op, x):
    """The sum of the absolute values that a linear layer adds up."""
    if isinstance(op, ops.BatchNorm2d):
        op = replace(op.convert(abs), running_mean=-abs(op.running_mean))
    else:
        op = op.convert(abs)
    return op.convert(lambda a: a.astype(np.float64)).forward(abs(x.astype(np.float64)))


def as_picture(x):
    """x with as many axes as a batch of rows or maps has; what every element undergoes alike does not mind."""
    return {1: x[None], 3: x[..., None]}.get(x.ndim, x)


def flat_maps(case):
    """A case on lines as the same on maps of one row."""
    if case.axes != 1:
        return case
    lists = {k: [1, *v] for k, v in case.settings.items() if k in ("kernel_shape", "strides", "dilations")}
    if "pads" in case.settings or "output_shape" in case.settings:
        raise NotOurs("padded lines")
    inputs = [a[:, :, None] if a is not None and a.ndim == 3 else a for a in case.inputs]
    return replace(case, settings=case.settings | lists, inputs=inputs)


def convolution(case, folder):
    net, (x, weight, *_) = imported(case, folder), case.inputs
    size = magnitude(net.node("layer").op, x)
    count = 0 if _whole(case, size) else prod(weight.shape[1:]) + 1
    return scores(net, x, case.outputs[0], count, size)


def max_pool(case, folder):
    floats(case)
    maps = flat_maps(case)
    net, x, (expected, *places) = imported(maps, folder), maps.inputs[0], case.outputs
    if not places:
        return scores(net, x, expected)
    op = net.node("layer").op

    def both(dtype):
        switches = op.choose(x.astype(dtype))
        return np.stack([_run(net, x, dtype).reshape(expected.shape), whole_tensor(switches, x.shape, case)])

    return Ours(both, np.stack([expected, places[0]]))


def whole_tensor(switches, shape, case):
    """Our switches number the pixels of one plane row by row; theirs of the whole batch, or column by column."""
    n, c, *size = shape
    places = list(np.unravel_index(switches, size))
    planes = np.arange(n * c).reshape(n, c, *(1,) * len(size)) * prod(size)
    if case.setting("storage_order", 0):
        places, size = places[::-1], size[::-1]
    return planes + np.ravel_multi_index(places, size)


def global_max_pool(case, folder):
    x = case.inputs[0]
    op = ops.MaxPool2d(x.shape[2:])
    return Ours(lambda dtype: op.forward(x.astype(dtype), op.choose(x.astype(dtype))), case.outputs[0])


def average_pool(case, folder):
    if set(case.setting("dilations", [1])) != {1}:
        raise NotOurs("averages over pixels apart")
    maps = flat_maps(case)
    net, x = imported(maps, folder), maps.inputs[0]
    op = net.node("layer").op
    expected, size = case.outputs[0], magnitude(op, x).reshape(case.outputs[0].shape)
    ours = scores(net, x, expected, _averaging(op.kernel), size)
    if case.name != PRINTED:
        return ours
    half_a_digit = 0.5e-4  # of every pixel that is averaged, and of the average
    return replace(ours, printing=half_a_digit * (1 + op.forward(np.ones(x.shape))))


def _averaging(kernel):
    """Theirs: the sum of a window and a division. Ours: per axis a quotient, a product, a sum."""
    return max(prod(kernel), sum(k + 1 for k in kernel))


def global_average_pool(case, folder):
    net, x = imported(case, folder), case.inputs[0]
    return scores(net, x, case.outputs[0], _averaging(x.shape[2:]), magnitude(net.node("layer").op, x))


def gemm(case, folder):
    a, b, c = (*case.inputs, np.zeros(1, np.float32))[:3]
    if c.size not in (1, case.outputs[0].shape[1]):
        raise NotOurs("a bias for each picture")
    count = a.shape[1 - case.setting("transA", 0)] + 2  # the products and their sum; times alpha; + beta C
    if case.setting("transA", 0):  # a file that turns the pictures is refused: turn them here
        case = replace(case, inputs=[a.T.copy(), *case.inputs[1:]], settings=case.settings | {"transA": 0})
    net, x = imported(case, folder), case.inputs[0]
    return scores(net, x, case.outputs[0], count, magnitude(net.node("layer").op, x))


def matmul(case, folder):
    if [a.ndim for a in case.inputs] != [2, 2]:
        raise NotOurs("products of stacks of matrices, or of vectors")
    net, x = imported(case, folder), case.inputs[0]
    return scores(net, x, case.outputs[0], x.shape[1], magnitude(net.node("layer").op, x))


def batch_norm(case, folder):
    if case.setting("training_mode", 0):
        raise NotOurs("the statistics of the batch")
    net, x = imported(case, folder), case.inputs[0]
    count = 6  # var + eps, its root, the quotient, times mean, + bias: the scale and the shift; + x times the scale
    return scores(net, x, case.outputs[0], count, magnitude(net.node("layer").op, x))


def elementwise(case, folder):
    """ReLU, Identity, and what comes to one of them."""
    floats(case)
    if len(case.outputs) > 1:
        raise NotOurs("which pixels a dropout kept")
    x = as_picture(case.inputs[0])
    return scores(imported(replace(case, inputs=[x, *case.inputs[1:]]), folder), x, case.outputs[0])


def clip(case, folder):
    floats(case)
    _, low, high = (*case.inputs, None, None)[:3]
    if low is None or low != 0 or high is not None:
        raise NotOurs("a clip that is no ReLU")
    return elementwise(case, folder)


def dropout(case, folder):
    if len(case.inputs) > 2 and case.inputs[2]:
        raise NotOurs("dropout while training")
    return elementwise(case, folder)


def reshape(case, folder):
    (x, *_), y = case.inputs, case.outputs[0]
    if y.ndim != 2 or y.shape != (len(x), prod(x.shape[1:])):
        raise NotOurs("a reshape to anything but a row per picture")
    x = as_picture(x)
    return scores(imported(replace(case, inputs=[x, *case.inputs[1:]]), folder), x, y)


# -- Straight to the layers -------------------------------------------------------------------------------------------


def softmax(case, folder):
    x, axis = case.inputs[0], case.setting("axis", -1)
    rows = np.moveaxis(x.astype(np.float64), axis, -1)
    distance = np.moveaxis((rows.max(axis=-1, keepdims=True) - rows).max(axis=-1, keepdims=True), -1, axis)
    # exp(x - max): the difference is rounded, by so much of itself, and the exponential to a unit in the last place;
    # above the bar and below it. Then the sum and the quotient.
    count = 2 * (distance + 2) + x.shape[axis]
    if x.ndim == 2:
        return scores(imported(case, folder), x, case.outputs[0], count, case.outputs[0])

    def compute(dtype):
        return np.moveaxis(ops.Softmax().forward(np.moveaxis(x.astype(dtype), axis, 1)), 1, axis)

    return Ours(compute, case.outputs[0], count, case.outputs[0])


def add(case, folder):
    floats(case)
    if len({x.shape for x in case.inputs}) > 1:
        raise NotOurs("a sum that stretches what it adds")
    size = sum(abs(x.astype(np.float64)) for x in case.inputs)
    return Ours(lambda t: ops.Add().forward(*(x.astype(t) for x in case.inputs)), case.outputs[0],
                len(case.inputs) - 1, size)  # fmt: skip


def concat(case, folder):
    axis = case.settings["axis"]
    if case.inputs[0].ndim == 1:
        raise NotOurs("rows without a batch axis")

    def compute(dtype):
        parts = (np.moveaxis(x.astype(dtype), axis, 1) for x in case.inputs)
        return np.moveaxis(ops.Concat().forward(*parts), 1, axis)

    return Ours(compute, case.outputs[0])


def resize(case, folder):
    x, _, scales, sizes = (*case.inputs, None, None)[:4]
    if case.setting("mode", "nearest") != "linear":
        raise NotOurs("resizing by the nearest pixel, or by cubics")
    if case.setting("coordinate_transformation_mode", "half_pixel") != "half_pixel":
        raise NotOurs("other coordinates than half-pixel centres")
    if case.setting("antialias", 0):
        raise NotOurs("antialiasing")
    y = case.outputs[0]
    if sizes is None and list(scales) != [after / before for before, after in zip(x.shape, y.shape, strict=True)]:
        raise NotOurs("a scale that is not the ratio of the sizes")
    op = ops.Resize(y.shape[2:])
    if any(after & (after - 1) for after in y.shape[2:]):
        raise NotOurs("places that float32 rounds")
    return Ours(lambda dtype: op.forward(x.astype(dtype)), y)  # quarters of small whole numbers: equal


def conv_transpose(case, folder):
    """The adjoint of a convolution, for the picture's size that the standard says."""
    if case.setting("auto_pad", "NOTSET") == "SAME_UPPER":
        case = replace(case, settings=case.settings | {"output_shape": _times(case.inputs[0].shape[2:], case)})
    R, W, y = *case.inputs, case.outputs[0]
    axes = case.axes
    stride, dilation = (tuple(case.setting(name, [1] * axes)) for name in ("strides", "dilations"))
    ends = case.setting("pads", [0] * 2 * axes)
    padding = tuple(zip(ends[:axes], ends[axes:], strict=True))
    if "output_shape" in case.settings:
        padding = tuple(
            _missing(n, r, s, d * (k - 1) + 1, extra)
            for n, r, s, d, k, extra in zip(
                case.settings["output_shape"], R.shape[2:], stride, dilation, W.shape[2:],
                case.setting("output_padding", [0] * axes), strict=True,
            )
        )  # fmt: skip

    def run(r, f):
        return conv_adjoint(r, f, y.shape[2:], stride, padding, dilation, case.setting("group", 1))

    size = run(abs(R.astype(np.float64)), abs(W.astype(np.float64)))
    count = 0 if _whole(case, size) else prod(W.shape[2:]) * len(W)
    return Ours(lambda dtype: run(R.astype(dtype), W.astype(dtype)), y, count, size)


def _times(size, case):
    return [n * s for n, s in zip(size, case.settings["strides"], strict=True)]


def _missing(n, r, stride, reach, extra):
    """The padding (before, after) with which n pixels come of r: an odd pixel of it after, as SAME_UPPER has it."""
    total = max(stride * (r - 1) + extra + reach - n, 0)
    return total // 2, total - total // 2


def max_unpool(case, folder):
    """The standard numbers pixels in the smallest picture that the windows fill; anything beyond is zeros."""
    R, places, *_ = case.inputs
    y = case.outputs[0]
    kernel, stride = case.settings["kernel_shape"], case.settings["strides"]
    size = tuple((r - 1) * s + k for r, s, k in zip(R.shape[2:], stride, kernel, strict=True))

    def compute(dtype):
        plane = unpool(R.astype(dtype), places, size)
        return np.pad(plane, [(0, n - m) for n, m in zip(y.shape, plane.shape, strict=True)])

    return Ours(compute, y)


def floats(case):
    if any(not isinstance(a, np.ndarray | np.generic) or a.dtype.kind != "f" for a in case.inputs if a is not None):
        raise NotOurs("integers, or no arrays at all")


def never(reason):
    def refuse(case, folder):
        raise NotOurs(reason)

    return refuse


TRANSLATORS = {
    "Conv": convolution, "ConvTranspose": conv_transpose, "MaxPool": max_pool, "MaxUnpool": max_unpool,
    "AveragePool": average_pool, "GlobalAveragePool": global_average_pool, "GlobalMaxPool": global_max_pool,
    "Relu": elementwise, "Softmax": softmax, "Gemm": gemm, "MatMul": matmul, "BatchNormalization": batch_norm,
    "Add": add, "Sum": add, "Concat": concat, "Flatten": reshape, "Reshape": reshape, "Resize": resize, "Clip": clip,
    "Identity": elementwise, "Dropout": dropout,
    "Squeeze": never("the batch axis squeezed away"),
    "ReduceMean": never("a mean over the channels, or over the batch"),
    "LogSoftmax": never("logarithms"),
    "Upsample": never("resizing by the nearest pixel, or by cubics"),
}  # fmt: skip
with warnings.catch_warnings():  # of operators that divide by zero to show that they do
    warnings.simplefilter("ignore", RuntimeWarning)
    COLLECTED = collect_testcases(None)
CASES = {
    found.name: case_of(found)
    for found in COLLECTED
    if len(found.model.graph.node) == 1 and found.model.graph.node[0].op_type in TRANSLATORS
}

NOT_RUN = {  # reason: names, each after "test_"
    "integers, or no arrays at all": """
        add_int8 add_int16 add_uint8 add_uint16 add_uint32 add_uint64 clip_default_int8_min clip_default_int8_max
        clip_default_int8_inbounds clip_default_int8_inbounds_expanded identity_sequence identity_opt maxpool_2d_uint8
    """,
    "a sum that stretches what it adds": "add_bcast",
    "averages over pixels apart": """
        averagepool_2d_dilations averagepool_3d_dilations_small
        averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True
        averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False
        averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True
        averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False
    """,
    "the statistics of the batch": """
        batchnorm_example_training_mode batchnorm_epsilon_training_mode
    """,
    "a clip that is no ReLU": """
        clip_example clip clip_inbounds clip_outbounds clip_splitbounds clip_min_greater_than_max clip_default_max
        clip_default_inbounds
    """,
    "rows without a batch axis": """
        concat_1d_axis_0 concat_1d_axis_negative_1
    """,
    "which pixels a dropout kept": """
        dropout_default_mask dropout_default_mask_ratio
    """,
    "dropout while training": """
        training_dropout_default training_dropout_default_mask training_dropout training_dropout_mask
        training_dropout_zero_ratio training_dropout_zero_ratio_mask
    """,
    "a reshape to anything but a row per picture": """
        flatten_axis0 flatten_axis2 flatten_axis3 flatten_negative_axis4 flatten_negative_axis2 flatten_negative_axis1
        reshape_reordered_all_dims reshape_reordered_last_dims reshape_extended_dims reshape_one_dim
        reshape_negative_dim reshape_negative_extended_dims reshape_zero_dim reshape_zero_and_negative_dim
        reshape_allowzero_reordered
    """,
    "a bias for each picture": "gemm_default_matrix_bias",
    "logarithms": """
        logsoftmax_example_1 logsoftmax_large_number logsoftmax_axis_0 logsoftmax_axis_1 logsoftmax_axis_2
        logsoftmax_negative_axis logsoftmax_default_axis
    """,
    "products of stacks of matrices, or of vectors": """
        matmul_3d matmul_4d matmul_bcast matmul_1d_3d matmul_4d_1d matmul_1d_1d
    """,
    "a mean over the channels, or over the batch": """
        reduce_mean_do_not_keepdims_example reduce_mean_do_not_keepdims_random reduce_mean_keepdims_example
        reduce_mean_keepdims_random reduce_mean_default_axes_keepdims_example reduce_mean_default_axes_keepdims_random
        reduce_mean_negative_axes_keepdims_example reduce_mean_negative_axes_keepdims_random
    """,
    "resizing by the nearest pixel, or by cubics": """
        resize_upsample_scales_nearest resize_downsample_scales_nearest resize_upsample_sizes_nearest
        resize_downsample_sizes_nearest resize_upsample_scales_cubic resize_upsample_scales_cubic_align_corners
        resize_downsample_scales_cubic resize_downsample_scales_cubic_align_corners resize_upsample_sizes_cubic
        resize_downsample_sizes_cubic resize_upsample_scales_cubic_A_n0p5_exclude_outside
        resize_downsample_scales_cubic_A_n0p5_exclude_outside resize_upsample_scales_cubic_asymmetric
        resize_upsample_sizes_nearest_floor_align_corners resize_upsample_sizes_nearest_round_prefer_ceil_asymmetric
        resize_upsample_sizes_nearest_ceil_half_pixel resize_downsample_scales_cubic_antialias
        resize_downsample_sizes_cubic_antialias resize_upsample_scales_nearest_axes_2_3
        resize_upsample_scales_nearest_axes_3_2 resize_upsample_sizes_nearest_axes_2_3
        resize_upsample_sizes_nearest_axes_3_2 resize_upsample_sizes_nearest_not_larger
        resize_upsample_sizes_nearest_not_smaller resize_downsample_sizes_nearest_not_larger
        resize_downsample_sizes_nearest_not_smaller upsample_nearest
    """,
    "other coordinates than half-pixel centres": """
        resize_upsample_scales_linear_align_corners resize_downsample_scales_linear_align_corners
        resize_tf_crop_and_resize resize_tf_crop_and_resize_extrapolation_value
        resize_downsample_sizes_linear_pytorch_half_pixel resize_tf_crop_and_resize_axes_2_3
        resize_tf_crop_and_resize_axes_3_2 resize_downsample_scales_linear_half_pixel_symmetric
        resize_upsample_scales_linear_half_pixel_symmetric
    """,
    "a scale that is not the ratio of the sizes": "resize_downsample_scales_linear",
    "antialiasing": """
        resize_downsample_scales_linear_antialias resize_downsample_sizes_linear_antialias
    """,
    "the batch axis squeezed away": """
        squeeze squeeze_negative_axes
    """,
}
LISTED = {f"test_{name}": reason for reason, names in NOT_RUN.items() for name in names.split()}


@pytest.mark.parametrize("name", [name for name in CASES if name not in LISTED])
def test_case(name, tmp_path):
    ours = TRANSLATORS[CASES[name].kind](CASES[name], tmp_path)
    expected = ours.expected.astype(np.float64)
    for engine, dtype in product(ops.ENGINES, DTYPES):
        with mx.use(engine):
            got = ours.compute(dtype)
        rounding = gamma(ours.count, np.float32) + gamma(ours.count, dtype)
        off = np.abs(got - expected)
        assert got.shape == expected.shape
        assert (off <= rounding * ours.size + ours.printing).all(), f"{engine}, {dtype.__name__}: off by {off.max()}"


def reasons(folder):
    """{name: reason}, as the translators find it."""
    found = {}
    for name, case in CASES.items():
        try:
            TRANSLATORS[case.kind](case, folder)
        except NotOurs as reason:
            found[name] = str(reason)
    return found


def test_every_case_that_is_not_run_is_listed_with_its_reason(tmp_path):
    assert reasons(tmp_path) == LISTED
    assert {case.kind for case in CASES.values()} == set(TRANSLATORS)
    assert len(CASES) - len(LISTED) >= 100


def readable(case):
    x = case.inputs[0]
    return isinstance(x, np.ndarray) and x.dtype == np.float32 and x.ndim in (2, 4, 5)


@pytest.mark.parametrize("name", [name for name in LISTED if readable(CASES[name])])
def test_nor_is_it_misread(name, tmp_path):
    """What the engine has no layer for, ``from_onnx`` does not take for something else."""
    with pytest.raises(mx.UnsupportedOp, match="node 'layer', .* has no layer in the engine"):
        imported(CASES[name], tmp_path)


def test_the_printed_averages_are_the_fractions_to_four_digits(tmp_path):
    """Second channel: (0.8816 + 0.4353 + 0.5772 + 0.6623) / 9 = 2.5564 / 9 = 0.28404..., and the case has 0.2841."""
    case = CASES[PRINTED]
    exactly = [F(sum(F(str(v)) for v in plane.flat), 9) for plane in case.inputs[0][0]]
    op = imported(case, tmp_path).node("layer").op
    decimals = np.array([[[[F(str(v)) for v in row] for row in plane] for plane in case.inputs[0][0]]])
    assert op.forward(decimals).ravel().tolist() == exactly
    assert exactly[1] == F(25564, 90000)
