"""Does guidance leave fewer pixels with a high score? (Section 4.3, on Fig. 6.)

Measured on ``shapes``: the share of pixels whose heat map reaches half of its maximum; a quarter and three quarters are
measured beside it and decide nothing.

Rule, fixed before measuring. Fig. 6 compares with gradient backpropagation: the claim holds if the share for guided
backpropagation minus that for the gradient lies wholly below 0.
"""

import numpy as np

from minixai.experiments.intervals import mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Panel, Row, Statement
from minixai.experiments.subjects import heat, maps, shapes
from minixai.ops import Array

COUNT = 200
OURS, OTHERS = "guided-backprop", ("gradient", "deconvnet")
HIGH, LEVELS = 0.5, (0.25, 0.5, 0.75)
CLAIM = Claim(
    "guided-pixels", "4.3",
    "The guidance steps result in reducing the number of pixels that have a higher importance score and hence produce "
    "slightly sharper visualization.",
    EVERY,
)  # fmt: skip


def guided_pixels(pictures: int = COUNT) -> Outcome:
    """The share of high pixels, with and without guidance."""
    seen = shapes(pictures)
    found = maps(seen.network, seen.x, (OURS, *OTHERS))
    rows = tuple(
        Row(name, mean_interval(share(each, level)), level) for name, each in found.items() for level in LEVELS
    )
    fewer = mean_interval(share(found[OURS], HIGH) - share(found[OTHERS[0]], HIGH))
    return Outcome(
        CLAIM, seen.network.name, pictures,
        (Statement("share of pixels at half of the maximum: guided minus gradient", fewer, "below"),),
        (Panel("share of pixels that reach a level", rows, None, "share of the maximum"),),
    )  # fmt: skip


def share(maps: Array, level: float) -> Array:
    """Per picture, the share of pixels whose heat reaches the level."""
    return np.array([(heat(m) >= level).mean() for m in maps])
