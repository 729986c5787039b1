"""What an exercise is: records. The exercises themselves are data, in ``minixai.book.exercises``."""

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

HOLE = "____"
Label = Literal["idea", "bookkeeping", "convention"]


class Wrong(NamedTuple):
    """A wrong answer that people give: its name, what kind of mistake it is, the code, and what to tell them.

    A "convention" is no mistake: another choice than the survey's. It passes with a note, except in a graded edition.
    """

    name: str
    label: Label
    function: Callable[..., Any]
    sentence: str


class Property(NamedTuple):
    """What the survey says of the right answer; ``holds(f, *arguments)`` asks it of a reader's function."""

    sentence: str
    holds: Callable[..., bool]


class Oracle(NamedTuple):
    """Another way to the same answer, that shares no code with the solution."""

    name: str
    answer: Callable[..., Any]


class Refusal(NamedTuple):
    """Why an answer is not accepted: on which rung, and what to tell the reader."""

    rung: Literal["interface", "trivial", "property"]
    sentence: str


@dataclass(frozen=True)
class Solved:
    """What every exercise with code has. ``hole`` is a piece of the solution: hint three leaves it open."""

    solution: Callable[..., Any]
    statement: str
    clues: tuple[str, str]
    hole: str

    @property
    def id(self) -> str:
        return self.solution.__name__

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.solution).parameters)

    @property
    def body(self) -> str:
        """The solution's lines, without its first and its docstring."""
        return body_of(self.solution)

    @property
    def code(self) -> str:
        """The solution as the reader would have written it."""
        lines = [f"    {line}".rstrip() for line in self.body.splitlines()]
        return "\n".join([f"def {self.id}({', '.join(self.arguments)}):", *lines])

    @property
    def hints(self) -> tuple[str, str, str]:
        """Two sentences, then the solution with one hole."""
        return (*self.clues, self.code.replace(self.hole, HOLE, 1))


@dataclass(frozen=True)
class Function(Solved):
    """Write a function. ``cases``: its arguments, in exact fractions; ``draw(rng)`` makes fresh ones."""

    wrong: tuple[Wrong, ...]
    cases: tuple[tuple, ...]
    property: Property
    oracle: Oracle
    draw: Callable[[np.random.Generator], tuple]
    kind: ClassVar[str] = "function"


@dataclass(frozen=True)
class Counterexample(Solved):
    """Find something with a property. The reader's function takes nothing and returns it.

    ``judge(answer)`` is None if the answer is accepted. ``accepted`` and ``refused`` are for the tests: answers, and
    for each refused one the rung. ``bug`` is the code with the mistake, for an exercise that hunts one.
    """

    judge: Callable[[Any], Refusal | None]
    accepted: tuple[Any, ...]
    refused: tuple[tuple[Any, str], ...]
    bug: Callable[..., Any] | None = None

    @property
    def kind(self) -> str:
        return "counterexample" if self.bug is None else "bug"


@dataclass(frozen=True)
class Adapter(Solved):
    """Write an adapter for the reference vectors: a function (question) -> answer.

    It is asked every case whose id fits ``only``. Those that fit ``must`` it has to answer; the others it may decline.
    """

    wrong: tuple[Wrong, ...]
    only: str
    must: str
    kind: ClassVar[str] = "adapter"


@dataclass(frozen=True)
class Question:
    """Predict, observe, or check a claim: pick an option (or several), or give numbers.

    ``wrong``: {option: what choosing it suggests}; for numbers, pairs of (numbers, sentence). ``look`` is where to read
    when the answer was wrong. A prediction with ``later`` is only noted; ``ch.reveal(id)`` compares.
    """

    id: str
    kind: Literal["predict", "observe", "claim"]
    ask: str
    answer: Any
    because: str
    options: Mapping[str, str] = field(default_factory=dict)
    wrong: tuple[tuple[Any, str], ...] = ()
    look: str = ""
    later: bool = False


@dataclass(frozen=True)
class Naming:
    """Name the map: which method drew which. ``confusions``: {pair of methods: how to tell them apart}."""

    id: str
    ask: str
    answer: Mapping[str, str]
    confusions: Mapping[frozenset[str], str]
    kind: ClassVar[str] = "maps"


Exercise = Function | Counterexample | Adapter | Question | Naming


def body_of(function: Callable[..., Any]) -> str:
    """The lines of a function, without its first line and its docstring."""
    text = dedent(inspect.getsource(function))
    (tree,) = ast.parse(text).body
    assert isinstance(tree, ast.FunctionDef)
    docstring = ast.get_docstring(tree) is not None
    start = (tree.body[0].end_lineno or 0) if docstring else tree.body[0].lineno - 1
    return dedent("\n".join(text.splitlines()[start:]))
