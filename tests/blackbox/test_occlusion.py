"""Occlusion: by hand, and in fractions against a closed form on linear functions."""

from itertools import product

import numpy as np
import pytest

import minixai as mx
from minixai.blackbox.occlusion import windows
from tests.blackbox.examples import F, exact_picture, linear_scores, pictures, question, small_network

ROW = mx.exact([1, F(1, 2), 1]).reshape(1, 1, 3)
WEIGHTS = mx.exact([1, 2, 4]).reshape(1, 1, 1, 3)


def in_row(**params):
    e = mx.explain(linear_scores(WEIGHTS), ROW, "occlusion", score="logit", **{"window": (1, 2), "stride": 1} | params)
    return e.relevance[0].tolist()


def test_a_row_of_three_pixels_by_hand():
    """The two windows hide 1/2 and 2 of the score; the pixel in the middle is in both."""
    assert in_row(fill=F(1, 2)) == [F(1, 2), F(5, 4), 2]
    assert in_row(fill=0) == [2, F(7, 2), 5]  # hides 1 + 1, 1 + 4
    assert in_row() == in_row(fill=F(1, 2))  # grey


def test_a_grey_thing_is_invisible_to_a_grey_window():
    grey, black = (in_row(window=1, fill=fill) for fill in ("grey", "black"))
    assert grey[1] == 0 and black[1] == 1


def test_the_box_with_two_pixels():
    """min(10, 6): without either pixel nothing is left, so each gets 6, and the two sum to 12."""
    network = mx.Network.sequential([
        mx.Linear(mx.exact([[1, 0], [1, -1]])), mx.ReLU(), mx.Linear(mx.exact([[1, -1]])),
    ])  # fmt: skip
    e = mx.explain(network, mx.exact([10, 6]), "occlusion", target=0, window=1, fill=0, score="logit")
    assert e.relevance.tolist() == [6, 6] and e.score == 6 and e.total == 12 and e.expected is None


def starts(n, k, s):
    """Where windows begin on an axis: the last is the first that reaches the border."""
    found = [0]
    while found[-1] + k < n:
        found.append(found[-1] + s)
    return [at for at in found if at < n]


def closed_form(w, x, fill, window, stride):
    """The mean over the windows over a pixel of sum_window w (x - fill), one pixel after the other."""
    change = (w * (x - fill)).sum(axis=0)
    out = np.full(change.shape, F(0), object)
    for pixel in np.ndindex(change.shape):
        over = []
        for corner in product(*map(starts, change.shape, window, stride)):
            box = [range(c, min(c + k, n)) for c, k, n in zip(corner, window, change.shape, strict=True)]
            if all(p in side for p, side in zip(pixel, box, strict=True)):
                over.append(sum(change[q] for q in product(*box)))
        out[pixel] = F(sum(over)) / len(over) if over else F(0)
    return out


@pytest.mark.parametrize(
    ("space", "window", "stride"),
    [
        ((4, 5), (2, 3), (1, 2)), ((5, 4), (1, 1), (1, 1)), ((5, 5), (3, 2), (2, 3)), ((3, 4), (3, 4), (3, 4)),
        ((5, 6), (1, 2), (2, 4)), ((2, 3, 4), (1, 2, 3), (1, 1, 2)),
    ],
)  # fmt: skip
def test_on_a_linear_function_it_equals_a_closed_form_exactly(space, window, stride):
    x, w = exact_picture(1, 2, 2, *space), exact_picture(2, 3, 2, *space)
    fill = exact_picture(3, 2)
    colour = fill.reshape(2, *(1,) * len(space))
    e = mx.explain(
        linear_scores(w), x, "occlusion", target=[2, 0], window=window, stride=stride, fill=fill, score="logit"
    )
    for i, c in enumerate((2, 0)):
        assert (e.relevance[i] == closed_form(w[c], x[i], colour, window, stride)).all()
    assert e.relevance.any() and e.map is e.relevance


def test_an_engine_network_in_fractions_too():
    x, w = exact_picture(4, 2, 3, 3), exact_picture(5, 2, 18)
    network = mx.Network.sequential([mx.Flatten(), mx.Linear(w, exact_picture(6, 2))])
    e = mx.explain(network, x, "occlusion", target=1, window=2, stride=1, fill=0, score="logit")
    assert (e.relevance == closed_form(w[1].reshape(2, 3, 3), x, 0, (2, 2), (1, 1))).all()


def test_windows_are_cut_off_at_the_border_never_wrapped():
    def found(n):
        return [tuple(range(n)[s] for s in place) for place in windows((n,), (3,), (2,))]

    assert found(5) == [(range(0, 3),), (range(2, 5),)]
    assert found(6) == [(range(0, 3),), (range(2, 5),), (range(4, 6),)]
    corner = mx.exact(np.zeros((1, 1, 6, 6)))
    corner[0, 0, 0, 0] = 1
    e = mx.explain(linear_scores(corner), mx.exact(np.ones((1, 6, 6))), "occlusion", window=3, stride=2, fill=0,
                   score="logit")  # fmt: skip
    assert e.relevance[-1].tolist() == [0] * 6 and e.relevance[:, -1].tolist() == [0] * 6 and e.relevance[0, 0] == 1


def test_pixels_that_no_window_covers_get_nothing():
    e = mx.explain(linear_scores(mx.exact(np.ones((1, 1, 5, 5)))), mx.exact(np.ones((1, 5, 5))), "occlusion", window=1,
                   stride=2, fill=0, score="logit")  # fmt: skip
    covered = np.zeros((5, 5))
    covered[::2, ::2] = 1
    assert (e.relevance == covered).all()


def test_what_is_taken_where_nothing_is_said():
    e = mx.explain(small_network(), pictures(0, 2, 6, 6), "occlusion")
    assert e.notes["window"] == (2, 2) and e.notes["stride"] == (1, 1) and e.params["fill"] == "grey"
    large = question(lambda x: np.stack([x.sum((1, 2, 3)), x.max((1, 2, 3))], 1), pictures(0, 1, 1, 64, 32))
    from minixai.blackbox.occlusion import occlusion

    assert occlusion(large).said["window"] == (16, 8) and occlusion(large).said["stride"] == (4, 2)


def test_it_lies_on_the_object_of_a_real_network():
    from minixai.zoo import shapes

    net = mx.load("shapes")
    x = shapes.samples().x[0]  # a circle at the top right
    e = mx.explain(net, x, "occlusion", window=16, stride=8)
    assert e.label == "circle" and e.relevance[:32, 32:].mean() > 10 * abs(e.relevance[32:, :32]).mean()


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"window": 7}, r"window is \(7, 7\), larger than the picture, \(6, 6\); choose a smaller one"),
        ({"window": (2, 7)}, r"window is \(2, 7\), larger than the picture"),
        ({"window": 0}, "window is 0; expected an integer of at least 1, or 2 of them"),
        ({"window": 2.5}, "window is 2.5; expected an integer of at least 1"),
        ({"window": (1, 2, 3)}, r"window is \(1, 2, 3\); expected an integer of at least 1, or 2 of them"),
        ({"stride": 0}, "stride is 0; expected an integer of at least 1"),
        ({"stride": -1}, "stride is -1; expected an integer of at least 1"),
        ({"fill": "pink"}, "fill is 'pink'; expected grey, black, mean, or numbers"),
    ],
)
def test_bad_parameters(params, sentence):
    with pytest.raises(ValueError, match=sentence):
        mx.explain(small_network(), pictures(0, 2, 6, 6), "occlusion", **params)
