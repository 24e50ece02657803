"""Builds that are killed, and builds that meet: no tag stands for what is not whole."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from comparison_size import size

from fakes import FakeRegistry
from imagebuilders import BuildContext, DaemonlessImageBuilder
from imagebuilders.distribution.transport import Request, Response, Transport

_OPTIONS = {
    "push": True,
    "platform": "linux/amd64,linux/arm64",
    "provenance": True,
    "tags": "TAG",
}


_EACH = size(4, 1)
"""A build is killed at each of so many requests."""


class KilledError(BaseException):
    """Ends a build where it stands, without a chance to put anything in order."""


def _context(server: FakeRegistry) -> BuildContext:
    context = BuildContext()
    text = f"FROM {server.address}/base:1\nARG TARGETARCH\nCOPY --chown=app a /$TARGETARCH\n"
    context.add_file(text, "Dockerfile")
    context.add_file("a", "a")
    return context


def _build(server: FakeRegistry) -> str:
    options: dict[str, Any] = {**_OPTIONS, "tags": f"{server.address}/team/app:latest"}
    name = f"{server.address}/team/app:1"
    return DaemonlessImageBuilder().build(name, _context(server), options)


def _check_whole(server: FakeRegistry) -> list[str]:
    """See that all that tags stand for is there; return the tags."""
    if "team/app" not in server.repositories:
        return []
    for tag in server.tags("team/app"):
        index = json.loads(server.manifest(f"team/app:{tag}").content)
        for entry in index["manifests"]:
            manifest = json.loads(server.manifest(f"team/app@{entry['digest']}").content)
            for blob in (manifest["config"], *manifest["layers"]):
                assert server.blob(blob["digest"])
    return server.tags("team/app")


@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "behind"])
def test_killed_at_every_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_sent: bool
) -> None:
    """Whether the request was sent or not; afterwards the build can be done as ever."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))
    send = Transport.send
    left = 0

    def cut(transport: Transport, request: Request) -> Response:
        nonlocal left
        left -= 1
        if left >= 0:
            return send(transport, request)
        if is_sent and left == -1:
            send(transport, request).close()
        raise KilledError

    digests = set()
    count = cuts = 0
    while True:
        monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / f"cache-{count}"))
        with FakeRegistry() as server:
            server.seed("base:1", files={"etc/passwd": "app:x:7:8::/:\n"})
            left = count
            with monkeypatch.context() as patch:
                patch.setattr(Transport, "send", cut)
                try:
                    _build(server)
                    break
                except KilledError:
                    pass
            _check_whole(server)
            digests.add(_build(server).partition("@")[2])
            assert _check_whole(server) == ["1", "latest"]
            cuts += 1
        count += _EACH
    assert cuts > 5
    assert len(digests) == cuts  # the registries' addresses are in the names of bases


def test_two_at_once_agree(server: FakeRegistry) -> None:
    """Both push the same, and both succeed."""
    with ThreadPoolExecutor(2) as pool:
        built = {each.result() for each in [pool.submit(_build, server) for _ in range(2)]}
    assert len(built) == 1
    assert _check_whole(server) == ["1", "latest"]


def test_an_upload_that_is_cut_goes_on(
    server: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks in the midst of a layer; what had arrived is not sent again."""
    monkeypatch.setattr("imagebuilders.daemonless.registry_destination.CHUNK_BYTES", 100_000)
    monkeypatch.setattr("imagebuilders.distribution.retries.time.sleep", lambda _: None)
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY --link a /a\n", "Dockerfile")
    context.add_file("0123456789" * 50_000, "a")
    server.faults.cut(50_000, method="PATCH", skip=1)
    builder = DaemonlessImageBuilder(compression="uncompressed")
    built = builder.build(f"{server.address}/team/app:1", context, {"push": True})
    (layer,) = json.loads(server.manifest(built).content)["layers"]
    assert b"0123456789" in server.blob(layer["digest"])
    sent = sum(request.request_size for request in server.requests if request.method == "PATCH")
    assert 500_000 <= sent < 650_000
