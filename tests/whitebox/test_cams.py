"""CAM, Grad-CAM, guided Grad-CAM and FEM: what they compute, which layer they look at, space and time."""

from functools import cache
from math import prod

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making.networks import draw_numbers, random_case
from minixai.whitebox.features import feature_layer
from tests.whitebox.examples import POCKET_PICTURE, F, neuron, pocket, row, two_pixels


@cache
def gap_case(seed):
    return random_case(seed, "eighths", gap=True)


@cache
def clip():
    """A network on clips (1, 3, 4, 4) that ends in global average pooling and one linear layer."""
    rng = np.random.default_rng(8)
    layers = [
        mx.Conv3d(draw_numbers(rng, (3, 1, 2, 2, 2), "eighths"), draw_numbers(rng, (3,), "eighths")),
        mx.ReLU(),
        mx.GlobalAvgPool(),
        mx.Flatten(),
        mx.Linear(draw_numbers(rng, (2, 3), "eighths"), draw_numbers(rng, (2,), "eighths")),
    ]
    network = mx.Network.sequential(layers, input_shape=(1, 3, 4, 4)).astype("exact")
    return network, mx.exact(draw_numbers(rng, (1, 1, 3, 4, 4), "eighths"))


# -- CAM ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network, x", [gap_case(seed) for seed in range(12)] + [clip()])
@pytest.mark.parametrize("target", [0, 1])
def test_cam_is_the_head_painted_over_its_maps(network, x, target):
    e = mx.explain(network, x[0], "cam", target=target)
    head, layer = network.nodes[-1].op, feature_layer(network)
    A = mx.forward(network, x)[layer].y[0]
    assert (e.relevance == sum(w * maps for w, maps in zip(head.weight[target], A, strict=True))).all()
    Z, b = prod(A.shape[1:]), 0 if head.bias is None else head.bias[target]
    assert e.total == e.expected == Z * (e.score - b)
    unrectified = mx.explain(network, x[0], "grad-cam", target=target, relu=False)
    assert (e.relevance == Z * unrectified.relevance).all()


def test_the_heads_have_biases():
    assert any(gap_case(seed)[0].nodes[-1].op.bias.any() for seed in range(12))


@pytest.mark.parametrize("pool", [mx.GlobalAvgPool(), mx.AdaptiveAvgPool2d(1), mx.AdaptiveAvgPool2d((1, 1))])
def test_every_global_average_will_do(pool):
    layers = [mx.Conv2d(row(2).reshape(1, 1, 1, 1)), pool, mx.Identity(), mx.Flatten(), mx.Linear(row((3,)), row(1))]
    e = mx.explain(mx.Network.sequential(layers), POCKET_PICTURE, "cam", target=0)
    assert (e.relevance == 6 * POCKET_PICTURE[0]).all()
    assert e.expected == 9 * (e.score - 1)


def headless():
    conv = mx.Conv2d(row(2).reshape(1, 1, 1, 1))
    one = mx.Linear(row((3,)))
    return {
        "no average": [conv, mx.Flatten(), mx.Linear(row((1,) * 9))],
        "two linear layers": [conv, mx.GlobalAvgPool(), mx.Flatten(), one, one],
        "a ReLU between": [conv, mx.GlobalAvgPool(), mx.Flatten(), mx.ReLU(), one],
        "no linear layer": [conv, mx.GlobalAvgPool(), mx.Flatten()],
        "an average of four": [conv, mx.AdaptiveAvgPool2d((1, 2)), mx.Flatten(), mx.Linear(row((1, 1)))],
        "maxima": [conv, mx.MaxPool2d(3), mx.Flatten(), one],
    }


@pytest.mark.parametrize("name", headless())
def test_cam_is_refused_without_its_structure(name):
    network = mx.Network.sequential(headless()[name])
    with pytest.raises(mx.UnsupportedOp, match="global average pooling and one linear layer; use grad-cam"):
        mx.explain(network, POCKET_PICTURE, "cam", target=0)


def test_cam_does_not_average_the_picture_itself():
    network = mx.Network.sequential([mx.GlobalAvgPool(), mx.Flatten(), mx.Linear(row((1,)))])
    with pytest.raises(mx.UnsupportedOp, match="cam needs a network"):
        mx.explain(network, POCKET_PICTURE, "cam", target=0)


