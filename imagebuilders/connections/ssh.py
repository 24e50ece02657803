"""The command that reaches a daemon by ssh, as `docker` runs it.

https://docs.docker.com/engine/security/protect-access/; `cli/connhelper` of github.com/docker/cli.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from imagebuilders.connections.address import Address

CONNECT_SECONDS = 30
"""How long ssh may take to connect; it says itself when that has passed."""


def docker_dial_command(address: Address) -> list[str]:
    """Return the command whose standard input and output lead to the Docker Engine at a host.

    Args:
        address: an address of the kind `ssh://`; its path is the engine's socket.
    """
    engine = ["docker"]
    if address.path:
        engine.append(f"--host=unix://{address.path}")
    return ssh_command(address, [*engine, "system", "dial-stdio"])


def ssh_command(address: Address, remote: Sequence[str]) -> list[str]:
    """Return the command that runs another one at a host.

    User, host, port and keys beyond the address are those of the user's ssh configuration.

    Args:
        address: an address of the kind `ssh://`.
        remote: the program and its arguments; they are quoted for the shell at the host.
    """
    command = ["ssh"]
    if address.user is not None:
        command += ["-l", address.user]
    if address.port is not None:
        command += ["-p", str(address.port)]
    command += ["-o", f"ConnectTimeout={CONNECT_SECONDS}", "-T", "--", address.host]
    return [*command, shlex.join(remote)]
