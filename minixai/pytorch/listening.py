"""Running a module while listening to its calls, with stand-ins for some of them.

Nothing is hooked and nothing is rewritten: a ``TorchFunctionMode`` sees every PyTorch function that the module calls,
functional or through ``nn.Module``, in place or not, and a method may answer one itself. What a stand-in answers has
the value that the layer would have computed; only its slope is the method's.
"""

import sys
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils.weak import WeakIdKeyDictionary

from minixai.pytorch.calls import PICTURE, Call, Read, read
from minixai.result import UnsupportedOp

STALE = -2  # the index of a tensor whose memory was overwritten behind its back
ASKS = (  # calls that ask about a tensor, not for its numbers
    "__get__", "__hash__", "__len__", "data_ptr", "dim", "element_size", "get_device", "is_complex", "is_contiguous",
    "is_floating_point", "ndimension", "nelement", "numel", "size", "storage_offset", "stride",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pass:
    """One forward pass: the scores before any final softmax, the index of the call that made them, what was kept."""

    scores: Tensor
    at: int
    kept: Mapping[int, Tensor]


@dataclass(eq=False)
class Listening(TorchFunctionMode):
    """The mode of one pass. ``answer(call)`` is given every known call; None in return leaves it to PyTorch.

    ``strict`` refuses calls that are not known; ``keep`` names the calls whose outputs are kept.
    """

    answer: Callable[[Call], Tensor | None]
    strict: bool = True
    keep: Container[int] = ()
    module: nn.Module | None = None
    slopes: bool = False  # whether autograd was on when the pass began
    made: WeakIdKeyDictionary = field(default_factory=WeakIdKeyDictionary)  # tensor: the index of the call it is from
    softmax: dict[int, tuple[int, Tensor]] = field(default_factory=dict)  # a softmax's index: what it reads
    kept: dict[int, Tensor] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not any(t in self.made for t in tensors((args, kwargs))):
            return func(*args, **kwargs)
        try:
            found = read(func, args, kwargs)
        except ValueError as error:
            raise ValueError(f"{self.where()}: {error}") from error
        if isinstance(found, str):
            return self._unknown(found, func, args, kwargs)
        stray = self._stray(found)
        return self._unknown(stray, func, args, kwargs) if stray else self._known(found, func, args, kwargs)

    def _stray(self, found: Read) -> str:
        inputs = found.inputs
        if any(t not in self.made for t in inputs):
            return "it brings in numbers that do not come from the picture"
        if any(t in self.made for t in tensors(found.facts)):
            return "its weights are computed from the picture"
        if torch.is_grad_enabled() != self.slopes:
            return "it runs under torch.no_grad, or inside an autograd.Function with a backward pass of its own"
        stale = any(self.made[t] == STALE for t in inputs)
        return "it reads memory that an in-place call has overwritten through another view" if stale else ""

    def _known(self, found: Read, func: Any, args: tuple, kwargs: Mapping[str, Any]) -> Tensor:
        call = Call(self.count, found.kind, found.inputs, tuple(self.made[t] for t in found.inputs), found.facts)
        if found.kind == "softmax":
            self.softmax[call.index] = (call.parents[0], call.x)
        y, keep = self.answer(call), call.index in self.keep
        if y is None:
            y = call.compute() if found.other_slope or (found.in_place and keep) else func(*args, **kwargs)
        if keep:
            self.kept[call.index] = y
        if found.in_place:
            self._overwritten(call.x)
            if y is not call.x:
                call.x.copy_(y)  # what the module expects of an in-place call, and autograd follows
            y = call.x
        elif keep:
            y = y.clone()  # a later in-place call may not reach what is kept
        return self._heard(call.index, y)

    def _unknown(self, why: str, func: Any, args: tuple, kwargs: Mapping[str, Any]) -> Any:
        asks = func.__name__ in ASKS
        out = func(*args, **kwargs) if asks or not self.strict else None
        flows = any(True for _ in tensors(out))
        if self.strict and (flows or not asks):
            name = (resolve_name(func) or func.__name__).removeprefix("torch.nn.functional.")
            raise UnsupportedOp(f"{name} at {self.where()} cannot be explained: {why}")
        return self._heard(self.count, out) if flows else out  # a shape, a device: nothing that flows

    def _overwritten(self, x: Tensor) -> None:
        """Other tensors over the same memory now hold other numbers than the graph says: they may not be read."""
        memory = x.untyped_storage()._cdata
        for other in [t for t in self.made if t is not x and t.untyped_storage()._cdata == memory]:
            self.made[other] = STALE

    def _heard(self, index: int, out: Any) -> Any:
        for tensor in tensors(out):
            self.made[tensor] = index
        self.count += 1
        return out

    def where(self) -> str:
        """Which part of the module is at work, and the line of its code that called."""
        owner, frame = _at_work()
        if owner is None or frame is None:
            return "the top of the module"
        line = f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno}"
        return f"{self._path(owner) or type(owner).__name__} ({line})"

    def name(self, kind: str) -> str:
        """The path of the layer at work; what a module with parts computes by itself is named after its kind."""
        owner, _ = _at_work()
        path = self._path(owner)
        if owner is not None and path and not any(True for _ in owner.children()):
            return path
        return f"{path}.{kind}" if path else kind

    def _path(self, part: nn.Module | None) -> str:
        """Where in the module this part is."""
        named = () if self.module is None else self.module.named_modules()
        return next((path for path, known in named if known is part), "")


def _at_work() -> tuple[nn.Module | None, FrameType | None]:
    """The innermost module whose ``forward`` is running."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module) and frame.f_code.co_name.endswith("forward"):
            return owner, frame
        frame = frame.f_back
    return None, None


def tensors(tree: Any) -> Iterator[Tensor]:
    """The tensors in (nested) arguments."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from tensors(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from tensors(value)


def run(module: nn.Module, picture: Tensor, listening: Listening) -> Pass:
    """The module on a picture (batch), heard. Raises ValueError if it cannot read the picture or gives no scores."""
    x = picture.clone()  # a first layer may work in place
    listening.made[x] = PICTURE
    listening.module, listening.slopes = module, torch.is_grad_enabled()
    try:
        with listening:
            out = module(x)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise ValueError(f"the module cannot read x of shape {tuple(x.shape)}: {error}") from error
    if not isinstance(out, Tensor) or out.ndim != 2 or len(out) != len(x):
        got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(f"the module returned {got}; expected scores (N, classes), one row per picture")
    if out not in listening.made:
        raise ValueError("the scores are not computed from the picture by PyTorch calls, so nothing can be explained")
    at = listening.made[out]
    at, scores = listening.softmax.get(at, (at, out))  # S_c is the score before the softmax
    return Pass(scores, at, listening.kept)
