"""Chapter 09: CAM, Grad-CAM, Guided Grad-CAM: what the last maps say, and what averaging throws away."""

from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array, halves
from minixai.book.numbers import value
from minixai.network import Network
from minixai.ops import Flatten, GlobalAvgPool, Identity, Linear, exact

CHAPTER = "09_cam"

# -- E1 ----------------------------------------------------------------------------------------------------------------


def cam(A: Any, W: Any, c: Any) -> Any:
    return sum(w * maps for w, maps in zip(W[c], A, strict=True))


def _weighed(weights: Any, A: Any) -> Any:
    """Maps times weights, added up; where there are more of one than of the other, the rest is left out."""
    return sum(w * maps for w, maps in zip(weights, A, strict=False))


def _engine_cam(A: Any, W: Any, c: Any) -> Any:
    network = Network.sequential([Identity(), GlobalAvgPool(), Flatten(), Linear(np.asarray(W))])
    return explain(network, np.asarray(A), "cam", target=int(c)).relevance


def _adds_up(f: Any, A: Any, W: Any, c: Any) -> bool:
    """The mean over the cells is the score that the head makes of the maps' means."""
    return bool(np.isclose(np.mean(f(A, W, c)), W[c] @ A.mean(axis=(1, 2))))


CAM = Function(
    solution=cam,
    statement="The class activation map of class c: A holds K maps, W one row of K weights per class.",
    clues=(
        "Each map has one weight for this class: row c of W. Where a map is large and its weight positive, it speaks "
        "for the class.",
        "Multiply each map by its weight and add the maps up, place by place. Nothing is rectified, nothing divided.",
    ),
    hole="W[c]",
    wrong=(
        Wrong(
            "column for row", "bookkeeping", lambda A, W, c: _weighed(W[:, c], A),
            "You took column c of W: what one map says to all classes. Asked was what all maps say to one class.",
        ),
        Wrong(
            "positive weights only", "idea", lambda A, W, c: _weighed(_rectified(W[c]), A),
            "You left out the negative weights. A map that speaks against the class is evidence, too.",
        ),
        Wrong(
            "rectified", "idea", lambda A, W, c: _rectified(_weighed(W[c], A)),
            "You cut off what is negative. CAM keeps it, and needs it to add up; the ReLU belongs to Grad-CAM.",
        ),
        Wrong(
            "all classes", "idea", lambda A, W, c: _weighed(W.sum(axis=0), A),
            "You added the weights of all classes, and c no longer matters.",
        ),
        Wrong(
            "divided by Z", "convention", lambda A, W, c: _weighed(W[c], A) / (A.shape[1] * A.shape[2]),
            "You divided by the number of cells, Z. Then the cells add up to the score; the survey's CAM is Z times "
            "that.",
        ),
        Wrong(
            "averaged over the maps", "bookkeeping", lambda A, W, c: _weighed(W[c], A) / len(A),
            "You averaged over the maps. Their weights say already how much each counts; they are added up.",
        ),
        Wrong(
            "times the map's mean", "idea", lambda A, W, c: _weighed(W[c] * A.mean(axis=(1, 2)), A),
            "You weighed each map by what it brought to the score, weight times mean. The map itself stands for its "
            "mean already.",
        ),
    ),
    cases=(
        (value("pocketcam.maps"), exact([[1, -1], [2, 3]]), 0),
        (exact([[[1, 0], [2, 0], [3, 1]], [[2, 1], [0, 0], [0, 4]]]), exact([[1, -2], [3, 0.5]]), 1),
        (
            exact([[[1, 0, 3], [2, 0, 0]], [[0, 1, 0], [5, 2, 0]], [[1, 1, 4], [0, 0, 2]]]),
            exact([[2, -1, 0], [1, 0.5, -3]]), 1,
        ),
    ),
    property=Property("the mean over the cells is the score (of a head without biases).", _adds_up),
    oracle=Oracle("the engine's own CAM", _engine_cam),
    draw=lambda rng: (abs(halves(rng, 3, 2, 4)), halves(rng, 2, 3, without_zero=True), int(rng.integers(2))),
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def grad_cam(A: Any, dS_dA: Any) -> Any:
    alpha = dS_dA.mean(axis=(1, 2))
    summed = sum(a * maps for a, maps in zip(alpha, A, strict=True))
    return np.where(summed > 0, summed, 0)


def _rectified(v: Any) -> Any:
    return np.where(v > 0, v, 0 * v)


def _as_heat(v: Any) -> Any:
    return _rectified(v) / (_rectified(v).max() or 1)


def _engine_grad_cam(A: Any, dS_dA: Any) -> Any:
    network = Network.sequential([Identity(), Flatten(), Linear(np.asarray(dS_dA).reshape(1, -1))])
    return explain(network, np.asarray(A), "grad-cam", target=0, layer="identity1").relevance


def _only_the_mean_counts(f: Any, A: Any, dS_dA: Any) -> bool:
    """Moving slopes about within their maps changes nothing; and no cell is negative."""
    moved = np.roll(dS_dA, 1, axis=2)
    map, other = np.asarray(f(A, dS_dA)), np.asarray(f(A, moved))
    return bool(map.shape == A.shape[1:] and np.allclose(map, other) and (map >= 0).all())


GRAD_CAM = Function(
    solution=grad_cam,
    statement="Grad-CAM, (9) and (10): A holds K maps, dS_dA the slopes of the score, one per cell of each map.",
    clues=(
        "(9): one number per map, the mean of its slopes. (10): maps times those numbers, added up, then the ReLU.",
        "The ReLU comes last and once, on the finished sum. Before it, negative numbers may cancel positive ones.",
    ),
    hole="dS_dA.mean(axis=(1, 2))",
    wrong=(
        Wrong(
            "ReLU on the weights", "idea", lambda A, dS_dA: _weighed(_rectified(dS_dA.mean(axis=(1, 2))), A),
            "You rectified the weights of the maps. A map that speaks against must be allowed to cancel; the ReLU "
            "comes after the sum.",
        ),
        Wrong(
            "no ReLU", "idea", lambda A, dS_dA: _weighed(dS_dA.mean(axis=(1, 2)), A),
            "The ReLU of (10) is missing: your map still says what speaks against.",
        ),
        Wrong(
            "magnitudes of slopes", "idea", lambda A, dS_dA: _weighed(abs(dS_dA).mean(axis=(1, 2)), A),
            "You averaged the magnitudes of the slopes. (9) averages the slopes; they may cancel, and they do.",
        ),
        Wrong(
            "positive slopes only", "idea",
            lambda A, dS_dA: _rectified(_weighed(_rectified(dS_dA).mean(axis=(1, 2)), A)),
            "You averaged only the positive slopes. (9) averages all of them.",
        ),
        Wrong(
            "slopes not averaged", "idea", lambda A, dS_dA: _rectified((dS_dA * A).sum(axis=0)),
            "You multiplied cell by cell: activation times its own slope. (9) first makes one number of each map.",
        ),
        Wrong(
            "one mean for all maps", "idea", lambda A, dS_dA: _rectified(dS_dA.mean() * A.sum(axis=0)),
            "You made one number of all slopes. (9) gives every map its own: average within a map, not across maps.",
        ),
        Wrong(
            "magnitude for ReLU", "idea", lambda A, dS_dA: abs(_weighed(dS_dA.mean(axis=(1, 2)), A)),
            "You took magnitudes at the end. What speaks against the class would light up like what speaks for it.",
        ),
        Wrong(
            "scaled to 1", "bookkeeping", lambda A, dS_dA: _as_heat(_weighed(dS_dA.mean(axis=(1, 2)), A)),
            "You divided by the largest cell. That makes a heat map of it, for drawing; (10) does not scale.",
        ),
        Wrong(
            "sum for mean", "bookkeeping",
            lambda A, dS_dA: _rectified(_weighed(dS_dA.sum(axis=(1, 2)), A)),
            "You added the slopes of each map up. (9) divides by Z, the number of cells.",
        ),
        Wrong(
            "averaged over the maps", "convention",
            lambda A, dS_dA: _rectified(_weighed(dS_dA.mean(axis=(1, 2)), A)) / len(A),
            "You averaged over the maps, as the survey's text says. Its formula (10) adds them up, as everybody does.",
        ),
        Wrong(
            "maps averaged, too", "idea",
            lambda A, dS_dA: _rectified((dS_dA * A.mean(axis=(1, 2))[:, None, None]).sum(axis=0)),
            "You averaged the maps and kept the slopes apart. It is the other way round: the slopes are averaged.",
        ),
    ),
    cases=(
        (exact([[[1, 0], [1, 2]], [[0, 3], [1, 1]]]), exact([[[2, 0], [4, 2]], [[-1, -1], [-1, -1]]])),
        (
            exact([[[3, 0], [1, 0], [2, 2]], [[1, 1], [0, 4], [0, 1]]]),
            exact([[[1, -2], [0, 3], [1, 0]], [[-1, 0], [2, -3], [0.5, 0]]]),
        ),
        (
            exact([[[0, 1, 2], [0, 1, 3]], [[1, 0, 0], [2, 5, 0]], [[2, 2, 1], [0, 0, 1]]]),
            exact([[[1, 1, -1], [0, 2, 0]], [[-2, 1, 0], [-1, 0, 0]], [[0.5, 0, 1], [-3, 2, 1]]]),
        ),
    ),
    property=Property(
        "where within a map a slope stands does not matter, only the mean does; and no cell of the result is negative.",
        _only_the_mean_counts,
    ),
    oracle=Oracle("the engine's own Grad-CAM", _engine_grad_cam),
    draw=lambda rng: (abs(halves(rng, 3, 2, 4)), halves(rng, 3, 2, 4)),
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def blank() -> Any:
    A = np.array([[4.0, 0.0], [0.0, 1.0]])
    slopes = np.array([[1.0, -1.0], [-2.0, 0.0]])
    return A, slopes


def _blank_for_another_reason(answer: Any) -> Refusal | None:
    """One map and its slopes: S = sum of A times slopes above 0, alpha not 0, and nothing left after the ReLU."""
    if not isinstance(answer, tuple | list) or len(answer) != 2 or np.ndim(_plain(answer[0])) != 2:
        return Refusal("interface", "Expected two matrices of one shape: A, slopes.")
    shape = np.shape(answer[0])
    A, slopes = (answer_array(part, shape) for part in answer)
    if A is None or slopes is None or not A.size:
        return Refusal("interface", "Expected two matrices of one shape, of finite numbers: A, slopes.")
    if (A < 0).any():
        return Refusal("property", "Your map has negative numbers; it comes out of a ReLU.")
    if not slopes.any():
        return Refusal("trivial", "All your slopes are 0: then the score does not depend on the map at all.")
    if (A * slopes).sum() <= 0:
        return Refusal("property", f"Your score is {_said((A * slopes).sum())}; it has to be above 0.")
    if not slopes.sum():
        return Refusal("trivial", "Your slopes add up to 0, as in the example above. Find another reason to be blank.")
    map = grad_cam(A[None], slopes[None])
    if map.any():
        return Refusal("property", f"Your map is not blank: its largest cell is {_said(map.max())}.")
    return None


def _plain(part: Any) -> Any:
    try:
        return np.asarray(part, float)
    except (TypeError, ValueError):
        return None


def _said(v: Any) -> str:
    return f"{float(v):g}"


BLANK = Counterexample(
    solution=blank,
    statement="A, slopes: one map (no negative numbers) and the slope of the score at each of its cells, so that the "
    "score, the sum of A times slopes, is above 0, the slopes do not add up to 0, and Grad-CAM is blank.",
    clues=(
        "The score weighs every slope by its activation. (9) counts every slope alike, also where nothing is active.",
        "Let the one active cell have a positive slope, and the silent cells slopes that outvote it.",
    ),
    hole="[-2.0, 0.0]",
    judge=_blank_for_another_reason,
    accepted=(
        ([[4, 0], [0, 1]], [[1, -1], [-2, 0]]),
        (np.array([[2.0, 0.0, 0.0]]), np.array([[1.0, -1.0, -1.0]])),
    ),
    refused=(
        (([[3, 1], [3, 1]], [[1, -1], [1, -1]]), "trivial"),
        (([[3, 1], [3, 1]], [[0, 0], [0, 0]]), "trivial"),
        (([[3, 1]], [[1, -0.5]]), "property"),
        (([[3, 1]], [[-1, -1]]), "property"),
        (([[3, -1]], [[1, -2]]), "property"),
        (([[3, 1]], [[1], [-2]]), "interface"),
        (([3, 1], [1, -2]), "interface"),
        ((7, 8), "interface"),
    ),
)

# -- deeper ------------------------------------------------------------------------------------------------------------


def guided_grad_cam(guided: Any, coarse: Any) -> Any:
    return guided * coarse


def _mirrored(f: Any, guided: Any, coarse: Any) -> bool:
    """Signs of guided survive; twice the coarse map is twice the result; where Grad-CAM is 0, nothing is left."""
    found = np.asarray(f(guided, coarse))
    doubled, turned = np.asarray(f(guided, 2 * coarse)), np.asarray(f(-guided, coarse))
    return bool(np.allclose(doubled, 2 * found) and np.allclose(turned, -found) and not found[coarse == 0].any())


GUIDED_GRAD_CAM = Function(
    solution=guided_grad_cam,
    statement="Guided Grad-CAM: the raw result of guided backpropagation and the enlarged, unscaled Grad-CAM map, "
    "both per pixel.",
    clues=(
        "A pixel should count only if both say so: the fine map and the coarse one.",
        "The survey says: element-wise multiplication. Of the raw maps, before anything is scaled or rectified.",
    ),
    hole="guided * coarse",
    wrong=(
        Wrong(
            "added", "idea", lambda guided, coarse: guided + coarse,
            "You added them: then each can light a pixel alone. Multiplied, both have to agree.",
        ),
        Wrong(
            "product of heat maps", "idea", lambda guided, coarse: _as_heat(guided) * _as_heat(coarse),
            "You multiplied the finished heat maps, positive and scaled to 1. What is multiplied is the raw maps.",
        ),
        Wrong(
            "guided rectified first", "idea", lambda guided, coarse: _rectified(guided) * coarse,
            "You cut off guided's negative numbers first. They stop at ReLUs, not at the picture: the raw map has "
            "both signs.",
        ),
        Wrong(
            "minimum", "idea", lambda guided, coarse: np.minimum(guided, coarse),
            "You took the smaller of the two: these are numbers of different units, so neither is smaller.",
        ),
    ),
    cases=(
        (exact([[1, -2, 0.5], [3, 0, -1]]), exact([[2, 1, 0], [4, 0.5, 3]])),
        (exact([[-1, 4], [2, 0.5], [0, -3]]), exact([[0, 2], [1, 3], [5, 0.5]])),
    ),
    property=Property(
        "signs of the guided map survive, twice the coarse map gives twice the result, and where Grad-CAM is 0 nothing "
        "is left.", _mirrored,
    ),
    oracle=Oracle(
        "a diagonal matrix",
        lambda guided, coarse: (np.diag(np.ravel(coarse)) @ np.ravel(guided)).reshape(np.shape(guided)),
    ),
    draw=lambda rng: (halves(rng, 2, 4), abs(halves(rng, 2, 4))),
)  # fmt: skip

# -- questions ---------------------------------------------------------------------------------------------------------

BLANK_MAP = Question(
    id="blank_map",
    kind="predict",
    ask="One map A = {{blank.a}}, the slopes of S over it {{blank.slopes}}; S = {{blank.score}}. Grad-CAM averages the "
    "slopes, multiplies A by that, cuts off what is negative. The result is blank. Why?",
    options={
        "A": "a bug: a positive score needs positive evidence somewhere",
        "B": "slopes of both signs averaged to 0",
        "C": "the ReLU cut off negative numbers",
    },
    answer="B",
    because="The mean slope is {{blank.alpha}}, so the map is 0 before any ReLU. Cell by cell the evidence is there.",
    wrong=(
        ("A", "The evidence is there, cell by cell. But (9) has made one number of all slopes before it looks."),
        ("C", "There was nothing left to cut off: 0 times the map is 0."),
    ),
    look="Blank",
    later=True,
)

EARLIER_LAYER = Question(
    id="earlier_layer",
    kind="predict",
    ask="Grad-CAM can be asked at any layer. Earlier layers have finer maps. Do these lie on the shape better?",
    options={"A": "better: finer is more precise", "B": "about as well", "C": "worse"},
    answer="C",
    because="Below, one mean slope for a whole map says little: slopes cancel, and what is left is often elsewhere.",
    wrong=(
        ("A", "Finer, yes. But fine and in the wrong place is not precise."),
        ("B", "Look at the AUC of the four layers, over a hundred pictures."),
    ),
    look="Which layer?",
    later=True,
)

PRODUCT = Question(
    id="product",
    kind="predict",
    ask="Guided backpropagation hardly changes when you ask for another class. Guided Grad-CAM is guided times "
    "Grad-CAM. Ask it for the runner-up instead. Its map ...",
    options={
        "A": "hardly changes: the fine detail is guided's",
        "B": "changes, because Grad-CAM's does",
        "C": "becomes blank",
    },
    answer="B",
    because="Where the coarse map goes dark the product does, too. The detail inside is guided's, and knows no class.",
    wrong=(
        ("A", "The detail is guided's, and yet the coarse map decides which detail is lit."),
        ("C", "The runner-up has evidence as well; where it has some, guided shows through."),
    ),
    look="Fine times coarse",
    later=True,
)

DOWN_THE_LAYERS = Question(
    id="down_the_layers",
    kind="observe",
    ask="For the class cross, go from the last layer down to the first. What happens?",
    options={
        "A": "the same map, only finer",
        "B": "finer maps, lying better on the shape",
        "C": "finer maps, lying worse on the shape, and less of the slopes survives being averaged",
    },
    answer="C",
    because="At the last layer all slopes of a map are equal, so the mean loses nothing. Below they cancel.",
    wrong=(
        ("A", "Compare where the bright cells are: on the cross above, along the stripes at the bottom."),
        ("B", "The AUC in the line below the figure falls from layer to layer."),
    ),
)

POCKET_CAM = Question(
    id="pocket_cam",
    kind="predict",
    ask="The pocket CNN again, class B, which reads map 2 with weight 1 and map 1 with weight 0. Its CAM, as a matrix?",
    answer=value("pocketcam.cam_b"),
    because="0 times map 1 plus 1 times map 2 is map 2 itself: {{pocketcam.cam_b}}.",
    wrong=(
        (value("pocketcam.cam_a"), "That is class A's."),
        (value("pocketcam.cam_b") / 4, "Divided by Z you have Grad-CAM's numbers. CAM itself does not divide."),
        (value("pocketcam.maps")[0], "That is map 1, which class B does not read."),
    ),
    look="From maps to a score, and back",
)

WHAT_IT_SHOWS = Question(
    id="what_it_shows",
    kind="claim",
    ask="A Grad-CAM map for cross is bright on the cross and black on the stripes. What may you say?",
    options={
        "A": "The stripes do not matter for the score of cross",
        "B": "At these maps, the cells on the cross speak for cross; what speaks against it is not shown",
        "C": "Take the stripes away, and the score stays as it is",
        "D": "The network knows what a cross is",
    },
    answer="B",
    because="(10) ends with a ReLU. Black may be nothing, or all that spoke against.",
    wrong=(
        ("A", "Black is 0 or less. The stripes of the misread picture spoke against cross, and were black for it."),
        ("C", "They took the lead away from cross; flattened, they gave it back."),
        ("D", "It says where, not what."),
    ),
)

EXERCISES = (
    BLANK_MAP, EARLIER_LAYER, PRODUCT, CAM, GRAD_CAM, BLANK, DOWN_THE_LAYERS, POCKET_CAM, WHAT_IT_SHOWS,
    GUIDED_GRAD_CAM,
)  # fmt: skip
