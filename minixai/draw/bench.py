"""What ``minixai bench`` measured: ratios to the other side, memory, and how time grows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minixai.draw.page import blank
from minixai.draw.style import AGAINST, FOR, QUIET, styled
from minixai.draw.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ROW, CURVES = 7.6, 0.24, 2.1  # inches: the figure, a ratio, the panels of curves
SIDES = {"engine": (AGAINST, "o", "-"), "pytorch": (FOR, "s", "--")}
NAMES = {"engine": "minixai", "pytorch": "PyTorch"}


def bench_figure(found: Mapping[str, Any]) -> "Figure":
    """A row per ratio, under 1 where the engine needs less, its target as a tick; below, a panel per curve of growth.

    ``found``: plain data, as the benchmark stores it. Raises ValueError where there is nothing to draw.
    """
    rows = ratios(found)
    curves = list(found["parts"].get("scaling", {}).get("curves", {}).values())
    if not rows and not curves:
        raise ValueError("nothing was measured that can be drawn; measure speed, maps, paths, memory or scaling")
    tall = [ROW * len(rows) + 0.35 if rows else 0, CURVES if curves else 0]
    with styled():
        figure = blank(WIDTH, sum(tall) + 1.0, words(found))
        figure.set_layout_engine("constrained")
        parts: Any = figure.subfigures(2, 1, height_ratios=tall) if rows and curves else [figure, figure]
        if rows:
            _show_ratios(parts[0].subplots(), rows)
        if curves:
            panels = parts[1].subplots(1, len(curves), squeeze=False)[0]
            for axes, curve in zip(panels, curves, strict=True):
                _show_curve(axes, curve)
            panels[0].set_ylabel("seconds for a gradient")
            panels[0].legend(frameon=False, fontsize=7, loc="upper left")
        figure.supxlabel(_foot(found), size=7, color=QUIET, x=0.01, ha="left")
    return figure


def ratios(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every ratio to another library that was measured, with what it is measured against."""
    parts = [part for name, part in found["parts"].items() if name != "crowding"]
    return [{**row, "against": part["against"]} for part in parts for row in part.get("ratios", ())]


def words(found: Mapping[str, Any]) -> str:
    """The figure in sentences: every ratio, and how straight the curves are."""
    said = [f"{r['name']}: {short(r['ratio'])} times {r['against']}." for r in ratios(found)]
    for curve in found["parts"].get("scaling", {}).get("curves", {}).values():
        said.append(f"Against {curve['across']} a straight line explains {curve['fits']['engine']['r2']:.1%}.")
    return " ".join(["minixai against PyTorch and Captum.", *said])


def _show_ratios(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    places = range(len(rows) - 1, -1, -1)
    for place, row in zip(places, rows, strict=True):
        axes.plot([row["low"], row["high"]], [place, place], color=AGAINST, lw=4, alpha=0.35, solid_capstyle="butt")
        axes.plot(row["ratio"], place, "o", color=AGAINST, ms=4)
        if row["target"] is not None:
            axes.plot(row["target"], place, "|", color="0.1", ms=9, mew=1.2)
        axes.annotate(short(row["ratio"]), (1.01, place), xycoords=("axes fraction", "data"), size=7.5, va="center")
    axes.axvline(1, color=FOR, lw=1, ls="--")
    axes.set_xscale("log", base=2)
    low, high = min(r["low"] for r in rows), max(r["high"] for r in rows)
    ticks = [t for t in (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8) if min(low, 0.5) / 1.5 <= t <= max(high, 1) * 1.5]
    axes.set_xticks(ticks, labels=[f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_yticks(places, labels=[f"{row['name']}  /  {row['against']}" for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    said = (
        "times as much as the other library (dashed: the same)",
        "bar: middle half of the rounds; tick: wanted at most",
    )
    axes.set_title("\n".join(said))


def _show_curve(axes: "Axes", curve: Mapping[str, Any]) -> None:
    points = curve["points"]
    for side, (colour, marker, dash) in SIDES.items():
        fit = curve["fits"][side]
        x = [point["x"] for point in points]
        ends = [min(x), max(x)]
        axes.plot(x, [point[side] for point in points], marker, color=colour, ms=3.5, label=NAMES[side])
        axes.plot(ends, [fit["slope"] * end + fit["start"] for end in ends], dash, color=colour, lw=0.9, alpha=0.7)
    axes.set_xlabel(curve["across"].partition(",")[0])
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="x", style="sci", scilimits=(-2, 4))


def _foot(found: Mapping[str, Any]) -> str:
    machine, versions = found["machine"], found["versions"]
    used = ", ".join(f"{name} {versions[name]}" for name in ("numpy", "torch", "captum") if versions.get(name))
    return f"{machine['cpu']}, {machine['threads']} threads; {used}"
