"""Does the network depend on what the map marks? Deletion and insertion: change pixels in its order, watch the score.

Petsiuk, Das and Saenko (2018), after Samek et al. (2017). The score is any function of pictures, x (N, C, H, W) ->
(N,), so a class has been picked: ``lambda x: net(x)[:, 3]`` for a network of this engine,
``lambda x: module(torch.tensor(x))[:, 3]`` for a PyTorch module.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from minixai.metrics.arrays import Number, checked_map, quotient
from minixai.ops import Array, exact, is_exact
from minixai.ops.numbers import FLOATS, in_arithmetic_of

Score = Callable[[Array], Any]


@dataclass(frozen=True, eq=False)
class Curve:
    """The score after so many pixels were changed.

    ``counts``: how many, from 0 to all of them; ``scores``: an array as long, in fractions where the scores are.
    """

    counts: tuple[int, ...]
    scores: Array

    @property
    def shares(self) -> Array:
        """The share of the pixels that were changed, from 0 to 1."""
        return np.array(self.counts) / self.counts[-1]

    @property
    def area(self) -> Number:
        """The area under the score over the share of changed pixels, by the trapezoid rule; a mean, in its units."""
        widths = np.diff(self.counts)
        heights = self.scores[1:] + self.scores[:-1]
        return quotient((widths * heights).sum(), 2 * self.counts[-1], self.scores)


def deletion(
    score: Score,
    x: Any,
    map: Any,
    baseline: Any,
    steps: int | None = None,
    at_once: int = 64,
    progress: bool | None = None,
) -> Number:
    """The area under :func:`deletion_curve`: low where the map finds what the score depends on; in units of the score.

    Comparable between maps of one picture, one score and one baseline; everything else as there.
    """
    return deletion_curve(score, x, map, baseline, steps, at_once, progress).area


def insertion(
    score: Score,
    x: Any,
    map: Any,
    baseline: Any,
    steps: int | None = None,
    at_once: int = 64,
    progress: bool | None = None,
) -> Number:
    """The area under :func:`insertion_curve`: high where the map finds what suffices; in units of the score.

    Comparable between maps of one picture, one score and one baseline; everything else as there.
    """
    return insertion_curve(score, x, map, baseline, steps, at_once, progress).area


def deletion_curve(
    score: Score,
    x: Any,
    map: Any,
    baseline: Any,
    steps: int | None = None,
    at_once: int = 64,
    progress: bool | None = None,
) -> Curve:
    """The score while the pixels of x become those of the baseline, the most relevant first.

    score: pictures (N, *x.shape) -> (N,); it sees ``at_once`` pictures in a call. x: one picture (C, H, W), clip
    (C, D, H, W) or features (F,), floats or fractions; a pixel goes with all its channels. map: (H, W), (D, H, W) or
    (F,), signed: the largest value goes first, equal ones row by row, so a constant map goes row by row. baseline:
    numbers as the network sees them: one, one per channel, or a picture. ``steps``: in how many portions, after the
    k-th of which floor(k n / steps) of the n pixels are changed; None changes them one by one, which is n + 1 scores.
    ``progress``: True or False; None shows the bar in a terminal only. Raises ValueError for NaN, shapes that do not
    fit, steps outside 1 ... n, and scores that are not one finite number per picture.
    """
    picture = _picture(x)
    return _curve(score, picture, _baseline(baseline, picture), map, steps, at_once, progress)


def insertion_curve(
    score: Score,
    x: Any,
    map: Any,
    baseline: Any,
    steps: int | None = None,
    at_once: int = 64,
    progress: bool | None = None,
) -> Curve:
    """The score while the pixels of the baseline become those of x, the most relevant first.

    It is the deletion curve of the baseline with x for what is left behind; everything else as in
    :func:`deletion_curve`.
    """
    picture = _picture(x)
    return _curve(score, _baseline(baseline, picture), picture, map, steps, at_once, progress)


def order(map: Any) -> Array:
    """The pixels as flat indices, the largest value first, equal ones row by row."""
    _, ranks = np.unique(checked_map(map), return_inverse=True)
    return np.argsort(-ranks.ravel(), kind="stable")


def _curve(
    score: Score, start: Array, goal: Array, map: Any, steps: int | None, at_once: int, progress: bool | None
) -> Curve:
    from tqdm import tqdm

    space = start.shape[1:] or start.shape
    values = checked_map(map)
    if values.shape != space:
        raise ValueError(f"the map has shape {values.shape}, x {start.shape}; expected a map {space}: resize it")
    portions = values.size if steps is None else _whole(steps, "steps", values.size)
    many = _whole(at_once, "at_once")
    counts = tuple(k * values.size // portions for k in range(portions + 1))
    variants, scores = _variants(start, goal, order(values), counts), []
    with tqdm(total=len(counts), desc="scores", leave=False, disable=None if progress is None else not progress) as bar:
        while some := list(islice(variants, many)):
            scores.append(_scored(score, np.stack(some)))
            bar.update(len(some))
    return Curve(counts, np.concatenate(scores))


def _variants(start: Array, goal: Array, places: Array, counts: tuple[int, ...]) -> Iterator[Array]:
    """The start with so many of the places, the first ones, as in the goal."""
    channels = start.shape[0] if start.ndim > 1 else 1
    before, after = start.reshape(channels, -1), goal.reshape(channels, -1)
    for count in counts:
        changed = before.copy()
        changed[:, places[:count]] = after[:, places[:count]]
        yield changed.reshape(start.shape)


def _scored(score: Score, x: Array) -> Array:
    """The scores of n pictures, checked: (n,) finite numbers, float64 or fractions."""
    try:
        found = score(x)
        scores = np.asarray(found.detach().cpu().double() if hasattr(found, "detach") else found)
    except Exception as error:  # somebody else's code: it may raise whatever it likes
        what = f"{type(error).__name__}: {error}"
        raise ValueError(f"the scoring function failed on pictures of shape {x.shape}: {what}") from error
    if scores.shape != (len(x),):
        wanted = f"expected ({len(x)},), one number per picture; pick a class: lambda x: net(x)[:, 3]"
        raise ValueError(f"the scores of {len(x)} pictures have shape {scores.shape}; {wanted}")
    if scores.dtype == object:
        return exact(scores)
    if scores.dtype.kind not in "fiu" or not np.isfinite(scores).all():
        raise ValueError(f"the scores, of dtype {scores.dtype}, are not all finite numbers; mend the scoring function")
    return scores.astype(np.float64)


def _picture(x: Any) -> Array:
    picture = np.asarray(x)
    if picture.dtype not in FLOATS and not is_exact(picture):
        raise ValueError(f"x has dtype {picture.dtype}; expected floats (or fractions): x.astype('float32')")
    if picture.ndim not in (1, 3, 4) or not picture.size:
        raise ValueError(f"x has shape {picture.shape}; expected one picture (C, H, W), clip (C, D, H, W) or row (F,)")
    return in_arithmetic_of(picture, picture, "x")


def _baseline(baseline: Any, x: Array) -> Array:
    colour = in_arithmetic_of(x, baseline, "the baseline")
    if colour.ndim == 1 and x.ndim > 1:
        colour = colour.reshape(-1, *(1,) * (x.ndim - 1))
    try:
        return np.broadcast_to(colour, x.shape)
    except ValueError:
        wanted = f"one number, one per channel ({x.shape[0]}), or a picture {x.shape}"
        raise ValueError(f"the baseline has shape {np.shape(baseline)}; expected {wanted}") from None


def _whole(value: Any, what: str, most: int | None = None) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1 or (most is not None and value > most):
        wanted = "of at least 1" if most is None else f"from 1 to {most}, the number of pixels"
        raise ValueError(f"{what} is {value!r}; expected an integer {wanted}")
    return int(value)
