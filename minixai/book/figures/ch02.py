"""Chapter 02: one window after another over a wolf on snow; how large it is, and what is painted in it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.blackbox import lime
from minixai.book import live, pixels
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import husky
from minixai.zoo.animals import husky_scene, husky_scenes

WOLF = (4, 3)  # seed and number of the scene
WINDOWS, STRIDE = (8, 16, 24, 32), 8
TOP = 3.0  # the score at the upper end of the colours, the same for all settings


def hiding(
    network: Network | None = None,
    x: Array | None = None,
    fills: Mapping[str, Any] | None = None,
    regions: Mapping[str, Array] | None = None,
    target: Any = "wolf",
) -> live.Figure:
    """Occlusion of one picture x (C, H, W): how large is the window, and what is painted in it?

    ``fills``: {name: a fill of occlusion}. ``regions``: {name: mask (H, W)} over which the words give the mean; the one
    that is called like the class is drawn as an outline.
    Without arguments it is `husky` and the chapter's wolf.
    """
    if network is None or x is None:
        network, x, fills, regions = _the_wolf()
    offered = {"black": "black", "grey": "grey"} if fills is None else dict(fills)
    areas = dict(regions or {})
    inputs, picture = x, live.shown(network, x)
    outline = _edge(areas[target]) if target in areas else np.zeros(picture.shape[:2], bool)
    painted = {name: live.shown(network, _filled(network, x, fill)) for name, fill in offered.items()}

    @cache
    def draw(window: int, fill: str) -> live.Frame:
        choices = {"window": window, "stride": STRIDE, "fill": offered[fill], "score": "logit"}
        found = explain(network, inputs, "occlusion", target=target, progress=False, **choices).map
        row, column = _dearest(found, window)
        here = np.s_[row : row + window, column : column + window]
        seen = picture.copy()
        seen[here] = painted[fill][here]
        coloured = pixels.colours(found, pixels.SIGNED, TOP)
        coloured[outline] = 0
        panels = [seen, coloured]
        words = (
            f"Left: a {fill} window of {window} x {window}, where the map is strongest. Right: what hiding costs, red, "
            f"or brings, blue (full colour at {TOP:g}). Lowest {found.min():.2f}, highest {found.max():.2f} of score. "
            + " ".join(f"Mean over the {name}: {found[mask].mean():+.2f}." for name, mask in areas.items())
        )
        return live.Frame(pixels.beside([pixels.enlarged(panel, live.SIDE) for panel in panels]), words.strip())

    names = list(offered)
    controls = {
        "window": live.choice("window", WINDOWS, 16),
        "fill": live.choice("fill", names, names[0]),
    }
    return live.Figure(draw, controls)


def _the_wolf() -> tuple[Network, Array, dict[str, Any], dict[str, Array]]:
    """The network, the chapter's picture, four fills, and where snow and wolf are."""
    network, (seed, number) = husky.load(), WOLF
    drawn = husky_scenes(seed, number + 1)
    on_grass = network.preprocess(husky_scene(seed, "wolf", 0, number).picture)
    fills = {"black": "black", "grey": "grey", "white": _ends(network)[1], "grass": on_grass}
    regions = {"snow": drawn.snow[number], "wolf": drawn.masks[number]}
    return network, network.preprocess(drawn.pictures[number]), fills, regions


def _ends(network: Network) -> tuple[Array, Array]:
    """Black and white as the network sees them, as occlusion has them."""
    low, high = network.box or (0.0, 1.0)
    return np.asarray(low), np.asarray(high)


def _filled(network: Network, x: Array, fill: Any) -> Array:
    """The picture with all of it hidden."""
    low, high = _ends(network)
    named = {"black": low, "grey": (low + high) / 2}
    colour = np.asarray(named[fill] if isinstance(fill, str) else fill, x.dtype)
    return np.broadcast_to(colour, x.shape)


def _edge(mask: Array) -> Array:
    """The pixels of a mask (H, W) that have a neighbour outside it."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def _dearest(found: Array, window: int) -> tuple[int, int]:
    """The top left corner of a window, inside the picture, round the strongest place of the map."""
    row, column = np.unravel_index(int(np.argmax(abs(found))), found.shape)
    return int(min(row, found.shape[0] - window)), int(min(column, found.shape[1] - window))


# -- what the chapter computes beside its figure -----------------------------------------------------------------------


def flattened(x: Array, segments: Array) -> Array:
    """x (C, H, W) with every piece of ``segments`` (H, W) in its mean colour."""
    means = np.stack([x[:, segments == m].mean(axis=1) for m in range(segments.max() + 1)], axis=1)
    return means[:, segments]


def scores_under(network: Network, x: Array, segments: Array, masks: Array, fill: Any) -> Array:
    """The scores (n, classes) of x under each of the masks (n, M): where a mask has a 0, its piece shows ``fill``."""
    return network(np.concatenate(list(lime.masked(x, segments, masks, fill)))).astype(float)


FIGURES = (hiding,)
