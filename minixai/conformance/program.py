"""A program in any language as an adapter: one JSON object per line to its stdin, one per line back from its stdout.

    {"do": "start", "protocol": 1}                  ->  {"name": "mine", "can": ["gradient", "Conv2d", ...]}
    {"do": "load", "network": KEY, "value": {...}}      a network that later questions name; no answer
    {"do": "run", "id": ID, ...the question...}     ->  {"id": ID, "status": "result" | "skipped" | "errored", ...}
    {"do": "stop"}                                      no answer; the program ends

It never sees what is expected. Whatever it does wrong (it ends, hangs, prints something else, answers another question
or floods the line) costs the case at hand: it is stopped, and started again for the next.
"""

import json
import queue
import shlex
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Self

from minixai.conformance.vectors import subject

LONGEST = 32 << 20  # bytes of a line
RESTARTS = 25  # after so many the program is left alone
PROTOCOL = 1


class Broken(Exception):
    """The program did not keep to the protocol."""


class Program:
    """An adapter that asks a program. Use it as a context manager; ``timeout`` is in seconds per answer."""

    def __init__(self, command: str | Sequence[str], timeout: float = 60) -> None:
        self.command = shlex.split(command) if isinstance(command, str) else list(command)
        self.timeout = timeout
        self.starts = 0
        self.can: frozenset[str] | None = None
        self._process: subprocess.Popen | None = None
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._loaded: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self._send({"do": "stop"})
                self._process.wait(timeout=2)
            except (Broken, subprocess.TimeoutExpired):
                self._end()

    def __call__(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The program's answer. Raises :class:`Broken` where it did something else instead."""
        try:
            self._started()
            what = subject(question)
            if self.can is not None and what not in self.can:
                return {"status": "skipped", "why": f"the program does not say that it can {what}"}
            return self._asked(question)
        except Broken:
            self._end()
            raise

    def _asked(self, question: Mapping[str, Any]) -> dict[str, Any]:
        sent = {"do": "run", **question}
        if "network" in question:
            sent["network"] = self._load(question["network"])
        self._send(sent)
        answer = self._receive()
        if answer.get("id") != question["id"]:
            raise Broken(f"it answered {answer.get('id')!r:.60} instead of {question['id']!r}")
        return answer

    def _load(self, network: Mapping[str, Any]) -> str:
        """The key of a network that the program has been told."""
        said = json.dumps(network)
        if said not in self._loaded:
            self._loaded[said] = f"network-{len(self._loaded) + 1}"
            self._send({"do": "load", "network": self._loaded[said], "value": network})
        return self._loaded[said]

    def _started(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        if self.starts > RESTARTS:
            raise Broken(f"it was started {self.starts} times and is left alone now")
        self.starts += 1
        self._loaded, self._lines = {}, queue.Queue()
        try:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise Broken(f"it cannot be started: {error}") from error
        assert self._process.stdout is not None
        threading.Thread(target=_listen, args=(self._process.stdout, self._lines), daemon=True).start()
        self._send({"do": "start", "protocol": PROTOCOL})
        hello = self._receive()
        self.can = frozenset(map(str, hello["can"])) if isinstance(hello.get("can"), list) else None

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Broken(f"it has ended ({error})") from error

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=self.timeout)
        except queue.Empty:
            raise Broken(f"it gave no answer within {self.timeout:g} seconds") from None
        if line is None:
            code = self._process.wait(timeout=5) if self._process else None
            raise Broken(f"it ended without an answer (exit code {code})")
        if len(line) > LONGEST:
            raise Broken(f"its answer is longer than {LONGEST} bytes")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise Broken(f"it printed {line[:60]!r}, which is no JSON") from None
        if not isinstance(answer, dict):
            raise Broken(f"it printed {line[:60]!r}; expected a JSON object")
        return answer

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)


def _listen(stream: IO[bytes], lines: queue.Queue) -> None:
    """Put the stream's lines into the queue, None at its end; a line that is too long comes cut, and as the last."""
    for line in _bounded(stream):
        lines.put(line)
    lines.put(None)


def _bounded(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(LONGEST + 1):
        yield line
        if len(line) > LONGEST:
            return
