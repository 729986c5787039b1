"""The command line ``minixai conform``: every verb is a few lines over the functions of this package.

They are imported when a verb needs them, so that the rest of the command line starts without them.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from minixai.printing import AsJson, print_json

conform = typer.Typer(help="Reference vectors: check an implementation against exact numbers.", no_args_is_help=True)
Only = Annotated[str, typer.Option(help="Pattern that the ids of the cases fit, such as 'methods/lrp-*'.")]
BuiltIn = Annotated[str, typer.Option("--adapter", help="A program that is built in: minixai, minixai-pytorch ...")]
Command = Annotated[str | None, typer.Option("--exec", help="Or the command line of one of your own.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds that it has for an answer.")]
Precision = Annotated[str, typer.Option(help="Judge by what float64 or float32 allows; minixai computes in it.")]
Html = Annotated[Path | None, typer.Option(help="Write the table and all that is behind it as a page (.html).")]


@conform.command("list")
def list_cases(only: Only = "*") -> None:
    """Print one case per line, its id first."""
    from minixai.conformance import runs, vectors

    for case in vectors.cases(only=only):
        group, _, subject = runs.about(case).partition("/")
        typer.echo(f"{case.id:44} {subject:22} {case.profile}")


@conform.command()
def run(
    adapter: BuiltIn = "minixai",
    command: Command = None,
    name: Annotated[str | None, typer.Option(help="What reports call it; without it, its command line.")] = None,
    timeout: Timeout = 60,
    precision: Precision = "float64",
    only: Only = "*",
    look: Annotated[bool, typer.Option("--variants", help="Say which variant a failed case is instead; slow.")] = False,
    save: Annotated[Path | None, typer.Option(help="Keep the run, for diff and report (.json).")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit's XML.")] = None,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Ask a program every case; exit code 1 if it fails one that is not listed as a known deviation."""
    from minixai.conformance import asking, reports, runner, runs

    _folders_exist(save=save, junit=junit, html=html)
    cases = asking.chosen(only)
    by = asking.checked(precision)
    with asking.program(adapter, command, timeout, by, name) as asked:
        found = asking.whole_run(asked, cases, by, look)
    if save is not None:
        runs.save(found, save)
    if junit is not None:
        junit.write_text(reports.as_junit(found), encoding="utf-8")
    if html is not None:
        html.write_text(reports.as_html([found]), encoding="utf-8")
    if as_json:
        print_json([asdict(result) for result in found.results])
    else:
        for result in found.results:
            if result.status in runs.WRONG:
                typer.echo(result.as_text())
        typer.echo(f"{runs.plain(found.program)}: {runner.summary(found.results)}")
    if not found.sound:
        raise typer.Exit(1)


@conform.command()
def diff(
    before: Annotated[Path, typer.Argument(help="A run that was kept by: minixai conform run --save.")],
    after: Annotated[Path, typer.Argument(help="A later one.")],
) -> None:
    """Compare two runs, case by case; exit code 1 if something got worse."""
    from minixai.conformance import reports, runs

    first, second = runs.read(before), runs.read(after)
    changes = runs.changes(first, second)
    typer.echo(reports.changes_as_text(changes, first, second))
    if any(change.turn == "worse" for change in changes):
        raise typer.Exit(1)


@conform.command()
def report(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Runs that were kept; without one, all that is built in is asked.")
    ] = None,
    only: Only = "*",
    html: Html = None,
) -> None:
    """Who computes what: a table of methods and implementations."""
    from minixai.conformance import asking, reports, runs

    _folders_exist(html=html)
    if files and only != "*":
        raise ValueError("--only chooses what is asked, but runs that are given are not asked again; leave one out")
    found, absent = ([runs.read(p) for p in files], {}) if files else asking.all_built_in(asking.chosen(only))
    for name, why in absent.items():
        typer.echo(f"{name} is left out: {why}", err=True)
    typer.echo(reports.as_text(found))
    if html is not None:
        html.write_text(reports.as_html(found), encoding="utf-8")


@conform.command()
def explain(
    case: Annotated[str, typer.Argument(metavar="ID", help="The id of one case, see: minixai conform list.")],
    adapter: BuiltIn = "minixai",
    command: Command = None,
    timeout: Timeout = 60,
    precision: Precision = "float64",
) -> None:
    """Ask a program one case: where its answer first differs, and which variant it is; exit code 1 if it fails."""
    from minixai.conformance import asking, runs, single

    asked_case, by = asking.one(case), asking.checked(precision)
    with asking.program(adapter, command, timeout, by) as asked:
        ((result, answer),) = runs.ask(asked.adapter, [asked_case], by, asked.known)
    typer.echo(single.as_text(single.described(asked_case)))
    typer.echo(single.as_text(single.judged(asked.name, asked_case, result, answer, by, asked.known)))
    if result.status in runs.WRONG:
        raise typer.Exit(1)


@conform.command()
def lint(folder: Annotated[Path | None, typer.Argument(help="Vectors (default: our own).")] = None) -> None:
    """Check the vectors themselves: schema, manifest, numbers; exit code 1 if something is wrong."""
    from minixai.conformance import lint as checks

    found = list(checks.problems(folder))
    for problem in found:
        typer.echo(problem)
    typer.echo(f"{len(found)} problems")
    if found:
        raise typer.Exit(1)


def _folders_exist(**files: Path | None) -> None:
    """Before a long run, not after it."""
    for option, path in files.items():
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise ValueError(f"--{option} is {str(path)!r}; expected a file in a folder that exists")
