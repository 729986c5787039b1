"""What chapter 18 says in words, tested: who agrees and why, eight maps, the ladder, a painted lesion, the page."""

import re
from fractions import Fraction as F

import numpy as np
import pytest

import minixai as mx
from minixai import book
from minixai.book import exercises, source
from minixai.book.exercise import Naming
from minixai.book.figures import ch18
from minixai.book.judge import check
from minixai.book.numbers import value
from minixai.book.numbers.ch18 import ASKED, SHARE_OUT, TIE, a_coin_gets, four, sixteen, stay
from minixai.book.teaching import plans
from minixai.experiments import EXPERIMENTS, stored
from minixai.experiments.randomisation import likeness
from tests.book.node import needs_node, node

CHAPTER = source.read(*source.paths(("18",)))
PROSE = " ".join(" ".join(cell.text for cell in CHAPTER.cells if cell.kind == "markdown").replace("\n#", "\n").split())
KNOWN = exercises.of("18")


@pytest.fixture(scope="module")
def clinic():
    return mx.load("lesion")


@pytest.fixture(scope="module")
def found(clinic):
    return ch18.hundred_found(clinic)


# -- sixteen answers ---------------------------------------------------------------------------------------------------


def test_the_sixteen_stand_in_the_table_with_sums_where_a_sum_means_something():
    table = ch18.Sixteen()
    assert len(sixteen()) == len(ASKED) == len(table.rows) == 16
    for (question, name, answer, total, _), (row, found) in zip(table.rows, sixteen().items(), strict=True):
        adds = question in ("what made it up?", "compared with what?")
        assert (name, question) == (row, ASKED[row][0]) and answer == book.numbers.say(found)
        assert total == (book.numbers.say(found.sum()) if adds else "-")
        assert f"<td {ch18.LEFT}>{answer}</td>" in table._repr_html_() and answer in repr(table)


def test_what_is_said_about_the_sums():
    """6 but for eps, which keeps some, and alpha 2, beta 1; occlusion promises no sum."""
    sums = {name: answer.sum() for name, answer in sixteen().items() if ASKED[name][0] == "what made it up?"}
    assert {name for name, total in sums.items() if total != 6} == {"LRP-eps 1", "LRP alpha 2, beta 1"}
    headings = {ASKED[name][0] for name, answer in sixteen().items() if answer.tolist() == [0, 6]}
    assert headings == {"what made it up?", "compared with what?"} and value("sixteen.same") == 4


def test_eight_suspects_then_four_whatever_picture_comes():
    answers = [list(sixteen(mx.exact(x)).values()) for x in ((3, 8), (10, 6), (9, 1), (2, 7))]
    table = np.array(answers).swapaxes(0, 1)
    report = table[list(ASKED).index("LRP-0")]
    counts = [int(KNOWN["consistent_methods"].solution(report[:n], table[:, :n]).sum()) for n in (1, 2, 3, 4)]
    assert counts == [8, 4, 4, 4] and "One picture leaves eight suspects, two leave four" in PROSE


@pytest.mark.parametrize("wiring", [1, 2])
def test_four_methods_are_one_formula_without_biases(wiring):
    for x in mx.exact(np.random.default_rng(wiring).integers(1, 20, (20, 2))):
        found = sixteen(x, wiring)
        assert all((found[name] == found["LRP-0"]).all() for name in SHARE_OUT)


def test_a_bias_parts_them_exactly_if_the_second_relu_switches_on_the_way():
    judge = KNOWN["one_formula"].judge
    for x1, x2, b in np.random.default_rng(0).integers(-6, 12, (60, 3)).tolist():
        x1, x2 = abs(x1), abs(x2)
        black, here = b, x1 - x2 + b
        if b == 0 or x1 - max(here, 0) <= 0:
            continue
        ends = max(black, 0) + max(here, 0)  # the second ReLU on both ends; between them it is a straight line
        on = F(0) if not ends else F(ends, abs(black) + abs(here))
        assert (judge(((x1, x2), b)) is None) == (on != (here > 0)), (x1, x2, b)


