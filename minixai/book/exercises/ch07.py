"""Chapter 07: integrated gradients; does it add up; pixels that it cannot see."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book.examples import two_pixels
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers import value
from minixai.ops import exact, is_exact

CHAPTER = "07_integrated_gradients"

# -- E1 ----------------------------------------------------------------------------------------------------------------


def integrated_gradients(grad: Any, x: Any, baseline: Any, n: Any) -> Any:
    step = (x - baseline) / n
    slopes = [grad(baseline + i * step + step / 2) for i in range(n)]
    return (x - baseline) * sum(slopes) / n


def _mean_slope(grad: Any, start: Any, way: Any, n: Any, shift: Fraction = Fraction(1, 2)) -> Any:
    """The mean of n slopes on the way; ``shift``: where in each of the n steps the slope is taken."""
    top, bottom = shift.numerator, shift.denominator
    return sum(grad(start + (i * bottom + top) * way / (n * bottom)) for i in range(n)) / n


def _weighted(grad: Any, x: Any, baseline: Any, weights: Any) -> Any:
    """Slopes at evenly spaced places with both ends among them, weighted (weights: whole numbers)."""
    last = len(weights) - 1
    slopes = [w * grad(baseline + i * (x - baseline) / last) for i, w in enumerate(weights)]
    return (x - baseline) * sum(slopes) / sum(weights)


@dataclass(frozen=True, eq=False)
class Slopes:
    """The slopes of a score, under a name that a verdict can say."""

    score: str
    at: Callable[[Any], Any]

    @property
    def __name__(self) -> str:
        return f"the slopes of {self.score}"

    def __call__(self, x: Any) -> Any:
        return self.at(x)


@dataclass(frozen=True, eq=False)
class Cubes:
    """The slopes of S = sum of w (d . x)^3 over weights w and directions d."""

    weights: Any
    directions: Any
    __name__ = "the slopes of a sum of cubes"

    def __call__(self, x: Any) -> Any:
        w, d = self.like(x)
        return 3 * (w * (d @ x) ** 2) @ d

    def score(self, x: Any) -> Any:
        w, d = self.like(x)
        return (w * (d @ x) ** 3).sum()

    def like(self, x: Any) -> Any:
        """Weights and directions as fractions or as floats, as x is."""
        return (v if is_exact(x) else v.astype(float) for v in (self.weights, self.directions))


def _closed(grad: Any, x: Any, baseline: Any, n: Any) -> Any:
    """The mean of (p + alpha q)^2 over n midpoints is p^2 + p q + q^2 (1/3 - 1/(12 n^2))."""
    w, d = grad.like(x)
    p, q = d @ baseline, d @ (x - baseline)
    squares = p * p + p * q + q * q * (1 / 3 - 1 / (12 * n * n))
    return (x - baseline) * ((3 * w * squares) @ d)


def _adds_up(f: Any, grad: Any, x: Any, baseline: Any, n: Any) -> bool:
    """A hundred midpoints miss w q^3 / (4 n^2) of each cube."""
    w, d = grad.like(x)
    missed = (abs(w) * abs(d @ (x - baseline)) ** 3).sum() / (4 * 100**2)
    gap = np.sum(f(grad, x, baseline, 100)) - (grad.score(x) - grad.score(baseline))
    return bool(abs(gap) <= missed + 1e-9)


def _fresh(rng: np.random.Generator) -> tuple:
    grad = Cubes(exact(rng.integers(1, 4, 2)), halves(rng, 2, 3, without_zero=True))
    return grad, halves(rng, 3, without_zero=True), halves(rng, 3, low=7, high=12), int(rng.integers(2, 5))


INTEGRATED_GRADIENTS = Function(
    solution=integrated_gradients,
    statement="Eq. (7) with n places: cut the way from baseline to x into n equal steps, take the slope in the middle "
    "of each.",
    clues=(
        "Where are you in the middle of step i? At baseline + (i + 1/2)/n of the way x - baseline.",
        "Average the n slopes (add them up, divide by n), then multiply by how far each pixel was turned up.",
    ),
    hole="(x - baseline) * sum(slopes) / n",
    wrong=(
        Wrong(
            "no x - baseline", "idea", lambda grad, x, baseline, n: _mean_slope(grad, baseline, x - baseline, n),
            "That is the mean slope, score per unit. It becomes a contribution when it is multiplied by how far the "
            "pixel was turned up.",
        ),
        Wrong(
            "times x", "idea", lambda grad, x, baseline, n: x * _mean_slope(grad, baseline, x - baseline, n),
            "You multiplied by the whole pixel. On this way it was turned up only from its baseline: by x - baseline.",
        ),
        Wrong(
            "slope at the picture only", "idea", lambda grad, x, baseline, n: (x - baseline) * grad(x),
            "You took the slope at the end of the way only. That is where a lamp that is bright enough says 0.",
        ),
        Wrong(
            "slope times picture", "idea", lambda grad, x, baseline, n: x * grad(x),
            "That is gradient times picture: one slope, at the end of the way, and no baseline anywhere.",
        ),
        Wrong(
            "slope at the middle only", "idea",
            lambda grad, x, baseline, n: (x - baseline) * _mean_slope(grad, baseline, x - baseline, 1),
            "You averaged the pictures and took one slope, half-way. The n slopes are averaged, not the n pictures.",
        ),
        Wrong(
            "way starts at zero", "idea", lambda grad, x, baseline, n: (x - baseline) * _mean_slope(grad, 0 * x, x, n),
            "Your places lie on the way from zero. The way starts at the baseline.",
        ),
        Wrong(
            "baseline ignored", "idea", lambda grad, x, baseline, n: x * _mean_slope(grad, 0 * x, x, n),
            "You took zero for the baseline, on the way and in the factor.",
        ),
        Wrong(
            "slope times alpha", "idea",
            lambda grad, x, baseline, n: (
                (x - baseline)
                * sum((2 * i + 1) * grad(baseline + (2 * i + 1) * (x - baseline) / (2 * n)) for i in range(n))
                / (2 * n * n)
            ),
            "You took the derivative by x through x(alpha), which brings a factor alpha. Meant is the slope of S at "
            "the place x(alpha).",
        ),
        Wrong(
            "way turned round", "bookkeeping",
            lambda grad, x, baseline, n: (baseline - x) * _mean_slope(grad, baseline, x - baseline, n),
            "Your signs are turned round: the way goes from the baseline to x, so the factor is x - baseline.",
        ),
        Wrong(
            "summed, not averaged", "bookkeeping",
            lambda grad, x, baseline, n: (x - baseline) * n * _mean_slope(grad, baseline, x - baseline, n),
            "You added the slopes up and did not divide by n: each place stands for 1/n of the way.",
        ),
        Wrong(
            "both ends in full", "bookkeeping",
            lambda grad, x, baseline, n: _weighted(grad, x, baseline, [1] * n),
            "Your n places reach from 0 to 1, both ends included, and all count alike. But n places cut the way into "
            "n - 1 steps, and an end has only half a step to itself. Take the middle of n steps.",
        ),
        Wrong(
            "n + 1 places", "bookkeeping",
            lambda grad, x, baseline, n: _weighted(grad, x, baseline, [1] * (n + 1)),
            "You took the slope at all n + 1 ends of the steps, all alike. Take it in the middle of each step.",
        ),
        Wrong(
            "trapezoid", "convention",
            lambda grad, x, baseline, n: _weighted(grad, x, baseline, [1, *[2] * (n - 2), 1]),
            "Your n places include both ends, at half weight: the trapezoid rule. The exercise asks for the middle of "
            "n steps.",
        ),
        Wrong(
            "left ends", "convention",
            lambda grad, x, baseline, n: (x - baseline) * _mean_slope(grad, baseline, x - baseline, n, Fraction(0)),
            "You took the slope at the beginning of each step. The exercise asks for the middle, which is nearer "
            "where the slope changes steadily.",
        ),
        Wrong(
            "right ends", "convention",
            lambda grad, x, baseline, n: (x - baseline) * _mean_slope(grad, baseline, x - baseline, n, Fraction(1)),
            "You took the slope at the end of each step. The exercise asks for the middle, which is nearer where the "
            "slope changes steadily.",
        ),
    ),
    cases=(
        (Slopes("x1^2 + x2", lambda x: x * [2, 0] + [0, 1]), exact([4, 1]), exact([1, 0]), 2),
        (
            Slopes("min(x1 + x2, 1)", lambda x: np.where(x.sum() < 1, 0 * x + 1, 0 * x)),
            exact([2, 1]), exact([0, 0.25]), 5,
        ),
        (Slopes("x1^3 + x1 x2", lambda x: x * x * [3, 0] + x[::-1]), exact([3, 1]), exact([1, -1]), 2),
        (Cubes(exact([1, -2]), exact([[1, 0, 2], [1, -1, 0]])), exact([1, 2, -1]), exact([2, 0, 1]), 3),
        (Slopes("the sum of all cubes", lambda x: 3 * x * x), exact([[1, 2, 0], [3, -1, 1]]),
         exact([[0, 1, 2], [1, 1, 0.5]]), 3),
    ),
    property=Property(
        "with many steps the contributions add up to S(x) - S(baseline).", _adds_up,
    ),
    oracle=Oracle("a formula for sums of cubes", _closed),
    draw=_fresh,
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def completeness_gap(R: Any, S: Any, S0: Any) -> Any:
    return R.sum() - (S - S0)


def _one_more_is_one_more(f: Any, R: Any, S: Any, S0: Any) -> bool:
    total = R.sum()
    return bool(np.isclose(f(R, S0 + total, S0), 0) and np.isclose(f(R, S0 + total - 1, S0), 1))


def _two_scores(rng: np.random.Generator) -> tuple:
    R, (S0, rise) = halves(rng, 2, 3), halves(rng, 2, without_zero=True)
    return R, S0 + rise, S0


COMPLETENESS_GAP = Function(
    solution=completeness_gap,
    statement="How much the contributions R add up to beyond the score difference S - S0; negative where some is "
    "missing.",
    clues=(
        "The contributions R should add up to how far the score rose on the way: from S0 to S.",
        "What they add up to, minus what they should. Signs stay: a -1 in R takes something off.",
    ),
    hole="(S - S0)",
    wrong=(
        Wrong(
            "S0 forgotten", "idea", lambda R, S, S0: R.sum() - S,
            "You compared with the score itself. Contributions from a baseline add up to what the score rose by.",
        ),
        Wrong(
            "magnitudes", "idea", lambda R, S, S0: abs(R).sum() - (S - S0),
            "You added magnitudes. A pixel that spoke against takes something off the sum; its sign counts.",
        ),
        Wrong(
            "mean, not sum", "idea", lambda R, S, S0: R.sum() / R.size - (S - S0),
            "You took the mean of the contributions. Each is in score; together they should make the difference.",
        ),
        Wrong(
            "relative", "bookkeeping", lambda R, S, S0: (R.sum() - (S - S0)) / (S - S0),
            "You divided by the score difference: a share of it. Asked was the gap itself, in score.",
        ),
        Wrong(
            "turned round", "bookkeeping", lambda R, S, S0: (S - S0) - R.sum(),
            "Right but for the sign: positive means that R adds up to too much.",
        ),
        Wrong(
            "sign dropped", "bookkeeping", lambda R, S, S0: abs(R.sum() - (S - S0)),
            "You dropped the sign. Too much and too little are two different findings.",
        ),
        Wrong(
            "S0 added", "bookkeeping", lambda R, S, S0: R.sum() - (S + S0),
            "You added the score of the baseline to that of the picture; the rise is their difference.",
        ),
    ),
    cases=(
        (exact([6, 1.5, -1]), Fraction(8), Fraction(2)),
        (exact([[1, -2, 0], [4, 0.5, 1]]), Fraction(7), Fraction(-1)),
        (exact([[3, -1], [0, -4], [1, 2]]), Fraction(1, 2), Fraction(3)),
        (exact([2, -3, 0.5, 0]), Fraction(2), Fraction(1, 2)),
    ),
    property=Property(
        "the gap is 0 where R adds up to S - S0, and 1 where it adds up to one more.", _one_more_is_one_more
    ),
    oracle=Oracle("adding up one by one", lambda R, S, S0: math.fsum([*np.ravel(R), -S, S0])),
    draw=_two_scores,
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def unseen() -> Any:
    x = np.array([10.0, 6.0])
    of_its_colour = x, np.array([10.0, 0.0])
    without_a_slope = x, np.array([0.0, 0.0])
    return of_its_colour, without_a_slope


def _two_ways_to_nothing(answer: Any) -> Refusal | None:
    """Two (picture, baseline) for min(x1, x2) with a pixel at exactly 0: of the baseline's value, and of another."""
    pairs: list[Any] = [_pair(p) for p in answer] if isinstance(answer, tuple | list) and len(answer) == 2 else [None]
    if None in pairs:
        return Refusal("interface", "Expected two pairs of two pixels each: (x, baseline), (x, baseline).")
    for which, (x, baseline) in zip(("first", "second"), pairs, strict=True):
        if (x <= 0).any() or (baseline < 0).any():
            return Refusal("property", f"In your {which} pair: both pixels of x must be above 0, no baseline below 0.")
        if min(x) == min(baseline):
            return Refusal("trivial", f"In your {which} pair the score is the same at both ends: nothing to share out.")
        if x[0] == x[1] and baseline[0] == baseline[1]:
            return Refusal(
                "trivial",
                f"In your {which} pair the two pixels are equal all the way. There min has a kink and no slope: the 0 "
                "is made by a convention.",
            )
    (same, first), (other, second) = ((x == b, _shares(x, b)) for x, b in pairs)
    if not (same & (first == 0)).any():
        return Refusal("property", f"In your first pair no pixel has its baseline's value. It gives {_said(first)}.")
    if not (~other & (second == 0)).any():
        return Refusal(
            "property", f"In your second pair no pixel that differs from its baseline gets 0. It gives {_said(second)}."
        )
    return None


