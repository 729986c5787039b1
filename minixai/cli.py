"""The command line ``minixai``: every verb is a few lines over the public functions.

Bad input ends with exit code 2 and one sentence on stderr; with ``--json`` stdout holds JSON and nothing else.
"""

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from minixai import api, draw, files, threads, zoo
from minixai.adversarial.commands import attack_verb
from minixai.bench import commands as benchmarking
from minixai.conformance.commands import conform
from minixai.experiments import commands as experimenting
from minixai.lab import lab
from minixai.metrics import commands as judging
from minixai.network import Network
from minixai.ops import engine
from minixai.printing import AsJson, print_json
from minixai.quiz import quiz
from minixai.result import Explanation
from minixai.zoo import clips, digits, husky, husky_balanced, lesion, shapes, shapes_resnet
from minixai.zoo import download as downloads

BAD_INPUT = 2
# Typer has no public name for its class of wrong command lines, only for a subclass of it.
WRONG_COMMAND_LINE = cast(tuple[type[Exception], ...], typer.BadParameter.__bases__)
BAD_INPUTS: tuple[type[Exception], ...] = (ValueError, OSError, ImportError, *WRONG_COMMAND_LINE)
SAMPLES = {  # {network: a picture of its own kind}
    "digits": lambda: digits.samples().x[6],  # a three
    "shapes": lambda: shapes.samples().x[4],  # a star
    "husky": lambda: husky.samples().x[1],  # a wolf on snow
    "husky-balanced": lambda: husky_balanced.samples().x[1],  # a wolf
    "shapes-resnet": lambda: shapes_resnet.samples().x[4],  # a star
    "clips": lambda: clips.samples().x[1],  # a crescent that moves to the right
    "lesion": lambda: lesion.samples().x[1],  # a lesion
}
PACKAGES = (
    "minixai", "numpy", "pillow", "matplotlib", "typer", "tqdm", "platformdirs", "numba", "scipy", "scikit-image",
    "scikit-learn", "sympy", "jupyterlab", "ipykernel", "ipywidgets", "anywidget", "jupytext", "threadpoolctl", "torch",
)  # fmt: skip


