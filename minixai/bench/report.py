"""What was measured, in words: Markdown, and the files in data/results."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from minixai import draw
from minixai.zoo.weights import write

NAME = "bench"
TITLES = {
    "speed": "Forwards and backwards, one picture", "maps": "Seven maps", "paths": "Many gradients",
    "latency": "From nothing, in fresh processes", "memory": "Peak of resident memory while seven maps are made",
    "scaling": "Growth", "precision": "float32 against float64", "crowding": "Threads in each other's way",
}  # fmt: skip
Found = Mapping[str, Any]


def page(found: Found) -> str:
    """Everything that was measured, as Markdown."""
    machine, versions = found["machine"], found["versions"]
    lines = [f"# The engine against PyTorch and Captum ({found['size']})", ""]
    lines += [", ".join(f"{name}: {value}" for name, value in machine.items()) + ".", ""]
    lines += [", ".join(f"{name} {value}" for name, value in versions.items() if value) + ".", ""]
    lines += ["Ratios: medians over rounds in which both sides took turns, and the middle half of the rounds."]
    for name, part in found["parts"].items():
        lines += ["", f"## {TITLES[name]}", "", *_part(part)]
    return "\n".join(lines) + "\n"


def record(found: Found, folder: Path) -> list[Path]:
    """bench.json, bench.md and the chart bench.png in a folder; a file appears whole or not at all."""
    paths = [folder / f"{NAME}.{kind}" for kind in ("json", "md", "png")]
    write(paths[0], (json.dumps(found, indent=1, allow_nan=False) + "\n").encode())
    write(paths[1], page(found).encode())
    draw.save_figure(draw.bench_figure(found), paths[2])
    return paths


def verdict(value: float, target: float | None) -> str:
    """What was wanted, and whether it is so."""
    if target is None:
        return ""
    return f"at most {target:g}: {'yes' if value <= target else 'NO'}"


def _part(part: Found) -> Iterator[str]:
    """The tables of one part: whatever it has."""
    if "agreement" in part:
        yield from _table(
            ("map", "Captum as", "apart (float64)", "equal"),
            [(r["method"], r["captum"], _apart(r), "yes" if r["equal"] else "NO") for r in part["agreement"]],
        )
        yield ""
    if "left out" in part:
        yield from (f"* Not compared: {what}: {why}." for what, why in part["left out"].items())
        yield ""
    if "ratios" in part:
        yield from _table(
            ("engine", f"times {part['against']}", part["against"], "engine", "wanted"), map(_ratio, part["ratios"])
        )
    if "measures" in part:
        yield from _table(("what", "took", "wanted"), map(_measure, part["measures"]))
    if "seconds" in part:
        yield ""
        rows = [(name, _time(s["captum"]), _time(s["explain alone"])) for name, s in part["seconds"].items()]
        yield from _table(("map", "Captum", "explain, by itself"), rows)
    if "rows" in part:
        yield ""
        yield from _rows(part["rows"])
    for curve in part.get("curves", {}).values():
        yield from _curve(curve)


def _rows(rows: Sequence[Found]) -> Iterator[str]:
    if "peak" in rows[0]:
        cells = [(r["side"], *(f"{r[k]:.0f} MB" for k in ("peak", "before", "weights"))) for r in rows]
        return _table(("side", "peak", "before", "weights among it"), cells)
    cells = [
        (r["what"], f"{r['pytorch']:.1e}", f"{r['engine']:.1e}", f"{r['ratio']:.2f}", verdict(r["ratio"], r["target"]))
        for r in rows
    ]
    return _table(("error, of the norm", "PyTorch", "engine", "ratio", "wanted"), cells)


def _curve(curve: Found) -> Iterator[str]:
    yield ""
    rows = [(p["x"], _time(p["pytorch"]), _time(p["engine"]), f"{p['ratio']:.2f}") for p in curve["points"]]
    yield from _table((curve["across"], "PyTorch", "engine", "ratio"), rows)
    yield ""
    for side, fit in curve["fits"].items():
        per, start = _time(fit["slope"]), _time(fit["start"])
        yield f"* {side}: {per} each and {start} besides; the line explains {fit['r2']:.2%} of the variance."


def _ratio(r: Found) -> tuple[str, ...]:
    spread = f"{r['ratio']:.2f} ({r['low']:.2f} to {r['high']:.2f})"
    return r["name"], spread, _amount(r, "seconds"), _amount(r, "took"), verdict(r["ratio"], r["target"])


def _measure(m: Found) -> tuple[str, ...]:
    spread = f"{m['value']:.2f} {m['unit']} ({m['low']:.2f} to {m['high']:.2f})"
    return m["name"], spread, verdict(m["value"], m["target"])


def _amount(r: Found, key: str) -> str:
    return f"{r[key]:.0f} MB" if r["name"].startswith("memory") else _time(r[key])


def _apart(row: Found) -> str:
    return f"{row['difference']:.0e}" + (f" (as it comes: {row['as it comes']:.0e})" if "as it comes" in row else "")


def _time(seconds: float) -> str:
    """1.23 s, 45 ms, 678 ns: three digits at most."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{1e9 * seconds:.3g} ns"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join(['---'] * len(head))} |"
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)
