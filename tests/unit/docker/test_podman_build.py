"""Builds by an engine that is Podman."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from imagebuilders import BuildContext, DockerBuildOptions, LocalImageBuilder
from imagebuilders.auth.keychain import Keychain
from imagebuilders.build_options.job import BuildJob
from imagebuilders.buildkit.builder_choice import BuilderSetting
from imagebuilders.connections.engine_version import EngineVersion
from imagebuilders.docker.podman_build import podman_request
from imagebuilders.events import Event, Notice, StepOutput, listen
from imagebuilders.exceptions import BuildError, BuildOptionsError

SECRET = "correct-horse-battery"
ID = "sha256:" + "ab" * 32
VERSION = {
    "ApiVersion": "1.44",
    "Version": "5.8.6",
    "Os": "linux",
    "Arch": "amd64",
    "Components": [{"Name": "Podman Engine"}],
}


@pytest.fixture(autouse=True)
def docker_config(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep the user's own Docker configuration out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker-config")))


class _Podman:
    """An engine that says that it is Podman, and answers a build as Podman would."""

    def __init__(self) -> None:
        self.engine = FakeDockerEngine()
        self.client = FakeDockerClient(self.engine)
        self.engine.faults.answer("GET /version", json.dumps(VERSION).encode(), times=None)

    def answer(self, *printed: str, error: str = "") -> None:
        texts = ["STEP 1/2: FROM a\n", "STEP 2/2: RUN make\n", *printed]
        messages: list[Mapping[str, object]] = [{"stream": text} for text in texts]
        if error:
            messages.append({"error": error, "errorDetail": {"message": error}})
        else:
            messages += [
                {"stream": "COMMIT app:1\n"},
                {"stream": "--> abababababab\n"},
                {"stream": f"{'ab' * 32}\n"},
                {"aux": {"ID": ID}},
                {"stream": "Successfully built abababababab\n"},
            ]
        self.engine.faults.answer("POST /build", messages)

    def build(
        self, options: Mapping[str, object] | None = None, builder: BuilderSetting = "auto"
    ) -> list[Event]:
        context = BuildContext()
        context.add_file("FROM a\nRUN make\n", "Dockerfile")
        events: list[Event] = []
        with listen(events.append):
            LocalImageBuilder(docker_client=self.client, builder=builder).build(
                "app:1", context, options
            )
        return events


@pytest.fixture
def podman() -> Iterator[_Podman]:
    """Give an engine that is Podman."""
    podman = _Podman()
    yield podman
    podman.client.close()


def _job(options: Mapping[str, object], dockerfile: str = "FROM a\n") -> BuildJob:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    chosen = DockerBuildOptions.from_any(options)
    return BuildJob(context.build_snapshot(None), chosen, ("app:1",), Keychain())


def test_podman_builds_and_a_notice_says_so(podman: _Podman) -> None:
    """It is not asked for BuildKit, and the build is Podman's own."""
    podman.answer("made\n")
    events = podman.build()
    assert "/grpc" not in [request.path for request in podman.engine.requests]
    assert [event.line for event in events if isinstance(event, StepOutput) and event.number] == [
        "made"
    ]
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert notice.message == "Built with Podman's own builder: Podman has no BuildKit."


def test_who_asked_for_a_classic_build_needs_no_notice(podman: _Podman) -> None:
    """The setting `classic` says it already."""
    podman.answer()
    assert not [event for event in podman.build(builder="classic") if isinstance(event, Notice)]


def test_a_secret_that_is_printed_is_shown_nowhere(podman: _Podman) -> None:
    """Neither in an event nor in the error, its output and its log."""
    secrets = {"secrets": [{"id": "token", "get": SECRET.encode}]}
    podman.answer(SECRET[:7], f"{SECRET[7:]} is it\n")
    assert SECRET not in repr(podman.build(secrets))
    podman.answer(f"{SECRET}\n", error=f"building failed over {SECRET}: exit status 3")
    with pytest.raises(BuildError) as caught:
        podman.build(secrets)
    assert caught.value.exit_code == 3
    assert list(caught.value.output) == ["****"]
    assert SECRET not in repr((str(caught.value), caught.value.log))


def test_a_secret_goes_into_the_archive_under_a_name_of_its_own() -> None:
    """Nobody can guess the name, and no two builds have the same."""
    version = EngineVersion.from_answer(VERSION)
    assert version is not None
    names = set()
    for _ in range(2):
        request = podman_request(_job({"secrets": [{"id": "t", "get": SECRET.encode}]}), version)
        (entry,) = request.entries
        assert (entry.source, entry.mode) == (SECRET.encode(), 0o600)
        assert re.fullmatch(r"\.imagebuilders-secret-[0-9a-f]{32}", entry.path)
        assert ("secrets", json.dumps([f"id=t,src={entry.path}"])) in request.query("Dockerfile")
        assert SECRET not in repr(request)
        names.add(entry.path)
    assert len(names) == 2


def test_what_podman_does_not_take_is_refused_before_it_is_sent(podman: _Podman) -> None:
    """The engine hears of no build."""
    with pytest.raises(BuildOptionsError, match=r"Podman Engine 5\.8\.6 .* does not take it"):
        podman.build({"ssh": ["default=/agent"]})
    assert "/build" not in [request.path for request in podman.engine.requests]


def test_here_documents_are_refused_where_podman_does_not_read_them() -> None:
    """It would run an empty command in place of the first line; the lines are named."""
    older = EngineVersion.from_answer({**VERSION, "Version": "4.7.2"})
    newer = EngineVersion.from_answer({**VERSION, "Version": "4.8.0"})
    assert older is not None
    assert newer is not None
    job = _job({}, "FROM a\nRUN <<EOF\necho\nEOF\nRUN cat <<EOF\n")
    with pytest.raises(BuildError, match=r"\(RUN <<EOF\) in line 2, which Podman Engine 4\.7"):
        podman_request(job, older)
    podman_request(job, newer)
    podman_request(_job({}), older)


@pytest.mark.parametrize(
    ("version", "release"), [("5.8.6", (5, 8)), ("4.3.1-dev", (4, 3)), ("unknown", (0, 0))]
)
def test_the_release_of_podman(version: str, release: tuple[int, int]) -> None:
    """It is the version's first two numbers; an unknown one counts as old."""
    found = EngineVersion.from_answer({**VERSION, "Version": version})
    assert found is not None
    assert found.is_podman
    assert found.release == release
