"""Other libraries, asked the same questions: Captum, Zennit, SHAP, lime; each adapter imports its own when first asked.

Conventions are given to a library in its own terms as far as it has terms for them; what it has none for is skipped and
says why. What differs is written down in data/deviations, see ``minixai.conformance.deviations``.
"""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

LIBRARIES = ("captum", "zennit", "shap", "lime")


def ask(library: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """A library's answer. Raises ImportError where it is not installed."""
    installed(library)
    answer: dict[str, Any] = import_module(f"{__name__}.with_{library}").answer(question)
    return answer


def installed(library: str) -> str:
    """The library's version. Raises ImportError where it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        raise ImportError(f"asking {library} needs the package of that name: pip install {library}") from None


ADAPTERS = {library: partial(ask, library) for library in LIBRARIES}