# -- Grad-CAM ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_grad_cam_weighs_maps_by_their_mean_slope(seed):
    network, x = random_case(seed, "eighths")
    layer = feature_layer(network)
    A = mx.forward(network, x)[layer].y[0]
    slopes = mx.explain(network, x[0], "gradient", target=1).signals[layer]
    Z = prod(A.shape[1:])
    mixed = sum(slope.sum() / Z * maps for slope, maps in zip(slopes, A, strict=True))
    for relu, expected in ((False, mixed), (True, np.where(mixed > 0, mixed, F(0)))):
        e = mx.explain(network, x[0], "grad-cam", target=1, relu=relu)
        assert (e.relevance == expected).all()
        assert (e.signals[layer] == slopes).all()
    assert e.expected is None
    assert f"layer: {layer}" in repr(e)


@pytest.mark.parametrize("seed", range(6))
def test_grad_cam_at_every_layer_with_maps(seed):
    network, x = random_case(seed, "eighths")
    slopes = mx.explain(network, x[0], "gradient", target=0).signals
    for step in mx.forward(network, x).steps[1:]:
        if step.y.ndim == 4:
            e = mx.explain(network, x[0], "grad-cam", target=0, layer=step.name, relu=False)
            alpha = slopes[step.name].mean(axis=(1, 2), keepdims=True)
            assert (e.relevance == (alpha * step.y[0]).sum(axis=0)).all()


def test_a_layer_that_the_score_does_not_see_is_blank():
    conv = mx.Conv2d(row(2).reshape(1, 1, 1, 1))
    head = [mx.Node("flat", mx.Flatten(), "seen"), mx.Node("linear", mx.Linear(row((1,) * 9)), "flat")]
    network = mx.Network([mx.Node("seen", conv, "input"), mx.Node("aside", conv, "input"), *head])
    e = mx.explain(network, POCKET_PICTURE, "grad-cam", target=0, layer="aside", relu=False)
    assert (e.relevance == 0).all()


def test_the_map_is_upsampled_between_pixel_centres_and_the_relevance_is_not():
    """A 1x2 map (0, 1) on a picture 1x4: half-pixel centres give 0, 1/4, 3/4, 1."""
    layers = [mx.Conv2d(row(1).reshape(1, 1, 1, 1), stride=(1, 2)), mx.Flatten(), mx.Linear(row((1, 1)))]
    x = row(0, 5, 1, 5).reshape(1, 1, 4)
    e = mx.explain(mx.Network.sequential(layers), x, "grad-cam", target=0)
    assert (e.relevance == row((0, 1))).all()
    assert (e.map == row((0, F(1, 4), F(3, 4), 1))).all()
    assert e.heatmap.tolist() == [[0, 0.25, 0.75, 1]]


def test_scores_that_are_pixels_of_the_maps_themselves():
    """Nothing weighs the seed on its way down, and a third of it is still a third."""
    network = mx.Network.sequential([mx.Conv2d(row(1).reshape(1, 1, 1, 1)), mx.Flatten()])
    e = mx.explain(network, row(1, 2, 5).reshape(1, 1, 3), "grad-cam", target=1)
    assert (e.relevance == row((F(1, 3), F(2, 3), F(5, 3)))).all()


def test_guided_grad_cam_is_guided_times_the_upsampled_unscaled_map():
    network, x = random_case(2, "eighths")
    for target in range(2):
        e = mx.explain(network, x[0], "guided-grad-cam", target=target)
        guided = mx.explain(network, x[0], "guided-backprop", target=target)
        coarse = mx.explain(network, x[0], "grad-cam", target=target)
        assert (e.relevance == guided.relevance * coarse.map).all()
        assert (e.map == abs(e.relevance).max(axis=0)).all()
        assert all((e.signals[name] == signal).all() for name, signal in guided.signals.items())


def test_guided_grad_cam_of_a_named_layer():
    network, x = pocket(), POCKET_PICTURE
    e = mx.explain(network, x, "guided-grad-cam", target="A", layer="conv1")
    guided = mx.explain(network, x, "guided-backprop", target="A").relevance
    coarse = mx.explain(network, x, "grad-cam", target="A", layer="conv1")
    assert (e.relevance == guided * coarse.map).all()
    assert (coarse.map != mx.explain(network, x, "grad-cam", target="A").map).any()


# -- Which layer -------------------------------------------------------------------------------------------------------


def chain(*ops):
    """A network on pictures (2, 3, 3) that ends in a Flatten and one linear layer."""
    return mx.Network.sequential([*ops, mx.Flatten(), mx.Linear(np.ones((1, 18)))], input_shape=(2, 3, 3))


def conv():
    return mx.Conv2d(np.eye(2).reshape(2, 2, 1, 1))


def norm():
    return mx.BatchNorm2d(np.zeros(2), np.ones(2))


