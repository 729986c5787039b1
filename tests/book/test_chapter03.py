"""What chapter 03 says in words, tested: who can move the 6, what one number sees, and what annoys the network."""

import re

import numpy as np
import pytest

import minixai as mx
from minixai import book
from minixai.book import source
from minixai.book.exercises import of
from minixai.book.exercises.ch03 import switches
from minixai.book.figures.ch03 import SIDE, TAPS, glimpses, neuron, reach, ways, windows_of
from minixai.zoo.scenes import scenes
from tests.book.node import needs_node, node

(PATH,) = source.paths(("03",))
TEXT = PATH.read_text("utf-8")
PICTURE = book.POCKET_PICTURE
SETTINGS = [(layers, stride, padding) for layers in (1, 2) for stride in (1, 2) for padding in (0, 1)]


@pytest.fixture(scope="module")
def net():
    return mx.load("shapes")


@pytest.fixture(scope="module")
def hundred(net):
    """The hundred pictures of "Break it", as inputs; their labels; what the network says."""
    drawn = scenes(7, 100)
    x = np.stack([net.preprocess(picture) for picture in drawn.pictures])
    return x, drawn.labels, net(x).argmax(axis=1)


# -- by hand -----------------------------------------------------------------------------------------------------------


def moved_by(pixel, node_name, cell, pictures):
    """Whether some change of this pixel moves the number, in any of the pictures."""
    network = book.pocket("max")
    for x in pictures:
        for change in mx.exact([-100, -1, 1, 100]):
            other = x.copy()
            other[(0, *pixel)] += change
            if mx.forward(network, other)[node_name].y[cell] != mx.forward(network, x)[node_name].y[cell]:
                return True
    return False


def test_three_pixels_move_the_six_and_one_never_moves_the_six_that_is_kept():
    rng = np.random.default_rng(0)
    pictures = [PICTURE, *mx.exact(rng.integers(-4, 5, (15, 1, 3, 3)))]
    pixels = list(np.ndindex(3, 3))
    of_o = [p for p in pixels if moved_by(p, "conv1", (0, 0, 1, 1), pictures)]
    assert of_o == [(1, 1), (1, 2), (2, 2)]
    still = [p for p in pixels if not moved_by(p, "maxpool1", (0, 0, 0, 0), pictures)]
    assert still == [(2, 0)]


def test_raised_by_more_than_two_the_top_left_pixel_takes_over():
    kept = []
    for change in (1, 2, 3):
        x = PICTURE.copy()
        x[0, 0, 0] += change
        kept.append(mx.forward(book.pocket("max"), x)["maxpool1"].y[0, 0, 0, 0])
    assert kept == [6, 6, 7]


def test_the_exit_tickets_filter_by_hand():
    found = mx.Conv2d(mx.exact([[[[0, 1], [2, -1]]]]), mx.exact([1])).forward(PICTURE[None])[0, 0]
    assert found.tolist() == [[2, 0], [6, 3]]


def test_the_heart_is_red_to_the_right_of_its_left_edge_and_below_its_upper_one():
    drawn = scenes(4, 78)
    red, mask = drawn.pictures[77][..., 0] / 255, drawn.masks[77]
    right, below = np.diff(red, axis=1), np.diff(red, axis=0)
    left_edge, upper_edge = ~mask[:, :-1] & mask[:, 1:], ~mask[:-1] & mask[1:]
    assert right[left_edge].mean() > 0.1 and below[upper_edge].mean() > 0.1
    assert right[mask[:, :-1] & ~mask[:, 1:]].mean() < -0.1 and below[mask[:-1] & ~mask[1:]].mean() < -0.1


def test_a_switch_finds_the_winner_again():
    Y = mx.exact([[1, 3, 0, 0], [3, 2, 5, 1]])
    pooled = mx.MaxPool2d(2).forward(Y[None, None], switches(Y)[None, None])[0, 0]
    assert Y.ravel()[switches(Y)].tolist() == pooled.tolist() == [[3, 5]]


