"""CAM, Grad-CAM and guided Grad-CAM: other weights, nodes, ways to rectify and to enlarge."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from minixai.conformance.variants.base import Asked, answer, case_of, made, over_maps
from minixai.ops import Array, Linear, ReLU, UnsupportedOp, resize
from minixai.ops.numbers import divide, number, positive, zeros
from minixai.ops.pooling import along_axes
from minixai.whitebox.case import signals_of
from minixai.whitebox.gradient import GRADIENT
from minixai.whitebox.guided import GUIDED

# -- Maps and their slopes ---------------------------------------------------------------------------------------------


def _maps(asked: Asked) -> tuple[Array, Array]:
    """The maps A (N, K, ...) and dS_c/dA."""
    case = case_of(asked)
    A = case.tape[asked.params["layer"]].y
    return A, signals_of(case.hops(GRADIENT)).get(asked.params["layer"], 0 * A)


def _weighted(A: Array, alpha: Array) -> Array:
    return (alpha * A).sum(axis=1)


def _finished(asked: Asked, coarse: Array) -> Array:
    """From the sum over the maps to the method's result."""
    if asked.method == "guided-grad-cam":
        return _fine(asked) * resize(positive(coarse), asked.x.shape[2:])[:, None]
    return positive(coarse) if asked.params["relu"] else coarse


def _fine(asked: Asked) -> Array:
    return case_of(asked).walk(GUIDED)


def _by_weights(weights: Callable[[Array, Array], Array]) -> Callable[[Asked], Array]:
    """With other weights than the mean slopes."""

    def find(asked: Asked) -> Array:
        A, slopes = _maps(asked)
        return _finished(asked, _weighted(A, weights(A, slopes)))

    return find


def _sum(A: Array, slopes: Array) -> Array:
    return slopes.sum(axis=tuple(range(2, A.ndim)), keepdims=True)


def _plus_plus(A: Array, slopes: Array) -> Array:
    """Grad-CAM++: slopes weighted by g^2 / (2 g^2 + sum A g^3), place by place, negative ones left out."""
    square = slopes * slopes
    place = divide(square, 2 * square + _sum(A, A * square * slopes))
    return _sum(A, place * positive(slopes))


def _rectified_terms(asked: Asked) -> Array:
    A, slopes = _maps(asked)
    return _finished(asked, positive(over_maps(slopes) * A).sum(axis=1))


def _before_relu(asked: Asked) -> Array:
    node = asked.network.node(asked.params["layer"])
    if not isinstance(node.op, ReLU):
        raise UnsupportedOp(f"the maps are read at {node.name!r}, which is no ReLU")
    earlier = asked.given(layer=node.inputs[0])
    return _cam(earlier) if asked.method == "cam" else answer(earlier)


def _coarse(asked: Asked) -> Array:
    """Grad-CAM's map, before its ReLU."""
    A, slopes = _maps(asked)
    return _weighted(A, over_maps(slopes))


def _enlarged_by(enlarge: Callable[[Array, tuple[int, ...]], Array]) -> Callable[[Asked], Array]:
    return lambda asked: _fine(asked) * enlarge(positive(_coarse(asked)), asked.x.shape[2:])[:, None]


