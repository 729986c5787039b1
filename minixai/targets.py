"""Which class is asked about: by its number or by its name."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minixai.taxonomy import closest


def class_numbers(names: Iterable[str] | None, target: Any, n: int, classes: int) -> np.ndarray:
    """The classes (N,) of n pictures, from a number or name for all of them, or one for each."""
    several = isinstance(target, list | tuple | np.ndarray) and np.ndim(target) > 0
    given = list(target) if several else [target] * n
    if len(given) != n:
        raise ValueError(f"got {len(given)} targets for {n} pictures; expected one for all, or one each")
    return np.array([_class_number(list(names or ()), one, classes) for one in given])


def _class_number(names: list[str], target: Any, classes: int) -> int:
    """The number of a class given by number or by name."""
    if isinstance(target, str):
        if target not in names:
            hint = closest(target, names) if names else "this network has no class names, give a number"
            raise ValueError(f"target {target!r} is not a class; {hint}")
        return names.index(target)
    whole = isinstance(target, int | np.integer) and not isinstance(target, bool)
    if not whole or not 0 <= target < classes:
        raise ValueError(f"target is {target!r}; expected a class number from 0 to {classes - 1}, or a class name")
    return int(target)
