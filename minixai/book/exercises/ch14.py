"""Chapter 14: the fast gradient sign; two generators; a map that is blank; DeepFool's step."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.adversarial import attack
from minixai.api import explain
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers import value
from minixai.network import Network
from minixai.ops import Flatten, Linear, exact, is_exact

CHAPTER = "14_attacks"

# -- E1 ----------------------------------------------------------------------------------------------------------------


def fgsm(x: Any, grad: Any, eps: Any) -> Any:
    moved = x + eps * np.sign(grad)
    return np.clip(moved, 0, 1)


def _long(v: Any) -> Any:
    """The Euclidean length; of fractions a fraction next to it."""
    length = float((v * v).sum()) ** 0.5
    return Fraction(length) if is_exact(v) else length


def _every_pixel_helps(f: Any, x: Any, grad: Any, eps: Any) -> bool:
    """In the middle of the box nothing is clipped; from x itself no pixel may leave it."""
    grey, moved = 0 * x + 0.5, f(x, grad, eps)
    gain = (grad * (f(grey, grad, eps) - grey)).sum()
    return bool(np.isclose(gain, eps * abs(grad).sum()) and (moved >= 0).all() and (moved <= 1).all())


def _by_the_engine(x: Any, grad: Any, eps: Any) -> Any:
    """Two classes, scores -grad . x + c and 0: the loss of the first rises along grad."""
    flat, against = x.ravel(), -grad.ravel()
    bias = np.array([float(abs(grad).sum()) + 1, 0.0])
    two = Network.sequential([Linear(np.stack([against, 0 * against]), bias)])
    return attack(two, flat, "fgsm", eps=eps, box=(0, 1)).adversarial.reshape(x.shape)


def _picture_and_slopes(rng: np.random.Generator) -> tuple:
    x = exact(rng.integers(0, 9, (2, 3))) / 8
    return x, halves(rng, 2, 3) / 8, Fraction(int(rng.integers(1, 4)), 8)


FGSM = Function(
    solution=fgsm,
    statement="Every number of x moves by eps, up where grad is positive, down where it is negative; then back into "
    "the box from 0 to 1.",
    clues=(
        "How far grad reaches does not matter, only which way it points: np.sign(grad) is 1, 0 or -1.",
        "Add eps times that sign. Then np.clip(moved, 0, 1) puts whatever left the box on its border.",
    ),
    hole="eps * np.sign(grad)",
    wrong=(
        Wrong(
            "gradient, not sign", "idea", lambda x, grad, eps: np.clip(x + eps * grad, 0, 1),
            "You went along the slopes themselves, so a pixel with a small slope hardly moved. Each may move by eps; "
            "use it up.",
        ),
        Wrong(
            "downhill", "idea", lambda x, grad, eps: np.clip(x - eps * np.sign(grad), 0, 1),
            "You went downhill, as in training. An attack wants the loss to rise.",
        ),
        Wrong(
            "unit-length step", "idea", lambda x, grad, eps: np.clip(x + eps * grad / _long(grad), 0, 1),
            "You scaled the slopes to length 1. That is a step of length eps in all; asked is eps for each pixel.",
        ),
        Wrong(
            "steepest pixel sets the scale", "idea",
            lambda x, grad, eps: np.clip(x + eps * grad / abs(grad).max(), 0, 1),
            "You divided by the steepest slope, so only that pixel moves by eps. Every pixel may.",
        ),
        Wrong(
            "only the steepest pixel", "idea",
            lambda x, grad, eps: np.clip(x + eps * np.sign(grad) * (abs(grad) == abs(grad).max()), 0, 1),
            "You moved the steepest pixel alone. It is the many small steps together that carry the score away.",
        ),
        Wrong(
            "clamped", "bookkeeping", lambda x, grad, eps: np.clip(x + np.clip(grad, -eps, eps), 0, 1),
            "You cut the slopes off at eps. A slope that is smaller than eps then moves its pixel by less; its sign "
            "is all that counts.",
        ),
        Wrong(
            "magnitude of the slopes", "idea", lambda x, grad, eps: np.clip(x + eps * abs(grad), 0, 1),
            "You moved every pixel up. Where the slope is negative, the loss rises on the way down.",
        ),
        Wrong(
            "share of the pixel", "idea", lambda x, grad, eps: np.clip(x * (1 + eps * np.sign(grad)), 0, 1),
            "You moved each pixel by a share of itself, so a black one stays. Every pixel may move by the same eps.",
        ),
        Wrong(
            "slopes, and no box", "bookkeeping", lambda x, grad, eps: x + eps * grad,
            "Two things: take the signs of the slopes, not the slopes; then put back what has left the box.",
        ),
        Wrong(
            "downhill, and no box", "bookkeeping", lambda x, grad, eps: x - eps * np.sign(grad),
            "Two things: an attack goes uphill; and what has left the box is put back on its border.",
        ),
        Wrong(
            "eps forgotten", "bookkeeping", lambda x, grad, eps: np.clip(x + np.sign(grad), 0, 1),
            "You took steps of 1, from black to white at once. A pixel may move by eps.",
        ),
        Wrong(
            "box forgotten", "bookkeeping", lambda x, grad, eps: x + eps * np.sign(grad),
            "Some of your pixels are blacker than black or whiter than white. Put them back on the border of the box.",
        ),
        Wrong(
            "change clipped", "bookkeeping", lambda x, grad, eps: x + np.clip(eps * np.sign(grad), 0, 1),
            "You clipped the change, and with it every step downwards. It is the picture that has to stay in the box.",
        ),
        Wrong(
            "change only", "bookkeeping", lambda x, grad, eps: eps * np.sign(grad),
            "That is the change. Asked is the picture after it.",
        ),
        Wrong(
            "sign of 0 is 1", "convention",
            lambda x, grad, eps: np.clip(x + eps * np.where(grad < 0, -1, 1), 0, 1),
            "You moved pixels without a slope, too. Some programs do; it helps nobody, and here such a pixel stays.",
        ),
    ),
    cases=(
        (exact([Fraction(9, 10), Fraction(1, 2), Fraction(1, 5)]), exact([2, 0, -0.5]), Fraction(1, 4)),
        (exact([[0.5, 0.25, 1], [0, 0.75, 0.5]]), exact([[-3, 0.125, 1], [-1, 0, 2]]), Fraction(1, 2)),
        (exact([[0.5, 0.5], [0.25, 0.75], [0.5, 0.625]]), exact([[1, -2], [0.0625, -1], [4, 0]]), Fraction(1, 8)),
        (exact([0, 1, 0.5, 0.5]), exact([1, 2, -4, 0]), Fraction(1, 8)),
    ),
    property=Property(
        "from a grey picture the loss rises, in a straight line, by eps times the sum of the magnitudes of all slopes; "
        "and no pixel leaves the box.",
        _every_pixel_helps,
    ),
    oracle=Oracle("the engine, on a network with two classes and one layer", _by_the_engine),
    draw=_picture_and_slopes,
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def two_generators(x: Any, g_s: Any, g_a: Any) -> Any:
    similar, adversarial = g_s(x), g_a(x)
    return abs(similar - adversarial)


@dataclass(frozen=True, eq=False)
class Painter:
    """A generator that a verdict can name: scale * x + shift, pixel by pixel."""

    scale: Any
    shift: Any
    name: str = "a painter"

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, x: Any) -> Any:
        scale, shift = (v if is_exact(x) else v.astype(float) for v in (self.scale, self.shift))
        return scale * x + shift


def _alike_is_nothing(f: Any, x: Any, g_s: Any, g_a: Any) -> bool:
    R = f(x, g_s, g_a)
    return bool((f(x, g_s, g_s) == 0).all() and (R >= 0).all() and np.allclose(R, f(x, g_a, g_s)))


def _explained(x: Any, g_s: Any, g_a: Any) -> Any:
    """Equation (27) by the engine, with a network of two classes that does not care."""
    layers = [Flatten(), Linear(np.zeros((2, x.size)), np.array([1.0, 0.0]))]
    asked = tuple(lambda z, g=g: g(z.reshape(x.shape)).reshape(z.shape) for g in (g_s, g_a))
    return explain(
        Network.sequential(layers), x.reshape(1, 1, -1), "two-generators", generators=asked
    ).relevance.reshape(x.shape)


def _two_painters(rng: np.random.Generator) -> tuple:
    def painter(name: str) -> Painter:
        return Painter(halves(rng, 2, 3, low=1, high=5), halves(rng, 2, 3), name)

    return halves(rng, 2, 3, low=1, high=9), painter("g_s"), painter("g_a")


def _given(name: str, scale: Any, shift: Any) -> Painter:
    return Painter(exact(scale), exact(shift), name)


TWO_GENERATORS = Function(
    solution=two_generators,
    statement="Eq. (27): how far the two painted pictures are apart, pixel by pixel. g_s and g_a are functions from a "
    "picture to a picture.",
    clues=(
        "Paint x twice: g_s(x) and g_a(x) are two pictures of the shape of x.",
        "What differs between the two, as a magnitude. Neither is compared with x.",
    ),
    hole="similar - adversarial",
    wrong=(
        Wrong(
            "one generator", "idea", lambda x, g_s, g_a: abs(x - g_a(x)),
            "That is the map by one generator. Whatever g_a cannot paint, vessels and grain, is in it as well.",
        ),
        Wrong(
            "the other generator", "idea", lambda x, g_s, g_a: abs(x - g_s(x)),
            "That is what g_s got wrong about x: no class has changed in it.",
        ),
        Wrong(
            "painted twice", "idea", lambda x, g_s, g_a: abs(g_s(x) - g_a(g_s(x))),
            "You gave g_a what g_s had painted. Both get the picture x itself.",
        ),
        Wrong(
            "difference of two maps", "idea", lambda x, g_s, g_a: abs(abs(x - g_s(x)) - abs(x - g_a(x))),
            "You compared how far each is from x. One may lie above x and one below: just as far off, and far apart.",
        ),
        Wrong(
            "sum of two maps", "idea", lambda x, g_s, g_a: abs(x - g_s(x)) + abs(x - g_a(x)),
            "You added what both get wrong about x. It should cancel.",
        ),
        Wrong(
            "sign kept", "bookkeeping", lambda x, g_s, g_a: g_s(x) - g_a(x),
            "You kept the sign. Equation (27) takes the magnitude.",
        ),
        Wrong(
            "squared", "bookkeeping", lambda x, g_s, g_a: (g_s(x) - g_a(x)) ** 2,
            "You squared the difference. Equation (27) takes the magnitude, so R has the unit of a pixel.",
        ),
        Wrong(
            "scaled", "bookkeeping",
            lambda x, g_s, g_a: abs(g_s(x) - g_a(x)) / (abs(g_s(x) - g_a(x)).max() or 1),
            "You divided by the largest number. That makes a heat map; R itself says how far a pixel was repainted.",
        ),
        Wrong(
            "how much further", "idea", lambda x, g_s, g_a: abs(x - g_a(x)) - abs(x - g_s(x)),
            "You compared how far each is from x, and kept the sign. (27) compares the two pictures with each other.",
        ),
        Wrong(
            "times x", "idea", lambda x, g_s, g_a: abs(g_s(x) - g_a(x)) * x,
            "You multiplied by x, as one does with slopes. R is no slope: it is how far a pixel was repainted.",
        ),
        Wrong(
            "magnitudes first", "bookkeeping", lambda x, g_s, g_a: abs(g_s(x)) - abs(g_a(x)),
            "You took the magnitude of each picture and then the difference. First the difference, then its magnitude.",
        ),
    ),
    cases=(
        (
            exact([4, 9, 5]),
            _given("one that keeps the class", [0.5, 0.5, 1], [4, 3.5, 1]),
            _given("one that changes it", [1, 0.5, 0], [2, 0.5, 6]),
        ),
        (
            exact([[2, 0, 1], [3, 4, 1]]),
            _given("a brighter one", [[1, 1, 1], [1, 0.5, 1]], [[1, 2, 0], [1, 0, -2]]),
            _given("a darker one", [[1, 1, 0.5], [1, 1, 2]], [[-1, 0.5, 0], [-2, 2, 1]]),
        ),
        (
            exact([[1, 3], [0, 2], [4, 1]]),
            _given("one that mixes in grey", [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], [[1, 1], [1, 1], [1, 1]]),
            _given("one that turns round", [[-1, 1], [1, -2], [0, 2]], [[2, -1], [-1, 1], [5, -1]]),
        ),
    ),
    property=Property(
        "where both generators paint alike R is 0, whatever x is; it is never negative, and the two may change places.",
        _alike_is_nothing,
    ),
    oracle=Oracle("the engine's two-generators", _explained),
    draw=_two_painters,
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------

FAR = 3  # how far from x a pixel has to be for "a large map"


def blank_maps() -> Any:
    neither_does_its_job = [4, 9, 5], [9, 5, 9], [9, 5, 9]
    hidden_by_its_neighbours = [4, 9, 4], [4, 9, 4], [9, 9, 9]
    return neither_does_its_job, hidden_by_its_neighbours


def excess(x: Any) -> Any:
    """The score of lesion for a row of three pixels: how much more than 1 the middle stands out."""
    return x[1] - (x[0] + x[2]) / 2 - 1


def _two_blanks(answer: Any) -> Refusal | None:
    """Two (x, g_s(x), g_a(x)): a blank map that is large by one generator; both at work, and 0 on the lesion."""
    given: list[Any] = [_three(t) for t in answer] if isinstance(answer, tuple | list) and len(answer) == 2 else [None]
    if None in [None if g is None else 0 for g in given]:
        return Refusal("interface", "Expected twice three pictures of three pixels: (x, g_s, g_a), (x, g_s, g_a).")
    for which, pictures in zip(("first", "second"), given, strict=True):
        if any((p < 0).any() or (p > 10).any() for p in pictures):
            return Refusal("property", f"In your {which} answer a pixel is below 0 or above 10.")
    return _first(*given[0]) or _second(*given[1])


def _first(x: Any, s: Any, a: Any) -> Refusal | None:
    R, one = abs(s - a), abs(x - a)
    if (R != 0).any():
        return Refusal("property", f"Your first R = |g_s - g_a| is {_said(R)}; it has to be 0 everywhere.")
    if (one < FAR).any():
        said = "Your first answer: by one generator, |x - g_a| is"
        return Refusal("property", f"{said} {_said(one)}; it has to be at least {FAR} everywhere.")
    return None


def _second(x: Any, s: Any, a: Any) -> Refusal | None:
    scores = [excess(p) for p in (x, s, a)]
    if any(score == 0 for score in scores):
        return Refusal("trivial", "In your second answer a score is exactly 0: on the border, and neither class.")
    if scores[0] < 0:
        return Refusal("property", f"Your second x has score {scores[0]}: it shows no lesion.")
    if scores[1] < 0 or scores[2] > 0:
        who = "g_s changes the class" if scores[1] < 0 else "g_a keeps the class"
        return Refusal("property", f"In your second answer {who}: the scores are {_said(scores)}.")
    R = abs(s - a)
    if R[1] != 0:
        return Refusal("property", f"Your second R is {_said(R)}; on the lesion, the middle pixel, it has to be 0.")
    return None


def _three(pictures: Any) -> Any:
    if not isinstance(pictures, tuple | list) or len(pictures) != 3:
        return None
    found = [answer_array(p, (3,)) for p in pictures]
    return None if any(p is None for p in found) else found


def _said(values: Any) -> str:
    return "(" + ", ".join(f"{float(v):g}" for v in values) + ")"


BLANK_MAPS = Counterexample(
    solution=blank_maps,
    statement="(x, g_s, g_a), (x, g_s, g_a), three pixels each, from 0 to 10. First: R = 0 everywhere, and |x - g_a| "
    "at least 3 everywhere. Second: all is well with the classes, and R is 0 on the lesion itself.",
    clues=(
        "First: what must be true of g_s and g_a if nothing differs between them? It need not be like x.",
        "Second: a lesion is brighter than its neighbours. You can dim it, or you can ... the neighbours.",
    ),
    hole="[4, 9, 4], [9, 9, 9]",
    judge=_two_blanks,
    accepted=(
        (([4, 9, 5], [0, 0, 0], [0, 0, 0]), ([4, 9, 5], [4, 8, 5], [8, 8, 8])),
        [[[5, 5, 5], [9, 1, 9], [9, 1, 9]], [[0, 10, 0], [1, 10, 1], [10, 10, 9]]],
        (([0, 9, 0], [4.5, 4.5, 4.5], [4.5, 4.5, 4.5]), ([2, 6, 2], [2, 5, 2], [2, 5, 9])),
    ),
    refused=(
        ((([4, 9, 5], [9, 5, 9], [9, 5, 8]), ([4, 9, 4], [4, 9, 4], [9, 9, 9])), "property"),
        ((([4, 9, 5], [4, 9, 5], [4, 9, 5]), ([4, 9, 4], [4, 9, 4], [9, 9, 9])), "property"),
        ((([4, 9, 5], [9, 5, 9], [9, 5, 9]), ([4, 4, 4], [4, 9, 4], [9, 9, 9])), "property"),
        ((([4, 9, 5], [9, 5, 9], [9, 5, 9]), ([4, 9, 4], [9, 9, 9], [9, 9, 9])), "property"),
        ((([4, 9, 5], [9, 5, 9], [9, 5, 9]), ([4, 9, 4], [4, 9, 4], [4, 9, 4])), "property"),
        ((([4, 9, 5], [9, 5, 9], [9, 5, 9]), ([4, 9, 4], [4, 9, 4], [4, 4, 4])), "property"),
        ((([4, 9, 5], [9, 5, 9], [9, 5, 9]), ([4, 9, 4], [4, 9, 4], [12, 9, 12])), "property"),
        ((([4, 9, 5], [9, 5, 9], [9, 5, 9]), ([4, 9, 4], [4, 9, 4], [8, 9, 8])), "trivial"),
        ((([4, 9], [9, 5], [9, 5]), ([4, 9, 4], [4, 9, 4], [9, 9, 9])), "interface"),
        ((([4, 9, 5], [9, 5, 9], [9, 5, 9]),), "interface"),
        (7, "interface"),
    ),
)

# -- E4, deeper --------------------------------------------------------------------------------------------------------


def deepfool_step(S: Any, G: Any, c: Any) -> Any:
    steps = []
    for k in range(len(S)):
        if k != c:
            w, gap = G[k] - G[c], S[c] - S[k]
            steps.append(gap * w / (w @ w))
    return min(steps, key=lambda step: step @ step)


def _towards(S: Any, G: Any, c: Any, k: Any) -> Any:
    w, gap = G[k] - G[c], S[c] - S[k]
    return gap * w / (w @ w)


def _rivals(S: Any, c: Any) -> list[int]:
    return [k for k in range(len(S)) if k != c]


def _nearest(S: Any, G: Any, c: Any) -> int:
    steps = {k: _towards(S, G, c, k) for k in _rivals(S, c)}
    return min(steps, key=lambda k: steps[k] @ steps[k])


def _own_kept(S: Any, G: Any, c: Any) -> Any:
    """Distances and direction by the rival's own slopes."""
    gaps = {k: S[c] - S[k] for k in _rivals(S, c)}
    k = min(gaps, key=lambda k: gaps[k] ** 2 / (G[k] @ G[k]))
    return gaps[k] * G[k] / (G[k] @ G[k])


