"""A clip: its frames in a row, with their maps below (a filmstrip), or one after the other (an animation)."""

from io import BytesIO
from typing import TYPE_CHECKING

from minixai.draw import numbers, panels, words
from minixai.draw.page import png
from minixai.draw.rows import figure_of, foot, rows_of
from minixai.draw.sheet import Sheet
from minixai.draw.style import styled
from minixai.result import Explanation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAME, STEP, HEADING = 1.05, 1.13, 0.45  # inches: the side of a frame, from one to the next, above each row
PACE = 300  # milliseconds a frame
WANTED = "the explanation of one clip, (C, D, H, W)"


def filmstrip(e: Explanation) -> "Figure":
    """The frames of a clip in a row, below each its raw map and its heat map over it; one scale for the whole clip.

    Raises ValueError for the explanation of a picture or of a batch. Of a long clip some frames are shown, evenly
    spread, and the figure says so.
    """
    rows = _frames(e)
    shown = numbers.shown(len(rows))
    with styled():
        sheet = Sheet(
            3, len(shown), title=words.name_of(e), choices=words.choices(e), foot=foot(e, rows, "frames"),
            alt=words.alt_text(e), cell=STEP, heading=HEADING, side=FRAME,
        )  # fmt: skip
        said = words.listed(words.class_and_score(e), "" if e.expected is None else words.sum_words(e), between="; ")
        sheet.head(0, said)
        for column, frame in enumerate(shown):
            row, last = rows[frame], column == len(shown) - 1
            names = ("", "") if column else ("raw map", "heat map over the frames")
            panels.show_picture(sheet.panel(0, column, f"frame {frame + 1}"), row.picture)
            panels.show_map(sheet.panel(1, column, names[0]), row.map, row.limits, row.levels[0], bar=last)
            panels.show_heat(sheet.panel(2, column, names[1]), row.picture, row.heat, row.levels[1], bar=last)
    return sheet.figure


def animation(e: Explanation) -> bytes:
    """A GIF of a clip: frame by frame the picture, its raw map and its heat map over it, again and again.

    One scale for the whole clip; the words are in the file's comment. Raises ValueError as :func:`filmstrip`.
    """
    from PIL import Image

    drawn = [Image.open(BytesIO(png(figure_of(e, [row])))).convert("RGB") for row in _frames(e)]
    first, *others = (image.quantize(dither=Image.Dither.NONE) for image in drawn)
    buffer = BytesIO()
    first.save(
        buffer, "GIF", save_all=True, append_images=others, duration=PACE, loop=0, comment=words.alt_text(e).encode()
    )
    return buffer.getvalue()


def _frames(e: Explanation) -> list:
    """A row per frame."""
    if not numbers.is_clip(e):
        got = f"a batch of {len(e)}" if e.batched else f"a map {e.map.shape}"
        raise ValueError(f"there are no frames to draw in {got}; expected {WANTED}")
    return rows_of(e)
