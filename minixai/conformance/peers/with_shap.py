"""SHAP's answers: DeepExplainer with one reference is DeepLIFT's Rescale rule. GradientExplainer draws at random."""

import warnings
from collections.abc import Mapping
from typing import Any

import shap
import torch
from torch import Tensor

from minixai.conformance.peers import asked
from minixai.conformance.peers.asked import Asked, Inexpressible


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """SHAP's answer to a question."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unrecognized nn.Module")  # linear ones, whose gradient is their multiplier
        return asked.answer(question, METHODS, "shap")


def _deeplift(q: Asked) -> Tensor:
    assert q.reference is not None
    explainer = shap.DeepExplainer(q.module(), q.reference[:1])
    values = torch.tensor(explainer.shap_values(q.x, check_additivity=False))  # (N, C, ..., classes)
    return torch.stack([values[i, ..., c] for i, c in enumerate(q.target)])


def _integrated(q: Asked) -> Tensor:
    raise Inexpressible("shap draws the places on the path at random")


METHODS: dict[str, asked.Method] = {"integrated-gradients": _integrated, "deeplift-rescale": _deeplift}
