"""Is FEM faster than the gradient-based methods, Grad-CAM among them? (Section 7, after Fuad et al. 2020.)

Measured on ``shapes``: the seconds that each method takes for one picture, forward pass included, one method after the
other for each picture in turn, after a first round that does not count. A measurement of this engine on one machine.

Rule, fixed before measuring. The claim holds if each gradient-based method takes longer than FEM: every paired
difference wholly above 0.
"""

from time import perf_counter

import numpy as np

from minixai.api import explain
from minixai.experiments.faithfulness import panel
from minixai.experiments.intervals import mean_interval
from minixai.experiments.progress import following
from minixai.experiments.record import EVERY, Claim, Outcome, Statement
from minixai.experiments.subjects import shapes
from minixai.network import Network
from minixai.ops import Array, engine

COUNT = 100
OURS = "fem"
OTHERS = ("grad-cam", "gradient", "guided-backprop", "guided-grad-cam", "integrated-gradients")
CLAIM = Claim(
    "speed", "7",
    "Gradient-based methods including Grad-CAM have longer computation times and FEM was faster in comparison.",
    EVERY,
)  # fmt: skip


def speed(pictures: int = COUNT) -> Outcome:
    """Milliseconds per picture, method by method."""
    seen = shapes(pictures)
    names = (OURS, *OTHERS)
    for name in names:
        milliseconds(seen.network, seen.x[0], name)
    turns = following(seen.x, "pictures")
    spent = np.array([[milliseconds(seen.network, x, name) for name in names] for x in turns])
    taken = dict(zip(names, spent.T, strict=True))
    statements = tuple(
        Statement(f"milliseconds per picture: {name} minus {OURS}", mean_interval(taken[name] - taken[OURS]), "above")
        for name in OTHERS
    )
    return Outcome(
        CLAIM, seen.network.name, pictures, statements, (panel("milliseconds per picture", taken),),
        {"engine": engine(), "medians": {name: round(float(np.median(v)), 2) for name, v in taken.items()}},
    )  # fmt: skip


def milliseconds(network: Network, x: Array, method: str) -> float:
    """How long one explanation takes."""
    start = perf_counter()
    explain(network, x, method)
    return 1000 * (perf_counter() - start)
