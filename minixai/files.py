"""Where the data and the chapters are.

In a checkout they lie at top level, in plain sight: ``data/`` and ``chapters/``. A wheel carries its own copy inside
the package: ``minixai/_data/`` and ``minixai/_chapters/``. Everybody else asks ``root`` and need not know which it is.
"""

import tomllib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
FOLDERS = ("data", "chapters")


def root(name: str) -> Path:
    """The folder called ``name``, which is ``"data"`` or ``"chapters"``: the checkout's own, else the packaged copy.

    Raises ValueError for any other name.
    """
    if name not in FOLDERS:
        raise ValueError(f"files.root was given {name!r}; expected one of {', '.join(map(repr, FOLDERS))}.")
    return PACKAGE.parent / name if in_checkout() else PACKAGE / f"_{name}"


def in_checkout() -> bool:
    """Whether the package stands in its own checkout: beside a ``pyproject.toml`` that names minixai."""
    try:
        pyproject = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none there, or it is not TOML: then it is not ours
        return False
    return pyproject.get("project", {}).get("name") == "minixai"
