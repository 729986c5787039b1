"""Chapter 06: nine ReLUs, three gates."""

from functools import partial

import numpy as np

from minixai.api import rules
from minixai.network import Network, forward
from minixai.ops import Array, ReLU, exact

GATE_Y = exact([[3, -1, 2], [0, 1, -2], [-1, 2, 4]])
GATE_R = exact([[2, 3, -1], [1, -2, 4], [-3, 0, 5]])


def _gate(method: str) -> Array:
    tape = forward(Network.sequential([ReLU()]), GATE_Y[None])
    gated = rules(method)[ReLU](GATE_R[None, None], tape["relu1"])
    return np.asarray(gated)[0, 0]


GROUPS = {
    "gates": {
        "y": lambda: GATE_Y,
        "r": lambda: GATE_R,
        "gradient": partial(_gate, "gradient"),
        "deconvnet": partial(_gate, "deconvnet"),
        "guided": partial(_gate, "guided-backprop"),
    },
}
