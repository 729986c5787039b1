"""What methods share when they are asked together: every tape is made once, and nothing changes by it."""

import weakref
from itertools import count

import numpy as np
import pytest

import minixai as mx
from minixai import planner
from minixai.conformance.making.networks import random_case
from minixai.whitebox.case import Case
from minixai.whitebox.gradient import GRADIENT
from minixai.whitebox.guided import GUIDED
from tests.core.test_explain import METHODS, assert_same, friendly

REFERENCES = ("deeplift-rescale", "deeplift-revealcancel")
RIDERS = ("gradient", "deconvnet", "guided-backprop", "grad-cam", "guided-grad-cam")


@pytest.fixture
def passes(monkeypatch):
    """The pictures of every forward pass that the front door makes."""
    seen = []

    def counted(network, x, *more, **named):
        seen.append(np.array(x))
        return mx.forward(network, x, *more, **named)

    monkeypatch.setattr("minixai.api.forward", counted)
    return seen


def plain(number=0):
    """A network without batch norms, so that no method has to fold one, and two pictures."""
    return random_case(number, "normal", n=2, batchnorm="none", gap=True)


def test_one_pass_of_the_reference_for_all_that_compare_with_it(passes):
    network, x = plain()
    mx.explain_all(network, x, {**dict.fromkeys(REFERENCES, {}), "integrated-gradients": {"n": 3}})
    own, black, path = passes
    assert np.array_equal(own, x) and not black.any() and len(path) == 3 * len(x)


@pytest.mark.parametrize("method", REFERENCES)
def test_deeplift_alone_makes_two_passes(method, passes):
    network, x = plain()
    mx.explain(network, x, method)
    assert len(passes) == 2


def test_every_reference_has_its_own_pass(passes):
    network, x = plain()
    several = np.stack([np.full(x.shape[1:], v) for v in (0.0, 0.5, 1.0)])
    e = mx.explain(network, x, "deeplift-rescale", baseline=several)
    assert len(passes) == 4
    each = [mx.explain(network, x, "deeplift-rescale", baseline=one).relevance for one in several]
    assert np.array_equal(e.relevance, np.mean(each, axis=0))


def test_networks_with_batch_norms_are_folded_once(passes):
    drawn = (random_case(seed, "normal", n=2, batchnorm="foldable") for seed in count())
    network, x = next((net, x) for net, x in drawn if any(isinstance(n.op, mx.BatchNorm2d) for n in net.nodes))
    mx.explain_all(network, x, ["gradient", "lrp-0", "lrp-epsilon", *REFERENCES])
    assert len(passes) == 3  # the pictures as they are, once more in the folded network, and its reference


def test_a_picture_that_is_its_own_reference():
    network, x = plain()
    e = mx.explain(network, x, "deeplift-rescale", baseline=x[0])
    assert not e[0].relevance.any() and e[1].relevance.any()


@pytest.mark.parametrize("numbers", ["eighths", "normal"])
@pytest.mark.parametrize("number", range(2))
def test_together_is_alone_to_the_last_bit(numbers, number):
    """Each method by itself makes all its passes itself (``explain_by`` shares nothing). Of floats, what rides in one
    walk is multiplied in one product, which may round otherwise: see test_floats_together_are_each_alone_to_rounding.
    """
    network, x = friendly(number, numbers)
    params = {name: {} if numbers == "normal" and name == "lrp-epsilon" else given for name, given in METHODS.items()}
    for method, e in mx.explain_all(network, x, params).items():
        if numbers == "eighths" or method not in RIDERS:
            assert_same(e, mx.api.explain_by(mx.forward, network, x, method, None, params[method]))


def test_a_tied_tape_is_the_one_that_a_pass_would_have_made():
    network, x = friendly(0)
    ref = mx.forward(network, 0 * x)
    made, tied = mx.forward(network, x, ref=ref), planner.tied(mx.forward(network, x), ref)
    for a, b in zip(made.steps, tied.steps, strict=True):
        assert a.name == b.name and type(a.op) is type(b.op) and a.ref is b.ref and np.array_equal(a.y, b.y)
        assert [p.name for p in a.parents] == [p.name for p in b.parents]
        assert all(p is tied[p.name] for p in b.parents)
        assert (a.choice is None) == (b.choice is None) and np.array_equal(a.choice, b.choice)


