"""What Captum, Zennit and SHAP do instead, in the engine's terms: the variants that the deviations name.

That the library's numbers are the variant's, case by case, is tested.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from minixai import api
from minixai.conformance.variants.base import Asked, Question, Variant, answer, case_of, read, read_by, ruling, table_of
from minixai.network import Network, Node, Step, fold_batchnorm
from minixai.ops import MAXIMA, WEIGHTED, Add, Array, BatchNorm2d, Op, ReLU, resize
from minixai.ops.numbers import divide, negative, positive, sign, zero, zeros
from minixai.walk import Rule, Table, find_rule
from minixai.whitebox.gradient import GRADIENT, adjoint
from minixai.whitebox.lrp import epsilon_table

Change = Callable[[Any], Op]
LITTLE: Any = Fraction(1e-30)  # captum's stability factor, as its adapter sets it

# -- Captum ------------------------------------------------------------------------------------------------------------


def short_trapezoid(q: Question) -> Array:
    """Integrated gradients with n weights 1/n, the first and the last halved: (n - 1) / n in all. Places in float32."""
    asked = read(q)
    x, x0, n = asked.x, asked.reference, asked.params["n"]
    total = zeros(x.shape, x)
    for k in range(n):
        weight = Fraction(1, 2 * n if k in (0, n - 1) else n)
        total = total + weight * case_of(asked._replace(x=x0 + _place(k, n) * (x - x0))).walk(GRADIENT)
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
    return answer(read(q), ruling(dict.fromkeys(MAXIMA, _first_gradient)))


def _first_gradient(m: Array, step: Step) -> Array:
    slope = adjoint(m, step)
    return np.where(step.parents[0].dy == 0, slope[:1], slope)


def relu_takes_all(q: Question) -> Array:
    """Where a ReLU and an addition read the same node, the ReLU's signal replaces the sum of both."""
    asked = read(q)
    return answer(asked, lambda table: _losing(asked.network, table))


def rectified_sum(q: Question) -> Array:
    """Guided Grad-CAM whose walk rectifies all that arrives at a node that a ReLU reads, not the ReLU's part of it."""
    asked = read(q)
    network, x = asked.network, asked.x
    rectified: dict[Any, Rule] = {
        name: lambda R, step: adjoint(positive(R), step) for name in read_by(network, ReLU) if name != "input"
    }
    fine = case_of(asked).walk(GRADIENT | rectified)
    coarse = api.explain(network, x, "grad-cam", target=asked.target, layer=asked.params["layer"]).relevance
    return fine * resize(coarse, x.shape[2:])[:, None]


def in_place(q: Question) -> Array:
    """LRP by changing weights where they are and running the network a second time.

    gamma: w + gamma w^+ with the bias as it is; alpha 1, beta 0: w^+ with the bias as it is; inputs of both signs
    together. Layers that share weights change them in turn, and the later ones compute with what the earlier ones
    left. The bias that a batch norm ignores is its ``bias`` alone. Where a ReLU and an addition read the same node, its
    relevance is the ReLU's times the node's value.
    """
    asked = read(q)
    first, second = _changed(fold_batchnorm(asked.network), _change(asked))
    eps = asked.params.get("eps", Fraction(0))
    rules: dict[Any, Rule] = {name: partial(_by, op, eps) for name, op in second.items()}
    plain = epsilon_table(eps=eps)
    return case_of(asked._replace(network=first)).propagate(_losing(first, plain | _times_value(first) | rules))


def _by(op: Op, eps: Fraction, R: Array, step: Step) -> Array:
    """R shared out by another layer than the step's own."""
    z = op.forward(step.x)
    stable = z + eps * sign(z)
    return step.x * op.adjoint(R / np.where(stable == 0, LITTLE, stable), step.x)


def _change(asked: Asked) -> Change:
    said = asked.params

    def change(op: Any) -> Op:
        w, bias = op.weight, op.bias
        if asked.method == "lrp-gamma":
            w = w + said["gamma"] * positive(w)
        elif asked.method == "lrp-alphabeta":
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
    shared = read_by(network, Add)
    together = [node.name for node in network.nodes if isinstance(node.op, ReLU) and node.inputs[0] in shared]
    return dict.fromkeys(together, lambda R, step: R * step.x)


def _losing(network: Network, table: Table) -> Table:
    """The table, with what an addition hands to a node that a ReLU reads as well set to 0."""
    read = read_by(network, ReLU)

    def add(R: Array, step: Step) -> tuple[Array, ...]:
        leaving = find_rule(table, step)(R, step)
        pairs = zip(leaving, step.parents, strict=True)
        return tuple(0 * part if parent.name in read else part for part, parent in pairs)

    return table | {node.name: add for node in network.nodes if isinstance(node.op, Add)}


