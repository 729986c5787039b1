"""The committed results: data/results/NAME.json and .md for every experiment, and claims.md, the table of them all."""

import json
from pathlib import Path

from minixai import files
from minixai.experiments.record import Outcome, from_dict
from minixai.experiments.registry import EXPERIMENTS, Experiment
from minixai.experiments.tables import claims, page
from minixai.taxonomy import closest
from minixai.zoo.weights import write


def find(name: str) -> Experiment:
    """The experiment of that name. Raises ValueError that lists the names."""
    if name not in EXPERIMENTS:
        raise ValueError(f"experiment {name!r:.60} is not known; {closest(name, list(EXPERIMENTS))}")
    return EXPERIMENTS[name]


def folder() -> Path:
    """Where the results lie."""
    return files.root("data") / "results"


def stored(name: str) -> Outcome:
    """The committed outcome of an experiment. Raises FileNotFoundError where there is none."""
    path = folder() / f"{find(name).name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; make it: python -m minixai.experiments {name}")
    return from_dict(json.loads(path.read_text()))


def store(outcome: Outcome) -> None:
    """Write the numbers and the page of one experiment, and the table of all claims anew."""
    text = json.dumps(outcome.as_dict(), indent=1, allow_nan=False) + "\n"
    write(folder() / f"{outcome.claim.name}.json", text.encode())
    write(folder() / f"{outcome.claim.name}.md", page(outcome).encode())
    write(folder() / "claims.md", table().encode())


def table() -> str:
    """The table of all claims whose results are stored."""
    return claims([stored(name) for name in EXPERIMENTS if (folder() / f"{name}.json").is_file()])
