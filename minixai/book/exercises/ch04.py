"""Chapter 04: the chain rule through a convolution; painting and collecting."""

from typing import Any

import numpy as np

from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers import value
from minixai.ops import Conv2d, exact

CHAPTER = "04_walking_backwards"


def correlate(x: Any, F: Any) -> Any:
    """The survey's convolution (30) of one map with one filter, window by window."""
    h, w = F.shape
    rows, columns = x.shape[0] - h + 1, x.shape[1] - w + 1
    sums = [[(x[i : i + h, j : j + w] * F).sum() for j in range(columns)] for i in range(rows)]
    return np.array(sums).reshape(max(rows, 0), max(columns, 0))


def surrounded(G: Any, F: Any) -> Any:
    """G with as many zeros all around as a filter of that size can reach over its edge."""
    h, w = F.shape
    return np.pad(G, ((h - 1, h - 1), (w - 1, w - 1)))


# -- E1 ----------------------------------------------------------------------------------------------------------------


def conv_backward(G: Any, F: Any) -> Any:
    h, w = F.shape
    full = np.pad(G, ((h - 1, h - 1), (w - 1, w - 1)))
    flipped = F[::-1, ::-1]
    rows, columns = G.shape[0] + h - 1, G.shape[1] + w - 1
    sums = [[(full[i : i + h, j : j + w] * flipped).sum() for j in range(columns)] for i in range(rows)]
    return np.array(sums)


def not_flipped(G: Any, F: Any) -> Any:
    """The backward pass with the filter as it is: the bug of E3."""
    return correlate(surrounded(G, F), F)


def _engine(G: Any, F: Any) -> Any:
    size = (1, 1, G.shape[0] + F.shape[0] - 1, G.shape[1] + F.shape[1] - 1)
    return Conv2d(F[None, None]).adjoint(G[None, None], np.zeros(size))[0, 0]


def _picture_for(G: Any, F: Any) -> Any:
    """Some picture of the size that belongs to G and F, not the same everywhere."""
    shape = G.shape[0] + F.shape[0] - 1, G.shape[1] + F.shape[1] - 1
    return np.arange(1.0, 1.0 + shape[0] * shape[1]).reshape(shape) ** 2 % 7


def _adjoint(f: Any, G: Any, F: Any) -> bool:
    x = _picture_for(G, F)
    return bool(np.isclose((correlate(x, F) * G).sum(), (x * f(G, F)).sum()))


CONV_BACKWARD = Function(
    solution=conv_backward,
    statement="From the signal G that arrives at the output of a convolution with filter F to the signal at its input.",
    clues=(
        "Stand at one pixel and collect: through which taps of the filter did it reach which outputs?",
        "Surround G with zeros so that every pixel sees a full window, and turn the filter by 180 degrees.",
    ),
    hole="F[::-1, ::-1]",
    wrong=(
        Wrong(
            "filter not flipped", "idea", not_flipped,
            "You collected with the filter as it is. Seen from an output, tap (0, 0) is the top left pixel of its "
            "window; seen from that pixel, the output lies at the bottom right.",
        ),
        Wrong(
            "flipped top-bottom only", "idea", lambda G, F: correlate(surrounded(G, F), F[::-1]),
            "You flipped the filter top to bottom only; both directions turn round.",
        ),
        Wrong(
            "flipped left-right only", "idea", lambda G, F: correlate(surrounded(G, F), F[:, ::-1]),
            "You flipped the filter left to right only; both directions turn round.",
        ),
        Wrong(
            "transposed", "idea", lambda G, F: correlate(surrounded(G, F.T), F.T),
            "You transposed the filter (rows became columns). The transpose in 'transposed convolution' is that of the "
            "big matrix, not of the filter: in the filter it is a half-turn.",
        ),
        Wrong(
            "no padding", "bookkeeping", lambda G, F: correlate(G, F[::-1, ::-1]),
            "You left out the zeros around the signal: the result is too small, because the edge collects nothing.",
        ),
        Wrong(
            "shifted by the padding", "bookkeeping",
            lambda G, F: np.roll(_painted(G, F), (1, 1), (0, 1)),
            "The numbers are right and sit one row and one column too far down: check where your window starts.",
        ),
    ),
    cases=(
        (exact([[5, 0], [0, 6]]), exact([[1, 2], [3, 4]])),
        (exact([[1, 0, -2], [3, 0.5, 0]]), exact([[2, -1, 0], [1, 3, 0.5]])),
        (exact([[2, -1], [0, 4], [1, 3]]), exact([[1, -2], [0.5, 3]])),
        (exact([[1, 2, 0, -1], [0, -3, 2, 1], [4, 0, 1, 2]]), exact([[1, 0], [-2, 3], [5, 1]])),
    ),
    property=Property(
        "for every picture x, <conv(x), G> = <x, backward(G)>: forwards or backwards, the same number.", _adjoint
    ),
    oracle=Oracle("the engine's own backward pass", _engine),
    draw=lambda rng: (halves(rng, 3, 4), halves(rng, 2, 3)),
)  # fmt: skip


