"""alexnet, vgg16, resnet34: their shape against PyTorch written out here, their names, their files, good and bad."""

import pickle
import socket
from dataclasses import replace
from hashlib import sha256
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos

import minixai as mx
from minixai import zoo
from minixai.ops import BatchNorm2d, Conv2d, Flatten, Linear, ReLU
from minixai.whitebox.features import feature_layer
from minixai.zoo import alexnet, download, imagenet, resnet, torch_slopes, vgg, weights
from minixai.zoo.download import PUBLISHED, Published
from minixai.zoo.photographs import PICTURES, chained, filled, read
from minixai.zoo.weights import blank, he, parameters, untrained

torch = pytest.importorskip("torch")
F = torch.nn.functional

FAMILY = {"alexnet": alexnet, "vgg16": vgg, "resnet34": resnet}
COUNTS = {"alexnet": 61_100_840, "vgg16": 138_357_544, "resnet34": 21_797_672}
CONVOLUTIONS = {"alexnet": (0, 3, 6, 8, 10), "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)}
LINEARS = {"alexnet": (1, 4, 6), "vgg16": (0, 3, 6)}
NORM = ("weight", "bias", "running_mean", "running_var")


# What they are


def expected_names(name):
    """The parameters of torchvision's module of that name."""
    if name in CONVOLUTIONS:
        layers = [f"features.{i}" for i in CONVOLUTIONS[name]] + [f"classifier.{i}" for i in LINEARS[name]]
        return {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}
    names = {"conv1.weight", "fc.weight", "fc.bias"} | {f"bn1.{part}" for part in NORM}
    for layer, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            convolutions = {"conv1": "bn1", "conv2": "bn2"}
            if layer > 1 and block == 0:
                convolutions["downsample.0"] = "downsample.1"
            for conv, norm in convolutions.items():
                names.add(f"layer{layer}.{block}.{conv}.weight")
                names |= {f"layer{layer}.{block}.{norm}.{part}" for part in NORM}
    return names


@pytest.mark.parametrize("name", FAMILY)
def test_the_parameters_have_the_published_names_and_number(name):
    values = parameters(FAMILY[name].network(blank))
    assert values.keys() == expected_names(name)
    assert sum(a.size for key, a in values.items() if "running" not in key) == COUNTS[name]


@pytest.mark.parametrize(
    ("name", "feature", "others"),
    [
        ("alexnet", "features.11", {"features.1", "features.12", "avgpool", "flatten", "classifier.0", "classifier.5"}),
        ("vgg16", "features.29", {"features.1", "features.30", "avgpool", "flatten", "classifier.2", "classifier.5"}),
        ("resnet34", "layer4.2.relu2", {"relu1", "maxpool", "layer1.0.relu1", "layer1.0.add", "avgpool", "flatten"}),
    ],
)
def test_what_the_networks_say_of_themselves(name, feature, others):
    net = FAMILY[name].network(blank)
    assert (net.name, net.input_shape, net.classes) == (name, (3, 224, 224), imagenet.classes())
    assert net.feature_layer == feature == feature_layer(replace(net, feature_layer=None))
    assert others <= {node.name for node in net.nodes}
    assert net.nodes[-1].name == ("fc" if name == "resnet34" else "classifier.6")


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("alexnet", {"features.0": 55, "features.2": 27, "features.5": 13, "features.11": 13, "features.12": 6}),
        ("resnet34", {"conv1": 112, "maxpool": 56, "layer1.2.add": 56, "layer2.3.add": 28, "layer4.2.relu2": 7}),
    ],
)
def test_how_photographs_shrink(nets, name, sides):
    net = nets[name]
    tape = mx.forward(net, np.zeros(net.input_shape, net.dtype))
    assert {at: tape[at].y.shape[2:] for at in sides} == {at: (side, side) for at, side in sides.items()}
    assert tape.output.y.shape == (1, 1000)


# The same networks, written out in PyTorch


def repeated(seed):
    """As ``he``, but a million numbers over and over again: there are 138 million weights in VGG-16."""
    numbers = np.random.default_rng(seed).standard_normal(1_000_003)
    return lambda *shape: np.resize(numbers, shape) * np.sqrt(2 / np.prod(shape[1:]))


