"""Chapter 15: a map that the reader paints for three judges; layers drawn anew, one after the other; claims, sorted."""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.api import explain
from minixai.book import live, pixels
from minixai.book.nokernel import Board, matrix_of
from minixai.draw.page import blank
from minixai.draw.several import strip
from minixai.draw.style import AGAINST, FOR, QUIET, styled
from minixai.experiments import EXPERIMENTS, Outcome, Statement, stored
from minixai.experiments.intervals import Interval
from minixai.experiments.randomisation import cascade, likeness
from minixai.experiments.record import CONFIRMED, OPEN, REFUTED
from minixai.experiments.tables import said
from minixai.metrics import auc, iou, pointing
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import shapes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# -- paint your own map ------------------------------------------------------------------------------------------------

ANIMAL = (
    "........",
    "........",
    ".....##.",
    ".....###",
    ".######.",
    ".#####..",
    ".#..#...",
    ".#..#...",
)  # fmt: skip
MOST = 3  # the largest number that a brush paints
START = ((4, 2), (4, 3), (5, 2), (5, 3))  # painted with 1 before the reader comes


def animal() -> Array:
    """The outline that the judges hold against a map, (8, 8) of 0 and 1."""
    return np.array([[int(c == "#") for c in line] for line in ANIMAL])


def own_map(map: Sequence[Sequence[float]] | None = None, brush: int = 1) -> Board:
    """A map of 8 x 8 numbers that the reader paints, and what AUC, IoU and the pointing game make of it.

    ``map``: what is painted already, whole numbers from 0 to 3.
    """
    mask = animal()
    if map is None:
        so_far = np.zeros(mask.shape)
        so_far[tuple(np.transpose(START))] = 1
    else:
        so_far = matrix_of("map", map)
    if so_far.shape != mask.shape or not np.isin(so_far, range(MOST + 1)).all():
        raise ValueError(f"map has shape {so_far.shape}; expected 8 rows of 8 whole numbers from 0 to {MOST}")
    if brush not in range(1, MOST + 1):
        raise ValueError(f"brush is {brush!r}; expected 1, 2 or {MOST}")
    words = (
        f"A map on 8 x 8 pixels, to be painted; {mask.sum()} of them are the animal. So far: AUC "
        f"{auc(so_far, mask):.2f}, IoU {iou(so_far, mask):.2f}, the pointing game "
        f"{'won' if pointing(so_far, mask) else 'lost'}. Goal: AUC above 0.9, and the pointing game lost."
    )
    state = {"map": so_far.astype(int).tolist(), "mask": mask.tolist(), "brush": brush}
    return Board("judges", state, pixels.img(_still(so_far, mask), words), words)


def _still(so_far: Array, mask: Array, side: int = 32) -> Any:
    """The map in colours; a green frame stands round each pixel of the animal."""
    from PIL import ImageDraw

    picture = pixels.enlarged(pixels.colours(so_far, pixels.UNSIGNED, MOST), side * len(mask))
    pen = ImageDraw.Draw(picture)
    for i, j in np.argwhere(mask):
        pen.rectangle((j * side, i * side, (j + 1) * side - 1, (i + 1) * side - 1), outline="#2da44e", width=2)
    return picture


# -- layers drawn anew -------------------------------------------------------------------------------------------------

EDGES = "edges of the picture"
OFFERED = ("guided-backprop", "gradient", "grad-cam", "fem", "lrp-composite")
CHART, ROOM = (330, live.SIDE), 26  # pixels: its size, and the margin for its words


def scrambled_layers(network: Network | None = None, x: Array | None = None) -> live.Figure:
    """The map of one picture x (C, H, W), and how alike it stays while more and more layers are drawn anew.

    Without ``network`` and ``x`` it is `shapes` and the first of its samples. The curves are those of the experiment
    ``randomisation``, over a hundred pictures; the map, and its likeness, is this picture's own.
    """
    if network is None or x is None:
        network, x = shapes.load(), shapes.samples().x[0]
    steps = [("none", network), *cascade(network)]
    target = int(np.argmax(network(x)))
    curves = alike_curves()
    picture = pixels.enlarged(live.shown(network, x), live.SIDE)

    @cache
    def map_of(method: str, count: int) -> Array:
        if method == EDGES:
            return edges(x)
        return np.asarray(explain(steps[count][1], x, method, target=target).map)

    @cache
    def draw(method: str, count: float) -> live.Frame:
        k = int(count)
        before, now = map_of(method, 0), map_of(method, k)
        shown = [pixels.enlarged(pixels.colours(m, *pixels.scale(m)), live.SIDE) for m in (before, now)]
        names = ", ".join(name for name, _ in steps[1 : k + 1]) or "none"
        answer = int(np.argmax(steps[k][1](x)))
        says = network.classes[answer] if network.classes else answer
        here = float(likeness(before[None], now[None])[0])
        many = f"over a hundred pictures {said(curves[method][k])}" if method != EDGES else "always: it asks no network"
        words = (
            f"{method}; layers drawn anew: {names}. The network now says {says}. The picture, the map of the trained "
            f"network, the map now; likeness of the two {here:.3g}, {many}."
        )
        return live.Frame(pixels.beside([picture, *shown, chart(curves, method, k)]), words)

    controls = {
        "method": live.menu("method", [*OFFERED, EDGES], OFFERED[0]),
        "count": live.number("layers drawn anew", 0, len(steps) - 1, 1, 0),
    }
    return live.Figure(draw, controls)


