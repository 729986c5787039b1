"""PyTorch's slopes: the engine's own where there is no batch norm, those of finite differences where there is one."""

from dataclasses import replace

import numpy as np
import pytest

from minixai.network import INPUT, Network, forward
from minixai.ops import BatchNorm2d
from minixai.zoo import digits, shapes_resnet, torch_slopes, train
from minixai.zoo.recipes import Examples, Labelled
from minixai.zoo.train import cross_entropy
from minixai.zoo.weights import parameters, untrained, with_parameters

torch = pytest.importorskip("torch")


@pytest.fixture
def residual():
    """A residual network with random numbers for all its parameters, eight pictures, and their labels."""
    rng = np.random.default_rng(1)
    net = replace(untrained(shapes_resnet.network, 2, "float64"), input_shape=None)
    return net, rng.standard_normal((8, 3, 16, 16)), rng.integers(0, 10, 8)


def in_training(network, x):
    """The network with the statistics of this very batch in every batch norm, layer by layer, and these statistics."""
    seen = {}
    for node in network.nodes:
        if isinstance(node.op, BatchNorm2d):
            (above,) = node.inputs
            y = forward(Network(upto(network, above)), x).output.y
            seen[node.name] = (y.mean(axis=(0, 2, 3)), y.var(axis=(0, 2, 3)), y[:, 0].size)
            mean, var, _ = seen[node.name]
            names = {f"{node.name}.running_mean": mean, f"{node.name}.running_var": var}
            network = with_parameters(network, parameters(network) | names)
    return network, seen


def upto(network, name):
    """The nodes that ``name`` is computed from, and itself."""
    needed = {name}
    for node in reversed(network.nodes):
        if node.name in needed:
            needed |= set(node.inputs) - {INPUT}
    return tuple(node for node in network.nodes if node.name in needed)


def test_without_batch_norms_they_are_the_engines():
    net = untrained(digits.network, 3, "float64")
    x, labels = digits.samples()
    ours, theirs = train.slopes(net, x.astype(np.float64), labels), torch_slopes.slopes(net, x.astype(float), labels)
    assert theirs.loss == pytest.approx(ours.loss, rel=1e-13)
    np.testing.assert_allclose(theirs.scores, ours.scores, rtol=1e-11, atol=1e-12)
    assert theirs.gradients.keys() == ours.gradients.keys() == parameters(net).keys()
    for name, gradient in ours.gradients.items():
        assert np.abs(theirs.gradients[name] - gradient).max() <= 1e-12 * np.abs(gradient).max(), name
    assert ours.seen == theirs.seen == {}


def test_the_loss_is_that_of_the_batchs_own_statistics(residual):
    net, x, labels = residual
    said = torch_slopes.slopes(net, x, labels)
    scores = in_training(net, x)[0](x)
    np.testing.assert_allclose(said.scores, scores, rtol=1e-9, atol=1e-10)
    assert said.loss == pytest.approx(cross_entropy(scores, labels)[0], rel=1e-11)


def test_the_slopes_are_those_of_finite_differences_through_the_statistics(residual):
    net, x, labels = residual
    gradients, values = torch_slopes.slopes(net, x, labels).gradients, parameters(net)
    assert gradients.keys() == values.keys()
    h, rng = 1e-6, np.random.default_rng(4)

    def loss(name, way):
        moved = with_parameters(net, values | {name: values[name] + way})
        return cross_entropy(in_training(moved, x)[0](x), labels)[0]

    for name in (
        "conv1.weight",
        "bn1.bias",
        "layer2.0.downsample.0.weight",
        "layer3.0.bn2.weight",
        "fc.weight",
        "fc.bias",
    ):
        way = rng.choice([-1.0, 1.0], values[name].shape)
        difference = (loss(name, h * way) - loss(name, -h * way)) / (2 * h)
        assert difference == pytest.approx((gradients[name] * way).sum(), rel=1e-5, abs=1e-7), name


def test_the_statistics_move_by_a_tenth_and_no_slope_moves_them(residual):
    net, x, labels = residual
    said, values = torch_slopes.slopes(net, x, labels), parameters(net)
    batch = in_training(net, x)[1]
    assert said.seen.keys() == {f"{at}.{part}" for at in batch for part in ("running_mean", "running_var")}
    for at, (mean, var, n) in batch.items():
        for part, now in (("running_mean", mean), ("running_var", var * n / (n - 1))):
            name = f"{at}.{part}"
            np.testing.assert_allclose(said.seen[name], 0.9 * values[name] + 0.1 * now, rtol=1e-9, atol=1e-11)
            assert not said.gradients[name].any()


def test_a_step_learns_the_weights_and_keeps_the_statistics(residual):
    net, x, labels = residual
    recipe = replace(shapes_resnet.recipe(), dtype="float64")
    state = replace(train.start(recipe), network=net)
    moved = train.learn(recipe, state, Labelled(x, labels), last_step=10).state
    said, before, after = torch_slopes.slopes(net, x, labels), parameters(net), parameters(moved.network)
    for name, values in said.seen.items():
        np.testing.assert_array_equal(after[name], values)
    for name in before.keys() - said.seen.keys():
        step = np.where(said.gradients[name] == 0, 0, -recipe.rate * np.sign(said.gradients[name]))
        clear = np.abs(said.gradients[name]) > 1e-4  # where Adam's first step is its rate, but for its eps
        np.testing.assert_allclose((after[name] - before[name])[clear], step[clear], rtol=1e-3)


def test_the_network_and_the_batch_are_left_as_they_were(residual):
    net, x, labels = residual
    before = {name: a.copy() for name, a in parameters(net).items()}
    copy = x.copy()
    torch_slopes.slopes(net, x, labels)
    np.testing.assert_array_equal(x, copy)
    for name, values in parameters(net).items():
        np.testing.assert_array_equal(values, before[name])


def test_an_interrupted_training_goes_on_to_the_same_end(tmp_path, monkeypatch):
    rng = np.random.default_rng(5)
    pictures = Labelled(rng.standard_normal((12, 3, 64, 64)).astype(np.float32), rng.integers(0, 10, 12))
    recipe, examples = replace(shapes_resnet.recipe(), epochs=2, batch=6), Examples(pictures, pictures)
    whole = train.train(recipe, examples, progress=False)
    path, real = tmp_path / "checkpoint", train.write

    def interrupted(*args):
        real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train.train(recipe, examples, path, progress=False)
    assert train.read_checkpoint(recipe, path).steps == 2
    resumed = train.train(recipe, examples, path, progress=False)
    assert (resumed.steps, resumed.first_losses, resumed.epochs) == (4, whole.first_losses, whole.epochs)
    for name, values in parameters(whole.network).items():
        np.testing.assert_array_equal(parameters(resumed.network)[name], values)


def test_without_pytorch_the_pip_line(monkeypatch):
    monkeypatch.setattr(torch_slopes, "find_spec", lambda name: None)
    for ask in (torch_slopes.need_torch, shapes_resnet.examples, lambda: torch_slopes.slopes(None, None, None)):
        with pytest.raises(ImportError, match=r"pip install 'minixai\[torch\]'"):
            ask()


def test_a_recipe_says_where_its_slopes_come_from():
    assert shapes_resnet.recipe().facts()["slopes"] == "minixai.zoo.torch_slopes"
    assert "slopes" not in digits.recipe().facts()
