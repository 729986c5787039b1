"""Captum, Zennit, SHAP and lime against the vectors: every deviation foreseen, and its numbers those of a variant."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from minixai.conformance import deviations, judge, peers, runner, vectors
from minixai.conformance.deviations import Deviation
from minixai.conformance.judge import Row

AS_EXPECTED = ("lime",)  # libraries that differ nowhere
METHODS = [case for case in vectors.cases() if "method" in case.question]
BY_ID = {case.id: case for case in METHODS}


@pytest.fixture(scope="module", params=peers.LIBRARIES)
def asked(request):
    """(library, what it knows to differ in, {case id: its answer}); skipped where the library is not installed."""
    known = deviations.registry(request.param, version_of(request.param))
    adapter = peers.ADAPTERS[request.param]
    return request.param, known, {case.id: adapter(case.question) for case in METHODS}


def version_of(library):
    try:
        return peers.installed(library)
    except ImportError:
        pytest.skip(f"{library} is not installed")


def settled(answers, known):
    rows = [judge.judge(BY_ID[name], answer) for name, answer in answers.items()]
    return list(deviations.settle(rows, known))


def test_every_deviation_is_foreseen_and_none_is_stale(asked):
    library, known, answers = asked
    rows = settled(answers, known)
    assert [row for row in rows if row.status in ("failed", "errored")] == []
    assert deviations.idle(known, METHODS) == []
    answered = [row for row in rows if row.status != "skipped"]
    statuses = {row.status for row in answered}
    assert statuses == {"passed"} if library in AS_EXPECTED else statuses > {"passed"}
    assert all(row.why for row in rows if row.status == "skipped")
    assert sum(row.status == "passed" for row in answered) > 30


def test_a_deviation_is_a_variant_number_by_number(asked):
    from minixai.conformance.variants import VARIANTS

    library, known, answers = asked
    deviating = [row for row in settled(answers, known) if row.status in deviations.KINDS]
    assert bool(deviating) == (library not in AS_EXPECTED)
    for row in deviating:
        case, entry = BY_ID[row.id], next(d for d in known if d.fits(row.id))
        instead = VARIANTS[entry.matched].answer(case.question)
        assert all(isinstance(v, Fraction | int) for v in instead.flat)
        found = np.reshape(answers[row.id]["relevance"]["values"], answers[row.id]["relevance"]["shape"])
        expected = instead.astype(float)
        assert found == pytest.approx(expected, rel=0, abs=1e-9 * abs(expected).max()), (row.id, entry.matched)


def test_the_registry_is_needed_entry_by_entry(asked):
    library, known, answers = asked
    for missing in known:
        rows = settled(answers, [d for d in known if d is not missing])
        assert {row.status for row in rows if missing.fits(row.id)} == {"failed"}


def test_a_planted_stale_entry_fails(asked):
    library, known, answers = asked
    passing = next(row.id for row in settled(answers, known) if row.status == "passed")
    stale = Deviation((passing,), "convention", "*", "planted")
    (row,) = [row for row in settled(answers, [*known, stale]) if row.id == passing]
    assert row.status == "failed" and row.why == "stale: listed as convention, but passed"


def test_an_adapter_without_its_library_says_what_to_install():
    with pytest.raises(ImportError, match="asking no-such-library needs the package of that name: pip install"):
        peers.ask("no-such-library", METHODS[0].question)


def test_what_libraries_cannot_be_asked_of_occlusion_and_lime_is_said():
    version_of("captum")
    wide = next(case for case in METHODS if case.id == "methods/occlusion/average-001")
    (row,) = runner.run(peers.ADAPTERS["captum"], [wide])
    assert (row.status, row.why) == ("skipped", "captum wants strides that leave no pixel out")
    kernel = next(case for case in METHODS if case.id == "methods/lime/chain-003")
    (row,) = runner.run(peers.ADAPTERS["captum"], [kernel])
    assert (row.status, row.why) == ("skipped", "the kernel would be the adapter's, not captum's")


def test_a_layer_and_a_method_that_a_library_lacks_are_skipped():
    version_of("captum")
    layer = next(case for case in vectors.cases(only="ops/ReLU-*"))
    said = "captum has no layers and no metrics of its own"
    assert peers.ADAPTERS["captum"](layer.question) == {"status": "skipped", "why": said}
    (fem,) = [case for case in METHODS if case.id == "methods/fem/pool-001"]
    assert list(runner.run(peers.ADAPTERS["captum"], [fem])) == [Row(fem.id, "skipped", why="captum has no fem")]


# -- Settling ----------------------------------------------------------------------------------------------------------

PASSED, FAILED, SKIPPED, ERRORED = (Row(f"a/{status}", status, why="w") for status in judge.STATUSES)


@pytest.mark.parametrize(
    ("row", "kind", "status"),
    [
        (FAILED, "defect", "defect"),
        (FAILED, "precision", "precision"),
        (FAILED, "unsupported", "failed"),
        (ERRORED, "unsupported", "unsupported"),
        (ERRORED, "convention", "errored"),
        (PASSED, "convention", "failed"),
        (PASSED, "unsupported", "failed"),
        (SKIPPED, "convention", "failed"),
        (SKIPPED, "unsupported", "failed"),
    ],
)
def test_what_a_listed_row_becomes(row, kind, status):
    (found,) = deviations.settle([row], [Deviation(("a/*",), kind, "*", "because")])
    assert found.status == status and found.id == row.id
    assert (found.why == "because") == (status == kind)


def test_what_is_not_listed_stays_as_it_is():
    rows = [PASSED, FAILED, SKIPPED, ERRORED]
    assert list(deviations.settle(rows, [Deviation(("b/*",), "defect", "*", "because")])) == rows


def test_idle_patterns_and_the_tally():
    known = [Deviation(("methods/fem/*", "methods/none/*"), "defect", "*", "because")]
    assert deviations.idle(known, METHODS) == ["methods/none/*"]
    rows = [Row("methods/fem/pool-001", "passed"), Row("methods/fem/pool-002", "defect")]
    assert deviations.tally(rows, METHODS) == {"fem": {"passed": 1, "defect": 1}}


ENTRY = '[[deviation]]\nids = ["a*"]\nkind = "defect"\nversions = "0.9.*"\nreason = "r"\n'


def test_a_registry_is_read_by_version(tmp_path):
    (tmp_path / "x.toml").write_text(ENTRY + 'upstream = "u"\nmatched = "m"\n' + ENTRY.replace("0.9", "0.8"))
    first = Deviation(("a*",), "defect", "0.9.*", "r", "u", "m")
    assert deviations.registry("x", "0.9.1", tmp_path) == (first,)
    assert len(deviations.registry("x", where=tmp_path)) == 2
    assert deviations.registry("x", "1.0", tmp_path) == deviations.registry("y", "1.0", tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[deviation", "Expected"),
        ("", "it holds nothing; expected [[deviation]] entries only"),
        ("a = 1\n" + ENTRY, "it holds a, deviation; expected"),
        ("deviation = 1", "it holds deviation; expected"),
        ("deviation = [1]", "an entry is int; expected a table"),
        (ENTRY.replace('kind = "defect"\n', ""), "'kind' is missing"),
        (ENTRY.replace('"defect"', '"fine"'), "kind is 'fine'; expected one of convention, precision"),
        (ENTRY.replace('["a*"]', "[]"), "expected at least one pattern"),
        (ENTRY.replace('["a*"]', "[3]"), "expected at least one pattern"),
        (ENTRY.replace('["a*"]', '"a*"'), "ids is str; expected list"),
        (ENTRY + "x = 1\n", "an entry has 'x'; expected ids, kind"),
        (ENTRY.replace('"r"', "3"), "reason is int; expected str"),
    ],
)
def test_a_malformed_registry_is_one_sentence(text, said, tmp_path):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ValueError, match="is not a registry of deviations: ") as error:
        deviations.registry("x", where=tmp_path)
    assert said in str(error.value) and len(str(error.value).splitlines()) == 1


# -- The smallest cases, by hand ---------------------------------------------------------------------------------------


def tensor(*values):
    import torch

    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def linear(weight, bias):
    """A layer with one output per row of the weights."""
    from torch import nn

    made = nn.Linear(len(weight[0]), len(weight)).double()
    made.weight.data, made.bias.data = tensor(*weight).detach(), tensor(*bias).detach()
    return made


def row(a):
    return a.detach().reshape(-1).tolist()


def test_captum_trapezoid_leaves_out_a_share_of_one_in_n():
    """S = 3 x from 0 to 2: 6, whatever the places; captum's weights are 1/8, 1/4, 1/4, 1/8, together 3/4."""
    version_of("captum")
    from captum.attr import IntegratedGradients

    path = IntegratedGradients(linear([[3]], [0]))
    for n, share in ((2, 1 / 2), (4, 3 / 4), (50, 49 / 50)):
        found = path.attribute(tensor([2]), tensor([0]), 0, n_steps=n, method="riemann_trapezoid")
        assert row(found) == pytest.approx([6 * share], rel=1e-6)
    assert row(path.attribute(tensor([2]), tensor([0]), 0, n_steps=4, method="riemann_right")) == pytest.approx([6])


