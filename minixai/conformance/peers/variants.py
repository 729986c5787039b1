"""What the libraries do instead, in the engine's terms and in exact fractions: the variants that the deviations name.

A variant is a function of a question; ``VARIANTS`` has them by the name that a deviation gives as ``matched``. That the
library's numbers are the variant's, case by case, is tested.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from minixai import api
from minixai.conformance import form
from minixai.network import Network, Node, Step, Tape, fold_batchnorm, forward
from minixai.ops import MAXIMA, WEIGHTED, Add, Array, BatchNorm2d, Op, ReLU, resize
from minixai.ops.numbers import divide, negative, positive, sign, zero, zeros
from minixai.walk import Rule, Table, find_rule, walk
from minixai.whitebox.case import Case, at_picture
from minixai.whitebox.deconvnet import DECONVNET
from minixai.whitebox.deep_taylor import deep_taylor_table
from minixai.whitebox.deeplift import RESCALE
from minixai.whitebox.gradient import GRADIENT, adjoint
from minixai.whitebox.lrp import alphabeta_table, epsilon_table, gamma_table, zero_table

Question = Mapping[str, Any]
Variant = Callable[[Question], Array]
Change = Callable[[Any], Op]
LITTLE: Any = Fraction(1e-30)  # captum's stability factor, as its adapter sets it

# -- Captum ------------------------------------------------------------------------------------------------------------


def short_trapezoid(q: Question) -> Array:
    """Integrated gradients with n weights 1/n, the first and the last halved: (n - 1) / n in all. Places in float32."""
    network, x, x0, n = _network(q), _array(q["input"]), _array(q["reference"]), q["params"]["n"]
    total = zeros(x.shape, x)
    for k in range(n):
        weight = Fraction(1, 2 * n if k in (0, n - 1) else n)
        total = total + weight * _walk(forward(network, x0 + _place(k, n) * (x - x0)), q, GRADIENT)
    return total * (x - x0)


def _place(k: int, n: int) -> Fraction:
    """k / (n - 1) as float32 has it, counted from the nearer end."""
    step, one = np.float32(1) / np.float32(n - 1), np.float32(1)
    place = step * np.float32(k) if k < n // 2 else one - step * np.float32(n - 1 - k)
    return Fraction(float(place))


def pool_gradient(q: Question) -> Array:
    """DeepLIFT with the gradient at a pool: its winner under the picture takes the multiplier as it is.

    Where the pool's input did not move, the gradient is that of the first picture of the batch.
    """
    return _lift(q, lambda network: RESCALE | dict.fromkeys(MAXIMA, _first_gradient))


def _first_gradient(m: Array, step: Step) -> Array:
    slope = adjoint(m, step)
    return np.where(step.parents[0].dy == 0, slope[:1], slope)


def relu_takes_all(q: Question) -> Array:
    """Where a ReLU and an addition read the same node, the ReLU's signal replaces the sum of both."""
    if q["method"] == "deeplift-rescale":
        return _lift(q, lambda network: _losing(network, RESCALE))
    network = _network(q)
    return _walk(forward(network, _array(q["input"])), q, _losing(network, DECONVNET))


def rectified_sum(q: Question) -> Array:
    """Guided Grad-CAM whose walk rectifies all that arrives at a node that a ReLU reads, not the ReLU's part of it."""
    network, x = _network(q), _array(q["input"])
    rectified: dict[Any, Rule] = {
        name: lambda R, step: adjoint(positive(R), step) for name in _read_by(network, ReLU) if name != "input"
    }
    fine = _walk(forward(network, x), q, GRADIENT | rectified)
    coarse = api.explain(network, x, "grad-cam", target=q["target"], layer=q["params"]["layer"]).relevance
    return fine * resize(coarse, x.shape[2:])[:, None]


def in_place(q: Question) -> Array:
    """LRP by changing weights where they are and running the network a second time.

    gamma: w + gamma w^+ with the bias as it is; alpha 1, beta 0: w^+ with the bias as it is; inputs of both signs
    together. Layers that share weights change them in turn, and the later ones compute with what the earlier ones
    left. The bias that a batch norm ignores is its ``bias`` alone. Where a ReLU and an addition read the same node, its
    relevance is the ReLU's times the node's value.
    """
    first, second = _changed(fold_batchnorm(_network(q)), _change(q))
    eps = form.number(q["params"].get("eps", "0"))
    rules: dict[Any, Rule] = {name: partial(_by, op, eps) for name, op in second.items()}
    plain: Table = _TABLES["lrp-epsilon"](eps=eps)
    return _propagate(forward(first, _array(q["input"])), q, _losing(first, plain | _times_value(first) | rules))


