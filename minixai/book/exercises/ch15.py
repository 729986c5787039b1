"""Chapter 15: judges of maps that ask an outline, and one that asks the network."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers.ch01 import DETECTOR
from minixai.book.values import say_number
from minixai.metrics import auc as engines_auc
from minixai.metrics import deletion_curve
from minixai.metrics import iou as engines_iou
from minixai.ops import Array, exact

CHAPTER = "15_which_map"
Score = Callable[[Array], Any]

# -- E1 ----------------------------------------------------------------------------------------------------------------


def auc(R: Any, mask: Any) -> Any:
    inside, outside = R[mask == 1][:, None], R[mask == 0]
    wins, ties = (inside > outside).sum(), (inside == outside).sum()
    return (2 * wins + ties) / (2 * mask.sum() * (1 - mask).sum())


def _pairs(tie: int) -> Callable[[Any, Any], Any]:
    """auc with another value for a tie, in halves of a win."""

    def found(R: Any, mask: Any) -> Any:
        inside, outside = R[mask == 1][:, None], R[mask == 0]
        points = 2 * (inside > outside).sum() + tie * (inside == outside).sum()
        return points / (2 * mask.sum() * (1 - mask).sum())

    return found


def _best_threshold(R: Any, mask: Any) -> Any:
    right = [((level <= R) == (mask == 1)).sum() for level in R.flat]
    return max(right) / (0 * mask + 1).sum()


def _beats_the_mean(R: Any, mask: Any) -> Any:
    inside, outside = R[mask == 1], R[mask == 0]
    return (inside > outside.mean()).sum() / mask.sum()


def _only_order_counts(f: Any, R: Any, mask: Any) -> bool:
    found = f(R, mask)
    return bool(np.isclose(f(R**3 + R + 5, mask), found) and np.isclose(f(-R, mask), 1 - found))


AUC = Function(
    solution=auc,
    statement="Of all pairs of a pixel on the object and a pixel off it: the share in which the one on the object has "
    "the larger number, a tie counting half.",
    clues=(
        "Every pixel on the object meets every pixel off it. Who has the larger number? Count wins, and ties as half.",
        "R[mask == 1][:, None] and R[mask == 0] meet in one table when you compare them. Add up its wins and its ties; "
        "mask.sum() * (1 - mask).sum() is the number of pairs.",
    ),
    hole="2 * wins + ties",
    wrong=(
        Wrong(
            "a tie counted as a win", "convention", _pairs(2),
            "You counted a tie as a win. A map of zeros would get 1, as if it had found the object; it should get 1/2.",
        ),
        Wrong(
            "a tie counted as a loss", "convention", _pairs(0),
            "You counted a tie as a loss. A map of zeros would get 0, as if it avoided the object; it should get 1/2.",
        ),
        Wrong(
            "object and background exchanged", "bookkeeping", lambda R, mask: 1 - auc(R, mask),
            "You counted the wins of the background. mask is 1 on the object.",
        ),
        Wrong(
            "share of the map on the object", "idea", lambda R, mask: (R * mask).sum() / _not_zero(R.sum()),
            "You added up what lies on the object. AUC never adds: one pixel of a thousand is one win, as is one of 2.",
        ),
        Wrong(
            "right answers at the best threshold", "idea", _best_threshold,
            "You cut the map at one level and counted how many pixels it sorts rightly. AUC has no level: it asks all "
            "pairs.",
        ),
        Wrong(
            "compared with the background's mean", "idea", _beats_the_mean,
            "You compared each pixel of the object with the mean of the background. A few strong pixels there move a "
            "mean; in pairs each counts once.",
        ),
        Wrong(
            "magnitudes compared", "idea", lambda R, mask: auc(abs(R), mask),
            "You took magnitudes first. What speaks strongly against the class would count as marked for it.",
        ),
        Wrong(
            "difference of the means", "idea",
            lambda R, mask: (R * mask).sum() / mask.sum() - (R * (1 - mask)).sum() / (1 - mask).sum(),
            "You subtracted mean from mean. That has the map's unit and grows with it; AUC is a share of pairs.",
        ),
        Wrong(
            "one comparison of means", "idea",
            lambda R, mask: 0 * mask.sum() + int(R[mask == 1].mean() > R[mask == 0].mean()),
            "You compared one mean with the other. AUC asks every pair, so it can say how often, not only whether.",
        ),
        Wrong(
            "only the largest number asked", "idea",
            lambda R, mask: 0 * mask.sum() + int(mask.flat[int(np.argmax(R))] == 1),
            "You asked where the largest number lies. That is another judge, the pointing game.",
        ),
    ),
    cases=(
        (exact([3, 1, 1, 0, 0]), exact([1, 1, 0, 0, 0])),
        (exact([3, 2, 1, 1, 2]), exact([1, 0, 1, 0, 1])),
        (exact([[-2, 1, 0], [4, 0, -3]]), exact([[0, 1, 0], [1, 0, 1]])),
        (exact([1.5, -3, 2, -1, 0, 1]), exact([1, 0, 0, 1, 1, 0])),
    ),
    property=Property(
        "only the order of the numbers counts: R**3 + R + 5 gives the same; and -R gives 1 minus it.",
        _only_order_counts,
    ),
    oracle=Oracle("the engine's AUC, by ranks", lambda R, mask: engines_auc(np.asarray(R, float), mask)),
    draw=lambda rng: (halves(rng, 3, 4, low=-3, high=4), _some_of_it(rng, 3, 4)),
)  # fmt: skip


def _not_zero(total: Any) -> Any:
    return total if total else total + 1  # a sum that cancels: whoever divides by it gets something else anyway


def _some_of_it(rng: np.random.Generator, *shape: int) -> Array:
    """A mask that is neither empty nor full."""
    mask = rng.permutation(np.arange(int(np.prod(shape))) < rng.integers(2, 6))
    return exact(mask.reshape(shape).astype(int))


# -- E2 ----------------------------------------------------------------------------------------------------------------


def iou_at(R: Any, mask: Any) -> Any:
    marked = R.max() / 2 <= R
    both = (mask * marked).sum()
    return both / (mask.sum() + marked.sum() - both)


def _regions(marks: Callable[[Any], Any], judge: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """iou_at with another way to mark a region, or to compare it with the object."""

    def found(R: Any, mask: Any) -> Any:
        marked = marks(R)
        return judge((mask * marked).sum(), mask.sum(), 0 * mask.sum() + marked.sum())

    return found


def _half(R: Any) -> Any:
    return R.max() / 2 <= R


def _over_union(both: Any, ours: Any, theirs: Any) -> Any:
    return both / (ours + theirs - both)


def _the_mask_gets_1(f: Any, R: Any, mask: Any) -> bool:
    return bool(np.isclose(f(3 * R, mask), f(R, mask)) and np.isclose(f(7 * mask, mask), 1))


IOU_AT = Function(
    solution=iou_at,
    statement="The region where R reaches half of its maximum, and the object: what they share over what either "
    "covers. (Some number of R is positive.)",
    clues=(
        "Two regions: the object, and the pixels with at least half of the largest number. Count what they share.",
        "R.max() / 2 <= R marks the region. What either covers is one plus the other minus what both cover, or you "
        "would count the shared pixels twice.",
    ),
    hole="mask.sum() + marked.sum() - both",
    wrong=(
        Wrong(
            "Dice", "idea", _regions(_half, lambda both, ours, theirs: 2 * both / (ours + theirs)),
            "That is Dice's coefficient, twice the shared over the sum of both. It ranks as IoU does, but it is "
            "always at least as large.",
        ),
        Wrong(
            "over the object only", "idea", _regions(_half, lambda both, ours, theirs: both / ours),
            "You divided by the object (recall). A map that marks the whole picture would get 1.",
        ),
        Wrong(
            "over the map only", "idea", _regions(_half, lambda both, ours, theirs: both / theirs),
            "You divided by what the map marks (precision). One lucky pixel on the object would get 1.",
        ),
        Wrong(
            "shared pixels counted twice", "bookkeeping",
            _regions(_half, lambda both, ours, theirs: both / (ours + theirs)),
            "You divided by one plus the other: the shared pixels are in there twice, so that a perfect map gets 1/2.",
        ),
        Wrong(
            "threshold at 1/2", "bookkeeping", _regions(lambda R: 2 * R >= 1, _over_union),
            "You marked what is at least 1/2. Asked is half of the *maximum*, and that depends on the map.",
        ),
        Wrong(
            "half-way between least and most", "idea", _regions(lambda R: (R.max() + R.min()) / 2 <= R, _over_union),
            "You cut half-way between the smallest and the largest number; with a negative one that lies lower.",
        ),
        Wrong(
            "threshold at the mean", "idea", _regions(lambda R: R.mean() <= R, _over_union),
            "You marked what lies above the mean. The level here is half of the largest number.",
        ),
        Wrong(
            "magnitudes marked", "idea", _regions(lambda R: R.max() / 2 <= abs(R), _over_union),
            "You marked strong numbers of either sign. What speaks against the class is not marked here.",
        ),
        Wrong(
            "strictly more than half", "convention", _regions(lambda R: R.max() / 2 < R, _over_union),
            "You left out pixels with exactly half of the maximum. In tiny examples that shows.",
        ),
    ),
    cases=(
        (exact([4, 1, 2, 3, 2]), exact([1, 1, 1, 0, 0])),
        (exact([[-3, 2, 0.5], [1, -2, 4]]), exact([[1, 1, 0], [0, 0, 1]])),
        (exact([0.5, 0.25, -0.5, 1, 0.5, 0.375]), exact([1, 1, 0, 1, 0, 0])),
        (exact([6, 2, 3, -4, 2, 2]), exact([1, 0, 1, 1, 0, 1])),
    ),
    property=Property("three times the map gives the same, and the mask taken as a map gets 1.", _the_mask_gets_1),
    oracle=Oracle(
        "the engine's IoU",
        lambda R, mask: engines_iou(np.asarray(R, float), mask, threshold=float(np.max(R)) / 2),
    ),
    draw=lambda rng: (_with_a_peak(halves(rng, 3, 4), rng), _some_of_it(rng, 3, 4)),
)  # fmt: skip


def _with_a_peak(R: Array, rng: np.random.Generator) -> Array:
    R.flat[int(rng.integers(R.size))] = 4
    return R


# -- E3 ----------------------------------------------------------------------------------------------------------------


def _five(x: Array) -> Any:
    return min(x[0], x[1]) + 3 * x[2] - x[3] + x[4] + 1


def _product(x: Array) -> Any:
    return x[0] * x[1] - x[2] * x[3] + 2


def _largest(x: Array) -> Any:
    return max(x[0], x[1], x[2]) - 2 * x[3]


_five.__name__ = "min(x1, x2) + 3x3 - x4 + x5 + 1"
_product.__name__ = "x1 x2 - x3 x4 + 2"
_largest.__name__ = "max(x1, x2, x3) - 2x4"
SCORES = {_five: 5, _product: 4, _largest: 4}  # and how many pixels they look at


def deletion_drop(score: Any, x: Any, R: Any, k: Any, fill: Any) -> Any:
    first = np.argsort(-R, kind="stable")[:k]
    y = x.copy()
    y[first] = fill
    return score(x) - score(y)


def _hidden(
    key: Callable[[Any, Any], Any] = lambda R, x: R,
    worth: Callable[[Any, Any], Any] = lambda clean, left: clean - left,
    keeps: bool = False,
    last: bool = False,
    black: bool = False,
) -> Callable[..., Any]:
    """deletion_drop of a reader who has changed one thing."""

    def found(score: Any, x: Any, R: Any, k: Any, fill: Any) -> Any:
        order = np.argsort(-key(R, x), kind="stable")
        y = x.copy()
        y[order[k:] if keeps else order[k - 1 : k] if last else order[:k]] = 0 * fill if black else fill
        return worth(score(x), score(y))

    return found


def _one_by_one(score: Any, x: Any, R: Any, k: Any, fill: Any) -> Any:
    single = [np.where(np.arange(x.size) == i, fill, x) for i in np.argsort(-R, kind="stable")[:k]]
    return sum(score(x) - score(y) for y in single)


def _on_the_curve(score: Any, x: Any, R: Any, k: Any, fill: Any) -> Any:
    def batch(pictures: Array) -> Array:
        return np.array([float(score(p)) for p in pictures])

    curve = deletion_curve(batch, np.asarray(x, float), np.asarray(R, float), fill, progress=False)
    return curve.scores[0] - curve.scores[k]


def _order_and_ends(f: Any, score: Any, x: Any, R: Any, k: Any, fill: Any) -> bool:
    all_gone = score(x) - score(0 * x + fill)
    return bool(
        np.isclose(f(score, x, R**3 - 2, k, fill), f(score, x, R, k, fill))
        and np.isclose(f(score, x, R, 0, fill), 0)
        and np.isclose(f(score, x, R, x.size, fill), all_gone)
    )


DELETION_DROP = Function(
    solution=deletion_drop,
    statement="How far the score falls when the k pixels with the largest numbers in R become fill, all together.",
    clues=(
        "Which k pixels? Sort them by R, the largest first. Then paint a copy of x there, and ask for its score.",
        "np.argsort sorts upwards, so np.argsort(-R)[:k] are the places of the k largest. A copy: y = x.copy().",
    ),
    hole='np.argsort(-R, kind="stable")[:k]',
    wrong=(
        Wrong(
            "the least relevant hidden", "bookkeeping", _hidden(key=lambda R, x: -R),
            "You hid the pixels with the smallest numbers. np.argsort sorts upwards: turn the sign round.",
        ),
        Wrong(
            "ranked by magnitude", "idea", _hidden(key=lambda R, x: abs(R)),
            "You ranked by magnitude. A pixel that speaks against the class is then hidden early, and the score rises.",
        ),
        Wrong(
            "the score that is left", "idea", _hidden(worth=lambda clean, left: left),
            "That is the score that is left. Asked is what was lost: the score of x minus it.",
        ),
        Wrong(
            "one pixel at a time, drops added", "idea", _one_by_one,
            "You hid them one at a time and added the drops. Two pixels that stand in for each other, or need each "
            "other, only show it when they go together.",
        ),
        Wrong(
            "kept those, hid the rest", "idea", _hidden(keeps=True),
            "You kept those k and hid the others. That is a test of what suffices; here, of what is missed.",
        ),
        Wrong(
            "sign turned round", "bookkeeping", _hidden(worth=lambda clean, left: left - clean),
            "The sign is turned round: a score that falls is a positive drop.",
        ),
        Wrong(
            "a share of the score", "bookkeeping", _hidden(worth=lambda clean, left: (clean - left) / _not_zero(clean)),
            "You divided by the score. Asked is the drop itself, in units of the score.",
        ),
        Wrong(
            "only the k-th hidden", "bookkeeping", _hidden(last=True),
            "You hid one pixel, the k-th. All k go together: a slice [:k], not one index.",
        ),
        Wrong(
            "filled black whatever was asked", "bookkeeping", _hidden(black=True),
            "You painted them black, 0. The colour is given: fill.",
        ),
        Wrong(
            "ranked by brightness", "idea", _hidden(key=lambda R, x: x),
            "You hid the brightest pixels of the picture. The order comes from the map.",
        ),
        Wrong(
            "ranked by map times picture", "idea", _hidden(key=lambda R, x: R * x),
            "You ranked by the map times the picture. The map is to be judged as it is.",
        ),
    ),
    cases=(
        (_five, exact([4, 3, 1, 2.5, 1]), exact([2, 2.5, 1, -3, 0.5]), 2, exact(0).item()),
        (_product, exact([2, -1, 3, 0.5]), exact([-1, 2, 0.5, 1]), 2, exact(1).item()),
        (_largest, exact([1, 2.5, -2, 0.5]), exact([1, 0.5, 2, -3]), 3, exact(-1).item()),
        (_five, exact([1, 2, -0.5, -1, 3]), exact([-2, 3, -1, 1.5, -4]), 3, exact(0.5).item()),
    ),
    property=Property(
        "only the order in R counts: R**3 - 2 gives the same; k = 0 costs nothing; with all hidden, R does not matter.",
        _order_and_ends,
    ),
    oracle=Oracle("the engine's deletion curve", _on_the_curve),
    draw=lambda rng: _fresh(rng),
)  # fmt: skip


def _fresh(rng: np.random.Generator) -> tuple:
    score = list(SCORES)[int(rng.integers(len(SCORES)))]
    n = SCORES[score]
    R = exact(rng.permutation([-5, -3, -2, 1, 2, 4, 6])[:n]) / 2
    return score, halves(rng, n), R, int(rng.integers(1, n)), halves(rng, 1)[0]


# -- E4 ----------------------------------------------------------------------------------------------------------------


def sim_sums(R: Any, other: Any) -> Any:
    return np.minimum(R / R.sum(), other / other.sum()).sum()


def _spread(R: Any) -> Any:
    low = R - R.min()
    return low / low.sum()


def _halved_distance(R: Any, other: Any) -> Any:
    """1 minus half of the summed distances."""
    p, q = (np.ravel(np.asarray(v, float)) for v in (R, other))
    return 1 - np.linalg.norm(p / np.linalg.norm(p, 1) - q / np.linalg.norm(q, 1), 1) / 2


def _twins_and_turns(f: Any, R: Any, other: Any) -> bool:
    return bool(
        np.isclose(f(R, R), 1) and np.isclose(f(R, other), f(other, R)) and np.isclose(f(5 * R, other), f(R, other))
    )


SIM_SUMS = Function(
    solution=sim_sums,
    statement="Two maps without negative numbers, each brought to a sum of 1: the sum of the smaller numbers.",
    clues=(
        "Each map is a heap of sand of the same weight. How much lies in the same place in both?",
        "Divide each map by its own sum. np.minimum takes, pixel by pixel, the smaller of two.",
    ),
    hole="R / R.sum()",
    wrong=(
        Wrong(
            "not brought to a sum of 1", "bookkeeping", lambda R, other: np.minimum(R, other).sum(),
            "The maps kept their own sums. The stronger map would be called more alike.",
        ),
        Wrong(
            "each over its maximum", "idea",
            lambda R, other: np.minimum(R / R.max(), other / other.max()).sum(),
            "You divided by the maxima. A map has to weigh 1 in all, not at its peak.",
        ),
        Wrong(
            "the distance", "idea", lambda R, other: abs(R / R.sum() - other / other.sum()).sum(),
            "That is how far apart they are, the sum of the differences. Alike is 1 minus half of it.",
        ),
        Wrong(
            "1 minus the distance", "idea", lambda R, other: 1 - abs(R / R.sum() - other / other.sum()).sum(),
            "Nearly. What is missing in one place lies too much in another, so every difference counts twice: half it.",
        ),
        Wrong(
            "products", "idea", lambda R, other: (R / R.sum() * other / other.sum()).sum(),
            "You multiplied. Then a map and itself would not get 1.",
        ),
        Wrong(
            "the larger numbers", "bookkeeping",
            lambda R, other: np.maximum(R / R.sum(), other / other.sum()).sum(),
            "You took the larger of the two; shared is the smaller.",
        ),
        Wrong(
            "stretched first", "convention", lambda R, other: np.minimum(_spread(R), _spread(other)).sum(),
            "You subtracted each map's smallest number first. The package does so, too; here only the sums are made "
            "equal.",
        ),
    ),
    cases=(
        (exact([1, 2, 1]), exact([0, 1, 3])),
        (exact([[3, 1, 0.5], [0.5, 2, 1]]), exact([[1, 1, 2], [4, 0.5, 1.5]])),
        (exact([2, 0.5, 1, 4, 0.5]), exact([1, 3, 1, 0.5, 2.5])),
    ),
    property=Property("a map and itself get 1; the order of the two, and a factor, change nothing.", _twins_and_turns),
    oracle=Oracle("1 minus half of the distances", _halved_distance),
    draw=lambda rng: (halves(rng, 3, 4, low=1), halves(rng, 3, 4, low=1)),
)  # fmt: skip

# -- E5 ----------------------------------------------------------------------------------------------------------------


def other_fill() -> Any:
    x = np.array([0.5, 1.0])
    return x, 0.0, 0.5


def drops(x: Array, fill: Any) -> Array:
    """What chapter 01's detector loses when its snow becomes fill, and what when its snout does."""
    clean = DETECTOR(x)[0]
    return exact([clean - DETECTOR(exact([fill, x[1]]))[0], clean - DETECTOR(exact([x[0], fill]))[0]])


