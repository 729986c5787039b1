"""What chapter 13 says in words, tested: no class, two shapes, how rare rare is, and clips."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import minixai as mx
from minixai import book, draw, files
from minixai.book import judge
from minixai.book.exercises import of
from minixai.book.exercises.ch13 import fem, fem3d
from minixai.book.figures.ch13 import asked_twice, figure9, pairs
from minixai.book.values import alike
from minixai.experiments.results import stored
from minixai.zoo.moving import moving_clips
from minixai.zoo.scenes import scenes


@pytest.fixture(scope="module")
def net():
    return mx.load("shapes")


@pytest.fixture(scope="module")
def hundred(net):
    drawn = scenes(7, 100)
    return np.stack([net.preprocess(p) for p in drawn.pictures]), drawn


@pytest.fixture(scope="module")
def film():
    return mx.load("clips")


@pytest.fixture(scope="module")
def seen(film):
    clips = moving_clips(7, 100)
    return np.stack([film.preprocess(frames) for frames in clips.frames]), clips.labels


def test_fem_comes_first_in_the_table_of_chapter_00():
    found = json.loads((files.root("data") / "results" / "localisation.json").read_text())
    aucs = {row["method"]: row["auc"][0] for row in found["rows"]}
    assert max(aucs, key=aucs.get) == "fem"


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_the_solutions_are_the_engines_on_real_maps(net, film, hundred, seen):
    tape = mx.forward(net.astype("float64"), hundred[0][:3])
    for A, e in zip(
        tape["maxpool2"].y, mx.explain(net.astype("float64"), hundred[0][:3], "fem").relevance, strict=True
    ):
        np.testing.assert_allclose(fem(A, 1), e, rtol=0, atol=1e-9)
    tape = mx.forward(film.astype("float64"), seen[0][:2])
    e = mx.explain(film.astype("float64"), seen[0][:2], "fem").relevance
    np.testing.assert_allclose([fem3d(A) for A in tape["relu3"].y], e, rtol=0, atol=1e-9)


def test_what_a_reader_would_write_with_the_root_passes():
    def with_root(A, K):
        mu, sigma = (getattr(A, name)(axis=(1, 2), keepdims=True) for name in ("mean", "std"))
        return (mu * (mu + K * sigma <= A)).sum(axis=0)

    assert judge.check(of("13")["fem"], with_root, graded=True).passed


def test_the_exit_ticket_by_hand():
    maps = mx.exact([[[0, 0], [0, 8]], [[1, 3], [1, 3]]])
    assert fem(maps, 1).tolist() == [[0, 2], [0, 4]]


def test_two_frames_one_at_a_time_and_as_one_block():
    frames = mx.exact([[[[0, 0], [0, 2]], [[0, 0], [0, 6]]]])
    assert fem3d(frames)[:, 1, 1].tolist() == [0, 1]
    alone = [fem(frames[:, d], 1) for d in (0, 1)]
    assert all(m[1, 1] > 0 for m in alone)


@pytest.mark.parametrize("seed", range(4))
def test_more_than_half_is_never_a_spread_above_the_mean(seed):
    rng = np.random.default_rng(seed)
    for _ in range(50):
        m = mx.exact(rng.choice([0, 0, 1, 2, 3, 9], rng.integers(2, 12)))
        mu = m.mean()
        rare = (m >= mu) & ((m - mu) ** 2 >= ((m - mu) ** 2).mean())
        assert (m == m[0]).all() or 2 * rare.sum() <= m.size


def test_one_of_n_numbers_is_at_most_the_root_of_n_less_1_spreads_up():
    for n in (2, 4, 5, 9):
        m = mx.exact([0] * (n - 1) + [1])
        assert (m[-1] - m.mean()) ** 2 == (n - 1) * ((m - m.mean()) ** 2).mean()


def test_the_pocket_cnns_fem_hears_of_no_class():
    found = [mx.explain(book.pocket(), book.POCKET_PICTURE, "fem", target=c).relevance for c in (0, 1)]
    assert alike(found[0], found[1]) and found[0].tolist() == [[0, 1], [1, 3]]


# -- on pictures -------------------------------------------------------------------------------------------------------


def test_on_two_shapes_fem_gives_one_map_and_grad_cam_mostly_moves(net):
    two = pairs(7, 100)
    x = np.stack([net.preprocess(p) for p in two.pictures])
    moves = {}
    for name in ("fem", "grad-cam"):
        left, right = (mx.explain(net, x, name, target=c.tolist()).map for c in (two.left, two.right))
        a, b = (m[..., :32].sum(axis=(1, 2)) / m.sum(axis=(1, 2)) for m in (left, right))
        moves[name] = (a > b).sum()
        assert (name == "fem") == bool((left == right).all())
    assert moves["fem"] == 0 and moves["grad-cam"] >= 85


def test_the_pair_that_is_shown_is_typical(net):
    two = pairs(7, 100)
    x = np.stack([net.preprocess(p) for p in two.pictures])
    left, right = (mx.explain(net, x, "grad-cam", target=c.tolist()).map for c in (two.left, two.right))
    a, b = (m[..., :32].sum(axis=(1, 2)) / m.sum(axis=(1, 2)) for m in (left, right))
    assert abs((a - b)[6] - np.median(a - b)) < 0.1


def test_each_half_holds_its_shape():
    drawn, two = scenes(7, 20), pairs(7, 10)
    assert two.left.tolist() == drawn.labels[::2].tolist() and two.right.tolist() == drawn.labels[1::2].tolist()
    assert (two.left != two.right).all()
    at = round(float(np.flatnonzero(drawn.masks[0].any(axis=0)).mean()))
    assert (two.pictures[0][:, :32] == np.roll(drawn.pictures[0], 16 - at, axis=1)[:, :32]).all()


def test_pairs_of_the_same_shape_are_refused(monkeypatch):
    same = scenes(7, 20)
    monkeypatch.setattr("minixai.book.figures.ch13.scenes", lambda seed, n: same._replace(labels=0 * same.labels))
    with pytest.raises(ValueError, match="seed 3 gives a picture with twice the same shape; take another seed"):
        pairs(3, 10)


def test_the_maps_are_no_bell_curves_and_k_hardly_matters_for_where(net, hundred):
    x, drawn = hundred
    A = mx.forward(net, x)["maxpool2"].y
    lit = A[A.max(axis=(2, 3)) > 0]
    mu, sigma = (getattr(lit, name)(axis=(1, 2), keepdims=True) for name in ("mean", "std"))
    share = {K: (lit >= mu + K * sigma).mean() for K in (1, 3)}
    assert (lit == 0).mean() > 0.75 and share[1] < 0.1 and share[3] > 0.02
    aucs = {}
    for K in (1, 2, 3):
        maps = mx.explain(net, x, "fem", K=K).map
        aucs[K] = np.array([mx.metrics.auc(m, mask) for m, mask in zip(maps, drawn.masks, strict=True)])
    assert np.ptp([a.mean() for a in aucs.values()]) < 0.015
    assert 35 <= (aucs[2] > aucs[1]).sum() <= 65 and of("13")["one_or_two"].answer == "B"


def test_a_flat_map_lays_a_floor_that_auc_does_not_see(net):
    drawn = scenes(4, 78)
    x, ops = net.preprocess(drawn.pictures[77]), {n.name: n.op for n in net.nodes}
    taps, bias = ops["conv4"].weight.copy(), ops["conv4"].bias.copy()
    taps[0], bias[0] = 0, 20
    ops["conv4"] = mx.Conv2d(taps, bias, padding=1)
    before, after = (
        mx.explain(n, x, "fem").heatmap for n in (net, mx.Network.sequential(ops.values(), feature_layer="maxpool2"))
    )
    assert before.min() == 0 and after.min() > 0.5
    assert abs(mx.metrics.auc(before, drawn.masks[77]) - mx.metrics.auc(after, drawn.masks[77])) < 0.02


def test_a_network_that_talks_nonsense_has_the_same_maps(net, hundred):
    x, drawn = hundred
    last = {n.name: n.op for n in book.scrambled(net).nodes[-3:]}
    assert [n.name for n in net.nodes[-3:]] == ["linear1", "relu5", "linear2"]
    ops = {n.name: n.op for n in net.nodes} | last
    deaf = mx.Network.sequential(ops.values(), feature_layer="maxpool2")
    assert (deaf(x).argmax(axis=1) == drawn.labels).sum() < 30
    assert (mx.explain(net, x[:10], "fem").map == mx.explain(deaf, x[:10], "fem").map).all()


def test_what_is_said_of_the_experiments_is_what_they_found():
    cover = stored("figure9").statements[2:]
    assert all(s.verdict == "confirmed" and s.interval.low > 0.5 for s in cover)
    assert stored("fem-neighbours").verdict == "refuted" and stored("speed").verdict == "inconclusive here"
    assert [s.verdict for s in stored("speed").statements[1:]] == ["confirmed"] * 4


# -- clips -------------------------------------------------------------------------------------------------------------


def test_played_backwards_the_answer_turns_and_the_map_hardly_does(film, seen):
    x, labels = seen
    there, back = x, x[:, :, ::-1].copy()
    moving = labels > 0
    assert (film(there).argmax(axis=1) != film(back).argmax(axis=1))[moving].mean() > 0.97
    p, q = (mx.explain(film, z, "fem").map for z in (there, back))
    alike = [np.corrcoef(a.ravel(), b[::-1].ravel())[0, 1] for a, b in zip(p, q, strict=True)]
    assert np.array(alike)[moving].mean() > 0.7


def test_a_still_has_a_climax_in_its_middle_and_a_long_one_is_level_far_from_its_ends(film, seen):
    lasting = replace(film, input_shape=None)
    stills = {n: np.repeat(seen[0][:20, :, :1], n, axis=2) for n in (8, 24)}
    short, long = (mx.explain(lasting, x, "fem").relevance.sum(axis=(0, 2, 3)) for x in stills.values())
    assert short[1:3].min() > 1.7 * max(short[0], short[-1])
    np.testing.assert_allclose(long[3:-3], long[5], rtol=1e-3)
    assert long[0] < 0.6 * long[5] and long[-1] < 0.8 * long[5]
    assert (film(stills[8]).argmax(axis=1) == 0).mean() > 0.9


def test_the_clip_that_is_shown_moves_to_the_left_and_stays_inside(film):
    clip = moving_clips(7, 3)
    masks = clip.masks[2]
    assert film.classes[clip.labels[2]] == "left"
    assert not (masks[:, :, [0, -1]].any() or masks[:, [0, -1]].any())
    assert draw.filmstrip(mx.explain(film, film.preprocess(clip.frames[2]), "fem")).alt


# -- figures -----------------------------------------------------------------------------------------------------------


def test_k_changes_the_picture_and_the_class_only_the_words(net):
    figure = book.figures.rare()
    assert figure.values == {"K": 1, "cls": "heart"}
    first, said = figure.image.value, figure.words.value
    figure._controls["cls"].value = "arrow"
    source = re.search(r'src="([^"]+)"', figure.image.value)[1]
    assert source == re.search(r'src="([^"]+)"', first)[1]
    assert "asked about arrow" in figure.words.value and said != figure.words.value
    figure._controls["K"].value = 3
    assert re.search(r'src="([^"]+)"', figure.image.value)[1] != source and "K = 3" in figure.words.value


def test_the_words_are_the_engines(net):
    x = net.preprocess(scenes(4, 78).pictures[77])
    figure = book.figures.rare(net, x)
    e = mx.explain(net, x, "fem")
    assert f"At {(e.relevance > 0).mean():.0%} of the places" in figure.words.value
    assert f"the largest sum, {e.map.max():.3g}, is in row" in figure.words.value
    row, column = np.unravel_index(int(e.map.argmax()), e.map.shape)
    assert f"row {row + 1}, column {column + 1} of the picture" in figure.words.value


def test_the_still_figures_carry_their_words(net):
    two = pairs(7, 5)
    assert "fem: why left?" in asked_twice(net, two.pictures[4], two.left[4], two.right[4]).alt
    assert "ignore bias" in figure9(net, scenes(4, 78).pictures[77]).alt