class OneSentence(TyperGroup):
    """Says what was wrong in one sentence, without a traceback, and exits with code 2."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any) -> Any:
        try:
            code = super().main(args, prog_name, **{**more, "standalone_mode": False})
        except BAD_INPUTS as error:
            said = error.format_message() if hasattr(error, "format_message") else str(error)
            typer.echo(f"minixai: {' '.join(said.split())}", err=True)
            code = BAD_INPUT
        sys.exit(code or 0)


app = typer.Typer(
    cls=OneSentence,
    help="White-box explanations of convolutional neural networks.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(conform, name="conform")
app.add_typer(quiz, name="quiz")

Image = Annotated[
    Path | None, typer.Argument(help="A picture file (for clips a GIF); without one, one of the network's own kind.")
]
NetworkName = Annotated[str, typer.Option("--network", help="Its name, see: minixai networks.")]
Target = Annotated[str | None, typer.Option(help="The class, by number or name; without it, the winning one.")]


def main() -> None:
    """The console entry point."""
    app(prog_name="minixai")


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        typer.echo(_version("minixai"))
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def methods(as_json: AsJson = False) -> None:
    """List the methods: their names, sections, equations and parameters."""
    if as_json:
        return print_json([asdict(m) for m in api.methods()])
    for m in api.methods():
        equations = ", ".join(f"({n})" for n in m.equations) or "-"
        typer.echo(f"{m.name:22} {m.section:6} {m.title}; equations {equations}")
        if m.params:
            typer.echo(" " * 30 + ", ".join(f"{name}={value}" for name, value in m.params.items()))


@app.command()
def networks(as_json: AsJson = False) -> None:
    """List the networks there are to explain."""
    if as_json:
        return print_json([asdict(card) for card in zoo.networks()])
    for card in zoo.networks():
        accuracy = "" if card.accuracy is None else f"; {card.accuracy:.1%} right on pictures it never saw"
        typer.echo(f"{card.name:16} {card.title}; {' x '.join(map(str, card.input_shape))}{accuracy}")
        typer.echo(f"{'':16} weights {card.weights}")


@app.command()
def download(name: Annotated[str, typer.Argument(help="A network whose weights somebody else publishes.")]) -> None:
    """Fetch the published weights of a network, and check them."""
    typer.echo(downloads.download(name, progress=sys.stderr.isatty()))


@app.command()
def explain(
    image: Image = None,
    network: NetworkName = "digits",
    method: Annotated[str, typer.Option(help="Its name, see: minixai methods.")] = "lrp-epsilon",
    target: Target = None,
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="For the method; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figure (.png), numbers (.npz), a clip (.gif).")] = None,
    as_json: AsJson = False,
) -> None:
    """Explain the class of one picture by one method."""
    if out is not None:
        draw.checked(out)
    net = zoo.load(network)
    wanted = {method: _params(param or [])}  # as a mapping, so that --param target=3 is refused like any wrong name
    e = api.explain_all(net, _picture(net, image), wanted, _target(net, target))[method]
    written = None if out is None else str(e.save(out))
    if as_json:
        return print_json({"network": net.name, **_summary(e), "written": written})
    typer.echo(draw.alt_text(e))
    typer.echo(f"Written: {written}" if written else "To see it: --out map.png")


@app.command()
def atlas(
    image: Image = None,
    network: NetworkName = "digits",
    target: Target = None,
    out: Annotated[Path, typer.Option(help="Where the figure goes (.png).")] = Path("atlas.png"),
    as_json: AsJson = False,
) -> None:
    """Explain one picture by every white-box method, in one labelled figure."""
    draw.checked(out, (".png",))
    net = zoo.load(network)
    found = _every_method(net, _picture(net, image), _target(net, target))
    figure = draw.atlas(found, found.refused, network=net.name, methods=api.methods("white-box"))
    written = str(draw.save_figure(figure, out))
    if as_json:
        explained = {name: _summary(e) for name, e in found.items()}
        return print_json({"network": net.name, "methods": explained, "refused": found.refused, "written": written})
    typer.echo(written)
    for m in api.methods("white-box"):
        said = draw.where(found[m.name]) if m.name in found else f"does not fit: {found.refused[m.name]}"
        typer.echo(f"{m.name:22} {said}")


@app.command()
def crosscheck(
    network: Annotated[list[str] | None, typer.Option(help="Its name; repeatable. Default: those of our own.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="A method's name; repeatable. Default: all.")] = None,
    device: Annotated[str, typer.Option(help="Where PyTorch computes: cpu, cuda, cuda:1 ...")] = "cpu",
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
    seeded: Annotated[bool, typer.Option("--random", help="Seeded random weights: nothing is downloaded.")] = False,
    pictures: Annotated[int, typer.Option(min=1, help="How many seeded pictures.")] = 2,
    out: Annotated[Path | None, typer.Option(help="Write the figure (.png).")] = None,
    record: Annotated[bool, typer.Option("--record", help="Add the result to data/results/crosscheck.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the engine with PyTorch, method by method; exit code 1 if they disagree."""
    from minixai import crosscheck as checking
    from minixai.bench.machine import surroundings

    if dtype not in checking.TOLERANCE:
        raise ValueError(f"--dtype is {dtype!r}; expected {' or '.join(checking.TOLERANCE)}")
    wanted = checking.defaults(method)
    reports = []
    for name in network or list(SAMPLES):
        net = zoo.random(name, 0, dtype) if seeded else zoo.load(name).astype(dtype)
        with checking.careful(device):
            module, x = net.to_torch().to(device), checking.texture(net, pictures)
            reports.append(checking.crosscheck(net, module, x, wanted, progress=sys.stderr.isatty()))
        if not as_json:
            typer.echo(reports[-1].as_text())
    if record:
        written = checking.record(reports, files.root("data") / "results", surroundings(device))
        typer.echo(", ".join(map(str, written)), err=as_json)
    if out is not None:
        typer.echo(str(draw.save_figure(draw.differences([r.as_dict() for r in reports]), out)), err=as_json)
    if as_json:
        print_json([report.as_dict() for report in reports])
    if not all(report.passed for report in reports):
        raise typer.Exit(1)