def _pair(pair: Any) -> Any:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return None
    x, baseline = (answer_array(part, (2,)) for part in pair)
    return None if x is None or baseline is None else (x, baseline)


def _shares(x: Any, baseline: Any) -> Any:
    return explain(two_pixels(), x, "integrated-gradients", target=0, baseline=baseline, quadrature="exact").relevance


def _said(shares: Any) -> str:
    return "(" + ", ".join(f"{float(v):g}" for v in shares) + ")"


UNSEEN = Counterexample(
    solution=unseen,
    statement="(x, baseline), (x, baseline) for S = min(x1, x2): in each, a pixel gets exactly 0 although S would drop "
    "to 0 without it. In the first it has the value of its baseline, in the second another one.",
    clues=(
        "The factor x - baseline does the first. For the second, ask which of the two pixels min follows on the way.",
        "If x1 stays above x2 on the whole way, min follows x2 only: the slope of x1 is 0 everywhere.",
    ),
    hole="np.array([10.0, 0.0])",
    judge=_two_ways_to_nothing,
    accepted=(
        (([10, 6], [10, 0]), ([10, 6], [0, 0])),
        [[[3, 5], [1, 5]], [[3, 5], [0, 1]]],
        (([10, 6], [3, 6]), ([2, 7], [1, 3])),
    ),
    refused=(
        ((([10, 6], [10, 6]), ([10, 6], [0, 0])), "trivial"),
        ((([10, 6], [10, 0]), ([5, 5], [0, 0])), "trivial"),
        ((([10, 6], [10, 0]), ([10, 6], [0, 6])), "property"),
        ((([10, 6], [0, 0]), ([10, 6], [0, 0])), "property"),
        ((([10, 6], [10, 0]), ([10, 6], [0, 8])), "property"),
        ((([10, -6], [10, 0]), ([10, 6], [0, 0])), "property"),
        ((([10, 0], [5, 0]), ([10, 6], [0, 0])), "property"),
        ((([10, 6, 1], [10, 0, 0]), ([10, 6], [0, 0])), "interface"),
        ((([10, 6], [10, 0]), 7), "interface"),
        ((10, 6), "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

LAMP = Question(
    id="lamp",
    kind="predict",
    ask="S = min(x1 + x2, 1) at {{lamps.picture}}: both lamps on. Which of these two questions gives lamp 1 anything?",
    options={
        "A": "how does S move if I turn lamp 1 up a little?",
        "B": "how much does S lose if I switch lamp 1 off?",
        "C": "both",
        "D": "neither",
    },
    answer="D",
    because="Turned up a little, S stays 1. Switched off, S stays 1, too: lamp 2 alone is bright enough.",
    wrong=(
        ("A", "x1 + x2 is 3, far above 1: a little more changes nothing."),
        ("B", "Without lamp 1, min(0 + 1, 1) is still 1."),
        ("C", "Compute both: S at a slightly brighter lamp 1, and S at (0, 1)."),
    ),
    look="Two lamps",
)

FIRST_FIFTH = Question(
    id="first_fifth",
    kind="predict",
    ask="A star is faded in from black. After one fifth of the way, how much of its score has come?",
    options={"A": "hardly any", "B": "about a fifth", "C": "most of it"},
    answer="A",
    because="A picture so dark leaves this network nearly silent. The rise begins after about a fifth of the way.",
    wrong=(
        ("B", "That would be so if the slope were the same on the whole way."),
        ("C", "So it is with the two lamps. This network is late where they are early."),
    ),
    look="Where the slope lives",
    later=True,
)

BLACK_STAR = Question(
    id="black_star",
    kind="predict",
    ask="Paint the star black; the network still says star. Explained from a black picture, its own pixels get ...",
    options={"A": "most of the score", "B": "a share like their share of the area", "C": "exactly nothing"},
    answer="C",
    because="A pixel that is as black as its baseline was not turned up at all: x - x' is 0, whatever its slope.",
    wrong=(
        ("A", "It is what the network decides by, but it looks just like 'not there'."),
        ("B", "Area does not come in. The factor x - x' does."),
    ),
    look="What does *not there* look like?",
    later=True,
)

ALL_BASELINES = Question(
    id="all_baselines",
    kind="observe",
    ask="Move alpha to 1 from black, from middle grey, from white. What holds for all three?",
    options={
        "A": "the slope lives in the same part of the way",
        "B": "the finished map is the same",
        "C": "the bars passed so far have the area by which the score has risen so far, nearly",
    },
    answer="C",
    because="Area under the slope is rise of the score, from any baseline; 'nearly', because twenty bars are not a "
    "curve.",
    wrong=(
        ("A", "Compare the first four bars from black with the first four from middle grey."),
        ("B", "Look at the strip below the figure: three baselines, three maps."),
    ),
)

HALF_LIT = Question(
    id="half_lit",
    kind="predict",
    ask="The lamps at {{lamps.picture}} again, but from the baseline (0, 1/2). The two contributions?",
    answer=value("lamps.half"),
    because="The light is 1/2 + 5/2 alpha, and reaches 1 at alpha = 1/5. A fifth of (2, 1/2) is {{lamps.half}}.",
    wrong=(
        (value("lamps.black"), "That is the answer from darkness. Here the way starts half lit."),
        (value("lamps.picture") / 5, "The slope lives on a fifth of the way, yes. But lamp 2 is turned up by 1/2."),
        (exact([0, 0]), "That is the slope at the picture. Walk the whole way."),
    ),
    look="Both on one dimmer",
)

WHAT_ADDS_UP = Question(
    id="what_adds_up",
    kind="claim",
    ask="A map by integrated gradients adds up to the score difference to the last digit. What does that prove?",
    options={
        "A": "each pixel has got what it deserves",
        "B": "nothing was lost on this way from this baseline",
        "C": "the baseline was well chosen",
        "D": "pixels at 0 do not matter",
    },
    answer="B",
    because="Any baseline and any way add up. The sum is a check of the arithmetic, not of the question.",
    wrong=(
        ("A", "The lamps: (1, 0), (0, 1) and {{lamps.black}} all add up to 1."),
        ("C", "From black the black star's sum is right, too, and the star has nothing of it."),
        ("D", "You found two pixels at 0 without which the score would be gone."),
    ),
)

EXERCISES = (
    LAMP, FIRST_FIFTH, BLACK_STAR, INTEGRATED_GRADIENTS, COMPLETENESS_GAP, ALL_BASELINES, UNSEEN, HALF_LIT,
    WHAT_ADDS_UP,
)  # fmt: skip
