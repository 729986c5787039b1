"""A question as a library for PyTorch takes it: a module, tensors, and the parameters of the method."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from minixai.conformance import form
from minixai.conformance.adapters import Answer, sent
from minixai.network import Network, fold_batchnorm

Method = Callable[["Asked"], Tensor]


class Inexpressible(Exception):
    """The library has no way to be asked this; the message says what it lacks."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One question: ``x`` (N, C, ...), which requires its gradient, ``target`` (N,), ``reference`` (N, C, ...).

    Numbers are float64.
    """

    network: Network
    x: Tensor
    target: Tensor
    params: Mapping[str, Any]
    reference: Tensor | None

    def module(self) -> nn.Module:
        """The network as a module of its own."""
        return self.network.to_torch()

    def folded(self) -> nn.Module:
        """The same with each batch norm folded into the layer that feeds only it."""
        return fold_batchnorm(self.network).to_torch()


def answer(question: Mapping[str, Any], methods: Mapping[str, Method], library: str) -> Answer:
    """What the library's ``methods`` say: a result, or skipped and why."""
    if question["id"].startswith("errors/"):
        return {"status": "skipped", "why": "what is refused here is refused by the adapter, not by the library"}
    if "method" not in question:
        return {"status": "skipped", "why": f"{library} has no layers and no metrics of its own"}
    if question["method"] not in methods:
        return {"status": "skipped", "why": f"{library} has no {question['method']}"}
    try:
        relevance = methods[question["method"]](read(question))
    except Inexpressible as error:
        return {"status": "skipped", "why": str(error)}
    return {"status": "result", "relevance": sent(relevance.detach().numpy())}


def read(question: Mapping[str, Any]) -> Asked:
    """The question with its numbers as float64."""
    x = _tensor(question["input"]).requires_grad_()
    reference = _tensor(question["reference"]).expand_as(x).clone() if "reference" in question else None
    params = {key: _number(value) for key, value in question["params"].items()}
    return Asked(form.read_network(question["network"]), x, torch.tensor(question["target"]), params, reference)


def _tensor(written: Mapping[str, Any]) -> Tensor:
    return torch.tensor(form.array(written).astype(float))


def _number(value: Any) -> Any:
    """A written fraction as a float; names, switches and None as they are."""
    if isinstance(value, str) and value.removeprefix("-")[:1].isdecimal():
        return float(Fraction(value))
    return value
