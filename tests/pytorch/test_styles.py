"""However a module is written, its maps are the same, bit for bit; and it is left exactly as it was found."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import minixai as mx
from minixai import pytorch
from tests.pytorch.material import (
    ADD,
    ADD_IN_PLACE,
    CONCAT,
    FLATTEN,
    GAP,
    IDENTITY,
    METHODS,
    RELU,
    RELU_IN_PLACE,
    SOFTMAX,
    SPELLINGS,
    Written,
    drawn,
    everything,
    first,
    pictures,
    spelled,
)

MEANS = [name for name in GAP if "mean" in name]  # an adaptive pool adds up in another order


PICKED = 0  # a class with a positive score on both pictures, so that Deep Taylor explains it


def compact(softmax=False):
    """A residual sum, a concatenation, a batch norm that folds, dropout, both pools, and the head that CAM needs.

    The first convolution has no bias: at the blank corners it computes exactly 0, where convention decides the gate.
    """
    rng = np.random.default_rng(4)
    conv1, conv2 = (mx.Conv2d(rng.normal(size=(3, n, 3, 3)) / 3, padding=1) for n in (2, 3))
    norm = mx.BatchNorm2d(rng.normal(size=3), rng.uniform(0.5, 1.5, 3), rng.normal(size=3), rng.normal(size=3))
    head = mx.Linear(rng.normal(size=(3, 5)), np.array([5.0, 0.0, 0.0]))
    nodes = [
        mx.Node("conv1", conv1, "input"),
        mx.Node("relu1", mx.ReLU(), "conv1"),
        mx.Node("conv2", conv2, "relu1"),
        mx.Node("norm2", norm, "conv2"),
        mx.Node("add1", mx.Add(), ("norm2", "relu1")),
        mx.Node("relu2", mx.ReLU(), "add1"),
        mx.Node("conv3", mx.Conv2d(rng.normal(size=(2, 3, 1, 1)), rng.normal(size=2)), "relu2"),
        mx.Node("concat1", mx.Concat(), ("conv3", "relu2")),
        mx.Node("dropout1", mx.Identity(), "concat1"),
        mx.Node("pool1", mx.MaxPool2d(2), "dropout1"),
        mx.Node("pool2", mx.AvgPool2d(2, 1), "pool1"),
        mx.Node("relu3", mx.ReLU(), "pool2"),
        mx.Node("gap1", mx.GlobalAvgPool(), "relu3"),
        mx.Node("flatten1", mx.Flatten(), "gap1"),
        mx.Node("linear1", head, "flatten1"),
    ]
    last = [mx.Node("softmax1", mx.Softmax(), "linear1")] if softmax else []
    return mx.Network([*nodes, *last], name="compact", input_shape=(2, 6, 6))


COMPACT = compact()


def explained(module, network, method, dtype=torch.float64, target=PICKED):
    """relevance, map, score and class; or why not."""
    x = torch.as_tensor(pictures(network), dtype=dtype)
    try:
        e = pytorch.explain(module, x, method, target=target, **METHODS[method])
    except ValueError as error:
        return str(error)
    return e.relevance, e.map, e.score, e.target


@cache
def plain_answer(method):
    """What the plainest spelling gives."""
    return explained(Written(COMPACT, first), COMPACT, method)


def assert_same(found, expected, method):
    assert not isinstance(found, str), f"{method}: {found}"
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b), f"{method}: largest difference {(a - b).abs().max():.3g}"


def assert_every_method(choose, network=COMPACT):
    module = Written(network, choose)
    for method in METHODS:
        assert_same(explained(module, network, method), plain_answer(method), method)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_it(method):
    found = plain_answer(method)
    assert not isinstance(found, str), found
    assert found[0].abs().max() > 0


def test_gates_at_exactly_zero_are_there():
    tape = mx.forward(COMPACT, pictures(COMPACT))
    assert (tape["conv1"].y == 0).sum() >= 10


@pytest.mark.parametrize("spelling", [*RELU, *RELU_IN_PLACE])
def test_relu(spelling):
    assert_every_method(spelled(ReLU=spelling))


@pytest.mark.parametrize("spelling", [*ADD, *ADD_IN_PLACE])
def test_add(spelling):
    assert_every_method(spelled(Add=spelling))


@pytest.mark.parametrize("relu", ["x.relu_()", "nn.ReLU(inplace=True)"])
def test_add_in_place_with_a_relu_in_place_after_it(relu):
    assert_every_method(spelled(Add="a += b", ReLU=relu))


@pytest.mark.parametrize("spelling", CONCAT)
def test_concat(spelling):
    assert_every_method(spelled(Concat=spelling))


@pytest.mark.parametrize("spelling", FLATTEN)
def test_flatten(spelling):
    assert_every_method(spelled(Flatten=spelling))


@pytest.mark.parametrize("spelling", IDENTITY)
def test_dropout_in_eval_mode_and_copies(spelling):
    assert_every_method(spelled(Identity=spelling))


@pytest.mark.parametrize("spelling", SOFTMAX)
def test_a_final_softmax_is_left_out(spelling):
    assert_every_method(spelled(Softmax=spelling), compact(softmax=True))


@pytest.mark.parametrize("kind", ["Conv2d", "Linear", "BatchNorm2d", "MaxPool2d", "AvgPool2d"])
def test_layers_with_weights_and_windows(kind):
    for spelling in list(SPELLINGS[kind])[1:]:
        assert_every_method(spelled(**{kind: spelling}))


@pytest.mark.parametrize("spelling", MEANS)
def test_global_means(spelling):
    assert_every_method(spelled(GlobalAvgPool=spelling))


@pytest.mark.parametrize("spelling", ["nn.AdaptiveAvgPool2d(1)", "F.adaptive_avg_pool2d(x, (1, 1))"])
def test_an_adaptive_pool_is_a_mean_up_to_the_order_of_its_sum(spelling):
    module = Written(COMPACT, spelled(GlobalAvgPool=spelling))
    for method in METHODS:
        found = explained(module, COMPACT, method)
        assert not isinstance(found, str), found
        for a, b in zip(found, plain_answer(method), strict=True):
            assert (a - b).abs().max() <= 1e-12 * b.abs().max(), method


@pytest.mark.parametrize("seed", range(4))
def test_spellings_mixed_by_lot_with_a_batch_norm_that_stands_alone(seed):
    network = everything(seed, gap=seed % 2 == 0)
    module = Written(network, drawn(np.random.default_rng((seed, 2))), frugal=seed > 1)
    plain = Written(network, spelled(GlobalAvgPool=_of(module)))
    for method in METHODS:
        found, expected = explained(module, network, method), explained(plain, network, method)
        if isinstance(expected, str):
            assert method in ("cam", "deep-taylor", "deeplift-revealcancel"), expected
            assert isinstance(found, str)
        else:
            assert_same(found, expected, method)


def _of(module):
    """The pool that a module was given, since an adaptive one and a mean are not bit-equal."""
    return "nn.AdaptiveAvgPool2d(1)" if "daptive" in module.written.get("GlobalAvgPool", "") else MEANS[0]


@pytest.mark.parametrize("frugal", [True, False])
def test_everything_functional_and_in_place_at_once(frugal):
    wanted = {
        "Conv2d": "F.conv2d", "Linear": "F.linear", "BatchNorm2d": "F.batch_norm", "ReLU": "F.relu(x, inplace=True)",
        "Add": "a += b", "Concat": "torch.concat", "MaxPool2d": "F.max_pool2d", "AvgPool2d": "F.avg_pool2d",
        "Flatten": "x.view(len(x), -1)", "Identity": "F.dropout(x, training=self.training)",
    }  # fmt: skip
    module = Written(COMPACT, spelled(**wanted), frugal)
    for method in METHODS:
        assert_same(explained(module, COMPACT, method), plain_answer(method), method)


@pytest.mark.parametrize("relu", ["one nn.ReLU", "one nn.ReLU(inplace=True)", "x.clamp_(min=0)"])
def test_in_float32_too(relu):
    network = COMPACT.astype("float32")
    plain, module = Written(network, first), Written(network, spelled(ReLU=relu, Add="a += b"))
    for method in METHODS:
        expected = explained(plain, network, method, torch.float32)
        assert_same(explained(module, network, method, torch.float32), expected, method)


class Rectifier(nn.Module):
    """A picture that is rectified at once, in the caller's memory, if one lets it."""

    def __init__(self, inplace):
        super().__init__()
        torch.manual_seed(1)
        self.relu, self.conv, self.linear = nn.ReLU(inplace), nn.Conv2d(2, 3, 3), nn.Linear(48, 2)

    def forward(self, x):
        return self.linear(self.conv(self.relu(x)).relu().flatten(1))


