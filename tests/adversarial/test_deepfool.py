"""DeepFool: the closed form on linear networks in exact arithmetic, by hand, in the box, with and without a target."""

import numpy as np
import pytest

import minixai as mx
from minixai.adversarial import attack
from minixai.adversarial.aim import Aim
from minixai.adversarial.deepfool import deepfool, shortest_step, to_border
from tests.adversarial.examples import F, aim, convolutional, linear, pictures


def test_a_step_by_hand():
    """S = (5, 3, 2), slopes (1,0), (1,1), (3,3): to class 1 it is 2 far, to class 2 9/13 squared is nearer."""
    G = [[1, 0], [1, 1], [3, 3]]
    network, x = linear(G, [5, 3, 2]), mx.exact([[0, 0]])
    tape = mx.forward(network, x)
    rivals = np.array([[False, True, True]])
    step = shortest_step(tape, np.array([0]), rivals)
    assert step.tolist() == [[F(6, 13), F(9, 13)]]
    after = network(x + step)[0]
    assert after[0] == after[2] > after[1]  # a tie with class 2, not with the closer-scored class 1
    only = shortest_step(tape, np.array([0]), np.array([[False, True, False]]))
    assert only.tolist() == [[0, 2]]


def closed_form(weights, bias, x, c):
    """min_k (S_c - S_k)^2 / ||w_c - w_k||^2, one class after the other."""
    S = weights @ x + bias
    found = []
    for k in range(len(S)):
        w = weights[c] - weights[k]
        if k != c and (w * w).sum():
            found.append((S[c] - S[k]) ** 2 / (w * w).sum())
    return min(found)


@pytest.mark.parametrize("seed", range(8))
def test_on_a_linear_classifier_the_norm_is_the_closed_form_exactly(seed):
    rng = np.random.default_rng(seed)
    weights, bias = mx.exact(rng.integers(-5, 6, (4, 5))), mx.exact(rng.integers(-5, 6, 4))
    network, x = linear(weights, bias), mx.exact(rng.integers(-8, 9, (3, 5)) / 8)
    labels = np.argmax(network(x), axis=1)
    a = attack(network, x, "deepfool", box=None, overshoot=F(1, 50))
    assert a.success.all() and (a.steps == 1).all() and (a.evaluations == 2).all()
    for i, c in enumerate(labels):
        assert a.l2_squared[i] == F(51, 50) ** 2 * closed_form(weights, bias, x[i], c)
    touching = attack(network, x, "deepfool", box=None, overshoot=0, steps=1)
    for i, c in enumerate(labels):
        assert touching.l2_squared[i] == closed_form(weights, bias, x[i], c)
        best = np.sort(touching.scores_after[i])[-2:]
        assert best[0] == best[1]  # on the border


def test_to_the_border_and_its_distance():
    reach, step = to_border(mx.exact([[-6], [0], [-1]]), mx.exact([[[3, 0, 4]], [[1, 0, 0]], [[0, 0, 0]]]))
    assert reach[:2].tolist() == [[F(36, 25)], [0]] and reach[2, 0] == np.inf
    assert step.tolist() == [[[F(18, 25), 0, F(24, 25)]], [[0, 0, 0]], [[0, 0, 0]]]


def test_the_classes_may_come_a_few_at_a_time():
    network, x = convolutional(classes=7), pictures(1, 3, 2, 6, 6)
    one, all_ = (Aim(network, x, np.argmax(network(x), 1), None, None) for _ in range(2))
    few, many = deepfool(one, at_once=3), deepfool(all_, at_once=100)
    np.testing.assert_allclose(few.x, many.x, rtol=1e-12)
    assert (few.steps == many.steps).all()


def test_without_limits_it_changes_every_decision():
    network, x = convolutional(), pictures(2, 12, 2, 6, 6)
    a = attack(network, x, "deepfool", box=None)
    assert a.success.all() and (a.steps <= 5).all() and (a.evaluations == a.steps + 1).all()
    c = np.arange(12), a.label_before
    rest = a.scores_after.copy()
    rest[c] = -np.inf
    assert ((rest.max(axis=1) - a.scores_after[c]) < 0.1 * abs(np.ptp(a.scores_before, axis=1))).all()  # just over


def test_no_random_change_of_its_length_is_as_good():
    """A hundred directions of the same length; the network keeps its decision in nearly all of them."""
    network, x = convolutional(), pictures(2, 12, 2, 6, 6)
    a = attack(network, x, "deepfool", box=None)
    rng, kept = np.random.default_rng(0), []
    for _ in range(100):
        way = rng.standard_normal(x.shape)
        way *= (a.l2 / np.sqrt((way**2).sum(axis=(1, 2, 3)))).reshape(-1, 1, 1, 1)
        kept.append(np.argmax(network(x + way), axis=1) == a.label_before)
    assert np.mean(kept) > 0.95


