"""Bounds on rounding errors, against the errors that floats really make."""

from fractions import Fraction

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making import precision as p
from minixai.ops.numbers import exact

THIRD = Fraction(1, 3)


def error_of(value):
    return value.error


def test_what_fits_24_bits_has_no_error():
    for value in (3, Fraction(-7, 8), 2**24, Fraction(1, 2**40)):
        assert p.Rounded(value).error == 0
    for value in (2**24 + 1, THIRD, Fraction(1, 10)):
        assert p.Rounded(value).error == abs(Fraction(value))


def test_errors_add_up():
    a, b = p.Rounded(THIRD), p.Rounded(Fraction(1, 5))
    assert (a + b).error == THIRD + Fraction(1, 5) + (THIRD + Fraction(1, 5))
    assert (a * b).error == 2 * THIRD / 5 + THIRD / 5
    assert (a / 2).error == THIRD / 2 + THIRD / 2
    assert (a - 1).error == (1 - a).error == THIRD + Fraction(2, 3)
    assert (-a).error == abs(-a).error == a.error and sum([a, a]).error > a.error
    assert (p.Rounded(1) + p.Rounded(Fraction(1, 8))).error == 0


def test_dividing_by_what_was_computed_has_no_bound():
    for quotient in (lambda a: 1 / a, lambda a: a / a, lambda a: Fraction(1, 2) / a):
        with pytest.raises(ValueError, match="dividing by what was computed"):
            quotient(p.Rounded(THIRD))


@pytest.mark.parametrize("asks", [lambda a, b: a < b, lambda a, b: a > b, lambda a, b: a == b, lambda a, b: a >= b])
def test_a_decision_that_hangs_on_a_rounding_is_ambiguous(asks):
    a = p.Rounded(THIRD)
    for b in (THIRD, p.Rounded(THIRD), THIRD + Fraction(1, 10**9)):
        with pytest.raises(p.Ambiguous, match="floats might decide otherwise"):
            asks(a, b)
    asks(a, Fraction(1, 4)), asks(p.Rounded(0), 0), asks(p.Rounded(1), Fraction(10**9 + 1, 10**9))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_float_is_further_off_than_the_bound(dtype):
    """Sums and products of thirds and tenths, in another order than the bound was counted in."""
    rng, unit = np.random.default_rng(0), 2.0 ** -p.BITS[dtype]
    for _ in range(50):
        x, w = (exact(rng.integers(-30, 30, (1, 12)) / np.array(d)) for d in (3.0, 10.0))
        op, layer = mx.Linear(w), mx.Linear(w.astype(dtype))
        right = op.forward(x)
        counted = op.convert(p.rounded).forward(p.rounded(x))
        bound = p.ulp(p.largest_error(counted))[dtype] * float(abs(right).max())
        found = layer.forward(x[:, ::-1].astype(dtype).copy()[:, ::-1])
        assert abs(Fraction(float(found[0, 0])) - right[0, 0]) <= bound
        assert bound < 400 * unit * float((abs(x) * abs(w)).sum() + abs(right).max())


def test_a_proof_of_exactness_sees_one_bit_too_many():
    x = exact([[1, 1]])
    assert p.forward_is_exact(mx.Linear(exact([[2**23, 2**23]])), (x,))
    assert not p.forward_is_exact(mx.Linear(exact([[2**23, 2**23 + 1]])), (x,))
    assert not p.forward_is_exact(mx.Linear(exact([[2**23 + 1, -(2**23)]])), (x,))  # small, but not on the way
    assert not p.forward_is_exact(mx.Linear(exact([[THIRD, 1]])), (x,))
    assert not p.backward_is_exact(mx.Linear(exact([[2**20], [2**20]])), (exact([[1]]),), None, exact([[9, 9]]))
    assert p.backward_is_exact(mx.Linear(exact([[2**20], [2**20]])), (exact([[1]]),), None, exact([[8, 8]]))


def test_averages_are_exact_only_over_powers_of_two():
    x = exact(np.arange(16).reshape(1, 1, 4, 4))
    assert p.forward_is_exact(mx.AvgPool2d(2), (x,)) and p.forward_is_exact(mx.GlobalAvgPool(), (x,))
    assert not p.forward_is_exact(mx.AvgPool2d(3), (x,))
    assert not p.forward_is_exact(mx.AvgPool2d(2, padding=1, count_include_pad=False), (x,))
    assert not p.forward_is_exact(mx.GlobalAvgPool(), (x[..., :3],))
