# ruff: noqa: S108  (paths of engines, which nothing writes to)
"""Settings of containers that an engine refuses, when it makes one or when that starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..container_hands import create
from ..registry import scenario
from ..session import Session

Body = dict[str, Any]


def _made(s: Session, bodies: Iterable[Body]) -> None:
    """Note what an engine says to each; what it makes goes at once."""
    for body in bodies:
        answer = s.request(
            "POST", "/containers/create", json={"Image": s.base, "Cmd": ["true"], **body}
        )
        document = answer.json()
        if made := document.pop("Id", None):
            s.request("DELETE", f"/containers/{made}", params={"v": "1", "force": "1"})
        s.note(repr(body), {"status": answer.status_code, "body": document})


def _host(*settings: Body) -> Iterable[Body]:
    return [{"HostConfig": setting} for setting in settings]


def _started(s: Session, bodies: Iterable[Body]) -> None:
    """Note what an engine says when a container starts that it has made."""
    for body in bodies:
        command = s.given_container("true")
        container = create(s, *command, **body)
        answer = s.request("POST", f"/containers/{container}/start")
        s.note(repr(body), {"status": answer.status_code, "body": answer.text})
        state = s.request("GET", f"/containers/{container}/json").json()["State"]
        s.note("state", [state["Status"], state["ExitCode"]] if answer.status_code > 299 else "-")
        s.request("DELETE", f"/containers/{container}", params={"v": "1", "force": "1"})


def _port(port: str, host: str) -> Body:
    return {"PortBindings": {port: [{"HostPort": host}]}}


@scenario
def ports(s: Session) -> None:
    """Ports out of range, and ranges of them."""
    pairs = (
        *(("80/tcp", "99999"), ("99999/tcp", "1"), ("0/tcp", "1"), ("80/tcp", "9000-8000")),
        *(("80/tcp", "9000-9001"), ("80/tcp", "-1"), ("/tcp", "1"), ("80/TCP", "1")),
    )
    _made(s, _host(*(_port(*pair) for pair in pairs)))


@scenario
def mounts(s: Session) -> None:
    """Mounts that contradict themselves, or lead nowhere."""
    given: tuple[Body, ...] = (
        {"Type": "volume", "Target": "x"},
        {"Type": "volume", "Target": "/"},
        {"Type": "volume", "Target": "/x", "BindOptions": {}},
        {"Type": "volume", "Target": "/x", "TmpfsOptions": {}},
        {"Type": "volume", "Target": "/x", "ReadOnly": True},
        {"Type": "volume", "Target": "/x", "Source": "a b"},
        {"Type": "volume", "Target": "/x", "Source": "/tmp"},
        {
            "Type": "volume",
            "Target": "/x",
            "Source": "some",
            "VolumeOptions": {"DriverConfig": {"Name": "odd"}},
        },
        {"Type": "bind", "Target": "x", "Source": "/tmp"},
        {"Type": "bind", "Target": "/x", "Source": ""},
        {"Type": "bind", "Target": "/x", "Source": "/no/such/folder"},
        {"Type": "bind", "Target": "/x", "Source": "/tmp", "VolumeOptions": {}},
        {"Type": "bind", "Target": "/x", "Source": "/tmp", "TmpfsOptions": {}},
        {"Type": "bind", "Target": "/x", "Source": "/tmp", "BindOptions": {"Propagation": "odd"}},
        {"Type": "tmpfs", "Target": "x"},
        {"Type": "tmpfs", "Target": "/"},
        {"Type": "tmpfs", "Target": "/x", "Source": "a"},
        {"Type": "tmpfs", "Target": "/x", "BindOptions": {}},
        {"Type": "tmpfs", "Target": "/x", "VolumeOptions": {"NoCopy": True}},
        {"Type": "npipe", "Target": "/x", "Source": "a"},
        {"Type": "cluster", "Target": "/x", "Source": "a"},
        {"Target": "/x"},
    )
    _made(s, _host(*({"Mounts": [mount]} for mount in given)))


@scenario
def binds(s: Session) -> None:
    """The short form of mounts."""
    lines = (
        *("", ":/x", "/tmp:", "/tmp:/", "/tmp:x", "/tmp:/x:odd", "/tmp:/x:ro,rw", "/tmp:/x:z,Z"),
        *("/tmp:/x:nocopy", "some:/x:rshared", "./a:/x", "a:/x", "/tmp:/x/../y", "/tmp:/x:ro,z"),
    )
    _made(s, _host(*({"Binds": [line]} for line in lines)))


@scenario
def other_volumes(s: Session) -> None:
    """Memory, drivers of volumes, and volumes of other containers."""
    _made(
        s,
        _host(
            {"Tmpfs": {"x": ""}},
            {"Tmpfs": {"/": ""}},
            {"Tmpfs": {"/x": "size=1m,mode=1777"}},
            {"VolumeDriver": "odd", "Binds": ["some:/x"]},
            {"VolumeDriver": "odd"},
            {"VolumesFrom": [""]},
            {"VolumesFrom": ["nope:odd"]},
        ),
    )


@scenario
def logs(s: Session) -> None:
    """Drivers of logs, and their options."""
    given: tuple[tuple[str, dict[str, str]], ...] = (
        ("odd", {}),
        ("etwlogs", {}),
        ("logentries", {"logentries-token": "x"}),
        ("json-file", {"odd": "1"}),
        ("json-file", {"mode": "odd"}),
        ("json-file", {"max-buffer-size": "1m"}),
        ("json-file", {"mode": "non-blocking", "max-buffer-size": "x"}),
        ("json-file", {"max-size": "1m", "max-file": "3", "tag": "x", "labels-regex": "a"}),
        ("local", {"odd": "1"}),
        ("none", {"odd": "1"}),
        ("syslog", {"odd": "1"}),
        ("journald", {"odd": "1"}),
        ("fluentd", {"odd": "1"}),
        ("gelf", {}),
        ("awslogs", {}),
        ("awslogs", {"odd": "1"}),
        ("splunk", {"odd": "1"}),
    )
    _made(s, _host(*({"LogConfig": {"Type": kind, "Config": o}} for kind, o in given)))


@scenario
def memory(s: Session) -> None:
    """Limits of memory."""
    mebibyte = 1 << 20
    _made(
        s,
        _host(
            {"Memory": -1},
            {"MemorySwap": 64 * mebibyte},
            {"MemorySwap": -1},
            {"Memory": 64 * mebibyte, "MemoryReservation": 65 * mebibyte},
            {"MemoryReservation": 1},
            {"MemorySwappiness": 101},
            {"MemorySwappiness": -2},
            {"KernelMemory": 1},
            {"OomScoreAdj": 5000},
            {"OomScoreAdj": -5000},
            {"OomScoreAdj": 100},
        ),
    )


@scenario
def processors(s: Session) -> None:
    """Limits of processors."""
    _made(
        s,
        _host(
            {"NanoCpus": 10**9, "CpuPeriod": 1000},
            {"NanoCpus": 10**9, "CpuQuota": 1000},
            {"CpuPeriod": 1},
            {"CpuPeriod": 10**7},
            {"CpuQuota": 1},
            {"CpuQuota": -1},
            {"CpusetCpus": "x"},
            {"CpusetCpus": "1-0"},
            {"CpusetCpus": "0"},
            {"CpusetMems": "x"},
            {"CpusetMems": "99"},
            {"IOMaximumIOps": 5},
            {"IOMaximumBandwidth": 5},
        ),
    )


@scenario
def rights(s: Session) -> None:
    """Capabilities, options of security, and name spaces."""
    _made(
        s,
        _host(
            {"CapAdd": ["ODD"]},
            {"CapAdd": [""]},
            {"CapAdd": ["net_admin"]},
            {"CapAdd": ["CAP_NET_ADMIN"]},
            {"CapAdd": ["ODD", "OTHER"]},
            {"CapDrop": ["ODD"]},
            {"CapDrop": ["all"]},
            {"SecurityOpt": ["odd"]},
            {"SecurityOpt": ["odd=x"]},
            {"SecurityOpt": ["odd:x"]},
            {"SecurityOpt": ["no-new-privileges"]},
            {"SecurityOpt": ["no-new-privileges:true"]},
            {"SecurityOpt": ["no-new-privileges=x"]},
            {"SecurityOpt": ["systempaths=unconfined"]},
            {"CgroupnsMode": "odd"},
            {"Isolation": "odd"},
            {"Isolation": "hyperv"},
            {"Isolation": "default"},
            {"PidMode": "container:nope"},
            {"IpcMode": "container:nope"},
            {"StorageOpt": {"odd": "1"}},
            {"Annotations": {"": "x"}},
        ),
    )


@scenario
def networking(s: Session) -> None:
    """The network of another container, and what contradicts it."""
    other = {"NetworkMode": "container:nope"}
    _made(
        s,
        [
            *_host(
                {"NetworkMode": "container:"},
                {**other, **_port("80/tcp", "1")},
                {**other, "PublishAllPorts": True},
                {**other, "Links": ["a:b"]},
                {**other, "Dns": ["1.1.1.1"]},
                {**other, "ExtraHosts": ["a:1.1.1.1"]},
                {"NetworkMode": "host", "Links": ["a:b"]},
                {"Links": ["a:b:c"]},
                {"ExtraHosts": ["a:odd"]},
                {"ExtraHosts": [":1.1.1.1"]},
                {"ExtraHosts": ["a:host-gateway", "b:::1"]},
            ),
            {"Hostname": "x", "HostConfig": other},
            {"ExposedPorts": {"80/tcp": {}}, "HostConfig": other},
        ],
    )


@scenario
def endpoints(s: Session) -> None:
    """How a container is to be in its network."""
    given: tuple[Body, ...] = (
        {"IPAMConfig": {"IPv4Address": "x"}},
        {"IPAMConfig": {"IPv6Address": "x"}},
        {"IPAMConfig": {"IPv4Address": "172.17.0.99"}},
        {"IPAMConfig": {"LinkLocalIPs": ["x"]}},
        {"MacAddress": "x"},
        {"Aliases": ["a"]},
    )
    _made(s, ({"NetworkingConfig": {"EndpointsConfig": {"bridge": one}}} for one in given))


@scenario
def when_started(s: Session) -> None:
    """What only the runtime, or the kernel, refuses."""
    gpus = {"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}
    device = {"PathOnHost": "/dev/nope", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}
    _started(
        s,
        [
            *_host(
                {"Devices": [device]},
                {"DeviceRequests": [gpus]},
                {"DeviceRequests": [{**gpus, "Driver": "odd"}]},
                {"DeviceRequests": [{"Driver": "", "Count": -1}]},
                {"DeviceCgroupRules": ["odd"]},
                {"Sysctls": {"odd": "1"}},
                {"Sysctls": {"kernel.odd": "1"}},
                {"Sysctls": {"net.ipv4.ip_forward": "1"}},
                {"Sysctls": {"net.ipv4.ip_forward": "1"}, "NetworkMode": "host"},
                {"Ulimits": [{"Name": "odd", "Soft": 1, "Hard": 1}]},
                {"Tmpfs": {"/x": "odd"}},
                {"LogConfig": {"Type": "json-file", "Config": {"max-size": "x"}}},
                {"LogConfig": {"Type": "json-file", "Config": {"max-file": "x"}}},
                {"LogConfig": {"Type": "json-file", "Config": {"max-file": "0"}}},
                {"LogConfig": {"Type": "json-file", "Config": {"compress": "true"}}},
                {"Dns": ["odd"]},
                {"NetworkMode": "container:nope"},
            ),
            {"Hostname": "a" * 100},
        ],
    )
