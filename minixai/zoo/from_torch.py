"""A PyTorch module as a network of the engine: the calls that it makes become nodes, with their names and weights.

What is read is not the module's parts but what it calls with them, as the mirror hears it: functional layers, layers
used twice, ``+`` and ``torch.cat`` are there like any other. Nothing is taken on trust: the network must give the
module's scores, or there is no network.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np

from minixai import ops
from minixai.network import INPUT, Network, Node
from minixai.ops import Array, Op, UnsupportedOp

try:
    import torch
except ImportError as error:
    raise ImportError("reading PyTorch modules needs PyTorch: pip install 'minixai[torch]'") from error

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from minixai.pytorch.calls import LINEAR, PICTURE, Call
from minixai.pytorch.graph import Graph, graph
from minixai.pytorch.listening import Listening, run, tensors
from minixai.zoo.to_torch import FACTS

AGREES = {torch.float32: 1e-4, torch.float64: 1e-10}  # how far apart scores may be, relative to the largest


def from_torch(module: nn.Module, example_input: Tensor) -> Network:
    """The network that computes what the module computes on pictures like the example: one (C, H, W), or a batch.

    Nodes are named after the parts of the module that compute them; what has no part of its own is named after its
    kind ("layer1.0.add"). Weights are copied in their own precision. A softmax at the end is left out: S(x) is the
    score before it. ``module.minixai_facts`` (classes, black, box, feature_layer ...) is carried over.

    Raises UnsupportedOp naming the call that the engine has no layer for; ValueError for a module or an example that
    cannot be read, and where the network's scores are not the module's, on the example or on random numbers.
    """
    _check_module(module)
    x = _batch(module, example_input)
    with torch.no_grad():
        structure = graph(module, x)
        calls, scores = _heard(module, x)
        network = _network(module, structure, calls, x)
        noise = _noise(x)  # a blank example would agree with anything
        _check_scores(network, {"the example": (x, scores), "random numbers": (noise, _heard(module, noise)[1])})
    return network


def _heard(module: nn.Module, x: Tensor) -> tuple[list[Call], Tensor]:
    """Every call of a pass, with the numbers that the structure leaves out, and the scores."""
    calls: list[Call] = []
    listening = Listening(calls.append)  # which answers None: PyTorch computes everything itself
    scores = run(module, x, listening).scores
    for call in calls:
        if any(t in listening.made for t in tensors(call.facts)):
            raise UnsupportedOp(f"a {call.kind} call reads weights computed from the picture; only constants can be")
    return calls, scores


def _network(module: nn.Module, structure: Graph, calls: list[Call], x: Tensor) -> Network:
    nodes: list[Node] = []
    holds = {PICTURE: INPUT}  # {call: the node that holds what it computed}
    shapes = {PICTURE: tuple(x.shape[1:])}  # {call: the shape in which that node holds it}
    known: dict[Hashable, tuple[Op, ...]] = {}  # a layer used twice stays one layer
    for name, call in zip(structure.names, calls, strict=False):  # calls after the scores have no name
        on = [reader.kind for reader in structure.readers(call.index)]
        first, *then = known.setdefault(_identity(call), _layers(name, call, shapes[call.parents[0]], on))
        nodes.append(Node(name, first, tuple(holds[parent] for parent in call.parents)))
        nodes += [Node(f"{name}_flat", op, (name,)) for op in then]
        holds[call.index] = nodes[-1].name
        kept = isinstance(first, ops.Identity)
        shapes[call.index] = shapes[call.parents[0]] if kept else structure.shapes[call.index]
    return Network(tuple(nodes), input_shape=tuple(x.shape[1:]), **_facts(module, structure.facts))


def _identity(call: Call) -> Hashable:
    """Equal for calls of one layer with weights; any other call is like no other."""
    if call.kind not in LINEAR:
        return call.index
    facts = (id(value) if isinstance(value, Tensor) else repr(value) for value in call.facts.values())
    return (call.kind, call.x.ndim, *facts)


def _layers(name: str, call: Call, shape: tuple[int, ...], readers: list[str]) -> tuple[Op, ...]:
    """The call as a layer of the engine; a mean that drops its axes as two. UnsupportedOp names the call.

    ``shape`` is that in which the engine has what the call reads, ``readers`` are the kinds of the calls behind it.
    """
    try:
        built = _wire(call, shape, readers) if call.kind == "wire" else _BUILDERS[call.kind](call)
    except (ValueError, KeyError) as error:
        raise UnsupportedOp(f"call {name!r}, a {call.kind}, has no layer in the engine: {error}") from error
    return built if isinstance(built, tuple) else (built,)


def _conv(call: Call) -> Op:
    kind = _by_axes(call, ops.Conv2d, ops.Conv3d)
    weight, stride, dilation = (call.facts[fact] for fact in ("weight", "stride", "dilation"))
    axes = call.x.ndim - 2
    ways = {"stride": _sizes(stride, axes), "dilation": _sizes(dilation, axes), "groups": call.facts["groups"]}
    padding = _padding(call.facts["padding"], weight.shape[2:], ways["dilation"])
    return kind(_array(weight), _optional(call.facts["bias"]), padding=padding, **ways)


def _padding(padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """Padding, also by its names: "valid" is none, "same" is what keeps the size, an odd pixel of it at the end."""
    if padding == "valid":
        return 0
    if padding != "same":
        return _sizes(padding, len(kernel))
    missing = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((n // 2, n - n // 2) for n in missing)


def _linear(call: Call) -> Op:
    return ops.Linear(_array(call.facts["weight"]), _optional(call.facts["bias"]))


def _batch_norm(call: Call) -> Op:
    """One scale and shift per channel, however many axes come after the channels."""
    mean, var, weight, bias, eps = (call.facts[fact] for fact in ("mean", "var", "weight", "bias", "eps"))
    return ops.BatchNorm2d(_array(mean), _array(var), _optional(weight), _optional(bias), eps)


def _max_pool(call: Call) -> Op:
    kind = _by_axes(call, ops.MaxPool2d, ops.MaxPool3d)
    dilation = _sizes(call.facts["dilation"], call.x.ndim - 2)
    return kind(*_window(call), ceil_mode=call.facts["ceil_mode"], dilation=dilation)


def _avg_pool(call: Call) -> Op | tuple[Op, ...]:
    """Averages over windows, over as many cells as are asked for, or over the whole map."""
    if "kernel_size" in call.facts:
        kind = _by_axes(call, ops.AvgPool2d, ops.AvgPool3d)
        edges = {fact: call.facts[fact] for fact in ("ceil_mode", "count_include_pad")}
        return kind(*_window(call), **edges)
    if "keepdim" in call.facts:
        whole = ops.GlobalAvgPool()
        return whole if call.facts["keepdim"] else (whole, ops.Flatten())
    sizes = _sizes(call.facts["output_size"], call.x.ndim - 2)
    cells = tuple(size if cell is None else cell for cell, size in zip(sizes, call.x.shape[2:], strict=True))
    if len(cells) == 2:
        return ops.AdaptiveAvgPool2d(cells)
    if set(cells) != {1}:
        raise ValueError(f"in 3-D it averages whole maps only, not to {cells}")
    return ops.GlobalAvgPool()


def _wire(call: Call, shape: tuple[int, ...], readers: list[str]) -> Op:
    """Nothing, or a row of numbers. What is reshaped several times in a row waits for the last shape."""
    after = call.facts["shape"]
    if after == shape:
        return ops.Identity()
    if len(after) == 1:
        return ops.Flatten()
    if not readers or set(readers) != {"wire"}:
        raise ValueError(f"it makes {after} of {shape}; only flattening is known")
    return ops.Identity()


_BUILDERS: dict[str, Callable[[Call], Op | tuple[Op, ...]]] = {
    "conv": _conv,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "relu": lambda call: ops.ReLU(),
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "resize": lambda call: ops.Resize(call.facts["size"]),
    "add": lambda call: ops.Add(),
    "cat": lambda call: ops.Concat(),
    "softmax": lambda call: ops.Softmax(),
}


def _by_axes(call: Call, flat: type[Op], deep: type[Op]) -> Callable[..., Op]:
    return flat if call.x.ndim == 4 else deep


def _window(call: Call) -> tuple[Any, Any, Any]:
    """(kernel, stride, padding) of a pool; a stride that is not given is the kernel."""
    axes, stride = call.x.ndim - 2, call.facts["stride"]
    kernel, padding = (_sizes(call.facts[fact], axes) for fact in ("kernel_size", "padding"))
    return kernel, _sizes(stride, axes) if stride else kernel, padding


def _sizes(value: Any, axes: int) -> tuple[Any, ...]:
    """One value per axis; PyTorch takes one number for all, bare or in a list."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    return values * axes if len(values) == 1 else values


