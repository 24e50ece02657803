"""The engine double: its state, its policies and its doors."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

from ..buildkit.solver import RemoteContents, RemoteSeedDouble
from ..checks import check_count, check_flag, check_text, checked_list
from ..clock import Clock
from ..http import messages
from ..http.control import controlled
from ..http.crashes import Crashes
from ..http.messages import ConnectionCutError
from ..http.server import serving
from ..images.image import Image
from ..images.reference import HUB, InvalidReferenceError, parse
from ..images.registry_network import Place, RegistryNetwork
from ..images.seeded_image import seeded_image
from ..images.view import ImageView
from ..rules import Pattern
from ..shell.execute import programs_for
from ..shell.process import Work
from ..shell.run_rules import FileContent, RunRuleDouble
from . import ryuk
from .buildkit import EngineBuildKit
from .containers.effects import ContainerEffect
from .containers.host_ports import Answers
from .control import SteeredEngine
from .daemon import Daemon
from .errors import ApiError, FakeDockerEngineCrashError
from .http import Request, Response, answering
from .protocols import converse
from .records import RequestRecord
from .routes.router import Router
from .routes.table import endpoints
from .versions import DEFAULT, VERSIONS

if TYPE_CHECKING:
    import ssl

    from ..buildkit import ScriptedBuildKit

_A_NAME = "an image's name, a str as in 'app:1'"
_PLATFORMS = "platforms, as in ['linux/amd64', 'linux/arm64']"


class FakeDockerEngine(RunRuleDouble, RemoteSeedDouble, Daemon):
    """A Docker Engine in memory.

    It evaluates Dockerfiles and makes real images, but executes nothing: a RUN is recorded unless
    `on_run` gives it effects, or an emulated shell evaluates it (`execute="shell"`).

    Args:
        version: the engine version to look like: `20.10`, `26.1`, `28.5` or `29.7`.
        image_store: where it keeps its images: `overlay2`, the graph driver, or `containerd`, which
            `28.5` and `29.7` can have. What an engine of the version has that was just installed
            when left out: `containerd` from 29 on.
        run_policy: what happens to a RUN that no `on_run` matches: `record` it
            (the step succeeds and changes nothing) or `refuse` it (the step fails).
        container_policy: what happens to a container that no `on_container` matches: `record`
            (it ends at once, and its log says that nothing was executed) or `refuse` (it does
            not start). A few commands do what they say: `sleep`, `tail -f`, `cat`, `true`,
            `false`, `echo`.
        exec_policy: the same of commands in running containers, and `on_exec`.
        clock: a `ManualClock`, or a function that returns nanoseconds since the epoch; the
            machine's clock when left out.
        hub_is_real: send pulls of hub names over the network instead of looking
            only at what `seed_hub` gave.
        registries: the registries that names lead to, by their hosts: `FakeRegistry` objects that
            listen, or addresses, as in `{"ghcr.io": fake_registry, "docker.io": "127.0.0.1:5000"}`.
            Of the hub, what `seed_hub` gave goes before.
        network: ask registries at other hosts over the network; loopback addresses are always
            reached, and without it nothing else.
        buildkit: whether the engine has BuildKit, which evaluates Dockerfiles as its version
            does; a `ScriptedBuildKit` does what its script says instead.
        keep_records: how many of the newest requests, builds and events are remembered; all of
            them when left out. A double that lives long needs a bound.
        execute: `"shell"` to have the commands of RUN steps, containers, execs and health checks
            evaluated that no rule is meant for, by an emulated shell with the usual programs, in
            memory. What it does not know goes to the rules, by the one command's words, and then
            to the policy. Nothing is evaluated when left out.
    """

    def __init__(
        self,
        version: str = DEFAULT,
        *,
        image_store: str | None = None,
        run_policy: str = "record",
        container_policy: str = "record",
        exec_policy: str = "record",
        clock: Clock | Callable[[], int] | None = None,
        hub_is_real: bool = False,
        registries: Mapping[str, Place] | None = None,
        network: bool = False,
        keep_records: int | None = None,
        buildkit: ScriptedBuildKit | bool | None = True,
        execute: str | None = None,
    ) -> None:
        check_flag("network", network)
        check_count("keep_records", keep_records, least=0, optional=True)
        if version not in VERSIONS:
            raise ValueError(f"no engine version {version!r}; known: {', '.join(VERSIONS)}")
        look = VERSIONS[version]
        if image_store is not None:
            if image_store not in look.stores:
                raise ValueError(
                    f"no image store {image_store!r} of {version}; known: {', '.join(look.stores)}"
                )
            look = replace(look, image_store=image_store)
        super().__init__(
            look,
            clock,
            run_policy=run_policy,
            container_policy=container_policy,
            exec_policy=exec_policy,
            network=RegistryNetwork(registries, allowed=network, hub_is_real=hub_is_real),
            keep_records=keep_records,
            endpoints=endpoints,
            buildkit=buildkit,
            execute=execute,
        )
        self.crashes = Crashes("FakeDockerEngine", FakeDockerEngineCrashError)
        self._router = Router(self)

    def __repr__(self) -> str:
        images, containers = len(self.images.all()), len(self.containers.all())
        return (
            f"<FakeDockerEngine {self.version.version}, {images} images, {containers} containers>"
        )

    # --- policies -------------------------------------------------------------

    def on_container(
        self,
        image: Pattern = "*",
        does: Work | None = None,
        *,
        command: Pattern = "*",
        output: str | bytes = "",
        error_output: str | bytes = "",
        exit_code: int = 0,
        delay: float = 0.0,
        service: bool = False,
        files: Mapping[str, FileContent] | None = None,
        answers: Answers | None = None,
    ) -> None:
        """Give the containers of an image effects; the newest rule wins.

        A container that no rule is meant for ends at once, with exit code 0, and its log says
        that nothing was executed.

        Args:
            image: a pattern for the image's name, as that of `on_run`.
            does: a function that does the container's work, as that of `on_run`.
            command: a pattern for entrypoint and command, joined by spaces.
            output: what it prints.
            error_output: what it prints to standard error.
            exit_code: 0 to 255, with which it ends.
            delay: seconds until it ends.
            service: it runs until it is stopped.
            files: absolute paths with the content it writes; `None` removes one.
            answers: called with each connection (a `socket.socket`) to a port that it
                publishes, in a thread of its own; without it connections are refused.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: no process ends with this exit code, or the delay is negative.
        """
        self.containers.on_container(
            ContainerEffect(
                *(image, command, output, error_output, exit_code, delay, service, files or {}),
                *(answers, does),
            )
        )

    def on_exec(
        self,
        command: Pattern = "*",
        does: Work | None = None,
        *,
        image: Pattern = "*",
        output: str | bytes = "",
        error_output: str | bytes = "",
        exit_code: int = 0,
        delay: float = 0.0,
        files: Mapping[str, FileContent] | None = None,
    ) -> None:
        """Give commands run in running containers effects; as `on_container`."""
        self.containers.on_exec(
            ContainerEffect(
                *(image, command, output, error_output, exit_code, delay),
                files=files or {},
                does=does,
            )
        )

    def unused_rules(self) -> list[str]:
        """Return the rules that nothing has met, as they were given."""
        unused = super().unused_rules()
        for method, rules in (
            ("on_container", self.containers.lifecycle.unused_rules()),
            ("on_exec", self.containers.execs.unused_rules()),
        ):
            unused += [f"{method}(image={r.image!r}, command={r.command!r})" for r in rules]
        return unused

    # --- images from nowhere --------------------------------------------------

    def seed_hub(self, name: str, *, platforms: Sequence[str] = (), **content: Any) -> Image:
        """Make a name of the public hub available to pulls, without a network.

        Args:
            name: as in `python:3.12-slim`; one with a digest, as in `python@sha256:…`, can be
                pulled by that, whatever the content.
            platforms: what it is for, as in `linux/arm64`; several make an index. Without any, it
                is one image, which serves every platform.
            content: as for `seed_image`, without `architecture` if there are platforms.

        Returns:
            The image, for the first of several platforms.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: it is no name of an image, or none of the public hub; or no platform.
        """
        reference = _parsed(name).tagged()
        if reference.domain != HUB:
            raise ValueError(f"{name!r} is no name of the public hub; use seed_image()")
        if not platforms:
            images = [self._seeded(name, content)]
        else:
            wanted = [_platform(text) for text in checked_list("platforms", platforms, _PLATFORMS)]
            images = [
                self._seeded(name, {**content, "architecture": each.architecture}, each.variant)
                for each in wanted
            ]
        self.registries.hub.add(reference, *images)
        return images[0]

    def seed_image(self, name: str, **content: Any) -> Image:
        """Put an image into the engine's own store, as if it had been built here.

        Args:
            name: its tag.
            content: `files` (path to content), `env`, `cmd` and `entrypoint` (lists
                of words), `working_dir`, `user`, `labels`, `exposed_ports` (a list),
                `on_build` (a list), `architecture`, `comment`, `accounts` (a list of names that
                `/etc/passwd` has besides Debian's). Without `files`, it has the folders and
                accounts of a Debian base image.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: it is no name of an image.
        """
        reference = _parsed(name).tagged()
        image = self.images.add(self._seeded(name, content))
        self.images.tag(reference, image)
        return image

    def _seeded(self, name: str, content: Mapping[str, Any], variant: str = "") -> Image:
        programs = programs_for(self.machines, name)
        version, now = self.version.version, self.clock()
        return seeded_image(version, now, programs=programs, variant=variant, **content)

    def _remote_contents(self) -> RemoteContents:
        if not isinstance(self.buildkit, EngineBuildKit):
            raise ValueError("the engine has no BuildKit that evaluates Dockerfiles")
        return self.buildkit.solver.remote

    def _make(self) -> None:
        super()._make()
        # Images whose programs the double knows are there, and their containers do their work.
        self.registries.hub.standing[ryuk.REPOSITORY] = lambda: seeded_image(
            self.version.version,
            self.clock(),
            entrypoint=["/bin/ryuk"],
            exposed_ports=[ryuk.PORT],
        )
        self.containers.lifecycle.add_program(ryuk.REPOSITORY, partial(ryuk.program, self.handle))

    def close(self) -> None:
        """Give back the ports of this machine that its running containers hold.

        The fixtures of the pytest plugin do that after each test.
        """
        self.containers.lifecycle.close()

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
            known = sorted(str(self.parse_name(key)) for key in self.images.references())
            names = ", ".join(known) or "none"
            raise LookupError(f"{error.message}; names in the engine: {names}") from error

    def image_tree(self, name: str) -> ImageView:
        """An image for assertions: its files, by path with or without a leading slash, and more.

        Raises:
            LookupError: when there is no such image.
            LayerFormatError: its layers cannot be unpacked.
        """
        image = self.image(name)
        return ImageView(name, image.tree, image.parsed, image.layers)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What happened, oldest first, as `GET /events` tells it; see `keep_records`."""
        self.crashes.check()
        return self.event_log.all()

    # --- doors ----------------------------------------------------------------

    def handle(self, plain: messages.Request) -> Response:
        """Answer one request; the API without any transport.

        Raises:
            ConnectionCutError: a fault that was planned broke the connection.
            FakeDockerEngineCrashError: the double itself failed.
        """
        request, status = Request.of(plain), 0
        try:
            response = self._router.handle(request)
            status = response.status
            return response
        except ConnectionCutError:
            raise
        except Exception as error:
            status = 500
            raise self.crashes.keep(f"{request.method} {request.path}", error) from error
        finally:
            record = RequestRecord(
                method=request.method,
                path=request.path,
                query=request.fields,
                headers={name.lower(): value for name, value in request.headers},
                status=status,
                request_size=len(request.content),
                faults=request.faults,
            )
            self.requests.append(record)

    def serve_connection(self, connection: socket.socket, *, control: bool = False) -> None:
        """Answer the requests that come over a connected socket, until it closes.

        Args:
            connection: the socket, which is closed at the end.
            control: let the engine be steered by JSON below `/_double/`.
        """
        answer = answering(self.handle, self.headers, self.crashes)
        if control:
            doors = {"seed_image": self.seed_image, "seed_hub": self.seed_hub}
            answer = controlled(answer, SteeredEngine(self, self.crashes, **doors))
        with connection:
            converse(connection, answer, self)

    def headers(self) -> dict[str, str]:
        """The headers on every answer."""
        return {
            "Api-Version": self.version.api,
            "Docker-Experimental": "false",
            "Ostype": "linux",
            "Server": f"Docker/{self.version.version} (linux)",
        }

    @contextmanager
    def serve(
        self,
        listen: str | None = None,
        *,
        control: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> Iterator[str]:
        """Serve the engine to other processes.

        Args:
            listen: `unix://PATH` or `tcp://HOST:PORT` (port 0 picks one); a
                socket in a fresh folder when left out.
            control: let the engine be steered by JSON below `/_double/`.
            tls: the context of a server that speaks TLS.

        Returns:
            A context manager whose value is the `DOCKER_HOST` to use.

        Raises:
            FakeDockerEngineCrashError: at the end, when the double itself failed at a request.
        """
        try:
            serve = partial(self.serve_connection, control=control)
            with serving(serve, listen, name="fake-docker", tls=tls) as docker_host:
                yield docker_host
        finally:
            self.crashes.check()


def _platform(text: str) -> Platform:
    try:
        return Platform.parse(text)
    except ImageFormatError as error:
        raise ValueError(str(error)) from error


def _parsed(name: str) -> ImageReference:
    check_text("name", name, _A_NAME)
    try:
        return parse(name)
    except InvalidReferenceError as error:
        raise ValueError(f"{name!r}: {error}") from error
