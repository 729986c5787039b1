"""What every metric asks of a map and of a mask, checked; and the arithmetic that they share."""

from fractions import Fraction
from math import inf, isfinite, isqrt
from numbers import Rational, Real
from typing import Any

import numpy as np

from minixai.ops import Array, exact, is_exact

Number = Any  # a float; of maps in fractions, wherever the metric is rational, a Fraction
PICTURE = "one picture: (H, W), (D, H, W) for a clip, (F,) for features"


def as_array(values: Any, what: str) -> Array:
    """The array that is given, or that lists of one length hold."""
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{what} has rows of different lengths; expected an array, or lists of one length") from None


def checked_map(map: Any, what: str = "the map") -> Array:
    """The map as an array of finite real numbers (floats, integers or fractions), one per pixel of one picture."""
    values = as_array(map, what)
    if not 1 <= values.ndim <= 3 or not values.size:
        raise ValueError(f"{what} has shape {values.shape}; expected {PICTURE}; of a batch, take one: e[i].map")
    if not _is_finite(values):
        raise ValueError(f"{what}, of dtype {values.dtype}, holds something else than finite real numbers; clean it")
    return values


def checked_pair(a: Any, b: Any, first: str, second: str) -> tuple[Array, Array]:
    """Two maps of one shape, both ready to :func:`reckon` with, both in fractions or both in floats."""
    one, two = checked_map(a, first), checked_map(b, second)
    if one.shape != two.shape:
        raise ValueError(f"{first} has shape {one.shape}, {second} {two.shape}; expected one shape: resize one of them")
    if is_exact(one, two):
        if "f" in (one.dtype.kind, two.dtype.kind):
            raise ValueError(f"of {first} and {second} one is in fractions, one in floats; convert one: minixai.exact")
        one, two = exact(one), exact(two)
    return reckon(one), reckon(two)


def checked_mask(
    mask: Any, shape: tuple[int, ...], what: str = "the mask", least: str = "pixel inside the object"
) -> Array:
    """The mask as booleans; it must have that shape and hold True and False, or 1 and 0, of which some are 1."""
    values = as_array(mask, what)
    if values.shape != shape:
        raise ValueError(f"{what} has shape {values.shape}, the map {shape}; expected one shape: resize the mask")
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise ValueError(f"{what}, of dtype {values.dtype}, holds other values than 0 and 1; give mask > threshold")
    if not values.any():
        raise ValueError(f"{what} is empty; expected at least one {least}")
    return values.astype(bool)


def checked_tolerance(tolerance: Any) -> float:
    """A distance in pixels, at least 0."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not 0 <= float(tolerance) < inf:
        raise ValueError(f"tolerance is {tolerance!r}; expected a number of pixels, at least 0")
    return float(tolerance)


def checked_share(share: Any, what: str) -> Fraction:
    """A share above 0 and below 1, as a fraction; a float is taken for the decimal that it is written as."""
    if isinstance(share, bool) or not _is_number(share) or not 0 < share < 1:
        raise ValueError(f"{what} is {share!r}; expected a share above 0 and below 1, such as 0.2")
    return Fraction(share) if isinstance(share, Rational) else Fraction(str(share))


def checked_threshold(threshold: Any, values: Array) -> Any:
    """A finite number to compare a map with, in its arithmetic."""
    if isinstance(threshold, bool) or not _is_number(threshold):
        raise ValueError(f"threshold is {threshold!r:.60}; expected a finite number in the units of the map")
    try:
        return exact(threshold).item() if is_exact(values) else float(threshold)
    except OverflowError:
        raise ValueError(f"threshold is {threshold!r:.60}; no float is as large, so make the map exact") from None


def is_constant(values: Array) -> bool:
    """Whether all pixels have one value."""
    return bool((values == values.flat[0]).all())


def reckon(values: Array) -> Array:
    """The map for metrics that do not look at its scale: in fractions as it is, else float64 divided by a power of two.

    The largest magnitude then lies in [1/2, 1), so that no sum and no square overflows; nothing is rounded by it.
    """
    if is_exact(values):
        return exact(values)
    floats = values.astype(np.result_type(values, np.float64))
    _, exponent = np.frexp(np.abs(floats).max())
    return np.ldexp(floats, -exponent).astype(np.float64)


def quotient(top: Any, bottom: Any, like: Array) -> Number:
    """top / bottom: a Fraction where ``like`` is in fractions, else the float."""
    return Fraction(top) / Fraction(bottom) if is_exact(like) else float(top / bottom)


def signed_root(square: Any) -> float:
    """The root of a number's magnitude with the number's sign, as a float; of a fraction, the float nearest to it."""
    if not isinstance(square, Fraction):
        return float(np.copysign(np.sqrt(abs(square)), square))
    top, bottom = abs(square.numerator) * square.denominator, square.denominator
    root = Fraction(isqrt(top << 128), bottom << 64)  # right to 64 bits, of which a float keeps 53
    return float(root if square > 0 else -root)


def _is_finite(values: Array) -> bool:
    if values.dtype == object:  # fractions are finite, and may be too large for a float
        return all(map(_is_number, values.flat))
    return values.dtype.kind in "biuf" and bool(np.isfinite(values).all())


def _is_number(value: Any) -> bool:
    return isinstance(value, Rational) or (isinstance(value, Real) and isfinite(value))
