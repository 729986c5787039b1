"""What LRP and deep Taylor promise: conservation, gradient x input, folding, overrides, what they refuse."""

from functools import cache

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making import witness as w
from minixai.conformance.making.networks import random_case
from minixai.whitebox.lrp import Epsilon, Gamma, Zero
from tests.whitebox.examples import POCKET_PICTURE, F, neuron, pocket, row, two_pixels

SEEDS = range(8)


@cache
def case(seed, numbers="eighths", **kinds):
    return random_case(seed, numbers, **kinds)


# -- Conservation, Eq. (11) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "params"),
    [("lrp-0", {}), ("lrp-gamma", {}), ("lrp-gamma", {"gamma": 3}), ("lrp-epsilon", {"eps": 0}), ("lrp-alphabeta", {})],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_relevance_is_conserved_without_biases(seed, method, params):
    """Alpha-beta conserves only where both sides are there, so it is held to its account instead."""
    network, x = case(seed, bias=False)
    e = mx.explain(network, x[0], method, target=seed % 2, **params)
    assert e.total + sum(e.absorbed.values()) == e.score == e.expected
    if method != "lrp-alphabeta":
        assert e.total == e.score


def test_the_bias_free_networks_score_something():
    scores = [case(seed, bias=False)[0](case(seed, bias=False)[1])[0, seed % 2] for seed in SEEDS]
    assert sum(score != 0 for score in scores) >= 6


def test_a_bias_is_absorbed_and_not_conserved():
    network, x = case(0)
    e = mx.explain(network, x[0], "lrp-0", target=0)
    assert e.total != e.score


# -- LRP-0 is gradient x input -----------------------------------------------------------------------------------------


def cancels_unrectified(network, x):
    """Whether a linear node whose output somebody else than a ReLU reads (the score included) is exactly 0."""
    network = mx.fold_batchnorm(network)
    places = w.places_of(network)
    y = w.values(places, w.flat(x))
    for place in places:
        readers = network.consumers(place.name)
        rectified = readers and all(isinstance(node.op, mx.ReLU) for node in readers)
        if place.kind in ("weighted", "average", "add") and not rectified:
            products = w.numerators(place, w.reads(place, y))
            if any(v == 0 and (row or b) for v, row, b in zip(y[place.name], products, place.bias, strict=True)):
                return True
    return False


@cache
def without_cancellation(bias):
    found = [case(seed, "eighths", bias=bias) for seed in range(200, 226)]
    return [c for c in found if not cancels_unrectified(*c)]


@pytest.mark.parametrize("number", range(14))
@pytest.mark.parametrize("bias", [True, False])
def test_lrp_0_is_gradient_times_input(bias, number):
    network, x = without_cancellation(bias)[number]
    for target in range(2):
        slopes = mx.explain(network, x[0], "gradient", target=target).relevance
        assert (mx.explain(network, x[0], "lrp-0", target=target).relevance == slopes * x[0]).all()


@pytest.mark.parametrize("bias", [True, False])
def test_they_hold_something_to_compare(bias):
    slopes = [mx.explain(network, x[0], "gradient", target=0).relevance for network, x in without_cancellation(bias)]
    assert sum((s != 0).any() for s in slopes[:14]) >= 9


# -- The composite and its overrides -----------------------------------------------------------------------------------


def deep(convolutions):
    """A chain of 1x1 convolutions, and two linear layers."""
    identity = mx.exact(np.eye(2)).reshape(2, 2, 1, 1)
    layers = [op for _ in range(convolutions) for op in (mx.Conv2d(identity, row(F(1, 8), F(1, 4))), mx.ReLU())]
    head = [mx.Flatten(), mx.Linear(row((1, 2), (3, -1)), row(1, 0)), mx.ReLU(), mx.Linear(row((1, -1), (2, 1)))]
    return mx.Network.sequential([*layers, *head], box=(0, 1))


@pytest.mark.parametrize(
    ("convolutions", "early", "late"),
    [(1, (), ()), (2, ("conv2",), ()), (3, ("conv2",), ("conv3",)), (5, ("conv2", "conv3"), ("conv4", "conv5"))],
)
def test_the_composite_s_table(convolutions, early, late):
    network = deep(convolutions)
    table = mx.rules("lrp-composite", network)
    by_name = {name: rule for name, rule in table.items() if isinstance(name, str)}
    assert set(by_name) == {"conv1", *early, *late}
    assert type(by_name["conv1"]).__name__ == "ZBox"
    assert all(by_name[name] == Gamma(gamma=0.25) for name in early)
    assert all(by_name[name] == Epsilon(eps=0.25, relative=True) for name in late)
    assert table[mx.Linear] == Zero()


def test_a_rule_for_one_node_and_a_rule_for_a_type():
    network, x = deep(3), row(1, F(1, 2)).reshape(2, 1, 1)
    plain = mx.explain(network, x, "lrp-composite", target=0)
    other = mx.explain(network, x, "lrp-composite", target=0, rules={"conv2": Zero(), mx.Linear: Gamma(gamma=F(1))})
    assert (other.relevance != plain.relevance).any()
    tape = mx.forward(network, x)
    changed = mx.rules("lrp-composite", network) | {"conv2": Zero(), mx.Linear: Gamma(gamma=F(1))}
    seed = tape.output.y * row(1, 0)
    *_, last = mx.walk(tape, seed, changed)
    assert (other.relevance == last.arriving[0]).all()
    assert other.total + sum(other.absorbed.values()) == other.score


