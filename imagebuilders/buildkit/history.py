"""The builds that a daemon remembers: all of them, what each printed, why it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from imagebuilders.buildkit.build_errors import BuildErrors
from imagebuilders.buildkit.build_records import BuildRecord, read_record
from imagebuilders.buildkit.control.client import ANSWER_SECONDS, SERVICE, read
from imagebuilders.buildkit.progress import BuildEvents
from imagebuilders.buildkit.proto.content_pb2 import ReadContentRequest, ReadContentResponse
from imagebuilders.buildkit.proto.control_pb2 import (
    BuildHistoryEvent,
    BuildHistoryRecord,
    BuildHistoryRequest,
    StatusRequest,
    StatusResponse,
    UpdateBuildHistoryRequest,
)
from imagebuilders.buildkit.proto.rpc_pb2 import Status
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.exceptions import BuildError, BuildKitError

if TYPE_CHECKING:
    from imagebuilders.buildkit.engine_client import OpenDaemon
    from imagebuilders.buildkit.transport.call import Call
    from imagebuilders.events import Event

CONTENT_SERVICE = "/containerd.services.content.v1.Content/"
MAX_FAILURE_BYTES = 16 * 1024 * 1024
"""So much of why a build failed is read at most; it holds the whole Dockerfile."""

MAX_RECORDS = 100_000
"""A daemon that tells of more builds is not listened to."""

_DELETED = 2


def build_history(daemon: OpenDaemon) -> list[BuildRecord]:
    """Return the builds that a daemon remembers, the newest first.

    Args:
        daemon: the daemon.

    Raises:
        BuildKitError: it keeps no history, refused, or went away.
    """
    found = {record.Ref: record for record in _records(daemon, BuildHistoryRequest(EarlyExit=True))}
    records = [read_record(record) for record in found.values()]
    oldest = datetime.min.replace(tzinfo=timezone.utc)
    return sorted(records, key=lambda record: record.created_at or oldest, reverse=True)


def find_build(daemon: OpenDaemon, ref: str = "") -> BuildRecord:
    """Return a build that a daemon remembers.

    Args:
        daemon: the daemon.
        ref: its name, or so much of its beginning that no other has the same; `^1` for the last
            one but one, `^2` and so on; the last one by default.

    Raises:
        BuildKitError: there is no such build, or more than one, or the daemon keeps no history.
    """
    records = build_history(daemon)
    position = ref.removeprefix("^") or "0"
    if (ref.startswith("^") or not ref) and position.isascii() and position.isdigit():
        found = records[int(position) :][:1] if len(position) < 10 else []
    else:
        exact = [record for record in records if record.ref == ref]
        found = exact or [record for record in records if record.ref.startswith(ref)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(record.ref for record in found[:3])
        raise BuildKitError(
            f"{daemon.name} remembers {len(found)} builds whose names begin with {ref!r}: {names}"
            f"{', …' if len(found) > 3 else ''}. Give more of the name."
        )
    wanted = f"no build {ref!r}" if ref else "no build"
    raise BuildKitError(f"{daemon.name} remembers {wanted}.")


def replay_build(daemon: OpenDaemon, ref: str, emit: Callable[[Event], None]) -> None:
    """Tell again what happened in a build; of one that runs, until it ends.

    Args:
        daemon: the daemon.
        ref: the build's name, as in `BuildRecord.ref`.
        emit: what to do with events; called in this thread.

    Raises:
        BuildKitError: there is no such build, or the daemon went away.
    """
    _replay(daemon, ref, BuildEvents(emit))


def failure_of(daemon: OpenDaemon, ref: str) -> BuildError | None:
    """Return why a build failed, as an error like the one that was raised then.

    It has the failing step, its output and exit code, and lines of the Dockerfile.

    Args:
        daemon: the daemon.
        ref: the build's name, as in `BuildRecord.ref`.

    Returns:
        The error; `None` for a build that did not fail, or still runs.

    Raises:
        BuildKitError: there is no such build, or the daemon went away.
    """
    record = next(iter(_records(daemon, BuildHistoryRequest(Ref=ref, EarlyExit=True))), None)
    if record is None:
        raise _no_such_build(daemon, ref)
    if not record.HasField("error"):
        return None
    events = BuildEvents(_tell_nobody)
    with suppress(BuildKitError):  # the log is the lesser part
        _replay(daemon, ref, events)
    known = read_record(record)
    name = next(iter(known.image_names), "")
    errors = BuildErrors(
        name or f"The build {ref}",
        events,
        dockerfile=known.dockerfile,
        content=b"",
        attributes=known.attributes,
        undone="was not built" if name else "did not succeed",
    )
    return errors.failed(_full_status(daemon, record))


def delete_build(daemon: OpenDaemon, ref: str) -> None:
    """Have a daemon forget a build; one that it does not know is forgotten already.

    Args:
        daemon: the daemon.
        ref: the build's name, as in `BuildRecord.ref`.

    Raises:
        BuildKitError: it keeps no history, refused, or went away.
    """
    _update(daemon, UpdateBuildHistoryRequest(Ref=ref, Delete=True))


def pin_build(daemon: OpenDaemon, ref: str, *, is_pinned: bool = True) -> None:
    """Have a daemon keep a build until it is deleted, or no longer.

    Args:
        daemon: the daemon.
        ref: the build's name, as in `BuildRecord.ref`.
        is_pinned: whether it is to be kept.

    Raises:
        BuildKitError: there is no such build, the daemon keeps no history, or went away.
    """
    _update(daemon, UpdateBuildHistoryRequest(Ref=ref, Pinned=is_pinned))


# --- calls -------------------------------------------------------------------


def _records(daemon: OpenDaemon, request: BuildHistoryRequest) -> Iterator[BuildHistoryRecord]:
    """Yield records. No limit is asked for: Docker Engine 28.5 breaks down over one."""
    deleted = set()
    found = []
    call = daemon.client.channel.call(f"{SERVICE}ListenBuildHistory")
    try:
        for message in _messages(call, request.SerializeToString()):
            event = read(BuildHistoryEvent.FromString, message)
            if event.type == _DELETED:
                deleted.add(event.record.Ref)
            else:
                found.append(event.record)
            if len(found) + len(deleted) > MAX_RECORDS:
                raise BuildKitError(
                    f"{daemon.name} tells of more than {MAX_RECORDS} builds, and was not listened "
                    "to any longer."
                )
    except CallError as error:
        raise _refused(daemon, error) from error
    finally:
        call.cancel()
    yield from (record for record in found if record.Ref not in deleted)


def _replay(daemon: OpenDaemon, ref: str, events: BuildEvents) -> None:
    call = daemon.client.channel.call(f"{SERVICE}Status")
    try:
        for message in _messages(call, StatusRequest(Ref=ref).SerializeToString(), None):
            events.take(read(StatusResponse.FromString, message))
    except CallError as error:
        if error.status.code == Code.NOT_FOUND:
            raise _no_such_build(daemon, ref) from error
        raise _refused(daemon, error) from error
    finally:
        call.cancel()
    events.close()


def _full_status(daemon: OpenDaemon, record: BuildHistoryRecord) -> RpcStatus:
    """Return how a build ended, with the details that stand in a blob of their own."""
    plain = RpcStatus(record.error.code, record.error.message, record.error.SerializeToString())
    digest = record.externalError.digest
    if not digest or record.externalError.size > MAX_FAILURE_BYTES:
        return plain
    content = bytearray()
    call = daemon.client.channel.call(f"{CONTENT_SERVICE}Read")
    try:
        request = ReadContentRequest(digest=digest).SerializeToString()
        for message in _messages(call, request):
            content += read(ReadContentResponse.FromString, message).data
            if len(content) > MAX_FAILURE_BYTES:
                return plain
        status = read(Status.FromString, bytes(content))
    except BuildKitError:  # it may be gone by now
        return plain
    finally:
        call.cancel()
    return RpcStatus(status.code, status.message, bytes(content))


def _tell_nobody(event: Event) -> None:
    """Take an event of which only the output counts that it stands for."""


def _messages(
    call: Call, request: bytes, timeout: float | None = ANSWER_SECONDS
) -> Iterator[bytes]:
    with suppress(CallError):  # told by what is received
        call.send(request, last=True)
    while (message := call.receive(timeout)) is not None:
        yield message


def _update(daemon: OpenDaemon, request: UpdateBuildHistoryRequest) -> None:
    try:
        daemon.client.channel.unary(
            f"{SERVICE}UpdateBuildHistory", request.SerializeToString(), timeout=ANSWER_SECONDS
        )
    except CallError as error:
        raise _refused(daemon, error) from error


def _refused(daemon: OpenDaemon, error: CallError) -> BuildKitError:
    if error.status.code == Code.UNIMPLEMENTED:
        return BuildKitError(
            f"The BuildKit of {daemon.name} keeps no history of builds. Docker Engine 24 and "
            "newer do."
        )
    return BuildKitError(f"{daemon.name} did not tell its history: {error.status.message}")


def _no_such_build(daemon: OpenDaemon, ref: str) -> BuildKitError:
    return BuildKitError(f"{daemon.name} remembers no build {ref!r}.")
