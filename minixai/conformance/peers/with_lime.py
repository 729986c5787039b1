"""The answers of lime, the package: its fit, asked with the masks, their weights and the scores of what they show.

How a picture is cut up and hidden there is bound to its own drawing of masks, which cannot be given; so the pictures
under the masks, and their scores, are made here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from lime.lime_base import LimeBase
from sklearn.linear_model import Ridge

from minixai.conformance.peers import asked
from minixai.conformance.peers.asked import Asked


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """lime's answer to a question."""
    return asked.answer(question, {"lime": _lime}, "lime")


def _lime(q: Asked) -> asked.Surrogate:
    return asked.together([_of_one(q[i]) for i in range(len(q.x))])


def _of_one(q: Asked) -> asked.Surrogate:
    masks = q.data["masks"].numpy()
    with torch.no_grad():
        scores = torch.cat([q.score(q.masked(mask)) for mask in q.data["masks"]]).numpy()
    if "weights" in q.data:
        weights = q.data["weights"].numpy()
        fit, distances = LimeBase(lambda distances: weights), np.zeros(len(masks))
    else:
        sigma = q.params["sigma"]
        fit = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / sigma**2)))  # as LimeImageExplainer makes it
        distances = _cosines(masks)
    found = fit.explain_instance_with_data(
        masks, scores[:, None], distances, 0, masks.shape[1], "none", Ridge(q.params["alpha"])
    )
    weights_of = dict(found[1])
    coefficients = torch.tensor([weights_of[m] for m in range(masks.shape[1])])
    return asked.surrogate(q, coefficients, float(found[0]), float(found[2]))


def _cosines(masks: Any) -> Any:
    """The distances from the first mask, as LimeImageExplainer takes them."""
    from sklearn.metrics import pairwise_distances

    return pairwise_distances(masks, masks[:1], metric="cosine").ravel()
