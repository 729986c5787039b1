"""`digits`: a small LeNet for scikit-learn's real handwritten digits, 8x8 pixels of 0..16."""

from importlib.util import find_spec

import numpy as np

from minixai.network import Network
from minixai.ops import Array, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from minixai.zoo.card import Card
from minixai.zoo.pictures import Pictures
from minixai.zoo.recipes import Examples, Labelled, Recipe, stratified
from minixai.zoo.weights import Draw, blank, read_data, read_log, trained

NAME = "digits"
CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PICTURES = Pictures(size=8, channels="L", scale=1 / 255)
SHAPE = (1, 8, 8)
INK = 16  # the darkest pen stroke of a pixel; 0 is empty paper, which this network sees as black
SEED, HELD_OUT, PER_CLASS = 2021, 0.25, 2


def load() -> Network:
    """The trained network: x (1, 8, 8) float32 in [0, 1] -> the scores of ten digits."""
    return trained(network(blank))


def card() -> Card:
    origin = "in data/; trained by this engine's own backward pass on scikit-learn's digits (UCI, CC BY 4.0)"
    return Card(NAME, "LeNet-like CNN for handwritten digits", SHAPE, CLASSES, origin, read_log(NAME)["accuracy"])


def samples() -> Labelled:
    """Twenty real digits that the network never trained on, two of each: x (20, 1, 8, 8) float32, labels (20,)."""
    stored = read_data(NAME, f"{NAME}_samples.npz")
    return Labelled(_inputs(stored["pixels"]).astype(np.float32), stored["labels"])


def recipe() -> Recipe:
    return Recipe(
        NAME, network, examples, seed=SEED, epochs=15, batch=32, rate=0.003, dtype="float64",
        samples=chosen_samples, packages=("scikit-learn",),
    )  # fmt: skip


def network(draw: Draw) -> Network:
    """Two blocks of convolutions, each halved by a max-pool, then two fully connected layers."""
    layers = [
        Conv2d(draw(16, 1, 3, 3), blank(16), padding=1),
        ReLU(),
        Conv2d(draw(16, 16, 3, 3), blank(16), padding=1),
        ReLU(),
        MaxPool2d(2),
        Conv2d(draw(32, 16, 3, 3), blank(32), padding=1),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(draw(64, 32 * 2 * 2), blank(64)),
        ReLU(),
        Linear(draw(10, 64), blank(10)),
    ]
    facts = {"classes": CLASSES, "black": PICTURES.black, "box": PICTURES.box, "input_shape": SHAPE}
    return Network.sequential(layers, name=NAME, pictures=PICTURES, **facts)


def examples() -> Examples:
    """All 1,797 digits, a quarter of each class held out: x in [0, 1]. Needs scikit-learn."""
    pixels, labels = _scikit_learns()
    train, held_out = stratified(labels, HELD_OUT, SEED)
    x = _inputs(pixels)
    return Examples(Labelled(x[train], labels[train]), Labelled(x[held_out], labels[held_out]))


def chosen_samples() -> dict[str, Array]:
    """The first two held-out digits of every class, as they come: pixels (20, 8, 8) uint8 of 0..16, labels, rows."""
    pixels, labels = _scikit_learns()
    _, held_out = stratified(labels, HELD_OUT, SEED)
    rows = np.concatenate([held_out[labels[held_out] == c][:PER_CLASS] for c in range(len(CLASSES))])
    return {"pixels": pixels[rows].astype(np.uint8), "labels": labels[rows], "rows": rows}


def _inputs(pixels: Array) -> Array:
    return pixels[:, None] / INK


def _scikit_learns() -> tuple[Array, Array]:
    if find_spec("sklearn") is None:
        raise ImportError("the digits to train on come with scikit-learn: pip install 'minixai[book]'")
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images, found.target.astype(np.int64)
