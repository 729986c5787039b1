"""Does the map predict where people looked? Two measures of Section 7, given the pixels that were fixated."""

from itertools import pairwise
from typing import Any

import numpy as np

from minixai.metrics.arrays import Number, checked_map, checked_mask, is_constant, quotient, reckon, signed_root
from minixai.ops import Array
from minixai.ops.numbers import mean

SEEN = ("the mask of fixations", "fixated pixel")


def auc_judd(map: Any, fixations: Any) -> Number:
    """The area under an ROC curve with thresholds at the fixated values only, in (0, 1]; Judd et al. (2009).

    At each value t of the map at a fixation: the share of fixated pixels >= t against the share of the others >= t;
    (0, 0) and (1, 1) are added, and straight lines drawn between. It is at least :func:`minixai.metrics.auc`, which
    has a threshold at every value, and exceeds it most where fixations are few: one fixation at the map's minimum gets
    1/2, not 0. No noise is added to break ties: pixels of one value pass a threshold together, and a constant map gets
    1/2. map: one picture's, (H, W), (D, H, W) or (F,); fixations: the same shape, boolean or 0/1. A map in fractions
    gives a Fraction. Raises ValueError for NaN, another shape, no fixation, or nothing but fixations.
    """
    values = checked_map(map)
    seen = checked_mask(fixations, values.shape, *SEEN)
    if seen.all():
        raise ValueError(
            "the mask of fixations covers the whole picture; expected at least one pixel that was not fixated"
        )
    thresholds = np.unique(values[seen])[::-1]
    hits, alarms = ([0, *_reaching(thresholds, values[some])] for some in (seen, ~seen))
    others = values.size - hits[-1]  # all fixated values reach the last threshold, not all others do
    corners = list(zip([*hits, hits[-1]], [*alarms, others], strict=True))
    doubled = sum((b[1] - a[1]) * (a[0] + b[0]) for a, b in pairwise(corners))  # trapezoids
    return quotient(doubled, 2 * hits[-1] * others, values)


def nss(map: Any, fixations: Any) -> float:
    """Normalised scanpath saliency: the mean over the fixations of (map - mean) / sigma; Peters et al. (2005).

    In standard deviations (of all pixels, ddof 0), without bounds; 0 is chance, and what a constant map gets. map and
    fixations as for :func:`auc_judd`; the fixations may be everywhere. Of a map in fractions it is the float nearest
    to the true value. Raises ValueError for NaN, another shape or no fixation.
    """
    return signed_root(nss_squared(map, fixations))


def nss_squared(map: Any, fixations: Any) -> Number:
    """NSS |NSS|: rational where NSS is not, so a Fraction for a map in fractions; see :func:`nss`."""
    values = reckon(checked_map(map))
    seen = checked_mask(fixations, values.shape, *SEEN)
    if is_constant(values):
        return quotient(0, 1, values)
    above = values - mean(values)
    found = mean(above[seen])
    return found * abs(found) / mean(above * above)


def _reaching(thresholds: Array, values: Array) -> list[int]:
    """How many values are >= each threshold."""
    return (values.size - np.searchsorted(np.sort(values), thresholds, "left")).tolist()
