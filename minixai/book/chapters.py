"""What a chapter's cells talk to: ``ch = book.chapter("06_three_ways")``."""

import hashlib
import inspect
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import update_wrapper
from html import escape
from textwrap import dedent
from typing import Any

import numpy as np

from minixai.book import exercises, progress
from minixai.book.exercise import Exercise, Function, Question, Solved
from minixai.book.guard import SECONDS, TookTooLong, within
from minixai.book.judge import asked, check, not_attempted, unanswered
from minixai.book.values import as_floats, numeric
from minixai.book.verdict import Verdict, framed
from minixai.taxonomy import closest

TRIES = 3  # so many different attempts open the solution
SWITCH = "MINIXAI_PREDICT"  # "0" switches the predictions off


def chapter(name: str, graded: bool = False) -> "Chapter":
    """The chapter's exercises, by name or number. ``graded``: conventions, too, must be the survey's."""
    return Chapter(exercises.chapter_name(name), graded)


class Chapter:
    """The exercises of a chapter, and what this reader has done with them. Put it last in a cell to see them."""

    def __init__(self, name: str, graded: bool = False) -> None:
        self.name, self.graded = name, graded
        self._known = exercises.of(name)
        self._declared: dict[str, Declared] = {}
        _tell(progress.load(name)[1])

    def exercise(self, id: str, kind: str | None = None) -> "Declared":
        """Declare an exercise: over a function as a decorator, or with ``.answer(...)`` where a choice is asked for."""
        record = self._record(id)
        if kind is not None and kind != record.kind:
            raise ValueError(f"exercise {id!r} is of kind {record.kind!r}; got kind={kind!r}")
        self._declared[id] = Declared(self, record)
        return self._declared[id]

    def __getitem__(self, id: str) -> "Declared":
        """The exercise of that name, as far as this session knows it."""
        return self._declared[id] if id in self._declared else Declared(self, self._record(id))

    def predict(self, id: str, guess: Any = ..., confidence: Any = ...) -> Verdict:
        """Commit to a guess before you look; ``confidence`` from 1 (a coin) to 3 (sure)."""
        question = self._question(id, "predict")
        if os.environ.get(SWITCH) == "0":
            return not_attempted(id, "Predictions are switched off here; read on.")
        if unanswered(guess):
            return asked(question)
        if confidence not in (1, 2, 3):
            return Verdict(id, "interface", f"confidence is {confidence!r}; expected 1 (a coin), 2 or 3 (sure).")
        verdict = check(question, guess, self.graded)
        if verdict.rung == "interface":
            return verdict
        self._note(lambda known: _note_answer(known, id, guess, verdict, confidence))
        if question.later:
            return Verdict(id, "noted", f"You guess {guess!r}, confidence {confidence} of 3. Now look.")
        return verdict

    def reveal(self, id: str) -> Verdict:
        """Your first guess beside what happened."""
        question = self._question(id, "predict")
        guess = self._progress()["answers"].get(id)
        if guess is None:
            return not_attempted(id, "You have not guessed yet.")
        verdict = check(question, _restored(guess["first"]), self.graded)
        return replace(verdict, sentence=f"Your guess: {guess['first']!r}. {verdict.sentence}")

    def observe(self, id: str, choice: Any = ...) -> Verdict:
        """What did the live figure show?"""
        self._question(id, "observe")
        return self.exercise(id).answer(choice)

    def yours(self, id: str, draw: Callable[["Yours"], Any] | None = None) -> Any:
        """Your function once it has passed, the book's before; ``.label`` says which.

        With ``draw``, what ``draw(f)`` returns: a figure made with it. If your function stops or takes more than five
        seconds there, the figure is made with the book's, and its label says so.
        """
        record = self._record(id)
        if not isinstance(record, Function):
            raise ValueError(f"exercise {id!r} is of kind {record.kind!r}; only a function can be swapped in")
        yours = self._passed(id) or Yours(record.solution, "reference")
        if draw is None:
            return yours
        try:
            return draw(yours)
        except _SwapFailed as failure:
            return draw(Yours(record.solution, f"reference (yours {failure})"))

    def progress(self) -> "Progress":
        """What you have done in this chapter."""
        known = self._progress()
        rows = [(e.id, _kind(e), _state(e, known, self._declared)) for e in self._known.values()]
        return Progress(self.name, rows, _calibration(known, self._known))

    def __repr__(self) -> str:
        return repr(self.progress())

    def _repr_html_(self) -> str:
        return self.progress()._repr_html_()

    def _record(self, id: str) -> Exercise:
        if id not in self._known:
            raise ValueError(f"chapter {self.name} has no exercise {id!r}; {closest(str(id), list(self._known))}")
        return self._known[id]

    def _question(self, id: str, kind: str) -> Question:
        record = self._record(id)
        if not isinstance(record, Question) or record.kind != kind:
            raise ValueError(f"exercise {id!r} is of kind {record.kind!r}, not {kind!r}")
        return record

    def _passed(self, id: str) -> "Yours | None":
        """The reader's function, if it is declared and has passed as it stands."""
        function = self._declared[id].function if id in self._declared else None
        if function is None or fingerprint(function) not in self._progress_of(id)["passed"]:
            return None
        return Yours(function, "yours", guarded=True)

    def _progress(self) -> dict[str, Any]:
        return progress.load(self.name)[0]

    def _progress_of(self, id: str) -> dict[str, Any]:
        return progress.of_exercise(self._progress(), id)

    def _note(self, change: Callable[[dict[str, Any]], None]) -> None:
        _tell(progress.update(self.name, change))