def test_every_target_is_reached():
    network, x = convolutional(), pictures(3, 10, 2, 6, 6)
    before = np.argmax(network(x), axis=1)
    for shift in (1, 2, 3):
        a = attack(network, x, "deepfool", (before + shift) % 4, box=None)
        assert (a.label_after == (before + shift) % 4).all() and a.success.all()


def test_with_a_target_the_border_is_with_the_class_that_is_ahead():
    """From class 0 the way to class 2 leads through class 1; steps from 0's border alone would stay in 1."""
    network = linear([[0, 0], [4, 0], [5, 1]], [1, 0, -4])
    x = mx.exact([[0, 0]])
    found = deepfool(aim(network, x, target=2), overshoot=F(1, 50))
    assert np.argmax(network(found.x), axis=1) == [2] and found.steps[0] > 1


def test_a_pixel_at_the_border_of_the_box_is_left_out():
    """Pixel 1 should go up but is white already: pixel 2 goes the whole way, a distance of 1/2 / 1."""
    network, x = linear([[0, 0], [1, 1]], [F(3, 2), 0]), mx.exact([1, 0])
    free = attack(network, x, "deepfool", box=None, overshoot=F(1, 50))
    assert free.perturbation.tolist() == [F(51, 200)] * 2
    boxed = attack(network, x, "deepfool", box=(0, 1), overshoot=F(1, 50))
    assert boxed.perturbation.tolist() == [0, F(51, 100)] and boxed.success and boxed.steps == 1


def test_a_step_that_meets_the_box_is_clipped_and_another_follows():
    network, x = linear([[0, 0], [1, 1]], [F(3, 2), 0]), mx.exact([F(9, 10), 0])
    a = attack(network, x, "deepfool", box=(0, 1), overshoot=F(1, 50))
    first = F(51, 50) * F(3, 5) / 2
    second = F(51, 50) * (F(1, 2) - first)
    assert a.adversarial.tolist() == [1, first + second] and a.success and a.steps == 2


def test_real_digits_stand_on_the_border_of_their_box():
    """Most of a digit is empty paper, that cannot become emptier; of all twenty decisions none survives."""
    from minixai.zoo import digits

    network, x = mx.load("digits"), digits.samples().x
    a = attack(network, x, "deepfool")
    assert a.success.all() and np.median(a.l2) < 1
    b = attack(network, x, "deepfool", (a.label_before + 1) % 10)
    assert b.success.all() and (b.label_after == (a.label_before + 1) % 10).all() and (b.l2 >= 0.9 * a.l2).all()
    for found in (a, b):
        assert found.adversarial.min() >= 0 and found.adversarial.max() <= 1 and found.adversarial.dtype == np.float32


def test_what_cannot_be_reached_is_said():
    """No border within the box, no slope at all, too few steps."""
    far = attack(linear([[0, 0], [1, 1]], [9, 0]), mx.exact([F(1, 2)] * 2), "deepfool", box=(0, 1))
    assert not far.success and far.adversarial.tolist() == [1, 1] and far.steps == 1
    flat = attack(linear([[0, 0], [0, 0]], [9, 0]), mx.exact([F(1, 2)] * 2), "deepfool", box=None)
    assert not flat.success and not flat.perturbation.any() and flat.steps == 0
    network, x = convolutional(), pictures(3, 1, 2, 6, 6)
    target = (int(np.argmax(network(x))) + 1) % 4
    long = attack(network, x, "deepfool", target)
    short = attack(network, x, "deepfool", target, steps=1)
    assert long.steps[0] > 1 and short.steps[0] == 1 and short.evaluations[0] == 2 and not short.success[0]


def test_pictures_that_arrived_are_left_alone():
    """A picture gets the same answer alone and among others."""
    network, x = convolutional(), pictures(2, 12, 2, 6, 6)
    together = attack(network, x, "deepfool")
    for i in range(12):
        alone = attack(network, x[i], "deepfool")
        np.testing.assert_allclose(alone.adversarial, together.adversarial[i], rtol=1e-10, atol=1e-12)
        assert alone.steps == together.steps[i]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"overshoot": -0.1}, "overshoot is -0.1; expected a number of at least 0"),
        ({"overshoot": "x"}, "overshoot is 'x'; expected one number"),
        ({"overshoot": float("inf")}, "overshoot is inf; expected one finite number"),
        ({"steps": 0}, "steps is 0; expected a whole number of at least 1"),
        ({"steps": 2.5}, "steps is 2.5; expected a whole number"),
        ({"eps": 1}, "eps is not a parameter of deepfool; expected overshoot, steps"),
    ],
)
def test_bad_parameters(params, sentence):
    with pytest.raises(ValueError, match=sentence):
        attack(convolutional(), pictures(0, 2, 6, 6), "deepfool", **params)
