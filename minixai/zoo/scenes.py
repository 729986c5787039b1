"""Scenes with a known answer: one of ten shapes before a textured background, and the mask of where it is.

Every scene belongs to a seed and a number, and is the same on every machine (see ``canvas``). Colours, texture, light,
place and area are drawn alike for every class, so that only the outline gives the class away. Now that networks have
learnt from it, the generator is frozen: data/scenes.json holds fingerprints of what it draws.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from minixai.ops import Array
from minixai.zoo.canvas import (
    SIZE,
    Chance,
    Inside,
    X,
    Y,
    around,
    clouds,
    colour,
    cosine,
    coverage,
    developed,
    direction,
    ellipse,
    mix,
    paint,
    ramp,
    stroke,
)

AREA = (240.0, 720.0)  # of a shape, in pixels: about 6 % to 18 % of the picture
MARGIN = 2  # pixels between a shape and the edge of the picture
CLUTTER = 4  # at most so many small things lie about
PAINTS, CLEARLY = 16, 0.5  # the first of so many random colours is taken that differs so much from the background
GRAIN = 0.03


class Silhouette(NamedTuple):
    """An outline in units of its own: what lies inside, its area, the radius that holds it, and how far it may turn."""

    inside: Inside
    area: float
    reach: float
    swing: float  # turns, either way


class Scene(NamedTuple):
    """A picture (64, 64, 3) uint8, the number of its class, and the mask (64, 64) bool of its shape."""

    picture: Array
    label: int
    mask: Array


class Scenes(NamedTuple):
    """Pictures (N, 64, 64, 3) uint8, class numbers (N,), masks (N, 64, 64) bool, and the names of the classes."""

    pictures: Array
    labels: Array
    masks: Array
    names: tuple[str, ...]


def scenes(seed: int, n: int) -> Scenes:
    """The first n scenes of a seed. Raises ValueError unless both are whole numbers of at least 0."""
    return chosen(seed, range(how_many(n)))


def chosen(seed: int, numbers: Iterable[int]) -> Scenes:
    """The scenes of a seed with these numbers."""
    drawn = [scene(seed, number) for number in numbers]
    return Scenes(
        np.array([s.picture for s in drawn], np.uint8).reshape(-1, SIZE, SIZE, 3),
        np.array([s.label for s in drawn], np.int64),
        np.array([s.mask for s in drawn], bool).reshape(-1, SIZE, SIZE),
        NAMES,
    )


def how_many(n: Any) -> int:
    """n, if it is a number of scenes."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise ValueError(f"n is {n!r}; expected a whole number of scenes, at least 0")
    return int(n)


def scene(seed: int, number: int) -> Scene:
    """One scene. The classes take turns: ten scenes in a row show one of each."""
    chance, label = Chance(seed, number), int(number) % len(NAMES)
    near, far = _backdrop(chance)
    cover = _placed(chance, SHAPES[NAMES[label]])
    canvas = mix(near, far, chance.one_of(TEXTURES)(chance)[..., None])
    for _ in range(chance.below(CLUTTER + 1)):
        tone, spot = _standing_out(chance, near, far), chance.one_of(THINGS)(chance)
        if not (spot * cover).any():  # it would change the outline
            canvas = paint(canvas, tone, spot)
    body = _standing_out(chance, near, far) * _light(chance)[..., None]
    picture = developed(paint(canvas, body, cover), _light(chance), chance, GRAIN)
    return Scene(picture, label, cover >= 0.5)


def _backdrop(chance: Chance) -> tuple[Array, Array]:
    """Two colours for a background, the second not far from the first."""
    near, other = (colour(chance(), chance(0.1, 0.7), chance(0.3, 0.95)) for _ in range(2))
    return near, mix(near, other, chance(0.3, 0.7))


def _standing_out(chance: Chance, *behind: Array) -> Array:
    """A random colour that differs clearly from those behind it, or as much as one of sixteen can."""
    tones = colour(chance(0, 1, PAINTS), chance(0.3, 1, PAINTS), chance(0.25, 1, PAINTS))
    nearest = np.minimum(*(_difference(tones, other) for other in behind))
    return tones[np.argmax(np.minimum(nearest, CLEARLY))]


def _difference(a: Array, b: Array) -> Array:
    """How different colours look, roughly: the eye minds green most and blue least."""
    d = (a - b) * np.array([0.8, 1.2, 0.6])
    d = d * d
    return np.sqrt(d[..., 0] + d[..., 1] + d[..., 2])


def _light(chance: Chance) -> Array:
    """Light that falls off in some direction."""
    return chance(0.9, 1.1) + chance(0, 0.2) * ramp(chance())


def _placed(chance: Chance, shape: Silhouette) -> Array:
    """The coverage of the shape: its area, its place wholly inside the picture and its turn left to chance."""
    scale = float(np.sqrt(chance(*AREA) / shape.area))
    room = shape.reach * scale + MARGIN
    centre = (chance(room, SIZE - room), chance(room, SIZE - room))
    c, s = direction(chance(-shape.swing, shape.swing))

    def inside(x: Array, y: Array) -> Array:
        right, down = (x - centre[0]) / scale, (y - centre[1]) / scale
        return shape.inside(c * right + s * down, c * down - s * right)

    return coverage(inside, around(shape.reach * scale, centre))


def _circle(u: Array, v: Array) -> Array:
    return u * u + v * v <= 1


