"""Chapter 16: photographs, or scenes where no network for them is here; a sum that is 0 on paper; one network twice."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import file_digest
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minixai.api import explain, rules
from minixai.book import live, pixels
from minixai.book.figures import ch13
from minixai.book.nokernel import Board
from minixai.book.numbers import value
from minixai.book.numbers.ch16 import two_layers
from minixai.book.verdict import coloured
from minixai.draw.page import blank
from minixai.draw.several import strip
from minixai.draw.style import AGAINST, FOR, styled
from minixai.experiments.figure9 import MAPS, region
from minixai.experiments.intervals import Interval, mean_interval
from minixai.experiments.subjects import heat
from minixai.network import Network, Node, Tape, fold_batchnorm, forward
from minixai.ops import Add, Array, BatchNorm2d, Conv2d, Identity, Linear, MaxPool2d, ReLU, exact
from minixai.walk import Hop, Rules, walk
from minixai.zoo import load, resnet, scenes, shapes_resnet, squeezenet, vgg, weights
from minixai.zoo.download import home, published

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Box = tuple[int, int, int, int]  # first row, row after the last, first column, column after the last
LEAST = 1e-9  # where two layers agree to the last digit, the plot draws this
EDGE = 6  # pixels on both sides of a box, from which its inside is painted anew


# -- photographs -------------------------------------------------------------------------------------------------------


class Gallery(NamedTuple):
    """A network and pictures for it, {name: (H, W, 3) uint8}, one of them in doubt.

    ``doubt`` is its name; the network says ``said`` where people say ``meant``; ``boxes`` are what one may fade out of
    it, {what is there: its box}. ``words`` say in one sentence what is shown; ``seen`` describes the pictures.
    """

    network: Network
    pictures: Mapping[str, Array]
    doubt: str
    said: str
    meant: str
    boxes: Mapping[str, Box]
    words: str
    seen: str


def fetched(name: str) -> bool:
    """Whether the published file of a network stands in the folder of downloads; nothing is fetched."""
    wanted = published(name)
    file = home() / wanted.file
    if not file.is_file() or file.stat().st_size != wanted.bytes:
        return False
    with open(file, "rb") as stored:
        return wanted.is_right(file_digest(stored, "sha256").hexdigest())


def missing(name: str) -> str:
    """That a network is not here, and what to type to have it."""
    wanted = published(name)
    return f"{name} is not here; `{wanted.command}` fetches it ({wanted.bytes / 1e6:.1f} MB, {wanted.licence})."


def if_here(name: str) -> Network | None:
    """A network whose weights PyTorch publishes, if they were fetched; else None, after saying in a sentence why."""
    if not fetched(name):
        print(missing(name))
    elif find_spec("torch") is None:
        print(f"{name} is here, but PyTorch, which reads its file, is not (pip install torch).")
    else:
        return load(name)
    return None


def gallery(yours: Any = ...) -> Gallery:
    """Photographs that come with scikit-image, for SqueezeNet if it was fetched; else scenes of `shapes`.

    ``yours``: one more, a picture of the reader's, as ``preprocess`` takes it; a file's path, say.
    """
    found = photographs() if fetched("squeezenet") else drawn()
    if yours is ...:
        return found
    x = found.network.preprocess(yours)
    return found._replace(
        pictures={**found.pictures, "yours": found.network.unpreprocess(x)}, seen=f"{found.seen} Then your own picture."
    )


def photographs() -> Gallery:
    """A cat, a cup, a rocket and a clock. The rocket is cut to its middle, so that boxes can be named in its pixels."""
    from skimage import data

    pictures = {"cat": data.chelsea(), "cup": data.coffee(), "rocket": data.rocket()[:, 106:533], "clock": data.clock()}
    boxes = {
        "left tower": (110, 372, 58, 108), "sky beside it": (110, 372, 120, 170), "right tower": (110, 372, 318, 380),
        "rocket": (110, 405, 175, 255),
    }  # fmt: skip
    seen = (
        "The face of a ginger tabby cat; a cup of espresso on a red saucer; a white rocket between two lattice towers "
        "at dusk, lamps at its foot; a wall clock, grey and so blurred that only a bright oval is left."
    )
    words = "SqueezeNet is here: what follows are photographs."
    return Gallery(load("squeezenet"), pictures, "rocket", "pole", "missile", boxes, words, seen)


def drawn() -> Gallery:
    """Four scenes for `shapes`, one of which it gets wrong."""
    found = scenes.chosen(3, (1, 4, 45, 8))
    pictures = {found.names[label]: picture for label, picture in zip(found.labels, found.pictures, strict=True)}
    boxes = {"left arm": (28, 44, 8, 20), "stripes below": (46, 62, 8, 20), "stripes on the right": (24, 60, 44, 58)}
    seen = "A heart, a ring, a cross on stripes and a star, drawn by a program."
    words = f"{missing('squeezenet')} Until then drawn scenes and `shapes` stand in for the photographs."
    return Gallery(load("shapes"), pictures, "cross", "arrow", "cross", boxes, words, seen)


def on_show(shown: Gallery) -> live.Frame:
    """The pictures side by side, as the network is given them, described in words."""
    panels = [live.shown(shown.network, shown.network.preprocess(p)) for p in shown.pictures.values()]
    return live.Frame(pixels.beside([pixels.enlarged(p, live.SIDE) for p in panels]), shown.seen)


def top(network: Network, picture: Array, n: int = 3) -> str:
    """The n classes that win, each with its probability: the softmax of the scores."""
    scores = np.asarray(network(network.preprocess(picture)), float)
    share = np.exp(scores - scores.max())
    share /= share.sum()
    best = np.argsort(-scores)[:n]
    return ", ".join(f"{list(network.classes or ())[c]} {share[c]:.2f}" for c in best)


def lead(shown: Gallery, picture: Array) -> float:
    """By how much the score of what was said is above that of what was meant."""
    scores, classes = shown.network(shown.network.preprocess(picture)), list(shown.network.classes or ())
    return float(scores[classes.index(shown.said)] - scores[classes.index(shown.meant)])


def faded(picture: Array, box: Box | None) -> Array:
    """The picture (H, W, 3) uint8 with a box painted anew: every row from the colour left of it to that right of it."""
    if box is None:
        return picture
    first, after, left, right = box
    out = picture.astype(float)
    ends = [out[first:after, a:b].mean(axis=1, keepdims=True) for a, b in ((left - EDGE, left), (right, right + EDGE))]
    t = np.linspace(0, 1, right - left)[None, :, None]
    out[first:after, left:right] = (1 - t) * ends[0] + t * ends[1]
    return np.asarray(np.rint(out).astype(np.uint8))


def as_seen(network: Network, picture: Array) -> Array:
    """The picture as the network gets it: cut to its square and resized, (H, W, 3) uint8."""
    return network.unpreprocess(network.preprocess(picture))


def figure9(network: Network, picture: Array) -> "Figure":
    """Heat maps as in Fig. 9, beside the picture as the network gets it."""
    return ch13.figure9(network, as_seen(network, picture))


def figure6(network: Network, picture: Array) -> "Figure":
    """Heat maps as in Fig. 6: gradient and guided backpropagation."""
    x = network.preprocess(picture)
    maps = {name: explain(network, x, name).heatmap for name in ("gradient", "guided-backprop")}
    return strip(maps, picture=as_seen(network, picture), title="Each over its largest", signed=False)


def regions(network: Network, picture: Array) -> dict[str, float]:
    """{map of Fig. 9: the smallest share of the pixels that holds half of its positive relevance}."""
    x = network.preprocess(picture)
    return {name: region(heat(explain(network, x, method, **params).map)) for name, (method, params) in MAPS.items()}


def after_shuffling(network: Network, pictures: Iterable[Array]) -> dict[str, float]:
    """{method: how alike its heat maps are once the weights of the last layer with weights are shuffled, by a seed}."""
    *_, last = (node.name for node in network.nodes if node.op.arrays())
    turn = np.random.default_rng(0).permutation
    shuffled = replace(network, nodes=tuple(
        replace(node, op=node.op.convert(lambda w: turn(w.ravel()).reshape(w.shape))) if node.name == last else node
        for node in network.nodes
    ))  # fmt: skip
    xs = np.stack([network.preprocess(picture) for picture in pictures])
    said = [int(c) for c in network(xs).argmax(axis=1)]
    found = {}
    for method in ("gradient", "guided-backprop", "grad-cam", "lrp-composite", "fem"):
        ours, theirs = (explain(net, xs, method, target=said).heatmap for net in (network, shuffled))
        found[method] = alike(ours, theirs)
    return found


# -- signals, layer by layer -------------------------------------------------------------------------------------------


class Arrivals(NamedTuple):
    """What arrived where in a walk: the nodes in the network's order, and a row for each, (L, M), filled up with 0."""

    names: tuple[str, ...]
    rows: Array


