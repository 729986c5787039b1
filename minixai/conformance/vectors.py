"""Reading the vectors: files that may come from anywhere, so nothing in them is believed before it is checked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from minixai import files
from minixai.conformance import form

LARGEST = 32 << 20  # bytes of a file
OTHERS = ("MANIFEST.json", "schema.json")  # in the folder, and no vectors
GROUPS = ("methods", "ops", "metrics", "errors")
CASE = {"id": str, "profile": str, "expected": dict}
METHOD: dict[str, type] = {"network": str, "input": dict, "target": list, "params": dict}
LAYER: dict[str, type] = {"layer": dict, "inputs": list, "arriving": dict}
METRIC: dict[str, type] = {"inputs": dict}
CURVE: dict[str, type] = {"network": str, "target": list, "params": dict}  # a metric that asks a network, more
FIELDS = {"method": METHOD, "metric": METRIC, "layer": LAYER}
JUDGED = {"tolerance": dict, "flags": list}
OF_METHOD = {"spec": list, "distinguishes": list, "invariants": list}
NOT_ASKED = ("profile", "expected", *JUDGED, *OF_METHOD)  # what a program is not told


@dataclass(frozen=True, eq=False)
class Case:
    """One case: what a program is told (``question``), and what it must find (``expected``, ``tolerance``).

    ``group`` is "methods", "ops", "metrics" or, where the program must refuse, "errors". ``flags`` say what there is to
    get wrong; ``distinguishes`` names the variants that the case tells from the right answer (see
    ``minixai.conformance.variants``); ``invariants`` what the right answer obeys.
    """

    id: str
    group: str
    profile: str
    question: Mapping[str, Any]
    expected: Mapping[str, Any]
    tolerance: Mapping[str, Any]
    flags: tuple[str, ...] = ()
    distinguishes: tuple[str, ...] = ()
    invariants: tuple[str, ...] = ()


def subject(question: Mapping[str, Any]) -> str:
    """What a question is about: a method, a metric, or a kind of layer."""
    return question.get("method") or question.get("metric") or question["layer"]["op"]


def folder() -> Path:
    """Where the vectors are."""
    return files.root("data") / "vectors"


def cases(where: Path | None = None, only: str = "*") -> Iterator[Case]:
    """Every case whose id fits the pattern ``only``, file by file. Raises ValueError for a file that is not sound."""
    place = where or folder()
    found = sorted(p for p in place.rglob("*.json") if p.name not in OTHERS)
    if not found:
        raise ValueError(f"{place} holds no vectors; expected files such as methods/gradient/chain.json")
    said = re.split(r"[*?[]", only)[0]  # what an id must begin with
    for path in found:
        begins = f"{path.relative_to(place).with_suffix('').as_posix()}-"  # as every id in this file does
        if begins.startswith(said) or said.startswith(begins):
            yield from (case for case in read(path) if fnmatchcase(case.id, only))


def read(path: Path) -> list[Case]:
    """The cases of one file. Raises ValueError saying what is wrong with it."""
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path} holds {size} bytes; expected at most {LARGEST}")
    try:
        said = form.strict_json(path.read_bytes())
        return _cases(said)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error or "it is nested too deeply"
        raise ValueError(f"{path} is not a file of vectors: {what}") from error


def _cases(said: Any) -> list[Case]:
    _check("the file", said, {"schema": str, "group": str, "networks": dict, "cases": list})
    if said["schema"] != form.SCHEMA:
        raise ValueError(f"its schema is {said['schema']!r:.40}; expected {form.SCHEMA!r}")
    if said["group"] not in GROUPS:
        raise ValueError(f"its group is {said['group']!r:.40}; expected one of {', '.join(GROUPS)}")
    return [_case(said, one) for one in said["cases"]]


def _case(said: Mapping[str, Any], one: Any) -> Case:
    kind, sound = next((k for k in ("method", "metric") if k in said), "layer"), said["group"] != "errors"
    more = JUDGED | (OF_METHOD if kind == "method" else {}) if sound else {}
    asks = isinstance(one, dict) and kind == "metric" and "network" in one
    _check("a case", one, CASE | FIELDS[kind] | more | (CURVE if asks else {}))
    if sound:
        _check_numbers(one)
    question = {key: one[key] for key in one if key not in NOT_ASKED}
    if kind == "metric":
        question |= {"metric": said["metric"]}
    if kind == "method" or asks:
        if one["network"] not in said["networks"]:
            raise ValueError(
                f"case {one['id']!r:.60} names the network {one['network']!r:.40}, which is not in the file"
            )
        question |= {"network": said["networks"][one["network"]]}
    if kind == "method":
        question |= {"method": said["method"]}
    notes = {key: tuple(map(str, one.get(key, ()))) for key in ("flags", "distinguishes", "invariants")}
    tolerance = one.get("tolerance", {})
    return Case(one["id"], said["group"], one["profile"], question, one["expected"], tolerance, **notes)


def _check_numbers(one: Mapping[str, Any]) -> None:
    inputs = one.get("inputs", [one.get("input")])
    for written in inputs.values() if isinstance(inputs, Mapping) else inputs:
        if not isinstance(written, list):  # a box is a list of whole numbers
            form.array(written)
    for key in ("score", "relevance", "output", "value"):
        if "exact" in one["expected"].get(key, ()):
            form.array(one["expected"][key])


def _check(what: str, value: Any, wanted: Mapping[str, type]) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is {type(value).__name__}; expected an object")
    for key, kind in wanted.items():
        if not isinstance(value[key], kind):
            raise ValueError(f"{key} of {what} is {type(value[key]).__name__}; expected {kind.__name__}")
