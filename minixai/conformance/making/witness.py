"""A slow second opinion on every walk: matrices read off the layers, and each rule as loops over fractions.

Only ``op.forward`` of the linear layers is taken from the engine, one basis vector at a time. Max-pools, ReLUs, the
folding of batch norms, the walk, and every rule are written here again, for one picture, without arrays.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

import minixai as mx

Vector = list[Fraction]
Signals = dict[str, Vector]
WEIGHTED = (mx.Conv2d, mx.Conv3d, mx.Linear, mx.BatchNorm2d)
AVERAGES = (mx.AvgPool2d, mx.AvgPool3d, mx.AdaptiveAvgPool2d, mx.GlobalAvgPool, mx.Resize)
WIRES = (mx.Flatten, mx.Concat, mx.Identity)
ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)


@dataclass(frozen=True)
class Place:
    """A node as a flat vector of numbers y_j.

    ``kind``: "weighted", "average", "add", "wire", "relu" or "max". For the linear kinds ``rows[j]`` lists (i, w_ij)
    with w_ij != 0, i counting through all that the node reads, and ``bias[j]``; for a max-pool ``rows[j]`` lists the
    places (i, 1) of its window in row-major order.
    """

    name: str
    kind: str
    parents: tuple[str, ...]
    rows: list[list[tuple[int, Fraction]]]
    bias: Vector
    op: mx.Op


def flat(a: np.ndarray) -> Vector:
    return [Fraction(v) for v in np.asarray(a).ravel()]


# -- The network as matrices -------------------------------------------------------------------------------------------


@cache
def places_of(network: mx.Network, fold: bool = True) -> list[Place]:
    """The network's nodes up to the scores, batch norms folded as Section 5 wants them unless ``fold`` is False."""
    assert network.input_shape is not None
    blank = np.full((1, *network.input_shape), ZERO)
    shapes = {step.name: step.y.shape for step in mx.forward(network, blank).steps}
    places: dict[str, Place] = {}
    for node in network.nodes:
        if node.name not in shapes:
            continue  # the softmax after the scores
        place = _place(node, [shapes[name] for name in node.inputs], shapes[node.name])
        parent = places.get(node.inputs[0])
        alone = sum(node.inputs[0] in other.inputs for other in network.nodes) == 1
        if fold and isinstance(node.op, mx.BatchNorm2d) and parent and alone:
            if isinstance(parent.op, mx.Conv2d | mx.Conv3d | mx.Linear):
                places[parent.name] = _scaled(parent, place)
                n = len(place.rows)
                place = replace(place, kind="wire", rows=[[(j, ONE)] for j in range(n)], bias=[ZERO] * n)
        places[node.name] = place
    return list(places.values())


def _place(node: mx.Node, reads: list[tuple[int, ...]], shape: tuple[int, ...]) -> Place:
    op = node.op
    if isinstance(op, mx.ReLU):
        kind, rows, bias = "relu", [[(j, ONE)] for j in range(prod(shape))], [ZERO] * prod(shape)
    elif isinstance(op, mx.MaxPool2d | mx.MaxPool3d):
        kind, rows, bias = "max", pool_windows(op, reads[0], shape), [ZERO] * prod(shape)
    else:
        names: list[tuple[str, Any]] = [("weighted", WEIGHTED), ("average", AVERAGES), ("add", mx.Add), ("wire", WIRES)]
        kind = next(name for name, types in names if isinstance(op, types))
        rows, bias = _columns(op, reads)
    return Place(node.name, kind, node.inputs, rows, bias, op)


def _columns(op: mx.Op, reads: list[tuple[int, ...]]) -> tuple[list, Vector]:
    """The matrix of a layer that is linear in all it reads, column by column, and its bias."""
    blank = [np.full(shape, ZERO) for shape in reads]
    bias = flat(op.forward(*blank))
    rows: list[list[tuple[int, Fraction]]] = [[] for _ in bias]
    number = 0
    for k, shape in enumerate(reads):
        for i in range(prod(shape)):
            basis = [b.copy() for b in blank]
            basis[k].flat[i] = ONE
            for j, (y, b) in enumerate(zip(flat(op.forward(*basis)), bias, strict=True)):
                if y != b:
                    rows[j].append((number, y - b))
            number += 1
    return rows, bias


