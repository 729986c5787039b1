"""Programs of other people, over a pipe: those that behave, and every way of not behaving."""

import json
import shutil
import sys
from pathlib import Path

import pytest

import minixai
from minixai.conformance import program, runner, vectors
from minixai.conformance.program import Program
from tests.cli.test_cli import run as cli

EXAMPLES = Path(minixai.__file__).parent / "conformance" / "examples"
PYTHON = [sys.executable, str(EXAMPLES / "adapter.py")]
DENSE = list(vectors.cases(only="methods/gradient/dense-*"))
ANSWER = """
import json, sys, time
def say(**message): print(json.dumps(message), flush=True)
for line in sys.stdin:
    m = json.loads(line)
    if m["do"] == "start": say(name="odd", can=["gradient"])
    elif m["do"] == "run":
        odd = m["id"].endswith("-002")
        if odd: %s
        shape = m["input"]["shape"]
        say(id=m["id"], status="result", relevance={"shape": shape, "values": [0.0] * 6})
    elif m["do"] == "stop": break
"""


def rows_of(command, cases=DENSE, timeout=20.0):
    with Program(command, timeout) as asked:
        return list(runner.run(asked, cases))


@pytest.mark.parametrize(
    ("command", "only", "passed"),
    [
        (PYTHON, "methods/gradient/dense-*", 3),
        (PYTHON, "methods/lrp-0/dense-*", 2),
        (["node", str(EXAMPLES / "adapter.mjs")], "methods/gradient/dense-*", 3),
    ],
    ids=["Python, gradient", "Python, LRP-0", "JavaScript, gradient"],
)
def test_the_examples_pass(command, only, passed):
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here: install Node.js")
    rows = rows_of(command, list(vectors.cases(only=only)))
    assert [row.status for row in rows].count("passed") == passed
    assert {row.status for row in rows} <= {"passed", "skipped"}


def test_what_a_program_cannot_do_is_skipped():
    rows = rows_of(PYTHON, list(vectors.cases(only="methods/*/pool-001")) + list(vectors.cases(only="ops/ReLU-00*")))
    assert {row.status for row in rows} == {"skipped"}
    assert rows[-1].why == "the program does not say that it can ReLU"


WAYS = {
    "it ends": ("sys.exit(3)", "it ended without an answer (exit code 3)"),
    "it is killed": ("import os; os.kill(os.getpid(), 9)", "it ended without an answer (exit code -9)"),
    "it hangs": ("time.sleep(60)", "it gave no answer within 2 seconds"),
    "it prints garbage": ("print('Traceback ...', flush=True)", "which is no JSON"),
    "it prints a list": ("print('[]', flush=True)", "expected a JSON object"),
    "it answers another question": ("say(id='another', status='result')", "it answered 'another' instead of"),
    "it answers without an id": ("say(status='result')", "it answered None instead of"),
    "it says what went wrong": ("say(id=m['id'], status='errored', why='no ink'); continue", "no ink"),
    "it nests deeply": ("print('[' * 10 ** 6, flush=True)", "which is no JSON"),
}


@pytest.mark.parametrize("way", WAYS)
def test_one_bad_answer_costs_one_row(way):
    does, said = WAYS[way]
    rows = rows_of([sys.executable, "-c", ANSWER % does], timeout=2.0)
    assert [row.status for row in rows] == ["failed", "errored", "failed"]
    assert said in rows[1].why


def test_nan_and_wrong_shapes_fail():
    for does in ("m['input']['shape'] = [2, 3]", "say(id=m['id'], status='result', relevance="
                 "{'shape': [1, 6], 'values': [float('nan')] * 6}); continue"):  # fmt: skip
        rows = rows_of([sys.executable, "-c", ANSWER % does])
        assert [row.status for row in rows] == ["failed"] * 3
    assert "NaN" in rows[1].why


def test_a_flood_is_dammed(monkeypatch):
    monkeypatch.setattr(program, "LONGEST", 1 << 20)
    flood = "[sys.stdout.write('x' * 65536) for _ in iter(int, 1)]"  # without end, and never a newline
    rows = rows_of([sys.executable, "-c", ANSWER % flood])
    assert [row.status for row in rows] == ["failed", "errored", "failed"]
    assert rows[1].why == "its answer is longer than 1048576 bytes"


def test_a_program_that_never_starts():
    rows = rows_of("no-such-program --at all")
    assert {row.status for row in rows} == {"errored"} and "it cannot be started" in rows[0].why


def test_a_program_that_always_ends_is_left_alone(monkeypatch):
    monkeypatch.setattr(program, "RESTARTS", 2)
    rows = rows_of([sys.executable, "-c", "pass"], DENSE * 2)
    assert len(rows) == 6 and "is left alone now" in rows[-1].why


def test_the_program_never_sees_what_is_expected():
    spy = "import sys, json\nfor line in sys.stdin:\n    print(json.dumps({'id': 'x', 'heard': line}), flush=True)"
    with Program([sys.executable, "-c", spy]) as asked:
        asked._started()
        asked._send({"do": "run", **DENSE[0].question})
        heard = asked._receive()["heard"]
    assert json.loads(heard)["id"] == DENSE[0].id
    assert not {"expected", "tolerance"} & set(json.loads(heard))


def test_on_the_command_line():
    command = f'"{sys.executable}" "{EXAMPLES / "adapter.py"}"'
    said = cli("conform", "run", "--exec", command, "--only", "methods/gradient/dense-*").stdout
    assert said.endswith("3 passed, 0 failed, 0 skipped, 0 errored\n")
