"""An answer against what is expected: passed, or where it first differs and by how much."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.conformance.vectors import Case
from minixai.ops import Array

STATUSES = ("passed", "failed", "skipped", "errored")


@dataclass(frozen=True)
class Row:
    """What became of one case. ``worst``: the largest difference, of the largest expected value."""

    id: str
    status: str
    worst: float | None = None
    where: str = ""  # the first part that differs too much: "relevance", or a node, from the scores on
    why: str = ""


def judge(case: Case, answer: Any, precision: str = "float64") -> Row:
    """A row for an answer {"status": "result" | "skipped" | "errored", ...}. Nothing in the answer is trusted."""
    if not isinstance(answer, Mapping):
        return Row(case.id, "errored", why=f"the answer is {type(answer).__name__}; expected an object")
    status = answer.get("status")
    if status == "errored" and case.group == "errors":
        return Row(case.id, "passed")
    if status in ("skipped", "errored"):
        return Row(case.id, status, why=str(answer.get("why", ""))[:500])
    if status != "result":
        said = f"the answer's status is {status!r:.40}; expected result, skipped or errored"
        return Row(case.id, "errored", why=said)
    if case.group == "errors":
        return Row(case.id, "failed", why=f"it answers, although {case.expected['raises']}")
    bound, worst, first = float(case.tolerance[precision]), 0.0, ""
    for name, wanted, given in parts(case.expected, answer):
        try:
            found = numbers(given)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            return Row(case.id, "errored", why=f"{name} cannot be read: {error}"[:500])
        expected = np.array(wanted["float"], float).reshape(wanted["shape"])
        if found.shape != expected.shape:
            return Row(case.id, "failed", where=name, why=f"{name} has shape {found.shape}; expected {expected.shape}")
        if not np.isfinite(found).all():
            return Row(case.id, "failed", where=name, why=f"{name} holds NaN or infinite values")
        largest = float(np.abs(expected).max(initial=0)) or 1.0
        with np.errstate(over="ignore"):
            apart = float(np.abs(found / largest - expected / largest).max(initial=0))
        apart = min(apart, sys.float_info.max)  # JSON has no infinity
        first = first or (name if apart > bound else "")
        worst = max(worst, apart)
    return Row(case.id, "failed" if first else "passed", worst, first)


def parts(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(name, expected, answered): the result always; signals (from the scores back), what the relevance promises to
    sum to, what else is known of LIME's model, what stays at the nodes, a curve: as far as they are answered."""
    if "output" in expected:
        yield "output", expected["output"], answer.get("output")
        leaving = answer.get("leaving")
        for k, wanted in enumerate(expected["leaving"]):
            yield f"leaving {k}", wanted, leaving[k] if isinstance(leaving, list) and k < len(leaving) else None
        return
    if "value" in expected:
        if "curve" in expected and "curve" in answer:
            yield "curve", expected["curve"], answer["curve"]
        yield "value", expected["value"], answer.get("value")
        return
    given = _named(answer.get("signals"))
    for node, wanted in expected["signals"].items():
        if node in given:
            yield node, wanted, given[node]
    yield "relevance", expected["relevance"], answer.get("relevance")
    for name in ("promised", "intercept", "r2"):
        if name in answer and name in expected:
            yield name, expected[name], answer[name]
    kept = _named(answer.get("absorbed"))
    for node, wanted in expected.get("absorbed", {}).items():
        if node in kept:
            yield f"absorbed at {node}", wanted, kept[node]


def _named(given: Any) -> Mapping[str, Any]:
    """Numbers by the name of a node; without them the result is judged alone."""
    return given if isinstance(given, Mapping) else {}


def numbers(given: Any) -> Array:
    if not isinstance(given, Mapping):
        raise ValueError("it is missing, or no object with shape and values")
    shape = tuple(int(n) for n in given["shape"])
    values = np.array(given["values"], dtype=float)
    if values.ndim != 1 or any(n < 0 for n in shape) or values.size != int(np.prod(shape, dtype=object)):
        raise ValueError(f"{values.size} values do not fill the shape {shape}")
    return values.reshape(shape)
