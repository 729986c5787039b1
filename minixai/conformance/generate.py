"""Compute the vectors: python -m minixai.conformance.generate

Every number is a fraction. The engine computes it, the witness derives it a second way, and a case is kept only if the
two are equal, the score depends on the picture, and its ReLUs and pools have something to decide. Files are never
overwritten with anything else: what is there must come out again, byte for byte.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from tqdm import tqdm

from minixai import api, files
from minixai.conformance import form
from minixai.conformance.confirm import Question, by_torch, relevance
from minixai.conformance.families import FAMILIES, draw
from minixai.conformance.layers import LAYERS, drawn
from minixai.conformance.networks import draw_numbers
from minixai.network import Network, forward
from minixai.ops import MAXIMA, Array, Op, ReLU, UnsupportedOp
from minixai.ops.numbers import exact
from minixai.result import Explanation

EACH = 3  # cases per method and family
HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
TOLERANCE = {"class": "rel", "float64": 1e-9, "float32": 1e-4}  # of the largest expected value

# {method: the parameters that its cases take in turn}; every other convention is written out from the defaults
SETTINGS: dict[str, tuple[Mapping[str, Any], ...]] = {
    "gradient": ({},),
    "deconvnet": ({},),
    "guided-backprop": ({},),
    "integrated-gradients": tuple({"n": 4, "quadrature": q} for q in ("midpoint", "trapezoid", "left", "right")),
    "smoothgrad": ({"sigma": QUARTER, "average": "maps"}, {"sigma": HALF, "average": "signed"}),
    "cam": ({},),
    "grad-cam": ({}, {"relu": False}),
    "guided-grad-cam": ({},),
    "lrp-0": ({}, {"bias": "ignore"}),
    "lrp-epsilon": ({"eps": QUARTER}, {"eps": HALF, "bias": "ignore"}, {"eps": QUARTER, "stabilizer": "literal"}),
    "lrp-gamma": ({"gamma": QUARTER}, {"gamma": HALF, "bias": "ignore"}, {"gamma": Fraction(2)}),
    "lrp-alphabeta": ({"alpha": 2, "beta": 1}, {"alpha": 1, "beta": 0}, {"alpha": 2, "beta": 1, "bias": "ignore"}),
    "lrp-composite": ({"low": -2, "high": 2}, {}),
    "deep-taylor": ({"low": -2, "high": 2}, {}),
    "deeplift-rescale": ({},),
    "deeplift-revealcancel": ({},),
    "fem": ({"K": 1}, {"K": HALF}),
}
ELSEWHERE = ("baseline", "noise", "layer", "max_pieces", "rules")  # written down as data, or without meaning here
PROFILES = {"bias": {"ignore": "variant:ignore-bias"}, "stabilizer": {"literal": "variant:literal-eps"}}


class Draft(NamedTuple):
    """A case before it is written: the question, and what the engine answered."""

    network: Network
    x: Array
    params: dict[str, Any]
    found: Explanation
    reference: Array | None
    noise: Array | None


def method_files() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the file, what it holds) for every method and family that fit."""
    for method in tqdm(SETTINGS, desc="methods", disable=None):
        for family in FAMILIES:
            cases = _cases(method, family)
            if cases:
                yield f"methods/{method}/{family}.json", cases


def _cases(method: str, family: str) -> dict[str, Any] | None:
    """What the file of a method and a family holds; None where the method does not fit the family."""
    networks, cases = {}, []
    for k in range(max(EACH, len(SETTINGS[method]), 9 if method == "cam" else 0)):  # CAM fits three families only
        settings = dict(SETTINGS[method][k % len(SETTINGS[method])])
        try:
            seed, draft = next(found for found in _drafts(method, family, settings, 100 * k) if found[1] is not None)
        except UnsupportedOp:
            return None
        networks[f"{family}-{seed}"] = form.network(draft.network)
        cases.append(_written(method, f"{family}-{k + 1:03}", f"{family}-{seed}", draft))
    return {
        "schema": form.SCHEMA, "group": "methods", "method": method, "family": family, "networks": networks,
        "cases": cases,
    }  # fmt: skip


