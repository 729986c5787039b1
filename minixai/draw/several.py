"""Maps side by side: every method on one picture (the atlas), or a strip of maps on one scale."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING

from minixai.draw import numbers, panels, words
from minixai.draw.sheet import CLOSE, MARGIN, Sheet, room_for
from minixai.draw.style import SIGNED, UNSIGNED, styled
from minixai.ops import Array
from minixai.result import Explanation
from minixai.taxonomy import Method

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 5


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
    title = words.listed(network, words.class_and_score(first), between=": ")
    lines = words.line_words(numbers.map_of(first), numbers.knows_class(first), signed=True)
    foot = f"Every map has a scale of its own. {lines}"
    alt = words.atlas_words(title, {name: words.where(e) for name, e in explanations.items()}, reasons)
    with styled():
        rows = ceil((len(names) + 1) / COLUMNS)
        sheet = Sheet(rows, COLUMNS, title=title, foot=foot, alt=alt, cell=CLOSE, room=5)
        picture = sheet.next(words.kind_of(first.map), words.size_words(first))
        panels.show_picture(picture, numbers.middle(numbers.picture_of(first), 3))
        for name in names:
            if name in reasons:
                panels.show_reason(sheet.next(name, sections.get(name, "")), reasons[name])
            else:
                _show_one_of_many(sheet, name, sections.get(name, ""), explanations[name])
        _show_scales(sheet)
    return sheet.figure


def strip(
    maps: Mapping[str, Explanation | Array],
    *,
    picture: Array | None = None,
    title: str = "",
    signed: bool | None = None,
    columns: int = COLUMNS,
) -> "Figure":
    """Maps side by side on one shared scale, so that their numbers can be compared: {title: explanation or array}.

    ``picture`` (H, W), (H, W, 3) or features (F,) comes first, if given. ``signed`` None: symmetric around 0 if any
    map is signed. Raises ValueError for arrays that are not one map each.
    """
    values = {name: numbers.one_map(name, m) for name, m in maps.items()}
    if not values:
        raise ValueError("strip was given no map; expected {title: explanation or array}")
    if signed is None:
        signed = any(map(numbers.has_sign, maps.values()))
    limits = numbers.limits(values.values(), signed)
    classed = {name: numbers.knows_class(m) for name, m in maps.items()}
    lines = words.line_words(next(iter(values.values())), all(classed.values()), limits[0] < 0)
    foot = f"One {words.scale_words(limits)} for all. {lines}"
    places = {name: words.where_of(m, signed, classed[name]) for name, m in values.items()}
    alt = words.strip_words(title, places, limits)
    n = len(values) + (picture is not None)
    shape, heading = (ceil(n / columns), min(n, columns)), room_for(values)
    with styled():
        sheet = Sheet(*shape, title=title, foot=foot, alt=alt, cell=CLOSE, heading=heading)
        if picture is not None:
            panels.show_picture(sheet.next("picture"), numbers.given_picture(picture))
        for i, (name, m) in enumerate(values.items(), 1):
            panels.show_map(sheet.next(name), m, limits, numbers.level(m), bar=i == len(values))
    return sheet.figure


def _show_one_of_many(sheet: Sheet, name: str, section: str, e: Explanation) -> None:
    values = numbers.map_of(e)
    limits = numbers.limits([values], numbers.is_signed(e))
    scale = words.scale_words(limits) if values.any() else "zero everywhere"
    axes = sheet.next(name, words.listed(section, scale))
    panels.show_map(axes, numbers.middle(values, 2), limits, numbers.level(values))


def _show_scales(sheet: Sheet) -> None:
    """What the two colour maps mean, at the top right."""
    for i, (colours, low, high) in enumerate(((UNSIGNED, "0", "largest"), (SIGNED, "against", "for"))):
        x = sheet.width - MARGIN - 2.2 * (i + 1) + 0.6
        panels.show_ramp(sheet.axes(x, 0.14, 0.9, 0.13), colours)
        sheet.write(x - 0.06, 0.25, low, size=8, ha="right")
        sheet.write(x + 0.96, 0.25, high, size=8)
