"""Numbers that judge a map (Section 7). Every one takes plain arrays: ``e.map``, or anybody else's map."""

from minixai.metrics.localisation import auc, pointing

__all__ = ["auc", "pointing"]
