"""What chapter 17 says in words, tested: its libraries, its switches, its adapter; and that it needs none of them."""

import json
import re
import subprocess
import sys
from fractions import Fraction as F
from itertools import combinations

import numpy as np
import pytest
from typer.main import get_command

import minixai as mx
from minixai import book, cli, files
from minixai.book import judge, numbers, source
from minixai.book.exercises import of
from minixai.book.exercises.ch17 import CONVENTIONS, readings
from minixai.book.figures.ch17 import SWITCHES
from minixai.book.judge import check
from minixai.book.numbers import ch17
from minixai.book.numbers.asking import shared
from minixai.book.values import alike
from minixai.conformance import deviations, vectors
from minixai.conformance.adapters import ADAPTERS
from minixai.whitebox.integrated import points
from tests.book.node import needs_node, node

KNOWN = of("17")
ADAPTER = KNOWN["my_adapter"]
(PATH,) = source.paths(("17",))
TEXT = PATH.read_text("utf-8")
each_wrong = pytest.mark.parametrize("wrong", ADAPTER.wrong, ids=lambda w: w.name)

# -- four readings, four conventions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_readings_are_the_engines_rules(seed):
    rng = np.random.default_rng(seed)
    a, w, b = mx.exact(rng.integers(1, 9, 3)), mx.exact(rng.integers(-4, 9, 3)), mx.exact(rng.integers(-4, 5, 1))
    b = b if w @ a + b[0] > 0 else 1 - w @ a + 0 * b
    net, found = mx.Network.sequential([mx.Linear(w[None], b)]), readings(a, w, b[0])
    assert (found["the survey's"] == mx.explain(net, a, "lrp-gamma", target=0, gamma=1).relevance).all()
    assert (found["gamma forgotten"] == mx.explain(net, a, "lrp-0", target=0).relevance).all()
    dropped = mx.explain(net, a, "lrp-gamma", target=0, gamma=1, bias="ignore").relevance
    assert (found["bias dropped"] == dropped).all()


def test_all_six_cosines_exceed_0_999():
    arrows = [v / np.linalg.norm(v) for v in CONVENTIONS.astype(float)]
    cosines = [p @ q for p, q in combinations(arrows, 2)]
    assert len(cosines) == 6 and min(cosines) > 0.999 and max(cosines) > 0.99998


def test_the_two_maps_differ_where_no_eye_sees_it():
    net = mx.load("shapes").astype("float64")
    (seed, count, which) = map(int, re.search(r"scenes\((\d+), (\d+)\).pictures\[(\d+)\]", TEXT).groups())
    x = net.preprocess(mx.zoo.scenes.scenes(seed, count).pictures[which])
    p, q = (mx.explain(net, x, "lrp-gamma", bias=bias).map for bias in ("include", "ignore"))
    assert (p * q).sum() / np.sqrt((p * p).sum() * (q * q).sum()) > 0.9995
    assert abs(p - q).max() > 0.05 * abs(p).max() and p.sum() - q.sum() > 3


# -- the libraries themselves ------------------------------------------------------------------------------------------


def neuron(w, b, a, method, **params):
    """A question about one neuron."""

    def row(*values):
        return {"shape": [1, len(values)], "values": [str(v) for v in values]}

    layer = {"name": "S", "op": "Linear", "inputs": ["input"], "weight": row(*w)}
    layer |= {"bias": {"shape": [1], "values": [str(b)]}}
    black = {"reference": {"shape": [2], "values": ["0", "0"]}} if method == "integrated-gradients" else {}
    return {
        "id": "mine", "method": method, "params": params, "target": [0], "input": row(*a),
        "network": {"input_shape": [len(a)], "nodes": [layer]}, **black,
    }  # fmt: skip


def asked(library, question):
    pytest.importorskip(library if library == "captum" else "minixai.conformance.peers.with_zennit")
    return ADAPTERS[library](question)["relevance"]["values"]


LIBRARIES = pytest.mark.parametrize("library", ["captum", "zennit"])


def test_captum_leaves_gammas_bias_alone_and_zennit_does_not():
    question = neuron([1, -1], 1, [2, 1], "lrp-gamma", gamma="1", bias="include")
    assert asked("captum", question) == pytest.approx([2, -0.5])
    assert asked("zennit", question) == pytest.approx([1.6, -0.4])


