"""Section 5.2, DeepLIFT: differences from a reference, explained by multipliers, Eqs. (19)-(25).

Two forward passes, ``forward(network, x, ref=forward(network, x0))``; then one walk with seed 1, and at the end
multiplier x difference, which sums to S_c - S_c^0, Eq. (19). Shrikumar, Greenside, Kundaje (2017).
"""

from typing import Any

import numpy as np

from minixai.network import Step
from minixai.ops import AVERAGES, MAXIMA, WEIGHTED, WIRES, Add, Array, Conv2d, Conv3d, Linear, ReLU
from minixai.ops.numbers import divide, is_exact, mean, negative, positive, zero
from minixai.ops.pooling import take, unpool
from minixai.walk import Table, walk
from minixai.whitebox.case import Case, Finding, at_picture, signals_of
from minixai.whitebox.gradient import adjoint

Parts = tuple[Array, Array]  # dy = dy^+ + dy^-                                                        (22)

def deeplift_rescale(case: Case, baseline: Any = None) -> Finding:
    """Linear and Rescale rules: multiplier dz/dy at every ReLU. Several baselines: the mean of their maps."""
    return _deeplift(case, RESCALE, baseline)

def deeplift_revealcancel(case: Case, baseline: Any = None) -> Finding:
    """Linear and RevealCancel rules, Eqs. (22)-(25): positive and negative differences travel separately.

    Signals have a leading axis (m^+, m^-). A batch norm that cannot be folded is refused.
    """
    return _deeplift(case, REVEALCANCEL, baseline)

def _deeplift(case: Case, table: Table, baseline: Any) -> Finding:
    case = case.folded
    references, said = case.reference(baseline)
    found = [_against(case, table, x0) for x0 in references]
    relevance, delta, signals = found[0] if len(found) == 1 else _mean_of(found)
    return Finding(relevance, "sum", signals, expected=delta, said=said)

def _against(case: Case, table: Table, x0: Array) -> tuple[Array, Array, dict[str, Array]]:
    now = case.against(x0)
    tape, seed = now.tape, now.one_hot(1)
    hops = tuple(walk(tape, np.stack([seed, seed]) if table is REVEALCANCEL else seed, table))
    m, delta = at_picture(hops, now), now.score - now.at(x0).score
    if table is REVEALCANCEL:
        return (m * np.stack(parts(tape.input))).sum(axis=0), delta, signals_of(hops)  # R = m^+ dx^+ + m^- dx^-  (22)
    return m * tape.input.dy, delta, signals_of(hops)  # R = m dx                                         (20)

def _mean_of(found: list) -> tuple:
    relevances, deltas, signals = zip(*found, strict=True)
    return (
        mean(np.stack(relevances), axis=0),
        mean(np.stack(deltas), axis=0),
        {name: mean(np.stack([s[name] for s in signals]), axis=0) for name in signals[0]},
    )

# -- Linear and Rescale ------------------------------------------------------------------------------------------------

def rescale_relu(m: Array, step: Step) -> Array:
    """m dz/dy; where y did not move, the gradient at the reference."""
    return m * _ratio(step.dy, step.parents[0].dy, step)

def _ratio(dz: Array, dy: Array, step: Step) -> Array:
    still = ~_moved(dy)
    slope = step.reference.choice.astype(dy.dtype)
    return np.where(still, slope, divide(dz, np.where(still, zero(dy), dy)))

def _moved(d: Array) -> Array:
    """Whether a difference counts: in fractions any but 0, in floats from a threshold that rounding stays below."""
    return d != 0 if is_exact(d) else abs(d) >= (1e-5 if d.dtype == np.float32 else 1e-7)

def rescale_pool(m: Array, step: Step) -> Array:
    """Credit the winner under x if the maximum rose, else the winner under the reference: m dz/dy there."""
    credited = np.where(step.dy > 0, step.choice, step.reference.choice)
    dy = take(step.parents[0].dy, credited)
    still = ~_moved(dy)
    ratio = np.where(still, 1 + zero(dy), divide(step.dy, np.where(still, zero(dy), dy)))
    return unpool(m * ratio, credited, step.x.shape[2:])

