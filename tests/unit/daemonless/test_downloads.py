"""What ADD fetches by HTTP."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from fakes import FakeRegistry
from imagebuilders import BuildContext, DaemonlessImageBuilder
from imagebuilders.daemonless.downloads import HttpDownloads
from imagebuilders.evaluation.steps import UrlSource
from imagebuilders.exceptions import BuildError, ImageBuilderError

_DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


class _Handler(BaseHTTPRequestHandler):
    """Serves a file, a redirect to it, one that is cut, and nothing else."""

    def do_GET(self) -> None:
        """Answer."""
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/file.txt")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.startswith(("/file.txt", "/cut")):
            self.send_response(200)
            length = 4 if self.path.startswith("/file.txt") else 100
            self.send_header("Content-Length", str(length))
            self.send_header("Last-Modified", _DATE)
            self.end_headers()
            self.wfile.write(b"text")
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Serve, and give the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _fetch(url: str, *, max_bytes: int = 1000) -> tuple[bytes, int]:
    downloads = HttpDownloads({}, max_bytes=max_bytes)
    with downloads.fetch(UrlSource(url, url, "file.txt")) as found:
        return b"".join(found.chunks), found.last_modified


@pytest.mark.parametrize("path", ["file.txt", "moved"])
def test_a_file_and_its_time(address: str, path: str) -> None:
    """Redirects are followed."""
    assert _fetch(f"{address}/{path}") == (b"text", 1700000000)


@pytest.mark.parametrize(
    ("path", "words"),
    [("none", "invalid response status 404"), ("cut", "cannot be fetched")],
)
def test_what_cannot_be_fetched(address: str, path: str, words: str) -> None:
    """The error says why, and shows no secret of the URL."""
    url = f"{address}/{path}?token=s3cret".replace("http://", "http://me:pa55@")
    with pytest.raises(ImageBuilderError, match=words) as caught:
        _fetch(url)
    assert "s3cret" not in str(caught.value)
    assert "pa55" not in str(caught.value)


def test_a_file_without_end(address: str) -> None:
    """No more is read than is allowed."""
    with pytest.raises(ImageBuilderError, match="more than 3 bytes"):
        _fetch(f"{address}/file.txt", max_bytes=3)


def test_it_is_added_to_the_image(address: str, server: FakeRegistry) -> None:
    """With the time that the server tells; a wrong checksum is an error with its line."""
    text = f"FROM scratch\nADD {address}/file.txt /x/\n"
    context = BuildContext()
    context.add_file(text, "Dockerfile")
    name = f"{server.address}/team/app:1"
    built = DaemonlessImageBuilder().build(name, context, {"push": True})
    (layer,) = json.loads(server.manifest(built).content)["layers"]
    with tarfile.open(fileobj=io.BytesIO(server.blob(layer["digest"]))) as archive:
        assert archive.getmember("x/file.txt").mtime == 1700000000
    context.add_file(text.replace("ADD ", f"ADD --checksum=sha256:{'0' * 64} "), "Dockerfile")
    with pytest.raises(BuildError, match="digest mismatch") as caught:
        DaemonlessImageBuilder().build(name, context, {"push": True})
    assert caught.value.instruction is not None
    assert caught.value.instruction.startswith("ADD --checksum=")