class Random(dict):
    """Each architecture with random weights, made when it is asked for; VGG-16 in float32, for the sake of memory."""

    def __missing__(self, name):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(weights, "he", repeated)
            self[name] = zoo.random(name, 5, "float32" if name == "vgg16" else "float64")
        return self[name]


@pytest.fixture(scope="module")
def nets():
    return Random()


def in_torch(net, name, x):
    """The scores as PyTorch's functions give them, and the maps before they are averaged."""
    w = {key: torch.from_numpy(a) for key, a in parameters(net).items()}
    return {"alexnet": alexnet_in_torch, "vgg16": vgg16_in_torch, "resnet34": resnet34_in_torch}[name](w, x)


def alexnet_in_torch(w, a):
    ways = {0: {"stride": 4, "padding": 2}, 3: {"padding": 2}, 6: {"padding": 1}, 8: {"padding": 1}, 10: {"padding": 1}}
    for i, way in ways.items():
        a = features = F.relu(F.conv2d(a, w[f"features.{i}.weight"], w[f"features.{i}.bias"], **way))
        a = F.max_pool2d(a, 3, 2) if i in (0, 3, 10) else a
    return classified(w, F.adaptive_avg_pool2d(a, 6), LINEARS["alexnet"]), features


def vgg16_in_torch(w, a):
    for i in CONVOLUTIONS["vgg16"]:
        a = features = F.relu(F.conv2d(a, w[f"features.{i}.weight"], w[f"features.{i}.bias"], padding=1))
        a = F.max_pool2d(a, 2, 2) if i in (2, 7, 14, 21, 28) else a
    return classified(w, F.adaptive_avg_pool2d(a, 7), LINEARS["vgg16"]), features


def classified(w, a, numbers):
    a = a.flatten(1)
    for i in numbers:
        a = F.linear(a, w[f"classifier.{i}.weight"], w[f"classifier.{i}.bias"])
        a = F.relu(a) if i != numbers[-1] else a
    return a


