"""What `alexnet`, `vgg16` and `resnet34` have in common: real photographs, and weights that PyTorch publishes.

Their nodes are called as torchvision calls its modules, so that ``NODE.weight`` is a parameter of the published file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minixai.network import INPUT, Network, Node
from minixai.ops import Array, Op
from minixai.zoo import imagenet
from minixai.zoo.card import Card
from minixai.zoo.download import download, published
from minixai.zoo.pictures import Pictures
from minixai.zoo.torch_slopes import need_torch
from minixai.zoo.weights import check_numbers, with_parameters

PICTURES = Pictures(size=224, shorter=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
SHAPE = (3, 224, 224)
FACTS: dict[str, Any] = {
    "black": PICTURES.black, "box": PICTURES.box, "input_shape": SHAPE, "pictures": PICTURES,
}  # fmt: skip
Parts = Mapping[str, Op | Sequence[Op]]  # {"features": [layer 0, layer 1, ...], "avgpool": a layer, ...}
COUNTER = ".num_batches_tracked"  # of a batch norm: how long it was trained; nothing is computed from it


def card_of(name: str, title: str) -> Card:
    file = published(name)
    origin = f"not here: load or {file.command} fetches them ({file.bytes / 1e6:.0f} MB, {file.licence}); "
    return Card(name, title, SHAPE, imagenet.classes(), f"{origin}trained on ImageNet", None)


def chained(parts: Parts) -> tuple[Node, ...]:
    """One layer after the other: a layer has the name of its part, those of a sequence the name and their number."""
    named: list[tuple[str, Op]] = []
    for name, part in parts.items():
        named += [(name, part)] if isinstance(part, Op) else [(f"{name}.{i}", op) for i, op in enumerate(part)]
    before = [INPUT, *(name for name, _ in named)]
    return tuple(Node(name, op, (above,)) for (name, op), above in zip(named, before, strict=False))


def filled(network: Network) -> Network:
    """The network with its published weights, which are fetched unless they are there already.

    Raises ImportError without PyTorch, which reads them; ConnectionError where they cannot be reached; ValueError where
    the file is not the one that was published, or does not hold the parameters of this network; OSError where it cannot
    be written.
    """
    need_torch()  # before anything is fetched
    return with_parameters(network, read(download(network.name)))


def read(file: Path) -> dict[str, Array]:
    """The parameters in a PyTorch file, by name: plain numbers only, float32. Raises ValueError for anything else."""
    import torch

    try:
        stored = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a reader raises over a broken file
        why = str(error).strip().partition("\n")[0]
        raise ValueError(f"{file} cannot be read ({why}); expected parameters that torch.save wrote") from error
    if not isinstance(stored, dict) or not all(torch.is_tensor(values) for values in stored.values()):
        raise ValueError(f"{file} holds something else than named parameters; expected the file of a state_dict")
    arrays = {name: a.detach().numpy() for name, a in stored.items() if not name.endswith(COUNTER)}
    check_numbers(arrays, str(file), "expected the weights of a network as PyTorch publishes them")
    return arrays
