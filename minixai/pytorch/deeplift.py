"""Section 5.2, DeepLIFT: the picture and its reference ride in one batch, and multipliers are the slopes.

Rescale: rows [x, x0]. RevealCancel: rows [x, x0, d+, d-]; the two parts of every difference are pictures of their own,
and the gradients that reach their rows are m+ and m-.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from minixai.pytorch.calls import MEANS, Call
from minixai.pytorch.gradient import named
from minixai.pytorch.paths import references_of
from minixai.pytorch.straight import carry, quotient
from minixai.pytorch.subject import Found, Subject, mean, slopes
from minixai.result import UnsupportedOp


def deeplift_rescale(subject: Subject, baseline: Any = None) -> Found:
    """Multiplier dz/dy at every ReLU, Eqs. (19)-(21)."""
    return _against_all(subject, baseline, _rescale)


def deeplift_revealcancel(subject: Subject, baseline: Any = None) -> Found:
    """Positive and negative differences travel separately, Eqs. (22)-(25)."""
    graph = subject.graph
    for call in graph.calls:
        if call.kind == "batch_norm" and call.index not in graph.norms:
            raise UnsupportedOp(
                f"{graph.names[call.index]}: RevealCancel cannot handle a batch norm that does not follow a layer of "
                "its own; use deeplift-rescale"
            )
    return _against_all(subject, baseline, _revealcancel)


def _against_all(subject: Subject, baseline: Any, method: Callable[[Subject, Tensor], Found]) -> Found:
    """The mean over the references."""
    for call in subject.graph.calls:
        if call.kind == "softmax":
            raise UnsupportedOp(
                f"the softmax at {subject.graph.names[call.index]} has no rule; only a final one is left out"
            )
    references, said = references_of(subject, baseline)
    found = [method(subject, x0) for x0 in references]
    signals = {name: mean([f.signals[name] for f in found]) for name in found[0].signals}
    deltas: list[Any] = [f.expected for f in found]
    return Found(mean([f.relevance for f in found]), "sum", found[0].scores, signals, mean(deltas), said)


# -- Linear and Rescale ------------------------------------------------------------------------------------------------


def _rescale(subject: Subject, x0: Tensor) -> Found:
    leaf = subject.x.clone().requires_grad_()
    seen = subject.run(torch.cat([leaf, x0]), _rescaled, subject.signalled)
    now = subject.score(seen.scores)
    m, *arriving = slopes(now.sum(), [leaf, *seen.kept.values()])
    multipliers = {i: a.chunk(2)[0] for i, a in zip(seen.kept, arriving, strict=True)}
    multipliers |= _of_folded(subject, multipliers)
    delta = now - subject.score(seen.scores, 1)
    scores = seen.scores.detach().chunk(2)[0]
    return Found(m * (subject.x - x0), "sum", scores, named(subject, m, multipliers), delta.detach())


def _rescaled(call: Call) -> Tensor | None:
    if call.kind == "relu":
        y, y0 = call.x.detach().chunk(2)
        m = _ratio(torch.relu(y) - torch.relu(y0), y - y0, y0)
        return carry(torch.relu(call.x), torch.cat([m, torch.zeros_like(m)]) * call.x)
    if call.kind == "max_pool":
        out, credit, ratio = _pool(call, *call.x.detach().chunk(2))
        picked = _take(call.x.chunk(2)[0], credit) * ratio
        return carry(out, torch.cat([picked, torch.zeros_like(picked)]))
    return None


def _ratio(dz: Tensor, dy: Tensor, y0: Tensor) -> Tensor:
    """dz/dy; where y did not move, the gradient at the reference."""
    return torch.where(_still(dy), (y0 > 0).to(dy.dtype), quotient(dz, dy))


def _still(d: Tensor) -> Tensor:
    return d.abs() < (1e-5 if d.dtype == torch.float32 else 1e-7)


def _pool(call: Call, x: Tensor, x0: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What the pool computes for both, which place of each window is credited, and its dz/dy."""
    pool = F.max_pool2d if x.ndim == 4 else F.max_pool3d
    out, winners = pool(torch.cat([x, x0]), return_indices=True, **call.facts)
    (y, y0), (winner, winner0) = out.chunk(2), winners.chunk(2)
    credit = torch.where(y > y0, winner, winner0)
    moved = _take(x - x0, credit)
    return out, credit, torch.where(_still(moved), 1, quotient(y - y0, moved))


def _take(x: Tensor, places: Tensor) -> Tensor:
    """The numbers at the places (of each plane, flat) that a pool has chosen."""
    return x.flatten(2).gather(2, places.flatten(2)).reshape(places.shape)


