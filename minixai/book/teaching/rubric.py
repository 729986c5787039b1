"""What a verdict is worth, and the page that says so."""

from fractions import Fraction

from minixai.book.exercise import Exercise
from minixai.book.teaching import assignments
from minixai.book.teaching.page import said, table
from minixai.book.verdict import Verdict

# What part of the points a function earns that is not right yet: it was right on the bank, or its idea was.
PARTS = {"passed": Fraction(1), "oracle": Fraction(2, 3), "property": Fraction(2, 3)}
IDEA_RIGHT = Fraction(1, 3)  # the mistake is a known one, and no idea: bookkeeping, or another convention
RULE = (
    "A function that passes earns all its points. Right on the bank of cases, wrong on fresh numbers (the rungs "
    "property and oracle): two thirds. Wrong on the bank, and the checker recognises a slip of bookkeeping or another "
    "convention: one third. Wrong ideas, answers of another form, and what stopped: nothing. Choices earn all or "
    "nothing. Predictions earn nothing, right or wrong: a guess that counts is no guess."
)


def earned(exercise: Exercise, verdict: Verdict) -> Fraction:
    """The points for a verdict."""
    whole = assignments.points(exercise)
    if verdict.rung in PARTS and (verdict.passed or exercise.kind == "function"):
        return whole * PARTS[verdict.rung]
    named = verdict.diagnosis.label if verdict.diagnosis else None
    return whole * IDEA_RIGHT if verdict.rung == "cases" and named in ("bookkeeping", "convention") else Fraction(0)


def body(chapter: str, title: str) -> str:
    """The rubric of a chapter, as HTML: what each exercise is worth, and which mistakes cost what."""
    rows = []
    for id, exercise in assignments.graded(chapter).items():
        wrong = getattr(exercise, "wrong", ())
        slips = [w.name for w in wrong if getattr(w, "label", "") in ("bookkeeping", "convention")]
        ideas = [w.name for w in wrong if getattr(w, "label", "") == "idea"]
        rows.append(
            (
                f"<code>{id}</code>",
                exercise.kind,
                str(assignments.points(exercise)),
                said(", ".join(slips) or "-"),
                said(", ".join(ideas) or "-"),
            )
        )
    whole = sum(assignments.points(e) for e in assignments.graded(chapter).values())
    head = ("exercise", "kind", "points", "a third is left for", "wrong ideas: nothing")
    by_hand = (
        f"<p>Each question by hand, with numbers of one's own: {assignments.BY_HAND_POINTS}, exact or nothing.</p>"
    )
    return f"<h1>{said(title)}: rubric</h1><p>{RULE}</p>{table(head, rows)}<p>{whole} points in all.</p>{by_hand}"
