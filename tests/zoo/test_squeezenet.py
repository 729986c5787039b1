"""SqueezeNet: its shape against PyTorch, its file format against a file written here, its photographs for real."""

import struct
from dataclasses import replace
from math import prod

import numpy as np
import pytest
from skimage import data as photographs

import minixai as mx
from minixai.ops import Conv2d
from minixai.zoo import download, imagenet, squeezenet
from minixai.zoo.squeezenet import decode
from minixai.zoo.weights import he, parameters

SHAPES = {"first": (2, 1, 3, 3), "last": (3, 2, 2, 5)}


@pytest.fixture(scope="module")
def real():
    """The network with its downloaded weights."""
    try:
        return mx.load("squeezenet")
    except FileNotFoundError:
        file = download.published("squeezenet")
        pytest.skip(f"squeezenet: {file.file} is not in {download.home()}; {file.command} fetches it")


def probabilities(scores):
    e = np.exp(scores.astype(np.float64) - scores.max())
    return e / e.sum()


def pruned(shape, stored, seed):
    """256 values, the number of the value of every stored weight, and the positions of these weights."""
    rng = np.random.default_rng(seed)
    positions = np.sort(rng.permutation(prod(shape))[:stored])
    return rng.standard_normal(256).astype("<f4"), rng.integers(0, 256, stored), positions


def encode(layers):
    """A file as decode reads it: layers of (values, biases, codes, positions), written number by number."""
    out = b"".join(struct.pack("<I", len(codes)) for _, _, codes, _ in layers)
    for values, biases, codes, positions in layers:
        out += struct.pack("<256f", *values) + struct.pack(f"<{len(biases)}f", *biases) + bytes(codes.tolist())
        runs = [here - before - 1 for before, here in zip([-1, *positions], positions, strict=False)]
        runs += [0] * (len(runs) % 2)
        out += bytes(low + 16 * high for low, high in zip(runs[::2], runs[1::2], strict=True))
    return out


def toy_layers():
    """Two layers: one with an odd number of stored weights, one with a run of 15 zeros."""
    first, last = pruned(SHAPES["first"], 11, seed=0), pruned(SHAPES["last"], 30, seed=1)
    last = (last[0], last[1], np.array([15, 16, 21, 37, 53, 59]))
    return [
        (first[0], np.array([0.5, -2]), *first[1:]),
        (last[0], np.array([1, 0.25, -8]), last[1][:6], last[2]),
    ]


def just_outside():
    """The toy file with a weight one place after the last of the first layer."""
    (values, biases, codes, _), last = toy_layers()
    return encode([(values, biases, codes[:2], np.array([9, prod(SHAPES["first"])])), last])


def damaged(**changes):
    """The toy file with a header count, a byte or a value of the first layer changed."""
    raw = bytearray(encode(toy_layers()))
    for where, (place, value) in changes.items():
        kind = {"count": "<I", "value": "<f", "byte": "<B"}[where]
        struct.pack_into(kind, raw, place, value)
    return bytes(raw)


FIRST_RUNS = 8 + 4 * 256 + 4 * 2 + 11  # header, values, biases, codes
SIZE = len(encode(toy_layers()))


def test_a_file_written_here_is_read_back():
    layers = toy_layers()
    found = decode(encode(layers), SHAPES)
    assert list(found) == ["first.weight", "first.bias", "last.weight", "last.bias"]
    for (name, shape), (values, biases, codes, positions) in zip(SHAPES.items(), layers, strict=True):
        expected = np.zeros(prod(shape))
        for code, position in zip(codes, positions, strict=True):
            expected[position] = values[code]
        np.testing.assert_array_equal(found[f"{name}.weight"], expected.reshape(shape))
        np.testing.assert_array_equal(found[f"{name}.bias"], biases)
    assert {a.dtype for a in found.values()} == {np.dtype(np.float32)}


