"""The words of a figure follow what the map shows."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import minixai as mx
from minixai import draw

from .conftest import a_map, explained

PLACES = [place for row in draw.PLACES for place in row]


def spot(row, column, size=9):
    """A map with its evidence in the middle of one of the nine parts of the picture."""
    values = np.zeros((size, size))
    values[(2 * row + 1) * size // 6, (2 * column + 1) * size // 6] = 1
    return values


@pytest.mark.parametrize("size", [3, 8, 9, 31])
@pytest.mark.parametrize("part", range(9))
def test_the_evidence_moves_and_the_words_move(part, size):
    values = spot(*divmod(part, 3), size)
    said = draw.alt_text(a_map(values, expected=1.0))
    assert f". The strongest evidence lies {PLACES[part]}, with 100 % of the positive relevance;" in said
    assert f". The largest values lie {PLACES[part]}, with 100 % of the whole." in draw.alt_text(a_map(values))


@pytest.mark.parametrize("part", range(9))
def test_what_speaks_against_is_placed_too(part):
    evidence = spot(1, 1) if part != 4 else spot(0, 0)
    values = evidence - 3 * spot(*divmod(part, 3))
    assert f"75 % of all relevance is negative, most of it {PLACES[part]}." in draw.alt_text(a_map(values))


def test_the_thirds_are_of_equal_size():
    """On 8 x 8 pixels every part is 8/3 pixels wide: a map slightly higher in the middle is strongest there."""
    values = np.ones((8, 8))
    values[3:5, 3:5] = 1.01
    assert "in the centre, with 11 %" in draw.alt_text(a_map(values))


def test_mirrored_maps_give_mirrored_words():
    values = np.random.default_rng(0).uniform(size=(8, 11)) * np.arange(11)
    said, mirrored = draw.where(a_map(values)), draw.where(a_map(values[:, ::-1]))
    swap = {"left": "right", "right": "left"}
    assert re.sub("left|right", lambda m: swap[m[0]], said) == mirrored != said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((4, 4)), "the map is zero everywhere"),
        (np.full((4, 4), 0.25), "the map is 0.25 everywhere"),
        (-spot(0, 2), "nothing is positive; the largest negative values lie at the top right"),
        (1000 * spot(1, 0) - spot(2, 2), "on the left, with 100 % of the positive relevance; hardly any is negative"),
        (spot(1, 0) - spot(2, 2), "50 % of all relevance is negative, most of it at the bottom right"),
        (spot(1, 0) + spot(2, 2), "the largest values lie on the left, with 50 % of the whole"),
        ([[1.0]], "in the centre"),
        ([[1.0, 0.0]], "on the left"),
        ([[0.0], [1.0]], "at the bottom, with"),
    ],
)
def test_where(values, words):
    assert words in draw.where(a_map(values))


def test_what_is_negative_speaks_against_a_class_that_is_known():
    said = draw.where(a_map(-spot(0, 2), target=1))
    assert said == "nothing speaks for the class; the strongest evidence against it lies at the top right"


def test_shares_of_a_score_are_evidence_even_where_none_is_negative():
    said = draw.where(a_map(spot(1, 0), expected=1.0))
    assert said == "the strongest evidence lies on the left, with 100 % of the positive relevance; none is negative"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match="the map by lrp-0 holds NaN or infinite values"):
        draw.alt_text(a_map([[value, 1.0]]))


def test_class_score_and_sum_are_named():
    e = a_map(3 * spot(0, 0), target=1, label="bee", score=4.5, expected=3.25)
    said = draw.alt_text(e)
    assert said.startswith("Heat map by lrp-0, class bee, score 4.5. ")
    assert said.endswith(" The relevance sums to 3, expected 3.25.")


def test_without_names_the_number_and_without_a_promise_no_sum():
    said = draw.alt_text(a_map(spot(0, 0), target=7, score=1.0))
    assert "class 7, score 1." in said and "sums" not in said


def test_a_map_from_elsewhere_claims_no_class():
    said = draw.alt_text(explained("given"))
    assert said.startswith("A heat map from elsewhere. The strongest evidence lies ")


def test_features_are_named_by_number():
    x = np.arange(4.0)
    e = mx.Explanation("lrp-0", np.array([0, -1, 3, 0.0]), np.array([0, -1, 3, 0.0]), x)
    said = draw.alt_text(e)
    assert ". The strongest evidence lies in feature 2, with 100 % of the positive relevance;" in said
    assert said.endswith("; 25 % of all relevance is negative, most of it in feature 1.")


def test_clips_name_the_frame():
    values = np.zeros((4, 6, 6))
    values[2, 5, 5] = 1
    e = mx.Explanation("lrp-0", values, values, values[None])
    assert "at the bottom right (most of all in frame 3 of 4)" in draw.alt_text(e)


def test_a_batch_says_something_of_every_picture():
    e = explained("batch")
    said = draw.alt_text(e)
    for i in range(3):
        assert f"Picture {i + 1} of 3: {draw.alt_text(e[i])}" in said


def test_fractions_and_floats_say_the_same():
    e = explained("fractions")
    numbers = {name: getattr(e, name).astype(float) for name in ("relevance", "map", "x")}
    same = replace(e, **numbers, score=float(e.score), expected=float(e.expected))
    assert draw.alt_text(e) == draw.alt_text(same)


class Images(HTMLParser):
    """Collects the attributes of every tag."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


@pytest.mark.parametrize("kind", ["grey", "features", "given", "nothing"])
def test_html_is_one_image_with_its_words(kind):
    e = explained(kind)
    tags = Images(draw.as_html(e)).tags
    assert [tag for tag, _ in tags] == ["figure", "img"]
    assert tags[1][1]["alt"] == draw.alt_text(e)
    assert tags[1][1]["src"].startswith("data:image/png;base64,iVBORw0KGgo")


def test_html_is_escaped():
    wicked = '"><script>alert(1)</script>&amp;'
    page = draw.as_html(a_map(spot(0, 0), target=0, label=wicked, score=1.0))
    assert "<script" not in page
    assert f"class {wicked}" in Images(page).tags[1][1]["alt"]


def test_a_notebook_gets_the_words_too():
    e = a_map(spot(0, 0))
    assert e._repr_mimebundle_()["text/html"] == draw.as_html(e)
    assert e.show()._repr_html_() == draw.as_html(e)
