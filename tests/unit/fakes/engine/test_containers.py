"""Containers: made, run by rules, looked into."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import docker.errors
import pytest
from docker.models.containers import Container
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack
from fakes.engine.versions import VERSIONS
from fakes.shell import Process

Build = Callable[..., str]


@pytest.fixture(autouse=True)
def _base(engine: FakeDockerEngine) -> None:
    engine.seed_image("base", cmd=["serve"], env={"A": "1"}, exposed_ports=["80"])


def test_a_container_without_a_rule_ends_at_once(client: FakeDockerClient) -> None:
    """Nothing is executed: exit code 0 and no output."""
    assert client.containers.run("base", ["anything"]) == b""


def test_output_and_exit_code_come_from_the_rule(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """The SDK raises what it raises for a real failed container."""
    engine.on_container("base", command="fail *", error_output="broken\n", exit_code=3)
    with pytest.raises(docker.errors.ContainerError, match="broken") as caught:
        client.containers.run("base", ["fail", "now"])
    assert caught.value.exit_status == 3


def test_a_service_runs_until_it_is_stopped(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """Its ports are published, its log can be read, and it ends with the stop signal."""
    engine.on_container("base", service=True, output="ready\n")
    container = client.containers.run("base", detach=True, ports={"80/tcp": None}, name="svc")
    container.reload()
    assert container.status == "running"
    published = container.ports["80/tcp"]
    assert published is not None
    assert published[0]["HostPort"].isdigit()
    assert container.logs() == b"ready\n"
    container.stop()
    assert container.wait()["StatusCode"] == 143
    container.remove()
    assert client.containers.list(all=True) == []


def test_a_policy_restarts_what_a_rule_is_meant_for(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """A command that is known to fail is run again; of another nothing is known."""
    engine.on_container("base", command="fail", exit_code=3, output="tried\n")
    failing = client.containers.run(
        "base",
        ["fail"],
        detach=True,
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 2},
    )
    while failing.status != "exited":
        assert failing.wait()["StatusCode"] == 3
        failing.reload()
    assert failing.logs() == b"tried\n" * 3
    assert failing.attrs["RestartCount"] == 2
    other = client.containers.run(
        "base", ["other"], detach=True, restart_policy={"Name": "always", "MaximumRetryCount": 0}
    )
    assert other.wait()["StatusCode"] == 0
    other.reload()
    assert other.attrs["RestartCount"] == 0


def test_a_container_that_is_about_to_run_again_can_be_stopped(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """It is not restarted any more, and it can be removed."""
    engine.on_container("base", exit_code=1)
    container = client.containers.run(
        "base", detach=True, restart_policy={"Name": "always", "MaximumRetryCount": 0}
    )
    container.stop()
    container.reload()
    assert container.status == "exited"
    container.remove()
    assert client.containers.list(all=True) == []


def test_a_health_check_finds_what_its_command_does() -> None:
    """As many checks as were due have been made when somebody looks."""
    now = 1_700_000_000_000_000_000
    engine = FakeDockerEngine(clock=lambda: now)
    engine.seed_image("base", cmd=["serve"])
    engine.on_container(service=True)
    engine.on_exec("check", exit_code=1, output="not yet")
    with contextlib.closing(FakeDockerClient(engine)) as client:
        check = {"test": ["CMD", "check"], "interval": 1_000_000_000, "retries": 2}
        container = client.containers.run("base", detach=True, healthcheck=check)
        container.reload()
        assert container.health == "starting"
        now += 1_500_000_000
        container.reload()
        assert container.attrs["State"]["Health"]["Log"][0]["Output"] == "not yet"
        now += 1_000_000_000_000
        container.reload()
        assert container.health == "unhealthy"
        engine.on_exec("check")
        now += 1_000_000_000
        container.reload()
        assert container.health == "healthy"


def test_a_health_check_obeys_a_rule_by_function() -> None:
    """It sees the container's files, account and variables, and may take too long."""
    now = 1_700_000_000_000_000_000
    engine = FakeDockerEngine(clock=lambda: now)
    engine.seed_image("base", cmd=["serve"], env={"PORT": "80"})
    engine.on_container(service=True, files={"/ready": ""})

    def check(process: Process) -> int:
        process.print(process.environment["PORT"])
        process.print_error(process.working_dir)
        if "/slow" in process.files:
            process.sleep(None)
        return 0 if "/ready" in process.files else 2

    engine.on_exec("check", check)
    with contextlib.closing(FakeDockerClient(engine)) as client:
        container = client.containers.run(
            "base",
            detach=True,
            working_dir="/srv",
            healthcheck={"test": ["CMD", "check"], "interval": 10**9, "timeout": 10**7},
        )
        now += 10**9
        container.reload()
        (found,) = container.attrs["State"]["Health"]["Log"]
        assert (container.health, found["ExitCode"], found["Output"]) == (
            "healthy",
            0,
            "80\n/srv\n",
        )
        container.put_archive("/", pack({"slow": ""}))
        now += 10**9
        container.reload()
        found = container.attrs["State"]["Health"]["Log"][-1]
        assert found["ExitCode"] == -1
        assert found["Output"] == "Health check exceeded timeout (10ms)"


