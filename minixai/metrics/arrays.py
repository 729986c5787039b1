"""What every metric asks of a map and of a mask, checked."""

from math import inf, isfinite
from numbers import Rational, Real
from typing import Any

import numpy as np

from minixai.ops import Array

PICTURE = "one picture: (H, W), (D, H, W) for a clip, (F,) for features"


def checked_map(map: Any) -> Array:
    """The map as an array of finite real numbers (floats, integers or fractions), one per pixel of one picture."""
    values = np.asarray(map)
    if not 1 <= values.ndim <= 3 or not values.size:
        raise ValueError(f"the map has shape {values.shape}; expected {PICTURE}; of a batch, take one: e[i].map")
    if not _is_finite(values):
        raise ValueError(f"the map, of dtype {values.dtype}, holds something else than finite real numbers; clean it")
    return values


def checked_mask(mask: Any, shape: tuple[int, ...]) -> Array:
    """The mask as booleans; it must have that shape and hold True and False, or 1 and 0, of which some are 1."""
    values = np.asarray(mask)
    if values.shape != shape:
        raise ValueError(f"the mask has shape {values.shape}, the map {shape}; expected one shape: resize the mask")
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise ValueError(f"the mask, of dtype {values.dtype}, holds other values than 0 and 1; give mask > threshold")
    if not values.any():
        raise ValueError("the mask is empty; expected at least one pixel inside the object")
    return values.astype(bool)


def checked_tolerance(tolerance: Any) -> float:
    """A distance in pixels, at least 0."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not 0 <= float(tolerance) < inf:
        raise ValueError(f"tolerance is {tolerance!r}; expected a number of pixels, at least 0")
    return float(tolerance)


def _is_finite(values: Array) -> bool:
    if values.dtype == object:  # fractions are finite, and may be too large for a float
        return all(isinstance(v, Rational) or (isinstance(v, Real) and isfinite(v)) for v in values.flat)
    return values.dtype.kind in "biuf" and bool(np.isfinite(values).all())
