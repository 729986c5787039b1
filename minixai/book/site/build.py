"""``python -m minixai.book.site.build [--out FOLDER]``: the web book, as a folder of pages that needs no server."""

import argparse
import logging
import re
import shutil
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minixai import files
from minixai.book import source
from minixai.book.nokernel import STATIC
from minixai.book.site import boards, pages

HELP = "the web book needs Sphinx, MyST-NB and Furo: pip install 'minixai[site]'"
FONTS = "output/chtml/fonts/woff-v2"
MATHJAX = "mathjax/tex-mml-chtml.js"
STYLE = Path(__file__).resolve().parent / "site.css"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser("python -m minixai.book.site.build", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/site"), help="where to (build/site)")
    out = parser.parse_args(arguments).out
    print(f"Written: {build(out) / 'index.html'}")


def build(out: Path) -> Path:
    """All pages, written to the folder ``out``, which is made anew; the folder.

    Raises ImportError without Sphinx, ValueError for a folder that holds something else, RuntimeError where Sphinx
    warns: a reference that leads nowhere is a mistake in the book.
    """
    if find_spec("sphinx") is None or find_spec("myst_nb") is None or find_spec("furo") is None:
        raise ImportError(HELP)
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").exists():
        raise ValueError(f"{out} holds something that is no web book; give an empty folder, or a new one")
    with tempfile.TemporaryDirectory() as folder:
        sources, made = Path(folder) / "source", Path(folder) / "html"
        lay_out(sources)
        _sphinx(sources, made, Path(folder) / "doctrees")
        if out.exists():
            shutil.rmtree(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, out)
    return out


def lay_out(folder: Path) -> None:
    """What Sphinx reads: the chapters as they are committed, the pages, the scripts and styles."""
    chapters = [source.read(path) for path in source.paths()]
    (folder / "chapters").mkdir(parents=True)
    for chapter in chapters:
        shutil.copy(files.root("chapters") / f"{chapter.name}.ipynb", folder / "chapters")
    for name, text in pages.written(chapters).items():
        (folder / name).write_text(text, encoding="utf-8")
    static = folder / "_static"
    static.mkdir()
    (static / "book.js").write_text(boards.bundle(), encoding="utf-8")
    styles = (STATIC / "kit.css", STYLE)
    (static / "book.css").write_text("\n".join(p.read_text(encoding="utf-8") for p in styles), encoding="utf-8")
    copy_mathjax(static)


def copy_mathjax(folder: Path) -> None:
    """MathJax and its fonts into ``folder/mathjax``, from the package that brings them for pages without a network."""
    found = find_spec("sphinx-mathjax-offline")
    if found is None or found.origin is None:
        raise ImportError(HELP)
    origin = Path(found.origin).parent / "static" / "mathjax"
    (folder / MATHJAX).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(origin / Path(MATHJAX).name, folder / MATHJAX)
    shutil.copytree(origin / FONTS, folder / "mathjax" / FONTS, dirs_exist_ok=True)


def settings() -> dict[str, Any]:
    """Sphinx's configuration."""
    return {
        "project": "minixai",
        "author": "The minixai developers",
        "copyright": "the minixai developers; text CC BY-SA 4.0, code MIT",
        "extensions": ["myst_nb"],
        "exclude_patterns": ["jupyter_execute"],
        "html_theme": "furo",
        "html_title": "minixai",
        "html_static_path": ["_static"],
        "html_css_files": ["book.css"],
        "html_js_files": [("book.js", {"defer": "defer"})],
        "html_copy_source": False,
        "html_show_sphinx": False,
        "mathjax_path": MATHJAX,
        "myst_enable_extensions": ["dollarmath", "deflist"],
        "myst_heading_anchors": 3,
        "nb_execution_mode": "off",
        "nb_render_markdown_format": "myst",
        "nb_code_prompt_show": "Show the {type}",
        "nb_code_prompt_hide": "Hide the {type}",
        "suppress_warnings": ["mystnb.unknown_mime_type"],
    }


def _sphinx(sources: Path, out: Path, doctrees: Path) -> None:
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    logging.getLogger("sphinx").handlers.clear()
    with tempfile.TemporaryFile("w+") as said, docutils_namespace():
        app = Sphinx(sources, None, out, doctrees, "html", confoverrides=settings(), status=None, warning=said)
        app.build()
        said.seek(0)
        warnings = re.sub(r"\x1b\[[0-9;]*m", "", said.read()).strip()
    if warnings or app.statuscode:
        raise RuntimeError(f"Sphinx is not content with the book:\n{warnings}")


if __name__ == "__main__":
    main()
