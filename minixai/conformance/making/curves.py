"""Cases of deletion and insertion: a network, a picture, what it becomes, and a map with ties, all as data."""

import json
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minixai import metrics
from minixai.conformance import form, variants
from minixai.conformance.making import again, precision
from minixai.conformance.making.families import FAMILIES, draw
from minixai.conformance.making.networks import draw_numbers
from minixai.network import Network, forward
from minixai.ops import Array
from minixai.ops.numbers import exact

EACH = 2  # cases per family
ENOUGH = 3  # cases that tell a variant from the right answer
LOOK = 3  # drafts to choose from, while there is a variant that not enough cases tell apart
FAR = Fraction(1, 100)
UNEVEN = "the portions are not all of one size: after the k-th floor(k n / steps) pixels are changed"
FUNCTIONS = {"deletion": metrics.deletion_curve, "insertion": metrics.insertion_curve}


class Draft(NamedTuple):
    """A case before it is written."""

    seed: int
    network: Network
    case: dict[str, Any]
    told: list[str]


def curve_files(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the file, what it holds); networks that were found before are taken from the folder."""
    for metric in FUNCTIONS:
        file, seen = folder / f"metrics/{metric}.json", Counter[str]()
        known = json.loads(file.read_bytes())["networks"] if file.exists() else ()
        seeds = iter([int(name.rsplit("-", 1)[1]) for name in known])
        networks, cases = {}, []
        for k in range(EACH * len(FAMILIES)):
            family = list(FAMILIES)[k % len(FAMILIES)]
            draft = chosen(metric, family, k, next(seeds, None), seen)
            name = f"{family}-{draft.seed}"
            networks[name] = form.network(draft.network)
            cases.append({"id": f"metrics/{metric}-{k + 1:03}", **draft.case, "network": name})
            seen.update(draft.told)
        content = {"schema": form.SCHEMA, "group": "metrics", "metric": metric, "networks": networks, "cases": cases}
        yield f"metrics/{metric}.json", content


def chosen(metric: str, family: str, k: int, known: int | None, seen: Counter[str]) -> Draft:
    """The draft of a seed that is known; or, of a few, the one that tells apart most of what too few others have."""
    if known is not None:
        found = _draft(metric, family, k, known)
        assert found is not None
        return found
    wanted = {v.name for v in variants.of_metric(metric) if seen[v.name] < ENOUGH}
    drafts = (_draft(metric, family, k, seed) for seed in range(100 * k, 100 * k + 100))
    few = list(islice(filter(None, drafts), LOOK if wanted else 1))
    if not few:
        raise RuntimeError(f"{metric}: no network of 100 is worth a case")
    return max(few, key=lambda draft: len(wanted.intersection(draft.told)))


def _draft(metric: str, family: str, k: int, seed: int) -> Draft | None:
    """None where the score does not move, or floats might decide otherwise."""
    network, pictures = draw(family, seed)
    rng, x = np.random.default_rng([seed, 11, *metric.encode()]), pictures[0]
    space = x.shape[1:] or x.shape
    map = exact(draw_numbers(rng, space, "halves" if k % 3 else "eighths"))  # halves tie
    baseline = exact(draw_numbers(rng, x.shape, "eighths"))
    steps = None if k % 2 else int(rng.integers(2, map.size))
    target = int(rng.integers(3))
    try:
        scores, area, error = _found(metric, network, x, map, baseline, steps, target)
    except precision.Ambiguous:
        return None
    if not area or len(set(scores.flat)) < 3:
        return None
    case = {
        "profile": "survey",
        "flags": _notes(map, steps),
        "inputs": {"x": form.tensor(x), "map": form.tensor(map), "baseline": form.tensor(baseline)},
        "network": f"{family}-{seed}",
        "target": [target],
        "params": {"steps": steps},
        "tolerance": precision.ulp(error),
        "expected": {"value": form.result(np.array(area, object)), "curve": form.result(scores)},
    }
    question = {**case, "metric": metric, "network": form.network(network)}
    instead = {v.name: v.answer(question)[1].item() for v in variants.of_metric(metric)}
    told = [name for name, other in instead.items() if abs(other - area) >= FAR * abs(area)]
    return Draft(seed, network, case | {"distinguishes": told}, told)


def _found(
    metric: str, network: Network, x: Array, map: Array, baseline: Array, steps: int | None, target: int
) -> tuple[Array, Fraction, Fraction]:
    """The scores, the area, and a bound on their rounding error in units of the largest; derived twice."""
    curve = FUNCTIONS[metric](lambda some: forward(network, some).output.y[:, target], x, map, baseline, steps)
    start, goal = (baseline, x) if metric == "insertion" else (x, baseline)
    scores, area = again.curve(network, target, list(start.flat), list(goal.flat), list(map.flat), steps)
    if list(curve.scores) != scores or curve.area != area:
        raise RuntimeError(f"{metric}: the second derivation does not agree with the metric")
    counting = precision.counting(network)
    counted = FUNCTIONS[metric](
        lambda some: forward(counting, some).output.y[:, target], precision.rounded(x), map,
        precision.rounded(baseline), steps,
    )  # fmt: skip
    return curve.scores, area, precision.largest_error(counted.scores, np.array(counted.area, object))


def _notes(map: Array, steps: int | None) -> list[str]:
    found = {
        "every pixel counts for itself": steps is None,
        "values are tied: of equal pixels the first in row-major order goes first": len(set(map.flat)) < map.size,
        UNEVEN: steps is not None and map.size % steps > 0,
    }
    return [note for note, holds in found.items() if holds]
