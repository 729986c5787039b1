"""A student's function, kept in a process of its own; the judge stays here and only sees data.

The other process (``child``) is a fresh interpreter, ``python -I``, with an empty folder that goes away, an environment
of a few words, a limit on memory where the system has one, and a limit on time that is enforced from here. So what a
student's code does to the judge, it does to a judge that is not there; a loop without end, a bomb of memory, an exit
cost this student one sentence.

What is *not* promised: the process runs as you, and may read what you may read (the package, with its solutions; a
secret on your command line). Where Linux allows it (user namespaces) it is cut off from the network and from all other
processes, else it is not; ``Sandbox.held`` says which. For strangers' code take a machine, or a container, with nothing
on it. It needs a Unix (pipes that can be waited for); on Windows use its Linux subsystem.
"""

import builtins
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minixai.book.guard import SECONDS
from minixai.book.teaching import values
from minixai.threads import environment

HERE = Path(__file__).resolve().parent
MEMORY = 2 * 1024**3  # bytes of address space
START = 30.0  # seconds for the interpreter, NumPy and the student's imports
LONGEST = 4_000_000  # bytes of one answer
POLL = 0.02


class Stopped(Exception):
    """The process ended, or had to be ended; the text says why."""


class Sandbox:
    """A process with a student's code in it. Calling it calls their function ``name``; closing it ends everything."""

    def __init__(self, pieces: Sequence[str], name: str, memory: int = MEMORY, start: float = START) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="minixai-")
        self._token, self._rest, self._why = secrets.token_hex(8), b"", ""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(HERE / "child.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=self._folder.name, env=_environment(self._folder.name), start_new_session=True, close_fds=True,
        )  # fmt: skip
        self.troubles: list[str] = []
        self.arguments: list[str] | None = None
        self.held: dict[str, bool] = {}
        self.ready = False
        facts = {"token": self._token, "values": str(HERE / "values.py"), "pieces": list(pieces), "name": name}
        try:
            self._send({**facts, "memory": memory, "seconds": int(start + 4 * SECONDS)})
            found = self._receive(time.monotonic() + start)
        except Stopped as error:
            self._why = str(error)
            return
        self.ready, self.held = bool(found.get("ready")), dict(found.get("held") or {})
        self.arguments = _names(found.get("arguments"))
        self.troubles = [str(trouble)[:300] for trouble in list(found.get("troubles") or ())[:10]]

    @property
    def why(self) -> str:
        """Why there is no function to call; nothing if there is one."""
        return self._why or ("" if self.ready else " ".join(self.troubles) or "no function of that name was left.")

    def __call__(self, *given: Any) -> Any:
        """Their answer. Raises what their function raised, and Stopped where its process is no more."""
        if self._why:
            raise Stopped(self._why)
        functions: list[Callable[..., Any]] = []
        try:
            self._send({"arguments": [values.encode(one, functions) for one in given]})
            reply = self._converse(functions)
        except BaseException as error:  # the judge's time limit raises in here; a call that was left is never resumed
            self.close(str(error) if isinstance(error, Stopped) else "it took too long and was ended")
            raise
        if "error" in reply:
            raise _raised(reply)
        _write_back(given, reply.get("changed"))
        return self._value(reply.get("value"))

    def _converse(self, functions: list[Callable[..., Any]]) -> dict[str, Any]:
        """What comes back at the end; until then, calls of functions that were among the arguments."""
        end = time.monotonic() + 2 * SECONDS
        while True:
            reply = self._receive(end)
            if "call" not in reply:
                return reply
            asked = reply.get("call")
            if not isinstance(asked, int) or not 0 <= asked < len(functions):
                raise Stopped("it asked for a function that it was not given.")
            try:
                answer = functions[asked](*(self._value(one) for one in reply.get("arguments") or ()))
                self._send({"value": values.encode(answer, [])})
            except (ValueError, TypeError, IndexError, ArithmeticError) as error:  # called with the wrong things
                self._send({"error": f"{type(error).__name__}: {error}"[:500]})

    def _value(self, sent: Any) -> Any:
        try:
            return values.decode(sent, lambda n: values.Thing("function"))
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
            raise Stopped("what it sent back was no value.") from error

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, OSError) as error:
            raise Stopped(self._ended()) from error

    def _receive(self, end: float) -> dict[str, Any]:
        """The next message. Looks up often, so that whoever limits our time can stop us in between."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while b"\n" not in self._rest:
            if time.monotonic() > end:
                raise Stopped("it took too long and was ended.")
            if not select.select([pipe], [], [], POLL)[0]:
                continue
            more = os.read(pipe, 65536)
            if not more:
                raise Stopped(self._ended())
            self._rest += more
            if len(self._rest) > LONGEST:
                raise Stopped("its answer was too long to be read.")
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Stopped("it wrote into the answers.") from error
        if not isinstance(found, dict) or found.get("token") != self._token:
            raise Stopped("it wrote into the answers.")
        return found

    def _ended(self) -> str:
        """How the process ended, in words."""
        code = self._process.wait(timeout=5)
        if code < 0:
            return f"the program that ran it was ended by {signal.Signals(-code).name}."
        return f"the program that ran it ended (exit code {code}): is there an exit in it?"

    def close(self, why: str = "it was closed") -> None:
        """End the process, with everything that it started, and take its folder away."""
        self._why = self._why or why
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # it has ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what was still to be sent has no reader any more
                    pipe.close()
        self._folder.cleanup()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _environment(folder: str) -> dict[str, str]:
    """All that the other process is told of this one: where it may write, and to use one thread."""
    homes = {
        name: folder for name in ("HOME", "TMPDIR", "MINIXAI_STATE", "MINIXAI_HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR")
    }
    system = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows needs it to start
    return {**environment(1), **homes, **system, "LANG": "C.UTF-8"}


def _names(found: Any) -> list[str] | None:
    return [str(name)[:60] for name in found[:50]] if isinstance(found, list) else None


def _raised(reply: dict[str, Any]) -> Exception:
    """What their function raised, as an exception of that name; it is never one of a class that they made."""
    name, line = str(reply["error"])[:60], str(reply.get("line") or "")[:200]
    where = f" (at the line: {line})" if line else ""
    text = f"{str(reply.get('text'))[:500]}{where}"
    if name == NotImplementedError.__name__:
        return NotImplementedError(text)
    known = getattr(builtins, name, None)
    plain = isinstance(known, type) and issubclass(known, BaseException)
    return type(name if plain else "Exception", (Exception,), {})(text)


def _write_back(given: Sequence[Any], changed: Any) -> None:
    """What their function did to its arguments is done to ours, so that the judge sees it."""
    if not isinstance(changed, dict):
        return
    for n, one in enumerate(given):
        if str(n) in changed and isinstance(one, np.ndarray):
            one.flat[:] = one + 1 if one.dtype != bool else ~one  # any change is one change too many
