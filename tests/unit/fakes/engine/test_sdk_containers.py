"""Every method of the SDK's client for containers, commands, networks and volumes."""

from __future__ import annotations

import io
import socket
import tarfile
from typing import Any

import docker.errors
import pytest
from docker.api.container import ContainerApiMixin
from docker.api.exec_api import ExecApiMixin
from docker.api.network import NetworkApiMixin
from docker.api.volume import VolumeApiMixin
from sdk_coverage import SdkTable

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack

sdk = SdkTable(ContainerApiMixin, ExecApiMixin, NetworkApiMixin, VolumeApiMixin)


@pytest.fixture(autouse=True)
def _base(engine: FakeDockerEngine) -> None:
    engine.seed_image("base", cmd=["serve"], exposed_ports=["80"])
    engine.on_container("base", service=True, output="ready\n")


@pytest.fixture
def api(client: FakeDockerClient) -> Any:
    """The SDK's low-level client; its stubs know less than it can do."""
    return client.api


@pytest.fixture
def running(api: Any) -> str:
    """A container that runs, with a published port."""
    published = api.create_host_config(port_bindings={80: None})
    made = api.create_container("base", name="svc", ports=[80], host_config=published)
    api.start(made["Id"])
    return str(made["Id"])


@sdk.covers(
    *(
        f"ContainerApiMixin.{name}"
        for name in (
            "create_container",
            "create_container_config",
            "create_container_from_config",
            "create_endpoint_config",
            "create_host_config",
            "create_networking_config",
            "inspect_container",
        )
    )
)
def test_creation(api: Any) -> None:
    """From a description or its parts; the SDK makes the parts alone."""
    api.create_network("net")
    endpoint = api.create_endpoint_config(aliases=["db"])
    made = api.create_container(
        "base",
        ["serve", "all"],
        name="one",
        environment={"A": "1"},
        labels={"l": "x"},
        host_config=api.create_host_config(binds=["/data:/data"]),
        networking_config=api.create_networking_config({"net": endpoint}),
    )
    about = api.inspect_container("one")
    assert about["Id"] == made["Id"]
    assert about["Config"]["Cmd"] == ["serve", "all"]
    assert about["HostConfig"]["Binds"] == ["/data:/data"]
    assert about["Config"]["Labels"] == {"l": "x"}
    assert list(about["NetworkSettings"]["Networks"]) == ["net"]
    config = api.create_container_config("base", "serve")
    assert api.create_container_from_config(config, name="two")["Id"]


@sdk.covers("ContainerApiMixin.containers")
def test_lists(api: Any, running: str) -> None:
    """Those that run, or all, by filters, as ids."""
    other = api.create_container("base", name="other")["Id"]
    assert [one["Id"] for one in api.containers()] == [running]
    assert {one["Id"] for one in api.containers(all=True)} == {running, other}
    assert [one["Id"] for one in api.containers(all=True, filters={"name": "other"})] == [other]
    assert api.containers(quiet=True) == [{"Id": running}]


@sdk.covers(
    *(
        f"ContainerApiMixin.{name}"
        for name in ("start", "pause", "unpause", "restart", "kill", "stop", "wait", "rename")
    )
)
def test_a_life(api: Any, running: str) -> None:
    """Each change of state shows in what the container says of itself."""

    def status() -> str:
        return str(api.inspect_container(running)["State"]["Status"])

    assert status() == "running"
    api.pause(running)
    assert status() == "paused"
    api.unpause(running)
    api.restart(running, timeout=0)
    assert status() == "running"
    api.stop(running, timeout=0)
    assert status() == "exited"
    api.start(running)
    api.kill(running, "SIGKILL")
    assert api.wait(running)["StatusCode"] == 137
    api.rename(running, "renamed")
    assert api.inspect_container("renamed")["Id"] == running


@sdk.covers("ContainerApiMixin.remove_container", "ContainerApiMixin.prune_containers")
def test_removal(api: Any, running: str) -> None:
    """One that runs needs force; a prune takes those that do not run."""
    stopped = api.create_container("base")["Id"]
    assert api.prune_containers()["ContainersDeleted"] == [stopped]
    with pytest.raises(docker.errors.APIError) as caught:
        api.remove_container(running)
    assert caught.value.status_code == 409
    api.remove_container(running, force=True, v=True)
    assert api.containers(all=True) == []


@sdk.covers("ContainerApiMixin.logs", "ContainerApiMixin.attach", "ContainerApiMixin.attach_socket")
def test_output(api: Any, running: str) -> None:
    """The same through the log, an attached stream and the bare socket."""
    assert api.logs(running) == b"ready\n"
    assert list(api.logs(running, stream=True, follow=False)) == [b"ready\n"]
    assert api.logs(running, tail=0) == b""
    stream = api.attach(running, logs=True, stream=True)
    assert next(stream) == b"ready\n"
    bare = api.attach_socket(running, params={"logs": 1, "stream": 1, "stdout": 1})
    assert bare.read(14) == b"\x01\x00\x00\x00\x00\x00\x00\x06ready\n"
    assert isinstance(bare._sock, socket.socket)
    bare._response.close()  # what it was taken from, or that is closed after it
    api.kill(running)
    assert list(stream) == []


