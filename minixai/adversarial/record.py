"""What an attack found: the pictures before and after, what the network says of both, and how large the change is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from minixai.adversarial.aim import class_name
from minixai.adversarial.limits import Box
from minixai.network import Network
from minixai.ops import Array, is_exact

PER_PICTURE = ("x", "adversarial", "scores_before", "scores_after", "target", "steps", "evaluations")


@dataclass(frozen=True, eq=False)
class Attack:
    """A small change of a picture after which the network decides otherwise; or the attempt, where it did not.

    Of one picture or of a batch (then every field has the batch axis first). ``target`` is the class wanted, None
    where any other would do. ``steps`` are FGSM's one, DeepFool's, or the generations of one-pixel; ``evaluations`` how
    often the attack put the picture, or a variant of it, through the network. Norms are in pixel units, 1 is from
    black to white; without a box, in units of x.
    """

    method: str
    network: Network
    x: Array
    adversarial: Array
    scores_before: Array
    scores_after: Array
    target: Any
    box: Box | None
    steps: Any
    evaluations: Any
    params: Mapping[str, Any]
    batched: bool = True

    @property
    def perturbation(self) -> Array:
        """What was added, in the network's numbers."""
        return self.adversarial - self.x

    @cached_property
    def in_pixels(self) -> Array:
        """What was added, in pixel units; floats in double precision."""
        if is_exact(self.x):
            return self.perturbation if self.box is None else self.perturbation / self.box.span
        added = self.adversarial.astype(np.float64) - self.x
        return added if self.box is None else added / self.box.span.astype(np.float64)

    @property
    def label_before(self) -> Any:
        """The network's decision: the class of the highest score, the first of them where several are equal."""
        return np.argmax(self.scores_before, axis=-1)

    @property
    def label_after(self) -> Any:
        return np.argmax(self.scores_after, axis=-1)

    @property
    def success(self) -> Any:
        """Whether the decision is another one, or where there is a target, that one."""
        return self.label_after != self.label_before if self.target is None else self.label_after == self.target

    @property
    def l0(self) -> Any:
        """How many pixels changed; all channels of a pixel count once."""
        changed = self._rows() != 0
        changed = changed.any(axis=1) if changed.ndim > 2 else changed
        return self._each(changed.reshape(len(changed), -1).sum(axis=1))

    @property
    def l2_squared(self) -> Any:
        """The sum of the squares of the change: a fraction where the pictures are fractions."""
        return self._each((self._rows() ** 2).reshape(len(self._rows()), -1).sum(axis=1))

    @property
    def l2(self) -> Any:
        """The Euclidean length of the change."""
        squared = np.asarray(self.l2_squared, np.float64)
        return np.sqrt(squared) if self.batched else float(np.sqrt(squared))

    @property
    def linf(self) -> Any:
        """The largest change of any number."""
        return self._each(abs(self._rows()).reshape(len(self._rows()), -1).max(axis=1))

    def name(self, c: Any) -> str:
        """What the network calls class c."""
        return class_name(self.network, c)

    def __len__(self) -> int:
        if not self.batched:
            raise TypeError("this attack is of a single picture and has no length; attack a batch (N, C, H, W)")
        return len(self.x)

    def __getitem__(self, i: int) -> "Attack":
        """The attack on picture i of a batch."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"picture {i} of {len(self)}")
        fields = {name: getattr(self, name) for name in PER_PICTURE}
        mine: dict[str, Any] = {name: None if values is None else values[i] for name, values in fields.items()}
        return replace(self, **mine, batched=False)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        if self.batched:
            return f"Attack({report(self).as_text()})"
        said = f"{self.method}, {self.name(self.label_before)} -> {self.name(self.label_after)}, "
        return f"Attack({said}l0 {self.l0}, l2 {self.l2:.4g}, linf {float(self.linf):.4g})"

    def _rows(self) -> Array:
        return self.in_pixels if self.batched else self.in_pixels[None]

    def _each(self, values: Array) -> Any:
        return values if self.batched else values[0]


@dataclass(frozen=True)
class Report:
    """Attacks on a set of pictures: how many succeeded, and the median size of the change among those.

    The norms are None where none succeeded. ``steps`` and ``evaluations`` are medians over all pictures.
    """

    method: str
    params: Mapping[str, Any]
    pictures: int
    successes: int
    success_rate: float
    l0: float | None
    l2: float | None
    linf: float | None
    steps: float
    evaluations: float

    def as_text(self) -> str:
        """One line."""
        said = f"{self.method}: {self.successes} of {self.pictures} changed, {100 * self.success_rate:.0f} %"
        if self.l0 is not None:
            said += f"; median of {self.l0:.6g} pixels, l2 {self.l2:.3g}, linf {self.linf:.3g}"
        return f"{said}; {self.steps:.6g} steps, {self.evaluations:.6g} evaluations"


def report(attack: Attack) -> Report:
    """How often an attack on a batch succeeded, and how large the change had to be."""
    if not attack.batched:
        raise ValueError("this attack is of a single picture; report on a batch (N, C, H, W)")
    won = np.asarray(attack.success, bool)
    sizes = {name: _median(np.asarray(getattr(attack, name), np.float64)[won]) for name in ("l0", "l2", "linf")}
    return Report(
        attack.method, dict(attack.params), len(attack), int(won.sum()), success_rate(attack), **sizes,
        steps=float(np.median(attack.steps)), evaluations=float(np.median(attack.evaluations)),
    )  # fmt: skip


def success_rate(attack: Attack) -> float:
    """The share of pictures whose decision is as the attack wanted it."""
    return float(np.mean(attack.success))


def _median(values: Array) -> float | None:
    return float(np.median(values)) if len(values) else None
