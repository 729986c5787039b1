"""DeepLIFT: both rules against the witness at every node, summation to delta, references, thresholds in floats."""

from functools import cache

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making import witness as w
from minixai.conformance.making.networks import draw_numbers, random_case, random_pictures
from minixai.whitebox.deeplift import REVEALCANCEL as TABLE
from minixai.whitebox.deeplift import parts
from tests.whitebox.examples import MIN_AT, F, neuron, row, two_pixels

RESCALE, REVEALCANCEL = "deeplift-rescale", "deeplift-revealcancel"
CASES = [(seed, "eighths") for seed in (2, 4, 6, 12, 18, 21)] + [(seed, "halves") for seed in (1, 3, 5, 13, 16, 20, 22)]


@cache
def case(seed, numbers, batchnorm="foldable"):
    """A network, a picture, a reference."""
    network, x = random_case(seed, numbers, batchnorm=batchnorm)
    return network, x[0], random_pictures(seed + 1000, network, numbers)[0]


def assert_summation_to_delta(e, network, x, reference, target):
    assert e.total == e.expected == network(x)[target] - network(reference)[target]


# -- The witness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batchnorm", ["foldable", "any"])
@pytest.mark.parametrize(("seed", "numbers"), CASES)
def test_rescale_is_the_witness_s(seed, numbers, batchnorm):
    network, x, reference = case(seed, numbers, batchnorm)
    e = mx.explain(network, x, RESCALE, target=seed % 2, baseline=reference)
    signals = w.rescale(network, w.flat(x), w.flat(reference), seed % 2)
    assert {name: w.flat(signal) for name, signal in e.signals.items()} == signals
    assert w.flat(e.relevance) == [m * d for m, d in zip(signals["input"], w.flat(x - reference), strict=True)]
    assert_summation_to_delta(e, network, x, reference, seed % 2)


@pytest.mark.parametrize(("seed", "numbers"), CASES)
def test_reveal_cancel_is_the_witness_s(seed, numbers):
    network, x, reference = case(seed, numbers)
    e = mx.explain(network, x, REVEALCANCEL, target=seed % 2, baseline=reference)
    signals, found = w.reveal_cancel(network, w.flat(x), w.flat(reference), seed % 2)
    assert {name: (w.flat(signal[0]), w.flat(signal[1])) for name, signal in e.signals.items()} == signals
    assert w.flat(e.relevance) == found
    assert_summation_to_delta(e, network, x, reference, seed % 2)


@pytest.mark.parametrize(("seed", "numbers"), CASES)
def test_parts_are_the_witness_s_and_add_up(seed, numbers):
    network, x, reference = case(seed, numbers)
    folded = mx.fold_batchnorm(network)
    tape = mx.forward(folded, x, ref=mx.forward(folded, reference))
    places = w.places_of(network)
    up, down = w.difference_parts(places, w.values(places, w.flat(x)), w.values(places, w.flat(reference)))
    for step in tape.steps:
        ours = parts(step)
        assert [w.flat(part) for part in ours] == [up[step.name], down[step.name]]
        assert (ours[0] + ours[1] == step.dy).all()


def clip():
    rng = np.random.default_rng(4)
    layers = [
        mx.Conv3d(draw_numbers(rng, (2, 1, 2, 2, 2), "eighths"), draw_numbers(rng, (2,), "eighths"), padding=(0, 1, 0)),
        mx.ReLU(),
        mx.MaxPool3d((1, 2, 2), stride=1),
        mx.AvgPool3d((2, 1, 1), stride=1),
        mx.Flatten(),
        mx.Linear(draw_numbers(rng, (2, 6), "eighths"), draw_numbers(rng, (2,), "eighths")),
    ]
    network = mx.Network.sequential(layers, input_shape=(1, 3, 3, 3)).astype("exact")
    return network, *mx.exact(draw_numbers(rng, (2, 1, 3, 3, 3), "eighths"))


@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
def test_clips_are_the_witness_s(method):
    network, x, reference = clip()
    e = mx.explain(network, x, method, target=0, baseline=reference)
    if method == RESCALE:
        assert w.flat(e.signals["input"]) == w.rescale(network, w.flat(x), w.flat(reference), 0)["input"]
    else:
        assert w.flat(e.relevance) == w.reveal_cancel(network, w.flat(x), w.flat(reference), 0)[1]
    assert_summation_to_delta(e, network, x, reference, 0)


