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
from tests.book.by_hand import NUMBERS


@pytest.mark.parametrize("name", NUMBERS)
def test_the_numbers_by_hand(name):
    assert alike(np.asarray(numbers.value(name), object), np.asarray(NUMBERS[name], object))


@pytest.mark.parametrize("name", numbers.known())
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
