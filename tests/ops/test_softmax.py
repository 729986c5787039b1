"""Softmax and its adjoint against PyTorch, and at the sizes where a careless one overflows."""

import numpy as np
import pytest
import torch

import minixai as mx

SHAPES = [(1, 1), (3, 5), (0, 4), (2, 3, 2, 2), (1, 2, 2, 1, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1, 30])
def test_agrees_with_pytorch(shape, scale):
    rng = np.random.default_rng(0)
    x, R = scale * rng.standard_normal(shape), rng.standard_normal(shape)
    leaf = torch.tensor(x, requires_grad=True)
    theirs = torch.softmax(leaf, dim=1)
    theirs.backward(torch.tensor(R))
    np.testing.assert_allclose(mx.Softmax().forward(x), theirs.detach().numpy(), rtol=0, atol=1e-14)
    np.testing.assert_allclose(mx.Softmax().adjoint(R, x), leaf.grad.numpy(), rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_signal_with_leading_axes_is_carried_slice_by_slice(shape):
    rng = np.random.default_rng(1)
    x, R = rng.standard_normal(shape), rng.standard_normal((2, 3, *shape))
    together = mx.Softmax().adjoint(R, x)
    assert together.shape == R.shape
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(together[index], mx.Softmax().adjoint(R[index], x), rtol=0, atol=1e-15)


def test_by_hand():
    """At p = 3/4 the probability's slope is 3/16 of the score's."""
    x = np.log([[3.0, 1.0]])
    np.testing.assert_allclose(mx.Softmax().forward(x), [[3 / 4, 1 / 4]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(mx.Softmax().adjoint(np.array([[1.0, 0.0]]), x), [[3 / 16, -3 / 16]], rtol=0, atol=1e-15)


def test_large_scores_do_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        p = mx.Softmax().forward(np.array([[1e4, 1e4, -1e4], [-1e308, -1e308, -1e308]]))
    np.testing.assert_allclose(p, [[1 / 2, 1 / 2, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=0, atol=1e-15)


def test_a_constant_added_to_every_score_changes_nothing():
    x = np.random.default_rng(2).standard_normal((2, 4))
    np.testing.assert_allclose(mx.Softmax().forward(x + 8), mx.Softmax().forward(x), rtol=0, atol=1e-14)


def test_float32_stays_float32():
    x = np.random.default_rng(3).standard_normal((2, 4)).astype(np.float32)
    p = mx.Softmax().forward(x)
    assert p.dtype == mx.Softmax().adjoint(p, x).dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=0, atol=4 * np.finfo(np.float32).eps)
