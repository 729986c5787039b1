"""Chapter 10: one neuron shared out by three rules; three settings of LRP, layer by layer."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minixai.api import explain, rules
from minixai.book import live, pixels
from minixai.book.nokernel import Board
from minixai.book.numbers import value
from minixai.book.verdict import coloured
from minixai.network import Network, Step, forward
from minixai.ops import Array, Weighted
from minixai.result import Explanation
from minixai.taxonomy import closest
from minixai.walk import walk
from minixai.zoo import shapes
from minixai.zoo.scenes import scene

if TYPE_CHECKING:
    from PIL.Image import Image

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "LRP-0 everywhere": ("lrp-0", {}),
    "composite": ("lrp-composite", {}),
    "alpha 1, beta 0": ("lrp-alphabeta", {"alpha": 1, "beta": 0}),
}
FOR, AGAINST = (178, 24, 43), (33, 102, 172)
WIDE, LINE = 420, 27  # pixels: the plot of the bars, and the height of a line of it


# -- one neuron --------------------------------------------------------------------------------------------------------


def sharing(rule: str = "LRP-eps", t: float = 0, b: float = 1) -> Board:
    """One neuron and its bias; LRP-eps, gamma or alpha-beta, with t for eps, gamma or beta (alpha is 1 + beta)."""
    known = {"LRP-eps": "neuron.lrp0", "LRP-gamma": "neuron.gamma", "LRP-alpha-beta": "neuron.alpha2beta1"}
    if rule not in known:
        raise ValueError(f"rule is {rule!r}; {closest(str(rule), list(known))}")
    words = "One neuron, a = (2, 1), w = (1, -1), bias 1, that fires with 2: what its inputs get, by four rules."
    titles = {"LRP-0": "neuron.lrp0", "LRP-eps, eps 1": "neuron.eps1", "LRP-gamma, gamma 1": "neuron.gamma"}
    titles |= {"alpha 2, beta 1": "neuron.alpha2beta1"}
    still = coloured({title: value(name).astype(float) for title, name in titles.items()})
    return Board("sharing", {"rule": rule, "t": t, "b": b}, still, words)


# -- a network through a reader's function -----------------------------------------------------------------------------


class Layer(NamedTuple):
    """A layer with weights as one neuron after the other: activations (I,), matrix (J, I), biases (J,)."""

    a: Array
    W: Array
    b: Array


def as_matrix(step: Step) -> Layer:
    """The layer at this step of the tape (one picture) written as one big matrix, whatever it is."""
    if not isinstance(step.op, Weighted) or step.x.shape[0] != 1:
        raise ValueError(f"node {step.name!r}, {step.op!r}, x {step.x.shape}; expected weights, and one picture")
    units = np.eye(step.x.size).reshape(-1, *step.x.shape[1:])
    b = step.op.forward(0 * step.x).ravel()
    return Layer(step.x.ravel(), (step.op.forward(units).reshape(len(units), -1) - b).T, b)


def shared_out(network: Network, x: Array, share: Callable[[Array, Array, Array, Array], Array]) -> Array:
    """The winner's score, shared out down to the picture x (C, H, W) by ``share(a, W, b, R)`` at every matrix."""

    def rule(R: Array, step: Step) -> Array:
        return np.asarray(share(*as_matrix(step), R.ravel())).reshape(step.x.shape)

    tape = forward(network, x)
    scores = tape.output.y
    table = rules("lrp-0") | {type(node.op): rule for node in network.nodes if isinstance(node.op, Weighted)}
    *_, last = walk(tape, scores * (scores == scores.max()), table)
    return np.asarray(last.arriving)[0]


# -- three settings, layer by layer ------------------------------------------------------------------------------------


def settings(network: Network, x: Array, target: Any = None) -> dict[str, Explanation]:
    """{preset: the explanation of x}; picture and target as ``explain`` takes them."""
    return {name: explain(network, x, method, target=target, **p) for name, (method, p) in PRESETS.items()}


def on_object(maps: Array, masks: Array) -> Array:
    """The part of the positive relevance that lies on the object, one number per picture; maps and masks (N, H, W)."""
    plus = np.maximum(maps, 0)
    return np.asarray((plus * masks).sum(axis=(1, 2)) / plus.sum(axis=(1, 2)))


