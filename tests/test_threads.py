"""Pools of threads: which there are, for how long they are limited, and that nothing is forked under them."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minixai
from minixai import threads
from minixai.book.teaching import sandbox
from minixai.threads import Pool

PACKAGE = Path(minixai.__file__).parent


def sizes():
    return {(pool.owner, pool.kind): pool.size for pool in threads.pools()}


def test_the_pool_of_numpy_is_found():
    np.ones((2, 2)) @ np.ones((2, 2))
    assert "numpy" in {pool.owner for pool in threads.pools()}


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/a/site-packages/numpy.libs/libscipy_openblas64_-1.so", "numpy"),
        ("/a/site-packages/scipy.libs/libscipy_openblas-1.so", "scipy"),
        ("/a/site-packages/torch/lib/libgomp-1.so", "torch"),
        ("/usr/lib/libmkl_rt.so", "libmkl_rt.so"),
    ],
)
def test_whose_a_library_is(path, owner):
    assert threads._owner(path) == owner


@pytest.mark.parametrize("library", ["numba", "torch"])
def test_a_limit_holds_for_a_block(library):
    pytest.importorskip(library)
    code = (
        f"import {library}, json, minixai.threads as threads\n"
        "def sizes(): return [[pool.owner, pool.size] for pool in threads.pools()]\n"
        "before = sizes()\n"
        "try:\n"
        "    with threads.limited(1): within = sizes(); 1 / 0\n"
        "except ZeroDivisionError: print(json.dumps([before, within, sizes()]))\n"
    )
    before, within, after = map(dict, json.loads(fresh(code, **threads.environment(2))))
    assert before[library] == 2 and {owner: after[owner] for owner in before} == before
    assert {within[owner] for owner in before} == {1}


def test_no_limit_below_one():
    with pytest.raises(ValueError, match="threads is 0; expected at least 1"), threads.limited(0):
        pass


def test_advice():
    one, two = [Pool("numpy", "openblas", 1), Pool("numba", "numba", 2)], [Pool("torch", "intra-op", 2)]
    assert threads.advice(one, 2).startswith("fine")
    assert threads.advice(one + two, 2).startswith("fine")
    assert threads.advice([Pool("numpy", "openblas", 2), *two], 2).startswith("numpy, torch take up to 2 cores each")
    assert threads.advice(one + two, 1).startswith("more threads than cores (1): numba (2), torch (2); start Python")


def test_the_summary_names_cores_pools_and_advice():
    found = threads.summary()
    assert found["cores"] == threads.cores() >= 1 and isinstance(found["advice"], str)
    assert [name for name in found if name.startswith("numpy (")]


# -- processes ---------------------------------------------------------------------------------------------------------


def fresh(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_the_sandbox_forks_and_nothing_is_handed_to_a_pool_of_processes():
    """A fork copies one thread and the locks of all of them. multiprocessing forks where it is not told otherwise."""
    forks, pools = set(), set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("fork", "forkpty", "preexec_fn"):
                forks.add(path.relative_to(PACKAGE).as_posix())
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import | ast.ImportFrom) else set()
            names |= {str(node.module)} if isinstance(node, ast.ImportFrom) else set()
            if names & {"multiprocessing", "ProcessPoolExecutor", "joblib"}:
                pools.add(path.relative_to(PACKAGE).as_posix())
    assert forks == {"book/teaching/child.py"} and pools == set()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted where Linux lists them")
def test_where_the_sandbox_forks_there_is_one_thread(tmp_path):
    """Its process is told to use one, and has loaded NumPy by then."""
    code = "import os, numpy; numpy.ones((99, 99)) @ numpy.ones((99, 99)); print(len(os.listdir('/proc/self/task')))"
    assert fresh(code, **sandbox._environment(str(tmp_path))) == "1\n"
