"""Small pictures made quickly: Pillow and a lookup table, for figures that must follow a hand."""

from base64 import b64encode
from functools import cache
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from minixai.ops import Array

if TYPE_CHECKING:
    from PIL.Image import Image

UNSIGNED, SIGNED = "magma", "RdBu_r"
ANCHORS = {  # evenly spaced; magma by Smith and van der Walt (CC0), RdBu by Brewer
    "magma": "000004 060518 110c2f 1e1149 2f1163 420f75 54137d 651a80 782281 892881 9b2e7f ad347c bf3a77 d0416f e04c67 "
    "ed5a5f f66e5c fb835f fd9869 feac76 fec185 fed597 fde9aa fcfdbf",
    "RdBu_r": "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f",
}
QUIET = 1e-12  # a map whose largest number is below this is drawn as nothing


@cache
def table(name: str) -> Array:
    """A colour map as (256, 3) uint8: Matplotlib's to two steps of 255, without the wait for Matplotlib."""
    anchors = np.array([list(bytes.fromhex(colour)) for colour in ANCHORS[name].split()], float)
    places = np.linspace(0, 1, len(anchors))
    channels = [np.interp(np.linspace(0, 1, 256), places, channel) for channel in anchors.T]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def scale(values: Array, signed: bool | None = None) -> tuple[str, float]:
    """(colour map, the number at its upper end): diverging around 0 where something is negative, else from 0 up."""
    v = np.asarray(values, float)
    diverging = bool((v < 0).any()) if signed is None else signed
    return (SIGNED if diverging else UNSIGNED), float(abs(v).max(initial=0))


def colours(values: Array, name: str, top: float) -> Array:
    """A map (H, W) as pixels (H, W, 3) uint8; ``top`` is the number at the upper end of the colours."""
    v = np.asarray(values, float) / top if top > QUIET else np.zeros(np.shape(values))
    unit = (v + 1) / 2 if name == SIGNED else v
    return table(name)[np.rint(255 * np.clip(unit, 0, 1)).astype(int)]


def enlarged(pixels: Array, side: int) -> "Image":
    """Pixels (H, W, 3) uint8 as a picture ``side`` pixels high, every pixel a sharp square."""
    from PIL import Image

    height, width = pixels.shape[:2]
    return Image.fromarray(pixels).resize((max(1, side * width // height), side), Image.Resampling.NEAREST)


def beside(images: "list[Image]", gap: int = 12) -> "Image":
    """Pictures in a row on white."""
    from PIL import Image

    width = sum(i.width for i in images) + gap * (len(images) - 1)
    row = Image.new("RGB", (width, max(i.height for i in images)), "white")
    left = 0
    for image in images:
        row.paste(image, (left, 0))
        left += image.width + gap
    return row


def img(image: "Image", alt: str) -> str:
    """The picture as an HTML element that carries its words."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    data = b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(alt, quote=True)}" src="data:image/png;base64,{data}">'
