"""How a picture becomes the input of a network, and how an input becomes a picture again."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from os import PathLike, fspath, path
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.ops import Array

if TYPE_CHECKING:
    from PIL.Image import Image

CHANNELS = {"RGB": 3, "BGR": 3, "L": 1}
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # plain pixels: no format that can run a program
MAX_BYTES = 100 << 20  # a picture file larger than this is not opened
LONGEST = 100  # times its other side, where a whole picture is resized
WANTED = "a path, a PIL image, or a uint8 array of shape (H, W) or (H, W, 3)"


@dataclass(frozen=True)
class Pictures:
    """The pictures a network was made for: x = (scale * pixel - mean) / std, with pixels of 0..255.

    ``size`` is the side of the square in pixels. ``channels`` is their order: "RGB", "BGR" or "L" (grey). ``mean`` and
    ``std`` are one number, or one per channel in that order, in units of scale * pixel. The square is cut out of the
    middle and resized; with ``shorter``, the picture is resized first, until its shorter side has so many pixels.
    """

    size: int
    channels: str = "RGB"
    mean: float | Sequence[float] = 0.0
    std: float | Sequence[float] = 1.0
    scale: float = 1 / 255
    shorter: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int | np.integer) or self.size < 1:
            raise ValueError(f"size is {self.size!r}; expected the side of the square in pixels, at least 1")
        if self.shorter is not None and not (isinstance(self.shorter, int) and self.shorter >= self.size):
            raise ValueError(f"shorter is {self.shorter!r}; expected at least size, {self.size} pixels, or None")
        if self.channels not in CHANNELS:
            raise ValueError(f"channels is {self.channels!r}; expected one of {', '.join(CHANNELS)}")
        object.__setattr__(self, "mean", self._per_channel("mean", self.mean))
        object.__setattr__(self, "std", self._per_channel("std", self.std))
        if not (isfinite(self.scale) and self.scale > 0 and np.min(self.std) > 0):
            raise ValueError(f"scale is {self.scale}, std is {self.std}; expected positive numbers")

    @property
    def black(self) -> Array:
        """A black picture after preprocessing: (C, 1, 1) float32."""
        return self._normalised(np.zeros((1, 1, 1)))

    @property
    def box(self) -> tuple[Array, Array]:
        """The lowest and the highest input that a picture can give: two arrays (C, 1, 1) float32."""
        return self.black, self._normalised(np.full((1, 1, 1), 255.0))

    def preprocess(self, picture: Any) -> Array:
        """A picture as the network wants it: x (C, H, W) float32.

        ``picture``: a path, a PIL image, or a uint8 array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4). Turned upright
        (EXIF), cut to the square in the middle and resized (Pillow's BILINEAR), in the order that ``shorter`` says, and
        laid on white where it is transparent.
        Raises FileNotFoundError where no file is, ValueError for whatever is not a picture of 8 bits per channel.
        """
        from PIL import Image

        image = _opened(picture)
        image = _opaque(_square(image) if self.shorter is None else image)
        image = image.convert("L" if self.channels == "L" else "RGB")
        sides = (self.size, self.size) if self.shorter is None else _whole(image, self.shorter)
        image = _middle(image.resize(sides, Image.Resampling.BILINEAR), self.size)
        pixels = np.asarray(image, np.float64).reshape(self.size, self.size, CHANNELS[self.channels])
        return self._normalised(self._reordered(pixels).transpose(2, 0, 1))

    def unpreprocess(self, x: Array) -> Array:
        """x (C, H, W), floats or fractions, as a picture: (H, W, 3) uint8, rounded; clipped where x leaves the box."""
        values = np.asarray(x)
        if values.ndim != 3 or len(values) != CHANNELS[self.channels] or values.dtype.kind not in "fO":
            raise ValueError(
                f"x has shape {values.shape} and dtype {values.dtype}; expected floats or fractions of shape "
                f"({CHANNELS[self.channels]}, H, W), one picture as preprocess makes it"
            )
        values = values.astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError("x holds NaN or infinite values; expected finite numbers")
        pixels = (values * self._column(self.std) + self._column(self.mean)) / self.scale
        pixels = self._reordered(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8).transpose(1, 2, 0))
        return np.array(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), order="C")

    def _normalised(self, pixels: Array) -> Array:
        x = (pixels * self.scale - self._column(self.mean)) / self._column(self.std)
        return np.ascontiguousarray(x, np.float32)

    def _reordered(self, pixels: Array) -> Array:
        """RGB to the network's order, and back: turning BGR round is its own inverse."""
        return pixels[..., ::-1] if self.channels == "BGR" else pixels

    def _column(self, values: float | Sequence[float]) -> Array:
        return np.asarray(values, np.float64).reshape(-1, 1, 1)

    def _per_channel(self, name: str, values: float | Sequence[float]) -> tuple[float, ...]:
        count = CHANNELS[self.channels]
        given = np.atleast_1d(np.asarray(values, np.float64))
        if given.shape not in ((1,), (count,)) or not np.isfinite(given).all():
            raise ValueError(f"{name} is {values!r}; expected one finite number, or one for each of {self.channels}")
        return tuple(float(v) for v in np.broadcast_to(given, (count,)))


def _opened(picture: Any) -> "Image":
    """The picture as a PIL image of 8 bits per channel, its pixels read, turned upright as its EXIF data say."""
    from PIL import Image, ImageOps

    if isinstance(picture, str | PathLike):
        image = _from_file(fspath(picture))
    elif isinstance(picture, np.ndarray):
        image = _from_array(picture)
    elif isinstance(picture, Image.Image):
        with _readable("the picture"):
            image = ImageOps.exif_transpose(picture)
    else:
        raise ValueError(f"got a {type(picture).__name__} as picture; expected {WANTED}")
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"the picture has mode {image.mode}; expected 8 bits per channel: convert it to RGB or L")
    return image


