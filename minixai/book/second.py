"""A second opinion: what PyTorch says, which derives every method its own way, and what other libraries answer.

Chapters run without any of them, too.
"""

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import Any

import numpy as np

from minixai import files
from minixai.book.values import say
from minixai.conformance.adapters import ADAPTERS
from minixai.network import Network
from minixai.ops import Array

LIBRARIES = ("minixai", "captum", "zennit")
WITHOUT_CAPTUM = "Captum is not installed here, so it was not asked (pip install captum)."
WITHOUT = "PyTorch is not installed here, so nobody else was asked (pip install torch)."


@dataclass(frozen=True)
class Opinion:
    """Sentences for a page."""

    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def torch_or_say() -> Any:
    """PyTorch; or None, after saying that it is not here."""
    if find_spec("torch") is None:
        print(WITHOUT)
        return None
    import torch

    return torch


def captum_or_say() -> Any:
    """``captum.attr``, without its remarks on hooks and gradients; or None, after saying that it is not here."""
    if find_spec("captum") is None:
        print(WITHOUT_CAPTUM)
        return None
    from captum import attr

    warnings.filterwarnings("ignore", "Setting (forward, )?backward hooks|Input Tensor 0 did not already require")
    return attr


def ask(question: Mapping[str, Any], names: Iterable[str] = LIBRARIES) -> Opinion:
    """What each of these programs answers to a question of the reference vectors, as simple fractions."""
    return Opinion(tuple(f"{name:8} {_answered(name, question)}" for name in names))


def _answered(name: str, question: Mapping[str, Any]) -> str:
    try:
        answer = ADAPTERS[name](question)
    except ImportError as missing:
        return f"was not asked: {missing}"
    if answer["status"] != "result":
        return f"declines: {answer.get('why', '')}"
    said = answer["relevance"]
    return ", ".join(say(tuple(one)) for one in np.reshape(said["values"], (said["shape"][0], -1)).tolist())


def second_opinion(network: Network, x: Array, methods: Iterable[str]) -> Opinion:
    """How far the engine and PyTorch are apart on this picture, method by method."""
    if find_spec("torch") is None:
        return Opinion((WITHOUT, *badge(network.name).lines))
    from minixai.crosscheck import crosscheck, defaults

    report = crosscheck(network, network.to_torch(), x, defaults(methods))
    rows = (f"{c.method:22} furthest apart by {c.alone:.0e} of the largest value" for c in report.comparisons)
    return Opinion((*rows, "The engines agree." if report.passed else "The engines do NOT agree."))


def badge(network: str) -> Opinion:
    """One line from the record of ``minixai crosscheck``: how well engine and PyTorch agree on this network."""
    record = json.loads((files.root("data") / "results" / "crosscheck.json").read_text())
    lines = [_line(report) for report in record if report["network"] == network]
    if not lines:
        raise ValueError(f"no comparison of {network!r} is on record; minixai crosscheck --network {network} --record")
    return Opinion(tuple(lines))


def _line(report: Mapping[str, Any]) -> str:
    worst = max(row["shared"] for row in report["methods"])
    agree = "agree" if report["passed"] else "do NOT agree"
    return (
        f"Engine and PyTorch {agree} on {report['network']}: {len(report['methods'])} methods, at most {worst:.0e} "
        f"apart ({report['dtype']}, {report['machine']})."
    )
