"""SmoothGrad: Eq. (8) as a loop, maps against raw results, noise as data, over other methods, seeds, batches."""

from functools import cache

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making.networks import draw_numbers, random_case
from tests.whitebox.examples import MIN_AT, F, row, two_pixels


@cache
def case(seed, numbers="eighths", n=1):
    """A network, pictures, and three draws of noise."""
    network, x = random_case(seed, numbers, n=n, batchnorm="foldable")
    noise = draw_numbers(np.random.default_rng(seed), (3, *x.shape[1:]), numbers)
    return network, x, noise if numbers == "normal" else mx.exact(noise)


OVER = [
    {},
    {"method": "gradient"},
    {"method": "guided-backprop"},
    {"method": "lrp-epsilon", "eps": F(1, 4)},
    {"method": "lrp-alphabeta", "alpha": 1, "beta": 0},
    {"method": "integrated-gradients", "quadrature": "left"},
    {"method": "deeplift-rescale"},
    {"method": "deeplift-revealcancel"},
    {"method": "grad-cam", "relu": False},
    {"method": "guided-grad-cam"},
    {"method": "fem", "K": F(1, 2)},
]


def noisy(x, sigma, noise):
    """The noisy copies of one picture: sigma in units of its range."""
    return [x + sigma * (x.max() - x.min()) * draw for draw in noise]


@pytest.mark.parametrize("over", OVER, ids=lambda o: o.get("method", "default"))
@pytest.mark.parametrize("seed", [1, 4, 6])
def test_eq_8_is_a_loop(seed, over):
    network, (x, *_), noise = case(seed)
    method, params = over.get("method", "gradient"), {k: v for k, v in over.items() if k != "method"}
    asked = {"target": 1, "sigma": F(1, 2), "noise": noise, **over}
    each = [mx.explain(network, z, method, target=1, **params) for z in noisy(x, F(1, 2), noise)]
    maps = mx.explain(network, x, "smoothgrad", **asked)
    assert (maps.relevance == sum(e.map for e in each) / 3).all()
    assert maps.relevance.shape == x.shape[1:]
    assert (maps.map == maps.relevance).all()
    signed = mx.explain(network, x, "smoothgrad", average="signed", **asked)
    assert (signed.relevance == sum(e.relevance for e in each) / 3).all()
    for e in (maps, signed):
        assert e.expected is None
        assert set(e.signals) == set(each[0].signals)
        for name, signal in e.signals.items():
            assert (signal == sum(one.signals[name] for one in each) / 3).all()


def test_the_signed_average_is_reduced_as_its_method_says():
    network, (x, *_), noise = case(4)
    slopes = mx.explain(network, x, "smoothgrad", target=0, noise=noise, average="signed")
    assert (slopes.map == abs(slopes.relevance).max(axis=0)).all()
    lrp = mx.explain(network, x, "smoothgrad", target=0, noise=noise, average="signed", method="lrp-0")
    assert (lrp.map == lrp.relevance.sum(axis=0)).all()


def test_maps_and_raw_results_part():
    network, (x, *_), noise = case(4)
    asked = {"target": 0, "noise": noise, "sigma": 1}
    maps = mx.explain(network, x, "smoothgrad", **asked)
    signed = mx.explain(network, x, "smoothgrad", average="signed", **asked)
    assert (maps.map != signed.map).any()


def test_the_class_stays_that_of_the_clean_picture():
    """Two classes x1 and x2; at (1, 0) class 0 wins, on every noisy copy class 1."""
    network = mx.Network.sequential([mx.Linear(row((1, 0), (0, 1)))])
    noise = row((-5, 5), (-7, 7))
    e = mx.explain(network, row(1, 0), "smoothgrad", sigma=1, noise=noise)
    assert e.target == 0
    assert (e.relevance == row(1, 0)).all()
    batch = mx.explain(network, row((1, 0), (0, 1)), "smoothgrad", sigma=1, noise=noise)
    assert batch.target.tolist() == [0, 1]
    assert (batch.relevance == row((1, 0), (0, 1))).all()


def test_the_noise_level_is_each_picture_s_own():
    """relu(x1 - 1) at pictures of range 1 and 4: noise 1 with sigma 1/2 opens the second gate only."""
    network = mx.Network.sequential([mx.Linear(row((1, 0)), row(-1)), mx.ReLU()])
    pictures = row((0, 1), (0, 4))
    e = mx.explain(network, pictures, "smoothgrad", target=0, sigma=F(1, 2), noise=row((1, 0)))
    assert (e.relevance == row((0, 0), (1, 0))).all()


