"""Sections 4.4 and 4.5: integrated gradients and SmoothGrad, means over other pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minixai.pytorch.gradient import gradient
from minixai.pytorch.graph import facts_of
from minixai.pytorch.maps import map_of
from minixai.pytorch.subject import Found, Subject, mean

QUADRATURES = ("midpoint", "left", "right", "trapezoid", "gauss-legendre")
AT_ONCE = 1 << 20  # pictures on the path are explained together, about a million pixels at a time


def integrated_gradients(subject: Subject, baseline: Any = None, n: int = 50, quadrature: str = "midpoint") -> Found:
    """(x - x') times the weighted mean of dS_c/dx over the path x' + alpha (x - x'), Eq. (7)."""
    references, said = references_of(subject, baseline)
    alphas, weights = points(quadrature, n)
    maps, deltas, arriving = [], [], []
    now = subject.score(subject.scores_at(subject.x))
    for start in references:
        found = _mean_slopes(subject, start, alphas, weights)
        maps.append((subject.x - start) * found["input"])
        deltas.append(now - subject.score(subject.scores_at(start)))
        arriving.append(found)
    signals = {name: mean([a[name] for a in arriving]) for name in arriving[0]} if subject.signals else {}
    return Found(mean(maps), "sum", None, signals, mean(deltas), said)


def points(quadrature: str, n: int) -> tuple[list[float], list[float]]:
    """The alphas and their weights, which sum to 1."""
    if quadrature not in QUADRATURES:
        hint = "; 'exact' is the engine's alone" if quadrature == "exact" else ""
        raise ValueError(f"quadrature is {quadrature!r}; expected one of {', '.join(QUADRATURES)}{hint}")
    least = 2 if quadrature == "trapezoid" else 1
    if not isinstance(n, int) or n < least:
        raise ValueError(f"n is {n!r}; expected an integer of at least {least} for quadrature {quadrature!r}")
    if quadrature == "gauss-legendre":
        nodes, weights = np.polynomial.legendre.leggauss(n)
        return list((nodes + 1) / 2), list(weights / 2)
    if quadrature == "trapezoid":
        ends = [0.5 if i in (0, n - 1) else 1.0 for i in range(n)]
        return [i / (n - 1) for i in range(n)], [end / (n - 1) for end in ends]
    offset = {"midpoint": 0.5, "left": 0.0, "right": 1.0}[quadrature]
    return [(i + offset) / n for i in range(n)], [1 / n] * n


def references_of(subject: Subject, baseline: Any) -> tuple[list[Tensor], dict[str, str]]:
    """The reference images, each of the shape of x: what was given, the module's own black picture, or zeros."""
    black = facts_of(subject.module).get("black")
    if baseline is None and black is None:
        return [torch.zeros_like(subject.x)], {"baseline": "zeros (this module does not say what black is)"}
    given = torch.as_tensor(black if baseline is None else baseline, dtype=subject.x.dtype, device=subject.x.device)
    each = given if given.ndim == subject.x.ndim else given[None]
    if not len(each):
        raise ValueError("baseline holds no picture; expected one or several")
    try:
        references = [one.expand_as(subject.x).clone() for one in each]
    except RuntimeError:
        one = tuple(subject.x.shape[1:])
        raise ValueError(f"baseline has shape {tuple(given.shape)}; expected one picture {one}, or several") from None
    return references, {"baseline": "black"} if baseline is None else {}


def smoothgrad(
    subject: Subject,
    inner: Callable[[Subject], Found],
    sigma: float = 0.15,
    n: int = 50,
    average: str = "maps",
    noise: Any = None,
    seed: int = 0,
) -> Found:
    """The mean over noisy copies, Eq. (8): of their finished maps, or of the raw results (``average="signed"``)."""
    if average not in ("maps", "signed"):
        raise ValueError(f"average is {average!r}; expected one of maps, signed")
    if sigma < 0:
        raise ValueError(f"sigma is {sigma}; expected a number of at least 0, a fraction of max(x) - min(x)")
    x = subject.x
    flat = x.flatten(1)
    level = sigma * (flat.amax(1) - flat.amin(1)).reshape(-1, *(1,) * (x.ndim - 1))
    draws = _draws(x, n, noise, seed)
    found = [inner(subject.at(x + level * draw)) for draw in draws]
    values = [map_of(f, x) if average == "maps" else f.relevance for f in found]
    signals = {name: mean([f.signals[name] for f in found]) for name in found[0].signals}
    return Found(mean(values), "none" if average == "maps" else found[0].reduce, None, signals)


def _mean_slopes(subject: Subject, start: Tensor, alphas: list, weights: list) -> dict[str, Tensor]:
    total: dict[str, Tensor] = {}
    chunk = max(1, AT_ONCE // max(1, subject.x.numel()))
    for first in range(0, len(alphas), chunk):
        some = slice(first, first + chunk)
        path = torch.cat([start + a * (subject.x - start) for a in alphas[some]])
        found = gradient(subject.at(path))
        for name, slope in {"input": found.relevance, **found.signals}.items():
            by_point = slope.reshape(-1, len(subject.x), *slope.shape[1:])
            part = sum(w * s for w, s in zip(weights[some], by_point, strict=True))
            total[name] = total[name] + part if name in total else part
    return total


def _draws(x: Tensor, n: int, noise: Any, seed: int) -> Tensor:
    if noise is None:
        if not isinstance(n, int) or n < 1:
            raise ValueError(f"n is {n!r}; expected an integer of at least 1: the number of noisy copies")
        noise = np.random.default_rng(seed).standard_normal((n, *x.shape[1:]))
    draws = torch.as_tensor(noise, dtype=x.dtype, device=x.device)
    if draws.ndim != x.ndim or draws.shape[1:] != x.shape[1:] or not len(draws):
        raise ValueError(f"noise has shape {tuple(draws.shape)}; expected ('n', *{tuple(x.shape[1:])})")
    return draws
