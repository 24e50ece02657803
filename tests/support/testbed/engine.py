"""A Docker Engine, or Podman, inside a container, with registries in the same network namespace."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

import docker
from docker.errors import DockerException

from testbed.containers import Container, free_port
from testbed.daemon import HostEngine
from testbed.errors import NoTestbedError
from testbed.images import BUSYBOX, DEBIAN, PODMAN, Images
from testbed.registry import Credentials, Registry
from testbed.tools import Completed, run_in

_API_PORT = 2375
_START_TIMEOUT = 60.0
_OUT_OF_PATIENCE = "Client.Timeout exceeded while awaiting headers"
# `--privileged` needs CAP_SYS_RESOURCE, which some machines cannot give. The other
# capabilities do, once the read-only mounts of an ordinary container are writable again.
# On cgroup v2 the processes must leave the root group before it can have children.
# Names of other machines are unknown at once: where a container has no way out, asking a
# name server would take ten seconds each time, and nothing here is pulled from outside.
# The Go runtime of 20.10 words that differently from an unknown name, so it asks.
_START_DAEMON = """
for d in /proc/sys /sys /sys/fs/cgroup /sys/fs/cgroup/*; do
  mount -o remount,rw,bind "$d" 2>/dev/null
done
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/engine
  for p in $(cat /sys/fs/cgroup/cgroup.procs); do
    echo "$p" > /sys/fs/cgroup/engine/cgroup.procs 2>/dev/null
  done
  for c in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$c" > /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
  done
fi
if [ -n "$DAEMON_SETTINGS" ]; then
  mkdir -p /etc/docker
  printf '%s' "$DAEMON_SETTINGS" > /etc/docker/daemon.json
fi
if [ -n "$NAMES_FROM_FILES" ]; then echo 'hosts: files' > /etc/nsswitch.conf; fi
rm -f /var/run/docker.pid
exec dockerd --host tcp://0.0.0.0:2375 --tls=false --host unix:///var/run/docker.sock
"""
# Podman raises limits to what a container may not have without CAP_SYS_RESOURCE. Registries that
# speak plain HTTP must be known to it, those of the loopback interface too.
_START_PODMAN = """
for d in /proc/sys /sys /sys/fs/cgroup /sys/fs/cgroup/*; do
  mount -o remount,rw,bind "$d" 2>/dev/null
done
limit() { awk -v name="$1" '$0 ~ "^" name {print $(NF - 1)}' /proc/self/limits; }
files=$(limit 'Max open files')
processes=$(limit 'Max processes')
mkdir -p /etc/containers/containers.conf.d /etc/containers/registries.conf.d
cat > /etc/containers/containers.conf.d/testbed.conf <<EOF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
EOF
for port in $REGISTRY_PORTS; do
  printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' "$port"
done > /etc/containers/registries.conf.d/testbed.conf
exec podman system service --time=0 tcp://0.0.0.0:2375
"""


class Engine:
    """A running engine of one series, with one kind of image store.

    A registry of this engine has one address, ``127.0.0.1:<port>``, that holds for the
    engine and for the test process alike: it lives in the engine's network namespace, and
    its port is published under the same number.
    """

    def __init__(self, host: HostEngine, images: Images, name: str, disk: str = "") -> None:
        self.name = name
        """The name asked for, such as "28.5" or "28.5-containerd"."""
        self.series, _, store = name.partition("-")
        self.has_containerd_store = store == "containerd"
        """Whether images are kept by containerd, several platforms and attestations included."""
        self.is_podman = name == PODMAN
        """Whether it is Podman in place of Docker."""
        self._host = host
        self._images = images
        self._open = ExitStack()
        self._registry_ports = [free_port() for _ in range(4)]
        self.container = Container(
            host,
            images.engine(name),
            ["sh", "-c", _START_PODMAN if self.is_podman else _START_DAEMON],
            ports={_API_PORT: None, **{port: port for port in self._registry_ports}},
            cap_add=["ALL"],
            cap_drop=["SYS_RESOURCE"],
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        )
        if self.is_podman:
            ports = " ".join(map(str, self._registry_ports))
            self.container.with_env("REGISTRY_PORTS", ports)
            self.container.with_env("PODMAN_IGNORE_CGROUPSV1_WARNING", "1")
            # An overlay on an overlay does not work.
            self.container.with_tmpfs_mount("/var/lib/containers", "size=1g")
        self.container.with_env("NAMES_FROM_FILES", "" if self.series == "20.10" else "yes")
        if self.has_containerd_store:
            self.container.with_env(
                "DAEMON_SETTINGS", json.dumps({"features": {"containerd-snapshotter": True}})
            )
        if disk:
            self.container.with_tmpfs_mount("/var/lib/docker", f"size={disk}")

    def start(self) -> Engine:
        """Start it, wait until it answers, and load the busybox image.

        Raises:
            NoTestbedError: it did not answer in time; its last lines are in the text.
        """
        self.container.start()
        self._open.callback(self.container.stop)
        try:
            self._wait_until_ready()
            self._images.load_busybox(self.client)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Remove the engine, its registries and everything in it."""
        self._open.close()

    @cached_property
    def docker_host(self) -> str:
        """What DOCKER_HOST must be to use this engine."""
        return f"tcp://127.0.0.1:{self.container.get_exposed_port(_API_PORT)}"

    @cached_property
    def client(self) -> docker.DockerClient:
        """A client of this engine; closed with it."""
        client = docker.DockerClient(base_url=self.docker_host, timeout=120)
        self._open.callback(client.close)
        return client

    @cached_property
    def version(self) -> str:
        """The full version, such as "28.5.2"."""
        return str(self.client.version()["Version"])

    @cached_property
    def busybox(self) -> str:
        """The name of a small image that is loaded in this engine."""
        return BUSYBOX

    def load_debian(self) -> str:
        """Load the image of Debian's shells and tools into this engine; its name."""
        self._images.load_debian(self.client)
        return DEBIAN

    @cached_property
    def registry(self) -> Registry:
        """A registry that asks for no login; shared by all tests of this engine."""
        return self.new_registry()

    @cached_property
    def registry_with_auth(self) -> Registry:
        """A registry that asks for `.credentials` (HTTP basic authentication)."""
        return self.new_registry(Credentials("builder", "correct horse"))

    def new_registry(self, credentials: Credentials | None = None) -> Registry:
        """One more registry, for a test that wants to fill, stop or break it (at most four)."""
        registry = Registry(
            self._host,
            self._images.registry(),
            port=self._registry_ports.pop(),
            network_of=self.container.id,
            credentials=credentials,
        )
        registry.start()
        self._open.callback(registry.stop)
        return registry

    def cli(self, *arguments: str, check: bool = True) -> Completed:
        """Run the command of this engine's own version against it: ``docker``, or ``podman``."""
        program = "podman" if self.is_podman else "docker"
        answer = run_in(self.container, [program, *arguments], check=False)
        if _OUT_OF_PATIENCE in answer.stderr:
            # Daemons give registries fifteen seconds, which a busy machine may not have had.
            answer = run_in(self.container, [program, *arguments], check=False)
        if check:
            answer.check()
        return answer

    @contextmanager
    def forwarded(self, port: int) -> Iterator[None]:
        """Within the block, the engine reaches a server of the test process.

        The server listens on ``127.0.0.1:<port>``, and that is its address in the engine
        as well.
        """
        gateway = self.container.gateway
        tools = self._images.tools()
        to_test = f"TCP-LISTEN:{port},bind={gateway},fork,reuseaddr"
        to_gateway = f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr"
        with ExitStack() as open_containers:
            for network, listen, target in (
                ("host", to_test, f"TCP:127.0.0.1:{port}"),
                (f"container:{self.container.id}", to_gateway, f"TCP:{gateway}:{port}"),
            ):
                forwarder = Container(
                    self._host, tools, ["socat", "-dd", listen, target], network_mode=network
                )
                forwarder.start()
                open_containers.callback(forwarder.stop)
                forwarder.wait_for_log(b"listening on", _START_TIMEOUT)
            yield

    def processes(self) -> list[str]:
        """The command lines that run in this engine, those of its containers included."""
        # `docker top` needs a `ps` where the daemon runs, which a small system lacks.
        script = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done 2>/dev/null"
        lines = run_in(self.container, ["sh", "-c", script], check=False).stdout.splitlines()
        return [line.strip() for line in lines if line.strip()]

    def kill(self) -> None:
        """Kill the daemon at once, as a crash would; only for an engine of your own."""
        self.container.get_wrapped_container().kill()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            wrapped = self.container.get_wrapped_container()
            wrapped.reload()
            if wrapped.status == "exited":
                break
            try:
                if self.client.ping():
                    return
            except (DockerException, OSError):
                time.sleep(0.1)
        logs = self.container.get_wrapped_container().logs().decode(errors="replace")
        tail = "\n".join(logs.splitlines()[-15:])
        raise NoTestbedError(f"Docker {self.name} in a container did not start:\n{tail}")
