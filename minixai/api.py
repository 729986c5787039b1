"""The front door: ``explain``, ``explain_all`` and the registry of methods."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from inspect import signature
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from minixai.blackbox.scoring import Answer, Engine, Question, batch_of, model_of, scores_of
from minixai.network import Network, Tape, forward
from minixai.ops import Array
from minixai.planner import sharing, walk_as_one
from minixai.result import Explanation
from minixai.targets import class_numbers
from minixai.taxonomy import PAPERS, SURVEY, Method, closest
from minixai.walk import Table
from minixai.whitebox.cam import cam
from minixai.whitebox.case import MEMORY, Case, Finding
from minixai.whitebox.composite import composite_table, lrp_composite
from minixai.whitebox.deconvnet import DECONVNET, deconvnet
from minixai.whitebox.deep_taylor import deep_taylor, deep_taylor_table
from minixai.whitebox.deeplift import RESCALE, REVEALCANCEL, deeplift_rescale, deeplift_revealcancel
from minixai.whitebox.features import feature_layer
from minixai.whitebox.fem import fem
from minixai.whitebox.gradcam import grad_cam, guided_grad_cam
from minixai.whitebox.gradient import GRADIENT, gradient
from minixai.whitebox.guided import GUIDED, guided_backprop
from minixai.whitebox.integrated import integrated_gradients
from minixai.whitebox.lrp import (
    alphabeta_table,
    epsilon_table,
    gamma_table,
    lrp_0,
    lrp_alphabeta,
    lrp_epsilon,
    lrp_gamma,
    zero_table,
)
from minixai.whitebox.maps import map_of
from minixai.whitebox.smoothgrad import smoothgrad

LINEAR, STRUCTURE, BLACK, ADVERSARIAL = "linearisation", "structure", "black-box", "adversarial"
WHITE = "white-box"
KINDS = (BLACK, WHITE, ADVERSARIAL)
MAPS, ANY, SLOPES = ("feature maps",), (), ("slopes: a network or a torch module",)

# name: (what runs it, title, family, section, equations, needs, signed, paper); what is seldom asked for by its place,
# so that it is imported when it is
_METHODS: dict[str, tuple] = {
    "gradient": (gradient, "Gradient backpropagation", LINEAR, "4.2", (3, 4, 5, 6), ANY, True, "simonyan2014"),
    "deconvnet": (deconvnet, "DeconvNet", LINEAR, "4.1", (), ANY, True, "zeiler2014"),
    "guided-backprop": (guided_backprop, "Guided backpropagation", LINEAR, "4.3", (), ANY, True, "springenberg2015"),
    "integrated-gradients": (
        integrated_gradients, "Integrated gradients", LINEAR, "4.4", (7,), ("a baseline",), True, "sundararajan2017",
    ),
    "smoothgrad": (smoothgrad, "SmoothGrad", LINEAR, "4.5", (8,), ANY, True, "smilkov2017"),
    "cam": (cam, "CAM", LINEAR, "4.6", (), ("global average pooling, then one linear layer",), True, "zhou2016"),
    "grad-cam": (grad_cam, "Grad-CAM", LINEAR, "4.6", (9, 10), MAPS, False, "selvaraju2017"),
    "guided-grad-cam": (guided_grad_cam, "Guided Grad-CAM", LINEAR, "4.6.1", (9, 10), MAPS, True, "selvaraju2017"),
    "lrp-0": (lrp_0, "LRP-0", STRUCTURE, "5.1", (11, 12), ANY, True, "bach2015"),
    "lrp-epsilon": (lrp_epsilon, "LRP-epsilon", STRUCTURE, "5.1", (11, 13), ANY, True, "bach2015"),
    "lrp-gamma": (lrp_gamma, "LRP-gamma", STRUCTURE, "5.1", (11, 14), ANY, True, "montavon2019"),
    "lrp-alphabeta": (lrp_alphabeta, "LRP-alpha-beta", STRUCTURE, "5.1", (11, 15), ANY, True, "bach2015"),
    "lrp-composite": (lrp_composite, "LRP composite", STRUCTURE, "5.1", (11, 12, 13, 14), ANY, True, "montavon2019"),
    "deep-taylor": (
        deep_taylor, "Deep Taylor decomposition", STRUCTURE, "5.1.1", (16, 17, 18), ("a score of at least 0",), False,
        "montavon2017",
    ),
    "deeplift-rescale": (
        deeplift_rescale, "DeepLIFT, Rescale rule", STRUCTURE, "5.2", (19, 20, 21), ("a baseline",), True,
        "shrikumar2017",
    ),
    "deeplift-revealcancel": (
        deeplift_revealcancel, "DeepLIFT, RevealCancel rule", STRUCTURE, "5.2", (19, 20, 21, 22, 23, 24, 25),
        ("a baseline",), True, "shrikumar2017",
    ),
    "fem": (fem, "FEM", STRUCTURE, "5.3", (26,), MAPS, False, "fuad2020"),
    "lime": ("minixai.blackbox.lime:lime", "LIME", BLACK, "2.1", (), ANY, True, "ribeiro2016"),
    "occlusion": (
        "minixai.blackbox.occlusion:occlusion", "Occlusion", BLACK, "2.1", (), ANY, True, "zeiler2014",
    ),
    "meaningful-perturbation": (
        "minixai.blackbox.perturbation:meaningful_perturbation", "Meaningful perturbation", BLACK, "2.1", (), SLOPES,
        False, "fong2017",
    ),
    "two-generators": (
        "minixai.adversarial.generators:two_generators", "Two generators", ADVERSARIAL, "6", (27,),
        ("two classes", "two generators, g_s and g_a"), False, "charachon2020",
    ),
}  # fmt: skip

# The methods that are one walk: name -> what makes their table (two of them look at the network first).
_TABLES: dict[str, Callable[..., Table]] = {
    "gradient": lambda: GRADIENT,
    "deconvnet": lambda: DECONVNET,
    "guided-backprop": lambda: GUIDED,
    "lrp-0": zero_table,
    "lrp-epsilon": epsilon_table,
    "lrp-gamma": gamma_table,
    "lrp-alphabeta": alphabeta_table,
    "lrp-composite": composite_table,
    "deep-taylor": deep_taylor_table,
    "deeplift-rescale": lambda: RESCALE,
    "deeplift-revealcancel": lambda: REVEALCANCEL,
}
_STACKED = {  # methods that walk from seed 1 down to the picture: by which table
    "gradient": GRADIENT, "deconvnet": DECONVNET, "guided-backprop": GUIDED, "guided-grad-cam": GUIDED,
}  # fmt: skip
_COARSE = ("grad-cam", "guided-grad-cam")  # look at the gradient's walk, if there is one, at one layer


class Explanations(dict[str, Explanation]):
    """{method: explanation}; ``refused`` says of each method that did not fit why not."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, str] = {}


