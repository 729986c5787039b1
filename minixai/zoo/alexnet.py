"""`alexnet`: five convolutions and three linear layers (Fig. 2 in full size); downloaded on request.

Krizhevsky (2014), One weird trick for parallelizing convolutional neural networks: the variant that PyTorch publishes.
The original, Krizhevsky, Sutskever, Hinton (2012), had two halves and normalised its maps.
"""

from minixai.network import Network
from minixai.ops import AdaptiveAvgPool2d, Conv2d, Flatten, Identity, Linear, MaxPool2d, ReLU
from minixai.zoo import imagenet
from minixai.zoo.card import Card
from minixai.zoo.photographs import FACTS, Parts, card_of, chained, filled
from minixai.zoo.weights import Draw, blank

NAME = "alexnet"


def load() -> Network:
    """The network with its published weights, fetched if need be: x (3, 224, 224) float32 -> 1000 scores.

    Raises as :func:`minixai.zoo.photographs.filled`.
    """
    return filled(network(blank))


def card() -> Card:
    return card_of(NAME, "AlexNet for real photographs")


def network(draw: Draw) -> Network:
    """Large filters first, three max-pools whose windows overlap, then three linear layers, each behind a dropout."""
    features = [
        Conv2d(draw(64, 3, 11, 11), blank(64), stride=4, padding=2), ReLU(), MaxPool2d(3, 2),
        Conv2d(draw(192, 64, 5, 5), blank(192), padding=2), ReLU(), MaxPool2d(3, 2),
        Conv2d(draw(384, 192, 3, 3), blank(384), padding=1), ReLU(),
        Conv2d(draw(256, 384, 3, 3), blank(256), padding=1), ReLU(),
        Conv2d(draw(256, 256, 3, 3), blank(256), padding=1), ReLU(), MaxPool2d(3, 2),
    ]  # fmt: skip
    classifier = [
        Identity(), Linear(draw(4096, 256 * 6 * 6), blank(4096)), ReLU(),
        Identity(), Linear(draw(4096, 4096), blank(4096)), ReLU(),
        Linear(draw(imagenet.COUNT, 4096), blank(imagenet.COUNT)),
    ]  # fmt: skip
    between = {"avgpool": AdaptiveAvgPool2d(6), "flatten": Flatten()}
    parts: Parts = {"features": features, **between, "classifier": classifier}
    return Network(chained(parts), name=NAME, feature_layer="features.11", classes=imagenet.classes(), **FACTS)
