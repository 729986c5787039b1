"""LRP and deep Taylor against the witness, in fractions: relevance, the signal at every node and what each absorbs."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from math import prod
from typing import NamedTuple

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making import witness as w
from minixai.conformance.making.networks import draw_numbers, random_case

F = Fraction
SEEDS = range(6)
CASES = [(seed, numbers) for seed in SEEDS for numbers in ("eighths", "halves")]
POSITIVE = 10


@cache
def case(seed, numbers):
    return random_case(seed, numbers)


@cache
def cases_of_a_positive_score(wanted):
    """The first cases with a score of at least 0, and its class: all that deep Taylor explains."""
    found = []
    for seed in range(100, 100 + 4 * wanted):
        network, x = case(seed, "halves" if seed % 2 else "eighths")
        target = int(np.argmax(network(x)[0]))
        if network(x)[0, target] >= 0:
            found.append((network, x, target))
    return found[:wanted]


# -- Which rule at which node, as survey 5.1 lays them out -------------------------------------------------------------


def everywhere(weighted, plain=w.lrp_zero):
    """One rule for the layers with weights, another for averages and sums."""
    return lambda places, place: weighted if place.kind == "weighted" else plain


def with_pixels(pixels, otherwise):
    """A rule of its own for the layers with weights that see the picture."""

    def choose(places, place):
        return pixels(places, place) if place.name in w.pixel_places(places) else otherwise(places, place)

    return choose


def box(low, high):
    """z^B with the box carried through whatever stands between the picture and the layer."""

    def choose(places, place):
        bounds = [w.reads(place, w.values(places, bound)) for bound in (low, high)]
        return partial(w.z_box, low=bounds[0], high=bounds[1])

    return choose


def square(places, place):
    return w.w_square


def composite(bias="include"):
    """The first half of the other convolutions gamma 1/4, the rest eps 1/4 r.m.s.; everything else LRP-0."""

    def choose(places, place):
        first = w.pixel_places(places)
        others = [p.name for p in places if isinstance(p.op, mx.Conv2d | mx.Conv3d) and p.name not in first]
        if place.name not in others:
            return partial(w.lrp_zero, bias=bias)
        early = others.index(place.name) < len(others) / 2
        late = partial(w.lrp_epsilon, eps=F(1, 4), bias=bias, relative=True)
        return partial(w.lrp_gamma, gamma=F(1, 4), bias=bias) if early else late

    return choose


def z_plus(bias="include"):
    plus = partial(w.lrp_alphabeta, alpha=F(1), beta=F(0), bias=bias)
    return everywhere(plus, partial(w.lrp_zero, bias=bias))


class Asked(NamedTuple):
    """What the engine is asked, and how the witness answers it, given the lowest and highest picture."""

    method: str
    params: dict
    witness: Callable


def epsilon(**how):
    rule = partial(w.lrp_epsilon, **how)
    return Asked("lrp-epsilon", how, lambda low, high: everywhere(rule, rule))


def zero(bias):
    rule = partial(w.lrp_zero, bias=bias)
    return Asked("lrp-0", {"bias": bias}, lambda low, high: everywhere(rule, rule))


def gamma(bias, **how):
    plain = partial(w.lrp_zero, bias=bias)
    rule = partial(w.lrp_gamma, bias=bias, **how)
    return Asked("lrp-gamma", {"bias": bias, **how}, lambda low, high: everywhere(rule, plain))


def alphabeta(bias, alpha, beta):
    plain = partial(w.lrp_zero, bias=bias)
    rule = partial(w.lrp_alphabeta, alpha=F(alpha), beta=F(beta), bias=bias)
    return Asked(
        "lrp-alphabeta", {"bias": bias, "alpha": alpha, "beta": beta}, lambda low, high: everywhere(rule, plain)
    )


LOW, HIGH = [F(-2), F(-3, 2)], [F(3, 2), F(5, 2)]  # per channel
BOX = {"low": LOW, "high": HIGH}
BOTH = ("include", "ignore")
LRP = [
    *[zero(bias) for bias in BOTH],
    *[epsilon(eps=F(1, 4), bias=bias) for bias in BOTH],
    *[epsilon(eps=F(1, 2), stabilizer="literal", bias=bias) for bias in BOTH],
    *[gamma(bias, gamma=F(1, 4)) for bias in BOTH],
    gamma("include", gamma=F(3)),
    *[alphabeta(bias, 2, 1) for bias in BOTH],
    *[alphabeta(bias, 1, 0) for bias in BOTH],
    alphabeta("include", F(3, 2), F(1, 2)),
    alphabeta("include", 3, 2),
    *[
        Asked("lrp-composite", {"bias": bias}, lambda low, high, bias=bias: with_pixels(square, composite(bias)))
        for bias in BOTH
    ],
    Asked("lrp-composite", BOX, lambda low, high: with_pixels(box(low, high), composite())),
]
TAYLOR = [
    *[
        Asked("deep-taylor", {"bias": bias}, lambda low, high, bias=bias: with_pixels(square, z_plus(bias)))
        for bias in BOTH
    ],
    Asked("deep-taylor", BOX, lambda low, high: with_pixels(box(low, high), z_plus())),
    Asked("deep-taylor", BOX | {"bias": "ignore"}, lambda low, high: with_pixels(box(low, high), z_plus("ignore"))),
]


def named(asked):
    params = {k: v if k not in BOX else "box" for k, v in asked.params.items()}
    return "-".join([asked.method, *(f"{k}={v}" for k, v in params.items())])


def fitted(asked, network):
    """The parameters with the box cut to the network's channels, and the box as two whole pictures."""
    channels, size = network.input_shape[0], prod(network.input_shape[1:])
    params = {k: v[:channels] if k in BOX else v for k, v in asked.params.items()}
    low, high = ([bound for bound in edge[:channels] for _ in range(size)] for edge in (LOW, HIGH))
    return params, low, high


