"""Clips with a known answer: a shape that moves before a textured background, and the masks of where it is.

8 frames of 32 x 32 pixels in grey, drawn like the scenes of ``shapes`` (see ``canvas``), the same on every machine. The
class is the motion and nothing else. What leaves the picture on one side comes in on the other, as on a torus, and a
shape starts anywhere with the same chance. So it is in every later frame, whatever the motion: one frame alone says
nothing about the class, and all of them in disorder say along which axis a shape moves, but not which way. The ten
shapes, their turn, size, tone and speed are drawn alike for every class. Specks lie still, and the light flickers.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from minixai.ops import Array
from minixai.zoo.canvas import FINE, Chance, clouds, developed, direction, ellipse, mix
from minixai.zoo.scenes import SHAPES, Silhouette, how_many

FRAMES, SIDE = 8, 32
MOTIONS = {"still": (0, 0), "right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}  # {class: a step's way}
CLASSES = tuple(MOTIONS)
AREA = (40.0, 90.0)  # of a shape, in pixels: about 4 % to 9 % of a frame
SPEED = (1.0, 2.2)  # pixels from one frame to the next
CONTRAST = (0.25, 0.4)  # how far a shape is from the middle of the background, brighter or darker; white is 1
SPECKS = 4  # at most so many lie about
FLICKER, GRAIN = 0.06, 0.03


class MovingClip(NamedTuple):
    """A clip (8, 32, 32) uint8, the number of its class, and masks (8, 32, 32) bool of where the shape is."""

    frames: Array
    label: int
    masks: Array


class MovingClips(NamedTuple):
    """Clips (N, 8, 32, 32) uint8, class numbers (N,), masks (N, 8, 32, 32) bool."""

    frames: Array
    labels: Array
    masks: Array


def moving_clips(seed: int, n: int) -> MovingClips:
    """The first n clips of a seed, the motions taking turns. Raises ValueError unless both are whole numbers."""
    drawn = [moving_clip(seed, number) for number in range(how_many(n))]
    return MovingClips(
        np.array([d.frames for d in drawn], np.uint8).reshape(-1, FRAMES, SIDE, SIDE),
        np.array([d.label for d in drawn], np.int64),
        np.array([d.masks for d in drawn], bool).reshape(-1, FRAMES, SIDE, SIDE),
    )


def moving_clip(seed: int, number: int) -> MovingClip:
    """One clip. Five in a row show one of each motion."""
    return filmed(Chance(seed, number), int(number) % len(CLASSES))


def filmed(chance: Chance, label: int) -> MovingClip:
    """A clip of this class. With the same chance, another class shows the same shape and start, moving otherwise."""
    middle = chance(0.4, 0.6)
    ground = middle + 0.3 * (_clouds(chance, 4) - 0.5) + 0.2 * (_clouds(chance, 8) - 0.5)
    for _ in range(chance.below(SPECKS + 1)):
        ground = mix(ground, _apart(chance, middle), _speck(chance))
    shape, area, turn = chance.one_of(tuple(SHAPES.values())), chance(*AREA), chance()
    tone, speed = _apart(chance, middle), chance(*SPEED)
    x, y, (right, down) = chance(0, SIDE), chance(0, SIDE), MOTIONS[CLASSES[label]]
    places = [(x + speed * right * t, y + speed * down * t) for t in range(FRAMES)]
    covers = [_cover(shape, area, (turn - 0.5) * 2 * shape.swing, place) for place in places]
    return MovingClip(
        np.array([_exposed(mix(ground, tone, cover), chance) for cover in covers]),
        label,
        np.array([cover >= 0.5 for cover in covers]),
    )


def _clouds(chance: Chance, cells: int) -> Array:
    """So many cells across a frame, which is a corner of the larger canvas."""
    return clouds(chance, 2 * cells, 2 * cells)[:SIDE, :SIDE]


def _speck(chance: Chance) -> Array:
    radius = chance(0.8, 2.2)
    return ellipse((chance(0, SIDE), chance(0, SIDE)), radius, radius)[:SIDE, :SIDE]


def _apart(chance: Chance, middle: float) -> float:
    """A grey that is clearly brighter or darker than the background."""
    return middle + (2 * chance.below(2) - 1) * chance(*CONTRAST)


def _cover(shape: Silhouette, area: float, turn: float, centre: tuple[float, float]) -> Array:
    """How much of each pixel the shape covers, (32, 32); what would stick out on one side lies on the other."""
    scale, (c, s) = sqrt(area / shape.area), direction(turn)
    points = (np.arange(FINE * SIDE) + 0.5) / FINE
    right, down = (_nearest(points - at) / scale for at in centre)
    right, down = right[None, :], down[:, None]
    inside = shape.inside(c * right + s * down, c * down - s * right)
    return inside.reshape(SIDE, FINE, SIDE, FINE).sum(axis=(1, 3), dtype=np.int64) / FINE**2


def _nearest(distance: Array) -> Array:
    """The distance the shorter way round."""
    return distance - SIDE * np.floor(distance / SIDE + 0.5)


def _exposed(frame: Array, chance: Chance) -> Array:
    """A frame as the camera sees it: flickering light, grain, 0..255."""
    light = np.full(frame.shape, 1 + chance(-FLICKER, FLICKER))
    return developed(frame[..., None], light, chance, GRAIN)[..., 0]
