"""Containers as the API shows them."""

from __future__ import annotations

from typing import Any

from ... import go_text
from ..errors import ApiError
from ..images.config_forms import LEFT_OUT
from ..images.content_store import BLOCK, has_content
from .connections import listed
from .container import Container
from .health import NONE, STARTING
from .links import shown_links
from .network_settings import network_settings
from .ports import port_lines
from .store import ContainerStore


def state(containers: ContainerStore, container: Container) -> dict[str, Any]:
    """The state of a container."""
    shown: dict[str, Any] = {
        "Status": container.status,
        "Running": container.running,
        "Paused": container.status == "paused",
        "Restarting": container.status == "restarting",
        "OOMKilled": False,
        "Dead": False,
        "Pid": container.pid if container.running else 0,
        "ExitCode": container.exit_code,
        "Error": container.error,
        "StartedAt": _time(container.started),
        "FinishedAt": _time(container.finished),
    }
    if containers.lifecycle.health(container) != NONE and container.health is not None:
        shown["Health"] = container.health.to_json()
    return shown


def _time(value: int | None) -> str:
    return go_text.ZERO_TIME if value is None else go_text.rfc3339(value)


def inspect(
    containers: ContainerStore, container: Container, api: str | None = None, *, size: bool = False
) -> dict[str, Any]:
    """What `GET /containers/{id}/json` says to a client of a version of the API."""
    folder = f"/var/lib/docker/containers/{container.id}"
    ran = container.started is not None
    command = container.command
    storage = f"/var/lib/docker/overlay2/{container.id}"
    shown: dict[str, Any] = {
        "Id": container.id,
        "Created": go_text.rfc3339(container.created),
        "Path": command[0] if command else "",
        "Args": command[1:],
        "State": state(containers, container),
        "Image": container.image,
        "ResolvConfPath": f"{folder}/resolv.conf" if ran else "",
        "HostnamePath": f"{folder}/hostname" if ran else "",
        "HostsPath": f"{folder}/hosts" if ran else "",
        "LogPath": f"{folder}/{container.id}-json.log" if ran else "",
        "Name": f"/{container.name}",
        "RestartCount": container.restarts,
        "Driver": "overlayfs" if has_content(containers.state) else "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": list(container.execs) or None,
        "HostConfig": _host_config(containers, container),
        "GraphDriver": {
            "Data": {
                "LowerDir": f"{storage}-init/diff",
                "MergedDir": f"{storage}/merged",
                "UpperDir": f"{storage}/diff",
                "WorkDir": f"{storage}/work",
            },
            "Name": "overlay2",
        },
        "Mounts": container.mounts,
        "Config": container.config.to_json(LEFT_OUT.of(containers.state.version)),
        "NetworkSettings": network_settings(containers.networks, container, api),
    }
    if containers.state.version.speaks(api, "1.52"):
        shown["Config"].pop("MacAddress", None)
    if has_content(containers.state):
        _as_content(containers, container, shown, api)
    if size:
        shown |= _sizes(containers, container)
    return shown


def _as_content(
    containers: ContainerStore, container: Container, shown: dict[str, Any], api: str | None
) -> None:
    """Change a document to what containerd's store has: a snapshot, of a manifest."""
    speaks = containers.state.version.speaks
    if speaks(api, "1.52"):
        del shown["GraphDriver"]
        shown["Storage"] = {"RootFS": {"Snapshot": {"Name": "overlayfs"}}}
    else:
        shown["GraphDriver"] = {"Data": None, "Name": "overlayfs"}
    if speaks(api, "1.48") and (descriptor := _manifest(containers, container)):
        shown["ImageManifestDescriptor"] = descriptor


def _manifest(containers: ContainerStore, container: Container) -> dict[str, Any] | None:
    """The descriptor of the manifest that a container was made of."""
    image = containers.images.get(container.image)
    if image is None:
        return None
    if container.manifest is not None and image.index is not None:
        listed = image.index.parsed.get("manifests") or []
        return next((e for e in listed if e["digest"] == container.manifest.digest), None)
    platform = {"architecture": image.parsed.get("architecture"), "os": image.parsed.get("os")}
    described = {**image.own_manifest.described(), "platform": platform}
    if image.own_manifest.notes:
        return described
    for name in containers.images.tags_of(image.id)[:1]:
        full = f"{name.full_repository}:{name.tag}" if name.tag else str(name)
        notes = {"io.containerd.image.name": full}
        if name.tag:
            notes["org.opencontainers.image.ref.name"] = name.tag
        described["annotations"] = notes
    return described


