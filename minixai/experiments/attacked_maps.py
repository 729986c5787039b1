"""Do small adversarial changes of the picture change Guided Grad-CAM strongly? (Section 7, after Galli et al. 2021.)

Measured on ``shapes``: Dice's coefficient of what the map marks (its top fifth) before and after FGSM (2 % of the pixel
range) and DeepFool; each map explains the network's own decision, as a user would see it, and every picture counts,
whether the attack succeeded or not. Beside it: the same with the class kept; and random changes of the same size.

Rule, fixed before measuring. "Strongly affected" means that more than half is lost: Dice below 1/2, for both attacks.
Two regions of a fifth chosen at random would have 0.2. Both intervals must lie wholly below.
"""

import numpy as np

from minixai.adversarial import attack, success_rate
from minixai.experiments.faithfulness import panel
from minixai.experiments.intervals import mean_interval
from minixai.experiments.record import EVERY, Claim, Outcome, Statement
from minixai.experiments.subjects import decisions, maps, shapes
from minixai.metrics import dice, region
from minixai.ops import Array

COUNT = 100
METHOD = "guided-grad-cam"
ATTACKS = ("fgsm", "deepfool")
CLAIM = Claim(
    "attacked-maps", "7",
    "Perturbations in the image (fast gradient method and DeepFool) strongly affected the saliency maps of Guided "
    "Grad-CAM, compared by the Dice similarity coefficient.",
    EVERY,
)  # fmt: skip


def attacked_maps(pictures: int = COUNT) -> Outcome:
    """Dice before and after two attacks, and after random changes of the same size."""
    seen = shapes(pictures)
    target = decisions(seen.network, seen.x)
    before = maps(seen.network, seen.x, [METHOD], target, "before")[METHOD]
    shown: dict[str, Array] = {}
    rates: dict[str, float] = {}
    for name in ATTACKS:
        found = attack(seen.network, seen.x, name)
        rates[f"share of decisions that {name} changed"] = success_rate(found)
        variants = {
            name: (found.adversarial, None), f"{name}, class kept": (found.adversarial, target),
            f"random, as large as {name}'s": (shuffled(seen.x, found.perturbation), None),
        }  # fmt: skip
        for said, (x, kept) in variants.items():
            after = maps(seen.network, x, [METHOD], kept, said)[METHOD]
            shown[said] = np.array([agreement(a, b) for a, b in zip(before, after, strict=True)])
    statements = tuple(
        Statement(f"Dice of Guided Grad-CAM before and after {name}", mean_interval(shown[name]), "below", 0.5)
        for name in ATTACKS
    )
    return Outcome(
        CLAIM, seen.network.name, pictures, statements, (panel("Dice of the marked regions", shown, 0.5),),
        {"fgsm": "eps 0.02", "random": "the attack's own changes, put to other places", **rates},
    )  # fmt: skip


def agreement(before: Array, after: Array) -> float:
    """Dice of the two marked regions; 0 if the first map is constant and marks nothing."""
    marked = region(before)
    return float(dice(after, marked)) if marked.any() else 0.0


def shuffled(x: Array, change: Array) -> Array:
    """x with the same changes at other places, so that all norms stay: every picture's numbers in random order."""
    rng = np.random.default_rng(0)
    return x + np.stack([rng.permutation(one.ravel()).reshape(one.shape) for one in change])
