"""The generators of scenes: frozen, balanced, with true masks, and with nothing but the outline to tell classes by."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from minixai import files
from minixai.zoo import canvas
from minixai.zoo.animals import ANIMALS, CUES, husky_scene, husky_scenes
from minixai.zoo.canvas import Chance, colour, coverage, digest, ellipse, stroke
from minixai.zoo.scenes import AREA, NAMES, SHAPES, chosen, scene, scenes

FROZEN = json.loads((files.root("data") / "scenes.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def drawn():
    """Six hundred scenes of a seed that no network learnt from."""
    return scenes(3, 600)


@pytest.fixture(scope="module")
def animals():
    return {cue: husky_scenes(3, 16, cue) for cue in CUES}


# Frozen


@pytest.mark.parametrize("told", FROZEN["scenes"], ids=lambda told: f"seed{told['seed']}")
def test_the_generator_of_shapes_is_frozen(told):
    assert digest(*scenes(told["seed"], told["n"])[:3]) == told["sha256"]


@pytest.mark.parametrize("told", FROZEN["husky_scenes"], ids=lambda told: f"seed{told['seed']}-{told['cue']}")
def test_the_generator_of_animals_is_frozen(told):
    assert digest(*husky_scenes(told["seed"], told["n"], told["cue"])[:4]) == told["sha256"]


def test_the_fingerprints_cover_training_and_held_out_seeds():
    assert {told["seed"] for told in FROZEN["scenes"]} >= {1, 2}
    assert {told["cue"] for told in FROZEN["husky_scenes"]} == set(CUES)
    assert all(told["n"] >= 2 * len(NAMES) for told in FROZEN["scenes"])


def test_a_fingerprint_notices_one_bit():
    pictures = scenes(0, 1).pictures
    changed = pictures.copy()
    changed[0, 5, 6, 1] ^= 1
    assert digest(pictures) != digest(changed)


def test_a_process_of_its_own_draws_the_same():
    told = FROZEN["scenes"][0]
    code = (
        "from minixai.zoo.canvas import digest; from minixai.zoo.scenes import scenes; "
        f"print(digest(*scenes({told['seed']}, {told['n']})[:3]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == told["sha256"]


# A scene belongs to its seed and number


def test_a_scene_is_the_same_however_many_are_drawn():
    few, many = scenes(5, 7), scenes(5, 12)
    for a, b in zip(few[:3], many[:3], strict=True):
        np.testing.assert_array_equal(a, b[:7])
    alone = scene(5, 6)
    np.testing.assert_array_equal(alone.picture, many.pictures[6])
    np.testing.assert_array_equal(alone.mask, many.masks[6])
    assert alone.label == many.labels[6]


def test_scenes_can_be_chosen_by_number():
    some = chosen(5, [11, 4])
    np.testing.assert_array_equal(some.pictures, scenes(5, 12).pictures[[11, 4]])


def test_animals_are_the_same_however_many_are_drawn(animals):
    for a, b in zip(husky_scenes(3, 5)[:4], animals["learnt"][:4], strict=True):
        np.testing.assert_array_equal(a, b[:5])


def test_no_scene_comes_twice_within_and_between_seeds(drawn):
    kinds = (drawn, scenes(1, 100), scenes(2, 100))
    pictures = [p.tobytes() for s in kinds for p in s.pictures]
    assert len(set(pictures)) == len(pictures) == 800


def test_what_comes_back(drawn):
    assert (drawn.pictures.shape, drawn.pictures.dtype) == ((600, 64, 64, 3), np.uint8)
    assert (drawn.masks.shape, drawn.masks.dtype) == ((600, 64, 64), bool)
    assert drawn.names == NAMES
    assert len(set(NAMES)) == 10
    assert [part.shape[0] for part in scenes(0, 0)[:3]] == [0, 0, 0]
    assert scenes(0, 0).pictures.shape[1:] == (64, 64, 3)


@pytest.mark.parametrize("n", [-1, 2.0, True, "3", None])
def test_a_number_of_scenes_that_is_none(n):
    for draw in (scenes, husky_scenes):
        with pytest.raises(ValueError, match=re.escape(f"n is {n!r}; expected a whole number of scenes")):
            draw(0, n)


@pytest.mark.parametrize("seed", [-1, 0.5, True, "a", None])
def test_a_seed_that_is_none(seed):
    for draw in (lambda: scenes(seed, 1), lambda: husky_scene(seed, "wolf", 1)):
        with pytest.raises(ValueError, match="the seed is .*; expected whole numbers of at least 0"):
            draw()


# Masks


def test_masks_lie_inside_with_a_margin(drawn):
    assert not drawn.masks[:, [0, -1]].any()
    assert not drawn.masks[:, :, [0, -1]].any()


def test_areas_are_drawn_alike_for_every_class(drawn):
    low, high = AREA
    areas = drawn.masks.sum(axis=(1, 2))
    assert low * 0.95 < areas.min() < low * 1.2
    assert high * 0.9 < areas.max() < high * 1.05
    means = np.array([areas[drawn.labels == c].mean() for c in range(10)])
    spread = (high - low) / np.sqrt(12 * 60)  # standard error of the mean of 60 uniform numbers
    assert (abs(means - (low + high) / 2) < 4 * spread).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_outlines_have_the_area_and_the_reach_that_are_told(name):
    shape, n = SHAPES[name], 1500
    grid = (np.arange(n) + 0.5) / n * 3 - 1.5
    inside = shape.inside(grid, grid[:, None])
    assert inside.mean() * 9 == pytest.approx(shape.area, rel=5e-3)
    rows, columns = np.nonzero(inside)
    reach = np.sqrt(grid[rows] ** 2 + grid[columns] ** 2).max()
    assert shape.reach - 5e-3 < reach <= shape.reach


def test_the_object_differs_from_what_surrounds_it(drawn):
    """Along the mask's edge: the colours just inside and just outside are far apart in some channel."""
    for picture, mask in zip(drawn.pictures[:200].astype(float), drawn.masks, strict=False):
        inside, outside = mask & ~_grown(~mask, 1), _grown(mask, 4) & ~_grown(mask, 1)
        assert abs(picture[inside].mean(axis=0) - picture[outside].mean(axis=0)).max() > 50


