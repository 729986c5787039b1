"""`lesion` and its generators: drawn as frozen, trained as logged, the same by this engine and by PyTorch."""

import json
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
import pytest

import minixai as mx
from minixai import files
from minixai.zoo import lesion, lesion_generators, train
from minixai.zoo.canvas import SIZE, digest
from minixai.zoo.lesions import CLASSES, lesion_picture, lesion_pictures
from minixai.zoo.recipes import Examples, Labelled
from minixai.zoo.train import accuracy, start, steps
from minixai.zoo.weights import blank, he, parameters, read_log, trained

NAMES = ("lesion", *lesion_generators.BOTH)


@pytest.fixture(scope="module")
def net():
    return mx.load("lesion")


@pytest.fixture(scope="module")
def few():
    return lesion_pictures(9, 60)


# The pictures


def test_the_generator_is_frozen():
    for told in json.loads((files.root("data") / "scenes.json").read_text())["lesion_pictures"]:
        drawn = lesion_pictures(told["seed"], told["n"])
        assert digest(drawn.pictures, drawn.labels, drawn.masks) == told["sha256"]


def test_healthy_and_lesion_take_turns_and_only_lesions_have_a_mask(few):
    assert few.pictures.shape == few.masks.shape == (60, SIZE, SIZE)
    np.testing.assert_array_equal(few.labels, np.arange(60) % 2)
    areas = few.masks.sum(axis=(1, 2))
    assert not areas[::2].any()
    assert areas[1::2].min() >= 40
    assert areas[1::2].max() <= 200


def test_a_lesion_is_brighter_than_what_lies_around_it(few):
    """Around it: a ring of two pixels, a little off its soft edge."""
    for picture, mask in zip(few.pictures[1::2].astype(float), few.masks[1::2], strict=True):
        near, far = (_grown(mask, n) for n in (4, 6))
        assert picture[mask].mean() > picture[far & ~near].mean() + 0.15 * 255


def _grown(mask, pixels):
    y, x = np.nonzero(mask)
    rows, columns = np.indices(mask.shape)
    return ((rows[..., None] - y) ** 2 + (columns[..., None] - x) ** 2).min(axis=-1) <= pixels**2


def test_a_picture_depends_on_its_seed_and_number_only(few):
    again = lesion_picture(9, 17)
    np.testing.assert_array_equal(again.picture, few.pictures[17])
    assert again.label == 1
    assert not np.array_equal(lesion_picture(8, 17).picture, again.picture)
    assert lesion_pictures(9, 0).masks.shape == (0, SIZE, SIZE)


@pytest.mark.parametrize("n", [-1, 2.5, True, None])
def test_no_whole_number_of_pictures(n):
    with pytest.raises(ValueError, match="expected a whole number"):
        lesion_pictures(9, n)


# The network


def test_what_the_network_says_of_itself(net):
    assert (net.name, net.input_shape, net.dtype, net.classes) == ("lesion", (1, 64, 64), np.float32, CLASSES)
    (card,) = [card for card in mx.networks() if card.name == "lesion"]
    assert (card.input_shape, card.classes, card.accuracy) == (net.input_shape, CLASSES, read_log("lesion")["accuracy"])
    np.testing.assert_array_equal(
        net.unpreprocess(net.preprocess(lesion_picture(9, 1).picture))[..., 0], lesion_picture(9, 1).picture
    )


def test_it_is_as_accurate_as_recorded(net):
    recorded = read_log("lesion")
    assert recorded["pictures"] == {"train": lesion.TRAINING[1], "held out": lesion.HELD_OUT[1]}
    assert accuracy(net, lesion.labelled(*lesion.HELD_OUT)) == recorded["accuracy"] >= 0.97


def test_the_same_in_pytorch(net):
    torch = pytest.importorskip("torch")
    x, labels = lesion.samples()
    with torch.no_grad():
        scores = net.to_torch()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(scores, net(x), atol=1e-5 * np.abs(scores).max())
    assert (scores.argmax(axis=1) == labels).mean() >= 0.95


# The generators


