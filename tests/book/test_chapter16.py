"""What chapter 16 says in words, tested: photographs and their stand-ins, batch norms, pluses, close calls, layers."""

import re

import numpy as np
import pytest

import minixai as mx
from minixai import book, files
from minixai.book import exercises
from minixai.book.exercises.ch16 import first_difference, fold_batchnorm, split_residual
from minixai.book.figures import ch16
from minixai.zoo import download
from minixai.zoo.scenes import scenes
from tests.book.node import needs_node, node

needs_squeezenet = pytest.mark.skipif(not ch16.fetched("squeezenet"), reason="minixai download squeezenet")
ORDERS = {
    "(x1 + x2) - x3": lambda a, b, c: (a + b) - c,
    "x1 + (x2 - x3)": lambda a, b, c: a + (b - c),
    "(x1 - x3) + x2": lambda a, b, c: (a - c) + b,
}


@pytest.fixture(scope="module")
def small():
    return mx.load("shapes-resnet").astype("float64")


@pytest.fixture(scope="module")
def folded(small):
    return mx.fold_batchnorm(small)


@pytest.fixture(scope="module")
def drawn():
    return scenes(3, 100)


@pytest.fixture(scope="module")
def star(small, drawn):
    return small.preprocess(drawn.pictures[4]).astype("float64")


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """An empty folder of downloads, and nobody who would fill it."""
    monkeypatch.setenv(download.HOME, str(tmp_path / "empty"))
    monkeypatch.setattr(download, "_ask", lambda *asked: pytest.fail("something was fetched"))
    return tmp_path


# -- the pictures ------------------------------------------------------------------------------------------------------


def test_without_the_weights_scenes_stand_in_and_one_sentence_says_what_to_type(nothing_here):
    shown = ch16.gallery()
    assert shown.words.count(". ") == 1 and "`minixai download squeezenet` fetches it (0.7 MB, BSD)" in shown.words
    assert str(nothing_here) not in shown.words and shown.network.name == "shapes"
    assert not (nothing_here / "empty").exists()


def test_a_file_that_is_not_the_published_one_does_not_count(nothing_here):
    wanted = download.published("squeezenet")
    (nothing_here / "empty").mkdir()
    for content in (b"broken off", b"\0" * wanted.bytes):
        (nothing_here / "empty" / wanted.file).write_bytes(content)
        assert not ch16.fetched("squeezenet") and ch16.gallery().network.name == "shapes"


@pytest.mark.parametrize(("name", "size"), [("vgg16", "553.4 MB"), ("resnet34", "87.3 MB")])
def test_the_surveys_networks_are_not_fetched_unasked(name, size, nothing_here, capsys):
    assert ch16.if_here(name) is None
    said = capsys.readouterr().out
    assert said == f"{name} is not here; `minixai download {name}` fetches it ({size}, BSD).\n"


def test_a_network_that_is_here_is_loaded_if_pytorch_is(monkeypatch, capsys):
    monkeypatch.setattr(ch16, "fetched", lambda name: True)
    monkeypatch.setattr(ch16, "load", lambda name: f"the weights of {name}")
    monkeypatch.setattr(ch16, "find_spec", lambda name: object())
    assert ch16.if_here("vgg16") == "the weights of vgg16" and not capsys.readouterr().out
    monkeypatch.setattr(ch16, "find_spec", lambda name: None)
    assert ch16.if_here("vgg16") is None and "PyTorch, which reads its file, is not" in capsys.readouterr().out


def test_the_cross_is_an_arrow_until_the_stripes_are_faded(nothing_here):
    shown = ch16.gallery()
    doubt = shown.pictures[shown.doubt]
    assert (shown.said, shown.meant, shown.doubt) == ("arrow", "cross", "cross")
    assert ch16.top(shown.network, doubt, 1).startswith("arrow 0.8") and ch16.lead(shown, doubt) > 1
    changed = ch16.faded(doubt, shown.boxes["stripes on the right"])
    assert ch16.top(shown.network, changed, 1).startswith("cross 0.8") and ch16.lead(shown, changed) < -1


def test_your_own_picture_hangs_beside_the_others(nothing_here, tmp_path):
    from PIL import Image

    Image.new("RGB", (90, 50), "red").save(tmp_path / "red.png")
    shown = ch16.gallery(str(tmp_path / "red.png"))
    assert list(shown.pictures)[-1] == "yours" and len(shown.pictures) == 5
    frame = ch16.on_show(shown)
    assert "your own picture" in frame.words and frame.image.width > 4 * frame.image.height


