"""Lesson plans: minutes add up, names exist, every objective is practised and asked; what they claim is computed."""

import shutil
import subprocess
from fractions import Fraction as F

import numpy as np
import pytest

import minixai as mx
from minixai import book
from minixai.book import exercises, source
from minixai.book.numbers import value
from minixai.book.teaching import plans

CHAPTERS = {path.stem[:2]: source.read(path) for path in source.paths()}
PLANNED = [n for n in CHAPTERS if (plans.FOLDER / f"{n}.toml").exists()]
GOOD = (plans.FOLDER / "06.toml").read_text(encoding="utf-8")


def committed():
    """The numbers of the chapters whose source git knows; all of them where there is no git."""
    if shutil.which("git") is None or not (source.FOLDER.parents[2] / ".git").exists():
        return set(CHAPTERS)
    said = subprocess.run(
        ["git", "ls-files", "."], cwd=source.FOLDER, capture_output=True, text=True, check=True
    ).stdout
    return {name[:2] for name in said.split()} & set(CHAPTERS)


def test_every_chapter_has_a_plan():
    assert committed() - set(PLANNED) == set()


@pytest.mark.parametrize("number", PLANNED)
def test_a_plan_fits_its_chapter(number):
    plan = plans.read(CHAPTERS[number])
    assert plan is not None and len(plan.objectives) == len(CHAPTERS[number].about["objectives"])
    for says, practised, asked in plans.practised(plan):
        assert says and practised and asked
    assert sum(slot["minutes"] for slot in plan.slots) >= 30


@pytest.mark.parametrize("number", PLANNED)
def test_a_plan_uses_the_chapter(number):
    """Every function and every live figure of the core has its minutes; at least three wrong answers are prepared."""
    chapter, plan = CHAPTERS[number], plans.read(CHAPTERS[number])
    used = {id for segment in plan.segments for id in segment.get("exercises", ())}
    core = "\n".join(c.text for c in chapter.cells if c.kind == "code" and "deeper" not in c.tags)
    homework = " ".join(slot["homework"] for slot in plan.slots)
    for id in exercises.of(chapter.name):
        assert id in used or f'("{id}"' not in core or f"`{id}`" in homework, f"{id} has no minute and is no homework"
    figures = {name for segment in plan.segments for name in segment.get("figures", ())}
    assert figures >= {name for name in plans.figure_names(chapter) if f"book.figures.{name}(" in core}
    assert sum(len(segment.get("expect", ())) for segment in plan.segments) >= 3


@pytest.mark.parametrize("number", PLANNED)
def test_its_own_exit_questions_do_not_answer_themselves(number):
    for one in plans.read(CHAPTERS[number]).exit:
        assert one["answer"] not in one["ask"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from = 8\nto = 25", "from = 9\nto = 25", "minute 8 is followed by minute 9"),
        ("minutes = 90", "minutes = 80", "the segments end at minute 90; expected 80"),
        ("from = 0\nto = 8", "from = 0\nto = 40", "lasts 40 minutes; expected 1 to 25"),
        ('heading = "Two pixels"', 'heading = "Two pixel"', "there is no heading 'Two pixel'; did you mean Two pixels"),
        ('figures = ["gates"]', 'figures = ["gate"]', "there is no figure 'gate'; did you mean gates"),
        ('["which_pixel", "A"]', '["which_pixel", "B"]', "there is no wrong answer of which_pixel 'B'"),
        ('exit = "sharp_map"', 'exit = "sharp"', "there is no exit question 'sharp'; did you mean sharp_map"),
        ('exercises = ["other_class", "surer"]\nexit', "exercises = []\nexit", "no exercise practises 'test with an"),
        ('says = "say which of', 'says = "Say which of', "the objectives are not those of the chapter"),
        ("if_short", "if_shrt", "slots 1 lacks 'if_short'"),
        ("lines = 5", 'lines = "5"', "'lines' is '5'; expected int"),
        ("{{min.picture}}", "{{min.pictur}}", "there is no number called 'min.pictur'"),
        ("[worksheet]", "[worksheet", "06.toml is no TOML"),
    ],
)  # fmt: skip
def test_a_plan_that_is_wrong_is_refused_with_a_sentence(old, new, said, tmp_path):
    assert old in GOOD
    (tmp_path / "06.toml").write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError) as raised:
        plans.read(CHAPTERS["06"], tmp_path)
    assert said in str(raised.value) and str(raised.value).startswith("06.toml")


