"""Is the explanation by one generator noisy, and that by the difference of two not? (Section 6, Eq. 27.)

Measured on ``lesion``, on pictures of a lesion that the network finds, none of them learnt from. By two: |g_s(x) -
g_a(x)|. By one: |x - g_a(x)|, of the generator that was trained without a g_s; that of the pair's own g_a is measured
beside it and decides nothing.

Rule. Noisy is not said in numbers; it can be read as four distances from the lesion's mask, paired picture by picture
and by two minus by one: the AUC, the share of the map on the lesion, the intersection over union with as many of the
highest pixels as the lesion has, and how often the maximum lies on it. Each difference wholly above 0 confirms a
reading. The grain of the pictures (``lesions.GRAIN``) decides the first of them. All networks were trained at three
grains: at 0.03 a generator has little to lose, nothing is noisy, and AUC says -0.013; at 0.1, on 99 pictures, share and
maximum say +0.87 and +0.26, but AUC -0.12, because R lies on the middle of a lesion only; at 0.2, kept, all four agree.
Grain and length of training were chosen on other pictures than these. The picture's own brightness, taken for a map
with nothing explained, is measured beside them: a lesion is bright.
"""

from collections.abc import Mapping

import numpy as np

from minixai.adversarial.generators import one_generator, two_generators
from minixai.experiments.faithfulness import panel
from minixai.experiments.intervals import mean_interval
from minixai.experiments.progress import following
from minixai.experiments.record import READINGS, Claim, Outcome, Statement
from minixai.experiments.subjects import SEED, Subject, decisions
from minixai.metrics import auc, iou, pointing
from minixai.network import forward
from minixai.ops import Array
from minixai.whitebox.case import Case
from minixai.zoo import lesion
from minixai.zoo.lesions import lesion_pictures

COUNT = 200
TWO, ALONE, PAIRS_OWN, PICTURE = "two generators", "one, trained alone", "one of the two", "the picture's brightness"
CLAIM = Claim(
    "generators", "6",
    "The explanation by one generator, the difference of the image and its adversarial counterpart, is noisy; by the "
    "difference of what two generators make of the image it is not.",
    READINGS,
)  # fmt: skip


def generators(pictures: int = COUNT) -> Outcome:
    """Two generators beside one, against the lesion's mask."""
    net = lesion.load()
    seen = found(net, pictures)
    maps, said = explained(net, seen)
    measured = {what: judged(maps, seen.masks, what) for what in MEASURES}
    return Outcome(
        CLAIM, net.name, len(seen),
        tuple(
            Statement(f"{what}: two generators minus one", mean_interval(values[TWO] - values[ALONE]), "above")
            for what, values in measured.items()
        ),
        tuple(panel(what, values) for what, values in measured.items()),
        {"lesions drawn": pictures, "lesions found by the network": len(seen), **said},
    )  # fmt: skip


def found(net: lesion.WithGenerators, pictures: int) -> Subject:
    """Of so many pictures of a lesion, those that the network says show one."""
    drawn = lesion_pictures(SEED, 2 * pictures)  # every other one shows a lesion
    ill = drawn.labels == 1
    x = lesion.inputs(drawn.pictures[ill])
    right = decisions(net, x) == 1
    return Subject(net, x[right], drawn.masks[ill][right])


def explained(net: lesion.WithGenerators, seen: Subject) -> tuple[dict[str, Array], dict[str, str]]:
    """{what explains: maps (N, 64, 64)}, and how often the generators did what they were trained for."""
    case = Case(forward(net, seen.x), decisions(net, seen.x))
    both = two_generators(case)
    alone = one_generator(case, (lambda x: x, lesion.alone()))
    by = {TWO: both, ALONE: alone, PAIRS_OWN: one_generator(case)}
    said = {**both.said, "the one trained alone changes it": alone.said["g_a changes the class"]}
    return {name: one.relevance[:, 0] for name, one in by.items()} | {PICTURE: seen.x[:, 0]}, said


def judged(maps: Mapping[str, Array], masks: Array, what: str) -> dict[str, Array]:
    """A measure of every map, (N,) each."""
    measure = MEASURES[what]
    return {
        name: np.array([float(measure(m, mask)) for m, mask in zip(each, masks, strict=True)])
        for name, each in following(maps.items(), what, "kind")
    }


def share(map: Array, mask: Array) -> float:
    """How much of a map without negative values lies on the mask; 0 of a map of zeros."""
    return float(map[mask].sum() / (map.sum() or 1))


def overlap(map: Array, mask: Array) -> float:
    """Intersection over union of the mask and as many of the map's highest pixels."""
    return float(iou(map, mask, area=float(mask.mean())))


MEASURES = {"AUC": auc, "share on the lesion": share, "IoU": overlap, "maximum on the lesion": pointing}
