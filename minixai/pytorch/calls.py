"""What a PyTorch call computes: convolution, ReLU, pooling ..., however the module spells it.

``F.relu(x)``, ``torch.relu(x)``, ``x.relu_()``, ``x.clamp(min=0)`` and ``nn.ReLU()`` are one thing here. A call that
is not in the table is unknown, and the methods that must understand every layer refuse it by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

LINEAR = ("conv", "linear", "batch_norm")  # kinds with weights of their own
MEANS = ("avg_pool", "resize", "add")  # linear kinds without
SMOOTH = ("linear", "bilinear", "trilinear")  # one kind of interpolation, by the axes of a map
ALIASES = {"axis": "dim", "keepdims": "keepdim"}  # NumPy's names, which PyTorch takes, too
PICTURE = -1  # the index of what was not computed but given


class Read(NamedTuple):
    """A call, understood: its kind, what flows through it, the facts that fix what it does, if it overwrites x.

    ``other_slope``: autograd's own slope is not the convention's (a clamp passes at exactly 0, a ReLU does not).
    """

    kind: str
    inputs: tuple[Any, ...]
    facts: Mapping[str, Any] = {}
    in_place: bool = False
    other_slope: bool = False


@dataclass(frozen=True, eq=False)
class Call:
    """One layer at work. ``index`` counts the calls of a pass; ``parents`` are the indices of those it reads."""

    index: int
    kind: str
    inputs: tuple[Tensor, ...]
    parents: tuple[int, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def x(self) -> Tensor:
        return self.inputs[0]

    def on(self, *inputs: Tensor, **facts: Any) -> Tensor:
        """The same layer on other inputs, or with other facts (weights)."""
        return COMPUTE[self.kind](*inputs, **{**self.facts, **facts})

    def compute(self) -> Tensor:
        return self.on(*self.inputs)

    def weights(self) -> tuple[Tensor, Tensor | None]:
        """(w, b) of a linear layer; a batch norm's are its scale and shift, one per channel."""
        if self.kind != "batch_norm":
            return self.facts["weight"], self.facts["bias"]
        mean, var, gain, shift, eps = (self.facts[k] for k in ("mean", "var", "weight", "bias", "eps"))
        scale = torch.rsqrt(var + eps) if gain is None else gain * torch.rsqrt(var + eps)
        return scale, -mean * scale if shift is None else shift - mean * scale

    def linear(self, a: Tensor, w: Tensor) -> Tensor:
        """sum_i a_i w_ij, with any weights of the layer's shape and no bias."""
        return a * per_channel(w, a) if self.kind == "batch_norm" else self.on(a, weight=w, bias=None)

    def folded(self, norm: "Call") -> "Call":
        """This layer with the batch norm that follows it, as one."""
        (w, b), (scale, shift) = self.weights(), norm.weights()
        scaled = w * scale.reshape(-1, *(1,) * (w.ndim - 1))
        return replace(self, facts={**self.facts, "weight": scaled, "bias": shift if b is None else b * scale + shift})


def per_channel(values: Tensor, like: Tensor) -> Tensor:
    """One value per channel, shaped to go with (N, C, ...)."""
    return values.reshape(1, -1, *(1,) * (like.ndim - 2))


def read(func: Callable, args: tuple, kwargs: Mapping[str, Any]) -> Read | str:
    """What a call computes, or why that is not known."""
    if func not in READERS:
        return "it has no rule"
    named = {ALIASES.get(name, name): value for name, value in kwargs.items()}
    try:
        found = READERS[func](*args, **named)
    except _Refused as why:
        return str(why)
    except TypeError as why:  # arguments that its reader does not have, such as out=
        return f"it is called in an unknown way ({why})"
    return found._replace(in_place=found.in_place or func.__name__.endswith("_"))


class _Refused(Exception):
    """This spelling of a known call is not supported."""


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Refused(otherwise)


def _conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    facts = {"weight": weight, "bias": bias, "stride": stride, "padding": padding, "dilation": dilation}
    return Read("conv", (input,), facts | {"groups": groups})