def test_a_chapter_without_a_plan_has_none(tmp_path):
    assert plans.read(CHAPTERS["06"], tmp_path) is None


# -- the answers that a plan types instead of computing ----------------------------------------------------------------


def typed(number, id):
    """The answer of one of the plan's own exit questions."""
    return next(one["answer"] for one in plans.read(CHAPTERS[number]).exit if one["id"] == id)


def right(number, id, *case):
    return exercises.of(number)[id].solution(*case)


def test_answers_of_00_to_03():
    assert list(right("00", "contribution", mx.exact([2, -5]), mx.exact([4, 1]))) == [8, -5]
    assert "(8, -5)" in typed("00", "new_line")
    assert list(right("01", "cue_effect", mx.exact([[4, 0], [3, -1]]))) == [4, 1]
    assert right("01", "background_share", mx.exact([[2, -2], [1, 3]]), mx.exact([[0, 0], [1, 1]])) == F(1, 2)
    w, x = mx.exact([[2, 1, 4]]), mx.exact([1, 1, F(1, 2)])
    costs = [(w[0] * (x - np.where([i in (k, k + 1) for i in range(3)], F(1, 2), x))).sum() for k in (0, 1)]
    assert costs == [F(3, 2), F(1, 2)] and sum(costs) / 2 == 1
    found = right("03", "conv2d", value("pocket.picture"), mx.exact([[0, 1], [2, -1]]), 1)
    assert found.tolist() == [[2, 0], [6, 3]] and "`[[2, 0], [6, 3]]`" in typed("03", "new_filter")
    assert right("03", "output_size", 64, 3, 1, 1) == 64 and right("03", "output_size", 64, 2, 2, 0) == 32


def test_answers_of_04_to_07():
    found = right("04", "conv_backward", mx.exact([[0, 2], [1, 0]]), mx.exact([[1, 2], [3, 4]]))
    assert found.tolist() == [[0, 2, 4], [1, 8, 8], [3, 4, 0]] and str(found.astype(int).tolist()) in typed(
        "04", "two_strokes"
    )
    R = mx.exact([[-1, 0], [3, -6]])
    assert right("05", "signed_to_unit", R).tolist() == [[F(-1, 6), 0], [F(1, 2), -1]]
    both = mx.exact([[[2, -3]], [[-2, 1]]])
    kinds = exercises.of("05")["heatmap"].cases
    slopes, contributions = (next(c[0] for c in kinds if c[0].startswith(first)) for first in ("s", "c"))
    assert right("05", "heatmap", slopes, both).tolist() == [[F(2, 3), 1]]
    assert right("05", "heatmap", contributions, both).tolist() == [[0, 0]]
    y, R = mx.exact([2, -1, 3, 0]), mx.exact([-1, 4, 2, 5])
    gates = {kind: right("06", "relu_backward", kind, y, R).tolist() for kind in ("gradient", "deconvnet", "guided")}
    assert gates == {"gradient": [-1, 0, 2, 0], "deconvnet": [0, 4, 2, 5], "guided": [0, 0, 2, 0]}
    for kind in gates:
        assert right("06", "walk_two_layers", kind, mx.exact([6, 10]), mx.exact([1, -1])).tolist() == [1, 0]

    def sensor(z):
        return mx.exact([1, 1]) if z.sum() < 1 else mx.exact([0, 0])

    dark = mx.exact([0, 0])
    assert right("07", "integrated_gradients", sensor, mx.exact([1, 1]), dark, 4).tolist() == [F(1, 2), F(1, 2)]
    two = right("07", "integrated_gradients", sensor, mx.exact([2, 1]), dark, 2)
    assert two.tolist() == [1, F(1, 2)] and two.sum() - 1 == value("lamps.gap2")


