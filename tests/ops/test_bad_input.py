"""Bad input of the layers raises one sentence: what was given, what was expected. An empty batch is not bad input."""

import re
from fractions import Fraction

import numpy as np
import pytest

import minixai as mx
from minixai.ops.base import parameter, sizes
from minixai.ops.windows import output_size, pads

from .material import as_tuple, fractions, run

F2, F3 = np.ones((2, 3, 2, 2)), np.ones((2, 3, 2, 2, 2))
PICTURE, VOLUME = np.ones((1, 3, 4, 4)), np.ones((1, 3, 4, 4, 4))


def output(op, x):
    return run(op, x)[0]


# What a layer refuses to be -----------------------------------------------------------------------------------------

WHOLE = "expected an integer of at least 1, or 2 of them"
NOT_NEGATIVE = "expected a number of at least 0, 2 of them, or 2 pairs (before, after)"
PER_CHANNEL = "expected one bias per output channel, and groups that divide the output channels"
FLOAT16 = "has dtype float16; expected float32, float64 or fractions: convert it first"
UNBUILDABLE = {
    "stride 0": (lambda: mx.Conv2d(F2, stride=0), f"stride is 0; {WHOLE}"),
    "stride -1 on one axis": (lambda: mx.Conv2d(F2, stride=(1, -1)), f"stride is (1, -1); {WHOLE}"),
    "stride with too many axes": (lambda: mx.Conv2d(F2, stride=(1, 1, 1)), f"stride is (1, 1, 1); {WHOLE}"),
    "stride 3-D": (lambda: mx.Conv3d(F3, stride=(1, 1)), "stride is (1, 1); expected an integer of at least 1, or 3"),
    "stride 1.5": (lambda: mx.Conv2d(F2, stride=1.5), f"stride is 1.5; {WHOLE}"),
    "stride None": (lambda: mx.Conv2d(F2, stride=None), f"stride is None; {WHOLE}"),
    "dilation 0": (lambda: mx.Conv2d(F2, dilation=0), f"dilation is 0; {WHOLE}"),
    "padding -1": (lambda: mx.Conv2d(F2, padding=-1), f"padding is -1; {NOT_NEGATIVE}"),
    "padding -1 after": (lambda: mx.Conv2d(F2, padding=((0, -1), (0, 0))), "padding is ((0, -1), (0, 0)); expected"),
    "padding same": (lambda: mx.Conv2d(F2, padding="same"), f"padding is 'same'; {NOT_NEGATIVE}"),
    "padding 0.5": (lambda: mx.Conv2d(F2, padding=0.5), f"padding is 0.5; {NOT_NEGATIVE}"),
    "padding 0.5 on one axis": (lambda: mx.Conv2d(F2, padding=(0.5, 0)), "padding is (0.5, 0); expected"),
    "padding of three axes": (lambda: mx.Conv2d(F2, padding=(1, 1, 1)), "padding is (1, 1, 1); expected"),
    "bias count": (lambda: mx.Conv2d(F2, np.ones(3)), PER_CHANNEL),
    "bias count 3-D": (lambda: mx.Conv3d(F3, np.ones(3)), PER_CHANNEL),
    "bias rank": (lambda: mx.Conv2d(F2, np.ones((2, 1))), "bias has shape (2, 1); expected 1 axes"),
    "groups that do not divide": (lambda: mx.Conv2d(F2, groups=3), PER_CHANNEL),
    "groups 0": (lambda: mx.Conv2d(F2, groups=0), "groups is 0; expected an integer of at least 1"),
    "weight rank": (lambda: mx.Conv2d(F3), "weight has shape (2, 3, 2, 2, 2); expected 4 axes"),
    "weight rank 3-D": (lambda: mx.Conv3d(F2), "weight has shape (2, 3, 2, 2); expected 5 axes"),
    "float16": (lambda: mx.Conv2d(F2.astype("float16")), f"weight {FLOAT16}"),
    "float16 bias": (lambda: mx.Conv2d(F2, np.ones(2, "float16")), f"bias {FLOAT16}"),
    "float16 linear": (lambda: mx.Linear(np.ones((2, 2), "float16")), f"weight {FLOAT16}"),
    "bool weight": (lambda: mx.Linear(np.ones((2, 2), bool)), "weight has dtype bool; expected float32, float64"),
    "complex weight": (lambda: mx.Linear(np.ones((2, 2), complex)), "weight has dtype complex128; expected float32"),
    "linear weight rank": (lambda: mx.Linear(np.ones(2)), "weight has shape (2,); expected 2 axes"),
    "linear bias count": (lambda: mx.Linear(np.ones((2, 3)), np.ones(3)), "bias has 3 numbers; expected one per"),
    "batch norm count": (lambda: mx.BatchNorm2d(np.ones(2), np.ones(3)), "numbers; expected one per channel"),
    "batch norm float16": (lambda: mx.BatchNorm2d(np.ones(2, "float16"), np.ones(2)), f"running_mean {FLOAT16}"),
    "pool kernel 0": (lambda: mx.MaxPool2d(0), f"kernel is 0; {WHOLE}"),
    "pool kernel 1.5": (lambda: mx.AvgPool2d(1.5), f"kernel is 1.5; {WHOLE}"),
    "pool kernel None": (lambda: mx.MaxPool2d(None), f"kernel is None; {WHOLE}"),
    "pool stride 0": (lambda: mx.MaxPool2d(2, 0), f"stride is 0; {WHOLE}"),
    "pool dilation 0": (lambda: mx.MaxPool2d(2, dilation=0), f"dilation is 0; {WHOLE}"),
    "pool padding -1": (lambda: mx.AvgPool2d(2, 1, -1), f"padding is -1; {NOT_NEGATIVE}"),
    "pool 3-D with two numbers": (lambda: mx.MaxPool3d((2, 2)), "kernel is (2, 2); expected an integer of at least 1"),
    "adaptive 0": (lambda: mx.AdaptiveAvgPool2d(0), f"output_size is 0; {WHOLE}"),
    "adaptive of three": (lambda: mx.AdaptiveAvgPool2d((1, 1, 1)), f"output_size is (1, 1, 1); {WHOLE}"),
    "resize 0": (lambda: mx.Resize((0, 3)), "size is (0, 3); expected"),
    "resize 1.5": (lambda: mx.Resize(1.5), "size is 1.5; expected"),
}  # fmt: skip


