"""What a method is given (a case) and what it hands back (a finding)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from minixai.network import Network, Tape, fold_batchnorm, forward
from minixai.ops import Array
from minixai.ops.numbers import in_arithmetic_of, zeros
from minixai.walk import Hop, Table, walk

Reduction = Literal["max", "sum", "none"]
MEMORY = 1 << 30  # bytes


@dataclass(frozen=True, eq=False)
class Finding:
    """A method's raw answer for a batch.

    ``reduce`` says how channels become a map: "max" of magnitudes (Eq. 6), "sum", or "none" (it is a map already).
    ``expected`` is what the relevance should sum to, None where the method promises nothing; ``said`` holds what the
    reader should know about choices made for them.
    """

    relevance: Array
    reduce: Reduction
    signals: Mapping[str, Array] = field(default_factory=dict)
    expected: Array | None = None
    absorbed: Mapping[str, Array] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Case:
    """Some pictures, the class of each that is to be explained, and the walks made so far.

    ``run(network, x, ref=None)`` makes the tapes of other pictures: a forward pass, unless a comparison has its own.
    ``memory``: the bytes that copies of the pictures may take when several are explained at once.
    """

    tape: Tape
    target: Array  # (N,) class numbers
    walked: dict[str, tuple[Hop, ...]] = field(default_factory=dict)
    run: Callable[..., Tape] = forward
    memory: int = MEMORY

    @property
    def network(self) -> Network:
        return self.tape.network

    @property
    def x(self) -> Array:
        return self.tape.input.y

    @cached_property
    def score(self) -> Array:
        """S_c of every picture, (N,)."""
        return self.tape.output.y[np.arange(len(self.target)), self.target]

    def one_hot(self, value: Any) -> Array:
        """The seed: ``value`` (one number, or one per picture) at the class, 0 at the others."""
        seed = zeros(self.tape.output.y.shape, self.tape.output.y)
        seed[np.arange(len(self.target)), self.target] = in_arithmetic_of(seed, value, "the seed")
        return seed

    def at(self, x: Array) -> "Case":
        """The same classes at other pictures; x may hold several copies of the batch, one after the other."""
        return self._with(self.run(self.network, x), np.tile(self.target, len(x) // len(self.target)))

    def against(self, x0: Array) -> "Case":
        """The case with a reference image beside every line of its tape."""
        return self._with(self.run(self.network, self.x, ref=self.run(self.network, x0)), self.target)

    @cached_property
    def folded(self) -> "Case":
        """The case with each batch norm folded into the layer before it, as Section 5's methods want it."""
        network = fold_batchnorm(self.network)
        same = all(a.op is b.op for a, b in zip(network.nodes, self.network.nodes, strict=True))
        return self if same else self._with(self.run(network, self.x), self.target)

    @property
    def at_once(self) -> int:
        """How many copies of the pictures fit into ``memory``: each takes a tape and the signals of a walk over it."""
        return max(1, self.memory // max(1, 2 * sum(step.y.nbytes for step in self.tape.steps)))

    def _with(self, tape: Tape, target: Array) -> "Case":
        return Case(tape, target, run=self.run, memory=self.memory)

    def hops(self, table: Table) -> tuple[Hop, ...]:
        """The walk from seed 1 at the class by this table; made once, then remembered for this case."""
        if table.method not in self.walked:
            self.walked[table.method] = tuple(walk(self.tape, self.one_hot(1), table))
        return self.walked[table.method]

    def reference(self, baseline: Any) -> tuple[list[Array], dict[str, str]]:
        """The reference images x', each of the shape of x, and what to say about the choice.

        ``baseline`` is an array that broadcasts to one picture, or has one more axis: several references; None means a
        black picture (``network.black``), zeros where the network names none.
        """
        if baseline is None and self.network.black is None:
            return [zeros(self.x.shape, self.x)], {"baseline": "zeros (this network does not say what black is)"}
        chosen = in_arithmetic_of(self.x, self.network.black if baseline is None else baseline, "baseline")
        each = chosen if chosen.ndim == self.x.ndim else chosen[None]
        try:
            references = [np.array(np.broadcast_to(one, self.x.shape)) for one in each]
        except ValueError:
            one = self.x.shape[1:]
            raise ValueError(f"baseline has shape {chosen.shape}; expected one picture {one}, or several") from None
        if not references:
            raise ValueError("baseline holds no picture; expected one or several")
        return references, {"baseline": "black"} if baseline is None else {}


def signals_of(hops: tuple[Hop, ...]) -> dict[str, Array]:
    """{node: the signal that arrived there}."""
    return {hop.at.name: hop.arriving for hop in hops}


def at_picture(hops: tuple[Hop, ...], case: Case) -> Array:
    """What arrived at the picture; zeros if nothing did."""
    last = hops[-1]
    return last.arriving if not last.at.parents else zeros(case.x.shape, case.x)


def per_picture(a: Array, like: Array) -> Array:
    """One number per picture, (N,), shaped so that it multiplies ``like`` (N, ...)."""
    return a.reshape(a.shape + (1,) * (like.ndim - a.ndim))
