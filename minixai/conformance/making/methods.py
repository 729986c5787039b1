"""Cases of methods: a network and a picture are drawn, explained, confirmed, and kept if the case can tell something.

The witness must find what the engine found; the score must depend on the picture, ReLUs and pools have something to
decide, and no decision may hang on a rounding. Each case lists the variants (mistakes, other conventions) that it tells
apart from the right numbers; while a variant is told apart by too few, the best of several drafts is taken.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from minixai import api
from minixai.conformance import form, variants
from minixai.conformance.making import black, precision
from minixai.conformance.making.again import real
from minixai.conformance.making.confirm import Question, relevance
from minixai.conformance.making.families import FAMILIES, NOTES, draw
from minixai.conformance.making.networks import draw_numbers
from minixai.network import Network, forward
from minixai.ops import MAXIMA, Array, ReLU, UnsupportedOp
from minixai.ops.numbers import exact
from minixai.result import Explanation

EACH = 3  # cases per method and family
ENOUGH = 3  # cases that tell a variant from the right answer
LOOK = 10  # drafts to choose from, while there is a variant that not enough cases tell apart
HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
ROUNDINGS = ("average-in-single-precision", "scores-in-single-precision")  # variants too near for FAR
FAR = Fraction(1, 100)  # of the largest expected value: a hundred times the tolerance of the class rel in float32
WALKS = ("gradient", "deconvnet", "guided-backprop")

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
    **black.SETTINGS,
}
ELSEWHERE = ("baseline", "noise", "layer", "max_pieces", "seed")  # written down as data, or without meaning here
INVARIANTS = {
    "cam": "global-average",  # the mean of the map is the score without its bias
    "integrated-gradients": "completeness",
    "deeplift-rescale": "summation-to-delta",
    "deeplift-revealcancel": "summation-to-delta",
}
PROFILES = {"bias": {"ignore": "variant:ignore-bias"}, "stabilizer": {"literal": "variant:literal-eps"}}


class Draft(NamedTuple):
    """A case before it is written: the question, and what the engine answered."""

    seed: int
    network: Network
    x: Array
    given: dict[str, Any]  # as ``explain`` takes it
    found: Explanation
    data: dict[str, Array]  # reference, noise; or what hides pixels
    tolerance: dict[str, Any]
    more: dict[str, Array] = {}  # of LIME's models: intercept, R2
    rational: bool = True


def method_files(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the file, what it holds) for every method and family that fit."""
    for method in tqdm(SETTINGS, desc="methods", disable=None):
        seen = Counter[str]()
        names = {family: f"methods/{method}/{family}.json" for family in FAMILIES}
        known_first = sorted(FAMILIES, key=lambda family: not (folder / names[family]).exists())
        for family in known_first:
            name = names[family]
            content = method_file(method, family, seeds(folder / name), seen)
            if content:
                yield name, content


def seeds(file: Path) -> Iterator[int]:
    """The seeds that an earlier search has found: they are not searched again."""
    networks = json.loads(file.read_bytes())["networks"] if file.exists() else ()
    return (int(name.rsplit("-", 1)[1]) for name in networks)


def method_file(method: str, family: str, seeds: Iterator[int], seen: Counter[str]) -> dict[str, Any] | None:
    """What the file of a method and a family holds; None where the method does not fit the family.

    ``seen`` counts the variants that have been told apart so far.
    """
    networks, cases = {}, []
    for k in range(max(EACH, len(SETTINGS[method]), 9 if method == "cam" else 0)):  # CAM fits three families only
        settings = dict(SETTINGS[method][k % len(SETTINGS[method])])
        known = next(seeds, None)
        try:
            if known is None:
                draft = _best(_drafts(method, family, settings, range(100 * k, 100 * k + 100)), method, seen)
            else:
                draft = next(_drafts(method, family, settings, range(known, known + 1)))
        except UnsupportedOp:
            return None
        networks[f"{family}-{draft.seed}"] = form.network(draft.network)
        case = _written(method, f"{family}-{k + 1:03}", f"{family}-{draft.seed}", draft)
        case["flags"] = black.flags(method, family) if method in black.SETTINGS else [NOTES[family]]
        case["distinguishes"] = _told_apart(method, draft, (v.name for v in variants.of(method)))
        seen.update(case["distinguishes"])
        cases.append(case)
    return {
        "schema": form.SCHEMA, "group": "methods", "method": method, "family": family, "networks": networks,
        "cases": cases,
    }  # fmt: skip


