"""From PyTorch and back: the same scores, names and weights, however a module spells its layers; else a refusal."""

import sys
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making.networks import random_case

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402  after the skip
from torch import nn  # noqa: E402

from minixai.zoo.from_torch import _check_scores  # noqa: E402

SEEDS = range(20)
AGREES = {torch.float32: 1e-4, torch.float64: 1e-10}


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(seed).normal(size=shape), dtype=dtype)


def filled(module, dtype=torch.float64, seed=0):
    """The module in eval mode, every parameter and running statistic drawn from the seed, none at its default."""
    rng = np.random.default_rng(seed)
    module = module.to(dtype).eval()
    for name, values in (*module.named_parameters(), *module.named_buffers()):
        if values.is_floating_point():
            drawn = rng.normal(size=values.shape) / np.sqrt(max(1, values[:1].numel()))
            with torch.no_grad():
                values.copy_(torch.tensor(np.abs(drawn) + 0.5 if name.endswith("running_var") else drawn))
    return module


def agree(net, module, x):
    expected, found = module(x).detach().numpy(), net(x.numpy())
    assert np.abs(expected).max() > 0
    return found.shape == expected.shape and np.abs(found - expected).max() <= AGREES[x.dtype] * np.abs(expected).max()


def kinds(net):
    return [type(n.op) for n in net.nodes]


def same_network(net, back):
    """The same nodes, with exactly the same numbers."""
    assert [(n.name, type(n.op), n.inputs) for n in net.nodes] == [(n.name, type(n.op), n.inputs) for n in back.nodes]
    for ours, theirs in zip(net.nodes, back.nodes, strict=True):
        assert repr(ours.op) == repr(theirs.op)
        assert ours.op.arrays().keys() == theirs.op.arrays().keys()
        for name, values in ours.op.arrays().items():
            assert values.dtype == theirs.op.arrays()[name].dtype
            assert np.array_equal(values, theirs.op.arrays()[name])
    return True


# -- Modules written by hand ------------------------------------------------------------------------------------------


class Functional(nn.Module):
    """Everything without a module that can be: ReLUs five ways, pools, flatten."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, stride=2, bias=False)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.max_pool2d(x, 2, 1, ceil_mode=True).relu_()
        x = torch.relu(F.conv2d(x, self.second.weight, stride=2, padding=(1, 0)))
        x = F.avg_pool2d(x.clamp(min=0), 2, 1, 1, count_include_pad=False)
        return self.head(F.relu(F.adaptive_avg_pool2d(x, 1).squeeze(3).squeeze(2), inplace=True))


class Reused(nn.Module):
    """One convolution, one ReLU and one batch norm, each used twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True), nn.BatchNorm2d(2)
        self.head = nn.Linear(2 * 25, 3)

    def forward(self, x):
        x = self.relu(self.norm(self.conv(x)))
        x = self.relu(self.norm(self.conv(x)))
        return self.head(x.view(x.size(0), -1))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4, affine=False)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        out += x
        return F.relu(out)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 1)
        self.layer1 = nn.Sequential(Block(), Block())
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.layer1(self.stem(x)).mean((2, 3)))


class Branches(nn.Module):
    """Concatenation, dropout, and a softmax that is not the score."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 3, (2, 3), padding="same")
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(5 * 25, 3)

    def forward(self, x):
        x = torch.cat([F.relu(self.left(x)), self.right(x)], dim=1)
        return F.log_softmax(self.head(torch.flatten(self.drop(x), 1)), dim=1)


class Rows(nn.Module):
    """A network on rows, with batch norms of their own, one of them without weights."""

    def __init__(self):
        super().__init__()
        self.a, self.norm, self.b = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 5)
        self.last, self.c = nn.BatchNorm1d(5, affine=False), nn.Linear(5, 3)

    def forward(self, x):
        return self.c(F.softmax(self.last(self.b(F.relu(self.norm(self.a(x))))), 1))


class Films(nn.Module):
    """Space and time."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv3d(1, 2, (2, 3, 3), padding="valid"), nn.BatchNorm3d(2)
        self.pools = nn.Sequential(nn.MaxPool3d(2, 1), nn.AvgPool3d((1, 2, 2)), nn.AdaptiveAvgPool3d(1))
        self.head = nn.Linear(2, 3)

    def forward(self, x):
        return self.head(self.pools(F.relu(self.norm(self.conv(x)))).flatten(1))


