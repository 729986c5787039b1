"""Chapter 18: who could have said this; one formula, four names; eight maps without a name; verdicts; an exception."""

from typing import Any

import numpy as np

from minixai.book.exercise import Counterexample, Function, Naming, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.figures.ch18 import EIGHT, SCRAMBLED, leads
from minixai.book.numbers import say
from minixai.book.numbers.ch18 import four, sixteen
from minixai.ops import exact

CHAPTER = "18_choosing"

# -- E1 ----------------------------------------------------------------------------------------------------------------


def consistent_methods(shares: Any, answers: Any) -> Any:
    same = (answers == shares).all(axis=2)
    return same.all(axis=1) * 1


def _marks(found: Any) -> Any:
    return np.asarray(found, bool) * 1


def _only_the_first(shares: Any, answers: Any) -> Any:
    found = consistent_methods(shares, answers)
    return found * (np.cumsum(found) == 1)


def _nearest(shares: Any, answers: Any) -> Any:
    off = ((answers - shares) ** 2).sum(axis=(1, 2))
    return _marks(off == off.min())


def _unit(v: Any) -> Any:
    """Each picture's numbers over the sum of their magnitudes; zeros stay."""
    total = abs(v).sum(axis=-1, keepdims=True)
    return v / np.where(total == 0, total + 1, total)


def _ranks(v: Any) -> Any:
    return v.argsort(axis=-1, kind="stable")


def _every_row_is_found_and_not_twice_it(f: Any, shares: Any, answers: Any) -> bool:
    """A row that is reported is found, with no more candidates than its first picture leaves; twice the row is not."""
    for k, row in enumerate(answers):
        found, first = np.asarray(f(row, answers)), np.asarray(f(row[:1], answers[:, :1]))
        if not found[k] or (found > first).any() or (row.any() and np.asarray(f(2 * row, answers))[k]):
            return False
    return True


def _one_by_one(shares: Any, answers: Any) -> Any:
    return [int(np.array_equal(row, shares)) for row in answers]


def _report(rng: np.random.Generator) -> tuple:
    """A report, and answers near it: it itself, twice or not at all; and others that share something with it."""
    report = halves(rng, 2, 3, without_zero=True)
    moved = halves(rng, 3, low=1)
    near = [
        2 * report, -report, report + exact([0, 0, 1]), report + np.stack([moved, -moved]),
        np.stack([report[0], report[1] + moved]), np.stack([report[0], report[1] - report[1].min()]),
        np.stack([np.roll(one, 1) for one in report]),
    ]  # fmt: skip
    rows = near + [report] * (2 * int(rng.integers(2)))
    return report, np.stack([rows[k] for k in rng.permutation(len(rows))])


SIXTEEN = np.stack(list(sixteen().values()))
ELSEWHERE = np.stack(list(sixteen(exact([3, 8])).values()))
BOTH = np.stack([SIXTEEN, ELSEWHERE], axis=1)  # (method, picture, pixel)

