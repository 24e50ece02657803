"""What containers use and may use, and their processes, as the SDK's client asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docker.errors
import pytest
from docker.models.containers import Container

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.clock import ManualClock


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[FakeDockerClient]:
    """A client of an engine with one image."""
    marker = request.node.get_closest_marker("fake_docker_engine")
    engine = FakeDockerEngine(**(marker.kwargs if marker else {}))
    engine.seed_image("base")
    client = FakeDockerClient(engine)
    yield client
    client.close()
    engine.close()


@pytest.fixture
def container(client: FakeDockerClient) -> Container:
    """A container that runs until it is stopped."""
    return client.containers.run("base", "sleep infinity", detach=True, name="box")


def _sample(container: Container) -> dict[str, Any]:
    sample = container.stats(stream=False)
    assert isinstance(sample, dict)
    return sample


def test_processes(container: Container) -> None:
    """One line for the command, under the titles that `ps` was asked for."""
    told = container.top()
    (line,) = told["Processes"]
    assert dict(zip(told["Titles"], line, strict=True))["CMD"] == "sleep infinity"
    told = container.top(ps_args="aux")
    (line,) = told["Processes"]
    assert dict(zip(told["Titles"], line, strict=True))["COMMAND"] == "sleep infinity"


def test_no_processes_of_a_container_that_does_not_run(container: Container) -> None:
    """The engine's refusal."""
    container.kill()
    with pytest.raises(docker.errors.APIError, match="is not running"):
        container.top()


def test_one_sample(container: Container) -> None:
    """It has what programs compute the shares of processor and memory from."""
    container.update(mem_limit="64m", memswap_limit="128m")
    sample = _sample(container)
    assert sample["id"] == container.id
    assert sample["memory_stats"]["limit"] == 64 << 20
    now, before = sample["cpu_stats"], sample["precpu_stats"]
    assert now["cpu_usage"]["total_usage"] > before["cpu_usage"]["total_usage"]
    assert now["system_cpu_usage"] > before["system_cpu_usage"]


def test_a_sample_of_a_container_that_does_not_run(container: Container) -> None:
    """It says nothing but whose it is."""
    container.kill()
    sample = _sample(container)
    assert sample["name"] == "/box"
    assert sample["memory_stats"] == {}
    assert sample["cpu_stats"]["cpu_usage"]["total_usage"] == 0


def test_samples_go_on_until_the_container_is_removed(container: Container) -> None:
    """The stream has its first sample at once, and an end."""
    samples = container.stats(decode=True)
    assert not isinstance(samples, dict)
    first = next(samples)
    assert first["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    container.remove(force=True)
    assert list(samples) == []


def test_limits_are_seen_by_inspect(client: FakeDockerClient, container: Container) -> None:
    """What is updated is what the container has then; the rest stays."""
    container.update(cpu_shares=512, restart_policy={"Name": "always"})
    container.update(mem_limit="64m", memswap_limit="128m")
    host = client.api.inspect_container("box")["HostConfig"]
    assert host["CpuShares"] == 512
    assert host["Memory"] == 64 << 20
    assert host["RestartPolicy"] == {"Name": "always", "MaximumRetryCount": 0}


def test_the_load_that_a_sample_shows() -> None:
    """As `docker stats` reckons: a tenth of a per cent of one processor, and 1.5 MB."""
    clock = ManualClock(1_700_000_000)
    engine = FakeDockerEngine(version="28.5", clock=clock)
    engine.seed_image("base")
    with closing(FakeDockerClient(engine)) as client:
        container = client.containers.run("base", "sleep infinity", detach=True)
        first = _sample(container)["cpu_stats"]["cpu_usage"]
        clock.advance(100)
        sample = _sample(container)
        now, before = sample["cpu_stats"], sample["precpu_stats"]
        used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
        passed = now["system_cpu_usage"] - before["system_cpu_usage"]
        assert round(used / passed * now["online_cpus"] * 100, 6) == 0.1
        assert now["cpu_usage"]["total_usage"] - first["total_usage"] == 100_000_000
        assert first["total_usage"] == 20_000_000
        halves = [now["cpu_usage"][f"usage_in_{mode}mode"] for mode in ("kernel", "user")]
        assert sum(halves) == now["cpu_usage"]["total_usage"]
        assert len(now["cpu_usage"]["percpu_usage"]) == now["online_cpus"]
        memory = sample["memory_stats"]
        assert memory["usage"] - memory["stats"]["inactive_file"] == 1_500_000
        assert memory["max_usage"] >= memory["usage"]
    engine.close()


@pytest.mark.fake_docker_engine(version="20.10")
@pytest.mark.parametrize(("length", "starts"), [(64, True), (65, False)])
def test_hostnames_are_as_long_as_the_kernel_has_them(
    client: FakeDockerClient, length: int, starts: bool
) -> None:
    """That is told when the container starts."""
    container = client.containers.create("base", "sleep infinity", hostname="h" * length)
    if starts:
        container.start()
        return
    with pytest.raises(docker.errors.APIError, match="sethostname"):
        container.start()


def test_a_hostname_that_is_too_long_is_refused(client: FakeDockerClient) -> None:
    """Newer engines say so before there is a container."""
    with pytest.raises(docker.errors.APIError, match="is too long"):
        client.containers.create("base", "sleep infinity", hostname="h" * 65)


@pytest.mark.parametrize(
    ("command", "code", "is_known"), [("true", 0, True), ("false", 1, True), ("make", 0, False)]
)
def test_the_log_says_what_was_not_executed(
    client: FakeDockerClient, command: str, code: int, is_known: bool
) -> None:
    """A command that the double knows does its work, and prints what it prints: here nothing."""
    ended = client.containers.run("base", command, detach=True)
    assert ended.wait()["StatusCode"] == code
    assert (ended.logs() == b"") is is_known


def test_ports_in_a_list(client: FakeDockerClient) -> None:
    """A published one says where, and once; an exposed one that it is there."""
    ports: Any = {"80/tcp": ("127.0.0.1", None), "53/udp": None}
    container = client.containers.run("base", "sleep infinity", detach=True, ports=ports)
    made = client.api.create_container("base", "sleep 9", ports=[70])
    client.api.start(made)
    lines = {one["Id"]: one["Ports"] for one in client.api.containers()}
    assert lines[made["Id"]] == [{"IP": "", "PrivatePort": 70, "Type": "tcp"}]
    published = [port for port in lines[container.id] if port["PrivatePort"] == 80]
    assert [(port["IP"], port["Type"]) for port in published] == [("127.0.0.1", "tcp")]
    assert published[0]["PublicPort"] >= 1024
    container.stop()
    [stopped] = [one for one in client.api.containers(all=True) if one["Id"] == container.id]
    assert stopped["Ports"] == []