def pool_windows(op, read: tuple[int, ...], shape: tuple[int, ...]) -> list:
    """For every output of a max-pool the pixels of its window, row by row, padding left out."""
    dilation = (op.dilation,) * len(op.kernel) if isinstance(op.dilation, int) else op.dilation
    rows = []
    for c in range(prod(shape[:2])):
        for position in product(*map(range, shape[2:])):
            taps = []
            for tap in product(*map(range, op.kernel)):
                axes = zip(position, tap, op.stride, dilation, op.padding, strict=True)
                at = [p * s + t * d - before for p, t, s, d, (before, _) in axes]
                if all(0 <= a < n for a, n in zip(at, read[2:], strict=True)):
                    taps.append((int(np.ravel_multi_index((c, *at), (prod(read[:2]), *read[2:]))), ONE))
            rows.append(taps)
    return rows


def _scaled(parent: Place, norm: Place) -> Place:
    """The parent with the batch norm after it multiplied in: w' = s w, b' = s b + t."""
    scale = [dict(row).get(j, ZERO) for j, row in enumerate(norm.rows)]
    rows = [[(i, s * w) for i, w in row if s * w] for s, row in zip(scale, parent.rows, strict=True)]
    bias = [s * b + t for s, b, t in zip(scale, parent.bias, norm.bias, strict=True)]
    return replace(parent, rows=rows, bias=bias)


def numerators(place: Place, a: Vector) -> list[list[tuple[int, Fraction]]]:
    """For every output j the (i, a_i w_ij) that are not 0."""
    return [[(i, a[i] * w) for i, w in row if a[i] * w] for row in place.rows]


def values(places: list[Place], x: Vector) -> Signals:
    """What every node computes."""
    y = {"input": list(x)}
    for place in places:
        a = reads(place, y)
        if place.kind == "relu":
            y[place.name] = [max(v, ZERO) for v in a]
        elif place.kind == "max":
            y[place.name] = [max(a[i] for i, _ in row) for row in place.rows]
        else:
            sums = [sum((a[i] * w for i, w in row), ZERO) for row in place.rows]
            y[place.name] = [z + b for z, b in zip(sums, place.bias, strict=True)]
    return y


def reads(place: Place, y: Signals) -> Vector:
    """All that a node reads, one after the other."""
    return [v for name in place.parents for v in y[name]]


def winner(row: list, a: Vector) -> int:
    """The first maximum in row-major order."""
    best = row[0][0]
    for i, _ in row:
        if a[i] > a[best]:
            best = i
    return best


# -- The walk ----------------------------------------------------------------------------------------------------------

Stride = Callable[[Place, Vector], Vector]  # what arrives at a node -> what leaves towards all it reads


def walk(places: list[Place], y: Signals, seed: Vector, stride: Stride) -> Signals:
    """The signal at every node that the seed reaches; where two paths meet, the signals are added."""
    signals: Signals = {places[-1].name: list(seed)}
    for place in reversed(places):
        if place.name not in signals:
            continue
        leaving = iter(stride(place, signals[place.name]))
        for name in place.parents:
            old = signals.get(name, [ZERO] * len(y[name]))
            signals[name] = [v + next(leaving) for v in old]
    return signals


def one_hot(places: list[Place], target: int, value: Fraction = ONE) -> Vector:
    return [value if j == target else ZERO for j in range(len(places[-1].rows))]


def transposed(place: Place, R: Vector, n: int) -> Vector:
    """sum_j w_ij R_j for each of the n inputs."""
    out = [ZERO] * n
    for row, r in zip(place.rows, R, strict=True):
        for i, w in row:
            out[i] += w * r
    return out


def to_winners(place: Place, R: Vector, a: Vector) -> Vector:
    out = [ZERO] * len(a)
    for row, r in zip(place.rows, R, strict=True):
        out[winner(row, a)] += r
    return out


