"""Which hardware address a container has in its networks, where somebody chose one."""

from __future__ import annotations

from typing import Any

from ...images.config import RunConfig
from ..versions import EngineVersion

Settings = dict[str, Any]

_DESIRED = "DesiredMacAddress"
"""What a container was made with; one that is told when it is connected is shown, and lost."""


def spread(
    config: RunConfig, networks: dict[str, Settings], mode: str, version: EngineVersion
) -> None:
    """Tell a new container and its first network of the address that one of them was given.

    Older engines keep them apart.
    """
    if version < "25.0":
        return
    first = None if mode in ("none", "host") else networks.get(mode)
    if first is not None:
        if config.mac_address:
            first.setdefault("MacAddress", config.mac_address)
        else:
            config.mac_address = first.get("MacAddress") or ""
    for settings in networks.values():
        settings[_DESIRED] = settings.get("MacAddress") or ""


def chosen_later(settings: Settings, version: EngineVersion) -> str:
    """Return the address for a connection that is made to a running container; empty for any."""
    return str(settings.get("MacAddress") or "") if version >= "29.0" else ""


def chosen(settings: Settings, of_container: str, *, first: bool, version: EngineVersion) -> str:
    """Return the address for a connection as a container starts; empty for any.

    Args:
        settings: of the connection.
        of_container: what was chosen for the container itself.
        first: the connection is to the network that the container was made for.
        version: of the engine; older ones do not look at a connection's own.
    """
    if version < "25.0":
        return of_container if first else ""
    return str(settings.get(_DESIRED) or chosen_later(settings, version))
