"""What the tests of the layers share: numbers, memory layouts, exact comparison and the bound on rounding."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

DENOMINATORS = (1, 2, 3, 8)


class Axis(NamedTuple):
    """One axis of a picture and how windows slide along it."""

    n: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int

    def starts(self, ceil_mode=False):
        """Where windows start, counted from the first pixel; none if not even one fits. As PyTorch counts them."""
        room = self.n + self.before + self.after - self.dilation * (self.kernel - 1) - 1
        count = (-(-room // self.stride) if ceil_mode else room // self.stride) + 1
        if ceil_mode and (count - 1) * self.stride >= self.n + self.before:
            count -= 1
        return [i * self.stride - self.before for i in range(max(count, 0))]

    def every_window_sees_the_picture(self, ceil_mode):
        taps = range(0, self.dilation * self.kernel, self.dilation)
        return all(any(0 <= start + tap < self.n for tap in taps) for start in self.starts(ceil_mode))


def fractions(rng, shape, largest=4):
    """Small fractions, with repeats and zeros among them: ties and kinks are wanted."""
    out = np.empty(shape, object)
    tops, bottoms = rng.integers(-largest, largest + 1, shape), rng.choice(DENOMINATORS, shape)
    out.flat = [Fraction(int(p), int(q)) for p, q in zip(np.ravel(tops), np.ravel(bottoms), strict=True)]
    return out


def all_fractions(array):
    return array.dtype == object and all(type(v) is Fraction for v in array.flat)


def dot(a, b):
    """<a, b> in exact arithmetic."""
    return sum((p * q for p, q in zip(a.flat, b.flat, strict=True)), Fraction(0))


def run(op, *xs):
    """(output, choices) of a layer: the choices are () or the gates or switches that forward and adjoint take last."""
    choice = op.choose(*xs)
    choices = () if choice is None else (choice,)
    return op.forward(*xs, *choices), choices


def as_tuple(signals):
    return signals if isinstance(signals, tuple) else (signals,)


def _sliced(x):
    """Every second element of an array twice as large along every axis."""
    large = np.full([2 * n for n in x.shape], 77, x.dtype)
    every_other = large[(slice(None, None, 2),) * x.ndim]
    every_other[...] = x
    return every_other


def _read_only(x):
    copy = x.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = {
    "plain": np.ascontiguousarray,
    "transposed": np.asfortranarray,
    "reversed": lambda x: np.flip(np.flip(x).copy()),  # negative strides
    "sliced": _sliced,
    "read-only": _read_only,
}


def gamma(terms, dtype):
    """The relative error of a sum of ``terms`` products in any order: n u / (1 - n u), with u half of eps."""
    nu = terms * float(np.finfo(dtype).eps) / 2
    return nu / (1 - nu)


def assert_within(ours, theirs, bound):
    """|ours - theirs| <= bound, element by element, and of one shape."""
    assert ours.shape == theirs.shape
    difference = np.abs(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64))
    assert (difference <= bound).all(), f"off by {difference.max()}, allowed {np.max(bound)}"
