"""The figures that compute in the page, as one plain script for the web book.

In a notebook each figure is a module that anywidget runs. Pages that are opened from a folder, without a server, may
load no modules; so here every module becomes a function, and ``page.js`` gives it what it asks of a widget.
"""

import re
from pathlib import Path

from minixai.book.nokernel import STATIC, script

HERE = Path(__file__).resolve().parent
EXPORT = re.compile(r"^export (?=(?:const|let|function|class)\b)", re.MULTILINE)
DEFAULT = re.compile(r"^export default (.+?);?\s*$", re.MULTILINE)
PARTS = ("kit", "keys", "range")  # no figures: what they are made of


def names() -> list[str]:
    """The figures there are, by the name of their script."""
    return sorted(p.stem for p in STATIC.glob("*.js") if p.stem not in PARTS)


def as_function(module: str) -> str:
    """A figure's module as an expression: a function that returns its default export.

    Raises ValueError for a module that does not end in one ``export default``, or that imports something.
    """
    found = DEFAULT.findall(module)
    if len(found) != 1 or re.search(r"^import\b", module, re.MULTILINE):
        raise ValueError(f"a figure's script needs one 'export default' and no import; this one has {len(found)}")
    body = EXPORT.sub("", DEFAULT.sub("", module))
    return f"(() => {{\n{body}\nreturn {found[0]};\n}})"


def bundle() -> str:
    """All figures, and what brings them to life, as one script."""
    known = ",\n".join(f'"{name}": {as_function(script(name))}' for name in names())
    return f"const BOARDS = {{\n{known}\n}};\n{(HERE / 'page.js').read_text(encoding='utf-8')}"
