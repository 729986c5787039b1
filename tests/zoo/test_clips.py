"""`clips`: drawn as frozen, one frame gives nothing away, trained as logged; every method in space and time."""

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from PIL import Image

import minixai as mx
from minixai import files
from minixai.ops import resize
from minixai.zoo import clips
from minixai.zoo.canvas import Chance, digest
from minixai.zoo.clips import CLIPS, NAME
from minixai.zoo.moving import CLASSES, FRAMES, MOTIONS, SIDE, SPEED, filmed, moving_clip, moving_clips
from minixai.zoo.recipes import Labelled
from minixai.zoo.train import accuracy, start, steps
from minixai.zoo.weights import parameters, read_log


@pytest.fixture(scope="module")
def net():
    return mx.load(NAME)


@pytest.fixture(scope="module")
def few():
    return moving_clips(9, 40)


@pytest.fixture(scope="module")
def x():
    """Of each motion a clip that it never trained on."""
    return clips.samples().x[:5]


# The clips


def test_the_generator_is_frozen():
    for told in json.loads((files.root("data") / "scenes.json").read_text())["moving_clips"]:
        drawn = moving_clips(told["seed"], told["n"])
        assert digest(drawn.frames, drawn.labels, drawn.masks) == told["sha256"]


def test_the_motions_take_turns_and_the_shape_keeps_its_size(few):
    assert few.frames.shape == few.masks.shape == (40, FRAMES, SIDE, SIDE)
    np.testing.assert_array_equal(few.labels, np.arange(40) % len(CLASSES))
    areas = few.masks.sum(axis=(2, 3))
    assert 30 <= areas.min() < areas.max() <= 100
    assert (areas.max(axis=1) - areas.min(axis=1)).max() <= 12  # what lies across the rim of a pixel


def test_a_shape_moves_as_its_class_says(few):
    """Where each frame's mask is found again in the next, by the shorter way round, over all seven steps."""
    for label, masks in zip(few.labels, few.masks, strict=True):
        steps_seen = [moved(a, b) for a, b in zip(masks[:-1], masks[1:], strict=True)]
        along = np.mean(steps_seen, axis=0) @ np.array(MOTIONS[CLASSES[label]])
        aside = np.mean(steps_seen, axis=0) - along * np.array(MOTIONS[CLASSES[label]])
        assert (SPEED[0] - 0.3 <= along <= SPEED[1] + 0.3) if label else not np.any(steps_seen)
        assert abs(aside).max() <= 0.3


def moved(before, after):
    """(right, down): by how many whole pixels the one mask must be rolled to cover most of the other."""
    ways = [(right, down) for right in range(-4, 5) for down in range(-4, 5)]
    return max(ways, key=lambda way: (np.roll(before, way[::-1], axis=(0, 1)) & after).sum() - abs(np.array(way)).sum())


class Even(Chance):
    """Chance, but for the speed: two pixels a frame, so that a mask is exactly another one, moved."""

    def __call__(self, low=0.0, high=1.0, *shape):
        drawn = super().__call__(low, high, *shape)
        return 2.0 if (low, high) == SPEED else drawn


def test_one_frame_says_nothing_about_the_class():
    """With the same chance every class shows the same first frame, in each later frame the same shape somewhere else
    on the torus, and around it the same pixels. Where it starts is uniform on the torus, so where it is later is, too:
    every frame by itself is distributed alike for every class."""
    for seed in range(6):
        still, *others = (filmed(Even(seed), label) for label in range(len(CLASSES)))
        for clip in others:
            right, down = MOTIONS[CLASSES[clip.label]]
            np.testing.assert_array_equal(clip.frames[0], still.frames[0])
            for t in range(FRAMES):
                there = np.roll(still.masks[0], (2 * t * down, 2 * t * right), axis=(0, 1))
                np.testing.assert_array_equal(clip.masks[t], there)
                apart = clip.frames[t] != still.frames[t]
                assert not (apart & ~(grown(clip.masks[t]) | grown(still.masks[t]))).any()


