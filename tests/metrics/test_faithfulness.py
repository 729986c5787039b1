"""Deletion and insertion: by hand in fractions, any scoring function, the order, the portions, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from sklearn import metrics as theirs

import minixai as mx
from minixai import exact
from minixai.metrics import Curve, deletion, deletion_curve, insertion, insertion_curve
from minixai.metrics.faithfulness import order

F = Fraction
X, R = exact((4, 3, 1, F(5, 2), 1)), exact((2, F(5, 2), 1, -3, F(1, 2)))  # of chapter 15


def five(x):
    """S = min(x1, x2) + 3 x3 - x4 + x5 + 1."""
    return np.array([min(v[0], v[1]) + 3 * v[2] - v[3] + v[4] + 1 for v in x])


def total(x):
    """The sum of a picture's values."""
    return x.reshape(len(x), -1).sum(axis=1)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_chapter_15_by_hand():
    curve = deletion_curve(five, X, R, 0)
    assert curve.counts == (0, 1, 2, 3, 4, 5)
    assert curve.scores.tolist() == [F(11, 2), F(5, 2), F(5, 2), F(-1, 2), F(-3, 2), 1]  # x2, x1, x3, x5, x4 go
    assert curve.scores[0] - curve.scores[2] == 3  # its deletion_drop, k = 2
    assert curve.area == deletion(five, X, R, 0) == F(5, 4)
    assert isinstance(curve.area, Fraction)
    assert curve.shares.tolist() == [0, 0.2, 0.4, 0.6, 0.8, 1]
    back = insertion_curve(five, X, R, 0)
    assert back.scores.tolist() == [1, 1, 4, 7, 8, F(11, 2)]
    assert back.area == insertion(five, X, R, 0) == F(93, 20)


def test_in_floats():
    x, map = X.astype(float), R.astype(float)
    assert deletion(five, x, map, 0) == 1.25 and isinstance(deletion(five, x, map, 0), float)
    assert insertion(five, x, map, 0) == 4.65
    assert insertion(five, x.astype(np.float32), map, 0) == 4.65


def test_the_wolf_on_snow():
    """Two pixels, snout and snow, S = 3 snow + snout - 2: P marks the snout, Q the snow."""
    score = lambda x: 3 * x[:, 1] + x[:, 0] - 2  # noqa: E731
    x = exact((1, 1))
    drops = [-np.diff(deletion_curve(score, x, map, 0).scores)[0] for map in ((1, 0), (0, 1))]
    assert drops == [1, 3]
    assert deletion(score, x, (0, 1), 0) < deletion(score, x, (1, 0), 0)  # the network looks at the snow


def test_deletion_of_all_and_insertion_of_all_end_at_the_other_picture():
    x, baseline = picture(2, 3, 4), picture(2, 3, 4, seed=1)
    gone, come = (f(total, x, x[0], baseline).scores for f in (deletion_curve, insertion_curve))
    assert gone[0] == come[-1] == total(x[None])[0]
    assert gone[-1] == come[0] == total(baseline[None])[0]


def test_what_is_left_and_what_has_come_add_up_where_the_score_is_linear():
    x, map = exact(picture(2, 3, 3)), picture(3, 3, seed=1)
    gone, come = (f(total, x, map, F(1, 4)).scores for f in (deletion_curve, insertion_curve))
    assert set(gone + come) == {total(x[None])[0] + F(18, 4)}


def test_insertion_is_deletion_with_the_two_pictures_exchanged():
    x, baseline, map = picture(1, 4, 4), picture(1, 4, 4, seed=1), picture(4, 4, seed=2)
    come, exchanged = insertion_curve(total, x, map, baseline), deletion_curve(total, baseline, map, x)
    np.testing.assert_array_equal(come.scores, exchanged.scores)


def test_the_best_order_has_the_smallest_area():
    x = exact((5, 1, 3, 2, 4))
    areas = {deletion(total, x, np.roll([5, 1, 3, 2, 4], k), 0) for k in range(5)}
    assert min(areas) == deletion(total, x, x, 0) == F(11, 2)  # 15/2 + 10 + 6 + 3 + 1 over 5
    assert max(areas) < deletion(total, x, -x, 0) == F(19, 2)


