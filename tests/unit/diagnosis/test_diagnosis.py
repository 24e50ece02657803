"""Broken set-ups, and what is said of each: what is missing, the cure, what to type."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.buildkit import ScriptedBuildKit
from fakes.clock import ManualClock
from imagebuilders import Client, DefaultContainerRegistry, LocalImageBuilder, Stack
from imagebuilders.artifact_stores import LocalArtifactStore
from imagebuilders.buildkit.builder_choice import BuilderSetting
from imagebuilders.buildkit_image_builder import BuildKitImageBuilder
from imagebuilders.diagnosis import Area, Finding, Severity, diagnose, worst
from imagebuilders.distribution import RegistryClient
from imagebuilders.exceptions import BuildKitError, ConnectionFailure, RegistryConnectionError

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

_SECRET = "hunter2"
_GIGABYTE = 10**9


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Path:
    """A user's home without anything, and no engine; the folder is returned."""
    for name in list(os.environ):
        if name.startswith(("IMAGEBUILDERS_", "DOCKER_", "BUILD", "XDG_")):
            monkeypatch.delenv(name)
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.chdir(home)
    mocker.patch.object(shutil, "disk_usage", return_value=shutil._ntuple_diskusage(9, 0, 9**15))
    return home


def _look(area: Area, *registries: str, platform: str | None = None) -> list[Finding]:
    return [one for one in diagnose(registries, platform=platform) if one.area is area]


def _problems(area: Area, *registries: str, platform: str | None = None) -> list[Finding]:
    found = _look(area, *registries, platform=platform)
    return [one for one in found if one.severity in (Severity.WARNING, Severity.ERROR)]


def _config(home: Path, content: object) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (home / ".docker" / "config.json").write_text(text)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens at, and nobody else takes."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def engine_stack(tmp_path: Path) -> Iterator[Callable[..., object]]:
    """Activates a stack that builds with an engine double."""
    with ExitStack() as blocks:

        def activate(builder: BuilderSetting, buildkit: ScriptedBuildKit | None = None) -> None:
            client = FakeDockerClient(FakeDockerEngine("28.5", buildkit=buildkit))
            blocks.callback(client.close)
            store = LocalArtifactStore(path=str(tmp_path / "store"))
            stack = Stack(LocalImageBuilder(docker_client=client, builder=builder), store)
            blocks.enter_context(stack.activate())

        yield activate


# --- what is fine ------------------------------------------------------------


def test_a_whole_set_up(fake_docker_host: str, fake_registry: FakeRegistry) -> None:
    """With an engine and a registry that answer, nothing is an error; each area is told."""
    found = list(diagnose([fake_registry.address]))
    assert not [one for one in found if one.severity is Severity.ERROR]
    assert {one.area for one in found} >= set(Area) - {Area.BUILDKIT}
    told = [one.summary for one in found if one.area is Area.ENGINE]
    assert any(summary.endswith(f"answers at {fake_docker_host}.") for summary in told)


def test_every_problem_has_a_cure() -> None:
    """Whatever is wrong, what to do stands beside it."""
    found = list(diagnose(["registry.invalid:bad"]))
    problems = [one for one in found if one.severity in (Severity.WARNING, Severity.ERROR)]
    assert problems
    assert all(one.cure for one in problems)


def test_the_worst_of_several() -> None:
    """An error counts before a warning, a warning before a note; nothing is fine."""
    one = {severity: Finding(Area.STACK, severity, "") for severity in Severity}
    assert worst([]) is Severity.FINE
    assert worst([one[Severity.NOTE], one[Severity.FINE]]) is Severity.NOTE
    assert worst([one[Severity.WARNING], one[Severity.NOTE]]) is Severity.WARNING
    assert worst([one[Severity.ERROR], one[Severity.WARNING]]) is Severity.ERROR