RESCALE = Table(
    "deeplift-rescale",
    {
        **dict.fromkeys((*WEIGHTED, *AVERAGES, *WIRES, Add), adjoint),  # the Linear rule: m = w              (21)
        **dict.fromkeys(MAXIMA, rescale_pool),
        ReLU: rescale_relu,
    },
)

# -- RevealCancel ------------------------------------------------------------------------------------------------------

def parts(step: Step) -> Parts:
    """The positive and negative part of this node's difference, Eq. (22)."""
    op = step.op
    if isinstance(op, Conv2d | Conv3d | Linear):
        w = op.weight  # group the terms w_i dx_i by their sign
        up, down = positive(step.parents[0].dy), negative(step.parents[0].dy)
        plus, minus = positive(w), negative(w)
        return op.linear(up, plus) + op.linear(down, minus), op.linear(up, minus) + op.linear(down, plus)
    if isinstance(op, (*AVERAGES, Add)):
        dxs = [parent.dy for parent in step.parents]
        return op.forward(*map(positive, dxs)), op.forward(*map(negative, dxs))
    if isinstance(op, WIRES):
        ups, downs = zip(*map(parts, step.parents), strict=True)
        return op.forward(*ups), op.forward(*downs)
    if isinstance(op, ReLU):
        return _relu_parts(step)
    return positive(step.dy), negative(step.dy)  # a max-pool, the picture: by the sign of the difference

def _relu_parts(step: Step) -> Parts:
    """Eqs. (23), (24): each part's effect, averaged over whether it comes first or second."""
    y0, (up, down) = step.reference.x, parts(step.parents[0])
    g = positive
    dz_up = ((g(y0 + up) - g(y0)) + (g(y0 + up + down) - g(y0 + down))) / 2  #                           (23)
    dz_down = ((g(y0 + down) - g(y0)) + (g(y0 + down + up) - g(y0 + up))) / 2  #                         (24)
    return dz_up, dz_down

def reveal_relu(m: Array, step: Step) -> Array:
    """m^+ dz^+/dy^+ and m^- dz^-/dy^-, Eq. (25); a part that is 0 takes the gradient at the reference."""
    ratios = [_ratio(dz, dy, step) for dz, dy in zip(parts(step), parts(step.parents[0]), strict=True)]
    return m * np.stack(ratios)

def reveal_linear(m: Array, step: Step) -> Array:
    """Both parts of x_i receive sum_j w_ij m_j, m_j the part that w_ij dx_i belongs to (the mean where dx_i = 0)."""
    op: Any = step.op
    plus, minus = (op.transposed(m, w, step.x) for w in (positive(op.weight), negative(op.weight)))
    dx = step.parents[0].dy
    neither = (plus.sum(axis=0) + minus.sum(axis=0)) / 2
    chosen = np.where(dx > 0, plus[0] + minus[1], np.where(dx < 0, plus[1] + minus[0], neither))
    return np.stack([chosen, chosen])

def reveal_average(m: Array, step: Step) -> tuple[Array, ...]:
    """Averages and sums have positive weights: x_i takes the part of its own sign."""
    back = step.op.adjoint(m, *step.xs)
    pairs = zip(back if isinstance(back, tuple) else (back,), step.parents, strict=True)
    return tuple(_both(_by_sign(pair, parent.dy)) for pair, parent in pairs)

def reveal_pool(m: Array, step: Step) -> Array:
    """The part that the maximum's difference belongs to, then Rescale's pool rule."""
    return _both(rescale_pool(_by_sign(m, step.dy), step))

def _by_sign(m: Array, d: Array) -> Array:
    return np.where(d > 0, m[0], np.where(d < 0, m[1], (m[0] + m[1]) / 2))

def _both(one: Array) -> Array:
    return np.stack([one, one])

REVEALCANCEL = Table(
    "deeplift-revealcancel",
    {
        **dict.fromkeys((Conv2d, Conv3d, Linear), reveal_linear),
        **dict.fromkeys((*AVERAGES, Add), reveal_average),
        **dict.fromkeys(WIRES, adjoint),
        **dict.fromkeys(MAXIMA, reveal_pool),
        ReLU: reveal_relu,
    },
)

