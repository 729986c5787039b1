"""For pytest: one test per case. A test that asks for ``conformance`` runs once for every case and checks an adapter.

    def test_mine(conformance):
        conformance(my_adapter)          # a function (question) -> answer; see minixai.conformance.adapters

``pytest --conform-only 'methods/lrp-*'`` runs the cases whose ids fit.
"""

from collections.abc import Callable
from typing import Any

import pytest


def pytest_addoption(parser: Any) -> None:
    group = parser.getgroup("minixai", "reference vectors of minixai")
    group.addoption(
        "--conform-only", default="*", metavar="PATTERN", help="cases whose ids fit, such as 'methods/fem/*'"
    )


def pytest_generate_tests(metafunc: Any) -> None:
    if "conformance_case" in metafunc.fixturenames:
        from minixai.conformance import vectors

        cases = list(vectors.cases(only=metafunc.config.getoption("--conform-only")))
        metafunc.parametrize("conformance_case", cases, ids=[case.id for case in cases])


@pytest.fixture
def conformance(conformance_case: Any) -> Callable[[Any], None]:
    """Ask an adapter this case: the test passes, fails with the first part that differs, or is skipped as it says."""
    from minixai.conformance import runner

    def check(adapter: Any) -> None:
        (row,) = runner.run(adapter, [conformance_case])
        if row.status == "skipped":
            pytest.skip(row.why)
        assert row.status == "passed", f"{row.status}: {row.where} {row.worst} {row.why}"

    return check