def grown(mask):
    """With the pixels around it, which the shape may cover in part."""
    return np.any([np.roll(mask, (i, j), axis=(0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)


def test_the_start_is_uniform_on_the_torus():
    """The mean of exp(2 pi i place / 32) over 400 clips is 0, to the noise of 3 / sqrt(400), both ways."""
    masks = moving_clips(4, 400).masks[:, 0]
    turn = np.exp(2j * np.pi * (np.arange(SIDE) + 0.5) / SIDE)
    for axis in (1, 2):
        places = (masks.sum(axis=axis) * turn).sum(axis=1)
        assert abs(np.mean(places / abs(places))) < 3 / 20


def test_a_clip_depends_on_its_seed_and_number_only(few):
    again = moving_clip(9, 17)
    np.testing.assert_array_equal(again.frames, few.frames[17])
    assert again.label == 2
    assert not np.array_equal(moving_clip(8, 17).frames, again.frames)
    assert moving_clips(9, 0).masks.shape == (0, FRAMES, SIDE, SIDE)


@pytest.mark.parametrize("n", [-1, 2.5, True, None])
def test_no_whole_number_of_clips(n):
    with pytest.raises(ValueError, match="expected a whole number"):
        moving_clips(9, n)


# Clips as inputs


def test_there_and_back(net, few):
    x = net.preprocess(few.frames[3])
    assert (x.shape, x.dtype) == (net.input_shape, np.float32)
    assert net.box[0] <= x.min() < x.max() <= net.box[1]
    np.testing.assert_array_equal(net.unpreprocess(x), np.repeat(few.frames[3][..., None], 3, axis=-1))
    np.testing.assert_array_equal(net.unpreprocess(mx.exact(x[:, :, :4, :4])), net.unpreprocess(x)[:, :4, :4])
    np.testing.assert_array_equal(net.preprocess(np.repeat(few.frames[3][..., None], 3, axis=-1)), x)
    np.testing.assert_array_equal(net.preprocess([Image.fromarray(frame) for frame in few.frames[3]]), x)
    np.testing.assert_array_equal(net.preprocess(0 * few.frames[3]), np.broadcast_to(net.black, net.input_shape))


def gif(path, frames):
    first, *others = (Image.fromarray(frame) for frame in frames)
    first.save(path, save_all=True, append_images=others, duration=100, loop=0)
    return path


def test_a_gif_is_a_clip(net, few, tmp_path):
    path = gif(tmp_path / "clip.gif", few.frames[3])
    np.testing.assert_array_equal(net.preprocess(path), net.preprocess(few.frames[3]))
    np.testing.assert_array_equal(net.preprocess(str(path)), net.preprocess(few.frames[3]))


@pytest.mark.parametrize(
    ("clip", "why"),
    [
        (np.zeros((7, 32, 32), np.uint8), "the clip has 7 frames; expected 8: cut it first"),
        ([], "the clip has 0 frames; expected 8"),
        (np.zeros((8, 32, 32)), "dtype float64; expected uint8"),
        (np.zeros((8, 2, 32, 32), np.uint8), r"the picture has shape \(2, 32, 32\)"),
        (3, "got a int as clip; expected 8 frames: the path of an animated picture"),
        (Image.new("L", (32, 32)), "got a Image as clip; expected 8 frames"),
        (None, "got a NoneType as clip"),
    ],
)
def test_what_is_no_clip_is_refused_with_a_sentence(net, clip, why):
    with pytest.raises(ValueError, match=why) as refused:
        net.preprocess(clip)
    assert "\n" not in str(refused.value)


def test_files_that_are_no_clip(net, few, tmp_path):
    still, long = tmp_path / "still.png", gif(tmp_path / "long.gif", moving_clips(9, 3).frames.reshape(-1, SIDE, SIDE))
    Image.fromarray(few.frames[0, 0]).save(still)
    (tmp_path / "text.gif").write_text("no picture")
    with pytest.raises(ValueError, match="the clip has 1 frames; expected 8"):
        net.preprocess(still)
    with pytest.raises(ValueError, match="the clip has more than 8 frames; expected 8"):
        net.preprocess(long)
    with pytest.raises(ValueError, match="cannot be read"):
        net.preprocess(tmp_path / "text.gif")
    with pytest.raises(ValueError, match="is not a file"):
        net.preprocess(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        net.preprocess(tmp_path / "none.gif")


def test_frames_that_would_fill_the_memory_are_refused_unread(net, few, tmp_path, monkeypatch):
    path = gif(tmp_path / "clip.gif", few.frames[3])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9 * SIDE * SIDE - 1)
    with pytest.raises(ValueError, match="9 frames of 32 x 32 pixels are too many; shrink them"):
        net.preprocess(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9 * SIDE * SIDE)
    assert net.preprocess(path).shape == net.input_shape


@pytest.mark.parametrize("shape", [(8, 32, 32), (2, 8, 32, 32), (1, 1, 8, 32, 32)])
def test_what_is_no_input_is_not_turned_back(shape):
    with pytest.raises(ValueError, match="expected"):
        CLIPS.unpreprocess(np.zeros(shape, np.float32))


# The network


def test_what_the_network_says_of_itself(net):
    assert (net.name, net.input_shape, net.dtype, net.classes) == (NAME, (1, 8, 32, 32), np.float32, CLASSES)
    assert net.feature_layer == "relu3"
    (card,) = [card for card in mx.networks() if card.name == NAME]
    assert (card.input_shape, card.classes, card.accuracy) == (net.input_shape, CLASSES, read_log(NAME)["accuracy"])


def test_its_files_are_small():
    assert sum((files.root("data") / f"{NAME}.{ending}").stat().st_size for ending in ("npz", "json")) < 300_000


def test_it_is_as_accurate_as_recorded(net):
    """All held-out clips by PyTorch, and the first of them by the engine, which must be right about the same ones."""
    torch = pytest.importorskip("torch")
    recorded, held_out = read_log(NAME), clips.labelled(*clips.HELD_OUT)
    assert recorded["pictures"] == {"train": clips.TRAINING[1], "held out": clips.HELD_OUT[1]}
    with torch.no_grad():
        scores = net.to_torch()(torch.from_numpy(held_out.x[:])).numpy()
    assert (scores.argmax(axis=1) == held_out.labels).mean() == recorded["accuracy"] >= 0.95
    first = Labelled(held_out.x[:100], held_out.labels[:100])
    np.testing.assert_allclose(net(first.x), scores[:100], atol=1e-5 * np.abs(scores).max())
    assert accuracy(net, first) == (scores[:100].argmax(axis=1) == first.labels).mean()


def test_time_is_all_that_it_goes_by(net, x):
    """One frame for all the clip's: it stands still, whatever the clip shows. Backwards: it moves the other way."""
    frozen = np.repeat(x[:, :, 3:4], FRAMES, axis=2)
    assert [CLASSES[c] for c in net(x).argmax(axis=1)] == list(CLASSES)
    assert [CLASSES[c] for c in net(frozen).argmax(axis=1)] == ["still"] * 5
    backwards = net(x[:, :, ::-1]).argmax(axis=1)
    assert [CLASSES[c] for c in backwards] == ["still", "left", "right", "up", "down"]


# Methods in space and time

FEW = {"integrated-gradients": {"n": 2}, "smoothgrad": {"n": 2}}
OWN_SIZE = {"cam": (4, 8, 8), "grad-cam": (4, 8, 8), "fem": (4, 8, 8), "smoothgrad": (8, 32, 32)}


def test_every_white_box_method_fits(net, x):
    wide, clip = net.astype("float64"), x[1].astype(np.float64)
    found = mx.explain_all(wide, clip, {m.name: FEW.get(m.name, {}) for m in mx.methods("white-box")})
    for name, e in found.items():
        assert e.relevance.shape == OWN_SIZE.get(name, (1, 8, 32, 32)), name
        assert e.map.shape == e.heatmap.shape == (8, 32, 32), name
        assert 0 <= e.heatmap.min() < e.heatmap.max() == 1, name
        assert e.picture.shape == (8, 32, 32, 3), name
    for name in ("lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta", "lrp-composite", "deep-taylor"):
        e = found[name]
        assert e.total + sum(e.absorbed.values()) == pytest.approx(e.expected, rel=1e-9), name
    for name in ("cam", "deeplift-rescale", "deeplift-revealcancel"):
        assert found[name].total == pytest.approx(found[name].expected, rel=1e-9), name


@pytest.mark.parametrize("method", [m.name for m in mx.methods("white-box")])
def test_the_mirror_agrees(net, x, method):
    pytest.importorskip("torch")
    wide = net.astype("float64")
    assert mx.compare(wide, wide.to_torch(), x[1].astype(np.float64), method, **FEW.get(method, {})).passed


def test_the_black_box_methods_hide_blocks_of_space_and_time(net, x):
    """Windows of 2 frames and 16 x 16 pixels, side by side: one drop of the score for each, all over its pixels."""
    e = mx.explain(net, x[1], "occlusion", window=(2, 16, 16), stride=(2, 16, 16), progress=False)
    assert e.relevance.shape == e.map.shape == (8, 32, 32)
    blocks = e.map.reshape(4, 2, 2, 16, 2, 16)
    np.testing.assert_array_equal(blocks, np.broadcast_to(blocks[:, :1, :, :1, :, :1], blocks.shape))
    hidden = x[1].copy()
    hidden[:, 2:4, 16:, :16] = 0  # middle grey
    probabilities = [np.exp(s[1] - s.max()) / np.exp(s - s.max()).sum() for s in (net(x[1]), net(hidden))]
    assert e.map[2, 16, 0] == pytest.approx(probabilities[0] - probabilities[1], abs=1e-6)


def test_a_module_for_clips_takes_one_clip_or_several(net, x):
    pytest.importorskip("torch")
    window = {"window": (4, 16, 16), "stride": (4, 16, 16), "progress": False}
    one, several = (mx.explain(net.to_torch(), given, "occlusion", **window) for given in (x[1], x[:2]))
    assert one.map.shape == (8, 32, 32)
    np.testing.assert_allclose(one.map, several.map[1], atol=1e-6)
    np.testing.assert_allclose(one.map, mx.explain(net, x[1], "occlusion", **window).map, atol=1e-6)


def test_a_method_for_two_classes_says_so(net, x):
    with pytest.raises(ValueError, match="5 classes"):
        mx.explain(net, x[1], "two-generators")


def test_a_picture_instead_of_a_clip_is_refused(net):
    with pytest.raises(
        ValueError, match=r"x has shape \(1, 32, 32\); expected one picture \(1, 8, 32, 32\) or a batch"
    ):
        mx.explain(net, np.zeros((1, 32, 32), np.float32), "fem")


# FEM over space and time, Eq. (26)


def test_fem_by_hand():
    """Two frames of 2 x 2: mean 1, spread sqrt((1 + 25 + 6) / 8) = 2, so that 2 < 3 <= 6 and only the 6 is rare. Per
    frame, means 1/2 and 3/2 and spreads 0.87 and 2.6 would have let both through."""
    frames = mx.exact(np.array([[[0, 0], [0, 2]], [[0, 0], [0, 6]]]))
    one = mx.Conv3d(mx.exact(np.ones((1, 1, 1, 1, 1), int)))
    head = mx.Linear(mx.exact(np.ones((1, 8), int)))
    network = mx.Network.sequential([one, mx.ReLU(), mx.Flatten(), head], input_shape=(1, 2, 2, 2))
    e = mx.explain(network, frames[None], "fem")
    assert e.relevance.tolist() == e.map.tolist() == [[[0, 0], [0, 0]], [[0, 0], [0, 1]]]
    assert e.heatmap.tolist() == [[[0, 0], [0, 0]], [[0, 0], [0, 1]]]


def test_fem_is_upsampled_in_time_and_scaled_over_the_whole_clip(net, x):
    e = mx.explain(net, x, "fem")
    assert e.relevance.shape == (5, 4, 8, 8)
    np.testing.assert_array_equal(e.map, resize(e.relevance, (8, 32, 32)))
    assert e.heatmap.min() >= 0
    tops = e.heatmap.max(axis=(2, 3))
    np.testing.assert_array_equal(tops.max(axis=1), 1)
    assert (tops < 0.95).any(), "frame by frame, every frame would reach 1"
    np.testing.assert_array_equal(e[1].heatmap, e.heatmap[1])


def test_fem_does_not_ask_for_the_class(net, x):
    for target in ("left", "still"):
        np.testing.assert_array_equal(mx.explain(net, x[1], "fem", target=target).map, mx.explain(net, x[1], "fem").map)


# How it was trained


def test_the_log_records_the_recipe_that_is_there(net):
    recorded, recipe = read_log(NAME), mx.zoo.recipe(NAME)
    assert recorded["recipe"] == recipe.facts()
    assert recorded["versions"].keys() == {"python", "numpy", "torch"}
    assert len(recorded["epochs"]) == recipe.epochs
    assert recorded["epochs"][-1]["loss"] < recorded["epochs"][0]["loss"] / 10
    assert set(recorded["files"]) == {f"{NAME}.npz"}
    first = parameters(start(recipe).network)
    assert {key for key, a in parameters(net).items() if np.array_equal(a, first[key])} == set(), "all learnt"


def test_training_held_out_and_sample_clips_have_seeds_of_their_own():
    assert len({clips.TRAINING[0], clips.HELD_OUT[0], clips.SAMPLES[0]}) == 3


class Drawn:
    """The training clips, drawn when rows are asked for."""

    def __getitem__(self, rows):
        return clips.Inputs(np.array([moving_clip(clips.TRAINING[0], row).frames for row in rows]))[:]


def test_the_first_logged_losses_are_reproduced():
    """In float64, to the rounding of the float32 that was trained in."""
    pytest.importorskip("torch")
    recipe, recorded = replace(clips.recipe(), dtype="float64"), read_log(NAME)["first losses"]
    examples = Labelled(Drawn(), np.arange(clips.TRAINING[1]) % len(CLASSES))
    first, *later = (learnt.loss for learnt in islice(steps(recipe, start(recipe), examples), 3))
    assert first == pytest.approx(recorded[0], rel=1e-5)
    assert later == pytest.approx(recorded[1:3], rel=1e-2)
    assert len(recorded) == 20