@pytest.mark.parametrize(
    ("ops", "layer"),
    [
        ([conv(), mx.ReLU()], "relu1"),
        ([conv()], "conv1"),
        ([conv(), mx.ReLU(), conv(), norm(), mx.ReLU()], "relu2"),
        ([conv(), norm(), mx.Identity(), mx.ReLU(), mx.ReLU()], "relu1"),
        ([conv(), mx.MaxPool2d(1), mx.ReLU()], "conv1"),
        ([conv(), norm()], "conv1"),
        ([conv(), mx.ReLU(), mx.MaxPool2d(1), mx.ReLU()], "relu1"),
    ],
)
def test_the_last_convolution_rectified(ops, layer):
    network = chain(*ops)
    assert feature_layer(network) == layer
    e = mx.explain(network, np.ones((2, 3, 3)), "grad-cam", target=0)
    assert f"layer: {layer}" in repr(e)


def test_through_the_sum_of_a_residual_block():
    nodes = [
        mx.Node("first", conv(), "input"),
        mx.Node("on", mx.ReLU(), "first"),
        mx.Node("last", conv(), "on"),
        mx.Node("norm", norm(), "last"),
        mx.Node("sum", mx.Add(), ("on", "norm")),
        mx.Node("out", mx.ReLU(), "sum"),
        mx.Node("flat", mx.Flatten(), "out"),
        mx.Node("linear", mx.Linear(np.ones((1, 18))), "flat"),
    ]
    assert feature_layer(mx.Network(nodes)) == "out"


def test_the_branch_that_is_rectified_is_found_whoever_reads_the_convolution_first():
    nodes = [
        mx.Node("last", conv(), "input"),
        mx.Node("copy", mx.Identity(), "last"),
        mx.Node("on", mx.ReLU(), "last"),
        mx.Node("both", mx.Concat(), ("copy", "on")),
        mx.Node("flat", mx.Flatten(), "both"),
        mx.Node("linear", mx.Linear(np.ones((1, 36))), "flat"),
    ]
    assert feature_layer(mx.Network(nodes)) == "on"


def test_the_maps_that_a_global_average_squeezes_come_first():
    layers = [conv(), mx.ReLU(), mx.MaxPool2d(2, 1), mx.GlobalAvgPool(), mx.Flatten(), mx.Linear(np.ones((1, 2)))]
    assert feature_layer(mx.Network.sequential(layers)) == "maxpool1"


def test_the_network_s_own_choice_beats_the_search_and_the_reader_s_beats_both():
    network = chain(conv(), mx.ReLU(), conv(), mx.ReLU())
    assert feature_layer(network) == "relu2"
    named = mx.Network(network.nodes, feature_layer="relu1", input_shape=(2, 3, 3))
    assert feature_layer(named) == "relu1"
    assert feature_layer(named, "conv2") == "conv2"
    for method in ("grad-cam", "fem", "guided-grad-cam"):
        assert "layer: relu1" in repr(mx.explain(named, np.ones((2, 3, 3)), method, target=0))
        assert "layer: conv2" in repr(mx.explain(named, np.ones((2, 3, 3)), method, target=0, layer="conv2"))


def test_a_feature_layer_that_is_no_node():
    with pytest.raises(ValueError, match="feature_layer is 'relu7'; expected one of the nodes: conv1, relu1"):
        mx.Network(chain(conv(), mx.ReLU()).nodes, feature_layer="relu7")


@pytest.mark.parametrize("method", ["grad-cam", "guided-grad-cam", "fem"])
def test_without_maps_there_is_nothing_to_look_at(method):
    with pytest.raises(mx.UnsupportedOp, match="no convolution, so it has no feature maps; name a layer="):
        mx.explain(two_pixels(), row(10, 6), method, target=0)
    with pytest.raises(mx.UnsupportedOp, match=r"layer 'linear1' holds \(2,\) numbers, not maps"):
        mx.explain(two_pixels(), row(10, 6), method, target=0, layer="linear1")
    with pytest.raises(ValueError, match="layer 'conv1' is not in the network; expected one of linear1"):
        mx.explain(neuron((1, 1)), row(10, 6), method, target=0, layer="conv1")


@pytest.mark.parametrize("method", ["grad-cam", "fem", "deconvnet"])
def test_a_final_softmax_is_no_layer_to_look_at(method):
    network = mx.Network([*pocket().astype("float64").nodes, mx.Node("softmax", mx.Softmax(), "linear1")])
    where = {"layer": "softmax"} | ({"channel": 0} if method == "deconvnet" else {})
    with pytest.raises(ValueError, match="softmax"):
        mx.explain(network, POCKET_PICTURE.astype(float), method, target=0, **where)


