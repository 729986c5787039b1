"""AUC and the pointing game: by hand, by the slow definition in fractions, by scikit-learn, and what they refuse."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from minixai import Explanation, exact
from minixai.metrics import auc, pointing

OBJECT = (1, 1, 0, 0, 0)  # the first two of five pixels


def slow_auc(values, mask):
    """Every pixel inside against every pixel outside: a win counts 1, a tie 1/2."""
    inside = [v for v, m in zip(values.flat, mask.flat, strict=True) if m]
    outside = [v for v, m in zip(values.flat, mask.flat, strict=True) if not m]
    won = sum(Fraction(int(a > b)) + Fraction(int(a == b), 2) for a in inside for b in outside)
    return won / (len(inside) * len(outside))


def slow_pointing(values, mask, tolerance_squared):
    """Walk row by row to the first maximum, then measure to every pixel of the mask."""
    best = None
    for place in np.ndindex(values.shape):
        if best is None or values[place] > values[best]:
            best = place
    there = [place for place in np.ndindex(mask.shape) if mask[place]]
    return min(sum((a - b) ** 2 for a, b in zip(best, place, strict=True)) for place in there) <= tolerance_squared


def cases(shape, count, levels, seed):
    """Maps of few levels, so that there are ties, and masks that are neither empty nor full."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < count:
        mask = rng.random(shape) < rng.random()
        if mask.any() and not mask.all():
            made += 1
            yield rng.integers(-levels, levels + 1, shape) / 8, mask


@pytest.mark.parametrize(
    ("values", "mask", "expected"),
    [
        ((3, 1, 1, 0, 0), OBJECT, Fraction(11, 12)),
        ((3, 2, 1, 1, 2), (1, 0, 1, 0, 1), Fraction(2, 3)),  # 3 wins twice, 1 ties once, 2 wins once and ties once
        ((1, 1, 0, 0, 2), OBJECT, Fraction(2, 3)),
        ((3, 0, 0, 1, 1), OBJECT, Fraction(7, 12)),
        ((0, 1), (0, 1), 1),  # on the animal, not on the snow
        ((1, 0), (0, 1), 0),
        ((2, 2, 2), (0, 1, 0), Fraction(1, 2)),
    ],
)
def test_auc_by_hand(values, mask, expected):
    assert auc(values, mask) == float(expected)
    assert auc([values], [mask]) == float(expected)
    assert auc([[values]], [[mask]]) == float(expected)
    assert auc(exact(values), np.array(mask, bool)) == float(expected)


@pytest.mark.parametrize("shape", [(7,), (4, 5), (2, 3, 4)])
@pytest.mark.parametrize("levels", [1, 4, 1000])
def test_auc_is_the_slow_definition_to_the_last_bit_and_what_scikit_learn_says(shape, levels):
    for values, mask in cases(shape, 40, levels, seed=levels):
        found = auc(values, mask)
        assert isinstance(found, float)
        assert found == float(slow_auc(values, mask))
        assert found == pytest.approx(roc_auc_score(mask.ravel(), values.ravel()), abs=1e-14)


def test_auc_counts_only_the_order():
    for values, mask in cases((5, 6), 30, 3, seed=2):
        assert auc(np.exp(values), mask) == auc(values, mask)
        assert auc(-values, mask) == auc(values, ~mask)
        assert auc(values, mask) + auc(-values, mask) == pytest.approx(1, abs=1e-15)


def test_auc_tells_fractions_apart_that_are_one_float():
    values = np.array([Fraction(1) + Fraction(1, 10**30), Fraction(1)], object)
    assert auc(values, (1, 0)) == 1
    assert auc(values.astype(float), (1, 0)) == 0.5


def test_auc_of_a_large_map():
    values = np.arange(1000 * 1000).reshape(1000, 1000)
    assert auc(values, values >= 400_000) == 1
    assert auc(values, values % 2 == 1) == 0.500001