def _turns_round(answer: Any) -> Refusal | None:
    """(picture of two numbers, fill, fill): the snow costs more with one of the fills, the snout with the other."""
    given = _picture_and_fills(answer)
    if given is None:
        return Refusal(
            "interface", "Expected (picture, fill, another fill): two numbers, then one and one, all from 0 to 1."
        )
    x, one, other = given
    if one == other:
        return Refusal("trivial", f"Both fills are {say_number(float(one))}: one question, asked twice.")
    found = {fill: drops(x, fill) for fill in (one, other)}
    more = [snow - snout for snow, snout in found.values()]
    if more[0] * more[1] < 0:
        return None
    told = [
        f"with {say_number(float(fill))} the snow costs {say_number(float(snow))}, the snout {say_number(float(snout))}"
        for fill, (snow, snout) in found.items()
    ]
    return Refusal("property", f"{'; '.join(told).capitalize()}. The larger cost has to change places.")


def _picture_and_fills(answer: Any) -> tuple[Array, Any, Any] | None:
    """The answer in fractions, if it is a picture of two numbers and two fills, all from 0 to 1."""
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        return None
    parts = [answer_array(part, shape) for part, shape in zip(answer, ((2,), (), ()), strict=True)]
    if any(part is None or ((part < 0) | (part > 1)).any() for part in parts):
        return None
    x, one, other = (np.asarray(part, object) for part in parts)
    return x, one.item(), other.item()