# -- The cases bite ----------------------------------------------------------------------------------------------------


def test_gates_flip_and_the_rules_differ():
    flips, differ = 0, 0
    for seed, numbers in CASES:
        network, x, reference = case(seed, numbers)
        tape, before = mx.forward(network, x), mx.forward(network, reference)
        flips += sum((s.choice != before[s.name].choice).sum() for s in tape.steps if s.choice is not None)
        found = [mx.explain(network, x, m, target=0, baseline=reference).relevance for m in (RESCALE, REVEALCANCEL)]
        differ += (found[0] != found[1]).any()
    assert flips > 100
    assert differ >= 10


def test_pools_rise_fall_and_stay():
    seen = set()
    for seed, numbers in CASES:
        network, x, reference = case(seed, numbers)
        tape = mx.forward(network, x, ref=mx.forward(network, reference))
        for step in tape.steps:
            if isinstance(step.op, mx.MaxPool2d):
                assert step.op.stride <= step.op.kernel
                seen |= {"rose" if d > 0 else "fell" if d < 0 else "stayed" for d in step.dy.flat}
    assert seen == {"rose", "fell", "stayed"}


# -- Max-pools, one by one ---------------------------------------------------------------------------------------------


def maximum(*weights):
    """The maxima of windows of two, weighed."""
    layers = [mx.MaxPool2d((1, 2), (1, 1)), mx.Flatten(), mx.Linear(row(weights))]
    return mx.Network.sequential(layers)


@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
@pytest.mark.parametrize(
    ("x", "reference", "answer"),
    [
        ((1, 4), (3, 0), (0, 1)),  # rose: all to the winner under x, though it moved by 4
        ((0, 1), (5, 3), (-4, 0)),  # fell: all to the winner under the reference, which fell by 5
        ((4, 1), (1, 4), (0, 0)),  # stayed, and both moved: nothing
        ((2, 5), (2, 5), (0, 0)),  # nothing moved
        ((7, 2), (3, 5), (2, 0)),  # rose by 2, the winner by 4
    ],
)
def test_a_maximum_of_two(method, x, reference, answer):
    pictures = [row(*p).reshape(1, 1, 2) for p in (x, reference)]
    e = mx.explain(maximum(1), pictures[0], method, target=0, baseline=pictures[1])
    assert (e.relevance.ravel() == row(*answer)).all()
    assert e.total == e.expected == max(x) - max(reference)


@pytest.mark.parametrize(
    ("x", "reference", "multipliers"),
    [((2, 5), (3, 5), (0, 1)), ((5, 4), (5, 3), (1, 0)), ((4, 1), (1, 4), (0, 0)), ((1, 3), (3, 1), (0, 0))],
)
def test_an_unchanged_maximum_has_multiplier_one_where_its_winner_did_not_move(x, reference, multipliers):
    pictures = [row(*p).reshape(1, 1, 2) for p in (x, reference)]
    e = mx.explain(maximum(1), pictures[0], RESCALE, target=0, baseline=pictures[1])
    assert (e.signals["input"].ravel() == row(*multipliers)).all()


@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
def test_overlapping_windows_that_credit_one_pixel_add(method):
    x, reference = row(1, 6, 2).reshape(1, 1, 3), row(4, 0, 3).reshape(1, 1, 3)
    e = mx.explain(maximum(1, 10), x, method, target=0, baseline=reference)
    assert (e.relevance.ravel() == row(0, (6 - 4) + 10 * (6 - 3), 0)).all()


# -- References --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
def test_several_references_are_the_mean_of_each(method):
    network, x, reference = case(1, "eighths")
    references = np.stack([reference, 0 * x, -x])
    e = mx.explain(network, x, method, target=1, baseline=references)
    each = [mx.explain(network, x, method, target=1, baseline=one) for one in references]
    assert (e.relevance == sum(one.relevance for one in each) / 3).all()
    assert e.expected == sum(one.expected for one in each) / 3 == e.total
    for name, signal in e.signals.items():
        assert (signal == sum(one.signals[name] for one in each) / 3).all()


