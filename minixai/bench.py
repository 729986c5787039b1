"""How long things take, as ratios of two calls made in turn on the same machine, so that noise hits both alike."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from tqdm import tqdm

from minixai import pytorch
from minixai.crosscheck import texture
from minixai.network import Network

TARGETS = {
    "gradient": 1.05,
    "guided-backprop": 1.15,
    "deconvnet": 1.15,
    "lrp-epsilon": 2.0,
}  # of the bare autograd call


@dataclass(frozen=True)
class Ratio:
    """How many times as long as the yardstick: the median over the rounds and the middle half; the yardstick's time."""

    name: str
    ratio: float
    low: float
    high: float
    seconds: float
    target: float | None = None

    def as_text(self) -> str:
        target = "" if self.target is None else f"  (at most {self.target:.2f} wanted)"
        return f"  {self.name:22} {self.ratio:.2f} ({self.low:.2f} to {self.high:.2f}){target}"


def paired(name: str, yardstick: Callable[[], Any], call: Callable[[], Any], rounds: int = 9) -> Ratio:
    """Time ``call`` and ``yardstick`` in turn, each first in every other round, after one round that is not counted."""
    ratios, base = [], []
    for i in range(rounds + 1):
        order = (yardstick, call) if i % 2 else (call, yardstick)
        took = {}
        for f in order:
            start = perf_counter()
            f()
            took[f] = perf_counter() - start
        if i:
            ratios.append(took[call] / took[yardstick])
            base.append(took[yardstick])
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return Ratio(name, median(ratios), low, high, median(base))


def against_autograd(
    network: Network, device: str = "cpu", rounds: int = 9, methods: Mapping[str, float] | None = None
) -> list[Ratio]:
    """The mirror's methods, each against the bare autograd call for the same score: float32, frozen parameters."""
    import torch

    network = network.astype("float32")
    module = network.to_torch().to(device).requires_grad_(False)
    x = torch.as_tensor(texture(network, 1), dtype=torch.float32, device=device)

    def finished() -> None:
        if x.is_cuda:
            torch.cuda.synchronize()

    def bare() -> None:
        leaf = x.clone().requires_grad_()
        torch.autograd.grad(module(leaf)[:, 0].sum(), leaf)
        finished()

    def ours(name: str) -> Callable[[], None]:
        def call() -> None:
            pytorch.explain(module, x, name, 0)
            finished()

        return call

    wanted = TARGETS if methods is None else methods
    found = [paired(name, bare, ours(name), rounds) for name in tqdm(wanted, desc=network.name, disable=None)]
    return [Ratio(r.name, r.ratio, r.low, r.high, r.seconds, wanted[r.name]) for r in found]


def surroundings(device: str = "cpu") -> dict[str, Any]:
    """What the numbers depend on: the machine's kind and the versions."""
    import torch

    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else None
    return {
        "machine": gpu or f"{platform.machine()}, threads: {torch.get_num_threads()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "torch")},
    }


def as_table(results: Mapping[str, Sequence[Ratio]]) -> str:
    """Markdown: a row per network and method."""
    lines = ["| network | method | times the bare call | middle half | bare call | wanted |", "| --- " * 6 + "|"]
    for network, ratios in results.items():
        for r in ratios:
            wanted = "" if r.target is None else f"{r.target:.2f}"
            middle = f"{r.low:.2f} to {r.high:.2f}"
            lines.append(f"| {network} | {r.name} | {r.ratio:.2f} | {middle} | {1000 * r.seconds:.0f} ms | {wanted} |")
    return "\n".join(lines)
