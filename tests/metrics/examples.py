"""What several files of these tests need."""

from decimal import Decimal, localcontext

import numpy as np


def root(square):
    """The root of a fraction's magnitude, with its sign: the float nearest to 60 digits."""
    with localcontext(prec=60):
        found = (Decimal(abs(square.numerator)) / Decimal(square.denominator)).sqrt()
    return float(found) if square > 0 else -float(found)


def cases(shape, count, levels, seed):
    """Maps of few levels, so that there are ties, and masks that are neither empty nor full."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < count:
        mask = rng.random(shape) < rng.random()
        if mask.any() and not mask.all():
            made += 1
            yield rng.integers(-levels, levels + 1, shape) / 8, mask
