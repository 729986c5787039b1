"""Networks and numbers as JSON: every number exact, as a string such as "7/3", beside a float where it is a result."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from minixai import ops
from minixai.network import Network, Node
from minixai.ops import Array, Op

DIGITS = 500  # in a numerator or denominator
NUMBERS = 100_000  # in one tensor
SCHEMA = "minixai-vectors/1"


def strict_json(content: bytes) -> Any:
    """JSON from anywhere: no key twice in one object, no NaN. Raises ValueError, RecursionError."""
    return json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number here")


def number(text: str) -> Fraction:
    """A number as written: "3", "-7/2". Raises ValueError for anything else, and for more than 500 digits."""
    if not isinstance(text, str) or len(text) > 2 * DIGITS + 2:
        raise ValueError(f"a number is a string such as '-7/2', of at most {DIGITS} digits; got {text!r:.40}")
    top, slash, bottom = text.partition("/")
    whole = top.removeprefix("-").isdecimal() and top.isascii()
    if not whole or (slash and not (bottom.isdecimal() and bottom.isascii() and int(bottom))):
        raise ValueError(f"a number is a string such as '-7/2'; got {text!r:.40}")
    return Fraction(int(top), int(bottom) if slash else 1)


def tensor(a: Array) -> dict[str, Any]:
    """Exact numbers, as they are written down."""
    return {"shape": list(a.shape), "values": [str(Fraction(v)) for v in a.ravel()]}


def result(a: Array) -> dict[str, Any]:
    """Exact numbers that a program is to find, with the nearest float64 beside each."""
    return {
        "shape": list(a.shape),
        "exact": [str(Fraction(v)) for v in a.ravel()],
        "float": [float(v) for v in a.ravel()],
    }


def irrational(digits: Sequence[str], shape: Sequence[int]) -> dict[str, Any]:
    """Numbers that are no fractions, to 30 digits, with the nearest float64 beside each."""
    return {"shape": list(shape), "digits": list(digits), "float": [float(d) for d in digits]}


def array(written: Mapping[str, Any]) -> Array:
    """Exact numbers read back (from ``tensor`` or ``result``). Raises ValueError where they do not fit their shape."""
    return _filled(written["shape"], written.get("values", written.get("exact")), number)


def found(written: Mapping[str, Any]) -> Array:
    """The numbers of a ``result``, or those of ``irrational`` to the digits that are written down, as fractions."""
    return _filled(written["shape"], written["digits"], Fraction) if "digits" in written else array(written)


def _filled(shape: Sequence[int], values: Any, read: Callable[[str], Fraction]) -> Array:
    if values is None or len(values) != prod(shape) or len(values) > NUMBERS:
        raise ValueError(f"a tensor of shape {shape} holds {len(values or ())} numbers; expected {prod(shape)}")
    return np.array([read(v) for v in values] + [None], dtype=object)[:-1].reshape(shape)


# What a layer is made with, by its name: the fields that are written down besides its parameters.
FIELDS: dict[str, tuple[str, ...]] = {
    "Conv2d": ("stride", "padding", "dilation", "groups"),
    "Conv3d": ("stride", "padding", "dilation", "groups"),
    "Linear": (),
    "BatchNorm2d": ("eps",),
    "ReLU": (),
    "MaxPool2d": ("kernel", "stride", "padding", "dilation", "ceil_mode"),
    "MaxPool3d": ("kernel", "stride", "padding", "dilation", "ceil_mode"),
    "AvgPool2d": ("kernel", "stride", "padding", "ceil_mode", "count_include_pad"),
    "AvgPool3d": ("kernel", "stride", "padding", "ceil_mode", "count_include_pad"),
    "AdaptiveAvgPool2d": ("output_size",),
    "GlobalAvgPool": (),
    "Resize": ("size",),
    "Add": (),
    "Concat": (),
    "Flatten": (),
    "Identity": (),
    "Softmax": (),
}
_PAIRS = ("padding",)  # written per axis as [before, after]


def layer(op: Op) -> dict[str, Any]:
    """A layer, written down."""
    kind = type(op).__name__
    if kind not in FIELDS:
        raise ValueError(f"{op!r} cannot be written down; expected one of {', '.join(FIELDS)}")
    said: dict[str, Any] = {"op": kind}
    for field in FIELDS[kind]:
        value = getattr(op, field)
        said[field] = str(Fraction(value)) if field == "eps" else _plain(value)
    return said | {name: tensor(a) for name, a in op.arrays().items()}


def read_layer(said: Mapping[str, Any]) -> Op:
    """A layer, read back. Raises ValueError for what is not a layer."""
    kind = said["op"]
    if kind not in FIELDS:
        raise ValueError(f"op is {kind!r:.40}; expected one of {', '.join(FIELDS)}")
    made: Any = getattr(ops, kind)
    given = {key: value for key, value in said.items() if key not in ("op", "name", "inputs")}
    known = (*FIELDS[kind], *made.parameters)
    if unknown := [key for key in given if key not in known]:
        raise ValueError(f"{kind} has no {', '.join(unknown)}; expected {', '.join(known) or 'nothing'}")
    if missing := [f.name for f in fields(made) if f.default is MISSING and f.name not in given]:
        raise ValueError(f"{kind} lacks {', '.join(missing)}; expected {', '.join(known)}")
    for key, value in given.items():
        if isinstance(value, Mapping):
            given[key] = array(value)
        elif key == "eps":
            given[key] = number(value)
        elif isinstance(value, Sequence):
            given[key] = tuple(map(tuple, value)) if key in _PAIRS else tuple(value)
    return made(**given)


def network(net: Network) -> dict[str, Any]:
    """A network, written down."""
    assert net.input_shape is not None
    nodes = [{"name": n.name, "inputs": list(n.inputs), **layer(n.op)} for n in net.nodes]
    shared = _same_ops(net)
    for node in nodes:
        if node["name"] in shared:
            node["same_as"] = shared[node["name"]]
    facts = {} if net.feature_layer is None else {"feature_layer": net.feature_layer}
    return {"input_shape": list(net.input_shape), "nodes": nodes, **facts}


def read_network(said: Mapping[str, Any]) -> Network:
    """A network in exact fractions, read back."""
    made: dict[str, Node] = {}
    for node in said["nodes"]:
        plain = {key: value for key, value in node.items() if key != "same_as"}
        op = made[node["same_as"]].op if "same_as" in node else read_layer(plain)
        made[node["name"]] = Node(node["name"], op, tuple(node["inputs"]))
    return Network(
        tuple(made.values()), input_shape=tuple(said["input_shape"]), feature_layer=said.get("feature_layer")
    )


def _same_ops(net: Network) -> dict[str, str]:
    """{node: the earlier node that has the very same layer}."""
    first: dict[int, str] = {}
    found = {}
    for node in net.nodes:
        if not node.op.arrays():
            continue
        if id(node.op) in first:
            found[node.name] = first[id(node.op)]
        first.setdefault(id(node.op), node.name)
    return found


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value
