"""Chapter 03: a convolution by hand, who won a max-pool, what fits on an axis, and changes that go unnoticed."""

from fractions import Fraction
from typing import Any

import numpy as np

from minixai.book.examples import POCKET_FILTERS, POCKET_PICTURE
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers import say
from minixai.ops import Conv2d, MaxPool2d, exact

CHAPTER = "03_a_cnn_by_hand"


def window_by_window(Y: Any, F: Any, step: tuple[int, int] = (1, 1)) -> Any:
    """The sum of Y times F over every window, the windows ``step`` apart."""
    h, w = F.shape
    corners = [range(0, n - k + 1, s) for n, k, s in zip(Y.shape, F.shape, step, strict=True)]
    sums = [[(Y[i : i + h, j : j + w] * F).sum() for j in corners[1]] for i in corners[0]]
    return np.array(sums).reshape(len(corners[0]), len(corners[1]))


# -- E1 ----------------------------------------------------------------------------------------------------------------


def conv2d(Y: Any, F: Any, b: Any) -> Any:
    h, w = F.shape
    rows, columns = Y.shape[0] - h + 1, Y.shape[1] - w + 1
    return np.array([[(Y[i : i + h, j : j + w] * F).sum() + b for j in range(columns)] for i in range(rows)])


def _engines(Y: Any, F: Any, b: Any) -> Any:
    return Conv2d(F[None, None], np.array([b])).forward(Y[None, None])[0, 0]


def _only_its_window(f: Any, Y: Any, F: Any, b: Any) -> bool:
    raised = Y.copy()
    raised[0, 0] += 1
    moved = np.asarray(f(raised, F, b)) - np.asarray(f(Y, F, b))
    expected = np.zeros(moved.shape)
    expected[0, 0] = F[0, 0]
    return bool(np.allclose(moved, expected))


