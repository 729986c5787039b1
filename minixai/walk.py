"""The backward walk. It knows no layer and no method: a table of rules says what each layer does with a signal."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from minixai.network import Step, Tape
from minixai.ops import Array, Op, UnsupportedOp

Rule = Callable[[Array, Step], Array | tuple[Array, ...]]  # (the signal arriving, where) -> the signal(s) leaving
Rules = Mapping[type[Op] | str, Rule]  # looked up by node name, then by exact layer type


class Table(dict[type[Op] | str, Rule]):
    """A method as data: its name and one rule per kind of layer. ``GRADIENT | {ReLU: relu_guided}`` is a new method."""

    def __init__(self, method: str, rules: Rules) -> None:
        super().__init__(rules)
        self.method = method

    def __or__(self, rules: Mapping[Any, Rule]) -> "Table":
        return Table(getattr(rules, "method", self.method), {**self, **rules})


class Hop(NamedTuple):
    """One stride of the walk: at this step, by this rule, what arrived and what left towards each parent."""

    at: Step
    rule: Rule | None
    arriving: Array
    leaving: tuple[Array, ...]


def walk(tape: Tape, seed: Array | Mapping[str, Array], rules: Rules) -> Iterator[Hop]:
    """Carry a signal from the scores back to the picture, one :class:`Hop` at a time; the last hop is at the picture.

    ``seed`` is the signal at the scores, or {node: signal}. Signals have the shape of what the node computed, with any
    number of axes before the batch axis. Where paths meet again, their signals are added: here and nowhere else.

    Raises ValueError for a name that is no node, UnsupportedOp for a layer without a rule.
    """
    arriving = dict(seed) if isinstance(seed, Mapping) else {tape.output.name: seed}
    _check_names(tape, [*arriving, *(key for key in rules if isinstance(key, str))])
    _check_seed(tape, arriving)
    for step in reversed(tape.steps):
        if step.name not in arriving:
            continue  # no path from the seed leads here
        signal = arriving.pop(step.name)
        rule = find_rule(rules, step) if step.parents else None
        leaving = _leave(rule, signal, step) if rule else ()
        for parent, part in zip(step.parents, leaving, strict=True):
            arriving[parent.name] = arriving[parent.name] + part if parent.name in arriving else part
        yield Hop(step, rule, signal, leaving)


def find_rule(rules: Rules, step: Step) -> Rule:
    """The rule for this node: by its name, else by the exact type of its layer."""
    for key in (step.name, type(step.op)):
        if key in rules:
            return rules[key]
    known = ", ".join(key if isinstance(key, str) else key.__name__ for key in rules)
    raise UnsupportedOp(
        f"{getattr(rules, 'method', 'this table')} has no rule for node {step.name!r}, a {type(step.op).__name__}; "
        f"known: {known}. Add one: rules | {{{type(step.op).__name__}: rule}}"
    )


def _leave(rule: Rule, signal: Array, step: Step) -> tuple[Array, ...]:
    """Apply the rule and check that it hands every parent a signal of the parent's shape."""
    out = rule(signal, step)
    leaving = out if isinstance(out, tuple) else (out,)
    expected = [signal.shape[: signal.ndim - step.y.ndim] + x.shape for x in step.xs]
    if [part.shape for part in leaving] != expected:
        raise ValueError(
            f"rule {name_of(rule)} at node {step.name!r} returned {[part.shape for part in leaving]}; "
            f"expected one signal for each thing the node read, {expected}"
        )
    return leaving


def name_of(rule: Any) -> str:
    """A rule as a figure prints it: a function by its name, a rule with parameters by its repr."""
    return getattr(rule, "__name__", None) or repr(rule)


def _check_seed(tape: Tape, seed: Mapping[str, Array]) -> None:
    for name, signal in seed.items():
        expected, shape = tape[name].y.shape, getattr(signal, "shape", ())
        if shape[-len(expected) :] != expected:
            raise ValueError(f"the seed at node {name!r} has shape {shape}; expected the node's shape {expected}")


def _check_names(tape: Tape, names: list[str]) -> None:
    unknown = [name for name in names if name not in {step.name for step in tape.steps}]
    if unknown:
        raise ValueError(f"{unknown} match no node; the nodes are {', '.join(s.name for s in tape.steps)}")
