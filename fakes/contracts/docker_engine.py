"""What any Docker Engine must do, as tests: subclass and give the client.

::

    class TestMyEngine(DockerEngineContract):
        engine_version = "28.5"

        @pytest.fixture
        def api(self): ...  # a docker.APIClient
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from docker.api.client import APIClient

from ..engine.versions import OLDEST
from .engine.effects import Effects
from .engine.registry import scenarios
from .engine.session import Session
from .engine.transcripts import Notes, NotRecordedError, transcript

BASE_IMAGE = "busybox:latest"


def observe(
    api: APIClient,
    name: str,
    *,
    shared: bool = True,
    effects: Effects | None = None,
    registry_port: int = 0,
) -> Notes:
    """Run one scenario; what it saw.

    Args:
        api: the engine's client.
        name: the scenario's.
        shared: the engine is used again, so what the scenario made is removed.
        effects: the engine, if it must be told what commands do.
        registry_port: as for `fakes.contracts.engine.session.Session`.
    """
    session = Session(api, BASE_IMAGE, shared=shared, effects=effects, registry_port=registry_port)
    try:
        scenarios()[name](session)
    finally:
        session.close()
        if shared:
            session.clean()
    return session.notes


def differences(expected: Any, seen: Any, path: str = "") -> list[str]:
    """Where two observations differ, for a failure's message."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        found: list[str] = []
        for key in sorted({*expected, *seen}, key=str):
            # A key without a value is not the same as no key.
            one, two = (each.get(key, "(not there)") for each in (expected, seen))
            found += differences(one, two, f"{path}.{key}")
        return found
    if isinstance(expected, list) and isinstance(seen, list):
        found = []
        for index in range(max(len(expected), len(seen))):
            one = expected[index] if index < len(expected) else "(nothing)"
            two = seen[index] if index < len(seen) else "(nothing)"
            found += differences(one, two, f"{path}[{index}]")
        return found
    return [] if expected == seen else [f"{path}: expected {expected!r}, saw {seen!r}"]


class DockerEngineContract:
    """Every scenario, compared with the transcript of a real engine.

    The subclass gives a fixture `api`: a `docker.APIClient` of an engine that
    has an image `busybox:latest`, for the groups `debian_…` one of Debian 12 named
    `debian:bookworm-slim`, and may be emptied of everything else. Some
    scenarios start a registry on 127.0.0.1; an engine whose loopback interface
    is another one reaches it by a `registry_port` that is forwarded.
    """

    engine_version = OLDEST
    """The engine whose transcript is expected: its version, or that with an image store that is
    not the usual one of the version, as in `29.7-overlay2`."""

    known_divergences: ClassVar[dict[str, str]] = {}
    """Scenarios that are known to differ, each with the reason."""

    only: ClassVar[Sequence[str]] = ()
    """The names of the scenarios to run; all of them when left empty."""

    shared_engine = True
    """Whether one engine serves several tests; a fresh one needs no cleaning."""

    @pytest.fixture
    def effects(self) -> Effects | None:
        """The engine, if it executes nothing and must be told what commands do."""
        return None

    @pytest.fixture
    def registry_port(self) -> int:
        """A port of 127.0.0.1 that is the same for the engine and the tests; 0 for any."""
        return 0

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make each scenario a test."""
        if metafunc.function.__name__ == "test_scenario":
            metafunc.parametrize("name", self.only or sorted(scenarios()))

    def test_scenario(
        self,
        name: str,
        api: APIClient,
        effects: Effects | None,
        registry_port: int,
        request: pytest.FixtureRequest,
    ) -> None:
        """The scenario sees what it saw on a real engine."""
        try:
            expected = transcript(self.engine_version, name)
        except NotRecordedError as error:
            pytest.skip(f"{name} was not recorded on {self.engine_version}: {error}")
        if reason := self.known_divergences.get(name):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        seen = observe(
            api, name, shared=self.shared_engine, effects=effects, registry_port=registry_port
        )
        assert not differences(expected, seen)