def test_other_pictures_are_forgotten():
    network, x = plain()
    case = planner.sharing(Case(mx.forward(network, x), np.array([0, 0])))
    other = weakref.ref(case.run(network, x + 1))
    assert other() is None
    black = weakref.ref(case.run(network, x, ref=case.run(network, 0 * x))["input"].reference)
    assert black() is not None


# -- copies that are made at once --------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", ["gradient", "deeplift-revealcancel", "lrp-0", "fem"])
@pytest.mark.parametrize("average", ["maps", "signed"])
def test_copies_at_once_are_copies_one_by_one(inner, average, passes):
    """Signals too; RevealCancel's have an axis before the pictures'."""
    network, x = friendly(0)
    asked = {"smoothgrad": {"method": inner, "average": average, "n": 3}}
    together = mx.explain_all(network, x, asked)["smoothgrad"]
    few = len(passes)
    each = mx.explain_all(network, x, asked, memory=1)["smoothgrad"]
    assert len(passes) - few > few
    assert_same(together, each)


def test_what_fits_into_memory():
    network, x = plain()
    tape = mx.forward(network, x)
    both = 2 * sum(step.y.nbytes for step in tape.steps)  # a tape, and the signals of a walk
    fitting = {memory: Case(tape, np.array([0, 0]), memory=memory).at_once for memory in (1, both, 3 * both - 1)}
    assert list(fitting.values()) == [1, 1, 2]
    assert Case(tape, np.array([0, 0]), memory=7).at(x).folded.against(0 * x).memory == 7


@pytest.mark.parametrize("memory", [0, -1, 1e9])
def test_memory_is_a_number_of_bytes(memory):
    network, x = plain()
    with pytest.raises(ValueError, match=f"memory is {memory}; expected a number of bytes of at least 1"):
        mx.explain_all(network, x, ["gradient"], memory=memory)


# -- signals that are not kept -----------------------------------------------------------------------------------------


def test_without_signals_everything_else_is_the_same():
    network, x = friendly(0)
    kept, dropped = (mx.explain_all(network, x, METHODS, signals=signals) for signals in (True, False))
    for method in METHODS:
        assert not dropped[method].signals
        for field in ("relevance", "map", "score", "expected"):
            assert np.array_equal(getattr(kept[method], field), getattr(dropped[method], field)), (method, field)
        assert kept[method].absorbed.keys() == dropped[method].absorbed.keys()


def test_without_signals_grad_cam_looks_where_it_is_told():
    network, x = friendly(0)
    layer = next(node.name for node in network.nodes if isinstance(node.op, mx.Conv2d))
    asked = {"gradient": {}, "guided-grad-cam": {"layer": layer}, "grad-cam": {"layer": layer, "relu": False}}
    for method, e in mx.explain_all(network, x, asked, signals=False).items():
        assert np.array_equal(e.relevance, mx.explain(network, x, method, **asked[method]).relevance)
    with pytest.raises(ValueError, match="layer 'nowhere' is not in the network"):
        mx.explain_all(network, x, {"gradient": {}, "grad-cam": {"layer": "nowhere"}}, signals=False)


def test_a_walk_keeps_what_is_wanted_and_its_end():
    network, x = friendly(0, "normal")
    layer = next(node.name for node in network.nodes if isinstance(node.op, mx.ReLU))
    whole, thin = (Case(mx.forward(network, x), np.array([0, 1])) for _ in range(2))
    planner.walk_as_one(whole, [GRADIENT, GUIDED])
    planner.walk_as_one(thin, [GRADIENT, GUIDED], keep={layer})
    for method, hops in whole.walked.items():
        assert [hop.at.name for hop in thin.walked[method]] == [layer, "input"]
        arrived = {hop.at.name: hop.arriving for hop in hops}
        assert all(np.array_equal(hop.arriving, arrived[hop.at.name]) for hop in thin.walked[method])


def test_a_walk_that_keeps_nothing_still_ends_at_the_picture():
    network, x = friendly(0)
    case = Case(mx.forward(network, x), np.array([0, 1]))
    planner.walk_as_one(case, [GRADIENT], keep=())
    (last,), explained = case.walked["gradient"], mx.explain(network, x, "gradient", target=[0, 1])
    assert last.at.name == "input" and np.array_equal(last.arriving, explained.relevance)


def test_a_bar_is_shown_in_a_terminal_only(capsys):
    network, x = friendly(0)
    mx.explain_all(network, x, ["gradient", "fem"], progress=True)
    assert capsys.readouterr().err == ""
