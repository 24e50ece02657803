"""The ways to a BuildKit daemon, in the spellings that `buildctl --addr` takes.

https://github.com/moby/buildkit#expose-buildkit-as-a-tcp-service and its `client/connhelper`.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from imagebuilders.connections.address import (
    Address,
    AddressError,
    Scheme,
    hide_password,
    parse_address,
    refuse_shell_syntax,
)
from imagebuilders.connections.dial import Endpoint
from imagebuilders.connections.ssh import ssh_command
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.lazy_dataclass import dataclass

ALPN = ("h2",)

DIAL = ("buildctl", "dial-stdio")
"""The command, where a daemon is, whose standard input and output lead to it."""

_SCHEMES = "unix://, tcp://, ssh://, docker-container:// or kube-pod://"
_KUBERNETES_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


@dataclass(frozen=True)
class DaemonAddress:
    """Where a daemon is, and how it is reached.

    Attributes:
        text: the address as it was written, without a password.
        endpoint: what a connection is opened to; `None` for one in a container of an engine.
        container: the container's name or ID.
        context: the Docker context of its engine; the engine that is found by default.
    """

    text: str
    endpoint: Endpoint | None = None
    container: str = ""
    context: str = ""


def parse_daemon_address(text: str, tls: TLSFiles | None = None) -> DaemonAddress:
    """Read an address of a daemon.

    Args:
        text: `unix:///path`, `tcp://host:port`, `ssh://[user@]host[:port][/socket]`,
            `docker-container://name[?context=…]`, or
            `kube-pod://pod[?context=…&namespace=…&container=…]`.
        tls: the files for TLS over TCP; without any, TLS is not spoken.

    Raises:
        AddressError: it is malformed, or of a kind that cannot be used.
    """
    text = text.strip()
    refuse_shell_syntax(text)
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise AddressError(f"its kind is missing; begin it with {_SCHEMES}")
    shown = hide_password(text)
    match scheme:
        case "unix":
            if not rest:
                raise AddressError("the path of the socket is missing")
            return DaemonAddress(shown, Endpoint(parse_address(text)))
        case "tcp":
            return DaemonAddress(shown, _tcp(text, tls))
        case "ssh":
            return DaemonAddress(shown, _ssh(parse_address(text)))
        case "docker-container":
            name, found = _named(rest, "container", _CONTAINER_NAME, ("context",))
            return DaemonAddress(shown, container=name, context=found.get("context", ""))
        case "kube-pod":
            return DaemonAddress(shown, _kube_pod(rest))
        case _:
            raise AddressError(f"{scheme}:// is not supported; use {_SCHEMES}")


def _tcp(text: str, tls: TLSFiles | None) -> Endpoint:
    address = parse_address(text, tls=tls is not None)
    if urlsplit(text).port is None:
        raise AddressError("the port is missing, as in tcp://buildkitd:1234")
    if address.path:
        raise AddressError("there is no path behind a host")
    return Endpoint(address, tls, alpn=ALPN)


def _ssh(address: Address) -> Endpoint:
    socket = ["--addr", f"unix://{address.path}"] if address.path else []
    command = ssh_command(address, [DIAL[0], *socket, *DIAL[1:]])
    return Endpoint(address, command=command)


def _kube_pod(rest: str) -> Endpoint:
    pod, found = _named(rest, "pod", _KUBERNETES_NAME, ("context", "namespace", "container"))
    for key in ("namespace", "container"):
        if key in found and not _KUBERNETES_NAME.fullmatch(found[key]):
            raise AddressError(f"{found[key]!r} is not the name of a {key}")
    return kube_pod_endpoint(pod, **found)


def kube_pod_endpoint(
    pod: str, *, context: str = "", namespace: str = "", container: str = "", kubeconfig: str = ""
) -> Endpoint:
    """Return what leads to the daemon in a pod, by `kubectl exec`.

    Args:
        pod: the pod's name.
        context: the context of kubectl's settings; its current one by default.
        namespace: the pod's namespace; that of the context by default.
        container: the container in the pod; its first one by default.
        kubeconfig: the file of kubectl's settings.
    """
    flags = kubectl_flags(context=context, namespace=namespace, kubeconfig=kubeconfig)
    where = [f"--container={container}"] if container else []
    command = ["kubectl", *flags, "exec", *where, "-i", pod, "--", *DIAL]
    return Endpoint(Address(Scheme.COMMAND, path=" ".join(command)), command=command)


def kubectl_flags(*, context: str = "", namespace: str = "", kubeconfig: str = "") -> list[str]:
    """Return the flags that say which cluster and namespace `kubectl` is to speak of."""
    given = {"kubeconfig": kubeconfig, "context": context, "namespace": namespace}
    return [f"--{name}={value}" for name, value in given.items() if value]


def _named(
    rest: str, what: str, pattern: re.Pattern[str], keys: tuple[str, ...]
) -> tuple[str, dict[str, str]]:
    """Return the name behind `://`, and the settings behind its `?`."""
    name, _, query = rest.partition("?")
    name = name.rstrip("/")
    if not name:
        raise AddressError(f"the name of the {what} is missing")
    if not pattern.fullmatch(name):
        raise AddressError(f"{name!r} is not the name of a {what}")
    found = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(found.keys() - set(keys))
    if unknown:
        raise AddressError(f"{unknown[0]!r} is not a setting of it; there is {', '.join(keys)}")
    if any("\0" in value or value.startswith("-") for value in found.values()):
        raise AddressError("a value begins with a hyphen, or holds a null character")
    return name, {key: value for key, value in found.items() if value}
