"""`clips`: a tiny 3-D CNN that tells how a drawn shape moves; 8 frames of 32x32 pixels, grey. FEM in "2D + t" (5.3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.network import Network
from minixai.ops import Array, Conv3d, Flatten, GlobalAvgPool, Linear, MaxPool3d, ReLU
from minixai.zoo import torch_slopes
from minixai.zoo.card import Card
from minixai.zoo.frames import Clips
from minixai.zoo.moving import CLASSES, FRAMES, SIDE, moving_clips
from minixai.zoo.pictures import Pictures
from minixai.zoo.recipes import Examples, Labelled, Recipe
from minixai.zoo.weights import Draw, blank, read_log, trained

NAME = "clips"
CLIPS = Clips(FRAMES, Pictures(size=SIDE, channels="L", mean=0.5, std=0.25))  # x is -2 for black, 2 for white
SHAPE = (1, FRAMES, SIDE, SIDE)
SEED = 2022
TRAINING, HELD_OUT, SAMPLES = (1, 8_000), (2, 1_000), (3, 20)  # seeds and numbers of clips: all others are unseen


def load() -> Network:
    """The trained network: x (1, 8, 32, 32) float32 in [-2, 2] -> the scores of five motions."""
    return trained(network(blank))


def card() -> Card:
    origin = "in data/; trained with PyTorch on clips drawn by minixai.zoo.moving"
    return Card(NAME, "3-D CNN for moving shapes", SHAPE, CLASSES, origin, read_log(NAME)["accuracy"])


def samples() -> Labelled:
    """Twenty clips that it never trained on, every motion four times: x (20, 1, 8, 32, 32) float32, labels (20,)."""
    drawn = labelled(*SAMPLES)
    return Labelled(drawn.x[:], drawn.labels)


def recipe() -> Recipe:
    return Recipe(
        NAME, network, examples, seed=SEED, epochs=4, batch=32, rate=0.003, packages=("torch",),
        slopes=torch_slopes.slopes,
    )  # fmt: skip


def network(draw: Draw) -> Network:
    """Three convolutions over space and time, halved by max-pools; the mean of each of 24 maps of 4x8x8; one linear
    layer. So neither a place nor a moment means anything, and CAM fits."""
    layers = [
        Conv3d(draw(8, 1, 3, 3, 3), blank(8), padding=1),
        ReLU(),
        MaxPool3d((1, 2, 2)),
        Conv3d(draw(16, 8, 3, 3, 3), blank(16), padding=1),
        ReLU(),
        MaxPool3d(2),
        Conv3d(draw(24, 16, 3, 3, 3), blank(24), padding=1),
        ReLU(),
        GlobalAvgPool(),
        Flatten(),
        Linear(draw(len(CLASSES), 24), blank(len(CLASSES))),
    ]
    facts = {"classes": CLASSES, "black": CLIPS.black, "box": CLIPS.box, "input_shape": SHAPE, "pictures": CLIPS}
    return Network.sequential(layers, name=NAME, feature_layer="relu3", **facts)


def examples() -> Examples:
    """8,000 clips to learn from and 1,000 of another seed, held out. Needs PyTorch, which the training needs."""
    torch_slopes.need_torch()
    return Examples(labelled(*TRAINING), labelled(*HELD_OUT))


def labelled(seed: int, n: int) -> Labelled:
    """The first n clips of a seed: x (N, 1, 8, 32, 32) float32 in [-2, 2] once rows are asked for, labels (N,)."""
    drawn = moving_clips(seed, n)
    return Labelled(Inputs(drawn.frames), drawn.labels)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Clips (N, 8, 32, 32) uint8 that become inputs when rows are asked for."""

    frames: Array

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: Any) -> Array:
        chosen = self.frames[rows]
        if chosen.ndim == 3:
            return CLIPS.preprocess(chosen)
        return np.array([CLIPS.preprocess(clip) for clip in chosen], np.float32).reshape(-1, *SHAPE)