def _by(op: Op, eps: Fraction, R: Array, step: Step) -> Array:
    """R shared out by another layer than the step's own."""
    z = op.forward(step.x)
    stable = z + eps * sign(z)
    return step.x * op.adjoint(R / np.where(stable == 0, LITTLE, stable), step.x)


def _change(q: Question) -> Change:
    said = q["params"]

    def change(op: Any) -> Op:
        w, bias = op.weight, op.bias
        if q["method"] == "lrp-gamma":
            w = w + form.number(str(said["gamma"])) * positive(w)
        elif q["method"] == "lrp-alphabeta":
            w = positive(w)
        return replace(op, weight=w, bias=zeros(bias.shape, bias) if said["bias"] == "ignore" else bias)

    return change


def _changed(network: Network, change: Change) -> tuple[Network, dict[str, Op]]:
    """The network of the first run, in which each use of a layer changes the next, and the layers of the second."""
    now: dict[Op, Op] = {}
    nodes: list[Node] = []
    for node in network.nodes:
        nodes.append(replace(node, op=now.get(node.op, node.op)))
        if isinstance(node.op, WEIGHTED):
            now[node.op] = change(now.get(node.op, node.op))
    return replace(network, nodes=tuple(nodes)), {node.name: now[node.op] for node in network.nodes if node.op in now}


def _times_value(network: Network) -> dict[Any, Rule]:
    """ReLUs that read a node together with an addition hand on relevance times its value."""
    shared = _read_by(network, Add)
    together = [node.name for node in network.nodes if isinstance(node.op, ReLU) and node.inputs[0] in shared]
    return dict.fromkeys(together, lambda R, step: R * step.x)


def _losing(network: Network, table: Table) -> Table:
    """The table, with what an addition hands to a node that a ReLU reads as well set to 0."""
    read = _read_by(network, ReLU)

    def add(R: Array, step: Step) -> tuple[Array, ...]:
        leaving = find_rule(table, step)(R, step)
        pairs = zip(leaving, step.parents, strict=True)
        return tuple(0 * part if parent.name in read else part for part, parent in pairs)

    return table | {node.name: add for node in network.nodes if isinstance(node.op, Add)}


def _read_by(network: Network, kind: type[Op]) -> set[str]:
    return {name for node in network.nodes if isinstance(node.op, kind) for name in node.inputs}


# -- Zennit (and Captum without biases) --------------------------------------------------------------------------------


def norm_parameters(q: Question) -> Array:
    """LRP that changes a batch norm's ``weight`` and ``bias`` by its rule; the shift by the running mean stays."""
    network = fold_batchnorm(_network(q))
    rules: dict[Any, Rule] = {
        node.name: lambda R, step: _through_norm(R, step, q) for node in network.nodes if _is_norm(node.op)
    }
    return _propagate(forward(network, _array(q["input"])), q, _lrp_table(q, network) | rules)


def _through_norm(R: Array, step: Step, q: Question) -> Array:
    op: Any = step.op
    up, down, none = positive(step.x), negative(step.x), zeros(op.bias.shape, op.bias)
    bias = none if q["params"]["bias"] == "ignore" else op.bias
    w = op.weight

    def made(weight: Array, bias: Array = none) -> Op:
        return replace(op, weight=weight, bias=bias)

    if q["method"] in ("lrp-0", "lrp-epsilon"):
        return _shared_out(R, [(step.x, made(w, bias))], form.number(q["params"].get("eps", "0")))
    if q["method"] == "lrp-gamma":
        gamma = form.number(str(q["params"]["gamma"]))
        plus, minus = w + gamma * positive(w), w + gamma * negative(w)
        here, there = (np.where(mine, R, zero(R)) for mine in (step.y > 0, step.y < 0))
        rising = _shared_out(here, [(up, made(plus, bias + gamma * positive(bias))), (down, made(minus))])
        falling = _shared_out(there, [(up, made(minus, bias + gamma * negative(bias))), (down, made(plus))])
        return rising + falling
    alpha, beta = (1, 0) if q["method"] == "deep-taylor" else (q["params"]["alpha"], q["params"]["beta"])
    plus, minus = positive(w), negative(w)
    for_it = _shared_out(R, [(up, made(plus, positive(bias))), (down, made(minus))])
    against = _shared_out(R, [(up, made(minus, negative(bias))), (down, made(plus))])
    return alpha * for_it - beta * against


