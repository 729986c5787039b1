"""Gradient, DeconvNet and guided backpropagation: the witness in fractions, central differences in floats."""

from functools import cache
from itertools import count

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making import witness as w
from minixai.conformance.making.networks import draw_numbers, random_case
from tests.whitebox.examples import F, row

H = 1e-3  # the networks are piecewise linear, so a long step costs nothing but redraws
WANTED = 32


@cache
def case(seed, numbers):
    return random_case(seed, numbers)


# -- The witness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["gradient", "deconvnet", "guided-backprop"])
@pytest.mark.parametrize("numbers", ["eighths", "halves"])
@pytest.mark.parametrize("seed", range(8))
def test_slopes_are_the_witness_s(seed, numbers, method):
    network, x = case(seed, numbers)
    e = mx.explain(network, x[0], method, target=seed % 2)
    signals = w.slopes(network, w.flat(x), seed % 2, gate=method)
    assert {name: w.flat(signal) for name, signal in e.signals.items()} == signals
    assert w.flat(e.relevance) == signals["input"]
    assert (e.expected, dict(e.absorbed)) == (None, {})


def test_the_three_methods_differ_on_these_networks():
    methods = ("gradient", "deconvnet", "guided-backprop")
    cases = [case(seed, "eighths") for seed in range(12)]
    found = [[w.slopes(network, w.flat(x), 0, gate)["input"] for gate in methods] for network, x in cases]
    assert any(a != b != c != a for a, b, c in found)


# -- Central differences -----------------------------------------------------------------------------------------------


def room(tape):
    """How far every ReLU is from its kink, and every pool's winner from the next pixel of its window."""
    rooms = [np.inf]
    for step in tape.steps:
        if isinstance(step.op, mx.ReLU):
            rooms.append(abs(step.x).min())
        if isinstance(step.op, mx.MaxPool2d | mx.MaxPool3d):
            values = step.x.ravel()
            for window in w.pool_windows(step.op, step.x.shape, step.y.shape):
                *_, second, first = [-np.inf, *sorted(values[i] for i, _ in window)]
                rooms.append(first - second)
    return min(rooms)


def central_differences(network, x, target, h=H):
    """(S_c(x + h e_i) - S_c(x - h e_i)) / 2h for every pixel i."""
    steps = h * np.eye(x.size).reshape(-1, *x.shape[1:])
    return ((network(x + steps)[:, target] - network(x - steps)[:, target]) / (2 * h)).reshape(x.shape)


@cache
def smooth_cases():
    """Networks and pictures that are far from every kink, and whose score moves; redrawn until they are."""
    found = []
    for seed in count():
        network, x = random_case(seed, "normal", size=4, blocks=3, classes=3)
        if room(mx.forward(network, x)) > 10 * H and central_differences(network, x, seed % 3).any():
            found.append((network, x, seed % 3))
        if len(found) == WANTED:
            return found


@pytest.mark.parametrize("number", range(WANTED))
def test_gradient_is_the_central_difference(number):
    network, x, target = smooth_cases()[number]
    slopes = mx.explain(network, x[0], "gradient", target=target).relevance[None]
    assert room(mx.forward(network, x)) > 10 * H
    assert abs(slopes - central_differences(network, x, target)).max() <= 1e-6 * abs(slopes).max()


def test_the_smooth_cases_hold_every_kind_of_layer():
    ops = {type(node.op) for network, _, _ in smooth_cases() for node in network.nodes}
    pools = {mx.MaxPool2d, mx.AvgPool2d, mx.AdaptiveAvgPool2d, mx.GlobalAvgPool}
    assert ops >= pools | {mx.Conv2d, mx.Linear, mx.BatchNorm2d, mx.ReLU, mx.Add, mx.Concat}


def uncommon(kind, seed):
    """A network with layers that the random ones lack, and a picture."""
    rng = np.random.default_rng(seed)

    def weights(*shape):
        return draw_numbers(rng, shape, "normal") / 2

    if kind == "a softmax inside":
        layers = [mx.Linear(weights(3, 4)), mx.Softmax(), mx.Linear(weights(2, 3)), mx.ReLU(), mx.Linear(weights(2, 2))]
        return mx.Network.sequential(layers), weights(1, 4)
    if kind == "a resized picture":
        layers = [mx.Resize((3, 5)), mx.Conv2d(weights(2, 1, 2, 3)), mx.ReLU(), mx.GlobalAvgPool(), mx.Flatten()]
        return mx.Network.sequential(layers), weights(1, 1, 4, 4)
    layers = [
        mx.Conv3d(weights(2, 1, 2, 2, 2), weights(2), padding=((1, 0), (0, 1), (0, 0)), dilation=(1, 2, 1)),
        mx.ReLU(),
        mx.AvgPool3d((1, 2, 2), stride=1),
        mx.MaxPool3d((2, 2, 1), stride=1),
        mx.Flatten(),
        mx.Linear(weights(2, 4)),
    ]
    return mx.Network.sequential(layers, input_shape=(1, 3, 4, 3)), weights(1, 1, 3, 4, 3)


