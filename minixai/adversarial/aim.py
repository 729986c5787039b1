"""What an attack wants: away from the network's own decision, or towards one class; and what it hands back."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from minixai.adversarial.limits import Box
from minixai.network import Network
from minixai.ops import Array
from minixai.targets import class_numbers


class Found(NamedTuple):
    """The attacked pictures; how many steps each took, and how often the network was asked about it, (N,) each."""

    x: Array
    steps: Array
    evaluations: Array


@dataclass(frozen=True, eq=False)
class Aim:
    """Pictures (N, C, H, W), what the network says they are, and what it should say instead.

    ``label`` (N,): its decisions. ``target`` (N,): the classes wanted; None: any class but ``label``. ``box``: what
    pixels there are, None for no limits.
    """

    network: Network
    x: Array
    label: Array
    target: Array | None
    box: Box | None

    def __getitem__(self, rows: Any) -> "Aim":
        """The same aim for some of the pictures."""
        target = None if self.target is None else self.target[rows]
        return replace(self, x=self.x[rows], label=self.label[rows], target=target)

    def reached(self, labels: Array) -> Array:
        """For which pictures these decisions are what was wanted, (N,)."""
        return labels != self.label if self.target is None else labels == self.target

    def within(self, method: str) -> Box:
        """The box, for attacks that cannot do without."""
        if self.box is None:
            raise ValueError(f"{method} needs to know the lowest and highest value of a pixel; give box=(low, high)")
        return self.box


def targets_of(network: Network, label: Array, target: Any, classes: int) -> Array | None:
    """The classes wanted, (N,), from a number or name for all pictures, or one for each; None stays None.

    Raises ValueError for a class that does not exist, and for a picture that is of the wanted class already.
    """
    if target is None:
        return None
    wanted = class_numbers(network.classes, target, len(label), classes)
    already = np.flatnonzero(wanted == label)
    if len(already):
        what = class_name(network, label[already[0]])
        raise ValueError(f"picture {already[0]} is {what!r} to the network already; choose another target for it")
    return wanted


def class_name(network: Network, c: Any) -> str:
    """What the network calls class c."""
    return str(c) if network.classes is None else network.classes[c]


def counted(value: Any, what: str, meaning: str, least: int = 1) -> int:
    """The value, if it is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{what} is {value!r}; expected a whole number of at least {least}: {meaning}")
    return int(value)
