"""Section 5.3, FEM: which places of the last maps are rare and strong? Eq. (26). It never asks for a class.

Fuad, Martin, Giot, Bourqui, Benois-Pineau, Zemmari (2020).
"""

import numpy as np

from minixai.ops import Array, UnsupportedOp, is_exact
from minixai.ops.numbers import mean, number
from minixai.whitebox.case import Case, Finding
from minixai.whitebox.features import feature_layer


def fem(case: Case, K: float = 1, layer: str | None = None) -> Finding:
    """R = sum_k mu_k B_k at the feature layer's own size, in 2-D and 3-D; B_k is 1 where a >= mu_k + K sigma_k."""
    if K < 0:
        raise ValueError(f"K is {K}; expected a number of at least 0: how many spreads above the mean count as rare")
    layer = feature_layer(case.network, layer)
    A = case.tape[layer].y
    if A.ndim < 4:
        raise UnsupportedOp(f"layer {layer!r} holds {A.shape[1:]} numbers, not maps; name a convolutional layer=")
    mu = mean(A, axis=tuple(range(2, A.ndim)), keepdims=True)
    R = np.where(_rare(A, mu, number(K, A)), mu, 0 * mu).sum(axis=1)  # R = sum_k w_k B_k with w_k = mu_k
    return Finding(R, "none", said={"layer": layer})


def _rare(A: Array, mu: Array, K: float) -> Array:
    """B_k, Eq. (26), with the population spread; fractions compare squares, for want of a root. A constant map is 1."""
    maps = tuple(range(2, A.ndim))
    if is_exact(A):
        return (A >= mu) & ((A - mu) ** 2 >= K * K * mean((A - mu) ** 2, axis=maps, keepdims=True))
    constant = A.max(axis=maps, keepdims=True) == A.min(axis=maps, keepdims=True)
    return constant | (A >= mu + K * A.std(axis=maps, keepdims=True))  # a >= mu_k + K sigma_k    (26)
