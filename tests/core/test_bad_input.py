"""Whatever is wrong with what a reader hands in is said in one sentence: what was given, what is expected."""

import numpy as np
import pytest

import minixai as mx
from tests.whitebox.examples import MIN_AT, POCKET_PICTURE, F, pocket, row, two_pixels

PICTURE = POCKET_PICTURE.astype(np.float64)


def network(**facts):
    """The pocket CNN in floats."""
    return mx.Network(pocket().astype("float64").nodes, **facts)


def changed(value, at=(0, 1, 1)):
    x = PICTURE.copy()
    x[at] = value
    return x


PICTURES = [
    (changed(np.nan), "x holds NaN or infinite values; expected finite numbers: clean the picture first"),
    (changed(np.inf), "x holds NaN or infinite values"),
    (changed(-np.inf), "x holds NaN or infinite values"),
    (PICTURE[0], r"x has shape \(3, 3\); expected one picture \(C, H, W\) or a batch \(N, C, H, W\)"),
    (PICTURE[None, None], r"x has shape \(1, 1, 1, 3, 3\); expected one picture \(C, H, W\)"),
    (np.float64(3), r"x has shape \(\); expected one picture"),
    (np.ones((3, 3, 3)), r"node 'conv1', Conv2d\(1 -> 2, 2x2\): got an input of shape \(1, 3, 3, 3\); expected \(N, 1"),
    (np.ones((1, 1, 1)), "node 'conv1', .*: the window covers 2 pixels, but the picture has only 1 .*larger picture"),
    (np.ones((0, 1, 3, 3)), r"x has shape \(0, 1, 3, 3\): an empty batch; expected at least one picture"),
    (np.ones((1, 3, 3), np.uint8), r"x has dtype uint8; expected float32, float64 or fractions: .*astype\('float32'\)"),
    (np.ones((1, 3, 3), np.int64), "x has dtype int64; expected float32, float64 or fractions"),
    (np.ones((1, 3, 3), np.float16), "x has dtype float16; expected float32, float64 or fractions"),
    (np.ones((1, 3, 3), bool), "x has dtype bool; expected float32"),
    (np.ones((1, 3, 3), complex), "x has dtype complex128; expected float32"),
    (np.full((1, 3, 3), "a"), "x has dtype <U1; expected float32"),
    (np.full((1, 3, 3), None), "x has dtype object, but not only fractions in it; make one with minixai.exact"),
    (np.full((1, 3, 3), 0.5, object), "x has dtype object, but not only fractions in it"),
    (POCKET_PICTURE, r"the network computes in floats, x is in fractions; convert one: .*net.astype\('exact'"),
    ("picture.png", "x has dtype <U11; expected float32"),
    (None, "x has dtype object, but not only fractions"),
    ([[1.0, 2.0], [3.0]], "inhomogeneous"),
]


@pytest.mark.parametrize(("x", "message"), PICTURES)
@pytest.mark.parametrize("ask", ["explain", "explain_all"])
def test_bad_pictures(x, message, ask):
    with pytest.raises(ValueError, match=message):
        if ask == "explain":
            mx.explain(network(), x, "gradient")
        else:
            mx.explain_all(network(), x, ["gradient", "lrp-0"])


@pytest.mark.parametrize(("x", "message"), [p for p in PICTURES if "empty" not in p[1]])
def test_bad_pictures_on_the_way_to_a_score(x, message):
    with pytest.raises(ValueError, match=message):
        network()(x)
    with pytest.raises(ValueError, match=message):
        mx.forward(network(), x)


