"""The list of metrics; and every metric on every awkward map and mask: a value worked out by hand, or one sentence."""

import inspect
from collections import Counter
from dataclasses import FrozenInstanceError
from fractions import Fraction as F
from math import log

import numpy as np
import pytest

from minixai import exact, metrics
from minixai.metrics import METRICS
from tests.metrics.examples import root

SHAPE = (2, 3)
MASK = np.array([[0, 1, 0], [0, 1, 0]])  # the middle column
BOX = ((0, 2), (1, 2))
WEIGHTS = exact(np.arange(1, 7).reshape(1, *SHAPE))


def weighted(x):
    """A linear score: pixels count 1, 2 ... 6."""
    return (x * WEIGHTS).sum(axis=(1, 2, 3))


GIVEN = {
    "mask": MASK,
    "fixations": MASK,
    "other": MASK,
    "truth": MASK,
    "box": BOX,
    "score": weighted,
    "x": exact(np.ones((1, *SHAPE))),
    "baseline": 0,
}


def value(name, map, **given):
    """What the metric says of the map, everything else being as in GIVEN."""
    metric = METRICS[name]
    return metric.function(*((GIVEN | {"map": map} | given)[part] for part in metric.takes))


# -- the list ----------------------------------------------------------------------------------------------------------


def test_the_list_names_every_metric_once():
    assert list(METRICS) == [metric.name for metric in METRICS.values()]
    assert Counter(metric.question for metric in METRICS.values()) == {
        "localisation": 5, "agreement": 3, "fixations": 2, "sparsity": 1, "faithfulness": 2,
    }  # fmt: skip
    for name, metric in METRICS.items():
        assert getattr(metrics, name.replace("-", "_")) is metric.function
        assert metric.function.__module__.endswith(metric.question)
        assert metric.better in ("higher", "lower", "neither")
        assert all((metric.title, metric.unit, metric.source, metric.function.__doc__))
        assert metric.source[-1] != "." and (metric.low is None) == (metric.high is None)
        assert metric.low is None or metric.low < metric.high


def test_what_they_take_is_what_the_functions_are_called_with():
    for metric in METRICS.values():
        names = tuple(inspect.signature(metric.function).parameters)
        assert names[: len(metric.takes)] == metric.takes


def test_the_list_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        METRICS["auc"].better = "lower"
    with pytest.raises(TypeError):
        METRICS["mine"] = METRICS["auc"]


def test_everything_public_is_documented():
    assert sorted(metrics.__all__) == sorted(set(metrics.__all__))
    for name in metrics.__all__:
        assert name == "METRICS" or (getattr(metrics, name).__doc__ or "").strip(), name


# -- maps --------------------------------------------------------------------------------------------------------------

CONSTANT, FLAT = "one of the maps is constant", dict.fromkeys(("iou", "dice", "nss", "gini"), F(0))
BY_ROW = {"deletion": F(161, 12), "insertion": F(91, 12)}  # 21 20 18 15 11 6 0, and 0 1 3 6 10 15 21
HALF = {"auc": F(1, 2), "auc-judd": F(1, 2)}
MISS = {"pointing": False, "pcc": CONSTANT, "sim": CONSTANT}

MAPS = {
    "constant": ((2, 2, 2, 2, 2, 2), FLAT | BY_ROW | HALF | MISS | {"box-iou": F(1, 3), "kl": log(3)}),
    "zero": ((0, 0, 0, 0, 0, 0), FLAT | BY_ROW | HALF | MISS | {"box-iou": F(0), "kl": "the map is zero everywhere"}),
    "constant below zero": (
        (-2, -2, -2, -2, -2, -2),
        FLAT | BY_ROW | HALF | MISS | {"box-iou": F(0), "kl": "the map holds negative values"},
    ),
    "negative": (
        (-6, -1, -5, -4, -2, -3),
        {
            "auc": F(1), "iou": F(1), "dice": F(1), "box-iou": F(0), "pointing": True, "pcc": F(24, 35),
            "sim": F(3, 5), "kl": "the map holds negative values", "auc-judd": F(1), "nss": F(48, 35),
            "gini": F(5, 18), "deletion": F(113, 12), "insertion": F(139, 12),
        },
    ),
    "one pixel above the others": (
        (0, 0, 0, 0, 1, 0),
        {
            "auc": F(3, 4), "iou": F(1, 2), "dice": F(2, 3), "box-iou": F(1, 2), "pointing": True, "pcc": F(2, 5),
            "sim": F(1, 2), "kl": 25 * log(2), "auc-judd": F(3, 4), "nss": F(4, 5), "gini": F(5, 6),
            "deletion": F(47, 4), "insertion": F(37, 4),
        },
    ),
    "of both signs": (
        (0, 3, -1, 1, -2, 0),  # inside 3 and -2, outside 0 -1 1 0
        {
            "auc": F(1, 2), "iou": F(1, 3), "dice": F(1, 2), "box-iou": F(1, 2), "pointing": True,
            "pcc": F(2, 89), "sim": F(5, 13), "kl": "the map holds negative values", "auc-judd": F(3, 4),
            "nss": F(4, 89), "gini": F(1, 2), "deletion": F(143, 12), "insertion": F(109, 12),
        },
    ),
}  # fmt: skip
SQUARED = ("pcc", "nss")  # stand in the table as their squares