def slopes(network: mx.Network, x: Vector, target: int, gate: str = "gradient") -> Signals:
    """Gradient, DeconvNet or guided backpropagation: they differ in the gate."""
    places = places_of(network, fold=False)
    y = values(places, x)

    def stride(place: Place, R: Vector) -> Vector:
        a = reads(place, y)
        if place.kind == "max":
            return to_winners(place, R, a)
        if place.kind != "relu":
            return transposed(place, R, len(a))
        on = {
            "gradient": [v > 0 for v in a],
            "deconvnet": [r > 0 for r in R],
            "guided-backprop": [v > 0 and r > 0 for v, r in zip(a, R, strict=True)],
        }[gate]
        return [r if o else ZERO for o, r in zip(on, R, strict=True)]

    return walk(places, y, one_hot(places, target), stride)


# -- Relevance: each rule gives what is handed on and what stays -------------------------------------------------------

Shared = tuple[Vector, Fraction]
Rule = Callable[[Place, Vector, Vector], Shared]


def relevance(
    network: mx.Network, x: Vector, target: int, rules: Callable[[list[Place], Place], Rule]
) -> tuple[Signals, dict[str, Fraction]]:
    """Signals at every node, and what each linear node absorbed; ``rules(places, place)`` chooses the rule."""
    places = places_of(network)
    y = values(places, x)
    absorbed: dict[str, Fraction] = {}

    def stride(place: Place, R: Vector) -> Vector:
        a = reads(place, y)
        if place.kind == "relu":
            return R
        if place.kind == "wire":
            return transposed(place, R, len(a))
        if place.kind == "max":
            return to_winners(place, R, a)
        handed, absorbed[place.name] = rules(places, place)(place, a, R)
        return handed

    signals = walk(places, y, one_hot(places, target, y[places[-1].name][target]), stride)
    return signals, absorbed


def lrp_zero(place: Place, a: Vector, R: Vector, bias: str = "include") -> Shared:
    return lrp_epsilon(place, a, R, eps=ZERO, bias=bias)


def lrp_epsilon(
    place: Place, a: Vector, R: Vector, eps: Fraction, stabilizer="signed", bias="include", relative=False
) -> Shared:
    """Eq. (13): a_i w_ij / (z_j + eps s_j) R_j; (b_j + eps s_j) / (...) R_j stays."""
    out, stays = [ZERO] * len(a), ZERO
    if relative:
        z = [sum((a[i] * w for i, w in row), b) for row, b in zip(place.rows, place.bias, strict=True)]
        eps = eps * Fraction(float(sum((v * v for v in z), ZERO) / len(z)) ** 0.5)
    for row, b, r in zip(place.rows, _biases(place, bias), R, strict=True):
        z_j = sum((a[i] * w for i, w in row), b)
        stabilized = -eps if stabilizer == "signed" and z_j < 0 else eps
        d = z_j + stabilized
        if d == 0:
            stays += r
            continue
        for i, w in row:
            out[i] += a[i] * w / d * r
        stays += (b + stabilized) / d * r
    return out, stays


def lrp_gamma(place: Place, a: Vector, R: Vector, gamma: Fraction, bias: str = "include") -> Shared:
    """Eq. (14) for both signs of z_j, which is judged with the true bias."""
    out, stays = [ZERO] * len(a), ZERO
    for row, b_true, b, r in zip(place.rows, place.bias, _biases(place, bias), R, strict=True):
        z = sum((a[i] * w for i, w in row), b_true)
        if z > 0:
            numerators = [(i, a[i] * (w + gamma * (max(w, ZERO) if a[i] > 0 else min(w, ZERO)))) for i, w in row]
            kept = b + gamma * max(b, ZERO)
        else:
            numerators = [(i, a[i] * (w + gamma * (min(w, ZERO) if a[i] > 0 else max(w, ZERO)))) for i, w in row]
            kept = b + gamma * min(b, ZERO)
        d = sum((v for _, v in numerators), kept)
        if z == 0 or d == 0:
            stays += r
            continue
        for i, v in numerators:
            out[i] += v / d * r
        stays += kept / d * r
    return out, stays


