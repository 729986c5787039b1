"""Chapter 11: one neuron in the plane of its two inputs, and the points it is compared with; points that may occur."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minixai.api import rules
from minixai.book.nokernel import Board
from minixai.book.numbers import say
from minixai.book.numbers.ch11 import RULES, A, W, point
from minixai.book.verdict import coloured
from minixai.draw.page import blank
from minixai.draw.style import AGAINST, FOR, styled
from minixai.network import Network, forward
from minixai.ops import Array, Conv2d, Linear
from minixai.walk import Table, walk

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST, MOST = -2, 4  # the plane that is drawn
NAMES = {
    "alphabeta": "alpha 2 beta 1", "lrp0": "LRP-0", "eps": "eps 1", "gamma": "gamma 1", "zplus": "z+",
    "box": "z^B (0 to 3)", "wsquare": "w^2",
}  # fmt: skip


# -- one neuron, two inputs --------------------------------------------------------------------------------------------


def roots(s: float = 0) -> Board:
    """The neuron a = (3, 1), w = (1, -1), compared with (s, s), a point at which it says 0."""
    if not LEAST <= s <= MOST:
        raise ValueError(f"s is {s}; expected {LEAST} to {MOST}")
    seen = [name for name, at in every_point().items() if np.allclose(at.astype(float), s)]
    gets = (A.astype(float) - s) * W.astype(float)
    words = f"One neuron at (3, 1), weights (1, -1), compared with ({s:g}, {s:g}), where it says 0: who gets what."
    still = coloured({"compared with": np.array([s, s], float), "shares": gets})
    return Board("roots", {"s": s, "seen": seen}, still, words)


def every_point() -> dict[str, Array]:
    """{rule: the point that it compares our neuron with}, exactly; LRP-eps among them, which is not on the line."""
    return {NAMES[key]: point(rule, A, W) for key, rule in RULES.items()}


def compared(points: Mapping[str, Array], biases: Sequence[float] = (0,), steps: bool = True) -> "Figure":
    """The plane of both inputs, one panel per bias: where the neuron is off, where silent, and points of comparison.

    ``steps`` draws how far each input moved from the point to a: solid the first, dashed the second.
    """
    said = "; ".join(f"{name} at {say(np.asarray(at))}" for name, at in points.items())
    lines = ", ".join(f"bias {b:g}" for b in biases)
    words = (
        f"The plane of two inputs ({lines}), weights 1 and -1: a slanted silent line, above it the neuron is off, "
        f"below it on; the neuron stands at (3, 1). Compared with: {said}."
    )
    with styled():
        figure = blank(4.3 * len(biases), 4.1, words)
        figure.set_layout_engine("constrained")
        for panel, b in zip(figure.subplots(1, len(biases), squeeze=False)[0], biases, strict=True):
            _plane(panel, b)
            for name, at in points.items():
                _point(panel, name, at.astype(float), steps)
            if len(biases) > 1:
                panel.set_title(f"bias {b:g}")
    return figure


def _plane(panel: "Axes", b: float) -> None:
    ends = np.array([LEAST, MOST])
    panel.fill_between(ends, ends + b, MOST, color="0.85", lw=0)
    panel.axhline(0, color="0.6", lw=0.8)
    panel.axvline(0, color="0.6", lw=0.8)
    panel.plot(ends, ends + b, color="black", lw=1.5)
    panel.text(-1.8, 2.6, "off")
    panel.text(2.4, -1.4, "on")
    panel.plot(*A.astype(float), "o", color="black", zorder=3)
    panel.annotate("(3, 1)", (float(A[0]), float(A[1])), (6, -3), textcoords="offset points")
    panel.set(xlim=(LEAST, MOST), ylim=(LEAST, MOST), aspect="equal", xlabel="input 1", ylabel="input 2")


def _point(panel: "Axes", name: str, at: Array, steps: bool) -> None:
    if steps:
        panel.plot([at[0], float(A[0])], [at[1], at[1]], color=FOR, lw=2.5)
        panel.plot([float(A[0])] * 2, [at[1], float(A[1])], "--", color=AGAINST, lw=2.5)
    panel.plot(*at, "o", mfc="white", mec="black", ms=7)
    spot, side = ((-7, 5), "right") if 0 <= at[0] <= at[1] else ((9, -4), "left")  # where there is room
    panel.annotate(name, (float(at[0]), float(at[1])), spot, textcoords="offset points", ha=side)


# -- points that may occur ---------------------------------------------------------------------------------------------


def may_occur(network: Network, xs: Array) -> dict[str, dict[str, Array]]:
    """{layer: {rule: for each picture, the share of its neurons that are on whose point is silent and may occur}}.

    xs (N, C, H, W), of at least 0. Of the layers with weights before the scores. A point may occur if none of its
    numbers is below 0, nor, at the pixels, above the network's white. "0" is the point of LRP-0, silent where the bias
    is not positive; z+ and w^2 go back until the neuron is silent, bias included, and so does z^B, at the pixels.
    """
    if (xs < 0).any():
        raise ValueError("a picture has numbers below 0; expected pictures whose black is 0, such as digits")
    tape, found = forward(network, xs), dict[str, dict[str, Array]]()
    layers = [(node.name, node.op) for node in network.nodes[:-1] if isinstance(node.op, Conv2d | Linear)]
    for name, op in layers:
        step, (w, b) = tape[name], op.affine()
        on = step.y > 0
        high = float(np.max(network.box[1])) if not found and network.box is not None else np.inf
        bias = np.broadcast_to((np.zeros(len(w)) if b is None else b).reshape(_column(step.y)), step.y.shape)
        plus = op.linear(step.x, np.maximum(w, 0))  # no input is below 0
        good = {"0": bias <= 0, "z+": step.y <= plus, "w^2": _stays(step.x, w, step.y, op, high)}
        if np.isfinite(high):
            good["z^B"] = bias + op.linear(np.full_like(step.x, high), np.minimum(w, 0)) <= 0
        axes = tuple(range(1, on.ndim))
        found[name] = {rule: (fine & on).sum(axis=axes) / on.sum(axis=axes) for rule, fine in good.items()}
    return found


def _column(y: Array) -> tuple[int, ...]:
    return (1, -1, *(1,) * (y.ndim - 2))


def _stays(x: Array, w: Array, z: Array, op: Conv2d | Linear, high: float) -> Array:
    """Whether a - z / (w . w) w, the w^2 root of each neuron, has all its numbers in 0 to ``high``; padding is none."""
    squares = op.linear(np.ones_like(x), w * w)
    t = z / squares
    if isinstance(op, Linear):
        return _inside(x[:, None] - t[..., None] * w, high, -1)
    ring = [(0, 0), (0, 0), *op.padding]
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(x, ring, constant_values=np.nan), w.shape[2:], (2, 3))
    patches = patches[:, :, :: op.stride[0], :: op.stride[1]]  # (N, C, H, W, k, k)
    fine = [_inside(patches - np.einsum("nhw,ckl->nchwkl", t[:, j], one), high, (1, 4, 5)) for j, one in enumerate(w)]
    return np.stack(fine, axis=1)


def _inside(root: Array, high: float, axes: int | tuple[int, ...]) -> Array:
    return np.asarray((((root >= 0) & (root <= high)) | np.isnan(root)).all(axis=axes))


# -- was r_j fixed? ----------------------------------------------------------------------------------------------------


def half_way(network: Network, xs: Array, method: str, **params: Any) -> Array:
    """R_j half-way to neuron j's z+ root, over half of R_j: 1 where (17) holds, one number per neuron with relevance.

    Of the last hidden layer, for every picture of xs (N, C, H, W) and its winner; above it ``method`` walks.
    """
    *_, hidden, _, _ = network.nodes
    tail = Network.sequential([node.op for node in network.nodes[-3:]])
    inputs, w = forward(network, xs)[hidden.name].x, hidden.op.arrays()["weight"]
    found = []
    for a, winner in zip(inputs, network(xs).argmax(axis=1), strict=True):
        z, R = (v[0] for v in _relevance_of(tail, a[None], winner, rules(method, **params)))
        live = np.flatnonzero((z > 0) & (abs(R) > 1e-9))
        back = a * (w[live] > 0)
        middle = a - back * (z[live] / (w[live] * back).sum(axis=1) / 2)[:, None]
        there = _relevance_of(tail, middle, winner, rules(method, **params))[1]
        found.append(there[np.arange(len(live)), live] / (R[live] / 2))
    return np.concatenate(found)


def _relevance_of(tail: Network, a: Array, winner: int, table: Table) -> tuple[Array, Array]:
    """What the first layer of (Linear, ReLU, Linear) computes for the inputs a (N, I), and its relevance (N, J)."""
    tape = forward(tail, a)
    seed = np.zeros_like(tape.output.y)
    seed[:, winner] = tape.output.y[:, winner]
    first = tape[tail.nodes[0].name]
    (R,) = (hop.arriving for hop in walk(tape, seed, table) if hop.at is first)
    return first.y, R


FIGURES = (roots,)
