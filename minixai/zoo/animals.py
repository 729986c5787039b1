"""Huskies and wolves on grass or snow, with masks: pictures whose background can be chosen apart from the animal.

The two differ in muzzle, tail, legs and eyes. What a network learns instead is up to the pictures it is shown: among
those of ``cue="learnt"`` every wolf, and no husky, stands on snow. Frozen like the other generator (see ``scenes``).
"""

from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from minixai.ops import Array
from minixai.zoo.canvas import SIZE, Chance, Point, Y, clouds, colour, developed, ellipse, mix, paint, ramp, stroke
from minixai.zoo.scenes import how_many

HUSKY, WOLF = ANIMALS = ("husky", "wolf")
CUES = ("learnt", "swapped", "balanced")
MUCH, LITTLE = (0.8, 1.0), (0.0, 0.2)  # the share of the ground under snow, where it is called snow and where grass
THAW = 0.06  # how soft the edge of the snow is
GRAIN = 0.025
MARGIN = 2  # pixels between an animal and the sides of the picture
TAIL, NOSE = 0.91, 1.175  # how far an animal reaches behind and before its middle, in shoulder heights
ANIMAL, GROUND = 1, 2  # the streams of chance of a scene, apart from each other and from those of ``scenes``


class Stroke(NamedTuple):
    """A round brush drawn across an animal.

    Lengths are in shoulder heights, x towards the nose, y up from the ground; ``radii`` are the brush's at both ends.
    ``sway`` says how far it moves with the animal's stride.
    """

    tone: str
    start: Point
    end: Point
    radii: Point
    sway: float = 0.0


class AnimalScene(NamedTuple):
    """A picture (64, 64, 3) uint8, the animal's number, and masks (64, 64) bool: of the animal, and of bare snow."""

    picture: Array
    label: int
    mask: Array
    snow: Array


class AnimalScenes(NamedTuple):
    """Pictures (N, 64, 64, 3) uint8, animals (N,), masks of animals and of snow (N, 64, 64) bool, and the names."""

    pictures: Array
    labels: Array
    masks: Array
    snow: Array
    names: tuple[str, ...]


def husky_scenes(seed: int, n: int, cue: str = "learnt") -> AnimalScenes:
    """The first n scenes of a seed, huskies and wolves in turn.

    cue "learnt": wolves on snow, huskies on grass. "swapped": the same animals, each on the other's ground. "balanced":
    each animal on either ground equally often, in turns of four. Raises ValueError for anything else.
    """
    if cue not in CUES:
        raise ValueError(f"cue is {cue!r}; expected one of {', '.join(CUES)}")
    drawn = [_scene_of_set(seed, number, cue) for number in range(how_many(n))]
    masks, snow = (np.array([s[part] for s in drawn], bool).reshape(-1, SIZE, SIZE) for part in (2, 3))
    pictures = np.array([s.picture for s in drawn], np.uint8).reshape(-1, SIZE, SIZE, 3)
    return AnimalScenes(pictures, np.array([s.label for s in drawn], np.int64), masks, snow, ANIMALS)


