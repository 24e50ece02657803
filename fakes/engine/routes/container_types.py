"""What requests about containers are read into."""

from __future__ import annotations

from ..go_json import (
    BOOL,
    FREE,
    INT,
    NOTHING,
    STRING,
    STRINGS,
    Checked,
    Kind,
    ListOf,
    MapOf,
    OneOrMany,
    Scalar,
    Struct,
)
from ..go_values import wrong_address, wrong_hardware_address, wrong_port
from ..versions import ByVersion

_LIST = ListOf(STRING)
_INT64 = Scalar("int64", int)
_DURATION = Scalar("time.Duration", int)

ADDRESS = Checked("netip.Addr", wrong_address)
"""An address, to newer engines."""


def _endpoint(address: Kind, hardware: Kind) -> Struct:
    return Struct(
        "network.EndpointSettings",
        {
            "IPAMConfig": Struct(
                "network.EndpointIPAMConfig",
                {
                    "IPv4Address": address,
                    "IPv6Address": address,
                    "LinkLocalIPs": ListOf(address),
                },
            ),
            "Links": _LIST,
            "Aliases": _LIST,
            "MacAddress": hardware,
            "DriverOpts": STRINGS,
            "GwPriority": INT,
        },
    )


_ENDPOINT = _endpoint(STRING, STRING)
_NEW_ENDPOINT = _endpoint(
    ADDRESS, Checked("network.HardwareAddr", wrong_hardware_address, strict="")
)
ENDPOINT = ByVersion(_ENDPOINT, {"29.0": _NEW_ENDPOINT})
"""How a container is in a network."""


def _networking(endpoint: Struct) -> Struct:
    return Struct(
        "network.NetworkingConfig",
        {"EndpointsConfig": MapOf(endpoint, "map[string]*network.EndpointSettings")},
    )


