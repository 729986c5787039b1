"""The picture, the raw map and the heat map over the picture, side by side: a row per picture or frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minixai.draw import numbers, panels, words
from minixai.draw.sheet import Sheet
from minixai.draw.style import styled
from minixai.ops import Array
from minixai.result import Explanation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Row:
    """One row of panels. Pictures are (H, W, 3) in [0, 1], maps (H, W); features are (F,) in both."""

    heading: str
    picture: Array
    map: Array
    heat: Array
    limits: tuple[float, float]  # the scale of the map
    levels: tuple[float, float]  # where the lines are drawn: on the map, on the heat map


def figure_of(e: Explanation, rows: Sequence[Row]) -> "Figure":
    """These rows of the explanation; if there are very many of them, some, and the figure says so."""
    shown = [rows[i] for i in numbers.shown(len(rows))]
    alt = words.alt_text(e)
    with styled():
        sheet = Sheet(len(shown), 3, title=words.name_of(e), choices=words.choices(e), foot=foot(e, rows), alt=alt)
        for i, row in enumerate(shown):
            kind = words.kind_of(row.picture)
            sheet.head(i, row.heading)
            panels.show_picture(sheet.panel(i, 0, kind), row.picture)
            panels.show_map(sheet.panel(i, 1, "raw map"), row.map, row.limits, row.levels[0], bar=True)
            panels.show_heat(sheet.panel(i, 2, f"heat map over {kind}"), row.picture, row.heat, row.levels[1])
    return sheet.figure


def foot(e: Explanation, rows: Sequence[Row], what: str = "rows") -> str:
    """What the lines mean, and whether something is left out."""
    shown = len(numbers.shown(len(rows)))
    left_out = f"Shown: {shown} of {len(rows)} {what}." if shown < len(rows) else ""
    lines = words.line_words(rows[0].map, numbers.knows_class(e), bool((e.map < 0).any()))
    return words.listed(lines, left_out, between=" ")


def rows_of(e: Explanation) -> list[Row]:
    """Every row there is."""
    signed = numbers.is_signed(e)  # of the whole batch: one method, one colour map
    if not e.batched:
        return _frames(e, "", signed)
    return [row for i in range(len(e)) for row in _frames(e[i], f"picture {i + 1} of {len(e)}", signed)]


def _frames(e: Explanation, which: str, signed: bool) -> list[Row]:
    """The rows of a single explanation: one, or one per frame of a clip, all on one scale."""
    picture, values, heat = numbers.picture_of(e), numbers.map_of(e), numbers.as_floats(e.heatmap)
    scales = numbers.limits([values], signed), (numbers.level(values), numbers.level(heat))
    sums = "" if e.expected is None else words.sum_words(e)
    said = words.listed(words.listed(which, words.class_and_score(e)), sums, between="; ")
    if values.ndim < 3:
        return [Row(said, picture, values, heat, *scales)]
    names = [f"frame {k + 1} of {len(values)}{': ' + said if k == 0 and said else ''}" for k in range(len(values))]
    return [Row(*row, *scales) for row in zip(names, picture, values, heat, strict=True)]
