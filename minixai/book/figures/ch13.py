"""Chapter 13: FEM with two controls, one of which does nothing; pictures of two shapes."""

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minixai.api import explain, explain_by
from minixai.book import live, pixels
from minixai.draw.several import strip
from minixai.network import Network, Tape, forward
from minixai.ops import Array
from minixai.zoo import shapes
from minixai.zoo.scenes import scenes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START = "heart"  # the class that the menu begins with


def rare(network: Network | None = None, x: Array | None = None) -> live.Figure:
    """FEM's map of one picture x (C, H, W): how many spreads above the mean, and which class is asked about?

    Without ``network`` and ``x`` it is `shapes` and the heart among its samples.
    """
    if network is None or x is None:
        network, held = shapes.load(), shapes.samples()
        x = held.x[held.labels.tolist().index(list(network.classes or ()).index(START))]
    tape = forward(network, network.batch(x))  # what every layer computed: neither control changes it
    scores = np.asarray(tape.output.y[0], float)
    classes = list(network.classes or range(len(scores)))
    picture = pixels.enlarged(live.shown(network, x), live.SIDE)

    def kept(network: Network, x: Array, ref: Any = None) -> Tape:
        return tape

    @cache
    def draw(K: float, cls: Any) -> live.Frame:
        e = explain_by(kept, network, x, "fem", cls, {"K": K})
        map_ = pixels.enlarged(pixels.colours(e.map, *pixels.scale(e.map, signed=False)), live.SIDE)
        lit, (row, column) = float((e.relevance > 0).mean()), _largest(e.map)
        words = (
            f"Left the picture, right FEM with K = {K:g}, asked about {e.label} (score {float(e.score):.1f}). At "
            f"{lit:.0%} of the places some map is strong; the largest sum, {e.map.max():.3g}, is in row {row + 1}, "
            f"column {column + 1} of the picture."
        )
        return live.Frame(pixels.beside([picture, map_]), words)

    start = classes[int(scores.argmax())]
    return live.Figure(draw, {"K": live.number("K", 0, 4, 0.25, 1), "cls": live.menu("class", classes, start)})


def _largest(values: Array) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(row), int(column)


def asked_twice(network: Network, picture: Array, left: int, right: int) -> "Figure":
    """Heat maps of a picture of two shapes, asked about the left one and about the right one, by FEM and Grad-CAM."""
    x, maps = network.preprocess(picture), {}
    for name in ("fem", "grad-cam"):
        for side, cls in (("left", left), ("right", right)):
            maps[f"{name}: why {side}?"] = explain(network, x, name, target=int(cls)).heatmap
    return strip(maps, picture=picture, title="One picture, two questions", signed=False)


def figure9(network: Network, picture: Array) -> "Figure":
    """Heat maps of a picture as in Fig. 9: LRP-epsilon, the same without biases, alpha 1 beta 0, FEM."""
    x = network.preprocess(picture)
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "LRP-epsilon": ("lrp-epsilon", {}),
        "ignore bias": ("lrp-epsilon", {"bias": "ignore"}),
        "alpha 1, beta 0": ("lrp-alphabeta", {"alpha": 1, "beta": 0}),
        "FEM": ("fem", {}),
    }
    maps = {title: explain(network, x, name, **params).heatmap for title, (name, params) in ways.items()}
    return strip(maps, picture=picture, title="Each over its largest", signed=False)


class Pairs(NamedTuple):
    """Pictures (N, 64, 64, 3) uint8 of two shapes, and the numbers of their classes: ``left`` and ``right`` (N,)."""

    pictures: Array
    left: Array
    right: Array


def pairs(seed: int, n: int) -> Pairs:
    """n pictures made of two scenes each: the left half of one, the right half of the other, two different shapes.

    Before they are cut, the scenes are moved sideways, so that each shape stands in the middle of its half.
    """
    drawn = scenes(seed, 2 * n)
    side = drawn.pictures.shape[2]
    centres = [int(np.rint(np.flatnonzero(mask.any(axis=0)).mean())) for mask in drawn.masks]
    wanted = [side // 4, 3 * side // 4] * n
    moved = [np.roll(p, to - at, axis=1) for p, to, at in zip(drawn.pictures, wanted, centres, strict=True)]
    left, right = drawn.labels[::2], drawn.labels[1::2]
    if (left == right).any():
        raise ValueError(f"seed {seed} gives a picture with twice the same shape; take another seed")
    both = [np.hstack([a[:, : side // 2], b[:, side // 2 :]]) for a, b in zip(moved[::2], moved[1::2], strict=True)]
    return Pairs(np.stack(both), left, right)


FIGURES = (rare,)
