"""`husky-balanced`: the committed weights do what the committed log says, and it is the animal that does it."""

from itertools import islice

import numpy as np
import pytest

import minixai as mx
from minixai import files
from minixai.zoo import animals, husky, husky_balanced
from minixai.zoo.animals import ANIMALS, HUSKY, WOLF, husky_scene
from minixai.zoo.husky_balanced import NAME
from minixai.zoo.recipes import Labelled
from minixai.zoo.shapes import Inputs
from minixai.zoo.train import accuracy, start, steps
from minixai.zoo.weights import parameters, read_log


@pytest.fixture(scope="module")
def net():
    return mx.load(NAME)


@pytest.fixture(scope="module")
def log():
    return read_log(NAME)


def test_it_has_the_layers_of_husky_and_fewer_maps(net):
    other = mx.load("husky")
    assert [(n.name, type(n.op)) for n in net.nodes] == [(n.name, type(n.op)) for n in other.nodes]
    assert (net.name, net.classes, net.input_shape, net.dtype) == (NAME, ANIMALS, (3, 64, 64), np.float32)
    assert (net.feature_layer, net.pictures) == (other.feature_layer, other.pictures)
    assert (files.root("data") / f"{NAME}.npz").stat().st_size < 300_000
    assert sum(a.size for a in parameters(net).values()) < sum(a.size for a in parameters(other).values()) / 3


def test_its_card_says_the_same(net, log):
    (card,) = [card for card in mx.networks() if card.name == NAME]
    assert (card.input_shape, card.classes, card.accuracy) == (net.input_shape, net.classes, log["accuracy"])


@pytest.mark.parametrize("cue", ["balanced", "swapped"])
def test_it_is_as_right_as_recorded_whatever_the_ground(net, log, cue):
    recorded = log["accuracy"] if cue == "balanced" else log["elsewhere"][cue]
    assert accuracy(net, husky_balanced.held_out(cue)) == recorded >= 0.95


def test_the_animal_moves_it_further_than_the_ground(net):
    """The opposite of `husky`, on the same drawings."""

    def moved(network):
        drawn = [[husky_scene(30, a, s, n).picture for a in (WOLF, HUSKY) for s in (0.9, 0.1)] for n in range(8)]
        scores = network(Inputs(np.array(drawn).reshape(-1, 64, 64, 3))[:])
        margins = (scores[:, 1] - scores[:, 0]).reshape(-1, 2, 2)
        return abs(margins[..., 0] - margins[..., 1]).mean(), abs(margins[:, 0] - margins[:, 1]).mean()

    ground, animal = moved(net)
    assert animal > 2 * ground
    ground, animal = moved(mx.load("husky"))
    assert ground > 10 * animal


def test_its_samples_are_of_both_animals_on_both_grounds():
    x, labels = husky_balanced.samples()
    assert x.shape == (20, 3, 64, 64) and x.dtype == np.float32
    assert np.bincount(labels).tolist() == [10, 10]


def test_training_and_held_out_scenes_have_seeds_of_their_own():
    assert len({part[0] for part in (husky_balanced.TRAINING, husky_balanced.HELD_OUT, husky_balanced.SAMPLES)}) == 3
    assert husky_balanced.HELD_OUT == husky.HELD_OUT


def test_the_log_records_the_recipe_that_is_there(log):
    recipe = mx.zoo.recipe(NAME)
    assert log["recipe"] == recipe.facts()
    assert log["elsewhere"].keys() == recipe.elsewhere.keys()
    assert log["pictures"] == {"train": husky_balanced.TRAINING[1], "held out": husky_balanced.HELD_OUT[1]}
    assert len(log["epochs"]) == recipe.epochs and set(log["files"]) == {f"{NAME}.npz"}


class Drawn:
    """The training scenes, drawn when rows are asked for."""

    def __getitem__(self, rows):
        seed = husky_balanced.TRAINING[0]
        return Inputs(np.array([animals._scene_of_set(seed, int(n), "balanced").picture for n in rows]))[:]


def test_the_first_logged_losses_are_reproduced(log):
    recipe = husky_balanced.recipe()
    train = Labelled(Drawn(), np.arange(husky_balanced.TRAINING[1]) % len(ANIMALS))
    replayed = [learnt.loss for learnt in islice(steps(recipe, start(recipe), train), 3)]
    np.testing.assert_allclose(replayed, log["first losses"][:3], rtol=1e-9)
