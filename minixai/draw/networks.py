"""A network as a chart: its maps from left to right, above them its layers (Figs. 2 and 3)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.draw import blocks
from minixai.draw.page import blank
from minixai.draw.sheet import MARGIN, TITLE, in_lines
from minixai.draw.style import FOR, QUIET, TINTS, styled
from minixai.draw.words import by
from minixai.network import Network, Node
from minixai.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN, BOX, DOWN, MAPS = 1.6, (1.25, 0.36), 0.42, 0.65  # inches: a block's column, a layer, to the next one, the maps
Spot = tuple[float, float]


def network_figure(network: Network, x: Array | None = None) -> "Figure":
    """Fig. 2 from the network itself: its maps from left to right, and above them each block's layers, as in Fig. 3.

    Sizes come from a forward pass of ``x``, or of zeros of ``input_shape``; without either none are given. Dashed
    arrows are the connections that pass over other layers.
    """
    columns, jumps = blocks.blocks_of(network, blocks.sizes_of(network, x)), blocks.jumps_of(network)
    lines, whole = blocks.lines_of(columns, jumps), columns[0].size
    depths = [DOWN * max(len(block.nodes) for block in line) for line in lines]
    maps = MAPS if whole else 0.0
    tops = np.cumsum([TITLE + 0.25, *(depth + maps + 0.6 for depth in depths)]).tolist()
    width, height = 2 * MARGIN + COLUMN * max(map(len, lines)), tops[-1]
    notes = ["Dashed: connections that pass over other layers."] if jumps else []
    notes += [] if network.feature_layer is None else ["Thick frame: the feature layer (Section 4.6, FEM)."]
    with styled():
        figure = blank(width, height, blocks.network_words(network, columns))
        page = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        page.set_axis_off()
        page.text(MARGIN, 0.27, f"{network.name}: {len(network.nodes)} layers", size=11, weight="bold")
        spots: dict[str, Spot] = {}
        for line, top, depth in zip(lines, tops, depths, strict=False):
            for j, block in enumerate(line):
                left = MARGIN + 0.2 + COLUMN * j
                page.text(left, top - 0.08, block.title, size=8, weight="bold")
                spots |= _show_layers(page, block.nodes, left, top, network.feature_layer)
                _show_size(page, block.size, left, top + depth + maps, whole)
        _show_arrows(page, network, {b.nodes[0].name for b in columns[1:]}, jumps, spots)
        page.text(MARGIN, height - 0.1, in_lines(" ".join(notes), int(14 * width)), size=7.5, color=QUIET)
    return figure


def _show_layers(
    page: "Axes", nodes: Sequence[Node], left: float, top: float, feature_layer: str | None
) -> dict[str, Spot]:
    """A block's layers as boxes, one below the other; {node: the middle of its box}."""
    spots = {}
    for i, node in enumerate(nodes):
        y, frame = top + DOWN * i, 2 if node.name == feature_layer else 0.6
        _show_box(page, (left, y), *BOX, facecolor=TINTS.get(blocks.kind_of(node.op), "#eeeeee"), linewidth=frame)
        spots[node.name] = (left + BOX[0] / 2, y + BOX[1] / 2)
        words = f"{node.name}\n{blocks.layer_words(node.op)}"
        page.text(*spots[node.name], words, size=7, ha="center", va="center", linespacing=1.1)
    return spots


def _show_size(page: "Axes", size: tuple[int, ...] | None, left: float, base: float, whole: tuple | None) -> None:
    """The maps that leave a block as a stack of sheets in proportion to the picture; a vector as a thin column."""
    if size is None or whole is None:
        return
    if len(size) == 1:
        sheets, height, width = 1, 0.85 * MAPS, 0.07
    else:
        tallest = max(whole[-2:])
        sheets = min(size[0], 4)
        height, width = (max(0.05, 0.8 * MAPS * n / tallest) for n in size[-2:])
    for k in reversed(range(sheets)):
        _show_box(page, (left + 0.05 + 0.04 * k, base - height - 0.04 * k), width, height, facecolor="white")
    page.text(left, base + 0.18, by(size), size=7.5)


def _show_box(page: "Axes", at: Spot, width: float, height: float, linewidth: float = 0.6, **how: Any) -> None:
    from matplotlib.patches import Rectangle

    page.add_patch(Rectangle(at, width, height, edgecolor=QUIET, linewidth=linewidth, **how))


def _show_arrows(
    page: "Axes", network: Network, first: set[str], jumps: Sequence[blocks.Jump], spots: Mapping[str, Spot]
) -> None:
    """A stub into a block that goes on where the last one ended, and a dashed arrow for every jump."""
    dashed = {"arrowstyle": "->", "ls": "--", "lw": 0.8, "connectionstyle": "arc3,rad=-0.25", "color": FOR}
    start = (MARGIN + 0.2 - BOX[0] / 2, spots[network.nodes[0].name][1])
    for name in first:
        if any((source, name) not in jumps for source in network.node(name).inputs):
            left, y = spots[name][0] - BOX[0] / 2, spots[name][1]
            page.annotate("", (left - 0.03, y), (left - 0.3, y), arrowprops={"arrowstyle": "->", "lw": 0.9})
    for source, target in jumps:
        (x, y), (x0, y0) = spots[target], spots.get(source, start)
        page.annotate("", (x - BOX[0] / 2, y), (x0 + BOX[0] / 2, y0), arrowprops=dashed, zorder=0)
