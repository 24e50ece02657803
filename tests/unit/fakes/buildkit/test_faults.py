"""What goes wrong with a BuildKit daemon on demand, and what the project's client makes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from buildkit_builds import Build as EngineBuild

from fakes import FakeBuildKit, FakeDockerClient, FakeDockerEngine
from fakes.buildkit.faults import Fault, Faults
from imagebuilders import BuildContext, BuildKitImageBuilder, LocalImageBuilder
from imagebuilders.exceptions import BuildError, EngineError, ImageBuilderError

Plan = Callable[[Faults], Fault]


@pytest.fixture
def buildkit() -> Iterator[FakeBuildKit]:
    """A daemon that waits for nobody."""
    double = FakeBuildKit()
    double.session_seconds = double.unknown_ref_seconds = 0.1
    yield double
    double.check()


class Build:
    """Builds one file on a daemon, from nothing to a folder."""

    def __init__(self, buildkit: FakeBuildKit, folder: Path) -> None:
        self._buildkit = buildkit
        self.folder = folder / "result"
        self.secret = folder / "secret.txt"
        self.secret.write_text("s3cret")
        self.context = folder / "context"
        self.context.mkdir()
        (self.context / "Dockerfile").write_text("FROM scratch\nCOPY a /\n")
        (self.context / "a").write_text("a" * 200_000)

    def __call__(self, output: str = "local") -> None:
        """Build; everything is closed afterwards, also when it fails.

        Raises:
            ImageBuilderError: the build failed.
        """
        before = set(threading.enumerate())
        destination = self.folder if output == "local" else f"{self.folder}.tar"
        try:
            with self._buildkit.serve() as address:
                BuildKitImageBuilder(addresses=address).build(
                    "app:1",
                    BuildContext(str(self.context)),
                    {"outputs": f"type={output},dest={destination}"},
                )
        finally:
            self._check_threads(before)

    def _check_threads(self, before: set[threading.Thread]) -> None:
        left = [each for each in threading.enumerate() if each not in before]
        for thread in left:
            thread.join(10)
        assert not [each.name for each in left if each.is_alive()]


@pytest.fixture
def build(buildkit: FakeBuildKit, tmp_path: Path) -> Build:
    """Build on that daemon."""
    return Build(buildkit, tmp_path)


@pytest.mark.parametrize(
    ("plan", "error", "words"),
    [
        (lambda faults: faults.drop("Solve"), EngineError, ""),
        (lambda faults: faults.drop("DiffCopy"), ImageBuilderError, "no active session"),
        (lambda faults: faults.lose_session(), ImageBuilderError, "no active session"),
        (lambda faults: faults.miss_health(), ImageBuilderError, "no active session"),
        (lambda faults: faults.reset("Solve"), ImageBuilderError, ""),
        (lambda faults: faults.reset("DiffCopy"), ImageBuilderError, "asked for by the test"),
        (lambda faults: faults.go_away("Solve"), EngineError, ""),
        (lambda faults: faults.garble("Solve"), EngineError, ""),
        (lambda faults: faults.malform("Solve"), EngineError, ""),
        (lambda faults: faults.malform("DiffCopy"), ImageBuilderError, ""),
        (lambda faults: faults.fail("DiffCopy", "no", code=7), ImageBuilderError, "no"),
        (lambda faults: faults.break_export(), ImageBuilderError, "asked for by the test"),
        (lambda faults: faults.send_path("../evil"), ImageBuilderError, "evil"),
    ],
    ids=[
        "drop-solve",
        "drop-session",
        "lose-session",
        "miss-health",
        "reset-solve",
        "reset-copy",
        "go-away",
        "garble",
        "malform-answer",
        "malform-packet",
        "fail-copy",
        "break-export",
        "send-path",
    ],
)
def test_a_fault_fails_the_build(
    build: Build, buildkit: FakeBuildKit, plan: Plan, error: type[Exception], words: str
) -> None:
    """The error is one of the project's, everything is closed, and the next build succeeds."""
    fault = plan(buildkit.faults)
    with pytest.raises(error) as caught:
        build()
    assert fault.hits == 1
    assert words in str(caught.value)
    assert not (build.folder.parent / "evil").exists()
    buildkit.faults.clear()
    build()
    assert (build.folder / "a").read_text() == "a" * 200_000


def test_half_an_archive_is_no_result(build: Build, buildkit: FakeBuildKit) -> None:
    """What came of it before the export failed does not stand in the place of the whole."""
    buildkit.faults.break_export(after_bytes=64 * 1024)
    with pytest.raises(BuildError, match="asked for by the test"):
        build("tar")
    assert not Path(f"{build.folder}.tar").exists()


def test_a_path_outside_is_not_sent(build: Build, buildkit: FakeBuildKit) -> None:
    """A daemon that asks for one gets nothing, and the build goes on."""
    fault = buildkit.faults.ask_path("../secret.txt", skip=1)
    build()
    assert (fault.hits, fault.answers) == (1, [])


def test_nobody_is_told_at_another_host(build: Build, buildkit: FakeBuildKit) -> None:
    """Credentials for hosts that the client knows nothing about are nobody's."""
    fault = buildkit.faults.ask_credentials("other.example")
    build()
    assert (fault.hits, fault.answers) == (1, [("", "")])


def test_a_client_waits_for_a_daemon_that_reads_nothing(
    build: Build, buildkit: FakeBuildKit
) -> None:
    """The window of the copy is full meanwhile, and the session is served all the same."""
    fault = buildkit.faults.delay("DiffCopy", 0.3, skip=1)
    build()
    assert fault.hits == 1
    assert (build.folder / "a").read_text() == "a" * 200_000


def test_faults_of_sessions_need_a_name(buildkit: FakeBuildKit, build: Build) -> None:
    """`*` is for the calls of clients alone."""
    buildkit.faults.delay("*", 0.0, times=None)
    named = buildkit.faults.delay("DiffCopy", 0.0, times=None)
    build()
    copies = [call for session in buildkit.sessions for call in session.calls]
    assert named.hits == len(copies) == 3


@pytest.mark.parametrize(
    "plan",
    [
        lambda faults: faults.lose_session(),
        lambda faults: faults.drop("DiffCopy"),
        lambda faults: faults.malform("DiffCopy"),
        lambda faults: faults.reset("Solve"),
        lambda faults: faults.garble("Solve"),
    ],
    ids=["lose-session", "drop-session", "malform-packet", "reset-solve", "garble"],
)
def test_an_engines_buildkit_has_the_same_faults(
    engine: FakeDockerEngine, tmp_path: Path, plan: Plan
) -> None:
    """They are its BuildKit's, and the engine itself goes on."""
    assert engine.buildkit is not None
    engine.buildkit.session_seconds = 0.1
    with closing(FakeDockerClient(engine)) as client:
        build = EngineBuild(LocalImageBuilder(docker_client=client, builder="buildkit"), tmp_path)
        fault = plan(engine.buildkit.faults)
        with pytest.raises(ImageBuilderError):
            build("FROM base:1\nCOPY a /\n", {"a": "1"})
        assert fault.hits == 1
        build("FROM base:1\nCOPY a /\n", {"a": "1"})
    assert engine.image_tree("app:1").read("a") == b"1"
