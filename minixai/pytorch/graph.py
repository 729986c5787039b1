"""The structure of a module, as one pass shows it: which calls, in which order, reading which.

The pass runs on fake tensors: shapes without numbers, so it costs no arithmetic.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.nn.parameter import is_lazy

from minixai.pytorch.calls import LINEAR, PICTURE, Call
from minixai.pytorch.listening import Listening, Pass, run
from minixai.result import UnsupportedOp

EVERY = range(1 << 30)


@dataclass(frozen=True, eq=False)
class Graph:
    """The calls up to the scores. Calls are known by index; ``names`` are the paths of the modules that make them."""

    calls: tuple[Call, ...]
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]  # of what each call computed, one picture
    facts: Mapping[str, Any]  # what the module says of itself: black, box, feature_layer ...

    @property
    def scores(self) -> int:
        """The index of the call that makes the scores."""
        return len(self.calls) - 1

    def index(self, name: str) -> int:
        """The call of that name; ValueError lists the names there are."""
        if name not in self.names:
            raise ValueError(f"layer {name!r} is not in the module; expected one of {', '.join(self.names)}")
        return self.names.index(name)

    def readers(self, index: int) -> list[Call]:
        """The calls that read what this call computed."""
        return [call for call in self.calls if index in call.parents]

    @cached_property
    def norms(self) -> dict[int, int]:
        """{batch norm: the convolution or linear layer it is folded into}, which feeds nothing else."""
        found = {}
        for call in self.calls:
            above = call.parents[0]
            if call.kind == "batch_norm" and above != PICTURE and self.calls[above].kind in ("conv", "linear"):
                if len(self.readers(above)) == 1:
                    found[call.index] = above
        return found

    @cached_property
    def pixel_layers(self) -> list[int]:
        """The layers with weights that see the picture with no other such layer in between."""
        behind: set[int] = set()
        first = []
        for call in self.calls:
            seen = any(i in behind for i in call.parents)
            if call.kind in LINEAR and not seen:
                first.append(call.index)
            if seen or call.kind in LINEAR:
                behind.add(call.index)
        return first

    def feature_layer(self, layer: str | None = None) -> int:
        """The layer asked for; else the module's own; else what a GAP -> linear head squeezes; else the last
        convolution's ReLU (through batch norm and add), or the last convolution."""
        named = layer or self.facts.get("feature_layer")
        if named is not None:
            return self.index(named)
        if self.gap_head is not None:
            return self.gap_head
        convolutions = [call.index for call in self.calls if call.kind == "conv"]
        if not convolutions:
            raise UnsupportedOp("the module has no convolution, so it has no feature maps; name a layer= with maps")
        found = self._rectified(convolutions[-1])
        return convolutions[-1] if found is None else found

    @cached_property
    def gap_head(self) -> int | None:
        """The maps that are globally averaged and then read by one linear layer; None for other heads."""
        head = self.calls[-1]
        if head.kind != "linear":
            return None
        index = head.parents[0]
        while index != PICTURE and self.calls[index].kind == "wire":
            index = self.calls[index].parents[0]
        if index == PICTURE or not _is_global(self.calls[index]):
            return None
        maps = self.calls[index].parents[0]
        return None if maps == PICTURE else maps

    def _rectified(self, index: int) -> int | None:
        for call in self.readers(index):
            if call.kind == "relu":
                return call.index
            if call.kind in ("batch_norm", "add") or (call.kind == "wire" and self._keeps_shape(call)):
                found = self._rectified(call.index)
                if found is not None:
                    return found
        return None

    def _keeps_shape(self, call: Call) -> bool:
        return self.shapes[call.index] == self.shapes[call.parents[0]]


def facts_of(module: nn.Module) -> Mapping[str, Any]:
    """What a module says of its pictures (one that was a network does): black, box, feature_layer, classes."""
    return getattr(module, "minixai_facts", {})


def _is_global(call: Call) -> bool:
    if call.kind != "avg_pool" or "kernel_size" in call.facts:
        return False
    size = call.facts.get("output_size", 1)
    return size == 1 or all(n == 1 for n in size) if not isinstance(size, int) else size == 1


def check(module: Any) -> None:
    """ValueError unless this is a module in eval mode, with values, whose calls can be seen."""
    if not isinstance(module, nn.Module):
        raise ValueError(f"got a {type(module).__name__}; expected a torch.nn.Module")
    for path, part in module.named_modules():
        where = path or "the module"
        if isinstance(part, torch.jit.ScriptModule) or type(part).__name__ == "OptimizedModule":
            raise ValueError(f"{where} is compiled, and its calls cannot be seen; pass the module it was compiled from")
        if part.training:
            raise ValueError(f"{where} is in training mode; call module.eval() first")
    for kind, named in (("parameter", module.named_parameters()), ("buffer", module.named_buffers())):
        for path, values in named:
            if is_lazy(values) or values.is_meta:
                raise ValueError(f"the {kind} {path} has no values yet; load the weights first")


def graph(module: nn.Module, x: Tensor, strict: bool = True) -> Graph:
    """The module's structure on pictures of this size. ``strict``: UnsupportedOp for a call that is not known."""
    check(module)
    calls: list[Call] = []
    names: list[str] = []
    taken: Counter[str] = Counter()

    def heard(call: Call) -> None:
        name = listening.name(call.kind)
        taken[name] += 1
        calls.append(call)
        names.append(name if taken[name] == 1 else f"{name}#{taken[name]}")

    listening = Listening(heard, strict, keep=EVERY)
    noted = [(part, dict(part.__dict__)) for part in module.modules()]
    try:
        precise = torch.autocast(x.device.type, enabled=False)
        with torch.no_grad(), precise, _unlogged(), FakeTensorMode(allow_non_fake_inputs=True) as fake:
            seen: Pass = run(module, fake.from_tensor(x), listening)
    except DataDependentOutputException as error:
        raise UnsupportedOp(
            f"the module decides by the numbers it computes ({error}), at {listening.where()}; only a fixed graph of "
            "calls can be explained"
        ) from error
    finally:
        for part, attributes in noted:  # a module that keeps what it computed shall not keep a fake
            part.__dict__.clear()
            part.__dict__.update(attributes)
    shapes = [tuple(seen.kept[call.index].shape[1:]) for call in calls]
    upto = slice(0, seen.at + 1)
    return Graph(tuple(calls[upto]), tuple(names[upto]), tuple(shapes[upto]), facts_of(module))


@contextmanager
def _unlogged() -> Iterator[None]:
    """PyTorch logs a traceback for every picture that does not fit a layer, and then raises the error all the same."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