def test_they_share_all_but_the_last_layer(net):
    of_s, of_a = (parameters(g) for g in net.generators)
    shared = of_s.keys() & of_a.keys()
    own = [{name.partition(".")[0] for name in of.keys() - shared} for of in (of_s, of_a)]
    assert own == [{output, f"{output}_turned", f"{output}_picture"} for output in lesion_generators.OUTPUTS]
    assert all(np.array_equal(of_s[name], of_a[name]) for name in shared)
    assert of_s["similar.weight"].size + of_s["similar.bias"].size == 13
    assert sum(of_s[name].size for name in shared) == 31_165 - 13


def test_what_clips_the_pictures_is_as_it_was_made(net):
    for output, painter in zip(lesion_generators.OUTPUTS, net.generators, strict=True):
        held = parameters(painter)
        for node in (f"{output}_turned", f"{output}_picture"):
            assert (held[f"{node}.weight"].ravel(), held[f"{node}.bias"]) == ([-1], [1])


def test_each_paints_what_both_paint_together(net):
    x = lesion.samples().x[:4]
    together = trained(lesion_generators.pair(blank, lesion.classifier()))(x)
    for i, painter in enumerate(net.generators):
        assert painter(x).shape == x.shape
        np.testing.assert_array_equal(painter(x), together[:, i : i + 1])


def test_the_engines_pictures_are_pytorchs(net):
    torch = pytest.importorskip("torch")
    x = lesion.samples().x
    both = trained(lesion_generators.pair(blank, lesion.classifier()))
    alone = lesion.alone()
    for ours, network in ((net.generators, both), ((lambda x: x, alone), alone)):
        values = {name: torch.tensor(a) for name, a in parameters(network).items()}
        theirs = lesion_generators.in_torch(values, torch.from_numpy(x))
        for painter, pictures in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(painter(x), pictures.numpy(), rtol=0, atol=1e-5)


def test_their_pictures_are_pictures(net):
    """From black to white, whatever the numbers they are given: x is scaled far out of its range."""
    for painter in (*net.generators, lesion.alone()):
        for scale in (1, -30, 30):
            painted = painter(scale * lesion.samples().x)
            assert 0 <= painted.min() < painted.max() <= 1


def test_all_files_together_are_small():
    sizes = [(files.root("data") / f"{name}.{ending}").stat().st_size for name in NAMES for ending in ("npz", "json")]
    assert sum(sizes) < 2_000_000


# How they were trained


