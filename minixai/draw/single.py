"""One explanation: a row per picture, or the frames of a clip in a row."""

from typing import TYPE_CHECKING

from minixai.draw.clips import filmstrip
from minixai.draw.numbers import is_clip
from minixai.draw.rows import figure_of, rows_of
from minixai.result import Explanation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def explanation(e: Explanation) -> "Figure":
    """The picture, the raw map with its scale, the heat map over the picture; a clip as a :func:`filmstrip`.

    One row per picture of a batch; of a batch of clips, one per frame.
    """
    return filmstrip(e) if is_clip(e) else figure_of(e, rows_of(e))
