"""The variants: each another answer in the cases of its methods, and the one that its definition says."""

import re
from fractions import Fraction

import numpy as np
import pytest

import minixai as mx
from minixai import api
from minixai.conformance import form, vectors
from minixai.conformance.variants import (
    EVERY,
    LAYER_VARIANTS,
    VARIANTS,
    Variant,
    hiding,
    matching,
    matching_layer,
    of,
    of_layer,
    perturbing,
)
from minixai.conformance.variants.base import BLACK, answer, read
from minixai.conformance.variants.layers import LAYERS, ran, read_layer
from minixai.ops import UnsupportedOp

CASES = [case for case in vectors.cases() if case.group == "methods"]
OPS = [case for case in vectors.cases(only="ops/*") if case.question["layer"]["op"] != "Softmax"]
BY_METHOD = {m: [case for case in CASES if case.question["method"] == m] for m in {c.question["method"] for c in CASES}}
METHODS = sorted({method for variant in EVERY for method in variant.methods})
KINDS = sorted({case.question["layer"]["op"] for case in OPS})
SHARE = 1e-2  # of the largest expected value: a hundred tolerances in float32
ENOUGH = 3  # cases

# Right variants that fewer than three cases tell apart so far: exact zeros, ties, padding and the like are rare.
RARELY = {
    "norm-without-mean": ("gradient", "guided-backprop"),
    "norm-unfolded": ("deep-taylor",),
    "norm-passed": ("lrp-composite", "deep-taylor"),
    "relu-takes-all": ("deconvnet", "deeplift-rescale"),
    "rectified-sum": ("guided-grad-cam",),
    "norm-parameters": ("lrp-0", "lrp-epsilon", "lrp-gamma", "deep-taylor"),
    "average-in-single-precision": ("occlusion",),
    "scores-in-single-precision": ("lime",),
}
RARE_LAYERS = {("equal-windows", "AdaptiveAvgPool2d")}


def relevance(case):
    return form.found(case.expected["relevance"])


def apart(found, expected):
    return found.shape == expected.shape and abs(found - expected).max() >= SHARE * abs(expected).max() > 0


def is_apart(variant, case):
    try:
        return apart(variant.answer(case.question), relevance(case))
    except UnsupportedOp:
        return False


# -- The registry ------------------------------------------------------------------------------------------------------


def test_names_methods_and_notes():
    assert len(VARIANTS) == len(EVERY) and len(LAYER_VARIANTS) == len(LAYERS)
    known = {method.name for method in api.methods()}
    for variant in (*EVERY, *LAYERS):
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", variant.name)
        assert variant.note and not variant.note.endswith(".") and "\n" not in variant.note
    for variant in EVERY:
        assert variant.methods and set(variant.methods) <= known
        assert len(set(variant.methods)) == len(variant.methods)
    assert all(set(variant.kinds) <= set(KINDS) for variant in LAYERS)
    assert all(len(of(method)) >= 8 for method in METHODS)
    assert set(METHODS) == set(BY_METHOD)
    assert set(RARELY) <= set(VARIANTS)
    assert all(set(methods) <= set(VARIANTS[name].methods) for name, methods in RARELY.items())


@pytest.mark.parametrize("method", sorted(set(METHODS) - set(BLACK)))
def test_with_nothing_changed_the_answer_is_the_expected_one(method):
    for case in BY_METHOD[method][::6]:
        found = answer(read(case.question))
        assert found.shape == relevance(case).shape and (found == relevance(case)).all(), case.id


@pytest.mark.parametrize("method", BLACK)
def test_with_nothing_changed_a_black_box_method_is_right_to_as_many_digits_as_are_written(method):
    """A third derivation: of roots and exponentials by decimals, everything else in fractions."""
    right = {"occlusion": hiding.occlusion, "lime": hiding.lime, "meaningful-perturbation": perturbing.perturbation}
    for case in BY_METHOD[method][::4]:
        found, expected = right[method](read(case.question)), relevance(case)
        bound = Fraction(1, 10**28) if "digits" in case.expected["relevance"] else 0
        assert found.shape == expected.shape and abs(found - expected).max() <= bound, case.id


