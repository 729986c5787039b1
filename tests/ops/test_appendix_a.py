"""Appendix A of the survey derives itself: the engine's own functions, run on SymPy symbols.

A 3x3 picture Y, a 2x2 filter F, the output O and the arriving gradients g_ij = dL/do_ij, Eqs. (28) to (33).
"""

import numpy as np
import pytest
import sympy

import minixai as mx
from minixai.ops.convolution import conv, conv_adjoint, filter_gradient, flip

ONE, NO_PADDING = (1, 1), ((0, 0), (0, 0))


def symbols(letter, *shape):
    """An array of symbols, numbered from 1 as the survey numbers them: y_11, y_12, ..."""
    names = ["".join(str(i + 1) for i in index) for index in np.ndindex(*shape)]
    return np.array([sympy.Symbol(f"{letter}{name}") for name in names], object).reshape(shape)


Y, F, G = symbols("y", 3, 3), symbols("f", 2, 2), symbols("g", 2, 2)
y11, y12, y13, y21, y22, y23, y31, y32, y33 = Y.flat
f11, f12, f21, f22 = F.flat
g11, g12, g21, g22 = G.flat


def output(Y, F):
    return mx.Conv2d(F[None, None]).forward(Y[None, None])[0, 0]


def backward(G, F):
    return conv_adjoint(G[None, None], F[None, None], (3, 3), ONE, NO_PADDING, ONE, 1)[0, 0]


def loss(O, G):
    """A loss whose gradient at the output is G."""
    return sum(o * g for o, g in zip(O.flat, G.flat, strict=True))


def derivatives(L, by):
    return np.array([sympy.diff(L, symbol) for symbol in by.flat], object).reshape(by.shape)


def same(a, b):
    return a.shape == b.shape and all(sympy.expand(p - q) == 0 for p, q in zip(a.flat, b.flat, strict=True))


def correlate(picture, window):
    """The textbook double loop, to compare with."""
    h, w = window.shape
    rows, columns = picture.shape[0] - h + 1, picture.shape[1] - w + 1
    cells = [(picture[i : i + h, j : j + w] * window).sum() for i in range(rows) for j in range(columns)]
    return np.array(cells, object).reshape(rows, columns)


def surrounded(G):
    """The zeros around the arriving gradients that make the convolution full."""
    return np.pad(G, 1, constant_values=sympy.Integer(0))


def test_eq_30_prints_itself(each_engine):
    assert [str(o) for o in output(Y, F).flat] == [
        "f11*y11 + f12*y12 + f21*y21 + f22*y22",
        "f11*y12 + f12*y13 + f21*y22 + f22*y23",
        "f11*y21 + f12*y22 + f21*y31 + f22*y32",
        "f11*y22 + f12*y23 + f21*y32 + f22*y33",
    ]


def test_eq_30_with_a_bias():
    b = sympy.Symbol("b")
    with_bias = mx.Conv2d(F[None, None], np.array([b], object)).forward(Y[None, None])[0, 0]
    assert same(with_bias - b, output(Y, F))


def test_eq_31_every_derivative_of_an_output_cell():
    o11 = output(Y, F)[0, 0]
    assert [sympy.diff(o11, y) for y in (y11, y12, y21, y22)] == [f11, f12, f21, f22]
    assert [sympy.diff(o11, f) for f in F.flat] == [y11, y12, y21, y22]


def test_eq_31_the_filter_gradient(each_engine):
    learned = filter_gradient(G[None, None], Y[None, None], (2, 2), ONE, NO_PADDING, ONE, 1)[0, 0]
    assert same(learned, derivatives(loss(output(Y, F), G), by=F))
    assert same(learned, correlate(Y, G))


def test_eq_32_as_printed(each_engine):
    printed = np.array(
        [
            [g11 * f11, g11 * f12 + g12 * f11, g12 * f12],
            [g11 * f21 + g21 * f11, g11 * f22 + g12 * f21 + g21 * f12 + g22 * f11, g12 * f22 + g22 * f12],
            [g21 * f21, g21 * f22 + g22 * f21, g22 * f22],
        ],
        object,
    )
    assert same(backward(G, F), printed)
    assert same(printed, derivatives(loss(output(Y, F), G), by=Y))


def test_eq_33_is_the_full_convolution_with_the_flipped_filter(each_engine):
    flipped = flip(F[None, None])[0, 0]
    assert flipped.tolist() == [[f22, f21], [f12, f11]]
    assert same(backward(G, F), correlate(surrounded(G), flipped))
    assert same(backward(G, F), conv(G[None, None], flipped[None, None], ONE, ((1, 1), (1, 1)), ONE, 1)[0, 0])


def test_eq_33_is_not_the_full_convolution_with_the_filter_as_it_is():
    wrong = correlate(surrounded(G), F)
    different = [sympy.expand(p - q) != 0 for p, q in zip(backward(G, F).flat, wrong.flat, strict=True)]
    assert all(different)


@pytest.mark.parametrize("half", [F[::-1], F[:, ::-1], F[::-1, ::-1].T], ids=["rows", "columns", "transposed"])
def test_eq_33_is_not_a_convolution_with_a_filter_turned_only_half_way(half):
    assert not same(backward(G, F), correlate(surrounded(G), half))


@pytest.mark.parametrize(
    "shape, filters, where",
    [
        ((1, 1, 4, 3), (1, 1, 2, 2), {"stride": (2, 1)}),
        ((1, 1, 3, 3), (1, 1, 2, 2), {"padding": ((1, 0), (0, 2))}),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"dilation": 2}),
        ((1, 1, 4, 4), (1, 1, 2, 3), {"stride": 2, "padding": 1, "dilation": (2, 1)}),
        ((1, 2, 3, 3), (2, 2, 2, 2), {}),
        ((1, 4, 2, 3), (4, 2, 2, 2), {"groups": 2}),
        ((2, 1, 2, 2), (1, 1, 2, 1), {}),
        ((1, 1, 2, 3, 2), (1, 1, 2, 2, 1), {"stride": (1, 2, 1), "padding": ((0, 1), (0, 0), (1, 0))}),
    ],
)
def test_the_derivation_holds_for_every_kind_of_convolution(shape, filters, where):
    pictures, weight = symbols("y", *shape), symbols("f", *filters)
    op = (mx.Conv2d if len(shape) == 4 else mx.Conv3d)(weight, **where)
    O = op.forward(pictures)
    arriving = symbols("g", *O.shape)
    assert same(op.adjoint(arriving, pictures), derivatives(loss(O, arriving), by=pictures))
    assert same(op.parameter_gradients(arriving, pictures)["weight"], derivatives(loss(O, arriving), by=weight))


def test_the_other_linear_layers_take_symbols_too():
    x, W, b = symbols("x", 1, 3), symbols("w", 2, 3), symbols("b", 2)
    op = mx.Linear(W, b)
    out = op.forward(x)
    g = symbols("g", 1, 2)
    assert same(op.adjoint(g, x), derivatives(loss(out, g), by=x))
    learned = op.parameter_gradients(g, x)
    assert same(learned["weight"], derivatives(loss(out, g), by=W))
    assert same(learned["bias"], derivatives(loss(out, g), by=b))
    assert str(mx.AvgPool2d(2).forward(Y[None, None, :2, :2])[0, 0, 0, 0]) == "y11/4 + y12/4 + y21/4 + y22/4"
