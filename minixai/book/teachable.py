"""``python -m minixai.book.teachable [NN ...]``: what a chapter asks of its reader, counted; what may stop one, listed.

The tests hold every chapter to the budgets (``BUDGETS``); long sentences are only listed, for whoever writes next.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from minixai.book import cards, source
from minixai.book.reference import GLOSSARY, Term

LONG = 30  # words in a sentence
BUDGETS = {  # what the core of a chapter may ask: (least, most)
    "cells": (12, 28),
    "words": (900, 1800),
    "lines of code": (30, 90),
    "longest cell": (1, 15),
    "equations": (0, 5),
    "terms": (0, 6),
    "figures": (1, 2),
    "cells that can be skipped": (0, 16),
}
MATH = re.compile(r"\$\$.*?\$\$|\$.*?\$", re.DOTALL)
LISTING = re.compile(r"`[^`]*`")
FIGURE = re.compile(r"book\.figures\.(\w+)\(")
TYPED = re.compile(r"\(-?\d+(?:/\d+)?(?:, -?\d+(?:/\d+)?)+\)|(?<![\w/])\d+/\d+(?![\w/])")  # (3, -1); 8/5


@dataclass(frozen=True)
class Found:
    """A chapter, counted: {what: how many}, the terms it is the first to use, and what is only listed."""

    name: str
    counts: Mapping[str, int]
    terms: tuple[str, ...]
    too_early: tuple[str, ...]
    typed: tuple[str, ...]
    long: tuple[str, ...]

    @property
    def over(self) -> list[str]:
        """The budgets that are not kept, in words."""
        return [
            f"{what}: {self.counts[what]}, expected {least} to {most}"
            for what, (least, most) in BUDGETS.items()
            if not least <= self.counts[what] <= most
        ]


def read(chapter: source.Source, all_of_them: Sequence[source.Source]) -> Found:
    """Count a chapter. ``all_of_them``: the book, to know what was said before."""
    cells = source.with_title(chapter)
    core = [cell for cell in cells if "deeper" not in cell.tags]
    prose = [cell.text for cell in core if cell.kind == "markdown"]
    code = [cell.text for cell in core if cell.kind == "code"]
    lines = [
        sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in cell.splitlines()) for cell in code
    ]
    first = [term.name for term in GLOSSARY if term.chapter == chapter.name[:2]]
    counts = {
        "cells": len(core),
        "words": sum(len(text.split()) for text in prose),
        "lines of code": sum(lines),
        "longest cell": max(lines, default=0),
        "equations": len({n for text in prose for m in re.findall(r"\$\$.*?\$\$", text, re.DOTALL) for n in _tags(m)}),
        "terms": len(first),
        "figures": len({name for cell in code for name in FIGURE.findall(cell)}),
        "cells that can be skipped": len(cells) - len(core),
    }
    long = tuple(s for text in prose for s in sentences(text) if len(s.split()) > LONG)
    return Found(chapter.name, counts, tuple(first), tuple(too_early(chapter, all_of_them)), tuple(typed(prose)), long)


def _tags(equation: str) -> list[str]:
    """The survey's numbers beside a formula: (14)."""
    return re.findall(r"\\?\s\((\d{1,2})\)", equation)


def sentences(markdown: str) -> Iterator[str]:
    """The sentences of a piece of prose; formulas and listings count as one word, tables and headings not at all."""
    kept = [line for line in markdown.splitlines() if not line.lstrip().startswith(("|", "#", "<", "```"))]
    text = LISTING.sub("code", MATH.sub("formula", "\n".join(kept)))
    for block in re.split(r"\n\s*\n|\n\s*[*-] |\n\s*\d\. ", text):
        yield from (s.strip() for s in re.split(r"(?<=[.!?:])\s+", " ".join(block.split())) if s.strip())


def typed(prose: Sequence[str]) -> Iterator[str]:
    """Pairs and fractions that stand in the prose as typed numbers, where one computed in ``numbers/`` belongs."""
    for text in prose:
        bare = LISTING.sub("", MATH.sub("", re.sub(r"\{\{.*?\}\}", "", text)))
        yield from TYPED.findall(bare)


def too_early(chapter: source.Source, all_of_them: Sequence[source.Source]) -> Iterator[str]:
    """Terms in the core that belong to a chapter which this one does not build on, without a recap of it."""
    number, code = chapter.name[:2], "\n".join(cell.text for cell in chapter.cells if cell.kind == "code")
    recapped = {
        cards.CARDS[name].chapter for name in re.findall(r'book\.recap\("([^"]+)"\)', code) if name in cards.CARDS
    }
    known = {number, *before(number, {c.name[:2]: c.about["needs"] for c in all_of_them}), *recapped}
    prose = "\n".join(cell.text for cell in chapter.cells if cell.kind == "markdown" and "deeper" not in cell.tags)
    for term in GLOSSARY:
        if not term.everyday and term.chapter not in known and term.chapter > number and uses(prose, term):
            yield f"{term.name} (chapter {term.chapter})"


def uses(prose: str, term: Term) -> bool:
    """Whether a term stands in the prose, as a whole word."""
    text = LISTING.sub("", MATH.sub("", prose))
    forms = {form: 0 if form.isupper() else re.IGNORECASE for form in (term.name, *term.others)}  # GAP is no gap
    return any(re.search(rf"\b{re.escape(form)}\b", text, case) for form, case in forms.items())


def before(number: str, needs: Mapping[str, Sequence[str]]) -> set[str]:
    """The chapters that a chapter builds on, and those that they build on."""
    found: set[str] = set()
    waiting = list(needs.get(number, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += needs.get(one, ())
    return found


def main(numbers: Sequence[str]) -> None:
    """Print what was counted and what may stop a reader."""
    book = [source.read(path) for path in source.paths()]
    for chapter in book:
        if numbers and chapter.name[:2] not in numbers:
            continue
        found = read(chapter, book)
        print(f"{found.name}: " + ", ".join(f"{count} {what}" for what, count in found.counts.items()))
        for what, listed in {
            "over budget": found.over, "too early": found.too_early, "typed": found.typed, "long": found.long,
        }.items():  # fmt: skip
            for one in listed:
                print(f"  {what}: {one}")


if __name__ == "__main__":
    main(sys.argv[1:])
