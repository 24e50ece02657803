"""Containers, execs and health checks that an emulated shell evaluates."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import docker.errors
import docker.types
import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.clock import ManualClock
from fakes.emulation.process import Bounds
from fakes.shell import emulated_machine
from fakes.shell.emulated_machine import EmulatedMachine


def _run(client: FakeDockerClient, command: Any, image: str = "busybox", **options: Any) -> str:
    """What a container prints that is removed again."""
    return str(client.containers.run(image, command, remove=True, **options).decode())


def test_what_a_command_prints(client: FakeDockerClient) -> None:
    """Files with owners are there for the commands behind it."""
    script = "mkdir /app && chown 1:2 /app && stat -c '%a %u:%g %n' /app && cat /etc/hostname"
    assert _run(client, ["sh", "-c", script], hostname="box") == "755 1:2 /app\nbox\n"


def test_exit_codes_and_both_streams(client: FakeDockerClient) -> None:
    """A failing command has its code, and what it said to standard error."""
    container = client.containers.run(
        "busybox", ["sh", "-c", "echo out; echo err >&2; exit 4"], detach=True
    )
    assert container.wait()["StatusCode"] == 4
    assert container.logs(stdout=True, stderr=False) == b"out\n"
    assert container.logs(stdout=False, stderr=True) == b"err\n"


def test_user_folder_variables_and_groups(client: FakeDockerClient) -> None:
    """A command runs as it was asked for."""
    said = _run(
        client,
        ["sh", "-c", "echo $A $HOME $HOSTNAME; pwd; id; touch x 2>&1; true"],
        "debian:12",
        user="daemon",
        working_dir="/srv/deep",
        environment={"A": "1"},
        hostname="box",
        group_add=["audio", "1234"],
    )
    assert said.splitlines() == [
        "1 /usr/sbin box",
        "/srv/deep",
        "uid=1(daemon) gid=1(daemon) groups=1(daemon),29(audio),1234",
        "touch: cannot touch 'x': Permission denied",
    ]


def test_execs_share_the_containers_processes_and_files(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """An exec sees what the container's command wrote, and its process 1."""
    container = client.containers.run(
        "busybox",
        ["sh", "-c", "trap 'exit 9' TERM; echo hi > /x; while :; do sleep 0.02; done"],
        detach=True,
    )
    assert container.exec_run("cat /x").output == b"hi\n"
    assert (
        container.exec_run(
            ["sh", "-c", "echo $A >> /x; pwd"], environment={"A": "2"}, workdir="/tmp"
        ).output
        == b"/tmp\n"
    )
    assert container.exec_run("cat /x", user="nobody") == (0, b"hi\n2\n")
    container.exec_run("kill 1")
    assert container.wait()["StatusCode"] == 9
    assert engine.containers.find(str(container.id)).executed == "shell"


