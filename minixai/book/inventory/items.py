"""The fourteen questions. Every wrong option is a misconception with a name; numbers can be redrawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.book.numbers.asking import answer, shared
from minixai.book.numbers.ways import say
from minixai.network import Network
from minixai.ops import Array, Conv2d, Flatten, GlobalAvgPool, Linear, ReLU, exact

Numbers = Mapping[str, Any]
RIGHT = ""  # the name of the right option


@dataclass(frozen=True)
class Item:
    """One question, in two forms. ``ask`` and ``options`` say it for given numbers; ``numbers`` are those of form A.

    ``options``: {misconception: what somebody would answer who has it}, "" for the right answer. ``redraw`` finds other
    numbers of the same structure for form B; None: the numbers stay, or there are none.
    """

    id: str
    chapter: str
    numbers: Numbers
    ask: Callable[[Numbers], str]
    options: Callable[[Numbers], Mapping[str, str]]
    redraw: Callable[[np.random.Generator], Numbers] | None = None


def _whole(rng: np.random.Generator, low: int, high: int, shape: Any = ()) -> Any:
    """Whole numbers from low to high, both included, as fractions; never 0."""
    choices = [v for v in range(low, high + 1) if v]
    drawn = rng.choice(choices, size=shape)
    return Fraction(int(drawn)) if shape == () else exact(drawn)


# -- with numbers ------------------------------------------------------------------------------------------------------


def _slope_or_contribution(n: Numbers) -> Mapping[str, str]:
    steep = int(abs(n["w"][1]) > abs(n["w"][0])) + 1
    brings = int(abs(n["w"] * n["x"])[1] > abs(n["w"] * n["x"])[0]) + 1

    def pair(slope: int, contribution: int) -> str:
        return f"the larger slope: pixel {slope}; the larger contribution: pixel {contribution}"

    return {
        RIGHT: pair(steep, brings),
        "a contribution is a slope": pair(steep, steep),
        "a slope is a contribution": pair(brings, brings),
        "slope and contribution exchanged": pair(brings, steep),
    }


SLOPE = Item(
    "slope", "00",
    {"w": exact([3, -1]), "x": exact([1, 4])},
    lambda n: f"S = {n['w'][0]} x1 - {-n['w'][1]} x2 at the picture {say(n['x'])}. In magnitude:",
    _slope_or_contribution,
    lambda rng: {
        "w": exact([rng.integers(3, 7), -rng.integers(1, 3)]), "x": exact([rng.integers(1, 3), rng.integers(4, 15)]),
    },
)  # fmt: skip

TWICE = Item(
    "twice", "02",
    {"a": 10, "b": 6},
    lambda n: (
        f"A box shows min({n['a']} z1, {n['b']} z2), where z is 1 for a pixel that is shown, 0 for one that is hidden. "
        f"Hiding either pixel costs {n['b']}, together {2 * n['b']}. But the box showed {n['b']}. Why?"
    ),
    lambda n: {
        RIGHT: "Both pixels are needed, so the loss of either is the loss of everything",
        "contributions always add up": "One of the two drops must have been measured wrongly",
        "windows overlap": "The windows overlapped, so some drop was counted twice",
        "a matter of scale": "The drops were not divided by the number of pixels",
    },
    lambda rng: {"a": int(rng.integers(7, 13)), "b": int(rng.integers(2, 7))},
)  # fmt: skip


def _painted(n: Numbers) -> Mapping[str, str]:
    signal = exact([[1, 0], [0, 0]])

    def back(F: Array) -> Array:
        return Conv2d(F[None, None]).adjoint(signal[None, None], exact(np.zeros((1, 1, 3, 3))))[0, 0]

    return {
        RIGHT: say(back(n["F"])),
        "flips while painting": say(back(n["F"][::-1, ::-1])),
        "transposes the filter": say(back(n["F"].T)),
        "paints where it collects": say(back(n["F"])[::-1, ::-1]),
    }


PAINT = Item(
    "paint", "04",
    {"F": exact([[1, 2], [3, 4]])},
    lambda n: (
        f"A convolution with the filter {say(n['F'])} turns 3 x 3 pixels into 2 x 2 numbers. On the way back a 1 "
        "arrives at the first of them, o11, and 0 at the others. What arrives at the pixels?"
    ),
    _painted,
    lambda rng: {"F": _whole(rng, 1, 6, (2, 2))},
)  # fmt: skip


def _gates(n: Numbers) -> Mapping[str, str]:
    y, R = n["y"], n["R"]

    def passed(open_: Array) -> str:
        return say(np.where(open_, R, exact(0)))

    return {
        RIGHT: passed((y > 0) & (R > 0)),
        "guided is the gradient": passed(y > 0),
        "guided is DeconvNet": passed(R > 0),
        "either is enough": passed((y > 0) | (R > 0)),
    }


GATES = Item(
    "gates", "06",
    {"y": exact([3, -1, 2, -2]), "R": exact([2, 3, -1, -4])},
    lambda n: (
        f"Into four ReLUs went {say(n['y'])}; backwards {say(n['R'])} arrives. "
        "What does guided backpropagation hand on?"
    ),
    _gates,
    lambda rng: {"y": _whole(rng, -4, 4, (4,)), "R": _whole(rng, -5, 5, (4,))},
)  # fmt: skip


def _shares(n: Numbers) -> Mapping[str, str]:
    a, w, b = n["a"], n["w"], n["b"]
    z = w @ a + b
    terms = a * w
    kept = shared(w[None], exact([b]), a, exact([z]), "lrp-0")
    ignored = shared(w[None], None, a, exact([z]), "lrp-0")
    sizes = abs(terms) * z / abs(terms).sum()
    return {
        RIGHT: f"{say(kept)}, and {say(b)} stays with the bias",
        "the bias takes no part": f"{say(ignored)}, and nothing is missing",
        "shares by magnitude": f"{say(sizes)}, and nothing is missing",
        "the bias is handed out": f"{say(kept + b / len(a))}, and nothing is missing",
    }


SHARES = Item(
    "shares", "10",
    {"a": exact([2, 1]), "w": exact([1, -1]), "b": Fraction(1)},
    lambda n: (
        f"A neuron reads {say(n['a'])} with the weights {say(n['w'])} and has the bias {say(n['b'])}; its relevance "
        f"is its value, {say(n['w'] @ n['a'] + n['b'])}. What does LRP-0 give the two inputs?"
    ),
    _shares,
    lambda rng: {"a": _whole(rng, 1, 5, (2,)), "w": _whole(rng, -4, 5, (2,)), "b": _whole(rng, -3, 4)},
)  # fmt: skip


def _blank(n: Numbers) -> Mapping[str, str]:
    return {
        RIGHT: "The slopes of a map are averaged first, and here they cancel",
        "blank means no evidence": "Nothing in this picture speaks for the class",
        "Grad-CAM adds up to the score": "A bug: the map must add up to the score",
        "dead maps": "The feature maps must have been 0 everywhere",
    }


def _cancelling(rng: np.random.Generator) -> Numbers:
    A = np.sort(_whole(rng, 1, 5, (2, 2)), axis=1)[:, ::-1]  # so that the score is not negative
    slope = _whole(rng, 1, 3)
    return {"A": A, "G": exact([[slope, -slope], [slope, -slope]])}


BLANK = Item(
    "blank", "09",
    {"A": exact([[3, 1], [3, 1]]), "G": exact([[1, -1], [1, -1]])},
    lambda n: (
        f"One feature map {say(n['A'])}, the slopes of the score there {say(n['G'])}; "
        f"the score is {say((n['A'] * n['G']).sum())}. Grad-CAM is blank. Why?"
    ),
    _blank,
    _cancelling,
)  # fmt: skip


def _correlated(n: Numbers) -> Mapping[str, str]:
    return {
        RIGHT: "1",
        "PCC sees the scale": say(Fraction(1, n["a"])),
        "PCC sees the shift": "0",
        "PCC measures a distance": say(Fraction(n["a"] - 1, n["a"] + n["b"])),
    }


CORRELATED = Item(
    "correlated", "15",
    {"a": 2, "b": 1},
    lambda n: f"Two programs return the maps R and {n['a']} R + {n['b']}. What is their Pearson correlation (PCC)?",
    _correlated,
    lambda rng: {"a": int(rng.integers(2, 6)), "b": int(rng.integers(1, 5))},
)  # fmt: skip


def _other_class(n: Numbers) -> Mapping[str, str]:
    net = Network.sequential([ReLU(), GlobalAvgPool(), Flatten(), Linear(exact([[1, 2], [-1, 3]]))])
    first, second = (answer(net, n["A"], "fem", target, layer="relu1") for target in (0, 1))
    if (first != second).any():
        raise ValueError("FEM depends on the class; expected one map for all")
    return {
        RIGHT: f"The same map, {say(second)}",
        "every method answers why this class": "A map of whatever speaks for the second class",
        "the other class is the negative": f"The same map with its sign turned, {say(-second)}",
        "no evidence, no map": f"An empty map, {say(0 * second)}",
    }


OTHER_CLASS = Item(
    "other_class", "13",
    {"A": exact([[[1, 1], [1, 5]], [[0, 0], [4, 0]]])},
    lambda n: (
        f"The feature maps are {say(n['A'][0])} and {say(n['A'][1])}. FEM has explained the first class. "
        "What does it draw for the second?"
    ),
    _other_class,
    lambda rng: {"A": _whole(rng, 1, 7, (2, 2, 2))},
)  # fmt: skip

# -- without numbers ---------------------------------------------------------------------------------------------------


def _plain(id: str, chapter: str, ask: str, right: str, wrong: Mapping[str, str], *words: Mapping[str, Any]) -> Item:
    """``words``: what stands in the braces of form A, and of form B."""
    first, *others = words or ({},)
    return Item(
        id, chapter, first, lambda n: ask.format(**n), lambda n: {RIGHT: right, **wrong},
        (lambda rng: others[int(rng.integers(len(others)))]) if others else None,
    )  # fmt: skip


ACQUITTED = _plain(
    "acquitted", "15",
    "A {what} is right 90 times in 100. On twenty pictures the map of a good method lies on the {thing}. Is it free of "
    "the suspicion that it looks at the {cue}?",
    "No: only pictures with the same thing and another surrounding can tell",
    {
        "a map on the thing acquits": "Yes: the maps show what it looks at",
        "agreement is faithfulness": "Yes, if the maps agree with an outline drawn by people (AUC near 1)",
        "more maps acquit": "Yes, if two more methods put their maps there, too",
    },
    {"what": "wolf detector", "thing": "animal", "cue": "snow"},
    {"what": "program that finds moles", "thing": "mole", "cue": "ruler that doctors lay beside some of them"},
)  # fmt: skip

LAMP = _plain(
    "lamp", "07",
    "Two lamps, {a} and {b}; a sensor says min(x1 + x2, {top}), so it says {top}. Its slope for lamp 1 is 0. Did "
    "lamp 1 matter?",
    "A little more or less of it changes nothing; what it brought needs a comparison, with darkness, say",
    {
        "slope 0 means no matter": "No: its slope is 0",
        "bright means important": "Yes: it is the brighter one",
        "a slope of 0 is a failure": "That cannot be said; a slope of 0 means that the gradient has failed here",
    },
    {"a": 2, "b": 1, "top": 1},
    {"a": 4, "b": 3, "top": 2},
)  # fmt: skip

BLACK = _plain(
    "black", "07",
    "A {dark} is explained by integrated gradients from a picture that is {colour} everywhere. What do the {own} own "
    "pixels get?",
    "0, whatever the network does with them",
    {
        "what decides gets most": "The largest contributions, if the network is right",
        "the baseline's colour counts against": "Negative contributions, because the baseline speaks against them",
        "places settle it": "That depends on the number of places on the path",
    },
    {"dark": "black cat on grass", "colour": "black", "own": "cat's"},
    {"dark": "white cup on a dark table", "colour": "white", "own": "cup's"},
)  # fmt: skip

FLOOR = _plain(
    "floor", "08",
    "SmoothGrad averages the magnitudes of noisy slopes. At a pixel whose slope is 0 but for the noise, what does more "
    "samples (n to infinity) lead to?",
    "To a number above 0 that depends on the noise, and no n gets below it",
    {
        "noise cancels in magnitudes": "To 0: the noise cancels",
        "back to the clean map": "To the map without noise",
        "noise adds up": "Ever further up: the noise adds up",
    },
)  # fmt: skip

SCRAMBLED = _plain(
    "scrambled", "15",
    "All weights of a network are shuffled, and a method's map of a picture hardly changes. What follows?",
    "The map has little to do with what the network had learnt",
    {
        "stable is trustworthy": "The method is stable, so its maps can be trusted",
        "robust network": "The network is robust against changes of its weights",
        "the test failed": "The shuffling cannot have worked: the scores must be the same, too",
    },
)  # fmt: skip

COSINE = _plain(
    "cosine", "17",
    "Two libraries compute LRP of the same network. The cosine of their maps is 0.999. Do they compute the same?",
    "That does not follow: rules that differ can be that close; compare the numbers with a tolerance",
    {
        "nearly parallel is equal": "Yes, up to rounding",
        "a threshold of likeness": "Yes: 0.99 is enough for maps",
        "any difference is a bug": "No: one of them must have a bug",
    },
)  # fmt: skip

ITEMS = (
    SLOPE, ACQUITTED, TWICE, PAINT, GATES, LAMP, BLACK, FLOOR, BLANK, SHARES, SCRAMBLED, OTHER_CLASS, COSINE,
    CORRELATED,
)  # fmt: skip
