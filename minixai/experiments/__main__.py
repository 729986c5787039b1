"""python -m minixai.experiments [NAME ...]: measure, and write the results into data/results; without names, all."""

import sys

from minixai.experiments.registry import EXPERIMENTS
from minixai.experiments.results import find, store


def main(names: list[str]) -> None:
    """Run these experiments, or all, at their full size."""
    for experiment in [find(name) for name in names] or list(EXPERIMENTS.values()):
        outcome = experiment.function()
        store(outcome)
        print(f"{experiment.name}: {outcome.verdict}")


if __name__ == "__main__":
    main(sys.argv[1:])
