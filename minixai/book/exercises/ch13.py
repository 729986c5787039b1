"""Chapter 13: FEM by hand, in the plane and through time; maps on which rare is not rare."""

from fractions import Fraction
from typing import Any

import numpy as np

from minixai.api import explain
from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import answer_array
from minixai.network import Network
from minixai.ops import Flatten, GlobalAvgPool, Linear, ReLU, exact

CHAPTER = "13_fem"
PLANE, CLIP = (1, 2), (1, 2, 3)  # the axes of one map: of pictures, of clips

# -- E1 ----------------------------------------------------------------------------------------------------------------


def fem(A: Any, K: Any) -> Any:
    mu = A.mean(axis=(1, 2), keepdims=True)
    # squares instead of a root, so that fractions stay fractions
    squared_spread = ((A - mu) ** 2).mean(axis=(1, 2), keepdims=True)
    B = (A >= mu) & ((A - mu) ** 2 >= K**2 * squared_spread)
    return (mu * B).sum(axis=0)


def _mean(A: Any, axes: Any = PLANE) -> Any:
    return A.mean(axis=axes, keepdims=True)


def _rare(A: Any, K: Any, strict: bool = False, axes: Any = PLANE, less: int = 0) -> Any:
    """B, Eq. (26), by squares, so that fractions stay fractions; ``less``: divide by so many fewer than there are."""
    off = A - _mean(A, axes)
    count = A.size // _mean(A, axes).size
    bound = K * K * (off * off).sum(axis=axes, keepdims=True) / (count - less)
    return (off > 0) & (off * off > bound) if strict else (off >= 0) & (off * off >= bound)


def _variance_for_spread(A: Any, K: Any) -> Any:
    mu = _mean(A)
    return (mu * (mu + K * _mean((A - mu) ** 2) <= A)).sum(axis=0)


def _both_sides(A: Any, K: Any) -> Any:
    mu = _mean(A)
    return (mu * ((A - mu) ** 2 >= K * K * _mean((A - mu) ** 2))).sum(axis=0)


def _over_its_largest(R: Any) -> Any:
    top = R.max()
    return R / top if top > 0 else R


def _engine(A: Any, K: Any) -> Any:
    return explain(_last_layers(A), A, "fem", target=0, layer="relu1", K=K).relevance


def _last_layers(A: Any) -> Network:
    """A network whose feature layer holds what it is given, if nothing is negative."""
    layers = [ReLU(), GlobalAvgPool(), Flatten(), Linear(np.ones((1, len(A))))]
    return Network.sequential(layers, input_shape=A.shape)


def _one_by_one(f: Any, A: Any, K: Any) -> bool:
    alone = sum(np.asarray(f(A[k : k + 1], K)) for k in range(len(A)))
    return bool(np.allclose(f(A, K), alone) and np.allclose(f(2 * A, K), 2 * np.asarray(f(A, K))))


def _maps(rng: np.random.Generator, *shape: int) -> Any:
    """Numbers as a ReLU leaves them: many zeros, some of the same few others. A power of 2 of them, so that floats
    compute the means and spreads exactly, and equality is equality."""
    return exact(rng.choice([0, 0, 0, 1, 2, 3, 5, 8], shape)) / 2


def _and_a_flat_one(A: Any) -> Any:
    """Those maps, and one more that is the same everywhere: there equality decides, whatever K is."""
    return np.concatenate([A, 0 * A[:1] + 3])