def told_apart(method, name):
    """The cases of a method that say that they tell the variant from the right answer."""
    return [case for case in CASES if case.question["method"] == method and name in case.distinguishes]


def test_three_cases_tell_every_variant_apart():
    few = {(v.name, method) for v in EVERY for method in v.methods if len(told_apart(method, v.name)) < ENOUGH}
    assert few == {(name, method) for name, methods in RARELY.items() for method in methods}


@pytest.mark.parametrize("method", METHODS)
def test_every_variant_is_another_answer_where_a_case_says_so(method):
    """At least a hundredth of the largest number away, in fractions; and not there where the case does not say so."""
    for k, variant in enumerate(of(method)):
        told = told_apart(method, variant.name)
        for case in told[:: max(1, len(told) - 1)]:
            found = variant.answer(case.question)
            assert all(isinstance(v, Fraction | int) for v in found.flat)
            assert apart(found, relevance(case)), (variant.name, case.id)
        same = [case for case in BY_METHOD[method] if case not in told]
        for case in same[k : k + 1]:
            assert not is_apart(variant, case), (variant.name, case.id)


@pytest.mark.parametrize("kind", KINDS)
def test_every_variant_of_a_layer_is_another_answer_in_three_cases(kind):
    cases = [case for case in OPS if case.question["layer"]["op"] == kind]
    for variant in of_layer(kind):
        if (variant.name, kind) in RARE_LAYERS:
            continue
        seen = 0
        for case in cases:
            right = [form.array(part) for part in (case.expected["output"], *case.expected["leaving"])]
            try:
                found = variant.answer(case.question)
            except UnsupportedOp:
                continue
            assert [part.shape for part in found] == [part.shape for part in right], (variant.name, case.id)
            assert all(isinstance(v, Fraction | int) for part in found for v in part.flat)
            seen += any(apart(*pair) for pair in zip(found, right, strict=True))
            if seen == ENOUGH:
                break
        assert seen == ENOUGH, (variant.name, seen)


def test_a_layer_unchanged_is_the_expected_one():
    for case in OPS[::7]:
        right = [form.array(part) for part in (case.expected["output"], *case.expected["leaving"])]
        found = ran(*read_layer(case.question))
        assert all((a == b).all() for a, b in zip(found, right, strict=True)), case.id


# -- Matching ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case_id", "name"),
    [
        ("methods/gradient/residual-001", "deconvnet-gates"),
        ("methods/guided-backprop/chain-002", "plain-gradient"),
        ("methods/integrated-gradients/dense-001", "ends-in-full"),
        ("methods/smoothgrad/pool-001", "sigma-absolute"),
        ("methods/grad-cam/pool-001", "slopes-summed"),
        ("methods/lrp-gamma/dense-001", "gamma-bias-alone"),
        ("methods/lrp-alphabeta/chain-001", "bias-whole"),
        ("methods/deep-taylor/dense-001", "box-turned"),
        ("methods/deeplift-rescale/pool-001", "pool-gradient"),
        ("methods/deeplift-revealcancel/dense-001", "parts-carried"),
        ("methods/fem/pool-001", "share-times-value"),
    ],
)
def test_matching_names_the_variant_and_no_other(case_id, name):
    (case,) = [case for case in CASES if case.id == case_id]
    instead = VARIANTS[name].answer(case.question)
    assert apart(instead, relevance(case))
    assert [v.name for v in matching(case.question, instead.astype(float), 1e-9)] == [name]


def test_matching_within_a_share():
    (case,) = [case for case in CASES if case.id == "methods/lrp-gamma/dense-001"]
    instead = VARIANTS["gamma-bias-alone"].answer(case.question).astype(float)
    for off, found in ((1e-4, ["gamma-bias-alone"]), (1e-2, [])):
        shifted = instead + off * abs(instead).max()
        assert [v.name for v in matching(case.question, shifted, 1e-3)] == found


