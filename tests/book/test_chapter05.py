"""What chapter 05 says in words, tested; and the figure in which a reader marks what is worth half."""

import json

import numpy as np
import pytest

import minixai as mx
from minixai import book
from minixai.book.exercises import of
from minixai.book.figures import ch05
from minixai.zoo.scenes import scenes
from tests.book.node import needs_node, node

LEVELS = np.linspace(0, 1, 256)


@pytest.fixture(scope="module")
def net():
    return mx.load("shapes").astype("float64")


@pytest.fixture(scope="module")
def x(net):
    return net.preprocess(scenes(4, 6).pictures[5])


def state(**changed):
    return json.dumps({**book.figures.marking().widget.state, **changed})


# -- what the text says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "theirs", "steps"), [("jet", "jet", 1e-9), ("magma", "magma", 2.5), ("grey", "gray", 1e-9)]
)
def test_the_colours_are_matplotlibs(name, theirs, steps):
    from matplotlib import colormaps

    assert abs(ch05.colours(name, LEVELS) - colormaps[theirs](LEVELS)[:, :3]).max() < steps / 255


def test_lightness_is_that_of_scikit_image():
    color = pytest.importorskip("skimage.color", reason="no scikit-image here: pip install scikit-image")
    rgb = np.random.default_rng(0).random((200, 3))
    assert abs(color.rgb2lab(rgb)[:, 0] - ch05.lightness(rgb)).max() < 0.02
    assert ch05.lightness([[0, 0, 0], [1, 1, 1]]).tolist() == pytest.approx([0, 100])


def test_the_grey_copy_is_as_light_as_the_colour():
    rgb = np.random.default_rng(1).random((200, 3))
    grey = np.repeat(ch05._grey(ch05.lightness(rgb))[:, None], 3, axis=1)
    assert abs(ch05.lightness(grey) - ch05.lightness(rgb)).max() < 0.01


def test_jet_is_lightest_in_the_middle_and_magma_at_the_top():
    jet, magma, grey = (ch05.lightness(ch05.colours(name, LEVELS)) for name in ch05.MAPS)
    assert 1 / 3 < LEVELS[jet.argmax()] < 2 / 3 and jet[-1] < jet[64] / 2
    assert (np.diff(magma) > 0).all() and (np.diff(grey) > 0).all()
    quarters = np.diff(ch05.lightness(ch05.colours("magma", np.linspace(0, 1, 5))))
    assert 20 < quarters.min() < quarters.max() < 30  # "between 20 and 30 for every quarter"


def test_the_strongest_pixel_of_the_cross_speaks_against_it(net, x):
    e = mx.explain(net, x, "lrp-0")
    assert e.label == "cross" and -e.map.min() > e.map.max()


def test_where_the_relevance_is_large_the_rounding_is_more_than_twice_what_it_is_elsewhere(net, x):
    coarse = mx.explain(mx.load("shapes").astype("float32"), x.astype("float32"), "lrp-0").map
    fine = mx.explain(net, x, "lrp-0").map
    noise = abs(fine - coarse)
    near = abs(fine) > abs(fine).max() / 20
    assert 0 < noise.max() < 1e-6 * fine.max()
    assert noise[near].mean() > 2 * noise[~near].mean()


def test_the_weaker_heat_over_white_is_lighter_than_the_stronger_over_black():
    half, more = (ch05.lightness(0.6 * ch05.colours("magma", v) + 0.4 * w) for v, w in ((1 / 2, 1), (3 / 4, 0)))
    assert half > more


def test_the_reader_who_forgets_the_map_of_zeros_is_told():
    def careless(R):
        with np.errstate(invalid="ignore"):
            return R / abs(R).max()

    verdict = book.chapter("05").exercise("signed_to_unit")(careless).check()
    assert verdict.rung == "property" and not verdict


def test_the_exhibit_carries_its_words_and_its_scales():
    figure = ch05.exhibit({"one": ch05.Drawing([[0, 1]], "magma", 0, 1)}, "Nothing and everything, side by side.")
    assert len(figure.axes) == 1 and len(figure.axes[0].child_axes) == 1
    assert 'alt="Nothing and everything, side by side."' in figure._repr_html_()