def _from_file(name: str) -> "Image":
    from PIL import ImageOps

    with _file(name) as image:
        return ImageOps.exif_transpose(image)


@contextmanager
def _file(name: str) -> Iterator["Image"]:
    """The picture in a file, which is hostile until checked: its size, its format and its pixel count come first."""
    from PIL import Image

    if not path.exists(name):
        raise FileNotFoundError(f"there is no file {name!r}; give the path of a picture")
    if not path.isfile(name) or path.getsize(name) > MAX_BYTES:
        raise ValueError(f"{name!r} is not a file of at most {MAX_BYTES >> 20} MB; give the path of a smaller picture")
    with _readable(repr(name)), warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(name, formats=FORMATS) as image:
            yield image


def animation(name: str, most: int) -> list["Image"]:
    """The frames of an animated picture (a picture that stands still has one): all of them, or the first ``most`` + 1.

    Raises as a picture's file does; a file that would need more memory than one large picture is refused, too.
    """
    from PIL import Image, ImageSequence

    with _file(name) as image:
        if image.width * image.height * (most + 1) > (Image.MAX_IMAGE_PIXELS or float("inf")):
            raise ValueError(f"{most + 1} frames of {image.width} x {image.height} pixels are too many; shrink them")
        return [frame.copy() for frame in islice(ImageSequence.Iterator(image), most + 1)]


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises over a broken file, and it may be anything, into one sentence."""
    try:
        yield
    except Exception as error:
        formats = ", ".join(FORMATS)
        raise ValueError(f"{name} cannot be read ({error}); expected an undamaged picture: {formats}") from error


def _from_array(pixels: Array) -> "Image":
    from PIL import Image

    grey = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    if grey.ndim not in (2, 3) or (grey.ndim == 3 and grey.shape[-1] not in (3, 4)) or not grey.size:
        raise ValueError(f"the picture has shape {pixels.shape}; expected (H, W) or (H, W, 3), the channels last")
    if pixels.dtype != np.uint8:
        raise ValueError(
            f"the picture has dtype {pixels.dtype}; expected uint8, 0..255: convert it, for values of 0..1 with "
            "np.rint(255 * a).astype('uint8'); an array that is preprocessed already goes to the network as it is"
        )
    return Image.fromarray(grey)


def _square(image: "Image") -> "Image":
    """The square in the middle."""
    side = min(image.size)
    left, top = ((n - side) // 2 for n in image.size)
    return image if image.width == image.height else image.crop((left, top, left + side, top + side))


def _opaque(image: "Image") -> "Image":
    """The image with what is transparent laid on white, as on paper."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))


def _whole(image: "Image", shorter: int) -> tuple[int, int]:
    """The size of the whole picture once its shorter side has so many pixels; refuses strips that fill the memory."""
    if not 0 < max(image.size) <= LONGEST * min(image.size):
        raise ValueError(
            f"the picture has {image.width} x {image.height} pixels; expected one side at most {LONGEST} times as long "
            "as the other: cut it first"
        )
    width, height = (shorter * n // min(image.size) for n in image.size)
    return width, height


def _middle(image: "Image", size: int) -> "Image":
    """The middle ``size`` x ``size`` pixels; where they cannot be in the middle, half a pixel off as Python rounds."""
    left, top = (round((n - size) / 2) for n in image.size)
    return image.crop((left, top, left + size, top + size))