def edges(x: Array) -> Array:
    """How steep the picture (C, H, W) is at each pixel, in grey: a map that no network was asked for."""
    down, right = np.gradient(np.asarray(x, float).mean(axis=0))
    return np.hypot(down, right)


@cache
def alike_curves() -> dict[str, tuple[Interval, ...]]:
    """{method: likeness with 0, 1, 2 ... layers drawn anew}, as the experiment recorded it over a hundred pictures."""
    (panel,) = stored("randomisation").panels
    found: dict[str, list[Interval]] = {}
    for row in sorted(panel.rows, key=lambda row: row.x or 0):
        found.setdefault(row.label, [Interval(1.0, 1.0, 1.0)]).append(row.interval)
    return {name: tuple(each) for name, each in found.items()}


def chart(curves: Mapping[str, Sequence[Interval]], method: str, count: int) -> Any:
    """Layers from left to right, likeness upwards; the chosen method as a thick line with dots, the others thin."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = CHART
    image = Image.new("RGB", CHART, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    last = len(next(iter(curves.values()))) - 1

    def place(k: float, likeness: float) -> tuple[float, float]:
        return ROOM + k * (width - 2 * ROOM) / last, 8 + (1 - likeness) * (height - 8 - ROOM)

    pen.line((*place(0, 0), *place(last, 0)), fill="black")
    pen.line((*place(count, 0), *place(count, 1)), fill="#8c959f")
    for value in (0, 0.5, 1):
        pen.text((ROOM - 6, place(0, value)[1]), f"{value:g}", fill="black", font=font, anchor="rm")
    for k in range(last + 1):
        pen.text((place(k, 0)[0], height - 6), str(k), fill="black", font=font, anchor="mb")
    for name in OFFERED:
        pen.line([place(k, i.value) for k, i in enumerate(curves[name])], fill="#c6cbd1", width=1)
    chosen = [1.0] * (last + 1) if method == EDGES else [i.value for i in curves[method]]
    pen.line([place(k, v) for k, v in enumerate(chosen)], fill="#b2182b", width=3)
    for k, v in enumerate(chosen):
        x, y = place(k, v)
        reach = 6 if k == count else 3
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill="#b2182b")
    pen.text((ROOM + 6, place(0, 0)[1] - 4), "likeness", fill="black", font=font, anchor="lb")
    return image


# -- what the chapter shows beside its figures -------------------------------------------------------------------------


def two_maps(picture: Array, mask: Array, snow: Array) -> live.Frame:
    """The picture (H, W, 3), and the outlines P of the animal and Q of the snow as maps."""
    shown = [pixels.colours(1.0 * m, pixels.UNSIGNED, 1) for m in (mask, snow)]
    words = "A wolf on snow. Then map P, which is bright on the wolf alone, and map Q, bright on the bare snow alone."
    return live.Frame(pixels.beside([pixels.enlarged(p, live.SIDE) for p in (picture, *shown)]), words)


def three_animals() -> "Figure":
    """Three maps of the animal, with their AUC and where they point; none of them reaches the goal of the game."""
    mask, lucky = animal(), np.zeros((8, 8))
    lucky[5, 3] = 1
    points = {True: "points at it", False: "points beside it"}
    three = {"the animal": mask, "all but the animal": 1 - mask, "one lucky pixel": lucky}
    named = {f"{n}: AUC {auc(R, mask):.2f}, {points[pointing(R, mask)]}": R for n, R in three.items()}
    return strip(named, title="Three maps of the animal", signed=False)


def layers_strip(
    network: Network, x: Array, names: Sequence[str] = OFFERED[:2], counts: Sequence[int] = (0, 2, 6)
) -> "Figure":
    """Heat maps of the trained network's answer, a row per method, with so many layers drawn anew."""
    steps = [network, *(anew for _, anew in cascade(network))]
    target = int(np.argmax(network(x)))
    maps = {
        f"{name}, {k} anew": explain(steps[k], x, name, target=target).heatmap for name in names for k in counts
    }  # fmt: skip
    return strip(maps, title="Each over its largest", signed=False, columns=len(counts))


