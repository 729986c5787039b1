"""Chapter 17: conventions that libraries choose, how to tell them apart, and an adapter for the reference vectors."""

from fractions import Fraction
from typing import Any

import numpy as np

from minixai.book.exercise import Adapter, Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_neuron, halves
from minixai.book.numbers import value
from minixai.ops import exact
from minixai.ops.numbers import divide

CHAPTER = "17_libraries_that_disagree"

# -- E1 ----------------------------------------------------------------------------------------------------------------


def trapezoid_weights(places: Any) -> Any:
    steps = np.diff(places)
    left, right = np.append(0, steps), np.append(steps, 0)
    return (left + right) / 2


def _sides(places: Any) -> Any:
    steps = np.diff(places)
    return np.append(0, steps), np.append(steps, 0)


def _alike(places: Any) -> Any:
    """One over the number of places, once for each."""
    return np.array([places[-1] / len(places)] * len(places))


def _halved_ends(weights: Any) -> Any:
    return np.append(np.append(weights[:1] / 2, weights[1:-1]), weights[-1:] / 2)


def _equal_steps(places: Any) -> Any:
    return _halved_ends(np.array([places[-1] / (len(places) - 1)] * len(places)))


def _full_ends(places: Any) -> Any:
    w = trapezoid_weights(places)
    return np.append(np.append(2 * w[:1], w[1:-1]), 2 * w[-1:])


def _exact_on_lines(f: Any, places: Any) -> bool:
    w = np.asarray(f(places))
    return bool(np.isclose(w.sum(), 1) and np.isclose(w @ places, 0.5))


def _on_the_way(rng: np.random.Generator) -> tuple:
    inner = sorted(rng.choice(np.arange(1, 16), int(rng.integers(2, 6)), replace=False))
    return (exact([0, *inner, 16]) / 16,)


