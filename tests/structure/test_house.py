"""The shape of the house: who may import whom, how big the engine is, what names may mean."""

import ast
import random
import statistics
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import minixai

PACKAGE = Path(minixai.__file__).parent
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "_data" not in p.parts and "_chapters" not in p.parts)

# From the ground up; a file imports from floors below it, or from its own.
FLOORS = [
    {"result", "files", "taxonomy", "printing", "threads"},
    {"pytorch"},  # the mirror: see test_the_mirror_shares_no_arithmetic
    {"ops", "targets"},
    {"network"},
    {"walk"},
    {"whitebox"},
    {"zoo", "metrics", "blackbox", "adversarial", "planner"},
    {"draw"},
    {"api", ""},  # the package itself is the front door: whoever imports it stands above
    {"crosscheck", "lab"},
    {"experiments", "conformance", "bench"},
    {"book"},
    {"quiz"},
    {"cli"},
]
# Named exceptions: drawing and the way to PyTorch are delegated upwards, on demand.
DELEGATED = {("result", "draw"), ("network", "zoo")}
ENGINE = ("ops", "whitebox", "network", "walk")
ENGINE_LINES = 1700  # "about 1,500" and its error messages, without the compiled twins
COMPILED = ("compiled.py", "loops.py")
HEAVY = ("numba", "torch", "scipy", "matplotlib", "sklearn", "skimage", "sympy", "PIL", "IPython", "ipywidgets")


def room_of(module: str) -> str:
    """minixai.ops.pooling -> ops; the package itself -> ''."""
    return (module.split(".") + [""])[1]


def module_name(path: Path) -> str:
    parts = ("minixai", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Every minixai module that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "minixai")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "minixai":
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if is_module(name) else str(node.module) for name in names)


def is_module(name: str) -> bool:
    place = PACKAGE.parent.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def floor_of(room: str) -> int:
    return next((i for i, rooms in enumerate(FLOORS) if room in rooms), -1)


def test_every_file_has_a_floor():
    rooms = {room_of(module_name(p)) for p in FILES} - {""}
    assert {room for room in rooms if floor_of(room) < 0} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_from_below(path):
    here = room_of(module_name(path))
    if not here:
        return assert_front_door(path)
    for module in imported(path):
        there = room_of(module)
        allowed = (here, there) in DELEGATED or floor_of(there) < floor_of(here) or there == here
        assert allowed, f"{path.relative_to(PACKAGE)} imports {module}, which is not below it"


def assert_front_door(path: Path) -> None:
    """The package's __init__ only gathers names; it defines no function but the lazy one."""
    functions = [n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]
    assert functions == ["__getattr__"]


def test_no_cycles_between_files():
    graph = {module_name(p): set(imported(p)) - {module_name(p)} for p in FILES if room_of(module_name(p))}
    for module in graph:
        graph[module] = {m for m in graph[module] if (room_of(module), room_of(m)) not in DELEGATED}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"import cycle: {' -> '.join((*trail, module))}"
        if module not in done:
            for other in graph.get(module, ()):
                visit(other, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def code_lines(path: Path) -> set[int]:
    """The numbers of the lines that hold code: no blanks, no comments, no docstrings."""
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(file.readline))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = {n for t in tokens if t.type not in silent for n in range(t.start[0], t.end[0] + 1)}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def engine_files() -> list[Path]:
    return [p for p in FILES if room_of(module_name(p)) in ENGINE]


def test_the_engine_stays_small():
    total = sum(len(code_lines(p)) for p in engine_files() if p.name not in COMPILED)
    assert total <= ENGINE_LINES


def test_its_functions_stay_short():
    lengths = []
    for path in engine_files():
        lines = code_lines(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                lengths.append(sum(node.body[0].lineno <= n <= (node.end_lineno or 0) for n in lines))
    assert statistics.median(lengths) <= 5
    assert sum(n < 20 for n in lengths) >= 0.9 * len(lengths)


def test_the_walk_is_one_screen_and_knows_nothing():
    path = PACKAGE / "walk.py"
    assert len(code_lines(path)) <= 60
    imports = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
    names = {alias.name for n in imports for alias in n.names}
    layers = {"Conv2d", "ReLU", "MaxPool2d", "Linear", "BatchNorm2d", "Add", "Concat"}
    assert not names & layers


def test_public_functions_do_not_share_a_name_with_a_file_or_folder():
    places = {p.stem if p.is_file() else p.name for p in PACKAGE.iterdir() if p.is_dir() or p.suffix == ".py"}
    functions = {name for name in minixai.__all__ if callable(getattr(minixai, name))}
    assert places & functions == {"walk"}


def test_everything_public_has_a_docstring():
    silent = [name for name in minixai.__all__ if not (getattr(minixai, name).__doc__ or "").strip()]
    assert silent == []


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_brings_nothing_heavy():
    loaded = run(f"import sys, minixai; print([m for m in {HEAVY} if m in sys.modules])")
    assert loaded.strip() == "[]"


def test_the_engine_explains_with_numpy_alone():
    run(
        "import sys\n"
        f"for m in {HEAVY}: sys.modules[m] = None\n"
        "import numpy as np, minixai as mx\n"
        "mx.use('reference')\n"
        "head = [mx.ReLU(), mx.Flatten(), mx.Linear(np.ones((2, 8)))]\n"
        "net = mx.Network.sequential([mx.Conv2d(np.ones((2, 1, 2, 2))), *head])\n"
        "found = mx.explain_all(net, np.ones((1, 3, 3)))\n"
        "assert len(found) >= 15, found.refused\n"
    )


@pytest.mark.parametrize("seed", range(3))
def test_every_module_imports_in_any_order(seed):
    names = [module_name(p) for p in FILES if p.name != "__main__.py" and p.parent.name != "src"]  # chapters run
    random.Random(seed).shuffle(names)
    run("import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in names))
