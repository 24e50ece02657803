"""The host engine: the Docker daemon that all containers of the test bed run in."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.context import ContextAPI
from docker.errors import DockerException

from testbed import apt
from testbed.errors import NoTestbedError
from testbed.process import is_alive
from testbed.settings import TestbedSettings

# Both end in the process that they belong to, so that two runs do not meet, and the next
# run can tell what a killed one left.
_BRIDGE_PREFIX = "ibtest"
_FOLDERS = Path("/var/tmp")
_FOLDER_PREFIX = "imagebuilders-dockerd-"
_STRAY_FOLDERS = (Path("/run/docker"), Path("/run/containerd"))
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 30.0


@dataclass(frozen=True)
class HostEngine:
    """A daemon that answers, and how it came to be."""

    docker_host: str
    version: str
    origin: str

    def __str__(self) -> str:
        return f"Docker Engine {self.version} at {self.docker_host} ({self.origin})"


def find() -> HostEngine | None:
    """The first engine that answers, or None."""
    for docker_host, origin in _candidates():
        version = _version(docker_host)
        if version is not None:
            return HostEngine(docker_host, version, origin)
    return None


def _named(docker_host: str) -> HostEngine:
    version = _version(docker_host)
    if version is None:
        raise NoTestbedError(f"no Docker Engine answers at {docker_host}")
    return HostEngine(docker_host, version, "IMAGEBUILDERS_TEST_HOST_ENGINE")


@contextmanager
def host_engine(settings: TestbedSettings) -> Iterator[HostEngine]:
    """The engine found here, else a private daemon that lives as long as the block.

    Raises:
        NoTestbedError: there is no engine and none can be started.
    """
    found = _named(settings.host_engine) if settings.host_engine else find()
    if found is not None:
        yield found
        return
    if not settings.provision or not apt.can_install():
        raise NoTestbedError(
            "no Docker Engine answers. Start one or set DOCKER_HOST; or run "
            "`nox -s integration` as root on Debian or Ubuntu, which installs docker.io and "
            "starts a private one"
        )
    _see_administration_programs()
    wanted = {"dockerd": "docker.io", "ip": "iproute2", "setpriv": "util-linux"}
    missing = [package for program, package in wanted.items() if shutil.which(program) is None]
    if missing:
        apt.install(*missing, "iptables", "ca-certificates")
    with _private_daemon() as engine:
        yield engine


def _see_administration_programs() -> None:
    """`su` leaves the PATH of the user that called it, without the folders of dockerd and ip."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    missing = [folder for folder in ("/usr/sbin", "/sbin") if folder not in folders]
    os.environ["PATH"] = os.pathsep.join([*folders, *missing])


def _candidates() -> Iterator[tuple[str, str]]:
    if os.environ.get("DOCKER_HOST"):
        yield os.environ["DOCKER_HOST"], "DOCKER_HOST"
        return
    context = ContextAPI.get_current_context()
    if context is not None and context.Host:
        yield context.Host, f"Docker context {context.Name!r}"
    home = Path.home()
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}"))
    for path in (
        Path("/var/run/docker.sock"),
        runtime / "docker.sock",
        home / ".docker/run/docker.sock",
        home / ".colima/default/docker.sock",
    ):
        if path.exists():
            yield f"unix://{path}", "socket"


def _version(docker_host: str) -> str | None:
    scheme, _, path = docker_host.partition("://")
    # The SDK leaks its socket when nobody listens there, so ask by ourselves first.
    if scheme == "unix" and not _listens(path):
        return None
    try:
        client = docker.DockerClient(base_url=docker_host, timeout=10)
    except DockerException:
        return None
    try:
        return str(client.version()["Version"])
    except (DockerException, OSError):
        return None
    finally:
        client.close()


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


@contextmanager
def _private_daemon() -> Iterator[HostEngine]:
    """A dockerd with files, socket and bridge of its own, and no firewall rules.

    Published ports work through dockerd's user-space proxy, so the machine's iptables
    and sysctls stay as they are.
    """
    _remove_leftovers()
    folder = _FOLDERS / f"{_FOLDER_PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o700)
    log = folder / "dockerd.log"
    docker_host = f"unix://{folder}/docker.sock"
    (folder / "daemon.json").write_text("{}")
    # Folders that dockerd and its containerd make whatever their options say.
    stray = [path for path in _STRAY_FOLDERS if not path.exists()]
    try:
        with _bridge() as bridge, log.open("wb") as output:
            process = subprocess.Popen(
                [
                    # The daemon must not outlive a test run that was killed.
                    *("setpriv", "--pdeathsig", "TERM", "dockerd"),
                    *("--host", docker_host),
                    *("--config-file", str(folder / "daemon.json")),
                    *("--data-root", str(folder / "data")),
                    *("--exec-root", str(folder / "exec")),
                    *("--pidfile", str(folder / "dockerd.pid")),
                    *("--bridge", bridge),
                    *("--iptables=false", "--ip6tables=false"),
                    *("--ip-masq=false", "--ip-forward=false"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                version = _wait_until_ready(process, docker_host, log)
                yield HostEngine(docker_host, version, "private daemon, stopped at the end")
            finally:
                _stop(process)
    finally:
        _unmount_below(folder)
        for path in (folder, *stray):
            shutil.rmtree(path, ignore_errors=True)


def _wait_until_ready(process: subprocess.Popen[bytes], docker_host: str, log: Path) -> str:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        version = _version(docker_host)
        if version is not None:
            return version
        if process.poll() is not None:
            break
        time.sleep(0.2)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise NoTestbedError(f"the private dockerd did not start; its last lines:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unmount_below(folder: Path) -> None:
    """dockerd leaves the mount of its own network namespace behind."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if Path(mount).is_relative_to(folder):
            subprocess.run(["umount", mount], capture_output=True)


def _remove_leftovers() -> None:
    """Remove what killed runs left.

    A bridge goes only with a folder that is seen here: another container or namespace that shares
    this network has folders and process numbers of its own.
    """
    for folder in _FOLDERS.glob(f"{_FOLDER_PREFIX}*"):
        process = folder.name.removeprefix(_FOLDER_PREFIX)
        if not is_alive(process):
            _unmount_below(folder)
            _ip("link", "delete", f"{_BRIDGE_PREFIX}{process}", check=False)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _bridge() -> Iterator[str]:
    """A bridge of our own, so that an idle docker0 of the machine is left alone."""
    name = f"{_BRIDGE_PREFIX}{os.getpid()}"
    address = _free_subnet()
    _ip("link", "add", "name", name, "type", "bridge")
    try:
        _ip("address", "add", address, "dev", name)
        _ip("link", "set", name, "up")
        yield name
    finally:
        _ip("link", "delete", name, check=False)


def _free_subnet() -> str:
    """The gateway address of a private /24 that no interface of this machine is in."""
    listing = subprocess.run(
        ["ip", "-json", "-4", "address"], check=True, capture_output=True, text=True
    ).stdout
    used = [
        ipaddress.ip_network(f"{info['local']}/{info['prefixlen']}", strict=False)
        for interface in json.loads(listing or "[]")
        for info in interface.get("addr_info", [])
    ]
    for third in range(254, 0, -1):
        candidate = ipaddress.ip_network(f"172.29.{third}.0/24")
        if not any(candidate.overlaps(network) for network in used):
            return f"{candidate[1]}/24"
    raise NoTestbedError("every subnet of 172.29.0.0/16 is in use on this machine")


def _ip(*arguments: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if check and done.returncode:
        raise NoTestbedError(f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}")