TRAPEZOID_WEIGHTS = Function(
    solution=trapezoid_weights,
    statement="The weight of each place on the way from 0 to 1, so that straight lines between the places are exact.",
    clues=(
        "Between two neighbours the average of a straight line is the mean of its two ends. What does each end get?",
        "A place gets half of the step on its left and half of the step on its right; an end has only one of them.",
    ),
    hole="(left + right) / 2",
    wrong=(
        Wrong(
            "1/n each, ends halved", "idea", lambda places: _halved_ends(_alike(places)),
            "You gave each of the n places 1/n and halved the ends: (n - 1)/n in all. But n places have n - 1 steps.",
        ),
        Wrong(
            "every place 1/n", "idea", _alike,
            "You gave every place 1/n. An end stands for half a step only, and steps need not be equal.",
        ),
        Wrong(
            "left ends", "idea", lambda places: _sides(places)[1],
            "You gave each step to the place on its left. That is a staircase, not a line from place to place.",
        ),
        Wrong(
            "right ends", "idea", lambda places: _sides(places)[0],
            "You gave each step to the place on its right. That is a staircase, not a line from place to place.",
        ),
        Wrong(
            "equal steps", "idea", _equal_steps,
            "You counted on equal steps. Right where they are equal; here some places lie closer together.",
        ),
        Wrong(
            "ends at full weight", "bookkeeping", _full_ends,
            "Your ends get a whole step. They have a neighbour on one side only: half a step.",
        ),
        Wrong(
            "half forgotten", "bookkeeping", lambda places: 2 * trapezoid_weights(places),
            "Both neighbours' steps in full: every step is counted twice, and the weights add up to 2.",
        ),
    ),
    cases=tuple(
        (exact(places),)
        for places in (
            [0, Fraction(1, 3), Fraction(2, 3), 1],
            [0, 0.25, 0.5, 1],
            [0, 0.125, 0.5, 0.625, 1],
            [0, 0.75, 1],
        )
    ),
    property=Property("the weights add up to 1, and the places themselves average to 1/2.", _exact_on_lines),
    oracle=Oracle("NumPy's trapezoid", lambda places: np.trapezoid(np.eye(len(places)), places)),
    draw=_on_the_way,
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def which_convention(result: Any, table: Any, tolerance: Any) -> Any:
    apart = abs(table - result).max(axis=1)
    return apart <= tolerance * abs(table).max(axis=1)


def _one(best: Any, table: Any) -> Any:
    return np.arange(len(table)) == best


def _highest_cosine(result: Any, table: Any, tolerance: Any) -> Any:
    along = [row @ result for row in table]
    squared = [a * abs(a) / (row @ row) for a, row in zip(along, table, strict=True)]  # of the cosine, with its sign
    return _one(int(np.argmax(squared)), table)


def _nearest(result: Any, table: Any, tolerance: Any) -> Any:
    return _one(int(np.argmin([(row - result) @ (row - result) for row in table])), table)


def _only_the_total(result: Any, table: Any, tolerance: Any) -> Any:
    totals = table.sum(axis=1)
    return abs(totals - result.sum()) <= tolerance * abs(totals)


def _row_by_row(result: Any, table: Any, tolerance: Any) -> Any:
    return [np.allclose(result, row, rtol=0, atol=tolerance * np.linalg.norm(row, np.inf)) for row in table]


def _found_and_not_doubled(f: Any, result: Any, table: Any, tolerance: Any) -> bool:
    rows = range(len(table))
    found = [np.asarray(f(table[i], table, tolerance))[i] for i in rows]
    doubled = [np.asarray(f(2 * table[i], table, tolerance))[i] for i in rows]
    return bool(all(found) and not any(doubled))


def _an_answer(rng: np.random.Generator) -> tuple:
    """A table of three answers, and a result: one of them, or one of them changed a little, or turned round."""
    table = halves(rng, 4, 3, without_zero=True) * 100
    row = table[int(rng.integers(4))]
    changed = (row, row * Fraction(21, 20), row[::-1], row + exact([Fraction(1, 20), 0, 0]))
    return changed[int(rng.integers(4))], table, Fraction(1, 1000)


CONVENTIONS = exact([value(f"layer.{name}") for name in ("signed", "printed", "ignored", "lrp0")])

WHICH_CONVENTION = Function(
    solution=which_convention,
    statement="For every row of the table: does the result agree? No number further off than tolerance times the "
    "row's largest magnitude.",
    clues=(
        "How far is the result from a row? One number per row: the largest of the differences, whatever their sign.",
        "Compare that with tolerance times the row's largest magnitude; .max(axis=1) gives one number per row.",
    ),
    hole="abs(table - result)",
    wrong=(
        Wrong(
            "highest cosine", "idea", _highest_cosine,
            "You took the row that points the same way. All four cosines are nearly 1, one is always the highest, and "
            "twice the answer points the same way as the answer.",
        ),
        Wrong(
            "nearest, however far", "idea", _nearest,
            "You took the nearest row. One row is always the nearest; 'none of these' must be a possible answer.",
        ),
        Wrong(
            "only the total", "idea", _only_the_total,
            "You compared the totals. Relevance that was handed to the wrong pixel has the right total.",
        ),
        Wrong(
            "within ten percent", "idea",
            lambda result, table, tolerance: which_convention(result, table, Fraction(1, 10)),
            "You let ten percent pass. Conventions differ by less than that; rounding differs by far less.",
        ),
        Wrong(
            "tolerance without a scale", "idea",
            lambda result, table, tolerance: abs(table - result).max(axis=1) <= tolerance,
            "You used the tolerance as it is. What is close depends on how large the numbers are.",
        ),
        Wrong(
            "one number is enough", "idea",
            lambda result, table, tolerance: abs(table - result).min(axis=1) <= tolerance * abs(table).max(axis=1),
            "For you one number that agrees is enough. All of them have to.",
        ),
        Wrong(
            "sign of the difference", "bookkeeping",
            lambda result, table, tolerance: (table - result).max(axis=1) <= tolerance * abs(table).max(axis=1),
            "You forgot the magnitude: what is far too large passes, because its difference is negative.",
        ),
    ),
    cases=tuple(
        (exact(result), exact(table), Fraction(1, 1000))
        for result, table in (
            (value("layer.signed"), CONVENTIONS),
            (value("layer.printed") * Fraction(101, 100), CONVENTIONS),
            ([8, Fraction(-8, 3)], CONVENTIONS),
            ([1000, 1, -3], [[1000, 0.5, -3], [999, 0.5, -3], [1000, 0.5, 3]]),
            ([1, 2], [[1, 2], [1, 2], [2, 4]]),
            ([3, 5], [[1, 2], [3, 1], [2, 4], [5, 3]]),
            ([Fraction(1, 512), Fraction(-1, 2048)], [[Fraction(1, 512), 0], [Fraction(1, 512), Fraction(1, 128)]]),
        )
    ),
    property=Property("every row, handed in as the result, is found; twice that row is not.", _found_and_not_doubled),
    oracle=Oracle("NumPy's allclose, row by row,", _row_by_row),
    draw=_an_answer,
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------

READINGS = ("the survey's", "bias left alone", "bias dropped", "gamma forgotten")


def readings(a: Any, w: Any, b: Any) -> dict[str, Any]:
    """What one neuron hands on of its z = a w + b, by four readings of LRP-gamma with gamma = 1 (for a >= 0)."""
    z, raised = a @ w + b, a * (w + np.maximum(w, 0))
    kept = {"the survey's": b + np.maximum(b, 0), "bias left alone": b, "bias dropped": 0 * b}
    shares = {name: z * divide(raised, np.asarray(raised.sum() + k)) for name, k in kept.items()}
    return shares | {"gamma forgotten": a * w}


def tell_apart() -> Any:
    telling = np.array([2.0, 1.0]), np.array([1.0, -1.0]), 1.0
    vacuous = np.array([1.0, 1.0]), np.array([1.0, 1.0]), 0.0
    return telling, vacuous


def _two_neurons(answer: Any) -> Refusal | None:
    """(a, w, b) on which no two readings agree, and (a, w, b) on which all four do."""
    found = [answer_neuron(n) for n in answer] if isinstance(answer, tuple | list) and len(answer) == 2 else []
    neurons = [n for n in found if n is not None]
    if len(neurons) != 2:
        return Refusal("interface", "Expected two neurons, (a, w, b), (a, w, b): arrays of one length and a number.")
    if any((a < 0).any() for a, _, _ in neurons):
        return Refusal("interface", "Expected activations of at least 0: they come out of a ReLU.")
    for which, (a, w, b) in zip(("first", "second"), neurons, strict=True):
        if a @ w + b <= 0:
            return Refusal("trivial", f"Your {which} neuron is off: there is nothing to share out.")
        if np.count_nonzero(a * w) < 2:
            return Refusal("trivial", f"In your {which} neuron fewer than two inputs say anything.")
    telling, vacuous = (list(readings(*n).values()) for n in neurons)
    pairs = [(i, j) for i in range(4) for j in range(i) if _same(telling[i], telling[j])]
    if pairs:
        named = "; ".join(f"{READINGS[j]} and {READINGS[i]}" for i, j in pairs)
        return Refusal("property", f"Your first neuron does not tell these apart: {named}.")
    apart = [READINGS[i] for i in range(1, 4) if not _same(vacuous[0], vacuous[i])]
    return Refusal("property", f"On your second neuron {apart[0]} still differs from the survey's.") if apart else None


def _same(a: Any, b: Any) -> bool:
    return bool((a == b).all())


TELL_APART = Counterexample(
    solution=tell_apart,
    statement="(a, w, b), (a, w, b): a neuron on which no two of the four readings agree, one on which all four do.",
    clues=(
        "Three of the readings differ in what they do to the bias. The fourth treats weights of both signs alike.",
        "For the first, take a positive bias and weights of both signs. For the second, take away both.",
    ),
    hole="np.array([1.0, 1.0]), 0.0",
    judge=_two_neurons,
    accepted=(
        (([2, 1], [1, -1], 1), ([1, 1], [1, 1], 0)),
        (([1, 3, 0.5], [2, -0.5, 1], 0.25), ([1, 2, 0], [3, 0.5, -1], 0)),
    ),
    refused=(
        ((([2, 1], [1, -1], -2), ([1, 1], [1, 1], 0)), "trivial"),
        ((([2, 1], [1, -1], 1), ([0, 1], [1, 1], 0)), "trivial"),
        ((([2, 1], [1, -1], -0.5), ([1, 1], [1, 1], 0)), "property"),
        ((([2, 1], [1, 1], 1), ([1, 1], [1, -0.5], 0)), "property"),
        ((([2, 1], [1, -1], 1), ([1, 1], [1, 1], 0.5)), "property"),
        ((([2, 1], [1, -1], 1), ([1, 1], [2, -1], 0)), "property"),
        ((([2, -1], [1, -1], 1), ([1, 1], [1, 1], 0)), "interface"),
        ((([2, 1], [1, -1], 1), ([1, 1], [1], 0)), "interface"),
        ((([2, 1], [1, -1], 1), ([1, 1], [1, 1])), "interface"),
        (([2, 1], [1, -1]), "interface"),
    ),
)

# -- E4 ----------------------------------------------------------------------------------------------------------------


def my_adapter(question: Any) -> Any:
    from fractions import Fraction

    def read(tensor):
        return np.array([float(Fraction(v)) for v in tensor["values"]]).reshape(tensor["shape"])

    y, slopes = read(question["input"])[0], []
    for node in question["network"]["nodes"]:
        if node["op"] == "Linear":
            W, b = read(node["weight"]), read(node["bias"])
        elif node["op"] == "ReLU":
            W, b = np.diag((y > 0) * 1.0), 0
        else:
            return {"status": "skipped", "why": f"no {node['op']} here"}
        y = W @ y + b
        slopes.append(W)
    R = np.eye(len(y))[question["target"]]
    for W in reversed(slopes):
        R = R @ W
    return {"status": "result", "relevance": {"shape": list(R.shape), "values": R.ravel().tolist()}}


def _dense(question: Any) -> Any:
    """(x, [(W, b), ...]) of a network of dense layers with ReLUs in between; None for any other."""
    nodes = question["network"]["nodes"]
    if any(node["op"] not in ("Linear", "ReLU") for node in nodes):
        return None
    layers = [(_read(n["weight"]), _read(n["bias"]), n["weight"]["shape"]) for n in nodes if n["op"] == "Linear"]
    return _read(question["input"])[0], layers


def _read(tensor: Any) -> Any:
    return np.array([float(Fraction(v)) for v in tensor["values"]]).reshape(tensor["shape"])


def _wrong_adapter(
    gate: Any = lambda y, R: y > 0,
    seed: Any = lambda scores, k: np.eye(len(scores))[k],
    weight: Any = lambda W: W,
    bias: int = 1,
    last: Any = lambda R, x: R,
) -> Any:
    """An adapter for the gradient, with something changed."""

    def adapter(question: Any) -> Any:
        found = _dense(question)
        if found is None:
            return {"status": "skipped", "why": "dense layers only"}
        x, layers = found
        ys, a = [], x
        for W, b, _ in layers:
            ys.append(weight(W) @ a + bias * b)
            a = np.maximum(ys[-1], 0)
        R = seed(ys[-1], question["target"][0])
        for k in reversed(range(len(layers))):
            R = R @ weight(layers[k][0])
            if k:
                R = np.where(gate(ys[k - 1], R), R, 0)
        R = last(R, x)
        return {"status": "result", "relevance": {"shape": [1, R.size], "values": R.tolist()}}

    return adapter


MY_ADAPTER = Adapter(
    solution=my_adapter,
    statement="A function from a question to an answer: the gradient, for networks of Linear and ReLU layers.",
    clues=(
        "Forwards, keep one matrix per layer: its slopes. For a Linear layer that is its weight. For a ReLU it has 1 "
        "on its diagonal where the neuron is on, and 0 elsewhere.",
        "Backwards, start with a row that is 1 at the target and multiply by the matrices, last one first. A batch "
        "of one: the input has shape [1, features], and so has the answer.",
    ),
    hole="(y > 0) * 1.0",
    wrong=(
        Wrong(
            "ReLUs passed by", "idea", _wrong_adapter(gate=lambda y, R: np.ones_like(R, bool)),
            "You walked back through the ReLUs as if all were on.",
        ),
        Wrong(
            "guided at the ReLU", "idea", _wrong_adapter(gate=lambda y, R: (y > 0) & (R > 0)),
            "You stop negative messages at a ReLU. That is guided backpropagation; the chain rule lets them through.",
        ),
        Wrong(
            "started from the score", "idea", _wrong_adapter(seed=lambda s, k: s * (np.arange(len(s)) == k)),
            "You started from the score. LRP does; the slope of a score with respect to itself is 1.",
        ),
        Wrong(
            "all classes at once", "idea", _wrong_adapter(seed=lambda s, k: np.ones_like(s)),
            "You started with 1 at every class: that explains the sum of the scores. The question names a target.",
        ),
        Wrong(
            "times the input", "idea", _wrong_adapter(last=lambda R, x: R * x),
            "You multiplied by the input. That makes contributions; asked was the slope.",
        ),
        Wrong(
            "biases left out", "bookkeeping", _wrong_adapter(bias=0),
            "You left the biases out on the way forward. They have no slope, but they decide which ReLUs are on.",
        ),
        Wrong(
            "weights read column by column", "bookkeeping",
            _wrong_adapter(weight=lambda W: W.ravel().reshape(W.shape, order="F")),
            "You filled the weights column by column. Values are written row by row: one row per output.",
        ),
    ),
    only="methods/gradient/*",
    must="methods/gradient/dense-*",
)  # fmt: skip

# -- questions ---------------------------------------------------------------------------------------------------------

CHECK_FIRST = Question(
    id="check_first",
    kind="predict",
    ask="Same rule, same neuron: {{neuron.gamma}} and {{neuron.alone}}. What do you check first?",
    options={
        "A": "whether both loaded the same weights",
        "B": "what both do with the bias",
        "C": "float32 against float64",
        "D": "whether gamma is the same number",
    },
    answer="B",
    because="Both pairs stand at 4 to -1, so the numerators agree; only what stands below them differs, and that is "
    "where the bias stands.",
    wrong=(
        ("A", "Other weights would have changed the proportion of the two shares. It is 4 to -1 in both."),
        ("C", "Rounding moves the seventh digit, not the first."),
        ("D", "Another gamma would have changed the proportion of the two shares. It is 4 to -1 in both."),
    ),
    look="The bias that gamma forgets",
    later=True,
)

HOW_CLOSE = Question(
    id="how_close",
    kind="predict",
    ask="Four conventions of one rule, asked about the same neurons; six pairs of answers. The smallest of the six "
    "cosines is ...",
    options={"A": "below 0.9", "B": "from 0.9 to 0.99", "C": "from 0.99 to 0.999", "D": "above 0.999"},
    answer="D",
    because="All six exceed 0.999, although the furthest two answers are {{layer.apart}} of the largest number apart.",
    wrong=(
        ("A", "They look far more alike than that."),
        ("B", "They look more alike than that."),
        ("C", "Even more alike than that."),
    ),
    look="Nearly the same arrow",
    later=True,
)

CALLED_RELU = Question(
    id="called_relu",
    kind="predict",
    ask="Guided backpropagation puts a hook on every ReLU layer. Your network calls the function relu(x) instead. "
    "What do you get?",
    options={
        "A": "an error",
        "B": "the guided map",
        "C": "the plain gradient, and not a word",
        "D": "a map of zeros",
    },
    answer="C",
    because="There is no layer to hang the hook on, so nothing is changed: autograd's own gradient comes out.",
    wrong=(
        ("A", "Nobody notices that no hook was set: a search that finds nothing is no error."),
        ("B", "The gate is in the hook, and a function has none."),
        ("D", "The walk back goes on as always; only the gate is missing."),
    ),
    look="A plus and a ReLU that nobody sees",
    later=True,
)

SWITCHED = Question(
    id="switched",
    kind="observe",
    ask="From minixai's defaults to Captum's, in as few moves as possible: which switches did you have to move?",
    options={
        "A": "the sign of eps",
        "B": "the bias in LRP-eps",
        "C": "the bias in LRP-gamma",
        "D": "the places on the path",
        "E": "the noise",
        "F": "the spread",
    },
    answer=("C", "D", "E"),
    because="Three switches, and three of the five answers moved. Nobody had made a mistake.",
    wrong=(
        ("A", "Both add eps with the sign of what it is added to."),
        ("B", "Both keep the bias below the line."),
        ("F", "Captum has no method that uses it; the switch may stand as it likes."),
    ),
)

SAME_METHOD = Question(
    id="same_method",
    kind="claim",
    ask="Two libraries' maps have cosine 0.9998 on a thousand pictures. Which sentence does that support?",
    options={
        "A": "They compute the same method, up to rounding",
        "B": "One of the two has a defect",
        "C": "As directions the maps are nearly alike; whether the methods are the same it does not say",
        "D": "Either may be used where the size of a contribution is reported",
    },
    answer="C",
    because="A cosine forgets every common factor and hardly sees a single pixel. Ask for the largest difference, as a "
    "share of the largest number, on a network that tells the conventions apart.",
    wrong=(
        ("A", "Two different conventions came to 0.99999 in this chapter. Rounding is millions of times smaller."),
        ("B", "They may have chosen different conventions, each of which can be defended."),
        ("D", "A cosine does not see a factor at all: twice the map has cosine 1."),
    ),
)

EXERCISES = (
    CHECK_FIRST, HOW_CLOSE, CALLED_RELU, TRAPEZOID_WEIGHTS, WHICH_CONVENTION, SWITCHED, MY_ADAPTER, TELL_APART,
    SAME_METHOD,
)  # fmt: skip
