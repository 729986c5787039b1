"""What cannot be read or explained is refused in one sentence that says what was given and what to do."""

import logging

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import minixai as mx
from minixai import pytorch
from minixai.pytorch.explain import ELSEWHERE
from tests.pytorch.material import METHODS

STRICT = ("guided-backprop", "lrp-epsilon", "deeplift-rescale", "deeplift-revealcancel")
X = torch.as_tensor(np.random.default_rng(0).normal(size=(2, 2, 4, 4)))


class Middle(nn.Module):
    """conv, whatever is put in the middle, flatten, linear."""

    def __init__(self, middle=F.relu, out=2):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.linear = nn.Conv2d(2, 3, 3, padding=1), nn.Linear(48, out)
        self.other = nn.Conv2d(3, 3, 1)
        self.middle = middle
        self.double().eval()

    def forward(self, x):
        return self.linear(self.middle(self.conv(x)).flatten(1))


def refused(module, name="lrp-epsilon", x=X, kind=ValueError, **params):
    """The sentence; exactly one, and short enough to be read."""
    with pytest.raises(kind) as caught:
        pytorch.explain(module, x, name, **params)
    said = str(caught.value)
    assert isinstance(caught.value, kind)
    assert 10 < len(said) < 300 and "\n" not in said, said
    return said


def matches(said, *words):
    assert all(word in said for word in words), said


# -- The module --------------------------------------------------------------------------------------------------------


def test_training_mode():
    matches(refused(Middle().train()), "the module is in training mode", "call module.eval() first")


def test_training_mode_of_a_part():
    module = Middle()
    module.conv.train()
    matches(refused(module), "conv is in training mode")


@pytest.mark.parametrize("method", METHODS)
def test_active_dropout(method):
    module = Middle(lambda x: F.dropout(F.relu(x)))
    matches(refused(module, method), "dropout is active", "training=self.training", "test_errors.py:")


def test_batch_norm_that_looks_at_the_batch():
    module = Middle(nn.BatchNorm2d(3, track_running_stats=False))
    matches(refused(module), "batch norm", "statistics of this batch")


def test_lazy_parameters():
    module = nn.Sequential(nn.LazyConv2d(3, 3), nn.Flatten(), nn.LazyLinear(2)).eval()
    matches(refused(module), "the parameter 0.weight has no values yet", "load the weights")


def test_meta_parameters():
    module = nn.Sequential(nn.Conv2d(2, 3, 3, device="meta"), nn.Flatten(), nn.Linear(12, 2)).eval()
    matches(refused(module, x=X.float()), "0.weight has no values yet")


def test_meta_buffers():
    module = Middle(nn.BatchNorm2d(3))
    module.middle.running_mean = module.middle.running_mean.to("meta")
    matches(refused(module), "middle.running_mean", "no values yet")


def test_no_module():
    matches(refused(lambda x: x), "got a function", "torch.nn.Module")
    matches(refused(Middle().state_dict()), "got a OrderedDict", "torch.nn.Module")


def test_script_module():
    module = torch.jit.trace(Middle(), X)
    matches(refused(module), "compiled", "pass the module it was compiled from")


def test_compiled_module():
    module = torch.compile(Middle(), backend="eager")
    matches(refused(module), "compiled", "pass the module it was compiled from")


def test_compiled_part():
    module = Middle()
    module.other = torch.jit.script(nn.Sequential(nn.ReLU()))
    matches(refused(module), "other is compiled")


@pytest.mark.parametrize("method", ["gradient", "guided-backprop", "lrp-0", "fem"])
def test_compiled_in_place(method):
    module = Middle()
    expected = pytorch.explain(module, X, method).relevance
    module.compile(backend="eager")
    try:
        found = pytorch.explain(module, X, method).relevance
    except ValueError as error:
        matches(str(error), "compiled")
    else:
        assert torch.equal(found, expected)