@pytest.mark.parametrize(
    "case_id", ["methods/gradient/pool-001", "methods/lrp-epsilon/dense-002", "methods/fem/gap-001"]
)
def test_the_right_answer_matches_only_what_is_the_same_here(case_id):
    (case,) = [case for case in CASES if case.id == case_id]
    matched = {variant.name for variant in matching(case.question, relevance(case), 0)}
    assert not matched & set(case.distinguishes)
    assert all((VARIANTS[name].answer(case.question) == relevance(case)).all() for name in matched)
    assert matching(case.question, relevance(case)[None], 1) == []  # another shape


def test_matching_a_layer():
    (case,) = [case for case in OPS if case.id == "ops/Conv2d-001"]
    instead = LAYER_VARIANTS["filter-turned"].answer(case.question)
    assert [v.name for v in matching_layer(case.question, instead, 1e-9)] == ["filter-turned"]
    assert matching_layer(case.question, tuple(part + 1 for part in instead), 1e-3) == []
    assert matching_layer(case.question, instead[:1], 1) == []


def test_what_has_no_meaning_in_a_network_is_refused_and_never_matches():
    case = next(case for case in CASES if case.id == "methods/smoothgrad/pool-002")  # signed: no channels are reduced
    with pytest.raises(UnsupportedOp, match="channels are reduced only where maps are averaged"):
        VARIANTS["channels-averaged"].answer(case.question)
    assert "channels-averaged" not in {v.name for v in matching(case.question, relevance(case), 1)}


# -- The smallest cases, by hand ---------------------------------------------------------------------------------------


def question(method, layers, x, target=0, reference=None, noise=None, **params):
    """A question about a chain of layers and one picture."""
    x = mx.exact(x)[None]
    network = mx.Network.sequential([op.convert(mx.exact) for op in layers], input_shape=x.shape[1:])
    asked = {"method": method, "network": form.network(network), "input": form.tensor(x), "target": [target]}
    data = {"reference": reference, "noise": noise}
    given = {key: form.tensor(mx.exact(value)) for key, value in data.items() if value is not None}
    written = {key: str(value) if isinstance(value, Fraction) else value for key, value in params.items()}
    return asked | given | {"params": written}


def linear(weight, bias=None):
    return mx.Linear(np.array(weight, float), np.zeros(len(weight)) if bias is None else np.array(bias, float))


def found(name, asked):
    return VARIANTS[name].answer(asked)[0].ravel().tolist()


def test_gamma_with_the_bias_alone():
    """x = (2, 1), w = (1, -1), b = 1, gamma 1, score 2: (4, -1) / (4 - 1 + 1) * 2; right: (4, -1) / (4 - 1 + 2) * 2."""
    asked = question("lrp-gamma", [linear([[1, -1]], [1])], [2, 1], gamma=Fraction(1), bias="include")
    assert answer(read(asked))[0].tolist() == [Fraction(8, 5), Fraction(-2, 5)]
    assert found("gamma-bias-alone", asked) == [2, Fraction(-1, 2)]
    assert found("in-place", asked) == [2, Fraction(-1, 2)]
    assert found("gamma-forgotten", asked) == [2, -1]


def test_gamma_for_negative_inputs_and_neurons():
    """x = (-1, 2), w = (-1, 1), gamma 1, score 3. Both products speak for it; as printed only w^+ gains: (1, 4) / 5."""
    asked = question("lrp-gamma", [linear([[-1, 1]])], [-1, 2], gamma=Fraction(1), bias="include")
    assert answer(read(asked))[0].tolist() == [1, 2]
    assert found("gamma-as-printed", asked) == [Fraction(3, 5), Fraction(12, 5)]
    assert found("gamma-positive-inputs", asked) == [Fraction(3, 5), Fraction(12, 5)]
    assert found("gamma-one-way", asked) == [1, 2]
    negative = question("lrp-gamma", [linear([[1, -2]])], [1, 1], gamma=Fraction(2), bias="include")
    assert answer(read(negative))[0].tolist() == [Fraction(-1, 5) * -1, Fraction(-6, 5)]  # (1, -6) / -5 * -1
    assert found("gamma-one-way", negative) == [-3, 2]  # (3, -2) / 1 * -1