def arrivals(tape: Tape, table: Rules, seed: Any = 1) -> Arrivals:
    """The signals of one picture on their way from its highest score (``seed`` there) to the picture, by this table."""
    y = tape.output.y
    hops = list(walk(tape, (seed * (y == y.max())).astype(y.dtype), table))[::-1]
    rows = np.zeros((len(hops), max(hop.arriving.size for hop in hops)), y.dtype)
    for row, hop in zip(rows, hops, strict=True):
        row[: hop.arriving.size] = hop.arriving.ravel()
    return Arrivals(tuple(hop.at.name for hop in hops), rows)


def at_plus(share: Callable[[Array, Array, Array], Any]) -> Rules:
    """A table of one rule: at every plus, what ``share(a, b, R)`` answers, as arrays of one axis."""

    def rule(R: Array, step: Any) -> tuple[Array, ...]:
        a, b = step.xs
        found = np.asarray(share(a.ravel(), b.ravel(), R.ravel()))
        return found[0].reshape(a.shape), found[1].reshape(b.shape)

    return {Add: rule}


def contents() -> Iterator[str]:
    """What is in four networks, line by line: no weights are needed to know that."""
    yield f"{'':14}  weights   ReLUs   max-pools   batch norms   pluses"
    for make in (squeezenet, vgg, resnet, shapes_resnet):
        ops = [node.op for node in make.network(weights.blank).nodes]
        many = [sum(isinstance(op, kind) for op in ops) for kind in (ReLU, MaxPool2d, BatchNorm2d, Add)]
        millions = sum(a.size for op in ops for a in op.arrays().values()) / 1e6
        yield f"{make.NAME:14} {millions:6.1f} M {many[0]:7} {many[1]:11} {many[2]:13} {many[3]:8}"