def test_half_of_the_sixteen_describe_the_program():
    assert len(stay()) == value("sixteen.stay") == 8
    assert stay(TIE) == ["occlusion", "LIME", "RevealCancel"] and "half of them describe the function" in PROSE
    assert KNOWN["rewired"].answer == "C" and KNOWN["rewired"].options["C"] == "eight"


def test_at_the_tie_all_three_walks_turn_round():
    one, other = sixteen(TIE, 1), sixteen(TIE, 2)
    for name in ("gradient", "DeconvNet", "guided"):
        assert one[name].tolist() == [1, 0] and other[name].tolist() == [0, 1]
    assert book.figures.wirings(TIE).widget.state["x"] == [10, 10]


@needs_node
@pytest.mark.parametrize("wiring", [1, 2])
def test_the_page_says_at_the_tie_what_the_engine_says(tmp_path, wiring):
    found = node(tmp_path, "wirings", f"it.walks([10, 10], it.wirings()[{wiring - 1}])")
    assert found["score"] == 10
    assert all(found[name] == sixteen(TIE, wiring)[name].tolist() for name in ("gradient", "DeconvNet", "guided"))


# -- eight maps --------------------------------------------------------------------------------------------------------


def test_the_eight_maps_behave_as_the_verdicts_say():
    _, classes, maps = ch18.eight_maps()
    alike = {EIGHT: float(np.corrcoef(a.ravel(), b.ravel())[0, 1]) for EIGHT, (a, b) in maps.items()}
    by_name = {ch18.EIGHT[letter][0]: alike[letter] for letter in alike}
    assert by_name["fem"] == pytest.approx(1, abs=1e-12) and min(by_name, key=by_name.get) == "lrp-0"
    assert by_name["lrp-alphabeta"] > 0.95 and by_name["guided-backprop"] > by_name["gradient"]
    dark = {ch18.EIGHT[k][0]: float((m[0] < 0.05).mean()) for k, m in maps.items()}
    assert dark["smoothgrad"] < dark["guided-backprop"] > dark["scrambled"] and dark["smoothgrad"] < 0.1
    alt = ch18.eight().alt
    assert all(f"{letter}: {classes[0]}" in alt for letter in "ABCDEFGH")
    assert not any(name in alt for name in ("fem", "gradient", "guided", "scrambled"))


def test_every_name_is_asked_for_and_confusions_are_told_apart():
    naming = KNOWN["name_the_map"]
    assert isinstance(naming, Naming) and sorted(naming.answer) == list("ABCDEFGH")
    assert all(name in naming.ask for name in naming.answer.values())
    assert check(naming, ...).passed is None and check(naming, dict(naming.answer)).passed is True
    for pair, sentence in naming.confusions.items():
        one, other = (next(k for k, v in naming.answer.items() if v == name) for name in sorted(pair))
        swapped = naming.answer | {one: naming.answer[other], other: naming.answer[one]}
        verdict = check(naming, swapped)
        assert verdict.passed is False and sentence in verdict.sentence
        assert verdict.sentence.startswith(f"6 of 8 are right; look again at {', '.join(sorted((one, other)))}.")
    wanted = [("gradient", "guided-backprop"), ("lrp-alphabeta", "grad-cam"), ("fem", "grad-cam")]
    assert all(frozenset(pair) in naming.confusions for pair in [*wanted, ("smoothgrad", "guided-backprop")])
    assert check(naming, {"A": "fem"}).rung == "interface"


# -- the ladder --------------------------------------------------------------------------------------------------------


def test_the_ladder_says_in_words_what_it_draws():
    alt = ch18.ladder().alt
    for question, _, out in ch18.LADDER:
        assert question in alt and out.replace("\n", " ") in alt
    assert alt.count("Otherwise:") == len(ch18.LADDER) == 7
    chapters = re.findall(r"\d\d", " ".join(out for _, _, out in ch18.LADDER) + ch18.LAST)
    assert set(chapters) <= {number.stem[:2] for number in source.paths()}


# -- the page's numbers ------------------------------------------------------------------------------------------------


def healthy(clinic, x):
    return clinic(x).argmax(axis=1) == 0