def resnet34_in_torch(w, a):
    def step(a, conv, norm, stride):
        a = F.conv2d(a, w[f"{conv}.weight"], None, stride, w[f"{conv}.weight"].shape[-1] // 2)
        mean, var, weight, bias = (w[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(a, mean, var, weight, bias)

    a = F.max_pool2d(F.relu(step(a, "conv1", "bn1", 2)), 3, 2, 1)
    for layer, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            at, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            inner = step(F.relu(step(a, f"{at}.conv1", f"{at}.bn1", stride)), f"{at}.conv2", f"{at}.bn2", 1)
            aside = step(a, f"{at}.downsample.0", f"{at}.downsample.1", stride) if stride == 2 else a
            a = F.relu(inner + aside)
    return F.linear(a.mean(dim=(2, 3)), w["fc.weight"], w["fc.bias"]), a


@pytest.mark.parametrize(("name", "size", "bound"), [
    ("alexnet", (95, 127), 1e-12), ("resnet34", (65, 96), 1e-12), ("vgg16", (64, 96), 1e-5),
])  # fmt: skip
def test_scores_and_maps_are_pytorchs(nets, name, size, bound):
    """On a crop: the pools before the linear layers average cells of unequal sizes there, or repeat some."""
    net = replace(nets[name], input_shape=None)
    x = np.random.default_rng(6).standard_normal((1, 3, *size)).astype(net.dtype)
    tape, (scores, maps) = mx.forward(net, x), in_torch(net, name, torch.from_numpy(x))
    for ours, theirs in ((tape.output.y, scores), (tape[net.feature_layer].y, maps)):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs.numpy()).max() <= bound * np.abs(ours).max()
    module = net.to_torch()
    with torch.no_grad():
        assert (module(torch.from_numpy(x)) - scores).abs().max() <= bound * scores.abs().max()
    assert {key for key in module.state_dict() if not key.endswith("num_batches_tracked")} == expected_names(name)


def test_cam_fits_resnet34(nets):
    net = replace(nets["resnet34"], input_shape=None)
    e = mx.explain(net, np.random.default_rng(7).standard_normal((3, 96, 64)), "cam")
    assert e.relevance.shape == (3, 2)
    assert e.total == pytest.approx(e.expected, rel=1e-10)


# Random weights


def tiny(draw):
    """A network of every kind of layer with parameters, but for its name like one that is published."""
    norm = BatchNorm2d(blank(4), np.ones(4), np.ones(4), blank(4))
    features = [Conv2d(draw(4, 3, 3, 3)), norm, ReLU(), Conv2d(draw(2, 4, 1, 1), blank(2))]
    nodes = chained({"features": features, "flatten": Flatten(), "classifier": [Linear(draw(3, 8), blank(3))]})
    return mx.Network(nodes, name="tiny", input_shape=(3, 4, 4))


def test_a_chain_is_named_after_its_parts():
    net = tiny(he(0))
    names = ["features.0", "features.1", "features.2", "features.3", "flatten", "classifier.0"]
    assert [(n.name, n.inputs) for n in net.nodes] == list(
        zip(names, [("input",), *((n,) for n in names)], strict=False)
    )


def test_random_weights_belong_to_their_seed():
    first, again, other = (parameters(untrained(tiny, seed, "float64")) for seed in (1, 1, 2))
    for key, values in first.items():
        np.testing.assert_array_equal(values, again[key])
        assert not np.array_equal(values, other[key]), key
    assert len({values.tobytes() for values in first.values()}) == len(first)
    np.testing.assert_array_equal(first["features.0.weight"], he(1)(4, 3, 3, 3))
    assert (first["features.1.running_var"] > 0).all()


def test_random_weights_are_the_same_in_both_precisions():
    narrow, wide = (untrained(tiny, 3, dtype) for dtype in ("float32", "float64"))
    assert (narrow.dtype, wide.dtype) == (np.float32, np.float64)
    for key, values in parameters(wide).items():
        np.testing.assert_array_equal(parameters(narrow)[key], values.astype(np.float32))


@pytest.mark.parametrize("name", FAMILY)
def test_random_networks_are_never_called_by_the_name_of_the_trained(nets, name):
    net = nets[name]
    assert net.name == f"{name}-untrained"
    assert net.name not in {card.name for card in mx.networks()}
    assert net.input_shape == (3, 224, 224)


@pytest.mark.parametrize("name", FAMILY)
def test_random_networks_keep_signals_at_about_their_size(nets, name):
    net = replace(nets[name], input_shape=None)
    x = np.random.default_rng(8).standard_normal((3, 64, 64)).astype(net.dtype)
    assert 0.1 < net(x).std() < 100


@pytest.mark.parametrize("name", [card.name for card in mx.networks()])
def test_every_architecture_can_be_had_with_random_weights(name):
    if name in FAMILY:
        return  # above, each only once: they are large
    net = zoo.random(name, 4)
    assert net.dtype == np.float32
    assert len(net(np.zeros(net.input_shape, np.float32))) == len(net.classes)


@pytest.mark.parametrize("dtype", ["exact", "float16", None])
def test_random_weights_of_another_kind_are_refused(dtype):
    with pytest.raises(ValueError, match="expected float32 or float64"):
        zoo.random("digits", 0, dtype)


def test_without_a_seed_the_seed_is_0():
    found, expected = (parameters(net) for net in (zoo.random("digits"), zoo.random("digits", 0)))
    assert all(np.array_equal(found[key], values) for key, values in expected.items())
    assert not np.array_equal(found["conv1.weight"], parameters(zoo.random("digits", 1))["conv1.weight"])


def test_random_weights_of_an_unknown_network():
    with pytest.raises(ValueError, match="network 'vgg' is not known; did you mean vgg16"):
        zoo.random("vgg", 0)


# Photographs


@pytest.mark.parametrize(("height", "width"), [(300, 451), (451, 300), (256, 256), (100, 90), (224, 500), (97, 9700)])
def test_a_photograph_is_resized_to_256_and_cut_to_224(height, width):
    photo = np.random.default_rng(9).integers(0, 256, (height, width, 3), np.uint8)
    shorter = min(height, width)
    whole = Image.fromarray(photo).resize((256 * width // shorter, 256 * height // shorter), Image.Resampling.BILINEAR)
    left, top = (round((side - 224) / 2) for side in whole.size)
    pixels = np.asarray(whole.crop((left, top, left + 224, top + 224)))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    x = PICTURES.preprocess(photo)
    assert (x.shape, x.dtype) == ((3, 224, 224), np.float32)
    np.testing.assert_array_equal(x, ((pixels / 255 - mean) / std).transpose(2, 0, 1).astype(np.float32))
    np.testing.assert_array_equal(PICTURES.unpreprocess(x), pixels)


def test_black_and_the_box_are_those_of_photographs():
    for name in FAMILY:
        net = FAMILY[name].network(blank)
        for value, bound in ((0, net.box[0]), (255, net.box[1])):
            x = net.preprocess(np.full((30, 40, 3), value, np.uint8))
            np.testing.assert_array_equal(x, np.broadcast_to(bound, x.shape))
        np.testing.assert_array_equal(net.black, net.box[0])
        np.testing.assert_allclose(net.box[1].ravel(), [2.2489083, 2.4285715, 2.64], rtol=1e-6)


# Files


@pytest.fixture
def offer(mirror, home, monkeypatch):
    """Publish a file for a network, on this machine, with the first eight digits of its checksum."""

    def publish(name, body, **changes):
        mirror.body = body
        record = Published(name, mirror.url, sha256(body).hexdigest()[:8], len(body), "none")
        monkeypatch.setitem(PUBLISHED, name, replace(record, **changes))
        return home / "toy.net"

    return publish


def saved(stored, **how):
    buffer = BytesIO()
    torch.save(stored, buffer, **how)
    return buffer.getvalue()


def state(**changes):
    """The parameters of the tiny network as tensors, some changed or (None) left out."""
    named = {key: torch.from_numpy(a) for key, a in parameters(untrained(tiny, 1, "float32")).items()}
    return {key: value for key, value in (named | changes).items() if value is not None}


def test_published_weights_are_fetched_and_read(offer, mirror, capsys):
    offer("tiny", saved(state()))
    net, expected = filled(tiny(blank)), untrained(tiny, 1, "float32")
    assert (net.name, net.dtype, mirror.asked) == ("tiny", np.float32, [None])
    for key, values in parameters(expected).items():
        np.testing.assert_array_equal(parameters(net)[key], values)
    assert "100%" in capsys.readouterr().err
    filled(tiny(blank))
    assert mirror.asked == [None], "what is there is not fetched again"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "before 2020"])
@pytest.mark.parametrize("kind", [lambda a: a, torch.nn.Parameter], ids=["tensors", "parameters"])
def test_old_and_new_files_are_read(tmp_path, how, kind):
    counters = {"features.1.num_batches_tracked": torch.tensor(7)}
    (tmp_path / "file.pth").write_bytes(saved({key: kind(a) for key, a in state().items()} | counters, **how))
    found = read(tmp_path / "file.pth")
    assert found.keys() == state().keys()
    for key, tensor in state().items():
        np.testing.assert_array_equal(found[key], tensor.numpy())


def test_a_load_goes_on_where_the_last_one_broke_off(offer, mirror, home):
    body = saved(state())
    offer("tiny", body)
    mirror.stops_after = 1000
    with pytest.raises(ConnectionError, match="broke off after 1000 of .*minixai download tiny"):
        filled(tiny(blank))
    assert [path.name for path in home.iterdir()] == ["toy.net.part"]
    mirror.stops_after = None
    assert filled(tiny(blank)).dtype == np.float32
    assert mirror.asked == [None, "bytes=1000-"]


def refused(kind, *parts):
    with pytest.raises(kind) as error:
        filled(tiny(blank))
    assert all(part in str(error.value) for part in parts), error.value
    assert "\n" not in str(error.value)


def test_weights_with_another_checksum(offer, home):
    offer("tiny", saved(state()), sha256="0" * 8)
    refused(ValueError, "has not the checksum 00000000", "minixai download tiny")
    assert list(home.iterdir()) == []


def test_weights_that_cannot_be_reached(offer, home):
    offer("tiny", b"...", url="http://127.0.0.1:1/toy.net")
    refused(ConnectionError, "cannot be reached", "minixai download tiny", str(home))


class Program:
    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (
            state(**{"classifier.0.bias": None}),
            "parameters of network 'tiny'; names or shapes differ: classifier.0.bias",
        ),
        (state(**{"classifier.0.weight": torch.zeros(8, 3)}), "names or shapes differ: classifier.0.weight"),
        (state(**{"classifier.0.weight": torch.zeros(3)}), "names or shapes differ: classifier.0.weight"),
        (state(head=torch.zeros(3)), "names or shapes differ: head"),
        (state(**{"features.3.bias": torch.zeros(2, dtype=torch.float64)}), "something else than finite float32"),
        (state(**{"features.3.bias": torch.tensor([1, float("nan")])}), "something else than finite float32"),
        (list(state().values()), "something else than named parameters"),
        (state() | {"epoch": 7}, "something else than named parameters"),
        ({"features.0.weight": Program()}, "cannot be read"),
    ],
)
def test_a_file_of_something_else(offer, stored, said):
    file = offer("tiny", saved(stored))
    refused(ValueError, said)
    assert file.is_file(), "it is what was published"


