"""The experiments on a few pictures, their parts on cases with a known answer, and the committed results."""

import json

import numpy as np
import pytest
from matplotlib.text import Text
from typer import Typer
from typer.testing import CliRunner

import minixai as mx
from minixai import draw
from minixai.draw.claims import claim_figure
from minixai.experiments import (
    EXPERIMENTS,
    accuracy,
    figure9,
    generators,
    guided_pixels,
    integrated_noise,
    randomisation,
    results,
    sensitivity,
    stored,
)
from minixai.experiments import clever_hans as hans
from minixai.experiments import faithfulness as faith
from minixai.experiments import fem_neighbours as neighbours
from minixai.experiments import shattering as shatter
from minixai.experiments.attacked_maps import agreement, attacked_maps, shuffled
from minixai.experiments.commands import experiment
from minixai.experiments.smoothgrad_noise import LEVELS, lead
from minixai.experiments.subjects import SEED, Subject, correlation, heat, log_odds, ranks, shapes, wolves
from minixai.experiments.tables import page
from minixai.ops import Softmax
from minixai.zoo import husky as of_husky
from minixai.zoo import lesion as of_lesion
from minixai.zoo import shapes as of_shapes
from minixai.zoo.weights import parameters

NAMES = list(EXPERIMENTS)


# -- the committed results ---------------------------------------------------------------------------------------------


def test_every_claim_of_the_list_is_there():
    assert {e.section for e in EXPERIMENTS.values()} == {"1", "4.3", "4.4", "4.5", "5.3", "6", "7"}
    assert len(NAMES) == len({e.claim for e in EXPERIMENTS.values()}) == 15
    assert all(e.name == name and e.function.__doc__ for name, e in EXPERIMENTS.items())


@pytest.mark.parametrize("name", NAMES)
def test_the_record_is_whole(name):
    raw = json.loads((results.folder() / f"{name}.json").read_text())
    o = stored(name)
    assert raw == json.loads(json.dumps(o.as_dict()))  # its verdicts follow from its numbers
    assert (o.claim.name, o.claim.text, o.claim.section) == (name, EXPERIMENTS[name].claim, EXPERIMENTS[name].section)
    assert o.pictures >= 100
    numbers = [s.interval for s in o.statements] + [r.interval for p in o.panels for r in p.rows]
    assert all(i.low <= i.value <= i.high for i in numbers)
    assert (results.folder() / f"{name}.md").read_text() == page(o)


def test_the_table_of_claims_is_that_of_the_records():
    assert (results.folder() / "claims.md").read_text() == results.table()
    assert all(f"| {name}: " in results.table() for name in NAMES)


def test_an_experiment_that_is_not_there():
    with pytest.raises(ValueError, match="experiment 'sharp' is not known"):
        results.find("sharp")


@pytest.mark.parametrize("name", NAMES)
def test_every_record_is_drawn_and_said(name):
    o = stored(name)
    figure = claim_figure(o.as_dict())
    assert o.verdict in figure.alt and len(figure.axes) == len(o.panels)
    width, height = figure.get_size_inches() * figure.dpi
    figure.canvas.draw()
    for text in figure.findobj(Text):
        box = text.get_window_extent()
        assert not text.get_text() or not text.get_visible() or (0 <= box.x0 and box.x1 <= width and box.y1 <= height)
    drawn = {text.get_text() for axes in figure.axes for text in axes.get_yticklabels()}
    assert {r.label for p in o.panels if p.across is None for r in p.rows} <= drawn


# -- the experiments, small --------------------------------------------------------------------------------------------


def value(o, text):
    (found,) = [s.interval.value for s in o.statements if s.text.startswith(text)]
    return found


def test_husky_is_moved_by_the_snow_and_not_by_the_animal():
    ground, animal = hans.swings(wolves(4))
    assert (ground > 10 * animal).all()


def test_a_map_of_the_snow_prefers_the_snow():
    seen = wolves(2)
    for snow, animal in zip(seen.snow, seen.masks, strict=True):
        assert not (snow & animal).any()
        assert hans.preference(snow * 1.0, snow, animal) == 1
        assert hans.preference(animal * 1.0, snow, animal) == 0
        assert hans.preference(np.zeros(snow.shape), snow, animal) == 0.5


def test_deleting_the_animal_costs_less_than_deleting_the_snow():
    seen = wolves(3)
    _, areas = faith.judged(seen, {"animal": seen.masks * 1.0, "snow": seen.snow * 1.0})
    assert areas["animal"].mean() > areas["snow"].mean()


