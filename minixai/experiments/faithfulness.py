"""Does a map that agrees with people show what the network uses? (Section 7, on the network that learnt the snow.)

Measured, on wolves on snow: agreement, the AUC of a map against the animal's mask; and faithfulness, how far the log
odds of the wolf fall while the map's pixels turn grey, the most relevant first (the area under the deletion curve,
lower is more faithful).

Rule, fixed before measuring. The claim holds if (1) of two maps drawn by hand, the animal's outline and the snow's, the
outline of the animal has the larger deletion area; and (2) over the methods, the rank correlation between agreement and
faithfulness (the negative area), taken picture by picture, lies below 0. Both intervals must lie wholly on that side.
The same correlation on ``shapes``, whose network has no planted cue, is measured beside it and decides nothing.
"""

from functools import partial

import numpy as np

from minixai.api import methods
from minixai.experiments.intervals import Interval, mean_interval
from minixai.experiments.progress import following
from minixai.experiments.record import EVERY, Claim, Outcome, Panel, Row, Statement
from minixai.experiments.subjects import Subject, correlation, decisions, log_odds, maps, ranks, shapes, wolves
from minixai.metrics import auc, deletion
from minixai.network import Network
from minixai.ops import Array

COUNT = 100
STEPS = 16  # portions of a deletion curve
GREY = 0.0  # middle grey, as these networks see it
NAMES = tuple(m.name for m in methods("white-box") if m.name != "cam")  # these networks have no CAM
CLAIM = Claim(
    "faithfulness", "7",
    "A saliency map is a representative of what the network has learnt and it is not guaranteed that the explanations "
    "match human intuition.",
    EVERY,
)  # fmt: skip


def faithfulness(pictures: int = COUNT) -> Outcome:
    """Agreement and deletion pull apart where the network relies on a background."""
    seen = wolves(pictures)
    agreement, areas = judged(seen, _with_noise(maps(seen.network, seen.x, NAMES, said="husky")))
    outlines = {"the animal's outline": seen.masks.astype(float), "the snow's outline": seen.snow.astype(float)}
    drawn, drawn_areas = judged(seen, outlines)
    gap = drawn_areas["the animal's outline"] - drawn_areas["the snow's outline"]
    honest = shapes(pictures)
    control, control_areas = judged(honest, maps(honest.network, honest.x, NAMES, said="shapes"))
    object_and_rest = {"the object's outline": honest.masks * 1.0, "everything else's": 1.0 - honest.masks}
    _, rest_areas = judged(honest, object_and_rest)
    husky = mean_interval(apart({n: agreement[n] for n in NAMES}, {n: areas[n] for n in NAMES}))
    elsewhere = mean_interval(apart(control, control_areas))
    return Outcome(
        CLAIM, seen.network.name, pictures,
        (
            Statement("deletion area of the animal's outline minus that of the snow's", mean_interval(gap), "above"),
            Statement("rank correlation of agreement and faithfulness over methods", husky, "below"),
        ),
        (
            panel("deletion area (log odds; lower is more faithful)", areas | drawn_areas),
            panel("agreement with the animal's mask (AUC)", agreement | drawn, 0.5),
            Panel(
                "rank correlation of agreement and faithfulness",
                (Row("husky", husky), Row("shapes, no planted cue", elsewhere)), 0.0,
            ),
            panel("deletion area on shapes, no planted cue (log odds)", rest_areas),
        ),
        {"deleted pixels become": "middle grey", "portions of a curve": STEPS, "noise": "a map of random numbers"},
    )  # fmt: skip


def judged(seen: Subject, found: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Of each method and picture: the AUC against the object, and the deletion area in log odds."""
    target = decisions(seen.network, seen.x)
    agreement = {name: np.array(list(map(auc, each, seen.masks))) for name, each in found.items()}
    areas: dict[str, Array] = {}
    for name, each in following(found.items(), "deletion", "method"):
        scores = [partial(odds, seen.network, c) for c in target]
        areas[name] = np.array(
            [
                deletion(score, x, map, GREY, steps=STEPS, progress=False)
                for score, x, map in zip(scores, seen.x, each, strict=True)
            ]
        )
    return agreement, areas


def odds(network: Network, target: int, x: Array) -> Array:
    """The log odds of one class, for a batch."""
    return log_odds(network(x), np.full(len(x), target))


def apart(agreement: dict[str, Array], areas: dict[str, Array]) -> Array:
    """Per picture, the rank correlation over the methods between agreement and faithfulness."""
    a, f = np.array(list(agreement.values())).T, -np.array([areas[name] for name in agreement]).T
    return np.array([correlation(ranks(one), ranks(other)) for one, other in zip(a, f, strict=True)])


def panel(title: str, values: dict[str, Array], border: float | None = None) -> Panel:
    """A row per method: the mean over pictures, the largest first."""
    rows: list[tuple[str, Interval]] = [(name, mean_interval(v)) for name, v in values.items()]
    return Panel(title, tuple(Row(*row) for row in sorted(rows, key=lambda row: -row[1].value)), border)


def _with_noise(found: dict[str, Array]) -> dict[str, Array]:
    """And a map that knows nothing, to compare with."""
    like = next(iter(found.values()))
    return found | {"noise": np.random.default_rng(0).random(like.shape)}