@pytest.mark.parametrize("method", METHODS)
def test_a_relu_in_place_on_the_picture(method):
    network = everything()
    x = torch.as_tensor(pictures(network))
    before = x.clone()
    answers = []
    for inplace in (False, True):
        answers.append(explained(Rectifier(inplace).double().eval(), network, method))
    assert torch.equal(x, before)
    if method in ("cam", "lrp-composite", "deep-taylor"):  # no such head; no pixel rule behind a ReLU
        assert isinstance(answers[0], str) and answers[0] == answers[1]
    else:
        assert_same(answers[1], answers[0], method)


class Overwritten(nn.Module):
    """What a ReLU computed is written over: fine forwards, and PyTorch's own slopes then refuse to go back."""

    def __init__(self, inplace):
        super().__init__()
        torch.manual_seed(2)
        self.one, self.two, self.linear = nn.Conv2d(2, 3, 3), nn.Conv2d(3, 3, 1), nn.Linear(48, 2)
        self.inplace = inplace

    def forward(self, x):
        x = self.one(x)
        skip = self.two(x)
        x = F.relu(x)
        if self.inplace:
            x += skip
        else:
            x = x + skip
        return self.linear(x.flatten(1))


@pytest.mark.parametrize("method", METHODS)
def test_adding_into_what_a_relu_computed_is_the_same_or_refused_in_a_sentence(method):
    network = everything()
    plain, overwritten = (Overwritten(inplace).double().eval() for inplace in (False, True))
    for module in (plain, overwritten):
        module.linear.bias.data += 5  # Deep Taylor wants positive scores
    expected, found = explained(plain, network, method), explained(overwritten, network, method)
    if method == "cam":
        assert found == expected
    elif isinstance(found, str):
        assert any(word in found for word in ("in place", "in-place", "inplace")), found
        assert "cannot read x" not in found
    else:
        assert_same(found, expected, method)