@LIBRARIES
def test_both_keep_the_bias_below_the_line_and_give_eps_the_sign_of_what_it_joins(library):
    question = neuron([-3, 2], 1, [2, 1], "lrp-epsilon", eps="1", stabilizer="signed", bias="include")
    assert asked(library, question) == pytest.approx([-3 * -6 / -4, -3 * 2 / -4])  # z = -3, below the line -4


def test_captums_trapezoid_loses_a_quarter():
    question = neuron([3, -1], 0, [2, 1], "integrated-gradients", n=4, quadrature="trapezoid")
    assert asked("captum", question) == pytest.approx([4.5, -0.75])
    answer = ADAPTERS["zennit"](question)
    assert answer["status"] == "skipped" and "right ends" in answer["why"]


def cubic():
    import torch

    module = torch.nn.Module()
    module.forward = lambda x: x[:, :1] ** 3 + x[:, 1:]
    return module, torch.tensor([[3.0, 1.0]]).double(), torch.tensor([[1.0, 0.0]]).double()


def test_captums_places_are_gauss_legendres_and_its_trapezoid_is_short():
    attr = pytest.importorskip("captum.attr")
    module, x, x0 = cubic()
    default = attr.IntegratedGradients(module).attribute(x, x0, 0, n_steps=4)
    assert default.tolist() == [pytest.approx([26, 1])]
    short = attr.IntegratedGradients(module).attribute(x, x0, 0, n_steps=4, method="riemann_trapezoid")
    assert short.tolist() == [pytest.approx([238 / 9 * 3 / 4, 3 / 4])]


def test_zennits_places_are_right_ends():
    pytest.importorskip("minixai.conformance.peers.with_zennit")
    from zennit.attribution import IntegratedGradients

    module, x, x0 = cubic()
    with IntegratedGradients(module, n_iter=4, baseline_fn=lambda _: x0) as attributor:
        assert attributor(x, lambda y: 0 * y + 1)[1].tolist() == [pytest.approx([129 / 4, 1])]


def noise_on(library, x):
    """The standard deviation of what a library adds to x, at its defaults."""
    import torch

    seen = []
    module = torch.nn.Module()
    module.forward = lambda x: seen.append(x.detach()) or x.sum(dim=1, keepdim=True)
    torch.manual_seed(0)
    if library == "captum":
        attr = pytest.importorskip("captum.attr")
        attr.NoiseTunnel(attr.Saliency(module)).attribute(x, nt_samples=400, target=0)
    else:
        pytest.importorskip("minixai.conformance.peers.with_zennit")
        from zennit.attribution import SmoothGrad

        with SmoothGrad(module, n_iter=400) as attributor:
            attributor(x, lambda y: 0 * y + 1)
    return float(torch.cat([one - x for one in seen]).std())


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
@pytest.mark.parametrize(("library", "grows"), [("captum", 1), ("zennit", 10)])
def test_captums_noise_is_absolute_and_zennits_a_share_of_the_range(library, grows):
    pytest.importorskip("torch")
    import torch

    small = torch.tensor([[-1.0, 0.0, 3.0]]).double()
    assert noise_on(library, 10 * small) / noise_on(library, small) == pytest.approx(grows, rel=0.05)


def unseen():
    """The chapter's two models: a plus and a ReLU that are called."""
    import torch

    def layer(*rows):
        return mx.Network.sequential([mx.Linear(mx.exact(rows))]).to_torch()

    one, two, out, top, under = layer([1, 0]), layer([0, 1]), layer([2]), layer([1, -1]), layer([1, 0], [1, -1])
    plus, called = torch.nn.Module(), torch.nn.Module()
    plus.parts, plus.forward = torch.nn.ModuleList([one, two, out]), lambda x: out(one(x) + two(x))
    called.parts, called.forward = torch.nn.ModuleList([top, under]), lambda x: top(torch.relu(under(x)))
    threes, tens = torch.tensor([[[3.0, -1.0]], [[10.0, 6.0]]]).double()
    return plus.eval(), threes.requires_grad_(), called.eval(), tens.requires_grad_()


