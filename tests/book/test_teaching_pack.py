"""The teacher's pack: every page there, every link leading somewhere, worksheets that fit on one sheet of paper."""

import json
import re
from html import escape
from html.parser import HTMLParser
from urllib.parse import unquote

import nbformat
import pytest

from minixai import files
from minixai.book import exercises, source
from minixai.book.numbers import fill
from minixai.book.teaching import assignments, grade, nbgrader, pack, papers, plans, slides
from tests.book.browser import browser_page, needs_browser

NUMBERS = ("03", "06")
CHAPTERS = [source.read(path) for path in source.paths(NUMBERS)]
EVERY = [source.read(path) for path in source.paths()]
PAPERS = ("solutions.html", "solutions.md", "rubric.html", "worksheet.html", "slides.html", "plan.html")
SECRET = "open sesame"


def committed(chapter):
    return nbformat.read(files.root("chapters") / f"{chapter.name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A pack of two chapters. The committed notebooks stand in for the solved ones, which take long to run."""
    out = tmp_path_factory.mktemp("teacher") / "pack"
    pack.build(out, NUMBERS, ["anna", "bert 2"], SECRET, {c.name: committed(c) for c in CHAPTERS})
    return out


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def test_every_paper_is_there(made):
    for chapter in CHAPTERS:
        there = {p.name for p in (made / chapter.name).iterdir()}
        assert there == {*PAPERS, f"{chapter.name}.ipynb"}
    assert (made / "courses.html").exists() and (made / "index.html").exists()


def test_every_link_leads_somewhere_and_none_leaves_the_folder(made):
    pages = [p for p in made.rglob("*.html") if "mathjax" not in p.parts]
    assert len(pages) >= 14
    reached = set()
    for page in pages:
        links = Links()
        links.feed(page.read_text())
        for target in links.found:
            if target.startswith("data:"):
                continue
            assert ":" not in target, f"{page.name} asks for {target}"
            there = (page.parent / unquote(target)).resolve()
            assert there.exists() and made.resolve() in there.parents, (page, target)
            reached |= {there} if page.name == "index.html" else set()
    own = {p.resolve() for p in pages if p.name != "index.html"}
    assert own <= reached, "the first page leads to every other one"


def test_the_solutions_hold_every_solution_and_every_answer(made):
    for chapter in CHAPTERS:
        text = (made / chapter.name / "solutions.md").read_text()
        for id, e in exercises.of(chapter.name).items():
            assert f"`{id}`" in text
            assert all(sentence in text for sentence in plans.wrong_answers(e).values())
            assert getattr(e, "code", "") in text


def test_the_worksheet_asks_and_does_not_answer(made):
    for chapter in CHAPTERS:
        text = (made / chapter.name / "worksheet.html").read_text()
        plan = plans.read(chapter)
        for e in exercises.of(chapter.name).values():
            assert getattr(e, "because", "\0") not in text
        for objective in plan.objectives:
            asked = exercises.of(chapter.name).get(objective["exit"])
            assert asked is None or escape(fill(asked.ask)) in text
        assert text.count('class="room"') >= sum(task["lines"] for task in plan.worksheet["by_hand"])


def test_the_hand_ins_go_all_the_way_round(made, tmp_path):
    """Solve one as the teacher's answers say, hand it in, get full points; the other student's numbers are no use."""
    chapter = CHAPTERS[1]
    solved = nbformat.read(made / "hand-ins" / "anna" / f"{chapter.name}.ipynb", as_version=4)
    key = exercises.solutions(chapter.name)
    table = (made / "answers" / f"{chapter.name}.html").read_text()
    rows = re.findall(r"<td>anna</td><td>(\w+) (\d)</td><td>.*?</td><td>(.*?)</td>", table)
    assert rows
    for cell in solved.cells:
        if cell.cell_type == "code":
            cell.source = source.with_solutions(cell.source, key)
            for id, n, answer in rows:
                cell.source = cell.source.replace(f'by_hand["{id}", {n}] = ...', f'by_hand["{id}", {n}] = {answer}')
    for student in ("anna", "bert 2"):
        (tmp_path / student).mkdir()
        nbformat.write(solved, tmp_path / student / f"{chapter.name}.ipynb")
    found = list(grade.grade(tmp_path, SECRET))
    mine = [row for row in found if row.student == "anna"]
    assert sum(row.points for row in mine) == sum(row.of for row in mine) > 10
    assert not any(row.verdict for row in found if row.student == "bert 2" and row.kind == "by hand")


def test_the_slides_show_every_picture_of_the_core_and_close_what_is_a_reveal(made):
    for chapter in CHAPTERS:
        text = (made / chapter.name / "slides.html").read_text()
        cells = [c for c in committed(chapter).cells if "deeper" not in c.metadata.get("tags", ())]
        images = re.findall(
            r'<img alt="([^"]+)"', json.dumps([c.get("outputs", []) for c in cells]).replace('\\"', '"')
        )
        assert images and all(alt in text for alt in images if "\\" not in alt)
        assert 'role="status"' not in text
        assert text.count("<section") >= 8


def test_jupyters_own_slide_show_finds_its_marks(made):
    notebook = nbformat.read(made / CHAPTERS[0].name / f"{CHAPTERS[0].name}.ipynb", as_version=4)
    kinds = {cell.metadata["slideshow"]["slide_type"] for cell in notebook.cells}
    assert kinds == {"slide", "subslide", "skip"} or kinds == {"slide", "subslide", "skip", "-"}


def test_a_folder_that_is_no_pack_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something that is no teacher's pack"):
        pack.build(tmp_path, NUMBERS, executed={})
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_chapter_that_fails_leaves_the_old_pack_as_it_was(tmp_path, monkeypatch):
    (tmp_path / pack.MARK).write_text("last week's")

    def stops(chapter):
        raise RuntimeError(chapter.name)

    monkeypatch.setattr(pack, "run", stops)
    with pytest.raises(RuntimeError, match="06_three_ways"):
        pack.build(tmp_path, ("06",))
    assert [path.name for path in tmp_path.iterdir()] == [pack.MARK]


def test_students_without_a_secret_are_refused(tmp_path):
    with pytest.raises(ValueError, match="students but no secret"):
        pack.build(tmp_path / "pack", NUMBERS, ["anna"])
    assert not (tmp_path / "pack").exists()


@needs_browser
def test_every_worksheet_fits_on_one_sheet(tmp_path):
    pack.copy_mathjax(tmp_path)
    with browser_page(tmp_path.as_uri()) as page:
        for chapter in EVERY:
            (tmp_path / "w").mkdir(exist_ok=True)
            body = papers.worksheet(chapter, plans.read(chapter))
            (tmp_path / "w" / "sheet.html").write_text(pack.page("w", body, up="../", style="worksheet"))
            page.goto((tmp_path / "w" / "sheet.html").as_uri())
            page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
            page.evaluate("MathJax.startup.promise")
            sheet = page.pdf(prefer_css_page_size=True)
            assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1, chapter.name
            assert page.elsewhere == [] and page.errors == []


@needs_browser
def test_the_arrow_keys_turn_the_slides(made):
    with browser_page(made.as_uri()) as page:
        page.goto((made / CHAPTERS[1].name / "slides.html").as_uri())
        shown = page.locator("section.slide:visible")
        first = shown.inner_text()
        page.keyboard.press("ArrowRight")
        assert shown.count() == 1 and shown.inner_text() != first and page.url.endswith("#2")
        page.keyboard.press("ArrowLeft")
        assert shown.inner_text() == first
        page.keyboard.press("End")
        assert page.locator("#where").inner_text() == "{0} of {0}".format(page.locator("section").count())
        assert page.elsewhere == [] and page.errors == []


# -- nbgrader ----------------------------------------------------------------------------------------------------------

MARKS = {"schema_version": int, "grade": bool, "locked": bool, "solution": bool, "task": bool, "grade_id": str}


def test_nbgrader_finds_the_layout_and_the_marks_that_it_documents(tmp_path):
    (written,) = nbgrader.export(tmp_path, ("06",))
    assert written == tmp_path / "source" / "06" / "06.ipynb"
    notebook = nbformat.read(written, as_version=4)
    nbformat.validate(notebook)
    marks = [cell.metadata["nbgrader"] for cell in notebook.cells]
    for one in marks:
        assert set(one) - {"points"} == set(MARKS) and one["schema_version"] == 3
        assert all(type(one[name]) is kind for name, kind in MARKS.items())
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", one["grade_id"])
        assert ("points" in one) == one["grade"] and not (one["grade"] and one["solution"])
    ids = [one["grade_id"] for one in marks]
    assert len(set(ids)) == len(ids)
    whole = sum(one.get("points", 0) for one in marks)
    assert whole == sum(map(assignments.points, assignments.graded("06_three_ways").values()))


def cleared(text):
    """What ``nbgrader generate_assignment`` makes of a solution cell."""
    pattern = r"(?ms)^( *)### BEGIN SOLUTION$.*?^ *### END SOLUTION$"
    return re.sub(pattern, r"\1# YOUR CODE HERE\n\1raise NotImplementedError()", text)


@pytest.mark.parametrize("edition", ["solved", "handed out"])
def test_its_tests_pass_on_the_solution_and_fail_on_what_is_handed_out(edition):
    chapter = next(c for c in EVERY if c.name.startswith("00"))
    notebook = nbgrader.notebook(chapter)
    space, outcomes = {}, []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        marks = cell.metadata["nbgrader"]
        if not marks["grade"]:
            exec(cleared(cell.source) if edition == "handed out" else cell.source, space)
            continue
        try:
            exec(cell.source, space)
            outcomes.append(True)
        except (AssertionError, NotImplementedError):
            outcomes.append(False)
    assert outcomes == [edition == "solved"] * len(assignments.graded(chapter.name))


def test_what_is_handed_out_has_no_solution_in_it():
    for chapter in CHAPTERS:
        text = "\n".join(cleared(cell.source) for cell in nbgrader.notebook(chapter).cells)
        lines = {line.strip().removeprefix("return ") for line in text.splitlines()}
        assert not lines & source.solution_lines(chapter, exercises.solutions(chapter.name))
        assert "SOLUTION" not in text


def test_the_deck_of_a_chapter_without_a_plan_still_opens():
    text = slides.deck(CHAPTERS[0], None, committed(CHAPTERS[0]))
    assert text.count("<section") >= 5
