"""Chapter 00: slope and contribution, S = 3 x1 - x2."""

from collections.abc import Callable

from minixai.book.numbers.ways import Value
from minixai.ops import exact

SLOPES = exact([3, -1])


def linear(x: tuple[int, int]) -> dict[str, Callable[[], Value]]:
    """Picture, score, slope and contribution at x."""
    return {
        "picture": lambda: exact(x),
        "score": lambda: SLOPES @ exact(x),
        "slope": lambda: SLOPES,
        "contribution": lambda: SLOPES * exact(x),
    }


GROUPS = {"linear": linear((2, 1)), "linear14": linear((1, 4))}
