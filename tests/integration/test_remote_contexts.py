"""Contexts that an engine fetches or is sent as an archive, and flags that need a real one."""

from __future__ import annotations

import functools
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.engine import Engine

from imagebuilders import ArchiveContext, BuildContext, LocalImageBuilder, RemoteContext
from imagebuilders.events import Event, StepOutput, listen


def _archive(dockerfile: str, mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for name, text in (("sub/my.Dockerfile", dockerfile), ("a.txt", "from the archive\n")):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _printed(context: BuildContext, engine: Engine, setting: str, dockerfile: str | None) -> str:
    told: list[Event] = []
    builder = LocalImageBuilder(docker_client=engine.client, builder=setting)
    with listen(told.append):
        builder.build("remote-contexts:1", context, {"dockerfile": dockerfile, "nocache": True})
    return "".join(event.line for event in told if isinstance(event, StepOutput))


@pytest.mark.parametrize("setting", ["buildkit", "classic"])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_is_a_context(every_engine: Engine, setting: str, mode: str) -> None:
    """With either builder of every engine; the Dockerfile is a file in it."""
    dockerfile = f"FROM {every_engine.busybox}\nCOPY a.txt /\nRUN cat /a.txt\n"
    context = ArchiveContext(io.BytesIO(_archive(dockerfile, mode)))
    assert "from the archive" in _printed(context, every_engine, setting, "sub/my.Dockerfile")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder, and the port on the loopback interface where it is served by HTTP."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield tmp_path, serving.server_port
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize("setting", ["buildkit", "classic"])
def test_an_archive_at_an_address_is_a_context(
    engine: Engine, server: tuple[Path, int], setting: str
) -> None:
    """The engine fetches it; with BuildKit the Dockerfile may come from here."""
    folder, port = server
    dockerfile = f"FROM {engine.busybox}\nCOPY a.txt /\nRUN cat /a.txt\n"
    (folder / "context.tar").write_bytes(_archive(dockerfile, "w"))
    address = f"http://127.0.0.1:{port}/context.tar"
    with engine.forwarded(port):
        printed = _printed(RemoteContext(address), engine, setting, "sub/my.Dockerfile")
        assert "from the archive" in printed
        if setting == "buildkit":
            context = RemoteContext(address)
            context.add_file(dockerfile.replace("cat", "head -c 8"), "Dockerfile")
            assert _printed(context, engine, setting, None).startswith("from the")


def test_attestations_and_annotations_are_in_the_registry(containerd_engine: Engine) -> None:
    """What was asked for is pushed with the image, by the engine; the index has its digest."""
    engine = containerd_engine
    context = BuildContext()
    context.add_file(f"FROM {engine.busybox}\nRUN true\n", "Dockerfile")
    name = f"{engine.registry.address}/attested"
    options = {
        "provenance": "mode=max",
        "annotations": ["manifest:org.example.of=me", "index:org.example.in=all"],
        "push": True,
        "tags": [f"{name}:other"],
    }
    digest = LocalImageBuilder(docker_client=engine.client).build(f"{name}:1", context, options)
    found = engine.registry.manifest("attested", "other")
    assert digest == f"{name}@{found.digest}"
    index = found.content
    assert index["annotations"]["org.example.in"] == "all"
    kinds = [
        each.get("annotations", {}).get("vnd.docker.reference.type") for each in index["manifests"]
    ]
    assert "attestation-manifest" in kinds
    image = index["manifests"][kinds.index(None)]
    manifest = engine.registry.manifest("attested", image["digest"]).content
    assert manifest["annotations"]["org.example.of"] == "me"
