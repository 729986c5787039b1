"""How long the kernels take, with pytest-benchmark: ``make benchmarks``.

Nothing is asserted about times. The other tests run each of these once, without a clock, so that they do not rot.
"""

import numpy as np
import pytest

import minixai as mx
from minixai import zoo
from minixai.zoo.noise import texture

RNG = np.random.default_rng(0)


def numbers(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def conv(outputs, inputs, taps, **how):
    return mx.Conv2d(numbers(outputs, inputs, taps, taps), numbers(outputs), **how)


LAYERS = {  # the kinds of layers of VGG16 and ResNet34, each with what it reads
    "first": (conv(64, 3, 3, padding=1), numbers(1, 3, 112, 112)),
    "wide": (conv(64, 64, 3, padding=1), numbers(1, 64, 112, 112)),
    "deep": (conv(512, 512, 3, padding=1), numbers(1, 512, 14, 14)),
    "strided": (conv(64, 3, 7, stride=2, padding=3), numbers(1, 3, 224, 224)),
    "1x1": (conv(128, 64, 1, stride=2), numbers(1, 64, 56, 56)),
    "relu": (mx.ReLU(), numbers(1, 64, 112, 112)),
    "max-pool": (mx.MaxPool2d(2), numbers(1, 64, 112, 112)),
    "overlapping": (mx.MaxPool2d(3, 2, padding=1), numbers(1, 64, 112, 112)),
    "linear": (mx.Linear(numbers(1000, 4096), numbers(1000)), numbers(1, 4096)),
}
SIGNALS = (1, 3)  # alone, and three that ride together


@pytest.mark.parametrize("name", LAYERS)
def test_forwards(name, benchmark):
    op, x = LAYERS[name]

    def run():
        choice = op.choose(x)
        return op.forward(x) if choice is None else op.forward(x, choice)

    assert len(benchmark(run)) == 1


@pytest.mark.parametrize("signals", SIGNALS)
@pytest.mark.parametrize("name", LAYERS)
def test_backwards(name, signals, benchmark):
    op, x = LAYERS[name]
    choice = op.choose(x)
    operands = (x,) if choice is None else (x, choice)
    R = numbers(signals, *op.forward(*operands).shape)
    assert benchmark(op.adjoint, R, *operands).shape == (signals, *x.shape)


@pytest.mark.parametrize("method", ["gradient", "lrp-epsilon", "lrp-gamma", "deeplift-rescale"])
def test_a_method(method, benchmark, each_engine):
    network = zoo.random("shapes")
    x = texture(network, 4).astype(np.float32)
    assert len(benchmark(mx.explain, network, x, method, target=0)) == 4


def test_every_method_at_once(benchmark, each_engine):
    network = zoo.random("shapes")
    x = texture(network, 1).astype(np.float32)
    asked = {m.name: {"n": 4} if "n" in m.params else {} for m in mx.methods("white-box") if m.name not in MISFITS}
    assert benchmark(mx.explain_all, network, x, asked, signals=False).keys() == asked.keys()


MISFITS = ("cam", "deep-taylor")  # they ask for another head, and for a score above 0
