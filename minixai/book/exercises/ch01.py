"""Chapter 01: what moves a network, what a map shows of it, and a picture that gives it away."""

from functools import cache
from typing import Any

import numpy as np

from minixai.book.exercise import Counterexample, Function, Oracle, Property, Question, Refusal, Wrong
from minixai.book.exercises.draws import halves
from minixai.network import Network
from minixai.ops import Array, Linear, exact
from minixai.zoo import load
from minixai.zoo.animals import ANIMALS, husky_scene

CHAPTER = "01_why_explain"
SEED = 9  # of the drawings that the reader chooses from
CLEARLY = 5  # score by which an answer must be wrong

# -- E1 ----------------------------------------------------------------------------------------------------------------


def cue_effect(T: Any) -> Any:
    background = (T[:, 0] - T[:, -1]).mean()
    animal = (T[0] - T[1]).mean()
    return np.array([background, animal])


def _least_squares(T: Any) -> Any:
    """Score = base + what the animal adds + what the ground adds, fitted to all the scores at once."""
    rows, columns = np.indices(T.shape)
    grounds = [columns.ravel() == k for k in range(T.shape[1] - 1)]
    A = np.stack([np.ones(T.size), rows.ravel() == 0, *grounds], axis=1).astype(float)
    fitted = np.linalg.lstsq(A, np.asarray(T, float).ravel(), rcond=None)[0]
    return fitted[[2, 1]]


def _is_a_difference(f: Any, T: Any) -> bool:
    turned = f(T[::-1])
    return bool(np.allclose(f(T + 7), f(T)) and np.allclose(turned, np.multiply(f(T), [1, -1])))


CUE_EFFECT = Function(
    solution=cue_effect,
    statement="How far the ground moves the score, and how far the animal does, each averaged over the other.",
    clues=(
        "Two questions. From snow to grass, how far does each row fall? From wolf to husky, how far does each column?",
        "T[:, 0] is the column of full snow and T[:, -1] the column of grass; T[0] is the wolf's row, T[1] the "
        "husky's. Take differences first, then .mean().",
    ),
    hole="T[:, 0] - T[:, -1]",
    wrong=(
        Wrong(
            "compared the corners", "idea", lambda T: np.array([T[0, 0] - T[1, -1]] * 2),
            "You compared a wolf on snow with a husky on grass: both things changed at once, so you cannot say which "
            "of them did it. That is the mistake of the network itself.",
        ),
        Wrong(
            "one animal, one ground", "idea", lambda T: np.array([T[0, 0] - T[0, -1], T[0, 0] - T[1, 0]]),
            "You looked at the wolf's row and at the snow's column alone. What the ground does to the husky counts, "
            "too, and what the animal does on grass.",
        ),
        Wrong(
            "second column for the last", "bookkeeping",
            lambda T: np.array([(T[:, 0] - T[:, 1]).mean(), (T[0] - T[1]).mean()]),
            "You subtracted the second column. With more than two, that ground is still half white; grass is the last, "
            "T[:, -1].",
        ),
        Wrong(
            "rows and columns exchanged", "bookkeeping", lambda T: cue_effect(T)[::-1],
            "The two numbers are right and stand in the wrong order: the ground first, then the animal.",
        ),
        Wrong(
            "added up instead of averaged", "bookkeeping",
            lambda T: np.array([(T[:, 0] - T[:, -1]).sum(), (T[0] - T[1]).sum()]),
            "You added the differences up. With more columns your numbers would grow, though nothing was learnt.",
        ),
        Wrong(
            "levels instead of differences", "idea", lambda T: np.array([T[:, 0].mean(), T[0].mean()]),
            "These are mean scores, on snow and for wolves. An effect is what changes: subtract the other ground, the "
            "other animal.",
        ),
        Wrong(
            "sign turned round", "bookkeeping", lambda T: -cue_effect(T),
            "You went from grass to snow backwards: what raises the score of the wolf should come out positive.",
        ),
        Wrong(
            "magnitudes averaged", "idea",
            lambda T: np.array([abs(T[:, 0] - T[:, -1]).mean(), abs(T[0] - T[1]).mean()]),
            "You took magnitudes before the mean. An effect that goes up for one animal and down for the other would "
            "look as large as one that always goes up.",
        ),
    ),
    cases=(
        (exact([[5, 1], [2, 0]]),),
        (exact([[2, -1], [1, -2]]),),
        (exact([[3, 1, -2], [1, 2.5, 0]]),),
        (exact([[-1, 0.5, 2, 4], [3, 1, -2, 0.5]]),),
    ),
    property=Property(
        "a number added to every score changes nothing; exchanging the rows turns the animal's effect round and leaves "
        "the ground's.",
        _is_a_difference,
    ),
    oracle=Oracle("a fit by least squares", _least_squares),
    draw=lambda rng: (halves(rng, 2, int(rng.integers(2, 5))),),
)  # fmt: skip