def expected_float(name, wanted):
    return root(wanted) if name in SQUARED else float(wanted)


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("name", METRICS)
def test_every_metric_on_every_kind_of_map(name, kind):
    values, table = MAPS[kind]
    map, wanted = exact(values).reshape(SHAPE), table[name]
    if isinstance(wanted, str):
        for given in (map, map.astype(float), map.astype(int)):
            with pytest.raises(ValueError, match=wanted) as error:
                value(name, given)
            assert "\n" not in str(error.value)
        return
    found = value(name, map)
    if name in SQUARED:
        assert found == root(wanted) and isinstance(found, float)
    elif name == "kl":
        assert found == pytest.approx(wanted, abs=1e-14)
    else:
        assert found == wanted and isinstance(found, type(wanted))
    for dtype in (float, np.float32, np.float16, np.longdouble, int, np.int8):
        assert float(value(name, map.astype(dtype))) == pytest.approx(expected_float(name, wanted), abs=1e-14), dtype


@pytest.mark.parametrize("name", METRICS)
def test_boolean_and_unsigned_maps_and_lists(name):
    map = exact(MAPS["one pixel above the others"][0]).reshape(SHAPE)
    wanted = expected_float(name, MAPS["one pixel above the others"][1][name])
    for given in (map.astype(bool), map.astype(np.uint8), map.astype(np.uint64), map.astype(int).tolist()):
        assert float(value(name, given)) == pytest.approx(wanted, abs=1e-14)
    in_fractions = METRICS[name].question == "faithfulness"  # a curve is in the arithmetic of its scores
    assert isinstance(value(name, map.astype(bool)), F) is in_fractions


@pytest.mark.parametrize("name", METRICS)
def test_exact_says_whether_fractions_give_fractions(name):
    map = exact(MAPS["one pixel above the others"][0]).reshape(SHAPE)
    assert isinstance(value(name, map), F) is METRICS[name].exact


@pytest.mark.parametrize("kind", MAPS)
def test_constant_says_what_a_constant_map_gets(kind):
    for name in ("auc", "auc-judd", "iou", "dice", "nss", "gini"):
        if "constant" in kind or kind == "zero":
            assert F(METRICS[name].constant) == MAPS[kind][1][name]
    assert METRICS["pcc"].constant is METRICS["sim"].constant is None


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(
    ("map", "said"),
    [
        (np.where(MASK, np.nan, 1), "map, of dtype float64, holds something else than finite real numbers"),
        (np.where(MASK, np.inf, 1), "map, of dtype float64, holds something else than finite"),
        (np.where(MASK, -np.inf, 1).astype(np.float32), "map, of dtype float32, holds something else than finite"),
        (MASK * 1j, "map, of dtype complex128, holds something else"),
        (MASK.astype(str), "map, of dtype <U21, holds something else"),
        (np.where(MASK, None, F(1)), "map, of dtype object, holds something else"),
        (np.where(MASK, np.nan, F(1)), "map, of dtype object, holds something else"),
        (np.array(["2020-01-01"], "datetime64[D]"), r"map, of dtype datetime64\[D\], holds something else"),
        ([[1, 2, 3], [4, 5]], "map has rows of different lengths; expected an array, or lists of one length"),
        (3.0, r"map has shape \(\); expected one picture"),
        ([], r"map has shape \(0,\); expected one picture"),
        (np.ones((0, 3)), r"map has shape \(0, 3\); expected one picture"),
        (np.ones((1, 1, 2, 3)), r"map has shape \(1, 1, 2, 3\); expected one picture.* of a batch, take one"),
    ],
)  # fmt: skip
def test_what_is_no_map_is_refused_by_all(name, map, said):
    with pytest.raises(ValueError, match=said) as error:
        value(name, map)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [n for n in METRICS if n != "gini"])
