"""Is integrated gradients less sensitive to noise than the other gradient-based methods? (Section 4.4.)

Measured on ``shapes``, as in ``sensitivity``: how far a map moves, 1 - PCC, when Gaussian noise of 2 % of the picture's
range is added and the class kept. The maps of the gradient are magnitudes and those of integrated gradients are signed,
as the methods give them.

Rule, fixed before measuring. The claim names the other gradient-based methods: it holds if integrated gradients moves
less than the gradient and less than DeconvNet and guided backpropagation, each a paired difference wholly below 0.
"""

from minixai.experiments.faithfulness import panel
from minixai.experiments.intervals import mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Statement
from minixai.experiments.sensitivity import COPIES, LEVEL, moved

COUNT = 100
OURS, OTHERS = "integrated-gradients", ("gradient", "deconvnet", "guided-backprop")
CLAIM = Claim(
    "integrated-noise", "4.4",
    "The final relevance maps of integrated gradients would be less sensitive to fluctuating gradient values (small "
    "noise in the image) when compared with the other gradient-based methods.",
    EVERY,
)  # fmt: skip


def integrated_noise(pictures: int = COUNT) -> Outcome:
    """How far the maps of four gradient-based methods move under 2 % noise."""
    far = {name: moved(name, pictures) for name in (OURS, *OTHERS)}
    statements = tuple(
        Statement(f"map moved: {OURS} minus {name}", mean_interval(far[OURS] - far[name]), "below") for name in OTHERS
    )
    return Outcome(
        CLAIM, "shapes", pictures, statements, (panel("map moved by 2 % noise (1 - PCC)", far),),
        {"noise": f"{COPIES} copies, {LEVEL:.0%} of each picture's range"},
    )  # fmt: skip
