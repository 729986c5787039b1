"""What a method answers: a record, or why it cannot. Drawing it is left to ``minixai.draw``."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

Array = Any  # NumPy arrays from the engine, tensors from the PyTorch mirror


class UnsupportedOp(ValueError):
    """A layer that the method at hand has no rule for."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why one class got its score, for one picture or for a batch (then every field has the batch axis first).

    ``relevance`` is the raw signed result (in score, or score per unit; see ``minixai.methods()``); ``map`` is reduced
    to one number per pixel and upsampled, but not scaled. ``signals`` are what arrived at each node, ``expected`` is
    what the relevance should sum to (None where the method promises nothing) and ``absorbed`` what stayed at each node.
    """

    method: str
    relevance: Array
    map: Array
    x: Array
    target: Any = None
    score: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    signals: Mapping[str, Array] = field(default_factory=dict)
    expected: Any = None
    absorbed: Mapping[str, Any] = field(default_factory=dict)
    label: Any = None  # the name of the class, where the network has names
    notes: Mapping[str, Any] = field(default_factory=dict)  # choices made for the reader: the baseline, the layer ...
    picture: Any = None  # (H, W, 3) uint8, what the network was shown, where it can say
    batched: bool = False
    leading_axes: int = 0  # axes of the signals before the batch axis (RevealCancel's two parts)

    @classmethod
    def from_array(cls, map: Array, x: Array) -> "Explanation":
        """Somebody else's map (H, W) of the picture x (C, H, W), for our metrics and figures."""
        map, x = np.asarray(map), np.asarray(x)
        if map.ndim != x.ndim - 1 or map.shape != x.shape[1:]:
            raise ValueError(
                f"the map has shape {map.shape}, x {x.shape}; expected a map of the size of the picture, {x.shape[1:]}"
            )
        if not np.isfinite(map.astype(float)).all():
            raise ValueError("the map holds NaN or infinite values; expected finite numbers")
        return cls("given", map, map, x)

    @property
    def heatmap(self) -> Array:
        """The positive part of the map over its maximum, in [0, 1], each picture on its own scale (Section 3.3)."""
        M = self.map.astype(float) if isinstance(self.map, np.ndarray) else self.map
        maps = M if self.batched else M[None]
        M = maps.clip(0)
        top = M.reshape(len(M), -1).max(1) if isinstance(M, np.ndarray) else M.reshape(len(M), -1).max(1).values
        top = top.reshape(-1, *(1,) * (M.ndim - 1))
        scaled = M / (top + (top == 0))
        return scaled if self.batched else scaled[0]

    @property
    def total(self) -> Any:
        """The sum of the relevance, per picture."""
        return self.relevance.reshape(len(self.relevance), -1).sum(1) if self.batched else self.relevance.sum()

    def show(self) -> Any:
        """A figure: the picture, the raw map, the heat map over the picture; of a clip, all its frames in a row."""
        from minixai import draw

        return draw.explanation(self)

    def save(self, path: str | Path) -> Path:
        """Write the figure (``.png``), the numbers (``.npz``) or a clip's animation (``.gif``) and return the path."""
        from minixai import draw

        return draw.save(self, path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minixai import draw

        return {"text/plain": repr(self), "text/html": draw.as_html(self)}

    def __len__(self) -> int:
        if not self.batched:
            raise TypeError("this explanation is of a single picture and has no length; explain a batch (N, C, H, W)")
        return len(self.relevance)

    def __getitem__(self, i: int) -> "Explanation":
        """The explanation of picture i of a batch."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"picture {i} of {len(self)}")
        per_picture = ("relevance", "map", "x", "target", "score", "expected", "label", "picture")
        mine: dict[str, Any] = {n: None if getattr(self, n) is None else getattr(self, n)[i] for n in per_picture}
        mine["absorbed"] = {name: a[i] for name, a in self.absorbed.items()}
        mine["signals"] = {name: s[(*(slice(None),) * self.leading_axes, i)] for name, s in self.signals.items()}
        return replace(self, **mine, batched=False)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        said = [f"{self.method}", f"relevance {tuple(self.relevance.shape)}"]
        if self.target is not None:
            said.append(f"target {self.target if self.label is None else self.label}")
        if self.score is not None and not self.batched:
            said.append(f"score {float(self.score):.6g}")
        if self.expected is not None and not self.batched:
            said.append(f"total {float(self.total):.6g} of {float(self.expected):.6g}")
        said += [f"{name}={value}" for name, value in self.params.items() if np.size(value) < 2 and value is not None]
        said += [f"{name}: {value}" for name, value in self.notes.items()]
        return f"Explanation({', '.join(said)})"
