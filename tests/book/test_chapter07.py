"""What chapter 07 says in words, tested: two lamps, a star faded in, a black star, and the live figure's numbers."""

import json
import re

import numpy as np
import pytest

import minixai as mx
from minixai import book, files
from minixai.book.exercises import of
from minixai.book.figures import ch07
from minixai.book.numbers import value
from minixai.book.numbers.ch07 import LAMPS, lamps
from minixai.zoo.scenes import scenes

STAR = 4


@pytest.fixture(scope="module")
def net():
    return mx.load("shapes").astype("float64")


@pytest.fixture(scope="module")
def drawn():
    return scenes(3, 20)


@pytest.fixture(scope="module")
def xs(net, drawn):
    return np.stack([net.preprocess(picture) for picture in drawn.pictures]).astype("float64")


@pytest.fixture(scope="module")
def walked(net, xs):
    return ch07.ways(net, xs[STAR])


def integrated(net, x, **params):
    return mx.explain(net, x, "integrated-gradients", **params)


# -- the lamps ---------------------------------------------------------------------------------------------------------


def test_one_lamp_less_or_a_brighter_one_changes_nothing_and_both_off_is_dark():
    lights = mx.exact([[2, 1], [3, 1], [2, 2], [0, 1], [2, 0], [0, 0]])
    assert [lamps()(light)[0] for light in lights] == [1, 1, 1, 1, 1, 0]
    assert [lamps()(light)[0] for light in lights] == [min(sum(light), 1) for light in lights]


@pytest.mark.parametrize("baseline", ([0, 0], [0, 0.5], [1, 0], [0.25, 0.25]))
def test_from_any_baseline_the_lamps_add_up_exactly(baseline):
    start = mx.exact(baseline)
    e = integrated(lamps(), LAMPS, baseline=start, quadrature="exact")
    assert e.total == lamps()(LAMPS)[0] - lamps()(start)[0] == e.expected


def test_every_order_adds_up_to_the_same_and_shares_out_differently():
    shares = [tuple(value(f"lamps.{name}")) for name in ("first", "second", "either", "black")]
    assert {sum(share) for share in shares} == {1} and len(set(shares)) == 4


def test_without_biases_the_walk_is_the_last_step():
    """min(x1, x2) on the way from zero: integrated gradients are gradient times picture, at any picture."""
    for x in mx.exact(np.random.default_rng(0).integers(1, 9, (20, 2))):
        slope = mx.explain(book.two_pixels(), x, "gradient").relevance
        assert (integrated(book.two_pixels(), x, n=2).relevance == slope * x).all()


def test_read_as_printed_with_a_factor_alpha_nothing_adds_up():
    """d/dx_i of S(x' + alpha (x - x')) is alpha times the slope: for S = x1 + x2 it loses half."""
    wrong = next(w for w in of("07")["integrated_gradients"].wrong if w.name == "slope times alpha").function
    R = wrong(lambda z: 0 * z + 1, mx.exact([3, 1]), mx.exact([1, 0]), 4)
    assert R.sum() * 2 == 3


# -- the star ----------------------------------------------------------------------------------------------------------


def test_the_probability_has_enough_and_the_score_has_not(net, xs):
    x, black = xs[STAR], net.black + 0 * xs[STAR]
    scores = net(np.stack([black + a * (x - black) for a in np.arange(7) / 6]))
    star = net.classes.index("star")
    p = np.exp(scores[:, star]) / np.exp(scores).sum(axis=1)
    assert scores.argmax(axis=1)[-1] == star and (np.diff(scores[:, star]) > 0).all()
    assert p[3] > 0.98 and p[1] < 0.1 and 8e-6 < p[-1] * (1 - p[-1]) < 1.2e-5


def test_the_slope_of_the_probability_is_p_times_1_minus_p_where_only_one_score_moves():
    scores = np.random.default_rng(1).standard_normal(10)
    p = [np.exp(s) / np.exp(s).sum() for s in (scores, scores + 1e-6 * np.eye(10)[3])]
    assert np.isclose((p[1][3] - p[0][3]) / 1e-6, p[0][3] * (1 - p[0][3]), rtol=1e-5)


def test_the_first_fifth_brings_little_from_every_baseline(net, xs):
    said = net(xs).argmax(axis=1)
    for start in ch07.baselines(net, xs[0]).values():
        S = np.array([net(start + a * (xs - start))[range(20), said] for a in (0, 0.2, 1)])
        assert ((S[1] - S[0]) / (S[2] - S[0])).mean() < 0.1


def test_fifty_places_are_plenty_and_three_are_not(net, xs):
    few, many = (integrated(net, xs[STAR], n=n) for n in (3, 50))
    assert abs(few.total - few.expected) > 0.3 * few.expected
    assert abs(many.total - many.expected) < 0.01 * many.expected


def test_the_whole_way_is_calmer_than_the_last_step(net, xs):
    x = xs[:6]
    whole = integrated(net, x, n=20)
    last = (x - net.black) * mx.explain(net, x, "gradient").relevance
    calmer = abs(whole.map).sum(axis=(1, 2)) / abs(last.sum(axis=1)).sum(axis=(1, 2))
    assert (calmer < 0.8).all()


