"""A training as data: which network, which pictures, which seed, how long."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from minixai.network import Network
from minixai.ops import Array
from minixai.zoo.weights import Draw

Values = Mapping[str, Array]  # parameters, or one number for each of them: {"conv1.weight": ...}


class Labelled(NamedTuple):
    """Pictures x (N, C, H, W) and the class number of each, (N,).

    x is an array, or something with a length that gives one for ``x[rows]``, so that not all of it need be in memory.
    """

    x: Any
    labels: Array


class Examples(NamedTuple):
    """What is learnt from, and what is held out to see how well."""

    train: Labelled
    held_out: Labelled


class Slopes(NamedTuple):
    """What one mini-batch says: the mean loss, the scores, and dL/d(parameter) for every parameter.

    ``seen`` are parameters that are not learnt but observed, such as the statistics of a batch norm: their new values.
    """

    loss: float
    scores: Array
    gradients: Values
    seen: Values = MappingProxyType({})


@dataclass(frozen=True)
class Recipe:
    """How a network of the zoo is trained.

    ``network`` builds it from first weights, ``examples`` makes its pictures, ``samples`` (optional) picks a few as
    plain arrays that are stored beside the weights; ``elsewhere`` names more pictures to be right about, whose accuracy
    goes into the log. ``rate`` is Adam's first step size; it falls linearly to 0.
    ``dtype`` is what training computes in: with float64 the log can be replayed to rounding on any machine. The weights
    are stored as float32. ``packages`` names the distributions, besides NumPy, whose versions the log should record.
    ``slopes(network, x, labels)`` is where the slopes come from; None takes this engine's own backward pass.
    ``scores(network, x)`` (N, K) is what should be highest at the label; None takes the network's own scores.
    ``said`` names whatever else decides the result. ``then``: what is trained next, given the trained network.
    """

    name: str
    network: Callable[[Draw], Network]
    examples: Callable[[], Examples]
    seed: int
    epochs: int
    batch: int
    rate: float
    dtype: str = "float32"
    samples: Callable[[], Mapping[str, Array]] | None = None
    packages: tuple[str, ...] = ()
    elsewhere: Mapping[str, Callable[[], Labelled]] = field(default_factory=dict)
    slopes: Callable[[Network, Array, Array], Slopes] | None = None
    scores: Callable[[Network, Array], Array] | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    then: tuple[Callable[[Network], "Recipe"], ...] = ()

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not self.rate > 0:
            raise ValueError(
                f"got epochs {self.epochs}, batch {self.batch}, rate {self.rate}; expected at least one epoch, "
                "at least one picture in a batch and a rate above 0"
            )

    def facts(self) -> dict[str, Any]:
        """What decides the result, as a log can hold it."""
        chosen = {name: getattr(self, name) for name in ("seed", "epochs", "batch", "rate", "dtype")}
        chosen |= {"first weights": "He, normal", "optimiser": "Adam, rate falling linearly to 0", **self.said}
        return chosen if self.slopes is None else chosen | {"slopes": self.slopes.__module__}


def stratified(labels: Array, share: float, seed: int) -> tuple[Array, Array]:
    """Row numbers (train, held out), both in order: of every class, ``share`` is held out, drawn by the seed."""
    rng = np.random.default_rng(seed)
    by_class = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    cuts = [round(share * len(rows)) for rows in by_class]
    held_out = np.concatenate([rows[:cut] for rows, cut in zip(by_class, cuts, strict=True)])
    return np.setdiff1d(np.arange(len(labels)), held_out), np.sort(held_out)
