"""The checker: from an answer to a verdict, rung by rung.

not attempted -> interface -> cases -> property -> independent oracle -> passed; a counterexample has "trivial" between
interface and property, an adapter between interface and cases.
"""

import time
import traceback
from collections.abc import Callable, Sequence
from copy import deepcopy
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from minixai.book.exercise import Adapter, Counterexample, Exercise, Function, Naming, Question, Refusal, Wrong
from minixai.book.guard import SECONDS, TookTooLong, within
from minixai.book.numbers import fill
from minixai.book.values import alike, as_floats, as_fractions, differences, numeric, parts, say, say_number
from minixai.book.verdict import Diagnosis, Verdict, arguments
from minixai.conformance import runner, vectors
from minixai.conformance.judge import Row
from minixai.conformance.vectors import Case

FRESH = 5  # so many cases are drawn for the property and the oracle
PROOFS = 2  # a misconception is named only if it is wrong, and matched, on so many cases
SEED = 8


class Attempt(NamedTuple):
    """What a reader's function did with one case."""

    value: Any = None
    error: Exception | None = None
    changed: tuple[str, ...] = ()  # arguments that it changed in place
    line: str = ""  # where it stopped

    @property
    def unfinished(self) -> bool:
        return isinstance(self.error, NotImplementedError)


def check(exercise: Exercise, answer: Any, graded: bool = False) -> Verdict:
    """The verdict on an answer: a function where the exercise asks for code, else the choice itself."""
    if isinstance(exercise, Function):
        return check_function(exercise, answer, graded)
    if isinstance(exercise, Counterexample):
        return check_counterexample(exercise, answer)
    if isinstance(exercise, Adapter):
        return check_adapter(exercise, answer)
    return check_choice(exercise, answer) if isinstance(exercise, Question) else check_names(exercise, answer)


def not_attempted(id: str, sentence: str = "Not attempted yet.") -> Verdict:
    return Verdict(id, "not attempted", sentence)


# -- functions ---------------------------------------------------------------------------------------------------------


def check_function(exercise: Function, function: Callable[..., Any], graded: bool = False) -> Verdict:
    """The whole ladder. ``graded``: a mere convention is refused instead of passed with a note."""
    attempts = attempt_all(exercise, function)
    if all(a.unfinished for a in attempts):
        return not_attempted(exercise.id)
    right = [exercise.solution(*as_fractions(case)) for case in exercise.cases]
    problems = [_interface(a, r) for a, r in zip(attempts, right, strict=True)]
    failed = [i for i, (a, r) in enumerate(zip(attempts, right, strict=True)) if problems[i] or not alike(a.value, r)]
    if failed:
        return _failed(exercise, attempts, right, problems, failed, graded)
    trouble = _on_fresh_cases(exercise, function)
    return _passed(exercise) if trouble is None else trouble


def attempt_all(exercise: Function, function: Callable[..., Any]) -> list[Attempt]:
    """The function on every case of the bank, all of them within the time limit."""
    end = time.monotonic() + SECONDS
    return [attempt(function, exercise.arguments, case, end - time.monotonic()) for case in exercise.cases]


def attempt(function: Callable[..., Any], names: Sequence[str], case: Sequence[Any], seconds: float) -> Attempt:
    """The function on float64 copies of one case."""
    given, kept = as_floats(tuple(case)), as_floats(tuple(case))
    try:
        value = within(seconds, function, *given)
    except Exception as error:  # whatever a reader's code raises is an answer of its own
        return Attempt(error=error, line=_line(error, function))
    changed = tuple(n for n, now, before in zip(names, given, kept, strict=True) if not _same(now, before))
    return Attempt(value, changed=changed)


def _same(now: Any, before: Any) -> bool:
    return not isinstance(now, np.ndarray) or np.array_equal(now, before)


def _line(error: Exception, function: Callable[..., Any]) -> str:
    """The reader's line that raised the error, if Python knows it."""
    code = getattr(function, "__code__", None)
    mine = [f for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename]
    return (mine[-1].line or "") if mine else ""