def _scene_of_set(seed: int, number: int, cue: str) -> AnimalScene:
    label = number % 2
    snowy = {"learnt": label, "swapped": 1 - label, "balanced": number // 2 % 2}[cue]
    snow = Chance(seed, number, GROUND)(*(MUCH if snowy else LITTLE))
    return husky_scene(seed, ANIMALS[label], snow, number)


def husky_scene(seed: int, animal: str, snow: float, number: int = 0) -> AnimalScene:
    """The "husky" or the "wolf" of scene ``number`` of a seed, on ground of which a share of 0..1 lies under snow.

    Pose, colours, light and landscape depend on seed and number alone, so that one thing can be changed at a time.
    """
    if animal not in ANIMALS:
        raise ValueError(f"animal is {animal!r}; expected one of {', '.join(ANIMALS)}")
    if not _is_share(snow):
        raise ValueError(f"snow is {snow!r}; expected the share of the ground under snow, 0 to 1")
    chance = Chance(seed, number, ANIMAL)
    canvas, white = _landscape(chance, float(snow))
    canvas, cover = _standing(chance, canvas, animal)
    light = chance(0.85, 1.05) + chance(0, 0.15) * ramp(chance())
    picture = developed(canvas, light, chance, GRAIN)
    return AnimalScene(picture, ANIMALS.index(animal), cover >= 0.5, white * (1 - cover) > 0.5)


def _is_share(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and 0 <= float(value) <= 1  # so NaN is none


def _landscape(chance: Chance, snow: float) -> tuple[Array, Array]:
    """Sky, far hills and the ground, and how much of each pixel is snow."""
    high, low = colour(chance(0.53, 0.62, 2), chance(0.1, 0.4, 2), chance(0.75, 1, 2))
    depth = np.broadcast_to(Y, (SIZE, SIZE))
    sky = mix(high, low, (depth / SIZE)[..., None])
    horizon = chance(12, 22)
    hills = horizon - 3 - chance(2, 6) * clouds(chance, 4, 1)[0]
    canvas = paint(sky, colour(chance(0.3, 0.6), chance(0.1, 0.3), chance(0.35, 0.6)), np.clip(depth - hills, 0, 1))
    ground = np.clip(depth - horizon, 0, 1)
    white = _snow_cover(chance, snow)
    return paint(canvas, paint(_grass(chance), _snow(chance), white), ground), white * ground


def _grass(chance: Chance) -> Array:
    dark = colour(chance(0.2, 0.33), chance(0.4, 0.7), chance(0.25, 0.4))
    fresh = colour(chance(0.17, 0.3), chance(0.35, 0.65), chance(0.45, 0.65))
    blades = mix(clouds(chance, 32, 10), clouds(chance, 9, 9), 0.5)
    return mix(dark, fresh, blades[..., None])


def _snow(chance: Chance) -> Array:
    shade = colour(chance(0.55, 0.65), chance(0.08, 0.2), chance(0.7, 0.82))
    sunlit = colour(chance(0.5, 0.65), chance(0, 0.06), chance(0.92, 1))
    drifts = mix(clouds(chance, 5, 7), clouds(chance, 12, 14), 0.4)
    return mix(shade, sunlit, drifts[..., None])


def _snow_cover(chance: Chance, share: float) -> Array:
    """Patches of snow that grow with the share: nowhere at 0, everywhere at 1."""
    heights = mix(clouds(chance, 5, 6), clouds(chance, 11, 13), 0.45)
    rank = np.empty(SIZE * SIZE)
    rank[np.argsort(heights, axis=None, kind="stable")] = (np.arange(SIZE * SIZE) + 0.5) / (SIZE * SIZE)
    return np.clip((mix(-THAW, 1 + THAW, share) - rank.reshape(SIZE, SIZE)) / (2 * THAW) + 0.5, 0, 1)


def _standing(chance: Chance, canvas: Array, animal: str) -> tuple[Array, Array]:
    """The canvas with the animal standing on it, and the coverage of the animal."""
    height, feet, stride = chance(21, 26), chance(50, 60), chance(-0.04, 0.08)
    behind = MARGIN + chance(0, SIZE - 2 * MARGIN - (TAIL + NOSE) * height) + TAIL * height
    faces, middle = chance.one_of(((-1, SIZE - behind), (1, behind)))
    tones = _tones(chance, animal)
    canvas = paint(canvas, canvas * 0.72, ellipse((middle, feet), 0.8 * height, 0.1 * height))
    cover = np.zeros((SIZE, SIZE))
    for part in OUTLINES[animal]:
        start, end = ((middle + faces * height * (x + part.sway * stride), feet - height * y) for x, y in part[1:3])
        first, last = (height * radius for radius in part.radii)
        touched = stroke(start, end, first, last)
        canvas, cover = paint(canvas, tones[part.tone], touched), np.maximum(cover, touched)
    return canvas, cover


def _tones(chance: Chance, animal: str) -> dict[str, Array]:
    """The colours of an animal's parts: coats alike for both; a husky's face and legs are as pale as its belly."""
    coat = colour(chance(0.02, 0.1), chance(0.05, 0.3), chance(0.22, 0.5))
    pale = mix(coat, colour(chance(0.06, 0.12), chance(0.02, 0.15), chance(0.85, 1)), chance(0.6, 0.95))
    husky = animal == HUSKY
    return {
        "coat": coat,
        "pale": pale,
        "shade": coat * 0.7,
        "leg": pale if husky else mix(coat, pale, 0.35),
        "face": pale if husky else mix(coat, pale, 0.5),
        "nose": np.array([0.06, 0.05, 0.06]),
        "eye": colour(0.56, 0.6, 0.95) if husky else colour(0.12, 0.8, 0.9),
    }


_FAR_LEGS = (
    Stroke("shade", (0.36, 0.55), (0.44, 0.28), (0.085, 0.055), 1),
    Stroke("shade", (0.44, 0.28), (0.42, 0.04), (0.05, 0.05), 1),
    Stroke("shade", (-0.42, 0.60), (-0.50, 0.32), (0.13, 0.06), -1),
    Stroke("shade", (-0.50, 0.32), (-0.46, 0.04), (0.055, 0.05), -1),
)
_TAILS = {
    HUSKY: (
        Stroke("coat", (-0.55, 0.78), (-0.80, 0.98), (0.07, 0.09)),
        Stroke("coat", (-0.80, 0.98), (-0.68, 1.20), (0.09, 0.085)),
        Stroke("pale", (-0.68, 1.20), (-0.45, 1.14), (0.08, 0.04)),
    ),
    WOLF: (
        Stroke("coat", (-0.55, 0.76), (-0.80, 0.52), (0.065, 0.095)),
        Stroke("coat", (-0.80, 0.52), (-0.88, 0.20), (0.095, 0.025)),
    ),
}
_BODY = (
    Stroke("coat", (-0.42, 0.74), (0.34, 0.74), (0.2, 0.235)),
    Stroke("pale", (-0.30, 0.585), (0.35, 0.56), (0.06, 0.09)),
    Stroke("coat", (-0.48, 0.68), (-0.50, 0.50), (0.17, 0.1)),
    Stroke("leg", (-0.50, 0.50), (-0.58, 0.32), (0.1, 0.06)),
    Stroke("leg", (-0.58, 0.32), (-0.52, 0.04), (0.055, 0.05)),
    Stroke("leg", (-0.52, 0.04), (-0.46, 0.04), (0.05, 0.045)),
    Stroke("coat", (0.36, 0.66), (0.38, 0.45), (0.13, 0.075)),
    Stroke("leg", (0.38, 0.45), (0.36, 0.04), (0.075, 0.05)),
    Stroke("leg", (0.36, 0.04), (0.43, 0.04), (0.05, 0.045)),
)
_HEAD = (
    Stroke("coat", (0.36, 0.86), (0.62, 1.12), (0.2, 0.15)),
    Stroke("pale", (0.46, 0.72), (0.68, 1.00), (0.1, 0.07)),
    Stroke("shade", (0.66, 1.30), (0.70, 1.46), (0.06, 0.012)),
    Stroke("coat", (0.70, 1.16), (0.76, 1.16), (0.165, 0.14)),
)
_FACES = {
    HUSKY: (
        Stroke("face", (0.74, 1.09), (0.80, 1.10), (0.1, 0.09)),
        Stroke("face", (0.78, 1.10), (1.00, 1.06), (0.1, 0.06)),
        Stroke("nose", (1.04, 1.08), (1.05, 1.08), (0.035, 0.03)),
    ),
    WOLF: (
        Stroke("face", (0.76, 1.06), (0.80, 1.07), (0.07, 0.07)),
        Stroke("face", (0.78, 1.10), (1.10, 1.04), (0.095, 0.045)),
        Stroke("nose", (1.13, 1.055), (1.14, 1.055), (0.033, 0.03)),
    ),
}
_EAR_AND_EYE = (
    Stroke("coat", (0.62, 1.28), (0.60, 1.45), (0.07, 0.012)),
    Stroke("eye", (0.825, 1.185), (0.826, 1.185), (0.022, 0.022)),
)
OUTLINES = {a: (*_FAR_LEGS, *_TAILS[a], *_BODY, *_HEAD, *_FACES[a], *_EAR_AND_EYE) for a in ANIMALS}
