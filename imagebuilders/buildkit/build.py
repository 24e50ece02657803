"""One image build with BuildKit: a session for what the daemon asks, a solve, its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeVar

from imagebuilders.build_options.job import NAMELESS
from imagebuilders.buildkit.build_errors import BuildErrors
from imagebuilders.buildkit.control.solve import OnStatus, solve
from imagebuilders.buildkit.frontend import Frontend
from imagebuilders.buildkit.linked_builds import solve_for_others
from imagebuilders.buildkit.progress import BuildEvents
from imagebuilders.buildkit.proto.control_pb2 import (
    CacheOptions,
    CacheOptionsEntry,
    Exporter,
    SolveRequest,
    StatusResponse,
)
from imagebuilders.buildkit.session.auth import CredentialSource
from imagebuilders.buildkit.session.session import Service
from imagebuilders.buildkit.session.ssh import Agent
from imagebuilders.buildkit.session.synced_folders import SyncedFolder
from imagebuilders.buildkit.shared_session import ServedBuild, served
from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.status import Code
from imagebuilders.events import Event, ImageBuilt
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.proto.ops_pb2 import Definition

AnswerT = TypeVar("AnswerT")

IMAGE_EXPORTERS = frozenset({"moby", "image"})
"""The exporters that put an image into the daemon's own store."""


@dataclass(frozen=True)
class ExporterRequest:
    """What becomes of the result."""

    type: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CacheRequest:
    """Where cached steps go."""

    type: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageBuild:
    """What to build, and what the daemon may ask for meanwhile.

    Attributes:
        image_name: the image's name, for errors and events; empty for one without.
        attributes: attributes of the Dockerfile frontend.
        folders: the folders that may be copied, by the names that the daemon asks for.
        shared_key: stands for the folders in the daemon's memory of them.
        exporters: what becomes of the result.
        cache_to: where cached steps go.
        entitlements: what the build must be allowed.
        secrets: what reads each secret, by its ID.
        agents: the SSH agents, by their IDs.
        credentials: knows who to be at which registry.
        registries: the registries that the build is known to use; `None` if that is not known.
        masked: further secrets that are not to be shown.
        services: further services of the session.
        dockerfile: what the user calls the Dockerfile.
        dockerfile_content: what is in it, of which errors show the failing lines.
        frontend: what reads the Dockerfile.
        inputs: how the results of other builds are made that the attributes name.
        idle_timeout: seconds that the daemon may tell nothing; without limit by default.
        start_timeout: seconds that its first word may take; without limit by default.
    """

    image_name: str
    attributes: Mapping[str, str]
    folders: Mapping[str, SyncedFolder]
    shared_key: str = ""
    exporters: Sequence[ExporterRequest] = ()
    cache_to: Sequence[CacheRequest] = ()
    entitlements: Sequence[str] = ()
    secrets: Mapping[str, Callable[[], bytes]] = field(default_factory=dict, repr=False)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    credentials: CredentialSource | None = None
    registries: Sequence[str] | None = ()
    masked: Sequence[bytes] = field(default=(), repr=False)
    services: Sequence[Service] = ()
    dockerfile: str = "Dockerfile"
    dockerfile_content: bytes = field(default=b"", repr=False)
    frontend: Frontend = field(default_factory=Frontend)
    inputs: Mapping[str, Definition] = field(default_factory=dict, repr=False)
    idle_timeout: float | None = None
    start_timeout: float | None = None

    @property
    def shown_name(self) -> str:
        """What errors call the image."""
        return self.image_name or NAMELESS


def build_image(
    client: ControlClient, build: ImageBuild, emit: Callable[[Event], None]
) -> dict[str, str]:
    """Have a daemon build an image, and tell every step as it comes.

    An exception of any kind, `KeyboardInterrupt` and one of `emit` too, ends the build at the
    daemon.

    Args:
        client: the daemon.
        build: what to build.
        emit: what to do with events; called in this thread.

    Returns:
        What the exporters say of their results, as in `containerimage.digest`.

    Raises:
        BuildError: a step failed, the Dockerfile is malformed, or the daemon went away; a
            `BuildNotBegunError` if it did so before its first word.
        PushError: a registry did not take the image.
        BuildContextError: a file of a folder cannot be read.
        ContextChangedError: a file of a folder changed before the daemon had it.
    """
    response = run_build(
        client,
        build,
        emit,
        lambda request, on_status: solve_for_others(
            client,
            request,
            lambda: solve(
                client,
                request,
                on_status,
                idle_timeout=build.idle_timeout,
                start_timeout=build.start_timeout,
            ),
        ),
    )
    image_id = response.get("containerimage.digest")
    if image_id and any(exporter.type in IMAGE_EXPORTERS for exporter in build.exporters):
        emit(ImageBuilt(build.image_name, image_id))
    return response


