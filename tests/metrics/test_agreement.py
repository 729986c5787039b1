"""PCC, SIM and KL: by hand in fractions, by SciPy, by published numbers, and what they refuse."""

from fractions import Fraction
from math import log

import numpy as np
import pytest
from scipy.spatial.distance import cityblock
from scipy.stats import entropy, pearsonr

from minixai import exact
from minixai.metrics import kl, pcc, pcc_squared, sim
from minixai.metrics.agreement import EPS
from tests.metrics.examples import root

OBJECT = (1, 1, 0, 0, 0)
SHAPES = [(7,), (4, 5), (2, 3, 4)]
BOTH = [pcc, sim]


def pairs(shape, count, seed):
    """Two maps that have something in common."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        common = rng.normal(size=shape)
        yield tuple(common + rng.normal(size=shape) * rng.uniform(0, 3) for _ in range(2))


# -- by hand -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "squared"),
    [
        ((1, 1, 0, 0, 2), OBJECT, Fraction(1, 21)),  # chapter 15: 0.22
        ((3, 0, 0, 1, 1), OBJECT, Fraction(5, 36)),  # and 0.37
        ((1, 2, 4), (3, 5, 9), Fraction(1)),  # R and 2R + 1
        ((1, 2, 4), (-1, -2, -4), Fraction(-1)),
        ((1, 0, -1, 0), (0, 1, 0, -1), Fraction(0)),
    ],
)
def test_pcc_by_hand(a, b, squared):
    found = pcc_squared(exact(a), exact(b))
    assert found == squared and isinstance(found, Fraction)
    assert pcc(exact(a), exact(b)) == root(squared)
    assert pcc(a, b) == pytest.approx(root(squared), abs=1e-15)
    assert pcc([a], [b]) == pcc([[a]], [[b]]) == pcc(a, b) == pcc(b, a)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((1, 1, 0, 0, 2), OBJECT, Fraction(1, 2)),
        ((3, 0, 0, 1, 1), OBJECT, Fraction(1, 2)),
        ((1, 2, 1), (0, 1, 3), Fraction(1, 4)),  # 1/2 without min-max
        ((1, 2, 4), (3, 5, 9), Fraction(1)),  # 114/119 without min-max
        ((1, 0, 0), (0, 1, 1), Fraction(0)),
        ((-1, -3, -2), (-2, -2, -3), Fraction(1, 2)),
    ],
)
def test_sim_by_hand(a, b, expected):
    found = sim(exact(a), exact(b))
    assert found == expected and isinstance(found, Fraction)
    assert sim(a, b) == pytest.approx(float(expected), abs=1e-15)
    assert sim([a], [b]) == sim(a, b) == sim(b, a)


@pytest.mark.parametrize(
    ("truth", "map", "expected"),
    [
        ((1, 1), (3, 1), log(2 / 3) / 2 + log(2) / 2),
        ((3, 1), (1, 1), 3 * log(3 / 2) / 4 + log(1 / 2) / 4),  # the other way round
        ((1, 0), (5, 5), log(2)),
        ((2, 2), (7, 7), 0),
        ((0, 1), (1, 0), 52 * log(2)),  # 1 / eps
        ((1, 1, 0, 0), (1, 0, 0, 0), 25 * log(2)),  # half of log(2^51), half of log(2^-1)
    ],
)
def test_kl_by_hand(truth, map, expected):
    for kind in (np.array, exact, np.float32):
        found = kl(kind(truth), kind(map))
        assert isinstance(found, float) and found == pytest.approx(expected, rel=1e-14, abs=1e-15)


def test_kl_is_the_formula_with_its_eps():
    Q, P = (np.array(v) for v in ([0.5, 0.25, 0.25, 0], [0.25, 0, 0.25, 0.5]))
    assert EPS == np.finfo(float).eps  # 2.2e-16
    written_out = sum(float(q) * log(EPS + float(q) / (float(p) + EPS)) for q, p in zip(Q, P, strict=True))
    assert kl(Q, P) == pytest.approx(written_out, rel=1e-15)


# -- published numbers, and other people's -----------------------------------------------------------------------------

ANSCOMBE = (  # Anscombe, F. J. (1973). Graphs in statistical analysis. The American Statistician, 27, 17-21.
    ((10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5), (8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68)),
    ((10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5), (9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74)),
    ((10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5), (7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73)),
    ((8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8), (6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89)),
)


@pytest.mark.parametrize(("x", "y"), ANSCOMBE)
def test_anscombes_quartet(x, y):
    assert round(pcc_squared(x, y), 2) == 0.67  # as he prints it
    assert round(pcc(x, y), 2) == 0.82


def test_the_numbers_that_scipy_prints_for_its_examples():
    assert pcc([1, 2, 3, 4, 5, 6, 7], [10, 9, 2.5, 6, 4, 3, 2]) == pytest.approx(-0.828503883588428, abs=1e-15)
    found, rel, bound = without_eps([1, 1], [9, 1])
    assert found == pytest.approx(0.5108256237659907, abs=1e-15)
    assert kl([1, 1], [9, 1]) == pytest.approx(found, rel, bound)


def without_eps(truth, map):
    """SciPy's divergence, no relative tolerance, and what eps may change: eps sum(Q/P + P) to first order; twice that.

    The logarithm of eps + Q / (P + eps) has the slopes P/Q in the first eps and -1/P in the second.
    """
    Q, P = np.divide(truth, np.sum(truth)), np.divide(map, np.sum(map))
    return entropy(truth, map), 0, 2 * EPS * (Q / P + P).sum() + 1e-14


@pytest.mark.parametrize("shape", SHAPES)
def test_other_libraries_agree(shape):
    for a, b in pairs(shape, 40, seed=1):
        assert pcc(a, b) == pytest.approx(pearsonr(a.ravel(), b.ravel()).statistic, abs=1e-13)
        p, q = (((v - v.min()) / (v - v.min()).sum()).ravel() for v in (a, b))
        assert sim(a, b) == pytest.approx(1 - cityblock(p, q) / 2, abs=1e-14)
        assert kl(np.exp(a), np.exp(b)) == pytest.approx(*without_eps(np.exp(a).ravel(), np.exp(b).ravel()))


@pytest.mark.parametrize("shape", SHAPES)
def test_floats_and_fractions_agree(shape):
    for a, b in pairs(shape, 15, seed=2):
        assert pcc(a, b) == pytest.approx(pcc(exact(a), exact(b)), abs=1e-14)
        assert sim(a, b) == pytest.approx(float(sim(exact(a), exact(b))), abs=1e-14)
        assert kl(a**2, b**2) == pytest.approx(kl(exact(a**2), exact(b**2)), abs=1e-13)


# -- size does not matter ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [5e-324, 1e-300, 1e-8, 1.0, 1e8, 1e300, 1.7e308])
def test_huge_and_tiny_maps(factor):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert pcc(np.array([1, 0, -1, 1]) * factor, [2, 1, 0, 2]) == pytest.approx(1, abs=1e-15)
        assert sim(np.array([1, 0, -1, 1]) * factor, [2, 1, 0, 2]) == pytest.approx(1, abs=1e-15)
        assert kl(np.array([1, 0, 1, 1]) * factor, [1, 0, 1, 1]) == pytest.approx(0, abs=1e-15)


def test_pcc_and_sim_never_leave_their_range_by_rounding():
    for a, _ in pairs((5, 5), 200, seed=3):
        assert pcc(a, 3 * a + 0.1) <= 1 and pcc(a, -3 * a) >= -1
        assert sim(a, 3 * a + 0.1) <= 1


def test_fractions_too_fine_for_floats():
    a = exact([0, Fraction(1, 10**30), Fraction(2, 10**30)]) + Fraction(1)
    assert len(set(a.astype(float))) == 1
    assert pcc(a, exact([0, 1, 2])) == 1 and sim(a, exact([0, 1, 2])) == 1


def test_integers_go_with_fractions_and_floats():
    a, b = (1, 1, 0, 0, 2), exact(OBJECT)
    assert sim(a, b) == sim(b, np.array(a)) == Fraction(1, 2)
    assert isinstance(sim(np.array(OBJECT, bool), b), Fraction)
    assert isinstance(sim(a, np.array(OBJECT, float)), float)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ([1, 1, 1], [1, 2, 3], "one of the maps is constant, .*; expected at least two different values"),
        ([1, 2, 3], [0.1, 0.1, 0.1], "one of the maps is constant"),
        ([1], [2], "one of the maps is constant"),
        (exact([1, 1]), exact([1, 2]), "one of the maps is constant"),
        ([1, 2], [1, 2, 3], r"the map has shape \(2,\), the other map \(3,\); expected one shape: resize one of them"),
        ([[1, 2]], [1, 2], r"the map has shape \(1, 2\), the other map \(2,\)"),
        ([1, np.nan], [1, 2], "the map, of dtype float64, holds something else than finite real numbers"),
        ([1, 2], [1, np.inf], "the other map, of dtype float64, holds something else"),
        ([1, 2], ["a", "b"], "the other map, of dtype <U1, holds something else"),
        (np.ones((2, 2, 2, 2)), np.ones((2, 2, 2, 2)), r"the map has shape \(2, 2, 2, 2\); expected one picture"),
        (exact([1, 2]), [0.5, 1], "of the map and the other map one is in fractions, one in floats; convert one"),
        ([0.5, 1], exact([1, 2]), "of the map and the other map one is in fractions"),
    ],
)
def test_what_pcc_and_sim_refuse(a, b, said):
    for metric in BOTH:
        with pytest.raises(ValueError, match=said) as error:
            metric(a, b)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("truth", "map", "said"),
    [
        ([1, -1], [1, 2], "the truth holds negative values, but a distribution has none; give e.heatmap, or clip them"),
        ([1, 1], [1, -2], "the map holds negative values"),
        ([0, 0], [1, 2], "the truth is zero everywhere, so it is no distribution; expected a positive value"),
        ([1, 2], [0, 0], "the map is zero everywhere"),
        (exact([1, 2]), exact([0, 0]), "the map is zero everywhere"),
        ([1, 2], [1, 2, 3], r"the truth has shape \(2,\), the map \(3,\)"),
        ([np.nan, 2], [1, 2], "the truth, of dtype float64, holds something else"),
        ([1, 2], [1, np.nan], "the map, of dtype float64, holds something else"),
        (exact([1, 2]), [0.5, 1], "of the truth and the map one is in fractions"),
    ],
)
def test_what_kl_refuses(truth, map, said):
    with pytest.raises(ValueError, match=said) as error:
        kl(truth, map)
    assert "\n" not in str(error.value)
