"""``minixai conform``: runs that are kept, compared and reported, one case explained; and what hostile programs say."""

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from minixai.conformance import adapters, asking, peers, reports, runs, single, variants, vectors
from minixai.conformance.deviations import KINDS, Deviation
from minixai.conformance.judge import STATUSES
from minixai.conformance.runs import Result, Run
from tests.cli.test_cli import run as cli

HOSTILE = "<script>alert(1)</script> ]]> \" ' & \x1b[31mred \x00 \x85 \u202e \ud800 \ufffe\nnext"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff\ufffe\uffff]")
RESULTS = (
    Result("methods/fem/a-001", "passed", 1e-17, "", "", "methods/fem"),
    Result("methods/fem/a-002", "convention", 0.5, "relevance", "another n", "methods/fem", "other-n"),
    Result("methods/lrp-0/a-001", "failed", 0.25, "relu1", "", "methods/lrp-0"),
    Result("methods/lrp-0/a-002", "skipped", None, "", "no such rule", "methods/lrp-0"),
    Result("ops/ReLU-001", "errored", None, "", "ValueError: ink", "ops/ReLU"),
    Result("errors/ReLU-001", "passed", None, "", "", "errors/ReLU"),
)
RUN = Run("mine", {"mine": "1.0", "minixai": "0.1"}, "float64", RESULTS)
FULL_OF_IT = Run(
    HOSTILE, {HOSTILE: HOSTILE}, "float64",
    tuple(
        Result(f"methods/{HOSTILE}/{status}", status, 0.5, HOSTILE, HOSTILE, f"methods/{HOSTILE}", HOSTILE)
        for status in runs.ALL
    ),
)  # fmt: skip


def but(place, **now):
    """RUN with one result changed."""
    return replace(RUN, results=(*RESULTS[:place], replace(RESULTS[place], **now), *RESULTS[place + 1 :]))


def without(place):
    """RUN with one case less."""
    return replace(RUN, results=RESULTS[:place] + RESULTS[place + 1 :])


def kept(run, path):
    """The file of a run."""
    runs.save(run, path)
    return path


def test_every_status_is_shown():
    assert set(runs.ALL) == {*STATUSES, *KINDS} == set(reports.SHOWN) == set(reports._COLOURS) == set(reports._URGENT)
    assert tuple(reports.SHOWN) == runs.ALL and set(runs.WRONG) < set(runs.ALL)


# -- Asking ------------------------------------------------------------------------------------------------------------

(CASE,) = vectors.cases(only="methods/lrp-gamma/pool-001")


def test_a_deviation_names_its_variant_and_a_right_answer_none():
    known = [Deviation((CASE.id,), "convention", "*", "because", matched="that-one")]
    ((result, answer),) = runs.ask(adapters.sabotage, [CASE], "float64", known)
    assert (result.status, result.why, result.matched) == ("convention", "because", "that-one")
    assert result.about == "methods/lrp-gamma" and answer["status"] == "result"
    ((result, _),) = runs.ask(adapters.sabotage, [CASE], "float64", ())
    assert (result.status, result.matched) == ("failed", "")


def test_a_huge_difference_is_still_a_number_in_json():
    def huge(question):
        answer = adapters.engine(question)
        return {"status": "result", "relevance": answer["relevance"] | {"values": [1.7e308] * 9}}

    tiny = replace(CASE, expected=CASE.expected | {"relevance": {"shape": [1, 1, 3, 3], "float": [1e-9] * 9}})
    ((result, _),) = runs.ask(huge, [tiny], "float64", ())
    assert result.status == "failed" and result.worst == sys.float_info.max


def test_a_program_that_fails_leaves_no_answer_of_another():
    def crash(question):
        raise RuntimeError("out of paper")

    ((result, answer),) = runs.ask(crash, [CASE], "float64", ())
    assert result.status == "errored" and result.why == "RuntimeError: out of paper" and answer == {}


