"""Every layer's adjoint is the transpose of its forward pass: <op(x) - op(0), g> == <x, adjoint(g)>, in fractions.

The identity holds with ==. A signal may have leading axes; each of its slices must then be carried back as if alone.
"""

import inspect
from fractions import Fraction
from itertools import product, starmap
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minixai as mx
from minixai import ops

from .material import Axis, all_fractions, as_tuple, dot, fractions, run

LEADING = ((), (2,), (2, 3))
thoroughly = settings(max_examples=40, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 10**6)
batches = st.integers(0, 2)
few = st.integers(1, 3)


def assert_adjoint(op, *xs, seed):
    y, choices = run(op, *xs)
    at_zero = op.forward(*(x * Fraction(0) for x in xs), *choices)
    rng = np.random.default_rng(seed)
    for lead in LEADING:
        g = fractions(rng, lead + y.shape)
        leaving = as_tuple(op.adjoint(g, *xs, *choices))
        assert [part.shape for part in leaving] == [lead + x.shape for x in xs]
        assert all(all_fractions(part) for part in leaving)
        for index in np.ndindex(lead):
            alone = as_tuple(op.adjoint(g[index], *xs, *choices))
            assert all((part[index] == one).all() for part, one in zip(leaving, alone, strict=True))
            back = sum(dot(x, one) for x, one in zip(xs, alone, strict=True))
            assert dot(y - at_zero, g[index]) == back


def every_axis(longest, reach):
    """Every way in which at least one window fits, small ones first."""
    sizes, kernels = range(1, longest + 1), range(1, reach + 1)
    ways = starmap(Axis, product(sizes, kernels, sizes, range(4), range(4), (1, 2)))
    return sorted((axis for axis in ways if axis.starts()), key=sum)


AXES = {2: every_axis(longest=5, reach=3), 3: every_axis(longest=3, reach=2)}


def geometry(axes, usable=lambda axis: True):
    """(sizes, kernels, strides, befores, afters, dilations)"""
    axis = st.sampled_from([axis for axis in AXES[axes] if usable(axis)])
    return st.tuples(*[axis] * axes).map(lambda each: tuple(zip(*each, strict=True)))


def convolution(layer, geometry, n, groups, inputs, outputs, bias, seed):
    size, kernel, stride, before, after, dilation = geometry
    rng = np.random.default_rng(seed)
    weight = fractions(rng, (groups * outputs, inputs, *kernel))
    b = fractions(rng, (groups * outputs,)) if bias else None
    padding = tuple(zip(before, after, strict=True))
    op = layer(weight, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return op, fractions(rng, (n, groups * inputs, *size))


@thoroughly
@given(geometry(2), batches, few, few, few, st.booleans(), seeds)
def test_conv2d(geometry, n, groups, inputs, outputs, bias, seed):
    op, x = convolution(mx.Conv2d, geometry, n, groups, inputs, outputs, bias, seed)
    assert_adjoint(op, x, seed=seed)


@thoroughly
@given(geometry(3), batches, st.integers(1, 2), st.integers(1, 2), st.integers(1, 2), st.booleans(), seeds)
def test_conv3d(geometry, n, groups, inputs, outputs, bias, seed):
    op, x = convolution(mx.Conv3d, geometry, n, groups, inputs, outputs, bias, seed)
    assert_adjoint(op, x, seed=seed)


@pytest.mark.parametrize("size, kernel, stride, padding", [(2, 1, 6, 2), (5, 1, 20, 3), (3, 2, 7, 4)])
def test_a_convolution_whose_only_window_lies_wholly_in_the_padding_hands_nothing_back(size, kernel, stride, padding):
    rng = np.random.default_rng(0)
    op = mx.Conv2d(fractions(rng, (2, 1, kernel, kernel)) + 5, stride=stride, padding=padding)
    x = fractions(rng, (1, 1, size, size))
    assert (op.adjoint(fractions(rng, op.forward(x).shape), x) == 0).all()
    assert_adjoint(op, x, seed=0)


@thoroughly
@given(batches, few, few, st.booleans(), seeds)
def test_linear(n, inputs, outputs, bias, seed):
    rng = np.random.default_rng(seed)
    op = mx.Linear(fractions(rng, (outputs, inputs)), fractions(rng, (outputs,)) if bias else None)
    assert_adjoint(op, fractions(rng, (n, inputs)), seed=seed)


def pooled(axes, ceil_mode, dilations):
    return geometry(axes, lambda axis: axis.dilation in dilations and axis.every_window_sees_the_picture(ceil_mode))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("include_pad", [False, True])
@pytest.mark.parametrize("layer, axes", [(mx.AvgPool2d, 2), (mx.AvgPool3d, 3)])
def test_average_pool(layer, axes, ceil_mode, include_pad):
    @settings(thoroughly, max_examples=20)
    @given(pooled(axes, ceil_mode, (1,)), batches, seeds)
    def holds(geometry, n, seed):
        size, kernel, stride, before, after, _ = geometry
        padding = tuple(zip(before, after, strict=True))
        op = layer(kernel, stride, padding, ceil_mode=ceil_mode, count_include_pad=include_pad)
        assert_adjoint(op, fractions(np.random.default_rng(seed), (n, 2, *size)), seed=seed)

    holds()


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("layer, axes", [(mx.MaxPool2d, 2), (mx.MaxPool3d, 3)])
def test_max_pool_with_its_switches_fixed(layer, axes, ceil_mode):
    @settings(thoroughly, max_examples=20)
    @given(pooled(axes, ceil_mode, (1, 2)), batches, seeds)
    def holds(geometry, n, seed):
        size, kernel, stride, before, after, dilation = geometry
        padding = tuple(zip(before, after, strict=True))
        op = layer(kernel, stride, padding, ceil_mode=ceil_mode, dilation=dilation)
        assert_adjoint(op, fractions(np.random.default_rng(seed), (n, 2, *size), largest=1), seed=seed)

    holds()


@thoroughly
@given(st.lists(st.integers(1, 3), min_size=0, max_size=4), batches, seeds)
def test_relu_with_its_gates_fixed(shape, n, seed):
    assert_adjoint(mx.ReLU(), fractions(np.random.default_rng(seed), (n, *shape), largest=1), seed=seed)


@thoroughly
@given(st.tuples(*[st.integers(1, 6)] * 4), batches, seeds)
def test_adaptive_average_pool(sizes, n, seed):
    op = mx.AdaptiveAvgPool2d(sizes[:2])
    assert_adjoint(op, fractions(np.random.default_rng(seed), (n, 2, *sizes[2:])), seed=seed)


@thoroughly
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), batches, seeds)
def test_global_average_pool(size, n, seed):
    x = fractions(np.random.default_rng(seed), (n, 2, *size))
    assert_adjoint(mx.GlobalAvgPool(), x, seed=seed)
    assert (mx.GlobalAvgPool().forward(x).ravel() == x.reshape(2 * n, prod(size)).sum(axis=1) / prod(size)).all()


