"""Section 4.6, class activation mapping: the head's own weights, painted over the maps they read.

Needs global average pooling followed by one linear layer. Zhou, Khosla, Lapedriza, Oliva, Torralba (2016).
"""

from math import prod

from minixai.ops import UnsupportedOp
from minixai.whitebox.case import Case, Finding
from minixai.whitebox.features import gap_head


def cam(case: Case) -> Finding:
    """sum_k w_k^c A^k at the maps' own size. It sums to Z (S_c - b_c), and equals Z x Grad-CAM before its ReLU.

    Raises UnsupportedOp for a network whose scores are not one linear layer over globally averaged maps.
    """
    head = gap_head(case.network)
    if head is None:
        raise UnsupportedOp(
            "cam needs a network that ends in global average pooling and one linear layer; use grad-cam, which fits any"
        )
    layer, linear = head
    A, w = case.tape[layer].y, linear.weight[case.target]  # (N, K, h, w), (N, K)
    R = (w.reshape(*w.shape, *(1,) * (A.ndim - 2)) * A).sum(axis=1)
    b = 0 if linear.bias is None else linear.bias[case.target]
    return Finding(R, "none", expected=prod(A.shape[2:]) * (case.score - b), said={"layer": layer})