@sdk.covers("ContainerApiMixin.port", "ContainerApiMixin.resize")
def test_ports_and_terminals(api: Any, running: str) -> None:
    """A published port has a number; a size is taken note of."""
    (published,) = api.port(running, 80)
    assert published["HostPort"].isdigit()
    api.resize(running, height=20, width=80)


@sdk.covers(
    *(
        f"ContainerApiMixin.{name}"
        for name in ("get_archive", "put_archive", "diff", "export", "commit")
    )
)
def test_files(api: Any, engine: FakeDockerEngine, running: str) -> None:
    """In and out as archives, compared with the image, and made a new one."""
    assert api.put_archive(running, "/etc", pack({"new": "content"}))
    stream, stat = api.get_archive(running, "/etc/new")
    assert stat["size"] == len("content")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        assert archive.getnames() == ["new"]
    assert {"Path": "/etc/new", "Kind": 1} in api.diff(running)
    with tarfile.open(fileobj=io.BytesIO(b"".join(api.export(running)))) as whole:
        assert "etc/new" in whole.getnames()
    made = api.commit(running, "kept", "1", message="m", author="ann", changes=["ENV A=1"])
    assert engine.image("kept:1").id == made["Id"]
    assert engine.image_tree("kept:1")["etc/new"].data == b"content"


@sdk.covers(
    "ContainerApiMixin.stats", "ContainerApiMixin.top", "ContainerApiMixin.update_container"
)
def test_use(api: Any, running: str) -> None:
    """What a container uses, its processes, and what it may use from now on."""
    assert api.stats(running, stream=False)["id"] == running
    assert len(api.top(running)["Processes"]) == 1
    api.update_container(running, mem_limit="1g", memswap_limit="2g")
    assert api.inspect_container(running)["HostConfig"]["Memory"] == 1 << 30


@sdk.covers(*(f"ExecApiMixin.exec_{name}" for name in ("create", "start", "inspect", "resize")))
def test_commands(api: Any, engine: FakeDockerEngine, running: str) -> None:
    """Made, run and looked at; detached or as a stream."""
    engine.on_exec("ls *", output="a\n", error_output="b\n", exit_code=3)
    made = api.exec_create(running, ["ls", "/"], environment={"A": "1"}, workdir="/", user="root")
    assert api.exec_start(made["Id"], demux=True) == (b"a\n", b"b\n")
    assert api.exec_inspect(made["Id"])["ExitCode"] == 3
    streamed = api.exec_create(running, "ls /")
    assert b"".join(api.exec_start(streamed["Id"], stream=True)) == b"a\nb\n"
    detached = api.exec_create(running, "ls /", tty=True)
    api.exec_resize(detached["Id"], height=2, width=2)
    assert api.exec_start(detached["Id"], detach=True) == ""


@sdk.covers(
    *(
        f"NetworkApiMixin.{name}"
        for name in (
            "create_network",
            "networks",
            "inspect_network",
            "connect_container_to_network",
            "disconnect_container_from_network",
            "remove_network",
            "prune_networks",
        )
    )
)
def test_networks(api: Any, running: str) -> None:
    """Containers join and leave them; those that nobody is in go."""
    made = api.create_network("net", driver="bridge", labels={"l": "x"})
    assert [one["Id"] for one in api.networks(names=["net"])] == [made["Id"]]
    api.connect_container_to_network(running, "net", aliases=["db"])
    assert list(api.inspect_network("net")["Containers"]) == [running]
    api.disconnect_container_from_network(running, "net")
    assert api.inspect_network("net")["Containers"] == {}
    api.remove_network("net")
    api.create_network("unused")
    assert api.prune_networks()["NetworksDeleted"] == ["unused"]


@sdk.covers(
    *(
        f"VolumeApiMixin.{name}"
        for name in ("create_volume", "volumes", "inspect_volume", "remove_volume", "prune_volumes")
    )
)
def test_volumes(api: Any) -> None:
    """Made, listed, looked at and removed."""
    made = api.create_volume("vol", labels={"l": "x"})
    assert made == api.inspect_volume("vol")
    assert [one["Name"] for one in api.volumes(filters={"label": "l=x"})["Volumes"]] == ["vol"]
    api.remove_volume("vol", force=True)
    unnamed = api.create_volume()["Name"]
    assert unnamed in (api.prune_volumes()["VolumesDeleted"] or [])
    with pytest.raises(docker.errors.NotFound):
        api.inspect_volume("vol")


def test_every_method_has_a_row() -> None:
    """The table names what the installed SDK has, no more and no less."""
    sdk.check()