def test_fractions_want_fractions():
    with pytest.raises(ValueError, match="computes in fractions, x is in floats; convert one: minixai.exact"):
        mx.explain(pocket(), PICTURE, "gradient")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("gradients", r"method 'gradients' is not known; did you mean gradient"),
        ("gradcam", r"method 'gradcam' is not known; did you mean .*grad-cam"),
        ("lrp", r"method 'lrp' is not known; did you mean lrp-0"),
        ("deeplift", r"method 'deeplift' is not known; did you mean deeplift-re"),
        ("Gradient", r"method 'Gradient' is not known; did you mean gradient"),
        ("zzz", r"method 'zzz' is not known; known: gradient, deconvnet, "),
        ("", r"method '' is not known; known: "),
        (None, r"method None is not known; "),
        (3, r"method 3 is not known; "),
        (["gradient"], r"method \['gradient'\] is not known; "),
    ],
)
def test_unknown_methods(method, message):
    with pytest.raises(ValueError, match=message):
        mx.explain(network(), PICTURE, method)


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("gradient", {"gamma": 1}, "gradient has no parameter 'gamma'; it has none"),
        ("lrp-gamma", {"gama": 1}, r"lrp-gamma has no parameter 'gama'; did you mean gamma\?"),
        ("lrp-gamma", {"xyz": 1}, "lrp-gamma has no parameter 'xyz'; known: gamma, bias"),
        ("grad-cam", {"relu": 1}, "relu is 1; expected True or False"),
        ("grad-cam", {"relu": "no"}, "relu is 'no'; expected True or False"),
        ("fem", {"K": True}, "K is True; expected a finite number"),
        ("fem", {"K": None}, "K is None; expected a finite number"),
        ("fem", {"K": float("inf")}, "K is inf; expected a finite number"),
        ("lrp-gamma", {"gamma": [0.25]}, r"gamma is \[0.25\]; expected a finite number"),
        ("integrated-gradients", {"max_pieces": "all"}, "max_pieces is 'all'; expected a finite number"),
        ("deep-taylor", {"low": float("nan"), "high": 1}, "low|bound"),
        ("deep-taylor", {"low": 1, "high": 0}, "low|bound|box"),
        ("integrated-gradients", {"baseline": float("nan")}, "baseline"),
        ("deeplift-rescale", {"baseline": np.full((1, 3, 3), np.inf)}, "baseline"),
        ("smoothgrad", {"noise": np.full((1, 1, 3, 3), np.nan)}, "noise"),
        ("deconvnet", {"layer": "conv1", "channel": "a"}, "channel is 'a'"),
        ("deconvnet", {"layer": "conv1", "channel": 0.5}, "channel is 0.5"),
        ("deconvnet", {"layer": "conv1", "channel": 0, "position": 1}, "position is 1"),
        ("deconvnet", {"layer": "conv1", "channel": 0, "position": (0.5, 0)}, r"position is \(0.5, 0\)"),
        ("deconvnet", {"layer": "conv1", "channel": 0, "position": (0.0, 0)}, r"position is \(0.0, 0\)"),
        ("lrp-composite", {"rules": "lrp-0"}, "rules is 'lrp-0'"),
    ],
)
def test_bad_parameters(method, params, message):
    """The sentence names the parameter; a bad value is never computed with."""
    with pytest.raises(ValueError, match=message):
        mx.explain(network(), PICTURE, method, target=0, **params)


@pytest.mark.parametrize("ask", [mx.explain, mx.explain_all])
def test_something_else_than_a_network(ask):
    with pytest.raises(ValueError, match=r"got a function as network; expected a minixai Network \(mx.load"):
        ask(lambda x: x, PICTURE, "gradient" if ask is mx.explain else ["gradient"])


def test_scores_that_are_still_maps():
    layers = [mx.Conv2d(np.ones((2, 1, 2, 2))), mx.ReLU()]
    with pytest.raises(ValueError, match=r"the scores have shape \(1, 2, 2, 2\); expected \(N, classes\): end with"):
        mx.explain(mx.Network.sequential(layers), PICTURE, "gradient")


METHODS_FOR_MAPS = ["cam", "grad-cam", "guided-grad-cam", "fem"]


@pytest.mark.parametrize("method", METHODS_FOR_MAPS)
def test_a_method_that_does_not_fit_the_network(method):
    with pytest.raises(mx.UnsupportedOp, match=r"cam needs a network that|the network has no convolution"):
        mx.explain(two_pixels(), MIN_AT, method, target=0)


@pytest.mark.parametrize("method", METHODS_FOR_MAPS[1:])
@pytest.mark.parametrize("layer", ["conv2", "", "input", 3])
def test_a_layer_that_is_none(method, layer):
    with pytest.raises(ValueError, match=rf"layer {layer!r} is not in the network; expected one of conv1, relu1"):
        mx.explain(network(), PICTURE, method, layer=layer)


def test_unsupported_is_a_value_error():
    assert issubclass(mx.UnsupportedOp, ValueError)


def test_a_batch_in_which_one_picture_is_bad():
    with pytest.raises(ValueError, match="x holds NaN"):
        mx.explain(network(), np.stack([PICTURE, changed(np.nan)]), "gradient")
    with pytest.raises(ValueError, match="deep-taylor explains scores of at least 0"):
        mx.explain(two_pixels(), row((10, 6), (-1, -3)), "deep-taylor", target=0)


def test_exact_takes_what_is_a_number():
    assert mx.exact(0.1)[()] == F(0.1)
    with pytest.raises((ValueError, TypeError)):
        mx.exact("a")
    with pytest.raises(ValueError, match="NaN"):
        mx.exact(np.nan)
