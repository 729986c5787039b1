"""Chapter 17: a library is a set of switches."""

import numpy as np

from minixai.book.nokernel import Board
from minixai.book.numbers import value
from minixai.book.verdict import coloured

# The six switches, as minixai has them by default.
SWITCHES = {
    "sign of eps": "as the number it joins",
    "bias (LRP-eps)": "kept",
    "bias (LRP-gamma)": "grows with the weights",
    "places on the path (IG)": "midpoint",
    "noise 3/20 (SmoothGrad)": "of the picture's range",
    "spread (FEM), divided by": "n",
}


def switches() -> Board:
    """Six switches, five small answers, and whose library they make."""
    answers = {"LRP-eps": "layer.signed", "LRP-gamma": "neuron.gamma", "IG": "cube.midpoint"}
    answers |= {"noise": "noise.share", "FEM": "fem.n"}
    words = "Six switches as minixai has them, and five small answers that depend on them."
    still = coloured({title: np.atleast_1d(value(name)).astype(float) for title, name in answers.items()})
    return Board("switches", SWITCHES, still, words)


FIGURES = (switches,)
