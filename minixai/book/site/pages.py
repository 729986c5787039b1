"""The pages of the web book that are generated: the cover, the map, the terms, the letters, the errata."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from minixai.book import source
from minixai.book.reference import ERRATA, GLOSSARY, NOTATION
from minixai.book.site import graph
from minixai.book.survey_map import Item, Place, SurveyMap, items, places, rows

OWN = Path(__file__).resolve().parent / "pages"  # those that are written by hand


def written(chapters: Sequence[source.Source]) -> dict[str, str]:
    """{file name: MyST Markdown} of every page that is no chapter."""
    titles = {c.name[:2]: c for c in chapters}
    by_hand = {p.name: p.read_text(encoding="utf-8") for p in sorted(OWN.glob("*.md"))}
    return by_hand | {
        "index.md": cover(chapters, by_hand.pop("index.md")),
        "map.md": from_survey(chapters),
        "notation.md": notation(titles),
        "glossary.md": glossary(titles),
        "errata.md": errata(titles),
    }


def cover(chapters: Sequence[source.Source], opening: str) -> str:
    """The opening, the table of chapters, who needs whom, the table of contents."""
    rows = [
        (chapter_link(c.name), f"{c.about['minutes']} min", ", ".join(c.about["needs"]) or "-", c.about["equations"])
        for c in chapters
    ]
    names = "\n".join(f"chapters/{c.name}" for c in chapters)
    contents = f"```{{toctree}}\n:hidden:\n:caption: Chapters\n\n{names}\n```"
    others = "```{toctree}\n:hidden:\n:caption: Beside them\n\nmap\nnotation\nglossary\nerrata\nlicences\n```"
    told = "Each box needs those from which a line leads to it. Which way you take is up to you."
    head = ("chapter", "core", "needs", "in the survey")
    return "\n\n".join([opening.rstrip(), table(head, rows), told, graph.drawn(chapters), contents, others])


def from_survey(chapters: Sequence[source.Source]) -> str:
    """Every equation, figure, system and claim of the survey, and where the book runs it; a table for each kind."""
    found = places(chapters)
    head = (
        "# From the survey to the cells\n\nEvery equation, figure, named system and tested claim of the survey, and "
        "the cell that runs it or draws it anew. Written by the cells themselves: each says what it runs."
    )
    pages = [head]
    for kind in dict.fromkeys(item.kind for item in items()):
        told: dict[Item, tuple[Place, ...]] = {item: found[item.name] for item in items() if item.kind == kind}
        there, run = SurveyMap(told).counts()[kind]
        pages += [f"## {kind.capitalize()}s", f"{run} of {there}.", "\n".join(rows(told, anchored))]
    return "\n\n".join(pages) + "\n"


def anchored(place: Place) -> str:
    """Where a cell's heading is, as this site names it."""
    name = re.sub(r"[^\w -]", "", place.heading.lower()).replace(" ", "-")
    return f"chapters/{place.chapter}.ipynb#{name}"


def notation(titles: dict[str, source.Source]) -> str:
    rows = [
        (f"${one.letter}$", one.meaning, f"`{one.code}`", one.equations, mention(one.chapter, titles))
        for one in NOTATION
    ]
    head = "# Letters\n\nThe survey gives some letters several meanings. In code each meaning has a name of its own."
    return f"{head}\n\n{table(('letter', 'meaning', 'in code', 'equations', 'chapter'), rows)}\n"


def glossary(titles: dict[str, source.Source]) -> str:
    terms = sorted(GLOSSARY, key=lambda term: term.name.lower())
    entries = "\n\n".join(f"{t.name}\n: {t.meaning} *Chapter {mention(t.chapter, titles)}.*" for t in terms)
    return f"# Terms\n\n{entries}\n"


def errata(titles: dict[str, source.Source]) -> str:
    rows = [(one.where, one.printed, one.meant, one.why, mention(one.chapter, titles)) for one in ERRATA]
    head = (
        "# Where the survey must be read with care\n\nNo reproach: whoever writes thirty-three equations misprints "
        "some. But who programs them must know."
    )
    return f"{head}\n\n{table(('place', 'printed', 'meant', 'how one sees it', 'chapter'), rows)}\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def mention(number: str, titles: dict[str, source.Source]) -> str:
    """The number of a chapter, as a link where the chapter exists."""
    return chapter_link(titles[number].name, number) if number in titles else number


def chapter_link(name: str, text: str = "") -> str:
    return f"[{text}](chapters/{name}.ipynb)"