def test_an_override_that_matches_no_node():
    with pytest.raises(ValueError, match=r"\['conv7'\] match no node; the nodes are input, conv1, "):
        mx.explain(deep(2), row(1, 1).reshape(2, 1, 1), "lrp-composite", target=0, rules={"conv7": Zero()})


@pytest.mark.parametrize("method", ["lrp-composite", "deep-taylor"])
def test_pixels_take_w_square_without_a_box_and_say_so(method):
    network, x = pocket(), POCKET_PICTURE
    e = mx.explain(network, x, method, target="B")
    assert "w^2" in repr(e)
    boxed = mx.Network(network.nodes, classes=network.classes, box=(0, 10))
    with_box = mx.explain(boxed, x, method, target="B")
    assert "z^B in the network's box" in repr(with_box)
    assert (with_box.relevance != e.relevance).any()
    given = mx.explain(network, x, method, target="B", low=0, high=10)
    assert (given.relevance == with_box.relevance).all()
    per_channel = mx.explain(network, x, method, target="B", low=[0], high=[10])
    assert (per_channel.relevance == with_box.relevance).all()


# -- Deep Taylor -------------------------------------------------------------------------------------------------------


def test_deep_taylor_refuses_a_negative_score():
    message = r"deep-taylor explains scores of at least 0 .*S_c is -3; choose another target"
    with pytest.raises(ValueError, match=message):
        mx.explain(neuron((1, -1)), row(1, 4), "deep-taylor", target=0)


def test_deep_taylor_takes_a_score_of_zero():
    e = mx.explain(neuron((1, -1)), row(4, 4), "deep-taylor", target=0)
    assert (e.relevance == 0).all()


@pytest.mark.parametrize("box", [{}, {"low": 0, "high": 1}])
@pytest.mark.parametrize("x", [(1, 0), (F(1, 3), 1), (0, F(1, 8))])
def test_deep_taylor_shares_nothing_negative_out_along_a_chain(x, box):
    network = mx.Network(deep(3).nodes)
    e = mx.explain(network, row(*x).reshape(2, 1, 1), "deep-taylor", **box)
    assert e.score > 0
    assert all((signal >= 0).all() for signal in e.signals.values())
    assert e.total > 0


@pytest.mark.parametrize("params", [{"low": 0}, {"high": 1}])
def test_a_box_has_two_ends(params):
    with pytest.raises(ValueError, match=r"got low=.*, high=.*; give both, or neither"):
        mx.explain(neuron((1, -1)), row(4, 1), "deep-taylor", target=0, **params)


def test_a_bound_that_does_not_fit():
    with pytest.raises(ValueError, match=r"a bound has shape \(3,\); expected a number, or one per channel"):
        mx.explain(neuron((1, -1)), row(4, 1), "deep-taylor", target=0, low=[0, 0, 0], high=1)


# -- Bad parameters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("lrp-alphabeta", {"beta": 2}, r"alpha is 2, beta is 2; expected alpha = beta \+ 1 and beta >= 0"),
        ("lrp-alphabeta", {"alpha": 0, "beta": -1}, r"alpha is 0, beta is -1; expected alpha = beta \+ 1"),
        ("lrp-epsilon", {"eps": -0.1}, r"eps is -0.1; expected a number of at least 0"),
        ("lrp-epsilon", {"stabilizer": "sign"}, r"stabilizer is 'sign'; expected 'signed' or 'literal'"),
        ("lrp-gamma", {"gamma": -1}, r"gamma is -1; expected a number of at least 0"),
        ("lrp-0", {"bias": "drop"}, r"bias is 'drop'; expected 'include' or 'ignore'"),
        ("deep-taylor", {"bias": None}, r"bias is None; expected 'include' or 'ignore'"),
        ("lrp-composite", {"bias": "no"}, r"bias is 'no'; expected 'include' or 'ignore'"),
        ("lrp-epsilon", {"eps": float("nan")}, r"eps is nan; expected a finite number"),
        ("lrp-epsilon", {"eps": "small"}, r"eps is 'small'; expected a finite number"),
    ],
)
def test_bad_parameters(method, params, message):
    with pytest.raises(ValueError, match=message):
        mx.explain(two_pixels(), row(10, 6), method, target=0, **params)


SOFT = mx.Network.sequential([mx.Linear(np.eye(2)), mx.Softmax(), mx.Linear(np.eye(2))])


@pytest.mark.parametrize(
    "method",
    [
        "lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta", "lrp-composite", "deep-taylor", "deeplift-rescale",
        "deeplift-revealcancel",
    ],
)  # fmt: skip
def test_a_softmax_inside_is_refused(method):
    message = rf"{method} has no rule for node 'softmax1', a Softmax; known: .*Linear.*\. Add one"
    with pytest.raises(mx.UnsupportedOp, match=message):
        mx.explain(SOFT, np.array([1.0, 2.0]), method, target=0)


def test_a_rule_for_the_softmax_makes_the_composite_take_it():
    def pass_on(R, step):
        return R

    e = mx.explain(SOFT, np.array([1.0, 2.0]), "lrp-composite", target=0, rules={mx.Softmax: pass_on})
    assert e.relevance.shape == (2,)
