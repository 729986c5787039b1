"""What several methods share: tapes that are made once, and walks that are made as one.

Nothing here knows a method, and nothing outlives a call: a plan belongs to one case.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

import numpy as np

from minixai.network import Network, Step, Tape
from minixai.ops import Array
from minixai.walk import Hop, Table, walk
from minixai.whitebox.case import Case
from minixai.whitebox.together import Stacked


class Tapes:
    """A ``run`` for a case that makes no tape twice.

    It remembers the tapes of the case's own pictures, one per network (Section 5 folds batch norms, which makes another
    network), and of reference images the last. So DeepLIFT's two passes are one, if the pictures have been seen, and
    its second rule needs none. A tape of other pictures is not kept: it may be large.
    """

    def __init__(self, tape: Tape, run: Callable[..., Tape]) -> None:
        self._own, self._reference, self._run = [tape], tape, run

    def __call__(self, network: Network, x: Array, ref: Tape | None = None) -> Tape:
        if ref is not None:
            self._reference = ref
            return tied(self(network, x), ref)
        for tape in (*self._own, self._reference):
            if tape.network is network and _same(tape.input.y, x):
                return tape
        tape = self._run(network, x)
        if _same(tape.input.y, self._own[0].input.y):
            self._own.append(tape)
        return tape


def sharing(case: Case) -> Case:
    """The case with tapes that are made once."""
    return replace(case, run=Tapes(case.tape, case.run))


def tied(tape: Tape, ref: Tape) -> Tape:
    """The tape with that of a reference image beside every line, as ``forward(network, x, ref)`` makes it."""
    steps: dict[str, Step] = {}
    for step in tape.steps:
        parents = tuple(steps[parent.name] for parent in step.parents)
        steps[step.name] = replace(step, parents=parents, ref=ref[step.name])
    return replace(tape, steps=tuple(steps.values()))


def walk_as_one(case: Case, tables: Iterable[Table], keep: Collection[str] | None = None) -> None:
    """Make the seed-1 walks of several tables as one, and leave them with the case as if each had been made alone.

    ``keep``: the nodes whose signals are wanted afterwards, besides those at the end of the walk; None keeps all. The
    others are forgotten while walking, so that a walk needs the memory of two layers.
    """
    tables = list(tables)
    hops: list[Hop] = []
    for hop in _strides(case, tables):
        if hops and keep is not None and hops[-1].at.name not in keep:
            hops.pop()  # the last one always stays: where it arrived is the result
        hops.append(hop)
    for k, table in enumerate(tables):
        case.walked[table.method] = tuple(_slice(hop, k) for hop in hops)


def _strides(case: Case, tables: list[Table]) -> Iterator[Hop]:
    shared = {}
    for key in tables[0]:
        rules = tuple(table[key] for table in tables)
        shared[key] = rules[0] if len(set(rules)) == 1 else Stacked(rules)
    seed = np.stack([case.one_hot(1)] * len(tables))
    return walk(case.tape, seed, Table(" + ".join(table.method for table in tables), shared))


def _slice(hop: Hop, k: int) -> Hop:
    rule = hop.rule.rules[k] if isinstance(hop.rule, Stacked) else hop.rule
    return Hop(hop.at, rule, hop.arriving[k], tuple(part[k] for part in hop.leaving))


def _same(a: Array, b: Array) -> bool:
    return a is b or (a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all()))
