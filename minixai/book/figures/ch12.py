"""Chapter 12: ten eggs, and milk that rises; what Rescale and RevealCancel say of it; and of handwritten digits."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minixai.api import explain, rules
from minixai.book.examples import TWO_PIXELS, two_pixels
from minixai.book.nokernel import Board
from minixai.book.numbers.ch12 import KITCHENS, RULES
from minixai.book.verdict import coloured
from minixai.draw.page import blank
from minixai.draw.style import AGAINST, FOR, styled
from minixai.network import Network, Step, forward
from minixai.ops import Array, ReLU, exact
from minixai.walk import walk
from minixai.whitebox.deeplift import parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEFORE: Mapping[str, Array] = {
    "empty (0, 0)": KITCHENS["empty"],
    "milk was there (0, 6)": KITCHENS["milk"],
    "yesterday's (4, 8)": KITCHENS["both"],
}
EGGS, MOST, PER_CUP = int(TWO_PIXELS[0]), 12, 4  # eggs; cups of milk at the most; places per cup


def shares(milk: float, kitchen: str) -> dict[str, Array]:
    """{rule: (eggs, milk)}, exactly, for ten eggs and so many cups, compared with that kitchen."""
    if kitchen not in BEFORE:
        raise ValueError(f"kitchen is {kitchen!r}; expected one of {', '.join(BEFORE)}")
    x, reference = exact([EGGS, milk]), BEFORE[kitchen]
    named = {"Rescale": RULES["rescale"], "RevealCancel": RULES["reveal"]}
    return {rule: explain(two_pixels(), x, m, target=0, baseline=reference).relevance for rule, m in named.items()}


def crossing(milk: float = 6, kitchen: str = "empty (0, 0)") -> Board:
    """The milk rises past the ten eggs: what both rules give to eggs and milk, from one of three kitchens."""
    if not 0 <= milk <= MOST:
        raise ValueError(f"milk is {milk}; expected 0 to {MOST} cups")
    found = {rule: pair.astype(float) for rule, pair in shares(milk, kitchen).items()}
    words = f"Ten eggs, {milk:g} cups of milk; the kitchen before: {kitchen}. What both rules give to eggs and milk."
    still = coloured({"now": np.array([EGGS, milk], float), **found})
    return Board("crossing", {"milk": milk, "kitchen": kitchen, "seen": [milk]}, still, words)


def crossed() -> "Figure":
    """The whole way of the milk at once: what the eggs get, by both rules, from each kitchen."""
    cups = np.arange(MOST * PER_CUP + 1) / PER_CUP
    words = (
        "Three panels, one per kitchen: what the eggs get while the milk rises from 0 to 12 cups. From the empty "
        "kitchen Rescale, a solid line, stays at 0 and jumps to 10 at ten cups; RevealCancel, a dashed line, climbs to "
        "5 and stays. From the other two kitchens both lines are unbroken."
    )
    with styled():
        figure = blank(9.6, 2.9, words)
        figure.set_layout_engine("constrained")
        panels = figure.subplots(1, len(BEFORE), sharey=True)
        for panel, kitchen in zip(panels, BEFORE, strict=True):
            found = [shares(float(milk), kitchen) for milk in cups]
            rescale, reveal = (np.array([float(f[rule][0]) for f in found]) for rule in ("Rescale", "RevealCancel"))
            for piece in _unbroken(cups, rescale):
                panel.plot(*piece, color=FOR, label="Rescale" if piece[0][0] == 0 else None)
            panel.plot(cups, reveal, "--", color=AGAINST, label="RevealCancel")
            panel.set_title(kitchen)
            panel.set_xlabel("cups of milk")
        panels[0].set_ylabel("what the eggs get")
        panels[0].legend(frameon=False)
    return figure


def _unbroken(x: Array, y: Array) -> list[tuple[Array, Array]]:
    """The pieces of a curve between its jumps: where it moves by more than 1 from one place to the next."""
    at = np.flatnonzero(abs(np.diff(y)) > 1) + 1
    return list(zip(np.split(x, at), np.split(y, at), strict=True))


# -- digits ------------------------------------------------------------------------------------------------------------


def rather(network: Network, x: Array, rule: str, classes: Sequence[int], others: Sequence[int]) -> Array:
    """What speaks for each picture's class rather than for another one: the difference of two maps, from black."""
    one, two = (explain(network, x, rule, target=[int(c) for c in cs]).relevance for cs in (classes, others))
    return np.asarray(one - two)


def blacked_out(x: Array, R: Array, k: int) -> Array:
    """Copies of the pictures x (N, C, H, W), 0 where R is largest, at k places of each."""
    copies = x.reshape(len(x), -1).copy()
    np.put_along_axis(copies, np.argsort(-R.reshape(len(x), -1), axis=1)[:, :k], 0, axis=1)
    return copies.reshape(x.shape)


def one_step_of_ink(x: Array, seed: int = 0) -> Array:
    """Copies of digits x (N, 1, 8, 8) from 0 to 1, in each of which one random pixel is 1/16 darker or lighter."""
    copies = x.reshape(len(x), -1).copy()
    at = np.arange(len(x)), np.random.default_rng(seed).integers(copies.shape[1], size=len(x))
    copies[at] += np.where(copies[at] < 0.5, 1 / 16, -1 / 16)
    return copies.reshape(x.shape)


def two_signals(effects: Callable[..., Array], network: Network, x: Array, x0: Array, seed: Array) -> Array:
    """RevealCancel's contributions to seed . scores, with these effects (y0, good, bad) -> (2, ...) at every ReLU."""

    def relu(m: Array, step: Step) -> Array:
        d, y0 = np.stack(parts(step.parents[0])), step.reference.x
        still = abs(d) < 1e-7
        return m * np.where(still, y0 > 0, effects(y0, *d) / np.where(still, 1, d))  # (25)

    tape = forward(network, x, ref=forward(network, x0))
    *_, last = walk(tape, np.stack([seed, seed])[:, None], rules("deeplift-revealcancel") | {ReLU: relu})
    return np.asarray((last.arriving * np.stack(parts(tape.input))).sum(axis=0)[0])  # (22)


FIGURES = (crossing,)
