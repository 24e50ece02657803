"""The local builder against real engines and registries."""

from __future__ import annotations

import io
import os
import random
import tarfile
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.tools import ClientTool

from fakes.contracts.image_builder import ImageBuilderContract
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.events import (
    ContextProgress,
    Event,
    StepCached,
    StepOutput,
    listen,
)

pytestmark = pytest.mark.usefixtures("docker_config")

MIB = 1024 * 1024
EXAMPLE = Path(__file__).parents[2] / "examples" / "storefront"


def _files(engine: Engine, image: str, below: str) -> dict[str, tarfile.TarInfo]:
    """Give what an image has below a folder."""
    container = engine.client.containers.create(image, ["none"])
    try:
        chunks, _ = container.get_archive(below)
        archive = io.BytesIO(b"".join(chunks))
    finally:
        container.remove()
    with tarfile.open(fileobj=archive) as tar:
        members = {member.name.partition("/")[2]: member for member in tar}
    members.pop("", None)
    return members


class TestContract(ImageBuilderContract):
    """The local builder keeps the contract of image builders with every engine."""

    @pytest.fixture
    def image_builder(self, builder: LocalImageBuilder) -> LocalImageBuilder:
        """Give the builder."""
        return builder

    @pytest.fixture
    def container_registry(self, every_engine: Engine) -> DefaultContainerRegistry:
        """Give the engine's registry."""
        self.registry = every_engine.registry
        return DefaultContainerRegistry(
            uri=every_engine.registry.address, docker_client=every_engine.client
        )

    def digest_in_registry(self, image_name: str) -> str:
        """Ask the registry."""
        repository, _, tag = image_name.partition("/")[2].rpartition(":")
        return self.registry.manifest(repository, tag).digest


def test_the_example_is_built_and_pushed(
    every_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found through `DOCKER_HOST`; what the registry has is read back."""
    monkeypatch.setenv("DOCKER_HOST", every_engine.docker_host)
    registry = DefaultContainerRegistry(uri=every_engine.registry.address)
    context = BuildContext(str(EXAMPLE))
    name = f"{registry.uri}/storefront:1"
    pushed = LocalImageBuilder(builder="classic").build(
        name, context, {"labels": {"a": "b"}}, registry
    )
    registry.close()
    manifest = every_engine.registry.manifest("storefront", "1")
    assert pushed == f"{registry.uri}/storefront@{manifest.digest}"
    assert every_engine.registry.image_config("storefront", "1")["config"]["Labels"]["a"] == "b"


def test_an_application_of_several_stages_and_a_large_context(
    every_engine: Engine, root: Path
) -> None:
    """A 100 MB context with an ignore file, stages, arguments; what comes out is what went in."""
    noise = random.Random(0)
    data = {}
    for number in range(25):
        data[f"data/{number}.bin"] = noise.randbytes(4 * MIB)
    data["data/skipped.log"] = b"x" * MIB
    data["Dockerfile"] = textwrap.dedent(
        f"""\
        ARG BASE={every_engine.busybox}
        FROM $BASE AS build
        ARG VERSION=none
        WORKDIR /src
        COPY . .
        RUN sha256sum data/*.bin > sums && echo "version $VERSION" > version
        FROM $BASE
        COPY --from=build /src/sums /src/version /out/
        COPY --from=build /src/data/7.bin /out/
        ENV KIND=app
        ENTRYPOINT ["cat", "/out/version"]
        """
    ).encode()
    data[".dockerignore"] = b"**/*.log\n"
    for name, content in data.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)
    registry = DefaultContainerRegistry(
        uri=every_engine.registry.address, docker_client=every_engine.client
    )
    name = f"{registry.uri}/large/app:1"
    told: list[Event] = []
    with listen(told.append):
        pushed = LocalImageBuilder(builder="classic").build(
            name, BuildContext(str(root)), {"buildargs": {"VERSION": "1.2"}}, registry
        )
    digest = every_engine.registry.manifest("large/app", "1").digest
    assert pushed == f"{registry.uri}/large/app@{digest}"
    config = every_engine.registry.image_config("large/app", "1")["config"]
    assert "KIND=app" in config["Env"]
    run = every_engine.client.containers.run(name, remove=True)
    assert run == b"version 1.2\n"
    members = _files(every_engine, name, "/out")
    assert sorted(members) == ["7.bin", "sums", "version"]
    assert members["7.bin"].size == 4 * MIB
    progress = [one.bytes_sent for one in told if isinstance(one, ContextProgress)]
    assert 100 * MIB < progress[-1] < 101 * MIB
    assert len(progress) > 10


def test_an_image_has_the_same_files_as_from_docker_build(
    every_engine: Engine, builder: LocalImageBuilder, root: Path
) -> None:
    """Names, kinds, permission bits, times, owners and link targets."""
    (root / "folder/empty").mkdir(parents=True)
    (root / "folder/secret.key").write_text("key")
    (root / "folder/secret.key").chmod(0o600)
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o751)
    (root / "folder").chmod(0o750)
    (root / "link").symlink_to("folder/secret.key")
    (root / "dangling").symlink_to("/no/where")
    (root / "späce and 日本.txt").write_text("x")
    (root / "kept.log").write_text("x")
    (root / "dropped.log").write_text("x")
    os.utime(root / "run.sh", (1_500_000_000, 1_500_000_000))
    (root / "Dockerfile").write_text(f"FROM {every_engine.busybox}\nCOPY . /all\n")
    for rules in ("*.log\n!kept.log\n", "*.log\n!kept.log\nDockerfile\n.dockerignore\n"):
        (root / ".dockerignore").write_text(rules)
        inside = every_engine.container.get_wrapped_container()
        inside.put_archive("/tmp", _tar_of(root))
        every_engine.cli("build", "-t", "by-cli:1", "/tmp/root")
        inside.exec_run(["rm", "-r", "/tmp/root"])
        builder.build("by-us:1", BuildContext(str(root)))
        ours, theirs = (
            {
                name: (member.type, member.mode, member.uid, member.linkname, int(member.mtime))
                for name, member in _files(every_engine, image, "/all").items()
            }
            for image in ("by-us:1", "by-cli:1")
        )
        assert ours == theirs