@needs_squeezenet
def test_what_squeezenet_says_about_the_photographs():
    shown = ch16.gallery()
    assert shown.words == "SqueezeNet is here: what follows are photographs."
    said = {name: ch16.top(shown.network, picture, 1) for name, picture in shown.pictures.items()}
    assert {name: words.rsplit(" ", 1)[0] for name, words in said.items()} == {
        "cat": "Egyptian cat", "cup": "espresso", "rocket": "pole", "clock": "spotlight",
    }  # fmt: skip
    sure = {name: float(words.rsplit(" ", 1)[1]) for name, words in said.items()}
    assert sure["cup"] > 0.95 and 0.5 < sure["cat"] < 0.8 and sure["clock"] < 0.2
    assert "missile" in ch16.top(shown.network, shown.pictures["rocket"], 2)
    assert not [name for name in shown.network.classes if "rocket" in name]


@needs_squeezenet
def test_the_rocket_without_its_tower_is_a_missile_and_without_sky_it_is_what_it_was():
    shown = ch16.gallery()
    doubt = shown.pictures["rocket"]
    leads = {thing: ch16.lead(shown, ch16.faded(doubt, box)) for thing, box in shown.boxes.items()}
    before = ch16.lead(shown, doubt)
    assert before > 0.9 and leads["left tower"] < -0.5 < 0.3 < leads["right tower"] < 0.7
    assert abs(leads["sky beside it"] - before) < 0.1
    names = {thing: ch16.top(shown.network, ch16.faded(doubt, box), 1) for thing, box in shown.boxes.items()}
    assert names["left tower"].startswith("missile") and names["rocket"].startswith("crane")


@needs_squeezenet
def test_the_tip_speaks_for_missile_and_the_shaft_for_pole():
    shown = ch16.gallery()
    x = shown.network.preprocess(shown.pictures["rocket"])
    pole, missile = (mx.explain(shown.network, x, "grad-cam", target=c).heatmap for c in ("pole", "missile"))
    more = pole - missile
    assert more[65:95, 105:130].mean() < -0.2 and more[105:170, 108:128].mean() > 0.1
    assert more[150:190, 20:60].mean() > 0.05


def test_a_box_is_painted_from_left_to_right_and_nothing_else_is_touched():
    picture = np.zeros((4, 30, 3), np.uint8)
    picture[:, 20:] = 100
    out = ch16.faded(picture, (1, 3, 8, 20))
    assert out[1, 8:20, 0].tolist() == sorted(out[1, 8:20, 0].tolist()) and (out[1, 8, 0], out[1, 19, 0]) == (0, 100)
    kept = np.ones(picture.shape, bool)
    kept[1:3, 8:20] = False
    assert (out[kept] == picture[kept]).all() and ch16.faded(picture, None) is picture


# -- batch norms and pluses --------------------------------------------------------------------------------------------


def test_the_readers_folding_does_what_the_engines_does(small, folded, star):
    mine = ch16.folded_by(small, fold_batchnorm)
    assert not any(isinstance(node.op, mx.BatchNorm2d) for node in mine.nodes)
    np.testing.assert_allclose(mine(star), folded(star), rtol=1e-12)
    forgotten = ch16.folded_by(small, lambda W, b, g, be, m, s: fold_batchnorm(W, b, g, be, 0 * m, s))
    assert abs(forgotten(star) - small(star)).max() > 1


def test_gamma_tells_three_ways_apart_and_lrp_0_only_two():
    found = {
        method: {way: R.tolist() for way, (_, R) in ch16.three_ways(ch16.normed(), mx.exact([2, 1]), method).items()}
        for method in ("lrp-0", "lrp-gamma")
    }
    assert found["lrp-0"] == {"folded": [12, -3], "standing": [12, -3], "waved through": [4, -1]}
    assert len(set(map(tuple, found["lrp-gamma"].values()))) == 3


def test_waved_through_adds_up_because_the_biases_are_in_the_batch_norms(small, star):
    biased = [n.name for n in small.nodes if getattr(n.op, "bias", None) is not None]
    assert [name for name in biased if "bn" not in name and "downsample.1" not in name] == ["fc"]
    lost = {way: score - R.sum() for way, (score, R) in ch16.three_ways(small, star, "lrp-gamma").items()}
    assert abs(lost["waved through"]) < 0.05 and lost["folded"] > 1.5 and lost["standing"] > 3


def test_copied_relevance_grows_about_eightfold_and_halved_looks_innocent(folded, drawn, small):
    pluses = [node.name for node in folded.nodes if isinstance(node.op, mx.Add)]
    assert len(pluses) == 3
    gamma = mx.rules("lrp-gamma")
    ways = {"split": split_residual, "copied": lambda a, b, R: (R, R), "halved": lambda a, b, R: (R / 2, R / 2)}
    got = {way: [] for way in ways}
    for picture in drawn.pictures[:6]:
        x = small.preprocess(picture).astype("float64")
        for way, share in ways.items():
            got[way].append(ch16.total(folded, x, gamma | ch16.at_plus(share))[1])
        own = mx.explain(folded, x, "lrp-gamma").total
        assert got["split"][-1] == pytest.approx(own)
    times = np.array(got["copied"]) / got["split"]
    assert (6 < times).all() and (times < 10).all()
    assert (abs(np.array(got["halved"]) / got["split"] - 1) < 0.2).all()


