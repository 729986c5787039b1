"""The web book: it builds without a warning, opens from a folder, and its figures live without any server."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from minixai.book import figures, nokernel, source
from minixai.book.reference import ERRATA, GLOSSARY, NOTATION
from minixai.book.site import boards, build, graph, pages
from minixai.book.survey_map import items
from tests.book.browser import browser_page, moved, needs_browser, playwright, shut_out

CHAPTERS = [path.stem for path in source.paths()]
BOARDS = {name: figure for name, figure in figures.known().items() if isinstance(figure(), nokernel.Board)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build.build(tmp_path_factory.mktemp("web") / "site")


@pytest.fixture(scope="module")
def page(site):
    with browser_page(site.as_uri()) as shown:
        yield shown


def opened(page, site, name):
    page.goto((site / name).as_uri())
    page.wait_for_load_state("load")
    return page


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.targets, self.images, self.remote = set(), [], [], []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.ids |= {known[key] for key in ("id", "name") if known.get(key)}
        if tag == "a" and known.get("href"):
            self.targets.append(known["href"])
        if tag == "img":
            self.images.append(known)
        if tag in ("script", "link", "img", "iframe") and re.match(
            r"(https?:)?//", known.get("src", known.get("href", ""))
        ):
            self.remote.append(known)


def links_of(path):
    found = Links()
    found.feed(path.read_text(encoding="utf-8"))
    return found


def test_every_page_is_there_and_every_chapter_can_be_reached(site):
    names = {p.relative_to(site).as_posix() for p in site.rglob("*.html")}
    others = {"index.html", "map.html", "notation.html", "glossary.html", "errata.html", "licences.html", "search.html"}
    assert names >= {f"chapters/{name}.html" for name in CHAPTERS} | others
    reached = {unquote(urldefrag(target)[0]) for target in links_of(site / "index.html").targets}
    assert reached >= {f"chapters/{name}.html" for name in CHAPTERS} | others - {"index.html", "search.html"}


def test_every_link_leads_somewhere_and_nothing_is_fetched(site):
    known = {path: links_of(path) for path in site.rglob("*.html")}
    lost = []
    for path, found in known.items():
        assert found.remote == [], path
        for target in found.targets:
            address, mark = urldefrag(target)
            if re.match(r"\w+:", address):
                assert address.startswith("https://")
                continue
            file = (path.parent / unquote(address)).resolve() if address else path
            if not file.exists() or (mark and file in known and unquote(mark) not in known[file].ids):
                lost.append((path.name, target))
    assert lost == []


def test_pictures_carry_their_words(site):
    for name in CHAPTERS:
        images = links_of(site / "chapters" / f"{name}.html").images
        assert images and all(image.get("alt") for image in images), name


def test_terms_letters_and_errata_have_their_pages(site):
    for name, terms in {
        "glossary": [term.name for term in GLOSSARY],
        "notation": [letter.meaning for letter in NOTATION],
        "errata": [one.where for one in ERRATA],
    }.items():
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        assert [term for term in terms if term.split(",")[0].split("'")[0] not in text] == []


def test_the_cover_draws_who_needs_whom(site):
    drawn = re.search(r'<svg class="needs".*?</svg>', (site / "index.html").read_text(encoding="utf-8"), re.DOTALL)[0]
    needs = {c.name[:2]: c.about["needs"] for c in map(source.read, source.paths())}
    assert drawn.count("<path") == sum(map(len, needs.values())) and drawn.count("<a ") == len(needs)
    assert f"{CHAPTERS[-1][:2]} needs {' and '.join(needs[CHAPTERS[-1][:2]])}." in drawn


def test_a_chapter_stands_behind_all_that_it_needs():
    assert graph.columns({"a": [], "b": ["a"], "d": ["a", "c"], "c": ["b"]}) == {"a": 0, "b": 1, "c": 2, "d": 3}
    places = graph.places({"a": [], "b": ["a"], "c": ["a"]})
    assert places["b"][0] == places["c"][0] > places["a"][0] and places["b"][1] != places["c"][1]
    with pytest.raises(ValueError, match="chapters b, c need each other"):
        graph.columns({"a": [], "b": ["c"], "c": ["b"]})


def test_the_map_has_a_row_for_everything(site):
    text = unescape((site / "map.html").read_text(encoding="utf-8"))
    assert [item.name for item in items() if f"<p>{item.name}</p>" not in text] == []


def test_the_search_knows_the_words_of_the_chapters(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(") and all(name in index for name in CHAPTERS)


def test_a_closed_output_stays_closed(site):
    for name in CHAPTERS:
        text = (site / "chapters" / f"{name}.html").read_text(encoding="utf-8")
        closed = sum("reveal" in cell.tags for cell in source.read(source.FOLDER / f"{name}.py").cells)
        assert text.count("tag_hide-output") >= closed


@pytest.mark.parametrize("name", boards.names())
def test_a_module_becomes_a_function(name):
    made = boards.as_function(nokernel.script(name))
    assert "export" not in re.findall(r"^\w+", made, re.MULTILINE) and re.search(
        r"^return .*render.*;$", made, re.MULTILINE
    )


def test_a_script_without_a_default_export_is_refused():
    with pytest.raises(ValueError, match="needs one 'export default' and no import; this one has 0"):
        boards.as_function("export const a = 1;")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds something that is no web book"):
        build.build(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_table_keeps_bars_apart():
    assert pages.table(("a", "b"), [("|x|", "y")]) == "| a | b |\n| --- | --- |\n| \\|x\\| | y |"


# -- in a browser ------------------------------------------------------------------------------------------------------


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize(
    "name", ["index", *(f"chapters/{name}" for name in CHAPTERS), "map", "notation", "glossary", "errata"]
)
def test_a_page_opens_from_a_folder_without_error_and_shuts_nobody_out(page, site, name):
    page.errors.clear()
    opened(page, site, f"{name}.html")
    assert shut_out(page, "article") == []
    assert page.errors == [] and page.elsewhere == []


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("name", BOARDS)
def test_a_figure_lives_in_its_page(page, site, name):
    (chapter,) = (c for c in CHAPTERS if c.startswith(figures.chapter_of(name)))
    opened(page, site, f"chapters/{chapter}.html")
    labels = [board.get_attribute("aria-label") for board in page.locator(".mx-figure").all()]
    assert page.locator("figure.mx-board").count() == 0, "a still picture was left"
    texts = f"book.figures.{name}("
    cell = page.locator("div.cell", has_text=texts).first
    figure = cell.locator(".mx-figure").first
    playwright.expect(figure).to_be_visible()
    assert moved(page, figure), labels


@needs_browser
@pytest.mark.browser
def test_formulas_are_set_without_a_network(page, site):
    opened(page, site, "chapters/06_three_ways.html")
    page.wait_for_selector("mjx-container", timeout=20_000)
    assert page.locator("mjx-container").count() > 5 and page.elsewhere == []


@needs_browser
@pytest.mark.browser
def test_the_search_finds_a_chapter(page, site):
    page.goto((site / "search.html").as_uri() + "?q=guided")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    found = [a.get_attribute("href") for a in page.locator("#search-results li a").all()]
    assert any(Path(urldefrag(target)[0]).stem.startswith("06") for target in found) and page.elsewhere == []
