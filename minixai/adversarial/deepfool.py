"""DeepFool: the shortest way, as the slopes see it, over the nearest border between two classes, again and again.

On a linear network that is the distance to the border, |f| / ||w||, exactly. Moosavi-Dezfooli, Fawzi and Frossard
(2016); Section 7 of the survey.
"""

from typing import Any

import numpy as np

from minixai.adversarial.aim import Aim, Found, counted
from minixai.adversarial.limits import Box, fraction
from minixai.network import Tape, forward
from minixai.ops import Array
from minixai.ops.numbers import divide, number, zeros
from minixai.walk import walk
from minixai.whitebox.case import per_picture
from minixai.whitebox.gradient import GRADIENT


def deepfool(aim: Aim, overshoot: Any = 0.02, steps: int = 50, at_once: int = 64) -> Found:
    """x plus at most ``steps`` steps, each (1 + overshoot) times as long as to the nearest border; all classes count.

    The border is between the network's decision and the class that is nearest; with a target, between the class that is
    ahead at that step and the target. Inside a box, a pixel that stands on its border and would be pushed out is left
    out of the slope, and every step is clipped. A picture stops when the decision is as wanted, or when a step no
    longer moves it. ``at_once``: how many slopes are asked for in one walk.
    """
    if fraction(overshoot, "overshoot") < 0:
        raise ValueError(f"overshoot is {overshoot}; expected a number of at least 0, as a fraction of each step")
    stretch = number(1 + fraction(overshoot, "overshoot"), aim.x)
    most = counted(steps, "steps", "after so many the attack gives up")
    x, taken, asked = np.array(aim.x), np.zeros(len(aim.x), int), np.zeros(len(aim.x), int)
    moving = np.arange(len(x))
    for turn in range(most + 1):
        asked[moving] += 1
        tape = forward(aim.network, x[moving])
        labels = np.argmax(tape.output.y, axis=1)
        far = ~aim[moving].reached(labels)
        if turn == most or not far.any():
            break
        step = shortest_step(tape, *_borders(aim[moving], labels, tape.output.y.shape[1]), aim.box, at_once)
        new = x[moving] + stretch * step
        new = np.where(per_picture(far, new), new if aim.box is None else aim.box.clip(new), x[moving])
        moved = (new != x[moving]).reshape(len(new), -1).any(axis=1)
        x[moving] = new
        moving = moving[moved]
        taken[moving] += 1
        if not len(moving):
            break
    return Found(x, taken, asked)


def shortest_step(tape: Tape, own: Array, rivals: Array, box: Box | None = None, at_once: int = 64) -> Array:
    """To the nearest border between class ``own`` (N,), which is ahead, and those marked in ``rivals`` (N, K).

    Of the shape of x; 0 where no border has a slope. A few classes at a time, so that a network of a thousand fits.
    """
    n, classes = rivals.shape
    best, distance = zeros(tape.input.y.shape, tape.input.y), np.full(n, np.inf, object)
    width = max(1, at_once // n)
    for first in range(0, classes, width):
        some = np.arange(first, min(first + width, classes))
        gap, slope = _against(tape, own, some)
        squares, way = to_border(gap, slope if box is None else box.free(tape.input.y, slope))
        for squared, step, allowed in zip(squares, way, rivals[:, some].T, strict=True):
            nearer = allowed & (squared < distance)
            distance[nearer] = squared[nearer]
            best = np.where(per_picture(nearer, best), step, best)
    return best


def to_border(gap: Array, slope: Array) -> tuple[Array, Array]:
    """From where f = ``gap`` (...,) with slope w (..., C, H, W), to where f = 0: (f / ||w||)^2 and -f w / ||w||^2.

    The square of the distance, because it is rational where f and w are; infinite where w is 0.
    """
    squared = (slope * slope).reshape(*gap.shape, -1).sum(axis=-1)
    factor = divide(gap, squared)
    reach = np.where(squared > 0, gap * factor, np.inf)
    return reach, -factor.reshape(factor.shape + (1,) * (slope.ndim - factor.ndim)) * slope


def _borders(aim: Aim, labels: Array, classes: int) -> tuple[Array, Array]:
    """The class that is to lose, (N,), and the classes that may win, (N, K)."""
    rows = np.arange(len(labels))
    if aim.target is None:
        rivals = np.ones((len(labels), classes), bool)
        rivals[rows, aim.label] = False
        return aim.label, rivals
    rivals = np.zeros((len(labels), classes), bool)
    rivals[rows, aim.target] = True
    return labels, rivals


def _against(tape: Tape, own: Array, some: Array) -> tuple[Array, Array]:
    """S_k - S_own and its slope, for some classes k: (k, N) and (k, N, C, H, W)."""
    scores, rows = tape.output.y, np.arange(len(own))
    seed = zeros((len(some), *scores.shape), scores)
    seed[np.arange(len(some)), :, some] += 1
    seed[:, rows, own] -= 1
    (*_, last) = walk(tape, seed, GRADIENT)
    x = tape.input.y
    slope = zeros((len(some), *x.shape), x) if last.at.parents else last.arriving
    return scores[:, some].T - scores[rows, own], slope
