"""Every student's own numbers, from a secret that the teacher keeps.

For an exercise that asks for a function, its ``draw`` is seeded by HMAC(secret; student, chapter, exercise, attempt):
the same secret gives the same numbers, and without it nobody can tell them. A draw on which a wrong answer is right is
thrown away and the next one is made.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.book.exercise import Exercise, Function, Wrong
from minixai.book.values import alike, as_fractions, parts

ATTEMPTS, ROUND = 400, 40  # draws before an exercise is said to have no question by hand; draws that may go together
TOGETHER = 3  # so many small questions may do what no single one can
GIVEN, ASKED = 30, 12  # more numbers given are no work for a pencil; of a longer answer, one number is asked
DENOMINATOR = 100
Place = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One small question: the arguments, exact; which number of the answer is asked (None: all of it); that answer."""

    arguments: tuple
    place: Place | None
    answer: Any


@dataclass(frozen=True)
class ByHand:
    """An exercise, with one student's own numbers."""

    exercise: Function
    cases: tuple[Case, ...]

    @property
    def id(self) -> str:
        return self.exercise.id

    def right(self, given: Sequence[Any]) -> bool:
        """Whether every case is answered, exactly where the answer is exact."""
        if len(given) != len(self.cases):
            return False
        return all(same(g, case.answer) for g, case in zip(given, self.cases, strict=True))

    def matches(self, given: Sequence[Any]) -> Wrong | None:
        """The one wrong answer that gives what was given, in every case; None if there is none, or if two do."""
        if len(given) != len(self.cases):
            return None
        found = [wrong for wrong in self.exercise.wrong if self._gives(wrong, given)]
        return found[0] if len(found) == 1 else None

    def _gives(self, wrong: Wrong, given: Sequence[Any]) -> bool:
        theirs = [said(wrong.function, case.arguments, case.place) for case in self.cases]
        return all(t is not None and same(g, t) for g, t in zip(given, theirs, strict=True))


def seed(secret: str, *names: str) -> int:
    """A number that only the secret gives: HMAC-SHA256 over the names. Raises ValueError for an empty secret."""
    if not secret:
        raise ValueError("the secret is empty; expected some text that only you know")
    text = "\n".join(f"{len(name)}:{name}" for name in names)  # with lengths: "a", "bc" is not "ab", "c"
    return int.from_bytes(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest(), "big")


def by_hand(exercise: Exercise, secret: str, student: str, chapter: str) -> ByHand | None:
    """This student's question by hand; None for an exercise that is nothing for a pencil (see ``why_not``)."""
    if not isinstance(exercise, Function):
        return None
    return drawn(exercise, lambda n: seed(secret, student, chapter, exercise.id, str(n)))


def why_not(exercise: Function) -> str:
    """Why there is no question by hand for it, in a sentence; nothing if there is one."""
    tried = [exercise.draw(np.random.default_rng(n)) for n in range(20)]
    if any(callable(argument) for case in tried for argument in case):
        return "one of its arguments is a function"
    if not any(list(_places(case, said(exercise.solution, case))) for case in tried):
        return "its fresh numbers are too many, or their answer is no simple fraction"
    return "" if drawn(exercise, lambda n: n) else "no few cases tell the right answer from all wrong ones"


def same(given: Any, expected: Any) -> bool:
    """Whether an answer is right: exactly, in fractions, or letter by letter."""
    left, right = parts(given), parts(expected)
    return len(left) == len(right) and all(_same(g, e) for g, e in zip(left, right, strict=True))


def said(function: Callable[..., Any], arguments: tuple, place: Place | None = None) -> Any:
    """What a function answers in fractions, at a place; None where it stops, or has nothing at that place."""
    try:
        with np.errstate(all="ignore"):
            return _at(function(*as_fractions(arguments)), place)
    except (ArithmeticError, ValueError, IndexError, TypeError):  # a wrong idea need not work on every case
        return None