def _painted(G: Any, F: Any) -> Any:
    """The same thing from the outputs' side: every arriving number paints the filter, as it is, onto its window."""
    h, w = F.shape
    paint = np.zeros((G.shape[0] + h - 1, G.shape[1] + w - 1), dtype=G.dtype)
    for i, j in np.ndindex(*G.shape):
        paint[i : i + h, j : j + w] += G[i, j] * F
    return paint


# -- E2 ----------------------------------------------------------------------------------------------------------------


def filter_gradient(Y: Any, G: Any) -> Any:
    h, w = G.shape
    rows, columns = Y.shape[0] - h + 1, Y.shape[1] - w + 1
    return np.array([[(Y[i : i + h, j : j + w] * G).sum() for j in range(columns)] for i in range(rows)])


def _nudged(Y: Any, G: Any) -> Any:
    """What L = <conv(Y, F), G> gains when one number of the filter is raised by 1 (L is linear, so that is exact)."""
    shape = Y.shape[0] - G.shape[0] + 1, Y.shape[1] - G.shape[1] + 1
    units = np.eye(shape[0] * shape[1]).reshape(-1, *shape)
    return np.array([(correlate(Y, unit) * G).sum() for unit in units]).reshape(shape)


def _along_filter(f: Any, Y: Any, G: Any) -> bool:
    found = np.asarray(f(Y, G))
    F = np.arange(1.0, 1.0 + found.size).reshape(found.shape)
    return bool(np.isclose((found * F).sum(), (correlate(Y, F) * G).sum()))