def test_who_looks_while_a_health_check_is_at_work_does_not_wait() -> None:
    """A check may even look at its own container."""
    now = 1_700_000_000_000_000_000
    engine = FakeDockerEngine(clock=lambda: now)
    engine.seed_image("base", cmd=["serve"])
    engine.on_container(service=True)
    seen: list[str] = []
    with contextlib.closing(FakeDockerClient(engine)) as client:
        container = client.containers.create(
            "base", healthcheck={"test": ["CMD", "false"], "interval": 10**9, "retries": 1}
        )

        def check(_process: Process) -> int:
            container.reload()
            seen.append(container.health)
            return 0

        engine.on_exec("false", check)
        container.start()
        now += 10**9
        container.reload()
        assert (seen, container.health) == (["starting"], "healthy")


@pytest.mark.parametrize(
    ("test", "health"),
    [
        (["CMD", "true"], "healthy"),
        (["CMD", "false"], "unhealthy"),
        (["CMD-SHELL", "exit 1"], "unhealthy"),
        (["CMD-SHELL", "exit 0"], "healthy"),
    ],
)
def test_a_health_check_does_what_it_says(test: list[str], health: str) -> None:
    """What needs no rule in a container needs none as a check."""
    now = 1_700_000_000_000_000_000
    engine = FakeDockerEngine(clock=lambda: now)
    engine.seed_image("base", cmd=["sleep", "infinity"])
    with contextlib.closing(FakeDockerClient(engine)) as client:
        check = {"test": test, "interval": 10**9, "retries": 1}
        container = client.containers.run("base", detach=True, healthcheck=check)
        now += 10**9
        container.reload()
        assert container.health == health
        container.remove(force=True)


