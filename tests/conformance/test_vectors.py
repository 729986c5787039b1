"""The reference vectors: enough of them, frozen, and every engine judged by them."""

import json
import tracemalloc
from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from functools import partial
from hashlib import sha256

import pytest

import minixai as mx
from minixai.conformance import adapters, form, judge, lint, runner, vectors
from minixai.conformance.making import curves, generate, layers, measures, methods, wrong
from minixai.conformance.program import Broken
from tests.cli.test_cli import run as cli

CASES = list(vectors.cases())
METHODS = [case for case in CASES if case.group == "methods"]
ERRORS = [case for case in CASES if case.group == "errors"]
WHITE, BLACK = {m.name for m in mx.methods("white-box")}, {"occlusion", "lime", "meaningful-perturbation"}
CURVES = tuple(adapters.CURVES)
FROZEN = 2165  # the count may grow, never shrink


def test_the_engine_finds_every_number():
    rows = list(runner.run(adapters.engine, CASES))
    assert [row for row in rows if row.status != "passed"] == []
    assert max(row.worst or 0 for row in rows) < 1e-11


def test_the_mirror_finds_every_number():
    rows = list(runner.run(adapters.mirror, [case for case in METHODS if case.question["method"] in WHITE]))
    assert [row for row in rows if row.status != "passed"] == []


def test_the_mirror_says_by_name_what_it_has_not():
    others = [case for case in METHODS if case.question["method"] not in WHITE]
    for row, case in zip(runner.run(adapters.mirror, others), others, strict=True):
        said = f"the mirror has white-box methods only, and no {case.question['method']}"
        assert (row.status, row.why) == ("skipped", said)


def test_the_mirror_refuses_what_must_be_refused():
    rows = list(runner.run(adapters.mirror, [case for case in ERRORS if "method" in case.question]))
    counts = Counter(row.status for row in rows)
    assert set(counts) == {"passed", "skipped"} and counts["passed"] > 100


def test_float32_stays_within_the_bounds_that_were_counted_and_is_exact_where_proved():
    in_float32 = partial(adapters.engine, dtype="float32")
    black = [case for case in METHODS if case.question["method"] in BLACK and case.tolerance["class"] == "rel"]
    assert {row.status for row in runner.run(in_float32, black, "float32")} == {"passed"}
    counted = [case for case in CASES if case.tolerance.get("class") in ("exact", "ulp")]
    rows = list(runner.run(in_float32, counted, "float32"))
    assert [row for row in rows if row.status != "passed"] == []
    assert {row.worst for row, case in zip(rows, counted, strict=True) if case.tolerance["class"] == "exact"} == {0}
    assert max(row.worst for row in rows) > 2**-24  # float32 it was


def test_sabotage_is_caught_in_every_case():
    sound = [case for case in CASES if case.group != "errors"]
    assert {row.status for row in runner.run(adapters.sabotage, sound)} == {"failed"}


def test_the_engine_refuses_in_a_sentence():
    for case in ERRORS:
        with pytest.raises(ValueError) as error:
            adapters.engine(case.question)
        assert error.type in (ValueError, mx.UnsupportedOp) and len(str(error.value).splitlines()) == 1, case.id


def test_who_answers_what_must_be_refused_fails():
    def eager(question):
        return {"status": "result"}

    def crash(question):
        raise RuntimeError("no")

    def broken(question):
        raise Broken("it has ended")

    for adapter, status in ((eager, "failed"), (crash, "passed"), (broken, "errored")):
        assert {row.status for row in runner.run(adapter, ERRORS)} == {status}
    row = next(runner.run(eager, ERRORS))
    assert row.why == f"it answers, although {ERRORS[0].expected['raises']}"


def test_there_are_enough_of_every_kind():
    assert len(CASES) >= FROZEN and len({case.id for case in CASES}) == len(CASES)
    families = defaultdict(list)
    for case in METHODS:
        families[case.question["method"]].append(case.id.split("/")[-1].rsplit("-", 1)[0])
    assert set(families) == WHITE | BLACK
    assert all(len(found) >= 25 and len(set(found)) >= 3 for found in families.values())
    kinds = Counter(case.question["layer"]["op"] for case in CASES if case.group == "ops")
    assert set(kinds) == set(layers.LAYERS) and min(kinds.values()) >= 30
    judged = Counter(case.question["metric"] for case in CASES if case.group == "metrics")
    assert set(judged) == set(mx.metrics.METRICS) and min(judged.values()) >= 25
    refused = Counter(case.id.split("/")[1].rsplit("-", 1)[0] for case in ERRORS)
    assert set(refused) == {*kinds, *families, *adapters.CURVES} and min(refused[kind] for kind in kinds) >= 10
    assert min(refused[name] for name in (*BLACK, *adapters.CURVES)) >= 7