def run_build(
    client: ControlClient,
    build: ImageBuild,
    emit: Callable[[Event], None],
    run: Callable[[SolveRequest, OnStatus], AnswerT],
    *,
    undone: str = "was not built",
) -> AnswerT:
    """Serve the session of a build while it runs, and tell every step as it comes.

    Args:
        client: the daemon.
        build: what the daemon may ask for.
        emit: what to do with events; called in this thread.
        run: asks the daemon for what it is given, and follows it to its end.
        undone: what errors say did not happen.

    Raises:
        BuildError: a step failed, the Dockerfile is malformed, or the daemon went away; a
            `BuildNotBegunError` if it did so before its first word.
        PushError: a registry did not take the image.
        BuildContextError: a file of a folder cannot be read.
        ContextChangedError: a file of a folder changed before the daemon had it.
    """
    with ExitStack() as serving:
        try:
            open_build = serving.enter_context(served(client, build))
        except TransportError as error:
            errors = _errors(build, BuildEvents(emit), undone=undone)
            raise errors.not_begun(str(error)) from error
        return _run(replace(build, attributes=open_build.attributes), open_build, emit, run, undone)


def _run(
    build: ImageBuild,
    open_build: ServedBuild,
    emit: Callable[[Event], None],
    run: Callable[[SolveRequest, OnStatus], AnswerT],
    undone: str,
) -> AnswerT:
    events = BuildEvents(emit, open_build.mask)
    errors = _errors(build, events, mask=open_build.mask, undone=undone)
    has_begun = False

    def take(response: StatusResponse) -> None:
        nonlocal has_begun
        has_begun = True
        events.take(response)

    try:
        answer = run(solve_request(build, open_build.session_id), take)
    except CallError as error:
        events.close()
        failure = open_build.failure
        if failure is not None:
            raise failure from error
        if not has_begun and error.status.code == Code.UNAVAILABLE:
            raise errors.not_begun(error.status.message) from error
        raise errors.not_pushed(error.status) or errors.failed(error.status) from error
    except TransportError as error:
        events.close()
        if not has_begun:
            raise errors.not_begun(str(error)) from error
        raise errors.broke_off(str(error)) from error
    events.close()
    return answer


def _errors(
    build: ImageBuild, events: BuildEvents, *, mask: Callable[[str], str] = str, undone: str
) -> BuildErrors:
    return BuildErrors(
        build.shown_name,
        events,
        dockerfile=build.dockerfile,
        content=build.dockerfile_content,
        attributes=build.attributes,
        mask=mask,
        undone=undone,
    )


def solve_request(build: ImageBuild, session_id: str) -> SolveRequest:
    """Return what a daemon is asked for.

    Args:
        build: the build.
        session_id: the session that serves it.
    """
    request = SolveRequest(
        Session=session_id,
        Frontend=build.frontend.name,
        FrontendAttrs={**build.attributes, **build.frontend.attributes},
        FrontendInputs=build.inputs,
        Entitlements=build.entitlements,
        Exporters=[
            Exporter(Type=exporter.type, Attrs=exporter.attributes) for exporter in build.exporters
        ],
        Cache=CacheOptions(
            Exports=[
                CacheOptionsEntry(Type=cache.type, Attrs=cache.attributes)
                for cache in build.cache_to
            ]
        ),
    )
    if build.exporters:
        # 20.10 passes over the repeated field in silence; newer daemons take either.
        first = build.exporters[0]
        request.ExporterDeprecated = first.type
        request.ExporterAttrsDeprecated.update(first.attributes)
    return request