@pytest.mark.parametrize("axes", [2, 3])
def test_resize(axes):
    sizes = st.tuples(*[st.integers(1, 5)] * axes)

    @settings(thoroughly, max_examples=20)
    @given(sizes, sizes, batches, seeds)
    def holds(size, given_size, n, seed):
        x = fractions(np.random.default_rng(seed), (n, 2, *given_size))
        assert_adjoint(mx.Resize(size), x, seed=seed)

    holds()


@thoroughly
@given(st.lists(st.integers(1, 3), min_size=0, max_size=3), batches, st.booleans(), st.booleans(), seeds)
def test_batch_norm(size, n, weight, bias, seed):
    rng, channels = np.random.default_rng(seed), 3
    eps = Fraction(1, 4)
    variance = (fractions(rng, (channels,)) + 6) ** 2 - eps  # so that var + eps is the square of a fraction
    scale, shift = (fractions(rng, (channels,)) if there else None for there in (weight, bias))
    op = mx.BatchNorm2d(fractions(rng, (channels,)), variance, scale, shift, eps=eps)
    assert_adjoint(op, fractions(rng, (n, channels, *size)), seed=seed)


@thoroughly
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), batches, few, seeds)
def test_add(shape, n, inputs, seed):
    rng = np.random.default_rng(seed)
    assert_adjoint(mx.Add(), *(fractions(rng, (n, *shape)) for _ in range(inputs)), seed=seed)


def test_add_reads_the_same_node_twice():
    x = fractions(np.random.default_rng(0), (2, 3))
    assert_adjoint(mx.Add(), x, x, seed=0)


@thoroughly
@given(st.lists(st.integers(1, 3), min_size=0, max_size=3), st.lists(few, min_size=1, max_size=3), batches, seeds)
def test_concat(size, channels, n, seed):
    rng = np.random.default_rng(seed)
    assert_adjoint(mx.Concat(), *(fractions(rng, (n, c, *size)) for c in channels), seed=seed)


@pytest.mark.parametrize("op", [mx.Flatten(), mx.Identity()], ids=repr)
def test_reshaping(op):
    @settings(thoroughly, max_examples=20)
    @given(st.lists(st.integers(1, 3), min_size=1, max_size=4), batches, seeds)
    def holds(shape, n, seed):
        assert_adjoint(op, fractions(np.random.default_rng(seed), (n, *shape)), seed=seed)

    holds()


def test_no_layer_is_forgotten():
    """Every public layer stands in a test of this file, except Softmax, which fractions cannot hold."""
    layers = {name for name, cls in vars(ops).items() if inspect.isclass(cls) and issubclass(cls, ops.Op)}
    here = inspect.getsource(inspect.getmodule(test_no_layer_is_forgotten))
    assert {name for name in layers if f"mx.{name}" not in here} == {"Op", "Input", "Weighted", "Softmax"}
