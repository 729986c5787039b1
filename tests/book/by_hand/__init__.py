"""What was worked out in exact fractions outside the package, by chapter.

``chNN.py`` has ``NUMBERS``, {number of the prose: its value}, and ``EXERCISES``, {exercise: {mistake: what it gives}}
on the first case of its bank, with "" for the right one.
"""

from importlib import import_module
from pathlib import Path

FILES = [import_module(f"{__name__}.{p.stem}") for p in sorted(Path(__file__).parent.glob("[a-z]*.py"))]
NUMBERS = {name: value for file in FILES for name, value in file.NUMBERS.items()}
EXERCISES = {id: answers for file in FILES for id, answers in getattr(file, "EXERCISES", {}).items()}