def lrp_alphabeta(place: Place, a: Vector, R: Vector, alpha: Fraction, beta: Fraction, bias="include") -> Shared:
    """Eq. (15): products by their own sign, b^+ in the positive and b^- in the negative denominator."""
    out, stays = [ZERO] * len(a), ZERO
    for row, b, r in zip(place.rows, _biases(place, bias), R, strict=True):
        for coefficient, side in ((alpha, 1), (-beta, -1)):
            mine = [(i, a[i] * w) for i, w in row if a[i] * w * side > 0]
            kept = b if b * side > 0 else ZERO
            d = sum((v for _, v in mine), kept)
            if d == 0:
                stays += coefficient * r
                continue
            for i, v in mine:
                out[i] += coefficient * v / d * r
            stays += coefficient * kept / d * r
    return out, stays


def z_box(place: Place, a: Vector, R: Vector, low: Vector, high: Vector) -> Shared:
    """z^B: x w - low w^+ - high w^-; no bias."""
    return _without_bias(place, len(a), R, lambda i, w: a[i] * w - low[i] * max(w, ZERO) - high[i] * min(w, ZERO))


def w_square(place: Place, a: Vector, R: Vector) -> Shared:
    """w^2; no bias."""
    return _without_bias(place, len(a), R, lambda i, w: w * w)


def _without_bias(place: Place, n: int, R: Vector, numerator: Callable[[int, Fraction], Fraction]) -> Shared:
    out, stays = [ZERO] * n, ZERO
    for row, r in zip(place.rows, R, strict=True):
        d = sum((numerator(i, w) for i, w in row), ZERO)
        if d == 0:
            stays += r
            continue
        for i, w in row:
            out[i] += numerator(i, w) / d * r
    return out, stays


def _biases(place: Place, bias: str) -> Vector:
    return place.bias if bias == "include" else [ZERO] * len(place.bias)


def pixel_places(places: list[Place]) -> list[str]:
    """Places with weights between which and the picture no other has weights."""
    before: dict[str, bool] = {"input": False}
    first = []
    for place in places:
        behind = any(before[name] for name in place.parents)
        weighted = place.kind == "weighted"
        before[place.name] = behind or weighted
        first += [place.name] if weighted and not behind else []
    return first


# -- DeepLIFT ----------------------------------------------------------------------------------------------------------


def rescale(network: mx.Network, x: Vector, x0: Vector, target: int) -> Signals:
    """Multipliers at every node by the Linear and Rescale rules."""
    places = places_of(network)
    y, y0 = values(places, x), values(places, x0)

    def stride(place: Place, m: Vector) -> Vector:
        a, a0 = reads(place, y), reads(place, y0)
        if place.kind == "relu":
            dz = [max(v, ZERO) - max(v0, ZERO) for v, v0 in zip(a, a0, strict=True)]
            return [m[j] * _quotient(dz[j], a[j] - a0[j], a0[j]) for j in range(len(a))]
        if place.kind == "max":
            return pool_multipliers(place, m, a, a0)
        return transposed(place, m, len(a))

    return walk(places, y, one_hot(places, target), stride)


def _quotient(dz: Fraction, dy: Fraction, before: Fraction) -> Fraction:
    """dz/dy; where y did not move, the gradient at the reference."""
    return dz / dy if dy else Fraction(int(before > 0))


def pool_multipliers(place: Place, m: Vector, a: Vector, a0: Vector) -> Vector:
    out = [ZERO] * len(a)
    for row, m_j in zip(place.rows, m, strict=True):
        now, then = winner(row, a), winner(row, a0)
        rise = a[now] - a0[then]
        i = now if rise > 0 else then
        moved = a[i] - a0[i]
        out[i] += m_j * (rise / moved if moved else ONE)
    return out