def assert_witnessed(network, x, target, asked):
    params, low, high = fitted(asked, network)
    e = mx.explain(network, x[0], asked.method, target=target, **params)
    signals, absorbed = w.relevance(network, w.flat(x), target, asked.witness(low, high))
    assert {name: w.flat(signal) for name, signal in e.signals.items()} == signals
    assert w.flat(e.relevance) == signals["input"]
    assert dict(e.absorbed) == absorbed
    assert e.total + sum(e.absorbed.values()) == e.expected == network(x)[0, target]


@pytest.mark.parametrize("asked", LRP, ids=named)
@pytest.mark.parametrize(("seed", "numbers"), CASES)
def test_lrp_is_the_witness_s(seed, numbers, asked):
    network, x = case(seed, numbers)
    assert_witnessed(network, x, seed % 2, asked)


@pytest.mark.parametrize("asked", TAYLOR, ids=named)
@pytest.mark.parametrize("number", range(POSITIVE))
def test_deep_taylor_is_the_witness_s(number, asked):
    network, x, target = cases_of_a_positive_score(POSITIVE)[number]
    assert_witnessed(network, x, target, asked)


@cache
def clip():
    """A 3-D network: strided convolution, overlapping maximum, average; and a clip of three frames for it."""
    rng = np.random.default_rng(7)
    layers = [
        mx.Conv3d(draw_numbers(rng, (2, 1, 2, 2, 2), "eighths"), draw_numbers(rng, (2,), "eighths"), padding=(0, 1, 0)),
        mx.ReLU(),
        mx.MaxPool3d((1, 2, 2), stride=1),
        mx.Conv3d(draw_numbers(rng, (2, 2, 1, 2, 1), "eighths"), draw_numbers(rng, (2,), "eighths"), stride=(1, 2, 1)),
        mx.AvgPool3d((2, 1, 1), stride=1),
        mx.Flatten(),
        mx.Linear(draw_numbers(rng, (2, 2), "eighths"), draw_numbers(rng, (2,), "eighths")),
    ]
    network = mx.Network.sequential(layers, input_shape=(1, 3, 3, 3)).astype("exact")
    return network, mx.exact(draw_numbers(rng, (1, 1, 3, 3, 3), "eighths"))


@pytest.mark.parametrize("asked", [*LRP, *TAYLOR], ids=named)
def test_clips_are_the_witness_s(asked):
    network, x = clip()
    assert_witnessed(network, x, int(np.argmax(network(x)[0])), asked)


