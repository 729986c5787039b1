"""What chapter 01 says in words, tested: its effects, its maps, its game; and that nobody's seeds meet."""

import io
import json
import re
from base64 import b64decode
from math import comb

import numpy as np
import pytest
from PIL import Image

import minixai as mx
from minixai import book, files
from minixai.book import pixels, source
from minixai.book.exercises import ch01 as exercises
from minixai.book.exercises import of
from minixai.book.figures import ch01
from minixai.book.numbers import value
from minixai.experiments import subjects
from minixai.zoo import husky, husky_balanced, shapes
from minixai.zoo.animals import HUSKY, WOLF, husky_scene, husky_scenes
from minixai.zoo.scenes import scenes
from tests.book.node import needs_node, node

TEXT = "\n".join(cell.text for cell in source.read(*source.paths(("01",))).cells)
PROSE = " ".join(TEXT.split())


@pytest.fixture(scope="module")
def nets():
    return [mx.load(name).astype("float64") for name in (ch01.CHEAT, ch01.HONEST)]


@pytest.fixture(scope="module")
def wolves():
    """Ten wolves on snow, their masks, and the pictures."""
    drawn = husky_scenes(9, 20)
    ours = drawn.labels == 1
    return drawn.pictures[ours], drawn.masks[ours]


def inputs(net, pictures):
    return np.stack([net.preprocess(picture) for picture in pictures])


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_the_detectors_table_and_its_three_accuracies():
    assert value("snow.table").tolist() == [[3 * snow + snout - 2 for snow in (1, 0)] for snout in (1, 0)]
    right = [["wolf", "husky"][row] == ("wolf" if score > 0 else "husky")
             for row, scores in enumerate(value("snow.table")) for score in scores]  # fmt: skip
    assert right == [True, False, False, True]
    assert (value("snow.ground"), value("snow.animal")) == tuple(exercises.cue_effect(value("snow.table")))


def test_the_share_in_the_text():
    assert "In `[[3, -1], [0, 2]]`, with the object at the bottom right" in PROSE
    assert exercises.background_share(mx.exact([[3, -1], [0, 2]]), mx.exact([[0, 0], [0, 1]])) == value("snow.share")


# -- what moves them ---------------------------------------------------------------------------------------------------


def test_the_chapters_drawings_are_new_to_both_networks():
    learnt = {part[0] for zoo in (husky, husky_balanced) for part in (zoo.TRAINING, zoo.HELD_OUT, zoo.SAMPLES)}
    learnt |= {part[0] for part in (shapes.TRAINING, shapes.HELD_OUT, shapes.SAMPLES)}
    assert not learnt & {ch01.SEED, ch01.GAME, exercises.SEED, 21, 22, subjects.SEED}
    named = {int(seed) for seed in re.findall(r"(?:husky_scenes?|scenes)\((\d+),", TEXT)}
    assert named and not named & learnt


def test_husky_goes_by_the_snow_and_the_other_by_the_animal(nets):
    found = {}
    for net in nets:
        drawn = [husky_scene(9, a, s, n).picture for n in range(10) for a in (WOLF, HUSKY) for s in (1, 0)]
        tables = np.reshape(ch01.preferences(net, drawn), (10, 2, 2))
        found[net.name] = np.mean([exercises.cue_effect(T) for T in tables], axis=0)
    assert found["husky"][0] > 20 * abs(found["husky"][1])
    assert found["husky-balanced"][1] > 20 * abs(found["husky-balanced"][0])


def test_the_hundred_wolves_are_those_of_the_record():
    found = json.loads((files.root("data") / "results" / "clever-hans.json").read_text())
    assert found["pictures"] == 100 and found["verdict"] == "refuted"
    assert ch01.verdicts() == ("confirmed", "refuted")
    rows = ch01.hundred_wolves()
    assert rows["snow melts"][0] > 10 * rows["wolf becomes husky"][0]
    assert list(rows["lime"]) == found["statements"][1]["interval"]
    mean, low, high = rows["lime"]
    assert round(100 * mean) == 45 and high < 0.5 and round(100 * (high - low) / 2) == 3  # "45, give or take 3"
    over = {name for name, (_, least, _) in rows.items() if least > 0.55 and " " not in name}
    assert over == {"grad-cam", "deeplift-revealcancel"}


def test_the_accuracies_are_those_of_the_logs():
    assert ch01.right_on("husky") == {"learnt": 1.0, "swapped": 0.0, "balanced": 0.5}
    honest = ch01.right_on("husky-balanced")
    assert honest["learnt"] == 1 and 0.95 < honest["swapped"] < 1


def test_whatever_lime_hides_the_probability_stays(nets):
    x = nets[0].preprocess(husky_scene(9, WOLF, 0.9).picture)
    low, high = map(float, mx.explain(nets[0], x, "lime", target=WOLF, n=100).notes["scores"].split(" to "))
    assert 0.99 < low < high < 1


# -- what maps say -----------------------------------------------------------------------------------------------------


