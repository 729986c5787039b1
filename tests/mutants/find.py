"""Plant a bug in a copy of the package and see which test fails.

``python -m tests.mutants.find`` rewrites kills.json.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.mutants import KILLS, MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
BY_HAND = "whitebox/test_by_hand.py"
LRP = (BY_HAND, "whitebox/test_lrp.py", "whitebox/test_relevance.py")
SUITES = {  # where the killer of a bug in this file is looked for
    "ops": (
        "ops/test_by_hand.py",
        "ops/test_adjoint.py",
        "ops/test_numbers.py",
        "ops/test_softmax.py",
        "ops/test_torch.py",
    ),
    "ops/compiled.py": ("ops/test_by_hand.py", "ops/test_twins.py"),
    "ops/loops.py": ("ops/test_by_hand.py", "ops/test_twins.py"),
    "network.py": ("core/test_network.py", BY_HAND, "whitebox/test_lrp.py"),
    "walk.py": ("core/test_walk.py",),
    "result.py": ("core/test_explain.py", "whitebox/test_cams.py", BY_HAND),
    "planner.py": ("core/test_explain.py", "core/test_planner.py"),
    "whitebox/maps.py": ("core/test_explain.py",),
    "whitebox/case.py": ("whitebox/test_smoothgrad.py",),
    "whitebox/smoothgrad.py": ("whitebox/test_smoothgrad.py",),
    "whitebox/integrated.py": ("whitebox/test_integrated.py",),
    "whitebox/deeplift.py": ("whitebox/test_deeplift.py", BY_HAND),
    "whitebox/cam.py": ("whitebox/test_cams.py",),
    "whitebox/gradcam.py": ("whitebox/test_cams.py",),
    "whitebox/fem.py": ("whitebox/test_cams.py",),
    "whitebox/guided.py": (BY_HAND, "whitebox/test_gradient.py"),
    "whitebox/deconvnet.py": (BY_HAND, "whitebox/test_gradient.py"),
    "whitebox/lrp.py": LRP,
    "whitebox/shares.py": LRP,
    "whitebox/composite.py": LRP,
    "whitebox/deep_taylor.py": LRP,
}


def planted_copy(mutant: Mutant, folder: Path) -> Path:
    """A copy of the checkout's package, data and tests with the bug in it."""
    for part in ("minixai", "data", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    file = folder / "minixai" / mutant.file
    file.write_text(mutant.planted(file.read_text()))
    return folder


def pytest_in(folder: Path, tests: list[str]) -> subprocess.CompletedProcess:
    """Run these tests on the copy, up to the first failure."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def survives(mutant: Mutant, tests: list[str], folder: Path) -> bool:
    """Whether all these tests pass with the bug planted. Anything but "passed" or "failed" is an error of ours."""
    done = pytest_in(planted_copy(mutant, folder), tests)
    if done.returncode not in (0, 1) or "error" in done.stdout.splitlines()[-1]:
        raise RuntimeError(f"mutant {mutant.name!r} could not be tried: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0


def killer(mutant: Mutant) -> str | None:
    """The first test that fails with the bug planted."""
    with tempfile.TemporaryDirectory() as folder:
        suite = SUITES.get(mutant.file) or SUITES[Path(mutant.file).parts[0]]
        done = pytest_in(planted_copy(mutant, Path(folder)), [f"tests/{file}" for file in suite])
    found = re.search(r"^FAILED (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return found.group(1) if found else None


if __name__ == "__main__":
    wanted = sys.argv[1:]
    kills = json.loads(KILLS.read_text()) if KILLS.exists() else {}
    for mutant in MUTANTS:
        if not wanted or mutant.name in wanted:
            kills[mutant.name] = killer(mutant)
            print(f"{mutant.name}: {kills[mutant.name] or 'SURVIVES'}", flush=True)
            KILLS.write_text(json.dumps(kills, indent=1) + "\n")