def total(network: Network, x: Array, table: Rules) -> tuple[float, float]:
    """(the score of the winner, what of it this table hands down to the picture x)."""
    tape = forward(network, x)
    best = float(tape.output.y.max())
    return best, float(arrivals(tape, table, best).rows[0].sum())


def three_ways(network: Network, x: Array, method: str, **params: Any) -> dict[str, tuple[Any, Array]]:
    """{way: (the winner's score, what the method hands down to the picture x)}, for three ways with batch norms.

    They are folded into the layers before them, left standing as layers of their own, or waved through like a ReLU.
    """
    table, waved = rules(method, **params), {BatchNorm2d: lambda R, step: R}
    ways = {"folded": (fold_batchnorm(network), table), "standing": (network, table)}
    ways["waved through"] = network, table | waved
    found = {}
    for way, (whole, by) in ways.items():
        tape = forward(whole, x)
        best = tape.output.y.max()
        found[way] = best, arrivals(tape, by, best).rows[0]
    return found


def normed() -> Network:
    """The neuron of the text and its batch norm, in fractions."""
    numbers = (exact([value(f"norm.{name}")]) for name in ("b", "gamma", "beta", "mean", "spread"))
    return two_layers(value("norm.w")[None], *numbers)


def folded_by(network: Network, fold: Callable[..., Array]) -> Network:
    """The network with every batch norm that follows a convolution folded into it by ``fold``, as the exercise has it.

    ``fold(W, b, gamma, beta, mean, spread)``, with a row of W per map: new weights and, as a last column, biases.
    """
    nodes: dict[str, Node] = {}
    for node in network.nodes:
        norm, above = node.op, nodes.get(node.inputs[0])
        if isinstance(norm, BatchNorm2d) and above is not None and isinstance(above.op, Conv2d):
            conv, spread = above.op, np.sqrt(norm.running_var + norm.eps)
            W, b = conv.weight.reshape(len(conv.weight), -1), np.zeros(len(conv.weight))
            found = fold(W, b if conv.bias is None else conv.bias, norm.weight, norm.bias, norm.running_mean, spread)
            one = replace(conv, weight=found[:, :-1].reshape(conv.weight.shape), bias=found[:, -1])
            nodes[above.name], node = replace(above, op=one), replace(node, op=Identity())
        nodes[node.name] = node
    return replace(network, nodes=tuple(nodes.values()))


