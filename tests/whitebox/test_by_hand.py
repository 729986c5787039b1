"""The numbers that the book computes by hand, from the public functions; every one is exact."""

from itertools import pairwise

import numpy as np
import pytest

import minixai as mx
from tests.whitebox.examples import MIN_AT, POCKET_PICTURE, F, neuron, pocket, rectified_minimum, row, two_pixels


def same(array, *numbers):
    """Exact equality, shape included."""
    expected = row(*numbers)
    return array.shape == expected.shape and (array == expected).all()


def relevance(network, x, method, target=0, **params):
    return mx.explain(network, x, method, target=target, **params).relevance


# -- The two-pixel network, min(x1, x2) at (10, 6): one question, many answers -----------------------------------------

TWO_PIXELS = [
    ("gradient", {}, (0, 1), (0, 1)),
    ("deconvnet", {}, (1, 0), (0, 1)),
    ("guided-backprop", {}, (1, 0), (0, 1)),
    ("integrated-gradients", {}, (0, 6), (0, 6)),
    ("integrated-gradients", {"quadrature": "exact"}, (0, 6), (0, 6)),
    ("lrp-0", {}, (0, 6), (0, 6)),
    ("lrp-alphabeta", {"alpha": 1, "beta": 0}, (6, 0), (0, 6)),
    ("deep-taylor", {}, (6, 0), (0, 6)),
    ("deep-taylor", {"low": 0, "high": 12}, (6, 0), (0, 6)),
    ("deeplift-rescale", {}, (0, 6), (0, 6)),
    ("deeplift-revealcancel", {}, (3, 3), (3, 3)),
]


@pytest.mark.parametrize(("method", "params", "first", "second"), TWO_PIXELS)
def test_two_pixels_in_both_wirings(method, params, first, second):
    assert same(relevance(two_pixels(1), MIN_AT, method, **params), *first)
    assert same(relevance(two_pixels(2), MIN_AT, method, **params), *second)


@pytest.mark.parametrize(
    ("method", "params", "answer", "total"),
    [
        ("lrp-epsilon", {"eps": 1}, (F(72, 77), F(144, 35)), F(1944, 385)),
        ("lrp-gamma", {"gamma": F(1, 4)}, (F(750, 221), F(576, 221)), 6),
        ("lrp-gamma", {"gamma": 1}, (F(75, 14), F(9, 14)), 6),
        ("lrp-alphabeta", {"alpha": 2, "beta": 1}, (12, 6), 18),
    ],
)
def test_two_pixels_by_the_rules_with_a_parameter(method, params, answer, total):
    e = mx.explain(two_pixels(), MIN_AT, method, target=0, **params)
    assert same(e.relevance, *answer)
    assert e.total == total
    assert e.expected == 6


def test_both_wirings_are_the_minimum():
    for x in ((10, 6), (6, 10), (5, 5), (0, 3)):
        assert two_pixels(1)(row(*x))[0] == two_pixels(2)(row(*x))[0] == min(x)


def test_gamma_slides_the_credit_from_pixel_two_to_pixel_one():
    shares = [relevance(two_pixels(), MIN_AT, "lrp-gamma", gamma=g)[0] for g in (0, F(1, 4), 1, 10**9)]
    assert shares[0] == 0
    assert all(small < large for small, large in pairwise(shares))
    assert 6 - shares[-1] < F(1, 10**6)


# -- The pocket CNN ----------------------------------------------------------------------------------------------------


def test_pocket_forward():
    tape = mx.forward(pocket(), POCKET_PICTURE)
    assert same(tape["conv1"].y[0], ((4, -1), (2, 6)), ((0, 2), (2, 0)))
    assert same(pocket("mean")(POCKET_PICTURE), 2, 1)
    assert same(pocket("max")(POCKET_PICTURE), 4, 2)
    assert same(mx.forward(pocket("max"), POCKET_PICTURE)["flatten1"].y[0], 6, 2)
    assert same(tape["flatten1"].y[0], 3, 1)


