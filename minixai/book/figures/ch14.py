"""Chapter 14: the same small step for every number of a picture, along the signs of the slope and along random ones."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minixai.adversarial import attack
from minixai.book import live, pixels
from minixai.draw.generators import Painted
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import shapes
from minixai.zoo.lesion import WithGenerators
from minixai.zoo.scenes import scene

if TYPE_CHECKING:
    from PIL.Image import Image

SLOPE, RANDOM = "signs of the slope", "random signs"
STEPS, STEP = 10, 0.005  # of eps, in pixel units: 1 is from black to white
MAGNIFIED = 10  # the change, drawn: the largest eps then reaches from middle grey to white
INK, PALE = (33, 64, 120), (120, 120, 120)
WIDE = 320  # pixels: the plot of the lead
CAPTION = 18  # pixels: a line under a picture


class Trail(NamedTuple):
    """The picture x (C, H, W) on its way along signs (C, H, W) of 1, -1 and 0: a lead and a class for each eps."""

    signs: Array
    leads: Array
    classes: tuple[str, ...]


def moved(network: Network, x: Array, signs: Array, eps: float) -> Array:
    """Every number of x one step of eps pixel units along its sign, and back into the network's box."""
    if network.box is None:
        raise ValueError(f"{network.name} says no range of its pixels; expected a network with box, such as shapes")
    low, high = (np.asarray(end, x.dtype) for end in network.box)
    return np.clip(x + np.asarray(eps, x.dtype) * (high - low) * signs, low, high)


def signs(network: Network, x: Array, seed: int = 0) -> dict[str, Array]:
    """{SLOPE: where the loss rises, as FGSM has it; RANDOM: coins}, (C, H, W) each."""
    uphill = np.sign(attack(network, x, "fgsm", eps=STEP, progress=False).perturbation)
    coins = np.random.default_rng(seed).choice([-1, 1], x.shape)
    return {SLOPE: uphill.astype(x.dtype), RANDOM: coins.astype(x.dtype)}


def trails(network: Network, x: Array) -> dict[str, Trail]:
    """Both ways, at eps = 0, STEP, 2 STEP ...: the lead of the network's own class over the best of the others."""
    ways = signs(network, x)
    scores = network(np.stack([moved(network, x, way, k * STEP) for way in ways.values() for k in range(STEPS + 1)]))
    c = int(np.argmax(scores[0]))
    leads = scores[:, c] - np.delete(scores, c, axis=1).max(axis=1)
    names = [_name(network, int(k)) for k in scores.argmax(axis=1)]
    parts = (slice(0, STEPS + 1), slice(STEPS + 1, None))
    return {
        name: Trail(way, leads[some].astype(float), tuple(names[some]))
        for (name, way), some in zip(ways.items(), parts, strict=True)
    }


def along_signs(
    network: Network | None = None, x: Array | None = None, known: Mapping[str, Trail] | None = None
) -> live.Figure:
    """Move every number of a picture by eps: the picture, the change, and the lead of the network's first decision.

    Without ``network`` and ``x`` it is `shapes` and a star. ``known``: ``trails(network, x)``, if they have been walked
    already.
    """
    if network is None or x is None:
        network = shapes.load()
        x = network.preprocess(scene(3, 4).picture)
    net, picture = network, x
    walked = trails(net, picture) if known is None else known

    def draw(eps: float, way: str) -> live.Frame:
        step = round(eps / STEP)
        here = moved(net, picture, walked[way].signs, step * STEP)
        panels = [
            pixels.enlarged(live.shown(net, here), live.SIDE),
            pixels.enlarged(changed(net, picture, here), live.SIDE),
            plotted(walked, way, step),
        ]
        return live.Frame(pixels.beside(panels), _words(walked, way, step))

    eps = live.number("eps", 0, STEPS * STEP, STEP, 0)
    return live.Figure(draw, {"eps": eps, "way": live.choice("along", [SLOPE, RANDOM], SLOPE)})


def changed(network: Network, x: Array, here: Array) -> Array:
    """The change as pixels: middle grey is none; MAGNIFIED times, so that there is something to see."""
    difference = live.shown(network, here).astype(float) - live.shown(network, x)
    return np.rint(np.clip(127.5 + MAGNIFIED * difference, 0, 255)).astype(np.uint8)


def _words(walked: Mapping[str, Trail], way: str, step: int) -> str:
    this, (other, its) = walked[way], next((name, t) for name, t in walked.items() if name != way)
    first = this.classes[0]
    return (
        f"Left the picture, every number moved by {step * STEP:.3f} of the way from black to white along {way}; in the "
        f"middle the change, {MAGNIFIED} times larger (middle grey: none); right the lead of {first} over the next "
        f"class, filled dots along {way}, open dots along {other}. At eps = 0 the lead is {this.leads[0]:.1f}. "
        f"Here it is {this.leads[step]:.1f} and the network says {this.classes[step]}; along {other} the lead is "
        f"{its.leads[step]:.1f} and it says {its.classes[step]}."
    )