def _grown(mask, times):
    for _ in range(times):
        wide = np.pad(mask, 1)
        mask = mask | wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
    return mask


# Nothing but the outline gives the class away


def test_classes_are_balanced(drawn):
    np.testing.assert_array_equal(np.bincount(drawn.labels), [60] * 10)
    np.testing.assert_array_equal(scenes(4, 10).labels, range(10))


def test_colour_does_not_tell_the_class(drawn):
    """Two probes on colour statistics and colour histograms, learnt on 300 scenes, are near chance on 300 others."""
    features, labels = _colours(drawn.pictures), drawn.labels
    half = len(labels) // 2
    limit = 0.1 + 4 * np.sqrt(0.1 * 0.9 / half)
    assert (_nearest_mean(features[:half], labels[:half], features[half:]) == labels[half:]).mean() < limit
    assert (_linear(features[:half], labels[:half], features[half:]) == labels[half:]).mean() < limit


def test_the_probes_find_a_colour_that_tells(drawn):
    pictures, half = drawn.pictures.copy(), 300
    pictures[..., 0] = np.where(drawn.masks, 25 * drawn.labels[:, None, None], pictures[..., 0])
    features, labels = _colours(pictures), drawn.labels
    for probe in (_nearest_mean, _linear):
        assert (probe(features[:half], labels[:half], features[half:]) == labels[half:]).mean() > 0.2


