"""Chapter 02: boxes of two pixels, seen by hiding and by a line through their answers; a row of three; a soft tree."""

from collections.abc import Callable
from fractions import Fraction

from minixai.api import explain
from minixai.blackbox.lime import Surrogate, ridge
from minixai.blackbox.soft_tree import leaf_probabilities
from minixai.book.examples import TWO_PIXELS, two_pixels
from minixai.book.numbers.ways import Value
from minixai.ops import Array, exact

MASKS = exact([[1, 1], [1, 0], [0, 1], [0, 0]])  # both shown, only the first, only the second, none
KERNEL = exact([4, 2, 2, 1])
EITHER, NEW = exact([6, 6, 6, 0]), exact([9, 5, 2, 0])
ROW, WEIGHTS, GREY = exact([1, 0.5, 1]), exact([1, 2, 4]), exact([0.5])
GATES = exact([Fraction(3, 4), Fraction(1, 3), Fraction(2, 3)])  # of turning right at the root, left of it, right of it


def _box(scores: Array, kernel: Array) -> dict[str, Callable[[], Value]]:
    """A box of two pixels by its four scores: what hiding costs, and LIME's line."""

    def line() -> Surrogate:
        return ridge(MASKS, scores, kernel, alpha=0)

    return {
        "scores": lambda: scores,
        "drops": lambda: exact([scores[0] - scores[2], scores[0] - scores[1]]),
        "intercept": lambda: line().intercept,
        "weights": lambda: line().weights,
        "all": lambda: line().intercept + line().weights.sum(),
        "r2": lambda: line().r2,
        "missed": lambda: (kernel * (scores - line().intercept - MASKS @ line().weights) ** 2).sum(),
        "spread": lambda: (kernel * (scores - (kernel * scores).sum() / kernel.sum()) ** 2).sum(),
    }


def _min_scores() -> Array:
    return exact([two_pixels()(mask * TWO_PIXELS)[0] for mask in MASKS])


def _row(fill: Array) -> Array:
    """Occlusion of a row of three pixels, window 2."""

    def scores(pictures: Array) -> Array:
        return (pictures * WEIGHTS).sum(axis=1, keepdims=True)

    choices = {"window": 2, "stride": 1, "fill": fill.item(), "score": "logit"}
    return explain(scores, ROW, "occlusion", target=0, **choices).relevance


GROUPS = {
    "need": _box(_min_scores(), exact([1, 1, 1, 1])),
    "either": _box(EITHER, exact([1, 1, 1, 1])),
    "newbox": _box(NEW, exact([1, 1, 1, 1])),
    "near": _box(exact([8, 2, 0, 0]), KERNEL),
    "row": {
        "x": lambda: ROW,
        "weights": lambda: WEIGHTS,
        "score": lambda: (ROW * WEIGHTS).sum(),
        "fill": lambda: GREY[0],
        "first": lambda: (WEIGHTS * (ROW - GREY))[:2].sum(),
        "second": lambda: (WEIGHTS * (ROW - GREY))[1:].sum(),
        "grey": lambda: _row(GREY),
        "black": lambda: _row(0 * GREY),
        "middle": lambda: _row(GREY)[1],
    },
    "tree": {
        "root": lambda: GATES[0],
        "left": lambda: GATES[1],
        "right": lambda: GATES[2],
        "leaves": lambda: leaf_probabilities(GATES[None])[0],
        "last": lambda: leaf_probabilities(GATES[None])[0, 3],
    },
}
