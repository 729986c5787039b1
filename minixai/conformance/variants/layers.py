"""Layers with a mistake: what comes out and what goes back, in exact fractions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.conformance import form
from minixai.conformance.variants import back
from minixai.conformance.variants.base import Question
from minixai.conformance.variants.maps import between_corners, nearest
from minixai.ops import Array, Op, UnsupportedOp
from minixai.ops.numbers import exact, number, positive
from minixai.ops.pooling import along_axes, averages

Parts = tuple[Array, ...]  # what comes out, and what goes back to each input
Find = Callable[[Any, Parts, Array], Parts]  # (the layer, what it reads, the signal that arrives) -> what is found


@dataclass(frozen=True)
class LayerVariant:
    """What a layer computes that makes one mistake, or follows another convention.

    ``kinds`` are the layers it is computed for, ``note`` says in a sentence what such a layer does and what is right.
    ``answer`` gives the output and what goes back to each input, for a question with ``layer``, ``inputs`` and
    ``arriving``. Raises UnsupportedOp where it has no meaning.
    """

    name: str
    kinds: tuple[str, ...]
    note: str
    answer: Callable[[Question], Parts]


def read_layer(question: Question) -> tuple[Op, Parts, Array]:
    """The layer, what it reads, and the signal that arrives, in fractions."""
    xs = tuple(form.array(x) for x in question["inputs"])
    return form.read_layer(question["layer"]), xs, form.array(question["arriving"])


def ran(op: Op, xs: Parts, R: Array) -> Parts:
    """What the layer computes."""
    choice = op.choose(*xs)
    operands = xs if choice is None else (*xs, choice)
    leaving = op.adjoint(R, *operands)
    return op.forward(*operands), *(leaving if isinstance(leaving, tuple) else (leaving,))


def _made(name: str, kinds: tuple[str, ...], note: str, find: Find) -> LayerVariant:
    return LayerVariant(name, kinds, note, lambda question: find(*read_layer(question)))


# -- ReLU, max-pools ---------------------------------------------------------------------------------------------------


def _slope(slope: Callable[[Array, Array], Array]) -> Find:
    """A ReLU that hands on what ``slope(R, x)`` says."""
    return lambda op, xs, R: (positive(xs[0]), slope(R, xs[0]))


def _pool(go_back: back.Back) -> Find:
    def find(op: Any, xs: Parts, R: Array) -> Parts:
        switches = op.choose(*xs)
        return op.forward(*xs, switches), go_back(R, op, xs[0], switches)

    return find


def _last(R: Array, op: Any, x: Array, switches: Array) -> Array:
    found: Array = op.adjoint(R, x, back.last_winners(op, x, switches))
    return found


def _padding_wins(op: Any, xs: Parts, R: Array) -> Parts:
    """Padding takes part as 0; where it is the largest, nothing goes back."""
    x, switches = xs[0], op.choose(*xs)
    y = op.forward(x, switches)
    padded = np.zeros(y.shape, bool)
    for place, _ in back.taps(op, x):
        padded = padded | (place < 0)
    lost = padded & (y < 0)
    return np.where(lost, 0 * y, y), op.adjoint(np.where(lost, 0 * R, R), x, switches)


# -- Layers that are one matrix per axis -------------------------------------------------------------------------------


def _by_matrices(matrices: Callable[[Any, Array], list[Array]]) -> Find:
    def find(op: Any, xs: Parts, R: Array) -> Parts:
        found = matrices(op, xs[0])
        return along_axes(xs[0], found), along_axes(R, [M.T for M in found])

    return find


def _counts(op: Any, x: Array) -> list[Array]:
    """1 for every pixel that counts."""
    return [np.where(M != 0, number(1, x), number(0, x)) for M in op.matrices(x)]


def _by_window(op: Any, x: Array) -> list[Array]:
    return [M / k for M, k in zip(_counts(op, x), op.kernel, strict=True)]


def _equal_windows(op: Any, x: Array) -> list[Array]:
    """Cells of one size, one step apart, as a pool with a kernel has them, where there are enough pixels."""
    found = []
    for n, m, M in zip(x.shape[2:], op.output_size, op.matrices(x), strict=True):
        step = n // m
        cells = [(i * step, i * step + n - (m - 1) * step) for i in range(m)]
        found.append(averages(x, n, cells) if step else M)
    return found


def _undivided(op: Any, xs: Parts, R: Array) -> Parts:
    return op.forward(*xs), along_axes(R, [M.T for M in _counts(op, xs[0])])


def _resized(row: Callable[[Array, int, int], Array]) -> Find:
    def matrices(op: Any, x: Array) -> list[Array]:
        return [row(x, n, m) for n, m in zip(x.shape[-len(op.size) :], op.size, strict=True)]

    return _by_matrices(matrices)


def _nearest_matrix(like: Array, n: int, m: int) -> Array:
    return nearest(exact(np.eye(n)).T, (m,)).T


def _from_corner(like: Array, n: int, m: int) -> Array:
    """Pixel i of m at i n/m, with no half pixels."""
    M = exact(np.zeros((m, n)))
    for i in range(m):
        at = Fraction(i * n, m)
        left = int(at)
        M[i, left] += 1 - (at - left)
        M[i, min(left + 1, n - 1)] += at - left
    return M


# -- Layers with weights -----------------------------------------------------------------------------------------------


def _other(change: Callable[[Any], Op]) -> Find:
    """Another layer, forwards and back."""
    return lambda op, xs, R: ran(change(op), xs, R)


def _backwards(**instead: Any) -> Find:
    """A convolution that goes back with another stride, padding or dilation."""

    def find(op: Any, xs: Parts, R: Array) -> Parts:
        said = {key: (value,) * op.axes for key, value in instead.items()}
        return op.forward(*xs), back.convolution_back(R, op, xs[0], **said)

    return find


def _without_bias(op: Any) -> Op:
    if op.bias is None:
        raise UnsupportedOp("the layer has no bias")
    found: Op = replace(op, bias=None)
    return found


# -- Layers that join or reshape ---------------------------------------------------------------------------------------


def _halved(op: Any, xs: Parts, R: Array) -> Parts:
    return op.forward(*xs), *(R / len(xs),) * len(xs)


def _cut_in_reverse(op: Any, xs: Parts, R: Array) -> Parts:
    _, *leaving = ran(op, xs[::-1], R)
    return op.forward(*xs), *leaving[::-1]


def _by_columns(op: Any, xs: Parts, R: Array) -> Parts:
    turned = xs[0].swapaxes(1, -1)
    return turned.reshape(len(turned), -1), R.reshape(turned.shape).swapaxes(1, -1)


CONVOLUTIONS = ("Conv2d", "Conv3d")
MAXIMA = ("MaxPool2d", "MaxPool3d")
POOLS = ("AvgPool2d", "AvgPool3d")
AVERAGES = (*POOLS, "AdaptiveAvgPool2d", "GlobalAvgPool")
LAYERS = (
    _made(
        "relu-at-zero",
        ("ReLU",),
        "the slope at exactly 0 is 1; it should be 0",
        _slope(lambda R, x: np.where(x >= 0, R, 0 * R)),
    ),
    _made(
        "relu-half-at-zero",
        ("ReLU",),
        "the slope at exactly 0 is 1/2; it should be 0",
        _slope(lambda R, x: np.where(x > 0, R, np.where(x == 0, R / 2, 0 * R))),
    ),
    _made(
        "deconvnet-gates",
        ("ReLU",),
        "what arrives passes where it is positive; it should pass where the input was",
        _slope(lambda R, x: positive(R)),
    ),
    _made(
        "last-maximum",
        MAXIMA,
        "the last of several equal maxima wins; it should be the first, row by row",
        _pool(_last),
    ),
    _made(
        "ties-split",
        MAXIMA,
        "equal maxima share what arrives; the first of them, row by row, should get all",
        _pool(back.split_ties),
    ),
    _made(
        "pool-overwritten",
        MAXIMA,
        "where windows overlap, the last one's signal overwrites the others'; they should be added",
        _pool(back.overwritten),
    ),
    _made(
        "pool-averaged",
        MAXIMA,
        "all pixels of a window get equal parts; the winner should get all",
        _pool(back.to_all),
    ),
    _made(
        "padding-wins",
        MAXIMA,
        "padding takes part as 0; it should never win",
        _padding_wins,
    ),
    _made(
        "padding-counted",
        POOLS,
        "padding counts although count_include_pad is false, or does not although it is true",
        _other(back.counting_otherwise),
    ),
    _made(
        "window-size",
        POOLS,
        "the sum is always divided by the size of the window; what lies outside picture and padding should not count",
        _by_matrices(_by_window),
    ),
    _made(
        "equal-windows",
        ("AdaptiveAvgPool2d",),
        "all cells have one size and stride; cell i should reach from floor(i n/m) to ceil((i + 1) n/m)",
        _by_matrices(_equal_windows),
    ),
    _made(
        "sum-for-mean",
        AVERAGES,
        "the pixels of a window are added up; their mean should be taken",
        _by_matrices(_counts),
    ),
    _made(
        "average-undivided",
        AVERAGES,
        "every pixel gets all that arrives at its window; it should get its share of it",
        _undivided,
    ),
    _made(
        "nearest",
        ("Resize",),
        "the nearest pixel is repeated; it should be interpolated",
        _resized(_nearest_matrix),
    ),
    _made(
        "corners-aligned",
        ("Resize",),
        "the first and last pixels lie on each other (align_corners=True); centres should be half a pixel in",
        _resized(between_corners),
    ),
    _made(
        "half-pixel-forgotten",
        ("Resize",),
        "pixel i of m is looked up at i n/m; it should be at (i + 1/2) n/m - 1/2",
        _resized(_from_corner),
    ),
    _made(
        "filter-unflipped",
        CONVOLUTIONS,
        "what arrives goes back by the filter as it stands; it should be flipped in every direction",
        lambda op, xs, R: (op.forward(*xs), *ran(back.unflipped(op), xs, R)[1:]),
    ),
    _made(
        "filter-turned",
        CONVOLUTIONS,
        "the filter is flipped forwards, as in mathematics; a convolution layer slides it as it stands",
        _other(lambda op: replace(op, weight=back.turned(op.weight))),
    ),
    _made(
        "stride-forgotten",
        CONVOLUTIONS,
        "on the way back the stride is taken to be 1",
        _backwards(stride=1),
    ),
    _made(
        "padding-forgotten",
        CONVOLUTIONS,
        "on the way back the padding is taken to be 0",
        _backwards(padding=(0, 0)),
    ),
    _made(
        "dilation-forgotten",
        CONVOLUTIONS,
        "on the way back the dilation is taken to be 1",
        _backwards(dilation=1),
    ),
    _made(
        "bias-forgotten",
        (*CONVOLUTIONS, "Linear", "BatchNorm2d"),
        "the bias is not added",
        _other(_without_bias),
    ),
    _made(
        "norm-without-mean",
        ("BatchNorm2d",),
        "the running mean is not subtracted",
        _other(back.without_mean),
    ),
    _made(
        "norm-by-variance",
        ("BatchNorm2d",),
        "the variance divides; it should be its root",
        _other(back.by_variance),
    ),
    _made(
        "norm-without-weight",
        ("BatchNorm2d",),
        "the weight does not multiply",
        _other(back.without_gain),
    ),
    _made(
        "sum-halved",
        ("Add",),
        "the inputs share what arrives equally; each should get all of it",
        _halved,
    ),
    _made(
        "branches-exchanged",
        ("Concat",),
        "what arrives is cut as if the inputs stood in reverse order",
        _cut_in_reverse,
    ),
    _made(
        "columns-first",
        ("Flatten",),
        "numbers are read with the channels last; it should be row by row, channel by channel",
        _by_columns,
    ),
)
LAYER_VARIANTS: Mapping[str, LayerVariant] = {variant.name: variant for variant in LAYERS}
