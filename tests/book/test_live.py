"""Live figures: one persistent picture with words, controls that change it, nothing painted twice."""

import asyncio
import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import minixai as mx
from minixai import book
from minixai.book import exercises, live, nokernel, numbers, pixels
from minixai.book.puzzles import FORGETFUL, TWELVE_MAPS
from minixai.zoo import digits
from minixai.zoo.pictures import Pictures
from tests.book.node import needs_node, node


@pytest.fixture(scope="module")
def net():
    """A small network for grey pictures of 6x6 and three classes."""
    rng = np.random.default_rng(3)
    layers = [
        mx.Conv2d(rng.standard_normal((4, 1, 3, 3))), mx.ReLU(), mx.MaxPool2d(2), mx.Flatten(),
        mx.Linear(rng.standard_normal((3, 16))),
    ]  # fmt: skip
    pictures = Pictures(size=6, channels="L")
    return mx.Network.sequential(layers, classes=("cat", "dog", "owl"), input_shape=(1, 6, 6), pictures=pictures)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(4).random((1, 6, 6))


def picture(figure):
    """The picture of a live figure, and its words."""
    found = re.fullmatch(r'<img alt="([^"]+)" src="data:image/png;base64,([^"]+)">', figure.image.value)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[2])))), found[1]


def grey(amount):
    return live.Frame(Image.new("L", (4, 4), int(amount)), f"a grey of {amount}")


def test_the_figure_shows_the_explanation_of_class_and_method(net, x):
    figure = book.figures.explanations(net, x)
    assert figure.values["cls"] == net.classes[int(np.argmax(net(x)))]
    offered = figure._controls["method"].options
    assert list(offered) == [m.name for m in mx.methods("white-box")]
    for cls in net.classes:
        for method in ("gradient", "grad-cam", "lrp-0"):
            figure._controls["cls"].value, figure._controls["method"].value = cls, method
            shown, words = picture(figure)
            e = mx.explain(net, x, method, target=cls)
            panel = pixels.enlarged(pixels.colours(e.map, *pixels.scale(e.map)), live.SIDE)
            assert (shown[:, -live.SIDE :] == np.asarray(panel)).all()
            assert f"the map of {method} for class {cls}" in words and words in figure.words.value


def test_the_words_name_the_strongest_pixel_and_the_scale(net, x):
    figure = book.figures.explanations(net, x, ["gradient"], target="owl")
    e = mx.explain(net, x, "gradient", target="owl")
    row, column = np.unravel_index(e.map.argmax(), e.map.shape)
    assert f"row {row + 1}, column {column + 1}" in figure.words.value
    assert f"Score {float(e.score):.2f}; largest number {e.map.max():.2g}" in figure.words.value


def test_colours_follow_the_books_rule():
    signed, unsigned = np.array([[-1.0, 0, 2]]), np.array([[0.0, 1, 2]])
    assert pixels.scale(signed) == ("RdBu_r", 2.0) and pixels.scale(unsigned) == ("magma", 2.0)
    blue, white, red = pixels.colours(signed, "RdBu_r", 2.0)[0].astype(int)
    assert blue[2] > blue[0] and red[0] > red[2] and min(white) > 240
    dark, _, bright = pixels.colours(unsigned, "magma", 2.0)[0].astype(int)
    assert max(dark) < 10 and min(bright) > 180
    assert (pixels.colours(np.zeros((2, 2)), "magma", 0.0) == pixels.table("magma")[0]).all()
    assert (pixels.colours(np.zeros((2, 2)), "RdBu_r", 0.0) == pixels.table("RdBu_r")[128]).all()


def test_the_table_of_colours_is_matplotlibs():
    from matplotlib import colormaps

    for name in (pixels.SIGNED, pixels.UNSIGNED):
        theirs = 255 * colormaps[name](np.linspace(0, 1, 256))[:, :3]
        assert abs(pixels.table(name) - theirs).max() < 2.5