def _linear(input, weight, bias=None):
    _need(input.ndim == 2, f"it reads {tuple(input.shape)}; a linear layer on anything but (N, features) is unknown")
    return Read("linear", (input,), {"weight": weight, "bias": bias})


def _batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training or running_mean is None:
        raise ValueError("a batch norm uses the statistics of this batch; give it running statistics to use instead")
    return Read(
        "batch_norm", (input,), {"mean": running_mean, "var": running_var, "weight": weight, "bias": bias, "eps": eps}
    )


def _relu(input, inplace=False):
    return Read("relu", (input,), in_place=inplace)


def _clamp(input, min=None, max=None):
    _need(isinstance(min, int | float) and min == 0 and max is None, f"min={min}, max={max} is no ReLU")
    return Read("relu", (input,), other_slope=True)


def _threshold(input, threshold, value, inplace=False):
    _need(threshold == 0 and value == 0, f"threshold={threshold}, value={value} is no ReLU")
    return Read("relu", (input,), in_place=inplace)


def _max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    _need(not return_indices, "return_indices=True hands out more than the maximum")
    facts = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    return Read("max_pool", (input,), facts | {"ceil_mode": ceil_mode})


def _avg_pool(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    _need(divisor_override is None, "divisor_override is no average")
    facts = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    return Read("avg_pool", (input,), facts | {"count_include_pad": count_include_pad})


def _adaptive(input, output_size):
    return Read("avg_pool", (input,), {"output_size": output_size})


def _mean(input, dim=None, keepdim=False, *, dtype=None):
    maps = set(range(2, input.ndim))
    given = {d % input.ndim for d in ((dim,) if isinstance(dim, int) else dim or ())}
    _need(bool(maps) and given == maps and dtype is None, f"a mean over dim={dim} of {tuple(input.shape)} is no pool")
    return Read("avg_pool", (input,), {"keepdim": keepdim})


def _interpolate(
    input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None,
    antialias=False,
):  # fmt: skip
    """Only what is fixed by the two sizes: a scale that is no whole number may put the pixels' centres elsewhere."""
    planes = input.ndim - 2
    _need(mode == SMOOTH[planes - 1] and not align_corners and not antialias, f"a {mode} interpolation of such a kind")
    if size is None:
        scales = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor,) * planes
        _need(all(s == int(s) for s in scales), f"scale_factor={scale_factor} is no whole number")
        size = [int(s) * n for s, n in zip(scales, input.shape[2:], strict=True)]
    return Read("resize", (input,), {"size": (size,) * planes if isinstance(size, int) else tuple(size)})


def _add(input, other, *, alpha=1):
    both = isinstance(input, Tensor) and isinstance(other, Tensor)
    _need(both and alpha == 1, "only two tensors computed from the picture can be added, without alpha")
    _need(input.shape == other.shape, f"it adds {tuple(input.shape)} and {tuple(other.shape)}")
    return Read("add", (input, other))


def _cat(tensors, dim=0):
    _need(dim % tensors[0].ndim == 1, f"only channels can be concatenated, dim=1, not dim={dim}")
    return Read("cat", tuple(tensors))


def _reshape(input, *shape, **named):
    """A new shape for the same numbers in the same order, as long as every picture keeps its own."""
    shape = shape or tuple(named.values())
    _need(not any(isinstance(s, torch.dtype) for s in shape), "a view as another dtype")
    out = input.detach().reshape(*shape)
    _need(out.shape[:1] == input.shape[:1], f"it mixes pictures: {tuple(input.shape)} to {tuple(out.shape)}")
    _need(out.ndim == 2 or _squeezed(out) == _squeezed(input), f"{tuple(input.shape)} to {tuple(out.shape)}")
    return Read("wire", (input,), {"shape": tuple(out.shape[1:])})


def _reshaped_by(func: Callable) -> Callable[..., Read]:
    return lambda input, *args, **kwargs: _reshape(input, func(input.detach(), *args, **kwargs).shape)


def _squeezed(x: Tensor) -> list[int]:
    return [n for n in x.shape[1:] if n != 1]


