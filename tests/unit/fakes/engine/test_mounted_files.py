"""What containers see of this machine and of memory, and what they leave there."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import docker
import pytest
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack
from fakes.engine.containers import host_files
from fakes.shell import Process


@pytest.fixture
def engine(engine: FakeDockerEngine) -> FakeDockerEngine:
    """It has an image, and services."""
    engine.seed_image("base")
    engine.on_container(command="serve", service=True)
    return engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of this machine."""
    made = tmp_path / "in"
    (made / "sub").mkdir(parents=True)
    (made / "a").write_text("a")
    (made / "sub/b").write_text("b")
    (made / "l").symlink_to("sub")
    return made


def _names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return sorted(tar.getnames())


def _got(client: FakeDockerClient, container: str, path: str) -> bytes:
    return b"".join(client.api.get_archive(container, path)[0])


def test_a_function_reads_and_writes_a_folder_of_this_machine(
    engine: FakeDockerEngine, client: FakeDockerClient, folder: Path
) -> None:
    """As a container does: new files, changed ones, those that are gone, and through links."""

    def work(process: Process) -> None:
        files = process.files
        assert (files["/data/a"], files["/data/l/b"]) == (b"a", b"b")
        assert {path for path in files if path.startswith("/data/")} == {
            *("/data/a", "/data/l", "/data/sub/b"),
        }
        files["/data/a"] = b"changed"
        files["/data/l/new"] = b"#!/bin/sh"
        files["/data/deep/er/c"] = b"c"
        del files["/data/sub/b"]
        process.print("done")

    engine.on_container("base", work, command="work")
    said = client.containers.run(
        "base", "work", volumes={str(folder): {"bind": "/data", "mode": "rw"}}
    )
    assert said == b"done\n"
    assert (folder / "a").read_text() == "changed"
    assert (folder / "sub/new").stat().st_mode & 0o777 == 0o755
    assert (folder / "deep/er/c").read_text() == "c"
    assert not (folder / "sub/b").exists()
    assert (folder / "l").is_symlink()


def test_files_of_a_rule_go_to_the_machine(
    engine: FakeDockerEngine, client: FakeDockerClient, folder: Path
) -> None:
    """Those of `on_container` and of `on_exec`; nothing of them is in the container's own files."""
    engine.on_container("base", command="make", files={"/data/made": "1", "/data/a": None})
    engine.on_exec("more", files={"/data/more": "2"})
    bind = {str(folder): {"bind": "/data", "mode": "rw"}}
    client.containers.run("base", "make", volumes=bind, name="one")
    assert (folder / "made").read_text() == "1"
    assert not (folder / "a").exists()
    changes = [change["Path"] for change in client.api.diff("one")]
    assert changes == ["/data"]
    container = client.containers.run("base", "serve", volumes=bind, detach=True)
    assert container.exec_run("more").exit_code == 0
    assert (folder / "more").read_text() == "2"
    engine.close()


def test_built_in_commands_read_the_machine(client: FakeDockerClient, folder: Path) -> None:
    """`cat` of a file, and of one that is mounted alone."""
    engine = FakeDockerEngine()
    engine.seed_image("base")
    other = FakeDockerClient(engine)
    bind = {str(folder): {"bind": "/data", "mode": "ro"}}
    assert other.containers.run("base", ["cat", "/data/sub/b"], volumes=bind) == b"b"
    alone = {str(folder / "a"): {"bind": "/etc/one.conf", "mode": "ro"}}
    assert other.containers.run("base", ["cat", "/etc/one.conf"], volumes=alone) == b"a"
    other.close()


def test_archives_of_a_mounted_folder(
    engine: FakeDockerEngine, client: FakeDockerClient, folder: Path
) -> None:
    """`docker cp` out of it and into it."""
    host = client.api.create_host_config(binds=[f"{folder}:/data"])
    container = client.api.create_container("base", "x", host_config=host)["Id"]
    assert _names(_got(client, container, "/data")) == [
        *("data", "data/a", "data/l", "data/sub", "data/sub/b"),
    ]
    with tarfile.open(fileobj=io.BytesIO(_got(client, container, "/data/a"))) as tar:
        content = tar.extractfile("a")
        assert content is not None
        assert content.read() == b"a"
    client.api.put_archive(container, "/data/sub", pack({"put": "p"}))
    assert (folder / "sub/put").read_text() == "p"