def plotted(walked: Mapping[str, Trail], way: str, step: int) -> "Image":
    """The lead over eps as far as ``step``: filled dots and a line for this way, open dots for the other."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDE, live.SIDE), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    left, right, top, bottom = 38, WIDE - 10, 24, live.SIDE - 24
    every = np.concatenate([t.leads for t in walked.values()])
    high, low = max(float(every.max()), 0.0), min(float(every.min()), 0.0)
    reach = high - low or 1.0

    def spot(k: int, lead: float) -> tuple[float, float]:
        return left + k / STEPS * (right - left), top + (high - lead) / reach * (bottom - top)

    level = spot(0, 0.0)[1]
    pen.line((left, level, right, level), fill="black")
    pen.text((right, level + 3), "level", fill="black", font=font, anchor="ra")
    for name, trail in walked.items():
        spots = [spot(k, float(lead)) for k, lead in enumerate(trail.leads[: step + 1])]
        if name == way and len(spots) > 1:
            pen.line(spots, fill=INK, width=2)
        for across, down in spots:
            box = (across - 4, down - 4, across + 4, down + 4)
            pen.ellipse(box, fill=INK if name == way else "white", outline=INK if name == way else PALE, width=2)
    pen.text((left, 4), "lead over the next class", fill="black", font=font)
    for lead in (high, low):
        pen.text((left - 8, spot(0, lead)[1]), f"{lead:.0f}", fill="black", font=font, anchor="rm")
    for k in (0, STEPS // 2, STEPS):
        anchor = "lt" if k == 0 else "rt" if k == STEPS else "mt"
        pen.text((spot(k, 0)[0], bottom + 8), f"{k * STEP:g}", fill="black", font=font, anchor=anchor)
    pen.text(((left + right) / 2 + 62, bottom + 8), "eps", fill="black", font=font, anchor="mt")
    return image


def both_ways(
    network: Network, x: Array, sizes: Sequence[float] = (0.01, 0.02, 0.05), known: Mapping[str, Trail] | None = None
) -> live.Frame:
    """Two rows of pictures, one for each way, at growing eps; under each what the network says of it."""
    rows, said = [], []
    for name, trail in (trails(network, x) if known is None else known).items():
        here = [moved(network, x, trail.signs, eps) for eps in sizes]
        labels = [_name(network, int(c)) for c in network(np.stack(here)).argmax(axis=1)]
        captions = [f"eps {eps:g}: {label}" for eps, label in zip(sizes, labels, strict=True)]
        rows.append(_captioned([live.shown(network, z) for z in here], captions, name))
        said.append(f"Along {name}: {', '.join(captions)}.")
    return live.Frame(_stacked(rows), "The picture, moved. " + " ".join(said))


def painted(network: WithGenerators, x: Array, mask: Array) -> Painted:
    """A picture x (1, H, W), what the network's generators make of it, and what the network says of all three."""
    if network.generators is None:
        raise ValueError(f"{network.name} has no generators; expected a network that brings two, such as lesion")
    similar, adversarial = (paint(x) for paint in network.generators)
    of_x, of_s, of_a = (_name(network, int(np.argmax(network(one)))) for one in (x, similar, adversarial))
    return Painted(x[0], similar[0], adversarial[0], mask, (of_x, of_s, of_a))


def _captioned(pictures: Sequence[Array], captions: Sequence[str], name: str) -> "Image":
    from PIL import Image, ImageDraw, ImageFont

    row = pixels.beside([pixels.enlarged(p, live.SIDE) for p in pictures])
    image = Image.new("RGB", (row.width, row.height + 2 * CAPTION), "white")
    image.paste(row, (0, CAPTION))
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    pen.text((0, 2), f"along {name}", fill="black", font=font)
    for k, caption in enumerate(captions):
        pen.text((k * (live.SIDE + 12), CAPTION + row.height + 2), caption, fill="black", font=font)
    return image


def _stacked(rows: "Sequence[Image]") -> "Image":
    from PIL import Image

    image = Image.new("RGB", (max(r.width for r in rows), sum(r.height for r in rows)), "white")
    down = 0
    for row in rows:
        image.paste(row, (0, down))
        down += row.height
    return image


def _name(network: Network, c: int) -> str:
    return str(c) if network.classes is None else network.classes[c]


FIGURES = (along_signs,)
