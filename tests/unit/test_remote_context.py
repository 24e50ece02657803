"""Build contexts that the daemon fetches, or that come as an archive."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import ArchiveContext, BuildContext, LocalImageBuilder, RemoteContext
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.context.remote import RemoteSource
from imagebuilders.events import Event, StepStarted, listen
from imagebuilders.exceptions import BuildContextError, BuildError, BuildOptionsError

GIT = "https://github.com/me/app.git#main:sub"


class _Engine:
    """An engine in memory, with or without BuildKit."""

    def __init__(self) -> None:
        self.buildkit = ScriptedBuildKit()
        self.engine = FakeDockerEngine("28.5", buildkit=self.buildkit)
        self.engine.seed_image("base:1", files={"/bin/sh": ""})
        self.client = FakeDockerClient(self.engine)

    def build(self, context: BuildContext, setting: str = "auto", **options: object) -> None:
        builder = LocalImageBuilder(docker_client=self.client, builder=setting)
        builder.build("app:1", context, options)

    @property
    def attributes(self) -> dict[str, str]:
        """What the frontend was told last."""
        return dict(self.buildkit.requests[-1].FrontendAttrs)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Engine]:
    """Give an engine; scripts must not have failed at the end."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    engine = _Engine()
    yield engine
    engine.client.close()
    engine.buildkit.check()


def _tar(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "address",
    [
        GIT,
        "http://example.com/Dockerfile",
        "git://git.example.com/repo",
        "ssh://git@example.com/repo.git",
        "git@github.com:me/app.git#v1",
    ],
)
def test_addresses_that_a_daemon_can_fetch(address: str) -> None:
    """By git, or by HTTP; they are passed on as they are."""
    assert RemoteContext(address).address == address


@pytest.mark.parametrize(
    ("address", "words"),
    [("app", "begins with https"), ("github.com/me/app", "Write https://github.com/me/app.git")],
)
def test_what_is_no_address(address: str, words: str) -> None:
    """It may be a folder that is not there, or half an address."""
    with pytest.raises(BuildContextError, match=words):
        RemoteContext(address)


def test_the_daemon_fetches_the_context(engine: _Engine) -> None:
    """It is told the address and the Dockerfile's name; nothing is offered to be copied."""

    def script(build: ScriptedBuild) -> dict[str, str]:
        for folder in ("context", "dockerfile"):
            with pytest.raises(CallError):
                build.session.copy(folder)
        return dict(build.export())

    engine.buildkit.script = script
    engine.build(RemoteContext(GIT), dockerfile="sub/Alt.Dockerfile")
    assert engine.attributes["context"] == GIT
    assert engine.attributes["filename"] == "sub/Alt.Dockerfile"
    assert "dockerfilekey" not in engine.attributes


def test_a_query_of_git_needs_a_frontend_that_knows_it(engine: _Engine) -> None:
    """So the frontend is asked; what named contexts need is asked beside it."""
    engine.build(RemoteContext("https://github.com/me/app.git?branch=main"))
    assert engine.attributes["frontend.caps"] == "moby.buildkit.frontend.gitquerystring"
    engine.build(
        RemoteContext("https://github.com/me/app.git?branch=main"),
        build_contexts={"a": "docker-image://b"},
    )
    assert engine.attributes["frontend.caps"].split(",") == [
        "moby.buildkit.frontend.contexts+forward",
        "moby.buildkit.frontend.gitquerystring",
    ]


@pytest.mark.parametrize("is_added", [True, False])
def test_a_dockerfile_from_elsewhere(engine: _Engine, tmp_path: Path, is_added: bool) -> None:
    """It goes beside the context: added, or by its absolute path."""
    sent: list[bytes | None] = []

    def script(build: ScriptedBuild) -> dict[str, str]:
        sent.append(build.session.copy("dockerfile")["Dockerfile"].content)
        return dict(build.export())

    engine.buildkit.script = script
    context = RemoteContext(GIT)
    text = "FROM base:1\n"
    name = None
    if is_added:
        context.add_file(text, "Dockerfile")
    else:
        name = str(tmp_path / "my.Dockerfile")
        Path(name).write_text(text)
    engine.build(context, dockerfile=name)
    assert sent == [text.encode()]
    assert engine.attributes["dockerfilekey"] == "dockerfile"
    assert engine.attributes["filename"] == "Dockerfile"
    with pytest.raises(BuildOptionsError, match="needs BuildKit"):
        engine.build(
            context, "classic", dockerfile=None if is_added else str(tmp_path / "my.Dockerfile")
        )


def test_ssh_needs_an_agent(engine: _Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default one, unless it is given; without any it is told before the build."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(BuildOptionsError, match="SSH_AUTH_SOCK is not set"):
        engine.build(RemoteContext("git@github.com:me/app.git"))
    assert engine.buildkit.requests == []


def test_a_password_in_an_address_is_not_shown(engine: _Engine) -> None:
    """Neither in events nor in a value's `repr`."""
    told: list[Event] = []
    address = "https://me:s3cr%40et@example.com/app.git"

    def script(build: ScriptedBuild) -> dict[str, str]:
        build.step("[internal] load git source s3cr@et")
        return dict(build.export())

    engine.buildkit.script = script
    with listen(told.append):
        engine.build(RemoteContext(address))
    assert any(isinstance(event, StepStarted) for event in told)
    assert "s3cr" not in repr(told)
    assert "s3cr" not in repr(RemoteSource(address))
    assert engine.attributes["context"] == address


@pytest.mark.parametrize("is_file", [True, False])
def test_an_archive_is_sent_as_it_is(engine: _Engine, is_file: bool) -> None:
    """The daemon pulls it once, by the address that it is told."""
    archive = _tar(Dockerfile="FROM base:1\n")
    pulled: list[bytes] = []

    def script(build: ScriptedBuild) -> dict[str, str]:
        pulled.append(build.session.pull(build.request.FrontendAttrs["context"]))
        return dict(build.export())

    engine.buildkit.script = script
    engine.build(ArchiveContext(io.BytesIO(archive) if is_file else [archive]))
    assert pulled == [archive]
    assert engine.attributes["context"].startswith("http://buildkit-session/")


def test_an_archive_for_the_classic_builder(engine: _Engine) -> None:
    """It is the request's body."""
    engine.build(ArchiveContext([_tar(Dockerfile="FROM base:1\nRUN make\n")]), "classic")
    (image,) = [image for image in engine.client.images.list() if "app:1" in image.tags]
    assert image.tags == ["app:1"]


def test_an_address_for_the_classic_builder(engine: _Engine) -> None:
    """The engine fetches it: it is told the address and the Dockerfile's name."""
    with pytest.raises(BuildError):  # the double fetches nothing
        engine.build(RemoteContext(GIT), "classic", dockerfile="sub/Dockerfile")
    (request,) = [each for each in engine.engine.requests if each.path.endswith("/build")]
    assert dict(request.query)["remote"] == [GIT]


def test_nothing_but_a_build_can_be_made_of_it() -> None:
    """Its files are not known here."""
    context = RemoteContext(GIT)
    for ask in (context.digest, context.entries, context.snapshot, context.upload_snapshot):
        with pytest.raises(BuildContextError, match="not known here"):
            ask()
    with pytest.raises(BuildContextError, match="not known here"):
        list(context.iter_archive())
    snapshot = context.build_snapshot()
    for read in (snapshot.digest, snapshot.content_times, snapshot.iter_archive):
        with pytest.raises(BuildContextError, match="not known here"):
            read()
