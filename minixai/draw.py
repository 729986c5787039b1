"""Figures (Section 3.3), and the words that say what they show.

Every figure is made of equal panels in one order: the picture, the raw map, the heat map over the picture. Unsigned
maps are drawn from 0 upwards (magma), signed ones on a symmetric scale around 0 (RdBu_r), and lines along the edges of
the pixels repeat what the colours say. Matplotlib is imported when something is drawn; its global settings and
``pyplot`` are left alone.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from html import escape
from io import BytesIO
from itertools import count
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai import files
from minixai.network import INPUT, Network, Node, forward
from minixai.ops import Array, Conv2d, Conv3d, Flatten, GlobalAvgPool, Identity, Linear, Op, ReLU
from minixai.ops.numbers import zeros
from minixai.ops.pooling import AdaptiveAvgPool2d, AvgPool2d, AvgPool3d, MaxPool2d, MaxPool3d
from minixai.result import Explanation
from minixai.taxonomy import Method
from minixai.zoo.weights import write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = files.PACKAGE / "minixai.mplstyle"
PANEL, MARGIN = 2.0, 0.2  # inches: the side of a panel; round the figure
CELL, CLOSE = 2.75, 2.3  # inches from one panel to the next, with a colour bar between them and without
TITLE, LINE, HEADING, FOOT = 0.35, 0.13, 0.6, 0.3  # inches: the title, a small line, above each row, below all
SIGNED, UNSIGNED = "RdBu_r", "magma"
FOR, AGAINST, QUIET = "#b2182b", "#2166ac", "0.35"
TINT = 0.6  # how much of the colour of a pixel is the heat map, the rest is the picture
CELLS = 16  # larger maps are averaged to so many cells a side before lines are drawn on them
ROWS = 12  # a batch or a clip of more is drawn in part, and the figure says so
SUFFIXES = (".png", ".npz")
NEVER_NEGATIVE = ("deep-taylor",)  # shares a score out, and no share is below 0

# -- the figures -------------------------------------------------------------------------------------------------------


def explanation(e: Explanation) -> "Figure":
    """The picture, the raw map with its scale, the heat map over the picture; one row per picture or frame."""
    rows = _rows(e)
    shown = [rows[i] for i in _spread(len(rows), ROWS)]
    left_out = f" Shown: {len(shown)} of {len(rows)} rows." if len(shown) < len(rows) else ""
    with _style():
        foot = _line_words(rows[0].map) + left_out
        sheet = Sheet(len(shown), 3, {"title": _name(e), "choices": _choices(e), "foot": foot, "alt": alt_text(e)})
        for i, row in enumerate(shown):
            sheet.head(i, row.heading)
            shown_as = "features" if row.picture.ndim == 1 else "picture"
            _show_picture(sheet.panel(i, 0, shown_as), row.picture)
            _show_map(sheet.panel(i, 1, "raw map"), row.map, row.limits, row.levels[0], bar=True)
            _show_heat(sheet.panel(i, 2, f"heat map over {shown_as}"), row.picture, row.heat, row.levels[1])
    return sheet.figure


def atlas(
    explanations: Mapping[str, Explanation],
    refused: Mapping[str, str] | None = None,
    *,
    network: str = "",
    methods: Sequence[Method] = (),
) -> "Figure":
    """Many methods' maps of one picture, each on a scale of its own; and why the others do not fit.

    ``refused``: {method: reason}. ``network`` is the name for the title; ``methods`` (``minixai.methods()``) gives the
    sections of the survey and its order. Raises ValueError for a batch, or for nothing to draw.
    """
    reasons = dict(refused or {})
    if not explanations:
        raise ValueError("atlas was given no explanation; expected {method: explanation}, for example explain_all's")
    for name, e in explanations.items():
        if e.batched:
            raise ValueError(f"{name} explains a batch of {len(e)}; atlas draws one picture: explain x[i]")
    sections = {m.name: f"Section {m.section}" for m in methods}
    names = sorted([*explanations, *reasons], key=[*sections, *explanations, *reasons].index)
    first = next(iter(explanations.values()))
    title = ": ".join(filter(None, [network, _class_and_score(first)]))
    with _style():
        words = {"title": title, "foot": f"Every map has a scale of its own. {_line_words(_map(first))}"}
        words["alt"] = _atlas_words(title, explanations, reasons)
        sheet = Sheet(-(-(len(names) + 1) // 5), 5, words, cell=CLOSE, room=5)
        shown_as = "features" if first.map.ndim == 1 else "picture"
        _show_picture(sheet.next(shown_as, _size(first)), _middle(_picture(first), 3))
        for name in names:
            if name in reasons:
                _show_reason(sheet.next(name, sections.get(name, "")), reasons[name])
                continue
            values = _map(explanations[name])
            limits = _limits([values], _signed(explanations[name]))
            scale = _scale_words(limits) if values.any() else "zero everywhere"
            axes = sheet.next(name, ", ".join(filter(None, [sections.get(name), scale])))
            _show_map(axes, _middle(values, 2), limits, _level([values]))
        _show_scales(sheet)
    return sheet.figure


def strip(
    maps: Mapping[str, Explanation | Array],
    *,
    picture: Array | None = None,
    title: str = "",
    signed: bool | None = None,
    columns: int = 5,
) -> "Figure":
    """Maps side by side on one shared scale, so that their numbers can be compared: {title: explanation or array}.

    ``picture`` (H, W), (H, W, 3) or features (F,) comes first, if given. ``signed`` None: symmetric around 0 if any
    map is signed. Raises ValueError for arrays that are not one map each.
    """
    values = {name: _one_map(name, m) for name, m in maps.items()}
    if not values:
        raise ValueError("strip was given no map; expected {title: explanation or array}")
    if signed is None:
        signed = any(_signed(m) if isinstance(m, Explanation) else bool((_numbers(m) < 0).any()) for m in maps.values())
    limits = _limits(values.values(), signed)
    panels = len(values) + (picture is not None)
    words = ". ".join(f"{name}: {_where(m, signed)}" for name, m in values.items())
    alt = f"{title + ': ' if title else ''}{len(values)} maps on one {_scale_words(limits)}. {words}."
    with _style():
        foot = f"One {_scale_words(limits)} for all. {_line_words(next(iter(values.values())))}"
        shape = -(-panels // columns), min(panels, columns)
        sheet = Sheet(*shape, {"title": title, "foot": foot, "alt": alt}, cell=CLOSE)
        if picture is not None:
            _show_picture(sheet.next("picture"), _given_picture(picture))
        for i, (name, m) in enumerate(values.items(), 1):
            _show_map(sheet.next(name), m, limits, _level([m]), bar=i == len(values))
    return sheet.figure


# -- words and files ---------------------------------------------------------------------------------------------------


def alt_text(e: Explanation) -> str:
    """What the figure shows, in a few sentences: where the evidence lies, how much speaks against, what it sums to."""
    if e.batched:
        shown = list(_spread(len(e), ROWS))
        rest = f" {len(e) - len(shown)} more pictures are not shown." if len(shown) < len(e) else ""
        return " ".join(f"Picture {i + 1} of {len(e)}: {alt_text(e[i])}" for i in shown) + rest
    by = "A heat map from elsewhere" if e.method == "given" else f"Heat map by {e.method}"
    about = ", ".join(filter(None, [by, _class_and_score(e)]))
    sums = "" if e.expected is None else f" {_sentence(_sum_words(e))}"
    return f"{about}. {_sentence(where(e))}{sums}"


def where(e: Explanation) -> str:
    """In which part of the picture the evidence (in unsigned maps: most of it) lies, as half a sentence."""
    return _where(_map(e), _signed(e))


def as_html(e: Explanation) -> str:
    """The figure with its words, for a page: <figure><img alt=... src=data:image/png...></figure>."""
    return _html(explanation(e))


def save(e: Explanation, path: str | Path) -> Path:
    """Write the figure (``.png``, its words as the field Description) or the numbers (``.npz``); the path.

    An .npz holds relevance, map, heatmap, x, ``signals/NODE`` and the facts; fractions are stored as float64, and as
    strings in relevance_exact. The file appears whole or not at all. Raises ValueError for any other suffix.
    """
    path = checked(path)
    write(path, _png(explanation(e)) if path.suffix.lower() == ".png" else _npz(e))
    return path


def save_figure(figure: "Figure", path: str | Path) -> Path:
    """Write a figure of this module as ``.png``, its words as the field Description; the path."""
    path = checked(path, (".png",))
    write(path, _png(figure))
    return path


def checked(path: str | Path, suffixes: Sequence[str] = SUFFIXES) -> Path:
    """The path, if a file can be written there under one of these suffixes."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"cannot write {str(path)!r}; expected a name that ends in {' or '.join(suffixes)}")
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder; give the name of a file")
    return path