def test_methods_that_pull_apart():
    agreement = {"a": np.array([0.9, 0.9]), "b": np.array([0.5, 0.5]), "c": np.array([0.1, 0.1])}
    areas = {"a": np.array([3.0, 1.0]), "b": np.array([2.0, 2.0]), "c": np.array([1.0, 3.0])}
    np.testing.assert_allclose(faith.apart(agreement, areas), [-1, 1])


def test_noise_is_white_and_brown():
    brown, white = shatter.noise(20)
    assert brown.mean() > 0.95 and abs(white.mean()) < 0.02


def test_neighbours_by_hand():
    assert shatter.neighbours(np.array([[1.0], [-1.0], [1.0], [-1.0]])) == -3 / 4
    assert shatter.neighbours(np.array([[1.0], [-1.0], [1.0], [-1.0]]), lag=2) == 2 / 4
    assert shatter.neighbours(np.ones((5, 2))) == 0


@pytest.mark.parametrize("kind", ["plain", "residual"])
def test_random_networks_are_as_deep_as_they_say(kind):
    network = shatter.KINDS[kind](4, 0)
    kinds = [type(node.op).__name__ for node in network.nodes]
    assert kinds.count("ReLU") == 4 and kinds.count("Linear") == 5
    assert network(shatter.line(0)).shape == (shatter.POINTS, 1)


def test_plain_networks_shatter_more_than_residual_ones():
    found = shatter.correlations("gradient", 4, (2, 32))
    assert (found["plain"][2] > found["plain"][32]).all()
    assert (found["residual"][32] > found["plain"][32]).all()


def test_lrp_0_is_gradient_times_input_on_these_networks():
    assert sensitivity.apart(shapes(2)) < 1e-9


def test_half_of_what_the_gradient_suffers():
    values = {"gradient": np.full(10, 0.4), "calm": np.full(10, 0.1), "wild": np.full(10, 0.3)}
    assert sensitivity.less_than_half(values, "calm").high < 0 < sensitivity.less_than_half(values, "wild").low


def test_noise_has_the_size_it_says():
    x = np.random.default_rng(0).uniform(-2, 2, (3, 3, 64, 64))
    added = sensitivity.noisy(x, 0.02, 0) - x
    spans = x.reshape(3, -1).max(axis=1) - x.reshape(3, -1).min(axis=1)
    np.testing.assert_allclose(added.reshape(3, -1).std(axis=1), 0.02 * spans, rtol=0.03)


def test_integrated_noise_on_a_few():
    o = integrated_noise.integrated_noise(2)
    rows = {r.label: r.interval.value for r in o.panels[0].rows}
    assert all(0 < far < 1 for far in rows.values())
    for s, name in zip(o.statements, integrated_noise.OTHERS, strict=True):
        assert s.interval.value == pytest.approx(rows["integrated-gradients"] - rows[name])


def test_the_cascade_draws_from_the_score_back():
    network = mx.load("shapes")
    names, networks = zip(*randomisation.cascade(network), strict=True)
    assert names == ("linear2", "linear1", "conv4", "conv3", "conv2", "conv1")
    old, first, last = (parameters(n) for n in (network, networks[0], networks[-1]))
    changed = {name.split(".")[0] for name in old if not np.array_equal(old[name], first[name])}
    assert changed == {"linear2"}
    assert not any(np.array_equal(old[name], last[name]) for name in old)
    assert last["conv2.weight"].std() == pytest.approx(old["conv2.weight"].std(), rel=0.05)


def test_a_map_is_like_itself_with_the_other_sign():
    maps = np.random.default_rng(0).normal(size=(2, 8, 8))
    np.testing.assert_allclose(randomisation.likeness(maps, -2 * maps), 1)
    np.testing.assert_array_equal(randomisation.likeness(maps, np.ones((2, 8, 8))), 0)


def test_grad_cam_leads_where_it_is_fem():
    rng = np.random.default_rng(0)
    fem = rng.random((5, 16, 16))
    found = {name: rng.random((5, 16, 16)) for name in neighbours.OTHERS} | {"fem": fem, "grad-cam": 2 * fem + 1}
    measured = neighbours.against(found, correlation)
    assert "fem" not in measured and measured["grad-cam"] == pytest.approx(1)
    assert neighbours.lead(measured).low > 0.5
    assert neighbours.lead(measured | {"gradient": np.full(5, 2.0)}).high < 0


def test_a_blur_is_the_mean_of_cells():
    map = np.zeros((1, 16, 16))
    map[0, 3, 3] = 64
    blurred = neighbours.blur(map)
    assert blurred.sum() == 64 and set(blurred[0, :8, :8].flat) == {1.0} and not blurred[0, 8:].any()