@pytest.mark.parametrize("method", METHODS)
def test_one_picture_or_a_batch(method):
    module, x = Written(COMPACT, first), torch.as_tensor(pictures(COMPACT, 3))
    whole = pytorch.explain(module, x, method, target=PICKED, **METHODS[method])
    for i in range(3):
        one = pytorch.explain(module, x[i], method, target=PICKED, **METHODS[method])
        assert one.relevance.shape == whole[i].relevance.shape
        assert (one.relevance - whole[i].relevance).abs().max() <= 1e-10 * whole[i].relevance.abs().max()
        assert not one.batched and one.target == PICKED


# -- Left as it was found ----------------------------------------------------------------------------------------------

HOOKS = [name for name in vars(nn.Module()) if name.endswith("_hooks")]


def snapshot(module):
    """Everything about a module that a visitor could have moved."""
    return {
        "values": {k: v.clone() for k, v in module.state_dict().items()},
        "identities": {k: id(v) for k, v in [*module.named_parameters(), *module.named_buffers()]},
        "versions": {k: v._version for k, v in [*module.named_parameters(), *module.named_buffers()]},
        "requires_grad": {k: v.requires_grad for k, v in module.named_parameters()},
        "grad": {k: None if v.grad is None else v.grad.clone() for k, v in module.named_parameters()},
        "training": {k: m.training for k, m in module.named_modules()},
        "hooks": {k: {h: dict(getattr(m, h)) for h in HOOKS} for k, m in module.named_modules()},
        "attributes": {k: sorted(vars(m)) for k, m in module.named_modules()},
        "forwards": {k: type(m).forward for k, m in module.named_modules()},
    }


def assert_unmoved(before, after):
    assert before.keys() == after.keys()
    for k in before["values"]:
        assert torch.equal(before["values"][k], after["values"][k]), k
    for k, grad in before["grad"].items():
        now = after["grad"][k]
        assert (grad is None and now is None) or torch.equal(grad, now), k
    for what in ("identities", "versions", "requires_grad", "training", "hooks", "attributes", "forwards"):
        assert before[what] == after[what], what