def test_an_exec_that_cannot_start(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """The runtime's words come in place of its output."""
    engine.seed_image("other", files={"/bin/x": ""})
    container = client.containers.run("busybox", "sleep 100", detach=True)
    code, said = container.exec_run("cat /etc/passwd", workdir="/nowhere")
    assert code == 127
    assert b'chdir to cwd ("/nowhere") set in config.json failed: no such file' in said
    container.remove(force=True)


def test_a_container_that_cannot_start(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """It says why, has the runtime's exit code, and holds nothing of its network."""
    engine.on_run("make", files={"/etc/x": ""})
    container = client.containers.create("debian:12", ["/etc/passwd"])
    with pytest.raises(docker.errors.APIError, match='exec: "/etc/passwd": permission denied'):
        container.start()
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 126
    assert container.status == "created"
    assert client.networks.list(names=["bridge"], greedy=True)[0].containers == []


@pytest.mark.parametrize(
    ("command", "options", "code"),
    [
        pytest.param("sleep infinity", {}, 137, id="process-1-does-not-mind"),
        pytest.param("sleep infinity", {"init": True}, 143, id="behind-init"),
        pytest.param(
            ["sh", "-c", "trap 'echo bye; exit 3' TERM; while :; do sleep 0.01; done"],
            {},
            3,
            id="trap",
        ),
        pytest.param(["sh", "-c", "sleep 100 & wait"], {}, 137, id="shell-without-trap"),
    ],
)
def test_stop(client: FakeDockerClient, command: Any, options: Any, code: int) -> None:
    """The stop signal ends what minds it; all else is killed, at once where nobody minds."""
    container = client.containers.run("busybox", command, detach=True, **options)
    began = time.monotonic()
    container.stop(timeout=100)
    assert container.wait()["StatusCode"] == code
    assert time.monotonic() - began < 90
    assert container.status != "running"


def test_signals(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """A trap hears a signal and goes on; what kills cannot be heard."""
    script = "trap 'echo usr' USR1; echo ready; while :; do sleep 0.01; done"
    container = client.containers.run("busybox", ["sh", "-c", script], detach=True)
    _until_printed(container, b"ready")
    container.kill("USR1")
    _until_printed(container, b"usr")
    container.kill("HUP")
    container.kill()
    assert container.wait()["StatusCode"] == 137
    kills = [
        event["Actor"]["Attributes"]["signal"]
        for event in engine.events
        if event["Action"] == "kill"
    ]
    assert kills == ["10", "1", "9"]


def _until_printed(container: Any, text: bytes) -> None:
    deadline = time.monotonic() + 20
    while text not in container.logs():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_output_comes_in_pieces(client: FakeDockerClient) -> None:
    """Who follows a container sees each line before the next is there."""
    script = "for i in 1 2 3; do echo $i; sleep 0.05; done"
    container = client.containers.create("busybox", ["sh", "-c", script])
    stream = container.attach(stream=True)
    container.start()
    assert list(stream) == [b"1\n", b"2\n", b"3\n"]


def test_standard_input(client: FakeDockerClient) -> None:
    """What a client sends is read; its end ends the reader."""
    container = client.containers.create(
        "busybox", ["sh", "-c", "read a; echo got $a; cat"], stdin_open=True
    )
    connection: Any = client.api.attach_socket(str(container.id), {"stdin": 1, "stream": 1})
    container.start()
    connection._sock.sendall(b"one\ntwo\n")
    connection._sock.shutdown(1)
    container.wait()
    assert container.logs() == b"got one\ntwo\n"
    connection._response.close()  # what it was taken from, or that is closed after it


_SHELLS = pytest.mark.parametrize(
    ("image", "shell"), [("busybox", "sh"), ("debian:12", "dash"), ("debian:12", "bash")]
)


def _fed(
    client: FakeDockerClient, image: str, shell: str, pieces: list[tuple[bytes, bytes]]
) -> Any:
    """A shell that has ended; each piece of its script is sent when the one before has printed."""
    container = client.containers.create(image, [shell], stdin_open=True)
    connection: Any = client.api.attach_socket(str(container.id), {"stdin": 1, "stream": 1})
    container.start()
    for piece, printed in pieces:
        connection._sock.sendall(piece)
        _until_printed(container, printed)
    connection._sock.shutdown(1)
    container.wait(timeout=20)
    connection._response.close()
    return container


@_SHELLS
def test_a_script_of_standard_input_is_done_as_it_comes(
    client: FakeDockerClient, image: str, shell: str
) -> None:
    """Each command when it is whole: what is not closed waits for its end."""
    pieces = [
        (b"echo one\n", b"one\n"),
        (b"echo two; if true\n", b""),
        (b"then echo 'th\nree'; fi\n", b"th\nree\n"),
        (b"cat <<E\nfour\n", b""),
        (b"E\necho fi\\\n", b"four\n"),
        (b"ve; read x\n", b"five\n"),
        (b"six\necho $x\n", b"six\n"),
        (b"# nothing\n\nexit 7; echo never", b""),
    ]
    container = _fed(client, image, shell, pieces)
    assert container.logs() == b"one\ntwo\nth\nree\nfour\nfive\nsix\n"
    assert container.wait()["StatusCode"] == 7


@_SHELLS
def test_programs_read_on_where_the_shell_stopped(
    client: FakeDockerClient, image: str, shell: str
) -> None:
    """With bash from the next line; the others have read all that was there."""
    container = _fed(client, image, shell, [(b"cat\necho hi\n", b"")])
    assert container.logs() == (b"echo hi\n" if shell == "bash" else b"hi\n")


@_SHELLS
def test_what_is_never_closed_is_an_error_at_the_end(
    client: FakeDockerClient, image: str, shell: str
) -> None:
    """The commands before it were done."""
    container = _fed(client, image, shell, [(b"echo one\nif true\n", b"one\n")])
    assert container.wait()["StatusCode"] == 2
    assert b"yntax error" in container.logs(stdout=False)


def test_mounts(client: FakeDockerClient, engine: FakeDockerEngine, tmp_path: Path) -> None:
    """Volumes, memory and folders of this machine are where they were mounted, as they were."""
    (tmp_path / "in").write_text("host\n")
    options: dict[str, Any] = {
        "volumes": {
            "data": {"bind": "/data", "mode": "rw"},
            str(tmp_path): {"bind": "/host", "mode": "rw"},
        },
        "tmpfs": {"/run": ""},
    }
    script = (
        "echo v > /data/a; cat /host/in; echo c > /host/out; chmod 600 /host/out; "
        "mv /host/in /host/moved; echo m > /run/b; ls /run /host"
    )
    assert _run(client, ["sh", "-c", script], **options) == "host\n/host:\nmoved\nout\n\n/run:\nb\n"
    assert (tmp_path / "out").read_text() == "c\n"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moved", "out"]
    assert _run(client, "cat /data/a", volumes=options["volumes"]) == "v\n"
    assert _run(client, "ls /run", **options) == ""


def test_read_only(client: FakeDockerClient, tmp_path: Path) -> None:
    """Nothing is written where nothing may be."""
    (tmp_path / "f").write_text("kept")
    script = (
        "echo x > /host/f; rm /host/f; touch /host/g; chmod 1 /host/f; touch /new; "
        "echo y > /run/a && cat /run/a"
    )
    container = client.containers.run(
        "busybox",
        ["sh", "-c", script],
        detach=True,
        read_only=True,
        tmpfs={"/run": ""},
        volumes={str(tmp_path): {"bind": "/host", "mode": "ro"}},
    )
    container.wait()
    assert container.logs(stdout=True, stderr=False) == b"y\n"
    assert container.logs(stdout=False, stderr=True).count(b"Read-only file system") == 5
    assert (tmp_path / "f").read_text() == "kept"


def test_archives_and_commits_of_a_running_container(client: FakeDockerClient) -> None:
    """What is copied in is seen at once, and what was written can be copied out and committed."""
    container = client.containers.run(
        "busybox", "sleep 100", detach=True, volumes={"vol": {"bind": "/v", "mode": "rw"}}
    )
    container.exec_run(["sh", "-c", "mkdir /made; echo 1 > /made/a; echo 2 > /v/b"])
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("c")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"3\n"))
    container.put_archive("/v", packed.getvalue())
    container.put_archive("/made", packed.getvalue())
    assert container.exec_run("cat /made/a /made/c /v/b /v/c").output == b"1\n3\n2\n3\n"
    assert {"Path": "/made/a", "Kind": 1} in container.diff()
    image = container.commit("made", "1")
    container.remove(force=True)
    assert _run(client, "cat /made/a", image.tags[0]) == "1\n"


def test_rules_go_before_and_do_what_the_shell_does_not_know(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """A rule for the whole command, or for one command of a script."""
    engine.on_container(command="cat /etc/passwd", output="ruled\n")
    engine.on_container(command="curl *", output="page\n", files={"/page": "p"})
    assert _run(client, "cat /etc/passwd") == "ruled\n"
    assert _run(client, ["sh", "-c", "curl -s x | tr a-z A-Z; cat /page"]) == "PAGE\np"
    engine.on_exec("psql *", output="1 row\n", exit_code=2)
    container = client.containers.run("busybox", "sleep 100", detach=True)
    assert container.exec_run(["sh", "-c", "psql -c x; echo $?"]).output == b"1 row\n2\n"
    assert engine.unused_rules() == []
    container.remove(force=True)


def test_what_nobody_knows_is_said(client: FakeDockerClient, engine: FakeDockerEngine) -> None:
    """A command that is only recorded says so in the log, and the container ends well."""
    container = client.containers.run("busybox", "psql --version", detach=True)
    assert container.wait()["StatusCode"] == 0
    assert b"nothing was executed of 'psql --version'" in container.logs()
    assert engine.containers.find(str(container.id)).executed is None
    container = client.containers.run("busybox", ["sh", "-c", "psql -l && echo on"], detach=True)
    container.wait()
    assert container.logs(stderr=False) == b"on\n"
    assert b"nothing was executed of 'psql -l'" in container.logs(stdout=False)


def test_what_nobody_knows_can_be_refused() -> None:
    """Of a whole command the start is refused; in a script the command is ended there."""
    engine = FakeDockerEngine(execute="shell", container_policy="refuse", exec_policy="refuse")
    engine.seed_image("busybox")
    client = FakeDockerClient(engine)
    try:
        assert client.containers.run("busybox", "echo known") == b"known\n"
        with pytest.raises(docker.errors.APIError, match=r"no on_container\(\) rule"):
            client.containers.run("busybox", "psql")
        container = client.containers.run(
            "busybox", ["sh", "-c", "echo a; psql; echo b"], detach=True
        )
        assert container.wait()["StatusCode"] == 137
        assert container.logs(stderr=False) == b"a\n"
        assert b"no on_container() rule is meant for 'psql'" in container.logs(stdout=False)
        container = client.containers.run("busybox", "sleep 100", detach=True)
        code, said = container.exec_run(["sh", "-c", "psql; echo never"])
        assert code == 137
        assert b"no on_exec() rule" in said
        assert b"never" not in said
    finally:
        client.close()
        engine.close()


def test_health_checks() -> None:
    """A check is evaluated in the container, and sees what changed there."""
    clock = ManualClock()
    engine = FakeDockerEngine("28.5", execute="shell", clock=clock)
    engine.seed_image("busybox")
    client = FakeDockerClient(engine)
    try:
        container = client.containers.run(
            "busybox",
            "sleep 1000",
            detach=True,
            healthcheck={
                "test": ["CMD-SHELL", "cat /ok || exit 1"],
                "interval": 10**9,
                "retries": 1,
            },
        )
        clock.advance(1.5)
        container.reload()
        assert container.attrs["State"]["Health"]["Status"] == "unhealthy"
        container.exec_run(["sh", "-c", "echo fine > /ok"])
        clock.advance(1)
        container.reload()
        assert container.attrs["State"]["Health"]["Status"] == "healthy"
        assert container.attrs["State"]["Health"]["Log"][-1]["Output"] == "fine\n"
    finally:
        engine.close()
        client.close()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("yes", "100 lines of output", id="output"),
        pytest.param("while :; do :; done", "1000 steps without waiting", id="loop"),
        pytest.param("f() { f; }; f", "within each other", id="functions"),
    ],
)
def test_bounds(
    client: FakeDockerClient, script: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no end is ended, and says what it did too much of."""
    monkeypatch.setattr(emulated_machine, "_MOST_LINES", 100)
    monkeypatch.setattr(emulated_machine, "_BOUNDS", Bounds(steps=1000))
    container = client.containers.run("busybox", ["sh", "-c", script], detach=True)
    assert container.wait()["StatusCode"] == 137
    assert words in container.logs(tail=1).decode()


def test_restarts_begin_anew(client: FakeDockerClient) -> None:
    """A restarted container has new processes, and the files that it had."""
    container = client.containers.run(
        "busybox", ["sh", "-c", "echo x >> /n; wc -l < /n; sleep 100"], detach=True
    )
    _until_printed(container, b"1")
    container.restart(timeout=0)
    _until_printed(container, b"2")
    container.remove(force=True)


def test_hosts_of_a_container(client: FakeDockerClient) -> None:
    """Names that were added, those of links, and its own."""
    other = client.containers.run("busybox", "sleep 100", name="db", hostname="dbhost", detach=True)
    other.reload()
    address = other.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    said = _run(
        client,
        "cat /etc/hosts",
        extra_hosts={"api": "10.1.2.3"},
        links={"db": "store"},
        hostname="box",
    )
    assert "10.1.2.3\tapi\n" in said
    assert f"{address}\tstore dbhost db\n" in said
    assert said.endswith("\tbox\n")
    other.remove(force=True)


def test_variables_of_links(client: FakeDockerClient) -> None:
    """A command finds by them what it is linked to."""
    other = client.containers.run(
        "busybox", "sleep 100", name="db", environment={"X": "1"}, detach=True
    )
    said = _run(client, "env", links={"db": "my-store"}, name="app")
    assert {"MY_STORE_NAME=/app/my-store", "MY_STORE_ENV_X=1"} <= set(said.splitlines())
    other.remove(force=True)


def test_a_part_of_a_volume(client: FakeDockerClient) -> None:
    """A sub-path is mounted alone."""
    _run(
        client,
        ["sh", "-c", "mkdir -p /v/sub; echo in > /v/sub/f"],
        volumes={"vol": {"bind": "/v", "mode": "rw"}},
    )
    mount = docker.types.Mount("/part", "vol")
    mount["VolumeOptions"] = {"Subpath": "sub"}  # which an older SDK has no word for
    assert _run(client, "cat /part/f", mounts=[mount]) == "in\n"


def test_lists_of_processes(client: FakeDockerClient) -> None:
    """`top` runs until it is stopped, and `ps` of an exec sees it."""
    container = client.containers.run("busybox", "top", detach=True)
    _until_printed(container, b"PID   USER")
    output = container.exec_run("ps").output
    assert isinstance(output, bytes)
    said = output.decode().splitlines()
    assert [line.split()[0] for line in said] == ["PID", "1", "2"]
    assert said[1].endswith("top")
    assert container.exec_run("top -b -n 1 -d 1").exit_code == 0
    container.stop()
    assert container.wait()["StatusCode"] == 137


def test_an_exec_waits_for_the_first_process(
    client: FakeDockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that was started has its process 1, also where that one's thread is late."""
    asked = threading.Event()
    real = EmulatedMachine.run

    def run(machine: EmulatedMachine, *arguments: Any, is_first: bool = False, **more: Any) -> int:
        if is_first:
            asked.wait(10)
        else:
            asked.set()
        return real(machine, *arguments, is_first=is_first, **more)

    monkeypatch.setattr(EmulatedMachine, "run", run)
    container = client.containers.run("busybox", "sleep 100", detach=True)
    assert container.exec_run(["sh", "-c", "kill 1; echo $?"]).output == b"0\n"
    container.remove(force=True)


def test_execs_beside_a_process_that_a_rule_stands_for(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """They see it as process 1, which hears no signal from within, as a real one without traps."""
    engine.on_container("busybox", command="serve *", service=True)
    container = client.containers.run("busybox", "serve --port 1", detach=True)
    assert container.exec_run(["sh", "-c", "kill 1; echo $?"]).output == b"0\n"
    assert container.exec_run(["sh", "-c", "kill -9 1; echo $?"]).output == b"0\n"
    assert b"    1 root      0:00 serve --port 1\n" in container.exec_run("ps").output
    assert container.exec_run("pidof serve").output == b"1\n"
    container.reload()
    assert container.status == "running"
    container.kill()
    assert container.wait()["StatusCode"] == 137


def test_execs_beside_the_runtimes_init(client: FakeDockerClient) -> None:
    """It is process 1, and the container's own command the next one."""
    container = client.containers.run("busybox", "sleep 60", detach=True, init=True)
    printed = container.exec_run("ps").output
    assert isinstance(printed, bytes)
    seen = printed.splitlines()
    assert seen[1].split()[:2] == [b"1", b"root"]
    assert seen[1].endswith(b"/sbin/docker-init -- sleep 60")
    assert seen[2].endswith(b"sleep 60")
    container.kill()


_COUNTING = "trap 'echo ended; exit 3' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"


def _last_number(container: Any) -> int:
    return int(container.logs().split()[-1])


def test_a_paused_container_makes_no_progress(client: FakeDockerClient) -> None:
    """It goes on where it was once it is unpaused."""
    container = client.containers.run("busybox", ["sh", "-c", _COUNTING], detach=True)
    _until_printed(container, b"2\n")
    container.pause()
    before = _last_number(container)
    time.sleep(0.1)
    # It may have been about to do one thing more.
    assert _last_number(container) <= before + 1
    container.unpause()
    _until_printed(container, b"%d\n" % (before + 3))
    container.remove(force=True)


@pytest.mark.parametrize(("number", "code"), [("TERM", 3), ("KILL", 137)])
def test_a_paused_container_can_be_killed(client: FakeDockerClient, number: str, code: int) -> None:
    """The engine lets it go on, so that it hears the signal."""
    container = client.containers.run("busybox", ["sh", "-c", _COUNTING], detach=True)
    _until_printed(container, b"2\n")
    container.pause()
    container.kill(number)
    assert container.wait(timeout=20)["StatusCode"] == code


def test_a_paused_container_can_be_stopped(client: FakeDockerClient) -> None:
    """It hears the stop signal, as if it had run."""
    container = client.containers.run("busybox", ["sh", "-c", _COUNTING], detach=True)
    _until_printed(container, b"2\n")
    container.pause()
    container.stop()
    container.reload()
    assert (container.status, container.attrs["State"]["ExitCode"]) == ("exited", 3)
    assert container.logs().endswith(b"ended\n")


def test_a_signal_that_is_not_the_stop_signal_waits(client: FakeDockerClient) -> None:
    """A container that names its stop signal stays paused at another one."""
    script = "trap 'echo got' USR1; echo on; while :; do sleep 0.01; done"
    container = client.containers.run(
        "busybox", ["sh", "-c", script], detach=True, stop_signal="SIGTERM"
    )
    _until_printed(container, b"on\n")
    container.pause()
    container.kill("USR1")
    container.reload()
    assert container.status == "paused"
    container.unpause()
    _until_printed(container, b"got\n")
    container.remove(force=True)


def test_bash_that_traps_its_exit_ends_by_signals(client: FakeDockerClient) -> None:
    """As process 1, too: it has asked for them to be able to do what the trap says."""
    script = "trap 'echo bye' EXIT; echo up; sleep 60; echo never"
    container = client.containers.run("debian:12", ["bash", "-c", script], detach=True)
    _until_printed(container, b"up\n")
    container.stop()
    assert container.wait()["StatusCode"] == 143
    assert container.logs() == b"up\nbye\n"