def test_a_missing_extra_is_a_note(mocker: MockerFixture) -> None:
    """What is not installed is named with the command that installs it."""
    mocker.patch("imagebuilders.diagnosis.program.find_spec", return_value=None)
    (boto3, *_) = (one for one in _look(Area.PROGRAM) if one.severity is Severity.NOTE)
    assert boto3.command == "pip install 'imagebuilders[aws]'"


def test_a_missing_package_of_a_module_is_a_note(mocker: MockerFixture) -> None:
    """A module whose package is not there counts as not installed, too."""
    missing = ModuleNotFoundError("backports")
    mocker.patch("imagebuilders.diagnosis.program.find_spec", side_effect=missing)
    assert [one.severity for one in _look(Area.PROGRAM)][1:]


# --- the engine --------------------------------------------------------------


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set and nothing runs: start the daemon."""
    monkeypatch.delenv("DOCKER_HOST")
    (found,) = _problems(Area.ENGINE)
    assert found.severity is Severity.ERROR
    assert found.command == "sudo systemctl start docker"


def test_docker_host_leads_nowhere() -> None:
    """The variable is named, and how to take it back."""
    (found,) = _problems(Area.ENGINE)
    assert "no such socket" in found.summary
    assert found.command == "unset DOCKER_HOST"


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A malformed DOCKER_HOST is told as such."""
    monkeypatch.setenv("DOCKER_HOST", "carrier-pigeon://roof")
    (found,) = _problems(Area.ENGINE)
    assert "the address cannot be used" in found.summary
    assert found.command == "unset DOCKER_HOST"


def test_no_permission_on_the_socket(mocker: MockerFixture) -> None:
    """The user is not in the socket's group."""
    mocker.patch("imagebuilders.connections.probe.dial", side_effect=PermissionError(13, "denied"))
    (found,) = _problems(Area.ENGINE)
    assert "permission denied" in found.summary
    assert found.command == "sudo usermod -aG docker $USER"


def test_a_context_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_CONTEXT names no context."""
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    (found,) = _problems(Area.ENGINE)
    assert "gone" in found.summary
    assert found.command == "unset DOCKER_CONTEXT"


def test_a_current_context_that_is_not_there(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context of Docker's settings is gone: another can be chosen."""
    monkeypatch.delenv("DOCKER_HOST")
    _config(bare, {"currentContext": "gone"})
    (found,) = _problems(Area.ENGINE)
    assert found.command == "docker context use default"


def test_something_else_listens(
    fake_registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry is no engine."""
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{fake_registry.address}")
    (found,) = _problems(Area.ENGINE)
    assert "See whether a Docker Engine listens there" in found.cure


def test_an_engine_without_tls(fake_docker_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS is asked for, and the other side has none."""
    with FakeDockerEngine("28.5").serve("tcp://127.0.0.1:0") as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        (found,) = _problems(Area.ENGINE)
    assert "ca.pem" in found.summary or "TLS" in found.summary


def test_an_ssh_that_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ssh fails: the command that shows why is given."""
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text("#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:/bin:/usr/bin")
    monkeypatch.setenv("DOCKER_HOST", "ssh://build@far")
    (found,) = _problems(Area.ENGINE)
    assert "Permission denied (publickey)" in found.summary
    assert found.command == "docker -H ssh://build@far version"


def test_a_proxy_before_the_engine(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    """The proxy for a remote engine does not answer: it can be left out."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example:2375")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    (found,) = _problems(Area.ENGINE)
    assert found.command == "export NO_PROXY=engine.example"


def test_a_remote_builder_needs_no_engine(tmp_path: Path, closed_port: int) -> None:
    """With BuildKit's own daemons a missing engine is a note; a missing daemon is an error."""
    builder = BuildKitImageBuilder(addresses=f"tcp://127.0.0.1:{closed_port}")
    with Stack(builder, LocalArtifactStore(path=str(tmp_path / "store"))).activate():
        (engine,) = _look(Area.ENGINE)
        (daemon,) = _look(Area.BUILDKIT)
    assert engine.severity is Severity.NOTE
    assert daemon.severity is Severity.ERROR
    assert str(closed_port) in daemon.summary


