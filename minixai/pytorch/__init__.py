"""The mirror: every white-box method once more, for any ``nn.Module`` on any device, derived from autograd.

It shares no arithmetic with the NumPy engine, so that the two can check each other: of minixai it uses only the record
that a result is. Reading order: :mod:`calls` (what a PyTorch call computes), :mod:`listening` (running a module and
answering some of its calls), :mod:`straight` (the one trick), then a file per family of methods.
"""

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError("the mirror is written for PyTorch: pip install 'minixai[torch]'") from error

from minixai.pytorch.explain import METHODS, explain
from minixai.pytorch.graph import Graph, graph

__all__ = ["METHODS", "Graph", "explain", "graph"]
