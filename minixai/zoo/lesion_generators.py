"""The generators of `lesion` (Section 6): two networks that paint a picture anew, one keeps its class, one changes it.

The survey asks that g_s and g_a "sample from the same adversarial space" and have "minimal differences in their learnt
parameters". Read here as: they are one network but for its last layer. The body, which looks at the picture and
decides what to paint, is shared; two output convolutions of the same kind turn its maps into the two pictures. So the
difference can be counted (13 numbers out of 31,165 of each), both see the same space of pictures, and a detail that the
body loses is lost from both and cancels in Eq. (27). Charachon et al. (2020) divide their U-Net in the same way.

Losses, for a picture x of class c (what the classifier f says, not the truth), summed over the two:
    cross-entropy of f(g_s(x)) with c  +  CLOSE * mean |x - g_s(x)|
    cross-entropy of f(g_a(x)) with the other class  +  CLOSE * mean |x - g_a(x)|
    ALIKE * max(0, 2 p - 1) * mean |g_s(x) - g_a(x)|, p the smaller probability, by f, of what is wanted of the two
f stays as it is. The last line is the minimal difference once more, in what is painted: without it g_a also smoothes
the tissue everywhere, which helps it a little. It holds the two together once both are what they should be; before, it
would make them one picture for good. There is no discriminator: the survey introduces GANs, but gives none to this
method, in which the classifier judges what is painted.

A third generator is trained alone, by the second line only, as the baseline that the two are compared with.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minixai.network import INPUT, Network, Node
from minixai.ops import Array, Concat, Conv2d, MaxPool2d, ReLU, Resize
from minixai.zoo.lesions import lesion_pictures
from minixai.zoo.recipes import Examples, Labelled, Recipe, Slopes
from minixai.zoo.torch_slopes import need_torch
from minixai.zoo.weights import Draw, blank, parameters, trained

PAIR, ALONE = "lesion-generators", "lesion-generator-alone"
BOTH = (PAIR, ALONE)
CLOSE, ALIKE = 5.0, 40.0  # what a mean distance of 1, from black to white, costs: from x, and of the two
SEED = 2020
TRAINING, HELD_OUT = (1, 4_000), (2, 1_000)  # seeds and numbers of pictures: as the classifier's, or half of it
OUTPUTS, LAST = ("similar", "adversarial"), "{}_picture"


class Generators(NamedTuple):
    """g_s and g_a: pictures x (N, 1, 64, 64) -> pictures of the same shape."""

    similar: Network
    adversarial: Network


def generators(classifier: Network) -> Generators:
    """The two trained generators, in float32. ``classifier``: the network that they were trained against."""
    both = trained(pair(blank, classifier))
    return Generators(*(painter(both, output) for output in OUTPUTS))


def alone(classifier: Network) -> Network:
    """g_a as it becomes when it is trained without g_s."""
    return painter(trained(single(blank, classifier)), "adversarial")


def painter(both: Network, output: str) -> Network:
    """One of the generators by itself: the shared body and its own last layer."""
    others = ("both", *(o for o in OUTPUTS if o != output))
    nodes = tuple(node for node in both.nodes if not node.name.startswith(others))
    return replace(both, nodes=nodes, name=f"{both.name}: {output}")


def recipe(classifier: Network, name: str = PAIR) -> Recipe:
    """How the pair, or the generator ALONE, is trained against a classifier. Needs PyTorch."""
    network, alike = {PAIR: (pair, ALIKE), ALONE: (single, 0.0)}[name]
    return Recipe(
        name, partial(network, classifier=classifier), partial(examples, classifier), seed=SEED, epochs=10, batch=16,
        rate=0.003, packages=("torch",), slopes=Judged(classifier, alike), scores=partial(success, classifier),
        said={"encoder": "begins as the classifier's", "close": CLOSE, "alike": alike},
    )  # fmt: skip


def pair(draw: Draw, classifier: Network) -> Network:
    """Both generators as one network: x (1, 64, 64) -> (2, 64, 64), g_s(x) and g_a(x)."""
    heads = [node for name in OUTPUTS for node in head(draw, name)]
    return _network(PAIR, [*body(draw, classifier), *heads, Node("both", Concat(), tuple(map(LAST.format, OUTPUTS)))])


def single(draw: Draw, classifier: Network) -> Network:
    """The generator alone: x (1, 64, 64) -> (2, 64, 64), x itself in the place of g_s(x), and g_a(x)."""
    nodes = [*body(draw, classifier), *head(draw, "adversarial")]
    return _network(ALONE, [*nodes, Node("both", Concat(), (INPUT, LAST.format("adversarial")))])


def body(draw: Draw, classifier: Network) -> list[Node]:
    """The classifier's convolutions, and a decoder back to 64x64 that reads two of their maps again on its way.

    What the classifier decides by, the maximum of each of its last maps, is known everywhere. The finest map, of 64x64,
    is not handed across: what is painted must come through the coarser ones.
    """
    last = [node.name for node in classifier.nodes].index("relu4")
    return [
        *classifier.nodes[: last + 1],
        Node("up16", Resize((16, 16)), ("relu4",)),
        Node("seen", MaxPool2d(8), ("relu4",)),
        Node("everywhere", Resize((16, 16)), ("seen",)),
        Node("join16", Concat(), ("up16", "relu3", "everywhere")),
        Node("conv5", Conv2d(draw(24, 72, 3, 3), blank(24), padding=1), ("join16",)),
        Node("relu5", ReLU(), ("conv5",)),
        Node("up32", Resize((32, 32)), ("relu5",)),
        Node("join32", Concat(), ("up32", "relu2")),
        Node("conv6", Conv2d(draw(12, 40, 3, 3), blank(12), padding=1), ("join32",)),
        Node("relu6", ReLU(), ("conv6",)),
        Node("up64", Resize((64, 64)), ("relu6",)),
        Node("conv7", Conv2d(draw(12, 12, 3, 3), blank(12), padding=1), ("up64",)),
        Node("relu7", ReLU(), ("conv7",)),
    ]


def head(draw: Draw, name: str) -> list[Node]:
    """The last layer of a generator, 13 numbers, and what keeps its picture between black, 0, and white, 1.

    clip(t) = 1 - relu(1 - relu(t)): two convolutions by -1 that nothing trains.
    """
    turned, one = np.full((1, 1, 1, 1), -1.0), np.ones(1)
    return [
        Node(name, Conv2d(0.5 * draw(1, 12, 1, 1), 0.3 * one), ("relu7",)),
        Node(f"{name}_black", ReLU(), (name,)),
        Node(f"{name}_turned", Conv2d(turned, one), (f"{name}_black",)),
        Node(f"{name}_white", ReLU(), (f"{name}_turned",)),
        Node(LAST.format(name), Conv2d(turned, one), (f"{name}_white",)),
    ]


@dataclass(frozen=True, eq=False)
class Judged:
    """The slopes of the loss, by PyTorch: the classifier judges both pictures, and is itself left as it is."""

    classifier: Network
    alike: float = ALIKE  # 0 where there is no g_s to be like

    def __call__(self, network: Network, x: Array, labels: Array) -> Slopes:
        need_torch()
        import torch

        values = {name: torch.tensor(a, requires_grad=True) for name, a in parameters(network).items()}
        pictures = torch.from_numpy(np.ascontiguousarray(x)).contiguous(memory_format=torch.channels_last)
        loss, scores = self.loss(values, pictures, torch.from_numpy(labels))
        loss.backward()
        slopes = {name: value.grad for name, value in values.items()}
        still = {name: np.zeros_like(values) for name, values in parameters(network).items()}  # of what clips
        gradients = still | {name: slope.contiguous().numpy() for name, slope in slopes.items() if slope is not None}
        says_s, says_a = (s.detach().numpy() for s in scores)
        return Slopes(loss.item(), both_ways(says_s, says_a, labels), gradients)

    def loss(self, values: Any, x: Any, c: Any) -> tuple[Any, tuple[Any, Any]]:
        """The loss of a mini-batch, and what the classifier says of its g_s(x) and g_a(x): tensors."""
        import torch
        from torch.nn.functional import cross_entropy

        judge = self.classifier.to_torch().requires_grad_(False).to(memory_format=torch.channels_last)
        x_s, x_a = unclipped(values, x)  # a pixel that is clipped would have no slope, and stay so
        says_s, says_a = judge(x_s.clamp(0, 1)), judge(x_a.clamp(0, 1))
        kept = cross_entropy(says_s, c, reduction="none")
        changed = cross_entropy(says_a, 1 - c, reduction="none")
        far, apart = (_mean(abs(a - b)) for a, b in ((torch.cat([x_s, x_a], 1), x), (x_s, x_a)))
        done = (2 * torch.exp(-torch.maximum(kept, changed)) - 1).clamp(min=0).detach()
        return (kept + changed + 2 * CLOSE * far + self.alike * done * apart).mean(), (says_s, says_a)


def in_torch(values: Any, x: Any) -> tuple[Any, Any]:
    """g_s(x) and g_a(x) by PyTorch's own calls, from parameters as tensors; without a g_s, x itself for it."""
    x_s, x_a = unclipped(values, x)
    return x_s.clamp(0, 1), x_a.clamp(0, 1)


