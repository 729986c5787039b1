"""How far a pixel may go: a box in the network's numbers, and never one rounding error beyond it.

Pixel units: 0 is the lowest end of the box, black, and 1 the highest, white; eps = 0.02 is a fiftieth of the way from
one to the other, whatever numbers the preprocessing makes of it.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.ops import Array, exact, is_exact
from minixai.ops.numbers import in_arithmetic_of, zero


@dataclass(frozen=True, eq=False)
class Box:
    """The lowest and the highest value of each pixel, in the arithmetic of the pictures; they broadcast to a batch."""

    low: Array
    high: Array

    @property
    def span(self) -> Array:
        """From black to white: what one pixel unit is, (C, 1, 1) or the like."""
        return self.high - self.low

    def clip(self, x: Array) -> Array:
        """The pictures, with every pixel that left the box put back on its border."""
        return np.minimum(np.maximum(x, self.low), self.high)

    def holds(self, x: Array) -> bool:
        """Whether no pixel lies outside."""
        return bool(((x >= self.low) & (x <= self.high)).all())

    def free(self, x: Array, way: Array) -> Array:
        """The way from x, (..., N, C, H, W), without the pixels that stand on the border and would be pushed out."""
        stuck = ((x >= self.high) & (way > 0)) | ((x <= self.low) & (way < 0))
        return np.where(stuck, zero(way), way)

    def around(self, x: Array, eps: Any) -> "Box":
        """The part of the box that is at most eps pixel units from x, for each pixel; no number in it is further.

        Floats are rounded towards x, so that the promise holds of the numbers as they stand, not only up to rounding.
        """
        radius = inward(exact(eps) * (exact(self.high) - exact(self.low)), x, down=True)
        lowest, highest = _sum(x, -radius, down=False), _sum(x, radius, down=True)
        return Box(np.maximum(self.low, lowest), np.minimum(self.high, highest))


def box_of(given: Any, x: Array) -> Box:
    """The box (low, high) for pictures x: numbers, or arrays that broadcast to one picture, such as (C, 1, 1).

    Bounds that are no floats of x's kind are rounded into the box. Raises ValueError where x itself is outside.
    """
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ValueError(f"box is {given!r:.60}; expected (lowest, highest) value of a pixel, for example (0, 1)")
    for bound in given:
        _check_shape(in_arithmetic_of(x, bound, "box"), x)
    box = Box(inward(exact(given[0]), x, down=False), inward(exact(given[1]), x, down=True))
    if not (box.low < box.high).all():
        bounds = " to ".join(map(_short, given))
        raise ValueError(f"box is from {bounds}; expected the lowest value below the highest")
    if not box.holds(x):
        raise ValueError(
            f"x goes from {float(x.min()):.6g} to {float(x.max()):.6g} and leaves the box, {_short(box.low)} to "
            f"{_short(box.high)}; make x with net.preprocess(picture), or give box=(lowest, highest)"
        )
    return box


def inward(values: Any, like: Array, down: bool) -> Array:
    """Fractions as numbers in the arithmetic of ``like``, rounded only downwards (``down``) or only upwards."""
    values = np.asarray(values, object)
    if is_exact(like):
        return values
    near = values.astype(like.dtype)
    beyond = exact(near) > values if down else exact(near) < values
    return np.where(beyond, np.nextafter(near, like.dtype.type(-np.inf if down else np.inf)), near)


def _sum(a: Array, b: Array, down: bool) -> Array:
    """a + b, rounded only downwards or only upwards: the rounding error is found exactly (Knuth's two-sum)."""
    s = a + b
    if is_exact(s):
        return s
    part = s - a
    error = (a - (s - part)) + (b - part)  # s + error is a + b without rounding
    beyond = error < 0 if down else error > 0
    return np.where(beyond, np.nextafter(s, s.dtype.type(-np.inf if down else np.inf)), s)


def _check_shape(bound: Array, x: Array) -> None:
    try:
        np.broadcast_to(bound, x.shape[1:])
    except ValueError:
        wanted = f"a number, or something that broadcasts to one picture {x.shape[1:]}"
        raise ValueError(f"a bound of the box has shape {bound.shape}; expected {wanted}") from None


def _short(bound: Any) -> str:
    values = np.asarray(bound).ravel()
    return f"{float(values[0]):.6g}" if (values == values[0]).all() else "several values"


def fraction(value: Any, what: str) -> Fraction:
    """A parameter as the fraction that it is. Raises ValueError unless it is one finite number."""
    if isinstance(value, bool) or np.ndim(value) or isinstance(value, str):
        raise ValueError(f"{what} is {value!r:.60}; expected one number")
    try:
        return Fraction(value.item() if isinstance(value, np.generic) else value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} is {value!r:.60}; expected one finite number") from None
