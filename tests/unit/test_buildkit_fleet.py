"""The BuildKit builder with several daemons, some of which fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from authority import Authority

from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import (
    BuildContext,
    BuildKitImageBuilder,
    BuildKitImageBuilderConfig,
    DefaultContainerRegistry,
)
from imagebuilders.buildkit import fleet_build
from imagebuilders.buildkit.daemon import Daemon, daemon_at
from imagebuilders.buildkit.fleet import DaemonAwayError, Roll, in_order
from imagebuilders.connections.nonblocking import NonBlockingStream
from imagebuilders.events import BuildStarted, Event, Notice, StepStarted, listen
from imagebuilders.exceptions import BuildError, BuildKitError

NAME = "registry.example/app:1"
REGISTRY = DefaultContainerRegistry(uri="registry.example")
PORT_REGISTRY = DefaultContainerRegistry(uri="registry.example:5000")


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give daemons time to answer where a test names none: a busy machine is slow."""
    monkeypatch.setattr(fleet_build, "HEALTH_SECONDS", 60.0)


@pytest.fixture
def told() -> Iterator[list[Event]]:
    """Everything that is told during a test."""
    events: list[Event] = []
    with listen(events.append):
        yield events


def _context() -> BuildContext:
    context = BuildContext()
    context.add_file("FROM base:1\n", "Dockerfile")
    return context


