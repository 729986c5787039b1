"""Chapter 10: relevance shared out, neuron by neuron: LRP-0, eps, gamma, alpha-beta."""

from fractions import Fraction
from typing import Any

import numpy as np

from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_neuron, halves
from minixai.book.numbers import value
from minixai.book.numbers.asking import shared
from minixai.ops import exact
from minixai.ops.numbers import divide

CHAPTER = "10_lrp"
HALF = Fraction(1, 2)

# -- E1 ----------------------------------------------------------------------------------------------------------------


def lrp_zero(a: Any, W: Any, b: Any, R: Any) -> Any:
    products = a * W
    z = products.sum(axis=1) + b
    return (R / z) @ products


def _z(a: Any, W: Any, b: Any) -> Any:
    return (a * W).sum(axis=1) + b


def _over(d: Any, numerators: Any, R: Any) -> Any:
    """R shared out by these numerators (a row per neuron), over these denominators."""
    return divide(R, d) @ numerators


def _each_input_shared_out(a: Any, W: Any, b: Any, R: Any) -> Any:
    products = a * W
    return R @ divide(products, products.sum(axis=0)[None])


def _bias_spread(a: Any, W: Any, b: Any, R: Any) -> Any:
    return lrp_zero(a, W, b, R) + (b * R / _z(a, W, b)).sum() / len(a)


def _magnitudes(a: Any, W: Any, b: Any, R: Any) -> Any:
    products = abs(a * W)
    return _over(products.sum(axis=1) + abs(b), products, R)


def _nothing_lost(f: Any, a: Any, W: Any, b: Any, R: Any) -> bool:
    kept = (R * b / _z(a, W, b)).sum()
    return bool(np.isclose(np.sum(f(a, W, b, R)) + kept, R.sum()))


def _engine(method: str, *names: str) -> Any:
    """The engine's rule at a layer (a, W, b, R) or at one neuron (a, w, b, R), with its parameters in their order."""

    def answer(a: Any, W: Any, b: Any, R: Any, *given: Any) -> Any:
        params = dict(zip(names, given, strict=True))
        return shared(np.atleast_2d(W), np.atleast_1d(b), a, np.atleast_1d(R), method, **params)

    return answer


def _layer(rng: np.random.Generator) -> tuple:
    """Three inputs, two neurons, each of which computes something."""
    while True:
        a, W, b = halves(rng, 3), halves(rng, 2, 3), halves(rng, 2, without_zero=True)
        if (_z(a, W, b) != 0).all():
            return a, W, b, halves(rng, 2, without_zero=True)