def test_captum_gamma_leaves_the_bias_alone():
    """x = (2, 1), w = (1, -1), b = 1, gamma 1, score 2. With b + gamma b: (4, -1) / 5 * 2; without: (4, -1) / 4 * 2."""
    version_of("captum")
    version_of("zennit")
    from captum.attr import LRP
    from captum.attr._utils.lrp_rules import GammaRule
    from torch import nn

    from minixai.conformance.peers import with_zennit as z

    layer = linear([[1, -1]], [1])
    layer.rule = GammaRule(gamma=1)
    assert row(LRP(nn.Sequential(layer)).attribute(tensor([2, 1]), 0)) == pytest.approx([2, -0.5])
    found = by_zennit(z, linear([[1, -1]], [1]), tensor([2, 1]), z.rules.Gamma(1))
    assert row(found) == pytest.approx([1.6, -0.4], abs=1e-5)


@pytest.mark.parametrize(
    ("weight", "bias", "x", "expected", "captum_finds"),
    [
        ((1, -1), -1, (1, 1), (-1, 0), (-1e9, 0)),  # b = -1 stays: the denominator is 1 - 1, and what stabilises it
        ((1, 1), 0, (1, -2), (-1, 0), (1, -2)),  # the product -2 is no positive one
    ],
)
def test_captum_alpha_beta_knows_neither_bias_nor_negative_inputs(weight, bias, x, expected, captum_finds):
    """Score -1 in both: all of it goes to the one positive product, 1."""
    version_of("captum")
    version_of("zennit")
    from captum.attr import LRP
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule
    from torch import nn

    from minixai.conformance.peers import with_zennit as z

    layer = linear([weight], [bias])
    layer.rule = Alpha1_Beta0_Rule()
    assert row(LRP(nn.Sequential(layer)).attribute(tensor(x), 0)) == pytest.approx(captum_finds)
    found = by_zennit(z, linear([weight], [bias]), tensor(x), z.rules.AlphaBeta(1, 0))
    assert row(found) == pytest.approx(expected, abs=1e-5)