# -- patches -----------------------------------------------------------------------------------------------------------


def test_the_patches_of_shapes(net):
    wide = {layer: rows.stop - rows.start for layer in windows_of(net) for rows, _ in [reach(net, layer)]}
    assert wide == {"conv1": 5, "maxpool1": 7, "conv2": 15, "conv3": 23, "conv4": 31, "maxpool2": 35}


@pytest.mark.parametrize("layer", ["conv2", "conv4"])
def test_what_lies_outside_the_patch_never_moves_the_number(net, layer):
    exact = net.astype("float64")
    x = np.random.default_rng(1).uniform(-2, 2, (2, 3, 64, 64))
    inside = np.zeros((64, 64), bool)
    inside[reach(net, layer)] = True
    repainted = np.where(inside, x, -x)
    before, after = (mx.forward(exact, z)[layer].y for z in (x, repainted))
    k = before.shape[-1] // 2
    np.testing.assert_allclose(after[..., k, k], before[..., k, k], rtol=0, atol=1e-10)
    assert abs(after - before).max() > 1


@pytest.mark.parametrize(("layers", "stride", "padding"), SETTINGS)
def test_ways_are_counted_right(layers, stride, padding):
    """Against pictures with a single 1 that run forwards."""
    ones = [mx.Conv2d(np.ones((1, 1, TAPS, TAPS)), stride=stride, padding=padding) for _ in range(layers)]
    answers = mx.Network.sequential(ones)(np.eye(SIDE * SIDE).reshape(-1, 1, SIDE, SIDE))[:, 0]
    for cell in np.ndindex(answers.shape[1:]):
        expected = answers[(slice(None), *cell)].reshape(SIDE, SIDE)
        np.testing.assert_array_equal(ways(SIDE, [(TAPS, stride, padding)] * layers, cell)[0], expected)