def unclipped(values: Any, x: Any) -> tuple[Any, Any]:
    """The two before they are kept between black and white."""
    import torch
    from torch.nn import functional as F

    def conv(name: str, maps: Any) -> Any:
        weight = values[f"{name}.weight"]
        return F.conv2d(maps, weight, values[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def up(maps: Any) -> Any:
        return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)

    fine = F.relu(conv("conv1", x))
    middle = F.relu(conv("conv2", F.max_pool2d(fine, 2)))
    coarse = F.relu(conv("conv3", F.max_pool2d(middle, 2)))
    maps = F.relu(conv("conv4", F.max_pool2d(coarse, 2)))
    seen = F.max_pool2d(maps, 8).expand(-1, -1, *coarse.shape[2:])
    maps = F.relu(conv("conv5", torch.cat([up(maps), coarse, seen], 1)))
    maps = F.relu(conv("conv6", torch.cat([up(maps), middle], 1)))
    maps = F.relu(conv("conv7", up(maps)))
    return conv("similar", maps) if "similar.weight" in values else x, conv("adversarial", maps)


def _mean(maps: Any) -> Any:
    """Of each picture, (N,)."""
    return maps.mean(dim=(1, 2, 3))


def both_ways(says_s: Array, says_a: Array, c: Array) -> Array:
    """Scores (N, 2) that are higher at class c just where g_s keeps c and g_a changes it: by how much, at least."""
    rows = np.arange(len(c))
    kept, changed = (says[rows, d] - says[rows, 1 - d] for says, d in ((says_s, c), (says_a, 1 - c)))
    scores = np.zeros_like(says_s)
    scores[rows, c] = np.minimum(kept, changed)
    return scores


def success(classifier: Network, network: Network, x: Array) -> Array:
    """:func:`both_ways`, of pictures (N, 1, 64, 64), by this engine."""
    pictures = network(x)
    says_s, says_a = (classifier(pictures[:, i : i + 1]) for i in (0, 1))
    return both_ways(says_s, says_a, classifier(x).argmax(axis=1))


def examples(classifier: Network) -> Examples:
    """Pictures to learn from and others, held out; the label is what the classifier says of each, right or not."""
    need_torch()
    return Examples(*(_decided(classifier, *some) for some in (TRAINING, HELD_OUT)))


def _decided(classifier: Network, seed: int, n: int) -> Labelled:
    x = np.stack([classifier.preprocess(picture) for picture in lesion_pictures(seed, n).pictures])
    return Labelled(x, np.concatenate([classifier(x[i : i + 256]).argmax(axis=1) for i in range(0, len(x), 256)]))


def _network(name: str, nodes: list[Node]) -> Network:
    return Network(tuple(nodes), name=name, input_shape=(1, 64, 64))
