"""What the SDK can ask for and the double does not have: 501, and the route's name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import docker.errors
import docker.types
import pytest
from docker.api.client import APIClient
from docker.api.config import ConfigApiMixin
from docker.api.plugin import PluginApiMixin
from docker.api.secret import SecretApiMixin
from docker.api.service import ServiceApiMixin
from docker.api.swarm import SwarmApiMixin
from sdk_coverage import SdkTable

from fakes import FakeDockerClient, FakeDockerEngine

sdk = SdkTable(SwarmApiMixin, PluginApiMixin, SecretApiMixin, ConfigApiMixin, ServiceApiMixin)

_TASK: dict[str, Any] = {"ContainerSpec": {"Image": "x"}}
_CALLS: dict[str, Callable[[Any], object]] = {
    "SwarmApiMixin.init_swarm": lambda api: api.init_swarm(),
    "SwarmApiMixin.join_swarm": lambda api: api.join_swarm(["127.0.0.1"], "t"),
    "SwarmApiMixin.update_node": lambda api: api.update_node("n", 1),
    "PluginApiMixin.configure_plugin": lambda api: api.configure_plugin("p", {"a": "b"}),
    "PluginApiMixin.disable_plugin": lambda api: api.disable_plugin("p"),
    "PluginApiMixin.enable_plugin": lambda api: api.enable_plugin("p"),
    "PluginApiMixin.plugin_privileges": lambda api: api.plugin_privileges("p"),
    "PluginApiMixin.pull_plugin": lambda api: list(api.pull_plugin("p", [])),
    "PluginApiMixin.push_plugin": lambda api: api.push_plugin("p"),
    "PluginApiMixin.remove_plugin": lambda api: api.remove_plugin("p"),
    "PluginApiMixin.upgrade_plugin": lambda api: list(api.upgrade_plugin("p", "q", [])),
    "ServiceApiMixin.update_service": lambda api: api.update_service("s", 1, _TASK),
}

# An engine outside a swarm says so itself.
_SWARM_ONLY: dict[str, Callable[[Any], object]] = {
    "SwarmApiMixin.inspect_swarm": lambda api: api.inspect_swarm(),
    "SwarmApiMixin.nodes": lambda api: api.nodes(),
    "SecretApiMixin.secrets": lambda api: api.secrets(),
    "ConfigApiMixin.configs": lambda api: api.configs(),
    "ServiceApiMixin.services": lambda api: api.services(),
    "ServiceApiMixin.tasks": lambda api: api.tasks(),
    "SwarmApiMixin.get_unlock_key": lambda api: api.get_unlock_key(),
    "SwarmApiMixin.inspect_node": lambda api: api.inspect_node("n"),
    "SwarmApiMixin.remove_node": lambda api: api.remove_node("n"),
    "SwarmApiMixin.unlock_swarm": lambda api: api.unlock_swarm("k"),
    "SwarmApiMixin.update_swarm": lambda api: api.update_swarm(1),
    "SecretApiMixin.create_secret": lambda api: api.create_secret("s", b"x"),
    "SecretApiMixin.inspect_secret": lambda api: api.inspect_secret("s"),
    "SecretApiMixin.remove_secret": lambda api: api.remove_secret("s"),
    "ConfigApiMixin.create_config": lambda api: api.create_config("c", b"x"),
    "ConfigApiMixin.inspect_config": lambda api: api.inspect_config("c"),
    "ConfigApiMixin.remove_config": lambda api: api.remove_config("c"),
    "ServiceApiMixin.create_service": lambda api: api.create_service(_TASK),
    "ServiceApiMixin.inspect_service": lambda api: api.inspect_service("s"),
    "ServiceApiMixin.inspect_task": lambda api: api.inspect_task("t"),
    "ServiceApiMixin.remove_service": lambda api: api.remove_service("s"),
    "ServiceApiMixin.service_logs": lambda api: api.service_logs("s"),
}


def _refused(api: APIClient, engine: FakeDockerEngine, call: Callable[[Any], object]) -> None:
    with pytest.raises(docker.errors.APIError) as caught:
        call(api)
    asked = engine.requests[-1]
    assert caught.value.status_code == 501
    assert caught.value.explanation == (
        f"the engine double does not implement {asked.method} {asked.path}"
    )


@sdk.covers(*_CALLS)
@pytest.mark.parametrize("method", _CALLS)
def test_a_request_is_refused_by_name(
    client: FakeDockerClient, engine: FakeDockerEngine, method: str
) -> None:
    """Swarms, plugins and their like are answered with 501, method and path."""
    _refused(client.api, engine, _CALLS[method])


@sdk.covers(*_SWARM_ONLY)
@pytest.mark.parametrize("method", _SWARM_ONLY)
def test_what_only_a_swarm_has(client: FakeDockerClient, method: str) -> None:
    """What only a swarm has is refused in the engine's own words."""
    with pytest.raises(docker.errors.APIError, match="not a swarm manager") as caught:
        _SWARM_ONLY[method](client.api)
    assert caught.value.status_code == 503


@sdk.covers("SwarmApiMixin.leave_swarm")
def test_there_is_no_swarm_to_leave(client: FakeDockerClient) -> None:
    """The engine says so."""
    with pytest.raises(docker.errors.APIError, match="not part of a swarm") as caught:
        client.api.leave_swarm()
    assert caught.value.status_code == 503


@sdk.covers("PluginApiMixin.plugins", "PluginApiMixin.inspect_plugin")
def test_there_are_no_plugins(client: FakeDockerClient) -> None:
    """The list is empty, and no name is one."""
    api: Any = client.api
    assert api.plugins() == []
    with pytest.raises(docker.errors.NotFound, match='plugin "p" not found'):
        api.inspect_plugin("p")


@sdk.covers("PluginApiMixin.create_plugin")
def test_a_plugin_is_not_made(
    client: FakeDockerClient, engine: FakeDockerEngine, tmp_path: Path
) -> None:
    """Its folder is sent, and refused as all else of plugins."""
    (tmp_path / "config.json").write_text("{}")
    _refused(client.api, engine, lambda api: api.create_plugin("p", str(tmp_path)))


@sdk.covers("SwarmApiMixin.create_swarm_spec")
def test_a_swarms_description_needs_no_engine(
    client: FakeDockerClient, engine: FakeDockerEngine
) -> None:
    """The SDK makes it alone."""
    before = len(engine.requests)
    spec = client.api.create_swarm_spec(snapshot_interval=1)
    assert spec["Raft"]["SnapshotInterval"] == 1
    assert len(engine.requests) == before


def test_every_method_has_a_row() -> None:
    """The table names what the installed SDK has, no more and no less."""
    sdk.check()


class _Sdk:
    """A class of an SDK with one public method."""

    def known(self) -> None:
        """Do something."""

    def _private(self) -> None: ...


@pytest.mark.parametrize(
    ("rows", "since", "words"),
    [
        (["_Sdk.known"], "", None),
        ([], "", "public methods without a row here: _Sdk.known. Add a test"),
        (["_Sdk.known", "_Sdk.gone"], "", "does not have: _Sdk.gone"),
        (["_Sdk.known", "_Sdk.new"], "7.1", "does not have: _Sdk.new"),
        (["_Sdk.known", "_Sdk.new"], "999.0", None),
    ],
)
def test_the_table_is_compared_with_the_sdk(rows: list[str], since: str, words: str | None) -> None:
    """Both ways; what a later version brings may be missing from an older one."""
    table = SdkTable(_Sdk)
    for row in rows:
        table.covers(row, since=since)
    with pytest.raises(pytest.fail.Exception, match=words) if words else nullcontext():
        table.check()
