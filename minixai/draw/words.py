"""The words: what a figure says in print, and what it says to those who cannot see it (its alt text)."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minixai.draw.numbers import cells, is_signed, knows_class, map_of, shown
from minixai.ops import Array
from minixai.result import Explanation

PLACES = (
    ("at the top left", "at the top", "at the top right"),
    ("on the left", "in the centre", "on the right"),
    ("at the bottom left", "at the bottom", "at the bottom right"),
)

# -- what a figure shows -----------------------------------------------------------------------------------------------


def alt_text(e: Explanation) -> str:
    """What the figure shows, in a few sentences: where the evidence lies, how much speaks against, what it sums to."""
    if e.batched:
        rows = shown(len(e))
        rest = f" {len(e) - len(rows)} more pictures are not shown." if len(rows) < len(e) else ""
        return " ".join(f"Picture {i + 1} of {len(e)}: {alt_text(e[i])}" for i in rows) + rest
    by = "A heat map from elsewhere" if e.method == "given" else f"Heat map by {e.method}"
    sums = "" if e.expected is None else f" {_sentence(sum_words(e))}"
    return f"{listed(by, class_and_score(e))}. {_sentence(where(e))}{sums}"


def atlas_words(title: str, places: Mapping[str, str], refused: Iterable[str]) -> str:
    """``places``: {method: where its evidence lies}; ``refused``: the methods that do not fit."""
    said = [*_each(places), *(f"{name} does not fit" for name in refused)]
    return f"{len(places)} methods explain {title}. {'. '.join(said)}."


def strip_words(title: str, places: Mapping[str, str], limits: tuple[float, float]) -> str:
    """``places``: {name of a map: where its evidence lies}."""
    counted = f"{len(places)} map{'s' if len(places) != 1 else ''}"
    first = listed(title, f"{counted} on one {scale_words(limits)}", between=": ")
    return f"{first}. {'. '.join(_each(places))}."


def where(e: Explanation) -> str:
    """In which part of the picture the evidence (in unsigned maps: most of it) lies, as half a sentence."""
    return where_of(map_of(e), is_signed(e), knows_class(e))


def where_of(values: Array, signed: bool, classed: bool) -> str:
    """In which part of the map its positive numbers lie, and how much is negative."""
    up, down = values.clip(0), -values.clip(None, 0)
    positive, negative = float(up.sum()), float(down.sum())
    if positive == negative == 0:
        return "the map is zero everywhere"
    if values.size > 1 and values.min() == values.max():
        return f"the map is {short(values.flat[0])} everywhere"
    if positive == 0:
        if classed:
            return f"nothing speaks for the class; the strongest evidence against it lies {_place(down)[0]}"
        return f"nothing is positive; the largest negative values lie {_place(down)[0]}"
    place, share = _place(up)
    if not signed:
        return f"the largest values lie {place}, with {_percent(share, positive)} of the whole"
    said = f"the strongest evidence lies {place}, with {_percent(share, positive)} of the positive relevance"
    if negative < 0.005 * positive:
        return f"{said}; {'hardly any' if negative else 'none'} is negative"
    part = _percent(negative, positive + negative)
    return f"{said}; {part} of all relevance is negative, most of it {_place(down)[0]}"


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


# -- titles, headings and small print ----------------------------------------------------------------------------------


def name_of(e: Explanation) -> str:
    return "a map from elsewhere" if e.method == "given" else e.method


def choices(e: Explanation) -> str:
    """The parameters and what was chosen for the reader, as one line; arrays by their shape."""
    given = {name: value for name, value in e.params.items() if value is not None}
    said = [f"{name}={f'array {v.shape}' if hasattr(v, 'shape') and v.shape else v}" for name, v in given.items()]
    return listed(*said, *(f"{name}: {value}" for name, value in e.notes.items()))


def class_and_score(e: Explanation) -> str:
    if not knows_class(e):
        return ""
    named = f"class {int(e.target) if e.label is None else e.label}"
    return named if e.score is None else f"{named}, score {short(e.score)}"


def sum_words(e: Explanation) -> str:
    return f"the relevance sums to {short(e.total)}, expected {short(e.expected)}"


def kind_of(values: Array) -> str:
    """What to call the thing explained, by its map or its own numbers."""
    return "features" if values.ndim == 1 else "picture"


def size_words(e: Explanation) -> str:
    shape = e.map.shape
    if len(shape) == 3:
        return f"frame {shape[0] // 2 + 1} of {shape[0]}, {by(shape[1:])} pixels"
    return f"{shape[0]} features" if len(shape) == 1 else f"{by(shape)} pixels"


def scale_words(limits: tuple[float, float]) -> str:
    return f"scale ±{short(limits[1])}" if limits[0] < 0 else f"scale 0 to {short(limits[1])}"


def line_words(values: Array, classed: bool, signed: bool) -> str:
    """What the lines round pixels, or the hatching of bars, mean."""
    up, down = ("for the class", "against it") if classed else ("positive", "negative")
    if values.ndim == 1:
        return f"Hatched: {'against the class' if classed else down}."
    cell = -(-max(values.shape[-2:]) // max(cells(values).shape[-2:]))
    of = "a map's strongest pixel" if cell == 1 else f"a map's strongest cell of {cell} x {cell} pixels"
    return f"Lines: at least half of {of}" + (f" (solid: {up}, dashed: {down})." if signed else ".")


# -- how it is put -----------------------------------------------------------------------------------------------------


def listed(*parts: str, between: str = ", ") -> str:
    """The parts that are not empty, one after the other."""
    return between.join(filter(None, parts))


def by(size: Iterable[int] | None) -> str:
    """3x64x64."""
    return "" if size is None else "x".join(map(str, size))


def short(value: Any) -> str:
    return f"{float(value):.3g}"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _each(places: Mapping[str, str]) -> list[str]:
    return [f"{name}: {place}" for name, place in places.items()]
