"""``minixai bench``: its arithmetic, that maps are compared before they are timed, what it writes.

No time is asserted.
"""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import minixai as mx
from minixai import cli, draw, files, threads
from minixai.bench import children, machine, parts, peers, report, subjects, timing

TINY = subjects.Size(
    "tiny", "shapes", ("shapes-resnet",), rounds=2, long=2, n=2, sides=(16, 24, 32), batches=(1, 2), depths=(1, 2),
    side=8, launches=1, pictures=1,
)  # fmt: skip


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.app, ["bench", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def measured(name, size=TINY):
    """One part, as it is stored and read again."""
    pytest.importorskip("captum")
    found = parts.run([name], size, 1, quiet=True)
    assert found == json.loads(json.dumps(found, allow_nan=False))
    return found["parts"][name]


# -- arithmetic --------------------------------------------------------------------------------------------------------


def test_the_ratio_is_the_median_of_the_rounds_own():
    """Not the ratio of the medians, which is 1 here: in a slow round both sides are slow."""
    assert timing.ratio_of("x", [4.0, 1.0, 2.0], [2.0, 3.0, 1.0]).ratio == 0.5
    ratio = timing.ratio_of("x", [1.0, 10.0, 2.0], [3.0, 10.0, 4.0], target=2.5)
    assert (ratio.ratio, ratio.low, ratio.high) == (2.0, 1.5, 2.5)
    assert (ratio.seconds, ratio.took, ratio.target) == (2.0, 4.0, 2.5)


def test_one_measurement_is_its_own_middle():
    assert timing.middle([3.0]) == (3.0, 3.0, 3.0) and timing.middle([1.0, 2.0, 3.0, 6.0]) == (2.5, 1.75, 3.75)


def test_calls_take_turns_after_a_pause(monkeypatch):
    order = []
    monkeypatch.setattr(timing, "sleep", lambda seconds: order.append(seconds))
    timing.paired("x", lambda: order.append("theirs"), lambda: order.append("ours"), rounds=3, pause=0.5)
    assert order[::2] == [0.5] * 8
    assert order[1::2] == ["ours", "theirs", "theirs", "ours"] * 2


def test_a_line_through_points():
    straight = timing.line([1, 2, 4], [5.0, 7.0, 11.0])
    assert (straight.slope, straight.start, straight.r2) == pytest.approx((2, 3, 1))
    bent = timing.line([0, 1, 2], [0.0, 2.0, 1.0])  # by hand: slope 1/2, start 1/2, 1.5 of 2 left over
    assert (bent.slope, bent.start, bent.r2) == pytest.approx((0.5, 0.5, 0.25))
    assert timing.line([1, 2], [3.0, 3.0]).r2 == 1
    with pytest.raises(ValueError, match="expected at least two different values"):
        timing.line([1, 1], [1.0, 2.0])


@pytest.mark.parametrize(
    ("value", "target", "said"), [(1, None, ""), (1, 1, "at most 1: yes"), (2, 1, "at most 1: NO")]
)
def test_verdicts(value, target, said):
    assert report.verdict(value, target) == said


@pytest.mark.parametrize(("seconds", "said"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4e-5, "40 us"), (3e-8, "30 ns")])
def test_times_in_words(seconds, said):
    assert report._time(seconds) == said


# -- maps are compared -------------------------------------------------------------------------------------------------


def test_the_seven_maps_are_equal_and_then_timed():
    found = measured("maps")
    rows = {row["method"]: row for row in found["agreement"]}
    assert list(rows) == list(peers.SETTINGS) == list(found["seconds"]) and len(rows) == 7
    assert all(row["equal"] and row["difference"] < 1e-10 and row["captum"] for row in rows.values())
    assert rows["deeplift-rescale"]["as it comes"] > 0.01  # without the modules in between it is another map
    (total,) = found["ratios"]
    assert total["name"] == "seven maps" and total["ratio"] > 0 and total["target"] == 0.4


def test_paths_are_equal_noise_and_all():
    found = measured("paths")
    assert [row["method"] for row in found["agreement"]] == ["integrated-gradients", "smoothgrad"]
    assert all(row["equal"] and row["difference"] < 1e-10 for row in found["agreement"])
    assert [r["name"] for r in found["ratios"]] == ["integrated-gradients, n = 2", "smoothgrad, n = 2"]


def test_maps_that_differ_are_called_different(monkeypatch):
    pytest.importorskip("captum")
    monkeypatch.setattr(peers.Captum, "gradient", lambda self: 1.001 * self.x)
    net = subjects.network("shapes", dtype="float64")
    (row,) = parts.agree(net, ["gradient"])
    assert not row["equal"] and row["difference"] > 0.5
    assert report._table(("equal",), [("NO",)]) and "| NO |" in "\n".join(report._part({"agreement": [row]}))


def test_both_sides_share_one_copy_of_the_weights():
    torch = pytest.importorskip("torch")
    net = subjects.network("shapes")
    module = net.to_torch()
    again = peers.tied(subjects.kept_apart(net), module)
    assert {p.data_ptr() for p in again.parameters()} == {p.data_ptr() for p in module.parameters()}
    x = torch.tensor(subjects.pictures(net))
    assert torch.equal(module(x), again(x))


