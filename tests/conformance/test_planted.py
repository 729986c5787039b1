"""Bugs planted in the black-box methods and the curves: for each the vectors alone notice."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.mutants.find import ROOT
from tests.mutants.mutants import Mutant

OCCLUSION, LIME, PERTURBATION = (f"blackbox/{name}.py" for name in ("occlusion", "lime", "perturbation"))
CURVES = "metrics/faithfulness.py"
BORDER = "range(0, side - w + s, s)"
# the case that notices: the bug
PLANTED = {
    "methods/occlusion/average-002": [
        Mutant("windows summed", OCCLUSION, "divide(total, covered)", "total"),
        Mutant("windows past the border", OCCLUSION, BORDER, "range(0, side, s)"),
    ],
    "methods/occlusion/average-001": [
        Mutant("drop turned", OCCLUSION, "drop = asking.clean - value", "drop = value - asking.clean"),
        Mutant("trailing rest dropped", OCCLUSION, BORDER, "range(0, side - w + 1, s)"),
    ],
    "methods/lime/average-001": [
        Mutant("mask hides", LIME, "np.where(z[region] == 1, x, hidden)", "np.where(z[region] == 0, x, hidden)"),
        Mutant("weights forgotten", LIME, "change = A * w[:, None]", "change = A * (w > 0)[:, None]"),
        Mutant("intercept penalised", LIME, "    penalty[0, 0] = 0\n", "    pass\n"),
    ],
    "methods/lime/average-003": [
        Mutant("kernel without its root", LIME, "return np.sqrt(np.exp(", "return (np.exp("),
    ],
    "methods/meaningful-perturbation/average-001": [
        Mutant("mask handed over", PERTURBATION, "Answer(1 - objective.enlarged", "Answer(objective.enlarged"),
        Mutant("Adam uncorrected", PERTURBATION, "(mean / (1 - a**step))", "(mean)"),
        Mutant("area summed", PERTURBATION, "self.l1 / np.prod(self.size)", "self.l1"),
    ],
    "metrics/deletion-001": [
        Mutant("ties from the end", CURVES, 'argsort(-ranks.ravel(), kind="stable")', "argsort(ranks.ravel())[::-1]"),
        Mutant("portions rounded up", CURVES, "k * values.size // portions for", "-(-k * values.size // portions) for"),
    ],
    "metrics/insertion-001": [
        Mutant("left ends", CURVES, "self.scores[1:] + self.scores[:-1]", "2 * self.scores[:-1]"),
    ],
}
PAIRS = [(case, mutant) for case, mutants in PLANTED.items() for mutant in mutants]
ASK = """
import sys
from minixai.conformance import adapters, runner, vectors
print([row.status for row in runner.run(adapters.engine, vectors.cases(only=sys.argv[1]))])
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package and the vectors of the cases, without anything planted."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "minixai", folder / "minixai", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data" / "vectors", folder / "data" / "vectors")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def asked(folder, case):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-B", "-c", ASK, case]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("case", "mutant"), PAIRS, ids=[m.name.replace(" ", "-") for _, m in PAIRS])
def test_a_case_notices_the_bug(copy, case, mutant):
    file = copy / "minixai" / mutant.file
    sound = file.read_text()
    file.write_text(mutant.planted(sound))
    try:
        assert asked(copy, case) == "['failed']\n"
    finally:
        file.write_text(sound)


@pytest.mark.parametrize("case", PLANTED)
def test_without_it_the_case_passes(copy, case):
    assert asked(copy, case) == "['passed']\n"
