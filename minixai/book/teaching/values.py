"""Values on their way between the judge and a student's code: JSON that can hold arrays, and nothing that runs.

No pickles: whatever arrives from a student's process is read as data. What is none (an object of their own) arrives as
``Thing``, which is no number and no text, so that the judge says what it expected. (Copied, not imported, by ``child``,
which runs alone: ``decode`` and ``encode`` use nothing but NumPy.)
"""

from collections.abc import Callable
from typing import Any

import numpy as np

NUMBERS = 200_000  # in one array
DEPTH = 30


class Thing:
    """Something that a student's code returned and that is no data; ``what`` is its type."""

    def __init__(self, what: str) -> None:
        self.what = what[:60]

    def __repr__(self) -> str:
        return f"<{self.what}>"


def encode(value: Any, functions: list[Callable[..., Any]], depth: int = DEPTH) -> Any:
    """The value in what JSON has. Functions are kept in ``functions`` and named by their place there."""
    if depth == 0:
        return {"thing": "something nested too deeply"}
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _array(np.asarray(value))
    if isinstance(value, int | float):
        return {"number": repr(value)} if abs(value) < 1e300 else {"number": repr(float(value))}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [encode(each, functions, depth - 1) for each in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: encode(each, functions, depth - 1) for key, each in value.items()}}
    if callable(value):
        functions.append(value)
        return {"function": len(functions) - 1}
    if hasattr(value, "numerator") and hasattr(value, "denominator"):
        return {"number": repr(float(value))}
    return {"thing": type(value).__name__}


def _array(array: np.ndarray) -> Any:
    if array.size > NUMBERS:
        return {"thing": f"an array of {array.size} numbers"}
    if array.dtype.kind == "O":
        try:
            array = array.astype(float)
        except (TypeError, ValueError):
            return {"thing": "an array of objects"}
    if array.dtype.kind not in "fiub":
        return {"thing": f"an array of {array.dtype.name}"}
    return {"array": [repr(v) for v in array.ravel().tolist()], "shape": list(array.shape), "kind": array.dtype.kind}


def decode(sent: Any, function: Callable[[int], Any]) -> Any:
    """The value again. ``function(n)`` makes what stands for the other side's function n."""
    if sent is None or isinstance(sent, bool | str):
        return sent
    if not isinstance(sent, dict):
        raise ValueError("what came back is no value")
    if "number" in sent:
        return _number(sent["number"])
    if "array" in sent:
        flat = [_number(v) for v in sent["array"]]
        kinds = {"f": np.float64, "i": np.int64, "u": np.uint64, "b": bool}
        return np.array(flat, kinds[sent["kind"]]).reshape([int(n) for n in sent["shape"]])
    if "tuple" in sent or "list" in sent:
        kind = "tuple" if "tuple" in sent else "list"
        items = [decode(each, function) for each in sent[kind]]
        return tuple(items) if kind == "tuple" else items
    if "dict" in sent:
        return {str(key): decode(each, function) for key, each in sent["dict"].items()}
    return function(int(sent["function"])) if "function" in sent else Thing(str(sent.get("thing")))


def _number(text: str) -> Any:
    """A number from its repr; bools too."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return int(text)
    except ValueError:
        return float(text)
