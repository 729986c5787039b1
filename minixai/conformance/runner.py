"""Ask an adapter every case and judge its answers; whatever it does wrong costs one row, never the run."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from minixai.conformance.adapters import Adapter
from minixai.conformance.deviations import KINDS
from minixai.conformance.judge import STATUSES, Row, judge
from minixai.conformance.program import Broken
from minixai.conformance.vectors import Case


def run(adapter: Adapter, cases: Iterable[Case], precision: str = "float64") -> Iterator[Row]:
    """A row per case."""
    for case in cases:
        try:
            answer = adapter(case.question)
        except Broken as error:
            yield Row(case.id, "errored", why=str(error))
        except Exception as error:  # somebody else's program: every way of failing is an answer
            yield judge(case, {"status": "errored", "why": f"{type(error).__name__}: {error}"}, precision)
        else:
            yield judge(case, answer, precision)


def summary(rows: Sequence[Row]) -> str:
    """How many rows of each kind, in words; deviations that are known and listed by their kind."""
    counts = Counter(row.status for row in rows)
    known = {kind: counts[kind] for kind in KINDS if counts[kind]}
    always = {status: counts[status] for status in STATUSES}
    return ", ".join(f"{count} {status}" for status, count in (always | known).items())