class Declared:
    """An exercise in a notebook. Over a function it becomes that function, and never breaks the cells below."""

    def __init__(self, chapter: Chapter, record: Exercise, function: Callable[..., Any] | None = None) -> None:
        self._chapter, self._record, self.function = chapter, record, function
        if function is not None:
            update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As a decorator: take the function over. After that: call it; an unfinished one gives ``Unfinished``."""
        if self.function is not None:
            try:
                return self.function(*args, **kwargs)
            except NotImplementedError:
                return Unfinished(self._record.id)
        if not isinstance(self._record, Solved):
            raise TypeError(f"exercise {self._record.id!r} asks for a choice: use .answer(...), not a function")
        if len(args) != 1 or kwargs or not callable(args[0]):
            raise TypeError(f"exercise {self._record.id!r} has no function yet; put @ch.exercise over one")
        declared = Declared(self._chapter, self._record, args[0])
        self._chapter._declared[self._record.id] = declared
        return declared

    def check(self) -> Verdict:
        """Where you stand: the first thing that is not right yet, or a pass."""
        if self.function is None:
            return not_attempted(self._record.id)
        wanted = self._solved().arguments
        found = tuple(inspect.signature(self.function).parameters)
        if len(found) != len(wanted) or (found != wanted and set(found) == set(wanted)):
            sentence = f"Your function takes ({', '.join(found)}); expected ({', '.join(wanted)})."
            return Verdict(self._record.id, "interface", sentence)
        return self._judged(self.function, fingerprint(self.function), _source(self.function))

    def answer(self, choice: Any = ...) -> Verdict:
        """Answer a question that asks for a choice, or for names."""
        if isinstance(self._record, Solved):
            raise TypeError(f"exercise {self._record.id!r} asks for a function; put @ch.exercise over it and .check()")
        return self._judged(choice, repr(choice), "")

    def hint(self, number: int | None = None) -> "Hint":
        """The next hint of three, or that number."""
        hints = self._solved().hints
        seen = self._chapter._progress_of(self._record.id)["hints"]
        n = min(seen + 1, len(hints)) if number is None else number
        if n not in range(1, len(hints) + 1):
            raise ValueError(f"hint {number!r} does not exist; expected 1 to {len(hints)}")
        self._update(lambda mine: mine.update(hints=max(n, mine["hints"])))
        return Hint(self._record.id, n, hints[n - 1])

    def solution(self, show_me: bool = False) -> "Solution":
        """The book's solution: after a pass, after three different attempts, or with ``show_me=True``."""
        record, mine = self._solved(), self._chapter._progress_of(self._record.id)
        tries = len({a["code"] for a in mine["attempts"]})
        if mine["passed"] or tries >= TRIES or show_me:
            if show_me and not mine["passed"]:
                self._update(lambda mine: mine.update(shown=True))
            return Solution(record.id, record.code)
        left = TRIES - tries
        attempts = "one more different attempt" if left == 1 else f"{left} more different attempts"
        return Solution(record.id, "", f"After {attempts}, or now: .solution(show_me=True)")

    def _solved(self) -> Solved:
        if not isinstance(self._record, Solved):
            raise TypeError(f"exercise {self._record.id!r} is a question; it has no hints, only .answer(...)")
        return self._record

    def _judged(self, answer: Any, code: str, mine: str) -> Verdict:
        verdict = check(self._record, answer, self._chapter.graded)
        if verdict.passed is None:
            return verdict
        self._update(lambda known: _note_attempt(known, code, verdict))
        if verdict.passed and isinstance(self._record, Solved):
            return replace(verdict, yours=mine, solution=self._record.code)
        return verdict

    def _update(self, change: Callable[[dict[str, Any]], None]) -> None:
        self._chapter._note(lambda known: change(progress.of_exercise(known, self._record.id)))

    def __repr__(self) -> str:
        state = "not written yet" if self.function is None else "yours"
        return f"exercise {self._record.id} ({_kind(self._record)}, {state}): {_statement(self._record)}"