def test_the_manifest_is_what_is_there():
    said = json.loads((vectors.folder() / "MANIFEST.json").read_text())
    there = {str(p.relative_to(vectors.folder())): p for p in vectors.folder().rglob("*.json")}
    there = {name: path for name, path in there.items() if name not in vectors.OTHERS}
    assert said["files"].keys() == there.keys() and said["cases"] == len(CASES)
    for name, path in there.items():
        assert said["files"][name]["sha256"] == sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("method", methods.SETTINGS)
def test_the_same_bytes_come_out_again(method):
    """Of one family of each method; ``python -m minixai.conformance.making.generate`` makes all, in minutes."""
    found = sorted(path.stem for path in (vectors.folder() / "methods" / method).iterdir())
    for family in found[len(method) % len(found) :][:1]:
        path = vectors.folder() / "methods" / method / f"{family}.json"
        made = methods.method_file(method, family, methods.seeds(path), Counter())
        assert generate.dumped(made) == path.read_bytes()


def test_the_same_layers_metrics_and_refusals_come_out_again():
    folder = vectors.folder()
    sound = {
        f"methods/{p.parent.name}/{p.name}": json.loads(p.read_bytes()) for p in sorted(folder.glob("methods/*/*.json"))
    }
    made = dict(layers.layer_files()) | dict(measures.metric_files())
    sound |= {f"metrics/{name}.json": json.loads((folder / f"metrics/{name}.json").read_bytes()) for name in CURVES}
    made |= dict(wrong.error_files(made | sound))
    for name, content in made.items():
        assert generate.dumped(content) == (folder / name).read_bytes(), name


@pytest.mark.parametrize("metric", CURVES)
def test_the_same_curves_come_out_again(metric):
    """A few of them; all in minutes."""
    file = json.loads((vectors.folder() / f"metrics/{metric}.json").read_bytes())
    for k in range(len(metric), len(file["cases"]), 9):
        said = file["cases"][k]
        family, _, seed = said["network"].rpartition("-")
        draft = curves.chosen(metric, family, k, int(seed), Counter())
        assert form.network(draft.network) == file["networks"][said["network"]]
        assert {"id": said["id"]} | draft.case == said


def test_what_is_frozen_is_not_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "everything", lambda folder: {"ops/a.json": b"new", "ops/b.json": b"b"})
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "a.json").write_bytes(b"old")
    with pytest.raises(generate.typer.Exit):
        generate.main(tmp_path)
    assert (tmp_path / "ops" / "a.json").read_bytes() == b"old" and not (tmp_path / "ops" / "b.json").exists()
    assert "frozen files would change: ops/a.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "only", ["*", "methods/fem/*", "methods/fem/ties-002", "ops/Max*", "*-001", "methods/lrp-[0g]*/p*"]
)
def test_a_pattern_finds_what_it_fits(only):
    fits = [case.id for case in CASES if fnmatchcase(case.id, only)]
    assert fits and [case.id for case in vectors.cases(only=only)] == fits


def test_networks_survive_being_written_down():
    for case in METHODS[::20]:
        network = form.read_network(case.question["network"])
        assert form.network(network) == case.question["network"]
        assert network.dtype == object


