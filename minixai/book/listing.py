"""``book.show(function)``: the package's own source, with the survey's equation numbers in view."""

import inspect
import re
from html import escape
from pathlib import Path
from textwrap import dedent
from typing import Any

from minixai import files
from minixai.book.verdict import pre

TAG = re.compile(r"(?<!\w)\(\d{1,2}\)$|Eqs?\. \(\d{1,2}\)(?:(?:, |-)\(\d{1,2}\))*")


def show(*things: Any) -> "Listing":
    """The source of functions, classes or rules of this package, as it runs. Raises ValueError for anything else."""
    if not things:
        raise ValueError("show was given nothing; expected functions or classes of minixai")
    return Listing([_found(thing) for thing in things])


class Listing:
    """Pieces of source: (where it stands, the code)."""

    def __init__(self, pieces: list[tuple[str, str]]) -> None:
        self.pieces = pieces

    def __repr__(self) -> str:
        return "\n\n".join(f"# {place}\n{code}" for place, code in self.pieces)

    def _repr_html_(self) -> str:
        return "".join(
            f"<figure><figcaption><code>{escape(place)}</code></figcaption>"
            f"{pre(_marked(code))}</figure>"
            for place, code in self.pieces
        )


def _found(thing: Any) -> tuple[str, str]:
    shown = inspect.unwrap(thing) if callable(thing) else thing
    if not (inspect.isfunction(shown) or inspect.isclass(shown) or inspect.ismodule(shown)):
        shown = type(shown)  # a rule with parameters: the class that it is made of
    try:
        path, code = Path(inspect.getsourcefile(shown) or ""), inspect.getsource(shown)
    except (OSError, TypeError):
        path, code = Path(), ""
    if files.PACKAGE not in path.parents:
        raise ValueError(f"show was given {thing!r}; expected a function or class of minixai")
    return f"minixai/{path.relative_to(files.PACKAGE).as_posix()}", dedent(code).rstrip()


def _marked(code: str) -> str:
    """The code as HTML, equation numbers in bold."""
    lines = (TAG.sub(lambda tag: f"\0{tag[0]}\1", line.rstrip()) for line in code.splitlines())
    return escape("\n".join(lines)).replace("\0", "<strong>").replace("\1", "</strong>")
