"""The measurements. Each part is a function (size) -> plain numbers and words, as they are stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from minixai import threads
from minixai.api import explain, explain_all
from minixai.bench import children
from minixai.bench.machine import machine, need, versions
from minixai.bench.peers import (
    LEFT_OUT,
    PATHS,
    SETTINGS,
    Captum,
    apart,
    ours,
    torch_forward,
    torch_gradient,
    torch_pair,
)
from minixai.bench.subjects import CLASS, Size, chain, network, pictures
from minixai.bench.timing import Line, line, paired, ratio_of, timed
from minixai.network import Network
from minixai.ops import Array

EQUAL = 1e-6  # in float64, of the largest value
Found = dict[str, Any]
Call = Callable[[], Any]


def run(names: Sequence[str], size: Size, used: int, quiet: bool = False) -> Found:
    """The parts of these names (all, if none is given), with so many threads on both sides.

    Raises ValueError for an unknown name, ImportError without PyTorch and Captum.
    """
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} cannot be measured; expected some of {', '.join(PARTS)}")
    need("torch", "captum")
    import torch  # noqa: F401  (its threads can be limited once it is loaded)

    found: Found = {"size": size.name, "machine": machine(used), "versions": versions(), "parts": {}}
    with threads.limited(used):
        for name in tqdm(list(names) or list(PARTS), desc="parts", disable=True if quiet else None):
            found["parts"][name] = PARTS[name](size, used)
    return found


def speed(size: Size, used: int) -> Found:
    """One picture forwards, and its gradient: the engine against PyTorch."""
    wanted = {(size.network, "forward"): 1.2, (size.network, "gradient"): 1.2, ("resnet34", "gradient"): 1.3}
    ratios = []
    for name in (size.network, *size.others):
        net = network(name)
        x = pictures(net)
        module, tensor = torch_pair(net, x)
        calls: dict[str, tuple[Call, Call]] = {
            "forward": (torch_forward(module, tensor), partial(net, x)),
            "gradient": (torch_gradient(module, tensor), _gradient(net, x)),
        }
        for what, (theirs, mine) in calls.items():
            ratios.append(paired(f"{name} {what}", theirs, mine, size.rounds, wanted.get((name, what))))
    return {"against": "PyTorch", "ratios": [asdict(ratio) for ratio in ratios]}


def maps(size: Size, used: int) -> Found:
    """Seven maps by ``explain_all`` against the same seven by Captum, which are compared first."""
    agreement = agree(network(size.network, size.checked, "float64"), tuple(SETTINGS))
    net = network(size.network)
    x = pictures(net)
    captum, asked = Captum(net, x), {name: ours()[name] for name in SETTINGS}
    each: dict[str, list[float]] = {name: [] for name in SETTINGS}

    def theirs() -> None:
        for name in SETTINGS:
            each[name].append(timed(captum[name], pause=0))

    total = paired(
        "seven maps", theirs, lambda: explain_all(net, x, asked, CLASS, signals=False), size.long, target=0.4
    )
    alone = {name: timed(_explained(net, x, name, asked[name])) for name in SETTINGS}
    return {
        "against": "Captum", "agreement": agreement, "left out": LEFT_OUT, "ratios": [asdict(total)],
        "seconds": {name: {"captum": median(each[name][1:]), "explain alone": alone[name]} for name in SETTINGS},
    }  # fmt: skip


def paths(size: Size, used: int) -> Found:
    """Integrated gradients and SmoothGrad, each with n gradients."""
    agreement = agree(network(size.network, size.checked, "float64"), tuple(PATHS), min(size.n, 4))
    net = network(size.network)
    x = pictures(net)
    captum = Captum(net, x, size.n)
    asked = ours(size.n, captum.noise())
    ratios = [
        paired(f"{name}, n = {size.n}", captum[name], _explained(net, x, name, asked[name]), size.long, target=1.2)
        for name in PATHS
    ]
    return {"against": "Captum", "agreement": agreement, "ratios": [asdict(ratio) for ratio in ratios]}


def agree(net: Network, names: Sequence[str], n: int = 4) -> list[Found]:
    """How far Captum's maps are from the engine's in float64, of the largest value, under which settings."""
    x = pictures(net)
    captum = Captum(net, x, n)
    asked = ours(n, captum.noise())
    rows = []
    for name in names:
        mine = explain(net, x, name, CLASS, **asked[name]).relevance
        difference = apart(mine, captum[name]())
        row = {"method": name, "captum": {**SETTINGS, **PATHS}[name], "difference": difference}
        if name == "deeplift-rescale":
            row["as it comes"] = apart(mine, captum.deeplift(apart=False).detach().numpy())
        rows.append({**row, "equal": difference <= EQUAL})
    return rows


def latency(size: Size, used: int) -> Found:
    """From nothing, in fresh processes: to import, and to explain one bundled picture."""
    return {"measures": [asdict(one) for one in children.latencies(size.launches, used)]}


def memory(size: Size, used: int) -> Found:
    """The peak of resident memory while the seven maps are made, each side in a process of its own."""
    found = {side: children.peak(side, size.network, used) for side in children.SIDES}
    rows = [
        {"side": side, "before": one["before"], "peak": one["peak"], "weights": one["weights"], "unit": "MB"}
        for side, one in found.items()
    ]
    ratios = [
        asdict(ratio_of(f"memory, {side}", [found["captum"]["peak"]], [found[side]["peak"]], target))
        for side, target in (("maps only", 1.25), ("with signals", None))
    ]
    return {"against": "Captum", "rows": rows, "ratios": ratios}


def scaling(size: Size, used: int) -> Found:
    """How the gradient's time grows with the pixels, the pictures and the layers; straight lines through it."""
    nets = {side: network(size.network, side) for side in size.sides}
    by_side = [_both(side * side, net, pictures(net), size) for side, net in nets.items()]
    net = network(size.network)
    by_batch = [_both(n, net, pictures(net, n), size) for n in size.batches]
    chains = {depth: chain(depth, size.side) for depth in size.depths}
    by_depth = [_both(depth, net, _noise(net), size) for depth, net in chains.items()]
    return {
        "against": "PyTorch",
        "curves": {
            "pixels": _curve(by_side, f"pixels of a picture, {size.network}"),
            "pictures": _curve(by_batch, f"pictures in a batch, {size.network}"),
            "layers": _curve(by_depth, f"convolutions in a chain, 64 maps of {size.side} x {size.side}"),
        },
    }


