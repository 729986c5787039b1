"""The command line: what it prints, what it writes, and how it refuses."""

import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import minixai as mx
from minixai import cli, draw, files
from minixai.zoo import clips, digits, husky, shapes

HEAVY = ("matplotlib", "numba", "scipy", "torch", "tqdm", "PIL")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def as_json(*arguments):
    """What a program would read: stdout, and nothing but JSON on it."""
    return json.loads(run(*arguments, "--json").stdout)


def fresh(*arguments, **environment):
    """The console command in a process of its own."""
    code = "import sys; from minixai.cli import main; sys.argv[0] = 'minixai'; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | environment,
        check=False,
    )


@pytest.fixture(scope="module")
def three():
    """The digit that the verbs explain when they are given no picture."""
    return digits.samples().x[6]


@pytest.fixture
def picture(folder):
    """A picture file: a bright square."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[10:30, 20:40] = 255
    Image.fromarray(pixels).save(folder / "square.png")
    return folder / "square.png"


# -- lists -------------------------------------------------------------------------------------------------------------


def test_methods_are_listed_with_section_equations_and_parameters():
    lines = run("methods").stdout.splitlines()
    assert "lrp-epsilon            5.1    LRP-epsilon; equations (11), (13)" in lines
    assert lines[lines.index("lrp-epsilon            5.1    LRP-epsilon; equations (11), (13)") + 1].split() == [
        "eps=1e-06,", "stabilizer=signed,", "bias=include",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [m.name for m in mx.methods()]


def test_methods_as_json():
    found = as_json("methods")
    assert [m["name"] for m in found] == [m.name for m in mx.methods()]
    fem = next(m for m in found if m["name"] == "fem")
    assert fem["section"] == "5.3" and fem["equations"] == [26] and fem["params"]["K"] == 1


def test_networks_are_listed():
    said = run("networks").stdout
    assert all(card.name in said and card.title in said for card in mx.networks())
    assert [card["name"] for card in as_json("networks")] == [card.name for card in mx.networks()]
    assert "1 x 8 x 8" in said and re.search(r"\d\d\.\d% right on pictures it never saw", said)


def test_version_and_help():
    assert run("--version").stdout.strip() == mx.__version__
    verbs = {"methods", "networks", "download", "explain", "atlas", "lab", "doctor"}
    assert verbs <= set(run().stdout.split())
    for verb in verbs:
        assert run(verb, "--help").stdout.startswith(f"Usage: root {verb}")


# -- explain -----------------------------------------------------------------------------------------------------------


def test_explain_without_a_picture_takes_a_real_digit(three):
    e = mx.explain(mx.load("digits"), three, "lrp-epsilon")
    assert run("explain").stdout.splitlines() == [draw.alt_text(e), "To see it: --out map.png"]
    assert e.label == "three"


def test_explain_as_json(three):
    found = as_json("explain", "--method", "integrated-gradients", "--target", "eight", "--param", "n=20")
    e = mx.explain(mx.load("digits"), three, "integrated-gradients", target="eight", n=20)
    assert (found["network"], found["method"], found["target"], found["label"]) == (
        "digits", "integrated-gradients", 8, "eight",
    )  # fmt: skip
    assert found["score"] == float(e.score) and found["total"] == float(e.total)
    assert found["expected"] == float(e.expected) and found["params"]["n"] == 20
    assert found["notes"] == {"baseline": "black"} and found["shows"] == draw.alt_text(e) and found["written"] is None


@pytest.mark.parametrize(("given", "number"), [("8", 8), ("eight", 8), ("0", 0)])
def test_a_class_is_given_by_number_or_name(given, number):
    assert as_json("explain", "--method", "gradient", "--target", given)["target"] == number


@pytest.mark.parametrize(
    ("network", "label"), [("digits", "three"), ("shapes", "star"), ("husky", "wolf"), ("clips", "right")]
)
def test_every_network_of_ours_brings_a_picture_and_is_right_about_it(network, label):
    found = as_json("explain", "--network", network, "--method", "gradient")
    assert (found["network"], found["label"]) == (network, label)


@pytest.mark.parametrize("member", [digits, shapes, husky, clips], ids=lambda member: member.NAME)
def test_samples_are_inputs_and_show_every_class_equally_often(member):
    x, labels = member.samples()
    classes = len(member.card().classes)
    assert x.dtype == np.float32 and x.shape == (20, *member.SHAPE)
    assert np.bincount(labels).tolist() == [20 // classes] * classes


def test_a_picture_file_is_explained(picture):
    net = mx.load("digits")
    e = mx.explain(net, net.preprocess(picture), "gradient")
    found = as_json("explain", picture, "--method", "gradient")
    assert found["score"] == float(e.score) and found["shows"] == draw.alt_text(e)


def test_out_writes_the_figure_or_the_numbers(three, folder):
    e = mx.explain(mx.load("digits"), three, "fem")
    assert run("explain", "--method", "fem", "--out", "map.png").stdout.endswith("Written: map.png\n")
    with Image.open("map.png") as image:
        assert image.text["Description"] == draw.alt_text(e)
    assert as_json("explain", "--method", "fem", "--out", "map.npz")["written"] == "map.npz"
    with np.load("map.npz", allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["relevance"], e.relevance)
    assert {path.name for path in folder.iterdir()} == {"map.png", "map.npz"}


def test_a_clip_is_explained_and_moves(folder):
    """Without a file its own clip; else the frames of a GIF. What is written is a GIF, too."""
    net, x = mx.load("clips"), clips.samples().x[1]
    found = as_json("explain", "--network", "clips", "--method", "fem", "--out", "map.gif")
    assert (found["label"], found["notes"], found["written"]) == ("right", {"layer": "relu3"}, "map.gif")
    assert found["shows"] == draw.alt_text(mx.explain(net, x, "fem"))
    first, *others = map(Image.fromarray, net.unpreprocess(x))
    first.save("clip.gif", save_all=True, append_images=others)
    assert as_json("explain", "clip.gif", "--network", "clips", "--method", "fem")["total"] == found["total"]
    with Image.open("map.gif") as image:
        assert image.n_frames == 8


def test_a_picture_is_no_clip_and_does_not_move(picture, folder):
    said = run("explain", picture, "--network", "clips", code=2).stderr
    assert said == "minixai: the clip has 1 frames; expected 8: cut it first\n"
    said = run("explain", "--method", "fem", "--out", "map.gif", code=2).stderr
    assert said == "minixai: cannot write 'map.gif': only the frames of one clip can move; write a .png or .npz\n"
    assert not (folder / "map.gif").exists()


def test_smoothgrad_averages_another_method():
    found = as_json(
        "explain", "--method", "smoothgrad", "--param", "method=lrp-epsilon", "--param", "eps=1/4",
        "--param", "n=3", "--param", "average=signed", "--param", "sigma=1e-1",
    )  # fmt: skip
    expected = {"method": "lrp-epsilon", "eps": "1/4", "n": 3, "average": "signed", "sigma": 0.1}
    assert {name: found["params"][name] for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-2", -2), ("0.25", 0.25), ("1e-6", 1e-6), ("1/4", Fraction(1, 4)), ("-3/2", Fraction(-3, 2)),
        ("true", True), ("False", False), ("none", None), ("conv2", "conv2"), ("lrp-epsilon", "lrp-epsilon"),
        ("1/0", "1/0"), ("3,4", (3, 4)), ("1/2,relu1", (Fraction(1, 2), "relu1")),
    ],
)  # fmt: skip
def test_values_are_numbers_where_they_look_like_numbers(text, value):
    (found,) = cli._params([f"name={text}"]).values()
    assert found == value and type(found) is type(value)


def test_a_value_may_hold_an_equals_sign():
    assert cli._params(["layer=a=b"]) == {"layer": "a=b"}


def test_booleans_and_places_reach_the_method():
    whole = as_json("explain", "--method", "grad-cam", "--param", "relu=false")
    assert whole["params"]["relu"] is False
    place = ["--param", "layer=conv2", "--param", "channel=2", "--param", "position=1,1"]
    assert as_json("explain", "--method", "deconvnet", *place)["params"]["position"] == [1, 1]


# -- atlas -------------------------------------------------------------------------------------------------------------


def test_atlas_writes_one_figure_of_a_real_digit(three, folder):
    lines = run("atlas").stdout.splitlines()
    assert lines[0] == "atlas.png" and [path.name for path in folder.iterdir()] == ["atlas.png"]
    assert [line.split()[0] for line in lines[1:]] == [m.name for m in mx.methods("white-box")]
    said = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[1:]}
    assert said["cam"].startswith("does not fit: cam needs a network that ends in global average pooling")
    assert said["fem"] == draw.where(mx.explain(mx.load("digits"), three, "fem"))
    with Image.open("atlas.png") as image:
        assert image.text["Description"].startswith("16 methods explain digits: class three, score ")


def test_atlas_of_a_picture_and_another_class(picture, folder):
    found = as_json("atlas", picture, "--target", "4", "--out", "deep/four.png")
    assert found["written"] == str(Path("deep/four.png")) and Path("deep/four.png").is_file()
    assert set(found["methods"]) | set(found["refused"]) == {m.name for m in mx.methods("white-box")}
    assert {e["label"] for e in found["methods"].values()} == {"four"}


def test_atlas_agrees_with_explain_all(three):
    together = mx.explain_all(mx.load("digits"), three)
    one_by_one = cli._every_method(mx.load("digits"), three, None)
    assert one_by_one.refused == together.refused and list(one_by_one) == [
        m.name for m in mx.methods("white-box") if m.name in together
    ]
    for name, e in one_by_one.items():
        np.testing.assert_allclose(e.map, together[name].map, rtol=1e-5, atol=1e-6)


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["explain", "--method", "grad-kam"], r"method 'grad-kam' is not known; did you mean grad-cam .*\?"),
        (["explain", "--network", "digit"], r"network 'digit' is not known; did you mean digits\?"),
        (["explain", "--target", "threee"], r"target 'threee' is not a class; did you mean three\?"),
        (["explain", "--target", "10"], r"target is 10; expected a class number from 0 to 9, or a class name"),
        (["explain", "--target", "-1"], r"target is -1; expected a class number from 0 to 9, or a class name"),
        (["explain", "--param", "eps"], r"--param is 'eps'; expected NAME=VALUE, for example eps=0.25"),
        (["explain", "--param", "eps="], r"--param is 'eps='; expected NAME=VALUE.*"),
        (["explain", "--param", "=1"], r"--param is '=1'; expected NAME=VALUE.*"),
        (["explain", "--param", "eps=1", "--param", "eps=2"], r"--param eps is given twice; expected one value"),
        (["explain", "--param", "epsilon=1"], r"lrp-epsilon has no parameter 'epsilon'; did you mean eps\?"),
        (["explain", "--param", "target=3"], r"lrp-epsilon has no parameter 'target'; .*"),
        (["explain", "--param", "eps=much"], r"eps is 'much'; expected a finite number"),
        (["explain", "--param", "eps=nan"], r"eps is nan; expected a finite number"),
        (["explain", "--param", "eps=1/0"], r"eps is '1/0'; expected a finite number"),
        (["explain", "--method", "cam"], r"cam needs a network that ends in global average pooling.*"),
        (["explain", "nowhere.png"], r"there is no file 'nowhere.png'; give the path of a picture"),
        (["explain", "text.png"], r"'text.png' .*expected .*"),
        (["explain", "--out", "map.jpg"], r"cannot write 'map.jpg'; expected a name that ends in .png or .npz or .gif"),
        (["atlas", "--out", "atlas.npz"], r"cannot write 'atlas.npz'; expected a name that ends in .png"),
        (["atlas", "--target", "ten"], r"target 'ten' is not a class; .*"),
        (["atlas", "nowhere.png"], r"there is no file 'nowhere.png'; give the path of a picture"),
        (["download", "nothing"], r"there is nothing to download for 'nothing'; .*"),
        (["explain", "--colour", "red"], r"No such option: --colour.*"),
        (["explain", "a.png", "b.png"], r"Got unexpected extra argument.*"),
        (["explane"], r"No such command 'explane'.*"),
        (["download"], r"Missing argument.*"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, sentence, folder):
    (folder / "text.png").write_text("not a picture")
    result = run(*arguments, code=2)
    assert result.stdout == ""
    assert re.fullmatch(f"minixai: {sentence}\n", result.stderr)
    assert [path.name for path in folder.iterdir()] == ["text.png"]


def test_a_network_without_a_picture_of_its_own_asks_for_one(monkeypatch):
    monkeypatch.setattr(cli, "SAMPLES", {})
    sentence = "minixai: network 'digits' brings no picture of its own; give the path of one\n"
    assert run("explain", code=2).stderr == sentence == run("atlas", code=2).stderr


def test_a_bug_is_not_dressed_up_as_bad_input(monkeypatch):
    def broken():
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(cli.api, "methods", broken)
    result = run("methods", code=1)
    assert isinstance(result.exception, ZeroDivisionError)


def test_an_output_folder_that_cannot_be_made_is_refused(folder):
    (folder / "file").write_text("in the way")
    result = run("explain", "--out", "file/map.png", code=2)
    assert result.stderr.startswith("minixai: ") and result.stderr.count("\n") == 1


# -- doctor ------------------------------------------------------------------------------------------------------------


def test_doctor_names_versions_threads_and_folders(monkeypatch, folder):
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("MINIXAI_HOME", str(folder / "home"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    found = as_json("doctor")
    assert found["versions"]["numpy"] == np.__version__ and found["versions"]["minixai"] == mx.__version__
    assert found["threads"]["OMP_NUM_THREADS"] == "3" and found["machine"]["engine"] == mx.engine()
    assert found["threads"]["cores"] >= 1 and found["threads"]["advice"] and "numba (numba)" in found["threads"]
    assert found["machine"]["gpu"] == "unknown: PyTorch is not installed (pip install 'minixai[torch]')"
    assert found["folders"]["downloads"] == str(folder / "home") == found["environment"]["MINIXAI_HOME"]
    assert found["folders"]["chapters"] == str(files.root("chapters"))
    assert found["environment"]["NUMBA_CACHE_DIR"] is None
    lines = [line.split() for line in run("doctor").stdout.splitlines()]
    assert ["numpy", np.__version__] in lines and ["NUMBA_CACHE_DIR", "-"] in lines


def test_doctor_has_no_version_of_what_is_not_installed():
    assert cli._version("a-package-that-nobody-has-installed") is None


@pytest.mark.parametrize(("names", "said"), [(["A100", "H200"], "A100, H200"), ([], "none that PyTorch can use")])
def test_doctor_asks_torch_about_the_gpu_where_it_is_installed(names, said, monkeypatch):
    cuda = SimpleNamespace(device_count=lambda: len(names), get_device_name=lambda i: names[i])
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, get_num_threads=lambda: 5))
    monkeypatch.setattr(cli, "find_spec", lambda name: name)
    found = as_json("doctor")
    assert found["machine"]["gpu"] == said and found["threads"]["torch (intra-op)"] == 5


def test_doctor_knows_every_package_that_the_project_asks_for():
    pyproject = (Path(cli.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    required = re.search(r"^dependencies = \[(.*?)^\]", pyproject, re.MULTILINE | re.DOTALL)[1]
    assert {re.match(r"[\w-]+", name)[0] for name in re.findall(r'"(.+?)"', required)} <= set(cli.PACKAGES)


# -- real processes ----------------------------------------------------------------------------------------------------


def test_listing_the_methods_loads_nothing_heavy():
    code = (
        "import sys\nfrom minixai import cli\n"
        "try: cli.app(['methods'])\nexcept SystemExit as end: assert end.code == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]" and "guided-backprop" in done.stdout


def test_the_console_command_end_to_end(three):
    done = fresh("explain", "--method", "lrp-gamma", "--json")
    assert done.returncode == 0, done.stderr
    e = mx.explain(mx.load("digits"), three, "lrp-gamma")
    assert json.loads(done.stdout)["score"] == pytest.approx(float(e.score), rel=1e-5)


def test_the_console_command_refuses_without_a_traceback():
    done = fresh("explain", "--method", "gradiant")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("minixai: method 'gradiant' is not known; did you mean gradient")
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1
