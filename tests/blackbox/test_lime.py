"""LIME: the numbers of chapter 02 by hand, known linear functions, another ridge regression."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import minixai as mx
from minixai.blackbox.lime import colours, draws, kernel, ridge, slic
from tests.blackbox.examples import F, exact_picture, linear_scores, pictures, preprocessed, question, small_network

FOUR = [[1, 1], [1, 0], [0, 1], [0, 0]]


# -- the linear model --------------------------------------------------------------------------------------------------


def test_the_four_masks_of_the_locked_box():
    """min(10 z1, 6 z2), each mask counting 1: intercept -3/2, weights (3, 3), R^2 = 2/3."""
    network = mx.Network.sequential([
        mx.Linear(mx.exact([[1, 0], [1, -1]])), mx.ReLU(), mx.Linear(mx.exact([[1, -1]])),
    ])  # fmt: skip
    e = mx.explain(network, mx.exact([10, 6]), "lime", target=0, masks=FOUR, weights=[1] * 4, fill=0, alpha=0,
                   score="logit")  # fmt: skip
    assert e.relevance.tolist() == [3, 3]
    assert e.notes == {"superpixels": 2, "intercept": F(-3, 2), "R2": F(2, 3), "scores": "0 to 6"}


def test_masks_that_count_differently():
    """Scores 8, 2, 0, 0 with weights 4, 2, 2, 1; ignoring the weights would give (5, 3)."""
    found = ridge(FOUR, mx.exact([8, 2, 0, 0]), [4, 2, 2, 1], alpha=0)
    assert (found.intercept, found.weights.tolist()) == (F(-8, 3), [6, 4])
    equal = ridge(FOUR, mx.exact([8, 2, 0, 0]), [1, 1, 1, 1], alpha=0)
    assert equal.weights.tolist() == [5, 3]


def test_ridge_is_another_librarys():
    rng = np.random.default_rng(0)
    Z, y, w = rng.integers(0, 2, (60, 7)), rng.standard_normal(60), rng.random(60)
    for alpha in (0.1, 1, 30):
        found, theirs = ridge(Z, y, w, alpha), Ridge(alpha=alpha).fit(Z, y, sample_weight=w)
        np.testing.assert_allclose(found.weights, theirs.coef_, rtol=1e-9)
        assert found.intercept == pytest.approx(theirs.intercept_, rel=1e-9)
        assert found.r2 == pytest.approx(theirs.score(Z, y, sample_weight=w), rel=1e-9)


def test_fractions_and_floats_agree():
    rng = np.random.default_rng(1)
    Z, y, w = rng.integers(0, 2, (20, 5)), rng.integers(-8, 9, 20) / 4, rng.integers(1, 9, 20) / 8
    exactly, nearly = ridge(Z, mx.exact(y), mx.exact(w), F(1, 2)), ridge(Z, y, w, 0.5)
    assert all(isinstance(v, F) for v in (*exactly.weights, exactly.intercept, exactly.r2))
    np.testing.assert_allclose(exactly.weights.astype(float), nearly.weights, rtol=1e-12)
    residual = mx.exact(y) - exactly.intercept - mx.exact(Z) @ exactly.weights
    assert (mx.exact(w) * residual).sum() == 0  # the intercept is left free
    assert ((mx.exact(Z).T * mx.exact(w)) @ residual == F(1, 2) * exactly.weights).all()  # the normal equations


def test_scores_that_do_not_vary_are_explained_whole():
    found = ridge(FOUR, np.full(4, 0.7), np.ones(4))
    assert (found.intercept, found.weights.tolist(), found.r2) == (0.7, [0, 0], 1)  # no noise to be drawn as a map
    assert ridge(FOUR, mx.exact([7] * 4), [1] * 4).r2 == 1


# -- known linear functions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_it_recovers_a_known_linear_function(seed):
    """Score = sum_m c_m x (mean brightness of superpixel m): hiding one in black takes its c_m away."""
    regions = np.arange(64).reshape(8, 8) // 4
    coefficients = np.random.default_rng(seed).choice([-4, -3, -2, 2, 3, 4, 5], 16)
    w = np.stack([coefficients[regions] / 4, np.zeros((8, 8))])[:, None]
    e = mx.explain(linear_scores(w), np.ones((1, 8, 8)), "lime", segments=regions, fill=0, score="logit", seed=seed)
    found = np.array([e.relevance[regions == m][0] for m in range(16)])
    np.testing.assert_allclose(found, coefficients, rtol=0.02)
    assert abs(found).sum() < abs(coefficients).sum()  # ridge shrinks
    assert e.notes["R2"] > 0.999
    assert e.notes["intercept"] == pytest.approx(e.score - found.sum(), abs=0.05 * abs(coefficients).sum() / 16)


def test_without_a_penalty_it_recovers_it_exactly():
    x, w = exact_picture(0, 2, 3, 3), exact_picture(1, 1, 2, 3, 3)
    regions = np.array([[0, 0, 1], [2, 2, 1], [2, 3, 3]])
    masks = draws(12, 4, 3)
    e = mx.explain(linear_scores(w), x, "lime", segments=regions, masks=masks, weights=[1] * 12, alpha=0,
                   fill=F(1, 4), score="logit")  # fmt: skip
    change = (w[0] * (x - F(1, 4))).sum(axis=0)
    for m in range(4):
        assert set(e.relevance[regions == m]) == {change[regions == m].sum()}
    assert e.notes["intercept"] == (w[0] * F(1, 4)).sum() and e.notes["R2"] == 1


# -- masks, kernel, superpixels ----------------------------------------------------------------------------------------


def test_the_kernel_by_hand():
    masks = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]])
    found = kernel(masks, 0.25, np.ones(4))
    np.testing.assert_allclose(found[[0, 1, 2]], [1, np.exp(-2), np.exp(-8)], rtol=1e-14)  # distances 0, 1/2, 1
    assert found[3] == pytest.approx(np.exp(-((1 - np.sqrt(0.5)) ** 2) / (2 * 0.25**2)))
    with pytest.raises(ValueError, match="the kernel's exp has no exact value in fractions; give weights="):
        kernel(masks, 0.25, mx.exact([1]))


def test_masks_are_fair_coins_after_one_that_shows_all():
    Z = draws(1000, 40, 7)
    assert Z.shape == (1000, 40) and (Z[0] == 1).all() and set(Z.ravel()) == {0, 1}
    assert abs(Z.mean() - 0.5) < 0.01
    assert (draws(1000, 40, 7) == Z).all() and (draws(1000, 40, 8) != Z).any()


def test_masks_as_data_are_the_masks_of_the_seed():
    net, x = small_network(), pictures(0, 2, 6, 6)
    regions = np.arange(36).reshape(6, 6) // 6
    drawn, given, other = (
        mx.explain(net, x, "lime", segments=regions, **params).relevance
        for params in ({"n": 60, "seed": 5}, {"masks": draws(60, 6, 5)}, {"n": 60, "seed": 6})
    )
    assert (drawn == given).all() and (drawn != other).any()


def test_hidden_superpixels_take_their_mean_colour():
    x = exact_picture(2, 1, 2, 2, 3)
    regions = np.array([[0, 0, 1], [0, 1, 1]])
    hidden = colours(question(lambda x: x, x), regions, "superpixel")
    for m in (0, 1):
        for channel in (0, 1):
            assert set(hidden[channel][regions == m]) == {x[0, channel][regions == m].sum() / 3}
    seen = []

    def scores(x):
        seen.extend(x)
        return np.stack([x.sum((1, 2, 3)), x[:, 0, 0, 0]], axis=1)

    mx.explain(scores, x[0], "lime", segments=regions, masks=[[1, 1], [0, 1]], weights=[1, 1], score="logit")
    assert (seen[-2] == x[0]).all() and (seen[-1][:, regions == 0] == hidden[:, regions == 0]).all()
    assert (seen[-1][:, regions == 1] == x[0][:, regions == 1]).all()


def test_superpixels_cover_the_picture_and_are_numbered_from_0():
    from minixai.zoo import shapes

    net, x = mx.load("shapes"), shapes.samples().x[4:5]
    for many in (20, 64):
        found = slic(question(net, x), many)
        assert found.shape == (64, 64) and (np.unique(found) == np.arange(found.max() + 1)).all()
        assert many / 2 <= found.max() + 1 <= 1.5 * many
    e = mx.explain(net, x[0], "lime", n=20)
    assert e.notes["superpixels"] == slic(question(net, x), 64).max() + 1
    assert len(np.unique(e.relevance)) <= e.notes["superpixels"]


def test_superpixels_of_other_pictures():
    one_channel, two_channels, clip = pictures(0, 1, 1, 8, 8), pictures(0, 1, 2, 8, 8), pictures(0, 1, 1, 4, 8, 8)
    for x in (one_channel, two_channels, clip, np.ones((1, 1, 8, 8))):
        assert slic(question(lambda x: x, x), 8).shape == x.shape[2:]
    assert slic(question(lambda x: x, np.ones((1, 5))), 8).tolist() == [0, 1, 2, 3, 4]
    assert slic(question(preprocessed(), pictures(1, 1, 3, 6, 6)), 4).max() > 0


def test_each_picture_of_a_batch_may_have_segments_of_its_own():
    x, w = exact_picture(3, 2, 1, 2, 2), exact_picture(4, 1, 1, 2, 2)
    both = np.array([[[0, 0], [1, 1]], [[0, 1], [0, 1]]])
    params = {"masks": FOUR, "weights": [1] * 4, "alpha": 0, "fill": 0, "score": "logit"}
    e = mx.explain(linear_scores(w), x, "lime", segments=both, **params)
    for i in (0, 1):
        alone = mx.explain(linear_scores(w), x[i], "lime", segments=both[i], **params)
        assert (e[i].relevance == alone.relevance).all() and e.notes["intercept"][i] == alone.notes["intercept"]


def test_it_finds_the_arrow():
    """A picture that `shapes` is sure of, but not too sure; the heaviest superpixel lies on the arrow."""
    from minixai.zoo import shapes

    net, x = mx.load("shapes"), shapes.samples().x[9]
    e = mx.explain(net, x, "lime", n=150)
    row, column = np.unravel_index(e.relevance.argmax(), (64, 64))
    dark = net.unpreprocess(x)[row, column]
    assert e.label == "arrow" and e.notes["R2"] > 0.8 and max(dark.tolist()) < 100


# -- bad input ---------------------------------------------------------------------------------------------------------

HALVES = np.arange(36).reshape(6, 6) // 18
BAD = [
    ({"n": 0}, "n is 0; expected an integer of at least 1: the number of masks"),
    ({"n": 2.5}, "n is 2.5; expected an integer"),
    ({"seed": -1}, "seed is -1; expected an integer of at least 0"),
    ({"sigma": 0}, "got sigma 0, alpha 1; expected a width above 0 and a penalty of at least 0"),
    ({"alpha": -1}, "got sigma 0.25, alpha -1; expected a width above 0"),
    ({"masks": np.zeros((0, 2))}, r"masks have shape \(0, 2\); expected \(n, 2\): one number per superpixel"),
    ({"masks": [[1, 0, 1]]}, r"masks have shape \(1, 3\); expected \(n, 2\)"),
    ({"masks": [[1, 2]]}, r"masks hold other numbers than 0 \(hidden\) and 1 \(shown\)"),
    ({"masks": [[1, np.nan]]}, "masks hold other numbers than 0"),
    ({"masks": FOUR, "weights": [1, 1]}, r"got masks \(4, 2\), scores \(4,\), weights \(2,\); expected \(n, M\)"),
    ({"masks": FOUR, "weights": [0] * 4}, "the weights of the masks are negative, or all 0"),
    ({"masks": FOUR, "weights": [1, 1, 1, -1]}, "the weights of the masks are negative, or all 0"),
    ({"masks": FOUR, "weights": [1, 1, 1, np.nan]}, "weights holds NaN or infinite values"),
    ({"masks": [[1, 1], [0, 0]], "alpha": 0}, "the masks do not tell all superpixels apart; give more of them"),
    ({"segments": np.zeros((5, 6), int)}, r"segments have shape \(5, 6\) and dtype int64; expected integers of shape"),
    ({"segments": np.zeros((6, 6))}, r"segments have shape \(6, 6\) and dtype float64; expected integers"),
    ({"segments": HALVES + 1}, "must be numbered 0, 1, 2 ... with no number left out"),
    ({"segments": 2 * HALVES}, "must be numbered 0, 1, 2"),
    ({"segments": -HALVES}, "must be numbered 0, 1, 2"),
    ({"segments": np.arange(36).reshape(6, 6), "fill": "superpixel"}, "every superpixel is one pixel, .*; give fill="),
    ({"segments": None, "superpixels": 0}, "superpixels is 0; expected an integer of at least 1"),
    ({"fill": "pink"}, "fill is 'pink'; expected grey, black, mean, or numbers"),
]


@pytest.mark.parametrize(("params", "sentence"), BAD)
def test_bad_parameters(params, sentence):
    with pytest.raises(ValueError, match=sentence):
        mx.explain(small_network(), pictures(0, 2, 6, 6), "lime", **{"segments": HALVES, "n": 8} | params)


def test_masks_that_settle_nothing_are_refused_in_fractions_too():
    with pytest.raises(ValueError, match="the masks do not tell all superpixels apart"):
        ridge([[1, 1], [0, 0]], mx.exact([1, 2]), [1, 1], alpha=0)
