"""Two generators, Eq. (27): by hand, on held-out pictures beside one generator, and what is refused."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

import minixai as mx
from minixai import cli, draw
from minixai.adversarial.generators import one_generator, two_generators
from minixai.draw.generators import Painted, generators_figure, generators_words
from minixai.metrics import auc, pointing
from minixai.metrics.localisation import iou
from minixai.network import forward
from minixai.whitebox.case import Case
from minixai.zoo import lesion
from minixai.zoo.lesions import lesion_pictures

PICTURES = 400  # of those held out, half of them with a lesion
RESAMPLES = 2000


def brighter():
    """Three features -> class 1 if their sum is above 13, else class 0."""
    return mx.Network.sequential([mx.Linear(np.array([[0, 0, 0], [1, 1, 1]]), np.array([0, -13]))]).astype("float64")


def case(network, x, target=None):
    tape = forward(network, x)
    return Case(tape, tape.output.y.argmax(axis=1) if target is None else np.array(target))


def constant(*values):
    """A generator that paints the same for every picture."""
    return lambda x: np.broadcast_to(np.array(values, x.dtype), x.shape)


HAND = (constant(6, 4, 6), constant(6, 1, 6))


# By hand


def test_the_example_of_the_book_by_hand():
    asked = case(brighter(), np.array([[5.0, 5.0, 5.0]]))
    np.testing.assert_array_equal(two_generators(asked, HAND).relevance, [[0, 3, 0]])
    np.testing.assert_array_equal(one_generator(asked, HAND).relevance, [[1, 4, 1]])


def test_in_fractions_it_stays_in_fractions():
    asked = case(brighter().astype("exact"), mx.exact(np.array([[5, 5, 5]])))
    thirds = (lambda x: x / 3, lambda x: -x / 7)
    assert two_generators(asked, thirds).relevance.tolist() == [[Fraction(50, 21)] * 3]
    assert one_generator(asked, thirds).relevance.tolist() == [[Fraction(40, 7)] * 3]


def test_generators_that_agree_explain_nothing_however_badly_they_paint():
    asked = case(brighter(), np.array([[5.0, 5.0, 5.0]]))
    same = (constant(9, 9, 9), constant(9, 9, 9))
    assert not two_generators(asked, same).relevance.any()
    assert one_generator(asked, same).relevance.min() == 4


def test_the_notes_count_what_the_generators_achieved():
    """Sums 15 and 9; g_s paints 16 and g_a 13 of both: the first keeps and flips, the second does neither."""
    asked = case(brighter(), np.array([[5.0, 5.0, 5.0], [3.0, 3.0, 3.0]]))
    assert two_generators(asked, HAND).said == {"g_s keeps the class": "1 of 2", "g_a changes it": "1 of 2"}
    assert one_generator(asked, HAND).said == {"g_a changes the class": "1 of 2"}


# Through the front door


def test_its_place_in_the_survey():
    (found,) = mx.methods("adversarial")
    assert (found.name, found.family, found.section, found.equations) == ("two-generators", "adversarial", "6", (27,))
    assert mx.methods()[-1] == found and found.params == {"generators": None} and not found.signed
    assert mx.cite("two-generators").startswith("Charachon, M.")
    with pytest.raises(ValueError, match="two-generators is not one walk, so it has no table"):
        mx.rules("two-generators")


def test_the_networks_own_generators_answer(net):
    x = lesion.samples().x[:3]
    e = mx.explain(net, x, "two-generators")
    wanted = abs(net.generators.similar(x) - net.generators.adversarial(x))
    np.testing.assert_array_equal(e.relevance, wanted)
    np.testing.assert_array_equal(e.map, wanted[:, 0])
    assert e.params == {"generators": None} and e.expected is None and not e.signals
    assert e.notes == two_generators(case(net, x)).said
    np.testing.assert_array_equal(e.target, net(x).argmax(axis=1))
    alone = mx.explain(net, x[0], "two-generators")
    assert alone.relevance.shape == (1, 64, 64) and alone.map.shape == (64, 64) and alone.target == e.target[0]


def bright(channels=2):
    """A 2 x 2 picture -> class 1 where its channels sum to more than 4, else class 0."""
    weight = np.stack([np.zeros(4 * channels), np.ones(4 * channels)])
    return mx.Network.sequential([mx.Flatten(), mx.Linear(weight, np.array([0.0, -4.0]))]).astype("float64")


def test_the_map_is_the_sum_over_the_channels():
    """Both channels of the lower right pixel differ, by 1 and by 2; those of the others do not."""
    x = np.full((2, 2, 2), 0.75)
    moved = np.zeros((2, 2, 2))
    moved[:, 1, 1] = 1, -2
    e = mx.explain(bright(), x, "two-generators", generators=(lambda p: p, lambda p: p + moved))
    np.testing.assert_array_equal(e.relevance, abs(moved))
    np.testing.assert_array_equal(e.map, [[0, 0], [0, 3]])


def dimmed(share):
    """A generator as a network: every pixel times ``share``."""
    return mx.Network.sequential([mx.Conv2d(share * np.eye(2)[..., None, None])], name=f"by {share}")


def test_networks_modules_and_functions_paint_the_same():
    pytest.importorskip("torch")
    x = np.random.default_rng(0).uniform(0.6, 1, (2, 2, 2, 2))
    networks = (dimmed(1.0), dimmed(0.25))
    modules = tuple(g.to_torch() for g in networks)
    functions = (lambda p: p, lambda p: 0.25 * p)
    e, *others = (mx.explain(bright(), x, "two-generators", generators=g) for g in (networks, modules, functions))
    np.testing.assert_allclose(e.relevance, 0.75 * x, rtol=1e-12)
    for other in others:
        np.testing.assert_allclose(other.relevance, e.relevance, rtol=1e-12)
        assert other.relevance.dtype == x.dtype
    assert e.params["generators"] == ("by 1.0", "by 0.25")
    assert others[1].params["generators"] == ("<lambda>", "<lambda>")
    half = tuple(m.float() for m in modules)
    np.testing.assert_allclose(
        mx.explain(bright(), x, "two-generators", generators=half).relevance, e.relevance, rtol=1e-6
    )
    assert not modules[0].training and all(p.requires_grad for p in modules[0].parameters())


def test_what_was_given_is_drawn_said_and_saved(tmp_path):
    """Modules of unequal length, which NumPy cannot make an array of."""
    torch = pytest.importorskip("torch")
    modules = (torch.nn.Sequential(), torch.nn.Sequential(torch.nn.Identity(), torch.nn.ReLU()))
    x = np.full((2, 2, 2), 0.75)
    e = mx.explain(bright(), x, "two-generators", generators=tuple(m.eval() for m in modules))
    assert "Sequential" in str(e.params["generators"]) and repr(e).startswith("Explanation(two-generators")
    for name in ("map.png", "map.npz"):
        assert e.save(tmp_path / name).stat().st_size


def test_explain_all_takes_it_by_name_only(net):
    x = lesion.samples().x[0]
    found = mx.explain_all(net, x, ["gradient", "two-generators"])
    np.testing.assert_array_equal(found["two-generators"].map, mx.explain(net, x, "two-generators").map)
    assert "two-generators" not in mx.explain_all(bright(), np.full((2, 2, 2), 0.75)).refused


def test_the_command_line_explains_the_bundled_picture(net, tmp_path):
    out = tmp_path / "map.npz"
    arguments = ["explain", "--network", "lesion", "--method", "two-generators", "--json", "--out", str(out)]
    found = json.loads(CliRunner().invoke(cli.app, arguments).stdout)
    e = mx.explain(net, lesion.samples().x[1], "two-generators")
    assert (found["method"], found["label"], found["params"]) == ("two-generators", "lesion", {"generators": None})
    assert found["notes"] == {"g_s keeps the class": "1 of 1", "g_a changes it": "1 of 1"} == e.notes
    assert found["total"] == pytest.approx(e.total, rel=1e-6) and found["expected"] is None
    with np.load(out) as kept:
        np.testing.assert_array_equal(kept["map"], e.map)
    listed = CliRunner().invoke(cli.app, ["methods"]).stdout
    assert "two-generators         6      Two generators; equations (27)" in listed.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network", "digits"], "network 'digits' has 10 classes; two-generators needs a binary network"),
        (["--network", "lesion", "--target", "healthy"], "picture 0 is not of class 0 to the network"),
        (["--network", "lesion", "--param", "generators=mine"], "generators is 'mine'; expected two: (g_s, g_a)"),
    ],
)
def test_bad_command_lines(arguments, message):
    done = CliRunner().invoke(cli.app, ["explain", "--method", "two-generators", *arguments])
    assert done.exit_code == 2 and message in done.stderr


def test_smoothgrad_averages_it_too():
    """With noise that changes no decision."""
    x, noise = np.full((2, 2, 2), 0.75), np.array([0.5, -0.5]).reshape(2, 1, 1, 1) * np.ones((2, 2, 2, 2))
    given = (lambda p: p, lambda p: p * p)
    x[0, 0, 0] = 1.0
    e = mx.explain(
        bright(), x, "smoothgrad", method="two-generators", generators=given, noise=noise, n=2, target=1, sigma=0.4
    )
    level = 0.4 * 0.25
    each = [abs((x + level * n) - (x + level * n) ** 2).sum(axis=0) for n in noise]
    np.testing.assert_allclose(e.relevance, np.mean(each, axis=0), rtol=1e-12)


# On the lesions


@pytest.fixture(scope="module")
def net():
    return mx.load("lesion")


@pytest.fixture(scope="module")
def held_out(net):
    """Pictures that neither network nor generators learnt from, as x; their masks; what the network says of them."""
    drawn = lesion_pictures(lesion.HELD_OUT[0], PICTURES)
    x = lesion.inputs(drawn.pictures)
    return x, drawn.masks, net(x).argmax(axis=1)


@pytest.fixture(scope="module")
def painted(net, held_out):
    """g_s(x) and g_a(x)."""
    return tuple(g(held_out[0]) for g in net.generators)


def test_g_s_keeps_the_class_both_ways(net, held_out, painted):
    decided = held_out[2]
    kept = net(painted[0]).argmax(axis=1) == decided
    assert min(kept[decided == c].mean() for c in (0, 1)) >= 0.95


def test_g_a_changes_the_class_both_ways(net, held_out, painted):
    decided = held_out[2]
    changed = net(painted[1]).argmax(axis=1) != decided
    assert min(changed[decided == c].mean() for c in (0, 1)) >= 0.95


@pytest.fixture(scope="module")
def maps(net, held_out):
    """Maps of every lesion that is found, by two generators, one of them, and one that was trained alone; the masks."""
    x, masks, decided = held_out
    found = np.flatnonzero(masks.any(axis=(1, 2)) & (decided == 1))
    asked, given = case(net, x[found]), {}
    given["two"] = two_generators(asked).relevance[:, 0]
    given["one"] = one_generator(asked).relevance[:, 0]
    given["alone"] = one_generator(asked, (net.generators.similar, lesion.alone())).relevance[:, 0]
    return given, masks[found]


def interval(values):
    """A 95 % bootstrap interval of the mean."""
    rows = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    return np.quantile(values[rows].mean(axis=1), [0.025, 0.975])


def measured(maps, by, measure):
    given, masks = maps
    return np.array([float(measure(m, mask)) for m, mask in zip(given[by], masks, strict=True)])


def share(map, mask):
    """How much of the map lies on the lesion."""
    return map[mask].sum() / map.sum()


def overlap(map, mask):
    """Intersection over union of the lesion and as many of the map's highest pixels."""
    return iou(map, mask, area=float(mask.mean()))


