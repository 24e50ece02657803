"""What all dataclasses of the package have in common: they are values, unless they hold a state."""

from __future__ import annotations

import dataclasses
import pkgutil
from functools import cache
from importlib import import_module

import imagebuilders

STATES = {
    "bake.overrides._Setting",
    "buildkit.progress._Moment",
    "buildkit.steps.Step",
    "buildkit.transport.calls._Call",
    "buildkit.transport.http2._Outgoing",
    "cache_misses.told_steps.ToldStep",
    "cli.build_command._Noted",
    "cli.context_tree.Node",
    "cli.live_rows.Row",
    "cli.progress_plain._Running",
    "context.extra_files.ExtraFiles",
    "docker.build_steps.Step",
    "docker.connection._Borrowed",
    "dockerfile.parser._Joined",
    "dockerfile.shell_reader._Frame",
    "many_builds._Ended",
    "many_builds._Work",
}
"""What changes while a build, a connection or a reading goes on."""

HIDDEN = {
    "auth.config_file.DockerConfigFile": {"auths", "http_headers", "proxies"},
    "auth.credentials.Credentials": {"password", "identity_token", "registry_token"},
    "auth.helper_process.Finished": {"output", "errors"},
    "bake.target.Target": {"args"},
    "bake.tasks.TargetBuild": {"options"},
    "build_options.job.BuildJob": {"keychain", "proxies", "emit", "before_buildkit"},
    "build_request.BuildRequest": {"keychain", "tell", "explanation"},
    "buildkit.build.ImageBuild": {"secrets", "masked", "dockerfile_content", "inputs"},
    "buildkit.build_records.BuildRecord": {"attributes"},
    "buildkit.remote_sources.RemotePlan": {"masked"},
    "cache_misses.step_inputs.StepInputs": {"code"},
    "connections.dial.Endpoint": {"extra_headers"},
    "context.dockerfile_lookup.FoundDockerfile": {"content"},
    "context.remote.RemoteSource": {"address", "archive"},
    "control_files.ControlFile": {"content", "status"},
    "distribution.authorization._Token": {"text"},
    "distribution.manifests.StoredManifest": {"content"},
    "distribution.transport.Request": {"url", "headers", "body"},
    "docker.client_source._EngineOfSDK": {"headers"},
    "docker.context_files.EngineContext": {"dockerfile_content"},
    "oci.descriptor.Descriptor": {"data"},
    "proxies.Proxy": {"authorization"},
    "stack.environment.EnvironmentSettings": {"variables"},
    "stack.settings.Settings": {"_from_variables"},
    "stack.stack_file.StackFile": {"content", "raw"},
}
"""What may have a secret or a whole file in it."""


@cache
def _dataclasses() -> dict[str, type]:
    return {
        f"{module.name.partition('.')[2]}.{name}": value
        for module in pkgutil.walk_packages(imagebuilders.__path__, "imagebuilders.")
        if not module.name.endswith("__main__")
        for name, value in vars(import_module(module.name)).items()
        if isinstance(value, type)
        and dataclasses.is_dataclass(value)
        and value.__module__ == module.name
    }


def test_values_cannot_be_changed() -> None:
    """A dataclass is frozen, so that it may be shared between threads; others hold a state."""
    changeable = {
        name
        for name, cls in _dataclasses().items()
        if not cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    }
    assert changeable == STATES


def test_secrets_are_not_shown() -> None:
    """Neither a log nor a traceback shows them: they are left out of the representation."""
    every = _dataclasses()
    for name, fields in HIDDEN.items():
        shown = {field.name for field in dataclasses.fields(every[name]) if field.repr}
        assert not fields & shown, name
