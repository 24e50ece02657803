"""Logging a user in at a registry, by way of the engine: `POST /auth`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imagebuilders.auth.credentials import Credentials, server_key
from imagebuilders.docker.registry_errors import advise
from imagebuilders.docker.stream import post
from imagebuilders.exceptions import (
    EngineError,
    EngineResponseError,
    EngineTimeoutError,
    RegistryError,
)

if TYPE_CHECKING:
    import docker


def log_in(client: docker.DockerClient, registry: str, username: str, password: str) -> None:
    """Have the engine check a username and password; the client keeps them when they are right.

    Args:
        client: the engine's client.
        registry: the registry's domain.
        username: the user.
        password: the user's password or token; it appears in no error.

    Raises:
        RegistryError: they are wrong, or the registry could not be asked.
    """
    auth_config = Credentials(username, password).auth_config(registry)
    try:
        # Not by the SDK's `login`: that asks the user's credential helper first, whose failure
        # is no reason to refuse a username and password that were given.
        with post(
            client,
            "/auth",
            params={},
            headers={"Content-Type": "application/json"},
            body=[json.dumps(auth_config).encode()],
            idle_timeout=client.api.timeout,
        ) as messages:
            for _ in messages:
                pass
    except EngineResponseError as error:
        detail = error.explanation.replace(password, "***") if password else error.explanation
        raise RegistryError(
            f"The user {username!r} could not log in at the registry {registry}: "
            f"{detail.rstrip('.')}. "
            f"{advise(detail, registry)}",
            registry=registry,
        ) from None
    except EngineTimeoutError as error:
        raise RegistryError(
            f"The user {username!r} could not log in at the registry {registry}: there was no "
            "answer in time. See whether the registry is up and reachable from the engine, and "
            "try again.",
            registry=registry,
        ) from error
    except EngineError as error:
        raise RegistryError(
            f"The user {username!r} could not log in at the registry {registry}, for the Docker "
            f"Engine did not answer: {error}",
            registry=registry,
        ) from error
    # The SDK keeps logins here; it offers no other way to hand it one that was checked.
    client.api._auth_configs.add_auth(server_key(registry), auth_config)  # type: ignore[attr-defined]
