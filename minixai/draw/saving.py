"""A figure or the numbers behind it as a file, or as a piece of a page."""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.draw.clips import animation
from minixai.draw.numbers import as_floats, is_clip
from minixai.draw.page import html, png
from minixai.draw.single import explanation
from minixai.draw.words import alt_text
from minixai.result import Explanation
from minixai.zoo.weights import write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".npz", ".gif")


def as_html(e: Explanation) -> str:
    """The figure with its words, for a page: <figure><img alt=... src=data:image/png...></figure>."""
    return html(explanation(e))


def save(e: Explanation, path: str | Path) -> Path:
    """Write the figure (``.png``, its words as the field Description), the numbers (``.npz``) or, of one clip, an
    animation (``.gif``, its words as the comment; see :func:`minixai.draw.animation`); the path.

    An .npz holds relevance, map, heatmap, x, ``signals/NODE`` and the facts; fractions are stored as float64, and as
    strings in relevance_exact. The file appears whole or not at all. Raises ValueError for any other suffix, and
    for a ``.gif`` of anything but one clip.
    """
    path = checked(path)
    kind = path.suffix.lower()
    if kind == ".gif" and not is_clip(e):
        raise ValueError(f"cannot write {str(path)!r}: only the frames of one clip can move; write a .png or .npz")
    write(path, {".png": _figure, ".npz": npz, ".gif": animation}[kind](e))
    return path


def _figure(e: Explanation) -> bytes:
    return png(explanation(e))


def save_figure(figure: "Figure", path: str | Path) -> Path:
    """Write a figure of this module as ``.png``, its words as the field Description; the path."""
    path = checked(path, (".png",))
    write(path, png(figure))
    return path


def checked(path: str | Path, suffixes: Sequence[str] = SUFFIXES) -> Path:
    """The path, if a file can be written there under one of these suffixes."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"cannot write {str(path)!r}; expected a name that ends in {' or '.join(suffixes)}")
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder; give the name of a file")
    return path


def npz(e: Explanation) -> bytes:
    """The numbers and the facts, as ``numpy.load`` reads them without pickle."""
    arrays = {"relevance": e.relevance, "map": e.map, "heatmap": e.heatmap, "x": e.x, "target": e.target}
    arrays |= {"score": e.score, "expected": e.expected, "total": e.total}
    arrays |= {f"signals/{name}": signal for name, signal in e.signals.items()}
    found: dict[str, Any] = {name: as_floats(a) for name, a in arrays.items() if a is not None}
    if e.relevance.dtype == object:
        found["relevance_exact"] = e.relevance.astype(str)
    facts = {"method": e.method, "label": e.label, "params": dict(e.params), "notes": dict(e.notes)}
    buffer = BytesIO()
    np.savez_compressed(buffer, facts=json.dumps(facts, default=str), alt=alt_text(e), **found)  # numbers and strings
    return buffer.getvalue()