def _drafts(method: str, family: str, settings: dict[str, Any], first: int) -> Iterator[tuple[int, Any]]:
    """(seed, a draft that is worth keeping, or None), seed by seed."""
    for seed in range(first, first + 100):
        try:
            yield seed, _draft(method, family, seed, settings)
        except UnsupportedOp:
            raise
        except ValueError:
            yield seed, None  # a picture that does not fit: a negative score under Deep Taylor
    raise RuntimeError(f"{method} on {family}: no network of 100 is worth a case")


def _draft(method: str, family: str, seed: int, settings: dict[str, Any]) -> Draft | None:
    network, x = draw(family, seed)
    rng = np.random.default_rng([seed, 7])
    given = dict(settings)
    reference = noise = None
    if method in ("integrated-gradients", "deeplift-rescale", "deeplift-revealcancel"):
        reference = exact(draw_numbers(rng, x.shape[1:], "eighths"))
        given["baseline"] = reference
    if method == "smoothgrad":
        noise = exact(draw_numbers(rng, (3, *x.shape[1:]), "eighths"))
        given["noise"] = noise
    found = api.explain(network, x, method, target=[int(rng.integers(3)) for _ in x], **given)
    if not _lively(network, x) or _longest(found.relevance) > form.DIGITS or not found.relevance.any():
        return None
    layer = found.notes.get("layer")
    params = {
        key: value for key, value in found.params.items() if key not in ("baseline", "noise", "layer", "max_pieces")
    }
    params |= {"layer": layer} if layer else {}
    for i, picture in enumerate(x):
        question = Question(network, picture, int(found.target[i]), _rules(method, params), reference, noise, layer)
        again = relevance(method, question)
        if again.shape != found.relevance[i].shape or (again != found.relevance[i]).any():
            raise RuntimeError(f"{method} on {family} {seed}: the witness does not agree with the engine")
    return Draft(network, x, params, found, reference, noise)


