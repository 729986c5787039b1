"""What a program computes when it makes a typical mistake or follows another convention, by name, in fractions.

``VARIANTS`` are those of methods, ``LAYER_VARIANTS`` those of layers, ``CURVE_VARIANTS`` those of deletion, insertion.
"""

import numpy as np

from minixai.conformance.variants.base import Question, Variant
from minixai.conformance.variants.common import COMMON
from minixai.conformance.variants.curves import CURVE_VARIANTS, CurveVariant
from minixai.conformance.variants.differences import DIFFERENCES
from minixai.conformance.variants.hiding import HIDING
from minixai.conformance.variants.layers import LAYER_VARIANTS, LayerVariant
from minixai.conformance.variants.libraries import LIBRARIES
from minixai.conformance.variants.maps import CAMS
from minixai.conformance.variants.perturbing import PERTURBING
from minixai.conformance.variants.rare import RARE
from minixai.conformance.variants.shares import LRP, PIXELS, PLAIN
from minixai.conformance.variants.slopes import COPIES, GATES, PLACES
from minixai.ops import Array, UnsupportedOp

__all__ = [
    "CURVE_VARIANTS", "LAYER_VARIANTS", "VARIANTS", "CurveVariant", "LayerVariant", "Variant", "matching",
    "matching_curve", "matching_layer", "of", "of_layer", "of_metric",
]  # fmt: skip

EVERY = (
    *COMMON, *GATES, *PLACES, *COPIES, *CAMS, *RARE, *LRP, *PLAIN, *PIXELS, *DIFFERENCES, *LIBRARIES, *HIDING,
    *PERTURBING,
)  # fmt: skip
VARIANTS: dict[str, Variant] = {variant.name: variant for variant in EVERY}


def of(method: str) -> tuple[Variant, ...]:
    """The variants that are computed for this method."""
    return tuple(variant for variant in VARIANTS.values() if method in variant.methods)


def of_layer(kind: str) -> tuple[LayerVariant, ...]:
    """The variants that are computed for this kind of layer."""
    return tuple(variant for variant in LAYER_VARIANTS.values() if kind in variant.kinds)


def of_metric(name: str) -> tuple[CurveVariant, ...]:
    """The variants that are computed for this metric."""
    return tuple(variant for variant in CURVE_VARIANTS.values() if name in variant.metrics)


def matching(question: Question, relevance: Array, share: float) -> list[Variant]:
    """The variants whose numbers these are, within ``share`` of the largest of them."""
    return [v for v in of(question["method"]) if _found(v, question, (relevance,), share)]


def matching_layer(question: Question, parts: tuple[Array, ...], share: float) -> list[LayerVariant]:
    """The variants whose output and signals back these are, each within ``share`` of its largest number."""
    return [v for v in of_layer(question["layer"]["op"]) if _found(v, question, parts, share)]


def matching_curve(question: Question, parts: tuple[Array, ...], share: float) -> list[CurveVariant]:
    """The variants whose curve and area these are; of a program that gives no curve, whose area."""
    found = []
    for variant in of_metric(question["metric"]):
        instead = variant.answer(question)[-len(parts) :]
        if all(_near(*pair, share) for pair in zip(parts, instead, strict=True)):
            found.append(variant)
    return found


def _found(variant: Variant | LayerVariant, question: Question, found: tuple[Array, ...], share: float) -> bool:
    try:
        answer = variant.answer(question)
    except UnsupportedOp:
        return False  # nothing to be mistaken about here
    instead = answer if isinstance(answer, tuple) else (answer,)
    return len(instead) == len(found) and all(_near(*pair, share) for pair in zip(found, instead, strict=True))


def _near(found: Array, instead: Array, share: float) -> bool:
    a, b = np.asarray(found).astype(float), instead.astype(float)
    return a.shape == b.shape and bool(abs(a - b).max(initial=0) <= share * abs(b).max(initial=0))
