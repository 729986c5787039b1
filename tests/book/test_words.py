"""Numbers in the prose, recap cards, listings: each from one source."""

from fractions import Fraction as F

import numpy as np
import pytest

import minixai as mx
from minixai import book
from minixai.book import cards, numbers
from minixai.book.values import alike
from minixai.whitebox.gradient import gradient
from minixai.whitebox.guided import GUIDED, relu_guided
from minixai.whitebox.lrp import Gamma

# Worked out in exact fractions outside this package.
BY_HAND = {
    "linear.score": 5, "linear.slope": [3, -1], "linear.contribution": [6, -1], "linear14.contribution": [3, -4],
    "min.score": 6, "min.occlusion": [6, 6], "min.nudge": [0, 1], "min.gradient": [0, 1], "min.deconvnet": [1, 0],
    "min.guided": [1, 0], "min.gradient_x_input": [0, 6], "min.ig": [0, 6], "min.lrp0": [0, 6],
    "min.lrp_eps1": [F(72, 77), F(144, 35)], "min.gamma_quarter": [F(750, 221), F(576, 221)],
    "min.gamma1": [F(75, 14), F(9, 14)], "min.zplus": [6, 0], "min.alpha2beta1": [12, 6], "min.rescale": [0, 6],
    "min.revealcancel": [3, 3], "min2.gradient": [0, 1], "min2.deconvnet": [0, 1], "min2.guided": [0, 1],
    "min2.zplus": [0, 6], "min2.lrp0": [0, 6], "min2.rescale": [0, 6], "min2.revealcancel": [3, 3],
    "pocket.y1": [[4, -1], [2, 6]], "pocket.y2": [[0, 2], [2, 0]], "pocket.score_a": 2, "pocket.score_b": 1,
    "pocket.gradient4_a": [[1, 3, 0], [2, 1, 1], [-1, -2, -1]],
    "pocket.deconvnet4_a": [[1, 3, 2], [1, 2, 1], [0, -1, -1]],
    "pocket.guided4_a": [[1, 2, 0], [1, 2, 2], [0, -1, -1]],
    "pocket.gradient4_b": [[0, -1, 0], [-1, 1, 1], [1, 1, 0]],
    "pocket.guided4_b": [[0, -1, 0], [-1, 1, 1], [1, 1, 0]],
    "pocket.lrp0_a": [[F(1, 4), F(3, 2), 0], [0, F(1, 4), F(3, 4)], [F(-1, 2), 0, F(-1, 4)]],
    "fork.score": 11, "fork.slope": [5, 4], "fork.second": [-1, 1],
    "paint.one": [[1, 2, 0], [3, 4, 0], [0, 0, 0]], "paint.sum": [[5, 10, 0], [15, 26, 12], [0, 18, 24]],
    "paint.centre": 26, "paint.forwards": 111, "paint.backwards": 111,
    "gates.gradient": [[2, 0, -1], [0, -2, 0], [0, 0, 5]], "gates.deconvnet": [[2, 3, 0], [1, 0, 4], [0, 0, 5]],
    "gates.guided": [[2, 0, 0], [0, 0, 0], [0, 0, 5]],
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_the_numbers_by_hand(name):
    assert alike(np.asarray(numbers.value(name), object), np.asarray(BY_HAND[name], object))


@pytest.mark.parametrize("name", numbers.NUMBERS)
def test_every_number_is_exact_and_can_be_said(name):
    assert all(isinstance(v, F) for v in np.asarray(numbers.value(name), object).flat)
    assert "." not in numbers.fill(f"{{{{{name}}}}}") and numbers.fill(f"{{{{{name}:decimal}}}}")


def test_ways_of_writing():
    said = numbers.fill("{{min.score}}, {{min.lrp_eps1}}, {{min.lrp_eps1:decimal}}, {{ paint.filter }}")
    assert said == "6, (72/77, 144/35), (0.94, 4.11), [[1, 2], [3, 4]]"
    assert numbers.fill("{{pocket.lrp0_a:matrix}}") == (
        r"\begin{pmatrix}\tfrac{1}{4} & \tfrac{3}{2} & 0 \\ 0 & \tfrac{1}{4} & \tfrac{3}{4} \\ "
        r"-\tfrac{1}{2} & 0 & -\tfrac{1}{4}\end{pmatrix}"
    )
    assert numbers.fill("no {number}, no { {min.score} }") == "no {number}, no { {min.score} }"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{{min.gradints}}", "no number called 'min.gradints'; did you mean min.gradient"),
        ("{{min.score:roman}}", "no way of writing a number called 'roman'; known: matrix, decimal"),
    ],
)
def test_an_unknown_number_or_way_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        numbers.fill(text)


def test_the_two_wirings_are_one_function():
    rng = np.random.default_rng(0)
    for x in mx.exact(rng.integers(-5, 6, (20, 2))):
        x = abs(x)  # the wirings are min only where both pixels are lit
        assert book.two_pixels(1)(x)[0] == book.two_pixels(2)(x)[0] == min(x)


def test_pocket_heads_and_bias():
    assert book.pocket("max")(book.POCKET_PICTURE).tolist() == [4, 2]
    assert book.pocket("mean", bias=[-1, 0])(book.POCKET_PICTURE).tolist() == [F(5, 4), 1]
    with pytest.raises(ValueError, match="head is 'median'; expected 'mean' or 'max'"):
        book.pocket("median")
    with pytest.raises(ValueError, match="wiring is 3; expected 1 or 2"):
        book.two_pixels(3)


@pytest.mark.parametrize("name", cards.CARDS)
def test_every_card_can_be_shown(name):
    card = book.recap(name)
    assert "{{" not in card._repr_markdown_() and "{{" not in repr(card)
    assert card._repr_markdown_().startswith(f"> **Recap: {card.title}** *(chapter {card.chapter})*")
    assert len(card.text.split()) < 70


def test_a_card_that_is_not_there():
    with pytest.raises(ValueError, match="no recap card 'three gate'; did you mean three gates"):
        book.recap("three gate")


def test_show_prints_the_packages_own_source_with_its_numbers_in_view():
    listing = book.show(relu_guided, gradient)
    assert repr(listing).startswith("# minixai/whitebox/guided.py\ndef relu_guided(R: Array, step: Step) -> Array:\n")
    assert "# minixai/whitebox/gradient.py\ndef gradient(" in repr(listing)
    page = listing._repr_html_()
    assert "<strong>Eq. (4)</strong>" in page and "R &gt; 0" in page and page.count("<figure>") == 2


def test_show_takes_rules_with_parameters_classes_and_methods():
    assert "class Gamma(Shares):" in repr(book.show(Gamma(gamma=0.5)))
    assert "<strong>(14)</strong>" in book.show(Gamma)._repr_html_()
    assert "def relu_guided" in repr(book.show(GUIDED[mx.ReLU]))
    assert "def __call__" in repr(book.show(mx.Network.__call__))


@pytest.mark.parametrize("thing", [np.mean, 3, "gradient", len, F, lambda: 0])
def test_show_refuses_what_is_not_ours(thing):
    with pytest.raises(ValueError, match="expected a function or class of minixai"):
        book.show(thing)


def test_show_of_nothing():
    with pytest.raises(ValueError, match="show was given nothing"):
        book.show()
