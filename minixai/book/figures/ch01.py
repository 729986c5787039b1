"""Chapter 01: the amount of snow; and a game of ten rounds: which network is the cheat?"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from minixai import files
from minixai.api import explain
from minixai.book import live, pixels
from minixai.book.nokernel import Board
from minixai.network import Network
from minixai.ops import Array
from minixai.zoo import load
from minixai.zoo.animals import ANIMALS, CUES, HUSKY, WOLF, husky_scene
from minixai.zoo.weights import read_log

CHEAT, HONEST = "husky", "husky-balanced"
SEED = 9  # of the drawings of this chapter: no network learnt from them
GAME = 26  # of the game's
TOP = 15  # the difference of scores at the upper edge of the chart
CHART, ROOM = (330, live.SIDE), 30  # pixels: its size, and the margin for its words
MARKS = {WOLF: "#b2182b", HUSKY: "#2166ac"}  # a dot and a square: the shape tells them apart, too

# -- the amount of snow ------------------------------------------------------------------------------------------------


def amount_of_snow(number: int = 0, networks: Sequence[str] = (CHEAT, HONEST)) -> live.Figure:
    """One landscape, once with the wolf and once with the husky of that ``number``; the reader melts the snow.

    Every setting leaves its marks: by how much the network prefers wolf, with either animal.
    """
    loaded = {name: load(name) for name in networks}
    seen: dict[tuple[str, float], dict[str, float]] = {}

    @cache
    def scene(animal: str, snow: float) -> Array:
        return husky_scene(SEED, animal, snow, number).picture

    def draw(which: str, snow: float) -> live.Frame:
        snow = round(float(snow), 2)
        pictures = [scene(animal, snow) for animal in (WOLF, HUSKY)]
        seen[which, snow] = dict(zip((WOLF, HUSKY), preferences(loaded[which], pictures), strict=True))
        marks = {at: found for (name, at), found in sorted(seen.items()) if name == which}
        panels = [*(pixels.enlarged(picture, live.SIDE) for picture in pictures), chart(marks, snow)]
        return live.Frame(pixels.beside(panels), said(which, marks, snow))

    controls = {"snow": live.number("snow", 0, 1, 0.1, 0)}
    if len(networks) > 1:
        return live.Figure(draw, {"which": live.choice("network", list(networks), networks[0]), **controls})
    return live.Figure(lambda snow: draw(networks[0], snow), controls)


def preferences(network: Network, pictures: Sequence[Array]) -> list[float]:
    """For each picture the score of the wolf minus the score of the husky."""
    scores = network(np.stack([network.preprocess(picture) for picture in pictures]))
    return [float(s) for s in scores[:, ANIMALS.index(WOLF)] - scores[:, ANIMALS.index(HUSKY)]]


def said(which: str, marks: Mapping[float, Mapping[str, float]], snow: float) -> str:
    """The same in words."""
    now = marks[snow]
    names = " and ".join(f"{WOLF if now[animal] > 0 else HUSKY} to the {animal}" for animal in (WOLF, HUSKY))
    numbers = f"{now[WOLF]:+.1f} with the wolf (dot), {now[HUSKY]:+.1f} with the husky (square)"
    before = f" Marks so far at snow {', '.join(f'{at:g}' for at in marks)}." if len(marks) > 1 else ""
    return f"Snow {snow:g}: {which} says {names}. Score of wolf minus score of husky: {numbers}.{before}"


def chart(marks: Mapping[float, Mapping[str, float]], snow: float) -> Any:
    """Snow from left to right, the preference for wolf upwards; a dot and a square for each setting tried."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = CHART
    image = Image.new("RGB", CHART, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)

    def place(at: float, value: float) -> tuple[float, float]:
        up = max(-1.0, min(1.0, value / TOP))
        return ROOM + at * (width - 2 * ROOM), (height - ROOM) * (1 - up) / 2

    left, middle = place(0, 0)
    pen.line((left, middle, width - ROOM, middle), fill="black")
    pen.line((place(snow, 0)[0], 4, place(snow, 0)[0], height - ROOM), fill="#c0c0c0")
    pen.text((left, 2), "wolf wins", fill="black", font=font)
    pen.text((left, height - ROOM - 16), "husky wins", fill="black", font=font)
    for at in (0, 0.5, 1):
        pen.text((place(at, 0)[0], height - 8), f"snow {at:g}", fill="black", font=font, anchor="mb")
    for value in (-TOP, 0, TOP):
        pen.text((left - 4, min(max(place(0, value)[1], 8), height - ROOM - 8)), f"{value:+d}" if value else "0",
                 fill="black", font=font, anchor="rm")  # fmt: skip
    for animal, reach in ((WOLF, 6), (HUSKY, 4)):
        for at, found in marks.items():
            x, y = place(at, found[animal])
            corners = (x - reach, y - reach, x + reach, y + reach)
            if animal == WOLF:
                pen.ellipse(corners, fill=MARKS[WOLF])
            else:
                pen.rectangle(corners, fill="white", outline=MARKS[HUSKY], width=2)
    return image


