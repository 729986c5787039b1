"""Square roots, exponentials and the softmax of fractions, as fractions that are right to 60 digits."""

from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.ops import Array

DIGITS = Context(prec=60)


def root(v: Any) -> Fraction:
    """The square root of a number of at least 0."""
    return Fraction(DIGITS.sqrt(_decimal(v)))


def exp(v: Any) -> Fraction:
    """e to the power of v."""
    return Fraction(DIGITS.exp(_decimal(v)))


def shortened(a: Array) -> Array:
    """The numbers to 60 digits, so that they do not grow from step to step."""
    return np.array([*(Fraction(_decimal(v)) for v in a.flat), None], object)[:-1].reshape(a.shape)


def softmax(scores: Array) -> Array:
    """Probabilities (N, K) of scores."""
    e = np.array([*map(exp, scores.flat), None], object)[:-1].reshape(scores.shape)
    return e / e.sum(axis=1, keepdims=True)


def _decimal(v: Any) -> Decimal:
    exactly = Fraction(v)
    return DIGITS.divide(Decimal(exactly.numerator), Decimal(exactly.denominator))
