"""Engine against PyTorch: one network, explained twice by code that shares no arithmetic.

Two correct engines can differ by tens of percent where a ReLU's input or a pool's lead is 0 up to rounding: the last
bit decides a gate. So every method is compared twice. *Shared*: the engine walks on the numbers that PyTorch computed,
so that every gate, switch, mask and threshold is the same; what is left is the method's own arithmetic, and it must
agree. *Alone*: each on its own; where that differs by more, the decisions that flipped are listed. The layers' forward
arithmetic is checked one by one, on PyTorch's own inputs to each.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from minixai import pytorch
from minixai.api import explain, explain_by, methods, rules
from minixai.network import Network, Node, Step, Tape, forward
from minixai.ops import Array, Flatten, Identity, Input, UnsupportedOp
from minixai.result import Explanation
from minixai.walk import walk
from minixai.whitebox.case import Case
from minixai.whitebox.shares import Shares
from minixai.zoo.noise import texture as texture  # for who compares

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}  # of the largest value
FLIP = {"float64": 1e-12, "float32": 1e-5}  # rounding may turn a decision that is this close, of the layer's largest
WIRES = (Flatten, Identity)  # nodes that a module need not have: they only reshape
KINDS = {
    "Conv2d": "conv", "Conv3d": "conv", "Linear": "linear", "BatchNorm2d": "batch_norm", "ReLU": "relu",
    "MaxPool2d": "max_pool", "MaxPool3d": "max_pool", "AvgPool2d": "avg_pool", "AvgPool3d": "avg_pool",
    "AdaptiveAvgPool2d": "avg_pool", "GlobalAvgPool": "avg_pool", "Resize": "resize", "Add": "add", "Concat": "cat",
    "Softmax": "softmax",
}  # fmt: skip


@dataclass(frozen=True)
class Flip:
    """A decision the two engines took differently. ``lead``: how far from the other one, of the layer's largest."""

    node: str
    kind: str  # "sign" of what a layer computed, "winner" of a pool, "difference" from a reference, "mask" of FEM
    place: tuple[int, ...]  # picture, channel, row, column
    lead: float


