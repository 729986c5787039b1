"""The figure of an attack: its panels, its factor, its words; and that everything in it can be read."""

import numpy as np
import pytest

import minixai as mx
from minixai.adversarial import attack
from minixai.draw.attacks import attack_figure, attack_words, magnified_by
from minixai.zoo import digits
from tests.adversarial.examples import convolutional, linear, pictures
from tests.draw.test_figures import assert_readable, titles, written


@pytest.fixture(scope="module")
def three():
    """A handwritten three, attacked in three ways."""
    network, x = mx.load("digits"), digits.samples().x[6]
    quick = {"population": 40, "generations": 3}
    wanted = {"fgsm": (None, {"eps": 0.1}), "deepfool": (None, {}), "one-pixel": ("nine", quick)}
    return {method: attack(network, x, method, target, **params) for method, (target, params) in wanted.items()}


def images(figure):
    """{title: what the panel shows} of the first row."""
    found = {}
    for axes in figure.axes:
        if axes.images:
            found.setdefault(axes.get_title(loc="left"), np.asarray(axes.images[0].get_array()))
    return found


def test_the_panels_in_order(three):
    figure = attack_figure(three)
    assert titles(figure) == [
        "picture", "change, times 5", "attacked", "probability",
        "picture", "change, times 1", "attacked", "probability",
        "picture", "change, times 1", "attacked", "probability",
    ]  # fmt: skip
    assert_readable(figure)


@pytest.mark.parametrize("method", ["fgsm", "deepfool", "one-pixel"])
def test_what_is_shown_is_what_was_done(three, method):
    """Change = grey + factor * (attacked - picture), in the units of the panels."""
    found = images(attack_figure({method: three[method]}))
    picture, change, attacked = found.values()
    (factor,) = (float(name.split()[-1]) for name in found if name.startswith("change"))
    np.testing.assert_allclose(change, 0.5 + factor * (attacked - picture), atol=1e-7)
    np.testing.assert_allclose(picture[..., 0], three[method].x[0], atol=1e-7)
    assert 0.2 <= abs(change - 0.5).max() <= 0.5 + 1e-6


def test_colours_and_a_box_that_is_not_0_to_1():
    network = convolutional(channels=3, box=(-2.0, 2.0))
    a = attack(network, 4 * pictures(0, 3, 6, 6) - 2, "fgsm", eps=0.05)
    picture, change, attacked = images(attack_figure(a)).values()
    np.testing.assert_allclose(picture, np.moveaxis(a.x + 2, 0, -1) / 4)
    np.testing.assert_allclose(change, 0.5 + 10 * (attacked - picture), atol=1e-12)


def test_few_pixels_are_circled(three):
    """On the change and on the attacked picture, where the pixel is; not in the other rows."""
    figure = attack_figure(three)
    marks = [[line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"] for axes in figure.axes]
    a = three["one-pixel"]
    ((y, x),) = np.argwhere(a.perturbation[0] != 0)
    panels = [spots for axes, spots in zip(figure.axes, marks, strict=True) if axes.get_title(loc="left")]
    assert panels == [[]] * 9 + [[[[x, y]]], [[[x, y]]], []]
    assert "Circles: the pixels that changed." in written(figure)
    assert "Circles" not in written(attack_figure(three["fgsm"]))


def test_the_bars_are_the_probabilities(three):
    a = three["deepfool"]
    figure = attack_figure(a)
    (plot,) = [child for axes in figure.axes for child in axes.child_axes if child.patches]
    shares = [bar.get_width() for bar in plot.patches]
    p, q = mx.Softmax().forward(np.stack([a.scores_before, a.scores_after]).astype(np.float64))
    np.testing.assert_allclose(shares, [p[3], q[3], p[a.label_after], q[a.label_after]])
    assert "three" in written(figure) and a.name(a.label_after) in written(figure)


def test_a_failed_attack_says_so(three):
    a = three["one-pixel"]
    assert not a.success
    figure = attack_figure(a)
    assert "still three (wanted: nine); 1 pixel, linf" in written(figure)
    (plot,) = [child for axes in figure.axes for child in axes.child_axes if child.patches]
    assert [text.get_text() for text in plot.texts][-2:] == ["three", "nine"]


def test_the_words(three):
    said = attack_figure(three).alt
    assert said.startswith("fgsm: three with probability 1 before the attack, ")
    assert "of 64 pixels changed, by at most 0.1 of the way from black to white." in said
    assert said == " ".join(attack_words(a, name) for name, a in three.items())


def test_batches():
    network, x = convolutional(channels=3), pictures(0, 14, 3, 6, 6)
    figure = attack_figure(attack(network, x, "fgsm"))
    assert titles(figure).count("picture") == 12 and "Shown: 12 of 14 pictures." in written(figure)
    assert "fgsm, picture 14 of 14" in written(figure) and figure.alt.endswith("Shown: 12 of 14 pictures.")


def test_without_a_box_the_picture_fills_the_scale():
    network = convolutional(box=None)
    a = attack(network, 10 * pictures(0, 2, 6, 6), "deepfool", box=None)
    figure = attack_figure(a)
    assert "black to white" not in figure.alt and "pixel units" not in written(figure)
    assert_readable(figure)


@pytest.mark.parametrize(
    ("largest", "factor"),
    [(0.5, 1), (0.25, 2), (0.05, 10), (0.02, 20), (0.012, 20), (1, 0.5), (0.6, 0.5), (3, 0.1), (0, 1)],
)
def test_the_factor(largest, factor):
    assert magnified_by(largest) == pytest.approx(factor)


def test_what_is_not_drawn():
    with pytest.raises(ValueError, match="was given no attack"):
        attack_figure({})
    batch = attack(convolutional(), pictures(0, 2, 2, 6, 6), "fgsm")
    with pytest.raises(ValueError, match=r"both attacks a batch of 2; expected an attack on one picture"):
        attack_figure({"both": batch})
    features = attack(linear([[1, 0], [0, 1]], dtype="float64"), np.array([0.9, 0.1]), "fgsm", box=(0, 1))
    with pytest.raises(ValueError, match=r"the pictures have shape \(2,\); expected \(C, H, W\)"):
        attack_figure(features)
