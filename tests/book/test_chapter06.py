"""What chapter 06 says in words, tested; and the survey's figure 5, drawn with our numbers."""

import json

import numpy as np
import pytest

from minixai import files
from minixai.book import numbers
from minixai.book.figures import ch06
from minixai.book.numbers import say

# -- what the text says ------------------------------------------------------------------------------------------------


def test_guided_empties_the_dark_end_only():
    found = json.loads((files.root("data") / "results" / "guided-pixels.json").read_text())
    assert found["verdict"] == "inconclusive here" and found["pictures"] == 200
    rows = {(row["label"], row["x"]): row["interval"] for row in found["panels"][0]["rows"]}
    guided, gradient = ([rows[name, level] for level in (0.25, 0.5, 0.75)] for name in ("guided-backprop", "gradient"))
    assert guided[0][2] < gradient[0][1]  # fewer reach a quarter
    assert guided[2][1] > gradient[2][2]  # more reach three quarters
    (said,) = found["statements"]
    assert said["interval"][1] < 0 < said["interval"][2]  # no difference at the half


# -- figure 5 ----------------------------------------------------------------------------------------------------------


def test_figure_5_shows_the_tables_of_the_pencil():
    figure = ch06.three_ways()
    for name in ("gradient", "deconvnet", "guided"):
        title = {"deconvnet": "DeconvNet"}.get(name, name)
        assert f"{title}: {say(numbers.value(f'gates.{name}').astype(float))}" in figure.alt
        (axes,) = (a for a in figure.axes if a.get_title(loc="left") == title or a.get_title() == title)
        written = [float(text.get_text()) for text in axes.texts]
        assert written == numbers.value(f"gates.{name}").astype(float).ravel().tolist()


def test_figure_5_crosses_out_what_is_stopped():
    y, R = np.array([[1.0, 1.0, -1.0, -1.0]]), np.array([[2.0, -2.0, 2.0, -2.0]])
    crossed = [len(axes.lines) for axes in ch06.three_ways(y, R).axes]
    assert crossed == [0, 2, 0, 2, 2, 3]  # y, relu(y), R; gradient, DeconvNet, guided


@pytest.mark.parametrize("y, R", [([[1, 2]], [[1], [2]]), ([1, 2], [1, 2])])
def test_figure_5_wants_two_matrices_of_one_shape(y, R):
    with pytest.raises(ValueError, match="expected (one shape|a matrix)"):
        ch06.three_ways(y, R)
