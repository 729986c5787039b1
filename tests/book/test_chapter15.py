"""What chapter 15 says in words, tested: judges that disagree, what the fill decides, a blind blob, two figures."""

import json
import re

import numpy as np
import pytest

import minixai as mx
from minixai import book, metrics
from minixai.book import source
from minixai.book.exercises import of
from minixai.book.exercises.ch15 import auc, deletion_drop, iou_at, sim_sums
from minixai.book.figures import ch15
from minixai.book.numbers import value
from minixai.book.numbers.ch15 import shared
from minixai.experiments import EXPERIMENTS, stored, subjects
from minixai.experiments.randomisation import cascade
from minixai.experiments.record import CONFIRMED, OPEN, REFUTED
from tests.book.node import needs_node, node

TEXT = "\n".join(cell.text for cell in source.read(*source.paths(("15",))).cells)
PROSE = " ".join(TEXT.split())


@pytest.fixture(scope="module")
def wolves():
    return subjects.wolves(100)


@pytest.fixture(scope="module")
def hundred():
    return subjects.shapes(100)


def prefers(seen, x):
    return seen.network(x) @ [-1.0, 1.0]


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_the_two_maps_of_the_detector_before_two_judges():
    detector = [3, 1], -2  # snow, snout

    def score(snow, snout):
        return detector[0][0] * snow + detector[0][1] * snout + detector[1]

    assert (score(1, 1), score(1, 0), score(0, 1)) == (2, 1, -1)
    assert (value("judge.p_cost"), value("judge.q_cost")) == (2 - 1, 2 - -1)
    assert (value("judge.p_auc"), value("judge.q_auc")) == (1, 0)


def test_five_judges_of_two_maps():
    A, B, first_two = np.array([1.0, 1, 0, 0, 2]), np.array([3.0, 0, 0, 1, 1]), np.array([1.0, 1, 0, 0, 0])
    assert value("judge.a").tolist() == A.tolist() and value("judge.b").tolist() == B.tolist()
    prefer = {
        "AUC": auc(A, first_two) - auc(B, first_two), "IoU": iou_at(A, first_two) - iou_at(B, first_two),
        "SIM": sim_sums(A, first_two) - sim_sums(B, first_two),
        "PCC": metrics.pcc(A, first_two) - metrics.pcc(B, first_two),
        "pointing": metrics.pointing(A, first_two) - metrics.pointing(B, first_two),
    }  # fmt: skip
    signs = {name: int(np.sign(d)) for name, d in prefer.items()}
    assert signs == {"AUC": 1, "IoU": 1, "SIM": 0, "PCC": -1, "pointing": -1}
    assert "Two judges prefer A, two prefer B, and one cannot tell them apart" in PROSE


def test_the_prose_counts_pairs_and_pixels_rightly():
    inside, outside = [3, 1], [1, 0, 0]
    assert [sum(a > b for b in outside) for a in inside] == [3, 2] and sum(a == b for a in inside for b in outside) == 1
    marked = [v >= 2 for v in (4, 1, 2, 3, 2)]
    either = [m or i < 3 for i, m in enumerate(marked)]
    assert (sum(marked), sum(marked[:3]), sum(either)) == (4, 2, 5)


def test_scale_and_offset_before_pcc_and_sim():
    R = mx.exact([1, 2, 4])
    assert metrics.pcc(R, 2 * R + 1) == 1 and metrics.sim(R, 2 * R + 1) == 1
    assert shared(R, 2 * R + 1) == value("judge.scaled") != 1


def test_my_deletion_is_the_engines_on_a_real_picture(wolves):
    x, R = wolves.x[0], wolves.snow[0] + np.random.default_rng(0).random((64, 64)) / 2
    curve = metrics.deletion_curve(lambda y: prefers(wolves, y), x, R, 0.0, steps=8)

    def score(visible):
        return prefers(wolves, (x * visible.reshape(1, 64, 64).astype(np.float32))[None])[0]

    mine = [deletion_drop(score, np.ones(4096), R.ravel(), k, 0.0) for k in curve.counts]
    np.testing.assert_allclose(mine, curve.scores[0] - curve.scores, rtol=0, atol=1e-4)


# -- husky -------------------------------------------------------------------------------------------------------------


