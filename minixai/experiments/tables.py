"""Outcomes in words: a page per experiment, and one table of all claims. Markdown."""

from collections.abc import Iterable

from minixai.experiments.intervals import Interval
from minixai.experiments.record import RULES, Outcome, Panel


def page(o: Outcome) -> str:
    """The claim, the verdict, what decided it, and every number."""
    lines = [f"# {o.claim.name}: {o.verdict}", "", f"Section {o.claim.section}: {o.claim.text}", ""]
    lines += [f"Network: {o.network}; {o.pictures} pictures, none of them learnt from. {RULES[o.claim.combine]}", ""]
    lines += ["| statement | claimed | measured | verdict |", "| --- | --- | --- | --- |"]
    lines += [f"| {s.text} | {s.side} {s.border:g} | {said(s.interval)} | {s.verdict} |" for s in o.statements]
    for panel in o.panels:
        lines += ["", *_numbers(panel)]
    lines += ["", *(f"* {name}: {value}" for name, value in o.facts.items())] if o.facts else []
    return "\n".join(lines) + "\n"


def claims(outcomes: Iterable[Outcome]) -> str:
    """Every claim with its verdict, and every statement with its numbers."""
    lines = ["| claim | section | verdict | statement | measured (95 % interval) | its verdict | pictures |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for o in outcomes:
        for i, s in enumerate(o.statements):
            first = (f"{o.claim.name}: {o.claim.text}", o.claim.section, f"**{o.verdict}**") if not i else ("", "", "")
            what = f"{s.text}: {s.side} {s.border:g}"
            lines.append(f"| {' | '.join(first)} | {what} | {said(s.interval)} | {s.verdict} | {o.pictures} |")
    return "\n".join(lines) + "\n"


def said(i: Interval) -> str:
    """0.12 (0.10 to 0.14)."""
    return f"{i.value:.3g} ({i.low:.3g} to {i.high:.3g})"


def _numbers(panel: Panel) -> list[str]:
    if panel.across is None:
        rows = [f"| {r.label} | {said(r.interval)} |" for r in panel.rows]
        return [f"| {panel.title} | mean (95 % interval) |", "| --- | --- |", *rows]
    rows = [f"| {r.label} | {r.x:g} | {said(r.interval)} |" for r in panel.rows]
    return [f"| {panel.title} | {panel.across} | mean (95 % interval) |", "| --- | --- | --- |", *rows]
