"""What the chapters' numbers ask of the engine."""

from typing import Any

import numpy as np

from minixai.api import explain, rules
from minixai.network import Network, forward
from minixai.ops import Array, Linear
from minixai.walk import walk


def answer(network: Network, x: Array, method: str, target: int = 0, **params: Any) -> Array:
    """The method's relevance, exactly."""
    return explain(network, x, method, target=target, **params).relevance


def shared(W: Array, b: Array | None, a: Array, R: Array, method: str, **params: Any) -> Array:
    """R, arriving at one layer of weights W (outputs, inputs), shared out among the activations a by the method."""
    network = Network.sequential([Linear(W, b)])
    (*_, last) = walk(forward(network, a), R[None], rules(method, **params))
    return np.asarray(last.arriving)[0]