def _unsquared(S: Any, G: Any, c: Any) -> Any:
    k = _nearest(S, G, c)
    return (S[c] - S[k]) * (G[k] - G[c]) / _long(G[k] - G[c])


def _signs(S: Any, G: Any, c: Any) -> Any:
    """The nearest border if the largest change of a pixel is what is small."""
    reach = {k: (S[c] - S[k]) / abs(G[k] - G[c]).sum() for k in _rivals(S, c)}
    k = min(reach, key=lambda k: reach[k])
    return reach[k] * np.sign(G[k] - G[c])


def _tied_with_the_best(f: Any, S: Any, G: Any, c: Any) -> bool:
    after = S + G @ f(S, G, c)
    return bool(np.isclose(after[c], max(after[k] for k in _rivals(S, c))))


def _one_step(S: Any, G: Any, c: Any) -> Any:
    found = attack(Network.sequential([Linear(G, S)]), 0 * G[0], "deepfool", box=None, overshoot=0, steps=1)
    return found.perturbation


def _three_classes(rng: np.random.Generator) -> tuple:
    """Scores and slopes of three classes, the first or another one ahead, and one border clearly nearer."""
    while True:
        S, G = halves(rng, 3), halves(rng, 3, 2)
        c = int(np.argmax(S))
        if sorted(S)[1] == S[c] or any((G[k] == G[c]).all() for k in _rivals(S, c)):
            continue
        reach = sorted(float(step @ step) for step in (_towards(S, G, c, k) for k in _rivals(S, c)))
        if reach[1] > 1.2 * reach[0]:
            return S, G, c


