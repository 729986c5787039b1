"""The smallest cases of the black-box variants, by hand, and what an answer that is one of them is called."""

from fractions import Fraction

import numpy as np
import pytest

import minixai as mx
from minixai.conformance import form, vectors
from minixai.conformance.variants import VARIANTS, hiding, matching, perturbing, real
from minixai.conformance.variants.base import read

HALF = Fraction(1, 2)


def question(method, weight, x, bias=0, params=None, **data):
    """S = weight . x + bias, of features."""
    x = mx.exact(x)[None]
    layer = mx.Linear(mx.exact([weight]), mx.exact([bias]))
    network = mx.Network.sequential([layer], input_shape=x.shape[1:])
    asked = {"method": method, "network": form.network(network), "input": form.tensor(x), "target": [0]}
    given = {"score": "logit"} | (params or {})
    written = {key: str(v) if isinstance(v, Fraction) else v for key, v in given.items()}
    return asked | {key: form.tensor(mx.exact(v)) for key, v in data.items()} | {"params": written}


def found(name, asked):
    return VARIANTS[name].answer(asked)[0].ravel().tolist()


def windows(window, stride, x=(1, 2, 3, 4), weight=(1, 10, 100, 1000), fill=(0, 0, 0, 0)):
    return question("occlusion", weight, x, params={"window": [window], "stride": [stride]}, fill=fill)


def test_windows_by_hand():
    """Pixels worth 1, 20, 300 and 4000; windows of two, one apart: 21, 320 and 4300."""
    asked = windows(2, 1)
    right = [21, Fraction(341, 2), Fraction(4620, 2), 4300]
    assert hiding.occlusion(read(asked))[0].tolist() == right
    assert found("windows-summed", asked) == [21, 341, 4620, 4300]
    assert found("last-window-counts", asked) == found("largest-window-counts", asked) == [21, 320, 4300, 4300]
    assert found("drop-turned", asked) == [-v for v in right]
    assert found("score-for-drop", asked) == [4321 - v for v in right]
    assert found("stride-is-window", asked) == [21, 21, 4300, 4300]
    assert found("window-kept", asked) == [4321 - v for v in right]  # of a linear score without a bias
    assert found("window-wraps", asked) == [Fraction(21 + 4001, 2), Fraction(341, 2), 2310, Fraction(4300 + 4001, 2)]
    assert found("windows-past-the-border", asked) == [21, Fraction(341, 2), 2310, 4150]


def test_the_border_by_hand():
    """Windows of three, two apart: 321, and what is left at the border, 4300."""
    asked = windows(3, 2)
    assert hiding.occlusion(read(asked))[0].tolist() == [321, 321, Fraction(321 + 4300, 2), 4300]
    assert found("remainder-dropped", asked) == [321, 321, 321, 0]
    assert found("last-window-pushed-in", asked) == [321, Fraction(321 + 4320, 2), Fraction(321 + 4320, 2), 4320]
    assert found("stride-one", asked) == [321, Fraction(321 + 4320, 2), Fraction(321 + 4320, 2), 4320]


def test_fillings_by_hand():
    asked = windows(1, 1, fill=(1, 1, 1, 1))
    assert hiding.occlusion(read(asked))[0].tolist() == [0, 10, 200, 3000]
    assert found("black-window", asked) == [1, 20, 300, 4000]
    assert found("mean-window", asked) == [1 - Fraction(5, 2), -5, 50, 1500]
    negative = windows(1, 1, weight=(-1, 10, 100, 1000))
    assert found("drop-unsigned", negative)[0] == 1 and hiding.occlusion(read(negative))[0][0] == -1


def test_the_window_alone_by_hand():
    """As in the test of the library: x = (1, 2, 3), S = 10 + sum; 13 and 14 are the scores of what is kept."""
    given = {"window": [2], "stride": [2]}
    asked = question("occlusion", [1, 1, 1], [1, 2, 3], 10, given, fill=[0, 0, 0])
    assert found("window-alone", asked) == [13 + 14, 13, 14]
    assert hiding.occlusion(read(asked))[0].tolist() == [3, 3, 3]