@needs_node
@pytest.mark.parametrize(("layers", "stride", "padding"), SETTINGS)
def test_the_ways_in_the_page_are_the_engines(tmp_path, layers, stride, padding):
    size = ways(SIDE, [(TAPS, stride, padding)] * layers, (0, 0))[-1].shape[0]
    cells = sorted({(0, 0), (size // 2, size - 1), (size - 1, size // 2)})
    asked = f"{[list(c) for c in cells]}.map((cell) => it.ways({SIDE}, {layers}, {stride}, {padding}, cell))"
    for cell, found in zip(cells, node(tmp_path, "patches", asked), strict=True):
        expected = ways(SIDE, [(TAPS, stride, padding)] * layers, cell)
        assert found == [m.tolist() for m in expected]


@needs_node
def test_the_words_below_the_patches(tmp_path):
    def said(**state):
        facts = ", ".join(f"{name}: {value}" for name, value in state.items())
        return node(tmp_path, "patches", f"it.sentence({{{facts}}})")

    assert said(side=8, layers=2, stride=1, padding=0, cell=[1, 2]) == (
        "8 by 8, then 6 by 6, then 4 by 4. The number in row 2 column 3 sees rows 2 to 6 and columns 3 to 7 of the "
        "picture, 5 by 5 pixels."
    )
    assert said(side=8, layers=2, stride=2, padding=0, cell=[0, 0]) == (
        "8 by 8, then 3 by 3, then 1 by 1. The number in row 1 column 1 sees rows 1 to 7 and columns 1 to 7 of the "
        "picture, 7 by 7 pixels."
    )
    assert said(side=8, layers=1, stride=1, padding=1, cell=[0, 3]) == (
        "8 by 8, then 8 by 8. The number in row 1 column 4 sees rows 1 to 2 and columns 3 to 5 of the picture, "
        "2 by 3 pixels. The rest of its patch, 3 by 3, lies outside."
    )


def test_the_board_starts_with_one_layer_and_a_still_picture():
    board = book.figures.patches()
    assert board.widget.state == {"side": 8, "layers": 1, "stride": 1, "padding": 0, "cell": [1, 2]}
    tables = [re.findall(r">(\d+)</td>", t) for t in re.findall(r"<table>.*?</table>", board.still)]
    assert [len(t) for t in tables] == [64, 36] and tables[0].count("1") == 9 and tables[1].count("1") == 1


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: book.figures.patches(layers=3), "got 3 layers, stride 1, padding 0; expected 1 or 2, 1 or 2, 0 or 1"),
        (lambda: book.figures.patches(cell=(6, 0)), r"cell is \(6, 0\); expected a row and a column of 6 by 6 numbers"),
        (lambda: book.figures.patches(cell=(1,)), r"cell is \(1,\); expected a row and a column of 6 by 6 numbers"),
        (lambda: reach(mx.load("shapes"), "relu1"), "'relu1' has no windows; expected one of conv1, maxpool1, conv2"),
        (lambda: neuron(book.pocket(), PICTURE, "relu1"), r"'relu1' is ReLU\(\); expected a Conv2d of one map"),
    ],
)
def test_what_a_figure_cannot_show_is_refused(ask, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask()


def test_the_figures_carry_their_words(net):
    assert neuron(book.pocket(), PICTURE, "conv1", cell=(1, 1)).alt == (
        "Y * F = O: Y = [[1, 2, 0], [0, 1, 3], [2, 0, 1]], F = [[1, 2], [0, -1]], O = [[4, -1], [2, 6]]. "
        "Row 2 column 2 of O: 1 x 1 + 3 x 2 + 0 x 0 + 1 x (-1)."
    )
    alt = glimpses(net, scenes(4, 78).pictures[77], ["conv1", "maxpool2"]).alt
    assert alt == (
        "What one number sees: at conv1 5 by 5 pixels; at maxpool2 35 by 35 pixels. The rest of the picture fades."
    )


# -- break it ----------------------------------------------------------------------------------------------------------


def test_one_pixel_hardly_matters_and_eight_sometimes_do(net, hundred):
    x, _, said = hundred
    changed = [(net(np.roll(x, d, axis=3)).argmax(axis=1) != said).sum() for d in (1, 8)]
    assert changed[0] <= 2 and 5 <= changed[1] <= 15
    assert of("03")["one_pixel"].answer == "B"


def test_of_those_that_eight_change_four_had_their_shape_cut_by_the_edge(net, hundred):
    x, _, said = hundred
    changed = net(np.roll(x, 8, axis=3)).argmax(axis=1) != said
    cut = np.array([mask[:, -8:].any() for mask in scenes(7, 100).masks])
    assert (changed.sum(), (changed & cut).sum()) == (10, 4) and "Four of those ten" in TEXT


def test_with_its_taps_turned_the_second_layer_asks_something_else(net, hundred):
    x, labels, said = hundred
    ops = [n.op for n in net.nodes]
    assert isinstance(ops[3], mx.Conv2d) and net.nodes[3].name == "conv2"
    turned = mx.Conv2d(ops[3].weight[..., ::-1, ::-1], ops[3].bias, padding=1)
    odd = mx.Network.sequential([*ops[:3], turned, *ops[4:]])
    assert (said == labels).sum() >= 98 and (odd(x).argmax(axis=1) == labels).sum() < 50


def test_a_flat_picture_gets_an_answer_and_white_a_confident_one(net):
    s = net(net.preprocess(np.full((64, 64, 3), 255, np.uint8))).astype(float)
    assert (np.exp(s) / np.exp(s).sum()).max() > 0.5


def test_the_pool_hides_what_moves_inside_a_window():
    row = np.zeros((1, 1, 2, 6))
    moved = {}
    for d in (0, 1, 2):
        x = row.copy()
        x[0, 0, 0, 2 + d] = 5
        pool = mx.MaxPool2d(2)
        moved[d] = pool.forward(x, pool.choose(x))[0, 0, 0].tolist()
    assert moved[0] == moved[1] == [0, 5, 0] and moved[2] == [0, 0, 5]
