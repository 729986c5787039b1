"""Chapter 00: the buttons; slope and contribution."""

from typing import Any

import numpy as np

from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.puzzles import FORGETFUL, TWELVE_MAPS
from minixai.ops import ReLU, exact

CHAPTER = "00_start_here"

# -- E1 ----------------------------------------------------------------------------------------------------------------


def positive_part(x: Any) -> Any:
    return np.where(x > 0, x, 0)


def _relu(x: Any) -> Any:
    return ReLU().forward(x, ReLU().choose(x))


POSITIVE_PART = Function(
    solution=positive_part,
    statement="The numbers of x that are larger than 0 stay as they are, all others become 0.",
    clues=(
        "Two things are asked of every number: is it larger than 0, and if so, which number is it?",
        "np.where(condition, a, b) takes a where the condition is true and b elsewhere, place by place.",
    ),
    hole="x > 0",
    wrong=(
        Wrong(
            "absolute value", "idea", lambda x: abs(x),
            "You took the magnitude: -2 became 2. What speaks against would then look like what speaks for.",
        ),
        Wrong(
            "0/1 mask", "idea", lambda x: np.where(x > 0, 1, 0),
            "You say where x is positive, not how much: 3 became 1.",
        ),
        Wrong(
            "clipped to [0, 1]", "idea", lambda x: np.clip(x, 0, 1),
            "You also cut off what is larger than 1; that is scaling for a picture, not the positive part.",
        ),
        Wrong(
            "negative part", "bookkeeping", lambda x: np.where(x < 0, x, 0),
            "You kept the other half: the numbers below 0.",
        ),
        Wrong(
            "sign turned round", "bookkeeping", lambda x: np.where(x > 0, -x, 0),
            "The right places, but with the sign turned round.",
        ),
    ),
    cases=(
        (exact([-2, 0, 3, 0.5]),),
        (exact([[1.5, -0.5, 2], [-3, 0, 0.25]]),),
        (exact([0.75, -1, 4, -0.125, 2]),),
    ),
    property=Property(
        "x is its positive part minus the positive part of -x.", lambda f, x: np.allclose(f(x) - f(-x), x)
    ),
    oracle=Oracle("the engine's ReLU", _relu),
    draw=lambda rng: (halves(rng, 3, 4),),
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def contribution(w: Any, x: Any) -> Any:
    return w * x


def _switched_off(w: Any, x: Any) -> Any:
    """How much the score w.x loses when each pixel is switched off."""
    lost = [(w * x).sum() - (w * np.where(np.arange(x.size).reshape(x.shape) == i, 0, x)).sum() for i in range(x.size)]
    return np.array(lost).reshape(x.shape)


CONTRIBUTION = Function(
    solution=contribution,
    statement="What every pixel brings to the score S = sum of w_i x_i: an array of the shape of x.",
    clues=(
        "Ask for one pixel: by how much would the score fall if this pixel were switched off, x_i = 0?",
        "The sum of what you return must be the score, and each number is about one pixel alone.",
    ),
    hole="w * x",
    wrong=(
        Wrong(
            "the slope", "idea", lambda w, x: w,
            "These are the slopes, in score per unit: what would happen, not what did happen at this picture.",
        ),
        Wrong(
            "magnitude only", "idea", lambda w, x: abs(w * x),
            "You dropped the signs; a pixel that pulls the score down now seems to push it up.",
        ),
        Wrong(
            "share of the total", "idea", lambda w, x: w * x / (w * x).sum(),
            "You divided by the score: shares of 1 instead of amounts of score. The units are gone.",
        ),
        Wrong(
            "the score itself", "bookkeeping", lambda w, x: (w * x).sum(),
            "That is the score, one number; asked is what each pixel brings to it.",
        ),
    ),
    cases=(
        (exact([3, -1]), exact([2, 1])),
        (exact([3, -1]), exact([1, 4])),
        (exact([0.5, -2, 1]), exact([2, 1.5, -1])),
        (exact([[1, -2, 0.5], [3, 0.25, -1]]), exact([[2, 1, 4], [-0.5, 2, 3]])),
    ),
    property=Property(
        "the contributions add up to the score.", lambda f, w, x: np.isclose(np.sum(f(w, x)), (w * x).sum())
    ),
    oracle=Oracle("switching the pixels off one by one", _switched_off),
    draw=lambda rng: (halves(rng, 2, 3), halves(rng, 2, 3)),
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def slope_or_contribution() -> Any:
    return np.array([1.0, 4.0])


def _disagree(answer: Any) -> Refusal | None:
    """S = 3 x1 - x2: the slope says pixel 1; the contribution must say pixel 2."""
    x = answer_array(answer, (2,))
    if x is None:
        return Refusal("interface", "Expected a picture of two numbers, for example np.array([2.0, 1.0]).")
    if (x == 0).any():
        return Refusal("trivial", "A pixel that is off brings nothing, so there is nothing to rank. Switch both on.")
    first, second = abs(exact([3, -1]) * x)
    if first == second:
        return Refusal("trivial", f"A tie: both pixels bring {first}. Find one where pixel 2 clearly brings more.")
    if first > second:
        return Refusal("property", f"Both say pixel 1 here: it brings {first}, pixel 2 brings {second}.")
    return None


SLOPE_OR_CONTRIBUTION = Counterexample(
    solution=slope_or_contribution,
    statement="For S = 3 x1 - x2, a picture (x1, x2) at which pixel 1 has the larger slope and pixel 2 brings more.",
    clues=(
        "The slope does not depend on the picture: pixel 1 always has the larger one. Only the contributions can move.",
        "Pixel 2 has a third of the slope, so it must be more than three times as bright.",
    ),
    hole="4.0",
    judge=_disagree,
    accepted=((1, 4), np.array([1.0, 4.0]), [-0.5, 2], (0.1, -7)),
    refused=(
        ((2, 1), "property"),
        ((1, 3), "trivial"),
        ((0, 4), "trivial"),
        ((1, 0), "trivial"),
        ((1, 4, 2), "interface"),
        ("pixel 2", "interface"),
        ((1, float("nan")), "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

WHICH_IS_SCRAMBLED = Question(
    id="which_is_scrambled",
    kind="predict",
    ask="Eleven of these maps explain the network. For one, its weights were shuffled first. Which?",
    options={letter: f"map {letter}" for letter in TWELVE_MAPS},
    answer=FORGETFUL,
    because=f"{FORGETFUL} is {TWELVE_MAPS[FORGETFUL]} on shuffled weights: what it draws, it takes from the picture.",
    wrong=tuple((k, f"{k} is {m} on the real weights.") for k, m in TWELVE_MAPS.items() if k != FORGETFUL),
    look="Break it",
    later=True,
)

ALL_AGREE = Question(
    id="all_agree",
    kind="predict",
    ask="All the methods of the package explain one decision. What will their maps show?",
    options={
        "A": "nearly the same: there is one reason, and they find it",
        "B": "families of maps that resemble one another, and disagree with the other families",
        "C": "as many different pictures as there are methods",
    },
    answer="B",
    because="They come in families, which answer different questions about the same network.",
    wrong=(
        ("A", "A decision has one reason only if you say which question you ask of it."),
        ("C", "Several methods are the same arithmetic with one line changed."),
    ),
    look="All answers",
    later=True,
)

LARGER_SLOPE = Question(
    id="larger_slope",
    kind="predict",
    ask="S = 3 x1 - x2 at {{linear14.picture}}. Which pixel brings more to the score, in magnitude?",
    options={"A": "pixel 1, because 3 is larger than 1", "B": "pixel 2", "C": "the same"},
    answer="B",
    because="The contributions are {{linear14.contribution}}; the slopes are {{linear14.slope}}.",
    wrong=(("A", "That is the slope: what would happen if you turned the pixel up. It brought 3 times 1."),),
    look="Two questions that are easily mixed up",
)

CLASS_OR_NOT = Question(
    id="class_or_not",
    kind="observe",
    ask="You kept one method and changed only the class. Which method's map did not change at all?",
    options={"A": "gradient", "B": "fem", "C": "lrp-0", "D": "all of them changed"},
    answer="B",
    because="FEM looks at the last feature maps and never asks for a class: it cannot answer 'why this one?'.",
    wrong=(("D", "Try fem for two classes, one after the other, and compare the words below the picture."),),
)

WHAT_FOLLOWS = Question(
    id="what_follows",
    kind="claim",
    ask="A map looks convincing: it lies right on the shape. What does that alone show?",
    options={
        "A": "the network uses the shape",
        "B": "the network is right",
        "C": "that the method marks shapes; it may do so for a network that has learnt nothing",
        "D": "the pixels of the shape have the largest slopes",
    },
    answer="C",
    because="You saw it happen: with shuffled weights, some maps still lie on the shape.",
    wrong=(
        ("A", "Perhaps, but such a map also came out of a network that knows nothing about shapes."),
        ("B", "A map never says whether the answer is right; think of the picture that the network got wrong."),
        ("D", "Only a map of slopes could say that, and most of these methods do not show slopes."),
    ),
    look="Break it",
)

EXERCISES = (
    WHICH_IS_SCRAMBLED, ALL_AGREE, LARGER_SLOPE, POSITIVE_PART, CONTRIBUTION, SLOPE_OR_CONTRIBUTION, CLASS_OR_NOT,
    WHAT_FOLLOWS,
)  # fmt: skip