FEM = Function(
    solution=fem,
    statement="FEM of the maps A (k, H, W): a place K spreads or more above a map's mean gets that mean.",
    clues=(
        "A.mean(axis=(1, 2), keepdims=True) is the mean of each map, A.std(...) with the same axes its spread.",
        "B is True where A >= mean + K * spread. Multiply it by the means, and add the maps up: axis=0.",
    ),
    hole="mu * B",
    wrong=(
        Wrong(
            "more than, not at least", "idea", lambda A, K: (_mean(A) * _rare(A, K, strict=True)).sum(axis=0),
            "You asked for more than mean + K spreads. (26) says at least: a flat map counts, too.",
        ),
        Wrong(
            "spread of a sample", "convention", lambda A, K: (_mean(A) * _rare(A, K, less=1)).sum(axis=0),
            "You divided by one number fewer, as for a sample (ddof=1). Here the map is all there is: ddof=0.",
        ),
        Wrong(
            "variance for spread", "idea", _variance_for_spread,
            "You added K variances to the mean. The spread is the square root of the variance.",
        ),
        Wrong(
            "rarely low counts, too", "idea", _both_sides,
            "You marked what is far from the mean on either side. Strong means above it.",
        ),
        Wrong(
            "weighed by what is marked", "idea", lambda A, K: (_mean(1 * _rare(A, K)) * _rare(A, K)).sum(axis=0),
            "You weighed each map by how much of it is marked. Its weight is the mean of the map itself.",
        ),
        Wrong(
            "weights left out", "idea", lambda A, K: (1 * _rare(A, K)).sum(axis=0),
            "You counted the maps that mark a place. Each of them should bring its mean.",
        ),
        Wrong(
            "activations kept", "idea", lambda A, K: (A * _rare(A, K)).sum(axis=0),
            "You kept the numbers of the maps where they are marked. A marked place gets the map's mean.",
        ),
        Wrong(
            "one threshold for all", "idea",
            lambda A, K: (_mean(A) * _rare(A, K, axes=(0, 1, 2))).sum(axis=0),
            "You took one mean and one spread over all maps. Each map has its own, so that quiet maps have a say.",
        ),
        Wrong(
            "K times the mean", "idea", lambda A, K: (_mean(A) * (A >= K * _mean(A))).sum(axis=0),
            "Your threshold is K times the mean. It should be the mean plus K spreads: how far up is far depends on "
            "how far the numbers of this map usually lie from their mean.",
        ),
        Wrong(
            "averaged over the maps", "bookkeeping", lambda A, K: (_mean(A) * _rare(A, K)).mean(axis=0),
            "You averaged over the maps in the end. By (26) they are added: .sum(axis=0).",
        ),
        Wrong(
            "not added up", "bookkeeping", lambda A, K: _mean(A) * _rare(A, K),
            "You returned one answer per map. In the end the maps are added: .sum(axis=0).",
        ),
        Wrong(
            "K ignored", "bookkeeping", lambda A, K: (_mean(A) * _rare(A, 1 + 0 * K)).sum(axis=0),
            "You always take one spread. How many are wanted is the argument K.",
        ),
        Wrong(
            "divided by its largest", "convention", lambda A, K: _over_its_largest(fem(A, K)),
            "You divided by the largest number. The survey does that for the drawing; here the sum itself is asked.",
        ),
    ),
    cases=(
        (exact([[[1, 1], [1, 1]], [[0, 0], [0, 4]], [[0, 0], [4, 4]]]), Fraction(1)),
        (exact([[[4, 0], [2, 6]], [[0, 2], [2, 0]]]), Fraction(1)),
        (
            exact([[[0, 1, 0, 3], [0.5, 0, 5, 1]], [[2, 0, 0, 2], [2, 2, 0, 0]], [[0, 3, 1, 2], [1, 2, 1, 2]]]),
            Fraction(1, 2),
        ),
        (exact([[[0, 0], [0, 8], [0, 1], [0, 0]], [[0, 4], [0, 0], [4, 0], [0, 0]]]), Fraction(2)),
    ),
    property=Property(
        "each map is judged by itself: FEM of all is the sum over FEM of each; maps twice as high give twice as much.",
        _one_by_one,
    ),
    oracle=Oracle("the engine's FEM", _engine),
    draw=lambda rng: (_and_a_flat_one(_maps(rng, 2, 2, 4)), Fraction(int(rng.integers(1, 4)), 2)),
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def fem3d(A: Any) -> Any:
    mu = A.mean(axis=(1, 2, 3), keepdims=True)
    # squares instead of a root, so that fractions stay fractions
    squared_spread = ((A - mu) ** 2).mean(axis=(1, 2, 3), keepdims=True)
    B = (A >= mu) & ((A - mu) ** 2 >= squared_spread)
    return (mu * B).sum(axis=0)


def _by_frame(A: Any) -> Any:
    """Each frame judged by itself, weighed by the clip's mean."""
    return (_mean(A, CLIP) * _rare(A, 1, axes=(2, 3))).sum(axis=0)


def _squeezed(A: Any, frames: Any) -> Any:
    """FEM of one frame made of all, the same for every frame."""
    return np.stack([fem(frames, 1)] * A.shape[1])


def _engine3d(A: Any) -> Any:
    return explain(_last_layers(A), A, "fem", target=0, layer="relu1").relevance


def _any_order(f: Any, A: Any) -> bool:
    again = np.asarray(f(A[:, ::-1]))
    doubled = np.asarray(f(np.concatenate([A, A], axis=1)))
    once = np.asarray(f(A))
    played_backwards = np.allclose(again, once[::-1])
    return bool(played_backwards and np.allclose(doubled, np.concatenate([once, once])) and _not_by_frame(f))


def _not_by_frame(f: Any) -> bool:
    """A quiet frame beside a loud one gets nothing."""
    quiet, loud = np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 2))
    quiet[..., 1, 1], loud[..., 1, 1] = 2, 6
    found = np.asarray(f(np.concatenate([quiet, loud], axis=1)))
    return bool(found[0].max() == 0 and found[1, 1, 1] == 1)


