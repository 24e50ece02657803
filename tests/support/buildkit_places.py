"""The registries and the web server that scenarios of the BuildKit contract need."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fakes import FakeRegistry
from fakes.registry import SeedImage

_HERE = "127.0.0.1"
_USERS = {"user": "pass"}
_BIG = "pf/big:latest"
_BIG_BYTES = 300_000
_FILES = {"/file.txt": (b"from the web\n", '"one"')}

OPEN, BASIC, BEARER, DENIES, SLOW, WEB, NOBODY = range(7)
_ADDRESSES: Mapping[int, tuple[str, ...]] = {
    OPEN: ("5000",),
    BASIC: ("5001", "5011"),
    BEARER: ("5002", "5012"),
    DENIES: ("5003", "5013"),
    SLOW: ("5004", "5014"),
    WEB: ("8766",),
    NOBODY: ("5999",),
}
"""The ports that stand in the scenarios; some daemons asked others of the same kind."""


@contextmanager
def open_places() -> Iterator[dict[str, str]]:
    """Return what is at each address that stands in the scenarios, for the length of a block."""
    with ExitStack() as stack:
        registries = {
            OPEN: FakeRegistry(),
            BASIC: FakeRegistry(auth="basic", users=_USERS),
            BEARER: FakeRegistry(auth="bearer", users=_USERS),
            DENIES: FakeRegistry(),
            SLOW: FakeRegistry(),
        }
        found = {}
        for kind, registry in registries.items():
            stack.enter_context(registry)
            content = random.Random(kind).randbytes(_BIG_BYTES)
            registry.seed(_BIG, SeedImage(files={"big": content, "small.txt": "small"}))
            found[kind] = registry.address
        registries[DENIES].faults.status(403, method="POST", path="/v2/*", times=None)
        found[WEB] = stack.enter_context(_web_server())
        found[NOBODY] = f"{_HERE}:{_free_port()}"
        yield {
            f"{_HERE}:{port}": found[kind] for kind, ports in _ADDRESSES.items() for port in ports
        }


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((_HERE, 0))
        return int(taken.getsockname()[1])


class _Files(BaseHTTPRequestHandler):
    """Serves files with their ETags."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a file, or that it has not changed."""
        content, tag = _FILES.get(self.path.partition("?")[0], (b"", ""))
        if not tag:
            self._say(404, b"not here\n", {})
        elif self.headers.get("If-None-Match") == tag:
            self._say(304, b"", {"ETag": tag})
        else:
            self._say(200, content, {"ETag": tag})

    do_HEAD = do_GET  # noqa: N815  (the name is the server's)

    def _say(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _web_server() -> Iterator[str]:
    with ThreadingHTTPServer((_HERE, 0), _Files) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"{_HERE}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
