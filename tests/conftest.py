"""What every folder of tests may ask for."""

import pytest

from minixai import use
from minixai.ops import ENGINES


@pytest.fixture(params=ENGINES)
def each_engine(request):
    """The test runs twice: on the NumPy definitions and on their compiled twins."""
    with use(request.param):
        yield request.param
