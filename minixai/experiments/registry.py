"""Every experiment there is: a claim of the survey, and the function that tests it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from minixai.experiments import (
    accuracy,
    attacked_maps,
    clever_hans,
    faithfulness,
    fem_neighbours,
    figure9,
    generators,
    guided_pixels,
    integrated_noise,
    randomisation,
    sensitivity,
    shattering,
    smoothgrad_noise,
    sparse_maps,
    speed,
)
from minixai.experiments.record import Claim, Outcome


@dataclass(frozen=True)
class Experiment:
    """An experiment: the survey's claim, its section, and the function: how many pictures -> an Outcome."""

    name: str
    claim: str
    section: str
    function: Callable[..., Outcome]


def _of(claim: Claim, function: Callable[..., Outcome]) -> Experiment:
    return Experiment(claim.name, claim.text, claim.section, function)


_ALL = (
    _of(faithfulness.CLAIM, faithfulness.faithfulness),
    _of(clever_hans.CLAIM, clever_hans.clever_hans),
    _of(shattering.CLAIM, shattering.shattering),
    _of(sensitivity.CLAIM, sensitivity.sensitivity),
    _of(randomisation.CLAIM, randomisation.randomisation),
    _of(fem_neighbours.CLAIM, fem_neighbours.fem_neighbours),
    _of(attacked_maps.CLAIM, attacked_maps.attacked_maps),
    _of(sparse_maps.CLAIM, sparse_maps.sparse_maps),
    _of(integrated_noise.CLAIM, integrated_noise.integrated_noise),
    _of(smoothgrad_noise.CLAIM, smoothgrad_noise.smoothgrad_noise),
    _of(guided_pixels.CLAIM, guided_pixels.guided_pixels),
    _of(accuracy.CLAIM, accuracy.accuracy),
    _of(figure9.CLAIM, figure9.figure9),
    _of(speed.CLAIM, speed.speed),
    _of(generators.CLAIM, generators.generators),
)

EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({experiment.name: experiment for experiment in _ALL})
