"""The numbers that a reader works out by hand: the pocket CNN, its pools, its way back (chapters 03 and 04)."""

import numpy as np
import pytest

import minixai as mx
from minixai.ops.convolution import conv_adjoint, filter_gradient
from minixai.ops.windows import output_size

from .material import run

PICTURE = [[1, 2, 0], [0, 1, 3], [2, 0, 1]]
F1, F2 = [[1, 2], [0, -1]], [[-1, 0], [1, 1]]
Y1, Y2 = [[4, -1], [2, 6]], [[0, 2], [2, 0]]
ONE, NO_PADDING = (1, 1), ((0, 0), (0, 0))


@pytest.fixture(params=["float32", "float64", "exact"])
def numbers(request):
    """Nested lists as an array of this arithmetic."""
    return mx.exact if request.param == "exact" else lambda values: np.array(values, request.param)


@pytest.fixture
def picture(numbers):
    return numbers([[PICTURE]])


def says(array, expected):
    """Equality number by number; every value here is a small integer, so floats are exact too."""
    return np.array_equal(array, np.array(expected))


@pytest.mark.parametrize("F, bias, expected", [(F1, 1, [[5, 0], [3, 7]]), (F1, None, Y1), (F2, None, Y2)])
def test_conv2d(F, bias, expected, numbers, picture, each_engine):
    op = mx.Conv2d(numbers([[F]]), None if bias is None else numbers([bias]))
    assert says(op.forward(picture)[0, 0], expected)


@pytest.mark.parametrize("F, wrong", [(np.flip(F1), [[1, 4], [5, 1]]), (np.transpose(F1), [[1, 2], [5, 1]])])
def test_the_wrong_answers_of_conv2d_come_from_the_wrong_filters(F, wrong, numbers, picture, each_engine):
    assert says(mx.Conv2d(numbers([[F]]), numbers([1])).forward(picture)[0, 0], wrong)


def pocket(numbers, pool):
    """The pocket CNN: two filters, ReLU, one number p per channel; scores A = p1 - p2 and B = p2."""
    return [
        mx.Conv2d(numbers([[F1], [F2]])), mx.ReLU(), pool, mx.Flatten(), mx.Linear(numbers([[1, -1], [0, 1]])),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "pool, p, scores", [(mx.MaxPool2d(2), [6, 2], [4, 2]), (mx.AvgPool2d(2), [3, 1], [2, 1])], ids=["max", "mean"]
)
def test_the_pocket_cnn_forward(pool, p, scores, numbers, picture, each_engine):
    y, seen = picture, []
    for op in pocket(numbers, pool):
        y, _ = run(op, y)
        seen.append(y)
    maps, rectified, _, pooled, out = seen
    assert says(maps[0], [Y1, Y2])
    assert says(rectified[0], [[[4, 0], [2, 6]], Y2])
    assert says(pooled, [p])
    assert says(out, [scores])


def test_max_pool_the_first_of_two_equal_winners(numbers, each_engine):
    x = numbers([[[[1, 3, 0, 0], [3, 2, 5, 1]]]])
    values, (switches,) = run(mx.MaxPool2d(2), x)
    assert says(values[0, 0], [[3, 5]])
    assert says(switches[0, 0], [[1, 6]])
    unpooled = mx.MaxPool2d(2).adjoint(numbers([[[[7, 9]]]]), x, switches)
    assert says(unpooled[0, 0], [[0, 7, 0, 0], [0, 0, 9, 0]])


def test_where_windows_overlap_the_winner_is_paid_by_each(numbers, each_engine):
    x = numbers([[[[1, 3, 0, 0], [3, 2, 5, 1]]]])
    op = mx.MaxPool2d(2, stride=1)
    values, (switches,) = run(op, x)
    assert says(values[0, 0], [[3, 5, 5]])
    assert says(switches[0, 0], [[1, 6, 6]])
    assert says(op.adjoint(numbers([[[[7, 9, 20]]]]), x, switches)[0, 0], [[0, 7, 0, 0], [0, 0, 29, 0]])


def test_average_of_the_same_windows(each_engine):
    x = mx.exact([[[[1, 3, 0, 0], [3, 2, 5, 1]]]])
    assert (mx.AvgPool2d(2).forward(x) == mx.exact([[[[9 / 4, 3 / 2]]]])).all()


