"""Two engines compared: how far apart, method by method."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.draw.page import blank
from minixai.draw.style import AGAINST, FOR, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST = 1e-17  # what is equal to the last bit is drawn here


def differences(reports: Sequence[Mapping[str, Any]]) -> "Figure":
    """A panel per network: dots for shared decisions, crosses for each engine alone, a line for the tolerance."""
    rows = max(len(report["methods"]) for report in reports)
    with styled():
        figure = blank(4.2 * len(reports) + 1.2, 0.28 * rows + 1.6, " ".join(map(_said, reports)))
        figure.set_layout_engine("constrained")
        panels = figure.subplots(1, len(reports), sharex=True, squeeze=False)[0]
        for panel, report in zip(panels, reports, strict=True):
            _panel(panel, report)
        figure.supxlabel("largest difference, of the largest value", fontsize="medium")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=3, frameon=False)
    return figure


def _said(report: Mapping[str, Any]) -> str:
    worst = max(report["methods"], key=lambda row: row["shared"])
    agree = "agree" if report["passed"] else "do not agree"
    return (
        f"{report['network']}, {report['dtype']} on {report['device']}: the engines {agree}; with decisions shared "
        f"they are furthest apart at {worst['method']}, by {worst['shared']:.1e} of the largest value."
    )


def _panel(panel: Any, report: Mapping[str, Any]) -> None:
    methods = report["methods"]
    heights = np.arange(len(methods))[::-1]
    shared, alone = ([max(row[key], LEAST) for row in methods] for key in ("shared", "alone"))
    panel.scatter(shared, heights, marker="o", s=18, color=AGAINST, label="decisions shared", zorder=3)
    panel.scatter(alone, heights, marker="x", s=22, color=FOR, label="each alone", zorder=2)
    panel.plot([row["tolerance"] for row in methods], heights, ":", color="0.3", label="tolerance")
    panel.set_xscale("log")
    panel.set_yticks(heights, [row["method"] for row in methods])
    panel.set_title(f"{report['network']}, {report['dtype']} on {report['device']}")
