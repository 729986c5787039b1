"""Cases of metrics: small maps with ties, zeros and negative values, and every value derived again by plain loops."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from minixai import metrics
from minixai.conformance import form
from minixai.conformance.making import precision
from minixai.conformance.making.networks import draw_numbers
from minixai.ops.numbers import exact

EACH = 25  # cases per metric
Given = Mapping[str, Any]
Derive = Callable[[Given], Any]
SHAPES = ((3, 3), (4, 5), (5, 4), (6, 6), (2, 3, 3))


def metric_files() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the file, what it holds) for every metric that compares maps; those of curves are made elsewhere."""
    for name in AGAIN:
        cases = [_case(name, k) for k in range(1, EACH + 1)]
        content = {"schema": form.SCHEMA, "group": "metrics", "metric": name, "networks": {}, "cases": cases}
        yield f"metrics/{name}.json", content


def _case(name: str, k: int) -> dict[str, Any]:
    given = next(filter(None, (_draw(name, k, attempt) for attempt in range(100))))
    metric = metrics.METRICS[name]
    value, again = metric.function(*(given[key] for key in metric.takes)), AGAIN[name](given)
    if abs(float(again) - float(value)) > (0 if metric.exact else 1e-14 * max(1, abs(float(value)))):
        raise RuntimeError(f"{name} {k}: {value} is {again} by the second derivation")
    written = form.result(np.array(value, object)) if isinstance(again, Fraction | bool) else _digits(again)
    return {
        "id": f"metrics/{name}-{k:03}",
        "profile": "survey",
        "flags": _notes(given),
        "inputs": {key: _written(given[key]) for key in metric.takes},
        "tolerance": precision.REL,
        "expected": {"value": written},
    }


def _draw(name: str, k: int, attempt: int) -> dict[str, Any] | None:
    """What the metric takes: maps of multiples of 1/8 or 1/2; None where the metric would refuse it."""
    rng = np.random.default_rng([k, attempt, *name.encode()])
    shape = SHAPES[k % len(SHAPES)]
    numbers = "halves" if k % 2 else "eighths"  # halves tie
    given: dict[str, Any] = {key: exact(draw_numbers(rng, shape, numbers)) for key in ("map", "other", "truth")}
    if name == "kl":
        given |= {key: abs(given[key]) for key in ("map", "truth")}
    given["mask"] = given["fixations"] = rng.random(shape) < 0.3
    starts = [int(rng.integers(0, n - 1)) for n in shape]
    given["box"] = [[at, int(rng.integers(at + 1, n + 1))] for at, n in zip(starts, shape, strict=True)]
    try:
        metrics.METRICS[name].function(*(given[key] for key in metrics.METRICS[name].takes))
    except ValueError:
        return None
    return given


def _written(value: Any) -> Any:
    if isinstance(value, list):
        return value
    return form.tensor(value.astype(int) if value.dtype == bool else value)


def _digits(value: Any) -> dict[str, Any]:
    from mpmath import mp

    return form.irrational([mp.nstr(value, 30, min_fixed=-4)], ())


def _notes(given: Given) -> list[str]:
    values = given["map"]
    found = {
        "values are tied": len(set(values.flat)) < values.size,
        "some values are negative": bool((values < 0).any()),
        "three axes": values.ndim == 3,
    }
    return [note for note, holds in found.items() if holds]


# -- The second derivation ---------------------------------------------------------------------------------------------


def _pairs(inside: list, outside: list) -> Fraction:
    """The share of pairs in which inside is larger, ties counted half."""
    won = sum((a > b) - (a < b) + 1 for a, b in product(inside, outside))
    return Fraction(won, 2 * len(inside) * len(outside))


def _split(given: Given, mask: str) -> tuple[list, list]:
    values, marked = given["map"].ravel().tolist(), given[mask].ravel().tolist()
    inside = [v for v, m in zip(values, marked, strict=True) if m]
    return inside, [v for v, m in zip(values, marked, strict=True) if not m]


def _auc(given: Given) -> Fraction:
    return _pairs(*_split(given, "mask"))


def _auc_judd(given: Given) -> Fraction:
    """Values between two fixated ones count as tied with one another: the curve is a straight line there."""
    seen, others = _split(given, "fixations")
    levels = sorted(set(seen))

    def rank(v: Fraction) -> int:
        return sum(level <= v for level in levels)

    return _pairs([rank(v) for v in seen], [rank(v) for v in others])


