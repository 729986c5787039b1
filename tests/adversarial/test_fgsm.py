"""FGSM: by hand, the slope it follows against finite differences, and limits that not one ulp may pass."""

import warnings
from itertools import product

import numpy as np
import pytest

import minixai as mx
from minixai.adversarial import Box, attack
from minixai.adversarial.fgsm import loss_seed, stepped
from minixai.adversarial.limits import box_of
from tests.adversarial.examples import F, convolutional, linear, pictures

UNIT = (0, 1)


def test_a_step_by_hand():
    """Two pixels meet the box, one has no slope and stays."""
    x, slope = mx.exact([[F(9, 10), F(1, 2), F(1, 5)]]), mx.exact([[2, 0, F(-1, 2)]])
    limits = box_of(UNIT, x).around(x, F(1, 4))
    assert stepped(x, slope, limits).tolist() == [[1, F(1, 2), 0]]
    assert stepped(x, -slope, limits).tolist() == [[F(13, 20), F(1, 2), F(9, 20)]]


def test_the_score_moves_by_eps_times_the_sum_of_the_weights():
    """w = (2, -1, 1), eps 1/4: by 1, exactly; the other score is always 0, so the slope's sign is w's."""
    network, x = linear([[2, -1, 1], [0, 0, 0]]), mx.exact([F(1, 2)] * 3)
    a = attack(network, x, "fgsm", eps=F(1, 4), box=UNIT)
    assert a.scores_before[0] - a.scores_after[0] == 1
    assert a.perturbation.tolist() == [F(-1, 4), F(1, 4), F(-1, 4)] and a.linf == F(1, 4) and a.l2_squared == F(3, 16)
    assert (a.label_before, a.label_after, a.success) == (0, 0, False)  # 1 - 1 = 0: a tie, and the first class has it
    assert attack(network, x, "fgsm", eps=F(13, 50), box=UNIT).success


def test_a_hundred_small_steps_add_up():
    """A hundred weights of +-1 and eps = 1/50 move the score by 2; the same steps, signs at random, by about 1/5."""
    signs = np.random.default_rng(0).choice([-1, 1], 100)
    network, x = linear([signs, 0 * signs], [50, 0]), mx.exact([F(1, 2)] * 100)
    a = attack(network, x, "fgsm", eps=F(1, 50), box=UNIT)
    assert a.scores_before[0] - a.scores_after[0] == 2
    at_random = np.random.default_rng(1).choice([-1, 1], (1000, 100)) @ signs / 50
    assert abs(at_random).max() < 1 and 0.18 < at_random.std() < 0.22


def test_with_a_target_it_goes_the_other_way():
    network, x = linear([[2, -1, 1], [0, 0, 0]]), mx.exact([F(1, 2)] * 3)
    away, towards = (attack(network, x, "fgsm", target, eps=F(1, 4), box=UNIT) for target in (None, 1))
    assert (away.adversarial == towards.adversarial).all()  # of two classes, away from one is towards the other
    three = linear([[3, 0], [0, 2], [0, -1]], dtype="float64")
    steps = [attack(three, np.array([0.5, 0.5]), "fgsm", t, eps=0.125, box=UNIT).perturbation.tolist() for t in (1, 2)]
    assert steps == [[-0.125, 0.125], [-0.125, -0.125]]


def cross_entropy(network, x, c):
    S = network(x)
    top = S.max(axis=1)
    return top + np.log(np.exp(S - top[:, None]).sum(axis=1)) - S[np.arange(len(x)), c]


