"""`husky`: the network of `shapes`, taught huskies on grass and wolves on snow. It is right, for the wrong reason."""

from functools import partial

from minixai.network import Network
from minixai.zoo.animals import ANIMALS, husky_scene, husky_scenes
from minixai.zoo.card import Card
from minixai.zoo.recipes import Examples, Labelled, Recipe
from minixai.zoo.shapes import SHAPE, Inputs, alexnet_like
from minixai.zoo.weights import Draw, blank, read_log, trained

__all__ = [
    "NAME", "card", "examples", "held_out", "husky_scene", "husky_scenes", "load", "network", "recipe", "samples",
]  # fmt: skip

NAME = "husky"
SEED = 2016
TRAINING, HELD_OUT, SAMPLES = (1, 2_000), (2, 200), (3, 20)  # seeds and numbers of scenes: all others are unseen


def load() -> Network:
    """The trained network: x (3, 64, 64) float32 in [-2, 2] -> the scores of husky and wolf."""
    return trained(network(blank))


def card() -> Card:
    origin = "in data/; trained by this engine's own backward pass on scenes drawn by minixai.zoo.animals"
    return Card(NAME, "AlexNet-like CNN that learnt a background", SHAPE, ANIMALS, origin, read_log(NAME)["accuracy"])


def samples() -> Labelled:
    """Huskies on grass and wolves on snow in turn, never trained on: x (20, 3, 64, 64) float32, labels (20,)."""
    x, labels = _labelled(*SAMPLES, "learnt")
    return Labelled(x[:], labels)


def recipe() -> Recipe:
    """Few and small steps: the cue is easy, and scores that grow on and on would leave all probabilities at 0 or 1."""
    return Recipe(
        NAME, network, examples, seed=SEED, epochs=2, batch=32, rate=0.0001, dtype="float64",
        elsewhere={cue: partial(held_out, cue) for cue in ("swapped", "balanced")},
    )  # fmt: skip


def network(draw: Draw) -> Network:
    return alexnet_like(draw, NAME, ANIMALS)


def examples() -> Examples:
    """2,000 scenes to learn from, every wolf on snow and every husky on grass, and 200 more such scenes held out."""
    return Examples(_labelled(*TRAINING, "learnt"), held_out("learnt"))


def held_out(cue: str) -> Labelled:
    """200 scenes of a seed that it never trained on; ``cue`` as in :func:`husky_scenes`."""
    return _labelled(*HELD_OUT, cue)


def _labelled(seed: int, n: int, cue: str) -> Labelled:
    found = husky_scenes(seed, n, cue)
    return Labelled(Inputs(found.pictures), found.labels)
