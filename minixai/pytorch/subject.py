"""What a method is given here: a module, its pictures, the class of each, and ways to run it."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from minixai.pytorch.calls import Call
from minixai.pytorch.graph import EVERY, Graph, graph
from minixai.pytorch.listening import Listening, Pass, run
from minixai.result import UnsupportedOp

StandIn = Callable[[Call], Tensor | None]  # answers a call with its value and another slope; None: PyTorch's own
Watch = Callable[[Tensor, Mapping[int, Tensor]], None]  # told (pictures, {call: what it computed}) of every pass


def native(call: Call) -> None:
    """No stand-in: the layer's own value and slope."""


@dataclass(frozen=True, eq=False)
class Found:
    """A method's raw answer; ``reduce`` says how channels become a map (Section 3.3)."""

    relevance: Tensor
    reduce: Literal["max", "sum", "none"]
    scores: Tensor | None = None  # (N, K), of the pictures themselves, where the method has shown them
    signals: Mapping[str, Tensor] = field(default_factory=dict)
    expected: Tensor | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Subject:
    """Pictures x (N, ...) shown to a module, and the class of each that is to be explained (None: the highest score).

    ``signals`` asks for what arrives at every layer. ``watch`` is told every pass, for comparisons.
    """

    module: nn.Module
    x: Tensor
    target: Tensor | None
    signals: bool = False
    watch: Watch | None = None

    @cached_property
    def graph(self) -> Graph:
        """The module's calls, all of them known."""
        return graph(self.module, self.x[:1])

    @property
    def signalled(self) -> range:
        """The calls whose signals are asked for: all, or none."""
        return range(len(self.graph.calls) if self.signals else 0)

    def at(self, x: Tensor) -> "Subject":
        """The same classes at other pictures; x may hold several copies of the batch, one after the other."""
        if self.target is None:
            raise ValueError("the class is not fixed yet; choose a target before going to other pictures")
        return replace(self, x=x, target=self.target.repeat(len(x) // len(self.x)))

    def run(
        self,
        x: Tensor,
        answer: StandIn = native,
        keep: Container[int] = (),
        strict: bool = True,
        watched: int | None = None,
    ) -> Pass:
        """A pass on x; ``watched`` says how many of its rows are pictures (all, unless a method packs in more)."""
        listening = Listening(answer, strict, EVERY if self.watch else keep)
        seen = run(self.module, x, listening)
        if self.watch:
            rows = slice(0, watched)
            self.watch(x.detach()[rows], {i: y.detach()[rows] for i, y in seen.kept.items()})
        return seen

    def classes(self, scores: Tensor) -> Tensor:
        """The class of each picture; ValueError if there is no such class."""
        if self.target is None:
            return scores[: len(self.x)].argmax(1)
        if (self.target < 0).any() or (self.target >= scores.shape[1]).any():
            wanted = f"expected class numbers from 0 to {scores.shape[1] - 1}"
            raise ValueError(f"target is {self.target.tolist()}; {wanted}")
        return self.target

    def score(self, scores: Tensor, block: int = 0) -> Tensor:
        """S_c of every picture, (N,); ``block`` says which copy of the batch, where several ride in one pass."""
        n = len(self.x)
        return scores[block * n : (block + 1) * n].gather(1, self.classes(scores)[:, None])[:, 0]

    def scores_at(self, x: Tensor) -> Tensor:
        """The scores at other pictures, (N, K)."""
        with torch.no_grad():
            return self.run(x, strict=False).scores


def slopes(of: Tensor, at: Sequence[Tensor], seed: Tensor | None = None) -> list[Tensor]:
    """d(of)/d(each), zeros where it does not depend on it. Leaves no ``.grad`` behind.

    Raises UnsupportedOp where autograd finds no way back from ``of`` to any of them.
    """
    reached = [t for t in at if t.requires_grad]
    try:
        found = torch.autograd.grad(of, reached, seed, allow_unused=True) if of.requires_grad else ()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        what = str(error).split(" Hint")[0]
        raise ValueError(f"autograd cannot go back through the module; does it overwrite in place? ({what})") from error
    if all(g is None for g in found):
        raise UnsupportedOp("autograd finds no way from the scores back to the picture; is there a detach or no_grad?")
    slope = {id(t): g for t, g in zip(reached, found, strict=True) if g is not None}
    return [slope[id(t)] if id(t) in slope else torch.zeros_like(t) for t in at]


def mean(values: list[Tensor]) -> Tensor:
    """The mean of several results; one alone is handed on as it is."""
    return values[0] if len(values) == 1 else torch.stack(values).mean(0)