def _same(input, *args, **kwargs):
    return Read("wire", (input,), {"shape": tuple(input.shape[1:])})


def _dropout(input, p=0.5, training=True, inplace=False):
    if training:
        raise ValueError("a dropout is active although the module is in eval mode; give it training=self.training")
    return _same(input)._replace(in_place=inplace)


def _softmax(input, dim=None, _stacklevel=3, dtype=None):
    _need(dim in (1, -1) and input.ndim == 2 and dtype is None, f"a softmax over dim={dim} of {tuple(input.shape)}")
    return Read("softmax", (input,), {"log": False})


def _log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    return _softmax(input, dim, _stacklevel, dtype)._replace(facts={"log": True})


def _averaged(x, **facts):
    planes = x.ndim - 2
    if "keepdim" in facts:
        return x.mean(dim=tuple(range(2, x.ndim)), **facts)
    if "output_size" in facts:
        return (F.adaptive_avg_pool2d if planes == 2 else F.adaptive_avg_pool3d)(x, **facts)
    return (F.avg_pool2d if planes == 2 else F.avg_pool3d)(x, **facts)


COMPUTE: dict[str, Callable[..., Tensor]] = {
    "conv": lambda x, **facts: (F.conv2d if x.ndim == 4 else F.conv3d)(x, **facts),
    "linear": lambda x, **facts: F.linear(x, **facts),
    "batch_norm": lambda x, mean, var, **facts: F.batch_norm(x, mean, var, **facts),
    "relu": torch.relu,
    "max_pool": lambda x, **facts: (F.max_pool2d if x.ndim == 4 else F.max_pool3d)(x, **facts),
    "avg_pool": _averaged,
    "resize": lambda x, size: F.interpolate(x, size=size, mode=SMOOTH[x.ndim - 3], align_corners=False),
    "add": torch.add,
    "cat": lambda *xs: torch.cat(xs, dim=1),
    "wire": lambda x, shape: x.reshape(len(x), *shape),
    "softmax": lambda x, log: (torch.log_softmax if log else torch.softmax)(x, dim=1),
}

_T = torch.Tensor
READERS: dict[Any, Callable[..., Read]] = {
    **dict.fromkeys((F.conv2d, F.conv3d, torch.conv2d, torch.conv3d), _conv),
    F.linear: _linear,
    F.batch_norm: _batch_norm,
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_, _T.relu, _T.relu_), _relu),
    **dict.fromkeys((torch.clamp, torch.clamp_, _T.clamp, _T.clamp_, _T.clip, torch.clip), _clamp),
    **dict.fromkeys((torch.clamp_min, torch.clamp_min_, _T.clamp_min, _T.clamp_min_), _clamp),
    F.threshold: _threshold,
    **dict.fromkeys((F.max_pool2d, F.max_pool3d, torch.max_pool2d, torch.max_pool3d), _max_pool),
    **dict.fromkeys((F.avg_pool2d, F.avg_pool3d), _avg_pool),
    **dict.fromkeys((F.adaptive_avg_pool2d, F.adaptive_avg_pool3d), _adaptive),
    **dict.fromkeys((torch.mean, _T.mean), _mean),
    F.interpolate: _interpolate,
    **dict.fromkeys((torch.add, _T.add, _T.add_), _add),
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate), _cat),
    **dict.fromkeys((_T.view, _T.reshape, torch.reshape), _reshape),
    **{f: _reshaped_by(f) for f in (_T.flatten, torch.flatten, _T.squeeze, torch.squeeze)},
    **{f: _reshaped_by(f) for f in (_T.unsqueeze, torch.unsqueeze, _T.unflatten)},
    **dict.fromkeys((_T.contiguous, _T.clone, torch.clone), _same),
    **dict.fromkeys((F.dropout, F.dropout2d, F.dropout3d, F.alpha_dropout), _dropout),
    **dict.fromkeys((F.softmax, torch.softmax, _T.softmax), _softmax),
    **dict.fromkeys((F.log_softmax, torch.log_softmax, _T.log_softmax), _log_softmax),
}
