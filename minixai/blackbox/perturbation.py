"""Section 2.1, meaningful perturbation: the smallest mask that takes the score away, found by going down a slope.

It needs the score's slope in the picture, which a plain function does not have. Fong and Vedaldi (2017).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.blackbox.scoring import Answer, Asking, Question, filling, whole
from minixai.ops import Array, Resize, is_exact
from minixai.ops.base import sizes
from minixai.ops.numbers import in_arithmetic_of

PERTURBATIONS = ("blur", "constant", "noise")


def meaningful_perturbation(
    question: Question,
    l1: float = 0.1,
    l2: float = 0.2,
    beta: float = 3,
    perturbation: str = "blur",
    blur: float = 0.1,
    fill: Any = "grey",
    noise: Any = None,
    grid: Any = None,
    n: int = 300,
    rate: float = 0.1,
    start: float = 0,
    jitter: int = 1,
    seed: int = 0,
    score: str = "probability",
    at_once: int = 64,
    progress: bool | None = None,
) -> Answer:
    """How much of each pixel the best mask deletes: 1 - m, in [0, 1], (H, W).

    m minimises l1 mean(1 - m) + l2 TV_beta(m) + S_c(m x + (1 - m) x'), see :func:`total_variation`, by ``n`` steps of
    Adam of size ``rate``, kept in [0, 1]. It begins at ``start``: with all hidden, because a probability near 1 has no
    slope to go down. It is a ``grid`` of numbers, resized to the picture (None: an eighth of the picture's sides, at
    least 16, at most the picture). x', by ``perturbation``: "blur" is the picture
    under a Gaussian, its deviation a fraction ``blur`` of the longer side; "constant" is ``fill``, as for occlusion;
    "noise" is ``noise`` (C, H, W), else drawn normal, with the picture's own mean and deviation in every channel. At
    every step the picture moves under the mask by up to ``jitter`` pixels; ``seed`` draws that, and the noise.
    """
    asking = Asking(question, score, at_once, progress)
    clean = asking.clean
    _check(question.x, l1, l2, beta, perturbation, blur, rate, start)
    steps, most = whole(n, "n", "the number of steps"), whole(jitter, "jitter", "pixels", 0)
    rng, space = np.random.default_rng(whole(seed, "seed", "what noise and jitter are drawn from", 0)), question.space
    size = tuple(min(m, max(16, m // 8)) for m in space) if grid is None else sizes(grid, len(space), "grid")
    if any(g > m for g, m in zip(size, space, strict=True)):
        raise ValueError(f"grid is {size}, finer than the picture, {space}; choose a coarser one")
    other = perturbed(question, perturbation, blur, fill, noise, rng)
    objective = Objective(asking, question.x, other, size, l1, l2, beta)
    mask, memory = np.full((len(question.x), *size), float(start)), (np.zeros(()), np.zeros(()))
    with asking.bar(steps, "meaningful-perturbation") as bar:
        for step in range(1, steps + 1):
            _, slope = objective.at(mask, rng.integers(-most, most + 1, len(space)))
            move, memory = adam(slope, memory, step, rate)
            mask = np.clip(mask - move, 0, 1)
            bar.update()
    before, after = (objective.at(m)[0] for m in (np.ones_like(mask), mask))
    went = [f"{a:.4g} -> {b:.4g}" for a, b in zip(before, after, strict=True)]
    choices = {"grid": size, "objective": went[0] if len(went) == 1 else went}
    return Answer(1 - objective.enlarged(mask), "none", said=choices, score=clean)


@dataclass(frozen=True, eq=False)
class Objective:
    """What is minimised, for every picture of the batch at once: ``at(mask)`` is its value (N,) and its slope.

    ``x`` are the pictures, ``other`` what they become where the mask is 0, ``size`` the mask's grid.
    """

    asking: Asking
    x: Array
    other: Array
    size: tuple[int, ...]
    l1: float
    l2: float
    beta: float

    def at(self, mask: Array, move: Any = None) -> tuple[Array, Array]:
        """The value (N,) and its slope in the mask (N, *size), with the pictures moved by so many pixels."""
        x, other = (moved(a, move) for a in (self.x, self.other))
        m = self.enlarged(mask)
        share = m if x.ndim == 2 else m[:, None]  # features have no channels
        score, slope = self.asking.slopes((share * x + (1 - share) * other).astype(x.dtype))
        in_mask = slope * (x - other)
        in_mask = self._resize.adjoint(in_mask if x.ndim == 2 else in_mask.sum(axis=1), mask)
        cells = tuple(range(1, mask.ndim))
        rough, roughness = total_variation(mask, self.beta)
        value = score + self.l1 * (1 - mask).mean(axis=cells) + self.l2 * rough
        return value, in_mask - self.l1 / np.prod(self.size) + self.l2 * roughness

    def enlarged(self, mask: Array) -> Array:
        """The mask at the size of the picture: (N, H, W)."""
        return self._resize.forward(mask)

    @property
    def _resize(self) -> Resize:
        return Resize(self.x.shape[2:] or self.x.shape[1:])


def total_variation(mask: Array, beta: float) -> tuple[Array, Array]:
    """TV_beta: the mean of |difference of neighbours|^beta along each axis, summed, (N,); and its slope in the mask."""
    value, slope = np.zeros(len(mask)), np.zeros_like(mask)
    for axis in range(1, mask.ndim):
        step = np.diff(mask, axis=axis)
        if not step.size:
            continue  # one cell has no neighbours
        count = step[0].size
        value += (abs(step) ** beta).reshape(len(mask), -1).sum(axis=1) / count
        pull = beta * abs(step) ** (beta - 1) * np.sign(step) / count
        later, earlier = ([slice(None)] * mask.ndim for _ in range(2))
        later[axis], earlier[axis] = slice(1, None), slice(None, -1)
        slope[tuple(later)] += pull
        slope[tuple(earlier)] -= pull
    return value, slope


def perturbed(question: Question, how: str, blur: float, fill: Any, noise: Any, rng: np.random.Generator) -> Array:
    """x': the pictures with nothing left to see, of the shape of x."""
    x, space = question.x, tuple(range(2, question.x.ndim)) or (1,)
    if how == "constant":
        return filling(question, fill)[0]
    if how == "blur":
        return _blurred(x, blur * max(question.space), space)
    draw = rng.standard_normal(x.shape[1:]) if noise is None else in_arithmetic_of(x, noise, "noise")
    if draw.shape != x.shape[1:]:
        raise ValueError(f"noise has shape {draw.shape}; expected that of a picture, {x.shape[1:]}")
    return (x.mean(axis=space, keepdims=True) + x.std(axis=space, keepdims=True) * draw).astype(x.dtype)


def moved(x: Array, move: Any = None) -> Array:
    """The pictures moved by so many pixels along each axis; what comes in at a border repeats the border."""
    if move is None:
        return x
    lead = x.ndim - len(move)
    for axis, pixels in enumerate(move, start=lead):
        x = np.take(x, np.clip(np.arange(x.shape[axis]) - pixels, 0, x.shape[axis] - 1), axis=axis)
    return x


def adam(slope: Array, memory: tuple[Array, Array], step: int, rate: float) -> tuple[Array, tuple[Array, Array]]:
    """How far to go at step number ``step`` (from 1), and what to remember: Algorithm 1 of Kingma and Ba (2015)."""
    a, b, eps = 0.9, 0.999, 1e-8
    mean, square = a * memory[0] + (1 - a) * slope, b * memory[1] + (1 - b) * slope**2
    return rate * (mean / (1 - a**step)) / (np.sqrt(square / (1 - b**step)) + eps), (mean, square)


def _blurred(x: Array, sigma: float, space: tuple[int, ...]) -> Array:
    try:
        from scipy.ndimage import gaussian_filter
    except ModuleNotFoundError as error:
        raise ImportError("blurring needs SciPy: pip install 'minixai[book]', or perturbation='constant'") from error
    return gaussian_filter(x, sigma, mode="nearest", axes=space)


def _check(
    x: Array, l1: float, l2: float, beta: float, perturbation: str, blur: float, rate: float, start: float
) -> None:
    if is_exact(x):
        raise ValueError("meaningful-perturbation goes down a slope step by step, in floats: x.astype('float64')")
    if l1 < 0 or l2 < 0 or beta < 1 or blur <= 0 or rate <= 0:
        raise ValueError(
            f"got l1 {l1}, l2 {l2}, beta {beta}, blur {blur}, rate {rate}; expected l1 and l2 of at least 0, beta of "
            "at least 1, blur and rate above 0"
        )
    if not 0 <= start <= 1:
        raise ValueError(f"start is {start}; expected a number from 0 (all hidden) to 1 (all shown)")
    if perturbation not in PERTURBATIONS:
        raise ValueError(f"perturbation is {perturbation!r}; expected one of {', '.join(PERTURBATIONS)}")
