"""How a number is written: in a sentence, as a LaTeX matrix, with two decimals."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

Value = Any  # a Fraction, or an array of them


def say(v: Value) -> str:
    """2/3, (3, 3) or [[1, 2], [3, 4]]: as one writes it in a sentence."""
    if np.ndim(v) == 0:
        return str(Fraction(v))
    inner = ", ".join(say(each) for each in v)
    return f"({inner})" if np.ndim(v) == 1 else f"[{inner}]" if np.ndim(v[0]) > 1 else f"[{_brackets(v)}]"


def _brackets(rows: Value) -> str:
    return ", ".join("[" + ", ".join(say(each) for each in row) + "]" for row in rows)


def matrix(v: Value) -> str:
    """A LaTeX matrix (a vector becomes one row)."""
    rows = np.atleast_2d(v)
    return r"\begin{pmatrix}" + r" \\ ".join(" & ".join(map(_latex, row)) for row in rows) + r"\end{pmatrix}"


def _latex(v: Fraction) -> str:
    sign = "-" if v < 0 else ""
    return str(v) if v.denominator == 1 else rf"{sign}\tfrac{{{abs(v.numerator)}}}{{{v.denominator}}}"


def decimal(v: Value) -> str:
    """Two decimals: (3.39, 2.61)."""
    return f"{float(v):.2f}" if np.ndim(v) == 0 else "(" + ", ".join(decimal(each) for each in v) + ")"


STYLES: dict[str, Callable[[Value], str]] = {"": say, "matrix": matrix, "decimal": decimal}