def test_axes_exchanged_is_refused_where_the_window_does_not_fit():
    network = mx.Network.sequential(
        [mx.Flatten(), mx.Linear(mx.exact([[1, 2, 3, 4, 5, 6]]), mx.exact([0]))], input_shape=(1, 2, 3)
    )
    x = mx.exact(np.ones((1, 1, 2, 3)))
    asked = {
        "method": "occlusion", "network": form.network(network), "input": form.tensor(x), "target": [0],
        "fill": form.tensor(0 * x[0]), "params": {"window": [1, 2], "stride": [1, 2], "score": "logit"},
    }  # fmt: skip
    assert hiding.occlusion(read(asked))[0].tolist() == [[3, 3, 3], [9, 9, 6]]
    assert VARIANTS["window-axes-exchanged"].answer(asked)[0].tolist() == [[5, 7, 9], [5, 7, 9]]
    with pytest.raises(mx.UnsupportedOp, match="larger than the picture"):
        VARIANTS["window-axes-exchanged"].answer(asked | {"params": asked["params"] | {"window": [1, 3]}})


def masks(alpha=Fraction(0), masks=((1, 1), (1, 0), (0, 1), (0, 0)), weights=(1, 1, 1, 1), bias=5, **more):
    """Pixels worth 2 and 6; each is a superpixel, hidden by 0."""
    data = {"segments": [0, 1], "masks": masks, "weights": weights, "fill": [0, 0]}
    return question("lime", [1, 2], [2, 3], bias, {"alpha": alpha} | more, **data)


def test_a_linear_score_by_hand():
    """Without a penalty the model is the score itself: 2 and 6, whatever the weights."""
    for weights in ((1, 1, 1, 1), (1, 2, 3, HALF)):
        assert hiding.lime(read(masks(weights=weights)))[0].tolist() == [2, 6]
    assert found("masks-turned", masks()) == found("weight-turned", masks()) == [-2, -6]
    assert found("first-mask-dropped", masks()) == [2, 6]
    with pytest.raises(mx.UnsupportedOp, match="do not determine"):
        VARIANTS["penalty-forgotten"].answer(masks(masks=((1, 1), (1, 1)), weights=(1, 1)))


def test_penalties_and_intercepts_by_hand():
    """Scores 13, 7, 11, 5; masks from their means +-1/2: 4/4 w = 2 and 6 without, 2 w = 2 and 6 with alpha 1."""
    asked = masks(Fraction(1))
    assert hiding.lime(read(asked))[0].tolist() == [1, 3]
    assert found("penalty-forgotten", asked) == [2, 6]
    assert found("penalty-beside-a-mean", asked) == [Fraction(2, 5), Fraction(6, 5)]  # (1/4 + 1) w = 1/2, 3/2
    assert found("no-intercept", asked) == [Fraction(9, 2), Fraction(13, 2)]  # (3 1; 1 3) w = (20, 24)
    assert found("intercept-penalised", asked) == [Fraction(13, 6), Fraction(25, 6)]  # 5 b + 2 w1 + 2 w2 = 36
    assert found("mask-weights-forgotten", masks(Fraction(1), weights=(4, 4, 4, 4))) == [1, 3]
    assert found("mask-weights-squared", masks(Fraction(1), weights=(2, 2, 2, 2))) == [Fraction(8, 5), Fraction(24, 5)]
    assert found("superpixels-alone", asked) == [1, 3]  # the masks are uncorrelated
    assert found("positive-weights-only", question_with_a_negative_weight()) == [0, 6]


def question_with_a_negative_weight():
    data = {"segments": [0, 1], "masks": ((1, 1), (1, 0), (0, 1), (0, 0)), "weights": (1, 1, 1, 1), "fill": [0, 0]}
    return question("lime", [-1, 2], [2, 3], 0, {"alpha": 0}, **data)


def test_colours_by_hand():
    """Pixels 2, 4 and 9 of S = x1 + x2 + x3; the first two are a superpixel. Its mean hides nothing of a sum."""
    data = {"segments": [0, 0, 1], "masks": ((1, 1), (1, 0), (0, 1), (0, 0)), "weights": (1, 1, 1, 1)}
    asked = question("lime", [1, 2, 1], [2, 4, 9], 0, {"alpha": 0, "fill": "superpixel"}, **data)
    assert hiding.lime(read(asked))[0].tolist() == [1, 1, 0]  # 10 - 9
    assert found("hidden-black", asked) == [10, 10, 9]
    assert found("hidden-in-the-picture-mean", asked) == [-5, -5, 4]
    assert found("weight-per-pixel", asked) == [HALF, HALF, 0]
    given = question("lime", [1, 2, 1], [2, 4, 9], 0, {"alpha": 0}, fill=[1, 1, 1], **data)
    assert hiding.lime(read(given))[0].tolist() == [7, 7, 8]
    assert found("hidden-in-its-mean", given) == [1, 1, 0]