def test_nothing_is_written_where_that_is_forbidden(
    engine: FakeDockerEngine, client: FakeDockerClient, folder: Path
) -> None:
    """A function gets the system's error; a put is refused."""

    def work(process: Process) -> None:
        process.files["/data/a"] = b"changed"

    engine.on_container("base", work, command="work")
    bind = {str(folder): {"bind": "/data", "mode": "ro"}}
    with pytest.raises(docker.errors.ContainerError, match="Read-only file system"):
        client.containers.run("base", "work", volumes=bind)
    assert (folder / "a").read_text() == "a"


def test_a_folder_that_is_not_there_is_not_made(
    engine: FakeDockerEngine, client: FakeDockerClient, tmp_path: Path
) -> None:
    """What is written there stays in the container."""
    engine.on_container("base", command="make", files={"/data/made": "1"})
    missing = tmp_path / "missing"
    client.containers.run("base", "make", volumes=[f"{missing}:/data"], name="one")
    assert not missing.exists()
    assert _names(_got(client, "one", "/data/made")) == ["made"]


def test_a_folder_with_too_many_names_is_not_looked_at(
    engine: FakeDockerEngine, client: FakeDockerClient, folder: Path, mocker: MockerFixture
) -> None:
    """As a whole disk."""
    mocker.patch.object(host_files, "_MOST", 2)
    host = client.api.create_host_config(binds=[f"{folder}:/data"])
    container = client.api.create_container("base", "x", host_config=host)["Id"]
    assert _names(_got(client, container, "/data")) == ["data"]


def test_memory_is_seen_by_commands_alone_and_while_the_container_runs(
    engine: FakeDockerEngine, client: FakeDockerClient
) -> None:
    """Neither `docker cp` nor the changes show it."""
    seen: list[bool] = []

    def look(process: Process) -> None:
        seen.append("/mem/a" in process.files)
        process.files["/mem/a"] = b"a"

    engine.on_exec("look", look)
    container = client.containers.run(
        "base", "serve", tmpfs={"/mem": "size=1m"}, detach=True, name="one"
    )
    for _ in range(2):
        container.exec_run("look")
    assert _names(_got(client, "one", "/mem")) == ["mem"]
    assert [change["Path"] for change in container.diff()] == ["/mem"]
    container.restart()
    container.exec_run("look")
    assert seen == [False, True, False]
    engine.close()


@pytest.mark.parametrize(
    ("user", "owner"),
    [("www-data", (33, 33)), ("4711", (4711, 0)), ("7:8", (7, 8)), ("nobody:daemon", (65534, 1))],
)
def test_files_are_put_as_those_of_the_containers_user(user: str, owner: tuple[int, int]) -> None:
    """As `docker cp -a` asks for."""
    engine = FakeDockerEngine("28.5")
    engine.seed_image("base", user=user)
    client = FakeDockerClient(engine)
    container = client.containers.create("base", "x")
    address = f"{client.api.base_url}/v1.43/containers/{container.id}/archive"
    query = {"path": "/tmp", "copyUIDGID": "1"}
    assert client.api.put(address, params=query, data=pack({"a": "a"})).status_code == 200
    with tarfile.open(fileobj=io.BytesIO(_got(client, str(container.id), "/tmp/a"))) as tar:
        info = tar.getmember("a")
    assert (info.uid, info.gid) == owner
    client.close()


@pytest.mark.parametrize(("version", "status"), [("20.10", 500), ("26.1", 500), ("28.5", 400)])
def test_a_user_that_nobody_knows_owns_nothing(version: str, status: int) -> None:
    """The name is told."""
    engine = FakeDockerEngine(version)
    engine.seed_image("base", user="stranger")
    client = FakeDockerClient(engine)
    container = client.containers.create("base", "x")
    address = f"{client.api.base_url}/containers/{container.id}/archive"
    query = {"path": "/tmp", "copyUIDGID": "1"}
    answer = client.api.put(address, params=query, data=pack({"a": "a"}))
    assert answer.status_code == status
    assert '"stranger"' in answer.json()["message"]
    client.close()
