"""Builds of images without a name."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fakes import (
    FakeBuildKit,
    FakeDockerClient,
    FakeDockerEngine,
    FakeRegistry,
    ScriptedBuildKit,
)
from fakes.buildkit.script import ScriptedBuild
from imagebuilders import (
    AWSImageBuilder,
    BuildContext,
    BuildKitImageBuilder,
    DaemonlessImageBuilder,
    DefaultContainerRegistry,
    LocalImageBuilder,
)
from imagebuilders.events import BuildFinished, BuildStarted, Event, ImageBuilt, listen
from imagebuilders.exceptions import (
    BuildContextError,
    BuildError,
    ConfigurationError,
    DependencyFailedError,
    ImageBuilderError,
    ImageNameError,
)
from imagebuilders.many_builds import BuildTask
from imagebuilders.oci.layout import ImageLayout


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own configuration and caches out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def engine() -> FakeDockerEngine:
    """An engine."""
    return FakeDockerEngine()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """Its client."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


@pytest.fixture
def daemon() -> Iterator[BuildKitImageBuilder]:
    """A builder with a BuildKit daemon."""
    with FakeBuildKit().serve() as address:
        yield BuildKitImageBuilder(addresses=address)


def _context(dockerfile: str = "FROM scratch\nCOPY a /a\n") -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    context.add_file("a", "a")
    return context


def _digest_in(archive: Path) -> str:
    with tarfile.open(archive) as opened:
        member = opened.extractfile("index.json")
        assert member is not None
        return str(json.load(member)["manifests"][0]["digest"])


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_an_engine_has_it_by_its_id(
    engine: FakeDockerEngine, client: FakeDockerClient, builder: str
) -> None:
    """The ID is the result, and what events end with; they have no name."""
    told: list[Event] = []
    with listen(told.append):
        built = LocalImageBuilder(docker_client=client, builder=builder).build(None, _context())
    image = engine.image(built)
    assert (image.id, client.images.get(built).tags) == (built, [])
    assert [each.image_name for each in told if isinstance(each, BuildStarted)] == [""]
    assert ImageBuilt("", built) in told
    (finished,) = (each for each in told if isinstance(each, BuildFinished))
    assert (finished.image_name, finished.digest) == ("", built)
    assert finished.size


def test_further_names_are_the_images(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """Where only the option `tags` has some."""
    built = LocalImageBuilder(docker_client=client).build(None, _context(), {"tags": ["b:1"]})
    assert engine.image("b:1").id == built


def test_the_digest_of_what_an_engine_wrote(tmp_path: Path) -> None:
    """No engine has the image, whose digest its BuildKit tells."""
    digest = "sha256:" + "d" * 64

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        build.step("[1/1] COPY a /a")
        return {"containerimage.digest": digest}

    buildkit = ScriptedBuildKit(script, containerd_store=True)
    client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=buildkit))
    options = {"outputs": f"type=oci,dest={tmp_path / 'app.tar'}"}
    assert LocalImageBuilder(docker_client=client).build(None, _context(), options) == digest
    client.close()
    buildkit.check()


def test_the_digest_of_what_a_daemon_wrote(daemon: BuildKitImageBuilder, tmp_path: Path) -> None:
    """Into an archive or an image layout, where it stands without a name."""
    output, layout = tmp_path / "app.tar", tmp_path / "layout"
    built = daemon.build(None, _context(), {"outputs": f"type=oci,dest={output}"})
    assert built == _digest_in(output)
    options = {"outputs": f"type=oci,tar=false,dest={layout}"}
    assert daemon.build(None, _context(), options) == built
    (entry,) = ImageLayout(layout).manifests()
    assert str(entry.digest) == built
    assert not entry.annotations.get("org.opencontainers.image.ref.name")


def test_an_output_names_it(daemon: BuildKitImageBuilder) -> None:
    """As with `docker buildx`; it may be pushed by that name."""
    with FakeRegistry() as registry:
        name = f"{registry.address}/team/app:1"
        built = daemon.build(None, _context(), {"outputs": f"type=image,name={name},push=true"})
        assert registry.manifest("team/app:1").digest == built


def test_a_folder_has_no_digest(daemon: BuildKitImageBuilder, tmp_path: Path) -> None:
    """The result is empty."""
    assert daemon.build(None, _context(), {"outputs": str(tmp_path / "out")}) == ""
    assert (tmp_path / "out" / "a").read_text() == "a"