# -- what goes, and when -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("map", "expected"),
    [
        ([[3, 1], [2, 4]], [3, 0, 2, 1]),
        ([[1, 2], [2, 1]], [1, 2, 0, 3]),  # ties row by row
        ([[7, 7], [7, 7]], [0, 1, 2, 3]),
        ([[-1, -5], [0, -5]], [2, 0, 1, 3]),  # signed, not by magnitude
        ([[0.0, -0.0], [1.0, 0.0]], [2, 0, 1, 3]),  # two zeros are one value
        ([[True, False], [False, True]], [0, 3, 1, 2]),
        (np.array([[0, 255], [1, 128]], np.uint8), [1, 3, 2, 0]),
        (exact([[F(1, 3), F(1, 2)], [0, 0]]), [1, 0, 2, 3]),
        ([[[1, 2]], [[3, 4]]], [3, 2, 1, 0]),
    ],
)
def test_the_order(map, expected):
    assert order(map).tolist() == expected


def test_a_pixel_goes_with_all_its_channels():
    x = exact(np.arange(1, 9).reshape(2, 2, 2))
    curve = deletion_curve(total, x, [[0, 9], [5, 1]], 0)
    assert curve.scores.tolist() == [36, 28, 18, 6, 0]  # 2 + 6, 3 + 7, 4 + 8, 1 + 5


@pytest.mark.parametrize(
    ("baseline", "left"),
    [
        (0, 0),
        (F(1, 2), 4),
        (0.25, 2),
        ((1, 10), 44),  # one per channel
        (np.arange(8.0).reshape(2, 2, 2), 28),
        (np.ones((1, 2, 2)), 8),
    ],
)
def test_the_baseline_is_data(baseline, left):
    for x in (exact(np.ones((2, 2, 2))), np.ones((2, 2, 2))):
        assert deletion_curve(total, x, np.ones((2, 2)), baseline).scores[-1] == left


@pytest.mark.parametrize(
    ("steps", "counts"),
    [(1, (0, 7)), (2, (0, 3, 7)), (3, (0, 2, 4, 7)), (7, tuple(range(8))), (None, tuple(range(8)))],
)
def test_the_portions(steps, counts):
    x = picture(7)
    whole, curve = deletion_curve(total, x, x, 0), deletion_curve(total, x, x, 0, steps)
    assert curve.counts == counts
    np.testing.assert_array_equal(curve.scores, whole.scores[list(counts)])
    assert curve.area == pytest.approx(theirs.auc(curve.shares, curve.scores), abs=1e-14)
    assert curve.area == pytest.approx(np.trapezoid(curve.scores, np.array(counts) / 7), abs=1e-14)


def test_portions_of_different_sizes_have_their_widths_in_the_area():
    curve = Curve((0, 1, 4), exact((8, 4, 0)))
    assert curve.area == F(1 * 6 + 3 * 2, 4)


@pytest.mark.parametrize("at_once", [1, 3, 5, 64, np.int64(2)])
def test_how_many_pictures_go_into_a_call(at_once):
    sizes = []

    def score(x):
        sizes.append(len(x))
        return total(x)

    x = picture(1, 2, 2)
    assert deletion(score, x, x[0], 0, at_once=at_once) == deletion(total, x, x[0], 0)
    assert sum(sizes) == 5 and max(sizes) == min(at_once, 5)


def test_a_bar_is_shown_when_asked_for(capsys):
    for progress, shown in ((True, True), (False, False), (None, False)):  # None: this is no terminal
        deletion(total, picture(4), picture(4), 0, progress=progress)
        assert ("scores" in capsys.readouterr().err) is shown


# -- whatever scores ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def net():
    rng = np.random.default_rng(3)
    layers = [mx.Conv2d(rng.normal(size=(3, 2, 2, 2))), mx.ReLU(), mx.Flatten(), mx.Linear(rng.normal(size=(4, 27)))]
    return mx.Network.sequential(layers)


def test_a_network_of_the_engine_a_torch_module_and_a_function_give_one_curve(net):
    torch = pytest.importorskip("torch")
    module, x = net.to_torch().double(), picture(2, 4, 4)
    map = mx.explain(net, x, "gradient", target=1).map
    ours = deletion_curve(lambda x: net(x)[:, 1], x, map, 0)
    mirrored = deletion_curve(lambda x: module(torch.tensor(x))[:, 1], x, map, 0)  # a tensor that wants a gradient
    listed = deletion_curve(lambda x: [float(net(v)[1]) for v in x], x, map, 0)
    np.testing.assert_allclose(ours.scores, mirrored.scores, atol=1e-13)
    np.testing.assert_allclose(ours.scores, listed.scores, atol=1e-13)
    assert ours.scores[0] == pytest.approx(net(x)[1], abs=1e-13)
    assert ours.scores.dtype == mirrored.scores.dtype == np.float64


