"""``minixai attack``: what it prints, what a program reads, what it refuses."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from minixai import draw
from minixai.adversarial.commands import attack_verb
from minixai.cli import _params, _picture, _target
from minixai.draw.attacks import attack_figure
from minixai.zoo import digits, load

TOOLS = SimpleNamespace(checked=draw.checked, save_figure=draw.save_figure, attack_figure=attack_figure)


def ask(*words):
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command("attack")(attack_verb(load, _picture, _target, _params, TOOLS))
    return CliRunner().invoke(app, ["attack", *words])


def test_in_words():
    said = ask("--method", "deepfool").stdout.splitlines()
    assert said[0].startswith("Attack(deepfool, three -> ") and said[1].startswith("deepfool: 1 of 1 changed, 100 %")
    assert said[2] == "To see it: --out attack.png"


def test_for_a_program(tmp_path):
    out = tmp_path / "a.png"
    found = ask("--method", "fgsm", "--param", "eps=0.3", "--target", "two", "--json", "--out", str(out))
    said = json.loads(found.stdout)
    (row,) = said["pictures"]
    assert row["before"]["label"] == "three" and row["target"] == 2 and row["linf"] == pytest.approx(0.3)
    assert row["success"] == (row["after"]["class"] == 2)
    assert said["network"] == "digits" and said["report"]["params"] == {"eps": 0.3} and said["written"] == str(out)
    assert out.read_bytes().startswith(b"\x89PNG")


def test_several_picture_files(tmp_path):
    from PIL import Image

    paths = []
    for i in (0, 6, 8):
        paths.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(np.rint(digits.samples().x[i, 0] * 255).astype(np.uint8)).save(paths[-1])
    said = json.loads(ask(*paths, "--method", "deepfool", "--json").stdout)
    assert [row["before"]["class"] for row in said["pictures"]] == digits.samples().labels[[0, 6, 8]].tolist()
    assert said["report"]["pictures"] == 3 and said["report"]["success_rate"] == 1
    lines = ask(*paths, "--method", "deepfool").stdout.splitlines()
    assert lines[0].startswith(f"{paths[0]}: Attack(deepfool")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--method", "fgms"], "did you mean fgsm"),
        (["--param", "steps=3"], "steps is not a parameter of fgsm; expected eps"),
        (["--param", "box=3"], "--param box is not a parameter of fgsm"),
        (["--param", "eps"], "expected NAME=VALUE"),
        (["--target", "three"], "picture 0 is 'three' to the network already"),
        (["--target", "eleven"], "target 'eleven' is not a class"),
        (["--network", "digit"], "did you mean digits"),
        (["--out", "a.gif"], r"\.png"),
    ],
)
def test_bad_input(words, sentence):
    found = ask(*words)
    assert isinstance(found.exception, ValueError)
    with pytest.raises(ValueError, match=sentence):
        raise found.exception
