"""Does a more accurate network have more intuitive maps? (Section 7, its reference 45.)

Measured on ``shapes`` while it learns: its own recipe, stopped after 0, 150, 300 and 600 steps, and the finished
network. Intuitive is read as concentration on the object: the AUC of a map of the network's own decision against the
object's mask, on scenes that were not learnt from. Accuracy is the share right of 500 other scenes.

Rule, fixed before measuring. Over the five networks, the rank correlation of accuracy and AUC, picture by picture, with
the AUC averaged over methods, lies wholly above 0. The methods alone are measured beside it and decide nothing.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from minixai.experiments.faithfulness import panel
from minixai.experiments.intervals import mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Panel, Row, Statement
from minixai.experiments.subjects import SEED, correlation, decisions, inputs, maps, ranks, shapes
from minixai.metrics import auc
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import shapes as subject
from minixai.zoo.recipes import Labelled
from minixai.zoo.scenes import scenes
from minixai.zoo.train import start, steps

COUNT = 100
STOPS = (0, 150, 300, 600)  # steps of training
LEARNT = 19_200  # scenes to learn from, the first of those of the recipe: enough for the last stop in one pass
JUDGED = 500  # scenes that say how accurate a network is
METHODS = ("gradient", "guided-backprop", "grad-cam", "lrp-epsilon", "lrp-composite", "deeplift-rescale", "fem")
CLAIM = Claim(
    "accuracy", "7",
    "A network with a higher classification accuracy generally produces more intuitive maps.",
    EVERY,
)  # fmt: skip


def accuracy(pictures: int = COUNT, stops: Sequence[int] = STOPS, learnt: int = LEARNT) -> Outcome:
    """Accuracy and concentration on the object, of one network at several stages of its training."""
    seen = shapes(pictures)
    judged = scenes(SEED + 1, JUDGED)
    x = inputs(seen.network, judged.pictures)
    right: list[float] = []
    found: dict[str, list[Array]] = {name: [] for name in METHODS}
    for network in [*stages(stops, learnt), seen.network]:
        right.append(float((decisions(network, x) == judged.labels).mean()))
        for name, each in maps(network, seen.x, METHODS, said=f"accuracy {right[-1]:.2f}").items():
            found[name].append(np.array(list(map(auc, each, seen.masks))))
    alone = {name: together(right, np.array(each)) for name, each in found.items()}
    mean = np.mean([np.array(each) for each in found.values()], axis=0)
    rows = [Row(name, mean_interval(values), right[i]) for name, each in found.items() for i, values in enumerate(each)]
    statement = "rank correlation of accuracy and AUC over training, mean of the methods"
    return Outcome(
        CLAIM, "shapes, at five stages of training", pictures,
        (Statement(statement, mean_interval(together(right, mean)), "above"),),
        (
            Panel("AUC of the maps against the object", tuple(rows), 0.5, "accuracy"),
            panel("rank correlation of accuracy and AUC", alone, 0.0),
        ),
        {"steps": [*stops, "finished"], "accuracy": right},
    )  # fmt: skip


def stages(stops: Sequence[int], learnt: int) -> Iterator[Network]:
    """``shapes`` after so many steps of its recipe, on the first of its scenes."""
    recipe = subject.recipe()
    drawn = scenes(subject.TRAINING[0], learnt)
    pictures = Labelled(subject.Inputs(drawn.pictures), drawn.labels)
    state = start(recipe)
    if 0 in stops:
        yield state.network
    for made in steps(recipe, state, pictures):
        if made.state.steps in stops:
            yield made.state.network
        if made.state.steps == max(stops):
            return
    raise ValueError(f"{learnt} scenes are too few for {max(stops)} steps in one pass; give more, or stop earlier")


def together(accuracy: Sequence[float], values: Array) -> Array:
    """Per picture, the rank correlation of accuracy with the values (networks, pictures)."""
    order = ranks(np.array(accuracy))
    return np.array([correlation(order, ranks(column)) for column in values.T])