def test_nearly_all_lesions_that_are_painted_over_turn_healthy_and_none_elsewhere(clinic, found):
    x, masks = found
    assert len(x) == 100 and not healthy(clinic, x).any()
    assert 90 <= healthy(clinic, ch18.painted_over(x, masks)).sum() < 100
    other = ch18.elsewhere(masks)
    room = other.any(axis=(1, 2))
    assert 60 <= room.sum() < 100 and not healthy(clinic, ch18.painted_over(x[room], other[room])).any()
    assert "elsewhere, the paint turned no decision" in PROSE and 0.96 ** room.sum() < 0.1  # "a few in a hundred"


def test_paint_stays_where_it_is_put_and_the_control_has_its_form(found):
    x, masks = found
    other = ch18.elsewhere(masks)
    painted = ch18.painted_over(x[:5], masks[:5])
    for before, after, mask in zip(x, painted, masks, strict=False):
        changed = (before != after)[0]
        rows, columns = np.nonzero(mask)
        inside = np.zeros_like(mask)
        inside[max(rows.min() - 3, 0) : rows.max() + 4, max(columns.min() - 3, 0) : columns.max() + 4] = True
        assert changed.any() and not (changed & ~inside).any() and len(np.unique(after[0][changed])) == 1
    for mask, free in zip(masks, other, strict=True):
        assert free.sum() in (0, mask.sum()) and not (free & mask).any()
    assert (ch18.painted_over(x[:1], masks[:1]) != x[:1]).any() and np.array_equal(
        x, ch18.hundred_found(mx.load("lesion"))[0]
    )


def test_fem_stays_most_alike_and_the_gradient_least(clinic, found):
    x, lost = found[0], book.scrambled(clinic)
    alike, like_the_scan = {}, {}
    for name in ("lrp-composite", "gradient", "fem"):
        before, after = (mx.explain(network, x, name, target=1).map for network in (clinic, lost))
        alike[name] = likeness(before, after)
        like_the_scan[name] = [likeness(m, x[:, 0]).mean() for m in (before, after)]
    assert alike["fem"].mean() > alike["lrp-composite"].mean() + 0.1 > alike["gradient"].mean() + 0.2
    assert KNOWN["forgets_last"].answer == "C"
    trained, lost_ = like_the_scan["lrp-composite"]
    assert lost_ > trained - 0.03 and like_the_scan["fem"][1] > 0.3 < lost_
    assert "FEM's and LRP's maps still follow the bright tissue, LRP's no less than before" in PROSE


def test_an_exception_is_rare_and_the_loop_of_the_hint_finds_it():
    leads = [ch18.leads(n) for n in range(151, 201, 2)]
    kept = [n for n, both in zip(range(151, 201, 2), leads, strict=True) if min(both) > 0]
    assert 177 in kept and len(kept) < 6
    assert "min(leads(n)) > 0" in KNOWN["an_exception"].clues[1]
    before, after = ch18.leads(2)
    assert before == after  # nothing to paint over


def test_too_few_lesions_are_refused(clinic):
    blind = mx.Network.sequential([*(node.op for node in clinic.nodes[:-1]), mx.Linear(np.zeros((2, 24), np.float32))])
    with pytest.raises(ValueError, match="finds only 0 lesions"):
        ch18.hundred_found(blind, 3)


# -- verdicts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", sorted({e.section for e in EXPERIMENTS.values()}))
def test_the_readers_rule_gives_every_stored_verdict(section):
    lines = ch18.verdicts(KNOWN["verdict"].solution, section).splitlines()
    outcomes = ch18.of_section(section)
    assert len(lines) == len(outcomes)
    for line, o in zip(lines, outcomes, strict=True):
        assert o == stored(o.claim.name) and line.startswith(o.verdict) and o.claim.name in line
        assert ch18.verdicts_of(o, KNOWN["verdict"].solution) == [s.verdict for s in o.statements]


def test_whoever_takes_the_sign_of_the_middle_is_recognised():
    verdict = check(KNOWN["verdict"], lambda low, high, border: np.sign((low + high) / 2 - border))
    assert verdict.diagnosis.name == "the middle decides"


def test_another_rule_gives_other_verdicts():
    wrong = {w.name: w.function for w in KNOWN["verdict"].wrong}
    right = ch18.verdicts(KNOWN["verdict"].solution)
    assert ch18.verdicts(wrong["the middle decides"]) != right != ch18.verdicts(wrong["compared with 0"])
    nothing = ch18.verdicts(lambda *given: np.full(len(given[0]), np.nan))
    assert all(line.startswith("inconclusive") for line in nothing.splitlines())


