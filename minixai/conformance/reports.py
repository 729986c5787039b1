"""Runs for people and for other programs to read: a table as text, one page of HTML, JUnit's XML.

What a program said about itself is shown, never obeyed: it is escaped, and ``runs.plain`` makes its control characters
visible.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from xml.etree import ElementTree

from minixai.conformance.deviations import KINDS
from minixai.conformance.runs import ALL, Change, Result, Run, plain

AGREE = "agree"
GROUPS = {"methods": "Methods", "ops": "Layers", "metrics": "Metrics", "errors": "Questions that must be refused"}
# {status: (word, mark, what it means)}: told apart by the mark and the word, the colour only helps.
SHOWN = {
    "passed": (AGREE, "✓", "the exact numbers, within the tolerance of the case"),
    "convention": ("convention", "≈", "known, and listed: another choice that can be defended"),
    "precision": ("precision", "~", "known, and listed: in exact numbers it would agree"),
    "defect": ("defect", "✗", "known, and listed: neither right nor a convention"),
    "unsupported": ("unsupported", "∅", "known, and listed: an error where an answer was due"),
    "skipped": ("skipped", "–", "the implementation does not have this, and says so"),
    "failed": ("failed", "✖", "not listed: other numbers"),
    "errored": ("errored", "!", "not listed: an error where an answer was due"),
}


def subjects(runs: Sequence[Run]) -> list[str]:
    """What the cases of these runs are about: methods, layers, then refusals, each in the order of their names."""
    found = {result.about for run in runs for result in run.results}
    order = list(GROUPS)
    return sorted(found, key=lambda s: (order.index(_group(s)) if _group(s) in order else len(order), s))


# -- Text --------------------------------------------------------------------------------------------------------------


def as_text(runs: Sequence[Run]) -> str:
    """The table method x implementation; a cell such as "30 agree 2 defect" is written ``30 2D``."""
    tables = [run.by_subject() for run in runs]
    lines = [["", *(run.name for run in runs)]]
    for subject in subjects(runs):
        lines.append([subject, *(_in_letters(table.get(subject, [])) for table in tables)])
    lines.append(["all", *(_in_letters(run.results) for run in runs)])
    letters = ", ".join(f"{_letter(status)} {SHOWN[status][0]}" for status in ALL[1:])
    return f"{columns(lines)}\n\nA number alone: cases that agree; {letters}."


def _in_letters(results: Iterable[Result]) -> str:
    counts = Counter(result.status for result in results)
    return " ".join(f"{counts[status]}{_letter(status)}" for status in ALL if counts[status])


def _letter(status: str) -> str:
    return "" if status == "passed" else status[0].upper()


def changes_as_text(found: Sequence[Change], before: Run, after: Run) -> str:
    """A line per change, and how many there are by what they are about."""
    lines = [change.as_text() for change in found]
    table = [["", "cases", "agree before", "agree after", "worse", "better", "other"]]
    first, second = before.by_subject(), after.by_subject()
    for subject in subjects([before, after]):
        turns = Counter(change.turn for change in found if change.about == subject)
        if turns:
            here, there = first.get(subject, []), second.get(subject, [])
            size = len({result.id for result in (*here, *there)})
            agree = [sum(result.status == "passed" for result in results) for results in (here, there)]
            table.append([subject, *map(str, (size, *agree, turns["worse"], turns["better"], turns["other"]))])
    worse = sum(change.turn == "worse" for change in found)
    said = plain(f"{before.name} ({before.precision}) -> {after.name} ({after.precision})")
    tail = f"{said}: {len(found)} cases changed, {worse} of them for the worse"
    return "\n".join([*lines, *(["", columns(table), ""] if found else []), tail])


def columns(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells under each other."""
    lines = [[plain(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


# -- JUnit -------------------------------------------------------------------------------------------------------------


def as_junit(run: Run) -> str:
    """A test suite per method or layer, a test case per id; known deviations are skipped, with their reason."""
    root = ElementTree.Element("testsuites", _totals(run.results) | {"name": plain(run.name)})
    for subject, results in run.by_subject().items():
        suite = ElementTree.SubElement(root, "testsuite", _totals(results) | {"name": plain(subject)})
        for result in results:
            case = ElementTree.SubElement(suite, "testcase", classname=plain(subject), name=plain(result.id))
            if result.status != "passed":
                ElementTree.SubElement(case, _element(result.status), message=plain(_message(result)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _totals(results: Sequence[Result]) -> dict[str, str]:
    kinds = Counter(_element(result.status) for result in results)
    found = {"tests": len(results), "failures": kinds["failure"], "errors": kinds["error"], "skipped": kinds["skipped"]}
    return {key: str(count) for key, count in found.items()}


def _element(status: str) -> str:
    return {"passed": "", "failed": "failure", "errored": "error"}.get(status, "skipped")


def _message(result: Result) -> str:
    kind = f"known {result.status}: " if result.status in KINDS else ""
    where = f"first at {result.where}, {_apart(result)} of the largest value" if result.worst is not None else ""
    matched = f"is {result.matched}" if result.matched else ""
    return kind + "; ".join(part for part in (where or result.where, result.why, matched) if part)


def _apart(result: Result) -> str:
    return "" if result.worst is None else f"{result.worst:.1e}"


# -- HTML --------------------------------------------------------------------------------------------------------------


def as_html(runs: Sequence[Run]) -> str:
    """One page that needs nothing else: the table, and below it what is behind every cell."""
    rows = subjects(runs)
    tables = [run.by_subject() for run in runs]
    head = "".join(f'<th scope="col">{_named(run)}</th>' for run in runs)
    body = "".join(
        f'<tbody><tr><th scope="rowgroup" class="group" colspan="{len(runs) + 1}">{_say(GROUPS.get(group, group))}</th>'
        f"</tr>{''.join(_row(rows.index(subject), subject, tables) for subject in of_group)}</tbody>"
        for group, of_group in groupby(rows, _group)
    )
    total = "".join(f"<td>{_chips(run.results)}</td>" for run in runs)
    details = "".join(_details(number, subject, runs, tables) for number, subject in enumerate(rows))
    versions = "".join(f"<li>{_say(run.name)}: {_say(_circumstances(run))}</li>" for run in runs)
    return _PAGE.format(
        legend="".join(
            f"<div><dt>{_chip(status, '')}</dt><dd>{_say(meaning)}</dd></div>"
            for status, (_, _, meaning) in SHOWN.items()
        ),
        style=_STYLE + "".join(f".{status}{{background:{colour}}}" for status, colour in _COLOURS.items()),
        table=f'<thead><tr><th scope="col">Cases about</th>{head}</tr></thead>{body}'
        f'<tfoot><tr><th scope="row">All</th>{total}</tr></tfoot>',
        **{"details": details, "versions": versions},
    )


def _row(number: int, subject: str, tables: Sequence[dict[str, list[Result]]]) -> str:
    cells = []
    for column, table in enumerate(tables):
        linked = f'<a href="#r{number}c{column}">{_chips(table.get(subject, []))}</a>'
        cells.append(f"<td>{linked if subject in table else _NOT_ASKED}</td>")
    return f'<tr><th scope="row"><a href="#r{number}">{_say(_short(subject))}</a></th>{"".join(cells)}</tr>'


def _chips(results: Sequence[Result]) -> str:
    counts = Counter(result.status for result in results)
    return " ".join(_chip(status, f"{counts[status]} ") for status in ALL if counts[status])


def _chip(status: str, count: str) -> str:
    word, mark, _ = SHOWN[status]
    return f'<span class="chip {status}"><span aria-hidden="true">{mark}</span> {count}{word}</span>'


def _details(number: int, subject: str, runs: Sequence[Run], tables: Sequence[dict[str, list[Result]]]) -> str:
    group = GROUPS.get(_group(subject), _group(subject))
    parts = [f'<section id="r{number}"><h2>{_say(_short(subject))} <small>{_say(group)}</small></h2>']
    for column, (run, table) in enumerate(zip(runs, tables, strict=True)):
        if subject in table:
            title = _say(f"{_short(subject)}: {run.name}")
            parts.append(f'<h3 id="r{number}c{column}">{title}</h3>{_cases(table[subject])}')
    return "".join([*parts, '<p><a href="#table">Back to the table</a></p></section>'])


def _cases(results: Sequence[Result]) -> str:
    """Cases with the same outcome share a line."""
    kinds = sorted({_kind(result) for result in results}, key=lambda kind: (_URGENT.index(kind[0]), kind))
    lines = "".join(_line([result for result in results if _kind(result) == kind]) for kind in kinds)
    head = "".join(
        f'<th scope="col">{title}</th>'
        for title in ("Outcome", "Cases", "First differs at", "Largest difference", "Why", "Its numbers are")
    )
    return f'<div class="wide"><table class="cases"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _kind(result: Result) -> tuple[str, str, str, str]:
    where = "" if result.status == "passed" else result.where
    return result.status, where, result.why, result.matched


def _line(alike: Sequence[Result]) -> str:
    status, where, why, matched = _kind(alike[0])
    apart = [result.worst for result in alike if result.worst is not None and status != "passed"]
    names = " ".join(f"<code>{_say(name)}</code>" for name in _together(alike))
    return (
        f"<tr><td>{_chip(status, f'{len(alike)} ')}</td><td>{names}</td><td>{_code(where)}</td>"
        f"<td>{f'{max(apart):.2g}' if apart else ''}</td><td>{_say(why)}</td><td>{_code(matched)}</td></tr>"
    )


def _together(results: Sequence[Result]) -> Iterator[str]:
    """The names of cases, those of one family together: "pool-001, 002"."""
    names = [result.id.removeprefix(f"{result.about}/").rpartition("-") for result in results]
    for begins, of_family in groupby(names, key=lambda name: name[:2]):
        yield "".join(begins) + ", ".join(number for _, _, number in of_family)


def _named(run: Run) -> str:
    version = run.versions.get(run.program, "")
    return f"{_say(run.program)}<br><small>{_say(version)} {_say(run.precision)}</small>"


def _circumstances(run: Run) -> str:
    others = ", ".join(f"{name} {version}" for name, version in run.versions.items() if name != run.program)
    return f"{len(run.results)} cases, judged by the tolerances for {run.precision}" + (f"; {others}" if others else "")


def _code(text: str) -> str:
    return f"<code>{_say(text)}</code>" if text else ""


def _say(text: str) -> str:
    return escape(plain(text))


def _group(subject: str) -> str:
    return subject.partition("/")[0]


def _short(subject: str) -> str:
    return subject.partition("/")[2] or subject


_URGENT = ("errored", "failed", "unsupported", "defect", "precision", "convention", "skipped", "passed")
_NOT_ASKED = '<span class="none">not asked</span>'
# Dark text on each of these has a contrast of at least 7; they differ in lightness as well as in hue.
_COLOURS = {
    "passed": "#cfe6f5",
    "convention": "#fbf0b8",
    "precision": "#e4f3dc",
    "defect": "#f6c79b",
    "unsupported": "#e6d5ec",
    "skipped": "#f0f0f0",
    "failed": "#f2a6a0",
    "errored": "#d9b8c4",
}
_STYLE = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;margin:2rem auto;max-width:84rem;padding:0 1.5rem}
h1{font-size:1.7rem;margin:0 0 .5rem}h2{border-top:1px solid #bbb;padding-top:1.2rem;margin-top:2.5rem}
h2 small{font-weight:normal;color:#555;font-size:.9rem}h3{font-size:1.05rem;margin:1.2rem 0 .4rem}
p{max-width:60rem}a{color:#0b4a8f}
table{border-collapse:collapse;font-size:.92rem}caption{text-align:left;padding:.4rem 0 .8rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .7rem;border-bottom:1px solid #ddd}
thead th{border-bottom:2px solid #555}.overview thead th{position:sticky;top:0;background:#fff}
tfoot th,tfoot td{border-top:2px solid #555;border-bottom:0}
th.group{padding-top:1.1rem;font-size:1rem;border-bottom:1px solid #999}
tbody th[scope=row]{font-weight:600;white-space:nowrap}th small{font-weight:normal;color:#555}
td a{text-decoration:none;color:inherit;display:block}td a:hover,td a:focus-visible{outline:2px solid #0b4a8f}
.chip{display:inline-block;white-space:nowrap;border-radius:.25rem;padding:0 .45rem;margin:.08rem 0;color:#1a1a1a}
.none{color:#595959}.cases{table-layout:fixed;width:100%;min-width:60rem}
.cases th:nth-child(1){width:8rem}.cases th:nth-child(2){width:28%}.cases th:nth-child(3){width:7rem}
.cases td:nth-child(2) code{display:inline-block;margin-right:.6rem}
.cases th:nth-child(4){width:6rem}.cases th:nth-child(6){width:9rem}
.wide{overflow-x:auto}code{font-size:.88em;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(34rem,1fr));gap:.1rem 2rem;font-size:.92rem}
dl div{display:flex;gap:.8rem}dt{flex:0 0 8.6rem}dd{margin:0}
.overview{width:100%}.overview td .chip{display:block;width:fit-content;margin:.12rem 0}
:target{background:#fffbe0;scroll-margin-top:1rem}
@media print{.overview thead th{position:static}}
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Explanation methods against exact reference values</title>
<style>{style}</style>
</head>
<body>
<h1>Explanation methods against exact reference values</h1>
<p>Every implementation was asked the same questions: a small network, an input, a method with all of its conventions
spelled out. The expected numbers are exact. Differences are given as a share of the largest expected value.</p>
<dl>{legend}</dl>
<table class="overview" id="table">
<caption>How many cases came out how, by what they are about (rows) and implementation (columns). Each cell leads to
its cases.</caption>
{table}
</table>
<h2>What took part</h2>
<ul>{versions}</ul>
{details}
</body>
</html>
"""
