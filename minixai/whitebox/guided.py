"""Section 4.3, guided backpropagation: both questions at every ReLU, was it on, and is the signal positive? (Fig. 5d)

Springenberg, Dosovitskiy, Brox, Riedmiller (2015).
"""

import numpy as np

from minixai.network import Step
from minixai.ops import Array, ReLU, twin
from minixai.ops.numbers import zero
from minixai.walk import Table
from minixai.whitebox.case import Case, Finding, at_picture, signals_of
from minixai.whitebox.gradient import GRADIENT


def relu_guided(R: Array, step: Step) -> Array:
    """Pass what arrives where the neuron was on (y > 0) and R > 0 (Fig. 5d)."""
    return np.where(step.choice & (R > 0), R, zero(R))


GUIDED = GRADIENT | Table("guided-backprop", {ReLU: twin(relu_guided)})


def guided_backprop(case: Case) -> Finding:
    """The gradient's walk with negative signals stopped at every ReLU."""
    hops = case.hops(GUIDED)
    return Finding(at_picture(hops, case), "max", signals_of(hops))
