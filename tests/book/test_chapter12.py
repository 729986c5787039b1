"""What chapter 12 says in words, tested: pancakes, a five taken for a nine, jumps, two tests, and the live figure."""

import json
import warnings

import numpy as np
import pytest

import minixai as mx
from minixai import book, files
from minixai.book.exercises import of
from minixai.book.figures import ch12
from minixai.book.numbers import value
from minixai.book.numbers.ch12 import KITCHENS, one_more_layer
from minixai.experiments.intervals import mean_interval
from minixai.zoo import digits
from tests.book.node import needs_node, node

RESCALE, REVEAL = "deeplift-rescale", "deeplift-revealcancel"
BOTH = pytest.mark.parametrize("rule", [RESCALE, REVEAL])
NINE, FIVE = 9, 5


@pytest.fixture(scope="module")
def net():
    return mx.load("digits").astype("float64")


@pytest.fixture(scope="module")
def xs():
    return digits.samples().x.astype("float64")


def eggs(cups, rule, kitchen):
    """What ten eggs get, exactly."""
    x = mx.exact([10, cups])
    return mx.explain(book.two_pixels(), x, rule, target=0, baseline=KITCHENS[kitchen]).relevance[0]


# -- pancakes ----------------------------------------------------------------------------------------------------------


def test_the_network_counts_pancakes():
    for kitchen in np.random.default_rng(0).integers(0, 13, (30, 2)):
        assert book.two_pixels()(mx.exact(kitchen))[0] == min(kitchen)


@BOTH
def test_from_every_kitchen_the_shares_add_up_to_the_new_pancakes(rule):
    rng = np.random.default_rng(1)
    for x, x0 in mx.exact(rng.integers(0, 13, (30, 2, 2))):
        e = mx.explain(book.two_pixels(), x, rule, target=0, baseline=x0)
        assert e.total == min(x) - min(x0)


@BOTH
def test_the_other_wiring_changes_nothing_and_one_more_relu_changes_revealcancel_only(rule):
    at = book.TWO_PIXELS
    plain, other, longer = (
        mx.explain(network, at, rule, target=0).relevance
        for network in (book.two_pixels(), book.two_pixels(2), one_more_layer())
    )
    assert (plain == other).all() and (plain == longer).all() == (rule == RESCALE)


def test_rescale_jumps_from_the_empty_kitchen_only_and_revealcancel_from_none():
    for kitchen in ("empty", "milk", "both"):
        steps = [abs(eggs(mx.exact([10])[0], r, kitchen) - eggs(9.9990234375, r, kitchen)) for r in (RESCALE, REVEAL)]
        assert (steps[0] == 10) if kitchen == "empty" else (steps[0] < 0.01)
        assert steps[1] < 0.001


def test_any_kitchen_with_as_many_eggs_as_cups_sits_on_the_kink():
    jump = [
        mx.explain(book.two_pixels(), mx.exact([10, cups]), RESCALE, target=0, baseline=mx.exact([3, 3])).relevance[0]
        for cups in (9.9990234375, 10)
    ]
    assert jump[1] - jump[0] == 7


def test_where_the_second_neuron_hears_good_news_only_both_rules_agree():
    """More eggs and no more milk, from where it is shut: what the second clue of the counterexample says."""
    rng = np.random.default_rng(2)
    for more, less, start in rng.integers(0, 6, (30, 3)):
        before, now = mx.exact([start, start + 3 + less]), mx.exact([start + 4 + more, start + 3])
        shares = [mx.explain(book.two_pixels(), now, r, target=0, baseline=before).relevance for r in (RESCALE, REVEAL)]
        assert (shares[0] == shares[1]).all()


def test_the_mean_of_two_references_adds_up_to_the_mean():
    assert value("kitchen.mean").sum() == (value("kitchen.empty_rise") + value("kitchen.both_rise")) / 2


def deep():
    layers = [mx.Linear(mx.exact([[1, -1, 0], [0, 0, 1]]), mx.exact([8, 0])), mx.ReLU()]
    layers += [mx.Linear(mx.exact([[1, 1]]), mx.exact([-9])), mx.ReLU(), mx.Linear(mx.exact([[1]]))]
    return mx.Network.sequential(layers)


def test_a_layer_deeper_revealcancel_jumps_where_rescale_does_not():
    moved = {}
    for rule in (RESCALE, REVEAL):
        low, high = (
            mx.explain(deep(), mx.exact([5, x2, 3]), rule, target=0).relevance for x2 in (4.9990234375, 5.0009765625)
        )
        moved[rule] = abs(high - low).max()
    assert moved[RESCALE] < 0.01 and moved[REVEAL] > 0.8


# -- the reader's functions in the walk --------------------------------------------------------------------------------


