"""The zoo: networks to explain. ``load(name)`` gives one, ``networks()`` lists them.

One file per family; it says what is on the network's card, how it is loaded and, where it is trained here, by which
recipe (``python -m minixai.zoo.train NAME``).
"""

from collections.abc import Callable
from typing import NamedTuple

from minixai.network import Network
from minixai.taxonomy import closest
from minixai.zoo import (
    alexnet,
    clips,
    digits,
    husky,
    husky_balanced,
    lesion,
    lesion_generators,
    resnet,
    shapes,
    shapes_resnet,
    squeezenet,
    vgg,
)
from minixai.zoo.card import Card
from minixai.zoo.recipes import Recipe
from minixai.zoo.weights import Draw, untrained


class Member(NamedTuple):
    """What the zoo knows of a network; ``recipe`` is None for one that is not trained here."""

    card: Callable[[], Card]
    load: Callable[[], Network]
    network: Callable[[Draw], Network]
    recipe: Callable[[], Recipe] | None


_MEMBERS = {
    shapes.NAME: Member(shapes.card, shapes.load, shapes.network, shapes.recipe),
    husky.NAME: Member(husky.card, husky.load, husky.network, husky.recipe),
    husky_balanced.NAME: Member(
        husky_balanced.card, husky_balanced.load, husky_balanced.network, husky_balanced.recipe
    ),
    shapes_resnet.NAME: Member(shapes_resnet.card, shapes_resnet.load, shapes_resnet.network, shapes_resnet.recipe),
    digits.NAME: Member(digits.card, digits.load, digits.network, digits.recipe),
    lesion.NAME: Member(lesion.card, lesion.load, lesion.network, lesion.recipe),
    clips.NAME: Member(clips.card, clips.load, clips.network, clips.recipe),
    squeezenet.NAME: Member(squeezenet.card, squeezenet.load, squeezenet.network, None),
    alexnet.NAME: Member(alexnet.card, alexnet.load, alexnet.network, None),
    vgg.NAME: Member(vgg.card, vgg.load, vgg.network, None),
    resnet.NAME: Member(resnet.card, resnet.load, resnet.network, None),
}


def load(name: str) -> Network:
    """The network of that name with its weights, in float32. Raises ValueError for a name the zoo does not know."""
    return _member(name).load()


def networks() -> list[Card]:
    """The card of every network: name, title, input shape, classes, origin of the weights, accuracy."""
    return [member.card() for member in _MEMBERS.values()]


def random(name: str, seed: int = 0, dtype: str = "float32") -> Network:
    """The architecture of that name with random weights of a seed: for tests and cross-checks, it knows nothing.

    Needs no download. Raises ValueError for an unknown name or a dtype other than "float32" and "float64".
    """
    return untrained(_member(name).network, seed, dtype)


def recipe(name: str) -> Recipe:
    """How the network of that name is trained. Raises ValueError for one that is not trained here.

    The generators of `lesion` can be trained again by their own names, against the classifier that is in data/.
    """
    if name in lesion_generators.BOTH:
        return lesion_generators.recipe(lesion.classifier(), name)
    found = _member(name).recipe
    if found is None:
        trainable = [known for known, member in _MEMBERS.items() if member.recipe]
        raise ValueError(f"network {name!r} is not trained here; expected one of {', '.join(trainable)}")
    return found()


def _member(name: str) -> Member:
    if not isinstance(name, str) or name not in _MEMBERS:
        raise ValueError(f"network {name!r} is not known; {closest(str(name), list(_MEMBERS))}")
    return _MEMBERS[name]