def test_a_method_that_does_not_fit_is_said_where_the_picture_was(net, x):
    figure = book.figures.explanations(net, x, ["gradient", "cam"])
    figure._controls["method"].value = "cam"
    assert figure.image.value == "" and "This cannot be drawn: cam needs a network that ends in" in figure.words.value
    figure._controls["method"].value = "gradient"
    assert "the map of gradient" in picture(figure)[1] and "cannot" not in figure.words.value


def test_another_network_can_be_chosen_for_the_same_class(net, x):
    figure = book.figures.explanations(net, x, ["gradient"], target="owl", others={"shuffled": book.scrambled(net)})
    before = picture(figure)[0]
    figure._controls["which"].value = "shuffled"
    after = picture(figure)[0]
    e = mx.explain(book.scrambled(net), x, "gradient", target="owl")
    assert (after[:, : live.SIDE] == before[:, : live.SIDE]).all() and (after != before).any()
    assert f"Score {float(e.score):.2f}" in figure.words.value


def test_a_look_at_the_picture_carries_its_words(net, x):
    page = book.look(net, x, "noise & nothing")._repr_html_()
    assert page.startswith('<figure><img alt="noise &amp; nothing" src=')
    assert repr(book.look(net, x, "noise & nothing")) == "picture: noise & nothing"
    shown = np.asarray(book.look(net, x, "noise").image)
    assert shown.shape == (live.SIDE, live.SIDE, 3) and (shown[::32, ::32] == net.unpreprocess(x)).all()
    ramp = np.array([[[-1.0, 0.0], [1.0, 3.0]]])
    plain = mx.Network.sequential([mx.ReLU(), mx.Flatten()])
    assert np.asarray(book.look(plain, ramp, "a ramp").image)[::96, ::96, 0].tolist() == [[0, 64], [128, 255]]


def test_scrambled_keeps_the_numbers_and_loses_their_places(net):
    shuffled = book.scrambled(net)
    for old, new in zip(net.nodes, shuffled.nodes, strict=True):
        for name, values in old.op.arrays().items():
            other = new.op.arrays()[name]
            assert sorted(other.ravel()) == sorted(values.ravel()) and (other != values).any()
    again = book.scrambled(net)
    assert (again.nodes[0].op.weight == shuffled.nodes[0].op.weight).all()
    assert (book.scrambled(net, seed=1).nodes[0].op.weight != shuffled.nodes[0].op.weight).any()


def test_the_riddle_is_what_its_answer_says():
    net, x = mx.load("digits"), digits.samples().x[6]
    maps, cls = book.twelve_maps(net, x), int(np.argmax(net(x)))
    for letter, method in TWELVE_MAPS.items():
        which = book.scrambled(net) if letter == FORGETFUL else net
        assert (maps[letter] == mx.explain(which, x, method, target=cls).heatmap).all()
    assert exercises.of("00")["which_is_scrambled"].answer == FORGETFUL


def test_one_picture_for_good_and_an_update_changes_only_its_source(net, x):
    figure = book.figures.explanations(net, x, ["gradient", "lrp-0"])
    before, element = figure.image.value, figure.image
    figure._controls["method"].value = "lrp-0"
    assert figure.image is element and figure.image.value != before and element in figure.box.children


def test_changes_in_quick_succession_are_painted_once():
    painted = []
    menu = live.menu("grey", list(range(10)), 0)
    figure = live.Figure(lambda amount: painted.append(amount) or grey(amount), {"amount": menu})

    async def hurry():
        for amount in range(1, 10):
            menu.value = amount
        await asyncio.sleep(3 * live.DELAY)

    asyncio.run(hurry())
    assert painted == [0, 9] and picture(figure)[1] == "a grey of 9"


def test_without_a_kernel_the_still_picture_stands_in():
    bundle = live.Figure(grey, {"amount": live.menu("grey", [3, 4], 4)})._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert re.match(r'<figure><img alt="a grey of 4" src=.*<figcaption><p role="status" ', bundle["text/html"])
    assert bundle["text/plain"] == "live figure (amount: 4)"


def test_words_are_escaped_in_the_alt_text_and_below():
    figure = live.Figure(lambda a: live.Frame(Image.new("L", (1, 1)), 'a "quote" & <b>'), {"a": live.menu("a", [1], 1)})
    assert 'alt="a &quot;quote&quot; &amp; &lt;b&gt;"' in figure.image.value and "<b>" not in figure.words.value