@pytest.mark.filterwarnings("ignore:Setting")
def test_captum_sees_neither_the_plus_nor_the_relu():
    attr = pytest.importorskip("captum.attr")
    plus, threes, called, tens = unseen()
    assert attr.LRP(plus).attribute(threes, target=0).tolist() == [pytest.approx([4, 4])]
    assert attr.GuidedBackprop(called).attribute(tens, target=0).tolist() == [[0, 1]]


def test_zennit_sees_neither_the_plus_nor_the_relu():
    pytest.importorskip("minixai.conformance.peers.with_zennit")
    import torch
    from zennit.attribution import Gradient
    from zennit.composites import GuidedBackprop, LayerMapComposite
    from zennit.rules import Epsilon

    plus, threes, called, tens = unseen()
    with Gradient(plus, LayerMapComposite([(torch.nn.Linear, Epsilon())])) as attributor:
        assert attributor(threes, lambda y: y)[1].tolist() == [pytest.approx([4, 4], rel=1e-5)]
    with Gradient(called, GuidedBackprop()) as attributor:
        assert attributor(tens, lambda y: 0 * y + 1)[1].tolist() == [[0, 1]]


def test_the_mirror_sees_both():
    pytest.importorskip("torch")
    from minixai.pytorch import explain

    plus, threes, called, tens = unseen()
    assert explain(plus, threes.detach(), "lrp-0", target=0).relevance.tolist() == [[6, -2]]
    assert explain(called, tens.detach(), "guided-backprop", target=0).relevance.tolist() == [[1, 0]]


# -- asking, and nobody there ------------------------------------------------------------------------------------------


def test_answers_come_as_fractions_and_what_is_declined_says_why(monkeypatch):
    question = neuron([1, -1], 1, [2, 1], "lrp-gamma", gamma="1", bias="include")
    monkeypatch.setitem(ADAPTERS, "captum", lambda q: {"status": "skipped", "why": "no time"})
    lines = book.ask(question, ("minixai", "captum")).lines
    assert lines == ("minixai  (8/5, -2/5)", "captum   declines: no time")


def test_a_library_that_is_not_there_is_named_with_what_to_install(monkeypatch):
    def missing(question):
        raise ImportError("asking captum needs the package of that name: pip install captum")

    monkeypatch.setitem(ADAPTERS, "captum", missing)
    assert "pip install captum" in repr(book.ask({}, ["captum"]))


NOBODY = """
import importlib.metadata, sys
for absent in ("torch", "captum", "zennit", "shap"):
    sys.modules[absent] = None
def version(name, real=importlib.metadata.version):
    if name in ("captum", "zennit", "shap"):
        raise importlib.metadata.PackageNotFoundError(name)
    return real(name)
importlib.metadata.version = version
"""