def methods(kind: str | None = None) -> list[Method]:
    """Every method of the survey that the package implements, or those of one ``kind``, in the survey's order.

    kind: "black-box" (Section 2.1: they ask for scores only), "white-box" (Sections 4 and 5) or "adversarial" (Section
    6: they paint pictures of which the network decides otherwise).
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    asked = [name for name in _METHODS if kind in (None, _kind(name))]
    return [_record(name) for name in sorted(asked, key=lambda name: _METHODS[name][3])]


def cite(name: str) -> str:
    """The paper to cite for a method; ``cite("survey")`` is the survey itself."""
    return SURVEY if name == "survey" else PAPERS[_entry(name)[-1]]


def rules(method: str, network: Network | None = None, **params: Any) -> Table:
    """The method's table of rules, to print or to change: ``rules("gradient") | {mx.ReLU: my_rule}``.

    lrp-composite and deep-taylor name the nodes of a network and need it.
    """
    _entry(method)
    if method not in _TABLES:
        raise ValueError(f"{method} is not one walk, so it has no table; expected one of {', '.join(_TABLES)}")
    accepted = list(signature(_TABLES[method]).parameters)
    if network is None and "network" in accepted:
        raise ValueError(f"the table of {method} names the network's nodes; call rules({method!r}, network)")
    _check_params(method, params)
    for key in params:
        if key not in accepted:
            raise ValueError(f"{key} is a parameter of {method}, but not of its table; pass it to explain")
    return _TABLES[method](**params, **({"network": network} if "network" in accepted else {}))


def explain(network: Any, x: Any, method: str | None = None, /, target: Any = None, **params: Any) -> Explanation:
    """Why did this class get this score? One method's answer, for one picture or a batch.

    network: a Network; for the black-box methods also a torch module, or any function x (N, C, H, W) -> scores (N, K).
    x: (C, H, W) or (N, C, H, W), with frames (C, D, H, W) or (N, C, D, H, W), (F,) or (N, F) for a network of linear
    layers. target: a class number or name, one for all or one per picture; None explains the class with the highest
    score. params: the method's own, see ``methods()``. Raises ValueError (UnsupportedOp where the network does not fit
    the method) saying what was given and what is expected.
    """
    # SmoothGrad has a parameter called method, too: explain(net, x, "smoothgrad", method="lrp-0").
    name = params.pop("method", None) if method is None else method
    if _kind(name) == BLACK and not isinstance(network, Network):
        return _explain_scores(network, x, name, target, params)
    run = _prepared(name, params)
    case, single = _case(network, x, target, forward)
    return _explanation(case, single, name, params, run(sharing(case)))


def explain_by(
    run: Callable[..., Tape], network: Network, x: Any, name: str, target: Any, params: Mapping[str, Any]
) -> Explanation:
    """``explain`` with every tape made by ``run(network, x, ref=None)``, for comparisons that bring their own."""
    method = _prepared(name, params)
    case, single = _case(network, x, target, run)
    return _explanation(case, single, name, params, method(case))


def explain_all(
    network: Network,
    x: Any,
    methods: Iterable[str] | Mapping[str, Mapping] | None = None,
    target: Any = None,
    *,
    signals: bool = True,
    progress: bool = False,
    memory: int = MEMORY,
) -> Explanations:
    """Several methods on the same pictures: one forward pass for all, one of the reference image for those that compare
    with it, one walk for those that can share it; CAM, Grad-CAM and FEM read what is there.

    ``methods``: names, or {name: parameters}. None takes all the white-box methods, and ``.refused`` of the result says
    why some do not fit; a method that is asked for by name and does not fit raises. ``signals=False`` keeps no layer's
    signals (``e.signals`` is empty), which a large network has no room for; ``progress`` shows a bar in a terminal.
    ``memory``: how many bytes the pictures may take that integrated gradients and SmoothGrad explain at once.
    """
    if not isinstance(memory, int | np.integer) or memory < 1:
        raise ValueError(f"memory is {memory!r}; expected a number of bytes of at least 1")
    wanted = _wanted(methods)
    runs = {name: _prepared(name, params) for name, params in wanted.items()}
    case, single = _case(network, x, target, forward)
    case = replace(sharing(case), memory=memory)
    tables = {_STACKED[name].method: _STACKED[name] for name in wanted if _rides(name, wanted[name])}
    if tables:
        walk_as_one(case, tables.values(), None if signals else _looked_at(case, wanted))
    found = Explanations()
    for name in _in_turn(wanted, progress):
        try:
            finding = runs[name](case)
            kept = finding if signals else replace(finding, signals={})
            found[name] = _explanation(case, single, name, wanted[name], kept)
        except ValueError as error:
            if methods is not None:
                raise
            found.refused[name] = str(error)
    return found


def _rides(name: str, params: Mapping[str, Any]) -> bool:
    """Whether a method walks from seed 1 by a table of ours; a DeconvNet with parameters starts elsewhere."""
    return name in _STACKED and (not params or name in _COARSE)


def _looked_at(case: Case, wanted: Mapping[str, Mapping]) -> set[str]:
    """The layers at which Grad-CAM will look."""
    layers = set()
    for name in _COARSE:
        with suppress(ValueError):  # a layer that there is not: the method itself says so
            layers |= {feature_layer(case.network, wanted[name].get("layer"))} if name in wanted else set()
    return layers


def _in_turn(names: Iterable[str], progress: bool) -> Iterable[str]:
    if not progress:
        return names
    from tqdm import tqdm

    return tqdm(list(names), desc="methods", leave=False, disable=None)


def _wanted(methods: Iterable[str] | Mapping[str, Mapping] | None) -> dict[str, dict]:
    if methods is None:
        return {name: {} for name in _METHODS if _kind(name) == WHITE}
    if isinstance(methods, str):
        raise ValueError(f"methods is {methods!r}; expected a list of names, [{methods!r}], or {{name: parameters}}")
    return {n: dict(p) for n, p in methods.items()} if isinstance(methods, Mapping) else {n: {} for n in methods}


def _entry(name: str) -> tuple:
    if not isinstance(name, str) or name not in _METHODS:
        raise ValueError(f"method {name!r} is not known; {closest(str(name), list(_METHODS))}")
    return _METHODS[name]


def _runner(name: str) -> Callable:
    """The function that runs a method."""
    run = _entry(name)[0]
    if isinstance(run, str):
        module, function = run.split(":")
        run = getattr(import_module(module), function)
    return run


def _kind(name: Any) -> str:
    """Black-box and adversarial are families of the survey; its two others look inside the network."""
    family = _entry(name)[2]
    return family if family in KINDS else WHITE


def _record(name: str) -> Method:
    _, title, family, section, equations, needs, signed, paper = _METHODS[name]
    return Method(name, title, family, section, equations, _defaults(name), needs, signed, paper)


def _defaults(name: str) -> dict[str, Any]:
    """The method's parameters and their defaults, read off the function that runs it."""
    parameters = signature(_runner(name)).parameters.values()
    named = {p.name: p.default for p in parameters if p.name not in ("case", "question", "inner")}
    return {"method": "gradient", **named} if name == "smoothgrad" else named


