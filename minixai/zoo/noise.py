"""Pictures for comparisons that need no content."""

import numpy as np

from minixai.network import Network
from minixai.ops import Array


def texture(network: Network, n: int = 2, seed: int = 0) -> Array:
    """Seeded noise all over the range of the network's pictures: without flat regions, few decisions are close."""
    if network.input_shape is None:
        raise ValueError("the network does not say how large its pictures are; give x")
    rng, shape = np.random.default_rng(seed), (n, *network.input_shape)
    if network.box is None:
        return rng.standard_normal(shape)
    low, high = (np.broadcast_to(np.asarray(edge, float), shape[1:]) for edge in network.box)
    return low + (high - low) * rng.random(shape)