@pytest.mark.parametrize("make, sentence", UNBUILDABLE.values(), ids=UNBUILDABLE)
def test_a_layer_that_cannot_be_is_refused_when_it_is_made(make, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make()


# What a layer refuses to read ---------------------------------------------------------------------------------------

SMALL, TINY = np.ones((1, 3, 1, 1)), np.ones((1, 3, 1, 1, 1))
IN_PADDING = "a pooling window lies wholly in the padding; use less padding or a larger window"
CONV2D, CONV3D = "expected (N, 3, size, size)", "expected (N, 3, size, size, size)"
POOL2D, POOL3D = "expected (N, C, size, size)", "expected (N, C, size, size, size)"
NORM = mx.BatchNorm2d(np.ones(2), np.ones(2))


def shaped(*shape):
    return f"got an input of shape {shape}; "


def too_small(window, n):
    return f"the window covers {window} pixels, but the picture has only {n} "


UNREADABLE = {
    "conv2d channels": (mx.Conv2d(F2), np.ones((1, 2, 4, 4)), shaped(1, 2, 4, 4) + CONV2D),
    "conv2d groups": (mx.Conv2d(F2, groups=2), PICTURE, shaped(1, 3, 4, 4) + "expected (N, 6, size, size)"),
    "conv2d without a batch": (mx.Conv2d(F2), PICTURE[0], shaped(3, 4, 4) + CONV2D),
    "conv2d of a volume": (mx.Conv2d(F2), VOLUME, shaped(1, 3, 4, 4, 4) + CONV2D),
    "conv3d of a picture": (mx.Conv3d(F3), PICTURE, shaped(1, 3, 4, 4) + CONV3D),
    "conv2d of a small picture": (mx.Conv2d(F2), SMALL, too_small(2, 1)),
    "conv2d dilated": (mx.Conv2d(F2, dilation=4), PICTURE, too_small(5, 4)),
    "conv3d of a small volume": (mx.Conv3d(F3), TINY, too_small(2, 1)),
    "linear inputs": (mx.Linear(np.ones((2, 3))), np.ones((1, 2)), shaped(1, 2) + "expected (N, 3): is a Flatten"),
    "linear of a picture": (mx.Linear(np.ones((2, 4))), PICTURE, "expected (N, 4): is a Flatten missing?"),
    "batch norm channels": (NORM, PICTURE, shaped(1, 3, 4, 4) + "expected 2 channels on the second axis"),
    "batch norm of a row": (NORM, np.ones(2), shaped(2) + "expected 2 channels on the second axis"),
    "max-pool rank": (mx.MaxPool2d(2), VOLUME, shaped(1, 3, 4, 4, 4) + POOL2D),
    "max-pool 3-D rank": (mx.MaxPool3d(2), PICTURE, shaped(1, 3, 4, 4) + POOL3D),
    "max-pool of a small picture": (mx.MaxPool2d(2), SMALL, too_small(2, 1)),
    "max-pool in padding": (mx.MaxPool2d(2, 1, 2), PICTURE, IN_PADDING),
    "max-pool in one axis' padding": (mx.MaxPool2d(2, 1, (0, 2)), PICTURE, IN_PADDING),
    "max-pool 3-D in padding": (mx.MaxPool3d(1, 1, 1), VOLUME, IN_PADDING),
    "dilated max-pool round a picture": (mx.MaxPool2d(2, 1, 1, dilation=2), SMALL, IN_PADDING),
    "average rank": (mx.AvgPool2d(2), PICTURE[0], shaped(3, 4, 4) + POOL2D),
    "average 3-D rank": (mx.AvgPool3d(2), PICTURE, shaped(1, 3, 4, 4) + POOL3D),
    "average of a small picture": (mx.AvgPool2d(2), SMALL, too_small(2, 1)),
    "average in padding": (mx.AvgPool2d(2, 1, 2), PICTURE, IN_PADDING),
    "average of pixels, in padding": (mx.AvgPool2d(2, 1, 2, count_include_pad=False), PICTURE, IN_PADDING),
    "adaptive rank": (mx.AdaptiveAvgPool2d(2), VOLUME, shaped(1, 3, 4, 4, 4) + "expected (N, C, H, W)"),
    "global rank": (mx.GlobalAvgPool(), np.ones((1, 3)), shaped(1, 3) + "expected maps, (N, C, H, W)"),
    "resize rank": (mx.Resize((2, 2)), np.ones(3), shaped(3) + "expected maps of 2 axes"),
    "softmax of fractions": (mx.Softmax(), mx.exact([[1, 2]]), "softmax has no exact value in fractions; use floats"),
    "softmax of a row": (mx.Softmax(), np.ones(3), shaped(3) + "expected (N, classes)"),
    "batch norm without a rational root": (
        mx.BatchNorm2d(mx.exact([0]), mx.exact([2]), eps=0), mx.exact([[[[1]]]]),
        "2 is not the square of a fraction, and exact arithmetic needs its root; choose var + eps a rational square",
    ),
}  # fmt: skip


@pytest.mark.parametrize("op, x, sentence", UNREADABLE.values(), ids=UNREADABLE)
def test_what_a_layer_cannot_read_is_refused(op, x, sentence, each_engine):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        output(op, x)


def test_softmax_of_fractions_is_an_unsupported_op():
    with pytest.raises(mx.UnsupportedOp):
        mx.Softmax().forward(mx.exact([[1, 2]]))


@pytest.mark.parametrize("shapes", [((1, 2), (1, 3)), ((1, 2), (2, 2)), ((1, 2, 3, 3), (1, 2, 3))])
def test_add_takes_one_shape(shapes):
    with pytest.raises(ValueError, match="got inputs of shapes .*; expected one shape"):
        mx.Add().forward(*map(np.ones, shapes))


@pytest.mark.parametrize("shapes", [((1, 2, 3, 3), (2, 2, 3, 3)), ((1, 2, 3, 3), (1, 2, 3, 4)), ((1, 2), (1, 2, 3))])
def test_concat_takes_equal_sizes_but_for_the_channels(shapes):
    with pytest.raises(ValueError, match="got inputs of shapes .*; expected equal sizes but for the channels"):
        mx.Concat().forward(*map(np.ones, shapes))


def test_the_base_class_computes_nothing():
    with pytest.raises(mx.UnsupportedOp, match="Op computes nothing; use one of the layers of minixai.ops"):
        mx.Op().forward(PICTURE)
    with pytest.raises(mx.UnsupportedOp, match="Op has no adjoint; use one of the layers of minixai.ops"):
        mx.Op().adjoint(PICTURE, PICTURE)


# The helpers of geometry --------------------------------------------------------------------------------------------


def test_sizes_and_pads_say_the_same_of_one_number_and_of_several():
    assert sizes(3, 2, "kernel") == sizes((3, 3), 2, "kernel") == sizes(np.int64(3), 2, "kernel") == (3, 3)
    assert pads(1, 2) == pads((1, 1), 2) == pads(((1, 1), (1, 1)), 2) == pads([[1, 1], [1, 1]], 2) == ((1, 1), (1, 1))
    assert pads(((1, 2), 3), 2) == ((1, 2), (3, 3))


@pytest.mark.parametrize("n, k", [(1, 2), (2, 3), (0, 1)])
def test_no_window_fits(n, k):
    with pytest.raises(ValueError, match=f"the window covers {k} pixels, but the picture has only {n} "):
        output_size(n, k, 1, 0, 0, 1)


def test_integers_become_float64_and_fractions_stay():
    assert parameter([[1, 2]], 2, "weight").dtype == np.float64
    assert parameter(np.ones((1, 2), np.float32), 2, "weight").dtype == np.float32
    mixed = parameter(np.array([[1, Fraction(1, 3), 0.5]], object), 2, "weight")
    assert mixed.tolist() == [[Fraction(1), Fraction(1, 3), Fraction(1, 2)]]
    assert {type(v) for v in mixed.flat} == {Fraction}


# Empty batches ------------------------------------------------------------------------------------------------------

NONE = np.empty((0, 3, 4, 4))
EMPTY = {
    "conv2d": (mx.Conv2d(F2, np.ones(2), stride=2, padding=1), (NONE,), (0, 2, 3, 3)),
    "grouped conv2d": (mx.Conv2d(np.ones((3, 1, 2, 2)), groups=3), (NONE,), (0, 3, 3, 3)),
    "conv3d": (mx.Conv3d(F3, np.ones(2)), (np.empty((0, 3, 4, 4, 4)),), (0, 2, 3, 3, 3)),
    "linear": (mx.Linear(np.ones((2, 3)), np.ones(2)), (np.empty((0, 3)),), (0, 2)),
    "batch norm": (
        mx.BatchNorm2d(np.ones(3), np.full(3, 3.0), np.ones(3), np.ones(3), eps=1), (NONE,), (0, 3, 4, 4),
    ),
    "max-pool": (mx.MaxPool2d(2, padding=1, ceil_mode=True), (NONE,), (0, 3, 3, 3)),
    "max-pool 3-D": (mx.MaxPool3d(2), (np.empty((0, 3, 4, 4, 4)),), (0, 3, 2, 2, 2)),
    "average": (mx.AvgPool2d(2), (NONE,), (0, 3, 2, 2)),
    "average 3-D": (mx.AvgPool3d(2), (np.empty((0, 3, 4, 4, 4)),), (0, 3, 2, 2, 2)),
    "adaptive": (mx.AdaptiveAvgPool2d(3), (NONE,), (0, 3, 3, 3)),
    "global": (mx.GlobalAvgPool(), (NONE,), (0, 3, 1, 1)),
    "resize": (mx.Resize((2, 5)), (NONE,), (0, 3, 2, 5)),
    "relu": (mx.ReLU(), (NONE,), (0, 3, 4, 4)),
    "add": (mx.Add(), (NONE, NONE), (0, 3, 4, 4)),
    "concat": (mx.Concat(), (NONE, NONE[:, :1]), (0, 4, 4, 4)),
    "flatten": (mx.Flatten(), (NONE,), (0, 48)),
    "identity": (mx.Identity(), (NONE,), (0, 3, 4, 4)),
    "softmax": (mx.Softmax(), (np.empty((0, 3)),), (0, 3)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "exact"])
@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_goes_forwards_and_back(name, dtype, each_engine):
    op, xs, shape = EMPTY[name]
    if name == "softmax" and dtype == "exact":
        with pytest.raises(mx.UnsupportedOp, match="softmax has no exact value"):
            op.forward(mx.exact(xs[0]))
        return
    change = mx.exact if dtype == "exact" else lambda a: a.astype(dtype)
    op, xs = op.convert(change), [change(x) for x in xs]
    y, choices = run(op, *xs)
    assert y.shape == shape and y.dtype == xs[0].dtype
    for lead in ((), (2,)):
        R = change(np.ones(lead + shape))
        leaving = as_tuple(op.adjoint(R, *xs, *choices))
        assert [(part.shape, part.dtype) for part in leaving] == [(lead + x.shape, x.dtype) for x in xs]


@pytest.mark.parametrize("dtype", ["float64", "float32", "exact"])
@pytest.mark.parametrize("name", ["conv2d", "grouped conv2d", "conv3d", "linear", "batch norm"])
def test_an_empty_batch_teaches_nothing(name, dtype, each_engine):
    op, (x,), shape = EMPTY[name]
    change = mx.exact if dtype == "exact" else lambda a: a.astype(dtype)
    op = op.convert(change)
    learned = op.parameter_gradients(change(np.ones(shape)), change(x))
    own = {parameter: a for parameter, a in op.arrays().items() if not parameter.startswith("running")}
    assert {name: (g.shape, g.dtype) for name, g in learned.items()} == {n: (a.shape, a.dtype) for n, a in own.items()}
    assert all((g == 0).all() for g in learned.values())


# Pools of ceil_mode on small pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("size, kernel, stride", [((2, 2), 3, 2), ((2, 5), 3, 3), ((3, 2), 4, 3)])
def test_ceil_mode_takes_a_picture_smaller_than_its_window(size, kernel, stride, each_engine):
    """As PyTorch: the last window may reach beyond the picture, also if it is the only one."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = fractions(np.random.default_rng(0), (1, 2, *size)).astype(np.float64)
    how = {"ceil_mode": True}
    largest, indices = functional.max_pool2d(torch.tensor(x), kernel, stride, **how, return_indices=True)
    op = mx.MaxPool2d(kernel, stride, **how)
    assert np.array_equal(op.choose(x), indices.numpy())
    assert np.array_equal(output(op, x), largest.numpy())
    for include in (True, False):
        mean = functional.avg_pool2d(torch.tensor(x), kernel, stride, **how, count_include_pad=include)
        ours = mx.AvgPool2d(kernel, stride, **how, count_include_pad=include).forward(x)
        np.testing.assert_allclose(ours, mean.numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel, stride", [(3, 1), (4, 2)])
def test_ceil_mode_does_not_invent_a_window(kernel, stride, each_engine):
    x = np.ones((1, 1, 2, 2)) if kernel == 3 else np.ones((1, 1, 1, 1))
    for op in (mx.MaxPool2d(kernel, stride, ceil_mode=True), mx.AvgPool2d(kernel, stride, ceil_mode=True)):
        with pytest.raises(ValueError, match=f"the window covers {kernel} pixels, but the picture has only"):
            output(op, x)
