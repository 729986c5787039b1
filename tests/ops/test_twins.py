"""The compiled twins: one for every definition, of the same signature, agreeing with it to rounding; and mx.use."""

import inspect
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from threading import Barrier

import numpy as np
import pytest

import minixai as mx
from minixai.ops import ENGINES, backend, compiled, convolution, pooling

from .material import LAYOUTS, Axis, assert_within, fractions, gamma

TWINS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": function
    for module in (convolution, pooling)
    for name, function in vars(module).items()
    if hasattr(function, "definition") and function.__module__ == module.__name__
}
DTYPES = (np.float64, np.float32)


def twin_of(name):
    return getattr(compiled, name.rpartition(".")[2])


# The twins -----------------------------------------------------------------------------------------------------------


def test_the_introspection_finds_them():
    assert set(TWINS) == {
        "convolution.conv", "convolution.conv_adjoint", "convolution.filter_gradient", "pooling.winners",
        "pooling.unpool",
    }  # fmt: skip


@pytest.mark.parametrize("name", TWINS)
def test_same_name_and_signature(name):
    assert inspect.signature(twin_of(name)) == inspect.signature(TWINS[name].definition)


def test_no_twin_without_a_definition():
    public = {
        name
        for name, function in vars(compiled).items()
        if inspect.isfunction(function) and function.__module__ == compiled.__name__ and not name.startswith("_")
    }
    assert public == {name.rpartition(".")[2] for name in TWINS}


def random_axes(rng, axes, usable=lambda axis: True):
    found = []
    while len(found) < axes:
        axis = Axis(*map(int, rng.integers((1, 1, 1, 0, 0, 1), (10, 4, 4, 3, 3, 4))))
        if axis.starts() and usable(axis):
            found.append(axis)
    return tuple(zip(*found, strict=True))


def normal(rng, shape, dtype):
    layout = list(LAYOUTS.values())[rng.integers(len(LAYOUTS))]
    return layout(rng.standard_normal(shape).astype(dtype))


def random_convolution(rng, dtype):
    """(Y, F, R, where): R is shaped as conv(Y, F, *where)."""
    axes, n = int(rng.integers(2, 4)), int(rng.integers(0, 3))
    size, taps, stride, before, after, dilation = random_axes(rng, axes)
    groups, inputs, outputs = map(int, rng.integers(1, 4, 3))
    padding = tuple(zip(before, after, strict=True))
    Y, F = normal(rng, (n, groups * inputs, *size), dtype), normal(rng, (groups * outputs, inputs, *taps), dtype)
    where = (stride, padding, dilation, groups)
    out = tuple(len(Axis(*each).starts()) for each in zip(size, taps, stride, before, after, dilation, strict=True))
    return Y, F, normal(rng, (n, groups * outputs, *out), dtype), where


def conv_case(rng, dtype):
    Y, F, _, where = random_convolution(rng, dtype)
    return (Y, F), where


def conv_adjoint_case(rng, dtype):
    Y, F, R, where = random_convolution(rng, dtype)
    return (R, F), (Y.shape[2:], *where)


def filter_gradient_case(rng, dtype):
    Y, F, R, where = random_convolution(rng, dtype)
    return (R, Y), (F.shape[2:], *where)


def random_switches(rng):
    """(x with ties, where, switches); windows that lie wholly in the padding have the switch -1."""
    axes = int(rng.integers(1, 4))
    size, kernel, stride, before, after, dilation = random_axes(rng, axes)
    x = rng.integers(-3, rng.integers(-1, 4), (rng.integers(0, 3), 2, *size))
    where = (kernel, stride, tuple(zip(before, after, strict=True)), dilation)
    return x, where, pooling.winners.definition(x.astype(float), *where)


def winners_case(rng, dtype):
    x, where, _ = random_switches(rng)
    return (list(LAYOUTS.values())[rng.integers(len(LAYOUTS))](x.astype(dtype)),), where


def unpool_case(rng, dtype):
    x, _, switches = random_switches(rng)
    lead = ((), (2,), (2, 1))[rng.integers(3)]
    return (normal(rng, lead + switches.shape, dtype),), (np.maximum(switches, 0), x.shape[2:])


MAKERS = {
    "convolution.conv": conv_case,
    "convolution.conv_adjoint": conv_adjoint_case,
    "convolution.filter_gradient": filter_gradient_case,
    "pooling.winners": winners_case,
    "pooling.unpool": unpool_case,
}


def assert_agree(name, arrays, where):
    """A twin adds the definition's products in another order: both are within gamma_n sum |a_i b_i| of the truth."""
    definition = TWINS[name].definition
    ours, expected = twin_of(name)(*arrays, *where), definition(*arrays, *where)
    assert ours.dtype == expected.dtype
    if name == "pooling.winners":
        assert np.array_equal(ours, expected)
        return
    magnitude = definition(*(np.abs(a.astype(np.float64)) for a in arrays), *where)
    terms = definition(*(np.ones(a.shape) for a in arrays), *where).max(initial=1)
    assert_within(ours, expected, 2 * gamma(terms, ours.dtype) * magnitude)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TWINS)
def test_agrees_with_its_definition(name, dtype):
    rng = np.random.default_rng(7)
    cases = [MAKERS[name](rng, dtype) for _ in range(60)]
    assert {0, 1, 2} <= {len(arrays[0]) for arrays, _ in cases}
    assert {4, 5} <= {arrays[0].ndim for arrays, _ in cases}
    for arrays, where in cases:
        assert_agree(name, arrays, where)


