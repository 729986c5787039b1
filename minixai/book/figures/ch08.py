"""Chapter 08: how many noisy copies, how much noise, and what is averaged."""

from functools import cache
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book import live, pixels
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import shapes

SIGMAS, AVERAGES = (0.05, 0.15, 0.3, 0.5), ("maps", "signed slopes")
COPIES = (1, 2, 4, 8, 16)  # each twice the one before
SIDE = 128  # pixels: two for each of a picture of 64, four panels fit beside one another
DRAWS = (1, 2)  # seeds: the same question, asked twice
STAR = 4  # of the samples of `shapes`


def noisy(x: Array, sigma: float, n: int, seed: int = 0) -> Array:
    """n copies (n, C, H, W) of the picture x, each with noise of its own: sigma is a fraction of x's range."""
    level = x.dtype.type(sigma * (x.max() - x.min()))
    return x + level * np.random.default_rng(seed).standard_normal((n, *x.shape)).astype(x.dtype)


def slopes(network: Network, pictures: Array, target: int) -> Array:
    """The slopes of one class's score at every picture: (n, C, H, W)."""
    return np.asarray(explain(network, pictures, "gradient", target=[target] * len(pictures)).relevance)


def averaged(raw: Array, average: str) -> Array:
    """Slopes (n, C, H, W) as one map (H, W): ``maps``: Eq. (8) over (6); ``signed slopes``: (6) of their mean."""
    if average not in AVERAGES:
        raise ValueError(f"average is {average!r}; expected one of {', '.join(AVERAGES)}")
    return abs(raw).max(axis=1).mean(axis=0) if average == "maps" else abs(raw.mean(axis=0)).max(axis=0)


def plain_and_smooth(network: Network, x: Array, target: int, seed: int) -> list[Array]:
    """The gradient's map of x, then SmoothGrad's by both ways of averaging: ten copies, noise of 15 % of the range."""
    raw = slopes(network, np.concatenate([x[None], noisy(x, 0.15, 10, seed)]), target)
    return [averaged(raw[:1], "maps"), *(averaged(raw[1:], average) for average in AVERAGES)]


def alike(one: Array, other: Array) -> float:
    """The correlation of two maps: 1 is the same picture, 0 nothing in common."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def floor(map: Array) -> float:
    """The share of a map's largest number that nine pixels in ten lie above."""
    return float(np.quantile(map, 0.1) / map.max())


def smoothing(network: Network | None = None, x: Array | None = None) -> live.Figure:
    """SmoothGrad, drawn twice: noise, copies, and what is averaged. Without arguments: a star, and `shapes`."""
    if network is None or x is None:
        network, x = shapes.load(), shapes.samples().x[STAR]
    target = int(np.argmax(network(x)))
    clean = averaged(slopes(network, x[None], target), "maps")

    @cache
    def raw(sigma: float, seed: int, n: int) -> Array:
        """Slopes at the first n copies of a draw: half of them are asked for anew, the others were."""
        fresh = slopes(network, noisy(x, sigma, n, seed)[n // 2 :], target)
        return fresh if n == 1 else np.concatenate([raw(sigma, seed, n // 2), fresh])

    def draw(sigma: float, n: int, average: str) -> live.Frame:
        one, other = (averaged(raw(sigma, seed, n), average) for seed in DRAWS)
        copy = live.shown(network, noisy(x, sigma, 1, DRAWS[0])[0])
        maps = [pixels.colours(m, pixels.UNSIGNED, float(m.max())) for m in (clean, one, other)]
        panels = [pixels.enlarged(panel, SIDE) for panel in (copy, *maps)]
        return live.Frame(pixels.beside(panels), _words(clean, one, other, n))

    controls: dict[str, Any] = {
        "sigma": live.choice("noise", SIGMAS, 0.15),
        "n": live.choice("copies", COPIES, 1),
        "average": live.choice("average of", AVERAGES, "maps"),
    }
    return live.Figure(draw, controls)


def _words(clean: Array, one: Array, other: Array, n: int) -> str:
    copies = "1 copy" if n == 1 else f"{n} copies"
    return (
        f"From the left: a noisy copy, the clean map, and two draws of {copies} each. Alike, from 0 to 1: the two "
        f"draws {alike(one, other):.2f}; the first draw and the clean map {alike(one, clean):.2f}. Floor of the clean "
        f"map {floor(clean):.0%} of its largest number, of the first draw {floor(one):.0%}."
    )


FIGURES = (smoothing,)