@pytest.mark.parametrize("frozen", [True, False, "half"])
@pytest.mark.parametrize("method", METHODS)
def test_a_module_is_left_as_it_was_found(method, frozen):
    network = COMPACT
    module = Written(network, spelled(ReLU="one nn.ReLU(inplace=True)", Add="a += b"))
    for i, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(frozen is False or (frozen == "half" and i % 2 == 0))
        if i % 3 == 0 and parameter.requires_grad:
            parameter.grad = torch.full_like(parameter, 0.5)  # somebody is in the middle of something
    called = []
    handle = module.register_forward_hook(lambda *_: called.append(1))
    x = torch.as_tensor(pictures(network)).requires_grad_()
    before, kept = snapshot(module), x.detach().clone()
    enabled, threads = torch.is_grad_enabled(), torch.get_num_threads()
    e = pytorch.explain(module, x, method, target=PICKED, **METHODS[method])
    assert not e.relevance.requires_grad and not e.map.requires_grad
    assert called, "the module's own hooks run as ever"
    assert_unmoved(before, snapshot(module))
    assert torch.equal(x, kept) and x.grad is None and x.requires_grad
    assert (torch.is_grad_enabled(), torch.get_num_threads()) == (enabled, threads)
    handle.remove()


class Breaks(nn.Module):
    """Fails in the middle, in one of several ways."""

    def __init__(self, how):
        super().__init__()
        torch.manual_seed(3)
        self.conv, self.norm, self.linear, self.how = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(48, 2), how

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)), inplace=True)
        if self.how == "key":
            raise KeyError("nothing of that name")
        if self.how == "runtime":
            x = x @ torch.ones(7, 7, dtype=x.dtype)
        if self.how == "unknown":
            x = torch.tanh(x)
        if self.how == "interrupt":
            raise KeyboardInterrupt
        return self.linear(x.flatten(1))


@pytest.mark.parametrize("how", ["key", "runtime", "unknown", "interrupt"])
@pytest.mark.parametrize("method", METHODS)
def test_a_module_is_left_as_it_was_found_after_an_error(method, how):
    module = Breaks(how).double().eval()
    for parameter in module.norm.parameters():
        parameter.requires_grad_(False)
    before = snapshot(module)
    x = torch.as_tensor(pictures(everything()))
    expected = {"key": KeyError, "interrupt": KeyboardInterrupt}.get(how, ValueError)
    if how == "unknown" and method in ("gradient", "integrated-gradients", "smoothgrad"):
        pytorch.explain(module, x, method, **METHODS[method])  # autograd knows tanh
    else:
        with pytest.raises(expected):
            pytorch.explain(module, x, method, **METHODS[method])
    assert_unmoved(before, snapshot(module))
    assert torch.is_grad_enabled()
    assert torch.overrides._get_current_function_mode() is None  # nobody listens any more


@pytest.mark.parametrize("method", METHODS)
def test_under_no_grad(method):
    with torch.no_grad():
        found = explained(Written(COMPACT, first), COMPACT, method)
        assert not torch.is_grad_enabled()
    assert_same(found, plain_answer(method), method)


def test_a_deep_copy_is_explained_alike():
    twin = copy.deepcopy(Written(COMPACT, spelled(ReLU="one nn.ReLU")))
    assert_same(explained(twin, COMPACT, "lrp-epsilon"), plain_answer("lrp-epsilon"), "lrp-epsilon")


class Remembers(nn.Module):
    """Keeps its maps, as people do who look at them later."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.conv, self.linear = nn.Conv2d(2, 3, 3), nn.Linear(48, 2)
        self.maps = None

    def forward(self, x):
        self.maps = F.relu(self.conv(x))
        return self.linear(self.maps.flatten(1))


@pytest.mark.parametrize("method", ["gradient", "lrp-epsilon", "fem", "cam"])
def test_what_a_module_remembers_of_a_pass_is_a_tensor_with_numbers(method):
    module = Remembers().double().eval()
    x = torch.as_tensor(pictures(everything()))
    if method == "cam":
        with pytest.raises(mx.UnsupportedOp, match="cam needs"):
            pytorch.explain(module, x, method)
    else:
        pytorch.explain(module, x, method)
    assert module.maps is None or type(module.maps) is torch.Tensor