def test_what_is_in_four_networks():
    rows = [line.split() for line in list(ch16.contents())[1:]]
    assert rows[2] == ["resnet34", "21.8", "M", "33", "1", "36", "16"] and rows[3][-2:] == ["9", "3"]
    assert rows[1][:2] == ["vgg16", "138.4"] and rows[0][-2:] == ["0", "0"]


# -- too close to call -------------------------------------------------------------------------------------------------


def tenths(kind, k=1):
    return [np.dtype(kind).type(f"{k * j / 10:.1f}") for j in (1, 2, 3)]


@pytest.mark.parametrize("add", ORDERS.values(), ids=ORDERS)
def test_in_whichever_order_the_gate_opens_in_float64_and_not_in_float32(add):
    assert add(*tenths("float64")) > 0 >= add(*tenths("float32"))
    assert add(*mx.exact(["0.1", "0.2", "0.3"])) == 0


def test_the_slopes_that_the_gate_decides():
    for kind, expected in (("float64", [11, 11, -9]), ("float32", [1, 1, 1])):
        x = np.array(["0.1", "0.2", "0.3"], kind)
        assert mx.explain(ch16.near_zero().astype(kind), x, "gradient", target=0).relevance.tolist() == expected
    assert mx.explain(ch16.near_zero(), mx.exact(["0.1", "0.2", "0.3"]), "gradient").relevance.tolist() == [1, 1, 1]


@needs_node
def test_the_page_adds_as_numpy_does(tmp_path):
    asked = [(k, order, kind) for k in range(1, 21) for order in ORDERS for kind in ("float64", "float32")]
    rows = [list(one) for one in asked]
    found = node(tmp_path, "adding", f"{rows}.map(([k, order, kind]) => it.sum(k, order, kind))")
    for (k, order, kind), z in zip(asked, found, strict=True):
        assert z == float(ORDERS[order](*tenths(kind, k))), (k, order, kind)
    assert node(tmp_path, "adding", f"{list(range(1, 21))}.map(k => it.sum(k, it.orders()[0], 'paper'))") == [0] * 20
    assert node(tmp_path, "adding", "[it.slopes(1e-17), it.slopes(0)]") == [[11, 11, -9], [1, 1, 1]]


@needs_node
def test_what_there_is_to_observe(tmp_path):
    def opens(kind):
        return node(tmp_path, "adding", f"{list(range(1, 21))}.filter(k => it.sum(k, it.orders()[0], '{kind}') > 0)")

    fine, coarse = set(opens("float64")), set(opens("float32"))
    assert fine - coarse and coarse - fine and fine & coarse and len(fine | coarse) < 20


@needs_node
def test_the_figure_says_what_it_shows(tmp_path):
    said = node(tmp_path, "adding", "it.sentence(1, '(x1 + x2) - x3')")
    assert said == "x = (0.1, 0.2, 0.3), (x1 + x2) - x3: paper 0, shut; float64 5.6e-17, open; float32 0, shut."


def test_a_decision_that_fell_differently_is_counted_and_sharing_it_removes_the_difference():
    found = ch16.twice(ch16.near_zero().astype("float64"), np.array([0.1, 0.2, 0.3]))
    assert (found.turned, found.decisions) == (1, 4)
    assert found.own[-1] == pytest.approx(10 / 11, rel=1e-6) and found.shared[-1] < 1e-6
    assert found.names[0] == "linear2" and found.names[-1] == "input"
    assert str(found) == f"9e-01 apart, decisions shared {found.shared[-1]:.0e}; 1 of 4 decisions fell differently"


def test_where_float32_is_far_off_a_decision_fell_and_sharing_is_enough(small, drawn):
    xs = np.stack([small.preprocess(picture) for picture in drawn.pictures[40:60]])
    apart = ch16.close_calls(small, xs)
    assert np.median(apart) < 1e-6
    for x, far in zip(xs[:4], apart, strict=False):
        found = ch16.twice(small, x)
        assert found.own[-1] == pytest.approx(far, rel=1e-6) and found.shared.max() < 1e-5
        assert (far < 1e-5) or found.turned > 0


@needs_squeezenet
def test_on_a_photograph_there_are_five_million_decisions():
    shown = ch16.gallery()
    found = ch16.twice(shown.network, shown.network.preprocess(shown.pictures["clock"]))
    assert round(found.decisions, -6) == 5_000_000 and found.shared.max() < 1e-5
    assert found.own[-1] < 1e-5 or 0 < found.turned < 100  # which ones fall is up to the machine