def test_two_generators_find_the_lesion(maps):
    found = measured(maps, "two", auc)
    assert len(found) >= 100
    assert interval(found)[0] > 0.95


@pytest.mark.parametrize("baseline", ["one", "alone"])
@pytest.mark.parametrize("measure", [auc, share, overlap, pointing])
def test_two_generators_lie_on_the_lesion_better_than_one(maps, baseline, measure):
    """The same lesions for both: the interval of the mean difference lies above 0."""
    low, _ = interval(measured(maps, "two", measure) - measured(maps, baseline, measure))
    assert low > 0


# What is refused


def refused(asked, generators, message):
    for explain in (two_generators, one_generator):
        with pytest.raises(ValueError, match=message):
            explain(asked, generators)


def test_a_network_without_generators():
    refused(case(brighter(), np.full((1, 3), 5.0)), None, r"'network' has no generators; take mx.load\('lesion'\), or")


def test_the_network_of_the_zoo_without_its_generators(net):
    bare = replace(net, generators=None)
    refused(case(bare, lesion.samples().x[:1]), None, "network 'lesion' has no generators")


def test_a_network_of_ten_classes():
    digits = mx.load("digits")
    refused(
        case(digits, np.zeros((1, 1, 8, 8), np.float32)), HAND, "'digits' has 10 classes; .* needs a binary network"
    )


