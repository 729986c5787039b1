"""What an explanation holds: heat maps, totals, other people's maps, and what its repr tells."""

import numpy as np
import pytest

import minixai as mx
from tests.whitebox.examples import MIN_AT, POCKET_PICTURE, neuron, pocket, row, two_pixels


def given(*rows):
    map = np.array(rows, float)
    return mx.Explanation.from_array(map, np.zeros((3, *map.shape)))


# -- Heat maps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("map", "heat"),
    [
        (((-2, 1), (0, 4)), ((0, 0.25), (0, 1))),
        (((1, 1), (1, 2)), ((0.5, 0.5), (0.5, 1))),
        (((3, 3), (3, 3)), ((1, 1), (1, 1))),
        (((0, 0), (0, 0)), ((0, 0), (0, 0))),
        (((-1, -2), (-3, -1)), ((0, 0), (0, 0))),
        (((-1, 0), (0, -1)), ((0, 0), (0, 0))),
        (((1e-300, 0), (0, 0)), ((1, 0), (0, 0))),
    ],
)
def test_a_heat_map_is_the_positive_part_over_its_maximum(map, heat):
    assert given(*map).heatmap.tolist() == [list(r) for r in heat]


def test_heat_maps_lie_between_zero_and_one_and_leave_the_map_alone():
    map = np.random.default_rng(0).normal(size=(5, 6))
    e = mx.Explanation.from_array(map, np.zeros((1, 5, 6)))
    assert e.heatmap.min() == 0
    assert e.heatmap.max() == 1
    assert (e.map == map).all()


def test_every_picture_of_a_batch_has_its_own_scale():
    e = mx.explain(neuron((1, 2)), row((1, 1), (100, 1), (-1, -1)), "lrp-0", target=0)
    assert e.heatmap.tolist() == [[0.5, 1], [1, 0.02], [0, 0]]


# -- Totals ------------------------------------------------------------------------------------------------------------


def test_totals_are_per_picture():
    e = mx.explain(neuron((1, 2), 1), row((1, 1), (4, 1)), "lrp-0", target=0)
    assert e.total.tolist() == [3, 6]
    assert e.expected.tolist() == [4, 7]
    assert e.absorbed["linear1"].tolist() == [1, 1]
    assert (e[1].total, e[1].expected, e[1].absorbed) == (6, 7, {"linear1": 1})


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("gradient", None),
        ("deconvnet", None),
        ("guided-backprop", None),
        ("smoothgrad", None),
        ("grad-cam", None),
        ("guided-grad-cam", None),
        ("fem", None),
        ("cam", 8),
        ("lrp-0", 2),
        ("lrp-composite", 2),
        ("deep-taylor", 2),
        ("integrated-gradients", 2),
        ("deeplift-rescale", 2),
        ("deeplift-revealcancel", 2),
    ],
)
def test_what_a_method_promises_to_add_up_to(method, expected):
    """Pocket CNN, mean head, S_A = 2: Z S for CAM, S for relevance, the difference from S(black) = 0 for the rest."""
    params = {"n": 2} if method == "smoothgrad" else {}
    e = mx.explain(pocket(), POCKET_PICTURE, method, target="A", **params)
    assert e.expected == expected
    assert e.score == 2


# -- Other people's maps -----------------------------------------------------------------------------------------------


def test_a_given_map():
    map, x = np.array([[1.0, -2.0], [0.0, 4.0]]), np.zeros((3, 2, 2))
    e = mx.Explanation.from_array(map, x)
    assert (e.method, e.target, e.score, e.expected, e.signals, e.absorbed) == ("given", None, None, None, {}, {})
    assert e.relevance.tolist() == e.map.tolist() == map.tolist()
    assert e.total == 3
    assert (e.x == x).all()
    assert "given" in repr(e)
    assert mx.Explanation.from_array([[1, 2]], np.zeros((1, 1, 2))).heatmap.tolist() == [[0.5, 1.0]]


def test_a_given_map_of_a_clip():
    e = mx.Explanation.from_array(np.ones((2, 3, 4)), np.zeros((1, 2, 3, 4)))
    assert e.heatmap.shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("map", "x", "message"),
    [
        (np.ones((2, 3)), np.ones((3, 2, 2)), r"the map has shape \(2, 3\), x \(3, 2, 2\); expected .*, \(2, 2\)"),
        (np.ones((3, 2, 2)), np.ones((3, 2, 2)), r"the map has shape \(3, 2, 2\), x \(3, 2, 2\)"),
        (np.ones((2, 2)), np.ones((1, 3, 2, 2)), r"the map has shape \(2, 2\), x \(1, 3, 2, 2\)"),
        (np.ones(()), np.ones(()), r"the map has shape \(\), x \(\)"),
        (np.array([[np.nan, 1]]), np.ones((1, 1, 2)), "the map holds NaN or infinite values; expected finite numbers"),
        (np.array([[np.inf, 1]]), np.ones((1, 1, 2)), "the map holds NaN or infinite values"),
    ],
)
def test_maps_that_are_refused(map, x, message):
    with pytest.raises(ValueError, match=message):
        mx.Explanation.from_array(map, x)


# -- What the repr tells -----------------------------------------------------------------------------------------------


def test_a_repr_tells_method_target_score_total_and_parameters():
    e = mx.explain(pocket(), POCKET_PICTURE, "lrp-epsilon", target="A", eps=0.5)
    said = repr(e)
    for part in ("lrp-epsilon", "relevance (1, 3, 3)", "target A", "score 2", " of 2", "eps=0.5", "stabilizer=signed"):
        assert part in said
    numbered = repr(mx.explain(two_pixels(), MIN_AT, "gradient", target=0))
    assert "target 0" in numbered
    assert "total" not in numbered


@pytest.mark.parametrize("method", ["integrated-gradients", "deeplift-rescale", "deeplift-revealcancel"])
def test_a_repr_tells_when_the_baseline_is_zeros_for_want_of_a_black_picture(method):
    assert "zeros (this network does not say what black is)" in repr(mx.explain(two_pixels(), MIN_AT, method, target=0))
    told = mx.Network(two_pixels().nodes, black=row(0, 0))
    assert "baseline: black" in repr(mx.explain(told, MIN_AT, method, target=0))


@pytest.mark.parametrize("method", ["deep-taylor", "lrp-composite"])
def test_a_repr_tells_when_the_pixels_take_w_square_for_want_of_a_box(method):
    assert "w^2 (this network does not say" in repr(mx.explain(two_pixels(), MIN_AT, method, target=0))
    told = mx.Network(two_pixels().nodes, box=(0, 20))
    assert "z^B in the network's box" in repr(mx.explain(told, MIN_AT, method, target=0))


def test_a_repr_tells_the_layer():
    assert "layer: relu1" in repr(mx.explain(pocket(), POCKET_PICTURE, "grad-cam", target="A"))


def test_a_batch_says_what_it_is():
    e = mx.explain(two_pixels(), row((10, 6), (6, 10)), "lrp-0", target=0)
    assert "relevance (2, 2)" in repr(e)
    assert "relevance (2,)" in repr(e[0])


def test_an_explanation_is_true_even_of_one_picture():
    assert mx.explain(two_pixels(), MIN_AT, "lrp-0", target=0)
    assert given((0, 0), (0, 0))


def test_an_explanation_is_a_record_and_stays_as_it_is():
    e = mx.explain(two_pixels(), MIN_AT, "lrp-0", target=0)
    with pytest.raises(AttributeError):
        e.score = 7
