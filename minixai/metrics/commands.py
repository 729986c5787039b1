"""The command line's ``minixai metrics`` and ``minixai score``: maps from files, judged."""

import zlib
from collections.abc import Mapping
from dataclasses import fields
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Annotated, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import typer

from minixai.metrics.registry import METRICS, Metric
from minixai.ops import Array
from minixai.printing import AsJson, print_json
from minixai.taxonomy import closest

MAX_BYTES = 256 * 2**20
File = Path | None
# What zipfile and NumPy raise for files that are damaged, encrypted (RuntimeError) or compressed in other ways.
UNREADABLE = (ValueError, OSError, EOFError, KeyError, RuntimeError, NotImplementedError, BadZipFile, zlib.error)


def metrics(as_json: AsJson = False) -> None:
    """List the metrics: the questions they answer, what they take, their ranges."""
    if as_json:
        return print_json([_facts(metric) for metric in METRICS.values()])
    for metric in METRICS.values():
        typer.echo(f"{metric.name:10} {metric.question:13} {metric.title}: {_manner(metric)}")
        typer.echo(f"{'':24} of {', '.join(metric.takes)}; {metric.source}")


def score(
    map: Annotated[Path, typer.Option("--map", help="The map (.npy), or what explain --out wrote (.npz).")],
    mask: Annotated[File, typer.Option(help="1 on the object, 0 elsewhere (.npy).")] = None,
    box: Annotated[str | None, typer.Option(help="Around the object: its rows and columns, 2:10,3:12.")] = None,
    other: Annotated[File, typer.Option(help="Another map, to compare with (.npy or .npz).")] = None,
    truth: Annotated[File, typer.Option(help="What the map should be, a density (.npy or .npz).")] = None,
    fixations: Annotated[File, typer.Option(help="1 where somebody looked, 0 elsewhere (.npy).")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Its name; repeatable. Default: all that fit.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a map by the metrics that the given files allow."""
    paths = {"map": map, "mask": mask, "other": other, "truth": truth, "fixations": fixations}
    given: dict[str, Any] = {name: read_array(path, f"--{name}") for name, path in paths.items() if path is not None}
    if box is not None:
        given["box"] = read_box(box)
    found, refused = judged(given, metric)
    if as_json:
        return print_json({"scores": found, "refused": refused})
    for name, value in found.items():
        typer.echo(f"{name:10} {float(value):9.6g}   {METRICS[name].title}: {_manner(METRICS[name])}")
    for name, why in refused.items():
        typer.echo(f"{name:10} {'-':>9}   {why}")


def judged(given: Mapping[str, Any], wanted: list[str] | None = None) -> tuple[dict[str, float | bool], dict[str, str]]:
    """The value of each metric that was wanted, or that ``given`` is enough for; and why the others of those refuse.

    Raises ValueError for a name that is not known, and where a wanted metric lacks something or refuses what it gets.
    """
    if wanted:
        return {name: _value(_fitting(name, given), given) for name in wanted}, {}
    found: dict[str, float | bool] = {}
    refused: dict[str, str] = {}
    for metric in METRICS.values():
        if given.keys() >= set(metric.takes):
            try:
                found[metric.name] = _value(metric, given)
            except ValueError as error:
                refused[metric.name] = str(error)
    return found, refused


def read_array(path: Path, what: str) -> Array:
    """The array in a .npy file, or the one called map in an .npz file: plain numbers, at most MAX_BYTES of them."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        content = path.read_bytes()
        return _array(_map_inside(content) if path.suffix.lower() == ".npz" else content)
    except UNREADABLE as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error).strip("'\"")
        raise ValueError(f"{what} {str(path)!r} cannot be read ({said}); expected an array in a .npy file") from error


def read_box(text: str) -> tuple[tuple[int, int], ...]:
    """A box as it is typed: START:STOP for each axis, with commas between."""
    try:
        sides = [tuple(int(end) for end in side.split(":")) for side in text.split(",")]
        return tuple((start, stop) for start, stop in sides)
    except ValueError:
        raise ValueError(f"--box is {text!r:.60}; expected START:STOP per axis, for example 2:10,3:12") from None


def _fitting(name: str, given: Mapping[str, Any]) -> Metric:
    """The metric of that name, if what it takes is given."""
    if name not in METRICS:
        raise ValueError(f"metric {name!r:.60} is not known; {closest(name, list(METRICS))}")
    metric = METRICS[name]
    if "score" in metric.takes:
        raise ValueError(f"{name} asks a network for scores, so it has no command; in Python: minixai.metrics.{name}")
    if missing := [f"--{part}" for part in metric.takes if part not in given]:
        raise ValueError(f"{name} lacks {' and '.join(missing)}; it takes {', '.join(metric.takes)}")
    return metric


def _value(metric: Metric, given: Mapping[str, Any]) -> float | bool:
    value = metric.function(*(given[part] for part in metric.takes))
    return value if isinstance(value, bool) else float(value)


def _manner(metric: Metric) -> str:
    """Its range, its unit, and which way is better."""
    ends = "unbounded" if metric.low is None else f"{metric.low:g} to {metric.high:g}"
    better = "neither way better" if metric.better == "neither" else f"{metric.better} is better"
    return f"{ends}, unit {metric.unit}, {better}"


def _facts(metric: Metric) -> dict[str, Any]:
    return {f.name: getattr(metric, f.name) for f in fields(metric) if f.name != "function"}


def _array(content: bytes) -> Array:
    """The content of a .npy file. Its header is checked first: it may promise more than follows."""
    stream = BytesIO(content)
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"its format is {version}, that of tables")
    shape, _, dtype = readers[version](stream)
    if dtype.kind not in "biuf":
        raise ValueError(f"it holds {dtype}, no plain numbers")
    if prod(shape) * dtype.itemsize > len(content):
        raise ValueError(f"it promises an array {shape} of {dtype} and is too short for that")
    return np.load(BytesIO(content), allow_pickle=False)


def _map_inside(content: bytes) -> bytes:
    with ZipFile(BytesIO(content)) as archive, archive.open("map.npy") as file:
        found = file.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise ValueError(f"its map has more than {MAX_BYTES} bytes")
    return found
