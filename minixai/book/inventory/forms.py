"""Form A has the numbers of the book, form B others of the same structure; the options stand in any order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minixai.book.inventory.items import ITEMS, RIGHT, Item, Numbers
from minixai.taxonomy import closest

FORMS = ("A", "B")
LETTERS = "ABCD"
DRAWS = 1_000  # so many draws must be enough for one that can be used


@dataclass(frozen=True)
class Asked:
    """A question as it is asked: its options by letter, and what each of them means."""

    id: str
    chapter: str
    text: str
    options: Mapping[str, str]
    means: Mapping[str, str]  # {letter: misconception}, "" for the right one

    @property
    def answer(self) -> str:
        """The right letter."""
        return next(letter for letter, meaning in self.means.items() if meaning == RIGHT)


def form(name: str, seed: int = 0, items: Sequence[Item] = ITEMS) -> list[Asked]:
    """All questions of a form. ``seed`` draws the numbers of form B and, for both, the order of the options."""
    if name not in FORMS:
        raise ValueError(f"form is {name!r}; {closest(str(name), list(FORMS))}")
    return [_asked(item, name, np.random.default_rng([seed, *item.id.encode(), ord(name)])) for item in items]


def _asked(item: Item, name: str, rng: np.random.Generator) -> Asked:
    numbers = item.numbers if name == "A" or item.redraw is None else drawn(item, rng)
    options = item.options(numbers)
    order = rng.permutation(len(options))
    meanings = [list(options)[i] for i in order]
    letters = dict(zip(LETTERS, meanings, strict=True))
    return Asked(item.id, item.chapter, item.ask(numbers), {k: options[m] for k, m in letters.items()}, letters)


def drawn(item: Item, rng: np.random.Generator) -> Numbers:
    """Numbers on which every option says something else, and which are not form A's.

    Raises ValueError for an item of which a thousand draws have none, or whose numbers stay.
    """
    if item.redraw is None:
        raise ValueError(f"the numbers of {item.id} cannot be drawn again")
    for _ in range(DRAWS):
        numbers = item.redraw(rng)
        if usable(item, numbers) and item.ask(numbers) != item.ask(item.numbers):
            return numbers
    raise ValueError(f"{DRAWS} draws for {item.id} gave no numbers on which its options differ")


def usable(item: Item, numbers: Numbers) -> bool:
    """Whether the four options can be told apart, and the question makes sense."""
    try:
        options = item.options(numbers)
    except ZeroDivisionError:
        return False
    return len(set(options.values())) == len(options) == len(LETTERS)
