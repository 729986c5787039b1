"""Pictures of an organ, some with a lesion, and the mask of where it is: 64 x 64 pixels in grey.

Drawn like the scenes of ``shapes`` (see ``canvas``), the same on every machine. Every picture has a textured organ,
bright vessels, small bright specks and often a dark cyst as large as a lesion, and often something like a lesion lies
outside. None of them is a lesion: a lesion is bright, soft-edged, roundish and in the organ. Whatever else there is, is
drawn alike for both classes.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from minixai.ops import Array
from minixai.zoo.canvas import SIZE, Chance, X, Y, clouds, developed, direction, ellipse, mix, paint, ramp, stroke
from minixai.zoo.scenes import how_many

CLASSES = ("healthy", "lesion")
RADIUS = (4.0, 7.5)  # of a lesion or cyst, in pixels: about 1 % to 4 % of the picture
CONTRAST = (0.24, 0.4)  # how much brighter a lesion is than what it lies on; white is 1
SOFT = 0.5  # of the radius is edge
GRAIN = 0.2  # up to so much darker or brighter, by chance, is every pixel: what no generator can paint again
Spot = tuple[float, float]


class LesionPicture(NamedTuple):
    """A picture (64, 64) uint8, whether it shows a lesion (0 or 1), and the mask (64, 64) bool of that lesion."""

    picture: Array
    label: int
    mask: Array


class LesionPictures(NamedTuple):
    """Pictures (N, 64, 64) uint8, labels (N,), masks (N, 64, 64) bool: empty where there is no lesion."""

    pictures: Array
    labels: Array
    masks: Array


def lesion_pictures(seed: int, n: int) -> LesionPictures:
    """The first n pictures of a seed, healthy and with a lesion in turn. ValueError unless both are whole numbers."""
    drawn = [lesion_picture(seed, number) for number in range(how_many(n))]
    return LesionPictures(
        np.array([d.picture for d in drawn], np.uint8).reshape(-1, SIZE, SIZE),
        np.array([d.label for d in drawn], np.int64),
        np.array([d.mask for d in drawn], bool).reshape(-1, SIZE, SIZE),
    )


def lesion_picture(seed: int, number: int) -> LesionPicture:
    """One picture. With an odd number it shows a lesion."""
    chance, label = Chance(seed, number), int(number) % 2
    organ = _Organ(chance)
    canvas = _textured(chance, organ)
    for _ in range(2 + chance.below(3)):
        canvas = paint(canvas, _grey(chance(0.55, 0.85)), _vessel(chance, organ))
    for _ in range(chance.below(4)):
        canvas = paint(canvas, _grey(chance(0.7, 0.95)), _speck(chance, organ))
    lesion, cyst = _blob(chance, organ), _blob(chance, organ)
    canvas = canvas + label * chance(*CONTRAST) * lesion[..., None]
    if not (lesion * cyst).any():  # also where no lesion is drawn: so cysts do not tell the classes apart
        canvas = canvas - chance.below(2) * chance(*CONTRAST) * cyst[..., None]
    for _ in range(chance.below(3)):
        canvas = canvas + chance(0.24, 0.6) * _outside(chance, organ)[..., None]
    light = 1 + chance(0, 0.15) * ramp(chance())
    picture = developed(canvas, light, chance, GRAIN)
    return LesionPicture(picture[..., 0], label, (label == 1) & (lesion >= 0.5))


class _Organ:
    """An upright ellipse near the middle, which random places lie well inside of."""

    def __init__(self, chance: Chance) -> None:
        self.centre = (chance(29, 35), chance(29, 35))
        self.across, self.down = chance(22, 27), chance(22, 27)
        self.cover = ellipse(self.centre, self.across, self.down)

    def place(self, chance: Chance, room: float, rim: bool = False) -> Spot:
        """A place at least ``room`` pixels inside, every such place as likely as any other; ``rim``: just so far."""
        right, down = direction(chance())
        out = 1.0 if rim else sqrt(chance())
        x, y = self.centre
        return x + out * right * (self.across - room), y + out * down * (self.down - room)


def _textured(chance: Chance, organ: _Organ) -> Array:
    """Tissue of two textures on a dark ground."""
    tissue = chance(0.32, 0.46) + 0.14 * (clouds(chance, 6, 6) - 0.5) + 0.2 * (clouds(chance, 24, 24) - 0.5)
    ground = 0.06 + 0.04 * clouds(chance, 5, 5)
    return mix(ground, tissue, organ.cover)[..., None]


def _vessel(chance: Chance, organ: _Organ) -> Array:
    start, end = organ.place(chance, 4), organ.place(chance, 4)
    return stroke(start, end, chance(0.8, 1.4), chance(0.3, 0.8))


def _speck(chance: Chance, organ: _Organ) -> Array:
    return ellipse(organ.place(chance, 4), chance(0.8, 1.5), chance(0.8, 1.5))


def _blob(chance: Chance, organ: _Organ) -> Array:
    radius = chance(*RADIUS)
    return _soft(chance, radius, organ.place(chance, radius + 2))


def _outside(chance: Chance, organ: _Organ) -> Array:
    """As a lesion, but outside the organ, and perhaps not wholly in the picture."""
    radius = chance(*RADIUS)
    return _soft(chance, radius, organ.place(chance, -1.3 * radius - chance(0, 4), rim=True)) * (1 - organ.cover)


def _soft(chance: Chance, radius: float, centre: Spot) -> Array:
    """A soft ellipse, in some direction longer than across: 1 in its middle, 0 outside, 1/2 on the mask's edge."""
    stretch, (c, s), (x, y) = chance(1.0, 1.3), direction(chance()), centre
    along, aside = c * (X - x) + s * (Y - y), c * (Y - y) - s * (X - x)
    d = np.sqrt(along * along / stretch + aside * aside * stretch) / radius
    t = np.clip((1 + SOFT / 2 - d) / SOFT, 0, 1)
    return t * t * (3 - 2 * t)


def _grey(value: float) -> Array:
    return np.array([value])
