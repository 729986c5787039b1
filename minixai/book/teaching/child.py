"""The other end of ``sandbox``: a program of its own that runs a student's code and answers calls. Never imported.

It is started as ``python -I child.py``. First it shuts doors: memory, time, size of files; the network and other
processes, where the system lets an ordinary program cut itself off; its own stdout, so that nothing printed gets into
the answers. Then it reads the student's code, one JSON message a line, and calls the functions in it when asked.

It defends nothing against its own student: whoever breaks this program spoils only their own answers. The judge is not
in here.
"""

import builtins
import ctypes
import importlib.util
import json
import linecache
import os
import sys
from typing import Any

CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

PROCESSES = 64


def shut_doors(seconds: int, memory: int) -> dict[str, bool]:
    """Limits, as far as this system has them; which of them hold."""
    held = {"memory": False, "network": False, "processes": False}
    try:
        import resource
    except ImportError:  # Windows has none
        return held
    for what, limit in (("CPU", seconds), ("FSIZE", 1_000_000), ("CORE", 0), ("AS", memory)):
        try:
            resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (limit, limit))
            held["memory"] |= what == "AS"
        except (ValueError, OSError, AttributeError):
            pass  # reported by what is missing from ``held``
    try:
        apart = ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID) == 0
    except (OSError, AttributeError, TypeError):  # not Linux
        return held
    if apart:
        move_in()
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))  # counted in here only
    return {**held, "network": apart, "processes": apart}


def move_in() -> None:
    """Go on as the first process of a world of its own, from which no other process can be seen or ended."""
    inner = os.fork()
    if inner:
        code = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
        if code < 0:
            os.kill(os.getpid(), -code)
        os._exit(code)


def main() -> None:
    """Answer calls until the other side hangs up."""
    orders, answers = os.fdopen(os.dup(0), "r", encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    start = json.loads(orders.readline())
    spec = importlib.util.spec_from_file_location("values", start["values"])
    assert spec is not None and spec.loader is not None
    values = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(values)  # with NumPy, before memory is limited
    held = shut_doors(start["seconds"], start["memory"])
    Server(values, orders, answers, start["token"]).serve(start["pieces"], start["name"], held)


class Server:
    """Runs the pieces of a student's code, then calls their function."""

    def __init__(self, values: Any, orders: Any, answers: Any, token: str) -> None:
        self.values, self.orders, self.answers, self.token = values, orders, answers, token
        self.theirs: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}

    def serve(self, pieces: list[str], name: str, held: dict[str, bool]) -> None:
        troubles = [trouble for n, piece in enumerate(pieces) if (trouble := self.run(n, piece))]
        function = self.theirs.get(name)
        arguments = self.arguments_of(function)
        self.say({"ready": callable(function), "arguments": arguments, "troubles": troubles, "held": held})
        while order := self.hear():
            self.answer(function, order["arguments"])

    def run(self, number: int, piece: str) -> str:
        """One statement; a sentence if it stopped."""
        file = f"<cell {number}>"
        linecache.cache[file] = (len(piece), None, piece.splitlines(True), file)
        try:
            exec(compile(piece, file, "exec"), self.theirs)
        except BaseException as error:  # a student's code may raise anything, SystemExit too
            return f"{piece.splitlines()[0][:80]!r} stopped with {type(error).__name__}: {str(error)[:200]}"
        return ""

    def arguments_of(self, function: Any) -> list[str] | None:
        import inspect

        try:
            return [str(name) for name in inspect.signature(function).parameters]
        except (TypeError, ValueError):
            return None

    def answer(self, function: Any, sent: list[Any]) -> None:
        """Call their function; send back its value, and the arguments that it changed."""
        given = [self.values.decode(one, self.stand_in) for one in sent]
        try:
            value = self.values.encode(function(*given), [])
            after = [self.values.encode(one, []) if is_array(one) else None for one in given]
            changed = {n: now for n, (now, was) in enumerate(zip(after, sent, strict=True)) if now not in (None, was)}
            self.say({"value": value, "changed": changed})
        except BaseException as error:
            said = {"error": type(error).__name__, "text": str(error)[:500], "line": self.line_of(error)}
            self.say(said)

    def line_of(self, error: BaseException) -> str:
        """The student's own line at which it stopped."""
        at, line = error.__traceback__, ""
        while at is not None:
            file = at.tb_frame.f_code.co_filename
            line = linecache.getline(file, at.tb_lineno).strip() if file.startswith("<cell ") else line
            at = at.tb_next
        return line[:200]

    def stand_in(self, number: int) -> Any:
        """A function of the judge's, called from here."""

        def call(*given: Any) -> Any:
            self.say({"call": number, "arguments": [self.values.encode(one, []) for one in given]})
            reply = self.hear()
            if "error" in reply:
                raise ValueError(reply["error"])
            return self.values.decode(reply["value"], self.stand_in)

        return call

    def say(self, message: dict[str, Any]) -> None:
        self.answers.write(json.dumps({"token": self.token, **message}) + "\n")
        self.answers.flush()

    def hear(self) -> Any:
        line = self.orders.readline()
        if not line:
            sys.exit()
        return json.loads(line)


def is_array(value: Any) -> bool:
    return type(value).__name__ == "ndarray"


if __name__ == "__main__":
    main()
