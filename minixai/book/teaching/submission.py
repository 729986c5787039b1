"""What a student handed in, read without running it: the functions, what they need, the answers.

A notebook from elsewhere is hostile until checked: its size before it is read, its form by nbformat, its code by
Python's own parser. Everything that is wrong with it becomes a sentence.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from minixai.book import exercises
from minixai.book.exercise import Exercise, Solved

BYTES = 20_000_000  # of a notebook, with its pictures
CODE = 100_000  # characters of one cell
CELLS = 2000
MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)
DECLARED = re.compile(r"""@\s*\w+\.exercise\(\s*["'](\w+)["']""")
STATE = re.compile(r"^(\w+) .*?(\d+) (?:different )?attempts?$", re.MULTILINE)
CALLS = ("predict", "observe", "answer")
SECRETS = ("exercises", "judge", "solution", "solutions", "_record", "_known")
TELLING = ("minixai.book", "importlib", "inspect", "gc")


@dataclass(frozen=True)
class Written:
    """A function that was handed in: its name, the statements it needs (itself last), what to tell the teacher."""

    name: str
    pieces: tuple[str, ...]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Submission:
    """A notebook, read. ``answers`` holds data; ``by_hand`` exact data: {(exercise, case): answer}."""

    student: str
    chapter: str
    functions: Mapping[str, Written] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    by_hand: Mapping[tuple[str, int], Any] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)  # {exercise: why it could not be read}
    flags: tuple[str, ...] = ()


class Unreadable(Exception):
    """The notebook cannot be read; the text says why."""


class _NoAnswer(Exception):
    """What stands there is no answer that can be read without running it."""


def read(path: Path, student: str) -> Submission:
    """A notebook as it was handed in. Raises Unreadable."""
    notebook = _notebook(path)
    chapter, flags = _about(notebook, path, student)
    known = exercises.of(chapter)
    cells = [_source(cell) for cell in notebook.cells if cell.cell_type == "code"][:CELLS]
    trees, troubles = _parsed(cells)
    functions, late = _functions(trees, known)
    answers, by_hand, unread = _answers(trees)
    return Submission(
        student, chapter, functions, answers, by_hand, _attempts(notebook, known), {**late, **unread, **troubles}, flags
    )


def _notebook(path: Path) -> Any:
    import nbformat

    if path.is_symlink() or not path.is_file():
        raise Unreadable("it is no plain file; expected a notebook (.ipynb).")
    size = path.stat().st_size
    if size > BYTES:
        raise Unreadable(
            f"it has {size / 1e6:.0f} MB; expected at most {BYTES / 1e6:.0f}. Clear its outputs and save again."
        )
    try:
        found = nbformat.reads(path.read_bytes().decode("utf-8"), as_version=4)
        nbformat.validate(found)
    except RecursionError as error:
        raise Unreadable("it is nested too deeply to be a notebook.") from error
    except Exception as error:  # whatever nbformat, JSON and jsonschema say of what is no notebook
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:150]
        raise Unreadable(f"it is no valid notebook: {first}") from error
    if len(found.cells) > CELLS:
        raise Unreadable(f"it has {len(found.cells)} cells; expected at most {CELLS}.")
    return found


def _about(notebook: Any, path: Path, student: str) -> tuple[str, tuple[str, ...]]:
    """The chapter it belongs to; what is odd about whose it says it is."""
    said = notebook.metadata.get("minixai", {})
    said = said if isinstance(said, Mapping) else {}
    for name in (said.get("chapter"), path.stem, path.stem[:2]):
        try:
            chapter = exercises.chapter_name(str(name))
            break
        except ValueError:
            continue
    else:
        raise Unreadable("it does not say which chapter it is, and its name does not begin with a chapter's number.")
    whose = said.get("student")
    odd = whose is not None and str(whose) != student
    return chapter, (f"the notebook was made for {str(whose)[:80]!r}",) if odd else ()


def _source(cell: Any) -> str:
    """A cell's code, with the lines for IPython emptied, so that numbers of lines stay."""
    return MAGIC.sub("", cell.source)