# -- Each rule alone, with any relevance arriving: zero denominators that carry relevance, several signals at once -----


@pytest.mark.parametrize("asked", [a for a in LRP if a.method != "lrp-composite"], ids=named)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_stride_is_the_witness_s(seed, asked):
    network, x = case(seed, "halves")
    tape, table = mx.forward(mx.fold_batchnorm(network), x), mx.rules(asked.method, **asked.params)
    places, choose = w.places_of(network), asked.witness(None, None)
    y = w.values(places, w.flat(x))
    for place in places:
        if place.kind in ("weighted", "average", "add"):
            step = tape[place.name]
            R, rule, a = anything(seed, step), table[type(step.op)], w.reads(place, y)
            handed = [w.flat(row) for row in np.concatenate([part.reshape(2, -1) for part in rule(R, step)], axis=1)]
            theirs = [choose(places, place)(place, a, w.flat(r)) for r in R]
            assert handed == [out for out, _ in theirs]
            assert w.flat(rule.absorbed(R, step)) == [stays for _, stays in theirs]


def anything(seed, step):
    """Two signals of relevance for this node, none of it 0."""
    R = draw_numbers(np.random.default_rng(seed), (2, *step.y.shape), "eighths")
    return mx.exact(np.where(R == 0, 1, R))


# -- The cases bite: whatever a rule treats specially does happen in them ----------------------------------------------


def all_cases():
    return [*(case(*c) for c in CASES), *(found[:2] for found in cases_of_a_positive_score(POSITIVE)), clip()]


def test_every_kind_of_layer_is_there():
    ops = {type(node.op) for network, _ in all_cases() for node in network.nodes}
    assert ops == {
        mx.Conv2d, mx.Conv3d, mx.Linear, mx.BatchNorm2d, mx.ReLU, mx.MaxPool2d, mx.MaxPool3d, mx.AvgPool2d,
        mx.AvgPool3d, mx.AdaptiveAvgPool2d, mx.GlobalAvgPool, mx.Add, mx.Concat, mx.Flatten, mx.Identity,
    }  # fmt: skip


def test_batch_norms_fold_and_stand_layers_are_shared_and_windows_overlap():
    networks = [network for network, _ in all_cases()]
    norms = [[isinstance(n.op, mx.BatchNorm2d) for n in net.nodes] for net in networks]
    left = [[isinstance(n.op, mx.BatchNorm2d) for n in mx.fold_batchnorm(net).nodes] for net in networks]
    assert any(map(any, left)), "no batch norm has to stand"
    assert sum(map(sum, norms)) > sum(map(sum, left)), "no batch norm can be folded"
    weighted = [[id(n.op) for n in net.nodes if isinstance(n.op, mx.Conv2d)] for net in networks]
    assert any(len(set(ids)) < len(ids) for ids in weighted), "no layer is shared"
    pools = [n.op for net in networks for n in net.nodes if isinstance(n.op, mx.MaxPool2d)]
    assert any(op.stride < op.kernel for op in pools), "no windows overlap"


def test_signs_and_zeros_happen():
    seen = set()
    for network, x in (case(seed, "halves") for seed in SEEDS):
        places = w.places_of(network)
        y = w.values(places, w.flat(x))
        for place in places:
            if place.kind == "weighted":
                seen |= set(happenings(place, w.reads(place, y)))
    assert seen == {
        "z > 0", "z < 0", "cancels to 0", "cancels to 0 without its bias", "z = -eps", "nothing arrived",
        "no positive product", "no negative product", "negative input",
    }  # fmt: skip


def happenings(place, a):
    """What is special about the outputs of a layer, as far as some rule cares."""
    for row, b in zip(w.numerators(place, a), place.bias, strict=True):
        products = [v for _, v in row]
        z = sum(products, b)
        yield "cancels to 0" if z == 0 and products else "nothing arrived" if z == 0 else "z > 0" if z > 0 else "z < 0"
        if z == -F(1, 2):
            yield "z = -eps"
        if b and products and z == b:
            yield "cancels to 0 without its bias"
        if products and all(v < 0 for v in products):
            yield "no positive product"
        if products and all(v > 0 for v in products):
            yield "no negative product"
        if any(a[i] < 0 for i, _ in row):
            yield "negative input"
