"""Methods whose tables differ in few lines ride one walk: their signals are stacked on a leading axis."""

from dataclasses import dataclass

import numpy as np

from minixai.network import Step
from minixai.ops import Array
from minixai.walk import Hop, Rule, Table, walk
from minixai.whitebox.case import Case


@dataclass(frozen=True)
class Stacked:
    """One rule per slice of the leading axis."""

    rules: tuple[Rule, ...]

    def __call__(self, R: Array, step: Step) -> Array | tuple[Array, ...]:
        out = [rule(r, step) for rule, r in zip(self.rules, R, strict=True)]
        if isinstance(out[0], tuple):
            return tuple(np.stack(column) for column in zip(*out, strict=True))
        return np.stack(out)


def walk_together(case: Case, tables: list[Table]) -> None:
    """Make the seed-1 walks of several tables as one, and leave them with the case as if each had been made alone."""
    shared = {}
    for key in tables[0]:
        rules = tuple(table[key] for table in tables)
        shared[key] = rules[0] if len(set(rules)) == 1 else Stacked(rules)
    seed = np.stack([case.one_hot(1)] * len(tables))
    hops = tuple(walk(case.tape, seed, Table(" + ".join(table.method for table in tables), shared)))
    for k, table in enumerate(tables):
        case.walked[table.method] = tuple(_slice(hop, k) for hop in hops)


def _slice(hop: Hop, k: int) -> Hop:
    rule = hop.rule.rules[k] if isinstance(hop.rule, Stacked) else hop.rule
    return Hop(hop.at, rule, hop.arriving[k], tuple(part[k] for part in hop.leaving))
