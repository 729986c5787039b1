"""Judd's AUC and NSS: by hand, by slow definitions, by SciPy and scikit-learn, and what they refuse."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from scipy.stats import zscore
from sklearn import metrics as theirs

from minixai import exact
from minixai.metrics import auc, auc_judd, nss, nss_squared
from tests.metrics.examples import cases, root

OBJECT = (1, 1, 0, 0, 0)  # fixated: the first two of five pixels

SHAPES = [(7,), (4, 5), (2, 3, 4)]


def slow_auc_judd(values, seen):
    """The corners of the curve one by one, in fractions, and the area under it by scikit-learn's trapezoids."""
    ours, others = values[seen].tolist(), values[~seen].tolist()
    corners = [(Fraction(0), Fraction(0))]
    for t in sorted(set(ours), reverse=True):
        corners.append(tuple(Fraction(sum(v >= t for v in some), len(some)) for some in (others, ours)))
    corners.append((Fraction(1), Fraction(1)))
    return theirs.auc(*(np.array(axis, float) for axis in zip(*corners, strict=True)))


@pytest.mark.parametrize(
    ("values", "seen", "expected"),
    [
        ((3, 1, 1, 0, 0), OBJECT, Fraction(11, 12)),  # at t = 1 a third of the others: 1 - 1/3 * (1/2 + 0) / 2
        ((1, 1, 0, 0, 2), OBJECT, Fraction(5, 6)),  # one threshold; the 2 is above it, but no threshold of its own
        ((3, 0, 0, 1, 1), OBJECT, Fraction(3, 4)),
        ((0, 1), (0, 1), Fraction(1)),
        ((1, 0), (0, 1), Fraction(1, 2)),  # one fixation at the minimum: a straight line, where AUC is 0
        ((2, 2, 2), (0, 1, 0), Fraction(1, 2)),
        ((5, 4, 3, 2, 1), (0, 0, 0, 0, 1), Fraction(1, 2)),
        ((5, 4, 3, 2, 1), (0, 0, 1, 0, 0), Fraction(3, 4)),
        ((5, 4, 1, 2, 3), (0, 0, 1, 1, 0), Fraction(1, 4)),
    ],
)
def test_auc_judd_by_hand(values, seen, expected):
    found = auc_judd(exact(values), np.array(seen, bool))
    assert found == expected and isinstance(found, Fraction)
    assert auc_judd(values, seen) == auc_judd([values], [seen]) == float(expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [1, 4, 1000])
def test_auc_judd_is_the_slow_definition(shape, levels):
    for values, seen in cases(shape, 30, levels, seed=levels):
        found = auc_judd(values, seen)
        assert isinstance(found, float)
        assert found == pytest.approx(slow_auc_judd(values, seen), abs=1e-14)
        assert auc(values, seen) - 1e-15 <= found <= 1


def test_with_a_fixation_at_every_value_judds_auc_is_auc():
    for values, seen in cases((6, 7), 40, 2, seed=9):
        if set(values[~seen]) <= set(values[seen]):
            assert auc_judd(exact(values), seen) == auc(exact(values), seen)


@pytest.mark.parametrize(
    ("values", "seen", "squared"),
    [
        ((1, 1, 0, 0, 2), OBJECT, Fraction(1, 14)),
        ((3, 0, 0, 1, 1), OBJECT, Fraction(5, 24)),
        ((0, 1), (0, 1), Fraction(1)),
        ((1, 0), (0, 1), Fraction(-1)),
        ((4, 0, 0, 0, 0), (1, 0, 0, 0, 0), Fraction(4)),  # mean 4/5, variance 64/25
        ((4, 1, 7), (1, 1, 1), Fraction(0)),  # everywhere: the mean of all
        ((2, 2, 2), (0, 1, 0), Fraction(0)),  # constant
    ],
)
def test_nss_by_hand(values, seen, squared):
    found = nss_squared(exact(values), seen)
    assert found == squared and isinstance(found, Fraction)
    assert nss(exact(values), seen) == root(squared) and isinstance(nss(exact(values), seen), float)
    assert nss(values, seen) == pytest.approx(root(squared), abs=1e-15)


@pytest.mark.parametrize("shape", SHAPES)
def test_nss_is_the_mean_of_scipys_z_scores(shape):
    for values, seen in cases(shape, 40, 1000, seed=4):
        assert nss(values, seen) == pytest.approx(zscore(values, axis=None, ddof=0)[seen].mean(), abs=1e-13)
        assert nss(values, seen) == pytest.approx(nss(exact(values), seen), abs=1e-13)


@pytest.mark.parametrize("factor", [5e-324, 1e-200, 1e200, 1.7e308])
def test_nss_of_huge_and_tiny_maps(factor):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert nss(np.array([1, 0, -1, 0]) * factor, [1, 0, 0, 0]) == pytest.approx(sqrt(2), abs=1e-15)


@pytest.mark.parametrize("metric", [auc_judd, nss])
@pytest.mark.parametrize(
    ("values", "seen", "said"),
    [
        ([1, np.nan], [1, 0], "the map, of dtype float64, holds something else than finite real numbers"),
        ([1, 2, 3], [1, 0], r"the mask of fixations has shape \(2,\), the map \(3,\); expected one shape"),
        ([1, 2], [2, 0], "the mask of fixations, of dtype int64, holds other values than 0 and 1"),
        ([1, 2], [np.nan, 1], "the mask of fixations, of dtype float64, holds other values"),
        ([1, 2], [0, 0], "the mask of fixations is empty; expected at least one fixated pixel"),
    ],
)
def test_what_is_refused(metric, values, seen, said):
    with pytest.raises(ValueError, match=said) as error:
        metric(values, seen)
    assert "\n" not in str(error.value)


def test_nothing_but_fixations_has_no_others():
    with pytest.raises(ValueError, match="covers the whole picture; expected at least one pixel that was not fixated"):
        auc_judd([1, 2], [1, 1])
