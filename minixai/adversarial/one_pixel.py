"""One pixel: differential evolution looks for the place and the colour that change the decision.

It asks for scores only, never for slopes. Su, Vargas and Sakurai (2019); Section 6 of the survey.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minixai.adversarial.aim import Aim, Found, counted
from minixai.adversarial.limits import Box
from minixai.network import forward
from minixai.ops import Array, is_exact


def one_pixel(
    aim: Aim,
    population: int = 400,
    generations: int = 75,
    F: float = 0.5,
    seed: int = 0,
    at_once: int = 64,
    progress: bool | None = None,
) -> Found:
    """x with one pixel, all its channels, of another colour; the best one found where none changes the decision.

    A candidate is a place and a colour. In every generation each candidate has a child r1 + F (r2 - r3), made of three
    different candidates drawn at random, that takes its place if it is no worse: if the network's decision is no more
    probable, or the target no less. Nothing is crossed over. The search ends with the first candidate that reaches the
    aim, or after ``generations`` generations. Each picture draws from ``seed`` anew, so it does not matter which others
    are with it.
    """
    size = counted(population, "population", "each child has three different parents", least=3)
    turns = counted(generations, "generations", "0 takes the best of the first draw", least=0)
    rng_seed = counted(seed, "seed", "what places and colours are drawn from", least=0)
    if isinstance(F, bool) or not isinstance(F, int | float) or not 0 < F <= 2:
        raise ValueError(f"F is {F!r}; expected a number above 0, at most 2: how far children go")
    if is_exact(aim.x):
        raise ValueError("one-pixel draws its colours at random, in floats; convert: net.astype('float64')")
    box = aim.within("one-pixel")
    found = []
    for i in range(len(aim.x)):
        search = Search(aim[i : i + 1], box, at_once)
        found.append(search.run(np.random.default_rng(rng_seed), size, turns, float(F), progress))
    steps, asked = (np.array([row[k] for row in found]) for k in (1, 2))
    return Found(np.concatenate([row[0] for row in found]), steps, asked)


@dataclass(frozen=True, eq=False)
class Search:
    """One picture, (1, C, H, W). Candidates are rows: a place (row, column), then a colour in pixel units."""

    aim: Aim
    box: Box
    at_once: int

    def run(
        self, rng: np.random.Generator, size: int, turns: int, F: float, progress: bool | None
    ) -> tuple[Array, int, int]:
        """(the attacked picture, the generations it took, how many pictures were scored)."""
        from tqdm import tqdm

        crowd, turn = self.first(rng, size), 0
        value, there = self.judged(crowd)
        hidden = None if progress is None else not progress
        with tqdm(total=turns, desc="generations", leave=False, disable=hidden) as bar:
            while turn < turns and not there.any():
                children = self.children(rng, crowd, F)
                young, arrived = self.judged(children)
                better = young <= value
                crowd[better], value[better], there[better] = children[better], young[better], arrived[better]
                turn += 1
                bar.update()
        best = int(np.argmin(np.where(there, value, np.inf) if there.any() else value))
        return self.painted(crowd[best : best + 1]), turn, size * (turn + 1)

    def first(self, rng: np.random.Generator, size: int) -> Array:
        """Places drawn evenly, colours from a bell around middle grey as wide as half the way from black to white."""
        places = rng.random((size, len(self.space))) * self.space
        return self.inside(np.hstack([places, 0.5 + 0.5 * rng.standard_normal((size, self.channels))]))

    def children(self, rng: np.random.Generator, crowd: Array, F: float) -> Array:
        """r1 + F (r2 - r3) for each candidate, with three different members of the crowd."""
        numbers = np.broadcast_to(np.arange(len(crowd)), (len(crowd), len(crowd)))
        r1, r2, r3 = (crowd[r] for r in rng.permuted(numbers, axis=1)[:, :3].T)
        return self.inside(r1 + F * (r2 - r3))

    def inside(self, crowd: Array) -> Array:
        """The candidates with places in the picture and colours in the box: whatever is outside goes to the border."""
        top = np.array([*np.nextafter(self.space, 0), *(1.0,) * self.channels])
        return crowd.clip(0, top)

    def judged(self, crowd: Array) -> tuple[Array, Array]:
        """How far each candidate is from the aim, lower is better, and whether it is there.

        The log-odds of the class in question: in the same order as its probability, but never rounded to 0 or 1. A
        candidate that changes nothing, because it repeats the pixel's own colour, is the worst there is.
        """
        pictures, parts = self.painted(crowd), range(0, len(crowd), self.at_once)
        scores = np.concatenate([forward(self.aim.network, pictures[i : i + self.at_once]).output.y for i in parts])
        target = self.aim.target
        odds = log_odds(scores, self.aim.label[0]) if target is None else -log_odds(scores, target[0])
        changed = (pictures != self.aim.x).reshape(len(crowd), -1).any(axis=1)
        return np.where(changed, odds, np.inf), self.aim.reached(np.argmax(scores, axis=1))

    def painted(self, crowd: Array) -> Array:
        """The picture once for each candidate, with the candidate's pixel in it."""
        x = self.aim.x if self.aim.x.ndim > 2 else self.aim.x[:, None]  # features as one channel
        low, high = (np.broadcast_to(bound, self.aim.x.shape[1:]).reshape(x.shape[1:]) for bound in self.bounds)
        places, shades = np.hsplit(crowd, [len(self.space)])
        at: Any = (slice(None), *places.astype(int).T)
        colours = np.clip(low[at] + shades.T * (high[at] - low[at]), low[at], high[at])
        pictures = np.repeat(x, len(crowd), axis=0)
        pictures[(np.arange(len(crowd)), *at)] = colours.T
        return pictures.reshape(len(crowd), *self.aim.x.shape[1:])

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Black and white."""
        return self.box.low, self.box.high

    @property
    def space(self) -> tuple[int, ...]:
        """The axes that a place has: (H, W); of features, (F,)."""
        return self.aim.x.shape[2:] or self.aim.x.shape[1:]

    @property
    def channels(self) -> int:
        """How many numbers a colour has."""
        return self.aim.x.shape[1] if self.aim.x.ndim > 2 else 1


def log_odds(scores: Array, c: Any) -> Array:
    """log(p_c / (1 - p_c)) of the softmax: S_c - log sum_{k != c} exp(S_k), (N,), in double precision."""
    others = np.delete(scores.astype(np.float64), c, axis=1)
    top = others.max(axis=1)
    return scores[:, c] - top - np.log(np.exp(others - top[:, None]).sum(axis=1))