class Unfinished:
    """What an unfinished exercise gives: nothing, but nothing that breaks. As a number it is "not a number"."""

    def __init__(self, id: str) -> None:
        self.id = id

    def __repr__(self) -> str:
        return f"○ {self.id} is not written yet"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(np.nan, dtype or float)

    def __float__(self) -> float:
        return float("nan")

    def __bool__(self) -> bool:
        return False

    def _same(self, *others: Any) -> "Unfinished":
        return self

    __getitem__ = __neg__ = __abs__ = _same
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _same
    __matmul__ = __rmatmul__ = __pow__ = _same


class _SwapFailed(Exception):
    """The reader's function stopped or took too long while a figure was drawn with it."""


class Yours:
    """A function to draw with; ``label`` says whose. The reader's has a time limit over all its calls."""

    def __init__(self, function: Callable[..., Any], label: str, guarded: bool = False) -> None:
        self.function, self.label, self.guarded = function, label, guarded
        self._left = SECONDS

    def __call__(self, *args: Any) -> Any:
        if not self.guarded:
            return self.function(*args)
        start = time.monotonic()
        try:
            return within(self._left, self.function, *as_floats(args))
        except TookTooLong as error:
            raise _SwapFailed(f"took more than {SECONDS:g} seconds") from error
        except Exception as error:
            raise _SwapFailed(f"stopped with {type(error).__name__}: {error}") from error
        finally:
            self._left -= time.monotonic() - start

    def __repr__(self) -> str:
        return f"{getattr(self.function, '__name__', 'function')} ({self.label})"


# -- what is shown -----------------------------------------------------------------------------------------------------


class Hint:
    """One of three hints."""

    def __init__(self, id: str, number: int, text: str) -> None:
        self.id, self.number, self.text = id, number, text

    def __repr__(self) -> str:
        return f"Hint {self.number} of 3 for {self.id}:\n{self.text}"

    def _repr_html_(self) -> str:
        whole = f'<pre tabindex="0">{escape(self.text)}</pre>' if self.number == 3 else f"<p>{escape(self.text)}</p>"
        return framed(f"Hint {self.number} of 3 for {self.id}", whole)


class Solution:
    """The book's solution, or when it opens."""

    def __init__(self, id: str, code: str, when: str = "") -> None:
        self.id, self.code, self.when = id, code, when

    def __repr__(self) -> str:
        return f"Solution of {self.id}:\n{self.code}" if self.code else f"The solution of {self.id} opens: {self.when}"

    def _repr_html_(self) -> str:
        if self.code:
            return framed(f"Solution of {self.id}", f'<pre tabindex="0">{escape(self.code)}</pre>')
        return framed(f"The solution of {self.id} opens", f"<p>{escape(self.when)}</p>")