def test_random_changes_keep_their_size():
    x = np.zeros((2, 3, 8, 8))
    change = np.random.default_rng(0).normal(size=x.shape)
    moved = shuffled(x, change)
    np.testing.assert_array_equal(np.sort(moved.reshape(2, -1)), np.sort(change.reshape(2, -1)))
    assert not np.array_equal(moved, change)


def test_dice_of_marked_regions():
    map = np.random.default_rng(0).random((10, 10))
    assert agreement(map, 3 * map) == 1
    assert agreement(map, -map) == 0
    assert agreement(np.ones((10, 10)), map) == 0


def test_attacks_change_maps_more_than_chance_does():
    rows = {r.label: r.interval.value for r in attacked_maps(4).panels[0].rows}
    assert rows["fgsm"] < rows["random, as large as fgsm's"]
    assert rows["deepfool"] < rows["random, as large as deepfool's"]


def test_the_lead_of_a_level_of_noise():
    best_inside, best_outside = np.zeros((20, len(LEVELS))), np.zeros((20, len(LEVELS)))
    best_inside[:, 2:5], best_outside[:, 5] = 1, 1
    assert lead(best_inside).value == 1 and lead(best_outside).value == -1
    best_outside[:, 6] = 9  # half of the range is not asked about
    assert lead(best_outside).value == -1


