"""The soft decision tree: Eq. (1), leaf probabilities in fractions, slopes, and a tree that has learnt `digits`."""

from itertools import product

import numpy as np
import pytest

import minixai as mx
from minixai.blackbox import soft_tree as trees
from minixai.blackbox.soft_tree import SoftTree, agreement, distil, grow, leaf_probabilities, levels, loss, sigmoid
from minixai.draw.tree import tree_figure
from minixai.zoo import digits
from tests.blackbox.examples import F, pictures


def random_tree(depth, pixels=6, classes=3, beta=1.0, seed=0, shape=None):
    rng = np.random.default_rng(seed)
    nodes = 2**depth - 1
    draws = (rng.standard_normal(size) for size in ((nodes, pixels), nodes, (nodes + 1, classes)))
    return SoftTree(*draws, beta, shape or (pixels,))


# -- leaf probabilities ------------------------------------------------------------------------------------------------


def test_seven_nodes_by_hand():
    """Root 3/4, left 1/3, right 2/3: p is the probability of turning right."""
    found = leaf_probabilities(mx.exact([[F(3, 4), F(1, 3), F(2, 3)]]))
    assert found.tolist() == [[F(1, 6), F(1, 12), F(1, 4), F(1, 2)]]


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_leaf_probabilities_sum_to_one_exactly(depth):
    gates = mx.exact(np.random.default_rng(depth).integers(0, 17, (5, 2**depth - 1)) / 16)
    found = leaf_probabilities(gates)
    assert found.shape == (5, 2**depth) and (found.sum(axis=1) == 1).all()
    assert all((level.sum(axis=1) == 1).all() for level in levels(gates))
    for row, leaf in product(range(5), range(2**depth)):
        node, expected = 0, F(1)
        for turn in map(int, f"{leaf:0{depth}b}"):
            expected *= gates[row, node] if turn else 1 - gates[row, node]
            node = 2 * node + 1 + turn
        assert found[row, leaf] == expected


