"""What values of all parts of the package show of themselves, and what they keep back."""

from __future__ import annotations

import dataclasses

import pytest
from package_parts import dataclasses_of, modules_of

from imagebuilders import events

HIDDEN = {
    "auth.DockerConfigFile": {"auths", "http_headers", "proxies"},
    "auth.Credentials": {"password", "identity_token", "registry_token"},
    "auth.Finished": {"output", "errors"},
    "aws.BuildPlan": {"command", "variables"},
    "aws._Token": {"credentials"},
    "bake.Target": {"args"},
    "bake.TargetBuild": {"options"},
    "build_options.BuildJob": {"keychain", "proxies", "emit", "before_buildkit"},
    "build_request.BuildRequest": {"keychain", "tell", "explanation", "credentials"},
    "buildkit.ImageBuild": {"secrets", "masked", "dockerfile_content", "inputs"},
    "buildkit.BuildRecord": {"attributes"},
    "buildkit.RemotePlan": {"masked"},
    "cache_misses.StepInputs": {"code"},
    "connections.Endpoint": {"extra_headers"},
    "context.ContextSnapshot": {"folder", "notices"},
    "context.FoundDockerfile": {"content"},
    "context.RemoteSource": {"address", "archive"},
    "control_files.ControlFile": {"content", "status"},
    "distribution._Token": {"text"},
    "distribution.StoredManifest": {"content"},
    "distribution.Request": {"url", "headers", "body"},
    "docker._EngineOfSDK": {"headers"},
    "docker.BuiltImage": {"log"},
    "docker.ClassicRequest": {"entries"},
    "dockerfile.Dockerfile": {"lines", "stages"},
    "evaluation.BuildPlan": {"context"},
    "evaluation.StepResult": {"layer", "tree"},
    "evaluation.StageResult": {"base"},
    "inspection.StoredImage": {"blobs", "content"},
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


UNHASHED = {
    "inspection.ImageDescription": {"annotations"},
    "distribution.Challenge": {"parameters"},
    "evaluation.ResolveOptions": {"build_args", "labels", "named_contexts"},
    "oci.Descriptor": {"annotations", "unknown"},
    "oci.ContainerConfig": {"labels", "unknown"},
    "oci.HistoryEntry": {"unknown"},
    "oci.ImageConfig": {"unknown"},
    "oci.Manifest": {"annotations", "unknown"},
    "oci.Index": {"annotations", "unknown"},
    "oci.Platform": {"unknown"},
    "oci.TarEntry": {"records"},
}
"""Mappings in values that may be members of sets and keys of mappings themselves."""


@pytest.mark.parametrize("path", UNHASHED)
def test_values_with_mappings_can_be_hashed(path: str) -> None:
    """Their mappings count when two are compared, but are left out of the hash."""
    part, _, name = path.partition(".")
    (found,) = {vars(module)[name] for module in modules_of(part) if name in vars(module)}
    fields = {field.name: field for field in dataclasses.fields(found)}
    assert {name for name in fields if fields[name].hash is False} == UNHASHED[path]
    assert all(fields[name].compare for name in UNHASHED[path])


SURROUNDINGS = {
    "ContextProgress": {"name", "step_id", "total"},
    "StepAdded": {"inputs", "stage", "step_id"},
    "StepStarted": {"inputs", "stage", "started_at", "step_id"},
    "StepCached": {"step_id"},
    "StepOutput": {"step_id", "stream"},
    "StepProgress": {"step_id"},
    "StepFinished": {"ended_at", "started_at", "step_id"},
    "BuildFinished": {"cached_steps", "digest", "seconds", "size", "steps"},
    "LayerProgress": {"step_id"},
    "Notice": {"line", "rule", "step_id", "url"},
    "CacheMissed": {"line", "stage", "step_id", "subjects"},
}
"""What events tell of time and place."""


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_events_are_compared_by_what_happened(name: str) -> None:
    """Not by when and in which step, so that two builds can be compared."""
    fields = dataclasses.fields(getattr(events, name))
    assert {field.name for field in fields if not field.compare} == SURROUNDINGS[name]


CHANGING = frozenset(
    {
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
        "evaluation.image_draft.ImageDraft",
        "evaluation.mount_fields.MountFields",
        "evaluation.outline._Notes",
        "evaluation.stages.Command",
        "evaluation.stages.StageState",
        "many_builds._Ended",
        "many_builds._Work",
        "report.recorder._HeardBuild",
        "report.recorder._HeardStep",
    }
)
"""What is put together, or counts, while something goes on."""


def test_values_cannot_be_changed() -> None:
    """All others are frozen: they are equal, and may be keys, as long as they live."""
    told = dataclasses_of("imagebuilders")
    assert {name for name, parameters in told.items() if not parameters.frozen} == CHANGING
