"""Is the map on the object? By hand, by slow definitions in fractions, by other libraries, and what is refused."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label, regionprops
from sklearn.metrics import f1_score, jaccard_score, roc_auc_score

from minixai import Explanation, exact
from minixai.metrics import auc, bounding_box, box_iou, dice, iou, map_box, pointing, region
from minixai.metrics.localisation import pieces
from tests.metrics.examples import cases

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
    found = auc(exact(values), np.array(mask, bool))
    assert found == expected and isinstance(found, Fraction)


@pytest.mark.parametrize("shape", [(7,), (4, 5), (2, 3, 4)])
@pytest.mark.parametrize("levels", [1, 4, 1000])
def test_auc_is_the_slow_definition_to_the_last_bit_and_what_scikit_learn_says(shape, levels):
    for values, mask in cases(shape, 40, levels, seed=levels):
        found = auc(values, mask)
        assert isinstance(found, float)
        assert found == float(slow_auc(values, mask))
        assert found == pytest.approx(roc_auc_score(mask.ravel(), values.ravel()), abs=1e-14)


def test_the_number_that_scikit_learn_prints_for_its_roc_auc_score():
    assert auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75  # its documentation's example


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


@pytest.mark.parametrize("metric", [auc, pointing, iou, dice])
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


# -- what a map marks, and how much of it is on the object -------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "given", "marked"),
    [
        ((5, 4, 3, 2, 1), {}, (1, 0, 0, 0, 0)),  # a fifth of five
        ((6, 5, 4, 3, 2, 1), {}, (1, 1, 0, 0, 0, 0)),  # a fifth of six is more than one
        ((5, 5, 3, 2, 1), {}, (1, 1, 0, 0, 0)),  # what ties comes along
        ((5, 0, 0, 0, 0, 0, 0, 0, 0, 0), {}, (1, 0, 0, 0, 0, 0, 0, 0, 0, 0)),  # but the minimum never
        ((0, 0, 0, 0, 0), {}, (0, 0, 0, 0, 0)),
        ((-1, -2, -2, -2, -3, -3), {}, (1, 1, 1, 1, 0, 0)),
        ((9, 1, 2, 3, 4), {"area": 0.4}, (1, 0, 0, 0, 1)),
        ((9, 1, 2, 3, 4), {"area": Fraction(2, 5)}, (1, 0, 0, 0, 1)),
        ((9, 1, 2, 3, 4), {"area": np.float32(0.4)}, (1, 0, 0, 0, 1)),
        ((9, 1, 2, 3, 4), {"area": 0.41}, (1, 0, 0, 1, 1)),
        ((9, 1, 2, 3, 4), {"area": 0.99}, (1, 0, 1, 1, 1)),
        ((4, 1, 2, 3, 2), {"threshold": 2}, (1, 0, 1, 1, 1)),
        ((4, 1, 2, 3, 2), {"threshold": Fraction(5, 2)}, (1, 0, 0, 1, 0)),
        ((0, 0, 0), {"threshold": 0}, (1, 1, 1)),
        ((1, 2), {"threshold": 1e300}, (0, 0)),
        ((1, 2), {"threshold": np.float32(1.5)}, (0, 1)),
    ],
)
def test_what_a_map_marks(values, given, marked):
    for kind in (np.array, exact, lambda v: np.array(v, np.float32), lambda v: np.array(v, np.int8)):
        found = region(kind(values), **given)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, np.array(marked, bool))


def test_a_fifth_of_a_hundred_pixels_is_twenty():
    values = np.random.default_rng(0).permutation(100).reshape(10, 10)
    np.testing.assert_array_equal(region(values), values >= 80)
    for percent in range(1, 100):
        assert region(values, area=percent / 100).sum() == percent


@pytest.mark.parametrize(
    ("values", "mask", "threshold", "expected"),
    [
        ((1, 1, 0, 0, 2), OBJECT, 1, Fraction(2, 3)),  # half the maximum, as in chapter 15
        ((3, 0, 0, 1, 1), OBJECT, Fraction(3, 2), Fraction(1, 2)),
        ((4, 1, 2, 3, 2), (1, 1, 1, 0, 0), 2, Fraction(2, 5)),
        ((1, 1, 0, 0, 2), OBJECT, None, 0),
        ((3, 0, 0, 1, 1), OBJECT, None, Fraction(1, 2)),
        ((7, 7, 0, 0, 0), OBJECT, None, 1),
        ((7, 7, 7, 7, 7), OBJECT, None, 0),
        ((3, 1, 2, 4, 9), (1, 1, 1, 1, 1), None, Fraction(1, 5)),
    ],
)
def test_iou_and_dice_by_hand(values, mask, threshold, expected):
    both = 2 * expected / (1 + expected)
    for kind in (np.array, np.float32, np.int64):
        assert iou(kind(values), mask, threshold) == float(expected)
        assert dice(kind(values), mask, threshold) == float(both)
    for metric, wanted in ((iou, expected), (dice, both)):
        found = metric(exact(values), np.array(mask, bool), threshold=threshold)
        assert found == wanted and isinstance(found, Fraction)


def test_dice_of_chapter_15():
    assert dice(exact((4, 1, 2, 3, 2)), (1, 1, 1, 0, 0), 2) == Fraction(4, 7)


def test_the_numbers_that_scikit_learn_prints_for_its_jaccard_score():
    assert iou([1, 1, 1], [0, 1, 1], threshold=1) == pytest.approx(0.6666, abs=1e-4)  # its documentation's example


@pytest.mark.parametrize("shape", [(11,), (4, 5), (2, 3, 4)])
def test_iou_and_dice_are_what_scikit_learn_says(shape):
    for values, mask in cases(shape, 12, 4, seed=5):
        for given in ({}, {"area": 0.5}, {"threshold": 0}):
            marked = region(values, **given).ravel()
            assert iou(values, mask, **given) == pytest.approx(jaccard_score(mask.ravel(), marked), abs=1e-15)
            assert dice(values, mask, **given) == pytest.approx(f1_score(mask.ravel(), marked), abs=1e-15)


def test_two_maps_are_compared_by_what_they_mark():
    before, after = np.arange(10.0), np.roll(np.arange(10.0), 1)
    assert dice(after, region(before)) == dice(before, region(after)) == 0.5  # 8, 9 and 0, 9


# -- boxes -------------------------------------------------------------------------------------------------------------

SCENE = np.array(
    [
        [0, 9, 0, 0, 0, 0],
        [0, 0, 0, 4, 4, 0],
        [2, 2, 0, 0, 4, 0],
        [2, 0, 0, 1, 0, 8],
    ]
)


@pytest.mark.parametrize(
    ("of_maximum", "box"),
    [
        (Fraction(3, 20), ((1, 3), (3, 5))),  # >= 1.35: pieces of 1, 3, 3 and 1 pixels; the first of the threes
        (0.5, ((0, 1), (1, 2))),  # two of one pixel
        (0.05, ((1, 3), (3, 5))),  # the 1 touches a 4 at a corner only
        (0.89, ((0, 1), (1, 2))),
    ],
)
def test_the_box_around_the_largest_piece(of_maximum, box):
    for kind in (np.array, exact, np.float32):
        assert map_box(kind(SCENE), of_maximum) == box
    assert map_box(SCENE[None], of_maximum) == ((0, 1), *box)


def test_the_level_is_reached_by_what_equals_it():
    assert map_box(exact([20, 3, 2])) == map_box([20, 3, 2]) == ((0, 2),)
    assert map_box([20, 2, 3]) == ((0, 1),)


def test_box_iou_by_hand():
    for box, expected in [
        (((1, 3), (3, 5)), 1),
        (((0, 4), (0, 6)), Fraction(4, 24)),
        (((2, 4), (4, 6)), Fraction(1, 7)),
        (((0, 1), (3, 5)), 0),  # one above the other
        (((3, 4), (0, 6)), 0),
    ]:
        found = box_iou(exact(SCENE), box)
        assert found == expected and isinstance(found, Fraction)
        assert box_iou(SCENE, box) == float(expected)


@pytest.mark.parametrize("values", [np.zeros((2, 3)), np.full((2, 3), -1.0), np.array([[-3, -1, 0], [0, -2, 0]])])
def test_a_map_without_a_positive_value_has_no_box(values):
    assert map_box(values) is None
    assert box_iou(values, ((0, 2), (0, 3))) == 0
    assert box_iou(exact(values), ((0, 2), (0, 3))) == Fraction(0)


def test_a_constant_positive_map_has_the_box_of_the_picture():
    assert box_iou(np.full((2, 3), 7), ((0, 2), (0, 2))) == 4 / 6


@pytest.mark.parametrize("shape", [(30,), (9, 11), (4, 5, 6)])
def test_pieces_and_boxes_are_what_scipy_and_scikit_image_find(shape):
    rng = np.random.default_rng(1)
    for _ in range(25):
        mask = rng.random(shape) < rng.uniform(0.1, 0.9)
        labels, count = ndimage.label(mask)
        found = list(pieces(mask))
        assert len(found) == count
        for number, piece in enumerate(found, start=1):
            assert sorted(map(tuple, piece.T.tolist())) == list(map(tuple, np.argwhere(labels == number).tolist()))
        if len(shape) > 1 and mask.any():  # scikit-image measures areas and volumes
            largest = max(regionprops(label(mask, connectivity=1)), key=lambda r: r.area)
            half = len(shape)
            assert map_box(mask) == tuple(zip(largest.bbox[:half], largest.bbox[half:], strict=True))


def test_a_snake_is_one_piece():
    snake = np.ones((101, 101), bool)
    snake[1::4, :-1] = snake[3::4, 1:] = False
    (piece,) = pieces(snake)
    assert piece.shape == (2, snake.sum())
    assert sum(1 for _ in pieces(np.indices((101, 101)).sum(axis=0) % 2 == 0)) == 5101  # a board: corners do not count


def test_the_box_of_a_mask():
    assert bounding_box([[0, 0, 0], [0, 1, 1]]) == ((1, 2), (1, 3))
    assert bounding_box(np.ones(4)) == ((0, 4),)
    with pytest.raises(ValueError, match="the mask is empty; expected at least one pixel inside"):
        bounding_box(np.zeros((2, 2)))


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"threshold": np.nan}, "threshold is nan; expected a finite number in the units of the map"),
        ({"threshold": np.inf}, "threshold is inf"),
        ({"threshold": 10**400}, "threshold is 1000.*; no float is as large, so make the map exact"),
        ({"threshold": True}, "threshold is True"),
        ({"threshold": "high"}, "threshold is 'high'"),
        ({"area": 0}, "area is 0; expected a share above 0 and below 1"),
        ({"area": 1}, "area is 1; expected"),
        ({"area": 20}, "area is 20; expected"),
        ({"area": np.nan}, "area is nan; expected"),
        ({"area": True}, "area is True; expected"),
        ({"area": "0.2"}, "area is '0.2'; expected"),
        ({"threshold": 1, "area": 0.2}, "got threshold=1 and area=0.2; expected one of the two: leave one out"),
    ],
)
def test_what_is_no_threshold_is_refused(given, said):
    for metric in (iou, dice):
        with pytest.raises(ValueError, match=said) as error:
            metric([1, 2, 3], [0, 0, 1], **given)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "box",
    [
        None, 3, (), ((0, 1),), ((0, 1), (0, 1), (0, 1)), ((0, 3), (0, 1)), ((-1, 1), (0, 1)), ((1, 1), (0, 1)),
        ((1, 0), (0, 1)), ((0, 0.5), (0, 1)), ((0, True), (0, 1)), ((0, 1, 2), (0, 1)), (0, 0, 1, 1), "0:1,0:1",
        ((0, np.nan), (0, 1)),
    ],
)  # fmt: skip
def test_what_is_no_box_in_the_picture_is_refused(box):
    with pytest.raises(ValueError, match=r"box is .*; expected one \(start, stop\) in whole pixels per axis") as error:
        box_iou(np.ones((2, 2)), box)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("share", [0, 1, -0.1, 15, np.nan, "0.15", True])
def test_what_is_no_share_of_the_maximum_is_refused(share):
    with pytest.raises(ValueError, match="of_maximum is .*; expected a share above 0 and below 1"):
        box_iou(np.ones((2, 2)), ((0, 1), (0, 1)), share)
