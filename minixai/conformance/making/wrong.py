"""Questions that must be refused: each is a sound one with one thing broken, and says what."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from functools import reduce
from math import prod
from operator import getitem
from typing import Any

from minixai.conformance import adapters, form
from minixai.conformance.making.layers import LAYERS
from minixai.conformance.making.methods import SETTINGS

Question = dict[str, Any]
Breaks = Callable[[Question], None]


def wrong_layers(kind: str, sound: Mapping[str, Any]) -> Iterator[tuple[str, Question]]:
    """(what is wrong, the question) for everything that can be broken in this sound question about a layer."""
    return _broken(sound, LAYER | KINDS.get(kind, {}))


def wrong_methods(method: str, sound: Mapping[str, Any]) -> Iterator[tuple[str, Question]]:
    """The same for a question about a method."""
    known = BLACK.get(method, PARAMETERS)
    parameters = {
        f"{key} is {value!r}": _set("params", key, value)
        for key, values in known.items()
        for value in values
        if key in sound["params"]
    }
    data = {what: breaks for what, (key, breaks) in DATA.items() if key in sound}
    return _broken(sound, METHOD | data | parameters)


def wrong_curves(sound: Mapping[str, Any]) -> Iterator[tuple[str, Question]]:
    """The same for a question about a curve."""
    return _broken(sound, CURVE)


def _broken(sound: Mapping[str, Any], ways: Mapping[str, Breaks]) -> Iterator[tuple[str, Question]]:
    for what, breaks in ways.items():
        question = deepcopy(dict(sound))
        breaks(question)
        if question != sound:  # there was such a thing to break
            yield what, question


# -- Ways to break a tensor --------------------------------------------------------------------------------------------


def _set(*path: Any) -> Breaks:
    """_set("layer", "groups", 7): put the last into the place that the others name."""
    *keys, last, value = path

    def breaks(question: Question) -> None:
        reduce(getitem, keys, question)[last] = value

    return breaks


def _reshaped(key: str, change: Callable[[list[int]], list[int]], at: int | str | None = None) -> Breaks:
    """Give a tensor another shape, and as many numbers as that holds: its own, over and over."""

    def breaks(question: Question) -> None:
        tensor = question[key] if at is None else question[key][at]
        shape = change(list(tensor["shape"]))
        own = tensor["values"]
        tensor |= {"shape": shape, "values": [own[i % len(own)] for i in range(prod(shape))]}

    return breaks


def _fewer(key: str, at: int | str | None = None) -> Breaks:
    def breaks(question: Question) -> None:
        (question[key] if at is None else question[key][at])["values"].pop()

    return breaks


def _renumbered(number: str) -> Breaks:
    """Write another number where a segment is 1."""

    def breaks(question: Question) -> None:
        values = question["segments"]["values"]
        question["segments"]["values"] = [number if v == "1" else v for v in values]

    return breaks


def _grown(axis: int) -> Callable[[list[int]], list[int]]:
    return lambda shape: [n + (i == axis % len(shape)) for i, n in enumerate(shape)]


def _parameter(name: str, change: Callable[[list[int]], list[int]]) -> Breaks:
    """Give a parameter of the layer another shape, where the layer has it."""

    def breaks(question: Question) -> None:
        if name in question["layer"]:
            _reshaped(name, change)(question["layer"])

    return breaks


def _drop(*path: str) -> Breaks:
    def breaks(question: Question) -> None:
        reduce(getitem, path[:-1], question).pop(path[-1])

    return breaks


def _every(key: str, value: int) -> Breaks:
    """One value on every axis of a field of the layer that has one per axis."""

    def breaks(question: Question) -> None:
        layer = question["layer"]
        if key in layer:
            layer[key] = [[value, value] if key == "padding" else value for _ in layer[key]]

    return breaks


def _nothing_read(question: Question) -> None:
    question["inputs"] = []


def _read_twice(question: Question) -> None:
    question["inputs"] = [question["inputs"][0]] * 2


def _one_axis_too_many(question: Question) -> None:
    for key in ("stride", "kernel"):
        if key in question["layer"]:
            question["layer"][key] = [*question["layer"][key], 1]


# -- What is broken ----------------------------------------------------------------------------------------------------

# For every kind of layer. A signal that arrives has the shape of the output: one that could be broadcast is refused.
LAYER: dict[str, Breaks] = {
    "it reads nothing": _nothing_read,
    "an input has fewer numbers than its shape": _fewer("inputs", 0),
    "the signal that arrives has fewer numbers than its shape": _fewer("arriving"),
    "the signal that arrives is for more pictures": _reshaped("arriving", _grown(0)),
    "the signal that arrives is longer on its last axis": _reshaped("arriving", _grown(-1)),
    "the signal that arrives lacks the axis of the pictures": _reshaped("arriving", lambda shape: shape[1:]),
    "the signal that arrives has an axis too many": _reshaped("arriving", lambda shape: [1, *shape]),
    "the signal that arrives is one number": _reshaped("arriving", lambda shape: [1] * len(shape)),
    "the signal that arrives is empty": _reshaped("arriving", lambda shape: [0, *shape[1:]]),
    "the layer has a field that such layers do not have": _set("layer", "slope", 2),
}
ALONE: dict[str, Breaks] = {"it reads two inputs, where it takes one": _read_twice}
CONV: dict[str, Breaks] = ALONE | {
    "the weight is missing": _drop("layer", "weight"),
    "the weight has an axis too few": _parameter("weight", lambda shape: shape[:-1]),
    "the input has another number of channels": _reshaped("inputs", _grown(1), 0),
    "the input lacks an axis": _reshaped("inputs", lambda shape: shape[:-1], 0),
    "the bias is longer than there are outputs": _parameter("bias", _grown(0)),
    "the stride is 0": _every("stride", 0),
    "the padding is negative": _every("padding", -1),
    "the dilation is 0": _every("dilation", 0),
    "the dilation makes the window larger than the picture": _every("dilation", 9),
    "the groups do not divide the channels": _set("layer", "groups", 7),
    "there is a stride for one axis more": _one_axis_too_many,
}
POOL: dict[str, Breaks] = ALONE | {
    "the window is missing": _drop("layer", "kernel"),
    "the window has no pixels": _every("kernel", 0),
    "the window is larger than the picture": _every("kernel", 19),
    "the stride is 0": _every("stride", 0),
    "the padding is negative": _every("padding", -1),
    "windows lie wholly in the padding": _every("padding", 7),
    "the input lacks an axis": _reshaped("inputs", lambda shape: shape[:-1], 0),
    "there is a window for one axis more": _one_axis_too_many,
}
LINEAR: dict[str, Breaks] = ALONE | {
    "the weight is missing": _drop("layer", "weight"),
    "the weight has an axis too few": _parameter("weight", lambda shape: shape[:-1]),
    "the input has a feature more": _reshaped("inputs", _grown(1), 0),
    "the input is not flat": _reshaped("inputs", lambda shape: [*shape, 1], 0),
    "the bias is longer than there are outputs": _parameter("bias", _grown(0)),
}
NORM: dict[str, Breaks] = ALONE | {
    "the running mean is missing": _drop("layer", "running_mean"),
    "the running mean is for a channel more": _parameter("running_mean", _grown(0)),
    "the input has a channel more": _reshaped("inputs", _grown(1), 0),
    "eps is so negative that the variance is": _set("layer", "eps", "-9"),
}
KINDS: dict[str, dict[str, Breaks]] = {
    "Conv2d": CONV,
    "Conv3d": CONV,
    "Linear": LINEAR,
    "BatchNorm2d": NORM,
    "MaxPool2d": POOL | {"the dilation is 0": _every("dilation", 0)},
    "MaxPool3d": POOL | {"the dilation is 0": _every("dilation", 0)},
    "AvgPool2d": POOL,
    "AvgPool3d": POOL,
    "AdaptiveAvgPool2d": ALONE | {
        "the output has no pixels": _set("layer", "output_size", [0, 0]),
        "the output's size is missing": _drop("layer", "output_size"),
        "the input lacks an axis": _reshaped("inputs", lambda shape: shape[:-1], 0),
    },
    "GlobalAvgPool": ALONE | {"the input is flat": _reshaped("inputs", lambda shape: shape[:2], 0)},
    "Resize": ALONE | {
        "the output has no pixels": _set("layer", "size", [0, 0]),
        "the output's size is missing": _drop("layer", "size"),
        "the input lacks an axis": _reshaped("inputs", lambda shape: shape[:-1], 0),
    },
    "ReLU": ALONE,
    "Softmax": ALONE | {"the input lacks the axis of the pictures": _reshaped("inputs", lambda shape: shape[1:2], 0)},
    "Flatten": ALONE,
    "Add": {"the inputs differ in shape": _reshaped("inputs", _grown(-1), 0)},
    "Concat": {
        "the inputs differ in size": _reshaped("inputs", _grown(-1), 0),
        "the inputs differ in the number of pictures": _reshaped("inputs", _grown(0), 0),
    },
}  # fmt: skip

METHOD: dict[str, Breaks] = {
    "there is no such class": _set("target", 0, 99),
    "there is a class too many": lambda question: question["target"].append(0),
    "the picture has another number of channels": _reshaped("input", _grown(1)),
    "the picture has fewer numbers than its shape": _fewer("input"),
    "the picture has two axes too many": _reshaped("input", lambda shape: [1, 1, *shape]),
    "there is no picture": _reshaped("input", lambda shape: [0, *shape[1:]]),
    "there is such a parameter for no method": _set("params", "slope", "2"),
}
CURVE: dict[str, Breaks] = {
    "there is no such class": _set("target", 0, 99),
    "the map is larger than the picture": _reshaped("inputs", _grown(-1), "map"),
    "the map has an axis too many": _reshaped("inputs", lambda shape: [1, *shape], "map"),
    "the map has fewer numbers than its shape": _fewer("inputs", "map"),
    "the baseline is larger than the picture": _reshaped("inputs", _grown(-1), "baseline"),
    "the picture has another number of channels": _reshaped("inputs", _grown(0), "x"),
    "the picture lacks its channels": _reshaped("inputs", lambda shape: shape[1:], "x"),
    "steps is 0": _set("params", "steps", 0),
    "there are more steps than pixels": _set("params", "steps", 10_000),
    "there is such a parameter for no curve": _set("params", "slope", 2),
}
DATA: dict[str, tuple[str, Breaks]] = {
    "the reference has another shape": ("reference", _reshaped("reference", _grown(-1))),
    "the noise has another shape": ("noise", _reshaped("noise", _grown(-1))),
    "what hides has another shape": ("fill", _reshaped("fill", _grown(-1))),
    "what hides has fewer numbers than its shape": ("fill", _fewer("fill")),
    "the segments are larger than the picture": ("segments", _reshaped("segments", _grown(-1))),
    "a number of a segment is left out": ("segments", _renumbered("2")),
    "a segment has no whole number": ("segments", _renumbered("1/2")),
    "the masks have a superpixel too many": ("masks", _reshaped("masks", _grown(-1))),
    "the masks have a superpixel too few": ("masks", _reshaped("masks", lambda shape: [shape[0], shape[1] - 1])),
    "a mask is neither 0 nor 1": ("masks", _set("masks", "values", 0, "1/2")),
    "there are no masks": ("masks", _reshaped("masks", lambda shape: [0, shape[1]])),
    "there is a weight more than there are masks": ("weights", _reshaped("weights", _grown(0))),
    "a weight is negative": ("weights", _set("weights", "values", 0, "-1")),
}
PARAMETERS: dict[str, tuple[Any, ...]] = {
    "n": (0, -3),
    "quadrature": ("simpson",),
    "sigma": ("-1",),
    "average": ("median",),
    "bias": ("sometimes",),
    "stabilizer": ("none",),
    "eps": ("-1/4",),
    "gamma": ("-1/4",),
    "alpha": (3,),
    "K": ("-1",),
    "low": ("9",),
    "layer": ("nowhere",),
}
BLACK: dict[str, dict[str, tuple[Any, ...]]] = {
    "occlusion": {"window": ([0, 1], [99, 1], [1, 1, 1]), "stride": ([0, 1], [1, 1, 1]), "score": ("odds",)},
    "lime": {"alpha": ("-1",), "score": ("odds",)},
    "meaningful-perturbation": {
        "l1": ("-1",), "l2": ("-1",), "beta": ("1/2",), "perturbation": ("swirl",), "grid": ([0, 1], [99, 1], [1]),
        "n": (0,), "rate": ("0", "-1"), "start": ("2", "-1"), "jitter": (-1,), "score": ("odds",),
    },
}  # fmt: skip


# -- Files -------------------------------------------------------------------------------------------------------------


def error_files(sound: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the file, what it holds): sound questions with one thing broken, which the engine refuses."""
    for kind in LAYERS:
        base = max(sound[f"ops/{kind}.json"]["cases"], key=lambda case: (len(case["layer"]), len(str(case["layer"]))))
        asked = {key: base[key] for key in ("layer", "inputs", "arriving")}
        yield f"errors/{kind}.json", _errors("op", kind, {}, wrong_layers(kind, asked))
    for method in SETTINGS:
        files_of = [content for name, content in sound.items() if name.startswith(f"methods/{method}/")]
        simplest = "chain" if method in BLACK else "dense"
        file = min(files_of, key=lambda content: (content["family"] != simplest, content["family"]))
        base = file["cases"][1 if method == "lime" else 0]  # the second has a filling of its own
        keys = ("network", "input", "target", "params", "reference", "noise", *adapters.DATA)
        asked = {key: base[key] for key in keys if key in base}
        networks = {base["network"]: file["networks"][base["network"]]}
        yield f"errors/{method}.json", _errors("method", method, networks, wrong_methods(method, asked))
    for metric in adapters.CURVES:
        file = sound[f"metrics/{metric}.json"]
        base = file["cases"][0]
        asked = {key: base[key] for key in ("network", "inputs", "target", "params")}
        networks = {base["network"]: file["networks"][base["network"]]}
        yield f"errors/{metric}.json", _errors("metric", metric, networks, wrong_curves(asked))


def _errors(
    what: str, name: str, networks: Mapping[str, Any], broken: Iterable[tuple[str, Mapping[str, Any]]]
) -> dict[str, Any]:
    cases = []
    for k, (why, question) in enumerate(broken, start=1):
        full = {**question, "network": networks[question["network"]], what: name} if networks else question
        try:
            adapters.engine(full)
        except ValueError:
            asked = {"id": f"errors/{name}-{k:03}", "profile": "survey", **question}
            cases.append(asked | {"expected": {"raises": why}})
        else:
            raise RuntimeError(f"{name}: the engine does not refuse that {why}")
    return {"schema": form.SCHEMA, "group": "errors", what: name, "networks": dict(networks), "cases": cases}