POCKET_SLOPES = [
    ("gradient", "A", ((1, 3, 0), (2, 1, 1), (-1, -2, -1))),
    ("deconvnet", "A", ((1, 3, 2), (1, 2, 1), (0, -1, -1))),
    ("guided-backprop", "A", ((1, 2, 0), (1, 2, 2), (0, -1, -1))),
    ("gradient", "B", ((0, -1, 0), (-1, 1, 1), (1, 1, 0))),
    ("guided-backprop", "B", ((0, -1, 0), (-1, 1, 1), (1, 1, 0))),
]


@pytest.mark.parametrize(("method", "target", "four_times"), POCKET_SLOPES)
def test_pocket_slopes(method, target, four_times):
    e = mx.explain(pocket(), POCKET_PICTURE, method, target=target)
    assert same(4 * e.relevance[0], *four_times)
    assert (e.map == abs(e.relevance[0])).all()


QUARTERS = ((F(1, 4), F(3, 2), 0), (0, F(1, 4), F(3, 4)), (F(-1, 2), 0, F(-1, 4)))


@pytest.mark.parametrize("method", ["lrp-0", "integrated-gradients", "deeplift-rescale"])
def test_pocket_contributions(method):
    e = mx.explain(pocket(), POCKET_PICTURE, method, target="A")
    assert same(e.relevance[0], *QUARTERS)
    assert e.total == e.expected == 2


def test_pocket_gradient_times_input():
    assert same(relevance(pocket(), POCKET_PICTURE, "gradient")[0] * POCKET_PICTURE[0], *QUARTERS)


def test_pocket_with_a_bias_of_minus_one_in_the_first_channel():
    network = pocket(bias=(-1, 0))
    lrp = mx.explain(network, POCKET_PICTURE, "lrp-0", target="A")
    assert lrp.score == F(5, 4)
    assert (lrp.total, sum(lrp.absorbed.values())) == (2, F(-3, 4))
    ig = mx.explain(network, POCKET_PICTURE, "integrated-gradients", target="A", quadrature="exact")
    rescale = mx.explain(network, POCKET_PICTURE, "deeplift-rescale", target="A")
    assert ig.total == rescale.total == F(5, 4)
    assert (ig.relevance == rescale.relevance).all()


def test_pocket_feature_maps():
    assert same(relevance(pocket(), POCKET_PICTURE, "cam"), (4, -2), (0, 6))
    assert same(relevance(pocket(), POCKET_PICTURE, "cam", target=1), (0, 2), (2, 0))
    assert same(relevance(pocket(), POCKET_PICTURE, "grad-cam"), (1, 0), (0, F(3, 2)))
    assert same(relevance(pocket(), POCKET_PICTURE, "grad-cam", relu=False), (1, F(-1, 2)), (0, F(3, 2)))
    signals = mx.explain(pocket(), POCKET_PICTURE, "grad-cam", target="A").signals["relu1"]
    assert same(signals.mean(axis=(1, 2)), F(1, 4), F(-1, 4))
    for target in ("A", "B"):
        assert same(relevance(pocket(), POCKET_PICTURE, "fem", target=target), (0, 1), (1, 3))


# -- Chapter 06: three ways through a ReLU -----------------------------------------------------------------------------

GATE_Y = row((3, -1, 2), (0, 1, -2), (-1, 2, 4)).reshape(1, 1, 3, 3)
GATE_R = row((2, 3, -1), (1, -2, 4), (-3, 0, 5)).reshape(1, 1, 3, 3)


@pytest.mark.parametrize(
    ("method", "passed"),
    [
        ("gradient", ((2, 0, -1), (0, -2, 0), (0, 0, 5))),
        ("deconvnet", ((2, 3, 0), (1, 0, 4), (0, 0, 5))),
        ("guided-backprop", ((2, 0, 0), (0, 0, 0), (0, 0, 5))),
    ],
)
def test_three_gates(method, passed):
    network = mx.Network([mx.Node("relu", mx.ReLU(), "input")])
    relu, picture = mx.walk(mx.forward(network, GATE_Y), GATE_R, mx.rules(method))
    assert same(relu.leaving[0][0, 0], *passed)
    assert same(picture.arriving[0, 0], *passed)


