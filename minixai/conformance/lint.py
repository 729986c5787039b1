"""Are the vectors sound? By their JSON Schema, their manifest, and number by number."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from minixai.conformance import vectors


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
            yield from (f"{case.id}: {what}" for what in _numbers(case.expected))


def _numbers(tree: Any) -> Iterator[str]:
    """Where a float is not the one nearest to the exact number beside it, or there are too many or too few."""
    if isinstance(tree, Mapping) and "exact" in tree:
        pairs = list(zip(tree["exact"], tree["float"], strict=False))
        if len(tree["exact"]) != len(tree["float"]):
            yield "not every exact number has its float"
        wrong = ((said, given) for said, given in pairs if float(Fraction(said)) != given)
        yield from (f"{given!r} is not the float nearest to {said}" for said, given in wrong)
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _numbers(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _numbers(value)
