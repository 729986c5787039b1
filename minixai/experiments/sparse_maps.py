"""Are the maps of LRP sparse? (Section 7, after Cruciani et al. 2021.)

Measured on ``shapes``: Gini's index of every method's map, 0 for a map that is equal everywhere, almost 1 for a single
pixel.

Rule, fixed before measuring. Sparse is a comparison, so the claim holds if the map of LRP-epsilon, the rule that Fig. 9
shows first, is sparser than that of the gradient, of Grad-CAM and of FEM: each paired difference wholly above 0. The
other rules of LRP are measured beside it and decide nothing.
"""

import numpy as np

from minixai.experiments.faithfulness import NAMES, panel
from minixai.experiments.intervals import mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Statement
from minixai.experiments.subjects import maps, shapes
from minixai.metrics import gini

COUNT = 100
METHODS = [name for name in NAMES if name != "smoothgrad"]  # it averages the gradient's
OURS, OTHERS = "lrp-epsilon", ("gradient", "grad-cam", "fem")
CLAIM = Claim(
    "sparse-maps", "7", "It is observed that the LRP heat maps are sparse and not always as intuitive.", EVERY
)


def sparse_maps(pictures: int = COUNT) -> Outcome:
    """Gini's index of every method."""
    seen = shapes(pictures)
    found = {n: np.array([float(gini(m)) for m in each]) for n, each in maps(seen.network, seen.x, METHODS).items()}
    statements = tuple(
        Statement(f"Gini's index: {OURS} minus {name}", mean_interval(found[OURS] - found[name]), "above")
        for name in OTHERS
    )
    return Outcome(CLAIM, seen.network.name, pictures, statements, (panel("Gini's index of the map", found),))