def test_alpha_beta_and_its_bias():
    """x = (1, 1), w = (1, -1), b = -1, score -1: alpha 2, beta 1 gives (-2, 1/2)."""
    asked = question("lrp-alphabeta", [linear([[1, -1]], [-1])], [1, 1], alpha=2, beta=1, bias="include")
    assert answer(read(asked))[0].tolist() == [-2, Fraction(1, 2)]
    assert found("bias-whole", asked) == [0, Fraction(1, 2)]  # 1 - 1 for the positive products
    assert found("bias-ignored", asked) == [-2, 1]
    assert found("alpha-beta-exchanged", asked) == [-1, 1]
    assert found("beta-added", asked) == [-2, Fraction(-1, 2)]
    assert found("beta-forgotten", asked) == [-2, 0]
    assert found("alpha-one", asked) == [-1, 0]
    assert found("start-at-one", asked) == [2, Fraction(-1, 2)]


def test_products_sorted_by_the_weight():
    """x = (1, -2), w = (1, 1), score -1: the one positive product takes all; by weights both are: (1, -2) / -1 * -1."""
    asked = question("lrp-alphabeta", [linear([[1, 1]])], [1, -2], alpha=1, beta=0, bias="include")
    assert answer(read(asked))[0].tolist() == [-1, 0]
    assert found("sign-of-weight", asked) == [1, -2]


def test_the_share_of_bias_and_eps():
    """x = (3, 1), w = (1, 1), b = 4, score 8: the bias's half is spread, 2 to each; eps 2 comes to z = 10, 8 / 10."""
    asked = question("lrp-0", [linear([[1, 1]], [4])], [3, 1], bias="include")
    assert answer(read(asked))[0].tolist() == [3, 1] and found("bias-shared", asked) == [5, 3]
    eps = question("lrp-epsilon", [linear([[1, 1]], [4])], [3, 1], eps=Fraction(2), stabilizer="signed", bias="include")
    assert found("bias-shared", eps) == [Fraction(24, 5), Fraction(16, 5)]
    assert found("eps-forgotten", eps) == [3, 1]
    minus = eps | {"input": form.tensor(mx.exact([[-9, 1]]))}  # z = -4, and -4 + 2 as printed
    assert answer(read(minus))[0].tolist() == [-6, Fraction(2, 3)] and found("eps-literal", minus) == [-18, 2]


def test_pixels_of_deep_taylor():
    """x = (1, 1), w = (1, -1), b = 1, score 1, box -2 to 2: (3, 1) / 4; turned (-1, -3) / -4; squares (1, 1) / 2."""
    asked = question("deep-taylor", [linear([[1, -1]], [1])], [1, 1], low=-2, high=2, bias="include")
    assert answer(read(asked))[0].tolist() == [Fraction(3, 4), Fraction(1, 4)]
    assert found("box-turned", asked) == [Fraction(1, 4), Fraction(3, 4)]
    assert found("w-square", asked) == found("flat", asked) == found("magnitudes", asked) == [Fraction(1, 2)] * 2
    assert found("box-with-bias", asked) == [Fraction(3, 5), Fraction(1, 5)]
    assert found("box-forgotten", asked) == [1, 0]
    assert found("z-plus-at-pixels", asked) == [Fraction(1, 2), 0]
    assert found("zero-at-pixels", asked) == [1, -1]