def _ring(u: Array, v: Array) -> Array:
    d = u * u + v * v
    return (d >= 0.36) & (d <= 1)


def _square(u: Array, v: Array) -> Array:
    return np.maximum(np.abs(u), np.abs(v)) <= 1


def _cross(u: Array, v: Array) -> Array:
    a, b = np.abs(u), np.abs(v)
    return (np.maximum(a, b) <= 1) & (np.minimum(a, b) <= 0.3)


def _crescent(u: Array, v: Array) -> Array:
    bite = (u - 0.5) * (u - 0.5) + v * v < 0.64
    return _circle(u, v) & ~bite


def _heart(u: Array, v: Array) -> Array:
    """The curve (x^2 + y^2 - 1)^3 = x^2 y^3."""
    a, b = u * u, v * v
    d = a + b - 1
    return d * d * d <= -a * b * v


def _leaf(u: Array, v: Array) -> Array:
    """What two circles have in common."""
    a = np.abs(v) + 0.9
    return u * u + a * a <= 1.81


def _arrow(u: Array, v: Array) -> Array:
    a = np.abs(v)
    shaft = (u >= -1) & (u <= 0.1) & (a <= 0.2)
    head = (u >= 0.1) & (a * 3 <= (1 - u) * 2)
    return shaft | head


def _edges(count: int, away: float, least: int) -> Inside:
    """Points on the inner side of at least so many of ``count`` straight edges, each as far ``away`` from the middle.

    All of them make a regular polygon, 4 of 5 a star.
    """
    normals = [direction(k / count) for k in range(count)]

    def inside(u: Array, v: Array) -> Array:
        inner = np.array([right * u + down * v <= away for right, down in normals])
        return np.asarray(np.count_nonzero(inner, axis=0) >= least)

    return inside


SHAPES = {
    "circle": Silhouette(_circle, 3.14159, 1, 0),
    "ring": Silhouette(_ring, 2.01062, 1, 0),
    "square": Silhouette(_square, 4, 1.41422, 1 / 16),  # beyond that it would be a diamond
    "triangle": Silhouette(_edges(3, cosine(1 / 6), 3), 1.29904, 1, 1 / 2),
    "star": Silhouette(_edges(5, cosine(1 / 5), 4), 1.12257, 1, 1 / 2),
    "cross": Silhouette(_cross, 2.04, 1.04404, 1 / 16),  # beyond that it would be an X
    "crescent": Silhouette(_crescent, 1.52942, 1, 1 / 2),
    "heart": Silhouette(_heart, 3.66197, 1.42453, 1 / 12),
    "leaf": Silhouette(_leaf, 1.23349, 1, 1 / 2),
    "arrow": Silhouette(_arrow, 0.98, 1.01981, 1 / 2),
}
NAMES = tuple(SHAPES)


def _slope(chance: Chance) -> Array:
    return np.clip(mix(0.5, 1, ramp(chance())), 0, 1)


def _stripes(chance: Chance) -> Array:
    return _crisp(chance, cosine(chance(1, 4) * ramp(chance()) + chance()))


def _checks(chance: Chance) -> Array:
    turn, many = chance(), chance(1, 2.5)
    one, other = (cosine(many * ramp(turn + quarter) + chance()) for quarter in (0, 0.25))
    return _crisp(chance, one * other)


def _crisp(chance: Chance, wave: Array) -> Array:
    """A wave of -1..1 as a texture of 0..1, with soft or sharp borders."""
    return np.clip(0.5 + chance(0.3, 2) * wave, 0, 1)


def _cloudy(chance: Chance) -> Array:
    cells = 3 + chance.below(4)
    return mix(clouds(chance, cells, cells), clouds(chance, 3 * cells, 3 * cells), 0.35)


def _blobs(chance: Chance) -> Array:
    field = np.zeros((SIZE, SIZE))
    for _ in range(5 + chance.below(8)):
        x, y, radius = chance(0, SIZE), chance(0, SIZE), chance(4, 10)
        d = ((X - x) * (X - x) + (Y - y) * (Y - y)) / (radius * radius)
        field = np.maximum(field, 1 / (1 + d * d))
    return field


def _line(chance: Chance) -> Array:
    (right, down), length, width = direction(chance()), chance(6, 16), chance(0.5, 1.1)
    x, y = chance(4, SIZE - 4), chance(4, SIZE - 4)
    return stroke((x, y), (x + length * right, y + length * down), width, width)


def _dot(chance: Chance) -> Array:
    radius = chance(1, 2.2)
    return ellipse((chance(3, SIZE - 3), chance(3, SIZE - 3)), radius, radius)


def _arc(chance: Chance) -> Array:
    """A thin piece of a circle, at most 60 % of it: too little to be a ring."""
    centre, radius, width = (chance(4, SIZE - 4), chance(4, SIZE - 4)), chance(4, 9), chance(0.5, 1)
    (right, down), chord = direction(chance()), chance(-0.3, 0.6) * radius
    inner, outer = radius - width, radius + width

    def inside(x: Array, y: Array) -> Array:
        u, v = x - centre[0], y - centre[1]
        d = u * u + v * v
        return (d >= inner * inner) & (d <= outer * outer) & (right * u + down * v >= chord)

    return coverage(inside, around(outer, centre))


TEXTURES = (_slope, _stripes, _checks, _cloudy, _blobs)
THINGS = (_line, _dot, _arc)