# -- one network twice -------------------------------------------------------------------------------------------------


class Twice(NamedTuple):
    """One gradient in float32 and in float64, layer by layer: how far apart, of the layer's largest number.

    ``own``: each with its own decisions; ``shared``: float32 with those of float64. The last entry is the picture.
    ``turned``: how many decisions (gates of ReLUs, winners of pools) differ, of ``decisions`` in all.
    """

    names: tuple[str, ...]
    own: Array
    shared: Array
    turned: int
    decisions: int

    def __str__(self) -> str:
        apart = f"{self.own[-1]:.0e} apart, decisions shared {self.shared[-1]:.0e}"
        return f"{apart}; {self.turned} of {self.decisions:,} decisions fell differently"


def twice(network: Network, x: Array) -> Twice:
    """The gradient of the winner's score at one picture x (C, H, W), computed with seven digits and with sixteen."""
    fine, coarse = network.astype("float64"), network.astype("float32")
    known, own = forward(fine, x.astype("float64")), forward(coarse, x.astype("float32"))
    lent = forward(coarse, x.astype("float32"), choices=known)
    names, apart = [], []
    for hops in zip(*(_slopes(tape) for tape in (known, own, lent)), strict=True):
        names.append(hops[0].at.name)
        exactly, *others = (hop.arriving for hop in hops)
        apart.append([float(abs(exactly - one).max() / abs(exactly).max()) for one in others])
    both = [(a.choice, b.choice) for a, b in zip(known.steps, own.steps, strict=True) if a.choice is not None]
    turned = sum(int((a != b).sum()) for a, b in both)
    own_apart, shared_apart = np.array(apart).T
    return Twice(tuple(names), own_apart, shared_apart, turned, sum(a.size for a, _ in both))


def _slopes(tape: Tape) -> Iterator[Hop]:
    y = tape.output.y
    return walk(tape, (y == y.max()).astype(y.dtype), rules("gradient"))


def close_calls(network: Network, xs: Array) -> Array:
    """For every picture of xs (N, C, H, W): how far its slopes in float32 are from those in float64, of the largest."""
    fine, coarse = network.astype("float64"), network.astype("float32")
    found = []
    for x in xs:  # one by one: in a batch, sums are added in another order
        exactly = explain(fine, x.astype("float64"), "gradient")
        nearly = explain(coarse, x.astype("float32"), "gradient", target=int(exactly.target)).relevance
        found.append(abs(exactly.relevance - nearly).max() / abs(exactly.relevance).max())
    return np.array(found)


def against_pytorch(network: Network, x: Array, method: str) -> dict[str, float]:
    """{layer: how far the signal that arrives there is from PyTorch's, of its largest}, for one picture x (C, H, W)."""
    from minixai.crosscheck import Pair, numbers, relative

    pair, ours = Pair(network, network.to_torch(), x), explain(network, x, method)
    theirs = pair.mirrored(method, int(ours.target), {}, signals=True).signals
    names = {node: pair.graph.names[pair.calls[node]] if node in pair.calls else node for node in ours.signals}
    return {
        node: relative(signal - numbers(theirs[names[node]]).reshape(signal.shape), signal)
        for node, signal in ours.signals.items()
        if names[node] in theirs
    }


