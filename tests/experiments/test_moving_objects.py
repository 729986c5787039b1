"""Maps of moving objects: the record is what the experiment measures, and FEM follows them."""

import json

import numpy as np
import pytest

import minixai as mx
from minixai import files
from minixai.experiments.intervals import Interval
from minixai.experiments.moving_objects import COUNT, METHODS, SEED, Row, judged, moving_objects, row, table
from minixai.zoo import clips
from minixai.zoo.moving import moving_clips

RESULTS = files.root("data") / "results"
RECORD = json.loads((RESULTS / "moving-objects.json").read_text())
ROWS = [Row(r["method"], *(Interval(*r[key]) for key in ("auc", "still", "gain"))) for r in RECORD["rows"]]


def test_a_map_that_moves_with_its_object_beats_its_mean_over_time():
    masks = np.zeros((2, 1, 4), bool)
    masks[0, 0, 0] = masks[1, 0, 1] = True
    assert judged(masks * 1.0, masks) == (1.0, 5 / 6)  # of six others, the mean beats four and ties with two
    assert judged(masks[::-1] * 1.0, masks) == (1 / 3, 5 / 6)  # loses to two and ties with four; its mean is the same


def test_the_record_is_what_the_experiment_measures():
    network, few = mx.load("clips"), moving_clips(SEED, 2)
    found = {r.method: r for r in moving_objects(network, few)}
    assert found.keys() == {r.method for r in ROWS} == set(METHODS)
    maps = mx.explain(network, clips.Inputs(few.frames)[:], "fem").map
    by_hand = row("fem", map(judged, maps, few.masks))
    for ours, theirs in zip((by_hand.auc, by_hand.gain), (found["fem"].auc, found["fem"].gain), strict=True):
        assert ours.value == pytest.approx(theirs.value, abs=1e-6)


def test_fem_follows_the_object_and_needs_time_to():
    rows = {r.method: r for r in ROWS}
    assert RECORD["clips"] == COUNT >= 200
    assert rows["fem"].auc.low > 0.8
    assert rows["fem"].gain.low > 0


def test_the_printed_table_is_the_record():
    assert (RESULTS / "moving-objects.md").read_text() == table(ROWS) + "\n"