def test_a_half_precision_tensor_is_read():
    torch = pytest.importorskip("torch")
    curve = deletion_curve(lambda x: torch.tensor(x).sum(1).bfloat16(), np.ones(4), np.ones(4), 0)
    assert curve.scores.tolist() == [4, 3, 2, 1, 0]


def test_an_exact_network_gives_exact_curves(net):
    precise = net.astype("exact")
    x = exact(picture(2, 4, 4))
    curve = insertion_curve(lambda x: precise(x)[:, 0], x, x[0], 0, steps=3)
    assert isinstance(curve.area, Fraction)
    assert float(curve.area) == pytest.approx(
        insertion(lambda x: net(x)[:, 0], x.astype(float), x[0], 0, steps=3), abs=1e-12
    )


def test_a_clip():
    x = picture(3, 2, 4, 4)
    assert deletion_curve(total, x, x[0], 0, steps=4).counts == (0, 8, 16, 24, 32)


def test_nothing_is_changed_and_the_score_may_change_what_it_gets():
    x, map, baseline = picture(1, 3, 3), picture(3, 3, seed=1), picture(1, 3, 3, seed=2)
    kept = x.copy(), map.copy(), baseline.copy()

    def score(x):
        x *= 2
        return total(x)

    np.testing.assert_allclose(
        deletion_curve(score, x, map, baseline, at_once=2).scores, 2 * deletion_curve(total, x, map, baseline).scores
    )
    for array, copy in zip((x, map, baseline), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


# -- what is refused ---------------------------------------------------------------------------------------------------

GIVEN = {"score": total, "x": np.ones((2, 3, 3)), "map": np.ones((3, 3)), "baseline": 0}


def failing(x):
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x": np.ones((2, 3, 3), int)}, "x has dtype int64; expected floats"),
        ({"x": np.ones((2, 3, 3), np.float16)}, "x has dtype float16; expected floats"),
        ({"x": np.full((2, 3, 3), np.nan)}, "x holds NaN or infinite values"),
        ({"x": np.ones((3, 3))}, r"x has shape \(3, 3\); expected one picture \(C, H, W\)"),
        ({"x": np.ones((1, 1, 2, 3, 3))}, r"x has shape \(1, 1, 2, 3, 3\); expected one picture"),
        ({"x": np.ones((2, 0, 3))}, r"x has shape \(2, 0, 3\); expected one picture"),
        ({"map": np.ones((2, 3, 3))}, r"the map has shape \(2, 3, 3\), x \(2, 3, 3\); expected a map \(3, 3\)"),
        ({"map": np.ones((3, 4))}, r"the map has shape \(3, 4\), x \(2, 3, 3\); expected a map \(3, 3\)"),
        ({"map": np.full((3, 3), np.nan)}, "the map, of dtype float64, holds something else than finite"),
        ({"baseline": np.nan}, "the baseline holds NaN or infinite values"),
        ({"baseline": "black"}, "the baseline holds something else than finite numbers"),
        ({"baseline": None}, "the baseline holds "),
        ({"baseline": (1, 2, 3)}, r"the baseline has shape \(3,\); expected one number, one per channel \(2\), or"),
        ({"baseline": np.ones((2, 2, 3, 3))}, r"the baseline has shape \(2, 2, 3, 3\); expected one number"),
        ({"steps": 0}, "steps is 0; expected an integer from 1 to 9, the number of pixels"),
        ({"steps": 10}, "steps is 10; expected"),
        ({"steps": 2.0}, "steps is 2.0; expected"),
        ({"steps": True}, "steps is True; expected"),
        ({"at_once": 0}, "at_once is 0; expected an integer of at least 1"),
        ({"score": failing}, r"the scoring function failed on pictures of shape \(10, 2, 3, 3\): KeyError: 'weights'"),
        ({"score": 3}, "the scoring function failed on .*: TypeError"),
        ({"score": lambda x: np.ones((len(x), 4))}, r"the scores of 10 pictures have shape \(10, 4\); .*pick a class"),
        ({"score": lambda x: 1.0}, r"the scores of 10 pictures have shape \(\); expected \(10,\)"),
        (
            {"score": lambda x: np.full(len(x), np.nan)},
            "the scores, of dtype float64, are not all finite numbers; mend",
        ),
        ({"score": lambda x: total(x) * 1j}, "the scores, of dtype complex128, are not all finite numbers"),
        ({"score": lambda x: ["a"] * len(x)}, "the scores, of dtype <U1, are not all finite numbers"),
    ],
)
@pytest.mark.parametrize("metric", [deletion, insertion])
def test_what_is_refused(metric, changed, said):
    with pytest.raises(ValueError, match=said) as error:
        metric(**(GIVEN | changed))
    assert "\n" not in str(error.value)
