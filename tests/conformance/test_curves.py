"""The variants of deletion and insertion: each another area where a case says so, and the ones that definitions say."""

import re
from fractions import Fraction

import numpy as np
import pytest

import minixai as mx
from minixai.conformance import adapters, form, judge, single, vectors
from minixai.conformance.variants import CURVE_VARIANTS, matching_curve, of_metric
from minixai.conformance.variants.curves import BOTH, CURVES, curve

CASES = [case for case in vectors.cases(only="metrics/*") if "network" in case.question]
ENOUGH = 3  # cases


def area(case):
    return form.array(case.expected["value"]).item()


def told_apart(metric, name):
    return [case for case in CASES if case.question["metric"] == metric and name in case.distinguishes]


def test_names_metrics_and_notes():
    assert len(CURVE_VARIANTS) == len(CURVES) >= 8
    for variant in CURVES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", variant.name) and set(variant.metrics) <= set(BOTH)
        assert variant.note and not variant.note.endswith(".") and "\n" not in variant.note


def test_with_nothing_changed_the_curve_is_the_expected_one():
    for case in CASES[::4]:
        scores, found = curve(case.question)
        assert list(scores) == list(form.array(case.expected["curve"])) and found.item() == area(case)


@pytest.mark.parametrize("metric", BOTH)
def test_three_cases_tell_every_variant_apart(metric):
    assert [v.name for v in of_metric(metric) if len(told_apart(metric, v.name)) < ENOUGH] == []


@pytest.mark.parametrize("metric", BOTH)
def test_every_variant_is_another_area_where_a_case_says_so_and_not_elsewhere(metric):
    for k, variant in enumerate(of_metric(metric)):
        told = told_apart(metric, variant.name)
        for case in told[:: max(1, len(told) - 1)]:
            assert abs(variant.answer(case.question)[1].item() - area(case)) >= abs(area(case)) / 100
        same = [case for case in CASES if case.question["metric"] == metric and case not in told]
        for case in same[k : k + 1]:
            assert abs(variant.answer(case.question)[1].item() - area(case)) < abs(area(case)) / 100


def test_an_area_names_the_mistake():
    case = next(case for case in CASES if {"order-turned", "area-left-ends"} <= set(case.distinguishes))
    for name in ("order-turned", "area-left-ends"):
        scores, value = CURVE_VARIANTS[name].answer(case.question)
        whole = [v.name for v in matching_curve(case.question, (scores.astype(float), value.astype(float)), 1e-12)]
        assert whole == [name]
        answer = {"status": "result", "value": adapters.sent(value.astype(float))}
        assert name in [v.name for v in single.instead(case, answer, "float64")]


def test_a_wrong_curve_under_a_right_area_fails():
    case = CASES[0]
    answer = adapters.engine(case.question)
    assert judge.judge(case, answer).status == "passed"
    answer["curve"]["values"][1] += 1
    row = judge.judge(case, answer)
    assert (row.status, row.where) == ("failed", "curve")
    del answer["curve"]
    assert judge.judge(case, answer).status == "passed"


# -- By hand -----------------------------------------------------------------------------------------------------------


def asked(metric, x, map, baseline, steps=None):
    """S = 4 x1 + 2 x2 + x3."""
    network = mx.Network.sequential([mx.Linear(mx.exact([[4, 2, 1]]), mx.exact([0]))], input_shape=(3,))
    given = {key: form.tensor(mx.exact(v)) for key, v in (("x", x), ("map", map), ("baseline", baseline))}
    written = {"network": form.network(network), "inputs": given, "target": [0], "params": {"steps": steps}}
    return {"metric": metric, **written}


def found(question, name=None):
    scores, value = curve(question) if name is None else CURVE_VARIANTS[name].answer(question)
    return list(scores), value.item()


def test_deletion_and_insertion_by_hand():
    """x = (1, 1, 1) against zeros by (2, 3, 2): the second pixel, then of the tied ones the first: 7, 5, 1, 0."""
    deletion, insertion = (asked(metric, [1, 1, 1], [2, 3, 2], [0, 0, 0]) for metric in BOTH)
    assert found(deletion) == ([7, 5, 1, 0], Fraction(7 + 0, 6) + Fraction(5 + 1, 3))
    assert found(insertion) == ([0, 2, 6, 7], Fraction(0 + 7, 6) + Fraction(2 + 6, 3))
    assert found(deletion, "ties-from-the-end")[0] == [7, 5, 4, 0]
    assert found(deletion, "order-turned")[0] == [7, 3, 2, 0]
    assert found(deletion, "start-and-goal-exchanged") == found(insertion)
    assert found(deletion, "area-left-ends")[1] == Fraction(7 + 5 + 1, 3)
    assert found(deletion, "area-right-ends")[1] == Fraction(5 + 1 + 0, 3)
    assert found(deletion, "area-mean-of-scores")[1] == Fraction(13, 4)
    assert found(deletion, "area-over-pixels")[1] == 3 * found(deletion)[1]
    assert found(deletion, "area-of-first-score")[1] == found(deletion)[1] / 7
    assert found(deletion, "start-left-out")[0] == [5, 1, 0]


def test_portions_by_hand():
    """Three pixels in two portions: one, then two more; rounded up two, then one; without the rest one and one."""
    question = asked("deletion", [1, 1, 1], [3, 2, 1], [0, 0, 0], steps=2)
    assert found(question) == ([7, 3, 0], Fraction(1, 6) * 10 + Fraction(2, 6) * 3)
    assert found(question, "portions-rounded-up")[0] == [7, 1, 0]
    assert found(question, "portions-without-the-rest")[0] == [7, 3, 1]
    assert found(question, "steps-taken-as-equal")[1] == Fraction(10 + 3, 4)


def test_size_black_and_probability_by_hand():
    question = asked("deletion", [1, 1, 1], [1, -3, 2], [1, 0, 2])
    assert found(question)[0] == [7, 8, 8, 6]
    assert found(question, "order-by-size")[0] == [7, 5, 6, 6]
    assert found(question, "curve-in-black")[0] == [7, 6, 2, 0]
    assert found(question, "curve-of-probability")[0] == [1, 1, 1, 1]  # of one class


def test_the_first_channel_alone_by_hand():
    """Two channels of one pixel, S = a + 10 b: all of it goes, or the first channel's 1 only."""
    layers = [mx.Flatten(), mx.Linear(mx.exact([[1, 10]]), mx.exact([0]))]
    network = mx.Network.sequential(layers, input_shape=(2, 1, 1))
    x, map = mx.exact(np.ones((2, 1, 1))), mx.exact([[1]])
    given = {"x": form.tensor(x), "map": form.tensor(map), "baseline": form.tensor(0 * x)}
    question = {"metric": "deletion", "network": form.network(network), "inputs": given, "target": [0]}
    question |= {"params": {"steps": None}}
    assert found(question)[0] == [11, 0] and found(question, "first-channel-only")[0] == [11, 10]