DEEPFOOL_STEP = Function(
    solution=deepfool_step,
    statement="The shortest step, as straight lines see it, after which class c ties with another one. S (K,): scores; "
    "G (K, n): their slopes, one row per class.",
    clues=(
        "Towards class k the lead gap = S[c] - S[k] melts with the slopes w = G[k] - G[c]. A step of t * w melts "
        "t * (w @ w) of it.",
        "Compute that step for every class but c, and return the shortest. The class with the closest score may be far "
        "away.",
    ),
    hole="gap * w / (w @ w)",
    wrong=(
        Wrong(
            "closest score", "idea",
            lambda S, G, c: _towards(S, G, c, max(_rivals(S, c), key=lambda k: S[k])),
            "You went to the class with the closest score. How far it is depends on the slopes, too: a large lead that "
            "melts fast is soon gone.",
        ),
        Wrong(
            "steepest difference", "idea",
            lambda S, G, c: _towards(
                S, G, c, max(_rivals(S, c), key=lambda k: (G[k] - G[c]) @ (G[k] - G[c]))
            ),
            "You went where the lead melts fastest. It may be a large lead; compare lengths of steps.",
        ),
        Wrong(
            "own gradient kept", "idea", _own_kept,
            "You used the slopes of the other class alone. While its score rises, that of c moves as well: take the "
            "difference of both.",
        ),
        Wrong(
            "along signs", "idea", _signs,
            "You moved every pixel by the same amount, as FGSM does. The shortest step goes along the slopes "
            "themselves.",
        ),
        Wrong(
            "all borders at once", "idea",
            lambda S, G, c: sum(_towards(S, G, c, k) for k in _rivals(S, c)),
            "You added the steps to all borders. One border is enough to cross: the nearest.",
        ),
        Wrong(
            "length not squared", "bookkeeping", _unsquared,
            "You divided by the length of w once. Once makes a direction of it, once more turns score into distance.",
        ),
        Wrong(
            "not divided", "bookkeeping",
            lambda S, G, c: (S[c] - S[_nearest(S, G, c)]) * (G[_nearest(S, G, c)] - G[c]),
            "You multiplied lead and slopes. The steeper the slope the *shorter* the step: divide by w @ w.",
        ),
        Wrong(
            "turned round", "bookkeeping", lambda S, G, c: -_towards(S, G, c, _nearest(S, G, c)),
            "Your step leads away from the border: c's lead grows. Check the signs of gap and w.",
        ),
    ),
    cases=(
        (exact([5, 3, 2]), exact([[1, 0], [1, 1], [3, 3]]), 0),
        (exact([1, 4, 2, -4]), exact([[2, 0, 1], [0, 1, 0], [0, 2, 1], [1, -1, 3]]), 1),
        (exact([0, 1, 6]), exact([[4, 1], [1, 1], [1, 3]]), 2),
        (exact([3, 2, -6]), exact([[1, 2], [2, 0], [-3, 6]]), 0),
    ),
    property=Property(
        "after the step, as the straight lines have it, c is level with the best of the others.", _tied_with_the_best
    ),
    oracle=Oracle("one step of the engine's DeepFool, on a network of one layer", _one_step),
    draw=_three_classes,
)  # fmt: skip