def test_controls_are_of_the_kinds_that_have_names_and_arrow_keys():
    assert type(live.menu("class", ["a", "b"], "b")).__name__ == "Dropdown"
    assert type(live.choice("class", ["a", "b"], "b")).__name__ == "RadioButtons"
    slider = live.number("alpha", 0, 1, 0.25, 0.5)
    assert (slider.label, slider.min, slider.max, slider.step, slider.value) == ("alpha", 0, 1, 0.25, 0.5)
    figure = live.Figure(lambda alpha: grey(100 * alpha), {"alpha": slider})
    slider.value = 0.75
    assert picture(figure)[1] == "a grey of 75.0"


NEEDS = [("ipywidgets", "book.live.menu('a', [1], 1)"), ("anywidget", "book.figures.gates()")]


@pytest.mark.parametrize(("module", "ask"), NEEDS)
def test_without_the_extra_the_pip_line(module, ask):
    code = f"import sys; sys.modules[{module!r}] = None\nfrom minixai import book\n{ask}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'minixai[book]'" in done.stderr.splitlines()[-1]


def test_importing_the_book_brings_no_widgets():
    heavy = ("ipywidgets", "anywidget", "matplotlib", "jupytext", "nbformat", "IPython", "torch")
    code = f"import sys; from minixai import book; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# -- without a kernel --------------------------------------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("seed", range(3))
def test_the_gates_in_the_page_are_the_engines(tmp_path, seed):
    rng = np.random.default_rng(seed)
    y, R = rng.integers(-3, 4, (2, 3, 4)).astype(float)
    found = node(tmp_path, "gates", f"it.gates({y.tolist()}, {R.tolist()})")
    tape = mx.forward(mx.Network.sequential([mx.ReLU()]), y[None])
    for name, method in (("gradient", "gradient"), ("DeconvNet", "deconvnet"), ("guided", "guided-backprop")):
        assert found[name] == mx.rules(method)[mx.ReLU](R[None, None], tape["relu1"])[0, 0].tolist()


@needs_node
def test_the_words_below_the_gates(tmp_path):
    y, R = (numbers.say(numbers.value(f"gates.{name}")) for name in ("y", "r"))
    said = node(tmp_path, "gates", f"it.sentence(it.disputed(it.gates({y}, {R})))")
    assert said == (
        "They differ in 5 cells: row 1 column 2; row 1 column 3; row 2 column 1; row 2 column 2; row 2 column 3."
    )
    agreed = node(tmp_path, "gates", "it.sentence(it.disputed(it.gates([[1]], [[2]])))")
    assert agreed == "All three agree in every cell."


@needs_node
@pytest.mark.parametrize("seed", range(3))
def test_painting_and_collecting_in_the_page_are_the_engines_backward_pass(tmp_path, seed):
    rng = np.random.default_rng(seed)
    G, F = rng.integers(-4, 5, (2, 3)).astype(float), rng.integers(-4, 5, (3, 2)).astype(float)
    expected = mx.Conv2d(F[None, None]).adjoint(G[None, None], np.zeros((1, 1, 4, 4)))[0, 0]
    g, f = G.tolist(), F.tolist()
    assert node(tmp_path, "painting", f"it.painted({g}, {f})") == expected.tolist()
    pixels = f"[0,1,2,3].map((i) => [0,1,2,3].map((j) => it.collected({g}, {f}, i, j).sum))"
    assert node(tmp_path, "painting", pixels) == expected.tolist()


@needs_node
def test_the_words_below_the_painting(tmp_path):
    G, F = (numbers.say(numbers.value(f"paint.{name}")) for name in ("signal", "filter"))
    assert node(tmp_path, "painting", f"it.stroke({G}, {F}, 1, 1)") == [[0, 0, 0], [0, 6, 12], [0, 18, 24]]
    assert node(tmp_path, "painting", f"it.paintingWords({G}, {F})") == (
        "5 at output row 1 column 1, 6 at output row 2 column 2: each paints the filter as it is onto its window, "
        "and where strokes overlap they add."
    )
    assert node(tmp_path, "painting", f"it.collectingWords({G}, {F}, 1, 1)") == (
        "The pixel in row 2 column 2 collects with the filter turned by 180 degrees: "
        "5 x 4 + 0 x 3 + 0 x 2 + 6 x 1 = 26."
    )
    assert node(tmp_path, "painting", f"it.paintingWords([[0]], {F})") == "Nothing arrives, so nothing is painted."