GOOD = {"schema": form.SCHEMA, "group": "ops", "op": "ReLU", "networks": {}, "cases": []}
NUMBER = {"shape": [1], "values": ["1"]}
ONE = {
    "id": "a", "profile": "survey", "tolerance": {}, "expected": {}, "layer": {"op": "ReLU"}, "inputs": [NUMBER],
    "arriving": NUMBER, "flags": [],
}  # fmt: skip
DEEP = "[" * 100_000
MALFORMED = {
    "empty": (b"", "Expecting value"),
    "cut off": (json.dumps(GOOD).encode()[:-5], ""),
    "not text": (b"\xff\xfe\x00", ""),
    "nested too deeply": (DEEP.encode(), ""),
    "a list": (b"[]", "the file is list; expected an object"),
    "NaN": (b'{"schema": NaN}', "NaN is no number here"),
    "a key twice": (b'{"schema": "a", "schema": "b"}', "a key stands twice"),
    "another schema": (json.dumps(GOOD | {"schema": "minixai-vectors/9"}).encode(), "expected 'minixai-vectors/1'"),
    "no schema": (b"{}", "'schema' is missing"),
    "another group": (json.dumps(GOOD | {"group": "x"}).encode(), "expected one of methods, ops, metrics, errors"),
    "cases that are no list": (json.dumps(GOOD | {"cases": {}}).encode(), "cases of the file is dict; expected list"),
    "a case that is no object": (json.dumps(GOOD | {"cases": [3]}).encode(), "a case is int; expected an object"),
    "a case without an id": (json.dumps(GOOD | {"cases": [{}]}).encode(), "'id' is missing"),
}
NUMBERS = {
    "a float": 0.5, "a word": "one", "a division by zero": "1/0", "two slashes": "1/2/3", "an exponent": "1e9",
    "a space": " 1", "another script's digits": "\u0661", "a huge number": "9" * 2000, "nothing": None, "a sign": "-",
}  # fmt: skip
for what, value in NUMBERS.items():
    given = GOOD | {"cases": [ONE | {"inputs": [{"shape": [1], "values": [value]}]}]}
    MALFORMED[what] = (json.dumps(given).encode(), "a number is a string such as '-7/2'")
for key, value in {
    "an id that is no text": {"id": 3},
    "a layer that is a list": {"layer": []},
    "no inputs": {"inputs": {}},
}.items():
    MALFORMED[key] = (json.dumps(GOOD | {"cases": [ONE | value]}).encode(), "of a case is ")
MALFORMED["a tensor in a file beside"] = (
    json.dumps(GOOD | {"cases": [ONE | {"inputs": [{"shape": [1], "file": "bomb.npz"}]}]}).encode(), "holds 0 numbers",
)  # fmt: skip
SHAPES = {"too few numbers": [2], "too many": [0], "a negative size": [-1], "a huge shape": [10**30], "no shape": "x"}
for what, shape in SHAPES.items():
    given = GOOD | {"cases": [ONE | {"inputs": [{"shape": shape, "values": ["1"]}]}]}
    MALFORMED[what] = (json.dumps(given).encode(), "")


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_file_is_one_sentence(what, tmp_path):
    content, said = MALFORMED[what]
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a file of vectors: ") as error:
        vectors.read(path)
    assert said in str(error.value) and len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 600


def test_there_are_enough_malformed_kinds():
    assert len(MALFORMED) >= 30


def test_nothing_hostile_takes_more_memory_than_its_file(tmp_path):
    huge = GOOD | {"cases": [ONE | {"inputs": [{"shape": [10**9, 10**9], "values": ["1"] * 50_000}]}]}
    for k, content in enumerate([json.dumps(huge).encode(), DEEP.encode(), b'{"schema": "' + b"x" * 10**6 + b'"}']):
        path = tmp_path / f"{k}.json"
        path.write_bytes(content)
        tracemalloc.start()
        with pytest.raises(ValueError):
            vectors.read(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 30 * len(content) + (4 << 20)


def test_what_lies_beside_the_vectors_is_not_opened(tmp_path):
    """A zip bomb beside the vectors: ten gigabytes of zeros in ten megabytes, were anyone to look."""
    (tmp_path / "x.json").write_text(json.dumps(GOOD | {"cases": [ONE]}))
    for name in ("bomb.npz", "x.json.gz", "x.zip", "x.npy"):
        (tmp_path / name).symlink_to("/dev/zero")
    assert [case.id for case in vectors.cases(tmp_path)] == ["a"]


def test_a_sound_file_is_read(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(GOOD | {"cases": [ONE]}))
    assert [case.id for case in vectors.read(path)] == ["a"]


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "LARGEST", 10)
    (tmp_path / "x.json").write_text(json.dumps(GOOD))
    with pytest.raises(ValueError, match="expected at most 10"):
        vectors.read(tmp_path / "x.json")


