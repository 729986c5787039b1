"""Live figures that ask the engine: a few controls, one picture, and a line that says the same in words.

A figure is a function ``draw(**values) -> Frame`` and one control per value. The picture is one persistent element
whose source changes; changes that come in quick succession are painted once. In a notebook that was saved, where no
kernel answers, the last frame stands in for the figure.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minixai.book import pixels
from minixai.book.nokernel import widget_class
from minixai.network import Network
from minixai.ops import Array
from minixai.result import Explanation

if TYPE_CHECKING:
    from PIL.Image import Image

DELAY = 0.03  # seconds: what changes within this time is painted once
SIDE = 192  # pixels: the height of a panel
HELP = "live figures need ipywidgets: pip install 'minixai[book]'"


class Frame(NamedTuple):
    """What a live figure shows for one setting: the picture, and the same in words (also its alt text)."""

    image: "Image"
    words: str

    def __repr__(self) -> str:
        return f"picture: {self.words}"

    def _repr_html_(self) -> str:
        return f"<figure>{pixels.img(self.image, self.words)}</figure>"


class Figure:
    """A live figure: put it last in a cell. ``controls``: {name of draw's argument: control}."""

    def __init__(self, draw: Callable[..., Frame], controls: Mapping[str, Any]) -> None:
        widgets = _ipywidgets()
        self._draw, self._controls = draw, dict(controls)
        self._pending: asyncio.TimerHandle | None = None
        self.image, self.words = widgets.HTML(), widgets.HTML()
        self.paint()
        for control in self._controls.values():
            control.observe(self._changed, "value")
        keys = widget_class("keys")()
        self.box = widgets.VBox([*self._controls.values(), self.image, self.words, keys])
        self.box.add_class("mx-live")

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say now."""
        return {name: control.value for name, control in self._controls.items()}

    def paint(self) -> None:
        """Draw what the controls say; what goes wrong is said where the figure would be."""
        self._pending = None
        try:
            frame = self._draw(**self.values)
        except Exception as error:  # raised outside any cell: nobody would see it otherwise
            self.image.value, words = "", f"This cannot be drawn: {error}"
        else:
            self.image.value, words = pixels.img(frame.image, frame.words), frame.words
        self.words.value = f'<p role="status" aria-live="polite">{escape(words)}</p>'

    def _changed(self, change: Any) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no kernel, nothing to wait for
            self.paint()
            return
        if self._pending is not None:
            self._pending.cancel()
        self._pending = loop.call_later(DELAY, self.paint)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        shown = self.box._repr_mimebundle_()
        still = f"<figure>{self.image.value}<figcaption>{self.words.value}</figcaption></figure>"
        return {**shown, "text/html": still, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"live figure ({', '.join(f'{name}: {value}' for name, value in self.values.items())})"


def menu(label: str, options: Sequence[Any], value: Any = None) -> Any:
    """One of many, from a menu; arrow keys move through it."""
    return _ipywidgets().Dropdown(options=list(options), value=value, description=label)


def number(label: str, low: float, high: float, step: float, value: float) -> Any:
    """A slider with its number box; it answers when let go, or when a key is pressed."""
    traits = {"label": label, "min": low, "max": high, "step": step, "value": value}
    return widget_class("range", *traits)(**traits)


def choice(label: str, options: Sequence[Any], value: Any = None) -> Any:
    """One of a few, all in sight; arrow keys move through them."""
    return _ipywidgets().RadioButtons(options=list(options), value=value, description=label)


def _ipywidgets() -> Any:
    try:
        import ipywidgets
    except ImportError as error:
        raise ImportError(HELP) from error
    return ipywidgets


# -- pictures beside maps ----------------------------------------------------------------------------------------------


def look(network: Network, x: Array, words: str) -> Frame:
    """The picture x (C, H, W) as the network is shown it; ``words`` say what there is to see (its alt text)."""
    return Frame(pixels.enlarged(shown(network, x), SIDE), words)


def beside_picture(network: Network, x: Array, e: Explanation) -> Frame:
    """The picture x (C, H, W), and beside it the map of its explanation."""
    picture = shown(network, x)
    name, top = pixels.scale(e.map)
    panels = [pixels.enlarged(picture, SIDE), pixels.enlarged(pixels.colours(e.map, name, top), SIDE)]
    where = "red for the class, blue against it" if name == pixels.SIGNED else "bright where it counts most"
    row, column = np.unravel_index(int(np.argmax(e.map)), e.map.shape)
    words = (
        f"Left the picture, right the map of {e.method} for class {e.label} ({where}). "
        f"Score {float(e.score):.2f}; largest number {top:.2g}; the largest is in row {row + 1}, "
        f"column {column + 1}."
    )
    return Frame(pixels.beside(panels), words)


def shown(network: Network, x: Array) -> Array:
    """x as pixels: by the network's own preprocessing, else in grey from its smallest to its largest number."""
    if network.pictures is not None:
        return network.unpreprocess(x)
    v = np.asarray(x, float).mean(axis=0)
    low, high = v.min(), v.max()
    unit = (v - low) / (high - low) if high > low else np.zeros_like(v)
    return np.repeat(np.rint(255 * unit).astype(np.uint8)[..., None], 3, axis=-1)
