"""The inventory: every wrong option is a misconception, form B is form A with other numbers, gains are right."""

import json
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
from typer.testing import CliRunner

from minixai import cli
from minixai.book import exercises
from minixai.book.inventory import answers, forms, gains
from minixai.book.inventory.items import GATES, ITEMS, PAINT, RIGHT, SHARES, SLOPE

REDRAWN = [item for item in ITEMS if item.redraw]
each = pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
each_redrawn = pytest.mark.parametrize("item", REDRAWN, ids=lambda item: item.id)


def run(*arguments, code=0, said=None):
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments], input=said)
    assert result.exit_code == code, result.output
    return result


def rightly(when, seed=0, sure=3, wrong=()):
    """A sitting in which all is right but the items named."""
    given = {}
    for one in forms.form(answers.WHEN[when], seed):
        letter = one.answer if one.id not in wrong else next(k for k, m in one.means.items() if m != RIGHT)
        given[one.id] = (letter, sure)
    return answers.sitting(when, seed, given)


def test_fourteen_questions_from_a_dozen_chapters():
    assert len(ITEMS) == len({item.id for item in ITEMS}) == 14
    assert len({item.chapter for item in ITEMS}) >= 9


@each
def test_three_misconceptions_with_names_and_options_that_differ(item):
    options = item.options(item.numbers)
    assert len(options) == len(set(options.values())) == 4 and list(options)[0] == RIGHT
    assert all(len(name) > 8 for name in options if name) and item.ask(item.numbers)[-1] in "?:"


def test_misconceptions_are_unique_in_the_whole_inventory():
    names = [name for item in ITEMS for name in item.options(item.numbers) if name]
    assert len(names) == len(set(names)) == 42


@each_redrawn
def test_two_hundred_forms_b_have_options_that_can_be_told_apart(item):
    for seed in range(200 if item.id != "other_class" else 20):
        numbers = forms.drawn(item, np.random.default_rng(seed))
        options = item.options(numbers)
        assert len(set(options.values())) == 4 and item.ask(numbers) != item.ask(item.numbers)


@pytest.mark.parametrize("item", [GATES, SHARES, PAINT], ids=lambda item: item.id)
def test_without_the_generators_care_many_draws_would_be_useless(item):
    rng = np.random.default_rng(0)
    useless = sum(not forms.usable(item, item.redraw(rng)) for _ in range(300))
    assert useless > 10


def test_an_item_that_never_differs_is_refused():
    hopeless = replace(SLOPE, options=lambda n: {RIGHT: "1", "a": "1", "b": "2", "c": "3"})
    with pytest.raises(ValueError, match="1000 draws for slope gave no numbers"):
        forms.drawn(hopeless, np.random.default_rng(0))
    with pytest.raises(ValueError, match="the numbers of floor cannot be drawn again"):
        forms.drawn(next(i for i in ITEMS if i.id == "floor"), np.random.default_rng(0))


def test_form_a_has_the_numbers_worked_out_by_hand():
    found = {one.id: one for one in forms.form("A")}
    said = {id: one.options[one.answer] for id, one in found.items()}
    assert said["slope"] == "the larger slope: pixel 1; the larger contribution: pixel 2"
    assert said["paint"] == "[[1, 2, 0], [3, 4, 0], [0, 0, 0]]" and said["gates"] == "(2, 0, 0, 0)"
    assert said["shares"] == "(2, -1), and 1 stays with the bias" and said["correlated"] == "1"
    assert "(4, -2), and nothing is missing" in found["shares"].options.values()


def test_correlation_is_what_numpy_says():
    for numbers in ({"a": 2, "b": 1}, {"a": 5, "b": 3}):
        R = np.array([1.0, -2.0, 4.0])
        assert np.corrcoef(R, numbers["a"] * R + numbers["b"])[0, 1] == pytest.approx(1)


def test_a_form_is_the_same_each_time_and_another_with_another_seed():
    assert forms.form("B", 3) == forms.form("B", 3) != forms.form("B", 4)
    assert forms.form("A", 0) != forms.form("A", 1) and {a.text for a in forms.form("A", 0)} == {
        a.text for a in forms.form("A", 1)
    }
    with pytest.raises(ValueError, match="form is 'C'"):
        forms.form("C")


def test_letters_do_not_give_the_answer_away():
    letters = [one.answer for seed in range(30) for one in forms.form("A", seed)]
    shares = [letters.count(letter) / len(letters) for letter in forms.LETTERS]
    assert min(shares) > 0.18 and max(shares) < 0.32


# -- answers -----------------------------------------------------------------------------------------------------------


def test_answers_stay_on_this_machine_and_the_first_time_counts(state):
    path = answers.store(rightly("pre"))
    assert path.parent == state and answers.load()["pre"] == rightly("pre")
    with pytest.raises(ValueError, match="you have answered 'pre' before"):
        answers.store(rightly("pre"))
    answers.store(rightly("post", seed=5))
    assert set(answers.load()) == {"pre", "post"} and answers.load()["post"].seed == 5


