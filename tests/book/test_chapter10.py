"""What chapter 10 says in words, tested: one neuron in the page, a reader's function on a network, three settings."""

import re
from fractions import Fraction as F
from types import SimpleNamespace

import numpy as np
import pytest

import minixai as mx
from minixai import book
from minixai.book.exercises.ch10 import lrp_epsilon, lrp_zero
from minixai.book.figures import ch10
from minixai.book.numbers import value
from minixai.book.numbers.asking import shared
from minixai.zoo import digits
from minixai.zoo.scenes import scenes
from tests.book.node import needs_node, node

STAR = 4
SETTINGS = [
    (rule, t, b) for rule in ("LRP-eps", "LRP-gamma", "LRP-alpha-beta") for t in (0, 0.5, 2) for b in (-0.5, 0, 1)
]
METHODS = {"LRP-eps": ("lrp-epsilon", ("eps",)), "LRP-gamma": ("lrp-gamma", ("gamma",))}


@pytest.fixture(scope="module")
def small():
    return mx.load("digits").astype("float64")


@pytest.fixture(scope="module")
def ten():
    return digits.samples().x[::2].astype("float64")


@pytest.fixture(scope="module")
def net():
    return mx.load("shapes").astype("float64")


@pytest.fixture(scope="module")
def drawn():
    return scenes(3, 100)


@pytest.fixture(scope="module")
def xs(net, drawn):
    return np.stack([net.preprocess(picture) for picture in drawn.pictures[:6]]).astype("float64")


@pytest.fixture(scope="module")
def star(net, xs):
    return ch10.settings(net, xs[STAR])


# -- one neuron --------------------------------------------------------------------------------------------------------


def by_engine(rule, t, b):
    """What arrives at the neuron of the figure, and what its inputs get."""
    z = 1 + F(b)
    params = {"alpha": 1 + F(t), "beta": F(t)} if rule == "LRP-alpha-beta" else {METHODS[rule][1][0]: F(t)}
    method = "lrp-alphabeta" if rule == "LRP-alpha-beta" else METHODS[rule][0]
    return z, shared(value("neuron.w")[None], mx.exact([b]), value("neuron.a"), mx.exact([z]), method, **params)


@needs_node
def test_the_page_shares_out_as_the_engine_does(tmp_path):
    states = [{"rule": rule, "t": t, "b": b} for rule, t, b in SETTINGS]
    found = node(tmp_path, "sharing", f"{states}.map(it.shared)")
    for (rule, t, b), page in zip(SETTINGS, found, strict=True):
        z, inputs = by_engine(rule, t, b)
        assert page["z"] == z and page["inputs"] == pytest.approx(inputs.astype(float).tolist()), (rule, t, b)
        assert sum(page["inputs"]) + page["bias"] + page["eps"] == pytest.approx(float(z))


@needs_node
def test_eps_moves_no_credit_and_gamma_does(tmp_path):
    def inputs(rule, t):
        return node(tmp_path, "sharing", f"it.shared({{rule: '{rule}', t: {t}, b: 1}}).inputs")

    for t in (0.5, 4):
        one, two = inputs("LRP-eps", t)
        assert one == pytest.approx(-2 * two) and one < 2
    assert inputs("LRP-gamma", 4)[1] > -0.2 and inputs("LRP-alpha-beta", 0) == pytest.approx([4 / 3, 0])


@needs_node
def test_a_neuron_with_a_negative_bias_gives_more_than_it_got_and_an_idle_one_nothing(tmp_path):
    said = node(tmp_path, "sharing", "it.sentence({rule: 'LRP-eps', t: 0, b: -0.5})")
    assert said == (
        "LRP-eps, eps = 0, bias -0.5: R = 0.5 arrives. The inputs get 2 and -1, together 1; -0.5 stays at the bias, "
        "0 at eps."
    )
    assert "the neuron is off" in node(tmp_path, "sharing", "it.sentence({rule: 'LRP-gamma', t: 1, b: -1})")


def test_the_still_picture_has_the_four_answers_and_a_strange_rule_is_refused():
    still = book.figures.sharing().still
    assert all(number in still for number in ("4/3", "-2/3", "8/5", "8/3"))
    with pytest.raises(ValueError, match="rule is 'LRP-epsilon'; did you mean LRP-eps"):
        book.figures.sharing("LRP-epsilon")


# -- LRP-0 and eps on a network ----------------------------------------------------------------------------------------


def test_lrp_0_is_gradient_times_picture(small, ten, net, xs):
    for network, pictures in ((small, ten), (net, xs)):
        slopes = mx.explain(network, pictures, "gradient").relevance
        R = mx.explain(network, pictures, "lrp-0").relevance
        np.testing.assert_allclose(R, slopes * pictures, rtol=0, atol=1e-9)


def test_a_readers_function_walks_the_network_as_the_engine_does(small, ten):
    for x in ten[:2]:
        np.testing.assert_allclose(
            ch10.shared_out(small, x, lrp_zero), mx.explain(small, x, "lrp-0").relevance, rtol=0, atol=1e-9
        )
        R = ch10.shared_out(small, x, lambda *layer: lrp_epsilon(*layer, 0.25))
        np.testing.assert_allclose(R, mx.explain(small, x, "lrp-epsilon", eps=0.25).relevance, rtol=0, atol=1e-12)


def test_a_layer_without_weights_is_no_matrix(small, ten):
    with pytest.raises(ValueError, match=r"node 'relu1', ReLU\(\).*expected weights, and one picture"):
        ch10.as_matrix(mx.forward(small, ten[0])["relu1"])