def _best(drafts: Iterator[Draft], method: str, seen: Counter[str]) -> Draft:
    """Of the first few, the one that tells apart most of what too few cases have told apart."""
    wanted = [v.name for v in variants.of(method) if seen[v.name] < ENOUGH and v.name not in ROUNDINGS]
    few = list(islice(drafts, LOOK if wanted else 1))
    if not few:
        raise RuntimeError(f"{method}: no network of 100 is worth a case")
    return max(few, key=lambda draft: len(_told_apart(method, draft, wanted)))


def _drafts(method: str, family: str, settings: dict[str, Any], seeds: range) -> Iterator[Draft]:
    """The drafts that are worth keeping, seed by seed."""
    for seed in seeds:
        try:
            draft = _draft(method, family, seed, settings)
        except UnsupportedOp:
            raise
        except ValueError:
            continue  # a picture that does not fit: a negative score under Deep Taylor
        if draft is not None:
            yield draft


def _draft(method: str, family: str, seed: int, settings: dict[str, Any]) -> Draft | None:
    network, x = draw(family, seed)
    rng = np.random.default_rng([seed, 7])
    given, data = dict(settings), {}
    if method in black.SETTINGS:
        return _black_draft(method, family, seed, network, x, rng, given)
    if method in ("integrated-gradients", "deeplift-rescale", "deeplift-revealcancel"):
        data["reference"] = given["baseline"] = exact(draw_numbers(rng, x.shape[1:], "eighths"))
    if method == "smoothgrad":
        data["noise"] = given["noise"] = exact(draw_numbers(rng, (3, *x.shape[1:]), "eighths"))
        given["n"] = len(data["noise"])
    given["target"] = [int(rng.integers(3)) for _ in x]
    found = api.explain(network, x, method, **given)
    if not _lively(network, x) or _longest(found.relevance) > form.DIGITS or not found.relevance.any():
        return None
    precision.decided(network, x)
    for i, picture in enumerate(x):
        params = {key: value for key, value in params_of(found).items() if key not in ("method", "layer")}
        layer = found.notes.get("layer")
        question = Question(network, picture, int(found.target[i]), params, layer=layer, **data)
        again = relevance(method, question)
        if again.shape != found.relevance[i].shape or (again != found.relevance[i]).any():
            raise RuntimeError(f"{method} on {family} {seed}: the witness does not agree with the engine")
    return Draft(seed, network, x, given, found, data, tolerance(method, network, x, given))


def _black_draft(
    method: str, family: str, seed: int, network: Network, x: Array, rng: np.random.Generator, settings: dict[str, Any]
) -> Draft | None:
    given = black.drawn(method, family, rng, x, settings) | {"target": [int(rng.integers(3)) for _ in x]}
    if not _lively(network, x):
        return None
    found, more, rational = black.explained(method, network, x, given)
    if not found.relevance.any() or rational and _longest(found.relevance) > form.DIGITS:
        return None
    bound = tolerance(method, network, x, given)
    return Draft(seed, network, x, given, found, black.data_of(found), bound, more, rational)


def params_of(found: Explanation) -> dict[str, Any]:
    """Every convention that the answer rests on; pictures and draws are written down elsewhere, as data."""
    if found.method in black.SETTINGS:
        return black.params_of(found)
    params = {key: value for key, value in found.params.items() if key not in ELSEWHERE}
    layer = found.notes.get("layer")
    return params | ({"layer": layer} if layer and found.method != "cam" else {})  # CAM's follows from the network


