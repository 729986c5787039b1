"""Does the map lie on the object? Two answers of Section 7, given a mask of the object."""

from typing import Any

import numpy as np

from minixai.metrics.arrays import checked_map, checked_mask, checked_tolerance


def auc(map: Any, mask: Any) -> float:
    """P(inside > outside) + P(inside = outside) / 2, for one pixel drawn inside the mask and one outside; in [0, 1].

    This is the area under the ROC curve of the map as a detector of the object: 1/2 for a constant map. map: one
    picture's, (H, W), (D, H, W) or (F,); mask: the same shape, boolean or 0/1. Only the order of the values counts,
    and the pairs are counted in integers. Raises ValueError for NaN, another shape, an empty mask or a full one.
    """
    values = checked_map(map)
    inside = checked_mask(mask, values.shape)
    if inside.all():
        raise ValueError("the mask covers the whole picture; expected at least one pixel outside the object")
    ours, others = values[inside], np.sort(values[~inside])
    below, up_to = (np.searchsorted(others, ours, side) for side in ("left", "right"))
    return int(below.sum() + up_to.sum()) / (2 * ours.size * others.size)  # 2 for a win, 1 for a tie


def pointing(map: Any, mask: Any, tolerance: float = 0) -> bool:
    """The pointing game: whether the map's first maximum, row by row, lies on the object or near enough.

    ``tolerance``: how many pixels away from the mask it may lie, as the crow flies. map and mask as for :func:`auc`;
    the mask may be full. Raises ValueError for NaN, another shape, an empty mask or a tolerance below 0.
    """
    values = checked_map(map)
    inside = checked_mask(mask, values.shape)
    reach = checked_tolerance(tolerance)
    place = np.unravel_index(np.argmax(values), values.shape)
    distances = np.sqrt(((np.argwhere(inside) - place) ** 2).sum(axis=1))
    return bool(distances.min() <= reach)