def _interface(a: Attempt, expected: Any) -> str:
    """What is wrong with the form of an answer, whatever its numbers; nothing if nothing is."""
    if isinstance(a.error, TookTooLong):
        return f"your function did not finish: {a.error}."
    if a.error is not None:
        where = f" at the line: {a.line}" if a.line else ""
        return f"your function stopped with {type(a.error).__name__}: {a.error}{where}."
    if a.changed:
        return f"your function changed its argument {' and '.join(a.changed)} in place; work on a copy."
    if a.value is None:
        return "your function returned None; is a return missing?"
    got, wanted = parts(a.value), parts(expected)
    if len(got) != len(wanted):
        return f"your function returned {len(got)} things; expected {len(wanted)}."
    return next(filter(None, map(_form, got, wanted)), "")


def _form(got: Any, expected: Any) -> str:
    if isinstance(expected, str):
        return "" if isinstance(got, str) else f"your function returned a {type(got).__name__}; expected text."
    array, wanted = numeric(got), numeric(expected)
    if array is None:
        return f"your function returned a {type(got).__name__}; expected numbers."
    if wanted is not None and array.shape != wanted.shape:
        return f"your function returned {_shape(array.shape)}; expected {_shape(wanted.shape)}."
    return ""


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _shape(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "a single number"


def _failed(
    exercise: Function, attempts: list[Attempt], right: list, problems: list[str], failed: list[int], graded: bool
) -> Verdict:
    matched = match(exercise, attempts, right)
    if matched is not None and matched.label == "convention" and not graded:
        return _passed(exercise, f"With another convention than the survey's: {matched.sentence}")
    first = next((i for i in failed if problems[i]), failed[0])
    diagnosis = _diagnosis(exercise, exercise.cases[first], attempts[first], right[first], len(failed), matched)
    if problems[first]:
        return Verdict(exercise.id, "interface", _capital(problems[first]), diagnosis)
    return Verdict(exercise.id, "cases", "The form is right, the numbers are not yet.", diagnosis)


def match(exercise: Function, attempts: Sequence[Attempt], right: Sequence[Any]) -> Wrong | None:
    """The wrong answer that gives what this one gives on all cases, if at least two of them are not right anyway."""
    if any(a.error is not None for a in attempts):
        return None
    for wrong in exercise.wrong:
        theirs = [wrong.function(*as_fractions(case)) for case in exercise.cases]
        same = all(alike(a.value, t) for a, t in zip(attempts, theirs, strict=True))
        if same and sum(not alike(t, r) for t, r in zip(theirs, right, strict=True)) >= PROOFS:
            return wrong
    return None


def _diagnosis(
    exercise: Function, case: tuple, a: Attempt, expected: Any, wrong_on: int, matched: Wrong | None
) -> Diagnosis:
    got, wanted = _shown(a.value), _shown(expected)
    return Diagnosis(
        arguments(exercise.arguments, case),
        _place(a, expected),
        wanted,
        got,
        wrong_on,
        len(exercise.cases),
        exercise.property.sentence,
        *(matched and (matched.name, matched.label, matched.sentence) or ()),
    )


def _shown(value: Any) -> Any:
    """Numbers as an array, so that they can be drawn; anything else as it is."""
    array = numeric(value) if len(parts(value)) == 1 else None
    return value if array is None else array


def _place(a: Attempt, expected: Any) -> str:
    """The first place that differs: position, what was expected, what came."""
    if a.error is not None:
        return f"expected {say(expected)}, yours gave no answer"
    for number, (got, wanted) in enumerate(zip(parts(a.value), parts(expected), strict=False), 1):
        x, y = numeric(got), numeric(wanted)
        which = f"part {number}, " if len(parts(expected)) > 1 else ""
        if x is None or y is None or x.shape != y.shape:
            if not alike(got, wanted):
                return f"{which}expected {say(wanted)}, yours is {say(got)}"
            continue
        for where, mine, right in differences(x, y):
            spot = f"at {list(where)} " if where else ""
            return f"{which}{spot}expected {say_number(right)}, yours is {say_number(mine)}"
    return f"expected {say(expected)}, yours is {say(a.value)}"


def _on_fresh_cases(exercise: Function, function: Callable[..., Any]) -> Verdict | None:
    """The property, then the oracle, on cases that stand in no bank; None if both hold."""
    rng = np.random.default_rng(SEED)
    fresh = [exercise.draw(rng) for _ in range(FRESH)]
    end = time.monotonic() + SECONDS
    broken = [case for case in fresh if not _holds(exercise, function, case, end - time.monotonic())]
    tries = [(case, attempt(function, exercise.arguments, case, end - time.monotonic())) for case in fresh]
    agrees = [a.error is None and alike(a.value, exercise.oracle.answer(*as_floats(c))) for c, a in tries]
    differs = [t for t, agreed in zip(tries, agrees, strict=True) if not agreed]
    if not broken and not differs:
        return None
    diagnosis = _diagnosed(exercise, *differs[0]) if differs else None
    if broken:
        example = "" if diagnosis else f" Try it with {arguments(exercise.arguments, broken[0])}."
        sentence = f"On the cases it is right, but this does not hold: {exercise.property.sentence}{example}"
        return Verdict(exercise.id, "property", sentence, diagnosis)
    sentence = f"On the cases it is right, but {exercise.oracle.name} disagrees on fresh numbers."
    return Verdict(exercise.id, "oracle", sentence, diagnosis)


def _diagnosed(exercise: Function, case: tuple, a: Attempt) -> Diagnosis:
    return _diagnosis(exercise, case, a, exercise.solution(*as_fractions(case)), 0, None)


def _holds(exercise: Function, function: Callable[..., Any], case: tuple, seconds: float) -> bool:
    def on_copies(*given: Any) -> Any:
        return function(*as_floats(given))

    try:
        return bool(within(seconds, exercise.property.holds, on_copies, *as_floats(case)))
    except Exception:  # it stopped on fresh numbers, or gave something that is no answer: then nothing holds
        return False


def _passed(exercise: Function | Counterexample, note: str = "") -> Verdict:
    return Verdict(exercise.id, "passed", note or "Right.")


# -- counterexamples ---------------------------------------------------------------------------------------------------


def check_counterexample(exercise: Counterexample, function: Callable[[], Any]) -> Verdict:
    """Whether what the function returns has the property that was asked for; trivial answers are refused."""
    a = attempt(function, (), (), SECONDS)
    if a.unfinished:
        return not_attempted(exercise.id)
    refusal = _stopped(a) or exercise.judge(a.value)
    return Verdict(exercise.id, refusal.rung, refusal.sentence) if refusal else _passed(exercise)


def _stopped(a: Attempt) -> Refusal | None:
    problem = _interface(a, a.value)
    return Refusal("interface", _capital(problem)) if a.error is not None or a.value is None else None


# -- adapters ----------------------------------------------------------------------------------------------------------


def check_adapter(exercise: Adapter, function: Callable[..., Any]) -> Verdict:
    """Asked the reference vectors: whether it answers what it must, and is never wrong about what it may decline."""
    cases = sorted(vectors.cases(only=exercise.only), key=lambda case: not fnmatchcase(case.id, exercise.must))
    end = time.monotonic() + SECONDS
    attempts = [attempt(function, exercise.arguments, (deepcopy(c.question),), end - time.monotonic()) for c in cases]
    if all(a.unfinished for a in attempts):
        return not_attempted(exercise.id)
    for case, a in zip(cases, attempts, strict=True):
        problem = _no_answer(a)
        if problem:
            may = "" if fnmatchcase(case.id, exercise.must) else " This case it may decline: return status 'skipped'."
            return Verdict(exercise.id, "interface", f"At {case.id} {problem}{may}")
    rows = _rows(cases, attempts)
    unread = [row for row in rows if row.status == "errored"]
    declined = [row for row in rows if row.status == "skipped" and fnmatchcase(row.id, exercise.must)]
    if unread:
        return Verdict(exercise.id, "interface", f"At {unread[0].id} your answer cannot be read: {unread[0].why}.")
    if declined:
        return Verdict(exercise.id, "trivial", f"It declines {declined[0].id}, which it has to answer.")
    said = f"{runner.summary(rows)}."
    if any(row.status == "failed" for row in rows):
        return Verdict(exercise.id, "cases", said, _adapters(exercise, cases, attempts, rows))
    return Verdict(exercise.id, "passed", said)


def _no_answer(a: Attempt) -> str:
    """What a function gave instead of an answer; nothing if it gave one."""
    if a.error is not None or a.value is None:
        return _interface(a, None)
    return "" if isinstance(a.value, dict) else f"your function returned a {type(a.value).__name__}; expected a dict."


def _rows(cases: Sequence[Case], attempts: Sequence[Attempt]) -> list[Row]:
    given = {case.id: a.value for case, a in zip(cases, attempts, strict=True)}
    return list(runner.run(lambda question: given[question["id"]], cases))


def _adapters(exercise: Adapter, cases: Sequence[Case], attempts: Sequence[Attempt], rows: Sequence[Row]) -> Diagnosis:
    """The first case that fails, and the wrong adapter that gives these numbers on all cases, if there is one."""
    failed = [k for k, row in enumerate(rows) if row.status == "failed"]
    mine = [_relevance(a.value) for a in attempts]
    known = [w for w in exercise.wrong if _same_numbers(mine, [_relevance(w.function(c.question)) for c in cases])]
    matched = known[0] if known and len(failed) >= PROOFS else None
    first, row = failed[0], rows[failed[0]]
    expected = cases[first].expected["relevance"]
    wanted = np.array(expected["float"]).reshape(expected["shape"])
    apart = "" if row.worst is None else f"{row.where} differs by {row.worst:.2g} of the largest number"
    return Diagnosis(
        cases[first].id,
        row.why or apart,
        wanted,
        mine[first],
        len(failed),
        len(cases),
        "every number within the case's tolerance of the one that was derived twice.",
        *(matched and (matched.name, matched.label, matched.sentence) or ()),
    )


def _relevance(answer: Any) -> Any:
    """The numbers of an answer; None where it declines."""
    said = answer.get("relevance") if answer.get("status") == "result" else None
    return None if said is None else np.array(said["values"], float).reshape(said["shape"])


def _same_numbers(mine: Sequence[Any], theirs: Sequence[Any]) -> bool:
    return all(a is b is None or alike(a, b) for a, b in zip(mine, theirs, strict=True))


# -- questions ---------------------------------------------------------------------------------------------------------


def check_choice(question: Question, answer: Any) -> Verdict:
    """Whether the right option (or numbers) was picked, and if not, what the choice suggests."""
    if unanswered(answer):
        return asked(question)
    if question.options:
        strange = sorted(set(_letters(answer)) - set(question.options))
        if strange:
            known = ", ".join(question.options)
            return Verdict(question.id, "interface", f"There is no option {', '.join(strange)}; choose from {known}.")
        right = set(_letters(answer)) == set(_letters(question.answer))
    else:
        if not isinstance(answer, str) and numeric(answer) is None:
            return Verdict(question.id, "interface", f"Got {say(answer)}; expected numbers.")
        right = _matches(answer, question.answer)
    if right:
        return Verdict(question.id, "passed", fill(question.because))
    said = [why for what, why in question.wrong if _suggests(question, what, answer)]
    look = [f"Read again: {question.look}."] if question.look else []
    return Verdict(question.id, "cases", fill(" ".join([*said, question.because, *look])))


def asked(question: Question) -> Verdict:
    """The question with its options, before there is an answer."""
    options = tuple((letter, fill(text)) for letter, text in question.options.items())
    return Verdict(question.id, "not attempted", fill(question.ask), options=options)


def unanswered(answer: Any) -> bool:
    """Whether the placeholder still stands where an answer should."""
    return answer is None or answer is ...


def _letters(answer: Any) -> tuple[str, ...]:
    several = hasattr(answer, "__iter__") and not isinstance(answer, str)
    return tuple(map(str, answer)) if several else (str(answer),)


def _matches(answer: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) or isinstance(answer, str):
        return bool(str(answer).strip().lower() == str(wanted).strip().lower())
    return alike(np.asarray(numeric(answer)), np.asarray(numeric(wanted)))


def _suggests(question: Question, what: Any, answer: Any) -> bool:
    return what in _letters(answer) if question.options else _matches(answer, what)


def check_names(exercise: Naming, answer: Any) -> Verdict:
    """Which method drew which map; for every map that was taken for another, how to tell the two apart."""
    if unanswered(answer):
        return not_attempted(exercise.id, exercise.ask)
    if not isinstance(answer, dict) or set(answer) != set(exercise.answer):
        wanted = "{" + ", ".join(f"{letter!r}: ..." for letter in exercise.answer) + "}"
        return Verdict(exercise.id, "interface", f"Got {answer!r}; expected one name for each map: {wanted}.")
    wrong = {letter: name for letter, name in exercise.answer.items() if answer[letter] != name}
    if not wrong:
        return Verdict(exercise.id, "passed", "Every map has its name.")
    hints = {exercise.confusions.get(frozenset({answer[letter], name}), "") for letter, name in wrong.items()}
    right = len(exercise.answer) - len(wrong)
    sentence = f"{right} of {len(exercise.answer)} are right; look again at {', '.join(wrong)}."
    return Verdict(exercise.id, "cases", " ".join([sentence, *sorted(filter(None, hints))]))
