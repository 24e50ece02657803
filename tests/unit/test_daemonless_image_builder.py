"""The daemonless builder, whole: what it builds, where that goes, and what it asks for."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeRegistry
from fakes.contracts.image_builder import ImageBuilderContract
from fakes.registry import SeedImage
from imagebuilders import BuildContext, BuildTask, DaemonlessImageBuilder, DefaultContainerRegistry
from imagebuilders.events import Event, LayerProgress, Notice, StepStarted, listen
from imagebuilders.exceptions import (
    BuildContextError,
    BuildError,
    BuildOptionsError,
    ConfigurationError,
    DependencyFailedError,
    PushError,
)
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.remote_context import RemoteContext

_OWN = "buildkit.dockerfile.v0"
_ACCOUNTS = "root:x:0:0::/:/bin/sh\napp:x:7:8::/:/bin/sh\n"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own configuration and caches out of the tests."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def server() -> Iterator[FakeRegistry]:
    """A registry with a base image."""
    with FakeRegistry() as registry:
        registry.seed(
            "base/python:3",
            SeedImage(
                files={"etc/passwd": _ACCOUNTS, "etc/group": "app:x:8:\n", "opt/here/x": "x"},
                env={"LANG": "C"},
            ),
        )
        yield registry


@pytest.fixture
def registry(server: FakeRegistry) -> DefaultContainerRegistry:
    """The registry as a component."""
    return DefaultContainerRegistry(uri=server.address)


@pytest.fixture
def builder() -> DaemonlessImageBuilder:
    """The builder."""
    return DaemonlessImageBuilder()


class TestContract(ImageBuilderContract):
    """The daemonless builder keeps the contract of image builders."""

    @pytest.fixture
    def image_builder(self, builder: DaemonlessImageBuilder) -> DaemonlessImageBuilder:
        """Give the builder."""
        return builder

    @pytest.fixture
    def container_registry(self, registry: DefaultContainerRegistry) -> DefaultContainerRegistry:
        """Give the registry."""
        return registry

    @pytest.fixture(autouse=True)
    def _look_inside(self, server: FakeRegistry) -> None:
        self._server = server

    def digest_in_registry(self, image_name: str) -> str | None:
        """Give the digest that the registry has."""
        return self._server.manifest(image_name).digest


def _context(dockerfile: str, **files: str) -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    for name, content in files.items():
        context.add_file(content, name)
    return context


def _config(server: FakeRegistry, name: str) -> ImageConfig:
    manifest = json.loads(server.manifest(name).content)
    return ImageConfig.parse(server.blob(manifest["config"]["digest"]))


def _paths(server: FakeRegistry, name: str) -> list[list[str]]:
    manifest = json.loads(server.manifest(name).content)
    found = []
    for layer in manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(server.blob(layer["digest"]))) as archive:
            found.append([f"{entry.name}:{entry.uid}" for entry in archive])
    return found


def _requests(server: FakeRegistry) -> list[str]:
    return [f"{request.method} {request.path.partition('?')[0]}" for request in server.requests]


# --- what is built -----------------------------------------------------------------


def test_files_are_added_and_settings_changed(
    server: FakeRegistry, registry: DefaultContainerRegistry, builder: DaemonlessImageBuilder
) -> None:
    """The base's layers come first, then one for each step that makes one."""
    name = f"{server.address}/team/app:1"
    context = _context(
        f"FROM {server.address}/base/python:3\n"
        "COPY --chown=app a /opt/here\nWORKDIR /app\nENV X=1\nCMD exec /app/a\n",
        a="hello",
    )
    builder.build(name, context, None, registry)
    config = _config(server, name)
    assert config.config.env == (
        "LANG=C",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "X=1",
    )
    assert config.config.cmd == ("/bin/sh", "-c", "exec /app/a")
    assert config.config.working_dir == "/app"
    assert [entry.created_by for entry in config.history if entry.comment == _OWN] == [
        "COPY --chown=app a /opt/here # buildkit",
        "WORKDIR /app",
        "ENV X=1",
        'CMD ["/bin/sh" "-c" "exec /app/a"]',
    ]
    assert _paths(server, name)[1:] == [["opt:0", "opt/here:0", "opt/here/a:7"], ["app:0"]]


