"""Asking the scripts of the figures that compute in the page."""

import json
import shutil
import subprocess

import pytest

from minixai.book import nokernel

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: apt-get install nodejs")


def node(tmp_path, name, expression):
    """The value of a JavaScript expression in which ``it`` is the figure's module."""
    (tmp_path / "figure.mjs").write_text(nokernel.script(name))
    (tmp_path / "ask.mjs").write_text(
        f"import * as it from './figure.mjs'; process.stdout.write(JSON.stringify({expression}))"
    )
    done = subprocess.run(["node", str(tmp_path / "ask.mjs")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
