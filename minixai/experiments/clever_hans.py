"""Do maps show that the network looks at the snow? (Section 1, after Ribeiro et al.)

Measured, on wolves on snow. First without any map, by changing one thing in the scene at a time: how far the log odds
of the wolf move when the snow melts, and when the wolf becomes a husky. Then, for a map of the wolf's score, how often
a pixel of snow ranks above a pixel of the animal (an AUC between the two masks; 1/2 is no preference). LIME explains
the probability, as it does unless told otherwise, from 400 masks for each picture.

Rule, fixed before measuring. The claim holds if (1) the ground moves the log odds further than the animal does, and (2)
LIME, the method of the study that the survey cites, ranks snow above the animal: AUC above 1/2. Both intervals must lie
wholly on that side. The other methods are measured in the same way and decide nothing.
"""

import numpy as np

from minixai.experiments.faithfulness import NAMES, panel
from minixai.experiments.intervals import mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Statement
from minixai.experiments.subjects import SEED, Wolves, inputs, log_odds, maps, wolves
from minixai.metrics import auc
from minixai.ops import Array
from minixai.zoo.animals import ANIMALS, HUSKY, WOLF, husky_scene

COUNT = 100
MASKS = 400  # of LIME, for each picture
GREY = 0.5  # in pixel units
SNOW, GRASS = 0.9, 0.1  # the share of the ground under snow
CLAIM = Claim(
    "clever-hans", "1",
    "The trained network used the presence of snow as the distinguishing feature between Wolf and Husky (and an "
    "explanation by LIME reveals it).",
    EVERY,
)  # fmt: skip


def clever_hans(pictures: int = COUNT) -> Outcome:
    """What the network relies on, by experiment; and whether each method's map says so."""
    seen = wolves(pictures)
    ground, animal = swings(seen)
    target = np.full(len(seen), ANIMALS.index(WOLF))
    wanted: dict[str, dict] = {**{name: {} for name in (*NAMES, "occlusion")}, "lime": {"n": MASKS}}
    grey = {"lime": {"n": MASKS, "fill": GREY}}
    found = maps(seen.network, seen.x, wanted, target, "husky")
    found["lime, grey"] = maps(seen.network, seen.x, grey, target, "lime, grey")["lime"]
    shown = {name: np.array(list(map(preference, each, seen.snow, seen.masks))) for name, each in found.items()}
    return Outcome(
        CLAIM, seen.network.name, pictures,
        (
            Statement("log odds moved by the ground minus by the animal", mean_interval(ground - animal), "above"),
            Statement("LIME ranks a pixel of snow above one of the animal", mean_interval(shown["lime"]), "above", 0.5),
        ),
        (
            panel("a pixel of snow ranks above one of the animal (AUC)", shown, 0.5),
            panel("log odds moved by", {"snow melts": ground, "wolf becomes husky": animal}, 0.0),
        ),
        {
            "snow on the ground, before and after it melts": [SNOW, GRASS],
            "lime": "hides a superpixel by its mean colour, which leaves snow white; lime, grey hides it by grey",
        },
    )  # fmt: skip


def preference(map: Array, snow: Array, animal: Array) -> float:
    """P(snow > animal) + P(equal) / 2 for one pixel of each."""
    either = snow | animal
    return float(auc(map[either], snow[either]))


def swings(seen: Wolves) -> tuple[Array, Array]:
    """By how much the log odds of the wolf move, either way, with the ground alone and with the animal alone."""
    numbers = 2 * np.arange(len(seen)) + 1  # the numbers of the wolves among the scenes
    wolf = ANIMALS.index(WOLF)

    def odds(animal: str, snow: float) -> Array:
        pictures = [husky_scene(SEED, animal, snow, int(number)).picture for number in numbers]
        scores = seen.network(inputs(seen.network, pictures))
        return log_odds(scores, np.full(len(scores), wolf))

    before = odds(WOLF, SNOW)
    return abs(before - odds(WOLF, GRASS)), abs(before - odds(HUSKY, SNOW))
