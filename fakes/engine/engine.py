"""The engine double: its state, its policies and its doors."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from fakes.engine.builder.run_policy import FileContent, RunEffect
from fakes.engine.checks import check_text
from fakes.engine.containers.policy import ContainerEffect
from fakes.engine.containers.store import ContainerStore
from fakes.engine.crashes import Crashes
from fakes.engine.dockerfile.instructions import Instruction
from fakes.engine.errors import ApiError, StepError
from fakes.engine.events import EventLog
from fakes.engine.faults import FaultPlan
from fakes.engine.http import DisconnectError, Request, Response, serve_connection
from fakes.engine.images.reference import HUB, InvalidReferenceError, Reference, parse
from fakes.engine.images.seed import seeded_image
from fakes.engine.images.store import Image, ImageStore
from fakes.engine.networks.store import NetworkStore
from fakes.engine.records import BuildRecord, RequestRecord
from fakes.engine.registries.hub import Hub
from fakes.engine.registries.layer_sources import LayerSources
from fakes.engine.routes.router import Router
from fakes.engine.versions import DEFAULT, VERSIONS, EngineVersion
from fakes.engine.volumes.store import VolumeStore
from imagebuilders.oci.file_tree import Tree

if TYPE_CHECKING:
    from fakes.buildkit import ScriptedBuildKit

_A_NAME = "an image's name, a str as in 'app:1'"


class FakeDockerEngine:
    """A Docker Engine in memory.

    It evaluates Dockerfiles and makes real images, but executes nothing: a RUN
    is recorded unless `on_run` gives it effects.

    Args:
        version: the engine version to look like: `20.10`, `26.1` or `28.5`.
        run_policy: what happens to a RUN that no `on_run` matches: `record` it
            (the step succeeds and changes nothing) or `refuse` it (the step fails).
        clock: nanoseconds since the epoch; the machine's clock when left out.
        hub_is_real: send pulls of hub names over the network instead of looking
            only at what `seed_hub` gave.
    """

    def __init__(
        self,
        version: str = DEFAULT,
        *,
        run_policy: str = "record",
        clock: Callable[[], int] | None = None,
        hub_is_real: bool = False,
        buildkit: ScriptedBuildKit | None = None,
    ) -> None:
        if version not in VERSIONS:
            raise ValueError(f"no engine version {version!r}; known: {', '.join(VERSIONS)}")
        if run_policy not in ("record", "refuse"):
            raise ValueError(f"no run policy {run_policy!r}; known: record, refuse")
        self.version: EngineVersion = VERSIONS[version]
        self.run_policy = run_policy
        self.hub_is_real = hub_is_real
        self.buildkit = buildkit
        self.lock = threading.RLock()
        self._clock = clock or time.time_ns
        self._random = random.Random()  # noqa: S311  (ids, not secrets)
        self.images = ImageStore(self.clock, self.parse_name, self.lock)
        self.builds: list[BuildRecord] = []
        self.requests: list[RequestRecord] = []
        self.event_log = EventLog(self.clock)
        self.containers = ContainerStore(self)
        self.networks = NetworkStore(self)
        self.volumes = VolumeStore(
            self.new_id,
            self.clock,
            self.event_log,
            self.version,
        )
        self.faults = FaultPlan()
        self.crashes = Crashes()
        self.hub = Hub()
        self.logins: dict[str, tuple[str, str]] = {}
        self.layer_sources = LayerSources()
        self.manifests: dict[str, tuple[bytes, str]] = {}
        self._run_effects: list[RunEffect] = []
        self._router = Router(self)

    def __repr__(self) -> str:
        images, containers = len(self.images.all()), len(self.containers.all())
        return (
            f"<FakeDockerEngine {self.version.version}, {images} images, {containers} containers>"
        )

    # --- time and names -------------------------------------------------------

    def clock(self) -> int:
        """Now, in nanoseconds since the epoch."""
        return self._clock()

    def new_id(self) -> str:
        """A fresh id of 64 hexadecimal digits."""
        return f"{self._random.getrandbits(256):064x}"

    def parse_name(self, name: str) -> Reference:
        """Read an image name as this version does.

        Raises:
            InvalidReferenceError: in this version's words.
        """
        reference = parse(name, capitals=self.version >= "23.0")
        if reference.domain.startswith("[") and self.version < "23.0":
            # Older engines know no addresses of IPv6 in names.
            raise InvalidReferenceError("invalid reference format")
        return reference

    # --- policies -------------------------------------------------------------

    def on_run(
        self,
        pattern: str,
        *,
        files: Mapping[str, FileContent] | None = None,
        env: Mapping[str, str] | None = None,
        output: str = "",
        error_output: str = "",
        exit_code: int = 0,
    ) -> None:
        """Give the RUN steps that match a shell pattern effects; the newest rule wins.

        Args:
            pattern: compared with the command as written after `RUN`.
            files: absolute paths with their content; `None` removes a path, a
                path that ends with `/` makes a directory.
            env: variables that later steps and the image see.
            output: what the command prints.
            error_output: what it prints to standard error.
            exit_code: 0 to 255; any but 0 fails the build.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: no command ends with this exit code.
        """
        self._run_effects.append(
            RunEffect(pattern, files or {}, env or {}, output, error_output, exit_code)
        )

    def on_container(
        self,
        image: str = "*",
        *,
        command: str = "*",
        output: str | bytes = "",
        error_output: str | bytes = "",
        exit_code: int = 0,
        delay: float = 0.0,
        service: bool = False,
        files: Mapping[str, FileContent] | None = None,
    ) -> None:
        """Give the containers of an image effects; the newest rule wins.

        A container that no rule is meant for ends at once, with exit code 0
        and without output.

        Args:
            image: a shell pattern for the image's name.
            command: a shell pattern for entrypoint and command, joined by spaces.
            output: what it prints.
            error_output: what it prints to standard error.
            exit_code: 0 to 255, with which it ends.
            delay: seconds until it ends.
            service: it runs until it is stopped.
            files: absolute paths with the content it writes; `None` removes one.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: no process ends with this exit code, or the delay is negative.
        """
        self.containers.on_container(
            ContainerEffect(
                image, command, output, error_output, exit_code, delay, service, files or {}
            )
        )

    def on_exec(
        self,
        command: str = "*",
        *,
        image: str = "*",
        output: str | bytes = "",
        error_output: str | bytes = "",
        exit_code: int = 0,
        delay: float = 0.0,
        files: Mapping[str, FileContent] | None = None,
    ) -> None:
        """Give commands run in running containers effects; as `on_container`."""
        self.containers.on_exec(
            ContainerEffect(
                image, command, output, error_output, exit_code, delay, files=files or {}
            )
        )

    def effect_of_run(self, instruction: Instruction) -> RunEffect | None:
        """The effect of a RUN by the engine's policy, `None` when it is only recorded.

        Raises:
            StepError: when the policy refuses it.
        """
        command = " ".join(instruction.arguments)
        for effect in reversed(self._run_effects):
            if effect.matches(command):
                return effect
        if self.run_policy == "refuse":
            raise StepError(
                f"RUN is refused by this engine double: no on_run() rule matches {command!r}"
            )
        return None

    # --- images from nowhere --------------------------------------------------

    def seed_hub(self, name: str, **content: Any) -> Image:
        """Make a name of the public hub available to pulls, without a network.

        Args:
            name: as in `python:3.12-slim`.
            content: as for `seed_image`.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: it is no name of an image, or none of the public hub.
        """
        reference = _parsed(name).tagged()
        if reference.domain != HUB:
            raise ValueError(f"{name!r} is no name of the public hub; use seed_image()")
        image = seeded_image(self.version.version, self.clock(), **content)
        self.hub.add(reference, image)
        return image

    def seed_image(self, name: str, **content: Any) -> Image:
        """Put an image into the engine's own store, as if it had been built here.

        Args:
            name: its tag.
            content: `files` (path to content), `env`, `cmd` and `entrypoint` (lists
                of words), `working_dir`, `user`, `labels`, `exposed_ports` (a list),
                `on_build` (a list), `architecture`, `comment`.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: it is no name of an image.
        """
        reference = _parsed(name).tagged()
        image = self.images.add(seeded_image(self.version.version, self.clock(), **content))
        self.images.tag(reference, image)
        return image

    # --- looking in -----------------------------------------------------------

    def image(self, name: str) -> Image:
        """An image by name or id.

        Raises:
            LookupError: when there is none; it says which names there are.
            FakeDockerEngineCrashError: the double itself failed at a request.
        """
        self.crashes.check()
        check_text("name", name, _A_NAME)
        try:
            return self.images.find(name)
        except ApiError as error:
            known = sorted(self.parse_name(key).familiar for key in self.images.references())
            names = ", ".join(known) or "none"
            raise LookupError(f"{error.message}; names in the engine: {names}") from error

    def image_tree(self, name: str) -> Tree:
        """The flattened files of an image, by path without a leading slash.

        Raises:
            LookupError: when there is no such image.
        """
        return dict(self.image(name).tree)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Everything that happened, oldest first, as `GET /events` tells it."""
        self.crashes.check()
        return self.event_log.all()

    # --- doors ----------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answer one request; the API without any transport.

        Raises:
            DisconnectError: a fault that was planned broke the connection.
            FakeDockerEngineCrashError: the double itself failed.
        """
        status = 0
        try:
            response = self._router.handle(request)
            status = response.status
            return response
        except DisconnectError:
            raise
        except Exception as error:
            status = 500
            raise self.crashes.keep(request, error) from error
        finally:
            record = RequestRecord(
                *(request.method, request.path, request.query, status),
                *(len(request.body), request.headers),
            )
            self.requests.append(record)

    def serve_connection(self, connection: socket.socket) -> None:
        """Answer the requests that come over a connected socket, until it closes."""
        serve_connection(connection, self.crashes.answering(self.handle), self.headers)

    def headers(self) -> dict[str, str]:
        """The headers on every answer."""
        return {
            "Api-Version": self.version.api,
            "Docker-Experimental": "false",
            "Ostype": "linux",
            "Server": f"Docker/{self.version.version} (linux)",
        }

    @contextmanager
    def serve(self, listen: str | None = None) -> Iterator[str]:
        """Serve the engine to other processes.

        Args:
            listen: `unix://PATH` or `tcp://HOST:PORT` (port 0 picks one); a
                socket in a fresh folder when left out.

        Returns:
            A context manager whose value is the `DOCKER_HOST` to use.

        Raises:
            FakeDockerEngineCrashError: at the end, when the double itself failed at a request.
        """
        from fakes.engine.server import serve

        try:
            with serve(self.serve_connection, listen) as docker_host:
                yield docker_host
        finally:
            self.crashes.check()

    # --- for the routes and the builder ---------------------------------------

    def tag_image(self, reference: Reference, image: Image) -> None:
        """Point a name at an image and say so in the events."""
        with self.lock:
            self.images.tag(reference.tagged(), image)
            self.emit_event("tag", image, reference.familiar)

    def emit_event(self, action: str, image: Image, name: str = "") -> None:
        """Say in the events that something happened to an image.

        Args:
            action: what.
            image: which; one that is gone already is told without its labels.
            name: by which name; by its id when left out.
        """
        kept = self.images.get(image.id) is not None
        labels = dict((image.parsed.get("config") or {}).get("Labels") or {}) if kept else {}
        self.event_log.add("image", action, image.id, {**labels, "name": name or image.id})

    def emit_transfer(self, action: str, reference: Reference) -> None:
        """Say in the events that an image came from a registry or went to one."""
        labels: dict[str, str] = {}
        with suppress(ApiError):
            config = self.images.find(reference.familiar).parsed.get("config") or {}
            labels = dict(config.get("Labels") or {})
        attributes = {**labels, "name": reference.familiar_name}
        self.event_log.add("image", action, reference.familiar, attributes)

    def emit_commit(self, image: Image) -> None:
        """Say that an image was made of a container, which only newer engines tell."""
        if self.version >= "28.0":
            self.emit_event("create", image)


def _parsed(name: str) -> Reference:
    check_text("name", name, _A_NAME)
    try:
        return parse(name)
    except InvalidReferenceError as error:
        raise ValueError(f"{name!r}: {error}") from error