@pytest.mark.parametrize("map", [np.arange(6.0), np.arange(6.0).reshape(6, 1), np.arange(6.0).reshape(1, 2, 3)])
def test_another_shape_is_refused_by_all_that_compare(name, map):
    with pytest.raises(ValueError, match="shape|box is .* per axis of a picture") as error:
        value(name, map)
    assert "\n" not in str(error.value)


def test_a_picture_of_one_pixel():
    one = {"mask": [1], "fixations": [1], "truth": [1], "other": [1], "box": ((0, 1),)}
    one |= {"x": np.ones(1), "score": lambda x: x.sum(axis=1)}
    said = {
        "auc": "covers the whole picture", "iou": 0, "dice": 0, "box-iou": 1, "pointing": True, "pcc": CONSTANT,
        "sim": CONSTANT, "kl": 0, "auc-judd": "covers the whole picture", "nss": 0, "gini": 0, "deletion": 0.5,
        "insertion": 0.5,
    }  # fmt: skip
    assert said.keys() == METRICS.keys()
    for name, wanted in said.items():
        if isinstance(wanted, str):
            with pytest.raises(ValueError, match=wanted):
                value(name, [7.0], **one)
        else:
            assert value(name, [7.0], **one) == pytest.approx(wanted, abs=1e-15)


# -- masks -------------------------------------------------------------------------------------------------------------

MASKED = {"auc": "mask", "iou": "mask", "dice": "mask", "pointing": "mask", "auc-judd": "fixations", "nss": "fixations"}
FULL = {"iou": F(1, 3), "dice": F(1, 2), "pointing": True, "nss": 0.0}  # of six pixels two are marked


@pytest.mark.parametrize("name", MASKED)
def test_a_full_mask(name):
    map, full = exact(MAPS["negative"][0]).reshape(SHAPE), {MASKED[name]: np.ones(SHAPE, bool)}
    if name in FULL:
        assert value(name, map, **full) == FULL[name]
        return
    with pytest.raises(ValueError, match="covers the whole picture; expected at least one pixel"):
        value(name, map, **full)


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros(SHAPE), "is empty; expected at least one"),
        (MASK * 2, "holds other values than 0 and 1; give mask > threshold"),
        (MASK - 0.5, "holds other values than 0 and 1"),
        (np.where(MASK, np.nan, 0), "holds other values than 0 and 1"),
        (MASK.astype(str), "holds other values than 0 and 1"),
        (MASK.T, r"has shape \(3, 2\), the map \(2, 3\); expected one shape"),
        ([[0, 1, 0], [1]], "has rows of different lengths"),
        (1, r"has shape \(\), the map \(2, 3\)"),
    ],
)
def test_what_is_no_mask_is_refused(name, mask, said):
    with pytest.raises(ValueError, match=f"^the mask.* {said}") as error:
        value(name, np.arange(6.0).reshape(SHAPE), **{MASKED[name]: mask})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", MASKED)
def test_a_mask_may_be_of_any_kind_of_number(name):
    map = np.arange(6.0).reshape(SHAPE)
    for dtype in (bool, np.uint8, int, np.float32, float):
        assert value(name, map, **{MASKED[name]: MASK.astype(dtype)}) == value(name, map)


@pytest.mark.parametrize("name", METRICS)
def test_nothing_is_changed(name):
    arrays = {"map": np.arange(6.0).reshape(SHAPE), **{n: MASK.copy() for n in ("mask", "fixations", "other", "truth")}}
    kept = {n: a.copy() for n, a in arrays.items()}
    value(name, **arrays)
    for n, array in arrays.items():
        np.testing.assert_array_equal(array, kept[n])
