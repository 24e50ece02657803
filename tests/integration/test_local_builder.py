"""The local builder against real engines and registries."""

from __future__ import annotations

import base64
import io
import json
import os
import random
import signal
import sys
import tarfile
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.process import running
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
from imagebuilders.exceptions import BuildContextError, BuildError, BuildOptionsError

MIB = 1024 * 1024
EXAMPLE = Path(__file__).parents[2] / "examples" / "storefront"


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    config = tmp_path / "docker-config"
    config.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    return config / "config.json"


@pytest.fixture
def builder(every_engine: Engine) -> LocalImageBuilder:
    """Give a builder for each engine in turn."""
    return LocalImageBuilder(docker_client=every_engine.client)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give an empty folder."""
    root = tmp_path / "root"
    root.mkdir()
    return root


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
    pushed = LocalImageBuilder().build(name, context, {"labels": {"a": "b"}}, registry)
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
        pushed = LocalImageBuilder().build(
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
        LocalImageBuilder(docker_client=engine.client).build("shared:us", BuildContext(str(root)))
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


def test_a_failed_command_tells_code_and_output(
    every_engine: Engine, builder: LocalImageBuilder
) -> None:
    """The last lines are there, standard error too."""
    context = BuildContext()
    context.add_file(
        f"FROM {every_engine.busybox}\nRUN seq 5; echo no rule >&2; exit 3\n", "Dockerfile"
    )
    with pytest.raises(BuildError, match=r"at step 2/2: RUN seq 5") as caught:
        builder.build("failed:1", context, {"nocache": True})
    assert caught.value.exit_code == 3
    assert "no rule" in caught.value.output
    assert "5" in caught.value.output
    assert "1" in caught.value.log
    assert not _leftovers(every_engine)


@pytest.mark.parametrize(
    ("dockerfile", "complaint"),
    [
        ("FROM {base}\nFETCH x\n", r"line 2: unknown instruction: FETCH"),
        ("FROM {base}\nCOPY\n", r"COPY requires at least two arguments"),
        ("RUN x\n", r"no build stage in current context"),
        ("", r"cannot be empty"),
        ("FROM 127.0.0.1:9/none\n", r"at step 1/1: FROM 127\.0\.0\.1:9/none\n.*refused"),
        ("FROM {base}\nCOPY --from=none /a /b\n", r"at step 2/2: COPY --from=none"),
    ],
)
def test_a_faulty_dockerfile_is_an_error_in_the_engines_words(
    every_engine: Engine, builder: LocalImageBuilder, dockerfile: str, complaint: str
) -> None:
    """With the line, or the step."""
    context = BuildContext()
    context.add_file(dockerfile.format(base=every_engine.busybox), "Dockerfile")
    with pytest.raises(BuildError, match=complaint) as caught:
        builder.build("faulty:1", context)
    assert "faulty:1 was not built" in str(caught.value)


def test_a_missing_dockerfile_is_found_before_anything_is_sent(
    builder: LocalImageBuilder, root: Path
) -> None:
    """The context's folder is named."""
    told: list[Event] = []
    with listen(told.append), pytest.raises(BuildContextError, match=str(root)):
        builder.build("none:1", BuildContext(str(root)))
    assert told == []


def test_a_file_that_cannot_be_archived_is_found_before_anything_is_sent(
    builder: LocalImageBuilder, root: Path
) -> None:
    """A named pipe would hang whoever reads it."""
    (root / "Dockerfile").write_text("FROM scratch\n")
    os.mkfifo(root / "pipe")
    with pytest.raises(BuildContextError, match="named pipe"):
        builder.build("pipe:1", BuildContext(str(root)))


def test_a_file_that_changes_while_it_is_sent_is_an_error(
    every_engine: Engine, builder: LocalImageBuilder, root: Path
) -> None:
    """The engine makes no image of half a context."""
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for number in range(8):
        (root / f"{number}.bin").write_bytes(b"x" * 4 * MIB)

    def shrink(event: Event) -> None:
        if isinstance(event, ContextProgress):
            (root / "7.bin").write_bytes(b"")

    with listen(shrink), pytest.raises(Exception, match=r"7\.bin") as caught:
        builder.build("changed:1", BuildContext(str(root)))
    assert type(caught.value).__name__ == "ContextChangedError"
    assert not every_engine.client.images.list("changed:1")


