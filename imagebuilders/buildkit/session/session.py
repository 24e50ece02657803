"""A session: the services that a daemon may call during builds, and what they are told by."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Protocol

from imagebuilders.buildkit.proto.rpc_pb2 import HealthCheckResponse
from imagebuilders.buildkit.transport.call import Answer, Handler
from imagebuilders.buildkit.transport.status import Metadata

HEALTH_METHOD = "/grpc.health.v1.Health/Check"

_PREFIX = "x-docker-expose-session-"


class Service(Protocol):
    """Something that a daemon may call."""

    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves each method, by its path."""
        ...


class Session:
    """The services of one or more builds, under an ID that a `Solve` names."""

    def __init__(
        self, services: Iterable[Service] = (), *, name: str = "", shared_key: str = ""
    ) -> None:
        """Put services together.

        Args:
            services: what the daemon may call; health is always there.
            name: what the daemon's log calls the session.
            shared_key: stands for the folders that are sent: a daemon that has seen a folder
                under this key asks only for what changed.
        """
        self.id = secrets.token_hex(13)[:25]
        self.name = name
        self.shared_key = shared_key
        self.handlers: dict[str, Handler] = {}
        for service in services:
            self.handlers.update(service.handlers())
        self.answers: dict[str, Answer] = {HEALTH_METHOD: _serving}

    def metadata(self) -> Metadata:
        """Return the headers by which a daemon is told of the session."""
        methods = [(f"{_PREFIX}grpc-method", path) for path in (*self.handlers, *self.answers)]
        return (
            (f"{_PREFIX}uuid", self.id),
            (f"{_PREFIX}name", self.name),
            (f"{_PREFIX}sharedkey", self.shared_key),
            *methods,
        )


def _serving(_request: bytes) -> bytes:
    return HealthCheckResponse(status=HealthCheckResponse.SERVING).SerializeToString()
