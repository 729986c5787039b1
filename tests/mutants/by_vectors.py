"""Which reference vector catches each planted bug? ``python -m tests.mutants.by_vectors`` rewrites vector_kills.json.

A mutant that no vector can see (it is in training, in figures, in how walks are shared) is not on the list.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.find import planted_copy
from tests.mutants.mutants import MUTANTS, Mutant

KILLS = Path(__file__).with_name("vector_kills.json")
ASK = """
import sys
import minixai as mx
from minixai.conformance import adapters, runner, vectors
cases = list(vectors.cases(only=sys.argv[1]))
for engine in ("compiled", "reference"):
    with mx.use(engine):
        for row in runner.run(adapters.engine, cases):
            if row.status != "passed":
                print(engine, row.id)
                sys.exit()
"""


def found(mutant: Mutant, folder: Path, only: str = "*") -> str | None:
    """"engine id": the first case that the engine with this bug gets wrong; None if there is none."""
    copy = planted_copy(mutant, folder)
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    command = [sys.executable, "-c", ASK, only]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip() or None


def killers() -> dict[str, str]:
    """{mutant: "engine id" of the case that catches it}."""
    return json.loads(KILLS.read_text())


if __name__ == "__main__":
    kills = {}
    for mutant in MUTANTS:
        with tempfile.TemporaryDirectory() as folder:
            killer = found(mutant, Path(folder))
        print(f"{mutant.name}: {killer or 'not seen by any vector'}", flush=True)
        if killer:
            kills[mutant.name] = killer
    KILLS.write_text(json.dumps(kills, indent=1) + "\n")
