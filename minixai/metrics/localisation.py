"""Does the map lie on the object? Answers of Section 7, given a mask of the object or a box around it."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import ceil, prod
from numbers import Integral
from typing import Any

import numpy as np

from minixai.metrics.arrays import (
    Number,
    as_array,
    checked_map,
    checked_mask,
    checked_share,
    checked_threshold,
    checked_tolerance,
    quotient,
)
from minixai.ops import Array

AREA = Fraction(1, 5)  # of the picture: what counts as marked by a map
OF_MAXIMUM = Fraction(3, 20)  # 15 % of the largest value (Selvaraju et al. 2017, on localisation)
Box = tuple[tuple[int, int], ...]  # per axis its first pixel and the one after its last, as in a slice


def auc(map: Any, mask: Any) -> Number:
    """P(inside > outside) + P(inside = outside) / 2, for one pixel drawn inside the mask and one outside; in [0, 1].

    This is the area under the ROC curve of the map as a detector of the object: 1/2 for a constant map. map: one
    picture's, (H, W), (D, H, W) or (F,); mask: the same shape, boolean or 0/1. Only the order of the values counts,
    and the pairs are counted in integers; a map in fractions gives a Fraction. Raises ValueError for NaN, another
    shape, an empty mask or a full one.
    """
    values = checked_map(map)
    inside = checked_mask(mask, values.shape)
    if inside.all():
        raise ValueError("the mask covers the whole picture; expected at least one pixel outside the object")
    ours, others = values[inside], np.sort(values[~inside])
    below, up_to = (np.searchsorted(others, ours, side) for side in ("left", "right"))
    wins = int(below.sum() + up_to.sum())  # 2 for a win, 1 for a tie
    return quotient(wins, 2 * ours.size * others.size, values)


def pointing(map: Any, mask: Any, tolerance: float = 0) -> bool:
    """The pointing game: whether the map's first maximum, row by row, lies on the object or near enough.

    ``tolerance``: how many pixels away from the mask it may lie, as the crow flies. map and mask as for :func:`auc`;
    the mask may be full. A constant map points at its first pixel. The share of hits over many pictures is the score
    (Zhang et al. 2016). Raises ValueError for NaN, another shape, an empty mask or a tolerance below 0.
    """
    values = checked_map(map)
    inside = checked_mask(mask, values.shape)
    reach = checked_tolerance(tolerance)
    place = np.unravel_index(np.argmax(values), values.shape)
    distances = np.sqrt(((np.argwhere(inside) - place) ** 2).sum(axis=1))
    return bool(distances.min() <= reach)


def region(map: Any, threshold: Any = None, area: Any = None) -> Array:
    """What the map marks, as booleans: its top fifth of the picture, or all that is >= ``threshold``.

    ``area``: another share than 1/5; the largest ceil(area * pixels) values are marked and whatever ties with the
    smallest of them, but no pixel that has the map's minimum: a map of few peaks over zeros marks its peaks, and a
    constant map marks nothing. ``threshold`` is in the units of the map and marks every pixel that reaches it. Raises
    ValueError for NaN, for an area outside (0, 1), for a threshold that is no finite number, and for both at once.
    """
    values = checked_map(map)
    if threshold is not None and area is not None:
        raise ValueError(f"got threshold={threshold!r} and area={area!r}; expected one of the two: leave one out")
    if threshold is not None:
        with np.errstate(over="ignore"):  # a threshold too large for the map's precision is reached by nothing
            return np.asarray(values >= checked_threshold(threshold, values), bool)
    count = ceil(checked_share(AREA if area is None else area, "area") * values.size)
    least = np.sort(values, axis=None)[-count]
    return np.asarray((values >= least) & (values > values.min()), bool)


def iou(map: Any, mask: Any, threshold: Any = None, area: Any = None) -> Number:
    """Intersection over union (Jaccard's index) of what the map marks and the mask: |A and B| / |A or B|, in [0, 1].

    What the map marks: :func:`region`, its top fifth unless ``threshold`` or ``area`` says otherwise; a constant map
    marks nothing and gets 0. map and mask as for :func:`auc`; the mask may be full. Two maps are compared by
    ``iou(a, region(b))``. A map in fractions gives a Fraction. Raises ValueError for NaN, another shape or an empty
    mask.
    """
    values, both, either = _overlap(map, mask, threshold, area)
    return quotient(both, either, values)


def dice(map: Any, mask: Any, threshold: Any = None, area: Any = None) -> Number:
    """Dice's coefficient (the F1 score) of what the map marks and the mask: 2 |A and B| / (|A| + |B|), in [0, 1].

    It is 2 IoU / (1 + IoU), so it never ranks two maps otherwise than :func:`iou`, to which everything else is equal.
    Galli et al. (2021) compare a map before and after an attack: ``dice(after, region(before))``.
    """
    values, both, either = _overlap(map, mask, threshold, area)
    return quotient(2 * both, both + either, values)


def box_iou(map: Any, box: Any, of_maximum: Any = OF_MAXIMUM) -> Number:
    """Intersection over union of two boxes: the one around the map's largest piece, and a given one; in [0, 1].

    The map's box is :func:`map_box`; a map without a positive value has none and gets 0. ``box``: one (start, stop)
    per axis, stop not included, as :func:`bounding_box` gives it for a mask. A map in fractions gives a Fraction.
    Selvaraju et al. (2017) count a map as right above 1/2. Raises ValueError for NaN and for what is no box in the
    picture.
    """
    values = checked_map(map)
    theirs, ours = checked_box(box, values.shape), map_box(values, of_maximum)
    if ours is None:
        return quotient(0, 1, values)
    both = prod(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a, b in zip(ours, theirs, strict=True))
    return quotient(both, _size(ours) + _size(theirs) - both, values)


def map_box(map: Any, of_maximum: Any = OF_MAXIMUM) -> Box | None:
    """The box around the largest connected piece of {map >= 15 % of its maximum}; None if no value is positive.

    Pixels are connected that share a side; of pieces of one size the first counts, row by row. ``of_maximum``: another
    share than 0.15. Raises ValueError for NaN and for a share outside (0, 1).
    """
    values = checked_map(map)
    share = checked_share(of_maximum, "of_maximum")
    top = values.max()
    if top <= 0:
        return None
    level = share * top if values.dtype == object else float(share) * float(top)
    largest = max(pieces(np.asarray(values >= level, bool)), key=np.size)
    return _around(largest)


def bounding_box(mask: Any) -> Box:
    """The smallest box around a mask: per axis (start, stop), stop not included. Raises ValueError for an empty one."""
    inside = checked_mask(mask, as_array(mask, "the mask").shape)
    return _around(np.nonzero(inside))


def pieces(mask: Array) -> Iterator[Array]:
    """The connected pieces of a mask, one after the other by their first pixels; a shared side connects.

    Each as the coordinates of its pixels, (axes, pixels).
    """
    framed = np.pad(mask, 1)  # so that no neighbour of a pixel lies outside
    steps = [prod(framed.shape[axis + 1 :]) for axis in range(framed.ndim)]
    starts = np.flatnonzero(framed).tolist()
    left = set(starts)
    for start in starts:
        if start in left:
            yield np.array(np.unravel_index(_flooded(start, left, steps), framed.shape)) - 1


def _flooded(start: int, left: set[int], steps: list[int]) -> list[int]:
    """The pixels that can be reached from ``start``; they are taken out of ``left``."""
    left.remove(start)
    reached = [start]
    for at in reached:  # it grows while it is read
        for other in (at + sign * step for step in steps for sign in (-1, 1)):
            if other in left:
                left.remove(other)
                reached.append(other)
    return reached


def checked_box(box: Any, shape: tuple[int, ...]) -> Box:
    """The box, if it has one (start, stop) of whole numbers per axis, not empty, inside the picture."""
    try:
        read = [tuple(side) for side in box]
    except TypeError:
        read = []
    if len(read) != len(shape) or any(
        len(side) != 2
        or any(isinstance(end, bool) or not isinstance(end, Integral) for end in side)
        or not 0 <= side[0] < side[1] <= size
        for side, size in zip(read, shape, strict=False)
    ):
        raise ValueError(
            f"box is {box!r:.60}; expected one (start, stop) in whole pixels per axis of a picture {shape}; "
            "of a mask, bounding_box(mask)"
        )
    return tuple((int(start), int(stop)) for start, stop in read)


def _overlap(map: Any, mask: Any, threshold: Any, area: Any) -> tuple[Array, int, int]:
    """The map, and how many pixels both it and the mask mark, and how many either does."""
    values = checked_map(map)
    inside, marked = checked_mask(mask, values.shape), region(values, threshold, area)
    return values, int((inside & marked).sum()), int((inside | marked).sum())


def _around(coordinates: Iterable[Array]) -> Box:
    return tuple((int(axis.min()), int(axis.max()) + 1) for axis in coordinates)


def _size(box: Box) -> int:
    return prod(stop - start for start, stop in box)
