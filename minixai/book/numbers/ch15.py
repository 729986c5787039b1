"""Chapter 15: two maps of chapter 01's detector, before two judges; five pixels before five; what deletion costs."""

from collections.abc import Callable

import numpy as np

from minixai.book.numbers.ch01 import DETECTOR
from minixai.book.numbers.ways import Value
from minixai.metrics import auc, iou, sim
from minixai.ops import exact

PICTURE, OUTLINE = exact([1, 1]), [0, 1]  # snow, snout; the outline is drawn around the snout
P, Q = exact([0, 1]), exact([1, 0])
OBJECT = [1, 1, 0, 0, 0]
MAP, IOU_MAP, SAND, OTHER_SAND = exact([3, 1, 1, 0, 0]), exact([4, 1, 2, 3, 2]), exact([1, 2, 1]), exact([0, 1, 3])
FIVE, RANKS = exact([4, 3, 1, 2.5, 1]), exact([2, 2.5, 1, -3, 0.5])
A, B = exact([1, 1, 0, 0, 2]), exact([3, 0, 0, 1, 1])  # two maps on which judges disagree


def cost(map: Value) -> Value:
    """What the detector loses when the map's largest pixel becomes 0."""
    y = PICTURE.copy()
    y[int(np.argmax(map))] = exact(0).item()
    return DETECTOR(PICTURE)[0] - DETECTOR(y)[0]


def shared(a: Value, b: Value) -> Value:
    """SIM without the stretching: each over its sum, the smaller numbers added up."""
    return np.minimum(a / a.sum(), b / b.sum()).sum()


def lost(hidden: list[int]) -> Value:
    """What the score of E3 loses when these pixels become 0, together."""
    x = FIVE.copy()
    x[hidden] = exact(0).item()
    return _score(FIVE) - _score(x)


def _score(x: Value) -> Value:
    return min(x[0], x[1]) + 3 * x[2] - x[3] + x[4] + 1


def _numbers() -> dict[str, Callable[[], Value]]:
    return {
        "picture": lambda: PICTURE,
        "score": lambda: DETECTOR(PICTURE)[0],
        "p": lambda: P,
        "q": lambda: Q,
        "p_auc": lambda: auc(P, OUTLINE),
        "q_auc": lambda: auc(Q, OUTLINE),
        "p_cost": lambda: cost(P),
        "q_cost": lambda: cost(Q),
        "q_left": lambda: DETECTOR(PICTURE)[0] - cost(Q),
        "map": lambda: MAP,
        "auc": lambda: auc(MAP, OBJECT),
        "iou_map": lambda: IOU_MAP,
        "iou": lambda: iou(IOU_MAP, [1, 1, 1, 0, 0], threshold=2),
        "a": lambda: A,
        "b": lambda: B,
        "a_auc": lambda: auc(A, OBJECT),
        "b_auc": lambda: auc(B, OBJECT),
        "a_iou": lambda: iou(A, OBJECT, threshold=A.max() / 2),
        "b_iou": lambda: iou(B, OBJECT, threshold=B.max() / 2),
        "sand": lambda: SAND,
        "other_sand": lambda: OTHER_SAND,
        "heap": lambda: SAND / SAND.sum(),
        "other_heap": lambda: OTHER_SAND / OTHER_SAND.sum(),
        "sim": lambda: shared(SAND, OTHER_SAND),
        "sim_stretched": lambda: sim(SAND, OTHER_SAND),
        "five": lambda: FIVE,
        "ranks": lambda: RANKS,
        "drop": lambda: lost([0, 1]),
        "one_by_one": lambda: lost([0]) + lost([1]),
        "scaled": lambda: shared(exact([1, 2, 4]), 2 * exact([1, 2, 4]) + 1),
    }


GROUPS = {"judge": _numbers()}
