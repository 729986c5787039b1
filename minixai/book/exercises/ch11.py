"""Chapter 11: shares from a point of comparison, Eq. (18); the point behind a rule; a point that cannot occur."""

from fractions import Fraction
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_neuron, halves
from minixai.book.numbers import value
from minixai.book.numbers.ch11 import shares
from minixai.network import Network
from minixai.ops import Linear, exact
from minixai.ops.numbers import divide
from minixai.whitebox.deep_taylor import WSquare
from minixai.whitebox.lrp import AlphaBeta, Epsilon

CHAPTER = "11_deep_taylor"
HALF = Fraction(1, 2)
NAMES = ("eps", "z+", "w2")

# -- E1 ----------------------------------------------------------------------------------------------------------------


def share_from_root(a: Any, root: Any, w: Any, r: Any) -> Any:
    moved = a - root
    return moved * w * r


def _normalised(a: Any, root: Any, w: Any, r: Any) -> Any:
    moved = (a - root) * w
    return divide(moved * (w @ a) * r, np.asarray(moved.sum()))


def _spread(a: Any, root: Any, w: Any, r: Any) -> Any:
    return (a - root) * w * r + (w @ root) * r / len(a)


def _with_the_rest_all_of_it(f: Any, a: Any, root: Any, w: Any, r: Any) -> bool:
    return bool(np.isclose(np.sum(f(a, root, w, r)) + r * (w @ root), r * (w @ a)))


def _integrated(a: Any, root: Any, w: Any, r: Any) -> Any:
    """The engine's integrated gradients of r w . a, along the straight way from the root to a."""
    line = Network.sequential([Linear((r * w)[None])])
    return explain(line, a, "integrated-gradients", target=0, baseline=root).relevance


def _point_and_neuron(rng: np.random.Generator) -> tuple:
    a, root, w, r = (halves(rng, n, low=low, without_zero=low < 0) for n, low in ((3, 0), (3, -6), (3, -6), (1, -6)))
    return a, root, w, r[0]