def test_another_class_than_the_networks_own():
    asked = case(brighter(), np.array([[5.0, 5.0, 5.0], [3.0, 3.0, 3.0]]), target=[1, 1])
    refused(asked, HAND, "picture 1 is not of class 1 to the network; .* leave target out")


@pytest.mark.parametrize("generators", [(), HAND[:1], (*HAND, HAND[0]), (HAND[0], 3), HAND[0], "two"])
def test_something_else_than_two_generators(generators):
    refused(case(brighter(), np.full((1, 3), 5.0)), generators, r"generators is .*; expected two: \(g_s, g_a\)")


@pytest.mark.parametrize(
    ("painter", "message"),
    [
        (lambda x: x[:, :2], r"g_a\(x\) has shape \(1, 2\); expected pictures like x, \(1, 3\)"),
        (lambda x: x * np.nan, r"g_a\(x\), of dtype float64, holds something else than finite numbers"),
        (lambda x: x.astype(int), r"g_a\(x\), of dtype int64, holds something else than finite numbers"),
    ],
)
def test_generators_that_paint_no_pictures(painter, message):
    refused(case(brighter(), np.full((1, 3), 5.0)), (HAND[0], painter), message)


def test_floats_for_fractions():
    asked = case(brighter().astype("exact"), mx.exact(np.array([[5, 5, 5]])))
    floats = (lambda x: x / 3, lambda x: x.astype(float))
    refused(asked, floats, r"g_a\(x\), of dtype float64, holds something else than fractions, as x does")


