"""A reader's progress: one small file per chapter on the reader's own machine, and nothing else anywhere."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minixai.zoo.weights import write

FOLDER = "MINIXAI_STATE"  # the environment variable that puts the files elsewhere
VERSION = 1


def folder() -> Path:
    """Where progress is kept: $MINIXAI_STATE, or the place that the operating system has for such things."""
    import platformdirs

    return Path(os.environ.get(FOLDER) or platformdirs.user_state_dir("minixai", appauthor=False))


def empty() -> dict[str, Any]:
    return {"version": VERSION, "exercises": {}, "answers": {}}


def load(chapter: str) -> tuple[dict[str, Any], str]:
    """(what is known of this chapter, a sentence if something was wrong with the file).

    A damaged file is put aside under another name, so that it can be looked at.
    """
    path = _path(chapter)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return empty(), ""
    except OSError as error:
        return empty(), f"Your progress in {path} cannot be read ({error.strerror}); this session starts without it."
    except (ValueError, RecursionError):
        return empty(), _put_aside(path)
    return (found, "") if _sound(found) else (empty(), _put_aside(path))


def update(chapter: str, change: Callable[[dict[str, Any]], None]) -> str:
    """Read, change, replace at once; a sentence if it could not be stored."""
    known, trouble = load(chapter)
    change(known)
    path = _path(chapter)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, (json.dumps(known, indent=1, sort_keys=True) + "\n").encode())
    except OSError as error:
        return f"Your progress could not be stored in {path.parent} ({error.strerror}); everything else works."
    return trouble


def of_exercise(known: dict[str, Any], id: str) -> dict[str, Any]:
    """What is known of one exercise, to read or to change."""
    return known["exercises"].setdefault(id, {"attempts": [], "passed": [], "hints": 0, "shown": False})


def _path(chapter: str) -> Path:
    return folder() / f"{chapter}.json"


def _sound(found: Any) -> bool:
    """Whether a file that could be read says what a progress file says."""
    if not isinstance(found, dict) or found.get("version") != VERSION:
        return False
    exercises, answers = found.get("exercises"), found.get("answers")
    if not isinstance(exercises, dict) or not isinstance(answers, dict):
        return False
    return all(map(_sound_exercise, exercises.values())) and all(isinstance(a, dict) for a in answers.values())


def _sound_exercise(e: Any) -> bool:
    kinds = {"attempts": list, "passed": list, "hints": int, "shown": bool}
    if not isinstance(e, dict) or not all(isinstance(e.get(name), kind) for name, kind in kinds.items()):
        return False
    return all(isinstance(a, dict) and isinstance(a.get("code"), str) for a in e["attempts"])


def _put_aside(path: Path) -> str:
    aside = path.with_suffix(".damaged.json")
    try:
        path.replace(aside)
    except OSError as error:
        return f"Your progress in {path} is damaged and cannot be moved ({error.strerror}); this session starts afresh."
    return f"Your progress in {path.name} was damaged; it is kept as {aside.name}, and a new one begins."