def test_without_a_daemon_outputs_have_it(tmp_path: Path) -> None:
    """In an archive, in a layout, and with an attestation of something without a name."""
    builder, output, layout = DaemonlessImageBuilder(), tmp_path / "app.tar", tmp_path / "layout"
    built = builder.build(None, _context(), {"outputs": f"type=oci,dest={output}"})
    assert built == _digest_in(output)
    options = {"outputs": f"type=oci,tar=false,dest={layout}", "provenance": "true"}
    attested = builder.build(None, _context(), options)
    assert [str(entry.digest) for entry in ImageLayout(layout).manifests()] == [attested]
    blobs = [path.read_bytes() for path in (layout / "blobs" / "sha256").iterdir()]
    (statement,) = (json.loads(blob) for blob in blobs if b"in-toto.io/Statement" in blob)
    assert [subject["name"] for subject in statement["subject"]] == ["_"]


def test_what_would_be_nowhere_is_refused(daemon: BuildKitImageBuilder) -> None:
    """Without a name, an engine and outputs."""
    with pytest.raises(ImageNameError, match="needs a name, or the option 'outputs'"):
        DaemonlessImageBuilder().build(None, _context())
    with pytest.raises(ConfigurationError, match="or the option 'push' or 'outputs'"):
        daemon.build(None, _context())
    with pytest.raises(ImageNameError, match="needs a name"):
        AWSImageBuilder(project="images").build(None, _context())


@pytest.mark.parametrize(
    "options",
    [{"push": True}, {"outputs": "type=registry"}, {"outputs": "type=image,push=true"}],
)
def test_a_push_needs_a_name(
    client: FakeDockerClient, daemon: BuildKitImageBuilder, options: dict[str, object]
) -> None:
    """It is refused before anything is built, by every builder."""
    for builder in (LocalImageBuilder(docker_client=client), daemon, DaemonlessImageBuilder()):
        with pytest.raises(ImageNameError, match="that is pushed needs a name"):
            builder.build(None, _context("FROM nowhere\n"), options)
        with pytest.raises(ImageNameError, match="that is pushed needs a name"):
            builder.build(
                None, _context(), None, DefaultContainerRegistry(uri="registry.example/team")
            )


def test_errors_call_it_the_image(
    client: FakeDockerClient, daemon: BuildKitImageBuilder, tmp_path: Path
) -> None:
    """A failed step, of every builder."""
    context = _context("FROM scratch\nCOPY nowhere /\n")
    for builder in (
        LocalImageBuilder(docker_client=client, builder="classic"),
        LocalImageBuilder(docker_client=client),
        daemon,
        DaemonlessImageBuilder(),
    ):
        output = f"type=oci,dest={tmp_path / 'never.tar'}"
        options = {} if isinstance(builder, LocalImageBuilder) else {"outputs": output}
        with pytest.raises(BuildError, match=r"^The image was not built"):
            builder.build(None, context, options)


def test_an_empty_name_is_no_name_at_all(client: FakeDockerClient) -> None:
    """It is malformed, as ever."""
    with pytest.raises(ImageNameError, match="malformed"):
        LocalImageBuilder(docker_client=client).build("", _context())


def test_cache_misses_are_explained(client: FakeDockerClient) -> None:
    """The builds of a context without a folder and a name are compared with one another."""
    builder = LocalImageBuilder(docker_client=client)
    for _ in range(2):
        assert builder.build(None, _context(), explain_cache=True).startswith("sha256:")


def test_several_builds(client: FakeDockerClient) -> None:
    """A task without a name is called image, or what it is named for its own sake."""
    tasks = [
        BuildTask(None, _context()),
        BuildTask(None, BuildContext(), name="broken"),
        BuildTask(None, _context(), {"build_contexts": {"base": "target:broken"}}, name="last"),
    ]
    first, broken, last = LocalImageBuilder(docker_client=client).build_many(tasks)
    assert first.task.label == "image"
    assert first.result() == first.image_id
    assert isinstance(broken.error, BuildContextError)
    assert isinstance(last.error, DependencyFailedError)
    assert "last was not built" in str(last.error)
    assert isinstance(last.error, ImageBuilderError)
