"""The ways to a daemon: by ssh, in a container, in a pod, and as builders of `docker buildx`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from authority import Authority
from exec_engine import ExecEngine, frame
from hypothesis import given
from hypothesis import strategies as st
from stand_in_command import calls, write_command

from fakes import FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from imagebuilders import BuildContext, BuildKitImageBuilder
from imagebuilders.buildkit import connect
from imagebuilders.buildkit.build import ImageBuild, build_image
from imagebuilders.buildkit.buildx_builders import builder_daemons
from imagebuilders.buildkit.daemon import Daemon, open_daemon
from imagebuilders.buildkit.daemon_choice import configured_daemons
from imagebuilders.buildkit.session.synced_folders import PackedFolder
from imagebuilders.connections.container_exec import ContainerExecError, Framed
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.exceptions import BuildKitError, BuildOptionsError, ConfigurationError

_FILE = Entry("a", EntryType.FILE, size=300_000, source=b"x" * 300_000)


def _script(build: ScriptedBuild) -> Mapping[str, str]:
    content = build.session.copy("context")["a"].content or b""
    build.step("[1/1] RUN wc", output=b"y" * 200_000)
    return {"size": str(len(content))}


@pytest.fixture
def daemon() -> Iterator[str]:
    """The address of a daemon that asks for a file and prints much."""
    with ScriptedBuildKit(_script, containerd_store=True).serve() as address:
        yield address


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that come first."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def _builds_with(daemon: str | Daemon) -> bool:
    """Build by a daemon, and return whether all bytes went both ways."""
    build = ImageBuild("app:1", {}, {"context": PackedFolder.of([_FILE])})
    opened = connect(daemon) if isinstance(daemon, str) else open_daemon(daemon, 10)
    with opened as client:
        return build_image(client, build, lambda _: None) == {"size": "300000"}


# --- commands ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("kube-pod://builder-0", ["exec", "-i", "builder-0"]),
        (
            "kube-pod://builder-0?namespace=ci&container=buildkitd&context=east",
            [
                "--context=east",
                "--namespace=ci",
                "exec",
                "--container=buildkitd",
                "-i",
                "builder-0",
            ],
        ),
    ],
)
def test_a_pod_is_reached_by_kubectl(
    daemon: str, programs: Path, address: str, arguments: list[str]
) -> None:
    """As `kubectl exec … buildctl dial-stdio`; nothing of it is left afterwards."""
    log = write_command(programs, "kubectl", daemon)
    assert _builds_with(address)
    assert calls(log) == [[*arguments, "--", "buildctl", "dial-stdio"]]


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("ssh://me@far:2222", "buildctl dial-stdio"),
        ("ssh://far/run/b.sock", "buildctl --addr unix:///run/b.sock dial-stdio"),
    ],
)
def test_a_host_is_reached_by_ssh(daemon: str, programs: Path, address: str, remote: str) -> None:
    """By the command of the user's own, and its settings."""
    log = write_command(programs, "ssh", daemon)
    assert _builds_with(address)
    (arguments,) = calls(log)
    assert arguments[-2:] == ["far", remote]


def test_what_a_command_says_stands_in_the_error(programs: Path, tmp_path: Path) -> None:
    """It is all that is known of why."""
    write_command(programs, "kubectl", f"unix://{tmp_path}/none.sock")
    with pytest.raises(BuildKitError, match=r"kube-pod://gone: .*unable to upgrade connection"):
        connect("kube-pod://gone")


# --- containers --------------------------------------------------------------


def test_a_container_is_reached_by_its_engine(daemon: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the API for commands in containers; no program of Docker's is run."""
    engine = ExecEngine(daemon)
    with engine.serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        assert _builds_with("docker-container://buildkitd")
    (asked,) = engine.commands
    assert asked["Cmd"] == ["buildctl", "dial-stdio"]
    assert asked["AttachStdin"]


@pytest.mark.parametrize(
    ("container", "output", "words"),
    [
        ("gone", None, "No such container"),
        ("buildkitd", frame(2, b"could not\nconnect"), "buildctl in the .* could not connect"),
        ("buildkitd", frame(1, b"OCI runtime exec failed: no buildctl"), "no buildctl"),
        ("buildkitd", b"", "the command buildctl in the container ended"),
    ],
)
def test_a_container_that_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch, container: str, output: bytes | None, words: str
) -> None:
    """The engine's words, or the command's, stand in the error."""
    with ExecEngine("unix:///none", output=output).serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        with pytest.raises(BuildKitError, match=words):
            connect(f"docker-container://{container}")