@pytest.mark.parametrize("n, k, s, p, expected", [(8, 3, 2, 1, 4), (9, 3, 1, 2, 11), (3, 2, 1, 0, 2), (4, 2, 2, 0, 2)])
def test_output_size(n, k, s, p, expected, each_engine):
    assert output_size(n, k, s, p, p, 1) == expected
    op = mx.Conv2d(np.ones((1, 1, k, k)), stride=s, padding=p)
    assert op.forward(np.ones((1, 1, n, n))).shape == (1, 1, expected, expected)


def test_conv_backward(numbers, each_engine):
    F, G = numbers([[[[1, 2], [3, 4]]]]), numbers([[[[5, 0], [0, 6]]]])
    back = conv_adjoint(G, F, (3, 3), ONE, NO_PADDING, ONE, 1)
    assert says(back[0, 0], [[5, 10, 0], [15, 26, 12], [0, 18, 24]])


@pytest.mark.parametrize(
    "turn, wrong",
    [
        (lambda F: np.flip(F), [[20, 15, 0], [10, 29, 18], [0, 12, 6]]),
        (lambda F: np.flip(F, 1), [[10, 5, 0], [20, 27, 6], [0, 24, 18]]),
        (lambda F: np.flip(F, 0), [[15, 20, 0], [5, 28, 24], [0, 6, 12]]),
        (lambda F: np.flip(F).T, [[20, 10, 0], [15, 29, 12], [0, 18, 6]]),
    ],
    ids=["not flipped", "top-bottom only", "left-right only", "transposed"],
)
def test_the_wrong_answers_of_conv_backward_come_from_the_wrong_turns(turn, wrong, numbers, each_engine):
    F, G = turn(np.array([[1, 2], [3, 4]])), numbers([[[[5, 0], [0, 6]]]])
    assert says(conv_adjoint(G, numbers([[F]]), (3, 3), ONE, NO_PADDING, ONE, 1)[0, 0], wrong)


def test_the_inner_products_of_the_find_the_bug_exercise(numbers, picture, each_engine):
    """<conv x, G> = 111 = <x, back G>; the unflipped code says 139."""
    F, G = numbers([[[[1, 2], [3, 4]]]]), numbers([[[[5, 0], [0, 6]]]])
    assert (mx.Conv2d(F).forward(picture) * G).sum() == 111
    assert (picture * mx.Conv2d(F).adjoint(G, picture)).sum() == 111
    unflipped = mx.Conv2d(np.flip(F, (2, 3)))
    assert (picture * unflipped.adjoint(G, picture)).sum() == 139


def test_on_a_symmetric_filter_the_bug_is_invisible(numbers, picture, each_engine):
    F, G = numbers([[[[1, 2], [2, 1]]]]), numbers([[[[5, 0], [0, 6]]]])
    assert says(mx.Conv2d(F).adjoint(G, picture), mx.Conv2d(np.flip(F, (2, 3))).adjoint(G, picture))


def test_filter_gradient(numbers, picture, each_engine):
    G = numbers([[[[1, 2], [0, 3]]]])
    assert says(filter_gradient(G, picture, (2, 2), ONE, NO_PADDING, ONE, 1)[0, 0], [[8, 11], [2, 10]])
    learned = mx.Conv2d(numbers([[F1]]), numbers([1])).parameter_gradients(G, picture)
    assert says(learned["weight"][0, 0], [[8, 11], [2, 10]])
    assert says(learned["bias"], [6])


def test_forks_add(numbers, each_engine):
    """S = 3 relu(2 x1 + x2 - 1) - relu(x1 - x2) at (2, 1): 11, and 3 (2, 1) - (1, -1) = (5, 4)."""
    x = numbers([[2, 1]])
    hidden, relu = mx.Linear(numbers([[2, 1], [1, -1]]), numbers([-1, 0])), mx.ReLU()
    last = mx.Linear(numbers([[3, -1]]))
    z = hidden.forward(x)
    h, (gate,) = run(relu, z)
    assert says(last.forward(h), [[11]])
    arriving = relu.adjoint(last.adjoint(numbers([[1]]), h), z, gate)
    assert says(hidden.adjoint(arriving, x), [[5, 4]])
