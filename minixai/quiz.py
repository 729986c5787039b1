"""The command line's ``minixai quiz``: the inventory, asked one question at a time.

The book is imported when a verb needs it, so that the rest of the command line starts without it.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from minixai.printing import AsJson, print_json

quiz = typer.Typer(
    help="Did the book work? Fourteen questions before it, after it, and two weeks later.", no_args_is_help=True
)
Seed = Annotated[int, typer.Option(help="Another number, other numbers in form B and another order of the options.")]
Show = Annotated[bool, typer.Option("--show", help="Print the questions (for paper); ask nothing.")]


def _sitting(when: str, seed: int, show: bool, as_json: bool) -> None:
    from minixai.book.inventory import answers
    from minixai.book.inventory.forms import form

    asked = form(answers.WHEN[when], seed)
    if as_json:
        return print_json(
            [{"id": one.id, "chapter": one.chapter, "text": one.text, "options": one.options} for one in asked]
        )
    if not show and when in answers.load():
        raise ValueError(f"you have answered {when!r} before; the first time counts")
    given = {}
    for number, one in enumerate(asked, 1):
        typer.echo(f"\n{number}. {one.text}")
        for letter, text in one.options.items():
            typer.echo(f"   {letter}  {text}")
        if not show:
            letter = _prompt("   Your answer (A to D)", "ABCD")
            given[one.id] = (letter, int(_prompt("   How sure? 1 a coin, 3 sure", "123")))
    if not show:
        path = answers.store(answers.sitting(when, seed, given))
        typer.echo(f"\nThank you. Your answers are in {path}, and nowhere else.")
        typer.echo("What was right is told by 'minixai quiz review', once you have answered 'post'.")


def _prompt(question: str, allowed: str) -> str:
    while True:
        said = str(typer.prompt(question)).strip().upper()
        if len(said) == 1 and said in allowed:
            return said
        typer.echo(f"   Please one of {', '.join(allowed)}.")


@quiz.command()
def pre(seed: Seed = 0, show: Show = False, as_json: AsJson = False) -> None:
    """Before the book: form A."""
    _sitting("pre", seed, show, as_json)


@quiz.command()
def post(seed: Seed = 0, show: Show = False, as_json: AsJson = False) -> None:
    """After the book: form B, other numbers."""
    _sitting("post", seed, show, as_json)


@quiz.command()
def later(seed: Seed = 0, show: Show = False, as_json: AsJson = False) -> None:
    """Two weeks after the book: form A again."""
    _sitting("later", seed, show, as_json)


@quiz.command()
def review(as_json: AsJson = False) -> None:
    """What you answered, what was right, and which misconception each of the others was; once 'post' is done."""
    from minixai.book.inventory import answers

    known = answers.load()
    if "post" not in known:
        raise ValueError("answer 'minixai quiz post' first; until then nothing is told")
    rows = [_told(one, asked) for one in known.values() for asked in one.asked]
    if as_json:
        return print_json(rows)
    for row in rows:
        typer.echo("{when:6} {id:12} chapter {chapter}  {said}  {verdict}".format(**row))


def _told(one: Any, asked: Any) -> dict[str, Any]:
    letter, sure = one.given.get(asked.id, ("-", 0))
    meaning = asked.means.get(letter)
    verdict = "not answered" if meaning is None else "right" if meaning == "" else f"not yet: {meaning}"
    return {
        "when": one.when,
        "id": asked.id,
        "chapter": asked.chapter,
        "said": letter,
        "sure": sure,
        "verdict": verdict,
    }


@quiz.command()
def export(file: Annotated[Path, typer.Argument(help="The .json to write, for whoever teaches.")]) -> None:
    """Write your answers to a file that you may hand in. It holds letters and nothing about you."""
    from minixai.book.inventory import answers
    from minixai.zoo.weights import write

    known = answers.load()
    if not known:
        raise ValueError("there is nothing to export yet; begin with: minixai quiz pre")
    write(file, (json.dumps(answers.written(list(known.values())), indent=1) + "\n").encode())
    typer.echo(f"Written: {file}")


@quiz.command()
def gain(
    folder: Annotated[Path, typer.Argument(help="The folder with the exported files of a class.")],
    after: Annotated[str, typer.Option(help="Compare 'pre' with this: post or later.")] = "post",
    as_json: AsJson = False,
) -> None:
    """For whoever teaches: what the class learnt, item by item, and which misconceptions stay."""
    from minixai.book.inventory import answers, gains

    found = gains.gains(answers.exported(folder).values(), after)
    if as_json:
        return print_json([{**vars(one), "gain": one.gain} for one in found])
    typer.echo("item          chapter  before  after   gain  sure and wrong   what stays")
    for one in found:
        g = "    -" if one.gain is None else f"{float(one.gain):5.2f}"
        stays = ", ".join(f"{what} ({n})" for what, n in one.stays.items())
        typer.echo(
            f"{one.id:12}  {one.chapter:7}  {float(one.before):6.2f}  {float(one.after):5.2f}  {g}  "
            f"{float(one.sure_and_wrong):14.2f}   {stays}"
        )