def reveal_cancel(network: mx.Network, x: Vector, x0: Vector, target: int) -> tuple[dict[str, tuple], Vector]:
    """(m+, m-) at every node by the Linear and RevealCancel rules, and the relevance of the picture."""
    places = places_of(network)
    y, y0 = values(places, x), values(places, x0)
    up, down = difference_parts(places, y, y0)

    def stride(place: Place, both: Vector) -> Vector:
        m_up, m_down = both[0::2], both[1::2]  # the walk carries (m+, m-) of each number as two numbers
        a, a0 = reads(place, y), reads(place, y0)
        da = [v - v0 for v, v0 in zip(a, a0, strict=True)]
        if place.kind == "wire":
            return _pairs(transposed(place, m_up, len(a)), transposed(place, m_down, len(a)))
        if place.kind == "relu":
            p, n = reads(place, up), reads(place, down)
            p_out, n_out = up[place.name], down[place.name]
            return _pairs(
                [m_up[j] * _quotient(p_out[j], p[j], a0[j]) for j in range(len(a))],
                [m_down[j] * _quotient(n_out[j], n[j], a0[j]) for j in range(len(a))],
            )
        if place.kind == "max":
            dy = [v - v0 for v, v0 in zip(y[place.name], y0[place.name], strict=True)]
            chosen = [_by_sign(d, m_up[j], m_down[j]) for j, d in enumerate(dy)]
            one = pool_multipliers(place, chosen, a, a0)
        else:
            one = [ZERO] * len(a)
            for j, row in enumerate(place.rows):
                for i, w in row:
                    one[i] += w * _by_sign(w * da[i], m_up[j], m_down[j])
        return _pairs(one, one)

    doubled = {name: v + v for name, v in y.items()}
    seed = one_hot(places, target)
    signals = walk(places, doubled, _pairs(seed, seed), stride)
    m = signals["input"]
    found = [m[2 * i] * up["input"][i] + m[2 * i + 1] * down["input"][i] for i in range(len(x))]
    return {name: (s[0::2], s[1::2]) for name, s in signals.items()}, found


def _pairs(first: Vector, second: Vector) -> Vector:
    return [v for pair in zip(first, second, strict=True) for v in pair]


def _by_sign(d: Fraction, m_up: Fraction, m_down: Fraction) -> Fraction:
    return m_up if d > 0 else m_down if d < 0 else (m_up + m_down) / 2


def difference_parts(places: list[Place], y: Signals, y0: Signals) -> tuple[Signals, Signals]:
    """The positive and the negative part of every difference from the reference, Eqs. (22)-(24)."""
    up = {"input": [max(v - v0, ZERO) for v, v0 in zip(y["input"], y0["input"], strict=True)]}
    down = {"input": [min(v - v0, ZERO) for v, v0 in zip(y["input"], y0["input"], strict=True)]}
    for place in places:
        a, a0 = reads(place, y), reads(place, y0)
        p, n = reads(place, up), reads(place, down)
        if place.kind == "wire":
            up[place.name] = [p[row[0][0]] for row in place.rows]
            down[place.name] = [n[row[0][0]] for row in place.rows]
        elif place.kind == "relu":
            pairs = [_relu_parts(a0[j], p[j], n[j]) for j in range(len(a))]
            up[place.name], down[place.name] = [q[0] for q in pairs], [q[1] for q in pairs]
        elif place.kind == "max":
            dy = [v - v0 for v, v0 in zip(y[place.name], y0[place.name], strict=True)]
            up[place.name], down[place.name] = [max(d, ZERO) for d in dy], [min(d, ZERO) for d in dy]
        else:
            terms = [[w * (a[i] - a0[i]) for i, w in row] for row in place.rows]
            up[place.name] = [sum((t for t in row if t > 0), ZERO) for row in terms]
            down[place.name] = [sum((t for t in row if t < 0), ZERO) for row in terms]
    return up, down


def _relu_parts(y0: Fraction, p: Fraction, n: Fraction) -> tuple[Fraction, Fraction]:
    def g(v: Fraction) -> Fraction:
        return max(v, ZERO)

    first_up, second_up = g(y0 + p) - g(y0), g(y0 + p + n) - g(y0 + n)
    first_down, second_down = g(y0 + n) - g(y0), g(y0 + p + n) - g(y0 + p)
    return HALF * first_up + HALF * second_up, HALF * first_down + HALF * second_down
