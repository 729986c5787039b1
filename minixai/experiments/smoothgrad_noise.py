"""Does 10-20 % noise make SmoothGrad's maps sharper? (Section 4.5, after Smilkov et al. 2017.)

Measured on ``shapes``, sigma from 0 (the map of the gradient itself) to half of the picture's range, 25 copies each,
the mean of maps as in Eq. (8). "Sharper" can be read in two ways: the map stands out at the object, its AUC against the
object's mask; or it stands on fewer pixels, Gini's index.

Rule, fixed before measuring. In each reading the claim holds if the mean over sigma = 0.1, 0.15 and 0.2 exceeds that of
the gradient and those at sigma = 0.05 and 0.3, that is, less and more noise: the smallest of these leads, found anew in
every resample, lies wholly above 0. If the two readings disagree, the claim is inconclusive here.
"""

import numpy as np

from minixai.api import explain
from minixai.experiments.intervals import Interval, interval, mean_interval
from minixai.experiments.progress import following
from minixai.experiments.record import READINGS, Claim, Outcome, Panel, Row, Statement
from minixai.experiments.subjects import BATCH, Subject, shapes
from minixai.metrics import auc, gini
from minixai.ops import Array

COUNT = 100
LEVELS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
INSIDE, OUTSIDE = (2, 3, 4), (0, 1, 5)
COPIES = 25
CLAIM = Claim(
    "smoothgrad-noise", "4.5",
    "The authors observe that adding about 10-20 % noise to sampled images produced sharper maps.",
    READINGS,
)  # fmt: skip


def smoothgrad_noise(pictures: int = COUNT) -> Outcome:
    """Sharpness in two readings, over the level of noise."""
    seen = shapes(pictures)
    on_object, on_few = np.moveaxis(np.array([judged(seen, level) for level in following(LEVELS, "sigma")]), 0, -1)
    rows = [(reading, values) for reading, values in (("AUC against the object", on_object), ("Gini's index", on_few))]
    return Outcome(
        CLAIM, seen.network.name, pictures,
        tuple(Statement(f"{name}: 10-20 % minus the best of 0, 5 and 30 %", lead(v), "above") for name, v in rows),
        tuple(
            Panel(
                reading,
                tuple(Row("smoothgrad", mean_interval(v[:, i]), x) for i, x in enumerate(LEVELS)), None, "sigma",
            )
            for reading, v in rows
        ),
        {"copies": COPIES},
    )  # fmt: skip


def judged(seen: Subject, sigma: float) -> tuple[Array, Array]:
    """(AUC, Gini's index) of every picture's map at this level."""
    found = []
    for first in range(0, len(seen), BATCH):
        some = seen.x[first : first + BATCH]
        found.append(explain(seen.network, some, "smoothgrad", sigma=sigma, n=COPIES if sigma else 1).map)
    maps = np.concatenate(found)
    return np.array(list(map(auc, maps, seen.masks))), np.array([float(gini(m)) for m in maps])


def lead(values: Array) -> Interval:
    """values (pictures, LEVELS): the mean of the levels inside 10-20 % minus the largest mean outside."""
    return interval(values, lambda v: float(v[:, INSIDE].mean() - v[:, OUTSIDE].mean(axis=0).max()))
