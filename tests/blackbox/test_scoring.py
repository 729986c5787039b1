"""Any scoring function: an engine network, a PyTorch module, a plain function; what they are asked, and how."""

import subprocess
import sys

import numpy as np
import pytest

import minixai as mx
from minixai.blackbox.scoring import Asking, batch_of, filling, model_of
from tests.blackbox.examples import Counting, linear_scores, pictures, preprocessed, question, small_network

METHODS = {
    "occlusion": {"window": 2, "stride": 1},
    "lime": {"n": 40, "segments": np.arange(36).reshape(6, 6) // 4, "fill": 0},
    "meaningful-perturbation": {"n": 5, "grid": 3},
}
ON_SCORES = ("occlusion", "lime")


@pytest.fixture(scope="module")
def net():
    return small_network()


X = pictures(1, 2, 2, 6, 6)


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("method", METHODS)
def test_network_module_and_function_get_the_same_answer(net, method, score):
    module, params = net.to_torch(), METHODS[method] | {"score": score}
    engine = mx.explain(net, X, method, target=1, **params)
    assert engine.relevance.any()
    others = [module, net.__call__] if method in ON_SCORES else [module]
    for scorer in others:
        e = mx.explain(scorer, X, method, target=1, **params)
        np.testing.assert_allclose(e.relevance, engine.relevance, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(e.score, engine.score, rtol=1e-12)
        assert isinstance(e.relevance, np.ndarray) and e.relevance.shape == e.map.shape == (2, 6, 6)
        assert e.expected is None and not e.signals


@pytest.mark.parametrize("method", METHODS)
def test_one_picture_and_a_batch_get_the_same_answer(net, method):
    batch = mx.explain(net, X, method, target=[0, 2], **METHODS[method])
    for i, target in enumerate((0, 2)):
        alone = mx.explain(net, X[i], method, target=target, **METHODS[method])
        assert alone.relevance.shape == (6, 6) and alone.target == target
        np.testing.assert_allclose(alone.relevance, batch[i].relevance, rtol=1e-9, atol=1e-12)
        assert alone.score == pytest.approx(batch[i].score, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_answer_and_nobody_elses_draws_move(net, method):
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    first, second = (mx.explain(net, X, method, **METHODS[method]).relevance for _ in range(2))
    assert (first == second).all()
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_picture_is_left_alone(net, method):
    x = X.copy()
    mx.explain(net, x, method, **METHODS[method])
    assert (x == X).all()


@pytest.mark.parametrize("method", ON_SCORES)
def test_so_many_pictures_go_into_a_call(net, method):
    asked = Counting(net)
    mx.explain(asked, X, method, at_once=10, **METHODS[method])
    assert max(asked.calls) == 10
    one_by_one = mx.explain(net, X, method, at_once=1, **METHODS[method])
    together = mx.explain(net, X, method, at_once=500, **METHODS[method])
    np.testing.assert_allclose(one_by_one.relevance, together.relevance, rtol=1e-9, atol=1e-12)


def test_what_is_explained_is_the_probability_or_the_score(net):
    scores = net(X)
    e = np.exp(scores)
    probability, logit = (mx.explain(net, X, "occlusion", target=2, score=s) for s in ("probability", "logit"))
    np.testing.assert_allclose(probability.score, (e / e.sum(axis=1, keepdims=True))[:, 2], rtol=1e-12)
    np.testing.assert_allclose(logit.score, scores[:, 2], rtol=1e-12)
    assert abs(probability.relevance - logit.relevance).max() > 0.1
    assert probability.params["score"] == "probability"


def test_without_a_target_the_highest_score_is_explained(net):
    e = mx.explain(net.__call__, X, "occlusion")
    assert e.target.tolist() == net(X).argmax(axis=1).tolist() and e.label is None


def test_a_module_that_was_a_network_knows_its_classes_and_its_grey():
    made = mx.Network(preprocessed().nodes, classes=("a", "b", "c"), box=preprocessed().box)
    x = pictures(3, 3, 6, 6)
    module = mx.explain(made.to_torch(), x, "occlusion", target="b")
    assert module.label == "b" and module.notes["fill"] == "grey"
    np.testing.assert_allclose(module.relevance, mx.explain(made, x, "occlusion", target="b").relevance, atol=1e-12)


def test_the_slope_of_what_is_explained_is_that_of_finite_differences(net):
    module, step = net.to_torch(), 1e-6
    for score in ("probability", "logit"):
        for scorer in (net, module):
            asking = Asking(question(scorer, X, 1), score)
            values, slope = asking.slopes(X)
            np.testing.assert_allclose(values, asking.clean, rtol=1e-12)
            for place in ((0, 0, 2, 3), (1, 1, 4, 1), (0, 1, 5, 5), (1, 0, 0, 0)):
                moved = [X.copy(), X.copy()]
                moved[0][place] += step
                moved[1][place] -= step
                up, down = (Asking(question(scorer, m, 1), score).clean[place[0]] for m in moved)
                assert slope[place] == pytest.approx((up - down) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("make", [lambda t: t.half(), lambda t: t.bfloat16(), lambda t: t])
def test_what_comes_back_from_a_function_may_be_a_tensor(net, make):
    import torch

    def scores(x):
        return make(torch.tensor(net(x), requires_grad=True))

    exactly = mx.explain(net, X, "occlusion", score="logit")
    np.testing.assert_allclose(mx.explain(scores, X, "occlusion", score="logit").score, exactly.score, rtol=1e-2)


def test_tensors_and_lists_are_pictures_too(net):
    import torch

    wanted = mx.explain(net.__call__, X, "occlusion").relevance
    assert (mx.explain(net.__call__, torch.tensor(X), "occlusion").relevance == wanted).all()
    assert (mx.explain(net.__call__, X.tolist(), "occlusion").relevance == wanted).all()
    assert mx.explain(lambda x: net(x).tolist(), X, "occlusion").relevance == pytest.approx(wanted)


def test_a_module_is_asked_in_its_own_dtype(net):
    module = net.to_torch().float()
    e = mx.explain(module, X, "occlusion")
    np.testing.assert_allclose(e.relevance, mx.explain(net, X, "occlusion").relevance, atol=1e-5)
    assert next(module.parameters()).grad is None


# -- what a hidden pixel looks like ------------------------------------------------------------------------------------


def test_grey_is_half_of_the_pixels_range_before_preprocessing():
    net, x = preprocessed(), pictures(2, 1, 3, 6, 6)
    grey, said = filling(question(net, x), "grey")
    np.testing.assert_allclose(grey[0, :, 0, 0], [0 / 0.25, 0.1 / 0.5, 0.2 / 1], atol=1e-6)
    assert said == "grey"
    np.testing.assert_allclose(filling(question(net, x), "black")[0][0, :, 3, 2], [-2, -0.8, -0.3], atol=1e-6)
    pixels = net.unpreprocess(grey[0].astype(np.float32))
    assert set(pixels.ravel()) <= {127, 128}


def test_where_nothing_is_said_of_pixels_grey_is_a_half_and_the_repr_says_so(net):
    e = mx.explain(net, X[0], "occlusion")
    assert "grey: 0.5 (nothing says how pixels become inputs)" in repr(e)


def test_other_fillings():
    x = pictures(4, 2, 3, 6, 6)
    asked = question(preprocessed(), x)
    np.testing.assert_allclose(filling(asked, "mean")[0][1, 2], x[1, 2].mean())
    assert (filling(asked, 0.25)[0] == 0.25).all()
    assert filling(asked, (1, 2, 3))[0][1, :, 5, 5].tolist() == [1, 2, 3]
    assert (filling(asked, x[0])[0] == x[:1]).all()


# -- bad input ---------------------------------------------------------------------------------------------------------


def raising(x):
    raise KeyError("no such thing")


BAD_SCORERS = [
    (raising, r"the scoring function failed on pictures of shape \(2, 2, 6, 6\): KeyError: 'no such thing'"),
    (lambda: 1, "the scoring function failed on pictures of shape .* TypeError"),
    (lambda x: np.ones(2), r"the scores have shape \(2,\); expected \(2, K\): one row per picture, one per class"),
    (lambda x: np.ones((3, 4)), r"the scores have shape \(3, 4\); expected \(2, K\)"),
    (lambda x: np.ones((2, 0)), r"the scores have shape \(2, 0\); expected \(2, K\)"),
    (lambda x: None, r"the scores have shape \(\); expected \(2, K\)"),
    (lambda x: np.full((2, 3), np.nan), "the scores, of dtype float64, are not all finite numbers; mend the model"),
    (lambda x: np.full((2, 3), "a"), "the scores, of dtype <U1, are not all finite numbers"),
    (lambda x: np.full((2, 3), None), "the array of scores holds something else than finite numbers"),
    ("shapes", "got 'shapes'; expected a minixai Network, a torch module, or a function that scores"),
    (None, "got None; expected a minixai Network"),
    (mx.Network, "got <class 'minixai.network.Network'>; expected a minixai Network"),
]


@pytest.mark.parametrize(("scorer", "sentence"), BAD_SCORERS)
@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_scoring_function(scorer, sentence, method):
    with pytest.raises(ValueError, match=sentence):
        mx.explain(scorer, X, method, target=0, **METHODS[method])


@pytest.mark.parametrize("method", ON_SCORES)
def test_probabilities_are_not_squashed_twice(method):
    def probabilities(x):
        return np.eye(3)[np.arange(len(x)) % 3]

    with pytest.raises(ValueError, match=r"the scores are probabilities already .*; give score='logit'"):
        mx.explain(probabilities, X, method, **METHODS[method])
    assert (mx.explain(probabilities, X, method, score="logit", **METHODS[method]).score == 1).all()
    with pytest.raises(ValueError, match="with one class the softmax probability is always 1; give score='logit'"):
        mx.explain(lambda x: np.full((len(x), 1), 2.0), X, method, **METHODS[method])


def test_a_function_that_changes_its_mind_about_the_number_of_pictures():
    with pytest.raises(ValueError, match=r"the scores have shape \(2, 3\); expected \(64, K\)"):
        mx.explain(lambda x: np.arange(6.0).reshape(2, 3), X, "occlusion", window=1, stride=1)


BAD_PICTURES = [
    (np.full((2, 6, 6), np.nan), "x holds NaN or infinite values; expected finite numbers"),
    (np.zeros((2, 6, 6), np.uint8), "x has dtype uint8; expected floats"),
    (np.zeros((2, 6, 6), complex), "x has dtype complex128; expected floats"),
    (np.float64(1), r"x has shape \(\); expected one picture \(C, H, W\) or a batch"),
    (np.zeros((1,) * 6), r"x has shape \(1, 1, 1, 1, 1, 1\); expected one picture"),
    (np.zeros((0, 2, 6, 6)), r"x has shape \(0, 2, 6, 6\), which is empty; expected at least one picture"),
    (np.full((2, 6, 6), None), "x holds something else than finite numbers"),
]


@pytest.mark.parametrize(("x", "sentence"), BAD_PICTURES)
def test_bad_pictures_for_a_function(net, x, sentence):
    with pytest.raises(ValueError, match=sentence):
        mx.explain(net.__call__, x, "occlusion")
    with pytest.raises(ValueError, match=sentence):
        batch_of(model_of(net.__call__), x)


BAD_PARAMETERS = [
    ({"score": "softmax"}, "score is 'softmax'; expected one of probability, logit"),
    ({"at_once": 0}, "at_once is 0; expected an integer of at least 1: the number of pictures per call"),
    ({"at_once": 2.5}, "at_once is 2.5; expected an integer of at least 1"),
    ({"progress": "yes"}, "progress is 'yes'; expected True, False, or None: a bar in a terminal only"),
    ({"windw": 3}, "has no parameter 'windw'"),
    ({"target": 3}, "target is 3; expected a class number from 0 to 2, or a class name"),
    ({"target": "cat"}, "target 'cat' is not a class; this network has no class names, give a number"),
    ({"target": [0]}, "got 1 targets for 2 pictures"),
]


@pytest.mark.parametrize(("params", "sentence"), BAD_PARAMETERS)
@pytest.mark.parametrize("method", METHODS)
def test_bad_parameters_of_all_three(net, method, params, sentence):
    for scorer in (net, net.to_torch()):
        with pytest.raises(ValueError, match=sentence):
            mx.explain(scorer, X, method, **METHODS[method] | params)


@pytest.mark.parametrize(
    ("fill", "sentence"),
    [
        ("gray", "fill is 'gray'; expected grey, black, mean, or numbers"),
        ((1, 2), r"fill has shape \(2,\); expected one number, one per channel \(3\), or a picture \(3, 6, 6\)"),
        (np.nan, "fill holds NaN or infinite values"),
        (np.zeros((5, 5)), r"fill has shape \(5, 5\); expected one number"),
        (object(), "fill holds something else than finite numbers"),
    ],
)
def test_bad_fillings(fill, sentence):
    with pytest.raises(ValueError, match=sentence):
        filling(question(preprocessed(), pictures(0, 1, 3, 6, 6)), fill)


def test_a_module_in_training_mode_is_refused_and_one_that_fails_is_quoted(net):
    import torch

    with pytest.raises(ValueError, match=r"the module is in training mode, where its scores may change; .*eval\(\)"):
        mx.explain(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout()), X, "occlusion")
    with pytest.raises(ValueError, match=r"the module failed on pictures of shape \(2, 3, 6, 6\): "):
        mx.explain(net.to_torch(), pictures(0, 2, 3, 6, 6), "occlusion")
    detached = torch.nn.Sequential(torch.nn.Flatten()).eval()
    detached.register_forward_hook(lambda module, inputs, output: output.detach())
    with pytest.raises(ValueError, match="autograd finds no way from the scores back to the picture"):
        mx.explain(detached, X, "meaningful-perturbation")
    with pytest.raises(ValueError, match="x is in fractions, which a PyTorch module cannot read; pass floats"):
        mx.explain(net.to_torch(), mx.exact(X), "occlusion")


def test_white_box_methods_still_want_a_network(net):
    with pytest.raises(ValueError, match="got a method as network; expected a minixai Network"):
        mx.explain(net.__call__, X, "gradient")


def test_a_probability_has_no_exact_value():
    weights = mx.exact(np.arange(8).reshape(2, 1, 2, 2))
    with pytest.raises(ValueError, match="a softmax probability has no exact value in fractions; give score='logit'"):
        mx.explain(linear_scores(weights), mx.exact(np.ones((1, 2, 2))), "occlusion")


# -- progress ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("progress", [None, False, True])
def test_a_bar_is_shown_only_when_asked_for(net, method, progress, capsys):
    mx.explain(net, X, method, progress=progress, **METHODS[method])
    said = capsys.readouterr()
    assert said.out == "" and (method in said.err) == (progress is True)


def test_black_box_methods_import_nothing_heavy_before_they_need_it():
    code = (
        "import sys, numpy as np, minixai as mx\n"
        "for m in ('torch', 'scipy', 'skimage', 'matplotlib', 'numba'): sys.modules[m] = None\n"
        "f = lambda x: np.stack([x.sum((1, 2, 3)), x.max((1, 2, 3))], 1)\n"
        "x = np.random.default_rng(0).random((1, 6, 6))\n"
        "assert mx.explain(f, x, 'occlusion').relevance.any()\n"
        "assert mx.explain(f, x, 'lime', segments=np.arange(36).reshape(6, 6) // 6, n=50).relevance.any()\n"
        "try: mx.explain(f, x, 'lime')\n"
        "except ImportError as error: assert \"pip install 'minixai[book]', or give segments=\" in str(error)\n"
        "else: raise SystemExit('no refusal')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
