"""The front door: one picture and many, targets, arithmetic, explain_all, the registry, what a result holds."""

from functools import cache
from itertools import count

import numpy as np
import pytest

import minixai as mx
from minixai.conformance.making.networks import draw_numbers, random_case, random_network
from tests.whitebox.examples import MIN_AT, POCKET_PICTURE, F, neuron, pocket, row, two_pixels

METHODS = {
    "gradient": {},
    "deconvnet": {},
    "guided-backprop": {},
    "integrated-gradients": {"n": 3},
    "smoothgrad": {"n": 2},
    "cam": {},
    "grad-cam": {},
    "guided-grad-cam": {},
    "lrp-0": {},
    "lrp-epsilon": {"eps": F(1, 8)},
    "lrp-gamma": {},
    "lrp-alphabeta": {},
    "lrp-composite": {},
    "deep-taylor": {},
    "deeplift-rescale": {},
    "deeplift-revealcancel": {},
    "fem": {},
}


@cache
def friendly(number, numbers="eighths"):
    """A network that every method fits, and two pictures whose best scores are above 0 and differ."""
    fitting = []
    for seed in count():
        network, x = random_case(seed, numbers, n=2, batchnorm="foldable", gap=True)
        best = network(x).max(axis=1)
        convolutions = any(isinstance(node.op, mx.Conv2d) for node in network.nodes)
        if convolutions and (best > 0).all() and best[0] != best[1] and moves(network, x):
            fitting.append((network, x))
        if len(fitting) > number:
            return fitting[number]


def moves(network, x):
    """Whether the scores change when the pictures do, a little."""
    return (network(x * F(63, 64) if x.dtype == object else x * 0.99) != network(x)).any(axis=1).all()


def fields(e):
    """Everything in an explanation that has a value per picture."""
    per_picture = {"relevance": e.relevance, "map": e.map, "x": e.x, "target": e.target, "score": e.score}
    signals = {f"signal {name}": signal for name, signal in e.signals.items()}
    absorbed = {f"absorbed {name}": kept for name, kept in e.absorbed.items()}
    return {**per_picture, **signals, **absorbed, "expected": e.expected, "heatmap": e.heatmap, "label": e.label}


def assert_same(a, b):
    ours, theirs = fields(a), fields(b)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert np.shape(value) == np.shape(theirs[name]), name
        assert np.array_equal(value, theirs[name]), name


# -- One picture and many ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", range(2))
def test_a_batch_of_two_is_two_pictures(number, method):
    network, x = friendly(number)
    batch = mx.explain(network, x, method, **METHODS[method])
    assert len(batch) == 2
    for i in range(2):
        single = mx.explain(network, x[i], method, **METHODS[method])
        assert_same(batch[i], single)
        assert_same(batch[i - 2], single)


@pytest.mark.parametrize("method", METHODS)
def test_one_picture_has_no_batch_axis_anywhere(method):
    network, x = friendly(0)
    network = mx.Network(network.nodes, classes=("first", "second"), input_shape=network.input_shape)
    e = mx.explain(network, x[0], method, **METHODS[method])
    batch = mx.explain(network, x[:1], method, **METHODS[method])
    lead = 1 if method == "deeplift-revealcancel" else 0
    assert e.x.shape == x[0].shape
    assert e.map.shape == e.heatmap.shape == x.shape[2:]
    assert e.relevance.shape == batch.relevance.shape[1:]
    assert e.signals.keys() == batch.signals.keys()
    assert all(e.signals[n].ndim == batch.signals[n].ndim - 1 for n in e.signals)
    assert all(np.ndim(kept) == 0 for kept in e.absorbed.values())
    assert type(e.target) is int
    assert e.label in ("first", "second")
    assert np.ndim(e.score) == np.ndim(e.total) == 0
    assert e.expected is None or np.ndim(e.expected) == 0
    if e.signals:
        assert e.signals[network.output].shape == (2,) * lead + (2,)
    assert not e.batched
    with pytest.raises(TypeError, match="of a single picture and has no length; explain a batch"):
        len(e)
    with pytest.raises(TypeError, match="of a single picture"):
        e[0]


