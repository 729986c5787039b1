"""What goes into a reader's function and what comes out: copies, comparisons, fractions in words."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from minixai.ops import Array, exact
from minixai.ops.numbers import is_exact

CLOSE = 1e-9  # relative to the larger of 1 and the expected number: rounding passes, a wrong idea does not
SIMPLE = 1000  # the largest denominator with which a float is still called a fraction


class Difference(NamedTuple):
    """One place where two answers differ; ``where`` is () for a single number."""

    where: tuple[int, ...]
    got: float
    expected: float


def _map(change: Callable[[Any], Any], value: Any) -> Any:
    """``change`` applied to every array and number; text, functions, truth values and counts stay as they are."""
    if isinstance(value, tuple | list):
        return type(value)(_map(change, each) for each in value)
    return change(value) if isinstance(value, np.ndarray | Fraction) else value


def as_floats(value: Any) -> Any:
    """A fresh copy as a reader's function gets it: float64 arrays and floats, never fractions."""
    return _map(lambda v: float(v) if isinstance(v, Fraction) else v.astype(_floating(v)), value)


def as_fractions(value: Any) -> Any:
    """A fresh copy in exact fractions."""
    return _map(lambda v: v if isinstance(v, Fraction) else v.copy() if v.dtype == bool else exact(v), value)


def _floating(a: Array) -> Any:
    return bool if a.dtype == bool else np.float64


def numeric(answer: Any) -> Array | None:
    """The answer as a float64 array (0-d for a number), or None if it is no array of numbers."""
    try:
        array = np.asarray(answer)
        usable = array.dtype.kind in "fiub" or (is_exact(array) and all(hasattr(v, "numerator") for v in array.flat))
        return array.astype(np.float64) if usable else None
    except (ValueError, TypeError):  # ragged lists, objects that refuse to be arrays
        return None


def parts(answer: Any) -> list[Any]:
    """A tuple's parts; anything else is its own only part."""
    return list(answer) if isinstance(answer, tuple) else [answer]


def alike(a: Any, b: Any) -> bool:
    """Whether two answers say the same, to rounding: same parts, same shapes, same numbers (or the same words)."""
    left, right = parts(a), parts(b)
    return len(left) == len(right) and all(_alike(p, q) for p, q in zip(left, right, strict=True))


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return bool(isinstance(a, str) and isinstance(b, str) and a == b)
    x, y = numeric(a), numeric(b)
    return x is not None and y is not None and x.shape == y.shape and not list(differences(x, y))


def differences(got: Array, expected: Array) -> Iterator[Difference]:
    """Where two arrays of one shape differ by more than rounding, row by row. 0/0 is like 0/0, infinity like itself."""
    with np.errstate(invalid="ignore"):
        near = abs(got - expected) <= CLOSE * np.maximum(1, abs(expected))
    near = near & np.isfinite(expected) | (got == expected) | np.isnan(got) & np.isnan(expected)
    for where in zip(*np.nonzero(np.atleast_1d(~near)), strict=True):
        place = tuple(int(i) for i in where) if np.ndim(got) else ()
        yield Difference(place, float(got[place]), float(expected[place]))


def say(value: Any) -> str:
    """A value in words: numbers as fractions, arrays in brackets, functions by their name."""
    if isinstance(value, str) or value is None:
        return repr(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(map(say, value)) + ")"
    if callable(value):
        return getattr(value, "__name__", repr(value))
    array = numeric(value)
    if array is None:
        return repr(value)
    if np.asarray(value).dtype == bool and array.ndim == 0:
        return str(bool(array))
    return say_number(float(array)) if array.ndim == 0 else "[" + ", ".join(map(say, array)) + "]"


def say_number(v: float) -> str:
    """2/3 for what is a simple fraction to rounding, else a decimal."""
    if not np.isfinite(v):
        return "not a number" if np.isnan(v) else "minus infinity" if v < 0 else "infinity"
    near = Fraction(v).limit_denominator(SIMPLE)
    return str(near) if abs(near - Fraction(v)) <= CLOSE * max(1, abs(v)) else f"{v:.6g}"