def steps(n=1, l1=Fraction(0), l2=Fraction(0), beta=2, start=HALF, rate=Fraction(1, 4), grid=2):
    """Pixels worth 2 and -6 against 0: the first is deleted, the second kept."""
    given = {"l1": l1, "l2": l2, "beta": beta, "grid": [grid], "n": n, "rate": rate, "start": start, "jitter": 0}
    return question("meaningful-perturbation", [1, -2], [2, 3], 0, given | {"perturbation": "constant"}, fill=[0, 0])


def near(name, asked, expected):
    answer = perturbing.perturbation(read(asked)) if name is None else VARIANTS[name].answer(asked)
    return [float(v) for v in answer[0]] == pytest.approx(expected, abs=1e-8)


def test_steps_by_hand():
    """The first step of Adam is the rate, in the direction of the slope."""
    asked = steps()
    assert near(None, asked, [0.75, 0.25])
    assert near("mask-itself", asked, [0.25, 0.75]) and near("steps-by-sign", asked, [0.75, 0.25])
    assert near("score-kept", asked, [0.25, 0.75]) and near("mask-turned", asked, [0.25, 0.75])
    assert near("steps-uphill", asked, [0.25, 0.75]) and near("a-step-fewer", asked, [0.5, 0.5])
    assert near("plain-steps", steps(rate=Fraction(1, 100)), [0.52, 0.44])
    corrected = (1 / 10) / (1 / 1000) ** 0.5  # of the rate
    assert near("adam-uncorrected", steps(rate=Fraction(1, 100)), [0.5 + corrected / 100, 0.5 - corrected / 100])
    assert near("mask-begins-shown", asked, [0.25, 0])
    assert near("mask-unclipped", steps(start=Fraction(1)), [0.25, -0.25])
    assert near("mask-one-number", asked, [0.25, 0.25])  # 2 - 6 for both


def test_penalties_of_a_mask_by_hand():
    """The slope of the score is (2, -6); l1 takes l1/2 from each, so that with l1 = 6 both cells are kept."""
    asked = steps(l1=Fraction(6))
    assert near(None, asked, [0.25, 0.25]) and near("area-free", asked, [0.75, 0.25])
    assert near("area-summed", steps(l1=Fraction(3)), [0.25, 0.25]) and near(None, steps(l1=Fraction(3)), [0.75, 0.25])
    rough = steps(n=2, l2=Fraction(16))  # after a step the cells are 1/4 and 3/4, and 2 * 16 / 2 pulls them together
    assert near("roughness-free", rough, [1, 0]) and not near(None, rough, [1, 0])
    three = perturbing.perturbation(read(steps(n=2, l2=Fraction(16), beta=3)))
    assert (VARIANTS["roughness-other-power"].answer(rough) == three).all()


def test_numbers_to_sixty_digits():
    assert abs(real.root(2) ** 2 - 2) < Fraction(1, 10**58) and real.root(Fraction(9, 4)) == Fraction(3, 2)
    assert real.exp(0) == 1 and abs(real.exp(HALF) ** 2 - real.exp(1)) < Fraction(1, 10**57)
    assert real.softmax(mx.exact([[1, 1]])).tolist() == [[HALF, HALF]]


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("occlusion", "windows-summed"), ("occlusion", "window-kept"), ("occlusion", "remainder-dropped"),
        ("lime", "masks-turned"), ("lime", "no-intercept"), ("lime", "mask-weights-forgotten"),
        ("meaningful-perturbation", "mask-itself"), ("meaningful-perturbation", "adam-uncorrected"),
    ],
)  # fmt: skip
def test_matching_names_the_variant_and_no_other(method, name):
    case = next(case for case in vectors.cases(only=f"methods/{method}/*") if name in case.distinguishes)
    instead = VARIANTS[name].answer(case.question)
    assert [v.name for v in matching(case.question, instead.astype(float), 1e-9)] == [name]