# -- questions ---------------------------------------------------------------------------------------------------------

HUNDRED = Question(
    id="hundred",
    kind="predict",
    ask="A score is a sum of a hundred pixels, each with weight +1 or -1. Every pixel may move by 1/50. How far can "
    "the score be pushed? And how far do random steps of that size push it, typically?",
    options={
        "A": "1/50, and less",
        "B": "2, and also about 2",
        "C": "2, and about 1/5",
        "D": "1/5, and about 1/5",
    },
    answer="C",
    because="A hundred steps of 1/50 that all pull the same way make {{push.hundred}}. Random ones mostly cancel: what "
    "is left grows with the square root of 100 only, {{push.spread}}.",
    wrong=(
        ("A", "Each pixel moves so far, but there are a hundred, and their effects add up."),
        ("B", "Random signs pull up as often as down. Most of it cancels."),
        ("D", "With the signs of the weights every single step pulls the same way, and nothing cancels."),
    ),
    look="A hundred small steps",
)

FLIPS = Question(
    id="flips",
    kind="predict",
    ask="A hundred drawings, every number moved by 1/50 of the way from black to white. How many decisions change, if "
    "the signs are chosen with the slope's help, and if they are tossed?",
    options={
        "A": "a few, and none",
        "B": "most, and hardly any",
        "C": "most, and about half as many",
        "D": "most, either way",
    },
    answer="B",
    because="The change is just as large, and just as hard to see. Only its direction differs.",
    wrong=(
        ("A", "There are 12,288 numbers in a picture. Many small pushes in one direction make a large one."),
        ("C", "What is tossed cancels: it grows with the square root of the number of pixels."),
        ("D", "Networks are trained on pictures full of chance; chance is what they can bear."),
    ),
    look="A hundred pictures, not one",
    later=True,
)  # fmt: skip