@pytest.mark.parametrize(
    ("values", "mask", "tolerance", "expected"),
    [
        ((1, 1, 0, 0, 2), OBJECT, 0, False),
        ((3, 0, 0, 1, 1), OBJECT, 0, True),
        ((1, 1, 0, 0, 2), OBJECT, 2.9, False),
        ((1, 1, 0, 0, 2), OBJECT, 3, True),
        ((0, 5, 5), (0, 0, 1), 0, False),  # the first of two maxima
        ((0, 5, 5), (0, 1, 0), 0, True),
        ((-2, -1), (0, 1), 0, True),  # the largest, not the strongest
        ([[0, 7], [7, 0]], [[0, 0], [1, 0]], 0, False),  # row by row: the one in the upper row
        ([[0, 7], [7, 0]], [[0, 0], [1, 0]], 1.4, False),
        ([[0, 7], [7, 0]], [[0, 0], [1, 0]], sqrt(2), True),  # diagonally, as the crow flies
        ([[0, 7], [7, 0]], [[0, 0], [1, 0]], 2, True),
        ([[[9, 0], [0, 0]], [[0, 0], [0, 0]]], [[[0, 0], [0, 0]], [[0, 0], [0, 1]]], sqrt(3), True),
        ([[[9, 0], [0, 0]], [[0, 0], [0, 0]]], [[[0, 0], [0, 0]], [[0, 0], [0, 1]]], 1.7, False),
        ((0, 0, 0), (0, 1, 1), 0, False),  # a constant map points at its first pixel
        ((0, 1, 0), (1, 1, 1), 0, True),
        ((0, 1, 0), (1, 0, 0), Fraction(1, 2), False),
        ((0, 1, 0), (1, 0, 0), np.float32(1), True),
    ],
)
def test_pointing_by_hand(values, mask, tolerance, expected):
    assert pointing(values, mask, tolerance) is expected
    assert pointing(exact(values), np.array(mask, bool), tolerance=tolerance) is expected


@pytest.mark.parametrize("shape", [(9,), (5, 6), (3, 4, 5)])
def test_pointing_is_the_slow_definition(shape):
    answers = set()
    for values, mask in cases(shape, 60, 5, seed=3):
        for squared in (0, 1, 2, 3, 5):
            expected = slow_pointing(values, mask, squared)
            assert pointing(values, mask, sqrt(squared)) is expected
            answers.add(expected)
        assert pointing(values, mask) is slow_pointing(values, mask, 0)
    assert answers == {True, False}


def test_a_map_of_somebody_else():
    e = Explanation.from_array(np.array([[0.0, 2.0], [1.0, 0.0]]), np.zeros((3, 2, 2)))
    assert auc(e.map, [[0, 1], [1, 0]]) == 1
    assert pointing(e.map, [[0, 1], [1, 0]])


@pytest.mark.parametrize("metric", [auc, pointing])
@pytest.mark.parametrize(
    ("values", "mask", "said"),
    [
        ([1, np.nan], [1, 0], "the map, of dtype float64, holds something else than finite real numbers"),
        ([1, np.inf], [1, 0], "holds something else than finite real numbers"),
        ([1j, 0], [1, 0], "the map, of dtype complex128, holds something else"),
        (["1", "2"], [1, 0], "holds something else"),
        (np.array(["1", "2"], object), [1, 0], "the map, of dtype object, holds something else"),
        (np.array([Fraction(1), np.nan], object), [1, 0], "the map, of dtype object, holds something else"),
        (3.0, 1, r"the map has shape \(\); expected one picture"),
        ([], [], r"the map has shape \(0,\); expected one picture"),
        (np.zeros((2, 2, 2, 2)), np.zeros((2, 2, 2, 2)), r"the map has shape \(2, 2, 2, 2\); .* e\[i\].map"),
        ([1, 2, 3], [1, 0], r"the mask has shape \(2,\), the map \(3,\); expected one shape"),
        ([[1, 2]], [1, 0], r"the mask has shape \(2,\), the map \(1, 2\)"),
        ([1, 2], [2, 0], "the mask, of dtype int64, holds other values than 0 and 1"),
        ([1, 2], [0.5, 1], "the mask, of dtype float64, holds other values than 0 and 1"),
        ([1, 2], [np.nan, 1], "holds other values than 0 and 1"),
        ([1, 2], ["a", "b"], "holds other values than 0 and 1"),
        ([1, 2], [False, False], "the mask is empty; expected at least one pixel inside"),
    ],
)
def test_what_is_no_map_or_no_mask_is_refused(metric, values, mask, said):
    with pytest.raises(ValueError, match=said) as error:
        metric(values, mask)
    assert "\n" not in str(error.value)


def test_a_full_mask_has_no_outside():
    with pytest.raises(ValueError, match="covers the whole picture; expected at least one pixel outside"):
        auc([1, 2], [1, 1])


@pytest.mark.parametrize("tolerance", [-1, np.nan, np.inf, True, "3", None])
def test_what_is_no_tolerance_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance is .*; expected a number of pixels, at least 0"):
        pointing([1, 2], [1, 0], tolerance)


def test_nothing_is_changed():
    values, mask = np.array([3.0, 1, 2, 0]), np.array([True, False, False, True])
    kept = values.copy(), mask.copy()
    auc(values, mask)
    pointing(values, mask, 1)
    np.testing.assert_array_equal(values, kept[0])
    np.testing.assert_array_equal(mask, kept[1])