def drawn(exercise: Function, seed_of: Callable[[int], int]) -> ByHand | None:
    """The first case that tells the right answer from every wrong one, or a few that do so together, or None.

    (A "convention" need not be told apart: whoever follows one is not wrong.)
    """
    for first in range(0, ATTEMPTS, ROUND):
        found = _together(exercise, [seed_of(n) for n in range(first, first + ROUND)])
        if found:
            return ByHand(exercise, found)
    return None


def _together(exercise: Function, seeds: Sequence[int]) -> tuple[Case, ...]:
    """Up to ``TOGETHER`` of these draws that leave no wrong answer undecided; none if that does not work out."""
    kept: list[Case] = []
    left = {wrong.name for wrong in exercise.wrong if wrong.label != "convention"}
    for each in seeds:
        found = list(_cases(exercise, exercise.draw(np.random.default_rng(each)), kept, left))
        best = min(found, key=lambda pair: len(pair[1]), default=None)
        if best is None or len(best[1]) == len(left) or (len(kept) == TOGETHER - 1 and best[1]):
            continue  # it adds nothing; or it would be the last one and leaves something undecided
        kept, left = [*kept, best[0]], best[1]
        if not left:
            return tuple(kept)
    return ()


def undecided(exercise: Function, case: Case) -> set[str]:
    """The wrong answers that are right in this case: whoever has that idea would not be found out."""
    return {w.name for w in exercise.wrong if _alike(said(w.function, case.arguments, case.place), case.answer)}


def _cases(exercise: Function, arguments: tuple, kept: list[Case], left: set[str]) -> Iterator[tuple[Case, set[str]]]:
    """What can be asked about these arguments, each with the wrong answers that are then still undecided."""
    right = said(exercise.solution, arguments)
    theirs = {w.name: said(w.function, arguments) for w in exercise.wrong if w.name in left}
    for place in _places(arguments, right):
        if not kept and not any(_exactly(_at(right, place))):
            continue  # the answer 0 is too easily guessed
        same = {name for name, answer in theirs.items() if _alike(_at(answer, place), _at(right, place))}
        yield Case(arguments, place, _at(right, place)), same


def _at(answer: Any, place: Place | None) -> Any:
    """The number at a place of an answer; None where there is none."""
    if answer is None or place is None:
        return answer
    array = np.asarray(answer)
    inside = array.ndim == len(place) and all(i < n for i, n in zip(place, array.shape, strict=True))
    return array[place] if inside else None


def _alike(p: Any, q: Any) -> bool:
    return p is q is None or (p is not None and q is not None and alike(p, q))


def _same(given: Any, expected: Any) -> bool:
    if isinstance(expected, str):
        return isinstance(given, str) and given.strip() == expected
    if np.shape(given) != np.shape(expected):
        return False
    mine, right = list(_exactly(given)), list(_exactly(expected))
    return None not in mine and mine == right


def _exactly(value: Any) -> Iterator[Fraction | None]:
    """The numbers in a value, as fractions; None for what is none."""
    for each in np.asarray(value, dtype=object).ravel():
        rational = isinstance(each, int | np.integer | Fraction | bool | np.bool_)
        yield Fraction(each if isinstance(each, Fraction) else int(each)) if rational else None


def _places(arguments: tuple, right: Any) -> Iterator[Place | None]:
    """What a person can be asked with a pencil: the whole answer if it is short (None), else any one number of it."""
    given = sum(np.size(argument) for argument in arguments if not isinstance(argument, str))
    if right is None or given > GIVEN or any(callable(argument) for argument in arguments):
        return
    numbers = [n for part in parts(right) if not isinstance(part, str) for n in _exactly(part)]
    if None in numbers or any(n.denominator > DENOMINATOR for n in numbers if n is not None):
        return
    if len(numbers) <= ASKED:
        yield None
    elif isinstance(right, np.ndarray):
        yield from np.ndindex(right.shape)
