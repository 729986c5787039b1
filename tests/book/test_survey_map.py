"""The map from the survey to the cells: complete, and true."""

import json
import re

import pytest

from minixai import book, files
from minixai.book import source
from minixai.book.survey_map import EQUATIONS, FIGURES, Place, SurveyMap, first_line, items, places, with_headings

CHAPTERS = [source.read(path) for path in source.paths()]
ITEMS = {item.name: item for item in items()}
MARKED = [(c, n, cell) for c in CHAPTERS for n, cell in enumerate(c.cells) if cell.survey]


def chapter(text: str) -> source.Source:
    about = {"title": "A title", "minutes": 1, "objectives": (), "needs": (), "equations": ""}
    return source.Source("99_test", about, (source.Cell("markdown", "## One\n\ntext\n\n### Two"), *text))


def test_the_survey_is_counted():
    kinds = [item.kind for item in items()]
    assert (len(EQUATIONS), len(FIGURES), kinds.count("equation"), kinds.count("figure")) == (33, 10, 33, 10)
    assert len(ITEMS) == len(items())  # no two by one name


def test_everything_has_a_cell():
    assert [item.name for item in book.survey_map().missing()] == []


@pytest.mark.parametrize("about,n,cell", MARKED, ids=[f"{c.name[:2]}-{n}" for c, n, _ in MARKED])
def test_a_marked_cell_runs(about, n, cell):
    """It is code, and its committed output is there; for a figure there is a picture, for a claim its verdict."""
    assert cell.kind == "code", f"{about.name}: only code runs {cell.survey}"
    made = json.loads((files.root("chapters") / f"{about.name}.ipynb").read_text(encoding="utf-8"))["cells"][n]
    text = json.dumps(made["outputs"])
    defines = re.search(r"^(def|class) |book\.show", cell.text, re.MULTILINE)
    assert made["outputs"] or defines, f"{about.name}: nothing comes out of {first_line(cell.text)!r}"
    if any(ITEMS[name].kind == "figure" for name in cell.survey):
        assert re.search("image/png|image/svg|<svg|data:image", text), f"{about.name}: no picture for {cell.survey}"
    for name in cell.survey:
        if ITEMS[name].kind == "claim":
            assert re.search("confirmed|refuted|inconclusive", text), f"{about.name}: no verdict for {name}"


def test_a_place_knows_its_heading():
    found = places([chapter([source.Cell("code", "# first\nfrom a import b\nb(1)\n", (), ("(7)",))])])
    assert found["(7)"] == (Place("99_test", "Two", "b(1)"),)
    assert found["(8)"] == ()


def test_before_any_heading_there_is_the_title():
    told = chapter([])
    assert [h for _, h in with_headings(told)] == ["Two"]
    bare = source.Source(told.name, told.about, (source.Cell("code", "1", (), ("(7)",)),))
    assert places([bare])["(7)"][0].heading == "99 A title"


def test_a_marker_that_names_nothing_is_refused():
    with pytest.raises(ValueError, match=r"'figure 11'; did you mean"):
        places([chapter([source.Cell("code", "1", (), ("figure 11",))])])


def test_counts_and_what_is_missing():
    items_ = items()[:2]
    told = SurveyMap({items_[0]: (Place("99_test", "Two", "b(1)"),), items_[1]: ()})
    assert told.counts() == {"equation": (2, 1)}
    assert told.missing() == [items_[1]]
    assert repr(told).endswith("equations: 1 of 2")
    table = told._repr_markdown_().splitlines()
    assert table[2].endswith("| [99 Two](99_test.ipynb) |") and table[3].endswith("| - |")


def test_one_chapter_shows_only_its_own():
    shown = book.survey_map("07")
    assert {place.chapter[:2] for where in shown.found.values() for place in where} == {"07"}
    with pytest.raises(ValueError, match="there is no chapter '77'"):
        book.survey_map("77")


def test_the_map_that_chapter_18_shows_is_the_present_one():
    cells = json.loads((files.root("chapters") / "18_choosing.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = [output["data"]["text/markdown"] for cell in cells for output in cell.get("outputs", ())
             if "| in the survey |" in "".join(output.get("data", {}).get("text/markdown", ""))]  # fmt: skip
    assert ["".join(one) for one in shown] == [book.survey_map()._repr_markdown_()]
