"""What a reader answered, kept on the reader's own machine; nothing leaves it unless the reader exports it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minixai.book import progress
from minixai.book.inventory.forms import LETTERS, Asked, form
from minixai.taxonomy import closest
from minixai.zoo.weights import write

WHEN = {"pre": "A", "post": "B", "later": "A"}  # which form is asked when
LARGEST = 100_000  # bytes of a file of answers
VERSION = 1


@dataclass(frozen=True)
class Sitting:
    """One time the inventory was answered: {item: (letter, confidence from 1 to 3)}."""

    when: str
    form: str
    seed: int
    given: Mapping[str, tuple[str, int]]

    @property
    def asked(self) -> list[Asked]:
        return form(self.form, self.seed)


def sitting(when: str, seed: int, given: Mapping[str, tuple[str, int]]) -> Sitting:
    """Checked answers. Raises ValueError for a strange time, letter, confidence or item."""
    if when not in WHEN:
        raise ValueError(f"the time is {when!r}; {closest(str(when), list(WHEN))}")
    known = {one.id for one in form(WHEN[when], seed)}
    for id, answer in given.items():
        if id not in known:
            raise ValueError(f"there is no question {id!r}; {closest(str(id), sorted(known))}")
        letter, confidence = answer
        if letter not in LETTERS or confidence not in (1, 2, 3):
            raise ValueError(f"the answer to {id} is {letter!r}, {confidence!r}; expected A to D, and 1, 2 or 3")
    return Sitting(when, WHEN[when], seed, dict(given))


def store(one: Sitting) -> Path:
    """Keep a sitting; the file. The first answers to a time stay: what one knew before cannot be asked again."""
    path = _path()
    known = load()
    if one.when in known:
        raise ValueError(f"you have answered {one.when!r} before; the first time counts ({path})")
    write(path, (json.dumps(written([*known.values(), one]), indent=1) + "\n").encode())
    return path


def load(path: Path | None = None) -> dict[str, Sitting]:
    """{when: sitting} of this reader, or of an exported file. Raises ValueError for a file that is none."""
    path = _path() if path is None else path
    if not path.exists():
        return {}
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} holds more than {LARGEST} bytes; expected the answers of one reader")
    try:
        return {one.when: one for one in _read(json.loads(path.read_text(encoding="utf-8")))}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} holds no answers to the inventory ({type(error).__name__}: {error})") from error


def _path() -> Path:
    return progress.folder() / "inventory.json"


def written(sittings: Sequence[Sitting]) -> dict[str, Any]:
    """Sittings as they are stored and exported."""
    return {
        "version": VERSION,
        "sittings": [
            {"when": s.when, "seed": s.seed, "given": {k: list(v) for k, v in s.given.items()}} for s in sittings
        ],
    }


def _read(said: Any) -> list[Sitting]:
    if said["version"] != VERSION:
        raise ValueError(f"version {said['version']!r}; expected {VERSION}")
    return [
        sitting(one["when"], int(one["seed"]), {str(k): (str(v[0]), int(v[1])) for k, v in one["given"].items()})
        for one in said["sittings"]
    ]


def exported(folder: Path) -> dict[str, dict[str, Sitting]]:
    """{name of the file: its sittings} of every .json in a folder."""
    found = {path.stem: load(path) for path in sorted(folder.glob("*.json"))}
    if not found:
        raise ValueError(f"there is no .json in {folder}; expected the files that 'minixai quiz export' writes")
    return found