@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
def test_the_reference_is_the_network_s_black_picture_or_zeros(method):
    plain = neuron((3, -1), 1)
    e = mx.explain(mx.Network(plain.nodes, black=row(1, 1)), row(2, 1), method, target=0)
    assert (e.relevance == row(3, 0)).all()
    assert e.expected == 3
    assert "baseline: black" in repr(e)
    zeros = mx.explain(plain, row(2, 1), method, target=0)
    assert (zeros.relevance == row(6, -1)).all()
    assert zeros.expected == 5
    assert "baseline: zeros" in repr(zeros)


@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
def test_picture_and_reference_the_same(method):
    e = mx.explain(two_pixels(), MIN_AT, method, target=0, baseline=MIN_AT)
    assert (e.relevance == 0).all()
    assert e.expected == 0


def test_nothing_moved_is_the_gradient_at_the_reference():
    e = mx.explain(two_pixels(), MIN_AT, RESCALE, target=0, baseline=MIN_AT)
    assert (e.signals["input"] == row(0, 1)).all()


def test_reveal_cancel_signals_have_a_leading_axis_of_two():
    e = mx.explain(two_pixels(), np.stack([MIN_AT, MIN_AT]), REVEALCANCEL, target=0)
    assert e.signals["linear1"].shape == (2, 2, 2)
    assert e.signals["linear2"].shape == (2, 2, 1)
    assert e[1].signals["linear2"].shape == (2, 1)
    assert (e[1].signals["linear1"] == e.signals["linear1"][:, 1]).all()


def test_a_batch_norm_that_stands_is_refused_by_reveal_cancel_only():
    norm = mx.BatchNorm2d(row(0, 1), row(3, 0), eps=1)
    network = mx.Network.sequential([mx.ReLU(), norm, mx.Linear(row((1, 1)))], input_shape=(2,))
    with pytest.raises(mx.UnsupportedOp, match="revealcancel has no rule for node 'batchnorm1', a BatchNorm2d"):
        mx.explain(network, row(2, 3), REVEALCANCEL, target=0)
    e = mx.explain(network, row(2, 3), RESCALE, target=0)
    assert (e.relevance == row(1, 3)).all()


def test_the_exact_table_has_no_batch_norm():
    assert mx.BatchNorm2d not in TABLE
    assert mx.BatchNorm2d in mx.rules(RESCALE)


# -- Floats: a difference below the threshold is rounding --------------------------------------------------------------


def gate():
    """relu(x)."""
    return mx.Network.sequential([mx.Linear(np.ones((1, 1))), mx.ReLU()])


@pytest.mark.parametrize(
    ("dtype", "below", "above"), [(np.float64, 0.99e-7, 1.01e-7), (np.float32, 0.99e-5, 1.01e-5)]
)
@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
def test_the_threshold_of_a_difference(method, dtype, below, above):
    """From -d/2 to d/2 the multiplier is 1/2; below the threshold it is the gradient at the reference, 0."""
    network = gate().astype(np.dtype(dtype).name)

    def multiplier(d):
        x = np.array([d / 2], dtype)
        e = mx.explain(network, x, method, target=0, baseline=-x)
        return e.signals["linear1"].reshape(-1)[0]

    assert multiplier(below) == 0
    assert multiplier(above) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("method", [RESCALE, REVEALCANCEL])
@pytest.mark.parametrize("seed", range(6))
def test_floats_are_the_fractions_to_rounding(seed, method):
    network, x, reference = case(seed, "normal")
    ours = mx.explain(network, x, method, target=0, baseline=reference).relevance
    theirs = mx.explain(network.astype("exact"), mx.exact(x), method, target=0, baseline=mx.exact(reference)).relevance
    assert abs(ours - theirs.astype(float)).max() <= 1e-11 * abs(ours).max()


def test_summation_in_fractions_of_a_third():
    """Nothing here depends on dyadic numbers."""
    third = F(1, 3)
    network = mx.Network.sequential([mx.Linear(row((third, -third), (1, third))), mx.ReLU(), mx.Linear(row((3, 5)))])
    for method in (RESCALE, REVEALCANCEL):
        e = mx.explain(network, row(F(2, 7), F(-3, 7)), method, target=0, baseline=row(F(-1, 5), F(1, 9)))
        assert e.total == e.expected