def test_alone_most_maps_of_husky_look_innocent_and_beside_the_others_all_look_guilty(nets, wolves):
    pictures, masks = wolves
    x, ground, less = inputs(nets[0], pictures), 1 - masks.mean(), []
    for method in ("guided-backprop", "grad-cam", "lrp-composite", "deep-taylor"):
        maps = [mx.explain(net, x, method, target=WOLF).map for net in nets]
        cheat, honest = (
            [exercises.background_share(R, 1.0 * m) for R, m in zip(each, masks, strict=True)] for each in maps
        )
        assert np.greater(cheat, honest).all(), method
        less.append(np.mean(cheat) < ground)
    assert less == [True, False, True, True]


def test_a_map_on_the_wolf_and_a_network_that_does_not_need_it(nets):
    pair = [husky_scene(9, animal, 0.9, 2) for animal in (WOLF, HUSKY)]
    e = mx.explain(nets[0], nets[0].preprocess(pair[0].picture), "deep-taylor", target=WOLF)
    assert mx.metrics.auc(e.heatmap, pair[0].mask) > 0.9
    with_wolf, with_husky = ch01.preferences(nets[0], [s.picture for s in pair])
    assert with_wolf > 5 and with_husky > 5


def test_a_negative_ground_turns_all_of_huskys_answers_and_few_of_the_others(nets):
    kept = {}
    animals = husky_scenes(9, 30)
    for net, drawn in ((nets[0], animals), (nets[1], animals), (mx.load("shapes"), scenes(9, 30))):
        turned = [ch01.negative_ground(p, m) for p, m in zip(drawn.pictures, drawn.masks, strict=True)]
        before, after = (net(inputs(net, some)).argmax(axis=1) for some in (drawn.pictures, turned))
        kept[net.name] = (before == after).mean()
    assert kept["husky"] == 0 and kept["husky-balanced"] > 0.7 and kept["shapes"] > 0.7


def test_a_negative_ground_leaves_the_object():
    picture, mask = np.array([[[0, 10, 255], [1, 2, 3]]], np.uint8), np.array([[False, True]])
    assert ch01.negative_ground(picture, mask).tolist() == [[[255, 245, 0], [1, 2, 3]]]


# -- the amount of snow ------------------------------------------------------------------------------------------------


def picture_of(figure):
    return np.asarray(Image.open(io.BytesIO(b64decode(re.search(r'base64,([^"]+)"', figure.image.value)[1]))))


