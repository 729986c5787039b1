"""A claim of the survey and what was measured: numbers with their 95 % intervals, as rows or as curves."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from minixai.draw.page import blank
from minixai.draw.style import AGAINST, FOR, QUIET, styled
from minixai.draw.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LETTERS = 8.0, 118  # inches; letters in a line of small print
ROW, CURVES, BETWEEN = 0.19, 2.3, 0.75  # inches: a row; a panel of curves; for the title and the axis of a panel
MARKERS, DASHES = "os^vDPX<>*hpd8H", ("-", "--", ":", "-.")
COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#762a83", "#8c510a", "0.25")  # told apart by markers too
MARKS = {"confirmed": "✓", "refuted": "✗"}  # with the words beside them


def claim_figure(outcome: Mapping[str, Any]) -> "Figure":
    """A panel per group of numbers; above them the claim, each statement and its verdict.

    ``outcome``: plain data, as an experiment stores it (``Outcome.as_dict()``). A panel whose rows have an x is drawn
    as curves, the others as rows of dots with bars for the intervals; the dashed line is the border.
    """
    claim, panels = outcome["claim"], outcome["panels"]
    head = [f"Section {claim['section']}: {claim['text']}", *map(_statement, outcome["statements"])]
    lines = [line for part in head for line in wrap(part, LETTERS, subsequent_indent="    ")]
    heights = [CURVES if p["across"] else ROW * len(p["rows"]) + 0.1 for p in panels]
    top = 0.5 + 0.155 * len(lines)
    height = top + sum(heights) + BETWEEN * len(panels) + 0.25
    title = f"{claim['name']}: {outcome['verdict']}"
    with styled():
        figure = blank(WIDTH, height, claim_words(outcome))
        figure.text(0.2 / WIDTH, 1 - 0.12 / height, title, size=11, weight="bold", va="top")
        figure.text(0.2 / WIDTH, 1 - 0.42 / height, "\n".join(lines), size=7.5, color=QUIET, va="top", linespacing=1.25)
        y = top
        for panel, tall in zip(panels, heights, strict=True):
            y += 0.3
            left, wide = (0.7, 5.0) if panel["across"] else (2.6, 4.4)
            axes = figure.add_axes((left / WIDTH, 1 - (y + tall) / height, wide / WIDTH, tall / height))
            (_show_curves if panel["across"] else _show_rows)(axes, panel)
            y += tall + BETWEEN - 0.3
        foot = f"Network: {outcome['network']}. {outcome['pictures']} pictures; bars: 95 % bootstrap intervals."
        figure.text(0.2 / WIDTH, 0.08 / height, foot, size=7.5, color=QUIET, va="bottom")
    return figure


def claim_words(outcome: Mapping[str, Any]) -> str:
    """The claim, the verdict and the deciding numbers, in sentences."""
    said = [f"{s['text']}: {_numbers(s['interval'])}, {s['verdict']}." for s in outcome["statements"]]
    return f"Claim of Section {outcome['claim']['section']}: {outcome['verdict']}. {' '.join(said)}"


def _statement(s: Mapping[str, Any]) -> str:
    mark = MARKS.get(s["verdict"], "?")
    return f"{mark} {s['text']}: {_numbers(s['interval'])}, claimed {s['side']} {s['border']:g}; {s['verdict']}"


def _numbers(interval: Sequence[float]) -> str:
    return f"{short(interval[0])} ({short(interval[1])} to {short(interval[2])})"


def _show_rows(axes: "Axes", panel: Mapping[str, Any]) -> None:
    rows = panel["rows"]
    places = range(len(rows) - 1, -1, -1)
    for place, row in zip(places, rows, strict=True):
        value, low, high = row["interval"]
        axes.plot([low, high], [place, place], color=AGAINST, lw=2.2, alpha=0.55, solid_capstyle="butt")
        axes.plot(value, place, "o", color=AGAINST, ms=3.5)
        axes.annotate(short(value), (1.01, place), xycoords=("axes fraction", "data"), size=7.5, va="center")
    axes.set_yticks(places, labels=[row["label"] for row in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.set_title(panel["title"])
    if panel["border"] is not None:
        axes.axvline(panel["border"], color=FOR, lw=1, ls="--")


def _show_curves(axes: "Axes", panel: Mapping[str, Any]) -> None:
    curves: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(panel["rows"], key=lambda row: row["x"]):
        curves.setdefault(row["label"], []).append(row)
    for i, (label, rows) in enumerate(curves.items()):
        x = [row["x"] for row in rows]
        value, low, high = zip(*(row["interval"] for row in rows), strict=True)
        how: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)], "ls": DASHES[i // len(COLOURS)]}
        axes.plot(x, value, marker=MARKERS[i % len(MARKERS)], ms=3.5, label=label, **how)
        axes.fill_between(x, low, high, color=how["color"], alpha=0.12, lw=0)
    places = sorted({row["x"] for row in panel["rows"]})
    if all(float(place).is_integer() for place in places) and places[-1] >= 8 * places[0] > 0:
        axes.set_xscale("log", base=2)
    axes.set_xticks(*_ticks(places))
    axes.minorticks_off()
    axes.set(xlabel=panel["across"], title=panel["title"])
    if panel["border"] is not None:
        axes.axhline(panel["border"], color=FOR, lw=1, ls="--")
    if len(curves) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), frameon=False, fontsize=7.5, labelspacing=0.25)


def _ticks(places: Sequence[float]) -> tuple[list[float], list[str]]:
    """Where the points are, but for those that stand too close for their numbers."""
    gap = 0.06 * (places[-1] - places[0])
    kept: list[float] = []
    for place in places:
        if not kept or place - kept[-1] >= gap or len(places) <= 6 and place / (kept[-1] or place) >= 1.9:
            kept.append(place)
    return kept, [f"{place:g}" for place in kept]