def _parsed(cells: Sequence[str]) -> tuple[list[tuple[str, ast.Module]], dict[str, str]]:
    """The cells that are Python; of the others, which exercise stands in them and what is wrong."""
    trees, troubles = [], {}
    for text in cells:
        try:
            if len(text) > CODE:
                raise SyntaxError(f"a cell of {len(text)} characters; expected at most {CODE}")
            trees.append((text, ast.parse(text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            what = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            for id in DECLARED.findall(text[:CODE]):
                troubles[id] = f"The cell is no Python{line}: {what}."
    return trees, troubles


# -- functions ---------------------------------------------------------------------------------------------------------


def _functions(
    trees: Sequence[tuple[str, ast.Module]], known: Mapping[str, Exercise]
) -> tuple[dict[str, Written], dict[str, str]]:
    """{exercise: its function} for every ``@ch.exercise("id")`` over a function; the last one counts."""
    offered = list(_offered(trees))
    found: dict[str, Written] = {}
    troubles: dict[str, str] = {}
    for text, tree in trees:
        for node in tree.body:
            id = _id_over(node)
            if id is None:
                continue
            if id not in known or not isinstance(known[id], Solved):
                troubles[id] = "This chapter has no exercise of that name that asks for a function."
                continue
            assert isinstance(node, ast.FunctionDef)
            flags = tuple(dict.fromkeys(_telling(tree)))
            found[id] = Written(node.name, tuple(_needed(node, text, offered)), flags)
    return found, troubles


def _id_over(node: ast.stmt) -> str | None:
    """The id of the exercise that a statement declares, if it does."""
    for decorator in getattr(node, "decorator_list", ()):
        if isinstance(node, ast.FunctionDef) and isinstance(decorator, ast.Call) and decorator.args:
            first = decorator.args[0]
            named = isinstance(decorator.func, ast.Attribute) and decorator.func.attr == "exercise"
            if named and isinstance(first, ast.Constant) and isinstance(first.value, str):
                return first.value
    return None


def _offered(trees: Sequence[tuple[str, ast.Module]]) -> Iterator[tuple[set[str], str, ast.stmt]]:
    """Statements that a function may need: imports, definitions, assignments; with the names that they bind."""
    for text, tree in trees:
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for one in node.names:
                    bound = one.asname or (one.name if isinstance(node, ast.ImportFrom) else one.name.split(".")[0])
                    yield {bound}, _one_import(node, one), node
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield {node.name}, _plain(node, text), node
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                yield names, ast.get_source_segment(text, node) or "", node


def _one_import(node: ast.Import | ast.ImportFrom, one: ast.alias) -> str:
    """One name of an import, so that a function that needs NumPy does not wait for all the rest."""
    called = f"{one.name} as {one.asname}" if one.asname else one.name
    if isinstance(node, ast.Import):
        return f"import {called}"
    return f"from {'.' * node.level}{node.module or ''} import {called}"


def _plain(node: ast.FunctionDef | ast.ClassDef, text: str) -> str:
    """A definition without its ``@ch.exercise``, which only the book can follow."""
    if _id_over(node) is None:
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    return ast.get_source_segment(text, node) or ""


def _needed(function: ast.FunctionDef, text: str, offered: Sequence[tuple[set[str], str, ast.stmt]]) -> Iterator[str]:
    """What the function needs, and what that needs, in the order of the notebook; the function itself last."""
    wanted, waiting = set[str](), _reads(function)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            for bound, _, node in offered:
                if name in bound and node is not function:
                    waiting |= _reads(node)
    for bound, piece, node in offered:
        if bound & wanted and node is not function and function.name not in bound:
            yield piece
    yield _plain(function, text)


def _reads(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _telling(tree: ast.Module) -> Iterator[str]:
    """What a graded cell does that an answer has no need of: it could read the solution out of the package."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{one.name}" for one in node.names)]
        yield from (
            f"imports {n}"
            for n in names
            if n == TELLING[0] or n.split(".")[0] in TELLING or n.startswith(f"{TELLING[0]}.")
        )
        if isinstance(node, ast.Name) and node.id in ("__import__", "eval", "exec", "open", "globals"):
            yield f"uses {node.id}"
        if isinstance(node, ast.Attribute) and node.attr in SECRETS:
            yield f"looks at .{node.attr}"


# -- answers -----------------------------------------------------------------------------------------------------------


def _answers(
    trees: Sequence[tuple[str, ast.Module]],
) -> tuple[dict[str, Any], dict[tuple[str, int], Any], dict[str, str]]:
    """Choices and numbers as they stand in the code; nothing is run. Of those that cannot be read, why."""
    answers: dict[str, Any] = {}
    by_hand: dict[tuple[str, int], Any] = {}
    troubles: dict[str, str] = {}
    for _, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (asked := _asked(node)):
                _take(answers, troubles, asked[0], asked[0], asked[1])
            elif isinstance(node, ast.Assign) and (key := _by_hand(node)):
                _take(by_hand, troubles, key, f"{key[0]} by hand", node.value)
    return answers, by_hand, troubles


def _take(found: dict[Any, Any], troubles: dict[str, str], key: Any, name: str, node: ast.expr) -> None:
    try:
        value = literal(node)
    except (_NoAnswer, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        troubles[name] = f"The answer cannot be read: {error}. Write it out, as a letter or as numbers."
        return
    if value is not ...:
        found[key] = value
        troubles.pop(name, None)


def _asked(call: ast.Call) -> tuple[str, ast.expr] | None:
    """(exercise, answer) of ``ch.predict("id", answer, ...)``, of ``ch.observe``, of ``ch.exercise("id").answer``."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in CALLS or not call.args:
        return None
    if call.func.attr == "answer":
        inner = call.func.value
        known = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "exercise"
        id = inner.args[0] if known and isinstance(inner, ast.Call) and inner.args else None
        answer = call.args[0]
    else:
        id, answer = call.args[0], call.args[1] if len(call.args) > 1 else ast.Constant(...)
    return (id.value, answer) if isinstance(id, ast.Constant) and isinstance(id.value, str) else None


def _by_hand(node: ast.Assign) -> tuple[str, int] | None:
    """(exercise, case) of ``by_hand["id", 0] = ...``."""
    target = node.targets[0]
    if not (isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == "by_hand"):
        return None
    try:
        key = ast.literal_eval(target.slice)
    except ValueError:
        return None
    return key if isinstance(key, tuple) and list(map(type, key)) == [str, int] else None


def literal(node: ast.expr) -> Any:
    """What is written there, exactly: text, numbers as fractions, 2/3, lists (as arrays of fractions), tuples, dicts.

    Only + - * / of numbers are worked out; no name is looked up but ``np.array``, ``mx.exact``, ``Fraction``.
    """
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _number(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        return _worked_out(node)
    if isinstance(node, ast.Tuple):
        return tuple(literal(each) for each in node.elts)
    if isinstance(node, ast.List | ast.Set):
        return _array([literal(each) for each in node.elts])
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {literal(key): literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.Call) and not node.keywords:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("array", "asarray", "exact") and len(node.args) == 1:
            return literal(node.args[0])
        if name == "Fraction" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            return _ratio(node.args[0].value)
        if name == "Fraction" and len(node.args) == 2:
            return _number(node.args[0]) / _number(node.args[1])
    raise _NoAnswer(f"{ast.unparse(node)[:60]!r} is no answer that is written out")


def _constant(value: Any) -> Any:
    if isinstance(value, bool) or value is None or value is ... or isinstance(value, str):
        return value
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, float):
        return Fraction(repr(value))  # 0.1 is meant as a tenth; ValueError for infinity
    raise _NoAnswer(f"{value!r} is no number")


def _ratio(value: Any) -> Any:
    """Fraction("2/3"), Fraction(2); no exponents, which would be long in coming."""
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,20}(/\d{1,20})?", value):
        raise _NoAnswer(f"{value[:40]!r} is no fraction")
    return Fraction(value) if isinstance(value, str) else _constant(value)


def _number(node: ast.expr) -> Fraction:
    value = literal(node)
    if not isinstance(value, Fraction):
        raise _NoAnswer(f"{ast.unparse(node)[:60]!r} is no number")
    return value


def _worked_out(node: ast.BinOp) -> Fraction:
    left, right = _number(node.left), _number(node.right)
    if isinstance(node.op, ast.Add | ast.Sub):
        return left + right if isinstance(node.op, ast.Add) else left - right
    if isinstance(node.op, ast.Mult | ast.Div):
        return left * right if isinstance(node.op, ast.Mult) else left / right
    raise _NoAnswer(f"{ast.unparse(node)[:60]!r} is to be worked out first")


def _array(items: list[Any]) -> Any:
    """Numbers, or rows of numbers of one length, as an array of fractions; other lists stay lists."""
    if not items or not all(isinstance(each, Fraction | np.ndarray | bool) for each in items):
        return items
    if len({np.shape(each) for each in items}) != 1:
        raise _NoAnswer("the rows have different lengths")
    return np.array(items, dtype=object)


# -- what the notebook remembers ---------------------------------------------------------------------------------------


def _attempts(notebook: Any, known: Mapping[str, Exercise]) -> dict[str, int]:
    """How many attempts each exercise took, where ``ch.progress()`` was run and its table is still there."""
    shown = [
        str(output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    ]
    rows = [row for text in shown if text.startswith("Chapter ") for row in STATE.findall(text[:20_000])]
    return {id: int(count[:6]) for id, count in rows if id in known}