@pytest.mark.parametrize("method", ["gradient", "lrp-epsilon", "fem", "integrated-gradients", "deeplift-rescale"])
@pytest.mark.parametrize(("out", "got"), [("list", "list"), ("dict", "dict"), ("maps", "(1, 3, 4, 4)")])
def test_no_scores(out, got, method):
    class Other(Middle):
        def forward(self, x):
            y = super().forward(x)
            return {"list": [y], "dict": {"scores": y}, "maps": self.conv(x)}[out]

    matches(refused(Other(), method, X[:1]), f"the module returned {got}", "expected scores (N, classes)")


# -- The picture -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x", "words"),
    [
        (X.numpy(), ("x is a ndarray", "torch.as_tensor(x)")),
        (X.to(torch.uint8), ("x has dtype torch.uint8", "float32 or float64")),
        (X.half(), ("x has dtype torch.float16", "float32 or float64")),
        (X.bfloat16(), ("x has dtype torch.bfloat16",)),
        (X.to(torch.complex128), ("x has dtype torch.complex128",)),
        (X * np.nan, ("NaN, infinite",)),
        (X / 0, ("NaN, infinite",)),
        (X.float(), ("x is torch.float32 on cpu, the module torch.float64 on cpu",)),
        (X[:0], ("empty batch",)),
        (X[None], ("x has shape (1, 2, 2, 4, 4)", "3 axes")),
        (X[0, 0], ("x has shape (4, 4)", "3 axes")),
        (X[:, :1], ("cannot read x of shape", "expected input[", "to have 2 channels, but got 1 channels")),
        (X[:, :, :2], ("cannot read x of shape",)),
    ],
)
def test_pictures_that_cannot_be_read(method, x, words):
    matches(refused(Middle(), method, x), *words)


def test_another_device():
    matches(refused(Middle(), x=X.to("meta")), "x is torch.float64 on meta, the module torch.float64 on cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is present")
def test_cuda_asked_for_and_absent():
    from minixai.crosscheck import compare

    network = mx.Network.sequential([mx.Flatten(), mx.Linear(np.ones((2, 32)))])
    with pytest.raises((ValueError, RuntimeError, AssertionError)):
        compare(network, network.to_torch().to("cuda"), X.numpy(), "gradient")  # PyTorch's own words


def test_pictures_for_a_module_without_convolutions():
    module = nn.Sequential(nn.Flatten(), nn.Linear(32, 2)).double().eval()
    found = pytorch.explain(module, X, "lrp-0", target=1)
    w = module[1].weight[1].detach().reshape(1, 2, 4, 4)
    assert torch.allclose(found.relevance, X * w * found.score[:, None, None, None] / (X * w).sum((1, 2, 3)).add(
        module[1].bias[1].detach())[:, None, None, None])  # fmt: skip
    one = pytorch.explain(module, X[0], "gradient", target=1)
    assert torch.equal(one.relevance, w[0])


# -- What is asked for -------------------------------------------------------------------------------------------------


def test_unknown_method():
    matches(refused(Middle(), "lrp-epsilom"), "method 'lrp-epsilom' is not known", "did you mean lrp-epsilon")
    matches(refused(Middle(), None), "method None is not known")


def test_methods_of_the_engine_only():
    assert set(ELSEWHERE) == {m.name for m in mx.methods()} - set(METHODS)
    for name, why in ELSEWHERE.items():
        matches(refused(Middle(), name), f"method '{name}' is not here; ", why)
        matches(refused(Middle(), "smoothgrad", method=name), f"method '{name}' is not here; ")


