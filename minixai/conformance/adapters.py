"""Programs that can be checked, in this process: each answers a question with a result, or says why it does not.

An adapter is a function (question) -> answer. The question is a case without its expected values; a method's answer has
``relevance`` and, if the program can, ``signals`` {node: ...}; a layer's has ``output`` and ``leaving``, a metric's
``value``. Numbers are {"shape": [...], "values": [...]}.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from minixai import api, metrics
from minixai.conformance import form, peers
from minixai.ops import Array, UnsupportedOp
from minixai.ops.numbers import exact

DATA = ("fill", "segments", "masks", "weights")  # of black-box methods: given under the same names
CURVES = {"deletion": metrics.deletion_curve, "insertion": metrics.insertion_curve}
SURROGATE = {"intercept": "intercept", "r2": "R2"}  # what is answered of LIME's model: its name in the notes
Answer = dict[str, Any]
Adapter = Callable[[Mapping[str, Any]], Answer]


def engine(question: Mapping[str, Any], dtype: str = "float64") -> Answer:
    """minixai's own engine, in "float64" or "float32"."""
    if "layer" in question:
        return _layer(question, dtype)
    if "metric" in question:
        return _metric(question, dtype)
    network = form.read_network(question["network"]).astype(dtype)
    x, given = _floats(question["input"]).astype(dtype), _params(question)
    e = api.explain(network, x, question["method"], target=question["target"], **given)
    answer = answered(e.relevance, e.signals) | {"absorbed": {node: sent(a) for node, a in e.absorbed.items()}}
    answer |= {key: sent(np.atleast_1d(e.notes[name])) for key, name in SURROGATE.items() if name in e.notes}
    return answer if e.expected is None else answer | {"promised": sent(e.expected)}


def mirror(question: Mapping[str, Any]) -> Answer:
    """minixai.pytorch, in float64 on the CPU."""
    import torch

    from minixai import pytorch

    if "method" not in question:
        return {"status": "skipped", "why": "the mirror has no layers and no metrics of its own"}
    if question["method"] not in {method.name for method in api.methods("white-box")}:
        return {"status": "skipped", "why": f"the mirror has white-box methods only, and no {question['method']}"}
    module = form.read_network(question["network"]).to_torch()
    x, given = torch.tensor(_floats(question["input"])), _params(question)
    try:
        e = pytorch.explain(module, x, question["method"], question["target"], signals=True, **given)
    except UnsupportedOp as error:
        return {"status": "skipped", "why": str(error)}
    return answered(e.relevance.numpy(), {name: s.numpy() for name, s in e.signals.items()})


def sabotage(question: Mapping[str, Any]) -> Answer:
    """The engine with its result a thousandth off: a runner that lets this pass is broken."""
    answer = engine(question)
    for key in ("relevance", "output", "value"):
        if key in answer:
            more = 0.001 if key == "value" else 0  # a value may be 0
            answer[key] = {**answer[key], "values": [1.001 * v + more for v in answer[key]["values"]]}
    return answer


ADAPTERS: dict[str, Adapter] = {
    "minixai": engine,
    "minixai-pytorch": mirror,
    **peers.ADAPTERS,
    "sabotage": sabotage,
}


def answered(relevance: Array, signals: Mapping[str, Array]) -> Answer:
    """A result, as it is sent."""
    return {
        "status": "result",
        "relevance": sent(relevance),
        "signals": {name: sent(signal) for name, signal in signals.items()},
    }


def sent(a: Array) -> dict[str, Any]:
    """Numbers, as they are sent."""
    return {"shape": list(a.shape), "values": [float(v) for v in np.ravel(a)]}


def _layer(question: Mapping[str, Any], dtype: str) -> Answer:
    op = form.read_layer(question["layer"]).convert(lambda a: a.astype(dtype))
    xs, R = [_floats(x).astype(dtype) for x in question["inputs"]], _floats(question["arriving"]).astype(dtype)
    if not xs or len(xs) > 1 and not op.joins:
        raise ValueError(f"{op!r} was given {len(xs)} inputs; expected {'at least one' if op.joins else 'one'}")
    choice = op.choose(*xs)
    operands = xs if choice is None else [*xs, choice]
    y = op.forward(*operands)
    if R.shape != y.shape:
        raise ValueError(f"a signal of shape {R.shape} arrives at {op!r}; expected that of its output, {y.shape}")
    back = op.adjoint(R, *operands)
    leaving = back if isinstance(back, tuple) else (back,)
    return {"status": "result", "output": sent(y), "leaving": [sent(r) for r in leaving]}


def _metric(question: Mapping[str, Any], dtype: str) -> Answer:
    metric = metrics.METRICS[question["metric"]]
    if "network" in question:
        return _curve(question, dtype)
    given: dict[str, Any] = {}
    for key, said in question["inputs"].items():
        given[key] = said if isinstance(said, list) else _floats(said).astype(dtype)  # a box, or numbers
    return {"status": "result", "value": sent(np.array(metric.function(*(given[key] for key in metric.takes))))}


def _curve(question: Mapping[str, Any], dtype: str) -> Answer:
    network = form.read_network(question["network"]).astype(dtype)
    (target,) = question["target"]
    x, map, baseline = (_floats(question["inputs"][key]).astype(dtype) for key in ("x", "map", "baseline"))
    if x.shape != network.input_shape:
        raise ValueError(f"x has shape {x.shape}; expected one picture, {network.input_shape}")
    if not 0 <= target < network(x[None]).shape[1]:
        raise ValueError(f"target is {target}, which is no class of this network")
    if unknown := question["params"].keys() - {"steps"}:
        raise ValueError(f"a curve has no parameter {', '.join(unknown)}; expected steps")
    curve = CURVES[question["metric"]](lambda x: network(x)[:, target], x, map, baseline, question["params"]["steps"])
    return {"status": "result", "value": sent(np.array(curve.area)), "curve": sent(curve.scores)}


def _params(question: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as ``explain`` takes them; the data among them under its names there."""
    given = {key: _number(value) for key, value in question["params"].items()}
    if "noise" in question:
        given["noise"] = _floats(question["noise"])
        if given.pop("n") != len(given["noise"]):
            raise ValueError(f"n is {question['params']['n']}; expected one per draw, {len(given['noise'])}")
    if "reference" in question:
        given["baseline"] = _floats(question["reference"])
    given |= {key: _data(question[key]) for key in DATA if key in question}
    return {key: value for key, value in given.items() if value is not None}


def _data(written: Mapping[str, Any]) -> Array:
    """Floats; whole numbers as integers, as segments have to be."""
    values = _floats(written)
    return values.astype(int) if (values == values.round()).all() else values


def _number(value: Any) -> Any:
    """A written fraction as a float; names and switches as they are."""
    if isinstance(value, str) and value.lstrip("-")[:1].isdecimal():
        return float(Fraction(value))
    return value


def _floats(written: Mapping[str, Any]) -> Array:
    return exact(form.array(written)).astype(float)