class Progress:
    """A table: every exercise of a chapter and where the reader stands; a line on how well the guesses were judged."""

    def __init__(self, chapter: str, rows: list[tuple[str, str, str]], calibration: str) -> None:
        self.chapter, self.rows, self.calibration = chapter, rows, calibration

    def __repr__(self) -> str:
        width = max((len(id) for id, _, _ in self.rows), default=0)
        lines = [f"{id:{width}}  {kind:14}  {state}" for id, kind, state in self.rows]
        return "\n".join(filter(None, [f"Chapter {self.chapter}", *lines, self.calibration]))

    def _repr_html_(self) -> str:
        head = "<tr>" + "".join(f'<th scope="col">{name}</th>' for name in ("exercise", "kind", "state")) + "</tr>"
        body = "".join("<tr>" + "".join(f"<td>{escape(v)}</td>" for v in row) + "</tr>" for row in self.rows)
        after = f"<p>{escape(self.calibration)}</p>" if self.calibration else ""
        return f"<table><caption>Chapter {escape(self.chapter)}</caption><tbody>{head}{body}</tbody></table>{after}"


# -- small things ------------------------------------------------------------------------------------------------------


def fingerprint(function: Callable[..., Any]) -> str:
    """What the function does, whatever its comments, docstring and line breaks: a hash of its compiled code."""
    code = getattr(function, "__code__", None)
    said = repr(function) if code is None else repr(_gist(code, function.__doc__))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _gist(code: Any, docstring: str | None = None) -> tuple:
    kept = [None if c == docstring else c for c in code.co_consts]
    return code.co_code, code.co_names, [_constant(c) for c in kept]


def _constant(value: Any) -> Any:
    if hasattr(value, "co_code"):
        return _gist(value)
    return sorted(map(repr, value)) if isinstance(value, frozenset) else (type(value).__name__, repr(value))


def _source(function: Callable[..., Any]) -> str:
    try:
        return dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return "(typed where Python keeps no source)"


def _note_attempt(mine: dict[str, Any], code: str, verdict: Verdict) -> None:
    matched = verdict.diagnosis.name if verdict.diagnosis else None
    if not mine["attempts"] or mine["attempts"][-1]["code"] != code:
        mine["attempts"].append({"code": code, "rung": verdict.rung, "matched": matched})
    if verdict.passed and code not in mine["passed"]:
        mine["passed"].append(code)


def _note_answer(known: dict[str, Any], id: str, guess: Any, verdict: Verdict, confidence: int) -> None:
    """The first guess counts; what comes after having looked does not replace it."""
    known["answers"].setdefault(id, {"first": _storable(guess), "confidence": confidence, "right": bool(verdict)})


def _storable(guess: Any) -> Any:
    """A letter, a list of letters, or a list of numbers."""
    if isinstance(guess, str):
        return guess
    array = numeric(guess)
    return sorted(map(str, guess)) if array is None else array.tolist()


def _restored(guess: Any) -> Any:
    return guess if isinstance(guess, str) else np.asarray(guess)


def _tell(sentence: str) -> None:
    if sentence:
        print(sentence)


def _kind(record: Exercise) -> str:
    return {"bug": "find the bug", "maps": "name the map", "claim": "claim check"}.get(record.kind, record.kind)


def _statement(record: Exercise) -> str:
    return record.statement if isinstance(record, Solved) else record.ask


def _state(record: Exercise, known: dict[str, Any], declared: dict[str, Declared]) -> str:
    guess = known["answers"].get(record.id)
    if record.kind == "predict":
        return "not yet" if guess is None else f"guessed, confidence {guess['confidence']}"
    mine = progress.of_exercise(known, record.id)
    tries = len({a["code"] for a in mine["attempts"]})
    if mine["passed"]:
        return f"passed after {tries} {'attempt' if tries == 1 else 'attempts'}"
    return f"{tries} different {'attempt' if tries == 1 else 'attempts'}" if tries else "not yet"


def _calibration(known: dict[str, Any], records: dict[str, Exercise]) -> str:
    """How the guesses went, and how many were sure and wrong; nothing before what is still to be revealed."""
    told = [a for id, a in known["answers"].items() if id in records and not getattr(records[id], "later", False)]
    if not told:
        return ""
    right = sum(a["right"] for a in told)
    sure = sum(a["confidence"] == 3 and not a["right"] for a in told)
    return f"Predictions: {right} of {len(told)} right; sure and wrong: {sure}."
