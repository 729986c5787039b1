"""Meaningful perturbation: the objective's slope against finite differences, and what the mask finds."""

import numpy as np
import pytest

import minixai as mx
from minixai.blackbox.perturbation import Objective, adam, moved, perturbed, total_variation
from minixai.blackbox.scoring import Asking
from tests.blackbox.examples import linear_scores, pictures, question, small_network

METHOD = "meaningful-perturbation"
NET = small_network()
X = pictures(1, 2, 2, 6, 6)


def objective(scorer=NET, x=X, score="logit", size=(3, 4), l1=0.3, l2=0.7, beta=3.0):
    other = pictures(2, *x.shape).astype(x.dtype)
    return Objective(Asking(question(scorer, x, 1), score), x, other, size, l1, l2, beta)


def assert_slope(of, mask, move=None):
    """The slope of the sum over the batch, cell by cell, is that of central differences."""
    _, slope = of.at(mask, move)
    step = 1e-6
    for cell in np.ndindex(mask.shape):
        up, down = mask.copy(), mask.copy()
        up[cell] += step
        down[cell] -= step
        difference = (of.at(up, move)[0] - of.at(down, move)[0]) / (2 * step)
        assert slope[cell] == pytest.approx(difference[cell[0]], rel=1e-5, abs=1e-7)
        assert np.delete(difference, cell[0]) == pytest.approx(0, abs=1e-9)  # the pictures do not mix
    assert abs(slope).max() > 0.01


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("scorer", [NET, NET.to_torch()], ids=["engine", "torch"])
def test_its_slope_is_that_of_finite_differences(scorer, score):
    assert_slope(objective(scorer, score=score), pictures(3, 2, 3, 4))


@pytest.mark.parametrize("beta", [1.0, 2.0, 3.5])
def test_its_slope_with_other_powers_and_the_picture_moved(beta):
    assert_slope(objective(beta=beta), pictures(3, 2, 3, 4), (1, -2))


def test_its_slope_on_features_and_clips():
    rng = np.random.default_rng(0)
    flat = mx.Network.sequential([mx.Linear(rng.standard_normal((4, 7))), mx.ReLU(), mx.Linear(rng.random((2, 4)))])
    assert_slope(objective(flat, pictures(1, 2, 7), size=(3,)), pictures(2, 2, 3), (1,))
    layers = [mx.Conv3d(rng.standard_normal((3, 1, 2, 2, 2))), mx.ReLU(), mx.GlobalAvgPool(), mx.Flatten(),
              mx.Linear(rng.standard_normal((2, 3)))]  # fmt: skip
    clips = objective(mx.Network.sequential(layers), pictures(1, 2, 1, 3, 4, 4), size=(2, 2, 3))
    assert_slope(clips, pictures(2, 2, 2, 2, 3), (0, 1, -1))


def test_engine_and_pytorch_take_the_same_steps():
    params = {"n": 20, "grid": (3, 4), "target": 2}
    engine, torch = (mx.explain(scorer, X, METHOD, **params) for scorer in (NET, NET.to_torch()))
    np.testing.assert_allclose(engine.relevance, torch.relevance, atol=1e-9)
    assert engine.notes == torch.notes


def test_its_parts_by_hand():
    """On S = 2 x1 + 3 x2 with x' = 0: S_c(m x) + l1 mean(1 - m) + l2 |m2 - m1|^2."""
    flat = mx.Network.sequential([mx.Linear(np.array([[0.0, 0], [2, 3]]))])
    of = Objective(
        Asking(question(flat, np.ones((1, 2)), 1), "logit"), np.ones((1, 2)), np.zeros((1, 2)), (2,), 0.5, 4, 2
    )
    value, slope = of.at(np.array([[0.25, 0.75]]))
    assert value == pytest.approx(2 * 0.25 + 3 * 0.75 + 0.5 * 0.5 + 4 * 0.25)
    assert slope[0] == pytest.approx([2 - 0.25 - 4, 3 - 0.25 + 4])