@pytest.mark.parametrize("kind", ["a softmax inside", "a resized picture", "a clip"])
def test_gradient_through_uncommon_layers(kind, h=1e-4):
    draws = (uncommon(kind, seed) for seed in count())
    network, x = next(d for d in draws if room(mx.forward(*d)) > 10 * h and central_differences(*d, 1, h).any())
    slopes = mx.explain(network, x[0], "gradient", target=1).relevance[None]
    assert abs(slopes - central_differences(network, x, 1, h)).max() <= 1e-6 * abs(slopes).max()


# -- Eq. (3): the linear piece a picture lies on -----------------------------------------------------------------------


@pytest.mark.parametrize("numbers", ["eighths", "halves"])
@pytest.mark.parametrize("seed", range(12))
def test_the_score_is_w_x_plus_b(seed, numbers):
    network, x = case(seed, numbers)
    tape = mx.forward(network, x)
    b = mx.forward(network, 0 * x, choices=tape).output.y[0]
    for target in range(2):
        slope = mx.explain(network, x[0], "gradient", target=target).relevance
        assert (slope * x[0]).sum() + b[target] == network(x)[0, target]


def test_b_of_eq_3_is_not_the_score():
    network, x = case(0, "eighths")
    b = mx.forward(network, 0 * x, choices=mx.forward(network, x)).output.y
    assert (b != network(x)).all()


# -- DeconvNet from a feature map (4.1) --------------------------------------------------------------------------------


def two_layers():
    """conv -> ReLU -> pool -> conv, with an overlapping pool."""
    rng = np.random.default_rng(2)
    first, second = draw_numbers(rng, (2, 1, 2, 2), "eighths"), draw_numbers(rng, (3, 2, 2, 2), "eighths")
    layers = [mx.Conv2d(first), mx.ReLU(), mx.MaxPool2d(2, 1), mx.Conv2d(second), mx.ReLU(), mx.Flatten()]
    network = mx.Network.sequential([*layers, mx.Linear(draw_numbers(rng, (2, 12), "eighths"))]).astype("exact")
    return network, mx.exact(draw_numbers(rng, (2, 1, 5, 5), "eighths"))


def projected(network, x, node, seed):
    """A signal at a node taken to the pixels, by hand: rectify, unpool, paint with the filter."""
    tape = mx.forward(network, x)
    return [hop for hop in mx.walk(tape, {node: seed}, mx.rules("deconvnet")) if hop.at.name == "input"][0].arriving


@pytest.mark.parametrize("node", ["conv2", "relu2"])
@pytest.mark.parametrize("channel", range(3))
def test_deconvnet_projects_one_feature_map(node, channel):
    network, x = two_layers()
    y = mx.forward(network, x)[node].y
    seed = np.where(np.arange(3).reshape(1, 3, 1, 1) == channel, y, F(0))
    e = mx.explain(network, x, "deconvnet", layer=node, channel=channel)
    assert (e.relevance == projected(network, x, node, seed)).all()
    assert (e.signals[node] == seed).all()
    assert "linear1" not in e.signals


def test_deconvnet_keeps_one_position():
    network, x = two_layers()
    y = mx.forward(network, x)["conv2"].y
    seed = 0 * y
    seed[:, 1, 0, 1] = y[:, 1, 0, 1]
    assert seed.any()
    e = mx.explain(network, x, "deconvnet", layer="conv2", channel=1, position=(0, 1))
    assert (e.relevance == projected(network, x, "conv2", seed)).all()
    whole = mx.explain(network, x, "deconvnet", layer="conv2", channel=1)
    parts = [
        mx.explain(network, x, "deconvnet", layer="conv2", channel=1, position=(i, j)).signals["conv2"]
        for i in range(2)
        for j in range(2)
    ]
    assert (sum(parts) == whole.signals["conv2"]).all()


def test_deconvnet_paints_the_filter_where_the_feature_is():
    F1 = row((1, 2), (3, 4)).reshape(1, 1, 2, 2)
    network = mx.Network.sequential([mx.Conv2d(F1), mx.Flatten(), mx.Linear(row((1, 0, 0, 0)))])
    x = row((0, 0, 0), (0, 0, 0), (0, 0, 1)).reshape(1, 3, 3)
    e = mx.explain(network, x, "deconvnet", layer="conv1", channel=0)
    assert (e.relevance[0] == row((0, 0, 0), (0, 4, 8), (0, 12, 16))).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"layer": "conv1"}, r"layer='conv1', channel=None; give both"),
        ({"channel": 1}, r"layer=None, channel=1; give both"),
        ({"layer": "conv9", "channel": 0}, r"layer 'conv9' is not .*; expected one of .*conv1, relu1"),
        ({"layer": "conv2", "channel": 3}, r"channel is 3; layer 'conv2' has channels 0 to 2"),
        ({"layer": "conv2", "channel": -1}, r"channel is -1; layer 'conv2' has channels 0 to 2"),
        ({"layer": "conv2", "channel": 0, "position": (2, 0)}, r"position is \(2, 0\); expected .*maps, \(2, 2\)"),
        ({"layer": "conv2", "channel": 0, "position": (-1, 0)}, r"position is \(-1, 0\); expected .*maps, \(2, 2\)"),
        ({"layer": "conv2", "channel": 0, "position": (1,)}, r"position is \(1,\); expected .*maps, \(2, 2\)"),
    ],
)
def test_deconvnet_refuses_a_place_that_is_none(params, message):
    network, x = two_layers()
    with pytest.raises(ValueError, match=message):
        mx.explain(network, x, "deconvnet", **params)