# -- the other parts ---------------------------------------------------------------------------------------------------


def test_speed():
    found = measured("speed")
    assert [r["name"] for r in found["ratios"]] == [
        "shapes forward", "shapes gradient", "shapes-resnet forward", "shapes-resnet gradient",
    ]  # fmt: skip
    assert all(0 < r["low"] <= r["ratio"] <= r["high"] and r["seconds"] > 0 < r["took"] for r in found["ratios"])


def test_growth_with_pixels_pictures_and_layers():
    found = measured("scaling", replace(TINY, network="shapes-resnet"))
    at = {name: [point["x"] for point in curve["points"]] for name, curve in found["curves"].items()}
    assert at == {"pixels": [256, 576, 1024], "pictures": [1, 2], "layers": [1, 2]}
    for curve in found["curves"].values():
        again = timing.line([p["x"] for p in curve["points"]], [p["engine"] for p in curve["points"]])
        assert curve["fits"]["engine"] == {"slope": again.slope, "start": again.start, "r2": again.r2}


def test_errors_of_float32():
    found = measured("precision")
    assert [row["what"] for row in found["rows"]] == [
        "shapes scores", "shapes gradient", "shapes-resnet scores", "shapes-resnet gradient",
    ]  # fmt: skip
    assert all(0 < row[side] < 1e-4 for row in found["rows"] for side in ("engine", "pytorch"))
    assert parts._off(np.array([3.0, 5.0]), np.array([3.0, 4.0])) == 0.2


def test_crowding():
    (ratio,) = measured("crowding")["ratios"]
    assert ratio["ratio"] > 0


@pytest.mark.parametrize("side", children.SIDES)
def test_a_process_of_its_own_says_what_memory_it_took(side):
    if side == "captum":
        pytest.importorskip("captum")
    found = children.peak(side, "shapes", 1)
    assert found["maps"] == 7 and 0 < found["weights"] < found["before"] < found["peak"] < 2000
    assert found["weights"] == sum(
        a.nbytes / 1e6 for node in subjects.network("shapes").nodes for a in node.op.arrays().values()
    )


def test_memory_puts_the_sides_together(monkeypatch):
    peaks = {"captum": 400.0, "maps only": 500.0, "with signals": 800.0}
    monkeypatch.setattr(children, "peak", lambda side, *_: {"before": 1.0, "peak": peaks[side], "weights": 0.5})
    found = measured("memory")
    assert [(r["name"], r["ratio"], r["target"]) for r in found["ratios"]] == [
        ("memory, maps only", 1.25, 1.25), ("memory, with signals", 2.0, None),
    ]  # fmt: skip


def test_the_engine_s_process_does_not_load_the_other_side():
    code = "import sys; from minixai.bench.children import main; main('maps only', 'shapes', 1)\n"
    code += "print([m for m in ('torch', 'captum', 'matplotlib') if m in sys.modules])"
    assert children.fresh(code, 1).splitlines()[-1] == "[]"


def test_a_process_that_fails_says_why():
    with pytest.raises(RuntimeError, match="a process of the benchmark failed: .*side is 'nobody'"):
        children.peak("nobody", "shapes", 1)


def test_latencies_leave_out_the_first_round(monkeypatch):
    rounds = iter([{"a": 9.0}, {"a": 1.0}, {"a": 3.0}])
    monkeypatch.setattr(children, "_round", lambda used: next(rounds))
    (only,) = children.latencies(2, 1)
    assert (only.name, only.value, only.unit) == ("a", 2.0, "s")


def test_a_round_of_latencies_starts_with_an_empty_cache_and_keeps_it(monkeypatch):
    caches = []

    def fresh(code, used, **environment):
        caches.append(environment.get("NUMBA_CACHE_DIR"))
        return "0.5"

    monkeypatch.setattr(children, "fresh", fresh)
    found = children._round(1)
    assert set(children.IMPORTS) < set(found) and len(found) == 6
    assert caches[:3] == [None] * 3 and caches[3] == caches[4] != caches[5] is None
    assert caches[3] not in (None, "") and caches[3] != str(files.PACKAGE)


def test_what_is_launched_runs():
    assert "To see it" in children.fresh(children.EXPLAIN, 1)
    pytest.importorskip("captum")
    float(children.fresh(children.FIRST_OF_CAPTUM, 1))


# -- what is written ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    pytest.importorskip("captum")
    quick = replace(TINY, network="shapes-resnet", others=())
    both = parts.run(["speed", "scaling", "precision"], quick, 1, quiet=True)
    both["parts"] |= parts.run(["maps"], TINY, 1, quiet=True)["parts"]
    memory = {"name": "memory, maps only", "ratio": 0.5, "low": 0.5, "high": 0.5, "seconds": 400.0, "took": 200.0}
    rows = [{"side": "captum", "before": 300.0, "peak": 400.0, "weights": 1.0, "unit": "MB"}]
    both["parts"]["memory"] = {"against": "Captum", "rows": rows, "ratios": [{**memory, "target": 1.25}]}
    measures = [{"name": "import minixai", "value": 0.2, "unit": "s", "low": 0.2, "high": 0.3, "target": 0.25}]
    both["parts"]["latency"] = {"measures": measures}
    return both


