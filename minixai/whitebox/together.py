"""Methods whose tables differ in few lines ride one walk: their signals are stacked on a leading axis.

:mod:`minixai.planner` decides which.
"""

from dataclasses import dataclass

import numpy as np

from minixai.network import Step
from minixai.ops import Array
from minixai.walk import Rule


@dataclass(frozen=True)
class Stacked:
    """One rule per slice of the leading axis."""

    rules: tuple[Rule, ...]

    def __call__(self, R: Array, step: Step) -> Array | tuple[Array, ...]:
        out = [rule(r, step) for rule, r in zip(self.rules, R, strict=True)]
        if isinstance(out[0], tuple):
            return tuple(np.stack(column) for column in zip(*out, strict=True))
        return np.stack(out)
