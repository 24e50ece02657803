"""What it means to networks, volumes and the events that a container starts or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.engine.errors import ApiError
from fakes.engine.networks.endpoints import join_all, leave_all
from fakes.engine.volumes.mounts import note_mounts

if TYPE_CHECKING:
    from fakes.engine.containers.container import Container
    from fakes.engine.engine import FakeDockerEngine


def enter(engine: FakeDockerEngine, container: Container) -> None:
    """Let a container that starts into its networks, and mount its volumes.

    Raises:
        ApiError: when one of the networks is not there.
    """
    mounts_first = engine.version >= "28.0"
    if mounts_first:
        note_mounts(engine, container, "mount")
    try:
        join_all(engine, container)
    except ApiError:
        note_mounts(engine, container, "unmount")
        raise
    if not mounts_first:
        note_mounts(engine, container, "mount")


def retreat(engine: FakeDockerEngine, container: Container) -> None:
    """Let a container out that could not start after all."""
    leave_all(engine, container)
    note_mounts(engine, container, "unmount")


def leave(engine: FakeDockerEngine, container: Container, code: int) -> None:
    """Let a container that ended out of them, and say that it ended."""
    end = {"exitCode": str(code)}
    if engine.version < "23.0":
        engine.containers.note(container, "die", end)
    leave_all(engine, container)
    note_mounts(engine, container, "unmount")
    if engine.version >= "23.0":
        ran = (container.finished or 0) - (container.started or 0)
        end["execDuration"] = str(ran // 1_000_000_000)
        engine.containers.note(container, "die", end)


def note_build_run(engine: FakeDockerEngine, container: Container, code: int) -> None:
    """Say in the events that the container of a build step ran."""
    note = engine.containers.note
    note(container, "attach")
    container.started = container.finished = engine.clock()
    join_all(engine, container)
    note(container, "start")
    leave(engine, container, code)
