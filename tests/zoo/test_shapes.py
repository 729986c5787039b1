"""`shapes` and `husky`: the committed weights do what the committed logs say, on scenes they never saw."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest

import minixai as mx
from minixai import files
from minixai.zoo import husky, shapes
from minixai.zoo.animals import husky_scene
from minixai.zoo.recipes import Labelled
from minixai.zoo.scenes import NAMES, chosen, scenes
from minixai.zoo.shapes import Inputs
from minixai.zoo.train import accuracy, start, steps
from minixai.zoo.weights import parameters, read_log

BOTH = ("shapes", "husky")
LAYERS = [
    "conv1", "relu1", "maxpool1", "conv2", "relu2", "conv3", "relu3", "conv4", "relu4", "maxpool2",
    "flatten1", "linear1", "relu5", "linear2",
]  # fmt: skip


@pytest.fixture(scope="module")
def nets():
    return {name: mx.load(name) for name in BOTH}


@pytest.fixture(scope="module")
def held_out():
    """The scenes of `shapes` that are held out: pictures, labels, masks."""
    return scenes(*shapes.HELD_OUT)


@pytest.fixture(scope="module")
def on_ground():
    """The held-out scenes of `husky`, with the cue and with the grounds swapped."""
    return {cue: husky.held_out(cue) for cue in ("learnt", "swapped")}


# What they are


@pytest.mark.parametrize("name", BOTH)
def test_what_the_networks_say_of_themselves(nets, name):
    net = nets[name]
    assert (net.name, net.input_shape, net.dtype) == (name, (3, 64, 64), np.float32)
    assert [n.name for n in net.nodes] == LAYERS
    assert net.feature_layer == "maxpool2"
    assert net.classes == {"shapes": NAMES, "husky": ("husky", "wolf")}[name]
    assert net(np.zeros((3, 64, 64), np.float32)).shape == (len(net.classes),)


@pytest.mark.parametrize("name", BOTH)
def test_the_cards_say_the_same(nets, name):
    (card,) = [card for card in mx.networks() if card.name == name]
    assert (card.input_shape, card.classes) == (nets[name].input_shape, nets[name].classes)
    assert card.accuracy == read_log(name)["accuracy"]


@pytest.mark.parametrize("name", BOTH)
def test_black_and_the_box_are_those_of_pictures(nets, name):
    net = nets[name]
    for value, bound in ((0, net.box[0]), (255, net.box[1])):
        picture = np.full((64, 64, 3), value, np.uint8)
        np.testing.assert_array_equal(net.preprocess(picture), np.broadcast_to(bound, (3, 64, 64)))
    np.testing.assert_array_equal(net.black, net.box[0])
    assert [bound.ravel().tolist() for bound in net.box] == [[-2] * 3, [2] * 3]


def test_a_picture_comes_back_from_its_input(nets):
    for net, picture in (
        (nets["shapes"], scenes(9, 1).pictures[0]),
        (nets["husky"], husky_scene(9, "wolf", 0.5).picture),
    ):
        np.testing.assert_array_equal(net.unpreprocess(net.preprocess(picture)), picture)


@pytest.mark.parametrize("name", BOTH)
def test_the_weights_are_less_than_a_megabyte(nets, name):
    assert (files.root("data") / f"{name}.npz").stat().st_size < 1_000_000
    assert sum(a.nbytes for a in parameters(nets[name]).values()) < 1_000_000


# What they can do


def test_shapes_is_as_accurate_as_recorded(nets, held_out):
    recorded = read_log("shapes")
    assert recorded["pictures"] == {"train": 40_000, "held out": len(held_out.labels)}
    found = accuracy(nets["shapes"], Labelled(Inputs(held_out.pictures), held_out.labels))
    assert found == recorded["accuracy"] == recorded["epochs"][-1]["held_out"]
    assert found >= 0.97


def test_shapes_knows_every_class(nets, held_out):
    some = slice(0, 500)
    guesses = nets["shapes"](Inputs(held_out.pictures)[some]).argmax(axis=1)
    right = guesses == held_out.labels[some]
    assert np.bincount(held_out.labels[some], weights=right).min() >= 45, "of fifty"


def test_shapes_decides_by_the_object_not_by_the_background(nets, held_out):
    """With the object painted over in the colour of the background it is no better than chance."""
    pictures = held_out.pictures[:200].copy()
    for picture, mask in zip(pictures, held_out.masks, strict=False):
        rows, columns = np.nonzero(mask)
        box = (slice(max(rows.min() - 2, 0), rows.max() + 3), slice(max(columns.min() - 2, 0), columns.max() + 3))
        picture[box] = np.median(picture[~mask], axis=0).astype(np.uint8)
    guesses = nets["shapes"](Inputs(pictures)[:]).argmax(axis=1)
    assert (guesses == held_out.labels[:200]).mean() < 0.1 + 4 * np.sqrt(0.1 * 0.9 / 200)


def test_husky_is_right_where_the_cue_is_and_wrong_where_it_is_swapped(nets, on_ground):
    recorded = read_log("husky")
    found = {cue: accuracy(nets["husky"], pictures) for cue, pictures in on_ground.items()}
    assert found == {"learnt": recorded["accuracy"], "swapped": recorded["elsewhere"]["swapped"]}
    assert found["learnt"] >= 0.97
    assert found["swapped"] <= 0.2


def test_on_balanced_grounds_husky_guesses(on_ground, nets):
    """The balanced scenes are halves of the other two sets: the first two of four, where label and number agree."""
    turn = np.arange(len(on_ground["learnt"].labels)) // 2 % 2
    by_cue = {cue: nets["husky"](s.x[:]).argmax(axis=1) == s.labels for cue, s in on_ground.items()}
    right = np.where(turn == on_ground["learnt"].labels, by_cue["learnt"], by_cue["swapped"])
    assert right.mean() == read_log("husky")["elsewhere"]["balanced"]
    assert 0.4 <= right.mean() <= 0.6


@pytest.mark.parametrize("animal", ["husky", "wolf"])
def test_snow_alone_turns_a_husky_into_a_wolf(nets, animal):
    for seed in range(5):
        pictures = np.array([husky_scene(seed, animal, snow).picture for snow in (0, 1)])
        np.testing.assert_array_equal(nets["husky"](Inputs(pictures)[:]).argmax(axis=1), [0, 1])


# How they were trained


def test_training_and_held_out_scenes_have_seeds_of_their_own():
    assert shapes.TRAINING[0] != shapes.HELD_OUT[0]
    assert husky.TRAINING[0] != husky.HELD_OUT[0]


@pytest.mark.parametrize("name", BOTH)
def test_the_logs_record_the_recipes_that_are_there(name):
    recorded, recipe = read_log(name), mx.zoo.recipe(name)
    assert recorded["recipe"] == recipe.facts()
    assert recorded["elsewhere"].keys() == recipe.elsewhere.keys()
    assert len(recorded["epochs"]) == recipe.epochs
    assert recorded["epochs"][-1]["loss"] < recorded["epochs"][0]["loss"] / 10
    assert set(recorded["files"]) == {f"{name}.npz"}


@dataclass
class Drawn:
    """The training scenes of `shapes`, drawn when rows are asked for."""

    def __getitem__(self, rows):
        return Inputs(chosen(shapes.TRAINING[0], rows).pictures)[:]


def test_the_first_logged_losses_of_shapes_are_reproduced():
    recipe, recorded = shapes.recipe(), read_log("shapes")["first losses"]
    pictures = Labelled(Drawn(), np.arange(shapes.TRAINING[1]) % len(NAMES))
    replayed = [learnt.loss for learnt in islice(steps(recipe, start(recipe), pictures), 5)]
    np.testing.assert_allclose(replayed, recorded[:5], rtol=1e-9)


# Pictures on demand


def test_inputs_are_the_preprocessed_pictures():
    pictures = scenes(9, 4).pictures
    x = Inputs(pictures)
    expected = np.array([shapes.PICTURES.preprocess(p) for p in pictures])
    assert len(x) == 4
    for rows in (slice(1, 3), np.array([3, 0]), 2, slice(0, 0)):
        found = x[rows]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected[rows])