class Fleet:
    """Daemons in the order in which a build without a folder tries them."""

    def __init__(self, daemons: Mapping[str, ScriptedBuildKit]) -> None:
        order = in_order([daemon_at(address) for address in daemons], "registry.example/app")
        self.addresses = [daemon.name for daemon in order]
        self.daemons = [daemons[address] for address in self.addresses]

    def built(self) -> list[int]:
        """Return how many builds each was asked for."""
        return [len(daemon.builds) for daemon in self.daemons]


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Give two daemons."""
    with contextlib.ExitStack() as serving:
        daemons = [ScriptedBuildKit(containerd_store=True) for _ in range(2)]
        yield Fleet({serving.enter_context(daemon.serve()): daemon for daemon in daemons})


@pytest.fixture
def hanging() -> Iterator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def _build(addresses: list[str], **settings: object) -> str:
    config = BuildKitImageBuilderConfig.model_validate({"addresses": addresses, **settings})
    builder = BuildKitImageBuilder(config)
    return builder.build(NAME, _context(), None, REGISTRY)


# --- which one ---------------------------------------------------------------


def test_each_daemon_has_its_share_and_keeps_it() -> None:
    """Of 1,000 contexts on 5 daemons; those of one that leaves go elsewhere, and no others."""
    daemons = [daemon_at(f"tcp://worker-{number}:1234") for number in range(5)]
    keys = [f"context {number}" for number in range(1000)]
    before = {key: in_order(daemons, key) for key in keys}
    shares = [sum(order[0] is daemon for order in before.values()) for daemon in daemons]
    assert all(160 <= share <= 240 for share in shares), shares
    left = daemons[:2] + daemons[3:]
    for key, order in before.items():
        assert in_order(list(reversed(left)), key) == [one for one in order if one in left]
    assert sum(order[0] is daemons[2] for order in before.values()) == shares[2] <= 240


def test_a_context_goes_back_to_its_daemon(fleet: Fleet, tmp_path: Path) -> None:
    """Whatever the image is called; other folders go to the other daemon, too."""
    builder = BuildKitImageBuilder(addresses=fleet.addresses)
    first = set()
    for number in range(64):
        root = tmp_path / f"app-{number}"
        root.mkdir()
        (root / "Dockerfile").write_text("FROM base:1\n")
        before = fleet.built()
        for name in ("one:1", "two:2"):
            builder.build(f"registry.example/{name}", BuildContext(root=str(root)), None, REGISTRY)
        went = [after - was for was, after in zip(before, fleet.built(), strict=True)]
        assert sorted(went) == [0, 2]
        first.add(went.index(2))
        if len(first) == 2:
            break
    assert first == {0, 1}


def test_an_image_goes_back_to_its_daemon(fleet: Fleet) -> None:
    """Without a folder its repository tells, in any tag; those of one registry are shared out."""
    builder = BuildKitImageBuilder(addresses=fleet.addresses)
    first = set()
    for number in range(64):
        repository = f"registry.example:5000/app-{number}"
        before = fleet.built()
        for tag in ("1", "2"):
            builder.build(f"{repository}:{tag}", _context(), None, PORT_REGISTRY)
        went = [after - was for was, after in zip(before, fleet.built(), strict=True)]
        order = in_order([daemon_at(address) for address in fleet.addresses], repository)
        assert went == [2 * (address == order[0].name) for address in fleet.addresses]
        first.add(went.index(2))
        if len(first) == 2:
            break
    assert first == {0, 1}


# --- what fails --------------------------------------------------------------


def test_a_daemon_that_is_away_is_passed_over(
    fleet: Fleet, told: list[Event], tmp_path: Path
) -> None:
    """A notice says which, and why; the next one builds."""
    away = [f"unix://{tmp_path}/{number}.sock" for number in range(3)]
    pushed = _build([*away, fleet.addresses[0]])
    assert pushed.startswith("registry.example/app@sha256:")
    notices = [event.message for event in told if isinstance(event, Notice)]
    assert all("is passed over" in notice and "No such file" in notice for notice in notices)
    assert len(notices) == len(set(notices))
    assert isinstance(told[0], BuildStarted)
    assert len([event for event in told if isinstance(event, BuildStarted)]) == 1


def test_a_daemon_that_hangs_is_passed_over(fleet: Fleet, hanging: str) -> None:
    """When its time to answer is over, whichever is asked first."""
    assert _build([hanging, *fleet.addresses], health_timeout=3.0).startswith("registry.example/")
    assert sum(fleet.built()) == 1


def test_none_answers(hanging: str, tmp_path: Path) -> None:
    """One error names each, and what it came to."""
    away = f"unix://{tmp_path}/none.sock"
    with pytest.raises(BuildError, match="None of 2 BuildKit daemons answers") as caught:
        _build([hanging, away], health_timeout=0.2)
    assert f"{away}: No such file or directory" in str(caught.value)
    assert f"{hanging}: it did not answer within 0.2 s" in str(caught.value)


def test_a_connection_that_gives_up_by_itself() -> None:
    """The error names the time that was set, not what was left of it."""

    def dial(seconds: float) -> NonBlockingStream:
        raise TimeoutError(f"timed out after {seconds}")

    daemon = Daemon("tcp://away", dial)
    with Roll([daemon], 7.5) as roll:
        answer = roll.take(daemon)
    assert isinstance(answer, DaemonAwayError)
    assert str(answer) == "it did not answer within 7.5 s"


def test_a_daemon_that_never_begins(fleet: Fleet, told: list[Event]) -> None:
    """It says that it is there, takes the build, and says nothing: the next one builds."""
    stuck = threading.Event()

    def silent(build: ScriptedBuild) -> None:
        # Without a word about the build, which `wait_cancelled` would give.
        stuck.wait(100)
        build.fail("nobody waits")

    fleet.daemons[0].script = silent
    begun = time.monotonic()
    pushed = _build(fleet.addresses, start_timeout=2.0)
    assert time.monotonic() - begun < 60
    stuck.set()
    assert pushed.startswith("registry.example/app@sha256:")
    assert fleet.built() == [1, 1]
    (notice,) = [event.message for event in told if isinstance(event, Notice)]
    assert "did not begin within 2 s" in notice


def test_a_daemon_that_breaks_off_before_it_begins(fleet: Fleet, told: list[Event]) -> None:
    """The next one builds; each that was passed over is told of once."""

    def gone(build: ScriptedBuild) -> None:
        build.connection.socket.shutdown(socket.SHUT_RDWR)
        build.fail("nobody hears this")

    fleet.daemons[0].script = gone
    assert _build(fleet.addresses).startswith("registry.example/app@sha256:")
    assert fleet.built() == [1, 1]
    notices = [event.message for event in told if isinstance(event, Notice)]
    assert [notice.partition(" ")[0] for notice in notices] == fleet.addresses[:1]


def test_a_daemon_that_is_killed_in_mid_build(fleet: Fleet) -> None:
    """A build that has begun is not begun elsewhere: one error says what happened."""

    seen = threading.Event()

    def note(event: Event) -> None:
        if isinstance(event, StepStarted):
            seen.set()

    def killed(build: ScriptedBuild) -> None:
        build.start_step("[1/1] RUN make")
        seen.wait(10)
        build.connection.socket.shutdown(socket.SHUT_RDWR)
        build.fail("nobody hears this")

    fleet.daemons[0].script = killed
    with listen(note), pytest.raises(BuildError, match="was not built") as caught:
        _build(fleet.addresses)
    assert "RUN make" in str(caught.value)
    assert fleet.built() == [1, 0]


def test_a_build_that_fails_is_not_tried_elsewhere(fleet: Fleet) -> None:
    """What is wrong with the build is wrong everywhere."""
    fleet.daemons[0].script = lambda build: build.fail("dockerfile parse error on line 1")
    with pytest.raises(BuildError, match="parse error"):
        _build(fleet.addresses)
    assert fleet.built() == [1, 0]


def test_a_task_is_cancelled_while_daemons_are_asked(hanging: str) -> None:
    """It ends at once, not when the daemons have had their time."""
    builder = BuildKitImageBuilder(addresses=hanging)
    begun = time.monotonic()

    async def build() -> None:
        await asyncio.wait_for(builder.abuild(NAME, _context(), None, REGISTRY), 0.2)

    with pytest.raises(TimeoutError if sys.version_info >= (3, 11) else asyncio.TimeoutError):
        asyncio.run(build())
    assert time.monotonic() - begun < 9


def test_nothing_is_remembered(fleet: Fleet, hanging: str) -> None:
    """A daemon that was passed over builds again once it answers."""
    away = ScriptedBuildKit(containerd_store=True)
    with pytest.raises(BuildError):
        _build([hanging], health_timeout=0.1)
    with away.serve() as address:
        for _ in range(2):
            _build([address])
    assert len(away.builds) == 2


# --- mutual TLS --------------------------------------------------------------


@pytest.mark.parametrize("whose", ["client", "server"])
def test_a_certificate_expires_between_two_builds(tmp_path: Path, whose: str) -> None:
    """The first build succeeds; the second has one error that says which certificate it was."""
    authority = Authority(tmp_path)
    client = authority.issue("client")
    daemon = ScriptedBuildKit(containerd_store=True)
    settings = {
        "tls_ca": authority.ca,
        "tls_certificate": client.certificate,
        "tls_key": client.key,
    }
    with daemon.serve(
        "tcp://127.0.0.1:0", tls=authority.server_context(authority.issue("server"))
    ) as address:
        assert _build([address], **settings).startswith("registry.example/app@")
        if whose == "client":
            authority.issue("client", is_expired=True)
            with pytest.raises(BuildError, match="refused the connection: certificate expired"):
                _build([address], **settings)
    if whose == "server":
        expired = authority.server_context(authority.issue("server", is_expired=True))
        with (
            daemon.serve(address, tls=expired),
            pytest.raises(BuildError, match="cannot be trusted: certificate has expired"),
        ):
            _build([address], **settings)
    assert len(daemon.builds) == 1


def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    """`tls_server_name` says whom it is for; without it, it is not trusted."""
    authority = Authority(tmp_path)
    client = authority.issue("client")
    daemon = ScriptedBuildKit(containerd_store=True)
    context = authority.server_context(authority.issue("server", host="buildkitd.example"))
    settings = {
        "tls_ca": authority.ca,
        "tls_certificate": client.certificate,
        "tls_key": client.key,
    }
    with daemon.serve("tcp://127.0.0.1:0", tls=context) as address:
        address = address.replace("127.0.0.1", "localhost")
        with pytest.raises(BuildError, match="cannot be trusted: hostname mismatch"):
            _build([address], **settings)
        _build([address], **settings, tls_server_name="buildkitd.example")


# --- all of them -------------------------------------------------------------


def test_all_that_answer_are_lent(fleet: Fleet, tmp_path: Path) -> None:
    """For what is not a build: those that are away are left out, unless all are."""
    away = f"unix://{tmp_path}/none.sock"
    with BuildKitImageBuilder(addresses=[away, *fleet.addresses]).daemons() as daemons:
        assert [daemon.addresses for daemon in daemons] == [
            (address,) for address in fleet.addresses
        ]
        assert all(daemon.client.workers() for daemon in daemons)
    with pytest.raises(BuildKitError), BuildKitImageBuilder(addresses=[away]).daemons():
        pass
