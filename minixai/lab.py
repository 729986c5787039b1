"""The command line's ``minixai lab``: the chapters in JupyterLab, in a folder where the reader's work is safe."""

import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from minixai import files
from minixai.zoo.weights import write

FOLDER = Path("minixai-chapters")  # beside the reader, where the package is installed and no folder is named
RECORD = ".minixai.json"  # {name: hash of the edition that was copied last}
# The networks of the chapters are small: threads that share their work wait for one another longer than they work.
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "NUMBA")}


def lab(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Where your copy of the chapters is kept; new editions arrive beside your work.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser, where there is a display.")] = True,
) -> None:
    """Open the chapters in JupyterLab; further options (such as --ip) go to JupyterLab."""
    if find_spec("jupyterlab") is None:
        raise ImportError("the chapters need JupyterLab: pip install 'minixai[book]'")
    workplace = files.root("chapters") if folder is None and files.in_checkout() else (folder or FOLDER).resolve()
    if workplace != files.root("chapters"):
        for sentence in bring(files.root("chapters"), workplace):
            typer.echo(sentence)
    first = next(iter(sorted(path.name for path in workplace.glob("*.ipynb"))), "")
    port, token = _free_port(), secrets.token_urlsafe(24)
    address = f"http://localhost:{port}/lab/tree/{first}?token={token}"
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={workplace}", f"--ServerApp.port={port}"]
    command += ["--ServerApp.port_retries=0", f"--LabApp.default_url=/lab/tree/{first}"]
    command += [] if browser and _has_display() else ["--no-browser"]
    command += ["--allow-root"] if _is_root() else []  # in a container; it listens on this machine only, with a token
    command += context.args
    typer.echo(f"The chapters are in {workplace}. Open {address}")
    typer.echo("Stop with Ctrl-C.")
    threads = {name: count for name, count in ONE_THREAD.items() if name not in os.environ}
    raise typer.Exit(_run(command, JUPYTER_TOKEN=token, **threads))


def bring(source: Path, folder: Path) -> list[str]:
    """Copy what the folder lacks; what is there is never overwritten. What happened, in sentences.

    A file that came in another edition before stays as it is, and the new edition is put beside it, once.
    """
    known, said, copied = _known(folder), [], 0
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        name, content = path.relative_to(source).as_posix(), path.read_bytes()
        edition, target = hashlib.sha256(content).hexdigest(), folder / name
        if not target.exists():
            write(target, content)
            copied += 1
        elif known.get(name, edition) != edition or (name not in known and target.read_bytes() != content):
            beside = target.with_name(f"{target.stem}.new-{edition[:8]}{target.suffix}")
            if not beside.exists():
                write(beside, content)
                said.append(f"There is a new edition of {name}; yours is left alone, the new one is {beside.name}.")
        known[name] = edition
    write(folder / RECORD, (json.dumps(known, indent=1, sort_keys=True) + "\n").encode())
    return ([f"Copied: {copied} files."] if copied else []) + said


def _known(folder: Path) -> dict[str, str]:
    """What was copied before; nothing, if that cannot be read: then what differs gets the new one beside it."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(name): str(edition) for name, edition in found.items()} if isinstance(found, dict) else {}


def _run(command: list[str], **environment: str) -> int:
    """Run a program that lives until somebody stops it; its exit code."""
    with subprocess.Popen(command, env=os.environ | environment) as running:
        while running.poll() is None:
            try:
                running.wait()
            except KeyboardInterrupt:
                continue  # it hears Ctrl-C too, asks its own question, and must be left to shut down its kernels
    return running.returncode if running.returncode >= 0 else 128 - running.returncode


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _has_display() -> bool:
    """Whether a browser could open: everywhere but on a Linux without a screen."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
