"""What a black-box method may ask, and of whom: any scoring function, x (N, C, H, W) -> scores (N, K).

An engine network, a PyTorch module or a plain function: each is wrapped as something that answers with scores (and,
except for the plain function, with slopes). What is explained is the softmax probability of one class, or its score.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, Protocol

import numpy as np

from minixai.network import Network, Tape, forward
from minixai.ops import Array, Softmax, UnsupportedOp, is_exact
from minixai.ops.numbers import FLOATS, in_arithmetic_of, mean
from minixai.walk import walk
from minixai.whitebox.case import Finding
from minixai.whitebox.gradient import GRADIENT

SCORES = ("probability", "logit")
Head = Callable[[Array], tuple[Array, Array]]  # scores (N, K) -> what is explained (N,), and its slope in them (N, K)


class Model(Protocol):
    """Something that scores pictures; ``facts``: what it says of them (black, box, classes, pictures), if anything."""

    @property
    def facts(self) -> Mapping[str, Any]: ...

    def scores(self, x: Array) -> Array:
        """(N, K)."""

    def slopes(self, x: Array, head: Head) -> tuple[Array, Array]:
        """head(scores(x)), (N,), and its slope in every pixel, of the shape of x."""


@dataclass(frozen=True, eq=False)
class Engine:
    """A network of this engine; ``run`` makes its tapes."""

    network: Network
    run: Callable[..., Tape] = forward

    @property
    def facts(self) -> Mapping[str, Any]:
        return {name: getattr(self.network, name) for name in ("black", "box", "classes", "pictures")}

    def scores(self, x: Array) -> Array:
        return self.run(self.network, x).output.y

    def slopes(self, x: Array, head: Head) -> tuple[Array, Array]:
        tape = self.run(self.network, x)
        values, seed = head(tape.output.y)
        (*_, last) = walk(tape, seed, GRADIENT)
        return values, last.arriving if not last.at.parents else np.zeros_like(x)


@dataclass(frozen=True, eq=False)
class Module:
    """A PyTorch module in eval mode. It is asked in the dtype and on the device of its weights; NumPy comes back."""

    module: Any

    @property
    def facts(self) -> Mapping[str, Any]:
        return getattr(self.module, "minixai_facts", {})

    def scores(self, x: Array) -> Array:
        import torch

        with torch.no_grad():
            return _numpy(self._run(self._tensor(x)))

    def slopes(self, x: Array, head: Head) -> tuple[Array, Array]:
        import torch

        with torch.enable_grad():
            tensor = self._tensor(x).requires_grad_()
            scores = self._run(tensor)
            values, seed = head(_checked(_numpy(scores.detach()), len(x)))
            if not scores.requires_grad:
                raise UnsupportedOp("autograd finds no way from the scores back to the picture: a detach or no_grad?")
            (slope,) = torch.autograd.grad(scores, tensor, torch.as_tensor(seed).to(scores))
        return values, _numpy(slope).astype(x.dtype)

    def _run(self, tensor: Any) -> Any:
        try:
            return self.module(tensor)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise ValueError(f"the module failed on pictures of shape {tuple(tensor.shape)}: {error}") from error

    def _tensor(self, x: Array) -> Any:
        import torch

        if is_exact(x):
            raise ValueError("x is in fractions, which a PyTorch module cannot read; pass floats: x.astype('float64')")
        floats = (w for w in (*self.module.parameters(), *self.module.buffers()) if w.is_floating_point())
        weight = next(floats, None)
        return torch.tensor(x) if weight is None else torch.tensor(x, dtype=weight.dtype, device=weight.device)


@dataclass(frozen=True, eq=False)
class Function:
    """A plain function, x (N, C, H, W) -> scores (N, K); it is given a copy of its own."""

    function: Callable[[Array], Any]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def scores(self, x: Array) -> Array:
        try:
            return _numpy(self.function(x.copy()))
        except Exception as error:  # somebody else's code: it may raise whatever it likes
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"the scoring function failed on pictures of shape {x.shape}: {what}") from error

    def slopes(self, x: Array, head: Head) -> tuple[Array, Array]:
        raise ValueError(
            "this method follows slopes, and a plain function has none to give; pass a minixai Network or a torch "
            "module, or choose occlusion or lime"
        )


def model_of(scorer: Any) -> Model:
    """The scoring function behind a network, a torch module or a callable. Raises ValueError for anything else."""
    torch = sys.modules.get("torch")  # whoever has a module has imported it
    if isinstance(scorer, Network):
        return Engine(scorer)
    if torch is not None and isinstance(scorer, torch.nn.Module):
        if any(part.training for part in scorer.modules()):
            raise ValueError("the module is in training mode, where its scores may change; call module.eval() first")
        return Module(scorer)
    if isinstance(scorer, type) or not callable(scorer):
        raise ValueError(f"got {scorer!r:.60}; expected a minixai Network, a torch module, or a function that scores")
    return Function(scorer)


def batch_of(model: Model, x: Any) -> tuple[Array, bool]:
    """x, checked, as a batch, and whether it was one picture: (C, H, W), a clip (C, D, H, W), or features (F,).

    A module with weights of five axes is for clips; of a plain function that is not known: it is given a batch.
    """
    if isinstance(model, Engine):
        batch = model.network.batch(x)
        single = batch.ndim > np.ndim(x)
    else:
        batch = _numpy(x)
        clips = isinstance(model, Module) and any(w.ndim == 5 for w in model.module.parameters())
        single = batch.ndim in (1, 4 if clips else 3)
        if batch.dtype not in FLOATS and not is_exact(batch):
            raise ValueError(f"x has dtype {batch.dtype}; expected floats (or fractions): x.astype('float32')")
        if batch.ndim not in (1, 2, 3, 4, 5):
            raise ValueError(f"x has shape {batch.shape}; expected one picture (C, H, W) or a batch (N, C, H, W)")
        batch = in_arithmetic_of(batch, batch[None] if single else batch, "x")
    if not batch.size:
        raise ValueError(f"x has shape {batch.shape}, which is empty; expected at least one picture")
    return batch, single


def scores_of(model: Model, x: Array) -> Array:
    """The scores of n pictures, checked: (n, K) finite numbers."""
    return _checked(model.scores(x), len(x))


@dataclass(frozen=True, eq=False)
class Answer(Finding):
    """A finding, and the value (N,) that it explains: a probability or a score."""

    score: Array | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """Pictures x (N, C, H, W), the class of each that is to be explained, and what scores them."""

    model: Model
    x: Array
    target: Array  # (N,) class numbers

    @property
    def space(self) -> tuple[int, ...]:
        """The axes of a picture without its channels: (H, W); features are one row, (F,)."""
        return self.x.shape[2:] or self.x.shape[1:]

    def __getitem__(self, i: int) -> "Question":
        """The same question for picture i alone, as a batch of one."""
        return replace(self, x=self.x[i : i + 1], target=self.target[i : i + 1])


@dataclass(frozen=True, eq=False)
class Asking:
    """How a question is put: about the probability or the score, so many pictures in a call, with a bar or without.

    ``progress``: True or False; None shows the bar in a terminal only.
    """

    question: Question
    score: str = "probability"
    at_once: int = 64
    progress: bool | None = None

    def __post_init__(self) -> None:
        if self.score not in SCORES:
            raise ValueError(f"score is {self.score!r}; expected one of {', '.join(SCORES)}")
        whole(self.at_once, "at_once", "the number of pictures per call")
        if self.progress not in (True, False, None):
            raise ValueError(f"progress is {self.progress!r}; expected True, False, or None: a bar in a terminal only")

    @cached_property
    def clean(self) -> Array:
        """What is explained: the probability or score of every picture as it is, (N,)."""
        scores = scores_of(self.question.model, self.question.x)
        if self.score == "probability" and not isinstance(self.question.model, Engine):
            if (scores >= 0).all() and np.allclose(scores.sum(axis=1).astype(float), 1, atol=1e-6):
                raise ValueError("the scores are probabilities already (every row sums to 1); give score='logit'")
        return self.head(scores)[0]

    def head(self, scores: Array) -> tuple[Array, Array]:
        """What is explained, (N,), and its slope in the scores, (N, K). ``scores`` may be of copies of the batch."""
        target = np.tile(self.question.target, len(scores) // len(self.question.target))
        rows = np.arange(len(target))
        picked = np.zeros_like(scores)
        picked[rows, target] = 1
        if self.score == "logit":
            return scores[rows, target], picked
        if is_exact(scores):
            raise ValueError("a softmax probability has no exact value in fractions; give score='logit', or use floats")
        if scores.shape[1] < 2:
            raise ValueError("with one class the softmax probability is always 1; give score='logit'")
        return Softmax().forward(scores)[rows, target], Softmax().adjoint(picked, scores)

    def values(self, variants: Iterable[Array], count: int, what: str) -> Iterator[Array]:
        """The value of each of ``count`` variants of the batch, (N,) each, scored ``at_once`` pictures at a time."""
        n, rest = len(self.question.x), iter(variants)
        with self.bar(count, what) as bar:
            while some := list(islice(rest, max(1, self.at_once // n))):
                scores = scores_of(self.question.model, np.concatenate(some))
                yield from self.head(scores)[0].reshape(len(some), n)
                bar.update(len(some))

    def slopes(self, x: Array) -> tuple[Array, Array]:
        """The value of a variant of the batch, (N,), and its slope in every pixel."""
        return self.question.model.slopes(x, self.head)

    def bar(self, count: int, what: str) -> Any:
        """A progress bar over so many steps."""
        from tqdm import tqdm

        hidden = None if self.progress is None else not self.progress
        return tqdm(total=count, desc=what, leave=False, disable=hidden)


def whole(value: Any, what: str, meaning: str, least: int = 1) -> int:
    """The value, if it is an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{what} is {value!r}; expected an integer of at least {least}: {meaning}")
    return int(value)