def _check_params(name: str, params: Mapping[str, Any]) -> None:
    defaults = _defaults(name)
    for key, value in params.items():
        if key not in defaults:
            raise ValueError(f"{name} has no parameter {key!r}; {closest(key, list(defaults)) or 'it has none'}")
        if isinstance(defaults[key], bool):
            if not isinstance(value, bool):
                raise ValueError(f"{key} is {value!r}; expected True or False")
        elif isinstance(defaults[key], int | float) and not _is_number(value):
            raise ValueError(f"{key} is {value!r}; expected a finite number")


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)


def _prepared(name: str, params: Mapping[str, Any]) -> Callable[[Case], Finding]:
    """The method with its parameters, ready for a case."""
    run = _runner(name)
    if name != "smoothgrad":
        _check_params(name, params)
        ready = partial(run, **params)
        return partial(_of_scores, ready) if _kind(name) == BLACK else ready
    own = {key: value for key, value in params.items() if key in _defaults(name)}
    inner = own.pop("method", "gradient")
    if inner == "smoothgrad":
        raise ValueError("smoothgrad cannot average itself; expected another method=, for example 'gradient'")
    _check_params(name, own)
    averaged = _prepared(inner, {key: value for key, value in params.items() if key not in _defaults(name)})
    return partial(run, inner=averaged, **own)


