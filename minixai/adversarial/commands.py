"""The command line's ``minixai attack``. What stands on floors above this one, the command line hands in."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from minixai.adversarial.attacks import ATTACKS, attack
from minixai.adversarial.record import Attack, report
from minixai.network import Network
from minixai.ops import Array, Softmax
from minixai.printing import AsJson, print_json

Images = Annotated[list[Path] | None, typer.Argument(help="Picture files; without, one of the network's own kind.")]
Params = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Such as eps=0.1; repeatable.")]


def attack_verb(
    load: Callable[[str], Network],
    picture: Callable[[Network, Path | None], Array],
    class_of: Callable[[Network, str | None], Any],
    params_of: Callable[[list[str]], dict[str, Any]],
    draw: Any,
) -> Callable[..., None]:
    """The verb ``attack``: with ways to load a network, to read a picture, a class and parameters, and to draw."""

    def verb(
        images: Images = None,
        network: Annotated[str, typer.Option("--network", help="Its name, see: minixai networks.")] = "digits",
        method: Annotated[str, typer.Option(help=f"One of {', '.join(ATTACKS)}.")] = "fgsm",
        target: Annotated[str | None, typer.Option(help="The class wanted; without it, any other will do.")] = None,
        param: Params = None,
        out: Annotated[Path | None, typer.Option(help="Write the figure (.png).")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Change pictures a little, so that the network decides otherwise (Section 6)."""
        if out is not None:
            draw.checked(out, (".png",))
        net, given = load(network), params_of(param or [])
        taken = [name for name in given if name in ("target", "box", "at_once", "progress")]
        if taken:
            raise ValueError(f"--param {taken[0]} is not a parameter of {method}; expected one of its own, such as eps")
        x = np.stack([picture(net, image) for image in images] if images else [picture(net, None)])
        found = attack(net, x, method, class_of(net, target), **given)
        written = None if out is None else str(draw.save_figure(draw.attack_figure(found), out))
        if as_json:
            return print_json(summary(found) | {"written": written})
        for i in range(len(found)):
            typer.echo(f"{images[i]}: {found[i]!r}" if images else repr(found[i]))
        typer.echo(report(found).as_text())
        typer.echo(f"Written: {written}" if written else "To see it: --out attack.png")

    return verb


def summary(found: Attack) -> dict[str, Any]:
    """An attack on a batch, for a program to read: the report; of each picture, both decisions and the norms."""
    p, q = (Softmax().forward(scores.astype(np.float64)) for scores in (found.scores_before, found.scores_after))
    rows = []
    for i in range(len(found)):
        c, d = int(found.label_before[i]), int(found.label_after[i])
        rows.append(
            {
                "before": {"class": c, "label": found.name(c), "probability": float(p[i, c])},
                "after": {"class": d, "label": found.name(d), "probability": float(q[i, d])},
                "target": None if found.target is None else int(found.target[i]),
                "success": bool(found.success[i]),
                "l0": int(found.l0[i]),
                "l2": float(found.l2[i]),
                "linf": float(found.linf[i]),
                "steps": int(found.steps[i]),
                "evaluations": int(found.evaluations[i]),
            }
        )
    return {"network": found.network.name, "report": asdict(report(found)), "pictures": rows}
