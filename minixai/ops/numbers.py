"""The arithmetic under the engine: one set of definitions for floats, for exact fractions and for symbols.

NumPy does the looping, the numbers do the arithmetic. An array of dtype ``object`` holds
:class:`fractions.Fraction` (exact results) or SymPy symbols (Appendix A derives itself); everything else is
float32 or float64.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np

Array = np.ndarray
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def exact(values: Any) -> Array:
    """The same numbers as fractions: an ``object`` array in which every element is a ``Fraction``.

    Floats convert without rounding (0.25 becomes 1/4, 0.1 the float nearest to it). Symbols are left alone.
    """
    return _elementwise(_fraction, np.asarray(values))


def _elementwise(f: Callable[[Any], Any], a: Array) -> Array:
    out = np.empty(a.size, object)
    out[:] = [f(v) for v in a.flat]
    return out.reshape(a.shape)


def _fraction(value: Any) -> Any:
    if isinstance(value, Fraction) or hasattr(value, "free_symbols"):
        return value
    return Fraction(value.item() if isinstance(value, np.generic) else value)


def is_exact(*arrays: Array | None) -> bool:
    """Whether the arrays hold fractions (or symbols) rather than floats."""
    return any(a is not None and a.dtype == object for a in arrays)


def zero(like: Array) -> Any:
    """The number 0 in the arithmetic of ``like``."""
    return Fraction(0) if is_exact(like) else like.dtype.type(0)


def zeros(shape: Iterable[int], like: Array) -> Array:
    """An array of zeros in the arithmetic of ``like``."""
    return np.full(tuple(shape), zero(like), dtype=like.dtype)


def number(value: Any, like: Array) -> Any:
    """A parameter (eps, gamma, sigma ...) in the arithmetic of ``like``."""
    return Fraction(value) if is_exact(like) else float(value)


def in_arithmetic_of(like: Array, values: Any, what: str) -> Array:
    """``values`` as an array in the arithmetic of ``like``; ValueError says that ``what`` is not all finite numbers."""
    try:
        array = exact(values) if is_exact(like) else np.asarray(values).astype(like.dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{what} holds something else than finite numbers ({error})") from None
    if not is_exact(array) and not np.isfinite(array).all():
        raise ValueError(f"{what} holds NaN or infinite values; expected finite numbers")
    return array


def positive(a: Array) -> Array:
    """(f)^+ = max(0, f), element by element."""
    return np.where(a > 0, a, zero(a)) if is_exact(a) else np.fmax(a, zero(a))  # where guesses, and is slow at it


def negative(a: Array) -> Array:
    """(f)^- = min(0, f), element by element."""
    return np.where(a < 0, a, zero(a)) if is_exact(a) else np.fmin(a, zero(a))


def sign(a: Array) -> Array:
    """The sign with sign(0) = +1, as every library's stabilizer has it."""
    one = zero(a) + 1
    return np.where(a >= 0, one, -one) if is_exact(a) else 2 * (a >= 0).astype(a.dtype) - one


def divide(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0: where there is nothing to divide by, nothing is handed on."""
    if not is_exact(a, b) and np.all(b):
        return a / b  # as it mostly is; to look at every place costs more than to divide
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, out=zeros(a.shape, a if is_exact(a) else np.empty(0, np.result_type(a, b))), where=b != 0)


def mean(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The mean over ``axis``, in the arithmetic of ``a``."""
    total = a.sum(axis=axis, keepdims=keepdims)
    return total / (a.size // max(np.size(total), 1))


def square_root(a: Array) -> Array:
    """The square root; in fractions only of rational squares, because any other would leave the fractions.

    Raises ValueError naming the first number that is not the square of a fraction.
    """
    if not is_exact(a):
        if (a < 0).any():
            raise ValueError(f"{a.min()} has no square root; expected numbers of at least 0")
        return np.sqrt(a)
    return _elementwise(_rational_root, a)


def _rational_root(value: Fraction) -> Fraction:
    root = Fraction(isqrt(value.numerator), isqrt(value.denominator)) if value >= 0 else Fraction(-1)
    if root * root != value:
        raise ValueError(
            f"{value} is not the square of a fraction, and exact arithmetic needs its root; "
            "choose var + eps a rational square (4, 9/4 ...), or use floats"
        )
    return root
