"""`husky-balanced`: the task of `husky`, learnt from pictures whose ground tells nothing. It has to know the animals.

The layers of `husky` with fewer maps, so that the weights stay small.
"""

from functools import partial

from minixai.network import Network
from minixai.zoo.animals import ANIMALS, husky_scenes
from minixai.zoo.card import Card
from minixai.zoo.recipes import Examples, Labelled, Recipe
from minixai.zoo.shapes import SHAPE, Inputs, alexnet_like
from minixai.zoo.weights import Draw, blank, read_log, trained

NAME = "husky-balanced"
SEED = 2016
MAPS, HIDDEN = (12, 24), 32
TRAINING, HELD_OUT, SAMPLES = (1, 4_000), (2, 200), (3, 20)  # seeds and numbers of scenes: all others are unseen


def load() -> Network:
    """The trained network: x (3, 64, 64) float32 in [-2, 2] -> the scores of husky and wolf."""
    return trained(network(blank))


def card() -> Card:
    origin = "in data/; trained by this engine's own backward pass on scenes drawn by minixai.zoo.animals"
    return Card(NAME, "AlexNet-like CNN that learnt two animals", SHAPE, ANIMALS, origin, read_log(NAME)["accuracy"])


def samples() -> Labelled:
    """Huskies and wolves in turn on either ground, never trained on: x (20, 3, 64, 64) float32, labels (20,)."""
    x, labels = _labelled(*SAMPLES, "balanced")
    return Labelled(x[:], labels)


def recipe() -> Recipe:
    """More and larger steps than `husky` needs: muzzle, tail and legs are harder to find than snow."""
    return Recipe(
        NAME, network, examples, seed=SEED, epochs=4, batch=32, rate=0.002, dtype="float64",
        elsewhere={cue: partial(held_out, cue) for cue in ("learnt", "swapped")},
    )  # fmt: skip


def network(draw: Draw) -> Network:
    return alexnet_like(draw, NAME, ANIMALS, MAPS, HIDDEN)


def examples() -> Examples:
    """4,000 scenes to learn from, each animal on either ground equally often, and 200 more such scenes held out."""
    return Examples(_labelled(*TRAINING, "balanced"), held_out("balanced"))


def held_out(cue: str) -> Labelled:
    """200 scenes of a seed that it never trained on; ``cue`` as in :func:`husky_scenes`."""
    return _labelled(*HELD_OUT, cue)


def _labelled(seed: int, n: int, cue: str) -> Labelled:
    found = husky_scenes(seed, n, cue)
    return Labelled(Inputs(found.pictures), found.labels)