def test_another_head_tells_the_gradient_from_what_is_rectified_at_the_end():
    assert same(relevance(two_pixels(head=(1, -2)), MIN_AT, "gradient"), -1, 2)
    assert same(relevance(two_pixels(head=(1, -2)), MIN_AT, "deconvnet"), 1, 0)
    assert same(relevance(two_pixels(head=(1, -2)), MIN_AT, "guided-backprop"), 1, 0)


# -- Chapter 04's chain rule, and 09's maps ----------------------------------------------------------------------------


def test_forks_add():
    first = mx.Linear(row((2, 1), (1, -1)), row(-1, 0))
    network = mx.Network.sequential([first, mx.ReLU(), mx.Linear(row((3, -1)))])
    assert same(network(row(2, 1)), 11)
    assert same(relevance(network, row(2, 1), "gradient"), 5, 4)


def head_over(maps, weights):
    """A network whose feature layer holds its input, and whose score weighs every number there."""
    channels = len(maps)
    identity = mx.exact(np.eye(channels)).reshape(channels, channels, 1, 1)
    return mx.Network.sequential([mx.Conv2d(identity), mx.Flatten(), mx.Linear(mx.exact(weights).reshape(1, -1))])


def test_a_score_of_four_and_a_blank_grad_cam():
    A = row((3, 1), (3, 1)).reshape(1, 2, 2)
    e = mx.explain(head_over(A, ((1, -1), (1, -1))), A, "grad-cam", target=0)
    assert e.score == 4
    assert same(e.relevance, (0, 0), (0, 0))
    assert (e.heatmap == 0).all()


def test_grad_cam_of_two_maps():
    A = row((1, 0, 1, 2), (0, 3, 1, 1)).reshape(2, 2, 2)
    network = head_over(A, [[2, 0, 4, 2], [-1, -1, -1, -1]])
    assert same(relevance(network, A, "grad-cam"), (2, 0), (1, 3))
    assert same(relevance(network, A, "grad-cam", relu=False), (2, -3), (1, 3))


def test_cam_takes_the_row_of_its_class():
    network = pocket(head=((1, -1), (2, 3)))
    assert same(relevance(network, POCKET_PICTURE, "cam", target=0), (4, -2), (0, 6))
    assert same(relevance(network, POCKET_PICTURE, "cam", target=1), (8, 6), (10, 12))


# -- Chapter 07: integrated gradients ----------------------------------------------------------------------------------


def lamp():
    """S = min(x1 + x2, 1) = 1 - relu(1 - x1 - x2)."""
    return mx.Network.sequential([mx.Linear(row((-1, -1)), row(1)), mx.ReLU(), mx.Linear(row((-1,)), row(1))])


def test_the_lamp_is_bright_enough():
    x = row(2, 1)
    assert same(lamp()(x), 1)
    assert same(relevance(lamp(), x, "gradient"), 0, 0)
    exact = {"method": "integrated-gradients", "quadrature": "exact"}
    assert same(relevance(lamp(), x, **exact), F(2, 3), F(1, 3))
    assert same(relevance(lamp(), x, baseline=row(0, F(1, 2)), **exact), F(2, 5), F(1, 10))
    assert same(relevance(lamp(), x, baseline=row(1, 0), **exact), 0, 0)


@pytest.mark.parametrize(
    ("n", "gap"), [(2, F(1, 2)), (3, 0), (4, F(-1, 4)), (5, F(1, 5)), (10, F(-1, 10)), (50, F(1, 50))]
)
def test_the_midpoint_gap(n, gap):
    e = mx.explain(lamp(), row(2, 1), "integrated-gradients", target=0, n=n)
    assert e.expected == 1
    assert e.total - e.expected == gap


# -- Chapters 10 and 11: one neuron, a = (2, 1), w = (1, -1), b = 1, R = 2 ---------------------------------------------