def test_a_batch_of_one_keeps_its_axis():
    network, x = friendly(0)
    e = mx.explain(network, x[:1], "gradient")
    assert e.relevance.shape == x[:1].shape
    assert len(e) == 1
    assert e.target.shape == e.score.shape == (1,)


def test_pictures_of_a_batch_by_number():
    network, x = friendly(0)
    e = mx.explain(network, x, "lrp-0")
    assert e[1].score == e[-1].score == e.score[1]
    assert [one.score for one in e] == e.score.tolist()
    for i in (2, -3):
        with pytest.raises(IndexError, match=f"picture {i} of 2"):
            e[i]


@pytest.mark.parametrize(
    "method", ["gradient", "lrp-gamma", "integrated-gradients", "deeplift-revealcancel", "deep-taylor"]
)
def test_features_instead_of_pixels(method):
    """(F,) and (N, F), for a network that starts with a linear layer."""
    x = row((10, 6), (6, 10), (2, 1))
    batch = mx.explain(two_pixels(), x, method, target=0)
    single = mx.explain(two_pixels(), x[0], method, target=0)
    assert batch.relevance.shape == batch.map.shape == batch.heatmap.shape == (3, 2)
    assert single.relevance.shape == single.map.shape == single.heatmap.shape == (2,)
    assert_same(batch[0], single)


def test_maps_of_features():
    """Slopes are reduced to magnitudes, contributions keep their sign."""
    slopes = mx.explain(neuron((-3, 2)), row(1, 1), "gradient", target=0)
    assert slopes.map.tolist() == [3, 2]
    shares = mx.explain(neuron((-3, 2)), row(1, 1), "lrp-0", target=0)
    assert shares.map.tolist() == [-3, 2]


@pytest.mark.parametrize("method", METHODS)
def test_how_channels_become_a_map(method):
    """max_k |.| for slopes, Eq. (6); sums for contributions; upsampled for maps of features. Then the heat map."""
    network, x = friendly(1)
    e = mx.explain(network, x[0], method, **METHODS[method])
    evidence = np.maximum(e.map.astype(float), 0)
    assert np.array_equal(e.heatmap, evidence / (evidence.max() or 1))
    if method in ("gradient", "deconvnet", "guided-backprop", "guided-grad-cam"):
        assert (e.map == abs(e.relevance).max(axis=0)).all()
    elif method in ("cam", "grad-cam", "fem", "smoothgrad"):
        assert (e.map == mx.Resize(e.map.shape).forward(e.relevance[None, None])[0, 0]).all()
    else:
        assert (e.map == e.relevance.sum(axis=0)).all()
        assert e.map.sum() == e.total


# -- Targets -----------------------------------------------------------------------------------------------------------


def test_targets_by_number_by_name_one_each_or_the_best():
    network = pocket()
    x = np.stack([POCKET_PICTURE, -POCKET_PICTURE, POCKET_PICTURE])
    best = np.argmax(network(x), axis=1).tolist()
    for target, expected in [
        (1, [1, 1, 1]),
        ("B", [1, 1, 1]),
        (np.int64(1), [1, 1, 1]),
        ([0, 1, 0], [0, 1, 0]),
        (("A", "B", 0), [0, 1, 0]),
        (np.array([1, 0, 1]), [1, 0, 1]),
        (None, best),
    ]:
        e = mx.explain(network, x, "gradient", target=target)
        assert e.target.tolist() == expected
        assert list(e.label) == [network.classes[c] for c in expected]
        assert (e.score == [network(x)[i, c] for i, c in enumerate(expected)]).all()
        for i, c in enumerate(expected):
            assert (e[i].relevance == mx.explain(network, x[i], "gradient", target=c).relevance).all()


def test_the_target_of_one_picture():
    for target in (1, "B", [1], ["B"]):
        e = mx.explain(pocket(), POCKET_PICTURE, "gradient", target=target)
        assert (e.target, e.label) == (1, "B")
    assert mx.explain(two_pixels(), MIN_AT, "gradient").label is None


