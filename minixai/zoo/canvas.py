"""A canvas of 64 x 64 pixels that every machine paints alike, bit for bit.

Chance is the raw bits of PCG64, which NumPy promises to keep. What follows is +, -, *, /, square root, comparison and
rounding of float64, number by number, as IEEE 754 defines them: no sine, no power, no matrix product and no sum of
floats, whose last bits differ from machine to machine.

x runs right and y runs down, in pixels. A colour is (3,) in 0..1, a canvas is (64, 64, 3), and a coverage (64, 64) says
how much of each pixel a figure covers, 0..1.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from math import ceil, floor
from typing import Any

import numpy as np

from minixai.ops import Array

SIZE = 64
FINE = 4  # coverage is counted on 4 x 4 points of each pixel
TAU = 6.283185307179586

X = np.arange(SIZE) + 0.5  # the middle of every column
Y = X[:, None]  # the middle of every row
EVERYWHERE = (0, 0, SIZE, SIZE)

Box = tuple[int, int, int, int]  # the pixels that a figure can touch: left, top, right, bottom (the last two excluded)
Inside = Callable[[Array, Array], Array]  # which of the points (x, y) lie inside a figure
Point = tuple[float, float]


class Chance:
    """A stream of uniform numbers that belongs to a seed: one or more whole numbers of at least 0."""

    def __init__(self, *seed: int) -> None:
        if not all(isinstance(s, int | np.integer) and not isinstance(s, bool) and s >= 0 for s in seed):
            raise ValueError(f"the seed is {seed}; expected whole numbers of at least 0")
        self._bits = np.random.PCG64(np.random.SeedSequence([int(s) for s in seed]))

    def __call__(self, low: float = 0.0, high: float = 1.0, *shape: int) -> Any:
        """A number from low to high, or an array of them of that shape."""
        bits = self._bits.random_raw(shape) if shape else self._bits.random_raw()
        return low + (high - low) * ((bits >> 11) * 2.0**-53)

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self(0, n))

    def one_of(self, choices: Sequence) -> Any:
        return choices[self.below(len(choices))]


def cosine(turns: Any) -> Any:
    """cos(2 pi turns) to seven digits: the first six terms of its series."""
    a = TAU * (0.25 - np.abs(turns - np.floor(turns + 0.5)))
    b = a * a
    return a * (1 - b / 6 * (1 - b / 20 * (1 - b / 42 * (1 - b / 72 * (1 - b / 110)))))


def direction(turns: float) -> Point:
    """The unit vector that points right at 0 turns, down at 1/4."""
    return float(cosine(turns)), float(cosine(turns - 0.25))


def coverage(inside: Inside, box: Box = EVERYWHERE) -> Array:
    """How much of every pixel is inside; nothing outside the box is."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    x = left + (np.arange(FINE * width) + 0.5) / FINE
    y = top + (np.arange(FINE * height)[:, None] + 0.5) / FINE
    points = inside(x, y).reshape(height, FINE, width, FINE)
    covered = np.zeros((SIZE, SIZE))
    covered[top:bottom, left:right] = points.sum(axis=(1, 3), dtype=np.int64) / FINE**2
    return covered


def around(reach: float, *points: Point) -> Box:
    """The box of the pixels within ``reach`` of points, as far as they are on the canvas."""
    (left, right), (top, bottom) = (_on_canvas(min(c) - reach, max(c) + reach) for c in zip(*points, strict=True))
    return left, top, right, bottom


def _on_canvas(low: float, high: float) -> tuple[int, int]:
    return min(max(floor(low), 0), SIZE), min(max(ceil(high), 0), SIZE)


def ellipse(centre: Point, across: float, down: float) -> Array:
    """The coverage of an upright ellipse with these half-axes."""

    def inside(x: Array, y: Array) -> Array:
        u, v = (x - centre[0]) / across, (y - centre[1]) / down
        return u * u + v * v <= 1

    return coverage(inside, around(max(across, down), centre))


def stroke(start: Point, end: Point, first: float, last: float) -> Array:
    """The coverage of a round brush drawn from start to end while its radius goes from ``first`` to ``last``."""
    dx, dy = end[0] - start[0], end[1] - start[1]

    def inside(x: Array, y: Array) -> Array:
        along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
        right, down, radius = x - start[0] - along * dx, y - start[1] - along * dy, first + along * (last - first)
        return right * right + down * down <= radius * radius

    return coverage(inside, around(max(first, last), start, end))


def mix(a: Any, b: Any, share: Any) -> Any:
    """a where share is 0, b where it is 1."""
    return a + share * (b - a)


def paint(canvas: Array, colours: Array, cover: Array) -> Array:
    """The canvas with a colour, or another canvas, laid over it as far as it covers."""
    touched, painted = cover > 0, canvas.copy()
    above = np.broadcast_to(colours, canvas.shape)[touched]
    painted[touched] = mix(canvas[touched], above, cover[touched][:, None])
    return painted


def colour(hue: Any, saturation: Any, value: Any) -> Array:
    """Red, green, blue, (..., 3), of a hue (red at 0, green at 1/3, blue at 2/3), a saturation and a value of 0..1."""
    hue, saturation, value = (np.asarray(part)[..., None] for part in (hue, saturation, value))
    pure = np.clip(np.abs((hue + np.array([1, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1, 0, 1)
    return value * mix(1, pure, saturation)


def ramp(turns: float) -> Array:
    """A plane through 0 in the middle of the canvas, rising in a direction by 1 on the way to its edge. (64, 64)."""
    right, down = direction(turns)
    return (right * (X - SIZE / 2) + down * (Y - SIZE / 2)) / (SIZE / 2)


def clouds(chance: Chance, across: int, down: int) -> Array:
    """Random numbers of 0..1 at the corners of across x down cells, smoothly filled in between. (64, 64)."""
    corners = chance(0, 1, down + 1, across + 1)
    (column, u), (row, v) = _cells(across), _cells(down)
    rows = mix(corners[:, column], corners[:, column + 1], u)
    return mix(rows[row], rows[row + 1], v[:, None])


def _cells(count: int) -> tuple[Array, Array]:
    """Which of ``count`` cells each of 64 pixels is in, and how far through it is, eased at both ends."""
    place = X * count / SIZE
    cell = np.floor(place).astype(np.int64)
    t = place - cell
    return cell, t * t * (3 - 2 * t)


def developed(canvas: Array, light: Array, chance: Chance, grain: float) -> Array:
    """The picture that a camera takes of the canvas: lit (64, 64), grainy, and rounded to (64, 64, 3) uint8."""
    exposed = canvas * light[..., None] + chance(-grain, grain, *canvas.shape)
    return np.rint(255 * np.clip(exposed, 0, 1)).astype(np.uint8)


def digest(*arrays: Array) -> str:
    """The sha256 of arrays of whole numbers from 0 to 255: the fingerprint of what a generator drew."""
    return sha256(b"".join(a.astype(np.uint8).tobytes() for a in arrays)).hexdigest()
