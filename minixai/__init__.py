"""minixai: white-box explanations of convolutional networks, from scratch. Start with ``mx.explain`` or chapter 00."""

from importlib import import_module
from typing import Any

from minixai.api import Explanations, cite, explain, explain_all, methods, rules
from minixai.network import Network, Node, Step, Tape, fold_batchnorm, forward
from minixai.ops import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    AvgPool3d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Conv3d,
    Flatten,
    GlobalAvgPool,
    Identity,
    Linear,
    MaxPool2d,
    MaxPool3d,
    Op,
    ReLU,
    Resize,
    Softmax,
    UnsupportedOp,
    engine,
    exact,
    use,
)
from minixai.result import Explanation
from minixai.taxonomy import Method
from minixai.walk import Hop, Table, walk

__version__ = "0.1.0"
SUBPACKAGES = (  # imported when first asked for
    "adversarial", "blackbox", "book", "conformance", "draw", "experiments", "metrics", "pytorch", "zoo",
)  # fmt: skip
LATER = {  # functions, by the module that has them; the last three need an extra
    "load": "zoo", "networks": "zoo", "from_torch": "zoo.from_torch", "from_onnx": "zoo.from_onnx",
    "compare": "crosscheck",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in LATER:
        return getattr(import_module(f"minixai.{LATER[name]}"), name)
    if name in SUBPACKAGES:
        return import_module(f"minixai.{name}")
    raise AttributeError(f"module 'minixai' has no attribute {name!r}")


__all__ = [
    "AdaptiveAvgPool2d", "Add", "AvgPool2d", "AvgPool3d", "BatchNorm2d", "Concat", "Conv2d", "Conv3d", "Explanation",
    "Explanations", "Flatten", "GlobalAvgPool", "Hop", "Identity", "Linear", "MaxPool2d", "MaxPool3d", "Method",
    "Network", "Node", "Op", "ReLU", "Resize", "Softmax", "Step", "Table", "Tape", "UnsupportedOp", "cite", "engine",
    "exact", "explain", "explain_all", "fold_batchnorm", "forward", "load", "methods", "networks", "rules", "use",
    "walk",
]  # fmt: skip
