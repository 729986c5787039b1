"""`lesion`: a binary CNN for drawn organs, healthy or with a lesion, 64x64 pixels in grey (Section 6)."""

from dataclasses import dataclass, field, fields
from functools import partial

import numpy as np

from minixai.network import Network
from minixai.ops import Array, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from minixai.zoo import lesion_generators, torch_slopes
from minixai.zoo.canvas import SIZE
from minixai.zoo.card import Card
from minixai.zoo.lesion_generators import BOTH, Generators
from minixai.zoo.lesions import CLASSES, lesion_pictures
from minixai.zoo.pictures import Pictures
from minixai.zoo.recipes import Examples, Labelled, Recipe
from minixai.zoo.weights import Draw, blank, read_log, trained

NAME = "lesion"
PICTURES = Pictures(size=SIZE, channels="L")  # x is 0 for black, 1 for white
SHAPE = (1, SIZE, SIZE)
SEED = 2020
TRAINING, HELD_OUT, SAMPLES = (1, 8_000), (2, 1_000), (3, 20)  # seeds and numbers of pictures: all others are unseen


@dataclass(frozen=True, eq=False)
class WithGenerators(Network):
    """A network that brings its two generators (g_s, g_a), Eq. (27)."""

    generators: Generators | None = field(default=None, kw_only=True)


def load() -> WithGenerators:
    """The trained network, with its generators: x (1, 64, 64) float32 in [0, 1] -> the scores of healthy and lesion."""
    found = classifier()
    facts = {one.name: getattr(found, one.name) for one in fields(found)}
    return WithGenerators(**facts, generators=lesion_generators.generators(found))


def classifier() -> Network:
    """The trained network without its generators."""
    return trained(network(blank))


def alone() -> Network:
    """The generator that was trained without a g_s: the baseline. x (1, 64, 64) -> its g_a(x)."""
    return lesion_generators.alone(classifier())


def card() -> Card:
    origin = "in data/; trained with PyTorch on pictures drawn by minixai.zoo.lesions"
    return Card(NAME, "Binary CNN for drawn lesions", SHAPE, CLASSES, origin, read_log(NAME)["accuracy"])


def samples() -> Labelled:
    """Twenty pictures it never trained on, healthy and with a lesion in turn: x (20, 1, 64, 64), labels (20,)."""
    return labelled(*SAMPLES)


def recipe() -> Recipe:
    """After the network its generators are trained, and then the one that is compared with them."""
    return Recipe(
        NAME, network, examples, seed=SEED, epochs=6, batch=32, rate=0.002, packages=("torch",),
        slopes=torch_slopes.slopes, then=tuple(partial(lesion_generators.recipe, name=n) for n in BOTH),
    )  # fmt: skip


def network(draw: Draw) -> Network:
    """Four blocks of convolutions, halved by max-pools; of each map its maximum, wherever it stands; a linear layer.

    So a place means nothing: a network that knew places could be turned by a patch in some corner.
    """
    layers = [
        Conv2d(draw(8, 1, 3, 3), blank(8), padding=1),
        ReLU(),
        MaxPool2d(2),
        Conv2d(draw(16, 8, 3, 3), blank(16), padding=1),
        ReLU(),
        MaxPool2d(2),
        Conv2d(draw(24, 16, 3, 3), blank(24), padding=1),
        ReLU(),
        MaxPool2d(2),
        Conv2d(draw(24, 24, 3, 3), blank(24), padding=1),
        ReLU(),
        MaxPool2d(8),
        Flatten(),
        Linear(draw(len(CLASSES), 24), blank(len(CLASSES))),
    ]
    facts = {"classes": CLASSES, "black": PICTURES.black, "box": PICTURES.box, "input_shape": SHAPE}
    return Network.sequential(layers, name=NAME, pictures=PICTURES, **facts)


def examples() -> Examples:
    """8,000 pictures to learn from and 1,000 of another seed, held out. Needs PyTorch, which the training needs."""
    torch_slopes.need_torch()
    return Examples(labelled(*TRAINING), labelled(*HELD_OUT))


def labelled(seed: int, n: int) -> Labelled:
    """The first n pictures of a seed: x (N, 1, 64, 64) float32 in [0, 1], labels (N,)."""
    drawn = lesion_pictures(seed, n)
    return Labelled(inputs(drawn.pictures), drawn.labels)


def inputs(pictures: Array) -> Array:
    """Pictures (N, 64, 64) uint8 as the network wants them: (N, 1, 64, 64) float32."""
    return np.array([PICTURES.preprocess(picture) for picture in pictures], np.float32).reshape(-1, *SHAPE)
