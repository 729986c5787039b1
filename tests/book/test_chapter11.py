"""What chapter 11 says in words, tested: a point for every rule, points that may occur, and the live figure."""

from fractions import Fraction as F

import numpy as np
import pytest

import minixai as mx
from minixai import book
from minixai.book.exercises import of
from minixai.book.figures import ch11
from minixai.book.figures.ch10 import alike, shared_out
from minixai.book.numbers.ch11 import RULES, A, W, point, shares
from minixai.zoo import digits
from tests.book.node import needs_node, node


@pytest.fixture(scope="module")
def net():
    return mx.load("digits").astype("float64")


@pytest.fixture(scope="module")
def xs():
    return digits.samples().x.astype("float64")


def reader(name):
    return of("11")[name].solution


# -- one neuron --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_that_adds_up_compares_with_a_silent_point(rule):
    at = point(RULES[rule], A, W)
    assert (reader("share_from_root")(A, at, W, F(1)) == shares(RULES[rule], A, W)).all()
    assert (W @ at == 0) == (rule != "eps") and W @ at == 2 - shares(RULES[rule], A, W).sum()


def test_w2_has_the_nearest_silent_point():
    nearest = point(RULES["wsquare"], A, W)
    others = [np.array([s, s]) for s in np.arange(-2, 4.01, 0.1)]
    assert min(((A.astype(float) - at) ** 2).sum() for at in others) >= ((A - nearest) ** 2).sum()


def test_zbox_walks_towards_the_worst_picture_and_stays_in_the_box():
    rng = np.random.default_rng(0)
    worst = lambda w: np.where(w > 0, mx.exact(0), mx.exact(3))  # noqa: E731
    for a, w in zip(mx.exact(rng.integers(0, 4, (40, 3))), mx.exact(rng.integers(1, 4, (40, 3))), strict=True):
        w = w * mx.exact(rng.choice([-1, 1], 3))
        if w @ a > 0 and (a != worst(w)).all():
            at = point(RULES["box"], a, w)
            part = (a - at) / (a - worst(w))
            assert len(set(part)) == 1 and 0 < part[0] <= 1 and (at >= 0).all() and (at <= 3).all()


def test_a_bias_moves_the_line_and_not_the_point():
    """b = -1: off at 0, slope 0, the bias keeps what the straight line would say there; b = 1: it says 1 there."""
    for b, says, slopes in ((-1, 0, [0, 0]), (0, 0, [0, 0]), (1, 1, [1, -1])):
        one = mx.Network.sequential([mx.Linear(W[None], mx.exact([b])), mx.ReLU(), mx.Linear(mx.exact([[1]]))])
        e = mx.explain(one, A, "lrp-0", target=0)
        assert one(0 * A)[0] == says and (e.relevance == [3, -1]).all() and sum(e.absorbed.values()) == b
        assert (mx.explain(one, 0 * A, "gradient", target=0).relevance == slopes).all()


# -- a whole network ---------------------------------------------------------------------------------------------------


def from_points(a, W, b, R):
    """A layer shared out by every neuron's own z+ point; the bias, if there is one, is an input that moves, too."""
    inputs, found = np.append(a, 1.0), 0 * a
    for w, r in zip(np.column_stack([W, b]), R, strict=True):
        if r > 0:
            at = reader("root_for")("z+", inputs, w, 0.0)
            found += reader("share_from_root")(inputs, at, w, r / (inputs @ w))[:-1]
    return found


def test_sharing_from_the_points_is_walking_with_the_rule(net, xs):
    pocket = book.pocket().astype("float64"), book.POCKET_PICTURE.astype(float)
    for network, x in (pocket, (net, xs[12])):
        rule = mx.explain(network, x, "lrp-alphabeta", alpha=1, beta=0).relevance
        np.testing.assert_allclose(shared_out(network, x, from_points), rule, rtol=0, atol=1e-9)


def test_two_neurons_compare_one_pixel_with_two_values():
    w = book.pocket().node("conv1").op.arrays()["weight"][0, 0].ravel()
    picture = book.POCKET_PICTURE[0]
    first, second = (reader("root_for")("z+", p.ravel(), w, F(0)) for p in (picture[:2, :2], picture[1:, 1:]))
    assert picture[1, 1] == 1 and (first[3], second[0]) == (1, F(1, 7))


# -- silent and possible -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def held(net):
    return ch11.may_occur(net, digits.examples().held_out.x[:30].astype("float64"))


def test_in_hidden_layers_z_plus_always_may_occur_and_w2_hardly_ever(held):
    pixels, *hidden = held.values()
    assert list(held) == ["conv1", "conv2", "conv3", "linear1"]
    for rules in hidden:
        assert (rules["z+"] == 1).all() and rules["w^2"].mean() < 0.01 and 0.1 < rules["0"].mean() < 0.7
    assert (pixels["z^B"] == 1).all() and pixels["z+"].mean() < 2 / 3


def test_may_occur_neuron_by_neuron(net, xs):
    """The same count the long way: every neuron's point, written out."""
    tape = mx.forward(net, xs[12:13])
    found = ch11.may_occur(net, xs[12:13])
    for name in ("conv1", "linear1"):
        step = tape[name]
        units = np.eye(step.x.size).reshape(-1, *step.x.shape[1:])
        b = step.op.forward(0 * step.x).ravel()
        M = (step.op.forward(units).reshape(len(units), -1) - b).T
        a, high = step.x.ravel(), 1 if name == "conv1" else np.inf
        rows = {"0": [], "z+": [], "w^2": [], "z^B": []}
        for w, bias in zip(M, b, strict=True):
            z = a @ w + bias
            if z <= 0:
                continue
            rows["0"].append(bias <= 0)
            ways = {"z+": np.where(w > 0, a, 0), "w^2": w, "z^B": a - np.where(w > 0, 0, np.where(w < 0, high, a))}
            for rule, d in ways.items():
                if rule == "z^B" and name != "conv1":
                    continue
                at = a - z / (w @ d) * d if w @ d > 0 else a - np.inf
                rows[rule].append((at >= -1e-12).all() and (at <= high + 1e-12).all())
        for rule, share in found[name].items():
            assert share[0] == pytest.approx(np.mean(rows[rule])), (name, rule)