@pytest.mark.parametrize(
    ("method", "params", "answer", "kept"),
    [
        ("lrp-0", {}, (2, -1), 1),
        ("lrp-0", {"bias": "ignore"}, (4, -2), 0),
        ("lrp-epsilon", {"eps": 1}, (F(4, 3), F(-2, 3)), F(4, 3)),
        ("lrp-gamma", {"gamma": 1}, (F(8, 5), F(-2, 5)), F(4, 5)),
        ("lrp-gamma", {"gamma": 1, "bias": "ignore"}, (F(8, 3), F(-2, 3)), 0),
        ("lrp-alphabeta", {"alpha": 1, "beta": 0}, (F(4, 3), 0), F(2, 3)),
        ("lrp-alphabeta", {"alpha": 2, "beta": 1}, (F(8, 3), -2), F(4, 3)),
        ("lrp-alphabeta", {"alpha": 1, "beta": 0, "bias": "ignore"}, (2, 0), 0),
    ],
)
def test_one_neuron(method, params, answer, kept):
    e = mx.explain(neuron((1, -1), 1), row(2, 1), method, target=0, **params)
    assert e.score == 2
    assert same(e.relevance, *answer)
    assert e.absorbed == {"linear1": kept}


def handed_on(weights, b, x, R, method, **params):
    """What a linear layer hands on of the relevance R, and what it keeps. ``weights`` are those of each output."""
    network = neuron(weights, b, outputs=len(R))
    hop, picture = mx.walk(mx.forward(network, row(*x)), row(*R)[None], mx.rules(method, **params))
    return picture.arriving[0], hop.rule.absorbed(hop.arriving, hop.at)[0]


def test_two_neurons_by_lrp_0():
    found, kept = handed_on(((1, -1), (3, 2)), (1, 0), (2, 1), (4, 4), "lrp-0")
    assert same(found, 7, -1)
    assert kept == 2


def test_two_neurons_by_epsilon_in_four_conventions():
    case = {"weights": ((1, -1), (-3, 2)), "b": (1, 1), "x": (2, 1), "R": (4, 4), "method": "lrp-epsilon"}
    assert same(handed_on(**case, eps=1)[0], F(26, 3), F(-10, 3))
    assert same(handed_on(**case, eps=1, stabilizer="literal")[0], F(44, 3), F(-16, 3))
    assert same(handed_on(**case, eps=1, bias="ignore")[0], F(44, 5), F(-18, 5))
    assert same(handed_on(**case, eps=0)[0], 12, F(-14, 3))


def test_alpha_beta_splits_by_the_sign_of_the_product():
    case = {"weights": ((1, -2, -3),), "b": (1,), "x": (2, -1, 1), "R": (5,), "method": "lrp-alphabeta"}
    assert same(handed_on(**case)[0], 4, 4, -5)
    assert same(handed_on(**case, bias="ignore")[0], 5, 5, -5)
    assert same(handed_on(**case, alpha=1, beta=0)[0], 2, 2, 0)


def test_the_printed_epsilon_blows_up_where_z_is_minus_epsilon():
    case = {"weights": ((1, -2),), "b": (0,), "x": (1, 1), "R": (3,), "method": "lrp-epsilon", "eps": 1}
    literal, kept = handed_on(**case, stabilizer="literal")
    assert same(literal, 0, 0)
    assert kept == 3
    assert same(handed_on(**case)[0], F(-3, 2), 3)


def test_alpha_two_beta_one_doubles_where_nothing_is_negative():
    layers = [mx.Linear(row((1, 1), (1, 2))) for _ in range(4)] + [mx.Linear(row((1, 1)))]
    e = mx.explain(mx.Network.sequential(layers), row(2, 1), "lrp-alphabeta", target=0)
    assert e.total == 32 * e.score
    assert sum(e.absorbed.values()) == -31 * e.score


def test_gamma_of_a_vacuous_network_says_nothing_about_its_bias():
    assert same(relevance(neuron((1, 1), 0), row(1, 1), "lrp-gamma", gamma=1), 1, 1)


