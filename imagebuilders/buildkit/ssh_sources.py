"""The SSH agents of a build's options."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from imagebuilders.build_options.values import SSHAgent
from imagebuilders.buildkit.session.ssh import Agent
from imagebuilders.exceptions import BuildOptionsError

VARIABLE = "SSH_AUTH_SOCK"


def ssh_agents(agents: Iterable[SSHAgent]) -> dict[str, Agent]:
    """Return each agent by its ID: behind a socket, or in this process for the keys of files.

    Raises:
        BuildOptionsError: an agent or key file is not there, or a key cannot be used.
    """
    return {agent.id: _agent(agent) for agent in agents}


def _agent(agent: SSHAgent) -> Agent:
    paths = list(agent.paths) or [os.environ.get(VARIABLE, "")]
    if not all(paths):
        raise BuildOptionsError(
            f"The option 'ssh' wants the agent {agent.id!r}, but {VARIABLE} is not set: start an "
            "agent, or name its socket, as in default=/path/to/agent.sock.",
            option="ssh",
        )
    sockets = [path for path in paths if _is_socket(path)]
    if not sockets:
        from imagebuilders.buildkit.session.ssh_keys import KeyAgent

        return KeyAgent.load(paths)
    if len(paths) > 1:
        raise BuildOptionsError(
            f"The option 'ssh' names the socket {sockets[0]} beside others for the agent "
            f"{agent.id!r}: an agent is one socket, or one or more key files.",
            option="ssh",
        )
    from imagebuilders.buildkit.session.ssh_socket import SocketAgent

    return SocketAgent(os.path.abspath(paths[0]))


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BuildOptionsError(
            f"The option 'ssh' names {path}, which cannot be used: {reason}.", option="ssh"
        ) from error