# -- RevealCancel ------------------------------------------------------------------------------------------------------


def _revealcancel(subject: Subject, x0: Tensor) -> Found:
    graph, n = subject.graph, len(subject.x)
    dx = subject.x - x0
    up, down = (part.clone().requires_grad_() for part in (dx.clamp(min=0), dx.clamp(max=0)))
    before: dict[int, Call] = {}

    def answer(call: Call) -> Tensor | None:
        if call.index in graph.norms.values():
            before[call.index] = call
            return call.compute().detach()
        return _revealed(call, before.get(graph.norms.get(call.index, -1)))

    rows = torch.cat([subject.x, x0, up, down])
    seen = subject.run(rows, answer, subject.signalled, watched=2 * n)
    now, m_up, m_down = (subject.score(seen.scores, block) for block in (0, 2, 3))
    plus, minus, *arriving = slopes((m_up + m_down).sum(), [up, down, *seen.kept.values()])
    multipliers = {i: torch.stack(a.chunk(4)[2:]) for i, a in zip(seen.kept, arriving, strict=True)}
    multipliers |= _of_folded(subject, multipliers)
    R = (plus * up + minus * down).detach()
    delta = (now - subject.score(seen.scores, 1)).detach()
    scores = seen.scores.detach().chunk(4)[0]
    return Found(R, "sum", scores, named(subject, torch.stack([plus, minus]), multipliers), delta)


def _revealed(call: Call, before: Call | None) -> Tensor | None:
    """The four rows after this call: x and x0 as they are, the parts by their own rules."""
    if call.kind in ("wire", "cat", "softmax"):  # a softmax stands after the scores
        return None
    quarters = [t.chunk(4) for t in call.inputs]
    pictures = [torch.cat(q[:2]).detach() for q in quarters]
    if call.kind == "max_pool":
        return _revealed_pool(call, pictures[0], *quarters[0][2:])
    out = call.on(*pictures)
    if call.kind == "relu":
        return torch.cat([out, *_revealed_relu(*pictures[0].chunk(2), *quarters[0][2:])])
    if before is not None:
        call, quarters = before.folded(call), [before.x.chunk(4)]
    ups, downs = zip(*(_signed_parts(*q) for q in quarters), strict=True)
    if call.kind in MEANS:
        return torch.cat([out, call.on(*ups), call.on(*downs)])
    w = call.weights()[0].detach()
    plus, minus = w.clamp(min=0), w.clamp(max=0)
    (a,), (b,) = ups, downs
    up = call.linear(a, plus) + call.linear(b, minus)
    return torch.cat([out, up, call.linear(a, minus) + call.linear(b, plus)])


def _signed_parts(x: Tensor, x0: Tensor, up: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    """dx^+ and dx^-; what arrives at them goes to both parts of x, and where dx = 0 half of each."""
    dx, both = (x - x0).detach(), up + down
    shared = torch.where(dx == 0, both / 2, 0)
    return (
        carry(dx.clamp(min=0), torch.where(dx > 0, both, shared)),
        carry(dx.clamp(max=0), torch.where(dx < 0, both, shared)),
    )


def _revealed_relu(y: Tensor, y0: Tensor, up: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    """Eqs. (23)-(25): each part's effect, averaged over whether it comes first or second."""
    g, p, n = torch.relu, up.detach(), down.detach()
    dz_up = ((g(y0 + p) - g(y0)) + (g(y0 + p + n) - g(y0 + n))) / 2
    dz_down = ((g(y0 + n) - g(y0)) + (g(y0 + n + p) - g(y0 + p))) / 2
    return carry(dz_up, _ratio(dz_up, p, y0) * up), carry(dz_down, _ratio(dz_down, n, y0) * down)


def _revealed_pool(call: Call, pictures: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """The part that the maximum's difference belongs to, then Rescale's pool rule, to both parts of the credited x."""
    out, credit, ratio = _pool(call, *pictures.chunk(2))
    y, y0 = out.chunk(2)
    dy, picked = y - y0, _take(up + down, credit) * ratio
    shared = torch.where(dy == 0, picked / 2, 0)
    positive = carry(dy.clamp(min=0), torch.where(dy > 0, picked, shared))
    return torch.cat([out, positive, carry(dy.clamp(max=0), torch.where(dy < 0, picked, shared))])


def _of_folded(subject: Subject, multipliers: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """A layer with its batch norm folded in computes what the batch norm does, so it has its multiplier."""
    return {above: multipliers[norm] for norm, above in subject.graph.norms.items() if norm in multipliers}
