"""A reader's function gets a limited time, and the kernel stays alive."""

import threading
import time
from contextlib import suppress
from contextvars import ContextVar

import pytest

from minixai.book.guard import TookTooLong, within

COLOUR = ContextVar("COLOUR", default="none")


def test_it_hands_back_what_the_function_gives_or_raises():
    assert within(5, lambda a, b: a + b, 2, 3) == 5
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)


def test_the_function_sees_the_settings_of_its_caller():
    COLOUR.set("red")
    assert within(5, COLOUR.get) == "red"


def loop():
    while True:
        pass


def stubborn():
    while True:
        with suppress(Exception):
            time.sleep(0.001)


def finally_slow():
    try:
        loop()
    finally:
        time.sleep(0.05)


@pytest.mark.parametrize("function", [loop, stubborn, finally_slow])
def test_a_loop_without_end_is_stopped_and_leaves_no_thread_behind(function):
    before = threading.active_count()
    with pytest.raises(TookTooLong, match="was stopped$"):
        within(0.1, function)
    assert threading.active_count() == before


def test_what_cannot_be_stopped_is_said(monkeypatch):
    monkeypatch.setattr("minixai.book.guard._GRACE", 0.05)
    done = threading.Event()

    def deaf():
        while not done.is_set():
            with suppress(BaseException):
                time.sleep(0.01)

    with pytest.raises(TookTooLong, match="goes on in the background: restart the kernel"):
        within(0.05, deaf)
    done.set()


def test_no_time_left_is_too_long():
    with pytest.raises(TookTooLong):
        within(-1, loop)
