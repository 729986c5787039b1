"""The front door, the record and the report."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

import minixai as mx
from minixai.adversarial import ATTACKS, Attack, Box, attack, report, success_rate
from tests.adversarial.examples import F, convolutional, linear, pictures

QUICK = {"fgsm": {"eps": 0.2}, "deepfool": {}, "one-pixel": {"population": 20, "generations": 3}}
CLASSES = ("ant", "bee", "cat", "dog")


@pytest.fixture(params=QUICK)
def each(request):
    return request.param, QUICK[request.param]


def test_there_are_three():
    assert set(ATTACKS) == set(QUICK)


def test_one_picture_has_no_batch_axis(each):
    method, params = each
    network, x = convolutional(), pictures(0, 3, 2, 6, 6)
    many, one = attack(network, x, method, **params), attack(network, x[1], method, **params)
    assert one.adversarial.shape == (2, 6, 6) and one.scores_after.shape == (4,) and np.ndim(one.l2) == 0
    for field in ("label_before", "label_after", "success", "l0", "l2", "linf", "steps", "evaluations"):
        assert getattr(one, field) == pytest.approx(getattr(many, field)[1], rel=1e-9), field
        assert getattr(many[1], field) == getattr(many, field)[1]
    assert len(many) == 3 and (many[1].adversarial == many.adversarial[1]).all()
    with pytest.raises(TypeError, match="single picture"):
        len(one)
    with pytest.raises(IndexError, match="picture 3 of 3"):
        many[3]


def test_what_is_recorded_is_what_the_network_says(each):
    method, params = each
    network, x = convolutional(), pictures(0, 6, 2, 6, 6)
    x_kept = x.copy()
    a = attack(network, x, method, **params)
    assert (x == x_kept).all() and (a.x == x).all()
    np.testing.assert_allclose(a.scores_before, network(x), rtol=1e-12)
    np.testing.assert_allclose(a.scores_after, network(a.adversarial), rtol=1e-12)
    assert (a.success == (np.argmax(network(a.adversarial), 1) != np.argmax(network(x), 1))).all()
    assert (a.perturbation == a.adversarial - x).all() and a.params.items() >= params.items()


def test_both_engines_agree(each, each_engine):
    method, params = each
    a = attack(convolutional(), pictures(0, 4, 2, 6, 6), method, **params)
    with mx.use("reference"):
        b = attack(convolutional(), pictures(0, 4, 2, 6, 6), method, **params)
    np.testing.assert_allclose(a.adversarial, b.adversarial, rtol=1e-9, atol=1e-12)


def test_parts_of_a_batch_do_not_change_it(each):
    method, params = each
    network, x = convolutional(), pictures(0, 5, 2, 6, 6)
    a, b = (attack(network, x, method, at_once=n, **params) for n in (2, 64))
    np.testing.assert_allclose(a.adversarial, b.adversarial, rtol=1e-9, atol=1e-12)
    assert (a.steps == b.steps).all()


def made(x, adversarial, box=None):
    """A record of a change made by hand."""
    scores, none = np.zeros((len(x), 2)), np.zeros(len(x), int)
    return Attack("by hand", convolutional(), x, adversarial, scores, scores, None, box, none, none, {})


def test_norms_by_hand():
    """Two pixels of two channels change, by (3, 4) and by (0, -12); in a box from -1 to 1 a pixel unit is 2."""
    x = np.zeros((2, 2, 2, 2))
    new = x.copy()
    new[0, :, 0, 1] = 3, 4
    new[0, 1, 1, 0] = -12
    a = made(x, new)
    assert a.l0.tolist() == [2, 0] and a.l2.tolist() == [13, 0] and a.linf.tolist() == [12, 0]
    assert a.l2_squared.tolist() == [169, 0]
    halves = made(x, new, Box(np.float64(-1), np.float64(1)))
    assert halves.l2.tolist() == [6.5, 0] and halves.linf.tolist() == [6, 0] and halves.l0.tolist() == [2, 0]


def test_exact_norms_are_fractions():
    a = attack(linear([[1, 0], [0, 1]]), mx.exact([1, F(1, 3)]), "deepfool", box=None, overshoot=0)
    assert a.l2_squared == F(2, 9) and a.linf == F(1, 3) and a.l2 == pytest.approx(2**0.5 / 3)


def test_the_report_by_hand():
    """Three pictures, two of them changed: medians of norms over those two, of steps over all."""
    network = linear([[1, 0], [0, 1]], dtype="float64")
    x = np.array([[0.5, 0.4], [0.5, 0.3], [1.0, 0.0]])
    a = attack(network, x, "fgsm", eps=0.2, box=(0, 1))
    found = report(a)
    assert a.success.tolist() == [True, True, False] and success_rate(a) == pytest.approx(2 / 3)
    assert (found.pictures, found.successes, found.method, found.params) == (3, 2, "fgsm", {"eps": 0.2})
    assert found.l0 == 2 and found.linf == pytest.approx(0.2) and found.l2 == pytest.approx(0.2 * 2**0.5)
    assert found.steps == found.evaluations == 1
    assert found.as_text() == (
        "fgsm: 2 of 3 changed, 67 %; median of 2 pixels, l2 0.283, linf 0.2; 1 steps, 1 evaluations"
    )
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["successes"] == 2
    assert found.as_text() in repr(a)


def test_a_report_on_nothing_but_failures_has_no_norms():
    a = attack(linear([[1, 0], [0, 1]], dtype="float64"), np.array([[1.0, 0.0]]), "fgsm", box=(0, 1))
    found = report(a)
    assert found.success_rate == 0 and found.l0 is found.l2 is found.linf is None
    assert found.as_text() == "fgsm: 0 of 1 changed, 0 %; 1 steps, 1 evaluations"
    with pytest.raises(ValueError, match="single picture; report on a batch"):
        report(a[0])


def test_classes_by_name_and_by_number():
    network, x = convolutional(classes=4), pictures(0, 1, 2, 6, 6)
    named = replace(network, classes=CLASSES)
    c = (int(np.argmax(network(x))) + 1) % 4
    a, b, d = (attack(named, x[0], "deepfool", t, box=None) for t in (c, CLASSES[c], [c]))
    assert a.target == b.target == d.target == c and a.success
    assert (a.adversarial == b.adversarial).all()
    assert repr(a).startswith(f"Attack(deepfool, {CLASSES[int(a.label_before)]} -> {CLASSES[c]}, l0 ")


def test_the_bar(capsys):
    attack(convolutional(), pictures(0, 2, 2, 6, 6), "one-pixel", progress=True, population=4, generations=2)
    shown = capsys.readouterr().err
    assert "one-pixel" in shown and "generations" in shown
    attack(convolutional(), pictures(0, 2, 2, 6, 6), "one-pixel", progress=False, population=4, generations=2)
    assert capsys.readouterr().err == ""


X = pictures(0, 2, 2, 6, 6)
LABEL = int(np.argmax(convolutional()(X)[0]))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"method": "fgms"}, r"attack 'fgms' is not known; did you mean fgsm\?"),
        ({"method": None}, "attack None is not known; known: fgsm, deepfool, one-pixel"),
        ({"network": 3}, "got a int as network; expected a minixai Network"),
        ({"x": X[:0]}, r"x has shape \(0, 2, 6, 6\), which is empty; expected at least one picture"),
        ({"x": X * np.nan}, "x holds NaN or infinite values"),
        ({"x": (255 * X).astype(np.uint8)}, "x has dtype uint8; expected float32, float64 or fractions"),
        ({"x": 2 * X + 1}, r"x goes from 1.\d+ to 2.\d+ and leaves the box, 0 to 1; make x with net.preprocess"),
        ({"target": LABEL}, f"picture 0 is '{LABEL}' to the network already; choose another target for it"),
        ({"target": 4}, "target is 4; expected a class number from 0 to 3, or a class name"),
        ({"target": True}, "target is True; expected a class number"),
        ({"target": "cat"}, "target 'cat' is not a class; this network has no class names, give a number"),
        ({"target": [1, 2, 3]}, "got 3 targets for 2 pictures; expected one for all, or one each"),
        ({"box": "net"}, r"box is 'net'; expected 'network', \(lowest, highest\), or None"),
        ({"box": (1, 0)}, "box is from 1 to 0; expected the lowest value below the highest"),
        ({"box": 1}, r"box is 1; expected \(lowest, highest\) value of a pixel"),
        ({"box": (0, 1, 2)}, r"box is \(0, 1, 2\); expected \(lowest, highest\)"),
        ({"box": (0, np.nan)}, "box holds"),
        ({"box": ("a", 1)}, "box holds something else than finite numbers"),
        ({"box": (np.zeros(5), 1)}, r"a bound of the box has shape \(5,\); expected a number, or something that"),
        ({"at_once": 0}, "at_once is 0; expected a whole number of at least 1"),
        ({"progress": "yes"}, "progress is 'yes'; expected True, False, or None"),
    ],
)
def test_bad_input(given, sentence):
    """One sentence: what was given, what is expected."""
    network, x, method = given.pop("network", convolutional()), given.pop("x", X), given.pop("method", "fgsm")
    with pytest.raises(ValueError, match=sentence) as caught:
        attack(network, x, method, **given)
    assert "\n" not in str(caught.value)


def test_networks_that_do_not_fit():
    with pytest.raises(ValueError, match="this network does not say what pixels there are; give box="):
        attack(convolutional(box=None), X, "fgsm")
    with pytest.raises(ValueError, match="the network has one class and never decides otherwise"):
        attack(linear([[1, 1]], dtype="float64"), np.ones(2), "fgsm", box=(0, 1))
    with pytest.raises(ValueError, match="end with a Flatten"):
        attack(mx.Network.sequential([mx.ReLU()], box=(0, 1)), X, "fgsm")