@dataclass(frozen=True)
class Comparison:
    """One method, two engines; differences are relative to the largest value of what is compared.

    ``shared``: relevance and map with every decision shared; ``alone``: each engine on its own; ``absolute``: the
    largest difference of the shared relevance in its own unit; ``layer``: the first one, from the scores, whose signal
    is further apart than ``tolerance``.
    """

    method: str
    dtype: str
    device: str
    shared: float
    alone: float
    absolute: float
    tolerance: float
    layer: str | None
    flips: tuple[Flip, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Within tolerance when shared; alone, too, or every excess goes back to decisions that rounding can turn."""
        traced = bool(self.flips) and all(flip.lead <= FLIP[self.dtype] for flip in self.flips)
        return self.shared <= self.tolerance and (self.alone <= self.tolerance or traced)


@dataclass(frozen=True)
class Report:
    """Every method on one network: what was compared, what neither can do, and the worst layer going forward."""

    network: str
    dtype: str
    device: str
    comparisons: tuple[Comparison, ...]
    refused: Mapping[str, str]
    forward: tuple[str, float]

    @property
    def passed(self) -> bool:
        return all(c.passed for c in self.comparisons) and self.forward[1] <= TOLERANCE[self.dtype]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``; flips by their number."""
        rows = [{**asdict(c), "flips": len(c.flips), "passed": c.passed} for c in self.comparisons]
        worst = {"layer": self.forward[0], "difference": self.forward[1]}
        return {
            "network": self.network, "dtype": self.dtype, "device": self.device, "passed": self.passed,
            "forward": worst, "methods": rows, "refused": dict(self.refused),
        }  # fmt: skip

    def as_text(self) -> str:
        """A line per method, for people."""
        layer, apart = self.forward
        lines = [f"{self.network}, {self.dtype} on {self.device}: forward {apart:.1e}{f' at {layer}' if layer else ''}"]
        for c in self.comparisons:
            where = f", first at {c.layer}" if c.layer else ""
            flips = f", {len(c.flips)} flips" if c.flips else ""
            verdict = "ok" if c.passed else "FAILED"
            lines.append(f"  {c.method:22} shared {c.shared:.1e}  alone {c.alone:.1e}  {verdict}{flips}{where}")
        return "\n".join(lines + [f"  {name:22} does not fit: {why}" for name, why in self.refused.items()])


FEW = {"integrated-gradients": {"n": 4}, "smoothgrad": {"n": 4}}  # a comparison needs no fine mean


def defaults(wanted: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """The methods (all, or those wanted) with the parameters they are compared at."""
    names = [m.name for m in methods("white-box")]
    unknown = [name for name in wanted or () if name not in names]
    if unknown:
        raise ValueError(f"methods {', '.join(unknown)} are not known; expected some of {', '.join(names)}")
    return {name: FEW.get(name, {}) for name in wanted or names}


@contextmanager
def careful(device: str) -> Iterator[None]:
    """PyTorch computing in full precision and in a fixed order. ValueError where there is no such device."""
    import torch

    kind = device.split(":")[0]
    if kind not in ("cpu", "cuda"):
        raise ValueError(f"device is {device!r}; expected cpu, cuda or cuda:NUMBER")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is cuda, but this PyTorch sees no GPU; expected cpu, or a machine with one")
    matmul = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = matmul


def compare(network: Network, module: Any, x: Any, method: str, /, target: Any = None, **params: Any) -> Comparison:
    """The engine's explanation of ``network`` against the mirror's of ``module``, for the same pictures.

    The module has the network's layers in the network's order (``net.to_torch()``, or what it was imported from), on
    any device, in float32 or float64; x is one picture or a batch. Raises ValueError where the two are not the same
    network, UnsupportedOp where the method does not fit it.
    """
    return Pair(network, module, x).compare(method, target, params)


def crosscheck(
    network: Network, module: Any, x: Any, wanted: Mapping[str, Mapping] | None = None, progress: bool = False
) -> Report:
    """Every method, or those ``wanted`` {name: parameters}, on one network."""
    pair = Pair(network, module, x)
    chosen = defaults() if wanted is None else wanted
    compared, refused = [], {}
    for name, params in tqdm(chosen.items(), desc=network.name, unit="method", disable=not progress):
        try:
            compared.append(pair.compare(name, None, params))
        except ValueError as error:
            refused[name] = pair.refusal(name, params)
            if not refused[name]:
                raise error
    return Report(network.name, pair.dtype, pair.device, tuple(compared), refused, pair.forward())


def record(reports: Iterable[Report], folder: Path, surroundings: Mapping[str, Any]) -> list[Path]:
    """Add reports to crosscheck.json and crosscheck.md in a folder; an older one of the same kind gives way."""
    path = folder / "crosscheck.json"
    known = json.loads(path.read_text()) if path.exists() else []
    new = [{**report.as_dict(), **surroundings} for report in reports]
    kinds = {_kind(report) for report in new}
    every = sorted([r for r in known if _kind(r) not in kinds] + new, key=_kind)
    path.write_text(json.dumps(every, indent=1) + "\n")
    table = folder / "crosscheck.md"
    table.write_text(as_table(every) + "\n")
    return [path, table]


def as_table(reports: Iterable[Mapping[str, Any]]) -> str:
    """Markdown: a row per network, precision and machine."""
    lines = [
        "| network | on | methods | forward | worst, decisions shared | worst, each alone | flips | agree |",
        "| --- " * 8 + "|",
    ]
    for r in reports:
        rows, place = r["methods"], f"{r['dtype']}, {r['machine']}"
        flips, agree = sum(row["flips"] for row in rows), "yes" if r["passed"] else "NO"
        cells = [r["network"], place, len(rows), f"{r['forward']['difference']:.0e}"]
        cells += [_worst(rows, "shared"), _worst(rows, "alone"), flips, agree]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _worst(rows: Iterable[Mapping[str, Any]], key: str) -> str:
    row = max(rows, key=itemgetter(key))
    return f"{row[key]:.0e} ({row['method']})"


def _kind(report: Mapping[str, Any]) -> tuple[str, str, str]:
    return report["network"], report["dtype"], report["device"]


class Pair:
    """A network and the module that claims to be the same, with pictures for both."""

    def __init__(self, network: Network, module: Any, x: Any) -> None:
        import torch

        weight = next(module.parameters())
        self.dtype, self.device = str(weight.dtype).removeprefix("torch."), str(weight.device)
        self.network, self.module = network.astype(self.dtype), module
        self.x = np.asarray(x, self.dtype)
        self.tensor = torch.as_tensor(self.x, device=weight.device)
        batch = self.network.batch(self.x)
        self.graph = pytorch.graph(module, torch.as_tensor(batch[:1], device=weight.device))
        self.calls = dict(aligned(self.network, self.graph))

    def compare(self, method: str, target: Any, params: Mapping[str, Any]) -> Comparison:
        seen = Seen(self.calls)
        alone = explain(self.network, self.x, method, target=target, **params)
        classes = np.asarray(alone.target).tolist()
        theirs = self.mirrored(method, classes, params, signals=True, watch=seen.add)
        shared = explain_by(seen.tape, self.network, self.x, method, classes, params)
        tolerance, apart = self.tolerance(method, classes, params), distance(alone, theirs)
        return Comparison(
            method, self.dtype, self.device, distance(shared, theirs), apart,
            float(np.abs(shared.relevance - numbers(theirs.relevance)).max()), tolerance,
            self.first_apart(shared, theirs, tolerance), tuple(seen.flips()) if apart > tolerance else (), dict(params),
        )  # fmt: skip

    def mirrored(self, method: str, target: Any, params: Mapping[str, Any], **more: Any) -> Explanation:
        return pytorch.explain(self.module, self.tensor, method, target, **more, **self.translated(method, params))

    def refusal(self, method: str, params: Mapping[str, Any]) -> str:
        """Why a method does not fit these pictures: the engine's reason, or the mirror's; empty where it fits.

        Raises ValueError where the engine refuses what the mirror explains.
        """
        try:
            target = np.asarray(explain(self.network, self.x, method, **params).target).tolist()
        except ValueError as error:
            try:
                self.mirrored(method, None, params)
            except ValueError:
                return str(error)
            raise ValueError(f"{method}: PyTorch's side explains what the engine refuses: {error}") from error
        try:
            self.mirrored(method, target, params)
        except UnsupportedOp as error:
            return f"PyTorch's side: {error}"
        return ""

    def translated(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters for the mirror: layers by the module's names, and what only the network knows, said."""
        net, out = self.network, dict(params)
        known = next(m.params for m in methods() if m.name == method)
        inner = params.get("method", "gradient") if method == "smoothgrad" else method
        known = {**known, **next(m.params for m in methods() if m.name == inner)}
        if "layer" in known and (params.get("layer") or net.feature_layer) and method != "deconvnet":
            out["layer"] = params.get("layer") or net.feature_layer
        if out.get("layer") is not None:
            out["layer"] = self.graph.names[self.calls[out["layer"]]]
        if "baseline" in known and params.get("baseline") is None and net.black is not None:
            out["baseline"] = np.asarray(net.black, self.dtype)
        if "low" in known and params.get("low") is None and net.box is not None:
            out |= {"low": net.box[0], "high": net.box[1]}
        return out

    def first_apart(self, ours: Explanation, theirs: Explanation, tolerance: float) -> str | None:
        """The first layer, walking back from the scores, where the signals are further apart than the tolerance."""
        for node, signal in ours.signals.items():
            name = self.graph.names[self.calls[node]] if node in self.calls else node  # "input", or a wire
            if name in theirs.signals:
                other = numbers(theirs.signals[name]).reshape(signal.shape)
                if relative(signal - other, signal) > tolerance:
                    return node
        return None

    def tolerance(self, method: str, target: Any, params: Mapping[str, Any]) -> float:
        """The bound; where denominators may come close to 0 for no reason of size, as far as rounding is magnified."""
        if params.get("bias") != "ignore" and params.get("stabilizer") != "literal":
            return TOLERANCE[self.dtype]
        return max(TOLERANCE[self.dtype], 10 * float(np.finfo(self.dtype).eps) * self.kappa(method, target, params))

    def kappa(self, method: str, target: Any, params: Mapping[str, Any]) -> float:
        """max |z_j / d_j| over the neurons that relevance reaches."""
        tape = forward(self.network, self.x)
        classes = np.broadcast_to(np.asarray(target), len(tape.input.y))
        case = Case(tape, classes).folded
        table = rules(method, case.network, **params)
        worst = 1.0
        for hop in walk(case.tape, case.one_hot(case.score), table):
            if isinstance(hop.rule, Shares):
                for part in hop.rule.quotients(hop.at):
                    reached = (hop.arriving != 0) & (part.d != 0)
                    ratio = np.abs(np.broadcast_to(hop.at.y, reached.shape)[reached] / part.d[reached])
                    worst = max(worst, float(ratio.max(initial=0)))
        return worst

    def forward(self) -> tuple[str, float]:
        """The layer that computes most differently from PyTorch's, given PyTorch's own inputs, and by how much."""
        seen = Seen(self.calls)
        pytorch.explain(self.module, self.tensor, "gradient", signals=True, watch=seen.add)
        worst = ("", 0.0)
        for step in seen.tape(self.network, self.network.batch(self.x)).steps[1:]:
            apart = relative(step.op.forward(*step.operands) - step.y, step.y)
            worst = max(worst, (step.name, apart), key=lambda found: found[1])
        return worst


class Seen:
    """What PyTorch computed, picture by picture, in every pass of a method; and tapes made of it."""

    def __init__(self, calls: Mapping[str, int]) -> None:
        self.calls = calls
        self.rows: dict[bytes, dict[int, Array]] = {}
        self.made: list[tuple[Network, Array, Array | None]] = []  # the tapes that were asked for

    def add(self, x: Any, computed: Mapping[int, Any]) -> None:
        """Remember a pass; called by the mirror."""
        values = {index: numbers(y) for index, y in computed.items()}
        for i, picture in enumerate(numbers(x)):
            self.rows.setdefault(picture.tobytes(), {index: y[i] for index, y in values.items()})

    def tape(self, network: Network, x: Any, ref: Tape | None = None) -> Tape:
        """The tape of these pictures with PyTorch's numbers on it, and so PyTorch's decisions."""
        x = network.batch(x)
        found = [self.rows.get(picture.tobytes()) for picture in x]
        if any(row is None for row in found):
            raise ValueError("the engine looked at a picture that PyTorch has not been shown; the two took other paths")
        rows = [row for row in found if row is not None]
        self.made.append((network, x, None if ref is None else ref.input.y))
        steps = {"input": Step("input", Input(), (), x, ref=ref.input if ref else None)}
        for node in network.nodes:
            if node.name == network.nodes[-1].name != network.output:
                break
            parents = tuple(steps[name] for name in node.inputs)
            xs = tuple(parent.y for parent in parents)
            choice = node.op.choose(*xs)
            index = self.calls.get(self._computed_by(network, node))
            if index is None:
                y = node.op.forward(*xs)
            else:
                y = np.stack([row[index] for row in rows])
                y = _with_axes(y, xs[0].ndim) if KINDS.get(type(node.op).__name__) == "avg_pool" else y
            steps[node.name] = Step(node.name, node.op, parents, y, choice, ref[node.name] if ref else None)
        return Tape(network, tuple(steps.values()))

    def _computed_by(self, network: Network, node: Node) -> str:
        """The node whose output this one has: its own, or that of the batch norm that was folded into it."""
        for reader in network.consumers(node.name):
            if isinstance(reader.op, Identity) and reader.name in self.calls:
                return reader.name  # an Identity that the module computes something for: it was a batch norm
        return node.name

    def flips(self) -> Iterator[Flip]:
        """Every decision that the engine, on its own, takes differently."""
        for network, x, x0 in list(self.made):
            own = forward(network, x, ref=None if x0 is None else forward(network, x0))
            theirs = self.tape(network, x, None if x0 is None else self.tape(network, x0))
            for mine, other in zip(own.steps, theirs.steps, strict=True):
                yield from _flips(mine, other)


def aligned(network: Network, graph: pytorch.Graph) -> Iterator[tuple[str, int]]:
    """(node, call) for everything that computes. Raises ValueError at the first that is not of the same kind."""
    nodes = [n for n in network.nodes if not isinstance(n.op, WIRES)]
    if network.nodes[-1].name != network.output:
        nodes = nodes[:-1]
    calls = [call for call in graph.calls if call.kind != "wire"]
    for node, call in zip(nodes, calls, strict=False):
        if KINDS.get(type(node.op).__name__) != call.kind:
            raise ValueError(
                f"node {node.name!r} is {node.op!r}, but the module computes {call.kind} at {graph.names[call.index]}; "
                "expected the same network on both sides"
            )
        yield node.name, call.index
    if len(nodes) != len(calls):
        raise ValueError(f"the network has {len(nodes)} layers, the module {len(calls)}; expected the same network")


def distance(ours: Explanation, theirs: Explanation) -> float:
    """How far apart two explanations are, relevance and map, relative to the largest value."""
    pairs = ((ours.relevance, theirs.relevance), (ours.map, theirs.map))
    return max(relative(a - numbers(b), a) for a, b in pairs)


def relative(difference: Array, like: Array) -> float:
    """The largest difference, of the largest value (absolute where everything is 0)."""
    top = float(np.abs(like).max(initial=0))
    return float(np.abs(difference).max(initial=0)) / (top or 1.0)


def numbers(tensor: Any) -> Array:
    """A tensor as an array."""
    return tensor.detach().cpu().numpy()


def _with_axes(y: Array, ndim: int) -> Array:
    return y.reshape(*y.shape, *(1,) * (ndim - y.ndim))


def _flips(mine: Step, other: Step) -> Iterator[Flip]:
    """Where two steps decide differently: by the sign of what they computed, a pool's winner, a difference's sign."""
    yield from _turned(mine.name, "sign", mine.y, other.y, other.y)
    if mine.ref is not None:
        yield from _turned(mine.name, "difference", mine.dy, other.dy, other.y)
    if mine.choice is not None and mine.choice.dtype != bool:
        turned = mine.choice != other.choice
        planes = other.x.reshape(*other.x.shape[:2], -1)
        for place in zip(*np.nonzero(turned), strict=True):
            a, b = (planes[place[0], place[1], choice[place]] for choice in (mine.choice, other.choice))
            yield Flip(mine.name, "winner", tuple(map(int, place)), float(abs(a - b) / np.abs(other.x).max()))


def _turned(name: str, kind: str, mine: Array, other: Array, scale: Array) -> Iterator[Flip]:
    top = float(np.abs(scale).max(initial=0)) or 1.0
    for place in zip(*np.nonzero(np.sign(mine) != np.sign(other)), strict=True):
        lead = max(abs(float(mine[place])), abs(float(other[place]))) / top
        yield Flip(name, kind, tuple(map(int, place)), lead)
