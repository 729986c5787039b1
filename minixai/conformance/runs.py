"""A run: what became of every case that a program was asked, kept as a JSON file and compared with another run.

A saved run may come from anywhere, so nothing in it is believed before it is checked.
"""

import json
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from minixai.conformance import deviations, form, runner
from minixai.conformance.adapters import Adapter
from minixai.conformance.deviations import KINDS, Deviation
from minixai.conformance.judge import Row
from minixai.conformance.vectors import Case, subject

SCHEMA = "minixai-run/1"
ALL = ("passed", *KINDS, "skipped", "failed", "errored")  # every status of a settled row
WRONG = ("failed", "errored")
NOT_ASKED = "not asked"
PRECISIONS = ("float64", "float32")
LARGEST = 64 << 20  # bytes of a file
LONGEST = 2000  # characters of a text


@dataclass(frozen=True)
class Result(Row):
    """A row, settled by the registry of deviations.

    ``about``: the kind of question, such as "methods/fem"; ``matched``: the variants that the numbers are instead.
    """

    about: str = ""
    matched: str = ""

    def as_text(self) -> str:
        """One line."""
        apart = "" if self.worst is None else f", {self.worst:.1e} of the largest value"
        matched = f" (it is {self.matched})" if self.matched else ""
        return plain(f"{self.status:8} {self.id:44} {self.where}{apart} {self.why}{matched}".rstrip())


@dataclass(frozen=True)
class Run:
    """A program, the versions of what took part, the precision it was judged by, and a result per case."""

    program: str
    versions: Mapping[str, str]
    precision: str
    results: tuple[Result, ...]

    @property
    def name(self) -> str:
        """The program, with its version where it is known."""
        return f"{self.program} {self.versions.get(self.program, '')}".rstrip()

    @property
    def sound(self) -> bool:
        """Whether nothing failed that is not a known deviation."""
        return not any(result.status in WRONG for result in self.results)

    def counts(self) -> Counter[str]:
        """How many results of each status."""
        return Counter(result.status for result in self.results)

    def by_subject(self) -> dict[str, list[Result]]:
        """{what the cases are about: their results}."""
        found: dict[str, list[Result]] = {}
        for result in self.results:
            found.setdefault(result.about, []).append(result)
        return found


def ask(
    adapter: Adapter, cases: Iterable[Case], precision: str, known: Sequence[Deviation]
) -> Iterator[tuple[Result, Mapping[str, Any]]]:
    """Every case: its result, settled by the deviations that are known, and the answer ({} where there was none)."""
    for case in cases:
        heard: list[dict[str, Any]] = [{}]

        def listen(question: Mapping[str, Any], heard: list[dict[str, Any]] = heard) -> dict[str, Any]:
            heard.append(adapter(question))
            return heard[-1]

        (row,) = deviations.settle(runner.run(listen, [case], precision), known)
        entry = entry_for(row.id, row.status, known)
        matched = "" if entry is None else entry.matched
        yield Result(row.id, row.status, row.worst, row.where, row.why, about(case), matched), heard[-1]


def entry_for(case: str, status: str, known: Sequence[Deviation]) -> Deviation | None:
    """The entry of the registry by which a case was settled."""
    return next((d for d in known if d.fits(case) and d.kind == status), None)


def about(case: Case) -> str:
    """What a case is about: its group, and its method, metric or kind of layer."""
    return f"{case.group}/{subject(case.question)}"


def plain(text: str) -> str:
    """A text that a program sent, with what could steer a terminal or break a document made visible: ``\\x1b``."""
    return "".join(c.encode("unicode_escape").decode() if _steers(c) else c for c in text)


def _steers(c: str) -> bool:
    """Control and format characters, halves of pairs, private and unassigned ones, other ends of lines."""
    return unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp")


# -- Files -------------------------------------------------------------------------------------------------------------