_HEALTH_FIELDS: dict[str, Kind] = {
    "Test": _LIST,
    **dict.fromkeys(("Interval", "Timeout", "StartPeriod", "StartInterval"), _DURATION),
    "Retries": INT,
}
_CONFIG_FIELDS: dict[str, Kind] = {
    **dict.fromkeys(
        ("Hostname", "Domainname", "User", "Image", "WorkingDir", "MacAddress", "StopSignal"),
        STRING,
    ),
    **dict.fromkeys(
        (
            "AttachStdin",
            "AttachStdout",
            "AttachStderr",
            "Tty",
            "OpenStdin",
            "StdinOnce",
            "ArgsEscaped",
            "NetworkDisabled",
        ),
        BOOL,
    ),
    **dict.fromkeys(("Env", "OnBuild"), _LIST),
    **dict.fromkeys(("Cmd", "Entrypoint", "Shell"), OneOrMany()),
    "ExposedPorts": MapOf(NOTHING, "nat.PortSet"),
    "Volumes": MapOf(NOTHING),
    "Labels": STRINGS,
    "StopTimeout": INT,
}
# What newer engines read otherwise.
_NEW_CONFIG_FIELDS: dict[str, Kind] = {
    **dict.fromkeys(("Cmd", "Entrypoint", "Shell"), _LIST),
    "ExposedPorts": MapOf(NOTHING, "map[network.Port]struct {}", wrong_port),
}
_NEW_BINDINGS = ListOf(Struct("network.PortBinding", {"HostIp": ADDRESS, "HostPort": STRING}))
_NEW_HOST_FIELDS: dict[str, Kind] = {
    **dict.fromkeys(("CapAdd", "CapDrop"), _LIST),
    "Dns": ListOf(ADDRESS),
    "PortBindings": MapOf(_NEW_BINDINGS, "map[network.Port][]network.PortBinding", wrong_port),
}
_BINDINGS = ListOf(Struct("nat.PortBinding", {"HostIp": STRING, "HostPort": STRING}))
_MOUNT = Struct(
    "mount.Mount",
    {
        "Type": Scalar("mount.Type", str),
        "Source": STRING,
        "Target": STRING,
        "ReadOnly": BOOL,
        "Consistency": Scalar("mount.Consistency", str),
        **dict.fromkeys(
            ("BindOptions", "VolumeOptions", "ImageOptions", "TmpfsOptions", "ClusterOptions"),
            FREE,
        ),
    },
)
# Those of a container itself; the others limit what it may use.
_HOST_FIELDS: dict[str, Kind] = {
    **dict.fromkeys(("ContainerIDFile", "VolumeDriver", "Runtime"), STRING),
    **{
        name: Scalar(f"container.{kind}", str)
        for name, kind in (
            ("NetworkMode", "NetworkMode"),
            ("CgroupnsMode", "CgroupnsMode"),
            ("IpcMode", "IpcMode"),
            ("Cgroup", "CgroupSpec"),
            ("PidMode", "PidMode"),
            ("UTSMode", "UTSMode"),
            ("UsernsMode", "UsernsMode"),
            ("Isolation", "Isolation"),
        )
    },
    **dict.fromkeys(
        (
            "Binds",
            "VolumesFrom",
            "DnsSearch",
            "DnsOptions",
            "Dns",
            "ExtraHosts",
            "GroupAdd",
            "Links",
            "SecurityOpt",
            "MaskedPaths",
            "ReadonlyPaths",
        ),
        _LIST,
    ),
    **dict.fromkeys(("CapAdd", "CapDrop"), OneOrMany()),
    **dict.fromkeys(
        ("AutoRemove", "Privileged", "PublishAllPorts", "ReadonlyRootfs", "Init"), BOOL
    ),
    **dict.fromkeys(("Annotations", "StorageOpt", "Tmpfs", "Sysctls"), STRINGS),
    "LogConfig": Struct("container.LogConfig", {"Type": STRING, "Config": STRINGS}),
    "PortBindings": MapOf(_BINDINGS, "nat.PortMap"),
    "ConsoleSize": FREE,
    "OomScoreAdj": INT,
    "ShmSize": _INT64,
    "Mounts": ListOf(_MOUNT),
}
_RESOURCES: dict[str, Kind] = {
    **dict.fromkeys(
        (
            "CpuShares",
            "Memory",
            "NanoCpus",
            "CpuPeriod",
            "CpuQuota",
            "CpuRealtimePeriod",
            "CpuRealtimeRuntime",
            "KernelMemory",
            "KernelMemoryTCP",
            "MemoryReservation",
            "MemorySwap",
            "MemorySwappiness",
            "PidsLimit",
            "CpuCount",
            "CpuPercent",
        ),
        _INT64,
    ),
    **dict.fromkeys(("IOMaximumIOps", "IOMaximumBandwidth"), Scalar("uint64", int)),
    "BlkioWeight": Scalar("uint16", int),
    **dict.fromkeys(("CgroupParent", "CpusetCpus", "CpusetMems"), STRING),
    "OomKillDisable": BOOL,
    "DeviceCgroupRules": _LIST,
    **dict.fromkeys(
        (
            "BlkioWeightDevice",
            "BlkioDeviceReadBps",
            "BlkioDeviceWriteBps",
            "BlkioDeviceReadIOps",
            "BlkioDeviceWriteIOps",
            "Devices",
            "DeviceRequests",
            "Ulimits",
        ),
        FREE,
    ),
}


