"""Tests of the tests: every planted bug is caught, by the test that kills.json names."""

import pytest

from tests.mutants.find import survives
from tests.mutants.mutants import MUTANTS, killers


def test_there_is_a_killer_for_every_mutant():
    assert set(killers()) == {mutant.name for mutant in MUTANTS}
    assert len(MUTANTS) >= 20


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "-"))
def test_the_mutant_is_killed(mutant, tmp_path):
    assert not survives(mutant, [killers()[mutant.name]], tmp_path)