# -- E2 ----------------------------------------------------------------------------------------------------------------


def background_share(R: Any, object_mask: Any) -> Any:
    off = abs(R) * (1 - object_mask)
    return off.sum() / abs(R).sum()


def _share(part: Any, rest: Any) -> Any:
    return part / (part + rest)


def _signs_kept(R: Any, object_mask: Any) -> Any:
    return (R * (1 - object_mask)).sum() / _not_zero(R.sum())


def _not_zero(total: Any) -> Any:
    return total if total else total + 1  # a sum that cancels: whoever divides by it gets something else anyway


def _weighed_by_the_engine(R: Any, object_mask: Any) -> Any:
    """One minus the share of the object: a linear layer with the magnitudes as weights, shown mask and whole."""
    layer = Linear(abs(np.asarray(R, float)).reshape(1, -1))
    inside, whole = layer.forward(np.stack([np.ravel(object_mask), np.ones(np.size(R))]))[:, 0]
    return 1 - inside / whole


def _shares_add_up(f: Any, R: Any, object_mask: Any) -> bool:
    whole = f(R, object_mask) + f(R, 1 - object_mask)
    return bool(np.isclose(whole, 1) and np.isclose(f(-2 * R, object_mask), f(R, object_mask)))


BACKGROUND_SHARE = Function(
    solution=background_share,
    statement="The share of a map's relevance, of either sign, that lies off the object.",
    clues=(
        "What speaks against the class is relevance, too. So how much does each pixel hold, whatever its sign?",
        "1 - object_mask is 1 off the object. Add up the magnitudes there, and divide by the sum of all of them.",
    ),
    hole="(1 - object_mask)",
    wrong=(
        Wrong(
            "signs cancel", "idea", _signs_kept,
            "You added up signed numbers, so that red and blue cancelled. A background with much of both would count "
            "as empty.",
        ),
        Wrong(
            "share on the object", "bookkeeping", lambda R, object_mask: 1 - background_share(R, object_mask),
            "That is the share on the object; asked is what lies beside it.",
        ),
        Wrong(
            "pixels counted", "idea", lambda R, object_mask: (1 - object_mask).sum() / (0 * object_mask + 1).sum(),
            "You counted pixels: that is how large the background is, and it is the same for every map.",
        ),
        Wrong(
            "averages compared", "idea",
            lambda R, object_mask: _share(
                (abs(R) * (1 - object_mask)).sum() / (1 - object_mask).sum(),
                (abs(R) * object_mask).sum() / object_mask.sum(),
            ),
            "You compared the mean per pixel. A large background with a little everywhere then looks like nothing, "
            "though together it may hold the most.",
        ),
        Wrong(
            "what speaks for it only", "idea",
            lambda R, object_mask: (np.where(R > 0, R, 0) * (1 - object_mask)).sum() / np.where(R > 0, R, 0).sum(),
            "You dropped the negative numbers. What speaks against the class is part of the explanation, too.",
        ),
        Wrong(
            "divided by the object", "bookkeeping",
            lambda R, object_mask: (abs(R) * (1 - object_mask)).sum() / (abs(R) * object_mask).sum(),
            "You divided by what lies on the object: a ratio, which can exceed 1, and not a share of the whole.",
        ),
    ),
    cases=(
        (exact([[3, -1], [0, 2]]), exact([[0, 0], [0, 1]])),
        (exact([[1, -2, 0.5], [4, 1.5, -1]]), exact([[1, 0, 0], [0, 1, 0]])),
        (exact([[-2, 0.5, 1], [3, 0, -1]]), exact([[0, 1, 1], [0, 0, 0]])),
    ),
    property=Property(
        "the shares off and on the object add up to 1, and the map times -2 has the same share.", _shares_add_up
    ),
    oracle=Oracle("a layer of the engine with the magnitudes as its weights", _weighed_by_the_engine),
    draw=lambda rng: (halves(rng, 3, 4, without_zero=True), _some_of_it(rng, 3, 4)),
)  # fmt: skip


