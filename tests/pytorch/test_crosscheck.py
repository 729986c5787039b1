"""Engine against mirror: they agree; a mistake on either side is seen and placed; kinks are told from mistakes."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import minixai as mx
from minixai import pytorch
from minixai.conformance.making.networks import random_network
from minixai.crosscheck import FLIP, TOLERANCE, aligned, compare, crosscheck
from minixai.zoo import digits
from tests.pytorch.material import METHODS, Written, drawn, pictures

DTYPES = ("float64", "float32")


def two_stages(bias=True):
    """conv1 relu1 pool1 conv2 relu2 gap flatten linear, on two channels."""
    rng = np.random.default_rng(7)
    conv1 = mx.Conv2d(rng.normal(size=(4, 2, 3, 3)) / 3, rng.normal(size=4) / 3 if bias else np.zeros(4), padding=1)
    conv2 = mx.Conv2d(rng.normal(size=(4, 4, 3, 3)) / 4, rng.normal(size=4) / 3 if bias else np.zeros(4), padding=1)
    ops = [conv1, mx.ReLU(), mx.MaxPool2d(2), conv2, mx.ReLU(), mx.GlobalAvgPool(), mx.Flatten()]
    head = mx.Linear(rng.normal(size=(3, 4)), np.array([3.0, -3.0, 0.0]))
    return mx.Network.sequential([*ops, head], input_shape=(2, 6, 6))


NETWORK = two_stages()
X = np.random.default_rng(8).normal(size=(2, 2, 6, 6))


# -- They agree --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_digits(dtype):
    network = digits.load().astype(dtype)
    x = digits.samples().x[:2].astype(dtype)
    report = crosscheck(network, network.to_torch(), x, METHODS)
    assert report.passed, report.comparisons
    assert {c.method for c in report.comparisons} | set(report.refused) == set(METHODS)
    assert len(report.comparisons) >= 15, report.refused
    assert all(c.shared <= TOLERANCE[dtype] and c.dtype == dtype for c in report.comparisons)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(1000, 1006))
def test_random_networks(seed, dtype):
    network = random_network(seed, "normal", size=5, blocks=4, classes=3)
    x = pictures(network, 2, seed)
    report = crosscheck(network.astype(dtype), network.astype(dtype).to_torch(), x.astype(dtype), METHODS)
    assert report.passed, [c for c in report.comparisons if not c.passed]


PARAMETERS = {
    "deconvnet": {"layer": "conv2", "channel": 1},
    "integrated-gradients": {"n": 5, "quadrature": "gauss-legendre", "baseline": np.full((2, 2, 6, 6), 0.3)},
    "smoothgrad": {"n": 3, "sigma": 0.3, "average": "signed", "method": "guided-backprop"},
    "grad-cam": {"layer": "relu1", "relu": False},
    "guided-grad-cam": {"layer": "conv1"},
    "fem": {"K": 0.5, "layer": "conv2"},
    "lrp-0": {"bias": "ignore"},
    "lrp-epsilon": {"eps": 0.25, "stabilizer": "literal"},
    "lrp-gamma": {"gamma": 2, "bias": "ignore"},
    "lrp-alphabeta": {"alpha": 1, "beta": 0, "bias": "ignore"},
    "lrp-composite": {"low": -3, "high": 3},
    "deep-taylor": {"low": [-4, -3], "high": [4, 3], "bias": "ignore"},
    "deeplift-rescale": {"baseline": np.linspace(-1, 1, 72).reshape(2, 6, 6)},
    "deeplift-revealcancel": {"baseline": np.linspace(-1, 1, 72).reshape(2, 6, 6)},
}


@pytest.mark.parametrize("method", PARAMETERS)
def test_parameters_mean_the_same(method):
    found = compare(NETWORK, NETWORK.to_torch(), X, method, target=0, **PARAMETERS[method])
    assert found.passed and found.params == PARAMETERS[method], found
    usual = compare(NETWORK, NETWORK.to_torch(), X, method, target=0)
    assert usual.passed, usual
    ours = (mx.explain(NETWORK, X, method, 0, **p).relevance for p in (PARAMETERS[method], {}))
    a, b = ours
    assert a.shape != b.shape or np.abs(a - b).max() > 1e-6 * np.abs(b).max(), "the parameter changes nothing here"


def test_a_report_can_be_read_by_a_program():
    report = crosscheck(NETWORK, NETWORK.to_torch(), X, {"gradient": {}, "lrp-0": {}})
    said = json.loads(json.dumps(report.as_dict()))
    assert said["passed"] is True and [m["method"] for m in said["methods"]] == ["gradient", "lrp-0"]
    assert {"shared", "alone", "absolute", "tolerance", "layer", "flips", "passed"} <= said["methods"][0].keys()


def test_what_does_not_fit_is_said_with_its_reason():
    flat = mx.Network.sequential([mx.Flatten(), mx.Linear(np.ones((2, 72)))], input_shape=(2, 6, 6))
    report = crosscheck(flat, flat.to_torch(), X, METHODS)
    assert report.passed
    assert {"cam", "grad-cam", "fem"} <= set(report.refused)
    assert "global average pooling" in report.refused["cam"]


# -- A mistake is seen, and placed -------------------------------------------------------------------------------------


def _ungated(x):
    return pytorch.straight.deconv_relu(x)


def _literal(original):
    return lambda rule, layer, leaves: original(replace(rule, stabilizer="literal"), layer, leaves)


def _scaled_at(original, index):
    def slope(rule, layer, leaves):
        out = original(rule, layer, leaves)
        return out * (1 + 1e-6) if layer.call.index == index else out

    return slope


def _first_moment(dz, dy, y0):
    return (y0 > 0).to(dy.dtype)


BROKEN = {
    # what is wrong: (the place, the name there, what stands there instead, the method, its parameters, the first layer)
    "guided without its gate": ("gradient", "guided_relu", _ungated, "guided-backprop", {}, "conv2"),
    "epsilon without a sign": ("lrp.Epsilon", "slope", _literal, "lrp-epsilon", {"eps": 0.25}, None),
    "gamma without the bias": ("lrp", "_kept_bias", lambda rule, layer: layer.b * 0, "lrp-gamma", {}, None),
    "alpha-beta a millionth too large in conv2": (
        "lrp.AlphaBeta", "slope", lambda o: _scaled_at(o, 3), "lrp-alphabeta", {}, "maxpool1",
    ),
    "deep taylor a millionth too large in conv1": (
        "lrp.ZBox", "slope", lambda o: _scaled_at(o, 0), "deep-taylor", {"low": -5, "high": 5}, "input",
    ),
    "Rescale by the gradient": ("deeplift", "_ratio", _first_moment, "deeplift-rescale", {}, "conv2"),
    "RevealCancel by the gradient": ("deeplift", "_ratio", _first_moment, "deeplift-revealcancel", {}, "conv2"),
}  # fmt: skip


def _place(path):
    owner, *rest = path.split(".")
    place = importlib.import_module(f"minixai.pytorch.{owner}")  # some files share their name with a method
    for name in rest:
        place = getattr(place, name)
    return place


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_mirror_is_caught(what, monkeypatch):
    path, name, instead, method, params, layer = BROKEN[what]
    target = 1 if method == "lrp-epsilon" else 0  # a negative score, for a sign to matter
    before = compare(NETWORK, NETWORK.to_torch(), X, method, target=target, **params)
    assert before.passed and before.layer is None, before
    place = _place(path)
    monkeypatch.setattr(place, name, instead(getattr(place, name)) if name == "slope" else instead)
    after = compare(NETWORK, NETWORK.to_torch(), X, method, target=target, **params)
    assert not after.passed and after.shared > after.tolerance
    assert after.layer is not None and (layer is None or after.layer == layer), after.layer


def test_a_pool_that_takes_the_last_of_equals_is_caught(monkeypatch):
    ops = [mx.MaxPool2d(2), NETWORK.node("conv1").op, mx.ReLU(), mx.GlobalAvgPool(), mx.Flatten(), mx.Linear(np.eye(4))]
    network, flat = mx.Network.sequential(ops, input_shape=(2, 6, 6)), np.ones((1, 2, 6, 6))
    assert compare(network, network.to_torch(), flat, "gradient").passed
    first = mx.MaxPool2d.choose

    def last(self, x):
        turned = first(self, np.ascontiguousarray(x[..., ::-1, ::-1]))
        return x.shape[2] * x.shape[3] - 1 - turned[..., ::-1, ::-1]

    monkeypatch.setattr(mx.MaxPool2d, "choose", last)
    after = compare(network, network.to_torch(), flat, "gradient")
    assert not after.passed and after.layer == "input"


def test_a_broken_engine_is_caught(monkeypatch):
    def forgetful(self, R, x):
        return self.transposed(R, np.abs(self.affine()[0]), x)

    monkeypatch.setattr(mx.Linear, "adjoint", forgetful)
    found = compare(NETWORK, NETWORK.to_torch(), X, "gradient", target=0)
    assert not found.passed and found.layer == "flatten1"


def test_a_wrong_weight_is_caught_going_forward():
    module = NETWORK.to_torch()
    with torch.no_grad():
        module.conv2.weight[0, 0, 0, 0] += 1e-6
    report = crosscheck(NETWORK, module, X, {"gradient": {}})
    assert not report.passed and report.forward[0] == "conv2" and report.forward[1] > 1e-9


# -- Kinks -------------------------------------------------------------------------------------------------------------


def nudged(by):
    """(network, module, picture): the same but for weights of size ``by``, which decide what is exactly 0 otherwise."""
    network = two_stages(bias=False)
    module = network.to_torch()
    x = X.copy()
    x[:, 0, :4] = 0
    network = mx.Network(
        [replace(network.nodes[0], op=mx.Conv2d(_blind(network.nodes[0].op.weight, 0), np.zeros(4), padding=1)),
         *network.nodes[1:]], input_shape=(2, 6, 6),
    )  # fmt: skip
    with torch.no_grad():
        module.conv1.weight[:] = torch.as_tensor(_blind(module.conv1.weight.numpy(), by))
    return network, module, x


def _blind(weight, by):
    """Weights that look at the first channel, and ever so little at the second."""
    out = weight.copy()
    out[:, 1] *= by
    return out


@pytest.mark.parametrize("method", ["gradient", "guided-backprop", "deconvnet"])
def test_flips_are_listed_and_vanish_when_shared(method):
    found = compare(*nudged(1e-15), method, target=0)
    assert found.alone > found.tolerance, "nothing flipped"
    assert found.shared <= 1e-12
    assert {flip.node for flip in found.flips} >= {"conv1"} and found.layer is None
    assert all(flip.lead <= 1e-12 for flip in found.flips)
    assert found.passed


def test_flips_name_signs_and_winners_with_their_places():
    found = compare(*nudged(1e-15), "gradient", target=0)
    assert {flip.kind for flip in found.flips} >= {"sign", "winner"}
    network, module, x = nudged(1e-15)
    for flip in found.flips:
        shape = mx.forward(network, x)[flip.node].y.shape
        assert all(0 <= place < n for place, n in zip(flip.place, shape, strict=True))


def test_flips_that_rounding_cannot_explain_do_not_excuse():
    found = compare(*nudged(1e-8), "gradient", target=0)
    assert found.shared <= 1e-6 and found.alone > found.tolerance
    assert any(flip.lead > FLIP["float64"] for flip in found.flips)
    assert not found.passed


def test_without_a_difference_there_is_nothing_to_list():
    found = compare(NETWORK, NETWORK.to_torch(), X, "gradient")
    assert found.alone <= found.tolerance and found.flips == ()


# -- Denominators near 0 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{"bias": "ignore"}, {"stabilizer": "literal", "eps": 1e-9}], ids=str)
def test_the_bound_grows_with_what_is_divided_by(params):
    small = 2.0**-30
    bias = [1.0] if params.get("bias") else [-1e-9]
    network = mx.Network.sequential([mx.Linear([[1.0, -1.0 + small]], bias), mx.Linear([[1.0]])])
    x = np.array([[1.0, 1.0]])
    found = compare(network, network.to_torch(), x, "lrp-epsilon", **({"eps": 0.0} | params))
    y = small + bias[0]
    d = small if params.get("bias") else y + 1e-9
    assert found.tolerance == pytest.approx(max(1e-9, 10 * np.finfo(float).eps * abs(y / d)))
    assert found.passed
    usual = compare(network, network.to_torch(), x, "lrp-epsilon")
    assert usual.tolerance == TOLERANCE["float64"]


# -- Not the same network ----------------------------------------------------------------------------------------------


def test_another_kind_of_layer_is_named():
    ops = [node.op for node in NETWORK.nodes]
    other = mx.Network.sequential([*ops[:2], mx.AvgPool2d(2), *ops[3:]])
    with pytest.raises(ValueError, match=r"node 'maxpool1' is .* but the module computes avg_pool at avgpool1"):
        compare(NETWORK, other.to_torch(), X, "gradient")


def test_a_missing_layer_is_named_or_counted():
    longer = mx.Network([*NETWORK.nodes, mx.Node("relu3", mx.ReLU(), "linear1")], input_shape=(2, 6, 6))
    with pytest.raises(ValueError, match="the network has 7 layers, the module 8; expected the same network"):
        compare(NETWORK, longer.to_torch(), X, "gradient")


def test_alignment_goes_by_what_is_computed_and_not_by_names():
    network = random_network(3, "normal", size=4, classes=3)
    module = Written(network, drawn(np.random.default_rng(1)))
    graph = pytorch.graph(module, torch.as_tensor(pictures(network, 1)))
    pairs = dict(aligned(network, graph))
    wires = (mx.Flatten, mx.Identity)
    assert list(pairs) == [n.name for n in network.nodes if not isinstance(n.op, wires)]
    assert sorted(pairs.values()) == list(pairs.values())