def test_unknown_parameter():
    matches(refused(Middle(), "lrp-epsilon", epsilon=1), "lrp-epsilon has no parameter 'epsilon'", "eps")
    matches(refused(Middle(), "gradient", eps=1), "gradient has no parameter 'eps'", "it has none")
    matches(refused(Middle(), "smoothgrad", method="lrp-epsilon", gamma=1), "lrp-epsilon has no parameter 'gamma'")


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("lrp-epsilon", {"eps": -1}, ("eps is -1", "at least 0")),
        ("lrp-epsilon", {"eps": float("nan")}, ("eps is nan", "finite")),
        ("lrp-epsilon", {"eps": "0.1"}, ("eps is '0.1'", "finite number")),
        ("lrp-epsilon", {"stabilizer": "sign"}, ("stabilizer is 'sign'", "'signed' or 'literal'")),
        ("lrp-epsilon", {"bias": "no"}, ("bias is 'no'", "'include' or 'ignore'")),
        ("lrp-gamma", {"gamma": -0.1}, ("gamma is -0.1",)),
        ("lrp-alphabeta", {"alpha": 2, "beta": 2}, ("alpha is 2, beta is 2", "alpha = beta + 1")),
        ("lrp-alphabeta", {"alpha": 0, "beta": -1}, ("beta >= 0",)),
        ("lrp-composite", {"low": 0}, ("give both, or neither",)),
        ("lrp-composite", {"low": 1, "high": 0}, ("low <= high",)),
        ("lrp-composite", {"rules": [1]}, ("rules is [1]",)),
        ("lrp-composite", {"rules": {"conv9": pytorch.lrp.Zero()}}, ("layer 'conv9' is not in the module", "conv")),
        ("deep-taylor", {"low": [0, 0, 0], "high": [1, 1, 1]}, ("a bound has shape (3,)",)),
        ("fem", {"K": -1}, ("K is -1",)),
        ("fem", {"layer": "conv9"}, ("layer 'conv9' is not in the module; expected one of conv",)),
        ("fem", {"layer": "linear"}, ("layer 'linear' holds (2,) numbers, not maps",)),
        ("grad-cam", {"layer": "conv9"}, ("layer 'conv9' is not in the module",)),
        ("grad-cam", {"relu": 1}, ("relu is 1", "True or False")),
        ("cam", {}, ("cam needs a module that ends in global average pooling", "grad-cam")),
        ("deconvnet", {"channel": 1}, ("give both",)),
        ("deconvnet", {"layer": "conv", "channel": 3}, ("channel is 3", "channels 0 to 2")),
        ("deconvnet", {"layer": "conv", "channel": 0, "position": (4, 0)}, ("position is (4, 0)", "(4, 4)")),
        ("integrated-gradients", {"n": 0}, ("n is 0",)),
        ("integrated-gradients", {"quadrature": "exact"}, ("quadrature is 'exact'", "the engine's alone")),
        ("integrated-gradients", {"baseline": torch.zeros(3, 4, 4)}, ("baseline has shape (3, 4, 4)", "(2, 4, 4)")),
        ("deeplift-rescale", {"baseline": torch.zeros(0, 2, 4, 4)}, ("baseline",)),
        ("smoothgrad", {"sigma": -1}, ("sigma is -1",)),
        ("smoothgrad", {"average": "mean"}, ("average is 'mean'", "maps, signed")),
        ("smoothgrad", {"method": "smoothgrad"}, ("cannot average itself",)),
        ("smoothgrad", {"noise": np.zeros((3, 4, 4))}, ("noise has shape (3, 4, 4)",)),
        ("smoothgrad", {"n": 2.5}, ("n is 2.5", "integer")),
    ],
    ids=str,
)
def test_parameters(method, params, words):
    matches(refused(Middle(), method, target=0, **params), *words)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", [2, -1, "cat", 0.5, True, [0, 1, 1], [0, 5], [[0, 1]]], ids=str)
def test_targets(method, target):
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    said = refused(module.double().eval(), method, target=target)
    matches(said, "target")


def test_deep_taylor_of_a_negative_score():
    module = Middle()
    with torch.no_grad():
        module.linear.bias[1] = -10
    matches(refused(module, "deep-taylor", target=1), "scores of at least 0", "S_c is -")


# -- What the module does ----------------------------------------------------------------------------------------------


class Squared(torch.autograd.Function):
    """A ReLU that claims a slope of 7."""

    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, arriving):
        return 7 * arriving


def without_slope(x):
    with torch.no_grad():
        return F.relu(x)


def blank(x):
    x = F.relu(x)
    y = x.clone()
    y[:, :1] = 0
    return y


def through_another_view(x):
    flat = x.flatten(2)
    F.relu(x, inplace=True)
    return flat


