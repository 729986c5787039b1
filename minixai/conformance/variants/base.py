"""What a variant is, and a question answered with a rule, a layer, a decision or the start of the walk changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from minixai.conformance import form
from minixai.network import Network, Step, Tape, fold_batchnorm, forward
from minixai.ops import Array, Op
from minixai.ops.numbers import mean
from minixai.walk import Table, walk
from minixai.whitebox.cam import cam
from minixai.whitebox.case import Case, at_picture
from minixai.whitebox.composite import composite_table
from minixai.whitebox.deconvnet import DECONVNET
from minixai.whitebox.deep_taylor import deep_taylor_table
from minixai.whitebox.deeplift import RESCALE, REVEALCANCEL, parts
from minixai.whitebox.features import feature_layer
from minixai.whitebox.fem import fem
from minixai.whitebox.gradcam import grad_cam, guided_grad_cam
from minixai.whitebox.gradient import GRADIENT, gradient
from minixai.whitebox.guided import GUIDED
from minixai.whitebox.integrated import integrated_gradients
from minixai.whitebox.lrp import alphabeta_table, epsilon_table, gamma_table, zero_table
from minixai.whitebox.smoothgrad import smoothgrad

Question = Mapping[str, Any]  # a case without its expected values, as ``vectors.read`` gives it
SLOPES = ("gradient", "deconvnet", "guided-backprop")
SHARES = ("lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta", "lrp-composite", "deep-taylor")
LIFTS = ("deeplift-rescale", "deeplift-revealcancel")
PATHS = ("integrated-gradients", *LIFTS)  # methods with a reference
MAPS = ("cam", "grad-cam")
BLACK = ("occlusion", "lime", "meaningful-perturbation")
DATA = ("fill", "segments", "masks", "weights")


@dataclass(frozen=True)
class Variant:
    """What a program computes that makes one mistake, or follows another convention, in exact fractions.

    ``methods`` are those it is computed for, ``note`` says in a sentence what such a program does and what is right.
    ``answer`` takes a question of one of the methods and gives a relevance of the shape that is expected: the expected
    one itself where the network has nothing to be mistaken about. It raises UnsupportedOp where it has no meaning.
    """

    name: str
    methods: tuple[str, ...]
    note: str
    answer: Callable[[Question], Array]


class Asked(NamedTuple):
    """A question in the engine's terms."""

    method: str
    network: Network
    x: Array
    target: tuple[int, ...]
    params: dict[str, Any]
    reference: Array | None = None
    noise: Array | None = None
    data: Mapping[str, Array] = {}  # of a black-box method: fill, segments, masks, weights

    def given(self, **params: Any) -> "Asked":
        """The same question with other parameters."""
        return self._replace(params=self.params | params)


def read(question: Question) -> Asked:
    """A question, in fractions."""
    data = {key: form.array(question[key]) for key in ("reference", "noise") if key in question}
    params = {key: _value(value) for key, value in question["params"].items()}
    hidden = {key: form.array(question[key]) for key in DATA if key in question}
    network, x = form.read_network(question["network"]), form.array(question["input"])
    if question["method"] == "cam":
        params["layer"] = feature_layer(network)  # it follows from the network
    return Asked(question["method"], network, x, tuple(question["target"]), params, **data, data=hidden)


def _value(value: Any) -> Any:
    """A written fraction as a fraction; names and switches as they are."""
    if isinstance(value, str) and value.removeprefix("-")[:1].isdecimal():
        return form.number(value)
    if isinstance(value, list):
        return tuple(value)
    return Fraction(value) if isinstance(value, float) else value


# -- Answers -----------------------------------------------------------------------------------------------------------

Change = Callable[[Table], Table]
Run = Callable[..., Tape]
Seed = Callable[["Changed", Any], Array]


def unchanged(table: Table) -> Table:
    return table


def at_the_class(case: "Changed", value: Any) -> Array:
    """The seed as it should be."""
    return Case.one_hot(case, value)


