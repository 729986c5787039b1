"""What an experiment finds: the survey's claim, the statements that decide it, all numbers, and a verdict.

The verdict is a rule, not a judgement: the claim puts a number above or below a border. It is confirmed where the whole
95 % interval lies on that side, refuted where it lies on the other, and otherwise inconclusive here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from minixai.experiments.intervals import Interval

CONFIRMED, REFUTED, OPEN = "confirmed", "refuted", "inconclusive here"
EVERY, READINGS = "every", "readings"
RULES = {
    EVERY: "The claim says all of this: refuted if one statement is, confirmed if all are.",
    READINGS: "The claim can be read in these ways: confirmed or refuted if all of them are.",
}


@dataclass(frozen=True)
class Claim:
    """A sentence of the survey. ``combine``: whether its statements must all hold, or are different readings."""

    name: str
    section: str
    text: str
    combine: str

    def __post_init__(self) -> None:
        if self.combine not in RULES:
            raise ValueError(f"combine is {self.combine!r}; expected one of {', '.join(RULES)}")


@dataclass(frozen=True)
class Statement:
    """What would have to hold, as a number that the claim puts ``side`` (above or below) ``border``."""

    text: str
    interval: Interval
    side: str
    border: float = 0.0

    def __post_init__(self) -> None:
        if self.side not in ("above", "below"):
            raise ValueError(f"side is {self.side!r}; expected above or below")

    @property
    def verdict(self) -> str:
        """By the ends of the interval alone; one that touches the border is inconclusive here."""
        above, below = self.interval.low > self.border, self.interval.high < self.border
        if not (above or below):
            return OPEN
        return CONFIRMED if above == (self.side == "above") else REFUTED


@dataclass(frozen=True)
class Row:
    """A number with its interval. ``x``: where it stands on the horizontal axis, in panels of curves."""

    label: str
    interval: Interval
    x: float | None = None


@dataclass(frozen=True)
class Panel:
    """Numbers that belong together. ``border``: a value to compare with; ``across``: what the rows' x is."""

    title: str
    rows: tuple[Row, ...]
    border: float | None = None
    across: str | None = None


@dataclass(frozen=True)
class Outcome:
    """An experiment's result. ``pictures``: how many the intervals are over; ``facts``: what else to know."""

    claim: Claim
    network: str
    pictures: int
    statements: tuple[Statement, ...]
    panels: tuple[Panel, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return combined([s.verdict for s in self.statements], self.claim.combine)

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and words, verdicts included, as they are stored."""
        statements = [asdict(s) | {"interval": list(s.interval), "verdict": s.verdict} for s in self.statements]
        panels = [
            asdict(p) | {"rows": [asdict(r) | {"interval": list(r.interval)} for r in p.rows]} for p in self.panels
        ]
        return {
            "claim": asdict(self.claim), "verdict": self.verdict, "rule": RULES[self.claim.combine],
            "network": self.network, "pictures": self.pictures, "statements": statements, "panels": panels,
            "facts": dict(self.facts),
        }  # fmt: skip


def combined(verdicts: Iterable[str], combine: str) -> str:
    """One verdict from those of the statements, by the claim's rule."""
    found = set(verdicts)
    if len(found) == 1:
        return found.pop()
    return REFUTED if combine == EVERY and REFUTED in found else OPEN


def from_dict(stored: Mapping[str, Any]) -> Outcome:
    """The outcome that :meth:`Outcome.as_dict` stored; its verdicts are derived again."""
    statements = tuple(
        Statement(s["text"], Interval(*s["interval"]), s["side"], s["border"]) for s in stored["statements"]
    )
    panels = tuple(
        Panel(
            p["title"], tuple(Row(r["label"], Interval(*r["interval"]), r["x"]) for r in p["rows"]),
            p["border"], p["across"],
        )
        for p in stored["panels"]
    )  # fmt: skip
    return Outcome(Claim(**stored["claim"]), stored["network"], stored["pictures"], statements, panels, stored["facts"])
