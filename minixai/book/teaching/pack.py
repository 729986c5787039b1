"""``python -m minixai.book.teaching.pack [NN ...] --out FOLDER``: what a teacher needs, as a folder of pages.

Per chapter: the solved notebook, the solutions, the rubric, the lesson plan, a worksheet, slides. With a list of
students and a secret, also a hand-in for each of them, with numbers of their own, and the answers for the teacher.
"""

import argparse
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from minixai.book import build as building
from minixai.book import source
from minixai.book.exercise import Function
from minixai.book.exercises import solutions
from minixai.book.site.build import copy_mathjax
from minixai.book.teaching import assignments, handin, nbgrader, papers, plans, rubric, slides, variants
from minixai.book.teaching.page import HERE, bullets, html, link, page, table
from minixai.book.values import say

MARK = "teacher.txt"  # a folder that has it is a pack, and may be made anew
STUDENTS = 2000
FORBIDDEN = set('/\\:*?"<>|')


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser("python -m minixai.book.teaching.pack", description=__doc__)
    parser.add_argument("chapters", nargs="*", metavar="NN", help="numbers of chapters; all, if none is given")
    parser.add_argument("--out", type=Path, default=Path("build/teacher"), help="where to (build/teacher)")
    parser.add_argument("--students", type=Path, metavar="FILE", help="a file with one student's name or number a line")
    parser.add_argument("--secret", help="what the students' own numbers are drawn from; @FILE reads it from a file")
    parser.add_argument("--nbgrader", type=Path, metavar="FOLDER", help="also write nbgrader's course layout there")
    given = parser.parse_args(arguments)
    if (given.students is None) != (given.secret is None):
        parser.error("--students and --secret go together: the numbers are drawn from both")
    students = read_students(given.students) if given.students else []
    secret = read_secret(given.secret) if given.secret else ""
    print(f"Written: {build(given.out, tuple(given.chapters), students, secret)}")
    if given.nbgrader is not None:
        for path in nbgrader.export(given.nbgrader, tuple(given.chapters)):
            print(f"Written: {path}")


def build(
    out: Path,
    numbers: tuple[str, ...] = (),
    students: Sequence[str] = (),
    secret: str = "",
    executed: Mapping[str, Any] | None = None,
) -> Path:
    """The pack of these chapters (all, if none is named) in the folder ``out``, which is made anew; its first page.

    ``executed``: {chapter: its solved notebook}, where they have been run before; the others are run here.
    Raises ValueError for a folder that holds something else, for a plan that is wrong, for students without a secret.
    """
    chapters = [source.read(path) for path in source.paths(numbers)]
    read = {chapter.name: plans.read(chapter) for chapter in chapters}
    if students and not secret:
        raise ValueError("there are students but no secret; their numbers are drawn from both")
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise ValueError(f"{out} holds something that is no teacher's pack; give an empty folder, or a new one")
    with tempfile.TemporaryDirectory() as folder:  # a chapter that fails leaves the old pack as it was
        made = Path(folder) / "pack"
        made.mkdir()
        _write(made / MARK, "A teacher's pack: solutions inside. Do not hand this folder out.\n")
        copy_mathjax(made)
        for chapter in chapters:
            solved = (executed or {}).get(chapter.name) or run(chapter)
            write_chapter(made / chapter.name, chapter, read[chapter.name], solved)
        write_courses(made)
        if students:
            write_hand_ins(made, chapters, students, secret)
        write_index(made, chapters, read, bool(students))
        if out.exists():
            shutil.rmtree(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, out)
    return out / "index.html"


def run(chapter: source.Source) -> Any:
    """The solved edition, executed."""
    return building.execute(source.notebook(chapter, "solved", solutions(chapter.name)))


