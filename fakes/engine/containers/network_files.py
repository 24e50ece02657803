"""What an engine mounts into a container when it runs: its name, hosts, and name servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...shell.places import MemoryFiles
from ...shell.system_folders import common_hosts, hosts_file, memory_file
from ..networks.store import NetworkStore
from ..versions import EngineVersion
from .connections import shown
from .container import Container

_SERVERS = "nameserver 127.0.0.11\noptions ndots:0\n"


def network_files(networks: NetworkStore, container: Container) -> dict[str, MemoryFiles]:
    """Return the files by their places, of a container that is in its networks."""
    now = networks.state.clock() // 10**9
    hosts = [*engine_hosts(networks.state.version), *_hosts(networks, container)]
    return mounted_network_files(hosts, container.config.hostname, now)


def mounted_network_files(
    hosts: Iterable[tuple[str, str]], hostname: str, now: int
) -> dict[str, MemoryFiles]:
    """Return the files by their places.

    Args:
        hosts: addresses and names.
        hostname: the container's name for itself.
        now: seconds since the epoch.
    """
    return {
        "etc/hosts": hosts_file(hosts, now),
        "etc/hostname": memory_file(f"{hostname}\n", now),
        "etc/resolv.conf": memory_file(_SERVERS, now),
    }


def engine_hosts(version: EngineVersion) -> list[tuple[str, str]]:
    """Return the addresses and names that every container of an engine has."""
    return common_hosts(is_long=version < "26.0")


def added_host(pair: str) -> tuple[str, str]:
    """Return address and name of a pair as in `db:10.0.0.5`."""
    name, _, address = pair.replace("=", ":", 1).partition(":")
    return address.strip("[]"), name


def _hosts(networks: NetworkStore, container: Container) -> Iterator[tuple[str, str]]:
    for pair in container.host_config.get("ExtraHosts") or []:
        yield added_host(str(pair))
    for alias, other in (container.links or {}).items():
        for name in other.networks:
            if address := str(shown(networks, other, name)["IPAddress"]):
                yield address, f"{alias} {other.config.hostname} {other.name}"
    for name in container.networks:
        if address := str(shown(networks, container, name)["IPAddress"]):
            yield address, container.config.hostname
