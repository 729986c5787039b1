"""300 random modules, in random spellings: the mirror says what the engine says, or names what it cannot explain."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import minixai as mx
from minixai import pytorch
from minixai.conformance.making.networks import random_network
from minixai.crosscheck import crosscheck
from tests.pytorch.material import METHODS, Written, drawn, pictures

MODULES = 300
EVERY_METHOD = 30  # modules that see all methods; the others see two each
TOLERANCE = 1e-9
MAY_NOT_FIT = {"cam", "lrp-composite", "deep-taylor", "deeplift-revealcancel", "grad-cam", "guided-grad-cam", "fem"}
AUTOGRAD = ("gradient", "integrated-gradients", "smoothgrad")  # need no rule of ours

# What no method knows, as people write it; each keeps the shape of what it reads.
FOREIGN = {
    "sigmoid": lambda x: torch.sigmoid(x),
    "gelu": lambda x: F.gelu(x),
    "mul": lambda x: x * 0.5,
    "div": lambda x: x / 3,
    "transpose": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "chunk": lambda x: torch.cat(x.chunk(2, dim=-1), dim=-1),
    "__getitem__": lambda x: x[:, ::1],
    "gt": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "tanh": lambda x: x.tanh(),
    "add": lambda x: x + 1.0,
    "neg": lambda x: -x,
    "pow": lambda x: x**2,
    "pad": lambda x: F.pad(x, (1, 1, 1, 1))[:, :, 1:-1, 1:-1],
    "interpolate": lambda x: F.interpolate(x, size=x.shape[2:], mode="nearest"),
    "relu6": lambda x: F.relu6(x),
    "matmul": lambda x: x @ torch.eye(x.shape[-1], dtype=x.dtype),
    "stack": lambda x: torch.stack([x, x]).sum(0),
    "maximum": lambda x: torch.maximum(x, x),
    "__setitem__": lambda x: _blank_channel(x),
    "mul_": lambda x: x.clone().mul_(2),
}


def _blank_channel(x):
    y = x.clone()
    y[:, :1] = 0
    return y


class Interrupted(nn.Module):
    """A module with something foreign in front of it."""

    def __init__(self, written, foreign):
        super().__init__()
        self.body, self.foreign = written, foreign
        self.eval()

    def forward(self, x):
        return self.body(FOREIGN[self.foreign](x))


def made(seed):
    """(the network, the module, what is foreign in it), all from the seed; one module in thirteen has something."""
    rng = np.random.default_rng((seed, 9))
    network = random_network(seed, "normal", size=4, blocks=int(rng.integers(2, 5)), classes=3)
    foreign = list(FOREIGN)[seed // 13 % len(FOREIGN)] if seed % 13 == 5 else None
    if rng.integers(4) == 0 and not foreign:
        last = mx.Node("softmax1", mx.Softmax(), network.nodes[-1].name)
        network = mx.Network([*network.nodes, last], name=network.name, input_shape=network.input_shape)
    module = Written(network, drawn(rng), frugal=bool(rng.integers(2)))
    return network, module if foreign is None else Interrupted(module, foreign), foreign


def wanted(seed):
    if seed < EVERY_METHOD:
        return METHODS
    some = np.random.default_rng((seed, 3)).choice(list(METHODS), size=2, replace=False)
    return {str(name): METHODS[name] for name in some}


def test_nine_modules_in_ten_hold_nothing_foreign():
    foreign = [f for _, _, f in map(made, range(MODULES)) if f]
    assert 0.05 * MODULES <= len(foreign) <= 0.1 * MODULES
    assert set(foreign) == set(FOREIGN)


@pytest.mark.parametrize("seed", range(MODULES))
def test_explained_alike_or_refused_by_name(seed):
    network, module, foreign = made(seed)
    x = pictures(network, 2, seed, blank=foreign is None)  # at exactly 0, autograd's gate depends on the spelling
    if foreign:
        return assert_refused_by_name(module, torch.as_tensor(x), foreign, wanted(seed))
    report = crosscheck(network, module, x, wanted(seed))
    assert set(report.refused) <= MAY_NOT_FIT, report.refused
    assert report.forward[1] <= 1e-12, report.forward
    for found in report.comparisons:
        assert found.shared <= TOLERANCE, found
        assert found.passed, found


def assert_refused_by_name(module, x, foreign, methods):
    for method, params in methods.items():
        if method in AUTOGRAD:
            leaf = x.clone().requires_grad_()
            module(leaf)[:, 1].sum().backward()
            found = pytorch.explain(module, x, "gradient", target=1).relevance
            assert torch.equal(found, leaf.grad)
            continue
        with pytest.raises(mx.UnsupportedOp) as refused:
            pytorch.explain(module, x, method, **params)
        said = str(refused.value)
        assert foreign.rstrip("_") in said, said
        assert "test_fuzz.py:" in said, said
