"""The chapters are opened where the reader's work is safe."""

import sys

import pytest

from minixai import files, lab
from tests.cli.test_cli import run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def started(monkeypatch):
    """Instead of starting JupyterLab, note how it would have been started."""
    calls = []
    monkeypatch.setattr(lab, "_run", lambda command, **environment: calls.append((command, environment)) or 0)
    monkeypatch.setattr(lab, "find_spec", lambda name: name)
    return calls


def test_lab_opens_the_chapters_of_the_checkout(started, monkeypatch):
    monkeypatch.setattr(lab, "_has_display", lambda: True)
    said = run("lab").stdout
    ((command, environment),) = started
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={files.root('chapters')}" in command and "--no-browser" not in command
    (port,) = [word.rpartition("=")[2] for word in command if word.startswith("--ServerApp.port=")]
    address = f"http://localhost:{port}/lab/tree/00_start_here.ipynb?token={environment['JUPYTER_TOKEN']}"
    assert address in said
    assert not any(environment["JUPYTER_TOKEN"] in word for word in command), "everybody can read a command line"


def test_kernels_use_one_thread_unless_the_reader_says_otherwise(started, monkeypatch):
    for name in lab.ONE_THREAD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    run("lab")
    given = {name: value for name, value in started[0][1].items() if name in lab.ONE_THREAD}
    assert given == {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def test_lab_hands_on_what_it_does_not_know(started):
    run("lab", "--no-browser", "--ServerApp.log_level=WARN", "--ip=0.0.0.0")
    command, _ = started[0]
    assert command[-2:] == ["--ServerApp.log_level=WARN", "--ip=0.0.0.0"]
    assert "--no-browser" in command


@pytest.mark.parametrize(
    ("system", "environment", "display"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ""}, False),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_without_a_screen_no_browser_is_tried(system, environment, display, started, monkeypatch):
    monkeypatch.setattr(sys, "platform", system)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run("lab")
    assert ("--no-browser" in started[0][0]) is not display


def test_without_jupyterlab_lab_says_what_to_install(monkeypatch):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    assert run("lab", code=2).stderr == "minixai: the chapters need JupyterLab: pip install 'minixai[book]'\n"


@pytest.mark.parametrize("user", [0, 1000])
def test_lab_tells_jupyterlab_that_root_may(user, started, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: user, raising=False)
    run("lab")
    assert ("--allow-root" in started[0][0]) is (user == 0)


# -- a copy of one's own -----------------------------------------------------------------------------------------------


@pytest.fixture
def packaged(folder, monkeypatch):
    """The chapters of an installed package."""
    chapters = folder / "site" / "_chapters"
    (chapters / "deep").mkdir(parents=True)
    (chapters / "00_start.ipynb").write_text("first edition")
    (chapters / "deep" / "data.txt").write_text("data")
    monkeypatch.setattr(files, "root", lambda name: chapters)
    monkeypatch.setattr(files, "in_checkout", lambda: False)
    return chapters


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.suffix in (".ipynb", ".txt")
    }


def test_an_installed_package_copies_its_chapters_beside_the_reader(packaged, folder, started):
    mine = folder / "minixai-chapters"
    said = run("lab").stdout
    assert "Copied: 2 files." in said and str(mine) in said
    assert contents(mine) == contents(packaged) and f"--ServerApp.root_dir={mine}" in started[0][0]
    assert "Copied" not in run("lab").stdout


def test_the_reader_chooses_the_folder_also_in_a_checkout(folder, started):
    run("lab", "--folder", str(folder / "course"))
    chapters = {p.name for p in files.root("chapters").glob("*.ipynb")}
    assert {p.name for p in (folder / "course").glob("*.ipynb")} == chapters
    assert f"--ServerApp.root_dir={folder / 'course'}" in started[0][0]


def test_what_the_reader_wrote_stays_and_the_new_edition_comes_beside_it_once(packaged, folder, started):
    mine = folder / "minixai-chapters"
    run("lab")
    (mine / "00_start.ipynb").write_text("my answers")
    assert "new edition" not in run("lab").stdout
    (packaged / "00_start.ipynb").write_text("second edition")
    said = run("lab").stdout
    (beside,) = (name for name in contents(mine) if ".new-" in name)
    assert f"There is a new edition of 00_start.ipynb; yours is left alone, the new one is {beside}." in said
    assert contents(mine) | {beside: ""} == {"00_start.ipynb": "my answers", "deep/data.txt": "data", beside: ""}
    assert contents(mine)[beside] == "second edition"
    (mine / beside).write_text("answers to the second")
    assert "new edition" not in run("lab").stdout and contents(mine)[beside] == "answers to the second"


def test_a_file_that_was_there_before_is_left_alone(packaged, folder, started):
    mine = folder / "minixai-chapters"
    mine.mkdir()
    (mine / "00_start.ipynb").write_text("from somewhere else")
    assert "yours is left alone" in run("lab").stdout
    assert contents(mine)["00_start.ipynb"] == "from somewhere else" and len(contents(mine)) == 3


@pytest.mark.parametrize("record", ["", "[]", "{", "[" * 100_000, "\xff"])
def test_a_damaged_record_costs_nobody_their_work(record, packaged, folder, started):
    mine = folder / "minixai-chapters"
    run("lab")
    (mine / "00_start.ipynb").write_text("my answers")
    (mine / lab.RECORD).write_bytes(record.encode("latin-1"))
    run("lab")
    assert contents(mine)["00_start.ipynb"] == "my answers"


def test_the_exit_code_of_jupyterlab_is_ours(started, monkeypatch):
    monkeypatch.setattr(lab, "_run", lambda command, **environment: 3)
    run("lab", code=3)


def test_a_program_is_run_with_its_environment_until_it_ends():
    ask = "import os, sys; sys.exit(7 if os.environ['JUPYTER_TOKEN'] == 'secret' else 1)"
    assert lab._run([sys.executable, "-c", ask], JUPYTER_TOKEN="secret") == 7


def test_a_killed_program_is_told_from_a_refusal():
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert lab._run([sys.executable, "-c", suicide]) in (128 + 15, 15)  # POSIX; Windows
