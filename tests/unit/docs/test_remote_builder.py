"""The example of a remote builder, found by its entry point, keeps the contract of builders.

Its service is here: it builds on the engine double what it finds in the artifact store.
"""

from __future__ import annotations

import json
import socket
import sys
import tarfile
from collections.abc import Iterator
from importlib import invalidate_caches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeRegistry
from fakes.contracts.image_builder import ImageBuilderContract
from fakes.http.addresses import host_and_port, listen_tcp
from fakes.http.conversation import Conversation
from fakes.http.messages import Request, Response
from fakes.http.server import Server
from imagebuilders import (
    BaseImageBuilder,
    BuildContext,
    Client,
    DefaultContainerRegistry,
    LocalImageBuilder,
)
from imagebuilders.events import Event, ImageBuilt, StepOutput, StepStarted, listen_alone
from imagebuilders.exceptions import BuildError, ImageBuilderError

_EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "remote_builder"


class Kiln:
    """The service: fetches an archive, builds it, pushes the image, and tells of it."""

    def __init__(self, registry: str) -> None:
        self._registry = registry

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        Conversation(connection, self._handle).run()

    def _handle(self, request: Request) -> Response:
        order = json.loads(b"".join(bytes(piece) for piece in request.body))
        lines = "".join(json.dumps(told) + "\n" for told in self._built(order))
        return Response.of(200, {"Content-Type": "application/jsonl"}, lines.encode())

    def _built(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        image_id = ""

        def hear(event: Event) -> None:
            nonlocal image_id
            match event:
                case StepStarted():
                    named = {"number": event.number, "total": event.total}
                    told.append({"step": event.instruction, **named})
                case StepOutput():
                    told.append({"output": event.line})
                case ImageBuilt():
                    image_id = event.image_id
                case _:
                    pass

        client = FakeDockerClient()
        try:
            with TemporaryDirectory() as folder, listen_alone(hear):
                with tarfile.open(order["archive"]) as archive:
                    archive.extractall(folder, filter="data")
                registry = DefaultContainerRegistry(uri=self._registry, docker_client=client)
                digest = LocalImageBuilder().build(
                    order["image"], BuildContext(root=folder), _options(order["flags"]), registry
                )
            told.append({"image_id": image_id, "digest": digest.partition("@")[2]})
        except ImageBuilderError as error:
            instruction = error.instruction if isinstance(error, BuildError) else None
            told.append({"error": str(error), "instruction": instruction})
        finally:
            client.close()
        return told


def _options(flags: list[str]) -> dict[str, Any]:
    """The few options that the contract's builds have."""
    found: dict[str, Any] = {}
    words = iter(flags)
    for word in words:
        match word:
            case "--label":
                found["labels"] = [next(words)]
            case "--file":
                found["dockerfile"] = next(words)
            case "--no-cache":
                found["nocache"] = True
            case _:
                raise ValueError(word)
    return found


class TestContract(ImageBuilderContract):
    """The example's builder, as the active stack's settings name it."""

    @pytest.fixture
    def _registry(self) -> Iterator[FakeRegistry]:
        """Where images go."""
        with FakeRegistry() as registry:
            self._double = registry
            yield registry

    @pytest.fixture
    def image_builder(
        self, _registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[BaseImageBuilder]:
        """Install the example, as `pip` does it, and start the service."""
        installed = tmp_path / "site"
        information = installed / "kiln-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: kiln\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(
            "[imagebuilders.flavors]\nkiln = kiln:KilnFlavor\n"
        )
        assert 'kiln = "kiln:KilnFlavor"' in (_EXAMPLE / "pyproject.toml").read_text()
        monkeypatch.syspath_prepend(str(_EXAMPLE))
        monkeypatch.syspath_prepend(str(installed))
        invalidate_caches()
        listener = listen_tcp("127.0.0.1", 0)
        address = host_and_port(listener)
        server = Server(listener, Kiln(_registry.address).serve, name="kiln")
        (tmp_path / "imagebuilders.toml").write_text(
            f"[image_builder]\nflavor = 'kiln'\nurl = 'http://{address}'\n"
            f"[artifact_store]\nflavor = 'local'\npath = '{tmp_path}/store'\n"
        )
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        try:
            yield Client().active_stack.image_builder
        finally:
            server.close()
            sys.modules.pop("kiln", None)

    @pytest.fixture
    def container_registry(self, _registry: FakeRegistry) -> DefaultContainerRegistry:
        """The registry double."""
        return DefaultContainerRegistry(uri=_registry.address)

    def digest_in_registry(self, image_name: str) -> str | None:
        """What the registry has."""
        return self._double.manifest(image_name.partition("/")[2]).digest


def test_it_is_short() -> None:
    """The builder itself, from its class to its last line, has 50 lines at most."""
    text = (_EXAMPLE / "kiln" / "__init__.py").read_text()
    body = text[text.index("class KilnImageBuilder") : text.index("class KilnFlavor")]
    assert len([line for line in body.splitlines() if line.strip()]) <= 50