def _rules(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that the witness takes: not what chooses the method, or the layer."""
    return {key: value for key, value in params.items() if key not in ("method", "layer", "seed")}


def _lively(network: Network, x: Array) -> bool:
    """Whether the case can tell anything: ReLUs open and shut, and a pool whose winners are not all first."""
    steps = forward(network, x).steps
    gates = np.concatenate([s.choice.ravel() for s in steps if isinstance(s.op, ReLU)] or [np.array([True, False])])
    pools = [s for s in steps if isinstance(s.op, MAXIMA)]
    return bool(gates.any() and not gates.all() and all(len(np.unique(s.choice)) > 1 for s in pools))


def _longest(a: Array) -> int:
    return max(max(len(str(v.numerator)), len(str(v.denominator))) for v in map(Fraction, a.ravel()))


def _written(method: str, name: str, network: str, draft: Draft) -> dict[str, Any]:
    found = draft.found
    case: dict[str, Any] = {
        "id": f"methods/{method}/{name}",
        "profile": next(
            (PROFILES[k][v] for k, v in draft.params.items() if k in PROFILES and v in PROFILES[k]), "survey"
        ),
        "spec": list(next(m.equations for m in api.methods() if m.name == method)),
        "network": network,
        "input": form.tensor(draft.x),
        "target": [int(c) for c in found.target],
        "params": {key: _plain(value) for key, value in draft.params.items()},
        "tolerance": TOLERANCE,
        "expected": {
            "score": form.result(found.score),
            "relevance": form.result(found.relevance),
            "signals": {node: form.result(signal) for node, signal in found.signals.items()},
        },
    }
    for key in ("reference", "noise"):
        if getattr(draft, key) is not None:
            case[key] = form.tensor(getattr(draft, key))
    if found.expected is not None:
        case["expected"]["promised"] = form.result(found.expected)
    if found.absorbed:
        case["expected"]["absorbed"] = {node: form.result(a) for node, a in found.absorbed.items()}
    return case


def _profile(params: Mapping[str, Any]) -> str:
    """ "survey", or the convention of the field that the parameters choose instead."""
    return next((PROFILES[k][v] for k, v in params.items() if k in PROFILES and v in PROFILES[k]), "survey")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Fraction) else value


def layer_files() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the file, what it holds) for every kind of layer: outputs and what goes back, confirmed by PyTorch."""
    for kind in tqdm(LAYERS, desc="layers", disable=None):
        cases = [_layer_case(kind, k, *found) for k, found in enumerate(drawn(kind), start=1)]
        yield f"ops/{kind}.json", {"schema": form.SCHEMA, "group": "ops", "op": kind, "networks": {}, "cases": cases}


def _layer_case(kind: str, k: int, op: Op, xs: tuple[Array, ...]) -> dict[str, Any]:
    choice = op.choose(*xs)
    operands = xs if choice is None else (*xs, choice)
    y = op.forward(*operands)
    arriving = exact(draw_numbers(np.random.default_rng([k, *kind.encode()]), y.shape, "eighths"))
    back = op.adjoint(arriving, *operands)
    leaving = back if isinstance(back, tuple) else (back,)
    by_torch(op, xs, y, arriving, leaving)
    return {
        "id": f"ops/{kind}-{k:03}",
        "profile": "survey",
        "layer": form.layer(op),
        "inputs": [form.tensor(x) for x in xs],
        "arriving": form.tensor(arriving),
        "tolerance": TOLERANCE,
        "expected": {"output": form.result(y), "leaving": [form.result(r) for r in leaving]},
    }


def dumped(content: Mapping[str, Any]) -> bytes:
    """The file as it is written: one line per case and network, so that a difference can be read."""

    def lines(items: Iterable[str]) -> str:
        return ",\n  ".join(items)

    def tight(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    said = json.dumps({k: v for k, v in content.items() if k not in ("networks", "cases")})[:-1]
    networks = lines(f"{json.dumps(name)}: {tight(net)}" for name, net in content["networks"].items())
    cases = lines(map(tight, content["cases"]))
    return f'{said},\n "networks": {{\n  {networks}\n }},\n "cases": [\n  {cases}\n ]}}\n'.encode()


def manifest(contents: Mapping[str, bytes]) -> bytes:
    """How many cases each file holds, and its SHA-256."""
    rows: dict[str, dict[str, Any]] = {
        name: {"cases": len(json.loads(content)["cases"]), "sha256": sha256(content).hexdigest()}
        for name, content in sorted(contents.items())
    }
    said = {"schema": form.SCHEMA, "cases": sum(row["cases"] for row in rows.values()), "files": rows}
    return (json.dumps(said, indent=1) + "\n").encode()


def everything() -> dict[str, bytes]:
    """{file: its content}, the manifest included."""
    contents = {name: dumped(content) for made in (layer_files(), method_files()) for name, content in made}
    return contents | {"MANIFEST.json": manifest(contents)}


def main(out: Annotated[Path | None, typer.Option(help="Folder (default: data/vectors).")] = None) -> None:
    """Compute every vector, and write those that are not there yet."""
    folder = out or files.root("data") / "vectors"
    contents = everything()
    there = {name: folder / name for name in contents if name != "MANIFEST.json" and (folder / name).exists()}
    changed = [name for name, path in there.items() if path.read_bytes() != contents[name]]
    if changed:
        typer.echo(f"frozen files would change: {', '.join(changed)}; nothing is written", err=True)
        raise typer.Exit(1)
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    typer.echo(f"{json.loads(contents['MANIFEST.json'])['cases']} cases in {len(contents) - 1} files")


if __name__ == "__main__":
    typer.run(main)