def test_the_record_says_on_what_and_with_what(found):
    assert set(found) == {"size", "machine", "versions", "parts"}
    assert set(found["machine"]) == {"cpu", "system", "cores", "threads", "load when it began"}
    assert found["machine"]["threads"] == 1 and found["versions"]["numpy"] == np.__version__


def test_three_files_and_no_name_of_this_machine(found, tmp_path):
    import platform

    paths = report.record(found, tmp_path)
    assert [path.name for path in paths] == ["bench.json", "bench.md", "bench.png"]
    assert json.loads(paths[0].read_text()) == found
    page = paths[1].read_text()
    assert page == report.page(found)
    for text in (page, paths[0].read_text()):
        assert str(files.PACKAGE.parent) not in text and (platform.node() or "?") not in text
    with Image.open(paths[2]) as image:
        assert image.text["Description"] == draw.bench_figure(found).alt and image.width < 1000


def test_the_page_has_every_number(found):
    page = report.page(found)
    for part in found["parts"].values():
        for r in part.get("ratios", ()):
            assert f"| {r['name']} | {r['ratio']:.2f} ({r['low']:.2f} to {r['high']:.2f}) |" in page
    assert "| import minixai | 0.20 s (0.20 to 0.30) | at most 0.25: yes |" in page
    assert "| memory, maps only | 0.50 (0.50 to 0.50) | 400 MB | 200 MB | at most 1.25: yes |" in page
    assert "* Not compared: deeplift-revealcancel, deep-taylor, cam, fem: Captum has none of them." in page
    assert page.count("of the variance") == 6


def test_the_chart_in_words_and_by_halves(found):
    whole = draw.bench_figure(found)
    assert "seven maps: " in whole.alt and "a straight line explains" in whole.alt
    for name in ("speed", "scaling"):
        half = {**found, "parts": {name: found["parts"][name]}}
        assert draw.bench_figure(half).get_size_inches()[1] < whole.get_size_inches()[1]
    with pytest.raises(ValueError, match="nothing was measured that can be drawn"):
        draw.bench_figure({**found, "parts": {"precision": found["parts"]["precision"]}})


# -- the command -------------------------------------------------------------------------------------------------------


def test_parts_are_chosen_and_written_as_json_or_as_a_page(monkeypatch, tmp_path):
    pytest.importorskip("captum")
    monkeypatch.setattr(subjects, "QUICK", TINY)
    found = json.loads(run("crowding", "--quick", "--threads", 1, "--json").stdout)
    assert list(found["parts"]) == ["crowding"] and found["machine"]["threads"] == 1
    said = run("speed", "--quick", "--network", "digits", "--rounds", 2, "--out", tmp_path / "chart.png").stdout
    assert "| digits forward |" in said and (tmp_path / "chart.png").is_file()


def test_full_and_quick_differ_in_amounts_only():
    assert subjects.FULL.network == subjects.QUICK.network == "vgg16"
    assert (min(subjects.FULL.sides), max(subjects.FULL.sides)) == (64, 448) and subjects.FULL.n == 20
    assert set(parts.PARTS) == set(report.TITLES)


def test_the_threads_are_limited_while_it_measures(monkeypatch):
    pytest.importorskip("captum")
    seen = {}
    monkeypatch.setitem(
        parts.PARTS, "speed", lambda size, used: seen.update({p.owner: p.size for p in threads.pools()})
    )
    parts.run(["speed"], TINY, 1, quiet=True)
    assert seen["torch"] == seen["numpy"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["spead"], "spead cannot be measured; expected some of speed, maps"),
        (["--out", "chart.jpg"], "cannot write 'chart.jpg'; expected a name that ends in .png"),
        (["--device", "cuda"], "--device is 'cuda', but the engine computes on the cpu"),
        (["--pytorch", "speed"], "--pytorch times the mirror alone"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, said):
    assert said in " ".join(run(*arguments, code=2).stderr.split())


@pytest.mark.parametrize(
    ("missing", "extra"), [(["captum"], "peers"), (["torch"], "torch"), (["torch", "captum"], "torch,peers")]
)
def test_without_the_other_side_it_says_what_to_install(missing, extra, monkeypatch):
    monkeypatch.setattr(machine, "find_spec", lambda name: None if name in missing else name)
    said = run(code=2).stderr
    assert said == f"minixai: the comparison needs {' and '.join(missing)}: pip install 'minixai[{extra}]'\n"


def test_the_command_line_starts_without_the_benchmark():
    code = "import sys, minixai.cli; print([m for m in sys.modules if m in ('minixai.bench.parts', 'torch', 'captum')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_network_of_another_size_and_a_chain():
    assert subjects.network("shapes-resnet", 16).input_shape == (3, 16, 16)
    net = subjects.chain(3, 8)
    assert sum(isinstance(node.op, mx.Conv2d) for node in net.nodes) == 3
    assert net(np.ones((1, 64, 8, 8), np.float32)).shape == (1, 10)
