"""What ``minixai grade`` does: a few lines over ``grade``. Its options stand in ``minixai.cli``."""

import sys
from pathlib import Path

import typer
from tqdm import tqdm

from minixai.book.teaching import grade as grading
from minixai.book.teaching.pack import read_secret
from minixai.printing import print_json


def grade(folder: Path, secret: str | None, out: Path, as_json: bool) -> None:
    """Grade what lies in the folder, write the table and the pages, say what a teacher should look at."""
    known = read_secret(secret) if secret else ""
    rows = list(tqdm(grading.grade(folder, known), desc="exercises", leave=False, disable=not sys.stderr.isatty()))
    written = grading.save(rows, out)
    if as_json:
        return print_json([row.as_dict() for row in rows])
    for row in rows:
        if row.verdict is None or row.flags:
            typer.echo(f"{row.student}, {row.chapter} {row.exercise}: {row.sentence} {'; '.join(row.flags)}".rstrip())
    students, passed = len({row.student for row in rows}), sum(bool(row.verdict) for row in rows)
    typer.echo(f"{students} students, {len(rows)} rows, {passed} passed. Written: {written[0]}")
