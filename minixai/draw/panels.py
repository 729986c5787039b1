"""What fills one panel: a picture, a map with its lines, a heat map over its picture, bars, or a reason."""

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.draw.numbers import cells
from minixai.draw.style import AGAINST, FOR, QUIET, SIGNED, TINT, UNSIGNED
from minixai.draw.words import short
from minixai.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def show_picture(axes: "Axes", picture: Array) -> None:
    """A picture (H, W, 3), or features (F,) as bars."""
    if picture.ndim == 1:
        _show_bars(axes, picture, color="0.6")
    else:
        _show_image(axes, picture)


def show_map(axes: "Axes", values: Array, limits: tuple[float, float], level: float, bar: bool = False) -> None:
    """A map (H, W) with lines from ``level`` upwards, or features (F,) as bars; ``bar``: with its scale beside it."""
    if values.ndim == 1:
        hatches = ["////" if value < 0 else "" for value in values]
        colours = [AGAINST if value < 0 else FOR for value in values]
        _show_bars(axes, values, color=colours, hatch=hatches).set_ylim(1.05 * limits[0], 1.05 * limits[1])
        return
    colours_of = SIGNED if limits[0] < 0 else UNSIGNED
    image = _show_image(axes, values, cmap=colours_of, vmin=limits[0], vmax=limits[1])
    _outline(axes, values, level)
    if bar:
        _bar(axes, image, limits)


def show_heat(axes: "Axes", picture: Array, heat: Array, level: float, bar: bool = True) -> None:
    """The picture in grey, tinted by the heat map; features: their bars in its colours. ``bar``: with its scale."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable

    if picture.ndim == 1:
        _show_bars(axes, picture, color=colormaps[UNSIGNED](heat), edgecolor=QUIET, linewidth=0.5)
    else:
        height, width = heat.shape
        grey = picture @ (0.299, 0.587, 0.114)
        axes.imshow(grey, cmap="gray", vmin=0, vmax=1, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
        _show_image(axes, heat, cmap=UNSIGNED, vmin=0, vmax=1, alpha=TINT)
        _outline(axes, heat, level)
    if bar:
        _bar(axes, ScalarMappable(cmap=UNSIGNED), (0.0, 1.0), alpha=1 if picture.ndim == 1 else TINT)


def show_reason(axes: "Axes", reason: str) -> None:
    """Why there is nothing to see."""
    bare(axes)
    axes.set_facecolor("0.94")
    lines = wrap(f"Does not fit: {reason}", 29, max_lines=15, placeholder=" ...")
    axes.text(0.05, 0.95, "\n".join(lines), size=8, va="top", transform=axes.transAxes)


def show_ramp(axes: "Axes", colours: str) -> None:
    """A colour map by itself, from its lowest colour on the left to its highest."""
    _show_image(axes, np.linspace(0, 1, 128)[None], cmap=colours, aspect="auto")


def bare(axes: "Axes") -> None:
    """A frame without numbers."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.set_anchor("NW")


def _show_image(axes: "Axes", values: Array, **how: Any) -> "AxesImage":
    image = axes.imshow(values, **how)
    bare(axes)
    return image


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
    bar.set_ticks(ticks, labels=[short(v / 10.0**power) for v in ticks])
    if power:
        place.set_title(f"$\\times10^{{{power}}}$", size=7.5)


def _outline(axes: "Axes", values: Array, level: float) -> None:
    """Lines round the pixels (in large maps: cells) from ``level`` upwards, dashed from minus ``level`` downwards."""
    from matplotlib.patheffects import withStroke

    found = cells(values)
    fine = max(4, 400 // max(found.shape))  # each cell many times over, so that the lines keep to its edges
    padded = np.pad(found, 1).repeat(fine, axis=0).repeat(fine, axis=1)
    places = zip(padded.shape, found.shape, values.shape, strict=True)
    y, x = (((np.arange(many) + 0.5) / fine - 1) * size / n - 0.5 for many, n, size in places)
    width = float(np.clip(30 / max(found.shape), 0.7, 1.2))
    axes.autoscale(False)
    for sign, dashes in ((1, "solid"), (-1, (0, (3, 2)))):
        region = (sign * padded >= level) & (padded != 0)
        if region.any():
            lines = axes.contour(x, y, region, [0.5], colors="black", linestyles=[dashes], linewidths=width)
            lines.set(path_effects=[withStroke(linewidth=2 * width, foreground="white")])
