"""What the tests of downloads share: a server on this machine, and an empty folder of downloads."""

from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from minixai.zoo.download import PUBLISHED, Published
from tests.zoo.mirror import BODY, Mirror


@pytest.fixture
def mirror(monkeypatch):
    """A server on this machine, and the network `toy` that is published there."""
    monkeypatch.setenv("no_proxy", "*")
    acts = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            acts.answer(self)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        acts.port = server.server_port
        record = Published("toy", acts.url, sha256(BODY).hexdigest(), len(BODY), "none")
        monkeypatch.setitem(PUBLISHED, "toy", record)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield acts
        acts.over.set()
        server.shutdown()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """$MINIXAI_HOME: a folder that does not exist yet."""
    monkeypatch.setenv("MINIXAI_HOME", str(tmp_path / "new" / "home"))
    return tmp_path / "new" / "home"
