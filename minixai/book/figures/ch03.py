"""Chapter 03: one number and its window (Fig. 10), and what one number sees of the picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.api import rules
from minixai.book.nokernel import Board
from minixai.book.numbers import say
from minixai.book.verdict import coloured
from minixai.draw.page import blank
from minixai.draw.panels import show_picture
from minixai.draw.sheet import CLOSE, Sheet
from minixai.draw.style import FOR, QUIET, styled
from minixai.network import Network, forward
from minixai.ops import Array, Conv2d, MaxPool2d
from minixai.walk import walk

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE, TAPS = 8, 3  # of the live figure: pixels, and taps of every filter
SQUARE, GAP, EDGE = 0.42, 0.7, 0.25  # inches: a number's square, between two matrices, round them
Window = tuple[int, int, int]  # how many taps, stride, padding; the same along rows and columns

# -- Fig. 10 -----------------------------------------------------------------------------------------------------------


def neuron(network: Network, x: Array, layer: str, channel: int = 0, cell: tuple[int, int] = (0, 0)) -> "Figure":
    """Fig. 10 from the network itself: Y * F = O at a convolution, and the window of Y that makes one number of O.

    Raises ValueError for a layer that is no convolution of one map, with stride 1 and without padding.
    """
    step, op = forward(network, x)[layer], network.node(layer).op
    if not isinstance(op, Conv2d) or op.weight.shape[1] != 1 or {*op.stride, *sum(op.padding, ())} != {1, 0}:
        raise ValueError(f"{layer!r} is {op!r}; expected a Conv2d of one map, with stride 1 and without padding")
    Y, F, O = step.x[0, 0], op.weight[channel, 0], step.y[0, channel]
    (i, j), (h, w) = cell, F.shape
    pairs = zip(Y[i : i + h, j : j + w].flat, F.flat, strict=True)
    products = " + ".join(f"{y} x {f}" if f >= 0 else f"{y} x ({f})" for y, f in pairs)
    alt = f"Y * F = O: Y = {say(Y)}, F = {say(F)}, O = {say(O)}. Row {i + 1} column {j + 1} of O: {products}."
    framed = {"Y": (Y, (i, j, h, w)), "F": (F, (0, 0, h, w)), "O": (O, (i, j, 1, 1))}
    widths = [SQUARE * m.shape[1] for m, _ in framed.values()]
    height = EDGE + 0.5 + SQUARE * max(m.shape[0] for m, _ in framed.values())
    with styled():
        figure = blank(2 * EDGE + sum(widths) + 2 * GAP, height, alt)
        page = figure.add_axes((0, 0, 1, 1), xlim=(0, figure.get_figwidth()), ylim=(height, 0))
        page.set_axis_off()
        left = EDGE
        for sign, (name, (values, frame)), width in zip("*= ", framed.items(), widths, strict=True):
            _numbers(page, name, values, left, frame)
            page.text(left + width + GAP / 2, EDGE + 0.35 + SQUARE * F.shape[0] / 2, sign, size=14, ha="center")
            left += width + GAP
        page.text(EDGE, height - 0.12, f"{products} = {O[cell]}", size=9)
    return figure


def _numbers(page: "Axes", name: str, values: Array, left: float, frame: tuple[int, int, int, int]) -> None:
    """A matrix as squares with their numbers; the rectangle (row, column, rows, columns) gets a thick frame."""
    from matplotlib.patches import Rectangle

    top = EDGE + 0.1
    page.text(left, top - 0.08, name, size=10, weight="bold")
    for (i, j), v in np.ndenumerate(values):
        corner = (left + SQUARE * j, top + SQUARE * i)
        page.add_patch(Rectangle(corner, SQUARE, SQUARE, facecolor="white", edgecolor=QUIET, linewidth=0.6))
        page.text(corner[0] + SQUARE / 2, corner[1] + SQUARE / 2, str(v), size=10, ha="center", va="center")
    row, column, rows, columns = frame
    corner = (left + SQUARE * column, top + SQUARE * row)
    page.add_patch(Rectangle(corner, SQUARE * columns, SQUARE * rows, fill=False, edgecolor=FOR, linewidth=2.5))


# -- patches -----------------------------------------------------------------------------------------------------------


def windows_of(network: Network) -> dict[str, Window]:
    """{layer: (taps, stride, padding)} of the convolutions and max-pools, in their order."""
    found: dict[str, Window] = {}
    for name, op in ((node.name, node.op) for node in network.nodes):
        if isinstance(op, Conv2d | MaxPool2d):
            taps = op.weight.shape[2] if isinstance(op, Conv2d) else op.kernel[0]
            found[name] = int(taps), int(op.stride[0]), int(op.padding[0][0])
    return found


def ways(side: int, layers: Sequence[Window], cell: tuple[int, int]) -> list[Array]:
    """On how many ways every number reaches one number above: for the picture (side, side), and for every layer.

    Each layer is a convolution whose taps are all 1, so that the walk back from a 1 at the cell counts ways.
    """
    ones = [Conv2d(np.ones((1, 1, k, k)), stride=s, padding=p) for k, s, p in layers]
    tape = forward(Network.sequential(ones), np.zeros((1, side, side)))
    seed = np.zeros(tape.output.y.shape)
    seed[0, 0, cell[0], cell[1]] = 1
    return [hop.arriving[0, 0] for hop in walk(tape, seed, rules("gradient"))][::-1]


def reach(network: Network, layer: str) -> tuple[slice, slice]:
    """Rows and columns of the picture that the middle number of a layer sees, as far as they lie inside."""
    if network.input_shape is None:
        raise ValueError("the network has no input_shape; expected one that says how large its pictures are")
    windows, side = windows_of(network), network.input_shape[-1]
    if layer not in windows:
        raise ValueError(f"{layer!r} has no windows; expected one of {', '.join(windows)}")
    below = list(windows.values())[: list(windows).index(layer) + 1]
    size = side
    for k, s, p in below:
        size = (size + 2 * p - k) // s + 1
    lit = ways(side, below, (size // 2, size // 2))[0] > 0
    rows, columns = (np.flatnonzero(lit.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def glimpses(network: Network, picture: Array, layers: Sequence[str]) -> "Figure":
    """What the middle number of each of these layers sees of the picture (H, W, 3) uint8; the rest is faded."""
    found = {layer: reach(network, layer) for layer in layers}
    sizes = {layer: f"{r.stop - r.start} by {c.stop - c.start} pixels" for layer, (r, c) in found.items()}
    title = "What one number sees"
    alt = f"{title}: {'; '.join(f'at {layer} {size}' for layer, size in sizes.items())}. The rest of the picture fades."
    with styled():
        sheet = Sheet(1, len(found), title=title, alt=alt, foot="Faded: what lies outside its patch.", cell=CLOSE)
        for layer, (rows, columns) in found.items():
            faded = 1 - (1 - picture / 255) * 0.2
            faded[rows, columns] = picture[rows, columns] / 255
            show_picture(sheet.next(layer, sizes[layer]), faded)
    return sheet.figure


def patches(
    layers: int = 1, stride: int = 1, padding: int = 0, cell: Sequence[int] = (1, 2), side: int = SIDE
) -> Board:
    """One number above, one or two layers of 3 x 3 filters below it: which pixels of the picture does it see?"""
    if layers not in (1, 2) or stride not in (1, 2) or padding not in (0, 1):
        raise ValueError(f"got {layers} layers, stride {stride}, padding {padding}; expected 1 or 2, 1 or 2, 0 or 1")
    size = side
    for _ in range(layers):
        size = (size + 2 * padding - TAPS) // stride + 1
    place = tuple(map(int, cell))
    if len(place) != 2 or size < 1 or not all(0 <= c < size for c in place):
        raise ValueError(f"cell is {cell}; expected a row and a column of {size} by {size} numbers, counted from 0")
    counts = ways(side, [(TAPS, stride, padding)] * layers, (place[0], place[1]))
    names = ["picture", *(f"layer {k}" for k in range(1, layers)), "one number above"]
    still = coloured(dict(zip(names, counts, strict=True)))
    state: dict[str, Any] = {"side": side, "layers": layers, "stride": stride, "padding": padding, "cell": list(place)}
    return Board("patches", state, still, "One number above, and on how many ways each pixel reaches it.")


FIGURES = (patches,)
