"""Links from one container to others, each under a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ApiError
from .container import Container

Find = Callable[[str], Container]


def check_links(host: dict[str, Any], find: Find) -> None:
    """Refuse links that lead to nothing.

    Raises:
        ApiError: 400 or 500.
    """
    for link in host.get("Links") or []:
        name, _ = parse_link(str(link))
        try:
            if not name:
                raise ApiError(400, 'invalid name or ID supplied: ""')
            find(name)
        except ApiError as error:
            raise ApiError(400, f"could not get container for {name}: {error.message}") from error


def parse_link(link: str) -> tuple[str, str]:
    """Return the name of the container that a link leads to, and the name it is given.

    Raises:
        ApiError: 500 when it is no link.
    """
    if not link:
        raise ApiError(500, "empty string specified for links")
    name, found, alias = link.partition(":")
    if ":" in alias:
        raise ApiError(500, f"bad format for links: {link}")
    # As a document shows links, so they may come back.
    return name, (alias if found else name).rpartition("/")[2]


def linked(host: dict[str, Any], find: Find) -> dict[str, Container] | None:
    """Return what a new container's links lead to, by alias; `None` for none.

    In a network that users made, links belong to the connections, and these lead nowhere.

    Raises:
        ApiError: something of them has gone meanwhile.
    """
    if host.get("NetworkMode") not in (None, "", "default", "bridge"):
        return None
    pairs = [parse_link(str(link)) for link in host.get("Links") or []]
    return {alias: find(name) for name, alias in pairs} or None


def link_variables(container: Container) -> list[str]:
    """Return the variables by which a container's command finds what it is linked to."""
    found = []
    for alias, other in (container.links or {}).items():
        name = alias.upper().replace("-", "_")
        found.append(f"{name}_NAME=/{container.name}/{alias}")
        pairs = [pair for pair in other.config.env or [] if not pair.startswith("PATH=")]
        found += [f"{name}_ENV_{pair}" for pair in pairs]
    return found


def shown_links(container: Container) -> list[str] | None:
    """Return the links of a container as its document shows them."""
    asked: list[str] | None = container.host_config.get("Links")
    if container.links is None:
        return asked
    return [
        f"/{other.name}:/{container.name}/{alias}" for alias, other in container.links.items()
    ] or None


def check_linked_run(container: Container) -> None:
    """Refuse to start a container when one that it is linked to does not run.

    Raises:
        ApiError: 500.
    """
    for alias, other in (container.links or {}).items():
        if not other.running:
            raise ApiError(
                500,
                f"Cannot link to a non running container: /{other.name} AS "
                f"/{container.name}/{alias}",
            )