def test_pictures_below_0_are_refused(net):
    with pytest.raises(ValueError, match="numbers below 0; expected pictures whose black is 0"):
        ch11.may_occur(net, np.full((1, 1, 8, 8), -1.0))


def test_deep_taylor_hears_neither_the_class_nor_what_was_learnt(net, xs):
    stranger = book.scrambled(net)
    best, second = (list(c) for c in np.argsort(-net(xs), axis=1)[:, :2].T)
    own = list(stranger(xs).argmax(axis=1))
    assert np.sort(net(xs), axis=1)[:, -2].min() >= 0 and (stranger(xs)[np.arange(20), best] < 0).any()
    same = {}
    for name in ("lrp-0", "deep-taylor"):
        e = mx.explain(net, xs, name, target=best)
        others = mx.explain(net, xs, name, target=second), mx.explain(stranger, xs, name, target=own)
        same[name] = [alike(e, other).mean() for other in others]
    assert same["deep-taylor"][0] > 0.99 and same["deep-taylor"][1] > 0.9
    assert same["lrp-0"][0] < 0.1 and same["lrp-0"][1] < 0.3


def test_r_is_constant_above_lrp_0_and_only_nearly_above_z_plus(net, xs):
    exact, nearly = (
        ch11.half_way(net, xs, method, **params)
        for method, params in (("lrp-0", {}), ("lrp-alphabeta", {"alpha": 1, "beta": 0}))
    )
    np.testing.assert_allclose(exact, 1, rtol=0, atol=1e-9)
    assert 0.95 < np.median(nearly) < 1 and (abs(nearly - 1) > 0.1).mean() > 0.1


# -- the live figure ---------------------------------------------------------------------------------------------------


@needs_node
def test_the_page_shares_out_as_the_engine_does_at_every_rules_point(tmp_path):
    found = node(tmp_path, "roots", "it.RULES.map(([s, name]) => [s, name, it.shares([s, s])])")
    points = ch11.every_point()
    assert {name for _, name, _ in found} == set(points) - {"eps 1"}
    keys = {name: key for key, name in ch11.NAMES.items()}
    for s, name, page in found:
        assert [s, s] == pytest.approx(points[name].astype(float).tolist())
        assert page["inputs"] == pytest.approx(shares(RULES[keys[name]], A, W).astype(float).tolist())
        assert page["together"] == pytest.approx(2) and page["left"] == 0


@needs_node
def test_off_the_line_something_is_left(tmp_path):
    page = node(tmp_path, "roots", "it.shares([1, 1 / 3])")
    assert page["inputs"] == pytest.approx([2, -2 / 3]) and page["left"] == pytest.approx(2 / 3)


@needs_node
def test_the_second_share_turns_positive_at_one(tmp_path):
    gets = node(tmp_path, "roots", "[0, 0.8, 1, 1.2, 3].map((s) => it.shares([s, s]).inputs[1])")
    assert gets == pytest.approx([-1, -0.2, 0, 0.2, 2])


@needs_node
def test_the_page_says_it_in_words_and_remembers_the_rules_found(tmp_path):
    assert node(tmp_path, "roots", "it.sentence(1)") == (
        "Compared with (1, 1), where the neuron says 0: input 1 is 2 higher and gets 2; input 2 is the same and gets "
        "0. Together 2. This is z+."
    )
    assert node(tmp_path, "roots", "it.sentence(-0.4)").endswith("so this point cannot occur.")
    assert "input 2 is 0.2 lower and gets 0.2" in node(tmp_path, "roots", "it.sentence(1.2000000000000002)")
    assert node(tmp_path, "roots", "it.found(['w^2'], 0.6000000000000001)") == ["gamma 1", "w^2"]
    assert node(tmp_path, "roots", "it.found(['w^2'], 0.4)") == ["w^2"]


def test_the_board_starts_at_lrp_0_and_refuses_what_is_off_the_plane():
    board = book.figures.roots()
    assert board.widget.state == {"s": 0, "seen": ["LRP-0"]} and "-1" in board.still
    assert book.figures.roots(2).widget.state["seen"] == ["w^2"]
    with pytest.raises(ValueError, match="s is 5; expected -2 to 4"):
        book.figures.roots(5)


def test_the_planes_say_what_they_show():
    figure = ch11.compared(ch11.every_point(), (-1, 0, 1), steps=False)
    assert len(figure.axes) == 3 and [p.get_title(loc="left") or p.get_title() for p in figure.axes] == [
        "bias -1", "bias 0", "bias 1",
    ]  # fmt: skip
    assert "eps 1 at (1, 1/3)" in figure.alt and "bias -1, bias 0, bias 1" in figure.alt
    first = ch11.compared({"(1, 1)": np.array([1, 1])}).axes[0]
    solid = [line.get_xdata() for line in first.lines if line.get_linestyle() == "-" and line.get_color() == ch11.FOR]
    assert [list(xs) for xs in solid] == [[1, 3]]
