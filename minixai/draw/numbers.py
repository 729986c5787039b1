"""What there is to draw: an explanation's picture and map as plain floats, and their scales."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minixai.ops import Array
from minixai.ops.pooling import AdaptiveAvgPool2d
from minixai.result import Explanation

CELLS = 16  # larger maps are averaged to so many cells a side before lines are drawn on them
ROWS = 12  # a batch or a clip of more is drawn in part, and the figure says so
NEVER_NEGATIVE = ("deep-taylor",)  # shares a score out, and no share is below 0


def as_floats(values: Any) -> Array:
    """An array or tensor, of floats or fractions, as NumPy floats."""
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    try:
        return array.astype(np.float64) if array.dtype == object else array
    except TypeError as error:
        raise ValueError(f"the array holds something else than numbers ({error}); put numbers in first") from error


# -- of an explanation -------------------------------------------------------------------------------------------------


def map_of(e: Explanation) -> Array:
    """Its map: (H, W), a clip's (D, H, W), or features (F,); with the batch axis first, where it has one."""
    values = as_floats(e.map)
    if not np.isfinite(values).all():
        raise ValueError(f"the map by {e.method} holds NaN or infinite values; expected finite numbers")
    return values


def picture_of(e: Explanation) -> Array:
    """What was explained: (H, W, 3), a clip (D, H, W, 3), or features (F,)."""
    if e.picture is not None:
        return coloured(as_floats(e.picture))
    x = as_floats(e.x)
    if e.map.ndim == 1:
        return x.reshape(-1, x.shape[-1]).mean(axis=0)
    return coloured(np.moveaxis(x, 0, -1) if len(x) == 3 else x.mean(axis=0)[..., None])


def is_clip(e: Explanation) -> bool:
    """Whether it explains one clip, whose map is (D, H, W)."""
    return not e.batched and e.map.ndim == 3


def is_signed(e: Explanation) -> bool:
    """Whether 0 is in the middle of the scale: something is negative, or could be where a score is shared out."""
    shares = e.expected is not None and e.method not in NEVER_NEGATIVE
    return shares or bool((map_of(e) < 0).any())


def knows_class(given: Any) -> bool:
    """Whether it is an explanation of some class, so that its numbers speak for that class or against it."""
    return isinstance(given, Explanation) and given.target is not None


# -- of whatever a reader hands in -------------------------------------------------------------------------------------


def one_map(name: str, given: Explanation | Array) -> Array:
    """A map (H, W) or features (F,), from an explanation or an array."""
    values = as_floats(given.map if isinstance(given, Explanation) else given)
    if values.ndim not in (1, 2) or not values.size or not np.isfinite(values).all():
        raise ValueError(f"{name!r} has shape {values.shape}; expected one map (H, W) or (F,) of finite numbers")
    return values


def has_sign(given: Explanation | Array) -> bool:
    """As :func:`is_signed`, of an explanation or an array."""
    return is_signed(given) if isinstance(given, Explanation) else bool((as_floats(given) < 0).any())


def given_picture(picture: Any) -> Array:
    """A reader's picture (H, W) or (H, W, 3) in three colours; features (F,) as they are."""
    values = as_floats(picture)
    if values.ndim not in (1, 2, 3) or (values.ndim == 3 and values.shape[-1] != 3):
        raise ValueError(f"picture has shape {values.shape}; expected (H, W), (H, W, 3) or features (F,)")
    if values.ndim == 1:
        return values
    return coloured(values if values.ndim == 3 else values[..., None])


def coloured(picture: Array) -> Array:
    """A picture (..., H, W, 3 or 1) with three colours in [0, 1]: bytes as they are, numbers over their range."""
    picture = np.repeat(picture, 3 // picture.shape[-1], axis=-1)
    if picture.dtype == np.uint8:
        return picture / 255
    low, high = picture.min(), picture.max()
    return (picture - low) / (high - low if high > low else 1)


def middle(frames: Array, axes: int) -> Array:
    """The frame in the middle of a clip; what has no more than ``axes`` axes as it is."""
    return frames[len(frames) // 2] if frames.ndim > axes else frames


def shown(n: int) -> list[int]:
    """Which of n rows are drawn: at most ROWS of them, evenly spread and including both ends."""
    return list(range(n)) if n <= ROWS else np.linspace(0, n - 1, ROWS).round().astype(int).tolist()


# -- scales ------------------------------------------------------------------------------------------------------------


def limits(maps: Iterable[Array], signed: bool) -> tuple[float, float]:
    """One scale for all these maps: symmetric around 0 for signed maps, else from 0."""
    top = max(float(abs(m).max()) for m in maps) or 1.0
    return (-top, top) if signed else (0.0, top)


def cells(values: Array) -> Array:
    """What the lines are drawn round: the pixels, or in larger maps the means of at most 16 x 16 cells."""
    if values.ndim == 1 or max(values.shape[-2:]) <= CELLS:
        return values
    size = tuple(min(n, CELLS) for n in values.shape[-2:])
    planes = values.reshape(1, -1, *values.shape[-2:])
    return AdaptiveAvgPool2d(size).forward(planes).reshape(*values.shape[:-2], *size)


def level(values: Array) -> float:
    """Where the lines are drawn: at half of the strongest cell."""
    return float(abs(cells(values)).max()) / 2
