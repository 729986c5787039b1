"""How far a long measurement is."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def following(items: Iterable[T], what: str, unit: str = "it") -> Iterator[T]:
    """The items, with a bar in a terminal that shows how many are done."""
    from tqdm import tqdm

    yield from tqdm(items, desc=what, unit=unit, leave=False, disable=None)
