"""The same comparison with PyTorch's side on a GPU."""

import numpy as np
import pytest
import torch

from minixai import pytorch
from minixai.conformance.making.networks import random_network
from minixai.crosscheck import TOLERANCE, crosscheck
from minixai.zoo import digits
from tests.pytorch.material import METHODS, Written, drawn, everything, first, pictures, spelled

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="cuda: no NVIDIA GPU is present"),
]


@pytest.fixture(autouse=True)
def exact_products():
    """float32 means float32 (no TF32), and the same sums every time."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark
    matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = False, False, True, False
    yield
    matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = before


def checked(network, module, x, dtype):
    report = crosscheck(network.astype(dtype), module.to("cuda"), x.astype(dtype), METHODS)
    assert report.passed, [c for c in report.comparisons if not c.passed] or report.forward
    assert all(c.device.startswith("cuda") and c.dtype == dtype for c in report.comparisons)
    assert all(c.shared <= max(TOLERANCE[dtype], c.tolerance) for c in report.comparisons)
    return report


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_digits(dtype):
    network = digits.load().astype(dtype)
    assert len(checked(network, network.to_torch(), digits.samples().x[:4], dtype).comparisons) >= 15


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(2000, 2020))
def test_random_networks(seed, dtype):
    network = random_network(seed, "normal", size=5, blocks=4, classes=3).astype(dtype)
    module = Written(network, drawn(np.random.default_rng(seed)))
    checked(network, module, pictures(network, 2, seed), dtype)


@pytest.mark.parametrize("method", METHODS)
def test_spellings_agree(method):
    network = everything(1)
    x = torch.as_tensor(pictures(network)).cuda()
    answers = []
    in_place = {"ReLU": "one nn.ReLU(inplace=True)", "Add": "a += b", "Conv2d": "F.conv2d", "Identity": "x.clone()"}
    for choose in (first, spelled(**in_place)):
        try:
            answers.append(pytorch.explain(Written(network, choose).cuda(), x, method, **METHODS[method]).relevance)
        except ValueError as error:
            answers.append(str(error))
    if isinstance(answers[0], str):
        assert answers[0] == answers[1]
    else:
        assert (answers[0] - answers[1]).abs().max() <= 1e-12 * answers[0].abs().max()
        assert answers[0].is_cuda


def test_a_picture_on_the_other_device_is_refused():
    network = everything(1)
    with pytest.raises(ValueError, match="on cpu, the module torch.float64 on cuda"):
        pytorch.explain(Written(network, first).cuda(), torch.as_tensor(pictures(network)), "gradient")