def by_zennit(z, layer, x, rule):
    """One layer's relevance, from its score."""
    from torch import nn

    composite = z.composites.LayerMapComposite([(nn.Linear, rule)])
    return z.attribution.Gradient(nn.Sequential(layer), composite)(x, lambda y: y)[1]


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
def test_captum_pool_after_a_relu_loses_its_multiplier():
    """max(1, 3) against max(2, 0) is a difference of 1, the second input's; its gradient times difference is 3."""
    version_of("captum")
    from captum.attr import DeepLift
    from torch import nn

    x, x0 = tensor([[[1, 3]]]), tensor([[[2, 0]]])
    pool = (nn.MaxPool2d((1, 2)), nn.Flatten())
    assert row(DeepLift(nn.Sequential(*pool)).attribute(x, x0, 0)) == pytest.approx([0, 1])
    assert row(DeepLift(nn.Sequential(nn.ReLU(), *pool)).attribute(x, x0, 0)) == pytest.approx([0, 3])


def test_shap_pool_keeps_the_last_of_overlapping_windows():
    """(0, 2, 0) against zeros, windows of two: the middle wins both, 2 + 2; shap keeps one of them."""
    version_of("shap")
    import shap
    from torch import nn

    x, x0 = tensor([[[0, 2, 0]]]), tensor([[[0, 0, 0]]])
    layers = nn.Sequential(nn.MaxPool2d((1, 2), stride=1), nn.Flatten(), linear([[1, 1]], [0]))
    values = shap.DeepExplainer(layers, x0).shap_values(x, check_additivity=False)
    assert layers(x).item() - layers(x0).item() == 4 and np.ravel(values).tolist() == [0, 2, 0]