def test_the_survey_is_confirmed_and_husky_is_why():
    area, agreement, together, control = ch15.recorded("faithfulness").values()
    wolf, snow, noise = (area[name] for name in ("the animal's outline", "the snow's outline", "noise"))
    assert noise.value - wolf.value < wolf.value - snow.value  # "nearer to noise than to the outline of the snow"
    assert agreement["lrp-0"].value == pytest.approx(0.5, abs=0.01) and area["lrp-0"].high < snow.low
    assert agreement["grad-cam"].high < 0.5 and area["grad-cam"].low > snow.high
    elsewhere = together["shapes, no planted cue"]
    assert together["husky"].high < 0 and elsewhere.low < 0 < elsewhere.high
    assert stored("faithfulness").verdict == CONFIRMED
    assert max((a.value, n) for n, a in agreement.items() if "outline" not in n)[1] == "fem"
    assert of("15")["agrees_best"].ask.count(f"{agreement['fem'].value:.2f}") == 1


def cost(seen, mask, fill):
    return prefers(seen, seen.x) - prefers(seen, ch15.painted(seen.x, mask, fill))


@pytest.mark.parametrize(("fill", "colour", "more"), [(0, 127, 100), (-2, 0, 100), (2, 255, 0)])
def test_the_fill_decides(wolves, fill, colour, more):
    assert (cost(wolves, wolves.snow, fill) > cost(wolves, wolves.masks, fill)).sum() == more
    shown = wolves.network.unpreprocess(np.full((3, 64, 64), fill, np.float32))
    assert abs(shown.astype(int) - colour).max() <= 1


def test_the_wolf_that_is_shown_lrp_0_first_then_q_and_p_late(wolves):
    maps = {"P": 1.0 * wolves.masks[0], "Q": 1.0 * wolves.snow[0]}
    maps["lrp-0"] = mx.explain(wolves.network, wolves.x[0], "lrp-0").map
    lost = {}
    for name, R in maps.items():
        scores = metrics.deletion_curve(lambda y: prefers(wolves, y), wolves.x[0], R, 0.0, steps=8).scores
        lost[name] = scores[0] - scores
    assert max(lost, key=lambda name: lost[name][1]) == "lrp-0" and lost["Q"][3] > lost["lrp-0"][3]
    assert max(lost["P"][1:4]) < lost["P"][8] / 5 and lost["P"][4] > lost["P"][3]


def test_of_p_and_q_every_judge_prefers_p(wolves):
    P, Q = 1.0 * wolves.masks[0], 1.0 * wolves.snow[0]
    for judge in (metrics.auc, iou_at, shared, metrics.pointing, metrics.pcc):
        assert judge(P, P) > judge(Q, P)
    assert of("15")["how_many_judges"].answer == "A"


def test_melting_costs_more_than_grey(wolves):
    moved = ch15.recorded("clever-hans")["log odds moved by"]["snow melts"]
    assert moved.low > cost(wolves, wolves.snow, 0).mean()


# -- shapes ------------------------------------------------------------------------------------------------------------


def test_a_blind_blob_keeps_up_with_the_gradient(hundred):
    blind = ch15.aucs([ch15.bump()] * 100, hundred.masks)
    gradient = ch15.aucs(mx.explain(hundred.network, hundred.x, "gradient").map, hundred.masks)
    assert blind.mean() == pytest.approx(0.85, abs=0.005) and gradient.mean() == pytest.approx(0.84, abs=0.005)
    assert 40 <= (blind > gradient).sum() <= 60
    assert of("15")["blob"].options["C"] == "about 0.85"


def test_what_is_said_of_the_randomised_layers_is_on_record(hundred):
    curves = ch15.alike_curves()
    last = {name: each[-1] for name, each in curves.items()}
    assert len(last) == 14 and max(i.high for i in last.values()) < 0.5
    best = max(last, key=lambda name: last[name].value)
    assert f"{best.upper()}, at {'{:.2f} ({:.2f} to {:.2f})'.format(*last[best])}" in PROSE
    assert round(curves["guided-backprop"][2].value, 2) == 0.92 and round(curves["gradient"][2].value, 2) == 0.52
    assert curves["fem"][1].value == curves["fem"][2].value == 1 > curves["fem"][3].high
    answers = [network(hundred.x).argmax(axis=1) for _, network in cascade(hundred.network)]
    names = subjects.decisions(hundred.network, hundred.x)
    assert (answers[1] == names).mean() < 0.25  # ten classes: "talks nonsense"