CONV2D = Function(
    solution=conv2d,
    statement="The convolution of a matrix Y with a filter F: for every window, Y times F, added up, plus the bias b.",
    clues=(
        "Do one number first: the window whose top left corner is at (i, j), times F place by place, added up, plus b.",
        "Then two loops. The corner runs over Y.shape[0] - F.shape[0] + 1 rows, and over columns likewise.",
    ),
    hole="Y[i : i + h, j : j + w] * F",
    wrong=(
        Wrong(
            "filter turned", "idea", lambda Y, F, b: window_by_window(Y, F[::-1, ::-1]) + b,
            "You turned the filter by 180 degrees, as scipy.signal.convolve2d does. Networks lay it down as it is; "
            "SciPy's name for that is correlate2d.",
        ),
        Wrong(
            "filter transposed", "idea", lambda Y, F, b: window_by_window(Y, F.T) + b,
            "You exchanged the filter's rows and columns. The top right tap belongs on the window's top right number.",
        ),
        Wrong(
            "answer transposed", "bookkeeping", lambda Y, F, b: (window_by_window(Y, F) + b).T,
            "The right numbers with rows and columns exchanged: the outer loop makes the rows.",
        ),
        Wrong(
            "bias left out", "idea", lambda Y, F, b: window_by_window(Y, F),
            "You left the bias out. It is added to every number of the answer.",
        ),
        Wrong(
            "bias once per tap", "idea", lambda Y, F, b: window_by_window(Y, F) + F.size * b,
            "You added the bias to every product. It comes once per window, after the products have been added up.",
        ),
        Wrong(
            "padded", "idea", lambda Y, F, b: window_by_window(np.pad(Y, 1), F) + b,
            "You put zeros around the picture first. That is padding, a choice of its own; here nothing is put around.",
        ),
        Wrong(
            "windows side by side", "idea", lambda Y, F, b: window_by_window(Y, F, F.shape) + b,
            "Your windows stand side by side, as in a pool. A filter moves by one place: its windows overlap.",
        ),
        Wrong(
            "one window short", "bookkeeping", lambda Y, F, b: (window_by_window(Y, F) + b)[:-1, :-1],
            "You stop one window early. The last window ends at the last row: Y.shape[0] - F.shape[0] + 1 in all.",
        ),
        Wrong(
            "mean instead of sum", "idea", lambda Y, F, b: window_by_window(Y, F) / F.size + b,
            "You took the mean of the products. They are added up, and nothing divides.",
        ),
        Wrong(
            "negatives cut off", "idea", lambda Y, F, b: np.maximum(window_by_window(Y, F) + b, 0),
            "You cut off what is negative. That is the ReLU, the next layer; a convolution may well answer -1.",
        ),
    ),
    cases=(
        (POCKET_PICTURE[0], POCKET_FILTERS[0, 0], Fraction(1)),
        (exact([[1, 0, -2, 1], [3, 0.5, 0, 2], [-1, 4, 1, 0]]), exact([[2, -1, 0], [1, -3, 0.5]]), Fraction(-1, 2)),
        (exact([[2, -1], [0, 4], [1, 3], [-2, 0]]), exact([[1, -2], [0.5, 3]]), Fraction(-3)),
        (exact([[0, 1, 2, -1], [3, 1, 0, 0.5], [0, 2, -2, 1]]), exact([[1], [-2]]), Fraction(2)),
    ),
    property=Property(
        "raise the top left number of Y by 1: only the top left answer moves, and it moves by the top left tap.",
        _only_its_window,
    ),
    oracle=Oracle("the engine's own convolution", _engines),
    draw=lambda rng: (halves(rng, 4, 5), halves(rng, 2, 3), Fraction(int(rng.integers(1, 7)), 2)),
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def switches(Y: Any) -> Any:
    columns = Y.shape[1]
    winners = np.zeros((Y.shape[0] // 2, columns // 2), int)
    for i, j in np.ndindex(*winners.shape):
        first = Y[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax()
        winners[i, j] = (2 * i + first // 2) * columns + 2 * j + first % 2
    return winners


def _windows(Y: Any, step: int = 2, halves_too: bool = False) -> list[list[list[tuple[int, int]]]]:
    """The windows of a pool as lists of places, row by row."""
    last = 0 if halves_too else 1
    corners = [range(0, n - last, step) for n in Y.shape]
    inside = [[(i + a, j + b) for a in (0, 1) for b in (0, 1)] for i in corners[0] for j in corners[1]]
    kept = [[(r, c) for r, c in places if r < Y.shape[0] and c < Y.shape[1]] for places in inside]
    return [kept[k : k + len(corners[1])] for k in range(0, len(kept), len(corners[1]))]


def _champions(Y: Any, key: Any = None, last: bool = False, **how: Any) -> list[list[tuple[int, int]]]:
    """The place of the largest number of every window, the first of several."""
    rank = (lambda p: Y[p]) if key is None else key
    return [[max(places[::-1] if last else places, key=rank) for places in line] for line in _windows(Y, **how)]


def _numbered(Y: Any, places: list[list[tuple[int, int]]], of: Any = None) -> Any:
    """A number for every place: by default as one counts through Y, row by row, from 0."""
    count = (lambda r, c: r * Y.shape[1] + c) if of is None else of
    return np.array([[count(*p) for p in line] for line in places])


def _points_at_the_largest(f: Any, Y: Any) -> bool:
    found = np.asarray(f(Y))
    if ((found < 0) | (found >= Y.size) | (found % 1 != 0)).any():
        return False
    largest = [[max(Y[p] for p in places) for places in line] for line in _windows(Y)]
    return np.array_equal(Y.ravel()[found.astype(int)], np.array(largest))


SWITCHES = Function(
    solution=switches,
    statement="Who won in every 2 x 2 window of a max-pool: the winner's number, counted through Y row by row from 0.",
    clues=(
        "Y[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] is window (i, j); .argmax() of it is 0, 1, 2 or 3, the first if tied.",
        "Turn that into a row and a column of Y. A place has the number row times width of Y, plus column.",
    ),
    hole="first // 2",
    wrong=(
        Wrong(
            "last winner of a tie", "convention", lambda Y: _numbered(Y, _champions(Y, last=True)),
            "Of two equal numbers you let the last one win. Here the first one wins, as in PyTorch; one has to choose.",
        ),
        Wrong(
            "counted inside the window", "idea",
            lambda Y: _numbered(Y, _champions(Y), lambda r, c: r % 2 * 2 + c % 2),
            "You counted inside each window, from 0 to 3. Who wants to find the winner again needs its place in Y.",
        ),
        Wrong(
            "what won, not where", "idea", lambda Y: _numbered(Y, _champions(Y), lambda r, c: Y[r, c]),
            "Those are the numbers that won. Asked was where they stood.",
        ),
        Wrong(
            "looked for all over Y", "idea",
            lambda Y: _numbered(Y, _champions(Y), lambda r, c: int((Y.ravel() == Y[r, c]).argmax())),
            "You found the largest number of the window, and then looked for it all over Y. The first place that holds "
            "it may lie in another window.",
        ),
        Wrong(
            "largest magnitude", "idea", lambda Y: _numbered(Y, _champions(Y, lambda p: abs(Y[p]))),
            "You compared magnitudes. A max-pool does not: -3 loses against 0.",
        ),
        Wrong(
            "windows overlap", "idea", lambda Y: _numbered(Y, _champions(Y, step=1)),
            "Your windows move by one place. These stand side by side: each begins where the one before it ended.",
        ),
        Wrong(
            "half windows, too", "bookkeeping", lambda Y: _numbered(Y, _champions(Y, halves_too=True)),
            "At the edge you used windows that are cut in half. A row or column that fills no window is left out.",
        ),
        Wrong(
            "all in one row", "bookkeeping", lambda Y: _numbered(Y, _champions(Y)).ravel(),
            "The right numbers, one after the other. Return them as the windows lie: in rows and columns.",
        ),
        Wrong(
            "counted column by column", "bookkeeping",
            lambda Y: _numbered(Y, _champions(Y), lambda r, c: c * Y.shape[0] + r),
            "You counted down the columns. Count as one reads: along the first row, then along the next.",
        ),
        Wrong(
            "counted from 1", "bookkeeping",
            lambda Y: _numbered(Y, _champions(Y), lambda r, c: r * Y.shape[1] + c + 1),
            "You counted from 1; Python counts from 0, so that Y.ravel()[number] is the winner.",
        ),
    ),
    cases=(
        (exact([[1, 3, 0, 0], [3, 2, 5, 1]]),),
        (exact([[0, -1, 2, 2, 7], [-3, 0, 1, 2, 0], [9, 1, 1, 1, 1]]),),
        (exact([[-1, -2], [-3, -1], [4, 0.5], [1, 3]]),),
        (exact([[1, 0, 2, 4], [3, 5, -1, 0], [2, 2, 6, 1], [0, 1, 3, 6], [8, 0, 0, 9]]),),
        (exact([[5, 1, 0, -6], [0, 1, 5, 3]]),),
    ),
    property=Property(
        "what stands at the numbers you return, Y.ravel()[numbers], is the largest number of each window.",
        _points_at_the_largest,
    ),
    oracle=Oracle(
        "the engine's own max-pool", lambda Y: MaxPool2d(2).choose(Y[None, None])[0, 0],
    ),
    draw=lambda rng: (halves(rng, 5, 6, low=-2, high=4),),
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def output_size(n: Any, k: Any, s: Any, p: Any) -> Any:
    return (n + 2 * p - k) // s + 1


def _counted(n: Any, k: Any, s: Any, p: Any) -> int:
    layer = Conv2d(np.ones((1, 1, 1, k)), stride=(1, s), padding=(0, p))
    return int(layer.forward(np.zeros((1, 1, 1, n))).shape[-1])


def _one_and_one_more(f: Any, n: Any, k: Any, s: Any, p: Any) -> bool:
    return bool(f(k, k, s, 0) == 1 and f(n + s, k, s, p) == f(n, k, s, p) + 1)


def _an_axis(rng: np.random.Generator) -> tuple:
    k = int(rng.integers(2, 5))
    return int(rng.integers(k + 1, 14)), k, int(rng.integers(1, 4)), int(rng.integers(0, 3))


OUTPUT_SIZE = Function(
    solution=output_size,
    statement="How many windows fit on an axis of n numbers: window k, stride s, and p zeros put on at either end.",
    clues=(
        "With the padding there are n + 2 * p places. The first window takes k of them. How many places are left over?",
        "Every s of those that are left let the window move once more; the rest is lost. // rounds down.",
    ),
    hole="// s + 1",
    wrong=(
        Wrong(
            "rounded up", "idea", lambda n, k, s, p: -((k - n - 2 * p) // s) + 1,
            "You counted a last window that hangs over the edge. A window that does not fit is left out: round down.",
        ),
        Wrong(
            "forgot the first", "idea", lambda n, k, s, p: (n + 2 * p - k) // s,
            "You counted how often the window moves. Before its first move it stood somewhere, too: one more.",
        ),
        Wrong(
            "the first one divided, too", "bookkeeping", lambda n, k, s, p: (n + 2 * p - k + 1) // s,
            "You added the 1 before you divided. The steps are divided by s; the first window comes on top.",
        ),
        Wrong(
            "stride ignored", "idea", lambda n, k, s, p: n + 2 * p - k + 1,
            "Your window moves by one place at a time; it should move by s.",
        ),
        Wrong(
            "padded at one end", "bookkeeping", lambda n, k, s, p: (n + p - k) // s + 1,
            "You put the zeros at one end only; p of them stand at either end.",
        ),
        Wrong(
            "padding forgotten", "idea", lambda n, k, s, p: (n - k) // s + 1,
            "The padding is missing: with it there are n + 2 * p places.",
        ),
        Wrong(
            "size over stride", "idea", lambda n, k, s, p: n // s,
            "You divided the size by the stride. That is so only if the padding just makes up for the window.",
        ),
        Wrong(
            "not rounded", "bookkeeping", lambda n, k, s, p: (n + 2 * p - k) / s + 1,
            "There is no half window: // divides and rounds down.",
        ),
    ),
    cases=((8, 3, 2, 1), (9, 3, 1, 2), (7, 3, 2, 0), (5, 2, 2, 0), (12, 5, 1, 1), (64, 5, 2, 2), (10, 4, 3, 0)),
    property=Property(
        "a window as large as the picture fits once, and s numbers more make room for exactly one window more.",
        _one_and_one_more,
    ),
    oracle=Oracle("counting the engine's own windows", _counted),
    draw=_an_axis,
)  # fmt: skip

# -- E4 ----------------------------------------------------------------------------------------------------------------


def unnoticed() -> Any:
    by_relu = np.array([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]])
    by_pool = np.array([[2.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]])
    return by_relu, by_pool


def _unnoticed(answer: Any) -> Refusal | None:
    """Two pictures, each one pixel away from the pocket picture: the ReLU hides one change, the pool the other."""
    pictures = [answer_array(x, (3, 3)) for x in answer] if isinstance(answer, tuple) and len(answer) == 2 else [None]
    if any(x is None for x in pictures):
        return Refusal("interface", "Expected two pictures of 3 x 3 finite numbers: by_relu, by_pool.")
    for which, x in zip(("first", "second"), pictures, strict=True):
        changed = int((x != POCKET_PICTURE[0]).sum())
        if changed == 0:
            return Refusal("trivial", f"In your {which} picture nothing changes, so nothing hides.")
        if changed > 1:
            return Refusal("property", f"Your {which} picture differs in {changed} pixels; exactly one may differ.")
        if (_maps(x)[0] == _maps(POCKET_PICTURE[0])[0]).all():
            return Refusal(
                "trivial", f"In your {which} picture the convolution does not notice: that pixel meets no tap but 0."
            )
    (_, before), ((_, first), (_, second)) = _maps(POCKET_PICTURE[0]), map(_maps, pictures)
    if (first != before).any():
        return Refusal("property", f"Your first change gets through the ReLU: its map becomes {say(first)}.")
    if (second == before).all():
        return Refusal("property", "In your second picture the ReLU hides the change already.")
    if second.max() != before.max():
        return Refusal("property", f"The pool lets your second change through: {before.max()} becomes {second.max()}.")
    return None


def _maps(x: Any) -> tuple[Any, Any]:
    """What filter F1 answers, before and after the ReLU."""
    o = window_by_window(x, POCKET_FILTERS[0, 0])
    return o, np.where(o > 0, o, 0)


UNNOTICED = Counterexample(
    solution=unnoticed,
    statement="by_relu, by_pool: the pocket picture, one pixel changed, so that the ReLU, or only the pool, hides it.",
    clues=(
        "What does a ReLU make of -1, and of -3? Which of the four answers is negative, and which pixel has it alone?",
        "For the pool: move one of the losers, upwards or downwards, but keep it below the winner.",
    ),
    hole="-1.0",
    judge=_unnoticed,
    accepted=(
        ([[1, 2, -1], [0, 1, 3], [2, 0, 1]], [[2, 2, 0], [0, 1, 3], [2, 0, 1]]),
        ([[1, 2, 0.5], [0, 1, 3], [2, 0, 1]], [[1, 2, 0], [0, 1, 3], [2, 1, 1]]),
    ),
    refused=(
        (([[1, 2, 0], [0, 1, 3], [2, 0, 1]], [[2, 2, 0], [0, 1, 3], [2, 0, 1]]), "trivial"),
        (([[1, 2, 0], [0, 1, 3], [9, 0, 1]], [[2, 2, 0], [0, 1, 3], [2, 0, 1]]), "trivial"),
        (([[1, 2, -1], [0, 1, 3], [2, 0, 1]], [[1, 2, 0], [0, 1, 3], [9, 0, 1]]), "trivial"),
        (([[1, 2, 1], [0, 1, 3], [2, 0, 1]], [[2, 2, 0], [0, 1, 3], [2, 0, 1]]), "property"),
        (([[1, 2, -1], [0, 1, 3], [3, 0, 1]], [[2, 2, 0], [0, 1, 3], [2, 0, 1]]), "property"),
        (([[1, 2, -1], [0, 1, 3], [2, 0, 1]], [[1, 2, -1], [0, 1, 3], [2, 0, 1]]), "property"),
        (([[1, 2, -1], [0, 1, 3], [2, 0, 1]], [[1, 2, 0], [0, 1, 4], [2, 0, 1]]), "property"),
        (([[1, 2, -1], [0, 1, 3]], [[2, 2, 0], [0, 1, 3], [2, 0, 1]]), "interface"),
        ((-1, 2), "interface"),
        ([[1, 2, -1], [0, 1, 3], [2, 0, 1]], "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

THE_SIX = Question(
    id="the_six",
    kind="predict",
    ask="How many of the nine pixels could change this 6, each on its own?",
    options={"A": "all nine", "B": "four", "C": "three", "D": "one"},
    answer="C",
    because="Four pixels lie under the filter, and one of them meets a 0: whatever it is, its product stays 0.",
    wrong=(
        ("A", "The filter lies on four pixels when it makes this number; the other five are not asked."),
        ("B", "Four lie under the filter. Multiply each by what lies on it: one product is 0, whatever the pixel."),
        ("D", "The largest product is not the only one: all four are added up."),
    ),
    look="One cell",
    later=True,
)

NEVER = Question(
    id="never",
    kind="predict",
    ask="The largest of the four answers is kept: 6 again. Which pixel could never change this 6, in any picture?",
    options={"A": "top left", "B": "top right", "C": "bottom left", "D": "none: every pixel could"},
    answer="C",
    because="Only the bottom left answer sees this pixel, and there it meets the tap 0.",
    wrong=(
        ("A", "Make it large: the top left answer grows with it, and once it exceeds 6 it is the one that is kept."),
        ("B", "The top right answer grows by twice as much as this pixel. At -1 it is far behind, but not for ever."),
        ("D", "Nearly. Go through the pixels that only one window sees, and look which tap they meet there."),
    ),
    look="Who could still move the 6",
    later=True,
)

TWO_LAYERS = Question(
    id="two_layers",
    kind="predict",
    ask="Two layers, one on the other, each with a filter of 3 x 3. How wide a piece of the picture does one number of "
    "the upper layer see?",
    options={"A": "3 pixels", "B": "5 pixels", "C": "6 pixels", "D": "9 pixels"},
    answer="B",
    because="It sees 3 numbers side by side; each of those sees 3 pixels, one place further on: 3 + 1 + 1.",
    wrong=(
        ("A", "It sees 3 numbers of the layer below. Each of those sees 3 pixels, and not the same 3."),
        ("C", "Neighbours overlap: the second one sees only one pixel that the first one does not."),
        ("D", "That would be so if the windows below stood side by side; they overlap."),
    ),
    look="Patches grow",
    later=True,
)

ONE_PIXEL = Question(
    id="one_pixel",
    kind="predict",
    ask="Move each of 100 pictures to the right, by one pixel, then by eight. How many answers of shapes change?",
    options={
        "A": "none by one, none by eight",
        "B": "hardly any by one, about ten by eight",
        "C": "about ten by one, half by eight",
        "D": "half by one, nearly all by eight",
    },
    answer="B",
    because="A little movement does not tip the answer; a lot of it sometimes does, although the shape is the same.",
    wrong=(
        ("A", "Windows slide, but the last layers do not: there every place has weights of its own."),
        ("C", "Filters go wherever the shape goes, and pools take up a part of the rest: it is steadier than that."),
        ("D", "Filters go wherever the shape goes, and pools take up part of the rest: far steadier than that."),
    ),
    look="Break it",
    later=True,
)

WIDER = Question(
    id="wider",
    kind="observe",
    ask="Two layers, stride 2 in both, no padding: how wide is the patch of the one number that is left?",
    options={"A": "5 pixels", "B": "6 pixels", "C": "7 pixels", "D": "9 pixels"},
    answer="C",
    because="Three numbers of the first layer, which begin 2 pixels apart and see 3 pixels each: 3 + 2 + 2.",
    wrong=(
        ("A", "That is stride 1: 3 + 1 + 1. With stride 2 neighbours begin two pixels apart."),
        ("B", "Count the columns that are not 0 once more: three numbers, which begin at pixels 1, 3 and 5."),
        ("D", "The picture is 8 wide, and its last column lies in no window at all."),
    ),
)

NUDGED = Question(
    id="nudged",
    kind="claim",
    ask="You change a pixel a little, and a number deep inside does not move. Which sentence does that support?",
    options={
        "A": "The pixel lies outside the patch of that number",
        "B": "In no picture can this pixel matter to that number",
        "C": "At this picture, nothing that this little change reached got through to that number",
        "D": "The network does not use this pixel",
    },
    answer="C",
    because="It may lie outside the patch or meet a tap of 0; or a ReLU or a pool hides it here, and not elsewhere.",
    wrong=(
        ("A", "Possible, but a ReLU that is off or a pool with another winner would look just the same."),
        ("B", "You tried one picture. In another one the ReLU may be on, or the pool may have another winner."),
        ("D", "You looked at one number of one layer, at one picture."),
    ),
)

EXERCISES = (
    THE_SIX, NEVER, TWO_LAYERS, ONE_PIXEL, CONV2D, SWITCHES, UNNOTICED, WIDER, OUTPUT_SIZE, NUDGED,
)  # fmt: skip
