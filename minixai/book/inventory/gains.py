"""Before and after: what was learnt, item by item and misconception by misconception."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from minixai.book.inventory.answers import Sitting
from minixai.book.inventory.forms import form
from minixai.book.inventory.items import ITEMS, RIGHT

ENOUGH = 20  # readers, for a judgement on an item
SURE = 3


@dataclass(frozen=True)
class Gain:
    """One item: the shares right before and after, who is still sure and wrong, and which misconceptions stay.

    ``difficulty`` (share right afterwards) and ``discrimination`` (point-biserial correlation with the other items) are
    None below twenty readers.
    """

    id: str
    chapter: str
    readers: int
    before: Fraction
    after: Fraction
    sure_and_wrong: Fraction
    stays: Mapping[str, int]
    difficulty: float | None
    discrimination: float | None

    @property
    def gain(self) -> Fraction | None:
        """g = (after - before) / (1 - before), the share of what could be learnt; None if all knew it before."""
        return None if self.before == 1 else (self.after - self.before) / (1 - self.before)


def gains(readers: Iterable[Mapping[str, Sitting]], after: str = "post") -> list[Gain]:
    """For every item what became of it between "pre" and ``after``, over the readers who answered both times."""
    both = [(r["pre"], r[after]) for r in readers if "pre" in r and after in r]
    if not both:
        raise ValueError(f"nobody answered both 'pre' and {after!r}")
    right = np.array([[_right(last, item.id) for item in ITEMS] for _, last in both])
    return [_gain(item.id, item.chapter, both, right, place) for place, item in enumerate(ITEMS)]


def _gain(id: str, chapter: str, both: list[tuple[Sitting, Sitting]], right: np.ndarray, place: int) -> Gain:
    n = len(both)
    stays: dict[str, int] = {}
    for _, last in both:
        meaning = _meaning(last, id)
        if meaning:
            stays[meaning] = stays.get(meaning, 0) + 1
    sure = sum(_meaning(last, id) not in (None, RIGHT) and last.given[id][1] == SURE for _, last in both)
    rest = right.sum(axis=1) - right[:, place]
    varied = right[:, place].std() > 0 and rest.std() > 0
    return Gain(
        id, chapter, n,
        Fraction(sum(_right(first, id) for first, _ in both), n), Fraction(int(right[:, place].sum()), n),
        Fraction(sure, n), dict(sorted(stays.items(), key=lambda pair: -pair[1])),
        float(right[:, place].mean()) if n >= ENOUGH else None,
        float(np.corrcoef(right[:, place], rest)[0, 1]) if n >= ENOUGH and varied else None,
    )  # fmt: skip


def _meaning(one: Sitting, id: str) -> str | None:
    """The misconception behind an answer, "" for the right one, None where nothing was answered."""
    if id not in one.given:
        return None
    (asked,) = (a for a in form(one.form, one.seed) if a.id == id)
    return asked.means[one.given[id][0]]


def _right(one: Sitting, id: str) -> int:
    return int(_meaning(one, id) == RIGHT)
