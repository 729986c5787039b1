"""Gini's index: by hand, by closed forms, by the mean difference, and what it refuses."""

from fractions import Fraction

import numpy as np
import pytest

from minixai import exact
from minixai.metrics import gini


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, 1, 0, 0, 2), Fraction(1, 2)),
        ((3, 0, 0, 1, 1), Fraction(14, 25)),
        ((5, 5, 5), Fraction(0)),
        ((0, 0, 0), Fraction(0)),
        ((7,), Fraction(0)),
        ((1, -1, 1, -1), Fraction(0)),  # magnitudes
        ((0, 0, 0, 1), Fraction(3, 4)),
        ((0, -9, 0, 0, 0), Fraction(4, 5)),
        ((1, 3), Fraction(1, 4)),
    ],
)
def test_gini_by_hand(values, expected):
    found = gini(exact(values))
    assert found == expected and isinstance(found, Fraction)
    assert gini(values) == gini([values]) == gini([[values]]) == pytest.approx(float(expected), abs=1e-15)
    assert isinstance(gini(values), float)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 99])
def test_closed_forms(n):
    assert gini(exact(range(1, n + 1))) == Fraction(n - 1, 3 * n)  # 1, 2 ... n
    assert gini(exact([0] * (n - 1) + [1])) == 1 - Fraction(1, n)  # all on one
    total = 2**n - 1  # of 1, 2, 4 ...; and sum_k k 2^(k-1) is (n - 1) 2^n + 1
    assert gini(exact([2**k for k in range(n)])) == Fraction(2 * ((n - 1) * 2**n + 1) - (n + 1) * total, n * total)


@pytest.mark.parametrize("shape", [(9,), (4, 5), (2, 3, 4)])
def test_gini_is_half_the_relative_mean_difference_and_the_published_sum(shape):
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = rng.normal(size=shape)
        c, n = np.sort(np.abs(values), axis=None), values.size
        difference = np.abs(c[:, None] - c[None]).mean()
        published = 1 - 2 * sum(c[k - 1] / c.sum() * (n - k + 0.5) / n for k in range(1, n + 1))  # Hurley and Rickard
        assert gini(values) == pytest.approx(difference / (2 * c.mean()), abs=1e-14)
        assert gini(values) == pytest.approx(published, abs=1e-14)
        assert gini(values) == pytest.approx(float(gini(exact(values))), abs=1e-14)


@pytest.mark.parametrize("factor", [5e-324, 1e-200, 1e200, 1.7e308])
def test_huge_and_tiny_maps(factor):
    with np.errstate(over="raise", invalid="raise"):
        assert gini(np.array([0, 1, -1, 0]) * factor) == 0.5


def test_the_smallest_integer_has_a_magnitude():
    assert gini(np.array([-128, 0], np.int8)) == 0.5
    assert gini(np.array([-(2**63), 0], np.int64)) == 0.5


@pytest.mark.parametrize("values", [[np.nan, 1], [np.inf, 1], ["a"], [], 3.0, np.ones((1, 1, 1, 1))])
def test_what_is_no_map_is_refused(values):
    with pytest.raises(ValueError, match=r"the map(, of dtype .*, holds| has shape)") as error:
        gini(values)
    assert "\n" not in str(error.value)