class _Pieces:
    """A stream from which pieces can be read."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)

    def read_descriptor(self) -> int:
        return -1

    def write_descriptor(self) -> int:
        return -1

    def read(self) -> bytes | None:
        return self._pieces.pop(0) if self._pieces else b""

    def write(self, data: memoryview) -> int:
        return len(data)

    def close(self) -> None:
        pass


class _Reset(_Pieces):
    """A stream that is reset after its pieces, and takes nothing."""

    def read(self) -> bytes | None:
        if not self._pieces:
            raise ConnectionResetError("reset by peer")
        return super().read()

    def write(self, data: memoryview) -> int:
        raise BrokenPipeError("broken pipe")


def test_a_reset_stream_hides_no_words() -> None:
    """What a command said before its end is told, also where the engine resets its stream."""
    stream = Framed(_Reset([frame(2, b"could not connect")]), "buildctl")
    assert stream.write(memoryview(b"PRI")) == 3
    with pytest.raises(ContainerExecError, match="buildctl in the container ended: could not"):
        stream.read()


def test_a_reset_stream_of_a_command_that_printed_is_an_error() -> None:
    """Then the connection broke, and that is what is told."""
    stream = Framed(_Reset([frame(1, b"hello")]), "buildctl")
    assert stream.read() == b"hello"
    with pytest.raises(ConnectionResetError):
        stream.read()
    with pytest.raises(BrokenPipeError):
        stream.write(memoryview(b"PRI"))


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=20)), max_size=8),
    st.integers(1, 30),
)
def test_frames_are_put_together(frames: list[tuple[int, bytes]], size: int) -> None:
    """Whatever the pieces are that they come in; what a command says to nobody is left out."""
    printed = b"".join(data for stream, data in frames if stream == 1)
    sent = b"".join(frame(stream, data) for stream, data in frames)
    stream = Framed(_Pieces([sent[at : at + size] for at in range(0, len(sent), size)]), "x")
    came = b""
    while len(came) < len(printed):
        came += stream.read() or b""
    assert came == printed
    if printed:
        assert stream.read() == b""


# --- builders of docker buildx -------------------------------------------------


@pytest.fixture
def write_builder(docker_config: Path) -> Callable[..., None]:
    """Write the file that `docker buildx create` keeps of a builder."""

    def write(driver: str, *nodes: Mapping[str, object], name: str = "mine") -> None:
        folder = docker_config.parent / "buildx" / "instances"
        folder.mkdir(parents=True, exist_ok=True)
        filled = [
            {
                "Name": f"{name}{number}",
                "Endpoint": "",
                "Platforms": None,
                "DriverOpts": None,
                "Flags": None,
                "Files": None,
                **node,
            }
            for number, node in enumerate(nodes)
        ]
        content = {"Name": name, "Driver": driver, "Nodes": filled, "Dynamic": False}
        (folder / name).write_text(json.dumps(content))

    return write


def test_a_remote_builder(daemon: str, write_builder: Callable[..., None]) -> None:
    """Its nodes have addresses, and may be made for platforms."""
    arm = [{"architecture": "arm64", "os": "linux"}, {"architecture": "arm", "os": "linux"}]
    arm[1]["variant"] = "v7"
    write_builder("remote", {"Endpoint": daemon}, {"Endpoint": "tcp://b:1", "Platforms": arm})
    first, second = builder_daemons("mine")
    assert (first.name, first.platforms) == (daemon, ())
    assert (second.name, second.platforms) == ("tcp://b:1", ("linux/arm64", "linux/arm/v7"))
    assert _builds_with(first)


def test_a_remote_builder_with_tls(tmp_path: Path, write_builder: Callable[..., None]) -> None:
    """The files stand in the options of its driver."""
    authority = Authority(tmp_path)
    client = authority.issue("client")
    context = authority.server_context(authority.issue("server", host="buildkitd.example"))
    daemon = ScriptedBuildKit(_script)
    with daemon.serve("tcp://127.0.0.1:0", tls=context) as address:
        options = {
            "cacert": str(authority.ca),
            "cert": str(client.certificate),
            "key": str(client.key),
            "servername": "buildkitd.example",
        }
        write_builder(
            "remote",
            {"Endpoint": address.replace("127.0.0.1", "localhost"), "DriverOpts": options},
        )
        assert _builds_with(builder_daemons("mine")[0])


def test_a_builder_in_a_container(daemon: str, write_builder: Callable[..., None]) -> None:
    """Its container has a name of buildx's; its engine is the node's, not the user's."""
    engine = ExecEngine(daemon, container="buildx_buildkit_mine0")
    with engine.serve() as docker_host:
        write_builder("docker-container", {"Endpoint": docker_host})
        assert _builds_with(builder_daemons("mine")[0])


def test_a_builder_on_kubernetes(
    daemon: str, programs: Path, write_builder: Callable[..., None]
) -> None:
    """The pods of its deployment that run now, each a daemon."""
    spec = {"containers": [{"name": "buildkitd"}, {"name": "sidecar"}]}
    pods = [
        {"metadata": {"name": name}, "spec": spec, "status": {"phase": phase}}
        for name, phase in (("b-2", "Running"), ("b-1", "Running"), ("b-0", "Pending"))
    ]
    log = write_command(programs, "kubectl", daemon, pods=pods)
    write_builder(
        "kubernetes",
        {
            "Endpoint": "kubernetes:///mine?deployment=mine0&kubeconfig=%2Fetc%2Fkube",
            "DriverOpts": {"namespace": "ci", "replicas": "3"},
        },
    )
    daemons = builder_daemons("mine")
    assert [one.name for one in daemons] == ["kube-pod://b-1", "kube-pod://b-2"]
    assert _builds_with(daemons[1])
    where = ["--kubeconfig=/etc/kube", "--namespace=ci"]
    listed, executed = calls(log)
    assert listed == [*where, "get", "pods", "--selector=app=mine0", "--output=json"]
    assert executed[:6] == [*where, "exec", "--container=buildkitd", "-i", "b-2"]


