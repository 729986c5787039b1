"""What chapter 04 says in words, tested: the bug that hides, the judge that needs no persuading, Appendix A's words."""

import re

import nbformat
import numpy as np
import pytest

import minixai as mx
from minixai import book, files
from minixai.book import source
from minixai.book.exercises import of
from minixai.book.numbers import value
from minixai.zoo import digits

EMPTY = np.zeros((1, 1, 3, 3))  # only its size is used


def back(G, F):
    return mx.Conv2d(F[None, None]).adjoint(G[None, None], EMPTY)[0, 0]


def slid(picture, F, ring=0):
    """Eq. (30), forwards, over a picture with rings of zeros around it."""
    return mx.Conv2d(F[None, None], padding=ring).forward(picture[None, None])[0, 0]


def as_it_is(R, step):
    """The bug: the walk back with the filter as it is."""
    return mx.Conv2d(step.op.weight[..., ::-1, ::-1], padding=step.op.padding).adjoint(R, step.x)


def slopes(tape, rules):
    seed = np.eye(10)[[tape.output.y.argmax()]]
    return list(mx.walk(tape, seed, rules))[-1].arriving[0]


@pytest.fixture(scope="module")
def judged():
    """For all twenty digits and a large change of each: how far the score moved, and what two walks say of it."""
    net, pictures = mx.load("digits").astype("float64"), digits.samples().x.astype("float64")
    right, wrong = mx.rules("gradient"), mx.rules("gradient") | {mx.Conv2d: as_it_is}
    rows = []
    for x, d in zip(pictures, np.random.default_rng(4).integers(-2, 3, pictures.shape) / 4, strict=True):
        tape = mx.forward(net, x)
        moved = mx.forward(net, x + d, choices=tape).output.y - tape.output.y
        rows.append([moved[0, tape.output.y.argmax()], *((slopes(tape, rules) * d).sum() for rules in (right, wrong))])
    return np.array(rows).T


def test_with_gates_and_winners_held_the_score_moves_by_slopes_times_change(judged):
    moved, right, _ = judged
    assert moved.all()
    np.testing.assert_allclose(right, moved, rtol=0, atol=1e-11)


def test_the_unturned_filter_never_passes_and_at_times_misses_the_sign(judged):
    moved, _, wrong = judged
    assert abs(wrong - moved).min() > 0.1
    assert (np.sign(wrong) != np.sign(moved)).any()


def test_the_colleague_is_right_on_a_filter_that_is_its_own_half_turn_and_on_no_corner_of_another():
    lucky, F = mx.exact([[1, 2], [2, 1]]), value("paint.filter")
    for corner in mx.exact(np.eye(4).reshape(4, 2, 2)):
        assert (slid(corner, lucky, ring=1) == back(corner, lucky)).all()
        assert (slid(corner, F, ring=1) != back(corner, F)).any()


def test_a_single_1_collected_at_the_centre_meets_the_last_tap():
    assert back(mx.exact([[1, 0], [0, 0]]), value("paint.filter"))[1, 1] == value("paint.filter")[1, 1]


def test_the_adjoint_is_not_the_inverse():
    picture, F = book.POCKET_PICTURE[0], value("paint.filter")
    returned = back(slid(picture, F), F)
    assert (returned * picture.sum() != picture * returned.sum()).any()  # not even up to a factor


def test_with_the_other_meaning_of_the_word_the_flip_changes_sides():
    """Slide the turned filter forwards, and the walk back slides it as it is."""
    F, G = value("paint.filter"), value("paint.signal")
    assert (back(G, F[::-1, ::-1]) == slid(G, F, ring=1)).all()


def test_the_right_map_is_the_one_the_question_takes():
    text = "\n".join(c.text for c in source.read(*source.paths(("04",))).cells)
    (seed,) = re.findall(r"order = np.random.default_rng\((\d+)\).permutation\(2\)", text)
    order = list(np.random.default_rng(int(seed)).permutation(2))
    assert "AB"[order.index(0)] == of("04_walking_backwards")["tell_by_eye"].answer


@pytest.mark.parametrize("path", source.paths(), ids=lambda p: p.stem)
def test_the_first_line_of_a_closed_output_says_nothing_yet(path):
    """JupyterLab shows the first line of a closed output beside the three dots."""
    notebook = nbformat.read(files.root("chapters") / f"{path.stem}.ipynb", as_version=4)
    closed = [c for c in notebook.cells if "reveal" in c.metadata.get("tags", ())]
    assert closed
    for cell in closed:
        for first in [o["text"].splitlines()[0] for o in cell.outputs if o.output_type == "stream"][:1]:
            assert not re.search(r"\d|\b[A-D]\b", first), first
