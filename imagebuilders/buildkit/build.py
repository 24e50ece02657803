"""One image build with BuildKit: a session for what the daemon asks, a solve, its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagebuilders.buildkit.control.failure import FailedSource, SolveFailure
from imagebuilders.buildkit.control.solve import solve
from imagebuilders.buildkit.progress import BuildEvents
from imagebuilders.buildkit.proto.control_pb2 import (
    CacheOptions,
    CacheOptionsEntry,
    Exporter,
    SolveRequest,
)
from imagebuilders.buildkit.session.auth import CredentialSource, RegistryAuth
from imagebuilders.buildkit.session.file_sync import FileSync
from imagebuilders.buildkit.session.masking import SecretMask
from imagebuilders.buildkit.session.secrets import Secrets
from imagebuilders.buildkit.session.session import Service, Session
from imagebuilders.buildkit.session.ssh import SSHAgents
from imagebuilders.buildkit.session.synced_folders import SyncedFolder
from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.events import Event, ImageBuilt
from imagebuilders.exceptions import BuildError

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient

FRONTEND = "dockerfile.v0"
SHOWN_OUTPUT_LINES = 20
"""So many of the failing step's last lines stand in the error."""

SHOWN_SOURCE_LINES = 3
"""So many lines of the Dockerfile before and behind the failing ones stand in the error."""


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
        image_name: the image's name, for errors and events.
        attributes: attributes of the Dockerfile frontend.
        folders: the folders that may be copied, by the names that the daemon asks for.
        shared_key: stands for the folders in the daemon's memory of them.
        exporters: what becomes of the result.
        cache_to: where cached steps go.
        entitlements: what the build must be allowed.
        secrets: what reads each secret, by its ID.
        agents: the socket of each SSH agent, by its ID.
        credentials: knows who to be at which registry.
        registries: the registries that the build is known to use.
        services: further services of the session.
        dockerfile: what the user calls the Dockerfile.
        frontend: the frontend, or an image of one.
    """

    image_name: str
    attributes: Mapping[str, str]
    folders: Mapping[str, SyncedFolder]
    shared_key: str = ""
    exporters: Sequence[ExporterRequest] = ()
    cache_to: Sequence[CacheRequest] = ()
    entitlements: Sequence[str] = ()
    secrets: Mapping[str, Callable[[], bytes]] = field(default_factory=dict, repr=False)
    agents: Mapping[str, str] = field(default_factory=dict)
    credentials: CredentialSource | None = None
    registries: Sequence[str] = ()
    services: Sequence[Service] = ()
    dockerfile: str = "Dockerfile"
    frontend: str = FRONTEND


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
        BuildError: a step failed, the Dockerfile is malformed, or the daemon went away.
        BuildContextError: a file of a folder cannot be read.
        ContextChangedError: a file of a folder changed before the daemon had it.
    """
    mask = SecretMask()
    events = BuildEvents(emit, mask)
    files = FileSync(build.folders)
    session = Session([files, *_services(build, mask)], shared_key=build.shared_key)
    try:
        with client.attached(session):
            response = solve(client, _request(build, session), events.take)
    except CallError as error:
        if files.failure is not None:
            raise files.failure from error
        raise _failed(build, SolveFailure.read(error.status), events, mask) from error
    except TransportError as error:
        raise BuildError(
            f"{build.image_name} was not built: {mask(str(error))}. See whether the daemon is "
            "running, and its log.",
            log=events.log(),
        ) from error
    image_id = response.get("containerimage.digest")
    if image_id:
        emit(ImageBuilt(build.image_name, image_id))
    return response


def _services(build: ImageBuild, mask: SecretMask) -> list[Service]:
    services: list[Service] = [
        Secrets(build.secrets, mask.add),
        SSHAgents(build.agents),
        *build.services,
    ]
    if build.credentials is not None:
        auth = RegistryAuth(build.credentials, expected=build.registries, handed_out=mask.add)
        services.append(auth)
    return services


def _request(build: ImageBuild, session: Session) -> SolveRequest:
    request = SolveRequest(
        Session=session.id,
        Frontend=build.frontend,
        FrontendAttrs=build.attributes,
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


# --- errors ------------------------------------------------------------------


def _failed(
    build: ImageBuild, failure: SolveFailure, events: BuildEvents, mask: SecretMask
) -> BuildError:
    vertex = failure.vertex or (events.failed[0] if events.failed else "")
    instruction = events.instruction(vertex)
    output = events.output(vertex)
    where = f" at {events.place(vertex)}: {instruction}" if instruction else ""
    text = f"{build.image_name} was not built. It failed{where}\n{mask(failure.status.message)}"
    excerpt = "" if failure.source is None else mask(_excerpt(failure.source, build.dockerfile))
    if excerpt:
        text += f"\n{excerpt}"
    shown = output[-SHOWN_OUTPUT_LINES:]
    if shown:
        text += "\nThe step's last output:\n" + "\n".join(f"  {line}" for line in shown)
    return BuildError(
        text,
        instruction=instruction or None,
        exit_code=failure.exit_code,
        output=shown,
        log=events.log(),
    )


def _excerpt(source: FailedSource, name: str) -> str:
    """Return the lines around a failure, with those that failed marked."""
    lines = source.content.decode("utf-8", "replace").splitlines()
    marked = {
        line
        for found in source.ranges
        for line in range(found.start, min(found.end, len(lines)) + 1)
    }
    if not marked:
        return ""
    first = max(1, min(marked) - SHOWN_SOURCE_LINES)
    last = min(len(lines), max(marked) + SHOWN_SOURCE_LINES)
    shown = [
        f"{number:4} | {'>>>' if number in marked else '   '} {lines[number - 1]}".rstrip()
        for number in range(first, last + 1)
    ]
    return "\n".join([f"{name}:{min(marked)}", *shown])
