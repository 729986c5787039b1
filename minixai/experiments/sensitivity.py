"""Are LRP, DeepLIFT and FEM insensitive, because they do not compute gradients? (Section 7.)

Measured in two ways. Shattering: how much of the correlation of neighbouring relevance is lost from depth 2 to depth 32
in plain random networks (see ``shattering``), for LRP-0 and DeepLIFT (Rescale) beside the gradient. Noise: how far a
map of ``shapes`` moves, 1 - PCC, when Gaussian noise of 2 % of the picture's range is added and the class kept.

Rule, fixed before measuring. A method is not sensitive if it loses or moves less than half as much as the gradient
does: its number minus half the gradient's lies below 0. FEM has no backward pass through depth, so noise alone judges
it. The claim names all of them, so one that is refuted refutes it. The reason that it gives is tested beside, and
decides nothing: how far LRP-0 is from gradient x input, and Grad-CAM, which does compute gradients, in the same table.
"""

from functools import cache

import numpy as np

from minixai.api import explain
from minixai.experiments.faithfulness import panel
from minixai.experiments.intervals import Interval, mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Panel, Row, Statement
from minixai.experiments.shattering import DEEP, SHALLOW, correlations
from minixai.experiments.subjects import Subject, correlation, decisions, maps, shapes
from minixai.network import Network
from minixai.ops import Array

COUNT = 100
LEVEL, COPIES = 0.02, 2  # the noise, as a share of max(x) - min(x); how many noisy copies of a picture
NAMES = (
    "gradient", "deconvnet", "guided-backprop", "integrated-gradients", "grad-cam", "guided-grad-cam",
    "lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta", "deeplift-rescale", "deeplift-revealcancel", "fem",
)  # fmt: skip
SHATTERED = ("gradient", "lrp-0", "deeplift-rescale")
MOVED = ("lrp-0", "lrp-epsilon", "deeplift-rescale", "fem")
CLAIM = Claim(
    "sensitivity", "7",
    "LRP, DeepLIFT and FEM are not sensitive to this problem as they do not compute gradients.",
    EVERY,
)  # fmt: skip


def sensitivity(pictures: int = COUNT) -> Outcome:
    """Shattering and noise, for the methods that the claim names, against half of what the gradient suffers."""
    seen = shapes(pictures)
    lost = {name: loss(name, pictures) for name in SHATTERED}
    far = {name: moved(name, pictures) for name in NAMES}
    statements = [
        Statement(f"shattering: {name} minus half the gradient", less_than_half(lost, name), "below")
        for name in SHATTERED[1:]
    ]
    statements += [
        Statement(f"noise: {name} minus half the gradient", less_than_half(far, name), "below") for name in MOVED
    ]
    return Outcome(
        CLAIM, "shapes, and random networks", pictures, tuple(statements),
        (
            panel("map moved by 2 % noise (1 - PCC)", far),
            Panel(
                f"correlation lost from depth {SHALLOW} to {DEEP}",
                tuple(Row(name, mean_interval(v)) for name, v in lost.items()), 0.0,
            ),
        ),
        {
            "largest distance of LRP-0 from gradient x input, as a share of its largest value": apart(seen),
            "noise": f"{COPIES} copies, {LEVEL:.0%} of each picture's range", "half": "of what the gradient suffers",
        },
    )  # fmt: skip


def loss(method: str, draws: int) -> Array:
    """Per random network: the correlation of neighbouring relevance at depth 2 minus that at depth 32, plain."""
    found = correlations(method, draws, (SHALLOW, DEEP), ("plain",))["plain"]
    return found[SHALLOW] - found[DEEP]


def less_than_half(values: dict[str, Array], name: str) -> Interval:
    """A method's number minus half the gradient's, over pictures or networks."""
    return mean_interval(values[name] - values["gradient"] / 2)


@cache
def moved(name: str, pictures: int) -> Array:
    """Per picture: 1 - PCC of the method's map before and after noise, the mean over copies; the class is kept."""
    seen = shapes(pictures)
    target = decisions(seen.network, seen.x)
    before = maps(seen.network, seen.x, [name], target, f"{name}, clean")[name]
    moves = []
    for copy in range(COPIES):
        after = maps(seen.network, noisy(seen.x, LEVEL, copy), [name], target, f"{name}, noise {copy + 1}")[name]
        moves.append([1 - correlation(a, b) for a, b in zip(before, after, strict=True)])
    return np.mean(moves, axis=0)


def noisy(x: Array, level: float, seed: int) -> Array:
    """x plus Gaussian noise, ``level`` of each picture's range."""
    span = np.ptp(x, axis=(1, 2, 3), keepdims=True)
    drawn = np.random.default_rng([seed, 3]).standard_normal(x.shape)
    return (x + level * span * drawn).astype(x.dtype)


def apart(seen: Subject) -> float:
    """The largest |LRP-0 - gradient x input| over the largest |LRP-0| of its picture, over all pictures."""
    network = seen.network.astype("float64")
    return max(_apart(network, x.astype(np.float64)) for x in seen.x)


def _apart(network: Network, x: Array) -> float:
    ours, slope = (explain(network, x, name).relevance for name in ("lrp-0", "gradient"))
    return float(abs(ours - slope * x).max() / abs(ours).max())