# -- the live figure ---------------------------------------------------------------------------------------------------


def test_every_strip_falls_from_1_to_0_with_one_patch_that_is_worth_half():
    assert len({tuple(values) for values in ch05.hills()}) == len(ch05.HILLS)
    for values in ch05.hills():
        assert values[0] == 1 and values[-1] == 0 and values.count(0.5) == 1 and (np.diff(values) < 0).all()


@needs_node
def test_colours_lightness_and_grey_in_the_page_are_the_books(tmp_path):
    tables = f"{state()}.tables"
    for name in ch05.MAPS:
        rgb = np.rint(255 * ch05.colours(name, LEVELS)).astype(int)
        ask = f"[...Array(256).keys()].map((i) => it.colour({tables}, '{name}', i / 255))"
        assert node(tmp_path, "marking", ask) == rgb.tolist()
        light = node(tmp_path, "marking", f"{rgb[::15].tolist()}.map(it.lightness)")
        assert light == pytest.approx(ch05.lightness(rgb[::15] / 255), abs=1e-9)
        grey = node(tmp_path, "marking", f"{rgb[::15].tolist()}.map((c) => it.grey(c)[0])")
        assert grey == np.rint(255 * ch05._grey(ch05.lightness(rgb[::15] / 255))).tolist()


@needs_node
def test_whoever_sees_only_light_and_dark_is_lost_in_jet(tmp_path):
    marks = [[name, 0, 1] for name in ch05.MAPS]
    found = node(tmp_path, "marking", f"it.tally({state(marks=marks)}).map((r) => r.light)")
    expected = []
    for name in ch05.MAPS:
        far = []
        for values in ch05.hills():
            light = ch05.lightness(np.rint(255 * ch05.colours(name, np.rint(255 * np.array(values)) / 255)) / 255)
            far.append(abs(values[abs(light - (light[0] + light[-1]) / 2).argmin()] - 0.5))
        expected.append(np.mean(far))
    assert found == pytest.approx(expected) and found[0] > 0.4 and max(found[1:]) < 0.1


@needs_node
def test_in_jets_grey_copy_no_end_is_the_lightest(tmp_path):
    assert of("05")["grey_copy"].answer == "B"
    for name, ends in (("jet", False), ("magma", True), ("grey", True)):
        ask = f"{state()}.hills.map((h) => h.map((v) => it.lightness(it.colour({state()}.tables, '{name}', v))))"
        for light in node(tmp_path, "marking", ask):
            assert (np.argmax(light) in (0, len(light) - 1)) is ends


@needs_node
def test_a_mark_is_taken_once_counted_and_the_next_strip_comes(tmp_path):
    taken = f"it.answered({state(mark=8)}, 'this is half')"
    assert node(tmp_path, "marking", f"{taken}.marks") == [["jet", 0, 8]]
    assert node(tmp_path, "marking", f"it.answered({taken}, 'this is half').marks.length") == 1
    assert node(tmp_path, "marking", f"it.hillOf({taken})") == 0
    assert node(tmp_path, "marking", f"it.hillOf(it.answered({taken}, 'still looking'))") == 1
    rows = node(tmp_path, "marking", f"it.tally({taken})")
    assert [(r["name"], r["marks"]) for r in rows] == [("jet", 1), ("magma", 0), ("grey", 0)]
    assert rows[0]["yours"] == pytest.approx(ch05.hills()[0][7] - 0.5) and rows[1]["yours"] is rows[1]["light"] is None


@needs_node
def test_the_words_give_nothing_away_before_a_mark_and_everything_after(tmp_path):
    before = node(tmp_path, "marking", f"it.sentence({state(mark=8)})")
    assert before == (
        "A strip of 24 patches in jet, from its peak at the left down to 0 at the right. Your mark stands at patch 8. "
        'Choose "this is half" when you are content.'
    )
    after = node(tmp_path, "marking", f"it.sentence(it.answered({state(mark=8)}, 'this is half'))")
    assert after == (
        "You marked patch 8, which is worth 0.77. Half is patch 16. You are off by 0.27. In the grey copy patch 12 is "
        'the lightest. Choose "still looking" for the next strip.'
    )