def test_the_plot_says_what_it_shows():
    found = ch16.Twice(("S", "input"), np.array([0, 0.04]), np.array([0, 2e-7]), 1, 9)
    alt = ch16.layer_by_layer(found, "A clock").alt
    assert alt == (
        "A clock. Largest difference per layer, of its largest number. each with its own decisions: 4e-02 at most; "
        "decisions shared: 2e-07 at most."
    )


# -- where two programs part -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ({"layer2.0.add": lambda R, step: (R, R)}, "layer2.0.downsample.1"),
        ({"layer3.0.add": lambda R, step: (R / 2, R / 2)}, "layer3.0.downsample.1"),
        ({"layer1.0.conv2": mx.rules("lrp-0")[mx.Conv2d]}, "layer1.0.relu1"),
        ({mx.ReLU: lambda R, step: R * (1 + 1e-12)}, None),
    ],
)
def test_a_planted_mistake_is_first_seen_below_the_culprit(rule, seen, folded, star):
    tape, gamma = mx.forward(folded, star), mx.rules("lrp-gamma")
    names, ours = ch16.arrivals(tape, gamma)
    place = first_difference(ours, ch16.arrivals(tape, gamma | rule).rows, 1e-9)
    assert (names[place] if place >= 0 else None) == seen
    assert names[0] == "input" and names[-1] == "fc"


# -- pictures prepared wrongly -----------------------------------------------------------------------------------------


def test_wrong_pixels_cost_few_answers_and_change_the_maps(drawn):
    found = {what: (round(100 * right.value), same) for what, right, same in ch16.misprepared(mx.load("shapes"), drawn)}
    assert {what: right for what, (right, _) in found.items()} == {
        "as it should be": 99, "red and blue exchanged": 97, "pixels from 0 to 255": 97, "pixels from 0 to 1": 48,
    }  # fmt: skip
    assert found["as it should be"][1] == pytest.approx(1) and found["pixels from 0 to 255"][1] < 0.85


def test_fem_does_not_ask_the_layer_that_is_shuffled():
    net = mx.load("shapes")
    found = ch16.after_shuffling(net, scenes(3, 3).pictures)
    assert found["fem"] == pytest.approx(1) and found["grad-cam"] < 0.7


def test_regions_and_figures_have_their_maps_and_words(drawn):
    net = mx.load("shapes")
    shares = ch16.regions(net, drawn.pictures[4])
    assert list(shares)[-1] == "fem" and all(0 < share < 1 for share in shares.values())
    for figure in (ch16.figure6, ch16.figure9):
        assert re.search("Each over its largest", figure(net, drawn.pictures[4]).alt)


@needs_squeezenet
def test_on_photographs_the_region_is_smallest_without_biases_and_largest_with_fem():
    shown = ch16.gallery()
    for picture in shown.pictures.values():
        eps, ignored, positive, fem = ch16.regions(shown.network, picture).values()
        assert ignored < eps < positive < fem
        assert ignored > 0.0005  # some dozens of pixels at least


@needs_squeezenet
def test_what_the_photographs_maps_keep_when_the_names_are_shuffled():
    shown = ch16.gallery()
    found = ch16.after_shuffling(shown.network, shown.pictures.values())
    assert found["fem"] == pytest.approx(1) and abs(found["grad-cam"]) < 0.2
    assert found["guided-backprop"] == max(v for name, v in found.items() if name != "fem") > 0.6


def test_pytorch_agrees_layer_by_layer(small, star):
    pytest.importorskip("torch")
    layers = ch16.against_pytorch(small, star, "lrp-gamma")
    assert list(layers)[0] == "fc" and list(layers)[-1] == "input" and len(layers) > 25
    assert max(layers.values()) < 1e-12


def test_the_path_of_the_downloads_stands_nowhere_in_the_notebook():
    text = (files.root("chapters") / "16_real_networks.ipynb").read_text(encoding="utf-8")
    assert str(download.home()) not in text and not re.search(r"/(home|root|work|tmp)/", text)
    assert "what follows are photographs" in text  # built where the weights were: see minixai/book/README.md


def test_the_figure_is_on_its_board():
    shown = book.figures.adding(3)
    assert shown.widget.state == {"k": 3, "order": "(x1 + x2) - x3"} and "9/10" in shown.still


def test_the_answer_of_the_lesson_plans_exit_question():
    ours = mx.exact([["4", "2"], ["100", "300"], ["0.02", "0.01"], ["1", "1"]])
    theirs = mx.exact([["5", "2"], ["100", "301"], ["0.02", "0.02"], ["1", "1"]])
    hundredth = mx.exact(["0.01"])[0]
    assert first_difference(ours, theirs, hundredth) == 2
    absolute = next(w for w in exercises.of("16")["first_difference"].wrong if w.name == "absolute tolerance")
    assert absolute.function(ours, theirs, hundredth) == 1
