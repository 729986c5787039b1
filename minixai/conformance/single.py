"""One case and one program, for a person: what was asked, where the answer first differs, and what it is instead."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minixai import api, metrics
from minixai.conformance import judge, runs, variants
from minixai.conformance.deviations import Deviation
from minixai.conformance.reports import columns
from minixai.conformance.runs import Result, plain
from minixai.conformance.variants import CurveVariant, LayerVariant, Variant
from minixai.conformance.vectors import Case
from minixai.ops import Array

FEW = 6  # numbers that are shown of one tensor
LONG = 300  # characters of a question that is shown as it is
LEFT, WIDE = 13, 96  # columns for headings, and for what stands beside them
WHOLE = ("relevance", "output", "curve", "value")  # what a variant is known by, beside what leaves a layer
Line = tuple[str, str]  # a heading, which may be empty, and what stands beside it


def described(case: Case) -> Iterator[Line]:
    """What is asked, and why."""
    question = case.question
    yield "case", f"{case.id}, profile {case.profile}"
    if case.group == "errors":
        yield "question", _shortened(json.dumps({k: v for k, v in question.items() if k != "id"}))
        yield "expected", f"a refusal: {case.expected['raises']}"
    elif "metric" in question:
        metric = metrics.METRICS[question["metric"]]
        inputs = ", ".join(f"{k} {v if isinstance(v, list) else _shape(v)}" for k, v in question["inputs"].items())
        yield "metric", f"{metric.name}: {metric.title} ({metric.source}), of {inputs}"
        if "network" in question:
            yield from _asked(question, _shape(question["inputs"]["x"]))
    elif "layer" in question:
        yield "layer", _layer(question["layer"]) + "".join(f", reads {_shape(x)}" for x in question["inputs"])
    else:
        (method,) = (m for m in api.methods() if m.name == question["method"])
        equations = f", equations {', '.join(f'({n})' for n in method.equations)}" if method.equations else ""
        yield "method", f"{method.name}: {method.title}, Section {method.section}{equations}"
        yield from _asked(question, _shape(question["input"]))
    yield from (("it catches", note) for note in case.flags)
    yield from (("it obeys", invariant) for invariant in case.invariants)
    if case.distinguishes:
        yield "tells apart", ", ".join(case.distinguishes)


def _asked(question: Mapping[str, Any], shape: str) -> Iterator[Line]:
    yield "parameters", ", ".join(f"{k}={_value(v)}" for k, v in question["params"].items()) or "none"
    yield "network", " -> ".join([shape, *_nodes(question["network"])])
    yield "class", ", ".join(map(str, question["target"]))


def judged(
    name: str, case: Case, result: Result, answer: Mapping[str, Any], precision: str, known: Sequence[Deviation]
) -> Iterator[Line]:
    """What became of it, the first part that differs, the relevance, and what the numbers are instead."""
    yield name, f"{result.status}{': ' if result.why else ''}{plain(result.why)}"
    entry = runs.entry_for(case.id, result.status, known)
    if entry is not None:
        parts = (entry.kind, f"versions {entry.versions}", entry.matched, entry.upstream)
        yield "listed as", ", ".join(part for part in parts if part)
    if answer.get("status") != "result" or case.group == "errors":
        return
    bound = float(case.tolerance[precision])
    if case.group == "methods" and not answer.get("signals"):
        yield "signals", "the program answers none, so that only its relevance can be compared"
    if result.status == "passed":
        yield "largest", f"difference {result.worst:.1e} of the largest value; {bound:.1e} is allowed"
        return
    whole = {"methods": "relevance", "ops": "output", "metrics": "value"}[case.group]
    for part in dict.fromkeys((result.where, whole)):
        yield from _compared(case, answer, part, bound)
    if _tried(case.question):
        yield from _instead(case, answer, precision)


def instead(case: Case, answer: Mapping[str, Any], precision: str) -> Sequence[Variant | LayerVariant | CurveVariant]:
    """The variants whose numbers these are; none where there are no numbers."""
    if case.group == "errors" or answer.get("status") != "result" or not _tried(case.question):
        return []
    share = float(case.tolerance[precision])
    parts = {name: _readable(given, said) for name, said, given in judge.parts(case.expected, answer)}
    found = [part for name, part in parts.items() if name in WHOLE or name.startswith("leaving ")]
    numbers = tuple(part for part in found if part is not None)
    if len(numbers) < len(found):
        return []
    if case.group == "methods":
        return variants.matching(case.question, numbers[0], share)
    if case.group == "metrics":
        return variants.matching_curve(case.question, numbers, share)
    return variants.matching_layer(case.question, numbers, share)


def as_text(lines: Iterator[Line]) -> str:
    """Headings on the left; nothing in it steers a terminal."""
    said = []
    for heading, text in lines:
        first, *others = [part for line in text.split("\n") for part in _wrapped(plain(line))]
        said += [f"{plain(heading):{LEFT}} {first}".rstrip(), *(f"{'':{LEFT}} {other}".rstrip() for other in others)]
    return "\n".join(said)


def _wrapped(line: str) -> list[str]:
    """Prose in lines that fit; what fits already (such as a line of a table) as it is."""
    return [line] if len(line) <= WIDE else textwrap.wrap(line, WIDE, break_on_hyphens=False)


# -- The question ------------------------------------------------------------------------------------------------------


def _nodes(network: Mapping[str, Any]) -> Iterator[str]:
    """Every node in few words; what it reads, unless that is the node before it."""
    before = "input"
    for node in network["nodes"]:
        reads = "" if node["inputs"] == [before] else f"({', '.join(node['inputs'])})"
        shared = f" as {node['same_as']}" if "same_as" in node else ""
        yield f"{node['name']} {_layer(node)}{shared}{reads}"
        before = node["name"]


def _layer(said: Mapping[str, Any]) -> str:
    size = said.get("weight", {}).get("shape") or said.get("kernel") or said.get("output_size") or ()
    return f"{said['op']} {'x'.join(map(str, size))}".rstrip()


def _shape(written: Mapping[str, Any]) -> str:
    return "x".join(map(str, written["shape"]))


def _value(value: Any) -> str:
    return _shortened(value if isinstance(value, str) else json.dumps(value))


def _shortened(text: str) -> str:
    return text if len(text) <= LONG else f"{text[:LONG]} ..."


# -- The answer --------------------------------------------------------------------------------------------------------


def _compared(case: Case, answer: Mapping[str, Any], part: str, bound: float) -> Iterator[Line]:
    """A few numbers of one part, expected and answered side by side, those that are furthest apart first."""
    found = {name: (wanted, given) for name, wanted, given in judge.parts(case.expected, answer)}
    if part not in found:
        return
    wanted, given = found[part]
    answered = _readable(given, wanted)
    if answered is None:
        yield f"at {part}", "cannot be compared number by number"
        return
    expected = np.array(wanted["float"], float)
    apart = np.abs(answered.ravel() - expected)
    allowed = bound * (float(np.abs(expected).max(initial=0)) or 1.0)
    places = [int(k) for k in np.argsort(-apart, kind="stable") if not apart[k] <= allowed]
    if not places:
        yield f"at {part}", f"all {expected.size} numbers are right, within {allowed:.1e}"
        return
    table = [["place", "expected", "answered", "difference"]]
    for k in places[:FEW]:
        index = ", ".join(str(int(i)) for i in np.unravel_index(k, answered.shape))
        number = wanted.get("exact", wanted["float"])[k]
        exact = f" = {number}" if "/" in str(number) and len(number) <= 16 else ""
        table.append([index, f"{expected[k]:.8g}{exact}", f"{answered.flat[k]:.8g}", f"{apart[k]:.1e}"])
    head = f"{len(places)} of {expected.size} numbers differ by more than {allowed:.1e}; those furthest apart:"
    yield f"at {part}", f"{head}\n{columns(table)}"


def _readable(given: Any, wanted: Mapping[str, Any]) -> Array | None:
    """The numbers that were answered, if they are finite numbers of the shape that is expected."""
    try:
        found = judge.numbers(given)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    return found if list(found.shape) == wanted["shape"] and np.isfinite(found).all() else None


def _instead(case: Case, answer: Mapping[str, Any], precision: str) -> Iterator[Line]:
    found = instead(case, answer, precision)
    yield from (("it is instead", f"{variant.name}: {variant.note}") for variant in found)
    if not found:
        yield "it is instead", f"none of the {len(_tried(case.question))} variants that are known"


def _tried(question: Mapping[str, Any]) -> Sequence[Variant | LayerVariant | CurveVariant]:
    if "layer" in question:
        return variants.of_layer(question["layer"]["op"])
    return variants.of_metric(question["metric"]) if "metric" in question else variants.of(question["method"])