def test_the_same_context_gives_the_same_digest(
    server: FakeRegistry,
    registry: DefaultContainerRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    builder: DaemonlessImageBuilder,
) -> None:
    """Nothing depends on the time of the build, or on what is remembered of earlier ones."""
    context = _context(f"FROM {server.address}/base/python:3\nCOPY a b /x/\n", a="1", b="2")
    first = builder.build(f"{server.address}/team/app:1", context, None, registry)
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "other"))
    assert builder.build(f"{server.address}/team/app:2", context, None, registry) == first


def test_reproducible_builds_do_not_depend_on_times_of_files(
    server: FakeRegistry,
    registry: DefaultContainerRegistry,
    tmp_path: Path,
    builder: DaemonlessImageBuilder,
) -> None:
    """A fresh checkout gives the same image; without the option, files keep their times."""
    digests: dict[bool, set[str]] = {True: set(), False: set()}
    for number in (1, 2):
        root = tmp_path / f"checkout-{number}"
        root.mkdir()
        (root / "Dockerfile").write_text("FROM scratch\nCOPY a /a\n")
        (root / "a").write_text("a")
        os.utime(root / "a", (number * 1000, number * 1000))
        for wanted, found in digests.items():
            found.add(
                builder.build(
                    f"{server.address}/team/app:1",
                    BuildContext(str(root)),
                    {"reproducible": wanted},
                    registry,
                )
            )
    assert [len(digests[wanted]) for wanted in (True, False)] == [1, 2]