def test_an_engine_that_says_nothing_of_itself(
    fake_docker_engine: FakeDockerEngine, fake_docker_host: str
) -> None:
    """An engine that answers, and then fails, is warned of."""
    fake_docker_engine.faults.fail("GET /info", 500, "database is locked")
    (found,) = _problems(Area.ENGINE)
    assert found.severity is Severity.WARNING
    assert "database is locked" in found.summary


def test_a_clock_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's clock stands an hour behind."""
    engine = FakeDockerEngine("28.5", clock=ManualClock(time.time() - 3600))
    with engine.serve() as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        (found,) = _problems(Area.ENGINE)
    assert "behind this machine's" in found.summary
    assert found.command == "timedatectl set-ntp true"


def test_a_clock_that_is_right(fake_docker_host: str) -> None:
    """Clocks that agree are no finding."""
    assert not _problems(Area.ENGINE)


@pytest.mark.parametrize(
    ("free", "severity"), [(10**6, Severity.ERROR), (_GIGABYTE, Severity.WARNING)]
)
def test_a_full_disk(
    free: int,
    severity: Severity,
    mocker: MockerFixture,
    fake_docker_host: str,
) -> None:
    """Room that is low where the engine keeps images and where files are made, in megabytes."""
    usage = shutil._ntuple_diskusage(9, 0, free)
    mocker.patch.object(shutil, "disk_usage", return_value=usage)
    (engine,) = _problems(Area.ENGINE)
    assert engine.severity is severity
    assert engine.summary.startswith(f"{free // 10**6} MB are free in /var/lib/docker")
    assert engine.command == "docker system prune"
    assert {one.severity for one in _problems(Area.FOLDERS)} == {severity}


def test_a_folder_of_another_machine(mocker: MockerFixture, fake_docker_host: str) -> None:
    """Where the engine's folder is not here, nothing is said of its room."""
    mocker.patch.object(shutil, "disk_usage", side_effect=FileNotFoundError)
    assert not _problems(Area.ENGINE)


# --- BuildKit ----------------------------------------------------------------


def test_no_buildkit(engine_stack: Callable[..., object], mocker: MockerFixture) -> None:
    """Builds are classic ones then; with the setting `buildkit` there are none."""
    refused = BuildKitError("Docker Engine 18.03 offers no BuildKit.")
    mocker.patch("imagebuilders.buildkit.engine_client.open_engine_buildkit", side_effect=refused)
    engine_stack("auto")
    (found,) = _problems(Area.BUILDKIT)
    assert found.severity is Severity.WARNING
    assert "Builds are classic ones" in found.summary
    engine_stack("buildkit")
    (found,) = _problems(Area.BUILDKIT)
    assert found.severity is Severity.ERROR


def test_the_classic_builder_needs_no_buildkit(
    engine_stack: Callable[..., object],
) -> None:
    """With the setting `classic` nobody asks for BuildKit."""
    engine_stack("classic")
    assert not _look(Area.BUILDKIT)


def test_platforms_without_an_emulator(
    engine_stack: Callable[..., object],
) -> None:
    """A common platform that is missing is a note, one that is asked for an error."""
    engine_stack("auto", ScriptedBuildKit())
    notes = [one for one in _look(Area.BUILDKIT) if one.severity is Severity.NOTE]
    assert [one.summary.split()[3] for one in notes] == ["linux/arm64"]
    assert "tonistiigi/binfmt" in notes[0].command
    (found,) = _problems(Area.BUILDKIT, platform="linux/s390x,linux/amd64")
    assert found.summary.startswith("A step for linux/s390x cannot run")


