"""What is measured in processes of their own, each a fresh interpreter: memory, and how long the first answer takes."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from minixai import threads
from minixai.bench.timing import Measure, measure
from minixai.network import Network

SIDES = ("captum", "maps only", "with signals")  # what makes the seven maps
RESET, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
MEGA = 1e6
IMPORTS = {"import minixai": ("minixai", 0.25), "import torch": ("torch", None), "import captum": ("captum.attr", None)}
EXPLAIN = "import sys; sys.argv = ['minixai', 'explain']; from minixai.cli import main; main()"
FIRST_OF_CAPTUM = """
import torch
from captum.attr import LRP
from torch import nn
layers = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()]
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.maps, self.head = nn.Sequential(*layers), nn.Linear(32 * 16, 10)
    def forward(self, x):
        return self.head(self.maps(x).flatten(1))
print(LRP(Net().eval()).attribute(torch.rand(1, 1, 8, 8), target=3).sum().item())
"""


def latencies(launches: int, used: int) -> list[Measure]:
    """Imports, the first ``minixai explain`` with and without what Numba has compiled before, and Captum's first map.

    One after the other in every round, so that noise hits all alike; the first round, which reads files from the disk,
    is not counted.
    """
    found: dict[str, list[float]] = {}
    for i in range(launches + 1):
        for name, seconds in _round(used).items():
            found.setdefault(name, []).extend([seconds] if i else [])
    targets = {name: target for name, (_, target) in IMPORTS.items()}
    targets |= {"first explanation, empty caches": 1.5, "first explanation, warm caches": 0.8}
    return [measure(name, values, "s", targets.get(name)) for name, values in found.items()]


def _round(used: int) -> dict[str, float]:
    found = {}
    for name, (module, _) in IMPORTS.items():
        code = f"from time import perf_counter as now; start = now(); import {module}; print(now() - start)"
        found[name] = float(fresh(code, used))
    with TemporaryDirectory(prefix="minixai-") as cache:
        for caches in ("empty", "warm"):
            found[f"first explanation, {caches} caches"] = _wall(EXPLAIN, used, NUMBA_CACHE_DIR=cache)
    found["first map of Captum"] = _wall(FIRST_OF_CAPTUM, used)
    return found


def _wall(code: str, used: int, **environment: str) -> float:
    start = perf_counter()
    fresh(code, used, **environment)
    return perf_counter() - start


def peak(side: str, network: str, used: int) -> dict[str, float]:
    """Resident memory in MB of a process that makes the seven maps: before, at the peak, and the weights' share."""
    code = f"from minixai.bench.children import main; main({side!r}, {network!r}, {used})"
    return json.loads(fresh(code, used))


def fresh(code: str, used: int, **environment: str) -> str:
    """What a program prints in an interpreter of its own. Raises RuntimeError with its last words where it fails."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **threads.environment(used), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"a process of the benchmark failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def main(side: str, name: str, used: int) -> None:
    """In the child: make the network, then the maps, and print what memory that took."""
    from minixai.bench.subjects import network

    if side not in SIDES:
        raise ValueError(f"side is {side!r}; expected one of {', '.join(SIDES)}")
    net = network(name)
    weights = sum(a.nbytes for node in net.nodes for a in node.op.arrays().values())
    work = _maps_of_captum(net) if side == "captum" else _maps_of_ours(net, side == "with signals")
    del net  # Captum's weights are those of its module: they are counted once
    gc.collect()
    before = forget()
    with threads.limited(used):
        kept = work()
    print(json.dumps({"before": before / MEGA, "peak": highest() / MEGA, "weights": weights / MEGA, "maps": len(kept)}))


def _maps_of_captum(net: Network) -> Callable[[], Mapping[str, Any]]:
    from minixai.bench.peers import SETTINGS, Captum
    from minixai.bench.subjects import pictures

    captum = Captum(net, pictures(net))
    return lambda: {name: captum[name]() for name in SETTINGS}


def _maps_of_ours(net: Network, signals: bool) -> Callable[[], Mapping[str, Any]]:
    from minixai.api import explain_all
    from minixai.bench.peers import SETTINGS, ours
    from minixai.bench.subjects import CLASS, pictures

    x, asked = pictures(net), {name: ours()[name] for name in SETTINGS}
    return lambda: explain_all(net, x, asked, CLASS, signals=signals)


def forget() -> int:
    """Begin anew to look for the peak, where the system can (Linux); the resident bytes now."""
    if RESET.is_file():
        RESET.write_text("5")
    return _of_status("VmRSS") or highest()


def highest() -> int:
    """The most bytes that were resident at any time since ``forget``; without Linux, since the process began."""
    found = _of_status("VmHWM")
    if found:
        return found
    import resource  # Windows has none

    return (1 if sys.platform == "darwin" else 1024) * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _of_status(name: str) -> int:
    lines: Sequence[str] = STATUS.read_text().splitlines() if STATUS.is_file() else ()
    return next((1024 * int(text.split()[1]) for text in lines if text.startswith(f"{name}:")), 0)