class Perceptron(nn.Module):
    """A picture, but no convolution."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(50, 4), nn.ReLU(), nn.Linear(4, 3))

    def forward(self, x):
        return self.body(x)


PICTURE = (2, 5, 5)
BY_HAND = {
    Functional: PICTURE, Reused: PICTURE, Residual: PICTURE, Branches: PICTURE, Rows: (4,), Films: (1, 4, 6, 6),
    Perceptron: PICTURE,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("written", BY_HAND)
def test_a_module_there_and_back(written, dtype):
    shape = BY_HAND[written]
    module, x = filled(written(), dtype), normal(3, *shape, dtype=dtype)
    net = mx.from_torch(module, x)
    assert net.dtype == np.dtype(str(dtype).removeprefix("torch."))
    assert (net.input_shape, net.name) == (shape, written.__name__)
    scores = F.linear(*_before_softmax(module, x)) if written is Branches else module(x)
    np.testing.assert_allclose(net(x.numpy()), scores.detach().numpy(), rtol=0, atol=AGREES[dtype] * 10)
    made = net.to_torch()
    assert agree(net, made, x)
    assert same_network(net, mx.from_torch(made, x))


def _before_softmax(module, x):
    """What the head of Branches reads, and its weights."""
    seen = []
    hook = module.head.register_forward_hook(lambda part, given, out: seen.append(given[0]))
    module(x)
    hook.remove()
    return seen[0], module.head.weight, module.head.bias


def test_nodes_are_named_after_the_parts_that_compute_them():
    names = [n.name for n in mx.from_torch(filled(Residual()), normal(*PICTURE)).nodes]
    block = ["conv1", "bn1", "relu", "conv2", "bn2", "add", "relu#2"]
    blocks = [f"layer1.{i}.{part}" for i in (0, 1) for part in block]
    assert names == ["stem", *blocks, "avg_pool", "avg_pool_flat", "fc"]


def test_parameters_are_called_as_in_the_module():
    module = filled(Residual())
    made = mx.from_torch(module, normal(*PICTURE)).to_torch()
    ours, theirs = (dict(m.named_parameters()) for m in (made, module))
    assert ours.keys() == theirs.keys()
    assert "layer1.0.conv1.weight" in ours
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert made.load_state_dict(module.state_dict())


def test_a_layer_used_twice_stays_one_layer():
    net = mx.from_torch(filled(Reused()), normal(*PICTURE))
    assert net.node("conv").op is net.node("conv#2").op
    assert net.node("norm").op is net.node("norm#2").op
    made = net.to_torch()
    assert made.get_submodule("conv").weight is made.get_submodule("conv#2").weight
    assert made.get_submodule("norm").running_mean is made.get_submodule("norm#2").running_mean
    made(normal(1, *PICTURE)).sum().backward()
    assert made.get_submodule("conv").weight.grad.abs().sum() > 0


def test_two_layers_alike_stay_two():
    module = filled(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)))
    module[1].load_state_dict(module[0].state_dict())
    net = mx.from_torch(module, normal(3))
    assert net.node("0").op is not net.node("1").op


def test_training_the_module_leaves_the_network_alone():
    module, x = filled(Residual()), normal(1, *PICTURE)
    net = mx.from_torch(module, x)
    before = net(x.numpy())
    with torch.no_grad():
        for values in module.parameters():
            values += 1
    assert np.array_equal(net(x.numpy()), before)


def test_the_module_is_left_as_it_was():
    module, x = filled(Reused()), normal(2, *PICTURE)
    weights, picture = {name: v.clone() for name, v in module.state_dict().items()}, x.clone()
    mx.from_torch(module, x)
    assert torch.equal(x, picture)
    assert all(torch.equal(v, weights[name]) for name, v in module.state_dict().items())
    assert all(v.grad is None and v.requires_grad for v in module.parameters())


def test_weights_that_are_put_together_on_the_way():
    part = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))
    module, x = filled(nn.Sequential(part)), normal(2, 4)
    net = mx.from_torch(module, x)
    assert agree(net, module, x)
    assert np.array_equal(net.nodes[0].op.weight, module[0].weight.detach().numpy())


def test_pictures_of_any_batch():
    module = filled(Functional())
    one, several = (mx.from_torch(module, normal(*n, *PICTURE)) for n in ((), (3,)))
    assert same_network(one, several)
    assert one.input_shape == several.input_shape == PICTURE


def test_what_the_module_says_of_its_pictures_comes_along():
    module = filled(Functional())
    black = torch.full((2, 1, 1), -1.0)
    said = {"classes": ["a", "b", "c"], "black": black, "box": (black, -black), "feature_layer": "relu#3", "name": "n"}
    module.minixai_facts = said
    net = mx.from_torch(module, normal(*PICTURE))
    assert (net.classes, net.feature_layer, net.name) == (("a", "b", "c"), "relu#3", "n")
    assert np.array_equal(net.black, black.numpy())
    assert np.array_equal(net.box[1], -black.numpy())
    assert mx.explain(net, normal(*PICTURE).numpy(), "grad-cam").map.shape == (5, 5)


# -- Networks, there and back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", "shapes", "husky", "shapes-resnet"])
def test_networks_of_the_zoo_there_and_back(name):
    net = mx.load(name)
    module, x = net.to_torch(), normal(2, *net.input_shape, dtype=torch.float32)
    back = mx.from_torch(module, x)
    assert same_network(net, back)
    assert np.array_equal(back(x.numpy()), net(x.numpy()))
    assert agree(net, module, x)
    for fact in ("name", "classes", "feature_layer", "input_shape", "pictures"):
        assert getattr(back, fact) == getattr(net, fact)
    assert np.array_equal(back.black, net.black)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_there_and_back(seed, dtype):
    net, x = random_case(seed, "normal", n=2)
    net, x = net.astype(dtype), x.astype(dtype)
    module = net.to_torch()
    assert agree(net, module, torch.tensor(x))
    back = mx.from_torch(module, torch.tensor(x))
    assert same_network(net, back)
    assert np.array_equal(back(x), net(x))


@pytest.mark.parametrize("seed", SEEDS)
def test_exact_networks_become_float64(seed):
    net, x = random_case(seed, "eighths")
    module = net.to_torch()
    assert {p.dtype for p in module.parameters()} == {torch.float64}
    np.testing.assert_allclose(module(torch.tensor(x.astype(float))).detach().numpy(), net(x).astype(float), atol=1e-10)


def test_layers_that_stand_anywhere():
    """Dotted names, a batch norm on rows, one without weights, a lopsided padding."""
    values = iter(normal(200).numpy())

    def draw(*shape):
        return np.array([next(values) for _ in range(int(np.prod(shape)))]).reshape(shape)

    nodes = [
        mx.Node("a", mx.Conv2d(draw(2, 1, 2, 2), padding=((0, 1), (0, 1))), "input"),
        mx.Node("b.relu", mx.ReLU(), "a"),
        mx.Node("c.d.e", mx.BatchNorm2d(draw(2), draw(2) ** 2, draw(2)), "b.relu"),
        mx.Node("c.d.f", mx.GlobalAvgPool(), "c.d.e"),
        mx.Node("g", mx.Flatten(), "c.d.f"),
        mx.Node("h", mx.BatchNorm2d(draw(2), draw(2) ** 2, None, draw(2)), "g"),
        mx.Node("i", mx.Linear(draw(3, 2)), "h"),
        mx.Node("j", mx.Softmax(), "i"),
    ]
    net, x = mx.Network(nodes, input_shape=(1, 3, 3)), normal(2, 1, 3, 3)
    module = net.to_torch()
    probabilities = torch.softmax(torch.tensor(net(x.numpy())), 1)
    torch.testing.assert_close(module(x), probabilities, rtol=0, atol=1e-10)
    with pytest.raises(ValueError, match=r"shape \(2,\); expected \(N, channels, ...\)"):
        module.get_submodule("h")(x[0, 0, 0, :2])
    back = mx.from_torch(module, x)
    # S(x) is before the softmax
    assert [n.name for n in back.nodes] == ["a", "b.relu", "c.d.e", "c.d.f", "g", "h", "i"]
    assert same_network(mx.Network(net.nodes[:-1]), back)


@pytest.mark.parametrize("names", [("type", "b"), ("a..b", "b"), ("a.b", "a"), (".a", "b")])
def test_a_name_that_no_module_can_have_is_refused(names):
    net = mx.Network([mx.Node(names[0], mx.ReLU(), "input"), mx.Node(names[1], mx.ReLU(), names[0])])
    with pytest.raises(ValueError, match="no module can be called .+ rename the node"):
        net.to_torch()


SIZED = {1: (7,), 2: (5, 9), 3: (3, 7, 2)}  # {axes of a map: larger on some, smaller on others}


def resized(axes):
    """Maps of another size, read by a linear layer; and a picture for them."""
    head = mx.Linear(np.random.default_rng(3).normal(size=(3, 2 * int(np.prod(SIZED[axes])))))
    net = mx.Network.sequential([mx.Resize(SIZED[axes]), mx.Flatten(), head])
    return net, normal(3, 2, *(4, 6, 5)[-axes:])


@pytest.mark.parametrize("axes", SIZED)
def test_a_resized_map_goes_there_and_back(axes):
    net, x = resized(axes)
    net = replace(net, input_shape=tuple(x.shape[1:]))
    module = net.to_torch()
    assert agree(net, module, x)
    if axes > 1:  # to an import, (3, 2, 5) is a picture, not three rows
        assert same_network(net, mx.from_torch(module, x))


@pytest.mark.parametrize("how", [{"size": (8, 10)}, {"scale_factor": 2}, {"scale_factor": (2.0, 2)}])
def test_interpolation_is_heard_however_it_is_spelt(how):
    call = lambda m, x: m.head(F.interpolate(x, mode="bilinear", **how).flatten(1))  # noqa: E731
    module, x = filled(Says(call, 2 * 8 * 10)), normal(2, 2, 4, 5)
    net = mx.from_torch(module, x)
    assert [n.op.size for n in net.nodes if isinstance(n.op, mx.Resize)] == [(8, 10)]
    assert agree(net, module, x)
    compared = mx.compare(net, module, x.numpy(), "lrp-epsilon", target=1)
    assert compared.passed


@pytest.mark.parametrize(
    "how",
    [
        {"mode": "nearest"},
        {"mode": "bicubic"},
        {"mode": "bilinear", "align_corners": True},
        {"mode": "bilinear", "antialias": True},
        {"mode": "bilinear", "scale_factor": 1.5, "size": None},
    ],
    ids=lambda how: ", ".join(f"{k}={v}" for k, v in how.items()),
)
def test_other_interpolations_are_refused(how):
    call = lambda m, x: m.head(F.interpolate(x, **{"size": (8, 10), **how}).flatten(1))  # noqa: E731
    with pytest.raises(mx.UnsupportedOp, match="interpolat"):
        mx.from_torch(filled(Says(call, 2 * 8 * 10)), normal(2, 2, 4, 5))


@pytest.mark.parametrize("which", [0, 1], ids=["g_s", "g_a"])
def test_a_generator_goes_there_and_back(which):
    """Its pictures as a row, because what is imported must have scores."""
    made = mx.load("lesion").generators[which]
    module, x = made.to_torch(), torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert agree(made, module, x)
    row = replace(made, nodes=(*made.nodes, mx.Node("row", mx.Flatten(), (made.nodes[-1].name,))))
    assert same_network(row, mx.from_torch(row.to_torch(), x))


def test_a_map_of_other_axes_than_its_size_is_refused():
    net = mx.Network([mx.Node("a", mx.Resize((3, 3)), "input")])
    with pytest.raises(ValueError, match=r"shape \(1, 2, 4\); expected \(N, C\) and 2 more axes"):
        net.to_torch()(torch.zeros(1, 2, 4))


@dataclass(frozen=True, eq=False)
class Twice(mx.Op):
    """A layer of a reader's own."""

    def forward(self, x):
        return 2 * x

    def adjoint(self, R, x):
        return 2 * R