def test_the_time_of_the_image_is_source_date_epoch(
    server: FakeRegistry,
    registry: DefaultContainerRegistry,
    builder: DaemonlessImageBuilder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without it, it is the beginning of 1980: no clock is looked at."""
    name = f"{server.address}/team/app:1"
    context = _context("FROM scratch\nCOPY a /a\n", a="a")
    builder.build(name, context, None, registry)
    assert _config(server, name).created == "1980-01-01T00:00:00Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    builder.build(name, context, None, registry)
    config = _config(server, name)
    assert config.created == "2023-11-14T22:13:20Z"
    assert {entry.created for entry in config.history} == {"2023-11-14T22:13:20Z"}


def test_a_time_that_no_image_can_have(builder: DaemonlessImageBuilder) -> None:
    """It is an error, and none of Python's own."""
    options = {"buildargs": {"SOURCE_DATE_EPOCH": str(2**62)}}
    with pytest.raises(BuildError, match="SOURCE_DATE_EPOCH"):
        builder.build("app:1", _context("FROM scratch\nCOPY a /a\n", a="a"), options)


def test_names_that_are_not_pushed_are_told(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """With a registry alone the first name is pushed; the option `push` pushes all."""
    name, tag = f"{server.address}/team/app:1", f"{server.address}/team/app:latest"
    context = _context("FROM scratch\nCOPY a /a\n", a="a")
    told: list[Event] = []
    with listen(told.append):
        builder.build(name, context, {"tags": [tag]}, registry)
    assert [event.message for event in told if isinstance(event, Notice)] == [
        f"{tag} is not pushed. The option 'push' pushes every name."
    ]
    builder.build(name, context, {"tags": [tag], "push": True})
    assert server.tags("team/app") == ["1", "latest"]


@pytest.mark.parametrize("compression", ["gzip", "zstd", "uncompressed"])
def test_layers_are_compressed_as_wanted(
    server: FakeRegistry, registry: DefaultContainerRegistry, compression: str
) -> None:
    """The media type says how; the uncompressed layer is the same."""
    name = f"{server.address}/team/app:1"
    context = _context("FROM scratch\nCOPY a /a\n", a="a" * 10_000)
    builder = DaemonlessImageBuilder(compression=compression)
    builder.build(name, context, None, registry)
    (layer,) = json.loads(server.manifest(name).content)["layers"]
    ending = {"gzip": "tar+gzip", "zstd": "tar+zstd", "uncompressed": "tar"}[compression]
    assert layer["mediaType"] == f"application/vnd.oci.image.layer.v1.{ending}"
    builder.build(name, context, {"outputs": "type=image,compression=uncompressed"}, registry)
    (plain,) = json.loads(server.manifest(name).content)["layers"]
    assert (
        _config(server, name).diff_ids == (plain["digest"],)
        or str(_config(server, name).diff_ids[0]) == plain["digest"]
    )


def test_steps_are_told(
    server: FakeRegistry, registry: DefaultContainerRegistry, builder: DaemonlessImageBuilder
) -> None:
    """With their stages and numbers, as BuildKit counts them."""
    context = _context(
        "FROM scratch AS files\nCOPY a /a\nFROM scratch\nCOPY --from=files /a /b\n", a="a"
    )
    told: list[Event] = []
    with listen(told.append):
        builder.build(f"{server.address}/team/app:1", context, None, registry)
    steps = [event for event in told if isinstance(event, StepStarted)]
    assert [(step.stage, step.number, step.total, step.instruction) for step in steps] == [
        ("files", 1, 1, "COPY a /a"),
        ("stage-1", 1, 1, "COPY --from=files /a /b"),
    ]


# --- nothing that is not needed moves -------------------------------------------------


def test_linked_files_read_nothing_of_the_base(
    server: FakeRegistry, registry: DefaultContainerRegistry, builder: DaemonlessImageBuilder
) -> None:
    """Manifest and configuration alone; the base's layer is mounted, not copied."""
    context = _context(f"FROM {server.address}/base/python:3\nCOPY --link a /app/\n", a="hello")
    server.forget_requests()
    builder.build(f"{server.address}/team/app:1", context, None, registry)
    layer = json.loads(server.manifest("base/python:3").content)["layers"][0]["digest"]
    assert f"GET /v2/base/python/blobs/{layer}" not in _requests(server)
    mounts = [request for request in server.requests if "mount=" in request.query]
    assert [request.status for request in mounts] == [201]


def test_a_build_without_changes_asks_little_and_sends_nothing(
    server: FakeRegistry, registry: DefaultContainerRegistry, builder: DaemonlessImageBuilder
) -> None:
    """One request tells that the tag stands for the image, which is there then."""
    context = _context(f"FROM {server.address}/base/python:3\nCOPY a /app/\n", a="hello")
    built = builder.build(f"{server.address}/team/app:1", context, None, registry)
    server.forget_requests()
    assert builder.build(f"{server.address}/team/app:1", context, None, registry) == built
    asked = [request.partition(" ")[0] for request in _requests(server)]
    assert asked == ["GET", "GET", "GET", "HEAD"]


def test_the_file_list_of_a_base_is_read_once(
    server: FakeRegistry, registry: DefaultContainerRegistry, builder: DaemonlessImageBuilder
) -> None:
    """Another build upon the same base, and one upon a base with more layers, do not read it."""
    base = json.loads(server.manifest("base/python:3").content)["layers"][0]["digest"]
    told: list[Event] = []
    with listen(told.append):
        for number, content in enumerate(("one", "two")):
            context = _context(
                f"FROM {server.address}/base/python:3\nCOPY a /opt/here\n", a=content
            )
            builder.build(f"{server.address}/team/app:{number}", context, None, registry)
        context = _context(f"FROM {server.address}/team/app:1\nCOPY a /opt/here\n", a="three")
        builder.build(f"{server.address}/team/app:3", context, None, registry)
    read = [
        event.layer
        for event in told
        if isinstance(event, LayerProgress) and event.status == "Reading file list"
    ]
    assert read.count(base.partition(":")[2][:12]) == 1
    assert len(read) == 2


def test_file_lists_may_be_shared_by_machines(
    server: FakeRegistry,
    registry: DefaultContainerRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What one machine has read, another takes from the common folder."""
    builder = DaemonlessImageBuilder(file_list_cache=tmp_path / "shared")
    context = _context(f"FROM {server.address}/base/python:3\nCOPY --chown=app a /a\n", a="a")
    first = builder.build(f"{server.address}/team/app:1", context, None, registry)
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "another machine"))
    server.forget_requests()
    assert builder.build(f"{server.address}/team/app:2", context, None, registry) == first
    layer = json.loads(server.manifest("base/python:3").content)["layers"][0]["digest"]
    assert f"GET /v2/base/python/blobs/{layer}" not in _requests(server)


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x1f\x8b\x08\0\0\0\0\0\0\xff"])
def test_a_damaged_file_list_is_read_anew(
    server: FakeRegistry,
    registry: DefaultContainerRegistry,
    tmp_path: Path,
    damage: bytes,
    builder: DaemonlessImageBuilder,
) -> None:
    """It is no error, and the image is the same."""
    context = _context(f"FROM {server.address}/base/python:3\nCOPY --chown=app a /a\n", a="a")
    first = builder.build(f"{server.address}/team/app:1", context, None, registry)
    (kept,) = (tmp_path / "cache" / "file-lists").iterdir()
    kept.write_bytes(damage)
    assert builder.build(f"{server.address}/team/app:1", context, None, registry) == first


def test_bases_may_be_taken_as_unknown(
    server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """`base_files='link'` reads nothing of the base, makes no WORKDIR, and says so once."""
    name = f"{server.address}/team/app:1"
    context = _context(
        f"FROM {server.address}/base/python:3\nWORKDIR /work\nCOPY --chmod=700 a ./\n", a="hello"
    )
    told: list[Event] = []
    with listen(told.append):
        DaemonlessImageBuilder(base_files="link").build(name, context, None, registry)
    assert [
        event
        for event in told
        if isinstance(event, LayerProgress) and event.status == "Reading file list"
    ] == []
    assert (
        sum("base_files='link'" in event.message for event in told if isinstance(event, Notice))
        == 1
    )
    assert _paths(server, name)[1:] == [["work:0", "work/a:0"]]
    own = [entry for entry in _config(server, name).history if entry.comment == _OWN]
    assert [entry.empty_layer for entry in own] == [True, False]


def test_layers_of_other_registries_are_passed_on(
    server: FakeRegistry, builder: DaemonlessImageBuilder
) -> None:
    """They are streamed from one to the other."""
    with FakeRegistry() as other:
        name = f"{other.address}/team/app:1"
        context = _context(f"FROM {server.address}/base/python:3\nCOPY --link a /a\n", a="a")
        builder.build(name, context, {"push": True})
        layer = json.loads(server.manifest("base/python:3").content)["layers"][0]["digest"]
        assert other.blob(layer) == server.blob(layer)
        assert other.tags("team/app") == ["1"]


# --- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("dockerfile", "lines"),
    [
        ("FROM scratch\nCOPY a /a\nRUN true\n", ["RUN in line 3"]),
        (
            "FROM scratch AS b\nRUN one\nRUN two\nFROM b\nCOPY a /a\n",
            ["RUN in line 2", "RUN in line 3"],
        ),
        ("FROM scratch\nADD https://example.com/a.git /x\n", ["ADD of a git repository in line 2"]),
    ],
)
def test_what_needs_a_daemon_is_refused_with_its_lines(
    server: FakeRegistry,
    registry: DefaultContainerRegistry,
    builder: DaemonlessImageBuilder,
    tmp_path: Path,
    dockerfile: str,
    lines: Sequence[str],
) -> None:
    """Before a file of the context is read, or anything is sent; builders that could are named."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "Dockerfile").write_text(dockerfile)
    (root / "a").write_text("a")
    (root / "a").chmod(0)
    with pytest.raises(BuildError) as caught:
        builder.build(f"{server.address}/team/app:1", BuildContext(str(root)), None, registry)
    for line in lines:
        assert line in str(caught.value)
    assert "flavor 'buildkit'" in str(caught.value)
    assert server.requests == []


def test_a_run_of_a_stage_that_is_not_needed_does_not_matter(
    server: FakeRegistry, registry: DefaultContainerRegistry, builder: DaemonlessImageBuilder
) -> None:
    """Only what the target needs is looked at."""
    context = _context("FROM scratch AS tests\nRUN test\nFROM scratch\nCOPY a /a\n", a="a")
    assert builder.build(f"{server.address}/team/app:1", context, None, registry)


def test_a_run_of_the_bases_trigger_is_refused(
    server: FakeRegistry, registry: DefaultContainerRegistry, builder: DaemonlessImageBuilder
) -> None:
    """It is told that it comes from there."""
    builder.build(
        f"{server.address}/team/base:1",
        _context("FROM scratch\nCOPY a /a\nONBUILD RUN true\n", a="a"),
        None,
        registry,
    )
    context = _context(f"FROM {server.address}/team/base:1\n", a="a")
    with pytest.raises(BuildError, match="RUN by an ONBUILD of the base in line 1"):
        builder.build(f"{server.address}/team/app:1", context, None, registry)


@pytest.mark.parametrize(
    "options",
    [
        {"load": True},
        {"cache_to": "type=inline"},
        {"outputs": "type=local,dest=x"},
        {"outputs": "type=docker"},
        {"outputs": "type=image,oci-mediatypes=false"},
        {"outputs": ["type=oci,dest=-", "type=docker,dest=-"]},
        {"build_contexts": {"x": "https://example.com/x.git"}},
        {"squash": True},
    ],
    ids=str,
)
def test_options_that_need_a_daemon_are_refused(
    builder: DaemonlessImageBuilder, options: dict[str, object]
) -> None:
    """Before the context is read."""
    with pytest.raises(BuildOptionsError):
        builder.build("app", BuildContext("/does/not/exist"), options)


def test_a_context_that_is_not_here_is_refused(builder: DaemonlessImageBuilder) -> None:
    """It is for a daemon."""
    with pytest.raises(BuildContextError, match="Without a daemon"):
        builder.build("app", RemoteContext("https://example.com/app.git"))


# --- several builds ----------------------------------------------------------------------


def _pair(
    base: dict[str, object] | None, registry: DefaultContainerRegistry | None, prefix: str = ""
) -> list[BuildTask]:
    below = _context("FROM scratch\nENV FROM=below\nCOPY a /a\n", a="a")
    above = _context("FROM base\nCOPY b /b\n", b="b")
    contexts = {"build_contexts": {"base": "target:below"}}
    return [
        BuildTask(f"{prefix}team/above:1", above, contexts, registry, name="above"),
        BuildTask(f"{prefix}team/below:1", below, base, registry, name="below"),
    ]


def test_a_context_may_be_another_build(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """It is built first, and its layers are those of the registry."""
    results = builder.build_many(_pair(None, registry, f"{server.address}/"))
    above, below = (json.loads(server.manifest(each.result()).content) for each in results)
    assert above["layers"][:1] == below["layers"]
    assert server.image(results[0].result()).env["FROM"] == "below"


@pytest.mark.parametrize("place", ["cache", "folder"])
def test_a_context_may_be_another_build_that_is_pushed_nowhere(
    builder: DaemonlessImageBuilder, tmp_path: Path, place: str
) -> None:
    """Its image is taken from the image layout where it was left."""
    folder = tmp_path / "cache" / "images" / "docker.io" / "team" / "below"
    options: dict[str, object] | None = None
    if place == "folder":
        folder = tmp_path / "layout"
        options = {"outputs": f"type=oci,tar=false,dest={folder}"}
    for result in builder.build_many(_pair(options, None)):
        assert result.result()
    assert ImageLayout(folder).find("1") is not None
    above = ImageLayout(tmp_path / "cache" / "images" / "docker.io" / "team" / "above").find("1")
    assert above is not None


def test_a_context_cannot_be_a_build_that_is_in_an_archive_alone(
    builder: DaemonlessImageBuilder, tmp_path: Path
) -> None:
    """The error says where else it could go."""
    tasks = _pair({"outputs": f"type=oci,dest={tmp_path / 'image.tar'}"}, None)
    above, below = builder.build_many(tasks)
    assert below.error is None
    with pytest.raises(BuildOptionsError, match="tar=false"):
        above.result()


def test_a_build_whose_context_failed_is_not_begun(builder: DaemonlessImageBuilder) -> None:
    """Its error names the one that failed."""
    tasks = _pair({"target": "none"}, None)
    above, _ = builder.build_many(tasks)
    with pytest.raises(DependencyFailedError, match="below"):
        above.result()


# --- where it goes ---------------------------------------------------------------------


def test_without_a_place_an_image_layout_is_left_in_the_cache(
    builder: DaemonlessImageBuilder, tmp_path: Path
) -> None:
    """A notice says where it is."""
    told: list[Event] = []
    with listen(told.append):
        built = builder.build("team/app:2", _context("FROM scratch\nCOPY a /a\n", a="a"))
    assert built == "team/app:2"
    folder = tmp_path / "cache" / "images" / "docker.io" / "team" / "app"
    assert ImageLayout(folder).find("2") is not None
    notices = [event.message for event in told if isinstance(event, Notice)]
    assert notices == [f"team/app:2 is in the image layout {folder}."]


def test_what_no_tag_leads_to_does_not_stay(
    builder: DaemonlessImageBuilder, tmp_path: Path
) -> None:
    """Old blobs of earlier builds are removed from the cache; young ones may be needed."""
    blobs = tmp_path / "cache" / "images" / "docker.io" / "library" / "app" / "blobs" / "sha256"
    builder.build("app:1", _context("FROM scratch\nCOPY a /a\n", a="one"))
    first = set(blobs.iterdir())
    builder.build("app:1", _context("FROM scratch\nCOPY a /a\n", a="two"))
    assert first < set(blobs.iterdir())
    for blob in first:
        os.utime(blob, (0, 0))
    builder.build("app:1", _context("FROM scratch\nCOPY a /a\n", a="three"))
    assert first & set(blobs.iterdir()) == set()
    assert len(list(blobs.iterdir())) == 2 * len(first)


def test_without_a_home_there_is_no_place(
    builder: DaemonlessImageBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to give."""
    monkeypatch.setattr("imagebuilders.daemonless.run.own_cache_folder", lambda: None)
    with pytest.raises(ConfigurationError, match="outputs"):
        builder.build("app", _context("FROM scratch\nCOPY a /a\n", a="a"))


def test_archives_for_docker_load(builder: DaemonlessImageBuilder, tmp_path: Path) -> None:
    """The tar is an image layout with the list that `docker load` reads."""
    dest = tmp_path / "app.tar"
    builder.build(
        "team/app:2",
        _context("FROM scratch\nCOPY a /a\n", a="a"),
        {"outputs": f"type=docker,dest={dest}", "tags": ["team/app:3"]},
    )
    with tarfile.open(dest) as archive:
        names = archive.getnames()
        stored = archive.extractfile("manifest.json")
        assert stored is not None
        (listed,) = json.loads(stored.read())
    assert listed["RepoTags"] == ["team/app:2", "team/app:3"]
    assert {listed["Config"], *listed["Layers"], "index.json", "oci-layout"} <= set(names)


def test_image_layouts_as_folder_and_archive(
    builder: DaemonlessImageBuilder, server: FakeRegistry, tmp_path: Path
) -> None:
    """Both have the base's layers; a layout can be the base of another build."""
    folder = tmp_path / "layout"
    outputs = [f"type=oci,tar=false,dest={folder}", f"type=oci,dest={tmp_path / 'app.tar'}"]
    context = _context(f"FROM {server.address}/base/python:3\nCOPY a /a\n", a="a")
    builder.build("team/app:2", context, {"outputs": outputs})
    server.seed("from/folder:1", folder)
    server.seed("from/archive:1", tmp_path / "app.tar")
    assert server.manifest("from/folder:1").digest == server.manifest("from/archive:1").digest
    above = _context("FROM below\nCOPY --chown=app a /c\n", a="a")
    options = {"build_contexts": {"below": f"oci-layout://{folder}:2"}, "push": True}
    builder.build(f"{server.address}/team/above:1", above, options)
    assert _paths(server, "team/above:1")[-1] == ["c:7"]


def test_result_files(builder: DaemonlessImageBuilder, tmp_path: Path) -> None:
    """They say the image's ID and digest."""
    options = {"iidfile": str(tmp_path / "iid"), "metadata_file": str(tmp_path / "metadata")}
    builder.build("team/app:2", _context("FROM scratch\nCOPY a /a\n", a="a"), options)
    said = json.loads((tmp_path / "metadata").read_text())
    assert said["containerimage.config.digest"] == (tmp_path / "iid").read_text()
    assert said["containerimage.digest"].startswith("sha256:")


def test_several_platforms_make_an_index(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """One manifest for each; what is alike is stored once."""
    name = f"{server.address}/team/app:1"
    context = _context("FROM scratch\nARG TARGETARCH\nENV ARCH=$TARGETARCH\nCOPY a /a\n", a="a")
    builder.build(name, context, {"platform": "linux/amd64,linux/arm64"}, registry)
    index = json.loads(server.manifest(name).content)
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    manifests = [
        json.loads(server.manifest(f"team/app@{entry['digest']}").content)
        for entry in index["manifests"]
    ]
    assert manifests[0]["layers"] == manifests[1]["layers"]
    assert manifests[0]["config"] != manifests[1]["config"]


def test_each_platform_takes_its_own_base(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """The new layer is the same for all, is made once, and stands on the base's own layers."""
    name = f"{server.address}/team/base:1"
    arch = _context("FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /arch\n", amd64="a", arm64="b")
    both = {"platform": ["linux/amd64", "linux/arm64"]}
    builder.build(name, arch, both, registry)
    above = _context(f"FROM {name}\nCOPY --link x /x/\n", x="x")
    builder.build(f"{server.address}/team/app:1", above, both, registry)
    images = _manifests(server, "team/app:1")
    assert [len(image["layers"]) for image in images] == [2, 2]
    assert images[0]["layers"][1] == images[1]["layers"][1]
    assert images[0]["layers"][0] != images[1]["layers"][0]


def _manifests(server: FakeRegistry, name: str) -> list[dict[str, Any]]:
    index = json.loads(server.manifest(name).content)
    repository = name.rpartition(":")[0]
    return [
        json.loads(server.manifest(f"{repository}@{entry['digest']}").content)
        for entry in index["manifests"]
    ]


def test_annotations_are_put_where_they_belong(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """On manifests, on one platform's, on the index, and on what the index says."""
    options = {
        "platform": "linux/amd64,linux/arm64",
        "annotations": [
            "a=1",
            "manifest[linux/arm64]:b=2",
            "index:c=3",
            "manifest-descriptor:d=4",
        ],
        "outputs": "type=image,annotation.e=5",
    }
    context = _context("FROM scratch\nCOPY a /a\n", a="a")
    builder.build(f"{server.address}/team/app:1", context, options, registry)
    index = json.loads(server.manifest("team/app:1").content)
    assert index["annotations"] == {"c": "3"}
    assert [entry["annotations"] for entry in index["manifests"]] == [{"d": "4"}] * 2
    assert [image["annotations"] for image in _manifests(server, "team/app:1")] == [
        {"a": "1", "e": "5"},
        {"a": "1", "b": "2", "e": "5"},
    ]


def test_an_index_annotation_needs_an_index(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """An image for one platform has none."""
    context = _context("FROM scratch\nCOPY a /a\n", a="a")
    with pytest.raises(BuildOptionsError, match="no index"):
        builder.build(
            f"{server.address}/team/app:1", context, {"annotations": "index:a=1"}, registry
        )


def test_attestations_stand_beside_the_image(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """As BuildKit stores them: provenance with the base's digest, and what was added."""
    metadata = "Name: Some_Package\nVersion: 1.2\n"
    context = _context(f"FROM {server.address}/base/python:3\nCOPY --link . /app/\n", a="hello")
    context.add_file(metadata, "some_package-1.2.dist-info/METADATA")
    options = {
        "provenance": "mode=max",
        "sbom": True,
        "buildargs": {"KEY": "value"},
        "platform": "linux/amd64",
    }
    name = f"{server.address}/team/app:1"
    first = builder.build(name, context, options, registry)
    assert builder.build(name, context, options, registry) == first
    index = json.loads(server.manifest(name).content)
    image, attestation = index["manifests"]
    assert attestation["platform"] == {"architecture": "unknown", "os": "unknown"}
    assert attestation["annotations"] == {
        "vnd.docker.reference.digest": image["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    _, manifest = _manifests(server, "team/app:1")
    said = {}
    for layer in manifest["layers"]:
        assert layer["mediaType"] == "application/vnd.in-toto+json"
        statement = json.loads(server.blob(layer["digest"]))
        assert statement["subject"][0]["digest"]["sha256"] == image["digest"].partition(":")[2]
        said[layer["annotations"]["in-toto.io/predicate-type"]] = statement["predicate"]
    built = said["https://slsa.dev/provenance/v1"]["buildDefinition"]
    (base,) = built["resolvedDependencies"]
    assert base["uri"].startswith(f"pkg:docker/{server.address.replace(':', '%3A')}/base/python@3")
    assert base["digest"]["sha256"] == server.manifest("base/python:3").digest.partition(":")[2]
    assert built["externalParameters"]["request"]["args"]["build-args"] == {"KEY": "value"}
    bill = said["https://spdx.dev/Document"]
    assert [package["externalRefs"][0]["referenceLocator"] for package in bill["packages"]] == [
        "pkg:pypi/some-package@1.2"
    ]
    assert "/app/a" in [file["fileName"] for file in bill["files"]]


def test_values_of_build_arguments_are_not_attested_unasked(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """They may be secrets."""
    context = _context("FROM scratch\nCOPY a /a\n", a="a")
    options = {"provenance": True, "buildargs": {"TOKEN": "s3cr3t"}}
    builder.build(f"{server.address}/team/app:1", context, options, registry)
    stored = [server.manifest("team/app:1").content]
    for manifest in _manifests(server, "team/app:1"):
        stored += [server.blob(layer["digest"]) for layer in manifest["layers"]]
    assert not any(b"s3cr3t" in content for content in stored)


# --- what goes wrong ---------------------------------------------------------------------


def test_a_base_that_is_not_there(
    builder: DaemonlessImageBuilder, server: FakeRegistry, registry: DefaultContainerRegistry
) -> None:
    """The line of the FROM is shown."""
    context = _context(f"FROM {server.address}/no/such:1\n")
    with pytest.raises(BuildError, match="not found") as caught:
        builder.build(f"{server.address}/team/app:1", context, None, registry)
    assert caught.value.instruction == f"FROM {server.address}/no/such:1"
    assert caught.value.excerpt is not None


def test_a_registry_that_does_not_take_the_image(
    builder: DaemonlessImageBuilder, registry: DefaultContainerRegistry, server: FakeRegistry
) -> None:
    """It is a `PushError`, and there is no tag."""
    server.read_only = True
    with pytest.raises(PushError) as caught:
        builder.build(
            f"{server.address}/team/app:1",
            _context("FROM scratch\nCOPY a /a\n", a="a"),
            None,
            registry,
        )
    assert caught.value.image_name == f"{server.address}/team/app:1"
    assert "team/app" not in server.repositories


def test_a_changed_layer_record_is_noticed(
    builder: DaemonlessImageBuilder,
    registry: DefaultContainerRegistry,
    server: FakeRegistry,
    tmp_path: Path,
) -> None:
    """A record that names another layer is forgotten, and nothing is pushed by it."""
    context = _context("FROM scratch\nCOPY a /a\n", a="a")
    builder.build("team/app:1", context)
    (record,) = (tmp_path / "cache" / "layers").iterdir()
    said = json.loads(record.read_text())
    said["descriptor"]["digest"] = "sha256:" + "0" * 64
    record.write_text(json.dumps(said))
    with pytest.raises(BuildError, match="Build again"):
        builder.build(f"{server.address}/team/app:1", context, None, registry)
    assert "team/app" not in server.repositories or server.tags("team/app") == []
    assert builder.build(f"{server.address}/team/app:1", context, None, registry)
