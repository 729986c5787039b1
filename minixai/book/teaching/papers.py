"""The papers of one chapter: solutions, lesson plan, worksheet. Text in, HTML (or Markdown) out."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import numpy as np

from minixai.book import exercises, source
from minixai.book.exercise import Adapter, Counterexample, Exercise, Function, Naming, Question
from minixai.book.numbers import fill
from minixai.book.teaching import plans
from minixai.book.teaching.page import bullets, html, opening, said, table
from minixai.book.values import say

CONFIDENCE = "sure? &#9744; a coin &#9744; rather &#9744; sure"
ROOM = '<div class="room"></div>'


def name_of(chapter: source.Source) -> str:
    return f"{chapter.name[:2]} {chapter.about['title']}"


# -- solutions ---------------------------------------------------------------------------------------------------------


def solutions(chapter: source.Source, plan: plans.Plan | None) -> str:
    """Every exercise with its solution, and what wrong answers suggest, in Markdown."""
    parts = [f"# {name_of(chapter)}: solutions"]
    for exercise in exercises.of(chapter.name).values():
        parts += _chosen(exercise) if isinstance(exercise, Question | Naming) else _solved(exercise)
    tasks = plan.worksheet["by_hand"] if plan else ()
    if tasks:
        parts.append("## The worksheet, by hand")
        parts += [f"{n}. {fill(task['ask'])}\n\n   **{fill(task['answer'])}**" for n, task in enumerate(tasks, 1)]
    if plan and plan.exit:
        parts.append("## The plan's own exit questions")
        parts += [f"* {fill(one['ask'])}\n\n  **{fill(one['answer'])}**" for one in plan.exit]
    return "\n\n".join(parts) + "\n"


def _solved(exercise: Function | Counterexample | Adapter) -> Iterator[str]:
    yield f"## `{exercise.id}` ({exercise.kind})"
    yield fill(exercise.statement)
    yield f"```python\n{exercise.code}\n```"
    if isinstance(exercise, Function):
        yield f"What holds: {exercise.property.sentence} Checked against {exercise.oracle.name}."
    yield from (f"* *Hint {n}:* {clue}" for n, clue in enumerate(exercise.clues, 1))
    yield from _wrong(exercise)


def _chosen(exercise: Question | Naming) -> Iterator[str]:
    yield f"## `{exercise.id}` ({exercise.kind})"
    yield fill(exercise.ask)
    if isinstance(exercise, Naming):
        yield "\n".join(f"* {letter}: **{name}**" for letter, name in exercise.answer.items())
    else:
        right = exercise.answer if exercise.options else say(exercise.answer)
        picked = right if isinstance(right, str) else ", ".join(right)
        if exercise.options:
            yield "\n".join(f"* {letter}: {fill(text)}" for letter, text in exercise.options.items())
        yield f"**{picked}.** {fill(exercise.because)}"
    yield from _wrong(exercise)


def _wrong(exercise: Exercise) -> Iterator[str]:
    labels = {w.name: f" *({w.label})*" for w in getattr(exercise, "wrong", ()) if hasattr(w, "label")}
    for name, sentence in plans.wrong_answers(exercise).items():
        yield f"* Not right: {name}{labels.get(name, '')}. {sentence}"


# -- lesson plan -------------------------------------------------------------------------------------------------------


def lesson(chapter: source.Source, plan: plans.Plan) -> str:
    """The lesson plan, as HTML."""
    known = exercises.of(chapter.name)
    head = f"<h1>{escape(name_of(chapter))}: lesson plan</h1>"
    goals = table(
        ("afterwards they can", "practised in", "asked on the exit ticket"),
        [(said(a), f"<code>{said(b)}</code>", f"<code>{said(c)}</code>") for a, b, c in plans.practised(plan)],
    )
    return head + goals + "".join(_slot(slot, n, len(plan.slots), known) for n, slot in enumerate(plan.slots, 1))


def _slot(slot: Mapping[str, Any], number: int, of: int, known: Mapping[str, Exercise]) -> str:
    which = f"Slot {number} of {of}: " if of > 1 else ""
    rows = [
        (
            f"{s['from']}&ndash;{s['to']}",
            _where(s),
            html(s["teacher"]) + _expected(s, known),
            html(s["students"]),
            _board(s),
        )
        for s in slot["segments"]
    ]
    return (
        f"<h2>{which}{said(slot['title'])} ({slot['minutes']} minutes)</h2>{_noted('Bring', slot['bring'])}"
        + table(("min", "in the chapter", "you", "they", "on the board"), rows)
        + _noted("If time is short", slot["if_short"])
        + _noted("Homework", slot["homework"])
    )


def _noted(what: str, text: str) -> str:
    return f"<p><b>{what}:</b> {_inline(html(text))}</p>"


def _where(segment: Mapping[str, Any]) -> str:
    heading = [f"<b>{html(segment['heading'])}</b>"] if "heading" in segment else []
    ids = [f"<code>{id}</code>" for id in (*segment.get("exercises", ()), *segment.get("figures", ()))]
    return "".join(heading) + "<br>".join(ids)


def _board(segment: Mapping[str, Any]) -> str:
    return html(segment["board"]) if "board" in segment else ""


def _expected(segment: Mapping[str, Any], known: Mapping[str, Exercise]) -> str:
    """The wrong answers to expect, each with the sentence to say."""
    items = []
    for id, wrong in segment.get("expect", ()):
        sentence = plans.wrong_answers(known[id])[str(wrong)]
        theirs = said(_shown(known[id], str(wrong)))
        items.append(f"Expect <i>{theirs}</i> (<code>{id}</code>). Say: &ldquo;{said(sentence)}&rdquo;")
    return bullets(items) if items else ""


def _shown(exercise: Exercise, wrong: str) -> str:
    if isinstance(exercise, Question):
        return f"{wrong}: {exercise.options[wrong]}" if exercise.options else say(exercise.wrong[int(wrong) - 1][0])
    return wrong


# -- worksheet ---------------------------------------------------------------------------------------------------------


def worksheet(chapter: source.Source, plan: plans.Plan | None) -> str:
    """One page to print: the opening question, the numbers by hand with room to write, the exit ticket."""
    known = exercises.of(chapter.name)
    first = next((e for e in known.values() if isinstance(e, Question) and e.kind == "predict"), None)
    start = html(plan.worksheet["opening"] if plan else opening(chapter).split("\n\n")[0])
    tasks = [(task["ask"], task["lines"]) for task in plan.worksheet["by_hand"]] if plan else list(_tasks(known))
    by_hand = "".join(f'<li class="task">{_inline(html(ask))}{ROOM * lines}</li>' for ask, lines in tasks)
    return (
        f"<h1>{escape(name_of(chapter))}</h1>"
        '<div class="name"><span>Name:</span><span>Date:</span><span></span></div>'
        f"<h2>Before we begin</h2>{start}{_question(first, CONFIDENCE) if first else ''}"
        f"<h2>By hand</h2><ol>{by_hand}</ol>"
        f"<h2>Exit ticket</h2>{_exit(chapter, plan)}"
    )


def _inline(paragraph: str) -> str:
    return paragraph.strip().removeprefix("<p>").removesuffix("</p>")


def _question(question: Question, after: str = "") -> str:
    options = [f"&#9744; {letter}: {said(text)}" for letter, text in question.options.items()]
    choices = (
        f'<p class="options">{"<br>".join(options)}</p>'
        if len(options) < 7
        else f"<p>{' &nbsp; '.join(f'&#9744; {letter}' for letter in question.options)}</p>"
    )
    return f"<p>{said(question.ask)}</p>{choices if options else ROOM}{f'<p>{after}</p>' if after else ''}"


def _exit(chapter: source.Source, plan: plans.Plan | None) -> str:
    """The question that asks for each objective, and the chapter's last claim; without a plan only that."""
    known = exercises.of(chapter.name)
    claims = [id for id in plans.exit_ids(chapter) if known[id].kind == "claim"]
    own = {one["id"]: one["ask"] for one in (plan.exit if plan else ())}
    asked = [objective["exit"] for objective in plan.objectives] if plan else []
    return "".join(_exit_question(known.get(id), own.get(id, "")) for id in dict.fromkeys([*asked, *own, *claims[-1:]]))


def _exit_question(question: Exercise | None, own: str) -> str:
    if isinstance(question, Question):
        return f'<div class="task">{_question(question)}</div>'
    return f'<div class="task"><p>{_inline(html(own))}</p>{ROOM}</div>'


def _tasks(known: Mapping[str, Exercise]) -> Iterator[tuple[str, int]]:
    """Where no plan says better: the first case of each function that has small numbers."""
    for exercise in known.values():
        if isinstance(exercise, Function) and not any(callable(a) for a in exercise.cases[0]):
            case = exercise.cases[0]
            if sum(np.size(a) for a in case) <= 16:
                given = ", ".join(f"{n} = {say(a)}" for n, a in zip(exercise.arguments, case, strict=True))
                yield f"{exercise.statement} Do it for {given}.", 2
