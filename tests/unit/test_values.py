"""What values of all parts of the package show of themselves, and what they keep back."""

from __future__ import annotations

import dataclasses

import pytest
from package_parts import modules_of

HIDDEN = {
    "auth.DockerConfigFile": {"auths", "http_headers", "proxies"},
    "auth.Credentials": {"password", "identity_token", "registry_token"},
    "auth.Finished": {"output", "errors"},
    "bake.Target": {"args"},
    "bake.TargetBuild": {"options"},
    "build_options.BuildJob": {"keychain", "proxies", "emit", "before_buildkit"},
    "build_request.BuildRequest": {"keychain", "tell", "explanation"},
    "buildkit.ImageBuild": {"secrets", "masked", "dockerfile_content", "inputs"},
    "buildkit.BuildRecord": {"attributes"},
    "buildkit.RemotePlan": {"masked"},
    "cache_misses.StepInputs": {"code"},
    "connections.Endpoint": {"extra_headers"},
    "context.FoundDockerfile": {"content"},
    "context.RemoteSource": {"address", "archive"},
    "control_files.ControlFile": {"content", "status"},
    "distribution._Token": {"text"},
    "distribution.StoredManifest": {"content"},
    "distribution.Request": {"url", "headers", "body"},
    "docker._EngineOfSDK": {"headers"},
    "docker.EngineContext": {"dockerfile_content"},
    "oci.Descriptor": {"data"},
    "proxies.Proxy": {"authorization"},
    "stack.EnvironmentSettings": {"variables"},
    "stack.Settings": {"_from_variables"},
    "stack.StackFile": {"content", "raw"},
}
"""What may have a secret or a whole file in it."""


@pytest.mark.parametrize("path", HIDDEN)
def test_secrets_are_not_shown(path: str) -> None:
    """Neither a log nor a traceback shows them: they are left out of the representation."""
    part, _, name = path.partition(".")
    (found,) = {vars(module)[name] for module in modules_of(part) if name in vars(module)}
    shown = {field.name for field in dataclasses.fields(found) if field.repr}
    assert not HIDDEN[path] & shown
