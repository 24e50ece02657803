"""The page of what the engine double answers is what it does answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from supported_api import OPERATIONS, Operation, answer, find_route, replace_generated

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.engine.routes.table import not_implemented, table
from fakes.engine.versions import VERSIONS

_PAGE = Path(__file__).parents[4] / "docs" / "supported-api.md"


def test_the_page_is_up_to_date() -> None:
    """Its generated part is what the routes are now."""
    text = _PAGE.read_text(encoding="utf-8")
    assert replace_generated(text) == text, "run: PYTHONPATH=tests/support python -m supported_api"


def test_every_route_is_an_operation() -> None:
    """No route of the double is left out, but paths that end with a slash."""
    listed = [find_route(one) for one in OPERATIONS]
    missing = [
        f"{one.method} {one.pattern.pattern}"
        for one in table()
        if one.endpoint is not not_implemented
        and one not in listed
        and not one.pattern.pattern.endswith("/")
    ]
    assert missing == []


@pytest.fixture(params=VERSIONS)
def client(request: pytest.FixtureRequest) -> Iterator[FakeDockerClient]:
    """A client of an engine of each version."""
    client = FakeDockerClient(FakeDockerEngine(request.param))
    yield client
    client.close()


def test_what_is_not_there_says_so(client: FakeDockerClient) -> None:
    """What the page calls 501 names its route, and what a version does not have is 404."""
    version = client.engine.version
    for operation in OPERATIONS:
        said = answer(operation, version)
        if said in ("501", "absent"):
            status, text = _asked(client, operation)
            assert (status, operation.request) == (501 if said == "501" else 404, operation.request)
            assert said == "absent" or "does not implement" in text


def _asked(client: FakeDockerClient, operation: Operation) -> tuple[int, str]:
    method, _, path = operation.request.partition(" ")
    url = client.api.base_url + re.sub(r"\{\w+\}", "x", path)
    response = client.api.request(method, url)
    with response:
        return response.status_code, response.text
