"""Ask an adapter every case and judge its answers; whatever it does wrong costs one row, never the run."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from minixai.conformance.adapters import Adapter
from minixai.conformance.judge import Row, judge
from minixai.conformance.vectors import Case


def run(adapter: Adapter, cases: Iterable[Case], precision: str = "float64") -> Iterator[Row]:
    """A row per case."""
    for case in cases:
        try:
            answer = adapter(case.question)
        except Exception as error:  # somebody else's program: every way of failing is an answer
            yield Row(case.id, "errored", why=f"{type(error).__name__}: {error}"[:500])
        else:
            yield judge(case, answer, precision)


def summary(rows: Sequence[Row]) -> str:
    """How many rows of each kind, in words."""
    counts = Counter(row.status for row in rows)
    return ", ".join(f"{counts[status]} {status}" for status in ("passed", "failed", "skipped", "errored"))
