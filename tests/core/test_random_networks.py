"""The generator of random networks: repeatable, of the numbers asked for, and with the layers asked for."""

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making.networks import draw_numbers, random_case, random_network, random_pictures

SEEDS = range(30)


def parameters(network):
    return [a for node in network.nodes for a in node.op.arrays().values()]


def layers(**kinds):
    return {type(node.op) for seed in SEEDS for node in random_network(seed, **kinds).nodes}


@pytest.mark.parametrize("numbers", ["eighths", "halves", "normal"])
def test_a_seed_repeats_itself(numbers):
    (one, x), (other, y) = random_case(3, numbers), random_case(3, numbers)
    assert [(n.name, n.inputs, repr(n.op)) for n in one.nodes] == [(n.name, n.inputs, repr(n.op)) for n in other.nodes]
    assert all((a == b).all() for a, b in zip(parameters(one), parameters(other), strict=True))
    assert (x == y).all()
    assert (random_pictures(4, one, numbers) != x).any()


@pytest.mark.parametrize(("numbers", "parts"), [("eighths", 8), ("halves", 2)])
def test_fractions_are_multiples(numbers, parts):
    for seed in SEEDS:
        network, x = random_case(seed, numbers, batchnorm="none")
        assert all((a * parts == (a * parts).astype(int)).all() for a in [*parameters(network), x])
        assert network.dtype == x.dtype == object


def test_normal_numbers_are_float64():
    network, x = random_case(1, "normal", n=3)
    assert network.dtype == x.dtype == np.float64
    assert x.shape == (3, *network.input_shape)


def test_networks_and_pictures_differ_from_seed_to_seed():
    assert len({tuple(repr(n.op) for n in random_network(seed).nodes) for seed in SEEDS}) > 20
    assert any((x < 0).any() for _, x in map(random_case, SEEDS))


def test_what_may_be_left_out():
    assert mx.BatchNorm2d in layers()
    assert mx.BatchNorm2d in layers(batchnorm="foldable")
    assert mx.BatchNorm2d not in layers(batchnorm="none")
    assert mx.BatchNorm2d not in layers(bias=False)
    for seed in SEEDS:
        folded = mx.fold_batchnorm(random_network(seed, batchnorm="foldable"))
        assert not any(isinstance(node.op, mx.BatchNorm2d) for node in folded.nodes)
        for node in random_network(seed, bias=False).nodes:
            assert "bias" not in node.op.arrays()


@pytest.mark.parametrize("gap", [True, False])
def test_the_head_may_be_chosen(gap):
    for seed in SEEDS:
        network = random_network(seed, gap=gap, classes=4)
        assert any(isinstance(node.op, mx.GlobalAvgPool) for node in network.nodes) is gap
        assert network(random_pictures(seed, network)).shape == (1, 4)


def test_numbers_that_are_not_known():
    with pytest.raises(ValueError, match="numbers is 'thirds'; expected one of eighths, halves, normal"):
        draw_numbers(np.random.default_rng(0), (2,), "thirds")
