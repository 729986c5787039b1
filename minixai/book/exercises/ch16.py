"""Chapter 16: a batch norm folded away, a plus that shares out, and the layer at which two programs part."""

from fractions import Fraction
from typing import Any

import numpy as np

from minixai.book.exercise import Function, Oracle, Property, Question, Wrong
from minixai.book.exercises.draws import halves
from minixai.book.numbers import value
from minixai.book.numbers.ch16 import folded, two_layers
from minixai.network import Network, Node, forward
from minixai.ops import Add, Linear, exact
from minixai.ops.numbers import divide
from minixai.walk import walk
from minixai.whitebox.lrp import Zero

CHAPTER = "16_real_networks"
HALF, CENT = Fraction(1, 2), Fraction(1, 100)

# -- E1 ----------------------------------------------------------------------------------------------------------------


def fold_batchnorm(W: Any, b: Any, gamma: Any, beta: Any, mean: Any, spread: Any) -> Any:
    scale = gamma / spread
    weights = scale[:, None] * W
    return np.column_stack([weights, scale * (b - mean) + beta])


def _layer(scale: Any, W: Any, bias: Any) -> Any:
    return np.column_stack([scale[:, None] * W, bias])


def _two_in_a_row(f: Any, W: Any, b: Any, gamma: Any, beta: Any, mean: Any, spread: Any) -> bool:
    found = np.asarray(f(W, b, gamma, beta, mean, spread))
    if found.shape != (len(W), W.shape[1] + 1):
        return False
    for a in (np.zeros(W.shape[1]), np.arange(1.0, W.shape[1] + 1)):
        both = gamma * (W @ a + b - mean) / spread + beta
        if not np.allclose(found[:, :-1] @ a + found[:, -1], both):
            return False
    return True


def _folded_by_the_engine(W: Any, b: Any, gamma: Any, beta: Any, mean: Any, spread: Any) -> Any:
    weights, biases = folded(two_layers(W, b, gamma, beta, mean, spread))
    return np.hstack([weights, biases[:, None]])


def _normed(rng: np.random.Generator) -> tuple:
    """Two neurons of three inputs, and their batch norm; the spread is a square, so that a root stays a fraction."""
    W, b, mean = halves(rng, 2, 3, without_zero=True), halves(rng, 2), halves(rng, 2, without_zero=True)
    gamma, beta = halves(rng, 2, without_zero=True), halves(rng, 2, without_zero=True)
    return W, b, gamma, beta, mean, exact(rng.choice([4, 9, 16], 2)) / 4