FEM3D = Function(
    solution=fem3d,
    statement="FEM of the maps A (k, D, H, W) of a clip, with K = 1: mean and spread are those of the whole clip.",
    clues=(
        "One map of a clip is a block of D x H x W numbers. What changes if a map has three axes?",
        "Only the axes of mean and spread: axis=(1, 2, 3). The answer has a number for every place in every frame.",
    ),
    hole="mu * B",
    wrong=(
        Wrong(
            "judged frame by frame", "idea", _by_frame,
            "You gave each frame a threshold of its own. Then something is rare in every frame, whatever happens.",
        ),
        Wrong(
            "every frame alone", "idea", lambda A: np.stack([fem(A[:, d], 1) for d in range(A.shape[1])]),
            "You explained every frame for itself, weights and all. A clip is one block: one mean, one spread per map.",
        ),
        Wrong(
            "frames averaged first", "idea", lambda A: _squeezed(A, A.mean(axis=1)),
            "You averaged over time first. Then all frames get one answer, and *when* is gone.",
        ),
        Wrong(
            "largest over time first", "idea", lambda A: _squeezed(A, A.max(axis=1)),
            "You took the largest over time first. Then all frames get one answer, and *when* is gone.",
        ),
        Wrong(
            "added up over time", "bookkeeping", lambda A: fem3d(A).sum(axis=0),
            "You added the frames up at the end. The answer has one map per frame.",
        ),
        Wrong(
            "one threshold for all", "idea", lambda A: (_mean(A, CLIP) * _rare(A, 1, axes=(0, 1, 2, 3))).sum(axis=0),
            "You took one mean and one spread over all maps. Each map has its own.",
        ),
    ),
    cases=(
        (exact([[[[0, 0], [0, 2]], [[0, 0], [0, 6]]]]),),
        (exact([[[[0, 1], [1, 2]], [[3, 0], [0, 9]]], [[[0, 0], [2, 2]], [[1, 0], [0, 1]]]]),),
        (
            exact(
                [
                    [[[0, 1, 0, 3], [0.5, 0, 5, 1]], [[0, 0, 1, 0], [0, 1, 2, 0]]],
                    [[[2, 0, 0, 2], [2, 4, 0, 0]], [[0, 0, 0, 1], [0, 3, 0, 0]]],
                    [[[0, 0, 0, 0], [0, 0, 1, 0]], [[0, 0, 0, 0], [1, 0, 0, 0]]],
                ]
            ),
        ),
    ),
    property=Property(
        "a quiet frame beside a loud one gets nothing, and a clip played backwards is explained backwards.", _any_order
    ),
    oracle=Oracle("the engine's FEM", _engine3d),
    draw=lambda rng: (_maps(rng, 2, 4, 2, 4),),
)  # fmt: skip

# -- E3 ----------------------------------------------------------------------------------------------------------------


def not_so_rare() -> Any:
    half = np.array([[0.0, 0.0], [4.0, 4.0]])
    nobody = np.array([[0.0, 0.0], [0.0, 4.0]])
    return half, nobody


def _judged(answer: Any) -> Refusal | None:
    """A map of which half is rare at K = 1, and one of which nothing is at K = 2; neither of them flat."""
    maps: list[Any] = [_map_of(m) for m in answer] if isinstance(answer, tuple) and len(answer) == 2 else [None]
    if any(m is None for m in maps):
        return Refusal("interface", "Expected two maps, half and nobody: matrices of finite numbers, none negative.")
    half, nobody = maps
    for name, m in (("first", half), ("second", nobody)):
        if (m == m.flat[0]).all():
            return Refusal("trivial", f"Your {name} map is flat: it has no spread, and all of it counts. Too easy.")
    many, few = (int(_rare(m[None], K).sum()) for m, K in ((half, 1), (nobody, 2)))
    if 2 * many < half.size:
        return Refusal("property", f"In your first map {many} of {half.size} are rare at K = 1: less than half.")
    if few:
        return Refusal("property", f"In your second map {few} of {nobody.size} are rare at K = 2; expected none.")
    return None


def _map_of(answer: Any) -> Any:
    shape = np.shape(answer) if isinstance(answer, np.ndarray | list | tuple) else ()
    m = answer_array(answer, shape) if len(shape) == 2 and min(shape) > 0 else None
    return None if m is None or (m < 0).any() else m


