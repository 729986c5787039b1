"""Verdicts, intervals, tables: the rules on numbers whose answer is known."""

import json

import numpy as np
import pytest

from minixai.experiments.intervals import Interval, interval, mean_interval
from minixai.experiments.record import (
    CONFIRMED,
    EVERY,
    OPEN,
    READINGS,
    REFUTED,
    Claim,
    Outcome,
    Panel,
    Row,
    Statement,
    combined,
    from_dict,
)
from minixai.experiments.tables import claims, page, said


def statement(low, high, side="above", border=0.0):
    return Statement("a thing", Interval((low + high) / 2, low, high), side, border)


def outcome(*statements, combine=EVERY):
    rows = (Row("one", Interval(0.5, 0.25, 0.75)), Row("two", Interval(-1.0, -2.0, 0.0)))
    curve = (Row("one", Interval(0.5, 0.25, 0.75), 1.0), Row("one", Interval(0.25, 0.125, 0.5), 4.0))
    panels = (Panel("numbers", rows, 0.5), Panel("curves", curve, None, "depth"))
    return Outcome(Claim("a-claim", "7", "It is so.", combine), "shapes", 100, statements, panels, {"noise": "2 %"})


@pytest.mark.parametrize(
    ("low", "high", "side", "border", "verdict"),
    [
        (0.1, 0.3, "above", 0.0, CONFIRMED),
        (0.1, 0.3, "below", 0.0, REFUTED),
        (-0.3, -0.1, "above", 0.0, REFUTED),
        (-0.3, -0.1, "below", 0.0, CONFIRMED),
        (-0.1, 0.1, "above", 0.0, OPEN),
        (0.0, 0.3, "above", 0.0, OPEN),  # it touches the border
        (-0.3, 0.0, "below", 0.0, OPEN),
        (0.4, 0.49, "below", 0.5, CONFIRMED),
        (0.4, 0.49, "above", 0.5, REFUTED),
    ],
)
def test_the_interval_decides(low, high, side, border, verdict):
    assert statement(low, high, side, border).verdict == verdict


@pytest.mark.parametrize(
    ("verdicts", "every", "readings"),
    [
        ([CONFIRMED, CONFIRMED], CONFIRMED, CONFIRMED),
        ([CONFIRMED, REFUTED], REFUTED, OPEN),
        ([REFUTED, REFUTED], REFUTED, REFUTED),
        ([CONFIRMED, OPEN], OPEN, OPEN),
        ([REFUTED, OPEN], REFUTED, OPEN),
        ([OPEN], OPEN, OPEN),
    ],
)
def test_statements_make_a_verdict(verdicts, every, readings):
    assert (combined(verdicts, EVERY), combined(verdicts, READINGS)) == (every, readings)


def test_a_claim_says_how_its_statements_combine():
    with pytest.raises(ValueError, match="combine is 'some'; expected one of every, readings"):
        Claim("x", "7", "It is so.", "some")
    with pytest.raises(ValueError, match="side is 'left'; expected above or below"):
        statement(0, 1, "left")


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        found = mean_interval(rng.exponential(1, 100))  # skewed, as such numbers are
        inside += found.low <= 1 <= found.high
    assert 178 <= inside <= 198  # of 200 at about 94 %: five spreads of a binomial either way, and not always


def test_an_interval_of_a_statistic_is_that_of_the_mean_where_it_is_the_mean():
    values = np.random.default_rng(1).normal(3, 1, 120)
    assert interval(values, lambda v: v.mean()) == pytest.approx(mean_interval(values), abs=1e-12)


def test_the_best_of_several_is_found_anew_in_every_resample():
    rows = np.random.default_rng(2).normal(0, 1, (100, 4))
    best = interval(rows, lambda some: some.mean(axis=0).max())
    assert best.low > mean_interval(rows[:, 0]).low and best.value == rows.mean(axis=0).max()


@pytest.mark.parametrize("combine", [EVERY, READINGS])
def test_what_is_stored_comes_back(combine):
    o = outcome(statement(0.1, 0.3), statement(-0.3, -0.1), combine=combine)
    stored = json.loads(json.dumps(o.as_dict(), allow_nan=False))
    assert from_dict(stored) == o
    assert stored["verdict"] == o.verdict == (REFUTED if combine == EVERY else OPEN)
    assert [s["verdict"] for s in stored["statements"]] == [CONFIRMED, REFUTED]


def test_a_page_holds_every_number():
    lines = page(outcome(statement(0.125, 0.375), statement(-0.5, 0.5, "below"))).splitlines()
    assert lines[0] == "# a-claim: inconclusive here"
    assert "| a thing | above 0 | 0.25 (0.125 to 0.375) | confirmed |" in lines
    assert "| a thing | below 0 | 0 (-0.5 to 0.5) | inconclusive here |" in lines
    assert "| two | -1 (-2 to 0) |" in lines
    assert "| one | 4 | 0.25 (0.125 to 0.5) |" in lines
    assert lines[-1] == "* noise: 2 %"


def test_the_table_of_claims_has_a_row_for_every_statement():
    lines = claims([outcome(statement(1, 2), statement(1, 3)), outcome(statement(-2, -1))]).splitlines()
    assert len(lines) == 2 + 3
    assert "**confirmed**" in lines[2] and "**" not in lines[3] and "**refuted**" in lines[4]
    assert {line.count("|") for line in lines} == {8}


def test_an_interval_in_words():
    assert said(Interval(0.12345, 0.1, 0.2)) == "0.123 (0.1 to 0.2)"