def test_of_equal_scores_the_first_is_explained():
    e = mx.explain(neuron(((1, 0), (1, 0), (0, 1)), outputs=3), row(2, 2), "gradient")
    assert e.target == 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (2, "target is 2; expected a class number from 0 to 1, or a class name"),
        (-1, "target is -1; expected a class number from 0 to 1"),
        (0.0, "target is 0.0; expected a class number"),
        (True, "target is True; expected a class number"),
        ("C", "target 'C' is not a class; known: A, B"),
        ("a", "target 'a' is not a class; "),
        ([0, 1], "got 2 targets for 1 pictures; expected one for all, or one each"),
        ([], "got 0 targets for 1 pictures"),
        ([None], "target is None; expected a class number"),
    ],
)
def test_targets_that_are_none(target, message):
    with pytest.raises(ValueError, match=message):
        mx.explain(pocket(), POCKET_PICTURE, "gradient", target=target)


def test_a_class_name_for_a_network_without_names():
    with pytest.raises(ValueError, match="target 'A' is not a class; this network has no class names, give a number"):
        mx.explain(two_pixels(), MIN_AT, "gradient", target="A")


def test_a_misspelt_class_lists_the_close_ones():
    network = mx.Network(pocket().nodes, classes=("circle", "square"))
    with pytest.raises(ValueError, match=r"target 'cirle' is not a class; did you mean circle\?"):
        mx.explain(network, POCKET_PICTURE, "gradient", target="cirle")


# -- Arithmetic --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_floats_are_the_fractions_to_rounding(method):
    network, x = friendly(0, "normal")
    ours = mx.explain(network, x, method, **METHODS[method])
    theirs = mx.explain(network.astype("exact"), mx.exact(x), method, **METHODS[method])
    assert ours.target.tolist() == theirs.target.tolist()
    assert theirs.relevance.any()
    pairs = [(ours.relevance, theirs.relevance), (ours.map, theirs.map)]
    pairs += [(ours.signals[name], signal) for name, signal in theirs.signals.items()]
    pairs += [(ours.absorbed[name], kept) for name, kept in theirs.absorbed.items()]
    for mine, exact in pairs:
        exact = exact.astype(float)
        assert abs(mine - exact).max() <= 1e-10 * max(1, abs(exact).max())


@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_and_float64_promotes(method):
    """Whatever a network says of its pictures, black and box, is said in Python's own numbers here."""
    network, x = friendly(0, "normal")
    network = mx.Network(network.nodes, black=-0.5, box=(-4.0, 4.0), input_shape=network.input_shape).astype("float32")
    for dtype in (np.float32, np.float64):
        e = mx.explain(network, x.astype(dtype), method, **METHODS[method])
        found = {"relevance": e.relevance, "map": e.map, "score": e.score, **e.signals, **e.absorbed}
        assert {name: a.dtype for name, a in found.items() if a.dtype != dtype} == {}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("integrated-gradients", {"baseline": 0.5}),
        ("integrated-gradients", {"quadrature": "gauss-legendre"}),
        ("integrated-gradients", {"quadrature": "exact"}),
        ("deeplift-rescale", {"baseline": 0.5}),
        ("deep-taylor", {"low": -4.0, "high": 4.0}),
        ("lrp-composite", {"low": [-4.0] * 2, "high": [4.0] * 2}),
        ("lrp-epsilon", {"eps": np.float64(0.25)}),
        ("smoothgrad", {"sigma": np.float64(0.25), "n": 2}),
        ("fem", {"K": np.float64(0.5)}),
    ],
)
def test_parameters_do_not_promote_float32(method, params):
    network = random_network(1, "normal", batchnorm="none", gap=True).astype("float32")
    channels = network.input_shape[0]
    params = {k: v[:channels] if isinstance(v, list) else v for k, v in params.items()}
    x = draw_numbers(np.random.default_rng(2), network.input_shape, "normal").astype(np.float32)
    e = mx.explain(network, x, method, target=int(np.argmax(network(x))), **params)
    assert e.relevance.dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
def test_fractions_stay_fractions(method):
    network, x = friendly(0)
    e = mx.explain(network, x[0], method, **METHODS[method])
    for name, a in {"relevance": e.relevance, "map": e.map, **e.signals}.items():
        assert all(isinstance(v, F) for v in a.flat), name
    assert all(isinstance(v, F) for v in [e.score, e.total, *e.absorbed.values()])
    assert e.heatmap.dtype == np.float64