def into(x):
    y = torch.empty(x.shape, dtype=x.dtype)
    return torch.clamp(x, min=0, out=y)


MIDDLES = {
    # what the module does: (how, the op it is refused for)
    "sigmoid": (lambda x: x.sigmoid(), "sigmoid"),
    "a multiplication": (lambda x: F.relu(x) * 2, "mul"),
    "a constant": (lambda x: F.relu(x) + torch.ones(1, 3, 4, 4, dtype=x.dtype), "add"),
    "a constant of the same shape": (lambda x: F.relu(x) + torch.ones(x.shape, dtype=x.dtype), "add"),
    "a number": (lambda x: F.relu(x) + 1.5, "add"),
    "an add with alpha": (lambda x: torch.add(x, F.relu(x), alpha=2), "add"),
    "a clamp from above": (lambda x: x.clamp(0, 6), "clamp"),
    "a decision": (lambda x: F.relu(x) if x.sum() > 0 else x, "sum"),
    "a decision by item": (lambda x: F.relu(x) if x.flatten(1).relu().mean().item() > 9 else x, "mean"),
    "NumPy": (lambda x: torch.as_tensor(F.relu(x).detach().numpy()), "detach"),
    "detach": (lambda x: F.relu(x).detach() + x, "detach"),
    "data": (lambda x: F.relu(x).data, "data"),
    "a slice": (lambda x: F.relu(x)[:, :, :, [3, 2, 1, 0]], "__getitem__"),
    "an assignment to a slice": (blank, "__setitem__"),
    "a view that is overwritten": (through_another_view, "flatten"),
    "a matrix": (lambda x: x @ torch.eye(4, dtype=x.dtype), "matmul"),
    "a transposition": (lambda x: x.transpose(1, 2).contiguous(), "transpose"),
    "a reshape that mixes": (lambda x: x.reshape(-1, 4).relu().reshape(len(x), -1), "reshape"),
    "a reshape of rows into channels": (lambda x: F.relu(x.view(len(x), 4, 3, 4)), "view"),
    "another precision": (lambda x: F.relu(x).float().double(), "float"),
    "a stack": (lambda x: torch.stack([x, x]).sum(0), "stack"),
    "leaky": (lambda x: F.leaky_relu(x), "leaky_relu"),
    "relu6": (lambda x: F.relu6(x), "relu6"),
    "a mean over channels": (lambda x: x.mean(1, keepdim=True).expand(-1, 3, -1, -1), "mean"),
    "a pool with indices": (lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), "max_pool2d"),
    "out=": (into, "clamp"),
    "a batch norm by the batch's own mean": (
        lambda x: F.batch_norm(x, x.mean((0, 2, 3)), torch.ones(3, dtype=x.dtype)), "mean",
    ),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), "scaled_dot_product_attention"),
    "group norm": (lambda x: F.group_norm(x, 1), "group_norm"),
    "resizing": (lambda x: F.interpolate(x, scale_factor=1), "interpolate"),
}  # fmt: skip


@pytest.mark.parametrize("method", [*STRICT, "deconvnet", "fem", "grad-cam", "deep-taylor"])
@pytest.mark.parametrize("what", MIDDLES)
def test_an_unknown_op_is_named_with_its_place(what, method):
    middle, op = MIDDLES[what]
    said = refused(Middle(middle), method, kind=mx.UnsupportedOp)
    matches(said, op, "Middle (test_errors.py:")


@pytest.mark.parametrize("method", STRICT)
@pytest.mark.parametrize("middle", [Squared.apply, without_slope], ids=["function", "no_grad"])
def test_slopes_that_are_not_autograds_own_are_refused(middle, method):
    said = refused(Middle(middle), method, kind=mx.UnsupportedOp)
    matches(said, "no_grad", "autograd.Function")


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("middle", [without_slope, lambda x: F.relu(x).detach()], ids=["no_grad", "detach"])
def test_no_way_back_to_the_picture_is_no_map_of_zeros(middle, frozen):
    module = Middle(middle).requires_grad_(not frozen)
    matches(refused(module, "gradient"), "no way", "picture")


