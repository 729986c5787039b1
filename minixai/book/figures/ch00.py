"""Chapter 00: one picture, every explanation."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from minixai.api import explain, methods
from minixai.book import live
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import shapes


def explanations(
    network: Network | None = None,
    x: Array | None = None,
    names: Sequence[str] = (),
    target: str | int | None = None,
    others: Mapping[str, Network] | None = None,
) -> live.Figure:
    """One picture (C, H, W): which class, by which method? ``names``: the methods to offer; none: the white-box ones.

    Without ``network`` and ``x`` it is `shapes` and the first of its samples.
    ``others``: {name: network} to choose from besides ``network``, for the same picture and classes.
    """
    if network is None or x is None:
        network, x = shapes.load(), shapes.samples().x[0]
    classes = list(network.classes or range(np.asarray(network(x)).shape[-1]))
    networks = {network.name: network, **(others or {})}

    @cache
    def draw(cls: Any, method: str, which: str = network.name) -> live.Frame:
        return live.beside_picture(network, x, explain(networks[which], x, method, target=cls))

    start = classes[int(np.argmax(network(x)))] if target is None else target
    offered = list(names) or [m.name for m in methods("white-box")]
    controls = {"cls": live.menu("class", classes, start), "method": live.menu("method", offered, offered[0])}
    if others:
        controls["which"] = live.choice("network", list(networks), network.name)
    return live.Figure(draw, controls)


FIGURES = (explanations,)