@pytest.mark.parametrize(
    "content", [b"", b"no file of PyTorch's", saved(state())[:-300], pickle.dumps(Program(), protocol=2)]
)
def test_a_file_that_pytorch_cannot_read(tmp_path, content):
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises(
        ValueError, match="odd.pth cannot be read .*; expected parameters that torch.save wrote"
    ) as error:
        read(tmp_path / "odd.pth")
    assert "\n" not in str(error.value)


def test_without_pytorch_nothing_is_fetched(offer, mirror, monkeypatch):
    offer("tiny", saved(state()))
    monkeypatch.setattr(torch_slopes, "find_spec", lambda name: None)
    refused(ImportError, "pip install 'minixai[torch]'")
    assert mirror.asked == []


def test_resnet34_is_loaded_by_its_name(offer):
    """All of it, at its full size, from a file with PyTorch's names."""
    original = zoo.random("resnet34", 2)
    offer("resnet34", saved(original.to_torch().state_dict()))
    net = mx.load("resnet34")
    assert (net.name, net.dtype) == ("resnet34", np.float32)
    for key, values in parameters(original).items():
        np.testing.assert_array_equal(parameters(net)[key], values)


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_the_large_ones_are_loaded_likewise(monkeypatch, name):
    monkeypatch.setattr(FAMILY[name], "filled", lambda net: (net, "filled"))
    net, done = mx.load(name)
    assert (net.name, done) == (name, "filled")