def _lively(network: Network, x: Array) -> bool:
    """Whether the case can tell anything: ReLUs open and shut, and a pool whose winners are not all first."""
    steps = forward(network, x).steps
    gates = np.concatenate([s.choice.ravel() for s in steps if isinstance(s.op, ReLU)] or [np.array([True, False])])
    pools = [s for s in steps if isinstance(s.op, MAXIMA)]
    return bool(gates.any() and not gates.all() and all(len(np.unique(s.choice)) > 1 for s in pools))


def _longest(a: Array) -> int:
    return max(max(len(str(v.numerator)), len(str(v.denominator))) for v in map(Fraction, a.ravel()))


def _written(method: str, name: str, network: str, draft: Draft) -> dict[str, Any]:
    found, params = draft.found, params_of(draft.found)
    said = form.result if draft.rational else digits
    case: dict[str, Any] = {
        "id": f"methods/{method}/{name}",
        "profile": next((PROFILES[k][v] for k, v in params.items() if k in PROFILES and v in PROFILES[k]), "survey"),
        "spec": list(next(m.equations for m in api.methods() if m.name == method)),
        "network": network,
        "input": form.tensor(draft.x),
        "target": [int(c) for c in found.target],
        "params": {key: _plain(value) for key, value in params.items()},
        "tolerance": draft.tolerance,
        "invariants": _invariants(method, found),
        "expected": {
            "score": said(found.score),
            "relevance": said(found.relevance),
            "signals": {node: form.result(signal) for node, signal in found.signals.items()},
        },
    }
    case |= {key: form.tensor(value) for key, value in draft.data.items()}
    case["expected"] |= {key: said(value) for key, value in draft.more.items()}
    if found.expected is not None:
        case["expected"]["promised"] = form.result(found.expected)
    if found.absorbed:
        case["expected"]["absorbed"] = {node: form.result(a) for node, a in found.absorbed.items()}
    return case


def tolerance(method: str, network: Network, x: Array, given: Mapping[str, Any]) -> dict[str, Any]:
    """The class of this case, proved or counted; see ``minixai.conformance.making.precision``."""
    if method not in precision.COUNTED or given.get("score") == "probability":
        return precision.REL
    data = {key: precision.rounded(given[key]) for key in ("baseline", "noise", "fill") if key in given}
    again = api.explain(precision.counting(network), precision.rounded(x), method, **{**given, **data})
    promised = () if again.expected is None else (again.expected,)
    error = precision.largest_error(again.relevance, *again.signals.values(), *promised)
    if error or method not in WALKS:
        return precision.ulp(error)
    tape = forward(network, x)
    seed = exact(np.eye(tape.output.y.shape[1]))[given["target"]]
    return precision.EXACT if precision.walk_is_exact(tape, seed, api.rules(method)) else precision.ulp(error)


def _invariants(method: str, found: Explanation) -> list[str]:
    """What the relevance and what stays behind sum to, where the method promises it, and it holds exactly."""
    if found.expected is None:
        return []
    axes = tuple(range(1, found.relevance.ndim))
    total = sum(found.absorbed.values(), found.relevance.sum(axis=axes))
    return [INVARIANTS.get(method, "conservation")] if (total == found.expected).all() else []


def _told_apart(method: str, draft: Draft, names: Iterable[str]) -> list[str]:
    """The variants whose numbers are at least a hundred tolerances away (those of float32)."""
    case, apart = _written(method, "", "", draft), []
    question = {**case, "method": method, "network": form.network(draft.network)}
    for name in names:
        try:
            instead = variants.VARIANTS[name].answer(question)
        except UnsupportedOp:
            continue  # nothing to be mistaken about in this network
        right = draft.found.relevance
        if instead.shape != right.shape or abs(instead - right).max() >= FAR * abs(right).max():
            apart.append(name)
    return apart


def digits(a: Array) -> dict[str, Any]:
    """Numbers that are no fractions, known to 50 digits, written to 30."""
    from mpmath import mp

    with mp.workdps(50):
        return form.irrational([mp.nstr(real(v), 30, min_fixed=-4) for v in a.flat], a.shape)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Fraction) else value