def test_the_share_of_high_pixels():
    maps = np.array([[[0.0, 1.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_array_equal(guided_pixels.share(maps, 0.5), [0.5, 0])


def test_guided_pixels_on_a_few():
    o = guided_pixels.guided_pixels(4)
    rows = {(r.label, r.x): r.interval.value for r in o.panels[0].rows}
    assert value(o, "share") == pytest.approx(rows["guided-backprop", 0.5] - rows["gradient", 0.5])
    assert all(rows[name, 0.25] > rows[name, 0.75] for name, _ in rows)


def test_the_region_of_half_the_relevance():
    assert figure9.region(np.array([[4.0, 1], [1, 1]])) == 1 / 4
    assert figure9.region(np.ones((2, 2))) == 2 / 4
    assert figure9.region(np.zeros((2, 2))) == 0


def test_contrast_is_at_the_edge():
    x = np.zeros((1, 3, 8, 8))
    x[..., 4:] = 1
    assert set(np.flatnonzero(figure9.contrast(x)[0, 0])) == {3, 4}


def test_cover_of_an_object():
    map = np.array([[1.0, 0.25], [0.2, 0]])
    assert figure9.cover(map, np.array([[True, True], [True, True]])) == 0.5


def test_accuracy_while_it_learns():
    networks = list(accuracy.stages((0, 1, 2), 64))
    weights = [parameters(n)["conv1.weight"] for n in networks]
    assert len(networks) == 3 and not np.array_equal(weights[0], weights[1])
    with pytest.raises(ValueError, match="64 scenes are too few for 3 steps in one pass"):
        list(accuracy.stages((3,), 64))


def test_accuracy_and_values_together():
    rising = np.array([[1.0, 3], [2, 2], [3, 1]])
    np.testing.assert_allclose(accuracy.together([0.1, 0.5, 0.9], rising), [1, -1])


# -- what they share ---------------------------------------------------------------------------------------------------


def test_ranks_share_ties():
    np.testing.assert_array_equal(ranks(np.array([3.0, 1, 3, 2])), [2.5, 0, 2.5, 1])


def test_log_odds_are_those_of_the_softmax():
    scores = np.random.default_rng(0).normal(size=(4, 5))
    target = np.array([0, 4, 2, 2])
    p = Softmax().forward(scores)[np.arange(4), target]
    np.testing.assert_allclose(log_odds(scores, target), np.log(p / (1 - p)))
    np.testing.assert_allclose(log_odds(np.array([[1000.0, -1000]]), [0]), 2000)


def test_heat_and_constant_maps():
    np.testing.assert_array_equal(heat(np.array([[-1.0, 2], [4, 0]])), [[0, 0.5], [1, 0]])
    assert not heat(-np.ones((2, 2))).any()
    assert correlation(np.ones((2, 2)), np.eye(2)) == 0


def test_a_map_on_the_lesion_by_hand():
    """The lesion is the first of four pixels; 3 of 4 parts of the first map lie on it, and none of the second."""
    masks, maps = np.array([[[1, 0], [0, 0]]] * 2, bool), np.array([[[3, 0], [0, 1]], [[0, 0], [0, 2]]])
    found = {what: generators.judged({"m": maps}, masks, what)["m"].tolist() for what in generators.MEASURES}
    assert found["share on the lesion"] == [0.75, 0] and generators.share(0 * maps[0], masks[0]) == 0
    assert found["maximum on the lesion"] == found["IoU"] == [1, 0]
    assert found["AUC"] == [1, pytest.approx(1 / 3)]  # of the others two tie, one wins


def test_generators_on_a_few():
    """The maps are those of the methods, and each statement is what two generators have more than one."""
    o = generators.generators(6)
    net = mx.load("lesion")
    seen = generators.found(net, 6)
    assert o.pictures == len(seen) <= 6 and not {SEED} & {p[0] for p in (of_lesion.TRAINING, of_lesion.HELD_OUT)}
    assert all(mask.any() for mask in seen.masks) and (net(seen.x).argmax(axis=1) == 1).all()
    maps, _ = generators.explained(net, seen)
    np.testing.assert_array_equal(maps[generators.TWO], mx.explain(net, seen.x, "two-generators").map)
    x, alone, g_a = seen.x[:, 0], of_lesion.alone()(seen.x)[:, 0], net.generators.adversarial(seen.x)[:, 0]
    np.testing.assert_array_equal(maps[generators.ALONE], abs(x - alone))
    np.testing.assert_array_equal(maps[generators.PAIRS_OWN], abs(x - g_a))
    for s, p in zip(o.statements, o.panels, strict=True):
        means = {r.label: r.interval.value for r in p.rows}
        assert s.interval.value == pytest.approx(means[generators.TWO] - means[generators.ALONE])
        assert len(means) == 4 and s.text.startswith(p.title)


def test_two_generators_beat_one_and_plain_brightness_is_beaten_but_by_auc():
    """The record: all four readings, and what the picture's own brightness, which explains nothing, would have got."""
    found = stored("generators")
    assert [s.verdict for s in found.statements] == ["confirmed"] * 4
    order, *others = ({r.label: r.interval for r in panel.rows} for panel in found.panels)
    assert order[generators.PICTURE].value >= max(i.value for i in order.values())
    assert all(o[generators.TWO].low > o[generators.PICTURE].high for o in others)


def test_pictures_are_held_out_and_the_same_every_time():
    seen, again = shapes(2), shapes(2)
    assert isinstance(seen, Subject) and len(seen) == 2
    np.testing.assert_array_equal(seen.x, again.x)
    assert wolves(3).x.shape == (3, 3, 64, 64)
    learnt = {part[0] for zoo in (of_shapes, of_husky) for part in (zoo.TRAINING, zoo.HELD_OUT, zoo.SAMPLES)}
    assert not learnt & {SEED, SEED + 1}


# -- the command line --------------------------------------------------------------------------------------------------


def run(*arguments):
    app = Typer()
    app.command()(experiment)
    return CliRunner().invoke(app, arguments)


def test_the_list_has_every_experiment_and_its_verdict():
    found = json.loads(run("--list", "--json").stdout)
    assert [e["name"] for e in found] == NAMES
    assert all(e["recorded verdict"] == stored(e["name"]).verdict for e in found)
    assert len(run("--list").stdout.splitlines()) == len(NAMES)


def test_an_experiment_runs_from_the_command_line(tmp_path):
    out = tmp_path / "claim.png"
    found = json.loads(run("guided-pixels", "--pictures", "3", "--json", "--out", str(out)).stdout)
    assert found["pictures"] == 3 and found["claim"]["name"] == "guided-pixels"
    assert found["written"] == str(out) and out.read_bytes().startswith(b"\x89PNG")


def test_a_recorded_result_is_shown():
    assert run("sensitivity", "--recorded").stdout.startswith(page(stored("sensitivity")).rstrip())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say which experiment"),
        (("sensitivity", "--list"), "--list takes no name"),
        (("nothing",), "experiment 'nothing' is not known"),
        (("sensitivity", "--recorded", "--pictures", "3"), "--recorded measures nothing"),
        (("sensitivity", "--recorded", "--out", "claim.pdf"), "expected a name that ends in .png"),
    ],
)
def test_bad_command_lines(arguments, message):
    found = run(*arguments)
    assert found.exit_code == 1 and isinstance(found.exception, ValueError) and message in str(found.exception)


def test_a_figure_is_written_with_its_words(tmp_path):
    path = draw.save_figure(claim_figure(stored("shattering").as_dict()), tmp_path / "claim.png")
    assert b"Claim of Section 7" in path.read_bytes()
