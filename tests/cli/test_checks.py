"""``minixai crosscheck`` and ``minixai bench``: engine against PyTorch, on the command line."""

import json

import numpy as np
import pytest

import minixai as mx
from minixai import crosscheck, draw, files
from minixai.bench import mirror
from minixai.whitebox import guided
from tests.cli.test_cli import as_json, run

FEW = ("--method", "gradient", "--method", "guided-backprop", "--method", "cam")


def test_the_engines_agree_on_digits():
    (report,) = as_json("crosscheck", "--network", "digits", *FEW)
    assert report["passed"] and report["network"] == "digits" and report["device"] == "cpu"
    assert [row["method"] for row in report["methods"]] == ["gradient", "guided-backprop"]
    assert all(row["shared"] < 1e-12 for row in report["methods"])
    assert set(report["refused"]) == {"cam"}


def test_the_text_has_a_line_per_method():
    lines = run("crosscheck", "--network", "digits", "--dtype", "float32", *FEW).stdout.splitlines()
    assert lines[0].startswith("digits, float32 on cpu: forward ")
    assert [line.split()[0] for line in lines[1:]] == ["gradient", "guided-backprop", "cam"]
    assert lines[1].endswith("ok") and "does not fit" in lines[3]


def test_untrained_weights_need_no_download():
    (report,) = as_json("crosscheck", "--network", "squeezenet", "--random", "--pictures", "1", "--method", "gradient")
    assert report["passed"]


def test_a_disagreement_is_exit_code_1(monkeypatch):
    forgetful = lambda R, step: np.where(R > 0, R, 0)  # noqa: E731  the forward gate is forgotten
    monkeypatch.setitem(guided.GUIDED, mx.ReLU, forgetful)
    said = run("crosscheck", "--network", "digits", "--method", "guided-backprop", code=1).stdout
    assert "FAILED" in said and "first at" in said


def test_the_figure_says_what_it_shows(tmp_path):
    run("crosscheck", "--network", "digits", *FEW, "--out", tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 5000
    reports = as_json("crosscheck", "--network", "digits", *FEW)
    assert draw.differences(reports).alt.startswith("digits, float64 on cpu: the engines agree; with decisions shared")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dtype", "float16"), "--dtype is 'float16'; expected float64 or float32"),
        (("--device", "tpu"), "device is 'tpu'; expected cpu, cuda or cuda:NUMBER"),
        (("--method", "gradiant"), "methods gradiant are not known; expected some of deconvnet"),
        (("--network", "vgg61"), "network 'vgg61' is not known"),
    ],
)
def test_bad_input_is_exit_code_2(arguments, said):
    assert said in " ".join(run("crosscheck", *arguments, code=2).stderr.split())


def test_cuda_asked_for_and_absent():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    said = run("crosscheck", "--network", "digits", "--device", "cuda", code=2).stderr
    assert "device is cuda, but this PyTorch sees no GPU" in " ".join(said.split())


def test_a_record_replaces_its_own_kind_and_keeps_the_others(tmp_path):
    net = mx.load("digits").astype("float64")
    report = crosscheck.crosscheck(net, net.to_torch(), crosscheck.texture(net, 1), {"gradient": {}})
    other = {**report.as_dict(), "network": "another", "machine": "elsewhere"}
    (tmp_path / "crosscheck.json").write_text(json.dumps([other]))
    for machine in ("first", "second"):
        crosscheck.record([report], tmp_path, {"machine": machine})
    kept = json.loads((tmp_path / "crosscheck.json").read_text())
    assert [(r["network"], r["machine"]) for r in kept] == [("another", "elsewhere"), ("digits", "second")]
    rows = (tmp_path / "crosscheck.md").read_text().splitlines()
    assert len(rows) == 4 and rows[3].startswith("| digits | float64, second | 1 |") and rows[3].endswith("| yes |")


def test_the_committed_record_passed_and_its_table_is_its_own():
    folder = files.root("data") / "results"
    known = json.loads((folder / "crosscheck.json").read_text())
    assert all(report["passed"] for report in known)
    assert (folder / "crosscheck.md").read_text() == crosscheck.as_table(known) + "\n"
    seen = {report["network"].removesuffix("-untrained") for report in known if report["dtype"] == "float64"}
    assert seen >= {"digits", "shapes", "husky", "shapes-resnet", "alexnet", "squeezenet", "resnet34", "vgg16"}


def test_bench_says_what_was_timed():
    found = as_json("bench", "--pytorch", "--network", "digits", "--rounds", "2")
    assert [r["name"] for r in found["ratios"]] == list(mirror.TARGETS)
    assert all(0 < r["low"] <= r["ratio"] <= r["high"] for r in found["ratios"])
    said = run("bench", "--pytorch", "--network", "digits", "--rounds", "2").stdout.splitlines()
    assert said[0].startswith("digits, ") and len(said) == 1 + len(mirror.TARGETS)