def test_the_chapter_runs_with_no_other_library_and_says_what_is_missing(state):
    cells = [cell for cell in source.read(PATH).cells if cell.kind == "code"]
    code = "\n".join([NOBODY, *(source.written(cell, "student", {}) for cell in cells)])
    code = code.replace("book.who_differs()\n", "print(book.who_differs())\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pip install torch" in done.stdout and "pip install captum" in done.stdout
    assert "was not asked: asking zennit needs the package of that name: pip install zennit" in done.stdout
    assert "integrated-gradients" in done.stdout


# -- the table ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    return book.who_differs()


def test_the_table_counts_every_listed_case_once(table):
    ids = [case.id for case in vectors.cases(only="methods/*")]
    assert sum(table.asked.values()) == len(ids)
    for library in ("captum", "zennit", "shap"):
        known = deviations.registry(library)
        listed = [id for id in ids if any(d.fits(id) for d in known)]
        counted = [count for kinds in table.kinds.values() for name, count in kinds.items() if name.startswith(library)]
        assert sum(sum(count.values()) for count in counted) == len(listed) > 0


def test_the_table_names_kinds_and_is_empty_where_nothing_is_listed(table):
    head, *rows = table.rows
    found = {row[0]: row for row in rows}
    assert head == ["method", "cases", "captum 0.9.*", "zennit 0.5.*", "shap 0.51.*"] and list(found) == sorted(found)
    assert found["gradient"][2] == "-" and re.fullmatch(r"\d+ defect", found["deeplift-rescale"][2])
    assert re.fullmatch(r"\d+ convention", found["integrated-gradients"][2])
    assert re.fullmatch(r"\d+ convention, \d+ defect", found["lrp-gamma"][2])
    assert repr(table).splitlines()[0].split() == " ".join(head).split()


def test_the_table_has_heads_for_whoever_listens(table):
    page = table._repr_html_()
    assert page.count('<th scope="col">') == 5 and page.count("</tr>") == page.count("<tr>")
    assert page.count('<th scope="row">') == len(table.asked) and "<caption>" in page


def test_some_libraries_only():
    assert book.who_differs(["shap"]).rows[0] == ["method", "cases", "shap 0.51.*"]


# -- the adapter -------------------------------------------------------------------------------------------------------


@each_wrong
def test_each_wrong_adapter_is_refused_and_named_as_itself(wrong):
    verdict = check(ADAPTER, wrong.function)
    assert (verdict.rung, verdict.passed) == ("cases", False)
    assert (verdict.diagnosis.name, verdict.diagnosis.label) == (wrong.name, wrong.label)
    assert wrong.sentence in repr(verdict) and "of the largest number" in repr(verdict)
    assert "<caption>reference</caption>" in verdict._repr_html_()


def test_no_two_wrong_adapters_answer_alike():
    cases = list(vectors.cases(only=ADAPTER.must))
    said = {w.name: [tuple(w.function(c.question)["relevance"]["values"]) for c in cases] for w in ADAPTER.wrong}
    assert len(cases) >= 3 and len(set(map(tuple, said.values()))) == len(ADAPTER.wrong) >= 3
    assert sum(w.label == "idea" for w in ADAPTER.wrong) >= 2


@pytest.mark.parametrize(
    ("answer", "rung", "sentence"),
    [
        (lambda q: None, "interface", "your function returned None"),
        (lambda q: [1, 2], "interface", "your function returned a list; expected a dict"),
        (lambda q: q["answer"], "interface", "your function stopped with KeyError: 'answer'"),
        (lambda q: {"status": "result"}, "interface", "your answer cannot be read: relevance cannot be read"),
        (lambda q: {"status": "perhaps"}, "interface", "status is 'perhaps'; expected result, skipped or errored"),
        (lambda q: {"status": "skipped"}, "trivial", "It declines methods/gradient/dense-001, which it has to answer"),
        (lambda q: flat(q), "cases", "relevance has shape (6,); expected (1, 6)"),
    ],
)
def test_what_is_no_answer_is_said_so(answer, rung, sentence):
    verdict = check(ADAPTER, answer)
    assert (verdict.rung, verdict.passed) == (rung, False) and sentence in repr(verdict)


def flat(question):
    """The right numbers without the axis of the batch."""
    answer = ADAPTER.solution(question)
    if answer["status"] == "result":
        answer["relevance"]["shape"] = answer["relevance"]["shape"][1:]
    return answer


def test_stopping_at_what_it_may_decline_is_told_with_the_way_out():
    def only_dense(question):
        answer = ADAPTER.solution(question)
        return answer if answer["status"] == "result" else 1 / 0

    verdict = check(ADAPTER, only_dense)
    assert verdict.rung == "interface" and "ZeroDivisionError" in verdict.sentence
    assert "dense" not in verdict.sentence and "This case it may decline: return status 'skipped'" in verdict.sentence


def test_wrong_in_one_case_only_is_a_mistake_we_do_not_know():
    def once(question):
        wrong = question["id"].endswith("dense-002")
        return (ADAPTER.wrong[0].function if wrong else ADAPTER.solution)(question)

    diagnosis = check(ADAPTER, once).diagnosis
    assert diagnosis.name is None and diagnosis.wrong_on == 1 and "not one we know" in " ".join(diagnosis.words)


def test_what_an_adapter_does_to_a_question_stays_with_it():
    def spoils(question):
        answer = ADAPTER.solution(question)
        question["network"]["nodes"].clear()
        question["id"] = "another"
        return answer

    assert check(ADAPTER, spoils).passed and check(ADAPTER, ADAPTER.solution).passed


def test_an_adapter_without_end_is_stopped(monkeypatch):
    monkeypatch.setattr(judge, "SECONDS", 0.3)

    def waits(question):
        while True:
            pass

    assert "did not finish" in check(ADAPTER, waits).sentence


def test_more_than_asked_is_welcome():
    """The engine itself answers every case, and passes."""
    verdict = check(ADAPTER, ADAPTERS["minixai"])
    assert verdict.passed and " 0 failed, 0 skipped" in verdict.sentence


def test_the_chapter_takes_an_adapter_like_any_function():
    ch = book.chapter("17")
    declared = ch.exercise("my_adapter", kind="adapter")(ADAPTER.solution)
    assert declared.check().passed and "passed after 1 attempt" in repr(ch.progress())
    assert "from a question to an answer" in repr(declared)


# -- the live figure ---------------------------------------------------------------------------------------------------

NAMES = list(SWITCHES)


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return node(tmp_path_factory.mktemp("switches"), "switches", "it.SWITCHES")


@needs_node
def test_the_figure_starts_as_minixai(tmp_path, options):
    assert {name: choices[0] for name, choices in options.items()} == SWITCHES
    assert node(tmp_path, "switches", f"it.sentence({json.dumps(SWITCHES)})") == "You are now minixai."
    assert book.figures.switches().widget.state == SWITCHES


def answers(tmp_path, *changes):
    """The page's answers, once for each of the changes {switch: option} to minixai's setting."""
    states = json.dumps([SWITCHES | change for change in changes])
    return node(tmp_path, "switches", f"{states}.map(it.answers)")


@needs_node
def test_the_answers_in_the_page_are_the_engines(tmp_path, options):
    eps, bias, gamma, _, noise, spread = NAMES
    layer = ch17.LAYER_W, ch17.LAYER_B, ch17.NEURON_A, ch17.LAYER_R
    neither = shared(*layer, "lrp-epsilon", eps=1, stabilizer="literal", bias="ignore")
    mean, std = (getattr(ch17.FEM_MAPS.astype(float), f)(axis=(1, 2), keepdims=True) for f in ("mean", "std"))
    rare = ch17.FEM_MAPS.astype(float) >= mean + std * np.sqrt(4 / 3)  # divided by 3, not by 4
    expected = [
        ({}, "LRP-eps", numbers.value("layer.signed")),
        ({eps: 1}, "LRP-eps", numbers.value("layer.printed")),
        ({bias: 1}, "LRP-eps", numbers.value("layer.ignored")),
        ({eps: 1, bias: 1}, "LRP-eps", neither),
        ({}, "LRP-gamma", numbers.value("neuron.gamma")),
        ({gamma: 1}, "LRP-gamma", numbers.value("neuron.alone")),
        ({}, "noise", numbers.value("noise.share")),
        ({noise: 1}, "noise", numbers.value("noise.given")),
        ({}, "FEM", numbers.value("fem.n")),
        ({spread: 1}, "FEM", (mean * rare).sum(axis=0)),
    ]
    states = [{name: options[name][k] for name, k in change.items()} for change, _, _ in expected]
    for found, (change, name, right) in zip(answers(tmp_path, *states), expected, strict=True):
        assert alike(np.squeeze(found[name]), np.asarray(right)), (change, name)


@needs_node
@pytest.mark.parametrize("k", range(6))
def test_the_places_in_the_page_are_the_engines_and_the_short_ones_captums(k, tmp_path, options):
    name = ["midpoint", "left", "right", "trapezoid", "trapezoid", "gauss-legendre"][k]
    places, weights = points(name, 4, np.ones(1))
    if k == 4:
        weights = [F(1, 8), F(1, 4), F(1, 4), F(1, 8)]
    state = json.dumps(SWITCHES | {NAMES[3]: options[NAMES[3]][k]})
    found = node(tmp_path, "switches", f"it.places({state})")
    np.testing.assert_allclose(found, [places, np.array(weights, float)], rtol=0, atol=1e-15)
    slopes = np.array([3 * (1 + 2 * t) ** 2 for t in places], float)
    integrated = [2 * slopes @ np.array(weights, float), float(sum(weights))]
    (shown,) = answers(tmp_path, {NAMES[3]: options[NAMES[3]][k]})
    np.testing.assert_allclose(shown["IG"][0], integrated)


@needs_node
def test_from_minixai_to_captum_three_switches_move(tmp_path, options):
    libraries = node(tmp_path, "switches", "it.LIBRARIES")
    moved = [
        k
        for k, name in enumerate(NAMES)
        if libraries["Captum"].get(name, SWITCHES[name]) != SWITCHES[name]
    ]
    assert tuple("ABCDEF"[k] for k in moved) == KNOWN["switched"].answer
    captum = json.dumps(SWITCHES | libraries["Captum"])
    assert node(tmp_path, "switches", f"it.sentence({captum})") == "You are now Captum."
    before, after = answers(tmp_path, {}, libraries["Captum"])
    assert sum(before[name] != after[name] for name in before) == 3
    lost = node(tmp_path, "switches", f"it.otherwise({json.dumps(SWITCHES)})")
    assert lost["minixai"] == [] and lost["Zennit"] == [NAMES[3]]


@needs_node
def test_the_words_name_the_nearest_library(tmp_path, options):
    state = json.dumps(SWITCHES | {NAMES[1]: options[NAMES[1]][1]})
    assert node(tmp_path, "switches", f"it.sentence({state})") == (
        "You are no library of this list. The nearest is minixai; what stands otherwise: bias (LRP-eps)."
    )


def test_the_engines_defaults_are_the_switches():
    """Signed eps; midpoints; a share of the range; FEM's spread is that of ``numbers``."""
    below = mx.Network.sequential([mx.Linear(mx.exact([[-3, 2]]), mx.exact([1]))])
    found = mx.explain(below, mx.exact([2, 1]), "lrp-epsilon", target=0, eps=1).relevance
    assert found.tolist() == [F(-3 * -6, -4), F(-3 * 2, -4)]  # z = -3, below the line -4
    gate = mx.Network.sequential([mx.Linear(mx.exact([[1]]), mx.exact([-1])), mx.ReLU(), mx.Linear(mx.exact([[1]]))])
    half = mx.explain(gate, mx.exact([F(5, 2)]), "integrated-gradients", target=0, n=4).relevance
    assert half.tolist() == [F(5, 4)]  # on from 2/5 of the way: two midpoints of four; right ends would be three
    late = [mx.Linear(mx.exact([[0, 0, 1]]), mx.exact([F(-7, 2)])), mx.ReLU(), mx.Linear(mx.exact([[1]]))]
    x, one = np.array([-1.0, 0.0, 3.0]), np.ones((1, 3))
    noisy = mx.explain(mx.Network.sequential(late).astype("float64"), x, "smoothgrad", target=0, noise=one)
    assert noisy.map.max() == 1  # 3 + 3/20 of 4 is beyond 7/2, where it opens; 3 + 3/20 is not


def test_the_still_picture_is_right():
    still = book.figures.switches().still
    cells = [re.findall(r">(-?[\d/]+)</td>", t) for t in re.findall(r"<table>.*?</table>", still)]
    assert cells == [["26/3", "-10/3"], ["8/5", "-2/5"], ["207/8", "1"], ["3/5"], ["1", "1", "3", "4"]]


# -- what the last page promises ---------------------------------------------------------------------------------------


def test_every_command_that_is_named_exists():
    named = set(re.findall(r"minixai conform (\w+)", TEXT))
    assert {"run", "explain"} <= named <= set(get_command(cli.app).commands["conform"].commands)


def test_what_is_pointed_at_is_there():
    assert (files.PACKAGE / "conformance" / "examples" / "adapter.py").exists()
    assert (files.PACKAGE / "conformance" / "examples" / "adapter.mjs").exists()
    assert (files.root("data") / "vectors" / "README.md").exists()


def test_the_vacuous_neuron_is_one_on_which_everybody_agrees():
    ((a, w, b),) = [(mx.exact([1, 1]), mx.exact([1, 1]), F(0))]
    assert all((answer == mx.exact([1, 1])).all() for answer in readings(a, w, b).values())


def test_a_negative_bias_hides_what_captum_and_zennit_differ_in():
    found = readings(mx.exact([2, 1]), mx.exact([1, -1]), F(-1, 2))
    assert (found["the survey's"] == found["bias left alone"]).all()
    assert (found["the survey's"] != found["bias dropped"]).any()