def write_chapter(folder: Path, chapter: source.Source, plan: plans.Plan | None, solved: Any) -> None:
    """The papers of one chapter, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    name = papers.name_of(chapter)
    in_markdown = papers.solutions(chapter, plan)
    pages = {
        "solutions": (html(in_markdown), "page"),
        "rubric": (rubric.body(chapter.name, name), "page"),
        "worksheet": (papers.worksheet(chapter, plan), "worksheet"),
    }
    if plan is not None:
        pages["plan"] = (papers.lesson(chapter, plan), "page")
    for what, (body, style) in pages.items():
        _write(folder / f"{what}.html", page(f"{name}: {what}", body, up="../", style=style))
    _write(folder / "solutions.md", in_markdown)
    _write(folder / "slides.html", slides.deck(chapter, plan, solved))
    _write(folder / f"{chapter.name}.ipynb", building.text(slides.with_types(solved)))


def write_courses(out: Path) -> None:
    text = (HERE / "courses.md").read_text(encoding="utf-8")
    _write(out / "courses.html", page("Courses", html(text)))


def write_hand_ins(out: Path, chapters: Sequence[source.Source], students: Sequence[str], secret: str) -> None:
    """``hand-ins/STUDENT/NN_name.ipynb`` to give away, ``answers/NN_name.html`` to keep."""
    for chapter in chapters:
        rows = []
        for student in students:
            asked = handin.questions(chapter, student, secret)
            folder = out / "hand-ins" / student
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / f"{chapter.name}.ipynb", building.text(handin.notebook(chapter, student, asked)))
            for one in asked:
                for n, case in enumerate(one.cases):
                    given = ", ".join(map(say, case.arguments)) + handin.which(case.place)
                    rows.append([escape(text) for text in (student, f"{one.id} {n}", given, say(case.answer))])
        without = [
            f"<code>{id}</code>: {escape(reason)}"
            for id, e in assignments.graded(chapter.name).items()
            if isinstance(e, Function) and (reason := variants.why_not(e))
        ]
        body = f"<h1>{escape(papers.name_of(chapter))}: every student's numbers</h1>"
        body += table(("student", "question", "given", "answer"), rows)
        body += f"<p>Without a question by hand:</p>{bullets(without)}" if without else ""
        (out / "answers").mkdir(exist_ok=True)
        _write(out / "answers" / f"{chapter.name}.html", page("Answers", body, up="../"))


def write_index(
    out: Path, chapters: Sequence[source.Source], read: Mapping[str, plans.Plan | None], with_students: bool
) -> None:
    """The page that leads to everything."""
    rows = []
    for chapter in chapters:
        here = chapter.name
        named = ["plan", "worksheet", "slides", "solutions", "rubric"]
        pages = [link(f"{here}/{w}.html", w) for w in named if w != "plan" or read[here] is not None]
        notebook = link(f"{here}/{here}.ipynb", "solved notebook")
        answers = link(f"answers/{here}.html", "their numbers") if with_students else "-"
        rows.append((escape(papers.name_of(chapter)), " &middot; ".join([*pages, notebook]), answers))
    body = (
        "<h1>For teachers</h1><p>Everything here holds solutions, except the worksheets, the slides' fronts and the "
        f"folder <code>hand-ins</code>.</p><p>{link('courses.html', 'Course plans')}: six weeks, one slot a week, two "
        f"days, an engineer's evening.</p>{table(('chapter', 'papers', 'hand-ins'), rows)}"
        "<p>To grade what comes back: <code>minixai grade FOLDER --secret ...</code></p>"
    )
    _write(out / "index.html", page("For teachers", body))


def read_students(path: Path) -> list[str]:
    """One student a line; blank lines and lines that begin with # are left out. Raises ValueError for a bad one."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    for student in found:
        check_student(student)
    twice = sorted({student for student in found if found.count(student) > 1})
    if twice:
        raise ValueError(f"{path} names {', '.join(twice)} twice; every student needs a name of their own")
    if not 0 < len(found) <= STUDENTS:
        raise ValueError(f"{path} names {len(found)} students; expected 1 to {STUDENTS}, one a line")
    return found


def check_student(student: str) -> str:
    """The name, if it can be that of a folder. Raises ValueError for any other."""
    if not student or len(student) > 80 or student[0] == "." or FORBIDDEN & set(student) or not student.isprintable():
        raise ValueError(f"student {student!r} cannot name a folder; expected at most 80 plain characters")
    return student


def read_secret(text: str) -> str:
    """The secret: the text itself, or what stands in the file after "@". Raises ValueError if it is short."""
    secret = Path(text[1:]).read_text(encoding="utf-8").strip() if text.startswith("@") else text
    if len(secret) < 8:
        raise ValueError("the secret has fewer than 8 characters; anybody could try them all")
    return secret


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
