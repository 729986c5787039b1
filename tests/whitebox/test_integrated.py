"""Integrated gradients: the weights of every quadrature, the exact one against breakpoints found anew, completeness."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making import witness as w
from minixai.conformance.making.networks import random_case, random_pictures
from minixai.whitebox.integrated import points
from tests.whitebox.examples import MIN_AT, F, neuron, row, two_pixels

IG = "integrated-gradients"


@cache
def case(seed, numbers="eighths"):
    """A network, a picture, and another picture to start from."""
    network, x = random_case(seed, numbers)
    return network, x[0], random_pictures(seed + 1000, network, numbers)[0]


def at(network, x, target):
    """The gradient's signals at one picture."""
    return mx.explain(network, x, "gradient", target=target).signals


# -- Sums over the path ------------------------------------------------------------------------------------------------

ALPHAS = {  # where the slope is taken, and with what weight, written out
    "midpoint": lambda n: [(F(2 * i + 1, 2 * n), F(1, n)) for i in range(n)],
    "left": lambda n: [(F(i, n), F(1, n)) for i in range(n)],
    "right": lambda n: [(F(i + 1, n), F(1, n)) for i in range(n)],
    "trapezoid": lambda n: [(F(i, n - 1), F(1, n - 1) / (2 if i in (0, n - 1) else 1)) for i in range(n)],
}


@pytest.mark.parametrize("quadrature", ALPHAS)
@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_points_and_weights(quadrature, n):
    alphas, weights = points(quadrature, n, row(0))
    assert list(zip(alphas, weights, strict=True)) == ALPHAS[quadrature](n)
    assert sum(weights) == 1


@pytest.mark.parametrize("quadrature", [*ALPHAS, "gauss-legendre"])
@pytest.mark.parametrize("n", [2, 3, 50])
def test_weights_sum_to_one_in_floats(quadrature, n):
    alphas, weights = points(quadrature, n, np.zeros(1))
    assert len(alphas) == len(weights) == n
    assert abs(sum(weights) - 1) < 1e-14
    assert all(0 <= a <= 1 for a in alphas)


def test_one_point_is_enough_but_for_the_trapezoid():
    assert points("midpoint", 1, row(0)) == ([F(1, 2)], [1])
    with pytest.raises(ValueError, match="n is 1; expected an integer of at least 2 for quadrature 'trapezoid'"):
        points("trapezoid", 1, row(0))


@pytest.mark.parametrize("quadrature", ALPHAS)
@pytest.mark.parametrize("seed", range(5))
def test_every_sum_is_a_loop_over_gradients(seed, quadrature):
    network, x, start = case(seed)
    e = mx.explain(network, x, IG, target=0, baseline=start, n=4, quadrature=quadrature)
    samples = [(weight, at(network, start + a * (x - start), 0)) for a, weight in ALPHAS[quadrature](4)]
    for name, signal in e.signals.items():
        assert (signal == sum(weight * signals[name] for weight, signals in samples)).all()
    assert (e.relevance == (x - start) * e.signals["input"]).all()
    assert e.expected == network(x)[0] - network(start)[0]


GAUSS = {  # the textbook's points on [-1, 1]
    2: [(-(3**-0.5), 1), (3**-0.5, 1)],
    3: [(-(0.6**0.5), 5 / 9), (0, 8 / 9), (0.6**0.5, 5 / 9)],
}


@pytest.mark.parametrize("n", GAUSS)
@pytest.mark.parametrize("seed", range(5))
def test_gauss_legendre_is_a_loop_over_gradients(seed, n):
    network, x, start = case(seed, "normal")
    found = mx.explain(network, x, IG, target=0, baseline=start, n=n, quadrature="gauss-legendre").relevance
    samples = [weight / 2 * at(network, start + (p + 1) / 2 * (x - start), 0)["input"] for p, weight in GAUSS[n]]
    assert abs(found - (x - start) * sum(samples)).max() <= 1e-12 * abs(found).max()


def test_gauss_legendre_has_no_fractions():
    with pytest.raises(ValueError, match="points are not rational; in fractions use 'midpoint' or 'exact'"):
        mx.explain(two_pixels(), MIN_AT, IG, target=0, quadrature="gauss-legendre")


def test_fifty_midpoints_by_default():
    network, x, _ = case(0)
    default = mx.explain(network, x, IG, target=0)
    spelled_out = mx.explain(network, x, IG, target=0, baseline=0 * x, n=50, quadrature="midpoint")
    assert (default.relevance == spelled_out.relevance).all()


