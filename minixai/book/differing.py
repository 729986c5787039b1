"""Chapter 17: which library differs where, read from the registries of deviations; no library is asked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from minixai.conformance import deviations, vectors

LIBRARIES = ("captum", "zennit", "shap")


def who_differs(libraries: Sequence[str] = LIBRARIES) -> "Differing":
    """For every method and library: how many cases are listed as a deviation, and of what kind.

    The registries are strict (a listed case that passes fails the tests, and so does one that fails unlisted), so what
    is not listed is right, or declined.
    """
    known = {_named(library): deviations.registry(library) for library in libraries}
    asked: Counter[str] = Counter()
    found: dict[str, dict[str, Counter[str]]] = {}
    for case in vectors.cases(only="methods/*"):
        method = case.question["method"]
        asked[method] += 1
        kinds = found.setdefault(method, {library: Counter() for library in known})
        for library, entries in known.items():
            kinds[library].update([d.kind for d in entries if d.fits(case.id)][:1])  # the first that fits settles it
    return Differing(dict(asked), found)


class Differing:
    """A table: a row per method, a column per library. ``asked``: cases per method."""

    def __init__(self, asked: Mapping[str, int], kinds: Mapping[str, Mapping[str, Counter[str]]]) -> None:
        self.asked, self.kinds = asked, kinds

    @property
    def rows(self) -> list[list[str]]:
        """The table in words, its head first."""
        libraries = list(next(iter(self.kinds.values())))
        body = [[m, str(n), *(_words(self.kinds[m][library]) for library in libraries)] for m, n in self.asked.items()]
        return [["method", "cases", *libraries], *sorted(body)]

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in self.rows
        )

    def _repr_html_(self) -> str:
        head, *body = self.rows
        top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
        lines = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in body
        )
        caption = "<caption>Cases in which a library is known to differ</caption>"
        return f"<table>{caption}<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _named(library: str) -> str:
    """captum 0.9.*: a library and the versions that its registry is about."""
    versions = sorted({d.versions for d in deviations.registry(library)})
    return " ".join([library, *versions])


def _words(kinds: Counter[str]) -> str:
    """7 convention, 3 defect; a dash for nothing."""
    return ", ".join(f"{kinds[kind]} {kind}" for kind in deviations.KINDS if kinds[kind]) or "-"
