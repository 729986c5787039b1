"""Compute the vectors: python -m minixai.conformance.making.generate

Every number is a fraction. The engine computes it, and it is derived a second way before it is kept. Files are never
overwritten with anything else: what is there must come out again, byte for byte.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from minixai import files
from minixai.conformance import form
from minixai.conformance.making.curves import curve_files
from minixai.conformance.making.layers import layer_files
from minixai.conformance.making.measures import metric_files
from minixai.conformance.making.methods import method_files
from minixai.conformance.making.wrong import error_files


def dumped(content: Mapping[str, Any]) -> bytes:
    """The file as it is written: one line per case and network, so that a difference can be read."""

    def lines(items: Iterable[str]) -> str:
        return ",\n  ".join(items)

    def tight(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    said = json.dumps({k: v for k, v in content.items() if k not in ("networks", "cases")})[:-1]
    networks = lines(f"{json.dumps(name)}: {tight(net)}" for name, net in content["networks"].items())
    cases = lines(map(tight, content["cases"]))
    return f'{said},\n "networks": {{\n  {networks}\n }},\n "cases": [\n  {cases}\n ]}}\n'.encode()


def manifest(contents: Mapping[str, bytes]) -> bytes:
    """How many cases each file holds, and its SHA-256."""
    rows: dict[str, dict[str, Any]] = {
        name: {"cases": len(json.loads(content)["cases"]), "sha256": sha256(content).hexdigest()}
        for name, content in sorted(contents.items())
    }
    said = {"schema": form.SCHEMA, "cases": sum(row["cases"] for row in rows.values()), "files": rows}
    return (json.dumps(said, indent=1) + "\n").encode()


def everything(folder: Path) -> dict[str, bytes]:
    """{file: its content}, the manifest included; seeds that were found before are taken from the folder."""
    made = (layer_files(), metric_files(), curve_files(folder), method_files(folder))
    sound = {name: content for files in made for name, content in files}
    contents = {name: dumped(content) for name, content in (sound | dict(error_files(sound))).items()}
    return contents | {"MANIFEST.json": manifest(contents)}


def main(out: Annotated[Path | None, typer.Option(help="Folder (default: data/vectors).")] = None) -> None:
    """Compute every vector, and write those that are not there yet."""
    folder = out or files.root("data") / "vectors"
    contents = everything(folder)
    there = {name: folder / name for name in contents if name != "MANIFEST.json" and (folder / name).exists()}
    changed = [name for name, path in there.items() if path.read_bytes() != contents[name]]
    if changed:
        typer.echo(f"frozen files would change: {', '.join(changed)}; nothing is written", err=True)
        raise typer.Exit(1)
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    typer.echo(f"{json.loads(contents['MANIFEST.json'])['cases']} cases in {len(contents) - 1} files")


if __name__ == "__main__":
    typer.run(main)
