"""LRP and Deep Taylor: the bias, signs, eps and gamma, layers without weights, and pixels."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from minixai.conformance.variants import back
from minixai.conformance.variants.base import SHARES, Asked, answer, answer_as_it_is, case_of, made, ruling
from minixai.conformance.variants.sharing import (
    Both,
    BoxTurned,
    BoxWithBias,
    GammaOtherwise,
    GammaPlainBias,
    Spread,
    bias_shared,
    without_weights,
)
from minixai.network import Step, fold_batchnorm
from minixai.ops import AVERAGES, WEIGHTED, Add, Array, BatchNorm2d, Conv2d, Conv3d, Linear, UnsupportedOp
from minixai.ops.numbers import positive
from minixai.whitebox.deep_taylor import pixel_nodes
from minixai.whitebox.gradient import GRADIENT, adjoint
from minixai.whitebox.lrp import AlphaBeta, Gamma, Zero, pass_through

HIDDEN = ("lrp-alphabeta", "deep-taylor")  # with alpha and beta at layers with weights
FOLDED = tuple(method for method in SHARES if method != "lrp-0")  # for LRP-0 folding changes nothing


def _equally(R: Array, step: Step) -> tuple[Array, ...]:
    return (R / len(step.parents),) * len(step.parents)


def _sharing_bias(asked: Asked) -> Array:
    rule = partial(bias_shared, bias=asked.params["bias"], eps=asked.params.get("eps", 0))
    return answer(asked, ruling(dict.fromkeys(WEIGHTED, rule)))


def _signs_everywhere(asked: Asked) -> Array:
    rule = without_weights(asked.params["alpha"], asked.params["beta"])
    return answer(asked, ruling(dict.fromkeys((*AVERAGES, Add), rule)))


def _at_weights(rule: Callable[[dict[str, Any]], Any]) -> Callable[[Asked], Array]:
    """With this rule at every layer with weights that has none of its own."""
    return lambda asked: answer(asked, ruling(dict.fromkeys(WEIGHTED, rule(asked.params))))


def _at_pixels(rule: Callable[[dict[str, Any]], Any]) -> Callable[[Asked], Array]:
    def find(asked: Asked) -> Array:
        names = pixel_nodes(fold_batchnorm(asked.network))
        return answer(asked, ruling(dict.fromkeys(names, rule(asked.params))))

    return find


def _in_box(rule: Any) -> Callable[[Asked], Array]:
    """At the pixels, where a box is given."""

    def find(asked: Asked) -> Array:
        if asked.params["low"] is None:
            raise UnsupportedOp("no box is given")
        return _at_pixels(lambda said: rule(said["bias"], low=said["low"], high=said["high"]))(asked)

    return find


def _without_box(rule: Any) -> Callable[[Asked], Array]:
    def find(asked: Asked) -> Array:
        if asked.params["low"] is not None:
            raise UnsupportedOp("a box is given")
        return _at_pixels(lambda said: rule)(asked)

    return find


def _at_convolutions(rule: Callable[[dict[str, Any]], Any]) -> Callable[[Asked], Array]:
    """Composite: at every convolution but those at the pixels."""

    def find(asked: Asked) -> Array:
        network = fold_batchnorm(asked.network)
        first = pixel_nodes(network)
        names = [n.name for n in network.nodes if isinstance(n.op, Conv2d | Conv3d) and n.name not in first]
        return answer(asked, ruling(dict.fromkeys(names, rule(asked.params))))

    return find


def _given(**params: Any) -> Callable[[Asked], Array]:
    return lambda asked: answer(asked.given(**params))


def _slope_times_input(asked: Asked) -> Array:
    return case_of(asked).walk(GRADIENT) * asked.x


LRP = (
    made(
        "bias-ignored",
        SHARES,
        "biases are left out of the denominators; they should count, and absorb their share",
        _given(bias="ignore"),
    ),
    made(
        "bias-counted",
        ("lrp-0", "lrp-epsilon", "lrp-gamma", "lrp-alphabeta"),
        "biases count in the denominators although the case asks to ignore them",
        _given(bias="include"),
    ),
    made(
        "bias-shared",
        ("lrp-0", "lrp-epsilon"),
        "the share of the bias (and of eps) is spread over the inputs; it should stay behind",
        _sharing_bias,
    ),
    made(
        "bias-whole",
        HIDDEN,
        "the bias is in the denominators as it is; its positive part belongs to the positive products, its negative "
        "part to the negative ones",
        _at_weights(lambda said: Both(said["bias"], said.get("alpha", 1), said.get("beta", 0), whole=True)),
    ),
    made(
        "sign-of-weight",
        HIDDEN,
        "products are sorted by the sign of the weight; it should be that of the product, negative inputs included",
        _at_weights(lambda said: Both(said["bias"], said.get("alpha", 1), said.get("beta", 0), split=False)),
    ),
    made(
        "alpha-beta-exchanged",
        ("lrp-alphabeta",),
        "alpha and beta are exchanged",
        _at_weights(lambda said: Both(said["bias"], said["beta"], said["alpha"])),
    ),
    made(
        "beta-added",
        ("lrp-alphabeta",),
        "the negative products' shares are added; they should be subtracted",
        _at_weights(lambda said: Both(said["bias"], said["alpha"], -said["beta"])),
    ),
    made(
        "beta-forgotten",
        ("lrp-alphabeta",),
        "the negative products' shares are left out, and alpha stays as it is",
        _at_weights(lambda said: Both(said["bias"], said["alpha"], 0)),
    ),
    made(
        "alpha-one",
        ("lrp-alphabeta",),
        "alpha is 1 and beta 0, whatever the case asks for",
        _given(alpha=1, beta=0),
    ),
    made(
        "alpha-two",
        HIDDEN,
        "alpha is 2 and beta 1, whatever the case asks for",
        _at_weights(lambda said: AlphaBeta(said["bias"], 2, 1)),
    ),
    made(
        "alpha-beta-everywhere",
        ("lrp-alphabeta",),
        "averages and sums take alpha and beta, too; layers without weights should have LRP-0",
        _signs_everywhere,
    ),
    made(
        "gamma-bias-alone",
        ("lrp-gamma",),
        "the bias is in the denominator as it is; it should grow with gamma as the weights do",
        _at_weights(lambda said: GammaPlainBias(said["bias"], said["gamma"])),
    ),
    made(
        "gamma-as-printed",
        ("lrp-gamma",),
        "every weight is w + gamma w^+, for inputs and neurons of either sign; what has the neuron's sign should gain",
        _at_weights(lambda said: GammaOtherwise(said["bias"], said["gamma"], down=positive)),
    ),
    made(
        "gamma-one-way",
        ("lrp-gamma",),
        "positive products gain by gamma at negative neurons, too; there the negative ones should",
        _at_weights(lambda said: GammaOtherwise(said["bias"], said["gamma"])),
    ),
    made(
        "gamma-positive-inputs",
        ("lrp-gamma",),
        "products of two negative numbers do not gain by gamma; all that speak for the neuron's sign should",
        _at_weights(lambda said: GammaOtherwise(said["bias"], said["gamma"], down=lambda w: 0 * w)),
    ),
    made(
        "gamma-forgotten",
        ("lrp-gamma",),
        "gamma is 0: the result is LRP-0",
        _given(gamma=0),
    ),
    made(
        "eps-literal",
        ("lrp-epsilon",),
        "eps is added to negative denominators, too; signed, it should be subtracted from them",
        _given(stabilizer="literal"),
    ),
    made(
        "eps-signed",
        ("lrp-epsilon",),
        "eps takes the sign of the denominator although the case asks for it as printed",
        _given(stabilizer="signed"),
    ),
    made(
        "eps-forgotten",
        ("lrp-epsilon",),
        "eps is 0: the result is LRP-0",
        _given(eps=Fraction(0)),
    ),
    made(
        "eps-at-weights",
        ("lrp-epsilon",),
        "averages and sums have no eps; they should have it as every layer",
        lambda asked: answer(asked, ruling(dict.fromkeys((*AVERAGES, Add), Zero(asked.params["bias"])))),
    ),
    made(
        "slope-times-input",
        ("lrp-epsilon", "lrp-gamma", "lrp-alphabeta", "lrp-composite", "deep-taylor"),
        "gradient times input is returned; the relevance should be shared out layer by layer",
        _slope_times_input,
    ),
)
PLAIN = (
    made(
        "average-equal",
        SHARES,
        "an average pool hands equal parts to its pixels; the parts should be in proportion to their values",
        lambda asked: answer(asked, ruling(dict.fromkeys(AVERAGES, adjoint))),
    ),
    made(
        "pool-by-value",
        SHARES,
        "a max-pool hands parts in proportion to their values to all pixels of a window; the winner should get all",
        lambda asked: answer(asked, ruling(back.at_pools(back.by_size))),
    ),
    made(
        "sum-duplicated",
        SHARES,
        "a sum hands all of its relevance to each branch; they should share it in proportion to their values",
        lambda asked: answer(asked, ruling({Add: adjoint})),
    ),
    made(
        "sum-halved",
        SHARES,
        "the branches of a sum get equal parts; they should get parts in proportion to their values",
        lambda asked: answer(asked, ruling({Add: _equally})),
    ),
    made(
        "norm-unfolded",
        FOLDED,
        "a batch norm is a layer of its own although a convolution feeds it alone; there it should be folded into it",
        answer_as_it_is,
    ),
    made(
        "norm-passed",
        SHARES,
        "a batch norm hands its relevance on unchanged; it should be folded, or have the rule of a layer with weights",
        lambda asked: answer_as_it_is(asked, ruling({BatchNorm2d: pass_through})),
    ),
)
BOXES = ("lrp-composite", "deep-taylor")
PIXELS = (
    made(
        "w-square",
        BOXES,
        "the pixels have the w^2 rule although a box is given; they should have z^B",
        _in_box(lambda bias, low, high: Spread(bias, lambda w: w * w)),
    ),
    made(
        "flat",
        BOXES,
        "the pixels that a neuron sees share equally; they should share by z^B, or by w^2 where no box is given",
        _at_pixels(lambda said: Spread(size=lambda w: 0 * w + 1)),
    ),
    made(
        "magnitudes",
        BOXES,
        "the pixels share by |w|; they should share by z^B, or by w^2 where no box is given",
        _at_pixels(lambda said: Spread()),
    ),
    made(
        "padding-shares",
        BOXES,
        "padding takes its part of w^2; only pixels should",
        _without_box(Spread(size=lambda w: w * w, fixed=True)),
    ),
    made(
        "z-plus-at-pixels",
        BOXES,
        "the pixels have the z^+ rule; they should have z^B, or w^2 where no box is given",
        _at_pixels(lambda said: AlphaBeta(said["bias"], 1, 0)),
    ),
    made(
        "zero-at-pixels",
        BOXES,
        "the pixels have LRP-0; they should have z^B, or w^2 where no box is given",
        _at_pixels(lambda said: Zero(said["bias"])),
    ),
    made(
        "box-forgotten",
        BOXES,
        "the box is taken to be 0 to 1; it should be the one that is given (w^2 where none is)",
        _given(low=0, high=1),
    ),
    made(
        "box-turned",
        BOXES,
        "low goes with the negative weights and high with the positive ones; it should be the other way round",
        _in_box(BoxTurned),
    ),
    made(
        "box-with-bias",
        BOXES,
        "the bias is in the denominator of z^B; it should not be",
        _in_box(BoxWithBias),
    ),
    made(
        "zero-in-hidden",
        ("deep-taylor",),
        "hidden layers have LRP-0; they should have z^+",
        _at_weights(lambda said: Zero(said["bias"])),
    ),
    made(
        "zero-at-convolutions",
        ("lrp-composite",),
        "convolutions have LRP-0; the first half should have gamma, the rest eps",
        _at_convolutions(lambda said: Zero(said["bias"])),
    ),
    made(
        "gamma-at-convolutions",
        ("lrp-composite",),
        "all convolutions have gamma; only the first half should, and the rest eps",
        _at_convolutions(lambda said: Gamma(said["bias"], 0.25)),
    ),
    made(
        "gamma-at-the-end",
        ("lrp-composite",),
        "linear layers have gamma; they should have LRP-0",
        lambda asked: answer(asked, ruling({Linear: Gamma(asked.params["bias"], 0.25)})),
    ),
)
