"""The compiled twins: one for every definition, of the same signature, agreeing with it to rounding; and mx.use."""

import inspect
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import Context, copy_context
from itertools import product
from threading import Barrier
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import minixai as mx
from minixai.ops import ENGINES, backend, compiled, convolution, linear, pooling
from minixai.ops.windows import pad
from minixai.whitebox import deconvnet, guided

from .material import LAYOUTS, Axis, assert_within, fractions, gamma

TWINS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": function
    for module in (convolution, linear, pooling)
    for name, function in vars(module).items()
    if hasattr(function, "definition") and function.__module__ == module.__name__
}
GATES = {  # what takes a gate: its arguments, given a signal and a gate
    "relu_choose": (mx.ReLU.choose, lambda R, gate: (mx.ReLU(), R)),
    "relu_forward": (mx.ReLU.forward, lambda R, gate: (mx.ReLU(), R, gate)),
    "relu_adjoint": (mx.ReLU.adjoint, lambda R, gate: (mx.ReLU(), R, R[(0,) * (R.ndim - gate.ndim)], gate)),
    "relu_guided": (guided.GUIDED[mx.ReLU], lambda R, gate: (R, SimpleNamespace(choice=gate))),
    "relu_deconvnet": (deconvnet.DECONVNET[mx.ReLU], lambda R, gate: (R, SimpleNamespace(choice=gate))),
}
DTYPES = (np.float64, np.float32)


@pytest.fixture(autouse=True)
def every_loop(request, monkeypatch):
    """Small arrays take the definitions and leave Numba alone; these tests are about the loops."""
    if "small" not in request.node.name:
        monkeypatch.setattr(compiled, "SMALL", 0)


def twin_of(name):
    return getattr(compiled, name.rpartition(".")[2])


# The twins -----------------------------------------------------------------------------------------------------------


def test_the_introspection_finds_them():
    assert set(TWINS) == {
        "convolution.conv", "convolution.conv_adjoint", "convolution.filter_gradient",
        "linear.matrix_product", "pooling.winners", "pooling.take", "pooling.unpool",
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
    assert public == {name.rpartition(".")[2] for name in TWINS} | set(GATES)


@pytest.mark.parametrize("name", GATES)
def test_gates_have_the_definitions_signature_and_values(name):
    """Small and large, with and without leading axes; a NaN is an open gate's own, and 0 is not positive."""
    function, arguments = GATES[name]
    assert list(inspect.signature(getattr(compiled, name)).parameters) == list(
        inspect.signature(function.definition).parameters
    )
    rng = np.random.default_rng(5)
    for lead, size in product(((), (3,), (2, 1)), ((0, 2, 3, 3), (2, 3, 5, 7), (1, 40, 30, 31))):
        for dtype in DTYPES:
            gate = rng.integers(0, 2, size).astype(bool)
            R = normal(rng, lead + size, dtype)
            R = np.where(rng.random(R.shape) < 0.1, dtype(np.nan), R)
            R = np.where(rng.random(R.shape) < 0.1, dtype(0), R)
            ours, expected = getattr(compiled, name)(*arguments(R, gate)), function.definition(*arguments(R, gate))
            assert ours.dtype == expected.dtype
            np.testing.assert_array_equal(ours, expected)


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
    return (Y, F), (*where, normal(rng, len(F), dtype) if rng.integers(2) else None)


def conv_adjoint_case(rng, dtype):
    Y, F, R, where = random_convolution(rng, dtype)
    return (R, F), (Y.shape[2:], *where)


def filter_gradient_case(rng, dtype):
    Y, F, R, where = random_convolution(rng, dtype)
    return (R, Y), (F.shape[2:], *where)


def product_case(rng, dtype):
    n, k, m = map(int, rng.integers((0, 1, 1), (3, 40, 40)))
    return (normal(rng, (n, k), dtype), normal(rng, (m, k), dtype)), ()


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


def take_case(rng, dtype):
    x, _, switches = random_switches(rng)
    return (list(LAYOUTS.values())[rng.integers(len(LAYOUTS))](x.astype(dtype)),), (np.maximum(switches, 0),)


def unpool_case(rng, dtype):
    x, _, switches = random_switches(rng)
    lead = ((), (2,), (2, 1))[rng.integers(3)]
    return (normal(rng, lead + switches.shape, dtype),), (np.maximum(switches, 0), x.shape[2:])


MAKERS = {
    "convolution.conv": conv_case,
    "convolution.conv_adjoint": conv_adjoint_case,
    "convolution.filter_gradient": filter_gradient_case,
    "linear.matrix_product": product_case,
    "pooling.winners": winners_case,
    "pooling.take": take_case,
    "pooling.unpool": unpool_case,
}


CHOOSE_ONLY = ("pooling.winners", "pooling.take")  # they compute nothing, so nothing is rounded


def _magnitude(a):
    return np.abs(a.astype(np.float64)) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


def assert_agree(name, arrays, where):
    """A twin adds the definition's products in another order: both are within gamma_n sum |a_i b_i| of the truth."""
    definition = TWINS[name].definition
    ours, expected = twin_of(name)(*arrays, *where), definition(*arrays, *where)
    assert ours.dtype == expected.dtype
    if name in CHOOSE_ONLY:
        assert np.array_equal(ours, expected)
        return
    magnitude = definition(*(np.abs(a.astype(np.float64)) for a in arrays), *(_magnitude(w) for w in where))
    ones = [np.ones_like(w) if isinstance(w, np.ndarray) and w.dtype.kind == "f" else w for w in where]
    terms = definition(*(np.ones(a.shape) for a in arrays), *ones).max(initial=1)
    assert_within(ours, expected, 2 * gamma(terms, ours.dtype) * magnitude)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TWINS)
