"""Two generators beside one (Section 6): what each paints, and which difference lies on the lesion."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minixai.draw import panels
from minixai.draw.numbers import as_floats
from minixai.draw.sheet import CLOSE, Sheet
from minixai.draw.style import UNSIGNED, styled
from minixai.metrics import auc
from minixai.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("picture", "mask", "g_s(x)", "g_a(x)", "|g_s(x) - g_a(x)|", "|x - g_a(x)|")
EDGE = "#4dac26"  # of the mask, on maps from black to pale yellow


class Painted(NamedTuple):
    """One picture x with what two generators made of it, (H, W) each in [0, 1], and the mask (H, W) of its lesion.

    ``classes``: what the network says of x, of g_s(x) and of g_a(x). A mask of nothing: there is no lesion.
    """

    x: Array
    similar: Array
    adversarial: Array
    mask: Array
    classes: tuple[str, str, str]

    @property
    def maps(self) -> tuple[Array, Array]:
        """R = |g_s(x) - g_a(x)|, Eq. (27), and the map of one generator, |x - g_a(x)|."""
        return abs(self.similar - self.adversarial), abs(self.x - self.adversarial)


def generators_figure(painted: Sequence[Painted], title: str = "Two generators, and one") -> "Figure":
    """A row for each picture: itself, the mask, g_s(x), g_a(x), and both maps on one scale, the mask's edge in green.

    Raises ValueError for no pictures, and for arrays that are not (H, W) of one size.
    """
    if not painted:
        raise ValueError("got no pictures to draw; expected at least one Painted")
    rows = [_checked(one) for one in painted]
    foot = (
        "Pictures from black to white. Both maps of a row have one scale, from 0 (black) to the larger maximum "
        "(yellow). Green: the edge of the lesion; the per cent say how much of the map lies on it."
    )
    with styled():
        sheet = Sheet(
            len(rows), len(COLUMNS), title=title, foot=foot, alt=generators_words(rows), cell=CLOSE, heading=0.35
        )
        for row, one in enumerate(rows):
            _show_row(sheet, row, one)
    return sheet.figure


def generators_words(painted: Sequence[Painted]) -> str:
    """What the figure shows, in words."""
    said = [f"{len(painted)} pictures, each with its mask, g_s(x), g_a(x), |g_s(x) - g_a(x)| and |x - g_a(x)|."]
    for number, one in enumerate(painted, 1):
        of_x, of_s, of_a = one.classes
        said.append(f"Picture {number} is {of_x} to the network, g_s(x) {of_s}, g_a(x) {of_a}.")
        if one.mask.any():
            two, single = (auc(m, one.mask) for m in one.maps)
            said.append(f"AUC on the lesion: {two:.2f} by two generators, {single:.2f} by one.")
            on_it = [f"{100 * _share(m, one.mask):.0f} %" for m in one.maps]
            said.append(f"On the lesion lies {on_it[0]} of the first map, {on_it[1]} of the second.")
    return " ".join(said)


def _show_row(sheet: Sheet, row: int, one: Painted) -> None:
    of_x, of_s, of_a = one.classes
    shown = (one.x, one.mask, one.similar, one.adversarial)
    titles = (f"x: {of_x}", "mask" if one.mask.any() else "mask: no lesion", f"g_s(x): {of_s}", f"g_a(x): {of_a}")
    for column, (image, said) in enumerate(zip(shown, titles, strict=True)):
        panels.show_picture(sheet.panel(row, column, said), np.repeat(np.clip(image, 0.0, 1.0)[..., None], 3, axis=-1))
    top = max(float(m.max()) for m in one.maps) or 1.0
    for column, (values, name) in enumerate(zip(one.maps, COLUMNS[4:], strict=True), start=4):
        said = f"{name}: {100 * _share(values, one.mask):.0f} % on it" if one.mask.any() else name
        _show_map(sheet.panel(row, column, said), values, top, one.mask)


def _share(values: Array, mask: Array) -> float:
    """How much of a map lies on the mask; 0 of a map of zeros."""
    return float(values[mask].sum() / (values.sum() or 1))


def _show_map(axes: "Axes", values: Array, top: float, mask: Array) -> None:
    axes.imshow(values, cmap=UNSIGNED, vmin=0, vmax=top)
    panels.bare(axes)
    if mask.any():
        axes.contour(mask, [0.5], colors=EDGE, linewidths=0.8)


def _checked(one: Painted) -> Painted:
    x, similar, adversarial = (as_floats(a) for a in (one.x, one.similar, one.adversarial))
    shapes = [np.shape(a) for a in (x, similar, adversarial, one.mask)]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2:
        raise ValueError(f"got arrays of shapes {shapes}; expected (H, W) of one size")
    return Painted(x, similar, adversarial, np.asarray(one.mask, bool), one.classes)
