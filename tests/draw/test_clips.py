"""Clips: frames in a row, or one after the other."""

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image, ImageSequence

import minixai as mx
from minixai import draw
from minixai.draw import clips, numbers
from minixai.draw.rows import figure_of, rows_of

from .conftest import explained, pixels, shown, three_dimensional
from .test_figures import assert_readable, lines, titles, written

FRAMES = 4


@pytest.fixture
def strip():
    """(pictures, raw maps, heat maps): the panels of each frame, in their order."""
    axes = shown("clip").axes
    return [axes[row::3] for row in range(3)]


def long(frames):
    """The explanation of a clip of so many frames, of which each has its number as its largest value."""
    maps = np.arange(1.0, frames + 1)[:, None, None] * np.eye(6)
    return mx.Explanation.from_array(maps, pixels(1, frames, 6, 6))


def test_the_frames_stand_in_a_row_with_their_maps_below(strip):
    for panels in strip:
        places = np.array([axes.get_position(original=True).bounds for axes in panels])
        assert (np.diff(places[:, 0]) > places[0, 2]).all(), "no two overlap"
        np.testing.assert_allclose(places[:, 1:], np.broadcast_to(places[0, 1:], (FRAMES, 3)))
    heights = [panels[0].get_position(original=True).y0 for panels in strip]
    assert heights[0] > heights[1] > heights[2]
    size = shown("clip").get_size_inches()
    np.testing.assert_allclose(strip[0][0].get_position(original=True).size * size, clips.FRAME)


def test_every_panel_holds_its_frame(strip):
    e = explained("clip")
    for frame, (picture, raw, heat) in enumerate(zip(*strip, strict=True)):
        np.testing.assert_allclose(picture.images[0].get_array(), numbers.picture_of(e)[frame])
        np.testing.assert_array_equal(raw.images[0].get_array(), e.map[frame])
        np.testing.assert_array_equal(heat.images[1].get_array(), e.heatmap[frame])


def test_one_scale_and_one_level_for_the_whole_clip(strip):
    e = explained("clip")
    top = abs(e.map).max()
    assert {axes.images[0].get_clim() for axes in strip[1]} == {(-top, top)}
    assert {axes.images[1].get_clim() for axes in strip[2]} == {(0, 1)}
    ringed = [bool(lines(axes)) for axes in strip[1]]
    assert ringed == [bool((abs(frame) >= top / 2).any()) for frame in e.map]


def test_only_the_last_has_a_bar(strip):
    for panels in strip[1:]:
        assert [len(axes.child_axes) for axes in panels] == [0, 0, 0, 1]


def test_what_is_written():
    figure = shown("clip")
    assert [t for t in titles(figure) if t] == [
        "frame 1", "raw map", "heat map over the frames", "frame 2", "frame 3", "frame 4",
    ]  # fmt: skip
    assert "the relevance sums to" in written(figure) and "lrp-0" in written(figure)
    assert figure.alt == draw.alt_text(explained("clip"))
    assert_readable(figure)


def test_of_a_long_clip_some_frames_are_shown_and_the_figure_says_so():
    figure = draw.filmstrip(long(30))
    assert "Shown: 12 of 30 frames." in written(figure)
    assert "frame 1 " in f"{written(figure)} " and "frame 30 " in f"{written(figure)} "
    assert_readable(figure)


def test_show_is_the_filmstrip():
    assert titles(explained("clip").show()) == titles(draw.filmstrip(explained("clip")))


@pytest.mark.parametrize("what", ["grey", "features", "batch", "two clips"])
@pytest.mark.parametrize("function", [draw.filmstrip, draw.animation])
def test_what_has_no_frames_is_refused(what, function):
    with pytest.raises(ValueError, match="there are no frames to draw in .*; expected the explanation of one clip"):
        function(explained(what))


# -- animation ---------------------------------------------------------------------------------------------------------


def test_the_animation_shows_frame_after_frame_on_one_scale(tmp_path):
    e = long(3)
    path = e.save(tmp_path / "clip.gif")
    with Image.open(path) as image:
        assert (image.format, image.n_frames, image.info["loop"]) == ("GIF", 3, 0)
        assert image.info["duration"] == clips.PACE
        assert image.info["comment"].decode() == draw.alt_text(e)
        frames = [np.asarray(frame.convert("RGB"), float) / 255 for frame in ImageSequence.Iterator(image)]
    found = [frame[first_cell(e, *frame.shape[:2])] for frame in frames]
    magma = colormaps[draw.UNSIGNED]([1 / 3, 2 / 3, 1.0])[:, :3]
    np.testing.assert_allclose(found, magma, atol=0.03)


def first_cell(e, height, width):
    """The pixel in the middle of the raw map's first cell."""
    (axes,) = (axes for axes in figure_of(e, rows_of(e)[:1]).axes if axes.get_title(loc="left") == "raw map")
    box = axes.get_position()
    return int(height * (1 - box.y1 + box.height / 12)), int(width * (box.x0 + box.width / 12))


def test_the_animation_is_the_same_every_time(tmp_path):
    one, two = (explained("clip").save(tmp_path / name) for name in ("one.gif", "two.GIF"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("kind", ["grey", "two clips"])
def test_what_does_not_move_is_not_animated(kind, tmp_path):
    with pytest.raises(ValueError, match="only the frames of one clip can move; write a .png or .npz"):
        explained(kind).save(tmp_path / "clip.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_one_is_a_clip_too():
    e = mx.explain(three_dimensional(), pixels(1, 4, 6, 6), "fem")
    assert numbers.is_clip(e) and not numbers.is_clip(explained("grey")) and not numbers.is_clip(explained("two clips"))
