"""The mirror is derived on its own: it borrows no arithmetic from the engine, nor the engine from PyTorch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minixai

FOLDER = Path(minixai.__file__).parent / "pytorch"
FILES = sorted(FOLDER.glob("*.py"))
ALLOWED = ("minixai.pytorch", "minixai.result")


def imports(path):
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports would hide where a name is from"
            yield node.module


def test_there_is_something_to_look_at():
    assert {"calls.py", "lrp.py", "deeplift.py", "gradient.py", "explain.py"} <= {path.name for path in FILES}
    assert not any(path.is_dir() and path.name != "__pycache__" for path in FOLDER.iterdir())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_imports_the_record_of_a_result_and_nothing_else_of_minixai(path):
    for name in imports(path):
        if name.split(".")[0] == "minixai":
            assert name == ALLOWED[1] or name == ALLOWED[0] or name.startswith(ALLOWED[0] + "."), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_finds_no_way_around_an_import(path):
    words = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert not words & {"__import__", "importlib", "eval", "exec"}


def test_only_records_come_from_the_result():
    taken = {
        alias.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "minixai.result"
        for alias in node.names
    }
    assert taken == {"Explanation", "UnsupportedOp"}


def loaded(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_minixai_does_not_import_torch():
    assert loaded("import sys, minixai; print('torch' in sys.modules)") == "False"


def test_the_mirror_runs_no_file_of_the_engine():
    """What a method of the mirror executes lies in its own folder, in result.py, or outside minixai."""
    code = """
import sys, torch
from torch import nn
from minixai import pytorch
seen = set()
def tell(frame, event, arg):
    seen.add(frame.f_code.co_filename.replace(chr(92), "/"))
module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)).eval()
x = torch.rand(1, 1, 4, 4)
target = int(module(x).argmax())
with torch.no_grad():
    module[4].bias += 5
sys.setprofile(tell)
for method in pytorch.METHODS:
    pytorch.explain(module, x, method, target)
sys.setprofile(None)
ours = {name.split("/minixai/", 1)[1] for name in seen if "/minixai/" in name and name.endswith(".py")}
print(sorted(name for name in ours if not name.startswith("pytorch/") and name != "result.py"))
"""
    assert loaded(code) == "[]"
