"""Does a map show what the network has learnt? The parameter-randomisation check (Section 7; Adebayo et al. 2018).

Measured on ``shapes``: the layers with weights are drawn anew, from the score back to the picture, one more at a time
(normal weights of the old spread around the old mean, in weights and in biases). The class stays the one that the
trained network chose. Likeness is the PCC of the maps' magnitudes before and after.

Rule, fixed before measuring. A map that shows what was learnt is lost with it: with every layer drawn anew, the mean
likeness of each method lies wholly below 1/2. The claim is about every map, so one method above 1/2 refutes it. Deep
Taylor is left out: it needs a positive score, which a random network need not give. Integrated gradients
averages over 10 pictures here, and SmoothGrad, which only averages gradients, is left out.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from minixai.experiments.faithfulness import NAMES
from minixai.experiments.intervals import mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Panel, Row, Statement
from minixai.experiments.subjects import correlation, decisions, maps, shapes
from minixai.network import Network
from minixai.ops import Array, Weighted
from minixai.zoo.weights import parameters, with_parameters

COUNT = 100
FEW = {"integrated-gradients": {"n": 10}}
METHODS = {name: FEW.get(name, {}) for name in NAMES if name not in ("deep-taylor", "smoothgrad")}
CLAIM = Claim(
    "randomisation", "7",
    "A saliency map is a representative of what the network has learnt.",
    EVERY,
)  # fmt: skip


def randomisation(pictures: int = COUNT) -> Outcome:
    """How alike the maps of the trained and of ever more random networks are."""
    seen = shapes(pictures)
    target = decisions(seen.network, seen.x)
    before = maps(seen.network, seen.x, METHODS, target, "trained")
    rows: list[Row] = []
    for count, (name, network) in enumerate(cascade(seen.network), 1):
        after = maps(network, seen.x, METHODS, target, f"down to {name}")
        alike = {m: mean_interval(likeness(before[m], after[m])) for m in METHODS}
        rows += [Row(m, found, count) for m, found in alike.items()]
    statements = tuple(
        Statement(f"likeness with every layer drawn anew: {m}", found, "below", 0.5) for m, found in alike.items()
    )
    title = "likeness to the trained network's map (PCC of magnitudes)"
    return Outcome(
        CLAIM, seen.network.name, pictures, statements,
        (Panel(title, tuple(sorted(rows, key=lambda r: r.label)), 0.5, "layers drawn anew, from the score back"),),
        {"layers": [name for name, _ in cascade(seen.network)]},
    )  # fmt: skip


def cascade(network: Network) -> Iterator[tuple[str, Network]]:
    """(the last layer drawn anew, the network), from the score back to the picture, each on top of the one before."""
    rng = np.random.default_rng(0)
    values = parameters(network)
    for node in reversed([n for n in network.nodes if isinstance(n.op, Weighted)]):
        ours = [f"{node.name}.{name}" for name in node.op.arrays()]
        values |= {name: rng.normal(values[name].mean(), values[name].std(), values[name].shape) for name in ours}
        yield node.name, replace(with_parameters(network, values), name=f"{network.name}-random")


def likeness(before: Array, after: Array) -> Array:
    """Per picture, the PCC of the maps' magnitudes."""
    return np.array([correlation(abs(a), abs(b)) for a, b in zip(before, after, strict=True)])