def test_an_explanation_changes_neither_network_nor_picture():
    network, x = friendly(0, "normal")
    before = [(a.copy(), a) for node in network.nodes for a in node.op.arrays().values()] + [(x.copy(), x)]
    mx.explain_all(network, x, METHODS)
    assert all((old == new).all() for old, new in before)


# -- explain_all -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(2))
def test_all_together_are_each_alone(number):
    network, x = friendly(number)
    together = mx.explain_all(network, x, METHODS)
    assert list(together) == list(METHODS)
    for method, params in METHODS.items():
        assert_same(together[method], mx.explain(network, x, method, **params))
        assert together[method].params == mx.explain(network, x, method, **params).params


def test_all_together_for_one_picture_and_a_target():
    network, x = friendly(0)
    target = int(np.argmin(network(x)[0]))
    names = ["guided-grad-cam", "lrp-0", "gradient", "grad-cam", "deconvnet"]
    together = mx.explain_all(network, x[0], names, target=target)
    assert list(together) == names
    for method in names:
        assert_same(together[method], mx.explain(network, x[0], method, target=target))


@pytest.mark.parametrize("names", [["guided-backprop"], ["deconvnet", "guided-backprop"], ["gradient", "gradient"]])
def test_a_few_together(names):
    network, x = friendly(0)
    for method, e in mx.explain_all(network, x, names).items():
        assert_same(e, mx.explain(network, x, method))


def test_methods_with_parameters_walk_alone_and_right():
    network, x = friendly(0)
    layer = next(node.name for node in network.nodes if isinstance(node.op, mx.Conv2d))
    asked = {"gradient": {}, "deconvnet": {"layer": layer, "channel": 0}, "grad-cam": {"layer": layer, "relu": False}}
    for method, e in mx.explain_all(network, x, asked).items():
        assert_same(e, mx.explain(network, x, method, **asked[method]))


def test_floats_together_are_each_alone_to_rounding():
    network, x = friendly(0, "normal")
    for method, e in mx.explain_all(network, x, METHODS).items():
        alone = mx.explain(network, x, method, **METHODS[method]).relevance
        assert abs(e.relevance - alone).max() <= 1e-12 * abs(alone).max()


def test_one_forward_pass_and_one_walk_for_all_that_can_share_them(monkeypatch):
    network, x = friendly(0)
    names = ["gradient", "deconvnet", "guided-backprop", "grad-cam", "guided-grad-cam", "cam", "fem"]
    expected = {name: mx.explain(network, x, name) for name in names}
    made = []

    def counting(f):
        def counted(*args):
            made.append(f.__name__)
            return f(*args)

        return counted

    for module in ("api", "whitebox.case"):
        monkeypatch.setattr(f"minixai.{module}.forward", counting(mx.forward))
    for module in ("planner", "whitebox.case", "whitebox.gradcam", "whitebox.deconvnet"):
        monkeypatch.setattr(f"minixai.{module}.walk", counting(mx.walk))
    together = mx.explain_all(network, x, names)
    assert made == ["forward", "walk"]
    for name in names:
        assert_same(together[name], expected[name])


def test_all_methods_that_fit_and_why_the_others_do_not():
    found = mx.explain_all(two_pixels(), MIN_AT, target=0)
    assert {"gradient", "lrp-0", "deep-taylor", "deeplift-revealcancel"} <= set(found)
    assert {"cam", "grad-cam", "guided-grad-cam", "fem"} <= set(found.refused)
    assert "cam needs a network that ends in global average pooling" in found.refused["cam"]
    assert not set(found) & set(found.refused)
    negative = mx.explain_all(neuron((1, -1)), row(1, 4), target=0)
    assert "scores of at least 0" in negative.refused["deep-taylor"]


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (["gradient", "cam"], "cam needs a network that ends in global average pooling"),
        (["gradient", "guided-backprob"], "method 'guided-backprob' is not known; did you mean guided-backprop"),
        ({"gradient": {"eps": 1}}, "gradient has no parameter 'eps'; it has none"),
        ({"lrp-epsilon": {"eps": -1}}, "eps is -1; expected a number of at least 0"),
        ("gradient", r"methods is 'gradient'; expected a list of names, \['gradient'\], or \{name: parameters\}"),
    ],
)
def test_a_method_that_is_asked_for_by_name_is_not_left_out_silently(methods, message):
    with pytest.raises(ValueError, match=message):
        mx.explain_all(two_pixels(), MIN_AT, methods, target=0)


