"""What the README promises runs as printed."""

import re
from pathlib import Path

import minixai

README = Path(minixai.__file__).parents[1] / "README.md"


def test_the_code_runs_from_top_to_bottom(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 4
    names: dict = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    assert names["e"].label == "three"
    assert names["mx"].compare(names["net"], names["module"], names["x"], "lrp-gamma").passed
    assert capsys.readouterr().out.splitlines()[-1].startswith("input ")
    exact = minixai.explain(names["two"], minixai.exact([10, 6]), "lrp-gamma").relevance
    assert "750/221" in README.read_text() and [str(v) for v in exact] == ["750/221", "576/221"]
