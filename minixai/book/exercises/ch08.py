"""Chapter 08: averaging the maps of noisy copies."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers.ch08 import NOISES, SMOOTH_X, hill_slopes
from minixai.book.values import say
from minixai.network import Network
from minixai.ops import Array, Linear, ReLU, exact

CHAPTER = "08_smoothgrad"

# -- E1 ----------------------------------------------------------------------------------------------------------------


class Slopes:
    """The slopes of a score, which a verdict calls by name."""

    def __init__(self, name: str, function: Callable[[Any], Any]) -> None:
        self.__name__, self.function = name, function

    def __call__(self, x: Any) -> Any:
        return self.function(x)


@dataclass(frozen=True, eq=False)
class TwoLayers:
    """The slopes of S = head . relu(W x), in any arithmetic."""

    W: Array
    head: Array

    @property
    def __name__(self) -> str:
        return f"slopes of head . relu(W x), W = {say(self.W)}, head = {say(self.head)}"

    def __call__(self, x: Any) -> Any:
        W, head = (values if x.dtype == object else values.astype(float) for values in (self.W, self.head))
        return (head * (W @ x > 0)) @ W

    @property
    def network(self) -> Network:
        return Network.sequential([Linear(self.W.astype(float)), ReLU(), Linear(self.head.astype(float)[None])])


def smoothgrad(slopes: Any, x: Any, noises: Any) -> Any:
    maps = [abs(slopes(x + noise)) for noise in noises]
    return sum(maps) / len(maps)


def _mean(values: Any) -> Any:
    each = list(values)
    return sum(each) / len(each)


def _noise_on_noise(slopes: Any, x: Any, noises: Any) -> Any:
    return _mean(abs(slopes(x + noises[: i + 1].sum(axis=0))) for i in range(len(noises)))


def _engine(slopes: Any, x: Any, noises: Any) -> Any:
    """The engine's SmoothGrad of the network, given this noise."""
    span = np.max(x) - np.min(x)
    return explain(slopes.network, np.asarray(x, float), "smoothgrad", target=0, sigma=1 / span, noise=noises).map


def _in_two_heaps(f: Any, slopes: Any, x: Any, noises: Any) -> bool:
    """The mean over two heaps of copies is the mean of their means, by number of copies; without noise: the map."""
    first, rest = noises[:1], noises[1:]
    whole = f(slopes, x, first) + len(rest) * f(slopes, x, rest)
    clean = np.allclose(f(slopes, x, 0 * first), abs(slopes(x)))
    return bool(clean and np.allclose(len(noises) * f(slopes, x, noises), whole))


def _fresh(rng: np.random.Generator) -> tuple:
    x = np.concatenate([halves(rng, 2), exact([4])])  # never the same everywhere
    return TwoLayers(halves(rng, 4, 3), halves(rng, 4, without_zero=True)), x, halves(rng, int(rng.integers(3, 6)), 3)