def test_a_long_path_is_cut_into_chunks_that_change_nothing(monkeypatch):
    network, x, start = case(1)
    asked = {IG: {"baseline": start, "n": 7}}
    whole = mx.explain_all(network, x, asked, target=0)[IG]
    passes = []
    monkeypatch.setattr("minixai.api.forward", lambda *given, **more: passes.append(1) or mx.forward(*given, **more))
    cut = mx.explain_all(network, x, asked, target=0, memory=1)[IG]
    assert len(passes) == 1 + 7 + 1  # the picture, each place on its path, the baseline
    assert all((cut.signals[name] == signal).all() for name, signal in whole.signals.items())


# -- From kink to kink -------------------------------------------------------------------------------------------------


def breakpoints(network, x, start, kinks=(mx.ReLU, mx.MaxPool2d)):
    """Every alpha at which a gate or a winner changes, found layer by layer: in between, all is linear."""
    found = [F(0), F(1)]
    for node in network.nodes:
        if isinstance(node.op, kinks):
            step = mx.forward(network, np.stack([start + a * (x - start) for a in found]))[node.name]
            rivals = leads(step.op, step.x, step.y.shape).T
            found = sorted({*found, *(a for lead in rivals for a in zeros_between(found, lead))})
    return found


def leads(op, x, shape):
    """(pictures, numbers): numbers whose changes of sign are the kinks of a ReLU or of a max-pool."""
    rows = x.reshape(len(x), -1)
    if isinstance(op, mx.ReLU):
        return rows
    windows = w.pool_windows(op, (1, *x.shape[1:]), (1, *shape[1:]))
    pairs = [(i, j) for window in windows for i, _ in window for j, _ in window if i < j]
    return rows[:, [i for i, _ in pairs]] - rows[:, [j for _, j in pairs]]


def zeros_between(alphas, values):
    """Where a number that is linear between neighbouring alphas changes its sign."""
    for (a, v), (b, u) in pairwise(zip(alphas, values, strict=True)):
        if v * u < 0:
            yield a + (b - a) * v / (v - u)


PATHS = [(seed, "halves" if seed % 2 else "eighths") for seed in (0, 1, 5, 7, 11, 14, 17, 18, 20, 21, 24, 26)]


@pytest.mark.parametrize(("seed", "numbers"), PATHS)
def test_the_exact_path_is_the_one_found_anew(seed, numbers):
    network, x, start = case(seed, numbers)
    target = seed % 2
    e = mx.explain(network, x, IG, target=target, baseline=start, quadrature="exact")
    pieces = list(pairwise(breakpoints(network, x, start)))
    middles = np.stack([start + (a + b) / 2 * (x - start) for a, b in pieces])
    slopes = mx.explain(network, middles, "gradient", target=target).signals
    for name, signal in e.signals.items():
        assert (signal == sum((b - a) * slopes[name][k] for k, (a, b) in enumerate(pieces))).all()
    assert (e.relevance == (x - start) * e.signals["input"]).all()
    assert e.total == e.expected == network(x)[target] - network(start)[target]


def test_the_paths_have_kinks_of_both_kinds():
    of_relus = [len(breakpoints(*case(*c), kinks=mx.ReLU)) - 2 for c in PATHS]
    of_both = [len(breakpoints(*case(*c))) - 2 for c in PATHS]
    assert sum(n > 0 for n in of_relus) >= 8
    assert sum(more > n for n, more in zip(of_relus, of_both, strict=True)) >= 3
    assert max(of_both) >= 6


@pytest.mark.parametrize("seed", range(5))
def test_exact_in_floats_to_rounding(seed):
    network, x, start = case(seed, "normal")
    e = mx.explain(network, x, IG, target=0, baseline=start, quadrature="exact")
    assert abs(e.total - e.expected) <= 1e-12 * abs(e.relevance).sum()


def test_a_kink_exactly_in_the_middle():
    """relu(x - 1) from 0 to 2 bends at alpha = 1/2, where the first look at the path falls."""
    network = mx.Network.sequential([mx.Linear(row((1,)), row(-1)), mx.ReLU()])
    e = mx.explain(network, row(2), IG, target=0, quadrature="exact")
    assert (e.relevance[0], e.expected) == (1, 1)
    downhill = mx.explain(network, row(0), IG, target=0, baseline=row(2), quadrature="exact")
    assert (downhill.relevance[0], downhill.expected) == (-1, -1)


def test_two_kinks_in_one_place():
    """|x - 1|, whose two ReLUs change at the same alpha."""
    absolute = [mx.Linear(row((1,), (-1,)), row(-1, 1)), mx.ReLU(), mx.Linear(row((1, 1)))]
    e = mx.explain(mx.Network.sequential(absolute), row(3), IG, target=0, quadrature="exact")
    assert (e.relevance[0], e.expected) == (1, 1)