def test_agrees_with_its_definition(name, dtype):
    rng = np.random.default_rng(7)
    cases = [MAKERS[name](rng, dtype) for _ in range(60)]
    assert {0, 1, 2} <= {len(arrays[0]) for arrays, _ in cases}
    assert {4, 5} <= {arrays[0].ndim for arrays, _ in cases} or name == "linear.matrix_product"
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


# Tiles ---------------------------------------------------------------------------------------------------------------

B_TILE = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
A_TILE = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])


def by_hand(Y, F, padding, b, absolute=False):
    """Winograd's formula, tile by tile; ``absolute``: of the magnitudes, the size of everything that is rounded."""
    size = lambda a: abs(a) if absolute else a  # noqa: E731
    A, B, G = map(size, (A_TILE, B_TILE, compiled.G_TILE))
    Y, F = size(Y.astype(float)), size(F.astype(float))
    high, wide = (n + before + after - 2 for n, (before, after) in zip(Y.shape[2:], padding, strict=True))
    (top, bottom), (left, right) = padding
    Y = pad(Y, ((top, bottom + high % 2), (left, right + wide % 2)))
    O, U = np.empty((len(Y), len(F), high + high % 2, wide + wide % 2)), np.einsum("ai,kcij,bj->abkc", G, F, G)
    for i, j in product(range(0, high, 2), range(0, wide, 2)):
        V = np.einsum("ai,ncij,bj->abnc", B, Y[:, :, i : i + 4, j : j + 4], B)
        O[:, :, i : i + 2, j : j + 2] = np.einsum("ia,abkc,abnc,jb->nkij", A, U, V, A)
    return O[:, :, :high, :wide] + size(b)[:, None, None]


def tile_case(rng):
    n, c, k = (int(v) for v in rng.integers((0, 1, 1), (4, 9, 9)))
    padding = tuple(tuple(int(v) for v in rng.integers(-1, 4, 2)) for _ in range(2))
    size = [int(rng.integers(3 - min(p, 0) + 2, 12)) for p in map(sum, padding)]
    Y, F, b = (normal(rng, shape, np.float32) for shape in ((n, c, *size), (k, c, 3, 3), (k,)))
    return Y, F, padding, b