def test_generators_that_fail():
    asked = case(bright(), np.full((1, 2, 2, 2), 0.75))
    one_channel = mx.Network.sequential([mx.Conv2d(np.ones((1, 1, 1, 1)))])
    refused(asked, (lambda x: x, one_channel), r"g_a failed on pictures of .*: ValueError: node .*\(N, 1, size, size\)")
    refused(asked, (lambda x: x, lambda x: x.paint()), r"g_a failed on pictures of .*: AttributeError: .* 'paint'")
    refused(asked, (lambda x: x, dict), "g_a is the class dict; give a generator that is made and trained")


def test_modules_that_are_not_ready():
    torch = pytest.importorskip("torch")
    asked = case(bright(), np.full((1, 2, 2, 2), 0.75))
    learning = torch.nn.Sequential(torch.nn.Dropout())
    refused(asked, (lambda x: x, learning), r"g_a is in training mode, .*; call g_a.eval\(\) first")
    exact = case(bright().astype("exact"), mx.exact(np.full((1, 2, 2, 2), 1)))
    refused(exact, (lambda x: x, torch.nn.Identity().eval()), "g_a failed .*x is in fractions, which a PyTorch module")


def test_who_is_explained_and_how(net):
    """Not a module or a function, but a network; a picture, not its class; only parameters that there are."""
    x = lesion.samples().x[0]
    with pytest.raises(ValueError, match="got a function as network; expected a minixai Network"):
        mx.explain(lambda x: x, x, "two-generators")
    with pytest.raises(ValueError, match=r"two-generators has no parameter 'generator'; did you mean generators\?"):
        mx.explain(net, x, "two-generators", generator=HAND)
    with pytest.raises(ValueError, match="network 'digits' has 10 classes; two-generators needs a binary network"):
        mx.explain(mx.load("digits"), np.zeros((1, 8, 8), np.float32), "two-generators")


# The figure


@pytest.fixture
def rows(net, held_out, painted):
    x, masks, decided = held_out
    said = [net(p).argmax(axis=1) for p in (x, *painted)]
    return [
        Painted(x[i, 0], painted[0][i, 0], painted[1][i, 0], masks[i], tuple(net.classes[s[i]] for s in said))
        for i in (1, 2)
    ]


def test_the_figure_says_what_it_shows(rows):
    words = generators_words(rows)
    two, one = (auc(m, rows[0].mask) for m in rows[0].maps)
    assert f"AUC on the lesion: {two:.2f} by two generators, {one:.2f} by one." in words
    assert "Picture 2 is healthy to the network, g_s(x) healthy, g_a(x) lesion." in words
    assert words.count("AUC") == 1, "no lesion, no AUC"
    figure = generators_figure(rows)
    assert figure.alt == words
    assert len(figure.axes) == 12


def test_the_figure_shows_the_numbers_and_both_maps_on_one_scale(rows, tmp_path):
    figure = generators_figure(rows)
    images = [axes.images[0] for axes in figure.axes[:6]]
    two, one = rows[0].maps
    np.testing.assert_allclose(images[4].get_array(), two)
    np.testing.assert_allclose(images[5].get_array(), one)
    assert images[4].get_clim() == images[5].get_clim() == (0, max(two.max(), one.max()))
    assert draw.save_figure(figure, tmp_path / "two.png").stat().st_size > 10_000


def test_the_figure_refuses_what_it_cannot_draw(rows):
    with pytest.raises(ValueError, match="got no pictures to draw"):
        generators_figure([])
    with pytest.raises(ValueError, match=r"expected \(H, W\) of one size"):
        generators_figure([rows[0]._replace(similar=np.zeros((3, 3)))])
