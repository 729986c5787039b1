"""Gradient, DeconvNet, guided backpropagation, integrated gradients, SmoothGrad: other gates, paths, factors, means."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from minixai.conformance.variants.base import PATHS, SLOPES, Asked, against, answer, case_of, made
from minixai.network import Step, fold_batchnorm
from minixai.ops import Array, ReLU, UnsupportedOp
from minixai.ops.numbers import positive
from minixai.walk import Rule, Table
from minixai.whitebox.case import per_picture
from minixai.whitebox.deconvnet import relu_deconvnet
from minixai.whitebox.deeplift import RESCALE
from minixai.whitebox.gradient import GRADIENT, adjoint
from minixai.whitebox.guided import relu_guided
from minixai.whitebox.integrated import integrated_gradients
from minixai.whitebox.maps import reduce_channels

# -- Gates -------------------------------------------------------------------------------------------------------------


def _either(R: Array, step: Step) -> Array:
    return np.where(step.choice, R, positive(R))


def _gated(rule: Rule) -> Callable[[Asked], Array]:
    """With this rule at every ReLU; in guided Grad-CAM on the way to the picture, not on that to the maps."""

    def find(asked: Asked) -> Array:
        def change(table: Table) -> Table:
            coarse = asked.method == "guided-grad-cam" and table.method == "gradient"
            return table if coarse else table | {ReLU: rule}

        return answer(asked, change)

    return find


# -- Paths -------------------------------------------------------------------------------------------------------------


def _by_rule(quadrature: str) -> Callable[[Asked], Array]:
    return lambda asked: answer(asked.given(quadrature=quadrature))


def _full_ends(asked: Asked) -> Array:
    n, x0 = asked.params["n"], asked.reference
    places = (x0 + Fraction(k, n - 1) * (asked.x - x0) for k in range(n))
    total: Any = sum(case_of(asked._replace(x=place)).walk(GRADIENT) for place in places)
    return total / n * (asked.x - x0)


def _whole_weights(asked: Asked) -> Array:
    return asked.params["n"] * answer(asked)


def _bare(asked: Asked) -> Array:
    """The mean slope, or the multiplier, that is to be multiplied by x - x0."""
    if asked.method == "integrated-gradients":
        return integrated_gradients(case_of(asked), asked.reference, **_path(asked)).signals["input"]
    folded = asked._replace(network=fold_batchnorm(asked.network))
    return against(case_of(folded), folded).walk(RESCALE)


def _path(asked: Asked) -> dict[str, Any]:
    return {key: asked.params[key] for key in ("n", "quadrature")}


def _slope_times_difference(asked: Asked) -> Array:
    return case_of(asked).walk(GRADIENT) * (asked.x - asked.reference)


# -- Noisy copies ------------------------------------------------------------------------------------------------------


def _range(asked: Asked) -> Array:
    pixels = tuple(range(1, asked.x.ndim))
    return per_picture(asked.x.max(axis=pixels) - asked.x.min(axis=pixels), asked.x)


def _slopes_of(asked: Asked, level: Any, each_its_own: bool = False) -> list[Array]:
    """The gradient at every noisy copy, level x noise away."""
    found = []
    for draw in np.asarray(asked.noise):
        copies = asked._replace(x=asked.x + level * draw)
        if each_its_own:
            copies = copies._replace(target=tuple(int(np.argmax(row)) for row in asked.network(copies.x)))
        found.append(case_of(copies).walk(GRADIENT))
    return found


def _averaged(asked: Asked, slopes: list[Array], reduce: Any = None) -> Array:
    maps = asked.params["average"] == "maps"
    found = [(reduce or _largest)(one) for one in slopes] if maps else slopes
    return sum(found[1:], found[0]) / len(found)


def _largest(slope: Array) -> Array:
    return reduce_channels(slope, "max")


def _level(asked: Asked) -> Any:
    return asked.params["sigma"] * _range(asked)


def _absolute_sigma(asked: Asked) -> Array:
    return _averaged(asked, _slopes_of(asked, asked.params["sigma"]))


def _batch_range(asked: Asked) -> Array:
    return _averaged(asked, _slopes_of(asked, asked.params["sigma"] * (asked.x.max() - asked.x.min())))


def _own_classes(asked: Asked) -> Array:
    return _averaged(asked, _slopes_of(asked, _level(asked), each_its_own=True))


def _last_is_clean(asked: Asked) -> Array:
    noise = np.concatenate([np.asarray(asked.noise)[:-1], 0 * np.asarray(asked.noise)[-1:]])
    return answer(asked._replace(noise=noise))


def _other_order(asked: Asked) -> Array:
    """The map of the mean for the mean of the maps; the mean of magnitudes for the mean."""
    slopes = _slopes_of(asked, _level(asked))
    if asked.params["average"] == "maps":
        return _largest(_averaged(asked.given(average="signed"), slopes))
    return _averaged(asked, [abs(one) for one in slopes])


def _squares(asked: Asked) -> Array:
    return _averaged(asked, [one * one for one in _slopes_of(asked, _level(asked))])


def _spread(asked: Asked) -> Array:
    """The variance over the copies."""
    slopes = _slopes_of(asked, _level(asked))
    return _averaged(asked, [one * one for one in slopes], _largest) - _averaged(asked, slopes) ** 2


def _by_channels(reduce: Callable[[Array], Array]) -> Callable[[Asked], Array]:
    def find(asked: Asked) -> Array:
        if asked.params["average"] != "maps" or asked.x.ndim == 2:
            raise UnsupportedOp("channels are reduced only where maps are averaged")
        return _averaged(asked, _slopes_of(asked, _level(asked)), reduce)

    return find


GATES = (
    made(
        "plain-gradient",
        ("deconvnet", "guided-backprop", "guided-grad-cam"),
        "the gradient is returned, as where the ReLUs are functions that no hook can reach; a ReLU should rectify what "
        "comes back",
        _gated(adjoint),
    ),
    made(
        "deconvnet-gates",
        ("gradient", "guided-backprop", "guided-grad-cam"),
        "a ReLU passes what comes back where it is positive, as in DeconvNet; it should ask whether it was on (and, "
        "guided, both)",
        _gated(relu_deconvnet),
    ),
    made(
        "guided-gates",
        ("gradient", "deconvnet", "integrated-gradients", "smoothgrad", "grad-cam"),
        "a ReLU passes what comes back where it is positive and the ReLU was on, as in guided backpropagation",
        _gated(relu_guided),
    ),
    made(
        "either-gate",
        ("deconvnet", "guided-backprop", "guided-grad-cam"),
        "a ReLU passes what comes back where it is positive or the ReLU was on; guided, both should hold",
        _gated(_either),
    ),
    made(
        "times-input",
        SLOPES,
        "the result is multiplied by the picture; it should be the slope alone",
        lambda asked: answer(asked) * asked.x,
    ),
    made(
        "squared",
        SLOPES,
        "the squares of the slopes are returned; they should be the slopes themselves",
        lambda asked: answer(asked) ** 2,
    ),
)
PLACES = (
    *(
        made(
            quadrature,
            ("integrated-gradients",),
            f"the path is summed by the {quadrature} rule, whatever the case asks for",
            _by_rule(quadrature),
        )
        for quadrature in ("midpoint", "left", "right", "trapezoid")
    ),
    made(
        "ends-in-full",
        ("integrated-gradients",),
        "n places from end to end of the path have weight 1/n each; trapezoids halve that of the ends",
        _full_ends,
    ),
    made(
        "weights-forgotten",
        ("integrated-gradients",),
        "the slopes on the path are added up; their mean should be taken",
        _whole_weights,
    ),
    made(
        "without-difference",
        ("integrated-gradients", "deeplift-rescale"),
        "the mean slope, or the multiplier, is returned; it should be multiplied by x - x0",
        _bare,
    ),
    made(
        "input-for-difference",
        ("integrated-gradients", "deeplift-rescale"),
        "the mean slope, or the multiplier, is multiplied by x; it should be by x - x0",
        lambda asked: _bare(asked) * asked.x,
    ),
    made(
        "reference-minus-input",
        PATHS,
        "the result is multiplied by x0 - x; it should be by x - x0",
        lambda asked: -answer(asked),
    ),
    made(
        "zero-reference",
        PATHS,
        "the reference is taken to be 0 everywhere; it should be the one that is given",
        lambda asked: answer(asked._replace(reference=0 * np.asarray(asked.reference))),
    ),
    made(
        "slope-times-difference",
        PATHS,
        "the gradient at the picture is multiplied by x - x0; it should be the mean slope, or the multiplier",
        _slope_times_difference,
    ),
)
COPIES = (
    made(
        "sigma-absolute",
        ("smoothgrad",),
        "sigma is taken in the units of the picture; it is a fraction of max(x) - min(x)",
        _absolute_sigma,
    ),
    made(
        "sigma-one",
        ("smoothgrad",),
        "the noise is added as it is, with no regard to sigma; it should be sigma (max(x) - min(x)) times the noise",
        lambda asked: _averaged(asked, _slopes_of(asked, 1)),
    ),
    made(
        "sigma-of-batch",
        ("smoothgrad",),
        "max(x) - min(x) is taken over the whole batch; it should be each picture's own",
        _batch_range,
    ),
    made(
        "copies-choose-class",
        ("smoothgrad",),
        "each noisy copy explains the class that it scores highest; all should explain the class that was asked for",
        _own_classes,
    ),
    made(
        "last-copy-clean",
        ("smoothgrad",),
        "the last copy has no noise; every copy should have its own",
        _last_is_clean,
    ),
    made(
        "mean-and-map-swapped",
        ("smoothgrad",),
        "magnitudes are taken after the mean where they should be before it, or before it where there should be none",
        _other_order,
    ),
    made(
        "squares-averaged",
        ("smoothgrad",),
        "the mean of the squared slopes is taken; it should be that of the slopes",
        _squares,
    ),
    made(
        "variance-of-copies",
        ("smoothgrad",),
        "the variance of the slopes over the copies is returned; it should be their mean",
        _spread,
    ),
    made(
        "channels-averaged",
        ("smoothgrad",),
        "a map is the mean magnitude over the channels; it should be the largest",
        _by_channels(lambda slope: abs(slope).sum(axis=1) / slope.shape[1]),
    ),
    made(
        "noise-free",
        ("smoothgrad",),
        "no noise is added at all",
        lambda asked: answer(asked._replace(noise=0 * np.asarray(asked.noise))),
    ),
)