@pytest.mark.parametrize("target", [None, 3])
def test_every_pixel_moves_up_or_down_the_cross_entropy(target):
    """Against central differences of the cross-entropy itself, pixel by pixel."""
    network, x = convolutional(), 0.25 + pictures(1, 3, 2, 6, 6) / 2
    target = target and (np.argmax(network(x), axis=1) + target) % 4
    a = attack(network, x, "fgsm", target, eps=1e-3)
    c, h, way = a.label_before if target is None else a.target, 1e-6, 1 if target is None else -1
    seen = 0
    for at in np.ndindex(x.shape[1:]):
        moved = np.zeros_like(x)
        moved[(slice(None), *at)] = h
        slope = (cross_entropy(network, x + moved, c) - cross_entropy(network, x - moved, c)) / (2 * h)
        clear = abs(slope) > 1e-7
        seen += clear.sum()
        assert (np.sign(a.perturbation[(slice(None), *at)])[clear] == way * np.sign(slope)[clear]).all()
    assert seen > 150


def test_it_is_not_blinded_by_a_network_that_is_sure():
    """With a margin of 200 the probabilities are 1 and 0 in float32, and the slope of the loss is rounded to 0."""
    x = np.full((1, 3), 0.5, np.float32)
    for gap in (1, 200):
        network = linear([[2, -1, 1], [0, 0, 0], [0, 0, 1]], [gap, 0, -1], "float32")
        a = attack(network, x, "fgsm", eps=0.25, box=UNIT)
        assert a.perturbation.tolist()[0][:2] == [-0.25, 0.25]


def test_the_seed_is_the_slope_of_the_loss_up_to_a_positive_factor():
    scores = np.random.default_rng(2).standard_normal((6, 5))
    wanted = np.arange(6) % 5
    p = mx.Softmax().forward(scores)
    true = p - np.eye(5)[wanted]
    np.testing.assert_allclose(loss_seed(scores, wanted) * (1 - p[np.arange(6), wanted])[:, None], true, rtol=1e-12)


# -- the limits --------------------------------------------------------------------------------------------------------