@pytest.mark.parametrize(
    ("pods", "words"),
    [([], "No pod of the deployment mine0"), ([{}], "is not a list of pods")],
)
def test_no_pod_runs(
    programs: Path, write_builder: Callable[..., None], pods: list[object], words: str
) -> None:
    """The error names the deployment, and what starts its pods."""
    write_command(programs, "kubectl", "unix:///none", pods=pods)  # type: ignore[arg-type]
    write_builder("kubernetes", {"Endpoint": "kubernetes:///mine"})
    with pytest.raises(BuildKitError, match=words):
        builder_daemons("mine")


def test_kubectl_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_builder: Callable[..., None]
) -> None:
    """The error names it."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    write_builder("kubernetes", {"Endpoint": "kubernetes:///mine"})
    with pytest.raises(BuildKitError, match="kubectl cannot be run: no such file"):
        builder_daemons("mine")


@pytest.mark.parametrize("name", ["default", "far"])
def test_a_docker_context_is_a_builder(docker_config: Path, name: str) -> None:
    """The BuildKit of its engine builds."""
    if name == "far":
        import hashlib

        key = hashlib.sha256(name.encode()).hexdigest()
        meta = docker_config.parent / "contexts" / "meta" / key
        meta.mkdir(parents=True)
        content = {"Name": name, "Endpoints": {"docker": {"Host": "tcp://far:1"}}}
        (meta / "meta.json").write_text(json.dumps(content))
    (daemon,) = builder_daemons(name)
    assert daemon.name == f"Docker Engine {name}"


@pytest.mark.parametrize("has_store", [False, True])
def test_an_engine_as_a_builder(
    write_builder: Callable[..., None], tmp_path: Path, has_store: bool
) -> None:
    """Its BuildKit builds; without the containerd image store what it makes is a file or a push."""
    buildkit = ScriptedBuildKit(containerd_store=has_store)
    context = BuildContext()
    context.add_file("FROM base:1\n", "Dockerfile")
    with FakeDockerEngine("28.5", buildkit=buildkit).serve() as docker_host:
        write_builder("docker", {"Endpoint": docker_host})
        builder = BuildKitImageBuilder(builder="mine")
        builder.build("app:1", context, {"outputs": f"type=local,dest={tmp_path}/out"})
        if has_store:
            builder.build("registry.example/app:1", context, {"push": True})
        else:
            with pytest.raises(BuildOptionsError, match="containerd image store"):
                builder.build("registry.example/app:1", context, {"push": True})
    assert len(buildkit.requests) == 1 + has_store


def test_an_unknown_builder(write_builder: Callable[..., None]) -> None:
    """The error lists those that there are."""
    write_builder("remote", {"Endpoint": "tcp://a:1"})
    for name in ("yours", "../instances/mine", ""):
        with pytest.raises(ConfigurationError, match="There is mine") as caught:
            builder_daemons(name)
        assert caught.value.allowed == ("mine",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", "its driver is None"),
        ('{"Driver": "cloud"}', "its driver is 'cloud'"),
        ('{"Driver": "remote"}', "it has no nodes"),
        ('{"Driver": "remote", "Nodes": [1]}', "a node is not an object"),
        ('{"Driver": "remote", "Nodes": [{"Name": "a"}]}', "no endpoint"),
        ('{"Driver": "remote", "Nodes": [{"Name": "a", "Endpoint": "b"}]}', "cannot be used"),
    ],
)
def test_a_file_that_is_damaged(docker_config: Path, content: str, words: str) -> None:
    """The error names what is wrong."""
    folder = docker_config.parent / "buildx" / "instances"
    folder.mkdir(parents=True)
    (folder / "mine").write_text(content)
    with pytest.raises(ConfigurationError, match=words):
        builder_daemons("mine")


def test_what_names_the_daemons(write_builder: Callable[..., None]) -> None:
    """Settings, then `BUILDX_BUILDER`, then `BUILDKIT_HOST`; each address once."""
    write_builder("remote", {"Endpoint": "tcp://mine:1"})
    environ = {**os.environ, "BUILDX_BUILDER": "mine", "BUILDKIT_HOST": "tcp://host:1"}

    def names(*addresses: str, **rest: str) -> list[str]:
        return [one.name for one in configured_daemons(addresses, environ={**environ, **rest})]

    assert names("tcp://a:1", "tcp://b:1", "tcp://a:1") == ["tcp://a:1", "tcp://b:1"]
    assert names() == ["tcp://mine:1"]
    assert names(BUILDX_BUILDER="") == ["tcp://host:1"]
    with pytest.raises(ConfigurationError, match="No BuildKit daemon is named"):
        names(BUILDX_BUILDER="", BUILDKIT_HOST="")
