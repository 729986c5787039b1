"""The book's tests never touch a reader's progress."""

import pytest


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A progress folder that is empty and goes away."""
    folder = tmp_path / "state"
    monkeypatch.setenv("MINIXAI_STATE", str(folder))
    monkeypatch.delenv("MINIXAI_PREDICT", raising=False)
    return folder