@pytest.mark.parametrize(
    ("method", "params", "answer"),
    [
        ("lrp-0", {}, (3, -1)),
        ("lrp-epsilon", {"eps": 1}, (2, F(-2, 3))),
        ("lrp-gamma", {"gamma": 1}, (F(12, 5), F(-2, 5))),
        ("lrp-alphabeta", {"alpha": 1, "beta": 0}, (2, 0)),
        ("deep-taylor", {}, (1, 1)),
        ("deep-taylor", {"low": 0, "high": 3}, (F(6, 5), F(4, 5))),
    ],
)
def test_every_root_is_a_rule(method, params, answer):
    assert same(relevance(neuron((1, -1)), row(3, 1), method, **params), *answer)


def test_lrp_0_parts_with_gradient_times_input_at_an_unrectified_zero():
    network = mx.Network.sequential([mx.Linear(row((1, -1), (1, 0))), mx.Linear(row((3, 1)))])
    x = row(1, 1)
    assert same(relevance(network, x, "gradient") * x, 4, -3)
    assert same(relevance(network, x, "lrp-0"), 1, 0)


# -- Chapter 12: DeepLIFT ----------------------------------------------------------------------------------------------

RESCALE, REVEALCANCEL = "deeplift-rescale", "deeplift-revealcancel"


@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
@pytest.mark.parametrize(("reference", "answer"), [((0, 6), (6, 0)), ((4, 8), (3, -1))])
def test_other_references(method, reference, answer):
    assert same(relevance(two_pixels(), MIN_AT, method, baseline=row(*reference)), *answer)


def test_the_rectified_minimum():
    assert same(relevance(rectified_minimum(), MIN_AT, REVEALCANCEL), F(9, 2), F(3, 2))
    assert same(relevance(rectified_minimum(), MIN_AT, RESCALE), 0, 6)


@pytest.mark.parametrize(("x2", "rescale"), [(9, (0, 9)), (10, (10, 0)), (12, (10, 0))])
def test_rescale_jumps_where_the_other_pixel_becomes_the_smaller(x2, rescale):
    assert same(relevance(two_pixels(), row(10, x2), RESCALE), *rescale)


@pytest.mark.parametrize(("x2", "answer"), [(9, (F(9, 2), F(9, 2))), (10, (5, 5)), (12, (5, 5))])
def test_reveal_cancel_does_not(x2, answer):
    assert same(relevance(two_pixels(), row(10, x2), REVEALCANCEL), *answer)


@pytest.mark.parametrize(
    ("y", "y0", "multiplier"), [(3, -1, F(3, 4)), (2, 2, 1), (-2, -2, 0), (-1, 3, F(3, 4)), (3, 1, 1)]
)
def test_the_multiplier_of_a_relu(y, y0, multiplier):
    network = mx.Network.sequential([mx.Linear(row((1,))), mx.ReLU()])
    e = mx.explain(network, row(y), RESCALE, target=0, baseline=row(y0))
    assert same(e.signals["linear1"], multiplier)
    assert same(e.signals["relu1"], 1)


def test_the_parts_of_a_relu():
    """dy+ = 10, dy- = -6 from 0: dz+ = 7, dz- = -3."""
    network = mx.Network.sequential([mx.Linear(row((1, -1))), mx.ReLU()])
    e = mx.explain(network, MIN_AT, REVEALCANCEL, target=0)
    assert same(e.signals["linear1"], (F(7, 10),), (F(1, 2),))
    assert same(e.relevance, 7, -3)


# -- Chapter 13: FEM ---------------------------------------------------------------------------------------------------


def fem_of(*maps, **params):
    A = row(*maps).reshape(len(maps), 2, -1)
    network = head_over(A, np.ones(A.size))
    return mx.explain(network, A, "fem", target=0, **params)


FLAT, CORNER, EDGE = (1, 1, 1, 1), (0, 0, 0, 4), (0, 0, 4, 4)


def test_fem_of_three_maps():
    assert same(fem_of(FLAT, CORNER, EDGE).relevance, (1, 1), (3, 4))
    assert same(fem_of(FLAT, CORNER, EDGE, K=2).relevance, (1, 1), (1, 1))


def test_fem_and_its_heat_map():
    e = fem_of(FLAT, CORNER)
    assert same(e.relevance, (1, 1), (1, 2))
    assert e.heatmap.tolist() == [[0.5, 0.5], [0.5, 1.0]]