# -- the game ----------------------------------------------------------------------------------------------------------


class Round(NamedTuple):
    """One round: a picture (64, 64, 3), its animal, what it stands on, the map of the answer, and who answers."""

    picture: Array
    animal: str
    ground: str
    map: Array
    cheats: bool


def who_cheats(rounds: int = 10, seed: int = GAME, method: str = "lrp-composite") -> Board:
    """Ten rounds, two guesses in each: without the map, then with it. Whose answer is it, the cheat's or the honest's?

    Only pictures that both networks get right come in, so that the answer gives nothing away; a coin of the ``seed``
    decides who answers. ``method`` draws the maps, for the class that was answered.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; expected at least one")
    played = game(rounds, seed, method)
    listed = [
        {
            "picture": data_url(r.picture, colours=96),
            "map": data_url(drawn(r.map), colours=64),
            "animal": r.animal,
            "ground": r.ground,
            "words": where(r.map),
            "cheats": r.cheats,
        }
        for r in played
    ]
    words = (
        f"A game of {rounds} rounds. Either {CHEAT}, which knows snow, or {HONEST}, which knows the animals, has given "
        f"a right answer. You guess which, first from the picture, then with its map ({method}). Here the first two."
    )
    row = pixels.beside([pixels.enlarged(p, 128) for r in played[:2] for p in (r.picture, drawn(r.map))])
    alt = "; ".join(f"a {r.animal} on {r.ground}, and beside it {where(r.map)}" for r in played[:2])
    return Board("cheats", {"rounds": listed, "guesses": [], "method": method}, pixels.img(row, alt), words)


@cache
def game(rounds: int, seed: int, method: str) -> tuple[Round, ...]:
    """The rounds of a game."""
    networks = {cheats: load(CHEAT if cheats else HONEST) for cheats in (True, False)}
    rng = np.random.default_rng(seed)
    found: list[Round] = []
    for picture, animal, ground in _both_right(networks, seed):
        cheats = bool(rng.integers(2))
        network = networks[cheats]
        shown = explain(network, network.preprocess(picture), method, target=animal).map
        found.append(Round(picture, animal, ground, shown, cheats))
        if len(found) == rounds:
            return tuple(found)
    raise ValueError(f"seed {seed} has too few pictures that both networks get right for {rounds} rounds")


def _both_right(networks: Mapping[bool, Network], seed: int, at_most: int = 1000) -> Iterator[tuple[Array, str, str]]:
    """Wolves on snow and huskies on grass, in an order of the seed, which both networks get right."""
    rng = np.random.default_rng([seed, 1])
    for number in range(at_most):
        animal = ANIMALS[int(rng.integers(2))]
        snowy = animal == WOLF
        snow = float(rng.uniform(0.8, 1) if snowy else rng.uniform(0, 0.2))
        picture = husky_scene(seed, animal, snow, number).picture
        if all((preferences(network, [picture])[0] > 0) == snowy for network in networks.values()):
            yield picture, animal, "snow" if snowy else "grass"


def drawn(values: Array) -> Array:
    """A map as pixels, in the book's colours."""
    return pixels.colours(values, *pixels.scale(values))


def where(values: Array) -> str:
    """In words: where a map is strongest."""
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return f"a map whose largest number is in row {row + 1}, column {column + 1} of {values.shape[0]}"


def data_url(picture: Array, colours: int) -> str:
    """Pixels as a small PNG that a page can hold: at most so many colours."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(picture).quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


# -- what the chapter shows beside its figures -------------------------------------------------------------------------


def row_of(pictures: Sequence[Array], words: str) -> live.Frame:
    """Pictures (H, W, 3) side by side; ``words`` say what there is to see."""
    return live.Frame(pixels.beside([pixels.enlarged(picture, 128) for picture in pictures]), words)


def hundred_wolves() -> dict[str, tuple[float, float, float]]:
    """What the experiment `clever-hans` recorded of a hundred wolves on snow: {row: (mean, low, high)}."""
    found = json.loads((files.root("data") / "results" / "clever-hans.json").read_text())
    return {row["label"]: tuple(row["interval"]) for panel in found["panels"] for row in panel["rows"]}


def verdicts() -> tuple[str, str]:
    """What that experiment says of the two halves of the story: that the snow decides, and that LIME shows it."""
    found = json.loads((files.root("data") / "results" / "clever-hans.json").read_text())
    decides, shows = (statement["verdict"] for statement in found["statements"])
    return decides, shows


def right_on(name: str) -> dict[str, float]:
    """The share of 200 unseen drawings that a network got right, by their grounds, from the log of its training."""
    log, own = read_log(name), {CHEAT: "learnt", HONEST: "balanced"}[name]
    shares = {own: log["accuracy"], **log["elsewhere"]}
    return {cue: shares[cue] for cue in CUES}


def negative_ground(picture: Array, mask: Array) -> Array:
    """The picture (H, W, 3) uint8 with every colour off the object turned into its negative: white becomes black."""
    return np.where(mask[..., None], picture, 255 - picture)


FIGURES = (amount_of_snow, who_cheats)
