"""A question as a library for PyTorch takes it: a module, tensors, and the parameters of the method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from minixai.conformance import form
from minixai.conformance.adapters import DATA, Answer, sent
from minixai.network import Network, fold_batchnorm

Method = Callable[["Asked"], "Tensor | Surrogate"]


class Inexpressible(Exception):
    """The library has no way to be asked this; the message says what it lacks."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A linear model for each picture: its weights at the pixels, its intercept, and its R^2 on the masks."""

    relevance: Tensor
    intercept: Tensor
    r2: Tensor


@dataclass(frozen=True, eq=False)
class Asked:
    """One question: ``x`` (N, C, ...), which requires its gradient, ``target`` (N,), ``reference`` (N, C, ...).

    ``data``: what a black-box method hides with, by name. Numbers are float64.
    """

    network: Network
    x: Tensor
    target: Tensor
    params: Mapping[str, Any]
    reference: Tensor | None
    data: Mapping[str, Tensor] = field(default_factory=dict)

    def score(self, x: Tensor) -> Tensor:
        """What a black-box method explains, for pictures as many as there are classes asked for, or of the one class.

        The score, or the softmax probability, (N,).
        """
        scores = self.module()(x)
        scores = scores.softmax(dim=1) if self.params["score"] == "probability" else scores
        return scores[torch.arange(len(x)), self.target.expand(len(x))]

    def __getitem__(self, i: int) -> "Asked":
        """The same question about picture i alone."""
        data = dict(self.data)
        if "segments" in data:
            data["segments"] = data["segments"].expand(len(self.x), *(self.x.shape[2:] or self.x.shape[1:]))[i]
        return replace(self, x=self.x[i : i + 1], target=self.target[i : i + 1], data=data)

    def masked(self, mask: Tensor) -> Tensor:
        """The one picture (1, C, ...) with the superpixels hidden where the mask (M,) is 0."""
        shown = mask.bool()[self.data["segments"].long()]
        return torch.where(shown, self.x, self._hidden())

    def _hidden(self) -> Tensor:
        if "fill" in self.data:
            return self.data["fill"]
        region, hidden = self.data["segments"], self.x.detach().clone()
        for m in region.unique():
            hidden[..., region == m] = hidden[..., region == m].mean(dim=-1, keepdim=True)
        return hidden

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
        found = methods[question["method"]](read(question))
    except Inexpressible as error:
        return {"status": "skipped", "why": str(error)}
    if isinstance(found, Surrogate):
        return {"status": "result", **{key: sent(value.detach().numpy()) for key, value in vars(found).items()}}
    return {"status": "result", "relevance": sent(found.detach().numpy())}


def read(question: Mapping[str, Any]) -> Asked:
    """The question with its numbers as float64."""
    x = _tensor(question["input"]).requires_grad_()
    reference = _tensor(question["reference"]).expand_as(x).clone() if "reference" in question else None
    params = {key: _number(value) for key, value in question["params"].items()}
    data = {key: _tensor(question[key]) for key in DATA if key in question}
    return Asked(form.read_network(question["network"]), x, torch.tensor(question["target"]), params, reference, data)


def _tensor(written: Mapping[str, Any]) -> Tensor:
    return torch.tensor(form.array(written).astype(float))


def _number(value: Any) -> Any:
    """A written fraction as a float; names, switches and None as they are."""
    if isinstance(value, str) and value.removeprefix("-")[:1].isdecimal():
        return float(Fraction(value))
    return value


def surrogate(q: Asked, weights: Tensor, intercept: float, r2: float) -> Surrogate:
    """The model of the one picture of a question, its weights (M,) put where the superpixels are."""
    at_pixels = weights[q.data["segments"].long()][None]
    return Surrogate(at_pixels, *(torch.tensor([v], dtype=at_pixels.dtype) for v in (intercept, r2)))


def together(models: Sequence[Surrogate]) -> Surrogate:
    """The models of all pictures."""
    return Surrogate(*(torch.cat(parts) for parts in zip(*(vars(model).values() for model in models), strict=True)))
