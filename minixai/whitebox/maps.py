"""From a raw result to one number per pixel (Section 3.3): reduce the channels, then upsample to the picture."""

from minixai.ops import Array, resize
from minixai.whitebox.case import Finding


def map_of(finding: Finding, x: Array) -> Array:
    """The finding as unscaled maps of the size of the pictures: (N, C, H, W) -> (N, H, W)."""
    reduced = reduce_channels(finding.relevance, finding.reduce)
    size = x.shape[2:]
    return reduced if reduced.shape[1:] == size or not size else resize(reduced, size)


def reduce_channels(R: Array, how: str) -> Array:
    """max_k |R_k| (Eq. 6), or the sum over channels, which keeps the sum rules; features (N, F) keep their axis."""
    if how == "none":
        return R
    if R.ndim == 2:
        return abs(R) if how == "max" else R
    return abs(R).max(axis=1) if how == "max" else R.sum(axis=1)
