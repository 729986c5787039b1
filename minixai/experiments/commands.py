"""The command line's ``minixai experiment``: a claim of the survey, measured."""

from pathlib import Path
from typing import Annotated

import typer

from minixai.printing import AsJson, print_json

Name = Annotated[str | None, typer.Argument(help="Its name, see: minixai experiment --list.")]
Pictures = Annotated[int | None, typer.Option(min=2, help="How many pictures; by default as many as were recorded.")]


def experiment(
    name: Name = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the experiments, their claims and verdicts.")] = False,
    pictures: Pictures = None,
    recorded: Annotated[bool, typer.Option("--recorded", help="Show the recorded result; measure nothing.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the figure (.png).")] = None,
    as_json: AsJson = False,
) -> None:
    """Test a claim of the survey, and say whether it is confirmed."""
    from minixai import draw
    from minixai.draw.claims import claim_figure
    from minixai.experiments import results, tables

    if list_all or name is None:
        if name is not None or out is not None or pictures is not None or recorded:
            raise ValueError("--list takes no name and nothing else but --json; leave one of them out")
        if not list_all:
            raise ValueError("say which experiment; minixai experiment --list shows their names")
        return _list(as_json)
    if recorded and pictures is not None:
        raise ValueError("--recorded measures nothing, so --pictures has no meaning; leave one out")
    if out is not None:
        draw.checked(out, (".png",))
    chosen = results.find(name)
    asked = () if pictures is None else (pictures,)
    outcome = results.stored(name) if recorded else chosen.function(*asked)
    written = None if out is None else str(draw.save_figure(claim_figure(outcome.as_dict()), out))
    if as_json:
        return print_json(outcome.as_dict() | {"written": written})
    typer.echo(tables.page(outcome).rstrip())
    typer.echo(f"\nWritten: {written}" if written else "\nTo see it: --out claim.png")


def _list(as_json: bool) -> None:
    from minixai.experiments import results
    from minixai.experiments.registry import EXPERIMENTS

    verdicts = {name: results.stored(name).verdict for name in EXPERIMENTS}
    if as_json:
        return print_json(
            [
                {"name": e.name, "section": e.section, "claim": e.claim, "recorded verdict": verdicts[e.name]}
                for e in EXPERIMENTS.values()
            ]
        )
    for e in EXPERIMENTS.values():
        typer.echo(f"{e.name:18} {verdicts[e.name]:18} Section {e.section}: {e.claim}")