@pytest.mark.parametrize("which", [ch01.CHEAT, ch01.HONEST])
def test_the_figure_says_what_the_networks_say(which):
    figure, net = book.figures.amount_of_snow(), mx.load(which)
    figure._controls["which"].value = which
    before = picture_of(figure)
    figure._controls["snow"].value = 0.8
    shown = [husky_scene(ch01.SEED, animal, 0.8).picture for animal in (WOLF, HUSKY)]
    wolf, dog = ch01.preferences(net, shown)
    assert f"{wolf:+.1f} with the wolf (dot), {dog:+.1f} with the husky (square)" in figure.words.value
    assert "Marks so far at snow 0, 0.8." in figure.words.value
    after = picture_of(figure)
    assert (after[:: 192 // 64, : 192 : 192 // 64] == shown[0]).all() and (before != after).any()


def test_each_network_keeps_its_own_marks():
    figure = book.figures.amount_of_snow()
    for snow in (0.5, 1):
        figure._controls["snow"].value = snow
    figure._controls["which"].value = ch01.HONEST
    assert "Marks so far" not in figure.words.value
    figure._controls["which"].value = ch01.CHEAT
    assert "Marks so far at snow 0, 0.5, 1." in figure.words.value


def test_a_dot_and_a_square_stand_where_the_numbers_are():
    image = np.asarray(ch01.chart({0.5: {WOLF: ch01.TOP / 2, HUSKY: -ch01.TOP / 2}}, 0.5)).astype(int)
    height = ch01.CHART[1] - ch01.ROOM
    column = ch01.CHART[0] // 2
    assert image[height // 4, column].tolist() == [0xB2, 0x18, 0x2B]  # inside the dot, above the line
    assert image[3 * height // 4, column].tolist() == [255, 255, 255]  # inside the hollow square
    assert image[3 * height // 4, column - 4].tolist() == [0x21, 0x66, 0xAC]


def test_one_network_needs_no_choice():
    assert set(book.figures.amount_of_snow(networks=("husky",)).values) == {"snow"}


# -- the game ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def board():
    return book.figures.who_cheats()


def decoded(url):
    return np.asarray(Image.open(io.BytesIO(b64decode(url.removeprefix("data:image/png;base64,")))).convert("RGB"), int)


def test_in_each_round_both_networks_are_right_and_the_map_is_the_engines(board):
    played = ch01.game(10, ch01.GAME, "lrp-composite")
    both = {True: mx.load("husky"), False: mx.load("husky-balanced")}
    assert len(played) == len(board.widget.state["rounds"]) == 10
    for r, said in zip(played, board.widget.state["rounds"], strict=True):
        assert all((ch01.preferences(net, [r.picture])[0] > 0) == (r.animal == WOLF) for net in both.values())
        assert (said["animal"], said["ground"], said["cheats"]) == (r.animal, r.ground, r.cheats)
        assert r.ground == ("snow" if r.animal == WOLF else "grass")
        net = both[r.cheats]
        R = mx.explain(net, net.preprocess(r.picture), "lrp-composite", target=r.animal).map
        np.testing.assert_array_equal(R, r.map)
        shown = pixels.colours(R, *pixels.scale(R)).astype(int)
        assert abs(decoded(said["map"]) - shown).mean() < 4 and abs(decoded(said["picture"]) - r.picture).mean() < 4
        row, column = np.unravel_index(R.argmax(), R.shape)
        assert f"row {row + 1}, column {column + 1} of 64" in said["words"]


def test_a_page_can_carry_the_game(board):
    assert len(json.dumps(board.widget.state)) < 120_000 and len(board.still) < 150_000
    assert board.widget.state["guesses"] == []


def test_other_rounds_seeds_and_methods():
    one = ch01.game(3, 21, "fem")
    assert len(one) == 3 and one[0].picture.tolist() != ch01.game(10, ch01.GAME, "lrp-composite")[0].picture.tolist()
    with pytest.raises(ValueError, match="rounds is 0; expected at least one"):
        book.figures.who_cheats(rounds=0)


def test_it_is_a_game_in_which_both_play():
    truth = [r.cheats for r in ch01.game(10, ch01.GAME, "lrp-composite")]
    assert sum(truth) == 5 and truth != sorted(truth) and truth != sorted(truth, reverse=True)


ROUNDS = [{"cheats": c, "animal": "wolf", "ground": "snow", "words": "a map"} for c in (True, False, True, False)]


@needs_node
def test_the_page_counts_as_python_does(tmp_path):
    rng = np.random.default_rng(5)
    truth, first, second = rng.integers(2, size=(3, 10)).astype(bool)
    rounds = json.dumps([{"cheats": bool(t)} for t in truth])
    guesses = json.dumps([[bool(a), bool(b)] for a, b in zip(first, second, strict=True)])
    assert node(tmp_path, "cheats", f"it.tally({rounds}, {guesses})") == {
        "rounds": 10, "without": int((first == truth).sum()), "with": int((second == truth).sum()),
        "better": int(((first != second) & (second == truth)).sum()),
        "worse": int(((first != second) & (first == truth)).sum()),
    }  # fmt: skip


@needs_node
def test_a_coins_luck(tmp_path):
    found = node(tmp_path, "cheats", "[...Array(11).keys()].map((k) => it.luck(10, k))")
    assert found == [sum(comb(10, j) for j in range(k, 11)) / 2**10 for k in range(11)]


@needs_node
@pytest.mark.parametrize(
    ("guesses", "words"),
    [
        ([], "Round 1 of 4: a wolf on snow, and the network says wolf. Whose answer is it: the cheat's, or the honest"),
        ([[True]], "Its map for wolf: a map. Guess again: the cheat, or the honest one?"),
        ([[True, True]], "Round 2 of 4: a wolf on snow"),
        (
            [[False, True], [False, False], [True, False], [True, False]],
            "Without the map you were right in 2 of 4 rounds, with it in 3. It changed your mind 3 times, twice for "
            "the better. A coin gets 3 or more in 31 of 100 games.",
        ),
    ],
)
def test_the_words_of_the_game(tmp_path, guesses, words):
    assert words in node(tmp_path, "cheats", f"it.sentence({json.dumps(ROUNDS)}, {json.dumps(guesses)})")


@needs_node
def test_a_guess_without_its_twin_does_not_count(tmp_path):
    found = node(tmp_path, "cheats", f"it.tally({json.dumps(ROUNDS)}, [[true, false], [true]])")
    assert found == {"rounds": 1, "without": 1, "with": 0, "better": 0, "worse": 1}


# -- the counterexample ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("animal", [WOLF, HUSKY])
def test_there_are_many_drawings_that_give_husky_away(animal):
    judge = of("01")["fooled"].judge
    assert sum(judge((animal, float(animal == HUSKY), n)) is None for n in range(10)) >= 7


def test_a_hard_animal_is_said_to_be_one(monkeypatch):
    """None of the first 250 drawings of either animal is wrong for both, so the margins are made up."""
    monkeypatch.setattr(exercises, "margin", lambda name, *drawing: {"husky": -6.0, "husky-balanced": -0.5}[name])
    refusal = of("01")["fooled"].judge((WOLF, 0.0, 3))
    assert refusal.rung == "property" and "so is husky-balanced, by 0.5" in refusal.sentence


def test_what_the_prose_quotes_is_what_the_survey_says():
    for quoted in ("only correlation-based", "do not make causal inferences", "cannot be used to improve the network"):
        assert quoted in PROSE.replace(" # ", " ")
