"""What the experiments look at: scenes that no network of the zoo has seen, and maps of them, batch by batch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.api import explain_all
from minixai.experiments.progress import following
from minixai.metrics import pcc, sim
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import load
from minixai.zoo.animals import WOLF, husky_scenes
from minixai.zoo.scenes import scenes

SEED = 7  # of scenes that neither training nor testing used
BATCH = 20


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, inputs (N, 3, 64, 64), and the masks (N, 64, 64) of the objects."""

    network: Network
    x: Array
    masks: Array

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Wolves(Subject):
    """Wolves on snow; ``snow``: masks of the snow that is not covered by the animal."""

    snow: Array


def shapes(n: int, name: str = "shapes") -> Subject:
    """n scenes of drawn shapes, and a network that knows them."""
    drawn = scenes(SEED, n)
    network = load(name)
    return Subject(network, inputs(network, drawn.pictures), drawn.masks)


def wolves(n: int) -> Wolves:
    """n wolves on snow, and the network that learnt the snow."""
    drawn = husky_scenes(SEED, 2 * n)
    ours = drawn.labels == drawn.names.index(WOLF)
    network = load("husky")
    return Wolves(network, inputs(network, drawn.pictures[ours]), drawn.masks[ours], drawn.snow[ours])


def inputs(network: Network, pictures: Iterable[Array]) -> Array:
    """Pictures as the network wants them, (N, 3, 64, 64) float32."""
    return np.stack([network.preprocess(picture) for picture in pictures])


def maps(
    network: Network,
    x: Array,
    methods: Iterable[str] | Mapping[str, Mapping],
    target: Array | None = None,
    said: str = "maps",
) -> dict[str, Array]:
    """{method: maps (N, 64, 64)}, signed where the method is; ``target`` (N,): classes, None for the network's own."""
    found: dict[str, list[Array]] = {}
    wanted = methods if isinstance(methods, Mapping) else list(methods)
    for first in following(range(0, len(x), BATCH), said, "batch"):
        some = slice(first, first + BATCH)
        explained = explain_all(network, x[some], wanted, None if target is None else target[some])
        for name, e in explained.items():
            found.setdefault(name, []).append(e.map)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def decisions(network: Network, x: Array) -> Array:
    """The class that the network gives each picture, (N,)."""
    return np.argmax(network(x), axis=1)


def log_odds(scores: Array, target: Any) -> Array:
    """log p / (1 - p) of the class, (N,): its score against the softened maximum of the others."""
    rows = np.arange(len(scores))
    others = np.array(scores, np.float64)
    own = others[rows, target].copy()
    others[rows, target] = -np.inf
    top = others.max(axis=1)
    return own - top - np.log(np.exp(others - top[:, None]).sum(axis=1))


def heat(map: Array) -> Array:
    """The positive part of a map over its maximum (Section 3.3); zeros where nothing is positive."""
    up = map.clip(0)
    return up / (up.max() or 1.0)


def correlation(a: Array, b: Array) -> float:
    """Pearson's correlation of two maps; 0 where one of them is constant, for it shows nothing of the other."""
    return 0.0 if _flat(a) or _flat(b) else pcc(a, b)


def similarity(a: Array, b: Array) -> float:
    """SIM of two maps; 0 where one of them is constant."""
    return 0.0 if _flat(a) or _flat(b) else float(sim(a, b))


def ranks(values: Array) -> Array:
    """0 for the smallest value, and so on; equal values share the mean of their ranks."""
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return ((last - count + last - 1) / 2)[group]


def _flat(map: Array) -> bool:
    return bool((map == map.flat[0]).all())
