"""The real docker CLI, python-on-whales and testcontainers against the served double."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
import python_on_whales
from testbed.bed import Testbed
from testbed.tools import ClientTool

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.engine.versions import CONTAINERD, LOOKS, NEWEST, OVERLAY2, VERSIONS

Docker = Callable[..., str]


@pytest.fixture(params=VERSIONS)
def engine(request: pytest.FixtureRequest) -> FakeDockerEngine:
    """An engine of each look with a base image, whose containers say something."""
    engine = FakeDockerEngine(request.param)
    engine.seed_hub("busybox:latest", files={"/bin/sh": "#!binary"}, cmd=["sh"])
    engine.seed_image("busybox:latest", files={"/bin/sh": "#!binary"}, cmd=["sh"])
    engine.on_container("busybox", command="echo *", output="said\n")
    engine.on_container("busybox", command="sleep *", service=True, output="ready\n")
    engine.on_container("busybox", command="false", exit_code=1)
    engine.on_exec("ls *", output="bin\netc\n")
    return engine


@pytest.fixture
def docker_host(engine: FakeDockerEngine) -> Iterator[str]:
    """Where it listens."""
    with engine.serve() as host:
        yield host


def _docker_command() -> str | None:
    return shutil.which("docker", path="/usr/bin:/usr/local/bin") or shutil.which("docker")


@pytest.fixture
def cli(docker_host: str, testbed: Testbed, tmp_path: Path) -> Docker:
    """The docker CLI, which must succeed unless told otherwise; what it printed."""
    # The testbed installs the CLI where it has to make an engine of its own.
    program = _docker_command()
    if program is None:
        pytest.skip(f"there is no docker CLI beside {testbed.host}")
    environment = {
        **os.environ,
        "DOCKER_HOST": docker_host,
        "DOCKER_BUILDKIT": "0",
        "DOCKER_CONFIG": str(tmp_path / "config"),
    }

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [program, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A folder to build."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        'FROM busybox\nARG V=1\nENV V=$V\nCOPY app /app/\nRUN make all\nCMD ["/app/run"]\n'
    )
    (folder / "app").mkdir()
    (folder / "app" / "run").write_text("#!/bin/sh\n")
    (folder / "app" / "left-out").write_text("x")
    (folder / ".dockerignore").write_text("**/left-out\n")
    return folder


def test_build_tag_inspect_history(cli: Docker, engine: FakeDockerEngine, context: Path) -> None:
    """A build from the command line, and a look at what came of it."""
    printed = cli("build", "-t", "app:1", "--build-arg", "V=2", "--label", "l=x", str(context))
    assert "Step 5/7 : RUN make all" in printed
    assert "Successfully tagged app:1" in printed
    assert "Using cache" in cli("build", "-t", "app:1", "--build-arg", "V=2", str(context))
    assert "app/left-out" not in engine.image_tree("app:1")
    cli("tag", "app:1", "other:2")
    assert cli("inspect", "--format", "{{.Config.Cmd}}", "other:2").strip() == "[/app/run]"
    assert "COPY dir:" in cli("history", "--no-trunc", "app:1")
    assert "app" in cli("images")


def test_failed_build(cli: Docker, engine: FakeDockerEngine, context: Path) -> None:
    """The exit code and the words of a failed step."""
    engine.on_run("make *", output="no rule\n", exit_code=2)
    printed = cli("build", str(context), code=2)
    assert "no rule" in printed
    assert "returned a non-zero code: 2" in printed


def test_save_and_load(cli: Docker, context: Path, tmp_path: Path) -> None:
    """Through a file and back."""
    cli("build", "-t", "app:1", str(context))
    archive = tmp_path / "app.tar"
    cli("save", "-o", str(archive), "app:1")
    with tarfile.open(archive) as saved:
        assert "manifest.json" in saved.getnames()
    assert "Untagged: app:1" in cli("rmi", "app:1")
    assert "Loaded image: app:1" in cli("load", "-i", str(archive))


def test_push_and_pull(cli: Docker, context: Path) -> None:
    """To a registry that wants a login."""
    with FakeRegistry(auth="bearer", users={"alice": "s3cret"}) as registry:
        name = f"{registry.address}/team/app:1"
        cli("build", "-t", name, str(context))
        assert "unauthorized" in cli("push", name, code=1)
        cli("login", "-u", "alice", "-p", "s3cret", registry.address)
        assert "digest: sha256:" in cli("push", name)
        cli("rmi", name)
        assert "Downloaded newer image" in cli("pull", name)
        assert (
            "unauthorized" in cli("login", "-u", "a", "-p", "b", registry.address, code=1).lower()
        )


def test_containers(cli: Docker) -> None:
    """Run, look at, execute in and remove containers."""
    assert cli("run", "--rm", "busybox", "echo", "hi") == "said\n"
    cli("run", "busybox", "false", code=1)
    cli("run", "-d", "--name", "service", "-p", "80", "busybox", "sleep", "99")
    assert "service" in cli("ps")
    assert cli("logs", "service") == "ready\n"
    assert "bin" in cli("exec", "service", "ls", "/")
    cli("stop", "service")
    assert "Exited" in cli("ps", "-a")
    cli("rm", "service")


def test_the_newest_docker_command(
    engine: FakeDockerEngine, context: Path, client_tool: Callable[[str], ClientTool]
) -> None:
    """The same from start to end with the client of the newest engine, over TCP."""
    docker = client_tool("docker")
    docker.put(context, "/tmp/double-context")
    with engine.serve("tcp://127.0.0.1:0") as host, FakeRegistry() as registry:
        environment = {"DOCKER_HOST": host, "DOCKER_BUILDKIT": "0"}

        def run(*arguments: str) -> str:
            done = docker.run(*arguments, environment=environment)
            return done.stdout + done.stderr

        name = f"{registry.address}/team/app:1"
        printed = run("build", "-t", name, "--build-arg", "V=2", "/tmp/double-context")
        assert "Step 5/6 : RUN make all" in printed
        run("tag", name, "app:1")
        assert run("inspect", "--format", "{{.Config.Cmd}}", "app:1").strip() == "[/app/run]"
        assert "COPY dir:" in run("history", "--no-trunc", "app:1")
        run("save", "-o", "/tmp/double.tar", "app:1")
        assert "digest: sha256:" in run("push", name)
        assert "Deleted: sha256:" in run("rmi", name, "app:1")
        assert "Loaded image: app:1" in run("load", "-i", "/tmp/double.tar")
        run("rmi", "app:1")
        assert "Downloaded newer image" in run("pull", name)
        assert run("run", "--rm", "busybox", "echo", "hi") == "said\n"
        assert "app" in run("images")
        run("run", "-d", "--name", "service", "busybox", "sleep", "9")
        assert "service" in run("ps")
        assert "bin" in run("exec", "service", "ls", "/")
        run("rm", "-f", "service")
        assert "Total reclaimed space" in run("system", "prune", "-f")


def test_python_on_whales(docker_host: str, context: Path, testbed: Testbed) -> None:
    """A library that runs the docker command and reads what it prints."""
    if (program := _docker_command()) is None:
        pytest.skip(f"there is no docker CLI beside {testbed.host}")
    whales = python_on_whales.DockerClient(host=docker_host, client_call=[program])
    built = whales.legacy_build(context, tags="app:1", build_args={"V": "2"})
    assert isinstance(built, python_on_whales.Image)
    assert built.repo_tags == ["app:1"]
    assert built.config.cmd == ["/app/run"]
    with FakeRegistry() as registry:
        name = f"{registry.address}/app:1"
        whales.tag("app:1", name)
        whales.push(name, quiet=True)
        whales.image.remove(name)
        assert whales.pull(name, quiet=True) == built
    assert whales.run("busybox", ["echo", "hi"], remove=True) == "said"
    assert whales.container.list(all=True) == []


def test_a_real_engine_loads_what_the_double_saves(
    cli: Docker, context: Path, tmp_path: Path, testbed: Testbed
) -> None:
    """A real engine, whose graph driver names images by it, finds the same configuration."""
    cli("build", "-t", "from-the-double:1", str(context))
    archive = tmp_path / "app.tar"
    cli("save", "-o", str(archive), "from-the-double:1")
    with tarfile.open(archive) as members:
        listed = members.extractfile("manifest.json")
        assert listed is not None
        (entry,) = json.load(listed)
    wanted = "sha256:" + entry["Config"].removeprefix("blobs/sha256/").removesuffix(".json")
    if "containerd" not in cli("info", "--format", "{{.DriverStatus}}"):
        assert cli("inspect", "--format", "{{.Id}}", "from-the-double:1").strip() == wanted
    real = testbed.engine("20.10").client
    loaded = real.images.load(archive.read_bytes())
    try:
        assert [image.id for image in loaded] == [wanted]
    finally:
        real.images.remove("from-the-double:1", force=True)


@pytest.mark.parametrize("look", [NEWEST, f"{NEWEST}-{OVERLAY2}"])
def test_crane_reads_what_is_saved_and_pushed(
    look: str, client_tool: Callable[[str], ClientTool], tmp_path: Path
) -> None:
    """Layers, configuration and digests are what they say, in either image store."""
    engine = FakeDockerEngine(LOOKS[look].name, image_store=LOOKS[look].image_store)
    engine.seed_image("base:1", files={"/etc/motd": "hello"})
    client = FakeDockerClient(engine)
    archive = tmp_path / "crane" / "app.tar"
    archive.parent.mkdir()
    crane = client_tool("crane")
    with FakeRegistry() as registry:
        name, copy = (f"{registry.address}/team/app:{tag}" for tag in ("1", "2"))
        dockerfile = io.BytesIO(b"FROM base:1\nRUN touch /x\nLABEL l=x\n")
        built, _ = client.images.build(fileobj=dockerfile, tag=name)
        client.images.push(name)
        archive.write_bytes(b"".join(built.save(named=True)))
        client.close()
        crane.put(archive.parent, "/tmp/crane")
        crane.run("validate", "--remote", name)
        crane.run("validate", "--tarball", "/tmp/crane/app.tar")
        crane.run("push", "/tmp/crane/app.tar", copy)
        pushed, again = (json.loads(crane.run("config", one).stdout) for one in (name, copy))
        assert pushed == again
        assert pushed["config"]["Labels"] == {"l": "x"}
        digest = crane.run("digest", name).stdout.strip()
    assert (built.id == digest) is (LOOKS[look].image_store == CONTAINERD)


def test_testcontainers_starts_and_stops_a_container(
    docker_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """testcontainers finds the double by DOCKER_HOST and waits for its log."""
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    container = DockerContainer("busybox:latest").with_command("sleep 99").with_exposed_ports(80)
    with container as started:
        assert started.get_logs()[0] == b"ready\n"
        assert started.exec("ls /").output == b"bin\netc\n"
        wrapped = started.get_wrapped_container()
        assert wrapped.status in ("created", "running")
    client = docker.from_env()
    try:
        assert client.containers.list(all=True) == []
    finally:
        client.close()