NOT_SO_RARE = Counterexample(
    solution=not_so_rare,
    statement="half, nobody: a map of which at least half is rare at K = 1, and one of which nothing is at K = 2.",
    clues=(
        "Two different numbers are enough. How far is the upper half above the mean, and how large is the spread?",
        "The second: one of n numbers is at most the root of n - 1 spreads above the mean. When is that below 2?",
    ),
    hole="[0.0, 0.0], [0.0, 4.0]",
    judge=_judged,
    accepted=(
        ([[0, 0], [4, 4]], [[0, 0], [0, 4]]),
        ([[0, 0, 0, 3, 3, 3]], [[1, 2], [3, 4]]),
        ([[0, 2]], [[0, 0, 0, 0, 1, 1, 1, 1]]),
    ),
    refused=(
        (([[3, 3], [3, 3]], [[0, 0], [0, 4]]), "trivial"),
        (([[0, 0], [4, 4]], [[1, 1], [1, 1]]), "trivial"),
        (([[0, 0], [0, 4]], [[0, 0], [0, 4]]), "property"),
        (([[0, 0], [4, 4]], [[0, 0, 0, 0, 0, 9]]), "property"),
        (([[0, 0], [-4, 4]], [[0, 0], [0, 4]]), "interface"),
        (([0, 4], [[0, 0], [0, 4]]), "interface"),
        (([[0, 0], [4, 4]], "nobody"), "interface"),
        ([[0, 0], [4, 4]], "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

WHAT_CHANGES = Question(
    id="what_changes",
    kind="predict",
    ask="Which of these changes FEM's map of a picture?",
    options={
        "A": "asking about another class",
        "B": "doubling all weights of the last layers, behind the maps",
        "C": "shuffling all weights of the last layers, behind the maps",
        "D": "none of these",
    },
    answer="D",
    because="FEM reads the maps and stops there. What the network makes of them, and for which class, it never asks.",
    wrong=(
        ("A", "Look for the class in (26). It is not there."),
        ("B", "The last layers read the maps after FEM has; nothing that they do changes the maps."),
        ("C", "Then the network says nonsense. But the maps are what they were, and FEM reads only those."),
    ),
    look="Whose question was it",
    later=True,
)

AT_MOST = Question(
    id="at_most",
    kind="predict",
    ask="How many of a map's numbers can lie at least one spread above their mean, if the map is not flat?",
    options={"A": "at most a sixth", "B": "at most a third", "C": "at most half", "D": "nearly all"},
    answer="C",
    because="Half zeros, half ones: the mean is 1/2, the spread is 1/2, and all the ones are exactly one spread above.",
    wrong=(
        ("A", "That is about what a bell curve has. A map need not look like one."),
        ("B", "Try a map of zeros and fours, as many of each."),
        (
            "D",
            "If nearly all were so high, the mean would be there, too, and nobody a spread above it.",
        ),
    ),
    look="How rare is rare",
    later=True,
)

ONE_OR_TWO = Question(
    id="one_or_two",
    kind="predict",
    ask="K = 1 or K = 2? In how many of 100 pictures does the map of K = 2 lie better on the shape (by AUC)?",
    options={"A": "about 10", "B": "about 50", "C": "about 90"},
    answer="B",
    because="It is a coin's toss: most of what is marked at K = 1 is marked at K = 2, too, and in the same places.",
    wrong=(
        ("A", "It marks less, but what it drops lies beside the shape about as often as on it."),
        ("C", "It marks less, but what it drops lies on the shape about as often as beside it."),
    ),
    look="How rare is rare",
    later=True,
)

TWO_CONTROLS = Question(
    id="two_controls",
    kind="observe",
    ask="Two controls, K and the class. What did they do?",
    options={
        "A": "both change the map",
        "B": "K changes the map, the class does not",
        "C": "the class changes the map, K does not",
    },
    answer="B",
    because="K is in (26), the class is not. The menu is there only to show that it has no use.",
    wrong=(
        ("A", "Change the class alone, and watch the map, not the words below it."),
        ("C", "Go from K = 0 to K = 4 with the class left alone, and watch the pale places."),
    ),
)

SAME_FOR_BOTH = Question(
    id="same_for_both",
    kind="claim",
    ask="FEM's map lies neatly on the star, and the network says star. Which sentence does that support?",
    options={
        "A": "The network says star because of what it saw there",
        "B": "In its last maps the network is busiest there",
        "C": "It would not have said star without that place",
        "D": "The other classes have their evidence elsewhere",
    },
    answer="B",
    because="FEM shows what the last maps hold. Whether the answer hangs on it, only an intervention can tell.",
    wrong=(
        ("A", "The map would be the same if the network had said arrow, or nonsense."),
        ("C", "That is a question for an intervention: cover the place, and ask again."),
        ("D", "The map of every other class is this very one."),
    ),
)

EXERCISES = (
    WHAT_CHANGES, AT_MOST, ONE_OR_TWO, FEM, TWO_CONTROLS, NOT_SO_RARE, FEM3D, SAME_FOR_BOTH,
)  # fmt: skip
