"""Chapter 07: the way from a baseline to the picture, and where on it the slope lives."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minixai.api import explain
from minixai.book import live, pixels
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import shapes
from minixai.zoo.scenes import scene

if TYPE_CHECKING:
    from PIL.Image import Image

STEPS = 20
INK, PALE = (33, 64, 120), (120, 120, 120)  # a bar that has been passed is filled, one that has not is an outline
WIDE = 300  # pixels: the plot of the slope


class Way(NamedTuple):
    """From a baseline to the picture in STEPS steps: what each step brings (STEPS, C, H, W), and two scores."""

    baseline: Array
    steps: Array
    start: float
    end: float

    @property
    def bars(self) -> Array:
        """The slope along the way in the middle of each step, in score per unit of alpha."""
        return self.steps.sum(axis=(1, 2, 3)) * STEPS


def way(network: Network, x: Array, target: int, baseline: Array) -> Way:
    """The slopes in the middle of each step, times how far each pixel is turned up in it: Eq. (7), bar by bar."""
    alphas = ((np.arange(STEPS) + 0.5) / STEPS).astype(x.dtype)[:, None, None, None]
    slopes = explain(network, baseline + alphas * (x - baseline), "gradient", target=target).relevance
    start, end = network(np.stack([baseline, x]))[:, target]
    return Way(baseline, slopes * (x - baseline) / STEPS, float(start), float(end))


def baselines(network: Network, x: Array) -> dict[str, Array]:
    """Three pictures that a reader might call "nothing there", as the network is shown them."""
    if network.box is None:
        raise ValueError(f"{network.name} says no range of its pixels; expected a network with box, such as shapes")
    low, high = (np.broadcast_to(end, x.shape).astype(x.dtype) for end in network.box)
    return {"black": low, "middle grey": (low + high) / 2, "white": high}


def ways(network: Network, x: Array) -> dict[str, Way]:
    """{baseline: the way from there to x}, for the class with the highest score."""
    c = int(np.argmax(network(x)))
    return {name: way(network, x, c, baseline) for name, baseline in baselines(network, x).items()}


def fade_in(
    network: Network | None = None, x: Array | None = None, known: Mapping[str, Way] | None = None
) -> live.Figure:
    """Fade a picture in from a baseline: the picture at alpha, the slope along the way, the map collected so far.

    Without ``network`` and ``x`` it is `shapes` and a star. ``known``: ``ways(network, x)``, if they have been walked
    already; else each is walked when it is first asked for.
    """
    if network is None or x is None:
        network = shapes.load()
        x = network.preprocess(scene(3, 4).picture)
    net, picture = network, x
    c, starts = int(np.argmax(net(picture))), baselines(net, picture)

    @cache
    def walked(baseline: str) -> Way:
        return known[baseline] if known else way(net, picture, c, starts[baseline])

    def draw(alpha: float, baseline: str) -> live.Frame:
        w, passed = walked(baseline), round(alpha * STEPS)
        here = (w.baseline + alpha * (picture - w.baseline)).astype(picture.dtype)
        score = w.start if passed == 0 else w.end if passed == STEPS else float(net(here)[c])
        so_far, whole = (w.steps[:k].sum(axis=(0, 1)) for k in (passed, STEPS))
        panels = [
            pixels.enlarged(live.shown(net, here), live.SIDE),
            bars(w.bars, passed),
            pixels.enlarged(pixels.colours(so_far, pixels.SIGNED, float(abs(whole).max())), live.SIDE),
        ]
        return live.Frame(pixels.beside(panels), _words(baseline, alpha, passed, w, score))

    alpha = live.number("alpha", 0, 1, 1 / STEPS, 0)
    return live.Figure(draw, {"baseline": live.menu("baseline", list(starts), "black"), "alpha": alpha})


def _words(baseline: str, alpha: float, passed: int, w: Way, score: float) -> str:
    filled = "no bar" if not passed else "1 bar" if passed == 1 else f"{passed} bars"
    area, rise, whole = w.bars[:passed].sum() / STEPS, score - w.start, w.end - w.start
    return (
        f"Left the picture at alpha = {alpha:.2f} from {baseline}; in the middle the slope of the score along the way, "
        f"{filled} of {STEPS} passed; right the map collected so far (red for the class, blue against it). "
        f"Area of the bars passed: {area:.2f}. The score has risen by {rise:.2f} of {whole:.2f}, from {w.start:.2f} to "
        f"{score:.2f}."
    )


def bars(heights: Array, passed: int) -> "Image":
    """A bar per step over alpha from 0 to 1, filled where it has been passed; the largest slope stands at the top."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (WIDE, live.SIDE), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    left, right, top, bottom = 34, WIDE - 8, 22, live.SIDE - 22
    high, low = max(float(heights.max()), 0.0), min(float(heights.min()), 0.0)
    reach = high - low or 1.0

    def down(v: float) -> float:
        return top + (high - v) / reach * (bottom - top)

    width = (right - left) / len(heights)
    for i, h in enumerate(heights):
        box = (left + i * width + 1, min(down(h), down(0)), left + (i + 1) * width - 1, max(down(h), down(0)))
        pen.rectangle(box, fill=INK if i < passed else None, outline=INK if i < passed else PALE)
    here = left + passed * width
    pen.line((here, top - 4, here, bottom), fill="black", width=2)
    pen.line((left, down(0), right, down(0)), fill="black")
    pen.text((left, 4), "slope, score per unit of alpha", fill="black", font=font)
    pen.text((left - 4, down(high)), f"{high:.0f}", fill="black", font=font, anchor="rm")
    pen.text((left - 4, down(0)), "0", fill="black", font=font, anchor="rm")
    for alpha in (0, 0.5, 1):
        spot = left + alpha * (right - left)
        pen.text((spot, bottom + 6), f"{alpha:g}", fill="black", font=font, anchor="rt" if alpha == 1 else "mt")
    pen.text(((left + right) / 2 + 30, bottom + 6), "alpha", fill="black", font=font, anchor="lt")
    return image


def faded(network: Network, x: Array, baseline: Array, alphas: Sequence[float]) -> live.Frame:
    """Figure 7: the pictures x(alpha) on the way from the baseline to x, side by side."""
    shown = [live.shown(network, baseline + alpha * (x - baseline)) for alpha in alphas]
    small = [pixels.enlarged(picture, live.SIDE // 2) for picture in shown]
    words = f"The picture faded in, from left to right, at alpha = {', '.join(f'{alpha:.2f}' for alpha in alphas)}."
    return live.Frame(pixels.beside(small), words)


FIGURES = (fade_in,)