def test_a_command_has_the_variables_that_an_engine_gives_it(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """What a command is looked for in, its host's name, and the kind of its terminal."""
    engine.seed_image("bare", env={"PATH": "/bin"})
    seen: list[dict[str, str]] = []

    def look(process: Process) -> None:
        seen.append(process.environment)
        process.sleep(None)

    engine.on_container("bare", look)
    engine.on_exec("env", lambda process: seen.append(process.environment))
    container = client.containers.run("bare", detach=True, hostname="db", tty=True)
    container.exec_run("env", tty=False, environment={"A": "1"})
    assert [(one["PATH"], one["HOSTNAME"], one["HOME"], one.get("TERM")) for one in seen] == [
        ("/bin", "db", "/root", "xterm"),
        ("/bin", "db", "/root", None),
    ]
    container.remove(force=True)


def test_what_a_function_does_at_once_is_done_when_the_start_answers(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """What it prints and how it ends, or what it does before it first waits."""
    engine.on_container("base", lambda process: process.print("done"), command="migrate")

    def serve(process: Process) -> None:
        process.print("listening")
        process.files["/run/pid"] = b"1"
        process.sleep(None)

    engine.on_container("base", serve, command="serve")
    ended = client.containers.run("base", ["migrate"], detach=True)
    assert ended.logs() == b"done\n"
    ended.reload()
    assert ended.status == "exited"
    serving = client.containers.run("base", ["serve"], detach=True)
    assert serving.logs() == b"listening\n"
    _, stat = serving.get_archive("/run/pid")
    assert stat is not None
    assert stat["size"] == 1


def test_a_port_belongs_to_one_container(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """The second container that wants a port of the host does not start."""
    engine.on_container("base", service=True)
    ports: dict[str, int | list[int] | tuple[str, int] | None] = {"80/tcp": 5000}
    first = client.containers.run("base", detach=True, ports=ports)
    second = client.containers.create("base", ports=ports)
    with pytest.raises(docker.errors.APIError, match="port is already allocated"):
        second.start()
    first.remove(force=True)
    second.start()
    assert second.logs() == b""


def test_exec_follows_its_own_rules(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """Output, exit code and the files it writes."""
    engine.on_container("base", service=True)
    engine.on_exec("touch *", files={"/made": "x"})
    engine.on_exec("ls", output="made\n", exit_code=2)
    container = client.containers.run("base", detach=True)
    assert container.exec_run("touch /made").exit_code == 0
    assert container.exec_run("ls") == (2, b"made\n")
    assert {"Path": "/made", "Kind": 1} in container.diff()
    container.remove(force=True)


def test_files_go_in_and_out_and_into_a_commit(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """Archives are written into the container's own files, which a commit keeps."""
    container = client.containers.create("base")
    container.put_archive("/", pack({"etc/new": "content"}))
    stream, stat = container.get_archive("/etc/new")
    assert stat is not None
    assert stat["name"] == "new"
    assert b"content" in b"".join(stream)
    image = container.commit("kept", "1", changes="ENV B=2")
    assert engine.image_tree("kept:1")["etc/new"].data == b"content"
    assert "B=2" in image.attrs["Config"]["Env"]


def test_names_conflict(client: FakeDockerClient) -> None:
    """A second container of one name is refused in the engine's words."""
    first = client.containers.create("base", name="same")
    with pytest.raises(docker.errors.APIError, match="is already in use by container") as caught:
        client.containers.create("base", name="same")
    assert caught.value.status_code == 409
    first.rename("other")
    assert client.containers.get("other").id == first.id


def test_an_image_in_use_is_not_removed(client: FakeDockerClient) -> None:
    """Removing it by name needs force while a container was made from it."""
    client.containers.create("base")
    with pytest.raises(docker.errors.APIError, match="is using its referenced image"):
        client.images.remove("base")


def test_what_is_not_there_is_not_found(client: FakeDockerClient) -> None:
    """The SDK tells a missing container, network and volume."""
    for look in (client.containers.get, client.networks.get, client.volumes.get):
        with pytest.raises(docker.errors.NotFound):
            look("nope")


@pytest.mark.parametrize(("own", "missed"), [(None, "all"), ("two", "two"), ("local", "all")])
def test_a_mount_s_own_driver_comes_first(
    client: FakeDockerClient, own: str | None, missed: str
) -> None:
    """That of all volumes of a container holds for a mount which names none but the default."""
    driver = docker.types.DriverConfig(own) if own else None
    mount = docker.types.Mount("/data", "vol", driver_config=driver)
    with pytest.raises(docker.errors.NotFound, match=f'plugin "{missed}" not found'):
        client.containers.create("base", mounts=[mount], volume_driver="all")


def test_networks_and_volumes_come_and_go(client: FakeDockerClient) -> None:
    """Enough of them for tools that make their own."""
    network = client.networks.create("net", labels={"l": "1"})
    volume = client.volumes.create("vol")
    assert [n.name for n in client.networks.list(filters={"label": "l=1"})] == ["net"]
    container = client.containers.create("base", network="net", volumes=["vol:/data"])
    assert list(container.attrs["NetworkSettings"]["Networks"]) == ["net"]
    container.remove()
    network.remove()
    volume.remove()
    assert client.volumes.list() == []


def test_events_are_told(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """What happened can be read afterwards, over the API and on the engine."""
    container = client.containers.create("base", name="seen")
    container.remove()
    actions = [event["Action"] for event in engine.events if event["Type"] == "container"]
    assert actions == ["create", "destroy"]
    told = client.events(since=0, until=1, decode=True)
    assert list(told) == []


def test_an_endpoint_the_double_lacks_says_so(client: FakeDockerClient) -> None:
    """501, and the name of the route."""
    with pytest.raises(docker.errors.APIError, match="does not implement POST /swarm") as caught:
        client.swarm.init()
    assert caught.value.status_code == 501


def test_input_is_read_away(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """Whatever a client sends to a container arrives, though nobody looks at it."""
    engine.seed_image("base:1", cmd=["cat"])
    engine.on_container("base", output="said\n")
    container = client.containers.create("base:1", stdin_open=True)
    attached: Any = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    connection = attached._sock
    container.start()
    for _ in range(20):
        connection.sendall(b"x" * 50_000)
    assert container.wait()["StatusCode"] == 0
    received = b""
    while piece := connection.recv(100):
        received += piece
    attached._response.close()  # what it was taken from, or that is closed after it
    assert received.endswith(b"said\n")


@pytest.mark.parametrize("version", VERSIONS)
def test_one_that_removes_itself_tells_its_end_first(version: str) -> None:
    """The request after `run(detach=True)` finds the container; afterwards it is gone."""
    engine = FakeDockerEngine(version)
    engine.seed_image("base")
    engine.on_container("base", command="job", output="done\n", exit_code=3)
    client = FakeDockerClient(engine)
    container = client.containers.run("base", ["job"], detach=True, auto_remove=True)
    assert container.logs() == b"done\n"
    assert container.wait()["StatusCode"] == 3
    assert client.containers.list(all=True) == []
    client.close()


def test_who_waits_for_removal_is_told_at_once(client: FakeDockerClient) -> None:
    """The container does not stay for the sake of a request that is there already."""
    container = client.containers.create("base", ["x"], auto_remove=True)
    url = f"{client.api.base_url}/containers/{container.id}/wait"
    waiting = client.api.post(url, params={"condition": "removed"}, stream=True)
    container.start()
    assert waiting.json()["StatusCode"] == 0
    with pytest.raises(docker.errors.NotFound):
        container.reload()


def _connect(container: Container) -> socket.socket:
    container.reload()
    binding = container.ports["80/tcp"]
    assert binding is not None
    return socket.create_connection(("127.0.0.1", int(binding[0]["HostPort"])), timeout=5)


def test_nobody_answers_at_a_published_port(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """The port is held, so that no other program answers, and connections are refused."""
    engine.on_container("base", service=True)
    container = client.containers.run("base", detach=True, ports={"80/tcp": None})
    with pytest.raises(ConnectionRefusedError):
        _connect(container)
    binding = container.ports["80/tcp"]
    assert binding is not None
    port = int(binding[0]["HostPort"])
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    container.stop()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_a_rule_answers_at_the_published_ports(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """Its function gets each connection, until the container ends."""
    engine.on_container("base", service=True, answers=lambda c: c.sendall(b"hi " + c.recv(9)))
    container = client.containers.run("base", detach=True, ports={"80/tcp": None})
    with _connect(container) as connection:
        connection.sendall(b"you")
        assert connection.makefile("rb").read() == b"hi you"
    container.stop()
    container.start()
    engine.reset()
    with pytest.raises(docker.errors.NotFound):
        container.reload()


def test_a_port_of_another_program_is_allocated_already(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """As a port of another container is, and the container does not start."""
    engine.on_container("base", service=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(docker.errors.APIError, match="port is already allocated"):
            client.containers.run("base", detach=True, ports={"80/tcp": port})


def test_the_files_of_a_rule_go_into_the_volume(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """Another container with the same volume has them."""
    engine.on_container("base", command="dump", files={"/data/dump.sql": "x"})
    client.containers.run("base", ["dump"], volumes=["dumps:/data"])
    other = client.containers.create("base", volumes=["dumps:/elsewhere"])
    _, stat = other.get_archive("/elsewhere/dump.sql")
    assert stat is not None
    assert stat["size"] == 1
    assert [change["Path"] for change in other.diff()] == ["/elsewhere"]


def test_seeds_have_what_base_images_have(client: FakeDockerClient, build: Build) -> None:
    """Folders and accounts of Debian, so that owners and temporary files are found."""
    client.engine.seed_image("debian:1")
    build(
        "FROM debian:1\nCOPY --chown=www-data a /srv/\nCOPY --chown=nobody a /tmp/\n",
        {"a": ""},
        tag="x",
    )
    files = client.engine.image_tree("x")
    assert (files["/srv/a"].uid, files["/tmp/a"].gid) == (33, 65534)
    assert (files["/tmp"].mode, files["/root"].mode) == (0o1777, 0o700)


def test_accounts_that_a_step_would_make_are_seeded(client: FakeDockerClient, build: Build) -> None:
    """Without them the failure says how; nothing was executed."""
    dockerfile = "FROM some:1\nRUN adduser app\nCOPY --chown=app:app a /home/app/\n"
    client.engine.seed_image("some:1")
    with pytest.raises(docker.errors.BuildError, match=r"no such user: app \(.*accounts="):
        build(dockerfile, {"a": ""})
    client.engine.seed_image("some:1", accounts=["app"])
    build(dockerfile, {"a": ""}, tag="x")
    assert client.engine.image_tree("x")["/home/app/a"].uid == 1000


def test_names_are_found_where_a_test_has_patched_what_is_random(
    client: FakeDockerClient, engine: FakeDockerEngine, mocker: MockerFixture
) -> None:
    """The same words each time get a number."""
    mocker.patch("random.choice", return_value="same")
    engine.seed_image("base")
    names = [client.containers.create("base", "x").name for _ in range(3)]
    assert names == ["same_same", "same_same1", "same_same2"]


def test_a_command_is_named(engine: FakeDockerEngine) -> None:
    """Two patterns in a row are an error that says how the second is given."""
    with pytest.raises(TypeError, match=r"is given by name, as in command="):
        engine.on_container("base", "serve")  # type: ignore[arg-type]  # the slip in question
