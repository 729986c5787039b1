"""The desk of a chapter: declaring, checking, hints, solutions, guesses, swap-ins, progress."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from minixai import book
from minixai.book import chapters, progress


@pytest.fixture
def ch():
    return book.chapter("06_three_ways")


def right(kind, y, R):
    on, good = y > 0, R > 0
    return np.where({"gradient": on, "deconvnet": good, "guided": on & good}[kind], R, 0.0)


def exchanged(kind, y, R):
    return right({"gradient": "deconvnet", "deconvnet": "gradient"}.get(kind, kind), y, R)


def stub(kind, y, R):
    """The docstring of the stub."""
    raise NotImplementedError


def read(state, name="06_three_ways"):
    return json.loads((state / f"{name}.json").read_text())


# -- chapters and exercises --------------------------------------------------------------------------------------------


def test_a_chapter_is_known_by_number_and_by_name():
    assert book.chapter("06").name == book.chapter("06_three_ways").name == "06_three_ways"


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: book.chapter("06_tree_ways"), "no chapter '06_tree_ways' with exercises; did you mean 06_three_ways"),
        (lambda: book.chapter(6), "there is no chapter 6"),
        (lambda: book.chapter("06").exercise("relu_backwards"), "no exercise 'relu_backwards'; did you mean relu_back"),
        (lambda: book.chapter("06")["walk"], "chapter 06_three_ways has no exercise 'walk'"),
        (lambda: book.chapter("06").exercise("relu_backward", kind="claim"), "is of kind 'function'; got kind='claim'"),
        (lambda: book.chapter("06").predict("relu_backward", 1, 2), "is of kind 'function', not 'predict'"),
        (lambda: book.chapter("06").observe("which_pixel", "A"), "is of kind 'predict', not 'observe'"),
        (lambda: book.chapter("06").yours("agree_and_differ"), "only a function can be swapped in"),
        (lambda: book.chapter("06")["relu_backward"].hint(4), "hint 4 does not exist; expected 1 to 3"),
    ],
)
def test_what_does_not_exist_is_refused_with_a_sentence(ask, sentence):
    with pytest.raises(ValueError) as refusal:
        ask()
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("misuse", "sentence"),
    [
        (lambda ch: ch.exercise("sharp_map")(stub), "asks for a choice: use .answer"),
        (lambda ch: ch.exercise("relu_backward").answer("A"), "asks for a function; put @ch.exercise over it"),
        (lambda ch: ch.exercise("relu_backward")("gradient", 1, 2), "has no function yet"),
        (lambda ch: ch["sharp_map"].hint(), "is a question; it has no hints"),
    ],
)
def test_the_wrong_way_of_answering_is_refused_with_a_sentence(misuse, sentence, ch):
    with pytest.raises(TypeError) as refusal:
        misuse(ch)
    assert sentence in str(refusal.value)


def test_the_decorated_function_keeps_its_name_and_works(ch):
    mine = ch.exercise("relu_backward", kind="function")(right)
    assert mine.__name__ == "right" and mine is ch["relu_backward"]
    assert mine("deconvnet", np.array([-1.0]), R=np.array([2.0])) == [2.0]


def test_an_error_of_the_readers_own_reaches_the_reader(ch):
    mine = ch.exercise("relu_backward")(lambda kind, y, R: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mine("gradient", 1, 2)


def test_run_all_never_dies_on_an_unfinished_exercise(ch, state):
    mine = ch.exercise("relu_backward")(stub)
    nothing = mine("gradient", np.ones(3), np.ones(3))
    assert repr(nothing) == "○ relu_backward is not written yet" and not nothing
    for value in (nothing + 1, 2 - nothing, nothing * 3, nothing / 2, -nothing, abs(nothing), nothing[0], nothing @ 1):
        assert repr(value) == repr(nothing)
    assert np.isnan(nothing) and np.isnan(np.asarray(nothing) + np.ones(3)).all() and np.isnan(float(nothing))
    assert mine.check().passed is None and repr(mine.check()).startswith("○ relu_backward: not attempted\n")
    assert not state.exists()


@pytest.mark.parametrize(
    ("function", "takes"), [(lambda y, R: R, "y, R"), (lambda kind, R, y: R, "kind, R, y"), (lambda *args: 0, "args")]
)
def test_arguments_that_differ_are_the_first_thing_said(function, takes, ch):
    verdict = ch.exercise("relu_backward")(function).check()
    assert verdict.rung == "interface"
    assert verdict.sentence == f"Your function takes ({takes}); expected (kind, y, R)."


def test_arguments_may_have_other_names(ch):
    assert ch.exercise("relu_backward")(lambda k, went_in, arrives: right(k, went_in, arrives)).check().passed


def test_an_exercise_that_is_not_declared_is_not_attempted(ch):
    assert ch["walk_two_layers"].check().passed is None


def test_a_pass_shows_the_solution_beside_the_readers_code(ch):
    verdict = ch.exercise("relu_backward")(right).check()
    assert verdict.passed and "def right(kind, y, R):" in verdict.yours
    assert verdict.solution.startswith("def relu_backward(kind, y, R):") and "good_news" in verdict.solution
    page = verdict._repr_html_()
    assert "<strong>yours</strong>" in page and "<strong>the book&#x27;s</strong>" in page


def test_a_failure_shows_no_solution(ch):
    verdict = ch.exercise("relu_backward")(exchanged).check()
    assert not verdict.solution and "good_news" not in repr(verdict) + verdict._repr_html_()


def test_a_graded_chapter_insists_on_the_convention():
    def lenient(kind, y, R):
        return np.where({"gradient": y >= 0, "deconvnet": R > 0, "guided": (y >= 0) & (R > 0)}[kind], R, 0.0)

    at_home = book.chapter("06").exercise("relu_backward")(lenient).check()
    in_class = book.chapter("06", graded=True).exercise("relu_backward")(lenient).check()
    assert at_home.passed and "With another convention than the survey's" in at_home.sentence
    assert in_class.passed is False and in_class.diagnosis.label == "convention"


# -- hints and solutions -----------------------------------------------------------------------------------------------


def test_hints_come_one_by_one_and_stay_at_the_third(ch):
    mine = ch.exercise("relu_backward")(stub)
    texts = [mine.hint().text for _ in range(4)]
    assert texts == [*ch["relu_backward"]._record.hints, texts[2]]
    assert "____" in texts[2] and "____" not in texts[0] + texts[1]
    assert mine.hint(1).text == texts[0] and mine.hint().text == texts[2]
    assert "<pre" in mine.hint(3)._repr_html_() and "Hint 1 of 3" in mine.hint(1)._repr_html_()


def test_hints_are_remembered_in_the_next_session(ch):
    ch["relu_backward"].hint()
    assert book.chapter("06")["relu_backward"].hint().number == 2


def test_the_solution_opens_after_a_pass(ch):
    mine = ch.exercise("relu_backward")(right)
    assert "After 3 more different attempts" in repr(mine.solution()) and "good_news" not in repr(mine.solution())
    mine.check()
    assert "good_news" in repr(mine.solution()) and "good_news" in mine.solution()._repr_html_()


def test_the_solution_opens_after_three_attempts_that_differ(ch):
    def first(kind, y, R):
        return R

    def first_again(kind, y, R):
        """Another docstring, other line breaks: the same code."""
        # and a comment
        return R

    def second(kind, y, R):
        return y

    for attempt in (first, first_again, second, first):
        ch.exercise("relu_backward")(attempt).check()
    closed = ch["relu_backward"].solution()
    assert "After one more different attempt, or now: .solution(show_me=True)" in repr(closed)
    assert "good_news" not in closed._repr_html_()
    ch.exercise("relu_backward")(lambda kind, y, R: y + 2 * R).check()
    assert "good_news" in repr(ch["relu_backward"].solution())


def test_the_solution_opens_on_request_and_that_is_noted(ch, state):
    assert "good_news" in repr(ch["relu_backward"].solution(show_me=True))
    assert read(state)["exercises"]["relu_backward"]["shown"] is True


def test_changing_a_number_makes_a_different_attempt():
    assert chapters.fingerprint(lambda x: 2 * x) != chapters.fingerprint(lambda x: 3 * x)
    assert chapters.fingerprint(lambda x: x.min()) != chapters.fingerprint(lambda x: x.max())
    assert chapters.fingerprint(lambda x: [2 * v for v in x]) != chapters.fingerprint(lambda x: [3 * v for v in x])
    assert chapters.fingerprint(lambda x: 2 * x) == chapters.fingerprint(lambda y: 2 * y)


def test_an_attempt_is_the_same_in_every_session():
    """Also where the compiled code holds a set, whose order differs from process to process."""
    code = (
        "from minixai.book.chapters import fingerprint\n"
        "print(fingerprint(lambda kind: kind in {'gradient', 'deconvnet', 'guided', 'lrp'}))"
    )
    runs = (
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True)
        for seed in "123"
    )
    found = {run.stdout for run in runs}
    assert len(found) == 1 and len(found.pop().strip()) == 16


# -- guesses and choices -----------------------------------------------------------------------------------------------


def test_a_prediction_waits_is_noted_and_is_revealed(ch, state):
    asked = ch.predict("which_pixel", ..., confidence=...)
    assert asked.passed is None and "(10, 6)" in asked.sentence and "{{" not in asked.sentence and not state.exists()
    assert "You have not guessed yet." in ch.reveal("which_pixel").sentence
    noted = ch.predict("which_pixel", ("B", "C"), confidence=3)
    assert noted.rung == "noted" and "Right" not in repr(noted)
    assert "right" not in repr(ch.progress()).lower()
    told = ch.reveal("which_pixel")
    assert told.passed and told.sentence.startswith("Your guess: ['B', 'C']. The gradient is (0, 1).")


def test_the_first_guess_counts(ch):
    ch.predict("which_pixel", "A", confidence=1)
    ch.predict("which_pixel", ("B", "C"), confidence=3)
    assert ch.reveal("which_pixel").passed is False


def test_a_prediction_about_numbers_is_told_at_once(state):
    ch = book.chapter("04")
    wrong = ch.predict("fork", (-1, 1), confidence=3)
    assert wrong.passed is False and "overwritten, not added" in wrong.sentence
    assert wrong.sentence.endswith("Read again: Forks add.")
    assert read(state, ch.name)["answers"]["fork"] == {"first": [-1.0, 1.0], "confidence": 3, "right": False}
    ch.predict("paint_one", "A", confidence=2)
    assert "Predictions: 1 of 2 right; sure and wrong: 1." in repr(ch.progress())
    assert ch.reveal("fork").passed is False


@pytest.mark.parametrize("confidence", [..., 0, 4, "sure", None])
def test_a_guess_needs_a_confidence(confidence, ch, state):
    verdict = ch.predict("which_pixel", "A", confidence)
    assert verdict.rung == "interface" and "expected 1 (a coin), 2 or 3 (sure)" in verdict.sentence
    assert not state.exists()


def test_a_strange_option_is_not_a_guess(ch, state):
    assert ch.predict("which_pixel", "Q", 2).rung == "interface" and not state.exists()


def test_predictions_can_be_switched_off(ch, state, monkeypatch):
    monkeypatch.setenv("MINIXAI_PREDICT", "0")
    assert "switched off" in ch.predict("which_pixel", "A", 2).sentence and not state.exists()


def test_observe_and_claim(ch, state):
    assert ch.observe("other_wiring").passed is None and not state.exists()
    assert ch.observe("other_wiring", ("B", "C")).passed
    claim = ch.exercise("sharp_map", kind="claim")
    assert claim.answer().passed is None and claim.answer("A").passed is False and claim.answer("B").passed
    assert [a["rung"] for a in read(state)["exercises"]["sharp_map"]["attempts"]] == ["cases", "passed"]


# -- swap-in -----------------------------------------------------------------------------------------------------------

Y, R = np.array([3.0, -1.0]), np.array([2.0, 5.0])


def test_before_a_pass_the_reference_is_drawn_and_labelled_so(ch):
    ch.exercise("relu_backward")(exchanged).check()
    f = ch.yours("relu_backward")
    assert f.label == "reference" and f("gradient", Y, R).tolist() == [2, 0]
    assert ch.yours("relu_backward", lambda f: f.label) == "reference"


def test_after_a_pass_it_is_the_readers_own(ch):
    calls = []

    def mine(kind, y, R):
        calls.append(kind)
        y *= 2  # on a copy
        return right(kind, y, R)

    ch.exercise("relu_backward")(right).check()
    assert ch.yours("relu_backward").label == "yours"
    ch._note(lambda known: progress.of_exercise(known, "relu_backward")["passed"].append(chapters.fingerprint(mine)))
    ch.exercise("relu_backward")(mine)
    assert ch.yours("relu_backward", lambda f: (f.label, f("gradient", Y, R).tolist())) == ("yours", [2, 0])
    assert calls == ["gradient"] and Y.tolist() == [3, -1]


def test_a_pass_holds_in_the_next_session_but_not_for_other_code(ch):
    ch.exercise("relu_backward")(right).check()
    later = book.chapter("06")
    assert later.yours("relu_backward").label == "reference"  # not declared yet
    later.exercise("relu_backward")(right)
    assert later.yours("relu_backward").label == "yours"
    later.exercise("relu_backward")(exchanged)
    assert later.yours("relu_backward").label == "reference"


@pytest.mark.parametrize("trouble", ["loop", "error"])
def test_a_figure_falls_back_to_the_reference_and_says_why(trouble, ch, monkeypatch):
    monkeypatch.setattr(chapters, "SECONDS", 0.3)

    def large_is_trouble(kind, y, R):
        while len(y) > 5 and trouble == "loop":
            pass
        return right(kind, y, R) if len(y) < 6 else 1 / 0

    ch.exercise("relu_backward")(large_is_trouble).check()
    drawn = []

    def draw(f):
        drawn.append(f.label)
        return f.label, f("gradient", np.arange(-3.0, 7), np.ones(10)).sum()

    label, total = ch.yours("relu_backward", draw)
    reasons = {"loop": "took more than 0.3 seconds", "error": "stopped with ZeroDivisionError: division by zero"}
    reason = reasons[trouble]
    assert label == f"reference (yours {reason})" and total == 6 and drawn == ["yours", label]


# -- progress ----------------------------------------------------------------------------------------------------------


def test_progress_is_a_table_of_everything(ch):
    ch.exercise("relu_backward")(exchanged).check()
    ch.exercise("relu_backward")(right).check()
    ch.exercise("walk_two_layers")(lambda kind, x, head: x).check()
    lines = repr(ch.progress()).splitlines()
    assert lines[0] == "Chapter 06_three_ways"
    rows = dict(line.split(maxsplit=1) for line in lines[1:])
    assert list(rows) == list(ch._known)
    assert "passed after 2 attempts" in rows["relu_backward"] and "1 different attempt" in rows["walk_two_layers"]
    assert sum("not yet" in row for row in rows.values()) == len(rows) - 2
    page = ch._repr_html_()
    assert page.count("<tr>") == 1 + len(rows) and '<th scope="col">state</th>' in page and "<caption>" in page


def test_what_is_stored_is_enough_for_the_statistics_and_no_more(ch, state):
    mine = ch.exercise("relu_backward")(exchanged)
    mine.check()
    mine.check()
    stored = read(state)["exercises"]["relu_backward"]
    (attempt,) = stored["attempts"]
    assert attempt == {
        "code": chapters.fingerprint(exchanged), "rung": "cases", "matched": "gradient and deconvnet exchanged",
    }  # fmt: skip
    assert "def exchanged" not in (state / "06_three_ways.json").read_text()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"version": 2, "exercises": {}, "answers": {}}', b"[" * 100_000,
        b'{"version": 1, "exercises": {"relu_backward": 7}, "answers": {}}',
        b'{"version": 1, "exercises": {"relu_backward": {"attempts": [{}], "passed": [], "hints": 0, "shown": false}},'
        b' "answers": {}}',
        b'{"version": 1, "exercises": {}, "answers": {"fork": 1}}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_put_aside_with_a_sentence(content, state, capsys):
    state.mkdir()
    (state / "06_three_ways.json").write_bytes(content)
    ch = book.chapter("06")
    assert "was damaged; it is kept as 06_three_ways.damaged.json" in capsys.readouterr().out
    assert (state / "06_three_ways.damaged.json").read_bytes() == content
    assert ch.exercise("relu_backward")(right).check().passed
    assert read(state)["exercises"]["relu_backward"]["passed"]


def test_a_folder_that_cannot_be_written_costs_a_sentence_and_nothing_else(state, capsys):
    state.write_text("a file stands where the folder should be")
    ch = book.chapter("06")
    assert ch.exercise("relu_backward")(right).check().passed
    assert "could not be stored" in capsys.readouterr().out


def test_nothing_is_left_lying_about(ch, state):
    ch.exercise("relu_backward")(right).check()
    ch.predict("which_pixel", "A", 1)
    assert [p.name for p in state.iterdir()] == ["06_three_ways.json"]


def test_without_the_variable_it_is_the_systems_own_place(monkeypatch):
    monkeypatch.delenv("MINIXAI_STATE")
    import platformdirs

    assert str(progress.folder()) == platformdirs.user_state_dir("minixai", appauthor=False)