def test_eps_silences_what_speaks_against_first_and_keeps_two_thirds_of_the_score(small):
    six = digits.samples().x[12].astype("float64")
    little, much = (mx.explain(small, six, "lrp-epsilon", eps=eps) for eps in (0.01, 1))
    up, down = (
        np.maximum(sign * np.array([e.relevance for e in (little, much)]), 0).sum(axis=(1, 2, 3)) for sign in (1, -1)
    )
    assert down[1] / down[0] < up[1] / up[0] / 3
    assert 0.6 < 1 - much.total / much.score < 0.7


@pytest.mark.parametrize(("z", "times"), [(-0.9, 9), (-0.99, 99)])
def test_eps_as_printed_makes_it_worse_near_minus_eps(z, times):
    one = mx.Network.sequential([mx.Linear(np.array([[1.0]]), np.array([z - 1]))])
    printed = mx.explain(one, np.ones(1), "lrp-epsilon", eps=1, stabilizer="literal", target=0)
    assert abs(printed.relevance[0]) == pytest.approx(times) and abs(z) / abs(z - 1) < 0.5


# -- taking sides ------------------------------------------------------------------------------------------------------


def test_gamma_moves_all_the_credit_to_the_pixel_that_cannot_move_the_score():
    credit = [
        mx.explain(book.two_pixels(), book.TWO_PIXELS, "lrp-gamma", target=0, gamma=g).relevance
        for g in (0, F(1, 4), 1, 10**6)
    ]
    ones = [float(R[0]) for R in credit]
    assert ones == sorted(ones) and all(R.sum() == 6 for R in credit)
    assert tuple(credit[0]) == (0, 6) and ones[-1] == pytest.approx(6, abs=1e-4)
    assert tuple(value("min.zplus")) == (6, 0) and tuple(value("min.gradient")) == (0, 1)


def test_alpha_2_beta_1_doubles_where_nothing_is_negative():
    layers = [mx.Linear(mx.exact([[1, 1], [1, 2]]))] * 5
    e = mx.explain(mx.Network.sequential(layers), mx.exact([1, 1]), "lrp-alphabeta", target=0, alpha=2, beta=1)
    assert e.total == 32 * e.score


# -- three settings ----------------------------------------------------------------------------------------------------


def test_the_relevance_for_and_against_grows_down_to_the_picture_and_nearly_cancels(star):
    rows = ch10.balance(star["LRP-0 everywhere"])
    (up, down), (top, nothing) = rows["picture"], rows["score"]
    assert up > 100 and up > 7 * top and nothing == 0
    for up, down in rows.values():
        assert abs(up - down - top) < 0.05 * top
    assert list(rows) == [
        "score",
        "below linear2",
        "below linear1",
        "below conv4",
        "below conv3",
        "below conv2",
        "picture",
    ]
    assert all(down == 0 for _, down in ch10.balance(star["alpha 1, beta 0"]).values())
    assert ch10.balance(star["composite"])["picture"][1] < 4


def test_the_third_map_hardly_hears_the_question(net, xs):
    best, second = (list(c) for c in np.argsort(-net(xs), axis=1)[:, :2].T)
    mine, other = (ch10.settings(net, xs, c) for c in (best, second))
    assert (net.classes[best[STAR]], net.classes[second[STAR]]) == ("star", "cross")
    same = {name: ch10.alike(mine[name], other[name]).mean() for name in mine}
    assert same["alpha 1, beta 0"] > 0.98
    assert same["LRP-0 everywhere"] < same["composite"] < 0.7


def test_alike_and_on_object_by_hand():
    masks = np.array([[[True, False], [False, False]]])
    assert ch10.on_object(np.array([[[3.0, 1.0], [-5.0, 0.0]]]), masks) == pytest.approx([0.75])
    M = np.random.default_rng(0).standard_normal((2, 4, 4))
    one = SimpleNamespace(map=M, score=np.array([2.0, 3.0]))
    turned = SimpleNamespace(map=-M, score=np.array([-2.0, 3.0]))  # a negative score turns its whole map round
    assert ch10.alike(one, turned) == pytest.approx([1, -1])


def test_the_words_of_the_figure_say_what_its_bars_show(net, xs, star):
    figure = book.figures.presets(net, xs[STAR], star)
    seen = set()
    for name, e in star.items():
        figure._controls["preset"].value = name
        said = figure.words.value
        numbers = re.findall(r"([\d.]+) for and ([\d.]+) against", said)
        assert said.count(name) == 1 and len(numbers) == 7
        for (up, down), row in zip(numbers, ch10.balance(e).values(), strict=True):
            assert (float(up), float(down)) == pytest.approx(row, abs=0.051)
        assert f"add up to {e.total:.2f}; the score is {e.score:.2f}" in said
        seen.add(figure.image.value)
    assert len(seen) == 3


def test_known_explanations_are_not_asked_for_again(net, xs, star, monkeypatch):
    monkeypatch.setattr(ch10, "explain", lambda *args, **params: pytest.fail("asked again"))
    book.figures.presets(net, xs[STAR], star)


def test_what_speaks_for_is_filled_to_the_right_and_what_speaks_against_hollow_to_the_left():
    image = np.asarray(ch10.bars({"a": (10.0, 0.0), "b": (0.0, 10.0)}, 10.0))
    filled, edge = ((image[18:] == colour).all(axis=-1) for colour in (ch10.FOR, ch10.AGAINST))
    middle = 90 + (ch10.WIDE - 90) // 2
    assert filled[:30, middle + 5 :].sum() > 3 * edge[30:, : middle - 5].sum() > 0
    assert not filled[30:, : middle - 5].any()
