"""What the survey reads off its Fig. 9, on many pictures. (Section 5.3.)

Measured on ``shapes``. Region: on how small a share of the pixels half of the positive relevance stands. Contours: the
PCC of the heat map with the picture's own contrast (the length of its brightness gradient, central differences).
Holistic: how much of the object the map covers, the share of its pixels at a quarter of the map's maximum or more.

Rule, fixed before measuring. The claim holds if (1) LRP-epsilon without bias needs a smaller region than LRP-epsilon;
(2) the map of LRP-alpha-beta (1, 0) follows the contrast more than that of FEM; (3) FEM covers more of the object than
LRP-alpha-beta (1, 0) does, and (4) than LRP-epsilon does. Each is a paired difference wholly on that side.
"""

import numpy as np

from minixai.api import explain
from minixai.experiments.faithfulness import panel
from minixai.experiments.intervals import mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Statement
from minixai.experiments.subjects import BATCH, correlation, heat, shapes
from minixai.network import Network
from minixai.ops import Array

COUNT = 200
HALF, COVERED = 0.5, 0.25
MAPS: dict[str, tuple[str, dict]] = {
    "lrp-epsilon": ("lrp-epsilon", {}),
    "lrp-epsilon, ignore bias": ("lrp-epsilon", {"bias": "ignore"}),
    "lrp-alphabeta 1, 0": ("lrp-alphabeta", {"alpha": 1, "beta": 0}),
    "fem": ("fem", {}),
}
EPSILON, IGNORED, POSITIVE, FEM = MAPS
CLAIM = Claim(
    "figure9", "5.3",
    "LRP-epsilon without bias results in a heat map that has the importance only in a smaller region; alpha 1, beta 0 "
    "only highlights the contours with higher contrast; FEM is more holistic and highlights the important regions.",
    EVERY,
)  # fmt: skip


def figure9(pictures: int = COUNT) -> Outcome:
    """Region, contours and cover of the four maps of Fig. 9."""
    seen = shapes(pictures)
    found = {said: _maps(seen.network, seen.x, *how) for said, how in MAPS.items()}
    edges = contrast(seen.x)
    small = {n: np.array([region(m) for m in each]) for n, each in found.items()}
    outlined = {n: np.array(list(map(correlation, each, edges))) for n, each in found.items()}
    covered = {n: np.array(list(map(cover, each, seen.masks))) for n, each in found.items()}
    less, drawn = small[IGNORED] - small[EPSILON], outlined[POSITIVE] - outlined[FEM]
    return Outcome(
        CLAIM, seen.network.name, pictures,
        (
            Statement("region: LRP-epsilon without bias minus with it", mean_interval(less), "below"),
            Statement("PCC with contrast: alpha 1, beta 0 minus FEM", mean_interval(drawn), "above"),
            *(
                Statement(f"cover of the object: FEM minus {n}", mean_interval(covered[FEM] - covered[n]), "above")
                for n in (POSITIVE, EPSILON)
            ),
        ),
        (
            panel("share of pixels that holds half of the positive relevance", small),
            panel("PCC of the heat map with the picture's contrast", outlined),
            panel("share of the object at a quarter of the maximum", covered),
        ),
    )  # fmt: skip


def region(heat: Array) -> float:
    """The smallest share of the pixels that holds half of the positive relevance; 0 where there is none."""
    falling = np.sort(heat, axis=None)[::-1].cumsum()
    return float((np.searchsorted(falling, HALF * falling[-1]) + 1) / heat.size) if falling[-1] else 0.0


def contrast(x: Array) -> Array:
    """The length of the gradient of the brightness (the mean of the channels), (N, H, W)."""
    down, across = np.gradient(x.mean(axis=1), axis=(1, 2))
    return np.hypot(down, across)


def cover(heat: Array, mask: Array) -> float:
    """The share of the object's pixels that reach COVERED."""
    return float((heat[mask] >= COVERED).mean())


def _maps(network: Network, x: Array, method: str, params: dict) -> Array:
    parts = [explain(network, x[i : i + BATCH], method, **params).map for i in range(0, len(x), BATCH)]
    return np.array([heat(m) for m in np.concatenate(parts)])
