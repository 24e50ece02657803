"""Other people's clients, run in a container on the test process's own network."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from testcontainers.core.container import DockerContainer

from testbed.containers import Container
from testbed.daemon import HostEngine
from testbed.images import Images


class ToolError(Exception):
    """A client exited with another code than 0."""


@dataclass(frozen=True)
class Completed:
    """What a client said."""

    arguments: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    def check(self) -> None:
        """See to it that all was well.

        Raises:
            ToolError: the exit code is not 0.
        """
        if self.returncode:
            command = " ".join(self.arguments)
            said = f"{self.stdout}{self.stderr}".rstrip()
            raise ToolError(f"`{command}` exited with {self.returncode}:\n{said}")


class Toolbox:
    """One container with all the clients.

    It is on the host's network, so ``127.0.0.1`` is the test process: a registry of an
    engine and a server inside the test process are both reached by their own address.
    """

    def __init__(self, host: HostEngine, images: Images, *, image: str = "") -> None:
        self.container = Container(
            host,
            image or images.tools(),
            ["sleep", "infinity"],
            network_mode="host",
            # buildah and podman mount and make namespaces of their own.
            cap_add=["ALL"],
            cap_drop=["SYS_RESOURCE"],
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        )

    def start(self) -> Toolbox:
        """Start it."""
        self.container.start()
        return self

    def stop(self) -> None:
        """Remove it."""
        self.container.stop()

    def tool(self, name: str) -> ClientTool:
        """One of the clients, by the name of its program."""
        return ClientTool(self, name)


@dataclass(frozen=True)
class ClientTool:
    """A program of the toolbox."""

    toolbox: Toolbox
    name: str

    def run(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        workdir: str | None = None,
        check: bool = True,
    ) -> Completed:
        """Run it and wait.

        Raises:
            ToolError: the exit code is not 0 and ``check`` is true.
        """
        return run_in(
            self.toolbox.container,
            [self.name, *arguments],
            environment=environment,
            workdir=workdir,
            check=check,
        )

    def put(self, source: Path, destination: str) -> None:
        """Copy a file or folder into the toolbox, as the absolute path ``destination``."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
            tar.add(source, arcname=destination.lstrip("/"))
        self.toolbox.container.get_wrapped_container().put_archive("/", buffer.getvalue())

    def put_text(self, text: str, destination: str) -> None:
        """Write a file in the toolbox."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
            content = text.encode()
            info = tarfile.TarInfo(destination.lstrip("/"))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        self.toolbox.container.get_wrapped_container().put_archive("/", buffer.getvalue())

    def fetch(self, source: str) -> bytes:
        """The content of a file in the toolbox."""
        chunks, _ = self.toolbox.container.get_wrapped_container().get_archive(source)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            member = tar.extractfile(tar.getmembers()[0])
            assert member is not None
            return member.read()


def run_in(
    container: DockerContainer,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    workdir: str | None = None,
    check: bool = True,
) -> Completed:
    """Run a command in a container and wait for its end.

    Raises:
        ToolError: the exit code is not 0 and ``check`` is true.
    """
    answer = container.get_wrapped_container().exec_run(
        list(arguments), environment=dict(environment or {}), workdir=workdir, demux=True
    )
    parts = cast("tuple[bytes | None, bytes | None]", answer.output)
    stdout, stderr = ((part or b"").decode(errors="replace") for part in parts)
    completed = Completed(tuple(arguments), answer.exit_code or 0, stdout, stderr)
    if check:
        completed.check()
    return completed