@pytest.mark.parametrize("name", [name for name in TWINS if "convolution" in name])
def test_agrees_when_patches_come_a_row_at_a_time(name, monkeypatch):
    monkeypatch.setattr(compiled, "BLOCK_BYTES", 1)
    rng = np.random.default_rng(8)
    for _ in range(40):
        assert_agree(name, *MAKERS[name](rng, np.float64))


@pytest.mark.parametrize("name", [name for name in TWINS if "convolution" in name])
def test_agrees_on_several_blocks_of_the_real_size(name, monkeypatch):
    """A picture large enough that patches really are made in more than one block."""
    rng = np.random.default_rng(9)
    Y, F = rng.standard_normal((1, 8, 90, 90)), rng.standard_normal((2, 8, 3, 3))
    where = ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    blocks = list(compiled._blocks((90, 90), 8 * 9 * 8))
    assert len(blocks) > 1 and blocks[-1].stop == 90
    R = rng.standard_normal((1, 2, 90, 90))
    cases = {
        "convolution.conv": ((Y, F), where),
        "convolution.conv_adjoint": ((R, F), ((90, 90), *where)),
        "convolution.filter_gradient": ((R, Y), ((3, 3), *where)),
    }
    assert_agree(name, *cases[name])


# Which engine computes -----------------------------------------------------------------------------------------------


@pytest.fixture
def spied(monkeypatch):
    """The names of the twins as they are called."""
    called = []

    def spy(name, original):
        def computed(*args, **kwargs):
            called.append(name)
            return original(*args, **kwargs)

        return computed

    for name in TWINS:
        monkeypatch.setattr(compiled, name.rpartition(".")[2], spy(name, twin_of(name)))
    return called


def call(name, exact=False, by_keyword=False):
    rng = np.random.default_rng(3)
    arrays, where = next(case for case in iter(lambda: MAKERS[name](rng, np.float64), None) if len(case[0][0]))
    given = [mx.exact(a) for a in arrays] if exact else list(arrays)
    names = list(inspect.signature(TWINS[name].definition).parameters)
    arguments = [*given, *where]
    return TWINS[name](**dict(zip(names, arguments, strict=True))) if by_keyword else TWINS[name](*arguments)


@pytest.mark.parametrize("name", TWINS)
def test_floats_take_the_twin_under_compiled_and_the_definition_under_reference(name, spied):
    with mx.use("reference"):
        call(name)
    assert spied == []
    with mx.use("compiled"):
        call(name)
    assert spied == [name]


@pytest.mark.parametrize("by_keyword", [False, True])
@pytest.mark.parametrize("name", TWINS)
def test_fractions_always_take_the_definition(name, by_keyword, spied, each_engine):
    assert call(name, exact=True, by_keyword=by_keyword).dtype == (int if name == "pooling.winners" else object)
    assert spied == []


def test_a_layer_computes_the_same_fractions_on_both_engines(each_engine):
    rng = np.random.default_rng(4)
    op, x = mx.Conv2d(fractions(rng, (2, 2, 2, 2)), padding=1), fractions(rng, (1, 2, 3, 3))
    out = op.forward(x)
    padded = np.full((2, 5, 5), x[0, 0, 0, 0] * 0)
    padded[:, 1:4, 1:4] = x[0]
    expected = [[[(padded[:, i : i + 2, j : j + 2] * F).sum() for j in range(4)] for i in range(4)] for F in op.weight]
    assert (out == np.array([expected], object)).all()


def test_use_as_a_statement_holds_from_here_on():
    def inside():
        mx.use("reference")
        before = mx.engine()
        mx.use("compiled")
        return before, mx.engine()

    outer = mx.engine()
    assert copy_context().run(inside) == ("reference", "compiled")
    assert mx.engine() == outer


def test_use_as_a_context_manager_restores_also_after_an_error():
    outer = mx.engine()
    with mx.use("reference"):
        with mx.use("compiled"):
            with mx.use("reference"):
                assert mx.engine() == "reference"
            assert mx.engine() == "compiled"
        assert mx.engine() == "reference"
        with pytest.raises(KeyError), mx.use("compiled"):
            raise KeyError("in the block")
        assert mx.engine() == "reference"
    assert mx.engine() == outer


@pytest.mark.parametrize("engine", ENGINES)
def test_a_chosen_engine_can_be_entered_again(engine):
    """A block never runs on another engine than the one that its ``with`` names."""
    other = next(name for name in ENGINES if name != engine)

    def inside():
        mx.use(other)
        chosen, seen = mx.use(engine), []
        for _ in range(2):
            with chosen:
                seen.append(mx.engine())
        return seen

    assert copy_context().run(inside) == [engine, engine]


@pytest.mark.parametrize("name", ["numba", "", "Compiled", None, 1])
def test_an_unknown_engine_is_refused_and_changes_nothing(name):
    with mx.use("reference"):
        with pytest.raises(ValueError, match="engine .* is not known; expected one of reference, compiled"):
            mx.use(name)
        assert mx.engine() == "reference"


def test_without_numba_the_definitions_compute(monkeypatch):
    monkeypatch.setattr(backend, "_numba_installed", lambda: False)
    assert Context().run(mx.engine) == "reference"
    with pytest.raises(ImportError, match="pip install 'minixai\\[book\\]'"):
        mx.use("compiled")


def test_with_numba_the_default_is_compiled():
    assert Context().run(mx.engine) == "compiled"


def test_threads_choose_for_themselves():
    """Two threads hold different engines at the same moment, and neither changes the caller's."""
    outer, both = mx.engine(), Barrier(2)

    def hold(name):
        mx.use(name)
        both.wait(timeout=30)
        seen = mx.engine()
        both.wait(timeout=30)
        return seen

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(hold, ENGINES)) == list(ENGINES)
    assert mx.engine() == outer
