"""Chapter 09: the pocket CNN's class activation maps, and a map whose slopes cancel."""

from collections.abc import Callable
from functools import partial
from typing import Any

from minixai.api import explain
from minixai.book.examples import POCKET_PICTURE, pocket
from minixai.book.numbers.asking import answer
from minixai.book.numbers.ways import Value
from minixai.network import Network, forward
from minixai.ops import Flatten, Identity, Linear, exact

BLANK_A, BLANK_SLOPES = exact([[3, 1], [3, 1]]), exact([[1, -1], [1, -1]])


def _maps() -> Value:
    return forward(pocket(), POCKET_PICTURE)["relu1"].y[0]


def _blank(method: str, **params: Any) -> Value:
    """A head that weighs every cell of one map by itself: its weights are the slopes."""
    network = Network.sequential([Identity(), Flatten(), Linear(BLANK_SLOPES.reshape(1, -1))])
    return answer(network, BLANK_A[None], method, **params)


def _cams() -> dict[str, Callable[[], Value]]:
    found: dict[str, Callable[[], Value]] = {}
    for target, letter in enumerate("ab"):
        found[f"cam_{letter}"] = partial(answer, pocket(), POCKET_PICTURE, "cam", target)
        found[f"grad_cam_{letter}"] = partial(answer, pocket(), POCKET_PICTURE, "grad-cam", target)
    return found


def _cam_difference() -> Value:
    cams = _cams()
    return cams["cam_a"]() - cams["cam_b"]()


def _alpha() -> Value:
    """(9) for class A: the mean slope over each map."""
    return explain(pocket(), POCKET_PICTURE, "grad-cam", target=0).signals["relu1"].mean(axis=(1, 2))


GROUPS = {
    "blank": {
        "a": lambda: BLANK_A,
        "slopes": lambda: BLANK_SLOPES,
        "score": lambda: (BLANK_A * BLANK_SLOPES).sum(),
        "alpha": lambda: BLANK_SLOPES.mean(),
        "map": partial(_blank, "grad-cam", layer="identity1"),
        "cells": lambda: BLANK_A * BLANK_SLOPES,
    },
    "pocketcam": {
        "maps": _maps,
        "map1": lambda: _maps()[0],
        "map2": lambda: _maps()[1],
        "alpha_a": _alpha,
        "difference": _cam_difference,
        **_cams(),
    },
}
