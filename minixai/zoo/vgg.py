"""`vgg16`: convolutions of 3x3, five times halved, and three large linear layers; downloaded on request.

Simonyan, Zisserman (2015), Very deep convolutional networks for large-scale image recognition: the network of Fig. 9.
"""

from minixai.network import Network
from minixai.ops import AdaptiveAvgPool2d, Conv2d, Flatten, Identity, Linear, MaxPool2d, Op, ReLU
from minixai.zoo import imagenet
from minixai.zoo.card import Card
from minixai.zoo.photographs import FACTS, Parts, card_of, chained, filled
from minixai.zoo.weights import Draw, blank

NAME = "vgg16"
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # maps, convolutions


def load() -> Network:
    """The network with its published weights, fetched if need be: x (3, 224, 224) float32 -> 1000 scores.

    Raises as :func:`minixai.zoo.photographs.filled`.
    """
    return filled(network(blank))


def card() -> Card:
    return card_of(NAME, "VGG-16 for real photographs")


def network(draw: Draw) -> Network:
    """Thirteen convolutions in five blocks, a max-pool after each, then three linear layers."""
    features: list[Op] = []
    inputs = 3
    for maps, convolutions in BLOCKS:
        for _ in range(convolutions):
            features += [Conv2d(draw(maps, inputs, 3, 3), blank(maps), padding=1), ReLU()]
            inputs = maps
        features.append(MaxPool2d(2))
    classifier = [
        Linear(draw(4096, inputs * 7 * 7), blank(4096)), ReLU(), Identity(),
        Linear(draw(4096, 4096), blank(4096)), ReLU(), Identity(),
        Linear(draw(imagenet.COUNT, 4096), blank(imagenet.COUNT)),
    ]  # fmt: skip
    between = {"avgpool": AdaptiveAvgPool2d(7), "flatten": Flatten()}
    parts: Parts = {"features": features, **between, "classifier": classifier}
    return Network(chained(parts), name=NAME, feature_layer="features.29", classes=imagenet.classes(), **FACTS)