# -- Space and time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["cam", "grad-cam", "guided-grad-cam", "fem"])
def test_clips_keep_their_time_axis(method):
    network, x = clip()
    e = mx.explain(network, x[0], method, target=0)
    assert e.map.shape == e.heatmap.shape == (3, 4, 4)
    assert e.relevance.shape == ((1, 3, 4, 4) if method == "guided-grad-cam" else (2, 3, 3))
    assert (e.relevance != 0).any()


def test_a_clip_s_map_is_upsampled_in_time_too():
    network, x = clip()
    e = mx.explain(network, x[0], "cam", target=0)
    corner, after = e.relevance[:, 0, 0]
    assert corner != after
    assert (e.map[:, 0, 0] == row(corner, (corner + after) / 2, after)).all()


# -- FEM ---------------------------------------------------------------------------------------------------------------


def features(*maps, dtype=None):
    """A network whose feature layer holds its input; ``maps`` as rows of one picture."""
    channels = len(maps)
    identity = mx.exact(np.eye(channels)).reshape(channels, channels, 1, 1)
    x = row(*maps).reshape(channels, 2, -1)
    layers = [mx.Conv2d(identity), mx.Flatten(), mx.Linear(row((1,) * x.size, (2,) * x.size))]
    network = mx.Network.sequential(layers)
    return (network, x) if dtype is None else (network.astype(dtype), x.astype(dtype))


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_fem_in_every_arithmetic(dtype):
    network, x = features((1, 1, 1, 1), (0, 0, 0, 4), (0, 0, 4, 4), dtype=dtype)
    assert (mx.explain(network, x, "fem", target=0).relevance == [[1, 1], [3, 4]]).all()


@pytest.mark.parametrize("dtype", [None, "float64"])
@pytest.mark.parametrize(
    ("K", "places"), [(0, [0, 1, 0, 1]), (F(1, 4), [0, 1, 0, 1]), (1, [0, 1, 0, 0]), (2, [0, 0, 0, 0])]
)
def test_fem_s_threshold_in_spreads_above_the_mean(K, places, dtype):
    """(5, 9, 1, 6): mean 21/4, population spread 2.86; with the sample spread, 3.30, the 6 would fail at K = 1/4."""
    network, x = features((5, 9, 1, 6), dtype=dtype)
    expected = [F(21, 4) * place for place in places]
    assert mx.explain(network, x, "fem", target=0, K=K).relevance.ravel().tolist() == expected


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_fem_lets_a_value_on_the_threshold_in(dtype):
    """(0, 0, 4, 4): mean 2, spread 2; 4 is the threshold itself. The sample spread would leave nothing."""
    network, x = features((0, 0, 4, 4), dtype=dtype)
    assert mx.explain(network, x, "fem", target=0).relevance.ravel().tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("K", [0, 1, 3])
def test_a_constant_map_is_rare_everywhere_whatever_rounding_says(K, dtype):
    network, x = features((F(1, 10),) * 6, dtype=dtype)
    found = mx.explain(network, x, "fem", target=0, K=K).relevance
    assert (found > 0).all()
    assert abs(found - x[0]).max() <= 1e-7


def test_a_constant_map_in_fractions():
    network, x = features((F(1, 10),) * 6)
    assert (mx.explain(network, x, "fem", target=0, K=3).relevance == F(1, 10)).all()


def test_a_negative_map_counts_against():
    network, x = features((-4, -4, -4, 0))
    assert mx.explain(network, x, "fem", target=0).relevance.tolist() == [[0, 0], [0, -3]]


def test_fem_never_asks_for_a_class_or_the_classifier():
    network, x = features((5, 9, 1, 6), (0, 0, 4, 4))
    doubled = mx.Node("linear1", mx.Linear(2 * network.nodes[-1].op.weight), "flatten1")
    twice = mx.Network([*network.nodes[:-1], doubled])
    maps = [mx.explain(net, x, "fem", target=t).relevance for net in (network, twice) for t in (0, 1)]
    assert all((m == maps[0]).all() for m in maps)


def test_fem_in_three_dimensions_takes_the_mean_over_space_and_time():
    network, x = clip()
    A = mx.forward(network, x)["relu1"].y[0]
    expected = np.full(A.shape[1:], F(0))
    for maps in A:
        mu = sum(maps.flat) / maps.size
        variance = sum((v - mu) ** 2 for v in maps.flat) / maps.size
        for place in np.ndindex(maps.shape):
            v = maps[place]
            if v >= mu and (v - mu) ** 2 >= variance:
                expected[place] += mu
    assert (mx.explain(network, x[0], "fem", target=0).relevance == expected).all()


def test_fem_s_threshold_is_not_below_the_mean():
    with pytest.raises(ValueError, match="K is -1; expected a number of at least 0"):
        mx.explain(pocket(), POCKET_PICTURE, "fem", K=-1)