def test_revealcancel_in_other_orders():
    """relu(min(x1, x2)) = relu(x1 - relu(x1 - x2)) at (10, 6) against 0: (9/2, 3/2); with signs carried through
    (99/26, 57/26). The inner relu: 10 up and 6 down, 4 in all."""
    layers = [linear([[1, 0], [1, -1]]), mx.ReLU(), linear([[1, -1]]), mx.ReLU()]
    asked = question("deeplift-revealcancel", layers, [10, 6], reference=[0, 0])
    assert answer(read(asked))[0].tolist() == [Fraction(9, 2), Fraction(3, 2)]
    assert found("parts-carried", asked) == [Fraction(99, 26), Fraction(57, 26)]
    assert found("rescale-for-revealcancel", asked) == [0, 6]
    assert sum(found("positive-part-first", asked)) == sum(found("negative-part-first", asked)) == 6
    alone = question("deeplift-revealcancel", [linear([[1, -1]]), mx.ReLU()], [10, 6], reference=[0, 0])
    assert answer(read(alone))[0].tolist() == [7, -3]
    assert found("positive-part-first", alone) == [10, -6] and found("negative-part-first", alone) == [4, 0]
    assert found("slope-times-difference", alone) == [10, -6]


def test_paths():
    """S = relu(x - 1) at 3 against -1, n = 2: the kink is half way; midpoints see slopes 0 and 1."""
    layers = [linear([[1]], [-1]), mx.ReLU()]
    asked = question("integrated-gradients", layers, [3], reference=[-1], n=2, quadrature="midpoint")
    assert answer(read(asked))[0].tolist() == [2]
    assert [found(name, asked) for name in ("left", "right", "trapezoid")] == [[0], [2], [2]]
    assert found("relu-at-zero", asked | {"params": {"n": 2, "quadrature": "left"}}) == [2]  # left sees -1 and 1
    assert found("relu-half-at-zero", asked | {"params": {"n": 2, "quadrature": "left"}}) == [1]
    assert found("weights-forgotten", asked) == [4] and found("without-difference", asked) == [Fraction(1, 2)]
    assert found("input-for-difference", asked) == [Fraction(3, 2)] and found("reference-minus-input", asked) == [-2]
    assert found("zero-reference", asked) == [Fraction(3, 2)] and found("slope-times-difference", asked) == [4]
    assert found("start-at-score", asked) == [2]  # 1 at the last midpoint, 2


def test_noisy_copies():
    """S = relu(x1 - x2) at (2, 0), sigma 1/2 of a range 2: noise 1 keeps the slope (1, -1), noise -3 shuts the ReLU."""
    layers, noise = [linear([[1, -1]]), mx.ReLU()], [[1, 0], [-3, 0]]
    asked = question("smoothgrad", layers, [2, 0], noise=noise, sigma=Fraction(1, 2), average="signed")
    half = Fraction(1, 2)
    assert answer(read(asked))[0].tolist() == [half, -half]
    assert found("sigma-absolute", asked) == [1, -1]  # -3/2: still open
    assert found("noise-free", asked) == found("last-copy-clean", asked) == [1, -1]
    assert found("mean-and-map-swapped", asked) == found("squares-averaged", asked) == [half, half]
    assert found("variance-of-copies", asked) == [Fraction(1, 4)] * 2


def test_rare_places():
    """Maps (1, 1, 1, 1) and (0, 0, 0, 4), K = 1: means 1 and 1, spreads 0 and sqrt(3); a >= 1 + sqrt(3) is the 4."""
    weight = np.zeros((2, 2, 1, 1))
    weight[0, 0] = weight[1, 1] = 1
    layers = [mx.Conv2d(weight), mx.ReLU()]
    asked = question("fem", layers, [[[1, 1], [1, 1]], [[0, 0], [0, 4]]], K=1, layer="relu1")
    assert answer(read(asked))[0].ravel().tolist() == [1, 1, 1, 2]
    assert found("strictly-above", asked) == [0, 0, 0, 1] and found("two-spreads", asked) == [1, 1, 1, 1]
    assert found("share-times-value", asked) == [1, 1, 1, 2]  # the shares are 1 and 1/4
    assert found("rare-values", asked) == [1, 1, 1, 5] and found("rare-maps", asked) == [1, 1, 1, 2]
    assert found("sample-spread", asked) == [1, 1, 1, 2]  # 1 + 2 is still below 4


