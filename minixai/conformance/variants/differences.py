"""DeepLIFT: other references and winners, no separate parts, other orders of the parts, parts that keep their signs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minixai.conformance.variants.base import LIFTS, Asked, Change, answer, made, ruling
from minixai.network import Step
from minixai.ops import AVERAGES, MAXIMA, WIRES, Add, Array, Conv2d, Conv3d, Linear, ReLU
from minixai.ops.numbers import divide, negative, positive
from minixai.walk import Table
from minixai.whitebox.deeplift import parts
from minixai.whitebox.gradient import adjoint

Parts = tuple[Array, Array]
WITH_WEIGHTS = (Conv2d, Conv3d, Linear)


def _deciding(kinds: Any, choices: Callable[[Step], tuple[Array, Array]]) -> Change:
    """Rules that see other choices, of the picture and of the reference, at these layers."""

    def change(table: Table) -> Table:
        return table | {kind: _otherwise(table[kind], choices) for kind in kinds}

    return change


def _otherwise(rule: Any, choices: Callable[[Step], tuple[Array, Array]]) -> Any:
    def changed(m: Array, step: Step) -> Any:
        now, then = choices(step)
        return rule(m, replace(step, choice=now, ref=replace(step.reference, choice=then)))

    return changed


def _both(choose: Callable[[Step], Array]) -> Callable[[Step], tuple[Array, Array]]:
    return lambda step: (choose(step), choose(step))


# -- RevealCancel ------------------------------------------------------------------------------------------------------


def _by_parts(m: Array, step: Step, dys: Parts, dzs: Parts) -> Array:
    """m^+ dz^+/dy^+ and m^- dz^-/dy^-; a part that is 0 takes the gradient at the reference."""
    slope = np.where(step.reference.choice, dys[0] * 0 + 1, dys[0] * 0)
    return m * np.stack([np.where(dy == 0, slope, divide(dz, dy)) for dy, dz in zip(dys, dzs, strict=True)])


def _positive_first(m: Array, step: Step) -> Array:
    y0, (up, down) = step.reference.x, parts(step.parents[0])
    first, second = positive(y0 + up) - positive(y0), positive(y0 + up + down) - positive(y0 + up)
    return _by_parts(m, step, (up, down), (first, second))


def _negative_first(m: Array, step: Step) -> Array:
    y0, (up, down) = step.reference.x, parts(step.parents[0])
    first, second = positive(y0 + down) - positive(y0), positive(y0 + up + down) - positive(y0 + down)
    return _by_parts(m, step, (up, down), (second, first))


def carried(step: Step) -> Parts:
    """The parts of a node's difference, where a layer sorts the parts of what it reads by the weights' signs."""
    op: Any = step.op
    if isinstance(op, WITH_WEIGHTS):
        (up, down), plus, minus = carried(step.parents[0]), positive(op.weight), negative(op.weight)
        return op.linear(up, plus) + op.linear(down, minus), op.linear(up, minus) + op.linear(down, plus)
    if isinstance(op, (*AVERAGES, *WIRES, Add)):
        ups, downs = zip(*map(carried, step.parents), strict=True)
        return op.forward(*ups), op.forward(*downs)
    if isinstance(op, ReLU):
        y0, (up, down), g = step.reference.x, carried(step.parents[0]), positive
        rise = ((g(y0 + up) - g(y0)) + (g(y0 + up + down) - g(y0 + down))) / 2
        fall = ((g(y0 + down) - g(y0)) + (g(y0 + down + up) - g(y0 + up))) / 2
        return rise, fall
    return positive(step.dy), negative(step.dy)


def _carried_relu(m: Array, step: Step) -> Array:
    return _by_parts(m, step, carried(step.parents[0]), carried(step))


def _carried_weights(m: Array, step: Step) -> Array:
    """The positive part of x_i receives m^+ by positive weights and m^- by negative ones; the other the opposite."""
    op: Any = step.op
    plus, minus = (op.transposed(m, w, step.x) for w in (positive(op.weight), negative(op.weight)))
    return np.stack([plus[0] + minus[1], plus[1] + minus[0]])


CARRIED: dict[Any, Any] = {
    **dict.fromkeys(WITH_WEIGHTS, _carried_weights),
    **dict.fromkeys((*AVERAGES, Add), adjoint),
    ReLU: _carried_relu,
}


def _by_rescale(asked: Asked) -> Array:
    return answer(asked._replace(method="deeplift-rescale"))


def _by_revealcancel(asked: Asked) -> Array:
    return answer(asked._replace(method="deeplift-revealcancel"))


def _changing(change: Change) -> Callable[[Asked], Array]:
    return lambda asked: answer(asked, change)


REVEAL = ("deeplift-revealcancel",)
DIFFERENCES = (
    made(
        "winner-under-picture",
        LIFTS,
        "a max-pool credits its winner under the picture where the maximum fell, too; there it should be the winner "
        "under the reference",
        _changing(_deciding(MAXIMA, _both(lambda step: step.choice))),
    ),
    made(
        "winner-under-reference",
        LIFTS,
        "a max-pool credits its winner under the reference where the maximum rose, too; there it should be the winner "
        "under the picture",
        _changing(_deciding(MAXIMA, _both(lambda step: step.reference.choice))),
    ),
    made(
        "slope-at-picture",
        REVEAL,
        "where a part of a ReLU's input did not move, its multiplier is the slope at the picture; it should be that at "
        "the reference",
        _changing(_deciding((ReLU,), _both(lambda step: step.choice))),
    ),
    made(
        "still-is-zero",
        LIFTS,
        "where a ReLU's input (or a part of it) did not move, its multiplier is 0; it should be the slope at the "
        "reference",
        _changing(_deciding((ReLU,), _both(lambda step: step.choice & False))),
    ),
    made(
        "rescale-for-revealcancel",
        REVEAL,
        "the Rescale rule is used: positive and negative parts are not separated",
        _by_rescale,
    ),
    made(
        "revealcancel-for-rescale",
        ("deeplift-rescale",),
        "the RevealCancel rule is used: positive and negative parts are separated",
        _by_revealcancel,
    ),
    made(
        "positive-part-first",
        REVEAL,
        "the positive part takes effect before the negative one; it should be the mean of both orders",
        _changing(ruling({ReLU: _positive_first})),
    ),
    made(
        "negative-part-first",
        REVEAL,
        "the negative part takes effect before the positive one; it should be the mean of both orders",
        _changing(ruling({ReLU: _negative_first})),
    ),
    made(
        "parts-carried",
        REVEAL,
        "a layer sorts the two parts of each input by the weights' signs, so that they never cancel; it should sort "
        "the inputs' whole differences",
        _changing(ruling(CARRIED)),
    ),
)
