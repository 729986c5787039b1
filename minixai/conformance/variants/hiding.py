"""Occlusion and LIME: other windows, other fillings, other readings of a mask, and other fits."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from minixai.conformance.variants import real
from minixai.conformance.variants.base import Asked, Variant, made
from minixai.network import forward
from minixai.ops import Array, UnsupportedOp
from minixai.ops.numbers import exact, mean

Starts = Callable[[int, int, int], Iterator[list[int]]]  # (side, window, stride) -> the pixels of each window


def scored(asked: Asked, i: int, pictures: Array, score: str | None = None) -> Array:
    """What is explained of picture i, for each of n pictures in its place: (n,)."""
    y = forward(asked.network, pictures).output.y
    wanted = score or asked.params["score"]
    return (real.softmax(y) if wanted == "probability" else y)[:, asked.target[i]]


def other_score(asked: Asked) -> str:
    return "probability" if asked.params["score"] == "logit" else "logit"


def space_of(asked: Asked) -> tuple[int, ...]:
    return asked.x.shape[2:] or asked.x.shape[1:]


# -- Occlusion ---------------------------------------------------------------------------------------------------------


def _to_the_border(side: int, window: int, stride: int) -> Iterator[list[int]]:
    """As it should be: until one window reaches the border, where it is cut off."""
    return (list(range(at, min(at + window, side))) for at in range(0, side - window + stride, stride))


def _inside(side: int, window: int, stride: int) -> Iterator[list[int]]:
    return (list(range(at, at + window)) for at in range(0, side - window + 1, stride))


def _everywhere(side: int, window: int, stride: int) -> Iterator[list[int]]:
    return (list(range(at, min(at + window, side))) for at in range(0, side, stride))


def _round_the_border(side: int, window: int, stride: int) -> Iterator[list[int]]:
    return ([p % side for p in range(at, at + window)] for at in range(0, side, stride))


def _pushed_in(side: int, window: int, stride: int) -> Iterator[list[int]]:
    """The last window is moved back until it is whole."""
    starts = range(0, side - window + stride, stride)
    return (list(range(at, at + window)) for at in dict.fromkeys(min(at, side - window) for at in starts))


def _drop(clean: Any, value: Any) -> Any:
    return clean - value


def _average(values: Sequence[Any]) -> Any:
    return sum(values, Fraction(0)) / len(values) if values else Fraction(0)


def _sum(values: Sequence[Any]) -> Any:
    return sum(values, Fraction(0))


def _last(values: Sequence[Any]) -> Any:
    return values[-1] if values else Fraction(0)


def _largest(values: Sequence[Any]) -> Any:
    return max(values, default=Fraction(0))


def _average_in_float32(values: Sequence[Any]) -> Any:
    if not values:
        return Fraction(0)
    return Fraction(float(np.float32(float(_sum(values))) / np.float32(len(values))))


def occlusion(
    asked: Asked,
    starts: Starts = _to_the_border,
    value: Callable[[Any, Any], Any] = _drop,
    together: Callable[[Sequence[Any]], Any] = _average,
    keep: bool = False,
    fill: Callable[[Asked, Array], Array] | None = None,
    sizes: Callable[[tuple[int, ...], tuple[int, ...]], tuple[tuple[int, ...], tuple[int, ...]]] | None = None,
    score: Callable[[Asked], str] | None = None,
) -> Array:
    """Occlusion with one thing or another changed; with nothing, as it should be. (N, H, W)."""
    space, found = space_of(asked), []
    window, stride = asked.params["window"], asked.params["stride"]
    if sizes is not None:
        window, stride = sizes(window, stride)
    windows = list(product(*(list(starts(*one)) for one in zip(space, window, stride, strict=True))))
    for i, x in enumerate(asked.x):
        hidden = asked.data["fill"] if fill is None else fill(asked, x)
        inside = np.zeros((len(windows), *space), bool)
        for at, pixels in zip(inside, windows, strict=True):
            at[np.ix_(*pixels)] = True
        copies = [np.where(at != keep, hidden, x) for at in inside]
        values = scored(asked, i, np.stack([x, *copies]), score and score(asked))
        worth = [value(values[0], v) for v in values[1:]]
        covering = inside.reshape(len(windows), -1).T
        map = [together([v for v, covers in zip(worth, row, strict=True) if covers]) for row in covering]
        found.append(np.array([*map, None], object)[:-1].reshape(space))
    return np.stack(found)


def _black(asked: Asked, x: Array) -> Array:
    return 0 * x


def _own_mean(asked: Asked, x: Array) -> Array:
    return 0 * x + mean(x, axis=tuple(range(1, x.ndim)) or None, keepdims=True)


def _turned(window: tuple[int, ...], stride: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return window[::-1], stride[::-1]


def _fits(asked: Asked, sizes: tuple[int, ...]) -> bool:
    return all(w <= side for w, side in zip(sizes, space_of(asked), strict=True))


def _axes_exchanged(asked: Asked) -> Array:
    if not _fits(asked, asked.params["window"][::-1]):
        raise UnsupportedOp("the window is larger than the picture once its axes are exchanged")
    return occlusion(asked, sizes=_turned)


WINDOWS = (
    made(
        "windows-summed",
        ("occlusion",),
        "what the windows over a pixel take away is added up; it should be averaged",
        partial(occlusion, together=_sum),
    ),
    made(
        "last-window-counts",
        ("occlusion",),
        "where windows overlap, the last one overwrites the others; they should be averaged",
        partial(occlusion, together=_last),
    ),
    made(
        "largest-window-counts",
        ("occlusion",),
        "where windows overlap, the one that takes most away counts; they should be averaged",
        partial(occlusion, together=_largest),
    ),
    made(
        "window-kept",
        ("occlusion",),
        "the window is shown and all the rest hidden; the window should be hidden",
        partial(occlusion, keep=True),
    ),
    made(
        "window-alone",
        ("occlusion",),
        "each pixel adds up the scores of the windows over it, each shown alone and taken round the border; it should "
        "average what hiding them takes away",
        partial(occlusion, keep=True, starts=_round_the_border, value=lambda clean, v: v, together=_sum),
    ),
    made(
        "drop-turned",
        ("occlusion",),
        "the score with the window hidden minus the score; it should be the score minus that",
        partial(occlusion, value=lambda clean, v: v - clean),
    ),
    made(
        "drop-unsigned",
        ("occlusion",),
        "the change counts without its sign; what raises the score by being hidden should count against it",
        partial(occlusion, value=lambda clean, v: abs(clean - v)),
    ),
    made(
        "score-for-drop",
        ("occlusion",),
        "the score with the window hidden is averaged; what hiding takes away from the score should be",
        partial(occlusion, value=lambda clean, v: v),
    ),
    made(
        "window-wraps",
        ("occlusion",),
        "a window that reaches over the border goes on at the other side; it should be cut off",
        partial(occlusion, starts=_round_the_border),
    ),
    made(
        "remainder-dropped",
        ("occlusion",),
        "windows stand only where they fit whole, so that a rest at the border is never hidden; the last one should be "
        "cut off there",
        partial(occlusion, starts=_inside),
    ),
    made(
        "last-window-pushed-in",
        ("occlusion",),
        "the last window is moved back until it is whole; it should be cut off at the border",
        partial(occlusion, starts=_pushed_in),
    ),
    made(
        "windows-past-the-border",
        ("occlusion",),
        "windows begin at every stride up to the last pixel; none should follow the first that reaches the border",
        partial(occlusion, starts=_everywhere),
    ),
    made(
        "stride-is-window",
        ("occlusion",),
        "windows stand side by side, whatever the stride",
        partial(occlusion, sizes=lambda window, stride: (window, window)),
    ),
    made(
        "stride-one",
        ("occlusion",),
        "windows stand at every pixel, whatever the stride",
        partial(occlusion, sizes=lambda window, stride: (window, (1,) * len(stride))),
    ),
    made(
        "window-axes-exchanged",
        ("occlusion",),
        "the sizes of window and stride are taken in the opposite order of the axes",
        _axes_exchanged,
    ),
    made(
        "black-window",
        ("occlusion",),
        "a hidden pixel is 0, whatever it should look like",
        partial(occlusion, fill=_black),
    ),
    made(
        "mean-window",
        ("occlusion",),
        "a hidden pixel has the mean colour of the picture, whatever it should look like",
        partial(occlusion, fill=_own_mean),
    ),
    made(
        "occlusion-other-score",
        ("occlusion",),
        "the probability counts where the score should, or the score where the probability should",
        partial(occlusion, score=other_score),
    ),
    made(
        "average-in-single-precision",
        ("occlusion",),
        "what the windows over a pixel take away is added up, rounded to float32, and divided there",
        partial(occlusion, together=_average_in_float32),
    ),
)


# -- LIME --------------------------------------------------------------------------------------------------------------

Fit = Callable[[Array, Array, Array, Any], tuple[Array, Any]]  # (masks, scores, weights, alpha) -> weights, intercept


def _centred(Z: Array, y: Array, v: Array, alpha: Any, about: Array | None = None) -> tuple[Array, Any]:
    """Ridge regression with a free intercept: everything is taken from its weighted mean, and the rest is fitted."""
    c = v if about is None else about
    z0, y0 = (c[:, None] * Z).sum(axis=0) / c.sum(), (c * y).sum() / c.sum()
    w = _solved(Z - z0, y - y0, v, alpha)
    return w, y0 - (w * z0).sum()


def _solved(Z: Array, y: Array, v: Array, alpha: Any) -> Array:
    """The w with (Z^T v Z + alpha) w = Z^T v y. UnsupportedOp where there are many."""
    A = np.concatenate([(Z * v[:, None]).T @ Z, ((Z * v[:, None]).T @ y)[:, None]], axis=1)
    for k in range(len(A)):
        A[k, k] += alpha
    for k in range(len(A)):
        if A[k, k] == 0:
            raise UnsupportedOp("the masks do not determine the model")
        A[k] = A[k] / A[k, k]
        for j in range(len(A)):
            A[j] = A[j] if j == k else A[j] - A[j, k] * A[k]
    return A[:, -1]


def _through_zero(Z: Array, y: Array, v: Array, alpha: Any) -> tuple[Array, Any]:
    return _solved(Z, y, v, alpha), Fraction(0)


def _intercept_penalised(Z: Array, y: Array, v: Array, alpha: Any) -> tuple[Array, Any]:
    solution = _solved(np.concatenate([0 * Z[:, :1] + 1, Z], axis=1), y, v, alpha)
    return solution[1:], solution[0]


def _mean_taken_plainly(Z: Array, y: Array, v: Array, alpha: Any) -> tuple[Array, Any]:
    return _centred(Z, y, v, alpha, about=0 * v + 1)


def _mean_of_squares(Z: Array, y: Array, v: Array, alpha: Any) -> tuple[Array, Any]:
    return _centred(Z, y, v / len(v), alpha)


def _without_penalty(Z: Array, y: Array, v: Array, alpha: Any) -> tuple[Array, Any]:
    return _centred(Z, y, v, Fraction(0))


def _each_alone(Z: Array, y: Array, v: Array, alpha: Any) -> tuple[Array, Any]:
    """One regression per superpixel."""
    fits = [_centred(Z[:, m : m + 1], y, v, alpha) for m in range(Z.shape[1])]
    return np.array([*(w[0] for w, _ in fits), None], object)[:-1], Fraction(0)


def kernel(Z: Array, sigma: Any) -> Array:
    """sqrt(exp(-d^2 / sigma^2)), d = 1 - sqrt(shown / all), 1 where nothing is shown."""
    shown = [real.root(Fraction(int(z.sum()), len(z))) for z in Z]
    return np.array([*(real.exp(-((1 - s) ** 2) / (2 * sigma**2)) for s in shown), None], object)[:-1]


def lime(
    asked: Asked,
    fit: Fit = _centred,
    weigh: Callable[[Array], Array] | None = None,
    show: int = 1,
    first: int = 0,
    fill: Callable[[Asked, Array, Array], Array] | None = None,
    spread: Callable[[Any, int], Any] | None = None,
    score: Callable[[Asked], str] | None = None,
    rounded: Callable[[Array], Array] | None = None,
) -> Array:
    """LIME with one thing or another changed; with nothing, as it should be. (N, H, W)."""
    Z, found = asked.data["masks"][first:], []
    v = asked.data["weights"][first:] if "weights" in asked.data else kernel(Z, asked.params["sigma"])
    v = v if weigh is None else weigh(v)
    segments = np.broadcast_to(asked.data["segments"], (len(asked.x), *space_of(asked))).astype(int)
    for i, (x, region) in enumerate(zip(asked.x, segments, strict=True)):
        hidden = (fill or _as_asked)(asked, x, region)
        y = scored(asked, i, np.stack([np.where(z[region] == show, x, hidden) for z in Z]), score and score(asked))
        w, _ = fit(Z, y if rounded is None else rounded(y), v, asked.params["alpha"])
        sizes = np.bincount(region.ravel())
        values = w if spread is None else np.array([*map(spread, w, sizes.tolist()), None], object)[:-1]
        found.append(values[region])
    return np.stack(found)


def _as_asked(asked: Asked, x: Array, region: Array) -> Array:
    return asked.data["fill"] if "fill" in asked.data else _superpixel_means(asked, x, region)


def _superpixel_means(asked: Asked, x: Array, region: Array) -> Array:
    hidden = x.copy()
    for m in range(region.max() + 1):
        hidden[..., region == m] = mean(x[..., region == m], axis=-1, keepdims=True)
    return hidden


def _picture_mean(asked: Asked, x: Array, region: Array) -> Array:
    return _own_mean(asked, x)


def _no_colour(asked: Asked, x: Array, region: Array) -> Array:
    return 0 * x


def _float32(y: Array) -> Array:
    return exact(np.array([np.float32(float(v)) for v in y]))


FITS = (
    made(
        "masks-turned",
        ("lime",),
        "a mask's 1 hides a superpixel; it should show it",
        partial(lime, show=0),
    ),
    made(
        "mask-weights-forgotten",
        ("lime",),
        "every mask counts the same; each should count by its weight",
        partial(lime, weigh=lambda v: 0 * v + 1),
    ),
    made(
        "mask-weights-squared",
        ("lime",),
        "masks and scores are multiplied by the weights before they are squared; the squares should be",
        partial(lime, weigh=lambda v: v * v),
    ),
    made(
        "no-intercept",
        ("lime",),
        "the model has no intercept; it should have one",
        partial(lime, fit=_through_zero),
    ),
    made(
        "intercept-penalised",
        ("lime",),
        "the penalty is on the intercept, too; it should be free",
        partial(lime, fit=_intercept_penalised),
    ),
    made(
        "means-unweighted",
        ("lime",),
        "masks and scores are taken from their plain means before the fit; it should be their weighted means",
        partial(lime, fit=_mean_taken_plainly),
    ),
    made(
        "penalty-forgotten",
        ("lime",),
        "the weights are fitted without a penalty, whatever alpha is",
        partial(lime, fit=_without_penalty),
    ),
    made(
        "penalty-beside-a-mean",
        ("lime",),
        "the penalty stands beside the mean of the squares; it should stand beside their sum",
        partial(lime, fit=_mean_of_squares),
    ),
    made(
        "superpixels-alone",
        ("lime",),
        "each superpixel has a regression of its own; one model should have them all",
        partial(lime, fit=_each_alone),
    ),
    made(
        "first-mask-dropped",
        ("lime",),
        "the first mask is left out, as if it were the picture itself",
        partial(lime, first=1),
    ),
    made(
        "hidden-black",
        ("lime",),
        "a hidden superpixel is 0, whatever it should look like",
        partial(lime, fill=_no_colour),
    ),
    made(
        "hidden-in-the-picture-mean",
        ("lime",),
        "a hidden superpixel has the mean colour of the picture, whatever it should look like",
        partial(lime, fill=_picture_mean),
    ),
    made(
        "hidden-in-its-mean",
        ("lime",),
        "a hidden superpixel has its own mean colour, whatever it should look like",
        partial(lime, fill=_superpixel_means),
    ),
    made(
        "weight-per-pixel",
        ("lime",),
        "a superpixel's weight is divided among its pixels; each pixel should show the whole",
        partial(lime, spread=lambda w, size: w / size),
    ),
    made(
        "weight-turned",
        ("lime",),
        "what a superpixel adds by being hidden; it should be what it adds by being there",
        partial(lime, spread=lambda w, size: -w),
    ),
    made(
        "positive-weights-only",
        ("lime",),
        "weights below 0 are set to 0; they should be kept",
        partial(lime, spread=lambda w, size: max(w, Fraction(0))),
    ),
    made(
        "lime-other-score",
        ("lime",),
        "the probability counts where the score should, or the score where the probability should",
        partial(lime, score=other_score),
    ),
    made(
        "scores-in-single-precision",
        ("lime",),
        "the scores are rounded to float32 before the fit",
        partial(lime, rounded=_float32),
    ),
)

HIDING: tuple[Variant, ...] = (*WINDOWS, *FITS)