def test_answers_of_08_to_17():
    assert right("08", "noise_level", mx.exact([2, -2, 6]), F(1, 10)) == F(4, 5)
    assert right("08", "noise_level", mx.exact([-1, 0, 3]), F(15, 100)) == F(3, 5)
    A, slopes = mx.exact([[[2, 0], [0, 2]]]), mx.exact([[[3, -1], [-1, -1]]])
    assert (A * slopes).sum() == 4 and slopes.mean() == 0 and not right("09", "grad_cam", A, slopes).any()
    maps = np.array([[[0, 0], [0, 8]], [[1, 3], [1, 3]]], float)
    assert right("13", "fem", maps, 1).tolist() == [[0, 2], [0, 4]]
    clip = np.array([[0, 0, 0, 2], [0, 0, 0, 6]], float)
    assert (clip >= clip.mean() + clip.std()).sum() == 1
    assert (clip >= clip.mean(axis=1, keepdims=True) + clip.std(axis=1, keepdims=True)).sum() == 2
    neuron = mx.Network.sequential([mx.Linear(mx.exact([[3, -1]]), mx.exact([1]))])

    def shared(method, **params):
        return mx.explain(neuron, mx.exact([1, 2]), method, target=0, **params).relevance.tolist()

    rules = shared("lrp-0"), shared("lrp-gamma", gamma=1), shared("lrp-alphabeta", alpha=1, beta=0)
    assert rules == ([3, -2], [2, F(-2, 3)], [F(3, 2), 0])
    assert shared("lrp-alphabeta", alpha=2, beta=1) == [3, -2]
    two = mx.exact([2])  # the neuron's own z; with R = 4 everything is twice as much
    assert [2 * share for share in shared("lrp-epsilon", eps=2)] == [3, -2] and neuron(mx.exact([1, 2])) == two
    full, empty = mx.exact([10, 10]), mx.exact([0, 0])
    kitchen = book.two_pixels()
    found = {
        rule: mx.explain(kitchen, full, f"deeplift-{rule}", baseline=empty) for rule in ("rescale", "revealcancel")
    }
    assert {rule: e.relevance.tolist() for rule, e in found.items()} == {"rescale": [10, 0], "revealcancel": [5, 5]}
    before = mx.explain(kitchen, mx.exact([10, F(999, 100)]), "deeplift-rescale", baseline=empty).relevance
    assert before.tolist() == [0, F(999, 100)]
    assert right("12", "rescale_multiplier", mx.exact([3]), mx.exact([-1])).tolist() == [F(3, 4)]
    a, w, b = mx.exact([1, 2]), mx.exact([2, -1]), 1
    top = a * (w + np.maximum(w, 0))
    shares = [(top * (a @ w + b) / (top.sum() + bias)).tolist() for bias in (2, 1, 0)]
    assert shares == [[1, F(-1, 2)], [F(4, 3), F(-2, 3)], [2, -1]]
    places = mx.exact([0, F(1, 4), 1])
    assert right("17", "trapezoid_weights", places).tolist() == [F(1, 8), F(1, 2), F(3, 8)]


def test_answers_of_14_and_15():
    coins = mx.exact([1, -1] * 200)
    assert F(1, 50) * abs(coins).sum() == 8 and F(1, 50) ** 2 * (coins * coins).sum() == F(2, 5) ** 2
    found = right("14", "fgsm", mx.exact([F(1, 10), F(1, 2), F(1, 2)]), mx.exact([-2, 0, F(1, 3)]), F(1, 4))
    assert found.tolist() == [0, F(1, 2), F(3, 4)] and "(0, 1/2, 3/4)" in typed("14", "one_step")
    found = right("14", "fgsm", mx.exact([F(9, 10), F(1, 2), F(1, 5)]), mx.exact([2, 0, F(-1, 2)]), F(1, 4))
    assert found.tolist() == [1, F(1, 2), 0]
    x, spot = mx.exact([9, 5, 4, 4, 3]), mx.exact([1, 0, 0, 0, 0])
    maps = mx.exact([6, 1, 0, 1, 0]), mx.exact([6, 5, 5, 4, 4]), x
    assert [m[0] / m.sum() for m in maps] == [F(3, 4), F(1, 4), F(9, 25)]
    assert [right("15", "auc", m, spot) for m in maps] == [1, 1, 1]
    R, first_two = mx.exact([9, 1, 5, 0, 1]), mx.exact([1, 1, 0, 0, 0])
    grades = [right("15", id, R, first_two) for id in ("auc", "iou_at", "sim_sums")]
    assert grades == [F(3, 4), F(1, 3), F(9, 16)]

    def score(x):
        return min(x[0], x[1]) + 2 * x[2]

    x, R = mx.exact([2, 5, 1]), mx.exact([4, 3, 1])
    assert [right("15", "deletion_drop", score, x, R, 2, F(fill)) for fill in (0, 2)] == [2, 0]
