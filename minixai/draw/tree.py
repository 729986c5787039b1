"""A soft decision tree as a chart: a filter at every node, a class at every leaf, one picture's way through it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.blackbox.soft_tree import SoftTree, leaf_probabilities, levels
from minixai.draw.numbers import given_picture
from minixai.draw.page import blank
from minixai.draw.sheet import MARGIN, TITLE, in_lines
from minixai.draw.style import FOR, QUIET, SIGNED, styled
from minixai.draw.words import short
from minixai.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FILTER, CLOSE, DOWN, LEAF = (
    0.62,
    0.46,
    1.06,
    0.34,
)  # inches: a filter, from leaf to leaf, from level to level, bars' height
PICTURE = 1.05  # inches: the picture that is led through the tree
FAINT = "0.72"  # branches that the picture hardly takes
Spot = tuple[float, float]


def tree_figure(tree: SoftTree, x: Array | None = None, picture: Array | None = None) -> "Figure":
    """The tree with its filters as pictures, red where brightness turns right and blue where it turns left.

    Below each leaf stand its likeliest class and the probability of every class, as bars. With a picture ``x``
    (C, H, W) every branch is as thick as it is likely to be taken, and the way to the likeliest leaf is red.
    ``picture`` (H, W) or (H, W, 3) is how to show it (None: x itself).
    """
    if x is not None and np.shape(x) != tree.shape:
        raise ValueError(f"x has shape {np.shape(x)}; expected one picture {tree.shape}")
    if len(tree.shape) != 3:
        raise ValueError(
            f"the tree's pictures have shape {tree.shape}; expected (C, H, W): other filters are no pictures"
        )
    chart = _Chart(tree, x)
    with styled():
        figure = blank(chart.width, chart.height, tree_words(tree, x))
        page = figure.add_axes((0, 0, 1, 1), xlim=(0, chart.width), ylim=(chart.height, 0))
        page.set_axis_off()
        page.text(MARGIN, 0.27, f"Soft decision tree of depth {tree.depth}", size=11, weight="bold")
        chart.show_branches(page)
        chart.show_filters(figure)
        chart.show_leaves(figure, page)
        if x is not None:
            chart.show_picture(figure, page, given_picture(_flat(x) if picture is None else picture))
        page.text(MARGIN, chart.height - 0.1, in_lines(chart.foot, int(14 * chart.width)), size=7.5, color=QUIET)
    return figure


def tree_words(tree: SoftTree, x: Array | None = None) -> str:
    """What the chart shows, in words: its size, what its leaves say, and which way the picture goes."""
    names = [_name(tree, k) for k in tree.leaves.argmax(axis=1)]
    said = f"A soft decision tree of depth {tree.depth}. Its leaves, from left to right: {', '.join(names)}."
    if x is None:
        return said
    path = tree.path(x)
    gates = tree.gates(np.asarray(x)[None])[0]
    turns = [
        f"{'right' if b == 2 * a + 2 else 'left'} ({_percent(gates[a] if b == 2 * a + 2 else 1 - gates[a])})"
        for a, b in zip(path, path[1:], strict=False)
    ]
    leaf = path[-1] - len(tree.filters)
    reached = leaf_probabilities(gates[None])[0, leaf]
    return f"{said} The picture turns {', '.join(turns)} to the leaf {names[leaf]}, reached with {_percent(reached)}."


class _Chart:
    """Where everything stands, in inches from the top left, and what is drawn there."""

    def __init__(self, tree: SoftTree, x: Array | None) -> None:
        self.tree, self.nodes, self.path = tree, len(tree.filters), set(() if x is None else tree.path(x))
        leaves = len(tree.leaves)
        self.top = TITLE + 0.25 + FILTER / 2
        self.width = 2 * MARGIN + max(CLOSE * leaves, 6.0)
        self.height = self.top + DOWN * tree.depth + LEAF + 0.68
        self.passed = None if x is None else np.concatenate([p[0] for p in levels(tree.gates(np.asarray(x)[None]))])
        self.left = MARGIN + (self.width - 2 * MARGIN - CLOSE * leaves) / 2

    @property
    def foot(self) -> str:
        said = "Filters: red turns right, blue left, each on a scale of its own. Bars: the probability of each class."
        return said if self.passed is None else f"{said} Branches: thick is likely; red leads to the likeliest leaf."

    def spot(self, node: int) -> Spot:
        """The middle of a filter, or of the top of a leaf."""
        level = (node + 1).bit_length() - 1
        place, wide = node + 1 - 2**level, len(self.tree.leaves) / 2**level
        return self.left + CLOSE * wide * (place + 0.5), self.top + DOWN * level

    def size(self, node: int) -> float:
        """The side of a filter: smaller where many stand side by side."""
        level = (node + 1).bit_length() - 1
        return min(FILTER, 0.9 * CLOSE * len(self.tree.leaves) / 2**level)

    def show_branches(self, page: "Axes") -> None:
        for node in range(1, 2 * self.nodes + 1):
            parent, chosen = (node - 1) // 2, node in self.path
            share = 0.35 if self.passed is None else float(self.passed[node])
            how: Any = {"color": FOR if chosen else FAINT, "lw": 0.6 + 3.4 * share, "zorder": 1 + chosen}
            above = self.size(node) / 2 if node < self.nodes else 0
            (x, y) = _branch(self.spot(parent), self.spot(node), self.size(parent) / 2, above)
            page.plot(x, y, solid_capstyle="round", **how)
            if chosen and self.passed is not None:
                side = 1 if node % 2 == 0 else -1  # right of a branch to the right
                said = _percent(self.passed[node] / self.passed[parent])
                where = (x[len(x) // 2] + 0.1 * side, y[len(y) // 2] - 0.04)
                page.text(*where, said, size=7.5, color=FOR, ha="left" if side > 0 else "right", va="bottom")

    def show_filters(self, figure: "Figure") -> None:
        for node, weights in enumerate(self.tree.filters):
            side, (x, y) = self.size(node), self.spot(node)
            image = weights.reshape(self.tree.shape).sum(axis=0)
            axes = self.axes(figure, x - side / 2, y - side / 2, side, side * image.shape[0] / image.shape[1])
            limit = float(abs(image).max()) or 1.0
            axes.imshow(image, cmap=SIGNED, vmin=-limit, vmax=limit)
            _frame(axes, FOR if node in self.path else QUIET, 1.8 if node in self.path else 0.6)

    def show_leaves(self, figure: "Figure", page: "Axes") -> None:
        for k, Q in enumerate(self.tree.distributions):
            node = self.nodes + k
            (x, y), width, chosen = self.spot(node), 0.84 * CLOSE, node in self.path
            axes = self.axes(figure, x - width / 2, y, width, LEAF)
            colours = [
                FOR if chosen and c == Q.argmax() else "0.35" if c == Q.argmax() else "0.75" for c in range(len(Q))
            ]
            axes.bar(range(len(Q)), Q, width=0.85, color=colours)
            axes.set(ylim=(0, 1), xlim=(-0.7, len(Q) - 0.3))
            _frame(axes, FOR if chosen else QUIET, 1.8 if chosen else 0.6)
            weight = "bold" if chosen else "normal"
            page.text(x, y + LEAF + 0.16, _name(self.tree, int(Q.argmax())), size=7, ha="center", weight=weight)

    def show_picture(self, figure: "Figure", page: "Axes", picture: Array) -> None:
        axes = self.axes(figure, MARGIN, TITLE + 0.25, PICTURE, PICTURE * picture.shape[0] / picture.shape[1])
        axes.imshow(picture)
        _frame(axes, QUIET, 0.6)
        leaf = max(self.path) - self.nodes
        reached = short(float(self.passed[max(self.path)])) if self.passed is not None else ""
        said = (
            f"the picture\nends as {_name(self.tree, int(self.tree.leaves[leaf].argmax()))}\nwith probability {reached}"
        )
        page.text(MARGIN + PICTURE + 0.1, TITLE + 0.4, said, size=7.5, va="top", linespacing=1.4)

    def axes(self, figure: "Figure", x: float, y: float, width: float, height: float) -> "Axes":
        return figure.add_axes(
            (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        )


def _branch(start: Spot, end: Spot, below: float, above: float) -> tuple[Array, Array]:
    """A curve that leaves one spot, so far below its middle, downwards, and comes to the other from so far above."""
    low, high = start[1] + below, end[1] - above
    t, bend = np.linspace(0, 1, 41)[:, None], (low + high) / 2
    weights = np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)  # a Bezier curve
    x, y = weights @ [start[0], start[0], end[0], end[0]], weights @ [low, bend, bend, high]
    return x, y


def _flat(x: Array) -> Array:
    """x (C, H, W) as something to show: its colours, or the mean of its channels."""
    x = np.asarray(x, np.float64)
    return np.moveaxis(x, 0, -1) if len(x) == 3 else x.mean(axis=0)


def _frame(axes: "Axes", colour: Any, width: float) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=colour, linewidth=width)


def _name(tree: SoftTree, c: int) -> str:
    return str(c) if tree.classes is None else tree.classes[c]


def _percent(p: float) -> str:
    return f"{100 * p:.0f} %"