def test_winograds_formula_is_the_convolution():
    rng = np.random.default_rng(1)
    for _ in range(10):
        Y, F, padding, b = tile_case(rng)
        expected = convolution.conv.definition(Y.astype(float), F.astype(float), (1, 1), padding, (1, 1), 1, b)
        np.testing.assert_allclose(by_hand(Y, F, padding, b), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_tiles_agree_with_the_definition(threads, monkeypatch):
    """Sums of C products and at most 18 more roundings: tile 2, filter 9, outputs 2 + 2, bias; each within gamma."""
    monkeypatch.setattr(compiled, "_cores", lambda *work: nullcontext(threads))
    monkeypatch.setattr(compiled, "LEAST_TILES", 5)  # several blocks, also across pictures
    monkeypatch.setattr(compiled, "TILE_BYTES", 0)
    rng = np.random.default_rng(2)
    for _ in range(60):
        Y, F, padding, b = tile_case(rng)
        where = (1, 1), padding, (1, 1), 1
        expected = convolution.conv.definition(Y.astype(float), F.astype(float), *where, b.astype(float))
        bound = gamma(F.shape[1] + 18, np.float32) * by_hand(Y, F, padding, b, absolute=True)
        assert_within(compiled._by_tiles(Y, F, padding, b), expected, bound)
        swapped = np.ascontiguousarray(convolution.flip(F))
        assert_within(compiled._by_tiles(Y, swapped, padding, b, turned=True), expected, bound)


LARGE = {  # whether tiles pay: (Y, F, stride, padding, dilation, groups)
    "large": ((1, 64, 40, 40), (64, 64, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, True),
    "stacked": ((6, 64, 14, 14), (64, 64, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, True),
    "small": ((1, 16, 16, 16), (16, 16, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, False),
    "picture": ((1, 3, 99, 99), (64, 3, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, False),
    "strided": ((1, 64, 80, 80), (64, 64, 3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1), 1, False),
    "dilated": ((1, 64, 40, 40), (64, 64, 3, 3), (1, 1), ((2, 2), (2, 2)), (2, 2), 1, False),
    "groups": ((1, 128, 60, 60), (64, 32, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 4, False),
    "1x1": ((1, 256, 60, 60), (64, 256, 1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, False),
    "5x5": ((1, 32, 40, 40), (64, 32, 5, 5), (1, 1), ((2, 2), (2, 2)), (1, 1), 1, False),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LARGE)
def test_large_layers_agree_on_every_way_through(name, dtype, monkeypatch):
    """One picture through the layer and back, by several threads; tiles where they pay, and only in float32."""
    data, filters, *where, by_tiles = LARGE[name]
    called, original = [], compiled._by_tiles
    monkeypatch.setattr(compiled, "_by_tiles", lambda *args, **kwargs: called.append(1) or original(*args, **kwargs))
    monkeypatch.setattr(compiled, "_cores", lambda *work: nullcontext(2))
    rng = np.random.default_rng(6)
    Y, F, b = (rng.standard_normal(shape) for shape in (data, filters, filters[:1]))
    Y, F, b = Y.astype(dtype), F.astype(dtype), b.astype(dtype)
    out = convolution.conv.definition(Y.astype(float), F.astype(float), *where, b.astype(float))
    rounding = 30 * np.finfo(dtype).eps * np.sqrt(F[0].size * 2 * len(F))  # sums of N(0, 1), and ten deviations
    assert abs(compiled.conv(Y, F, *where, b) - out).max() < rounding
    R = rng.standard_normal(out.shape).astype(dtype)
    back = convolution.conv_adjoint.definition(R.astype(float), F.astype(float), data[2:], *where)
    assert abs(compiled.conv_adjoint(R, F, data[2:], *where) - back).max() < rounding
    assert len(called) == (2 if by_tiles and dtype == np.float32 else 0)


SMALL_NETWORK = """
import sys, numpy as np, minixai as mx
features = [mx.Conv2d(np.ones((2, 1, 3, 3))), mx.ReLU(), mx.MaxPool2d(2)]
net = mx.Network.sequential([*features, mx.Flatten(), mx.Linear(np.eye(8))])
for method in ("gradient", "guided-backprop", "deconvnet"):
    mx.explain(net, np.ones((1, 6, 6)), method)
assert mx.engine() == "compiled"
print([name for name in ("numba", "threadpoolctl") if name in sys.modules])
"""


def test_small_networks_load_neither_numba_nor_threads():
    done = subprocess.run([sys.executable, "-c", SMALL_NETWORK], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


# Threads -------------------------------------------------------------------------------------------------------------


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_blas_keeps_to_one_thread_while_the_engine_computes_and_gets_its_own_back():
    with threadpool_limits(2, user_api="blas"):
        for work, expected in ((compiled.SHARED_WORK, 2), (compiled.SHARED_WORK - 1, 1), (compiled.SINGLE_WORK, 1)):
            with compiled._cores(work) as threads:
                assert threads == expected and blas_threads() == {1}
            assert blas_threads() == {2}
        with pytest.raises(KeyError), compiled._cores(compiled.SHARED_WORK):
            raise KeyError("in the block")
        assert blas_threads() == {2}
        with compiled._cores(compiled.SINGLE_WORK - 1) as threads:
            assert threads == 1 and blas_threads() == {2}


def test_two_callers_at_once_leave_blas_as_it_was():
    rng = np.random.default_rng(3)
    Y, F = rng.standard_normal((1, 64, 40, 40)).astype("f"), rng.standard_normal((64, 64, 3, 3)).astype("f")
    where = (1, 1), ((1, 1), (1, 1)), (1, 1), 1
    with threadpool_limits(2, user_api="blas"):
        expected = compiled.conv(Y, F, *where)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: compiled.conv(Y, F, *where), range(12)):
                assert np.array_equal(found, expected)
        assert blas_threads() == {2}


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_agree_by_several_threads(dtype, monkeypatch):
    monkeypatch.setattr(compiled, "_cores", lambda *work: nullcontext(3))
    rng = np.random.default_rng(4)
    for _ in range(30):
        assert_agree("linear.matrix_product", *product_case(rng, dtype))


def test_every_item_is_done_once_and_an_error_is_heard():
    done = []
    compiled._share(lambda item, held: done.append((item, held)), range(50), 3, lambda: "buffer")
    assert sorted(done) == [(i, "buffer") for i in range(50)]

    def refuse(item, held):
        raise ValueError(item)

    for threads in (1, 3):
        with pytest.raises(ValueError, match="7"):
            compiled._share(refuse, [7, 7, 7], threads)
        compiled._share(refuse, [], threads)


def test_without_threadpoolctl_blas_keeps_its_threads(monkeypatch):
    compiled._blas.cache_clear()
    monkeypatch.setattr(compiled, "find_spec", lambda name: None)
    try:
        with compiled._cores(compiled.SHARED_WORK) as threads:
            assert threads == 1
    finally:
        compiled._blas.cache_clear()


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
