"""A deck for one chapter: a single page of slides, turned by the arrow keys, printed one slide a sheet.

(nbconvert's slides fetch reveal.js from the network; a classroom need not have one.)
"""

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from minixai.book import exercises, source
from minixai.book.exercise import Question
from minixai.book.teaching import plans
from minixai.book.teaching.page import HERE, bullets, html, opening, page, said
from minixai.book.teaching.papers import name_of

VERDICT = re.compile(r'^\s*<div role="status"')
PICTURE = re.compile(r"<(?:img|table|svg)\b")
LISTING = re.compile(r"<figure><figcaption><code>")
SENTENCES = 60  # words of prose above a figure


def deck(chapter: source.Source, plan: plans.Plan | None, solved: Any) -> str:
    """The page. ``solved``: the chapter's executed notebook, whose figures are shown."""
    slides = [one for one in _slides(chapter, plan, solved) if one]
    body = "".join(f'<section class="slide" tabindex="-1">{one}</section>' for one in slides)
    script = (HERE / "slides.js").read_text(encoding="utf-8")
    back, on = (f'<button id="{id}">{sign}</button>' for id, sign in (("back", "&larr;"), ("on", "&rarr;")))
    bar = f'<nav aria-label="slides">{back} <span id="where"></span> {on}</nav>'
    return page(f"{name_of(chapter)}: slides", f"{body}{bar}<script>{script}</script>", up="../", style="slides")


def with_types(notebook: Any) -> Any:
    """The notebook with the marks by which Jupyter's own slide show turns its cells into slides."""
    for cell in notebook.cells:
        deeper = "deeper" in cell.metadata.get("tags", ())
        starts = cell.cell_type == "markdown" and re.search(r"^#+ ", cell.source, re.MULTILINE)
        kind = "skip" if deeper else "slide" if starts else "subslide" if cell.cell_type == "code" else "-"
        cell.metadata["slideshow"] = {"slide_type": kind}
    return notebook


def _slides(chapter: source.Source, plan: plans.Plan | None, solved: Any) -> Iterator[str]:
    can = bullets(said(o) for o in chapter.about["objectives"])
    yield f"<h1>{escape(name_of(chapter))}</h1><p>Afterwards you can</p>{can}"
    yield html(plan.worksheet["opening"] if plan else opening(chapter))
    known = exercises.of(chapter.name)
    guesses = plans.guesses(chapter)
    for id in guesses:
        question = known[id]
        if isinstance(question, Question):
            yield f"<h2>Guess</h2>{_asked(question)}"
    tasks = plan.worksheet["by_hand"] if plan else ()
    by_hand = bullets((html(task["ask"]) + _closed(html(task["answer"])) for task in tasks), ordered=True)
    yield f"<h2>By hand</h2>{by_hand}" if tasks else ""
    yield from _figures(solved)
    for question in known.values():
        if isinstance(question, Question) and question.id not in guesses:
            yield f"<h2>{'What did you see?' if question.kind == 'observe' else 'Exit ticket'}</h2>{_asked(question)}"
    for one in plan.exit if plan else ():
        yield f"<h2>Exit ticket</h2>{html(one['ask'])}"
    yield _kept(chapter)


def _asked(question: Question) -> str:
    options = (f"<b>{letter}</b>: {said(text)}" for letter, text in question.options.items())
    return f"<p>{said(question.ask)}</p>{bullets(options) if question.options else ''}"


def _closed(inside: str) -> str:
    return f"<details><summary>Open when everybody has written something down (key: o)</summary>{inside}</details>"


def _figures(solved: Any) -> Iterator[str]:
    """One slide per picture of the core, under the heading where it stands, with the sentences that lead to it."""
    heading, lead = "", ""
    for cell in solved.cells:
        if "deeper" in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown":
            found = re.findall(r"^## (.*)$", cell.source, re.MULTILINE)
            heading, lead = (found[-1] if found else heading), _last(cell.source)
            continue
        for shown in _pictures(cell):
            inside = _closed(shown) if "reveal" in cell.metadata.get("tags", ()) else shown
            yield f"<h2>{_plain(heading)}</h2>{html(lead)}{inside}"
            lead = ""


def _pictures(cell: Any) -> Iterator[str]:
    for output in cell.outputs:
        shown = output.get("data", {}).get("text/html", "")
        if PICTURE.search(shown) and not VERDICT.match(shown) and not LISTING.match(shown):
            yield shown


def _last(text: str) -> str:
    """The last paragraph of a cell, if it is a short one without a table or a formula of its own."""
    last = text.strip().split("\n\n")[-1]
    plain = not re.match(r"[|#<*$]|\d\.", last) and "$$" not in last
    return last if plain and len(last.split()) <= SENTENCES else ""


def _plain(heading: str) -> str:
    return html(heading).strip().removeprefix("<p>").removesuffix("</p>")


def _kept(chapter: source.Source) -> str:
    """The chapter's page to keep."""
    for cell in chapter.cells:
        if cell.kind == "markdown":
            for part in re.split(r"(?m)^(?=## )", cell.text):
                if re.match(r"## (?:One page to keep|What you now have)", part):
                    return html(part.split("\n**What the survey leaves open")[0])
    return ""
