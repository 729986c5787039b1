"""Chapter 06: the gradient, DeconvNet and guided backpropagation differ at the ReLU."""

from typing import Any

import numpy as np

from minixai.api import explain, rules
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.network import Network, forward
from minixai.ops import Linear, ReLU, exact

CHAPTER = "06_three_ways"
KINDS = ("gradient", "deconvnet", "guided")
METHODS = {"gradient": "gradient", "deconvnet": "deconvnet", "guided": "guided-backprop"}

# -- E1 ----------------------------------------------------------------------------------------------------------------


def relu_backward(kind: Any, y: Any, R: Any) -> Any:
    on, good_news = y > 0, R > 0
    gate = {"gradient": on, "deconvnet": good_news, "guided": on & good_news}[kind]
    return np.where(gate, R, 0)


def _gated(**changed: Any) -> Any:
    """relu_backward with some of the three gates changed: {kind: (y, R) -> gate}."""
    gates = {"gradient": lambda y, R: y > 0, "deconvnet": lambda y, R: R > 0, "guided": lambda y, R: (y > 0) & (R > 0)}
    gates |= changed
    return lambda kind, y, R: np.where(gates[kind](y, R), R, 0)


def _engine_gate(kind: Any, y: Any, R: Any) -> Any:
    """The engine's rule for this method at a ReLU."""
    tape = forward(Network.sequential([ReLU()]), np.asarray(y)[None])
    return np.asarray(rules(METHODS[kind])[ReLU](np.asarray(R)[None, None], tape["relu1"]))[0, 0]


