"""Numbers that judge a map (Section 7). Every one takes plain arrays: ``e.map``, or anybody else's map.

They answer five questions, one file each: is the map on the object (localisation), are two maps alike (agreement), did
people look there (fixations), on how few pixels does it stand (sparsity), does the score depend on it (faithfulness)?
``METRICS`` lists them.
"""

from minixai.metrics.agreement import kl, pcc, pcc_squared, sim
from minixai.metrics.faithfulness import Curve, deletion, deletion_curve, insertion, insertion_curve
from minixai.metrics.fixations import auc_judd, nss, nss_squared
from minixai.metrics.localisation import auc, bounding_box, box_iou, dice, iou, map_box, pointing, region
from minixai.metrics.registry import METRICS, Metric
from minixai.metrics.sparsity import gini

__all__ = [
    "METRICS", "Curve", "Metric", "auc", "auc_judd", "bounding_box", "box_iou", "deletion", "deletion_curve", "dice",
    "gini", "insertion", "insertion_curve", "iou", "kl", "map_box", "nss", "nss_squared", "pcc", "pcc_squared",
    "pointing", "region", "sim",
]  # fmt: skip
