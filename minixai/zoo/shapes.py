"""`shapes`: an AlexNet-like network (Fig. 2) that tells ten drawn shapes apart, 64x64 pixels in colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.network import Network
from minixai.ops import Array, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from minixai.zoo.canvas import SIZE
from minixai.zoo.card import Card
from minixai.zoo.pictures import Pictures
from minixai.zoo.recipes import Examples, Labelled, Recipe
from minixai.zoo.scenes import NAMES, scenes
from minixai.zoo.weights import Draw, blank, read_log, trained

NAME = "shapes"
PICTURES = Pictures(size=SIZE, mean=0.5, std=0.25)  # x is -2 for black, 0 for middle grey, 2 for white
SHAPE = (3, SIZE, SIZE)
SEED = 2021
TRAINING, HELD_OUT, SAMPLES = (1, 40_000), (2, 2_000), (3, 20)  # seeds and numbers of scenes: all others are unseen


def load() -> Network:
    """The trained network: x (3, 64, 64) float32 in [-2, 2] -> the scores of ten shapes."""
    return trained(network(blank))


def card() -> Card:
    origin = "in data/; trained by this engine's own backward pass on scenes drawn by minixai.zoo.scenes"
    return Card(NAME, "AlexNet-like CNN for drawn shapes", SHAPE, NAMES, origin, read_log(NAME)["accuracy"])


def samples() -> Labelled:
    """Twenty scenes that the network never trained on, all shapes twice: x (20, 3, 64, 64) float32, labels (20,)."""
    drawn = scenes(*SAMPLES)
    return Labelled(Inputs(drawn.pictures)[:], drawn.labels)


def recipe() -> Recipe:
    return Recipe(NAME, network, examples, seed=SEED, epochs=4, batch=32, rate=0.001, dtype="float64")


def network(draw: Draw) -> Network:
    return alexnet_like(draw, NAME, NAMES)


def examples() -> Examples:
    """40,000 scenes to learn from and 2,000 of another seed, held out."""
    return Examples(*(Labelled(Inputs(s.pictures), s.labels) for s in (scenes(*TRAINING), scenes(*HELD_OUT))))


def alexnet_like(
    draw: Draw, name: str, classes: Sequence[str], maps: tuple[int, int] = (24, 48), hidden: int = 48
) -> Network:
    """Fig. 2 in small: convolutions, ReLU and max-pools, then two linear layers. The last pool keeps an 8x8 map:
    the class activation maps are made of its cells, and on a 4x4 one they could not point within 4 pixels."""
    first, rest = maps
    layers = [
        Conv2d(draw(first, 3, 5, 5), blank(first), stride=2, padding=2),
        ReLU(),
        MaxPool2d(2),
        Conv2d(draw(rest, first, 3, 3), blank(rest), padding=1),
        ReLU(),
        Conv2d(draw(rest, rest, 3, 3), blank(rest), padding=1),
        ReLU(),
        Conv2d(draw(rest, rest, 3, 3), blank(rest), padding=1),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(draw(hidden, rest * 8 * 8), blank(hidden)),
        ReLU(),
        Linear(draw(len(classes), hidden), blank(len(classes))),
    ]
    facts = {"classes": tuple(classes), "black": PICTURES.black, "box": PICTURES.box, "input_shape": SHAPE}
    return Network.sequential(layers, name=name, pictures=PICTURES, feature_layer="maxpool2", **facts)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Pictures (N, 64, 64, 3) uint8 that become inputs when rows are asked for: all at once would fill the memory."""

    pictures: Array

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, rows: Any) -> Array:
        chosen = self.pictures[rows]
        if chosen.ndim == 3:
            return PICTURES.preprocess(chosen)
        return np.array([PICTURES.preprocess(picture) for picture in chosen], np.float32).reshape(-1, *SHAPE)
