"""Mistakes that many methods can make: the start of the walk, gates, winners, filters, forks, pools and batch norms."""

from typing import Any

import numpy as np

from minixai.conformance.variants import back
from minixai.conformance.variants.base import (
    LIFTS,
    MAPS,
    SHARES,
    SLOPES,
    Asked,
    Change,
    Changed,
    Run,
    answer,
    deciding,
    made,
    ruling,
    seeing,
    with_layers,
)
from minixai.network import Network, Step
from minixai.ops import MAXIMA, Array, ReLU
from minixai.ops.numbers import in_arithmetic_of, positive
from minixai.walk import Table
from minixai.whitebox.gradient import adjoint

GRADIENTS = (*SLOPES, "integrated-gradients", "smoothgrad", "guided-grad-cam")  # from the score to the picture
ONCE_ON = tuple(method for method in GRADIENTS if method != "deconvnet")  # which ask whether a ReLU was on
WALKS = (*GRADIENTS, *SHARES, *LIFTS)
GATED = (*ONCE_ON, *SHARES, *LIFTS)  # which depend on more of the forward pass than the winners of its pools
SIGNED = (*SLOPES, "integrated-gradients", "guided-grad-cam", "cam", "grad-cam", *SHARES, *LIFTS)


# -- Where the walk starts ---------------------------------------------------------------------------------------------


def _everywhere(case: Changed, value: Any) -> Array:
    """The value, or the scores themselves, at every class."""
    y = case.tape.output.y
    return in_arithmetic_of(y, np.broadcast_to(y if np.ndim(value) else value, y.shape), "the seed")


def _switched(case: Changed, value: Any) -> Array:
    """The score where 1 should start, and 1 where the score should."""
    return super(Changed, case).one_hot(1 if np.ndim(value) else case.score)


def _highest(asked: Asked) -> Array:
    scores = asked.network(asked.x)
    return answer(asked._replace(target=tuple(int(np.argmax(row)) for row in scores)))


def _first(asked: Asked) -> Array:
    return answer(asked._replace(target=asked.target[:1] * len(asked.target)))


# -- What a layer decides ----------------------------------------------------------------------------------------------


def _open_at_zero(step: Step) -> Any:
    return step.x >= 0 if isinstance(step.op, ReLU) else step.choice


def _last_wins(step: Step) -> Any:
    return back.last_winners(step.op, step.x, step.choice) if isinstance(step.op, MAXIMA) else step.choice


def _half_at_zero(R: Array, step: Step) -> Array:
    return np.where(step.x == 0, R / 2, adjoint(R, step))


# -- Back through the network ------------------------------------------------------------------------------------------


def _overwriting(network: Network) -> Change:
    """Of what comes back to a node from several readers, what the first of them sends (it comes last)."""
    first = {name: network.consumers(name)[0].name for node in network.nodes for name in node.inputs}

    def change(table: Table) -> Table:
        return Table(table.method, {key: _alone(rule, first) for key, rule in table.items()})

    return change


def _alone(rule: Any, first: dict[str, str]) -> Any:
    def one(R: Array, step: Step) -> tuple[Array, ...]:
        out = rule(R, step)
        leaving = out if isinstance(out, tuple) else (out,)
        pairs = zip(leaving, step.parents, strict=True)
        return tuple(part if first[parent.name] == step.name else 0 * part for part, parent in pairs)

    return one


def _changing(change: Change) -> Any:
    return lambda asked: answer(asked, change)


def _running(run: Run) -> Any:
    return lambda asked: answer(asked, run=run)


def _with(other: Any) -> Any:
    def find(asked: Asked) -> Array:
        changed: Network = with_layers(asked.network, other)
        return answer(asked._replace(network=changed))

    return find


COMMON = (
    made(
        "highest-class",
        (*WALKS, *MAPS),
        "the class with the highest score is explained; it should be the class that was asked for",
        _highest,
    ),
    made(
        "first-of-batch",
        (*WALKS, *MAPS),
        "the class asked for with the first picture is explained for all; each picture has its own",
        _first,
    ),
    made(
        "all-classes",
        (*WALKS, "grad-cam"),
        "the walk starts at all scores together, as where their sum is differentiated; it should start at one class",
        lambda asked: answer(asked, seed=_everywhere),
    ),
    made(
        "start-at-score",
        (*GRADIENTS, "grad-cam", *LIFTS),
        "the walk starts with the score; it should start with 1",
        lambda asked: answer(asked, seed=_switched),
    ),
    made(
        "start-at-one",
        SHARES,
        "the walk starts with 1; it should start with the score",
        lambda asked: answer(asked, seed=_switched),
    ),
    made(
        "absolute",
        SIGNED,
        "magnitudes are returned; the relevance is signed",
        lambda asked: abs(answer(asked)),
    ),
    made(
        "positive-part",
        SIGNED,
        "negative relevance is set to 0 at the end; the relevance is signed",
        lambda asked: positive(answer(asked)),
    ),
    made(
        "relu-at-zero",
        ONCE_ON,
        "the slope of ReLU at exactly 0 is 1; it should be 0",
        _running(deciding(_open_at_zero)),
    ),
    made(
        "relu-half-at-zero",
        ("gradient", "integrated-gradients"),
        "the slope of ReLU at exactly 0 is 1/2; it should be 0",
        _changing(ruling({ReLU: _half_at_zero})),
    ),
    made(
        "last-maximum",
        WALKS,
        "the last of several equal maxima wins a max-pool; it should be the first, row by row",
        _running(deciding(_last_wins)),
    ),
    made(
        "ties-split",
        (*GRADIENTS, *SHARES),
        "equal maxima of a max-pool share what arrives; the first of them, row by row, should get all",
        _changing(ruling(back.at_pools(back.split_ties))),
    ),
    made(
        "pool-overwritten",
        (*GRADIENTS, "grad-cam", *SHARES),
        "where windows of a max-pool overlap, the last one's signal overwrites the others'; they should be added",
        _changing(ruling(back.at_pools(back.overwritten))),
    ),
    made(
        "pool-averaged",
        (*GRADIENTS, *SHARES, *LIFTS),
        "a max-pool hands equal parts to all pixels of a window; the winner should get all",
        _changing(ruling(back.at_pools(back.to_all))),
    ),
    made(
        "filter-unflipped",
        WALKS,
        "a convolution goes back with its filter as it stands; it should be flipped in every direction",
        _changing(seeing(back.unflipped)),
    ),
    made(
        "fork-overwritten",
        WALKS,
        "of what comes back to a node that several layers read, only one part is kept; the parts should be added",
        lambda asked: answer(asked, _overwriting(asked.network)),
    ),
    made(
        "padding-counted",
        (*WALKS, "grad-cam"),
        "an average pool counts its padding although count_include_pad is false, or does not although it is true",
        _with(back.counting_otherwise),
    ),
    made(
        "norm-without-mean",
        GATED,
        "a batch norm does not subtract its running mean",
        _with(back.without_mean),
    ),
    made(
        "norm-by-variance",
        WALKS,
        "a batch norm divides by the variance; it should divide by its root",
        _with(back.by_variance),
    ),
    made(
        "norm-without-weight",
        WALKS,
        "a batch norm does not multiply by its weight",
        _with(back.without_gain),
    ),
)
