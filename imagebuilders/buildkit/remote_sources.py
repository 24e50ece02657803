"""Contexts that the daemon fetches, or pulls from the client as one archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from imagebuilders.build_options.values import SSHAgent
from imagebuilders.buildkit.session.upload import Upload
from imagebuilders.context.remote import has_git_query
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.buildkit.session.session import Service
    from imagebuilders.context.remote import RemoteSource

_CAPABILITIES = "frontend.caps"
_GIT_QUERY = "moby.buildkit.frontend.gitquerystring"


@dataclass(frozen=True)
class RemotePlan:
    """What a daemon is told of a context that it fetches.

    Attributes:
        attributes: of the frontend; those of named contexts go before.
        services: what serves the archive.
        agents: the SSH agents that are needed to fetch it.
        masked: what stands in the address to prove who asks.
    """

    attributes: Mapping[str, str] = field(default_factory=dict)
    services: Sequence[Service] = ()
    agents: Sequence[SSHAgent] = ()
    masked: Sequence[bytes] = field(default=(), repr=False)


def plan_remote(
    source: RemoteSource | None, capabilities: str, agents: Sequence[SSHAgent]
) -> RemotePlan:
    """Return what the daemon is told of the source of a context.

    Args:
        source: the source; `None` for a folder of this machine.
        capabilities: what the frontend must be capable of for other reasons.
        agents: the SSH agents of the build.
    """
    if source is None:
        return RemotePlan(agents=agents)
    attributes: dict[str, str] = {}
    services: list[Service] = []
    if source.archive is not None:
        upload = Upload()
        attributes["context"] = upload.add(source.archive)
        services.append(upload)
    else:
        attributes["context"] = source.address
        if has_git_query(source.address):
            attributes[_CAPABILITIES] = ",".join(filter(None, (capabilities, _GIT_QUERY)))
    if not source.has_dockerfile:
        # Without it, the frontend looks for the Dockerfile in the context.
        attributes["dockerfilekey"] = "dockerfile"
    default = SSHAgent()
    if source.needs_agent and default.id not in {agent.id for agent in agents}:
        agents = (*agents, default)
    password = source.password.encode("utf-8", "surrogateescape")
    return RemotePlan(attributes, services, agents, (password,) if password else ())