# -- the claims --------------------------------------------------------------------------------------------------------


def test_every_claim_of_section_7_stands_in_the_table_with_the_stored_verdict():
    found = ch15.of_section("7")
    assert {o.claim.name for o in found} == {n for n, e in EXPERIMENTS.items() if e.section == "7"} and len(found) == 9
    order = [o.verdict for o in found]
    assert order == sorted(order, key=(CONFIRMED, OPEN, REFUTED).index)
    page = ch15.Claims(found)._repr_html_()
    for o in found:
        assert o == stored(o.claim.name) and repr(ch15.Claims([o])).startswith(o.verdict)
        assert page.count(f"({o.claim.name}, {o.network}, {o.pictures} pictures)") == 1


def test_a_long_claim_tells_its_nearest_call_and_a_mixed_one_everything():
    (said,) = ch15.measured(stored("randomisation"))
    assert said.startswith("✓ all 14 statements confirmed; the nearest call:") and "fem: 0.399 (0.347 to 0.448)" in said
    assert len(ch15.measured(stored("sensitivity"))) == 6


def test_lrp_0_is_gradient_times_input(hundred):
    net, x = hundred.network.astype("float64"), hundred.x[:3].astype(float)
    w, R = (mx.explain(net, x, name).relevance for name in ("gradient", "lrp-0"))
    assert abs(R - w * x).max() < 1e-12 * abs(R).max()


# -- the painted map ---------------------------------------------------------------------------------------------------


def judged(map):
    mask = ch15.animal()
    return [float(metrics.auc(map, mask)), float(metrics.iou(map, mask)), metrics.pointing(map, mask)]


@needs_node
@pytest.mark.parametrize("seed", range(4))
def test_the_page_judges_as_the_engine_does(tmp_path, seed):
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, 4, (25, 8, 8)) * (rng.random((25, 8, 8)) < rng.random((25, 1, 1)))
    said = "({map, mask}) => [it.auc(map, mask), it.iou(map, mask), it.pointing(map, mask)]"
    states = json.dumps([{"map": m.tolist(), "mask": ch15.animal().tolist()} for m in maps])
    found = node(tmp_path, "judges", f"{states}.map({said})")
    for mine, m in zip(found, maps, strict=True):
        assert mine[2] == judged(m)[2] and mine[:2] == pytest.approx(judged(m)[:2], abs=1e-12)


def state(map, brush=3):
    return {"map": np.asarray(map).astype(int).tolist(), "mask": ch15.animal().tolist(), "brush": brush}


GOAL = ch15.animal().copy()
GOAL[0, 0] = 3
ALL_OFF = 1 - ch15.animal()


@needs_node
@pytest.mark.parametrize(
    ("map", "words"),
    [
        (np.ones((8, 8)), "every pair is a tie, AUC 0.50"),
        (ch15.animal(), "Half of the goal: now lose the pointing game."),
        (ALL_OFF, "Half of the goal: now let AUC rise above 0.9."),
        (GOAL, "AUC 0.98; IoU 0.95; the first largest number is in row 1, column 1, off the animal: the pointing game"),
        (GOAL, "That is the goal"),
        (book.figures.own_map().widget.state["map"], "on the animal: the pointing game is won. AUC has to rise"),
    ],
)  # fmt: skip
def test_the_words_of_the_painted_map(tmp_path, map, words):
    assert words in node(tmp_path, "judges", f"it.sentence({json.dumps(state(map))})")


@needs_node
def test_a_click_paints_and_a_second_one_wipes(tmp_path):
    once = node(tmp_path, "judges", f"it.painted({json.dumps(state(0 * GOAL))}, 2, 5)")
    assert np.argwhere(once["map"]).tolist() == [[2, 5]] and once["map"][2][5] == 3
    twice = node(tmp_path, "judges", f"it.painted({json.dumps(once)}, 2, 5)")
    assert not np.any(twice["map"])


