"""Chapter 09: Grad-CAM, layer by layer and class by class."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book import live, pixels
from minixai.metrics import auc
from minixai.network import Network
from minixai.ops import Array
from minixai.result import Explanation
from minixai.zoo import shapes_resnet
from minixai.zoo.scenes import scene

LAYERS = ("relu1", "layer1.0.relu2", "layer2.0.relu2", "layer3.0.relu2")  # of shapes-resnet: where the blocks end
EDGE = (90, 200, 250)


def by_layer(
    network: Network | None = None, x: Array | None = None, mask: Array | None = None, layers: Sequence[str] = LAYERS
) -> live.Figure:
    """Grad-CAM of one picture (C, H, W): at which layer, for which class? ``mask`` (H, W) bool says where the shape is.

    Without ``network``, ``x`` and ``mask`` it is `shapes-resnet` and a cross before stripes.
    """
    if network is None or x is None or mask is None:
        network, cross = shapes_resnet.load(), scene(3, 5)
        x, mask = network.preprocess(cross.picture), cross.mask
    net, picture, shape = network, x, np.asarray(mask, bool)
    classes = list(net.classes or range(np.asarray(net(picture)).shape[-1]))

    @cache
    def draw(layer: str, cls: Any) -> live.Frame:
        e = explain(net, picture, "grad-cam", target=cls, layer=layer)
        heat = pixels.colours(e.heatmap, pixels.UNSIGNED, 1.0)
        heat[_edge(shape)] = EDGE
        panels = [
            pixels.enlarged(live.shown(net, picture), live.SIDE),
            pixels.enlarged(pixels.colours(e.relevance, pixels.UNSIGNED, float(e.relevance.max())), live.SIDE),
            pixels.enlarged(heat, live.SIDE),
        ]
        return live.Frame(pixels.beside(panels), _words(e, layer, shape))

    controls = {
        "layer": live.menu("layer", layers, layers[-1]),
        "cls": live.menu("class", classes, classes[int(np.argmax(net(picture)))]),
    }
    return live.Figure(draw, controls)


def surviving(slopes: Array) -> float:
    """How much of the slopes (K, h, w) is left when each map's are averaged, (9): 1 where none of them cancel."""
    return float(abs(slopes.mean(axis=(1, 2))).sum() / abs(slopes).mean(axis=(1, 2)).sum())


def alike(maps: Explanation, others: Explanation) -> Array:
    """Picture by picture, the correlation of two heat maps; a blank one is like no other (0)."""
    pairs = zip(maps.heatmap, others.heatmap, strict=True)
    return np.array([np.corrcoef(p.ravel(), q.ravel())[0, 1] if p.any() and q.any() else 0.0 for p, q in pairs])


def _words(e: Explanation, layer: str, shape: Array) -> str:
    slopes = e.signals[layer]
    many, (height, width) = len(slopes), e.relevance.shape
    row, column = np.unravel_index(int(e.relevance.argmax()), e.relevance.shape)
    spot = f"brightest in row {row + 1}, column {column + 1}" if e.relevance.any() else "blank"
    return (
        f"Left the picture; in the middle Grad-CAM for {e.label} (score {float(e.score):.2f}) at {layer}; right it is "
        f"enlarged, with a line round the shape. {many} maps of {height} x {width} cells, {spot}. "
        f"Averaging leaves {surviving(slopes):.0%} of the slopes. AUC against the shape: {auc(e.map, shape):.2f}."
    )


def _edge(shape: Array) -> Array:
    """The pixels just outside the shape."""
    padded = np.pad(shape, 1)
    near = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return near & ~shape


FIGURES = (by_layer,)