def test_total_variation_by_hand():
    mask = np.array([[[0.0, 1.0, 1.0], [0.5, 0.5, 0.0]]])  # steps across 1 0 0 -1/2, down 1/2 -1/2 -1
    for beta, across, down in ((1, 1.5, 2), (2, 1.25, 1.5), (3, 1.125, 1.25)):
        assert total_variation(mask, beta)[0] == pytest.approx(across / 4 + down / 3)
    flat, slope = total_variation(np.full((2, 3, 3), 0.4), 1)
    assert (flat == 0).all() and (slope == 0).all()
    assert total_variation(np.array([[[0.3]]]), 3)[0] == 0


def test_adam_begins_with_one_step_of_the_rate():
    slope = np.array([1e-5, -3.0, 0.0])
    move, memory = adam(slope, (np.zeros(()), np.zeros(())), 1, 0.1)
    np.testing.assert_allclose(move, [0.1, -0.1, 0], rtol=2e-3)
    np.testing.assert_allclose(adam(slope, memory, 2, 0.1)[0], [0.1, -0.1, 0], rtol=2e-3)


def test_pictures_are_moved_and_their_border_repeats():
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    assert moved(x, (1, 0))[0, 0].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert moved(x, (0, -2))[0, 0, 0].tolist() == [2, 3, 3, 3]
    assert moved(x) is x and (moved(x, (0, 0)) == x).all()


# -- what the picture becomes ------------------------------------------------------------------------------------------


def turned(how, x=X, blur=0.1, fill="grey", noise=None):
    return perturbed(question(NET, x), how, blur, fill, noise, np.random.default_rng(0))


def test_a_blurred_picture_keeps_its_mean_and_loses_its_detail():
    x = pictures(0, 1, 2, 32, 32)
    light, heavy = (turned("blur", x, blur) for blur in (0.03, 0.3))
    np.testing.assert_allclose(light.mean(), x.mean(), atol=0.01)
    assert x.std() > 3 * light.std() > 9 * heavy.std()
    assert (turned("blur", np.full((1, 2, 8, 8), 0.3)) == pytest.approx(0.3)) and light.shape == x.shape


def test_a_constant_picture_is_its_fill():
    assert (turned("constant") == 0.5).all() and (turned("constant", fill=(1, 2))[:, 1] == 2).all()


def test_noise_has_the_pictures_own_mean_and_deviation():
    x = 3 + 2 * pictures(0, 1, 2, 40, 40)
    made = turned("noise", x)
    np.testing.assert_allclose(made.mean(axis=(2, 3)), x.mean(axis=(2, 3)), atol=0.1)
    np.testing.assert_allclose(made.std(axis=(2, 3)), x.std(axis=(2, 3)), rtol=0.1)
    given = turned("noise", noise=np.ones((2, 6, 6)))
    np.testing.assert_allclose(given[1, 0], X[1, 0].mean() + X[1, 0].std())


# -- what it finds -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    from minixai.zoo import digits

    return mx.load("digits"), digits.samples().x[4:10]


@pytest.mark.parametrize("how", ["blur", "constant", "noise"])
def test_the_objective_goes_down_on_every_picture(digits, how):
    net, x = digits
    e = mx.explain(net, x, METHOD, n=60, perturbation=how, blur=0.3)
    before, after = np.array([said.split(" -> ") for said in e.notes["objective"]], float).T
    assert (after < 0.5 * before).all()
    assert e.relevance.min() >= 0 and e.relevance.max() <= 1 and e.relevance.shape == (6, 8, 8)
    assert (e.relevance.min(axis=(1, 2)) < 0.4).all() and (e.relevance.max(axis=(1, 2)) > 0.6).all()


def test_it_deletes_what_the_score_depends_on_and_nothing_else():
    """The score reads one corner; a penalty on size leaves the rest as it is."""
    w = np.zeros((2, 1, 8, 8))
    w[1, 0, :3, :3] = 1
    net = mx.Network.sequential([mx.Flatten(), mx.Linear(w.reshape(2, -1))])
    x = np.ones((1, 8, 8))
    params = {"perturbation": "constant", "fill": 0, "l2": 0.01, "n": 200, "jitter": 0, "score": "logit", "target": 1}
    e = mx.explain(net, x, METHOD, **params)
    inside = w[1, 0] == 1
    assert e.relevance[inside].min() > 0.9 and e.relevance[~inside].max() < 0.3
    for start in (0, 0.5, 1):
        again = mx.explain(net, x, METHOD, start=start, **params)
        np.testing.assert_allclose(again.relevance, e.relevance, atol=0.1)


