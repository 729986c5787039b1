"""Somebody else's function, for a limited time: a loop without end must not hang the kernel."""

import ctypes
import time
from collections.abc import Callable
from contextvars import copy_context
from threading import Thread
from typing import Any

SECONDS = 5.0
_GRACE = 1.0  # how long a stopped function gets to come to an end


class TookTooLong(Exception):
    """The function was stopped because it ran too long."""


class _Stop(BaseException):
    """Raised inside the function; no ``except Exception`` there catches it."""


def within(seconds: float, function: Callable[..., Any], *args: Any) -> Any:
    """``function(*args)``, or TookTooLong after ``seconds``. What the function raises is raised here.

    It runs in a thread of its own, so that the kernel stays free whatever it does, and is stopped by an exception.
    """
    outcome: dict[str, Any] = {}
    context = copy_context()

    def run() -> None:
        try:
            outcome["value"] = context.run(function, *args)
        except _Stop:
            pass
        except BaseException as error:  # handed to the caller below
            outcome["error"] = error

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    if thread.is_alive():
        ended = _stop(thread)
        still = "" if ended else "; it could not be stopped and goes on in the background: restart the kernel"
        raise TookTooLong(f"it took more than {SECONDS:g} seconds and was stopped{still}")
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def _stop(thread: Thread) -> bool:
    """Raise _Stop in the thread until it ends; False if it does not."""
    deadline = time.monotonic() + _GRACE
    while thread.is_alive() and time.monotonic() < deadline:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
        thread.join(0.02)
    return not thread.is_alive()