def _png(figure: Any) -> bytes:
    buffer = BytesIO()
    with _style():
        figure.savefig(buffer, format="png", metadata={"Description": figure.alt, "Software": None})
    return buffer.getvalue()


def _html(figure: Any) -> str:
    alt = escape(figure.alt, quote=True)
    return f'<figure><img alt="{alt}" src="data:image/png;base64,{b64encode(_png(figure)).decode()}"></figure>'


def _npz(e: Explanation) -> bytes:
    arrays = {"relevance": e.relevance, "map": e.map, "heatmap": e.heatmap, "x": e.x, "target": e.target}
    arrays |= {"score": e.score, "expected": e.expected, "total": e.total}
    arrays |= {f"signals/{name}": signal for name, signal in e.signals.items()}
    found: dict[str, Any] = {name: _numbers(a) for name, a in arrays.items() if a is not None}
    if e.relevance.dtype == object:
        found["relevance_exact"] = e.relevance.astype(str)
    facts = {"method": e.method, "label": e.label, "params": dict(e.params), "notes": dict(e.notes)}
    buffer = BytesIO()
    np.savez_compressed(buffer, facts=json.dumps(facts, default=str), alt=alt_text(e), **found)  # numbers and strings
    return buffer.getvalue()


def _name(e: Explanation) -> str:
    return "a map from elsewhere" if e.method == "given" else e.method


