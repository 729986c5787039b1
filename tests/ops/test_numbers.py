"""The arithmetic under the engine: the same helpers on float32, float64 and fractions."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import minixai as mx
from minixai.ops.numbers import (
    divide,
    in_arithmetic_of,
    is_exact,
    mean,
    negative,
    number,
    positive,
    sign,
    square_root,
    zero,
    zeros,
)

from .material import all_fractions

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
ARITHMETICS = ("float32", "float64", "exact")


@pytest.fixture(params=ARITHMETICS)
def numbers(request):
    return mx.exact if request.param == "exact" else lambda values: np.array(values, request.param)


def stays(result, like):
    """The result is in the arithmetic of what it came from."""
    return all_fractions(result) if like.dtype == object else result.dtype == like.dtype


# exact ---------------------------------------------------------------------------------------------------------------


def test_exact_converts_without_rounding():
    values = mx.exact([0.25, 0.1, 3, THIRD, np.float32(0.1), np.int8(-2)])
    assert values.tolist() == [Fraction(1, 4), Fraction(3602879701896397, 2**55), 3, THIRD, values[4], -2]
    assert all_fractions(values)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "bool"])
def test_exact_takes_arrays_of_any_shape_and_gives_back_their_values(dtype):
    for shape in ((), (0,), (2, 0, 3), (2, 3)):
        array = np.random.default_rng(0).normal(0, 5, shape).astype(dtype)
        converted = mx.exact(array)
        assert converted.shape == array.shape and all_fractions(converted)
        assert np.array_equal(converted.astype(dtype), array)


def test_exact_keeps_the_order_of_arrays_that_lie_otherwise_in_memory():
    array = np.arange(6.0).reshape(2, 3)
    for view in (array.T, array[::-1], array[:, ::2]):
        assert np.array_equal(mx.exact(view).astype(float), view)


def test_exact_leaves_symbols_and_fractions_alone():
    x = sympy.Symbol("x")
    assert mx.exact([x, x + 1, THIRD]).tolist() == [x, x + 1, THIRD]


def test_exact_is_a_copy():
    original = mx.exact([1, 2])
    mx.exact(original)[0] = Fraction(9)
    assert original.tolist() == [1, 2]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "one"])
def test_exact_refuses_what_is_no_number(value):
    with pytest.raises((ValueError, OverflowError)):
        mx.exact([value])


@pytest.mark.parametrize(
    "arrays, answer",
    [((np.ones(1),), False), ((mx.exact([1]),), True), ((np.ones(1), None, mx.exact([1])), True), ((None,), False)],
)
def test_is_exact(arrays, answer):
    assert is_exact(*arrays) is answer


# Signs and parts -----------------------------------------------------------------------------------------------------


def test_the_sign_of_zero_is_plus_one(numbers):
    a = numbers([-2, 0, 3, -0.0])
    assert sign(a).tolist() == [-1, 1, 1, 1]
    assert stays(sign(a), a)


def test_positive_and_negative_parts(numbers):
    a = numbers([-2, 0, 3, 0.5])
    assert positive(a).tolist() == [0, 0, 3, 0.5]
    assert negative(a).tolist() == [-2, 0, 0, 0]
    assert (positive(a) + negative(a) == a).all()
    assert stays(positive(a), a) and stays(negative(a), a)


# Division and means --------------------------------------------------------------------------------------------------


def test_division_by_zero_hands_nothing_on(numbers):
    a, b = numbers([1, 0, -3, 5]), numbers([4, 0, 0, -2])
    with np.errstate(all="raise"):
        quotient = divide(a, b)
    assert quotient.tolist() == [0.25, 0, 0, -2.5]
    assert stays(quotient, a)


def test_division_broadcasts(numbers):
    quotient = divide(numbers([[1], [2]]), numbers([4, 0, 2]))
    assert quotient.tolist() == [[0.25, 0, 0.5], [0.5, 0, 1]]
    assert divide(numbers(1), numbers([2, 0])).tolist() == [0.5, 0]


def test_division_promotes_float32_beside_float64():
    assert divide(np.ones(2, np.float32), np.ones(2)).dtype == np.float64


def test_division_of_nothing(numbers):
    assert divide(numbers(np.ones((0, 2))), numbers(np.ones((0, 2)))).shape == (0, 2)


def test_mean(numbers):
    a = numbers([[1, 2, 0], [0, 1, 2]])
    assert mean(a) == 1
    assert mean(a, axis=1).tolist() == [1, 1]
    assert mean(a, axis=0).tolist() == [0.5, 1.5, 1]
    assert mean(a, axis=(0, 1), keepdims=True).tolist() == [[1]]
    assert stays(mean(a, axis=0), a)
    assert mean(mx.exact([1, 0, 0])) == THIRD


def test_mean_of_an_empty_batch(numbers):
    assert mean(numbers(np.ones((0, 2, 3))), axis=(1, 2)).shape == (0,)


# Roots ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", [2, Fraction(3, 2), 0, Fraction(1, 10**20)])
def test_rational_squares_have_rational_roots(root):
    found = square_root(mx.exact([[root**2]]))
    assert found.tolist() == [[root]] and all_fractions(found)


@pytest.mark.parametrize("value", [2, Fraction(1, 3), Fraction(4, 3), -4, Fraction(10**40 + 1)])
def test_other_roots_are_refused_by_name(value):
    with pytest.raises(ValueError, match=f"^{value} is not the square of a fraction, and exact arithmetic needs"):
        square_root(mx.exact([4, value, 9]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_have_the_usual_roots(dtype):
    a = np.array([0, 2, 4], dtype)
    assert np.array_equal(square_root(a), np.sqrt(a)) and square_root(a).dtype == dtype


# Numbers in the arithmetic of an array -------------------------------------------------------------------------------


def test_zeros(numbers):
    like = numbers([1])
    assert zeros((2, 3), like).shape == (2, 3) and (zeros((2, 3), like) == 0).all()
    assert stays(zeros((2,), like), like)
    assert type(zero(like)) is (Fraction if like.dtype == object else like.dtype.type)


@pytest.mark.parametrize("value", [0.25, HALF, 3])
def test_a_parameter_follows_the_array(value, numbers):
    like = numbers([1])
    assert number(value, like) == value
    assert type(number(value, like)) is (Fraction if like.dtype == object else float)
    assert stays(like * number(value, like), like)


def test_values_follow_the_array():
    like = {dtype: np.ones(1, dtype) for dtype in ("float32", "float64")}
    assert in_arithmetic_of(like["float32"], [1, 2], "it").dtype == np.float32
    assert in_arithmetic_of(like["float64"], np.array([1, 2], np.int8), "it").dtype == np.float64
    assert in_arithmetic_of(like["float32"], np.ones(1), "it").dtype == np.float32  # only pictures promote
    assert all_fractions(in_arithmetic_of(mx.exact([1]), [0.5, 2], "it"))


@pytest.mark.parametrize("value", [np.nan, np.inf, "three", None])
@pytest.mark.parametrize("like", [np.ones(1), mx.exact([1])], ids=["float64", "exact"])
def test_values_that_are_no_finite_numbers(like, value):
    with pytest.raises(ValueError, match="the baseline holds"):
        in_arithmetic_of(like, [1.0, value], "the baseline")
