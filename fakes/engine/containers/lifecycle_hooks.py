"""What it means to networks, volumes and the events that a container starts or ends."""

from __future__ import annotations

from ..errors import ApiError
from .connections import join_all, leave_all
from .container import Container
from .register import ContainerRegister
from .volume_use import note_mounts


def on_start(containers: ContainerRegister, container: Container) -> None:
    """Let a container that starts into its networks, and mount its volumes.

    Raises:
        ApiError: when one of the networks is not there.
    """
    mounts_first = containers.state.version >= "28.0"
    if mounts_first:
        note_mounts(containers.volumes, container, "mount")
    try:
        join_all(containers.networks, container)
    except ApiError:
        note_mounts(containers.volumes, container, "unmount")
        raise
    if not mounts_first:
        note_mounts(containers.volumes, container, "mount")


def on_start_failed(containers: ContainerRegister, container: Container) -> None:
    """Let a container out that could not start after all."""
    leave_all(containers.networks, container)
    note_mounts(containers.volumes, container, "unmount")


def on_exit(containers: ContainerRegister, container: Container, code: int) -> None:
    """Let a container that ended out of them, and say that it ended."""
    end = {"exitCode": str(code)}
    if containers.state.version < "23.0":
        containers.note(container, "die", end)
    leave_all(containers.networks, container)
    note_mounts(containers.volumes, container, "unmount")
    if containers.state.version >= "23.0":
        ran = (container.finished or 0) - (container.started or 0)
        end["execDuration"] = str(ran // 1_000_000_000)
        containers.note(container, "die", end)


def note_build_run(containers: ContainerRegister, container: Container, code: int) -> None:
    """Say in the events that the container of a build step ran."""
    note = containers.note
    note(container, "attach")
    container.started = container.finished = containers.state.clock()
    join_all(containers.networks, container)
    note(container, "start")
    on_exit(containers, container, code)