app.command()(judging.metrics)
app.command()(judging.score)
app.command()(experimenting.experiment)
app.command()(benchmarking.bench)


@app.command()
def grade(
    folder: Annotated[Path, typer.Argument(help="What was handed in: a folder, or a notebook, per student.")],
    secret: Annotated[
        str | None, typer.Option(help="What the students' own numbers were drawn from; @FILE reads it from a file.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where grades.csv and the feedback pages go.")] = Path("grades"),
    as_json: AsJson = False,
) -> None:
    """Grade a folder of notebooks: functions in a sandbox, answers, numbers by hand."""
    from minixai.book.teaching import commands  # imports the book, for which no other verb should wait

    commands.grade(folder, secret, out, as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, how many threads there are, whether there is a GPU, where things are kept."""
    found = _examination()
    if as_json:
        return print_json(found)
    for topic, facts in found.items():
        typer.echo(topic)
        for name, fact in facts.items():
            typer.echo(f"  {name:22} {'-' if fact is None else fact}")


# -- what the verbs are made of ----------------------------------------------------------------------------------------


def _picture(network: Network, image: Path | None) -> Any:
    if image is not None:
        return network.preprocess(image)
    if network.name not in SAMPLES:
        raise ValueError(f"network {network.name!r} brings no picture of its own; give the path of one")
    return SAMPLES[network.name]()


def _target(network: Network, target: str | None) -> str | int | None:
    """A class by its name, where the network has that name, else by its number."""
    if target is None or target in (network.classes or ()):
        return target
    return int(target) if target.lstrip("-").isdecimal() else target


def _params(given: list[str]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ValueError(f"--param is {text!r}; expected NAME=VALUE, for example eps=0.25")
        if name in params:
            raise ValueError(f"--param {name} is given twice; expected one value")
        params[name] = _value(value)
    return params


def _value(text: str) -> Any:
    """A number (a fraction such as 1/4 too), true, false, none, several of them (3,4), or else the text itself."""
    if "," in text:
        return tuple(_value(part) for part in text.split(","))
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    for number in (int, float, Fraction):
        try:
            return number(text)
        except (ValueError, ZeroDivisionError):
            continue
    return text


def _every_method(network: Network, x: Any, target: Any) -> api.Explanations:
    """As ``explain_all``, in the survey's order, with a bar that shows how far it is."""
    found = api.explain_all(network, x, None, target, progress=True)
    ordered = api.Explanations()
    ordered.update({m.name: found[m.name] for m in api.methods("white-box") if m.name in found})
    ordered.refused.update(found.refused)
    return ordered


def _summary(e: Explanation) -> dict[str, Any]:
    numbers = {"score": e.score, "total": e.total, "expected": e.expected}
    return {
        "method": e.method,
        "target": e.target,
        "label": e.label,
        **{name: None if value is None else float(value) for name, value in numbers.items()},
        "params": dict(e.params),
        "notes": dict(e.notes),
        "shows": draw.alt_text(e),
    }


def _examination() -> dict[str, dict[str, Any]]:
    from platformdirs import user_state_path

    return {
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "machine": {"system": platform.platform(), "cpus": os.cpu_count(), "gpu": _gpu(), "engine": engine()},
        "threads": {name: os.environ.get(name) for name in threads.VARIABLES} | _pools(),
        "folders": {
            "data": str(files.root("data")),
            "chapters": str(files.root("chapters")),
            "downloads": str(downloads.home()),
            "reader's progress": str(user_state_path("minixai", appauthor=False)),
        },
        "environment": {name: os.environ.get(name) for name in (downloads.HOME, "NUMBA_CACHE_DIR", "MPLCONFIGDIR")},
    }


def _pools() -> dict[str, Any]:
    """The pools of threads, once everything that has one is loaded."""
    if engine() == "compiled":
        import numba  # noqa: F401
    return threads.summary()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _gpu() -> str:
    """What PyTorch says about the GPU; it is asked only where it is installed."""
    if find_spec("torch") is None:
        return "unknown: PyTorch is not installed (pip install 'minixai[torch]')"
    import torch

    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join(names) or "none that PyTorch can use"


app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(lab)
app.command("attack")(attack_verb(zoo.load, _picture, _target, _params, draw))