OTHER_FILL = Counterexample(
    solution=other_fill,
    statement="A picture (snow, snout) and two fills between which the detector's costlier pixel changes.",
    clues=(
        "The snow weighs 3, the snout 1. What does it cost to paint the snow in the colour that it has anyway?",
        "Let the snow be half white, 0.5. With one of your fills make it vanish; with the other paint it as it is.",
    ),
    hole="0.0, 0.5",
    judge=_turns_round,
    accepted=(
        (np.array([0.5, 1.0]), 0.0, 0.5),
        ((0.5, 0.5), 1, 0),
        ([0.4, 0.2], 0.1, 0.9),
    ),
    refused=(
        (((0.5, 1), 0.5, 0.5), "trivial"),
        (((1, 1), 0, 0.5), "property"),
        (((0.5, 1), 0.0, 0.25), "property"),
        (((1, 0), 0, 0.9), "property"),
        (((0.5, 1), 0.0, 2), "interface"),
        (((0.5, 1, 0), 0.0, 0.5), "interface"),
        (((float("nan"), 1), 0.0, 0.5), "interface"),
        ("black, then white", "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

HOW_MANY_JUDGES = Question(
    id="how_many_judges",
    kind="predict",
    ask="Four judges hold an outline of the animal against each map: AUC, IoU, SIM, the pointing game. The network "
    "goes by the snow. How many of the four prefer Q, the map on the snow?",
    options={"A": "none", "B": "one", "C": "two", "D": "all: the network uses the snow"},
    answer="A",
    because="None of them can. They are shown a map and an outline, never the network.",
    wrong=(
        ("B", "Which one? Each of them gets a map and an outline and nothing else."),
        ("C", "They differ in how they compare. But all of them compare with the animal."),
        ("D", "How would they know? Nobody shows them the network."),
    ),
    look="Two pixels, two judges",
    later=True,
)

BLOB = Question(
    id="blob",
    kind="predict",
    ask="A round blob in the middle, always the same: it has seen neither picture nor network. What AUC does it get, "
    "on average over a hundred of chapter 00's drawings? (A coin gets 1/2; the gradient's maps get 0.84.)",
    options={"A": "about 0.50", "B": "about 0.65", "C": "about 0.85", "D": "about 0.99"},
    answer="C",
    because="0.85, level with the gradient. Whoever draws or photographs a thing puts it in the middle.",
    wrong=(
        ("A", "It would, if the objects stood anywhere. Where do you put what you photograph?"),
        ("B", "More. Few drawings have their object near the border."),
        ("D", "Not that much: it does not know how large the object is, nor on which side of the middle."),
    ),
    look="Break it",
    later=True,
)

WHITE_PAINT = Question(
    id="white_paint",
    kind="predict",
    ask="Paint the snow grey, and husky loses more than with the wolf in grey: so it is with each of a hundred "
    "pictures. Now the same with white paint. For how many of the hundred does the snow cost more?",
    options={"A": "all", "B": "about half", "C": "none"},
    answer="C",
    because="None. Snow in white paint is snow; it even makes the network surer.",
    wrong=(
        ("A", "What does a white patch look like to a network that looks for snow?"),
        ("B", "It is clearer than that. Think of what white paint adds to such a picture."),
    ),
    look="What does *not there* look like?",
    later=True,
)

HOW_ALIKE = Question(
    id="how_alike",
    kind="predict",
    ask="The last two of a network's six layers get random numbers, and its answers are no better than guessing. How "
    "alike (1: the same, 0: nothing in common) are the maps of guided backpropagation before and after?",
    options={"A": "below 0.3", "B": "about 0.6", "C": "above 0.9"},
    answer="C",
    because="0.92 over a hundred pictures. Most of what this map shows does not come from those two layers.",
    wrong=(
        ("A", "So it would be, if the map came from what the network decides."),
        ("B", "That is nearer to the plain gradient's 0.52."),
    ),
    look="Forget, and look again",
    later=True,
)

HOW_TO_LOSE = Question(
    id="how_to_lose",
    kind="observe",
    ask="AUC above 0.9, and the pointing game lost. What did it take?",
    options={
        "A": "most of the map off the animal",
        "B": "one pixel off the animal that is larger than all others",
        "C": "a map with the same number everywhere",
        "D": "it cannot be done",
    },
    answer="B",
    because="One pixel loses a few pairs of hundreds, and AUC hardly notices. The pointing game asks that pixel alone.",
    wrong=(
        ("A", "Then the pairs are lost, too, and AUC falls."),
        ("C", "That gets AUC 1/2: every pair is a tie."),
        ("D", "Paint the whole animal with 1. Then put a single 3 somewhere else."),
    ),
)

WHO_NOTICES = Question(
    id="who_notices",
    kind="observe",
    ask="Go to two layers drawn anew and through the methods. Whose map does not change by a single number?",
    options={"A": "gradient", "B": "guided-backprop", "C": "fem", "D": "grad-cam"},
    answer="C",
    because="FEM reads the maps below those two layers and asks nobody above. (The picture's own edges do not move, "
    "either: they ask no layer at all.)",
    wrong=(
        ("A", "Its curve falls to about a half at once."),
        ("B", "Close, 0.92; but look at the words for FEM."),
        ("D", "Grad-CAM needs the class's slope, which comes from exactly those layers."),
    ),
)

WHAT_PASSES = Question(
    id="what_passes",
    kind="claim",
    ask="All layers of a network are drawn anew, and a method's map changes completely. What does that support?",
    options={
        "A": "The method is faithful",
        "B": "The map depends on what the network has learnt; whether it tells it rightly is open",
        "C": "The map agrees with people",
        "D": "The method is unstable",
    },
    answer="B",
    because="It has passed a test that a faithful map must pass. Others pass it, too: a map of the *least* used pixels "
    "would.",
    wrong=(
        ("A", "Faithful maps pass, but so does any map that merely reacts to the weights."),
        ("C", "No person and no outline took part."),
        ("D", "It was another network that was asked; then another answer is right."),
    ),
    look="Forget, and look again",
)

AGREES_BEST = Question(
    id="agrees_best",
    kind="claim",
    ask="On husky, FEM's maps have an AUC of 0.86 against the wolf. Which sentence does this support?",
    options={
        "A": "FEM's maps lie on the wolf",
        "B": "husky goes by the wolf",
        "C": "FEM explains husky better than LRP-0, whose AUC is 0.50",
        "D": "FEM's maps are faithful",
    },
    answer="A",
    because="AUC compares a map with an outline. What husky goes by is another question, and another experiment.",
    wrong=(
        ("B", "Melt the snow, and husky's answer goes with it."),
        ("C", "Better at lying on the wolf. When its pixels are deleted, LRP-0's cost husky more."),
        ("D", "Nobody asked the network."),
    ),
    look="Slot 2. Faithfulness: does the network care?",
)

EXERCISES = (
    HOW_MANY_JUDGES, BLOB, WHITE_PAINT, AUC, IOU_AT, HOW_TO_LOSE, DELETION_DROP, OTHER_FILL, HOW_ALIKE, WHO_NOTICES,
    SIM_SUMS, WHAT_PASSES, AGREES_BEST,
)  # fmt: skip
