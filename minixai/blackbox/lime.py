"""Section 2.1, LIME: a linear model of the score, fitted around one picture that is made of superpixels.

Contribution, in units of the score: what a superpixel adds by being there. Ribeiro, Singh, Guestrin (2016).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.blackbox.scoring import Answer, Asking, Question, filling, whole
from minixai.ops import Array, is_exact
from minixai.ops.numbers import divide, in_arithmetic_of, mean, number, zeros

COMPACTNESS = 10  # SLIC: how much nearness counts beside likeness of colour


@dataclass(frozen=True, eq=False)
class Surrogate:
    """The linear model score = intercept + sum_m weights_m z_m, z_m = 1 where superpixel m is shown.

    ``r2`` is the share of the scores' weighted variance that it explains; 1 where they do not vary at all.
    """

    weights: Array
    intercept: Any
    r2: Any


def lime(
    question: Question,
    n: int = 1000,
    superpixels: int | None = None,
    segments: Any = None,
    masks: Any = None,
    weights: Any = None,
    fill: Any = "superpixel",
    sigma: float = 0.25,
    alpha: float = 1,
    seed: int = 0,
    score: str = "probability",
    at_once: int = 64,
    progress: bool | None = None,
) -> Answer:
    """The weight of each pixel's superpixel in a linear model of the score of masked copies of the picture, (H, W).

    ``n`` masks show or hide every superpixel with probability 1/2 (the first shows all), drawn from ``seed``; or
    ``masks`` (n, M) of 0 and 1. A mask counts sqrt(exp(-d^2 / sigma^2)), see :func:`kernel`; or ``weights`` (n,). The
    model keeps all superpixels; it is fitted by ridge regression with penalty ``alpha``, the intercept left free.
    ``segments``: whole numbers 0 to M - 1, (H, W) for all pictures or (N, H, W); None asks SLIC for about so many
    ``superpixels`` (None: one for 64 pixels, at least 16, at most 100). ``fill``: "superpixel", its mean colour, or as
    for occlusion. The notes hold the model's intercept, its R^2 on the masks, and the range of the scores.
    """
    clean = Asking(question, score, at_once, progress).clean
    if sigma <= 0 or alpha < 0:
        raise ValueError(f"got sigma {sigma}, alpha {alpha}; expected a width above 0 and a penalty of at least 0")
    regions = _segments(question, superpixels, segments)
    found, ranges = [], []
    for i, region in enumerate(regions):
        drawn = draws(whole(n, "n", "the number of masks"), region.max() + 1, seed) if masks is None else masks
        Z = _checked_masks(drawn, int(region.max()) + 1)
        one = Asking(question[i], score, at_once, progress)
        hidden = colours(question[i], region, fill)
        copies = masked(question.x[i], region, Z, hidden)
        y = np.concatenate(list(one.values(copies, len(Z), "lime")))
        ranges.append(f"{float(y.min()):.4g} to {float(y.max()):.4g}")
        found.append(ridge(Z, y, kernel(Z, sigma, y) if weights is None else weights, alpha))
    relevance = np.stack([model.weights[region] for model, region in zip(found, regions, strict=True)])
    said = {"superpixels": [int(r.max()) + 1 for r in regions], "intercept": [m.intercept for m in found]}
    said |= {"R2": [m.r2 for m in found], "scores": ranges}
    alone = len(found) == 1
    return Answer(relevance, "none", said={k: v[0] if alone else v for k, v in said.items()}, score=clean)


def draws(n: int, superpixels: int, seed: int) -> Array:
    """n masks, the first of ones, the others of fair coins thrown by the seed."""
    Z = np.random.default_rng(whole(seed, "seed", "what the masks are drawn from", 0)).integers(0, 2, (n, superpixels))
    Z[0] = 1
    return Z


def masked(x: Array, region: Array, masks: Array, hidden: Array) -> Iterator[Array]:
    """One picture under every mask, as batches of one."""
    return (np.where(z[region] == 1, x, hidden)[None] for z in masks)


def kernel(masks: Array, sigma: float, like: Array) -> Array:
    """How much each mask counts, sqrt(exp(-d^2 / sigma^2)): d = 1 - cos(mask, all ones), 1 if it hides everything."""
    if is_exact(like):
        raise ValueError("the kernel's exp has no exact value in fractions; give weights=, one per mask, or use floats")
    shown = masks.astype(bool).mean(axis=1)
    distance = 1 - np.sqrt(shown)  # z.1 / (|z| |1|) = k / sqrt(k M); 1 if the mask shows nothing
    return np.sqrt(np.exp(-(distance**2) / sigma**2))


def ridge(masks: Any, scores: Any, weights: Any, alpha: Any = 1) -> Surrogate:
    """The b and w_m that minimise sum_i weights_i (scores_i - b - masks_i.w)^2 + alpha |w|^2, by the normal equations.

    masks (n, M), scores (n,), weights (n,) at least 0: floats or fractions. Raises ValueError where the masks do not
    determine the model.
    """
    y = np.asarray(scores)
    y = y if is_exact(y) else y.astype(np.float64)
    Z, w = in_arithmetic_of(y, masks, "masks"), in_arithmetic_of(y, weights, "weights")
    if Z.ndim != 2 or not Z.size or y.shape != (len(Z),) or w.shape != y.shape:
        raise ValueError(
            f"got masks {Z.shape}, scores {y.shape}, weights {w.shape}; expected (n, M), (n,) and (n,), n at least 1"
        )
    if (w < 0).any() or not (w > 0).any():
        raise ValueError("the weights of the masks are negative, or all 0; expected numbers of at least 0, some above")
    A = np.concatenate([zeros((len(Z), 1), y) + 1, Z], axis=1)
    penalty = np.diag(zeros((A.shape[1],), y) + number(alpha, y))
    penalty[0, 0] = 0
    weighted, change = A * w[:, None], y - y[0]  # scores that are all equal shall give weights of 0, not of 1e-15
    solution = solve(weighted.T @ A + penalty, weighted.T @ change)
    missed = (w * (change - A @ solution) ** 2).sum()
    spread = (w * (change - (w * change).sum() / w.sum()) ** 2).sum()
    r2 = 1 - divide(np.asarray(missed), np.asarray(spread)).item()
    return Surrogate(solution[1:], (solution[0] + y[0]) if is_exact(y) else float(solution[0] + y[0]), r2)


def solve(A: Array, b: Array) -> Array:
    """The x with A x = b, A symmetric and without negative directions. ValueError if there are many."""
    unsettled = "the masks do not tell all superpixels apart; give more of them, or a penalty alpha above 0"
    if not is_exact(A):
        if np.linalg.matrix_rank(A, hermitian=True) < len(A):
            raise ValueError(unsettled)
        return np.linalg.solve(A, b)
    rows = np.concatenate([A, b[:, None]], axis=1)
    for k in range(len(A)):  # Gauss and Jordan; such a matrix needs no other pivot than its diagonal
        if rows[k, k] == 0:
            raise ValueError(unsettled)
        rows[k] = rows[k] / rows[k, k]
        others = np.arange(len(A)) != k
        rows[others] = rows[others] - rows[others, k : k + 1] * rows[k]
    return rows[:, -1]


def colours(question: Question, region: Array, fill: Any) -> Array:
    """What each pixel of the one picture looks like when it is hidden: its superpixel's mean colour, or ``fill``."""
    x = question.x[0]
    if not isinstance(fill, str) or fill != "superpixel":
        return filling(question, fill)[0][0]
    if np.bincount(region.ravel()).max() == 1:
        raise ValueError("every superpixel is one pixel, and its own mean colour hides nothing; give fill=, such as 0")
    hidden = np.array(x)
    for m in range(region.max() + 1):
        inside = (..., region == m)
        hidden[inside] = mean(x[inside], axis=-1, keepdims=True)
    return hidden


