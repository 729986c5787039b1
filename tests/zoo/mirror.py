"""A server on this machine that can be told to misbehave."""

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event

import numpy as np

BODY = np.random.default_rng(7).bytes(200_000)


@dataclass
class Mirror:
    """What the server does, and the Range headers of what it was asked."""

    body: bytes = BODY
    status: int = 200
    says_length: bool = True
    in_chunks: bool = False
    knows_ranges: bool = True
    answers_from: int | None = None  # another byte than the one asked for
    stops_after: int | None = None
    waits: bool = False  # rather than hanging up, where it stops
    moved_to: str | None = None
    port: int = 0
    asked: list[str | None] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/folder/toy.net?raw=true"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wished = request.headers["Range"]
        self.asked.append(wished)
        start = int(wished.removeprefix("bytes=").removesuffix("-")) if wished and self.knows_ranges else 0
        if self.moved_to and "folder" in request.path:
            request.send_response(302)
            request.send_header("Location", self.moved_to)
            request.end_headers()
        elif self.status != 200 or start > len(self.body):
            request.send_error(self.status if self.status != 200 else 416)
        else:
            self.send(request, start if self.answers_from is None or not start else self.answers_from)

    def send(self, request: BaseHTTPRequestHandler, start: int) -> None:
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        if self.in_chunks:
            request.send_header("Transfer-Encoding", "chunked")
        elif self.says_length:
            request.send_header("Content-Length", str(len(self.body) - start))
        request.end_headers()
        if self.in_chunks:  # of which there is only one
            request.wfile.write(b"%x\r\n" % (len(self.body) - start))
        request.wfile.write(self.body[start : self.stops_after])
        if self.waits:
            request.wfile.flush()
            self.over.wait()
