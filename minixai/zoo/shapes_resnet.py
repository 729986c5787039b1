"""`shapes-resnet`: a small residual network for the scenes of `shapes`, with batch norms, and made for CAM.

Maps of 8x8 are averaged and read by one linear layer, so that the class activation map has 64 cells.
"""

from minixai.network import INPUT, Network
from minixai.zoo import resnet, torch_slopes
from minixai.zoo.card import Card
from minixai.zoo.recipes import Examples, Labelled, Recipe
from minixai.zoo.resnet import Stage
from minixai.zoo.scenes import NAMES
from minixai.zoo.shapes import PICTURES, SEED, SHAPE
from minixai.zoo.shapes import examples as scenes_of_shapes
from minixai.zoo.shapes import samples as samples_of_shapes
from minixai.zoo.weights import Draw, blank, read_log, trained

NAME = "shapes-resnet"
STEM = 16  # maps
STAGES = (Stage(16, 1, 1), Stage(32, 1, 2), Stage(64, 1, 2))


def load() -> Network:
    """The trained network: x (3, 64, 64) float32 in [-2, 2] -> the scores of ten shapes."""
    return trained(network(blank))


def card() -> Card:
    origin = "in data/; trained with PyTorch on the scenes of shapes"
    return Card(NAME, "Residual network for drawn shapes", SHAPE, NAMES, origin, read_log(NAME)["accuracy"])


def samples() -> Labelled:
    """Twenty scenes that the network never trained on: those of ``shapes``."""
    return samples_of_shapes()


def recipe() -> Recipe:
    return Recipe(
        NAME, network, examples, seed=SEED, epochs=6, batch=32, rate=0.003, packages=("torch",),
        slopes=torch_slopes.slopes,
    )  # fmt: skip


def examples() -> Examples:
    """The scenes of ``shapes``: 40,000 to learn from and 2,000 held out. Needs PyTorch, which the training needs."""
    torch_slopes.need_torch()
    return scenes_of_shapes()


def network(draw: Draw) -> Network:
    """A convolution, three residual blocks, the mean of each of 64 maps of 8x8, and one linear layer."""
    nodes = resnet.rectified(resnet.conv(draw, STEM, 3, 5, 2), "", INPUT, 1)
    nodes += resnet.stages(draw, STEM, STAGES, "relu1")
    nodes += resnet.head(draw, len(NAMES), STAGES[-1].maps, nodes[-1].name)
    return Network(
        tuple(nodes), name=NAME, classes=NAMES, black=PICTURES.black, box=PICTURES.box,
        feature_layer="layer3.0.relu2", input_shape=SHAPE, pictures=PICTURES,
    )  # fmt: skip