def slic(question: Question, superpixels: int) -> Array:
    """scikit-image's SLIC superpixels of the one picture, numbered from 0: (H, W). Of features, each is one."""
    x, pictures = question.x[0], question.model.facts.get("pictures")
    if x.ndim == 1:
        return np.arange(len(x))
    try:
        from skimage import segmentation
    except ModuleNotFoundError as error:
        raise ImportError("superpixels need scikit-image: pip install 'minixai[book]', or give segments=") from error
    seen = pictures.unpreprocess(x) if pictures is not None else _unit(np.moveaxis(x.astype(np.float64), 0, -1))
    found = segmentation.slic(seen, superpixels, COMPACTNESS, start_label=0, channel_axis=-1)
    return np.unique(found, return_inverse=True)[1].reshape(question.space)


def _segments(question: Question, superpixels: int | None, segments: Any) -> Array:
    """The superpixels of every picture, (N, H, W)."""
    n, space = len(question.x), question.space
    if segments is None:
        pixels = int(np.prod(space))
        many = min(max(pixels // 64, 16), 100) if superpixels is None else superpixels
        many = whole(many, "superpixels", "about how many of them")
        return np.stack([slic(question[i], many) for i in range(n)])
    given = np.asarray(segments)
    if given.shape not in (space, (n, *space)) or given.dtype.kind not in "iu":
        wanted = f"integers of shape {space}, or {(n, *space)}"
        raise ValueError(f"segments have shape {given.shape} and dtype {given.dtype}; expected {wanted}")
    given = np.broadcast_to(given, (n, *space))
    if any(not np.array_equal(np.unique(one), np.arange(one.max() + 1)) for one in given):
        raise ValueError("the segments of a picture must be numbered 0, 1, 2 ... with no number left out")
    return given


def _checked_masks(masks: Any, superpixels: int) -> Array:
    Z = np.asarray(masks)
    if Z.ndim != 2 or not len(Z) or Z.shape[1] != superpixels:
        raise ValueError(f"masks have shape {Z.shape}; expected (n, {superpixels}): one number per superpixel, n >= 1")
    if not all(v in (0, 1) for v in Z.flat):
        raise ValueError("masks hold other numbers than 0 (hidden) and 1 (shown)")
    return Z.astype(np.int64)


def _unit(picture: Array) -> Array:
    """The picture over its range, in [0, 1]."""
    low, high = picture.min(), picture.max()
    return (picture - low) / (high - low if high > low else 1)
