"""Do maps follow an object that moves? FEM and others on clips that ``clips`` never saw, judged by the objects' masks.

``python -m minixai.experiments.moving_objects`` writes data/results/moving-objects.json and .md. A clip's AUC is that
of its whole map, (D, H, W), against all its masks. Beside each stands the AUC of the same map with every frame replaced
by the mean over time: what the map says of the place alone. It tests no claim of the survey.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from minixai import files
from minixai.api import explain_all
from minixai.experiments.intervals import Interval, mean_interval
from minixai.experiments.progress import following
from minixai.metrics import auc
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import clips, load
from minixai.zoo.moving import MovingClips, moving_clips
from minixai.zoo.weights import write

SEED, COUNT = 7, 200  # clips of a seed that neither training nor testing used
BATCH = 20
METHODS = ("fem", "grad-cam", "cam", "gradient", "guided-backprop", "lrp-epsilon", "lrp-composite", "deep-taylor")


@dataclass(frozen=True)
class Row:
    """One method: mean AUC of its maps, of their means over time, and of the difference; each with a 95 % interval."""

    method: str
    auc: Interval
    still: Interval
    gain: Interval


def moving_objects(network: Network, given: MovingClips) -> list[Row]:
    """A row per method, best AUC first. The class explained is the network's choice."""
    scores: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    inputs = clips.Inputs(given.frames)
    for first in following(range(0, len(given.labels), BATCH), "clips", "batch"):
        some = slice(first, first + BATCH)
        for name, e in explain_all(network, inputs[some], METHODS).items():
            scores[name].extend(map(judged, e.map, given.masks[some]))
    return sorted((row(name, measured) for name, measured in scores.items()), key=lambda r: -r.auc.value)


def judged(map: Array, masks: Array) -> tuple[float, float]:
    """(AUC, AUC of the mean over time) of one clip's map."""
    still = np.broadcast_to(map.mean(axis=0), map.shape)
    return float(auc(map, masks)), float(auc(still, masks))


def row(method: str, measured: Iterable[tuple[float, float]]) -> Row:
    moving, still = (np.array(column) for column in zip(*measured, strict=True))
    return Row(method, mean_interval(moving), mean_interval(still), mean_interval(moving - still))


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| method | mean AUC | of the mean over time | difference |", "| --- | --- | --- | --- |"]
    for r in rows:
        cells = [f"{v.value:.3f} ({v.low:.3f} to {v.high:.3f})" for v in (r.auc, r.still, r.gain)]
        lines.append(f"| {r.method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    rows = moving_objects(load("clips"), moving_clips(SEED, COUNT))
    record = {"network": "clips", "seed": SEED, "clips": COUNT, "rows": [asdict(r) for r in rows]}
    results = files.root("data") / "results"
    write(results / "moving-objects.json", (json.dumps(record, indent=1) + "\n").encode())
    write(results / "moving-objects.md", (table(rows) + "\n").encode())
    print(table(rows))


if __name__ == "__main__":
    main()