def test_hard_gates_lead_to_one_leaf():
    assert leaf_probabilities(np.array([[1.0, 0, 0], [0, 1, 0]])).tolist() == [[0, 0, 1, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize("shape", [(2, 2), (3,), (2, 0), (1, 4)])
def test_gates_of_no_tree(shape):
    with pytest.raises(ValueError, match=r"the gates have shape .*; expected \(N, 2\^depth - 1\): one per inner node"):
        leaf_probabilities(np.zeros(shape))


# -- one tree ----------------------------------------------------------------------------------------------------------


def test_equation_1_by_hand():
    tree = SoftTree(np.array([[1.0, -2.0]]), np.array([0.5]), np.zeros((2, 2)), 2.0, (2,))
    x = np.array([[1.0, 0.5], [3.0, 0.0]])
    np.testing.assert_allclose(tree.gates(x)[:, 0], 1 / (1 + np.exp(-2 * np.array([0.5, 3.5]))), rtol=1e-14)
    assert sigmoid(np.array([-1e9, 0, 1e9])).tolist() == [0, 0.5, 1]


def test_a_prediction_is_the_likeliest_leafs_or_the_mixture():
    tree = SoftTree(
        np.array([[4.0], [0.5], [-0.5]]),
        np.zeros(3),
        np.log([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]),
        1.0,
        (1,),
    )
    x = np.array([[1.0]])
    root, left, right = (1 / (1 + np.exp(-t)) for t in (4, 0.5, -0.5))
    reached = np.array([(1 - root) * (1 - left), (1 - root) * left, root * (1 - right), root * right])
    np.testing.assert_allclose(leaf_probabilities(tree.gates(x))[0], reached, rtol=1e-12)
    np.testing.assert_allclose(tree.probabilities(x), [[0.3, 0.7]], rtol=1e-12)
    np.testing.assert_allclose(tree.probabilities(x, "mixture")[0, 0], reached @ [0.9, 0.8, 0.3, 0.6], rtol=1e-12)
    assert tree.path(x[0]) == [0, 2, 5]
    with pytest.raises(ValueError, match="by is 'best'; expected one of leaf, mixture"):
        tree.probabilities(x, "best")
    with pytest.raises(ValueError, match=r"x has shape \(1,\); expected pictures \(N, 1\)"):
        tree.probabilities(x[0])
    with pytest.raises(ValueError, match="x holds NaN"):
        tree.gates(np.array([[np.nan]]))


def test_a_path_ends_at_the_likeliest_leaf():
    tree = random_tree(4)
    for x in pictures(1, 20, 6) * 4 - 2:
        path = tree.path(x)
        assert path[0] == 0 and len(path) == 5
        assert all(b in (2 * a + 1, 2 * a + 2) for a, b in zip(path, path[1:], strict=False))
        assert path[-1] - 15 == leaf_probabilities(tree.gates(x[None]))[0].argmax()


# -- its loss ----------------------------------------------------------------------------------------------------------


def loss_in_letters(tree, rows, T, lambda_):
    """The loss, one picture, one node, one leaf at a time."""
    total, Q, nodes = 0.0, tree.distributions, len(tree.filters)
    p = [
        [1 / (1 + np.exp(-tree.beta * (x @ w + b))) for w, b in zip(tree.filters, tree.biases, strict=True)]
        for x in rows
    ]
    reach = [[1.0] + [0.0] * (2 * nodes) for _ in rows]
    for k, node in product(range(len(rows)), range(nodes)):
        reach[k][2 * node + 1] = reach[k][node] * (1 - p[k][node])
        reach[k][2 * node + 2] = reach[k][node] * p[k][node]
    for k, t in enumerate(T):
        for leaf, q in enumerate(Q):
            total += reach[k][nodes + leaf] * -sum(t * np.log(q)) / len(rows)
    for node in range(nodes):
        alpha = sum(r[node] * g[node] for r, g in zip(reach, p, strict=True)) / sum(r[node] for r in reach)
        depth = int(np.log2(node + 1))
        total -= lambda_ * 2.0**-depth * (np.log(alpha) + np.log(1 - alpha)) / 2
    return total


def material(depth, beta=1.0):
    tree = random_tree(depth, beta=beta, seed=depth)
    T = np.random.default_rng(2).dirichlet(np.ones(3), 9)
    return tree, pictures(1, 9, 6) * 2 - 1, T


@pytest.mark.parametrize(("depth", "beta", "lambda_"), [(1, 1.0, 0.1), (2, 2.0, 0.5), (3, 1.0, 0.0), (3, 0.5, 0.1)])
def test_the_loss_is_that_of_the_paper(depth, beta, lambda_):
    tree, rows, T = material(depth, beta)
    assert loss(tree, rows, T, lambda_)[0] == pytest.approx(loss_in_letters(tree, rows, T, lambda_), rel=1e-12)
    assert loss(tree, rows, T, lambda_, 0.5)[0] - loss(tree, rows, T, lambda_)[0] == pytest.approx(
        0.5 * (tree.filters**2).sum()
    )


@pytest.mark.parametrize(("depth", "beta", "lambda_", "decay"), [(1, 1.0, 0.1, 0), (3, 2.0, 0.3, 0.01), (2, 1.0, 0, 0)])
def test_its_slopes_are_those_of_finite_differences(depth, beta, lambda_, decay):
    tree, rows, T = material(depth, beta)
    _, slopes = loss(tree, rows, T, lambda_, decay)
    step = 1e-6
    for name, slope in zip(("filters", "biases", "leaves"), slopes, strict=True):
        values = getattr(tree, name)
        assert slope.shape == values.shape
        for place in np.ndindex(values.shape):
            ends = []
            for sign in (1, -1):
                parts = {n: getattr(tree, n).copy() for n in ("filters", "biases", "leaves")}
                parts[name][place] += sign * step
                ends.append(loss(SoftTree(**parts, beta=beta, shape=(6,)), rows, T, lambda_, decay)[0])
            assert slope[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-8)
        assert abs(slope).max() > 1e-3


def test_a_leaf_that_nobody_reaches_leaves_the_loss_finite():
    tree = SoftTree(np.full((1, 6), 1e6), np.zeros(1), np.zeros((2, 3)), 1.0, (6,))
    value, slopes = loss(tree, np.ones((4, 6)), np.eye(3)[[0, 1, 2, 0]], 0.1)
    assert np.isfinite(value) and all(np.isfinite(s).all() for s in slopes)


# -- learning ----------------------------------------------------------------------------------------------------------


def test_it_learns_labels_that_one_cut_tells_apart():
    x = pictures(3, 200, 1, 2, 2)
    labels = (x[:, 0, 0, 1] > x[:, 0, 1, 0]).astype(int)
    tree = grow(x, labels, depth=1, n=100, classes=("left", "right"))
    assert (tree.probabilities(x).argmax(axis=1) == labels).mean() > 0.97
    assert tree.shape == (1, 2, 2) and tree.classes == ("left", "right") and tree.depth == 1
    w = tree.filters[0]
    assert w[1] * w[2] < 0 and min(abs(w[1:3])) > 4 * max(abs(w[[0, 3]]))


@pytest.fixture(scope="module")
def examples():
    return digits.examples()


@pytest.fixture(scope="module")
def net():
    return mx.load("digits")


@pytest.fixture(scope="module")
def learnt(net, examples):
    return distil(net, examples.train.x.astype(np.float32))


def test_it_distils_digits(net, examples, learnt):
    """On 450 digits that neither network nor tree has seen, they say the same of at least 90 %; depth 5."""
    unseen = examples.held_out.x.astype(np.float32)
    assert learnt.depth == 5
    assert agreement(learnt, net, unseen) >= 0.92
    assert agreement(learnt, net, unseen, "mixture") >= 0.92
    right = learnt.probabilities(unseen).argmax(axis=1) == examples.held_out.labels
    assert right.mean() >= 0.9 and learnt.classes == net.classes


def test_agreement_is_counted_by_hand(net, examples, learnt):
    x = examples.held_out.x[:40].astype(np.float32)
    same = [int(np.argmax(net(one))) == int(learnt.probabilities(one[None]).argmax()) for one in x]
    assert agreement(learnt, net, x) == sum(same) / 40


def test_the_seed_decides(net, examples):
    x = examples.train.x[:200].astype(np.float32)
    first, second, other = (distil(net, x, 3, n=20, seed=s) for s in (4, 4, 5))
    assert (first.filters == second.filters).all() and (first.leaves == second.leaves).all()
    assert (first.filters != other.filters).any()


def test_a_function_is_distilled_like_its_network(net, examples):
    x = examples.train.x[:150].astype(np.float32)
    network, function = distil(net, x, 2, n=10), distil(net.__call__, x, 2, n=10, at_once=150)
    np.testing.assert_allclose(function.filters, network.filters, atol=1e-6)
    assert function.classes is None


def test_more_steps_never_make_the_loss_worse(net, examples):
    x = examples.train.x[:300]
    answers = np.eye(10)[examples.train.labels[:300]]
    values = [loss(grow(x, answers, 3, n=n), x.reshape(300, -1), answers, 0.1, 1e-4)[0] for n in (1, 5, 25)]
    assert values[0] > values[1] > values[2]


X = pictures(0, 6, 1, 3, 3)
LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("x", "answers", "params", "sentence"),
    [
        (X, LABELS[:5], {}, r"answers have shape \(5,\) and dtype int64; expected 6 class numbers, or distributions"),
        (X, -LABELS, {}, "answers have shape .* expected 6 class numbers"),
        (X, np.full((6, 2), 0.4), {}, r"expected 6 class numbers, or distributions \(6, classes\) that sum to 1"),
        (X, np.full((6, 2), np.nan), {}, "expected 6 class numbers, or distributions"),
        (X, LABELS.astype(float), {}, "expected 6 class numbers, or distributions"),
        (X * np.nan, LABELS, {}, r"x has shape \(6, 1, 3, 3\) and dtype float64; expected pictures .* of finite"),
        (X.astype(int), LABELS, {}, "x has shape .* dtype int64; expected pictures"),
        (X[:0], LABELS[:0], {}, "x has shape .0, 1, 3, 3. .*; expected pictures"),
        (X, LABELS, {"depth": 0}, "depth is 0; expected an integer of at least 1: levels of inner nodes"),
        (X, LABELS, {"depth": 11}, "depth is 11; expected at most 10: each level doubles the tree"),
        (X, LABELS, {"n": 0}, "n is 0; expected an integer of at least 1: the number of steps"),
        (X, LABELS, {"seed": -1}, "seed is -1; expected an integer of at least 0"),
        (X, LABELS, {"lambda_": -1}, "got lambda -1, decay 0.0001, beta 1; expected at least 0"),
        (X, LABELS, {"beta": 0}, "beta 0; expected at least 0, at least 0, and a number above 0"),
        (X, LABELS, {"decay": np.nan}, "decay nan, beta 1; expected at least 0"),
    ],
)  # fmt: skip
def test_bad_material(x, answers, params, sentence):
    with pytest.raises(ValueError, match=sentence):
        grow(x, answers, **params)


def test_one_picture_is_too_few(net):
    with pytest.raises(ValueError, match=r"x has shape \(1, 8, 8\): one picture; expected many to learn from"):
        distil(net, np.zeros((1, 8, 8), np.float32))
    with pytest.raises(
        ValueError, match="got 3; expected a minixai Network, a torch module, or a function that scores"
    ):
        distil(3, X)


# -- the drawing -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    tree = random_tree(3, pixels=16, classes=4, shape=(1, 4, 4))
    x = pictures(2, 1, 4, 4)
    return tree, x, tree_figure(tree, x)


def test_a_filter_at_every_node_and_bars_at_every_leaf(drawn):
    tree, x, figure = drawn
    images = [a.images[0] for a in figure.axes if a.images]
    *filters, shown = images  # the picture comes last
    assert len(filters) == 7 and shown.get_array().shape == (4, 4, 3)
    for image, w in zip(filters, tree.filters, strict=True):
        assert (image.get_array() == w.reshape(4, 4)).all() and image.get_cmap().name == "RdBu_r"
        assert image.get_clim() == (-abs(w).max(), abs(w).max())
    bars = [[p.get_height() for p in a.patches] for a in figure.axes if a.patches]
    np.testing.assert_allclose(bars, tree.distributions)


def test_the_way_of_the_picture_is_red_and_thick(drawn):
    tree, x, figure = drawn
    lines = figure.axes[0].lines
    passed = np.concatenate([p[0] for p in levels(tree.gates(x[None]))])
    assert len(lines) == 14
    for node, line in enumerate(lines, 1):
        assert line.get_linewidth() == pytest.approx(0.6 + 3.4 * passed[node])
        assert (line.get_color() == "#b2182b") == (node in tree.path(x))
    written = {text.get_text() for text in figure.axes[0].texts}
    gates, path = tree.gates(x[None])[0], tree.path(x)
    for a, b in zip(path, path[1:], strict=False):
        assert f"{100 * (gates[a] if b == 2 * a + 2 else 1 - gates[a]):.0f} %" in written


def test_the_drawing_in_words(drawn):
    tree, x, figure = drawn
    leaf = tree.path(x)[-1] - 7
    classes = tree.leaves.argmax(axis=1)
    assert figure.alt.startswith("A soft decision tree of depth 3. Its leaves, from left to right: ")
    assert ", ".join(map(str, classes)) in figure.alt
    assert f"to the leaf {classes[leaf]}, reached with " in figure.alt
    assert tree_figure(tree).alt.endswith(f"{classes[-1]}.")


def test_nothing_leaves_the_page_and_leaves_do_not_overlap(learnt):
    x = digits.samples().x[6]
    figure = tree_figure(learnt, x)
    figure.draw_without_rendering()
    page = figure.bbox
    for axes in figure.axes[1:]:
        box = axes.get_window_extent()
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    boxes = [axes.get_window_extent() for axes in figure.axes[1:]]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])
    names = [t.get_text() for t in figure.axes[0].texts]
    assert set(names) >= {learnt.classes[c] for c in learnt.leaves.argmax(axis=1)}


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match=r"x has shape \(4,\); expected one picture \(6,\)"):
        tree_figure(random_tree(2), np.zeros(4))
    with pytest.raises(ValueError, match=r"the tree's pictures have shape \(6,\); expected \(C, H, W\)"):
        tree_figure(random_tree(2))


def test_the_tree_needs_nothing_heavy_to_answer():
    assert "scipy" not in vars(trees) and random_tree(2).gates(np.zeros((1, 6))).shape == (1, 3)
