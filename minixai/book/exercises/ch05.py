"""Chapter 05: from a map to a drawing that keeps what the numbers say."""

from typing import Any

import numpy as np

from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import halves
from minixai.book.numbers.ch05 import CHANNELS, ROOM
from minixai.book.values import alike, numeric
from minixai.draw.numbers import limits
from minixai.ops import exact
from minixai.result import Explanation
from minixai.whitebox.maps import reduce_channels

CHAPTER = "05_drawing_honestly"
KINDS = ("slope", "contribution")


def _over(values: Any, top: Any) -> Any:
    """values / top; zeros where top is 0."""
    return values / top if top else 0 * values


def _min_max(values: Any) -> Any:
    return _over(values - values.min(), values.max() - values.min())


# -- E1 ----------------------------------------------------------------------------------------------------------------


def signed_to_unit(R: Any) -> Any:
    top = abs(R).max()
    if top == 0:
        return 0 * R
    return R / top


SIGNED_TO_UNIT = Function(
    solution=signed_to_unit,
    statement="The map R on a scale from -1 to 1 on which 0 stays 0; a map of zeros stays a map of zeros.",
    clues=(
        "0 has to stay 0, so nothing may be subtracted: all that is left is to divide by one number.",
        "Divide by the largest magnitude, for or against, wherever it stands. If it is 0, there is nothing to divide.",
    ),
    hole="abs(R).max()",
    wrong=(
        Wrong(
            "min-max", "idea", _min_max,
            "You moved the zero: the smallest number became 0, the largest 1, and 'no evidence' lies in between.",
        ),
        Wrong(
            "min-max, then from -1 to 1", "idea", lambda R: 2 * _min_max(R) - 1,
            "You stretched the map over the whole scale. The ends fit; 0 has moved to wherever it happened to land.",
        ),
        Wrong(
            "sign thrown away", "idea", lambda R: _over(abs(R), abs(R).max()),
            "You threw the sign away: what speaks against looks like what speaks for.",
        ),
        Wrong(
            "negatives clipped", "idea", lambda R: _over(np.maximum(R, 0), np.maximum(R, 0).max()),
            "You cut off what is negative. That is the heat map, for one side only; here both sides are to stay.",
        ),
        Wrong(
            "divided by the sum", "idea", lambda R: _over(R, R.sum()),
            "You divided by the sum. Where numbers for and against cancel the sum is small, and everything explodes.",
        ),
        Wrong(
            "divided by the sum of magnitudes", "idea", lambda R: _over(R, abs(R).sum()),
            "You divided by the sum of all magnitudes: a share of the whole. The strongest pixel should be 1 or -1.",
        ),
        Wrong(
            "divided by the maximum", "bookkeeping", lambda R: _over(R, R.max()),
            "You divided by the largest number. Where the strongest pixel speaks against, that runs off the scale.",
        ),
        Wrong(
            "each side by its own largest", "idea",
            lambda R: _over(np.maximum(R, 0), R.max()) + _over(np.minimum(R, 0), -R.min()),
            "You gave each side a scale of its own. A faint 'against' then looks as strong as the strongest 'for'.",
        ),
    ),
    cases=(
        (ROOM,),
        (exact([[-4, 1, 0], [2, -1, 0.5]]),),
        (exact([[1, -6], [2, 0], [3, -0.5]]),),
        (exact([[0.25, -0.5, 0], [-0.75, 0.5, 0.125]]),),
    ),
    property=Property(
        "turn all signs round, and the drawing turns its signs round and nothing else; 0 stays 0, and zeros zeros.",
        lambda f, R: bool(np.allclose(f(-R), -f(R)) and abs(f(R)).max() <= 1),
    ),
    oracle=Oracle("the scale of the book's figures", lambda R: np.interp(R, limits([R], signed=True), (-1, 1))),
    draw=lambda rng: (halves(rng, 3, 4) * int(rng.integers(3) > 0),),  # now and then a map of zeros
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def heatmap(kind: Any, R: Any) -> Any:
    M = abs(R).max(axis=0) if kind == "slope" else R.sum(axis=0)
    positive = np.where(M > 0, M, 0)
    top = positive.max()
    return positive / top if top > 0 else positive


def _drawn(slope: Any = None, contribution: Any = None) -> Any:
    """heatmap with another way from the channels to one map, for one kind or both."""
    ways = {"slope": slope or (lambda R: abs(R).max(axis=0)), "contribution": contribution or (lambda R: R.sum(axis=0))}
    return lambda kind, R: heatmap("contribution", ways[kind](R)[None])


def _scaled(scale: Any) -> Any:
    """heatmap with another way from the map to [0, 1]."""
    return lambda kind, R: scale(abs(R).max(axis=0) if kind == "slope" else R.sum(axis=0))


def _cut(M: Any) -> Any:
    return np.where(M > 0, M, 0)


def _engine_heatmap(kind: Any, R: Any) -> Any:
    """The engine's own steps, as every Explanation takes them."""
    reduced = reduce_channels(np.asarray(R)[None], {"slope": "max", "contribution": "sum"}[kind])[0]
    return Explanation.from_array(reduced, R).heatmap


def _as_promised(f: Any, kind: Any, R: Any) -> bool:
    h = f(kind, R)
    within = bool((h >= 0).all() and (h <= 1).all())
    return bool(within and np.allclose(f(kind, 3 * R), h) and np.allclose(f("slope", -R), f("slope", R)))


HEATMAP = Function(
    solution=heatmap,
    statement="From R (channels, rows, columns) to one heat map in [0, 1]; kind is 'slope' or 'contribution'.",
    clues=(
        "First one number per pixel, M: by kind. Then the positive part of M, then one division.",
        "np.where(M > 0, M, 0) is the positive part. Its largest number may be 0: then all is 0, and nothing divides.",
    ),
    hole="positive / top if top > 0 else positive",
    wrong=(
        Wrong(
            "slopes: magnitudes added up", "idea", _drawn(slope=lambda R: abs(R).sum(axis=0)),
            "For slopes you added the magnitudes of the channels; (6) takes the largest.",
        ),
        Wrong(
            "slopes: magnitude of the sum", "idea", _drawn(slope=lambda R: abs(R.sum(axis=0))),
            "For slopes you added first: a channel that pulls up and one that pulls down then hide each other.",
        ),
        Wrong(
            "slopes: no magnitude", "idea", _drawn(slope=lambda R: R.max(axis=0)),
            "For slopes you took the largest number, not the largest magnitude: a steep way down matters as much.",
        ),
        Wrong(
            "slopes added like contributions", "idea", _drawn(slope=lambda R: R.sum(axis=0)),
            "You added the channels of slopes, signs and all. Only contributions add up to something: the score.",
        ),
        Wrong(
            "contributions: the largest channel", "idea", _drawn(contribution=lambda R: abs(R).max(axis=0)),
            "You took the largest channel of contributions; then they no longer add up to the score. Add them.",
        ),
        Wrong(
            "contributions: magnitude of the sum", "idea", _drawn(contribution=lambda R: abs(R.sum(axis=0))),
            "You took the magnitude of the contributions: what speaks against would glow like what speaks for.",
        ),
        Wrong(
            "contributions: each channel cut first", "idea", _drawn(contribution=lambda R: _cut(R).sum(axis=0)),
            "You cut the negatives off in every channel and added then. Add first: red may speak for, blue against.",
        ),
        Wrong(
            "min-max", "idea", _scaled(_min_max),
            "You stretched the map from its smallest number to its largest, so the zero has moved.",
        ),
        Wrong(
            "not divided", "bookkeeping", _scaled(_cut),
            "The positive part is right, and the division is missing: the strongest pixel should be 1.",
        ),
        Wrong(
            "negatives kept", "bookkeeping", _scaled(lambda M: _over(M, abs(M).max())),
            "That is your first function, both signs kept. A heat map shows the positive part only.",
        ),
        Wrong(
            "divided by the largest magnitude", "idea", _scaled(lambda M: _over(_cut(M), abs(M).max())),
            "You divided the positive part by the largest magnitude of all; the strongest 'for' should be 1.",
        ),
        Wrong(
            "divided first, cut after", "bookkeeping", _scaled(lambda M: _cut(_over(M, M.max()))),
            "You divided first. Where all numbers are negative that makes them positive: cut first, divide after.",
        ),
    ),
    cases=(
        ("slope", CHANNELS),
        ("contribution", CHANNELS),
        ("slope", exact([[[-5, -3], [1, 2]], [[-2, -4], [0, 3]]])),
        ("contribution", exact([[[2, -3, 1], [0, 1, -4]], [[1, 1, -1], [-2, 2, -3]], [[-1, 0, 2], [1, 0.5, -1]]])),
        ("contribution", exact([[[-3, 1], [0, -2], [-1, -1]], [[1, -4], [-1, 1], [-2, 0.5]]])),
        ("contribution", exact([[[1, -2, -1]], [[-4, 0.5, -2]]])),
        ("contribution", exact([[[1, -6], [0.5, 2]], [[1, -1], [-0.5, -3]]])),
        ("slope", exact([[[0.5, -1, 2]], [[-3, 0.5, -1]], [[1, 0.25, -2.5]]])),
    ),
    property=Property(
        "it lies in [0, 1] (all 0 where nothing is positive); three times the relevance gives the same heat map; the "
        "signs of slopes do not matter.",
        _as_promised,
    ),
    oracle=Oracle("the engine's own heat map", _engine_heatmap),
    draw=lambda rng: (str(rng.choice(KINDS)), halves(rng, 2, 3, 4) - int(rng.integers(2)) * 4),
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def twins() -> Any:
    R = np.array([[-2.0, 1.0], [0.0, 4.0]])
    return R, R + 3


def _drawn_alike(answer: Any) -> Refusal | None:
    """Two maps that min-max draws alike, with a pixel that speaks against the class in one and for it in the other."""
    one, other = map(_map, answer) if isinstance(answer, tuple | list) and len(answer) == 2 else (None, None)
    if one is None or other is None or one.shape != other.shape:
        return Refusal("interface", "Expected two maps of one shape, (one, other), of finite numbers.")
    if one.min() == one.max() or other.min() == other.max():
        return Refusal("trivial", "A map that is the same everywhere has no range to be stretched. Take another.")
    if alike(one, other):
        return Refusal("trivial", "These are two copies of one map; of course they are drawn alike.")
    if not alike(_min_max(one), _min_max(other)):
        return Refusal("property", "Min-max can tell these two apart. Which changes does it not see?")
    if not (one * other < 0).any():
        return Refusal("property", "Min-max draws them alike, but no pixel speaks for in one and against in the other.")
    return None


def _map(answer: Any) -> Any:
    array = numeric(answer)
    return array if array is not None and array.size and np.isfinite(array).all() else None


TWINS = Counterexample(
    solution=twins,
    statement="Two maps that min-max draws alike, although some pixel speaks against in one and for in the other.",
    clues=(
        "Min-max subtracts the smallest number. So what does it do to a map in which every number is larger by 3?",
        "Take a map with a negative number in it, and add enough to all its numbers to make that one positive.",
    ),
    hole="R + 3",
    judge=_drawn_alike,
    accepted=(
        ([[-2, 1], [0, 4]], [[1, 4], [3, 7]]),
        (np.array([-1.0, 2.0]), np.array([0.1, 0.7])),
        ([[-0.1, 0.2, 0.3]], [[0.8, 1.4, 1.6]]),
    ),
    refused=(
        (([[-2, 1], [0, 4]], [[-2, 1], [0, 4]]), "trivial"),
        (([1, 1, 1], [2, 2, 2]), "trivial"),
        (([0, 1, 2], [1, 3, 5]), "property"),
        (([-2, 1, 4], [-4, 2, 8]), "property"),
        (([-2, 1, 4], [2, 1, -4]), "property"),
        (([-2, 1], [1, 4, 7]), "interface"),
        (([-2, float("inf")], [1, 4]), "interface"),
        ([[-2, 1]], "interface"),
        ("two maps", "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

WHICH_LIES = Question(
    id="which_lies",
    kind="predict",
    ask="Both drawings show the same four numbers. Which of them says something about the wall that is not so?",
    options={"A": "drawing A", "B": "drawing B", "C": "neither: each shows its numbers in its own colours"},
    answer="A",
    because="The wall's number is 0. Drawing A moved the zero: it paints 'no evidence' as a third of the strongest.",
    wrong=(
        ("B", "Drawing B leaves the wall white, and white is its 0: that is the wall's number."),
        ("C", "A drawing that gives 'no evidence' the colour of evidence says something that the numbers do not."),
    ),
    look="Four numbers, three drawings",
    later=True,
)

GREY_PRINTER = Question(
    id="grey_printer",
    kind="predict",
    ask="A map in jet goes through a grey printer. Where is the paper lightest?",
    options={"A": "at the largest numbers", "B": "somewhere in the middle", "C": "at the smallest numbers"},
    answer="B",
    because="Jet is lightest at its yellow and its cyan, in the middle. Both of its ends are dark.",
    wrong=(
        ("A", "Jet ends in a dark red: on grey paper its largest numbers are darker than a quarter of the way up."),
        ("C", "Its smallest numbers are dark blue, and dark they stay."),
    ),
    look="Light and dark",
    later=True,
)

OWN_SCALE = Question(
    id="own_scale",
    kind="predict",
    ask="The largest number of one map is 9, that of another 0.00001. Each gets a heat map of its own. They look ...",
    options={
        "A": "different: the second is almost black",
        "B": "equally strong",
        "C": "different: the second cannot be drawn",
    },
    answer="B",
    because="Each is divided by its own largest number, whatever that is, so both have a brightest pixel of 1.",
    wrong=(
        ("A", "It would be, on a scale that both share. Each on its own, the faint one glows like the strong one."),
        ("C", "Only a map without any positive number has nothing to divide by. A tiny one can always be drawn."),
    ),
    look="Break it",
    later=True,
)

GREY_COPY = Question(
    id="grey_copy",
    kind="observe",
    ask="You marked a strip in jet and looked at its grey copy. Where is the copy lightest?",
    options={
        "A": "at the left end, the strongest",
        "B": "somewhere in between",
        "C": "at the right end, where it is 0",
    },
    answer="B",
    because="Seen as light and dark, jet puts the brightest ring around the peak, not on it.",
    wrong=(
        ("A", "That is so for magma and grey. Choose jet, take a mark, and look at the second strip."),
        ("C", "The right end is dark in all three. Look along the second strip for its lightest patch."),
    ),
)

BRIGHT_LAMP = Question(
    id="bright_lamp",
    kind="claim",
    ask="A heat map, drawn in magma without a number beside it: one bright spot, on the lamp. What does it support?",
    options={
        "A": "The lamp brought most of the score",
        "B": "Nothing in this picture speaks against the class",
        "C": "Of all that speaks for the class here, the strongest pixel lies on the lamp",
        "D": "The evidence is strong",
    },
    answer="C",
    because="A heat map says where, in this picture; not how much, and nothing about what speaks against.",
    wrong=(
        ("A", "A heat map has no total: many faint pixels may bring more than one bright one."),
        ("B", "What speaks against was cut off before anything was drawn."),
        ("D", "The brightest pixel is always 1, however small its number."),
    ),
    look="From three channels to one heat map",
)

EXERCISES = (
    WHICH_LIES, GREY_PRINTER, OWN_SCALE, SIGNED_TO_UNIT, HEATMAP, TWINS, GREY_COPY, BRIGHT_LAMP,
)  # fmt: skip