def test_the_solutions_in_the_walk_are_the_engine(net, xs):
    multiplier, effects = (of("12")[name].solution for name in ("rescale_multiplier", "reveal_cancel"))
    x, x0, seed = xs[10], xs[11], np.eye(10)[NINE] - np.eye(10)[FIVE]
    tape = mx.forward(net, x, ref=mx.forward(net, x0))
    rules = mx.rules(RESCALE) | {mx.ReLU: lambda m, step: m * multiplier(step.x, step.ref.x)}
    *_, last = mx.walk(tape, seed[None], rules)
    found = {RESCALE: last.arriving[0] * (x - x0), REVEAL: ch12.two_signals(effects, net, x, x0, seed)}
    for rule, ours in found.items():
        one, two = (mx.explain(net, x, rule, target=c, baseline=x0).relevance for c in (NINE, FIVE))
        np.testing.assert_allclose(ours, one - two, rtol=0, atol=1e-10)


# -- digits ------------------------------------------------------------------------------------------------------------


def test_two_pixels_make_the_nine_a_five_again(net, xs):
    R = ch12.rather(net, xs[10:11], RESCALE, [NINE], [FIVE])
    said = [net(ch12.blacked_out(xs[10:11], R, k))[0].argmax() for k in range(3)]
    assert digits.samples().labels[10] == FIVE and said == [NINE, NINE, FIVE]
    assert net(xs).argmax(axis=1).tolist().count(FIVE) == 1 and net(xs[11]).argmax() == FIVE
    wrong = net(xs).argmax(axis=1) != digits.samples().labels
    assert wrong.sum() == 1 and wrong[10]


def test_on_the_five_both_rules_have_one_sum_and_revealcancel_less_of_either_colour(net, xs):
    plain, calm = (ch12.rather(net, xs[10:11], rule, [NINE], [FIVE]) for rule in (RESCALE, REVEAL))
    assert np.isclose(plain.sum(), calm.sum())
    assert calm[calm < 0].sum() > plain[plain < 0].sum() / 2 and calm[calm > 0].sum() < plain[plain > 0].sum()


@pytest.fixture(scope="module")
def hundred(net):
    x = digits.examples().held_out.x[:100].astype("float64")
    best, second = np.argsort(-net(x), axis=1)[:, :2].T
    pair = (x, ch12.one_step_of_ink(x))
    maps = {rule: [ch12.rather(net, z, rule, best, second) for z in pair] for rule in (RESCALE, REVEAL)}
    return x, best, second, maps


def test_rescales_pixels_cost_more_and_revealcancels_maps_move_less(net, hundred):
    x, best, second, maps = hundred
    rows = np.arange(100)

    def cost(R, k):
        S = net(x) - net(ch12.blacked_out(x, R, k))
        return S[rows, best] - S[rows, second]

    for k in (3, 5, 10):
        lead = cost(maps[RESCALE][0], k) - cost(maps[REVEAL][0], k)
        assert mean_interval(lead).low > 0
    lead = cost(maps[RESCALE][0], 5) - cost(maps[REVEAL][0], 5)
    assert mean_interval(lead > 1e-9).low > mean_interval(lead < -1e-9).high
    moved = {rule: abs(b - a).sum(axis=(1, 2, 3)) / abs(a).sum(axis=(1, 2, 3)) for rule, (a, b) in maps.items()}
    assert mean_interval(moved[REVEAL] < moved[RESCALE]).low > 0.6


def test_the_question_says_what_was_counted(net, hundred):
    x, best, second, maps = hundred
    S = {rule: net(x) - net(ch12.blacked_out(x, maps[rule][0], 5)) for rule in maps}
    cost = {rule: s[np.arange(100), best] - s[np.arange(100), second] for rule, s in S.items()}
    lead = cost[RESCALE] - cost[REVEAL]
    rescale, reveal = (lead > 1e-9).sum(), (lead < -1e-9).sum()
    asked = of("12")["newer"]
    assert f"on {rescale} digits of 100, RevealCancel's on {reveal}" in asked.because
    assert 100 - rescale - reveal == 9 and "nine digits of 100" in dict(asked.wrong)["C"]


def test_one_step_of_ink_changes_one_pixel_by_one_sixteenth(hundred):
    x = hundred[0]
    changed = abs(ch12.one_step_of_ink(x) - x)
    assert ((changed > 0).sum(axis=(1, 2, 3)) == 1).all() and np.allclose(changed.max(axis=(1, 2, 3)), 1 / 16)
    assert (ch12.one_step_of_ink(x) >= 0).all() and (ch12.one_step_of_ink(x) <= 1).all()


