"""The localisation experiment: its intervals, its accounting, and that the record is what it measures."""

import json

import numpy as np
import pytest

import minixai as mx
from minixai import files
from minixai.experiments.localisation import (
    COUNT,
    SEED,
    Row,
    judged,
    localisation,
    mean_interval,
    share_interval,
    table,
)
from minixai.zoo.scenes import scenes

RECORD = json.loads((files.root("data") / "results" / "localisation.json").read_text())


def test_wilson_interval_by_hand():
    value, low, high = share_interval(np.array([True] * 9 + [False]))
    assert value == 0.9
    assert (round(low, 4), round(high, 4)) == (0.5958, 0.9821)  # the textbook's 9 of 10


def test_a_share_of_one_still_has_an_interval():
    assert share_interval(np.ones(300, bool))[1] == pytest.approx(0.98735, abs=1e-4)


def test_bootstrap_interval_holds_the_mean_and_shrinks():
    values = np.random.default_rng(1).normal(0.7, 0.1, 400)
    mean, low, high = mean_interval(values)
    assert low < mean < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)


def test_a_map_is_judged_by_its_mask():
    mask = np.zeros((9, 9), bool)
    mask[:2, :2] = True
    far = np.zeros((9, 9))
    far[1, 5] = 1
    assert judged(mask * 1.0, mask) == (1.0, True, True)
    assert judged(far, mask)[1:] == (False, True)
    assert judged(far[::-1], mask)[1:] == (False, False)


def test_the_record_is_what_the_experiment_measures():
    network, few = mx.load("shapes"), scenes(SEED, 4)
    rows, refused = localisation(network, few)
    assert set(refused) == {"cam"}
    names = {m.name for m in mx.methods("white-box")} - {"cam"}
    assert {r.method for r in rows} == {r["method"] for r in RECORD["rows"]} == names
    e = mx.explain(network, network.preprocess(few.pictures[0]), "fem")
    first = judged(e.map, few.masks[0])
    again = localisation(network, type(few)(*(part[:1] for part in few[:3]), *few[3:]))[0]
    assert {r.method: r.auc[0] for r in again}["fem"] == pytest.approx(first[0], abs=1e-6)


def test_what_the_record_must_show():
    rows = {r["method"]: r for r in RECORD["rows"]}
    assert RECORD["scenes"] == COUNT >= 300
    assert rows["integrated-gradients"]["near"][0] >= 0.9
    assert rows["lrp-composite"]["near"][0] >= 0.9
    assert rows["grad-cam"]["near"][0] >= 0.8
    assert all(r["auc"][1] > 0.5 for r in rows.values())


def test_the_printed_table_is_the_record():
    rows = [Row(r["method"], *(tuple(r[key]) for key in ("auc", "hits", "near"))) for r in RECORD["rows"]]
    printed = (files.root("data") / "results" / "localisation.md").read_text()
    assert printed == table(rows) + "\n"
    assert len(printed.splitlines()) == 2 + len(rows)