@needs_node
@pytest.mark.parametrize("wiring", [1, 2])
@pytest.mark.parametrize("x", [(10, 6), (6, 10), (4, 4), (0, 3)])
def test_the_walks_in_the_page_are_the_engines(tmp_path, wiring, x):
    found = node(tmp_path, "wirings", f"it.walks({list(x)}, it.wirings()[{wiring - 1}])")
    net = book.two_pixels(wiring)
    assert found["score"] == net(mx.exact(x))[0] == min(x)
    for name, method in (("gradient", "gradient"), ("DeconvNet", "deconvnet"), ("guided", "guided-backprop")):
        assert found[name] == mx.explain(net, mx.exact(x), method, target=0).relevance.tolist()


@needs_node
def test_the_words_below_the_wirings(tmp_path):
    assert node(tmp_path, "wirings", "it.sentence([10, 6], it.walks([10, 6], it.wirings()[0]))") == (
        "At (10, 6) the score is 6. Gradient (0, 1), DeconvNet (1, 0), guided (1, 0): one number per pixel."
    )


@needs_node
@pytest.mark.parametrize("name", sorted({p.stem for p in nokernel.STATIC.glob("*.js")} - {"kit"}))
def test_every_script_is_a_module_that_renders_and_fetches_nothing(name, tmp_path):
    assert node(tmp_path, name, "typeof it.default.render") == "function"
    away = r"https?:(?!//www\.w3\.org/)|//cdn|fetch\(|import\(|^import "  # SVG's name of itself is no address
    assert not re.search(away, nokernel.script(name), re.MULTILINE)


def test_the_board_carries_its_state_and_a_still_picture():
    board = book.figures.gates([[1, -2, 0]], [[3, 4, -5]])
    assert board.widget.state == {"y": [[1, -2, 0]], "R": [[3, 4, -5]]}
    bundle = board._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert [re.findall(r">(-?\d)</td>", t) for t in re.findall(r"<table>.*?</table>", bundle["text/html"])] == [
        ["1", "-2", "0"], ["3", "4", "-5"], ["3", "0", "0"], ["3", "4", "0"], ["3", "0", "0"],
    ]  # fmt: skip
    assert "Three gates of a ReLU" in bundle["text/plain"] and "Three gates of a ReLU" in bundle["text/html"]


def test_the_still_pictures_are_right():
    still = book.figures.painting().still
    cells = [re.findall(r">(-?\d+)</td>", t) for t in re.findall(r"<table>.*?</table>", still)]
    assert [" ".join(numbers) for numbers in cells[1:]] == ["1 2 3 4", "4 3 2 1", "5 10 0 15 26 12 0 18 24"]
    still = book.figures.wirings().still
    cells = [re.findall(r">(-?\d+)</td>", t) for t in re.findall(r"<table>.*?</table>", still)]
    assert cells == [["10", "6"], ["0", "1"], ["1", "0"], ["1", "0"]]


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: book.figures.gates([[1]], [[]]), "R has shape (1, 0); expected a matrix"),
        (lambda: book.figures.gates([[1]], [[1, 2]]), "y has shape (1, 1), R (1, 2); expected one shape"),
        (lambda: book.figures.gates([1, 2], [1, 2]), "y has shape (2,); expected a matrix"),
        (lambda: book.figures.painting(np.ones((2, 0))), "signal has shape (2, 0); expected a matrix"),
        (lambda: book.figures.wirings([1, 2, 3]), "x has shape (3,); expected two pixels"),
    ],
)
def test_a_board_of_the_wrong_size_is_refused(ask, sentence):
    with pytest.raises(ValueError) as refusal:
        ask()
    assert str(refusal.value) == sentence