def nearest(a: Array, size: tuple[int, ...]) -> Array:
    """Each pixel that of the cell it falls into."""
    for back, m in enumerate(reversed(size), start=1):
        n = a.shape[-back]
        a = a.take([i * n // m for i in range(m)], axis=-back)
    return a


def corners_aligned(a: Array, size: tuple[int, ...]) -> Array:
    """Linear interpolation that puts the first pixel on the first and the last on the last (align_corners=True)."""
    return along_axes(a, [between_corners(a, n, m) for n, m in zip(a.shape[-len(size) :], size, strict=True)])


def between_corners(like: Array, n: int, m: int) -> Array:
    M = zeros((m, n), like)
    for i in range(m):
        centre = number(Fraction(i * (n - 1), max(m - 1, 1)), like)
        left = min(int(centre), n - 1)
        M[i, left] += 1 - (centre - left)
        M[i, min(left + 1, n - 1)] += centre - left
    return M


def _scaled(asked: Asked) -> Array:
    coarse = positive(_coarse(asked))
    top = coarse.max(axis=tuple(range(1, coarse.ndim)), keepdims=True)
    return _fine(asked) * resize(divide(coarse, np.broadcast_to(top, coarse.shape)), asked.x.shape[2:])[:, None]


def _times_slope(asked: Asked) -> Array:
    return case_of(asked).walk(GRADIENT) * resize(positive(_coarse(asked)), asked.x.shape[2:])[:, None]


def _map_only(asked: Asked) -> Array:
    coarse = resize(positive(_coarse(asked)), asked.x.shape[2:])[:, None]
    return np.array(np.broadcast_to(coarse, asked.x.shape))


# -- CAM ---------------------------------------------------------------------------------------------------------------


def _cam(asked: Asked, weights: Callable[[Array], Array] = lambda w: w) -> Array:
    A, _ = _maps(asked)
    w = weights(_head(asked).weight[list(asked.target)])
    return _weighted(A, w.reshape(*w.shape, *(1,) * (A.ndim - 2)))


def _head(asked: Asked) -> Linear:
    op = asked.network.node(asked.network.output).op
    assert isinstance(op, Linear)
    return op


def _with_bias(asked: Asked) -> Array:
    bias = _head(asked).bias
    if bias is None:
        raise UnsupportedOp("the head has no bias")
    found = answer(asked)
    return found + bias[list(asked.target)].reshape(-1, *(1,) * (found.ndim - 1))


def _over_places(asked: Asked) -> Array:
    found = answer(asked)
    return found / found[0].size


BOTH = ("grad-cam", "guided-grad-cam")
CAMS = (
    made(
        "slopes-summed",
        BOTH,
        "a map's weight is the sum of the slopes over it; it should be their mean",
        _by_weights(_sum),
    ),
    made(
        "slopes-by-place",
        BOTH,
        "each place of a map is weighted by its own slope; the weight should be the mean slope over the map",
        _by_weights(lambda A, slopes: slopes),
    ),
    made(
        "weights-rectified",
        BOTH,
        "negative weights are left out; the ReLU belongs after the sum over the maps",
        _by_weights(lambda A, slopes: positive(over_maps(slopes))),
    ),
    made(
        "largest-slope",
        BOTH,
        "a map's weight is the largest slope over it; it should be the mean",
        _by_weights(lambda A, slopes: slopes.max(axis=tuple(range(2, A.ndim)), keepdims=True)),
    ),
    made(
        "plus-plus",
        BOTH,
        "the maps are weighted as in Grad-CAM++; a weight should be the mean slope",
        _by_weights(_plus_plus),
    ),
    made(
        "relu-before-sum",
        BOTH,
        "each weighted map is rectified, and then they are added; the ReLU belongs after the sum",
        _rectified_terms,
    ),
    made(
        "relu-of-map-switched",
        ("grad-cam",),
        "the map keeps negative evidence where its ReLU is asked for, or is rectified where it is not",
        lambda asked: answer(asked.given(relu=not asked.params["relu"])),
    ),
    made(
        "map-unrectified",
        ("guided-grad-cam",),
        "the map that multiplies keeps its negative numbers; it should be Grad-CAM's after its ReLU",
        lambda asked: _fine(asked) * resize(_coarse(asked), asked.x.shape[2:])[:, None],
    ),
    made(
        "before-relu",
        ("cam", "grad-cam", "guided-grad-cam", "fem"),
        "the maps are read before their ReLU; they should be read after it",
        _before_relu,
    ),
    made(
        "nearest",
        ("guided-grad-cam",),
        "the map is enlarged by its nearest number; it should be interpolated",
        _enlarged_by(nearest),
    ),
    made(
        "corners-aligned",
        ("guided-grad-cam",),
        "the map is enlarged corner to corner (align_corners=True); pixel centres should be half a pixel in",
        _enlarged_by(corners_aligned),
    ),
    made(
        "map-scaled",
        ("guided-grad-cam",),
        "the map is divided by its largest number before it multiplies; it should be unscaled",
        _scaled,
    ),
    made(
        "map-alone",
        ("guided-grad-cam",),
        "the enlarged Grad-CAM map is returned for every channel; it should multiply guided backpropagation",
        _map_only,
    ),
    made(
        "guided-alone",
        ("guided-grad-cam",),
        "guided backpropagation is returned; Grad-CAM's enlarged map should multiply it",
        _fine,
    ),
    made(
        "bias-added",
        ("cam",),
        "the class's bias is added at every place; it belongs to no place",
        _with_bias,
    ),
    made(
        "weights-magnitudes",
        ("cam",),
        "the maps are weighted by the magnitudes of the head's weights; they are signed",
        lambda asked: _cam(asked, abs),
    ),
    made(
        "mean-of-places",
        ("cam",),
        "the map is divided by the number of places, so that it sums to the score; it should be sum_k w_k A_k itself",
        _over_places,
    ),
)
