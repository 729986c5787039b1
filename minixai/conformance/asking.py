"""Which programs can be asked, and a whole run of one of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import minixai
from minixai.conformance import adapters, deviations, peers, runs, single, vectors
from minixai.conformance.adapters import Adapter
from minixai.conformance.deviations import Deviation
from minixai.conformance.program import Program
from minixai.conformance.runs import Run, plain
from minixai.conformance.vectors import Case

LIBRARIES = {  # {adapter: the other packages that its numbers come from, its own first}
    "minixai": (),
    "minixai-pytorch": ("torch",),
    "captum": ("captum", "torch"),
    "zennit": ("zennit", "torch"),
    "shap": ("shap", "torch"),
    "lime": ("lime", "torch"),
}


class Asked(NamedTuple):
    """A program that is asked: what it is called, how to ask it, what takes part, and what is known of it."""

    name: str
    adapter: Adapter
    versions: Mapping[str, str]
    known: Sequence[Deviation]


@contextmanager
def program(
    adapter: str, command: str | None, timeout: float, precision: str, name: str | None = None
) -> Iterator[Asked]:
    """A program that is built in, or one of the user's own, which ends when this does."""
    if command is None:
        asked = built_in(adapter, precision)
        yield asked._replace(name=name or asked.name)
    else:
        with Program(command, timeout) as own:
            yield Asked(name or command, own, {"minixai": minixai.__version__}, ())


def built_in(adapter: str, precision: str = "float64") -> Asked:
    """An adapter by its name; minixai's own engine computes in either precision, the others in float64.

    Raises ValueError for another name, ImportError where its library is not installed.
    """
    if adapter not in adapters.ADAPTERS:
        raise ValueError(f"--adapter is {adapter!r}; expected one of {', '.join(adapters.ADAPTERS)}")
    others = {package: peers.installed(package) for package in LIBRARIES.get(adapter, ())}
    versions = {adapter: minixai.__version__, **others, "minixai": minixai.__version__}
    known = deviations.registry(adapter, versions[adapter]) if adapter in peers.LIBRARIES else ()
    ask = adapters.ADAPTERS[adapter]
    if adapter == "minixai" and precision == "float32":
        ask = partial(adapters.engine, dtype=precision)
    return Asked(adapter, ask, versions, known)


def all_built_in(cases: Sequence[Case]) -> tuple[list[Run], dict[str, str]]:
    """A run of every adapter that can be asked here, and why the others cannot."""
    found, absent = [], {}
    for name in LIBRARIES:
        try:
            asked = built_in(name)
        except ImportError as error:
            absent[name] = str(error)
        else:
            found.append(whole_run(asked, cases, "float64"))
    return found, absent


def whole_run(asked: Asked, cases: Sequence[Case], precision: str, look: bool = False) -> Run:
    """Every case, with a bar that shows how far it is; ``look`` for the variants that failed cases are instead."""
    from tqdm import tqdm

    bar = tqdm(cases, desc=plain(asked.name), unit="case", leave=False, disable=None)
    results = []
    for case, (result, answer) in zip(cases, runs.ask(asked.adapter, bar, precision, asked.known), strict=True):
        if look and result.status == "failed":
            names = [variant.name for variant in single.instead(case, answer, precision)]
            result = replace(result, matched=", ".join(names))
        results.append(result)
    return Run(asked.name, asked.versions, precision, tuple(results))


def chosen(only: str) -> list[Case]:
    """The cases whose ids fit. Raises ValueError if there are none."""
    found = list(vectors.cases(only=only))
    if not found:
        raise ValueError(f"--only is {only!r}, which no case fits; minixai conform list shows their ids")
    return found


def one(name: str) -> Case:
    """The case of this id. Raises ValueError if there is none."""
    found = next((case for case in vectors.cases(only=name) if case.id == name), None)
    if found is None:
        raise ValueError(f"ID is {name!r:.80}, which is no case; minixai conform list shows their ids")
    return found


def checked(precision: str) -> str:
    """The precision, if it is one. Raises ValueError for another."""
    if precision not in runs.PRECISIONS:
        raise ValueError(f"--precision is {precision!r}; expected {' or '.join(runs.PRECISIONS)}")
    return precision