ON_LESION = Question(
    id="on_lesion",
    kind="predict",
    ask="A generator repaints a picture so that the network finds no lesion. Picture minus repainted picture: how "
    "much of that difference, by its magnitude, lies on the lesion?",
    options={"A": "nearly all of it", "B": "about half", "C": "less than a quarter"},
    answer="C",
    because="A generator loses grain, vessels and sharp edges, everywhere. A little everywhere is more than a lot on a "
    "small spot.",
    wrong=(
        ("A", "That would need a generator that leaves everything else alone, to the last grain."),
        ("B", "A lesion covers 3 % of these pictures. The other 97 % are repainted, too."),
    ),
    look="Many pictures, three measures",
    later=True,
)

DIRECTION = Question(
    id="direction",
    kind="observe",
    ask="Move eps from 0 to 0.05 along the signs of the slope, then along random signs. What did the lead do?",
    options={
        "A": "it fell in a straight line, as far as eps went",
        "B": "one way it was gone by 0.01, the other way it hardly moved",
        "C": "it fell both ways, half as fast along random signs",
    },
    answer="B",
    because="The change is equally large and just as hard to see; only one of the two knows which way is down. (The "
    "fall bends: the slope was asked for once, at the start.)",
    wrong=(
        ("A", "Look at the right half of the curve: the slope at the start does not know about that part."),
        ("C", "Read the numbers along random signs once more: how much of the lead is gone at 0.05?"),
    ),
)