def test_fem_in_space_and_time():
    clip = row(0, 0, 0, 2, 0, 0, 0, 6).reshape(1, 2, 2, 2)
    network = mx.Network.sequential(
        [mx.Conv3d(row(1).reshape(1, 1, 1, 1, 1)), mx.Flatten(), mx.Linear(row((1,) * 8))], input_shape=(1, 2, 2, 2)
    )
    found = relevance(network, clip, "fem")
    assert found[1, 1, 1] == 1
    assert (found != 0).sum() == 1


# -- Chapters 05, 08 and 16 --------------------------------------------------------------------------------------------


def test_a_heat_map_is_the_positive_part_over_its_maximum():
    e = mx.Explanation.from_array(np.array([[-2.0, 1.0], [0.0, 4.0]]), np.zeros((3, 2, 2)))
    assert e.heatmap.tolist() == [[0.0, 0.25], [0.0, 1.0]]


def test_the_map_of_a_gradient_is_the_largest_magnitude_over_the_channels():
    slopes = row((1, -3, 1, 2), (-2, 1, 0, 2)).reshape(2, 2, 2)
    network = mx.Network.sequential([mx.Flatten(), mx.Linear(slopes.reshape(1, 8))])
    e = mx.explain(network, 0 * slopes, "gradient", target=0)
    assert same(e.map, (2, 3), (1, 2))
    assert np.array_equal(e.heatmap, [[2 / 3, 1], [1 / 3, 2 / 3]])


def test_a_mean_of_maps_is_not_the_map_of_the_mean():
    """S = |x2| at x = (0, 1), whose noise is in units of max - min = 1: signs -1, 1, -1."""
    network = mx.Network.sequential([mx.Linear(row((0, 1), (0, -1))), mx.ReLU(), mx.Linear(row((1, 1)))])
    noise = row((0, -2), (0, 0), (0, -3))
    asked = {"method": "smoothgrad", "sigma": 1, "noise": noise}
    assert same(relevance(network, row(0, 1), **asked), 0, 1)
    assert same(relevance(network, row(0, 1), average="signed", **asked), 0, F(-1, 3))


def test_the_noise_level_is_a_fraction_of_the_range():
    """S = relu(x3 - 3.5) at x = (-1, 0, 3): noise 1 opens the gate from sigma 1/8 on, because the range is 4."""
    network = mx.Network.sequential([mx.Linear(row((0, 0, 1)), row(F(-7, 2))), mx.ReLU()])
    asked = {"method": "smoothgrad", "noise": row((0, 0, 1))}
    assert same(relevance(network, row(-1, 0, 3), sigma=F(1, 8), **asked), 0, 0, 0)
    assert same(relevance(network, row(-1, 0, 3), sigma=F(3, 20), **asked), 0, 0, 1)


def batch_normalised():
    norm = mx.BatchNorm2d(row(3), row(3), row(6), row(1), eps=1)
    return mx.Network.sequential([mx.Linear(row((2, -1)), row(1)), norm])


def test_a_batch_norm_is_folded_before_its_relevance_is_shared():
    folded = mx.fold_batchnorm(batch_normalised()).node("linear1").op
    assert same(folded.weight, (6, -3))
    assert same(folded.bias, -5)
    e = mx.explain(batch_normalised(), row(2, 1), "lrp-0", target=0)
    assert e.score == 4
    assert same(e.relevance, 12, -3)


def test_a_sum_shares_by_what_it_added():
    network = mx.Network(
        [
            mx.Node("a", mx.Linear(row((1, 0))), "input"),
            mx.Node("b", mx.Linear(row((0, 1))), "input"),
            mx.Node("add", mx.Add(), ("a", "b")),
        ]
    )
    tape = mx.forward(network, row(3, -1))
    arrived = {hop.at.name: hop.arriving for hop in mx.walk(tape, row((4,)), mx.rules("lrp-0"))}
    assert (arrived["a"].item(), arrived["b"].item()) == (6, -2)