CASE = next(case for case in METHODS if case.id == "methods/lrp-gamma/pool-001")
RIGHT = adapters.engine(CASE.question)
SIZE = len(RIGHT["relevance"]["values"])
ANSWERS = {
    "nothing": ({}, "errored"),
    "another status": ({"status": "fine"}, "errored"),
    "skipped": ({"status": "skipped", "why": "no"}, "skipped"),
    "no relevance": ({"status": "result"}, "errored"),
    "words": (RIGHT | {"relevance": {"shape": [1], "values": ["a"]}}, "errored"),
    "a shape of another size": (RIGHT | {"relevance": RIGHT["relevance"] | {"shape": [7]}}, "errored"),
    "another shape": (RIGHT | {"relevance": RIGHT["relevance"] | {"shape": [SIZE]}}, "failed"),
    "NaN": (RIGHT | {"relevance": RIGHT["relevance"] | {"values": [float("nan")] * SIZE}}, "failed"),
    "the right answer": (RIGHT, "passed"),
    "only the relevance": ({key: RIGHT[key] for key in ("status", "relevance")}, "passed"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_every_answer_gets_its_row(what):
    answer, status = ANSWERS[what]
    assert judge.judge(CASE, answer).status == status


def test_the_first_node_that_differs_is_named():
    signals = {name: dict(signal) for name, signal in RIGHT["signals"].items()}
    for name in ("conv1", "relu1"):
        signals[name]["values"] = [2 * v for v in signals[name]["values"]]
    row = judge.judge(CASE, RIGHT | {"signals": signals})
    assert row.status == "failed" and row.where == "relu1" and row.worst == pytest.approx(1)


def test_an_adapter_that_crashes_costs_a_row():
    def crash(question):
        raise RuntimeError("out of paper")

    (row,) = runner.run(crash, [CASE])
    assert row.status == "errored" and row.why == "RuntimeError: out of paper"


def test_the_command_line():
    assert cli("conform", "run", "--only", "methods/fem/*").stdout.endswith(
        "42 passed, 0 failed, 0 skipped, 0 errored\n"
    )
    said = cli("conform", "run", "--adapter", "sabotage", "--only", "methods/fem/ties-001", code=1).stdout
    assert said.startswith("failed   methods/fem/ties-001") and "relevance, 1.0e-03" in said
    assert cli("conform", "list", "--only", "*/cam/gap*").stdout.split()[:3] == ["methods/cam/gap-001", "cam", "survey"]
    assert "which no case fits" in cli("conform", "run", "--only", "nothing", code=2).stderr
    assert "--adapter is 'x'" in cli("conform", "run", "--adapter", "x", code=2).stderr


def test_lint_finds_nothing():
    assert list(lint.problems()) == []
    assert cli("conform", "lint").stdout == "0 problems\n"


def test_lint_finds_everything(tmp_path):
    for name in ("methods/fem/ties.json", "ops/ReLU.json", "ops/Add.json", "schema.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((vectors.folder() / name).read_bytes())
    files = json.loads((vectors.folder() / "MANIFEST.json").read_text())["files"]
    here = {name: files[name] for name in ("methods/fem/ties.json", "ops/ReLU.json", "ops/Concat.json")}
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"files": here}))
    relu = json.loads((tmp_path / "ops/ReLU.json").read_text())
    relu["cases"][0]["expected"]["output"]["float"][0] += 1e-9
    relu["cases"][1]["surprise"] = 1
    relu["cases"][2]["id"] = relu["cases"][0]["id"]
    (tmp_path / "ops/ReLU.json").write_text(json.dumps(relu))
    said = cli("conform", "lint", tmp_path, code=1).stdout
    for part in (
        "ops/Concat.json is in the manifest, but not in the folder", "ops/Add.json is in the folder, but not in",
        "ops/ReLU.json has another SHA-256", "is not the float nearest to", "surprise", "stands twice",
    ):  # fmt: skip
        assert part in said
    assert "fem/ties" not in said


def test_lint_doubts_every_claim(tmp_path):
    (tmp_path / "methods" / "lrp-0").mkdir(parents=True)
    (tmp_path / "schema.json").write_bytes((vectors.folder() / "schema.json").read_bytes())
    said = json.loads((vectors.folder() / "methods/lrp-0/dense.json").read_text())
    said["method"] = "gradient"
    first, second, third = said["cases"]
    first["tolerance"]["class"], second["expected"]["promised"]["exact"][0] = "exact", "1"
    third["distinguishes"].append("bad-luck")
    node = said["networks"][first["network"]]["nodes"][0]
    node["bias"]["values"][0] = "1/3"
    (tmp_path / "methods/lrp-0/dense.json").write_text(json.dumps(said))
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"files": {}}))
    manifest = {"methods/lrp-0/dense.json": {"sha256": ""}}
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"files": manifest}))
    found = "\n".join(lint.problems(tmp_path))
    for part in ("more than 24 bits", "conservation does not hold", "distinguishes 'bad-luck'"):
        assert part in found