def test_the_precision_is_whose_tolerance_it_is_judged_by():
    def rounded(question):
        answer = adapters.engine(question)
        values = [v * (1 + 1e-6) for v in answer["relevance"]["values"]]
        return {"status": "result", "relevance": answer["relevance"] | {"values": values}}

    by = {p: next(runs.ask(rounded, [CASE], p, ()))[0].status for p in runs.PRECISIONS}
    assert by == {"float64": "failed", "float32": "passed"}
    said = cli("conform", "run", "--only", "methods/fem/ties-001", "--precision", "float16", code=2).stderr
    assert "--precision is 'float16'; expected float64 or float32" in said


# -- Files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [RUN, FULL_OF_IT], ids=["mine", "hostile"])
def test_a_run_is_read_back_as_it_was(run, tmp_path):
    assert runs.read(kept(run, tmp_path / "a.json")) == run


def damaged(**now):
    return json.dumps({"schema": runs.SCHEMA, **asdict(RUN), "counts": RUN.counts(), **now}).encode()


def with_result(**now):
    return damaged(results=[asdict(RESULTS[0]) | now, *map(asdict, RESULTS[1:])])


DAMAGED = {
    "empty": (b"", "Expecting value"),
    "cut off": (damaged()[:-9], ""),
    "not text": (b"\xff\xfe\x00", ""),
    "nested too deeply": (b"[" * 100_000, "nested too deeply"),
    "a list": (b"[]", "the file is list; expected an object"),
    "a key twice": (b'{"schema": 1, "schema": 2}', "a key stands twice"),
    "another key": (damaged(more=1), "the file has, or lacks, 'more'"),
    "no key": (b"{}", "the file has, or lacks, 'counts'"),
    "another schema": (damaged(schema="minixai-run/9"), "its schema is 'minixai-run/9'; expected minixai-run/1"),
    "another precision": (damaged(precision=["float64"]), "expected float64 or float32"),
    "a program without a name": (damaged(program=None), "program is None; expected a text"),
    "a list of versions": (damaged(versions=[]), "versions is list; expected an object"),
    "a version that is a number": (damaged(versions={"mine": 1}), "a version is 1; expected a text"),
    "results that are no list": (damaged(results={}), "results is dict; expected a list"),
    "a result that is no object": (damaged(results=[3]), "a result is int; expected an object"),
    "a result without an id": (damaged(results=[{}]), "a result has, or lacks, 'about'"),
    "another status": (with_result(status="fine"), "a status is 'fine'; expected passed or"),
    "a status that is a list": (with_result(status=[]), "a status is []"),
    "NaN": (with_result(worst=float("nan")), "NaN is no number here"),
    "an overflow": (damaged().replace(b"1e-17", b"1e999"), "worst is inf; expected null or a number from 0 on"),
    "a huge integer": (damaged().replace(b"1e-17", b"9" * 400), "expected null or a number"),
    "a truth value": (with_result(worst=True), "worst is True"),
    "a negative difference": (with_result(worst=-1), "worst is -1"),
    "a word for a number": (with_result(worst="0"), "worst is '0'"),
    "a long text": (with_result(why="x" * 3000), "expected a text of at most 2000 characters"),
    "a why that is a list": (with_result(why=[HOSTILE]), "why is ['<script>"),
    "a case of another group": (with_result(id="ops/a-001"), "the case 'ops/a-001' is said to be about 'methods/fem'"),
    "a case twice": (damaged(results=[asdict(RESULTS[0])] * 2), "the case 'methods/fem/a-001' stands twice"),
    "counts of another run": (damaged(counts={"passed": 6}), "its counts are {'passed': 6}; its results have"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_file_is_one_sentence(what, tmp_path):
    content, said = DAMAGED[what]
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match="is not a saved run: ") as error:
        runs.read(tmp_path / "x.json")
    assert said in str(error.value) and not CONTROL.search(str(error.value)) and "\n" not in str(error.value)


def test_bad_files_end_with_exit_code_2(tmp_path, monkeypatch):
    good, bad = kept(RUN, tmp_path / "good.json"), tmp_path / "bad.json"
    bad.write_text("[]")
    for arguments in (("diff", good, bad), ("diff", bad, good), ("report", good, bad)):
        assert "bad.json is not a saved run: the file is list" in cli("conform", *arguments, code=2).stderr
    assert "no.json" in cli("conform", "diff", good, "no.json", code=2).stderr
    monkeypatch.setattr(runs, "LARGEST", 10)
    assert "expected at most 10" in cli("conform", "report", good, code=2).stderr


# -- Two runs ----------------------------------------------------------------------------------------------------------

TURNS = {
    "nothing": (RUN, RUN, []),
    "a passing case fails": (RUN, but(0, status="failed", where="relu1"), ["worse"]),
    "a passing case is skipped": (RUN, but(0, status="skipped"), ["worse"]),
    "a passing case is a known deviation": (RUN, but(0, status="defect", where="relevance"), ["worse"]),
    "a passing case is no longer asked": (RUN, without(0), ["worse"]),
    "a known deviation fails": (RUN, but(1, status="failed"), ["worse"]),
    "a skipped case fails": (RUN, but(3, status="errored"), ["worse"]),
    "a failing case is new": (without(2), RUN, ["worse"]),
    "a failing case passes": (RUN, but(2, status="passed", where=""), ["better"]),
    "a failing case is no longer asked": (RUN, without(2), ["better"]),
    "a passing case is new": (without(0), RUN, ["better"]),
    "it fails elsewhere": (RUN, but(2, where="conv1"), ["other"]),
    "it errs instead": (RUN, but(2, status="errored"), ["other"]),
    "a skipped case is no longer asked": (RUN, without(3), ["other"]),
    "the difference is another, at the same place": (RUN, but(2, worst=0.5), []),
}


@pytest.mark.parametrize("what", TURNS)
def test_what_is_worse_decides_the_exit_code(what, tmp_path):
    before, after, turns = TURNS[what]
    assert [change.turn for change in runs.changes(before, after)] == turns
    files = kept(before, tmp_path / "a.json"), kept(after, tmp_path / "b.json")
    lines = cli("conform", "diff", *files, code=int("worse" in turns)).stdout.splitlines()
    assert [line.split()[0] for line in lines[: len(turns)]] == turns
    worse = turns.count("worse")
    assert lines[-1].endswith(f": {len(turns)} cases changed, {worse} of them for the worse")


def test_a_change_is_a_line_and_a_place_in_the_table(tmp_path):
    files = kept(RUN, tmp_path / "a.json"), kept(but(2, where="conv1"), tmp_path / "b.json")
    lines = cli("conform", "diff", *files).stdout.splitlines()
    assert lines[0] == f"other  {'methods/lrp-0/a-001':44} failed at relu1 -> failed at conv1"
    assert [line.split() for line in lines[3:5]] == [["methods/lrp-0", "2", "0", "0", "0", "0", "1"], []]
    after = kept(replace(but(0, status="failed", where="relu1"), program="new"), tmp_path / "c.json")
    lines = cli("conform", "diff", files[0], after, code=1).stdout.splitlines()
    assert [line.split() for line in lines[3:5]] == [["methods/fem", "2", "1", "0", "1", "0", "0"], []]
    assert lines[-1].startswith("mine 1.0 (float64) -> new (float64): 1 cases changed")


# -- Reports -----------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would make of a page: its tags, its links, its anchors and its words."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.anchors, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        self.tags.append((tag, said))
        self.anchors += [said["id"]] if "id" in said else []
        self.links += [said["href"]] if "href" in said else []

    def handle_data(self, data):
        self.words.append(data)

    def text(self):
        return " ".join("".join(self.words).split())


def test_the_page_stands_alone_and_its_links_lead_somewhere():
    page = Page(reports.as_html([RUN, without(4), replace(RUN, program="other")]))
    assert {link[0] for link in page.links} == {"#"} and {link[1:] for link in page.links} <= set(page.anchors)
    assert len(set(page.anchors)) == len(page.anchors)
    tags = [tag for tag, _ in page.tags]
    assert not {"script", "img", "link", "iframe", "object"} & set(tags) and tags.count("caption") == 1
    assert not any(key.startswith("on") or key == "src" for _, said in page.tags for key in said)
    assert all("scope" in said for tag, said in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags and "url(" not in reports._STYLE and "@import" not in reports._STYLE


def test_the_page_counts_and_says_why():
    text = spaced(reports.as_html([RUN]))
    for said in (
        "fem ✓ 1 agree ≈ 1 convention lrp-0 – 1 skipped ✖ 1 failed Layers ReLU ! 1 errored",
        "Questions that must be refused ReLU ✓ 1 agree All ✓ 2 agree ≈ 1 convention – 1 skipped ✖ 1 failed ! 1 errored",
        "≈ 1 convention a-002 relevance 0.5 another n other-n",
        "✖ 1 failed a-001 relu1 0.25",
        "mine 1.0: 6 cases, judged by the tolerances for float64; minixai 0.1",
    ):
        assert said in text


def spaced(html):
    """The words of a page, with a space between elements."""
    return " ".join(Page(re.sub("<", " <", html)).text().split())


def test_cases_of_one_kind_share_a_line():
    more = [Result(f"methods/fem/a-{k:03}", "passed", 0.0, "", "", "methods/fem") for k in range(3, 6)]
    assert "✓ 4 agree a-001, 003, 004, 005" in spaced(reports.as_html([replace(RUN, results=(*RESULTS, *more))]))


def luminance(colour):
    linear = [(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4) for v in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("status", runs.ALL)
def test_dark_text_is_read_on_every_colour(status):
    found, text = ([int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)] for c in (reports._COLOURS[status], "#1a1a1a"))
    assert (luminance(found) + 0.05) / (luminance(text) + 0.05) >= 7


def test_hostile_words_are_shown_and_not_obeyed():
    html = reports.as_html([FULL_OF_IT])
    page = Page(html)
    assert not CONTROL.search(html) and "script" not in {tag for tag, _ in page.tags}
    assert "<script>alert(1)</script> ]]> \" ' & \\x1b[31mred \\x00 \\x85 \\u202e \\ud800 \\ufffe\\nnext" in page.text()
    html.encode()
    for text in (reports.as_text([FULL_OF_IT]), *(result.as_text() for result in FULL_OF_IT.results)):
        assert not CONTROL.search(text) and "\\x1b[31mred" in text


def test_junit_has_a_suite_per_subject():
    root = ElementTree.fromstring(reports.as_junit(RUN))
    assert root.attrib == {"name": "mine 1.0", "tests": "6", "failures": "1", "errors": "1", "skipped": "2"}
    assert [suite.get("name") for suite in root] == list(dict.fromkeys(result.about for result in RESULTS))
    found = {case.get("name"): [(e.tag, e.get("message")) for e in case] for case in root.iter("testcase")}
    assert found == {
        "methods/fem/a-001": [],
        "methods/fem/a-002": [
            ("skipped", "known convention: first at relevance, 5.0e-01 of the largest value; another n; is other-n")
        ],
        "methods/lrp-0/a-001": [("failure", "first at relu1, 2.5e-01 of the largest value")],
        "methods/lrp-0/a-002": [("skipped", "no such rule")],
        "ops/ReLU-001": [("error", "ValueError: ink")],
        "errors/ReLU-001": [],
    }


def test_junit_survives_hostile_words():
    text = reports.as_junit(FULL_OF_IT)
    assert not CONTROL.search(text)
    (suite,) = ElementTree.fromstring(text.encode())
    assert len(suite) == len(runs.ALL) and "<script>" in suite.get("name")
    assert all("]]>" in e.get("message") for case in suite for e in case)


def test_the_text_is_a_table_of_methods_and_programs(tmp_path):
    files = kept(RUN, tmp_path / "a.json"), kept(replace(without(4), program="other"), tmp_path / "b.json")
    said = cli("conform", "report", *files, "--html", tmp_path / "r.html").stdout
    lines = [re.split(r"\s{2,}", line.strip()) for line in said.splitlines()]
    assert lines[:4] == [
        ["mine 1.0", "other"],
        ["methods/fem", "1 1C", "1 1C"],
        ["methods/lrp-0", "1S 1F", "1S 1F"],
        ["ops/ReLU", "1E"],
    ]
    assert lines[5] == ["all", "2 1C 1S 1F 1E", "2 1C 1S 1F"] and "C convention" in said
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_without_files_everything_that_is_here_is_asked(monkeypatch):
    monkeypatch.setattr(asking, "LIBRARIES", {"minixai": (), "zennit": ("no-such-package",)})
    found = cli("conform", "report", "--only", "methods/fem/ties-*")
    assert found.stdout.splitlines()[1].split() == ["methods/fem", "3"]
    assert found.stderr == "zennit is left out: asking no-such-package needs the package of that name: pip install " \
        "no-such-package\n"  # fmt: skip
    assert set(peers.LIBRARIES) < set(adapters.ADAPTERS)


def test_only_and_files_do_not_go_together(tmp_path):
    said = cli("conform", "report", kept(RUN, tmp_path / "a.json"), "--only", "ops/*", code=2).stderr
    assert "--only chooses what is asked, but runs that are given are not asked again" in " ".join(said.split())


# -- On the command line -----------------------------------------------------------------------------------------------

SPEAKS = """
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if m["do"] == "start": print(json.dumps({"name": "odd", "can": ["gradient"]}), flush=True)
    elif m["do"] == "run": print(json.dumps({"id": m["id"], "status": %r, "why": %r}), flush=True)
    elif m["do"] == "stop": break
"""
FEW = ("--only", "methods/gradient/dense-*")


def speaking(folder, status, why=HOSTILE):
    (folder / "odd.py").write_text(SPEAKS % (status, why))
    return "--exec", f'"{sys.executable}" "{folder / "odd.py"}"'


def test_a_hostile_program_steers_nothing(tmp_path):
    files = {kind: tmp_path / f"run.{kind}" for kind in ("save", "junit", "html")}
    options = [part for kind, path in files.items() for part in (f"--{kind}", path)]
    said = cli("conform", "run", *speaking(tmp_path, "errored"), *FEW, *options, code=1)
    assert said.stdout.count("\\x1b[31mred") == 3 and not CONTROL.search(said.stdout)
    assert said.stdout.splitlines()[-1].endswith("0 passed, 0 failed, 0 skipped, 3 errored")
    assert len(said.stdout.splitlines()) == 4
    assert runs.read(files["save"]).results[0].why == HOSTILE
    assert not CONTROL.search(files["html"].read_text() + files["junit"].read_text())
    root = ElementTree.parse(files["junit"]).getroot()
    assert root.get("errors") == "3" and len(list(root.iter("error"))) == 3
    assert len(json.loads(cli("conform", "run", *speaking(tmp_path, "errored"), *FEW, "--json", code=1).stdout)) == 3


def test_a_kept_run_says_who_and_how(tmp_path):
    cli("conform", "run", *speaking(tmp_path, "skipped"), *FEW, "--name", "odd", "--precision", "float32",
        "--save", tmp_path / "a.json")  # fmt: skip
    found = runs.read(tmp_path / "a.json")
    assert (found.program, found.precision, found.counts()) == ("odd", "float32", {"skipped": 3})
    cli("conform", "run", *FEW, "--save", tmp_path / "b.json")
    assert runs.read(tmp_path / "b.json").versions.keys() == {"minixai"}
    cli("conform", "diff", tmp_path / "b.json", tmp_path / "a.json", code=1)
    cli("conform", "diff", tmp_path / "a.json", tmp_path / "b.json")


@pytest.mark.parametrize("option", ["--save", "--junit", "--html"])
def test_a_folder_that_is_not_there_is_said_before_the_run(option, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "ask", None)
    said = cli("conform", "run", option, tmp_path / "no" / "a.json", code=2).stderr
    assert f"{option} is" in said and "expected a file in a folder that exists" in " ".join(said.split())


def test_a_failed_case_can_be_told_from_its_variants(tmp_path, monkeypatch):
    instead = other_than(CASE)
    monkeypatch.setitem(adapters.ADAPTERS, "minixai", answering(instead))
    said = cli("conform", "run", "--only", CASE.id, "--variants", "--save", tmp_path / "a.json", code=1).stdout
    (result,) = runs.read(tmp_path / "a.json").results
    assert instead.name in result.matched.split(", ") and f"it is {result.matched}" in said
    cli("conform", "run", "--only", CASE.id, "--save", tmp_path / "b.json", code=1)
    assert runs.read(tmp_path / "b.json").results[0].matched == ""


def answering(variant):
    """An adapter that answers what a variant computes."""
    return lambda question: adapters.answered(variant.answer(question).astype(float), {})


def other_than(case):
    """A variant that this case tells from the right answer."""
    every = variants.of(case.question["method"])
    return next(v for v in every if next(runs.ask(answering(v), [case], "float64", ()))[0].status == "failed")


def words(text):
    """A text without its line ends."""
    return " ".join(text.split())


# -- One case ----------------------------------------------------------------------------------------------------------


def test_a_case_that_passes_is_explained():
    said = words(cli("conform", "explain", "methods/lrp-gamma/shared-001").stdout)
    for part in (
        "method lrp-gamma: LRP-gamma, Section 5.1, equations (11), (14)",
        "parameters gamma=1/4, bias=include",
        "network 1x1x3x3 -> conv1 Conv2d 1x1x1x1 -> relu1 ReLU -> conv2 Conv2d 1x1x1x1 as conv1 -> "
        "add1 Add(conv1, conv2) -> identity1",
        "minixai passed",
        "of the largest value; 1.0e-09 is allowed",
    ):
        assert part in said
    assert "at relevance" not in said


def test_what_a_case_is_for_is_said():
    case = replace(CASE, flags=("a note", "another"), distinguishes=("one", "two"), invariants=("conservation",))
    lines = single.as_text(single.described(case)).splitlines()
    assert lines[-4:] == [
        "it catches    a note",
        "it catches    another",
        "it obeys      conservation",
        "tells apart   one, two",
    ]


def test_the_first_node_that_differs_is_shown_number_by_number(monkeypatch):
    def doubled(question):
        answer = adapters.engine(question)
        for name in ("conv1", "relu1"):
            signal = answer["signals"][name]
            answer["signals"][name] = signal | {"values": [2 * v for v in signal["values"]]}
        return answer

    monkeypatch.setitem(adapters.ADAPTERS, "minixai", doubled)
    lines = cli("conform", "explain", CASE.id, code=1).stdout.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("at relu1"))
    assert not any(line.startswith("at conv1") for line in lines) and lines[at + 1].split()[:2] == ["place", "expected"]
    cells = re.split(r"\s{2,}", lines[at + 2].strip())
    expected, answered, apart = float(cells[1].split(" = ")[0]), float(cells[2]), float(cells[3])
    assert answered == pytest.approx(2 * expected, rel=1e-6) and apart == pytest.approx(abs(expected), rel=0.1)
    wanted = CASE.expected["signals"]["relu1"]["float"]
    assert abs(expected) == pytest.approx(max(map(abs, wanted)), rel=1e-6)
    (relevance,) = [line for line in lines if line.startswith("at relevance")]
    assert re.search(r"all 9 numbers are right, within \d", relevance)


def test_a_variant_is_named_and_missing_signals_are_said(monkeypatch):
    instead = other_than(CASE)
    monkeypatch.setitem(adapters.ADAPTERS, "minixai", answering(instead))
    said = words(cli("conform", "explain", CASE.id, code=1).stdout)
    assert "signals the program answers none, so that only its relevance can be compared" in said
    assert f"it is instead {instead.name}: {instead.note}" in said


def test_the_variant_of_a_layer_is_named(monkeypatch):
    case = next(vectors.cases(only="ops/MaxPool2d-*"))
    right = [case.expected["output"]["float"], *(part["float"] for part in case.expected["leaving"])]
    for instead in variants.of_layer("MaxPool2d"):
        output, *leaving = (adapters.sent(a.astype(float)) for a in instead.answer(case.question))
        if [output["values"], *(part["values"] for part in leaving)] != right:
            break
    answer = {"status": "result", "output": output, "leaving": leaving}
    monkeypatch.setitem(adapters.ADAPTERS, "minixai", lambda question: answer)
    said = words(cli("conform", "explain", case.id, code=1).stdout)
    assert f"it is instead {instead.name}: {words(instead.note)}" in said
    del answer["leaving"]
    assert "none of the" in words(cli("conform", "explain", case.id, code=1).stdout)


def test_what_is_no_variant_is_said_to_be_none():
    said = cli("conform", "explain", CASE.id, "--adapter", "sabotage", code=1).stdout
    assert f"it is instead none of the {len(variants.of('lrp-gamma'))} variants that are known" in said


def test_a_known_deviation_is_explained_with_its_entry():
    if not installed("captum"):
        pytest.skip("captum is not installed")
    said = words(cli("conform", "explain", "methods/deeplift-rescale/pool-001", "--adapter", "captum").stdout)
    assert "captum defect: where a ReLU feeds a max-pool" in said and "it is instead pool-gradient: " in said
    assert "listed as defect, versions 0.9.*, pool-gradient, https://github.com/" in said


def installed(library):
    try:
        return peers.installed(library)
    except ImportError:
        return None


def test_a_layer_and_a_refusal_are_explained(monkeypatch):
    said = cli("conform", "explain", "ops/Conv2d-003", "--adapter", "sabotage", code=1).stdout
    assert "layer         Conv2d" in said and "at output" in said and "it is instead none of the" in said
    (layer,) = vectors.cases(only="ops/Conv2d-003")
    broken = {**layer.question, "layer": {"op": "Conv2d"}}
    case = vectors.Case("errors/Conv2d-001", "errors", "survey", broken, {"raises": "the weight is missing"}, {})
    monkeypatch.setattr(vectors, "cases", lambda only: iter([case]))
    said = cli("conform", "explain", case.id).stdout
    assert "expected      a refusal: the weight is missing" in said and "minixai       passed" in said
    assert 'question      {"layer": {"op": "Conv2d"}' in said
    monkeypatch.setitem(adapters.ADAPTERS, "minixai", lambda question: {"status": "result"})
    said = cli("conform", "explain", case.id, code=1).stdout
    assert said.endswith("minixai       failed: it answers, although the weight is missing\n")


ODD = {
    "words": {"shape": [1, 1, 3, 3], "values": ["a"] * 9},
    "NaN": {"shape": [1, 1, 3, 3], "values": [float("nan")] * 9},
    "another shape": {"shape": [9], "values": [0.0] * 9},
    "nothing": None,
}


@pytest.mark.parametrize("what", ODD)
def test_numbers_that_cannot_be_compared_are_no_traceback(what, monkeypatch):
    monkeypatch.setitem(adapters.ADAPTERS, "minixai", lambda question: {"status": "result", "relevance": ODD[what]})
    said = cli("conform", "explain", CASE.id, code=1).stdout
    assert "at relevance  cannot be compared number by number" in said


def test_explain_steers_nothing_either(tmp_path):
    said = cli("conform", "explain", "methods/gradient/dense-001", *speaking(tmp_path, "errored"), code=1).stdout
    assert "\\x1b[31mred" in said and "\\ufffe\\nnext" in said and not CONTROL.search(said)
    lines = single.as_text(iter([(HOSTILE, HOSTILE)]))
    assert not CONTROL.search(lines) and lines.splitlines()[1].strip() == "next"


def test_an_id_that_is_none():
    for odd in ("methods/fem/*", "nothing", "methods/[", ""):
        assert "which is no case; minixai conform list shows their ids" in cli("conform", "explain", odd, code=2).stderr
    assert "--adapter is 'x'" in cli("conform", "explain", CASE.id, "--adapter", "x", code=2).stderr


def test_the_rest_of_the_command_line_starts_without_all_this():
    code = "import sys, minixai.cli; print([m for m in sys.modules if m.startswith('minixai.conformance')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['minixai.conformance', 'minixai.conformance.commands']"
    for verb in ("list", "run", "diff", "report", "explain", "lint"):
        assert cli("conform", verb, "--help").stdout.startswith(f"Usage: root conform {verb}")