def test_a_private_base_image_is_pulled_with_the_users_credentials(
    every_engine: Engine, builder: LocalImageBuilder, docker_config: Path
) -> None:
    """As after `docker login`; without it the engine is refused."""
    server = every_engine.registry_with_auth
    assert server.credentials is not None
    login = f"{server.credentials.username}:{server.credentials.password}"
    auth = {"auth": base64.b64encode(login.encode()).decode()}
    docker_config.write_text(json.dumps({"auths": {server.address: auth}}))
    base = f"{server.address}/private/base:1"
    every_engine.client.images.get(every_engine.busybox).tag(base)
    registry = DefaultContainerRegistry(uri=server.address, docker_client=every_engine.client)
    registry.push_image(base)
    every_engine.client.images.remove(base)
    context = BuildContext()
    context.add_file(f"FROM {base}\nENV A=1\n", "Dockerfile")
    builder.build("private:1", context)
    every_engine.client.images.remove("private:1")
    every_engine.client.images.remove(base)
    docker_config.unlink()
    with pytest.raises(BuildError, match=r"at step 1/2: FROM .*/private/base:1"):
        builder.build("private:1", context, {"pull": True})


def test_what_needs_buildkit_is_refused(builder: LocalImageBuilder) -> None:
    """A secret is not left out in silence."""
    with pytest.raises(BuildOptionsError, match="needs BuildKit"):
        builder.build("secret:1", BuildContext(), {"secrets": ["id=tok,env=TOK"]})


def test_ctrl_c_stops_the_build_at_the_engine(every_engine: Engine, root: Path) -> None:
    """The command that runs in the engine is gone, and its container with it."""
    (root / "Dockerfile").write_text(f"FROM {every_engine.busybox}\nRUN sleep 4321\n")
    script = textwrap.dedent(
        """
        import signal, sys
        from imagebuilders import BuildContext, LocalImageBuilder

        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        LocalImageBuilder().build("stopped:1", BuildContext(sys.argv[1]), {"nocache": True})
        """
    )
    environment = {**os.environ, "DOCKER_HOST": every_engine.docker_host}
    with running(
        [sys.executable, "-c", script, str(root)],
        env=environment,
    ) as process:
        assert process.stderr is not None
        _wait_until(lambda: _runs(every_engine, "sleep 4321"))
        process.send_signal(signal.SIGINT)
        error = process.stderr.read()
        process.wait(20)
    assert "KeyboardInterrupt" in error
    _wait_until(lambda: not _runs(every_engine, "sleep 4321"))
    _wait_until(lambda: not _leftovers(every_engine))


def test_an_exception_in_a_listener_stops_the_build_at_the_engine(
    every_engine: Engine, builder: LocalImageBuilder
) -> None:
    """As Ctrl-C does."""
    context = BuildContext()
    context.add_file(f"FROM {every_engine.busybox}\nRUN echo on; sleep 4322\n", "Dockerfile")

    def stop(event: Event) -> None:
        if isinstance(event, StepOutput) and event.line == "on":
            raise ZeroDivisionError

    with listen(stop), pytest.raises(ZeroDivisionError):
        builder.build("stopped:2", context, {"nocache": True})
    _wait_until(lambda: not _runs(every_engine, "sleep 4322"))


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


@pytest.mark.parametrize("moment", ["context", "step"])
def test_an_engine_that_dies_is_told(disposable_engine: Engine, root: Path, moment: str) -> None:
    """While it takes the context, or in the middle of a step."""
    (root / "Dockerfile").write_text(f"FROM {disposable_engine.busybox}\nRUN echo on; sleep 60\n")
    for number in range(12):
        (root / f"{number}.bin").write_bytes(os.urandom(4 * MIB))

    def kill(event: Event) -> None:
        during_context = isinstance(event, ContextProgress) and not event.done
        during_step = isinstance(event, StepOutput) and event.line == "on"
        if during_context if moment == "context" else during_step:
            disposable_engine.kill()

    builder = LocalImageBuilder(docker_client=disposable_engine.client)
    where = "before the first step" if moment == "context" else "after step 2/2: RUN echo on"
    with listen(kill), pytest.raises(BuildError, match=f"Engine went away {where}"):
        builder.build("dead:1", BuildContext(str(root)))


def test_an_engine_that_is_dead_is_told(
    disposable_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is built; the address is named."""
    address = disposable_engine.docker_host
    disposable_engine.kill()
    monkeypatch.setenv("DOCKER_HOST", address)
    context = BuildContext()
    context.add_file("FROM scratch\nENV A=1\n", "Dockerfile")
    with pytest.raises(RuntimeError, match=address) as caught:
        LocalImageBuilder().build("dead:1", context)
    assert "DOCKER_HOST" in str(caught.value)


def _runs(engine: Engine, command: str) -> bool:
    return any(line.endswith(command) for line in engine.processes())


def _leftovers(engine: Engine) -> list[str]:
    """Give the containers that builds left behind."""
    return [str(one.id) for one in engine.client.containers.list(all=True)]


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
