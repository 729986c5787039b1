"""Are the vectors sound? By their JSON Schema, their manifest, number by number, and claim by claim."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from minixai import api
from minixai.conformance import form, variants, vectors
from minixai.conformance.making import precision
from minixai.network import forward
from minixai.ops.numbers import exact


def problems(where: Path | None = None) -> Iterator[str]:
    """One sentence for everything that is wrong. Raises ImportError without the jsonschema package."""
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match
    except ImportError as error:
        raise ImportError("checking vectors by their schema needs jsonschema: pip install 'minixai[book]'") from error

    folder = where or vectors.folder()
    validator = Draft202012Validator(json.loads((folder / "schema.json").read_text()))
    manifest = json.loads((folder / "MANIFEST.json").read_text())["files"]
    there = {str(p.relative_to(folder)): p for p in folder.rglob("*.json") if p.name not in vectors.OTHERS}
    yield from (f"{name} is in the manifest, but not in the folder" for name in manifest.keys() - there.keys())
    yield from (f"{name} is in the folder, but not in the manifest" for name in there.keys() - manifest.keys())
    ids: set[str] = set()
    for name in sorted(there.keys() & manifest.keys()):
        content = there[name].read_bytes()
        if sha256(content).hexdigest() != manifest[name]["sha256"]:
            yield f"{name} has another SHA-256 than the manifest says"
        said = json.loads(content)
        worst = best_match(validator.iter_errors(said))
        if worst is not None:
            yield f"{name}: {'/'.join(map(str, worst.path))}: {worst.message[:200]}"
        for case in vectors.read(there[name]):
            if case.id in ids:
                yield f"{name}: the id {case.id} stands twice"
            ids.add(case.id)
            yield from (f"{case.id}: {what}" for what in (*_numbers(case.expected), *_claims(case)))


def _claims(case: vectors.Case) -> Iterator[str]:
    """Where a claim does not hold: that float32 makes no error, that relevance is conserved, that a variant exists."""
    if case.tolerance.get("class") == "exact" and not _is_exact(case):
        yield "its class is exact, but a partial sum may need more than 24 bits"
    if case.invariants and not _is_conserved(case.expected):
        yield f"{', '.join(case.invariants)} does not hold"
    known = variants.CURVE_VARIANTS if case.group == "metrics" else variants.VARIANTS
    unknown = [name for name in case.distinguishes if name not in known]
    yield from (f"it distinguishes {name!r}, which is no variant" for name in unknown)


def _is_exact(case: vectors.Case) -> bool:
    q = case.question
    if case.group == "ops":
        op, xs = form.read_layer(q["layer"]), tuple(map(form.array, q["inputs"]))
        back = precision.backward_is_exact(op, xs, op.choose(*xs), form.array(q["arriving"]))
        return back and precision.forward_is_exact(op, xs)
    tape = forward(form.read_network(q["network"]), form.array(q["input"]))
    seed = exact(np.eye(tape.output.y.shape[1]))[q["target"]]
    return precision.walk_is_exact(tape, seed, api.rules(q["method"]))


def _is_conserved(expected: Mapping[str, Any]) -> bool:
    relevance = form.array(expected["relevance"])
    total = relevance.sum(axis=tuple(range(1, relevance.ndim)))
    for kept in expected.get("absorbed", {}).values():
        total = total + form.array(kept)
    return bool((total == form.array(expected["promised"])).all())


def _numbers(tree: Any) -> Iterator[str]:
    """Where a float is not the one nearest to the exact number beside it, or there are too many or too few."""
    exactly = tree.get("exact", tree.get("digits")) if isinstance(tree, Mapping) else None
    if exactly is not None:
        pairs = list(zip(exactly, tree["float"], strict=False))
        if len(exactly) != len(tree["float"]):
            yield "not every exact number has its float"
        wrong = ((said, given) for said, given in pairs if float(Fraction(said)) != given)
        yield from (f"{given!r} is not the float nearest to {said}" for said, given in wrong)
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _numbers(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _numbers(value)
