"""Where a program is known to differ from the vectors, and why: data/deviations/<program>.toml.

The registry is strict both ways. A case that fails and is not listed fails; a case that is listed and does not deviate
is stale, and fails as well.
"""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from minixai import files
from minixai.conformance.judge import Row
from minixai.conformance.vectors import Case, subject

# convention: another choice that can be defended; precision: the same in exact numbers; defect: neither;
# unsupported: the program stops with an error where it should answer or decline.
KINDS = ("convention", "precision", "defect", "unsupported")
REQUIRED = {"ids": list, "kind": str, "versions": str, "reason": str}
OPTIONAL = {"upstream": str, "matched": str}


@dataclass(frozen=True)
class Deviation:
    """Cases in which a program differs. ``ids`` and ``versions`` are patterns.

    ``reason`` says in a sentence what the program does and what the case expects, ``upstream`` where it was reported,
    ``matched`` which variant its numbers are instead (see ``minixai.conformance.variants``).
    """

    ids: tuple[str, ...]
    kind: str
    versions: str
    reason: str
    upstream: str = ""
    matched: str = ""

    def fits(self, case: str) -> bool:
        return any(fnmatchcase(case, pattern) for pattern in self.ids)

    def excuses(self, status: str) -> bool:
        """Whether a row of this status is what was foreseen."""
        return status == ("errored" if self.kind == "unsupported" else "failed")


def registry(program: str, version: str = "*", where: Path | None = None) -> tuple[Deviation, ...]:
    """The deviations of this version of a program ("*": of all); none if there is no file.

    Raises ValueError for a file that is not sound.
    """
    path = (where or files.root("data") / "deviations") / f"{program}.toml"
    if not path.exists():
        return ()
    try:
        said = tomllib.loads(path.read_text("utf-8"))
        listed = [_deviation(one) for one in _only_deviations(said)]
    except (ValueError, TypeError, KeyError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} is not a registry of deviations: {what}") from error
    return tuple(d for d in listed if version == "*" or fnmatchcase(version, d.versions))


def settle(rows: Iterable[Row], deviations: Sequence[Deviation]) -> Iterator[Row]:
    """The rows, with the kind of the deviation as the status where one was foreseen; stale entries fail."""
    for row in rows:
        known = next((d for d in deviations if d.fits(row.id)), None)
        if known is None:
            yield row
        elif known.excuses(row.status):
            yield replace(row, status=known.kind, why=known.reason)
        elif row.status in ("failed", "errored"):
            yield replace(row, why=f"listed as {known.kind}, but {row.status}: {row.why}".rstrip(": "))
        else:
            yield replace(row, status="failed", why=f"stale: listed as {known.kind}, but {row.status}")


def idle(deviations: Sequence[Deviation], cases: Iterable[Case]) -> list[str]:
    """The patterns that fit no case at all."""
    ids = [case.id for case in cases]
    patterns = [pattern for d in deviations for pattern in d.ids]
    return [pattern for pattern in patterns if not any(fnmatchcase(one, pattern) for one in ids)]


def tally(rows: Iterable[Row], cases: Iterable[Case]) -> dict[str, Counter[str]]:
    """{method, or kind of layer: how many settled rows of each status}."""
    about = {case.id: subject(case.question) for case in cases}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[about[row.id]][row.status] += 1
    return dict(counts)


def _only_deviations(said: Mapping[str, Any]) -> list[Any]:
    if list(said) != ["deviation"] or not isinstance(said["deviation"], list):
        raise ValueError(f"it holds {', '.join(said) or 'nothing'}; expected [[deviation]] entries only")
    return list(said["deviation"])


def _deviation(said: Any) -> Deviation:
    wanted = REQUIRED | OPTIONAL
    if not isinstance(said, Mapping):
        raise ValueError(f"an entry is {type(said).__name__}; expected a table")
    for key, value in said.items():
        if key not in wanted:
            raise ValueError(f"an entry has {key!r:.40}; expected {', '.join(wanted)}")
        if not isinstance(value, wanted[key]):
            raise ValueError(f"{key} is {type(value).__name__}; expected {wanted[key].__name__}")
    given = {key: said[key] for key in REQUIRED} | {key: said[key] for key in OPTIONAL if key in said}
    if given["kind"] not in KINDS:
        raise ValueError(f"kind is {given['kind']!r:.40}; expected one of {', '.join(KINDS)}")
    if not given["ids"] or not all(isinstance(pattern, str) for pattern in given["ids"]):
        raise ValueError(f"ids is {given['ids']!r:.60}; expected at least one pattern of case ids")
    return Deviation(**given | {"ids": tuple(given["ids"])})
