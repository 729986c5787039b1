"""Section 6, two generators: what differs between a picture that keeps its class and one that changes it, Eq. (27).

g_s and g_a are networks from pictures to pictures, trained against the classifier: it must say of g_s(x) what it says
of x, and of g_a(x) the opposite. What both get wrong about x, since no generator paints every vessel, cancels in
their difference; it does not in |x - g_a(x)|, the explanation by one generator. Charachon et al. (2020).
"""

import sys
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from minixai.ops import Array, is_exact
from minixai.ops.numbers import FLOATS
from minixai.whitebox.case import Case, Finding

Painter = Callable[[Array], Any]  # pictures (N, C, H, W) -> pictures of the same shape


def two_generators(case: Case, generators: Any = None) -> Finding:
    """R = |g_s(x) - g_a(x)|, Eq. (27): how much each pixel differs between the two, in units of x; of the shape of x.

    ``generators``: (g_s, g_a), each a network, a torch module in eval mode or a function, from pictures (N, C, H, W) to
    such pictures; None takes the network's own. The notes count how often they did what they were trained for: where
    g_s changes the class, or g_a keeps it, R explains nothing. Raises ValueError for a network that has no generators,
    is not binary, or decides for another class than the one to be explained, and for generators that paint no pictures.
    """
    similar, adversarial = generators_of(case, generators)
    x_s, x_a = painted(similar, case.x, "g_s"), painted(adversarial, case.x, "g_a")
    kept, changed = decisions(case, x_s) == case.target, decisions(case, x_a) != case.target
    said = {"g_s keeps the class": counted(kept), "g_a changes it": counted(changed)}
    return Finding(abs(x_s - x_a), "sum", said=said)  # R = |g_s(x) - g_a(x)|                                  (27)


def one_generator(case: Case, generators: Any = None) -> Finding:
    """The baseline |x - g_a(x)|, which the survey calls noisy; the rest as in :func:`two_generators`."""
    x_a = painted(generators_of(case, generators)[1], case.x, "g_a")
    changed = decisions(case, x_a) != case.target
    return Finding(abs(case.x - x_a), "sum", said={"g_a changes the class": counted(changed)})


def generators_of(case: Case, given: Any) -> tuple[Painter, Painter]:
    """(g_s, g_a), given or the network's own, once it is sure that they can answer what is asked."""
    network, found = case.network, getattr(case.network, "generators", None) if given is None else given
    classes = case.tape.output.y.shape[1]
    if classes != 2:
        raise ValueError(f"network {network.name!r} has {classes} classes; two-generators needs a binary network")
    if found is None:
        raise ValueError(
            f"network {network.name!r} has no generators; take mx.load('lesion'), or give generators=(g_s, g_a), "
            "trained for this network"
        )
    if not isinstance(found, tuple | list) or len(found) != 2 or not all(map(callable, found)):
        raise ValueError(f"generators is {found!r:.60}; expected two: (g_s, g_a), each from pictures to pictures")
    other = np.flatnonzero(np.argmax(case.tape.output.y, axis=1) != case.target)
    if len(other):
        raise ValueError(
            f"picture {other[0]} is not of class {case.target[other[0]]} to the network; generators explain what it "
            "decides: leave target out"
        )
    similar, adversarial = map(painter_of, found, ("g_s", "g_a"))
    return similar, adversarial


def painter_of(given: Any, what: str) -> Painter:
    """The generator as a function of arrays. Raises ValueError for a class, and for a module in training mode."""
    torch = sys.modules.get("torch")  # whoever has a module has imported it
    if isinstance(given, type):
        raise ValueError(f"{what} is the class {given.__name__}; give a generator that is made and trained")
    if torch is None or not isinstance(given, torch.nn.Module):
        return given
    if any(part.training for part in given.modules()):
        raise ValueError(f"{what} is in training mode, where its pictures may change; call {what}.eval() first")
    return partial(painted_by_module, given)


def painted_by_module(module: Any, x: Array) -> Array:
    """The pictures of a torch module, which is asked in the dtype and on the device of its weights."""
    import torch

    if is_exact(x):
        raise ValueError("x is in fractions, which a PyTorch module cannot read; pass floats")
    floats = (w for w in (*module.parameters(), *module.buffers()) if w.is_floating_point())
    weight = next(floats, torch.tensor(x[:0]))
    with torch.no_grad():
        return module(torch.tensor(x).to(weight)).cpu().double().numpy().astype(x.dtype)


def painted(generator: Painter, x: Array, what: str) -> Array:
    """The generator's pictures. Raises ValueError unless they are finite numbers, and of the shape of x."""
    try:
        pictures = np.asarray(generator(x.copy()))
    except Exception as error:  # somebody else's code: it may raise whatever it likes
        said = f"{type(error).__name__}: {error}"
        raise ValueError(f"{what} failed on pictures of shape {x.shape}: {said}") from error
    if pictures.shape != x.shape:
        raise ValueError(f"{what}(x) has shape {pictures.shape}; expected pictures like x, {x.shape}")
    if not (_all_fractions(pictures) if is_exact(x) else pictures.dtype in FLOATS and np.isfinite(pictures).all()):
        wanted = "fractions, as x does" if is_exact(x) else "finite numbers in float32 or float64"
        raise ValueError(f"{what}(x), of dtype {pictures.dtype}, holds something else than {wanted}; mend it")
    return pictures


def _all_fractions(a: Array) -> bool:
    return a.dtype == object and all(isinstance(v, Fraction) for v in a.flat)


def decisions(case: Case, x: Array) -> Array:
    """What the network says of other pictures, (N,)."""
    return np.argmax(case.run(case.network, x).output.y, axis=1)


def counted(hits: Array) -> str:
    """How many of how many pictures."""
    return f"{int(hits.sum())} of {len(hits)}"