def _tar_of(root: Path) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(root, "root")
    return archive.getvalue()


@pytest.mark.parametrize("rules", ["*\n!app.py\n", "Dockerfile\n", None])
@pytest.mark.parametrize("outside", [False, True])
def test_steps_see_what_the_rules_keep(
    every_engine: Engine,
    builder: LocalImageBuilder,
    root: Path,
    rules: str | None,
    outside: bool,
) -> None:
    """Wherever the Dockerfile is, and whether or not the rules exclude it."""
    (root / "app.py").write_text("x")
    dockerfile = (root.parent if outside else root) / "Dockerfile"
    dockerfile.write_text(f"FROM {every_engine.busybox}\nCOPY . /all\n")
    if rules is not None:
        (root / ".dockerignore").write_text(rules)
    expected = {"app.py"}
    if rules == "Dockerfile\n":
        expected.add(".dockerignore")
    if rules is None and not outside:
        expected.add("Dockerfile")
    builder.build("seen:1", BuildContext(str(root)), {"dockerfile": str(dockerfile)})
    assert set(_files(every_engine, "seen:1", "/all")) == expected


def test_a_second_build_comes_from_the_cache(
    every_engine: Engine, builder: LocalImageBuilder
) -> None:
    """Although the files were written anew."""
    context = BuildContext()
    context.add_file(f"FROM {every_engine.busybox}\nCOPY a /a\nRUN cat /a\n", "Dockerfile")
    context.add_file(str(time.time()), "a")
    builder.build("cached:1", context)
    told: list[Event] = []
    with listen(told.append):
        builder.build("cached:1", context)
    assert [one.number for one in told if isinstance(one, StepCached)] == [2, 3]


def test_the_cache_is_shared_with_the_docker_command(
    engine: Engine, root: Path, client_tool: Callable[[str], ClientTool]
) -> None:
    """What `docker build` built classically is not built again, and the reverse."""
    (root / "sub").mkdir()
    (root / "sub/private").write_text("x")
    (root / "sub/private").chmod(0o600)
    (root / "link").symlink_to("sub/private")
    (root / "Dockerfile").write_text(f"FROM {engine.busybox}\nCOPY . /a\nCOPY sub /b\n")
    docker = client_tool("docker")
    docker.put(root, "/tmp/shared-cache")
    printed = docker.run(
        *("build", "-t", "shared:cli", "/tmp/shared-cache"),
        environment={"DOCKER_HOST": engine.docker_host, "DOCKER_BUILDKIT": "0"},
    )
    assert "Using cache" not in printed.stdout
    told: list[Event] = []
    with listen(told.append):
        LocalImageBuilder(docker_client=engine.client, builder="classic").build(
            "shared:us", BuildContext(str(root))
        )
    assert [one.number for one in told if isinstance(one, StepCached)] == [2, 3]
    images = engine.client.images
    assert images.get("shared:us").id == images.get("shared:cli").id


def test_steps_and_output_come_as_they_happen(
    every_engine: Engine, builder: LocalImageBuilder
) -> None:
    """Not at the end: a line is heard while its command still runs."""
    context = BuildContext()
    context.add_file(
        f"FROM {every_engine.busybox}\nRUN echo first; sleep 2; echo second >&2\n", "Dockerfile"
    )
    heard: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, StepOutput) and event.number:
            heard[event.line] = time.monotonic()

    with listen(note):
        builder.build("live:1", context, {"nocache": True})
    assert list(heard) == ["first", "second"]
    assert heard["second"] - heard["first"] > 1


def test_options_reach_the_steps(every_engine: Engine, builder: LocalImageBuilder) -> None:
    """Hosts, limits, network and shared memory, in the spellings of the command line."""
    context = BuildContext()
    context.add_file(
        f"FROM {every_engine.busybox}\nARG A\nRUN cat /etc/hosts && df -k /dev/shm && echo $A\n",
        "Dockerfile",
    )
    told: list[Event] = []
    with listen(told.append):
        builder.build(
            "options:1",
            context,
            {
                "extra_hosts": ["db:10.1.2.3"],
                "network_mode": "none",
                "shmsize": "8m",
                "container_limits": {"memory": "64m", "memswap": -1, "cpushares": 512},
                "buildargs": ["A=b c"],
                "platform": "linux/amd64",
                "pull": False,
                "nocache": True,
                "gzip": True,
            },
        )
    output = [one.line for one in told if isinstance(one, StepOutput)]
    assert any("10.1.2.3" in line and "db" in line for line in output)
    assert any("8192" in line for line in output)
    assert "b c" in output


def test_builds_side_by_side_hear_their_own_events(
    every_engine: Engine, builder: LocalImageBuilder
) -> None:
    """Listeners belong to the thread that set them."""
    heard: dict[int, set[str]] = {}

    def run(number: int) -> None:
        context = BuildContext()
        context.add_file(f"FROM {every_engine.busybox}\nRUN echo number {number}\n", "Dockerfile")
        lines = heard.setdefault(number, set())

        def note(event: Event) -> None:
            if isinstance(event, StepOutput) and event.number:
                lines.add(event.line)

        with listen(note):
            builder.build(f"side-by-side:{number}", context, {"nocache": True})

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {number: {f"number {number}"} for number in range(3)}