def test_blacked_out_takes_the_largest_and_leaves_the_original():
    x, R = np.ones((2, 1, 1, 3)), np.array([[[[1.0, 3, 2]]], [[[0, -1, 5]]]])
    assert ch12.blacked_out(x, R, 2).reshape(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]] and (x == 1).all()


def test_without_biases_and_from_black_rescale_is_slope_times_picture(net, xs):
    from dataclasses import replace

    nodes = [replace(n, op=n.op.convert(lambda a: 0 * a if a.ndim == 1 else a)) for n in net.nodes]
    for network, equal in ((net, False), (replace(net, nodes=tuple(nodes)), True)):
        slopes = mx.explain(network, xs, "gradient").relevance
        assert np.allclose(mx.explain(network, xs, RESCALE).relevance, slopes * xs, rtol=0, atol=1e-12) is equal


def test_the_record_of_the_noise_says_what_the_chapter_reads_from_it():
    found = json.loads((files.root("data") / "results" / "sensitivity.json").read_text())
    rows = {row["label"]: row["interval"] for row in found["panels"][0]["rows"]}
    assert found["verdict"] == "refuted" and found["pictures"] == 100 and "2 %" in found["panels"][0]["title"]
    assert rows[REVEAL][1] > rows[RESCALE][2]


def test_captum_agrees_on_the_pancakes_and_misses_its_sum_on_the_digits(net, xs):
    torch, attr = pytest.importorskip("torch"), pytest.importorskip("captum.attr")
    two, now, before = book.two_pixels().astype("float64"), np.array([10.0, 6]), np.array([4.0, 8])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lift = attr.DeepLift(two.to_torch())
        R = lift.attribute(torch.tensor(now)[None], torch.tensor(before)[None], target=0).detach().numpy()[0]
        x, said = torch.tensor(xs), torch.tensor(net(xs).argmax(axis=1))
        S = attr.DeepLift(net.to_torch()).attribute(x, 0 * x, target=said).detach().numpy().sum(axis=(1, 2, 3))
    assert np.allclose(R, [3, -1])
    assert abs(S - mx.explain(net, xs, RESCALE).expected).max() > 0.1


# -- the live figure ---------------------------------------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("kitchen", ch12.BEFORE)
def test_the_page_computes_what_the_engine_does(tmp_path, kitchen):
    cups = (np.arange(49) / 4).tolist()
    found = node(tmp_path, "crossing", f"{cups}.map((milk) => it.shares(milk, {json.dumps(kitchen)}))")
    for milk, said in zip(cups, found, strict=True):
        for rule, pair in ch12.shares(milk, kitchen).items():
            np.testing.assert_allclose(said[rule], pair.astype(float), rtol=0, atol=1e-12)
        assert said["now"] == min(10, milk) and said["before"] == min(ch12.BEFORE[kitchen])


@needs_node
def test_the_page_says_it_in_words_and_remembers_where_one_has_been(tmp_path):
    assert node(tmp_path, "crossing", "it.sentence(9.75, 'milk was there (0, 6)')") == (
        "Ten eggs and 9.75 cups: 9.75 pancakes, 0 before. Rescale: eggs 9.6, milk 0.15. "
        "RevealCancel: eggs 7.875, milk 1.875."
    )
    assert node(tmp_path, "crossing", "it.visited([6, 7], 6.5)") == [6, 6.5, 7]
    assert node(tmp_path, "crossing", "it.visited([6, 7], 7)") == [6, 7]
    assert node(tmp_path, "crossing", "Object.keys(it.KITCHENS)") == list(ch12.BEFORE)


@needs_node
def test_the_page_s_effects_are_the_exercise_s(tmp_path):
    for y0, good, bad in ((0, 10, -6), (1, 2, -4), (-2, 3, -2), (3, 1, -5)):
        ours = of("12")["reveal_cancel"].solution(*(np.array([float(v)]) for v in (y0, good, bad)))
        assert node(tmp_path, "crossing", f"it.effects({y0}, {good}, {bad})") == ours[:, 0].tolist()


def test_the_board_starts_at_today_and_refuses_what_it_does_not_know():
    board = ch12.crossing()
    assert board.widget.state == {"milk": 6, "kitchen": "empty (0, 0)", "seen": [6]}
    with pytest.raises(ValueError, match="milk is 13; expected 0 to 12 cups"):
        ch12.crossing(13)
    with pytest.raises(ValueError, match=r"kitchen is 'full'; expected one of empty \(0, 0\)"):
        ch12.crossing(6, "full")


def test_the_whole_way_is_drawn_broken_only_where_it_jumps():
    panels = ch12.crossed().axes
    solid = [[line for line in panel.lines if line.get_linestyle() == "-"] for panel in panels]
    assert [len(lines) for lines in solid] == [2, 1, 1]
    assert [line.get_xdata()[-1] for line in solid[0]] == [9.75, 12]