def precision(size: Size, used: int) -> Found:
    """float32 against float64: how far each side's scores and gradients are off; PyTorch's float64 decides."""
    rows = []
    for name in (size.network, *size.others):
        exact, single = network(name, dtype="float64"), network(name)
        x = pictures(exact, size.pictures)
        theirs = _torch_answers(exact, x)
        mine32, theirs32 = _engine_answers(single, x.astype("float32")), _torch_answers(single, x.astype("float32"))
        for what in ("scores", "gradient"):
            off = {"engine": _off(mine32[what], theirs[what]), "pytorch": _off(theirs32[what], theirs[what])}
            times = off["engine"] / off["pytorch"] if off["pytorch"] else float(off["engine"] > 0)
            rows.append({"what": f"{name} {what}", **off, "ratio": times, "target": 2.0})
    return {"against": "PyTorch", "rows": rows}


def crowding(size: Size, used: int) -> Found:
    """What another library's threads cost that still turn when the engine begins: see minixai/threads.py."""
    net = network("shapes")
    x = pictures(net)
    module, tensor = torch_pair(net, x)
    theirs, mine = torch_gradient(module, tensor), _gradient(net, x)
    after, alone = [], []
    for _ in range(10 * size.rounds):
        theirs()
        after.append(timed(mine, pause=0))
        alone.append(timed(mine))
    return {"against": "itself after a pause", "ratios": [asdict(ratio_of("right after PyTorch", alone, after))]}


PARTS: Mapping[str, Callable[[Size, int], Found]] = {
    "speed": speed, "maps": maps, "paths": paths, "latency": latency, "memory": memory, "scaling": scaling,
    "precision": precision, "crowding": crowding,
}  # fmt: skip


def _gradient(net: Network, x: Array) -> Callable[[], Any]:
    return _explained(net, x, "gradient", {})


def _explained(net: Network, x: Array, name: str, params: Mapping[str, Any]) -> Callable[[], Any]:
    return lambda: explain(net, x, name, CLASS, **params)


def _noise(net: Network) -> Array:
    return np.random.default_rng(0).standard_normal((1, *(net.input_shape or ()))).astype(net.dtype)


def _both(at: int, net: Network, x: Array, size: Size) -> Found:
    module, tensor = torch_pair(net, x)
    ratio = paired(net.name, torch_gradient(module, tensor), _gradient(net, x), size.long)
    return {"x": at, "engine": ratio.took, "pytorch": ratio.seconds, "ratio": ratio.ratio}


def _curve(points: Sequence[Found], across: str) -> Found:
    fits = {side: asdict(_fit(points, side)) for side in ("engine", "pytorch")}
    return {"across": across, "points": list(points), "fits": fits}


def _fit(points: Sequence[Found], side: str) -> Line:
    return line([point["x"] for point in points], [point[side] for point in points])


def _engine_answers(net: Network, x: Array) -> dict[str, Array]:
    return {"scores": net(x), "gradient": _gradient(net, x)().relevance}


def _torch_answers(net: Network, x: Array) -> dict[str, Array]:
    module, tensor = torch_pair(net, x)
    scores, gradient = torch_forward(module, tensor)(), torch_gradient(module, tensor)()
    return {"scores": scores.numpy(), "gradient": gradient.numpy()}


def _off(found: Array, exact: Array) -> float:
    """The norm of the error, of the norm of what is right."""
    return float(np.linalg.norm(found.astype(float) - exact) / np.linalg.norm(exact))
