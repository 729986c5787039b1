"""The fast gradient sign method: every pixel one step, of one size, in the direction that raises the loss.

It asks for the slope of the loss once. Goodfellow, Shlens and Szegedy (2015); Section 7 of the survey.
"""

from typing import Any

import numpy as np

from minixai.adversarial.aim import Aim, Found
from minixai.adversarial.limits import Box, fraction
from minixai.network import forward
from minixai.ops import Array, Softmax, UnsupportedOp, is_exact
from minixai.ops.numbers import zeros
from minixai.walk import walk
from minixai.whitebox.gradient import GRADIENT


def fgsm(aim: Aim, eps: Any = 0.02) -> Found:
    """x + eps sign(dL/dx), with L the cross-entropy of the network's own decision; x - eps sign(dL/dx) with a target.

    ``eps`` is in pixel units, from 0 to 1. No pixel leaves the box, or is further than eps from where it was; a pixel
    without a slope stays. In fractions only for two classes: the slope of other cross-entropies is not rational.
    """
    within = aim.within("fgsm")
    size = fraction(eps, "eps")
    if not 0 <= size <= 1:
        raise ValueError(f"eps is {eps}; expected a number from 0 to 1, in pixel units: 1 is from black to white")
    wanted = aim.label if aim.target is None else aim.target
    tape = forward(aim.network, aim.x)
    (*_, last) = walk(tape, loss_seed(tape.output.y, wanted), GRADIENT)
    slope = zeros(aim.x.shape, aim.x) if last.at.parents else last.arriving
    once = np.ones(len(aim.x), int)
    return Found(stepped(aim.x, slope if aim.target is None else -slope, within.around(aim.x, size)), once, once)


def stepped(x: Array, uphill: Array, limits: Box) -> Array:
    """Every pixel at the end of its interval: the upper one where uphill is positive, the lower one where negative."""
    return np.where(uphill > 0, limits.high, np.where(uphill < 0, limits.low, x))


def loss_seed(scores: Array, wanted: Array) -> Array:
    """The slope of the cross-entropy of class t in the scores, p - [k = t], over its own 1 - p_t: (N, K).

    A positive factor changes no sign. This one is left out because it is rounded to 0 where the network is sure, and
    with it every slope: what remains is q - [k = t], with q the softmax over the other classes alone.
    """
    n, classes = scores.shape
    rows = np.arange(n)
    others = np.ones((n, classes), bool)
    others[rows, wanted] = False
    if is_exact(scores) and classes != 2:
        raise UnsupportedOp(
            f"the cross-entropy of {classes} classes has no rational slope, so fractions cannot tell its sign; use "
            "floats: net.astype('float64')"
        )
    seed = zeros(scores.shape, scores)
    seed[rows, wanted] = -1
    if classes == 2:
        seed[others] = 1
    else:
        seed[others] = Softmax().forward(scores[others].reshape(n, classes - 1)).ravel()
    return seed
