"""What every folder of tests may ask for."""

import random
import secrets

import pytest

from minixai import use
from minixai.ops import ENGINES


@pytest.fixture(params=ENGINES)
def each_engine(request):
    """The test runs twice: on the NumPy definitions and on their compiled twins."""
    with use(request.param):
        yield request.param


# -- the chapters in an order of their own -----------------------------------------------------------------------------
# A chapter must not lean on another one that ran before it. So they run in another order each time; the seed is said in
# pytest's first lines, and --chapters-seed repeats it.


def pytest_addoption(parser):
    parser.addoption("--chapters-seed", type=int, default=None, help="the order in which the chapters run")


def pytest_configure(config):
    given = config.getoption("--chapters-seed")
    handed = getattr(config, "workerinput", {}).get("chapters_seed")  # the same for all workers of pytest-xdist
    config.chapters_seed = next(seed for seed in (handed, given, secrets.randbelow(10_000)) if seed is not None)
    if not getattr(config.option, "benchmark_enable", False):  # a kernel is tried once, without a clock, unless asked
        config.option.benchmark_disable = True


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["chapters_seed"] = node.config.chapters_seed


def pytest_report_header(config):
    return f"chapters: --chapters-seed={config.chapters_seed}"


def pytest_collection_modifyitems(config, items):
    """Notebooks change places as wholes; their cells stay in order."""
    cells = [item for item in items if item.path.suffix == ".ipynb"]
    notebooks = sorted({item.path for item in cells})
    random.Random(config.chapters_seed).shuffle(notebooks)
    place = {path: i for i, path in enumerate(notebooks)}
    items[:] = [item for item in items if item.path.suffix != ".ipynb"] + sorted(cells, key=lambda c: place[c.path])
