"""Weights: from a seed, in and out of a network, and on disk (checked before use, replaced in one stroke)."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from minixai import files
from minixai.network import Network
from minixai.ops import Array, BatchNorm2d, Op

Draw = Callable[..., Array]  # draw(outputs, inputs, ...): the first weights of a layer of that shape
MAX_BYTES = 64 << 20  # the largest weights file that is opened, and the most that it may unpack to


def he(seed: int) -> Draw:
    """Normal weights of variance 2 / fan-in, which keeps signals at their size through ReLUs (He et al., 2015)."""
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))


def untrained(build: Callable[[Draw], Network], seed: int, dtype: str) -> Network:
    """An architecture with random numbers for all its parameters, named so that nobody takes it for the trained one.

    Weights by :func:`he`, small biases, and statistics of batch norms that keep signals at about their size. The same
    network, but for rounding, in "float32" and "float64".
    """
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype is {dtype!r}; expected float32 or float64")
    draw, rng = he(seed), np.random.default_rng([seed, 1])
    network = build(lambda *shape: draw(*shape).astype(dtype)).astype(dtype)
    drawn = {f"{n.name}.{name}": values for n in network.nodes for name, values in _plausible(n.op, rng).items()}
    named = replace(network, name=f"{network.name}-untrained")
    return with_parameters(named, parameters(named) | {name: a.astype(dtype) for name, a in drawn.items()})


def _plausible(op: Op, rng: np.random.Generator) -> dict[str, Array]:
    """Numbers for every parameter but the weights that the architecture has drawn itself."""
    sizes = {name: a.shape for name, a in op.arrays().items()}
    drawn = {"bias": rng.normal(0, 0.1, sizes["bias"])} if "bias" in sizes else {}
    if isinstance(op, BatchNorm2d):
        drawn["running_mean"] = rng.normal(0, 0.3, sizes["running_mean"])
        drawn["running_var"] = rng.uniform(1.5, 4.5, sizes["running_var"])
        drawn["weight"] = rng.uniform(0.5, 1.5, sizes["weight"])
    return drawn


def blank(*shape: int) -> Array:
    """Zeros, for a network whose weights are read from a file."""
    return np.zeros(shape)


def parameters(network: Network) -> dict[str, Array]:
    """Every parameter of the network by node and name: {"conv1.weight": ...}."""
    return {f"{n.name}.{name}": a for n in network.nodes for name, a in n.op.arrays().items()}


def with_parameters(network: Network, values: Mapping[str, Array]) -> Network:
    """The network with these parameters in place of its own; they must have the same names and shapes."""
    check_fit(network, values)
    ops = {n.name: replace(n.op, **{p: values[f"{n.name}.{p}"] for p in n.op.arrays()}) for n in network.nodes}
    return replace(network, nodes=tuple(replace(n, op=ops[n.name]) for n in network.nodes))


def check_fit(network: Network, values: Mapping[str, Array]) -> None:
    """ValueError unless there is one array for every parameter of the network, of the same name and shape."""
    wanted, given = ({name: a.shape for name, a in arrays.items()} for arrays in (parameters(network), values))
    odd = sorted(name for name in {**wanted, **given} if wanted.get(name) != given.get(name))
    if odd:
        where = ", ".join(odd)
        raise ValueError(f"these are not the parameters of network {network.name!r}; names or shapes differ: {where}")


def trained(network: Network) -> Network:
    """The network with its weights, float32, from data/NAME.npz.

    Raises FileNotFoundError where that is missing, ValueError where it is not the file that data/NAME.json records.
    """
    arrays = read_data(network.name, f"{network.name}.npz")
    check_numbers(arrays, f"{network.name}.npz", _again(network.name))
    return with_parameters(network, arrays)


def check_numbers(arrays: Mapping[str, Array], file: str, remedy: str) -> None:
    """ValueError unless all that the file holds are finite float32 numbers."""
    if any(a.dtype != np.float32 or not np.isfinite(a).all() for a in arrays.values()):
        raise ValueError(f"{file} holds something else than finite float32 numbers; {remedy}")


def read_data(name: str, file: str) -> dict[str, Array]:
    """The arrays of a file in data/ that belongs to network ``name``, if it is the file that data/NAME.json records."""
    expected = read_log(name)["files"].get(file)
    if not isinstance(expected, dict) or expected.keys() != {"bytes", "sha256"}:
        raise ValueError(f"{name}.json does not record {file}; {_again(name)}")
    path = files.root("data") / file
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {_again(name)}")
    size, content = path.stat().st_size, b""
    if size == expected["bytes"] <= MAX_BYTES:
        content = path.read_bytes()
    if fingerprint(content) != expected:
        raise ValueError(f"{path} ({size} bytes) is not the file that {name}.json records; {_again(name)}")
    return unpack(content, str(path))


def read_log(name: str) -> dict[str, Any]:
    """data/NAME.json: how the network was trained, what that gave, and the fingerprints of its files."""
    path = files.root("data") / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {_again(name)}")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path} holds {path.stat().st_size} bytes, too many for a training log; {_again(name)}")
    try:
        log = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}); {_again(name)}") from error
    if not isinstance(log, dict) or not isinstance(log.get("files"), dict) or not _is_share(log.get("accuracy")):
        raise ValueError(f"{path} is not a training log with 'files' and an 'accuracy' of 0..1; {_again(name)}")
    return log


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 <= value <= 1


def _again(name: str) -> str:
    return f"restore it, or make it again with: python -m minixai.zoo.train {name}"


def fingerprint(content: bytes) -> dict[str, Any]:
    """What data/NAME.json records of a file."""
    return {"bytes": len(content), "sha256": sha256(content).hexdigest()}


def pack(arrays: Mapping[str, Array]) -> bytes:
    """The arrays as the content of an .npz file; the same arrays always give the same bytes."""
    buffer, named = BytesIO(), dict[str, Any](arrays)
    np.savez(buffer, **named)
    return buffer.getvalue()


def unpack(content: bytes, name: str) -> dict[str, Array]:
    """The arrays in the content of an .npz file called ``name``: plain numbers only, and no more than MAX_BYTES."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_BYTES:
            raise ValueError(f"it unpacks to {unpacked} bytes, more than {MAX_BYTES}")
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            return {key: np.asarray(arrays[key]) for key in arrays.files}
    # zipfile raises NotImplementedError for a compression that it does not know.
    except (BadZipFile, ValueError, OSError, EOFError, NotImplementedError, MemoryError) as error:
        raise ValueError(f"{name} is not a readable .npz file of plain numbers ({error})") from error


def write(path: Path, content: bytes) -> None:
    """Write the file in one stroke: whoever reads it, at any moment, finds the old one whole or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        try:
            draft.write(content)
            draft.close()
            os.chmod(draft.name, 0o644)
            os.replace(draft.name, path)
        except BaseException:
            os.unlink(draft.name)
            raise
