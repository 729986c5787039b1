"""One pixel: exactly one changes, inside the box; the search finds what is known to be there, and stops there."""

from itertools import permutations

import numpy as np
import pytest

import minixai as mx
from minixai.adversarial import attack
from minixai.adversarial.limits import box_of
from minixai.adversarial.one_pixel import Search, log_odds
from tests.adversarial.examples import aim, convolutional, linear, pictures

SMALL = {"population": 40, "generations": 10}


def needle():
    """Class 1 is ahead only if the pixel in row 4, column 2, is brighter in its first colour by 0.8."""
    weights = np.zeros((2, 2, 6, 6))
    weights[1, :, 4, 2] = 10, -10
    layers = [mx.Flatten(), mx.Linear(weights.reshape(2, -1), np.array([0.0, -8.0]))]
    return mx.Network.sequential(layers, box=(0.0, 1.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exactly_one_pixel_changes_and_stays_in_the_box(dtype):
    """Whether the attack succeeds or not; in an uneven box whose ends are no float32."""
    low, high = np.array([-1.3, -0.7]).reshape(2, 1, 1), np.array([2.2, 1.9]).reshape(2, 1, 1)
    network = convolutional(dtype=dtype, box=(low, high))
    x = box_of((low + 0.01, high - 0.01), np.zeros((1, 2, 6, 6), dtype)).clip(3 * pictures(1, 8, 2, 6, 6) - 1)
    a = attack(network, x.astype(dtype), "one-pixel", **SMALL)
    assert a.adversarial.dtype == dtype
    changed = (a.adversarial != a.x).any(axis=1).reshape(8, -1).sum(axis=1)
    assert (changed == 1).all() and (a.l0 == 1).all()
    assert (a.adversarial >= low).all() and (a.adversarial <= high).all()
    assert a.success.any() and not a.success.all()


def test_it_finds_the_needle_and_stops():
    """Of 36 pixels only one changes the decision, and that in few of its colours."""
    x = np.full((2, 6, 6), 0.5)
    a = attack(needle(), x, "one-pixel", seed=3)
    assert a.success and a.l0 == 1
    (place,) = np.argwhere((a.perturbation != 0).any(axis=0))
    assert place.tolist() == [4, 2]
    first, second = a.adversarial[:, 4, 2]
    assert first - second > 0.8
    assert a.evaluations == 400 * (a.steps + 1) and a.steps < 75


def test_generation_by_generation_it_does_not_get_worse():
    """Without a border to cross: the score of the best of g generations, g = 0, 1, 2 ..."""
    weights = np.random.default_rng(5).standard_normal((1, 2, 6, 6))
    weights = np.concatenate([weights, 0 * weights]).reshape(2, -1)
    network = mx.Network.sequential([mx.Flatten(), mx.Linear(weights, np.array([99.0, 0]))], box=(0.0, 1.0))
    x = np.full((2, 6, 6), 0.5)
    ends = [attack(network, x, "one-pixel", generations=g) for g in (0, 1, 5, 20, 75)]
    drops = [a.scores_before[0] - a.scores_after[0] for a in ends]
    assert drops == sorted(drops) and drops[0] < drops[-1] and not any(a.success for a in ends)
    best = abs(weights[0].reshape(2, 36)).sum(axis=0).max() / 2  # both colours of the heaviest pixel go to an end
    assert drops[-1] == pytest.approx(best, rel=1e-6)
    assert [a.steps for a in ends] == [0, 1, 5, 20, 75]


def reachable(network, x, target):
    """Whether some value of some feature makes the network say ``target``: all features, a thousand values each."""
    values = np.linspace(0, 1, 1001)
    tried = np.repeat(x[None], len(x) * len(values), axis=0)
    tried[np.arange(len(tried)), np.repeat(np.arange(len(x)), len(values))] = np.tile(values, len(x))
    return bool((np.argmax(network(tried), axis=1) == target).any())


def test_with_a_target_it_finds_what_an_exhaustive_search_finds():
    """The class wanted, where one feature can do it; and no success where none can."""
    rng = np.random.default_rng(4)
    weights = rng.integers(-8, 9, (4, 6))
    network = linear(weights, -weights.sum(axis=1) // 2, "float64")  # close races
    x, outcomes = rng.random((5, 6)), []
    before = np.argmax(network(x), axis=1)
    for k in (1, 2, 3):
        a = attack(network, x, "one-pixel", (before + k) % 4, box=(0, 1), population=60, generations=20)
        known = [reachable(network, one, c) for one, c in zip(x, a.target, strict=True)]
        assert a.success.tolist() == known and (a.l0 == 1).all()
        assert (a.success == (a.label_after == a.target)).all()
        outcomes += known
    assert any(outcomes) and not all(outcomes)


def test_doing_nothing_does_not_count():
    """All is white, and only brighter pixels would help: the least bad change is made all the same."""
    weights = np.array([[-1.0] * 9, [0.0] * 9])
    network = mx.Network.sequential([mx.Linear(weights, np.array([99.0, 0]))], box=(0.0, 1.0))
    a = attack(network, np.ones(9), "one-pixel", **SMALL)
    assert a.l0 == 1 and not a.success and a.scores_after[0] > a.scores_before[0]


def test_the_seed_decides_and_the_neighbours_do_not():
    network, x = convolutional(), pictures(2, 5, 2, 6, 6)
    a, b, c = (attack(network, x, "one-pixel", seed=seed, **SMALL) for seed in (1, 1, 2))
    assert (a.adversarial == b.adversarial).all() and (a.adversarial != c.adversarial).any()
    alone = attack(network, x[3], "one-pixel", seed=1, **SMALL)
    assert (alone.adversarial == a.adversarial[3]).all() and alone.steps == a.steps[3]


def test_candidates_are_scored_so_many_at_once():
    calls = []
    network, x = convolutional(), pictures(2, 1, 2, 6, 6)
    a, b = (attack(network, x, "one-pixel", at_once=n, **SMALL) for n in (7, 100))
    np.testing.assert_allclose(a.scores_after, b.scores_after, rtol=1e-12)
    search = Search(aim(network, x, box=box_of((0, 1), x)), box_of((0, 1), x), 7)
    crowd = search.first(np.random.default_rng(0), 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minixai.adversarial.one_pixel.forward", lambda n, p: calls.append(len(p)) or mx.forward(n, p))
        search.judged(crowd)
    assert calls == [7, 7, 6]


def a_search(x=None):
    x = pictures(3, 1, 2, 6, 6) if x is None else x
    return Search(aim(convolutional(), x, box=box_of((0, 1), x)), box_of((0, 1), x), 64)


def test_children_are_r1_plus_F_times_the_difference_of_two_others():
    crowd = np.array([[2.0, 3.0, 0.5, 0.4], [2.5, 3.25, 0.5, 0.5], [3.0, 3.5, 0.625, 0.5], [2.0, 2.0, 0.5, 0.45]])
    children = a_search().children(np.random.default_rng(0), crowd, 0.5)
    possible = [crowd[a] + 0.5 * (crowd[b] - crowd[c]) for a, b, c in permutations(range(4), 3)]
    for child in children:
        assert any(np.allclose(child, one, rtol=0, atol=1e-15) for one in possible)
    assert len(np.unique(children, axis=0)) > 1


def test_the_first_crowd_covers_the_picture():
    crowd = a_search().first(np.random.default_rng(0), 4000)
    places = crowd[:, :2].astype(int)
    counts = np.bincount(places[:, 0] * 6 + places[:, 1], minlength=36)
    assert counts.size == 36 and counts.min() > 60 and counts.max() < 170
    assert crowd[:, 2:].min() == 0 and crowd[:, 2:].max() == 1  # the bell is cut off at black and white
    assert abs((crowd[:, 2:] == 0).mean() - 0.159) < 0.02  # one in six, as of a normal variable one deviation below


def test_what_leaves_is_put_back():
    inside = a_search().inside(np.array([[-1.0, 7.0, -0.5, 1.5]]))
    assert inside.astype(int)[0, :2].tolist() == [0, 5] and inside[0, 2:].tolist() == [0, 1]


def test_painted_by_hand():
    search = a_search(np.full((1, 2, 6, 6), 0.25))
    (picture,) = search.painted(np.array([[4.7, 2.1, 1.0, 0.5]]))
    expected = np.full((2, 6, 6), 0.25)
    expected[:, 4, 2] = 1, 0.5
    assert (picture == expected).all()


def test_log_odds():
    scores = np.random.default_rng(1).standard_normal((5, 4))
    p = mx.Softmax().forward(scores)[:, 2]
    np.testing.assert_allclose(log_odds(scores, 2), np.log(p / (1 - p)), rtol=1e-12)
    sure = np.array([[900.0, 0, 0], [901.0, 0, 0]], np.float32)
    assert np.diff(log_odds(sure, 0)) == 1  # where both probabilities are 1


def test_features_and_clips():
    network = linear([[3, 0, 0], [0, 1, 1]], [0, 0], "float64")
    features = attack(network, np.array([0.9, 0.2, 0.2]), "one-pixel", box=(0, 1))
    assert features.success and features.l0 == 1 and features.perturbation[0] < 0
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, 1, 2, 2, 2)), rng.standard_normal((2, 36))
    layers = [mx.Conv3d(weights[0]), mx.ReLU(), mx.Flatten(), mx.Linear(weights[1])]
    clip = attack(mx.Network.sequential(layers), rng.random((1, 4, 3, 3)), "one-pixel", box=(0, 1), **SMALL)
    assert clip.l0 == 1 and clip.adversarial.shape == (1, 4, 3, 3)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"population": 2}, "population is 2; expected a whole number of at least 3: each child has"),
        ({"generations": -1}, "generations is -1; expected a whole number of at least 0"),
        ({"seed": 1.5}, "seed is 1.5; expected a whole number of at least 0"),
        ({"F": 0}, "F is 0; expected a number above 0, at most 2"),
        ({"F": "x"}, "F is 'x'; expected a number above 0"),
        ({"box": None}, "one-pixel needs to know the lowest and highest value of a pixel"),
        ({"steps": 3}, "steps is not a parameter of one-pixel; expected population, generations, F, seed"),
    ],
)
def test_bad_parameters(params, sentence):
    with pytest.raises(ValueError, match=sentence):
        attack(convolutional(), pictures(0, 2, 6, 6), "one-pixel", **params)


def test_fractions_are_refused():
    with pytest.raises(ValueError, match="one-pixel draws its colours at random, in floats"):
        attack(linear([[1, 0], [0, 1]]), mx.exact([1, 0]), "one-pixel", box=(0, 1))