def test_what_looks_like_the_baseline_gets_nothing(net, drawn):
    painted, mask = drawn.pictures[STAR].copy(), drawn.masks[STAR]
    painted[mask] = 0
    z, star = net.preprocess(painted).astype("float64"), net.classes.index("star")
    assert net(z).argmax() == star
    found = {n: integrated(net, z, target=star, baseline=b, n=20) for n, b in ch07.baselines(net, z).items()}
    assert not found["black"].relevance[:, mask].any()
    white = found["white"]
    assert white.map[mask].sum() > 2 * white.expected and white.map[~mask].sum() < -white.map[mask].sum() / 2
    assert (ch07.baselines(net, z)["middle grey"] == 0).all()
    for e in found.values():
        assert abs(e.total - e.expected) < 0.03 * e.expected


def test_the_maps_change_with_class_and_weights_more_than_the_gradients(net, xs):
    ten, stranger = xs[:10], book.scrambled(net)
    best, second = (list(c) for c in np.argsort(-net(ten), axis=1)[:, :2].T)

    def alike(name, network, target, **params):
        pairs = [mx.explain(n, ten, name, target=c, **params).heatmap for n, c in ((net, best), (network, target))]
        return np.mean([np.corrcoef(p.ravel(), q.ravel())[0, 1] for p, q in zip(*pairs, strict=True)])

    for network, target in ((net, second), (stranger, best)):
        walk = alike("integrated-gradients", network, target, n=8)
        assert walk < alike("gradient", network, target) - 0.1


def test_the_record_of_the_noise_says_what_the_chapter_reads_from_it():
    found = json.loads((files.root("data") / "results" / "integrated-noise.json").read_text())
    rows = {row["label"]: row["interval"] for row in found["panels"][0]["rows"]}
    assert found["pictures"] == 100 and found["verdict"] == "refuted"
    assert set(rows) == {"integrated-gradients", "gradient", "deconvnet", "guided-backprop"}
    (ours, *_), (_, low, high) = rows["integrated-gradients"], rows["gradient"]
    assert low < ours < high and rows["guided-backprop"][2] < ours / 3


# -- the live figure ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("baseline", ["black", "middle grey", "white"])
def test_the_bars_are_integrated_gradients_step_by_step(net, xs, walked, baseline):
    e = integrated(net, xs[STAR], baseline=walked[baseline].baseline, n=ch07.STEPS)
    np.testing.assert_allclose(walked[baseline].steps.sum(axis=0), e.relevance, rtol=0, atol=1e-12)
    assert np.isclose(walked[baseline].bars.mean(), e.total)
    assert np.isclose(walked[baseline].end - walked[baseline].start, e.expected)


def test_the_words_say_area_and_rise_for_every_place(net, xs, walked):
    figure = book.figures.fade_in(net, xs[STAR], walked)
    star = net.classes.index("star")
    for baseline, w in walked.items():
        for alpha in (0, 0.2, 0.55, 1):
            figure._controls["baseline"].value, figure._controls["alpha"].value = baseline, alpha
            said = figure.words.value
            here = net(w.baseline + alpha * (xs[STAR] - w.baseline))[star]
            passed = round(alpha * ch07.STEPS)
            area, rise, whole = map(float, re.search(r"passed: (\S+)\. .*risen by (\S+) of ([\d.]+),", said).groups())
            assert f"alpha = {alpha:.2f} from {baseline}" in said
            assert abs(area - w.bars[:passed].sum() / ch07.STEPS) < 0.006
            assert abs(rise - (here - w.start)) < 0.006 and abs(whole - (w.end - w.start)) < 0.006
            assert abs(area - rise) < 0.06 * whole  # twenty bars are not a curve


def test_the_picture_of_the_figure_follows_alpha_and_baseline(net, xs, walked):
    figure = book.figures.fade_in(net, xs[STAR], walked)
    seen = set()
    for baseline in walked:
        for alpha in (0.25, 0.75):
            figure._controls["baseline"].value, figure._controls["alpha"].value = baseline, alpha
            seen.add(figure.image.value)
    assert len(seen) == 6


def test_a_passed_bar_is_filled_and_another_is_only_an_outline():
    heights = np.array([1.0, 2.0, -1.0, 2.0])
    none, two = (np.asarray(ch07.bars(heights, passed)) for passed in (0, 2))
    inked = [(image == ch07.INK).all(axis=-1) for image in (none, two)]
    assert not inked[0].any() and inked[1].any()
    columns = np.flatnonzero(inked[1].any(axis=0))
    assert columns.max() < 34 + 2 * (ch07.WIDE - 42) / 4


def test_known_ways_are_not_walked_again(net, xs, walked, monkeypatch):
    monkeypatch.setattr(ch07, "explain", lambda *args, **params: pytest.fail("walked again"))
    book.figures.fade_in(net, xs[STAR], walked)


def test_a_network_that_says_no_range_is_refused():
    with pytest.raises(ValueError, match="two lamps says no range of its pixels; expected a network with box"):
        ch07.baselines(lamps(), LAMPS)


def test_the_faded_pictures_carry_their_words(net, xs):
    frame = ch07.faded(net, xs[STAR], net.black + 0 * xs[STAR], [0, 0.5, 1])
    assert frame.words.endswith("at alpha = 0.00, 0.50, 1.00.")
    first, last = (np.asarray(frame.image)[:, s] for s in (np.s_[:96], np.s_[-96:]))
    assert not first.any() and (last[::24, ::24] == net.unpreprocess(xs[STAR])[::16, ::16]).all()