def test_layers_that_pytorch_has_no_module_for_are_refused():
    with pytest.raises(mx.UnsupportedOp, match="Twice.* has no PyTorch module"):
        mx.Network([mx.Node("a", Twice(), "input")]).to_torch()
    lopsided = mx.Network([mx.Node("a", mx.MaxPool2d(2, 1, ((0, 1), (0, 0))), "input")])
    with pytest.raises(mx.UnsupportedOp, match="pads its two sides differently"):
        lopsided.to_torch()


# -- Refusals ---------------------------------------------------------------------------------------------------------


class Says(nn.Module):
    """What a function of the picture computes, called as a method of a module with one linear layer."""

    def __init__(self, function, features=50):
        super().__init__()
        self.function, self.head = function, nn.Linear(features, 3)

    def forward(self, x):
        return self.function(self, x)


REFUSED = {
    "an unknown call": (lambda m, x: m.head(torch.sigmoid(x).flatten(1)), "sigmoid"),
    "a constant": (lambda m, x: m.head((x + torch.ones_like(x) * 2).flatten(1)), "cannot be explained"),
    "axes put in": (lambda m, x: m.head(F.relu(x.unsqueeze(2)).flatten(1)), r"'wire', a wire, .*only flattening"),
    "weights from the picture": (lambda m, x: F.linear(m.head(x.flatten(1)), m.head(x.flatten(1))), "from the picture"),
    "a branch": (lambda m, x: m.head(x.flatten(1)) if x.sum() > 0 else m.head(F.relu(x).flatten(1)), "cannot be"),
    "a part of the picture": (lambda m, x: F.softmax(x[:, 0, 0, :], 1), "cannot be explained"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_engine_has_no_layer_for_is_refused_by_name(case):
    function, why = REFUSED[case]
    with pytest.raises(mx.UnsupportedOp, match=why) as refused:
        mx.from_torch(filled(Says(function)), normal(2, *PICTURE))
    assert "\n" not in str(refused.value)


def test_maps_averaged_to_more_than_one_cell_in_3d_are_refused():
    module = filled(nn.Sequential(nn.AdaptiveAvgPool3d((1, 2, 1)), nn.Flatten(), nn.Linear(2, 2)))
    with pytest.raises(mx.UnsupportedOp, match=r"'0', a avg_pool, .*whole maps only, not to \(1, 2, 1\)"):
        mx.from_torch(module, normal(1, 1, 2, 4, 3))


def logarithms_inside(m, x):
    """Which the tracer takes for a softmax: the same to all who explain the score before it, but not here."""
    return F.linear(F.log_softmax(m.head(x.flatten(1)), 1), WITHOUT_MEAN)


WITHOUT_MEAN = torch.tensor([[1.0, -1.0, 0.0], [2.0, 0.0, -2.0]], dtype=torch.float64)


def test_a_network_with_other_scores_is_never_given():
    with pytest.raises(ValueError, match="on the example, the network's scores differ from the module's by"):
        mx.from_torch(filled(Says(logarithms_inside)), normal(2, *PICTURE))


def test_scores_of_another_shape_are_not_stretched_to_fit():
    net, x = mx.from_torch(small(), X), normal(2, *PICTURE)
    scores = torch.tensor(net(x.numpy()))
    _check_scores(net, {"these": (x, scores)})
    with pytest.raises(ValueError, match=r"on these, the network gives scores \(2, 3\), the module \(1, 3\)"):
        _check_scores(net, {"these": (x, scores[:1])})


def test_a_blank_example_proves_nothing():
    """Zeros in, and without biases zeros out, whatever the layers are: they are compared elsewhere, too."""
    module = filled(Says(logarithms_inside))
    with torch.no_grad():
        module.head.bias.zero_()
    blank = torch.zeros(1, *PICTURE, dtype=torch.float64)
    assert not module(blank).any()
    with pytest.raises(ValueError, match="on random numbers, the network's scores differ from the module's by"):
        mx.from_torch(module, blank)


@pytest.mark.parametrize("function", [
    lambda m, x: m.head(F.relu(x.unsqueeze(1).squeeze(1)).flatten(1)),
    lambda m, x: m.head(x.unsqueeze(-1).flatten(1)),
    lambda m, x: m.head(F.relu(x).contiguous().flatten(1).clone()),
])  # fmt: skip
def test_shapes_in_between_are_passed_through(function):
    module, x = filled(Says(function)), normal(2, *PICTURE)
    assert agree(mx.from_torch(module, x), module, x)


def small():
    return filled(nn.Sequential(nn.Flatten(), nn.Linear(50, 3)))


def compiled():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(small())


X = normal(1, *PICTURE)
HALF_TRAINED = filled(Residual())
HALF_TRAINED.layer1[1].bn2.train()
UNREADABLE = [
    (lambda x: x, X, "got a function; expected a torch.nn.Module"),
    (small().train(), X, "the module is in training mode; call module.eval"),
    (HALF_TRAINED, X, "part 'layer1.1.bn2' of the module is in training mode"),
    (compiled(), X, "the module is compiled"),
    (nn.Sequential(nn.LazyLinear(3)).eval(), normal(1, 4), "'0.weight' has no values yet"),
    (nn.Linear(4, 3, device="meta").eval(), normal(1, 4), "'weight' has no values yet"),
    (small(), X.numpy(), "example_input is a ndarray; expected a float32 or float64 tensor"),
    (small(), X.half(), "example_input is a tensor of torch.float16"),
    (small(), X.long(), "example_input is a tensor of torch.int64"),
    (small(), X.to("meta"), r"example_input is on meta; .* pass module.cpu\(\)"),
    (small(), X[0, 0], "the module cannot read x"),
    (small(), X[:0], r"has shape \(0, 2, 5, 5\); .*not empty"),
    (small(), X[None, None], r"has shape \(1, 1, 1, 2, 5, 5\); expected one picture of 3 axes"),
    (small(), X * torch.nan, "example_input holds NaN"),
    (small(), X.float(), "the module cannot read x"),
    (small(), normal(1, 2, 6, 6), "the module cannot read x"),
    (filled(Functional()), normal(1, 3, 5, 5), "the module cannot read x"),
    (filled(nn.Conv2d(2, 2, 1)), X, r"the module returned \(1, 2, 5, 5\); expected scores"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(UNREADABLE)))
def test_what_cannot_be_read_is_refused_in_one_sentence(case):
    module, x, why = UNREADABLE[case]
    with pytest.raises(ValueError, match=why) as refused:
        mx.from_torch(module, x)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("facts", "why"),
    [({"clases": ("a",)}, "holds clases; expected some of name, classes"), ({"feature_layer": "conv9"}, "'conv9'")],
)
def test_facts_that_make_no_sense_are_refused(facts, why):
    module = small()
    module.minixai_facts = facts
    with pytest.raises(ValueError, match=why):
        mx.from_torch(module, X)


@pytest.mark.parametrize("file", ["from_torch", "to_torch"])
def test_without_pytorch_it_says_what_to_install(monkeypatch, file):
    monkeypatch.delitem(sys.modules, f"minixai.zoo.{file}", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'minixai\[torch\]'"):
        getattr(mx, file) if file == "from_torch" else mx.load("digits").to_torch()