def test_the_board_says_what_the_engine_judges_and_the_strip_stays_short_of_the_goal():
    board = book.figures.own_map()
    a, i, hit = judged(np.array(board.widget.state["map"]))
    assert f"AUC {a:.2f}, IoU {i:.2f}, the pointing game {'won' if hit else 'lost'}" in board.words
    assert a <= 0.9 and judged(GOAL)[0] > 0.9 and not judged(GOAL)[2]
    alt = ch15.three_animals().alt
    assert all(said in alt for said in ("AUC 1.00, points at it", "AUC 0.00, points beside it", "one lucky pixel"))


@pytest.mark.parametrize("map", [np.ones((3, 8)), np.full((8, 8), 4), np.full((8, 8), 0.5), np.full((8, 8), -1)])
def test_a_map_that_cannot_be_painted_is_refused(map):
    with pytest.raises(ValueError, match="expected 8 rows of 8 whole numbers from 0 to 3"):
        book.figures.own_map(map)


def test_a_brush_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="brush is 4; expected 1, 2 or 3"):
        book.figures.own_map(brush=4)


# -- layers drawn anew -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def figure():
    return book.figures.scrambled_layers()


def test_the_figure_begins_with_the_trained_network(figure):
    assert figure.values == {"method": "guided-backprop", "count": 0}
    assert "layers drawn anew: none. The network now says circle" in figure.words.value


def test_the_picture_and_the_words_follow_both_controls(figure):
    seen = set()
    for method, count in (("guided-backprop", 2), ("gradient", 2), ("gradient", 6)):
        figure._controls["method"].value, figure._controls["count"].value = method, count
        i = ch15.alike_curves()[method][count]
        assert f"over a hundred pictures {i.value:.3g} ({i.low:.3g} to {i.high:.3g})" in figure.words.value
        seen.add(re.search(r'src="([^"]+)"', figure.image.value)[1])
    assert len(seen) == 3 and "linear2, linear1, conv4, conv3, conv2, conv1" in figure.words.value


def test_fem_and_edges_do_not_notice_two_layers(figure):
    for method, words in (("fem", "likeness of the two 1, over"), (ch15.EDGES, "always: it asks no network")):
        figure._controls["method"].value, figure._controls["count"].value = method, 2
        assert words in figure.words.value
    assert of("15")["who_notices"].answer == "C"


def test_the_dot_stands_where_the_number_is():
    curves = ch15.alike_curves()
    image = np.asarray(ch15.chart(curves, "gradient", 6)).astype(int)
    width, height = ch15.CHART
    x = width - ch15.ROOM
    y = round(8 + (1 - curves["gradient"][6].value) * (height - 8 - ch15.ROOM))
    assert image[y, x].tolist() == [0xB2, 0x18, 0x2B] and image[y - 20, x - 3].tolist() != [0xB2, 0x18, 0x2B]


def test_the_strip_shows_both_methods_thrice():
    sample = mx.zoo.shapes.samples().x[0]
    alt = ch15.layers_strip(mx.load("shapes"), sample, ("guided-backprop", "gradient"), (0, 2, 6)).alt
    assert all(f"{name}, {k} anew" in alt for name in ("guided-backprop", "gradient") for k in (0, 2, 6))


# -- the counterexample ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_larger_cost_changes_at_one_fill(seed):
    """3 (snow - f) against snout - f: they cross at f = (3 snow - snout) / 2, and nowhere else."""
    judge = of("15")["other_fill"].judge
    for snow, snout, one, other in np.random.default_rng(seed).integers(0, 9, (60, 4)) / 8:
        crossing = (3 * snow - snout) / 2
        between = min(one, other) < crossing < max(one, other)
        assert (judge(((snow, snout), one, other)) is None) == between


def test_what_the_prose_quotes_is_what_the_survey_says():
    texts = " ".join(e.claim for e in EXPERIMENTS.values())
    assert "not guaranteed that the explanations match human intuition" in PROSE
    assert "not guaranteed that the explanations match human intuition" in texts
    assert "LRP, DeepLIFT and FEM are not sensitive to this problem as they do not compute gradients." in PROSE
    assert "LRP, DeepLIFT and FEM are not sensitive to this problem as they do not compute gradients." in texts
