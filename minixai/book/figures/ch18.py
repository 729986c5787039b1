"""Chapter 18: sixteen answers sorted; eight maps without names; which way to turn; a lesion painted over; one page."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.api import explain
from minixai.book import live, pixels
from minixai.book.numbers import say
from minixai.book.numbers.ch18 import ASKED, sixteen, stay
from minixai.book.puzzles import scrambled
from minixai.draw.page import blank
from minixai.draw.several import strip
from minixai.draw.style import QUIET, styled
from minixai.experiments import EXPERIMENTS, Outcome, stored
from minixai.experiments.record import CONFIRMED, OPEN, REFUTED, combined
from minixai.experiments.subjects import correlation
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import lesion, load
from minixai.zoo.lesions import lesion_picture, lesion_pictures
from minixai.zoo.scenes import scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEFT = 'style="text-align: left; vertical-align: top"'

# -- sixteen answers ---------------------------------------------------------------------------------------------------


class Sixteen:
    """The answers of sixteen methods at (10, 6), under the question that each answers. Put it last in a cell."""

    def __init__(self) -> None:
        same = stay()
        self.rows = [
            (question, name, say(answer), say(answer.sum()) if self.adds_up(question) else "-", name in same)
            for (name, answer), (question, _, _) in zip(sixteen().items(), ASKED.values(), strict=True)
        ]

    @staticmethod
    def adds_up(question: str) -> bool:
        """Whether the answers to it are amounts of score, so that their sum means something."""
        return question in ("what made it up?", "compared with what?")

    def __repr__(self) -> str:
        told, last = [], ""
        for question, name, answer, total, _ in self.rows:
            told += [question] * (question != last)
            told.append(f"  {name:21}{answer:22}{total}")
            last = question
        return "\n".join(told)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" {LEFT}>{t}</th>' for t in ("the question", "method", "answer", "sum"))
        body, last = "", ""
        for question, *cells, _ in self.rows:
            first = "" if question == last else question
            told = "".join(f"<td {LEFT}>{escape(cell)}</td>" for cell in cells)
            body += f'<tr><th scope="row" {LEFT}>{first}</th>{told}</tr>'
            last = question
        caption = "Sixteen answers about min(x1, x2) at (10, 6); whatever compares, compares with black"
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


# -- eight maps without names ------------------------------------------------------------------------------------------

SCRAMBLED = "scrambled"
EIGHT: dict[str, tuple[str, dict[str, Any]]] = {
    "A": ("smoothgrad", {"n": 20}),
    "B": ("lrp-alphabeta", {"alpha": 1, "beta": 0}),
    "C": ("grad-cam", {}),
    "D": ("guided-backprop", {}),
    "E": (SCRAMBLED, {}),
    "F": ("lrp-0", {}),
    "G": ("fem", {}),
    "H": ("gradient", {}),
}
FORGETFUL = "guided-backprop"  # the method whose map comes from the network with shuffled weights
PLACE = 3, 9  # seed and number of the drawing


@cache
def eight_maps() -> tuple[Array, tuple[str, str], dict[str, tuple[Array, Array]]]:
    """The picture, two classes, and {letter: heat maps for the network's own class and for the runner-up}."""
    picture, network = scene(*PLACE).picture, load("shapes")
    x = network.preprocess(picture)
    second, first = np.argsort(network(x))[-2:]
    lost = scrambled(network, seed=18)
    found = {}
    for letter, (name, params) in EIGHT.items():
        asked, method = (lost, FORGETFUL) if name == SCRAMBLED else (network, name)
        found[letter] = tuple(explain(asked, x, method, target=int(c), **params).heatmap for c in (first, second))
    own, other = (str((network.classes or ())[c]) for c in (first, second))
    return picture, (own, other), found


def eight() -> "Figure":
    """Eight maps of one drawing, each for two classes and with how alike the two are; the names are not told."""
    picture, classes, found = eight_maps()
    named: dict[str, Array] = {}
    for letter, (own, other) in found.items():
        named[f"{letter}: {classes[0]}"] = own
        named[f"{letter}: {classes[1]}, {correlation(own, other):.2f} alike"] = other
    title = f"Why {classes[0]}? And why {classes[1]}?"
    return strip(named, title=title, signed=False, columns=4)


def the_drawing() -> live.Frame:
    """The drawing that the eight maps explain."""
    picture, (own, other), _ = eight_maps()
    words = f"The drawing: on checked ground lies a dark {own}. The runner-up of the network is {other}."
    return live.Frame(pixels.enlarged(picture, live.SIDE), words)


# -- which way to turn -------------------------------------------------------------------------------------------------

LADDER = (  # {question: where its answer "no" or "yes" leaves the ladder, and what then}
    ("May you look inside?", "no", "Occlusion, LIME (02).\nName the fill."),
    ("Is it about the map itself?", "yes", "Scramble, delete,\ncount over a hundred (15)."),
    ("Is it a 'what if'?", "yes", "Change it and ask again\n(01, 14). No map."),
    ("Against something you can name?", "yes", "IG, DeepLIFT (07, 12),\nfrom that reference."),
    ("Is it about one class?", "no", "FEM (13): where is\nthe network busy?"),
    ("Shares of the score?", "yes", "LRP (10): name rules,\nand what biases keep."),
    ("What the next step would do?", "yes", "The gradient (06),\nin score per unit."),
)
LAST = "A region for the class:\nGrad-CAM (09), coarse."


def ladder() -> "Figure":
    """Seven questions one below the other, the ways out to the right."""
    steps = [f"{q} If {way}: {out}" for q, way, out in LADDER]
    words = "A flow chart, from the top: " + " Otherwise: ".join(steps).replace("\n", " ")
    words += f" Otherwise: {LAST}".replace("\n", " ")
    across, high, step = 8.0, 0.46, 0.66
    tall = step * (len(LADDER) + 1) + 0.1
    with styled():
        figure = blank(across, tall, words)
        page = figure.add_axes((0, 0, 1, 1))
        page.set(xlim=(0, across), ylim=(tall, 0))
        page.axis("off")
        for k, (question, way, out) in enumerate(LADDER):
            y = 0.35 + step * k
            _box(page, 0.2, y, 3.3, high, question, fill="#fff2cc")
            _arrow(page, (3.5, y), (4.7, y), way, (4.05, y - 0.07))
            _box(page, 4.7, y, 3.0, high, out, fill="#d9ead3")
            _arrow(page, (1.85, y + high / 2), (1.85, y + step - high / 2), "yes" if way == "no" else "no",
                   (2.0, y + step / 2 + 0.06), beside=True)  # fmt: skip
        _box(page, 0.2, 0.35 + step * len(LADDER), 3.3, high, LAST, fill="#d9ead3")
    return figure


def _box(page: Any, left: float, middle: float, width: float, height: float, text: str, fill: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    round_box = "round,pad=0,rounding_size=0.08"
    at = left, middle - height / 2
    page.add_patch(FancyBboxPatch(at, width, height, round_box, facecolor=fill, edgecolor=QUIET, linewidth=0.8))
    page.text(left + width / 2, middle, text, size=9, ha="center", va="center", linespacing=1.15)


def _arrow(
    page: Any, start: tuple[float, float], end: tuple[float, float], said: str, at: tuple[float, float],
    beside: bool = False,
) -> None:  # fmt: skip
    page.annotate("", end, start, arrowprops={"arrowstyle": "->", "lw": 0.9, "shrinkA": 0, "shrinkB": 0})
    page.text(*at, said, size=8.5, style="italic", ha="left" if beside else "center", va="bottom")


# -- a lesion, painted over --------------------------------------------------------------------------------------------

SHOWN = ("lrp-composite", "gradient", "grad-cam", "fem")  # of the scan with which the chapter opens
SEED, OTHERS = 7, 8  # of the drawings: the page's own, and those that the other pair looks at
WIDER, RIM = 3, 2  # pixels: painted beyond the mask, for a lesion has soft edges; the ring that gives the colour


def painted_over(x: Array, masks: Array) -> Array:
    """The pictures x (N, 1, H, W) with each mask (N, H, W) in the middle grey of the ring around it."""
    made = x.copy()
    for picture, mask in zip(made, masks, strict=True):
        inner = _grown(mask, WIDER)
        picture[:, inner] = np.median(picture[:, _grown(mask, WIDER + RIM) & ~inner])
    return made


def _grown(mask: Array, by: int) -> Array:
    """The mask, wider by so many pixels to every side."""
    height, width = mask.shape
    room = np.pad(mask, by)
    shifts = [(i, j) for i in range(2 * by + 1) for j in range(2 * by + 1)]
    return np.any([room[i : i + height, j : j + width] for i, j in shifts], axis=0)


def elsewhere(masks: Array) -> Array:
    """For each mask one of the same form that does not touch it: turned round or mirrored; all False if none is free.

    A lesion lies in the organ, and the organ nearly in the middle: so the other place lies in the organ, too.
    """
    return np.array([_free(mask) for mask in masks])


def _free(mask: Array) -> Array:
    taken = _grown(mask, WIDER)
    for other in (mask[::-1, ::-1], mask[:, ::-1], mask[::-1]):
        if not (_grown(other, WIDER) & taken).any():
            return other
    return np.zeros_like(mask)


def hundred_found(network: Network, count: int = 100) -> tuple[Array, Array]:
    """The first hundred drawings of SEED whose lesion the network finds: x (100, 1, 64, 64) and masks."""
    drawn = lesion_pictures(SEED, 2 * count + 40)
    x = lesion.inputs(drawn.pictures)
    found = np.flatnonzero((drawn.labels == 1) & (network(x).argmax(axis=1) == 1))[:count]
    if len(found) < count:
        raise ValueError(f"{network.name} finds only {len(found)} lesions in {len(x)} drawings; expected {count}")
    return x[found], drawn.masks[found]


def four_maps(network: Network, x: Array) -> "Figure":
    """The scan x (1, H, W) and the heat maps by SHOWN of what the network says of it."""
    maps = {name: explain(network, x, name).heatmap for name in SHOWN}
    return strip(maps, picture=x[0], title="One decision, four pictures of it", signed=False)


def leads(number: int) -> tuple[float, float]:
    """Score of lesion minus score of healthy in one of the other pair's drawings: as drawn, and painted over."""
    network, drawn = _clinic(), lesion_picture(OTHERS, number)
    x = lesion.inputs(drawn.picture[None])
    pictures = np.concatenate([x, painted_over(x, drawn.mask[None])]) if drawn.mask.any() else np.concatenate([x, x])
    before, after = network(pictures) @ np.array([-1.0, 1.0])
    return float(before), float(after)


@cache
def _clinic() -> Network:
    return load("lesion")


# -- verdicts ----------------------------------------------------------------------------------------------------------

SAID = {1: CONFIRMED, -1: REFUTED, 0: OPEN}
MARKS = {CONFIRMED: "✓", OPEN: "?", REFUTED: "✗"}


def verdicts_of(o: Outcome, f: Callable[..., Any]) -> list[str]:
    """The verdict on each statement of a stored experiment, by a function (low, high, border) -> 1, -1 or 0.

    It judges "above the border"; a statement that claims "below" is turned round first.
    """
    turned = np.array([1.0 if s.side == "above" else -1.0 for s in o.statements])
    ends = np.sort([[t * s.interval.low, t * s.interval.high] for t, s in zip(turned, o.statements, strict=True)])
    borders = turned * np.array([s.border for s in o.statements])
    found = np.asarray(f(ends[:, 0], ends[:, 1], borders), float)
    return [SAID.get(int(v), OPEN) if np.isfinite(v) else OPEN for v in found]


def of_section(section: str) -> list[Outcome]:
    """The stored outcomes of the claims of a section."""
    return [stored(name) for name, e in EXPERIMENTS.items() if e.section == section]


def verdicts(f: Callable[..., Any], section: str = "7") -> str:
    """A line per claim: its verdict by f and the claim's own rule, and how many statements go which way."""
    lines = []
    for o in of_section(section):
        found = verdicts_of(o, f)
        counts = " ".join(f"{MARKS[v]}{found.count(v)}" for v in (CONFIRMED, OPEN, REFUTED) if v in found)
        lines.append(f"{combined(found, o.claim.combine):18}{o.claim.name:18}{counts}")
    return "\n".join(lines)


# -- the page ----------------------------------------------------------------------------------------------------------

INTERVAL = re.compile(r"\(-?\d[\d.]* ?%? to -?\d[\d.]* ?%?\)")
TOO_MUCH = ("always", "never", "proves", "proven", "guarantees", "trust", "certainly")


@dataclass(frozen=True)
class Page:
    """One page about one decision: who asks what, what was shown and done, what is signed, what is refused.

    It can be shown at any time, and says what is still missing; ``ready`` is whether nothing is. Only the form is
    checked: two methods, an interval in the signed sentence, no word that no number carries. Whether it is true, the
    other pair finds out.
    """

    question: str = ""
    user: str = ""
    methods: Sequence[str] = ()
    intervention: str = ""
    check: str = ""
    signed: str = ""
    refused: str = ""

    @property
    def missing(self) -> list[str]:
        """What is still to be done, in sentences."""
        empty = [f.name for f in fields(self) if f.name != "methods" and not getattr(self, f.name).strip()]
        found = [f"{name} is empty" for name in empty]
        if len(set(self.methods)) < 2:
            found.append("name two methods, and each one's question")
        if self.check and not INTERVAL.search(self.check):
            found.append("the check has no interval: 0.33 (0.31 to 0.35)")
        if self.signed and not INTERVAL.search(self.signed):
            found.append("the signed sentence has no number with its interval")
        heavy = [word for word in TOO_MUCH if re.search(rf"\b{word}\b", self.signed, re.IGNORECASE)]
        found += [f"'{word}' in the signed sentence: no number carries it" for word in heavy]
        return found

    @property
    def ready(self) -> bool:
        return not self.missing

    @property
    def rows(self) -> Mapping[str, str]:
        """The page's lines, by their names."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        return told | {"methods": ", ".join(self.methods)}

    @property
    def state(self) -> str:
        return "○ not yet: " + "; ".join(self.missing) if self.missing else "✓ in form. Now let the other pair read it."

    def __repr__(self) -> str:
        return "\n".join([*(f"{name:13} {text or '...'}" for name, text in self.rows.items()), self.state])

    def _repr_html_(self) -> str:
        body = "".join(
            f'<tr><th scope="row" {LEFT}>{name}</th><td {LEFT}>{escape(text) or "…"}</td></tr>'
            for name, text in self.rows.items()
        )
        return f"<table><caption>One page</caption><tbody>{body}</tbody></table><p>{escape(self.state)}</p>"


FIGURES = ()