def pooled(name, x, R=(1,), kernel=(1, 2), stride=None, kind=mx.MaxPool2d, **more):
    """What a variant of a pool makes of one row: (out, back)."""
    op = kind(kernel, stride, **more)
    R = mx.exact(np.array(R, float)).reshape(1, 1, 1, -1)
    asked = {
        "layer": form.layer(op),
        "inputs": [form.tensor(mx.exact(x)[None, None, None])],
        "arriving": form.tensor(R),
    }
    return [part.ravel().tolist() for part in LAYER_VARIANTS[name].answer(asked)]


def test_pools_by_hand():
    half = Fraction(1, 2)
    assert pooled("last-maximum", [3, 3]) == [[3], [0, 1]]
    assert pooled("ties-split", [3, 3]) == [[3], [half, half]]
    assert pooled("ties-split", [3, 2]) == [[3], [1, 0]]
    assert pooled("pool-averaged", [3, 2]) == [[3], [half, half]]
    assert pooled("pool-overwritten", [0, 2, 0], (3, 5), stride=1) == [[2, 2], [0, 5, 0]]
    assert pooled("padding-wins", [-1, -1], (1, 1), padding=(0, 1)) == [[0, 0], [0, 0]]
    assert pooled("average-undivided", [3, 1], kind=mx.AvgPool2d) == [[2], [1, 1]]
    assert pooled("sum-for-mean", [3, 1], kind=mx.AvgPool2d) == [[4], [1, 1]]
    padded = {"kind": mx.AvgPool2d, "padding": (0, 1), "stride": 2}
    assert pooled("padding-counted", [2, 4], (1, 1), **padded) == [[2, 4], [1, 1]]
    assert pooled("padding-counted", [2, 4], (1, 1), **padded, count_include_pad=False) == [[1, 2], [half, half]]


def test_convolution_back_by_hand():
    """x of three, taps (1, 2), signal (1, 0): the first pixel gets 1 and the second 2; with the filter as it stands
    2 and 1."""
    op = mx.Conv2d(mx.exact([[[[1, 2]]]]))
    asked = {"layer": form.layer(op), "inputs": [form.tensor(mx.exact([[[[5, 0, 0]]]]))]}
    asked["arriving"] = form.tensor(mx.exact([[[[1, 0]]]]))
    assert [part.ravel().tolist() for part in ran(*read_layer(asked))] == [[5, 0], [1, 2, 0]]
    for name, expected in (("filter-unflipped", [[5, 0], [2, 1, 0]]), ("filter-turned", [[10, 0], [2, 1, 0]])):
        assert [part.ravel().tolist() for part in LAYER_VARIANTS[name].answer(asked)] == expected


def test_a_variant_is_what_another_method_or_parameter_gives():
    """Through the front door instead."""
    pairs = [
        ("gradient", "deconvnet-gates", "deconvnet"),
        ("gradient", "guided-gates", "guided-backprop"),
        ("guided-backprop", "plain-gradient", "gradient"),
        ("deconvnet", "plain-gradient", "gradient"),
        ("guided-grad-cam", "guided-alone", "guided-backprop"),
        ("deeplift-rescale", "revealcancel-for-rescale", "deeplift-revealcancel"),
    ]
    for method, name, other in pairs:
        case = next(case for case in CASES if case.id == f"methods/{method}/chain-001")
        asked = read(case.question)
        given = {} if asked.reference is None else {"baseline": asked.reference}
        right = api.explain(asked.network, asked.x, other, target=list(asked.target), **given)
        assert (VARIANTS[name].answer(case.question) == right.relevance).all(), name


def test_a_variant_of_ones_own():
    variant = Variant("zero", ("gradient",), "nothing is returned", lambda q: 0 * answer(read(q)))
    case = next(case for case in CASES if case.question["method"] == "gradient")
    assert not variant.answer(case.question).any()
