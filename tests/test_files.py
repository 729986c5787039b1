"""files.root: the checkout's folders where there is a checkout, the packaged copies where there is none."""

from pathlib import Path

import pytest

from minixai import files

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty folder in which the package believes it is installed."""
    monkeypatch.setattr(files, "PACKAGE", tmp_path / "minixai")
    return tmp_path


@pytest.mark.parametrize("name", files.FOLDERS)
def test_a_checkout_answers_with_its_top_level_folder(name):
    assert files.root(name) == CHECKOUT / name
    assert any(files.root(name).iterdir())


@pytest.mark.parametrize("name", files.FOLDERS)
def test_without_a_pyproject_the_packaged_copy(name, site):
    assert files.root(name) == site / "minixai" / f"_{name}"


@pytest.mark.parametrize("ours", [b'[project]\nname = "minixai"\n', b'# caf\xc3\xa9\n[project]\nname = "minixai"\n'])
def test_a_pyproject_that_names_minixai_marks_a_checkout(ours, site):
    (site / "pyproject.toml").write_bytes(ours)
    assert files.root("data") == site / "data"


@pytest.mark.parametrize(
    "foreign",
    [
        b"",
        b"[tool.ruff]\nline-length = 120\n",
        b'[project]\nname = "homework"\ndependencies = ["minixai"]\n',
        b"name = minixai, but this is not TOML",
        b'[project]\nname = "minixai"\n# not UTF-8: \xff\n',
    ],
)
def test_somebody_elses_pyproject_does_not(foreign, site):
    (site / "pyproject.toml").write_bytes(foreign)
    assert files.root("data") == site / "minixai" / "_data"


def test_a_folder_called_pyproject_does_not_either(site):
    (site / "pyproject.toml").mkdir()
    assert files.root("chapters") == site / "minixai" / "_chapters"


@pytest.mark.parametrize("name", ["tests", "dat", "Data", "_data", "data/", "../data", "", None, 3, ["data"]])
def test_any_other_name_is_refused_with_a_sentence(name):
    with pytest.raises(ValueError) as refusal:
        files.root(name)
    assert str(refusal.value) == f"files.root was given {name!r}; expected one of 'data', 'chapters'."
