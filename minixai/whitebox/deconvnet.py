"""Section 4.1, DeconvNet: unpool by the switches, rectify what arrives, filter with the flipped filter (Fig. 5c).

At a ReLU it does not ask whether the neuron was on, only whether the arriving signal is positive: that one line is
all that separates it from the gradient. Zeiler, Fergus (2014).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minixai.network import Step
from minixai.ops import Array, ReLU, twin
from minixai.ops.numbers import positive, zeros
from minixai.walk import Table, walk
from minixai.whitebox.case import Case, Finding, at_picture, signals_of
from minixai.whitebox.gradient import GRADIENT


def relu_deconvnet(R: Array, step: Step) -> Array:
    """Pass what arrives where R > 0 (Fig. 5c)."""
    return positive(R)


DECONVNET = GRADIENT | Table("deconvnet", {ReLU: twin(relu_deconvnet)})


def deconvnet(
    case: Case, layer: str | None = None, channel: int | None = None, position: tuple[int, ...] | None = None
) -> Finding:
    """The score, or one feature map (``layer``, ``channel``, 4.1), projected back to the pixels.

    From the score the seed is 1 at the class. From a layer it is that channel's feature map, 0 in the other channels;
    ``position`` (row, column) keeps one place of it.
    """
    if layer is None and channel is None and position is None:
        hops = case.hops(DECONVNET)
    else:
        hops = tuple(walk(case.tape, {str(layer): _feature(case, layer, channel, position)}, DECONVNET))
    return Finding(at_picture(hops, case), "max", signals_of(hops))


def _feature(case: Case, layer: str | None, channel: int | None, position: tuple[int, ...] | None) -> Array:
    if layer is None or channel is None:
        raise ValueError(f"got layer={layer!r}, channel={channel!r}; give both: which feature map is to be projected?")
    y = case.tape[layer].y
    if channel not in range(y.shape[1]):
        raise ValueError(f"channel is {channel!r}; layer {layer!r} has channels 0 to {y.shape[1] - 1}")
    size = y.shape[2:]
    if position is not None and not _is_place(position, size):
        raise ValueError(f"position is {position!r}; expected a place (row, column) in layer {layer!r}'s maps, {size}")
    where: Any = (slice(None), int(channel), *(() if position is None else map(int, position)))
    seed = zeros(y.shape, y)
    seed[where] = y[where]
    return seed


def _is_place(position: Any, size: tuple[int, ...]) -> bool:
    whole = isinstance(position, Sequence | np.ndarray) and all(isinstance(p, int | np.integer) for p in position)
    return whole and tuple(position) in np.ndindex(size)
