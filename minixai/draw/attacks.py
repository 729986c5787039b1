"""Attacks: the picture, what was added (magnified, by a factor that is named), the attacked picture, two classes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minixai.adversarial.record import Attack
from minixai.draw import numbers, words
from minixai.draw.panels import show_picture
from minixai.draw.sheet import CLOSE, Sheet
from minixai.draw.style import FOR, QUIET, styled
from minixai.ops import Array, Softmax

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RINGED = 4  # so few changed pixels are circled, because nobody would find them
NICE = (1.0, 2.0, 5.0)  # and ten times as much, and a tenth: what the change may be magnified by


def attack_figure(attacks: Attack | Mapping[str, Attack]) -> "Figure":
    """A row per attack: the picture, the change, the attacked picture, and the probabilities of two classes.

    ``attacks``: one, of a single picture or of a batch, or {name: attack} of single pictures. The change is magnified
    until its largest number reaches black or white, and the factor is above the panel; middle grey is no change. Raises
    ValueError for pictures that are not (C, H, W), and for nothing to draw.
    """
    rows = _rows(attacks)
    left_out = ""
    if isinstance(attacks, Attack) and attacks.batched and len(rows) < len(attacks):
        left_out = f"Shown: {len(rows)} of {len(attacks)} pictures."
    ringed = "Circles: the pixels that changed." if any(a.l0 <= RINGED and a.l0 for a in rows.values()) else ""
    unit = "Sizes in pixel units: 1 is from black to white." if all(a.box for a in rows.values()) else ""
    foot = words.listed("Change: middle grey is none.", unit, ringed, left_out, between=" ")
    first = next(iter(rows.values()))
    title = words.listed("Attacks on", first.network.name, between=" ")
    alt = " ".join([*(attack_words(a, name) for name, a in rows.items()), left_out]).strip()
    with styled():
        sheet = Sheet(len(rows), 4, title=title, foot=foot, alt=alt, cell=CLOSE)
        for i, (name, a) in enumerate(rows.items()):
            sheet.head(i, words.listed(name, _outcome(a), between=": "))
            _show_row(sheet, i, a)
    return sheet.figure


def attack_words(a: Attack, name: str = "") -> str:
    """What a row shows, in words: the decision before and after, how sure it was, how large the change is."""
    p, q = _probabilities(a)
    c, d = a.label_before, a.label_after
    before = f"{a.name(c)} with probability {words.short(p[c])}"
    after = f"{a.name(d)} with probability {words.short(q[d])}"
    of = f"{int(a.l0)} of {np.prod(a.x.shape[1:])} pixels changed, by at most {words.short(a.linf)}"
    unit = "" if a.box is None else " of the way from black to white"
    return f"{name or a.method}: {before} before the attack, {after} after it; {of}{unit}."


def magnified_by(largest: float) -> float:
    """The largest of 1, 2, 5, 10, 20, 50 ... (and 0.5, 0.2 ...) by which a change stays within half of the scale."""
    if not largest:
        return 1.0
    powers = 10.0 ** np.arange(-3, 13)
    factors = np.outer(powers, NICE).ravel()
    return float(factors[factors * largest <= 0.5 * (1 + 1e-9)].max(initial=factors[0]))


def _rows(attacks: Attack | Mapping[str, Attack]) -> dict[str, Attack]:
    """{heading: attack on one picture}."""
    rows = _headed(attacks) if isinstance(attacks, Attack) else dict(attacks)
    if not rows:
        raise ValueError("attack_figure was given no attack; expected one, or {name: attack}")
    for name, a in rows.items():
        if a.batched:
            raise ValueError(f"{name} attacks a batch of {len(a)}; expected an attack on one picture, such as its [0]")
        if a.x.ndim != 3:
            raise ValueError(f"the pictures have shape {a.x.shape}; expected (C, H, W): others are not drawn")
    return rows


def _headed(a: Attack) -> dict[str, Attack]:
    if not a.batched:
        return {a.method: a}
    return {f"{a.method}, picture {i + 1} of {len(a)}": a[i] for i in numbers.shown(len(a))}


def _show_row(sheet: Sheet, row: int, a: Attack) -> None:
    before, after, change = _pictures(a)
    factor = magnified_by(float(abs(change).max()))
    show_picture(sheet.panel(row, 0, "picture"), before.clip(0, 1))
    spots = np.argwhere((a.perturbation != 0).any(axis=0))
    for column, name, picture in ((1, f"change, times {factor:g}", 0.5 + factor * change), (2, "attacked", after)):
        axes = sheet.panel(row, column, name)
        show_picture(axes, picture.clip(0, 1))
        if len(spots) <= RINGED:
            _ring(axes, spots, size=10 if max(before.shape) > 16 else 24)
    _show_bars(sheet.panel(row, 3, "probability"), a)


def _show_bars(axes: "Axes", a: Attack) -> None:
    """Two classes, each before and after: what it was, and what it became, was to become, or nearly became."""
    c, d = a.label_before, a.label_after
    p, q = _probabilities(a)
    if d == c:
        d = a.target if a.target is not None else np.argsort(q)[-2]
    axes.set_axis_off()
    plot = axes.inset_axes((0.24, 0.02, 0.76, 0.96))
    places, shares = (0.0, 1.0, 3.0, 4.0), (p[c], q[c], p[d], q[d])
    plot.barh(places, shares, height=0.85, color=["0.6", FOR] * 2, hatch=["", "///"] * 2, edgecolor="white", lw=0)
    for place, share in zip(places, shares, strict=True):
        x, side = (share - 0.03, "right") if share > 0.7 else (share + 0.03, "left")
        plain = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"}  # no hatching behind the number
        plot.text(x, place, f"{share:.2f}", size=8, va="center", ha=side, bbox=plain if share > 0.7 else None)
    for place, label in ((-0.62, a.name(c)), (2.38, a.name(d))):
        plot.text(0.03, place, label, size=9, weight="bold", va="bottom")
    plot.set(xlim=(0, 1), ylim=(4.6, -1.4), xticks=[])
    plot.set_yticks(places, labels=["before", "after"] * 2)
    plot.tick_params(axis="y", length=0)
    plot.spines["bottom"].set_visible(False)
    plot.spines["left"].set_color(QUIET)


def _ring(axes: "Axes", spots: Array, size: float) -> None:
    from matplotlib.patheffects import withStroke

    for y, x in spots:
        (mark,) = axes.plot(x, y, "o", ms=size, mfc="none", mec=FOR, mew=1.4, clip_on=False)
        mark.set_path_effects([withStroke(linewidth=3, foreground="white")])


def _outcome(a: Attack) -> str:
    went = f"{a.name(a.label_before)} becomes {a.name(a.label_after)}"
    if a.label_before == a.label_after:
        went = f"still {a.name(a.label_before)}"
    wanted = "" if a.target is None or a.success else f" (wanted: {a.name(a.target)})"
    many = "1 pixel" if a.l0 == 1 else f"{int(a.l0)} pixels"
    return f"{went}{wanted}; {many}, linf {words.short(a.linf)}, l2 {words.short(a.l2)}"


def _probabilities(a: Attack) -> tuple[Array, Array]:
    """Of every class, before and after."""
    scores = np.stack([numbers.as_floats(s).astype(np.float64) for s in (a.scores_before, a.scores_after)])
    p, q = Softmax().forward(scores)
    return p, q


def _pictures(a: Attack) -> tuple[Array, Array, Array]:
    """Before, after and their difference, (H, W, 3), 0 black and 1 white; without a box, over the picture's range."""
    x, new = (numbers.as_floats(v).astype(np.float64) for v in (a.x, a.adversarial))
    bounds = (a.box.low, a.box.high) if a.box is not None else a.network.box or (x.min(), x.max())
    low, high = (numbers.as_floats(bound) for bound in bounds)
    span = np.where(high > low, high - low, 1)
    before, after = (_coloured(a, (v - low) / span) for v in (x, new))
    return before, after, after - before


def _coloured(a: Attack, u: Array) -> Array:
    order = getattr(a.network.pictures, "channels", "RGB")
    colours = u[::-1] if order == "BGR" else u
    return np.moveaxis(colours if len(u) == 3 else np.repeat(u.mean(axis=0)[None], 3, axis=0), 0, -1)