def test_scores_from_numpy():
    class Away(Middle):
        def forward(self, x):
            return torch.as_tensor(super().forward(x).detach().numpy())

    matches(refused(Away(), "gradient"), "not computed from the picture")


@pytest.mark.parametrize("method", STRICT)
def test_weights_that_come_from_the_picture(method):
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.linear = nn.Conv2d(2, 1, 3, padding=1), nn.Linear(16, 2)

        def forward(self, x):
            x = F.relu(self.conv(x))
            gate = x.mean((2, 3), keepdim=True)  # (1, 1, 1, 1): a filter, for one picture
            return self.linear(F.conv2d(x, gate).flatten(1))

    matches(refused(Attends().double().eval(), method, X[:1], kind=mx.UnsupportedOp), "conv2d", "picture")


def test_a_place_inside_a_part_is_a_path_and_a_line():
    class Block(nn.Module):
        def forward(self, x):
            return x.tanh()

    module = nn.Sequential(nn.Sequential(nn.Conv2d(2, 2, 1), Block()), nn.Flatten(), nn.Linear(32, 2)).double().eval()
    matches(refused(module, kind=mx.UnsupportedOp), "tanh at 0.1 (test_errors.py:")


def test_what_autograd_knows_needs_no_rule():
    module = Middle(lambda x: torch.tanh(x) * 2)
    leaf = X.clone().requires_grad_()
    module(leaf)[:, 0].sum().backward()
    assert torch.equal(pytorch.explain(module, X, "gradient", target=0).relevance, leaf.grad)
    for method in ("integrated-gradients", "smoothgrad"):
        assert pytorch.explain(module, X, method, target=0, n=2).relevance.abs().sum() > 0


def test_a_softmax_in_the_middle():
    module = Middle(lambda x: F.softmax(x.flatten(1), 1))
    for method in ("lrp-0", "deep-taylor", "deeplift-rescale", "deeplift-revealcancel"):
        matches(refused(module, method, kind=mx.UnsupportedOp), "softmax", "only a final one")


def test_revealcancel_and_a_batch_norm_of_its_own():
    module = Middle(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3)))
    matches(refused(module, "deeplift-revealcancel", kind=mx.UnsupportedOp), "middle.1", "deeplift-rescale")


def test_a_pixel_rule_behind_more_than_a_new_shape():
    module = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(2, 3, 1), nn.Flatten(), nn.Linear(12, 2)).double().eval()
    for method in ("lrp-composite", "deep-taylor"):
        matches(refused(module, method, kind=mx.UnsupportedOp), "1 reads the picture through more than a new shape")


# -- Half precision ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_autocast(method):
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)).eval()
    allowed = {"gradient", "deconvnet", "guided-backprop", "integrated-gradients", "smoothgrad", "grad-cam"}
    x = X.float()
    with torch.autocast("cpu", torch.bfloat16):
        if method in allowed:
            found = pytorch.explain(module, x, method, target=0, **METHODS[method])
            assert found.relevance.isfinite().all() and found.relevance.abs().max() > 0
        else:
            matches(refused(module, method, x), method, "leave autocast")
    if method in allowed:
        exact = pytorch.explain(module, x, method, target=0, **METHODS[method])
        top = exact.relevance.abs().max()
        assert (found.relevance - exact.relevance).abs().max() < 0.1 * top  # bfloat16 has 8 bits


def test_autocast_and_a_smoothed_lrp():
    with torch.autocast("cpu", torch.bfloat16):
        matches(refused(Middle().float(), "smoothgrad", X.float(), method="lrp-epsilon"), "lrp-epsilon", "autocast")


def test_a_picture_that_does_not_fit_is_a_sentence_without_a_logged_traceback(capfd):
    refused(Middle(), "gradient", torch.zeros(1, 5, 4, 4).double(), target=0)
    assert capfd.readouterr().err == ""
    assert not logging.getLogger("torch._subclasses.fake_tensor").disabled
