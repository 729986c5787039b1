"""Is Grad-CAM the gradient-based method whose maps are most like FEM's? (Section 7, after Fuad et al. 2020.)

Measured on ``shapes``: the PCC and the SIM of FEM's heat map with that of every gradient-based method of Section 4 that
fits the network; a heat map that is zero everywhere resembles nothing (0).

Rule, fixed before measuring. The claim holds if, in PCC and in SIM, the mean for Grad-CAM minus the largest mean among
the others lies above 0. Which other method is the runner-up is decided anew in every resample. The maps of Grad-CAM and
FEM have 8x8 cells; how alike FEM's is to blurred maps of the others, is measured beside it and decides nothing.
"""

from collections.abc import Callable

import numpy as np

from minixai.experiments.faithfulness import panel
from minixai.experiments.intervals import Interval, interval
from minixai.experiments.record import EVERY, Claim, Outcome, Statement
from minixai.experiments.subjects import correlation, heat, maps, shapes, similarity
from minixai.ops import Array

COUNT = 100
CELL = 8  # pixels: the side of a cell of the feature maps, and of the blur's window
FEM, NEAREST = "fem", "grad-cam"
OTHERS = (
    "gradient", "deconvnet", "guided-backprop", "integrated-gradients", "smoothgrad", "guided-grad-cam",
)  # fmt: skip
CLAIM = Claim(
    "fem-neighbours", "7",
    "The most similar explanations to FEM, of the gradient-based methods, in terms of Pearson Correlation Coefficient "
    "and Similarity are given by Grad-CAM.",
    EVERY,
)  # fmt: skip


def fem_neighbours(pictures: int = COUNT) -> Outcome:
    """PCC and SIM of FEM with the gradient-based methods."""
    seen = shapes(pictures)
    raw = maps(seen.network, seen.x, (FEM, NEAREST, *OTHERS))
    found = {name: np.array(list(map(heat, each))) for name, each in raw.items()}
    by_pcc, by_sim = (against(found, measure) for measure in (correlation, similarity))
    blurred = {name: blur(each) if name in OTHERS else each for name, each in found.items()}
    empty = int((found[NEAREST].reshape(pictures, -1).max(axis=1) == 0).sum())
    return Outcome(
        CLAIM, seen.network.name, pictures,
        (
            Statement("PCC with FEM: Grad-CAM minus the best other", lead(by_pcc), "above"),
            Statement("SIM with FEM: Grad-CAM minus the best other", lead(by_sim), "above"),
        ),
        (
            panel("PCC with FEM", by_pcc),
            panel("SIM with FEM", by_sim),
            panel("PCC with FEM, the others blurred to its cells", against(blurred, correlation)),
        ),
        {"pictures for which Grad-CAM is zero everywhere": empty},
    )  # fmt: skip


def against(found: dict[str, Array], measure: Callable[[Array, Array], float]) -> dict[str, Array]:
    """Of every method but FEM, how alike its maps are to FEM's, per picture."""
    return {
        name: np.array([measure(a, b) for a, b in zip(found[FEM], each, strict=True)])
        for name, each in found.items()
        if name != FEM
    }


def lead(values: dict[str, Array]) -> Interval:
    """The mean of Grad-CAM minus the largest mean of the others."""
    rows = np.stack([values[NEAREST], *(values[name] for name in OTHERS)], axis=1)
    return interval(rows, lambda some: float(some[:, 0].mean() - some[:, 1:].mean(axis=0).max()))


def blur(maps: Array) -> Array:
    """The mean over cells of CELL x CELL pixels, spread over the cell again."""
    n, h, w = maps.shape
    cells = maps.reshape(n, h // CELL, CELL, w // CELL, CELL).mean(axis=(2, 4))
    return cells.repeat(CELL, axis=1).repeat(CELL, axis=2)
