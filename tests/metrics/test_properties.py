"""What holds of every map: in fractions, so that "equal" means equal."""

from fractions import Fraction as F

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minixai import exact
from minixai.metrics import (
    METRICS,
    auc,
    auc_judd,
    dice,
    gini,
    insertion,
    iou,
    kl,
    nss,
    nss_squared,
    pcc,
    pcc_squared,
    region,
    sim,
)
from minixai.metrics.agreement import EPS
from tests.metrics.test_registry import MASKED

LEVELS = st.one_of(st.integers(-3, 3), st.integers(-(10**6), 10**6)).map(F)  # with ties, and hardly any
SCALES = st.fractions(min_value=F(1, 9), max_value=9, max_denominator=9)


@st.composite
def scenes(draw):
    """Two maps of 2 to 12 pixels in fractions, a mask that is neither empty nor full, and an order of the pixels."""
    n = draw(st.integers(2, 12))
    a, b = (np.array(draw(st.lists(LEVELS, min_size=n, max_size=n)), object) for _ in range(2))
    inside = draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=n - 1))
    shuffled = np.array(draw(st.permutations(range(n))))
    return a, b, np.isin(np.arange(n), list(inside)), shuffled


def varied(*maps):
    return all(len(set(map)) > 1 for map in maps)


def positive(map):
    """A density of it."""
    return map - map.min() + 1


@settings(max_examples=60, deadline=None)
@given(scenes(), SCALES, LEVELS)
def test_where_the_pixels_lie_and_how_large_they_are(scene, scale, offset):
    """Permuting the pixels changes nothing; scale and offset nothing either, for those that are blind to them."""
    a, b, mask, shuffled = scene
    moved = scale * a + offset
    for metric in (auc, auc_judd, iou, dice, nss_squared):
        assert metric(a, mask) == metric(a[shuffled], mask[shuffled]) == metric(moved, mask)
    assert gini(a) == gini(a[shuffled]) == gini(scale * a) == gini(-a)
    assert abs(kl(positive(a), positive(b)) - kl(positive(a)[shuffled], scale * positive(b)[shuffled])) < 1e-12
    if varied(a, b):
        for metric in (pcc_squared, sim):
            assert metric(a, b) == metric(a[shuffled], b[shuffled]) == metric(moved, b)


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_only_the_order_counts(scene):
    a, _, mask, _ = scene
    stretched = a**3 + a  # strictly increasing
    for metric in (auc, auc_judd, iou, dice):
        assert metric(stretched, mask) == metric(a, mask)
    assert auc(-a, mask) == auc(a, ~mask) == 1 - auc(a, mask)
    x, baseline = exact(range(a.size)), exact(np.arange(a.size) ** 2)
    squares = lambda x: (x * x).sum(axis=1)  # noqa: E731
    assert insertion(squares, x, a, baseline) == insertion(squares, x, stretched, baseline)


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_symmetry_sign_and_identity(scene):
    a, b, mask, _ = scene
    if varied(a, b):
        assert pcc(a, b) == pcc(b, a) == -pcc(-a, b)
        assert sim(a, b) == sim(b, a)
        assert pcc(a, a) == sim(a, a) == 1
    assert nss(-a, mask) == -nss(a, mask)
    marked = region(b)
    if marked.any():
        assert iou(b, marked) == dice(b, marked) == 1
    assert abs(kl(positive(a), positive(a))) <= 2 * a.size * EPS


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_how_they_are_related(scene):
    a, b, mask, _ = scene
    assert dice(a, mask) == 2 * iou(a, mask) / (1 + iou(a, mask))
    assert auc_judd(a, mask) >= auc(a, mask)
    if varied(a):
        n, k = mask.size, int(mask.sum())
        assert pcc_squared(a, exact(mask)) == nss_squared(a, mask) * F(k, n - k)  # PCC with a mask is NSS, scaled
        assert region(a).any() and not region(a).all()


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_ranges(scene):
    a, b, mask, _ = scene
    assert 0 <= gini(a) <= 1 - F(1, a.size)
    for name in MASKED:
        metric = METRICS[name]
        assert metric.low is None or metric.low <= metric.function(a, mask) <= metric.high
    assert -2 * a.size * EPS <= kl(positive(a), b - b.min() if varied(b) else positive(b)) <= METRICS["kl"].high
    if varied(a, b):
        assert -1 <= pcc(a, b) <= 1 and 0 <= sim(a, b) <= 1


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_floats_follow_fractions(scene):
    a, b, mask, _ = scene
    floats = a.astype(float)
    for metric in (auc, auc_judd, iou, dice):
        assert metric(floats, mask) == float(metric(a, mask))  # integers counted, one division
    assert abs(nss(floats, mask) - nss(a, mask)) < 1e-12
    assert abs(gini(floats) - gini(a)) < 1e-13
    if varied(a, b):
        assert abs(pcc(floats, b.astype(float)) - pcc(a, b)) < 1e-12
        assert abs(sim(floats, b.astype(float)) - sim(a, b)) < 1e-12
