"""Chapter 04: painting with a filter."""

from typing import Any

import numpy as np

from minixai.book.nokernel import Board, matrix_of
from minixai.book.numbers.ch04 import PAINT_FILTER, PAINT_SIGNAL
from minixai.book.verdict import coloured
from minixai.ops import Conv2d


def painting(signal: Any = PAINT_SIGNAL, filter: Any = PAINT_FILTER) -> Board:
    """Which arriving numbers paint what, and what one pixel collects: the same sums twice."""
    G, F = matrix_of("signal", signal), matrix_of("filter", filter)
    at_input = Conv2d(F[None, None]).adjoint(G[None, None], np.zeros((1, 1, *(np.add(G.shape, F.shape) - 1))))[0, 0]
    words = "Every output paints the filter as it is; every pixel collects with the filter turned by 180 degrees."
    still = coloured({"signal, arriving": G, "filter": F, "filter, turned": F[::-1, ::-1], "at the input": at_input})
    state = {"G": G.tolist(), "F": F.tolist(), "mode": "paint", "pixel": [1, 1]}
    return Board("painting", state, still, words)


FIGURES = (painting,)