LRP_ZERO = Function(
    solution=lrp_zero,
    statement="The relevance of each input: every neuron hands its R down in proportion to a_i w_i; the bias keeps its "
    "own share.",
    clues=(
        "One neuron first: its products a_i w_i, and its z, the sum of the products and the bias. An input's share of "
        "R is its product over z.",
        "`a * W` has all products, a row per neuron. An input is read by several neurons: add up what they send.",
    ),
    hole="(R / z)",
    wrong=(
        Wrong(
            "bias left out below", "idea", lambda a, W, b, R: _over((a * W).sum(axis=1), a * W, R),
            "You left the bias out of z. Then the inputs share all of R, the part of the bias included.",
        ),
        Wrong(
            "activation forgotten above", "idea", lambda a, W, b, R: _over(_z(a, W, b), W, R),
            "You shared in proportion to the weights. An input that is 0 said nothing: count a_i w_i.",
        ),
        Wrong(
            "each input shared out", "idea", _each_input_shared_out,
            "You divided by what an input sends to all neurons. Divide by what a neuron receives from all inputs.",
        ),
        Wrong(
            "bias share handed to the inputs", "idea", _bias_spread,
            "You spread the share of the bias over the inputs. It is not theirs; in (12) it stays where it is.",
        ),
        Wrong(
            "magnitudes", "idea", _magnitudes,
            "You shared out magnitudes. An input that held the neuron back gets a negative share.",
        ),
        Wrong(
            "negative shares dropped", "idea",
            lambda a, W, b, R: _over(_z(a, W, b), np.where(a * W > 0, a * W, 0), R),
            "You dropped the negative products. LRP-0 hands them down, and only so does it add up.",
        ),
        Wrong(
            "z handed on, not R", "idea", lambda a, W, b, R: (a * W).sum(axis=0),
            "You handed down what the neuron computed. What it has to share out is what arrived, R.",
        ),
        Wrong(
            "averaged over the neurons", "bookkeeping", lambda a, W, b, R: lrp_zero(a, W, b, R) / len(b),
            "You averaged what the neurons send to an input. Where paths meet, messages are added.",
        ),
    ),
    cases=(
        (exact([2, 1]), exact([[1, -1], [3, 2]]), exact([1, 0]), exact([6, 4])),
        (exact([1, 3, 2]), exact([[2, -1, 1], [1, 1, -3]]), exact([HALF, -1]), exact([3, -2])),
        (exact([3, 2]), exact([[1, -2], [0, 1], [2, -1]]), exact([2, -1, HALF]), exact([2, 1, -3])),
    ),
    property=Property(
        "the shares, and what the biases keep, add up to what arrived: sum(shares) + sum(R b / z) = sum(R).",
        _nothing_lost,
    ),
    oracle=Oracle("the engine's LRP-0", _engine("lrp-0")),
    draw=_layer,
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def lrp_epsilon(a: Any, W: Any, b: Any, R: Any, eps: Any) -> Any:
    products = a * W
    z = products.sum(axis=1) + b
    away = np.where(z >= 0, eps, -eps)
    return (R / (z + away)) @ products


def _sign(z: Any) -> Any:
    return np.where(z >= 0, 1, -1)


def _with_eps(below: Any, above: Any = lambda products, eps: products) -> Any:
    """lrp_epsilon with another denominator, (a, W, b, z, eps) -> d, or other numerators."""

    def wrong(a: Any, W: Any, b: Any, R: Any, eps: Any) -> Any:
        return _over(below(a, W, b, _z(a, W, b), eps), above(a * W, eps), R)

    return wrong


def _no_bias(a: Any, W: Any, b: Any, z: Any, eps: Any) -> Any:
    return z - b + eps * _sign(z - b)


def _eps_keeps_the_rest(f: Any, a: Any, W: Any, b: Any, R: Any, eps: Any) -> bool:
    z = _z(a, W, b)
    kept = (R * (b + eps * _sign(z)) / (z + eps * _sign(z))).sum()
    return bool(np.isclose(np.sum(f(a, W, b, R, eps)) + kept, R.sum()))


LRP_EPSILON = Function(
    solution=lrp_epsilon,
    statement="LRP-0 with eps added to z, away from 0: plus eps where z is at least 0, minus eps where it is negative.",
    clues=(
        "Only the denominator changes. What is added to z has the sign of z, so that the two never cancel.",
        "`np.where(condition, p, q)` takes p where the condition holds; np.sign would give 0 where z is 0.",
    ),
    hole="np.where(z >= 0, eps, -eps)",
    wrong=(
        Wrong(
            "eps as printed", "idea", _with_eps(lambda a, W, b, z, eps: z + eps),
            "You always add plus eps, as the survey prints it. Where z is negative that moves it towards 0, not away.",
        ),
        Wrong(
            "sign turned round", "bookkeeping", _with_eps(lambda a, W, b, z, eps: z - eps * _sign(z)),
            "You moved z towards 0 by eps. It should go away from 0: the shares become smaller.",
        ),
        Wrong(
            "magnitude of z", "idea", _with_eps(lambda a, W, b, z, eps: abs(z) + eps),
            "You made every denominator positive. Where z is negative that turns all signs round.",
        ),
        Wrong(
            "eps for every input", "bookkeeping", _with_eps(lambda a, W, b, z, eps: z + len(a) * eps * _sign(z)),
            "You added eps once per input. It is added once, to the sum.",
        ),
        Wrong(
            "in the numerator too", "idea",
            _with_eps(lambda a, W, b, z, eps: z + eps * _sign(z), lambda products, eps: products + eps),
            "You added eps above the line, too. Above stands only what the input said.",
        ),
        Wrong(
            "no bias", "idea", _with_eps(_no_bias),
            "You left the bias out of z. It has a share of its own; eps changes nothing about that.",
        ),
        Wrong(
            "eps as a floor", "idea",
            _with_eps(lambda a, W, b, z, eps: np.where(abs(z) < eps, eps, abs(z)) * _sign(z)),
            "You replaced z where it is small. It is always added to; a large z hardly notices.",
        ),
        Wrong(
            "eps forgotten", "idea", _with_eps(lambda a, W, b, z, eps: z),
            "This is LRP-0: eps changes nothing.",
        ),
    ),
    cases=(
        (exact([2, 1]), exact([[1, -1], [-3, 1]]), exact([1, 2]), exact([6, 4]), Fraction(1)),
        (exact([1, 3, 2]), exact([[2, -1, 1], [1, 1, -3]]), exact([-1, -2]), exact([3, -2]), HALF),
        (exact([3, 2]), exact([[1, -2], [0, 1], [2, -1]]), exact([2, -3, HALF]), exact([2, 1, -3]), Fraction(2)),
    ),
    property=Property(
        "the shares, and what the biases and eps keep, add up to what arrived; eps is kept like a bias.",
        _eps_keeps_the_rest,
    ),
    oracle=Oracle("the engine's LRP-eps", _engine("lrp-epsilon", "eps")),
    draw=lambda rng: (*_layer(rng), Fraction(int(rng.integers(1, 5)), 4)),
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def lrp_gamma(a: Any, w: Any, b: Any, R: Any, gamma: Any) -> Any:
    raised = w + gamma * np.maximum(w, 0)
    bias = b + gamma * max(b, 0)
    return R * a * raised / (a @ raised + bias)


def _raised(w: Any, gamma: Any) -> Any:
    return w + gamma * np.maximum(w, 0)


def _one(above: Any, below: Any, R: Any) -> Any:
    return R * divide(above, np.asarray(below))


def _gamma_adds_up(f: Any, a: Any, w: Any, b: Any, R: Any, gamma: Any) -> bool:
    bias = b + gamma * max(b, 0)
    kept = R * bias / (a @ _raised(w, gamma) + bias)
    return bool(np.isclose(np.sum(f(a, w, b, R, gamma)) + kept, R))


def _on_neuron(rng: np.random.Generator) -> tuple:
    """One neuron that is on, with activations of at least 0."""
    while True:
        a, w, b = halves(rng, 3, low=0), halves(rng, 3, without_zero=True), halves(rng, 1, without_zero=True)[0]
        if a @ w + b > 0 and (a > 0).sum() > 1:
            return a, w, b, halves(rng, 1, without_zero=True)[0]


LRP_GAMMA = Function(
    solution=lrp_gamma,
    statement="One neuron that is on shares out R in proportion to a_i (w_i + gamma w_i^+); its bias counts the same "
    "way.",
    clues=(
        "Make the raised weights first: w + gamma * np.maximum(w, 0). Then it is LRP-0 with them.",
        "The bias is the weight of an input that is always 1. So it is raised as well, if it is positive.",
    ),
    hole="b + gamma * max(b, 0)",
    wrong=(
        Wrong(
            "bias left alone", "convention",
            lambda a, w, b, R, gamma: _one(a * _raised(w, gamma), a @ _raised(w, gamma) + b, R),
            "You raised the weights and left the bias as it is. Captum does that, too; in (14) it grows like a weight.",
        ),
        Wrong(
            "bias dropped", "idea", lambda a, w, b, R, gamma: _one(a * _raised(w, gamma), a @ _raised(w, gamma), R),
            "You left the bias out below. Then the inputs share all of R, the part of the bias included.",
        ),
        Wrong(
            "gamma above only", "idea", lambda a, w, b, R, gamma: _one(a * _raised(w, gamma), a @ w + b, R),
            "You raised the weights above the line only. Below stand the same terms, added up; else nothing adds up.",
        ),
        Wrong(
            "positive only", "idea",
            lambda a, w, b, R, gamma: _one(a * np.maximum(w, 0), a @ np.maximum(w, 0) + max(b, 0), R),
            "You dropped the negative weights. Gamma lets them count less and less, but they do count.",
        ),
        Wrong(
            "negative weights dropped", "idea",
            lambda a, w, b, R, gamma: _one(
                (1 + gamma) * a * np.maximum(w, 0), (1 + gamma) * a @ np.maximum(w, 0) + b + gamma * max(b, 0), R
            ),
            "You dropped the negative weights. Gamma raises the others and leaves these as they are.",
        ),
        Wrong(
            "gamma on every weight", "idea",
            lambda a, w, b, R, gamma: _one(a * (w + gamma * w), a @ (w + gamma * w) + b, R),
            "You raised every weight. Only the positive ones grow: that is what shifts the balance.",
        ),
        Wrong(
            "negative weights raised", "bookkeeping",
            lambda a, w, b, R, gamma: _one(
                a * (w + gamma * np.minimum(w, 0)), a @ (w + gamma * np.minimum(w, 0)) + b + gamma * min(b, 0), R
            ),
            "You raised the negative weights. In a neuron that is on, the positive ones are favoured.",
        ),
        Wrong(
            "gamma added to the weights", "idea",
            lambda a, w, b, R, gamma: _one(
                a * np.where(w > 0, w + gamma, w), a @ np.where(w > 0, w + gamma, w) + (b + gamma if b > 0 else b), R
            ),
            "You added gamma to the positive weights. They are multiplied by 1 + gamma: w + gamma w.",
        ),
    ),
    cases=(
        (exact([2, 1]), exact([1, -1]), Fraction(1), Fraction(2), Fraction(1)),
        (exact([1, 3, 2]), exact([2, -1, 1]), -HALF, Fraction(3), HALF),
        (exact([4, HALF, 2]), exact([-1, 2, 3]), Fraction(1), Fraction(-2), Fraction(2)),
    ),
    property=Property("the shares, and what the raised bias keeps, add up to R.", _gamma_adds_up),
    oracle=Oracle("the engine's LRP-gamma", _engine("lrp-gamma", "gamma")),
    draw=lambda rng: (*_on_neuron(rng), Fraction(int(rng.integers(1, 9)), 4)),
)  # fmt: skip

# -- E4 ----------------------------------------------------------------------------------------------------------------


def lrp_alphabeta(a: Any, w: Any, b: Any, R: Any, alpha: Any, beta: Any) -> Any:
    plus, minus = np.maximum(a * w, 0), np.minimum(a * w, 0)
    for_it = plus / (plus.sum() + max(b, 0))
    against = minus / (minus.sum() + min(b, 0))
    return R * (alpha * for_it - beta * against)


def _mixed(p: Any, m: Any, alpha: Any, beta: Any) -> Any:
    return alpha * p - beta * m


def _signed(for_it: Any = max, against: Any = min, by: Any = None, mix: Any = _mixed) -> Any:
    """lrp_alphabeta with other biases below the two lines, other products, or mixed otherwise."""

    def wrong(a: Any, w: Any, b: Any, R: Any, alpha: Any, beta: Any) -> Any:
        plus, minus = by(a, w) if by else (np.maximum(a * w, 0), np.minimum(a * w, 0))
        p = divide(plus, np.asarray(plus.sum() + for_it(b, 0)))
        m = divide(minus, np.asarray(minus.sum() + against(b, 0)))
        return R * mix(p, m, alpha, beta)

    return wrong


def _by_weight(a: Any, w: Any) -> Any:
    return a * np.maximum(w, 0), a * np.minimum(w, 0)


def _one_denominator(a: Any, w: Any, b: Any, R: Any, alpha: Any, beta: Any) -> Any:
    plus, minus = np.maximum(a * w, 0), np.minimum(a * w, 0)
    return _one(alpha * plus - beta * minus, a @ w + b, R)


def _two_budgets(f: Any, a: Any, w: Any, b: Any, R: Any, alpha: Any, beta: Any) -> bool:
    p, shares = a * w, np.asarray(f(a, w, b, R, alpha, beta))
    for_it, against = (part(b, 0) / (part(p, 0).sum() + part(b, 0)) for part in (np.maximum, np.minimum))
    spent = shares[p > 0].sum() + alpha * R * for_it, shares[p < 0].sum() - beta * R * against
    return bool(np.allclose(spent, (alpha * R, -beta * R)))


def _both_signs(rng: np.random.Generator) -> tuple:
    """One neuron with products of both signs, and activations of both."""
    while True:
        a, w = halves(rng, 3, without_zero=True), halves(rng, 3, without_zero=True)
        b, R = halves(rng, 2, without_zero=True)
        if (a * w > 0).any() and (a * w < 0).any():
            beta = Fraction(int(rng.integers(0, 5)), 2)
            return a, w, b, R, 1 + beta, beta


LRP_ALPHABETA = Function(
    solution=lrp_alphabeta,
    statement="One neuron: alpha R is shared out among what speaks for it, -beta R among what speaks against it; a "
    "bias counts with those of its sign.",
    clues=(
        "Two groups, by the sign of the product a_i w_i. Each shares out its own budget, in proportion, on its own.",
        "A positive bias stands below the first line only, a negative one below the second only.",
    ),
    hole="minus.sum() + min(b, 0)",
    wrong=(
        Wrong(
            "split by the weight's sign", "idea", _signed(by=_by_weight),
            "You split by the sign of the weight. An input can be negative; what counts is the sign of the product.",
        ),
        Wrong(
            "bias ignored", "idea", _signed(lambda b, _: 0, lambda b, _: 0),
            "You left the bias out of both. It has a share, with the products of its own sign.",
        ),
        Wrong(
            "whole bias on both sides", "idea", _signed(lambda b, _: b, lambda b, _: b),
            "You put the bias below both lines. It has one sign, so it belongs to one side.",
        ),
        Wrong(
            "positive bias on both sides", "bookkeeping", _signed(max, max),
            "A positive bias stands below both of your lines, a negative one below none. The second takes min(b, 0).",
        ),
        Wrong(
            "beta term added", "bookkeeping", _signed(mix=lambda p, m, al, be: al * p + be * m),
            "You added the beta term. The quotient of two negatives is positive; the minus makes it count against.",
        ),
        Wrong(
            "beta forgotten", "idea", _signed(mix=lambda p, m, al, be: al * p),
            "You left out what speaks against the neuron: it gets -beta R.",
        ),
        Wrong(
            "alpha and beta exchanged", "bookkeeping", _signed(mix=lambda p, m, al, be: be * p - al * m),
            "You gave alpha to the negative side. Alpha is the larger one, and goes to what speaks for the neuron.",
        ),
        Wrong(
            "one denominator for both", "idea", _one_denominator,
            "You divided both sides by z. Each side is divided by its own sum; only then does it hand on alpha R, "
            "or -beta R.",
        ),
    ),
    cases=(
        (exact([2, -1, 1]), exact([1, -2, -3]), Fraction(1), Fraction(5), Fraction(2), Fraction(1)),
        (exact([1, 3, 2]), exact([2, -1, 1]), Fraction(-2), Fraction(3), Fraction(3, 2), HALF),
        (exact([2, -1, 3]), exact([1, -1, -2]), Fraction(1), Fraction(-2), Fraction(1), Fraction(0)),
    ),
    property=Property(
        "what speaks for the neuron gets alpha R in all, its share of the bias included; what speaks against it gets "
        "-beta R.",
        _two_budgets,
    ),
    oracle=Oracle("the engine's LRP-alpha-beta", _engine("lrp-alphabeta", "alpha", "beta")),
    draw=_both_signs,
)  # fmt: skip

# -- E5 ----------------------------------------------------------------------------------------------------------------


def too_much() -> Any:
    gives = np.array([2.0, 1.0]), np.array([1.0, -1.0]), -0.5
    shouts = np.array([2.0, 1.0]), np.array([10.0, -19.0]), 0.0
    return gives, shouts


def _two_neurons(answer: Any) -> Refusal | None:
    """(a, w, b) that hands down more than it got; (a, w, 0) in which one input alone gets more than ten times that."""
    found = [answer_neuron(n) for n in answer] if isinstance(answer, tuple | list) and len(answer) == 2 else []
    neurons = [n for n in found if n is not None]
    if len(neurons) != 2:
        return Refusal("interface", "Expected two neurons, (a, w, b), (a, w, b): arrays of one length and a number.")
    if any((a < 0).any() for a, _, _ in neurons):
        return Refusal("interface", "Expected activations of at least 0: they come out of a ReLU.")
    for which, (a, w, b) in zip(("first", "second"), neurons, strict=True):
        if a @ w + b <= 0:
            return Refusal("trivial", f"Your {which} neuron is off: nothing arrives there that could be shared out.")
    if neurons[1][2] != 0:
        return Refusal("trivial", "Your second neuron has a bias; with one, shares of any size are easy. Take b = 0.")
    (first, z), (second, whole) = ((a * w, a @ w + b) for a, w, b in neurons)
    if first.sum() <= z:
        return Refusal("property", "In your first neuron the shares add up to no more than what arrived.")
    if abs(second).max() <= 10 * whole:
        return Refusal("property", "In your second neuron no share is more than ten times what arrived.")
    return None


TOO_MUCH = Counterexample(
    solution=too_much,
    statement="(a, w, b), (a, w, b): a neuron that is on and hands down more than it got, by LRP-0; one without bias "
    "in which one share alone is more than ten times what arrived.",
    clues=(
        "What the bias keeps is R b / z. What if that is negative?",
        "Without bias the shares add up to R. One may still be huge, if another is huge, too, and negative.",
    ),
    hole="np.array([10.0, -19.0])",
    judge=_two_neurons,
    accepted=(
        (([2, 1], [1, -1], -0.5), ([2, 1], [10, -19], 0)),
        (([1], [3], -2), ([1, 1, 1], [11, -10.5, 0.25], 0)),
    ),
    refused=(
        ((([2, 1], [1, -1], -1), ([2, 1], [10, -19], 0)), "trivial"),
        ((([2, 1], [1, -1], -0.5), ([2, 1], [10, -20], 0)), "trivial"),
        ((([2, 1], [1, -1], -0.5), ([2, 1], [1, -1], -0.95)), "trivial"),
        ((([2, 1], [1, -1], 1), ([2, 1], [10, -19], 0)), "property"),
        ((([2, 1], [1, -1], 0), ([2, 1], [10, -19], 0)), "property"),
        ((([2, 1], [1, -1], -0.5), ([2, 1], [1, -1], 0)), "property"),
        ((([2, -1], [1, -1], -0.5), ([2, 1], [10, -19], 0)), "interface"),
        ((([2, 1], [1, -1], -0.5), ([2, 1], [10], 0)), "interface"),
        ((([2, 1], [1, -1], -0.5), ([2, 1], [10, -19])), "interface"),
        (([2, 1], [1, -1]), "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

SHARE_OUT = Question(
    id="share_out",
    kind="predict",
    ask="The neuron fires with {{neuron.score}}: input 1 says +2, input 2 says -1, the bias +1. Share out the "
    "{{neuron.score}} in proportion. What do the two inputs get? (two numbers)",
    answer=value("neuron.lrp0"),
    because="In proportion to what they said: {{neuron.lrp0}}. The bias said 1 as well, and keeps it.",
    wrong=(
        (value("neuron.ignored"), "This adds up to {{neuron.score}}, so the bias got nothing for the 1 that it said."),
        (value("neuron.gamma"), "That is another rule, which favours positive weights; it comes later in the chapter."),
        (exact([2, 1]), "Input 2 held the neuron back; in proportion to what it said, its share is negative."),
        (exact([Fraction(4, 3), Fraction(2, 3)]), "Input 2 held the neuron back; so its share is negative."),
        (exact([1, 1]), "Half each is a sharing, too, but not in proportion to what they said."),
    ),
    look="Share out the 2",
    later=True,
)

NO_GRADIENTS = Question(
    id="no_gradients",
    kind="predict",
    ask="The survey: LRP 'does not use gradient calculations'. Lay the LRP-0 map of a digit beside gradient times "
    "picture. What do you see?",
    options={
        "A": "two maps with little in common",
        "B": "the same places, other numbers",
        "C": "the same map twice, up to a factor",
        "D": "the same numbers, to the last digits",
    },
    answer="D",
    because="On a network of ReLUs LRP-0 is gradient times picture: z cancels against the relevance, layer by layer.",
    wrong=(
        ("A", "They start differently and walk differently, and arrive at the same numbers."),
        ("B", "The numbers are the same, too."),
        ("C", "The factor is 1."),
    ),
    look="A whole network",
    later=True,
)

LOUD = Question(
    id="loud",
    kind="predict",
    ask="A star's score is 16.6. LRP-0 shares it out, layer by layer, down to the pixels. There, add up the positive "
    "relevance only. About how much is it?",
    options={"A": "less than 16.6", "B": "17", "C": "35", "D": "more than 100"},
    answer="D",
    because="It is about 129, and the negative relevance about -112. Their difference is all that the score knows of.",
    wrong=(
        ("A", "Then the negative relevance would have to be positive."),
        ("B", "So it would be if nothing had spoken against; here a great deal does."),
        ("C", "That would be twice the score. Every layer shares out again, and every time plus and minus grow."),
    ),
    look="Three settings",
    later=True,
)

LEAST_MOVED = Question(
    id="least_moved",
    kind="predict",
    ask="Three settings: LRP-0 everywhere; another rule at each depth (composite); only what speaks for a neuron "
    "(alpha 1, beta 0). Ask for the runner-up instead of the winner. Whose map changes least?",
    options={"A": "LRP-0", "B": "the composite", "C": "alpha 1, beta 0"},
    answer="C",
    because="Alpha 1, beta 0 follows what is positive, whoever asks; its map is nearly the same for both classes.",
    wrong=(
        ("A", "LRP-0 changes most: it carries every minus that tells one class from the other."),
        ("B", "The composite changes a little less than LRP-0, and far more than alpha 1, beta 0."),
    ),
    look="Break it: a beautiful map",
    later=True,
)

EPS_GROWS = Question(
    id="eps_grows",
    kind="observe",
    ask="Rule LRP-eps, bias 1. As eps grows from 0 to 4, what happens?",
    options={
        "A": "input 1 gains what input 2 loses",
        "B": "both inputs' shares shrink, always two to minus one; the neuron keeps the rest",
        "C": "the shares shrink, and what they lose goes to the bias alone",
        "D": "all that is handed down still adds up to what arrived",
    },
    answer="B",
    because="One neuron, one denominator: all its shares shrink by the same factor. What is lost stays, with eps.",
    wrong=(
        ("A", "Divide one share by the other: the quotient does not move."),
        ("C", "The share of the bias shrinks like the others; eps keeps a share of its own."),
        ("D", "Look at the row of what the inputs get together: it goes towards 0."),
    ),
)

WHAT_GROWS = Question(
    id="what_grows",
    kind="observe",
    ask="LRP-0 everywhere, from the score down to the picture. What grows?",
    options={
        "A": "the sum of all relevance",
        "B": "only what speaks for the star",
        "C": "what speaks for it and what speaks against it, by nearly the same amount",
        "D": "nothing",
    },
    answer="C",
    because="Each layer splits its messages into larger ones of both signs. They cancel in the sum, not in the map.",
    wrong=(
        ("A", "Subtract the lower bar from the upper one: about the score, at every layer."),
        ("B", "Then the sum would grow, too, and it hardly does."),
        ("D", "Compare the top pair of bars with the last one."),
    ),
)

NEW_NEURON = Question(
    id="new_neuron",
    kind="predict",
    ask="LRP-0 at a = {{exit.a}}, w = {{exit.w}}, b = {{exit.b}}, where R = {{exit.r}} arrives: what do the two inputs "
    "get? (two numbers)",
    answer=value("exit.lrp0"),
    because="z is 2, so every unit of a product brings 2: {{exit.lrp0}}, and the bias keeps 2.",
    wrong=(
        (value("exit.ignored"), "You left the bias out of z."),
        (exact([3, -2]), "These are the products, a times w. What arrived is {{exit.r}}, twice z: all shares double."),
    ),
    look="Share out the 2",
)

ON_THE_OBJECT = Question(
    id="on_the_object",
    kind="claim",
    ask="On 100 pictures, alpha 1, beta 0 puts more of its positive relevance onto the object than LRP-0 does, nearly "
    "always. Which sentence does that support?",
    options={
        "A": "It explains the decision for this class better",
        "B": "What speaks for the neurons, layer after layer, lies on the object; for which class is another question",
        "C": "LRP-0 is wrong about this network",
        "D": "The network decides by looking at the object",
    },
    answer="B",
    because="The same map comes out when another class is asked for. A map can lie well and not answer the question.",
    wrong=(
        ("A", "Ask for the runner-up: its map hardly moves. It cannot tell why this class and not that."),
        ("C", "LRP-0 is gradient times picture, to the last digit. It is loud, not wrong."),
        ("D", "That needs an intervention; a map of any kind only says where to look."),
    ),
)

EXERCISES = (
    SHARE_OUT, NO_GRADIENTS, LOUD, LEAST_MOVED, LRP_ZERO, TOO_MUCH, LRP_EPSILON, EPS_GROWS, LRP_GAMMA, LRP_ALPHABETA,
    WHAT_GROWS, NEW_NEURON, ON_THE_OBJECT,
)  # fmt: skip