SMOOTHGRAD = Function(
    solution=smoothgrad,
    statement="Eq. (8) over the map of magnitudes (5): slopes(z) are the slopes at z; there is one noise per copy.",
    clues=(
        "For each noise: make the copy x + noise, ask for the slopes there, make a map of them. Only then average.",
        "A map is the magnitude of the slopes. Add the maps up and divide by how many there are.",
    ),
    hole="abs(slopes(x + noise))",
    wrong=(
        Wrong(
            "slopes averaged first", "convention", lambda slopes, x, noises: abs(_mean(slopes(x + e) for e in noises)),
            "You averaged the slopes and took magnitudes at the end, as the authors' paper does. (8) averages maps.",
        ),
        Wrong(
            "no magnitude", "idea", lambda slopes, x, noises: _mean(slopes(x + e) for e in noises),
            "You averaged the slopes, signs and all, and no map was made of them. A map of slopes is their magnitude.",
        ),
        Wrong(
            "map of the average picture", "idea", lambda slopes, x, noises: abs(slopes(x + noises.mean(axis=0))),
            "You averaged the copies and drew one map. That is the map of a single picture, hardly another than x.",
        ),
        Wrong(
            "map of the noise", "idea", lambda slopes, x, noises: _mean(abs(slopes(e)) for e in noises),
            "You asked about the noise alone. Each copy is the picture plus its noise.",
        ),
        Wrong(
            "noise on noise", "bookkeeping", _noise_on_noise,
            "Your picture changes from copy to copy: every noise comes on top of those before. Start from x each time.",
        ),
        Wrong(
            "summed", "bookkeeping",
            lambda slopes, x, noises: len(noises) * _mean(abs(slopes(x + e)) for e in noises),
            "You added the maps up and did not divide by how many there are.",
        ),
        Wrong(
            "squared maps", "convention", lambda slopes, x, noises: _mean(slopes(x + e) ** 2 for e in noises),
            "You squared the slopes, as the authors' program does unless told not to: a steep copy then counts far "
            "more than a flat one. (8) averages the maps.",
        ),
        Wrong(
            "largest, not mean", "idea",
            lambda slopes, x, noises: np.stack([abs(slopes(x + e)) for e in noises]).max(axis=0),
            "You kept the largest map at each pixel: one odd copy is enough to make it bright.",
        ),
        Wrong(
            "the clean map as well", "bookkeeping",
            lambda slopes, x, noises: _mean(abs(slopes(z)) for z in (x, *(x + e for e in noises))),
            "You counted the picture itself among its copies. (8) averages the noisy ones only.",
        ),
    ),
    cases=(
        (Slopes("slopes of relu(x1)^2 / 4 + |x2|", hill_slopes), SMOOTH_X, NOISES),
        (Slopes("slopes of x1^2 x2", lambda x: np.stack([2 * x[0] * x[1], x[0] * x[0]])), exact([2, -1]),
         exact([[-3, 2], [1, 0.5]])),
        (TwoLayers(exact([[1, 0], [1, -1]]), exact([1, -2])), exact([2, 1]),
         exact([[0, 0.5], [-1.5, 1], [-3, -2], [1, -1]])),
        (Slopes("slopes of sum(x^3 / 3 - 4 x)", lambda x: x * x - 4), exact([[1, 0, 2], [3, -1, 1]]),
         exact([[[1, 0.5, -1], [-2, 0, 2]], [[-2, 1, 0], [0.5, -3, 1]], [[0, 2, -3], [1, 1, -2]]])),
    ),
    property=Property(
        "without noise it is the clean map; and two heaps of copies give the mean of their two means.", _in_two_heaps
    ),
    oracle=Oracle("the engine's own SmoothGrad", _engine),
    draw=_fresh,
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def noise_level(x: Any, fraction: Any) -> Any:
    return fraction * (x.max() - x.min())


def _by_range(f: Any, x: Any, fraction: Any) -> bool:
    """A lighter copy of the picture gets the same noise, one of twice the contrast twice as much."""
    level = f(x, fraction)
    return bool(np.isclose(f(x + 3, fraction), level) and np.isclose(f(2 * x, fraction), 2 * level))


NOISE_LEVEL = Function(
    solution=noise_level,
    statement="The spread of the noise for picture x: a fraction of the range of its pixels.",
    clues=(
        "How far apart are the lightest and the darkest pixel of this picture?",
        "The noise is that range, times the fraction.",
    ),
    hole="(x.max() - x.min())",
    wrong=(
        Wrong(
            "fraction as it is", "idea", lambda x, fraction: fraction,
            "You took the fraction for the noise itself. 0.15 is much in a picture from 0 to 1, and nothing in one "
            "from 0 to 255.",
        ),
        Wrong(
            "times the maximum", "idea", lambda x, fraction: fraction * x.max(),
            "You measured from 0 to the largest pixel. Pixels may be negative, and the range longer.",
        ),
        Wrong(
            "times the largest magnitude", "idea", lambda x, fraction: fraction * abs(x).max(),
            "You took the largest magnitude; the range goes from the smallest pixel to the largest.",
        ),
        Wrong(
            "variance", "idea", lambda x, fraction: (fraction * (x.max() - x.min())) ** 2,
            "That is the variance, sigma squared. Noise is made by multiplying with sigma itself.",
        ),
        Wrong(
            "times the standard deviation", "idea",
            lambda x, fraction: float(fraction) * float(np.std(np.asarray(x, float))),
            "You took a fraction of the pixels' spread; the survey's fraction is one of their range.",
        ),
        Wrong(
            "half the range", "bookkeeping", lambda x, fraction: fraction * (x.max() - x.min()) / 2,
            "You took half of the range, as if the noise went that far to either side.",
        ),
        Wrong(
            "the other way round", "bookkeeping", lambda x, fraction: fraction / (x.max() - x.min()),
            "You divided by the range. That makes a fraction of a noise; here the fraction is given.",
        ),
    ),
    cases=(
        (exact([-1, 0, 3]), Fraction(3, 20)),
        (exact([[2, -6, 1], [0, 4, -0.5]]), Fraction(1, 10)),
        (exact([[1, 3], [2, 8], [5, 1.5]]), Fraction(1, 5)),
        (exact([[-7, -2, -3], [-4, -2.5, -6]]), Fraction(1, 4)),
    ),
    property=Property(
        "a lighter copy of a picture gets the same noise, one of twice the contrast twice as much.", _by_range
    ),
    oracle=Oracle("NumPy's peak to peak", lambda x, fraction: fraction * np.ptp(x)),
    draw=lambda rng: (np.append(halves(rng, 4), exact([-4])), Fraction(int(rng.integers(1, 8)), 20)),
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def cancelled() -> Any:
    x = np.array([2.0, 1.0])
    noises = np.array([[0.0, -2.0], [0.0, 2.0]])
    return x, noises


def _signs_cancel(answer: Any) -> Refusal | None:
    """For S = relu(x1)^2/4 + |x2|: noise that adds up to 0, and at pixel 2 signed slopes that do, too."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return Refusal("interface", "Expected two things: x, noises.")
    shape = np.shape(answer[1]) if isinstance(answer[1], np.ndarray | list | tuple) and len(answer[1]) else ()
    x, noises = answer_array(answer[0], (2,)), answer_array(answer[1], shape) if shape[1:] == (2,) else None
    if x is None or noises is None:
        return Refusal("interface", "Expected x of two numbers, and noises with two numbers in each row.")
    if x[1] == 0:
        return Refusal("trivial", "At x2 = 0 the clean slope is already 0. Take a picture at which it is 1 or -1.")
    total = noises.sum(axis=0)
    if abs(total).max() > 1e-9:
        said = ", ".join(f"{float(v):g}" for v in total)
        return Refusal("property", f"Your noises add up to ({said}) and shift the picture; take some that cancel.")
    slopes = [hill_slopes(x + noise)[1] for noise in noises]
    if not any(slopes):
        return Refusal("property", "Every copy lies on the kink, x2 = 0; then the average of the maps is 0 as well.")
    if sum(slopes):
        return Refusal("property", f"At pixel 2 the copies' slopes are {_said(slopes)}: they do not cancel.")
    return None


def _said(slopes: Any) -> str:
    return ", ".join(f"{int(s)}" for s in slopes)


CANCELLED = Counterexample(
    solution=cancelled,
    statement="x, noises, for S = relu(x1)^2/4 + |x2|: the slopes at pixel 2 cancel on average, the maps do not.",
    clues=(
        "The slope of |x2| is 1 above 0 and -1 below. As many copies must lie on one side as on the other.",
        "From x2 = 1 two noises are enough: one that carries it to the other side of 0, and one that makes up for it.",
    ),
    hole="[[0.0, -2.0], [0.0, 2.0]]",
    judge=_signs_cancel,
    accepted=(
        ((1, 1), [[0, -2], [0, 2]]),
        (np.array([0.0, -0.5]), np.array([[1, 0.75], [2, -1.5], [-3, 0.75], [0, 0.0]])),
    ),
    refused=(
        (((1, 0), [[0, -2], [0, 2]]), "trivial"),
        (((1, 1), [[0, -2], [0, 0]]), "property"),
        (((1, 1), [[0, -0.5], [0, 0.5]]), "property"),
        (((1, 1), [[1, -1], [-1, 1], [0, 0]]), "property"),
        (((2, 1), [[-4, -2], [0, 0], [2, -3]]), "property"),
        (((1, 1, 1), [[0, -2], [0, 2]]), "interface"),
        (((1, 1), [0, -2]), "interface"),
        (((1, 1), []), "interface"),
        (((1, float("nan")), [[0, -2], [0, 2]]), "interface"),
        ("noise", "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

CLEAN_BACK = Question(
    id="clean_back",
    kind="predict",
    ask="A pixel's slope is exactly 0. In every noisy copy it is not quite: a little up, a little down. You average "
    "the maps (magnitudes) of n copies and let n grow. Its brightness ...",
    options={"A": "goes to 0", "B": "settles at some brightness above 0", "C": "grows and grows"},
    answer="B",
    because="A magnitude is never below 0, so nothing cancels: what is left is the mean magnitude of the jitter.",
    wrong=(
        ("A", "That is what the slopes do, signs and all. Their magnitudes have no signs left that could cancel."),
        ("C", "A mean of many numbers does not grow with how many there are; only its wobble shrinks."),
    ),
    look="What averages out, and what does not",
    later=True,
)

STILL_STAR = Question(
    id="still_star",
    kind="predict",
    ask="The noise has 15 % of the picture's range, in the middle of what the survey names. Of the noisy copies of the "
    "star, how many does the network still call star?",
    options={"A": "nearly all", "B": "about half, or fewer", "C": "none"},
    answer="B",
    because="Most copies are taken for something else, and SmoothGrad explains 'why star?' on every one of them.",
    wrong=(
        ("A", "To your eyes, yes. This network never saw so much noise when it learnt, and its star score collapses."),
        ("C", "That happens, too, with twice as much noise."),
    ),
    look="The noise changes the question",
    later=True,
)

FLAT_PICTURE = Question(
    id="flat_picture",
    kind="predict",
    ask="A picture that is the same grey everywhere; noise: 15 % of its range. Its SmoothGrad map is ...",
    options={"A": "smoother than the gradient's map", "B": "the gradient's map itself", "C": "black"},
    answer="B",
    because="Its range is 0, and 15 % of nothing is no noise: all copies are the picture.",
    wrong=(
        ("A", "Smoothing takes noise, and how much there is was tied to the picture's range."),
        ("C", "The picture is flat; the network's slopes at it are not 0."),
    ),
    look="Break it",
    later=True,
)

TWO_DRAWS = Question(
    id="two_draws",
    kind="observe",
    ask="At noise 0.3 you let n grow, averaging maps. What happened to the two draws?",
    options={
        "A": "they became alike, and both became the clean map",
        "B": "they became alike, and stayed unlike the clean map",
        "C": "they stayed as different as they were",
    },
    answer="B",
    because="n removes the accident of the draw. What is left belongs to the noise level, and more copies do not help.",
    wrong=(
        ("A", "Compare the two numbers in the words: one goes towards 1, the other stops well below."),
        ("C", "Compare n = 1 and n = 16: the first of the two numbers grows."),
    ),
)

WHAT_SMOOTH = Question(
    id="what_smooth",
    kind="claim",
    ask="A SmoothGrad map, 50 copies, 15 % noise: clean, and right on the object. Which sentence does it support?",
    options={
        "A": "The dust in the gradient's map was an error, and now we see what the network really looks at",
        "B": "Averaged over noisy copies of this picture, these pixels have the steepest slopes",
        "C": "With 500 copies instead of 50 the true map of this picture would appear",
        "D": "These pixels contributed most to the score",
    },
    answer="B",
    because="The map answers for a cloud of pictures around this one; how wide a cloud, you chose.",
    wrong=(
        ("A", "The gradient was exact. The dust is this network's slope at this picture; you asked about others."),
        ("C", "More copies make the average steadier. What it settles at is not the clean map."),
        ("D", "Slopes stay slopes however many you average: score per unit, not score."),
    ),
    look="One page to keep",
)

EXERCISES = (
    CLEAN_BACK, STILL_STAR, FLAT_PICTURE, SMOOTHGRAD, NOISE_LEVEL, CANCELLED, TWO_DRAWS, WHAT_SMOOTH,
)  # fmt: skip