@dataclass(frozen=True, eq=False)
class Changed(Case):
    """A case that walks by other rules, or from another seed."""

    change: Change = unchanged
    seed: Seed = at_the_class

    def one_hot(self, value: Any) -> Array:
        return self.seed(self, value)

    def hops(self, table: Table) -> Any:
        return super().hops(self.change(table))

    def at(self, x: Array) -> "Changed":
        targets = np.tile(self.target, len(x) // len(self.target))
        return replace(self, tape=self.run(self.network, x), target=targets, walked={})

    def walk(self, table: Table) -> Array:
        """What arrives at the picture from 1 at the class."""
        return at_picture(self.hops(table), self)

    def propagate(self, table: Table) -> Array:
        """What arrives at the picture from the score."""
        return at_picture(tuple(walk(self.tape, self.one_hot(self.score), self.change(table))), self)


def answer(asked: Asked, change: Change = unchanged, run: Run = forward, seed: Seed = at_the_class) -> Array:
    """The relevance, with every table of rules changed, every tape made by ``run``, and the seed changed."""
    network = fold_batchnorm(asked.network) if asked.method in (*SHARES, *LIFTS) else asked.network
    return answer_as_it_is(asked._replace(network=network), change, run, seed)


def answer_as_it_is(asked: Asked, change: Change = unchanged, run: Run = forward, seed: Seed = at_the_class) -> Array:
    """As ``answer``, without folding a batch norm."""
    return _ANSWERS[asked.method](case_of(asked, change, run, seed), asked)


def case_of(asked: Asked, change: Change = unchanged, run: Run = forward, seed: Seed = at_the_class) -> Changed:
    """The pictures of a question and their classes."""
    tape = run(asked.network, asked.x)
    return Changed(tape, np.array(asked.target), run=run, change=change, seed=seed)


def table_of(asked: Asked) -> Table:
    """The rules of an LRP method, or of Deep Taylor."""
    named = {"network": asked.network} if asked.method in ("lrp-composite", "deep-taylor") else {}
    return _TABLES[asked.method](**asked.params, **named)


_TABLES: dict[str, Callable[..., Table]] = {
    "lrp-0": zero_table,
    "lrp-epsilon": epsilon_table,
    "lrp-gamma": gamma_table,
    "lrp-alphabeta": alphabeta_table,
    "lrp-composite": composite_table,
    "deep-taylor": deep_taylor_table,
}


def _integrated(case: Changed, asked: Asked) -> Array:
    said = asked.params
    return integrated_gradients(case, asked.reference, n=said["n"], quadrature=said["quadrature"]).relevance


def _smooth(case: Changed, asked: Asked) -> Array:
    said = asked.params
    return smoothgrad(case, gradient, sigma=said["sigma"], average=said["average"], noise=asked.noise).relevance


def _grad_cam(case: Changed, asked: Asked) -> Array:
    case.hops(GRADIENT)  # it takes the slopes from there
    method = grad_cam if asked.method == "grad-cam" else guided_grad_cam
    return method(case, **asked.params).relevance


def _rescale(case: Changed, asked: Asked) -> Array:
    now = against(case, asked)
    return now.walk(RESCALE) * now.tape.input.dy


def _reveal(case: Changed, asked: Asked) -> Array:
    now = against(case, asked)
    one = now.one_hot(1)
    m = at_picture(tuple(walk(now.tape, np.stack([one, one]), now.change(REVEALCANCEL))), now)
    return (m * np.stack(parts(now.tape.input))).sum(axis=0)


def against(case: Changed, asked: Asked) -> Changed:
    """The case with the reference beside every line of its tape."""
    x0 = np.array(np.broadcast_to(np.asarray(asked.reference), asked.x.shape))
    return replace(case, tape=case.run(asked.network, asked.x, ref=case.run(asked.network, x0)), walked={})


_ANSWERS: dict[str, Callable[[Changed, Asked], Array]] = {
    "gradient": lambda case, asked: case.walk(GRADIENT),
    "deconvnet": lambda case, asked: case.walk(DECONVNET),
    "guided-backprop": lambda case, asked: case.walk(GUIDED),
    "integrated-gradients": _integrated,
    "smoothgrad": _smooth,
    "cam": lambda case, asked: cam(case).relevance,
    "grad-cam": _grad_cam,
    "guided-grad-cam": _grad_cam,
    **dict.fromkeys(SHARES, lambda case, asked: case.propagate(table_of(asked))),
    "deeplift-rescale": _rescale,
    "deeplift-revealcancel": _reveal,
    "fem": lambda case, asked: fem(case, asked.params["K"], asked.params["layer"]).relevance,
}


# -- Changes -----------------------------------------------------------------------------------------------------------


def deciding(choose: Callable[[Step], Any]) -> Run:
    """A forward pass whose gates and switches are those that ``choose(step)`` says (None: as it should be)."""

    def run(network: Network, x: Array, ref: Tape | None = None) -> Tape:
        tape = forward(network, x)
        chosen = [choose(step) for step in tape.steps]
        steps = [s if c is None else replace(s, choice=c) for s, c in zip(tape.steps, chosen, strict=True)]
        return forward(network, x, ref, choices=Tape(network, tuple(steps)))

    return run


def seeing(other: Callable[[Op], Op]) -> Change:
    """Every rule sees another layer than the one that ran: a mistake on the way back only."""

    def change(table: Table) -> Table:
        return Table(table.method, {key: _through(rule, other) for key, rule in table.items()})

    return change


def _through(rule: Any, other: Callable[[Op], Op]) -> Any:
    return lambda R, step: rule(R, replace(step, op=other(step.op)))


def ruling(rules: Mapping[Any, Any]) -> Change:
    """Other rules for some layers."""
    return lambda table: table | rules


def made(name: str, methods: tuple[str, ...], note: str, find: Callable[[Asked], Array]) -> Variant:
    """A variant by what it finds for a question in the engine's terms."""
    return Variant(name, methods, note, lambda question: find(read(question)))


def with_layers(network: Network, other: Callable[[Op], Op]) -> Network:
    """The network with other layers: a mistake forwards and back. A layer used twice stays one."""
    made = {node.op: other(node.op) for node in network.nodes}
    return replace(network, nodes=tuple(replace(node, op=made[node.op]) for node in network.nodes))


def remade(op: Any, kind: type[Op]) -> Op:
    """The layer as one of another kind that is made with the same things."""
    return kind(**{field.name: getattr(op, field.name) for field in fields(op)})


def read_by(network: Network, kind: type[Op]) -> set[str]:
    """The nodes that a layer of this kind reads."""
    return {name for node in network.nodes if isinstance(node.op, kind) for name in node.inputs}


def over_maps(a: Array) -> Array:
    """The mean of every map, (N, K, ...) -> (N, K, 1, ...)."""
    return mean(a, axis=tuple(range(2, a.ndim)), keepdims=True)
