"""``minixai metrics`` and ``minixai score``: what they print, and how they refuse. Files from elsewhere are hostile."""

import json
from zipfile import ZIP_BZIP2, ZipFile

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from minixai import cli, exact, explain, metrics, zoo
from minixai.metrics import METRICS, commands
from minixai.zoo import digits

MAP, MASK = np.array([[1.0, 1, 0], [0, 2, 0]]), np.array([[1, 1, 0], [0, 0, 0]])

app = typer.Typer(cls=cli.OneSentence)
app.command()(commands.metrics)
app.command()(commands.score)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder with a map, a mask and another map in it."""
    monkeypatch.chdir(tmp_path)
    np.save("map.npy", MAP)
    np.save("mask.npy", MASK)
    np.save("other.npy", MAP[::-1])
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def as_json(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


def refused(*arguments):
    said = run(*arguments, code=2).stderr
    assert said.count("\n") == 1 and "Traceback" not in said
    return said


def test_the_list():
    lines = run("metrics").stdout.splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(METRICS)
    assert lines[0] == "auc        localisation  area under the ROC curve: 0 to 1, unit probability, higher is better"
    assert lines[1].split(maxsplit=3)[:3] == ["of", "map,", "mask;"]
    listed = as_json("metrics")
    assert [entry["name"] for entry in listed] == list(METRICS)
    assert listed[9]["low"] is None and listed[10]["better"] == "neither"
    assert all("function" not in entry for entry in listed)


def test_a_map_and_a_mask():
    found = as_json("score", "--map", "map.npy", "--mask", "mask.npy")
    assert found["refused"] == {}
    assert found["scores"] == {
        name: getattr(metrics, name)(*((MAP, MASK) if name != "gini" else (MAP,)))
        for name in ("auc", "iou", "dice", "pointing", "gini")
    }
    assert found["scores"]["pointing"] is False


def test_everything_at_once():
    given = ["--map", "map.npy", "--box", "0:1,0:2"]
    given += [word for name in ("mask", "fixations") for word in (f"--{name}", "mask.npy")]
    given += [word for name in ("other", "truth") for word in (f"--{name}", "other.npy")]
    found = as_json("score", *given)["scores"]
    assert list(found) == [name for name, metric in METRICS.items() if metric.question != "faithfulness"]
    assert found["pcc"] == metrics.pcc(MAP, MAP[::-1]) and found["kl"] == metrics.kl(MAP[::-1], MAP)
    assert found["box-iou"] == metrics.box_iou(MAP, ((0, 1), (0, 2)))


def test_the_text_says_what_a_number_means():
    said = run("score", "--map", "map.npy", "--mask", "mask.npy", "--metric", "auc").stdout
    assert said == "auc             0.75   area under the ROC curve: 0 to 1, unit probability, higher is better\n"


def test_a_metric_that_refuses_does_not_hide_the_others():
    np.save("flat.npy", np.ones((2, 3)))
    found = as_json("score", "--map", "flat.npy", "--mask", "mask.npy", "--other", "map.npy")
    assert found["scores"]["auc"] == 0.5
    assert set(found["refused"]) == {"pcc", "sim"} and "constant" in found["refused"]["pcc"]
    lines = run("score", "--map", "flat.npy", "--other", "map.npy").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["gini", "0"], ["pcc", "-"], ["sim", "-"]]


def test_a_map_that_explain_wrote():
    net, x = zoo.load("digits"), digits.samples().x[6]
    e = explain(net, x, "gradient")
    e.save("e.npz")
    assert as_json("score", "--map", "e.npz", "--metric", "gini")["scores"] == {"gini": metrics.gini(e.map)}
    found = as_json("score", "--map", "e.npz", "--other", "e.npz", "--metric", "sim", "--metric", "pcc")["scores"]
    assert found == pytest.approx({"sim": 1, "pcc": 1}) and list(found) == ["sim", "pcc"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--metric", "acu"), "metric 'acu' is not known; did you mean auc"),
        (("--metric", "pcc"), "pcc lacks --other; it takes map, other"),
        (("--metric", "kl", "--metric", "auc"), "kl lacks --truth; it takes truth, map"),
        (
            ("--metric", "deletion"),
            "deletion asks a network for scores, so it has no command; in Python: minixai.metri",
        ),
        (("--metric", "auc", "--mask", "other.npy"), "the mask, of dtype float64, holds other values than 0 and 1"),
        (("--box", "2:10"), "expected one (start, stop) in whole pixels per axis"),
        (("--box", "a:b"), "--box is 'a:b'; expected START:STOP per axis, for example 2:10,3:12"),
        (("--mask", "nowhere.npy"), "--mask 'nowhere.npy' cannot be read (No such file or directory); expected an"),
        (("--mask", "."), "--mask '.' cannot be read (Is a directory); expected an array"),
    ],
)
def test_what_is_refused(arguments, said):
    wanted = ("--metric", "box-iou") if "--box" in arguments else ()
    assert said in refused("score", "--map", "map.npy", *arguments, *wanted)


def hostile(folder):
    """Files that are not what their names say, by name; and what is said of them."""

    def header(text, version=b"\x01\x00"):
        text = text.encode("latin1") + b" " * 8 + b"\n"
        return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text

    huge = header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }")
    np.save(folder / "objects.npy", exact([1, 2]), allow_pickle=True)
    np.save(folder / "dates.npy", np.array(["2020-01-01"], "datetime64[D]"))
    with ZipFile(folder / "packed.npz", "w", ZIP_BZIP2) as archive:
        archive.writestr("map.npy", huge)
    with ZipFile(folder / "other.npz", "w") as archive:
        archive.writestr("picture.npy", b"")
    whole = (folder / "map.npy").read_bytes()
    np.savez_compressed(folder / "whole.npz", map=np.arange(1000.0).reshape(20, 50) ** 2)
    damaged = bytearray((folder / "whole.npz").read_bytes())
    damaged[100:160] = bytes(60)
    contents = {
        "empty.npy": b"",
        "text.npy": b"1 2 3",
        "short.npy": whole[:-1],
        "huge.npy": huge,
        "nothing.npy": header("{'descr': '<V0', 'fortran_order': False, 'shape': (1000000000,), }"),
        "newer.npy": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", b"\x03\x00"),
        "negative.npy": header("{'descr': '<f8', 'fortran_order': False, 'shape': (-5,), }"),
        "wrong.npy": header("{'descr': __import__('os'), 'shape': (1,), }"),
        "text.npz": b"1 2 3",
        "damaged.npz": bytes(damaged),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return sorted({*contents, "objects.npy", "dates.npy", "packed.npz", "other.npz"})


def test_files_that_are_not_what_they_say(folder):
    names = hostile(folder)
    assert len(names) == 14
    for name in names:
        said = refused("score", "--map", name)
        assert f"--map '{name}' cannot be read (" in said and "; expected an array in a .npy file" in said, name
    assert "promises an array (1000000, 1000000) of float64 and is too short" in refused("score", "--map", "huge.npy")
    assert "it holds object, no plain numbers" in refused("score", "--map", "objects.npy")


def test_no_more_is_read_than_a_map_can_have(folder, monkeypatch):
    monkeypatch.setattr(commands, "MAX_BYTES", 1000)
    np.save("large.npy", np.zeros(1000))
    assert "it has more than 1000 bytes" in refused("score", "--map", "large.npy")
    np.savez_compressed("bomb.npz", map=np.zeros(50_000))
    assert (folder / "bomb.npz").stat().st_size < 1000
    assert "its map has more than 1000 bytes" in refused("score", "--map", "bomb.npz")
