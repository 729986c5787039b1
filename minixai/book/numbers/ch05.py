"""Chapter 05: four numbers, three drawings; two channels."""

from collections.abc import Callable

import numpy as np

from minixai.book.numbers.ways import Value
from minixai.ops import exact
from minixai.whitebox.maps import reduce_channels

ROOM = exact([[-2, 1], [0, 4]])  # curtain, lamp; wall, cat: what each quarter of the picture brought to the score
CHANNELS = exact([[[1, -3], [1, 2]], [[-2, 1], [0, 2]]])


def _room() -> dict[str, Callable[[], Value]]:
    low, high = ROOM.min(), ROOM.max()
    return {
        "r": lambda: ROOM,
        "score": lambda: ROOM.sum(),
        "signed": lambda: ROOM / abs(ROOM).max(),
        "minmax": lambda: (ROOM - low) / (high - low),
        "wall": lambda: (0 - low) / (high - low),
        "heat": lambda: _positive_over_top(ROOM),
        "raised": lambda: ROOM + 3,
    }


def _reduced(how: str) -> Value:
    return reduce_channels(CHANNELS[None], how)[0]


def _positive_over_top(M: Value) -> Value:
    positive = np.maximum(M, 0)
    return positive / positive.max()


GROUPS = {
    "room": _room(),
    "channels": {
        "first": lambda: CHANNELS[0],
        "second": lambda: CHANNELS[1],
        "largest": lambda: _reduced("max"),
        "sum": lambda: _reduced("sum"),
        "slope": lambda: _positive_over_top(_reduced("max")),
        "contribution": lambda: _positive_over_top(_reduced("sum")),
    },
}
