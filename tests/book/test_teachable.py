"""What a chapter may ask of its reader: budgets, terms in their order, numbers from one source, figures that ask."""

import re

import pytest

from minixai.book import figures, source, teachable
from minixai.book.reference import GLOSSARY, NOTATION, Term

BOOK = [source.read(path) for path in source.paths()]
FOUND = {chapter.name: teachable.read(chapter, BOOK) for chapter in BOOK}
each_chapter = pytest.mark.parametrize("chapter", BOOK, ids=lambda c: c.name)


@each_chapter
def test_the_budgets_are_kept(chapter):
    assert FOUND[chapter.name].over == []


@each_chapter
def test_no_term_comes_before_it_is_introduced(chapter):
    assert FOUND[chapter.name].too_early == ()


@each_chapter
def test_pairs_and_fractions_in_the_prose_are_computed(chapter):
    assert FOUND[chapter.name].typed == ()


@each_chapter
def test_long_sentences_are_rare(chapter):
    assert len(FOUND[chapter.name].long) <= 3


@each_chapter
def test_what_a_chapter_needs_comes_before_it(chapter):
    assert all(number < chapter.name[:2] for number in chapter.about["needs"])


@each_chapter
def test_every_live_figure_is_asked_for_and_asked_about(chapter):
    """A prediction before it; after it, within three cells of code, an observation, or an exercise that needs it."""
    code = [cell.text for cell in chapter.cells if cell.kind == "code"]
    shown = [i for i, text in enumerate(code) if teachable.FIGURE.search(text)]
    assert shown
    for i in shown:
        assert any("ch.predict(" in text for text in code[:i]), code[i]
        after = "\n".join(code[i : i + 4])
        assert re.search(r"ch\.observe\(|@ch\.exercise\(|ch\.exercise\(", after), code[i]


@each_chapter
def test_a_chapter_says_in_which_units_its_maps_are(chapter):
    prose = "\n".join(cell.text for cell in chapter.cells if cell.kind == "markdown")
    assert re.search(r"\bunits?\b", prose, re.IGNORECASE)


def test_every_figure_of_the_registry_stands_in_its_chapter():
    sources = {chapter.name[:2]: "\n".join(cell.text for cell in chapter.cells) for chapter in BOOK}
    for name in figures.known():
        number = figures.chapter_of(name)
        assert number in sources and f"book.figures.{name}(" in sources[number], name


def test_a_term_is_found_as_a_word_and_not_in_code():
    gate = Term("gate", "06", "", ("gates",))
    assert teachable.uses("Three gates.", gate) and teachable.uses("A Gate is shut", gate)
    assert not teachable.uses("to navigate; `gate`; $gate$", gate)


def test_sentences_leave_out_tables_and_count_formulas_as_words():
    text = "# A head\n\nOne. Two $a + b$ words!\n\n| a | b |\n| --- | --- |\n\n* Three.\n* Four `x = 1`."
    assert list(teachable.sentences(text)) == ["One.", "Two formula words!", "* Three.", "Four code."]


def test_typed_numbers_are_found_and_computed_ones_are_not():
    prose = ["The answer is (3, -1/2), {{min.score}}, $(1, 2)$ and `8/5`, or 3/4."]
    assert list(teachable.typed(prose)) == ["(3, -1/2)", "3/4"]


def test_needs_are_followed_all_the_way_down():
    assert teachable.before("07", {"07": ["06"], "06": ["04"], "04": ["03"], "03": []}) == {"06", "04", "03"}


def test_terms_and_letters_are_said_once():
    names = [form for term in GLOSSARY for form in (term.name, *term.others)]
    assert len(names) == len(set(names))
    assert len({(one.letter, one.meaning) for one in NOTATION}) == len(NOTATION)
    assert all(term.meaning.endswith(".") and re.fullmatch(r"\d\d", term.chapter) for term in GLOSSARY)