def test_every_weight_may_be_stored_and_the_very_last_too():
    values, codes, _ = pruned((1, 1, 2, 2), 4, seed=2)
    layers = [(values, np.zeros(1), codes, np.arange(4)), (values, np.ones(1), codes[:1], np.array([3]))]
    found = decode(encode(layers), {"a": (1, 1, 2, 2), "b": (1, 1, 2, 2)})
    np.testing.assert_array_equal(found["a.weight"].ravel(), values[codes])
    np.testing.assert_array_equal(found["b.weight"].ravel(), [0, 0, 0, values[codes[0]]])


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (b"", "0 bytes; expected 8 for its header alone"),
        (encode(toy_layers())[:7], "7 bytes; expected 8 for its header alone"),
        (encode(toy_layers())[:-1], f"{SIZE - 1} bytes; expected {SIZE}"),
        (encode(toy_layers())[:9], f"9 bytes; expected {SIZE}"),
        (encode(toy_layers()) + b"\0", f"{SIZE + 1} bytes; expected {SIZE}"),
        (damaged(count=(0, 0)), "stores 0 weights of first; expected 1 to 18"),
        (damaged(count=(0, 19)), "stores 19 weights of first; expected 1 to 18"),
        (damaged(count=(4, 2**32 - 1)), "stores 4294967295 weights of last; expected 1 to 60"),
        (damaged(count=(0, 13)), f"{SIZE} bytes; expected {SIZE + 3}"),
        (damaged(value=(8, np.nan)), "first has values or biases that are not finite"),
        (damaged(value=(8 + 4 * 256, np.inf)), "first has values or biases that are not finite"),
        (damaged(byte=(FIRST_RUNS, 255)), "first has a weight at "),
        (just_outside(), "first has a weight at 18; expected positions below 18"),
        (damaged(byte=(FIRST_RUNS + 5, 16)), "first has more runs of zeros than its 11 weights"),
        (b"<!DOCTYPE html>" * 100, "weights of first; expected 1 to 18"),
    ],
)
def test_a_file_of_anything_else_is_refused(stored, said):
    with pytest.raises(ValueError) as error:
        decode(stored, SHAPES)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_weights_of_the_published_network_are_counted():
    """1,248,424 parameters, as published for version 1.0; the picture shrinks to 111, 55, 27 and 13 pixels."""
    net = squeezenet.network(he(0)).astype("float32")
    assert sum(a.size for a in parameters(net).values()) == 1_248_424
    assert sum(isinstance(node.op, Conv2d) for node in net.nodes) == 26
    tape = mx.forward(net, np.zeros((3, 227, 227), np.float32))
    sides = {name: tape[name].y.shape[2:] for name in ("conv1", "pool1", "pool4", "pool8", "fire9_concat", "conv10")}
    assert sides == {name: (n, n) for name, n in zip(sides, (111, 55, 27, 13, 13, 13), strict=True)}
    assert tape.output.y.shape == (1, 1000)


def test_the_same_network_in_pytorch():
    """At 125 pixels, where two of the pools have a last window that sticks out; at 227 none has."""
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    net = replace(squeezenet.network(he(3)), input_shape=None)
    w = {name: torch.from_numpy(a) for name, a in parameters(net).items()}

    def conv(name, a, **geometry):
        return torch.relu(F.conv2d(a, w[f"{name}.weight"], w[f"{name}.bias"], **geometry))

    def pool(a):
        return F.max_pool2d(a, 3, stride=2, ceil_mode=True)

    def fire(number, a):
        a = conv(f"fire{number}_squeeze1x1", a)
        return torch.cat([conv(f"fire{number}_expand1x1", a), conv(f"fire{number}_expand3x3", a, padding=1)], dim=1)

    x = np.random.default_rng(5).uniform(-120, 140, (1, 3, 125, 125))
    a = pool(conv("conv1", torch.from_numpy(x), stride=2))
    for numbers in ((2, 3, 4), (5, 6, 7, 8), (9,)):
        for number in numbers:
            a = fire(number, a)
        features, a = a, pool(a)
    expected = conv("conv10", features).mean(dim=(2, 3)).numpy()
    tape = mx.forward(net, x)
    np.testing.assert_allclose(tape.output.y, expected, rtol=1e-10)
    np.testing.assert_allclose(tape[net.feature_layer].y, features.numpy(), rtol=1e-10, atol=1e-10)