SHARE_FROM_ROOT = Function(
    solution=share_from_root,
    statement="The terms of the sum in (18): how far each input moved from the root point to a, times its weight, "
    "times r.",
    clues=(
        "How far did input i move, from the root point to where it is now? It has a sign.",
        "What that brings is the step times the weight; r turns what the neuron says into relevance.",
    ),
    hole="a - root",
    wrong=(
        Wrong(
            "root ignored", "idea", lambda a, root, w, r: a * w * r,
            "You compared with 0, wherever the root point is. That is LRP-0.",
        ),
        Wrong(
            "what the root says", "idea", lambda a, root, w, r: root * w * r,
            "That is what the inputs say at the root point. Asked is what changed from there to a.",
        ),
        Wrong(
            "root minus a", "bookkeeping", lambda a, root, w, r: (root - a) * w * r,
            "The wrong way round: from the root point to a the step is a - root.",
        ),
        Wrong(
            "magnitudes", "idea", lambda a, root, w, r: abs((a - root) * w * r),
            "You took magnitudes. What moved against the neuron gets a negative share, or nothing adds up.",
        ),
        Wrong(
            "weights forgotten", "idea", lambda a, root, w, r: (a - root) * r,
            "You shared by the steps alone. A step counts as much as its weight says, and with its sign.",
        ),
        Wrong(
            "slopes only", "idea", lambda a, root, w, r: w * r + 0 * a,
            "Those are the slopes, relevance per unit. A share is slope times step.",
        ),
        Wrong(
            "r forgotten", "bookkeeping", lambda a, root, w, r: (a - root) * w,
            "You shared out what the neuron says. Its relevance is r times that.",
        ),
        Wrong(
            "parts of one", "idea", lambda a, root, w, r: divide((a - root) * w, np.asarray(((a - root) * w).sum())),
            "Your shares add up to 1: they are proportions. Asked is the relevance itself, step times weight times r.",
        ),
        Wrong(
            "normalised to R", "idea", _normalised,
            "You scaled the shares until they add up to all of R. What the neuron says at the root point is not due to "
            "any step; it is left over.",
        ),
        Wrong(
            "left-over spread evenly", "idea", _spread,
            "You spread what is left at the root point over the inputs. It is the first term of (18), nobody's share.",
        ),
    ),
    cases=(
        (exact([3, 1]), exact([2, HALF]), exact([1, -1]), Fraction(1)),
        (exact([1, 2, 4]), exact([HALF, 3, 1]), exact([2, -1, 1]), Fraction(3)),
        (exact([2, HALF, 1]), exact([-1, 2, 3]), exact([1, 4, -2]), Fraction(-1, 2)),
    ),
    property=Property(
        "the shares, and r times what the neuron says at the root point, add up to r times what it says at a.",
        _with_the_rest_all_of_it,
    ),
    oracle=Oracle("integrated gradients from the root point to a", _integrated),
    draw=_point_and_neuron,
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def root_for(rule: Any, a: Any, w: Any, eps: Any) -> Any:
    z = a @ w
    back = {"eps": a, "z+": np.where(w > 0, a, 0), "w2": w}[rule]
    below = w @ back + (eps if rule == "eps" else 0)
    return a - z / below * back


def _only(name: str, otherwise: Any) -> Any:
    """root_for with one rule's point gone wrong."""

    def wrong(rule: Any, a: Any, w: Any, eps: Any) -> Any:
        return otherwise(a, w, eps) if rule == name else root_for(rule, a, w, eps)

    return wrong


def _back(a: Any, w: Any, direction: Any) -> Any:
    return a - (a @ w) / (w @ direction) * direction


def _falls_silent(f: Any, rule: Any, a: Any, w: Any, eps: Any) -> bool:
    z = a @ w
    left = eps * z / (z + eps) if rule == "eps" else 0
    return bool(np.isclose(w @ np.asarray(f(rule, a, w, eps)), left))


def _point_of_the_engine(rule: Any, a: Any, w: Any, eps: Any) -> Any:
    """The engine's shares of w . a, turned back into the point that (18) would need for them."""
    rules = {"eps": Epsilon(eps=eps), "z+": AlphaBeta(alpha=1, beta=0), "w2": WSquare()}
    return a - shares(rules[rule], a, w) / w


def _on(rng: np.random.Generator) -> tuple:
    """A rule's name, a neuron that is on and hears a word against it, and an eps."""
    while True:
        a, w = halves(rng, 3, low=0), halves(rng, 3, without_zero=True)
        if a @ w > 0 and (a * w < 0).any():
            return str(rng.choice(NAMES)), a, w, Fraction(int(rng.integers(1, 7)), 2)


ROOT_FOR = Function(
    solution=root_for,
    statement='The point that a rule compares with: from a back along a direction; for "z+" and "w2" until the neuron '
    'says 0, for "eps" a little less far.',
    clues=(
        "All three are a - step * back. The step lowers what the neuron says by step * (w @ back).",
        'To lower it by all of z, the step is z / (w @ back); for "eps", eps is added below. Back is a itself, or a '
        "where the weight is positive and 0 elsewhere, or w.",
    ),
    hole="np.where(w > 0, a, 0)",
    wrong=(
        Wrong(
            "printed scalar", "idea", _only("eps", lambda a, w, eps: 0 * a + eps / (a @ w + eps)),
            "You took the survey's number as it is printed, the same for every input. The factor a_i was lost: all "
            "inputs go back in proportion, to a_i eps / (z + eps).",
        ),
        Wrong(
            "eps over z", "bookkeeping", _only("eps", lambda a, w, eps: a * eps / (a @ w)),
            "What is left of a is eps / (z + eps) of it. You left eps out below.",
        ),
        Wrong(
            "eps forgotten", "idea", _only("eps", lambda a, w, eps: 0 * a),
            "You went back all the way to 0. That is the point of LRP-0; eps stops before.",
        ),
        Wrong(
            "every input moved", "idea", _only("z+", lambda a, w, eps: _back(a, w, a)),
            "For z+ you moved every input, and came to 0: LRP-0. Only those that speak for the neuron go back.",
        ),
        Wrong(
            "the others moved", "idea", _only("z+", lambda a, w, eps: _back(a, w, np.where(w < 0, a, 0 * a))),
            "For z+ you turned up what speaks against the neuron. It falls silent so, too, but then those inputs get "
            "all the shares.",
        ),
        Wrong(
            "set to 0", "idea", _only("z+", lambda a, w, eps: np.where(w > 0, 0 * a, a)),
            "For z+ you set all that speaks for the neuron to 0. That is too far: it falls silent before.",
        ),
        Wrong(
            "w below, not w^2", "bookkeeping", _only("w2", lambda a, w, eps: a - (a @ w) / w.sum() * w),
            "For w2 you divided by the sum of the weights. A step along w lowers z by w @ w, the sum of their squares.",
        ),
        Wrong(
            "along w^2", "idea", _only("w2", lambda a, w, eps: _back(a, w, w * w)),
            "For w2 you went back along w^2. The squares are its shares; the way that gives them goes along w.",
        ),
        Wrong(
            "cut off at 0", "idea",
            lambda rule, a, w, eps: np.where(root_for(rule, a, w, eps) > 0, root_for(rule, a, w, eps), 0 * a),
            "You lifted negative numbers to 0. Then the neuron is no longer silent there. Whether a point can occur is "
            "a good question, and the next one.",
        ),
        Wrong(
            "half-way", "idea", lambda rule, a, w, eps: (a + root_for(rule, a, w, eps)) / 2,
            "You stopped half-way. There the neuron still says half of what it has to say, and that is left over.",
        ),
        Wrong(
            "the step, not the point", "bookkeeping", lambda rule, a, w, eps: a - root_for(rule, a, w, eps),
            "That is the way back, step * back. Subtract it from a.",
        ),
        Wrong(
            "the shares, not the point", "bookkeeping", lambda rule, a, w, eps: (a - root_for(rule, a, w, eps)) * w,
            "Those are the shares. Asked is the point that gives them.",
        ),
    ),
    cases=(
        ("eps", exact([3, 1]), exact([1, -1]), Fraction(1)),
        ("z+", exact([3, 1]), exact([1, -1]), Fraction(1)),
        ("w2", exact([3, 1]), exact([2, -1]), Fraction(1)),
        ("eps", exact([1, 2, 4]), exact([2, -1, 1]), HALF),
        ("z+", exact([1, 2, 4]), exact([2, -1, 1]), HALF),
        ("w2", exact([HALF, 1, 3]), exact([4, -1, 1]), Fraction(2)),
        ("w2", exact([HALF, 3, 2, 4]), exact([4, -1, HALF, 1]), Fraction(3)),
    ),
    property=Property(
        'the neuron says 0 at the point; for "eps" it still says eps z / (z + eps) there.',
        _falls_silent,
    ),
    oracle=Oracle("the engine's shares, turned back into a point: a - share / w", _point_of_the_engine),
    draw=_on,
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def impossible_root() -> Any:
    a = np.array([3.0, 1.0])
    w = np.array([1.0, 1.0])
    return a, w


def _no_activation(answer: Any) -> Refusal | None:
    """(a, w): a neuron that is on, of activations, whose w^2 root point has a negative number."""
    pair = answer if isinstance(answer, tuple | list) and len(answer) == 2 else (None, None)
    found = answer_neuron((*pair, 0))
    if found is None:
        return Refusal("interface", "Expected (a, w): two arrays of one length.")
    a, w, _ = found
    if (a < 0).any():
        return Refusal("interface", "Expected activations of at least 0 in a: they come out of a ReLU.")
    if len(a) == 1:
        return Refusal("trivial", "With one input there is one silent point only, 0. Take two inputs.")
    if a @ w <= 0:
        return Refusal("trivial", "Your neuron is silent already: there is nothing to go back from.")
    root = root_for("w2", a, w, Fraction(0))
    if (root >= 0).all():
        said = ", ".join(f"{float(v):g}" for v in root)
        return Refusal("property", f"Its w^2 root point is ({said}), and that could occur.")
    return None


IMPOSSIBLE_ROOT = Counterexample(
    solution=impossible_root,
    statement="(a, w): activations of at least 0 and weights of a neuron that is on, whose w^2 root point has a "
    "negative number in it.",
    clues=(
        "The way back goes along w, and takes most from the inputs with the largest weights. What if such an input is "
        "small, or 0?",
        "Two positive weights will do. Then the silent line passes through 0 and leaves the activations at once.",
    ),
    hole="np.array([1.0, 1.0])",
    judge=_no_activation,
    accepted=(
        ([3, 1], [1, 1]),
        [[0, 2, 1], [1, 1, -1]],
        (np.array([1, 2]), np.array([3, 1])),
    ),
    refused=(
        (([3, 1], [1, -1]), "property"),
        (([2, 1], [2, -1]), "property"),
        (([1, 1], [1, 0]), "property"),
        (([1, 3], [1, -1]), "trivial"),
        (([0, 0], [1, 1]), "trivial"),
        (([2], [3]), "trivial"),
        (([3, -1], [1, 1]), "interface"),
        (([3, 1], [1, 1, 1]), "interface"),
        (([3, 1], [1, 1], 0), "interface"),
        ((3, 1), "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

FROM_ONE_ONE = Question(
    id="from_one_one",
    kind="predict",
    ask="Inputs {{root.a}}, weights {{root.w}}, no bias: the neuron says {{root.z}}. At {{root.zplus_at}} it says 0. "
    "Compared with that point, how much of the {{root.z}} is due to each input? (two numbers)",
    answer=value("root.zplus"),
    because="From {{root.zplus_at}} to {{root.a}} only input 1 moved, by 2, with weight 1. All is due to input 1.",
    wrong=(
        (value("root.lrp0"), "That is compared with nothing at all, both inputs 0. Input 2 is where it was."),
        (value("root.wsquare"), "Half each; but from {{root.zplus_at}} to {{root.a}} input 2 did not move."),
        (exact([2, 1]), "Input 2 did not move, so it changed nothing."),
        (exact([3, 1]), "Those are the inputs themselves. How far did each move?"),
    ),
    look="Where it is silent",
)

WHOSE_POINTS = Question(
    id="whose_points",
    kind="predict",
    ask="A network is shared out by such comparisons, from the score to the pixels. With how many different pictures "
    "does its first layer compare the picture?",
    options={
        "A": "with one: a black picture, or nearly",
        "B": "with one for each class",
        "C": "every neuron has a comparison of its own",
        "D": "with none: only the score is compared",
    },
    answer="C",
    because="Each neuron goes back until it is silent itself. One and the same pixel is moved for one neuron and left "
    "alone for another.",
    wrong=(
        (
            "A",
            "That is what chapter 07 did. Here one pixel is compared with one value for this neuron, another for that.",
        ),
        ("B", "The class decides how much relevance arrives at a neuron, not the point it compares with."),
        ("D", "The score is compared first, then every neuron below it."),
    ),
    look="A whole network",
    later=True,
)

COULD_OCCUR = Question(
    id="could_occur",
    kind="predict",
    ask="Two rules for a hidden layer: w^2 compares with the nearest point at which the neuron says 0, z+ turns down "
    "what speaks for it until it says 0. For how many of 100 neurons of a digit network could that point occur, with "
    "nothing below 0?",
    options={
        "A": "nearly all, for both",
        "B": "nearly none for w^2, all for z+",
        "C": "all for w^2, nearly none for z+",
        "D": "about half, for both",
    },
    answer="B",
    because="Going back along w moves inputs that are 0 already to below 0. Going back along a cannot.",
    wrong=(
        ("A", "The nearest point is found without asking whether it can occur. Many activations are 0, and go below."),
        ("C", "z+ shrinks inputs; to shrink is never to go below 0."),
        ("D", "In both cases it is nearly all or nearly none; the reason is in the direction of the way back."),
    ),
    look="Silent, and possible",
    later=True,
)

ALONG_THE_LINE = Question(
    id="along_the_line",
    kind="observe",
    ask="The comparison moves up the silent line, from (0, 0) to (3, 3). What happens to the shares?",
    options={
        "A": "input 2 keeps its share, and input 1 makes up for the rest",
        "B": "both fall, and what is lost is left at the point",
        "C": "input 1 hands over to input 2, whose share turns positive at (1, 1); the sum stays 2",
        "D": "they only change their names; the numbers stay",
    },
    answer="C",
    because="Above (1, 1) the comparison has more of input 2 than there is. Its weight is negative: less of it is "
    "good news.",
    wrong=(
        ("A", "Input 2 gets -1 from (0, 0) only."),
        ("B", "On the silent line nothing is left over: look at the row of what both get together."),
        ("D", "Compare the rows at LRP-0 and at w^2."),
    ),
)

NEW_ROOT = Question(
    id="new_root",
    kind="predict",
    ask="Inputs {{newroot.a}}, weights {{newroot.w}}, no bias: z is {{newroot.z}}. Which point does z+ compare with? "
    "(two numbers)",
    answer=value("newroot.zplus_at"),
    because="Only input 1 speaks for it, with 4. Of that, 3 must go: three quarters of input 1. Input 2 stays: "
    "{{newroot.zplus_at}}, and the shares are {{newroot.zplus}}.",
    wrong=(
        (
            value("newroot.silenced"),
            "That is too far: the neuron falls silent when three quarters of input 1 are gone.",
        ),
        (value("newroot.wsquare_at"), "That is the nearest silent point, of w^2. z+ leaves input 2 where it is."),
        (value("newroot.lrp0_at"), "That is the point of LRP-0."),
        (value("newroot.zplus"), "Those are the shares. Asked is the point."),
    ),
    look="A rule is a way back",
)

ONE_PICTURE = Question(
    id="one_picture",
    kind="claim",
    ask="'Deep Taylor compares the picture with a possible picture in which the class is absent; so its map shows what "
    "is there of the class.' What does the chapter support?",
    options={
        "A": "The sentence as it stands",
        "B": "Each neuron is compared with a point at which it is silent; no one picture does that for all",
        "C": "The sentence, if the network has no biases",
        "D": "The sentence, if the map lies on the object",
    },
    answer="B",
    because="Every neuron has its own point, and the maps of winner and runner-up are nearly the same.",
    wrong=(
        ("A", "With which picture? One pixel stood at 1 for one neuron and at a seventh for another."),
        ("C", "The pocket network has none, and its neurons compared with different points."),
        ("D", "Where a map lies says nothing about what it was compared with."),
    ),
)

EXERCISES = (
    FROM_ONE_ONE, WHOSE_POINTS, COULD_OCCUR, SHARE_FROM_ROOT, ALONG_THE_LINE, ROOT_FOR, IMPOSSIBLE_ROOT, NEW_ROOT,
    ONE_PICTURE,
)  # fmt: skip