def save(run: Run, path: Path) -> None:
    """Write a run."""
    said = {"schema": SCHEMA, **asdict(run), "counts": run.counts()}
    path.write_text(json.dumps(said, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path) -> Run:
    """A run read back. Raises ValueError saying what is wrong with the file."""
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path} holds {size} bytes; expected at most {LARGEST}")
    try:
        return _run(form.strict_json(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise ValueError(plain(f"{path} is not a saved run: {what}")) from error


def _run(said: Any) -> Run:
    _check("the file", said, {"schema", "program", "versions", "precision", "results", "counts"})
    _one_of("its schema", said["schema"], (SCHEMA,))
    _one_of("its precision", said["precision"], PRECISIONS)
    if not isinstance(said["versions"], dict):
        raise ValueError(f"versions is {type(said['versions']).__name__}; expected an object")
    versions = {_text("a program", key): _text("a version", value) for key, value in said["versions"].items()}
    if not isinstance(said["results"], list):
        raise ValueError(f"results is {type(said['results']).__name__}; expected a list")
    run = Run(_text("program", said["program"]), versions, said["precision"], tuple(map(_result, said["results"])))
    twice = [name for name, count in Counter(result.id for result in run.results).items() if count > 1]
    if twice:
        raise ValueError(f"the case {twice[0]!r:.60} stands twice")
    if dict(run.counts()) != said["counts"]:
        raise ValueError(f"its counts are {str(said['counts']):.80}; its results have {dict(run.counts())}")
    return run


def _result(said: Any) -> Result:
    names = [field.name for field in fields(Result)]
    _check("a result", said, set(names))
    _one_of("a status", said["status"], ALL)
    worst = said["worst"]
    if worst is not None and (type(worst) not in (int, float) or not 0 <= worst <= sys.float_info.max):
        raise ValueError(f"worst is {worst!r:.40}; expected null or a number from 0 on")
    for name in names:
        if name != "worst":
            _text(name, said[name])
    if not said["id"].startswith(f"{said['about'].partition('/')[0]}/"):
        raise ValueError(f"the case {said['id']!r:.60} is said to be about {said['about']!r:.60}")
    return Result(**said | {"worst": None if worst is None else float(worst)})


def _check(what: str, said: Any, names: set[str]) -> None:
    if not isinstance(said, dict):
        raise ValueError(f"{what} is {type(said).__name__}; expected an object")
    if said.keys() != names:
        odd = sorted(said.keys() ^ names)
        raise ValueError(f"{what} has, or lacks, {odd[0]!r:.40}; expected {', '.join(sorted(names))}")


def _text(what: str, said: Any) -> str:
    if not isinstance(said, str) or len(said) > LONGEST:
        raise ValueError(f"{what} is {said!r:.40}; expected a text of at most {LONGEST} characters")
    return said


def _one_of(what: str, said: Any, allowed: Sequence[str]) -> None:
    if said not in allowed:
        raise ValueError(f"{what} is {said!r:.40}; expected {' or '.join(allowed)}")


# -- Two runs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A case whose status, or the first part that differs, is another in the second run."""

    id: str
    about: str
    before: str
    after: str
    where: tuple[str, str]

    @property
    def turn(self) -> str:
        """ "worse", "better" or "other"."""
        first, second = _rank(self.before), _rank(self.after)
        return "worse" if second > first else "better" if second < first else "other"

    def as_text(self) -> str:
        """One line."""
        before, after = (
            f"{status} at {where}" if where else status
            for status, where in zip((self.before, self.after), self.where, strict=True)
        )
        return plain(f"{self.turn:6} {self.id:44} {before} -> {after}")


def _rank(status: str) -> int:
    """0: right; 1: nothing is claimed, or the difference is known; 2: wrong."""
    return 0 if status == "passed" else 2 if status in WRONG else 1


def changes(before: Run, after: Run) -> list[Change]:
    """What changed from one run to the other, case by case; a case that only one of them has was "not asked"."""
    first, second = ({result.id: result for result in run.results} for run in (before, after))
    found = []
    for name in [*first, *(name for name in second if name not in first)]:
        here = first.get(name) or Result(name, NOT_ASKED, about=second[name].about)
        there = second.get(name) or Result(name, NOT_ASKED, about=first[name].about)
        if (here.status, here.where) != (there.status, there.where):
            found.append(Change(name, here.about, here.status, there.status, (here.where, there.where)))
    return found
