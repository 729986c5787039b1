"""The engine against PyTorch's own layers on random shapes: forward, input gradient and parameter gradients.

float64 to 1e-10; float32 to the bound of a rounded sum, 2 gamma_n sum |a_i b_i| (two engines, each off by that much at
most). The winners of max-pools must be PyTorch's, ties and padding included.
"""

from collections import Counter
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import minixai as mx
from minixai.ops import AVERAGES

from .material import LAYOUTS, Axis, assert_within, gamma, run

FLOAT64_AGREES_TO = 1e-10
HOW_MANY = {
    "conv2d": 80, "conv3d": 30, "linear": 15, "maxpool2d": 45, "maxpool3d": 20, "avgpool2d": 35, "avgpool3d": 15,
    "adaptive": 20, "global": 8, "batchnorm": 15, "resize2d": 20, "resize3d": 10, "relu": 5,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One layer on one picture of shape (N, C, ...): its options, and how its arrays lie in memory."""

    kind: str
    shape: tuple[int, ...]
    options: dict[str, Any]
    layout: str
    dtype: str
    seed: int

    def __str__(self):
        return f"{self.kind}-{self.seed}"

    @property
    def axes(self):
        return len(self.shape) - 2


# Random shapes -------------------------------------------------------------------------------------------------------


def pick(rng, values):
    return values[rng.integers(len(values))]


def random_axes(rng, axes, usable):
    """One random, usable Axis per axis."""
    found = []
    while len(found) < axes:
        n, k, s, before, after = map(int, rng.integers((1, 1, 1, 0, 0), (8, 4, 6, 4, 4)))
        axis = Axis(pick(rng, (n, k)), k, s, before, pick(rng, (before, after)), pick(rng, (1, 1, 2)))
        if axis.starts() and usable(axis):
            found.append(axis)
    return found


def windowed(axes):
    return {
        "kernel": tuple(a.kernel for a in axes),
        "stride": tuple(a.stride for a in axes),
        "padding": tuple((a.before, a.after) for a in axes),
        "dilation": tuple(a.dilation for a in axes),
    }


def random_convolution(rng, n, axes):
    longest = pick(rng, (1, 3, 3, 3))
    spans = random_axes(rng, axes, lambda axis: axis.kernel <= longest)
    groups = pick(rng, (1, 1, 2, 3))
    inputs, outputs = pick(rng, (1, 1, 2, 3)), pick(rng, (1, 1, 2))
    options = {"outputs": groups * outputs, "groups": groups, "bias": bool(rng.integers(2)), **windowed(spans)}
    return (n, groups * inputs, *(a.n for a in spans)), options


def random_pool(rng, n, axes, dilated):
    """As PyTorch allows them: padding up to half a window; with ceil_mode as much after as before."""
    ceil_mode = bool(rng.integers(2))

    def usable(axis):
        half = max(axis.before, axis.after) <= axis.kernel // 2
        even = axis.before == axis.after or not ceil_mode
        return half and even and (dilated or axis.dilation == 1) and axis.every_window_sees_the_picture(ceil_mode)

    spans = random_axes(rng, axes, usable)
    return (n, pick(rng, (1, 2, 3)), *(a.n for a in spans)), {"ceil_mode": ceil_mode, **windowed(spans)}


def random_average(rng, n, axes):
    shape, options = random_pool(rng, n, axes, dilated=False)
    return shape, {"include": bool(rng.integers(2)), **options}


def random_sizes(rng, n, axes, **options):
    return (n, pick(rng, (1, 2, 3)), *map(int, rng.integers(1, 8, axes))), options


def random_case(kind, seed):
    rng = np.random.default_rng([seed, *kind.encode()])
    n = pick(rng, (0, 1, 1, 3, 3, 3))
    makers = {
        "conv2d": lambda: random_convolution(rng, n, 2),
        "conv3d": lambda: random_convolution(rng, n, 3),
        "linear": lambda: random_sizes(rng, n, 0, outputs=pick(rng, (1, 2, 5)), bias=bool(rng.integers(2))),
        "maxpool2d": lambda: random_pool(rng, n, 2, dilated=True),
        "maxpool3d": lambda: random_pool(rng, n, 3, dilated=True),
        "avgpool2d": lambda: random_average(rng, n, 2),
        "avgpool3d": lambda: random_average(rng, n, 3),
        "adaptive": lambda: random_sizes(rng, n, 2, size=tuple(map(int, rng.integers(1, 8, 2)))),
        "global": lambda: random_sizes(rng, n, pick(rng, (2, 3))),
        "batchnorm": lambda: random_sizes(rng, n, pick(rng, (0, 2, 2, 3)), affine=bool(rng.integers(3))),
        "resize2d": lambda: random_sizes(rng, n, 2, size=tuple(map(int, rng.integers(1, 9, 2)))),
        "resize3d": lambda: random_sizes(rng, n, 3, size=tuple(map(int, rng.integers(1, 6, 3)))),
        "relu": lambda: random_sizes(rng, n, 2),
    }
    layout, dtype = list(LAYOUTS)[seed % len(LAYOUTS)], "float32" if seed % 4 == 3 else "float64"
    return Case(kind, *makers[kind](), layout, dtype, seed)


CASES = [random_case(kind, seed) for kind, count in HOW_MANY.items() for seed in range(count)]


# The same layer twice ------------------------------------------------------------------------------------------------


def parameters(case, rng):
    """The layer's numbers, by the engine's names; in this case's type and memory layout."""
    o, channels = case.options, case.shape[1]
    shapes = {}
    if case.kind in ("conv2d", "conv3d"):
        shapes = {"weight": (o["outputs"], channels // o["groups"], *o["kernel"]), "bias": (o["outputs"],)}
    elif case.kind == "linear":
        shapes = {"weight": (o["outputs"], channels), "bias": (o["outputs"],)}
    elif case.kind == "batchnorm":
        shapes = dict.fromkeys(("running_mean", "running_var", "weight", "bias"), (channels,))
    found = {name: laid_out(rng.standard_normal(shape), case) for name, shape in shapes.items()}
    if case.kind == "batchnorm":
        found["running_var"] = found["running_var"] ** 2 + found["running_var"].dtype.type(0.25)
    left_out = {name for name in found if not o.get("bias", True) and name == "bias"}
    left_out |= {"weight", "bias"} if not o.get("affine", True) else set()
    return {name: values for name, values in found.items() if name not in left_out}


def laid_out(values, case):
    return LAYOUTS[case.layout](values.astype(case.dtype))


def picture(case, rng):
    """Normal numbers; for layers that decide something, whole ones with many ties, zeros and all-negative pictures."""
    if case.kind in ("maxpool2d", "maxpool3d", "relu"):
        return laid_out(rng.integers(-3, pick(rng, (0, 3)), case.shape), case)
    return laid_out(rng.standard_normal(case.shape), case)


def our_layer(case, numbers):
    o = case.options
    match case.kind:
        case "conv2d" | "conv3d":
            layer = {"conv2d": mx.Conv2d, "conv3d": mx.Conv3d}[case.kind]
            return layer(**numbers, **{key: o[key] for key in ("stride", "padding", "dilation", "groups")})
        case "linear":
            return mx.Linear(**numbers)
        case "batchnorm":
            return mx.BatchNorm2d(**numbers)
        case "maxpool2d" | "maxpool3d":
            layer = {"maxpool2d": mx.MaxPool2d, "maxpool3d": mx.MaxPool3d}[case.kind]
            return layer(o["kernel"], o["stride"], o["padding"], ceil_mode=o["ceil_mode"], dilation=o["dilation"])
        case "avgpool2d" | "avgpool3d":
            layer = {"avgpool2d": mx.AvgPool2d, "avgpool3d": mx.AvgPool3d}[case.kind]
            how = {"ceil_mode": o["ceil_mode"], "count_include_pad": o["include"]}
            return layer(o["kernel"], o["stride"], o["padding"], **how)
        case "adaptive":
            return mx.AdaptiveAvgPool2d(o["size"])
        case "global":
            return mx.GlobalAvgPool()
        case "resize2d" | "resize3d":
            return mx.Resize(o["size"])
        case "relu":
            return mx.ReLU()


def their_output(case, x, numbers):
    """(output, indices of the winners or None) by PyTorch's own layers."""
    o = case.options
    match case.kind:
        case "conv2d" | "conv3d":
            convolve = {"conv2d": F.conv2d, "conv3d": F.conv3d}[case.kind]
            surrounded, padding = torch_padding(x, o["padding"])
            weight, bias = numbers["weight"], numbers.get("bias")
            return convolve(surrounded, weight, bias, o["stride"], padding, o["dilation"], o["groups"]), None
        case "linear":
            return F.linear(x, numbers["weight"], numbers.get("bias")), None
        case "batchnorm":
            names = ("running_mean", "running_var", "weight", "bias")
            return F.batch_norm(x, *(numbers.get(name) for name in names)), None
        case "maxpool2d" | "maxpool3d":
            return their_max_pool(case, x)
        case "avgpool2d" | "avgpool3d":
            return their_average(case, x), None
        case "adaptive":
            return F.adaptive_avg_pool2d(x, o["size"]), None
        case "global":
            return {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}[case.axes](x, 1), None
        case "resize2d" | "resize3d":
            mode = {2: "bilinear", 3: "trilinear"}[case.axes]
            return F.interpolate(x, size=o["size"], mode=mode, align_corners=False), None
        case "relu":
            return F.relu(x), None


def torch_padding(x, pairs, fill=0.0):
    """(x, padding) where both sides are padded alike, else (x padded, no padding): PyTorch knows no pairs."""
    if all(before == after for before, after in pairs):
        return x, tuple(before for before, _ in pairs)
    return F.pad(x, [side for pair in reversed(pairs) for side in pair], value=fill), (0,) * len(pairs)


def their_max_pool(case, x):
    o = case.options
    pool = {2: F.max_pool2d, 3: F.max_pool3d}[case.axes]
    surrounded, padding = torch_padding(x, o["padding"], fill=-torch.inf)
    how = {"dilation": o["dilation"], "ceil_mode": o["ceil_mode"], "return_indices": True}
    y, indices = pool(surrounded, o["kernel"], o["stride"], padding, **how)
    if surrounded is not x:  # counted on the padded plane: count on the picture
        places = np.unravel_index(indices.numpy(), surrounded.shape[2:])
        moved = [place - before for place, (before, _) in zip(places, o["padding"], strict=True)]
        return y, np.ravel_multi_index(moved, case.shape[2:])
    return y, indices.numpy()


def their_average(case, x):
    o = case.options
    pool = {2: F.avg_pool2d, 3: F.avg_pool3d}[case.axes]
    surrounded, padding = torch_padding(x, o["padding"])
    how = {"ceil_mode": o["ceil_mode"], "count_include_pad": o["include"]}
    y = pool(surrounded, o["kernel"], o["stride"], padding, **how)
    if surrounded is not x and not o["include"]:  # undo the division by pixels of the padding
        ones, _ = torch_padding(torch.ones_like(x), o["padding"])
        return y / pool(ones, o["kernel"], o["stride"])
    return y


# Comparing -----------------------------------------------------------------------------------------------------------


def our_results(op, x, R, choices):
    """What the layer computes, hands back and learns: {"y", "x" and the parameters: array}."""
    learns = {} if not op.parameters else op.parameter_gradients(R, x)
    return {"y": op.forward(x, *choices), "x": op.adjoint(R, x, *choices), **learns}


def without_cancelling(op, x, R, choices):
    """The same sums over the magnitudes of their terms, in float64."""
    bare = op.convert(lambda a: np.abs(a.astype(np.float64)))
    if isinstance(bare, mx.BatchNorm2d):
        bare = replace(bare, running_mean=-bare.running_mean)  # the layer subtracts it
    return our_results(bare, np.abs(x.astype(np.float64)), np.abs(R.astype(np.float64)), choices)


def bounds(op, x, R, choices):
    """{result: how far two engines may be apart}."""
    sizes = without_cancelling(op, x, R, choices)
    if x.dtype == np.float64:
        return dict.fromkeys(sizes, FLOAT64_AGREES_TO)
    if isinstance(op, mx.Resize):  # its weights are off by the rounding of a coordinate, however small they are
        spatial = tuple(range(2, x.ndim))
        sizes = {"y": np.abs(x).max(axis=spatial, keepdims=True), "x": np.abs(R).sum(axis=spatial, keepdims=True)}
        extra = 4 * sum(x.shape[2:] + R.shape[2:])
    else:
        extra = 8  # the roundings of a weight that is itself computed
    terms = without_cancelling(op.convert(np.ones_like), np.ones_like(x), np.ones_like(R), choices)
    averaged = max(prod(x.shape[2:]), prod(R.shape[2:])) if isinstance(op, AVERAGES) else 0
    return {
        name: 2 * gamma(max(float(np.max(terms[name], initial=1)), averaged) + extra, x.dtype) * size
        for name, size in sizes.items()
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_pytorch(case, each_engine):
    rng = np.random.default_rng([case.seed, 1])
    x, numbers = picture(case, rng), parameters(case, rng)
    op = our_layer(case, numbers)
    y, choices = run(op, x)
    R = laid_out(rng.standard_normal(y.shape), case)
    ours, allowed = our_results(op, x, R, choices), bounds(op, x, R, choices)

    leaves = {name: tensor(values) for name, values in {"x": x, **numbers}.items()}
    for name in ours.keys() - {"y"}:
        leaves[name].requires_grad_()
    theirs, winners = their_output(case, leaves["x"], leaves)
    theirs.backward(tensor(R))

    assert {values.dtype for values in ours.values()} == {np.dtype(case.dtype)}
    assert_within(ours.pop("y"), theirs.detach().numpy(), allowed["y"])
    for name, values in ours.items():
        assert_within(values, leaves[name].grad.numpy(), allowed[name])
    if winners is not None:
        assert np.array_equal(choices[0], winners)
        assert np.array_equal(y, theirs.detach().numpy())


def tensor(values):
    return torch.from_numpy(np.array(values, order="C"))


# What the cases cover ------------------------------------------------------------------------------------------------


def features(case):
    """What is unusual about a case; an empty batch tries nothing but itself."""
    o, n, channels = case.options, *case.shape[:2]
    if n == 0:
        return {(case.kind, "batch of 0")}
    found = {f"batch of {n}", case.layout, case.dtype, f"{case.axes} axes"}
    if "kernel" in o:
        sides = list(zip(case.shape[2:], o["kernel"], o["stride"], o["padding"], o["dilation"], strict=True))
        found |= {"stride > kernel" for _, k, s, _, _ in sides if s > k}
        found |= {"kernel == input" for size, k, _, _, _ in sides if size == k > 1}
        found |= {"odd padding" for *_, (before, after), _ in sides if before % 2 or after % 2}
        found |= {"asymmetric padding" for *_, (before, after), _ in sides if before != after}
        found |= {"dilation" for _, k, _, _, d in sides if d > 1 < k}
        found |= {"1x1"} if set(o["kernel"]) == {1} else set()
    if o.get("groups", 1) > 1:
        found |= {"groups"} | ({"depthwise"} if o["groups"] == channels else set())
    if "ceil_mode" in o:
        found.add(f"ceil_mode {o['ceil_mode']}")
    if "include" in o:
        found.add(f"count_include_pad {o['include']}")
    return {(case.kind, feature) for feature in found}


def test_there_are_at_least_200_different_shapes():
    assert len({(case.kind, case.shape, repr(case.options)) for case in CASES}) >= 200
    assert sum(HOW_MANY.values()) == len(CASES)


@pytest.mark.parametrize("kind", [kind for kind in HOW_MANY if "conv" in kind or "pool" in kind])
def test_the_shapes_cover_what_goes_wrong(kind):
    covered = Counter(feature for case in CASES for k, feature in features(case) if k == kind)
    wanted = {"stride > kernel", "kernel == input", "odd padding", "asymmetric padding", "float32", "float64", *LAYOUTS}
    wanted |= {"batch of 0", "batch of 1", "batch of 3"}
    if "conv" in kind:
        wanted |= {"groups", "depthwise", "1x1"}
    if not kind.startswith("avg"):
        wanted |= {"dilation"}
    if "pool" in kind:
        wanted |= {"ceil_mode True", "ceil_mode False"}
    if kind.startswith("avg"):
        wanted |= {"count_include_pad True", "count_include_pad False"}
    assert not {feature for feature in wanted if not covered[feature]}