# -- The registry ------------------------------------------------------------------------------------------------------

SECTIONS = {
    "deconvnet": "4.1", "gradient": "4.2", "guided-backprop": "4.3", "integrated-gradients": "4.4", "smoothgrad": "4.5",
    "cam": "4.6", "grad-cam": "4.6", "guided-grad-cam": "4.6.1", "lrp-0": "5.1", "lrp-epsilon": "5.1",
    "lrp-gamma": "5.1", "lrp-alphabeta": "5.1", "lrp-composite": "5.1", "deep-taylor": "5.1.1",
    "deeplift-rescale": "5.2", "deeplift-revealcancel": "5.2", "fem": "5.3",
}  # fmt: skip
EQUATIONS = {
    "integrated-gradients": {7}, "smoothgrad": {8}, "grad-cam": {9, 10}, "lrp-0": {11, 12}, "lrp-epsilon": {11, 13},
    "lrp-gamma": {11, 14}, "lrp-alphabeta": {11, 15}, "deep-taylor": {16, 17, 18}, "fem": {26},
}  # fmt: skip


def test_every_white_box_method_has_its_place_in_the_survey():
    records = {m.name: m for m in mx.methods()}
    assert set(METHODS) <= set(records)
    for name, section in SECTIONS.items():
        assert records[name].section == section
        assert records[name].family == ("linearisation" if section.startswith("4") else "structure")
        assert mx.cite(name)
    for name, equations in EQUATIONS.items():
        assert set(records[name].equations) == equations
    order = [m.section for m in mx.methods() if m.name in SECTIONS]
    assert order == sorted(order)


def test_defaults_are_the_survey_s():
    params = {m.name: m.params for m in mx.methods()}
    assert params["integrated-gradients"] == {
        "baseline": None, "n": 50, "quadrature": "midpoint", "max_pieces": 10000,
    }  # fmt: skip
    assert params["smoothgrad"] == {
        "method": "gradient", "sigma": 0.15, "n": 50, "average": "maps", "noise": None, "seed": 0,
    }  # fmt: skip
    assert params["lrp-epsilon"] == {"eps": 1e-6, "stabilizer": "signed", "bias": "include"}
    assert params["lrp-gamma"] == {"gamma": 0.25, "bias": "include"}
    assert params["lrp-alphabeta"] == {"alpha": 2, "beta": 1, "bias": "include"}
    assert params["fem"] == {"K": 1, "layer": None}
    assert params["grad-cam"] == {"layer": None, "relu": True}


def test_an_explanation_says_all_its_parameters():
    e = mx.explain(two_pixels(), MIN_AT, "lrp-epsilon", target=0, eps=1)
    assert e.params == {"eps": 1, "stabilizer": "signed", "bias": "include"}


def test_citations():
    assert "Simonyan" in mx.cite("gradient")
    assert "Ayyar" in mx.cite("survey")
    with pytest.raises(ValueError, match="method 'gradcam' is not known; did you mean .*grad-cam"):
        mx.cite("gradcam")


def test_the_method_that_smoothgrad_averages_is_called_method():
    """mx.explain(net, x, "smoothgrad", method="lrp-epsilon", eps=...): the survey's letters and ours do not collide."""
    e = mx.explain(two_pixels(), MIN_AT, "smoothgrad", target=0, method="lrp-epsilon", eps=1, n=2)
    assert e.params["method"] == "lrp-epsilon"
    assert e.params["eps"] == 1


def test_the_method_itself_may_be_called_method_too():
    e = mx.explain(two_pixels(), MIN_AT, method="lrp-epsilon", target=0, eps=1)
    assert_same(e, mx.explain(two_pixels(), MIN_AT, "lrp-epsilon", target=0, eps=1))
    with pytest.raises(ValueError, match="method None is not known"):
        mx.explain(two_pixels(), MIN_AT)
