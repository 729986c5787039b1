"""Chapter 05: drawings of one map in several ways, and marking what is worth half."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minixai.book import pixels
from minixai.book.nokernel import Board
from minixai.draw import panels, words
from minixai.draw.sheet import CELL, Sheet, room_for
from minixai.draw.style import styled
from minixai.ops import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAPS = ("jet", "magma", "grey")
# From the peak down to 0, and one patch is worth exactly half: (patches in all, the one that is worth half).
HILLS = ((24, 15), (24, 7), (24, 11), (24, 18), (24, 9), (24, 13))

# -- colours -----------------------------------------------------------------------------------------------------------

# Corners of jet's three straight-lined curves: (place, amount).
_JET = (
    ((0, 0), (0.35, 0), (0.66, 1), (0.89, 1), (1, 0.5)),
    ((0, 0), (0.125, 0), (0.375, 1), (0.64, 1), (0.91, 0), (1, 0)),
    ((0, 0.5), (0.11, 1), (0.34, 1), (0.65, 0), (1, 0)),
)


def colours(name: str, values: Any) -> Array:
    """Numbers from 0 to 1 (...) in the colours of a map: (..., 3) from 0 to 1. ``name``: jet, magma or grey."""
    v = np.asarray(values, float)
    return np.stack([curve(v) for curve in _curves(name)], axis=-1)


def _curves(name: str) -> list[Callable[[Any], Any]]:
    """Red, green and blue, each a function of the number."""
    if name == "jet":
        return [partial(_line, corners=corners) for corners in _JET]
    if name == "magma":
        table = pixels.table("magma") / 255
        places = np.linspace(0, 1, len(table))
        return [partial(_line, corners=tuple(zip(places, channel, strict=True))) for channel in table.T]
    if name == "grey":
        return [np.asarray] * 3
    raise ValueError(f"no colours called {name!r} here; expected one of {', '.join(MAPS)}")


def _line(v: Array, corners: Sequence[tuple[float, float]]) -> Array:
    places, amounts = np.array(corners, float).T
    return np.asarray(np.interp(v, places, amounts))


def lightness(rgb: Any) -> Array:
    """How light an eye finds a colour, from 0 (black) to 100 (white). rgb (..., 3) from 0 to 1; CIE 1976 L*, sRGB."""
    c = np.asarray(rgb, float)
    light = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)  # the screen's code undone
    Y = light @ (0.2126, 0.7152, 0.0722)  # an eye has more for green
    return np.where(Y > 216 / 24389, 116 * np.cbrt(Y) - 16, Y * 24389 / 27)


# -- still pictures ----------------------------------------------------------------------------------------------------


class Drawing(NamedTuple):
    """A map (H, W), the colours it is drawn in (Matplotlib's names), and the numbers at their two ends."""

    values: Any
    colours: str
    low: float
    high: float


def own_scale(values: Any) -> Drawing:
    """The heat map's drawing: from 0 to the map's own largest number."""
    return Drawing(values, "magma", 0, float(np.max(values)))


def exhibit(
    drawings: Mapping[str, Drawing], alt: str, *, names: Sequence[Sequence[str]] = (), bars: bool = True, foot: str = ""
) -> "Figure":
    """Drawings side by side, each in its own way; ``names`` are written into the cells, ``bars`` say the scales."""
    with styled():
        sheet = Sheet(1, len(drawings), title="", foot=foot, alt=alt, cell=CELL, heading=room_for(drawings))
        for name, d in drawings.items():
            axes = sheet.next(name)
            values = np.asarray(d.values, float)
            image = axes.imshow(values, cmap=d.colours, vmin=d.low, vmax=d.high, aspect="auto")
            panels.bare(axes)
            if bars:
                place = axes.inset_axes((1.03, 0, 0.045, 1))
                ticks = sorted({d.low, min(max(0.0, d.low), d.high), d.high})
                axes.figure.colorbar(image, cax=place).set_ticks(ticks, labels=[words.short(v) for v in ticks])
            for (i, j), label in np.ndenumerate(np.asarray(names)):
                axes.text(j, i, label, ha="center", va="center", bbox={"facecolor": "white", "pad": 2, "linewidth": 0})
    return sheet.figure


# -- the live figure ---------------------------------------------------------------------------------------------------


def hills() -> list[list[float]]:
    """Strips that fall from 1 to 0, each at a pace of its own; one patch of each is worth exactly 1/2."""
    return [_fall(*hill).tolist() for hill in HILLS]


def _fall(count: int, half: int) -> Array:
    """count patches from 1 down to 0, straight to 1/2 at patch ``half`` and straight on from there."""
    return np.interp(np.arange(count), (0, half, count - 1), (1, 0.5, 0))


def marking() -> Board:
    """Strips that fall from a peak to 0: mark what is worth half, in jet, magma and grey; then see how far off."""
    table = {name: np.rint(255 * colours(name, np.linspace(0, 1, 256))).astype(int).tolist() for name in MAPS}
    shown = "".join(_still(name, hills()[0]) for name in MAPS)
    words = "The same falling strip in jet, magma and grey, each with its grey copy below. Which patch is worth half?"
    state = {"colours": "jet", "mark": 1, "ready": "still looking", "marks": [], "hills": hills(), "tables": table}
    return Board("marking", state, f"<div>{shown}</div>", words)


def _still(name: str, values: list[float]) -> str:
    """A strip in its colours, and below it what a grey printer makes of them."""
    strip = np.rint(255 * colours(name, values)).astype(np.uint8)[None]
    grey = np.rint(255 * _grey(lightness(colours(name, values)))).astype(np.uint8)
    both = [strip, np.repeat(grey[None, :, None], 3, axis=-1)]
    image = pixels.enlarged(np.concatenate(both), 48)
    return f"<p>{name}<br>{pixels.img(image, f'A strip that falls from 1 to 0 in {name}, and its grey copy.')}</p>"


def _grey(light: Array) -> Array:
    """The grey, from 0 to 1, that has this lightness."""
    Y = np.where(light > 8, ((light + 16) / 116) ** 3, light * 27 / 24389)
    return np.where(Y <= 0.0031308, 12.92 * Y, 1.055 * np.maximum(Y, 0) ** (1 / 2.4) - 0.055)


FIGURES = (marking,)