def _of_scores(run: Callable[[Question], Finding], case: Case) -> Finding:
    """A black-box method on a network of which more is known: it asks for scores only."""
    return run(Question(Engine(case.network, case.run), case.x, case.target))


def _explain_scores(scorer: Any, x: Any, name: str, target: Any, params: Mapping[str, Any]) -> Explanation:
    """A black-box method on what is known by its scores: a torch module or a function."""
    _check_params(name, params)
    model = model_of(scorer)
    batch, single = batch_of(model, x)
    scores = scores_of(model, batch)
    question = Question(model, batch, _targets(scores, model.facts.get("classes"), target))
    answer = _runner(name)(question, **params)
    return _made(batch, question.target, answer.score, model.facts.get("classes"), single, name, params, answer)


def _case(network: Network, x: Any, target: Any, run: Callable[..., Tape]) -> tuple[Case, bool]:
    if not isinstance(network, Network):
        raise ValueError(f"got a {type(network).__name__} as network; expected a minixai Network (mx.load, mx.Network)")
    batch = network.batch(x)
    if not len(batch):
        raise ValueError(f"x has shape {batch.shape}: an empty batch; expected at least one picture")
    tape = run(network, batch)
    if tape.output.y.ndim != 2:
        raise ValueError(f"the scores have shape {tape.output.y.shape}; expected (N, classes): end with a Flatten")
    return Case(tape, _targets(tape.output.y, network.classes, target), run=run), batch.ndim > np.ndim(x)


def _targets(scores: Array, names: Any, target: Any) -> Array:
    n, classes = scores.shape
    if target is None:
        return np.argmax(scores, axis=1)
    return class_numbers(names, target, n, classes)


def _explanation(case: Case, single: bool, name: str, params: Mapping[str, Any], found: Finding) -> Explanation:
    score = found.score if isinstance(found, Answer) else case.score
    network = case.network
    lead = found.signals[network.output].ndim - 2 if network.output in found.signals else 0
    pictures = None if network.pictures is None else [network.unpreprocess(x) for x in case.x]
    e = _made(case.x, case.target, score, network.classes, False, name, params, found)
    e = replace(e, picture=pictures, leading_axes=lead)
    return _first(e) if single else e


def _made(
    x: Array, target: Array, score: Array | None, classes: Any, single: bool, name: str, params: Mapping[str, Any],
    found: Finding,
) -> Explanation:  # fmt: skip
    e = Explanation(
        method=name,
        relevance=found.relevance,
        map=map_of(found, x),
        x=x,
        target=target,
        score=score,
        params={**_defaults(name), **{key: _told(value) for key, value in params.items()}},
        signals=found.signals,
        expected=found.expected,
        absorbed=found.absorbed,
        label=None if classes is None else [classes[c] for c in target],
        notes=found.said,
        batched=True,
    )
    return _first(e) if single else e


def _told(value: Any) -> Any:
    """A parameter as it is recorded: of functions and networks, what they are called."""
    if isinstance(value, tuple | list) and value and all(map(callable, value)):
        return tuple(getattr(one, "name", getattr(one, "__name__", type(one).__name__)) for one in value)
    return value


def _first(e: Explanation) -> Explanation:
    """The only picture of the batch."""
    return replace(e[0], target=int(e.target[0]))
