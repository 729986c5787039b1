"""What is written to disk: pictures with their words, numbers that load anywhere, whole files or none."""

import os
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minixai import draw
from minixai.draw.page import png

from .conftest import explained, shown


@pytest.mark.parametrize("kind", ["grey", "feature batch", "clip"])
def test_png_carries_its_words(kind, tmp_path):
    e = explained(kind)
    path = e.save(tmp_path / "map.png")
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert image.text["Description"] == draw.alt_text(e)


def test_png_is_the_same_every_time(tmp_path):
    one, two = (explained("grey").save(tmp_path / name) for name in ("one.png", "two.PNG"))
    assert one.read_bytes() == two.read_bytes()


def test_npz_holds_the_numbers(each_kind, tmp_path):
    e = explained(each_kind)
    path = e.save(tmp_path / "map.npz")
    assert path == tmp_path / "map.npz"
    with np.load(path, allow_pickle=False) as stored:
        for name in ("relevance", "map", "heatmap", "x"):
            np.testing.assert_array_equal(stored[name], np.asarray(getattr(e, name)).astype(stored[name].dtype))
        signals = {name.removeprefix("signals/") for name in stored.files if name.startswith("signals/")}
        assert signals == set(e.signals)
        for name in signals:
            np.testing.assert_array_equal(stored[f"signals/{name}"], e.signals[name].astype(float))
        assert str(stored["alt"]) == draw.alt_text(e)
        assert all(stored[name].dtype.kind != "O" for name in stored.files)


def test_npz_keeps_fractions_exactly(tmp_path):
    e = explained("fractions")
    with np.load(e.save(tmp_path / "map.npz"), allow_pickle=False) as stored:
        assert stored["relevance"].dtype == np.float64
        assert [Fraction(text) for text in stored["relevance_exact"]] == list(e.relevance)
    assert any(Fraction(float(value)) != value for value in e.relevance), "a float would do"


def test_floats_need_no_second_copy(tmp_path):
    with np.load(explained("grey").save(tmp_path / "map.npz"), allow_pickle=False) as stored:
        assert "relevance_exact" not in stored.files
        assert stored["relevance"].dtype == explained("grey").relevance.dtype


@pytest.mark.parametrize("name", ["map.jpg", "map", "map.png.txt", ""])
def test_other_suffixes_are_refused_with_a_sentence(name, tmp_path):
    with pytest.raises(ValueError, match=r"expected a name that ends in \.png or \.npz"):
        explained("grey").save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "map.png").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        explained("grey").save(tmp_path / "map.png")


@pytest.mark.parametrize("name", ["map.png", "map.npz"])
def test_a_failed_write_leaves_the_old_file_whole(name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_bytes(b"old")

    def broken(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="no space left"):
        explained("grey").save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_figures_are_saved_as_pictures_only(tmp_path):
    figure = draw.strip({"a": np.eye(3)})
    with Image.open(draw.save_figure(figure, tmp_path / "deep" / "strip.png")) as image:
        assert image.text["Description"] == figure.alt
    with pytest.raises(ValueError, match=r"expected a name that ends in \.png$"):
        draw.save_figure(figure, tmp_path / "strip.npz")


def test_the_style_file_is_part_of_the_package():
    assert Path(draw.STYLE).parent == Path(draw.__file__).parent
    assert draw.STYLE.read_text(encoding="utf-8").startswith("#")


def test_a_figure_is_drawn_at_the_size_it_says():
    figure = shown("grey")
    with Image.open(BytesIO(png(figure))) as image:
        width, height = figure.get_size_inches() * figure.dpi
        assert image.size == (int(width), int(height))
