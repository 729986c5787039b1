"""The slopes of a training from PyTorch: for networks whose batch norms must see a whole mini-batch to learn.

Only the slopes: the network is this package's (``to_torch`` makes the module anew for every step, which takes a small
part of it), and so are the steps of Adam, the log and the checkpoints (:mod:`minixai.zoo.train`).
"""

from importlib.util import find_spec

import numpy as np

from minixai.network import Network
from minixai.ops import Array
from minixai.zoo.recipes import Slopes
from minixai.zoo.weights import parameters

STATISTICS = ("running_mean", "running_var")


def need_torch() -> None:
    """ImportError with the pip line where PyTorch is missing."""
    if find_spec("torch") is None:
        raise ImportError("this needs PyTorch: pip install 'minixai[torch]'")


def slopes(network: Network, x: Array, labels: Array) -> Slopes:
    """What a mini-batch says in training mode: batch norms use the batch, and move their statistics by 1/10."""
    need_torch()
    import torch

    layout = torch.channels_last if x.ndim == 4 else torch.contiguous_format  # the first is a matter of pictures only
    module = network.to_torch().train().to(memory_format=layout)
    scores = module(torch.from_numpy(np.ascontiguousarray(x)))
    loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels))
    loss.backward()
    held = dict(module.named_buffers())
    seen = {name: held[name].numpy() for name in parameters(network) if name.endswith(STATISTICS)}
    learnt = {n: p.grad.contiguous().numpy() for n, p in module.named_parameters() if n in parameters(network)}
    still = {name: np.zeros_like(values) for name, values in seen.items()}  # no slope moves them
    return Slopes(loss.item(), scores.detach().numpy(), learnt | still, seen)
