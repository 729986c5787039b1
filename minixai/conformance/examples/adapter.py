"""An example: how to plug a program in. Plain Python, no packages: the gradient and LRP-0 of dense ReLU networks.

minixai conform run --exec "python adapter.py" --only "methods/*/dense-*"
"""

import json
import sys
from fractions import Fraction
from math import prod


class Missing(Exception):
    """What this program has not, rather than what makes no sense."""


def vector(tensor):
    """A written tensor as a list of numbers; Fraction reads "7/3"."""
    if len(tensor["values"]) != prod(tensor["shape"]):
        raise ValueError(f"{len(tensor['values'])} numbers do not fill the shape {tensor['shape']}")
    return [Fraction(v) for v in tensor["values"]]


def check(question, network):
    """Refuse what makes no sense, rather than answer it."""
    pictures, outs = question["input"]["shape"][0], network["nodes"][-1]["weight"]["shape"][0]
    if question["input"]["shape"] != [pictures, *network["input_shape"]] or not pictures:
        raise ValueError(f"pictures of shape {question['input']['shape']}; expected (N, *{network['input_shape']})")
    if len(question["target"]) != pictures or not all(0 <= c < outs for c in question["target"]):
        raise ValueError(f"target is {question['target']}; expected one of {outs} classes for each picture")
    if unknown := set(question["params"]) - {"bias"}:
        raise ValueError(f"there is no {unknown}")
    if question["params"].get("bias", "include") not in ("include", "ignore"):
        raise ValueError(f"bias is {question['params']['bias']!r}")


def forward(network, x):
    """What every node computes: {name: numbers}."""
    y = {"input": x}
    for node in network["nodes"]:
        a = y[node["inputs"][0]]
        if node["op"] == "ReLU":
            y[node["name"]] = [max(v, 0) for v in a]
        elif node["op"] == "Linear":
            w, outs = vector(node["weight"]), node["weight"]["shape"][0]
            bias = vector(node["bias"]) if "bias" in node else [0] * outs
            rows = [w[j * len(a) : (j + 1) * len(a)] for j in range(len(bias))]
            y[node["name"]] = [
                sum(p * q for p, q in zip(row, a, strict=True)) + b for row, b in zip(rows, bias, strict=True)
            ]
        else:
            raise Missing(node["op"])
    return y


def backward(question, network, x, target):
    """The signal at every node, from the scores back: {name: numbers}."""
    y, nodes = forward(network, x), network["nodes"]
    lrp = question["method"] == "lrp-0"
    scores = y[nodes[-1]["name"]]
    signals = {nodes[-1]["name"]: [(s if lrp else 1) if k == target else 0 for k, s in enumerate(scores)]}
    for node in reversed(nodes):
        R, a, z = signals[node["name"]], y[node["inputs"][0]], y[node["name"]]
        if node["op"] == "ReLU":
            out = R if lrp else [r if v > 0 else 0 for r, v in zip(R, a, strict=True)]
        else:
            w = vector(node["weight"])
            share = [(r / d if d else 0) for r, d in zip(R, z, strict=True)] if lrp else R
            out = [sum(share[j] * w[j * len(a) + i] for j in range(len(R))) for i in range(len(a))]
            out = [v * p for v, p in zip(a, out, strict=True)] if lrp else out
        signals[node["inputs"][0]] = out
    return signals


def answer(question, networks):
    network = networks[question["network"]]
    try:
        check(question, network)
        if question["params"].get("bias") == "ignore":
            return {"status": "skipped", "why": "biases are always included here"}
        if len(question["target"]) > 1:
            return {"status": "skipped", "why": "one picture at a time, please"}
        signals = backward(question, network, vector(question["input"]), question["target"][0])
    except Missing as op:
        return {"status": "skipped", "why": f"there is no {op} here"}
    except ValueError as error:
        return {"status": "errored", "why": str(error)}
    sent = {name: {"shape": [1, len(s)], "values": [float(v) for v in s]} for name, s in signals.items()}
    return {"status": "result", "relevance": sent["input"], "signals": sent}


networks = {}
for line in sys.stdin:
    message = json.loads(line)
    if message["do"] == "start":
        print(json.dumps({"name": "an example in Python", "can": ["gradient", "lrp-0"]}), flush=True)
    elif message["do"] == "load":
        networks[message["network"]] = message["value"]
    elif message["do"] == "run":
        print(json.dumps({"id": message["id"], **answer(message, networks)}), flush=True)
    else:
        break