def _choices(e: Explanation) -> str:
    """The parameters and what was chosen for the reader, as one line; arrays by their shape."""
    given = {name: value for name, value in e.params.items() if value is not None}
    said = [f"{name}={f'array {v.shape}' if hasattr(v, 'shape') and v.shape else v}" for name, v in given.items()]
    return ", ".join([*said, *(f"{name}: {value}" for name, value in e.notes.items())])


def _class_and_score(e: Explanation) -> str:
    if e.target is None:
        return ""
    named = f"class {int(e.target) if e.label is None else e.label}"
    return named if e.score is None else f"{named}, score {_short(e.score)}"


def _sum_words(e: Explanation) -> str:
    return f"the relevance sums to {_short(e.total)}, expected {_short(e.expected)}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _short(value: Any) -> str:
    return f"{float(value):.3g}"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def _scale_words(limits: tuple[float, float]) -> str:
    return f"scale ±{_short(limits[1])}" if limits[0] < 0 else f"scale 0 to {_short(limits[1])}"


def _size(e: Explanation) -> str:
    shape = _map(e).shape
    if len(shape) == 3:
        return f"frame {shape[0] // 2 + 1} of {shape[0]}, {_by(shape[1:])} pixels"
    return f"{shape[0]} features" if len(shape) == 1 else f"{_by(shape)} pixels"