@pytest.mark.parametrize(
    ("when", "given", "sentence"),
    [
        ("now", {}, "the time is 'now'"),
        ("pre", {"slop": ("A", 1)}, "no question 'slop'; did you mean slope"),
        ("pre", {"slope": ("E", 1)}, "expected A to D"),
        ("pre", {"slope": ("A", 4)}, "and 1, 2 or 3"),
    ],
)
def test_strange_answers_are_refused(when, given, sentence):
    with pytest.raises(ValueError, match=sentence):
        answers.sitting(when, 0, given)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"version": 2, "sittings": []}', '{"version": 1, "sittings": [7]}', "[" * 50_000],
)
def test_a_file_that_holds_no_answers_is_refused(content, tmp_path):
    (tmp_path / "someone.json").write_text(content)
    with pytest.raises(ValueError, match="holds no answers to the inventory"):
        answers.exported(tmp_path)


def test_a_file_too_large_and_a_folder_with_nothing(tmp_path):
    with pytest.raises(ValueError, match="there is no .json"):
        answers.exported(tmp_path)
    (tmp_path / "someone.json").write_bytes(b" " * (answers.LARGEST + 1))
    with pytest.raises(ValueError, match="holds more than"):
        answers.exported(tmp_path)


# -- gains -------------------------------------------------------------------------------------------------------------


def test_gains_of_a_small_class_by_hand():
    readers = [
        {"pre": rightly("pre", wrong=("gates", "shares")), "post": rightly("post", seed=2)},
        {"pre": rightly("pre", wrong=("gates",)), "post": rightly("post", wrong=("gates",))},
        {"pre": rightly("pre")},  # did not come back
    ]
    found = {one.id: one for one in gains.gains(readers)}
    gates, shares, slope = found["gates"], found["shares"], found["slope"]
    assert (gates.readers, gates.before, gates.after, gates.gain, gates.sure_and_wrong) == (
        2,
        0,
        F(1, 2),
        F(1, 2),
        F(1, 2),
    )
    assert sum(gates.stays.values()) == 1 and gates.difficulty is None and gates.discrimination is None
    assert (shares.before, shares.after, shares.gain, shares.sure_and_wrong) == (
        F(1, 2),
        1,
        1,
        0,
    ) and shares.stays == {}
    assert slope.before == 1 and slope.gain is None


def test_from_twenty_readers_on_items_are_judged():
    readers = [
        {"pre": rightly("pre"), "post": rightly("post", sure=1, wrong=("gates", "shares") if i < 6 else ())}
        for i in range(20)
    ]
    gates = next(one for one in gains.gains(readers) if one.id == "gates")
    assert (
        gates.difficulty == pytest.approx(0.7)
        and gates.discrimination == pytest.approx(1)
        and gates.sure_and_wrong == 0
    )


def test_nobody_answered_twice():
    with pytest.raises(ValueError, match="nobody answered both 'pre' and 'later'"):
        gains.gains([{"pre": rightly("pre"), "post": rightly("post")}], "later")


# -- the command line --------------------------------------------------------------------------------------------------


def typed(when, seed=0):
    return "".join(f"{one.answer.lower()}\n2\n" for one in forms.form(answers.WHEN[when], seed))


def test_the_whole_way_of_a_reader_and_of_a_teacher(state, tmp_path):
    assert "first time" not in run("quiz", "pre", said=typed("pre")).stdout
    assert "answered 'pre' before" in run("quiz", "pre", code=2).stderr
    assert "until then nothing is told" in run("quiz", "review", code=2).stderr
    run("quiz", "post", "--seed", 3, said="x\nAB\n" + typed("post", 3))
    rows = json.loads(run("quiz", "review", "--json").stdout)
    assert len(rows) == 28 and {row["verdict"] for row in rows} == {"right"}
    run("quiz", "export", tmp_path / "class" / "anna.json")
    assert str(state) not in (tmp_path / "class" / "anna.json").read_text()
    found = json.loads(run("quiz", "gain", tmp_path / "class", "--json").stdout)
    assert {one["readers"] for one in found} == {1} and len(found) == 14
    assert run("quiz", "gain", tmp_path / "class").stdout.splitlines()[0].startswith("item ")


def test_for_paper_and_for_programs_nothing_is_asked_and_nothing_is_told(state):
    page = run("quiz", "pre", "--show").stdout
    assert page.count("\n   D  ") == 14 and not state.exists()
    told = json.loads(run("quiz", "post", "--json").stdout)
    assert len(told) == 14 and all(set(one) == {"id", "chapter", "text", "options"} for one in told)


def test_nothing_to_export_yet(state, tmp_path):
    assert "begin with: minixai quiz pre" in run("quiz", "export", tmp_path / "a.json", code=2).stderr


def test_the_chapters_that_items_ask_about_teach_them():
    """Each item belongs to a chapter of the plan; those that are written have exercises."""
    written = set(exercises.numbers())
    assert len({item.chapter for item in ITEMS} & written) >= 6