EPS = (0.0, 1e-9, 0.02, 0.1, 1 / 3, 0.7, 1.0)
BOXES = ((0.0, 1.0), (-0.1, 0.3), (-2.1179039, 2.64), (1e-3, 1e5), (F(1, 3), F(2, 3)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("bounds", "eps"), list(product(BOXES, EPS)))
def test_not_one_ulp_beyond_the_box_or_the_ball(dtype, bounds, eps):
    """In exact arithmetic every end is inside both, and within a few ulps of where it would be without rounding."""
    low, high = (F(bound) for bound in bounds)
    kind = np.dtype(dtype).type
    rng = np.random.default_rng(3)
    x = (float(low) + rng.random((1, 60)) * float(high - low)).astype(dtype)
    x[0, :2] = np.nextafter(kind(low), kind(high)), np.nextafter(kind(high), kind(low))
    limits = box_of(bounds, x).around(x, F(eps))
    radius, ulp = F(eps) * (high - low), F(float(np.spacing(kind(max(abs(low), abs(high))))))
    for start, down, up in zip(*(map(F, map(float, a[0])) for a in (x, limits.low, limits.high)), strict=True):
        assert low <= down <= start <= up <= high
        assert start - down <= radius and up - start <= radius
        assert down - max(low, start - radius) <= 3 * ulp and min(high, start + radius) - up <= 3 * ulp


def test_plain_addition_would_leave_the_ball():
    """What the test above is there for: of 4000 sums x + eps, many are further than eps from x."""
    x = pictures(4, 1, 4000, dtype="float32") * np.float32(0.9)
    eps = np.float32(0.02)
    naive = [F(float(b)) - F(float(a)) > F(float(eps)) for a, b in zip(x[0], (x + eps)[0], strict=True)]
    ours = box_of(UNIT, x).around(x, F(float(eps))).high
    assert 0.2 < np.mean(naive) < 0.8
    assert not any(F(float(b)) - F(float(a)) > F(float(eps)) for a, b in zip(x[0], ours[0], strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_attacks_stay_inside_too(dtype):
    facts = {"box": (np.array([-1.3, -0.7]).reshape(2, 1, 1), np.array([2.2, 1.9]).reshape(2, 1, 1))}
    network = convolutional(dtype=dtype, **facts)
    low, high = facts["box"]
    x = (low + (high - low) * pictures(6, 4, 2, 6, 6)).astype(dtype)
    x[:, :, 0] = box_of((low, high), x).high[..., 0]  # a row of white pixels
    others = (np.argmax(network(x), axis=1) + 1) % 4
    for eps, target in product((0.02, 0.3, 1.0), (None, others)):
        a = attack(network, x, "fgsm", target, eps=eps)
        limit = mx.exact(eps) * (mx.exact(a.box.high) - mx.exact(a.box.low))
        assert (a.adversarial >= low).all() and (a.adversarial <= high).all() and a.adversarial.dtype == dtype
        assert (abs(mx.exact(a.adversarial) - mx.exact(x)) <= limit).all() and a.perturbation.any()


def test_eps_is_in_pixel_units():
    """The same picture under another preprocessing is moved by as many pixel units, not by as many of x's units."""
    x = 0.25 + pictures(7, 1, 2, 6, 6) / 2
    a = attack(convolutional(), x, "fgsm", eps=0.1)
    wide = attack(convolutional(box=(-4.0, 4.0)), x, "fgsm", eps=0.1)
    assert a.linf == pytest.approx(0.1) and wide.linf == pytest.approx(0.1)
    assert abs(wide.perturbation).max() == pytest.approx(0.8)


def test_pixels_without_a_slope_stay():
    """Behind a closed gate nothing has a slope: nothing moves, and the attack says that it failed."""
    layers = [mx.Linear(np.array([[1.0, 0.0]]), np.array([-9.0])), mx.ReLU(), mx.Linear(np.array([[1.0], [2.0]]))]
    a = attack(mx.Network.sequential(layers), np.array([0.5, 0.5]), "fgsm", eps=0.5, box=UNIT)
    assert not a.perturbation.any() and not a.success and a.l0 == 0 and a.evaluations == 1


def test_exact_only_where_the_sign_can_be_told():
    network = linear([[1, 0], [0, 1], [1, 1]])
    with pytest.raises(mx.UnsupportedOp, match="of 3 classes has no rational slope"):
        attack(network, mx.exact([1, F(1, 2)]), "fgsm", box=(0, 1))


def test_exact_and_float_agree():
    network, x = linear([[3, -1, 0, 2], [1, 1, 0, -1]], [1, 0]), mx.exact([F(1, 4), F(3, 4), F(1, 2), F(7, 8)])
    a = attack(network, x, "fgsm", eps=F(1, 4), box=UNIT)
    b = attack(network.astype("float64"), x.astype(float), "fgsm", eps=0.25, box=UNIT)
    assert a.adversarial.astype(float).tolist() == b.adversarial.tolist() == [0, 1, 0.5, 0.625]


def test_no_warnings_for_large_numbers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.array([[1e30, -1e30]], np.float32)
        Box(np.float32(-2e30), np.float32(2e30)).around(x, F(1, 10))


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"eps": -0.1}, "eps is -0.1; expected a number from 0 to 1, in pixel units"),
        ({"eps": 8}, "eps is 8; expected a number from 0 to 1, in pixel units"),
        ({"eps": float("nan")}, "eps is nan; expected one finite number"),
        ({"eps": "8/255 "}, "eps is '8/255 '; expected one number"),
        ({"eps": [0.1]}, r"eps is \[0.1\]; expected one number"),
        ({"overshoot": 1}, "overshoot is not a parameter of fgsm; expected eps"),
        ({"box": None}, r"fgsm needs to know the lowest and highest value of a pixel; give box=\(low, high\)"),
    ],
)
def test_bad_parameters(params, sentence):
    with pytest.raises(ValueError, match=sentence):
        attack(convolutional(), pictures(0, 2, 6, 6), "fgsm", **params)
