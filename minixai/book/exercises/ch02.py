"""Chapter 02: hiding parts of a picture, a line through what the box answers, a soft tree."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.blackbox import lime, soft_tree
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers import value
from minixai.ops import Array, exact

CHAPTER = "02_opening_nothing"
Score = Callable[[Array], Any]

# -- E1 ----------------------------------------------------------------------------------------------------------------


def _said(number: Any, place: tuple[int, ...]) -> str:
    return f"{'' if number == 1 else number}x{''.join(str(i + 1) for i in place)}"


def weighted(weights: Any) -> Score:
    """A box whose score is the sum of weights times pixels; it is called by its formula."""
    w = exact(weights)

    def score(x: Array) -> Any:
        return (w * x).sum() if x.dtype == object else (w.astype(float) * x).sum()

    score.__name__ = " + ".join(_said(w[place], place) for place in np.ndindex(w.shape) if w[place])
    return score


def _both_corners(x: Array) -> Any:
    return x[0, 0] * x[-1, -1]


_both_corners.__name__ = "first pixel times last pixel"


def occlusion(score: Any, x: Any, window: Any, fill: Any) -> Any:
    total, covered = 0 * x, 0 * x
    for i in range(x.shape[0] - window + 1):
        for j in range(x.shape[1] - window + 1):
            here = slice(i, i + window), slice(j, j + window)
            hidden = x.copy()
            hidden[here] = fill
            total[here] += score(x) - score(hidden)
            covered[here] += 1
    return total / covered


def _slid(
    worth: Callable[[Any, Any], Any] = lambda clean, left: clean - left,
    step: int | None = 1,
    wraps: bool = False,
    keeps: bool = False,
    stays: bool = False,
    short: int = 0,
    put: str = "mean",
) -> Callable[..., Any]:
    """The occlusion of a reader who has changed one thing."""

    def found(score: Any, x: Any, window: Any, fill: Any) -> Any:
        by, over = step or window, 0 if wraps else window - 1 + short
        total, covered, hidden = 0 * x, 0 * x, x.copy()
        for i in range(0, x.shape[0] - over, by):
            for j in range(0, x.shape[1] - over, by):
                rows, columns = ((np.arange(window) + at) % n for at, n in zip((i, j), x.shape, strict=True))
                here = np.ix_(rows, columns)
                inside = np.zeros(x.shape, bool)
                inside[here] = True
                hidden = np.where(inside != keeps, fill, hidden if stays else x)
                drop = worth(score(x), score(hidden))
                if put == "first":
                    total[i, j], covered[i, j] = drop, 1
                elif put == "last":
                    total[here], covered[here] = drop, 1
                else:
                    total[here] += drop
                    covered[here] += 1
        return total if put == "sum" else total / np.where(covered == 0, 1, covered)

    return found


def _engines(score: Any, x: Any, window: Any, fill: Any) -> Any:
    def answers(pictures: Array) -> Array:
        return np.array([[score(picture[0])] for picture in pictures])

    choices = {"window": int(window), "stride": 1, "fill": fill, "score": "logit"}
    return explain(answers, np.asarray(x, float)[None], "occlusion", target=0, **choices).relevance


def _one_pixel_windows(f: Any, score: Any, x: Any, window: Any, fill: Any) -> bool:
    found = np.asarray(f(score, x, 1, fill))
    places = list(np.ndindex(x.shape))
    without = [np.where(np.arange(x.size).reshape(x.shape) == n, fill, x) for n in range(x.size)]
    return all(np.isclose(found[p], score(x) - score(z)) for p, z in zip(places, without, strict=True))


OCCLUSION = Function(
    solution=occlusion,
    statement="For every pixel: how much the score falls under a square window of fill, on average over the windows "
    "that cover the pixel.",
    clues=(
        "One window first. Copy x, paint the window, ask for the score. What was lost goes to every pixel it covers.",
        "Keep two arrays: what was lost so far at each pixel, and how many windows have covered it. Divide at the end.",
    ),
    hole="score(x) - score(hidden)",
    wrong=(
        Wrong(
            "windows summed", "idea", _slid(put="sum"),
            "You added up what the windows cost. A pixel in the middle lies under more windows than a corner, so it "
            "looks more important only because it was hidden more often. Average.",
        ),
        Wrong(
            "divided by the window's area", "idea",
            lambda score, x, window, fill: _slid(put="sum")(score, x, window, fill) / window**2,
            "You divided by the number of pixels in a window. Near the border fewer windows cover a pixel: divide by "
            "how many did.",
        ),
        Wrong(
            "kept the window and hid the rest", "idea", _slid(keeps=True),
            "You kept the window and hid everything else: what the rest was worth, not the window.",
        ),
        Wrong(
            "the score that is left", "idea", _slid(worth=lambda clean, left: left),
            "You noted the score that is left. Asked is what is missing: the score of x minus that.",
        ),
        Wrong(
            "sign turned round", "bookkeeping", _slid(worth=lambda clean, left: left - clean),
            "The sign is turned round: what makes the score fall when it is hidden was worth something, so it counts "
            "as positive.",
        ),
        Wrong(
            "filled black whatever was asked", "bookkeeping",
            lambda score, x, window, fill: occlusion(score, x, window, 0),
            "You always paint the window black, 0. The colour is given: fill.",
        ),
        Wrong(
            "windows stay hidden", "bookkeeping", _slid(stays=True),
            "Your windows are never lifted: each one is painted on top of those before. Copy x anew for each place.",
        ),
        Wrong(
            "window wraps round the border", "bookkeeping", _slid(wraps=True),
            "Your window leaves the picture on one side and comes in on the other. It stops at the border.",
        ),
        Wrong(
            "one window short", "bookkeeping", _slid(short=1),
            "You stop one window early, in rows and in columns. The last window ends at the border: "
            "x.shape[0] - window + 1 places, and likewise across.",
        ),
        Wrong(
            "steps as long as the window", "idea", _slid(step=None),
            "Your window moves by its own length, so no two overlap and the far border may never be covered. It moves "
            "by one pixel.",
        ),
        Wrong(
            "the last window counts", "bookkeeping", _slid(put="last"),
            "Where windows overlap, the last one overwrites the others. They are averaged.",
        ),
        Wrong(
            "only the window's first pixel", "bookkeeping", _slid(put="first"),
            "You give what a window cost to its top left pixel only. All its pixels were hidden together; each of "
            "them takes note.",
        ),
    ),
    cases=(
        (weighted([[1, 2, 4], [3, 0, 1]]), exact([[1, 0.5, 1], [0.5, 1, 0]]), 2, exact(0.5).item()),
        (weighted([[2, 0, -1, 3], [0, 4, 1, 0], [1, -2, 0, 1]]), exact([[1, 0, 2, 1], [3, 1, 0, -1], [0, 2, 1, 2]]), 2,
         exact(0.25).item()),
        (_both_corners, exact([[2, 1], [0, 1], [1, 0.5], [3, 4]]), 2, exact(1).item()),
        (weighted([[0, 1, 0, 2, 0], [3, 0, -1, 0, 1], [0, 0, 2, 0, 1]]),
         exact([[1, 2, 0, 1, 3], [0, 1, 4, 1, 0], [2, 0, 1, 0.5, 1]]), 3, exact(-1).item()),
    ),
    property=Property(
        "with a window of one pixel, every number is what the score loses when that pixel alone is painted.",
        _one_pixel_windows,
    ),
    oracle=Oracle("the engine's occlusion", _engines),
    draw=lambda rng: (weighted(halves(rng, 3, 4)), halves(rng, 3, 4), 2, exact(rng.integers(1, 6) / 4).item()),
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def lime_fit(masks: Any, scores: Any, kernel: Any, solve: Any) -> Any:
    A = np.column_stack([np.ones(len(masks), int), masks])
    left = (A.T * kernel) @ A
    right = A.T @ (kernel * scores)
    return solve(left, right)


def _without_intercept(masks: Any, scores: Any, kernel: Any, solve: Any) -> Any:
    return np.append(0, solve((masks.T * kernel) @ masks, masks.T @ (kernel * scores)))


def _each_by_itself(masks: Any, scores: Any, kernel: Any, solve: Any) -> Any:
    """What is shown against what is hidden, one superpixel at a time."""
    means = [[(kernel * z * scores).sum() / (kernel * z).sum() for z in (column, 1 - column)] for column in masks.T]
    w = np.array([shown - hidden for shown, hidden in means])
    return np.append((kernel * (scores - masks @ w)).sum() / kernel.sum(), w)


def _shown_means(masks: Any, scores: Any, kernel: Any, solve: Any) -> Any:
    w = np.array([(kernel * z * scores).sum() / (kernel * z).sum() for z in masks.T])
    return np.append((kernel * scores).sum() / kernel.sum(), w)


def _pictures_score(masks: Any, scores: Any, kernel: Any, solve: Any) -> Any:
    return np.append(scores[0], lime_fit(masks, scores, kernel, solve)[1:])


def _least_squares(masks: Any, scores: Any, kernel: Any, solve: Any) -> Any:
    root = np.sqrt(np.asarray(kernel, float))
    A = np.concatenate([np.ones((len(root), 1)), np.asarray(masks, float)], axis=1)
    return np.linalg.lstsq(A * root[:, None], np.asarray(scores, float) * root, rcond=None)[0]


def _misses_cancel(f: Any, masks: Any, scores: Any, kernel: Any, solve: Any) -> bool:
    found = np.asarray(f(masks, scores, kernel, solve))
    missed = kernel * (scores - found[0] - masks @ found[1:])
    return bool(np.isclose(missed.sum(), 0) and np.allclose(missed @ masks, 0))


def _asked(masks: Any, scores: Any, kernel: Any) -> tuple[Any, ...]:
    return exact(masks), exact(scores), exact(kernel), lime.solve


def _some_masks(rng: np.random.Generator) -> tuple[Any, ...]:
    """Nothing hidden, one hidden at a time, and four by coins: enough to tell three superpixels apart."""
    masks = np.concatenate([np.ones((1, 3), int), 1 - np.eye(3, dtype=int), rng.integers(0, 2, (4, 3))])
    return exact(masks), halves(rng, 8), exact(rng.integers(1, 9, 8)) / 2, lime.solve


LIME_FIT = Function(
    solution=lime_fit,
    statement="The intercept, then one weight per superpixel, of the sum that comes closest to the scores: the sum of "
    "kernel times squared miss is smallest.",
    clues=(
        "Where a sum of squares is smallest, its slope in every unknown is 0. One equation for each unknown.",
        "A has a column of ones, then the masks. The misses are scores - A @ c. Weighed by the kernel, they add up to "
        "0 in every column of A. Sort what holds c to the left.",
    ),
    hole="A.T @ (kernel * scores)",
    wrong=(
        Wrong(
            "kernel ignored", "idea", lambda masks, scores, kernel, solve: lime_fit(masks, scores, kernel**0, solve),
            "You let every mask count alike. Masks that hide little are close to the picture and count more: kernel.",
        ),
        Wrong(
            "no intercept", "idea", _without_intercept,
            "Your sum has no intercept: it is 0 where everything is hidden. Put a column of ones beside the masks.",
        ),
        Wrong(
            "kernel applied twice", "bookkeeping",
            lambda masks, scores, kernel, solve: lime_fit(masks, scores, kernel * kernel, solve),
            "The kernel went in twice, so each mask counts by its square. It weighs the squared miss, once.",
        ),
        Wrong(
            "kernel on one side only", "bookkeeping",
            lambda masks, scores, kernel, solve: lime_fit(masks, scores / kernel, kernel, solve),
            "The kernel weighs left, but not right. It goes with the whole miss, scores - A @ c: both sides.",
        ),
        Wrong(
            "intercept last", "bookkeeping",
            lambda masks, scores, kernel, solve: np.roll(lime_fit(masks, scores, kernel, solve), -1),
            "The right numbers in another order: the intercept comes first, then the weights.",
        ),
        Wrong(
            "mask read as hidden", "idea",
            lambda masks, scores, kernel, solve: lime_fit(1 - masks, scores, kernel, solve),
            "You read 1 as hidden. In a mask 1 is shown, and a weight says what showing is worth.",
        ),
        Wrong(
            "one superpixel at a time", "idea", _each_by_itself,
            "You compared shown with hidden for each superpixel by itself. If two were often shown together, each is "
            "credited with the other's work; the sum has to be fitted in one go.",
        ),
        Wrong(
            "the mean score where it is shown", "idea", _shown_means,
            "You took the mean score of the masks that show a superpixel. That says how high scores are, not what "
            "this superpixel adds.",
        ),
        Wrong(
            "the whole picture's score as intercept", "bookkeeping", _pictures_score,
            "Your intercept is the score of the whole picture. The intercept is what the sum says when everything is "
            "hidden.",
        ),
    ),
    cases=(
        _asked([[1, 1], [1, 0], [0, 1], [0, 0]], [8, 2, 0, 0], [4, 2, 2, 1]),
        _asked([[1, 1], [1, 0], [0, 1], [0, 0], [1, 1]], [6, 1, 2, -1, 5], [3, 1, 2, 1, 0.5]),
        _asked([[1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 1]], [7, 3, 5, 4, 0], [4, 2, 1, 3, 0.5]),
        _asked([[1, 1], [0, 1], [1, 0]], [5, 2.5, -1], [2, 1, 3]),
    ),
    property=Property(
        "weighed by the kernel, the misses add up to 0: over all masks, and over those that show any one superpixel.",
        _misses_cancel,
    ),
    oracle=Oracle("NumPy's least squares", _least_squares),
    draw=_some_masks,
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def blind_box() -> Any:
    return np.array([[0.0, 6.0], [6.0, 6.0]])


def _unseen(answer: Any) -> Refusal | None:
    """Scores [[none, only 2], [only 1, both]] of a box that loses nothing when one pixel is hidden."""
    box = answer_array(answer, (2, 2))
    if box is None:
        return Refusal("interface", "Expected four numbers: np.array([[none, only 2], [only 1, both]]).")
    none, second, first, both = box.ravel()
    if len(set(box.flat)) == 1:
        return Refusal("trivial", "This box always says the same: there is nothing to see, and nobody is blind.")
    if both == none:
        return Refusal("trivial", f"With both pixels hidden the box still says {none}; show that together they matter.")
    if (both - second, both - first) != (0, 0):
        drops = f"({both - second}, {both - first})"
        return Refusal("property", f"Hiding one pixel at a time still costs something: {drops}.")
    return None


BLIND_BOX = Counterexample(
    solution=blind_box,
    statement="Four scores of a box with two pixels, [[none, only 2], [only 1, both]]: hiding one at a time "
    "costs (0, 0), though without both pixels the score is another.",
    clues=(
        "Hiding one pixel compares 'both' with 'only 1' and with 'only 2'. When does neither of them differ?",
        "Let either pixel be enough: the score falls only when the last one has gone.",
    ),
    hole="[6.0, 6.0]",
    judge=_unseen,
    accepted=([[0, 6], [6, 6]], np.array([[-1.0, 2.5], [2.5, 2.5]]), ((9, 1), (1, 1))),
    refused=(
        ([[0, 0], [0, 6]], "property"),
        ([[0, 6], [5, 6]], "property"),
        ([[6, 6], [6, 6]], "trivial"),
        ([[6, 1], [2, 6]], "trivial"),
        ([0, 6, 6, 6], "interface"),
        ("either", "interface"),
        ([[0, 6], [6, float("nan")]], "interface"),
    ),
)

# -- E4, deeper --------------------------------------------------------------------------------------------------------


def leaf_probabilities(root: Any, left: Any, right: Any) -> Any:
    to_left, to_right = 1 - root, root
    return np.array([to_left * (1 - left), to_left * left, to_right * (1 - right), to_right * right])


def _engine_leaves(root: Any, left: Any, right: Any) -> Any:
    return soft_tree.leaf_probabilities(np.array([[root, left, right]]))[0]


def _adds_up(f: Any, root: Any, left: Any, right: Any) -> bool:
    leaves = f(root, left, right)
    return bool(np.isclose(np.sum(leaves), 1) and np.isclose(leaves[2] + leaves[3], root))


def _hard(root: Any, left: Any, right: Any) -> Any:
    turns_right = 2 * root > 1
    last = 2 * (right if turns_right else left) > 1
    return np.array([int(2 * turns_right + last == leaf) for leaf in range(4)])


def _three_gates(rng: np.random.Generator) -> tuple[Any, ...]:
    return tuple(exact(rng.choice(np.arange(1, 16), 3, replace=False)) / 16)


LEAF_PROBABILITIES = Function(
    solution=leaf_probabilities,
    statement="The probability of ending in each of the four leaves, from left to right; root, left and right are the "
    "probabilities of turning right at the three nodes.",
    clues=(
        "A leaf is reached by two turns, one after the other. What happens to probabilities then?",
        "Turning left has probability 1 minus that of turning right. The node `left` is only asked after a left turn.",
    ),
    hole="1 - root, root",
    wrong=(
        Wrong(
            "p read as turning left", "idea",
            lambda root, left, right: leaf_probabilities(1 - root, 1 - left, 1 - right),
            "You read p as the probability of turning left. By (1) it is that of the right branch.",
        ),
        Wrong(
            "gates averaged", "idea",
            lambda root, left, right: np.array(
                [(1 - root + 1 - left) / 2, (1 - root + left) / 2, (root + 1 - right) / 2, (root + right) / 2]
            ) / 2,
            "You averaged the two turns. One after the other they multiply.",
        ),
        Wrong(
            "root forgotten", "idea", lambda root, left, right: np.array([1 - left, left, 1 - right, right]),
            "You left the root out: your leaves add up to 2.",
        ),
        Wrong(
            "hard decision", "idea", _hard,
            "You followed the likelier branch and gave one leaf everything. The tree is soft: every leaf gets a share.",
        ),
        Wrong(
            "left and right node exchanged", "bookkeeping",
            lambda root, left, right: leaf_probabilities(root, right, left),
            "After a left turn you asked the node on the right, and the other way round.",
        ),
    ),
    cases=tuple(
        tuple(exact([a, b, c]) / 24) for a, b, c in ((18, 8, 16), (6, 20, 3), (15, 2, 9), (9, 21, 16))
    ),
    property=Property("the leaves add up to 1, and the two on the right to the root's p.", _adds_up),
    oracle=Oracle("the engine's tree", _engine_leaves),
    draw=_three_gates,
)  # fmt: skip

# -- questions ---------------------------------------------------------------------------------------------------------

TWO_DROPS = Question(
    id="two_drops",
    kind="predict",
    ask="The box says 6, and 0 if you hide either pixel. Explain it by hiding: each pixel gets what its hiding costs. "
    "Add the two up. What do you get?",
    options={"A": "6, the score", "B": "12, twice the score", "C": "0", "D": "that depends on how the box is made"},
    answer="B",
    because="Each is needed, so each costs all of it: {{need.drops}}. What hiding costs is not a share.",
    wrong=(
        ("A", "Shares would add up to the score. Two pixels that need each other each cost all of it."),
        ("C", "Neither drop is negative, and each is 6."),
        ("D", "The two drops are given, 6 and 6, whatever happens inside."),
    ),
    look="What two questions to a box can tell",
    later=True,
)

WHITE_WINDOW = Question(
    id="white_window",
    kind="predict",
    ask="A network took snow for the mark of the wolf. A wolf on snow: paint pieces of the snow over with a white "
    "window. On average, the score of wolf ...",
    options={"A": "falls, for the snow is hidden", "B": "stays, for white looks like snow", "C": "rises"},
    answer="C",
    because="A white window is snowier than snow. You have not hidden the network's reason, you have added to it.",
    wrong=(
        ("A", "You see a hidden patch. The network sees a picture with a whiter patch in it."),
        ("B", "Nearly: real snow is a little grey and blue, and the window is whiter than that."),
    ),
    look="The colour of nothing",
    later=True,
)

NEW_SHAPE = Question(
    id="new_shape",
    kind="predict",
    ask="The network of chapter 00 knows ten shapes. Put a black 16 x 16 window somewhere on a drawing. If it changes "
    "its mind, what does it now say most often?",
    options={"A": "circle", "B": "leaf", "C": "square", "D": "each of the ten about equally often"},
    answer="C",
    because="A black window with four straight edges is a black square.",
    wrong=(
        ("A", "Nothing round has been added. Look at the window itself."),
        ("B", "Nothing pointed has been added. Look at the window itself."),
        ("D", "That would be so if the window were nothing. It is a thing in the picture, and it has a shape."),
    ),
    look="A window is a thing",
    later=True,
)

BLUE_GROUND = Question(
    id="blue_ground",
    kind="observe",
    ask="Window 16, one fill after the other. With which is the snow clearly blue: hiding it makes the score rise?",
    options={"A": "black", "B": "grey", "C": "white", "D": "grass"},
    answer="C",
    because="Only the fill has changed, and the same snow has turned from the best reason for wolf into one against.",
    wrong=(
        ("A", "With black the snow is red: hiding it costs a lot."),
        ("B", "With grey there is hardly any colour on the snow at all."),
        ("D", "With grass the snow is red."),
    ),
)

NEW_BOX = Question(
    id="new_box",
    kind="predict",
    ask="Another box: both pixels shown 9, only the first 5, only the second 2, none 0. The weights (w1, w2) of LIME, "
    "with all four masks counted alike?",
    answer=value("newbox.weights"),
    because="Shown less hidden, on average: w1 = (9 + 5)/2 - (2 + 0)/2, w2 = (9 + 2)/2 - (5 + 0)/2.",
    wrong=(
        (value("newbox.drops"), "That is occlusion: what each costs when the other is still there."),
        (exact([5, 2]), "That is what each says alone, with everything else hidden."),
    ),
    look="A line through the answers",
)

BLACK_MAP = Question(
    id="black_map",
    kind="claim",
    ask="With a black window, occlusion marks the snow under a wolf. Which sentence does that support?",
    options={
        "A": "The numbers on the snow add up to what the snow brought to the score",
        "B": "Painting this ground black lowers the score of wolf",
        "C": "The network has a detector for snow in one of its layers",
        "D": "Whatever you put in place of the snow, the score falls",
    },
    answer="B",
    because="That is what was tried, and all that was tried. Anything more needs another experiment.",
    wrong=(
        ("A", "What hiding costs is no share; the drops of overlapping windows do not add up to the score."),
        ("C", "Nothing was opened. A black-box method says nothing about layers."),
        ("D", "White in its place made the score rise."),
    ),
)

EXERCISES = (
    TWO_DROPS, WHITE_WINDOW, NEW_SHAPE, BLIND_BOX, OCCLUSION, BLUE_GROUND, LIME_FIT, LEAF_PROBABILITIES, NEW_BOX,
    BLACK_MAP,
)  # fmt: skip