FILTER_GRADIENT = Function(
    solution=filter_gradient,
    statement="How the score moves with each number of the filter, from the input Y and the arriving signal G.",
    clues=(
        "One tap of the filter is used once per output. Which input number did it meet there, and what arrived there?",
        "Slide the arriving signal over the input, as if it were the filter.",
    ),
    hole="Y[i : i + h, j : j + w] * G",
    wrong=(
        Wrong(
            "signal flipped", "idea", lambda Y, G: correlate(Y, G[::-1, ::-1]),
            "You turned the signal by 180 degrees. The flip belongs to the walk towards the input, not to the filter.",
        ),
        Wrong(
            "input flipped", "idea", lambda Y, G: correlate(Y[::-1, ::-1], G),
            "You turned the input by 180 degrees; nothing is flipped on the way to the filter.",
        ),
        Wrong(
            "transposed", "bookkeeping", lambda Y, G: correlate(Y, G).T,
            "The right numbers with rows and columns exchanged.",
        ),
        Wrong(
            "averaged over the positions", "idea", lambda Y, G: correlate(Y, G) / G.size,
            "You averaged over the places where the tap was used. Paths that meet are added: nothing divides.",
        ),
    ),
    cases=(
        (exact([[1, 2, 0], [0, 1, 3], [2, 0, 1]]), exact([[1, 2], [0, 3]])),
        (exact([[1, 0, 2, -1], [3, 1, 0, 0.5], [0, 2, -2, 1]]), exact([[1, -1, 2], [0, 3, 0.5]])),
        (exact([[2, 1, 0, 1], [0, -1, 3, 2], [1, 1, 0.5, 0], [4, 0, 2, 1]]), exact([[1, 0], [2, -1], [0, 3]])),
    ),
    property=Property(
        "L = <conv(Y, F), G> is linear in F, so <the gradient, F> gives L back for every filter F.", _along_filter
    ),
    oracle=Oracle("nudging the filter, one number at a time,", _nudged),
    draw=lambda rng: (halves(rng, 4, 5), halves(rng, 2, 3)),
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def unflipped() -> Any:
    hidden = np.array([[1.0, 2.0], [2.0, 1.0]])
    G, F = np.array([[5.0, 0.0], [0.0, 6.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    return hidden, (G, F)


def _hunt(answer: Any) -> Refusal | None:
    """A filter on which the bug never shows, and a case on which it does."""
    if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], tuple) and len(answer[1]) == 2):
        return Refusal("interface", "Expected two things: hidden, (G, F).")
    hidden, G, F = _matrix(answer[0]), _matrix(answer[1][0]), _matrix(answer[1][1])
    if hidden is None or G is None or F is None:
        return Refusal("interface", "Expected matrices of finite numbers: hidden, (G, F).")
    if len(set(hidden.flat)) == 1:
        return Refusal("trivial", "All numbers of your filter are equal: on that, no exchange of taps could ever show.")
    if not (hidden == hidden[::-1, ::-1]).all():
        return Refusal("property", "Your filter is not hidden: a single 1 arriving at one corner gives the bug away.")
    if (conv_backward(G, F) == not_flipped(G, F)).all():
        return Refusal("property", "Your filter is hidden, but your case (G, F) does not expose the bug: both agree.")
    return None


def _matrix(answer: Any) -> Any:
    shape = np.shape(answer) if isinstance(answer, np.ndarray | list | tuple) else ()
    return answer_array(answer, shape) if len(shape) == 2 and min(shape) > 0 else None


UNFLIPPED = Counterexample(
    solution=unflipped,
    statement="hidden, (G, F): a filter on which the unflipped code is always right, and a case where it is not.",
    clues=(
        "When does it not matter whether you turn a filter by 180 degrees?",
        "The filter must be its own half-turn without being constant; the case needs one that is not.",
    ),
    hole="[[1.0, 2.0], [2.0, 1.0]]",
    judge=_hunt,
    bug=not_flipped,
    accepted=(
        ([[1, 2], [2, 1]], ([[5, 0], [0, 6]], [[1, 2], [3, 4]])),
        (np.array([[1.0, 0.0, 1.0]]), (np.array([[0.0, 1.0]]), np.array([[2.0, 0.5]]))),
    ),
    refused=(
        (([[1, 1], [1, 1]], ([[5, 0], [0, 6]], [[1, 2], [3, 4]])), "trivial"),
        (([[3]], ([[5, 0], [0, 6]], [[1, 2], [3, 4]])), "trivial"),
        (([[1, 2], [3, 4]], ([[5, 0], [0, 6]], [[1, 2], [3, 4]])), "property"),
        (([[1, 2], [2, 1]], ([[0, 0], [0, 0]], [[1, 2], [3, 4]])), "property"),
        (([[1, 2], [2, 1]], ([[5, 0], [0, 6]], [[1, 2], [2, 1]])), "property"),
        (([[1, 2], [2, 1]], [[5, 0], [0, 6]]), "interface"),
        (([1, 2, 1], ([[5, 0], [0, 6]], [[1, 2], [3, 4]])), "interface"),
        ((7, (8, 9)), "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

PAINT_ONE = Question(
    id="paint_one",
    kind="predict",
    ask="A single 1 arrives at the first output, 0 at all others. What appears on the input?",
    options={"A": "the filter as it is", "B": "the filter turned by 180 degrees", "C": "a single 1"},
    answer="A",
    because="One output paints the filter as it is. The flip appears when you stand at one pixel and collect.",
    wrong=(
        ("B", "Painting uses the filter as it is; collecting, the same sums seen from the pixel, uses it turned."),
        ("C", "The output was made from a whole window, so a whole window of the input can move it."),
    ),
    look="Painting and collecting",
)

FORK = Question(
    id="fork",
    kind="predict",
    ask="S = 3 relu(2 x1 + x2 - 1) - relu(x1 - x2) at (2, 1). The slopes with respect to (x1, x2)?",
    answer=value("fork.slope"),
    because="Both paths are open, and where they meet they add: {{fork.first}} + {{fork.second}} = {{fork.slope}}.",
    wrong=(
        (value("fork.second"), "You kept only the second path: overwritten, not added."),
        (value("fork.first"), "You kept only the first path."),
        (value("fork.first") - value("fork.second"), "You added the second path without its minus."),
    ),
    look="Forks add",
)

COLLECT = Question(
    id="collect",
    kind="observe",
    ask="With the figure on 'collect', which tap of the filter meets the output above and to the left of your pixel?",
    options={"A": "the top left one", "B": "the bottom right one", "C": "the top right one"},
    answer="B",
    because="Seen from the pixel, the filter stands upside down and mirrored: turned by 180 degrees.",
    wrong=(
        ("A", "That is the tap seen from the output. From the pixel, look back the other way."),
        ("C", "Left and right have changed sides, and so have top and bottom: a half-turn, not a mirror."),
    ),
)

TELL_BY_EYE = Question(
    id="tell_by_eye",
    kind="predict",
    ask="Two maps of the nine, one by the right walk, one with the filter as it is. Which is by the right walk?",
    options={"A": "map A", "B": "map B"},
    answer="B",
    because="B is by the right walk. The adjoint test can tell; a map alone, however it looks, can not.",
    wrong=(("A", "A is the colleague's: a map that looks like a map."),),
    look="Break it",
    later=True,
)

EXERCISES = (FORK, PAINT_ONE, CONV_BACKWARD, FILTER_GRADIENT, COLLECT, UNFLIPPED, TELL_BY_EYE)