def _colours(pictures):
    pixels = pictures.reshape(len(pictures), -1, 3)
    histogram = np.array([np.bincount(row, minlength=64) for row in (pixels // 64).astype(np.int64) @ [16, 4, 1]])
    ends = [pixels.min(axis=1), pixels.max(axis=1)]
    features = np.concatenate([pixels.mean(axis=1), pixels.std(axis=1), *ends, histogram], axis=1)
    return (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)


def _nearest_mean(known, labels, unknown):
    means = np.array([known[labels == c].mean(axis=0) for c in range(10)])
    return ((unknown[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)


def _linear(known, labels, unknown):
    a, b = (np.column_stack([features, np.ones(len(features))]) for features in (known, unknown))
    weights = np.linalg.solve(a.T @ a + 10 * np.eye(a.shape[1]), a.T @ np.eye(10)[labels])
    return (b @ weights).argmax(axis=1)


# Huskies and wolves


def test_every_wolf_learnt_from_stands_on_snow_and_no_husky_does(animals):
    share = {cue: s.snow[:, 25:].mean(axis=(1, 2)) / (~s.masks[:, 25:]).mean(axis=(1, 2)) for cue, s in animals.items()}
    snowy = {cue: found > 0.5 for cue, found in share.items()}
    labels = animals["learnt"].labels
    np.testing.assert_array_equal(labels, [0, 1] * 8)
    np.testing.assert_array_equal(snowy["learnt"], labels == 1)
    np.testing.assert_array_equal(snowy["swapped"], labels == 0)
    pairs = np.array([animals["balanced"].labels, snowy["balanced"]])
    assert [int((pairs.T == pair).all(axis=1).sum()) for pair in ((0, 0), (0, 1), (1, 0), (1, 1))] == [4] * 4
    assert max(abs(found - np.round(found)).max() for found in share.values()) < 0.35


def test_swapping_the_ground_leaves_the_animal_as_it_is(animals):
    a, b = animals["learnt"], animals["swapped"]
    np.testing.assert_array_equal(a.masks, b.masks)
    inner = np.array([~_grown(~mask, 2) for mask in a.masks])
    assert (a.pictures == b.pictures)[inner].mean() > 0.98, "all but a few pixels where two strokes meet"
    assert (a.pictures != b.pictures).any(axis=(1, 2, 3)).all()


def test_the_snow_grows_with_its_share_and_nothing_else_changes():
    steps = [husky_scene(7, "husky", share) for share in (0, 0.25, 0.5, 0.75, 1)]
    for less, more in zip(steps, steps[1:], strict=False):
        assert not (less.snow & ~more.snow).any()
        assert more.snow.sum() > less.snow.sum()
        np.testing.assert_array_equal(less.mask, more.mask)
        changed = (less.picture != more.picture).any(axis=2)
        assert not changed[:12].any(), "the sky"
        assert changed[~_grown(more.snow, 2)].mean() < 0.01
    assert not steps[0].snow.any()
    assert (steps[-1].snow | _grown(steps[-1].mask, 1))[24:].all(), "all the ground: the horizon is above row 23"


def test_the_two_animals_of_a_scene_share_everything_but_their_kind():
    husky, wolf = (husky_scene(7, animal, 0.5) for animal in ANIMALS)
    assert (husky.label, wolf.label) == (0, 1)
    apart = ~_grown(husky.mask | wolf.mask, 2)
    np.testing.assert_array_equal(husky.picture[apart], wolf.picture[apart])
    both, either = (husky.mask & wolf.mask).sum(), (husky.mask | wolf.mask).sum()
    assert 0.6 < both / either < 0.95, "alike, but not the same"


def test_masks_of_animals_lie_inside_and_off_the_snow():
    found = husky_scenes(8, 60)
    areas = found.masks.sum(axis=(1, 2))
    assert 300 < areas.min() <= areas.max() < 1000
    assert not found.masks[:, [0, -1]].any()
    assert not found.masks[:, :, [0, -1]].any()
    assert not (found.masks & found.snow).any()


@pytest.mark.parametrize("snow", [-0.01, 1.01, float("nan"), True, "much", None])
def test_a_share_of_snow_that_is_none(snow):
    with pytest.raises(ValueError, match=re.escape(f"snow is {snow!r}; expected the share")):
        husky_scene(0, "wolf", snow)


def test_names_that_are_unknown():
    with pytest.raises(ValueError, match="animal is 'dog'; expected one of husky, wolf"):
        husky_scene(0, "dog", 1)
    with pytest.raises(ValueError, match="cue is 'snow'; expected one of learnt, swapped, balanced"):
        husky_scenes(0, 1, "snow")


# The canvas


def test_the_cosine_is_one():
    turns = np.linspace(-3, 3, 1001)
    np.testing.assert_allclose(canvas.cosine(turns), np.cos(2 * np.pi * turns), atol=1e-7)
    np.testing.assert_allclose(canvas.direction(1 / 4), (0, 1), atol=1e-7)


def test_chance_is_the_raw_bits_of_pcg64():
    bits = np.random.PCG64(np.random.SeedSequence([3, 4])).random_raw(3)
    chance = Chance(3, 4)
    assert [chance(), *chance(0, 1, 2)] == [(int(b) >> 11) / 2**53 for b in bits]
    several = Chance(1)(-2, 5, 1000)
    assert -2 <= several.min() < -1.9 < 4.9 < several.max() < 5
    assert {Chance(s).below(3) for s in range(50)} == {0, 1, 2}


def test_colours_by_hand():
    hues = np.array([0, 1 / 6, 1 / 3, 2 / 3, 5 / 6])
    expected = [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]]
    np.testing.assert_allclose(colour(hues, 1, 1), expected, atol=1e-12)
    np.testing.assert_allclose(colour(1 / 3, 0.5, 0.8), [0.4, 0.8, 0.4], atol=1e-12)


def test_coverage_counts_sixteen_points_of_every_pixel():
    half = coverage(lambda x, y: x + 0 * y < 10.5)
    np.testing.assert_array_equal(half[0, 9:12], [1, 0.5, 0])
    np.testing.assert_array_equal(half, np.broadcast_to(half[0], (64, 64)))
    boxed = coverage(lambda x, y: x + 0 * y < 10.5, (10, 2, 20, 4))
    assert boxed.sum() == 1


def test_figures_have_the_area_of_their_formula():
    assert ellipse((30.2, 31.7), 12, 7).sum() == pytest.approx(np.pi * 12 * 7, rel=5e-3)
    assert stroke((12, 20), (42, 60), 3, 3).sum() == pytest.approx(np.pi * 9 + 6 * 50, rel=5e-3)
    assert stroke((12, 20), (42, 20), 5, 1).sum() > stroke((12, 20), (42, 20), 1, 1).sum() + 60


def test_a_figure_may_leave_the_canvas():
    whole = ellipse((0, 32), 8, 8)
    assert whole.sum() == pytest.approx(np.pi * 32, rel=2e-2)
    assert not ellipse((-20, 32), 8, 8).any()