def _host_config(containers: ContainerStore, container: Container) -> dict[str, Any]:
    shown = {**container.host_config, "Links": shown_links(container)}
    if containers.state.version >= "29.0" and shown.get("PortBindings") is None:
        shown["PortBindings"] = {}
    return shown


def _sizes(containers: ContainerStore, container: Container) -> dict[str, int]:
    """How much a container wrote, and all that is in it."""
    overlay = container.overlay
    if overlay is None:
        return {"SizeRw": 0, "SizeRootFs": 0}
    own = [f for path, f in overlay.tree.items() if overlay.lower.get(path) != f]
    sizes = {"SizeRw": sum(len(file.data) for file in own)}
    if has_content(containers.state):
        # A snapshot takes whole blocks, one for its own folder.
        sizes["SizeRw"] = BLOCK * (1 + sum(max(1, -(-len(file.data) // BLOCK)) for file in own))
    sizes["SizeRootFs"] = sum(len(file.data) for file in overlay.tree.values())
    return sizes


def summary(
    containers: ContainerStore, container: Container, api: str | None = None, *, size: bool
) -> dict[str, Any]:
    """One line of a container list, for a client of a version of the API."""
    line: dict[str, Any] = {
        "Id": container.id,
        "Names": sorted([f"/{container.name}", *containers.link_names(container)]),
        "Image": _shown_image(containers, container),
        "ImageID": container.image,
        "Command": _shown_command(container),
        "Created": container.created // 1_000_000_000,
        "Ports": port_lines(container, containers.state.version),
    }
    if size:
        line |= {name: number for name, number in _sizes(containers, container).items() if number}
    line |= {
        "Labels": container.config.labels or {},
        "State": container.status,
        "Status": _status(containers, container),
        "HostConfig": {"NetworkMode": container.host_config.get("NetworkMode") or "default"},
        "NetworkSettings": {"Networks": listed(containers.networks, container)},
        "Mounts": [_listed_mount(container, mount) for mount in container.mounts],
    }
    if has_content(containers.state) and containers.state.version.speaks(api, "1.48"):
        line["ImageManifestDescriptor"] = _manifest(containers, container)
    if containers.state.version.speaks(api, "1.52"):
        line["Health"] = _listed_health(containers, container)
    return line


def _listed_health(containers: ContainerStore, container: Container) -> dict[str, Any]:
    """Of a container's health how it is, and how often in a row it was bad."""
    status, health = containers.lifecycle.health(container), container.health
    failing = 0 if status == NONE or health is None else health.to_json()["FailingStreak"]
    return {"Status": status, "FailingStreak": failing}


def _listed_mount(container: Container, mount: dict[str, Any]) -> dict[str, Any]:
    """A mount in a list, which learns of a nameless volume's place when the container starts."""
    if container.started is None and mount["Destination"] in container.unplaced:
        return {**mount, "Source": ""}
    return mount


def _shown_image(containers: ContainerStore, container: Container) -> str:
    """The image's name as it was asked for, its id once the name means another."""
    try:
        found = containers.images.find(container.image_name)
    except ApiError:
        return container.image
    return container.image_name if found.id == container.image else container.image


def _shown_command(container: Container) -> str:
    command = container.command
    if not command:
        return ""
    rest = [f"'{word}'" if " " in word else word for word in command[1:]]
    return " ".join([command[0], *rest])


def _status(containers: ContainerStore, container: Container) -> str:
    now = containers.state.clock()
    if container.status == "created":
        return "Created"
    ended = now - (container.finished or now)
    if container.status == "exited":
        return f"Exited ({container.exit_code}) {_ago(ended)} ago"
    if container.status == "restarting":
        return f"Restarting ({container.exit_code}) {_ago(ended)} ago"
    detail = ""
    if container.status == "paused":
        detail = " (Paused)"
    elif (health := containers.lifecycle.health(container)) != NONE:
        detail = f" ({'health: ' if health == STARTING else ''}{health})"
    return f"Up {_ago(now - (container.started or now))}{detail}"


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
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    days = hours // 24
    if days < 14:
        return f"{days} days"
    if days < 60:
        return f"{days // 7} weeks"
    return f"{days // 30} months" if days < 730 else f"{days // 365} years"