def _line_words(values: Array) -> str:
    if values.ndim == 1:
        return "Hatched: against the class."
    cell = -(-max(values.shape[-2:]) // max(_cells(values).shape[-2:]))
    of = "a map's strongest pixel" if cell == 1 else f"a map's strongest cell of {cell} x {cell} pixels"
    return f"Lines: at least half of {of} (solid: for the class, dashed: against it)."


def _atlas_words(title: str, explanations: Mapping[str, Explanation], reasons: Mapping[str, str]) -> str:
    found = [f"{name}: {where(e)}" for name, e in explanations.items()]
    said = ". ".join([*found, *(f"{name} does not fit" for name in reasons)])
    return f"{len(found)} methods explain {title}. {said}."


def _where(values: Array, signed: bool) -> str:
    """In which part of the map its positive numbers lie, and how much is negative."""
    up, down = values.clip(0), -values.clip(None, 0)
    for_, against = float(up.sum()), float(down.sum())
    if for_ == against == 0:
        return "the map is zero everywhere"
    if values.size > 1 and values.min() == values.max():
        return f"the map is {_short(values.flat[0])} everywhere"
    if for_ == 0:
        return f"nothing speaks for the class; the strongest evidence against it lies {_place(down)[0]}"
    place, share = _place(up)
    if not signed:
        return f"the largest values lie {place}, with {_percent(share, for_)} of the whole"
    said = f"the strongest evidence lies {place}, with {_percent(share, for_)} of the positive relevance"
    if against < 0.005 * for_:
        return f"{said}; {'hardly any' if against else 'none'} is negative"
    return f"{said}; {_percent(against, for_ + against)} of all relevance is negative, most of it {_place(down)[0]}"


def _place(amounts: Array) -> tuple[str, float]:
    """The third of the picture (up, down, left, right), or the feature, that holds most; and how much that is."""
    if amounts.ndim == 1:
        best = int(amounts.argmax())
        return f"in feature {best}", float(amounts[best])
    if amounts.ndim == 3:
        frame = int(amounts.sum(axis=(1, 2)).argmax())
        place, share = _place(amounts.sum(axis=0))
        return f"{place} (most of all in frame {frame + 1} of {len(amounts)})", share
    down, across = map(_thirds, amounts.shape)
    shares = down @ amounts @ across.T
    row, column = divmod(int(shares.argmax()), 3)
    return PLACES[row][column], float(shares[row, column])


def _thirds(n: int) -> Array:
    """(3, n): how much of each of n pixels in a row lies in each third; a pixel alone is the middle one."""
    if n < 3:
        return np.eye(3)[[1] if n == 1 else [0, 2]].T
    edges, thirds = np.arange(n + 1) / n, np.arange(4)[:, None] / 3
    overlap = np.minimum(edges[1:], thirds[1:]) - np.maximum(edges[:-1], thirds[:-1])
    return n * overlap.clip(0)


PLACES = (
    ("at the top left", "at the top", "at the top right"),
    ("on the left", "in the centre", "on the right"),
    ("at the bottom left", "at the bottom", "at the bottom right"),
)

# -- what there is to draw ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Row:
    """One row of panels. Pictures are (H, W, 3) in [0, 1], maps (H, W); features are (F,) in both."""

    heading: str
    picture: Array
    map: Array
    heat: Array
    limits: tuple[float, float]  # the scale of the map
    levels: tuple[float, float]  # where the lines are drawn: on the map, on the heat map


def _rows(e: Explanation) -> list[Row]:
    if not e.batched:
        return _frames(e, "", _signed(e))
    return [row for i in range(len(e)) for row in _frames(e[i], f"picture {i + 1} of {len(e)}", _signed(e))]


def _frames(e: Explanation, which: str, signed: bool) -> list[Row]:
    """The rows of a single explanation: one, or one per frame of a clip, all on one scale."""
    picture, values, heat = _picture(e), _map(e), _numbers(e.heatmap)
    limits, levels = _limits([values], signed), (_level([values]), _level([heat]))
    said = ", ".join(filter(None, [which, _class_and_score(e)]))
    said = said if e.expected is None else f"{said}; {_sum_words(e)}"
    if values.ndim < 3:
        return [Row(said, picture, values, heat, limits, levels)]
    names = [f"frame {k + 1} of {len(values)}{': ' + said if k == 0 and said else ''}" for k in range(len(values))]
    return [Row(*row, limits, levels) for row in zip(names, picture, values, heat, strict=True)]


def _numbers(values: Any) -> Array:
    """An array or tensor, of floats or fractions, as NumPy floats."""
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    try:
        return array.astype(np.float64) if array.dtype == object else array
    except TypeError as error:
        raise ValueError(f"the array holds something else than numbers ({error}); put numbers in first") from error


def _map(e: Explanation) -> Array:
    values = _numbers(e.map)
    if not np.isfinite(values).all():
        raise ValueError(f"the map by {e.method} holds NaN or infinite values; expected finite numbers")
    return values


def _signed(e: Explanation) -> bool:
    """Whether 0 is in the middle of the scale: something is negative, or could be where a score is shared out."""
    shares = e.expected is not None and e.method not in NEVER_NEGATIVE
    return shares or bool((_map(e) < 0).any())


def _one_map(name: str, given: Explanation | Array) -> Array:
    values = _numbers(given.map if isinstance(given, Explanation) else given)
    if values.ndim not in (1, 2) or not values.size or not np.isfinite(values).all():
        raise ValueError(f"{name!r} has shape {values.shape}; expected one map (H, W) or (F,) of finite numbers")
    return values


def _given_picture(picture: Any) -> Array:
    values = _numbers(picture)
    if values.ndim not in (1, 2, 3) or (values.ndim == 3 and values.shape[-1] != 3):
        raise ValueError(f"picture has shape {values.shape}; expected (H, W), (H, W, 3) or features (F,)")
    if values.ndim == 1:
        return values
    return _coloured(values if values.ndim == 3 else values[..., None])


def _picture(e: Explanation) -> Array:
    """What was explained: (H, W, 3), a clip (D, H, W, 3), or features (F,)."""
    if e.picture is not None:
        return _coloured(_numbers(e.picture))
    x = _numbers(e.x)
    if e.map.ndim == 1:
        return x.reshape(-1, x.shape[-1]).mean(axis=0)
    return _coloured(np.moveaxis(x, 0, -1) if len(x) == 3 else x.mean(axis=0)[..., None])


def _coloured(picture: Array) -> Array:
    """A picture (..., H, W, 3 or 1) with three colours in [0, 1]: bytes as they are, numbers over their range."""
    picture = np.repeat(picture, 3 // picture.shape[-1], axis=-1)
    if picture.dtype == np.uint8:
        return picture / 255
    low, high = picture.min(), picture.max()
    return (picture - low) / (high - low if high > low else 1)


def _middle(frames: Array, axes: int) -> Array:
    """The frame in the middle of a clip; what has no more than ``axes`` axes as it is."""
    return frames[len(frames) // 2] if frames.ndim > axes else frames


def _limits(maps: Iterable[Array], signed: bool) -> tuple[float, float]:
    """The scale: symmetric around 0 for signed maps, else from 0."""
    top = max(float(abs(m).max()) for m in maps) or 1.0
    return (-top, top) if signed else (0.0, top)


def _cells(values: Array) -> Array:
    """What the lines are drawn round: the pixels, or in larger maps the means of at most 16 x 16 cells."""
    if values.ndim == 1 or max(values.shape[-2:]) <= CELLS:
        return values
    size = tuple(min(n, CELLS) for n in values.shape[-2:])
    planes = values.reshape(1, -1, *values.shape[-2:])
    return AdaptiveAvgPool2d(size).forward(planes).reshape(*values.shape[:-2], *size)


def _level(maps: Iterable[Array]) -> float:
    return max(float(abs(_cells(m)).max()) for m in maps) / 2


def _spread(n: int, most: int) -> Iterable[int]:
    """At most ``most`` of n numbers, evenly spread and including both ends."""
    return range(n) if n <= most else np.linspace(0, n - 1, most).round().astype(int).tolist()


# -- panels ------------------------------------------------------------------------------------------------------------


class Sheet:
    """A figure of equal panels, placed in inches."""

    def __init__(self, rows: int, columns: int, words: Mapping[str, str], cell: float = CELL, room: float = 0) -> None:
        """``words``: title, choices (below it), foot, and alt. ``room``: inches kept free on the right of the title."""
        self.columns, self.cell, self.places = columns, cell, count()
        self.width = 2 * MARGIN + columns * cell + (CELL - cell)
        title = self.lines(words["title"], 9, room)
        choices, foot = (self.lines(words.get(key, ""), 14) for key in ("choices", "foot"))
        self.start = TITLE + 0.2 * title.count("\n") + (LINE * (choices.count("\n") + 1) if choices else 0)
        self.height = self.start + rows * (HEADING + PANEL) + FOOT + LINE * foot.count("\n")
        self.figure = _figure(self.width, self.height, words["alt"])
        self.write(MARGIN, 0.12, title, size=11, weight="bold", va="top")
        self.write(MARGIN, self.start, choices, size=7.5, color=QUIET, va="bottom")
        self.write(MARGIN, self.height - 0.08, foot, size=7.5, color=QUIET, va="bottom")

    def lines(self, text: str, per_inch: float, room: float = 0) -> str:
        """The text in lines that fit between the margins, at so many characters per inch."""
        return "\n".join(wrap(text, int((self.width - 2 * MARGIN - room) * per_inch)))

    def write(self, x: float, y: float, text: str, **how: Any) -> None:
        """Text at so many inches from the left and from the top."""
        self.figure.text(x / self.width, 1 - y / self.height, text, **how)

    def axes(self, x: float, y: float, width: float, height: float) -> "Axes":
        """Axes whose top left corner lies so many inches from the left and from the top."""
        return self.figure.add_axes(
            (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        )

    def top(self, row: int) -> float:
        return self.start + row * (HEADING + PANEL) + HEADING

    def panel(self, row: int, column: int, title: str) -> "Axes":
        axes = self.axes(MARGIN + column * self.cell, self.top(row), PANEL, PANEL)
        axes.set_title(title)
        return axes

    def next(self, title: str, subtitle: str = "") -> "Axes":
        """The next free panel, row by row."""
        row, column = divmod(next(self.places), self.columns)
        if subtitle:
            self.write(MARGIN + column * self.cell, self.top(row) - 0.05, subtitle, size=7.5, color=QUIET)
        axes = self.panel(row, column, "\n".join(wrap(title, 32)))
        axes.set_title(axes.get_title(loc="left"), pad=15 if subtitle else 4, weight="bold")
        return axes

    def head(self, row: int, heading: str) -> None:
        self.write(MARGIN, self.top(row) - 0.22, self.lines(heading, 12), va="bottom")


def _style() -> AbstractContextManager:
    """Our style over Matplotlib's defaults, for as long as something is drawn."""
    from matplotlib import style

    return style.context(str(STYLE), after_reset=True)


def _figure(width: float, height: float, alt: str) -> "Figure":
    figure = _figure_class()(figsize=(width, height))
    figure.alt = alt
    return figure


@cache
def _figure_class() -> Any:
    from matplotlib.figure import Figure

    class Drawing(Figure):
        """A figure that a notebook shows together with its words."""

        alt = ""

        def _repr_html_(self) -> str:
            return _html(self)

    return Drawing


def _bare(axes: "Axes") -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.set_anchor("NW")


def _show_picture(axes: "Axes", picture: Array) -> None:
    if picture.ndim == 1:
        _show_bars(axes, picture, color="0.6")
    else:
        axes.imshow(picture)
        _bare(axes)


def _show_map(axes: "Axes", values: Array, limits: tuple[float, float], level: float, bar: bool = False) -> None:
    if values.ndim == 1:
        hatches = ["////" if value < 0 else "" for value in values]
        colours = [AGAINST if value < 0 else FOR for value in values]
        _show_bars(axes, values, color=colours, hatch=hatches).set_ylim(1.05 * limits[0], 1.05 * limits[1])
        return
    image = axes.imshow(values, cmap=SIGNED if limits[0] < 0 else UNSIGNED, vmin=limits[0], vmax=limits[1])
    _bare(axes)
    _outline(axes, values, level)
    if bar:
        _bar(axes, image, limits)


def _show_heat(axes: "Axes", picture: Array, heat: Array, level: float) -> None:
    """The picture in grey, tinted by the heat map; features: their bars in its colours."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable

    if picture.ndim == 1:
        _show_bars(axes, picture, color=colormaps[UNSIGNED](heat), edgecolor=QUIET, linewidth=0.5)
    else:
        height, width = heat.shape
        grey = picture @ (0.299, 0.587, 0.114)
        axes.imshow(grey, cmap="gray", vmin=0, vmax=1, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
        axes.imshow(heat, cmap=UNSIGNED, vmin=0, vmax=1, alpha=TINT)
        _bare(axes)
        _outline(axes, heat, level)
    _bar(axes, ScalarMappable(cmap=UNSIGNED), (0.0, 1.0), alpha=1 if picture.ndim == 1 else TINT)


def _show_bars(axes: "Axes", values: Array, **how: Any) -> "Axes":
    """One bar per feature, in axes of their own that leave room for the numbers."""
    axes.set_axis_off()
    plot = axes.inset_axes((0.17, 0.1, 0.83, 0.9))
    plot.bar(range(len(values)), values, **how)
    plot.axhline(0, color=QUIET, lw=0.6)
    plot.locator_params(axis="x", integer=True)
    return plot


def _bar(axes: "Axes", shown: Any, limits: tuple[float, float], alpha: float = 1) -> None:
    """A colour bar at the panel's right edge; colours that are laid over grey are laid over grey there too."""
    place = axes.inset_axes((1.03, 0, 0.045, 1), facecolor="0.5")
    bar = axes.figure.colorbar(shown, cax=place, alpha=alpha)
    power = int(np.floor(np.log10(limits[1])))
    power = 0 if -3 < power < 4 else power
    ticks = [limits[0], sum(limits) / 2, limits[1]]
    bar.set_ticks(ticks, labels=[_short(v / 10.0**power) for v in ticks])
    if power:
        place.set_title(f"$\\times10^{{{power}}}$", size=7.5)


def _outline(axes: "Axes", values: Array, level: float) -> None:
    """Lines round the pixels (in large maps: cells) from ``level`` upwards, dashed from minus ``level`` downwards."""
    from matplotlib.patheffects import withStroke

    cells = _cells(values)
    fine = max(4, 400 // max(cells.shape))  # each cell many times over, so that the lines keep to its edges
    padded = np.pad(cells, 1).repeat(fine, axis=0).repeat(fine, axis=1)
    places = zip(padded.shape, cells.shape, values.shape, strict=True)
    y, x = (((np.arange(many) + 0.5) / fine - 1) * size / n - 0.5 for many, n, size in places)
    width = float(np.clip(30 / max(cells.shape), 0.7, 1.2))
    axes.autoscale(False)
    for sign, dashes in ((1, "solid"), (-1, (0, (3, 2)))):
        region = (sign * padded >= level) & (padded != 0)
        if region.any():
            lines = axes.contour(x, y, region, [0.5], colors="black", linestyles=[dashes], linewidths=width)
            lines.set(path_effects=[withStroke(linewidth=2 * width, foreground="white")])


def _show_reason(axes: "Axes", reason: str) -> None:
    _bare(axes)
    axes.set_facecolor("0.94")
    lines = wrap(f"Does not fit: {reason}", 29, max_lines=15, placeholder=" ...")
    axes.text(0.05, 0.95, "\n".join(lines), size=8, va="top", transform=axes.transAxes)


def _show_scales(sheet: Sheet) -> None:
    """What the two colour maps mean, at the top right."""
    ramp = np.linspace(0, 1, 128)[None]
    for i, (colours, low, high) in enumerate(((UNSIGNED, "0", "largest"), (SIGNED, "against", "for"))):
        x = sheet.width - MARGIN - 2.2 * (i + 1) + 0.6
        axes = sheet.axes(x, 0.14, 0.9, 0.13)
        axes.imshow(ramp, cmap=colours, aspect="auto")
        _bare(axes)
        sheet.write(x - 0.06, 0.25, low, size=8, ha="right")
        sheet.write(x + 0.96, 0.25, high, size=8)


# -- networks (Figs. 2 and 3) ------------------------------------------------------------------------------------------

COLUMN, ACROSS, BOX, DOWN, MAPS = 1.6, 7, (1.25, 0.36), 0.42, 0.65  # inches; at most so many blocks side by side
TINTS = {"conv": "#cfe2f3", "linear": "#d9ead3", "relu": "#fce5cd", "pool": "#fff2cc"}
CONVS, POOLS = (Conv2d, Conv3d), (MaxPool2d, MaxPool3d, AvgPool2d, AvgPool3d, AdaptiveAvgPool2d, GlobalAvgPool)
KINDS: dict[str, tuple] = {"conv": CONVS, "linear": (Linear,), "relu": (ReLU,), "pool": POOLS}
HEADS = (GlobalAvgPool, AdaptiveAvgPool2d, Flatten, Identity)


@dataclass(frozen=True)
class Block:
    """A column of the figure: layers that follow one another, and the size of the maps that leave it."""

    title: str
    nodes: tuple[Node, ...]
    size: tuple[int, ...] | None


def network_figure(network: Network, x: Array | None = None) -> "Figure":
    """Fig. 2 from the network itself: its maps from left to right, and above them each block's layers, as in Fig. 3.

    Sizes come from a forward pass of ``x``, or of zeros of ``input_shape``; without either none are given. Dashed
    arrows are the connections that pass over other layers.
    """
    blocks, jumps = _blocks(network, _sizes(network, x)), _jumps(network)
    lines, whole = _lines(blocks, jumps), blocks[0].size
    depths = [DOWN * max(len(block.nodes) for block in line) for line in lines]
    maps = MAPS if whole else 0.0
    tops = np.cumsum([TITLE + 0.25, *(depth + maps + 0.6 for depth in depths)]).tolist()
    width, height = 2 * MARGIN + COLUMN * max(map(len, lines)), tops[-1]
    notes = ["Dashed: connections that pass over other layers."] if jumps else []
    notes += [] if network.feature_layer is None else ["Thick frame: the feature layer (Section 4.6, FEM)."]
    with _style():
        figure = _figure(width, height, _network_words(network, blocks))
        page = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        page.set_axis_off()
        page.text(MARGIN, 0.27, f"{network.name}: {len(network.nodes)} layers", size=11, weight="bold")
        spots: dict[str, tuple[float, float]] = {}
        for line, top, depth in zip(lines, tops, depths, strict=False):
            for j, block in enumerate(line):
                left = MARGIN + 0.2 + COLUMN * j
                page.text(left, top - 0.08, block.title, size=8, weight="bold")
                spots |= _show_layers(page, block.nodes, left, top, network.feature_layer)
                _show_size(page, block.size, left, top + depth + maps, whole)
        _show_arrows(page, network, {b.nodes[0].name for b in blocks[1:]}, jumps, spots)
        page.text(MARGIN, height - 0.1, "\n".join(wrap(" ".join(notes), int(14 * width))), size=7.5, color=QUIET)
    return figure


def _jumps(network: Network) -> list[tuple[str, str]]:
    """The connections (source, target) that pass over other layers."""
    names = [INPUT, *(node.name for node in network.nodes)]
    pairs = zip(names, network.nodes, strict=False)
    return [(source, node.name) for before, node in pairs for source in node.inputs if source != before]


def _lines(blocks: Sequence[Block], jumps: Sequence[tuple[str, str]]) -> list[Sequence[Block]]:
    """Blocks side by side, at most ACROSS: lines of one length, unless that tears a jump apart that can stay whole."""
    place = {INPUT: 0} | {node.name: k for k, block in enumerate(blocks) for node in block.nodes}
    torn = {k for source, target in jumps for k in range(place[source] + 1, place[target] + 1)}
    n = len(blocks)
    even = -(-n // -(-n // ACROSS))
    if torn.isdisjoint(range(even, n, even)):
        return [blocks[k : k + even] for k in range(0, n, even)]
    lines, start = [], 0
    while start < n:
        furthest = min(start + ACROSS, n)
        end = next((k for k in range(furthest, start, -1) if k not in torn), furthest)
        lines.append(blocks[start:end])
        start = end
    return lines


def _sizes(network: Network, x: Array | None) -> dict[str, tuple[int, ...]]:
    """{node: the shape of what it computes, for one picture}; empty where nobody says how large a picture is."""
    if x is None:
        if network.input_shape is None:
            return {}
        x = zeros(network.input_shape, np.empty(0, network.dtype))
    return {step.name: step.y.shape[1:] for step in forward(network, x).steps}


def _blocks(network: Network, sizes: Mapping[str, tuple[int, ...]]) -> list[Block]:
    columns: list[list[Node]] = []
    for node in network.nodes:
        if not columns or columns[-1][-1].name not in node.inputs or _opens(node.op, columns[-1]):
            columns.append([])
        columns[-1].append(node)
    kinds = [next((kind for n in nodes if (kind := _kind(n.op)) in ("conv", "linear")), "other") for nodes in columns]
    names = {"conv": "conv block", "linear": "fully connected", "other": "layers"}
    titles = [f"{names[kind]} {kinds[: k + 1].count(kind)}" for k, kind in enumerate(kinds)]
    made = [Block(t, tuple(nodes), sizes.get(nodes[-1].name)) for t, nodes in zip(titles, columns, strict=True)]
    return [Block("input", (), sizes.get(INPUT)), *made]


def _opens(op: Op, column: Sequence[Node]) -> bool:
    """Whether this layer starts a block: every convolution, and the head, up to and with its linear layer."""
    in_head = all(isinstance(node.op, HEADS) for node in column)
    return isinstance(op, CONVS) or (isinstance(op, (Linear, *HEADS[:3])) and not in_head)


def _kind(op: Op) -> str:
    return next((kind for kind, types in KINDS.items() if isinstance(op, types)), "other")


def _op_words(op: Op) -> str:
    """The layer in a few characters: what its box says below its name."""
    if isinstance(op, Conv2d | Conv3d):
        stride = "" if set(op.stride) == {1} else f", stride {op.stride[0]}"
        return f"{_by(op.weight.shape[2:])}, {op.weight.shape[1] * op.groups} to {len(op.weight)}{stride}"
    if isinstance(op, Linear):
        return f"{op.weight.shape[1]} to {op.weight.shape[0]}"
    if isinstance(op, MaxPool2d | MaxPool3d | AvgPool2d | AvgPool3d):
        return f"{'max' if isinstance(op, MaxPool2d | MaxPool3d) else 'mean'} of {_by(op.kernel)}"
    return type(op).__name__


def _by(size: Iterable[int] | None) -> str:
    return "" if size is None else "x".join(map(str, size))


def _show_layers(page: "Axes", nodes: Sequence[Node], left: float, top: float, feature_layer: str | None) -> dict:
    """A block's layers as boxes, one below the other; {node: the middle of its box}."""
    from matplotlib.patches import Rectangle

    spots = {}
    for i, node in enumerate(nodes):
        y, frame = top + DOWN * i, 2 if node.name == feature_layer else 0.6
        tint = TINTS.get(_kind(node.op), "#eeeeee")
        page.add_patch(Rectangle((left, y), *BOX, facecolor=tint, edgecolor=QUIET, linewidth=frame))
        words = f"{node.name}\n{_op_words(node.op)}"
        page.text(left + BOX[0] / 2, y + BOX[1] / 2, words, size=7, ha="center", va="center", linespacing=1.1)
        spots[node.name] = (left + BOX[0] / 2, y + BOX[1] / 2)
    return spots


def _show_size(page: "Axes", size: tuple[int, ...] | None, left: float, base: float, whole: tuple | None) -> None:
    """The maps that leave a block as a stack of sheets in proportion to the picture; a vector as a thin column."""
    from matplotlib.patches import Rectangle

    if size is None or whole is None:
        return
    if len(size) == 1:
        sheets, height, width = 1, 0.85 * MAPS, 0.07
    else:
        tallest = max(whole[-2:])
        sheets = min(size[0], 4)
        height, width = (max(0.05, 0.8 * MAPS * n / tallest) for n in size[-2:])
    for k in reversed(range(sheets)):
        at = (left + 0.05 + 0.04 * k, base - height - 0.04 * k)
        page.add_patch(Rectangle(at, width, height, facecolor="white", edgecolor=QUIET, linewidth=0.6))
    page.text(left, base + 0.18, _by(size), size=7.5)


def _show_arrows(
    page: "Axes", network: Network, first: set[str], jumps: Sequence[tuple[str, str]], spots: Mapping[str, tuple]
) -> None:
    """A stub into a block that goes on where the last one ended, and a dashed arrow for every jump."""
    dashed = {"arrowstyle": "->", "ls": "--", "lw": 0.8, "connectionstyle": "arc3,rad=-0.25", "color": FOR}
    start = (MARGIN + 0.2 - BOX[0] / 2, spots[network.nodes[0].name][1])
    for name in first:
        if any((source, name) not in jumps for source in network.node(name).inputs):
            left, y = spots[name][0] - BOX[0] / 2, spots[name][1]
            page.annotate("", (left - 0.03, y), (left - 0.3, y), arrowprops={"arrowstyle": "->", "lw": 0.9})
    for source, target in jumps:
        (x, y), (x0, y0) = spots[target], spots.get(source, start)
        page.annotate("", (x - BOX[0] / 2, y), (x0 + BOX[0] / 2, y0), arrowprops=dashed, zorder=0)


def _network_words(network: Network, blocks: Sequence[Block]) -> str:
    parts = [f"{b.title} ({', '.join(type(n.op).__name__ for n in b.nodes)}) {_by(b.size)}".strip() for b in blocks[1:]]
    return f"Network {network.name}, input {_by(blocks[0].size)}: {'; '.join(parts)}."
