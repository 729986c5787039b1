"""Section 4.6, Grad-CAM: each feature map weighted by the mean slope of the score over it, Eqs. (9), (10).

Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra (2017).
"""

from minixai.ops import Array, UnsupportedOp, resize
from minixai.ops.numbers import mean, positive
from minixai.walk import walk
from minixai.whitebox.case import Case, Finding, at_picture, signals_of
from minixai.whitebox.features import feature_layer
from minixai.whitebox.gradient import GRADIENT
from minixai.whitebox.guided import GUIDED


def grad_cam(case: Case, layer: str | None = None, relu: bool = True) -> Finding:
    """ReLU(sum_k alpha_k A^k), Eq. (10), at the feature layer's own size; ``relu=False`` keeps negative evidence."""
    layer = feature_layer(case.network, layer)
    A, signals = case.tape[layer].y, _slopes_down_to(case, layer)
    if A.ndim < 4:
        raise UnsupportedOp(f"layer {layer!r} holds {A.shape[1:]} numbers, not maps; name a convolutional layer=")
    maps = tuple(range(2, A.ndim))
    slopes = signals.get(layer, 0 * A)
    alpha = mean(slopes, axis=maps, keepdims=True)  # alpha_k = 1/Z sum dS_c/dA^k                                   (9)
    R = (alpha * A).sum(axis=1)  # sum_k alpha_k A^k, before its ReLU                                               (10)
    return Finding(positive(R) if relu else R, "none", signals, said={"layer": layer})


def guided_grad_cam(case: Case, layer: str | None = None) -> Finding:
    """Guided backpropagation times the upsampled, unscaled Eq. (10) (4.6.1)."""
    hops, coarse = case.hops(GUIDED), grad_cam(case, layer)
    fine = at_picture(hops, case)
    return Finding(fine * resize(coarse.relevance, fine.shape[2:])[:, None], "max", signals_of(hops), said=coarse.said)


def _slopes_down_to(case: Case, layer: str) -> dict[str, Array]:
    """dS_c/dA at every node from the score down to this layer; the walk need not go further."""
    signals = {}
    hops = case.walked.get("gradient") or walk(case.tape, case.one_hot(1), GRADIENT)
    for hop in hops:
        signals[hop.at.name] = hop.arriving
        if hop.at.name == layer:
            break
    return signals