def test_the_list_says_what_a_download_costs_and_fetches_nothing(monkeypatch, tmp_path):
    def connecting(*args, **kwargs):
        raise AssertionError("a list of networks goes to the network")

    monkeypatch.setenv("MINIXAI_HOME", str(tmp_path / "none"))
    monkeypatch.setattr(socket, "create_connection", connecting)
    monkeypatch.setattr(download, "_ask", connecting)
    cards = {card.name: card for card in mx.networks()}
    for name, megabytes in {"alexnet": 244, "vgg16": 553, "resnet34": 87}.items():
        assert f"minixai download {name} fetches them ({megabytes} MB" in cards[name].weights
        assert (cards[name].input_shape, len(cards[name].classes), cards[name].accuracy) == ((3, 224, 224), 1000, None)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("alexnet", "alexnet-owt-7be5be79.pth"),
        ("vgg16", "vgg16-397923af.pth"),
        ("resnet34", "resnet34-b627a593.pth"),
    ],
)
def test_where_the_weights_are_published(name, file):
    record = PUBLISHED[name]
    assert record.url == f"https://download.pytorch.org/models/{file}"
    assert record.sha256 == file[-12:-4]
    least = 4 * sum(a.size for a in parameters(FAMILY[name].network(blank)).values())
    assert least < record.bytes < 1.001 * least


@pytest.mark.parametrize("name", FAMILY)
def test_a_cat_is_recognised_in_a_real_photograph(name):
    """Where the weights were downloaded."""
    file = download.published(name)
    if not (download.home() / file.file).is_file():
        pytest.skip(f"{name}: {file.file} is not in {download.home()}; {file.command} fetches it")
    net = mx.load(name)
    assert net(net.preprocess(photos.chelsea())).argmax() in range(281, 286), "tabby to Egyptian cat"