def test_overlapping_windows_that_change_their_winner():
    """max(x1, x2) + max(x2, x3): x2 wins both windows on the second half of the path."""
    layers = [mx.MaxPool2d((1, 2), (1, 1)), mx.Flatten(), mx.Linear(row((1, 1)))]
    x, start = row(2, 4, 2).reshape(1, 1, 3), row(2, 0, 2).reshape(1, 1, 3)
    e = mx.explain(mx.Network.sequential(layers), x, IG, target=0, baseline=start, quadrature="exact")
    assert (e.relevance.ravel() == row(0, 4, 0)).all()
    assert e.expected == 4


def test_a_path_of_no_length():
    e = mx.explain(two_pixels(), MIN_AT, IG, target=0, baseline=MIN_AT, quadrature="exact")
    assert (e.relevance == 0).all()
    assert e.expected == 0
    assert (e.signals["input"] == row(0, 1)).all()


def staircase(steps):
    """sum_k relu(x - k), which bends at every whole number."""
    bends = [mx.Linear(row(*[(1,)] * steps), row(*(-k for k in range(steps)))), mx.ReLU()]
    return mx.Network.sequential([*bends, mx.Linear(row((1,) * steps))])


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_too_many_pieces_are_refused_with_their_count(limit):
    message = rf"more than {limit} linear pieces \({limit + 1} found, \d+ intervals open\); raise max_pieces="
    with pytest.raises(ValueError, match=message):
        mx.explain(staircase(8), row(8), IG, target=0, quadrature="exact", max_pieces=limit)


def test_as_many_pieces_as_allowed_are_taken():
    e = mx.explain(staircase(8), row(8), IG, target=0, quadrature="exact", max_pieces=8)
    assert e.total == e.expected == sum(range(1, 9))


def test_a_softmax_is_no_straight_line():
    layers = [mx.Linear(np.eye(2)), mx.Softmax(), mx.Linear(np.eye(2))]
    with pytest.raises(mx.UnsupportedOp, match="needs a piecewise linear network, not a softmax; use 'midpoint'"):
        mx.explain(mx.Network.sequential(layers), np.array([1.0, 2.0]), IG, target=0, quadrature="exact")


def test_a_final_softmax_is_not_on_the_path():
    layers = [mx.Linear(np.eye(2)), mx.Softmax()]
    e = mx.explain(mx.Network.sequential(layers), np.array([1.0, 2.0]), IG, target=1, quadrature="exact")
    assert e.relevance.tolist() == [0.0, 2.0]


# -- Baselines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{"n": 3}, {"quadrature": "exact"}])
def test_several_baselines_are_the_mean_of_each(params):
    network, x, start = case(1)
    starts = np.stack([start, 0 * x, -x])
    e = mx.explain(network, x, IG, target=1, baseline=starts, **params)
    each = [mx.explain(network, x, IG, target=1, baseline=one, **params) for one in starts]
    assert (e.relevance == sum(one.relevance for one in each) / 3).all()
    assert e.expected == sum(one.expected for one in each) / 3
    for name, signal in e.signals.items():
        assert (signal == sum(one.signals[name] for one in each) / 3).all()


def test_a_black_picture_is_the_network_s_own():
    """S = 3 x1 - x2 + 1 where black is (1, 1), not 0."""
    plain = neuron((3, -1), 1)
    network = mx.Network(plain.nodes, black=row(1, 1))
    e = mx.explain(network, row(2, 1), IG, target=0)
    assert (e.relevance == row(3, 0)).all()
    assert e.expected == 3
    assert "baseline: black" in repr(e)
    assert "baseline: zeros" in repr(mx.explain(plain, row(2, 1), IG, target=0))
    assert "baseline" not in repr(mx.explain(network, row(2, 1), IG, target=0, baseline=row(0, 0)))


def test_one_number_is_a_baseline_for_every_pixel():
    e = mx.explain(neuron((3, -1)), row(2, 1), IG, target=0, baseline=1)
    assert (e.relevance == row(3, 0)).all()


def test_no_contribution_where_picture_and_baseline_agree():
    """The white lamp against a white baseline: pixel 1 is indispensable and gets 0."""
    e = mx.explain(two_pixels(), MIN_AT, IG, target=0, baseline=row(0, 6), quadrature="exact")
    assert e.relevance[1] == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"quadrature": "simpson"}, "quadrature is 'simpson'; expected one of midpoint, left, right, trapezoid"),
        ({"n": 0}, "n is 0; expected an integer of at least 1 for quadrature 'midpoint'"),
        ({"n": 2.5}, "n is 2.5; expected an integer of at least 1"),
        ({"n": "many"}, "n is 'many'; expected a finite number"),
        ({"baseline": row(1, 2, 3)}, r"baseline has shape \(3,\); expected one picture \(2,\), or several"),
        ({"baseline": mx.exact(np.zeros((0, 2)))}, "baseline holds no picture; expected one or several"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        mx.explain(two_pixels(), MIN_AT, IG, target=0, **params)