def test_a_flat_picture_gets_no_noise():
    e = mx.explain(two_pixels(), row(3, 3), "smoothgrad", target=0, sigma=10, noise=row((5, -5)))
    assert (e.relevance == abs(mx.explain(two_pixels(), row(3, 3), "gradient", target=0).relevance)).all()


def test_noise_by_default_is_the_seed_s_standard_normal():
    network, x, _ = case(4, "normal")
    by_seed = mx.explain(network, x[0], "smoothgrad", target=0, n=4, seed=7)
    drawn = np.random.default_rng(7).standard_normal((4, *x.shape[1:]))
    as_data = mx.explain(network, x[0], "smoothgrad", target=0, noise=drawn)
    assert (by_seed.relevance == as_data.relevance).all()


def test_a_seed_repeats_itself_and_another_does_not():
    network, x, _ = case(4, "normal")
    first, again, other = (mx.explain(network, x[0], "smoothgrad", target=0, n=3, sigma=1, seed=s) for s in (5, 5, 6))
    assert (first.relevance == again.relevance).all()
    assert (first.relevance != other.relevance).any()
    default = mx.explain(network, x[0], "smoothgrad", target=0, n=3, sigma=1)
    zero = mx.explain(network, x[0], "smoothgrad", target=0, n=3, sigma=1, seed=0)
    assert (default.relevance == zero.relevance).all()


def test_nothing_global_is_drawn_from():
    network, x, _ = case(4, "normal")
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    mx.explain(network, x[0], "smoothgrad", target=0, n=2)
    assert (np.random.get_state()[1] == before).all()


def test_fifty_copies_and_fifteen_percent_by_default():
    network, x, _ = case(4, "normal")
    default = mx.explain(network, x[0], "smoothgrad", target=0)
    spelled_out = mx.explain(network, x[0], "smoothgrad", target=0, n=50, sigma=0.15, average="maps", method="gradient")
    assert (default.relevance == spelled_out.relevance).all()
    assert (default.params["n"], default.params["sigma"]) == (50, 0.15)


@pytest.mark.parametrize("average", ["maps", "signed"])
def test_a_batch_is_its_pictures_one_by_one(average):
    network, x, noise = case(4, "eighths", n=3)
    asked = {"target": [0, 1, 0], "noise": noise, "average": average}
    batch = mx.explain(network, x, "smoothgrad", **asked)
    for i, target in enumerate(asked["target"]):
        single = mx.explain(network, x[i], "smoothgrad", **{**asked, "target": target})
        assert (batch[i].relevance == single.relevance).all()
        assert all((batch[i].signals[name] == signal).all() for name, signal in single.signals.items())


def test_a_batch_shares_the_seed_s_noise():
    network, x, _ = case(4, "normal", n=2)
    batch = mx.explain(network, x, "smoothgrad", target=0, n=3, sigma=1)
    for i in range(2):
        single = mx.explain(network, x[i], "smoothgrad", target=0, n=3, sigma=1)
        assert abs(batch[i].relevance - single.relevance).max() <= 1e-12 * abs(single.relevance).max()


def test_float32_noise_is_float32():
    network, x, _ = case(4, "normal")
    e = mx.explain(network.astype("float32"), x[0].astype("float32"), "smoothgrad", target=0, n=2)
    assert e.relevance.dtype == np.float32


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"average": "mean"}, "average is 'mean'; expected one of maps, signed"),
        ({"n": 0}, "n is 0; expected an integer of at least 1: the number of noisy copies"),
        ({"n": 1.5}, "n is 1.5; expected an integer of at least 1"),
        ({"noise": row((1, 2, 3))}, r"noise has shape \(1, 3\); expected \('n', 2\), one draw per noisy copy"),
        ({"noise": row(1, 2)}, r"noise has shape \(2,\); expected \('n', 2\)"),
        ({"noise": mx.exact(np.zeros((0, 2)))}, r"noise has shape \(0, 2\); expected \('n', 2\)"),
        ({"method": "smoothgrad"}, "smoothgrad cannot average itself; expected another method="),
        ({"method": "gradients"}, "method 'gradients' is not known; did you mean gradient"),
        ({"method": "gradient", "eps": 1}, "gradient has no parameter 'eps'"),
        ({"method": "lrp-epsilon", "epsilon": 1}, "lrp-epsilon has no parameter 'epsilon'; did you mean eps"),
        ({"sigma": float("inf")}, "sigma is inf; expected a finite number"),
        ({"seed": 1.5}, "seed is 1.5; expected"),
        ({"seed": -1}, "seed is -1; expected"),
        ({"sigma": -1}, "sigma is -1; expected"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        mx.explain(two_pixels(), MIN_AT, "smoothgrad", target=0, **params)
