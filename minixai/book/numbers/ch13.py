"""Chapter 13: FEM by hand, on three tiny maps and on the pocket CNN's."""

import numpy as np

from minixai.book.examples import POCKET_PICTURE, pocket
from minixai.book.numbers.asking import answer
from minixai.book.numbers.ch17 import FEM_MAPS, _fem
from minixai.book.numbers.ways import Value
from minixai.ops.numbers import mean


def _variances() -> Value:
    mu = mean(FEM_MAPS, axis=(1, 2), keepdims=True)
    return np.ravel(mean((FEM_MAPS - mu) ** 2, axis=(1, 2)))


GROUPS = {
    "rare": {
        "maps": lambda: FEM_MAPS,
        "means": lambda: np.ravel(mean(FEM_MAPS, axis=(1, 2))),
        "variances": _variances,
        "answer": _fem,
        "pocket": lambda: answer(pocket(), POCKET_PICTURE, "fem", layer="relu1"),
    },
}
