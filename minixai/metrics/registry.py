"""Every metric there is: the question it answers, what it takes, where its values lie, and which way is better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from minixai.metrics.agreement import kl, pcc, sim
from minixai.metrics.faithfulness import deletion, insertion
from minixai.metrics.fixations import auc_judd, nss
from minixai.metrics.localisation import auc, box_iou, dice, iou, pointing
from minixai.metrics.sparsity import gini


@dataclass(frozen=True)
class Metric:
    """One metric.

    ``question``: localisation (is the map on the object?), agreement (are two maps alike?), fixations (did people look
    there?), sparsity, or faithfulness (does the score depend on it?). ``takes``: the function's positional arguments,
    in order. ``low`` and ``high``: where its values lie, None for no bound. ``better``: higher, lower, or neither
    where it says how a map is, not how good. ``constant``: what a constant map gets, None where that is an error.
    ``exact``: whether a map in fractions gives a Fraction (of a curve: scores in fractions).
    """

    name: str
    title: str
    question: str
    takes: tuple[str, ...]
    low: float | None
    high: float | None
    better: str
    unit: str
    constant: str | None
    exact: bool
    source: str
    function: Callable[..., Any]


HIT, SHARE, NONE = "0 or 1", "share", "none"
ON_OBJECT, CURVE = ("map", "mask"), ("score", "x", "map", "baseline")
BYLINSKII = "Bylinskii et al. (2018), the survey's reference 47"
SELVARAJU, RISE = "Selvaraju et al. (2017)", "Petsiuk, Das and Saenko (2018)"
ROW_BY_ROW = "its pixels go row by row"

_ALL = (
    Metric(
        "auc", "area under the ROC curve", "localisation", ON_OBJECT,
        0, 1, "higher", "probability", "1/2", True, BYLINSKII, auc,
    ),
    Metric(
        "iou", "intersection over union", "localisation", ON_OBJECT,
        0, 1, "higher", SHARE, "0", True, SELVARAJU, iou,
    ),
    Metric(
        "dice", "Dice's coefficient", "localisation", ON_OBJECT,
        0, 1, "higher", SHARE, "0", True, "Galli et al. (2021), the survey's reference 49", dice,
    ),
    Metric(
        "box-iou", "intersection over union of boxes", "localisation", ("map", "box"),
        0, 1, "higher", SHARE, "the whole picture's; 0 unless positive", True, SELVARAJU, box_iou,
    ),
    Metric(
        "pointing", "pointing game", "localisation", ON_OBJECT,
        0, 1, "higher", HIT, "its first pixel's", False, "Zhang et al. (2016)", pointing,
    ),
    Metric(
        "pcc", "Pearson's correlation coefficient", "agreement", ("map", "other"),
        -1, 1, "higher", NONE, None, False, BYLINSKII, pcc,
    ),
    Metric(
        "sim", "similarity", "agreement", ("map", "other"),
        0, 1, "higher", SHARE, None, True, BYLINSKII, sim,
    ),
    Metric(
        "kl", "Kullback-Leibler divergence", "agreement", ("truth", "map"),
        0, 36.05, "lower", "nats", "the uniform distribution's; an error unless positive", False, BYLINSKII, kl,
    ),
    Metric(
        "auc-judd", "area under Judd's ROC curve", "fixations", ("map", "fixations"),
        0, 1, "higher", "probability", "1/2", True, "Judd et al. (2009); " + BYLINSKII, auc_judd,
    ),
    Metric(
        "nss", "normalised scanpath saliency", "fixations", ("map", "fixations"),
        None, None, "higher", "standard deviations", "0", False, "Peters et al. (2005); " + BYLINSKII, nss,
    ),
    Metric(
        "gini", "Gini's index", "sparsity", ("map",),
        0, 1, "neither", NONE, "0", True, "Hurley and Rickard (2009)", gini,
    ),
    Metric(
        "deletion", "area under the deletion curve", "faithfulness", CURVE,
        None, None, "lower", "the score's", ROW_BY_ROW, True, RISE, deletion,
    ),
    Metric(
        "insertion", "area under the insertion curve", "faithfulness", CURVE,
        None, None, "higher", "the score's", ROW_BY_ROW, True, RISE, insertion,
    ),
)  # fmt: skip

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