def _marked(given: Given) -> set[int]:
    values = given["map"].ravel().tolist()
    least = sorted(values, reverse=True)[-(-len(values) // 5) - 1]
    return {i for i, v in enumerate(values) if v >= least and v > min(values)}


def _masked(given: Given) -> set[int]:
    return {i for i, m in enumerate(given["mask"].ravel()) if m}


def _iou(given: Given) -> Fraction:
    a, b = _marked(given), _masked(given)
    return Fraction(len(a & b), len(a | b))


def _dice(given: Given) -> Fraction:
    a, b = _marked(given), _masked(given)
    return Fraction(2 * len(a & b), len(a) + len(b))


def _pointing(given: Given) -> bool:
    values = given["map"].ravel().tolist()
    return values.index(max(values)) in _masked(given)


def _box_iou(given: Given) -> Fraction:
    values = given["map"]
    top = max(values.flat)
    if top <= 0:
        return Fraction(0)
    left = {at for at in np.ndindex(values.shape) if values[at] >= Fraction(15, 100) * top}
    pieces: list[list[tuple[int, ...]]] = []
    for start in sorted(left):
        if start not in left:
            continue
        piece, todo = [], [start]
        left.discard(start)
        while todo:
            at = todo.pop()
            piece.append(at)
            steps = [tuple(p + d * (i == axis) for i, p in enumerate(at)) for axis in range(len(at)) for d in (-1, 1)]
            todo += [s for s in steps if s in left]
            left.difference_update(steps)
        pieces.append(piece)
    piece = max(pieces, key=len)
    ours = set(product(*(range(min(axis), max(axis) + 1) for axis in zip(*piece, strict=True))))
    theirs = set(product(*(range(start, stop) for start, stop in given["box"])))
    return Fraction(len(ours & theirs), len(ours | theirs))


def _sim(given: Given) -> Fraction:
    shares = []
    for key in ("map", "other"):
        values = given[key].ravel().tolist()
        lifted = [v - min(values) for v in values]
        shares.append([v / sum(lifted) for v in lifted])
    return sum(map(min, *shares), Fraction(0))


def _gini(given: Given) -> Fraction:
    """Half the mean difference of two magnitudes, as a share of their mean."""
    sizes = [abs(v) for v in given["map"].flat]
    apart = sum(abs(a - b) for a, b in product(sizes, sizes))
    return Fraction(apart) / (2 * len(sizes) * sum(sizes)) if any(sizes) else Fraction(0)


def _real(v: Any) -> Any:
    from mpmath import mpf

    return mpf(Fraction(v).numerator) / Fraction(v).denominator


def _pcc(given: Given) -> Any:
    from mpmath import mp

    with mp.workdps(50):
        a, b = ([_real(v) for v in given[key].flat] for key in ("map", "other"))
        a, b = ([v - sum(some) / len(some) for v in some] for some in (a, b))
        return sum(p * q for p, q in zip(a, b, strict=True)) / mp.sqrt(sum(p * p for p in a) * sum(q * q for q in b))


def _nss(given: Given) -> Any:
    from mpmath import mp

    with mp.workdps(50):
        values = [_real(v) for v in given["map"].flat]
        middle = sum(values) / len(values)
        spread = mp.sqrt(sum((v - middle) ** 2 for v in values) / len(values))
        seen = [v for v, m in zip(values, given["fixations"].flat, strict=True) if m]
        return (sum(seen) / len(seen) - middle) / spread if spread else mp.mpf(0)


def _kl(given: Given) -> Any:
    from mpmath import mp

    with mp.workdps(50):
        Q, P = ([_real(v) / _real(sum(given[key].flat)) for v in given[key].flat] for key in ("truth", "map"))
        eps = mp.mpf(2) ** -52
        return sum(q * mp.log(eps + q / (p + eps)) for q, p in zip(Q, P, strict=True))


AGAIN: dict[str, Derive] = {
    "auc": _auc,
    "auc-judd": _auc_judd,
    "iou": _iou,
    "dice": _dice,
    "box-iou": _box_iou,
    "pointing": _pointing,
    "pcc": _pcc,
    "sim": _sim,
    "kl": _kl,
    "nss": _nss,
    "gini": _gini,
}