def alike(one: Explanation, other: Explanation) -> Array:
    """The correlation of two batches of maps per unit of score, so that a negative score turns nothing round."""
    maps = zip(*((e.map / e.score[:, None, None]).reshape(len(e.map), -1) for e in (one, other)), strict=True)
    return np.array([np.corrcoef(p, q)[0, 1] for p, q in maps])


def presets(
    network: Network | None = None, x: Array | None = None, known: Mapping[str, Explanation] | None = None
) -> live.Figure:
    """Three settings of LRP: the map, and at every layer what speaks for the class and what against.

    Without ``network`` and ``x`` it is `shapes` and a star. ``known``: ``settings(network, x)``, if they are at hand.
    """
    if network is None or x is None:
        network = shapes.load()
        x = network.preprocess(scene(3, 4).picture)
    net, picture = network, x

    @cache
    def explained(preset: str) -> Explanation:
        method, params = PRESETS[preset]
        return known[preset] if known else explain(net, picture, method, **params)

    reach = balance(explained("LRP-0 everywhere"))["picture"][0]  # the loudest of the three gives the scale

    def draw(preset: str) -> live.Frame:
        e = explained(preset)
        name, top = pixels.scale(e.map, signed=True)
        panels = [
            pixels.enlarged(live.shown(net, picture), live.SIDE),
            pixels.enlarged(pixels.colours(e.map, name, top), live.SIDE),
            bars(balance(e), reach),
        ]
        return live.Frame(pixels.beside(panels), _words(preset, e))

    return live.Figure(draw, {"preset": live.choice("rules", list(PRESETS), "LRP-0 everywhere")})


def balance(e: Explanation) -> dict[str, tuple[float, float]]:
    """{layer: (what speaks for the class, what against)}: the relevance that arrives there, from the score down."""
    nodes = [n for n in e.signals if n.startswith(("linear", "conv"))]
    arriving = {f"below {above}": e.signals[n] for above, n in pairwise(nodes)}
    arriving = {"score": e.signals[nodes[0]], **arriving, "picture": e.relevance}
    return {n: (float(np.maximum(R, 0).sum()), float(np.maximum(-R, 0).sum())) for n, R in arriving.items()}


def _words(preset: str, e: Explanation) -> str:
    rows = [f"{layer} {up:.1f} for and {down:.1f} against" for layer, (up, down) in balance(e).items()]
    return (
        f"{preset}: left the picture, in the middle its map for class {e.label} (red for it, blue against it), right "
        f"the relevance at every layer. {'; '.join(rows)}. At the picture they add up to {float(e.total):.2f}; the "
        f"score is {float(e.score):.2f}."
    )


def bars(rows: Mapping[str, tuple[float, float]], reach: float) -> "Image":
    """Two bars a layer from a common middle: filled to the right what speaks for, hollow to the left what against."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDE, max(live.SIDE, LINE * (len(rows) + 1))), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    left, middle, half = 90, 90 + (WIDE - 90) // 2, (WIDE - 90) // 2 - 36
    pen.text((middle - 6, 4), "against", fill=AGAINST, font=font, anchor="rt")
    pen.text((middle + 6, 4), "for", fill=FOR, font=font, anchor="lt")
    for i, (name, (up, down)) in enumerate(rows.items()):
        top = LINE * i + 24
        spot = top + 8
        pen.text((left - 6, spot), name, fill="black", font=font, anchor="rm")
        ends = middle + up / reach * half, middle - down / reach * half
        pen.rectangle((middle, top, ends[0], top + 16), fill=FOR)
        pen.rectangle((ends[1], top, middle, top + 16), fill="white", outline=AGAINST, width=2)
        pen.text((ends[0] + 4, spot), f"{up:.1f}", fill="black", font=font, anchor="lm")
        pen.text((ends[1] - 4, spot), f"{down:.1f}", fill="black", font=font, anchor="rm")
    pen.line((middle, 20, middle, LINE * len(rows) + 24), fill="black")
    return image


FIGURES = (sharing, presets)