RELU_BACKWARD = Function(
    solution=relu_backward,
    statement="What leaves a ReLU backwards, where y went in and R arrives; kind is gradient, deconvnet or guided.",
    clues=(
        "Three students, two questions. 'Was this neuron on?' is about y. 'Is the message good news?' is about R.",
        "Make one mask per question; guided needs both to be true in the same place. What passes is R itself.",
    ),
    hole="on & good_news",
    wrong=(
        Wrong(
            "gradient looks at the arriving signal", "idea", _gated(gradient=lambda y, R: R > 0),
            "Your gradient asks whether the message is good news, R > 0. The chain rule asks if the neuron was on.",
        ),
        Wrong(
            "deconvnet looks at the forward pass", "idea", _gated(deconvnet=lambda y, R: y > 0),
            "Your DeconvNet asks whether the neuron was on. It never looks at the forward pass at a ReLU, only at R.",
        ),
        Wrong(
            "gradient and deconvnet exchanged", "bookkeeping",
            _gated(gradient=lambda y, R: R > 0, deconvnet=lambda y, R: y > 0),
            "Guided is right, and the other two have each other's gate.",
        ),
        Wrong(
            "guided with either", "idea", _gated(guided=lambda y, R: (y > 0) | (R > 0)),
            "Your guided passes what satisfies either question. It is the strictest of the three: both must hold.",
        ),
        Wrong(
            "guided asks only whether the neuron was on", "idea", _gated(guided=lambda y, R: y > 0),
            "Your guided is the gradient: the second question, is the message good news, is missing.",
        ),
        Wrong(
            "guided asks only the arriving signal", "idea", _gated(guided=lambda y, R: R > 0),
            "Your guided is DeconvNet: the first question, was the neuron on, is missing.",
        ),
        Wrong(
            "y = 0 lets through", "convention",
            _gated(gradient=lambda y, R: y >= 0, guided=lambda y, R: (y >= 0) & (R > 0)),
            "You let the signal pass where y is exactly 0. ReLU has a kink there; the survey takes its slope as 0.",
        ),
        Wrong(
            "times the activation", "idea",
            lambda kind, y, R: relu_backward(kind, y, R) * np.where(y > 0, y, 0),
            "You multiplied by what the neuron sent forward. The gate opens or closes; it does not amplify.",
        ),
    ),
    cases=tuple(
        (kind, exact(y), exact(R))
        for kind in KINDS
        for y, R in (
            ([[3, -1, 2], [0, 1, -2], [-1, 2, 4]], [[2, 3, -1], [1, -2, 4], [-3, 0, 5]]),
            ([[-2, 0, 1.5], [4, 0, -0.5]], [[1, 2, 3], [-1, -2, -3]]),
        )
    ),
    property=Property(
        "guided is the two gates one after the other: the gradient's, applied to what DeconvNet lets through.",
        lambda f, kind, y, R: np.array_equal(f("guided", y, R), f("gradient", y, f("deconvnet", y, R))),
    ),
    oracle=Oracle("the engine's own rule", _engine_gate),
    draw=lambda rng: (str(rng.choice(KINDS)), halves(rng, 3, 4), halves(rng, 3, 4)),
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def walk_two_layers(kind: Any, x: Any, head: Any) -> Any:
    W = np.array([[1, 0], [1, -1]])
    y = W @ x
    gate = {"gradient": y > 0, "deconvnet": head > 0, "guided": (y > 0) & (head > 0)}[kind]
    return np.where(gate, head, 0) @ W


W_TWO = np.array([[1, 0], [1, -1]])


def _only_at_the_end(kind: Any, x: Any, head: Any) -> Any:
    slopes = walk_two_layers("gradient", x, head)
    return slopes if kind == "gradient" else np.where(slopes > 0, slopes, 0)


def _engine_walk(kind: Any, x: Any, head: Any) -> Any:
    layers = [Linear(W_TWO.astype(float)), ReLU(), Linear(np.asarray(head, float)[None])]
    return explain(Network.sequential(layers), np.asarray(x, float), METHODS[kind], target=0).relevance


def _adds_up(f: Any, kind: Any, x: Any, head: Any) -> bool:
    y = W_TWO @ x
    same_everywhere = np.array_equal(f("deconvnet", x, head), f("deconvnet", x[::-1] + 1, head))
    return bool(same_everywhere and np.isclose(f("gradient", x, head) @ x, head @ np.where(y > 0, y, 0)))


WALK_TWO_LAYERS = Function(
    solution=walk_two_layers,
    statement="S = head . (relu(x1), relu(x1 - x2)): the signal that arrives at the two pixels, from seed 1, by kind.",
    clues=(
        "Forwards first: what are y1 = x1 and y2 = x1 - x2, and is each of them on? Then walk back, layer by layer.",
        "What arrives at the ReLUs is the head itself. Gate it there, then carry it through the matrix, once.",
    ),
    hole="np.where(gate, head, 0)",
    wrong=(
        Wrong(
            "rectified only the finished map", "idea", _only_at_the_end,
            "You walked the gradient and cut off the negatives at the end. DeconvNet and guided cut at every ReLU.",
        ),
        Wrong(
            "the gradient, whatever was asked", "idea",
            lambda kind, x, head: walk_two_layers("gradient", x, head),
            "You always walk the gradient; kind changes nothing.",
        ),
        Wrong(
            "signs of the weights dropped", "idea", lambda kind, x, head: abs(head) @ abs(W_TWO),
            "You dropped the signs of the weights. What is rectified is the signal, never the weights.",
        ),
        Wrong(
            "times the input", "idea", lambda kind, x, head: walk_two_layers(kind, x, head) * x,
            "You multiplied by the picture: that makes a contribution of it. Asked was the signal that arrives.",
        ),
        Wrong(
            "matrix not transposed", "bookkeeping",
            lambda kind, x, head: W_TWO @ np.where(_gate(kind, x, head), head, 0),
            "You carried the signal through the matrix in the forward direction; backwards it is the transposed one.",
        ),
    ),
    cases=(
        ("deconvnet", exact([10, 6]), exact([1, -1])),
        ("guided", exact([10, 6]), exact([1, -2])),
        ("gradient", exact([10, 6]), exact([1, -1])),
        ("gradient", exact([6, 10]), exact([2, 3])),
        ("guided", exact([6, 10]), exact([2, 3])),
        ("deconvnet", exact([-1, 2]), exact([-3, 0.5])),
    ),
    property=Property(
        "the gradient times the picture adds up to the score (no biases), and DeconvNet never looks at the picture.",
        _adds_up,
    ),
    oracle=Oracle("the engine's own walk", _engine_walk),
    draw=lambda rng: (str(rng.choice(KINDS)), halves(rng, 2, without_zero=True), halves(rng, 2, without_zero=True)),
)  # fmt: skip


def _gate(kind: Any, x: Any, head: Any) -> Any:
    y = W_TWO @ x
    return {"gradient": y > 0, "deconvnet": head > 0, "guided": (y > 0) & (head > 0)}[kind]


# -- E3 ----------------------------------------------------------------------------------------------------------------


def agree_and_differ() -> Any:
    agree = np.array([3.0, 1.0]), np.array([2.0, 5.0])
    differ = np.array([3.0, -1.0]), np.array([-2.0, 5.0])
    return agree, differ


def _three_gates(answer: Any) -> Refusal | None:
    """(y, R) on which all three gates agree, and (y, R) on which no two do."""
    pairs = [_pair(p) for p in answer] if isinstance(answer, tuple) and len(answer) == 2 else [None]
    if None in pairs:
        return Refusal("interface", "Expected two pairs of arrays of one shape: (y, R), (y, R).")
    (first, second) = ([relu_backward(kind, *pair) for kind in KINDS] for pair in pairs if pair)
    if not any(a.any() for a in first):
        return Refusal("trivial", "In your first pair nothing gets through at all; agreeing on nothing is too easy.")
    if _same(first[0], first[1]) + _same(first[0], first[2]) < 2:
        return Refusal("property", "In your first pair the three do not agree.")
    names = [f"{KINDS[i]} and {KINDS[j]}" for i, j in ((0, 1), (0, 2), (1, 2)) if _same(second[i], second[j])]
    return Refusal("property", f"In your second pair {', '.join(names)} still agree.") if names else None


def _pair(pair: Any) -> Any:
    if not isinstance(pair, tuple) or len(pair) != 2:
        return None
    shape = np.shape(pair[0])
    y, R = (answer_array(part, shape) for part in pair)
    return None if y is None or R is None or not y.size else (np.atleast_1d(y), np.atleast_1d(R))


def _same(a: Any, b: Any) -> bool:
    return bool((a == b).all())


AGREE_AND_DIFFER = Counterexample(
    solution=agree_and_differ,
    statement="(y, R), (y, R): one pair on which all three gates agree on something, one on which no two of them do.",
    clues=(
        "They agree where both questions get the same answer in every place.",
        "One place can part guided from one of the other two. To part all three you need two places.",
    ),
    hole="np.array([-2.0, 5.0])",
    judge=_three_gates,
    accepted=(
        ((3, 2), ([3, -1], [-2, 5])),
        (([1, -1], [2, -2]), ([[1, -1, 0]], [[-1, 1, 3]])),
    ),
    refused=(
        (((3, 0), ([3, -1], [-2, 5])), "trivial"),
        (((-3, -2), ([3, -1], [-2, 5])), "trivial"),
        ((([3, 1], [2, -5]), ([3, -1], [-2, 5])), "property"),
        (((3, 2), ([3], [-2])), "property"),
        (((3, 2), ([3, 1], [2, 5])), "property"),
        (((3, 2), ([3, 1], [2, 5, 6])), "interface"),
        ((([], []), ([3, -1], [-2, 5])), "interface"),
        (((3, 2), "differ"), "interface"),
        (7, "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

WHICH_PIXEL = Question(
    id="which_pixel",
    kind="predict",
    ask="S = relu(x1) - relu(x1 - x2) at {{min.picture}}. Which methods name pixel 1, which cannot move S?",
    options={"A": "the gradient", "B": "DeconvNet", "C": "guided backpropagation", "D": "none of them"},
    answer=("B", "C"),
    because="The gradient is {{min.gradient}}. DeconvNet and guided stop the negative message: {{min.deconvnet}}.",
    wrong=(
        ("A", "Raise x1 by a little and the score stays {{min.score}}: the slope of pixel 1 is 0."),
        ("D", "Follow the -1 that goes to relu(x1 - x2): two of the three students throw it away."),
    ),
    look="Two pixels",
    later=True,
)

OTHER_CLASS = Question(
    id="other_class",
    kind="predict",
    ask="The network says star; cross comes second. Ask 'why cross?' instead. Whose map changes least?",
    options={"A": "the gradient's", "B": "DeconvNet's", "C": "guided backpropagation's", "D": "all change alike"},
    answer="C",
    because="Guided shows what the picture opened; which class was asked for hardly matters to it.",
    wrong=(
        ("A", "The gradient is the slope of the score that was asked for, and another score has other slopes."),
        ("B", "DeconvNet's map changes a little less than the gradient's, and far more than guided's."),
        ("D", "The table in 'Break it' has three rows, and they differ."),
    ),
    look="Break it",
    later=True,
)

SURER = Question(
    id="surer",
    kind="predict",
    ask="Explain a probability, not a score. The surer the network already is, the slopes are ...",
    options={"A": "larger", "B": "the same", "C": "smaller"},
    answer="C",
    because="Every slope is multiplied by p (1 - p), and 1 - p goes to 0.",
    wrong=(
        ("A", "A large probability has little room left to grow, so nothing moves it much."),
        ("B", "That would be so for the score; the probability bends where the network becomes sure."),
    ),
    look="Break it",
    later=True,
)

OTHER_WIRING = Question(
    id="other_wiring",
    kind="observe",
    ask="Same function, other wiring: relu(x2) - relu(x2 - x1). Which answers turned round?",
    options={"A": "the gradient", "B": "DeconvNet", "C": "guided backpropagation", "D": "none of them"},
    answer=("B", "C"),
    because="They depend on how the function is written down. The gradient depends only on the function.",
    wrong=(
        ("A", "The slope belongs to the function, and the function is the same."),
        ("D", "Compare the second and third row before and after the switch."),
    ),
)

SHARP_MAP = Question(
    id="sharp_map",
    kind="claim",
    ask="The guided map is the sharpest of the three. Which sentence does that support?",
    options={
        "A": "Guided backpropagation explains the decision best",
        "B": "At each ReLU, guided backpropagation stops at least as much of the same signal as the other two",
        "C": "The network looked at exactly these edges",
        "D": "The bright pixels would change the score most",
    },
    answer="B",
    because="Sharpness is a property of the gate. Whether the map has to do with the decision needs an intervention.",
    wrong=(
        ("A", "Sharp is not faithful: at {{min.picture}} guided names the pixel that cannot move the score."),
        ("C", "The same edges appear when another class is asked for; try it."),
        ("D", "That is what the gradient says, and guided is not the gradient."),
    ),
)

EXERCISES = (
    WHICH_PIXEL, OTHER_CLASS, SURER, RELU_BACKWARD, WALK_TWO_LAYERS, AGREE_AND_DIFFER, OTHER_WIRING, SHARP_MAP,
)  # fmt: skip
