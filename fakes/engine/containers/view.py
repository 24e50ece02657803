"""Containers as the API shows them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from fakes.engine import go_text
from fakes.engine.containers.container import Container
from fakes.engine.endpoints import listed, shown

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

_HOST_DEFAULTS: dict[str, Any] = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "json-file", "Config": {}},
    "NetworkMode": "default",
    "PortBindings": {},
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "host",
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "IpcMode": "private",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 67108864,
    "Runtime": "runc",
    "Isolation": "",
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "CgroupParent": "",
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": None,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "OomKillDisable": False,
    "PidsLimit": None,
    "Ulimits": None,
}


def state(container: Container) -> dict[str, Any]:
    """The state of a container."""
    return {
        "Status": container.status,
        "Running": container.running,
        "Paused": container.status == "paused",
        "Restarting": False,
        "OOMKilled": False,
        "Dead": False,
        "Pid": container.pid if container.running else 0,
        "ExitCode": container.exit_code,
        "Error": "",
        "StartedAt": _time(container.started),
        "FinishedAt": _time(container.finished),
    }


def _time(value: int | None) -> str:
    return go_text.ZERO_TIME if value is None else go_text.rfc3339(value)


def inspect(engine: FakeDockerEngine, container: Container) -> dict[str, Any]:
    """What `GET /containers/{id}/json` says."""
    folder = f"/var/lib/docker/containers/{container.id}"
    ran = container.started is not None
    networks = {name: shown(engine, container, name) for name in container.networks}
    bridge = networks.get("bridge", {})
    command = container.command
    return {
        "Id": container.id,
        "Created": go_text.rfc3339(container.created),
        "Path": command[0] if command else "",
        "Args": command[1:],
        "State": state(container),
        "Image": container.image,
        "ResolvConfPath": f"{folder}/resolv.conf" if ran else "",
        "HostnamePath": f"{folder}/hostname" if ran else "",
        "HostsPath": f"{folder}/hosts" if ran else "",
        "LogPath": f"{folder}/{container.id}-json.log" if ran else "",
        "Name": f"/{container.name}",
        "RestartCount": container.restarts,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": list(container.execs) or None,
        "HostConfig": {**_HOST_DEFAULTS, **container.host_config},
        "GraphDriver": {"Data": None, "Name": "overlay2"},
        "Mounts": container.mounts,
        "Config": container.config.to_json(),
        "NetworkSettings": {
            "Bridge": "",
            "SandboxID": container.id if ran else "",
            "HairpinMode": False,
            "LinkLocalIPv6Address": "",
            "LinkLocalIPv6PrefixLen": 0,
            "Ports": port_map(container),
            "SandboxKey": f"/var/run/docker/netns/{container.id[:12]}" if ran else "",
            "SecondaryIPAddresses": None,
            "SecondaryIPv6Addresses": None,
            "EndpointID": bridge.get("EndpointID", ""),
            "Gateway": bridge.get("Gateway", ""),
            "GlobalIPv6Address": "",
            "GlobalIPv6PrefixLen": 0,
            "IPAddress": bridge.get("IPAddress", ""),
            "IPPrefixLen": bridge.get("IPPrefixLen", 0),
            "IPv6Gateway": "",
            "MacAddress": bridge.get("MacAddress", ""),
            "Networks": networks,
        },
    }


def port_map(container: Container) -> dict[str, Any]:
    """The published ports, and the exposed ones that are not, while it runs."""
    if not container.running:
        return {}
    exposed = dict.fromkeys(sorted(container.config.exposed_ports or {}))
    return {**exposed, **container.ports}


def summary(engine: FakeDockerEngine, container: Container, *, size: bool) -> dict[str, Any]:
    """One line of a container list."""
    line: dict[str, Any] = {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": _shown_image(engine, container),
        "ImageID": container.image,
        "Command": _shown_command(container),
        "Created": container.created // 1_000_000_000,
        "Ports": _ports(container),
    }
    if size:
        line["SizeRootFs"] = sum(
            len(f.data) for f in (container.overlay.tree if container.overlay else {}).values()
        )
    line |= {
        "Labels": container.config.labels or {},
        "State": container.status,
        "Status": _status(engine, container),
        "HostConfig": {"NetworkMode": container.host_config.get("NetworkMode") or "default"},
        "NetworkSettings": {"Networks": listed(engine, container)},
        "Mounts": container.mounts,
    }
    return line


def _shown_image(engine: FakeDockerEngine, container: Container) -> str:
    image = engine.images.get(container.image)
    if image is not None and not engine.images.names_id(container.image_name, container.image):
        try:
            if engine.images.find(container.image_name).id != container.image:
                return container.image
        except Exception:
            return container.image
    return container.image_name


def _shown_command(container: Container) -> str:
    command = container.command
    if not command:
        return ""
    rest = [shlex.quote(word) if " " in word else word for word in command[1:]]
    return " ".join([command[0], *rest])


def _ports(container: Container) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for port, bindings in port_map(container).items():
        number, _, protocol = port.partition("/")
        if not bindings:
            lines.append({"PrivatePort": int(number), "Type": protocol})
        lines.extend(
            {
                "IP": binding["HostIp"],
                "PrivatePort": int(number),
                "PublicPort": int(binding["HostPort"]),
                "Type": protocol,
            }
            for binding in bindings or []
        )
    return lines


def _status(engine: FakeDockerEngine, container: Container) -> str:
    now = engine.clock()
    if container.status == "created":
        return "Created"
    if container.status == "exited":
        return f"Exited ({container.exit_code}) {_ago(now - (container.finished or now))} ago"
    paused = " (Paused)" if container.status == "paused" else ""
    return f"Up {_ago(now - (container.started or now))}{paused}"


def _ago(nanoseconds: int) -> str:
    seconds = nanoseconds // 1_000_000_000
    if seconds < 1:
        return "Less than a second"
    if seconds == 1:
        return "1 second"
    if seconds < 60:
        return f"{seconds} seconds"
    minutes = seconds // 60
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    hours = (minutes + 30) // 60
    return "About an hour" if hours == 1 else f"{hours} hours"