def filling(question: Question, fill: Any) -> tuple[Array, str]:
    """What a hidden pixel looks like, as pictures of the shape of x, and how to say so.

    ``fill``: "grey" (0.5 in pixels, before preprocessing), "black", "mean" (each picture's own mean colour), or numbers
    as the network sees them: one, one per channel, or a picture.
    """
    x, facts = question.x, question.model.facts
    if isinstance(fill, str):
        low, high = facts.get("box") or (0.0, 1.0)
        named = {"grey": (np.asarray(low) + np.asarray(high)) / 2, "black": low}
        if fill == "mean":
            return np.broadcast_to(mean(x, axis=tuple(range(x.ndim))[2:] or 1, keepdims=True), x.shape), fill
        if fill not in named:
            raise ValueError(f"fill is {fill!r}; expected grey, black, mean, or numbers")
        said = fill if facts.get("box") else f"{fill}: {float(named[fill])} (nothing says how pixels become inputs)"
        return _as_picture(x, named[fill]), said
    return _as_picture(x, fill), "as given"


def _as_picture(x: Array, fill: Any) -> Array:
    colour = in_arithmetic_of(x, fill, "fill")
    if colour.ndim == 1 and x.ndim > 2:
        colour = colour.reshape(-1, *(1,) * (x.ndim - 2))
    try:
        return np.broadcast_to(colour, x.shape)
    except ValueError:
        wanted = f"one number, one per channel ({x.shape[1]}), or a picture {x.shape[1:]}"
        raise ValueError(f"fill has shape {np.shape(fill)}; expected {wanted}") from None


def _numpy(values: Any) -> Array:
    """An array from whatever a model hands over: an array, a tensor, lists."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) in ("torch.bfloat16", "torch.float16") else values
    return np.asarray(values)


def _checked(scores: Array, n: int) -> Array:
    """The scores, if there is one row of finite numbers for each of n pictures."""
    if scores.ndim != 2 or len(scores) != n or not scores.shape[1]:
        raise ValueError(f"the scores have shape {scores.shape}; expected ({n}, K): one row per picture, one per class")
    if scores.dtype == object:
        return in_arithmetic_of(scores, scores, "the array of scores")
    if scores.dtype.kind not in "fiu" or not np.isfinite(scores).all():
        raise ValueError(f"the scores, of dtype {scores.dtype}, are not all finite numbers; mend the model")
    return scores if scores.dtype in FLOATS else scores.astype(np.float64)