def test_captum_lrp_doubles_relevance_at_a_plus_sign():
    """x + 3 x at x = 2 is 8, and all of it is x's; a functional + hands 8 to either branch."""
    version_of("captum")
    from captum.attr import LRP
    from captum.attr._utils.custom_modules import Addition_Module
    from torch import nn

    class Branches(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.once, self.thrice = linear([[1]], [0]), linear([[3]], [0])
            if module:
                self.add = Addition_Module()

        def forward(self, x):
            parts = self.once(x), self.thrice(x)
            return self.add(*parts) if hasattr(self, "add") else parts[0] + parts[1]

    assert row(LRP(Branches(module=True)).attribute(tensor([2]), 0)) == pytest.approx([8])
    assert row(LRP(Branches(module=False)).attribute(tensor([2]), 0)) == pytest.approx([16])


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize(("module", "expected"), [(True, 1), (False, 0)])
def test_guided_backprop_is_the_gradient_where_the_relu_is_a_function(module, expected):
    """relu(x) - relu(x) at x = 1: the slope is 0; of the signals 1 and -1 guided backpropagation keeps the first."""
    version_of("captum")
    version_of("zennit")
    from captum.attr import GuidedBackprop
    from torch import nn
    from torch.nn.functional import relu

    from minixai.conformance.peers import with_zennit as z

    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = linear([[1], [1]], [0, 0]), linear([[1, -1]], [0])
            self.relu = nn.ReLU() if module else relu

        def forward(self, x):
            return self.second(self.relu(self.first(x)))

    assert row(GuidedBackprop(Functional()).attribute(tensor([1]), 0)) == [expected]
    found = z.attribution.Gradient(Functional(), z.composites.GuidedBackprop())(tensor([1]), tensor([1]))[1]
    assert row(found) == [expected]


def test_zennit_occlusion_keeps_the_window_and_wraps_round_the_border():
    """x = (1, 2, 3), score 10 + sum, windows of two, two apart: 1, 2 alone score 13; the next is 3 and again 1, 14.

    What is attributed is the score of the window alone, not what covering it takes away (3 and 3).
    """
    version_of("zennit")
    from minixai.conformance.peers import with_zennit as z

    windows = z.attribution.Occlusion(linear([[1, 1, 1]], [10]), window=2, stride=2)
    assert row(windows(tensor([1, 2, 3]))[1]) == [13 + 14, 13, 14]


def test_the_stand_in_for_torchvision_does_not_stay():
    version_of("zennit")
    import minixai.conformance.peers.with_zennit  # noqa: F401

    loaded = {name: m for name, m in sys.modules.items() if name.split(".")[0] == "torchvision"}
    assert [name for name, m in loaded.items() if not hasattr(m, "__file__")] == []
    assert "zennit.torchvision" in sys.modules
