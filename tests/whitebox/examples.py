"""The book's two running examples, and one neuron, in exact fractions."""

from fractions import Fraction

import minixai as mx

F = Fraction


def row(*numbers):
    """An array of fractions; rows of numbers, or numbers."""
    return mx.exact([list(n) if isinstance(n, tuple | list) else n for n in numbers])


def neuron(weights, bias=None, outputs=1):
    """One linear layer; ``weights`` are those of each output, or of the only one."""
    weight = mx.exact(weights).reshape(outputs, -1)
    return mx.Network.sequential([mx.Linear(weight, None if bias is None else mx.exact(bias).reshape(outputs))])


def two_pixels(wiring=1, head=(1, -1)):
    """S = relu(x1) - relu(x1 - x2) = min(x1, x2) on positive pictures; wiring 2 has the pixels change places."""
    h = row((1, 0), (1, -1)) if wiring == 1 else row((0, 1), (-1, 1))
    return mx.Network.sequential([mx.Linear(h), mx.ReLU(), mx.Linear(row(head))])


def rectified_minimum():
    """relu(min(x1, x2))."""
    return mx.Network([*two_pixels().nodes, mx.Node("relu2", mx.ReLU(), "linear2")])


MIN_AT = row(10, 6)

POCKET_PICTURE = row((1, 2, 0), (0, 1, 3), (2, 0, 1)).reshape(1, 3, 3)
POCKET_FILTERS = row((1, 2, 0, -1), (-1, 0, 1, 1)).reshape(2, 1, 2, 2)


def pocket(pool="mean", bias=None, head=((1, -1), (0, 1))):
    """Two 2x2 filters, ReLU, one number per map (its mean, or its maximum), scores A = p1 - p2 and B = p2."""
    pools = {"mean": mx.GlobalAvgPool(), "max": mx.MaxPool2d(2)}
    biases = None if bias is None else row(*bias)
    layers = [mx.Conv2d(POCKET_FILTERS, biases), mx.ReLU(), pools[pool], mx.Flatten(), mx.Linear(row(*head))]
    return mx.Network.sequential(layers, classes=("A", "B"))
