"""`shapes-resnet`: the committed weights do what the committed log says, and CAM, which it is made for, points."""

from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import pytest

import minixai as mx
from minixai import files
from minixai.network import fold_batchnorm
from minixai.ops import BatchNorm2d
from minixai.zoo import shapes, shapes_resnet
from minixai.zoo.recipes import Labelled
from minixai.zoo.scenes import NAMES, chosen, scenes
from minixai.zoo.shapes import Inputs
from minixai.zoo.train import accuracy, start, steps
from minixai.zoo.weights import parameters, read_log

NAME = "shapes-resnet"
BLOCK = ["conv1", "bn1", "relu1", "conv2", "bn2"]
PROJECTED = [*BLOCK, "downsample.0", "downsample.1"]


@pytest.fixture(scope="module")
def net():
    return mx.load(NAME)


@pytest.fixture(scope="module")
def held_out():
    """The scenes that are held out: pictures, labels, masks."""
    return scenes(*shapes.HELD_OUT)


def test_what_the_network_says_of_itself(net):
    assert (net.name, net.input_shape, net.dtype, net.classes) == (NAME, (3, 64, 64), np.float32, NAMES)
    blocks = {"layer1.0": BLOCK, "layer2.0": PROJECTED, "layer3.0": PROJECTED}
    inside = [f"{block}.{part}" for block, parts in blocks.items() for part in (*parts, "add", "relu2")]
    assert [n.name for n in net.nodes] == ["conv1", "bn1", "relu1", *inside, "avgpool", "flatten", "fc"]
    assert net.node("layer1.0.add").inputs == ("layer1.0.bn2", "relu1")
    assert net.node("layer2.0.add").inputs == ("layer2.0.bn2", "layer2.0.downsample.1")
    assert net.feature_layer == "layer3.0.relu2"
    assert net.pictures is mx.load("shapes").pictures


def test_the_card_says_the_same(net):
    (card,) = [card for card in mx.networks() if card.name == NAME]
    assert (card.input_shape, card.classes) == (net.input_shape, net.classes)
    assert card.accuracy == read_log(NAME)["accuracy"]


def test_the_weights_are_less_than_a_megabyte(net):
    assert (files.root("data") / f"{NAME}.npz").stat().st_size < 1_000_000
    assert all(node.op.running_var.min() > 0 for node in net.nodes if isinstance(node.op, BatchNorm2d))


def test_it_is_as_accurate_as_recorded(net, held_out):
    recorded = read_log(NAME)
    assert recorded["pictures"] == {"train": 40_000, "held out": len(held_out.labels)}
    found = accuracy(net, Labelled(Inputs(held_out.pictures), held_out.labels))
    assert found == recorded["accuracy"] == recorded["epochs"][-1]["held_out"]
    assert found >= 0.97


def test_the_same_in_pytorch(net):
    torch = pytest.importorskip("torch")
    x, labels = shapes_resnet.samples()
    with torch.no_grad():
        scores = net.to_torch()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(scores, net(x), atol=1e-5 * np.abs(scores).max())
    np.testing.assert_array_equal(scores.argmax(axis=1), labels)


def test_cam_points_at_the_object(net, held_out):
    """On the scenes that it gets right: the class activation map is higher on the object than off it."""
    some = slice(0, 100)
    x, masks = Inputs(held_out.pictures)[some], held_out.masks[some]
    e = mx.explain(net, x, "cam", target=held_out.labels[some])
    assert e.relevance.shape == (100, 8, 8)
    np.testing.assert_allclose(e.total, e.expected, rtol=1e-3, atol=1e-2)
    scores = [mx.metrics.auc(m, mask) for m, mask in zip(e.map, masks, strict=True)]
    assert np.mean(scores) > 0.9


def test_cam_keeps_its_promise_to_rounding(net):
    x = shapes_resnet.samples().x.astype(np.float64)
    e = mx.explain(net.astype("float64"), x, "cam")
    np.testing.assert_allclose(e.total, e.expected, rtol=1e-11)


def test_every_batch_norm_folds_and_changes_nothing(net):
    wide, x = net.astype("float64"), shapes_resnet.samples().x.astype(np.float64)
    folded = fold_batchnorm(wide)
    assert not any(isinstance(node.op, BatchNorm2d) for node in folded.nodes)
    np.testing.assert_allclose(folded(x), wide(x), rtol=1e-10)


def test_the_log_records_the_recipe_that_is_there():
    recorded, recipe = read_log(NAME), mx.zoo.recipe(NAME)
    assert recorded["recipe"] == recipe.facts()
    assert recorded["versions"].keys() == {"python", "numpy", "torch"}
    assert len(recorded["epochs"]) == recipe.epochs
    assert recorded["epochs"][-1]["loss"] < recorded["epochs"][0]["loss"] / 10
    assert set(recorded["files"]) == {f"{NAME}.npz"}
    first = parameters(start(recipe).network)
    assert {key for key, a in parameters(mx.load(NAME)).items() if np.array_equal(a, first[key])} == set(), "all learnt"


@dataclass
class Drawn:
    """The training scenes, drawn when rows are asked for."""

    def __getitem__(self, rows):
        return Inputs(chosen(shapes.TRAINING[0], rows).pictures)[:]


def test_the_first_logged_losses_are_reproduced():
    """In float64, to the rounding of the float32 that was trained in: Adam's first step is the sign of each slope, so
    that after it the slopes that are nearly 0 have made a difference of their own."""
    pytest.importorskip("torch")
    recipe, recorded = replace(shapes_resnet.recipe(), dtype="float64"), read_log(NAME)["first losses"]
    pictures = Labelled(Drawn(), np.arange(shapes.TRAINING[1]) % len(NAMES))
    first, *later = (learnt.loss for learnt in islice(steps(recipe, start(recipe), pictures), 3))
    assert first == pytest.approx(recorded[0], rel=1e-6)
    assert later == pytest.approx(recorded[1:3], rel=1e-3)
    assert len(recorded) == 20