def test_some_claims_are_refuted_as_the_last_question_says():
    verdicts = {stored(name).verdict for name, e in EXPERIMENTS.items() if e.section == "7"}
    assert {"confirmed", "refuted"} <= verdicts and KNOWN["what_a_cell_shows"].answer == "B"


# -- the page ----------------------------------------------------------------------------------------------------------

FULL = {
    "question": "What if?", "user": "the patient", "methods": ("lrp-0", "gradient"), "intervention": "painted over",
    "check": "likeness 0.33 (0.31 to 0.35)", "signed": "Healthy: 0.96 (0.92 to 0.99) of them.", "refused": "It is so.",
}  # fmt: skip


def test_a_full_page_is_ready_and_says_everything():
    page = ch18.Page(**FULL)
    assert page.ready and page.missing == [] and "in form" in repr(page)
    assert all(text in page._repr_html_() for text in ("What if?", "0.96 (0.92 to 0.99)", "lrp-0, gradient"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"refused": " "}, "refused is empty"),
        ({"methods": ("lrp-0", "lrp-0")}, "name two methods"),
        ({"check": "looked at it"}, "the check has no interval"),
        ({"signed": "Nearly all of them."}, "the signed sentence has no number with its interval"),
        ({"signed": "It always turns: 0.96 (0.92 to 0.99)."}, "'always' in the signed sentence"),
        ({"signed": "This proves it: 0.96 (0.92 to 0.99)."}, "'proves' in the signed sentence"),
    ],
)
def test_what_a_page_lacks_is_said(change, said):
    page = ch18.Page(**FULL | change)
    assert not page.ready and len(page.missing) == 1 and said in page.missing[0] and said in repr(page)


def test_a_page_escapes_what_is_typed_on_it():
    assert "<b>" not in ch18.Page(**FULL | {"user": "<b>me</b>"})._repr_html_()


# -- the game, and the plan --------------------------------------------------------------------------------------------


def test_nine_of_ten_beat_the_coin_often_enough():
    assert [a_coin_gets(k) for k in (0, 7, 8, 9)] == [1, F(11, 64), F(7, 128), F(11, 1024)]
    assert a_coin_gets(9) < F(1, 20) < a_coin_gets(8) and a_coin_gets(6) > F(1, 3)
    assert KNOWN["better_than_a_coin"].options[KNOWN["better_than_a_coin"].answer] == "nine"


def test_the_game_is_another_one_than_in_chapter_01():
    ours, theirs = book.figures.who_cheats(seed=18, method="grad-cam"), book.figures.who_cheats()
    rounds = ours.widget.state["rounds"]
    assert len(rounds) == 10 and {r["cheats"] for r in rounds} == {True, False}
    assert [r["picture"] for r in rounds] != [r["picture"] for r in theirs.widget.state["rounds"]]


def typed(id):
    return next(one["answer"] for one in plans.read(CHAPTER).exit if one["id"] == id)


def test_the_answers_that_the_plan_types():
    away = mx.exact([6, 10])
    found = sixteen(away)
    assert [found[k].tolist() for k in ("gradient", "LRP-0", "RevealCancel")] == [[1, 0], [6, 0], [3, 3]]
    assert {"gradient", "LRP-0", "RevealCancel"} <= set(stay(away)) and "$(6, 0)$" in typed("whose_question")
    answers = {name: v.tolist() for name, v in four(book.TWO_PIXELS, -2).items()}
    assert answers == {
        "gradient x picture": [0, 6], "LRP-0": [0, 6], "integrated gradients": [5, 3], "Rescale": [5, 3],
    }  # fmt: skip
    assert "$(0, 6)$" in typed("how_many_votes") and "$(5, 3)$" in typed("how_many_votes")
    low, high, border = mx.exact([F(1, 2), -2, -3, 1]), mx.exact([2, 1, -1, 3]), mx.exact([0, F(-1, 2), F(1, 2), 1])
    assert KNOWN["verdict"].solution(low, high, border).tolist() == [1, 0, -1, 0]
    assert value("sixteen.bias_path").sum() == 7
