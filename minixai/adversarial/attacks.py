"""The front door: ``attack(network, pictures, method)``."""

from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any

import numpy as np

from minixai.adversarial.aim import Aim, Found, counted, targets_of
from minixai.adversarial.deepfool import deepfool
from minixai.adversarial.fgsm import fgsm
from minixai.adversarial.limits import box_of
from minixai.adversarial.one_pixel import one_pixel
from minixai.adversarial.record import Attack
from minixai.network import Network, forward
from minixai.ops import Array
from minixai.taxonomy import closest

ATTACKS: dict[str, Callable[..., Found]] = {"fgsm": fgsm, "deepfool": deepfool, "one-pixel": one_pixel}
SHARED = ("at_once", "progress")  # parameters of every attack, handed on to those that look inside


def attack(
    network: Network,
    x: Any,
    method: str = "fgsm",
    /,
    target: Any = None,
    *,
    box: Any = "network",
    at_once: int = 64,
    progress: bool | None = None,
    **params: Any,
) -> Attack:
    """Change pictures a little, so that the network decides otherwise.

    x: (C, H, W) or (N, C, H, W). method: "fgsm" (eps=0.02), "deepfool" (overshoot=0.02, steps=50) or "one-pixel"
    (population=400, generations=75, F=0.5, seed=0). target: None for any class but the network's own decision; a
    class number or name to be reached, or one per picture. box: "network" (what pixels it is made for), (lowest,
    highest), or None for no limits, which only deepfool can do with. at_once: pictures per call of the network.
    progress: True, False, or None for a bar in a terminal only. Raises ValueError saying what was given and what is
    expected.
    """
    run = _method(method, params)
    if not isinstance(network, Network):
        raise ValueError(f"got a {type(network).__name__} as network; expected a minixai Network (mx.load, mx.Network)")
    batch, size = network.batch(x), counted(at_once, "at_once", "the number of pictures per call")
    if not batch.size:
        raise ValueError(f"x has shape {batch.shape}, which is empty; expected at least one picture")
    if progress not in (True, False, None):
        raise ValueError(f"progress is {progress!r}; expected True, False, or None: a bar in a terminal only")
    limits = box_of(_chosen(network, box), batch) if box is not None else None
    before = np.concatenate([_scores(network, batch[some]) for some in _parts(len(batch), size)])
    label = np.argmax(before, axis=1)
    aim = Aim(network, batch, label, targets_of(network, label, target, before.shape[1]), limits)
    inner = {name: value for name, value in zip(SHARED, (size, progress), strict=True) if name in _accepted(run)}
    parts = _parts(len(batch), 1 if "progress" in inner else size)
    with _bar(len(batch), method, progress) as bar:
        found, after = [], []
        for some in parts:
            found.append(run(aim[some], **params, **inner))
            after.append(_scores(network, found[-1].x))
            bar.update(len(found[-1].x))
    x_new, steps, evaluations = (np.concatenate(column) for column in zip(*found, strict=True))
    made = Attack(
        method, network, batch, x_new, before, np.concatenate(after), aim.target, limits, steps, evaluations,
        {**_defaults(run), **params},
    )  # fmt: skip
    return made[0] if batch.ndim > np.ndim(x) else made


def _method(name: str, params: dict[str, Any]) -> Callable[..., Found]:
    if name not in ATTACKS:
        raise ValueError(f"attack {name!r} is not known; {closest(str(name), list(ATTACKS))}")
    known = list(_defaults(ATTACKS[name]))
    for key in params:
        if key not in known:
            raise ValueError(f"{key} is not a parameter of {name}; expected {', '.join(known)}")
    return ATTACKS[name]


def _accepted(run: Callable[..., Found]) -> list[str]:
    return list(signature(run).parameters)


def _defaults(run: Callable[..., Found]) -> dict[str, Any]:
    """An attack's own parameters."""
    return {name: p.default for name, p in signature(run).parameters.items() if name not in ("aim", *SHARED)}


def _chosen(network: Network, box: Any) -> Any:
    if not isinstance(box, str):
        return box
    if box != "network":
        raise ValueError(f"box is {box!r}; expected 'network', (lowest, highest), or None")
    if network.box is None:
        raise ValueError("this network does not say what pixels there are; give box=(lowest, highest) of a pixel")
    return tuple(network.box)


def _scores(network: Network, x: Array) -> Array:
    scores = forward(network, x).output.y
    if scores.ndim != 2:
        raise ValueError(f"the scores have shape {scores.shape}; expected (N, classes): end with a Flatten")
    if scores.shape[1] < 2:
        raise ValueError("the network has one class and never decides otherwise; expected at least two")
    return scores


def _parts(n: int, size: int) -> Iterator[slice]:
    return (slice(first, first + size) for first in range(0, n, size))


def _bar(count: int, what: str, progress: bool | None) -> Any:
    from tqdm import tqdm

    return tqdm(total=count, desc=what, unit="picture", leave=False, disable=None if progress is None else not progress)