CONSISTENT_METHODS = Function(
    solution=consistent_methods,
    statement="For every method 1 if it gives exactly the reported shares, every pixel of every picture; else 0. "
    "shares: (pictures, pixels); answers: (methods, pictures, pixels).",
    clues=(
        "Compare number by number first. When does a method agree on one picture, and when with the whole report?",
        "answers == shares is a table of True and False of the shape of answers. .all(axis=2) asks all pixels, one "
        "answer per method and picture; then ask all pictures. Times 1 makes numbers of it.",
    ),
    hole="same.all(axis=1)",
    wrong=(
        Wrong(
            "stops at the first", "idea", _only_the_first,
            "You stopped at the first method that fits. There may be more, and then the report does not say which.",
        ),
        Wrong(
            "same ranking suffices", "idea",
            lambda shares, answers: _marks((_ranks(answers) == _ranks(shares)).all(axis=(1, 2))),
            "You compared the order of the pixels. Methods of different rules may rank alike and share differently.",
        ),
        Wrong(
            "same sum suffices", "idea",
            lambda shares, answers: _marks((answers.sum(axis=2) == shares.sum(axis=1)).all(axis=1)),
            "You compared sums. Whoever conserves the score has the same sum, whatever pixel it goes to.",
        ),
        Wrong(
            "proportional suffices", "idea",
            lambda shares, answers: _marks((_unit(answers) == _unit(shares)).all(axis=(1, 2))),
            "You compared proportions. A slope of 1 and a share of 6 point the same way; they are not one answer.",
        ),
        Wrong(
            "one picture is enough", "idea",
            lambda shares, answers: _marks((answers == shares).all(axis=2).any(axis=1)),
            "For you one picture that fits is enough. A method must have said all of the report.",
        ),
        Wrong(
            "only the first picture", "bookkeeping",
            lambda shares, answers: _marks((answers[:, 0] == shares[0]).all(axis=1)),
            "You looked at the first picture only. The others were reported, too, and may rule a method out.",
        ),
        Wrong(
            "one pixel is enough", "bookkeeping",
            lambda shares, answers: _marks((answers == shares).any(axis=2).all(axis=1)),
            "For you one pixel that fits is enough, in each picture. All of them have to.",
        ),
        Wrong(
            "magnitudes compared", "idea",
            lambda shares, answers: _marks((abs(answers) == abs(shares)).all(axis=(1, 2))),
            "You dropped the signs. What speaks against is not what speaks for.",
        ),
        Wrong(
            "nearest, however far", "idea", _nearest,
            "You took the nearest method. One is always the nearest; 'none of these' must be a possible answer.",
        ),
        Wrong(
            "totals over all pictures", "bookkeeping",
            lambda shares, answers: _marks((answers.sum(axis=1) == shares.sum(axis=0)).all(axis=1)),
            "You added the pictures up first. Too much on one and too little on another then looks right.",
        ),
    ),
    cases=(
        (exact([[0, 6]]), SIXTEEN[:, None]),
        (np.stack([SIXTEEN[6], ELSEWHERE[6]]), BOTH),
        (exact([[3, 3], [3, 0]]), BOTH),
        (exact([[2, -1, 3], [4, 1, 2]]), exact([
            [[2, -1, 3], [4, 1, 2]], [[2, 1, 3], [4, 1, 2]], [[2, -1, 3], [4, 2, 1]], [[4, -2, 6], [8, 2, 4]],
            [[2, -1, 3], [4, 1, 2]], [[2, 3, -1], [4, 1, 2]], [[0, -2, 3], [6, 2, 2]], [[3, -1, 3], [4, 1, 3]],
        ])),
        (exact([[1, 5], [2, 0.5]]), exact([
            [[1, 4], [2, 0.5]], [[5, 1], [2, 0.5]], [[1, 5], [3, 0.5]], [[-1, 5], [2, -0.5]], [[2, 4.5], [1, 1]],
        ])),
        (exact([[1, 5], [2, 0.5], [1, 1]]), exact([
            [[1, 5], [2, 0.5], [1, 1]], [[5, 1], [0.5, 2], [1, 1]], [[1, 5], [-2, 0.5], [1, 1]],
            [[0, 5], [3, 0.5], [1, 1]],
        ])),
    ),
    property=Property(
        "a row that is reported is found, twice that row is not, and more pictures never leave more candidates.",
        _every_row_is_found_and_not_twice_it,
    ),
    oracle=Oracle("NumPy's array_equal, method by method,", _one_by_one),
    draw=_report,
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def one_formula() -> Any:
    return np.array([10.0, 6.0]), -1.0


def _parts_the_four(answer: Any) -> Refusal | None:
    """(x, b): the four rows that say (0, 6) without a bias do not all say the same with it."""
    found = answer if isinstance(answer, tuple | list) and len(answer) == 2 else (None, None)
    x, b = (answer_array(part, shape) for part, shape in zip(found, ((2,), ()), strict=True))
    if x is None or b is None or (x < 0).any():
        return Refusal("interface", "Expected (x, b): two pixels of at least 0, such as np.array([10.0, 6.0]); a bias.")
    bias = np.asarray(b, object).item()
    if bias == 0:
        return Refusal("trivial", "Without a bias this is the old network, and the four are one formula.")
    score = x[0] - max(x[0] - x[1] + bias, 0 * bias)
    if score <= 0:
        return Refusal("trivial", f"The score is {say(score)} there: nothing to share out. Find one that is positive.")
    said = four(x, bias)
    first = said["gradient x picture"]
    if any((v != first).any() for v in said.values()):
        return None
    return Refusal("property", f"All four say {say(first)}. On the way from black, does the second ReLU switch?")


ONE_FORMULA = Counterexample(
    solution=one_formula,
    statement="(x, b): a picture and a bias at which gradient x picture, LRP-0, IG and Rescale do not all agree, for "
    "S = relu(x1) - relu(x1 - x2 + b).",
    clues=(
        "Without a bias, a ReLU that is on at the picture is on all the way from black. What could a bias change?",
        "At (10, 6) the second ReLU reads 4 + b, at black b. Make it off at black and on at the picture.",
    ),
    hole="-1.0",
    judge=_parts_the_four,
    accepted=((np.array([10.0, 6.0]), -1.0), ([10, 6], -3), ((6, 10), 3), ([4, 1], -0.5)),
    refused=(
        (([10, 6], 0), "trivial"),
        (([0, 0], -1), "trivial"),
        (([10, 0], 2), "trivial"),
        (([10, 6], 1), "property"),
        (([10, 6], -5), "property"),
        (([6, 10], -1), "property"),
        (([10, -6], -1), "interface"),
        (([10, 6, 2], -1), "interface"),
        (([10, 6], "minus one"), "interface"),
        (([10, float("nan")], -1), "interface"),
    ),
)

# -- E3 ----------------------------------------------------------------------------------------------------------------

NAME_THE_MAP = Naming(
    id="name_the_map",
    ask="Which method drew which of the chapter's eight maps? {'A': ..., 'B': ..., and so on to 'H'}, with the names "
    "gradient, guided-backprop, smoothgrad, grad-cam, fem, lrp-0, lrp-alphabeta (alpha 1, beta 0), and scrambled for "
    "the network whose weights were shuffled.",
    answer={letter: name for letter, (name, _) in EIGHT.items()},
    confusions={
        frozenset({"guided-backprop", "gradient"}): "Guided and gradient: guided stops bad news, so it is dark beside "
        "the object, and it hardly minds which class is asked. The gradient is scattered and changes.",
        frozenset({"lrp-alphabeta", "grad-cam"}): "LRP with beta 0 and Grad-CAM: one shares out pixel by pixel and "
        "draws thin contours, whatever the class; the other is an enlarged 8 x 8 map, soft, and changes.",
        frozenset({"fem", "grad-cam"}): "FEM and Grad-CAM: both are soft, enlarged maps of one layer. FEM knows no "
        "class, so its two maps must be the same to the last pixel.",
        frozenset({"smoothgrad", "guided-backprop"}): "SmoothGrad and guided: an average of magnitudes has a floor, "
        "nothing in it is quite dark. Guided leaves most of the picture black.",
        frozenset({"smoothgrad", "gradient"}): "SmoothGrad and gradient: the average is smoother, and stronger over "
        "the whole object; a single gradient is a scatter of specks.",
        frozenset({SCRAMBLED, "gradient"}): "Scrambled and gradient: the scrambled network lights up texture wherever "
        "there is some, also far from the object.",
        frozenset({SCRAMBLED, "guided-backprop"}): "Scrambled and guided: it *is* guided backpropagation, of a network "
        "that has forgotten everything. Look beside the object: the trained one is dark there.",
        frozenset({SCRAMBLED, "smoothgrad"}): "Scrambled and SmoothGrad: a floor under noise is even; the scrambled "
        "one has specks, and blobs at the rim.",
        frozenset({"lrp-0", "gradient"}): "LRP-0 and gradient: relevance is slope times picture, with its minuses cut "
        "off in the heat map; so half of its specks are missing. It changes most of all with the class.",
        frozenset({"lrp-0", "lrp-alphabeta"}): "LRP-0 and LRP with beta 0: with minuses a map is specks, and hears the "
        "class; without them it draws contours, and does not.",
        frozenset({"lrp-alphabeta", "guided-backprop"}): "LRP with beta 0 and guided: both like edges. Relevance "
        "follows thin contours, even of a thing that is not the object; guided makes patches.",
    },
)

# -- E4 ----------------------------------------------------------------------------------------------------------------


def verdict(low: Any, high: Any, border: Any) -> Any:
    return np.where(low > border, 1, np.where(high < border, -1, 0))


def _turned_round(f: Any, low: Any, high: Any, border: Any) -> bool:
    """The opposite claim gets the opposite verdict; whatever lies above is confirmed; between the ends nothing is."""
    said, opposite = np.asarray(f(low, high, border)), np.asarray(f(-high, -low, -border))
    sure = np.asarray(f(low, high, low - 1)), np.asarray(f(low, high, (low + high) / 2))
    return bool((opposite == -said).all() and (sure[0] == 1).all() and (sure[1] == 0).all())


def _by_signs(low: Any, high: Any, border: Any) -> Any:
    low, high, border = (np.asarray(v, float) for v in (low, high, border))
    return np.fix((np.sign(low - border) + np.sign(high - border)) / 2)


def _measured(rng: np.random.Generator) -> tuple:
    low = halves(rng, 5)
    return low, low + halves(rng, 5, low=1), halves(rng, 5)


VERDICT = Function(
    solution=verdict,
    statement="For claims 'above the border': 1 (confirmed) if the whole interval lies above, -1 (refuted) if all of "
    "it lies below, 0 (inconclusive) otherwise; an interval that touches the border is inconclusive.",
    clues=(
        "An interval lies wholly above the border if its lower end does. When does it lie wholly below?",
        "np.where(condition, a, b) twice, one inside the other: the b of the first is the second.",
    ),
    hole="high < border",
    wrong=(
        Wrong(
            "the middle decides", "idea",
            lambda low, high, border: np.where(low + high > 2 * border, 1, -1),
            "You looked at the middle alone. It lies somewhere; the interval says how far chance could have moved it.",
        ),
        Wrong(
            "not confirmed is refuted", "idea",
            lambda low, high, border: np.where(low > border, 1, -1),
            "You refute what is not confirmed. An interval across the border says: we do not know.",
        ),
        Wrong(
            "not refuted is confirmed", "idea",
            lambda low, high, border: np.where(high < border, -1, 1),
            "You confirm what is not refuted. An interval across the border says: we do not know.",
        ),
        Wrong(
            "clear is confirmed", "idea",
            lambda low, high, border: np.where((low > border) | (high < border), 1, 0),
            "You confirm whatever is clear. Clearly on the wrong side is refuted.",
        ),
        Wrong(
            "one verdict for all", "idea",
            lambda low, high, border: 0 * np.where(low > border, 1, 0) + verdict(low, high, border).min(),
            "You gave all of them the worst verdict. That comes later, for a claim that says several things.",
        ),
        Wrong(
            "compared with 0", "bookkeeping", lambda low, high, border: verdict(low, high, 0 * border),
            "You compared with 0. Every claim has a border of its own, fixed before it was measured.",
        ),
        Wrong(
            "sides exchanged", "bookkeeping", lambda low, high, border: -verdict(low, high, border),
            "Above and below have changed places: the claim says *above* the border.",
        ),
        Wrong(
            "touching counts", "convention",
            lambda low, high, border: np.where(low >= border, 1, np.where(high <= border, -1, 0)),
            "You let an end that touches the border count. The book's rule wants all of the interval on one side.",
        ),
    ),
    cases=(
        (exact([0.5, -2, -3, 1]), exact([2, 1.5, -1, 3]), exact([0, -0.5, 0.5, 1])),
        (exact([2, 0.25, -1, 4, -2]), exact([3, 0.75, 0.5, 6, 0.5]), exact([1, 0.375, 0.25, 7, -3])),
        (exact([-4, 3, 0.5]), exact([-3.5, 5, 1.5]), exact([-5, 4.5, 0.5])),
    ),
    property=Property(
        "the opposite claim gets the opposite verdict; a border below everything confirms; one between the ends leaves "
        "it open.",
        _turned_round,
    ),
    oracle=Oracle("signs at the two ends, averaged,", _by_signs),
    draw=_measured,
)  # fmt: skip

# -- E5 ----------------------------------------------------------------------------------------------------------------


def an_exception() -> Any:
    return 177


def _still_a_lesion(answer: Any) -> Refusal | None:
    """The number of a drawing whose lesion is found, and is still said to be there when it is painted over."""
    whole = isinstance(answer, int | np.integer) and not isinstance(answer, bool)
    if not whole or not 0 <= answer < 10_000:
        return Refusal("interface", "Expected the number of a drawing, a whole number from 0 to 9999, for example 45.")
    number = int(answer)
    before, after = leads(number)
    if number % 2 == 0:
        return Refusal("trivial", f"Drawing {number} shows no lesion: only odd numbers do. Nothing to paint over.")
    if before <= 0:
        return Refusal(
            "trivial", f"In drawing {number} the network misses the lesion, by {-before:.1f}, as it is drawn."
        )
    if after <= 0:
        return Refusal(
            "property",
            f"Drawing {number}: lesion by {before:.1f}, painted over healthy by {-after:.1f}. Here the sentence holds.",
        )
    return None


AN_EXCEPTION = Counterexample(
    solution=an_exception,
    statement="The number of a drawing in which the network finds the lesion, and still says lesion when it is painted "
    "over.",
    clues=(
        "Such drawings are rare, a few in a hundred: let a loop look for you. Lesions have odd numbers.",
        "[n for n in range(1, 201, 2) if min(leads(n)) > 0] are drawings with a positive lead both times.",
    ),
    hole="177",
    judge=_still_a_lesion,
    accepted=(177, np.int64(177)),
    refused=(
        (2, "trivial"),
        (177.0, "interface"),
        (-1, "interface"),
        (True, "interface"),
        ("177", "interface"),
        ([177], "interface"),
        (1, "property"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

REWIRED = Question(
    id="rewired",
    kind="predict",
    ask="Sixteen methods say what the two pixels {{min.picture}} did for min(x1, x2). Now the same function is "
    "wired the other way round. How many of the sixteen give the same answer as before?",
    options={"A": "all: it is the same function", "B": "twelve", "C": "eight", "D": "none: the weights are others"},
    answer="C",
    because="{{sixteen.stay}}. The other half describes how somebody wrote the function down.",
    wrong=(
        ("A", "So one might wish. But most rules look at the weights in between, not only at what comes out."),
        ("B", "Chapter 06 caught two. LRP's rules favour what speaks for a neuron, and which neurons there are depends "
              "on the wiring."),
        ("D", "Whoever asks only for scores, or only for slopes, cannot notice."),
    ),
    look="The same function, another program",
    later=True,
)  # fmt: skip

FORGETS_LAST = Question(
    id="forgets_last",
    kind="predict",
    ask="A hundred lesions; all weights of the network are shuffled. Whose maps stay most like what they were?",
    options={"A": "the gradient's", "B": "LRP's, a composite", "C": "FEM's"},
    answer="C",
    because="FEM's. Its maps of a network that knows nothing still mark where the picture is bright or busy.",
    wrong=(
        ("A", "Its maps have next to nothing in common with what they were."),
        ("B", "It keeps some likeness, since the picture itself is one factor. But one of the three keeps more."),
    ),
    look="A page about one decision",
    later=True,
)

LAST_YEAR = Question(
    id="last_year",
    kind="predict",
    ask="A radiologist has last year's scan, healthy, of the same organ. 'What in the new one made your network say "
    "lesion, *against the old one*?' What do you show?",
    options={
        "A": "Grad-CAM, because it is about the class",
        "B": "the gradient at the new scan",
        "C": "integrated gradients or DeepLIFT, with the old scan as reference",
        "D": "integrated gradients or DeepLIFT, with black as reference",
    },
    answer="C",
    because="The question names its own reference, and these two can take it. Their numbers share out exactly the "
    "difference of the two scores.",
    wrong=(
        ("A", "It is about the class, and knows nothing of the old scan."),
        ("B", "That says what a further change would do, not what this one did."),
        ("D", "Against black is another question: nobody asked why the scan is not black."),
    ),
    look="Which way to turn",
    later=True,
)

AT_THE_TIE = Question(
    id="at_the_tie",
    kind="observe",
    ask="Stay at {{sixteen.tie}} and switch the wiring. Whose answer changes?",
    options={
        "A": "nobody's: both pixels are the same",
        "B": "DeconvNet's and guided's, as in chapter 06",
        "C": "all three",
    },
    answer="C",
    because="At a tie the minimum has a kink: there is no slope. Every program picks one, and the wiring picks for it.",
    wrong=(
        ("A", "Both pixels are the same, and yet each program names one of them."),
        ("B", "Look at the gradient's two numbers, too, before and after."),
    ),
)

BETTER_THAN_A_COIN = Question(
    id="better_than_a_coin",
    kind="observe",
    ask="Your page wants to say that the map helped this player. How many of ten rounds must be right with the map, if "
    "a coin shall do as well in fewer than one game of twenty?",
    options={"A": "six", "B": "seven", "C": "eight", "D": "nine"},
    answer="D",
    because="A coin gets seven or more in {{coin.seven}} of its games, eight or more in {{coin.eight}}, a little above "
    "one in twenty, and nine or more in {{coin.nine}}.",
    wrong=(
        ("A", "A coin gets six or more in more than a third of its games."),
        ("B", "A coin gets seven or more in {{coin.seven}} of its games: one in six."),
        ("C", "Close: {{coin.eight}} is a little more than one in twenty."),
    ),
)

MAY_STAND_OVER = Question(
    id="may_stand_over",
    kind="claim",
    ask="Four sentences about `lesion`. Under which do you put your name?",
    options={
        "A": "The network looks at the lesion, as a doctor would.",
        "B": "Of a hundred lesions that it found, so many turned healthy when they were painted over, with this "
        "interval; the drawings were of this kind, the paint was the grey around.",
        "C": "The map proves that nothing else in your picture matters.",
        "D": "Four methods agree on the lesion, so the finding is safe.",
    },
    answer="B",
    because="It says what was done, how often it happened, how sure that is, and to what it applies.",
    wrong=(
        ("A", "What a doctor would do was not measured, and 'looks at' is no experiment."),
        ("C", "A map is an answer to its own question. Other things may matter, too: you have found a drawing."),
        ("D", "Four rows of this chapter's table agree because they are one formula."),
    ),
    look="A page about one decision",
)

WHAT_A_CELL_SHOWS = Question(
    id="what_a_cell_shows",
    kind="claim",
    ask="In the map of the survey every claim of Section 7 has a cell. What does that tell you about the claims?",
    options={
        "A": "that they are true",
        "B": "that you can run the experiment yourself; whether a claim holds is the verdict that it ends with",
        "C": "that they hold for every network",
    },
    answer="B",
    because="A cell is a place to look, not a seal. Some of them end with *refuted*.",
    wrong=(
        ("A", "Look at the verdicts above: some are refuted."),
        ("C", "Every verdict belongs to the networks and pictures of its experiment."),
    ),
    look="The whole survey, cell by cell",
)

EXERCISES = (
    REWIRED, FORGETS_LAST, LAST_YEAR, CONSISTENT_METHODS, ONE_FORMULA, AT_THE_TIE, NAME_THE_MAP, VERDICT,
    BETTER_THAN_A_COIN, AN_EXCEPTION, WHAT_A_CELL_SHOWS, MAY_STAND_OVER,
)  # fmt: skip
