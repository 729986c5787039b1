"""Tests of the tests: every planted bug is caught, by the test that kills.json names."""

import pytest

from tests.mutants import by_vectors
from tests.mutants.find import survives
from tests.mutants.mutants import MUTANTS, killers

NAMED = {mutant.name: mutant for mutant in MUTANTS}


def test_there_is_a_killer_for_every_mutant():
    assert set(killers()) == {mutant.name for mutant in MUTANTS}
    assert len(MUTANTS) >= 20


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "-"))
def test_the_mutant_is_killed(mutant, tmp_path):
    assert not survives(mutant, [killers()[mutant.name]], tmp_path)


@pytest.mark.parametrize("name", by_vectors.killers(), ids=lambda n: n.replace(" ", "-"))
def test_a_reference_vector_alone_kills_it(name, tmp_path):
    engine_and_id = by_vectors.killers()[name]
    assert by_vectors.found(NAMED[name], tmp_path, only=engine_and_id.split()[1]) == engine_and_id


def test_most_mutants_are_seen_by_the_vectors():
    assert len(by_vectors.killers()) >= 60