def _lrp_table(q: Question, network: Network) -> Table:
    said = {key: form.number(v) if _is_number(v) else v for key, v in q["params"].items()}
    return _TABLES[q["method"]](**said, **({"network": network} if q["method"] == "deep-taylor" else {}))


_TABLES: dict[str, Callable[..., Table]] = {
    "lrp-0": zero_table,
    "lrp-epsilon": epsilon_table,
    "lrp-gamma": gamma_table,
    "lrp-alphabeta": alphabeta_table,
    "deep-taylor": deep_taylor_table,
}


def _is_norm(op: Op) -> bool:
    return isinstance(op, BatchNorm2d)


# -- SHAP --------------------------------------------------------------------------------------------------------------


def last_window(q: Question) -> Array:
    """DeepLIFT with pools whose windows overwrite each other: what several put in one place, the last one put there.

    An input that did not move gets 0.
    """
    return _lift(q, lambda network: RESCALE | dict.fromkeys(MAXIMA, _last_window))


def _last_window(m: Array, step: Step) -> Array:
    y, y0 = step.y, step.reference.y
    most = np.maximum(y, y0)
    rise = _placed(m * (most - y0), step.choice, step.x.shape)
    fall = _placed(m * (y - most), step.reference.choice, step.x.shape)
    return divide(rise + fall, step.parents[0].dy)


def _placed(values: Array, places: Any, shape: tuple[int, ...]) -> Array:
    """Each number put where its window's winner stands, window after window."""
    out = zeros((shape[0] * shape[1], int(np.prod(shape[2:]))), values)
    for plane, where, what in zip(out, places.reshape(len(out), -1), values.reshape(len(out), -1), strict=True):
        for place, value in zip(where, what, strict=True):
            plane[place] = value
    return out.reshape(shape)


VARIANTS: dict[str, Variant] = {
    "short-trapezoid": short_trapezoid,
    "pool-gradient": pool_gradient,
    "relu-takes-all": relu_takes_all,
    "rectified-sum": rectified_sum,
    "in-place": in_place,
    "norm-parameters": norm_parameters,
    "last-window": last_window,
}

# -- The question in the engine's terms --------------------------------------------------------------------------------


def _network(q: Question) -> Network:
    return form.read_network(q["network"])


def _array(written: Mapping[str, Any]) -> Array:
    return form.array(written)


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.removeprefix("-")[:1].isdecimal()


def _walk(tape: Tape, q: Question, table: Table) -> Array:
    """What arrives at the picture from 1 at the class."""
    case = Case(tape, np.array(q["target"]))
    return at_picture(tuple(walk(tape, case.one_hot(1), table)), case)


def _propagate(tape: Tape, q: Question, table: Table) -> Array:
    """What arrives at the picture from the score."""
    case = Case(tape, np.array(q["target"]))
    return at_picture(tuple(walk(tape, case.one_hot(case.score), table)), case)


def _lift(q: Question, table: Callable[[Network], Table]) -> Array:
    """Multipliers by this table, times the differences."""
    network, x = fold_batchnorm(_network(q)), _array(q["input"])
    x0 = np.broadcast_to(_array(q["reference"]), x.shape)
    return _walk(forward(network, x, ref=forward(network, x0)), q, table(network)) * (x - x0)


def _shared_out(R: Array, terms: Sequence[tuple[Array, Op]], eps: Fraction = Fraction(0)) -> Array:
    """R in proportion to what these inputs and layers add up to, stabilised by eps with its sign."""
    z: Any = sum(op.forward(a) for a, op in terms)
    s = divide(R, z + eps * sign(z))
    shares: Any = sum(a * op.adjoint(s, a) for a, op in terms)
    return shares