def _some_of_it(rng: np.random.Generator, *shape: int) -> Array:
    """A mask that is neither empty nor full."""
    mask = rng.permutation(np.arange(int(np.prod(shape))) < rng.integers(2, 6))
    return exact(mask.reshape(shape).astype(int))


# -- E3 ----------------------------------------------------------------------------------------------------------------


def fooled() -> Any:
    return "husky", 1.0, 0


@cache
def _network(name: str) -> Network:
    return load(name)


def margin(name: str, animal: str, snow: float, number: int) -> float:
    """By how much the network prefers the right animal in that drawing; below 0 it is wrong."""
    network = _network(name)
    scores = network(network.preprocess(husky_scene(SEED, animal, snow, number).picture))
    right = ANIMALS.index(animal)
    return float(scores[right] - scores[1 - right])


def _gives_it_away(answer: Any) -> Refusal | None:
    """(animal, snow, number): `husky` clearly wrong, `husky-balanced` right."""
    drawing = _drawing(answer)
    if drawing is None:
        return Refusal(
            "interface",
            'Expected three things: "husky" or "wolf", the amount of snow from 0 to 1, the number of a drawing '
            '(0, 1, 2 ...), for example ("wolf", 0.5, 3).',
        )
    cheat, honest = (margin(name, *drawing) for name in ("husky", "husky-balanced"))
    animal = drawing[0]
    if cheat >= 0:
        return Refusal("property", f"husky says {animal}, and it is right (by {cheat:.1f}). Change the ground.")
    if cheat > -CLEARLY:
        return Refusal(
            "trivial",
            f"husky is wrong by {-cheat:.1f} only; that could be a slip. Find one where it is wrong by {CLEARLY}.",
        )
    if honest <= 0:
        return Refusal(
            "property",
            f"husky is wrong by {-cheat:.1f}, but so is husky-balanced, by {-honest:.1f}. Perhaps this animal is hard "
            "to tell; try another number.",
        )
    return None


def _drawing(answer: Any) -> tuple[str, float, int] | None:
    """The answer as animal, snow and number; None if it is something else."""
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        return None
    animal, snow, number = answer
    if not isinstance(animal, str) or animal not in ANIMALS:
        return None
    whole = isinstance(number, int | np.integer) and not isinstance(number, bool) and 0 <= number < 1000
    real = isinstance(snow, int | float | np.number) and not isinstance(snow, bool)
    return (animal, float(snow), int(number)) if whole and real and 0 <= snow <= 1 else None


FOOLED = Counterexample(
    solution=fooled,
    statement="(animal, snow, number): a drawing that husky gets clearly wrong and husky-balanced gets right.",
    clues=(
        "What does husky say to any animal on snow? And on grass?",
        "Give one animal the other one's ground, and go all the way: snow 0 or 1. Then try a few numbers.",
    ),
    hole='"husky", 1.0',
    judge=_gives_it_away,
    accepted=(("husky", 1.0, 0), ["wolf", 0, 1]),
    refused=(
        (("wolf", 1.0, 0), "property"),
        (("husky", 0.7, 0), "trivial"),
        (("husky", 1.0), "interface"),
        (("fox", 1.0, 0), "interface"),
        (("husky", 1.5, 0), "interface"),
        (("husky", float("nan"), 0), "interface"),
        (("husky", 1.0, 0.5), "interface"),
        ("a husky on snow", "interface"),
    ),
)

# -- questions ---------------------------------------------------------------------------------------------------------

ONE_EXPERIMENT = Question(
    id="one_experiment",
    kind="predict",
    ask="The detector is right 90 times in 100. Before the rangers rely on it, you may run one experiment:",
    options={
        "A": "test it on 1,000 more pictures from the same traps",
        "B": "look at heat maps of some pictures that it gets right",
        "C": "show it wolves on grass and huskies on snow",
        "D": "train it again from another start and see whether it gets 90 again",
    },
    answer="C",
    because="Only there does a network that knows animals answer otherwise than one that knows snow.",
    wrong=(
        ("A", "More of the same pictures give the same 90: there, snow and wolf go together."),
        ("B", "Maps may raise a suspicion. You have seen how often they raise none, with this very network."),
        ("D", "The next one would learn the same cue from the same pictures."),
    ),
    look="A table of four scores",
    later=True,
)

