"""What is packaged: the wheel carries data and chapters and finds them; an editable install reads the checkout's."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from minixai import files

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LEFT_OUT = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}

ASK = """
import json
from minixai import files
print(json.dumps({name: str(files.root(name)) for name in files.FOLDERS} | {"package": str(files.PACKAGE)}))
"""


def python(*arguments, cwd, **environment):
    """Run a fresh interpreter; its standard output."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names(folder):
    """The files below a folder, as relative paths, without what tools leave lying about."""
    paths = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path.as_posix() for path in paths if not LEFT_OUT & set(path.parts)}


def unpack(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as a release makes it: checkout -> source archive -> wheel."""
    dist = tmp_path_factory.mktemp("dist")
    python("-m", "build", "--no-isolation", "--outdir", dist, CHECKOUT, cwd=dist)
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """A folder that holds the unpacked wheel and nothing else."""
    return unpack(wheel, tmp_path_factory.mktemp("site"))


def test_the_wheel_holds_the_package_and_its_metadata_and_nothing_else(wheel, site):
    assert wheel.name == f"minixai-{PROJECT['version']}-py3-none-any.whl"
    assert {path.name for path in site.iterdir()} == {"minixai", f"minixai-{PROJECT['version']}.dist-info"}
    copies = {name for name in names(site / "minixai") if name.startswith(("_data/", "_chapters/"))}
    assert names(site / "minixai") - copies == names(CHECKOUT / "minixai")


@pytest.mark.parametrize("name", files.FOLDERS)
def test_the_packaged_copy_holds_every_file_of_the_checkout(name, site):
    copy, original = site / "minixai" / f"_{name}", CHECKOUT / name
    assert names(copy) == names(original) != set()
    for path in names(original):
        assert (copy / path).read_bytes() == (original / path).read_bytes(), path


def test_from_the_wheel_root_gives_the_packaged_copies(site, tmp_path):
    answer = json.loads(python("-c", ASK, cwd=tmp_path, PYTHONPATH=site))
    package = site.resolve() / "minixai"
    assert answer == {"package": str(package)} | {name: str(package / f"_{name}") for name in files.FOLDERS}


def test_from_an_editable_install_root_gives_the_checkout(tmp_path):
    """An editable install is a wheel that holds a path: build one, and go where it points."""
    build = f"from hatchling.build import build_editable; build_editable({str(tmp_path)!r})"
    python("-c", build, cwd=CHECKOUT)
    (editable,) = tmp_path.glob("*.whl")
    site = unpack(editable, tmp_path / "site")
    (pointer,) = site.glob("*.pth")
    assert names(site / "minixai") == set(), "an editable install must not carry copies"

    answer = json.loads(python("-c", ASK, cwd=tmp_path, PYTHONPATH=pointer.read_text(encoding="utf-8").strip()))
    assert answer == {"package": str(CHECKOUT / "minixai")} | {name: str(CHECKOUT / name) for name in files.FOLDERS}


def test_every_requirement_is_pinned_within_its_range():
    lines = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    extras = PROJECT["optional-dependencies"]
    required = [Requirement(text) for text in sum(extras.values(), PROJECT["dependencies"])]
    unmet = [str(r) for r in required if r.name != "minixai" and pins.get(r.name, "none") not in r.specifier]
    assert not unmet


def test_one_version_number():
    citation = (CHECKOUT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [PROJECT["version"]]