def test_jitter_is_drawn_by_the_seed(digits):
    net, x = digits
    first, second, other = (mx.explain(net, x[0], METHOD, n=8, seed=s).relevance for s in (1, 1, 2))
    assert (first == second).all() and (first != other).any()
    still = [mx.explain(net, x[0], METHOD, n=8, jitter=0, seed=s).relevance for s in (1, 2)]
    assert (still[0] == still[1]).all()


def test_a_sure_network_can_be_explained_because_all_is_hidden_at_first(digits):
    """From m = 1 a probability of 1 has no slope; from m = 0 it has."""
    from minixai.zoo import shapes

    net, x = mx.load("shapes"), shapes.samples().x[3]  # a triangle
    shown, hidden = (mx.explain(net, x, METHOD, n=40, start=start) for start in (1, 0))
    assert shown.score > 1 - 1e-6 and not shown.relevance.any()
    assert hidden.relevance.max() > 0.5 and float(hidden.notes["objective"].split()[-1]) < 0.2


def test_the_grid_where_none_is_given(digits):
    net, x = digits
    assert mx.explain(net, x[0], METHOD, n=1).notes["grid"] == (8, 8)
    large = mx.Network.sequential([mx.GlobalAvgPool(), mx.Flatten(), mx.Linear(np.eye(2)[:, :1])])
    assert mx.explain(large, pictures(0, 1, 40, 160), METHOD, n=1).notes["grid"] == (16, 20)


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (
            {"l1": -1},
            "got l1 -1, l2 0.2, beta 3, blur 0.1, rate 0.1; expected l1 and l2 of at least 0, beta of at least",
        ),
        ({"l2": -1}, "got l1 0.1, l2 -1"),
        ({"beta": 0.5}, "beta 0.5"),
        ({"blur": 0}, "blur 0, rate"),
        ({"rate": 0}, "rate 0;"),
        ({"start": 2}, r"start is 2; expected a number from 0 \(all hidden\) to 1 \(all shown\)"),
        ({"perturbation": "fog"}, "perturbation is 'fog'; expected one of blur, constant, noise"),
        (
            {"perturbation": "noise", "noise": np.ones(3)},
            r"noise has shape \(3,\); expected that of a picture, \(2, 6, 6\)",
        ),
        ({"perturbation": "noise", "noise": [np.inf]}, "noise holds NaN or infinite values"),
        ({"grid": 7}, r"grid is \(7, 7\), finer than the picture, \(6, 6\); choose a coarser one"),
        ({"grid": 0}, "grid is 0; expected an integer of at least 1, or 2 of them"),
        ({"n": 0}, "n is 0; expected an integer of at least 1: the number of steps"),
        ({"jitter": -1}, "jitter is -1; expected an integer of at least 0: pixels"),
        ({"jitter": 1.5}, "jitter is 1.5; expected an integer"),
        ({"seed": -1}, "seed is -1; expected an integer of at least 0"),
        ({"l1": None}, "l1 is None; expected a finite number"),
        ({"fill": "pink", "perturbation": "constant"}, "fill is 'pink'; expected grey, black, mean, or numbers"),
    ],
)
def test_bad_parameters(params, sentence):
    with pytest.raises(ValueError, match=sentence):
        mx.explain(NET, X, METHOD, **params)


def test_a_plain_function_is_refused():
    with pytest.raises(
        ValueError, match="this method follows slopes, and a plain function has none to give; pass a mi"
    ):
        mx.explain(linear_scores(pictures(0, 2, 2, 6, 6)), X, METHOD)


def test_fractions_are_refused():
    exact = mx.Network.sequential([mx.Flatten(), mx.Linear(mx.exact(np.ones((2, 4))))])
    with pytest.raises(ValueError, match="goes down a slope step by step, in floats"):
        mx.explain(exact, mx.exact(np.ones((1, 2, 2))), METHOD, score="logit")
