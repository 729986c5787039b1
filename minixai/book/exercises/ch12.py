"""Chapter 12: DeepLIFT. A multiplier for a ReLU; good and bad news one after the other; where both rules agree."""

from typing import Any

import numpy as np

from minixai.api import explain, rules
from minixai.book.examples import two_pixels
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers import value
from minixai.network import Network, forward
from minixai.ops import Linear, ReLU, exact
from minixai.whitebox.deeplift import parts

CHAPTER = "12_deeplift"
METHODS = ("deeplift-rescale", "deeplift-revealcancel")

# -- E1 ----------------------------------------------------------------------------------------------------------------


def rescale_multiplier(y: Any, y0: Any) -> Any:
    dy, dz = y - y0, np.where(y > 0, y, 0) - np.where(y0 > 0, y0, 0)
    still = dy == 0
    slope = np.where(y0 > 0, 1, 0)
    return np.where(still, slope, dz / np.where(still, 1, dy))


def _relu(t: Any) -> Any:
    return np.where(t > 0, t, 0 * t)


def _over(top: Any, bottom: Any, where_zero: Any) -> Any:
    """top / bottom; ``where_zero`` where bottom is 0."""
    nothing = bottom == 0
    return np.where(nothing, where_zero, top / np.where(nothing, 1, bottom))


def _unmoved(y: Any, y0: Any, then: Any) -> Any:
    """Right, but ``then`` where y did not move."""
    return np.where(y == y0, then, rescale_multiplier(y, y0))


def _engine_multiplier(y: Any, y0: Any) -> Any:
    """The engine's rule for a ReLU, given a signal of 1."""
    network = Network.sequential([ReLU()])
    tape = forward(network, y[None], ref=forward(network, y0[None]))
    rule = rules("deeplift-rescale")[ReLU]
    return np.asarray(rule(np.ones_like(tape["relu1"].y), tape["relu1"])).reshape(y.shape)


def _brings_the_difference(f: Any, y: Any, y0: Any) -> bool:
    m = np.asarray(f(y, y0))
    return bool(np.allclose(m * (y - y0), _relu(y) - _relu(y0)) and np.allclose(m, f(y0, y)))