def test_a_platform_that_is_none(engine_stack: Callable[..., object]) -> None:
    """A malformed platform is one that nobody builds for."""
    engine_stack("auto", ScriptedBuildKit())
    assert _problems(Area.BUILDKIT, platform="linux/amd64/v3/x/y")


# --- credentials -------------------------------------------------------------


def test_a_helper_that_is_missing(bare: Path) -> None:
    """The store of all credentials has no program: every push fails."""
    _config(bare, {"credsStore": "gone"})
    (found,) = _problems(Area.CREDENTIALS)
    assert found.severity is Severity.ERROR
    assert "docker-credential-gone" in found.summary


def test_a_helper_of_one_registry_that_fails(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own registry alone is affected, and what it said is told."""
    helper = tmp_path / "bin" / "docker-credential-sad"
    helper.parent.mkdir()
    helper.write_text("#!/bin/sh\necho 'keyring is locked'\nexit 1\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:/bin:/usr/bin")
    _config(bare, {"credHelpers": {"ghcr.io": "sad"}})
    (found,) = _problems(Area.CREDENTIALS)
    assert found.severity is Severity.WARNING
    assert "keyring is locked" in found.summary


def test_settings_that_are_no_json(bare: Path) -> None:
    """Docker's configuration file is broken."""
    _config(bare, "{")
    (found,) = _problems(Area.CREDENTIALS)
    assert str(bare / ".docker" / "config.json") in found.summary
    assert found.command.startswith("mv ")


def test_a_malformed_login(bare: Path) -> None:
    """One entry cannot be read: log in there again."""
    _config(bare, {"auths": {"ghcr.io": {"auth": "!!!"}}})
    (found,) = _problems(Area.CREDENTIALS)
    assert "docker login ghcr.io" in found.summary


def test_a_variable_that_is_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_AUTH_CONFIG does not count, and can be taken away."""
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "{")
    (found,) = _problems(Area.CREDENTIALS)
    assert found.command == "unset DOCKER_AUTH_CONFIG"


def test_no_secret_is_shown(bare: Path, fake_registry_factory: Callable[..., FakeRegistry]) -> None:
    """Passwords stand in no finding, wherever they come from."""
    registry = fake_registry_factory(auth="basic", users={"ann": "another"})
    _config(bare, {"auths": {registry.address: {"username": "ann", "password": _SECRET}}})
    found = list(diagnose([registry.address]))
    assert [one for one in found if registry.address in one.summary]
    assert _SECRET not in repr(found)


# --- registries --------------------------------------------------------------


def test_a_registry_that_wants_a_login(fake_registry_factory: Callable[..., FakeRegistry]) -> None:
    """Log in, with the registry's name."""
    registry = fake_registry_factory(auth="basic", users={"ann": "another"})
    (found,) = _problems(Area.REGISTRIES, registry.address)
    assert found.command == f"docker login {registry.address}"


def test_the_stack_s_own_credentials_count(
    fake_registry_factory: Callable[..., FakeRegistry], tmp_path: Path
) -> None:
    """The stack's registry is asked as a push would ask it."""
    registry = fake_registry_factory(auth="basic", users={"ann": _SECRET})
    component = DefaultContainerRegistry(uri=registry.address, username="ann", password=_SECRET)
    stack = Stack(LocalImageBuilder(), LocalArtifactStore(path=str(tmp_path / "s")), component)
    with stack.activate():
        (found,) = _look(Area.REGISTRIES)
    assert found.severity is Severity.FINE
    assert "takes the credentials" in found.summary


def test_a_registry_that_is_not_there(closed_port: int) -> None:
    """Nobody listens at the port."""
    (found,) = _problems(Area.REGISTRIES, f"127.0.0.1:{closed_port}")
    assert "nobody listens there" in found.summary
    assert found.command == f"curl -sSI https://127.0.0.1:{closed_port}/v2/"


def test_a_registry_that_limits(fake_registry: FakeRegistry) -> None:
    """Those who log in may ask more often."""
    fake_registry.faults.fail("GET /v2/", 429, times=None)
    (found,) = _problems(Area.REGISTRIES, fake_registry.address)
    assert found.command == f"docker login {fake_registry.address}"


def test_a_proxy_in_the_way(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    """The proxy does not answer: ask directly."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port}")
    (found,) = _problems(Area.REGISTRIES, "registry.example")
    assert found.severity is Severity.ERROR
    assert found.cure


@pytest.mark.parametrize(
    ("failure", "command"),
    [
        (ConnectionFailure.PLAIN, "sudoedit /etc/docker/daemon.json"),
        (ConnectionFailure.CERTIFICATE, "sudo install -D ca.crt /etc/docker/certs.d/far.example"),
        (ConnectionFailure.PROXY, "export NO_PROXY=far.example"),
        (ConnectionFailure.NAME, "curl -sSI https://far.example/v2/"),
    ],
    ids=lambda value: value.value if isinstance(value, ConnectionFailure) else "",
)
def test_each_failure_has_its_command(
    failure: ConnectionFailure, command: str, mocker: MockerFixture
) -> None:
    """A certificate, a proxy, a registry without TLS: for each there is something to type."""
    error = RegistryConnectionError("far.example could not be asked", failure=failure)
    mocker.patch.object(RegistryClient, "ping", side_effect=error)
    (found,) = _problems(Area.REGISTRIES, "far.example")
    assert found.command.startswith(command)


def test_what_is_no_registry_s_name() -> None:
    """A name that cannot be one is told without asking anybody."""
    (found,) = _problems(Area.REGISTRIES, "no registry")
    assert "is not a registry's address" in found.summary


# --- the stack and folders ---------------------------------------------------


def test_a_broken_stack_file(bare: Path) -> None:
    """The file is named; the rest is looked at all the same."""
    (bare / "imagebuilders.toml").write_text("[image_builder\n")
    found = list(diagnose())
    (stack,) = (one for one in found if one.area is Area.STACK)
    assert stack.severity is Severity.ERROR
    assert "imagebuilders.toml" in stack.summary
    assert {one.area for one in found} >= {Area.ENGINE, Area.CREDENTIALS, Area.FOLDERS}


def test_an_unknown_flavor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flavor that nobody offers is an error of the stack."""
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR", "kanikko")
    (found,) = _problems(Area.STACK)
    assert "kanikko" in found.summary


def test_a_broken_artifact_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """An artifact store that cannot be made is a warning: most builds do without."""
    monkeypatch.setenv("IMAGEBUILDERS_ARTIFACT_STORE__FLAVOR", "attic")
    (found,) = _problems(Area.STACK)
    assert found.severity is Severity.WARNING
    assert Client().active_stack.name == "default"


def test_a_cache_folder_that_is_a_file(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be remembered below a file."""
    (bare / "file").write_text("")
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(bare / "file" / "cache"))
    (found,) = _problems(Area.FOLDERS)
    assert "cannot be written to" in found.summary
    assert found.command == f"sudo chown -R $USER {bare}/file"


def test_no_home_folder(mocker: MockerFixture) -> None:
    """A user without a home folder is told that nothing is remembered."""
    mocker.patch("imagebuilders.diagnosis.folders.own_cache_folder", return_value=None)
    notes = [one for one in _look(Area.FOLDERS) if one.severity is Severity.NOTE]
    assert notes[0].command == "export IMAGEBUILDERS_CACHE_DIR=/var/cache/imagebuilders"


def test_no_folder_for_temporary_files(mocker: MockerFixture) -> None:
    """Without any, nothing can be built."""
    mocker.patch("tempfile.gettempdir", side_effect=FileNotFoundError)
    (found,) = _problems(Area.FOLDERS)
    assert found.severity is Severity.ERROR
    assert found.command == "export TMPDIR=/var/tmp"
