"""Chapter 01: a detector in three numbers, score = 3 snow + snout - 2, and what swapping the grounds does to it."""

from collections.abc import Callable
from fractions import Fraction

from minixai.book.numbers.ways import Value
from minixai.network import Network
from minixai.ops import Linear, exact

DETECTOR = Network.sequential([Linear(exact([[3, 1]]), exact([-2]))], name="detector", input_shape=(2,))  # snow, snout
MAP, OBJECT = exact([[3, -1], [0, 2]]), exact([[0, 0], [0, 1]])
USUAL = Fraction(9, 10)  # the share of wolves on snow, and of huskies on grass


def score(snow: int, snout: int) -> Fraction:
    """Above 0 the detector says wolf. A wolf has the snout, a husky has not."""
    return Fraction(DETECTOR(exact([snow, snout]))[0])


def accuracy(usual: Fraction) -> Fraction:
    """The share of right answers, where ``usual`` of the wolves stand on snow, and of the huskies on grass."""
    shares = {(1, 1): usual, (0, 1): 1 - usual, (1, 0): 1 - usual, (0, 0): usual}  # (snow, snout): of its animal
    right = [share for (snow, snout), share in shares.items() if (score(snow, snout) > 0) == bool(snout)]
    return sum(right, Fraction(0)) / 2


def _table() -> Value:
    return exact([[score(snow, snout) for snow in (1, 0)] for snout in (1, 0)])


def _numbers() -> dict[str, Callable[[], Value]]:
    return {
        "table": _table,
        "wolf_snow": lambda: score(1, 1),
        "wolf_grass": lambda: score(0, 1),
        "husky_snow": lambda: score(1, 0),
        "husky_grass": lambda: score(0, 0),
        "ground": lambda: (_table()[:, 0] - _table()[:, 1]).mean(),
        "animal": lambda: (_table()[0] - _table()[1]).mean(),
        "learnt": lambda: accuracy(USUAL),
        "swapped": lambda: accuracy(1 - USUAL),
        "balanced": lambda: accuracy(Fraction(1, 2)),
        "share": lambda: abs(MAP)[OBJECT == 0].sum() / abs(MAP).sum(),
    }


GROUPS = {"snow": _numbers()}
