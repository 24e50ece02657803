"""What the tests of the fake registry share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fakes.registry import FakeRegistry, Headers, Request, Response


@pytest.fixture
def registry() -> FakeRegistry:
    """A registry that does not listen."""
    return FakeRegistry()


@pytest.fixture
def served() -> Iterator[FakeRegistry]:
    """A registry that listens."""
    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def ask() -> Callable[..., Response]:
    """Asks a registry in-process: method, path, body, and header fields by keyword."""

    def send(
        registry: FakeRegistry, method: str, path: str, body: bytes = b"", **fields: str
    ) -> Response:
        headers = Headers((name.replace("_", "-"), value) for name, value in fields.items())
        return registry.handle(Request(method, path, headers, [body] if body else []))

    return send
