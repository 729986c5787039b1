"""Do the maps lie on the object? Every method on scenes that the network never saw, judged by the objects' masks.

``python -m minixai.experiments.localisation`` writes data/results/localisation.json and .md. It measures
agreement with a person's outline, not faithfulness to the network: Section 7 and chapter 15 keep the two apart.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from minixai import files
from minixai.api import explain_all
from minixai.experiments.intervals import mean_interval
from minixai.experiments.progress import following
from minixai.metrics import auc, pointing
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import load
from minixai.zoo.scenes import Scenes, scenes
from minixai.zoo.weights import write

SEED, COUNT = 7, 300  # scenes of a seed that neither training nor testing used
NEAR = 4  # pixels from the object that still count as pointing at it
BATCH = 20
Z = 1.959964  # a normal variable stays within so many spreads 95 times in 100


@dataclass(frozen=True)
class Row:
    """One method: mean AUC, and the share of scenes whose first maximum lies on the object, or within NEAR pixels.

    Each is (value, lower, upper) with a 95 % interval: bootstrap for the mean, Wilson's for the shares.
    """

    method: str
    auc: tuple[float, float, float]
    hits: tuple[float, float, float]
    near: tuple[float, float, float]


def localisation(network: Network, given: Scenes) -> tuple[list[Row], dict[str, str]]:
    """A row per method, best AUC first, and why the others do not fit. The class explained is the network's choice."""
    scores: dict[str, list[tuple[float, bool, bool]]] = {}
    refused: dict[str, str] = {}
    for first in following(range(0, len(given.labels), BATCH), "scenes", "batch"):
        some = slice(first, first + BATCH)
        x = np.stack([network.preprocess(picture) for picture in given.pictures[some]])
        found = explain_all(network, x)
        refused |= found.refused
        for name, e in found.items():
            scores.setdefault(name, []).extend(map(judged, e.map, given.masks[some]))
    rows = [row(name, measured) for name, measured in scores.items() if name not in refused]
    return sorted(rows, key=lambda r: -r.auc[0]), refused


def judged(map: Array, mask: Array) -> tuple[float, bool, bool]:
    """(AUC, hit, hit within NEAR pixels) of one map."""
    return auc(map, mask), pointing(map, mask), pointing(map, mask, NEAR)


def row(method: str, measured: Iterable[tuple[float, bool, bool]]) -> Row:
    aucs, hits, near = (np.array(column) for column in zip(*measured, strict=True))
    return Row(method, mean_interval(aucs), share_interval(hits), share_interval(near))


def share_interval(hits: Array) -> tuple[float, float, float]:
    """The share of hits and its 95 % Wilson score interval."""
    n, p = len(hits), float(hits.mean())
    centre, scale = p + Z * Z / (2 * n), 1 + Z * Z / n
    half = Z * np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return p, float((centre - half) / scale), float((centre + half) / scale)


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| method | mean AUC | points at it | within 4 px |", "| --- | --- | --- | --- |"]
    for r in rows:
        cells = [f"{r.auc[0]:.3f} ({r.auc[1]:.3f} to {r.auc[2]:.3f})"]
        cells += [f"{100 * v:.1f} % ({100 * low:.1f} to {100 * high:.1f})" for v, low, high in (r.hits, r.near)]
        lines.append(f"| {r.method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    rows, refused = localisation(load("shapes"), scenes(SEED, COUNT))
    record = {"network": "shapes", "seed": SEED, "scenes": COUNT, "near": NEAR, "refused": refused}
    results = files.root("data") / "results"
    write(
        results / "localisation.json",
        (json.dumps(record | {"rows": [asdict(r) for r in rows]}, indent=1) + "\n").encode(),
    )
    write(results / "localisation.md", (table(rows) + "\n").encode())
    print(table(rows))


if __name__ == "__main__":
    main()