def layer_by_layer(shown: Twice, title: str) -> "Figure":
    """How far apart float32 and float64 are at every layer, from the score on the left to the picture on the right."""
    places = np.arange(len(shown.names))
    rows = {"each with its own decisions": (shown.own, "x", FOR), "decisions shared": (shown.shared, "o", AGAINST)}
    said = "; ".join(f"{label}: {values.max():.0e} at most" for label, (values, _, _) in rows.items())
    with styled():
        figure = blank(8.5, 3.4, f"{title}. Largest difference per layer, of its largest number. {said}.")
        figure.set_layout_engine("constrained")
        panel = figure.subplots()
        for label, (values, mark, colour) in rows.items():
            panel.plot(places, np.maximum(values, LEAST), mark, color=colour, label=label, markersize=5, mfc="none")
        panel.set_yscale("log")
        panel.set_ylim(LEAST / 2, 1)
        panel.set_xlabel("layer by layer, from the score (left) to the picture (right)")
        panel.set_ylabel("largest difference")
        panel.set_title(title)
        figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure


# -- pictures prepared wrongly -----------------------------------------------------------------------------------------


def misprepared(network: Network, seen: scenes.Scenes) -> Iterator[tuple[str, Interval, float]]:
    """(what was done, the share of scenes still right with its interval, how alike the maps of Grad-CAM are)."""
    x, pixel = np.stack([network.preprocess(p) for p in seen.pictures]), seen.pictures.transpose(0, 3, 1, 2)
    ways = {"as it should be": x, "red and blue exchanged": x[:, ::-1]}
    ways |= {"pixels from 0 to 255": pixel.astype("float32"), "pixels from 0 to 1": (pixel / 255).astype("float32")}
    wanted = None
    for what, given in ways.items():
        e = explain(network, np.ascontiguousarray(given), "grad-cam", target=list(seen.labels))
        wanted = e.map if wanted is None else wanted
        right = network(np.ascontiguousarray(given)).argmax(axis=1) == seen.labels
        yield what, mean_interval(right), alike(wanted, e.map)


# -- a sum that is 0 on paper ------------------------------------------------------------------------------------------


def near_zero() -> Network:
    """S = x1 + x2 + x3 + 10 relu(x1 + x2 - x3) for three pixels of at least 0, in fractions."""
    first, last = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, -1]], [[1, 1, 1, 10]]
    return Network.sequential([Linear(exact(first)), ReLU(), Linear(exact(last))], input_shape=(3,))


def adding(k: int = 1) -> Board:
    """k times (0.1, 0.2, 0.3): x1 + x2 - x3 on paper, in float64 and in float32, added in three orders."""
    x = exact([1, 2, 3]) * k / 10
    shut = explain(near_zero(), x, "gradient", target=0).relevance.astype(float)
    still = {"picture": x.astype(float), "slopes, gate shut": shut, "slopes, gate open": 1 + 10 * np.array([1, 1, -1])}
    words = (
        "x1 + x2 - x3 at k times (0.1, 0.2, 0.3) is 0 on paper. In float64 and float32 it may come out a little above, "
        "and then a gate opens."
    )
    return Board("adding", {"k": k, "order": "(x1 + x2) - x3"}, coloured(still), words)


def alike(ours: Iterable[Array], theirs: Iterable[Array]) -> float:
    """The mean correlation of maps with other maps; a blank map is like no other."""
    pairs = ((p.ravel(), q.ravel()) for p, q in zip(ours, theirs, strict=True))
    return float(np.mean([np.corrcoef(p, q)[0, 1] if p.any() and q.any() else 0.0 for p, q in pairs]))


FIGURES = (adding,)
