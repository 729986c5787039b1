"""The pytest plugin, in a pytest of its own."""

import os
import subprocess
import sys

TEST = """
from minixai.conformance.adapters import {adapter} as adapter

def test_mine(conformance):
    conformance(adapter)
"""


def pytest_with(adapter, folder, only):
    (folder / "test_it.py").write_text(TEST.format(adapter=adapter))
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "minixai.conformance.plugin"]
    done = subprocess.run(
        [*command, "--conform-only", only, "test_it.py"], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
    )  # fmt: skip
    return done.returncode, done.stdout


def test_one_test_per_case(tmp_path):
    code, said = pytest_with("engine", tmp_path, "methods/fem/ties-*")
    assert code == 0 and "3 passed" in said and "test_mine[methods/fem/ties-002] PASSED" in said


def test_a_wrong_program_fails_by_case(tmp_path):
    code, said = pytest_with("sabotage", tmp_path, "methods/fem/ties-*")
    assert code == 1 and "3 failed" in said and "failed: relevance 0.00" in said


def test_what_it_cannot_do_is_skipped(tmp_path):
    code, said = pytest_with("mirror", tmp_path, "ops/ReLU-00*")
    assert code == 0 and "9 skipped" in said
