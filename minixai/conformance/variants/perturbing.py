"""Meaningful perturbation: a mask read the other way round, penalties of another size, other steps down the slope."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minixai.conformance.variants import real
from minixai.conformance.variants.base import Asked, Variant, case_of, made
from minixai.ops import Array, Resize, UnsupportedOp
from minixai.ops.numbers import sign
from minixai.whitebox.gradient import GRADIENT

TENTH, LITTLE = Fraction(1, 10), Fraction(1, 10**8)
NONE: Any = Fraction(0)
ALL: Any = Fraction(1)


class Adam(NamedTuple):
    """What is remembered from step to step."""

    mean: Any = Fraction(0)
    square: Any = Fraction(0)


Move = Callable[[Array, Adam, int, Any], tuple[Array, Adam]]  # (slope, memory, step, rate) -> how far to go, memory


def adam(slope: Array, memory: Adam, step: int, rate: Any, corrected: bool = True) -> tuple[Array, Adam]:
    """A step of Adam with decays 0.9 and 0.999."""
    memory = Adam(memory.mean * 9 * TENTH + slope * TENTH, (memory.square * 999 + slope * slope) / 1000)
    first, second = (1 - Fraction(9, 10) ** step, 1 - Fraction(999, 1000) ** step) if corrected else (1, 1)
    roots = np.array([*map(real.root, (memory.square / second).flat), None], object)[:-1].reshape(slope.shape)
    return rate * (memory.mean / first) / (roots + LITTLE), memory


def _downhill(slope: Array, memory: Adam, step: int, rate: Any) -> tuple[Array, Adam]:
    return rate * slope, memory


def _uphill(slope: Array, memory: Adam, step: int, rate: Any) -> tuple[Array, Adam]:
    move, memory = adam(slope, memory, step, rate)
    return -move, memory


def _by_sign(slope: Array, memory: Adam, step: int, rate: Any) -> tuple[Array, Adam]:
    return rate * np.where(slope == 0, 0 * slope, sign(slope)), memory


def perturbation(
    asked: Asked,
    move: Move = adam,
    shown: Callable[[Array], Array] = lambda m: m,
    fill: Callable[[Array], Array] | None = None,
    params: Callable[[Asked], dict[str, Any]] = lambda asked: {},
    areas: Callable[[int], Any] = lambda cells: Fraction(1, cells),
    pairs: Callable[[int], Any] = lambda pairs: Fraction(1, pairs),
    nearest: bool = False,
    clip: bool = True,
    told: Callable[[Array], Array] = lambda m: 1 - m,
    score: int = 1,
) -> Array:
    """A few steps of Adam with one thing or another changed; with nothing, as it should be. (N, H, W)."""
    said = asked.params | params(asked)
    x, other = asked.x, asked.data["fill"] if fill is None else fill(asked.x)
    space = x.shape[2:] or x.shape[1:]
    mask, memory = np.full((len(x), *said["grid"]), Fraction(said["start"])), Adam()
    for step in range(1, said["n"] + 1):
        m = shown(_enlarged(mask, space, nearest))
        share = m if x.ndim == 2 else m[:, None]
        slope = case_of(asked._replace(x=share * x + (1 - share) * other)).walk(GRADIENT) * (x - other)
        slope = slope if x.ndim == 2 else slope.sum(axis=1)
        down = score * (shown(ALL) - shown(NONE)) * _gathered(slope, said["grid"], nearest)
        down = down - said["l1"] * areas(mask[0].size) + said["l2"] * _roughness(mask, said["beta"], pairs)
        far, memory = move(down, memory, step, said["rate"])
        mask = mask - far
        mask = real.shortened(np.clip(mask, NONE, ALL) if clip else mask)
        memory = Adam(*(real.shortened(np.asarray(v, object)) for v in memory))
    return told(_enlarged(mask, space, nearest))


def _enlarged(mask: Array, space: tuple[int, ...], nearest: bool) -> Array:
    if not nearest:
        return Resize(space).forward(mask)
    for axis, (n, side) in enumerate(zip(mask.shape[1:], space, strict=True), start=1):
        mask = mask.take([i * n // side for i in range(side)], axis)
    return mask


def _gathered(slope: Array, grid: tuple[int, ...], nearest: bool) -> Array:
    """The slope in the cells of the mask: the transposed of ``_enlarged``."""
    cells = np.full((len(slope), *grid), Fraction(0))
    if not nearest:
        return Resize(slope.shape[1:]).adjoint(slope, cells)
    for at in np.ndindex(slope.shape[1:]):
        cell = tuple(i * n // side for i, n, side in zip(at, grid, slope.shape[1:], strict=True))
        cells[(slice(None), *cell)] += slope[(slice(None), *at)]
    return cells


def _roughness(mask: Array, beta: int, pairs: Callable[[int], Any]) -> Array:
    """The slope of the mean of |difference of neighbours|^beta, axis by axis."""
    slope = 0 * mask
    for axis in range(1, mask.ndim):
        step = np.diff(mask, axis=axis)
        if not step.size:
            continue
        pull = beta * abs(step) ** (beta - 1) * sign(step) * pairs(step[0].size)
        slope += np.insert(pull, 0, NONE, axis) - np.insert(pull, step.shape[axis], NONE, axis)
    return slope


def _other_power(asked: Asked) -> dict[str, Any]:
    return {"beta": 2 if asked.params["beta"] != 2 else 3}


def _one_number(asked: Asked) -> Array:
    if all(n == 1 for n in asked.params["grid"]):
        raise UnsupportedOp("the mask is one number already")
    return perturbation(asked, params=lambda asked: {"grid": (1,) * len(asked.params["grid"])})


def _variant(name: str, note: str, find: Callable[[Asked], Array]) -> Variant:
    return made(name, ("meaningful-perturbation",), note, find)


PERTURBING: tuple[Variant, ...] = (
    _variant(
        "mask-turned",
        "where the mask is 1 the picture is perturbed; it should be shown there",
        partial(perturbation, shown=lambda m: 1 - m),
    ),
    _variant(
        "mask-itself",
        "the mask is handed over; what it deletes, 1 - m, should be",
        partial(perturbation, told=lambda m: m),
    ),
    _variant(
        "score-kept",
        "the mask is made to keep the score; it should take the score away",
        partial(perturbation, score=-1),
    ),
    _variant(
        "steps-uphill",
        "steps go up the slope of the objective; they should go down",
        partial(perturbation, move=_uphill),
    ),
    _variant(
        "plain-steps",
        "a step is the slope times the rate; it should be Adam's",
        partial(perturbation, move=_downhill),
    ),
    _variant(
        "steps-by-sign",
        "every step is the rate in the direction of the slope; it should be Adam's, which remembers",
        partial(perturbation, move=_by_sign),
    ),
    _variant(
        "adam-uncorrected",
        "Adam's means are used without the correction for having begun at 0",
        partial(perturbation, move=partial(adam, corrected=False)),
    ),
    _variant(
        "area-summed",
        "l1 stands beside the sum over the cells; it should stand beside their mean",
        partial(perturbation, areas=lambda cells: 1),
    ),
    _variant(
        "roughness-summed",
        "l2 stands beside the sum over the pairs of neighbours; it should stand beside their mean",
        partial(perturbation, pairs=lambda pairs: 1),
    ),
    _variant(
        "area-free",
        "there is no penalty on what the mask deletes",
        partial(perturbation, params=lambda asked: {"l1": Fraction(0)}),
    ),
    _variant(
        "roughness-free",
        "there is no penalty on a rough mask",
        partial(perturbation, params=lambda asked: {"l2": Fraction(0)}),
    ),
    _variant(
        "roughness-other-power",
        "differences of neighbours are squared, whatever beta is (cubed where it is 2)",
        partial(perturbation, params=_other_power),
    ),
    _variant(
        "mask-unclipped",
        "the mask may leave the range from 0 to 1; it should be brought back after every step",
        partial(perturbation, clip=False),
    ),
    _variant(
        "mask-nearest",
        "the mask is enlarged by repeating its cells; it should be interpolated between their centres",
        partial(perturbation, nearest=True),
    ),
    _variant(
        "mask-begins-shown",
        "the mask begins at 1, whatever start is",
        partial(perturbation, params=lambda asked: {"start": Fraction(1)}),
    ),
    _variant(
        "perturbed-black",
        "a pixel that is taken away becomes 0, whatever it should become",
        partial(perturbation, fill=lambda x: 0 * x),
    ),
    _variant(
        "mask-one-number",
        "one number is the mask of the whole picture, whatever the grid",
        _one_number,
    ),
    _variant(
        "a-step-fewer",
        "there is one step fewer than n",
        partial(perturbation, params=lambda asked: {"n": asked.params["n"] - 1}),
    ),
)
