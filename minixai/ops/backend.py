"""Which engine computes: the NumPy definitions ("reference") or their fast twins ("compiled")."""

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import cache, wraps
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from minixai.ops.numbers import is_exact

ENGINES = ("reference", "compiled")
_chosen: ContextVar[str | None] = ContextVar("minixai_engine", default=None)


class use:
    """Choose the engine: ``minixai.use("reference")`` from here on, ``with minixai.use("reference"):`` for a block.

    "compiled" (the default where Numba is installed) computes on floats with fast twins that agree with the NumPy
    definitions to rounding; fractions and symbols always take the definitions.
    """

    def __init__(self, engine: str) -> None:
        if engine not in ENGINES:
            raise ValueError(f"engine {engine!r} is not known; expected one of {', '.join(ENGINES)}")
        if engine == "compiled" and not _numba_installed():
            raise ImportError("the compiled engine needs Numba: pip install 'minixai[book]'")
        self.engine = engine
        self._token: Token | None = _chosen.set(engine)

    def __enter__(self) -> "use":
        self._token = self._token or _chosen.set(self.engine)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._token is not None:
            _chosen.reset(self._token)
            self._token = None


def engine() -> str:
    """The engine in use."""
    return _chosen.get() or ("compiled" if _numba_installed() else "reference")


def twin(definition: Callable, name: str | None = None) -> Callable:
    """Let ``definition`` be computed by its twin, the function of the same name (or ``name``) in ``ops/compiled.py``.

    ``definition`` itself stays reachable as ``.definition``; a test holds the two together.
    """

    @wraps(definition)
    def computed(*args: Any, **kwargs: Any) -> Any:
        arrays = (a for a in (*args, *kwargs.values()) if isinstance(a, np.ndarray))
        if engine() == "reference" or is_exact(*arrays):
            return definition(*args, **kwargs)
        return getattr(_compiled(), name or definition.__name__)(*args, **kwargs)

    vars(computed)["definition"] = definition
    return computed


@cache
def _numba_installed() -> bool:
    return find_spec("numba") is not None


@cache
def _compiled() -> ModuleType:
    return import_module("minixai.ops.compiled")
