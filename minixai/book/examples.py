"""The book's two running examples, in exact fractions: the two-pixel network and the pocket CNN."""

from minixai.network import Network
from minixai.ops import Array, Conv2d, Flatten, GlobalAvgPool, Linear, MaxPool2d, ReLU, exact

TWO_PIXELS = exact([10, 6])
POCKET_PICTURE = exact([[[1, 2, 0], [0, 1, 3], [2, 0, 1]]])
POCKET_FILTERS = exact([[[[1, 2], [0, -1]]], [[[-1, 0], [1, 1]]]])
_WIRINGS = {1: [[1, 0], [1, -1]], 2: [[0, 1], [-1, 1]]}


def two_pixels(wiring: int = 1) -> Network:
    """S(x) = min(x1, x2), as relu(x1) - relu(x1 - x2) (wiring 1) or as relu(x2) - relu(x2 - x1) (wiring 2)."""
    if wiring not in _WIRINGS:
        raise ValueError(f"wiring is {wiring!r}; expected 1 or 2")
    layers = [Linear(exact(_WIRINGS[wiring])), ReLU(), Linear(exact([[1, -1]]))]
    return Network.sequential(layers, name="two pixels", classes=("min",), input_shape=(2,))


def pocket(head: str = "mean", bias: Array | None = None) -> Network:
    """A picture of 3x3, two filters of 2x2, ReLU, one number per map (``head``: its mean or its max), two classes.

    The scores are A = p1 - p2 and B = p2. ``bias``: one number per filter.
    """
    if head not in ("mean", "max"):
        raise ValueError(f"head is {head!r}; expected 'mean' or 'max'")
    pool = GlobalAvgPool() if head == "mean" else MaxPool2d(2)
    biases = None if bias is None else exact(bias)
    layers = [Conv2d(POCKET_FILTERS, biases), ReLU(), pool, Flatten(), Linear(exact([[1, -1], [0, 1]]))]
    return Network.sequential(layers, name="pocket", classes=("A", "B"), input_shape=(1, 3, 3))