RESCALE_MULTIPLIER = Function(
    solution=rescale_multiplier,
    statement="How far relu(y) is from relu(y0), per unit of how far y is from y0; where y did not move, the slope of "
    "the ReLU at y0.",
    clues=(
        "Two differences: dy = y - y0 before the ReLU, dz = relu(y) - relu(y0) after it. The multiplier is dz / dy.",
        "Where dy is 0 take 1 if y0 > 0, else 0. And divide by np.where(still, 1, dy): nothing is divided by 0.",
    ),
    hole="np.where(still, slope, dz / np.where(still, 1, dy))",
    wrong=(
        Wrong(
            "slope at the picture", "idea", lambda y, y0: np.where(y > 0, 1, 0),
            "That is the gradient: the ReLU's slope at y. It is the multiplier only for a reference of 0.",
        ),
        Wrong(
            "slope at the reference", "idea", lambda y, y0: np.where(y0 > 0, 1, 0),
            "That is the ReLU's slope at the reference. It is asked for only where y did not move.",
        ),
        Wrong(
            "mean of the two slopes", "idea", lambda y, y0: (exact(y > 0) + exact(y0 > 0)) / 2,
            "You averaged the slopes at both ends. From -1 to 3 a ReLU is off for a quarter of the way, not for half.",
        ),
        Wrong(
            "difference rectified", "idea", lambda y, y0: np.where(y > y0, 1, 0),
            "You sent the difference through the ReLU. The ReLU saw y and, on the other tape, y0; never their "
            "difference.",
        ),
        Wrong(
            "not divided", "idea", lambda y, y0: _relu(y) - _relu(y0),
            "That is how far the output moved, in units of the output. A multiplier is that per unit of y - y0.",
        ),
        Wrong(
            "divided by y", "idea", lambda y, y0: np.where(y == y0, y0 > 0, _over(_relu(y) - _relu(y0), y, 0)),
            "You divided by y. What went in moved by y - y0.",
        ),
        Wrong(
            "turned round", "bookkeeping",
            lambda y, y0: np.where(y == y0, y0 > 0, _over(y - y0, _relu(y) - _relu(y0), 0)),
            "Upside down: it is what came out, per unit of what went in.",
        ),
        Wrong(
            "0/0 is 0", "bookkeeping", lambda y, y0: _unmoved(y, y0, 0),
            "Where y did not move you took 0, and whoever stands behind this neuron gets nothing, although it is open. "
            "Take the slope at the reference.",
        ),
        Wrong(
            "0/0 is 1", "bookkeeping", lambda y, y0: _unmoved(y, y0, 1),
            "Where y did not move you took 1, also at neurons that are shut. Take the slope at the reference.",
        ),
        Wrong(
            "y0 = 0 is open", "convention", lambda y, y0: _unmoved(y, y0, y0 >= 0),
            "You take a ReLU as open at exactly 0. It has a kink there; the engine, like the survey, takes slope 0.",
        ),
    ),
    cases=(
        (exact([3, 2, -2, 4]), exact([-1, 2, -2, 1])),
        (exact([[-1, 5, 0.5], [2, -3, 1]]), exact([[3, -5, -1.5], [-2, -1, 1]])),
        (exact([4, -2, 0, 1, -1]), exact([0, 0, 0, -3, -1])),
        (exact([[0, 6, 3], [-1, 2, 0]]), exact([[0, -2, 5], [1, 2, -4]])),
    ),
    property=Property(
        "multiplier times y - y0 is relu(y) - relu(y0), and from y0 to y it is the same as from y to y0.",
        _brings_the_difference,
    ),
    oracle=Oracle("the engine's own rule", _engine_multiplier),
    draw=lambda rng: (halves(rng, 3, 4, low=-2, high=4), halves(rng, 3, 4, low=-2, high=4)),
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def reveal_cancel(y0: Any, good: Any, bad: Any) -> Any:
    places = y0, y0 + good, y0 + bad, y0 + good + bad
    none, only_good, only_bad, both = (np.where(t > 0, t, 0 * t) for t in places)
    first = only_good - none, only_bad - none
    second = both - only_bad, both - only_good
    return (np.stack(first) + np.stack(second)) / 2


def _first(y0: Any, good: Any, bad: Any) -> Any:
    return np.stack([_relu(y0 + good) - _relu(y0), _relu(y0 + bad) - _relu(y0)])


def _second(y0: Any, good: Any, bad: Any) -> Any:
    both = _relu(y0 + good + bad)
    return np.stack([both - _relu(y0 + bad), both - _relu(y0 + good)])


def _engine_effects(y0: Any, good: Any, bad: Any) -> Any:
    """The engine's two parts after a ReLU whose neuron reads one good and one bad input."""
    n = y0.size
    layers = [Linear(np.hstack([np.eye(n), np.eye(n)]), y0.ravel()), ReLU()]
    network = Network.sequential(layers)
    x = np.concatenate([good.ravel(), bad.ravel()])[None]
    tape = forward(network, x, ref=forward(network, 0 * x))
    return np.stack([part[0].reshape(y0.shape) for part in parts(tape["relu1"])])


def _adds_up(f: Any, y0: Any, good: Any, bad: Any) -> bool:
    """Both effects together are the whole difference, and whoever is called good makes no difference."""
    found, exchanged = (np.asarray(f(y0, *news)) for news in ((good, bad), (bad, good)))
    whole = _relu(y0 + good + bad) - _relu(y0)
    return bool(np.allclose(found.sum(axis=0), whole) and np.allclose(found, exchanged[::-1]))


def _fresh(rng: np.random.Generator) -> tuple:
    good, bad = (halves(rng, 2, 3, low=0, high=10) for _ in range(2))
    return halves(rng, 2, 3), good, -bad


REVEAL_CANCEL = Function(
    solution=reveal_cancel,
    statement="np.stack([what the good news does to relu, what the bad news does]): each the mean over coming first "
    "and coming second, Eqs. (23) and (24).",
    clues=(
        "Four values of relu: at y0, at y0 + good, at y0 + bad, and with both. Every effect is a difference of two.",
        "Good news first: relu(y0 + good) - relu(y0). Good news second: relu with both - relu(y0 + bad). Take the "
        "mean; then the same for the bad news.",
    ),
    hole="only_good - none, only_bad - none",
    wrong=(
        Wrong(
            "first terms only", "idea", _first,
            "Each part comes first, before the other. So neither ever meets the other, and nothing adds up.",
        ),
        Wrong(
            "second terms only", "idea", _second,
            "Each part comes second, after the other. Also here nothing adds up; take the mean of first and second.",
        ),
        Wrong(
            "good news always first", "idea",
            lambda y0, good, bad: np.stack([_first(y0, good, bad)[0], _second(y0, good, bad)[1]]),
            "Good news first, bad news second: that adds up, but it favours an order. Take the other order, too, and "
            "the mean.",
        ),
        Wrong(
            "bad news always first", "idea",
            lambda y0, good, bad: np.stack([_second(y0, good, bad)[0], _first(y0, good, bad)[1]]),
            "Bad news first, good news second: that adds up, but it favours an order. Take the other order, too, and "
            "the mean.",
        ),
        Wrong(
            "rescale in disguise", "idea",
            lambda y0, good, bad: rescale_multiplier(y0 + good + bad, y0) * np.stack([good, bad]),
            "You gave both parts one multiplier, that of the whole difference: this is Rescale again.",
        ),
        Wrong(
            "reference forgotten", "idea", lambda y0, good, bad: reveal_cancel(0 * y0, good, bad),
            "You started at 0. The neuron starts at y0, and the ReLU's kink is somewhere else from there.",
        ),
        Wrong(
            "parts rectified", "idea", lambda y0, good, bad: np.stack([_relu(good), _relu(bad)]),
            "You sent the parts themselves through the ReLU. It only ever sees y0 with something added to it.",
        ),
        Wrong(
            "multipliers", "bookkeeping",
            lambda y0, good, bad: np.stack(
                [_over(e, d, 0) for e, d in zip(reveal_cancel(y0, good, bad), (good, bad), strict=True)]
            ),
            "You divided by the parts already. Asked were the two effects; their multipliers come next.",
        ),
        Wrong(
            "no halves", "bookkeeping", lambda y0, good, bad: 2 * reveal_cancel(y0, good, bad),
            "You added both orders up and did not halve: every effect is counted twice.",
        ),
        Wrong(
            "exchanged", "bookkeeping", lambda y0, good, bad: reveal_cancel(y0, good, bad)[::-1],
            "Right, but the other way round: the effect of the good news comes first.",
        ),
    ),
    cases=(
        (exact([0, 1]), exact([10, 2]), exact([-6, -4])),
        (exact([-2, 3, 0.5]), exact([3, 1, 0]), exact([-2, -5, -1])),
        (exact([[1, -1, 2], [0, -3, 4]]), exact([[2, 5, 0], [1, 4, 1]]), exact([[-4, -1, -3], [-2, -0.5, -6]])),
        (exact([1.5, -1]), exact([1, 4]), exact([-2, -6])),
    ),
    property=Property(
        "both effects together are the whole difference relu(y0 + good + bad) - relu(y0), and exchanging the two parts "
        "exchanges the effects.",
        _adds_up,
    ),
    oracle=Oracle("the engine's own parts", _engine_effects),
    draw=_fresh,
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def both_agree() -> Any:
    now = np.array([10.0, 6.0])
    before = np.array([4.0, 8.0])
    return now, before


def _one_answer_from_two_rules(answer: Any) -> Refusal | None:
    """(now, before) for which Rescale and RevealCancel give the same, although a ReLU opens or shuts on the way."""
    pair = _pair(answer)
    if pair is None:
        return Refusal("interface", "Expected a pair of two numbers each: (now, before).")
    now, before = pair
    if (now < 0).any() or (before < 0).any():
        return Refusal("property", "No kitchen holds less than nothing: all four numbers must be at least 0.")
    rescale, reveal = (explain(two_pixels(), now, m, target=0, baseline=before).relevance for m in METHODS)
    if not rescale.any() and not reveal.any():
        return Refusal("trivial", "Both rules give nothing to anybody here; agreeing on nothing is too easy.")
    if not _flips(now, before):
        return Refusal("trivial", "No ReLU opens or shuts between these two. Then of course all rules agree.")
    if (rescale != reveal).any():
        return Refusal("property", f"A ReLU flips, but the rules differ: {_said(rescale)} and {_said(reveal)}.")
    return None


def _pair(answer: Any) -> Any:
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return None
    now, before = (answer_array(part, (2,)) for part in answer)
    return None if now is None or before is None else (now, before)


def _flips(now: Any, before: Any) -> bool:
    """Whether relu(x1 - x2) is shut in one of the two and open in the other."""
    return bool((now[0] > now[1]) != (before[0] > before[1]))


def _said(shares: Any) -> str:
    return "(" + ", ".join(f"{float(v):g}" for v in shares) + ")"


BOTH_AGREE = Counterexample(
    solution=both_agree,
    statement="(now, before): two kitchens between which relu(x1 - x2) flips, and yet Rescale and RevealCancel give "
    "the same shares.",
    clues=(
        "The rules differ where good and bad news meet. So let relu(x1 - x2) get news of one kind only.",
        "More eggs are good news for it, and so is less milk. Start where it is shut, with more milk than eggs.",
    ),
    hole="np.array([4.0, 8.0])",
    judge=_one_answer_from_two_rules,
    accepted=(
        ([10, 6], [4, 8]),
        [[10, 6], [0, 6]],
        (np.array([3, 9]), np.array([5, 1])),
        ([6, 5], [6, 8]),
    ),
    refused=(
        (([10, 6], [10, 6]), "trivial"),
        (([10, 6], [3, 1]), "trivial"),
        (([0, 0], [5, 0]), "trivial"),
        (([10, 6], [0, 0]), "property"),
        (([10, 6], [2, 4]), "property"),
        (([10, 6], [-4, 8]), "property"),
        (([10, 6, 1], [4, 8, 1]), "interface"),
        (([10, 6],), "interface"),
        ((10, 6), "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

LEFTOVER = Question(
    id="leftover",
    kind="predict",
    ask="{{min.picture}}: ten eggs, six cups of milk, {{min.score}} pancakes. Take each slope times the amount. What "
    "do the eggs get?",
    options={"A": "nothing", "B": "3", "C": "6", "D": "10"},
    answer="A",
    because="One more egg makes no pancake, so the slope is 0: {{min.gradient_x_input}}.",
    wrong=(
        ("B", "Half each is fair, but slopes know nothing of fair: what does one more egg change?"),
        ("C", "All six need their egg, that is true. But how much does S rise with one more egg?"),
        ("D", "Ten is how many there are. Multiply it by the slope."),
    ),
    look="Pancakes out of ReLUs",
)

HAIR = Question(
    id="hair",
    kind="predict",
    ask="Shares of a score that always add up to it. One input changes by a hair, and so does the score. Can the "
    "shares change by nearly the whole score?",
    options={"A": "no: then they could not add up", "B": "yes", "C": "only through rounding"},
    answer="B",
    because="From the empty kitchen, a hair more or less than ten cups hands all pancakes from the milk to the eggs.",
    wrong=(
        ("A", "They can: what one loses the other gains, and the sum holds."),
        ("C", "Fractions do not round, and in them it happens, too."),
    ),
    look="One cup after the other",
    later=True,
)

NEWER = Question(
    id="newer",
    kind="predict",
    ask="Two rules are coming: Rescale, and the cleverer RevealCancel. On each of 100 digits, black out the five "
    "pixels that a map likes best. Whose five cost more score, more often?",
    options={"A": "RevealCancel's", "B": "Rescale's", "C": "as good as equal"},
    answer="B",
    because="Rescale's five cost more on 58 digits of 100, RevealCancel's on 33.",
    wrong=(
        ("A", "It would be a fine reward for halving everything. The count says otherwise."),
        ("C", "Only on nine digits of 100 do they cost the same."),
    ),
    look="Which rule is better?",
    later=True,
)

WHERE_JUMPS = Question(
    id="where_jumps",
    kind="observe",
    ask="Let the milk rise past ten cups, from each of the three kitchens. Which rule jumps where?",
    options={
        "A": "Rescale from all three, RevealCancel nowhere",
        "B": "Rescale from the empty kitchen only, RevealCancel nowhere",
        "C": "both rules, from the empty kitchen",
        "D": "neither: they only bend",
    },
    answer="B",
    because="It takes a reference exactly on the kink of a ReLU: eggs minus milk is 0 in the empty kitchen, and in "
    "neither of the others.",
    wrong=(
        ("A", "Look at the dots of Rescale from the other two kitchens: they bend, and stay connected."),
        ("C", "RevealCancel's dots climb to half and stay there, without a gap."),
        ("D", "Empty kitchen, Rescale: compare 9.75 cups with 10."),
    ),
)

NEW_KITCHEN = Question(
    id="new_kitchen",
    kind="predict",
    ask="Again {{min.picture}}, but two eggs and four cups were there before: {{kitchen.exit}}. RevealCancel's two "
    "shares?",
    answer=value("kitchen.exit_reveal"),
    because="x1 - x2 goes from -2 to 4: good news 8, bad news -2. Good: (6 + 4)/2 = 5, bad: (0 - 2)/2 = -1. Eggs "
    "8 - 5, milk 1: {{kitchen.exit_reveal}}.",
    wrong=(
        (value("kitchen.exit_rescale"), "That is Rescale, with the multiplier {{kitchen.exit_multiplier}}."),
        (value("kitchen.empty_reveal"), "That is the answer from the empty kitchen. Four pancakes are new, not six."),
        (value("kitchen.exit_slopes"), "Those are the slopes at the picture times the differences."),
    ),
    look="Good news, bad news",
)

HALF_EACH = Question(
    id="half_each",
    kind="claim",
    ask="RevealCancel, from the empty kitchen: {{min.revealcancel}}. Which sentence does that support?",
    options={
        "A": "three pancakes could be baked without the milk",
        "B": "compared with nothing at all, and over both orders, each brought as much",
        "C": "eggs and milk matter equally in any kitchen",
        "D": "half of either could be spared",
    },
    answer="B",
    because="It answers 'compared with what' and 'in which order'. Change the kitchen, and the shares change.",
    wrong=(
        ("A", "Without milk S is 0. A share is no promise of what one can do alone."),
        ("C", "Where the milk was there already, the eggs get all of it: {{kitchen.milk_reveal}}."),
        ("D", "Four eggs can be spared and no milk at all; ask the slopes for that."),
    ),
)

EXERCISES = (
    LEFTOVER, HAIR, NEWER, RESCALE_MULTIPLIER, REVEAL_CANCEL, WHERE_JUMPS, BOTH_AGREE, NEW_KITCHEN, HALF_EACH,
)  # fmt: skip