# -- Zennit (and Captum without biases) --------------------------------------------------------------------------------


def norm_parameters(q: Question) -> Array:
    """LRP that changes a batch norm's ``weight`` and ``bias`` by its rule; the shift by the running mean stays."""
    asked = read(q)
    folded = asked._replace(network=fold_batchnorm(asked.network))
    return case_of(folded).propagate(table_of(folded) | {BatchNorm2d: lambda R, step: _through_norm(R, step, asked)})


def _through_norm(R: Array, step: Step, asked: Asked) -> Array:
    op: Any = step.op
    up, down, none = positive(step.x), negative(step.x), zeros(op.bias.shape, op.bias)
    said, w = asked.params, op.weight
    bias = none if said["bias"] == "ignore" else op.bias

    def made(weight: Array, bias: Array = none) -> Op:
        return replace(op, weight=weight, bias=bias)

    if asked.method in ("lrp-0", "lrp-epsilon"):
        return _shared_out(R, [(step.x, made(w, bias))], said.get("eps", Fraction(0)))
    if asked.method == "lrp-gamma":
        gamma = said["gamma"]
        plus, minus = w + gamma * positive(w), w + gamma * negative(w)
        here, there = (np.where(mine, R, zero(R)) for mine in (step.y > 0, step.y < 0))
        rising = _shared_out(here, [(up, made(plus, bias + gamma * positive(bias))), (down, made(minus))])
        falling = _shared_out(there, [(up, made(minus, bias + gamma * negative(bias))), (down, made(plus))])
        return rising + falling
    alpha, beta = (said.get("alpha", 1), said.get("beta", 0))  # Deep Taylor: 1, 0
    plus, minus = positive(w), negative(w)
    for_it = _shared_out(R, [(up, made(plus, positive(bias))), (down, made(minus))])
    against = _shared_out(R, [(up, made(minus, negative(bias))), (down, made(plus))])
    return alpha * for_it - beta * against


# -- SHAP --------------------------------------------------------------------------------------------------------------


def last_window(q: Question) -> Array:
    """DeepLIFT with pools whose windows overwrite each other: what several put in one place, the last one put there.

    An input that did not move gets 0.
    """
    return answer(read(q), ruling(dict.fromkeys(MAXIMA, _last_window)))


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


def _shared_out(R: Array, terms: Sequence[tuple[Array, Op]], eps: Fraction = Fraction(0)) -> Array:
    """R in proportion to what these inputs and layers add up to, stabilised by eps with its sign."""
    z: Any = sum(op.forward(a) for a, op in terms)
    s = divide(R, z + eps * sign(z))
    shares: Any = sum(a * op.adjoint(s, a) for a, op in terms)
    return shares


LIBRARIES = (
    Variant(
        "short-trapezoid",
        ("integrated-gradients",),
        "each of the n places on the path has weight 1/n and the ends half of it, (n - 1)/n in all (and the places are "
        "rounded to float32); the weights should add up to 1",
        short_trapezoid,
    ),
    Variant(
        "pool-gradient",
        ("deeplift-rescale",),
        "a max-pool hands the multiplier to its winner under the picture as it is; the change of the maximum should be "
        "credited in proportion to the change of the pixel that made it",
        pool_gradient,
    ),
    Variant(
        "relu-takes-all",
        ("deconvnet", "deeplift-rescale"),
        "where a ReLU and an addition read the same node, what comes back from the ReLU replaces the sum of both; they "
        "should be added",
        relu_takes_all,
    ),
    Variant(
        "rectified-sum",
        ("guided-grad-cam",),
        "all that arrives at a node that a ReLU reads is rectified; only what comes through the ReLU should be",
        rectified_sum,
    ),
    Variant(
        "in-place",
        ("lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta"),
        "weights are changed where they are, biases and the signs of inputs are left alone, and what shares weights or "
        "a node is changed twice; products and biases should be picked by their sign, layer by layer",
        in_place,
    ),
    Variant(
        "norm-parameters",
        ("lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta", "deep-taylor"),
        "the rule changes a batch norm's weight and bias and leaves the shift by its running mean; its scale and whole "
        "shift should be treated as weight and bias of any layer",
        norm_parameters,
    ),
    Variant(
        "last-window",
        ("deeplift-rescale",),
        "where windows of a max-pool overlap, the last one's multiplier overwrites the others'; they should be added",
        last_window,
    ),
)