def test_a_photograph_becomes_bgr_minus_the_mean():
    photo = np.zeros((300, 227, 3), np.uint8)
    photo[36:263] = (200, 100, 50)  # red, green, blue, in the square in the middle
    x = squeezenet.PICTURES.preprocess(photo)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, np.broadcast_to(np.reshape([50 - 104, 100 - 117, 200 - 123], (3, 1, 1)), x.shape))


def test_the_classes():
    names = imagenet.classes()
    known = {0: "tench", 1: "goldfish", 134: "crane (bird)", 285: "Egyptian cat", 517: "crane (machine)"}
    known |= {281: "tabby", 474: "cardigan", 639: "tank suit", 967: "espresso", 999: "toilet tissue"}
    assert {number: names[number] for number in known} == known
    assert len({name.casefold() for name in names}) == len(names) == 1000
    assert all(name == name.strip() and name.isascii() and "_" not in name for name in names)


@pytest.mark.parametrize(
    "damage", [lambda lines: lines[:-1], lambda lines: [*lines, "more"], lambda lines: [*lines[:-1], lines[0].upper()]]
)
def test_another_list_of_classes_is_refused(monkeypatch, tmp_path, damage):
    lines = damage(list(imagenet.classes()))
    (tmp_path / "imagenet_classes.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(imagenet.files, "root", lambda name: tmp_path)
    with pytest.raises(ValueError, match=f"has {len(lines)} lines; expected 1000 different names"):
        imagenet.classes()


def test_without_the_file_the_sentence_says_what_to_type(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIXAI_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"SqueezeNet\.net, which is not there.*minixai download squeeze"):
        mx.load("squeezenet")
    (card,) = [card for card in mx.networks() if card.name == "squeezenet"]
    assert "minixai download squeezenet" in card.weights
    assert (card.input_shape, len(card.classes), card.accuracy) == ((3, 227, 227), 1000, None)


def test_another_file_of_the_same_name_is_refused(monkeypatch, tmp_path):
    (tmp_path / "compressed_SqueezeNet.net").write_bytes(bytes(675_763))
    monkeypatch.setenv("MINIXAI_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="is not the file of 675763 bytes that was published"):
        mx.load("squeezenet")


@pytest.mark.parametrize(
    ("photo", "number", "name", "expected"),
    [("chelsea", 285, "Egyptian cat", 0.63), ("coffee", 967, "espresso", 0.97)],
)
def test_real_photographs(real, each_engine, photo, number, name, expected):
    x = real.preprocess(getattr(photographs, photo)())
    assert (x.shape, x.dtype) == ((3, 227, 227), np.float32)
    scores = real(x)
    assert scores.dtype == np.float32
    p = probabilities(scores)
    assert p.argmax() == number
    assert p[number] == pytest.approx(expected, abs=0.02)
    assert real.classes[number] == name


def test_a_real_photograph_is_explained(real):
    x = real.preprocess(photographs.chelsea())
    e = mx.explain(real, x, "grad-cam", target="Egyptian cat")
    assert (e.target, e.label, e.notes["layer"]) == (285, "Egyptian cat", "fire9_concat")
    assert e.relevance.shape == (13, 13)
    assert e.map.shape == e.picture.shape[:2] == (227, 227)
    with pytest.raises(mx.UnsupportedOp, match="global average pooling and one linear layer"):
        mx.explain(real, x, "cam")


def test_relevance_is_accounted_for_on_a_real_photograph(real):
    """sum(relevance) + sum(absorbed) = the score, through concatenations and overlapping pools; u = float64's."""
    wide = real.astype("float64")
    x = real.preprocess(photographs.coffee()).astype(np.float64)
    e = mx.explain(wide, x, "lrp-epsilon", target=967)
    assert e.total + sum(e.absorbed.values()) == pytest.approx(e.expected, rel=1e-9)
