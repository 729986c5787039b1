"""What chapter 00 says in words, tested: its pictures and tables depend on weights that may be learnt anew."""

import json

import numpy as np
import pytest

import minixai as mx
from minixai import book, files
from minixai.book.puzzles import FORGETFUL, TWELVE_MAPS
from minixai.metrics import auc, pointing
from minixai.zoo.scenes import scene, scenes

QUICK = ("gradient", "guided-backprop", "grad-cam", "lrp-0", "lrp-gamma", "lrp-composite", "deeplift-rescale", "fem")
HEART = scene(4, 77)


@pytest.fixture(scope="module")
def net():
    return mx.load("shapes").astype("float64")


@pytest.fixture(scope="module")
def x(net):
    return net.preprocess(HEART.picture)


@pytest.fixture(scope="module")
def twenty(net):
    """Twenty scenes that the network never saw, and {method: (trained, shuffled)} explanations of its own classes."""
    drawn, stranger = scenes(7, 20), book.scrambled(net)
    inputs = np.stack([net.preprocess(picture) for picture in drawn.pictures])
    said = list(net(inputs).argmax(axis=1))
    found = [mx.explain_all(n, inputs, QUICK, target=said) for n in (net, stranger)]
    return drawn.masks, {name: tuple(f[name] for f in found) for name in QUICK}


def mark(judge, maps, masks):
    return np.mean([judge(m, mask) for m, mask in zip(maps, masks, strict=True)])


def test_a_heart_is_drawn_and_the_network_says_heart(net, x):
    assert scenes(4, 0).names[HEART.label] == net.classes[net(x).argmax()] == "heart"


def test_the_red_lies_on_the_heart_and_the_arc_is_almost_silent(net, x):
    red = mx.explain(net, x, "lrp-composite").map.clip(0)
    rows, columns = (np.flatnonzero(HEART.mask.any(axis=k)) for k in (1, 0))
    frame = np.s_[rows[0] - 3 : rows[-1] + 4, columns[0] - 3 : columns[-1] + 4]
    assert red[frame].sum() > 0.9 * red.sum()


def test_the_worthless_map_of_the_riddle_lies_on_the_heart(net, x):
    e = mx.explain(book.scrambled(net), x, TWELVE_MAPS[FORGETFUL], target="heart")
    assert auc(e.heatmap, HEART.mask) > 0.9


def test_fem_never_asks_for_a_class_and_the_others_do(net, x):
    found = mx.explain_all(net, np.stack([x] * 3), QUICK, target=["heart", "circle", "arrow"])
    for name, e in found.items():
        changed = [(e.map[i] != e.map[j]).any() for i, j in ((0, 1), (0, 2), (1, 2))]
        assert not any(changed) if name == "fem" else all(changed), name


def test_lrp_0_and_epsilon_are_twins(net, x):
    one, other = (mx.explain(net, x, name).map.ravel() for name in ("lrp-0", "lrp-epsilon"))
    assert np.corrcoef(one, other)[0, 1] > 0.999


def test_a_blind_finger_hits_about_once_in_nine():
    assert 1 / 10 < scenes(7, 300).masks.mean() < 1 / 8


def test_what_is_said_of_the_table_is_what_the_table_says():
    found = json.loads((files.root("data") / "results" / "localisation.json").read_text())
    aucs = {row["method"]: row["auc"][0] for row in found["rows"]}
    hits = {row["method"]: row["hits"][0] for row in found["rows"]}
    assert aucs["lrp-0"] < 0.65 and hits["lrp-0"] > np.median(list(hits.values()))
    low = {name for name, value in aucs.items() if value < 0.65}
    assert low == {"lrp-0", "lrp-epsilon", "integrated-gradients", "deeplift-rescale", "deeplift-revealcancel"}


def test_on_the_shape_lrp_0_is_large_and_of_both_signs(twenty):
    masks, found = twenty
    maps = found["lrp-0"][0].map
    assert mark(auc, abs(maps), masks) > 0.8
    assert 0.2 < -maps[masks].clip(None, 0).sum() / abs(maps[masks]).sum() < 0.5


def test_fem_finds_shapes_that_nobody_knows_and_most_others_do_not(twenty):
    masks, found = twenty
    lost = {name: mark(auc, after.map, masks) for name, (_, after) in found.items()}
    assert lost["fem"] > 0.75 and max(lost, key=lost.get) == "fem"
    assert all(lost[name] < 0.55 for name in ("lrp-0", "lrp-gamma", "lrp-composite", "deeplift-rescale"))


def test_lrp_0_still_points_at_the_shape_with_another_map(twenty):
    masks, found = twenty
    before, after = found["lrp-0"]
    alike = [np.corrcoef(p.ravel(), q.ravel())[0, 1] for p, q in zip(before.heatmap, after.heatmap, strict=True)]
    assert mark(pointing, after.map, masks) > 0.5 and np.mean(alike) < 0.3


def test_the_map_of_a_difference_is_the_difference_of_the_maps(net, x):
    """LRP hands the scores back by fixed shares: from the scores of two classes, the second with a minus."""
    tape = mx.forward(net, x)
    heart, circle = (net.classes.index(name) for name in ("heart", "circle"))
    seed = tape.output.y * (np.eye(10)[[heart]] - np.eye(10)[[circle]])
    *_, last = mx.walk(tape, seed, mx.rules("lrp-composite", net))
    one, other = (mx.explain(net, x, "lrp-composite", target=c).relevance for c in (heart, circle))
    np.testing.assert_allclose(last.arriving[0], one - other, rtol=0, atol=1e-9)


def test_the_first_drawing_it_gets_wrong_is_right_when_the_small_things_are_covered(net):
    drawn = scenes(4, 19)
    wrong = [n for n, p in enumerate(drawn.pictures) if net(net.preprocess(p)).argmax() != drawn.labels[n]]
    arrow, leaf = (net.classes.index(name) for name in ("arrow", "leaf"))
    odd, beside = drawn.pictures[18], np.s_[9:33, 36:]
    assert wrong == [18] and net(net.preprocess(odd)).argmax() == arrow and drawn.labels[18] == leaf
    assert not drawn.masks[18][beside].any()
    spoke = mx.explain(net, net.preprocess(odd), "lrp-composite", target="leaf").map
    assert spoke[beside].sum() < 0 < spoke[drawn.masks[18]].sum()
    for down in (20, 24, 28):  # from wherever the ground is taken
        covered = odd.copy()
        covered[beside] = odd[9 + down : 33 + down, 36:]
        assert net(net.preprocess(covered)).argmax() == leaf
    elsewhere = odd.copy()
    elsewhere[40:64, :28] = odd[33:57, 36:]  # as large a patch where nothing lies about
    assert net(net.preprocess(elsewhere)).argmax() == arrow
