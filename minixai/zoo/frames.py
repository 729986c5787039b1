"""How a clip becomes the input of a network, and how an input becomes a clip again."""

from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

import numpy as np

from minixai.ops import Array
from minixai.zoo.pictures import Pictures, animation

WANTED = "the path of an animated picture (a GIF), an array (D, H, W) or (D, H, W, 3) uint8, or a list of pictures"


@dataclass(frozen=True)
class Clips:
    """The clips a network was made for: ``count`` frames, each of them a picture as ``frame`` says."""

    count: int
    frame: Pictures

    @property
    def black(self) -> Array:
        """A black clip after preprocessing: (C, 1, 1, 1) float32."""
        return self.frame.black[:, None]

    @property
    def box(self) -> tuple[Array, Array]:
        """The lowest and the highest input that a clip can give: two arrays (C, 1, 1, 1) float32."""
        low, high = self.frame.box
        return low[:, None], high[:, None]

    def preprocess(self, clip: Any) -> Array:
        """A clip as the network wants it: x (C, D, H, W) float32.

        ``clip``: the path of an animated picture (a GIF, say), or its frames in order, each of them whatever a picture
        may be: a path, a PIL image, a uint8 array. A clip must have exactly ``count`` frames: which to leave out, or
        how to fill in more, is not for us to say. Raises FileNotFoundError where no file is, else ValueError.
        """
        return np.stack([self.frame.preprocess(frame) for frame in self._frames(clip)], axis=1)

    def unpreprocess(self, x: Array) -> Array:
        """x (C, D, H, W), floats or fractions, as frames: (D, H, W, 3) uint8, as a picture's."""
        values = np.asarray(x)
        if values.ndim != 4:
            raise ValueError(f"x has shape {values.shape}; expected one clip as preprocess makes it, (C, D, H, W)")
        return np.stack([self.frame.unpreprocess(values[:, d]) for d in range(values.shape[1])])

    def _frames(self, clip: Any) -> list[Any]:
        frames = animation(fspath(clip), self.count) if isinstance(clip, str | PathLike) else clip
        if not isinstance(frames, np.ndarray | list | tuple):
            raise ValueError(f"got a {type(clip).__name__} as clip; expected {self.count} frames: {WANTED}")
        if len(frames) != self.count:
            many = f"more than {self.count}" if frames is not clip and len(frames) > self.count else len(frames)
            raise ValueError(f"the clip has {many} frames; expected {self.count}: cut it first")
        return list(frames)
