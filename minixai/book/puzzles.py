"""Small riddles that a chapter opens with; their answers stand here and nowhere in a notebook."""

from dataclasses import replace

import numpy as np

from minixai.api import explain
from minixai.network import Network
from minixai.ops import Array

# Chapter 00: maps of one picture, {letter: method}, one of them from a network that has forgotten everything.
TWELVE_MAPS = {
    "A": "smoothgrad", "B": "lrp-gamma", "C": "grad-cam", "D": "deeplift-revealcancel",
    "E": "guided-backprop", "F": "gradient", "G": "lrp-alphabeta", "H": "fem",
    "I": "lrp-0", "J": "deep-taylor", "K": "integrated-gradients", "L": "guided-grad-cam",
}  # fmt: skip
FORGETFUL = "J"


def scrambled(network: Network, seed: int = 0) -> Network:
    """The same layers, with the numbers of every array of weights shuffled: all that was learnt is gone."""
    rng = np.random.default_rng(seed)

    def shuffle(w: Array) -> Array:
        return rng.permutation(w.ravel()).reshape(w.shape)

    return replace(network, nodes=tuple(replace(node, op=node.op.convert(shuffle)) for node in network.nodes))


def twelve_maps(network: Network, x: Array) -> dict[str, Array]:
    """{letter: heat map (H, W)} of the picture x (C, H, W) for the network's own class; one network is scrambled."""
    cls = int(np.argmax(network(x)))
    networks = {letter: scrambled(network) if letter == FORGETFUL else network for letter in TWELVE_MAPS}
    return {letter: explain(networks[letter], x, m, target=cls).heatmap for letter, m in TWELVE_MAPS.items()}
