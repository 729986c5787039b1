"""Layers for the vectors: drawn so that stride, padding, dilation, groups, ties and edges all occur."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from minixai import ops
from minixai.conformance import form
from minixai.conformance.making import precision
from minixai.conformance.making.confirm import by_torch, parts, softmax
from minixai.conformance.making.networks import draw_numbers
from minixai.ops import Array, Op
from minixai.ops.numbers import exact

EACH = 30  # cases per layer


class Drawn(NamedTuple):
    """A layer and what it reads."""

    op: Op
    xs: tuple[Array, ...]


Draw = Callable[[np.random.Generator], Drawn]


def _some(rng: np.random.Generator, *shape: int) -> Array:
    return exact(draw_numbers(rng, shape, "eighths"))


def _one(rng: np.random.Generator, *choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _conv(axes: int) -> Draw:
    made: Any = ops.Conv2d if axes == 2 else ops.Conv3d

    def draw(rng: np.random.Generator) -> Drawn:
        groups = _one(rng, 1, 1, 2)
        ins, outs = groups * _one(rng, 1, 2), groups * _one(rng, 1, 2)
        weight = _some(rng, outs, ins // groups, *(_one(rng, 1, 2, 3) for _ in range(axes)))
        size = [_one(rng, 4, 5) if axes == 2 else _one(rng, 3, 4) for _ in range(axes)]
        dilation = [_one(rng, 1, 2) if 2 * (k - 1) < n else 1 for k, n in zip(weight.shape[2:], size, strict=True)]
        stride, padding = [_one(rng, 1, 1, 2, 3) for _ in size], [_one(rng, 0, 1) for _ in size]
        bias = _some(rng, outs) if rng.integers(3) else None
        op = made(weight, bias, tuple(stride), tuple(padding), tuple(dilation), groups)
        return Drawn(op, (_some(rng, _one(rng, 1, 2), ins, *size),))

    return draw


def _pool(made: Any, axes: int) -> Draw:
    def draw(rng: np.random.Generator) -> Drawn:
        size = [_one(rng, 3, 4, 5) for _ in range(axes)]
        kernel = tuple(_one(rng, 2, 2, 3) for _ in range(axes))
        padding = tuple(_one(rng, 0, k // 2) for k in kernel)
        more = {"ceil_mode": bool(rng.integers(2))}
        if "count_include_pad" in made.__dataclass_fields__:
            more["count_include_pad"] = bool(rng.integers(2))
        op = made(kernel, tuple(_one(rng, 1, 2, 3) for _ in kernel), padding, **more)
        numbers = _one(rng, "eighths", "halves")  # halves tie
        return Drawn(op, (exact(draw_numbers(rng, (_one(rng, 1, 2), 2, *size), numbers)),))

    return draw


def _linear(rng: np.random.Generator) -> Drawn:
    ins, outs = _one(rng, 1, 3, 6), _one(rng, 1, 2, 4)
    op = ops.Linear(_some(rng, outs, ins), _some(rng, outs) if rng.integers(3) else None)
    return Drawn(op, (_some(rng, _one(rng, 1, 2, 3), ins),))


def _norm(rng: np.random.Generator) -> Drawn:
    c = _one(rng, 1, 2, 3)
    root = np.array([_one(rng, 1, 2, 3) / 2 for _ in range(c)])  # var + eps is a square, so the scale is rational
    gain, shift = (_some(rng, c) if rng.integers(4) else None for _ in range(2))
    op = ops.BatchNorm2d(_some(rng, c), exact(root**2 - 0.125), gain, shift, eps=0.125)
    return Drawn(op, (_some(rng, _one(rng, 1, 2), c, 2, 3),))


def _plain(made: Callable[[], Op], *shapes: tuple[int, ...]) -> Draw:
    def draw(rng: np.random.Generator) -> Drawn:
        numbers = _one(rng, "eighths", "halves")
        return Drawn(made(), (exact(draw_numbers(rng, _one(rng, *shapes), numbers)),))

    return draw


def _join(made: Callable[[], Op], channels: bool) -> Draw:
    def draw(rng: np.random.Generator) -> Drawn:
        n, size = _one(rng, 1, 2), [_one(rng, 1, 2, 3), _one(rng, 2, 3)]
        width = _one(rng, 1, 2)
        counts = [_one(rng, 1, 2, 3) if channels else width for _ in range(_one(rng, 2, 2, 3))]
        return Drawn(made(), tuple(_some(rng, n, c, *size) for c in counts))

    return draw


def _sized(made: Callable[[Any], Op]) -> Draw:
    def draw(rng: np.random.Generator) -> Drawn:
        size = (_one(rng, 1, 2, 3, 5), _one(rng, 1, 2, 4))
        return Drawn(made(size), (_some(rng, _one(rng, 1, 2), 2, _one(rng, 2, 3, 5), _one(rng, 3, 4)),))

    return draw


LAYERS: dict[str, Draw] = {
    "Conv2d": _conv(2),
    "Conv3d": _conv(3),
    "Linear": _linear,
    "BatchNorm2d": _norm,
    "Softmax": _plain(ops.Softmax, (1, 3), (2, 4), (1, 2, 2, 2)),
    "ReLU": _plain(ops.ReLU, (1, 4), (2, 1, 2, 3), (1, 2, 3, 3)),
    "MaxPool2d": _pool(ops.MaxPool2d, 2),
    "MaxPool3d": _pool(ops.MaxPool3d, 3),
    "AvgPool2d": _pool(ops.AvgPool2d, 2),
    "AvgPool3d": _pool(ops.AvgPool3d, 3),
    "AdaptiveAvgPool2d": _sized(ops.AdaptiveAvgPool2d),
    "GlobalAvgPool": _plain(ops.GlobalAvgPool, (1, 2, 3, 3), (2, 1, 4, 2), (1, 2, 2, 3, 2)),
    "Resize": _sized(ops.Resize),
    "Add": _join(ops.Add, channels=False),
    "Concat": _join(ops.Concat, channels=True),
    "Flatten": _plain(ops.Flatten, (1, 2, 3, 3), (2, 1, 4, 2), (1, 2, 2, 3, 2), (2, 5)),
}


def drawn(kind: str) -> Iterator[Drawn]:
    """``EACH`` different layers of a kind that can read what they are given."""
    rng, seen = np.random.default_rng([*kind.encode()]), set[str]()
    while len(seen) < EACH:
        try:
            found = LAYERS[kind](rng)
            choice = found.op.choose(*found.xs)
            y = None if kind == "Softmax" else found.op.forward(*found.xs, *(() if choice is None else (choice,)))
        except ValueError:
            continue  # a window wholly in the padding, or larger than the picture
        if y is not None and not y.any():
            continue  # an output of zeros tells little
        key = repr((found.op, [x.tolist() for x in found.xs]))
        if key not in seen:
            seen.add(key)
            yield found


def notes(op: Op, xs: tuple[Array, ...]) -> list[str]:
    """What there is to get wrong in this layer."""
    fields = {name: getattr(op, name, None) for name in ("stride", "padding", "dilation", "kernel", "size")}
    found = {
        "steps are longer than one pixel": any(n > 1 for n in fields["stride"] or ()),
        "the picture is padded": any(n for pair in fields["padding"] or () for n in pair),
        "the axes differ": any(value and len(set(value)) > 1 for value in fields.values()),
        "the window has gaps (dilation)": any(n > 1 for n in fields["dilation"] or ()),
        "the channels are in groups": getattr(op, "groups", 1) > 1,
        "the last window sticks out (ceil_mode)": bool(getattr(op, "ceil_mode", False)),
        "padding does not count in the mean": getattr(op, "count_include_pad", True) is False,
        "there is no bias": "bias" in op.parameters and "bias" not in op.arrays(),
        "an input is exactly 0": isinstance(op, ops.ReLU) and not xs[0].all(),
        "maxima are tied": isinstance(op, ops.MAXIMA) and len(set(xs[0].flat)) < xs[0].size,
        "several pictures": len(xs[0]) > 1,
        "three inputs": len(xs) > 2,
    }
    return [note for note, holds in found.items() if holds]


# -- Cases -------------------------------------------------------------------------------------------------------------


def layer_files() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the file, what it holds) for every kind of layer: outputs and what goes back, confirmed by PyTorch."""
    for kind in tqdm(LAYERS, desc="layers", disable=None):
        cases = [_layer_case(kind, k, *found) for k, found in enumerate(drawn(kind), start=1)]
        yield f"ops/{kind}.json", {"schema": form.SCHEMA, "group": "ops", "op": kind, "networks": {}, "cases": cases}


def _layer_case(kind: str, k: int, op: Op, xs: tuple[Array, ...]) -> dict[str, Any]:
    rng = np.random.default_rng([k, *kind.encode()])
    if isinstance(op, ops.Softmax):
        arriving = exact(draw_numbers(rng, xs[0].shape, "eighths"))
        written, class_ = softmax(op, xs[0], arriving), precision.REL
    else:
        choice = op.choose(*xs)
        operands = xs if choice is None else (*xs, choice)
        y = op.forward(*operands)
        arriving = exact(draw_numbers(rng, y.shape, "eighths"))
        leaving = parts(op.adjoint(arriving, *operands))
        by_torch(op, xs, y, arriving, leaving)
        written = {"output": form.result(y), "leaving": [form.result(r) for r in leaving]}
        class_ = precision.of_layer(op, xs, choice, arriving)
    return {
        "id": f"ops/{kind}-{k:03}",
        "profile": "survey",
        "flags": notes(op, xs),
        "layer": form.layer(op),
        "inputs": [form.tensor(x) for x in xs],
        "arriving": form.tensor(arriving),
        "tolerance": class_,
        "expected": written,
    }
