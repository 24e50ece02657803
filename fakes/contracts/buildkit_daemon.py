"""What any BuildKit daemon must do, as tests: subclass and say how it is reached.

::

    class TestMyDaemon(BuildKitContract):
        daemon = "0.32"

        @pytest.fixture
        def dial(self): ...  # a function that connects to the daemon
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import pytest

from .buildkit.conduct import Dial
from .buildkit.messages import Json
from .buildkit.observing import observe_group, places_of
from .buildkit.recordings import expected, groups
from .docker_engine import differences

Prepare = Callable[[list[Json]], None]
"""Tells a daemon that executes nothing what the RUN steps of a scenario do."""


class BuildKitContract:
    """Every scenario, compared with what a real daemon answered and asked.

    A scenario is what a client does: builds, questions through the gateway, calls of the daemon's
    own services, and its answers to what the daemon asks of its session. Compared are the calls of
    the session with their metadata, progress, results, failures with their typed details, and the
    answers to other calls.

    The subclass gives a fixture `dial`: a function that connects to a fresh daemon, which finds
    the base images of the scenarios, and returns the socket and what was read from it already.
    Scenarios of a group run one after the other on the same daemon.
    """

    daemon = "0.32"
    """Whose recordings are expected; `fakes.contracts.buildkit.recordings.daemons` lists them."""

    known_divergences: ClassVar[dict[str, str]] = {}
    """Scenarios that are known to differ, each with the reason."""

    first_of_each: ClassVar[int | None] = None
    """How many scenarios of each group are taken, the first ones; all of them if `None`."""

    @pytest.fixture
    def prepare(self) -> Prepare:
        """What tells a daemon that executes nothing what RUN steps do."""
        return lambda _runs: None

    @pytest.fixture
    def places(self) -> Mapping[str, str]:
        """What is at the addresses of the scenarios: addresses of registries and servers.

        Scenarios that need others are left out.
        """
        return {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make each group of scenarios a test."""
        if metafunc.function.__name__ == "test_group":
            metafunc.parametrize("group", sorted(groups(self.daemon)))

    def test_group(
        self, group: str, dial: Dial, prepare: Prepare, places: Mapping[str, str]
    ) -> None:
        """The scenarios see what they saw on a real daemon."""
        names = [
            name
            for name in groups(self.daemon)[group]
            if places_of(self.daemon, name) <= set(places)
        ]
        names = names[: self.first_of_each]
        if not names:
            pytest.skip(f"the scenarios of {group} need registries that are not there")
        seen = observe_group(self.daemon, names, dial, prepare=prepare, places=places)
        found: dict[str, list[str]] = {}
        for name in names:
            differs = differences(expected(self.daemon, name), seen[name])
            if differs and name not in self.known_divergences:
                found[name] = differs
            elif not differs and name in self.known_divergences:
                found[name] = ["does not differ any more"]
        if found:
            told = [f"{name}: {differs}" for name, all_ in found.items() for differs in all_]
            pytest.fail("\n".join(told), pytrace=False)
