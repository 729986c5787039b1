"""The three methods through ``explain``, ``explain_all``, ``methods`` and the command line."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import minixai as mx
from minixai import cli
from tests.blackbox.examples import pictures, small_network

BLACK = {"occlusion", "lime", "meaningful-perturbation"}
KINDS = ("black-box", "white-box", "adversarial")  # in the survey's order
NET, X = small_network(), pictures(1, 2, 6, 6)


def test_they_have_their_place_in_the_survey():
    found = {m.name: m for m in mx.methods() if m.section == "2.1"}
    assert set(found) == BLACK == {m.name for m in mx.methods("black-box")}
    assert {m.family for m in found.values()} == {"black-box"} and {m.equations for m in found.values()} == {()}
    assert [found[name].signed for name in ("occlusion", "lime", "meaningful-perturbation")] == [True, True, False]
    assert "torch module" in found["meaningful-perturbation"].needs[0]
    for name, author in (("occlusion", "Zeiler"), ("lime", "Ribeiro"), ("meaningful-perturbation", "Fong")):
        assert author in mx.cite(name)
    assert [m.section for m in mx.methods()] == sorted(m.section for m in mx.methods())
    assert [m for kind in KINDS for m in mx.methods(kind)] == mx.methods()


def test_defaults_are_the_pinned_ones():
    params = {m.name: m.params for m in mx.methods("black-box")}
    assert all(p["score"] == "probability" for p in params.values())
    assert params["occlusion"]["fill"] == "grey"
    lime = params["lime"]
    assert (lime["n"], lime["sigma"], lime["alpha"], lime["fill"], lime["seed"]) == (1000, 0.25, 1, "superpixel", 0)


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="kind is 'grey-box'; expected one of black-box, white-box, adversarial"):
        mx.methods("grey-box")


def test_explain_all_takes_them_by_name_only():
    assert not BLACK & set(mx.explain_all(NET, X)) and not BLACK & set(mx.explain_all(NET, X).refused)
    asked = mx.explain_all(NET, X, {"occlusion": {"window": 3}, "gradient": {}}, target=1)
    wanted = mx.explain(NET, X, "occlusion", target=1, window=3)
    assert (asked["occlusion"].relevance == wanted.relevance).all() and asked["occlusion"].score == wanted.score
    assert asked["gradient"].score == NET(X)[1]


def test_smoothgrad_averages_them_too():
    noise = np.random.default_rng(0).standard_normal((3, 2, 6, 6))
    e = mx.explain(NET, X, "smoothgrad", method="occlusion", window=2, noise=noise, target=0)
    level = 0.15 * (X.max() - X.min())
    each = [mx.explain(NET, X + level * draw, "occlusion", window=2, target=0).relevance for draw in noise]
    np.testing.assert_allclose(e.relevance, np.mean(each, axis=0), rtol=1e-12)


def test_they_have_no_table_of_rules():
    with pytest.raises(ValueError, match="lime is not one walk, so it has no table"):
        mx.rules("lime")


@pytest.mark.parametrize("method", sorted(BLACK))
def test_the_command_line(method, tmp_path):
    params = {"lime": ["n=50"], "occlusion": ["window=3", "stride=2"], "meaningful-perturbation": ["n=5"]}[method]
    options = [option for p in params for option in ("--param", p)]
    out = tmp_path / "map.png"
    done = CliRunner().invoke(cli.app, ["explain", "--method", method, "--json", "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["method"] == method and 0 <= found["score"] <= 1 and found["expected"] is None
    assert found["params"]["score"] == "probability" and out.stat().st_size > 1000
    assert found["shows"].startswith(f"Heat map by {method}, class three, score ")


def test_the_command_line_refuses_in_one_sentence():
    done = CliRunner().invoke(cli.app, ["explain", "--method", "occlusion", "--param", "window=9"])
    assert done.exit_code == 2 and done.stdout == ""
    assert "window is (9, 9), larger than the picture, (8, 8); choose a smaller one" in done.stderr


def test_figures_of_them():
    for method in sorted(BLACK):
        params = {"n": 5} if method != "occlusion" else {}
        e = mx.explain(mx.load("digits"), cli.SAMPLES["digits"](), method, **params)
        assert e.show().alt.startswith(f"Heat map by {method}") and "<img" in e._repr_mimebundle_()["text/html"]
        assert e.heatmap.min() >= 0 and e.heatmap.max() <= 1
