"""On how few pixels does the map stand? Section 7 calls the maps of LRP sparse; this is how sparse."""

from typing import Any

import numpy as np

from minixai.metrics.arrays import Number, checked_map, quotient, reckon
from minixai.ops import is_exact


def gini(map: Any) -> Number:
    """Gini's index of the magnitudes c = |map|: sum_k (2k - n - 1) c_(k) / (n sum c), c_(1) <= ... <= c_(n).

    In [0, 1 - 1/n]: 0 where all magnitudes are equal (a constant map, zeros included), 1 - 1/n where one pixel alone
    is not zero. Blind to scale, sign and place. map: one picture's, (H, W), (D, H, W) or (F,); one in fractions gives
    a Fraction. Hurley and Rickard (2009). Raises ValueError for NaN.
    """
    c = np.sort(np.abs(reckon(checked_map(map))), axis=None)
    n = c.size
    weights = np.array([2 * k - n - 1 for k in range(1, n + 1)], object if is_exact(c) else np.float64)
    return quotient((weights * c).sum(), n * c.sum(), c) if c[-1] > c[0] else quotient(0, 1, c)