def _config(
    name: str,
    health: str,
    policy: Scalar,
    config_part: str = "",
    host_part: str = "",
    *,
    newer: bool = False,
) -> Struct:
    """What a container is made of.

    Args:
        name: of the whole.
        health: the name of what a health check is read into.
        policy: the name of a restart policy.
        config_part: the part that holds the configuration of a container.
        host_part: the part of the host's configuration that limits it.
        newer: addresses and ports are looked at, and lists of words are nothing else.
    """
    restart = Struct("container.RestartPolicy", {"Name": policy, "MaximumRetryCount": INT})
    own = {**_HOST_FIELDS, **(_NEW_HOST_FIELDS if newer else {}), "RestartPolicy": restart}
    host = Struct("container.HostConfig", {**own, **_RESOURCES}, host_part, tuple(own))
    networking = _networking(_NEW_ENDPOINT if newer else _ENDPOINT)
    beside: dict[str, Kind] = {"HostConfig": host, "NetworkingConfig": networking}
    own_fields = {**_CONFIG_FIELDS, **(_NEW_CONFIG_FIELDS if newer else {})}
    fields = {**own_fields, "Healthcheck": Struct(health, _HEALTH_FIELDS), **beside}
    return Struct(name, fields, config_part, tuple(beside), unnamed=True)


_WRAPPER, _POLICY = "runconfig.ContainerConfigWrapper", Scalar("container.RestartPolicyMode", str)
CONFIG = ByVersion(
    _config(_WRAPPER, "container.HealthConfig", STRING),
    {
        "26.0": _config(_WRAPPER, "v1.HealthcheckConfig", _POLICY, "Config", "Resources"),
        "28.0": _config("container.CreateRequest", "v1.HealthcheckConfig", _POLICY),
        "29.0": _config("container.CreateRequest", "v1.HealthcheckConfig", _POLICY, newer=True),
    },
)
"""A container that is to be made."""

COMMITTED = ByVersion(
    CONFIG.first,
    {
        **CONFIG.changes,
        "29.0": Struct(
            "container.commitRequest",
            {
                **_CONFIG_FIELDS,
                **_NEW_CONFIG_FIELDS,
                "Healthcheck": Struct("v1.HealthcheckConfig", _HEALTH_FIELDS),
            },
        ),
    },
)
"""The configuration of an image that is made of a container."""

_UPDATE_FIELDS: dict[str, Kind] = {
    **_RESOURCES,
    "RestartPolicy": Struct("container.RestartPolicy", {"Name": STRING, "MaximumRetryCount": INT}),
}
UPDATE = ByVersion(
    Struct("container.UpdateConfig", _UPDATE_FIELDS),
    {
        "26.0": Struct("container.UpdateConfig", _UPDATE_FIELDS, "Resources", ("RestartPolicy",)),
        "28.0": Struct("container.UpdateConfig", _UPDATE_FIELDS),
    },
)
"""What of a container is to be changed."""

_EXEC_FIELDS: dict[str, Kind] = {
    **dict.fromkeys(("User", "DetachKeys", "WorkingDir"), STRING),
    **dict.fromkeys(
        ("Privileged", "Tty", "AttachStdin", "AttachStdout", "AttachStderr", "Detach"), BOOL
    ),
    **dict.fromkeys(("Env", "Cmd"), _LIST),
}
_SIZE: dict[str, Kind] = {"ConsoleSize": ListOf(Scalar("uint", int), "[2]uint")}
EXEC = ByVersion(
    Struct("types.ExecConfig", _EXEC_FIELDS),
    {
        "26.0": Struct("types.ExecConfig", {**_EXEC_FIELDS, **_SIZE}),
        "28.0": Struct("container.ExecOptions", {**_EXEC_FIELDS, **_SIZE}),
        "29.0": Struct("container.ExecCreateRequest", {**_EXEC_FIELDS, **_SIZE}),
    },
)
"""A command that is to run in a container."""

_START_FIELDS: dict[str, Kind] = {"Detach": BOOL, "Tty": BOOL}
EXEC_START = ByVersion(
    Struct("types.ExecStartCheck", _START_FIELDS),
    {
        "26.0": Struct("types.ExecStartCheck", {**_START_FIELDS, **_SIZE}),
        "28.0": Struct("container.ExecStartOptions", {**_START_FIELDS, **_SIZE}),
        "29.0": Struct("container.ExecStartRequest", {**_START_FIELDS, **_SIZE}),
    },
)
"""How such a command is to start."""