@pytest.fixture(scope="module")
def recipes(net):
    return {name: mx.zoo.recipe(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_logs_record_the_recipes_that_are_there(recipes, name):
    recorded, recipe = read_log(name), recipes[name]
    assert recorded["recipe"] == recipe.facts()
    assert recorded["versions"].keys() == {"python", "numpy", "torch"}
    assert len(recorded["epochs"]) == recipe.epochs
    assert recorded["epochs"][-1]["loss"] < recorded["epochs"][0]["loss"] / 2
    assert set(recorded["files"]) == {f"{name}.npz"}


def test_training_and_held_out_pictures_have_seeds_of_their_own():
    assert len({lesion.TRAINING[0], lesion.HELD_OUT[0], lesion.SAMPLES[0]}) == 3
    assert lesion_generators.HELD_OUT == lesion.HELD_OUT
    assert lesion_generators.TRAINING[0] == lesion.TRAINING[0]


@pytest.mark.parametrize("name", lesion_generators.BOTH)
def test_the_first_logged_losses_of_the_generators_are_reproduced(recipes, net, name):
    """In float64, to the rounding of the float32 that was trained in."""
    pytest.importorskip("torch")
    wide = net.astype("float64")
    recipe = lesion_generators.recipe(wide, name)
    recipe, recorded = replace(recipe, dtype="float64"), read_log(name)["first losses"]
    pictures = Labelled(Drawn(net), Drawn(net, labels=True))
    first, *later = (learnt.loss for learnt in islice(steps(recipe, start(recipe), pictures), 3))
    assert first == pytest.approx(recorded[0], rel=1e-5)
    assert later == pytest.approx(recorded[1:3], rel=1e-2)


class Drawn:
    """The training pictures of the generators, or what the network says of them, drawn when rows are asked for."""

    def __init__(self, net, labels=False):
        self.net, self.labels = net, labels

    def __len__(self):
        return lesion_generators.TRAINING[1]

    def __getitem__(self, rows):
        x = lesion.inputs([lesion_picture(lesion_generators.TRAINING[0], row).picture for row in rows])
        return self.net(x).argmax(axis=1) if self.labels else x


def test_scores_are_above_0_at_the_class_where_it_is_kept_and_changed():
    says_s = np.array([[3.0, 1.0], [3.0, 1.0], [1.0, 5.0], [2.0, 1.0]])
    says_a = np.array([[0.0, 5.0], [4.0, 1.0], [2.0, 1.0], [1.0, 2.0]])
    found = lesion_generators.both_ways(says_s, says_a, np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(found, [[2, 0], [-3, 0], [0, 1], [0, -1]])
    np.testing.assert_array_equal(found.argmax(axis=1) == [0, 0, 1, 1], [True, False, True, False])


def test_the_slopes_are_those_of_finite_differences(net):
    """Without what holds the two together, whose weight counts as a constant."""
    torch = pytest.importorskip("torch")
    wide = net.astype("float64")
    network, judged = lesion_generators.pair(he(3), wide).astype("float64"), lesion_generators.Judged(wide, 0.0)
    x = lesion.samples().x[:4].astype(np.float64)
    labels, values, h = net(x).argmax(axis=1), parameters(network), 1e-6
    gradients = judged(network, x, labels).gradients
    assert gradients.keys() == values.keys()
    rng = np.random.default_rng(4)

    def loss(name, way):
        tensors = {n: torch.tensor(a) for n, a in values.items()}
        tensors[name] = torch.tensor(values[name] + way)
        return judged.loss(tensors, torch.from_numpy(x), torch.from_numpy(labels))[0].item()

    for name in ("conv1.weight", "conv6.weight", "similar.weight", "adversarial.bias"):
        way = h * rng.choice([-1.0, 1.0], values[name].shape)
        difference = (loss(name, way) - loss(name, -way)) / 2
        assert difference == pytest.approx((gradients[name] * way).sum(), rel=1e-3, abs=1e-12), name


@pytest.fixture
def tiny(net):
    """A recipe of four steps, and its pictures."""
    x = lesion.samples().x[:8]
    pictures = Labelled(x, net(x).argmax(axis=1))
    recipe = replace(lesion_generators.recipe(lesion.classifier()), epochs=2, batch=4)
    return replace(recipe, examples=lambda: Examples(pictures, pictures))


def test_an_interrupted_training_goes_on_to_the_same_end(tiny, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    whole = train.train(tiny, tiny.examples(), progress=False)
    path, real = tmp_path / "checkpoint", train.write

    def interrupted(*args):
        real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train.train(tiny, tiny.examples(), path, progress=False)
    assert train.read_checkpoint(tiny, path).steps == 2
    resumed = train.train(tiny, tiny.examples(), path, progress=False)
    assert resumed.epochs == whole.epochs
    for name, values in parameters(whole.network).items():
        np.testing.assert_array_equal(parameters(resumed.network)[name], values)


def test_the_network_and_what_follows_are_trained_in_turn(tiny, net, tmp_path):
    """Each has its files and its checkpoint, and what follows is trained against the network that was just trained."""
    pytest.importorskip("torch")
    seen = []

    def following(classifier):
        seen.append(classifier)
        return replace(tiny, slopes=lesion_generators.Judged(classifier), epochs=1)

    pictures = lesion.samples()
    first = replace(
        lesion.recipe(), epochs=1, batch=10, examples=lambda: Examples(pictures, pictures), then=(following,)
    )
    names = [log["name"] for log in train.trained(first, tmp_path, tmp_path / "checkpoint")]
    assert names == ["lesion", "lesion-generators"]
    assert {p.name for p in tmp_path.iterdir()} == {
        "lesion.npz", "lesion.json", "lesion-generators.npz", "lesion-generators.json",
        "checkpoint", "lesion-generators-checkpoint",
    }  # fmt: skip
    (classifier,) = seen
    assert classifier.dtype == np.float32
    moved = parameters(start(replace(first, dtype="float32")).network)
    assert not np.array_equal(parameters(classifier)["conv1.weight"], moved["conv1.weight"])


def test_the_recipe_trains_all_of_them(net):
    following = [then(net) for then in mx.zoo.recipe("lesion").then]
    assert [recipe.name for recipe in following] == list(lesion_generators.BOTH)
    assert all(isinstance(recipe.examples, partial) for recipe in following)
