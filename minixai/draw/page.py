"""An empty figure that knows its words, and what becomes of a drawn one: PNG, or HTML for a notebook."""

from base64 import b64encode
from functools import cache
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from minixai.draw.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def blank(width: float, height: float, alt: str) -> "Figure":
    """A figure of so many inches; ``alt`` is what it will show, in words."""
    figure = _figure_class()(figsize=(width, height))
    figure.alt = alt
    return figure


def png(figure: Any) -> bytes:
    """The figure as a PNG file, its words in the field Description."""
    buffer = BytesIO()
    with styled():
        figure.savefig(buffer, format="png", metadata={"Description": figure.alt, "Software": None})
    return buffer.getvalue()


def html(figure: Any) -> str:
    """The figure with its words, for a page."""
    alt = escape(figure.alt, quote=True)
    return f'<figure><img alt="{alt}" src="data:image/png;base64,{b64encode(png(figure)).decode()}"></figure>'


@cache
def _figure_class() -> Any:
    from matplotlib.figure import Figure

    class Drawing(Figure):
        """A figure that a notebook shows together with its words."""

        alt = ""

        def _repr_html_(self) -> str:
            return html(self)

    return Drawing
