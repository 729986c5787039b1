"""A real network, VGG16, with five methods (``make crosscheck`` does them all); and no copy of anybody's weights."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode

from minixai import crosscheck, pytorch, zoo

FIVE = ("gradient", "guided-backprop", "grad-cam", "lrp-epsilon", "deep-taylor")
FRUGAL = (
    "gradient", "deconvnet", "guided-backprop", "integrated-gradients", "smoothgrad", "cam", "grad-cam",
    "guided-grad-cam", "fem", "lrp-0", "lrp-epsilon", "deeplift-rescale",
)  # fmt: skip


@pytest.mark.slow
def test_the_engines_agree_on_vgg16():
    network = zoo.random("vgg16", 1, "float64")
    report = crosscheck.crosscheck(
        network, network.to_torch(), crosscheck.texture(network, 1), crosscheck.defaults(FIVE)
    )
    assert report.passed, report.as_text()
    assert [c.method for c in report.comparisons] == list(FIVE)
    assert max(c.shared for c in report.comparisons) < 1e-9


def is_real(tensor) -> bool:
    """Whether it takes up memory: the structure is found with fake tensors, which do not."""
    return isinstance(tensor, torch.Tensor) and not isinstance(tensor, FakeTensor) and not tensor.is_meta


class Sizes(TorchDispatchMode):
    """The numbers in the largest tensor that any operation has made anew."""

    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        memory = {t.untyped_storage().data_ptr() for t in args if is_real(t)}
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if is_real(tensor) and tensor.untyped_storage().data_ptr() not in memory:
                self.largest = max(self.largest, tensor.numel())
        return out


def wide() -> nn.Module:
    """Its weights are larger than anything that flows through it: 300 x 192 against 3 x 64 numbers."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 300), nn.ReLU(), nn.Linear(300, 2)]
    return nn.Sequential(*layers).double().eval()


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("method", FRUGAL)
def test_no_copy_of_the_weights(method, frozen):
    module, x = wide().requires_grad_(not frozen), torch.rand(1, 8, 8, dtype=torch.float64)
    few = {"n": 2} if method in ("integrated-gradients", "smoothgrad") else {}
    with Sizes() as sizes:
        try:
            pytorch.explain(module, x, method, 0, **few)
        except ValueError as error:
            assert method == "cam" and "cam needs" in str(error)
    assert 0 < sizes.largest < 192 * 300


def test_the_measure_sees_a_copy():
    module = wide()
    with Sizes() as sizes:
        module[3].weight.clone()
    assert sizes.largest == 192 * 300
