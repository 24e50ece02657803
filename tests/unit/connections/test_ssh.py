"""The command that reaches an engine by ssh."""

from __future__ import annotations

import pytest

from imagebuilders.connections.address import parse_address
from imagebuilders.connections.ssh import docker_dial_command, ssh_command

DIAL = "docker system dial-stdio"


@pytest.mark.parametrize(
    ("address", "before", "host", "remote"),
    [
        ("ssh://far", [], "far", DIAL),
        ("ssh://me@far:2222", ["-l", "me", "-p", "2222"], "far", DIAL),
        ("ssh://me@[fe80::1]", ["-l", "me"], "fe80::1", DIAL),
        ("ssh://-oProxyCommand=x", [], "-oProxyCommand=x", DIAL),
        ("ssh://-oX@far", ["-l", "-oX"], "far", DIAL),
        ("ssh://far/run/x.sock", [], "far", "docker --host=unix:///run/x.sock system dial-stdio"),
        ("ssh://far/a;b", [], "far", "docker '--host=unix:///a;b' system dial-stdio"),
    ],
)
def test_command(address: str, before: list[str], host: str, remote: str) -> None:
    """It is docker's own; nothing of an address is taken for an option or for shell text."""
    expected = ["ssh", *before, "-o", "ConnectTimeout=30", "-T", "--", host, remote]
    assert docker_dial_command(parse_address(address)) == expected


def test_another_command() -> None:
    """Arguments are quoted for the shell at the host."""
    command = ssh_command(parse_address("ssh://far"), ["buildctl", "--addr", "a b", "dial-stdio"])
    assert command[-1] == "buildctl --addr 'a b' dial-stdio"