FOUR_WEIGHTS = Question(
    id="four_weights",
    kind="predict",
    ask="w = {{push.four}}, eps = 1/8, x far from black and white. By how much does the score w . x rise at most? And "
    "if all four signs are tossed as +? Two numbers.",
    answer=value("push.ticket"),
    because="At most eps times the sum of all magnitudes; with all signs +, eps times the plain sum: {{push.ticket}}.",
    wrong=(
        (exact([0.75, 0.75]), "With all signs + the weights of -2 pull down."),
        (exact([-0.25, 0.75]), "The other way round: first the most that is possible."),
        (exact([0.25, -0.25]), "For the first, choose each sign like its weight: then the magnitudes add up."),
    ),
    look="A hundred small steps",
)

WHAT_R_PROVES = Question(
    id="what_r_proves",
    kind="claim",
    ask="|g_s(x) - g_a(x)| shines on the lesion and is dark elsewhere. What may you tell the doctor?",
    options={
        "A": "the classifier decided by this spot, and by nothing else",
        "B": "the classifier looks at the whole picture",
        "C": "repainting this spot is one way to change the decision, once you have asked the classifier about both "
        "pictures",
        "D": "the spot is a lesion",
    },
    answer="C",
    because="R says what two painters did differently. That it turns the decision, only the classifier can say; that "
    "there is no other way, nobody has.",
    wrong=(
        ("A", "You built a row of three pixels in which a lesion disappears by painting its neighbours."),
        ("B", "R says nothing of pixels that both painters left alike; the classifier may use them or not."),
        ("D", "The classifier may be wrong. R explains its decision, not the disease."),
    ),
)

EXERCISES = (
    HUNDRED, FLIPS, ON_LESION, FGSM, DIRECTION, TWO_GENERATORS, BLANK_MAPS, FOUR_WEIGHTS, WHAT_R_PROVES, DEEPFOOL_STEP,
)  # fmt: skip