FOLD = Function(
    solution=fold_batchnorm,
    statement="The layer (W, b) and the batch norm behind it as one layer: an array whose row j has the new weights of "
    "neuron j, and then its new bias.",
    clues=(
        "A batch norm multiplies what neuron j computed by gamma_j / spread_j, and adds something. So row j of W is "
        "multiplied. What becomes of b?",
        "Put a = 0 in: the neuron computes b. What does the batch norm make of b? That is the new bias.",
    ),
    hole="(b - mean)",
    wrong=(
        Wrong(
            "divided by the variance", "idea",
            lambda W, b, g, be, m, s: _layer(g / s**2, W, g / s**2 * (b - m) + be),
            "You divided by the variance, the square of the spread. A batch norm divides by the spread itself.",
        ),
        Wrong(
            "multiplied by the spread", "bookkeeping",
            lambda W, b, g, be, m, s: _layer(g * s, W, g * s * (b - m) + be),
            "You multiplied by the spread. A batch norm divides by it.",
        ),
        Wrong(
            "mean forgotten", "idea", lambda W, b, g, be, m, s: _layer(g / s, W, g / s * b + be),
            "You forgot the mean. It is taken away before anything is multiplied, so it ends up in the bias.",
        ),
        Wrong(
            "mean added", "bookkeeping", lambda W, b, g, be, m, s: _layer(g / s, W, g / s * (b + m) + be),
            "You added the mean. A batch norm takes it away.",
        ),
        Wrong(
            "beta scaled too", "idea", lambda W, b, g, be, m, s: _layer(g / s, W, g / s * (b - m + be)),
            "You scaled beta. It is added last, after the multiplication.",
        ),
        Wrong(
            "old bias unscaled", "idea", lambda W, b, g, be, m, s: _layer(g / s, W, b - g / s * m + be),
            "You left the old bias as it was. It goes through the batch norm like everything the neuron computed.",
        ),
        Wrong(
            "old bias dropped", "idea", lambda W, b, g, be, m, s: _layer(g / s, W, be - g / s * m),
            "You dropped the old bias. Many layers before a batch norm have none; this one has.",
        ),
        Wrong(
            "gamma forgotten", "idea", lambda W, b, g, be, m, s: _layer(1 / s, W, (b - m) / s + be),
            "You left out gamma, the scale that was learnt.",
        ),
        Wrong(
            "weights left alone", "idea", lambda W, b, g, be, m, s: _layer(1 + 0 * g, W, g / s * (b - m) + be),
            "You folded the bias only. What the inputs bring is multiplied as well: every weight of the row.",
        ),
    ),
    cases=(
        tuple(map(exact, ([[2, -1], [1, 3]], [1, 2], [6, 1], [1, -1], [3, 1], [2, 4]))),
        tuple(map(exact, ([[1, 0, 2], [-1, 2, 1]], [0, 3], [2, -3], [1, 2], [1, -1], [1, 4]))),
        (
            exact([[1, -2], [3, 1], [2, 2]]), exact([HALF, -1, 2]), exact([1, 3, -2]), exact([HALF, 2, 1]),
            exact([1, HALF, -3]), exact([Fraction(1, 4), 4, Fraction(9, 4)]),
        ),
    ),
    property=Property(
        "one layer computes what the two compute, for every a: new weights times a, plus new bias, is "
        "gamma (W a + b - mean) / spread + beta.",
        _two_in_a_row,
    ),
    oracle=Oracle("the engine's fold_batchnorm", _folded_by_the_engine),
    draw=_normed,
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def split_residual(a: Any, b: Any, R: Any) -> Any:
    whole = a + b
    return np.stack([R * a / whole, R * b / whole])


def _of(whole: Any, a: Any, b: Any, R: Any) -> Any:
    return np.stack([divide(R * a, whole), divide(R * b, whole)])


def _proportional(f: Any, a: Any, b: Any, R: Any) -> bool:
    found = np.asarray(f(a, b, R))
    if found.shape != (2, len(a)):
        return False
    return bool(np.allclose(found.sum(axis=0), R) and np.allclose(found[0] * b, found[1] * a))


def _shared_by_the_engine(a: Any, b: Any, R: Any) -> Any:
    """LRP-0 at an Add node that reads two layers, each of which hands on one half of its input."""
    n, like = len(a), np.concatenate([a, b])
    eye = np.eye(2 * n).astype(like.dtype)
    halves_of = [Node(name, Linear(rows), ("input",)) for name, rows in (("a", eye[:n]), ("b", eye[n:]))]
    tape = forward(Network((*halves_of, Node("plus", Add(), ("a", "b"))), input_shape=(2 * n,)), like)
    found = {hop.at.name: hop.arriving[0] for hop in walk(tape, np.asarray(R)[None], {Add: Zero(), Linear: Zero()})}
    return np.stack([found["a"], found["b"]])


def _sums(rng: np.random.Generator) -> tuple:
    while True:
        a, b, R = (halves(rng, 3, without_zero=True) for _ in range(3))
        if (a + b != 0).all():
            return a, b, R


SPLIT = Function(
    solution=split_residual,
    statement="At every place a plus has added a and b, and R arrives: two rows, what goes to a and what goes to b.",
    clues=(
        "It is chapter 10's sharing: a plus is a neuron with two inputs, weights 1 and 1, and no bias.",
        "Of each unit of the sum, a brought a / (a + b). `np.stack([p, q])` makes two rows.",
    ),
    hole="R * b / whole",
    wrong=(
        Wrong(
            "copied to both", "idea", lambda a, b, R: np.stack([R, R]),
            "You sent all of R to both. That is right for slopes: the chain rule copies. Relevance is shared out, or "
            "it doubles at every plus.",
        ),
        Wrong(
            "halved", "idea", lambda a, b, R: np.stack([R / 2, R / 2]),
            "You gave half to each. It adds up, but whoever brought nothing gets as much as whoever brought all.",
        ),
        Wrong(
            "by magnitude", "idea", lambda a, b, R: _of(abs(a) + abs(b), abs(a), abs(b), R),
            "You shared by size, without the sign. Whoever pulled the sum down gets a share of the other sign.",
        ),
        Wrong(
            "over the magnitudes", "idea", lambda a, b, R: _of(abs(a) + abs(b), a, b, R),
            "You divided by |a| + |b|. The whole is a + b; only over it do the shares add up to R.",
        ),
        Wrong(
            "winner takes all", "idea", lambda a, b, R: np.stack([np.where(a >= b, R, 0), np.where(a >= b, 0, R)]),
            "You gave everything to the larger one. That is the rule for a max-pool, which hands on one number; a plus "
            "hands on both.",
        ),
        Wrong(
            "negative part dropped", "idea",
            lambda a, b, R: _of(np.maximum(a, 0) + np.maximum(b, 0), np.maximum(a, 0), np.maximum(b, 0), R),
            "You left out what is negative. That is another rule (alpha 1, beta 0); at a plus, share in proportion.",
        ),
        Wrong(
            "what they brought, not R", "idea", lambda a, b, R: np.stack([a, b]),
            "You handed down what they brought. What has to be shared out is what arrived, R.",
        ),
        Wrong(
            "exchanged", "bookkeeping", lambda a, b, R: np.stack([R * b / (a + b), R * a / (a + b)]),
            "The two rows are exchanged: the first is for a.",
        ),
    ),
    cases=(
        (exact([3, 1]), exact([-1, 3]), exact([4, 2])),
        (exact([2, -1, 4]), exact([1, 3, 4]), exact([3, -2, 1])),
        (exact([-3, HALF, 1, 2]), exact([1, HALF, -4, 2]), exact([1, 5, -3, 2])),
    ),
    property=Property(
        "the two shares add up to R, and stand to each other as a to b.", _proportional,
    ),
    oracle=Oracle("the engine's LRP-0 at an Add node", _shared_by_the_engine),
    draw=_sums,
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def first_difference(ours: Any, theirs: Any, tol: Any) -> Any:
    apart = abs(ours - theirs).max(axis=1)
    rows = np.flatnonzero(apart > tol * abs(ours).max(axis=1))
    return int(rows[-1]) if len(rows) else -1


def _last(apart: Any) -> Any:
    rows = np.flatnonzero(apart)
    return int(rows[-1]) if len(rows) else -1


def _first(apart: Any) -> Any:
    rows = np.flatnonzero(apart)
    return int(rows[0]) if len(rows) else -1


def _differs(ours: Any, theirs: Any, tol: Any) -> Any:
    return abs(ours - theirs).max(axis=1) > tol * abs(ours).max(axis=1)


def _largest(ours: Any, theirs: Any, tol: Any) -> Any:
    relative = divide(abs(ours - theirs).max(axis=1), abs(ours).max(axis=1))
    return int(np.argmax(relative)) if _differs(ours, theirs, tol).any() else -1


def _mean(rows: Any) -> Any:
    return abs(rows).sum(axis=1) / rows.shape[1]


def _from_the_score(ours: Any, theirs: Any, tol: Any) -> Any:
    found = _last(_differs(ours, theirs, tol))
    return len(ours) - 1 - found if found >= 0 else -1


def _last_that_agrees(ours: Any, theirs: Any, tol: Any) -> Any:
    found = _last(_differs(ours, theirs, tol))
    return found + 1 if found >= 0 else -1


def _units_and_the_rest_do_not_matter(f: Any, ours: Any, theirs: Any, tol: Any) -> bool:
    found = f(ours, theirs, tol)
    whole = np.ndim(found) == 0 and found == int(found) and -1 <= found < len(ours)
    if not whole or f(1000 * ours, 1000 * theirs, tol) != found:
        return False
    nearer = np.arange(len(ours)) < found
    return bool(f(ours, np.where(nearer[:, None], ours, theirs), tol) == found)


def _by_numpy(ours: Any, theirs: Any, tol: Any) -> Any:
    """NumPy's own test of closeness, row by row, back from the score."""
    for place in reversed(range(len(ours))):
        try:
            np.testing.assert_allclose(theirs[place], ours[place], rtol=0, atol=tol * abs(ours[place]).max())
        except AssertionError:
            return place
    return -1


def _parting(rng: np.random.Generator) -> tuple:
    """Six layers, each in a unit of its own: they part at one of them, at a single place; below, everywhere."""
    unit = exact([Fraction(10) ** int(k) for k in rng.integers(-3, 4, 6)])[:, None]
    ours, where = halves(rng, 6, 6, without_zero=True), int(rng.integers(1, 5))
    apart = exact(rng.choice([-1, 1], (6, 6))) / 10000  # roundings
    apart[:where] = halves(rng, where, 6, without_zero=True)
    apart[where, rng.integers(6)] = rng.choice([-1, 1]).item() * abs(ours[where]).max() / 64
    return unit * ours, unit * (ours + apart), CENT


def _bank(*rows: Any) -> tuple:
    """(ours, theirs, 1/100) from rows (ours, differences), next to the picture first."""
    return exact([ours for ours, _ in rows]), exact([[a + d for a, d in zip(*row, strict=True)] for row in rows]), CENT


FIRST = Function(
    solution=first_difference,
    statement="Walking back from the score (the last row), the number of the first row in which theirs is further from "
    "ours than tol times the row's largest number of ours, at any place; -1 if there is none.",
    clues=(
        "For every row: how far are the two apart at most, and how far may they be? `abs(x).max(axis=1)` is the "
        "largest of each row.",
        "`np.flatnonzero(mask)` lists the rows where the mask holds. You come from the score, so you meet the last of "
        "them first.",
    ),
    hole="rows[-1]",
    wrong=(
        Wrong(
            "searched from the picture", "idea", lambda ours, theirs, tol: _first(_differs(ours, theirs, tol)),
            "You searched from the picture. A wrong signal is carried on down to it, so there everything differs; "
            "come from the score.",
        ),
        Wrong(
            "absolute tolerance", "idea", lambda ours, theirs, tol: _last(abs(ours - theirs).max(axis=1) > tol),
            "You compared with tol itself. Signals of one layer may be a million times those of another: take tol "
            "times the row's largest.",
        ),
        Wrong(
            "one scale for all layers", "idea",
            lambda ours, theirs, tol: _last(abs(ours - theirs).max(axis=1) > tol * abs(ours).max()),
            "You measured all rows by the largest number of all. In a quiet layer a wrong signal then passes.",
        ),
        Wrong(
            "the largest instead of the first", "idea", _largest,
            "You looked for the largest difference. A difference may grow on its way; what you want is where it began.",
        ),
        Wrong(
            "compared only the sums", "idea",
            lambda ours, theirs, tol: _last(abs((ours - theirs).sum(axis=1)) > tol * abs(ours.sum(axis=1))),
            "You compared the sums. One place too high and another too low leave the sum as it was.",
        ),
        Wrong(
            "averaged over the places", "idea",
            lambda ours, theirs, tol: _last(_mean(ours - theirs) > tol * _mean(ours)),
            "You averaged over the row. A single wrong place among many right ones disappears in a mean.",
        ),
        Wrong(
            "sign forgotten", "bookkeeping",
            lambda ours, theirs, tol: _last((ours - theirs).max(axis=1) > tol * abs(ours).max(axis=1)),
            "You saw only where theirs is smaller. Take the magnitude of the difference.",
        ),
        Wrong(
            "counted from the score", "bookkeeping", _from_the_score,
            "You counted from the score. Say the number of the row, as NumPy counts: from 0, next to the picture.",
        ),
        Wrong(
            "the last that agrees", "bookkeeping", _last_that_agrees,
            "You named the last row that agrees. The first that differs is one further.",
        ),
    ),
    cases=(
        _bank(([4, 2, -2], [1, 0, 0]), ([1, -5, 2], [3, 0, -3]), ([2, 1, 3], [0, 0, 0]), ([3, 6, 1], [0, 0, 0])),
        _bank(
            ([8, 2, 4, 1], [4, 1, 0, 0]), ([6, -9, 3, 2], [9, 0, 0, 0]), ([-2, 5, 9, 4], [2, -2, 0, 0]),
            ([700, 100, -500, 300], [1, -1, 2, 0]), ([1, 2, 3, 5], [0, 0, 0, 0]),
        ),
        _bank(
            ([3, 1, 2, 2], [0, 3, 0, 0]), ([9, 7, -8, 5], [0, 0, 0, 0]),
            ([Fraction(1, 100), Fraction(-1, 200), Fraction(1, 50), 0], [0, 0, Fraction(1, 4200), 0]),
            ([300, 200, 100, -100], [0, 1, 0, 0]), ([2, 0, 1, 3], [0, 0, 0, 0]), ([1, 1, 4, 2], [0, 0, 0, 0]),
        ),
        _bank(
            ([5, 1, 0, 2], [0, 0, -9, 4]), ([4, 3, 1, 1], [0, 0, -3, 1]),
            ([100, 90, 95, 80], [Fraction(21, 20), 0, 0, 0]), ([2, 2, 1, 7], [0, 0, 0, Fraction(1, 20)]),
        ),
        _bank(([5, 1, 2], [0, 0, 0]), ([200, 100, 300], [1, 0, -1]), ([4, 3, 1], [0, 0, Fraction(1, 40)])),
    ),
    property=Property(
        "it does not depend on the unit (both sides times 1000), nor on what happens nearer the picture than the row "
        "that it names.",
        _units_and_the_rest_do_not_matter,
    ),
    oracle=Oracle("NumPy's own test of closeness, row by row", _by_numpy),
    draw=_parting,
)  # fmt: skip

# -- questions ---------------------------------------------------------------------------------------------------------

WHO_IS_WRONG = Question(
    id="who_is_wrong",
    kind="predict",
    ask="One program explains one picture twice: with sixteen digits (float64) and with seven (float32). On most "
    "pictures the two maps agree to six digits. On this one a pixel differs by 4 % of the map's largest number. Who is "
    "wrong?",
    options={
        "A": "float32: seven digits are too few for so many layers",
        "B": "the program: roundings are a millionth, so 4 % must be a mistake in it",
        "C": "neither: a number that is nearly 0 fell on the other side of a gate",
        "D": "both: they should agree to seven digits, and on no picture they do",
    },
    answer="C",
    because="Forwards the two agree to six digits. One decision among millions was too close to call, and fell one way "
    "here and the other way there.",
    wrong=(
        ("A", "On other pictures the same seven digits are enough; with the decisions shared they are enough here."),
        ("B", "Share the decisions and the 4 % are gone, in the same program. A mistake would have stayed."),
        ("D", "With the decisions shared they do, on every picture."),
    ),
    look="Too close to call",
    later=True,
)

NOTHING_HAPPENS = Question(
    id="nothing_happens",
    kind="predict",
    ask="Somebody prepares the pictures for our network of drawn shapes wrongly: red and blue change places. When all "
    "is well it gets 99 of a hundred right. What will be noticed?",
    options={
        "A": "an error message: the program refuses",
        "B": "about ten of a hundred are still right, as by chance",
        "C": "about half are still right",
        "D": "next to nothing: nearly all are still right",
    },
    answer="D",
    because="97 of 100 are still right. No message, good grades, and the maps belong to pictures that nobody took.",
    wrong=(
        ("A", "Numbers are numbers. Nothing in a network knows which channel is red."),
        ("B", "A star is a star in any colours; shapes are told by their outlines."),
        ("C", "That is what happens when pixels of 0 to 1 are not stretched to -2 to 2; exchanged colours do less."),
    ),
    look="Break it",
    later=True,
)

AT_A_PLUS = Question(
    id="at_a_plus",
    kind="predict",
    ask="At a plus one side brought 3 and the other -1, and a relevance of {{sum.r}} arrives. What goes to the two "
    "sides, by the sharing of chapter 10? (two numbers)",
    answer=value("sum.split"),
    because="The sum is 2, so every unit that a side brought is worth 2: {{sum.split}}, together {{sum.r}}.",
    wrong=(
        (value("sum.copied"), "Slopes are copied at a plus. Relevance is shared, or it doubles."),
        (exact([2, 2]), "Half each adds up, but the two did not bring the same."),
        (exact([3, 1]), "The second side pulled the sum down; its share is negative."),
        (exact([3, -1]), "That is what they brought, 2 together. What arrived is {{sum.r}}, twice as much."),
    ),
    look="A plus",
    later=True,
)

FLICKER = Question(
    id="flicker",
    kind="observe",
    ask="Leave the order as it is and turn k from 1 to 20. What do the three gates do?",
    options={
        "A": "float64 has more digits, so its gate does what the one on paper does",
        "B": "on paper the gate is always shut; the other two open now and then, often not together",
        "C": "where float64 opens, float32 opens as well, and more often",
        "D": "once a gate has opened it stays open, because the numbers grow",
    },
    answer="B",
    because="On paper the sum is 0 for every k. The last bit decides the rest, and each arithmetic has its own.",
    wrong=(
        ("A", "k = 1: the paper's gate is shut, float64's is open. More digits make the error smaller, not absent."),
        ("C", "Compare k = 1 and k = 3."),
        ("D", "Go on from k = 1 to k = 5."),
    ),
)

NEW_NORM = Question(
    id="new_norm",
    kind="predict",
    ask="Fold once more: w = {{norm2.w}}, b = {{norm2.b}}; batch norm with gamma {{norm2.gamma}}, beta {{norm2.beta}}, "
    "mean {{norm2.mean}}, spread {{norm2.spread}}. Two new weights and the new bias? (three numbers)",
    answer=np.append(value("norm2.weights"), value("norm2.bias")),
    because="The scale is 2: weights {{norm2.weights}}, bias 2 times (3 - 1), plus -1: {{norm2.bias}}.",
    wrong=(
        (exact([2, 4, 5]), "The mean is taken away before the scale."),
        (exact([2, 4, 2]), "Beta is added after the scale; you scaled it as well."),
        (exact([1, 2, 1]), "You divided by the square of the spread."),
        (exact([1, 2, 3]), "The weights are scaled, too."),
    ),
    look="A layer that is none",
)

ONE_OF_A_HUNDRED = Question(
    id="one_of_a_hundred",
    kind="claim",
    ask="Two programs, one rule, a hundred pictures, float32. On 99 their maps agree to six digits, on one a pixel is "
    "4 % off. With gates and winners shared, all hundred agree to six digits. Which sentence does that support?",
    options={
        "A": "One of the two has a mistake that shows on one picture in a hundred",
        "B": "Both compute the same method; on that picture a decision was too close to call",
        "C": "Maps in float32 are not to be trusted",
        "D": "Both programs are right",
    },
    answer="B",
    because="What is left when the decisions are shared is the method's arithmetic, and it agrees.",
    wrong=(
        ("A", "A mistake in a rule would stay when the decisions are shared."),
        ("C", "float64 has close calls as well, only rarer. And 99 maps agree to six digits."),
        ("D", "Two programs that agree may share a mistake. Agreement speaks against different ones only."),
    ),
)

EXERCISES = (
    WHO_IS_WRONG, NOTHING_HAPPENS, AT_A_PLUS, FOLD, SPLIT, FLICKER, FIRST, NEW_NORM, ONE_OF_A_HUNDRED,
)  # fmt: skip