SWAPPED = Question(
    id="swapped",
    kind="predict",
    ask="Nine of ten wolves stand on snow, and one of ten huskies. A detector that says wolf wherever there is snow is "
    "right {{snow.learnt}} of the time. Give every animal the other ground. How often is it right now?",
    options={"A": "9/10", "B": "1/2", "C": "1/10", "D": "never"},
    answer="C",
    because="Every right answer becomes wrong, and every wrong one right: {{snow.swapped}}.",
    wrong=(
        ("A", "It never looked at the animal, so the answers go with the ground, and the ground has changed."),
        ("B", "That is what happens if each animal stands on either ground equally often."),
        ("D", "Think of the few that stood on the other ground before: now they stand on the usual one."),
    ),
    look="A table of four scores",
)

LIME_POINTS = Question(
    id="lime_points",
    kind="predict",
    ask="A network has learnt nothing but snow. A method called LIME hides pieces of a picture and sees how the answer "
    "falls. For a wolf on snow, pick a pixel of snow and one of the wolf, blindly. Which of them has the larger "
    "number in LIME's map, and how often?",
    options={
        "A": "nearly always the snow",
        "B": "mostly the snow",
        "C": "neither; if anything, the wolf",
        "D": "nearly always the wolf",
    },
    answer="C",
    because="On 100 pictures the snow won 45 times in 100, give or take 3.",
    wrong=(
        ("A", "So one would hope, and so the story is told. This network's snow is everywhere: hide a piece, and "
         "enough is left."),
        ("B", "With Grad-CAM, yes. With LIME, no."),
        ("D", "It is closer than that: 45 to 55."),
    ),
    look="What maps say",
    later=True,
)  # fmt: skip

WHAT_IT_FOLLOWS = Question(
    id="what_it_follows",
    kind="observe",
    ask="You changed nothing but the snow, from 0 to 1. For husky, which marks run which way?",
    options={
        "A": "the wolf's stay above the line, the husky's below it",
        "B": "both rise, nearly together, and cross the line",
        "C": "only the wolf's rise",
        "D": "neither moves much",
    },
    answer="B",
    because="The score follows the snow. Which animal stands there hardly matters to it.",
    wrong=(
        ("A", "That is husky-balanced. Choose husky above the slider."),
        ("C", "Look for the squares: they may lie right under the dots."),
        ("D", "Go in steps of 0.1, all the way to 1."),
    ),
)

WITHOUT_MAPS = Question(
    id="without_maps",
    kind="observe",
    ask="Before the map appears, you see a picture and a right answer. How many of ten can anybody expect to get?",
    options={"A": "ten", "B": "seven or eight", "C": "five", "D": "none"},
    answer="C",
    because="Both networks give the same right answer to all of these pictures. There is nothing to go by.",
    wrong=(
        ("A", "Only with a picture on which the two would answer differently."),
        ("B", "If you got that many, you were lucky; play another seed."),
        ("D", "A coin gets half."),
    ),
)

WHAT_MAY_YOU_SAY = Question(
    id="what_may_you_say",
    kind="claim",
    ask="A map of husky's score lies neatly on the wolf. Which sentence does it support?",
    options={
        "A": "husky recognises the wolf by its body",
        "B": "husky does not need the snow",
        "C": "this method, asked about this score, gives the wolf's pixels the larger numbers",
        "D": "husky will also be right about this wolf on grass",
    },
    answer="C",
    because="It says what the method computed. What the answer depends on, you find by changing the picture.",
    wrong=(
        ("A", "So do the maps of many methods say, about a network that melting the snow turns round."),
        ("B", "Take the snow away, and the answer goes with it."),
        ("D", "That is a claim about another picture. Draw it and ask."),
    ),
    look="Break it",
)

EXERCISES = (
    ONE_EXPERIMENT, SWAPPED, LIME_POINTS, CUE_EFFECT, WHAT_IT_FOLLOWS, BACKGROUND_SHARE, FOOLED, WITHOUT_MAPS,
    WHAT_MAY_YOU_SAY,
)  # fmt: skip
