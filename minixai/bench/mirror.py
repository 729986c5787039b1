"""The mirror against the bare autograd call: what does it cost that ``minixai.pytorch`` listens?"""

from collections.abc import Callable, Mapping, Sequence

from tqdm import tqdm

from minixai import pytorch
from minixai.bench.timing import Ratio, paired
from minixai.crosscheck import texture
from minixai.network import Network

TARGETS = {
    "gradient": 1.05,
    "guided-backprop": 1.15,
    "deconvnet": 1.15,
    "lrp-epsilon": 2.0,
}  # of the bare autograd call


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
    names = tqdm(wanted.items(), desc=network.name, disable=None)
    return [paired(name, bare, ours(name), rounds, target) for name, target in names]


def as_table(results: Mapping[str, Sequence[Ratio]]) -> str:
    """Markdown: a row per network and method."""
    lines = ["| network | method | times the bare call | middle half | bare call | wanted |", "| --- " * 6 + "|"]
    for network, ratios in results.items():
        for r in ratios:
            wanted = "" if r.target is None else f"{r.target:.2f}"
            middle = f"{r.low:.2f} to {r.high:.2f}"
            lines.append(f"| {network} | {r.name} | {r.ratio:.2f} | {middle} | {1000 * r.seconds:.0f} ms | {wanted} |")
    return "\n".join(lines)