def aucs(maps: Any, masks: Array) -> Array:
    """The AUC of each map against its mask."""
    return np.array([auc(R, m) for R, m in zip(maps, masks, strict=True)])


def painted(x: Array, masks: Array, fill: float) -> Array:
    """The pictures x (N, C, H, W) with fill where their masks (N, H, W) are true."""
    return np.where(masks[:, None], np.float32(fill), x)


def falling(drops: Mapping[str, Sequence[float]], what: str) -> "Figure":
    """One line per map: what the score has lost when a share of the pixels is hidden, in equal steps from 0 to all."""
    ends = "; ".join(f"{name}: {values[len(values) // 4]:.1f} lost at a quarter" for name, values in drops.items())
    words = f"{what}, over the share of the pixels that are hidden, the map's largest first. {ends}."
    styles = zip(drops, (AGAINST, FOR, QUIET, "#1b7837"), ("-", "--", ":", "-."), "os^D", strict=False)
    with styled():
        figure = blank(6.4, 2.9, words)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for name, colour, dash, marker in styles:
            shares = np.linspace(0, 1, len(drops[name]))
            axes.plot(shares, drops[name], dash, color=colour, marker=marker, ms=4, label=name)
        axes.set(xlabel="share of the pixels hidden", ylabel=what)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), frameon=False)
    return figure


@cache
def recorded(name: str) -> dict[str, dict[str, Interval]]:
    """The panels of a stored experiment without curves: {title: {row: (mean, low, high)}}."""
    return {p.title: {r.label: r.interval for r in p.rows} for p in stored(name).panels if p.across is None}


def bump(size: int = 64, spread: float = 12) -> Array:
    """A round blob in the middle of size x size pixels, the same for every picture."""
    d = (np.arange(size) - (size - 1) / 2) ** 2
    return np.exp(-(d[:, None] + d) / (2 * spread**2))


# -- the survey's claims -----------------------------------------------------------------------------------------------

ORDER = (CONFIRMED, OPEN, REFUTED)
MARKS = {CONFIRMED: "✓", OPEN: "?", REFUTED: "✗"}
FEW = 4  # statements that are told one by one


def of_section(section: str = "7") -> list[Outcome]:
    """The stored outcomes of the claims of a section of the survey: confirmed, then inconclusive, then refuted."""
    found = [stored(name) for name, e in EXPERIMENTS.items() if e.section == section]
    return sorted(found, key=lambda o: (ORDER.index(o.verdict), o.claim.name))


def nearest(statements: Sequence[Statement]) -> Statement:
    """The statement whose number lies nearest to its border."""
    return min(statements, key=lambda s: abs(s.interval.value - s.border))


class Claims:
    """A table of claims: what the survey says, the verdict, what was measured. Put it last in a cell."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = list(outcomes)

    def __repr__(self) -> str:
        return "\n".join(f"{o.verdict:18} {o.claim.name}: {o.claim.text}" for o in self.outcomes)

    def _repr_html_(self) -> str:
        left = 'style="text-align: left; vertical-align: top"'
        titles = ("verdict", "the survey's claim", "measured (95 % interval)")
        head = "".join(f'<th scope="col" {left}>{title}</th>' for title in titles)
        rows = "".join(
            f'<tr><th scope="row" {left}>{o.verdict}</th><td {left}>{escape(o.claim.text)} <em>({o.claim.name}, '
            f"{o.network}, {o.pictures} pictures)</em></td><td {left}>{'<br>'.join(map(escape, measured(o)))}</td></tr>"
            for o in self.outcomes
        )
        caption = "Claims and verdicts; ✓ confirmed, ? inconclusive, ✗ refuted"
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def measured(o: Outcome) -> list[str]:
    """What an outcome was decided by: its statements, or if they are many and agree, how many, and the nearest call."""
    if len(o.statements) <= FEW or len({s.verdict for s in o.statements}) > 1:
        return [f"{MARKS[s.verdict]} {s.text}: {said(s.interval)}, claimed {s.side} {s.border:g}" for s in o.statements]
    closest, told = nearest(o.statements), f"{MARKS[o.verdict]} all {len(o.statements)} statements {o.verdict}"
    return [f"{told}; the nearest call: {closest.text}: {said(closest.interval)}"]


FIGURES = (own_map, scrambled_layers)
