"""Weights on disk are hostile until checked: every kind of damage is refused, in a sentence that says what to do."""

import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from io import BytesIO

import numpy as np
import pytest

import minixai as mx
from minixai import files
from minixai.zoo import digits, weights
from minixai.zoo.weights import blank, fingerprint, he, pack, parameters, unpack, with_parameters, write

REMEDY = "make it again with: python -m minixai.zoo.train digits"


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A copy of data/, in which the package believes."""
    shutil.copytree(files.root("data"), tmp_path / "minixai" / "_data")
    monkeypatch.setattr(files, "PACKAGE", tmp_path / "minixai")
    assert files.root("data") == tmp_path / "minixai" / "_data"
    return files.root("data")


def contents(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def forge(data, **arrays):
    """Other weights, and a log that vouches for them."""
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    (data / "digits.npz").write_bytes(buffer.getvalue())
    log = json.loads((data / "digits.json").read_text())
    log["files"]["digits.npz"] = fingerprint(buffer.getvalue())
    (data / "digits.json").write_text(json.dumps(log))


def refusal(kind=ValueError):
    with pytest.raises(kind) as error:
        mx.load("digits")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_read_only_folder_is_enough(data):
    before = contents(data)
    for path in (*data.rglob("*"), data):
        path.chmod(stat.S_IREAD | (stat.S_IEXEC if path.is_dir() else 0))
    try:
        assert mx.load("digits")(digits.samples().x).shape == (20, 10)
        assert mx.networks()
    finally:
        for path in (data, *(p for p in data.iterdir() if p.is_dir())):
            path.chmod(stat.S_IRWXU)
    assert contents(data) == before


def test_weights_cut_short(data):
    path = data / "digits.npz"
    path.write_bytes(path.read_bytes()[:1000])
    assert f"{path} (1000 bytes) is not the file that digits.json records; restore it, or {REMEDY}" == refusal()


def test_weights_with_one_bit_flipped(data):
    content = bytearray((data / "digits.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (data / "digits.npz").write_bytes(content)
    assert "is not the file that digits.json records" in refusal()


def test_weights_that_are_too_large_are_not_read(data, monkeypatch):
    monkeypatch.setattr(weights, "MAX_BYTES", (data / "digits.npz").stat().st_size - 1)
    assert "is not the file" in refusal()


@pytest.mark.parametrize("file", ["digits.npz", "digits.json"])
def test_a_missing_file(file, data):
    (data / file).unlink()
    assert refusal(FileNotFoundError) == f"{data / file} is missing; restore it, or {REMEDY}"


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a training log"),
        (b'{"accuracy": 0.9}', "is not a training log"),
        (b'{"files": {}, "accuracy": 1.5}', "is not a training log"),
        (b'{"files": {}, "accuracy": "high"}', "is not a training log"),
        (b'{"files": {}, "accuracy": 0.9}', "does not record digits.npz"),
        (b'{"files": {"digits.npz": "abc"}, "accuracy": 0.9}', "does not record digits.npz"),
        (b'{"files": {"digits.npz": {"bytes": 5}}, "accuracy": 0.9}', "does not record digits.npz"),
    ],
)
def test_a_damaged_log(log, says, data):
    (data / "digits.json").write_bytes(log)
    text = refusal()
    assert says in text
    assert REMEDY in text


def test_a_log_that_vouches_for_a_program(data, tmp_path):
    class Program:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "it ran"),)

    forge(data, **{"conv1.weight": np.array([Program()], object)})
    assert "is not a readable .npz file of plain numbers" in refusal()
    assert not (tmp_path / "it ran").exists()


def test_a_log_that_vouches_for_other_weights(data):
    good = parameters(mx.load("digits"))
    forge(data, **(good | {"conv1.weight": good["conv1.weight"][:1], "extra": np.float32([0])}))
    assert refusal().endswith("names or shapes differ: conv1.weight, extra")
    forge(data, **{name: a for name, a in good.items() if name != "linear2.bias"})
    assert refusal().endswith("names or shapes differ: linear2.bias")


@pytest.mark.parametrize("change", [np.float64, lambda a: a * np.float32("nan"), lambda a: a.astype("<U3")])
def test_a_log_that_vouches_for_something_else_than_finite_float32(change, data):
    good = parameters(mx.load("digits"))
    forge(data, **(good | {"conv2.bias": change(good["conv2.bias"])}))
    assert "something else than finite float32 numbers" in refusal()


def test_a_small_file_that_unpacks_to_a_large_one(monkeypatch):
    monkeypatch.setattr(weights, "MAX_BYTES", 1 << 20)
    buffer = BytesIO()
    np.savez_compressed(buffer, zeros=np.zeros(1 << 20))
    assert len(buffer.getvalue()) < 1 << 16
    with pytest.raises(ValueError, match="bomb.npz is not .*it unpacks to 8388736 bytes, more than 1048576"):
        unpack(buffer.getvalue(), "bomb.npz")


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"no archive at all"])
def test_what_is_no_archive(content):
    with pytest.raises(ValueError, match="odd.npz is not a readable"):
        unpack(content, "odd.npz")


def test_an_archive_of_something_else():
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00broken")
    with pytest.raises(ValueError, match="odd.npz is not a readable"):
        unpack(buffer.getvalue(), "odd.npz")


def test_packing_is_deterministic_and_undone_by_unpacking():
    arrays = {"conv1.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "text": np.array("said")}
    content = pack(arrays)
    assert content == pack(arrays)
    back = unpack(content, "it")
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


def test_a_file_is_replaced_in_one_stroke(tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "weights.npz"
    write(path, b"old")
    assert path.read_bytes() == b"old"

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(path, b"new")
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == {"weights.npz": b"old"}, "a draft was left behind"
    write(path, b"new")
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == {"weights.npz": b"new"}


def test_parameters_go_out_of_a_network_and_in_again():
    network = digits.network(he(3))
    values = parameters(network)
    assert [*values][:3] == ["conv1.weight", "conv1.bias", "conv2.weight"]
    emptied = with_parameters(network, {name: np.zeros_like(a) for name, a in values.items()})
    assert not any(a.any() for a in parameters(emptied).values())
    again = with_parameters(emptied, values)
    assert all(again.node(n.name).op.arrays()[p] is a for n in network.nodes for p, a in n.op.arrays().items())
    assert network.pictures is again.pictures


def test_first_weights_follow_he_and_the_seed():
    drawn = he(7)(400, 10, 3, 3)
    assert abs(drawn.mean()) < 0.005
    assert drawn.var() == pytest.approx(2 / 90, rel=0.02)
    np.testing.assert_array_equal(he(7)(400, 10, 3, 3), drawn)
    assert not np.array_equal(he(8)(400, 10, 3, 3), drawn)
    assert not blank(2, 3).any()


def test_importing_minixai_brings_none_of_the_heavy_packages():
    code = "import sys, minixai; print([m for m in sys.modules if '.' not in m and not m.startswith('_')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert "numpy" in done.stdout
    for heavy in ("sklearn", "scipy", "torch", "numba", "matplotlib", "PIL", "tqdm", "typer"):
        assert repr(heavy) not in done.stdout
