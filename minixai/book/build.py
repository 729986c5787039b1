"""``python -m minixai.book.build [NN ...]``: the notebooks in chapters/, generated from book/src and executed."""

import argparse
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minixai import files
from minixai.book import source
from minixai.book.exercises import solutions
from minixai.lab import ONE_THREAD
from minixai.zoo.weights import write

WIDGET = "application/vnd.jupyter.widget-view+json"
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
TIMEOUT = 120  # seconds for one cell


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and build what it names."""
    parser = argparse.ArgumentParser("python -m minixai.book.build", description=__doc__)
    parser.add_argument("chapters", nargs="*", metavar="NN", help="numbers of chapters; all, if none is given")
    parser.add_argument("--edition", choices=source.EDITIONS, default="student")
    parser.add_argument("--out", type=Path, help="the folder to write to; chapters/ for the student edition")
    given = parser.parse_args(arguments)
    out = given.out or (files.root("chapters") if given.edition == "student" else None)
    if out is None:
        parser.error(f"--edition {given.edition} needs --out FOLDER: only the student edition is kept in chapters/")
    for path in source.paths(tuple(given.chapters)):
        print(build(path, out, given.edition))


def build(path: Path, folder: Path, edition: str = "student") -> Path:
    """One chapter, generated, executed and written to ``folder``; the notebook's path."""
    chapter = source.read(path)
    made = execute(source.notebook(chapter, edition, solutions(chapter.name)))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{chapter.name}.ipynb"
    write(target, text(made).encode())
    return target


def text(notebook: Any) -> str:
    """The notebook as it is stored."""
    import nbformat

    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def execute(notebook: Any) -> Any:
    """The notebook with its outputs, which depend on nothing but its cells and the package.

    It runs with a progress folder of its own, on one thread, and leaves out whatever differs from run to run.
    Raises ValueError for a cell that warns, or that shows a memory address.
    """
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False, store_widget_state=False,
            coalesce_streams=True,  # what is printed in one cell is one output, however it arrived
            resources={"metadata": {"path": folder}},
        )  # fmt: skip
        client.execute(env=os.environ | ONE_THREAD | {"MINIXAI_STATE": folder})
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [_settled(output, cell.source) for output in cell.outputs]
    return notebook


def _settled(output: Any, code: str) -> Any:
    """An output without the live widget, which is nothing without its kernel: its static picture stays."""
    if output.output_type == "stream" and output.name == "stderr":
        raise ValueError(f"a cell writes to stderr: {output.text.strip()}\n{code}")
    data = output.get("data", {})
    data.pop(WIDGET, None)
    for shown in (output.get("text", ""), *(v for k, v in data.items() if k.startswith("text/"))):
        found = ADDRESS.search(shown)
        if found:
            raise ValueError(f"a cell shows a memory address ({found[0]}), which no two runs share:\n{code}")
    return output


if __name__ == "__main__":
    main()
