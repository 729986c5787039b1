"""The command line's ``minixai bench``."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from minixai.bench.machine import need, surroundings
from minixai.printing import AsJson, print_json
from minixai.threads import cores

Parts = Annotated[
    list[str] | None,
    typer.Argument(help="speed, maps, paths, latency, memory, scaling, precision, crowding; without any, all of them."),
]
NetworkName = Annotated[
    str | None, typer.Option(help="Its architecture is timed, with seeded random weights; by default vgg16.")
]


def bench(
    part: Parts = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, places and sizes: two minutes.")] = False,
    network: NetworkName = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of both sides; by default as many as cores.")] = None,
    rounds: Annotated[int | None, typer.Option(min=2, help="How often each pair is timed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the chart (.png).")] = None,
    record: Annotated[bool, typer.Option("--record", help="Write data/results/bench.json, .md and .png.")] = False,
    pytorch: Annotated[bool, typer.Option("--pytorch", help="The mirror against the bare autograd call.")] = False,
    device: Annotated[str, typer.Option(help="With --pytorch: where it computes, cpu, cuda ...")] = "cpu",
    as_json: AsJson = False,
) -> None:
    """Time the engine against PyTorch and Captum, in turn, as ratios."""
    if pytorch:
        if part or quick or out or record or threads:
            raise ValueError("--pytorch times the mirror alone; with it go --network, --device, --rounds and --json")
        return _mirror(network or "vgg16", device, rounds or 9, as_json)
    if device != "cpu":
        raise ValueError(f"--device is {device!r}, but the engine computes on the cpu; --device goes with --pytorch")
    need("torch", "captum")
    from minixai import draw, files
    from minixai.bench import parts, report, subjects

    if out is not None:
        draw.checked(out, (".png",))
    size = subjects.QUICK if quick else subjects.FULL
    size = size if network is None else replace(size, network=network, others=())
    size = size if rounds is None else replace(size, rounds=rounds, long=rounds)
    found = parts.run(part or [], size, threads or cores())
    if record:
        written = report.record(found, files.root("data") / "results")
        typer.echo(", ".join(map(str, written)), err=as_json)
    if out is not None:
        typer.echo(str(draw.save_figure(draw.bench_figure(found), out)), err=as_json)
    if as_json:
        return print_json(found)
    typer.echo(report.page(found).rstrip())


def _mirror(network: str, device: str, rounds: int, as_json: bool) -> None:
    need("torch")
    from minixai import zoo
    from minixai.bench.mirror import against_autograd
    from minixai.crosscheck import careful

    with careful(device):
        ratios = against_autograd(zoo.random(network, 0), device, rounds)
        around = surroundings(device)
    if as_json:
        return print_json({"network": network, **around, "ratios": [asdict(r) for r in ratios]})
    typer.echo(f"{network}, {', '.join(f'{k} {v}' for k, v in around.items())}; a bare call is 1")
    for ratio in ratios:
        typer.echo(ratio.as_text())