def _array(values: Tensor) -> Array:
    """A copy, so that training the module further leaves the network alone."""
    return np.array(values.detach().numpy())


def _optional(values: Tensor | None) -> Array | None:
    return None if values is None else _array(values)


def _facts(module: nn.Module, said: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [fact for fact in said if fact not in FACTS]
    if unknown:
        raise ValueError(f"module.minixai_facts holds {', '.join(unknown)}; expected some of {', '.join(FACTS)}")
    facts = {"name": type(module).__name__, **said}
    return {fact: _without_torch(value) for fact, value in facts.items()}


def _without_torch(value: Any) -> Any:
    """Tensors as arrays, lists as tuples."""
    if isinstance(value, list | tuple):
        return tuple(_without_torch(v) for v in value)
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value


def _check_module(module: Any) -> None:
    if not isinstance(module, nn.Module):
        raise ValueError(f"got a {type(module).__name__}; expected a torch.nn.Module")
    for path, part in module.named_modules():
        where = f"part {path!r} of the module" if path else "the module"
        if isinstance(part, torch.jit.ScriptModule) or type(part).__name__ == "OptimizedModule":
            raise ValueError(f"{where} is compiled, which hides its calls; pass the module it was compiled from")
        if part.training:
            raise ValueError(f"{where} is in training mode; call module.eval() first")
    for path, weights in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(weights) or weights.is_meta:
            raise ValueError(f"{path!r} has no values yet; load the weights first")


def _batch(module: nn.Module, x: Any) -> Tensor:
    """The example as a batch. One picture has 3 axes; 4 where there are 3-D convolutions; 1 if it is a row."""
    if not isinstance(x, Tensor) or x.dtype not in AGREES:
        got = f"a tensor of {x.dtype}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise ValueError(f"example_input is {got}; expected a float32 or float64 tensor, as the module reads")
    if x.device.type != "cpu":  # others round in ways of their own
        raise ValueError(f"example_input is on {x.device}; the engine is on the CPU: pass module.cpu() and x.cpu()")
    picture = 4 if any(w.ndim == 5 for w in module.parameters()) else 3
    if x.ndim not in (1, 2, picture, 4, 5) or not x.numel():
        raise ValueError(
            f"example_input has shape {tuple(x.shape)}; expected one picture of {picture} axes, a row of features, or "
            "a batch, not empty"
        )
    if not torch.isfinite(x).all():
        raise ValueError("example_input holds NaN or infinite values; expected finite numbers")
    return (x[None] if x.ndim in (1, picture) else x).detach()


def _noise(like: Tensor) -> Tensor:
    values = np.random.default_rng(0).standard_normal(tuple(like.shape))
    return torch.as_tensor(values, dtype=like.dtype)


def _check_scores(network: Network, shown: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """ValueError unless the network gives the module's scores, to rounding: {what: (x, scores)}."""
    largest = max(float(scores.abs().max()) for _, scores in shown.values())
    for what, (x, scores) in shown.items():
        found, expected = network(x.numpy()), scores.numpy()
        if found.shape != expected.shape:
            raise ValueError(f"on {what}, the network gives scores {found.shape}, the module {expected.shape}")
        apart = np.abs(found - expected).max()
        if not apart <= AGREES[x.dtype] * largest:  # also where there is a NaN
            raise ValueError(
                f"on {what}, the network's scores differ from the module's by {apart:.3g}, of at most {largest:.3g}; "
                "the module computes something that its calls do not show, so it cannot be imported"
            )
